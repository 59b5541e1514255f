"""run.py TARGET FOLDER RUNS: runs a fuzz target for a while, over our own seeds and those that $PARKTALLY_TESTDATA adds.

FOLDER is where the targets were built; what is found there becomes a unit test. 20 seconds, or so many RUNS if that is less
(-1: 20 seconds); with PARKTALLY_FULL=1 five million runs, or an hour. PARKTALLY_SEED makes a run the same as an earlier one, whose seed libFuzzer has printed.
"""

import contextlib
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS, SECONDS_FULL, RUNS_FULL = 20, 3600, 5_000_000
WORDS_MOST = 400
# The longest input of a target in bytes; a message is 4 KiB, which reaches every branch, and so is a cell's text 256.
LONGEST = {"csv": 16384, "catalogue": 32768, "register": 8192, "config": 4096, "text": 256, "formula": 512,
           "carve": 16384, "export": 16384}
LONGEST_MESSAGE = 4096
# Where the first byte of an input chooses: nothing known and each thing known, or the decimals.
CHOICES = {"csv": b"\x00\x04\x0f\x1c", "text": b"\x00\x02\x09"}
# Words that an input is made of, for targets of text.
WORDS = re.compile(r"[^\W\d][\w.-]{1,40}")


def shipped(name):
    """Well-formed files of the project itself, and a few that are nearly so."""
    catalogues = [ROOT / "deploy/catalogue/liuzhou.yaml", ROOT / "tests/data/small.yaml"]
    configs = sorted((ROOT / "deploy").glob("*.example.yaml"))
    if name == "catalogue":
        yield from (path.read_bytes() for path in catalogues)
    if name == "config":
        yield from (path.read_bytes() for path in configs)
    if name == "register":
        yield REGISTER.encode()
    if name == "csv":
        for table in TABLES:
            yield table.encode()
            yield "\ufeff".encode() + table.encode()
            yield table.encode("gb18030")
    if name == "text":
        yield from (text.encode() for text in TEXTS)
    if name == "carve":
        yield database()
    if name == "formula":  # behind the bytes of twelve figures
        yield from (bytes(range(1, 25, 2)) + formula.encode() for formula in FORMULAS)


