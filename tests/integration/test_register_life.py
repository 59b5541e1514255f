"""The life of a unit in the register, with the real programs: applied for, waiting, registered, renamed, moved, merged,
closed; and what totals, expected counts, completeness and growth say at each step."""

import csv
import io
import json
import unittest

import parktally
import stranger
from stranger import Report, digest, pb

GOOD, USAGE, BAD, LATER = 0, 64, 65, 75
WHY = "六月投产的新企业，营业执照正在办理"
HEADER = "uscc,period,output,sales"


class Life(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator(parktally.small_catalogue())
        self.city.import_register([parktally.unit("A1", "east"), parktally.unit("W1", "west")])
        self.city.start()
        self.agents = {}

    def park(self, area="east"):
        if area not in self.agents:
            self.agents[area] = parktally.enrol(self.city, area, self.folder / area)
        return self.agents[area]

    def stranger(self, area="east"):
        agent = stranger.enrol(self.city, area)
        self.addCleanup(agent.close)
        return agent

    def push(self, *rows, code=GOOD, area="east", header=HEADER):
        path = self.folder / "月报.csv"
        path.write_text("\n".join((header, *rows)) + "\n")
        return self.park(area).command("push", path, "--approved-by", "张三", "--wait", code=code)

    def apply(self, unit="新1", *options, code=GOOD, area="east"):
        return self.park(area).command("apply", unit, "--class", "code", "--name", "新企业", "--text", WHY, "--by", "李四", *options,
                                       code=code)

    def applications(self, *options):
        text = self.city.command("applications", "--format", "csv", *options).out
        return list(csv.DictReader(io.StringIO(text)))

    def own(self, area="east"):
        out = self.park(area).command("applications", "--format", "json", code=GOOD).out
        return {line["unit"]: (line["state"], line["reason"]) for line in map(json.loads, out.splitlines())}

    def verdicts(self, area="east"):
        """How many of the park's reports are counted, wait, were overtaken and refused, as it knows after asking."""
        self.own(area)
        status = json.loads(self.park(area).command("status", "--format", "json", code=GOOD).out)
        return tuple(status[key] for key in ("counted", "waiting_for_base", "stale", "refused"))

    @staticmethod
    def told(agent, id_):
        """What is said of a submission's reports now."""
        return [(refusal.rule, refusal.verdict, refusal.expected) for refusal in agent.refusals(id_).refusal]

    def output(self, area="zone", period="2018-05"):
        line = self.city.total(area, period, "output")
        return line["value"], line["reported"], line["expected"]


class Applications(Life):
    def test_what_makes_no_application_is_said(self):
        park = self.park()
        for words in (["新1"], ["新1", "--class", "code"], ["新1", "--class", "code", "--name", "新"],
                      ["新1", "--class", "code", "--name", "新", "--text", WHY],
                      ["新1", "--class", "code", "--name", "新", "--text", WHY, "--by", "李", "--from", "五月"]):
            with self.subTest(words=words):
                park.command("apply", *words, code=USAGE)
        self.assertIn("application.class", park.command("apply", "新1", "--class", "none", "--name", "新", "--text", WHY, "--by", "李", code=BAD).out)
        self.assertIn("application.class", park.command("apply", "新1", "--class", "enterprise", "--name", "新", "--text", WHY, "--by", "李", code=BAD).out)
        self.assertIn("application.registered", self.apply("A1", code=BAD).out)
        self.apply()
        self.assertIn("application.pending", self.apply(code=BAD).out)
        self.assertEqual([(line["number"], line["unit"], line["state"]) for line in self.applications("--all")], [("1", "新1", "pending")])
        for words in (("decline", "1"), ("decline", "x", "--reason", "R"), ("decline", "2", "--reason", "R"), ("applications", "--area", "nowhere")):
            with self.subTest(words=words):
                self.city.command(*words, code=USAGE)
        self.assert_sound(self.city)

    def test_without_an_application_the_report_of_an_unknown_unit_is_refused(self):
        self.assertIn("unit.unknown", self.push("新1,2018-05,10,10", "A1,2018-05,1,1", code=BAD).out)
        _, receipt = self.stranger().report("monthly", "2018-05", [Report("新2", {"output": 7})])
        self.assertEqual([(refusal.rule, refusal.verdict) for refusal in receipt.refusal], [("unit.unknown", pb.VERDICT_REFUSED)])
        self.assertEqual(self.output("east"), ("1.0", "1", "1"))

    def test_the_figures_wait_by_name_and_count_once_the_unit_is_registered(self):
        self.apply("新1", "--from", "2018-05-01", "--industry", "3610")
        said = self.push("新1,2018-05,10,10", "A1,2018-05,1,1", code=LATER).out
        self.assertIn("unit.waiting", said)
        self.assertIn("1 counted", said)
        self.assertEqual(self.output("east"), ("1.0", "1", "1"))
        (line,) = self.applications()
        self.assertEqual([line[key] for key in ("area", "unit", "name", "class", "industry", "from", "text", "applied_by", "waiting")],
                         ["east", "新1", "新企业", "code", "3610", "2018-05-01", WHY, "李四", "monthly 2018-05"])
        self.assertEqual(self.own(), {"新1": ("pending", "")})
        self.assertEqual(self.own("west"), {})
        self.assertEqual(self.verdicts(), (1, 1, 0, 0))
        self.city.import_register([parktally.unit("新1", "east", from_="2018-05-01")])
        self.assertEqual(self.output("east"), ("11.0", "2", "2"))
        self.assertEqual(self.output(), ("11.0", "2", "3"))
        self.assertEqual(self.applications(), [])
        self.assertEqual(self.applications("--all")[0]["state"], "registered")
        self.assertEqual(self.own(), {"新1": ("registered", "")})
        self.assertEqual(self.verdicts(), (2, 0, 0, 0))
        self.push("新1,2018-05,12,10")  # on the base that waited
        self.assertEqual(self.output("east"), ("13.0", "2", "2"))
        self.assert_sound(self.city)

    def test_a_declined_application_ends_the_waiting_and_another_may_follow(self):
        self.apply()
        self.push("新1,2018-05,10,10", code=LATER)
        self.city.command("decline", 1, "--reason", "不在四至范围内")
        self.assertEqual(self.own(), {"新1": ("declined", "不在四至范围内")})
        self.assertEqual(self.verdicts(), (0, 0, 0, 1))
        self.city.command("decline", 1, "--reason", "again", code=USAGE)
        said = self.push("新1,2018-05,11,10", code=BAD).out
        self.assertIn("unit.unknown", said)
        self.assertRegex(said, "月报.csv, sent earlier: .*the report waited, and was refused .*\\[report.waited\\]")
        self.city.import_register([parktally.unit("新1", "east")])  # too late for what was refused
        self.assertEqual(self.output("east"), ("", "0", "2"))
        self.push("新1,2018-05,10,10")  # the same figures, sent again, count
        self.assertEqual(self.output("east"), ("10.0", "1", "2"))
        self.assert_sound(self.city)

    def test_sent_again_it_gets_the_same_receipt_before_and_after_it_counts(self):
        self.apply()
        east = self.stranger()
        sealed = east.sealed("monthly", "2018-05", [Report("新1", {"output": 7})])
        first = east.receipt_bytes(sealed)
        self.assertEqual([(refusal.rule, refusal.verdict) for refusal in east.read_receipt(first).refusal],
                         [("unit.waiting", pb.VERDICT_WAITING_UNIT)])
        self.assertEqual(east.receipt_bytes(sealed), first)
        self.city.import_register([parktally.unit("新1", "east")])
        self.assertEqual(east.receipt_bytes(sealed), first)
        self.assertEqual(self.output("east"), ("0.7", "1", "2"))

    def test_corrections_that_wait_are_counted_in_their_order_and_bad_ones_refused(self):
        self.apply()
        east = self.stranger()
        late_base = digest(east.sealed("monthly", "2018-05", [Report("新1", {"output": 50})])[104:])  # sealed, not sent
        first, receipt = east.report("monthly", "2018-05", [Report("新1", {"output": 70})])
        self.assertEqual(receipt.waiting, 1)
        second, receipt = east.report("monthly", "2018-05", [Report("新1", {"output": 80}, base=first)])
        self.assertEqual(receipt.waiting, 1)
        others = [east.report("monthly", "2018-05", [report])[0] for report in (
            Report("新1", {"output": 90}, base=late_base), Report("新1", {"output": 80}, base=first),
            Report("新1", {"output": 85}, base=first), Report("新1", base=second))]
        self.assertEqual(self.told(east, first), [("unit.waiting", pb.VERDICT_WAITING_UNIT, "")])
        self.city.import_register([parktally.unit("新1", "east")])
        self.assertEqual(self.output("east"), ("8.0", "1", "2"))
        self.assertEqual([self.told(east, id_) for id_ in (first, second, *others)], [
            [("report.waiting", pb.VERDICT_COUNTED, "")], [("report.waiting", pb.VERDICT_COUNTED, "")],
            [("report.waiting", pb.VERDICT_WAITING, late_base.hex())], [("report.unchanged", pb.VERDICT_UNCHANGED, "")],
            [("report.stale", pb.VERDICT_STALE, second.hex())], [("report.waited", pb.VERDICT_REFUSED, "")]])
        self.assertEqual(east.report("monthly", "2018-05", [Report("新1", {"output": 81}, base=second)])[1].counted, 1)
        self.assert_sound(self.city)

    def test_a_correction_that_comes_before_what_it_corrects_waits_for_both(self):
        self.apply()
        east = self.stranger()
        first = east.sealed("monthly", "2018-05", [Report("新1", {"output": 70})])
        correction = [Report("新1", {"output": 80}, base=digest(first[104:]))]
        self.assertEqual(east.report("monthly", "2018-05", correction)[1].waiting, 1)
        self.assertEqual(east.read_receipt(east.receipt_bytes(first)).waiting, 1)
        self.city.import_register([parktally.unit("新1", "east")])
        self.assertEqual(self.output("east"), ("8.0", "1", "2"))
        self.assert_sound(self.city)

    def test_what_is_registered_from_a_later_day_on_leaves_the_reports_before_it_waiting(self):
        self.apply()
        self.push("新1,2018-04,10,10", "新1,2018-05,20,20", code=LATER)
        self.city.import_register([parktally.unit("新1", "east", from_="2018-05-01")])
        self.assertEqual((self.output("east", "2018-04")[0], self.output("east")[0]), ("", "20.0"))
        self.assertEqual(self.applications("--all")[0]["waiting"], "monthly 2018-04")
        self.city.import_register([parktally.unit("新1", "east", from_="2018-04-01")])
        self.assertEqual(self.output("east", "2018-04"), ("10.0", "1", "2"))
        self.assertEqual(self.applications("--all")[0]["waiting"], "")
        self.assert_sound(self.city)

    def test_another_park_s_registration_does_not_let_it_go_and_a_restart_forgets_nothing(self):
        self.apply()
        self.push("新1,2018-05,10,10", code=LATER)
        self.city.import_register([parktally.unit("新1", "west")])
        self.city.stop()
        self.city.start()
        self.assertEqual(self.output(), ("", "0", "3"))
        self.assertEqual(len(self.applications()), 1)
        self.city.import_register([parktally.unit("新1", "east;west")])
        self.assertEqual(self.output(), ("10.0", "1", "3"))
        self.city.stop()
        self.city.command("rebuild")
        self.city.command("rebuild", "--check")
        self.assertEqual(self.output(), ("10.0", "1", "3"))



class OneUnit(Life):
    """From its application to its end, a month each. A1 and W1 stay as they are and report 1 a month."""

    TEMPORARY, LICENSED, MERGED = "临9", parktally.uscc(7), parktally.uscc(8)

    def setUp(self):
        super().setUp()
        self.city.import_register([parktally.unit(unit, area, from_="2017-01-01", name=f"旧名{unit}") for unit, area in (("A1", "east"), ("W1", "west"))])
        for area, unit in (("east", "A1"), ("west", "W1")):
            self.push(*(f"{unit},{year}-{month:02},1,1" for year in (2017, 2018) for month in range(5, 10)), area=area)

    def causes(self, area, period):
        """Cause → (value, units) of what is not nothing."""
        text = self.city.command("totals", "--yoy", "--causes", "--format", "csv", "--area", area, "--period", period,
                                 "--indicator", "output", "--slice", "all").out
        return {line["cause"]: (line["value"], int(line["units"])) for line in csv.DictReader(io.StringIO(text))
                if int(line["units"]) or line["value"] not in ("", "0.0")}

    def missing(self, period):
        text = self.city.command("completeness", "--format", "json", "--missing", "all", "--form", "monthly", "--period", period).out
        return [(line["unit"], line["name"]) for line in json.loads(text)]

    def register(self, unit, area, since, **changes):
        self.city.import_register([parktally.unit(unit, area, from_=since, class_="code" if unit == self.TEMPORARY else "enterprise", **changes)])

    def assert_moved(self, period, before, now):
        """A year ago it was in the east and had another code; now it is in the west. The zone only sees it grow."""
        moved, grown = f"{before}.0", f"{now - before}.0"
        self.assertEqual(self.causes("east", period), {"before": (f"{before + 1}.0", 2), "moved": ("-" + moved, 1), "grown": ("0.0", 1), "now": ("1.0", 1)})
        self.assertEqual(self.causes("west", period), {"before": ("1.0", 1), "moved": (moved, 1), "grown": (grown, 2), "now": (f"{now + 1}.0", 2)})
        self.assertEqual(self.causes("zone", period), {"before": (f"{before + 2}.0", 3), "grown": (grown, 3), "now": (f"{now + 2}.0", 3)})

    def test_it_is_followed_through_its_whole_life(self):
        # applied for, and registered under the code that it has until its licence comes
        self.apply(self.TEMPORARY, "--from", "2017-05-01")
        self.push(*(f"{self.TEMPORARY},2017-{month:02},{50 + 10 * month},1" for month in range(5, 9)), code=LATER)
        self.assertEqual(self.output(period="2017-05"), ("2.0", "2", "2"))
        self.register(self.TEMPORARY, "east", "2017-05-01", name="筹建中")
        self.assertEqual(self.output(period="2017-05"), ("102.0", "3", "3"))
        self.assertEqual(self.output("east", "2017-04"), ("", "0", "1"))
        self.assertEqual(self.missing("2017-09"), [(self.TEMPORARY, "筹建中")])

        # its licence: another code succeeds, the temporary one is closed
        self.register(self.TEMPORARY, "east", "2018-05-01", status="关闭")
        self.register(self.LICENSED, "east", "2018-05-01", succeeds=self.TEMPORARY, name="新能源")
        self.assertEqual(self.output(period="2018-05"), ("2.0", "2", "3"))
        self.assertEqual(self.missing("2018-05"), [(self.LICENSED, "新能源")])
        self.push(f"{self.LICENSED},2018-05,150,1")
        self.assertEqual(self.output(period="2018-05"), ("152.0", "3", "3"))
        self.assertEqual(self.output(period="2017-05"), ("102.0", "3", "3"))
        self.assertEqual(self.causes("east", "2018-05"), {"before": ("101.0", 2), "grown": ("50.0", 2), "now": ("151.0", 2)})
        self.assertEqual(self.causes("zone", "2018-05"), {"before": ("102.0", 3), "grown": ("50.0", 3), "now": ("152.0", 3)})

        # it moves to the other park, under another name
        self.register(self.LICENSED, "west", "2018-06-01", succeeds=self.TEMPORARY, name="新能源西厂")
        self.assertEqual([self.output(area, "2018-06") for area in ("east", "west", "zone")], [("1.0", "1", "1"), ("1.0", "1", "2"), ("2.0", "2", "3")])
        self.assertEqual(self.missing("2018-06"), [(self.LICENSED, "新能源西厂")])
        self.assertIn("unit.elsewhere", self.push(f"{self.LICENSED},2018-06,160,1", code=BAD).out)
        self.push(f"{self.LICENSED},2018-06,160,1", area="west")
        self.assert_moved("2018-06", 110, 160)

        # it is merged into a new one
        self.register(self.LICENSED, "west", "2018-07-01", status="关闭")
        self.register(self.MERGED, "west", "2018-07-01", succeeds=self.LICENSED, name="合并后")
        self.push(f"{self.MERGED},2018-07,170,1", area="west")
        self.assertEqual(self.output("west", "2018-07"), ("171.0", "2", "2"))
        self.assert_moved("2018-07", 120, 170)

        # and closed
        self.register(self.MERGED, "west", "2018-08-01", status="关闭")
        self.assertEqual(self.output(period="2018-08"), ("2.0", "2", "2"))
        self.assertEqual(self.missing("2018-08"), [])
        for area, others in (("east", 1), ("zone", 2)):
            self.assertEqual(self.causes(area, "2018-08"), {"before": (f"{others + 130}.0", others + 1), "left": ("-130.0", 1),
                                                            "grown": ("0.0", others), "now": (f"{others}.0", others)})
        self.assertEqual(self.causes("west", "2018-08"), {"before": ("1.0", 1), "grown": ("0.0", 1), "now": ("1.0", 1)})
        self.assert_sound(self.city)

    def test_each_period_s_output_has_the_name_of_then(self):
        self.register(self.LICENSED, "east", "2017-01-01", name="旧厂")
        self.register(self.LICENSED, "east", "2018-06-01", name="新厂")
        self.assertEqual((self.missing("2018-05"), self.missing("2018-06")), ([(self.LICENSED, "旧厂")], [(self.LICENSED, "新厂")]))
        self.push(f"{self.LICENSED},2018-05,5,1", f"{self.LICENSED},2018-06,6,1")
        for period, name in (("2018-05", "旧厂"), ("2018-06", "新厂")):
            text = self.city.command("export", "reports", "--format", "csv", "--form", "monthly", "--period", period).out
            self.assertIn(name, text)
            self.city.command("ask", "--area", "east", "--form", "monthly", "--period", period, "--unit", self.LICENSED, "--reason", "请核实")
        table = self.city.command("inquiries").out
        self.assertRegex(table, r"2018-05 +\S+ 旧厂")
        self.assertRegex(table, r"2018-06 +\S+ 新厂")

    def test_who_reports_is_changed_and_the_totals_follow(self):
        def both(**changes):
            self.register(self.LICENSED, "east;west", "2017-01-01", **changes)
        both(reporter="west")
        self.push(f"{self.LICENSED},2018-05,10,1")
        self.assertEqual(self.output()[0], "12.0")  # the other park's, while its reporter is silent
        self.push(f"{self.LICENSED},2018-05,20,1", area="west")
        self.assertEqual([self.output(area)[0] for area in ("east", "west", "zone")], ["21.0", "21.0", "22.0"])
        both(reporter="east")
        self.assertEqual([self.output(area)[0] for area in ("east", "west", "zone")], ["11.0", "11.0", "12.0"])
        both()
        self.assertEqual(self.output(), ("12.0", "3", "3"))  # who came first
        both(reporter="west")
        self.assertEqual(self.output(), ("22.0", "3", "3"))
        self.register(self.LICENSED, "east", "2017-01-01")
        self.assertEqual([self.output(area)[0] for area in ("east", "west", "zone")], ["11.0", "1.0", "12.0"])
        self.assert_sound(self.city)


if __name__ == "__main__":
    unittest.main()
