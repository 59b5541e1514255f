"""Nobody but the reporting side writes a unit's figure: tried with every command of an operator, with every message that
there is, and by looking at what each figure rests on."""

import contextlib
import re
import sqlite3
import unittest

import parktally
import satchel
import stranger
from stranger import Refused, Report, Silent, Stranger, pb

RULES = """\
  staff-needed: {zh: 有产值应有人员, en: Who produces has staff, form: monthly, weight: quasi-mandatory, holds: if output > 0 then staff > 0}
  output-small: {zh: 产值不大, en: Output is small, form: monthly, weight: verify, holds: output <= 1000.5}
"""
BOOK = ("--area", "east", "--form", "monthly", "--period", "2018-05")
ABOUT = (*BOOK, "--unit", "A1")
SUBMISSION_LEAF = 7
REPORTING = {"submit"}  # the one message that may carry figures

# Every command, in the ways that come nearest to writing a figure: what it takes, and what it should not.
TRIES = {
    "init": [("--catalogue", "{catalogue}")],
    "run": [()],
    "check": [()],
    "register import": [("{register}",), ("{figures}",)],
    "invite": [("--area", "east"), ("--area", "city", "--role", "bureau", "--forms", "monthly")],
    "agents": [()],
    "revoke": [("east-1",), ("nobody",)],
    "period status": [()],
    "period open": [(*BOOK, "--reason", "r")],
    "period close": [("--form", "monthly", "--period", "2018-05", "--reason", "r")],
    "period reopen": [(*BOOK, "--reason", "r")],
    "period publish": [("--form", "monthly", "--period", "2018-05", "--reason", "r"), (*BOOK, "--reason", "r")],
    "editions": [(), ("--edition", "1")],
    "totals": [("--area", "east", "--period", "2018-05"), ("--indicator", "output", "--value", "1"), ("--cumulative", "--yoy")],
    "targets": [("--period", "2018")],
    "explain": [("east", "output", "2018-05"), ("east", "output", "2018-05", "--between", "@1", "now")],
    "inquiries": [("--all",), ("--answer", "1")],
    "ask": [(*ABOUT, "--indicator", "output", "--reason", "改为1"), (*ABOUT, "--indicator", "output=1", "--reason", "r"), ("1", "--reason", "r")],
    "accept": [("1",), BOOK, (*ABOUT, "--value", "1")],
    "consent": [(*ABOUT, "--rule", "staff-needed", "--reason", "r")],
    "applications": [("--all",), ("--accept", "1")],
    "decline": [("1", "--reason", "r"), ("1", "--value", "1", "--reason", "r")],
    "completeness": [("--period", "2018-05")],
    "export": [("reports", "--form", "monthly", "--period", "2018-05", "--format", "csv"), ("totals", "--format", "json"),
               ("editions", "--edition", "1", "--format", "csv")],
    "scorecard": [("--period", "2018"), ("--score", "1")],
    "growth-plan": [("--period", "2018")],
    "import": [("{figures}",), ("{stick}",), ("{stick}", "--piece", "x")],
    "rebuild": [("--check",), ()],
    "ledger head": [()],
    "ledger prove": [("1",), ("{id}",)],
    "ledger export": [("--output", "{out}")],
    "ledger verify": [()],
    "ledger check": [(), ("--repair", "--from", "{figures}", "--give-up")],
    "audit list": [(), ("--act", "revoke")],
    "audit verify": [()],
    "top": [()],
    "backup": [("{out}",)],
    "restore": [("{out}", "--key", "{key}")],
    "resume": [(), ("--revocations-checked",)],
    "key backup": [("{out}2",)],
    "key rotate": [("--reason", "r")],
    "key retire": [("--reason", "r")],
    "reload": [(), ("--reason", "r")],
}


