"""What an auditor does: builds parktally-verify alone, runs it over an export of a city in which everything happened, and
finds nothing wrong; and finds whatever was changed, by somebody with a key of his own or by the city with its own."""

import base64
import contextlib
import hashlib
import json
import pathlib
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import parktally
from stranger import CERTIFICATE, RECEIPT, Keys, Report, SigningKey, Stranger, digest, key_change, now_ms, pb, seal

GOOD, USAGE, BAD, IO = 0, 64, 65, 74
VERIFIER = parktally.BUILD / "aggregator" / "verifier" / "parktally-verify"
parktally.need(VERIFIER)
EDITION, HEAD, EPOCH = 6, 7, 8
UNCHANGED, STALE, WAITING, REFUSED = pb.VERDICT_UNCHANGED, pb.VERDICT_STALE, pb.VERDICT_WAITING, pb.VERDICT_REFUSED
SAMPLE = parktally.sampled(25, 1000)
RULES = "  output-small: {zh: 产值不大, en: Output is small, form: monthly, weight: mandatory, holds: output <= 100000}\n"
NEW_SLICE = "  east_cars_or_large: {zh: 汽车或规上, en: Cars or large, any_of: [cars, above_scale]}\n"


def first_catalogue():
    return parktally.small_catalogue(indicators=parktally.BUREAU_INDICATOR, forms=parktally.BUREAU_FORM, rules=RULES)


def second_catalogue():
    """The group counts what lies outside the boundary too, and there is a slice more."""
    text = parktally.small_catalogue(indicators=parktally.BUREAU_INDICATOR, forms=parktally.BUREAU_FORM, rules=RULES)
    return (text.replace("group: {zh: 片区, en: Group, in: zone, boundary_only: true}", "group: {zh: 片区, en: Group, in: zone}")
            .replace("\n\nindicators:", f"\n{NEW_SLICE}\nindicators:", 1))


# --- a city in which everything happened ---

def register():
    units = [parktally.unit(f"A{n}", "east", clusters="cars" if n < 5 else "", flags="above_scale" if n % 2 else "") for n in range(1, 8)]
    units += [parktally.unit(f"W{n}", "west", clusters="cars;steel", in_boundary="0" if n == 6 else "1") for n in range(1, 7)]
    units += [parktally.unit(f"S{n}", "south", flags="above_scale") for n in range(1, 5)]
    units += [parktally.unit("B1", "east;west", reporter="west"), parktally.unit("B2", "east;west"),
              *(parktally.unit(f"D{n}", "east;west", in_boundary=str(n % 2)) for n in range(1, 9)),
              parktally.unit("C1", "city")]
    return units


