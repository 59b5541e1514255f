"""What an operator does: every command, with a server and without one; reloads; imports of the register."""

import calendar
import contextlib
import csv
import datetime
import io
import json
import os
import random
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import parktally  # noqa: E402
import stranger as st  # noqa: E402
from parktally import AGGREGATOR, city_catalogue, run, small_catalogue, unit, uscc, wait_until  # noqa: E402
from stranger import Report, Stranger, pb  # noqa: E402

SEED = int(os.environ.get("PARKTALLY_SEED") or secrets.randbits(32))
ROUNDS = parktally.sampled(8, 40)


class Case(parktally.Case):
    def stranger(self, city, area, *options):
        return self.stranger_with(city.invite(area, *options))

    def stranger_with(self, invitation):
        agent = Stranger(invitation).connect()
        self.addCleanup(agent.close)
        return agent

    def city_with_units(self, catalogue=None, **units):
        """A running aggregator; units by area."""
        city = self.aggregator(catalogue)
        city.import_register([unit(code, area) for area, codes in units.items() for code in codes.split()])
        return city.start()


class Usage(Case):
    """Exit codes and messages: what was wrong, and what there is instead."""

    def assert_says(self, words, code, *said, data=None):
        result = run(AGGREGATOR, *words, data=data)
        with self.subTest(words=words):
            self.assertEqual(result.code, code, result)
            text = result.out if code == 0 else result.err
            for part in said:
                self.assertRegex(text, part)
            self.assertNotIn("Sanitizer", result.err)
        return result

    def test_without_a_folder(self):
        for words, code, *said in (
                ([], 64, "Usage: park-aggregator", "register import"),
                (["bogus"], 64, "there is no command “bogus”"),
                (["register", "bogus"], 64, "there is no command"),
                (["--help"], 0, "Usage: park-aggregator", "rebuild"),
                (["--version"], 0, r"park-aggregator \d+\.\d+"),
                (["totals", "--help"], 0, "--slice=S", "--cumulative"),
                (["run", "--help"], 0, "--listen"),
                (["init"], 64, "--data", "--catalogue"),
                (["check", "--data", self.folder / "none"], 74, "none.*No such file"),
                (["check", "--bogus"], 64, "--bogus"),
                (["init", "--data", self.folder / "d", "--catalogue", self.folder / "none"], 74, "none.*No such file"),
                (["check", "--catalogue", self.folder / "none"], 74, "none.*No such file"),
                (["check", "--config", self.folder / "none"], 78, "none.*No such file"),
                (["run", "--data", self.folder / "none"], 78, "none/lock.*park-aggregator init"),
                (["agents", "--data", self.folder / "none"], 78, "none/lock.*park-aggregator init"),
                (["agents", "--data"], 64, "need a value")):
            self.assert_says(words, code, *said)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_in_a_folder(self):
        city = self.aggregator(city_catalogue())
        spoilt = self.folder / "spoilt.csv"
        spoilt.write_text("unit,class\nx,y\n")
        refused = [
            (["init", "--catalogue", city.source], 78, "is not empty; nothing in it was changed"),
            (["run", "--listen", "bogus"], 78, "bogus.*tcp://"),
            (["run", "extra"], 64, "too many arguments"),
            (["invite"], 64, "--area CODE"),
            (["invite", "--area", "nowhere"], 64, "“nowhere”; there are: zone, group, east, west, south, city"),
            (["invite", "--area", "zone"], 64, "only sums up"),
            (["invite", "--area", "east", "--role", "boss"], 64, "“boss” is no role; choose park or bureau"),
            (["invite", "--area", "east", "--valid", "5x"], 64, "“5x” is no time"),
            (["invite", "--area", "east", "--valid", "0m"], 64, "“0m” is no time"),
            (["invite", "--area", "east", "--valid", "31d"], 64, "at most 30d"),
            (["invite", "--area", "city", "--role", "bureau"], 64, "--forms F,…"),
            (["invite", "--area", "east", "--forms", "none"], 64, "“none”; there are: .*monthly"),
            (["invite", "--area", "east", "--forms", "city"], 64, "--role bureau"),
            (["invite", "--area", "city", "--role", "bureau", "--forms", "monthly"], 64, "filled in by parks"),
            (["revoke"], 64, "an argument is missing"),
            (["revoke", "nobody"], 64, "there is no agent “nobody”"),
            (["agents", "--format", "xml"], 64, "“xml” is no format; choose table, csv or json"),
            (["totals", "--format", "xml"], 64, "“xml” is no format"),
            (["totals", "--area", "east,nowhere"], 64, "“nowhere”; there are"),
            (["totals", "--indicator", "nothing"], 64, "“nothing”; there are: .*output"),
            (["totals", "--slice", "thick"], 64, "“thick”; there are: all, cars"),
            (["totals", "--period", "2018-13"], 64, "“2018-13” is no period"),
            (["targets", "--period", "x"], 64, "“x” is no period"),
            (["targets", "--format", "xml"], 64, "“xml” is no format"),
            (["period", "status", "--format", "xml"], 64, "“xml” is no format"),
            (["period", "status", "--period", "x"], 64, "“x” is no period"),
            (["period", "close"], 64, "--form F --period P"),
            (["period", "close", "--form", "none", "--period", "2018-05"], 64, "“none”; there are: .*monthly"),
            (["completeness", "--form", "none"], 64, "“none”; there are: .*monthly"),
            (["completeness", "--missing", "few"], 64, "found “few”, expected a number from 1, or all"),
            (["rebuild", "extra"], 64, "too many arguments"),
            (["register", "import"], 64, "an argument is missing"),
            (["register", "import", self.folder / "none.csv"], 74, "none.csv.*No such file"),
            (["register", "import", spoilt], 65, "row 1.*expected parks.*register.header"),
        ]
        for words, code, *said in refused:
            self.assert_says(words, code, *said, data=city.data)
        city.start()
        for words, code, *said in refused[3:]:
            self.assert_says(words, code, *said, data=city.data)
        self.assert_says(["rebuild"], 69, "the server is running", data=city.data)
        city.check_ledger()

    def test_a_catalogue_with_mistakes_makes_no_folder(self):
        bad = self.folder / "bad.yaml"
        bad.write_text(small_catalogue().replace("in: group", "in: gruop"))
        self.assert_says(["init", "--catalogue", bad, "--data", self.folder / "d"], 78, "gruop")
        self.assertEqual(list(self.folder.iterdir()), [bad])

    def test_every_mistake_is_named_with_line_and_column(self):
        text = small_catalogue()
        path = self.folder / "bad.yaml"
        expected = []
        for found, wrong, where in (("in: group", "in: gruop", "gruop"), ("kind: stock", "kind: stack", "stack"),
                                    ("decimals: 1", "decimals: eleven", "eleven"), ("every: year", "every: moon", "moon"),
                                    ("filled_by: park", "filed_by: park", "filed_by"), ("cluster: steel", "cluster: steal", "steal"),
                                    ("column: output", "column: outptu", "outptu"), ("class: enterprise", "class: firm", "firm")):
            self.assertIn(found, text)
            text = text.replace(found, wrong, 1)
            expected.append(where)
        path.write_text(text)
        result = run(AGGREGATOR, "check", "--catalogue", path)
        self.assertEqual(result.code, 78)
        lines = text.splitlines()
        for where in expected:
            line = next(n for n, content in enumerate(lines, 1) if where in content)
            column = len(lines[line - 1][:lines[line - 1].index(where)]) + 1
            with self.subTest(where):
                self.assertIn(f"{path}:{line}:{column}: ", result.err)
        self.assertEqual(run(AGGREGATOR, "check", "--catalogue", parktally.ROOT / "tests/data/small.yaml").code, 0)

    def test_what_is_no_yaml_is_said_in_one_place(self):
        path = self.folder / "bad.yaml"
        for content in (b"a: [b\n", b"\tx: 1\n", b"a: \xff\n", b"", b"just words\n"):
            with self.subTest(content):
                path.write_bytes(content)
                self.assert_says(["check", "--catalogue", path], 78, re.escape(str(path)))

    def test_a_configuration_is_checked_with_its_catalogue(self):
        city = self.aggregator()
        path = self.folder / "aggregator.yaml"
        path.write_text(f"data: {city.data}\nlisten: tcp://x\nfoo: 1\nenrol: [a]\n")
        self.assert_says(["check", "--config", path], 78, f"{path}:2:9: ", f"{path}:3:1: ", f"{path}:4:")
        path.write_text(f"data: {city.data}\n")
        self.assert_says(["check", "--config", path], 0, "no mistakes")
        path.write_text(f"data: {city.data}\ncatalogue: bad.yaml\n")
        (self.folder / "bad.yaml").write_text(small_catalogue().replace("in: group", "in: gruop"))
        self.assert_says(["check", "--config", path], 78, "bad.yaml:19:37: ")

    def test_a_register_with_mistakes_is_not_taken_at_all(self):
        city = self.aggregator()
        rows = [unit("GOOD", "east"), unit("BAD", "mars", reporter="west", in_boundary="maybe", clusters="x", flags="y",
                                           status="z", from_="2018-13-01", class_="k")]
        result = city.import_register(rows, code=65)
        for column in ("class", "in_boundary", "status", "parks", "clusters", "flags", "from"):
            self.assertRegex(result.err, rf"row 3, column [A-N] \({column}\), unit BAD")
        self.assertIn("1 versions added", city.import_register(rows[:1]).out)
        self.assertIn("there was nothing to record", city.import_register(rows[:1]).out)
        self.assertIn("1 replaced", city.import_register([unit("GOOD", "west")]).out)

    def test_a_register_may_come_from_standard_input(self):
        """Also through a pipe, which the server never waits for: a pipe that nobody closes holds up nobody else."""
        city = self.aggregator()
        text = parktally.register_text([unit("A", "east")])
        path = self.folder / "register.csv"
        path.write_text(text)
        for _ in range(2):
            self.assertIn("versions added", city.command("register", "import", "-", stdin=text).out)
            with subprocess.Popen([AGGREGATOR, "register", "import", "-", "--data", city.data],
                                  stdin=subprocess.PIPE) as stalled:
                self.assertIn("agent", city.command("agents").out)
                stalled.kill()
            with open(path, "rb") as file:
                result = run(AGGREGATOR, "register", "import", "-", "--reason=试用", data=city.data, stdin=file)
            self.assertEqual(result.code, 0, result)
            self.assertIn("versions added", result.out)
            if not city.is_running():
                city.start()


