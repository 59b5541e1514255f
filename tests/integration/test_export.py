"""What `export` writes, read by others: Python's csv and json, openpyxl, and a reader of SDMX-CSV written from its field guide."""

import csv
import decimal
import io
import json
import os
import pty
import re
import subprocess
import sys
import unittest
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import parktally  # noqa: E402
import stranger  # noqa: E402
from parktally import AGGREGATOR, environment, run, small_catalogue, unit  # noqa: E402
from stranger import Report, pb  # noqa: E402

try:
    import openpyxl
except ImportError:
    openpyxl = None

CHINESE = environment(LC_ALL="C.UTF-8", LANGUAGE="zh_CN")
TARGETS = """\
  1:
    zh: 研发投入
    en: Research
    area: zone
    population: {zh: 全部, en: All}
    formula: value
    numerator: [{indicator: research, area: zone}]
    yearly: true
    measure: 千元
    decimals: 0
    direction: at_least
    value: 400
    stages: {2018: 200, 2020: 400}
    least_coverage: 0
    source: 示例
    bureau: 示例局
  2:
    zh: 人数
    en: Staff
    area: city
    population: {zh: 全部, en: All}
    formula: value
    numerator: [{indicator: staff, area: city}]
    measure: 人
    decimals: 0
    direction: tracked
    source: 示例
    bureau: 示例局
"""
# What a spreadsheet would spoil, as codes and as names of units.
DAMAGED = {"007": "=cmd|' /C calc'!A0", "1E5": "+1+1", "-1": "@SUM(1)", "2018-05": "＝1＋1", "MAR1": "'直撇", "TRUE": "-1",
           "914502000000000060": "1,234", "1.50": "引号\"与逗号,", "3-4": "2018年5月", "A007": "平常的名字"}
LARGEST = 2**53 - 1


def table_of(text):
    """(header, rows) of a CSV export, as a program reads it: an apostrophe before a cell is taken away, once."""
    assert text.startswith("\ufeff") and text.endswith("\r\n"), text[:40]
    assert "\n" not in text.replace("\r\n", ""), "a line that does not end with CR LF"
    header, *rows = csv.reader(io.StringIO(text[1:], newline=""))
    return header, [[cell.removeprefix("'") for cell in row] for row in rows]


def lines_of(text):
    header, rows = table_of(text)
    return [dict(zip(header, row, strict=True)) for row in rows]


def spoilt(cell):
    """Whether a spreadsheet takes a cell of CSV for a number, a day, a truth value or a formula, as far as this test knows."""
    return bool(re.fullmatch(r"[\d.,:/ +-]*\d[\d.,:/ +-]*([eE][+-]?\d+)?|TRUE|FALSE|(JAN|MAR|SEP)\d+|\d+年\d+月", cell)
                or cell[:1] in tuple("=+-@＝＋－＠\t\r\n"))


