"""Sneakernet: what an agent exports is carried to the city on a stick, counts once, and its receipts travel back; and
what becomes of an outbox whose disk has damaged it. With the real programs."""

import contextlib
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import unittest

import parktally
import satchel
import stranger as st
from satchel import Record
from stranger import Report, pb

GOOD, MISUSED, BAD, LATER, DENIED = 0, 64, 65, 75, 77
HEADER = "uscc,period,output,sales,staff"
MONTHS = [f"2018-{month:02d}" for month in range(1, 13)]
CHINESE = re.compile("[\u4e00-\u9fff]")


@contextlib.contextmanager
def without_network(agent):
    """A push in here is made durable and not sent: as if another process was about to."""
    with open(agent.data / "lock.link", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Case(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator()
        self.city.import_register([parktally.unit(f"A{n:03d}", "east") for n in range(200)] +
                                  [parktally.unit("W1", "west")])
        self.city.start()
        self.stick = self.folder / "stick"
        self.stick.mkdir()

    def join(self, area="east", name="agent"):
        agent = parktally.enrol(self.city, area, self.folder / name)
        agent.command("status", code=GOOD)
        return agent

    def push(self, agent, period, value, units=3, code=GOOD, first="A"):
        """A file of these units, all with this value."""
        path = self.folder / f"{period}.csv"
        lines = [f"{first}{n:03d},{period},{value},2,3" for n in range(units)]
        path.write_text("\n".join([HEADER, *lines]) + "\n")
        with without_network(agent):
            return agent.command("push", path, "--approved-by", "张三", code=code)

    def make_work(self, agent, months=3):
        for number, month in enumerate(MONTHS[:months]):
            self.push(agent, month, number + 1)

    def export(self, agent, *options, name="outbox", code=GOOD):
        path = self.stick / name
        agent.command("outbox", "export", path, *options, code=code)
        return path

    def bring(self, path, *options, code=GOOD):
        return self.city.command("import", path, *options, code=code)

    def take_back(self, agent, path, code=GOOD):
        return agent.command("outbox", "import", path, code=code)

    def status(self, agent):
        return json.loads(agent.command("status", "--format", "json", code=GOOD).out)

    def values(self, months=3):
        return [self.city.total("east", month, "output")["value"] for month in MONTHS[:months]]

    def receipts(self, path):
        return satchel.read(path.read_bytes(), satchel.RECEIPTS)

    def leaves(self):
        return self.city.position()


class ThereAndBack(Case):
    def test_what_is_carried_counts_and_its_receipts_travel_back(self):
        agent = self.join()
        self.make_work(agent)
        path = self.export(agent)
        self.assertEqual(self.values(), ["", "", ""])
        said = self.bring(path)
        self.assertIn("3 submissions: 3 taken now, 0 known already, 0 refused whole, 0 put off", said.out)
        self.assertIn("9 are counted", said.out)
        self.assertEqual(said.err, "")
        self.assertEqual(self.values(), ["3.0", "6.0", "9.0"])
        self.assertEqual(self.status(agent)["waiting_to_send"], 3)
        said = self.take_back(agent, f"{path}.receipts")
        self.assertIn("3 receipts taken, 0 known already", said.out)
        status = self.status(agent)
        self.assertEqual((status["waiting_to_send"], status["answered"], status["counted"]), (0, 3, 9))
        self.assertIn("3 receipts", agent.command("receipts", "verify", code=GOOD).out)
        self.assertIn("import.done", self.city.log())
        self.assert_sound(self.city)

    def test_without_a_server_the_command_does_it_itself(self):
        agent = self.join()
        self.make_work(agent)
        path = self.export(agent)
        self.city.stop()
        self.assertIn("3 taken now", self.bring(path).out)
        self.assertEqual(self.values(), ["3.0", "6.0", "9.0"])
        self.take_back(agent, f"{path}.receipts")
        self.assertEqual(self.status(agent)["waiting_to_send"], 0)
        self.assert_sound(self.city)

    def test_twice_imported_it_counts_once_and_gets_the_same_receipts(self):
        agent = self.join()
        self.make_work(agent)
        path = self.export(agent)
        self.bring(path)
        first, leaves = self.receipts(self.stick / "outbox.receipts"), self.leaves()
        said = self.bring(path, "--receipts", self.stick / "again")
        self.assertIn("0 taken now, 3 known already", said.out)
        self.assertEqual(self.receipts(self.stick / "again"), first)
        self.assertEqual(self.leaves(), leaves)
        self.take_back(agent, self.stick / "again")
        said = self.take_back(agent, self.stick / "again")
        self.assertIn("0 receipts taken, 3 known already", said.out)
        self.assertEqual(self.values(), ["3.0", "6.0", "9.0"])

    def test_what_the_link_sends_later_too_counts_once(self):
        agent = self.join()
        self.make_work(agent)
        path = self.export(agent)
        self.bring(path)
        leaves = self.leaves()
        april = self.folder / "2018-04.csv"
        april.write_text(f"{HEADER}\nA000,2018-04,7,2,3\n")
        agent.command("push", april, "--approved-by", "张三", "--wait", code=GOOD)
        self.assertEqual(self.status(agent)["waiting_to_send"], 0)
        self.assertEqual(self.leaves(), leaves + 1)  # April's alone
        said = self.take_back(agent, f"{path}.receipts")
        self.assertIn("0 receipts taken, 3 known already", said.out)
        self.assertEqual(self.values(4), ["3.0", "6.0", "9.0", "7.0"])
        self.assertEqual(self.bring(self.export(agent)).out.count("0 submissions"), 1)  # nothing waits any more

    def test_the_same_bytes_travel_as_over_the_wire(self):
        agent = self.join()
        self.make_work(agent, 2)
        records = satchel.read(self.export(agent).read_bytes(), satchel.OUTBOX)
        self.assertEqual([record.kind for record in records], [satchel.CERTIFICATE, satchel.RETURN] + 2 * [satchel.SUBMISSION])
        self.assertEqual([record.sequence for record in records], [0, 0, 1, 2])
        with contextlib.closing(sqlite3.connect(agent.data / "outbox.db")) as outbox:
            rows = outbox.execute("SELECT sealed FROM content ORDER BY sequence").fetchall()
        self.assertEqual([record.payload for record in records[2:]], [row[0] for row in rows])

    def test_refused_reports_are_told_at_the_park(self):
        agent = self.join()
        self.push(agent, "2018-05", 5)
        exported = self.export(agent)
        self.city.import_register([parktally.unit("A001", "west")])  # in another park meanwhile
        self.city.command("import", exported, code=GOOD)
        said = self.take_back(agent, f"{exported}.receipts")
        status = self.status(agent)
        self.assertEqual((status["counted"], status["refused"]), (2, 1), said)

    def test_pages_of_refusals_travel_too(self):
        units = [f"B{n:04d}" for n in range(1200)]
        self.city.import_register([parktally.unit(code, "east") for code in units])
        agent = self.join()
        path = self.folder / "large.csv"
        path.write_text("\n".join([HEADER, *(f"{code},2018-05,1,2,3" for code in units)]) + "\n")
        with without_network(agent):
            agent.command("push", path, "--approved-by", "张三", code=GOOD)
        self.city.import_register([parktally.unit(code, "west") for code in units])
        exported = self.export(agent)
        self.bring(exported)
        kinds = [record.kind for record in self.receipts(self.stick / "outbox.receipts")]
        self.assertEqual(kinds.count(satchel.REFUSALS), 2)
        self.take_back(agent, f"{exported}.receipts")
        with contextlib.closing(sqlite3.connect(agent.data / "outbox.db")) as outbox:
            self.assertEqual(outbox.execute("SELECT count(*) FROM verdict").fetchone()[0], 1200)
            self.assertEqual(outbox.execute("SELECT refusals, refusals_kept FROM submission").fetchone(), (1200, 1200))

    def test_a_stranger_who_has_only_the_readme_is_understood(self):
        stranger = st.enrol(self.city, "west")
        stranger.connect()
        sealed = stranger.sealed("monthly", "2018-05", [Report("W1", {"output": 25, "sales": 1, "sales.ytd": 1, "staff": 3})])
        path = self.stick / "stranger"
        path.write_bytes(satchel.write(satchel.OUTBOX, [
            Record(satchel.CERTIFICATE, 0, stranger.sealed_certificate), Record(satchel.SUBMISSION, 1, sealed)]))
        self.bring(path)
        self.assertEqual(self.city.total("west", "2018-05", "output")["value"], "2.5")
        receipt = [record for record in self.receipts(self.stick / "stranger.receipts") if record.kind == satchel.RECEIPT]
        self.assertEqual(stranger.read_receipt(receipt[0].payload).submission, st.digest(sealed[104:]))
        self.assertEqual(stranger.receipt_bytes(sealed), receipt[0].payload)  # over the link the very same

    def test_several_files_each_have_their_receipts(self):
        agents = [self.join(), self.join("west", "west")]
        self.push(agents[0], "2018-05", 1)
        path = self.folder / "w.csv"
        path.write_text(f"{HEADER}\nW1,2018-05,4,2,3\n")
        with without_network(agents[1]):
            agents[1].command("push", path, "--approved-by", "张三", code=GOOD)
        files = [self.export(agent, name=agent.id) for agent in agents]
        self.assertEqual(self.city.command("import", *files, "--receipts", self.stick / "x", code=None).code, MISUSED)
        self.city.command("import", *files)
        for agent, file in zip(agents, files):
            self.take_back(agent, f"{file}.receipts")
            self.assertEqual(self.status(agent)["waiting_to_send"], 0)
        said = self.take_back(agents[0], f"{files[1]}.receipts", code=BAD)
        self.assertIn(f"the file is of agent {agents[1].id}, and this is agent {agents[0].id}", said.err)

    def test_both_commands_speak_chinese(self):
        agent = self.join()
        self.make_work(agent, 1)
        chinese = parktally.environment(LC_ALL="C.UTF-8", LANGUAGE="zh_CN")
        path = self.stick / "中文"
        for said in (parktally.run(parktally.AGENT, "outbox", "export", path, data=agent.data, env=chinese),
                     self.city.command("import", path, env=chinese),
                     parktally.run(parktally.AGENT, "outbox", "import", f"{path}.receipts", data=agent.data, env=chinese),
                     parktally.run(parktally.AGENT, "outbox", "check", data=agent.data, env=chinese)):
            self.assertEqual(said.code, GOOD, said)
            self.assertRegex(said.out, CHINESE)


class BadFiles(Case):
    def setUp(self):
        super().setUp()
        self.agent = self.join()
        self.make_work(self.agent)
        self.path = self.export(self.agent)
        self.bytes = self.path.read_bytes()
        self.places = satchel.places(self.bytes)

    def assert_arrives(self, months):
        """Of what is in the file only that counts; and with the good file all does, once."""
        values = [f"{3 * (n + 1)}.0" if n in months else "" for n in range(3)]
        self.assertEqual(self.values(), values)
        self.path.write_bytes(self.bytes)
        self.bring(self.path)
        self.assertEqual(self.values(), ["3.0", "6.0", "9.0"])
        self.assert_sound(self.city)

    def test_a_truncated_file_gives_all_its_whole_records(self):
        self.path.write_bytes(self.bytes[:self.places[4] + 100])
        said = self.bring(self.path, code=BAD)
        self.assertIn("cut off", said.err)
        self.assertIn("2 taken now", said.out)
        self.assertEqual(len(self.receipts(self.stick / "outbox.receipts")), 3)
        self.assert_arrives({0, 1})

    def test_a_file_without_its_end_says_so(self):
        self.path.write_bytes(self.bytes[:self.places[5]])
        self.assertIn("cut off", self.bring(self.path, code=BAD).err)
        self.assert_arrives({0, 1, 2})

    def test_a_flipped_bit_costs_one_record_which_is_named(self):
        changed = bytearray(self.bytes)
        changed[self.places[3] + satchel.HEADER + 150] ^= 4
        self.path.write_bytes(changed)
        said = self.bring(self.path, code=BAD)
        self.assertIn(f"agent {self.agent.id}, submission 2: record 3 at byte {self.places[3]} is damaged", said.err)
        self.assertIn("2 taken now", said.out)
        self.assert_arrives({0, 2})

    def test_a_damaged_header_does_not_hide_what_follows(self):
        changed = bytearray(self.bytes)
        changed[self.places[2] + 12:self.places[2] + 16] = b"\xff\xff\xff\xff"
        self.path.write_bytes(changed)
        said = self.bring(self.path, code=BAD)
        self.assertIn("records 2 to 2 are missing", said.err)
        self.assert_arrives({1, 2})

    def test_what_was_changed_with_its_checks_is_refused_by_its_seal(self):
        records = satchel.read(self.bytes, satchel.OUTBOX)
        payload = bytearray(records[3].payload)
        payload[-1] ^= 1
        records[3] = records[3]._replace(payload=bytes(payload))
        self.path.write_bytes(satchel.write(satchel.OUTBOX, records))
        said = self.bring(self.path, code=BAD)
        self.assertIn("submission 2: refused whole", said.err)
        self.assertIn("[seal.forged]", said.err)
        fault = self.receipts(self.stick / "outbox.receipts")[2]
        self.assertEqual((fault.kind, pb.Frame.FromString(fault.payload).fault.code), (satchel.FAULT, "seal.forged"))
        self.assert_arrives({0, 2})

    def test_an_oversized_record_is_passed_over(self):
        records = satchel.read(self.bytes, satchel.OUTBOX)
        records.insert(2, Record(satchel.SUBMISSION, 77, b"x" * 400000))
        records.insert(2, Record(satchel.SUBMISSION, 78, b"x" * 266000))  # within a frame, beyond a seal
        self.path.write_bytes(satchel.write(satchel.OUTBOX, records))
        said = self.bring(self.path, code=BAD)
        self.assertIn("submission 77: record 3", said.err)
        self.assertIn("[message.size]", said.err)
        self.assert_arrives({0, 1, 2})

    def test_another_citys_file_is_refused_record_by_record(self):
        other = self.aggregator(name="other")
        other.import_register([parktally.unit("A000", "east")])
        other.start()
        foreign = parktally.enrol(other, "east", self.folder / "foreign")
        self.push(foreign, "2018-05", 1, units=1)
        said = self.bring(self.export(foreign, name="foreign"), code=BAD)
        self.assertIn("submission 1: refused whole", said.err)
        self.assertIn("[seal.unknown-key]", said.err)
        said = self.take_back(foreign, self.stick / "foreign.receipts", code=BAD)
        self.assertIn("it stays in the outbox", said.err)
        self.assertEqual(self.status(foreign)["waiting_to_send"], 1)

    def test_a_revoked_agents_file_brings_what_was_acknowledged_before_and_nothing_new(self):
        self.bring(self.path)
        self.push(self.agent, "2018-04", 9)
        self.city.command("revoke", self.agent.id)
        path = self.export(self.agent, "--all", name="all")
        said = self.bring(path, code=BAD)
        self.assertIn("3 known already, 1 refused whole", said.out)
        self.assertIn("submission 4: refused whole", said.err)
        self.assertIn("[agent.revoked]", said.err)
        self.take_back(self.agent, self.stick / "all.receipts", code=BAD)
        status = self.status(self.agent)
        self.assertEqual((status["answered"], status["waiting_to_send"], status["refused_whole"]), (3, 1, 0))

    def test_no_file_of_ours_is_said_to_be_none(self):
        for content in (b"", b"PTLYBAG\n", b"uscc,period\n" * 1000, os.urandom(100000)):
            self.path.write_bytes(content)
            said = self.bring(self.path, code=BAD)
            self.assertRegex(said.err, "does not begin as one|cut off")
        for folder in (self.stick, "/dev/null", "/dev/zero"):
            self.assertEqual(self.city.command("import", folder, code=None).code, MISUSED)
        self.assertIn("cannot be opened", self.city.command("import", self.stick / "none", code=74).err)

    def test_where_the_receipts_cannot_stand_nothing_is_taken(self):
        leaves = self.leaves()
        self.city.command("import", self.path, "--receipts", self.stick / "none" / "here", code=74)
        self.city.command("import", self.path, "--receipts", self.stick, code=MISUSED)
        self.assertEqual(self.leaves(), leaves)

    def test_a_file_of_a_newer_version_says_what_to_do(self):
        self.path.write_bytes(self.bytes[:8] + b"\x02" + self.bytes[9:])
        self.assertIn("newer", self.bring(self.path, code=78).err)

    def test_damaged_receipts_are_not_taken(self):
        self.bring(self.path)
        records = self.receipts(self.stick / "outbox.receipts")
        payload = bytearray(records[2].payload)
        payload[-1] ^= 1
        records[2] = records[2]._replace(payload=bytes(payload))
        records.append(Record(satchel.FAULT, 9, b"\xff\xff"))
        path = self.stick / "changed"
        path.write_bytes(satchel.write(satchel.RECEIPTS, records))
        said = self.take_back(self.agent, path, code=BAD)
        self.assertIn("submission 2: this receipt was not taken: its bytes are not those that were signed", said.err)
        self.assertIn("submission 9: what the city says of it cannot be read", said.err)
        self.assertEqual(self.status(self.agent)["answered"], 2)


class AnotherLedger(Case):
    def test_a_receipt_of_a_ledger_that_was_set_back_is_kept_as_evidence_only(self):
        agent = self.join()
        saved = self.folder / "saved"
        self.city.stop()
        shutil.copytree(self.city.data, saved)
        self.push(agent, "2018-01", 1)
        self.bring(self.export(agent))
        self.take_back(agent, self.stick / "outbox.receipts")
        shutil.rmtree(self.city.data)
        shutil.copytree(saved, self.city.data)
        self.push(agent, "2018-02", 2)
        self.bring(self.export(agent, name="later"))
        said = self.take_back(agent, self.stick / "later.receipts", code=BAD)
        self.assertIn("another ledger", said.err)
        self.assertIn("[ledger.forked]", said.err)
        self.assertEqual(self.status(agent)["waiting_to_send"], 1)
        agent.command("receipts", "verify", code=BAD)


class Restoring(Case):
    def test_an_export_of_everything_restores_a_lost_outbox(self):
        agent = self.join()
        self.make_work(agent)
        self.bring(self.export(agent))
        self.take_back(agent, self.stick / "outbox.receipts")
        self.push(agent, "2018-04", 4)  # waits
        before = self.status(agent)
        path = self.export(agent, "--all", name="all")
        for file in agent.data.glob("outbox.db*"):
            file.unlink()
        for _ in range(2):
            said = self.take_back(agent, path)
            self.assertEqual(self.status(agent), before)
        self.assertIn("0 submissions taken back, 4 were there", said.out)
        agent.command("outbox", "check", code=GOOD)
        with contextlib.closing(sqlite3.connect(agent.data / "outbox.db")) as outbox:
            self.assertEqual(outbox.execute("SELECT value FROM meta WHERE key = 'sequence'").fetchone()[0], 4)
        self.push(agent, "2018-01", 9)  # a correction knows what it corrects
        self.bring(self.export(agent, name="then"))
        self.assertEqual(self.values(4), ["27.0", "6.0", "9.0", "12.0"])
        self.assert_sound(self.city)

    def test_somebody_elses_export_is_not_taken_back(self):
        agent, other = self.join(), self.join("west", "west")
        self.make_work(agent, 1)
        said = self.take_back(other, self.export(agent), code=BAD)
        self.assertIn("it was signed with another key", said.err)
        self.assertEqual(self.status(other)["submissions"], 0)

    def test_a_number_that_is_anothers_here_is_not_taken_back(self):
        agent = self.join()
        self.push(agent, "2018-05", 1)
        path = self.export(agent)
        for file in agent.data.glob("outbox.db*"):
            file.unlink()
        self.push(agent, "2018-06", 2)  # has number 1 again
        said = self.take_back(agent, path, code=BAD)
        self.assertIn("submission 1: not taken back", said.err)
        self.assertEqual(self.status(agent)["submissions"], 1)


class Damage(Case):
    def setUp(self):
        super().setUp()
        self.agent = self.join()
        self.make_work(self.agent, 6)
        self.bring(self.export(self.agent))
        self.take_back(self.agent, self.stick / "outbox.receipts")
        self.push(self.agent, "2018-07", 7)
        self.push(self.agent, "2018-08", 8)
        self.database = self.agent.data / "outbox.db"

    def check(self, *options, code=BAD):
        return self.agent.command("outbox", "check", *options, code=code)

    def sealed(self, table, sequence):
        with contextlib.closing(sqlite3.connect(self.database)) as outbox:
            outbox.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return outbox.execute(f"SELECT sealed FROM {table} WHERE sequence = {sequence}").fetchone()[0]

    def hit(self, table, sequence):
        """Flips a bit of a record in the file."""
        sealed = self.sealed(table, sequence)
        content = bytearray(self.database.read_bytes())
        place = content.index(sealed[:150]) + 140
        content[place] ^= 1
        self.database.write_bytes(content)

    def test_a_sound_outbox_is_called_sound(self):
        self.assertIn("8 submissions, nothing is damaged", self.check(code=GOOD).out)
        before = self.database.read_bytes()
        self.check("--repair", code=GOOD)
        self.assertEqual((self.database.read_bytes(), len(list(self.agent.data.glob("*damaged*")))), (before, 0))

    def test_damage_of_what_was_acknowledged_loses_nothing(self):
        self.hit("content", 2)
        self.hit("receipt", 4)
        said = self.check()
        self.assertIn("submission 2 ", said.err)
        self.assertIn("the city has it, so that nothing is lost", said.err)
        self.assertIn("receipt of submission 4 ", said.err)
        said = self.check("--repair", code=BAD)
        self.assertIn("the damaged one is kept as", said.out)
        self.check(code=GOOD)
        self.assertIn("5 receipts", self.agent.command("receipts", "verify", code=GOOD).out)
        exported = self.export(self.agent, name="rest")
        self.assertIn("2 taken now, 1 known already", self.bring(exported).out)  # 4 again, which counts once
        self.take_back(self.agent, f"{exported}.receipts")
        self.assertEqual(self.values(8), [f"{3 * n}.0" for n in range(1, 9)])
        status = self.status(self.agent)
        self.assertEqual((status["answered"], status["waiting_to_send"]), (8, 0))
        self.assert_sound(self.city)

    def test_what_was_lost_before_it_was_sent_is_named_with_its_file(self):
        self.hit("content", 7)
        said = self.check()
        self.assertRegex(said.err, "submission 7 .*2018-07.csv.*push its file again")
        said = self.check("--repair")
        self.assertIn("submission 7 ", said.err)
        self.push(self.agent, "2018-07", 7)
        path = self.export(self.agent, name="rest")
        self.bring(path)
        self.assertEqual(self.values(8), [f"{3 * n}.0" for n in range(1, 9)])
        self.assert_sound(self.city)

    def test_an_export_made_before_brings_a_damaged_record_back(self):
        before = self.export(self.agent, "--all", name="before")
        self.hit("content", 7)
        said = self.agent.command("outbox", "export", self.stick / "without", code=BAD)
        self.assertRegex(said.err, 'the table "content".*park-agent outbox check')
        self.assertIn("submission 7 ", self.check("--repair").err)
        self.take_back(self.agent, before)
        self.check(code=GOOD)
        self.bring(self.export(self.agent, name="with"))
        self.assertEqual(self.values(8), [f"{3 * n}.0" for n in range(1, 9)])

    def test_a_repair_waits_for_nobody(self):
        self.hit("content", 2)
        service = self.agent.start("run")
        self.addCleanup(service.kill)
        parktally.wait_until(lambda: (self.agent.data / "lock.run").exists() and self.is_locked("run"), "the service runs")
        said = self.check("--repair", code=LATER)
        self.assertIn("another park-agent is at work", said.err)
        self.assertEqual(list(self.agent.data.glob("*damaged*")), [])
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=parktally.PATIENCE)
        self.check("--repair", code=BAD)
        self.check(code=GOOD)

    def is_locked(self, name):
        with open(self.agent.data / f"lock.{name}", "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return False
            except BlockingIOError:
                return True

    def test_the_whole_first_page_gone_the_records_are_found_in_the_others(self):
        self.sealed("content", 1)  # so that the log is empty
        with open(self.database, "r+b") as file:
            file.write(bytes(4096))
        self.assertIn("cannot be opened", self.check().err)
        said = self.check("--repair", code=None)
        self.assertIn("a new outbox was made of 8 submissions and 6 receipts", said.out)
        status = self.status(self.agent)
        self.assertEqual((status["submissions"], status["answered"], status["counted"]), (8, 6, 18))
        self.push(self.agent, "2018-09", 9)
        self.bring(self.export(self.agent, name="rest"))
        self.assertEqual(self.values(9), [f"{3 * n}.0" for n in range(1, 10)])
        self.assert_sound(self.city)


class Large(Case):
    def test_100_000_reports_are_carried_in_bounded_memory(self):
        stranger = st.enrol(self.city, "west")
        count, each = 50, 2000
        units = [f"L{n:05d}" for n in range(each)]
        self.city.import_register([parktally.unit(code, "west") for code in units])
        stranger.connect()
        months = [f"{year}-{month:02d}" for year in range(2013, 2018) for month in range(1, 13)][:count]
        records = [Record(satchel.CERTIFICATE, 0, stranger.sealed_certificate)]
        for number, month in enumerate(months):
            reports = [Report(code, {"output": n, "sales": number, "sales.ytd": 900000 + n, "staff": 4})
                       for n, code in enumerate(units)]
            records.append(Record(satchel.SUBMISSION, number + 1, stranger.sealed("monthly", month, reports)))
        path = self.stick / "large"
        path.write_bytes(satchel.write(satchel.OUTBOX, records))
        said = self.bounded(16, parktally.AGGREGATOR, "import", path, "--data", self.city.data)
        self.assertIn("50 taken now", said)
        self.assertIn("100000 are counted", said)
        self.assertEqual(self.city.total("west", months[7], "output")["reported"], "2000")

    def bounded(self, mebibytes, program, *words):
        """What it says when it may have so much memory of its own, with all that it writes to."""
        def limit():
            resource.setrlimit(resource.RLIMIT_DATA, (mebibytes << 20, mebibytes << 20))
        done = subprocess.run([program, *map(str, words)], capture_output=True, env=parktally.environment(), check=False,
                              preexec_fn=None if parktally.SANITIZED else limit, timeout=parktally.PATIENCE)
        self.assertEqual(done.returncode, GOOD, done)
        return done.stdout.decode()

    def test_an_outbox_of_100_000_reports_is_exported_in_bounded_memory(self):
        units = [f"L{n:05d}" for n in range(2000)]
        self.city.import_register([parktally.unit(code, "east") for code in units])
        agent = self.join()
        months = [f"{year}-{month:02d}" for year in range(2013, 2018) for month in range(1, 13)][:50]
        path = self.folder / "all.csv"
        lines = [f"{code},{month},{number}.{n % 10},{n},{number}"
                 for number, month in enumerate(months) for n, code in enumerate(units)]
        path.write_text("\n".join([HEADER, *lines]) + "\n")
        with without_network(agent):
            agent.command("push", path, "--approved-by", "张三", code=GOOD)
        self.assertEqual(self.status(agent)["reports"], 100000)
        said = self.bounded(8, parktally.AGENT, "outbox", "export", self.stick / "outbox", "--data", agent.data)
        self.assertIn("50 submissions", said)
        self.bounded(8, parktally.AGENT, "outbox", "check", "--data", agent.data)
        self.bring(self.stick / "outbox")
        self.bounded(8, parktally.AGENT, "outbox", "import", self.stick / "outbox.receipts", "--data", agent.data)
        self.assertEqual(self.status(agent)["counted"], 100000)


if __name__ == "__main__":
    unittest.main()
