"""The reference page of findings is what the sources say."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(root, *words):
    return subprocess.run([sys.executable, "-B", root / "deploy" / "findings.py", *words], capture_output=True, text=True)


class ThePage(unittest.TestCase):
    def test_it_is_up_to_date(self):
        checked = run(ROOT, "--check")
        self.assertEqual((checked.returncode, checked.stderr), (0, ""), checked.stdout + "run deploy/findings.py")

    def test_it_has_every_finding_and_every_shipped_rule(self):
        page = (ROOT / "deploy" / "FINDINGS.md").read_text()
        table = (ROOT / "common" / "finding.h").read_text()
        catalogue = (ROOT / "deploy" / "catalogue" / "liuzhou.yaml").read_text()
        rows = [line for line in page.splitlines() if line.startswith("| `")]
        self.assertEqual(len(rows), table.count("  X(") + len(re.findall(r" weight: (?:mandatory|quasi-mandatory|verify)\b", catalogue)))
        for row in rows:
            cells = row.replace("\\|", "").split("|")[1:-1]
            self.assertIn(len(cells), (6, 7), row)
            self.assertTrue(all(cell.strip() for cell in cells[:5]), row)


class TheScript(unittest.TestCase):
    """On a tree of its own, which is changed."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="parktally-"))
        self.addCleanup(shutil.rmtree, self.root)
        for folder in ("agent", "aggregator", "common", "po", "deploy"):
            shutil.copytree(ROOT / folder, self.root / folder)

    def change(self, name, old, new):
        path = self.root / name
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))

    def test_what_changes_shows_and_is_written_on_demand(self):
        for name, old, new in (
                ("common/finding.h", "the file has no rows of figures", "the file is empty"),
                ("common/finding.h", '"file.cut", FILE', '"file.cut", NOTE'),
                ("po/zh_CN.po", "文件中没有数据行", "没有数据行"),
                ("deploy/catalogue/liuzhou.yaml", "weight: quasi-mandatory, holds: if month > 2", "weight: verify, holds: if month > 2"),
                ("aggregator/group.c", "FINDING_REPORT_LATE", "FINDING_CLOCK_OFF")):
            with self.subTest(name=name, new=new):
                if new == "the file is empty":
                    self.change("po/zh_CN.po", old, new)
                self.change(name, old, new)
                changed = run(self.root, "--check")
                self.assertEqual(changed.returncode, 1)
                if changed.stderr:
                    self.assertIn("nobody says", changed.stderr)
                    continue
                self.assertIn("+| `", changed.stdout)
                self.assertEqual(run(self.root).returncode, 0)
                self.assertEqual(run(self.root, "--check").returncode, 0)

    def test_what_cannot_be_read_is_not_passed_over(self):
        for name, old, new, said in (
                ("common/finding.h", '"file.cut", FILE', '"file.cut" FILE', "could be read"),
                ("deploy/catalogue/liuzhou.yaml", "form: rd-yearly, weight: verify,", "weight: verify, form: rd-yearly,", "cannot be read"),
                ("po/zh_CN.po", 'msgstr "文件中没有数据行"', 'msgstr ""', "no translation")):
            with self.subTest(name=name):
                kept = (self.root / name).read_text()
                self.change(name, old, new)
                failed = run(self.root)
                self.assertEqual(failed.returncode, 1)
                self.assertIn(said, failed.stderr)
                (self.root / name).write_text(kept)


if __name__ == "__main__":
    unittest.main()
