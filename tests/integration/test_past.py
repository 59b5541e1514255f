"""Totals and targets as of moments of the past, and what changed them, through the real programs; the server's clock
runs days ahead."""

import csv
import datetime
import io
import json
import sys
import unittest
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import parktally  # noqa: E402
from parktally import city_catalogue, shifted_clock, unit  # noqa: E402
from stranger import Report, Stranger  # noqa: E402

DAY = 24 * 3600
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
QUESTION = ("--area", "zone", "--period", "2018-05", "--indicator", "output", "--slice", "all")


def day(days):
    """So many days from now, as it is written in Shanghai."""
    return (datetime.datetime.now(SHANGHAI) + datetime.timedelta(days=days)).strftime("%Y-%m-%d")


class Past(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator(city_catalogue())
        self.agents = []
        self.addCleanup(lambda: [agent.close() for agent in self.agents])

    def at(self, days):
        """The server is started anew, with a clock that is so many days ahead."""
        if self.city.is_running():
            self.city.stop()
        self.city.env = shifted_clock(self.folder, days * DAY)
        self.city.start()

    def agent(self, area):
        self.agents.append(Stranger(self.city.invite(area)).connect())
        return self.agents[-1]

    def position(self):
        return self.city.position()

    def value(self, *options):
        return self.city.total("zone", "2018-05", "output", "all", *options)["value"]

    def history(self):
        """Day 0: 10.0 of E1; day 3: 12.5 of E1 and 4 of W1; day 6: W1 leaves the boundary and E2 comes. Positions."""
        positions = []
        self.city.import_register([unit("E1", "east"), unit("W1", "west")])
        self.at(0)
        east = self.agent("east")
        first, _ = east.report("monthly", "2018-05", [Report("E1", {"output": 100})])
        positions.append(self.position())
        east.close()
        self.at(3)
        east.connect()
        west = self.agent("west")
        east.report("monthly", "2018-05", [Report("E1", {"output": 125}, base=first)])
        west.report("monthly", "2018-05", [Report("W1", {"output": 40})])
        positions.append(self.position())
        east.close()
        west.close()
        self.at(6)
        self.city.import_register([unit("W1", "west", in_boundary="0"), unit("E2", "east")])
        positions.append(self.position())
        return positions

    def test_a_moment_a_day_and_a_position_read_as_they_did_then(self):
        positions = self.history()
        for text, value, expected in ((day(0), "10.0", "2"), (day(2), "10.0", "2"), (day(3), "16.5", "2"),
                                      (f"{day(4)}T12:00", "16.5", "2"), (f"{day(4)}T23:59:59Z", "16.5", "2"),
                                      (day(6), "12.5", "2"), (f"@{positions[0]}", "10.0", "2"),
                                      (f"@{positions[1]}", "16.5", "2"), (f"@{positions[2]}", "12.5", "2")):
            with self.subTest(text):
                line = self.city.total("zone", "2018-05", "output", "all", "--as-of", text)
                self.assertEqual((line["value"], line["expected"]), (value, expected))
        self.assertEqual(self.value(), "12.5")
        self.assert_sound(self.city)

    def test_all_of_it_reads_as_it_was_printed_then(self):
        questions = [("totals", "--period", "2018-05", "--format", "csv"),
                     ("totals", "--period", "2018", "--cumulative", "--format", "csv"),
                     ("totals", "--period", "2018-05", "--mom", "--format", "csv"),
                     ("totals", "--period", "2018-05", "--mom", "--causes", "--format", "csv"),
                     ("targets", "--period", "2018", "--format", "csv")]
        printed = {}
        self.city.import_register([unit("E1", "east"), unit("W1", "west")])
        self.at(0)
        east, base, april, yearly = self.agent("east"), b"", b"", b""
        for n in range(5):
            base, _ = east.report("monthly", "2018-05", [Report("E1", {"output": 100 + n, "staff": 3}, base=base)])
            april, _ = east.report("monthly", "2018-04", [Report("E1", {"output": 50 + 2 * n}, base=april)])
            yearly, _ = east.report("yearly", "2018", [Report("E1", {"research": 70 + n * n}, base=yearly)])
            self.city.import_register([unit("W1", "west", in_boundary=str(n % 2)), unit(f"E{n + 2}", "east")])
            printed[self.position()] = [self.city.command(*question).out for question in questions]
        for position, texts in printed.items():
            self.assertEqual([self.city.command(*question, "--as-of", f"@{position}").out for question in questions], texts)
        self.assertEqual([len({texts[n] for texts in printed.values()}) for n in (2, 3, 4)], [5, 5, 5])

    def explain(self, *words):
        return list(csv.DictReader(io.StringIO(self.city.command("explain", *words, "--format", "csv").out)))

    @staticmethod
    def sums(lines):
        """(before, change by cause, after); the lines of units add up to it."""
        parts = {cause: Decimal(0) for cause in ("catalogue", "register", "report", "columns")}
        for line in lines:
            if line["line"] == "unit":
                parts[line["cause"]] += Decimal(line["change"])
        found = {line["line"]: Decimal(line["change"] or 0) for line in lines if line["line"] in ("before", "after")}
        assert found["before"] + sum(parts.values()) == found["after"], lines
        for line in lines:
            if line["line"] == "sum":
                assert parts[line["cause"]] == Decimal(line["change"]), line
        return found["before"], {cause: part for cause, part in parts.items() if part}, found["after"]

    def test_what_was_under_inquiry_reads_as_it_did_then(self):
        """An inquiry is in from the leaf that asked to the one that settled it."""
        self.city.import_register([unit("E1", "east")])
        self.city.start()
        east = self.agent("east")
        first, _ = east.report("monthly", "2018-05", [Report("E1", {"output": 100})])
        asked = ("--area", "east", "--form", "monthly", "--period", "2018-05", "--unit", "E1", "--indicator", "output")
        before = self.position()
        self.city.command("ask", *asked, "--reason", "何以如此？")
        open_ = self.position()
        east.report("monthly", "2018-05", [Report("E1", {"output": 90}, base=first)])
        found = [self.city.total("zone", "2018-05", "output", "all", "--as-of", f"@{position}") for position in (before, open_)]
        self.assertEqual([(line["value"], line["under_inquiry"]) for line in found], [("10.0", "0.0"), ("10.0", "10.0")])

    def test_what_changed_a_total_between_two_moments(self):
        positions = self.history()
        lines = self.explain("zone", "output", "2018-05", "--between", day(1), day(4))
        self.assertEqual(self.sums(lines), (Decimal("10.0"), {"report": Decimal("6.5")}, Decimal("16.5")))
        largest, other = [line for line in lines if line["line"] == "unit"]
        self.assertEqual([largest[key] for key in ("unit", "name", "park", "revision", "change", "period", "by")],
                         ["W1", "单位W1", "west", "1", "4.0", "2018-05", "李明"])
        self.assertEqual([other[key] for key in ("unit", "park", "revision", "change")], ["E1", "east", "2", "2.5"])
        self.assertEqual(int(largest["position"]), positions[1])
        self.assertEqual(len(bytes.fromhex(largest["submission"])), 32)
        self.assertTrue(largest["recorded"].startswith(day(3)), largest)
        lines = self.explain("zone", "output", "2018-05", "--between", f"@{positions[1]}", day(6))
        self.assertEqual(self.sums(lines), (Decimal("16.5"), {"register": Decimal("-4.0")}, Decimal("12.5")))
        self.assertEqual([(line["unit"], int(line["position"])) for line in lines if line["line"] == "unit"],
                         [("W1", positions[2])])
        lines = self.explain("zone", "output", "2018-05", "--between", day(4), day(4))
        self.assertEqual([line["line"] for line in lines], ["before", "after"])
        self.assert_sound(self.city)

    def test_what_a_total_rests_on(self):
        self.history()
        lines = self.explain("zone", "output", "2018-05")
        self.assertEqual(self.sums(lines), (0, {"report": Decimal("12.5")}, Decimal("12.5")))
        self.assertEqual([(line["unit"], line["revision"]) for line in lines if line["line"] == "unit"], [("E1", "2")])
        lines = self.explain("group", "output", "2018", "--cumulative", "--slice", "all", "--most", "1")
        self.assertEqual(self.sums(lines)[2], Decimal("12.5"))
        found = json.loads(self.city.command("explain", "west", "output", "2018-05", "--format", "json").out)
        self.assertEqual([(line["line"], line["change"]) for line in found],
                         [("unit", "4.0"), ("before", None), ("sum", "4.0"), ("after", "4.0")])
        self.assertRegex(self.city.command("explain", "west", "output", "2018-05").out, "W1 +单位W1 +report +west +4.0")
        lines = self.explain("zone", "intensity", "2018-05")  # of a ratio its two parts
        self.assertEqual({line["indicator"] for line in lines}, {"research", "sales"})
        self.assertEqual(self.sums(self.explain("zone", "scaled", "2018-05")), (0, {}, 0))

    def test_the_largest_lines_are_listed_and_the_others_summed(self):
        self.city.import_register([unit(f"E{n}", "east") for n in range(1, 6)])
        self.city.start()
        self.agent("east").report("monthly", "2018-05", [Report(f"E{n}", {"output": n * 10}) for n in range(1, 6)])
        lines = self.explain("zone", "output", "2018-05", "--most", "2")
        self.assertEqual([(line["line"], line["unit"], line["change"]) for line in lines],
                         [("unit", "E5", "5.0"), ("unit", "E4", "4.0"), ("others", "", "6.0"), ("before", "", ""),
                          ("sum", "", "15.0"), ("after", "", "15.0")])

    def test_what_cannot_be_explained_is_refused(self):
        self.history()
        for words, said in ((("zone", "output"), "argument is missing"), (("zone", "output", "2018-05", "x"), "too many"),
                            (("mars", "output", "2018-05"), "there is no area"), (("zone", "x", "2018-05"), "there is no indicator"),
                            (("zone", "output", "soon"), "no period"),
                            (("zone", "output", "2018-05", "--slice", "x"), "there is no slice"),
                            (("zone", "output", "2018-05", "--between", day(1)), "two moments"),
                            (("zone", "output", "2018-05", "--between", day(4), day(1)), "goes first"),
                            (("zone", "output", "2018-05", "--between", "x", day(1)), "no moment"),
                            (("zone", "output", "2018-05", "--between", day(1), day(9)), "yet to come"),
                            (("zone", "output", "2018-05", "--most", "-1"), "at most"),
                            (("zone", "output", "2018-05", "--most", "1000000000"), "at most"),
                            (("zone", "output", "2018-05", "--format", "xml"), "no format")):
            with self.subTest(words):
                result = self.city.command("explain", *words, code=64)
                self.assertIn(said, result.err)
                self.assertEqual(result.out, "")
        self.assertEqual(self.value(), "12.5")

    def test_what_is_no_moment_of_this_ledger_is_refused(self):
        self.history()
        for text, said in (("gestern", "2018-06-10T12:00"), ("2018-06-31", "2018-06-10T12:00"),
                           (day(8), "yet to come"), ("2001-01-01", "before the ledger began"), ("@0", "no catalogue"),
                           ("@99", "its last one is @"), ("@-1", "@1234"), ("", "2018-06-10T12:00")):
            for command in (("totals", *QUESTION), ("targets",)):
                with self.subTest(command=command, text=text):
                    result = self.city.command(*command, f"--as-of={text}", code=64)
                    self.assertIn(said, result.err)
                    self.assertEqual(result.out, "")
        self.assertEqual(self.value(), "12.5")  # and the server goes on


if __name__ == "__main__":
    unittest.main()
