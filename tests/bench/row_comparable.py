"""Growth of a zone on comparable population, against PostgreSQL's join of the same two months."""

import csv
import io
import os
import random
import statistics
import subprocess
import time

import process
import scene
import table
import workload
from row_total import ask
from table import Bar, Line
from workload import INDICATORS, PARKS

UNITS = 1_000_000
QUICK_UNITS = 100_000
FIGURES = 2
NOW, BEFORE = "2018-05", "2017-05"
ABSENT = 50  # one in so many units is silent in one of the months
QUESTIONS = 5  # in a round
BAR = 0.5


def thin(paths, seed):
    """Takes some rows out of each file."""
    chance = random.Random(seed)
    for path in paths:
        with open(path, encoding="utf-8") as file:
            header, *rows = file
        path.write_text(header + "".join(row for row in rows if chance.randrange(ABSENT)), encoding="utf-8")


def write_periods(folder, units):
    """(register, files by park: a list of two)."""
    register = folder / "register.csv"
    workload.write_register(register, units)
    periods = []
    for period in (NOW, BEFORE):
        (folder / period).mkdir()
        periods.append(workload.write_files(folder / period, units, period, FIGURES))
        thin(periods[-1], period)
    return register, [list(files) for files in zip(*periods)]


def figures_of(paths):
    found = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            found.update((row[0], int(row[2])) for row in list(csv.reader(file))[1:])
    return found


def expectation(register, files):
    """(now, before, comparable now, comparable before) of the zone's first indicator, added up here."""
    now, before = (figures_of(own[n] for own in files) for n in (0, 1))
    with open(register, encoding="utf-8") as file:
        inside = {row["unit"] for row in csv.DictReader(file) if row["in_boundary"] == "1"}
    both = [unit for unit in inside if unit in now and unit in before]
    return (sum(now.get(unit, 0) for unit in inside), sum(before.get(unit, 0) for unit in inside),
            sum(now[unit] for unit in both), sum(before[unit] for unit in both))


def ours(city, expected):
    """Seconds of each question, from connecting to the whole answer."""
    path = str(city.aggregator.data / "control")
    took = []
    for _ in range(QUESTIONS):
        begun = time.monotonic()
        answer = ask(path, "totals", "--yoy", "--period", NOW, "--indicator", INDICATORS[0], "--area", "zone", "--slice",
                     "all", "--format", "csv")
        took.append(time.monotonic() - begun)
        line = next(csv.DictReader(io.StringIO(answer)))
        found = tuple(int(line[name]) for name in ("value", "before", "comparable", "comparable_before"))
        if found != expected:
            raise scene.Wrong(f"the zone's growth is of {found}, not {expected}")
    return took


def joined(postgres, expected):
    """Seconds of each join, by a session that stays open."""
    question = (f"SELECT sum(a.{INDICATORS[0]}), sum(b.{INDICATORS[0]}) FROM report a JOIN report b USING (uscc) JOIN inside"
                f" USING (uscc) WHERE a.period = '{NOW}' AND b.period = '{BEFORE}';\n").encode()
    took = []
    with scene.ending([subprocess.Popen(postgres.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)]) as sessions:
        for _ in range(QUESTIONS):
            begun = time.monotonic()
            os.write(sessions[0].stdin.fileno(), question)
            answer = os.read(sessions[0].stdout.fileno(), 4096)
            took.append(time.monotonic() - begun)
            if tuple(map(int, answer.split(b","))) != expected[2:]:
                raise scene.Wrong("PostgreSQL's comparable sums differ")
        sessions[0].stdin.close()
    return took


def fill_postgres(postgres, register, files):
    inside = register.with_name("inside.csv")
    with open(register, encoding="utf-8") as file:
        inside.write_text("".join(row["unit"] + "\n" for row in csv.DictReader(file) if row["in_boundary"] == "1"))
    postgres.make_table(INDICATORS[:FIGURES])
    postgres.run("CREATE TABLE inside (uscc text PRIMARY KEY);\n"
                 f"\\copy inside FROM '{inside}'\n" + postgres.copy([path for own in files for path in own])
                 + "VACUUM ANALYZE report; VACUUM ANALYZE inside;")


def run(bench):
    """A zone's growth on comparable population."""
    units = QUICK_UNITS if bench.quick else UNITS
    folder = bench.own_folder("comparable")
    register, files = write_periods(folder, units)
    expected = expectation(register, files)
    city, postgres = scene.City(folder / "city", register, figures=FIGURES), bench.postgres()
    with city.serving():
        scene.push_all(city.agents, files, "--wait", "--timeout", scene.LONG)
        fill_postgres(postgres, register, files)
        took, base, spent = [], [], []
        for n in range(bench.rounds + 1):
            before = process.cpu(city.aggregator.process.pid)
            one = statistics.median(ours(city, expected))
            processor = (process.cpu(city.aggregator.process.pid) - before) / QUESTIONS
            other = statistics.median(joined(postgres, expected))
            bench.say(f"ours {one:.3f} s (server's processor {processor:.2f} s), PostgreSQL {other:.3f} s{bench.warming(n)}")
            if n:
                took.append(one)
                base.append(other)
                spent.append(processor)
    return [Line(f"growth on comparable population over {units} units, asked and answered over the control socket", took,
                 table.seconds, "PostgreSQL, join of the same rows", base, Bar(BAR)),
            Line("of that the server's processor, both cores together", spent, table.seconds)]
