"""Who has reported and who is missing, with the real programs: `completeness` over a small year."""

import csv
import io
import json
import unittest

import parktally
from test_export import SdmxReader, lines_of
from stranger import Report, Stranger, digest, pb

GOOD, USAGE = 0, 64


def catalogue(**replaced):
    text = parktally.small_catalogue(**replaced)
    return text.replace("    january: separate\n", "    january: separate\n    due: {day: 10}\n    weighed_by: sales\n", 1)


REGISTER = [
    parktally.unit("A1", "east", name="甲一"),
    parktally.unit("A2", "east", name="甲二"),
    parktally.unit("A3", "east", name="甲三", status="停产"),  # stopped: it still owes
    parktally.unit("A4", "east", name="甲四", to="2018-05-20"),  # ended within the month: it may report and owes nothing
    parktally.unit("临1", "west", name="临一"),  # a code that it has until its licence comes
    parktally.unit("W1", "west", name="乙一", in_boundary="0"),
    parktally.unit("B1", "east;west", name="两园", reporter="west"),
    parktally.unit("M1", "east", name="迁", to="2018-04-30"),
    parktally.unit("M1", "south", name="迁", from_="2018-05-01"),
    parktally.unit("S1", "south", name="并", from_="2018-05-01", succeeds="S0"),
    parktally.unit("S0", "south", name="旧", to="2018-04-30"),
    parktally.unit("Z1", "south", name="关", status="关闭"),
]