class SameEitherWay(Case):
    """A command gives the same in the server and without one."""

    LOOKS = (["agents", "--format", "csv"], ["agents", "--format", "json"], ["agents"], ["totals", "--format", "csv"],
             ["totals", "--format", "json", "--period", "2018-05"], ["totals"], ["totals", "--cumulative", "--period", "2018-06"],
             ["totals", "--slice", "all,cars,overlap", "--indicator", "output,intensity"], ["targets", "--format", "csv"],
             ["targets", "--period", "2018"], ["period", "status"], ["period", "status", "--form", "monthly", "--format", "json"],
             ["completeness"], ["completeness", "--period", "2018-05", "--format", "csv"],
             ["completeness", "--period", "2018-05", "--missing", "all", "--format", "json"], ["rebuild", "--check"])

    def test_looks(self):
        city = self.city_with_units(city_catalogue(), east="E1 E2 E3", west="W1", south="S1", city="CITY")
        for area in ("east", "west"):
            agent = self.stranger(city, area)
            for period in ("2018-05", "2018-06"):
                agent.report("monthly", period, [Report(f"{area[0].upper()}1", {"output": 12345, "staff": 3, "sales": 7})])
            agent.report("yearly", "2018", [Report(f"{area[0].upper()}1", {"research": 70})])
        bureau = self.stranger(city, "city", "--role", "bureau", "--forms", "city")
        bureau.report("city", "2018", [Report("CITY", {"people": 3867000})])
        city.command("revoke", bureau.id, "--reason", "试验")
        there = [city.command(*words) for words in self.LOOKS]
        self.assertEqual(city.stop(), 0)
        for words, before in zip(self.LOOKS, there):
            with self.subTest(words=words):
                self.assertEqual(city.command(*words), before)
                self.assertTrue(before.out.strip())
        self.assert_formats_agree(city)
        self.assert_targets(city)

    def assert_formats_agree(self, city):
        text = city.command("totals", "--format", "csv", "--period", "2018-06").out
        self.assertEqual(text.splitlines()[0], ",".join(parktally.TOTALS_COLUMNS))
        lines = list(csv.DictReader(io.StringIO(text)))
        objects = json.loads(city.command("totals", "--format", "json", "--period", "2018-06").out)
        self.assertEqual([{name: "" if value is None else str(value) for name, value in o.items()} for o in objects], lines)
        zone = [line for line in lines if (line["area"], line["indicator"], line["slice"]) == ("zone", "output", "all")]
        self.assertEqual([list(line.values()) for line in zone],
                         [["zone", "2018-06", "output", "all", "2469.0", "千元", "2", "5", "0.0"]])
        table = city.command("totals", "--period", "2018-06").out
        self.assertRegex(table, r"Zone +2018-06 +Output +All +2,469\.0 +千元 +2 +5 +0\.0")
        agents = list(csv.DictReader(io.StringIO(city.command("agents", "--format", "csv").out)))
        self.assertEqual([(a["agent"], a["area"], a["role"], a["forms"], a["submissions"], bool(a["revoked"])) for a in agents],
                         [("city-1", "city", "bureau", "city", "1", True), ("east-1", "east", "park", "", "3", False),
                          ("west-1", "west", "park", "", "3", False)])

    def assert_targets(self, city):
        line, = csv.DictReader(io.StringIO(city.command("targets", "--format", "csv", "--period", "2018").out))
        self.assertEqual((line["standing"], line["reached"], line["reported"]), ("140", "1", "2"), line)

    def test_acts(self):
        for running in (False, True):
            with self.subTest(running=running):
                city = self.aggregator(name=f"acts-{running}")
                city.start()
                if not running:
                    city.stop()
                self.assertIn("2 versions added", city.import_register([unit("E1", "east"), unit("E2", "east")]).out)
                if not running:  # invitations name the ports that the server would have by its configuration
                    (city.data / "aggregator.yaml").write_text(f"listen: {city.listen}\nenrol: {city.enrol}\n")
                text = city.invite("east", "--valid", "30m", "--reason", "试用")
                invitation = st.read_invitation(text)
                self.assertEqual((invitation.endpoint, invitation.enrol_endpoint), (city.listen, city.enrol))
                self.assertAlmostEqual(invitation.expires_at_ms, st.now_ms() + 30 * 60 * 1000, delta=60 * 1000)
                if not running:
                    city.start()
                agent = Stranger(text).connect()
                agent.report("monthly", "2018-05", [Report("E1", {"output": 1})])
                if not running:
                    city.stop()
                self.assertIn("east-1 is revoked", city.command("revoke", "east-1").out)
                self.assertIn("revoked already", city.command("revoke", "east-1", code=64).err)
                if not running:
                    city.start()
                    agent.open()
                with self.assertRaises(st.Refused) as caught:
                    agent.hello()
                self.assertEqual(caught.exception.code, "agent.revoked")
                agent.close()
                self.assertEqual(city.total("zone", "2018-05", "output")["value"], "0.1")
                self.assert_sound(city)
                city.close()


