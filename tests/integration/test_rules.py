"""Rules of the catalogue, at the park and in the city: the same rules, whoever asks them."""

import json
import re
import unittest

import parktally
from stranger import Report, Stranger, digest, pb

RULES = """\
  sales-within: {zh: 累计不小于本月, en: Year to date covers the month, form: monthly, weight: mandatory, holds: sales.ytd >= sales}
  staff-needed: {zh: 有产值应有人员, en: Who produces has staff, form: monthly, weight: quasi-mandatory, holds: if output > 0 then staff > 0}
  output-steady: {zh: 产值不宜翻倍, en: Output does not double, form: monthly, weight: mandatory, holds: output <= 2 * last(output)}
  sales-grow: {zh: 销售不低于上年, en: Sales do not shrink, form: monthly, weight: mandatory, holds: sales >= year_ago(sales)}
  june: {zh: 六月人员不少于两人, en: Two persons in June, form: monthly, weight: mandatory, holds: if month = 6 then staff >= 2}
  something: {zh: 产值或销售, en: Output or sales, form: monthly, weight: mandatory, holds: 'any of (output, sales)'}
  output-small: {zh: 产值不大, en: Output is small, form: monthly, weight: verify, holds: output <= 1000.5}
"""
HEADER = "uscc,period,output,sales,sales.ytd,staff"
GOOD, BAD = 0, 65


