"""The city changes its keys and is killed before and after each durable step of it, or its disk fails at it; afterwards it
starts with the keys of before or with the new ones, never with neither, and the parks go on."""

import json
import shutil
import signal
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import faulty  # noqa: E402
import parktally  # noqa: E402


class KeyPoints(parktally.Case):
    """Stage "rotate" makes the keys, stage "record" is the command after it, which the ledger learns of them by."""

    WORDS = {"rotate": ("key", "rotate", "--reason", "试验"), "record": ("ledger", "head")}

    def setUp(self):
        super().setUp()
        parktally.need(parktally.AGENT)
        self.city = self.aggregator()
        self.city.import_register([parktally.unit("E1", "east")])
        self.city.start()
        self.agent = parktally.enrol(self.city, "east", self.folder / "agent")
        self.push("2018-01")
        self.city.stop()
        self.keep("rotate")
        self.key_before = self.key()
        self.city.command(*self.WORDS["rotate"])
        self.keep("record")

    def place(self, name):
        return self.folder / "kept" / name

    def keep(self, stage):
        shutil.copytree(self.city.data, self.place(stage) / "city")
        shutil.copytree(self.agent.data, self.place(stage) / "agent")

    def bring_back(self, stage):
        for now, then in ((self.city.data, "city"), (self.agent.data, "agent")):
            shutil.rmtree(now)
            shutil.copytree(self.place(stage) / then, now)

    def push(self, month):
        path = self.folder / "report.csv"
        path.write_text(f"uscc,period,output\nE1,{month},7.5\n")
        self.agent.command("push", path, "--approved-by", "李明", "--wait", "--timeout", 20, code=0)

    def key(self):
        return json.loads(self.city.command("ledger", "head", "--format", "json").out)["key"]

    def run_stage(self, stage, fault):
        trace = self.folder / "trace"
        trace.unlink(missing_ok=True)
        env = faulty.environment(self.city.data, fault, trace)
        result = parktally.run(parktally.AGGREGATOR, *self.WORDS[stage], data=self.city.data, env=env)
        return result, faulty.steps(trace)

    def check(self, result, stage):
        """The parks go on, and what was signed before and after is proved."""
        self.city.start()
        if result.code == 0 or stage == "record":
            self.assertNotEqual(self.key(), self.key_before)
        self.push("2018-02")
        found = json.loads(self.agent.command("receipts", "verify", "--format", "json", code=0).out)
        self.assertEqual((found["wrong"], found["receipts"]), ([], 2))
        self.assertEqual(self.city.stop(), 0)
        self.city.command("ledger", "verify")
        others = [path.name for path in self.city.data.iterdir() if path.name.startswith("identity")]
        self.assertLessEqual(set(others) - {"identity.key"}, {name for name in others if name.endswith(".new")})

    def try_points(self, kinds, sample, check_result):
        counts = {}
        for stage in self.WORDS:
            self.bring_back(stage)
            result, steps = self.run_stage(stage, "count")
            self.assertEqual(result.code, 0, result)
            counts[stage] = len(steps)
        for stage, fault in faulty.points(counts, kinds, sample):
            with self.subTest(point=f"{stage}/{fault}", seed=faulty.SEED):
                self.bring_back(stage)
                result, steps = self.run_stage(stage, fault)
                check_result(result, steps, fault)
                self.check(result, stage)

    def test_killed_at_each_step(self):
        def killed(result, _steps, _fault):
            self.assertIn(result.code, (0, -signal.SIGKILL), result)

        self.try_points(faulty.KILLS, 12, killed)

    def test_a_disk_that_fails_at_each_step(self):
        def failed(result, steps, fault):
            faulty.check_failure(self, fault, steps, result.code, result.err)

        self.try_points(faulty.FAILURES, 8, failed)


if __name__ == "__main__":
    unittest.main()
