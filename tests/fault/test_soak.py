"""A long time at half of what the city can take, while programs are ended and killed at random: memory, open files and
write-ahead logs do not grow, and totals are exact at the end.

What the city can take is measured first: submissions a second while three services have always files before them. Then files are
handed in at half of that. The server and each service are sampled: nothing is ever over its bound (MOST), and of memory and open files
the median of the run's last quarter is at most that of its second quarter, a tenth more, and a constant (ROOM); likewise within each
process's life that was long enough. PARKTALLY_SOAK_SECONDS sets how long, an hour in a full run; PARKTALLY_SEED repeats what is
random."""

import collections
import contextlib
import itertools
import json
import os
import re
import statistics
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import parktally  # noqa: E402
from test_kills import Loaded, ServiceLoad, ask, write_file  # noqa: E402

SECONDS = int(os.environ.get("PARKTALLY_SOAK_SECONDS") or (3600 if parktally.FULL else 6))
QUICK = SECONDS < 600  # caches are still being filled
CAPACITY_SECONDS = min(20, max(2, SECONDS / 6))  # of them, to find out what the city can take
LOOK = 0.2 if QUICK else 1  # seconds between samples
RESTART = max(3, SECONDS / 20)    # seconds between two ends of a program, on average
LONG_LIFE = 10 if QUICK else 240  # samples, for a life to be looked at by itself
WINDOW = 6        # files that a service has before it at most
UNITS = 50        # of a file; an hour then writes some 10 GB
GROUPS = 5        # of so many units, that each service has
YEARS = range(1901, 2021)
ROUNDS = 20       # times that each month of a year is sent, before the next year's
MIB = 1 << 20
ROOM = {"memory": (32 if QUICK else 4) * MIB, "files": 16}
# Of a log twice what begins a pass over it, for the server goes on writing meanwhile.
MOST = {"server memory": 128 * MIB, "service memory": 32 * MIB, "server log": 256 * MIB, "service log": 16 * MIB,
        "server files": 100, "service files": 60}
CHECK_PATIENCE = 1800  # seconds for a replay of an hour
HELD = 0.5             # of what was to be sent, that was at least: the machine may have got other things to do


class Pace:
    """How many files there may be by now, of all services together; without a rate, any number."""

    def __init__(self):
        self.lock = threading.Lock()
        self.set(None)

    def set(self, rate):
        with self.lock:
            self.rate, self.given, self.begun = rate, 0, time.monotonic()

    def due(self):
        return (time.monotonic() - self.begun) * self.rate

    def may(self):
        with self.lock:
            if self.rate is not None and self.given >= self.due():
                return False
            self.given += 1
            return True


def coming():
    """Which group's month is next. Each comes again, as a correction, but not for ever: a service that sends a month reads
    whatever it sent of it, and of the twelve before."""
    return ((group, f"{year}-{month:02d}") for group in itertools.cycle(range(GROUPS)) for year in YEARS
            for _ in range(ROUNDS) for month in range(1, 13))


class SteadyLoad(ServiceLoad):
    """A service with several files before it, of different months, at a pace that all share."""

    count = GROUPS * UNITS
    since = f"{YEARS[0]}-01-01"
    pace = Pace()

    def carry_on(self):
        self.usual = {unit: self.random.randrange(10**5, 10**7) for unit in self.units}  # so that none looks suspicious
        plan, pending, starts = coming(), {}, self.starts  # pending: month → path; one of each, whose order is known
        group, month = next(plan)
        while pending or not self.enough.is_set():
            if starts != self.starts:
                starts = self.starts
                self.move_again(pending)
            self.take_done(pending)
            if not self.enough.is_set() and len(pending) < WINDOW and month not in pending and self.pace.may():
                self.hand_in(self.units[group * UNITS:][:UNITS], month, pending)
                group, month = next(plan)
            else:
                time.sleep(0.005)

    def hand_in(self, units, month, pending):
        self.files += 1
        values = {unit: int(self.usual[unit] * self.random.uniform(0.97, 1.03)) for unit in units}
        path = self.place / f"{self.thread.name}-{self.files:07d}.csv"
        write_file(path, month, values)
        self.said.update({(month, unit): value for unit, value in values.items()})
        pending[month] = self.submit / path.name
        os.rename(path, pending[month])

    def move_again(self, pending):
        """A file that lay there before a service began has to settle; one that is moved in has not."""
        for month, path in pending.items():
            with contextlib.suppress(FileNotFoundError):
                os.rename(path, path.with_stem(path.stem + "-"))
                pending[month] = path.with_stem(path.stem + "-")

    def take_done(self, pending):
        if any((self.submit / "refused").glob("*.csv")):
            raise AssertionError(f"refused:\n{self.log()[-5000:]}")
        done = self.submit / "done"
        for month, path in list(pending.items()):
            for found in done.glob(f"{path.stem.rstrip('-')}*.csv"):  # moved there last of all
                found.unlink()
                found.with_name(found.name + ".findings.txt").unlink(missing_ok=True)
                self.done += 1
                pending.pop(month, None)

    def restart(self, kill):
        if kill:
            self.kill()
        else:
            self.stop()
            self.start_only()


