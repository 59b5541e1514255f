"""Kill -9 of either program at any moment, or of both, and SIGTERM under load: nothing acknowledged is lost, nothing
counts twice.

What was sent is known here, and each receipt is looked at afterwards: that its holder finds it proved, that the ledger has just
those, that they come again, and that the auditor's program finds each where it says. PARKTALLY_SEED repeats a run as
far as the machine allows, PARKTALLY_KILLS sets how many kills there are."""

import collections
import contextlib
import csv
import itertools
import json
import os
import random
import secrets
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import parktally  # noqa: E402
import stranger as st  # noqa: E402
from stranger import Report  # noqa: E402

SEED = int(os.environ.get("PARKTALLY_SEED") or secrets.randbits(32))
KILLS = int(os.environ.get("PARKTALLY_KILLS") or parktally.sampled(30, 1000))
ENDS = parktally.sampled(2, 10)  # by SIGTERM
UNITS = 20        # of each agent
LONGEST = 0.15    # seconds that the victim gets at most before it is killed
SILENCE = 1       # seconds after which a stranger opens a new connection
VERIFY_PATIENCE = 600  # seconds for a check of the whole ledger, which grows with the kills
PUSH_TIMEOUT = 2  # seconds that a push waits for its receipts
PARKS = ("east", "west", "south")
VERIFIER = parktally.BUILD / "aggregator" / "verifier" / "parktally-verify"
MONTHS = [f"{year}-{month:02d}" for year in range(2014, 2019) for month in range(1, 13)]  # then corrections of them


class Load:
    """What all loads have: a thread, and what it said. It goes on to the next thing when one is acknowledged, and has
    said nothing that is not acknowledged in the end."""

    count = UNITS
    since = "2010-01-01"  # its units are registered

    def __init__(self, area, name, seed):
        self.area, self.random = area, random.Random(seed)
        self.units = [f"{name}{n:03d}" for n in range(self.count)]
        self.said = {}  # (month, unit) → tenths: the last
        self.enough = threading.Event()
        self.error = None
        self.done = 0   # acknowledgements
        self.thread = threading.Thread(target=self.work, name=name, daemon=True)

    def work(self):
        try:
            self.carry_on()
        except Exception as error:  # told by the main thread
            self.error = error

    def finish(self):
        """No new work; what was begun is carried to its end."""
        self.enough.set()
        self.thread.join(parktally.PATIENCE * 2)
        if self.thread.is_alive():
            raise AssertionError(f"{self.thread.name} does not come to an end")
        if self.error:
            raise self.error


class StrangerLoad(Load):
    """Batches of submissions over the wire, of first reports and of corrections; keeps every receipt."""

    def __init__(self, city, area, name, seed):
        super().__init__(area, name, seed)
        self.agent = st.enrol(city, area)
        self.sealed = {}    # id → bytes
        self.receipts = {}  # id → the sealed receipt
        self.bases = {}     # (month, unit) → id that counted last

    def carry_on(self):
        for month in itertools.cycle(MONTHS):
            if self.enough.is_set():
                return
            self.deliver([self.make(month, self.units[n::5]) for n in range(5)])
            self.deliver([self.make(month, self.random.sample(self.units, 4))])

    def make(self, month, units):
        values = {unit: self.random.randrange(1, 10**9) for unit in units}
        sealed = self.agent.sealed(
            "monthly", month, [Report(unit, {"output": value}, self.bases.get((month, unit), b"")) for unit, value in values.items()])
        id_ = st.digest(sealed[104:])
        for unit, value in values.items():
            self.said[month, unit] = value
            self.bases[month, unit] = id_
        self.sealed[id_] = sealed
        return sealed

    def deliver(self, batch):
        answers = self.agent.deliver(batch, silence=SILENCE, took=self.took)
        assert len(answers) == len(batch)

    def took(self, id_, answer):
        if isinstance(answer, Exception):
            raise answer
        receipt = self.agent.read_receipt(answer)
        assert receipt.counted and not receipt.refusals, receipt
        self.receipts[id_] = answer
        self.done += 1

    def assert_receipts_hold(self):
        """Each receipt comes again, byte for byte."""
        ids = list(self.receipts)
        answers = self.agent.deliver([self.sealed[id_] for id_ in ids])
        assert answers == self.receipts
        places = [self.agent.read_receipt(answer).position for answer in answers.values()]
        assert len(set(places)) == len(places)

    def kept(self):
        """Receipts by submission."""
        return dict(self.receipts)

    def export(self, path):
        """A file of them, as parktally-verify reads it."""
        path.write_bytes(b"".join(struct.pack("<I", len(receipt)) + receipt for receipt in self.receipts.values()))


