"""Connections that break at each place of the conversation, that are slow, late or stand still, answers that are lost, and
connections that die without a word: all arrives, and once.

The places are those of a conversation that nothing disturbs: in and after the greeting, each step of the handshake, and each
message. PARKTALLY_FULL=1 breaks every one, else a sample; PARKTALLY_SEED repeats it. Except where silence is
what is tried, all must have arrived before an agent would call an aggregator silent."""

import contextlib
import json
import os
import random
import re
import secrets
import sqlite3
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import parktally  # noqa: E402
from proxy import DOWN, GREETING, UP, CutAt, Delay, HoldBack, LoseAnswers, Proxy, Silence, Throttle, Whole  # noqa: E402
from stranger import Stranger  # noqa: E402

SEED = int(os.environ.get("PARKTALLY_SEED") or secrets.randbits(32))
SAMPLE = 7        # places of each conversation, besides one
UNITS = 3000      # whose register has two chunks
REPORTING = 1000  # of them, so that a submission is some segments of TCP
MONTHS = ("2018-05", "2018-06")
SMALL = 16        # reports of a submission of 1 KiB
DELAY = 0.3       # seconds, each way
LATE = 0.4        # seconds for which bytes are held back
TOO_LATE = 7      # likewise, longer than a handshake may take
MINUTES = 150     # likewise, longer than anybody waits
RATE = 40000      # bytes a second
LEAST_RATE = 4000 # likewise: the largest message here takes 23 s, and has 30
BEFORE_SILENCE = 25  # seconds; an agent calls 30 of them silence
AFTER_SILENCE = 120