class Rules(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator(parktally.small_catalogue(rules=RULES))
        self.city.import_register([parktally.unit(unit, park) for unit, park in (("A1", "east"), ("A2", "east"), ("W1", "west"))])
        self.city.start()

    def join(self):
        return parktally.ParkAgent(self.folder / "agent", self.city.invite("east"))

    def file(self, *rows):
        path = self.folder / "月报.csv"
        path.write_text("\n".join((HEADER, *rows)) + "\n")
        return path

    def push(self, agent, *rows, code=GOOD):
        return agent.command("push", self.file(*rows), "--approved-by", "张三", "--wait", code=code)

    def output(self, period):
        line = self.city.total("east", period, "output")
        return line["value"], int(line["reported"])


class AtThePark(Rules):
    def test_a_report_that_breaks_a_rule_is_refused_with_its_place_and_both_sides_and_the_others_go(self):
        agent = self.join()
        pushed = self.push(agent, "A1,2018-05,10,7,6,1", "A2,2018-05,20.5,7,7,1", code=BAD)
        self.assertRegex(pushed.out, r"月报\.csv, row 2, column E \(sales\.ytd\), unit A1 \(.*\): the figures break a mandatory rule"
                         r" \(Year to date covers the month\): found “6”, expected ≥ 7\. Correct the figures\."
                         r" \[rule\.mandatory:sales-within\]")
        self.assertEqual(self.output("2018-05"), ("20.5", 1))

    def test_every_rule_that_is_broken_is_said_at_once(self):
        agent = self.join()
        pushed = self.push(agent, "A1,2018-05,10,7,6,0", code=BAD)
        self.assertEqual(re.findall(r"\[(.*)\]", pushed.out), ["rule.mandatory:sales-within", "rule.quasi-mandatory:staff-needed"])
        self.assertRegex(pushed.out, r"1 units, 1 good, 0 refused")
        checked = agent.command("check", self.file("A1,2018-05,10,7,6,0"), "--format", "json", code=BAD)
        found = [json.loads(line) for line in checked.out.splitlines()]
        self.assertEqual([line.get("code") for line in found[:2]],
                         ["rule.mandatory:sales-within", "rule.quasi-mandatory:staff-needed"])
        self.assertEqual((found[0]["found"], found[0]["expected"], found[0]["says"]), ("6", "≥ 7", "Year to date covers the month"))

    def test_a_rule_that_asks_for_a_second_look_lets_the_report_go(self):
        pushed = self.push(self.join(), "A1,2018-05,1000.6,7,7,1")
        self.assertRegex(pushed.out, r"call for a second look \(Output is small\): found “1000\.6”, expected ≤ 1000\.5\. .*\[rule\.verify:output-small\]")
        self.assertEqual(self.output("2018-05"), ("1000.6", 1))

    def test_they_are_said_in_chinese(self):
        agent = self.join()
        checked = parktally.run(parktally.AGENT, "check", self.file("A1,2018-05,10,7,6,1"), data=agent.data,
                                env=parktally.environment(LANGUAGE="zh_CN"))
        self.assertIn("违反强制性审核关系（累计不小于本月）", checked.out)

    def test_figures_of_before_that_the_file_does_not_have_are_in_it(self):
        agent = self.join()
        self.push(agent, "A1,2018-05,10,7,8,1")
        path = self.folder / "更正.csv"
        path.write_text("uscc,period,sales\nA1,2018-05,9\n")  # over a year to date of 8
        pushed = agent.command("push", path, "--approved-by", "张三", "--wait", code=BAD)
        self.assertRegex(pushed.out, r"更正\.csv, row 2.*\[rule\.mandatory:sales-within\]")
        self.assertEqual(self.city.total("east", "2018-05", "sales")["value"], "7")

    def test_rules_look_back_at_the_period_before_and_the_year_before(self):
        agent = self.join()
        self.push(agent, "A1,2017-05,10,7,7,1", "A1,2018-04,10,1,1,1", "A2,2018-04,10,1,1,1")
        pushed = self.push(agent, "A1,2018-05,20.1,6,7,1", "A2,2018-05,20,6,7,1", code=BAD)
        self.assertRegex(pushed.out, r"unit A1 .*found “20\.1”, expected ≤ 20\. .*\[rule\.mandatory:output-steady\]")
        self.assertRegex(pushed.out, r"unit A1 .*found “6”, expected ≥ 7\. .*\[rule\.mandatory:sales-grow\]")
        self.assertEqual(pushed.out.count("[rule."), 2)
        self.assertEqual(self.output("2018-05"), ("20.0", 1))

    def test_a_rule_may_be_about_a_month(self):
        agent = self.join()
        pushed = self.push(agent, "A1,2018-05,10,1,1,1", "A1,2018-06,10,1,1,1", "A2,2018-06,10,1,1,2", code=BAD)
        self.assertEqual(re.findall(r"row (\d).*\[rule\.mandatory:june\]", pushed.out), ["3"])

    def test_a_report_that_there_is_nothing_breaks_none(self):
        agent = self.join()
        self.push(agent, "A1,2018-05,本期无数据,,,")
        self.assertEqual(json.loads(agent.command("status", "--format", "json").out)["counted"], 1)

    def test_files_are_checked_by_them_without_an_agent_too(self):
        catalogue, register = self.folder / "目录.yaml", self.folder / "名录.csv"
        catalogue.write_text(parktally.small_catalogue(rules=RULES))
        register.write_text(parktally.register_text([parktally.unit("A1", "east")]))
        checked = parktally.run(parktally.AGENT, "check", self.file("A1,2018-05,10,7,6,1"), "--catalogue", catalogue,
                                "--register", register, "--area", "east")
        self.assertEqual(checked.code, BAD, checked)
        self.assertIn("[rule.mandatory:sales-within]", checked.out)


class InTheCity(Rules):
    """By a client that checks nothing."""

    def setUp(self):
        super().setUp()
        self.east = Stranger(self.city.invite("east")).connect()
        self.addCleanup(self.east.close)

    def say(self, period, *reports, stranger=None):
        return (stranger or self.east).report("monthly", period, reports)[1]

    def refusals(self, receipt):
        return [(refusal.unit, refusal.rule, refusal.indicator, refusal.found, refusal.expected) for refusal in receipt.refusal]

    def test_a_report_that_breaks_a_rule_is_refused_and_the_others_count(self):
        receipt = self.say("2018-05", Report("A1", {"sales": 7, "sales.ytd": 6}), Report("A2", {"output": 205}))
        self.assertEqual(self.refusals(receipt), [("A1", "rule.mandatory:sales-within", "sales.ytd", "6", "≥ 7")])
        self.assertEqual((receipt.counted, receipt.refused), (1, 1))
        self.assertEqual(self.output("2018-05"), ("20.5", 1))
        self.assert_sound(self.city)

    def test_a_quasi_mandatory_rule_refuses_and_one_to_verify_does_not(self):
        receipt = self.say("2018-05", Report("A1", {"output": 10006, "staff": 0}), Report("A2", {"output": 10006, "staff": 1}))
        self.assertEqual(self.refusals(receipt), [("A1", "rule.quasi-mandatory:staff-needed", "staff", "0", "> 0")])
        self.assertEqual(self.output("2018-05"), ("1000.6", 1))

    def test_a_correction_is_judged_by_what_the_report_comes_to(self):
        base = self.say("2018-05", Report("A1", {"sales": 7, "sales.ytd": 8})).submission
        receipt = self.say("2018-05", Report("A1", {"sales": 9}, base))
        self.assertEqual(self.refusals(receipt), [("A1", "rule.mandatory:sales-within", "sales.ytd", "8", "≥ 9")])
        receipt = self.say("2018-05", Report("A1", {"sales": 9, "sales.ytd": 9}, base))
        self.assertEqual(receipt.counted, 1)

    def test_rules_look_back_at_what_this_park_said_or_else_at_what_counts(self):
        west = Stranger(self.city.invite("west")).connect()
        self.addCleanup(west.close)
        south = Stranger(self.city.invite("south")).connect()
        self.addCleanup(south.close)
        self.city.import_register([parktally.unit("B1", "east;south;west")])
        self.say("2018-04", Report("B1", {"output": 100}), stranger=west)
        self.say("2018-04", Report("B1", {"output": 500}), stranger=south)
        receipt = self.say("2018-05", Report("B1", {"output": 201}))
        self.assertEqual(self.refusals(receipt), [("B1", "rule.mandatory:output-steady", "output", "20.1", "≤ 20")])
        self.say("2018-04", Report("B1", {"output": 101}))  # the other one was first, and counts
        self.assertEqual(self.say("2018-05", Report("B1", {"output": 202})).counted, 1)
        self.say("2017-05", Report("A1", {"sales": 7}))
        receipt = self.say("2018-05", Report("A1", {"sales": 6}))
        self.assertEqual(self.refusals(receipt), [("A1", "rule.mandatory:sales-grow", "sales", "6", "≥ 7")])
        self.assert_sound(self.city)

    def test_a_report_that_waited_is_judged_when_its_turn_comes(self):
        self.say("2018-04", Report("A2", {"output": 100}))
        first = self.east.sealed("monthly", "2018-05", [Report("A1", {"sales": 7, "sales.ytd": 8}), Report("A2", {"output": 200})])
        base = digest(first[104:])
        later = self.east.sealed("monthly", "2018-05", [Report("A1", {"sales": 9}, base), Report("A2", {"output": 201}, base)])
        self.assertEqual(self.east.read_receipt(self.east.receipt_bytes(later)).waiting, 2)
        self.assertEqual(self.east.read_receipt(self.east.receipt_bytes(first)).counted, 2)
        self.assertEqual(self.output("2018-05"), ("20.0", 1))
        self.assertEqual(self.city.total("east", "2018-05", "sales")["value"], "7")
        self.assert_sound(self.city)

    def test_a_rule_may_be_about_a_month_and_nothing_to_report_breaks_none(self):
        receipt = self.say("2018-06", Report("A1", {"output": 10, "staff": 1}), Report("A2", kind=pb.REPORT_NIL))
        self.assertEqual(self.refusals(receipt), [("A1", "rule.mandatory:june", "staff", "1", "≥ 2")])
        self.assertEqual(receipt.counted, 1)
        self.assertEqual(self.say("2018-05", Report("A1", {"output": 10, "staff": 1})).counted, 1)

    def test_what_was_taken_before_a_rule_stays(self):
        self.say("2018-05", Report("A2", {"sales": 5, "sales.ytd": 5}))
        catalogue = parktally.small_catalogue(rules=RULES.replace("sales.ytd >= sales", "sales.ytd >= 2 * sales"))
        (self.city.data / "catalogue.yaml").write_text(catalogue)
        self.city.reload("done")
        self.assertEqual(self.city.total("east", "2018-05", "sales")["value"], "5")
        self.assert_sound(self.city)


if __name__ == "__main__":
    unittest.main()