class Server(Case):
    def test_two_servers_on_one_folder_are_one_too_many(self):
        city = self.aggregator().start()
        second = run(AGGREGATOR, "run", "--listen", "tcp://127.0.0.1:*", "--enrol", "tcp://127.0.0.1:*", data=city.data)
        self.assertEqual(second.code, 75)
        self.assertIn("another park-aggregator is at work", second.err)
        self.assertTrue(city.is_running())
        self.assertIn("there is no agent", city.command("revoke", "x", code=64).err)

    def test_a_port_in_use_is_said(self):
        city = self.aggregator().start()
        other = self.aggregator(name="other")
        second = run(AGGREGATOR, "run", "--listen", city.listen, "--enrol", "tcp://127.0.0.1:*", data=other.data)
        self.assertEqual(second.code, 69)
        self.assertIn("in use", second.err)

    def test_after_a_kill_commands_work_and_the_server_starts(self):
        city = self.city_with_units(east="E1")
        agent = self.stranger(city, "east")
        agent.report("monthly", "2018-05", [Report("E1", {"output": 5})])
        city.kill()
        self.assertTrue((city.data / "control").exists())
        self.assertEqual(city.total("east", "2018-05", "output")["value"], "0.5")
        city.start()
        self.assertEqual(city.total("east", "2018-05", "output")["value"], "0.5")
        self.assert_sound(city)

    def test_sigterm_drains_and_ends_with_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                city = self.aggregator(name=number.name)
                city.import_register([unit(f"E{n}", "east") for n in range(40)])
                city.start()
                agent = Stranger(city.invite("east")).connect()
                sealed = [agent.sealed("monthly", "2018-05", [Report(f"E{n}", {"output": n + 1})]) for n in range(40)]
                for one in sealed:
                    agent.submit(one)
                first = agent.expect("receipt", "busy")
                city.signal(number)
                self.assertEqual(city.process.wait(parktally.PATIENCE), 0)
                self.assertIn("server.stopped", city.log())
                got = [first.receipt] if first.HasField("receipt") else []
                with contextlib.suppress(st.Silent):
                    while True:
                        frame = st.receive(agent.socket, 0)
                        got += [frame.receipt] if frame.HasField("receipt") else []
                city.start()
                answers = agent.deliver(sealed, silence=2)
                agent.close()
                self.assertEqual(len(answers), 40)
                self.assertLessEqual(set(got), set(answers.values()))  # the same receipts, so nothing was taken anew
                self.assertEqual(city.total("east", "2018-05", "output")["value"], f"{sum(range(1, 41)) / 10}")
                self.assert_sound(city)
                city.close()

    def test_tables_that_were_tampered_with_are_found_and_made_anew(self):
        city = self.city_with_units(east="E1 E2")
        agent = self.stranger(city, "east")
        agent.report("monthly", "2018-05", [Report("E1", {"output": 5}), Report("E2", {"output": 7})])
        city.stop()
        for damage in ("DELETE FROM family WHERE area = 'east' AND slice = 'all'",
                       "UPDATE family SET cells = replace(cells, '1', '2') WHERE area = 'zone'",
                       "DELETE FROM block",
                       "UPDATE block SET reports = replace(reports, 'E1', 'E3')",
                       "UPDATE expected SET units = units + 1"):
            with self.subTest(damage):
                store = sqlite3.connect(city.data / "store.db")
                with store:
                    self.assertGreater(store.execute(damage).rowcount, 0)
                store.close()
                found = city.command("rebuild", "--check", code=65)
                self.assertRegex(found.out + found.err, "stored .*, by the ledger|checksum|damaged")
                self.assertIn("made anew", city.command("rebuild").out)
                city.check_ledger()
                self.assertEqual(city.total("zone", "2018-05", "output")["value"], "1.2")


