"""Scorecards and the growth plan, by the real programs: usage, figures that arrive, what is said in which format."""

import csv
import io
import json
import unittest

import parktally
from parktally import ROOT, environment, small_catalogue, unit
from stranger import Report, Stranger, pb

USAGE, CONFIG = 64, 78
CATALOGUE = (ROOT / "tests" / "data" / "assessed.yaml").read_text()
UNITS = {"e1": ("east", "sei"), "e2": ("east", ""), "w1": ("west", "sei"), "s1": ("south", ""),
         "m1": ("east", "member;sei"), "m2": ("west", "member"), "m3": ("west", "member")}


class Assess(parktally.Case):
    def city(self, catalogue=CATALOGUE):
        city = self.aggregator(catalogue)
        city.import_register([unit(code, park, class_="firm", flags=flags) for code, (park, flags) in UNITS.items()])
        return city.start()

    def join(self, city):
        agents = {}
        for park in ("east", "west", "south"):
            agents[park] = Stranger(city.invite(park)).connect()
            self.addCleanup(agents[park].close)
        return agents

    def report(self, agents, form, period, **values):
        for code, cells in values.items():
            report = Report(code, cells) if cells else Report(code, kind=pb.REPORT_NIL)
            receipt = agents[UNITS[code][0]].report(form, period, [report])[1]
            self.assertEqual(receipt.counted, 1, receipt)

    def rows(self, city, *words):
        return list(csv.DictReader(io.StringIO(city.command(*words, "--format", "csv").out)))


class Usage(Assess):
    def test_what_cannot_be_asked_is_said(self):
        city = self.city()
        for command in ("scorecard", "growth-plan"):
            for words, said in ((["--period", "2018-05"], "“2018-05” is no year; write 2018"),
                                (["--period", "x"], "“x” is no year"),
                                (["--format", "xml"], "“xml” is no format; choose table, csv or json"),
                                (["--area", "nowhere"], "“nowhere”; there are: zone, east, west, south"),
                                (["extra"], "too many arguments"), (["--bogus"], "--bogus")):
                with self.subTest(command=command, words=words):
                    self.assertIn(said, city.command(command, *words, code=USAGE).err)
            self.assertIn("--period=YEAR", city.command(command, "--help").out)
            quiet = city.command(command)
            self.assertIn("nobody has reported a whole year yet; name one with --period", quiet.err)
        self.assertIn("“zone” is assessed by no scorecard", city.command("scorecard", "--area", "zone", code=USAGE).err)

    def test_a_catalogue_without_them_is_told_what_to_add(self):
        city = self.aggregator(small_catalogue())
        self.assertIn("add one under “scorecards”", city.command("scorecard", code=CONFIG).err)
        self.assertIn("add one under “growth_plans”", city.command("growth-plan", code=CONFIG).err)

    def test_the_compiler_refuses_statistical_returns_and_weights_that_do_not_add_up(self):
        city = self.city()
        path = city.data / "catalogue.yaml"
        path.write_text(CATALOGUE.replace("numerator: [{indicator: research}]", "numerator: [{indicator: output}]"))
        said = city.reload("refused")
        self.assertRegex(said, r"catalogue\.yaml:\d+:\d+: “output” stands on the statistical form “yearly”.*统计法 §25")
        path.write_text(CATALOGUE.replace("weight: 24.5", "weight: 24.6"))
        self.assertRegex(city.reload("refused"), r"catalogue\.yaml:\d+:\d+: the items of “industry” come to 60\.10 points")
        path.write_text(CATALOGUE.replace("legal_basis: statistical", "legal_basis: administrative"))
        self.assertIn("form “yearly” was statistical", city.reload("refused"))
        path.write_text(CATALOGUE.replace("value: 15}", "value: 16}"))
        city.reload("done")


