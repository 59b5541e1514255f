"""Inquiries: what the city asks, what the park answers, and that nobody but the park changes a figure."""

import contextlib
import csv
import io
import json
import sqlite3
import unittest

import parktally
import stranger
from stranger import Refused, Report, pb

RULES = """\
  staff-needed: {zh: 有产值应有人员, en: Who produces has staff, form: monthly, weight: quasi-mandatory, holds: if output > 0 then staff > 0}
  output-small: {zh: 产值不大, en: Output is small, form: monthly, weight: verify, holds: output <= 1000.5}
  output-steady: {zh: 产值不宜翻倍, en: Output does not double, form: monthly, weight: verify, holds: output <= 2 * last(output)}
  something: {zh: 产值或销售, en: Output or sales, form: monthly, weight: verify, holds: 'any of (output, sales)'}
"""
EMPTY = "\nempty_answers: [核实无误, 经核实, 情况属实, 数据无误, checked, correct]\n"
HEADER = "uscc,period,output,sales,sales.ytd,staff"
GOOD, USAGE, BAD = 0, 64, 65
REAL = "五月起新增一条电机生产线，产能翻番"


class Inquiries(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator(parktally.small_catalogue(rules=RULES) + EMPTY)
        self.city.import_register([parktally.unit(unit, park) for unit, park in
                                   (("A1", "east"), ("A2", "east"), ("B1", "east;west"), ("W1", "west"))])
        self.city.start()
        self.agents = {}

    def park(self, area="east"):
        if area not in self.agents:
            self.agents[area] = parktally.enrol(self.city, area, self.folder / area)
        return self.agents[area]

    def stranger(self, area):
        agent = stranger.enrol(self.city, area)
        self.addCleanup(agent.close)
        return agent

    def push(self, *rows, code=GOOD, area="east", header=HEADER):
        path = self.folder / "月报.csv"
        path.write_text("\n".join((header, *rows)) + "\n")
        return self.park(area).command("push", path, "--approved-by", "张三", "--wait", code=code)

    def inquiries(self, *options):
        text = self.city.command("inquiries", "--format", "csv", *options).out
        return list(csv.DictReader(io.StringIO(text)))

    def states(self, *options):
        return {int(line["number"]): line["state"] for line in self.inquiries("--all", *options)}

    def wait_for(self, states, what="the inquiries are in these states"):
        parktally.wait_until(lambda: self.states() == states, f"{what}: {states}", 20)

    def asked(self, area="east"):
        out = self.park(area).command("inquiries", "--format", "json", code=GOOD).out
        return {line["number"]: line for line in map(json.loads, out.splitlines())}

    def answer(self, *numbers, text=REAL, code=GOOD, area="east"):
        return self.park(area).command("answer", *numbers, "--text", text, "--by", "李四", code=code)

    def under_inquiry(self, area="zone", period="2018-05", indicator="output"):
        line = self.city.total(area, period, indicator)
        return line["value"], line["under_inquiry"]


class WhatIsFound(Inquiries):
    def test_a_figure_that_calls_for_a_look_counts_and_opens_an_inquiry(self):
        self.push("A1,2018-05,1000.6,7,7,1", "A2,2018-05,20,7,7,1")
        self.wait_for({1: "open"})
        found = self.inquiries()[0]
        self.assertEqual([found[key] for key in ("area", "form", "period", "unit", "indicator", "rule", "found", "expected")],
                         ["east", "monthly", "2018-05", "A1", "output", "rule.verify:output-small", "1000.6", "≤ 1000.5"])
        self.assertEqual(self.under_inquiry(), ("1020.6", "1000.6"))
        self.assertEqual(self.under_inquiry("west"), ("", "0.0"))
        self.assertEqual(self.under_inquiry(indicator="staff"), ("2", "1"))
        self.assert_sound(self.city)

    def test_the_park_sees_what_it_is_asked_and_no_other_park_does(self):
        self.push("A1,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open"})
        self.assertEqual({number: (line["unit"], line["rule"], line["answer"]) for number, line in self.asked().items()},
                         {1: ("A1", "rule.verify:output-small", "")})
        self.assertEqual(self.asked("west"), {})
        text = self.park().command("inquiries", code=GOOD).out
        self.assertRegex(text, r"^1  monthly 2018-05, output, unit A1 .*call for a second look \(Output is small\): found “1000\.6”, expected ≤ 1000\.5")
        self.assertIn("1 inquiries are open", text)

    def test_a_rule_that_looks_back_is_asked_in_the_city_too(self):
        self.push("A1,2018-04,10,7,7,1")
        self.push("A1,2018-05,20.1,7,14,1")
        self.wait_for({1: "open"})
        self.assertEqual(self.inquiries()[0]["rule"], "rule.verify:output-steady")

    def test_a_figure_that_is_ten_times_the_unit_s_own_history_is_asked_about(self):
        months = [f"A1,2018-{month:02},{100 + month},7,{7 * month},1" for month in range(1, 7)]
        self.push(*months, "A2,2018-06,20,7,7,1")
        self.push("A1,2018-07,1040,7,49,1", "A2,2018-07,1040,7,14,1")  # of A2 one month is known: no history
        self.wait_for({1: "open", 2: "open", 3: "open", 4: "open", 5: "open"})
        found = {(line["unit"], line["rule"], line["indicator"], line["found"]) for line in self.inquiries()}
        self.assertIn(("A1", "figure.slip", "output", "1040.0"), found)
        self.assertNotIn("A2", {unit for unit, rule, _, _ in found if rule.startswith("figure.")})
        self.assert_sound(self.city)

    def test_a_correction_that_is_sound_closes_it(self):
        self.push("A1,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open"})
        self.push("A1,2018-05,1000.5,7,7,1")
        self.wait_for({1: "corrected"})
        self.assertEqual(self.under_inquiry(), ("1000.5", "0.0"))
        self.assertEqual(self.asked(), {})
        self.assert_sound(self.city)

    def test_a_correction_that_is_not_is_asked_about_anew(self):
        self.push("A1,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open"})
        self.push("A1,2018-05,1000.7,7,7,1")
        self.wait_for({1: "corrected", 2: "open"})

    def test_what_was_accepted_stays_so_in_the_past_though_it_is_corrected_later(self):
        self.push("A1,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open"})
        self.answer(1)
        self.city.command("accept", 1)
        leaves = int(self.city.check_ledger().out.split(" leaves")[0].split()[-1])
        self.push("A1,2018-05,10,7,7,1")
        self.wait_for({1: "corrected"})
        line = self.city.total("zone", "2018-05", "output", "all", "--as-of", f"@{leaves - 1}")
        self.assertEqual((line["value"], line["under_inquiry"]), ("1000.6", "0.0"))

    def test_a_correction_of_another_figure_leaves_what_was_explained(self):
        self.push("A1,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open"})
        self.answer(1)
        self.city.command("accept", 1)
        self.push("A1,2018-05,1000.6,8,8,1", "A2,2018-05,1000.6,8,8,1")
        self.wait_for({1: "accepted", 2: "open"})  # A2's tells that A1's was looked at
        self.assertEqual(self.inquiries()[0]["unit"], "A2")

    def test_a_report_that_is_withdrawn_is_asked_about_no_more(self):
        self.push("A1,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open"})
        east = self.stranger("east")
        held = east.report("monthly", "2018-05", [Report("A1", {"output": 1})])[1].refusal[0].expected
        withdrawal = Report("A1", kind=pb.REPORT_WITHDRAWAL, base=bytes.fromhex(held))
        self.assertEqual(east.report("monthly", "2018-05", [withdrawal])[1].counted, 1)
        self.wait_for({1: "corrected", 2: "corrected"})

    def test_a_report_that_there_is_nothing_is_asked_nothing(self):
        self.push("A1,2018-05,本期无数据,,,", "A2,2018-05,,,,1")
        self.wait_for({1: "open"})
        self.assertEqual((self.inquiries()[0]["unit"], self.inquiries()[0]["rule"]), ("A2", "rule.verify:something"))

    def test_what_was_counted_while_no_server_ran_its_examiner_is_looked_at_later(self):
        self.push("A1,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open"})
        self.city.stop()
        self.city.start()
        self.push("A2,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open", 2: "open"})  # the first is not asked twice
        self.city.stop()
        with contextlib.closing(sqlite3.connect(self.city.data / "store.db")) as store:
            (examined,), = store.execute("SELECT value FROM meta WHERE key = 'examined'")
            (submissions,), = store.execute("SELECT max(position) FROM submission")
        self.assertGreater(int.from_bytes(examined, "little"), submissions)  # it goes on where it was


