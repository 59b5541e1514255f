"""Periods with the real programs: deadlines, late reports, closing and reopening, by a clock that is the city's."""

import calendar
import datetime
import json
import time
import unittest

import parktally
from stranger import Refused, Report, Stranger, digest

DUE = "    january: separate\n    due: {day: 10, time: '18:00'}\n"
GOOD, USAGE, BAD = 0, 64, 65
HEADER = "uscc,period,output,sales,sales.ytd,staff"


def catalogue(due=DUE):
    text = parktally.small_catalogue()
    assert "    january: separate\n" in text
    text = text.replace("    january: separate\n", due, 1)
    return text.replace("timezone: Asia/Shanghai\n", "timezone: Asia/Shanghai\nholidays: [2018-06-11]\n", 1)


class Periods(parktally.Case):
    def city_at(self, when, name="a"):
        """A city whose clock begins at this moment, UTC, and agents of it that are strangers. A clock goes on from there."""
        then = calendar.timegm(datetime.datetime.strptime(when, "%Y-%m-%dT%H:%M").timetuple())
        city = self.aggregator(catalogue(), name, parktally.shifted_clock(self.folder, then - int(time.time())))
        city.import_register([parktally.unit(unit, park) for unit, park in (
            ("A1", "east"), ("A2", "east"), ("W1", "west"), ("S1", "south"))])
        return city.start()

    def stranger(self, city, area="east"):
        stranger = Stranger(city.invite(area)).connect()
        self.addCleanup(stranger.close)
        return stranger

    def report(self, stranger, period, unit="A1", value=10, base=b""):
        return stranger.report("monthly", period, [Report(unit, {"output": value}, base=base)])[1]

    def refused(self, stranger, *words, **changes):
        with self.assertRaises(Refused) as caught:
            self.report(stranger, *words, **changes)
        return caught.exception

    def status(self, city, *options):
        return json.loads(city.command("period", "status", "--format", "json", *options).out)

    def period(self, city, verb, *options, code=GOOD, period="2018-05"):
        return city.command("period", verb, "--form", "monthly", "--period", period, *options, code=code)


class ByTheClock(Periods):
    def test_a_period_that_has_not_begun_in_the_city_is_refused_until_an_operator_opens_it(self):
        city = self.city_at("2018-05-31T15:00")  # 23:00 in Liuzhou
        east = self.stranger(city)
        fault = self.refused(east, "2018-06")
        self.assertEqual(fault.code, "period.not-begun")
        self.assertIn("2018-06", fault.text)
        self.report(east, "2018-05")  # which runs
        self.period(city, "open", "--reason", "试报", period="2018-06")
        self.assertEqual(self.report(east, "2018-06").counted, 1)
        self.assertEqual(self.refused(east, "2018-07").code, "period.not-begun")
        refused = self.period(city, "close", period="2018-07", code=USAGE)
        self.assertIn("has not begun", refused.err)
        self.assert_sound(city)

    def test_a_month_begins_at_midnight_in_liuzhou_not_in_greenwich(self):
        city = self.city_at("2018-05-31T16:01")
        self.assertEqual(self.report(self.stranger(city), "2018-06").counted, 1)
        refused = self.period(city, "open", "--reason", "r", period="2018-06", code=USAGE)
        self.assertIn("opened by itself", refused.err)

    def test_the_parks_clock_is_no_reason_to_refuse(self):
        city = self.city_at("2018-07-01T00:00")
        receipt = self.stranger(city).report(
            "monthly", "2018-05", [Report("A1", {"output": 1})], created_at_ms=4102444800000, approved_at_ms=1)[1]
        self.assertEqual((receipt.counted, "clock.off" in receipt.finding), (1, True))

    def test_who_comes_after_a_deadline_that_a_holiday_moved_is_late_and_counts(self):
        before = self.city_at("2018-06-12T09:00", "before")  # the 10th is a Sunday, the 11th a holiday: 12th, 18:00
        after = self.city_at("2018-06-12T10:00", "after")
        [line] = self.status(before, "--form", "monthly", "--period", "2018-05")
        self.assertEqual((line["state"], line["due"]), ("open", "2018-06-12 18:00"))
        self.assertNotIn("report.late", self.report(self.stranger(before), "2018-05").finding)
        [line] = self.status(after, "--form", "monthly", "--period", "2018-05")
        self.assertEqual(line["state"], "due")
        east = self.stranger(after)
        ident, late = east.report("monthly", "2018-05", [Report("A1", {"output": 10})])
        self.assertEqual(("report.late" in late.finding, late.counted), (True, 1))
        self.assertNotIn("report.late", self.report(east, "2018-05", value=11, base=ident).finding)  # a correction is none
        self.assertEqual(after.total("east", "2018-05", "output")["value"], "1.1")
        self.assert_sound(after)

    def test_status_lists_what_was_reported_what_an_operator_did_and_what_is_to_be_reported(self):
        city = self.city_at("2018-06-12T09:00")
        self.report(self.stranger(city), "2018-03")
        self.period(city, "close", "--reason", "季报已出", period="2018-02")
        found = [(line["form"], line["period"], line["state"]) for line in self.status(city, "--form", "monthly")]
        self.assertEqual(found, [("monthly", "2018-02", "closed"), ("monthly", "2018-03", "due"),
                                 ("monthly", "2018-05", "open"), ("monthly", "2018-06", "open")])
        text = city.command("period", "status", "--form", "monthly", "--period", "2018-02").out
        self.assertRegex(text, r"Monthly  2018-02  closed  2018-03-12 18:00 +close +\w+ +2018-06-12 1\d:\d\d  季报已出")
        yearly = [line["period"] for line in self.status(city, "--form", "yearly")]
        self.assertEqual(yearly, ["2017", "2018"])
        self.assertEqual(self.status(city, "--period", "2018", "--form", "monthly"), [])


