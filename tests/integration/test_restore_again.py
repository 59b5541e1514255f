"""A city that was restored more than once, from backups that know nothing of each other: no park is locked out by it,
and what it acknowledged in whatever life counts in the present one, once."""

import json
import shutil
import unittest

import parktally
from test_carry import without_network
from test_restore import BAD, CONFIGURATION, GOOD, LATER, REGISTER, Case


class RestoredAgain(Case):
    def test_one_backup_is_restored_twice_and_nothing_of_the_life_between_is_lost(self):
        self.city.import_register([*REGISTER, parktally.unit("S1", "south", name="丁厂")])
        self.push(self.east, {"A1": 1})
        self.back_up()
        self.push(self.east, {"A1": 2})
        self.lose_all_since_the_backup()
        self.push(self.east, {"A1": 3, "A2": 10})
        south = self.join("south", "南")
        self.push(south, {"S1": 4})
        before = self.city.totals("--period", "2018-05")
        self.lose_all_since_the_backup()
        for agent, figures in ((self.east, {"A1": 3}), (south, {"S1": 4})):
            self.push(agent, figures)
            self.assertFalse(self.status(agent)["ledger_forked"])
        self.assertEqual(self.city.totals("--period", "2018-05"), before)
        self.assertEqual((self.receipts(self.east), self.receipts(south)), (3, 1))
        self.push(self.west, {"W1": 7})  # which saw nothing of it
        self.assertIn("right", self.city.command("ledger", "verify").out)
        self.assert_sound(self.city)

    def test_a_life_is_taken_up_again_after_another_one(self):
        """0 ─ first ─ third, and 0 ─ second from an older backup: what was sent in the second comes again to the third."""
        self.push(self.east, {"A1": 1})
        self.back_up()
        self.push(self.east, {"A1": 2})
        self.lose_all_since_the_backup()
        self.push(self.east, {"A1": 2})
        self.push(self.west, {"W1": 5})
        of_the_first = self.folder / "first"
        self.back_up(of_the_first)
        self.push(self.east, {"A2": 10})
        self.lose_all_since_the_backup()
        self.push(self.east, {"A1": 3})
        self.push(self.east, {"A1": 4})
        self.lose_all_since_the_backup(of_the_first)
        for agent, figures in ((self.east, {"A1": 4}), (self.west, {"W1": 5})):
            self.push(agent, figures)
            self.assertFalse(self.status(agent)["ledger_forked"])
            self.assertEqual(self.status(agent)["waiting_to_send"], 0)
        self.assertEqual((self.total("east"), self.total("west")), ("14.0", "5.0"))
        told = json.loads(self.east.command("receipts", "verify", "--format", "json", code=GOOD).out)
        self.assertEqual([restore["left"] for restore in told["restores"]], [False, True, False])
        self.assertGreater(told["lost_heads"], 0)
        self.assertEqual(told["forks"], [])
        self.assertEqual((self.receipts(self.east), self.receipts(self.west)), (5, 1))
        self.assertIn("right", self.city.command("ledger", "verify").out)
        self.assert_sound(self.city)

    def take_to_and_fro(self, agent, figures):
        """On a stick, by an agent that has no network."""
        stick = self.folder / "stick"
        for path in (stick, self.folder / "stick.receipts"):
            path.unlink(missing_ok=True)
        with without_network(agent):
            self.push(agent, figures, code=LATER, wait=1)
        agent.command("outbox", "export", stick, code=GOOD)
        self.city.command("import", stick)
        agent.command("outbox", "import", self.folder / "stick.receipts", code=GOOD)

    def test_a_life_that_was_left_stays_so_however_many_follow(self):
        self.push(self.east, {"A1": 1})
        self.back_up()
        for output in range(2, 8):
            self.push(self.east, {"A1": output})
        newer = self.folder / "newer"
        self.back_up(newer)
        self.lose_all_since_the_backup()  # of the wrong one
        self.push(self.east, {"A2": 1})
        self.lose_all_since_the_backup(newer)
        self.push(self.east, {"A2": 2})
        for _ in range(parktally.sampled(33, 33)):  # more than the city tells of
            self.back_up(newer)
            self.lose_all_since_the_backup(newer)
        for output in (3, 3):
            self.push(self.east, {"A2": output})
        self.assertEqual(self.total(), "10.0")
        self.assertEqual(self.receipts(self.east), 10)

    def test_what_a_stick_brought_from_a_life_that_was_left_comes_again(self):
        self.push(self.east, {"A1": 1})
        self.back_up()
        for output in range(2, 8):
            self.push(self.west, {"W1": output})
        newer = self.folder / "newer"
        self.back_up(newer)
        self.lose_all_since_the_backup()
        self.take_to_and_fro(self.east, {"A2": 70})  # which tells it nothing of the restore
        self.lose_all_since_the_backup(newer)
        self.push(self.east, {"A1": 5})
        self.assertEqual(self.total(), "75.0")
        late = self.east.command("outbox", "import", self.folder / "stick.receipts", code=GOOD)
        self.assertNotIn("forked", late.out + late.err)
        self.assertEqual(self.receipts(self.east), 3)
        self.assert_sound(self.city)

    def test_a_receipt_of_a_life_that_was_left_is_not_taken(self):
        self.push(self.east, {"A1": 1})
        self.back_up()
        for output in range(2, 8):
            self.push(self.west, {"W1": output})
        newer, stick = self.folder / "newer", self.folder / "stick"
        self.back_up(newer)
        self.lose_all_since_the_backup()
        with without_network(self.east):
            self.push(self.east, {"A2": 70}, code=LATER, wait=1)
        self.east.command("outbox", "export", stick, code=GOOD)
        self.city.command("import", stick)
        self.restore(newer)
        self.city.start()
        self.push(self.east, {"A1": 5}, code=LATER, wait=2)  # learns of it, and nothing is taken yet
        said = self.east.command("outbox", "import", self.folder / "stick.receipts", code=BAD)
        self.assertIn("the city has lost since what it is about", said.out + said.err)
        self.assertEqual(self.status(self.east)["waiting_to_send"], 2)
        self.resume()
        self.push(self.east, {"A1": 5})
        self.assertEqual(self.total(), "75.0")

    def test_the_server_of_before_is_refused_by_who_has_a_later_receipt(self):
        self.push(self.east, {"A1": 1})
        self.back_up()
        self.city.stop()
        shutil.copytree(self.city.data, self.folder / "before")
        self.lose_all_since_the_backup()
        self.take_to_and_fro(self.east, {"A2": 70})
        self.city.kill()
        shutil.rmtree(self.city.data)
        shutil.copytree(self.folder / "before", self.city.data)
        self.city.start()
        self.assertIn("[ledger.forked]", self.push(self.east, {"A1": 5}, code=BAD).err)
        fork, = json.loads(self.east.command("receipts", "verify", "--format", "json", code=BAD).out)["forks"]
        self.assertIsNone(fork["over_at"])

    def reload_another_catalogue(self):
        path = self.city.data / "catalogue.yaml"
        path.write_text(path.read_text() + "\n# changed\n")
        self.city.reload("reload.done")

    def test_what_a_life_that_was_left_refused_whole_comes_again(self):
        self.push(self.east, {"A1": 1})
        self.back_up()
        self.reload_another_catalogue()
        for output in (2, 3):
            self.push(self.east, {"A1": output})
        self.lose_all_since_the_backup()  # and nobody thinks of the catalogue
        self.assertIn("catalogue.unknown", self.push(self.east, {"A2": 9}, code=BAD).out)
        self.restore()
        self.city.start()
        self.reload_another_catalogue()
        self.resume()
        self.push(self.east, {"A2": 9})
        self.assertEqual(self.total(), "12.0")

    def restore_by_clock(self, ahead, *options, code=GOOD):
        if self.city.is_running():
            self.city.kill()
        shutil.rmtree(self.city.data, ignore_errors=True)
        env = parktally.shifted_clock(self.folder, ahead) if ahead else None
        answer = parktally.run(parktally.AGGREGATOR, "restore", self.backup_file, "--key", self.key_file, "--reason", "硬盘损坏",
                               *options, data=self.city.data, env=env)
        self.assertEqual(answer.code, code, answer)
        return answer

    def test_a_clock_that_was_wrong_can_be_made_up_for(self):
        self.push(self.east, {"A1": 1})
        self.back_up()
        behind = self.restore_by_clock(-86400, code=CONFIGURATION)
        self.assertIn("set the clock right", behind.err)
        self.assertFalse(self.city.data.exists())
        self.restore_by_clock(86400 * 3650)
        self.city.start()
        self.resume()
        self.push(self.east, {"A1": 2})
        self.restore_by_clock(0)
        self.city.start()
        self.resume()
        self.assertIn("[ledger.forked]", self.push(self.east, {"A1": 2}, code=BAD).err)
        self.restore_by_clock(0, "--after", "99991231235958")
        self.city.start()
        self.resume()
        self.push(self.east, {"A1": 3})
        self.assertEqual(self.total(), "3.0")
        for wrong in ("0", "2026-11-29", "99991231235960"):
            self.assertIn("--after is the time", self.restore_by_clock(0, "--after", wrong, code=64).err)


if __name__ == "__main__":
    unittest.main()
