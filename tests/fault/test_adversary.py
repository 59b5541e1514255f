"""Peers that are not at their word: whatever they do, the server's memory stays within a bound that is stated in each
test, others are served, and a counter tells.

They speak over bare sockets (raw.py). Addresses of 127.0.0.0/8 stand for addresses of the network."""

import contextlib
import json
import os
import random
import re
import secrets
import socket
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import parktally  # noqa: E402
import stranger as st  # noqa: E402
import zmq  # noqa: E402
from flood import Flood, everywhere, files_for  # noqa: E402
from raw import GREETING, MORE, RawPeer, connect, frame  # noqa: E402
from stranger import Report, pb  # noqa: E402

MIB = 1 << 20
SEED = int(os.environ.get("PARKTALLY_SEED") or secrets.randbits(32))
FLOOD = 10000 if parktally.SHARE == 100 else 4000  # fewer where a sanitizer makes each of them dear
HANDSHAKE = 5   # seconds
PATIENCE = 30   # seconds in which what is certain to come has come
STALL = 2       # seconds, as these tests set it
UNITS = 4000    # whose register has some chunks
MONTHS = [f"{year}-{month:02d}" for year in range(2012, 2030) for month in range(1, 13)]


class Adversary(parktally.Case):
    limits = {}

    def setUp(self):
        super().setUp()
        print(f"PARKTALLY_SEED={SEED}", file=sys.stderr)
        self.months = iter(MONTHS)
        self.city = self.aggregator()
        self.set_limits(stall_time=STALL * 1000, **self.limits)
        self.city.import_register([parktally.unit(f"E{n:04d}", "east", name="单位" * 40) for n in range(UNITS)] +
                                  [parktally.unit("W0001", "west")])
        self.city.start()
        self.honest = st.enrol(self.city, "west")
        self.addCleanup(self.honest.close)
        self.bad = st.enrol(self.city, "east")  # its keys are good, it is not
        self.addCleanup(self.bad.close)
        self.assert_served()
        self.before = self.memory()

    def set_limits(self, **limits):
        text = ", ".join(f"{name}: {value}" for name, value in limits.items())
        (self.city.data / "aggregator.yaml").write_text(f"limits: {{{text}}}\n")

    def peer(self, source=None, endpoint=None, keys=None):
        peer = RawPeer(endpoint or self.city.listen, self.bad.invitation.curve_key, (keys or self.bad.keys).curve_secret, source)
        self.addCleanup(peer.close)
        return peer

    # --- what is looked at ---

    def memory(self):
        status = Path(f"/proc/{self.city.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def top(self):
        return {line["limit"]: line for line in json.loads(self.city.command("top", "--format", "json").out)}

    def refused(self, name):
        return self.top()[name]["refused"]

    def assert_memory(self, most):
        """It grew by no more than that."""
        grown = self.memory() - self.before
        print(f"{self.id().rpartition('.')[2]}: {grown / MIB:.1f} MiB more, at most {most / MIB:.0f}", file=sys.stderr)
        if parktally.SANITIZED:
            return
        self.assertLess(grown, most)

    def assert_served(self):
        """The honest agent, on the connection that it has."""
        self.assertTrue(self.city.is_running(), self.city.log())
        _, receipt = self.honest.report("monthly", next(self.months), [Report("W0001", {"output": 10})])
        self.assertEqual(receipt.counted, 1)

    def assert_lets_in(self):
        """An agent that comes now, with a push of the real program."""
        month = next(self.months)
        path = self.folder / "figures.csv"
        path.write_text(f"uscc,period,output\nW0001,{month},5\n")
        pushed = self.pusher.command("push", path, "--approved-by", "李明", "--wait", "--timeout", 25)
        self.assertEqual(pushed.code, 0, pushed)
        self.assertEqual(self.city.total("west", month, "output")["value"], "5.0")

    def join_pusher(self):
        self.pusher = parktally.ParkAgent(self.folder / "agent", self.city.invite("west"))
        self.honest.admit(self.pusher.id)

    def finish(self):
        self.assertEqual(self.city.stop(), 0)
        self.assert_sound(self.city)


class Handshakes(Adversary):
    def hello(self):
        return GREETING + self.peer().hello()

    def flood(self, words, source, most):
        """Beside it an agent that was in stays so, and one that comes gets in."""
        self.join_pusher()
        self.before = self.memory()
        count = files_for(FLOOD)
        flood = Flood(self.city.listen, count, words, source)
        try:
            for _ in range(3):
                self.assert_served()
                self.assert_lets_in()
            self.assertTrue(flood.whole.wait(parktally.PATIENCE), "the flood did not come to its number")
            for _ in range(3):
                self.assert_served()
                self.assert_lets_in()
            self.assert_memory(most)
        finally:
            flood.close()
        print(f"{flood.made} connections of a flood of {count}", file=sys.stderr)
        top = self.top()
        self.assertLessEqual(top["handshakes"]["highest"], top["handshakes"]["value"])
        self.assertLessEqual(top["connections"]["highest"], top["connections"]["value"])
        self.finish()
        return top

    def test_a_flood_of_silent_connections_from_everywhere(self):
        top = self.flood(b"", everywhere, 32 * MIB)
        self.assertGreater(top["handshakes"]["refused"], 1000)

    def test_a_flood_of_hellos_from_everywhere(self):
        top = self.flood(self.hello(), everywhere, 64 * MIB)
        self.assertGreater(top["handshakes"]["refused"], 1000)

    def test_a_flood_from_one_address(self):
        top = self.flood(GREETING, lambda n: "127.0.0.2", 16 * MIB)
        self.assertGreater(top["connects_per_address"]["refused"], 1000)
        self.assertLessEqual(top["handshakes_per_address"]["highest"], top["handshakes_per_address"]["value"])

    def test_silence_in_any_step_ends_with_its_time(self):
        greeting = self.peer()
        greeting.socket.sendall(GREETING[:30])
        silent, welcomed = self.peer(), self.peer().greet()
        begun = time.monotonic()
        for peer in (greeting, silent, welcomed):
            self.assertTrue(peer.is_cut(PATIENCE))
        self.assertGreater(time.monotonic() - begun, HANDSHAKE - 1)
        self.assertGreaterEqual(self.refused("handshake_time"), 2)  # libzmq's own time is as long
        self.assert_served()

    def test_what_is_no_zmtp_is_cut_at_its_first_wrong_byte(self):
        generator = random.Random(SEED)
        hello = self.peer().hello()
        for words in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + generator.randbytes(200), GREETING.replace(b"CURVE", b"NULL\0"),
                      GREETING.replace(b"CURVE", b"PLAIN"), b"\x01\x00" + bytes(100), GREETING + hello[:1] + b"\xff",
                      GREETING + hello + hello, GREETING + frame(bytes(100)), GREETING + b"\x06" + b"\xff" * 8):
            with self.subTest(words=words[:80]):
                before = self.refused("protocol")
                with connect(self.city.listen) as peer:
                    peer.sendall(words)
                    peer.settimeout(HANDSHAKE - 1)
                    with contextlib.suppress(ConnectionError):
                        while peer.recv(4096):
                            pass
                self.assertEqual(self.refused("protocol"), before + 1)
        self.assert_served()
        self.finish()


