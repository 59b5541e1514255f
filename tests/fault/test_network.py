"""Two hosts and a cable between them that goes down and up, before, in the midst of and after sending, for a moment and for
longer than anybody waits; and one that loses, delays and reorders: all arrives, and once.

Hosts are network namespaces (network.py), which takes root; where there are none, all of it is skipped. Where in a
conversation the cable goes down is seen to, not timed: the server stands still (SIGSTOP) until the kernel of either side holds
what is to be on its way. PARKTALLY_SEED repeats a run; PARKTALLY_FULL=1 also waits until the agent calls the other side
silent, and does more of the rest."""

import contextlib
import json
import os
import random
import re
import secrets
import signal
import sqlite3
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import network  # noqa: E402
import parktally  # noqa: E402

SEED = int(os.environ.get("PARKTALLY_SEED") or secrets.randbits(32))
CITY, PARK = "10.77.0.1", "10.77.0.2"
UNITS = 1000
MONTHS = ("2018-05", "2018-06")
WINDOW = 16384        # bytes that a server takes unread at most: less than a submission
AFTER_SILENCE = 240   # seconds; 30 are silence, and then TCP tries ever less often
LONGEST_FLAP = 0.3    # seconds
FLAPPING_PUSHES = parktally.sampled(3, 100)
LOSSY_PUSHES = parktally.sampled(2, 30)

try:
    with network.hosts(CITY, PARK) as tried:
        network.join(*tried)
except network.Impossible as why:
    parktally.skip_program(str(why))


def ask(database, query):
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


class Network(parktally.Case):
    def setUp(self):
        super().setUp()
        parktally.need(parktally.AGENT)
        print(f"PARKTALLY_SEED={SEED}", file=sys.stderr)
        self.random = random.Random(SEED)
        hosts = contextlib.ExitStack()
        self.addCleanup(hosts.close)
        self.far, self.near, self.middle = hosts.enter_context(network.hosts(CITY, PARK, "10.77.0.3"))
        self.city = self.aggregator()
        self.city.listen = self.city.enrol = f"tcp://{CITY}:*"
        self.units = [f"E{n:04d}" for n in range(UNITS)]
        self.city.import_register([parktally.unit(unit, "east") for unit in self.units])
        self.sums, self.reports, self.files = {}, 0, 0

    def start(self):
        """The server in the city, an agent in the park."""
        with self.far:
            self.city.start()
        self.port = int(self.city.listen.rpartition(":")[2])
        with self.near:
            self.agent = parktally.enrol(self.city, "east", self.folder / "agent")

    def start_service(self):
        self.submit = self.folder / "报送"
        (self.agent.data / "agent.yaml").write_text(f"submit_folder: {self.submit}\napproved_by: 李明\n")
        log = open(self.folder / "agent.log", "wb")
        self.addCleanup(log.close)
        with self.near:
            self.service = self.agent.start("run", output=log)
        self.addCleanup(self.service.wait)
        self.addCleanup(self.service.kill)
        parktally.wait_until(self.is_connected, "the service is connected")

    def write_file(self):
        """Figures that were never said before, which count at the end."""
        rows = ["uscc,period,output"]
        for month in MONTHS:
            values = [self.random.randrange(10**8 * 2, 10**9) for _ in self.units]
            rows += [f"{unit},{month},{value // 10}.{value % 10}" for unit, value in zip(self.units, values)]
            self.sums[month] = sum(values)
            self.reports += len(values)
        self.files += 1
        path = self.folder / f"figures-{self.files}.csv"
        path.write_text("\n".join(rows) + "\n")
        return path

    def give(self):
        """Shows the service a file, and waits until all of it waits to be sent."""
        path = self.write_file()
        os.rename(path, self.submit / path.name)
        parktally.wait_until(lambda: self.status()["waiting_to_send"] == len(MONTHS), "the file is in the outbox")

    def push(self, seconds):
        with self.near:
            return self.agent.command("push", self.write_file(), "--approved-by", "李明", "--wait", "--timeout", seconds, code=0)

    # --- what is looked at ---

    def status(self):
        return json.loads(self.agent.command("status", "--format", "json", code=0).out)

    def said(self):
        """What the service said of its connections."""
        return re.findall(r"link\.(connected|lost)", (self.folder / "agent.log").read_text())

    def is_connected(self):
        return self.said()[-1:] == ["connected"]

    def unread(self):
        """Bytes that came to the server's kernel and no further."""
        return max((unread for _, unread in self.far.connections(self.port)), default=0)

    def untaken(self):
        """Bytes of the agent's that its kernel could not yet hand over."""
        return max((untaken for untaken, _ in self.near.connections(self.port)), default=0)

    def committed(self):
        return ask(self.city.data / "store.db", "SELECT count(*) FROM submission")[0][0]

    def assert_arrived(self):
        """Everything that was said is there, once."""
        status = self.status()
        found = {name: status[name] for name in ("waiting_to_send", "refused_whole", "counted", "stale", "refused", "unchanged")}
        self.assertEqual(found, dict.fromkeys(found, 0) | {"counted": self.reports})
        for month, value in self.sums.items():
            line = self.city.total("east", month, "output")
            self.assertEqual((line["value"], line["reported"]), (f"{value // 10}.{value % 10}", str(UNITS)), month)

    def assert_arrives(self, seconds=AFTER_SILENCE):
        parktally.wait_until(lambda: self.status()["waiting_to_send"] == 0, "all is answered", seconds)
        self.assert_arrived()

    def finish(self):
        """The agent has a receipt of each submission, all of them proved; the city has the same, and no others."""
        self.assert_arrived()
        kept = ask(self.agent.data / "outbox.db", "SELECT id, receipt.sealed FROM submission LEFT JOIN receipt USING(sequence)")
        self.assertEqual(sorted(kept), sorted(ask(self.city.data / "store.db",
                                                  "SELECT id, sealed FROM submission JOIN receipt USING(position)")))
        self.assertEqual(len(kept), self.files * len(MONTHS))
        found = json.loads(self.agent.command("receipts", "verify", "--format", "json", code=0).out)
        self.assertEqual((found["receipts"], found["wrong"]), (len(kept), []))
        self.city.command("ledger", "verify")
        self.assertEqual(self.city.stop(), 0)
        self.assert_sound(self.city)