class Scorecard(Assess):
    def setUp(self):
        super().setUp()
        self.city_ = self.city()
        self.agents = self.join(self.city_)

    def test_each_area_has_points_a_rank_and_why(self):
        # east's emerging share is 30 of 120, or 25 %: half of the way from 10 to 40 %
        self.report(self.agents, "yearly", "2018", e1={"output": 30, "staff": 10, "incidents": 4},
                    e2={"output": 90, "staff": 20, "incidents": 0}, w1={"output": 60, "staff": 90},
                    s1={"output": 20, "staff": 60, "incidents": 2})
        rows = self.rows(self.city_, "scorecard")
        self.assertEqual([(row["area"], row["rank"], row["points"], row["weight"]) for row in rows if not row["dimension"]],
                         [("west", "1", "75.30", "100.00"), ("east", "2", "42.25", "100.00"), ("south", "3", "25.00", "100.00")])
        share = next(row for row in rows if row["area"] == "east" and row["item"] == "share")
        self.assertEqual({name: share[name] for name in ("card", "period", "dimension", "value", "measure", "none_at", "full_at",
                                                         "compared_with", "points", "weight", "reported", "expected")},
                         {"card": "parks", "period": "2018", "dimension": "industry", "value": "25.0", "measure": "%",
                          "none_at": "10.0", "full_at": "40.0", "compared_with": "fixed", "points": "17.75",
                          "weight": "35.50", "reported": "1", "expected": "2"})
        staff = next(row for row in rows if row["area"] == "south" and row["item"] == "staff")
        self.assertEqual((staff["none_at"], staff["full_at"], staff["compared_with"], staff["points"], staff["rank"]),
                         ("30", "90", "west", "15.00", "2"))
        safety = next(row for row in rows if row["area"] == "west" and row["item"] == "safety")
        self.assertEqual((safety["value"], safety["points"]), ("", "0.00"))
        self.assertEqual(safety["why_not"], "nobody has reported Incidents of West park for 2018")
        for row in rows:  # what is printed adds up
            if not row["item"]:
                parts = [of for of in rows if of["area"] == row["area"] and of["item"]
                         and row["dimension"] in ("", of["dimension"])]
                self.assertEqual(round(sum(float(of["points"]) for of in parts), 2), float(row["points"]))
            self.assertEqual(row["last_points"], "")
        self.assert_sound(self.city_)

    def test_the_year_before_stands_beside(self):
        full = {"output": 30, "staff": 10, "incidents": 4}
        for year in ("2017", "2018"):
            self.report(self.agents, "yearly", year, e1=full, w1=full | {"staff": 11},
                        s1=full | {"staff": 12 if year == "2018" else 10})
        rows = {row["area"]: row for row in self.rows(self.city_, "scorecard", "--period", "2018") if not row["dimension"]}
        found = {area: (row["rank"], row["points"], row["last_rank"], row["last_points"]) for area, row in rows.items()}
        self.assertEqual(found, {"east": ("2", "70.00", "2", "70.00"), "west": ("1", "85.00", "1", "100.00"),
                                 "south": ("3", "64.50", "3", "34.50")})
        self.assertEqual(self.rows(self.city_, "scorecard", "--period", "2017")[0]["last_points"], "")

    def test_areas_may_be_picked_and_stay_compared_with_all(self):
        self.report(self.agents, "yearly", "2018", e1={"staff": 1}, w1={"staff": 3}, s1={"staff": 2})
        rows = self.rows(self.city_, "scorecard", "--area", "south,east", "--period", "2018")
        self.assertEqual({row["area"] for row in rows}, {"south", "east"})
        self.assertEqual([(row["area"], row["rank"], row["points"]) for row in rows if row["item"] == "staff"],
                         [("south", "2", "15.00"), ("east", "3", "0.00")])

    def test_people_read_it_in_their_language(self):
        self.report(self.agents, "yearly", "2018", e1={"staff": 1}, w1={"staff": 3})
        table = self.city_.command("scorecard").out
        self.assertIn("not reported", table)
        self.assertIn("Weights are examples", table)
        self.assertIn("nobody has reported Incidents of East park for 2018", table)
        chinese = self.city_.command("scorecard", env=environment(LANGUAGE="zh_CN")).out
        for word in ("总分", "名次", "未上报", "权重为示例", "西园"):
            self.assertIn(word, chinese)
        lines = json.loads(self.city_.command("scorecard", "--format", "json").out)
        self.assertEqual((lines[0]["area"], lines[0]["rank"], lines[0]["points"]), ("west", 1, "30.00"))