class Messages(Adversary):
    def pour(self, peer, content, flags, most):
        """Sends that again and again until it is no longer taken. Returns the bytes that were."""
        data = b"".join(peer.message(content, flags) for _ in range(max(1, 65536 // (len(content) + 50))))
        sent = 0
        peer.socket.settimeout(0.5)
        try:
            while sent < most:
                sent += peer.socket.send(data) if not sent else len(data)
                if sent > len(data):
                    peer.socket.sendall(b"".join(peer.message(content, flags) for _ in range(max(1, 65536 // (len(content) + 50)))))
        except OSError:
            pass  # held, or cut
        return sent

    def assert_cut(self, peer, content):
        """It may have been slow, not held, when it was poured into: then it is poured into again."""
        def cut():
            if peer.is_cut(STALL + 1):
                return True
            self.pour(peer, content, MORE, 200 * MIB)
            return False
        parktally.wait_until(cut, "it is cut")

    def test_parts_of_a_message_without_end_are_held_and_cut(self):
        for size, joins in ((65536, False), (1, False), (100, False), (900, True), (1, True)):
            with self.subTest(size=size, joins=joins):
                peers = [self.peer(endpoint=self.city.enrol if joins else None).shake_hands() for _ in range(4)]
                sent = [self.pour(peer, bytes(size), MORE, 200 * MIB) for peer in peers]
                self.assertLess(max(sent), 64 * MIB, "it was taken without end")
                self.assert_memory(24 * MIB)
                self.assert_served()
                for peer in peers:
                    self.assert_cut(peer, bytes(size))
                self.assert_served()
        self.assertGreater(self.refused("unseen_per_agent"), 0)
        self.assert_memory(24 * MIB)
        self.finish()

    def test_a_message_of_as_many_parts_as_one_likes_is_dropped_and_counts_for_nothing(self):
        peer = self.peer().shake_hands()
        for _ in range(40):  # ten times what may be on its way
            for _ in range(8):
                peer.send(bytes(60000), MORE)
            peer.send(b"")
        peer.send(pb.Frame(protocol=1, hello=pb.Hello(agent="x")).SerializeToString())
        self.assertTrue(peer.read_frame().startswith(b"\x07MESSAGE"))
        self.assertGreaterEqual(self.refused("parts"), 40)
        self.assert_memory(24 * MIB)
        self.finish()

    def test_heartbeats_of_years_do_no_harm(self):
        """PINGs are seen by nobody but libzmq. Those before a message are over when it was seen."""
        hello = pb.Frame(protocol=1, hello=pb.Hello(agent="x", software="a peer that has a heart")).SerializeToString()
        peer = self.peer().shake_hands()
        for _ in range(6):
            peer.socket.sendall(b"".join(peer.message(b"\x04PING\x00\x00", 2) for _ in range(4000)))
            peer.send(hello)
            for _ in range(4001):
                peer.read_frame()
        self.assertFalse(peer.is_cut(STALL + 1))
        self.assertEqual(self.refused("unseen_per_agent"), 0)

    def test_a_frame_over_the_limit_is_cut_before_it_comes(self):
        for endpoint, most, name in ((self.city.listen, st.FRAME_BYTES, "frame"), (self.city.enrol, 4096, "join_frame")):
            for size in (most + 34, 1 << 40, (1 << 64) - 1):
                with self.subTest(name=name, size=size):
                    before, peer = self.refused(name), self.peer(endpoint=endpoint).shake_hands()
                    peer.socket.sendall(b"\x02" + size.to_bytes(8, "big"))
                    self.assertTrue(peer.is_cut(PATIENCE))
                    self.assertEqual(self.refused(name), before + 1)
        for words in (b"\x01\x40", b"\x04\x40", b"\x00\x05"):
            peer = self.peer().shake_hands()
            peer.socket.sendall(words)
            self.assertTrue(peer.is_cut(PATIENCE), words)
        self.assert_served()
        self.finish()

    def test_who_does_not_take_its_answers_gets_no_more_and_is_cut(self):
        manifest = self.bad.manifest(pb.DOCUMENT_REGISTER)
        request = pb.Frame(protocol=1, chunk_request=pb.ChunkRequest(kind=manifest.kind, hash=manifest.hash, index=0)).SerializeToString()
        self.before = self.memory()
        peers = []
        for _ in range(4):
            peer = self.peer()
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peers.append(peer.shake_hands())
        for peer in peers:
            for _ in range(200):
                peer.send(request)
        parktally.wait_until(lambda: self.refused("untaken") > 0, "it gets no more")
        self.assert_memory(24 * MIB)
        self.assert_served()
        parktally.wait_until(lambda: self.refused("stall_time") >= 4, "they are cut", STALL + 10)
        self.assert_served()
        self.finish()


class Connections(Adversary):
    limits = {"connections": 24, "connections_per_address": 10, "handshakes": 8, "handshakes_per_address": 4}

    def test_an_address_and_all_have_so_many_and_handshakes_are_the_first_to_go(self):
        agents = [st.enrol(self.city, "east") for _ in range(3)]
        for agent in agents:
            agent.close()
        inside = [self.peer("127.0.0.3", keys=agents[n % 3].keys).shake_hands() for n in range(10)]
        over = self.peer("127.0.0.3")
        self.assertTrue(over.is_cut(PATIENCE))
        self.assertEqual(self.refused("connections_per_address"), 1)
        half = [self.peer(f"127.0.1.{n}") for n in range(8)]
        parktally.wait_until(lambda: self.top()["handshakes"]["in_use"] == 8, "eight are under way")
        another = self.peer("127.0.2.1").greet()  # takes the place of the first
        self.assertTrue(half[0].is_cut(PATIENCE))
        self.assertFalse(half[1].is_cut(0.2))
        for n in range(5):
            half.append(self.peer("127.0.4.4"))
        self.assertTrue(half[8].is_cut(PATIENCE))  # the oldest of that address
        self.assertEqual(self.refused("handshakes_per_address"), 1)
        another.socket.sendall(another.initiate())
        self.assertTrue(another.read_frame().startswith(b"\x05READY"))
        for peer in inside:
            self.assertFalse(peer.is_cut(0.01))
        self.assert_served()
        self.assertIn("limit.connections_per_address: ", self.city.log())
        self.finish()

    def test_an_agent_has_so_many_and_its_oldest_goes(self):
        self.bad.close()  # it would be one of them, and come again
        parktally.wait_until(lambda: self.top()["connections"]["in_use"] == 1, "the honest one is alone")
        peers = [self.peer(f"127.0.0.{n + 3}").shake_hands() for n in range(8)]
        self.assertEqual(self.refused("connections_per_agent"), 0)
        newest = [self.peer(f"127.0.0.{n + 30}").shake_hands() for n in range(2)]
        parktally.wait_until(lambda: self.refused("connections_per_agent") == 2, "two have gone")
        self.assertTrue(peers[0].is_cut(PATIENCE))
        self.assertFalse(newest[-1].is_cut(0.2))
        self.assert_served()

    def test_who_is_revoked_is_cut_and_nobody_else(self):
        peers = [self.peer().shake_hands() for _ in range(3)]
        self.city.command("revoke", self.bad.id, "--reason", "测试")
        for peer in peers:
            self.assertTrue(peer.is_cut(PATIENCE))
        self.assert_served()
        again = self.peer().shake_hands()  # to be told so
        again.send(pb.Frame(protocol=1, hello=pb.Hello(agent=self.bad.id)).SerializeToString())
        self.assertTrue(again.read_frame().startswith(b"\x07MESSAGE"))
        self.assertTrue(again.is_cut(PATIENCE))
        self.assert_served()
        self.finish()

    def test_nobody_gets_past_the_front(self):
        inodes = {os.readlink(path) for path in Path(f"/proc/{self.city.process.pid}/fd").iterdir()}
        inside = []
        for line in Path("/proc/net/tcp").read_text().splitlines() + Path("/proc/net/tcp6").read_text().splitlines():
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in inodes:
                inside.append(int(words[1].split(":")[1], 16))
        inside = [port for port in inside if not self.city.listen.endswith(f":{port}") and not self.city.enrol.endswith(f":{port}")]
        self.assertEqual(len(inside), 2)
        for port in inside:
            for source in (None, "127.1.0.0", "127.1.0.1", "127.200.0.1"):
                with self.subTest(port=port, source=source):
                    peer = self.peer(source, f"tcp://127.0.0.1:{port}").greet()
                    peer.socket.sendall(peer.initiate())
                    with contextlib.suppress(OSError):
                        self.assertFalse(peer.read_frame().startswith(b"\x05READY"))
        self.assertIn("door.passed-by: ", self.city.log())
        self.assert_served()


class Rates(Adversary):
    limits = {"rate_per_agent": 65536}

    def test_an_agent_is_held_to_its_rate_and_others_are_not(self):
        peer = self.peer().shake_hands()
        begun = time.monotonic()
        peer.socket.settimeout(60)

        def send():
            for _ in range(12):
                peer.send(bytes(32768))
            peer.send(b"the end")

        sender = threading.Thread(target=send)
        sender.start()
        while sender.is_alive():
            self.assert_served()
        for _ in range(13):
            peer.read_frame()  # what it said was answered, all of it
        took = time.monotonic() - begun
        self.assertGreater(took, 12 * 32768 / 65536 - 4)  # two seconds are there at once, and what was read is passed
        self.assertGreater(self.refused("rate_per_agent"), 0)
        self.finish()


class Days(Adversary):
    limits = {"disk_per_agent": 1 << 20}

    def test_who_would_fill_the_disk_waits_for_another_day_and_others_do_not(self):
        taken, answered = 0, "receipt"
        while answered == "receipt" and taken < 3 * MIB:
            sealed = self.bad.sealed("monthly", "2018-05", [Report(f"E{n:04d}", {"output": taken}) for n in range(4000)])
            self.bad.submit(sealed)
            answered = self.bad.expect("receipt", "busy").WhichOneof("body")
            taken += len(sealed) * (answered == "receipt")
        self.assertEqual(answered, "busy")
        self.assertLessEqual(taken, MIB)
        self.assert_served()
        self.assertEqual(self.refused("disk_per_agent"), 1)
        self.assertEqual(self.top()["disk_per_agent"]["highest"], taken)
        self.finish()


class Questions(Adversary):
    def test_who_asks_without_end_is_not_answered_to_all_and_others_are(self):
        """Sixteen proofs each, from agents' connections as many as may be."""
        question = st.pb.Frame(protocol=1, head_request=st.pb.HeadRequest(**{"from": range(1, 17)})).SerializeToString()
        for _ in range(20):
            self.assert_served()  # so that there is something to prove
        for _ in range(5):
            for _ in range(1000):
                self.bad.socket.send(question)
            self.assert_served()
        self.assertGreater(self.refused("questions_per_agent"), 0)
        self.assert_memory(16 * MIB)
        self.bad.connect()
        self.assertEqual(self.bad.report("monthly", "2018-05", [Report("E0001", {"output": 1})])[1].counted, 1)
        self.finish()


class Top(Adversary):
    def test_it_shows_every_limit_to_people_and_to_programs(self):
        top = self.top()
        self.assertEqual(top["connections"]["in_use"], 2)
        self.assertEqual(top["stall_time"]["value"], STALL * 1000)
        self.assertGreaterEqual(top["backlog"]["highest"], 1)
        table = self.city.command("top").out
        self.assertIn("connections, in all", table)
        self.assertEqual(len(top), len(self.city.command("top", "--format", "csv").out.splitlines()) - 1)
        chinese = self.city.command("top", env=parktally.environment(LC_ALL="C.UTF-8", LANGUAGE="zh_CN")).out
        self.assertNotIn("connections, in all", chinese)
        self.city.stop()
        self.city.command("top", code=69)


if __name__ == "__main__":
    unittest.main()