class SdmxReader:
    """SDMX-CSV by the field guides of 1.0.0 and 2.0.0. Raises ValueError where a text is none."""

    IDENTIFIER = r"[A-Za-z0-9_@$\-]+"
    AGENCY = r"[A-Za-z][A-Za-z0-9_\-]*(\.[A-Za-z][A-Za-z0-9_\-]*)*"
    REFERENCE = rf"{AGENCY}:{IDENTIFIER}\(\d+(\.\d+)*\)"
    PERIOD = (r"\d{4}|\d{4}-(0[1-9]|1[0-2])|\d{4}-Q[1-4]|\d{4}-S[12]|\d{4}-W\d\d|\d{4}-\d\d-\d\d"
              r"(/P(\d+Y)?(\d+M)?(\d+D)?)?")
    FREQUENCIES = {"A": r"\d{4}", "Q": r"\d{4}-Q[1-4]", "M": r"\d{4}-\d\d", "M2": r"\d{4}-\d\d-01/P2M"}

    def __init__(self, text):
        if text.startswith("\ufeff"):
            raise ValueError("the separator is found behind the first word, so nothing stands before it")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        header, self.rows = rows[0], []
        if header[0] == "DATAFLOW":
            self.version, lead = 1, 1
        elif header[0] == "STRUCTURE" and header[1] == "STRUCTURE_ID":
            self.version, lead = 2, 3 if header[2] == "ACTION" else 2
        else:
            raise ValueError(f"no header: {header}")
        self.components = header[lead:]
        if len(set(header)) != len(header):
            raise ValueError("a column stands twice")
        if any(not re.fullmatch(self.IDENTIFIER, name) for name in self.components):
            raise ValueError(f"no identifiers: {self.components}")
        if "OBS_VALUE" not in self.components or "TIME_PERIOD" not in self.components:
            raise ValueError("without measure or time")
        self.dimensions = self.components[:self.components.index("OBS_VALUE")]
        for row in rows[1:]:
            self.read(row, header, lead)
        keys = [tuple(row[name] for name in self.dimensions) for row in self.rows]
        if len(set(keys)) != len(keys):
            raise ValueError("an observation stands twice")

    def read(self, row, header, lead):
        if len(row) != len(header):
            raise ValueError(f"{len(row)} fields instead of {len(header)}: {row}")
        reference = row[0] if self.version == 1 else row[1]
        if not re.fullmatch(self.REFERENCE, reference):
            raise ValueError(f"no AGENCY:ID(VERSION): {reference}")
        if self.version == 2 and row[0] not in ("dataflow", "datastructure", "dataprovision"):
            raise ValueError(f"no structure: {row[0]}")
        if lead == 3 and row[2] not in ("I", "A", "R", "D"):
            raise ValueError(f"no action: {row[2]}")
        observation = dict(zip(self.components, row[lead:]))
        for name in self.dimensions:
            pattern = self.PERIOD if name == "TIME_PERIOD" else self.IDENTIFIER
            if not re.fullmatch(pattern, observation[name]):
                raise ValueError(f"no {name}: {observation[name]!r}")
        if "FREQ" in observation and not re.fullmatch(self.FREQUENCIES[observation["FREQ"]], observation["TIME_PERIOD"]):
            raise ValueError(f"{observation['FREQ']} is not the frequency of {observation['TIME_PERIOD']}")
        if observation["OBS_VALUE"] and not re.fullmatch(r"-?\d+(\.\d+)?|NaN", observation["OBS_VALUE"]):
            raise ValueError(f"no number: {observation['OBS_VALUE']}")
        if (observation.get("OBS_STATUS") == "O") != (observation["OBS_VALUE"] == ""):
            raise ValueError(f"missing or not: {observation}")
        self.rows.append(observation)


class TheReader(unittest.TestCase):
    """It takes what others publish, and knows when something is wrong with it."""

    def test_what_is_published(self):
        for text, version in (
                ("STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,TIME_PERIOD,OBS_VALUE,OBS_STATUS\r\n"
                 "dataflow,BIS:WS_CBPOL(1.0),I,M,US,2024-01,5.375,A\r\n", 2),
                ("STRUCTURE,STRUCTURE_ID,ACTION,DIM_1,DIM_2,TIME_PERIOD,OBS_VALUE,ATTR_2\r\n"
                 'dataflow,ESTAT:NA_MAIN(1.6.0),I,A,B,2014-01,12.4,"Normal, special and other values"\r\n', 2),
                ("DATAFLOW,FREQ,REF_AREA,DATA_TYPE,TIME_PERIOD,OBS_VALUE\r\nIT1:DCCV_X(1.0),A,ITC11,V1,2022,81.4\r\n", 1)):
            reader = SdmxReader(text)
            self.assertEqual((reader.version, len(reader.rows)), (version, 1))

    def test_what_is_wrong(self):
        good = ("STRUCTURE,STRUCTURE_ID,ACTION,FREQ,AREA,TIME_PERIOD,OBS_VALUE,OBS_STATUS\r\n"
                "dataflow,A:B(1.0),I,M,x,2018-05,1,A\r\n")
        SdmxReader(good)
        for old, new in (("STRUCTURE,STR", "\ufeffSTRUCTURE,STR"), ("STRUCTURE_ID", "ID"), (",I,M", ",X,M"), ("dataflow", "flow"),
                         ("A:B(1.0)", "B(1.0)"), ("2018-05", "2018-13"), ("2018-05", "2018年5月"), (",1,A", ",1.,A"), (",1,A", ",,A"),
                         (",1,A", ",1,O"), (",x,", ",x y,"), (",x,", ",x,y,"), (",M,", ",Q,"), ("AREA", "FREQ")):
            with self.subTest(new), self.assertRaises(ValueError):
                SdmxReader(good.replace(old, new, 1))