def database():
    """A database of small pages, with rows as the outbox has them: on their leaf, and over it."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "database"
        with contextlib.closing(sqlite3.connect(path)) as made:
            made.execute("PRAGMA page_size=512")
            made.execute("CREATE TABLE content(sequence INTEGER PRIMARY KEY, sealed BLOB NOT NULL)")
            made.executemany("INSERT INTO content VALUES(?, ?)", ((n, b"PTLY" * (50 * n)) for n in range(1, 9)))
            made.commit()
        return path.read_bytes()


def foreign(name, data):
    """Files that nobody here wrote."""
    def files(*patterns):
        return [path.read_bytes() for pattern in patterns for path in sorted(data.glob(pattern)) if path.is_file()]

    def members(archive):
        path = data / "corpora" / archive
        if not path.exists():
            return []
        with tarfile.open(path) as tar:
            return [tar.extractfile(member).read() for member in tar if member.isfile()]

    if name in ("csv", "register"):
        yield from files("corpora/csv-spectrum/csvs/*.csv", "corpora/csv-test-data/csv/*.csv")
        yield from members("go-fuzz-corpus-csv.tar.gz")
    if name == "csv":
        yield from files("corpora/encoding_rs/*.txt")
        yield from (table[:4096] for table in files("nbs/*.csv", "company-revenue/*.csv", "yearbook-2018/*.csv"))
    if name == "text":
        for table in files("codes/uscc.csv"):
            yield from (cell for line in table.splitlines() for cell in line.split(b","))
    if name in ("frame", "receipt", "submission"):
        yield from members("go-fuzz-corpus-protobuf.tar.gz")


REGISTER = """\
unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to
914502000000000060,enterprise,,甲,east,,1,C3311,cars,above_scale,正常,,,
914502000000000060,enterprise,,甲,east;west,west,0,C3311,cars;steel,,停产,,2018-06-01,2018-12-31
914502000000000060-01,establishment,914502000000000060,甲一厂,west,,1,,,,,,2017-01-01,
park-1,code,,"园,区",south,,,,,,关闭,914502000000000060,,
"""
TABLES = [
    "uscc,period,gross_output,gross_output.ytd\n914502000000000060,2018-05,12.5,1e3\n91350100M000100Y43,201805,-,撤销\n",
    "uscc,period,indicator,value\n914502000000000060,2018-05,gross_output,12\n914502000000000060,2018-05,staff,3\n",
    "柳州市工业企业月报,,,\n计量单位：万元,,2018年5月,\n统一社会信用代码,单位名称,工业总产值,\n,,本月,1—本月\n"
    "甲,乙,1,2\n914502000000000060,甲,\"1,234.5\",（12）\n合计,,\"1,234.5\",－12\n填表人：王五,,,\n",
    "统一社会信用代码;报告期;营业收入;利润总额\n914502000000000060;2018年1-2月;本期无数据;\n9.14502E+17;43221;…;１２\n",
    "uscc\tperiod\trevenue.ytd\trevenue.ytd_ly\n914502000000000060-01\t2018-02\t99999999999999999\tx\n",
]
FORMULAS = [
    "a = sum(b, c, d) within 3", "if present(a) then b <= 1.5 * a", "if month > 1 then a >= last(a) + 5% * year_ago(b)",
    "all of (a, b) or none of (a, b)", "one of (a, last(b)) and any of (c, d)", "not (a - (b + 2) * 3 != -c) and d < 0",
    "a > 1 or b >= 2 and c <= 3.25",
]
TEXTS = [
    "1,234.50", "(123)", "－１２３", "1.50E+3", "—", "…", "9007199254740991", "-170141183460469231731687303715884105728",
    "2018-05", "2018-Q2", "2018-01/P2M", "2018-01-01/P2M", "2018年1—2月", "2018年第2季度", "11402", "43221", "2018.5",
    "2018-02-29", "1—本月", "工业总产值（当年价格）", "91350100M000100Y43", "914502000000000060-01", "9.14502E+17",
]


def write_seeds(name, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seeds = list(shipped(name))
    words = sorted(set(WORDS.findall("\n".join(seed.decode("utf-8", "ignore") for seed in seeds))))
    if testdata := os.environ.get("PARKTALLY_TESTDATA"):
        seeds += foreign(name, pathlib.Path(testdata))
    first = CHOICES.get(name, b"")
    for number, seed in enumerate(seeds):
        chosen = first[number % len(first):][:1] if first else b""
        (folder / f"{number:04}").write_bytes(chosen + seed)
    return words[::max(1, len(words) // WORDS_MOST)]


def write_dictionary(path, words):
    def quote(word):
        return "".join(f"\\x{byte:02x}" for byte in word.encode())
    path.write_text("".join(f'"{quote(word)}"\n' for word in words), encoding="ascii")


def main(target, place, runs):
    target, place = pathlib.Path(target).resolve(), pathlib.Path(place).resolve()
    name = target.name.removeprefix("fuzz_")
    full = os.environ.get("PARKTALLY_FULL") == "1"
    given, found, dictionary = place / "given" / name, place / "found" / name, place / f"{name}.dict"
    own = place / "seeds" / name  # by seeds.c
    words = write_seeds(name, given)
    write_dictionary(dictionary, words)
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir(parents=True)
    options = [
        f"-max_len={LONGEST.get(name, LONGEST_MESSAGE)}", f"-max_total_time={SECONDS_FULL if full else SECONDS}",
        f"-runs={RUNS_FULL if full else runs}", "-timeout=10", "-rss_limit_mb=512", "-print_final_stats=1",
        f"-artifact_prefix={place}/{name}-", f"-seed={os.environ.get('PARKTALLY_SEED', '0')}"]
    if words:
        options.append(f"-dict={dictionary}")
    # A quarantine of 256 MB would hide what the code itself holds.
    environment = os.environ | {"ASAN_OPTIONS": "quarantine_size_mb=8:" + os.environ.get("ASAN_OPTIONS", "")}
    return subprocess.run([target, *options, found, given, *([own] if own.is_dir() else [])],
                          env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