class Samples(threading.Thread):
    """Of each program's memory, open files and log: (seconds, process, value)."""

    def __init__(self, city, loads):
        super().__init__(daemon=True)
        self.programs = {"server": lambda: (city.process.pid, city.data / "store.db-wal")}
        for n, load in enumerate(loads):
            self.programs[f"service {n}"] = lambda load=load: (load.process.pid, load.agent.data / "outbox.db-wal")
        self.series = collections.defaultdict(list)
        self.ending = threading.Event()
        self.begun = time.monotonic()
        self.start()

    def run(self):
        while not self.ending.wait(LOOK):
            for name, where in self.programs.items():
                pid, log = where()
                with contextlib.suppress(OSError, AttributeError):  # it is being restarted
                    status = Path(f"/proc/{pid}/status").read_text()
                    now = time.monotonic() - self.begun
                    self.series[name, "memory"].append((now, pid, int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024))
                    self.series[name, "files"].append((now, pid, len(os.listdir(f"/proc/{pid}/fd"))))
                    self.series[name, "log"].append((now, pid, log.stat().st_size))

    def close(self):
        self.ending.set()
        self.join()


def median(values):
    return statistics.median(values) if values else 0


class Soak(Loaded):
    kinds = {"s": SteadyLoad}

    def setUp(self):
        super().setUp()
        print(f"PARKTALLY_SOAK_SECONDS={SECONDS}", file=sys.stderr)

    def restart_one(self):
        victim = self.random.choice([None, *self.loads, None])
        kill = self.random.random() < 0.5
        if victim:
            victim.restart(kill)
        elif kill:
            self.city.kill()
            self.city.start()
        else:
            self.assertEqual(self.city.stop(), 0)
            self.city.start()
        return f"{'service' if victim else 'server'} {'killed' if kill else 'ended'}"

    def measure_capacity(self):
        """Submissions a second that have their place in the ledger, while there is always one to be sent."""
        time.sleep(CAPACITY_SECONDS / 3)  # to get under way
        before, begun = self.city.position(), time.monotonic()
        time.sleep(CAPACITY_SECONDS)
        return (self.city.position() - before) / (time.monotonic() - begun)

    def soak(self):
        """Returns what was ended, and how often."""
        restarts, end = collections.Counter(), time.monotonic() + SECONDS
        due = time.monotonic() + self.random.uniform(0.5, 1.5) * RESTART
        while time.monotonic() < end:
            time.sleep(0.1)
            self.assert_no_error()
            if time.monotonic() > due:
                restarts[self.restart_one()] += 1
                due = time.monotonic() + self.random.uniform(0.1, 1.9) * RESTART
        return restarts

    def assert_no_growth(self, samples):
        for (name, what), series in samples.series.items():
            values = [value for _, _, value in series]
            self.assertGreater(len(values), 8, (name, what))
            quarters = [median(values[n * len(values) // 4:(n + 1) * len(values) // 4]) for n in range(4)]
            unit = 1 if what == "files" else MIB
            print(f"{name}, {what}: medians of the quarters {', '.join(f'{value / unit:.1f}' for value in quarters)}, "
                  f"most {max(values) / unit:.1f}", file=sys.stderr)
            if parktally.SANITIZED and what == "memory":
                continue
            self.assertLessEqual(max(values), MOST[f"{name.split()[0]} {what}"], f"{what} of {name}")
            if what == "log":  # it is written anew from its beginning, and is as large as it was once, until its program ends
                continue
            self.assertLessEqual(quarters[3], quarters[1] * 1.1 + ROOM[what], f"{what} of {name} grew: {quarters}")
            for pid, life in itertools.groupby(series, key=lambda sample: sample[1]):
                life = [value for _, _, value in life]
                if len(life) >= LONG_LIFE:
                    second, last = median(life[len(life) // 4:len(life) // 2]), median(life[3 * len(life) // 4:])
                    self.assertLessEqual(last, second * 1.1 + ROOM[what], f"{what} of {name}, process {pid}, grew")

    def assert_all_arrived(self, timeout):
        self.assert_totals()
        for load in self.loads:
            status = json.loads(load.agent.command("status", "--format", "json", code=0).out)
            self.assertEqual(status["waiting_to_send"] + status["stale"] + status["refused"] + status["refused_whole"], 0, status)
            load.assert_receipts_hold()
            submissions, = ask(load.agent.data / "outbox.db", "SELECT count(*) FROM submission")
            self.assertEqual([submissions], ask(self.city.data / "store.db", "SELECT count(*) FROM submission WHERE agent = ?",
                                                load.agent.id))
        found = parktally.run(parktally.AGGREGATOR, "rebuild", "--check", data=self.city.data, timeout=timeout)
        self.assertEqual(found.code, 0, found)
        found = parktally.run(parktally.AGGREGATOR, "ledger", "verify", data=self.city.data, timeout=timeout)
        self.assertEqual(found.code, 0, found)

    def test_at_half_of_what_it_can_take_nothing_grows(self):
        SteadyLoad.pace = pace = Pace()
        self.start("sss")
        capacity = self.measure_capacity()
        pace.set(capacity / 2)
        samples = Samples(self.city, self.loads)
        self.addCleanup(samples.close)
        restarts = self.soak()
        due, given = pace.due(), pace.given
        samples.close()
        print(f"{capacity:.0f} submissions a second are what it can take; {given} of {due:.0f} files handed in at half of that; "
              f"{dict(restarts)}", file=sys.stderr)
        self.finish()
        self.assert_all_arrived(CHECK_PATIENCE)
        self.assert_no_growth(samples)
        if not QUICK:
            self.assertGreater(given, HELD * due, "it did not keep up")
        self.assertEqual(self.city.stop(), 0)


if __name__ == "__main__":
    unittest.main()
