"""A disk that is full, and then has room again, below either program."""

import json
import os
import re
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import faulty  # noqa: E402
import parktally  # noqa: E402
from stranger import Report, Stranger  # noqa: E402

UNITS = [f"E{n:03d}" for n in range(300)]
MONTHS = [f"{year}-{month:02d}" for year in (2017, 2018, 2019) for month in range(1, 13)]
PLENTY = 1 << 40


def size_of(folder):
    """What the files below it take, as the shim counts."""
    sizes = (os.stat(path) for path in Path(folder).rglob("*") if path.is_file())
    return sum(max(status.st_size, status.st_blocks * 512) for status in sizes)


class Disk:
    """A disk of limited size below a folder."""

    def __init__(self, folder, below):
        self.file, self.below = folder / "budget", below
        self.give(PLENTY)
        self.env = faulty.environment(below, f"budget:{self.file}")

    def give(self, size):
        new = self.file.with_suffix(".new")
        new.write_text(str(size))
        new.rename(self.file)

    def leave(self, room):
        self.give(size_of(self.below) + room)


class FullDisk(parktally.Case):
    def setUp(self):
        super().setUp()
        parktally.need(parktally.AGENT)
        self.city = self.aggregator()
        self.city.import_register([parktally.unit(unit, "east") for unit in UNITS] + [parktally.unit("W1", "west")])

    def test_the_aggregator_puts_off_and_reads_on_until_there_is_room(self):
        disk = Disk(self.folder, self.city.data)
        plain, self.city.env = self.city.env, disk.env
        self.city.start()
        self.city.env = plain
        lost = Stranger(self.city.invite("west"))
        agent = Stranger(self.city.invite("east")).connect()
        self.addCleanup(agent.close)
        first = agent.sealed("monthly", "2016-12", [Report("E000", {"output": 5})])
        receipt = agent.receipt_bytes(first)

        disk.leave(100000)
        sealed = [agent.sealed("monthly", month, [Report(unit, {"output": 10}) for unit in UNITS]) for month in MONTHS]
        answers = {}
        thread = threading.Thread(target=lambda: answers.update(agent.deliver(sealed)), daemon=True)
        thread.start()
        parktally.wait_until(lambda: "store.full" in self.city.log(), "the disk is full")
        self.assertEqual(self.city.total("zone", "2016-12", "output")["value"], "0.5")
        self.city.command("revoke", lost.id)  # the reserve has room for it
        self.assertTrue(self.city.is_running())
        self.assertLess(len(answers), len(sealed))

        disk.give(PLENTY)
        thread.join(parktally.PATIENCE)
        self.assertEqual(len(answers), len(sealed))
        self.assertFalse([answer for answer in answers.values() if isinstance(answer, Exception)])
        for month in MONTHS:
            line = self.city.total("zone", month, "output")
            self.assertEqual((line["value"], line["reported"]), ("300.0", "300"))
        self.assertEqual(list(agent.deliver([first]).values()), [receipt])
        self.assertEqual(re.findall(r"store\.(full|room)", self.city.log()), ["full", "room"])
        self.assert_sound(self.city)
        self.assertEqual(self.city.stop(), 0)
        self.assert_sound(self.city)

    def test_an_aggregator_whose_disk_is_full_says_so_at_its_start_and_starts_when_there_is_room(self):
        disk = Disk(self.folder, self.city.data)
        disk.leave(0)
        words = ["run", "--listen", "tcp://127.0.0.1:*", "--enrol", "tcp://127.0.0.1:*"]
        result = parktally.run(parktally.AGGREGATOR, *words, data=self.city.data, env=disk.env)
        self.assertEqual(result.code, 75, result)
        self.assertIn("the disk is full", result.err)
        self.city.start()
        self.assert_sound(self.city)

    def test_the_agent_sends_nothing_of_a_file_that_its_disk_cannot_hold(self):
        self.city.start()
        units = [f"F{n:04d}" for n in range(3000)]  # so many that what is sealed is written in several transactions
        self.city.import_register([parktally.unit(unit, "east") for unit in units])
        agent = parktally.ParkAgent(self.folder / "agent", self.city.invite("east"))
        path = self.folder / "file.csv"
        path.write_text("uscc,period,output,sales\n" + "".join(f"{unit},{month},1.5,123456789\n" for month in MONTHS for unit in units))
        disk = Disk(self.folder, agent.data)
        push = ["push", path, "--approved-by", "李明", "--wait"]
        for room in (0, 40000, 400000, 1500000):
            with self.subTest(room=room):
                disk.leave(room)
                result = parktally.run(parktally.AGENT, *push, data=agent.data, env=disk.env)
                self.assertEqual(result.code, 75, result)
                self.assertIn("the disk is full; free some space and try again, nothing was lost", result.err)
                status = json.loads(agent.command("status", "--format", "json", code=0).out)
                self.assertEqual((status["waiting_to_send"], status["counted"]), (0, 0))
                self.assertEqual(self.city.total("zone", MONTHS[0], "output")["reported"], "0")
        disk.give(PLENTY)
        self.assertEqual(parktally.run(parktally.AGENT, *push, data=agent.data, env=disk.env).code, 0)
        for month in MONTHS:
            self.assertEqual(self.city.total("zone", month, "output")["value"], "4500.0")


if __name__ == "__main__":
    unittest.main()