NEW_AREA = "  north: {zh: 北园, en: North park, in: zone, reports: true}\n"
NEW_INDICATORS = """\
  energy: {zh: 能耗, en: Energy, measure: 千元, kind: flow, basis: month}
  water: {zh: 用水, en: Water, measure: 千元, kind: flow, basis: month}
"""
NEW_FORM = parktally.BUREAU_FORM.replace("  city:", "  water:").replace("bureau", "park").replace("people", "water") \
    .replace("every: year", "every: month\n    january: separate").replace("T-9", "T-10")


def grown_catalogue():
    """A new park, a new indicator, a new column at the end of a form, a new form."""
    text = small_catalogue(areas=NEW_AREA, indicators=NEW_INDICATORS, forms=NEW_FORM)
    return text.replace("{column: sales.ytd}, {column: staff}]", "{column: sales.ytd}, {column: staff}, {column: energy}]")


class Reload(Case):
    def test_a_new_park_indicator_and_form_are_usable_at_once(self):
        city = self.city_with_units(east="E1 E2")
        agent = self.stranger(city, "east")
        old = agent.catalogue_hash
        sealed_before = agent.sealed("monthly", "2018-05", [Report("E1", {"output": 10})])
        (city.data / "catalogue.yaml").write_text(grown_catalogue())
        city.reload("reload.done")

        # whoever holds the old catalogue is still counted, and told that there is a new one
        self.assertEqual(agent.read_receipt(agent.receipt_bytes(sealed_before)).counted, 1)
        _, receipt = agent.report("monthly", "2018-05", [Report("E2", {"output": 20})])
        self.assertEqual(receipt.counted, 1)
        with self.assertRaises(st.Refused) as caught:
            agent.report("monthly", "2018-06", [Report("E1", {"energy": 5})])
        self.assertEqual(caught.exception.code, "indicator.unknown")
        self.assertNotEqual(agent.hello().catalogue_hash, old)

        agent.refresh()
        self.assertEqual(agent.documents[pb.DOCUMENT_CATALOGUE].decode(), grown_catalogue())
        _, receipt = agent.report("monthly", "2018-06", [Report("E1", {"energy": 5})])
        self.assertEqual(receipt.counted, 1)
        city.import_register([unit("N1", "north")])
        north = self.stranger(city, "north")
        _, receipt = north.report("water", "2018-06", [Report("N1", {"water": 7})])
        self.assertEqual(receipt.counted, 1)
        self.assertEqual([city.total("zone", period, indicator)["value"] for period, indicator in
                          (("2018-05", "output"), ("2018-06", "energy"), ("2018-06", "water"))], ["3.0", "5", "7"])
        self.assert_sound(city)
        city.stop()
        city.start()
        self.assertEqual(agent.read_receipt(agent.receipt_bytes(sealed_before)).counted, 1)
        self.assert_sound(city)

    def test_nothing_is_lost_while_the_catalogue_changes(self):
        city = self.city_with_units(east=" ".join(f"E{n}" for n in range(120)))
        agent = self.stranger(city, "east")
        sealed = [agent.sealed("monthly", "2018-05", [Report(f"E{n}", {"output": 10})]) for n in range(120)]
        texts = [grown_catalogue(), grown_catalogue().replace("North park", "Park in the north")]
        count = 0

        def took(_id, answer):
            nonlocal count
            self.assertIsInstance(answer, bytes)
            count += 1
            if count in (20, 70):
                (city.data / "catalogue.yaml").write_text(texts.pop(0))
                city.signal(signal.SIGHUP)

        self.assertEqual(len(agent.deliver(sealed, took=took)), 120)
        wait_until(lambda: city.log().count("catalogue.changed") == 2, "both catalogues are in force")
        line = city.total("zone", "2018-05", "output")
        self.assertEqual((line["value"], line["reported"], line["expected"]), ("120.0", "120", "120"))
        self.assert_sound(city)

    def test_a_broken_catalogue_is_refused_and_the_old_one_stays(self):
        city = self.city_with_units(east="E1 E2 E3 E4 E5")
        agent = self.stranger(city, "east")
        path = city.data / "catalogue.yaml"
        for number, (text, said) in enumerate((
                (small_catalogue().replace("in: group", "in: gruop"), "catalogue.yaml:19:37: "),
                (small_catalogue().replace("{column: sales}, ", ""), "column"),
                (small_catalogue().replace("decimals: 1", "decimals: 2"), "output"),
                (small_catalogue().replace("  south: ", "  sooth: "), "south"),
                ("", "catalogue.yaml"))):
            with self.subTest(said):
                path.write_text(text)
                self.assertIn(said, city.reload("reload.refused"))
                self.assertEqual(agent.hello().catalogue_hash, agent.catalogue_hash)
                _, receipt = agent.report("monthly", "2018-05", [Report(f"E{number + 1}", {"output": 10})])
                self.assertEqual(receipt.counted, 1)
        path.unlink()
        city.reload("reload.refused")
        self.assertEqual(city.total("zone", "2018-05", "output")["value"], "5.0")
        # a server that starts beside a broken catalogue goes on with the one in force
        path.write_text("areas: [")
        city.stop()
        city.start()
        self.assertIn("catalogue.refused", city.log())
        agent.open()
        self.assertEqual(agent.hello().catalogue_hash, agent.catalogue_hash)
        path.write_text(grown_catalogue())
        city.reload("reload.done")
        self.assertNotEqual(agent.hello().catalogue_hash, agent.catalogue_hash)
        self.assert_sound(city)

    def test_a_broken_configuration_is_refused_and_the_old_one_stays(self):
        city = self.city_with_units(east="E1")
        config = city.data / "aggregator.yaml"
        before = city.invite("east")
        config.write_text("announce: nowhere\n")
        self.assertIn("aggregator.yaml:1:11: announce", city.reload("reload.refused"))
        agent = self.stranger_with(before)
        self.assertEqual(agent.report("monthly", "2018-05", [Report("E1", {"output": 10})])[1].counted, 1)
        config.unlink()
        self.assertEqual(st.read_invitation(city.invite("east")).endpoint, city.listen)
        other = self.folder / "elsewhere.yaml"
        other.write_text(grown_catalogue())
        config.write_text(f"catalogue: {other}\nannounce: tcp://127.0.0.1:1\n")
        city.reload("reload.done")
        self.assertIn("catalogue.changed: " + str(other), city.log())
        self.assertTrue(city.invite("north"))
        self.assertEqual(st.read_invitation(city.invite("east")).endpoint, "tcp://127.0.0.1:1")
        config.write_text(f"catalogue: {other}\nlisten: tcp://127.0.0.1:2\n")  # takes effect at the next start
        said = city.reload("reload.done")
        self.assertIn("listen", said)
        self.assertEqual(st.read_invitation(city.invite("east")).endpoint, city.listen)

    def test_sighup_without_a_change_is_noted_and_changes_nothing(self):
        city = self.city_with_units(east="E1")
        before = city.position()
        city.reload("reload.done")
        self.assertEqual(city.position(), before + 1)
        self.assertIn(f"\n{before + 1},", city.command("audit", "list", "--act", "reload", "--format", "csv").out)
        city.check_ledger()


