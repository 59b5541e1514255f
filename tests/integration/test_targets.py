"""Targets of the plan through the real programs: a year of a flow that is behind, on course and met, with a park missing."""

import csv
import io
import json
import unittest

import parktally
from stranger import Report, Stranger

USAGE = 64
CHINESE = parktally.environment(LC_ALL="C.UTF-8", LANGUAGE="zh_CN")

FIELDS = "zh: {zh}\n    en: {en}\n    population: {{zh: 全部, en: All}}\n    source: 示例\n    bureau: 示例局\n    measure: {measure}\n    {rest}\n"


def target(number, zh, en, measure, **keys):
    rest = "\n    ".join(f"{key}: {value}" for key, value in keys.items())
    return f"  {number}:\n    " + FIELDS.format(zh=zh, en=en, measure=measure, rest=rest)


# A flow of the months, growth of a yearly figure, a stock, a share of the city's, milestones, and one that is only watched.
TARGETS = (
    target(1, "销售", "Sales", "千元", area="zone", formula="value", numerator="[{indicator: sales, area: zone}]",
           direction="at_least", value=1200, stages="{2018: 1000, 2020: 1200}", per_park="true", parks="{east: {2018: 600}}",
           least_coverage=30)
    + target(2, "研发增长", "Research grows", '"%"', area="zone", formula="growth", numerator="[{indicator: research, area: zone}]",
             yearly="true", decimals=1, direction="above", value=0, stages="{2018: 0, 2019: 0, 2020: 0}", least_coverage=0)
    + target(3, "人数", "Staff", "人", area="zone", formula="value", numerator="[{indicator: staff, area: zone}]",
             direction="at_least", value=100, stages="{2018: 50, 2020: 100}", per_park="true")
    + target(4, "销售比重", "Share of sales", '"%"', area="zone", formula="ratio", numerator="[{indicator: sales, area: zone}]",
             denominator="[{indicator: sales, area: city}]", scale=100, decimals=1, direction="about", value=70, tolerance=1,
             per_park="true", least_coverage=0)
    + target(5, "规上企业", "Above scale", "家", area="group", formula="value", numerator="[{indicator: scaled, area: group}]",
             direction="at_least", value=2, per_park="true", parks="{east: {2018: 1}, west: {2020: 1}}")
    + target(6, "产值", "Output", "千元", area="zone", formula="value", numerator="[{indicator: output, area: zone}]",
             direction="tracked")
    + target(7, "规上销售", "Sales above scale", "千元", area="zone", formula="value",
             numerator="[{indicator: sales, area: zone, slice: above_scale}]", direction="tracked"))

E1, W1 = parktally.uscc(1), parktally.uscc(2)
REGISTER = [
    parktally.unit(E1, "east", class_="enterprise", flags="above_scale"), parktally.unit("E2", "east"),
    parktally.unit(W1, "west", class_="enterprise"), parktally.unit("S1", "south"), parktally.unit("S2", "south", from_="2018-04-01"),
    parktally.unit("C1", "city"),
]