class More(Inquiries):
    """A park is asked about 1000 findings one by one; what is over is counted."""

    def test_what_is_over_is_counted_by_one_inquiry_of_the_form_and_period(self):
        units = [f"M{n:04}" for n in range(1004)]
        self.city.import_register([parktally.unit(unit, "east") for unit in units])
        east = self.stranger("east")
        bad = {"output": 20000, "staff": 1}
        id_, _ = east.report("monthly", "2018-05", [Report(unit, bad) for unit in units[:1003]], columns=["output", "staff"])
        self.wait_for(dict.fromkeys(range(1, 1002), "open"))
        *listed, more = self.inquiries()
        self.assertEqual({line["rule"] for line in listed}, {"rule.verify:output-small"})
        self.assertEqual([more[key] for key in ("area", "form", "period", "unit", "rule", "found")],
                         ["east", "monthly", "2018-05", "", "inquiry.more", "3"])
        self.assertEqual(self.under_inquiry(), ("2006000.0", "2000000.0"))
        text = self.park().command("inquiries", code=GOOD).out
        self.assertRegex(text, r"\n1001  monthly 2018-05: so much more was found .*: found “3”\. Look for .* \[inquiry\.more\]\n")
        self.assertIn("1001 inquiries are open", text)
        self.assertEqual(east.act(inquiry=1001, text=REAL, answered_by="李四")[1].counted, 1)
        # Another finding is counted there, and asked on about; of what is corrected nothing is asked, which gives room for new ones.
        east.report("monthly", "2018-05", [Report(units[1003], bad)], columns=["output", "staff"])
        self.wait_for(dict.fromkeys(range(1, 1002), "open"))
        self.assertEqual((self.inquiries()[-1]["found"], self.inquiries()[-1]["answer"]), ("4", ""))
        good = {"output": 10, "staff": 1}
        east.report("monthly", "2018-05", [Report(unit, good, base=id_) for unit in units[:3]], columns=["output", "staff"])
        parktally.wait_until(lambda: len(self.inquiries()) == 998, "what was corrected is settled")
        east.report("monthly", "2018-04", [Report(unit, bad) for unit in units[:3]], columns=["output", "staff"])
        parktally.wait_until(lambda: len(self.inquiries()) == 1001, "two have room, and one is counted")
        self.assertEqual([(line["period"], line["unit"], line["found"]) for line in self.inquiries()[-3:]],
                         [("2018-04", "M0000", "2000"), ("2018-04", "M0001", "2000"), ("2018-04", "", "1")])
        self.answer(1001)
        self.city.command("accept", "1001", "--reason", "共同原因已说明")
        self.assertNotIn("1001", {line["number"] for line in self.inquiries()})
        self.assert_sound(self.city)


