"""A byte of the store or of an outbox that is not what was written is told, or makes no difference: never another total.

Most flips are tried by rot_city and rot_park, which ask the programs' own code in a process for each flip; some with the
programs themselves. PARKTALLY_SEED repeats a run; a failure prints the number of its flip, and PARKTALLY_POINT=name/number
tries that one alone."""

import collections
import contextlib
import csv
import fcntl
import io
import json
import os
import random
import secrets
import shutil
import sqlite3
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import parktally  # noqa: E402
import stranger  # noqa: E402
from parktally import unit  # noqa: E402
from stranger import Report  # noqa: E402

SEED = int(os.environ.get("PARKTALLY_SEED") or secrets.randbits(32))
POINT = os.environ.get("PARKTALLY_POINT")
RULES = """\
  staff-needed: {zh: 有产值应有人员, en: Who produces has staff, form: monthly, weight: quasi-mandatory, holds: if output > 0 then staff > 0}
  output-small: {zh: 产值不大, en: Output is small, form: monthly, weight: verify, holds: output <= 1000.5}
"""
EMPTY = "\nempty_answers: [核实无误]\n"
COLUMNS = "uscc,period,output,sales,sales.ytd,staff".split(",")
MONTHS = [f"2018-{month:02}" for month in range(1, 7)]
EAST, WEST, SOUTH = ([f"{letter}{n:03}" for n in range(count)] for letter, count in (("E", 90), ("W", 60), ("S", 20)))
REAL = "五月起新增一条电机生产线，产能翻番"