# --- the register, against a plain sum ---

PARENTS = {"east": "group", "west": "group", "group": "zone", "south": "zone", "city": None, "zone": None}
CHILDREN = {"zone": ("group", "south"), "group": ("east", "west")}
BOUNDARY_ONLY = {"zone", "group"}
AREAS = ("zone", "group", "east", "west", "south", "city")
SLICES = ("all", "cars", "steel", "above_scale", "outside_boundary")
PARKS = ("east", "west", "south")
MONTHS = [f"2018-{month:02d}" for month in range(1, 7)]
FORM_OF = {"output": "monthly", "staff": "monthly", "profit": "finance"}
COLUMN_OF = {"output": "output", "staff": "staff", "profit": "profit.ytd"}
CLASSES_OF = {"monthly": ("enterprise", "establishment", "code"), "finance": ("enterprise", "establishment")}
DECIMALS = {"output": 1, "staff": 0, "profit": 0}


def days_of(month):
    year, number = map(int, month.split("-"))
    return [datetime.date(year, number, day) for day in range(1, calendar.monthrange(year, number)[1] + 1)]


def lists(cell):
    return set(filter(None, cell.split(";")))


class Plain:
    """The same sums without a store, a delta or a shortcut: over all reports, each time."""

    def __init__(self):
        self.versions = {}  # (unit, from) → row
        self.reports = {}   # (form, month, unit) → {park: values}, the earliest park first

    def take(self, rows):
        self.versions.update({(row["unit"], row["from"]): row for row in rows})

    def on_day(self, code, day):
        day = day.isoformat()
        begun = [row for (of, start), row in self.versions.items() if of == code and start <= day]
        row = max(begun, key=lambda row: row["from"], default=None)
        return row if row and (not row["to"] or day <= row["to"]) else None

    def governing(self, code, month):
        return next(filter(None, (self.on_day(code, day) for day in reversed(days_of(month)))), None)

    def units(self):
        return sorted({code for code, _ in self.versions})

    @staticmethod
    def is_in(row, area, slice_):
        within = False
        for park in lists(row["parks"]):
            while park:
                within |= park == area and (row["in_boundary"] == "1" or area not in BOUNDARY_ONLY)
                park = PARENTS[park]
        return within and {"all": True, "cars": "cars" in lists(row["clusters"]), "steel": "steel" in lists(row["clusters"]),
                           "above_scale": "above_scale" in lists(row["flags"]),
                           "outside_boundary": row["in_boundary"] == "0"}[slice_]

    @staticmethod
    def counted(row, reports):
        """The reporter's; else that of a park that has the unit; else one that it has left. The earliest of them."""
        at_home = [park for park in reports if park in lists(row["parks"])]
        best = [row["reporter"]] if row["reporter"] in reports else at_home or list(reports)
        return reports[best[0]]

    def owes(self, code, form, month):
        row = self.on_day(code, days_of(month)[-1])
        owing = row and row["class"] in CLASSES_OF[form] and row["status"] != "关闭"
        return row if owing and (form != "finance" or "above_scale" in lists(row["flags"])) else None

    def total(self, area, month, indicator, slice_):
        form, column = FORM_OF[indicator], COLUMN_OF[indicator]
        value = reported = expected = 0
        for code in self.units():
            row = self.governing(code, month)
            reports = self.reports.get((form, month, code), {})
            if row and reports and self.is_in(row, area, slice_):
                counted = self.counted(row, reports)
                if column in counted:
                    value, reported = value + counted[column], reported + 1
            owing = self.owes(code, form, month)
            expected += bool(owing and self.is_in(owing, area, slice_))
        return value, reported, expected