class Scene:
    """Made once. What agents were given is kept as they would."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.city = parktally.Aggregator(self.folder, first_catalogue())
        self.city.import_register(register())
        self.city.start()
        self.receipts = []
        self.heads = []

    def agent(self, area, *options):
        agent = Stranger(self.city.invite(area, *options))
        self.city.let_in(area, agent, parktally_waits(agent))
        return agent.connect()

    def send(self, agent, sealed):
        receipt = agent.receipt_bytes(sealed)
        self.receipts.append(receipt)
        return digest(sealed[104:]), agent.read_receipt(receipt)

    def report(self, agent, form, period, reports, **expected):
        id_, receipt = self.send(agent, agent.sealed(form, period, reports))
        for name, count in expected.items():
            assert getattr(receipt, name) == count, (receipt, expected)
        return id_

    def apply(self, agent, unit):
        agent.sequence += 1
        act = pb.Act(agent=agent.id, sequence=agent.sequence, created_at_ms=now_ms(), application=pb.Application(
            unit=unit, unit_class="code", name="新企业", text="投产", applied_by="李四"))
        assert self.send(agent, seal(5, act.SerializeToString(), agent.keys.sign))[1].counted == 1

    def publish(self, form="monthly", period="2018-01"):
        self.city.command("period", "publish", "--form", form, "--period", period, "--reason", "核实中")

    def head(self):
        self.heads.append(json.loads(self.city.command("ledger", "head", "--format", "json").out)["head"])

    def push(self, agent, text, code=GOOD):
        path = self.folder / "月报.csv"
        path.write_text(text)
        return agent.command("push", path, "--approved-by", "张三", "--wait", code=code)

    def live(self):
        city = self.city
        east, west = self.agent("east"), self.agent("west")
        south = parktally.enrol(city, "south", self.folder / "南")  # a real one
        bureau = self.agent("city", "--role", "bureau", "--forms", "city")
        second = Stranger(city.invite("east"))  # waits for its admission
        east.admit(second.id)
        second.connect()
        self.head()

        january = self.report(east, "monthly", "2018-01", [
            Report("A1", {"output": 10, "sales": 5}), Report("A2", {"output": 20, "sales.ytd": 7}),
            Report("A3", {"output": -0, "sales": 6, "sales.ytd": 6, "staff": 3}), Report("A4", kind=pb.REPORT_NIL),
            Report("B1", {"output": 1000}), Report("B2", {"output": 400}), Report("W1", {"output": 9}),
            Report("A5", {"output": 100001 * 10}), *(Report(f"D{n}", {"output": 40 + n}) for n in range(1, 9))], counted=14, refused=2)
        self.report(west, "monthly", "2018-01", [
            Report(f"W{n}", {"output": 100 + n, "sales": n, "sales.ytd": n}) for n in range(1, 7)] +
            [Report("B1", {"output": 1100, "staff": 8}), Report("B2", {"output": 500})] +
            [Report(f"D{n}", {"output": 90 + n}) for n in range(1, 9)], counted=16)
        self.push(south, "uscc,period,output,sales\nS1,2018-01,1,1\nS2,2018-01,2,2\nS3,2018-01,本期无数据,\n")
        self.report(bureau, "city", "2018", [Report("C1", {"people": 4157})], counted=1)

        base = self.report(second, "monthly", "2018-01", [Report("A1", {"output": 11}, base=january)], counted=1)
        self.report(east, "monthly", "2018-01", [Report("A1", {"output": 12}, base=january)], stale=1)
        self.report(east, "monthly", "2018-01", [Report("A1", {"output": 11}, base=january)], unchanged=1)
        self.report(east, "monthly", "2018-01", [Report("A1", {"output": 15, "staff": 4}, base=base),
                                                 Report("A2", {"output": 21}, base=january, withdrawn=["staff"])],
                    counted=2)
        self.report(east, "monthly", "2018-01", [Report("A3", kind=pb.REPORT_WITHDRAWAL, base=january)], counted=1)
        self.report(east, "monthly", "2018-01", [Report("A4", kind=pb.REPORT_WITHDRAWAL)], stale=1)
        self.report(east, "monthly", "2018-01", [Report("A7", kind=pb.REPORT_WITHDRAWAL)], refused=1)
        self.head()
        self.publish()

        february = east.sealed("monthly", "2018-02", [Report(f"A{n}", {"output": n, "sales.ytd": 9}) for n in range(1, 8)])
        february_id = digest(february[104:])
        early = self.report(east, "monthly", "2018-02", [Report("A1", {"output": 71}, base=february_id),
                                                         Report("A2", {"output": 72}, base=february_id)], waiting=2)
        self.report(east, "monthly", "2018-02", [Report("A1", {"output": 81}, base=early)], waiting=1)
        self.second_key = second.keys.sign
        self.second_early = second.sealed("monthly", "2018-02", [Report("A2", {"output": 73}, base=february_id)])  # too late
        second.rotate("一年一换").connect()
        self.second_until = second.sequence
        assert self.send(second, self.second_early)[1].waiting == 1  # by the key of before, which sealed it in its time
        self.send(east, february)
        self.report(east, "monthly", "2018-02", [Report("A1", {"output": 82}, base=digest(b"never"))], waiting=1)

        self.apply(east, "N1")
        self.apply(east, "N2")
        self.apply(west, "N1")
        new = self.report(east, "monthly", "2018-02", [Report("N1", {"output": 7}), Report("N2", {"output": 8})], waiting=2)
        self.report(east, "monthly", "2018-02", [Report("N1", {"output": 17}, base=new)], waiting=1)
        city.import_register([parktally.unit("N1", "east"),
                              parktally.unit("A6", "west", from_="2018-02-01", clusters="steel"),  # moved
                              parktally.unit("A7", "east", from_="2018-02-15", succeeds="A5"),  # merged
                              parktally.unit("A5", "east", from_="2018-02-15", status="关闭"),
                              parktally.unit("W6", "west", in_boundary="1"), parktally.unit("B2", "west")])
        city.command("decline", 2, "--reason", "不在四至范围内")
        city.command("decline", 3, "--reason", "登记在东园")
        self.report(east, "monthly", "2018-02", [Report("N1", {"output": 18}, base=new)], stale=1)
        self.report(west, "monthly", "2018-02", [Report("A6", {"output": 66}), Report("B1", {"output": 5})], counted=2)

        city.command("period", "close", "--form", "monthly", "--period", "2018-01", "--reason", "完成")
        self.publish()
        city.command("period", "reopen", "--form", "monthly", "--period", "2018-01", "--area", "west", "--reason", "更正")
        self.report(west, "monthly", "2018-01", [Report("W1", {"output": 500}, base=self.last(west, "W1"))], counted=1)
        city.command("period", "close", "--form", "monthly", "--period", "2018-01", "--area", "west")
        self.publish()
        self.publish("city", "2018")

        (city.data / "catalogue.yaml").write_text(second_catalogue())
        city.reload("reload.done")
        self.head()
        self.report(west, "monthly", "2018-03", [Report("W1", {"output": 1}), Report("W2", {"staff": 2})], counted=2)
        self.push(south, "uscc,period,output\nS1,2018-03,77\nS4,2018-03,88\n")
        city.command("revoke", "south-1", "--reason", "丢失")
        other = self.agent("south")
        self.report(other, "monthly", "2018-03", [Report("S2", {"output": 3})], counted=1)
        city.command("ask", "--area", "west", "--form", "monthly", "--period", "2018-03", "--unit", "W1", "--reason", "为何如此少")
        self.publish("monthly", "2018-02")
        second.rotate().connect()
        self.report(second, "monthly", "2018-03", [Report("A1", {"output": 31})], counted=1)
        both = [Report(f"D{n}", {"output": 100 + n}) for n in range(1, 9)]  # all alike, so that all can be printed
        self.report(east, "monthly", "2018-06", both + [Report(f"A{n}", {"output": 100 + n}) for n in range(1, 4)], counted=11)
        self.report(west, "monthly", "2018-06", both + [Report(f"W{n}", {"output": 100 + n}) for n in range(1, 7)], counted=14)
        self.publish("monthly", "2018-06")
        parktally.wait_until(lambda: "report.overlap" in city.command("inquiries", "--all", "--format", "csv").out, "overlaps are asked about")
        self.head()  # first: the examiner may add a leaf in between
        city.command("ledger", "export", "--output", self.folder / "ledger")
        city.command("backup", self.folder / "backup")
        for agent in (east, west, bureau, second, other):
            agent.close()
        assert city.stop() == 0
        self.agents = {agent.id: agent for agent in (east, west, bureau, second, other)}
        self.south = south
        key = (city.data / "identity.key").read_bytes()
        self.key = SigningKey(key[104:136])
        return self

    def last(self, agent, unit):
        """The submission that an unchanged report of the unit is told to stand by."""
        with contextlib.closing(sqlite3.connect(f"file:{self.city.data}/store.db?mode=ro", uri=True)) as store:
            (position,) = store.execute("SELECT position FROM reports WHERE form = 'monthly' AND period = '2018-01' AND unit = ?"
                                        " AND park = ?", (unit, agent.certificate.area)).fetchone()
            return store.execute("SELECT id FROM submission WHERE position = ?", (position,)).fetchone()[0]


def parktally_waits(agent):
    agent.open()
    waiting = agent.hello().waiting
    agent.close()
    return waiting


# --- the file, read and written here by itself ---

def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves):
    hashes = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]

    def subtree(of):
        if len(of) == 1:
            return of[0]
        half = 1 << ((len(of) - 1).bit_length() - 1)
        return node(subtree(of[:half]), subtree(of[half:]))
    return subtree(hashes) if hashes else hashlib.sha256().digest()


class Export:
    def __init__(self, data):
        self.head, self.leaves, self.lines = b"", [], []
        at = 8
        while at < len(data):
            length, kind = struct.unpack("<Ic", data[at:at + 5])
            content = data[at + 5:at + 5 + length]
            at += 5 + length
            if kind == b"H":
                self.head = content
            elif kind == b"L":
                self.leaves.append(content)
            elif kind == b"T":
                self.lines += content.decode().splitlines()

    def find(self, kind, which=lambda leaf: True):
        """Positions and messages of the leaves of a kind."""
        found = []
        for position, data in enumerate(self.leaves):
            leaf = pb.Leaf.FromString(data)
            if leaf.WhichOneof("body") == kind and which(leaf):
                found.append((position, leaf))
        return found

    def put(self, position, leaf):
        self.leaves[position] = leaf.SerializeToString()

    def append(self, **body):
        last = pb.Leaf.FromString(self.leaves[-1]).recorded_at_ms
        self.leaves.append(pb.Leaf(recorded_at_ms=last + 1, **body).SerializeToString())
        return len(self.leaves) - 1

    def sign_in_epoch(self, key):
        numbers = [pb.Epoch.FromString(leaf.epoch.sealed[104:]).number for _, leaf in self.find("epoch")]
        return self.sign(key, numbers[-1] if numbers else 0)

    def sign(self, key, epoch=0):
        """Makes the head anew."""
        last = pb.Leaf.FromString(self.leaves[-1]).recorded_at_ms
        head = pb.SignedHead(head=pb.TreeHead(size=len(self.leaves), root=root_of(self.leaves), epoch=epoch), recorded_at_ms=last)
        self.head = seal(HEAD, head.SerializeToString(), key)
        return self

    def bytes(self):
        text = "".join(f"{line}\n" for line in self.lines).encode()
        records = [(b"H", self.head), *((b"L", leaf) for leaf in self.leaves), *([(b"T", text)] if text else [])]
        data = b"PTLYLDG1" + b"".join(struct.pack("<Ic", len(content), kind) + content for kind, content in records)
        return data + struct.pack("<Ic", 32, b"E") + hashlib.sha256(data).digest()


def submission_of(leaf):
    return pb.Submission.FromString(leaf.submission.sealed[104:])


def seed():
    import os
    return int(os.environ.get("PARKTALLY_SEED") or random.randrange(1 << 30))


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.mkdtemp(prefix="parktally-")
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        scene = Scene(cls.place)
        cls.addClassCleanup(scene.city.close)
        cls.scene = scene.live()
        cls.whole = (scene.folder / "ledger").read_bytes()

    def setUp(self):
        self.export = Export(self.whole)

    def file(self, name, data):
        path = pathlib.Path(self.place) / name
        path.write_bytes(data)
        return path

    def verify(self, data, *options, code=BAD):
        result = parktally.run(VERIFIER, self.file("tried", data), "--format", "json", *options)
        self.assertEqual(result.code, code, result)
        return json.loads(result.out) if code in (GOOD, BAD) else result.err

    def assert_wrong(self, words, *options, key=None, export=None):
        """The city itself made it so, and signed it, unless another key is given."""
        export = export or self.export
        found = self.verify(export.sign(key or self.scene.key).bytes(), *options)["wrong"]
        self.assertTrue(any(words in line for line in found), (words, found))
        return found

    def receipts(self, receipts=None):
        receipts = self.scene.receipts if receipts is None else receipts
        return self.file("receipts", b"".join(struct.pack("<I", len(receipt)) + receipt for receipt in receipts))


class Honest(Case):
    def test_nothing_is_wrong_and_it_says_what_it_looked_at(self):
        heads = [word for head in self.scene.heads for word in ("--head", head)]
        found = self.verify(self.whole, "--receipts", self.receipts(), *heads, "--key", bytes(self.scene.key.verify_key).hex(), code=GOOD)
        self.assertEqual((found["wrong"], found["faults"]), ([], 0))
        self.assertEqual(found["leaves"], len(self.export.leaves))
        self.assertEqual(found["root"], root_of(self.export.leaves).hex())
        self.assertEqual(found["key_id"], digest(bytes(self.scene.key.verify_key)).hex())
        self.assertEqual(found["first_key_id"], found["key_id"])
        self.assertEqual(found["key_changes"], {"aggregator": 0, "agents": 2})
        self.assertEqual(found["totals"], len(self.export.lines))
        self.assertGreater(found["totals"], 150)
        self.assertEqual(found["editions"], 6)
        self.assertEqual((found["receipts"], found["heads"]), (len(self.scene.receipts), 4))
        kinds = ("counted", "unchanged", "stale", "waited", "refused")
        self.assertEqual(found["reports"], sum(found[kind] for kind in kinds))
        for kind in kinds:
            self.assertGreater(found[kind], 0, kind)

    def test_the_city_had_everything_in_it(self):
        bodies = {pb.Leaf.FromString(leaf).WhichOneof("body") for leaf in self.export.leaves}
        self.assertEqual(bodies, {"genesis", "catalogue", "register", "invitation", "enrolment", "revocation", "submission", "period",
                                  "act", "examination", "ask", "decline", "edition", "note", "key"})
        for kind in ("register", "submission", "decline"):
            self.assertTrue(self.export.find(kind, lambda leaf, kind=kind: getattr(leaf, kind).release), f"{kind} releases nothing")

    def test_people_read_it_in_their_language(self):
        path = self.file("tried", self.whole)
        said = parktally.run(VERIFIER, path).out
        self.assertIn("Nothing is wrong.", said)
        self.assertIn(f"{len(self.export.leaves)} leaves", said)
        self.assertIn("Compare it", said)
        chinese = parktally.run(VERIFIER, path, env=parktally.environment(LC_ALL="zh_CN.UTF-8", LANGUAGE="zh_CN")).out
        self.assertIn("台账", chinese)
        self.assertNotRegex(chinese, "[a-z]{4,} [a-z]{3,}")

    def test_a_backup_is_verified_with_its_receipts(self):
        found = self.verify((self.scene.folder / "backup").read_bytes(), code=GOOD)
        self.assertEqual((found["wrong"], found["totals"]), ([], 0))
        self.assertGreater(found["receipts"], 15)
        said = parktally.run(VERIFIER, self.scene.folder / "backup").out
        self.assertIn("This is a backup", said)

    def test_a_head_may_stand_in_a_file_and_a_key_id_will_do_for_a_key(self):
        head = self.file("head", f"{self.scene.heads[1]}\n".encode())
        self.verify(self.whole, "--head", head, "--key", digest(bytes(self.scene.key.verify_key)).hex(), code=GOOD)

    def test_what_is_asked_wrongly_is_said(self):
        path = self.file("tried", self.whole)
        for words, code in (((), USAGE), ((path, path), USAGE), ((path, "--key", "12"), USAGE), ((path, "--format", "xml"), USAGE),
                            ((path, "--head", path), USAGE), ((path, "--head", self.place + "/none"), IO),
                            ((self.place + "/none",), IO), ((self.place,), IO), ((path, "--receipts", self.place + "/none"), IO)):
            result = parktally.run(VERIFIER, *words)
            self.assertEqual(result.code, code, (words, result))
            self.assertTrue(result.err)
        self.assertIn("Usage: ", parktally.run(VERIFIER, "--help").out)


class Forged(Case):
    """By somebody who has the file, and no key of the city's."""

    def test_a_figure_changed_and_signed_by_another(self):
        position, leaf = self.export.find("submission")[0]
        sealed = bytearray(leaf.submission.sealed)
        sealed[-1] ^= 2
        leaf.submission.sealed = bytes(sealed)
        self.export.put(position, leaf)
        found = self.assert_wrong("the head of this export is signed by another key", key=SigningKey.generate())
        self.assertTrue(any(line.startswith(f"leaf {position}: the signature by agent") for line in found), found)

    def test_a_whole_ledger_of_one_s_own_key(self):
        own = SigningKey.generate()
        position, leaf = self.export.find("genesis")[0]
        leaf.genesis.sign_key = bytes(own.verify_key)
        self.export.put(position, leaf)
        for position, leaf in self.export.find("enrolment"):
            leaf.enrolment.certificate = seal(CERTIFICATE, leaf.enrolment.certificate[104:], own)
            self.export.put(position, leaf)
        for position, leaf in self.export.find("edition"):
            text = json.loads(leaf.edition.sealed[104:])
            text["ledger_root"] = root_of(self.export.leaves[:text["ledger_leaves"]]).hex()
            leaf.edition.sealed = seal(EDITION, json.dumps(text).encode(), own)
            self.export.put(position, leaf)
        found = self.verify(self.export.sign(own).bytes(), code=GOOD)  # which is why the key id is to be compared
        self.assertNotEqual(found["key_id"], digest(bytes(self.scene.key.verify_key)).hex())
        self.assert_wrong("signed by another key than the one that was given", "--key",
                          bytes(self.scene.key.verify_key).hex(), key=own)
        self.assert_wrong("earlier head no. 1 is signed by another key", "--head", self.scene.heads[0], key=own)
        self.assert_wrong("receipt no. 1 is not signed by the ledger's key", "--receipts", self.receipts(), key=own)

    def test_leaves_dropped_swapped_and_inserted_without_a_key(self):
        chance = random.Random(seed())
        for change in ("drop", "swap", "insert"):
            export = Export(self.whole)
            at = chance.randrange(2, len(export.leaves) - 2)
            if change == "drop":
                del export.leaves[at]
            elif change == "swap":
                export.leaves[at:at + 2] = reversed(export.leaves[at:at + 2])
            else:
                export.leaves.insert(at, export.leaves[at])
            found = self.verify(export.bytes())["wrong"]
            words = "another root than the head" if change == "swap" else "leaves, the head says"
            self.assertTrue(any(words in line for line in found), (change, at, found))

    def test_a_closing_hash_that_is_not_the_file_s(self):
        found = self.verify(self.whole[:-1] + bytes([self.whole[-1] ^ 1]))["wrong"]
        self.assertEqual(len(found), 1, found)
        self.assertIn("the closing hash is not that of the bytes before it", found[0])

    def test_no_leaf_at_all(self):
        self.export.leaves, self.export.lines = [], []
        self.assertTrue(any("there is no leaf" in line for line in self.verify(self.export.bytes())["wrong"]))

    def test_bits_turned(self):
        number = seed()
        chance = random.Random(number)
        for _ in range(SAMPLE):
            at = chance.randrange(len(self.whole))
            data = bytearray(self.whole)
            data[at] ^= 1 << chance.randrange(8)
            with self.subTest(seed=number, byte=at):
                self.assertTrue(self.verify(bytes(data))["wrong"])

    def test_bits_turned_and_the_closing_hash_mended(self):
        number = seed()
        chance = random.Random(number)
        for _ in range(SAMPLE):
            at = chance.randrange(8, len(self.whole) - 37)
            data = bytearray(self.whole)
            data[at] ^= 1 << chance.randrange(8)
            data[-32:] = hashlib.sha256(data[:-37]).digest()
            with self.subTest(seed=number, byte=at):
                self.assertTrue(self.verify(bytes(data))["wrong"])

    def test_an_end_cut_off_or_added(self):
        number = seed()
        chance = random.Random(number)
        for at in [0, 7, 8, 12, len(self.whole) - 1, *(chance.randrange(len(self.whole)) for _ in range(SAMPLE))]:
            with self.subTest(seed=number, byte=at):
                self.assertTrue(self.verify(self.whole[:at])["wrong"])
        self.assertIn("bytes follow", self.verify(self.whole + b"x")["wrong"][0])
        self.assertIn("it was cut", self.verify(self.whole[:-1])["wrong"][-1])
        self.assertIn("no export of a ledger", self.verify(b"PTLYLDG2" + self.whole[8:])["wrong"][0])

    def test_records_that_may_not_stand_there(self):
        head = struct.pack("<Ic", len(self.export.head), b"H") + self.export.head
        for data in (self.whole[:8] + self.whole[8 + len(head):], self.whole[:8] + head + head,
                     self.whole[:8] + head + struct.pack("<Ic", 1, b"X") + b"x", self.whole[:8] + head + struct.pack("<Ic", 0, b"L"),
                     self.whole[:8] + head + struct.pack("<Ic", 273 << 20, b"L"), self.whole[:8] + head + struct.pack("<Ic", 65537, b"T")):
            self.assertTrue(any("no record of this kind" in line for line in self.verify(data)["wrong"]))


