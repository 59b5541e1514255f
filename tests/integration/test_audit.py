"""The journal of acts: whatever an operator does is there, with who and why, and stays there."""

import contextlib
import csv
import getpass
import io
import os
import pwd
import sqlite3
import subprocess
import unittest

import parktally

GOOD, MISUSED, BAD, CONFIGURATION = 0, 64, 65, 78
BOOK = ("--form", "monthly", "--period", "2018-05")
RULES = """\
  staff-needed: {zh: 有产值应有人员, en: Who produces has staff, form: monthly, weight: quasi-mandatory, holds: if output > 0 then staff > 0}
"""


class Audit(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator(parktally.small_catalogue(rules=RULES))
        self.city.import_register([parktally.unit("A1", "east"), parktally.unit("A2", "east")])
        self.city.start()
        self.east = parktally.enrol(self.city, "east", self.folder / "东")

    def push(self, *options):
        path = self.folder / "五月.csv"
        path.write_text("uscc,period,output,staff\nA1,2018-05,3,1\n")
        return self.east.command("push", path, "--approved-by", "张三", *options, code=GOOD)

    def journal(self, *options):
        text = self.city.command("audit", "list", "--format", "csv", *options).out
        return list(csv.DictReader(io.StringIO(text)))

    def test_every_act_is_there_with_who_and_why(self):
        self.push("--wait")
        reasons = {"revoke": "笔记本遗失", "ask": "为何增加？", "accept": "附有合同", "consent": "人员外包", "decline": "不在本区",
                   "period close": "到期", "period reopen": "更正", "period publish": "月度快报", "period open": "提前", "invite": "新电脑"}
        self.east.command("apply", "A9", "--class", "code", "--name", "新厂", "--text", "六月投产", "--by", "张三", code=GOOD)
        self.city.command("ask", "--area", "east", *BOOK, "--unit", "A1", "--reason", reasons["ask"])
        self.city.command("accept", "1", "--reason", reasons["accept"])
        self.city.command("consent", "--area", "east", *BOOK, "--unit", "A2", "--rule", "staff-needed", "--reason", reasons["consent"])
        self.city.command("decline", "1", "--reason", reasons["decline"])
        self.city.command("period", "close", *BOOK, "--reason", reasons["period close"])
        self.city.command("period", "publish", *BOOK, "--reason", reasons["period publish"])
        self.city.command("period", "reopen", *BOOK, "--area", "east", "--reason", reasons["period reopen"])
        self.city.command("period", "open", "--form", "monthly", "--period", "2090-05", "--reason", reasons["period open"])
        self.city.command("invite", "--area", "west", "--reason", reasons["invite"])
        self.city.command("revoke", self.east.id, "--reason", reasons["revoke"])
        self.city.reload("reload.done")
        journal = self.journal()
        self.assertEqual([line["position"] for line in journal], sorted((line["position"] for line in journal), key=int))
        by_act = {line["act"]: line for line in journal}
        for act, reason in reasons.items():
            self.assertEqual((by_act[act]["by"], by_act[act]["reason"]), (getpass.getuser(), reason), act)
        self.assertEqual(by_act["revoke"]["about"], self.east.id)
        self.assertEqual(by_act["period reopen"]["about"], "monthly 2018-05 east")
        self.assertEqual(by_act["period publish"]["about"], "1 monthly 2018-05 F")
        self.assertEqual(by_act["join"]["by"], self.east.id)
        self.assertEqual(by_act["reload"]["by"], "SIGHUP")
        self.assertEqual(by_act["register import"]["by"], getpass.getuser())
        self.assertEqual(by_act["init"]["position"], "0")
        self.assertEqual([line["about"] for line in self.journal("--act", "revoke")], [self.east.id])
        self.assertEqual(self.journal("--by", "nobody"), [])
        self.assertIn(f"{len(journal)} acts", self.city.command("audit", "verify").out)
        self.assertIn("right", self.city.command("ledger", "verify").out)
        self.city.kill()
        self.assertEqual(self.journal(), journal)  # without a server, and after its sudden end

    def test_a_reload_says_who_and_why(self):
        path = self.city.data / "catalogue.yaml"
        path.write_text(path.read_text() + "# 修订\n")
        self.assertIn("read again", self.city.command("reload", "--reason", "修订指标").out)
        for act in ("catalogue", "reload"):
            last = self.journal("--act", act)[-1]
            self.assertEqual((last["by"], last["reason"]), (getpass.getuser(), "修订指标"), act)
        path.write_text("zone: [")
        refused = self.city.command("reload", "--reason", "再修订", code=CONFIGURATION)
        self.assertIn("the old catalogue and configuration stay in force", refused.err)
        self.assertEqual(self.journal("--act", "reload")[-1]["reason"], "修订指标")
        self.city.stop()
        self.assertIn("no server runs", self.city.command("reload", code=69).err)

    @unittest.skipUnless(os.geteuid() == 0 and os.access("/proc/self/loginuid", os.W_OK), "who became root is not kept here")
    def test_who_became_root_is_named(self):
        """As sudo leaves it: root, whose login is another user's."""
        def log_in():
            with open("/proc/self/loginuid", "w") as login:
                login.write("1")

        words = [parktally.AGGREGATOR, "invite", "--area", "west", "--reason", "r", "--data", self.city.data]
        for state in ("beside the server", "alone"):
            subprocess.run(words, preexec_fn=log_in, check=True, capture_output=True, env=parktally.environment())
            self.assertEqual(self.journal("--act", "invite")[-1]["by"], f"root ({pwd.getpwuid(1).pw_name})", state)
            self.city.stop()

    def test_a_stick_that_was_taken_in_is_there(self):
        stick = self.folder / "stick"
        self.city.stop()
        path = self.folder / "五月.csv"
        path.write_text("uscc,period,output,staff\nA1,2018-05,3,1\n")
        self.east.command("push", path, "--approved-by", "张三")
        self.east.command("outbox", "export", stick, code=GOOD)
        for _ in range(2):  # the second time there is nothing new
            self.city.command("import", stick)
        self.assertEqual([line["about"] for line in self.journal("--act", "import")], [str(stick)])

    def test_an_act_that_was_changed_or_removed_is_found(self):
        self.city.command("invite", "--area", "west", "--reason", "r")
        self.city.stop()
        for change in ("UPDATE leaf_part SET bytes = CAST(replace(CAST(bytes AS TEXT), 'west', 'east') AS BLOB)",
                       "UPDATE leaf SET hash = zeroblob(32) WHERE position = 0"):
            with self.subTest(change), contextlib.closing(sqlite3.connect(self.city.data / "store.db")) as store:
                store.execute(f"{change}" if "position" in change else f"{change} WHERE id / 65536 = {self.city.position()}")
                store.commit()
                self.assertNotEqual(self.city.command("audit", "verify", code=None).code, GOOD)


if __name__ == "__main__":
    unittest.main()
