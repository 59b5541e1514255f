"""A city's store that its disk has damaged: `ledger check` names what is, `--repair` makes a whole one of what is good and
of backups, and what cannot be had is given up only when that is asked for, by name, and comes again once."""

import atexit
import contextlib
import copy
import json
import re
import shutil
import sqlite3
import tempfile
import unittest
from pathlib import Path

import parktally
import stranger
from stranger import Report

GOOD, MISUSED, BAD, ELSEWHERE = 0, 64, 65, 69
PAGE = 8192
EAST = [f"E{n:02d}" for n in range(40)]
WEST = [f"W{n:02d}" for n in range(50)]
MONTHS = [f"2018-{month:02d}" for month in range(1, 7)]
TABLES = ("leaf", "leaf_part", "receipt", "node", "submission", "meta", "block", "family", "register_version")


class Scene:
    """A small city's folder at rest, with something of everything, its agents, backups and an export; made once."""

    def __init__(self, case):
        self.folder = Path(tempfile.mkdtemp(prefix="parktally-scene-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "a").mkdir()
        self.city = city = parktally.Aggregator(self.folder / "a")
        case.addCleanup(city.close)
        units = [parktally.unit(code, "east") for code in EAST] + [parktally.unit(code, "west") for code in WEST]
        city.import_register(units)
        city.start()
        self.east = parktally.enrol(city, "east", self.folder / "东")
        self.west = stranger.Stranger(city.invite("west")).connect()
        self.outbox = {}  # of that agent: number → what it sealed
        for number, month in enumerate(MONTHS[:3]):
            self.push({code: 100 * number + n for n, code in enumerate(EAST)}, month)
        for n in range(250):
            self.tell_west(MONTHS[n // 50], Report(WEST[n % 50], {"output": n}))
        city.command("backup", self.folder / "early")
        city.command("period", "close", "--form", "monthly", "--period", "2018-06", "--reason", "试行")
        self.push({EAST[3]: 7777, EAST[4]: 8888}, MONTHS[0])
        city.import_register([*units, parktally.unit("N01", "east")])
        self.east.command("apply", "新1", "--class", "code", "--name", "新企业", "--text", "六月投产", "--by", "李四",
                          code=GOOD)
        self.push({"N01": 5, EAST[5]: 6}, MONTHS[4])
        for code in WEST[:5]:
            self.tell_west(MONTHS[0], Report(code, {"sales": 3}))
        self.push({EAST[6]: 60}, MONTHS[4])
        self.west.close()
        city.stop()  # at last nothing is examined any more
        city.command("backup", self.folder / "late")
        city.command("ledger", "export", "--output", self.folder / "export")
        self.said = self.say(city)
        self.inner, self.pages = (pages_of(city.data / "store.db", kind) for kind in ("internal", "leaf"))

    def tell_west(self, month, report):
        sealed = self.west.sealed("monthly", month, [report])
        self.outbox[self.west.sequence] = sealed
        self.west.receipt_bytes(sealed)

    def push(self, figures, period):
        path = self.folder / "月报.csv"
        path.write_text("uscc,period,output\n" + "".join(f"{unit},{period},{output}\n" for unit, output in figures.items()))
        return self.east.command("push", path, "--approved-by", "张三", "--wait", code=GOOD)

    @staticmethod
    def head(city):
        head = json.loads(city.command("ledger", "head", "--format", "json").out)
        return head["leaves"], head["root"]

    @classmethod
    def say(cls, city):
        """What a repair may not change."""
        return cls.head(city), totals(city), receipts(city)


scene = None


def totals(city):
    return [city.totals("--period", month) for month in MONTHS]


def receipts(city):
    with contextlib.closing(sqlite3.connect(f"file:{city.data}/store.db?mode=ro", uri=True)) as store:
        return store.execute("SELECT position, sealed FROM receipt ORDER BY position").fetchall()


def pages_of(path, kind):
    """Table → its pages of a kind, in order."""
    found = {}
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as plain:
        for name, page in plain.execute("SELECT name, pageno FROM dbstat WHERE pagetype = ? ORDER BY path", (kind,)):
            found.setdefault(name, []).append(page)
    return found


class Case(parktally.Case):
    def setUp(self):
        super().setUp()
        global scene
        scene = scene or Scene(self)
        self.city = scene.city
        shutil.copytree(self.city.data, self.folder / "whole")
        self.addCleanup(self.put_back)
        self.path = self.city.data / "store.db"

    def put_back(self):
        self.city.close()
        scene.west.heads.clear()  # it knows nothing of epochs
        shutil.rmtree(self.city.data)
        shutil.copytree(self.folder / "whole", self.city.data)

    def write(self, offset, data):
        with open(self.path, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def spoil(self, page, data=b"\xa5" * PAGE):
        self.write((page - 1) * PAGE, data)

    def flip(self, offset):
        content = self.path.read_bytes()
        self.write(offset, bytes([content[offset] ^ 4]))

    def check(self, *words, code=BAD):
        return self.city.command("ledger", "check", *words, code=code)

    def found(self, *words, code=BAD):
        return json.loads(self.check("--format", "json", *words, code=code).out)

    def repair(self, *files, code=GOOD, words=()):
        return self.check("--repair", *(word for file in files for word in ("--from", scene.folder / file)), *words, code=code)

    def asides(self):
        return [path for path in self.city.data.glob("store.db.damaged-*") if not path.name.endswith("-wal")]

    def assert_as_before(self):
        """The check replays, so the same head means the same tables."""
        self.check(code=GOOD)
        self.assertEqual(len(self.asides()), 1)
        self.assertFalse((self.city.data / "repair.new").exists())
        self.assertEqual((Scene.head(self.city), receipts(self.city)), (scene.said[0], scene.said[2]))


class Damage(Case):
    def test_nothing_is_wrong_with_a_whole_store(self):
        self.assertIn("nothing is damaged", self.check(code=GOOD).out)
        before = self.path.read_bytes()
        self.assertEqual(self.found(code=GOOD)["damages"], [])
        self.assertIn("nothing is damaged", self.repair(code=GOOD).out)
        self.assertEqual(self.path.read_bytes(), before)
        self.assertFalse(self.asides())

    def test_beside_a_server_it_says_what_to_do(self):
        self.city.start()
        self.assertIn("ledger verify", self.check(code=ELSEWHERE).err)
        self.assertIn("--repair", self.check("--give-up", code=MISUSED).err)

    def test_a_damaged_page_of_each_table_is_named_and_made_good_from_a_backup(self):
        for table in TABLES:
            with self.subTest(table):
                page = scene.pages[table][-1]
                self.spoil(page)
                found = self.found()["damages"]
                self.assertIn(("page", page, table), [(each["kind"], each["number"], each["subject"]) for each in found])
                kinds = {each["kind"] for each in found}
                expected = {"leaf": "leaf", "leaf_part": "leaf", "receipt": "receipt", "node": "tree", "submission": "list",
                            "meta": "tree"}.get(table, "page")
                self.assertIn(expected, kinds)
                self.assertIn("Nothing was lost", self.repair("late").out)
                self.assert_as_before()
                if table == "leaf_part":
                    self.assertIn("right", self.city.command("ledger", "verify").out)
                    self.assertEqual(Scene.say(self.city), scene.said)
                self.put_back()

    def test_a_leaf_is_named_by_whose_submission_it_was(self):
        self.spoil(scene.pages["leaf_part"][-1])
        named = [each["subject"] for each in self.found()["damages"] if each["kind"] == "leaf"]
        self.assertTrue(named)
        self.assertTrue(all(re.fullmatch(r"(submission|act) \d+ of (east|west)-1|an? .*|what .*", name) for name in named), named)
        self.assertTrue(any(name.startswith("submission") for name in named), named)
        self.assertIn("submission", self.check().out)

    def test_pages_that_hold_the_way_to_others_cost_nothing(self):
        """Inner pages, the schema, the file's head: what is below them stands in the pages."""
        for table in ("leaf_part", "sqlite_schema", "receipt"):
            with self.subTest(table):
                self.spoil(scene.inner[table][0])
                self.check()
                self.assertIn("Nothing was lost", self.repair().out)
                self.assert_as_before()
                self.put_back()

    def test_a_flipped_byte_costs_one_leaf_or_nothing(self):
        content = self.path.read_bytes()
        for page in scene.pages["leaf_part"]:  # with room between the list of its rows and the rows
            start = (page - 1) * PAGE
            cells, rows = (int.from_bytes(content[start + at:start + at + 2], "big") for at in (3, 5))
            if rows > 8 + 2 * cells + 20:
                break
        self.flip(start + 8 + 2 * cells + 10)
        self.check()
        self.assertIn("Nothing was lost", self.repair().out)
        self.assert_as_before()
        self.put_back()
        self.flip(start + rows + 60)
        self.assertIn("1 leaves cannot be had", self.repair(code=BAD).err)
        self.assertIn("Nothing was lost", self.repair("export").out)
        self.assert_as_before()

    def leaves_on(self, page):
        before = self.path.read_bytes()
        self.spoil(page)
        named = " ".join(each["subject"] for each in self.found()["damages"] if each["kind"] == "leaf")
        self.path.write_bytes(before)
        return named

    def test_zeros_and_a_file_that_was_cut_off_are_damage(self):
        self.spoil(scene.pages["leaf"][-1], bytes(PAGE))
        self.check()
        self.repair("late")
        self.assert_as_before()
        self.put_back()
        with open(self.path, "r+b") as file:
            file.truncate(self.path.stat().st_size // PAGE // 2 * PAGE)
        self.check()
        self.assertIn("the end of the ledger", self.repair("late", code=BAD).err)
        self.assertIn("new epoch", self.repair("late", words=["--give-up"]).out)
        self.check(code=GOOD)
        self.assertEqual(Scene.say(self.city)[1:], scene.said[1:])

    def test_receipts_that_are_nowhere_are_signed_anew(self):
        for page in scene.pages["receipt"]:
            self.spoil(page)
        self.assertIn("receipts were signed anew", self.repair().out)
        self.assertEqual(*([self.told(sealed) for sealed in found] for found in (receipts(self.city), scene.said[2])))
        self.assertIn("right", self.city.command("ledger", "verify").out)
        self.check(code=GOOD)

    @staticmethod
    def told(row):
        """What a receipt says of the submission, whatever ledger it proves it by."""
        receipt = stranger.pb.Receipt.FromString(stranger.open_seal(stranger.RECEIPT, row[1], scene.west.invitation.sign_key))
        receipt.ClearField("head")
        receipt.ClearField("path")
        return row[0], receipt

    def test_leaves_of_which_nothing_else_is_known_are_proved_by_heads(self):
        """The list of leaves is gone as a whole."""
        for page in scene.pages["leaf"]:
            self.spoil(page)
        self.assertIn("Nothing was lost", self.repair().out)
        self.assert_as_before()
        self.put_back()
        for page in scene.pages["leaf"]:
            self.spoil(page)
        for found in re.finditer("试行".encode(), self.path.read_bytes()):  # an operator's act, of which there is no receipt
            self.write(found.start(), "试用".encode())
        self.assertRegex(self.repair(code=BAD).out, r"leaf \d+ .* cannot be had")
        self.assertIn("Nothing was lost", self.repair("late").out)
        self.assert_as_before()

    def test_a_row_that_somebody_changed_is_told_and_made_good(self):
        with contextlib.closing(sqlite3.connect(self.path)) as store:
            position, = store.execute("SELECT max(position) FROM receipt").fetchone()
            store.execute("UPDATE leaf SET hash = zeroblob(32) WHERE position = ?", (position,))
            store.execute("DELETE FROM receipt WHERE position = ?", (position - 1,))
            store.commit()
        self.check()
        self.repair("late")
        self.assertEqual(Scene.say(self.city), scene.said)

    def test_a_damaged_log_goes_aside_with_its_store(self):
        self.city.start()
        scene.west.connect()
        for code in WEST[:9]:
            scene.west.report("monthly", MONTHS[4], [Report(code, {"sales": 9})])
        scene.west.close()
        self.city.command("backup", self.folder / "newest")
        self.city.kill()
        log = self.city.data / "store.db-wal"
        content = bytearray(log.read_bytes())
        content[32 + 24 + 500] ^= 1
        log.write_bytes(content)
        self.assertIn("log", self.check().out)
        words = ["--repair", "--from", self.folder / "newest"]
        self.assertIn("the end of the ledger", self.check(*words).err)
        self.assertEqual(log.read_bytes(), content)
        self.assertIn("0 leaves are lost", self.check(*words, "--give-up", code=GOOD).out)
        self.check(code=GOOD)
        self.assertEqual(len(list(self.city.data.glob("store.db.damaged-*-wal"))), 1)
        self.assertIn("right", self.city.command("ledger", "verify").out)


class Files(Case):
    def damage(self, early):
        """Submissions of west-1, early or late ones."""
        numbers = {}
        for page in scene.pages["leaf_part"]:
            for number in re.findall(r"submission (\d+) of west-1", self.leaves_on(page)):
                numbers.setdefault(page, []).append(int(number))
        page = (min if early else max)(numbers, key=lambda page: numbers[page][0])
        self.spoil(page)

    leaves_on = Damage.leaves_on

    def test_without_a_file_it_is_refused_by_name_and_nothing_changes(self):
        self.damage(early=True)
        before = self.path.read_bytes()
        said = self.repair(code=BAD)
        self.assertRegex(said.out, r"leaf \d+ \(submission \d+ of west-1\) cannot be had")
        self.assertIn("--give-up", said.err)
        self.assertEqual(self.path.read_bytes(), before)
        self.assertFalse(self.asides())

    def test_an_older_backup_has_older_leaves(self):
        self.damage(early=True)
        self.repair("early")
        self.assert_as_before()
        self.put_back()
        self.damage(early=False)
        self.assertIn("cannot be had", self.repair("early", code=BAD).err)
        self.repair("early", "export")
        self.assert_as_before()

    def test_files_that_are_none_of_this_ledger_are_refused(self):
        self.damage(early=True)
        (self.folder / "b").mkdir()
        other = parktally.Aggregator(self.folder / "b")
        other.command("backup", scene.folder / "other")
        self.assertIn("another city", self.repair("other", code=BAD).err)
        (scene.folder / "cut").write_bytes((scene.folder / "late").read_bytes()[:-50])
        self.assertIn("cut", self.repair("cut", code=BAD).err)
        self.assertFalse(self.asides())

    def fork(self):
        """A backup of a ledger that went another way right behind the early backup, where here is an operator's act."""
        shutil.copy(self.city.data / "identity.key", self.folder / "key")
        other = self.folder / "anders"
        made = parktally.run(parktally.AGGREGATOR, "restore", scene.folder / "early", "--key", self.folder / "key", data=other)
        self.assertEqual(made.code, GOOD, made)
        parktally.run(parktally.AGGREGATOR, "backup", scene.folder / "fork", data=other)

    def test_of_a_file_that_went_another_way_only_what_is_common_is_used(self):
        self.fork()
        self.damage(early=True)
        self.repair("fork")
        self.assert_as_before()
        self.put_back()
        self.damage(early=False)
        self.assertIn("cannot be had", self.repair("fork", code=BAD).err)
        self.repair("fork", "late")
        self.assert_as_before()

    def test_a_leaf_of_another_way_is_not_taken_for_one_of_this(self):
        """Nothing is known any more of the act that stood where the other ledger's restore stands."""
        self.fork()
        for page in scene.pages["leaf"]:
            self.spoil(page)
        for found in re.finditer("试行".encode(), self.path.read_bytes()):
            self.write(found.start(), "试用".encode())
        self.assertIn("1 leaves cannot be had", self.repair("fork", code=BAD).err)
        self.repair("fork", "late")
        self.assert_as_before()


class GivenUp(Case):
    def setUp(self):
        super().setUp()
        shutil.copytree(scene.east.data, self.folder / "east")
        self.addCleanup(self.put_agent_back)
        self.lost = self.spoil_the_middle()
        self.said = self.repair(words=("--give-up", "--reason", "磁盘损坏"))
        self.city.start()

    def put_agent_back(self):
        shutil.rmtree(scene.east.data)
        shutil.copytree(self.folder / "east", scene.east.data)

    def spoil_the_middle(self):
        """A page of early submissions of west-1: most of what there is comes behind it. Numbers of what it had."""
        for page in scene.pages["leaf_part"]:
            before = self.path.read_bytes()
            self.spoil(page)
            named = [each["subject"] for each in self.found()["damages"] if each["kind"] == "leaf"]
            lost = [int(name.split()[1]) for name in named if name.endswith("of west-1")]
            if lost and lost[0] > 20 and len(lost) == len(named):
                return lost
            self.path.write_bytes(before)
        raise AssertionError("no such page")

    def satchel(self):
        found = list(self.city.data.glob("set-aside-*.outbox"))
        self.assertEqual(len(found), 1, self.said)
        return found[0]

    def do_again(self):
        """What the notes name: by hand, as an operator."""
        notes = self.satchel().with_suffix(".txt").read_text()
        self.assertIn("register import", notes)
        self.assertRegex(notes, "period close monthly 2018-06.* 试行")
        self.city.import_register([parktally.unit("N01", "east")])
        for number in self.lost:
            self.assertRegex(notes, f"lost: leaf \\d+ .submission {number} of west-1")

    def push_anything(self):
        """Brings the agent to the city, which sends what the city lacks."""
        path = self.folder / "再.csv"
        path.write_text("uscc,period,output\nE39,2018-06,39\n")
        scene.east.command("push", path, "--approved-by", "张三", "--wait", code=GOOD)

    def take_lost_ones(self):
        scene.west.heads.clear()
        scene.west.connect()
        for number in self.lost:
            scene.west.receipt_bytes(scene.outbox[number])
        scene.west.close()

    def assert_exact(self):
        self.assertEqual(*([[line for line in lines if line["period"] != "2018-06" and line.pop("under_inquiry")]
                            for lines in copy.deepcopy(found)] for found in (totals(self.city), scene.said[1])))
        self.assert_sound(self.city)
        self.assertIn("right", self.city.command("ledger", "verify").out)
        found = json.loads(scene.east.command("receipts", "verify", "--format", "json", code=GOOD).out)
        self.assertEqual(found["wrong"], [])

    def test_nothing_is_taken_before_resume_and_the_old_store_is_kept(self):
        self.assertEqual(len(self.asides()), 1)
        self.assertIn(f"{len(self.lost)} leaves are lost", self.said.out)
        imported = self.city.command("import", self.satchel(), code=75)
        self.assertIn(" 0 taken now", imported.out)
        self.assertIn("restore", self.city.command("audit", "list", "--act", "restore").out)
        self.assertIn("磁盘损坏", self.city.command("audit", "list", "--act", "restore").out)
        self.city.stop()
        self.check(code=GOOD)

    def test_the_file_first_and_then_the_agents(self):
        self.city.command("resume", "--revocations-checked")
        self.do_again()
        self.city.command("import", self.satchel(), code=None)
        self.push_anything()
        self.take_lost_ones()
        self.city.command("import", self.satchel())
        again = self.city.command("import", self.satchel()).out
        self.assertIn(" 0 taken now", again)
        self.assert_exact()

    def test_the_agents_first_and_then_the_file(self):
        self.city.command("resume", "--revocations-checked")
        self.do_again()
        self.push_anything()
        self.take_lost_ones()
        self.assertIn("known already", self.city.command("import", self.satchel()).out)
        self.assert_exact()


if __name__ == "__main__":
    unittest.main()