def places(connection):
    """Where a conversation can be cut: (direction, bytes)."""
    for direction in (UP, DOWN):
        yield from ((direction, offset) for offset in (0, 1, 10, 11, 12, GREETING - 1, GREETING))
        for start, end, _ in connection.streams[direction].frames:
            yield from ((direction, offset) for offset in (start + 1, (start + end) // 2, end))


def ask(database, query):
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


class Connections(parktally.Case):
    def setUp(self):
        super().setUp()
        parktally.need(parktally.AGENT)
        print(f"PARKTALLY_SEED={SEED}", file=sys.stderr)
        self.random = random.Random(SEED)
        self.city = self.aggregator()
        self.door, self.enrolment = Proxy(), Proxy()
        self.addCleanup(self.door.close)
        self.addCleanup(self.enrolment.close)
        with open(self.city.data / "aggregator.yaml", "a") as config:
            config.write(f"announce: {self.door.endpoint}\nannounce_enrol: {self.enrolment.endpoint}\n")
        self.units = [f"E{n:04d}" for n in range(UNITS)]
        self.city.import_register([parktally.unit(unit, "east") for unit in self.units])
        self.start()
        self.sums, self.reports = {}, 0

    def start(self):
        self.city.start()
        self.door.target = int(self.city.listen.rpartition(":")[2])
        self.enrolment.target = int(self.city.enrol.rpartition(":")[2])

    def sample(self, connection):
        """Some of them, the midst of the last answer always: what it answers was done, and must not be done again."""
        every = list(dict.fromkeys(places(connection)))
        print(f"{len(every)} places", file=sys.stderr)
        return every if parktally.FULL else self.random.sample(every[:-2], parktally.sampled(SAMPLE, 0)) + [every[-2]]

    def join(self):
        self.agent = parktally.ParkAgent(self.folder / "agent", self.city.invite("east"))
        return self.agent

    def write_file(self, months=MONTHS, reporting=REPORTING):
        """Figures that were never said before, which count at the end."""
        rows = ["uscc,period,output"]
        for month in months:
            values = [self.random.randrange(10**8 * 2, 10**9) for _ in range(reporting)]  # as long as each other on the wire
            rows += [f"{unit},{month},{value // 10}.{value % 10}" for unit, value in zip(self.units, values)]
            self.sums[month] = sum(values)
            self.reports += reporting
        path = self.folder / "figures.csv"
        path.write_text("\n".join(rows) + "\n")
        return path

    def push(self, path, seconds=BEFORE_SILENCE):
        return self.agent.command("push", path, "--approved-by", "李明", "--wait", "--timeout", seconds, code=0)

    def forget_documents(self):
        for pattern in ("catalogue.*", "register.*"):
            for path in self.agent.data.glob(pattern):
                path.unlink()

    def status(self):
        return json.loads(self.agent.command("status", "--format", "json", code=0).out)

    def states(self):
        """What the service said of its connections."""
        return re.findall(r"link\.(connected|lost)", (self.folder / "agent.log").read_text())

    def assert_arrived(self):
        """Everything that was said is there, once."""
        status = self.status()
        found = {name: status[name] for name in ("waiting_to_send", "refused_whole", "counted", "stale", "refused", "unchanged")}
        self.assertEqual(found, dict.fromkeys(found, 0) | {"counted": self.reports})
        for month, value in self.sums.items():
            self.assertEqual(self.city.total("east", month, "output")["value"], f"{value // 10}.{value % 10}", month)

    def assert_cut(self, fault, proxy, before, is_last=False):
        """It came there, and there was another connection then: but not where all had been said."""
        self.assertTrue(fault.done, "never came there")
        if not is_last:
            self.assertGreaterEqual(len(proxy.connections), before + 2)

    def assert_receipts_hold(self):
        """The agent has the receipts of the commit; whoever sends the same again gets them too; each has a place of its own."""
        relay = Stranger(self.city.invite("south")).connect()
        self.addCleanup(relay.close)
        kept = ask(self.agent.data / "outbox.db", "SELECT content.sealed, receipt.sealed FROM content JOIN receipt USING(sequence)")
        self.assertEqual(ask(self.agent.data / "outbox.db", "SELECT count(*) FROM submission"), [(len(kept),)])
        committed = ask(self.city.data / "store.db", "SELECT sealed FROM receipt")
        self.assertEqual(sorted(receipt for receipt, in committed), sorted(receipt for _, receipt in kept))
        answers = relay.deliver([sealed for sealed, _ in kept])
        self.assertEqual(sorted(answers.values()), sorted(receipt for _, receipt in kept))
        self.assertEqual(len({relay.read_receipt(receipt).position for receipt in answers.values()}), len(kept))

    def finish(self):
        self.assert_arrived()
        self.assert_receipts_hold()
        self.assertEqual(self.city.stop(), 0)
        self.assert_sound(self.city)

    # --- cuts ---

    def test_a_push_that_is_cut_anywhere(self):
        self.join()
        self.push(self.write_file())  # the later ones are corrections, which are longer
        self.forget_documents()
        already = len(self.door.connections)
        self.push(self.write_file())
        self.assertEqual(len(self.door.connections), already + 1)
        whole = self.door.connections[-1]
        for place in self.sample(whole):
            with self.subTest(place=place):
                fault, before = CutAt(*place), len(self.door.connections)
                self.door.faults = [fault]
                self.forget_documents()
                self.push(self.write_file())
                self.assert_cut(fault, self.door, before, place == (DOWN, whole.streams[DOWN].passed))
                self.assert_arrived()
        self.finish()

    def test_a_join_that_is_cut_anywhere(self):
        self.join()
        enrolling, greeting = self.enrolment.connections[-1], self.door.connections[-1]
        cuts = [(self.enrolment, place) for place in self.sample(enrolling)] + [(self.door, place) for place in self.sample(greeting)]
        for proxy, place in cuts:
            with self.subTest(place=place, proxy="enrolment" if proxy is self.enrolment else "door"):
                fault, before = CutAt(*place), len(proxy.connections)
                proxy.faults = [fault]
                folder = self.folder / f"agent-{proxy is self.door}-{place[0]}-{place[1]}"
                invitation = self.city.invite("east")
                joined = parktally.run(parktally.AGENT, "join", "-", "--timeout", BEFORE_SILENCE, data=folder, stdin=invitation)
                self.assertEqual(joined.code, 0, joined)
                whole = enrolling if proxy is self.enrolment else greeting
                self.assert_cut(fault, proxy, before, place == (DOWN, whole.streams[DOWN].passed))
        agents = json.loads(self.city.command("agents", "--format", "json").out)
        self.assertEqual(len(agents), 1 + len(cuts))  # none enrolled twice
        self.push(self.write_file())
        self.finish()

    def test_a_service_that_is_cut_while_idle(self):
        self.join()
        submit = self.folder / "报送"
        (self.agent.data / "agent.yaml").write_text(f"submit_folder: {submit}\napproved_by: 李明\n")
        log = open(self.folder / "agent.log", "wb")
        self.addCleanup(log.close)
        service = self.agent.start("run", output=log)
        self.addCleanup(service.wait)
        self.addCleanup(service.kill)
        for cuts in range(4):
            # libzmq connects anew by itself, but then nobody has noticed a loss, and nobody greets
            expected = ["connected", "lost"] * cuts + ["connected"]
            parktally.wait_until(lambda: self.states() == expected, f"{expected}", BEFORE_SILENCE)
            if cuts < 3:
                self.door.connections[-1].cut()
        os.rename(self.write_file(), submit / "figures.csv")
        parktally.wait_until(lambda: self.status()["counted"] == self.reports, "all is counted", BEFORE_SILENCE)
        service.terminate()
        self.assertEqual(service.wait(parktally.PATIENCE), 0)
        self.finish()

    def test_a_small_push_that_is_cut_at_every_byte(self):
        """Of the greeting, the handshake, and messages of 1 KiB."""
        self.join()
        self.push(self.write_file(MONTHS[:1], SMALL))
        self.push(self.write_file(MONTHS[:1], SMALL))
        whole = self.door.connections[-1]
        start, end, _ = max(whole.streams[UP].messages(), key=lambda frame: frame[1] - frame[0])
        self.assertGreater(end - start, 1024)
        self.assertLess(end - start, 1200)
        every = [(direction, offset) for direction in (UP, DOWN) for offset in range(whole.streams[direction].messages()[-1][1] + 1)]
        print(f"{len(every)} bytes", file=sys.stderr)
        for place in every if parktally.FULL else self.random.sample(every, parktally.sampled(SAMPLE, 0)):
            with self.subTest(place=place):
                fault, before = CutAt(*place), len(self.door.connections)
                self.door.faults = [fault]
                self.push(self.write_file(MONTHS[:1], SMALL))
                self.assert_cut(fault, self.door, before, place == every[-1])
                self.assert_arrived()
        self.finish()

    # --- connections that are late, slow, or stand still for a while ---

    def test_all_is_300_milliseconds_late_each_way(self):
        if not parktally.FULL:
            self.join()
        self.door.usual = self.enrolment.usual = lambda: Delay(DELAY)
        if parktally.FULL:
            self.join()
        begun = time.monotonic()
        self.push(self.write_file())
        self.assertGreater(time.monotonic() - begun, 4 * 2 * DELAY)  # greeting, HELLO, INITIATE, Hello, and only then a submission
        self.door.usual = self.enrolment.usual = Whole
        self.finish()

    def test_a_connection_that_is_slow(self):
        self.join()
        self.push(self.write_file())
        self.door.usual = lambda: Throttle(RATE)
        before = len(self.door.connections)
        self.push(self.write_file(), AFTER_SILENCE)
        if parktally.FULL:
            self.door.usual = lambda: Throttle(LEAST_RATE)
            self.push(self.write_file(MONTHS, UNITS), AFTER_SILENCE)
        largest = max(end - start for start, end, _ in self.door.connections[-1].streams[UP].frames)
        self.assertGreater(largest, 80000 if parktally.FULL else 10000)
        self.assertEqual(len(self.door.connections), before + 1 + parktally.FULL)  # nobody took that for silence
        self.door.usual = Whole
        self.finish()

    def before_the_end(self, connection):
        """Places after which something comes."""
        return [place for place in dict.fromkeys(places(connection)) if place[1] < connection.streams[place[0]].passed]

    def held(self, place, seconds, patience=BEFORE_SILENCE):
        fault = HoldBack(*place, seconds, both=self.random.random() < 0.5)
        with self.subTest(fault=fault):
            self.door.faults = [fault]
            self.push(self.write_file(), patience)
            self.assertTrue(fault.done, "never came there")
            self.assert_arrived()
        return fault

    def test_bytes_that_are_held_back_and_come_late(self):
        """In a full run also so late that they belong to a connection that was given up long ago."""
        self.join()
        self.push(self.write_file())
        self.push(self.write_file())
        every = self.before_the_end(self.door.connections[-1])
        late = []
        if parktally.FULL:  # with the documents that it has: a push that has none does not wait for them so long
            for place in self.random.sample(every, 12):
                self.held(place, TOO_LATE, AFTER_SILENCE)
            late = [self.held(place, MINUTES, AFTER_SILENCE) for place in self.random.sample(every, 8)]
        self.forget_documents()
        self.push(self.write_file())
        every = self.before_the_end(self.door.connections[-1])
        for place in every if parktally.FULL else self.random.sample(every, parktally.sampled(3, 0)):
            self.forget_documents()
            self.held(place, LATE)
        parktally.wait_until(lambda: all(fault.is_over() for fault in late), "all goes on", MINUTES)
        parktally.wait_until(lambda: not any(connection.is_alive() for connection in self.door.connections), "all came, or was cut")
        self.assert_arrived()
        self.finish()

    # --- lost answers ---

    def test_every_receipt_is_lost_once(self):
        self.join()
        months = [f"2018-{month:02d}" for month in range(1, 13)]
        fault, before = LoseAnswers(2, len(months)), len(self.door.connections)  # after Welcome and Head
        self.door.faults = [fault]
        self.push(self.write_file(months, 20))
        self.assert_cut(fault, self.door, before)
        self.finish()

    def test_one_receipt_gets_through_each_connection(self):
        self.join()
        months = [f"2018-{month:02d}" for month in range(1, 5)]
        faults = [LoseAnswers(3, left) for left in range(len(months) - 1, 0, -1)]
        before = len(self.door.connections)
        self.door.faults = list(faults)
        self.push(self.write_file(months, 20))
        self.assertTrue(all(fault.done for fault in faults))
        broken, whole = self.door.connections[before:before + len(faults)], self.door.connections[before + len(faults):]
        self.assertEqual([len(connection.streams[DOWN].messages()) for connection in broken], [3] * len(faults))
        self.assertTrue(whole)  # where what came with the end of a connection may come again
        self.finish()

    def test_a_server_killed_after_its_commit_and_before_its_receipt_arrives(self):
        self.join()
        path = self.write_file()
        fault = LoseAnswers(2, 1000)  # until the connection ends with the server
        self.door.faults = [fault]
        push = self.agent.start("push", path, "--approved-by", "李明", "--wait", "--timeout", BEFORE_SILENCE)
        self.addCleanup(push.stdout.close)
        self.addCleanup(push.wait)
        parktally.wait_until(lambda: len(fault.heard.messages()) > len(MONTHS) + 1, "the receipts left")
        self.city.kill()
        self.start()
        self.assertEqual(push.wait(parktally.PATIENCE), 0, self.city.log())
        self.finish()

    # --- connections that die without a word ---

    @unittest.skipUnless(parktally.FULL, "an agent waits 30 s before it calls that silence; test_link has it with less patience")
    def test_one_direction_goes_silent(self):
        self.join()
        for direction in (UP, DOWN):
            for messages in (0, 1):  # from the handshake on, and after Hello or Welcome
                with self.subTest(direction=direction, messages=messages):
                    self.push(self.write_file())
                    stream = self.door.connections[-1].streams[direction]
                    fault = Silence(direction, stream.messages()[messages][0])
                    self.door.faults = [fault]
                    self.push(self.write_file(), AFTER_SILENCE)
                    self.assertTrue(fault.done)
                    self.assert_arrived()
        self.finish()


if __name__ == "__main__":
    unittest.main()
