"""New keys, of agents and of the city's server: nobody stops working, what was proved stays proved, and who finds an old key
can do nothing with it."""

import base64
import csv
import io
import json
import resource
import shutil
import signal
import subprocess
import unittest

import parktally
import satchel

GOOD, MISUSED, BAD, LATER, DENIED, CONFIGURATION = 0, 64, 65, 75, 77, 78
REGISTER = [parktally.unit("A1", "east", name="甲厂"), parktally.unit("A2", "east", name="乙厂"),
            parktally.unit("W1", "west", name="丙厂"), parktally.unit("S1", "south", name="丁厂")]


class Case(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator()
        self.city.import_register(REGISTER)
        self.city.start()
        self.east = parktally.enrol(self.city, "east", self.folder / "东")

    def push(self, agent, figures, period="2018-05", code=GOOD, wait=60):
        path = self.folder / "月报.csv"
        path.write_text("uscc,period,output\n" + "".join(f"{unit},{period},{output}\n" for unit, output in figures.items()))
        return agent.command("push", path, "--approved-by", "张三", "--wait", "--timeout", wait, code=code)

    def rotate(self, agent, *words, code=GOOD):
        return json.loads(agent.command("key", "rotate", "--format", "json", *words, code=code).out)

    def total(self, area="east", period="2018-05"):
        return self.city.total(area, period, "output")["value"]

    def assert_receipts(self, agent, count):
        found = json.loads(agent.command("receipts", "verify", "--format", "json", code=GOOD).out)
        self.assertEqual((found["wrong"], found["receipts"]), ([], count))

    def key_seen_by(self, agent, of):
        lines = agent.command("admissions", "--all", "--format", "json", code=GOOD).out.splitlines()
        return next(line["key"] for line in map(json.loads, lines) if line["agent"] == of.id)


class Secrets(Case):
    @staticmethod
    def ends_with_a_core(start, folder):
        """Of a process that is aborted, and may write one as large as it likes."""
        process = start(lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)), folder)
        process.send_signal(signal.SIGABRT)
        process.wait()
        return any("core" in path.name for path in folder.iterdir())

    def test_no_program_that_holds_keys_leaves_a_core(self):
        def run(*words, ready=None):
            def start(limits, folder):
                process = subprocess.Popen([*map(str, words)], preexec_fn=limits, cwd=folder, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=parktally.environment())
                parktally.wait_until(ready or (lambda: True), "it runs")
                return process
            return start

        def at(name):
            (self.folder / name).mkdir()
            return self.folder / name

        if not self.ends_with_a_core(run("sleep", 60), at("sleep")):
            self.skipTest("this system writes no cores into folders")
        self.city.stop()
        server = run(parktally.AGGREGATOR, "run", "--data", self.city.data, "--listen", self.city.listen, "--enrol", self.city.enrol,
                     ready=lambda: (self.city.data / "control").exists())
        self.assertFalse(self.ends_with_a_core(server, at("server")))
        service = run(parktally.AGENT, "run", "--data", self.east.data, ready=lambda: (self.east.data / "lock.run").exists())
        self.assertFalse(self.ends_with_a_core(service, at("service")))

    def test_a_secret_is_in_no_file_but_its_own_and_in_no_log(self):
        def secrets():
            for data in (self.city.data, self.east.data):
                key = (data / "identity.key").read_bytes()
                yield from (key[40:72], key[104:136])

        known = list(secrets())
        self.push(self.east, {"A1": 1})
        self.rotate(self.east)
        self.city.command("key", "rotate", "--reason", "一年一换")
        self.push(self.east, {"A1": 2})
        self.city.command("backup", self.folder / "备份")
        self.city.command("key", "backup", self.folder / "密钥", stdin="一二三四五六七八九十山水\n")
        self.city.command("ledger", "export", "--output", self.folder / "台账")
        self.city.stop()
        known += secrets()
        self.assertEqual(len(set(known)), 8)
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name != "identity.key"]
        self.assertGreater(len(files), 8)
        for path in files:
            content = path.read_bytes()
            for secret in known:
                for written in (secret, secret.hex().encode(), base64.b64encode(secret)[:-1], base64.urlsafe_b64encode(secret)[:-1]):
                    self.assertNotIn(written, content, path)


