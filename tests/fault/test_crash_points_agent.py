"""The agent is killed before and after each durable step of a join and of pushes, or its disk fails at it; afterwards the
same command is run again, and all is as if nothing had happened: each figure counts once, each receipt holds."""

import csv
import json
import random
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
import stranger as st  # noqa: E402

AGENTS_OF_A_CITY = 90  # after which an aggregator has seen enough months
MONTHS = [f"{year}-{month:02d}" for year in range(2011, 2026) for month in range(1, 13)]
UNITS = ("E1", "E2", "E3")


def write_file(path, values):
    """A file of {(unit, month): tenths}."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["uscc", "period", "output"])
        writer.writerows([unit, month, f"{value // 10}.{value % 10}"] for (unit, month), value in values.items())
    return path


def tenths(value):
    return f"{value // 10}.{value % 10}"


class Park:
    """A park-agent and what it says: two months, then corrections of some of it. Its commands may meet a fault."""

    def __init__(self, folder, invitation, months, random_):
        self.folder, self.data, self.invitation = folder, folder / "agent", invitation
        self.said = {(unit, month): random_.randrange(1, 10**9) for unit in UNITS for month in months}
        self.corrected = {key: random_.randrange(1, 10**9) for key in random_.sample(sorted(self.said), 3)}
        folder.mkdir()

    def words(self, stage):
        """The arguments of a stage's command."""
        if stage == "join":
            return ["join", "-"], self.invitation
        if stage == "rotate":
            return ["key", "rotate", "--timeout", "20"], None
        values = self.said if stage == "push" else self.corrected
        path = write_file(self.folder / f"{stage}.csv", values)
        return ["push", path, "--approved-by", "李明", "--wait", "--timeout", "20"], None

    def run(self, stage, fault=None):
        words, stdin = self.words(stage)
        env = faulty.environment(self.folder, fault, self.folder / "trace") if fault else None
        return parktally.run(parktally.AGENT, *words, data=self.data, stdin=stdin, env=env)

    def finish(self, stage):
        """Without a fault, which must succeed at once."""
        result = self.run(stage)
        if result.code != 0:
            raise AssertionError(f"{stage} cannot be repeated: {result}")

    def reached(self):
        """The steps of the command that met the fault."""
        return faulty.steps(self.folder / "trace")

    def check_outbox(self):
        """All is answered, each by a receipt that the aggregator has signed for just that submission."""
        status = json.loads(parktally.run(parktally.AGENT, "status", "--format", "json", data=self.data).out)
        if status["waiting_to_send"] + status["refused"] + status["refused_whole"] + status["stale"]:
            raise AssertionError(f"not all was counted: {status}")
        sign_key = st.read_invitation(self.invitation).sign_key
        with sqlite3.connect(f"file:{self.data}/outbox.db?mode=ro", uri=True) as outbox:
            rows = outbox.execute("SELECT s.id, r.sealed FROM submission s LEFT JOIN receipt r USING(sequence)").fetchall()
        outbox.close()
        for id_, sealed in rows:
            receipt = st.pb.Receipt.FromString(st.open_seal(st.RECEIPT, sealed, sign_key))
            if receipt.submission != id_:
                raise AssertionError("a receipt of another submission")
        return len(rows)


class AgentPoints(faulty.PointsCase):
    STAGES = ("join", "push", "rotate", "correct")

    def setUp(self):
        super().setUp()
        parktally.need(parktally.AGENT)
        self.random = random.Random(faulty.SEED)
        self.cities = self.parks = 0
        self.city, self.free = None, []

    def new_city(self):
        if self.city:
            self.close_city()
        self.cities += 1
        self.city = self.aggregator(name=f"city{self.cities}")
        self.city.import_register([parktally.unit(unit, "east") for unit in UNITS])
        self.city.start()
        self.speaker = st.enrol(self.city, "east")
        self.free = list(MONTHS)

    def close_city(self):
        self.speaker.close()
        self.assert_sound(self.city)
        self.assertEqual(self.city.stop(), 0)
        self.assert_sound(self.city)

    def new_park(self):
        if len(self.free) < 2 or self.parks % AGENTS_OF_A_CITY == 0:
            self.new_city()
        self.parks += 1
        months = self.free.pop(), self.free.pop()
        return Park(self.folder / f"park{self.parks}", self.city.invite("east"), months, self.random)

    def check(self, park):
        last = park.said | park.corrected
        for month in {month for _, month in last}:
            values = [value for (_, when), value in last.items() if when == month]
            line = self.city.total("zone", month, "output")
            self.assertEqual((line["value"], line["reported"]), (tenths(sum(values)), str(len(values))))
        self.assertGreaterEqual(park.check_outbox(), 3)

    def count(self):
        """How many steps each stage has."""
        park, counts = self.new_park(), {}
        for stage in self.STAGES:
            result = park.run(stage, "count")
            self.assertEqual(result.code, 0, result)
            self.speaker.admit_all()
            counts[stage] = len(park.reached())
            (park.folder / "trace").unlink()
        self.check(park)
        return counts

    def one_point(self, stage, fault, check_result):
        park = self.new_park()
        for name in self.STAGES:
            if name == stage:
                check_result(park.run(stage, fault), park, fault)
            park.finish(name)
            if name == "join":
                self.speaker.admit_all()
        self.check(park)
        shutil.rmtree(park.folder)

    def try_points(self, kinds, sample, check):
        super().try_points(kinds, sample, check)
        self.close_city()

    def test_killed_at_each_step(self):
        def killed(result, park, fault):
            self.assertIn(result.code, (0, -signal.SIGKILL), result)

        self.try_points(faulty.KILLS, 32, killed)

    def test_a_disk_that_fails_at_each_step(self):
        def failed(result, park, fault):
            faulty.check_failure(self, fault, park.reached(), result.code, result.err)

        self.try_points(faulty.FAILURES, 20, failed)


if __name__ == "__main__":
    unittest.main()
