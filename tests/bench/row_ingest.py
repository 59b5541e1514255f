"""From filled outboxes to the last receipt kept, against bare synced writes of the same bytes; and `rebuild`."""

import contextlib
import sqlite3
import time

import baseline
import process
import scene
import table
from parktally import AGGREGATOR, run as run_program
from table import Bar, Line

UNITS = 100_000


def outboxes(city):
    """How many submissions wait at each agent."""
    return [scene.waiting(agent) for agent in city.agents]


def ingest_round(city, work, after=None):
    """(seconds from the moment in which all six may send to the last receipt kept, processor's seconds of
    the server).

    The server stands still until every agent has read its register and knocks. `after` is called with the city once
    the server has stopped."""
    city.renew()
    counts = outboxes(city)
    with city.serving() as aggregator:
        before = process.cpu(aggregator.process.pid)
        with contextlib.ExitStack() as stack:
            with scene.frozen(aggregator.process):
                services = stack.enter_context(scene.Services(city.agents))
                services.ready()
            begun = time.monotonic()
            services.wait_for("link.receipt: ", counts)
            took = time.monotonic() - begun
        spent = process.cpu(aggregator.process.pid) - before
        sums = city.totals()
        scene.check_sums("totals of the parks", sums.parks, work.sums.parks)
        scene.check_sums("totals of the zone", sums.zone, work.sums.zone)
        if after:
            aggregator.stop()
            after()
    return took, spent


def sealed(city):
    """The bytes of all submissions, as they lie in the outboxes at rest."""
    blobs = []
    for agent in city.agents:
        outbox = city.rest / agent.data.name / "outbox.db"
        with contextlib.closing(sqlite3.connect(f"file:{outbox}?mode=ro", uri=True)) as database:
            blobs += [row[0] for row in database.execute("SELECT sealed FROM content ORDER BY sequence")]
    return blobs


def commits_span(city):
    """Seconds between the commits of the first and the last submission."""
    with contextlib.closing(sqlite3.connect(f"file:{city.aggregator.data / 'store.db'}?mode=ro", uri=True)) as database:
        first, last = database.execute("SELECT min(recorded), max(recorded) FROM leaf WHERE position IN "
                                       "(SELECT position FROM submission)").fetchone()
    return (last - first) / 1000


def rebuild(city):
    begun = time.monotonic()
    result = run_program(AGGREGATOR, "rebuild", data=city.aggregator.data, timeout=scene.LONG)
    took = time.monotonic() - begun
    if result.code != 0:
        raise scene.Wrong(f"rebuild: {result}")
    return took


def rounds(bench):
    work, city = bench.work(UNITS), bench.city_with_backlog(UNITS)
    folder, blobs = bench.own_folder("bare"), sealed(city)
    for n in range(bench.rounds + 1):
        spans, rebuilds = [], []

        def look():
            spans.append(commits_span(city))
            rebuilds.append(rebuild(city))

        ours, spent = ingest_round(city, work, look)
        bare = baseline.bare_writes(folder, blobs)
        bench.say(f"ours {ours:.3f} s (server's processor {spent:.2f} s; first to last commit {spans[0]:.3f} s), "
                  f"bare writes {bare:.3f} s, rebuild {rebuilds[0]:.3f} s{bench.warming(n)}")
        if n:
            yield ours, spans[0], bare, rebuilds[0]


def run(bench):
    """Ingest from filled outboxes, and rebuild."""
    figures = bench.work(UNITS).figures
    ours, spans, bare, rebuilds = ([figures / max(took, 0.001) for took in column] for column in zip(*rounds(bench)))
    return [Line("ingest, six filled outboxes to the last receipt", ours, table.per_second,
                 "bare synced SQLite writes of the same bytes", bare, Bar(8e6, least=True)),
            Line("the same, between first and last commit in the server", spans, table.per_second),
            Line("rebuild", rebuilds, table.per_second, "ingest", ours, Bar(1, ratio=True, least=True))]
