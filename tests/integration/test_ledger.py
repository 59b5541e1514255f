"""The ledger as those meet it who have to believe it: what a park can prove from its receipts, and what it notices."""

import base64
import contextlib
import hashlib
import json
import shutil
import sqlite3
import struct
import unittest

import parktally

GOOD, BAD = 0, 65
REGISTER = [parktally.unit("A1", "east", name="甲厂"), parktally.unit("A2", "east", name="乙厂"),
            parktally.unit("W1", "west", name="丙厂")]


class Case(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator()
        self.city.import_register(REGISTER)
        self.city.start()
        self.east = parktally.enrol(self.city, "east", self.folder / "东")
        self.west = parktally.enrol(self.city, "west", self.folder / "西")

    def push(self, agent, unit, output, period="2018-05", code=GOOD):
        path = self.folder / "月报.csv"
        path.write_text(f"uscc,period,output\n{unit},{period},{output}\n")
        return agent.command("push", path, "--approved-by", "张三", "--wait", code=code)

    def verify(self, agent, code=GOOD):
        return json.loads(agent.command("receipts", "verify", "--format", "json", code=code).out)

    def change(self, agent, sql, *values):
        with contextlib.closing(sqlite3.connect(agent.data / "outbox.db")) as outbox:
            outbox.execute(sql, values)
            outbox.commit()

    def copy_city(self, name):
        """What the city's disk holds now, to be put back later."""
        self.city.stop()
        shutil.copytree(self.city.data, self.folder / name)
        self.city.start()

    def put_back(self, name):
        self.city.stop()
        shutil.rmtree(self.city.data)
        shutil.copytree(self.folder / name, self.city.data)
        self.city.start()


def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(hashes):
    """RFC 6962 §2.1, word for word."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256().digest()
    left = 1
    while left * 2 < len(hashes):
        left *= 2
    return node_hash(root_of(hashes[:left]), root_of(hashes[left:]))


def root_by_path(position, size, found, path):
    """RFC 9162 §2.1.3.2."""
    last = size - 1
    for other in path:
        if position % 2 or position == last:
            found = node_hash(other, found)
            while position and position % 2 == 0:
                position, last = position // 2, last // 2
        else:
            found = node_hash(found, other)
        position, last = position // 2, last // 2
    return found


def read_export(path):
    """Records by kind."""
    data = path.read_bytes()
    assert data[:8] == b"PTLYLDG1"
    at, records = 8, {kind: [] for kind in "HLTE"}
    while at < len(data):
        (length,) = struct.unpack("<I", data[at:at + 4])
        if data[at + 4:at + 5] == b"E":
            assert data[at + 5:at + 5 + length] == hashlib.sha256(data[:at]).digest() and at + 5 + length == len(data)
        records[chr(data[at + 4])].append(data[at + 5:at + 5 + length])
        at += 5 + length
    return records


class Proofs(Case):
    def head(self):
        return json.loads(self.city.command("ledger", "head", "--format", "json").out)

    def prove(self, what, code=GOOD):
        answer = self.city.command("ledger", "prove", what, "--format", "json", code=code)
        return json.loads(answer.out) if code == GOOD else answer.err

    def test_the_head_is_that_of_the_exported_leaves(self):
        for output in range(3):
            self.push(self.east, "A1", output + 1)
        path = self.folder / "台账"
        self.city.command("ledger", "export", "--output", path)
        head, records = self.head(), read_export(path)
        self.assertEqual(head["leaves"], len(records["L"]))
        self.assertEqual(head["root"], root_of([leaf_hash(leaf) for leaf in records["L"]]).hex())
        lines = b"".join(records["T"]).decode().splitlines()
        self.assertIn("monthly,2018-05,east,all,output,30,1", lines)
        self.assertIn("monthly,2018-05,east,all,,0,1", lines)
        self.city.stop()  # a command works without a server as well
        self.assertEqual(self.head(), head)
        self.city.command("ledger", "export", "--output", self.folder / "again")
        self.assertEqual((self.folder / "again").read_bytes(), path.read_bytes())

    def test_a_submission_and_any_leaf_is_proved(self):
        for output in range(5):
            self.push(self.east, "A1", output + 1)
        with contextlib.closing(sqlite3.connect(self.east.data / "outbox.db")) as outbox:
            (sealed,) = outbox.execute("SELECT sealed FROM content WHERE sequence = 3").fetchone()
        proof = self.prove(hashlib.blake2b(sealed[104:], digest_size=32).hexdigest())
        leaf = base64.b64decode(proof["leaf"])
        self.assertIn(sealed, leaf)
        self.assertEqual(leaf_hash(leaf).hex(), proof["leaf_hash"])
        head = self.head()
        for n in range(head["leaves"]):
            proof = self.prove(n)
            found = root_by_path(n, proof["leaves"], bytes.fromhex(proof["leaf_hash"]), map(bytes.fromhex, proof["path"]))
            self.assertEqual((found.hex(), proof["head"]), (head["root"], head["head"]))

    def test_what_is_not_there_is_named(self):
        self.assertIn("has no submission", self.prove("00" * 32, code=BAD))
        self.assertIn("neither the id", self.prove("第三份", code=64))
        self.assertIn("neither the id", self.prove(self.head()["leaves"], code=64))

    def test_an_export_is_not_poured_over_a_terminal(self):
        self.assertIn("--output", self.city.command("ledger", "export", "--to-terminal", code=64).err)

    def test_verify_finds_nothing_in_what_is_whole_beside_a_server_and_names_what_is_not(self):
        for output in range(3):
            self.push(self.east, "A1", output + 1)
        self.push(self.west, "W1", 1)
        said = self.city.command("ledger", "verify").out
        self.assertIn("4 receipts", said)
        with contextlib.closing(sqlite3.connect(self.city.data / "store.db")) as store:
            store.execute("DELETE FROM receipt WHERE position = (SELECT max(position) FROM receipt)")
            store.commit()
        found = self.city.command("ledger", "verify", code=BAD)
        self.assertIn("no receipt", found.out)
        self.assertIn("restore", found.err)

    def test_a_damaged_leaf_is_named_and_the_export_is_none(self):
        self.push(self.east, "A1", 1)
        self.city.stop()
        with contextlib.closing(sqlite3.connect(self.city.data / "store.db")) as store:
            store.execute("UPDATE leaf_part SET bytes = zeroblob(length(bytes)) WHERE id = (SELECT max(id) FROM leaf_part)")
            store.commit()
        self.assertIn("leaf", self.city.command("ledger", "export", "--output", self.folder / "x", code=BAD).err)
        self.assertFalse((self.folder / "x").exists())


class Receipts(Case):
    def test_receipts_prove_offline_that_the_ledger_has_each_submission(self):
        for output in range(1, 6):
            self.push(self.east, "A1", output)
            self.push(self.west, "W1", output)
        self.city.stop()
        found = self.verify(self.east)
        self.assertEqual((found["receipts"], found["wrong"], found["not_compared"]), (5, [], 0))
        self.assertGreaterEqual(found["heads"], 5)
        text = self.east.command("receipts", "verify", code=GOOD).out
        self.assertIn("5 receipts", text)
        self.assertIn(found["root"][:16], text)

    def test_without_a_submission_nothing_is_wrong(self):
        self.assertEqual(self.verify(self.east)["receipts"], 0)

    def test_an_outbox_that_was_written_to_by_somebody_else_is_named(self):
        """What single rows are tried with stands in unit/agent/test_receipts."""
        self.push(self.east, "A1", 1)
        self.change(self.east, "UPDATE receipt SET sealed = zeroblob(length(sealed))")
        said = self.east.command("receipts", "verify", code=BAD)
        self.assertIn("outbox.db is damaged", said.err)
        self.assertIn("outbox check", said.err)


class Forks(Case):
    def test_a_city_that_was_set_back_gets_nothing_and_is_told_of(self):
        self.push(self.east, "A1", 1)
        self.copy_city("early")
        self.push(self.east, "A1", 2)
        self.put_back("early")
        said = self.push(self.east, "A2", 3, code=BAD)
        self.assertIn("[ledger.forked]", said.err)
        self.assertIn("[ledger.forked]", self.east.command("status", code=GOOD).out)
        self.assertTrue(json.loads(self.east.command("status", "--format", "json", code=GOOD).out)["ledger_forked"])
        self.assertEqual(self.city.total("east", "2018-05", "output")["value"], "1.0")
        self.assertTrue(any("lacks the" in line for line in self.verify(self.east, BAD)["wrong"]))
        self.push(self.west, "W1", 1)  # which has seen nothing that is missing

    def test_a_city_that_went_another_way_since_gets_nothing(self):
        self.copy_city("early")
        self.push(self.east, "A1", 1)
        self.put_back("early")
        for output in (1, 2, 3):
            self.push(self.west, "W1", output)
        self.assertIn("[ledger.forked]", self.push(self.east, "A2", 3, code=BAD).err)

    def test_when_the_right_city_is_back_what_waited_is_sent(self):
        self.copy_city("early")
        self.push(self.east, "A1", 1)
        self.copy_city("right")
        self.put_back("early")
        self.push(self.east, "A2", 3, code=BAD)
        self.put_back("right")
        self.push(self.east, "A1", 4)
        self.assertEqual(self.city.total("east", "2018-05", "output")["value"], "7.0")
        self.assertEqual(self.verify(self.east)["wrong"], [])
        self.assertNotIn("ledger.forked", self.east.command("status", code=GOOD).out)
        self.assert_sound(self.city)


if __name__ == "__main__":
    unittest.main()