class OutboxLoad(Load):
    """What has an outbox, where receipts are."""

    def kept(self):
        """Receipts by submission; there is one for each."""
        rows = ask(self.agent.data / "outbox.db",
                   "SELECT id, receipt.sealed FROM submission LEFT JOIN receipt USING(sequence)")
        assert all(receipt for _, receipt in rows), f"{self.thread.name}: {sum(not receipt for _, receipt in rows)} have no receipt"
        return dict(rows)

    def assert_receipts_hold(self):
        """The agent itself proves each, without anybody's help."""
        found = json.loads(self.agent.command("receipts", "verify", "--format", "json", code=0).out)
        assert (found["receipts"], found["wrong"]) == (len(self.kept()), []), found

    def export(self, path):
        self.agent.command("outbox", "export", path, "--all", code=0)


class AgentLoad(OutboxLoad):
    """A real park-agent that pushes a file for each month and then a corrected one. Its process may be killed."""

    def __init__(self, city, folder, area, name, seed):
        super().__init__(area, name, seed)
        self.folder = Path(folder)
        self.agent = parktally.enrol(city, area, self.folder / name)
        self.process = None
        self.lock = threading.Lock()
        self.killed = 0

    def carry_on(self):
        for month in itertools.cycle(MONTHS):
            for units in (self.units, self.random.sample(self.units, 4)):
                if self.enough.is_set():
                    return
                self.push(month, {unit: self.random.randrange(1, 10**9) for unit in units})

    def push(self, month, values):
        """Pushes one file until it is acknowledged, however often that is cut short."""
        path = self.folder / f"{self.thread.name}.csv"
        write_file(path, month, values)
        for unit, value in values.items():
            self.said[month, unit] = value
        end = time.monotonic() + 2 * parktally.PATIENCE
        while not self.push_once(path):
            if time.monotonic() > end:
                raise AssertionError(f"{path.name} is never acknowledged")
        self.done += 1

    def push_once(self, path):
        with self.lock:
            self.process = self.agent.start("push", path, "--approved-by", "李明", "--wait", "--timeout", PUSH_TIMEOUT,
                                            "--format", "json")
        out, _ = self.process.communicate(timeout=parktally.PATIENCE)
        code = self.process.returncode
        if code not in (0, 75, -9):
            raise AssertionError(f"push ended with {code}:\n{out.decode(errors='replace')}")
        if code != 0:
            return False
        status = json.loads(self.agent.command("status", "--format", "json", code=0).out)
        if status["stale"] + status["refused"] + status["refused_whole"]:
            raise AssertionError(f"refused: {status}")
        return status["waiting_to_send"] == 0

    def kill(self):
        with self.lock:
            if self.process and self.process.poll() is None:
                self.process.kill()
                self.killed += 1
                return True
        return False