class Cable(Network):
    def setUp(self):
        super().setUp()
        network.join(self.far, self.near)

    def small_windows(self):
        """A server that stands still takes a part of a submission only."""
        with self.far:
            try:
                Path("/proc/sys/net/ipv4/tcp_rmem").write_text(f"{WINDOW} {WINDOW} {WINDOW}")
            except OSError as error:
                self.skipTest(f"the kernel's windows cannot be set here: {error}")

    @contextlib.contextmanager
    def frozen(self):
        """The server stands still."""
        self.city.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.city.signal(signal.SIGCONT)

    def all_places(self):
        """Either end of the cable; shorter and, in a full run, longer than a silence."""
        places = [(end, longer) for end in (self.far, self.near) for longer in (False, True)]
        self.random.shuffle(places)
        return places if parktally.FULL else [place for place in places if not place[1]]

    def stay_down(self, longer):
        """The cable is down now, and stays so until the agent has given the connection up if that is asked for."""
        if longer:
            lost = self.said().count("lost")
            parktally.wait_until(lambda: self.said().count("lost") > lost, "the agent calls that silence", AFTER_SILENCE)

    def restore(self, end):
        end.link("up")
        self.assert_arrives()
        parktally.wait_until(self.is_connected, "the service is connected", AFTER_SILENCE)

    def test_a_cable_that_goes_down_before_anything_is_sent(self):
        self.start()
        self.start_service()
        for end, longer in self.all_places():
            with self.subTest(end=end.address, longer=longer):
                end.link("down")
                already = self.committed()
                self.give()
                self.stay_down(longer)
                self.assertEqual(self.committed(), already)
                self.restore(end)
        self.finish()

    def test_a_cable_that_goes_down_in_the_midst_of_a_submission(self):
        self.small_windows()
        self.start()
        self.start_service()
        for end, longer in self.all_places():
            with self.subTest(end=end.address, longer=longer):
                already = self.committed()
                with self.frozen():
                    self.give()
                    parktally.wait_until(lambda: self.unread() > 0 and self.untaken() > 0,
                                         "a part of a submission is there, and more of it waits")
                    end.link("down")
                self.stay_down(longer)
                self.assertEqual(self.committed(), already)
                self.restore(end)
        self.finish()

    def test_a_cable_that_goes_down_after_all_was_sent_and_before_it_is_answered(self):
        self.start()
        self.start_service()
        for end, longer in self.all_places():
            with self.subTest(end=end.address, longer=longer):
                already = self.committed()
                with self.frozen():
                    self.give()
                    size = sum(length for length, in ask(
                        self.agent.data / "outbox.db", "SELECT length(content.sealed) FROM content JOIN submission USING(sequence) "
                        "WHERE state = 0"))
                    self.assertGreater(size, WINDOW)
                    parktally.wait_until(lambda: self.unread() > size, "all of it came to the server's kernel")
                    end.link("down")
                parktally.wait_until(lambda: self.committed() == already + len(MONTHS), "the server has it")
                self.stay_down(longer)
                self.assertEqual(self.status()["waiting_to_send"], len(MONTHS))
                self.restore(end)
                self.assertEqual(self.committed(), already + len(MONTHS))
        self.finish()

    def test_a_cable_that_flaps_while_files_are_pushed(self):
        self.start()
        enough, flaps, chance = threading.Event(), [], random.Random(SEED)

        def flap():
            while not enough.is_set():
                end = chance.choice((self.far, self.near))
                enough.wait(chance.uniform(0, LONGEST_FLAP))
                end.link("down")
                time.sleep(chance.uniform(0, LONGEST_FLAP))
                end.link("up")
                flaps.append(end)

        flapping = threading.Thread(target=flap)
        flapping.start()
        try:
            for _ in range(FLAPPING_PUSHES):
                before = len(flaps)
                self.push(AFTER_SILENCE)
                parktally.wait_until(lambda: len(flaps) > before, "it goes down and up")
        finally:
            enough.set()
            flapping.join()
        print(f"{len(flaps)} times down and up in {FLAPPING_PUSHES} pushes", file=sys.stderr)
        self.finish()


class BadCable(Network):
    def test_a_cable_that_loses_delays_and_reorders(self):
        try:
            cable = network.BadCable(self.far, self.near, self.middle, SEED)
        except PermissionError as error:
            self.skipTest(f"no packets to be had: {error}")
        self.addCleanup(cable.close)
        self.start()
        for _ in range(LOSSY_PUSHES):
            self.push(AFTER_SILENCE)
        print(f"{cable.passed} packets passed, {cable.lost} were lost, {cable.overtaken} overtook others", file=sys.stderr)
        self.assertGreater(cable.lost, 0)
        self.assertGreater(cable.overtaken, 0)
        self.finish()


if __name__ == "__main__":
    unittest.main()
