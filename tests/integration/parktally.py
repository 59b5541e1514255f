"""What the tests of the real programs share: where they are, a temporary aggregator, agents' folders, waiting.

Nothing here waits for a fixed time: what is waited for is a condition, and a deadline makes its absence a failure."""

import collections
import contextlib
import csv
import io
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

SKIPPED = 77
PATIENCE = 60  # seconds after which something that was to happen counts as not having happened
FULL = bool(os.environ.get("PARKTALLY_FULL"))
SHARE = int(os.environ.get("PARKTALLY_SHARE", "100"))  # per cent of what is usually sampled
ROOT = pathlib.Path(__file__).resolve().parents[2]
REGISTER_COLUMNS = (
    "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to".split(","))
TOTALS_COLUMNS = "area,period,indicator,slice,value,measure,reported,expected,under_inquiry".split(",")

Result = collections.namedtuple("Result", "code out err")


def skip_program(why):
    print(why, file=sys.stderr)
    sys.exit(SKIPPED)


def _build_folder():
    folder = os.environ.get("PARKTALLY_BUILD")
    if not folder:
        skip_program("PARKTALLY_BUILD names no build folder")
    return pathlib.Path(folder)


BUILD = _build_folder()
AGGREGATOR = BUILD / "aggregator" / "park-aggregator"
AGENT = BUILD / "agent" / "park-agent"
SANITIZED = not re.search(r"(?m)^PARKTALLY_SANITIZE:\w+=$", (BUILD / "CMakeCache.txt").read_text())