class ByAnOperator(Periods):
    def setUp(self):
        super().setUp()
        self.city = self.city_at("2018-06-20T00:00")
        self.east, self.west = self.stranger(self.city), self.stranger(self.city, "west")

    def test_what_makes_no_sense_is_refused_in_words(self):
        wrong = [
            (("close",), "Name it with --form F --period P"),
            (("close", "--form", "monthly"), "Name it with --form F --period P"),
            (("close", "--form", "weekly", "--period", "2018-05"), "weekly"),
            (("close", "--form", "monthly", "--period", "Mai"), "“Mai” is no period"),
            (("close", "--form", "monthly", "--period", "2018-Q2"), "expects a month"),
            (("close", "--form", "monthly", "--period", "2018-05", "--area", "north"), "north"),
            (("close", "--form", "monthly", "--period", "2018-05", "more"), "too many arguments"),
            (("reopen", "--form", "monthly", "--period", "2018-05"), "Say it with --reason R"),
            (("reopen", "--form", "monthly", "--period", "2018-05", "--reason", "  "), "Say it with --reason R"),
            (("open", "--form", "monthly", "--period", "2018-09"), "Say it with --reason R"),
            (("reopen", "--form", "monthly", "--period", "2018-05", "--reason", "r"), "not closed"),
        ]
        for words, expected in wrong:
            refused = self.city.command("period", *words, code=USAGE)
            self.assertIn(expected, refused.err, words)
        self.assertEqual(self.status(self.city, "--form", "monthly", "--period", "2018-05")[0]["action"], "")
        self.period(self.city, "close")
        self.assertIn("closed already", self.period(self.city, "close", code=USAGE).err)

    def test_a_closed_period_takes_nothing_and_says_when_and_why(self):
        self.report(self.east, "2018-05")
        self.period(self.city, "close", "--reason", "已汇总")
        fault = self.refused(self.west, "2018-05", "W1")
        self.assertEqual(fault.code, "period.closed")
        self.assertRegex(fault.text, r"^2018-05 of form monthly, on 2018-06-20 08:\d\d: 已汇总$")
        self.assertEqual(self.refused(self.east, "2018-05", value=11).code, "period.closed")  # a correction too
        self.assertEqual(self.report(self.west, "2018-06", "W1").counted, 1)  # others go on
        self.assertEqual(self.city.total("zone", "2018-05", "output")["value"], "1.0")
        self.assert_sound(self.city)

    def test_it_is_reopened_for_one_park_and_closed_again(self):
        self.period(self.city, "close")
        said = self.period(self.city, "reopen", "--area", "west", "--reason", "停电补报")
        self.assertIn("West park", said.out)
        self.assertEqual(self.report(self.west, "2018-05", "W1").counted, 1)
        self.assertEqual(self.refused(self.east, "2018-05").code, "period.closed")
        lines = self.status(self.city, "--form", "monthly", "--period", "2018-05")
        self.assertEqual([(line["state"], line["except"], line["action"], line["area"], line["reason"]) for line in lines],
                         [("closed", "west", "close", "", ""), ("closed", "west", "reopen", "west", "停电补报")])
        self.assertIn("not closed", self.period(self.city, "reopen", "--area", "west", "--reason", "r", code=USAGE).err)
        self.period(self.city, "close")
        self.assertEqual(self.refused(self.west, "2018-05", "W1", value=12).code, "period.closed")
        self.period(self.city, "reopen", "--reason", "全部补报")
        self.assertEqual(self.report(self.east, "2018-05").counted, 1)
        self.assert_sound(self.city)

    def test_an_acknowledged_submission_gets_the_same_receipt_after_the_close_and_a_restart(self):
        sealed = self.east.sealed("monthly", "2018-05", [Report("A1", {"output": 10})])
        other = self.west.sealed("monthly", "2018-05", [Report("W1", {"output": 10})])
        first = self.east.receipt_bytes(sealed)
        self.period(self.city, "close")
        self.assertEqual(self.east.receipt_bytes(sealed), first)
        with self.assertRaises(Refused):
            self.west.receipt_bytes(other)
        self.city.kill()
        self.city.start()
        self.east.connect()
        self.assertEqual(self.east.receipt_bytes(sealed), first)
        self.assertEqual(self.city.total("zone", "2018-05", "output")["value"], "1.0")

    def test_a_report_that_waited_for_its_base_before_the_close_counts_when_the_base_comes(self):
        base = self.east.sealed("monthly", "2018-05", [Report("A1", {"output": 10})])
        self.assertEqual(self.report(self.east, "2018-05", value=25, base=digest(base[104:])).waiting, 1)
        self.period(self.city, "close")
        self.period(self.city, "reopen", "--area", "east", "--reason", "补报")
        self.assertEqual(self.east.read_receipt(self.east.receipt_bytes(base)).counted, 1)
        self.assertEqual(self.city.total("east", "2018-05", "output")["value"], "2.5")
        self.assert_sound(self.city)

    def test_the_agent_shows_the_refusal_keeps_its_rights_and_sends_again_after_a_reopening(self):
        agent = parktally.ParkAgent(self.folder / "agent", self.city.invite("south"))
        path = self.folder / "五月.csv"
        path.write_text(f"{HEADER}\nS1,2018-05,10,7,8,1\n")
        self.period(self.city, "close", "--reason", "已汇总")
        pushed = agent.command("push", path, "--approved-by", "张三", "--wait", code=BAD)
        self.assertRegex(pushed.out + pushed.err, r"the city has closed this period \(2018-05 of form monthly, on .*: 已汇总\)\."
                         r" Ask the city to reopen it for your park, then send the file again\. \[period\.closed\]")
        status = json.loads(agent.command("status", "--format", "json", code=GOOD).out)
        self.assertEqual((status["refused_whole"], status["waiting_to_send"]), (1, 0))
        other = self.folder / "六月.csv"
        other.write_text(f"{HEADER}\nS1,2018-06,10,7,8,1\n")
        agent.command("push", other, "--approved-by", "张三", "--wait", code=GOOD)  # it has all of its rights
        self.period(self.city, "reopen", "--area", "south", "--reason", "补报")
        agent.command("push", path, "--approved-by", "张三", "--wait", code=GOOD)
        self.assertEqual(self.city.total("south", "2018-05", "output")["value"], "10.0")
        shown = [line["form"] for line in status["due"]]
        self.assertEqual(shown, ["monthly"])
        self.assertRegex(agent.command("status").out, r"(?m)^due         monthly 20\d\d-\d\d: 20\d\d-\d\d-1\d 18:00$")

    def test_acts_are_replayed_and_the_chinese_is_there(self):
        self.period(self.city, "close", "--reason", "已汇总")
        self.period(self.city, "reopen", "--area", "group", "--reason", "补报")
        before = self.status(self.city)
        self.city.stop()
        self.city.command("rebuild")
        self.city.command("rebuild", "--check")
        self.assertEqual(self.status(self.city), before)
        chinese = self.city.command("period", "status", "--form", "monthly", env=self.city.env | {"LANGUAGE": "zh_CN"}).out
        self.assertRegex(chinese, r"已关闭")


class JanuaryAndFebruary(Periods):
    def test_they_are_one_period(self):
        city = self.aggregator(catalogue(DUE.replace("separate", "joint")))
        city.import_register([parktally.unit("A1", "east")])
        city.start()
        east = self.stranger(city)
        self.assertEqual(self.report(east, "2018-01/P2M").counted, 1)
        self.assertEqual(self.refused(east, "2018-02").code, "period.wrong")
        self.period(city, "close", period="2018-01/P2M")
        self.assertEqual(self.refused(east, "2018-01/P2M", value=11).code, "period.closed")
        [line] = self.status(city, "--form", "monthly", "--period", "2018-01/P2M")
        self.assertEqual((line["state"], line["due"]), ("closed", "2018-03-12 18:00"))
        self.assertIn("January and February together", self.period(city, "close", period="2018-02", code=USAGE).err)


if __name__ == "__main__":
    unittest.main()
