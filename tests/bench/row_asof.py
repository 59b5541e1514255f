"""A zone's total as of a moment before corrections, against PostgreSQL over a history of the same rows."""

import csv
import os
import statistics
import subprocess
import time

import parktally
import process
import row_total
import scene
import table
import workload
from table import Bar, Line
from workload import INDICATORS, PARKS, PERIOD

UNITS, QUICK_UNITS = 1_000_000, 100_000
FIGURES = 2
CORRECTED = 10  # one unit of so many
MOVED = 1000  # units that leave the boundary meanwhile
QUESTIONS = 5  # in a round, of each
BAR = 1.0


def leave_the_boundary(register, path):
    """A register file with the first units, all of them outside."""
    with open(register, encoding="utf-8") as old, open(path, "w", encoding="utf-8", newline="") as new:
        rows = csv.DictReader(old)
        writer = csv.DictWriter(new, rows.fieldnames)
        writer.writeheader()
        for _, row in zip(range(MOVED), rows):
            writer.writerow({**row, "in_boundary": "0"})


def now():
    """A moment by the second, with nothing recorded before and after it within that second."""
    time.sleep(1.1)
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    time.sleep(1.1)
    return moment


def fill(city, folder, register, units, bench):
    """Reports, a moment, then corrections and a change of the register. Returns (moment, files, corrections)."""
    (folder / "first").mkdir()
    (folder / "second").mkdir()
    files = workload.write_files(folder / "first", units, PERIOD, FIGURES)
    corrections = workload.write_files(folder / "second", units // CORRECTED, PERIOD, FIGURES)
    scene.push_all(city.agents, files, "--wait", "--timeout", scene.LONG)
    moment = now()
    begun = time.monotonic()
    scene.push_all(city.agents, corrections, "--wait", "--timeout", scene.LONG)
    bench.say(f"{units // CORRECTED} of {units} units corrected in {time.monotonic() - begun:.1f} s")
    leave_the_boundary(register, folder / "moved.csv")
    moved = parktally.run(parktally.AGGREGATOR, "register", "import", folder / "moved.csv", data=city.aggregator.data,
                          timeout=scene.LONG)
    if moved.code != 0:
        raise scene.Wrong(f"register import: {moved}")
    return moment, files, corrections


def ours(city, moment, expected):
    """Seconds of each question, from connecting to the whole answer, and the processor's of them all."""
    path = str(city.aggregator.data / "control")
    question = ["totals", "--period", PERIOD, "--indicator", INDICATORS[0], "--slice", "all", "--format", "csv",
                "--as-of", moment, "--area"]
    took, spent = [], process.cpu(city.aggregator.process.pid)
    for _ in range(QUESTIONS):
        begun = time.monotonic()
        answer = row_total.ask(path, *question, "zone")
        took.append(time.monotonic() - begun)
        if row_total.value_of(answer, ["zone"]) != expected.zone[INDICATORS[0]]:
            raise scene.Wrong("the zone's total as of then is wrong")
    spent = process.cpu(city.aggregator.process.pid) - spent
    if row_total.value_of(row_total.ask(path, *question, ",".join(PARKS)), PARKS) != expected.parks[INDICATORS[0]]:
        raise scene.Wrong("the parks' totals as of then are wrong")
    return took, spent / QUESTIONS


def load(postgres, files, corrections):
    """Rows with the time in which they were in force: loaded as 1, corrected as 2."""
    figures = ", ".join(f"{name} numeric" for name in INDICATORS[:FIGURES])
    names = ", ".join(INDICATORS[:FIGURES])
    copies = [f"\\copy {table_name} (uscc, period, {names}) FROM '{path}' WITH (FORMAT csv, HEADER)\n"
              for table_name, paths in (("history", files), ("correction", corrections)) for path in paths]
    postgres.run("DROP TABLE IF EXISTS history, correction;"
                 f"CREATE TABLE history (uscc text, period text, {figures}, since bigint DEFAULT 1, until bigint"
                 " DEFAULT 9223372036854775807, PRIMARY KEY (uscc, period, since));"
                 f"CREATE TABLE correction (uscc text, period text, {figures});\n" + "".join(copies) +
                 "UPDATE history SET until = 2 FROM correction WHERE history.uscc = correction.uscc"
                 " AND history.period = correction.period;"
                 f"INSERT INTO history SELECT uscc, period, {names}, 2 FROM correction;"
                 "CREATE INDEX ON history (period, since); VACUUM FULL history; VACUUM ANALYZE history;")


def theirs(postgres, expected):
    """Seconds of each sum as of 1, by a session that stays open."""
    question = (f"SELECT sum({INDICATORS[0]}) FROM history WHERE period = '{PERIOD}' AND since <= 1 AND until > 1;\n").encode()
    took = []
    with scene.ending([subprocess.Popen(postgres.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)]) as sessions:
        for _ in range(QUESTIONS):
            begun = time.monotonic()
            os.write(sessions[0].stdin.fileno(), question)
            answer = os.read(sessions[0].stdout.fileno(), 4096)
            took.append(time.monotonic() - begun)
            if int(answer) != expected.parks[INDICATORS[0]]:
                raise scene.Wrong("PostgreSQL's sum as of then differs")
        sessions[0].stdin.close()
    return took


def run(bench):
    """A zone's total as of a moment of the past."""
    units = QUICK_UNITS if bench.quick else UNITS
    folder = bench.own_folder("asof")
    register = folder / "register.csv"
    workload.write_register(register, units)
    city, postgres = scene.City(folder / "city", register, figures=FIGURES), bench.postgres()
    with city.serving():
        moment, files, corrections = fill(city, folder, register, units, bench)
        expected = workload.sums(files, register)
        load(postgres, files, corrections)
        took, spent, base = [], [], []
        for _ in range(bench.rounds):
            each, processor = ours(city, moment, expected)
            took.append(statistics.median(each))
            spent.append(processor)
            base.append(statistics.median(theirs(postgres, expected)))
            bench.say(f"ours {took[-1]:.3f} s, {spent[-1]:.3f} s of the processor, PostgreSQL {base[-1]:.3f} s")
    what = (f"zone's total of {units} units as of a moment before a tenth of them were corrected and {MOVED} left the"
            " boundary")
    return [Line(what, took, table.seconds, "PostgreSQL, sum over a history of the same rows", base, Bar(BAR)),
            Line("the same, processor's time of the server", spent, table.seconds)]