class StaleAndOverlap(Inquiries):
    def test_a_report_that_came_too_late_to_count_opens_an_inquiry_until_it_is_corrected(self):
        one, two = self.stranger("east"), self.stranger("east")
        one.report("monthly", "2018-05", [Report("A1", {"output": 10})])
        receipt = two.report("monthly", "2018-05", [Report("A1", {"output": 20})])[1]
        self.assertEqual(receipt.stale, 1)
        self.wait_for({1: "open"})
        self.assertEqual(self.inquiries()[0]["rule"], "report.stale")
        held = bytes.fromhex(receipt.refusal[0].expected)
        two.report("monthly", "2018-05", [Report("A1", {"output": 20}, base=held)])
        self.wait_for({1: "corrected"})
        self.assert_sound(self.city)

    def test_two_parks_with_other_figures_are_both_asked_and_with_equal_ones_neither(self):
        self.push("B1,2018-05,10,7,7,1")
        self.push("B1,2018-05,12,7,7,1", area="west")
        self.wait_for({1: "open", 2: "open"})
        self.assertEqual(sorted((line["area"], line["rule"], line["found"], line["expected"]) for line in self.inquiries()),
                         [("east", "report.overlap:west", "10.0", "12.0"), ("west", "report.overlap:east", "12.0", "10.0")])
        self.assertEqual(self.under_inquiry(), ("10.0", "10.0"))  # the zone counts the first one, once
        self.push("B1,2018-05,10,7,7,1", area="west")
        self.wait_for({1: "corrected", 2: "corrected"})
        self.assert_sound(self.city)

    def test_figures_that_only_one_park_gives_are_no_difference(self):
        self.push("B1,2018-05,10,7,7,1")
        self.push("B1,2018-05,10", area="west", header="uscc,period,output")
        self.push("A1,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open"})
        self.assertEqual(self.inquiries()[0]["unit"], "A1")


