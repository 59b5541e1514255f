"""An agent is killed before and after each durable step of an export, of taking receipts or an outbox back, and of a
repair, or its disk fails at it; afterwards the same command is run again, and all is as if nothing had happened."""

import contextlib
import fcntl
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

MONTHS = [f"2018-{month:02d}" for month in range(1, 9)]
UNITS = [f"E{n:03d}" for n in range(60)]


def rows(data):
    """What an outbox holds: its submissions with content, answer and receipt."""
    with contextlib.closing(sqlite3.connect(f"file:{data}/outbox.db?mode=ro", uri=True)) as outbox:
        return outbox.execute(
            "SELECT s.sequence, s.id, s.form, s.period, s.state, s.counted, c.sealed, r.sealed FROM submission s"
            " LEFT JOIN content c USING(sequence) LEFT JOIN receipt r USING(sequence) ORDER BY 1").fetchall()


class CarryPoints(faulty.PointsCase):
    STAGES = {
        "export": ["outbox", "export", "stick/outbox"],
        "import": ["outbox", "import", "stick/receipts"],
        "restore": ["outbox", "import", "stick/all"],
        "repair": ["outbox", "check", "--repair"],
    }

    def setUp(self):
        super().setUp()
        self.points = 0
        city = self.aggregator()
        city.import_register([parktally.unit(unit, "east") for unit in UNITS])
        city.start()
        self.templates = self.folder / "templates"
        first = self.templates / "import"
        (first / "stick").mkdir(parents=True)
        agent = parktally.enrol(city, "east", first / "agent")
        for month in MONTHS:
            path = self.folder / f"{month}.csv"
            path.write_text("uscc,period,output\n" + "".join(f"{unit},{month},7.5\n" for unit in UNITS))
            with open(agent.data / "lock.link", "a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                agent.command("push", path, "--approved-by", "李明", code=0)
        self.run_in(first, ["outbox", "export", "stick/outbox"])
        city.command("import", first / "stick/outbox", "--receipts", first / "stick/receipts")
        self.assertEqual(city.stop(), 0)
        self.make_templates(first)
        self.expected = {stage: self.outcome(stage) for stage in self.STAGES}

    def make_templates(self, first):
        """A park's folder as it is before each stage."""
        shutil.copytree(first, self.templates / "export")
        (self.templates / "export/stick/outbox").unlink()
        answered = self.templates / "answered"
        shutil.copytree(first, answered)
        self.run_in(answered, ["outbox", "import", "stick/receipts"])
        self.run_in(answered, ["outbox", "export", "stick/all", "--all"])
        shutil.copytree(answered, self.templates / "restore")
        for file in (self.templates / "restore/agent").glob("outbox.db*"):
            file.unlink()
        shutil.copytree(answered, self.templates / "repair")
        damaged = self.templates / "repair/agent/outbox.db"
        content = damaged.read_bytes()
        place = content.index(rows(answered / "agent")[3][7]) + 200  # within a receipt
        damaged.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1:])

    def run_in(self, folder, words, env=None, codes=(0,)):
        words = [folder / word if "/" in word else word for word in words]
        result = parktally.run(parktally.AGENT, *words, data=folder / "agent", env=env)
        if codes and result.code not in codes:
            raise AssertionError(f"{words}: {result}")
        return result

    def outcome(self, stage):
        """Without a fault."""
        folder = self.folder / f"good-{stage}"
        shutil.copytree(self.templates / stage, folder)
        self.run_in(folder, self.STAGES[stage], codes=(0, 65))
        return self.look(stage, folder)

    def look(self, stage, folder):
        if stage == "export":
            return satchel.read((folder / "stick/outbox").read_bytes(), satchel.OUTBOX)
        found = rows(folder / "agent")
        self.assertEqual(len(found), len(MONTHS))
        return found

    def count(self):
        counts = {}
        for stage, words in self.STAGES.items():
            folder = self.folder / f"counted-{stage}"
            shutil.copytree(self.templates / stage, folder)
            self.run_in(folder, words, faulty.environment(folder, "count", self.folder / stage), codes=(0, 65))
            counts[stage] = len(faulty.steps(self.folder / stage))
            shutil.rmtree(folder)
        return counts

    def one_point(self, stage, fault, check_result):
        self.points += 1
        folder, trace = self.folder / f"point{self.points}", self.folder / "trace"
        shutil.copytree(self.templates / stage, folder)
        trace.unlink(missing_ok=True)
        result = self.run_in(folder, self.STAGES[stage], faulty.environment(folder, fault, trace), codes=None)
        check_result(result, fault, faulty.steps(trace))
        if stage == "export" and (folder / "stick/outbox").exists():  # never anything but a whole file
            self.look(stage, folder)
        again = self.run_in(folder, self.STAGES[stage], codes=(0, 65))
        self.assertEqual(self.look(stage, folder), self.expected[stage], again)
        self.run_in(folder, ["outbox", "check"])
        if stage == "repair":
            self.assertTrue(list((folder / "agent").glob("outbox.db.damaged-*")))
        shutil.rmtree(folder)

    def test_killed_at_each_step(self):
        def killed(result, fault, steps):
            self.assertIn(result.code, (0, 65, -signal.SIGKILL), result)

        self.try_points(faulty.KILLS, 24, killed)

    def test_a_disk_that_fails_at_each_step(self):
        def failed(result, fault, steps):
            self.assertIn(result.code, (0, 65, 74, 75), (fault, result))
            if result.code in (74, 75):
                self.assertRegex(result.err, r"disk|cannot be|full|room|does not exist", fault)

        self.try_points(faulty.FAILURES, 16, failed)


if __name__ == "__main__":
    unittest.main()
