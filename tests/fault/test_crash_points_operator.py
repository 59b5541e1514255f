"""An operator's command that writes files is killed before and after each durable step, or its disk fails at it: a backup,
an export, a backup of the keys, a restore, a rebuild, and what a stick brought. What stood there before is there whole,
or what was to come is; given again, the command finishes and leaves nothing behind."""

import fcntl
import shutil
import signal
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import faulty  # noqa: E402
import parktally  # noqa: E402
from test_crash_points_ledger import rows  # noqa: E402

UNITS = [f"E{n:02d}" for n in range(12)]
PASSPHRASE = "一二三四五六七八九十山水\n"


class OperatorPoints(faulty.PointsCase):
    STAGES = {  # words, with folders and files of the stage's own
        "backup": ("backup", "{}/stick/ledger"),
        "export": ("ledger", "export", "--output", "{}/stick/export"),
        "key-backup": ("key", "backup", "{}/stick/key"),
        "restore": ("restore", "{}/stick/ledger", "--key", "{}/stick/identity", "--reason", "硬盘损坏"),
        "rebuild": ("rebuild",),
        "import": ("import", "{}/stick/outbox"),
    }
    FILES = {"backup": "stick/ledger", "export": "stick/export"}  # whose bytes are known beforehand

    def setUp(self):
        super().setUp()
        self.points = 0
        city = self.aggregator()
        city.import_register([parktally.unit(unit, "east") for unit in UNITS])
        city.start()
        agent = parktally.enrol(city, "east", self.folder / "agent")
        self.push(agent, "2018-04")
        template = self.folder / "template"
        (template / "stick").mkdir(parents=True)
        city.command("backup", template / "stick/ledger")
        city.command("ledger", "export", "--output", template / "stick/export")
        self.push(agent, "2018-05")
        with open(agent.data / "lock.link", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.push(agent, "2018-06")
        agent.command("outbox", "export", template / "stick/outbox", code=0)
        self.assertEqual(city.stop(), 0)
        shutil.copy(city.data / "identity.key", template / "stick/identity")
        shutil.copytree(city.data, template / "city", ignore=shutil.ignore_patterns("control", "lock"))
        self.template = template
        self.expected = {stage: self.outcome(stage) for stage in self.STAGES}

    def push(self, agent, month):
        path = self.folder / "月报.csv"
        path.write_text("uscc,period,output\n" + "".join(f"{unit},{month},7.5\n" for unit in UNITS))
        agent.command("push", path, "--approved-by", "李明")

    def run_in(self, folder, stage, env=None, codes=(0,)):
        words = [word.format(folder) for word in self.STAGES[stage]]
        data = folder / ("restored" if stage == "restore" else "city")
        result = parktally.run(parktally.AGGREGATOR, *words, data=data, env=env,
                               stdin=PASSPHRASE if stage == "key-backup" else None)
        if codes and result.code not in codes:
            raise AssertionError(f"{stage}: {result}")
        return result

    def outcome(self, stage):
        """Without a fault."""
        folder = self.folder / f"good-{stage}"
        shutil.copytree(self.template, folder)
        self.run_in(folder, stage)
        return self.look(stage, folder)

    def look(self, stage, folder):
        if stage in self.FILES:
            return (folder / self.FILES[stage]).read_bytes()
        if stage == "key-backup":
            restored = folder / "elsewhere"
            shutil.rmtree(restored, ignore_errors=True)
            tried = parktally.run(parktally.AGGREGATOR, "restore", folder / "stick/ledger", "--key", folder / "stick/key",
                                  data=restored, stdin=PASSPHRASE)
            self.assertEqual(tried.code, 0, tried)
            return (restored / "identity.key").read_bytes()
        data = folder / ("restored" if stage == "restore" else "city")
        for words in (("ledger", "check"), ("rebuild", "--check")):
            looked = parktally.run(parktally.AGGREGATOR, *words, data=data)
            self.assertEqual(looked.code, 0, looked)
        self.assertEqual([path.name for path in folder.iterdir() if path.name.startswith(".")], [])
        left = [path.name for path in data.iterdir() if "new" in path.name or "replay" in path.name]
        self.assertEqual([name for name in left if not name.startswith("identity.key.")], [])  # where it could not be removed
        if stage == "import":  # a leaf has the time of its recording, and the note of a stick that brought nothing new is none
            return sum(receipt is not None for _, _, receipt in rows(data))
        return rows(data)

    def count(self):
        counts = {}
        for stage in self.STAGES:
            folder = self.folder / f"counted-{stage}"
            shutil.copytree(self.template, folder)
            self.run_in(folder, stage, faulty.environment(folder, "count", self.folder / stage))
            counts[stage] = len(faulty.steps(self.folder / stage))
            shutil.rmtree(folder)
        return counts

    def one_point(self, stage, fault, check_result):
        self.points += 1
        folder, trace = self.folder / f"point{self.points}", self.folder / "trace"
        shutil.copytree(self.template, folder)
        trace.unlink(missing_ok=True)
        result = self.run_in(folder, stage, faulty.environment(folder, fault, trace), codes=None)
        check_result(result, fault, faulty.steps(trace))
        if stage in self.FILES:
            found = (folder / self.FILES[stage]).read_bytes()
            self.assertIn(found, (self.expected[stage],) if result.code == 0 else
                          (self.expected[stage], (self.template / self.FILES[stage]).read_bytes()))
        if stage == "restore" and (folder / "restored").exists():  # it is whole
            self.assertEqual(self.look(stage, folder), self.expected[stage])
            shutil.rmtree(folder / "restored")
        if stage == "key-backup" and (folder / "stick/key").exists():  # likewise
            self.assertEqual(self.look(stage, folder), self.expected[stage])
            (folder / "stick/key").unlink()
        again = self.run_in(folder, stage)
        self.assertEqual(self.look(stage, folder), self.expected[stage], again)
        shutil.rmtree(folder)

    def test_killed_at_each_step(self):
        def killed(result, _fault, _steps):
            self.assertIn(result.code, (0, -signal.SIGKILL), result)

        self.try_points(faulty.KILLS, 12, killed)

    def test_a_disk_that_fails_at_each_step(self):
        def failed(result, fault, _steps):
            self.assertIn(result.code, (0, 74, 75), (fault, result))
            if result.code:
                self.assertRegex(result.err, r"disk|cannot|full|room|[Ff]ailed|No space|error", fault)

        self.try_points(faulty.FAILURES, 12, failed)

    def test_a_backup_that_the_disk_did_not_take_as_it_was_written_is_none(self):
        self.count()
        writes = [step.number for step in faulty.steps(self.folder / "backup") if step.kind == "write"]
        self.assertTrue(writes)
        for number in writes:
            folder = self.folder / f"flipped-{number}"
            shutil.copytree(self.template, folder)
            result = self.run_in(folder, "backup", faulty.environment(folder, f"flip:{number}"), codes=(65,))
            self.assertIn("what is read back is not what was written", result.err)
            self.assertEqual([path.name for path in (folder / "stick").glob("ledger*")], ["ledger"])
            self.assertEqual((folder / "stick/ledger").read_bytes(), (self.template / "stick/ledger").read_bytes())


if __name__ == "__main__":
    unittest.main()
