"""Every bad input that a file can have, as a park's clerk meets it: the answer names the place, what was found and what
was expected, has its exit code, and does not hold up the good rows. `check` and `push` say the same."""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import unittest

import parktally

GOOD, MISUSED, BAD, IO_ERROR = 0, 64, 65, 74
MIB = 1 << 20
MEMORY_MOST = 64 * MIB
CORPORA = pathlib.Path(os.environ.get("PARKTALLY_TESTDATA") or "/nonexistent") / "corpora"

ONE, TWO, THREE = (parktally.uscc(number) for number in (1, 2, 3))
MOVED = parktally.uscc(4)       # from the east to the west in 2012
ELSEWHERE = parktally.uscc(5)   # always in the west
HEADER = "uscc,period,output,sales,sales.ytd,staff"
BASE = {"output": 10, "sales": 20, "sales.ytd": 30, "staff": 40}  # of the row of unit TWO, which is always good

REGISTER = [
    *(parktally.unit(code, "east", class_="enterprise", name=name)
      for code, name in ((ONE, "甲厂"), (TWO, "乙厂"), (THREE, "丙厂"))),
    parktally.unit(MOVED, "east", class_="enterprise", name="丁厂", to="2011-12-31"),
    parktally.unit(MOVED, "west", class_="enterprise", name="丁厂", from_="2012-01-01"),
    parktally.unit(ELSEWHERE, "west", class_="enterprise", name="戊厂"),
]


def rows(*lines, header=HEADER):
    return "\n".join((header, *lines)) + "\n"


def good(unit, period="{P}"):
    return f"{unit},{period},10,20,30,40"


def expect(code, row=0, column=0, found=None, expected=None, indicator=None, unit=None):
    """A finding. Texts are regular expressions; None: whatever."""
    return {"code": code, "row": row, "column": column, "found": found, "expected": expected, "indicator": indicator,
            "unit": unit}


class Bad:
    """A file, what is found in it, and whose figures count all the same."""

    def __init__(self, name, content, *findings, counted=(TWO,), options=(), code=BAD, before=None, suffix=".csv"):
        self.name, self.content, self.findings = name, content, findings
        self.counted, self.options, self.code, self.before, self.suffix = counted, options, code, before, suffix


# Rows of bad cells: the unit ONE in row 2 is wrong somewhere, the unit TWO in row 3 is good.
def cell(name, row, *findings, **more):
    return Bad(name, rows(row, good(TWO)), *findings, **more)


