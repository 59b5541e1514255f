"""A city's server lost and restored from a backup: what it no longer has comes again, once, and nobody is deceived."""

import json
import shutil
import subprocess
import time
import unittest

import parktally

GOOD, MISUSED, BAD, LATER, DENIED, CONFIGURATION = 0, 64, 65, 75, 77, 78
PASSPHRASE = "一二三四五六七八九十山水\n"
REGISTER = [parktally.unit("A1", "east", name="甲厂"), parktally.unit("A2", "east", name="乙厂"),
            parktally.unit("W1", "west", name="丙厂")]


class Case(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator()
        self.city.import_register(REGISTER)
        self.city.start()
        self.east = self.join("east", "东")
        self.west = self.join("west", "西")
        self.restored_at = 0
        self.backup_file, self.key_file = self.folder / "备份", self.folder / "密钥"
        shutil.copy(self.city.data / "identity.key", self.key_file)  # which protects it no more than the folder did

    def join(self, area, name):
        return parktally.enrol(self.city, area, self.folder / name)

    def push(self, agent, figures, period="2018-05", code=GOOD, wait=60):
        path = self.folder / "月报.csv"
        rows = "".join(f"{unit},{period},{output}\n" for unit, output in figures.items())
        path.write_text(f"uscc,period,output\n{rows}")
        return agent.command("push", path, "--approved-by", "张三", "--wait", "--timeout", wait, code=code)

    def back_up(self, path=None):
        return self.city.command("backup", path or self.backup_file)

    def restore(self, path=None, key=None, passphrase=None, folder=None, code=GOOD):
        """Into the place of the city's folder, which is lost. No two in one second, by which they are told apart."""
        parktally.wait_until(lambda: int(time.time()) > self.restored_at, "another second")
        if self.city.is_running():
            self.city.kill()
        if folder is None:
            shutil.rmtree(self.city.data, ignore_errors=True)
        answer = parktally.run(parktally.AGGREGATOR, "restore", path or self.backup_file, "--key", key or self.key_file,
                               "--reason", "硬盘损坏", data=folder or self.city.data, stdin=passphrase)
        self.assertEqual(answer.code, code, answer)
        self.restored_at = int(time.time())
        return answer

    def resume(self, code=GOOD):
        return self.city.command("resume", "--revocations-checked", code=code)

    def lose_all_since_the_backup(self, backup=None):
        self.restore(backup)
        self.city.start()
        self.resume()

    def total(self, area="east", period="2018-05"):
        return self.city.total(area, period, "output")["value"]

    def status(self, agent):
        return json.loads(agent.command("status", "--format", "json", code=GOOD).out)

    def receipts(self, agent):
        found = json.loads(agent.command("receipts", "verify", "--format", "json", code=GOOD).out)
        self.assertEqual((found["wrong"], found["not_compared"]), ([], 0))
        return found["receipts"]


class Restored(Case):
    def test_what_the_backup_lacks_comes_again_once(self):
        self.push(self.east, {"A1": 1, "A2": 10})
        self.back_up()
        self.push(self.east, {"A1": 2})  # a correction of what the backup has
        self.push(self.west, {"W1": 5})
        self.push(self.west, {"W1": 6})  # a correction of what it has not
        before = self.city.totals("--period", "2018-05")
        self.restore()
        self.city.start()
        self.assertEqual(self.total(), "11.0")
        self.resume()
        self.push(self.east, {"A1": 2})  # unchanged: only brings the agent to the city
        self.push(self.west, {"W1": 6})
        self.assertEqual(self.city.totals("--period", "2018-05"), before)
        for agent, count in ((self.east, 2), (self.west, 2)):
            self.assertEqual(self.receipts(agent), count)
            self.assertIn("sent again", agent.command("receipts", "verify", code=GOOD).out)
            self.assertFalse(self.status(agent)["ledger_forked"])
        self.assertIn("right", self.city.command("ledger", "verify").out)
        self.assert_sound(self.city)

    def test_where_the_backup_lacks_nothing_nothing_is_sent_again(self):
        self.push(self.east, {"A1": 1})
        self.back_up()
        self.restore()
        self.city.start()
        self.resume()
        leaves = self.city.position()
        self.push(self.east, {"A1": 1})
        self.assertEqual(self.city.position(), leaves)
        self.push(self.east, {"A1": 3})
        self.assertEqual(self.total(), "3.0")

    def test_nothing_is_taken_before_somebody_has_looked_after_revocations(self):
        self.back_up()
        self.restore()
        self.city.start()
        self.assertIn("[ledger.restored]", self.push(self.east, {"A1": 1}, code=LATER, wait=2).err)
        refused = self.city.command("resume", code=MISUSED)
        self.assertIn("--revocations-checked", refused.err)
        invitation = self.city.invite("east")
        late = parktally.run(parktally.AGENT, "join", "-", data=self.folder / "新", stdin=invitation)
        self.assertNotEqual(late.code, GOOD)
        self.assertEqual(self.total(), "")
        self.resume()
        self.assertIn("nothing to resume", self.resume(code=MISUSED).err)
        self.push(self.east, {"A1": 1})
        self.assertEqual(self.total(), "1.0")
        self.assertEqual(parktally.run(parktally.AGENT, "join", "-", data=self.folder / "新", stdin=invitation).code, GOOD)

    def test_who_was_revoked_after_the_backup_stays_out(self):
        self.back_up()
        self.city.command("revoke", self.west.id)
        self.restore()
        self.city.start()
        self.city.command("revoke", self.west.id)
        self.resume()
        self.assertIn("[agent.revoked]", self.push(self.west, {"W1": 1}, code=DENIED).err)
        self.assertEqual(self.total("west"), "")

    def test_who_enrolled_after_the_backup_comes_back_by_its_certificate(self):
        self.city.import_register([*REGISTER, parktally.unit("S1", "south", name="丁厂")])
        self.back_up()
        south = self.join("south", "南")
        self.push(south, {"S1": 4})
        self.push(south, {"S1": 5})
        self.restore()
        self.city.start()
        self.push(south, {"S1": 6}, code=LATER, wait=3)
        self.assertNotIn(south.id, self.city.command("agents").out)
        self.resume()
        self.push(south, {"S1": 6})
        self.assertIn(south.id, self.city.command("agents").out)
        self.assertEqual(self.total("south"), "6.0")
        self.assertEqual(self.receipts(south), 3)
        self.city.kill()  # nobody who is known is taken for a newcomer
        self.city.start()
        self.push(south, {"S1": 7})
        self.assert_sound(self.city)
        self.assertIn("right", self.city.command("ledger", "verify").out)

    def second_agent(self):
        """One that the east has admitted since the backup, and that has reported."""
        self.push(self.east, {"A1": 1})
        self.back_up()
        second = parktally.ParkAgent(self.folder / "二", self.city.command("invite", "--area", "east").out)
        self.east.command("admit", second.id, "--approved-by", "李四", "--reason", "二楼", code=GOOD)
        self.push(second, {"A2": 2})
        return second

    def admission(self, agent):
        lines = self.east.command("admissions", "--all", "--format", "json", code=GOOD).out.splitlines()
        return [tuple(item[key] for key in ("state", "admitted_by", "approved_by", "reason"))
                for item in map(json.loads, lines) if item["agent"] == agent.id]

    def test_who_was_admitted_after_the_backup_is_admitted_again_by_who_did_so(self):
        second = self.second_agent()
        self.lose_all_since_the_backup()
        self.push(self.east, {"A1": 1}, code=BAD)  # the admission of an agent that the city does not know
        self.assertIn("[admission.waiting]", self.push(second, {"A2": 3}, code=LATER, wait=3).err)
        self.assertIn("east-2 is admitted again: 李四 had admitted it", self.push(self.east, {"A1": 1}, code=GOOD).out)
        self.assertEqual(self.admission(second), [("in_force", "east-1", "李四", "二楼")])
        self.push(second, {"A2": 3})
        self.assertEqual(self.total(), "4.0")
        self.assertNotIn("again", self.push(self.east, {"A1": 1}).out)
        self.assertEqual((self.receipts(self.east), self.receipts(second)), (3, 2))
        self.assert_sound(self.city)

    def test_a_service_admits_again_by_itself(self):
        second = self.second_agent()
        self.lose_all_since_the_backup()
        self.push(self.east, {"A1": 1}, code=BAD)
        self.push(second, {"A2": 3}, code=LATER, wait=3)
        service = self.east.start("run", output=subprocess.DEVNULL)
        self.addCleanup(service.wait)
        self.addCleanup(service.terminate)
        parktally.wait_until(lambda: "waits for admission" not in self.city.command("agents").out, "it is admitted")
        self.push(second, {"A2": 3})
        self.assertEqual(self.total(), "4.0")

    def test_another_key_under_the_name_is_not_admitted_again(self):
        second = self.second_agent()
        self.lose_all_since_the_backup()
        self.push(self.east, {"A1": 1}, code=BAD)
        self.push(second, {"A2": 3}, code=LATER, wait=3)
        second.command("key", "rotate", code=GOOD)
        self.assertNotIn("again", self.push(self.east, {"A1": 1}).out)
        self.assertEqual(self.admission(second), [("waiting", "", "", "")])
        self.assertIn("[admission.waiting]", self.push(second, {"A2": 3}, code=LATER, wait=3).err)

    def test_who_enrolled_and_was_revoked_after_the_backup_does_not_come_back(self):
        self.back_up()
        south = self.join("south", "南")
        self.city.command("revoke", south.id)
        self.restore()
        self.city.start()
        self.assertIn("knew no agent", self.city.command("revoke", south.id).out)
        self.resume()
        self.assertIn("[agent.revoked]", south.command("inquiries").err)
        self.assertNotIn(south.id, self.city.command("agents").out)

    def test_open_invitations_are_void(self):
        invitation = self.city.invite("south")
        self.back_up()
        self.restore()
        self.city.start()
        self.resume()
        refused = parktally.run(parktally.AGENT, "join", "-", data=self.folder / "南", stdin=invitation)
        self.assertIn("[invitation.refused]", refused.err)

    def test_a_new_agent_gets_a_name_that_nobody_had_before(self):
        self.back_up()
        self.join("south", "南")
        self.restore()
        self.city.start()
        self.resume()
        self.assertRegex(parktally.enrol(self.city, "south", self.folder / "南二").id, "^south-r20[0-9]{12}-1$")

    def asked(self, agent):
        lines = agent.command("inquiries", "--format", "json", code=GOOD).out.splitlines()
        return {line["number"]: line["answer"] for line in map(json.loads, lines)}

    def test_an_answer_finds_no_other_question_under_its_number(self):
        def ask(unit):
            self.city.command("ask", "--area", "east", "--form", "monthly", "--period", "2018-05", "--indicator", "output",
                              "--unit", unit, "--reason", "为何如此？")

        def answer(number, text):
            self.east.command("answer", number, "--text", text, "--by", "张三", code=GOOD)

        self.push(self.east, {"A1": 1, "A2": 10})
        ask("A1")
        self.back_up()
        ask("A2")
        answer(1, "新增生产线一条")
        answer(2, "接到一笔大额订单")
        self.restore()
        self.city.start()
        self.resume()
        ask("A1")
        self.assertIn("[inquiry.unknown]", self.push(self.east, {"A1": 1, "A2": 10}, code=BAD).out)
        self.assertEqual(self.asked(self.east), {1: "新增生产线一条", 2: ""})
        answer(2, "经核实为单位换算有误")
        self.assertEqual(self.asked(self.east)[2], "经核实为单位换算有误")
        self.assert_sound(self.city)

    def test_each_restore_is_another_epoch(self):
        self.push(self.east, {"A1": 1})
        self.back_up()
        self.push(self.east, {"A1": 2})
        for round_ in (1, 2, 3):
            self.restore()
            self.city.start()
            self.resume()
            self.push(self.east, {"A1": 2, "A2": round_})
            self.back_up()
            self.push(self.east, {"A1": 2, "A2": round_ + 5})
            self.assertEqual(self.total(), f"{2 + round_ + 5}.0")
        self.assertEqual(self.receipts(self.east), self.status(self.east)["answered"])
        self.assert_sound(self.city)

    def test_the_server_of_before_is_refused_once_a_restored_one_was_seen(self):
        self.push(self.east, {"A1": 1})
        self.back_up()
        self.city.stop()
        shutil.copytree(self.city.data, self.folder / "旧")
        self.restore()
        self.city.start()
        self.resume()
        self.push(self.east, {"A1": 2})
        self.city.kill()
        shutil.rmtree(self.city.data)
        shutil.copytree(self.folder / "旧", self.city.data)
        self.city.start()
        self.assertIn("[ledger.forked]", self.push(self.east, {"A1": 3}, code=BAD).err)


class Backups(Case):
    def test_a_backup_is_made_while_figures_come(self):
        """Each of some that are made meanwhile can be restored, and is right."""
        pushing = []
        for n in range(6):
            self.push(self.east, {"A1": n + 1, "A2": n + 2})
            path = self.folder / f"备份{n}"
            pushing.append(self.west.start("push", self.slow_file(n), "--approved-by", "李四", "--wait"))
            self.back_up(path)
        for process in pushing:
            process.communicate()
        for n in (0, 5):
            self.restore(self.folder / f"备份{n}", folder=self.folder / f"恢复{n}")
            checked = parktally.run(parktally.AGGREGATOR, "ledger", "verify", data=self.folder / f"恢复{n}")
            self.assertEqual(checked.code, GOOD, checked)

    def slow_file(self, n):
        path = self.folder / f"西{n}.csv"
        path.write_text(f"uscc,period,output\nW1,2018-{n + 1:02d},{n + 1}\n")
        return path

    def test_a_damaged_cut_or_foreign_file_makes_no_folder(self):
        self.push(self.east, {"A1": 1})
        self.back_up()
        whole = self.backup_file.read_bytes()
        self.city.command("ledger", "export", "--output", self.folder / "台账")
        cases = {"cut": whole[:-40], "cut in a record": whole[:len(whole) // 2], "empty": b"", "no such": b"x" * 100,
                 "flipped": whole[:200] + bytes([whole[200] ^ 1]) + whole[201:], "more": whole + b"\0",
                 "an auditor's": (self.folder / "台账").read_bytes()}
        for name, data in cases.items():
            with self.subTest(name):
                path = self.folder / "坏"
                path.write_bytes(data)
                said = self.restore(path, folder=self.folder / "新夹", code=BAD)
                self.assertIn("坏", said.err)
                self.assertFalse((self.folder / "新夹").exists())

    def test_a_passphrase_opens_what_protects_the_keys(self):
        self.back_up()
        folder, key = self.folder / "新夹", self.folder / "密钥备份"
        self.city.command("key", "backup", key, stdin=PASSPHRASE)
        for passphrase, code in (("不对的口令也有十二个字呀\n", DENIED), ("", MISUSED)):
            self.assertIn("passphrase", self.restore(key=key, passphrase=passphrase, folder=folder, code=code).err)
            self.assertFalse(folder.exists())
        self.restore(key=key, passphrase=PASSPHRASE, folder=folder)

    def test_other_keys_and_a_full_folder_are_refused(self):
        self.back_up()
        folder = self.folder / "新夹"
        other = self.aggregator(name="b")
        self.assertIn("other keys", self.restore(key=other.data / "identity.key", folder=folder, code=BAD).err)
        self.assertFalse(folder.exists())
        self.assertIn("not empty", self.restore(folder=other.data, code=CONFIGURATION).err)

    def test_keys_are_protected(self):
        key = self.folder / "密钥备份"
        self.city.command("key", "backup", key, stdin=PASSPHRASE)
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        secret = (self.city.data / "identity.key").read_bytes()[40:72]
        self.assertNotIn(secret, key.read_bytes())
        self.back_up()
        self.assertNotIn(secret, self.backup_file.read_bytes())
        short = self.city.command("key", "backup", self.folder / "k2", stdin="short\n", code=MISUSED)
        self.assertIn("too short", short.err)
        again = self.city.command("key", "backup", key, stdin=PASSPHRASE, code=CONFIGURATION)
        self.assertIn("keys already", again.err)

    def test_a_configuration_comes_back(self):
        (self.city.data / "aggregator.yaml").write_text("disclosure: {threshold: 4}\n")
        self.back_up()
        self.restore(folder=self.folder / "新夹")
        self.assertEqual((self.folder / "新夹" / "aggregator.yaml").read_text(), "disclosure: {threshold: 4}\n")
        self.assertEqual((self.folder / "新夹" / "catalogue.yaml").read_bytes(),
                         (self.city.data / "catalogue.yaml").read_bytes())


if __name__ == "__main__":
    unittest.main()