class ServiceLoad(OutboxLoad):
    """A park-agent as a service: files are moved into its folder, and what it has put into done/ is never shown to
    it again. Its process may be killed."""

    def __init__(self, city, folder, area, name, seed):
        super().__init__(area, name, seed)
        self.agent = parktally.enrol(city, area, Path(folder) / name)
        self.place, self.submit = Path(folder), Path(folder) / f"{name}-报送"
        (self.agent.data / "agent.yaml").write_text(f"submit_folder: {self.submit}\napproved_by: 李明\n")
        self.log_path = Path(folder) / f"{name}.log"
        self.starts = self.files = 0
        self.start()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def start(self):
        """Starts a process and waits until it is at work."""
        already = self.log().count("run.ready") if self.log_path.exists() else 0
        self.start_only()

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the service ended with {self.process.returncode}:\n{self.log()}")
            return self.log().count("run.ready") > already

        parktally.wait_until(ready, "the service is at work")

    def start_only(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([parktally.AGENT, "run", "--data", self.agent.data], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=parktally.environment())
        self.starts += 1

    def kill(self):
        self.process.kill()
        if self.process.wait() != -signal.SIGKILL:
            raise AssertionError(f"the service ended by itself:\n{self.log()}")
        self.start_only()  # so that the next kill may come while it starts
        return True

    def stop(self):
        self.process.terminate()
        code = self.process.wait(parktally.PATIENCE)
        if code != 0:
            raise AssertionError(f"the service ended with {code}:\n{self.log()}")

    def carry_on(self):
        for month in itertools.cycle(MONTHS):
            for units in (self.units, self.random.sample(self.units, 4)):
                if self.enough.is_set():
                    return
                self.give(month, {unit: self.random.randrange(1, 10**9) for unit in units})

    def give(self, month, values):
        """Moves one file in and waits until the service is done with it."""
        self.files += 1
        path = self.place / f"{self.thread.name}-{self.files:05d}.csv"
        write_file(path, month, values)
        for unit, value in values.items():
            self.said[month, unit] = value
        file = self.submit / path.name
        os.rename(path, file)
        starts = self.starts

        def is_done():
            nonlocal starts, file
            if any((self.submit / "refused").glob("*.csv")):
                raise AssertionError(f"refused:\n{self.log()}")
            if self.starts != starts:  # a file that was there before has to settle; one that is moved in has not
                starts, again = self.starts, file.with_stem(file.stem + "-")
                with contextlib.suppress(FileNotFoundError):
                    os.rename(file, again)
                    file = again
            return any((self.submit / "done").glob(f"{path.stem}*.csv"))

        parktally.wait_until(is_done, f"{path.name} is done")
        self.done += 1

    def finish(self):
        super().finish()
        self.stop()
        self.start()  # a new process sends at once what has no receipt yet

        def all_sent():
            status = json.loads(self.agent.command("status", "--format", "json", code=0).out)
            if status["stale"] + status["refused"] + status["refused_whole"]:
                raise AssertionError(f"refused: {status}")
            return status["waiting_to_send"] == 0

        parktally.wait_until(all_sent, "all is sent")
        self.stop()


def ask(database, query, *values):
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query, values).fetchall()


def write_file(path, month, values):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["uscc", "period", "output"])
        writer.writerows([unit, month, f"{value // 10}.{value % 10}"] for unit, value in values.items())


class Loaded(parktally.Case):
    """A city under load, and what must be true of it in the end."""

    kinds = {"w": StrangerLoad, "p": AgentLoad, "s": ServiceLoad}

    def setUp(self):
        super().setUp()
        parktally.need(parktally.AGENT, VERIFIER)
        print(f"PARKTALLY_SEED={SEED}", file=sys.stderr)
        self.random = random.Random(SEED)
        self.city = self.aggregator()
        self.loads = []

    def start(self, kinds):
        """An aggregator under load: `kinds` has a letter for each load: w for a stranger on the wire, p for an agent
        that is started for each push, s for a service."""
        names = [f"{PARKS[n % 3][0].upper()}{n}" for n in range(len(kinds))]
        self.city.import_register([parktally.unit(f"{name}{u:03d}", PARKS[n % 3], from_=self.kinds[kind].since)
                                   for n, (kind, name) in enumerate(zip(kinds, names)) for u in range(self.kinds[kind].count)])
        self.city.start()
        for area in PARKS:
            st.enrol(self.city, area).close()  # speaks for it
        for n, (kind, name) in enumerate(zip(kinds, names)):
            place = () if kind == "w" else (self.folder,)
            self.loads.append(self.kinds[kind](self.city, *place, PARKS[n % 3], name, self.random.getrandbits(32)))
        self.addCleanup(self.end_all)
        for load in self.loads:
            load.thread.start()

    def end_all(self):
        """After a failure too."""
        if not self.city.is_running():
            self.city.start()
        for load in self.loads:
            load.enough.set()
            if load.thread.ident:
                load.thread.join(parktally.PATIENCE)
            if isinstance(load, StrangerLoad) and not load.thread.is_alive():
                load.agent.close()
            if isinstance(load, ServiceLoad) and load.process.poll() is None:
                load.process.kill()
                load.process.wait()

    def assert_no_error(self):
        for load in self.loads:
            if load.error:
                raise load.error

    def finish(self):
        for load in self.loads:
            load.finish()

    def assert_totals(self):
        """Totals are the sum of what was said last, each figure once."""
        sums = collections.Counter()
        units = collections.Counter()
        for load in self.loads:
            for (month, _), value in load.said.items():
                for area in {"east": ("east", "group", "zone"), "west": ("west", "group", "zone"),
                             "south": ("south", "zone")}[load.area]:
                    sums[area, month] += value
                    units[area, month] += 1
        self.assertTrue(sums)
        for month in sorted({month for _, month in sums}):
            lines = self.city.totals("--period", month, "--indicator", "output", "--slice", "all")
            for line in lines:
                key = line["area"], month
                if line["slice"] == "all" and key in sums:
                    found = line["value"], line["reported"]
                    self.assertEqual(found, (f"{sums[key] // 10}.{sums[key] % 10}", str(units[key])), line)