CELLS = [
    cell("an unknown unit", good(parktally.uscc(99)), expect("unit.unknown", 2, 1, parktally.uscc(99))),
    cell("a code with a wrong check character", good(ONE[:-1] + ("A" if ONE[-1] != "A" else "B")),
         expect("unit.check-digit", 2, 1, "^[AB]$", f"^{ONE[-1]}$"), expect("unit.unknown", 2, 1)),
    cell("a code with letters mixed up", good(ONE.replace("9", "O", 1)), expect("unit.unknown", 2, 1)),
    cell("a unit of another park", good(ELSEWHERE), expect("unit.unknown", 2, 1, ELSEWHERE)),
    cell("a unit that has moved to another park", good(MOVED),
         expect("unit.elsewhere", 2, 1, "^west$", "^east$", unit=MOVED)),
    cell("a code that a spreadsheet made a number", good("9.14502E+17"), expect("unit.damaged", 2, 1, "9.14502E")),
    cell("a code with its last digits lost", good("914502000000000000"), expect("unit.damaged", 2, 1)),
    cell("a code with thousands separators", good('"914,502,000,000,000,000"'), expect("unit.damaged", 2, 1)),
    cell("a code with decimals", good("914502000000000000.00"), expect("unit.damaged", 2, 1)),
    cell("a code without its zero in front", good("14502000000000030"), expect("unit.damaged", 2, 1)),
    cell("no unit", good(""), expect("unit.missing", 2, 1)),
    cell("a text for a period", good(ONE, "五月"), expect("period.shape", 2, 2, "^五月$")),
    cell("a thirteenth month", good(ONE, "2018-13"), expect("period.shape", 2, 2, "^2018-13$")),
    cell("a year on a monthly form", good(ONE, "2018"), expect("period.wrong", 2, 2, "^2018$")),
    cell("a quarter on a monthly form", good(ONE, "2018-Q2"), expect("period.wrong", 2, 2, "^2018-Q2$")),
    cell("another period than the one that was asked for", good(ONE, "2018-06"),
         expect("period.wrong", 2, 2, "^2018-06$", "^{P}$"), options=("--period", "{P}")),
    cell("no period", good(ONE, ""), expect("period.missing", 2, 2)),
    cell("a number that is too large", f"{ONE},{{P}},10,9007199254740992,30,40",
         expect("value.range", 2, 4, "^9007199254740992$", "0 to 9007199254740991", "sales", ONE)),
    cell("a number of too many digits for any computer", f"{ONE},{{P}},10,{'9' * 60},30,40", expect("value.range", 2, 4)),
    cell("a number of a thousand digits", f"{ONE},{{P}},10,{'9' * 1000},30,40", expect("value.*", 2, 4)),
    cell("a negative number where none may be", f"{ONE},{{P}},10,(20),30,40",
         expect("value.range", 2, 4, "^-20$", "^0 to", "sales")),
    cell("too many decimals", f"{ONE},{{P}},10.25,20,30,40",
         expect("value.decimals", 2, 3, "^10.25$", "1 decimals in 千元", "output")),
    cell("decimals where none may be", f"{ONE},{{P}},10,20,30,40.5",
         expect("value.decimals", 2, 6, "^40.5$", "0 decimals in 人", "staff")),
    cell("text in a number cell", f"{ONE},{{P}},10,约二十,30,40",
         expect("value.text", 2, 4, "^约二十$", "a number in 千元", "sales", ONE)),
    cell("a number with its measure", f"{ONE},{{P}},10,20千元,30,40", expect("value.text", 2, 4, "^20千元$")),
    cell("a spreadsheet's error", f"{ONE},{{P}},10,#REF!,30,40", expect("value.text", 2, 4, "#REF!")),
    cell("separators in the wrong places", f'{ONE},{{P}},10,"1,00,0",30,40', expect("value.text", 2, 4)),
    cell("half an exponent", f"{ONE},{{P}},10,2E,30,40", expect("value.text", 2, 4, "^2E$")),
    cell("below the smallest unit", f"{ONE},{{P}},10,…,30,40", expect("value.tiny", 2, 4, "^…$")),
    cell("three mistakes in a row, each named", f"{ONE},{{P}},10.25,x,30,…",
         expect("value.decimals", 2, 3), expect("value.text", 2, 4), expect("value.tiny", 2, 6)),
    cell("a row without any figure", f"{ONE},{{P}},,,,", expect("report.empty", 2, unit=ONE)),
    cell("nil beside a figure", f"{ONE},{{P}},本期无数据,20,,", expect("value.nil", 2)),
    cell("a row that is too short", f"{ONE},{{P}},10,20", expect("row.short", 2, 0, "4 cells", "6 cells")),
    cell("a row that is too long", f"{ONE},{{P}},10,20,30,40,50", expect("row.short", 2, 0, "7 cells", "6 cells")),
    cell("a thousands separator without quotation marks", f"{ONE},{{P}},1,000,20,30,40",
         expect("row.short", 2, 0, "7 cells", "6 cells")),
]

ROWS = [
    Bad("the same row twice", rows(good(ONE), good(TWO), good(ONE)),
        expect("row.twice", 4, unit=ONE), counted=(ONE, TWO), code=GOOD),
    Bad("the same unit with other figures", rows(good(ONE), good(TWO), f"{ONE},{{P}},11,20,30,40"),
        expect("row.conflict", 2, expected="row 4", unit=ONE), expect("row.conflict", 4, expected="row 2", unit=ONE)),
    Bad("the same unit three times, once with other figures",
        rows(good(ONE), good(ONE), good(TWO), f"{ONE},{{P}},10,21,30,40"),
        expect("row.conflict", 2), expect("row.conflict", 3), expect("row.conflict", 5)),
    Bad("a good row beside a bad one of the same unit", rows(good(ONE), good(TWO), f"{ONE},{{P}},10,x,30,40"),
        expect("value.text", 4, 4, "^x$"), expect("row.with-refused", 2, unit=ONE)),
    Bad("a long table with conflicting figures",
        rows(f"{ONE},{{P}},staff,40", f"{TWO},{{P}},output,10", f"{TWO},{{P}},sales,20", f"{TWO},{{P}},sales.ytd,30",
             f"{TWO},{{P}},staff,40", f"{ONE},{{P}},staff,41", header="uscc,period,indicator,value"),
        expect("row.conflict", 2, indicator="staff", unit=ONE), expect("row.conflict", 7, indicator="staff", unit=ONE)),
    Bad("a blank over a figure", rows(f"{ONE},{{P}},10,,30,40", good(TWO)),
        expect("value.blank", 2, 4, None, "^20$", "sales", ONE), counted=(ONE, TWO), before=rows(good(ONE))),
    Bad("taking back what is not there", rows(f"{ONE},{{P}},整表撤销,,,", good(TWO)),
        expect("report.nothing-to-withdraw", 2, unit=ONE)),
    Bad("a total row that is wrong", rows(good(ONE), good(TWO), "合计,,20,40,61,80"),
        expect("row.total", 4, found="合计"), expect("total.differs", 4, 5, "^61$", "^60$"),
        counted=(ONE, TWO), code=GOOD),
]