class Case(parktally.Case):
    def city(self, units=None, **areas):
        city = self.aggregator(small_catalogue(targets=TARGETS))
        city.import_register((units or []) + [unit(code, area) for area, codes in areas.items() for code in codes.split()])
        return city.start()

    def stranger(self, city, area):
        agent = stranger.enrol(city, area)
        self.addCleanup(agent.close)
        return agent

    def a_zone(self):
        """Two parks, of which one has large figures, a unit in both, three that reported nothing, two targets."""
        city = self.city([unit("BOTH", "east;west")], east="E1 E2 E3", west="W1", south="S1")
        east, west = self.stranger(city, "east"), self.stranger(city, "west")
        for period in ("2018-01", "2018-02", "2018-05"):
            east.report("monthly", period, [
                Report("E1", {"output": 12345, "sales": LARGEST, "staff": 0}), Report("E2", {"sales": LARGEST}),
                Report("BOTH", {"output": 5, "sales": 1}), Report("E3", kind=pb.REPORT_NIL)])
        west.report("monthly", "2018-05", [Report("W1", {"output": 70, "staff": 1234567}), Report("BOTH", {"output": 6})])
        east.report("yearly", "2018", [Report("E1", {"research": 150})])
        parktally.wait_until(lambda: city.command("inquiries", "--format", "csv").out.count(",open,") == 2,
                             "both parks are asked about the unit of both, which changes totals")
        return city

    def export(self, city, *words, **options):
        return city.command("export", *words, **options).out

    def export_to(self, city, name, *words, **options):
        path = self.folder / name
        done = city.command("export", *words, "--output", path, **options)
        self.assertEqual(done.out, "")
        return path


class Refused(Case):
    def test_what_cannot_be_exported_is_said_with_what_can(self):
        city = self.aggregator(small_catalogue(targets=TARGETS))
        refused = (
            ((), "an argument is missing"),
            (("totals",), "name a format with --format; there are: csv, xlsx, json, sdmx-csv, sdmx-csv-1.0"),
            (("totals", "--format", "pdf"), "“pdf” is no format; there are: csv"),
            (("total", "--format", "csv"), "“total” cannot be exported; there are: totals, reports, targets, completeness, missing"),
            (("totals", "targets", "--format", "csv"), "csv holds one table"),
            (("totals", "targets", "--format", "sdmx-csv"), "sdmx-csv holds one table"),
            (("reports", "--form", "monthly", "--format", "sdmx-csv"), "“reports” are no observations"),
            (("reports", "--format", "csv"), "name one with --form; there are: monthly, finance, yearly"),
            (("reports", "--form", "daily", "--format", "csv"), "“daily”; there are: monthly"),
            (("targets", "--slice", "all", "--format", "csv"), "--slice says nothing"),
            (("totals", "--form", "monthly", "--format", "csv"), "--form says nothing"),
            (("totals", "--area", "mars", "--format", "csv"), "“mars”; there are: zone"),
            (("totals", "--period", "May", "--format", "csv"), "“May” is no period"),
            (("totals", "--format", "csv", "--output"), "--output need a value"))
        kept = self.folder / "kept.csv"
        kept.write_text("of before")
        for running in (False, True):
            if running:
                city.start()
            for words, said in refused:
                with self.subTest(words, running=running):
                    result = city.command("export", *words, code=64)
                    self.assertIn(said, result.err)
                    self.assertEqual(result.out, "")
            city.command("export", "totals", "--format", "pdf", "--output", kept, code=64)
        self.assertEqual(kept.read_text(), "of before")
        self.assertEqual([path.name for path in self.folder.glob("kept*")], ["kept.csv"])

    def test_a_file_that_cannot_be_written(self):
        city = self.city(east="E1")
        full = city.command("export", "totals", "--format", "json", "--output", "/dev/full", code=74)
        self.assertRegex(full.err, "No space left|could not be written")
        self.assertEqual(city.stop(), 0)
        self.assertIn("No space left", city.command("export", "totals", "--format", "json", "--output", "/dev/full", code=74).err)
        for form in ("csv", "xlsx"):
            nowhere = city.command("export", "totals", "--format", form, code=74, env=environment(TMPDIR="/nonexistent"))
            self.assertRegex(nowhere.err, "temporary folder /nonexistent .*No such file")
        lost = city.command("export", "totals", "--format", "csv", "--output", self.folder / "none" / "x.csv", code=74)
        self.assertRegex(lost.err, "none/x.csv cannot be written: No such file")
        self.assertEqual(city.command("export", "totals", "--format", "csv", "--output", "/dev/null").out, "")
        self.assertFalse(Path("/dev/null").is_file())

    def test_binary_is_kept_from_a_terminal(self):
        city = self.city(east="E1")
        for form, code in (("xlsx", 64), ("csv", 0)):
            master, slave = pty.openpty()
            done = subprocess.run([AGGREGATOR, "export", "totals", "--format", form, "--data", city.data], stdout=slave,
                                  stderr=subprocess.PIPE, env=environment(), timeout=parktally.PATIENCE)
            os.close(slave)
            shown = b"" if code else os.read(master, 100)
            os.close(master)
            self.assertEqual((done.returncode, shown[:3]), (code, b"" if code else b"\xef\xbb\xbf"), done)
            self.assertEqual(b"nothing for a terminal" in done.stderr, code == 64)
        self.assertEqual(self.export_to(city, "x.xlsx", "totals", "--format", "xlsx").read_bytes()[:2], b"PK")