def figures(code, month, add=0):
    """A unit's, by its number."""
    number = int(code[1:])
    return {"output": 500 + 7 * (number + month) + add, "sales": 40 + number + month,
            "sales.ytd": (40 + number) * month + month * (month + 1) // 2, "staff": 1 + number % 9}


class Scene:
    """A small city with something of everything, its server at rest, and one of its parks."""

    def __init__(self, case):
        self.case, self.folder = case, case.folder
        self.city = case.aggregator(parktally.small_catalogue(
            rules=RULES, indicators=parktally.BUREAU_INDICATOR, forms=parktally.BUREAU_FORM, targets=parktally.TARGET) + EMPTY)
        city = self.city
        self.register([unit(code, "east;west" if code < "E004" else "east", clusters="cars" if code < "E040" else "",
                            flags="above_scale" if code > "E060" else "") for code in EAST]
                      + [unit(code, "west", clusters="steel", in_boundary="0" if code > "W050" else "1") for code in WEST]
                      + [unit(code, "south") for code in SOUTH])
        city.start()
        self.east = parktally.enrol(city, "east", self.folder / "east")
        self.west, self.south = (stranger.enrol(city, area) for area in ("west", "south"))
        self.bureau = stranger.enrol(city, "city", "--role", "bureau", "--forms", "city")
        self.moments = [city.position()]
        self.report()
        self.moments.append(city.position())
        self.correct()
        self.moments.append(city.position())
        self.change_the_register()
        self.ask_and_answer()
        self.apply()
        self.operate()
        self.last = city.position()
        self.seal_what_comes_next()

    def register(self, rows):
        self.city.import_register(rows)

    def push(self, rows, name="月报.csv", code=0, wait=True):
        path = self.folder / name
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(rows)
        return self.east.command("push", path, "--approved-by", "张三", *(["--wait"] if wait else []), code=code)

    @staticmethod
    def row(code, month, add=0):
        found = figures(code, month, add)
        return [code, f"2018-{month:02}", f"{found['output'] // 10}.{found['output'] % 10}", *list(found.values())[1:]]

    def report(self):
        self.bases = {}
        for n, month in enumerate(MONTHS, 1):
            self.push([self.row(code, n) for code in EAST])
            for agent, units in ((self.west, WEST + EAST[:4]), (self.south, SOUTH)):
                id_, _ = agent.report("monthly", month, [Report(code, figures(code, n)) for code in units])
                self.bases[agent, month] = id_
        for agent, units in ((self.west, WEST), (self.south, SOUTH)):
            agent.report("yearly", "2018", [Report(code, {"research": 10 + int(code[1:])}) for code in units])

    def correct(self):
        self.push([self.row(code, 3, 13) for code in EAST[10:30]])
        id_, _ = self.west.report("monthly", "2018-04", [Report(code, figures(code, 4, 5), self.bases[self.west, "2018-04"])
                                                         for code in WEST[5:25]])
        self.west.report("monthly", "2018-04", [Report(WEST[5], {"output": 1}, id_)])
        unknown = bytes(32)  # of a base that never arrives
        self.west.report("monthly", "2018-05", [Report(WEST[7], figures(WEST[7], 5, 3), unknown)])

    def change_the_register(self):
        self.register([unit("E010", "west", from_="2018-05-01"), unit("E011", "east", from_="2018-05-01", status="关闭"),
                       unit("E012", "east", from_="2018-05-01", status="关闭"),
                       unit("E900", "east", from_="2018-05-01", succeeds="E011;E012", clusters="cars"),
                       unit("W010", "west", in_boundary="0")])

    def ask_and_answer(self):
        self.push([["E020", "2018-06", "1000.6", 47, 1, 3], ["E021", "2018-06", "1000.7", 47, 1, 3]])
        parktally.wait_until(lambda: len(self.inquiries()) >= 2, "the city asks")
        self.east.command("inquiries", code=0)
        first, self.open = sorted(self.inquiries())[:2]
        self.east.command("answer", first, "--text", REAL, "--by", "李四", code=0)
        self.city.command("accept", first)
        self.city.command("ask", "--area", "east", "--form", "monthly", "--period", "2018-05", "--unit", "E030", "--reason", "为何？")
        self.city.command("consent", "--area", "east", "--form", "monthly", "--period", "2018-06", "--unit", "E031", "--rule",
                          "staff-needed", "--reason", "人员全部外包")
        self.east.command("inquiries", code=0)

    def inquiries(self):
        """Numbers of those of the park."""
        text = self.city.command("inquiries", "--all", "--area", "east", "--format", "csv").out
        return [int(line["number"]) for line in csv.DictReader(io.StringIO(text))]

    def apply(self):
        for code in ("新1", "新2"):
            self.east.command("apply", code, "--class", "code", "--name", "新企业", "--text", "六月投产", "--by", "李四", code=0)
        self.push([["新1", "2018-06", "12.5", 4, 4, 2]], code=75)
        self.city.command("decline", "2", "--reason", "不在四至范围内")
        self.east.command("applications", code=0)

    def operate(self):
        second = stranger.enrol(self.city, "west")
        second.close()
        self.city.command("revoke", second.id, "--reason", "丢失")
        self.city.invite("south")
        self.city.command("period", "close", "--form", "monthly", "--period", "2018-01")
        self.city.command("period", "reopen", "--form", "monthly", "--period", "2018-01", "--area", "west", "--reason", "更正")
        self.city.command("period", "publish", "--form", "monthly", "--period", "2018-02")

    def seal_what_comes_next(self):
        """Corrections and first reports, of which the city does not know yet."""
        june = self.bases[self.west, "2018-06"]
        self.next = []
        for n, (period, reports) in enumerate((
                ("2018-06", [Report(code, figures(code, 6, 9), june) for code in WEST[::3]]),
                ("2018-07", [Report(code, figures(code, 7)) for code in WEST + EAST[:2]]))):
            path = self.folder / f"next{n}"
            path.write_bytes(self.west.sealed("monthly", period, reports))
            self.next.append(path)

    def questions(self):
        """What a city may be asked, before something comes that touches half of it, and after."""
        def totals(period, *options):
            return ["totals", "--period", period, "--format", "csv", *options]

        def sales(period, *options):
            return totals(period, "--indicator", "sales", *options)

        june, july = totals("2018-06"), totals("2018-07")
        before = [june, july, *map(totals, MONTHS[:5]), sales("2018-Q2"), sales("2018-05", "--cumulative"),
                  totals("2018"), sales("2018-05", "--mom", "--causes")]
        before += [sales(period, "--as-of", f"@{moment}") for moment in (*self.moments, self.last) for period in ("2018-04", "2018-05")]
        before += [sales("2018-02", "--as-of", "edition:1"),
                   ["targets", "--period", "2018", "--format", "csv"], ["inquiries", "--all", "--format", "csv"],
                   ["applications", "--all", "--format", "csv"], ["agents", "--format", "csv"],
                   ["period", "status", "--format", "csv"], ["editions", "--format", "csv"], ["ledger", "head"], ["ledger", "prove", str(self.moments[1])],
                   ["completeness", "--form", "monthly", "--period", "2018-05", "--missing", "all", "--format", "csv"],
                   ["explain", "zone", "output", "2018-05", "--between", f"@{self.moments[1]}", f"@{self.last}", "--format", "csv"],
                   ["explain", "east", "output", "2018-03", "--format", "csv"],
                   ["export", "reports", "--form", "monthly", "--period", "2018-05", "--format", "csv"],
                   ["export", "editions", "--edition", "1", "--format", "csv"]]
        first = len(before) + 1  # of the submissions: the first of June, that of July, the first again
        submissions = [["submit", str(path)] for path in (*self.next, self.next[0])]
        acts = [["accept", str(self.open)], ["decline", "1", "--reason", "不在四至范围内"], ["revoke", self.west.id, "--reason", "丢失"],
                ["period", "close", "--form", "monthly", "--period", "2018-03"]]
        return before + submissions + [[f"unless={first},{first + 2}:1", *june], [f"unless={first + 1}:2", *july]] + acts

    def rest(self):
        self.city.stop()
        self.rest_agents()

    def rest_agents(self):
        for agent in (self.west, self.south, self.bureau):
            agent.close()


class Rot(parktally.Case):
    def flip(self, program, folder, file, questions, usual, name):
        """Tries so many flips; returns the counts."""
        path = self.folder / f"{name}.questions"
        path.write_text("".join("\t".join(words) + "\n" for words in questions))
        first, count = 0, parktally.sampled(usual, 10000)
        if POINT:
            if not POINT.startswith(f"{name}/"):
                return None
            first, count = int(POINT.split("/")[1]), 1
        tool = parktally.BUILD / "tests" / program
        parktally.need(tool)
        shares = [(first + n * count // 2, (n + 1) * count // 2 - n * count // 2) for n in range(2)]
        runs = []
        for n, (begin, many) in enumerate(shares):
            copy = self.folder / f"{name}-{n}"
            shutil.copytree(folder, copy, ignore=lambda _, names: [each for each in names if each in ("control",) or each.endswith("-shm")])
            runs.append(subprocess.Popen([tool, copy, file, path, str(SEED), str(begin), str(many)], stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, env=parktally.environment()))
        counts = {}
        for run in runs:
            out, err = (text.decode(errors="replace") for text in run.communicate())
            *told, last = out.splitlines() or [""]
            self.assertEqual((run.returncode, told), (0, []), f"PARKTALLY_SEED={SEED}, {name}: {out[:20000]} {err}")
            for key, value in json.loads(last).items():
                counts[key] = value if key in ("bytes", "answers") else counts.get(key, 0) + value
        print(f"PARKTALLY_SEED={SEED} {name}: {counts}", file=sys.stderr)
        return counts

    def told_or_harmless(self, counts, least):
        """`least`: of a hundred flips so many are told at least, or the questions do not reach far enough."""
        if counts and not POINT and counts["flips"] > 100:
            self.assertGreater(counts["detected"] * 100, counts["flips"] * least)

    def test_a_flipped_byte_of_the_store_is_told_or_makes_no_difference(self):
        scene = Scene(self)
        scene.rest()
        self.told_or_harmless(self.flip("rot_city", scene.city.data, "store.db", scene.questions(), 300, "store"), 60)

    def test_a_flipped_byte_of_the_log_that_a_killed_server_left_is_told_or_makes_no_difference(self):
        """All that the city has stands in the log alone."""
        scene = Scene(self)
        scene.city.stop()
        scene.city.start()
        scene.push([scene.row(code, 5, 17) for code in EAST[30:60]])
        scene.push([scene.row(code, 4, 17) for code in EAST[:2]])
        scene.last = scene.city.position()
        scene.city.kill()
        scene.rest_agents()
        self.assertGreater((scene.city.data / "store.db-wal").stat().st_size, 100000)
        self.told_or_harmless(self.flip("rot_city", scene.city.data, "store.db-wal", scene.questions(), 100, "log"), 60)

    def correction(self, scene):
        """A file that corrects a part of March and is the first of July."""
        path = self.folder / "更正.csv"
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(scene.row(code, 3, 21) for code in EAST[15:40])
            writer.writerows(scene.row(code, 7) for code in EAST[13:])
        return path

    def outbox_questions(self, scene):
        status, outbox = ["status", "--format", "json"], ["outbox"]
        return [status, outbox, ["inquiries", "--all", "--format", "json"], ["applications", "--format", "json"],
                ["admissions", "--all", "--format", "json"],
                ["push", str(self.correction(scene)), "--approved-by", "张三", "--format", "json"],
                ["unless=6:2?", *outbox], ["unless=6:1?", *status]]  # it may be kept, and the telling fail

    def test_a_flipped_byte_of_an_outbox_is_told_or_makes_no_difference(self):
        scene = Scene(self)
        scene.rest()
        with open(scene.east.data / "lock.link", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another process sends, so a push does not wait for the city
            scene.push([scene.row(code, 6, 31) for code in EAST[40:70]], wait=False)  # waits to be sent
        self.told_or_harmless(self.flip("rot_park", scene.east.data, "outbox.db", self.outbox_questions(scene), 300, "outbox"), 60)

    # --- the programs themselves ---

    def flips(self, path, usual, full, name):
        """(number, what is flipped) of so many flips; the file has its damaged bytes meanwhile."""
        pristine = path.read_bytes()
        numbers = range(parktally.sampled(usual, full))
        if POINT:
            numbers = [int(POINT.split("/")[1])] if POINT.startswith(f"{name}/") else []
        for number in numbers:
            chance = random.Random(f"{SEED}/{name}/{number}")
            offset, change = chance.randrange(len(pristine)), 1 << chance.randrange(8)
            for left in ("-wal", "-shm"):
                Path(f"{path}{left}").unlink(missing_ok=True)
            path.write_bytes(pristine[:offset] + bytes([pristine[offset] ^ change]) + pristine[offset + 1:])
            yield f"PARKTALLY_SEED={SEED} PARKTALLY_POINT={name}/{number}: byte {offset} ^ {change:#x}"
        path.write_bytes(pristine)

    def assert_names(self, what, code, said, file):
        self.assertIn(code, (65, 74), f"{what}: {said}")
        self.assertIn(file, said, what)

    def totals(self, city, what=""):
        """What the city says now of what the correction touches; None where it says that it cannot."""
        found = []
        for period in ("2018-03", "2018-06", "2018-07"):
            result = city.command("totals", "--period", period, "--format", "csv", code=None)
            if result.code:
                self.assert_names(what, result.code, result.err, "store.db")
                return None
            found.append([line.rsplit(",", 1)[0] for line in result.out.splitlines()])  # what is asked about comes behind it
        return found

    def before_and_after(self, scene):
        """Totals without damage, before a correction and after it. The folders are as they were then."""
        kept = {path: path.read_bytes() for path in (scene.city.data / "store.db", scene.east.data / "outbox.db")}
        scene.city.start()
        found = [self.totals(scene.city)]
        scene.east.command("push", self.correction(scene), "--approved-by", "张三", "--wait", code=0)
        found.append(self.totals(scene.city))
        self.assertNotEqual(*found)
        scene.city.stop()
        self.put_back(kept)
        return found, kept

    def put_back(self, kept):
        for path, content in kept.items():
            for left in ("-wal", "-shm"):
                Path(f"{path}{left}").unlink(missing_ok=True)
            path.write_bytes(content)

    def test_a_server_on_a_damaged_store_says_so_or_goes_on_as_if_it_were_none(self):
        scene = Scene(self)
        scene.rest()
        city = scene.city
        (before, after), kept = self.before_and_after(scene)
        counts = collections.Counter()
        outbox = {path: content for path, content in kept.items() if path.name == "outbox.db"}
        for what in self.flips(city.data / "store.db", 6, 150, "server"):
            self.put_back(outbox)
            already = len(city.log())
            try:
                city.start()
            except AssertionError:
                self.assert_names(what, city.process.wait(), city.log()[already:], "store.db")
                counts["not started"] += 1
                continue
            pushed = scene.east.command("push", self.correction(scene), "--approved-by", "张三", "--wait", "--timeout", "3")
            if city.is_running():
                found = self.totals(city, what)
                allowed = [after] if pushed.code == 0 else [before, after]
                if pushed.code and found not in (None, *allowed):  # one of its submissions was taken, another was not
                    checked = city.command("rebuild", "--check", code=None)
                    if checked.code:
                        self.assert_names(what, checked.code, checked.err, "store.db")
                else:
                    self.assertIn(found, [None, *allowed], f"{what}: {pushed}")
                counts["told" if found is None or pushed.code else "harmless"] += 1
            else:
                self.assert_names(what, city.process.wait(), city.log()[already:], "store.db")
                counts["ended"] += 1
            self.assertNotIn("Sanitizer", city.log(), what)
            city.close()
        print(f"PARKTALLY_SEED={SEED} server: {dict(counts)}", file=sys.stderr)

    def test_damaged_tables_are_made_anew_and_a_damaged_ledger_is_not_taken_for_less(self):
        scene = Scene(self)
        scene.rest()
        city, path = scene.city, scene.city.data / "store.db"
        expected = self.totals(city)
        pristine = path.read_bytes()
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as plain:
            pages = dict(plain.execute("SELECT name, max(pageno) FROM dbstat GROUP BY name").fetchall())
        for table, code in (("family", 0), ("block", 0), ("register_version", 0), ("agent", 0), ("inquiry", 0),
                            ("leaf_part", 65), ("leaf", 65)):
            with self.subTest(table):
                at = (pages[table] - 1) * 8192 + 5000
                path.write_bytes(pristine[:at] + bytes([pristine[at] ^ 4]) + pristine[at + 1:])
                said = city.command("rebuild", code=code)
                self.assertIn(f'of the table "{table}"', said.err)
                kept = list(city.data.glob("store.db.damaged-*"))
                self.assertEqual(len(kept), 0 if code else 1)
                self.assertFalse(list(city.data.glob("store.db.new*")))
                if code == 0:
                    kept.pop().unlink()
                    city.check_ledger()
                    self.assertEqual(self.totals(city), expected)

    def test_an_agent_on_a_damaged_outbox_says_so_or_goes_on_as_if_it_were_none(self):
        scene = Scene(self)
        scene.rest()
        city = scene.city
        (before, after), kept = self.before_and_after(scene)
        counts = collections.Counter()
        store = {path: content for path, content in kept.items() if path.name == "store.db"}
        for what in self.flips(scene.east.data / "outbox.db", 6, 150, "agent"):
            self.put_back(store)
            city.start()
            status = scene.east.command("status", "--format", "json")
            pushed = scene.east.command("push", self.correction(scene), "--approved-by", "张三", "--wait")
            for result in (status, pushed):
                self.assertNotIn("Sanitizer", result.err, what)
                if result.code:
                    self.assert_names(what, result.code, result.err, "outbox.db")
            self.assertIn(self.totals(city, what), [after] if pushed.code == 0 else [before, after], what)
            counts["told" if pushed.code or status.code else "harmless"] += 1
            city.close()
        print(f"PARKTALLY_SEED={SEED} agent: {dict(counts)}", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
