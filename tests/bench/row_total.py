"""A zone's total over twelve months, against PostgreSQL's sum over the same reports."""

import csv
import io
import os
import socket
import statistics
import struct
import subprocess
import time

import scene
import table
import workload
from table import Bar, Line
from workload import INDICATORS, MONTHS, PARKS

UNITS = 1_000_000
QUICK_UNITS = 100_000
FIGURES = 2
QUESTIONS = 1000  # in a round
SUMS = 2  # of PostgreSQL, in a round: seconds each
BAR = 0.001
MAGIC = 0x31435450  # common/control_wire.h


def write_months(folder, units):
    """Files by park, each a list of twelve."""
    register = folder / "register.csv"
    workload.write_register(register, units)
    by_month = []
    for month in MONTHS:
        (folder / month).mkdir()
        by_month.append(workload.write_files(folder / month, units, month, FIGURES))
    return register, [list(files) for files in zip(*by_month)]


def ask(path, *words):
    """One command over the control socket as a program of ours asks it, and its answer."""
    request = b"\0".join(word.encode() for word in ("", *words)) + b"\0"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(struct.pack("=II", MAGIC, len(request)) + request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    out = b""
    while answer:
        what, length = struct.unpack_from("=II", answer)
        body, answer = answer[8:8 + length], answer[8 + length:]
        if what == ord("o"):
            out += body
    return out.decode()


def value_of(answer, areas):
    lines = csv.DictReader(io.StringIO(answer))
    return sum(int(line["value"]) for line in lines if line["slice"] == "all" and line["area"] in areas)


def ours(city, expected):
    """Seconds of each of many questions, from connecting to the whole answer."""
    path = str(city.aggregator.data / "control")
    question = ["totals", "--period", "2018", "--indicator", INDICATORS[0], "--slice", "all", "--format", "csv", "--area"]
    if value_of(ask(path, *question, ",".join(PARKS)), PARKS) != expected.parks[INDICATORS[0]]:
        raise scene.Wrong("the parks' totals of twelve months are wrong")
    took = []
    for _ in range(QUESTIONS):
        begun = time.monotonic()
        answer = ask(path, *question, "zone")
        took.append(time.monotonic() - begun)
    if value_of(answer, ["zone"]) != expected.zone[INDICATORS[0]]:
        raise scene.Wrong("the zone's total of twelve months is wrong")
    return took


def summed(postgres, expected):
    """Seconds of each sum, by a session that stays open."""
    question = f"SELECT sum({INDICATORS[0]}) FROM report WHERE period BETWEEN '2018-01' AND '2018-12';\n".encode()
    took = []
    with scene.ending([subprocess.Popen(postgres.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)]) as sessions:
        for _ in range(SUMS):
            begun = time.monotonic()
            os.write(sessions[0].stdin.fileno(), question)
            answer = os.read(sessions[0].stdout.fileno(), 4096)
            took.append(time.monotonic() - begun)
            if int(answer) != expected.parks[INDICATORS[0]]:
                raise scene.Wrong("PostgreSQL's sum of twelve months differs")
        sessions[0].stdin.close()
    return took


def run(bench):
    """A zone's total over twelve months."""
    units = QUICK_UNITS if bench.quick else UNITS
    folder = bench.own_folder("total")
    register, files = write_months(folder, units)
    every = workload.sums([path for months in files for path in months], register)
    city, postgres = scene.City(folder / "city", register, figures=FIGURES), bench.postgres()
    with city.serving():
        begun = time.monotonic()
        scene.push_all(city.agents, files, "--wait", "--timeout", scene.LONG)
        bench.say(f"{units} units × 12 months × {FIGURES} pushed in {time.monotonic() - begun:.1f} s")
        postgres.make_table(INDICATORS[:FIGURES])
        begun = time.monotonic()
        postgres.run(postgres.copy([path for months in files for path in months]) + "VACUUM ANALYZE report;")
        bench.say(f"the same into PostgreSQL in {time.monotonic() - begun:.1f} s")
        p50, p99, base = [], [], []
        for _ in range(bench.rounds):
            took, sums = sorted(ours(city, every)), summed(postgres, every)
            p50.append(statistics.median(took))
            p99.append(took[int(len(took) * 0.99)])
            base.append(statistics.median(sums))
            bench.say(f"ours p50 {p50[-1] * 1000:.3f} ms, p99 {p99[-1] * 1000:.3f} ms, PostgreSQL {base[-1]:.3f} s")
    what = f"zone's total over 12 months of {units} units, asked and answered over the control socket"
    return [Line(f"{what}, p50", p50, table.seconds, "PostgreSQL, sum over the same rows", base, Bar(BAR)),
            Line("the same, p99", p99, table.seconds)]