class Tables(Case):
    def test_csv_is_what_totals_prints(self):
        city = self.a_zone()
        for words in ((), ("--period", "2018-05", "--cumulative"), ("--slice", "all,cars,overlap", "--area", "zone,east"),
                      ("--period", "2018", "--indicator", "research,intensity,scaled"), ("--period", "2018-01/P2M")):
            with self.subTest(words):
                lines = lines_of(self.export(city, "totals", "--format", "csv", *words))
                expected = city.totals(*words)
                self.assertGreater(len(expected), 1)
                self.assertEqual([{name: line[name] for name in parktally.TOTALS_COLUMNS} for line in lines], expected)
                for line in lines:
                    self.assertEqual((line["status"], line["confidentiality"]), ("A" if line["value"] else "O", "N"))
        self.assertEqual({line["status"] for line in lines}, {"A", "O"})

    def test_the_same_in_the_server_and_without_one(self):
        city = self.a_zone()
        looks = [("totals", "--format", "csv"), ("targets", "--format", "sdmx-csv"), ("reports", "--form", "monthly", "--format", "csv")]
        there = [self.export(city, *words) for words in looks]
        self.assertEqual(city.stop(), 0)
        self.assertEqual([self.export(city, *words) for words in looks], there)

    def test_csv_keeps_codes_and_names_as_texts(self):
        city = self.city([unit(code, "east", name=name) for code, name in DAMAGED.items()])
        east = self.stranger(city, "east")
        east.report("monthly", "2018-05", [Report(code, {"output": n}) for n, code in enumerate(sorted(DAMAGED))])
        text = self.export(city, "reports", "--form", "monthly", "--format", "csv")
        self.assertEqual({line["unit"]: line["name"] for line in lines_of(text)}, DAMAGED)
        header, *rows = csv.reader(io.StringIO(text[1:], newline=""))
        for row in rows:
            shown = dict(zip(header, row))
            for column in ("unit", "name", "period", "approved_by"):
                self.assertFalse(spoilt(shown[column]), shown)
            for column, value in (("unit", "A007"), ("name", "平常的名字")):
                self.assertNotEqual(shown[column], "'" + value, "a guard that nothing needs")
        self.assertTrue(all(spoilt(code) for code in DAMAGED if code != "A007"), "the cases are none")
        objects = json.loads(self.export(city, "reports", "--form", "monthly", "--format", "json"))
        self.assertEqual({row["unit"]: row["name"] for row in objects[0]["rows"]}, DAMAGED)

    def test_numbers_of_many_digits_are_exact_everywhere(self):
        city = self.a_zone()
        exact = str(2 * LARGEST + 1)
        words = ("totals", "--area", "east", "--indicator", "sales", "--period", "2018-05")
        raw = list(csv.DictReader(io.StringIO(self.export(city, *words, "--format", "csv")[1:])))
        self.assertEqual([line["value"] for line in raw], ["'" + exact])  # a spreadsheet would round it
        objects, = json.loads(self.export(city, *words, "--format", "json"))
        self.assertEqual([row["value"] for row in objects["rows"]], [exact])
        self.assertEqual([row["OBS_VALUE"] for row in SdmxReader(self.export(city, *words, "--format", "sdmx-csv")).rows], [exact])

    def test_json_says_what_it_rests_on(self):
        city = self.a_zone()
        both = json.loads(self.export(city, "totals", "targets", "--format", "json", "--period", "2018-05"))
        self.assertEqual([(o["topic"], o["title"], o["catalogue"], o["period"]) for o in both],
                         [("totals", "Totals", "small", "2018-05"), ("targets", "Targets", "small", "2018-05")])
        for o in both:
            self.assertRegex(o["made_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertRegex(o["catalogue_hash"], r"^[0-9a-f]{64}$")
            self.assertGreater(o["ledger_leaves"], 5)
        lines = lines_of(self.export(city, "totals", "--format", "csv", "--period", "2018-05"))
        self.assertEqual([{name: "" if value is None else str(value) for name, value in row.items()} for row in both[0]["rows"]], lines)
        research, staff = both[1]["rows"]
        self.assertEqual((research["standing"], research["stage"], research["promised"], research["progress"], research["reached"]),
                         ("150", "200", "400", "75.0", False))
        self.assertEqual((staff["standing"], staff["promised"], staff["progress"], staff["reached"], staff["status"]),
                         (None, None, None, None, "O"))
        before = self.leaves(city)
        after, = json.loads(self.export(city, "targets", "--format", "json"))
        self.assertLessEqual(before, after["ledger_leaves"])  # what the city finds by itself is a leaf too, and may come at any time
        self.assertLessEqual(after["ledger_leaves"], self.leaves(city))

    def leaves(self, city):
        return int(re.match(r"(\d+) leaves", city.check_ledger().out)[1])

    def test_reports_say_who_answers_for_them_and_where_they_came_from(self):
        city = self.a_zone()
        east = self.stranger(city, "east")
        lines = lines_of(self.export(city, "reports", "--form", "monthly", "--format", "csv"))
        self.assertEqual([(line["unit"], line["park"], line["kind"], line["counted"], line["output"]) for line in lines],
                         [("BOTH", "east", "figures", "1", "0.5"), ("BOTH", "west", "figures", "0", "0.6"),
                          ("E1", "east", "figures", "1", "1234.5"), ("E2", "east", "figures", "1", ""), ("E3", "east", "nil", "1", ""),
                          ("W1", "west", "figures", "1", "7.0")])
        base = bytes.fromhex(lines[2]["submission"])
        id_, receipt = east.report("monthly", "2018-05", [Report("E1", {"output": 99}, base)], columns=["output"], approved_by="=赵六")
        self.assertEqual(receipt.counted, 1)
        line, = [line for line in lines_of(self.export(city, "reports", "--form", "monthly", "--format", "csv", "--area", "group"))
                 if line["unit"] == "E1"]
        self.assertEqual((line["name"], line["revision"], line["approved_by"], line["submission"], line["output"], line["sales"]),
                         ("单位E1", "2", "=赵六", id_.hex(), "9.9", str(LARGEST)))
        self.assertEqual(lines_of(self.export(city, "reports", "--form", "monthly", "--format", "csv", "--area", "south")), [])
        self.assertEqual(lines_of(self.export(city, "reports", "--form", "monthly", "--format", "csv", "--period", "2018-03")), [])
        earlier = lines_of(self.export(city, "reports", "--form", "monthly", "--format", "csv", "--period", "2018-01"))
        self.assertEqual({line["period"] for line in earlier}, {"2018-01"})

    def test_an_empty_store_gives_headings_and_says_so(self):
        city = self.aggregator()
        for running in (False, True):
            if running:
                city.start()
            for words in (("totals",), ("reports", "--form", "monthly"), ("targets",)):
                done = city.command("export", *words, "--format", "csv")
                header, rows = table_of(done.out)
                self.assertEqual(rows, [])
                self.assertIn("period", header)
                self.assertIn(f"nobody has reported anything yet of “{words[0]}”", done.err)
            empty, = json.loads(self.export(city, "totals", "--format", "json"))
            self.assertEqual((empty["rows"], empty["period"]), ([], None))
            self.assertEqual(SdmxReader(self.export(city, "totals", "--format", "sdmx-csv")).rows, [])
            self.export_to(city, "empty.xlsx", "totals", "targets", "--format", "xlsx")


class Sdmx(Case):
    def test_totals_by_the_field_guides(self):
        city = self.a_zone()
        for form, version in (("sdmx-csv", 2), ("sdmx-csv-1.0", 1)):
            for words, frequency, period in ((("--period", "2018-05"), "M", "2018-05"), (("--period", "2018-Q1"), "Q", "2018-Q1"),
                                             (("--period", "2018"), "A", "2018"), (("--period", "2018-01/P2M"), "M2", "2018-01-01/P2M"),
                                             (("--period", "2018-05", "--cumulative"), "M", "2018-05")):
                with self.subTest(form=form, words=words):
                    text = self.export(city, "totals", "--format", form, *words)
                    self.assertEqual(text.count("\n"), text.count("\r\n"))
                    reader = SdmxReader(text)
                    self.assertEqual(reader.version, version)
                    self.assertEqual(reader.components, [
                        "FREQ", "AREA", "INDICATOR", "SLICE", "CUMULATIVE", "TIME_PERIOD", "OBS_VALUE", "UNIT_MEASURE", "REPORTED",
                        "EXPECTED", "UNDER_INQUIRY", "OBS_STATUS", "CONF_STATUS"])
                    self.assertEqual({(row["FREQ"], row["TIME_PERIOD"], row["CUMULATIVE"]) for row in reader.rows},
                                     {(frequency, period, "YTD" if "--cumulative" in words else "PERIOD")})
                    expected = city.totals(*words)
                    self.assertEqual([(row["AREA"], row["INDICATOR"], row["SLICE"], row["OBS_VALUE"]) for row in reader.rows],
                                     [(line["area"], line["indicator"], line["slice"], line["value"]) for line in expected])
                    self.assertEqual({row["OBS_STATUS"] for row in reader.rows}, {"A", "O"})
                    self.assertEqual(text.splitlines()[1].split(",")[version - 1], "SMALL:TOTALS(1.0.0)" if version == 2 else "SMALL:TOTALS(1.0)")

    def test_targets_by_the_field_guides(self):
        city = self.a_zone()
        for form in ("sdmx-csv", "sdmx-csv-1.0"):
            reader = SdmxReader(self.export(city, "targets", "--format", form, "--period", "2018"))
            self.assertEqual([(row["TARGET"], row["OBS_VALUE"], row["OBS_STATUS"]) for row in reader.rows], [("1", "150", "A"), ("2", "", "O")])


@unittest.skipUnless(openpyxl, "python3-openpyxl is not installed")
class Workbook(Case):
    def book(self, city, *words, env=None):
        path = self.export_to(city, "book.xlsx", *words, "--format", "xlsx", env=env)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        return openpyxl.load_workbook(path)

    def rows(self, sheet):
        """Cells of the rows below the headings, by id: openpyxl gives the titles, so ids come from JSON."""
        return [list(row) for row in sheet.iter_rows(min_row=2)]

    def test_every_cell_is_the_table_s(self):
        city = self.a_zone()
        words = ("totals", "targets", "reports", "completeness", "missing", "--form", "monthly", "--period", "2018-05")
        tables = json.loads(self.export(city, *words, "--format", "json"))
        book = self.book(city, *words)
        self.assertEqual(book.sheetnames, ["Totals", "Targets", "Reports of units", "Completeness", "Missing units", "About"])
        for table in tables:
            sheet = book[table["title"]]
            self.assertEqual(sheet.max_row - 1, len(table["rows"]))
            for row, expected in zip(self.rows(sheet), table["rows"]):
                for cell, (name, value) in zip(row, expected.items(), strict=True):
                    with self.subTest(table["topic"], column=name, cell=cell.coordinate):
                        self.check_cell(cell, name, value)

    def check_cell(self, cell, name, value):
        if value is None or value == "":
            self.assertIsNone(cell.value)
        elif isinstance(value, bool):
            self.assertEqual(cell.value, "yes" if value else "no")
        elif isinstance(value, int) or (re.fullmatch(r"-?[\d.]+", value) and name not in ("unit", "period", "submission")):
            decimals = len(str(value).partition(".")[2])
            if len(str(value).replace(".", "").lstrip("-0")) > 15:
                self.assertEqual((cell.value, cell.data_type), (value, "s"))
            else:
                self.assertEqual(cell.data_type, "n")
                self.assertEqual(decimal.Decimal(repr(cell.value)).quantize(decimal.Decimal(1).scaleb(-decimals)), decimal.Decimal(value))
                self.assertEqual(cell.number_format, "#,##0" + ("." + "0" * decimals if decimals else ""))
        else:
            self.assertIn(cell.data_type, ("s", "inlineStr"))
            self.assertEqual(cell.value, value)

    def test_codes_and_names_are_texts_and_nothing_is_a_formula(self):
        city = self.city([unit(code, "east", name=name) for code, name in DAMAGED.items()])
        self.stranger(city, "east").report("monthly", "2018-05", [Report(code, {"output": 1}) for code in DAMAGED])
        sheet = self.book(city, "reports", "--form", "monthly")["Reports of units"]
        self.assertEqual({row[0].value: row[1].value for row in self.rows(sheet)}, DAMAGED)
        self.assertNotIn("f", {cell.data_type for row in sheet.iter_rows() for cell in row})

    def test_headings_stay_in_sight_have_filters_and_room(self):
        city = self.a_zone()
        for env, first, title in ((None, "area code", "Totals"), (CHINESE, "区域代码", "汇总")):
            book = self.book(city, "totals", "--period", "2018-05", env=env)
            sheet = book[title]
            self.assertEqual(sheet["A1"].value, first)
            self.assertTrue(sheet["A1"].font.b)
            self.assertEqual(sheet.freeze_panes, "A2")
            self.assertEqual(sheet.auto_filter.ref, f"A1:O{sheet.max_row}")
            for column, letter in enumerate("ABCDEFGHIJKLMNO"):
                wide = max(sum(2 if ord(c) > 0x2000 else 1 for c in str(row[column].value or "")) for row in sheet.iter_rows())
                self.assertGreaterEqual(sheet.column_dimensions[letter].width, wide + 1, letter)
        about = {row[0].value: row[1].value for row in book["说明"].iter_rows()}
        self.assertEqual((about["指标目录"], about["汇总"]), ("小示范区", "2018-05"))
        self.assertIn("未经披露控制", about["保密状态"])

    def test_targets_have_a_chart_of_their_progress(self):
        city = self.a_zone()
        for env, title, sheet in ((None, "Progress", "Targets"), (CHINESE, "进度", "规划目标")):
            with self.subTest(title):
                book = self.book(city, "totals", "targets", "--period", "2018", env=env)
                self.assertEqual([len(one._charts) for one in book], [0, 1, 0])
                chart, = book[sheet]._charts
                series, = chart.series
                self.assertEqual(series.cat.strRef.f.replace("'", ""), f"{sheet}!$B$2:$B$3")
                names = [point.v for point in series.cat.strRef.strCache.pt]
                self.assertEqual(names, [row[1].value for row in self.rows(book[sheet])[:2]])
                self.assertEqual((chart.x_axis.scaling.orientation, chart.y_axis.scaling.orientation), ("maxMin", "minMax"))
                self.assertEqual(series.val.numRef.f.replace("'", ""), f"{sheet}!$L$2:$L$3")
                self.assertEqual([row[11].value for row in self.rows(book[sheet])[:2]], [75, None])
                self.assertIn(title, "".join(run.t for line in chart.title.tx.rich.p for run in line.r))


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class Rights(Case):
    """Single units' returns are confidential: root, the server's own user and those of reports_for may export."""

    def as_user(self, city, user, *words):
        done = subprocess.run([AGGREGATOR, *words, "--data", city.data], capture_output=True, env=environment(), user=user, group=user,
                              extra_groups=[], timeout=parktally.PATIENCE)
        return parktally.Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def guests(self, city, names):
        (city.data / "aggregator.yaml").write_text(f"reports_for: [{names}]\n")
        (city.data / "aggregator.yaml").chmod(0o644)
        for folder in (self.folder, city.root, city.data):
            folder.chmod(0o711)
        return city.start()

    def city_of(self, names):
        city = self.aggregator()
        city.import_register([unit("E1", "east")])
        self.guests(city, names)
        self.stranger(city, "east").report("monthly", "2018-05", [Report("E1", {"output": 10})])
        return city

    def setUp(self):
        super().setUp()
        try:
            subprocess.run(["true"], user=65534, group=65534, extra_groups=[], check=True)
            subprocess.run([AGGREGATOR, "--version"], user=65534, group=65534, extra_groups=[], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            self.skipTest(f"no other user may run the program here: {error}")

    def test_nobody_else_by_default(self):
        city = self.city_of("")
        for words in (("export", "reports", "--form", "monthly", "--format", "csv"), ("totals",)):
            refused = self.as_user(city, 65534, *words)
            self.assertEqual((refused.code, refused.out), (77, ""), refused)
            self.assertIn("run this as the server's own user or as root", refused.err)

    def test_a_user_who_is_named_may_export_and_no_more(self):
        city = self.city_of("daemon, nobody")
        line, = lines_of(self.as_user(city, 65534, "export", "reports", "--form", "monthly", "--format", "csv").out)
        self.assertEqual((line["unit"], line["output"]), ("E1", "1.0"))
        for words in (("totals",), ("revoke", "east-1"), ("agents",), ("invite", "--area", "east")):
            refused = self.as_user(city, 65534, *words)
            self.assertEqual((refused.code, refused.out), (77, ""), refused)
            self.assertIn("nobody may only export", refused.err)
        path = self.folder / "mine.csv"
        path.touch()
        refused = self.as_user(city, 65534, "export", "totals", "--format", "csv", "--output", path)
        self.assertEqual((refused.code, path.read_text()), (77, ""), "the server must not write for others")
        self.assertEqual(city.stop(), 0)
        self.assertEqual(self.as_user(city, 65534, "export", "totals", "--format", "csv").code, 77)

    def test_another_user_is_told_who_may(self):
        city = self.city_of("daemon")
        refused = self.as_user(city, 65534, "export", "reports", "--form", "monthly", "--format", "csv")
        self.assertEqual((refused.code, refused.out), (77, ""))
        self.assertRegex(refused.err, "only root and the user root may(.|\n)*export from it: daemon")
        self.assertEqual(self.as_user(city, "daemon", "export", "totals", "--format", "json").code, 0)


class Large(Case):
    UNITS = parktally.sampled(100_000, 100_000)  # under a sanitizer each takes its time

    def test_a_hundred_thousand_reports(self):
        city = self.city([unit(f"U{n:06}", "east") for n in range(self.UNITS)])
        east = self.stranger(city, "east")
        reports = [Report(f"U{n:06}", {"output": n, "staff": n % 7}) for n in range(self.UNITS)]
        east.deliver([east.sealed("monthly", "2018-05", reports[n:n + 8000]) for n in range(0, self.UNITS, 8000)])
        before = self.peak(city)
        words = ("reports", "--form", "monthly", "--format")
        _, rows = table_of(self.export_to(city, "large.csv", *words, "csv").read_bytes().decode())
        self.assertEqual([row[0] for row in rows], [f"U{n:06}" for n in range(self.UNITS)])
        total = city.total("zone", "2018-05", "output")["value"]
        self.assertEqual(sum(decimal.Decimal(row[11]) for row in rows), decimal.Decimal(total))
        with zipfile.ZipFile(self.export_to(city, "large.xlsx", *words, "xlsx")) as book:
            self.assertEqual(book.read("xl/worksheets/sheet1.xml").count(b"<row "), self.UNITS + 1)
        if not parktally.SANITIZED:
            self.assertLess(self.peak(city) - before, 16 * 1024, "rows belong into files")

    def peak(self, city):
        """KiB of memory that the server had at most."""
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{city.process.pid}/status").read_text())[1])


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