WHOLE = [
    Bad("an empty file", "", expect("file.empty"), counted=()),
    Bad("nothing but blank lines", "\n\n\n", expect("file.empty"), counted=()),
    Bad("nothing but a byte order mark", b"\xef\xbb\xbf", expect("file.empty"), counted=()),
    Bad("nothing but the header", HEADER + "\n", expect("file.empty"), counted=()),
    Bad("nothing but commas", HEADER + "\n,,,,,\n,,,,,\n", expect("file.empty"), counted=()),
    Bad("an unknown column", rows(f"{ONE},{{P}},10,20,30,40,5", header=HEADER + ",产直"),
        expect("column.unknown", 1, 7, "^产直$", "^产值$"), counted=()),
    Bad("two unknown columns, each named", rows(f"{ONE},{{P}},1,2,3", header="uscc,period,otput,staff,sails"),
        expect("column.unknown", 1, 3, "^otput$", "^Output$"), expect("column.unknown", 1, 5, "^sails$", "^Sales$"),
        counted=()),
    Bad("a column twice", rows(good(ONE) + ",50", header=HEADER + ",人数"),
        expect("column.twice", 1, 7, "^人数$", "^staff$"), counted=()),
    Bad("figures under no heading", rows(f"{TWO},{{P}},10,20,,30,40", f"{ONE},{{P}},10,20,50,30,40",
                                         header=HEADER.replace("sales,", "sales,,")),
        expect("column.unknown", 3, 5, "^50$"), counted=()),
    Bad("no column of units", rows("2018-05,10", header="period,output"), expect("column.missing", expected="uscc"),
        counted=()),
    Bad("no period anywhere", rows(f"{ONE},10", header="uscc,output"), expect("column.missing", 1, expected="--period"),
        counted=()),
    Bad("a table of another office", rows("甲,1,2", header="姓名,年龄,工资"), expect("column.missing"), counted=()),
    Bad("a measure that cannot be converted", rows(f"{ONE},{{P}},10", header="uscc,period,人数(万元)"),
        expect("column.measure", 1, 3), counted=()),
    Bad("columns of two forms", rows(f"{ONE},{{P}},10,20", header="uscc,period,output,profit.ytd"),
        expect("file.form", 1, found="profit.ytd", expected="monthly"), counted=()),
    Bad("a form that is not there", rows(good(ONE)), expect("form.unknown", 1, found="monthy", expected="monthly"),
        counted=(), options=("--form", "monthy")),
    Bad("cut in the middle of a row", rows(good(TWO), good(ONE))[:-7],
        expect("file.cut", 3, 0, "4 cells", "6 cells"), counted=()),
    Bad("cut behind the unit's code", rows(good(TWO)) + ONE, expect("file.cut", 3, 0, "1 cells", "6 cells"), counted=()),
    Bad("cut in the middle of a quoted cell", rows(good(TWO)) + f'{ONE},{{P}},10,"1,0', expect("file.cut", 3, 4),
        counted=()),
    Bad("cut in the middle of a character", (rows(good(TWO)) + f"{ONE},{{P}},10,撤").encode()[:-1],
        expect("file.cut", 3, 4), counted=()),
    Bad("cut in the middle of a character of GBK", (rows(good(TWO)) + f"{ONE},{{P}},撤销,撤").encode("gbk")[:-1],
        expect("file.cut", 3, 4), counted=()),
    Bad("cut in the header", "uscc,peri", expect("file.no-line-end", 1), expect("column.missing"), counted=()),
    Bad("cut within the last figure, which nothing can tell", rows(good(ONE), good(TWO))[:-1],
        expect("file.no-line-end", 3), counted=(ONE, TWO), code=GOOD),
    Bad("a stray quotation mark", rows(good(TWO), f'{ONE},{{P}},10,2"0,30,40'), expect("file.quotes", 3, 4), counted=()),
    Bad("UTF-16", ("\ufeff" + rows(good(TWO))).encode("utf-16-le"), expect("file.encoding", found="UTF-16"), counted=()),
    Bad("bytes of no encoding", rows(good(TWO)).encode() + f"{ONE},{{P}},1\xff0,2,3,4\n".encode("latin-1"),
        expect("file.encoding", 3, 3, "0xFF"), counted=()),
    Bad("UTF-8 that turns into something else", b"\xef\xbb\xbf" + rows(good(TWO)).encode() + b"\x80\x80\n",
        expect("file.encoding", 3, 1, "0x80", "UTF-8"), counted=()),
    Bad("GBK that turns into something else", rows(f"{TWO},{{P}},10,20,30,40,", header=HEADER + ",备注").encode("gbk")
        + b"\xff\xff\n", expect("file.encoding", 3, 1, "0xFF", "GB18030"), counted=()),
    Bad("a picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), expect("file.binary", None, None), counted=()),
    Bad("bytes of chance", random.Random(2018).randbytes(20000), expect("file.binary|file.encoding", None, None), counted=()),
    Bad("zeros", bytes(100000), expect("file.binary", 1, 1, "byte 1 of the file, 0x00"), counted=()),
    Bad("a zero byte among good rows", rows(good(TWO)).encode() + b"\0" + rows(good(ONE)).encode(),
        expect("file.binary", 3, 1), counted=()),
    Bad("a workbook", b"PK\x03\x04" + bytes(100), expect("file.binary", found="workbook", expected="CSV"), counted=()),
    Bad("a row of 2000 cells", rows(good(TWO), good(ONE) + "," * 2000), expect("file.too-wide", 3, 1025, expected="1024 cells"), counted=()),
    Bad("a cell of 100 KiB", rows(good(TWO), f"{ONE},{{P}},{'1' * 100 * 1024},20,30,40"),
        expect("file.too-wide", 3, 3), counted=()),
    Bad("no line end in a megabyte", "uscc,period," + "x" * MIB, expect("file.too-wide", 1, 3), counted=()),
]

CASES = CELLS + ROWS + WHOLE


def bytes_of(content, period):
    if isinstance(content, str):
        content = content.encode()
    return content.replace(b"{P}", period.encode())


def matches(pattern, text):
    return pattern is None or text is not None and re.search(pattern, text) is not None


def fits(wanted, finding, period):
    def place(key):
        return wanted[key] is None or wanted[key] == finding.get(key, 0)

    def says(key):
        pattern = wanted[key]
        return matches(pattern.replace("{P}", period) if pattern else None, finding.get(key))

    return (re.fullmatch(wanted["code"], finding["code"]) is not None and place("row") and place("column") and
            all(says(key) for key in ("found", "expected", "indicator", "unit")))


class Case(unittest.TestCase):
    """One aggregator, and an agent of the east park."""

    maxDiff = None
    REGISTER = REGISTER

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="parktally-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.aggregator = parktally.Aggregator(cls.folder)
        cls.addClassCleanup(cls.aggregator.close)
        cls.aggregator.import_register(cls.REGISTER)
        cls.aggregator.start()
        cls.agent = parktally.ParkAgent(cls.folder / "agent", cls.aggregator.invite("east"))
        cls.periods = (f"{year}-{month:02d}" for year in range(2012, 2100) for month in range(2, 13))

    # --- asking ---

    def ask(self, command, path, options, *more):
        """Exit code, findings and summaries of `check` or `push` of a file or several."""
        paths = path if isinstance(path, list) else [path]
        result = self.agent.command(command, *paths, *options, *more, "--format", "json")
        objects = [json.loads(line) for line in result.out.splitlines()]
        # The same figures month after month are suspect, which is test_suspicion.py's matter.
        return result, [found for found in objects
                        if "code" in found and "severity" in found and not found["code"].startswith("figure.")]

    def check(self, path, options=()):
        return self.ask("check", path, options)

    def push(self, path, options=()):
        return self.ask("push", path, options, "--approved-by", "张三", "--wait")

    def write(self, content, name="报表.csv"):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def reports_sent(self):
        status = json.loads(self.agent.command("status", "--format", "json", code=GOOD).out)
        return status["reports"]


class BadFiles(Case):
    # --- judging ---

    def assert_findings(self, case, result, findings, period):
        left = list(findings)
        for wanted in case.findings:
            found = next((finding for finding in left if fits(wanted, finding, period)), None)
            self.assertIsNotNone(found, f"not found: {wanted}\nin {result}")
            left.remove(found)
            self.assertEqual(found["file"], "报表" + case.suffix)
            self.assertTrue(found["text"])
        self.assertEqual(left, [], "nothing else is wrong")

    def assert_totals(self, units, period):
        """East's totals are those of the good rows alone."""
        lines = self.aggregator.totals("--area", "east", "--period", period, "--indicator", ",".join(["output", "sales",
                                                                                                    "staff"]))
        values = {line["indicator"]: (line["value"], line["reported"]) for line in lines}
        wanted = {"output": f"{10 * len(units)}.0", "sales": str(20 * len(units)), "staff": str(40 * len(units))}
        self.assertEqual(values, {name: (value if units else "", str(len(units))) for name, value in wanted.items()})

    def meet(self, case):
        period = next(self.periods)
        if case.before:
            before = self.write(bytes_of(case.before, period), "早.csv")
            self.assertEqual(self.agent.command("push", before, "--approved-by", "张三", "--wait").code, GOOD)
        path = self.write(bytes_of(case.content, period), "报表" + case.suffix)
        options = [option.replace("{P}", period) for option in case.options]
        checked, found = self.check(path, options)
        self.assertEqual(checked.code, case.code, checked)
        self.assert_findings(case, checked, found, period)
        pushed, found_again = self.push(path, options)
        self.assertEqual(pushed.code, case.code, pushed)
        self.assertEqual(found_again, found, "push finds what check finds")
        self.assert_totals(case.counted, period)


def make_test(case):
    def test(self):
        self.meet(case)
    return test


for case in CASES:
    setattr(BadFiles, "test_" + re.sub(r"\W+", "_", case.name), make_test(case))

class OtherFiles(Case):
    """What is no table at all, and what stands on the command line."""

    REGISTER = [parktally.unit("1", "east", name="一号")]

    def assert_refused(self, path, code, *options, exit_code=BAD):
        """By check and push alike; nothing is sent. `path` may be several."""
        sent = self.reports_sent()
        checked, found = self.check(path, options)
        pushed, found_again = self.push(path, options)
        self.assertEqual((checked.code, pushed.code), (exit_code, exit_code), (checked, pushed))
        self.assertEqual(found_again, found)
        if code:
            self.assertIn(code, [finding["code"] for finding in found])
        self.assertEqual(self.reports_sent(), sent)
        return checked

    def test_a_file_that_is_not_there(self):
        result = self.assert_refused(self.folder / "没有.csv", None, exit_code=IO_ERROR)
        self.assertIn("没有.csv: cannot be opened (No such file or directory)", result.err)

    def test_a_folder_instead_of_a_file(self):
        folder = self.folder / "文件夹.csv"
        folder.mkdir()
        self.assertIn("文件夹.csv", self.assert_refused(folder, None, exit_code=IO_ERROR).err)

    def test_a_kind_of_file_that_is_not_read(self):
        path = self.write(b"PK\x03\x04", "五月.xlsx")
        self.assertIn(".csv", self.assert_refused(path, None).err)

    def test_a_missing_file_does_not_hold_up_the_next_one(self):
        good = self.write(b"uscc,period,output\n1,2018-05,7\n", "五月.csv")
        result = self.agent.command("push", self.folder / "没有.csv", good, "--approved-by", "张三", "--wait")
        self.assertEqual(result.code, IO_ERROR, result)
        self.assertEqual(self.aggregator.total("east", "2018-05", "output")["value"], "7.0")

    def test_words_that_make_no_command(self):
        path = self.write(b"uscc,period,output\n1,2018-06,7\n")
        for words in (("--period", "五月"), ("--format", "xml"), ("--colour",)):
            with self.subTest(words=words):
                self.assertEqual(self.agent.command("check", path, *words).code, MISUSED)
                self.assertEqual(self.agent.command("push", path, *words, "--approved-by", "张三").code, MISUSED)

    def test_findings_for_people_name_place_found_expected_and_what_to_do(self):
        path = self.write(b"uscc,period,output\n1,2018-07,7.25\n2,2018-07,7\n", "七月.csv")
        result = self.agent.command("check", path, code=BAD)
        self.assertEqual(result.out, (
            "七月.csv, row 2, column C (output), unit 1: too many decimals: found “7.25”, expected at most 1 decimals "
            "in 千元. Round it to the form's measure. [value.decimals]\n"
            "七月.csv, row 3, column A (uscc), unit 2: the unit is not in the register of this area: found “2”. Correct the code, or apply "
            "for its registration: park-agent apply. [unit.unknown]\n"
            "七月.csv: 2 units, 0 good, 2 refused\n"))

    # --- files that others made ---

    def corpus(self, name):
        if not CORPORA.is_dir():
            self.skipTest("PARKTALLY_TESTDATA names no folder")
        return sorted(path for path in (CORPORA / name).iterdir() if path.is_file())

    def test_real_workbooks_are_told_from_text_also_under_a_wrong_name(self):
        workbooks = self.corpus("spreadsheets")
        self.assertEqual(len(workbooks), 68)
        result = self.agent.command("check", *workbooks, code=BAD)
        for workbook in workbooks:
            self.assertIn(workbook.name, result.err)
        renamed = [self.write(workbook.read_bytes(), workbook.name + ".csv") for workbook in workbooks]
        _, found = self.ask("check", renamed, ())
        self.assertEqual([finding["file"] for finding in found if finding["code"] == "file.binary"], [path.name for path in renamed])
        self.assert_refused(renamed, "file.binary")

    def test_bad_csv_of_a_public_corpus_is_refused_and_good_csv_is_not(self):
        (self.agent.data / "agent.yaml").write_text(json.dumps({"mappings": [
            {"files": "*.csv", "columns": {"foo": "unit", "baz": "sales"}, "ignore": ["bar"]}]}))
        self.addCleanup((self.agent.data / "agent.yaml").unlink)
        empty = {"all-empty.csv", "empty-one-column.csv", "header-no-rows.csv", "one-column.csv",
                 "trailing-newline-one-field.csv"}
        bad = []
        for path in self.corpus("csv-test-data/csv"):
            with self.subTest(file=path.name):
                code = BAD if path.name.startswith("bad-") or path.name in empty else GOOD
                result = self.agent.command("check", path, "--form", "monthly", "--period", "2018-05")
                self.assertEqual(result.code, code, result)
                bad += [path] if code == BAD else []
        self.assert_refused(bad, None, "--form", "monthly", "--period", "2018-05")

    def test_files_that_are_no_reports_are_refused_by_their_headings(self):
        files = self.corpus("csv-spectrum/csvs")
        self.assert_refused(files, None)
        _, found = self.ask("check", files, ())
        self.assertEqual({finding["file"] for finding in found}, {path.name for path in files})


LARGE_UNITS, LARGE_MONTHS = 5000, 750  # 1950-01 to 2012-06


def large_rows(months=LARGE_MONTHS, note=""):
    """A table in the order of units, so that it has to be sorted anew by period. Nothing of it is suspect."""
    for unit in range(LARGE_UNITS):
        for month in range(months):
            yield f"Q{unit:04d},{1950 + month // 12}-{month % 12 + 1:02d},{unit}.5,{unit},{unit * (month % 12 + 1)},{unit % 7}{note}\n"


class LargeFiles(Case):
    """Any size, in bounded memory: 100 MB, or 2 GB with PARKTALLY_FULL=1."""

    REGISTER = [parktally.unit(f"Q{n:04d}", "east", name=f"厂{n}", from_="1949-10-01") for n in range(LARGE_UNITS)]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.months = parktally.sampled(500, LARGE_MONTHS)
        cls.note = "," + "备注" * 90 if parktally.FULL else ""
        cls.large = cls.folder / "大.csv"
        with open(cls.large, "w") as file:
            file.write(HEADER + (",备注" if parktally.FULL else "") + "\n")
            file.writelines(large_rows(cls.months, cls.note))

    def measured(self, *words):
        """Exit code, output, and the most memory that the program had at a time."""
        with open(self.folder / "output", "w+b") as output:
            process = subprocess.Popen([parktally.AGENT, *map(str, words), "--data", self.agent.data],
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                       env=parktally.environment())
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            text = output.read(MIB).decode(errors="replace")
        if not parktally.SANITIZED:
            self.assertLess(usage.ru_maxrss * 1024, MEMORY_MOST, text)
        return process.returncode, text

    def left_over(self):
        """Files of sorted runs that outlived their program."""
        return [path.name for path in self.agent.data.iterdir()
                if not re.match(r"(identity\.key|enrolment|(catalogue|register)\.|outbox\.db|agent\.yaml|lock\.)", path.name)]

    def test_a_large_file_is_checked_whole(self):
        code, text = self.measured("check", self.large)
        rows_all = LARGE_UNITS * self.months
        self.assertEqual((code, text), (GOOD, f"大.csv: {rows_all} units, {rows_all} good, 0 refused\n"))
        self.assertEqual(self.left_over(), [])

    def test_a_large_file_that_is_cut_at_its_end_sends_nothing(self):
        sent = self.reports_sent()
        cut = self.folder / "断.csv"
        self.large.rename(cut)
        self.addCleanup(lambda: cut.rename(self.large))
        size = cut.stat().st_size
        with open(cut, "r+b") as file:
            file.seek(-20, os.SEEK_END)
            last = file.read()
            file.truncate(size - 20)
        try:
            code, text = self.measured("push", cut, "--approved-by", "张三")
        finally:
            with open(cut, "ab") as file:
                file.write(last)
        self.assertEqual(code, BAD, text)
        self.assertIn(f"row {LARGE_UNITS * self.months + 1}", text)
        self.assertIn("[file.cut]", text)
        self.assertEqual(self.reports_sent(), sent)
        self.assertEqual(self.left_over(), [])

    def test_two_gigabytes_of_zeros_are_refused_at_once(self):
        path = self.folder / "零.csv"
        with open(path, "wb") as file:
            file.truncate(2 << 30)
        code, text = self.measured("push", path, "--approved-by", "张三")
        self.assertEqual(code, BAD)
        self.assertIn("byte 1 of the file, 0x00", text)

    def test_a_cell_without_end_is_refused_in_bounded_memory(self):
        path = self.folder / "无尽.csv"
        with open(path, "wb") as file:
            file.write(HEADER.encode() + b'\nQ0000,2012-01,"')
            for _ in range(parktally.sampled(100, 100)):
                file.write(b"1" * MIB)
        code, text = self.measured("push", path, "--approved-by", "张三")
        self.assertEqual(code, BAD)
        self.assertIn("[file.quotes]", text)

    def test_many_bad_rows_are_all_named_and_the_good_ones_counted(self):
        path = self.folder / "坏.csv"
        with open(path, "w") as file:
            file.write(HEADER + "\n")
            for unit in range(LARGE_UNITS):
                file.write(f"Q{unit:04d},2012-12,{unit}.{unit % 2 * 25},{unit},0,0\n")
        code, text = self.measured("push", path, "--approved-by", "张三", "--wait")
        bad = range(1, LARGE_UNITS, 2)
        self.assertEqual(code, BAD)
        self.assertEqual(text.count("[value.decimals]"), len(bad))
        for unit in bad:
            self.assertIn(f"row {unit + 2}, column C (output)", text)
        line = self.aggregator.total("east", "2012-12", "output")
        self.assertEqual((line["value"], line["reported"]), (f"{sum(range(0, LARGE_UNITS, 2))}.0", str(LARGE_UNITS // 2)))

    def test_all_of_a_large_file_counts(self):
        path = self.folder / "全.csv"
        months = parktally.sampled(40, 60)
        with open(path, "w") as file:
            file.write(HEADER + "\n")
            file.writelines(large_rows(months))
        code, text = self.measured("push", path, "--approved-by", "张三", "--wait")
        self.assertEqual(code, GOOD, text)
        for month in range(months):
            lines = self.aggregator.totals("--area", "zone", "--period", f"{1950 + month // 12}-{month % 12 + 1:02d}",
                                           "--indicator", "output,staff", "--slice", "all")
            values = {line["indicator"]: line["value"] for line in lines if line["slice"] == "all"}
            self.assertEqual(values, {"output": f"{sum(range(LARGE_UNITS)) + LARGE_UNITS // 2}.0",
                                      "staff": str(sum(unit % 7 for unit in range(LARGE_UNITS)))})


if __name__ == "__main__":
    unittest.main()
