"""A city's `ledger check --repair` is killed before and after each durable step, or its disk fails at it; afterwards the old
store or the new one is in its place, and the same command, given again, finishes."""

import contextlib
import re
import shutil
import signal
import sqlite3
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import faulty  # noqa: E402
import parktally  # noqa: E402
import satchel  # noqa: E402
import stranger  # noqa: E402
from stranger import Report  # noqa: E402

PAGE = 8192
EAST = [f"E{n:02d}" for n in range(12)]


def rows(data):
    with contextlib.closing(sqlite3.connect(f"file:{data}/store.db?mode=ro", uri=True)) as store:
        return store.execute("SELECT leaf.position, leaf.hash, receipt.sealed FROM leaf LEFT JOIN receipt USING(position)"
                             " WHERE kind <> 16 ORDER BY 1").fetchall()  # an epoch's hash has its time


class LedgerPoints(faulty.PointsCase):
    """Stages: all leaves are had; some are given up; a store that SQLite cannot open, with a log that has to go aside too."""

    STAGES = {"repair": ["--from", "backup"], "give-up": ["--give-up"], "log": ["--from", "backup", "--give-up"]}

    def setUp(self):
        super().setUp()
        self.points, self.steps = 0, {}
        city = self.aggregator()
        city.import_register([parktally.unit(unit, "east") for unit in EAST])
        city.start()
        east = stranger.enrol(city, "east")
        for unit in EAST:
            east.report("monthly", "2018-05", [Report(unit, {"output": 7})])
        city.command("period", "close", "--form", "monthly", "--period", "2018-01")
        city.stop()
        city.start()
        east.connect()
        east.report("monthly", "2018-04", [Report(unit, {"output": 8}) for unit in EAST])
        city.command("backup", self.folder / "backup")
        city.kill()  # with a log
        east.close()
        self.make_templates(city)
        self.expected = {stage: self.outcome(stage) for stage in self.STAGES}

    def make_templates(self, city):
        """A city's folder as it is before each stage."""
        self.templates = self.folder / "templates"
        for stage in self.STAGES:
            folder = self.templates / stage
            folder.mkdir(parents=True)
            shutil.copy(self.folder / "backup", folder)
            shutil.copytree(city.data, folder / "city", ignore=shutil.ignore_patterns("control", "lock"))
        log = self.templates / "log/city/store.db-wal"
        content = bytearray(log.read_bytes())
        content[32 + 24 + 500] ^= 1
        log.write_bytes(content)
        for stage in ("repair", "give-up"):
            self.spoil(self.templates / stage / "city")

    def spoil(self, data):
        """The page that has the last of the submissions of one unit, but not what came after it."""
        parktally.run(parktally.AGGREGATOR, "agents", data=data)  # which copies the log
        with contextlib.closing(sqlite3.connect(data / "store.db")) as store:
            position, = store.execute("SELECT position FROM submission WHERE sequence = 7").fetchone()
            (body,) = store.execute("SELECT bytes FROM leaf_part WHERE id = ?", (position * 65536 + 1,)).fetchone()
        path = data / "store.db"
        content = path.read_bytes()
        place = content.rindex(body) + len(body) // 2
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1:])

    def run_in(self, folder, stage, env=None, codes=(0,)):
        words = [folder / word if word == "backup" else word for word in self.STAGES[stage]]
        result = parktally.run(parktally.AGGREGATOR, "ledger", "check", "--repair", *words, data=folder / "city", env=env)
        if codes and result.code not in codes:
            raise AssertionError(f"{stage}: {result}")
        return result

    def outcome(self, stage):
        """Without a fault."""
        folder = self.folder / f"good-{stage}"
        shutil.copytree(self.templates / stage, folder)
        self.run_in(folder, stage)
        return self.look(stage, folder)

    def look(self, stage, folder):
        data = folder / "city"
        checked = parktally.run(parktally.AGGREGATOR, "ledger", "check", data=data)
        self.assertEqual(checked.code, 0, checked)
        found = [rows(data)]
        if stage == "give-up":
            path, = data.glob("set-aside-*.outbox")
            found += [satchel.read(path.read_bytes(), satchel.OUTBOX), path.with_suffix(".txt").read_text()]
        self.assertFalse((data / "repair.new").exists())
        return found

    def count(self):
        counts = {}
        for stage in self.STAGES:
            folder = self.folder / f"counted-{stage}"
            shutil.copytree(self.templates / stage, folder)
            self.run_in(folder, stage, faulty.environment(folder, "count", self.folder / stage))
            self.steps[stage] = faulty.steps(self.folder / stage)
            counts[stage] = len(self.steps[stage])
            shutil.rmtree(folder)
        return counts

    def one_point(self, stage, fault, check_result):
        self.points += 1
        folder, trace = self.folder / f"point{self.points}", self.folder / "trace"
        shutil.copytree(self.templates / stage, folder)
        trace.unlink(missing_ok=True)
        result = self.run_in(folder, stage, faulty.environment(folder, fault, trace), codes=None)
        check_result(result, fault)
        if stage != "log":  # where the old store and its log cannot be exchanged at once
            self.assertTrue((folder / "city/store.db").exists())
        again = self.run_in(folder, stage)
        self.assertEqual(self.look(stage, folder), self.expected[stage], again)
        self.assertTrue(list((folder / "city").glob("store.db.damaged-*")))
        shutil.rmtree(folder)

    def exchange(self, stage):
        """The steps in which the stores change places: names in the folder itself."""
        return [step.number for step in self.steps[stage]
                if step.kind in ("create", "rename", "unlink") and re.search(r"(^|/)city/store\.db[^/]*$", step.path)]

    def test_killed_at_each_step(self):
        def killed(result, fault):
            self.assertIn(result.code, (0, -signal.SIGKILL), result)

        self.try_points(faulty.KILLS, 6, killed)
        if faulty.POINT:
            return
        for number in self.exchange("log")[-8:]:
            with self.subTest(point=f"log/after:{number}"):
                self.one_point("log", f"after:{number}", killed)

    def test_a_disk_that_fails_at_each_step(self):
        def failed(result, fault):
            self.assertIn(result.code, (0, 74, 75), (fault, result))
            if result.code:
                self.assertRegex(result.err, r"disk|cannot|full|room|does not exist|[Ff]ailed|No space|error", fault)

        self.try_points(faulty.FAILURES, 6, failed)


if __name__ == "__main__":
    unittest.main()