class Targets(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator(parktally.small_catalogue(targets=TARGETS))
        self.city.import_register(REGISTER)
        self.city.start()
        self.parks, self.sent = {}, {}

    def park(self, area):
        if area not in self.parks:
            self.parks[area] = Stranger(self.city.invite(area)).connect()
            self.addCleanup(self.parks[area].close)
        return self.parks[area]

    def sales(self, area, period, **by_unit):
        """Sales since January, by unit."""
        base = self.sent.get((area, period), b"")  # what is sent again is a correction
        reports = [Report(unit, {"sales.ytd": value, "sales": 1, "staff": 20}, base=base) for unit, value in sorted(by_unit.items())]
        id_, receipt = self.park(area).report("monthly", period, reports, columns=["sales", "sales.ytd", "staff"])
        if receipt.counted:
            self.sent[area, period] = id_
        self.assertEqual(receipt.counted + receipt.unchanged, len(reports), receipt)

    def rows(self, *options):
        text = self.city.command("targets", "--format", "csv", *options).out
        return list(csv.DictReader(io.StringIO(text)))

    def row(self, number, period, area=None):
        options = ("--area", area) if area else ()
        found = [row for row in self.rows("--period", period, *options) if row["target"] == str(number)]
        if not area:
            found = found[:1]  # those of parks stand behind it
        self.assertEqual(len(found), 1, found)
        return found[0]

    def values(self, number, period, *names, area=None):
        row = self.row(number, period, area)
        return [row[name] for name in names]

    def last_year(self):
        """A fifth of last year's sales by March, 45 % by April."""
        for period, east, west, south in (("2017-03", 100, 60, 40), ("2017-04", 200, 140, 110), ("2017-12", 500, 300, 200)):
            self.sales("east", period, **{E1: east})
            self.sales("west", period, **{W1: west})
            self.sales("south", period, S1=south)

    # --- bad input ---

    def test_what_makes_no_sense_is_refused_in_words(self):
        for words, expected in ((("--area", "north"), "north"), (("--period", "x"), "“x” is no period"), (("zone",), "too many")):
            self.assertIn(expected, self.city.command("targets", *words, code=USAGE).err, words)

    def test_without_last_year_a_flow_has_no_share(self):
        for area, unit in (("east", E1), ("west", W1), ("south", "S1")):
            self.sales(area, "2018-03", **{unit: 100})
        row = self.row(1, "2018-03")
        self.assertEqual((row["standing"], row["status"], row["gap"], row["due"]), ("300", "not_measurable", "", ""))
        self.assertIn("no share of last year to compare with: nobody has reported Sales of Zone for 2017-03", row["reason"])
        self.assertEqual(self.values(1, "2018-05", "standing", "status"), ["", "not_measurable"])  # nobody has reported that
        for area, unit, value in (("east", E1, 600), ("west", W1, 300), ("south", "S1", 100)):
            self.sales(area, "2018-04", **{unit: value})
        self.assertEqual(self.values(1, "2018-04", "standing", "status", "reached", "reason"), ["1000", "met", "1", ""])
        for area, unit, values in (("east", E1, (0, 0)), ("west", W1, (0, 0)), ("south", "S1", (0, 0))):
            for period, value in zip(("2017-04", "2017-12"), values):
                self.sales(area, period, **{unit: value})
        self.sales("south", "2018-04", S1=99)
        self.assertIn("last year's figures give no share", self.row(1, "2018-04")["reason"])  # zero of zero

    # --- a year ---

    def test_a_flow_is_behind_then_on_course_then_met(self):
        self.last_year()
        for period, figures, expected in (
                # 20.0 % of 1000 is due by March, not a quarter: 199 is behind, and 200 on course
                ("2018-03", (99, 60, 40), ["199", "behind", "-1", "200", "20.0", "0"]),
                ("2018-03", (100, 60, 40), ["200", "on_course", "0", "200", "20.0", "0"]),
                ("2018-04", (300, 200, 100), ["600", "on_course", "150", "450", "45.0", "0"]),
                ("2018-05", (600, 300, 100), ["1000", "met", "0", "1000", "", "1"]),  # no May of last year, and none is needed
                ("2018-12", (600, 300, 99), ["999", "behind", "-1", "1000", "", "0"]),
                ("2018-12", (600, 300, 100), ["1000", "met", "0", "1000", "", "1"])):
            with self.subTest(period, figures=figures):
                for area, unit, value in zip(("east", "west", "south"), (E1, W1, "S1"), figures):
                    self.sales(area, period, **{unit: value})
                self.assertEqual(self.values(1, period, "standing", "status", "gap", "due", "due_share", "reached"), expected)
        self.assertEqual(self.values(3, "2018-12", "standing", "status"), ["60", "met"])  # a stock: its stage itself
        self.assertEqual(self.values(3, "2018-04", "standing", "status", "due_share"), ["60", "on_course", ""])
        self.assertEqual(self.values(6, "2018-12", "status"), ["not_measurable"])
        self.assert_sound(self.city)

    def test_a_flow_that_has_reached_the_year_s_stage_is_met_before_its_end(self):
        self.last_year()
        for area, unit, value in (("east", E1, 600), ("west", W1, 300), ("south", "S1", 100)):
            self.sales(area, "2018-04", **{unit: value})
        self.assertEqual(self.values(1, "2018-04", "status", "gap"), ["met", "550"])

    def test_growth_is_promised_for_every_year(self):
        for year, research in ((2017, 100), (2018, 90), (2019, 120)):
            self.park("east").report("yearly", str(year), [Report(E1, {"research": research})])
        self.assertEqual(self.values(2, "2018", "standing", "status"), ["-10.0", "behind"])
        row = self.row(2, "2019-06")
        self.assertEqual((row["standing"], row["status"], row["reached"]), ("33.3", "behind", "1"))
        self.assertIn("missed in 2018", row["reason"])
        self.assertEqual(self.values(2, "2020", "status"), ["not_measurable"])

    # --- who is missing ---

    def test_a_missing_park_is_estimated_beside_the_total_and_never_in_it(self):
        self.last_year()
        for period, east, west in (("2018-03", 100, 60), ("2018-04", 300, 180)):
            self.sales("east", period, **{E1: east})
            self.sales("west", period, **{W1: west})
        self.sales("south", "2018-03", S1=50)  # April is missing: 50 × (300 + 180) ÷ (100 + 60) = 150
        row = self.row(1, "2018-04")
        self.assertEqual([row[name] for name in ("standing", "estimate", "estimate_status", "estimated_units", "missing_units")],
                         ["480", "630", "E", "1", "3"])  # E2 has never reported, S2 is new
        self.assertEqual([row[name] for name in ("coverage_parks", "parks", "coverage_units", "coverage_value")],
                         ["2", "3", "40.0", "76.2"])  # 2 of 5; 160 of 210
        self.assertEqual(self.city.total("zone", "2018-04", "sales", "all", "--cumulative")["value"], "480")
        said = self.city.command("targets", "--period", "2018-04").out
        self.assertIn("630 E", said)
        self.assertIn("1: rests on 2 of 3 parks, 40.0 % of units, 76.2 % of last known value", said)
        self.assertIn("1: the estimate stands for 1 of 3 missing reports", said)
        self.assertIn("each as its last known value × the growth", said)
        self.assertEqual(self.values(7, "2018-04", "standing", "coverage_units", "coverage_value", "missing_units", "estimate"),
                         ["300", "100.0", "100.0", "0", ""])  # nobody of the slice is missing
        # Nor is anybody of the east who was ever heard of.
        self.assertEqual(self.values(1, "2018-04", "standing", "estimate", "missing_units", area="east"), ["300", "", "1"])
        # Nobody in the park itself can be matched.
        self.assertEqual(self.values(1, "2018-04", "standing", "estimate", area="south"), ["", ""])

    def test_too_little_reported_is_not_measurable(self):
        self.last_year()
        self.sales("east", "2018-03", **{E1: 70})
        self.sales("west", "2018-03", **{W1: 25})
        self.sales("south", "2018-03", S1=5)
        self.sales("west", "2018-04", **{W1: 300})  # who had 25 of 100
        row = self.row(1, "2018-04")
        self.assertEqual((row["standing"], row["status"], row["reached"], row["coverage_value"]), ("300", "not_measurable", "", "25.0"))
        self.assertIn("less than 30 % of what it rests on", row["reason"])
        self.sales("south", "2018-04", S1=10)  # 30 of 100: enough
        self.assertEqual(self.values(1, "2018-04", "status", "coverage_value"), ["behind", "30.0"])

    # --- areas ---

    def test_parks_have_a_status_where_they_have_a_number(self):
        self.last_year()
        for area, unit, value in (("east", E1, 230), ("west", W1, 400), ("south", "S1", 100), ("city", "C1", 1000)):
            self.sales(area, "2018-04", **{unit: value})
        names = ("area", "promised", "standing", "status", "due")
        # East's own months of last year: 200 of 500.
        self.assertEqual(self.values(1, "2018-04", *names, area="east"), ["east", "600", "230", "behind", "240"])
        self.assertEqual(self.values(1, "2018-04", *names, area="west"), ["west", "", "400", "tracked", ""])
        self.assertEqual(self.values(4, "2018-04", *names, area="west"), ["west", "", "40.0", "tracked", ""])  # of the city's
        self.assertEqual(self.values(4, "2018-04", "standing", "status"), ["73.0", "behind"])  # about 70: too much
        self.assertEqual([row["target"] for row in self.rows("--period", "2018-04", "--area", "south")], ["1", "3", "4"])
        self.assertEqual(self.rows("--period", "2018-04", "--area", "city"), [])
        both = self.rows("--period", "2018-04", "--area", "zone,east")
        self.assertEqual([(row["target"], row["area"]) for row in both],
                         [("1", "zone"), ("1", "east"), ("2", "zone"), ("3", "zone"), ("3", "east"), ("4", "zone"), ("4", "east"),
                          ("5", "east"), ("6", "zone"), ("7", "zone")])

    def test_milestones_are_one_for_each_park(self):
        self.sales("east", "2018-12", **{E1: 1})
        shown = [(row["area"], row["promised"], row["standing"], row["status"]) for row in self.rows("--period", "2018-12")
                 if row["target"] == "5"]
        self.assertEqual(shown, [("group", "2", "1", "behind"), ("east", "1", "1", "met"), ("west", "", "0", "tracked")])
        west, = [row for row in self.rows("--period", "2020-12", "--area", "west") if row["target"] == "5"]
        self.assertEqual((west["promised"], west["stage"], west["status"], west["gap"]), ("1", "1", "behind", "-1"))

    # --- for people and for programs ---

    def test_the_same_in_every_format(self):
        self.last_year()
        self.sales("east", "2018-03", **{E1: 100})
        lines = json.loads(self.city.command("targets", "--period", "2018-03", "--format", "json").out)
        first = lines[0]
        self.assertEqual((first["status"], first["gap"], first["coverage_parks"], first["parks"], first["reached"], first["estimate_status"]),
                         ("behind", "-100", 1, 3, False, "E"))
        self.assertEqual(list(first)[:5] + list(first)[14:18], ["target", "name", "area", "period", "direction"] +
                         ["bureau", "population", "note", "status"])
        self.assertEqual(lines[0].keys(), self.rows("--period", "2018-03")[0].keys())
        exported, = json.loads(self.city.command("export", "targets", "--period", "2018-03", "--area", "east", "--format", "json").out)
        self.assertEqual([(row["target"], row["area"], row["target_status"], row["gap"]) for row in exported["rows"]],
                         [(1, "east", "behind", "-20"), (3, "east", "tracked", None), (4, "east", "not_measurable", None),
                          (5, "east", "on_course", "0")])
        table = self.city.command("targets", "--period", "2018-03", env=CHINESE).out
        head, *rest = table.splitlines()
        self.assertEqual(head.split(), ["序号", "目标", "区域", "报告期", "目标值", "本年目标", "目前", "计量单位", "责任单位", "状态", "差距",
                                        "完整率%", "推算"])
        self.assertIn("滞后", rest[0])
        self.assertIn("示例局", rest[0])
        for words in ("上年同期", "园区 1/3，单位 25.0%", "缺报单位", "不计入合计"):
            self.assertIn(words, table)


if __name__ == "__main__":
    unittest.main()