class Answers(Inquiries):
    def setUp(self):
        super().setUp()
        self.push("A1,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open"})

    def test_an_explanation_waits_to_be_accepted_and_the_amount_stays_under_inquiry_until_then(self):
        self.assertIn("1 explanations arrived", self.answer(1).out)
        found = self.inquiries()[0]
        self.assertEqual((found["state"], found["answer"], found["answered_by"]), ("answered", REAL, "李四"))
        self.assertEqual(self.under_inquiry(), ("1000.6", "1000.6"))
        self.city.command("accept", 1, "--reason", "附有合同")
        self.assertEqual(self.states(), {1: "accepted"})
        self.assertEqual(self.under_inquiry(), ("1000.6", "0.0"))
        self.assertEqual(self.asked(), {})
        self.assert_sound(self.city)

    def test_an_answer_that_explains_nothing_is_refused_at_the_park(self):
        for text in ("核实无误", "经核实，情况属实。", " 核 实 无 误 ！", "Checked, correct.", "数据无误 12345", "……", "是的"):
            with self.subTest(text):
                self.assertIn("[answer.empty]", self.answer(1, text=text, code=BAD).err)
        self.assertEqual(self.states(), {1: "open"})

    def test_and_in_the_city(self):
        receipt = self.stranger("east").act(inquiry=1, text="核实无误", answered_by="李四")[1]
        self.assertEqual([(refusal.rule, refusal.found) for refusal in receipt.refusal], [("answer.empty", "核实无误")])
        self.assertEqual((receipt.counted, receipt.refused), (0, 1))
        self.assertEqual(self.states(), {1: "open"})
        self.assert_sound(self.city)

    def test_nobody_answers_what_another_park_was_asked_nor_what_nobody_was(self):
        west, asked_at = self.stranger("west"), self.stranger("east").asked_at(1)
        for number in (1, 2):
            receipt = west.act(inquiry=number, asked_at_ms=asked_at, text=REAL, answered_by="李四")[1]
            self.assertEqual([refusal.rule for refusal in receipt.refusal], ["inquiry.unknown"])
        self.assertEqual(self.states(), {1: "open"})
        self.assertIn("asked nothing under number 2", self.answer(2, code=BAD).err)

    def test_an_answer_to_what_had_its_number_before_a_restore_is_refused(self):
        east = self.stranger("east")
        for asked_at in (east.asked_at(1) - 1, 0):
            receipt = east.act(inquiry=1, asked_at_ms=asked_at, text=REAL, answered_by="李四")[1]
            self.assertEqual([refusal.rule for refusal in receipt.refusal], ["inquiry.unknown"])
        self.assertEqual(self.states(), {1: "open"})

    def test_an_act_that_comes_twice_counts_once_and_gets_the_same_receipt(self):
        east = self.stranger("east")
        sealed, first = east.act(inquiry=1, text=REAL, answered_by="李四")
        self.assertEqual(first, east.read_receipt(east.receipt_bytes(sealed)))
        self.assertEqual(self.states(), {1: "answered"})

    def test_an_act_under_a_number_that_a_submission_had_is_refused(self):
        east = self.stranger("east")
        east.report("monthly", "2018-05", [Report("A2", {"output": 1})])
        east.sequence -= 1
        with self.assertRaises(Refused) as refused:
            east.act(inquiry=1, text=REAL, answered_by="李四")
        self.assertEqual(refused.exception.code, "sequence.reused")

    def test_what_is_settled_takes_no_answer(self):
        east = self.stranger("east")
        asked_at = east.asked_at(1)
        self.answer(1)
        self.city.command("accept", 1)
        receipt = east.act(inquiry=1, asked_at_ms=asked_at, text=REAL, answered_by="李四")[1]
        self.assertEqual([refusal.rule for refusal in receipt.refusal], ["inquiry.settled"])

    def test_several_are_answered_at_once_or_none(self):
        self.push("A2,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open", 2: "open"})
        self.answer(1, 9, code=BAD)
        self.assertEqual(self.states(), {1: "open", 2: "open"})
        self.answer(1, 2)
        self.assertEqual(self.states(), {1: "answered", 2: "answered"})

    def test_an_answer_is_kept_while_the_city_is_away_and_arrives_later(self):
        self.asked()
        self.city.stop()
        out = self.park().command("answer", 1, "--text", REAL, "--by", "李四", "--timeout", 1, code=75).out
        self.assertIn("1 wait in the outbox", out)
        self.city.start()
        self.push("A2,2018-05,10,7,7,1")
        self.wait_for({1: "answered"})
        self.assertEqual(json.loads(self.park().command("status", "--format", "json").out)["counted"], 2)  # reports


