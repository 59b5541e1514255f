"""Publication with the real programs: editions that nothing touches afterwards, and what they must not tell."""

import csv
import io
import json
import unittest
import zipfile

import parktally
from stranger import Report, Stranger

GOOD, USAGE, BAD = 0, 64, 65
CONSENT = "  consents: {zh: 书面同意, en: Consented}\n"
MARGIN = "  margin: {zh: 产销比, en: Output to sales, measure: \"%\", decimals: 2, kind: ratio, ratio: {numerator: output, denominator: sales, scale: 100}}\n"
PUBLICATION = "publication: {consent: consents}\n\nmeasures:"


def catalogue():
    return parktally.small_catalogue(flags=CONSENT, indicators=MARGIN).replace("measures:", PUBLICATION, 1)


class Publication(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator(catalogue())
        units = [parktally.unit(f"E{n}", "east", clusters="cars" if n < 4 else "") for n in range(1, 8)]
        units += [parktally.unit(f"W{n}", "west", clusters="cars") for n in range(1, 6)]
        units += [parktally.unit("S1", "south"), parktally.unit("S2", "south")]
        self.city.import_register(units)
        self.city.start()
        self.agents = {}
        for area in ("east", "west", "south"):
            self.agents[area] = Stranger(self.city.invite(area)).connect()
            self.addCleanup(self.agents[area].close)

    def report(self, area, figures, period="2018-05", base=b""):
        """Reports of units by code: {code: (month, January to the month)}. Returns the submission's id."""
        ident, receipt = self.agents[area].report("monthly", period, [
            Report(unit, {"output": month, "sales": month, "sales.ytd": year}, base=base)
            for unit, (month, year) in sorted(figures.items())])
        self.assertEqual(receipt.counted, len(figures), receipt)
        return ident

    def report_all(self, period="2018-05", month=100, year=500, times=1):
        """Units differ by their numbers, in the cumulative figure so many times."""
        ids = {}
        for area, count in (("east", 7), ("west", 5), ("south", 2)):
            ids[area] = self.report(area, {f"{area[0].upper()}{n}": (month + n, year + times * n) for n in range(1, count + 1)}, period)
        return ids

    def publish(self, *options, period="2018-05", code=GOOD):
        return self.city.command("period", "publish", "--form", "monthly", "--period", period, *options, code=code)

    def edition(self, number):
        """(area, indicator, slice, span) → row of what is exported of it."""
        text = self.city.command("export", "editions", "--edition", number, "--format", "csv").out
        rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
        return {(row["area"], row["indicator"], row["slice"], row["span"]): row for row in rows}

    def export(self, number, form="json"):
        lines = self.city.command("export", "editions", "--edition", number, "--format", form).out
        return [line for line in lines.splitlines() if "made_at" not in line]


    def workbook(self, *topics):
        """All that its parts say."""
        path = self.folder / "book.xlsx"
        self.city.command("export", *topics, "--format", "xlsx", "--output", path)
        with zipfile.ZipFile(path) as book:
            return "".join(book.read(name).decode() for name in book.namelist())

    def basis(self, number):
        """(leaves, catalogue) that the exported JSON says."""
        table, = json.loads(self.city.command("export", "editions", "--edition", number, "--format", "json").out)
        return table["ledger_leaves"], table["catalogue_hash"]


class Editions(Publication):
    def test_an_edition_is_what_was_known_then_whatever_comes_after(self):
        self.assertIn("nobody has reported", self.publish(code=USAGE).err)
        ids = self.report_all()
        said = self.publish().out
        self.assertIn("Edition 1: 2018-05 of Monthly, provisional (P)", said)
        first = self.export(1)
        first_basis = self.basis(1)
        row = self.edition(1)["zone", "output", "all", "PERIOD"]
        self.assertEqual((row["value"], row["reported"], row["status"], row["confidentiality"], row["vintage"]),
                         ("144.6", "14", "P", "F", "P"))

        self.report("east", {"E1": (301, 701)}, base=ids["east"])  # after it
        self.city.command("period", "close", "--form", "monthly", "--period", "2018-05")
        self.assertIn("final (F)", self.publish().out)
        self.assertEqual(self.edition(2)["zone", "output", "all", "PERIOD"]["value"], "164.6")
        self.assertEqual(self.edition(2)["zone", "output", "all", "PERIOD"]["status"], "A")
        self.city.command("period", "reopen", "--form", "monthly", "--period", "2018-05", "--area", "west", "--reason", "更正")
        self.assertIn("close it first", self.publish(code=USAGE).err)
        self.report("west", {"W1": (201, 601)}, base=ids["west"])
        self.city.command("period", "close", "--form", "monthly", "--period", "2018-05", "--area", "west")
        self.assertIn("revised (R)", self.publish().out)

        self.assertEqual(self.export(1), first)
        self.assertEqual(self.basis(1), first_basis)
        listed = json.loads(self.city.command("editions", "--format", "json").out)
        self.assertEqual(listed[0]["leaves"], first_basis[0])
        self.assertIn("may leave the bureau", self.workbook("editions"))
        self.assertIn("For use inside the bureau", self.workbook("editions", "totals"))
        self.assertEqual([(line["edition"], line["period"], line["vintage"]) for line in listed],
                         [(1, "2018-05", "P"), (2, "2018-05", "F"), (3, "2018-05", "R")])
        self.assertEqual(json.loads(self.city.command("editions", "--form", "yearly", "--format", "json").out), [])
        then = self.city.total("zone", "2018-05", "output", "all", "--as-of", "edition:1")["value"]
        self.assertEqual(then, "144.6")
        told = self.city.command("explain", "zone", "output", "2018-05", "--between", "edition:1", "edition:3", "--format", "csv").out
        changes = {line["unit"]: line["change"] for line in csv.DictReader(io.StringIO(told)) if line["line"] == "unit"}
        self.assertEqual(changes, {"E1": "20.0", "W1": "10.0"})
        self.assertIn("no edition “9”", self.city.command("totals", "--as-of", "edition:9", code=USAGE).err)
        self.assertIn("there is no edition 9", self.city.command("export", "editions", "--edition", "9", "--format", "csv", code=USAGE).err)
        self.assert_sound(self.city)
        self.city.stop()
        self.city.command("rebuild")
        self.city.start()
        self.assertEqual(self.export(1), first)

    def test_where_there_is_no_ratio_none_is_said_to_be_observed(self):
        self.report("east", {f"E{n}": (0, 500) for n in range(1, 8)})
        self.publish("--reason", "r")
        row = self.edition(1)["zone", "margin", "all", "PERIOD"]
        self.assertEqual((row["value"], row["status"], row["confidentiality"]), ("", "O", "F"))

    def test_what_is_missing_or_asked_about_is_published_for_a_reason_that_the_edition_says(self):
        self.report("east", {f"E{n}": (100 + n, 500) for n in range(1, 8)})
        refused = self.publish(code=USAGE).err
        self.assertIn("7 units are missing, S1 单位S1 before all", refused)
        self.assertIn("--reason R", refused)
        self.city.command("ask", "--area", "east", "--form", "monthly", "--period", "2018-05", "--unit", "E1", "--reason", "为何？")
        self.assertIn("1 inquiries are not settled, no. 1 about E1", self.publish("--reason", "  ", code=USAGE).err)
        self.publish("--reason", "市政府急需")
        self.assertEqual({row["reason"] for row in self.edition(1).values()}, {"市政府急需"})
        self.assertEqual(json.loads(self.city.command("editions", "--format", "json").out)[0]["reason"], "市政府急需")


    def test_what_few_reported_since_is_told_by_the_difference_so_it_needs_a_reason(self):
        self.report("east", {f"E{n}": (100 + n, 500) for n in range(1, 7)})
        self.publish("--reason", "r")
        self.report("east", {"E7": (777, 800)})
        self.city.command("period", "close", "--form", "monthly", "--period", "2018-05")
        for area, count in (("west", 5), ("south", 2)):  # who is missing needs a reason by itself
            self.city.import_register([parktally.unit(f"{area[0].upper()}{n}", area, status="关闭") for n in range(1, count + 1)])
        self.assertIn("since edition 1 only 1 more units have reported", self.publish(code=USAGE).err)
        self.publish("--reason", "终稿须含补报企业")
        self.publish()  # nobody has since


class Disclosure(Publication):
    def test_what_tells_of_too_few_does_not_leave_nor_follow(self):
        self.report_all()
        self.publish()
        rows = self.edition(1)
        for indicator, span in (("output", "PERIOD"), ("sales", "PERIOD"), ("sales", "YTD")):
            values = {area: rows[area, indicator, "all", span] for area in ("zone", "group", "east", "west", "south")}
            self.assertEqual((values["south"]["value"], values["south"]["confidentiality"], values["south"]["status"]), ("", "A", "Q"))
            self.assertNotEqual(values["zone"]["value"], "")  # the zone's goes last …
            self.assertEqual(values["group"]["confidentiality"], "D")  # … so zone − group must not tell of south …
            self.assertIn("D", (values["east"]["confidentiality"], values["west"]["confidentiality"]))  # … nor east + west
        # All of west is in the cluster, so all − cars of the zone is east's others and south.
        self.assertEqual(rows["west", "output", "cars", "PERIOD"]["value"], rows["west", "output", "all", "PERIOD"]["value"])
        self.assertEqual(rows["south", "output", "all", "PERIOD"]["reported"], "")  # two of them

    def test_who_consents_may_be_told_of(self):
        self.city.import_register([parktally.unit(unit, "south", flags="consents") for unit in ("S1", "S2")])
        self.report_all()
        self.publish()
        self.assertEqual(self.edition(1)["south", "output", "all", "PERIOD"]["value"], "20.3")

    def test_a_month_does_not_follow_from_two_cumulative_figures(self):
        self.report_all("2018-05", 100, 500)
        self.report_all("2018-06", 100, 600, times=2)  # = to May + June
        self.publish("--reason", "r", period="2018-05")
        self.publish("--reason", "r", period="2018-06")
        rows = self.edition(2)
        self.assertEqual(rows["south", "sales", "all", "PERIOD"]["confidentiality"], "A")
        self.assertEqual(rows["south", "sales", "all", "YTD"]["confidentiality"], "A")

    def test_a_month_does_not_follow_from_the_one_before_that_is_published_after_it(self):
        self.report_all("2018-04", 100, 40000)
        self.report("west", {f"W{n}": (9000 if n == 1 else n, 40000 + n + (9000 if n == 1 else n)) for n in range(1, 6)})
        self.publish("--reason", "r", period="2018-05")
        self.publish("--reason", "r", period="2018-04")
        may, april = (self.edition(number)["west", "sales", "all", span]["confidentiality"]
                      for number, span in ((1, "PERIOD"), (2, "YTD")))
        self.assertEqual((may, self.edition(1)["west", "sales", "all", "YTD"]["confidentiality"]), ("O", "F"))
        self.assertEqual(april, "D")

    def test_numbers_of_units_that_the_head_tells_are_no_secret(self):
        self.report("east", {f"E{n}": (100 + n, 500) for n in range(1, 8)})
        self.report("west", {f"W{n}": (100 + n, 500) for n in range(1, 6)})
        self.publish("--reason", "r")
        self.report("south", {f"S{n}": (100 + n, 500) for n in range(1, 3)})
        self.publish("--reason", "r")
        self.assertEqual({row["reported"] for (area, *_), row in self.edition(2).items() if area == "zone"}, {"14", "8"})
        self.assertEqual(self.edition(2)["south", "sales", "all", "PERIOD"]["reported"], "")

    def test_rules_are_configuration(self):
        (self.city.data / "aggregator.yaml").write_text("disclosure: {threshold: 1, n: 1, k: 100, p: 0}\n")
        self.city.reload("reload.done")
        self.report_all()
        self.publish()
        self.assertEqual({row["confidentiality"] for row in self.edition(1).values()}, {"F"})


if __name__ == "__main__":
    unittest.main()
