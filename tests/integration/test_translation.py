"""The Chinese texts: complete, up to date with the sources, well formed, and what the programs print."""

import ast
import os
import re
import shutil
import subprocess
import unicodedata
import unittest

import parktally
from parktally import AGENT, AGGREGATOR, ROOT, Case, environment, run

PO = ROOT / "po" / "zh_CN.po"
TOOLS = ("xgettext", "msgmerge", "msgattrib", "msgfmt")
# Which locale there is differs, what is printed does not: C.UTF-8 with a language, and a locale that no system has the data of.
CHINESE = environment(LC_ALL="C.UTF-8", LANGUAGE="zh_CN")
CHINESE_WITHOUT_LOCALE = {name: value for name, value in environment(LANG="zh_CN.UTF-8").items()
                          if name not in ("LC_ALL", "LC_MESSAGES", "LANGUAGE")} | {"LOCPATH": "/nonexistent"}
HAN = "[\u4e00-\u9fff]"
HALF_WIDTH = re.compile(f"{HAN}[,;:!?]|[,;!?]{HAN}|{HAN}\\.(?!\\w)|\\({HAN}|{HAN}\\)|{HAN}[\"']|[\"']{HAN}")
# What is written into files and command lines keeps its half-width marks.
LITERAL = re.compile(r"(代码|列标题|键|报表|区域|指标|分组): ?|(报表|区域|指标|分组),…|\{base: 元, factor: 1000\}|\[文字, …\]")


def tool(*words):
    return subprocess.run([*map(str, words)], capture_output=True, text=True, cwd=ROOT, env=environment())


def messages():
    """(msgid, msgstr) of every message but the header."""
    for block in PO.read_text().split("\n\n"):
        texts = {}
        for key, quoted in re.findall(r'^(msg\w+) ((?:"(?:[^"\\]|\\.)*"\n?)+)', block, re.MULTILINE):
            texts[key] = "".join(ast.literal_eval(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', quoted))
        if texts.get("msgid"):
            yield texts["msgid"], texts["msgstr"]


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@unittest.skipUnless(all(map(shutil.which, TOOLS)), "gettext's tools are not installed")
class Texts(unittest.TestCase):
    maxDiff = None

    def test_the_file_is_up_to_date_with_the_sources(self):
        result = tool("po/update.sh", "--check")
        self.assertEqual(result.returncode, 0, f"run po/update.sh and translate what is new:\n{result.stdout}{result.stderr}")
        self.assertEqual(result.stderr, "")

    def test_no_text_lacks_a_translation_or_is_a_guess(self):
        for option in ("--untranslated", "--only-fuzzy"):
            left = tool("msgattrib", option, "--no-obsolete", PO)
            self.assertEqual((left.returncode, left.stdout), (0, ""))

    def test_the_file_is_well_formed(self):
        result = tool("msgfmt", "--check", "-o", os.devnull, PO)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_no_text_was_cut_off_at_a_macro(self):
        # xgettext knows PRIu64 but ends a text, without a word, at any other macro.
        self.assertEqual([msgid for msgid, _ in messages() if re.search(r"(?<!%)(%%)*%$", msgid)], [])

    def test_every_finding_is_translated(self):
        header = (ROOT / "common" / "finding.h").read_text()
        texts = [ast.literal_eval(f'"{text}"') for text in re.findall(r'N_\("((?:[^"\\]|\\.)*)"\)', header)]
        self.assertGreater(len(texts), 100)
        self.assertEqual(set(texts) - {msgid for msgid, _ in messages()}, set())

    def test_chinese_sentences_have_chinese_punctuation(self):
        wrong = [msgstr for _, msgstr in messages() if HALF_WIDTH.search(LITERAL.sub("", msgstr))]
        self.assertEqual(wrong, [])


class Programs(Case):
    def setUp(self):
        super().setUp()
        parktally.need(AGENT, AGGREGATOR)

    def test_help_is_chinese_with_and_without_the_locale(self):
        for name, env in (("language", CHINESE), ("locale without data", CHINESE_WITHOUT_LOCALE)):
            for program, words in ((AGENT, "离线审核文件"), (AGGREGATOR, "输出各区域的汇总数")):
                with self.subTest(env=name, program=program.name):
                    result = run(program, "--help", env=env)
                    self.assertEqual(result.code, 0)
                    self.assertTrue(result.out.startswith("用法："), result.out)
                    self.assertIn(words, result.out)

    def test_english_is_spoken_otherwise(self):
        self.assertTrue(run(AGENT, "--help").out.startswith("Usage: "))

    def test_options_are_chinese_and_aligned(self):
        for program, command in ((AGENT, "push"), (AGGREGATOR, "run"), (AGGREGATOR, "totals"), (AGGREGATOR, "invite")):
            with self.subTest(command=command):
                out = run(program, command, "--help", env=CHINESE).out
                lines = out.split("选项：\n")[1].splitlines()
                starts = set()
                for line in lines:
                    option, text = re.fullmatch(r"(  -\S+(?: --help)? +)(.*)", line).groups()
                    starts.add(width(option))
                self.assertEqual(len(starts), 1, out)
                self.assertIn("显示本帮助", lines[-1])

    def test_a_broken_catalogue_is_explained_in_chinese(self):
        broken = self.folder / "broken.yaml"
        broken.write_text(parktally.small_catalogue().replace("\nforms:\n", "\nfroms:\n"))
        result = run(AGGREGATOR, "check", "--catalogue", broken, env=CHINESE)
        self.assertEqual(result.code, 78)
        self.assertRegex(result.out + result.err, r"broken\.yaml:\d+:\d+: 这里没有“froms”这个键；是不是“forms”？")

    def test_a_finding_is_a_chinese_sentence(self):
        catalogue, register, may = (self.folder / name for name in ("c.yaml", "r.csv", "五月.csv"))
        catalogue.write_text(parktally.small_catalogue())
        register.write_text(parktally.register_text([parktally.unit("U1", "east")]))
        may.write_text("uscc,period,output\nU1,2018-05,12x\n")
        for env in (CHINESE, CHINESE_WITHOUT_LOCALE):
            result = run(AGENT, "check", may, "--catalogue", catalogue, "--register", register, "--area", "east", env=env)
            self.assertEqual(result.code, 65, result)
            self.assertRegex(
                result.out + result.err,
                r"五月\.csv，第 2 行，C 列（output），单位 U1：这不是数字，发现“12x”，应为：.*。请只写数字。 \[value\.text\]")

    def test_a_table_is_chinese_and_aligned(self):
        aggregator = self.aggregator()
        aggregator.import_register([parktally.unit("U1", "east")])
        out = aggregator.command("agents", env=CHINESE).out
        self.assertTrue(out.startswith("园区程序  区域"), out)
        lines = aggregator.command("totals", "--period", "2018-05", "--indicator", "output", env=CHINESE).out.splitlines()
        for column in ("区域", "报告期", "指标", "分组", "汇总数", "计量单位", "已报", "应报", "待核实"):
            self.assertIn(column, lines[0])
        starts = {width(line[:line.index("2018-05")]) for line in lines if "2018-05" in line}
        self.assertEqual(starts, {width(lines[0][:lines[0].index("报告期")])}, lines)


if __name__ == "__main__":
    unittest.main()
