"""Starting after a kill, and SIGTERM in the middle of the work."""

import contextlib
import itertools
import time

import process
import row_ingest
import scene
import table
from table import Bar, Line

SMALL, LARGE, QUICK_LARGE = 10_000, 1_000_000, 100_000
TERM_BAR = 5


def started(city, ending):
    """(seconds until the server is ready, MiB at most until then); `ending` says how it ends."""
    begun = time.monotonic()
    with city.serving() as aggregator:
        found = time.monotonic() - begun, process.peak(aggregator.process.pid)
        ending(aggregator)
    return found


def aggregator_starts(bench, units):
    """started() after a kill, and after an orderly end, with the same data."""
    city, work = bench.city_with_backlog(units), bench.work(units)
    city.renew()
    counts = row_ingest.outboxes(city)
    with city.serving() as aggregator, scene.Services(city.agents) as services:
        services.wait_for("link.receipt: ", counts)
        aggregator.kill()
    log = sum(path.stat().st_size for path in city.aggregator.data.glob("*-wal")) / 2**20

    def look_and_stop(aggregator):
        scene.check_sums("totals after the kill", city.totals().parks, work.sums.parks)
        aggregator.stop()

    killed, orderly = started(city, look_and_stop), started(city, lambda aggregator: aggregator.kill())
    bench.say(f"aggregator with {units} × 40 figures: ready after {killed[0]:.3f} s, {killed[1]:.1f} MiB where it was "
              f"killed with a log of {log:.0f} MiB; {orderly[0]:.3f} s, {orderly[1]:.1f} MiB where not")
    return *killed, *orderly


def agent_with_backlog(bench, city, unanswered):
    """(seconds until the service is ready, MiB at most until then); nobody answers it."""
    city.renew()
    begun = time.monotonic()
    with scene.Services(city.agents[:1]) as services:
        services.ready()
        took = time.monotonic() - begun
        most = process.peak(services.processes[0].pid)
    bench.say(f"agent with {unanswered} reports unanswered: ready after {took:.3f} s, {most:.1f} MiB")
    return took, most


def terminated(bench, units):
    """Seconds that (the aggregator, the slowest of six agents) take to end when told in the middle of the work."""
    city, work = bench.city_with_backlog(units), bench.work(units)
    city.renew()
    counts = row_ingest.outboxes(city)
    with contextlib.ExitStack() as stack:
        aggregator = stack.enter_context(city.serving())
        with scene.frozen(aggregator.process):
            services = stack.enter_context(scene.Services(city.agents))
            services.ready()
        services.wait_for("link.receipt: ", [1] * len(counts))
        ends = []
        for group in ([aggregator.process], services.processes):
            begun = time.monotonic()
            for one in group:
                one.terminate()
            codes = [one.wait(scene.LONG) for one in group]
            ends.append(time.monotonic() - begun)
            if any(codes):
                raise scene.Wrong(f"exit codes after SIGTERM: {codes}")
    left = sum(row_ingest.outboxes(city))
    with city.serving(), scene.Services(city.agents) as services:
        services.wait_for("link.receipt: ", row_ingest.outboxes(city))
        scene.check_sums("totals after SIGTERM and all the rest", city.totals().parks, work.sums.parks)
    bench.say(f"SIGTERM with {left} of {sum(counts)} submissions left unanswered: aggregator {ends[0]:.3f} s, "
              f"agents {ends[1]:.3f} s")
    return ends


def run(bench):
    """Starting after a kill; SIGTERM under load."""
    large = QUICK_LARGE if bench.quick else LARGE
    found = []
    for _ in range(bench.rounds):
        found.append([*aggregator_starts(bench, SMALL), *aggregator_starts(bench, large),
                      *agent_with_backlog(bench, bench.city(large), 0),
                      *agent_with_backlog(bench, bench.city_with_backlog(large), large // 6), *terminated(bench, large)])
    columns = map(list, zip(*found))
    lines = []
    for units in SMALL, large:
        time_killed, memory_killed, time_orderly, memory_orderly = itertools.islice(columns, 4)
        lines += [Line(f"aggregator's start after a kill, {units} × 40 figures", time_killed, table.seconds,
                       "after an orderly end", time_orderly),
                  Line("its memory until it is ready", memory_killed, table.mebibytes,
                       "after an orderly end", memory_orderly)]
    empty, empty_memory, full, full_memory, server, agents = columns
    return [*lines,
            Line(f"agent's start with {large // 6} reports unanswered", full, table.seconds, "with none", empty),
            Line("its memory until it is ready", full_memory, table.mebibytes, "with none", empty_memory),
            Line("SIGTERM under full load to the aggregator's end", server, table.seconds, bar=Bar(TERM_BAR)),
            Line("the same of the agents", agents, table.seconds, bar=Bar(TERM_BAR))]