class Completeness(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator(catalogue())
        self.city.import_register(REGISTER)
        self.city.start()
        self.parks = {}
        for area in ("east", "west", "south"):
            self.parks[area] = Stranger(self.city.invite(area)).connect()
            self.addCleanup(self.parks[area].close)

    def report(self, area, period, **sales):
        """Sales by unit; None is a nil report."""
        reports = [Report(unit, {} if value is None else {"sales": value, "output": 1},
                          kind=pb.REPORT_NIL if value is None else pb.REPORT_FIGURES) for unit, value in sales.items()]
        id_, receipt = self.parks[area].report("monthly", period, reports, columns=["output", "sales"])
        self.assertEqual(receipt.counted, len(reports), receipt)
        return id_

    def rows(self, *options):
        text = self.city.command("completeness", "--format", "csv", *options).out
        return {line["area"]: line for line in csv.DictReader(io.StringIO(text))}

    def missing(self, *options):
        text = self.city.command("completeness", "--format", "json", "--missing", "all", *options).out
        return json.loads(text)

    def counts(self, area, *names):
        line = self.rows("--form", "monthly", "--period", "2018-05")[area]
        return [line[name] for name in names]

    def april_and_may(self):
        self.report("east", "2018-04", A1=700, A2=200, A3=None, A4=5, M1=90, B1=40)
        self.report("west", "2018-03", B1=60)
        self.report("south", "2018-04", S0=30)
        self.report("east", "2018-05", A1=1, A4=2, B1=3)

    def test_nobody_has_reported_yet_and_all_are_missing(self):
        east = self.rows("--form", "monthly")["east"]
        self.assertEqual([east[name] for name in ("expected", "reported", "missing", "units_percent", "value_percent")],
                         ["4", "0", "4", "0.0", ""])
        self.assertEqual(self.city.command("completeness", "--period", "1999").code, GOOD)

    def test_what_makes_no_sense_is_refused_in_words(self):
        for words, expected in (
                (("--form", "weekly"), "weekly"), (("--area", "north"), "north"), (("--period", "Mai"), "no period"),
                (("--form", "monthly", "--period", "2018"), "expects a month"), (("--period", "2018-Q1"), "no form is asked"),
                (("--missing", "0"), "expected a number from 1, or all"), (("--missing", "-1"), "--missing"),
                (("--missing", "some"), "--missing"), (("--format", "xml"), "xml"), (("monthly",), "too many")):
            refused = self.city.command("completeness", *words, code=USAGE)
            self.assertIn(expected, refused.err, words)

    def test_each_unit_counts_once_in_every_area_that_counts_it(self):
        self.april_and_may()
        names = ("expected", "reported", "nil", "on_time", "late", "missing", "unexpected", "other_park", "value_unknown")
        # A1 A2 A3 B1; A4 has reported without owing
        self.assertEqual(self.counts("east", *names), ["4", "2", "0", "0", "2", "2", "1", "1", "1"])
        # 临1 W1 B1: B1's designated reporter is silent, the other park's report counts
        self.assertEqual(self.counts("west", *names), ["3", "1", "0", "0", "1", "2", "0", "1", "2"])
        self.assertEqual(self.counts("group", *names), ["5", "2", "0", "0", "2", "3", "1", "1", "2"])  # without W1
        self.assertEqual(self.counts("south", *names), ["2", "0", "0", "0", "0", "2", "0", "0", "0"])  # M1, S1; Z1 is closed
        self.assertEqual(self.counts("zone", *names), ["7", "2", "0", "0", "2", "5", "1", "1", "2"])
        self.assertEqual(self.counts("zone", "parks", "parks_reporting", "due"), ["3", "2", "2018-06-11 24:00"])
        total = self.city.total("zone", "2018-05", "output")
        self.assertEqual((total["reported"], total["expected"]), ("3", "7"))

    def test_shares_are_of_units_and_of_last_known_values(self):
        self.april_and_may()
        # A1 700, B1 40 of A1 700, A2 200, B1 40; A3's was nil
        self.assertEqual(self.counts("east", "units_percent", "value_percent"), ["50.0", "78.7"])
        # … and M1 90, S1 30 of its predecessor
        self.assertEqual(self.counts("zone", "units_percent", "value_percent"), ["28.6", "69.8"])

    def test_the_largest_missing_units_come_first_with_name_value_and_month(self):
        self.april_and_may()
        found = [(line["unit"], line["name"], line["parks"], line["status"], line["value"], line["last_period"])
                 for line in self.missing("--form", "monthly", "--period", "2018-05")]
        self.assertEqual(found, [
            ("A2", "甲二", "east", "正常", "200", "2018-04"), ("M1", "迁", "south", "正常", "90", "2018-04"),
            ("S1", "并", "south", "正常", "30", "2018-04"), ("A3", "甲三", "east", "停产", None, ""),
            ("W1", "乙一", "west", "正常", None, ""), ("临1", "临一", "west", "正常", None, "")])
        self.assertEqual([line["unit"] for line in self.missing("--form", "monthly", "--period", "2018-05", "--area", "zone")],
                         ["A2", "M1", "S1", "A3", "临1"])
        text = self.city.command("completeness", "--form", "monthly", "--period", "2018-05", "--area", "east", "--missing", "1").out
        self.assertRegex(text, r"East park +Monthly +2018-05 +2018-06-11 24:00 +4 +2 +0 +0 +2 +2 +50\.0 +78\.7\n")
        self.assertRegex(text, r"A2 +甲二 +east +Operating +Sales +200 +千元 +2018-04\n$")

    def export(self, *words):
        return self.city.command("export", *words, "--form", "monthly", "--period", "2018-05").out

    def test_what_is_exported_is_what_is_printed(self):
        self.april_and_may()
        lines = lines_of(self.export("completeness", "--format", "csv"))
        printed = list(self.rows("--form", "monthly", "--period", "2018-05").values())
        self.assertEqual([{name: line[name] for name in printed[0]} for line in lines], printed)
        self.assertEqual([line["area_name"] for line in lines if line["area"] == "east"], ["East park"])
        observed = SdmxReader(self.export("completeness", "--format", "sdmx-csv"))
        self.assertEqual(observed.dimensions, ["FREQ", "AREA", "FORM", "TIME_PERIOD"])
        self.assertEqual([(row["AREA"], row["OBS_VALUE"], row["EXPECTED"], row["COVERAGE_VALUE"]) for row in observed.rows],
                         [(line["area"], line["reported"], line["expected"], line["value_percent"]) for line in printed])
        missing = lines_of(self.export("missing", "--format", "csv", "--area", "zone"))
        self.assertEqual([(line["unit"], line["name"], line["value"], line["last_period"]) for line in missing], [
            ("A2", "甲二", "200", "2018-04"), ("M1", "迁", "90", "2018-04"), ("S1", "并", "30", "2018-04"),
            ("A3", "甲三", "", ""), ("临1", "临一", "", "")])

    def test_a_moment_of_the_past_reads_as_it_read_then(self):
        asked = ("--form", "monthly", "--format", "csv")
        self.april_and_may()
        before = self.city.command("completeness", *asked).out, self.missing(*asked[:2])
        then = self.city.position()
        self.report("east", "2018-05", A2=9, A3=None)
        self.report("east", "2018-06", A1=9)
        self.city.import_register([parktally.unit("A1", "west"), parktally.unit("A8", "east")])
        as_of = ("--as-of", f"@{then}")
        self.assertNotEqual(self.city.command("completeness", *asked).out, before[0])
        self.assertEqual(self.city.command("completeness", *asked, *as_of).out, before[0])
        self.assertEqual(self.missing(*asked[:2], *as_of), before[1])
        self.assertIn("no moment", self.city.command("completeness", "--as-of", "then", code=USAGE).err)

    def test_a_nil_report_is_no_silence_and_a_withdrawn_one_is(self):
        nil = self.report("west", "2018-05", 临1=None, W1=5)
        self.assertEqual(self.counts("west", "reported", "nil", "missing"), ["2", "1", "1"])
        self.parks["west"].report("monthly", "2018-05", [Report("W1", base=nil, kind=pb.REPORT_WITHDRAWAL)])
        self.assertEqual(self.counts("west", "reported", "nil", "missing"), ["1", "1", "2"])
        self.report("west", "2018-05", B1=8)
        self.assertEqual(self.counts("west", "reported", "other_park"), ["2", "0"])  # by its reporter

    def test_a_correction_is_counted_apart(self):
        first = self.report("west", "2018-05", W1=5)
        self.assertEqual(self.counts("west", "reported", "corrected"), ["1", "0"])
        self.parks["west"].report("monthly", "2018-05", [Report("W1", {"sales": 6}, base=first)])
        self.assertEqual(self.counts("west", "reported", "corrected"), ["1", "1"])

    def test_a_correction_of_the_register_changes_who_was_expected(self):
        self.assertEqual(self.counts("east", "expected"), ["4"])
        self.city.import_register([parktally.unit("A2", "east", status="关闭"), parktally.unit("A9", "east", from_="2018-06-01")])
        self.assertEqual(self.counts("east", "expected"), ["3"])
        self.assertEqual(self.rows("--form", "monthly", "--period", "2018-06")["east"]["expected"], "4")

    def test_a_flag_decides_who_owes_a_form(self):
        code = parktally.uscc(1)
        self.city.import_register([
            parktally.unit(code, "east", class_="enterprise", flags="above_scale"),
            parktally.unit(parktally.uscc(2), "east", class_="enterprise")])
        self.assertEqual([line["unit"] for line in self.missing("--form", "finance", "--period", "2018-05")], [code])
        forms = {line["form"] for line in self.missing("--period", "2018-05")}
        self.assertEqual(forms, {"monthly", "finance"})

    def test_what_is_known_does_not_go_back_further_than_a_year(self):
        self.report("east", "2017-05", A1=11)
        self.report("east", "2017-04", A2=12)
        known = {line["unit"]: line["value"] for line in self.missing("--form", "monthly", "--period", "2018-05")}
        self.assertEqual((known["A1"], known["A2"]), ("11", None))


if __name__ == "__main__":
    unittest.main()