class Kills(Loaded):
    def linger(self):
        """Gives the victims a moment, so that the kill hits them anywhere in their work."""
        time.sleep(self.random.uniform(0, LONGEST))

    def kill_some(self):
        """Kills the aggregator, an agent's process, or the one and right after it the other, and starts them again. Says which
        were killed."""
        agents = [load for load in self.loads if not isinstance(load, StrangerLoad)]
        self.linger()
        victims = self.random.choice((["aggregator"], [self.random.choice(agents)], ["aggregator", self.random.choice(agents)]))
        if len(victims) > 1:
            self.random.shuffle(victims)
        killed = []
        for victim in victims:
            if victim == "aggregator":
                self.city.kill()
                killed.append(victim)
            elif self.city.is_running():
                parktally.wait_until(victim.kill, "an agent is at work")
                killed.append(victim.thread.name)
            elif victim.kill():  # a push may just have come to its end
                killed.append(victim.thread.name)
        if not self.city.is_running():
            self.linger()
            self.city.start()
        return killed

    def assert_receipts(self):
        """Each is what the ledger has, of each that was sent there is one, and the ledger has no other submissions of theirs."""
        whole, files = 0, []
        for load in self.loads:
            load.assert_receipts_hold()
            kept = load.kept()
            committed = ask(self.city.data / "store.db", "SELECT id, sealed FROM submission JOIN receipt USING(position) WHERE agent = ?",
                            load.agent.id)
            self.assertEqual(len(committed), len(dict(committed)))
            self.assertEqual(dict(committed), kept, load.thread.name)
            whole += len(kept)
            files.append(self.folder / f"{load.thread.name}.receipts")
            load.export(files[-1])
        self.city.command("ledger", "verify")
        ledger = self.folder / "ledger"
        self.city.command("ledger", "export", "--output", ledger)
        found = parktally.run(VERIFIER, ledger, "--format", "json", *(word for path in files for word in ("--receipts", path)),
                              timeout=VERIFY_PATIENCE)
        self.assertEqual(found.code, 0, found)
        self.assertEqual(json.loads(found.out)["receipts"], whole)
        print(f"{whole} receipts verified, of {sum(len(load.said) for load in self.loads)} figures and their corrections", file=sys.stderr)

    def assert_all_is_well(self):
        self.assert_totals()
        self.assert_sound(self.city)
        self.assert_receipts()
        self.assert_totals()
        self.assertEqual(self.city.stop(), 0)
        self.assert_sound(self.city)

    def test_random_kills(self):
        print(f"PARKTALLY_KILLS={KILLS}", file=sys.stderr)
        self.start("pspww")
        hits = collections.Counter()
        checked = 0
        while hits.total() < KILLS:
            hits.update(self.kill_some())
            self.assert_no_error()
            if hits.total() >= 2 * checked + 10:  # ever less often, since the ledger grows
                checked = hits.total()
                self.city.check_ledger()
        self.finish()
        done = {load.thread.name: load.done for load in self.loads}
        print(f"killed {dict(hits)}, acknowledged {done}", file=sys.stderr)
        for load in self.loads:
            self.assertGreater(load.done, 0, load.thread.name)
        self.assert_all_is_well()

    def test_sigterm_under_load(self):
        self.start("wswp")
        for _ in range(ENDS):
            self.linger()
            before = len(self.city.log())
            self.assertEqual(self.city.stop(), 0)
            self.assertIn("server.stopped", self.city.log()[before:])
            self.city.check_ledger()
            self.city.start()
            for load in self.loads:
                if isinstance(load, ServiceLoad):
                    load.stop()
                    load.start()
            done = [load.done for load in self.loads]
            for load, was in zip(self.loads, done):
                parktally.wait_until(lambda: load.done > was or load.error, f"{load.thread.name} goes on")
            self.assert_no_error()
        self.finish()
        self.assert_all_is_well()


if __name__ == "__main__":
    unittest.main()