def written(value, indicator):
    sign, value = "-" if value < 0 else "", abs(value)
    return f"{sign}{value // 10}.{value % 10}" if DECIMALS[indicator] else f"{sign}{value}"


class Register(Case):
    """An import re-derives totals and expected counts exactly."""

    def setUp(self):
        super().setUp()
        print(f"PARKTALLY_SEED={SEED}", file=sys.stderr)
        self.random = random.Random(SEED)
        self.plain = Plain()
        self.bases = {}
        self.city = self.aggregator()
        self.agents = {}

    def assert_as_plain(self):
        for cumulative in (False, True):
            for month in MONTHS:
                words = ["--slice", ",".join(SLICES), "--period", month, "--indicator", "output,staff,profit"]
                lines = self.city.totals(*words, *(["--cumulative"] if cumulative else []))
                for line in lines:
                    if (line["indicator"] == "profit") == cumulative or (line["indicator"] == "output" and cumulative):
                        self.assert_line(line, month, cumulative)
                self.assertGreater(len(lines), 50)

    def assert_line(self, line, month, cumulative):
        area, indicator, slice_ = line["area"], line["indicator"], line["slice"]
        adds_up = cumulative and indicator == "output"
        if (indicator, month) == ("profit", "2018-01"):
            return  # the form does not ask for January
        if slice_ == "overlap":
            expected = [a - b for a, b in zip(self.sum_of(CHILDREN[area], month, indicator, adds_up),
                                              self.sum_of([area], month, indicator, adds_up))]
            if not self.sum_of([*CHILDREN[area], area], month, indicator, adds_up)[1]:
                expected[0] = None
        else:
            expected = self.sum_of([area], month, indicator, adds_up, slice_)
            if not expected[1]:
                expected[0] = None
        text = "" if expected[0] is None else written(expected[0], indicator)
        if text == "":
            self.assertEqual(line["value"], "", line)
            if slice_ == "overlap":
                return  # where nothing is known, it says nothing of how much is missing
        self.assertEqual((line["value"], line["reported"], line["expected"]), (text, str(expected[1]), str(expected[2])), line)

    def sum_of(self, areas, month, indicator, adds_up, slice_="all"):
        months = MONTHS[:MONTHS.index(month) + 1] if adds_up else [month]
        parts = [self.plain.total(area, one, indicator, slice_) for area in areas for one in months]
        return [sum(column) for column in zip(*parts)]

    def take(self, rows):
        self.city.import_register(rows)
        self.plain.take(rows)

    def report(self, park, form, month, values):
        """Reports of one park; each corrects what that park said before."""
        reports = [Report(code, figures, self.bases.get((form, month, code, park), b"")) for code, figures in values.items()]
        id_, receipt = self.agents[park].report(form, month, reports, columns=sorted({c for f in values.values() for c in f}))
        refused = {r.unit: r for r in receipt.refusal}
        for code, figures in values.items():
            if code not in refused:
                self.bases[form, month, code, park] = id_
                of_unit = self.plain.reports.setdefault((form, month, code), {})
                of_unit.setdefault(park, {}).update(figures)
        for code, refusal in refused.items():
            self.assertIn(refusal.rule, ("report.unchanged", "unit.elsewhere", "unit.unknown", "unit.class"), refusal)
            if refusal.rule == "unit.elsewhere":
                self.assertNotIn(park, lists(self.plain.governing(code, month)["parks"]))
            if refusal.rule == "unit.unknown":
                self.assertIsNone(self.plain.governing(code, month))

    def join_all(self):
        self.city.start()
        for park in PARKS:
            self.agents[park] = self.stranger(self.city, park)

    def test_a_unit_that_moves_leaves_the_boundary_gets_a_flag_and_closes(self):
        codes = {name: uscc(n) for n, name in enumerate(("mover", "leaver", "riser", "closer", "both"))}
        base = {name: unit(code, "east", class_="enterprise") for name, code in codes.items()}
        base["both"]["parks"] = "east;west"
        self.take(list(base.values()))
        self.join_all()
        for n, month in enumerate(MONTHS):
            self.report("east", "monthly", month,
                        {code: {"output": (n + 1) * 10 ** k, "staff": k} for k, code in enumerate(codes.values())})
            self.report("west", "monthly", month, {codes["both"]: {"output": 7 * 10**6}})
        self.assert_as_plain()
        self.assertEqual(self.city.total("west", "2018-04", "output")["value"], "4000.0")  # of both: the earliest
        self.assertEqual(self.city.total("zone", "2018-04", "output", "overlap")["value"], "0.0")
        self.assertEqual(self.city.total("group", "2018-04", "output", "overlap")["value"], "4000.0")

        self.take([base["mover"] | {"parks": "west", "from": "2018-04-01"}])
        self.assert_as_plain()
        self.assertEqual([self.city.total("west", m, "output")["value"] for m in ("2018-03", "2018-04")], ["3000.0", "4000.4"])
        self.report("west", "monthly", "2018-04", {codes["mover"]: {"output": 9}})  # the park that has it now
        self.assert_as_plain()
        self.assertEqual(self.city.total("west", "2018-04", "output")["value"], "4000.9")
        self.take([base["leaver"] | {"in_boundary": "0", "from": "2018-03-15"}])
        self.assert_as_plain()
        self.assertEqual(self.city.total("east", "2018-03", "output", "outside_boundary")["value"], "3.0")
        self.take([base["riser"] | {"flags": "above_scale", "clusters": "cars;steel", "from": "2018-02-28"}])
        self.assert_as_plain()
        self.assertEqual(self.city.total("zone", "2018-02", "output", "above_scale")["value"], "20.0")
        self.take([base["closer"] | {"status": "关闭", "from": "2018-05-10"}])
        self.assert_as_plain()
        self.take([base["closer"] | {"to": "2018-04-20"}, base["closer"] | {"status": "关闭", "from": "2018-06-10"}])
        self.assert_as_plain()
        self.take([base["both"] | {"parks": "east;west", "reporter": "west"}])
        self.assert_as_plain()
        self.assertEqual(self.city.total("east", "2018-04", "output")["value"], "700444.0")
        self.assert_sound(self.city)

    def random_row(self, code):
        """A version of a unit, as the world makes them."""
        parks = self.random.sample(PARKS, self.random.choice((1, 1, 1, 2, 3)))
        start = datetime.date(2017, 12, 1) + datetime.timedelta(days=self.random.randrange(240))
        end = start + datetime.timedelta(days=self.random.randrange(200)) if self.random.random() < 0.2 else None
        pick = lambda words: ";".join(word for word in words if self.random.random() < 0.4)  # noqa: E731
        return unit(code, ";".join(parks), class_="enterprise" if len(code) == 18 else "code",
                    reporter=self.random.choice(["", *parks]), in_boundary=self.random.choice("1110"),
                    clusters=pick(("cars", "steel")), flags=pick(("above_scale",)),
                    status=self.random.choice(("正常", "正常", "停产", "关闭")), from_=start.isoformat(),
                    to=end.isoformat() if end else "")

    def random_reports(self, codes):
        for park in PARKS:
            form = self.random.choice(("monthly", "monthly", "finance"))
            month = self.random.choice(MONTHS[1:] if form == "finance" else MONTHS)
            some = self.random.sample(codes, 12)
            if form == "finance":
                values = {code: {"profit.ytd": self.random.randrange(-500, 2000)} for code in some if len(code) == 18}
            else:
                values = {code: {"output": self.random.randrange(10**6), "staff": self.random.randrange(300)} for code in some}
            if values:
                self.report(park, form, month, values)

    def test_random_registers_and_reports(self):
        codes = [uscc(n) for n in range(12)] + [f"U{n:02d}" for n in range(12)]
        self.take([unit(code, "east;west;south", class_="enterprise" if len(code) == 18 else "code") for code in codes])
        self.join_all()
        for turn in range(ROUNDS):
            with self.subTest(seed=SEED, turn=turn):
                for _ in range(4):
                    self.random_reports(codes)
                rows = {(row["unit"], row["from"]): row for row in (self.random_row(self.random.choice(codes)) for _ in range(6))}
                self.take(list(rows.values()))
                if turn % 3 == 2:
                    self.city.stop()
                    self.city.start()
                    for agent in self.agents.values():
                        agent.connect()
                self.assert_as_plain()
        self.assert_sound(self.city)


if __name__ == "__main__":
    unittest.main()