class Operators(Inquiries):
    def setUp(self):
        super().setUp()
        self.push("A1,2018-05,10,7,7,1")

    def ask(self, *options, code=GOOD):
        return self.city.command("ask", *options, code=code)

    ABOUT = ("--area", "east", "--form", "monthly", "--period", "2018-05", "--unit", "A1")

    def test_an_operator_asks_the_park_explains_he_asks_on_and_accepts(self):
        self.ask(*self.ABOUT, "--indicator", "output", "--reason", "为何与用电量不符？")
        self.assertEqual(self.states(), {1: "open"})
        self.assertEqual((self.asked()[1]["question"], self.asked()[1]["found"]), ("为何与用电量不符？", "10.0"))
        self.assertEqual(self.under_inquiry(), ("10.0", "10.0"))
        self.answer(1)
        self.ask(1, "--reason", "请附上电费单")
        self.assertEqual(self.states(), {1: "open"})
        self.assertEqual((self.asked()[1]["question"], self.asked()[1]["answer"]), ("请附上电费单", ""))
        self.answer(1)
        self.city.command("accept", 1)
        self.assertEqual(self.states(), {1: "accepted"})
        self.assert_sound(self.city)

    def test_his_question_is_settled_when_that_figure_is_corrected_and_not_by_another(self):
        self.ask(*self.ABOUT, "--indicator", "output", "--reason", "请核实产值")
        self.push("A1,2018-05,10,8,8,1", "A2,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open", 2: "open"})
        self.push("A1,2018-05,11,8,8,1")
        self.wait_for({1: "corrected", 2: "open"})

    def test_he_may_ask_about_a_report_that_is_missing(self):
        self.ask("--area", "east", "--form", "monthly", "--period", "2018-05", "--unit", "A2", "--reason", "为何未报？")
        self.assertEqual(self.asked()[1]["unit"], "A2")
        self.push("A2,2018-05,11,8,8,1")
        self.wait_for({1: "corrected"})

    def test_whatever_he_writes_the_park_can_read_and_a_replay_finds(self):
        self.ask(*self.ABOUT, "--reason", "为何" * 300 + "\n\t" + "？" * 300)
        self.assertTrue(self.asked()[1]["question"].startswith("为何为何"))
        self.assertLessEqual(len(self.asked()[1]["question"].encode()), 512)
        self.assert_sound(self.city)

    def test_a_period_that_the_form_cannot_have_is_refused_and_leaves_nothing(self):
        for command in ("ask", "accept", "consent"):
            words = ("--area", "east", "--form", "monthly", "--period", "2018")
            if command != "accept":
                words += ("--unit", "A1")
            if command == "consent":
                words += ("--rule", "staff-needed")
            self.assertIn("form monthly has no period 2018", self.city.command(command, *words, "--reason", "何故", code=USAGE).err)
        self.ask(*self.ABOUT[:4], "--period", "2018-07", "--unit", "A9", "--reason", "何故", code=USAGE)
        with contextlib.closing(sqlite3.connect(self.city.data / "store.db")) as store:
            self.assertEqual(store.execute("SELECT count(*) FROM book").fetchone(), (1,))
        self.assert_sound(self.city)

    def test_what_is_not_there_is_named(self):
        for options, said in (((*self.ABOUT[:-1], "A9", "--reason", "何故"), "the register has no unit “A9”"),
                              ((*self.ABOUT, "--indicator", "x", "--reason", "何故"), "form monthly has no column “x”"),
                              ((*self.ABOUT[:2], "--form", "f", *self.ABOUT[4:], "--reason", "何故"), "no form “f”"),
                              (("--area", "zone", *self.ABOUT[2:], "--reason", "何故"), "no units report in area “zone”"),
                              (self.ABOUT, "--reason"), ((7, "--reason", "何故"), "there is no inquiry 7"),
                              (("x", "--reason", "何故"), "no number"), (("--reason", "何故"), "name --area")):
            with self.subTest(options):
                self.assertIn(said, self.ask(*options, code=USAGE).err)
        self.assertEqual(self.states(), {})

    def test_nothing_is_accepted_that_was_not_explained(self):
        self.push("A2,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open"})
        self.assertIn("has no answer yet", self.city.command("accept", 1, code=USAGE).err)
        self.assertIn("has no answer to ask on about", self.ask(1, "--reason", "何故", code=USAGE).err)
        self.answer(1)
        self.assertIn("there is no inquiry 2", self.city.command("accept", 1, 2, code=USAGE).err)
        self.assertEqual(self.states(), {1: "answered"})  # all or none
        self.city.command("accept", 1)
        self.assertIn("settled already", self.city.command("accept", 1, code=USAGE).err)

    def test_a_park_s_reports_are_accepted_when_nothing_is_open_about_them(self):
        book = self.ABOUT[:6]
        self.ask(*self.ABOUT, "--reason", "请核实")
        self.assertIn("inquiry 1 about these reports is not settled", self.city.command("accept", *book, code=USAGE).err)
        self.city.command("accept", 1)  # his own question may be taken back
        self.assertIn("accepted", self.city.command("accept", *book).out)
        self.assert_sound(self.city)

    def test_a_bureau_s_consent_lets_a_quasi_mandatory_rule_pass_for_that_report_alone(self):
        refused = self.push("A2,2018-05,20,7,7,0", code=BAD)
        self.assertIn("[rule.quasi-mandatory:staff-needed]", refused.out)
        consent = ("--area", "east", "--form", "monthly", "--period", "2018-05", "--unit", "A2", "--rule")
        self.assertIn("no quasi-mandatory rule “output-small”", self.city.command("consent", *consent, "output-small", "--reason", "外包", code=USAGE).err)
        self.assertIn("--reason", self.city.command("consent", *consent, "staff-needed", code=USAGE).err)
        self.city.command("consent", *consent, "staff-needed", "--reason", "人员全部外包")
        self.asked()  # fetches what the city consented to
        self.push("A2,2018-05,20,7,7,0")
        self.assertEqual(self.city.total("east", "2018-05", "output")["value"], "30.0")
        self.assertIn("[rule.quasi-mandatory:staff-needed]", self.push("A2,2018-06,20,7,14,0", code=BAD).out)
        self.assertEqual([(consent.unit, consent.rule) for consent in self.stranger("east").state()[1]], [("A2", "staff-needed")])
        self.assert_sound(self.city)


class AfterAKill(Inquiries):
    def test_inquiries_answers_and_acceptance_are_there_again(self):
        self.push("A1,2018-05,1000.6,7,7,1", "A2,2018-05,1000.6,7,7,1")
        self.wait_for({1: "open", 2: "open"})
        self.answer(1)
        self.city.kill()
        self.city.start()
        self.assertEqual(self.states(), {1: "answered", 2: "open"})
        self.city.stop()
        self.city.command("rebuild")
        self.city.start()
        self.assertEqual(self.states(), {1: "answered", 2: "open"})
        self.assert_sound(self.city)


if __name__ == "__main__":
    unittest.main()