class Agents(Case):
    def test_new_keys_go_on_where_the_old_ones_ended(self):
        self.push(self.east, {"A1": 1, "A2": 2})
        before = self.key_seen_by(self.east, self.east)
        said = self.rotate(self.east, "--reason", "一年一换")
        self.assertTrue(said["known_to_the_city"])
        self.assertNotEqual(said["key"], before)
        self.push(self.east, {"A1": 3})
        self.assertEqual(self.total(), "5.0")
        self.assert_receipts(self.east, 2)
        self.assertEqual(self.key_seen_by(self.east, self.east), said["key"])
        acts = csv.DictReader(io.StringIO(self.city.command("audit", "list", "--act", "key rotate", "--format", "csv").out))
        self.assertEqual([(act["by"], act["reason"]) for act in acts], [(self.east.id, "一年一换")])
        self.rotate(self.east)
        self.push(self.east, {"A2": 7})
        self.assertEqual(self.total(), "10.0")
        self.assert_receipts(self.east, 3)

    def test_a_copy_of_the_folder_of_before_is_turned_away(self):
        self.push(self.east, {"A1": 1})
        copy = parktally.ParkAgent.__new__(parktally.ParkAgent)
        copy.data, copy.id = self.folder / "旧", self.east.id
        shutil.copytree(self.east.data, copy.data)
        self.rotate(self.east)
        self.push(copy, {"A1": 9}, code=LATER, wait=2)
        self.assertEqual(self.total(), "1.0")

    def test_without_the_city_what_is_pushed_waits_and_arrives(self):
        self.push(self.east, {"A1": 1})
        self.city.stop()
        self.assertFalse(self.rotate(self.east, "--timeout", 1, code=LATER)["known_to_the_city"])
        self.push(self.east, {"A1": 2}, code=LATER, wait=1)
        self.rotate(self.east, "--timeout", 1, code=LATER)  # once more, before anybody knew of the first
        self.push(self.east, {"A2": 4}, code=LATER, wait=1)
        self.city.start()
        self.push(self.east, {"A2": 4})
        self.assertEqual(self.total(), "6.0")
        self.assert_receipts(self.east, 3)

    def test_a_service_goes_on_with_them_by_itself(self):
        submit = self.folder / "报送"
        (self.east.data / "agent.yaml").write_text(json.dumps({"submit_folder": str(submit), "approved_by": "张三"}))
        service = self.east.start("run", output=subprocess.DEVNULL)
        self.addCleanup(service.wait)
        self.addCleanup(service.kill)

        def report(name, output):
            (submit / f".{name}").write_text(f"uscc,period,output\nA1,2018-05,{output}\n")
            (submit / f".{name}").rename(submit / name)
            parktally.wait_until(lambda: self.total() == f"{output}.0", f"{name} is counted")

        parktally.wait_until(submit.exists, "the service has made its folder")
        report("一.csv", 1)
        self.assertTrue(self.rotate(self.east)["known_to_the_city"])
        report("二.csv", 2)
        service.terminate()
        self.assertEqual(service.wait(parktally.PATIENCE), 0)
        self.assert_receipts(self.east, 2)

    def test_a_city_restored_from_before_learns_them_again(self):
        backup, key = self.folder / "备份", self.folder / "密钥"
        shutil.copy(self.city.data / "identity.key", key)
        self.push(self.east, {"A1": 1})
        self.city.command("backup", backup)
        self.push(self.east, {"A1": 2})
        self.rotate(self.east)
        self.push(self.east, {"A1": 3})
        west = parktally.enrol(self.city, "west", self.folder / "西")  # of which the backup knows nothing
        self.push(west, {"W1": 5})
        self.rotate(west)
        self.rotate(west)
        self.push(west, {"W1": 6})
        before = self.city.totals("--period", "2018-05")
        self.city.kill()
        shutil.rmtree(self.city.data)
        parktally.run(parktally.AGGREGATOR, "restore", backup, "--key", key, "--reason", "坏了", data=self.city.data)
        self.city.start()
        self.city.command("resume", "--revocations-checked")
        self.push(self.east, {"A1": 3})
        self.push(west, {"W1": 6})
        self.assertEqual(self.city.totals("--period", "2018-05"), before)
        self.assert_receipts(self.east, 3)
        self.assert_receipts(west, 2)

    def test_who_is_revoked_cannot_come_back_by_new_keys(self):
        self.push(self.east, {"A1": 1})
        self.city.command("revoke", self.east.id, "--reason", "丢失")
        result = self.east.command("key", "rotate", "--timeout", 20)
        self.assertNotEqual(result.code, GOOD, result)
        self.assertIn("agent.revoked", result.out + result.err)
        self.push(self.east, {"A1": 2}, code=DENIED)
        self.assertEqual(self.total(), "1.0")

    def test_words_that_do_not_fit_are_refused_before_anything_changes(self):
        before = (self.east.data / "identity.key").read_bytes()
        for words in (("--reason", "长" * 43), ("--timeout", "0"), ("east",)):
            self.east.command("key", "rotate", *words, code=MISUSED)
        self.assertEqual((self.east.data / "identity.key").read_bytes(), before)