def sampled(usual, full):
    """How many of what is sampled are tried: `full` in a full run, else `usual` or a share of it, but one at least."""
    return full if FULL else max(1, usual * SHARE // 100)


def need(*programs):
    for program in programs:
        if not os.access(program, os.X_OK):
            skip_program(f"{program} is not built")


def environment(**changes):
    """English, and nothing of the caller's own Parktally."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PARKTALLY_")}
    return kept | {"LC_ALL": "C.UTF-8", "LANGUAGE": "", "TZ": "UTC"} | changes


def wait_until(condition, what, seconds=PATIENCE):
    """Returns the first true value of condition(); fails after the deadline."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(0.01)


def run(program, *words, data=None, stdin=None, env=None, timeout=PATIENCE):
    """Runs a program to its end. Text in, text out; standard input may also be an open file."""
    command = [str(program), *map(str, words)]
    if data is not None:
        command += ["--data", str(data)]
    given = {"stdin": stdin} if hasattr(stdin, "fileno") else {"input": stdin if isinstance(stdin, bytes) else (stdin or "").encode()}
    done = subprocess.run(command, **given, capture_output=True, env=env or environment(), timeout=timeout)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def small_catalogue(**replaced):
    """The catalogue of the tests. Keyword arguments of the form section="text" put text first into a section."""
    text = (ROOT / "tests" / "data" / "small.yaml").read_text()
    for section, added in replaced.items():
        if f"\n{section}:\n" in text:
            text = text.replace(f"\n{section}:\n", f"\n{section}:\n{added}", 1)
        else:
            text += f"\n{section}:\n{added}"
    return text


BUREAU_INDICATOR = "  people: {zh: 人口, en: People, measure: 人, kind: stock}\n"
BUREAU_FORM = """\
  city:
    zh: 市情
    en: City figures
    number: T-9
    issuer: 测试
    approval: 示例
    legal_basis: statistical
    filled_by: bureau
    every: year
    classes: [code]
    columns: [{column: people}]
"""
TARGET = """\
  1:
    zh: 研发
    en: Research
    area: zone
    population: {zh: 全部, en: All}
    formula: value
    numerator: [{indicator: research, area: zone}]
    yearly: true
    measure: 千元
    decimals: 0
    direction: at_least
    value: 100
    least_coverage: 40
    source: 示例
    bureau: 示例
"""


def city_catalogue():
    """The catalogue of the tests with a bureau's form and a target."""
    return small_catalogue(indicators=BUREAU_INDICATOR, forms=BUREAU_FORM, targets=TARGET)


def unit(code, parks, **changes):
    """A row of the register: a unit by code, in force since 2010, unless told otherwise."""
    row = dict.fromkeys(REGISTER_COLUMNS, "") | {
        "unit": code, "class": "code", "name": f"单位{code}", "parks": parks, "in_boundary": "1", "industry": "3610",
        "status": "正常", "from": "2010-01-01"}
    return row | {name.rstrip("_"): value for name, value in changes.items()}


def register_text(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, REGISTER_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


USCC_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def uscc(number):
    """A unified social credit code with its check character (GB 32100), made from a number."""
    first = f"91450200{number:09d}"
    total = sum(USCC_CHARACTERS.index(c) * pow(3, n, 31) for n, c in enumerate(first))
    return first + USCC_CHARACTERS[-total % 31]


class Aggregator:
    """A temporary aggregator: its folder, its commands, its server."""

    def __init__(self, folder, catalogue=None, env=None):
        need(AGGREGATOR)
        self.root = pathlib.Path(folder)
        self.data = self.root / "aggregator"
        self.log_path = self.root / "aggregator.log"
        self.source = self.root / "source.yaml"
        self.listen = self.enrol = "tcp://127.0.0.1:*"
        self.process = None
        self.speakers = {}  # area → its first agent, which admits those that come later
        self.env = env or environment()
        self.source.write_text(catalogue or small_catalogue())
        made = run(AGGREGATOR, "init", "--catalogue", self.source, data=self.data, env=self.env)
        assert made.code == 0, made

    # --- the server ---

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start(self, *options):
        """Starts the server and waits until it is ready; the second time on the ports of the first."""
        already = len(self.log())
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [AGGREGATOR, "run", "--data", self.data, "--listen", self.listen, "--enrol", self.enrol, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)

        def ready():
            found = re.search(r"server\.ready: (\S+), enrolment at (\S+)", self.log()[already:])
            if not found and self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()[already:]}")
            return found

        found = wait_until(ready, "the server is ready")
        self.listen, self.enrol = found.group(1), found.group(2)
        return self

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.is_running():
            self.kill()

    def reload(self, expected):
        """SIGHUP; waits until the log says `expected` anew."""
        already = len(self.log())
        self.signal(signal.SIGHUP)
        wait_until(lambda: re.search(r"reload\.(done|refused): .*\n", self.log()[already:]), "reloaded")
        said = self.log()[already:]
        assert expected in said, said
        return said

    # --- commands ---

    def command(self, *words, code=0, stdin=None, env=None):
        result = run(AGGREGATOR, *words, data=self.data, stdin=stdin, env=env or self.env)
        if code is not None and result.code != code:
            raise AssertionError(f"{words}: expected {code}, found {result}")
        return result

    def import_register(self, rows, code=0):
        path = self.root / "register.csv"
        path.write_text(register_text(rows))
        return self.command("register", "import", path, code=code)

    def invite(self, area, *options):
        return self.command("invite", "--area", area, *options).out.strip()

    def let_in(self, area, agent, waits):
        """An agent of the area has enrolled: it speaks for it from now on, or is admitted by who does."""
        speaker = self.speakers.setdefault(area, agent)
        if waits:
            speaker.admit(agent.id)

    def totals(self, *options):
        """Lines of `totals` as dictionaries."""
        text = self.command("totals", "--format", "csv", *options).out
        return list(csv.DictReader(io.StringIO(text)))

    def total(self, area, period, indicator, slice_="all", *options):
        """One line of it."""
        lines = self.totals("--area", area, "--period", period, "--indicator", indicator, "--slice", slice_, *options)
        lines = [line for line in lines if line["slice"] == slice_]
        assert len(lines) == 1, lines
        return lines[0]

    def position(self):
        """Of the ledger's last leaf."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/store.db?mode=ro", uri=True)) as store:
            return store.execute("SELECT max(position) FROM leaf").fetchone()[0]

    def check_ledger(self):
        return self.command("rebuild", "--check")


class ParkAgent:
    """The folder of a real park-agent."""

    def __init__(self, folder, invitation):
        need(AGENT)
        self.data = pathlib.Path(folder)
        joined = run(AGENT, "join", "-", data=self.data, stdin=invitation)
        assert joined.code == 0, joined
        self.id = re.search(r"^agent +(\S+)", joined.out, re.MULTILINE).group(1)
        self.waits = "[admission.waiting]" in joined.out

    def admit(self, agent):
        return self.command("admit", agent, "--approved-by", "李四", code=0)

    def start(self, *words, output=subprocess.PIPE):
        """Starts a command and does not wait for it."""
        return subprocess.Popen([AGENT, *map(str, words), "--data", self.data], stdin=subprocess.DEVNULL,
                                stdout=output, stderr=subprocess.STDOUT, env=environment())

    def command(self, *words, code=None):
        result = run(AGENT, *words, data=self.data, timeout=3 * PATIENCE)
        if code is not None and result.code != code:
            raise AssertionError(f"{words}: expected {code}, found {result}")
        return result


def enrol(city, area, folder, *options):
    """A real park-agent in that folder, with rights."""
    agent = ParkAgent(folder, city.invite(area, *options))
    city.let_in(area, agent, agent.waits)
    return agent


CLOCK_SHIFT = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *time)
{
  int result = (int)syscall(SYS_clock_gettime, clock, time);
  if (clock == CLOCK_REALTIME) time->tv_sec += atol(getenv("CLOCK_SHIFT_SECONDS"));
  return result;
}
"""


def shifted_clock(folder, seconds):
    """An environment in which a program's wall clock is off. Skips the test where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise unittest.SkipTest("no C compiler for the clock that is off")
    library = pathlib.Path(folder) / "clock_shift.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", library], input=CLOCK_SHIFT.encode(), check=True)
    options = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
    return environment(LD_PRELOAD=str(library), CLOCK_SHIFT_SECONDS=str(seconds), ASAN_OPTIONS=options)


class Case(unittest.TestCase):
    """A test with a folder of its own and aggregators that do not outlive it."""

    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="parktally-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def aggregator(self, catalogue=None, name="a", env=None):
        folder = self.folder / name
        folder.mkdir()
        aggregator = Aggregator(folder, catalogue, env)
        self.addCleanup(aggregator.close)
        return aggregator

    def assert_sound(self, aggregator):
        """No sanitizer found anything, and the ledger comes to the tables."""
        aggregator.check_ledger()
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error", "ThreadSanitizer"):
            self.assertNotIn(word, aggregator.log())


@contextlib.contextmanager
def closing_all(items):
    try:
        yield items
    finally:
        for item in items:
            item.close()