class WhoWrites(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator(parktally.small_catalogue(
            rules=RULES, indicators=parktally.BUREAU_INDICATOR, forms=parktally.BUREAU_FORM))
        self.city.import_register([parktally.unit("A1", "east"), parktally.unit("A2", "east"), parktally.unit("W1", "west")])
        self.city.start()
        self.east = self.agent("east")
        self.west = self.agent("west")
        self.sealed = self.east.sealed("monthly", "2018-05", [Report("A1", {"output": 10006, "staff": 1}), Report("A2", {"output": 5, "staff": 1})])
        self.id = stranger.digest(self.sealed[104:])
        self.assertEqual(self.east.read_receipt(self.east.receipt_bytes(self.sealed)).counted, 2)
        self.west.report("monthly", "2018-05", [Report("W1", {"output": 7, "staff": 1})])
        parktally.wait_until(lambda: "open" in self.city.command("inquiries", "--format", "csv").out, "something is asked")
        self.before = self.figures()
        self.assertEqual(len(self.before), 3)

    def agent(self, area, *options):
        agent = Stranger(self.city.invite(area, *options)).connect()
        self.addCleanup(agent.close)
        return agent

    def figures(self):
        """Every figure of every unit, those of before a correction too, as anybody finds them in the store."""
        with contextlib.closing(sqlite3.connect(f"file:{self.city.data / 'store.db'}?mode=ro", uri=True)) as store:
            return (store.execute("SELECT form, period, unit, park, revision, kind, figures FROM reports ORDER BY 1, 2, 3, 4").fetchall()
                    + store.execute("SELECT unit, place, revision, report FROM revision ORDER BY 1, 2, 3").fetchall())

    def assert_untouched(self, what):
        self.assertEqual(self.figures(), self.before, what)


class Operators(WhoWrites):
    def names(self):
        listed = self.city.command("--help").out.split("Commands:")[1]
        return set(re.findall(r"^  ([\w-]+(?: \w+)?)  ", listed, re.MULTILINE))

    def words(self, tried):
        paths = {"catalogue": self.city.source, "register": self.folder / "名录.csv", "figures": self.folder / "月报.csv",
                 "id": self.id.hex(), "out": self.folder / "备份", "key": self.city.data / "identity.key"}
        paths["register"].write_text(parktally.register_text([parktally.unit("A1", "west", name="改名")]))
        paths["figures"].write_text("uscc,period,output\nA1,2018-05,1\n")
        paths["stick"] = self.folder / "存储盘"
        paths["stick"].write_bytes(satchel.write(satchel.OUTBOX, list(self.forgeries())))
        return [word.format(**paths) for word in tried]

    def forgeries(self):
        """A stick with figures of east's units that east did not seal: changed, and by another park's key."""
        submission = self.east.make("monthly", "2018-05", [Report("A1", {"output": 1, "staff": 1}, base=self.id)])
        changed = bytearray(self.sealed)
        changed[-1] ^= 1
        for sealed in (bytes(changed), self.east.seal(submission, self.west.keys.sign), self.east.seal(submission, stranger.Keys().sign)):
            yield satchel.Record(satchel.SUBMISSION, submission.sequence, sealed)

    def test_every_command_is_tried(self):
        self.assertEqual(set(TRIES), self.names())

    def test_no_command_writes_a_figure(self):
        for name, tries in TRIES.items():
            for tried in tries:
                with self.subTest(name, tried=tried):
                    self.city.command(*name.split(), *self.words(tried), code=None)
                    self.assert_untouched((name, tried))
        self.city.stop()
        for name, tries in TRIES.items():
            if name == "run":
                continue
            for tried in tries:
                with self.subTest(name, tried=tried, server=False):
                    self.city.command(*name.split(), *self.words(tried), code=None)
                    self.assert_untouched((name, tried))


class Messages(WhoWrites):
    """Of somebody who has no right to east's figures."""

    def bodies(self, base):
        """Every message that there is, each as bad as it can be."""
        nobody = stranger.seal(stranger.SUBMISSION, b"", self.west.keys.sign)
        return {
            "hello": pb.Hello(agent="east-1"), "welcome": pb.Welcome(credit=9), "document_request": pb.DocumentRequest(kind=1),
            "document": pb.Document(kind=2, manifest=nobody), "chunk_request": pb.ChunkRequest(kind=1, hash=bytes(32)),
            "chunk": pb.Chunk(hash=bytes(32), data=b"unit,class,parks\n"), "receipt": self.sealed, "certificate": self.sealed,
            "busy": pb.Busy(id=base), "fault": pb.Fault(id=base, code="agent.revoked"),
            "refusal_request": pb.RefusalRequest(id=base), "refusal_page": pb.RefusalPage(id=base),
            "head_request": pb.HeadRequest(**{"from": [1, 9]}), "head": pb.Head(sealed=nobody),
            "state_request": pb.StateRequest(), "state_page": pb.StatePage(state=9, inquiry=[pb.Inquiry(number=1, answer="1")]),
        }

    def test_no_message_but_a_submission_writes_a_figure(self):
        bodies = self.bodies(self.id)
        kinds = {field.name for field in pb.Frame.DESCRIPTOR.oneofs_by_name["body"].fields}
        self.assertEqual(kinds, set(bodies) | REPORTING)
        for sender in (self.west, self.east):  # not even the park's own agent
            for kind, body in bodies.items():
                sender.send(**{kind: body})
        for sender in (self.west, self.east):
            sender.open()
            sender.hello()  # what was sent before was taken
        self.assert_untouched("messages")

    def test_who_has_no_key_is_not_heard(self):
        nobody = Stranger.__new__(Stranger)
        nobody.__dict__.update(self.east.__dict__, keys=stranger.Keys(), socket=None, heads={})
        nobody.open()
        self.addCleanup(nobody.close)
        nobody.submit(nobody.seal(self.correction(nobody)))
        with self.assertRaises(Silent):
            nobody.expect("receipt", "fault", seconds=1)
        self.assert_untouched("a stranger")

    def correction(self, by, **changes):
        return by.make("monthly", "2018-05", [Report("A1", {"output": 1, "staff": 1}, base=self.id)], **changes)

    def refused(self, agent, sealed):
        """The codes by which it was refused, whole or report by report."""
        try:
            receipt = agent.read_receipt(agent.receipt_bytes(sealed))
        except Refused as refused:
            return [refused.code]
        self.assertEqual(receipt.counted, 0)
        return [refusal.rule for refusal in receipt.refusal]

    def test_no_other_park_and_no_bureau_writes_it(self):
        bureau = self.agent("city", "--role", "bureau", "--forms", "city")
        own = self.agent("east")  # of an operator, beside the park's
        own_key = stranger.digest(bytes(own.keys.sign.verify_key))
        west, keys = self.west, self.west.keys.sign
        for agent, sealed, code in (
                (west, west.seal(self.correction(west)), "unit.elsewhere"),
                (west, west.seal(self.correction(west, agent=self.east.id)), "agent.other"),
                (west, self.sealed[:104] + b"\x00" + self.sealed[105:], "seal.forged"),
                (west, west.sealed("monthly", "2018-05", [Report("A1", kind=pb.REPORT_WITHDRAWAL, base=self.id)]), "unit.elsewhere"),
                (west, west.sealed_act(inquiry=1, asked_at_ms=self.east.asked_at(1), text="改为另一个数", answered_by="某人"), "inquiry.unknown"),
                (west, stranger.seal(stranger.RECEIPT, self.correction(west).SerializeToString(), keys), "seal.forged"),
                (bureau, bureau.seal(self.correction(bureau)), "form.no-right"),
                (own, own.seal(self.correction(own)), "admission.waiting"),
                (own, own.sealed_admission(own.id, own_key), "admission.waiting"),
                (bureau, bureau.sealed_admission(own.id, own_key), "admission.unknown"),
                (west, west.sealed_admission(own.id, own_key), "admission.unknown")):
            with self.subTest(code):
                self.assertEqual(self.refused(agent, sealed), [code])
                self.assert_untouched(code)


class TheLedger(WhoWrites):
    def test_each_figure_rests_on_a_submission_that_an_agent_of_its_park_sealed(self):
        correction = [Report("A2", {"output": 6, "staff": 1}, base=self.id)]
        self.assertEqual(self.east.report("monthly", "2018-05", correction)[1].counted, 1)
        with contextlib.closing(sqlite3.connect(f"file:{self.city.data / 'store.db'}?mode=ro", uri=True)) as store:
            reports = store.execute("SELECT unit, park, position FROM reports").fetchall()
            keys = dict(store.execute("SELECT area, sign_key FROM agent"))
            self.assertEqual(len(reports), 3)
            for unit, park, position in reports:
                (kind,), = store.execute("SELECT kind FROM leaf WHERE position = ?", (position,))
                self.assertEqual(kind, SUBMISSION_LEAF, unit)
                parts = store.execute("SELECT bytes FROM leaf_part WHERE id / 65536 = ? ORDER BY id", (position,)).fetchall()
                leaf = pb.Leaf.FromString(b"".join(part for part, in parts))
                payload = stranger.open_seal(stranger.SUBMISSION, leaf.submission.sealed, keys[park])
                self.assertIn(unit, [report.unit for report in pb.Submission.FromString(payload).report])


if __name__ == "__main__":
    unittest.main()