class Totals(Case):
    def line(self, start):
        return next(n for n, line in enumerate(self.export.lines) if line.startswith(start))

    def test_a_total_changed(self):
        number = seed()
        chance = random.Random(number)
        for _ in range(SAMPLE // 4 + 1):
            export = Export(self.whole)
            at = chance.randrange(len(export.lines))
            words = export.lines[at].split(",")
            words[5 + chance.randrange(2)] = "77777"
            export.lines[at] = ",".join(words)
            with self.subTest(seed=number, line=words):
                self.assert_wrong(f"total {','.join(words[:5])}: found ", export=export)

    def test_a_total_missing(self):
        at = self.line("monthly,2018-01,zone,all,output,")
        del self.export.lines[at]
        self.assert_wrong("total monthly,2018-01,zone,all,output: it is missing, the ledger comes to")
        self.export.lines = []
        self.assert_wrong("total monthly,2018-01,zone,all,output: it is missing, the ledger comes to")

    def test_a_total_added(self):
        self.export.lines.append("monthly,2018-09,zone,all,output,5,1")
        self.assert_wrong("total monthly,2018-09,zone,all,output: the ledger comes to none")

    def test_a_total_twice_or_none(self):
        self.export.lines += [self.export.lines[0], "what is this"]
        self.assert_wrong("it stands there twice")
        self.assert_wrong("total “what is this”: this is no line of a total")

    def test_a_record_that_ends_within_a_line(self):
        data = self.export.bytes()
        start = data.rindex(b"T", 0, data.index(self.export.lines[0].encode()))
        text = data[start + 1:-37][:-1]
        data = data[:start - 4] + struct.pack("<Ic", len(text), b"T") + text
        data += struct.pack("<Ic", 32, b"E") + hashlib.sha256(data).digest()
        self.assertTrue(any("ends in the middle of a line" in line for line in self.verify(data)["wrong"]))


class Lies(Case):
    """By the city itself, which has its key, and signs what it made of the ledger."""

    def test_a_figure_changed(self):
        position, leaf = self.export.find("submission")[0]
        submission = submission_of(leaf)
        submission.report[0].value[0] += 1
        leaf.submission.sealed = leaf.submission.sealed[:104] + submission.SerializeToString()
        self.export.put(position, leaf)
        self.assert_wrong(f"leaf {position}: the signature by agent east-1 does not hold")
        leaf.submission.sealed = seal(1, submission.SerializeToString(), self.scene.key)
        self.export.put(position, leaf)
        self.assert_wrong(f"leaf {position}: the seal is by a key that no agent is enrolled with")
        leaf.submission.sealed = seal(2, submission.SerializeToString(), self.scene.key)
        self.export.put(position, leaf)
        self.assert_wrong(f"leaf {position}: what was sent is not sealed as it should be")

    def test_a_submission_dropped_is_missed_by_who_has_its_receipt(self):
        position, _ = self.export.find("submission")[-2]
        del self.export.leaves[position]
        self.assert_wrong("another leaf stands here", "--receipts", self.receipts())
        self.assert_wrong("this is not the ledger that was signed then", "--receipts", self.receipts())
        self.assert_wrong("the ledger comes to")

    def test_a_ledger_cut_back_is_missed_by_who_has_a_head_or_a_receipt(self):
        del self.export.leaves[self.export.find("submission")[-1][0]:]
        self.export.lines = []
        found = self.assert_wrong("it is older, or leaves were cut off", "--head", self.scene.heads[-1])
        self.assertTrue(any("earlier head no. 1 is of" in line for line in found), found)
        self.assert_wrong("but this export has", "--receipts", self.receipts())

    def test_leaves_swapped_and_inserted(self):
        (one, _), *_ = self.export.find("submission")
        self.export.leaves[one:one + 2] = reversed(self.export.leaves[one:one + 2])
        self.assert_wrong("not recorded later")
        self.assert_wrong("this is not the ledger that was signed then", "--head", self.scene.heads[1])
        self.export = Export(self.whole)
        self.export.leaves.insert(one + 1, self.export.leaves[one])
        self.assert_wrong(f"leaf {one + 1}: this was sent and recorded before, as leaf {one}")
        self.assert_wrong("uses the number")
        self.export.leaves.insert(1, self.export.leaves[0])
        self.assert_wrong("there is a second beginning")

    def test_another_beginning(self):
        del self.export.leaves[0]
        self.assert_wrong("a ledger begins with its Genesis")
        self.export.leaves = [b"\x00garbage", *self.export.leaves]
        self.assert_wrong("leaf 0: it cannot be decoded")
        self.export = Export(self.whole)
        self.export.leaves.insert(1, self.export.leaves[2])
        self.assert_wrong("no catalogue is in force before it")

    def flip(self, verdict, becomes, words):
        number = seed()
        chance = random.Random(number)
        found = [(position, leaf, n) for position, leaf in self.export.find("submission")
                 for n, exception in enumerate(leaf.submission.exception) if exception.verdict == verdict]
        position, leaf, n = chance.choice(found)
        if becomes:
            leaf.submission.exception[n].verdict = becomes
        else:
            del leaf.submission.exception[n]
        self.export.put(position, leaf)
        with self.subTest(seed=number, leaf=position):
            self.assert_wrong(words)

    def test_verdicts_flipped(self):
        for verdict, becomes, words in (
                (STALE, None, "is recorded as counted, expected stale"), (STALE, UNCHANGED, "is recorded as the same, expected stale"),
                (UNCHANGED, None, "is recorded as counted, expected the same"), (UNCHANGED, STALE, "is recorded as stale, expected the same"),
                (WAITING, None, "is recorded as counted, expected waiting"), (WAITING, STALE, "is recorded as stale, expected waiting"),
                (pb.VERDICT_WAITING_UNIT, None, "is recorded as counted, expected a refusal"),
                (STALE, pb.VERDICT_WAITING_UNIT, "waits for a registration that nobody awaits")):
            with self.subTest(verdict=verdict, becomes=becomes):
                self.export = Export(self.whole)
                self.flip(verdict, becomes, words)

    def test_a_refused_report_counted(self):
        for position, leaf in self.export.find("submission", lambda leaf: any(e.rule == "unit.elsewhere" for e in leaf.submission.exception)):
            del leaf.submission.exception[[e.rule for e in leaf.submission.exception].index("unit.elsewhere")]
            self.export.put(position, leaf)
        self.assert_wrong("is recorded as counted, expected a refusal: the unit is not registered in this park")

    def test_a_counted_report_suppressed(self):
        position, leaf = self.export.find("submission")[0]
        leaf.submission.exception.insert(0, pb.Refusal(row=0, unit="A1", rule="report.stale", verdict=STALE))
        self.export.put(position, leaf)
        self.assert_wrong("is recorded as stale, expected counted")
        self.assert_wrong("says something else than the leaf", "--receipts", self.receipts())
        leaf.submission.exception[0].unit = "A9"
        self.export.put(position, leaf)
        self.assert_wrong("what is recorded of row 0 is not about its report")
        leaf.submission.exception[0].row = 4000
        self.export.put(position, leaf)
        self.assert_wrong("verdicts are recorded of rows that are not there, or in no order")

    def test_releases_changed(self):
        for kind in ("submission", "register", "decline"):
            position, leaf = self.export.find(kind, lambda leaf, kind=kind: getattr(leaf, kind).release)[0]
            releases = getattr(leaf, kind).release
            with self.subTest(kind):
                kept = releases[0].verdict
                releases[0].verdict = UNCHANGED
                self.export.put(position, leaf)
                self.assert_wrong("is recorded as the same, expected")
                releases[0].verdict = kept
                releases.add(position=releases[0].position, row=releases[0].row, verdict=pb.VERDICT_COUNTED)
                self.export.put(position, leaf)
                self.assert_wrong("that did not wait for this, or in no order")
                del releases[:]
                self.export.put(position, leaf)
                self.assert_wrong("waits no longer, but nothing is recorded")
                self.export = Export(self.whole)

    def test_a_report_that_waited_is_refused_for_no_reason(self):
        position, leaf = self.export.find("submission", lambda leaf: any(r.verdict == STALE for r in leaf.submission.release))[0]
        next(release for release in leaf.submission.release if release.verdict == STALE).verdict = REFUSED
        self.export.put(position, leaf)
        self.assert_wrong("is recorded as refused, expected stale")

    def test_what_a_revoked_agent_seals(self):
        agent = next(agent for agent in self.scene.agents.values() if agent.id == "south-2")
        sealed = agent.sealed("monthly", "2018-04", [Report("S1", {"output": 1})])
        self.export.append(revocation=pb.RevocationLeaf(agent="south-2"))
        self.export.append(submission=pb.SubmissionLeaf(sealed=sealed))
        self.assert_wrong("agent south-2 was revoked before")
        self.export.append(revocation=pb.RevocationLeaf(agent="south-2"))
        self.export.append(revocation=pb.RevocationLeaf(agent="nobody"))
        self.assert_wrong("agent nobody cannot be revoked")
        self.assert_wrong("agent south-2 cannot be revoked")

    def enrol(self, area, forms=(), entry=pb.ENTRY_FIRST, invited=None, agent=None, key=None, signer=None):
        """An agent of the city's making; its key."""
        key = key or SigningKey.generate()
        secret = digest(bytes(key.verify_key))
        self.export.append(invitation=pb.InvitationLeaf(secret_hash=secret, area=invited or area, form=list(forms), expires_at_ms=1))
        certificate = pb.Certificate(agent=agent or f"{area}-9", area=area, form=list(forms), curve_key=digest(secret),
                                     sign_key=bytes(key.verify_key), issued_at_ms=1)
        self.export.append(enrolment=pb.EnrolmentLeaf(
            certificate=seal(CERTIFICATE, certificate.SerializeToString(), signer or self.scene.key), secret_hash=secret, entry=entry))
        return key

    def submit(self, key, agent, report, form="monthly", period="2018-04", sequence=1, **options):
        east = self.scene.agents["east-1"]
        submission = east.make(form, period, [report], agent=agent, sequence=sequence, **options)
        return self.export.append(submission=pb.SubmissionLeaf(sealed=seal(1, submission.SerializeToString(), key)))

    def test_an_agent_that_nobody_admitted(self):
        key = self.enrol("east", entry=pb.ENTRY_WAITS)
        self.submit(key, "east-9", Report("A1", {"output": 1}))
        self.assert_wrong("agent east-9 was not admitted by its area")

    def test_an_agent_that_needed_an_admission_and_is_said_to_need_none(self):
        for entry in (pb.ENTRY_FIRST, pb.ENTRY_SUCCEEDS):
            self.export = Export(self.whole)
            self.enrol("east", entry=entry)
            self.assert_wrong("agent east-9 is not entered as it came in")

    def test_who_was_never_admitted_keeps_nobody_out(self):
        self.enrol("west", entry=pb.ENTRY_WAITS)
        self.export.append(revocation=pb.RevocationLeaf(agent="west-1"))
        self.enrol("west", entry=pb.ENTRY_SUCCEEDS, agent="west-10")
        self.verify(self.export.sign(self.scene.key).bytes(), code=GOOD)

    def test_an_admission_by_who_has_no_right(self):
        key = self.enrol("east", entry=pb.ENTRY_WAITS)
        west = self.scene.agents["west-1"]
        act = pb.Act(agent="west-1", sequence=9999, created_at_ms=1, admission=pb.Admission(
            agent="east-9", key_id=digest(bytes(key.verify_key)), approved_by="李四"))
        self.export.append(act=pb.ActLeaf(sealed=seal(5, act.SerializeToString(), west.keys.sign)))
        self.assert_wrong("agent west-1 had no right to admit agent east-9")

    def test_certificates(self):
        self.enrol("south", entry=pb.ENTRY_WAITS, signer=SigningKey.generate())
        self.assert_wrong("the certificate is not signed by the ledger's key")
        self.export = Export(self.whole)
        self.enrol("south", entry=pb.ENTRY_WAITS, invited="west")
        self.assert_wrong("gives other rights than its invitation")
        self.export = Export(self.whole)
        self.enrol("south", entry=pb.ENTRY_WAITS, agent="south-2")
        self.assert_wrong("the name or a key of agent south-2 is another agent's already")
        self.export = Export(self.whole)
        position, leaf = self.export.find("invitation")[0]
        leaf.invitation.secret_hash = digest(b"another")
        self.export.put(position, leaf)
        self.assert_wrong("came in with an invitation that nobody gave")
        self.export = Export(self.whole)
        self.export.leaves.append(self.export.leaves[position])
        self.assert_wrong("this invitation was given before")
        self.export = Export(self.whole)
        key = self.enrol("south", entry=pb.ENTRY_WAITS)
        other = SigningKey.generate()
        certificate = pb.Certificate(agent="south-10", area="south", curve_key=digest(b"c"), sign_key=bytes(other.verify_key))
        self.export.append(enrolment=pb.EnrolmentLeaf(certificate=seal(CERTIFICATE, certificate.SerializeToString(), self.scene.key),
                                                      secret_hash=digest(bytes(key.verify_key)), entry=pb.ENTRY_WAITS))
        self.assert_wrong("with an invitation that was used before")
        self.export.append(enrolment=pb.EnrolmentLeaf(certificate=seal(3, b"x", self.scene.key), secret_hash=digest(b"x")))
        self.assert_wrong("the certificate cannot be read")

    def test_what_an_agent_has_no_right_to(self):
        east = self.scene.agents["east-1"].keys.sign
        self.submit(east, "east-1", Report("A1", {"output": 1}), sequence=1)
        self.assert_wrong("agent east-1 uses the number 1 twice")
        self.submit(east, "east-2", Report("A2", {"output": 1}), sequence=9001)
        self.assert_wrong("it names agent east-2, its seal is by agent east-1")
        self.submit(east, "east-1", Report("A1", {"people": 1}), form="city", period="2018", sequence=9002)
        self.assert_wrong("agent east-1 has no right to form city")
        self.submit(east, "east-1", Report("W1", {"output": 1}), sequence=9003)
        self.assert_wrong("the report about W1 is recorded as counted, expected a refusal")
        self.submit(east, "east-1", Report("A3", {"output": 1}), period="2018-01", sequence=9004)
        self.assert_wrong("2018-01 of form monthly was closed for east before")
        self.submit(east, "east-1", Report("A3", {"output": 1}), period="2018-Q1", sequence=9005)
        self.assert_wrong("found 2018-Q1, form monthly expects")
        self.submit(east, "east-1", Report("A3", {"output": 1}), sequence=9006, catalogue_hash=digest(b"none"))
        self.assert_wrong("it names a catalogue, form or column that the ledger does not have")
        self.export.append(submission=pb.SubmissionLeaf(sealed=seal(1, b"x", east)))
        self.export.append(act=pb.ActLeaf(sealed=seal(5, b"x", east)))
        self.assertEqual(sum("what agent east-1 sent cannot be decoded" in line for line in self.assert_wrong("cannot be decoded")), 2)

    def test_documents(self):
        self.export.append(catalogue=pb.CatalogueLeaf(text="areas: [".encode()))
        self.assert_wrong("the catalogue cannot be read")
        self.export.append(catalogue=pb.CatalogueLeaf(text=second_catalogue().replace("decimals: 1", "decimals: 2").encode()))
        self.assert_wrong("the catalogue may not follow the one before")
        self.export.append(register=pb.RegisterLeaf(text=b"unit,class,parks\nZ1,code,nowhere\n"))
        self.assert_wrong("the register cannot be read")
        self.export.append(period=pb.PeriodLeaf(form="none", period="2018-01", action=pb.PERIOD_ACTION_CLOSE))
        self.assert_wrong("the catalogue has no such form or area")
        self.export.append(decline=pb.DeclineLeaf(application=99))
        self.assert_wrong("there is no application 99 to decline")

    def test_a_unit_moved_without_the_tables(self):
        self.export.append(register=pb.RegisterLeaf(text=parktally.register_text([parktally.unit("A1", "south")]).encode()))
        self.assert_wrong("total monthly,2018-01,south,all,output: found")

    def test_heads(self):
        self.assert_wrong("earlier head no. 1 is not signed", "--head", "parktally-head:1:" + base64.urlsafe_b64encode(
            seal(HEAD, b"x", self.scene.key)).decode().rstrip("="))
        wrong = pb.SignedHead(head=pb.TreeHead(size=3, root=digest(b"x")), recorded_at_ms=1)
        self.assert_wrong("the tree of the first 3 leaves has the root", "--head", "parktally-head:1:" + base64.urlsafe_b64encode(
            seal(HEAD, wrong.SerializeToString(), self.scene.key)).decode().rstrip("="))
        self.export.sign(self.scene.key)
        head = pb.SignedHead.FromString(self.export.head[104:])
        head.recorded_at_ms += 1
        self.export.head = seal(HEAD, head.SerializeToString(), self.scene.key)
        self.assertIn("another time or epoch than its last leaf", self.verify(self.export.bytes())["wrong"][0])


class AgentKeys(Case):
    """Of an agent that changes them, and an aggregator that follows what it should not."""

    def setUp(self):
        super().setUp()
        self.second = self.scene.agents["east-2"]

    def right(self):
        found = self.verify(self.export.sign(self.scene.key).bytes(), code=GOOD)
        return found["key_changes"]["agents"]

    def change(self, before, after=None, agent="east-2", until=9000, **fields):
        after = after or Keys()
        self.export.append(key=pb.KeyLeaf(sealed=key_change(before, after, agent=agent, until=until, **fields)))
        return after

    def refused(self, why, *arguments, **fields):
        self.export = Export(self.whole)
        self.change(*arguments, **fields)
        self.assert_wrong(f"the keys of agent {fields.get('agent', 'east-2')} cannot be changed{why}")

    def submit(self, key, sequence, agent="east-2"):
        east = self.scene.agents["east-1"]
        submission = east.make("monthly", "2018-04", [Report("A1", {"output": 1})], agent=agent, sequence=sequence)
        self.export.append(submission=pb.SubmissionLeaf(sealed=seal(1, submission.SerializeToString(), key)))
        self.export.lines = []  # what it adds up to is not what is looked at

    def seal_wrong(self, words, *arguments, **options):
        self.submit(*arguments, **options)
        self.assert_wrong(words)

    def test_one_key_after_the_other(self):
        third = self.change(self.second.keys.sign)
        fourth = self.change(third.sign)
        self.change(fourth.sign, until=9000)
        self.assertEqual(self.right(), 5)

    def test_who_may_not_change_them(self):
        present = self.second.keys.sign
        self.refused(" so: this is not sealed by the present key", self.scene.second_key)
        self.refused(" so: this is not sealed by the present key", self.scene.agents["east-1"].keys.sign)
        self.refused(" so: this is not sealed by the present key", self.scene.key)
        self.refused(" so: the new one has not consented", present, consenting=present)
        self.refused(" so: it had one of the new ones before", present, self.second.keys)
        self.refused(": it is unknown, or was revoked before", present, agent="east-8")
        self.refused(": it is unknown, or was revoked before", self.scene.agents["south-2"].keys.sign, agent="south-1")
        self.refused(" so: it names a number or a tree of before the last change", present, until=1)
        self.refused(" so: it names a number or a tree that could not be there", present, until=2 ** 64 - 1)
        self.refused(" so: it names a number or a tree that could not be there", present, epoch=1)

    def test_keys_that_somebody_has_or_had(self):
        taken = Keys()
        for agent in (self.scene.agents["east-1"], self.scene.agents["west-1"]):
            taken.curve_public = agent.certificate.curve_key
            self.refused(" so: another agent has, or had, one of the new ones", self.second.keys.sign, taken)
            self.refused(" so: another agent has, or had, one of the new ones", self.second.keys.sign, agent.keys)
        first = Keys()
        first.curve_public = self.second.certificate.curve_key
        self.refused(" so: another agent has, or had", self.scene.agents["east-1"].keys.sign, first, agent="east-1")
        self.refused(" so: it had one of the new ones before", self.second.keys.sign, first)
        first.sign = self.scene.second_key
        first.curve_public = digest(b"another")
        self.refused(" so: it had one of the new ones before", self.second.keys.sign, first)
        self.refused(" so: another agent has, or had", self.scene.agents["east-1"].keys.sign, first, agent="east-1")

    def test_nobody_comes_in_with_keys_that_an_agent_had(self):
        secret = digest(b"secret")
        self.export.append(invitation=pb.InvitationLeaf(secret_hash=secret, area="west", expires_at_ms=1))
        certificate = pb.Certificate(agent="west-9", area="west", curve_key=digest(b"c"), sign_key=bytes(self.scene.second_key.verify_key))
        self.export.append(enrolment=pb.EnrolmentLeaf(
            certificate=seal(CERTIFICATE, certificate.SerializeToString(), self.scene.key), secret_hash=secret, entry=pb.ENTRY_WAITS))
        self.assert_wrong("the name or a key of agent west-9 is another agent's already")

    def test_a_change_that_was_altered(self):
        for at, words in ((-1, "the present key has not signed this"), (50, "the present key has not signed this"),
                          (9, "this is not sealed by the present key"), (5, "the change of keys cannot be read")):
            self.export = Export(self.whole)
            sealed = bytearray(key_change(self.second.keys.sign, Keys(), agent="east-2", until=9000))
            sealed[at] ^= 1
            self.export.append(key=pb.KeyLeaf(sealed=bytes(sealed)))
            with self.subTest(at):
                self.assert_wrong(words)

    def test_they_are_changed_so_often_and_no_more(self):
        keys = self.second.keys
        for _ in range(62):
            keys = self.change(keys.sign)
        self.assertEqual(self.right(), 64)
        self.change(keys.sign)
        self.assert_wrong("the keys of agent east-2 cannot be changed so: they were changed as often as may be")

    def test_a_change_left_out(self):
        position, _ = self.export.find("key")[0]
        del self.export.leaves[position]
        found = self.assert_wrong("the keys of agent east-2 cannot be changed so: this is not sealed by the present key")
        self.assertTrue(any("by a key that no agent is enrolled with" in line for line in found), found)

    def test_what_an_old_key_seals(self):
        self.assertLess(self.scene.second_until, self.second.sequence)
        words = f"agent east-2 seals the number {self.scene.second_until + 1} with a key that was changed after {self.scene.second_until}"
        self.seal_wrong(words, self.scene.second_key, self.scene.second_until + 1)
        self.export = Export(self.whole)
        third = self.change(self.second.keys.sign, until=7000)
        self.submit(self.second.keys.sign, 7000)  # made before, sent after
        self.submit(third.sign, 7001)
        self.submit(third.sign, 6999)
        self.export.lines = Export(self.whole).lines
        found = self.verify(self.export.sign(self.scene.key).bytes())["wrong"]
        self.assertFalse(any("seals the number" in line or "seal is by" in line for line in found), found)
        self.seal_wrong("agent east-2 seals the number 7002 with a key that was changed after 7000", self.second.keys.sign, 7002)

    def test_an_act_by_an_old_key(self):
        act = pb.Act(agent="east-2", sequence=8000, created_at_ms=1, application=pb.Application(
            unit="N9", unit_class="code", name="新企业", text="投产", applied_by="李四"))
        self.export.append(act=pb.ActLeaf(sealed=seal(5, act.SerializeToString(), self.scene.second_key)))
        self.assert_wrong("agent east-2 seals the number 8000 with a key that was changed after")

    def test_one_that_waits_may_change_them_and_is_admitted_with_the_new_ones(self):
        first, secret = Keys(), digest(b"secret")
        self.export.append(invitation=pb.InvitationLeaf(secret_hash=secret, area="west", expires_at_ms=1))
        certificate = pb.Certificate(agent="west-9", area="west", curve_key=first.curve_public, sign_key=first.sign_public)
        self.export.append(enrolment=pb.EnrolmentLeaf(
            certificate=seal(CERTIFICATE, certificate.SerializeToString(), self.scene.key), secret_hash=secret, entry=pb.ENTRY_WAITS))
        new = self.change(first.sign, agent="west-9", until=0)
        self.assertEqual(self.right(), 3)
        before = list(self.export.leaves)
        for key, wrong in ((first, True), (new, False)):
            self.export.leaves = list(before)
            act = pb.Act(agent="west-1", sequence=9999, created_at_ms=1, admission=pb.Admission(
                agent="west-9", key_id=digest(key.sign_public), approved_by="李四"))
            self.export.append(act=pb.ActLeaf(sealed=seal(5, act.SerializeToString(), self.scene.agents["west-1"].keys.sign)))
            if wrong:
                self.assert_wrong("agent west-1 had no right to admit agent west-9")
            else:
                self.assertEqual(self.right(), 3)


class CityKeys(Case):
    """Of the city's server: whoever has the key of before can sign no more than it had signed."""

    def setUp(self):
        super().setUp()
        self.first, self.next = self.scene.key, Keys()
        self.size = len(self.export.leaves)  # of the last tree that the first one signs
        self.first_head = self.text_of(self.export.sign(self.first).head)

    @staticmethod
    def text_of(head):
        return "parktally-head:1:" + base64.urlsafe_b64encode(head).decode().rstrip("=")

    def change(self, before=None, after=None, until=None, **fields):
        after = after or self.next
        until = len(self.export.leaves) if until is None else until
        return self.export.append(key=pb.KeyLeaf(sealed=key_change(before or self.first, after, until=until, **fields)))

    def assert_wrong(self, words, *options, key=None, export=None):
        return super().assert_wrong(words, *options, key=key or self.next.sign, export=export)

    def right(self, *options, key=None):
        return self.verify(self.export.sign(key or self.next.sign).bytes(), *options, code=GOOD)

    def refused(self, why, *arguments, key=None, **fields):
        self.export = Export(self.whole)
        self.change(*arguments, **fields)
        super().assert_wrong(f"the keys of the aggregator cannot be changed so: {why}", key=key or self.first)

    def enrol(self, signer):
        keys = Keys()
        secret = digest(keys.sign_public)
        self.export.append(invitation=pb.InvitationLeaf(secret_hash=secret, area="west", expires_at_ms=1))
        certificate = pb.Certificate(agent="west-9", area="west", curve_key=keys.curve_public, sign_key=keys.sign_public)
        self.export.append(enrolment=pb.EnrolmentLeaf(certificate=seal(CERTIFICATE, certificate.SerializeToString(), signer),
                                                      secret_hash=secret, entry=pb.ENTRY_WAITS))

    def publish(self, signer):
        """The last edition once more, under the next number."""
        _, leaf = self.export.find("edition")[-1]
        text = json.loads(leaf.edition.sealed[104:])
        text["edition"] += 1
        self.export.append(edition=pb.EditionLeaf(sealed=seal(EDITION, json.dumps(text).encode(), signer)))

    def test_the_new_ones_sign_and_what_was_signed_stays_signed(self):
        self.change(reason="一年一换", by="李四")
        heads = [word for head in (*self.scene.heads, self.first_head) for word in ("--head", head)]
        for key in (bytes(self.first.verify_key).hex(), digest(bytes(self.first.verify_key)).hex(), self.next.sign_public.hex(),
                    digest(self.next.sign_public).hex()):
            found = self.right(*heads, "--receipts", self.receipts(), "--key", key)
            self.assertEqual(found["key_id"], digest(self.next.sign_public).hex())
            self.assertEqual(found["first_key_id"], digest(bytes(self.first.verify_key)).hex())
            self.assertEqual(found["key_changes"], {"aggregator": 1, "agents": 2})
        self.assert_wrong("signed by another key than the one that was given", "--key", Keys().sign_public.hex())
        said = parktally.run(VERIFIER, self.file("tried", self.export.bytes())).out
        self.assertIn(f"signed by key id   {digest(self.next.sign_public).hex()}\n", said)
        self.assertIn("after 1 changes", said)
        self.assertIn(digest(bytes(self.first.verify_key)).hex(), said)

    def test_one_after_the_other(self):
        last = Keys()
        self.change()
        self.change(self.next.sign, last)
        self.assertEqual(self.right(key=last.sign)["key_changes"]["aggregator"], 2)
        self.assert_wrong("the head of this export is signed by a key that was changed before that")

    def test_who_may_not_change_them(self):
        self.refused("this is not sealed by the present key", self.next.sign)
        self.refused("this is not sealed by the present key", self.scene.agents["east-1"].keys.sign)
        self.refused("the new one has not consented", consenting=self.first)
        had = Keys()
        had.sign = self.first
        self.refused("it had one of the new ones before", None, had)
        self.refused("it names a number or a tree that could not be there yet", until=self.size + 1)
        self.refused("it names a number or a tree that could not be there yet", epoch=1, until=1)
        self.export = Export(self.whole)
        self.change()
        self.change(self.next.sign, Keys(), until=self.size - 1)
        self.assert_wrong("the keys of the aggregator cannot be changed so: it names a number or a tree of before the last change")
        self.export = Export(self.whole)
        self.change()
        self.change(self.first, Keys())
        self.assert_wrong("the keys of the aggregator cannot be changed so: this is not sealed by the present key")

    def test_the_export_s_own_head_is_by_the_present_key(self):
        self.change()
        self.assert_wrong("the head of this export is signed by a key that was changed before that", key=self.first)
        self.assert_wrong("the head of this export is signed by another key", key=SigningKey.generate())
        self.export.head = Export(self.whole).sign(self.first).head  # of a tree that it may sign, but which is not this one
        self.assertIn("the head of this export is signed by a key that was changed before that", self.verify(self.export.bytes())["wrong"])
        self.export = Export(self.whole)
        self.assert_wrong("the head of this export is signed by another key")  # to which nothing leads
        self.change()
        other = Keys()
        self.assert_wrong("the head of this export is signed by another key", key=other.sign)

    def test_heads_by_the_key_of_before(self):
        self.change()
        later = self.text_of(self.export.sign(self.first).head)  # of one leaf more than it may sign
        self.right("--head", self.first_head)
        self.assert_wrong("earlier head no. 1 is signed by a key that was changed before that", "--head", later)
        other_epoch = pb.SignedHead(head=pb.TreeHead(size=1, root=root_of(self.export.leaves[:1]), epoch=1), recorded_at_ms=1)
        self.assert_wrong("earlier head no. 1 is signed by a key that was changed before that", "--head",
                          self.text_of(seal(HEAD, other_epoch.SerializeToString(), self.first)))

    def test_receipts_by_the_key_of_before(self):
        self.change()
        receipt = pb.Receipt.FromString(self.scene.receipts[0][104:])
        receipt.head.size, receipt.head.root = len(self.export.leaves), root_of(self.export.leaves)
        del receipt.path[:]
        receipt.path.extend(path_of(receipt.position, self.export.leaves))
        payload = receipt.SerializeToString()
        self.right("--receipts", self.receipts([seal(RECEIPT, payload, self.next.sign)]))
        self.assert_wrong("is signed by a key that was changed before that", "--receipts", self.receipts([seal(RECEIPT, payload, self.first)]))
        self.assert_wrong("receipt no. 1 is not signed", "--receipts", self.receipts([seal(RECEIPT, payload, SigningKey.generate())]))

    def test_certificates_are_by_the_key_in_force(self):
        for signer, enrols_first, is_right in ((self.first, True, True), (self.next.sign, True, False),
                                               (self.first, False, False), (self.next.sign, False, True)):
            with self.subTest(enrols_first=enrols_first, is_right=is_right):
                self.export = Export(self.whole)
                if enrols_first:
                    self.enrol(signer)
                self.change()
                if not enrols_first:
                    self.enrol(signer)
                if is_right:
                    self.right()
                else:
                    self.assert_wrong("the certificate is not signed by the ledger's key")

    def test_editions_are_by_the_key_in_force(self):
        self.change()
        self.publish(self.first)
        self.assert_wrong("the edition is not signed by the ledger's key")
        self.export = Export(self.whole)
        self.change()
        self.publish(self.next.sign)
        self.right()

    def test_invitations_of_before_are_void(self):
        self.enrol(self.first)
        enrolment = self.export.leaves.pop()
        self.change()
        leaf = pb.Leaf.FromString(enrolment)
        sealed = seal(CERTIFICATE, leaf.enrolment.certificate[104:], self.next.sign)
        self.export.append(enrolment=pb.EnrolmentLeaf(certificate=sealed, secret_hash=leaf.enrolment.secret_hash, entry=leaf.enrolment.entry))
        self.assert_wrong("came in with an invitation that was used before, or is void")

    def test_a_ledger_may_have_new_keys_before_its_first_catalogue(self):
        sealed = key_change(self.first, self.next, until=1)
        first = pb.Leaf.FromString(self.export.leaves[0]).recorded_at_ms
        self.export.leaves = [self.export.leaves[0], pb.Leaf(recorded_at_ms=first + 1, key=pb.KeyLeaf(sealed=sealed)).SerializeToString()]
        self.export.lines = []
        self.right()


class Receipts(Case):
    def tampered(self, change):
        receipt = pb.Receipt.FromString(self.scene.receipts[3][104:])
        change(receipt)
        return seal(RECEIPT, receipt.SerializeToString(), self.scene.key)

    def test_a_receipt_of_something_that_is_not_there(self):
        def other_leaf(receipt):
            receipt.submission = digest(b"nothing")
        self.assert_wrong("another leaf stands here", "--receipts", self.receipts([self.tampered(other_leaf)]))

        def elsewhere(receipt):
            receipt.position, receipt.head.size = 100000, 100001
        found = self.assert_wrong("does not prove that its leaf is in the tree", "--receipts", self.receipts([self.tampered(elsewhere)]))
        self.assertTrue(any("at leaf 100000, but this export has" in line for line in found), found)

    def test_a_receipt_of_something_else_than_the_leaf_says(self):
        def counted(receipt):
            receipt.counted += 1

        def number(receipt):
            receipt.sequence += 1

        def refusals(receipt):
            receipt.refusals += 1

        def found(receipt):
            receipt.refusal[0].expected = "x"
        kept = self.scene.receipts
        self.scene.receipts = [next(r for r in kept if len(pb.Receipt.FromString(r[104:]).refusal) == n) for n in (1, 1, 1, 1)]
        self.addCleanup(setattr, self.scene, "receipts", kept)
        for change in (counted, number, refusals, found):
            with self.subTest(change.__name__):
                self.assert_wrong("says something else than the leaf", "--receipts", self.receipts([self.tampered(change)]))

    def test_a_head_in_a_receipt_that_was_never_the_ledger_s(self):
        leaf = self.export.find("submission")[0][0]
        receipt = pb.Receipt.FromString(next(r for r in self.scene.receipts if pb.Receipt.FromString(r[104:]).position == leaf)[104:])
        hidden = Export(self.whole)
        del hidden.leaves[leaf + 1:]
        hidden.leaves.append(b"what others do not see")
        receipt.head.size, receipt.head.root = leaf + 2, root_of(hidden.leaves)
        # the path of the leaf to a tree of two more: its neighbours, by the definition of RFC 6962
        del receipt.path[:]
        receipt.path.extend(path_of(leaf, hidden.leaves))
        self.assert_wrong("this is not the ledger that was signed then", "--receipts",
                          self.receipts([seal(RECEIPT, receipt.SerializeToString(), self.scene.key)]))

    def test_a_damaged_file_of_receipts(self):
        self.assert_wrong("this is no file of receipts", "--receipts", self.file("receipts", self.receipts().read_bytes()[:-1]))
        self.assert_wrong("receipt no. 2 is not signed", "--receipts", self.receipts([self.scene.receipts[0], b"x"]))

    def test_what_a_park_exports_is_read_and_its_damage_named(self):
        path = self.scene.folder / "袋"
        self.scene.south.command("outbox", "export", path, "--all", code=GOOD)
        found = self.verify(self.whole, "--receipts", path, code=GOOD)
        self.assertEqual(found["receipts"], 2)
        position, _ = self.export.find("submission", lambda leaf: submission_of(leaf).agent == "south-1")[0]
        del self.export.leaves[position]
        self.assert_wrong("agent south-1 has a receipt for its number 1 here, but another leaf stands here", "--receipts", path)
        self.export = Export(self.whole)
        self.assert_wrong("袋2: ", "--receipts", self.file("袋2", path.read_bytes()[:-10]))

    def test_a_receipt_in_a_backup_behind_another_leaf(self):
        data = (self.scene.folder / "backup").read_bytes()
        at, records = 8, []
        while at < len(data) - 37:
            length = struct.unpack("<I", data[at:at + 4])[0] + 5
            records.append(data[at:at + length])
            at += length
        receipt = next(n for n, record in enumerate(records) if record[4:5] == b"R")
        records.insert(receipt + 2, records.pop(receipt))
        data = data[:8] + b"".join(records)
        data += struct.pack("<Ic", 32, b"E") + hashlib.sha256(data).digest()
        self.assertTrue(any("a receipt of leaf" in line for line in self.verify(data)["wrong"]))


def path_of(position, leaves):
    """The hashes of RFC 6962 §2.1.1."""
    if len(leaves) == 1:
        return []
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    if position < half:
        return path_of(position, leaves[:half]) + [root_of(leaves[half:])]
    return path_of(position - half, leaves[half:]) + [root_of(leaves[:half])]


class Editions(Case):
    def change(self, change, words, number=0):
        export = Export(self.whole)
        position, leaf = export.find("edition")[number]
        text = json.loads(leaf.edition.sealed[104:])
        change(text)
        leaf.edition.sealed = seal(EDITION, json.dumps(text).encode(), self.scene.key)
        export.put(position, leaf)
        self.assert_wrong(words, export=export)

    def test_each_printed_number_is_compared(self):
        position, leaf = self.export.find("edition")[0]
        cells = json.loads(leaf.edition.sealed[104:])["cells"]
        printed = [n for n, cell in enumerate(cells) if cell[3] == "F"]
        self.assertGreater(len(printed), 20)
        for n in random.Random(seed()).sample(printed, min(len(printed), SAMPLE)):
            with self.subTest(cell=cells[n]):
                self.change(lambda text, n=n: text["cells"][n].__setitem__(4, "123456"), "found 123456, its leaves come to")

    def test_lines_of_what_several_parks_count_are_printed_too(self):
        text = json.loads(self.export.find("edition")[-1][1].edition.sealed[104:])
        overlap = [area["code"] for area in text["slices"]].index("overlap")
        self.assertTrue(any(cell[1] == overlap and cell[3] == "F" and cell[4] != "0.0" for cell in text["cells"]))

    def test_cells_left_out_and_made_up(self):
        self.change(lambda text: text["cells"].pop(), "it is neither printed nor withheld")
        self.change(lambda text: text["areas"][0].__setitem__("code", "moon"), "its leaves come to none")
        self.change(lambda text: text["columns"][0].__setitem__("decimals", 3), "is none of the form, or has another measure")
        self.change(lambda text: text["columns"][0].__setitem__("code", "gold"), "is none of the form, or has another measure")

    def test_what_it_rests_on(self):
        self.change(lambda text: text.__setitem__("ledger_root", "00" * 32), "rests on another ledger")
        self.change(lambda text: text.__setitem__("ledger_leaves", 9999), "which do not stand before it")
        self.change(lambda text: text.__setitem__("ledger_leaves", text["ledger_leaves"] - 5), "rests on another ledger")
        self.change(lambda text: text.__setitem__("as_of_ms", 1), "another time or catalogue")
        self.change(lambda text: text.__setitem__("catalogue", "00" * 32), "another time or catalogue")

    def test_number_and_vintage(self):
        self.change(lambda text: text.__setitem__("edition", 7), "found the edition number 7, expected 1")
        self.change(lambda text: text.__setitem__("vintage", "F"), "is published as F, expected P")
        self.change(lambda text: text.__setitem__("vintage", "P"), "is published as P, expected F", 1)
        self.change(lambda text: text.__setitem__("vintage", "F"), "is published as F, expected R", 2)

    def test_none_is_published_of_what_takes_reports_again(self):
        position, closing = self.export.find("period", lambda leaf: leaf.period.area == "west")[-1]
        self.assertEqual(closing.period.action, pb.PERIOD_ACTION_CLOSE)
        del self.export.leaves[position]  # not by its place: the examiner may have added a leaf behind it
        self.assert_wrong("is published as R, expected none while the period is open again")

    def test_a_cell_is_withheld_where_there_is_nothing(self):
        def move(text):
            withheld = next(cell for cell in text["cells"] if cell[3] != "F")
            text["columns"].append(dict(text["columns"][0], code="profit.ytd"))
            withheld[2] = len(text["columns"]) - 1
            text["cells"].sort(key=lambda cell: cell[:3])
        self.change(move, "found a total that is withheld, its leaves come to none")

    def test_seal_and_text(self):
        position, leaf = self.export.find("edition")[0]
        leaf.edition.sealed = seal(EDITION, leaf.edition.sealed[104:], SigningKey.generate())
        self.export.put(position, leaf)
        self.assert_wrong("the edition is not signed by the ledger's key")
        self.change(lambda text: text.pop("cells"), "the edition cannot be read")
        self.change(lambda text: text["cells"][0].__setitem__(2, 99), "the edition cannot be read")
        self.change(lambda text: text["cells"].reverse(), "the edition cannot be read")


class Restored(parktally.Case):
    """A city that was restored from a backup, and says so."""

    def setUp(self):
        super().setUp()
        self.city = self.aggregator()
        self.city.import_register([parktally.unit("A1", "east"), parktally.unit("A2", "east"), parktally.unit("W1", "west")])
        self.city.start()
        self.east = parktally.enrol(self.city, "east", self.folder / "东")
        self.push("A1", 1)
        self.early = self.head()
        self.city.command("backup", self.folder / "backup")
        self.push("A2", 2)
        self.city.invite("west")
        self.lost = self.head()
        self.receipts = self.kept()
        key = self.folder / "key"
        shutil.copy(self.city.data / "identity.key", key)
        self.key = SigningKey(key.read_bytes()[104:136])
        self.restored_at = 0
        self.restore("backup")
        self.push("A1", 3)
        self.read()
        self.epoch, self.epoch_leaf = self.export.find("epoch")[0]

    def restore(self, backup):
        parktally.wait_until(lambda: int(time.time()) > self.restored_at, "another second")
        self.restored_at = int(time.time()) + 1
        self.city.kill()
        shutil.rmtree(self.city.data)
        restored = parktally.run(parktally.AGGREGATOR, "restore", self.folder / backup, "--key", self.folder / "key",
                                 "--reason", "硬盘损坏", data=self.city.data)
        self.assertEqual(restored.code, GOOD, restored)
        self.city.start()
        self.city.command("resume", "--revocations-checked")

    def read(self):
        path = self.folder / "ledger"
        path.unlink(missing_ok=True)
        self.city.command("ledger", "export", "--output", path)
        self.export = Export(path.read_bytes())

    def push(self, unit, output, agent=None):
        path = self.folder / "月报.csv"
        path.write_text(f"uscc,period,output\n{unit},2018-05,{output}\n")
        (agent or self.east).command("push", path, "--approved-by", "张三", "--wait", code=GOOD)

    def head(self):
        return json.loads(self.city.command("ledger", "head", "--format", "json").out)["head"]

    def kept(self):
        with contextlib.closing(sqlite3.connect(self.east.data / "outbox.db")) as outbox:
            sealed = [row[0] for row in outbox.execute("SELECT sealed FROM receipt")]
        path = self.folder / "receipts"
        path.write_bytes(b"".join(struct.pack("<I", len(receipt)) + receipt for receipt in sealed))
        return path

    def verify(self, *options, code=BAD):
        path = self.folder / "tried"
        path.write_bytes(self.export.sign_in_epoch(self.key).bytes())
        result = parktally.run(VERIFIER, path, "--format", "json", *options)
        self.assertEqual(result.code, code, result)
        return json.loads(result.out)

    def assert_wrong(self, words, *options):
        found = self.verify(*options)["wrong"]
        self.assertTrue(any(words in line for line in found), (words, found))

    def test_what_was_lost_is_told_and_is_no_fault(self):
        whole = parktally.run(VERIFIER, self.folder / "ledger", "--format", "json", "--head", self.early, "--head", self.lost,
                              "--receipts", self.receipts)
        self.assertEqual(whole.code, GOOD, whole)
        found = json.loads(whole.out)
        self.assertEqual((found["wrong"], found["restores"], found["lost"], found["receipts"]), ([], 1, 2, 2))
        self.assertIn("restored           1 times", parktally.run(VERIFIER, self.folder / "ledger").out)

    def test_what_was_signed_in_a_life_that_the_ledger_does_not_go_on_from_is_lost(self):
        for output in range(8, 12):  # so that there are more leaves than the head has that is left
            self.push("A1", output)
        self.city.command("backup", self.folder / "first")
        self.restore("backup")
        between, export = self.head(), self.folder / "ledger"
        self.read()
        of_the_life = export.read_bytes()
        self.restore("first")
        self.read()
        result = parktally.run(VERIFIER, export, "--format", "json", "--head", between)
        self.assertEqual((result.code, json.loads(result.out)["lost"]), (GOOD, 1), result)
        later = self.head()
        export.write_bytes(of_the_life)  # which was left, and does not explain what came after it
        self.assertIn("it is older, or leaves were cut off", parktally.run(VERIFIER, export, "--head", later).out)

    def test_without_an_epoch_what_was_lost_is_missed(self):
        del self.export.leaves[self.epoch:self.epoch + 2]
        self.assert_wrong("this is not the ledger that was signed then", "--head", self.lost)
        self.assert_wrong("says something else than the leaf", "--receipts", self.receipts)  # it came again, in the same place

    def test_an_epoch_that_does_not_go_on(self):
        for change in ("number", "size", "root", "seal"):
            self.export = Export((self.folder / "ledger").read_bytes())
            epoch = pb.Epoch.FromString(self.epoch_leaf.epoch.sealed[104:])
            if change == "number":
                epoch.number = epoch.head.epoch = 2
                epoch.head.epoch = 1
            if change == "size":
                epoch.head.size -= 1
            if change == "root":
                epoch.head.root = digest(b"another")
            leaf = pb.Leaf.FromString(self.export.leaves[self.epoch])
            leaf.epoch.sealed = seal(EPOCH, epoch.SerializeToString(), SigningKey.generate() if change == "seal" else self.key)
            self.export.put(self.epoch, leaf)
            with self.subTest(change):
                self.assert_wrong("the epoch is not signed by the ledger's key" if change == "seal" else "this epoch does not go on")

    def test_nothing_is_taken_before_somebody_resumes(self):
        (resume, _), = self.export.find("resume")
        del self.export.leaves[resume]
        self.assert_wrong("nothing may be taken after a restore")
        self.export = Export((self.folder / "ledger").read_bytes())
        self.export.append(resume=pb.ResumeLeaf(epoch=1))
        self.assert_wrong("there is nothing to resume")

    def test_invitations_of_before_are_void_and_revocations_of_the_unknown_stand_once(self):
        position, leaf = self.export.find("invitation")[0]
        secret = digest(b"secret")
        self.export.leaves.insert(self.epoch, b"")
        leaf.invitation.secret_hash, leaf.invitation.area = secret, "west"
        leaf.recorded_at_ms = pb.Leaf.FromString(self.export.leaves[self.epoch - 1]).recorded_at_ms + 1
        self.export.put(self.epoch, leaf)
        other = SigningKey.generate()
        certificate = pb.Certificate(agent="west-9", area="west", curve_key=digest(b"c"), sign_key=bytes(other.verify_key))
        self.export.append(enrolment=pb.EnrolmentLeaf(certificate=seal(CERTIFICATE, certificate.SerializeToString(), self.key),
                                                      secret_hash=secret))
        self.assert_wrong("agent west-9 came in with an invitation that was used before, or is void")
        self.export = Export((self.folder / "ledger").read_bytes())
        self.export.append(revocation=pb.RevocationLeaf(agent="west-1"))
        self.verify(code=GOOD)
        certificate.agent = "west-1"
        self.export.append(enrolment=pb.EnrolmentLeaf(certificate=seal(CERTIFICATE, certificate.SerializeToString(), self.key)))
        self.assert_wrong("the name or a key of agent west-1 is another agent's already, or revoked")
        del self.export.leaves[-1]
        self.export.append(revocation=pb.RevocationLeaf(agent="west-1"))
        self.assert_wrong("agent west-1 cannot be revoked")

    def test_an_agent_that_the_backup_did_not_know_returns_with_the_city_s_own_certificate(self):
        self.city.command("backup", self.folder / "again")
        west = parktally.enrol(self.city, "west", self.folder / "西")
        self.restore("again")
        self.push("W1", 4, west)
        self.read()
        position, leaf = self.export.find("enrolment", lambda leaf: not leaf.enrolment.secret_hash)[0]
        self.assertEqual(self.verify(code=GOOD)["restores"], 2)
        leaf.enrolment.entry = pb.ENTRY_WAITS
        self.export.put(position, leaf)
        self.assert_wrong("is not entered as it came in")
        self.read()
        for at in sorted((at for kind in ("epoch", "resume") for at, _ in self.export.find(kind)), reverse=True):
            del self.export.leaves[at]
        self.assert_wrong("came in with an invitation that nobody gave")

    def key_of_now(self):
        return SigningKey((self.city.data / "identity.key").read_bytes()[104:136])

    def rotate(self):
        """The server itself does it, and begins anew."""
        before = self.key_of_now()
        self.city.command("key", "rotate", "--reason", "一年一换")

        def changed():
            result = parktally.run(parktally.AGGREGATOR, "ledger", "head", "--format", "json", data=self.city.data)
            return result.code == GOOD and json.loads(result.out)["key"] != digest(bytes(before.verify_key)).hex()
        parktally.wait_until(changed, "the server is there with new keys")

    def test_the_city_s_own_changes_of_keys_are_followed_over_a_restore(self):
        self.city.command("backup", self.folder / "again")
        west = parktally.enrol(self.city, "west", self.folder / "西")
        self.rotate()
        self.push("A1", 5)
        self.push("W1", 6, west)
        self.rotate()
        self.push("W1", 8, west)  # so that both know the keys that are restored
        self.push("A1", 8)
        lost = self.head()
        self.read()
        found = json.loads(parktally.run(VERIFIER, self.folder / "ledger", "--format", "json", "--receipts", self.kept()).out)
        self.assertEqual((found["wrong"], found["key_changes"]["aggregator"]), ([], 2))
        shutil.copy(self.city.data / "identity.key", self.folder / "key")
        self.restore("again")  # which knows of none of this
        self.push("W1", 9, west)
        self.push("A1", 7)
        self.read()
        heads = ("--head", self.early, "--head", self.lost, "--head", lost)
        kept = self.kept()
        whole = parktally.run(VERIFIER, self.folder / "ledger", "--format", "json", *heads, "--receipts", kept)
        found = json.loads(whole.out)
        self.assertEqual((found["wrong"], found["key_changes"]["aggregator"], found["restores"]), ([], 2, 2))
        self.assertEqual(found["first_key_id"], digest(bytes(self.key.verify_key)).hex())
        first, self.key = self.key, self.key_of_now()
        self.assertEqual(found["key_id"], digest(bytes(self.key.verify_key)).hex())
        self.verify(*heads, "--receipts", kept, code=GOOD)
        position, leaf = self.export.find("epoch")[-1]
        self.assertEqual(len(leaf.epoch.key_change), 2)
        for change, words in (("seal", "the epoch is not signed by the ledger's key"), ("drop", "the epoch is not signed by the ledger's key"),
                              ("order", "this is not sealed by the present key"),
                              ("agent", "what this epoch brings along is no change of the ledger's keys"),
                              ("later", "it names a number or a tree that could not be there yet")):
            self.read()
            tried = pb.Leaf.FromString(self.export.leaves[position])
            if change == "seal":
                tried.epoch.sealed = seal(EPOCH, tried.epoch.sealed[104:], first)
            if change == "drop":
                del tried.epoch.key_change[-1]
            if change == "order":
                tried.epoch.key_change.reverse()
            if change == "agent":
                tried.epoch.key_change.append(key_change(self.key, Keys(), agent="east-1"))
            if change == "later":
                tried.epoch.key_change.append(key_change(self.key, Keys(), until=1, epoch=10**14))
            self.export.put(position, tried)
            with self.subTest(change):
                self.assert_wrong(words)

    def test_who_returns_may_have_a_certificate_of_an_earlier_key_alone(self):
        self.city.command("backup", self.folder / "again")
        west = parktally.enrol(self.city, "west", self.folder / "西")
        self.rotate()
        self.push("W1", 3, west)  # so that it knows the keys that are restored
        shutil.copy(self.city.data / "identity.key", self.folder / "key")
        self.restore("again")
        self.push("W1", 4, west)
        self.read()
        first, self.key = self.key, self.key_of_now()
        self.assertEqual(self.verify(code=GOOD)["restores"], 2)
        position, leaf = self.export.find("enrolment", lambda leaf: not leaf.enrolment.secret_hash)[0]
        self.assertEqual(leaf.enrolment.certificate[8:40], digest(bytes(first.verify_key)))
        later = Keys()  # which was not there yet
        leaf.enrolment.certificate = seal(CERTIFICATE, leaf.enrolment.certificate[104:], later.sign)
        self.export.put(position, leaf)
        self.assert_wrong("the certificate is not signed by the ledger's key")
        self.export.append(key=pb.KeyLeaf(sealed=key_change(self.key, later, until=len(self.export.leaves), epoch=2)))
        self.key = later.sign
        self.assert_wrong("the certificate is not signed by the ledger's key")

    def test_an_agent_s_change_of_keys_waits_for_who_resumes(self):
        (resume, _), = self.export.find("resume")
        self.export.leaves = self.export.leaves[:resume]
        self.export.lines = []
        east = SigningKey((self.east.data / "identity.key").read_bytes()[104:136])
        self.export.append(key=pb.KeyLeaf(sealed=key_change(east, Keys(), agent="east-1", until=2)))
        self.assert_wrong("nothing may be taken after a restore")

    def test_a_head_of_another_epoch(self):
        self.export.sign(self.key)
        path = self.folder / "tried"
        path.write_bytes(self.export.bytes())
        self.assertIn("another time or epoch", parktally.run(VERIFIER, path, "--format", "json").out)


class Alone(unittest.TestCase):
    def test_it_is_built_from_common_alone_as_its_readme_says(self):
        """And needs neither the transport nor the store."""
        readme = (parktally.ROOT / "aggregator/verifier/README.md").read_text()
        self.assertIn("cmake -S aggregator/verifier -B build/verify\n", readme)
        self.assertIn("cmake --build build/verify\n", readme)
        with tempfile.TemporaryDirectory(prefix="parktally-") as folder:
            launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
            launcher += [] if shutil.which("make") else ["-G", "Ninja"]
            subprocess.run(["cmake", "-S", parktally.ROOT / "aggregator/verifier", "-B", folder, "-DCMAKE_BUILD_TYPE=Debug", *launcher], check=True, capture_output=True)
            subprocess.run(["cmake", "--build", folder, "-j2"], check=True, capture_output=True)
            program = pathlib.Path(folder) / "parktally-verify"
            needs = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
            for library in ("zmq", "sqlite", "glpk", "xlsxwriter", "curl"):
                self.assertNotIn(library, needs)
            self.assertEqual(parktally.run(program).code, USAGE)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
