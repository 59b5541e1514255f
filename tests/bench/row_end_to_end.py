"""From the first push until the totals show everything, against PostgreSQL's \\copy and sum of the same files."""

import time

import baseline
import process
import scene
import table
from table import Bar, Line
from workload import INDICATORS

UNITS = 100_000


def push_round(city, work):
    """(seconds from the first push until `totals` shows everything, processor's seconds of the agents, of the server)"""
    city.renew()
    with city.serving() as aggregator:
        spent = process.Spent(aggregator.process.pid)
        begun = time.monotonic()
        scene.push_all(city.agents, work.files, "--wait", "--timeout", scene.LONG)
        sums = city.totals()
        took = time.monotonic() - begun
        agents, server = spent()
    scene.check_sums("totals of the parks", sums.parks, work.sums.parks)
    scene.check_sums("totals of the zone", sums.zone, work.sums.zone)
    return took, agents, server


def rounds(bench):
    """Ours, the baseline's, and the others', in turns; the first turn warms up and does not count."""
    work, city, postgres = bench.work(UNITS), bench.city(UNITS), bench.postgres()
    folder = bench.own_folder("end-to-end")
    for n in range(bench.rounds + 1):
        ours, agents, server = push_round(city, work)
        spent = process.Spent(postgres.pid)
        copied, copied_sums = baseline.postgres_load(postgres, work.files, INDICATORS)
        copied_spent = sum(spent())
        at_once, at_once_sums = baseline.postgres_load(postgres, work.files, INDICATORS, at_once=True)
        shell, shell_sums = baseline.sqlite_load(folder, work.files, INDICATORS)
        for who, found in ("PostgreSQL", copied_sums), ("six of psql", at_once_sums), ("SQLite", shell_sums):
            scene.check_sums(who, found, work.sums.parks)
        bench.say(f"ours {ours:.3f} s (processor: agents {agents:.2f} s, server {server:.2f} s), "
                  f"PostgreSQL {copied:.3f} s (processor {copied_spent:.2f} s), six at once {at_once:.3f} s, "
                  f"SQLite shell {shell:.3f} s{bench.warming(n)}")
        if n:
            yield ours, copied, at_once, shell, agents + server, copied_spent


def run(bench):
    """End to end: files to totals."""
    ours, copied, at_once, shell, spent, copied_spent = map(list, zip(*rounds(bench)))
    what = f"end to end, {UNITS} units × 40"
    return [Line(what, ours, table.seconds, "PostgreSQL, \\copy one after another, then sum", copied,
                 Bar(0.5, ratio=True)),
            Line("the same", ours, table.seconds, "PostgreSQL, six \\copy at once, then sum", at_once),
            Line("the same", ours, table.seconds, "SQLite shell, .import, then sum", shell),
            Line("the same as a rate", [bench.work(UNITS).figures / took for took in ours], table.per_second),
            Line("processor time of all of it", spent, table.seconds, "PostgreSQL, one after another", copied_spent)]