class City(Case):
    def setUp(self):
        super().setUp()
        self.west = parktally.enrol(self.city, "west", self.folder / "西")

    def key_id(self):
        return json.loads(self.city.command("ledger", "head", "--format", "json").out)["key"]

    def rotate_city(self, *words):
        before = self.key_id()
        said = self.city.command("key", "rotate", *words).out

        def changed():
            result = parktally.run(parktally.AGGREGATOR, "ledger", "head", "--format", "json", data=self.city.data)
            return result.code == GOOD and json.loads(result.out)["key"] != before
        parktally.wait_until(changed, "the server is there with new keys")
        return said

    def test_agents_go_on_and_all_that_was_signed_stays_proved(self):
        self.push(self.east, {"A1": 1})
        self.push(self.west, {"W1": 5})
        self.rotate_city("--reason", "一年一换")
        self.push(self.east, {"A1": 2})
        self.assertEqual(self.total(), "2.0")
        self.assert_receipts(self.east, 2)
        self.rotate_city()
        self.push(self.east, {"A2": 3})  # came in between
        self.assert_receipts(self.east, 3)
        self.assertEqual(self.total(), "5.0")
        self.assertIn("一年一换", self.city.command("audit", "list").out)
        self.city.check_ledger()

    def test_an_agent_that_was_away_learns_of_them_when_it_comes(self):
        self.push(self.west, {"W1": 5})
        self.rotate_city()
        self.push(self.west, {"W1": 6})
        self.push(self.west, {"W1": 7})  # from now on under the new ones
        self.assertEqual(self.total("west"), "7.0")
        self.assert_receipts(self.west, 3)
        self.rotate(self.west)
        self.rotate_city()
        self.push(self.west, {"W1": 8})
        self.assert_receipts(self.west, 4)

    def test_both_change_while_they_do_not_meet(self):
        self.push(self.east, {"A1": 1})
        self.city.stop()
        self.rotate(self.east, "--timeout", 1, code=LATER)
        self.city.command("key", "rotate")
        self.city.start()
        self.push(self.east, {"A1": 2})
        self.assertEqual(self.total(), "2.0")
        self.assert_receipts(self.east, 2)

    def test_a_service_stays_connected_over_it(self):
        submit = self.folder / "报送"
        (self.east.data / "agent.yaml").write_text(json.dumps({"submit_folder": str(submit), "approved_by": "张三"}))
        service = self.east.start("run", output=subprocess.DEVNULL)
        self.addCleanup(service.wait)
        self.addCleanup(service.kill)
        parktally.wait_until(submit.exists, "the service has made its folder")
        for output in (1, 2):
            (submit / ".月.csv").write_text(f"uscc,period,output\nA1,2018-05,{output}\n")
            (submit / ".月.csv").rename(submit / f"月{output}.csv")
            parktally.wait_until(lambda output=output: self.total() == f"{output}.0", "it is counted")
            self.rotate_city()
        service.terminate()
        self.assertEqual(service.wait(parktally.PATIENCE), 0)
        self.assert_receipts(self.east, 2)

    def test_retired_keys_let_nobody_in(self):
        self.push(self.east, {"A1": 1})
        self.push(self.west, {"W1": 1})
        self.rotate_city()
        self.push(self.east, {"A1": 2})
        self.city.command("key", "retire", "--reason", "旧密钥可能外泄")
        parktally.wait_until(lambda: "server.ready" in self.city.log().split("server.ready", 2)[-1] or
                             self.city.log().count("server.ready") >= 3, "the server is there again")
        self.push(self.east, {"A1": 3})
        self.push(self.west, {"W1": 2}, code=LATER, wait=2)
        self.assertEqual((self.total(), self.total("west")), ("3.0", "1.0"))
        self.city.command("key", "retire", code=MISUSED)

    def test_two_wishes_at_once_end_nobody(self):
        """Each asks for another life of the server; whatever order they come in, there is one behind them."""
        for _ in range(10):
            commands = [subprocess.Popen([parktally.AGGREGATOR, "key", "rotate", "--data", self.city.data], env=self.city.env,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                        for _ in range(4)]
            for command in commands:
                command.wait(parktally.PATIENCE)
            parktally.wait_until(lambda: parktally.run(parktally.AGGREGATOR, "ledger", "head", data=self.city.data).code == GOOD,
                                 "the server answers")
            self.assertTrue(self.city.is_running())
        self.assertEqual(self.city.stop(), 0)

    def test_an_invitation_of_before_is_void(self):
        invitation = self.city.invite("south")
        self.rotate_city()
        result = parktally.run(parktally.AGENT, "join", "-", data=self.folder / "南", stdin=invitation)
        self.assertNotEqual(result.code, GOOD)
        self.assertIn("invitation", result.out + result.err)
        parktally.enrol(self.city, "south", self.folder / "南二")

    def test_a_restore_goes_on_with_the_newest_keys(self):
        backup, old, new = (self.folder / name for name in ("备份", "旧密钥", "新密钥"))
        self.push(self.east, {"A1": 1})
        self.city.command("backup", backup)
        shutil.copy(self.city.data / "identity.key", old)
        self.push(self.west, {"W1": 5})
        self.rotate_city()
        self.push(self.east, {"A1": 2})
        later = self.folder / "后备份"
        self.city.command("backup", later)
        shutil.copy(self.city.data / "identity.key", new)
        self.city.kill()
        shutil.rmtree(self.city.data)

        def restore(file, key):
            return parktally.run(parktally.AGGREGATOR, "restore", file, "--key", key, "--reason", "坏了", data=self.city.data)
        refused = restore(later, old)
        self.assertEqual(refused.code, BAD, refused)
        self.assertIn("newer", refused.err)
        done = restore(backup, new)  # which does not know of the change
        self.assertEqual(done.code, GOOD, done)
        self.city.start()
        self.city.command("resume", "--revocations-checked")
        self.push(self.east, {"A1": 2})
        self.assertEqual(self.total(), "2.0")
        self.assert_receipts(self.east, 2)
        self.push(self.west, {"W1": 6})  # who has not heard of the change until now
        self.assert_receipts(self.west, 2)
        self.city.command("ledger", "verify")
        self.rotate_city()
        south = parktally.enrol(self.city, "south", self.folder / "南")  # the restore was signed with keys that it never knew
        self.push(south, {"S1": 4})
        self.assert_receipts(south, 1)
        self.push(self.east, {"A1": 3})
        self.assert_receipts(self.east, 3)
        self.city.command("ledger", "verify")

    def test_a_server_with_keys_of_before_does_not_start(self):
        shutil.copy(self.city.data / "identity.key", self.folder / "旧")
        self.rotate_city()
        self.city.stop()
        shutil.copy(self.folder / "旧", self.city.data / "identity.key")
        result = parktally.run(parktally.AGGREGATOR, "run", data=self.city.data)
        self.assertEqual(result.code, CONFIGURATION, result)
        self.assertIn("key backup", result.err)


class Sticks(Case):
    """Where no network goes, keys travel with what they seal."""

    def test_both_learn_of_each_others_new_keys_from_files(self):
        self.push(self.east, {"A1": 1})
        out = self.folder / "盘"
        self.city.stop()
        self.rotate(self.east, "--timeout", 1, code=LATER)
        self.push(self.east, {"A1": 2}, code=LATER, wait=1)
        self.east.command("outbox", "export", out, code=GOOD)
        self.city.command("key", "rotate")
        said = self.city.command("import", out)
        self.assertIn("1 taken now", said.out)
        back = self.east.command("outbox", "import", f"{out}.receipts", code=GOOD)
        self.assertNotIn("key", back.err)
        found = json.loads(self.east.command("receipts", "verify", "--format", "json").out)
        self.assertEqual(found["receipts"], 2)
        self.assertEqual(self.total(), "2.0")
        self.city.start()
        self.push(self.east, {"A1": 3})
        self.assert_receipts(self.east, 3)

    def test_keys_that_nobody_signed_are_not_taken(self):
        out = self.folder / "盘"
        self.city.stop()
        self.push(self.east, {"A1": 2}, code=LATER, wait=1)
        self.east.command("outbox", "export", out, code=GOOD)
        self.city.command("key", "rotate")
        self.city.command("import", out)
        path = self.folder / "盘.receipts"
        records = satchel.read(path.read_bytes(), satchel.RECEIPTS)
        kinds = [record.kind for record in records]
        self.assertIn(satchel.KEYS, kinds)
        number = kinds.index(satchel.KEYS)
        whole = records[number].payload
        for damage in (b"\xff" * 3, whole[:-1] + bytes([whole[-1] ^ 1])):
            records[number] = records[number]._replace(payload=damage)
            path.write_bytes(satchel.write(satchel.RECEIPTS, records))
            result = self.east.command("outbox", "import", path, code=BAD)
            self.assertIn("key", result.err)
            self.assertIn("signed with another key", result.err)


class Revocation(Case):
    def test_what_came_since_keys_were_in_doubt_is_listed_and_stays(self):
        self.push(self.east, {"A1": 1}, period="2018-04")
        position = self.city.position()
        self.push(self.east, {"A1": 2})
        self.push(self.east, {"A2": 3})
        self.city.command("revoke", self.east.id, "--since", "2001-01-01", code=MISUSED)  # before the ledger began
        said = self.city.command("revoke", self.east.id, "--since", f"@{position}", "--reason", "电脑失窃").out
        self.assertEqual(said.count("monthly 2018-05"), 2, said)
        self.assertNotIn("2018-04", said)
        self.assertEqual(self.total(), "5.0")
        self.assertIn("电脑失窃", self.city.command("audit", "list").out)
        self.city.check_ledger()

    def test_a_dead_computer_is_replaced(self):
        """Revoke, invite, join, push the files again: what is counted stays, and its old numbers are closed."""
        self.push(self.east, {"A1": 1, "A2": 2})
        shutil.copytree(self.east.data, self.folder / "旧盘")
        shutil.rmtree(self.east.data)
        self.city.command("revoke", self.east.id, "--reason", "硬盘损坏")
        new = parktally.ParkAgent(self.folder / "新", self.city.invite("east"))
        self.assertNotEqual(new.id, self.east.id)
        self.push(new, {"A1": 1, "A2": 2})  # as the city has it, which the new one learns so
        self.push(new, {"A1": 4, "A2": 2})
        self.assertEqual(self.total(), "6.0")
        old = parktally.ParkAgent.__new__(parktally.ParkAgent)
        old.data, old.id = self.folder / "旧盘", self.east.id
        self.push(old, {"A1": 9}, code=DENIED)
        self.assertEqual(self.total(), "6.0")
        self.city.check_ledger()


if __name__ == "__main__":
    unittest.main()