class GrowthPlan(Assess):
    def setUp(self):
        super().setUp()
        self.city_ = self.city()
        self.agents = self.join(self.city_)
        income = {"income": 1000, "research": 400, "promised": 1100}
        self.report(self.agents, "growth", "2017", m1=income, m2=income, e1=income, w1=income)
        self.report(self.agents, "growth", "2018", m1={"income": 1150, "research": 461}, m2={"income": 1090, "research": 461},
                    e1={"income": 1150, "research": 461}, w1={"income": 1149, "research": 461})

    def verdicts(self, *words):
        return [(row["unit"], row["member"], row["verdict"], row["reason"])
                for row in self.rows(self.city_, "growth-plan", *words) if not row["criterion"]]

    def test_members_stay_or_are_dropped_and_others_may_join(self):
        self.assertEqual(self.verdicts(), [
            ("e1", "0", "candidate", "meets all 2"),
            ("m1", "1", "stay", "meets all 3"),
            ("m2", "1", "drop", "misses 2 of 3: Income growth 9.0 %, target ≥ 15.0 %; Own target 109.0 万元, target ≥ 110.0 万元"),
            ("m3", "1", "not_assessed", "no report for 2018")])
        self.assertEqual([verdict[0] for verdict in self.verdicts("--area", "west")], ["m2", "m3"])
        rows = {(row["unit"], row["criterion"]): row for row in self.rows(self.city_, "growth-plan")}
        row = rows["m2", "growth"]
        self.assertEqual({name: row[name] for name in ("plan", "period", "park", "actual", "direction", "target", "measure", "met")},
                         {"plan": "emerging", "period": "2018", "park": "west", "actual": "9.0", "direction": "at_least",
                          "target": "15.0", "measure": "%", "met": "0"})
        self.assertEqual(rows["m1", "research"]["direction"], "above")
        self.assertNotIn(("e1", "own"), rows)
        self.assert_sound(self.city_)

    def test_a_member_without_a_year_before_is_not_judged_by_it(self):
        self.report(self.agents, "growth", "2018", m3={"income": 5, "research": 5})
        self.assertIn(("m3", "1", "not_assessed", "cannot be judged: Income growth: there is no report for 2017; Own target:"
                       " there is no report for 2017"), self.verdicts())

    def test_whose_flag_has_ended_is_a_member_no_longer(self):
        self.city_.import_register([unit("m2", "west", class_="firm", flags="", from_="2018-12-31"),
                                    unit("e1", "east", class_="firm", flags="member;sei", from_="2019-01-01")])
        self.assertEqual([verdict[:3] for verdict in self.verdicts()],
                         [("e1", "0", "candidate"), ("m1", "1", "stay"), ("m3", "1", "not_assessed")])
        self.assertEqual([verdict[:2] for verdict in self.verdicts("--period", "2019")],
                         [("e1", "1"), ("m1", "1"), ("m3", "1")])

    def test_people_read_it_in_their_language(self):
        table = self.city_.command("growth-plan").out
        for words in ("dropped", "≥ 110.0 万元", "Criteria are examples", "not assessed", "East park"):
            self.assertIn(words, table)
        chinese = self.city_.command("growth-plan", env=environment(LANGUAGE="zh_CN")).out
        for words in ("保留", "退出", "候选", "未评", "3项中有2项未达标：收入增速 9.0 %，目标 ≥ 15.0 %", "标准为示例"):
            self.assertIn(words, chinese)
        lines = json.loads(self.city_.command("growth-plan", "--format", "json").out)
        self.assertEqual((lines[0]["unit"], lines[0]["member"], lines[0]["met"]), ("e1", False, None))


if __name__ == "__main__":
    unittest.main()
