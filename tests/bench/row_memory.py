"""Memory at its most, and how often an idle agent wakes."""

import contextlib
import time

import process
import scene
import table
import workload
from table import Bar, Line
from workload import MONTHS, PARKS

UNITS = 100_000
AGENTS = 100
BACKLOG_MONTHS = 6
BACKLOG_QUICK = 1
LOOK = 0.02  # seconds between two looks at a process's memory
REST = 5  # seconds until an idle agent counts as idle
IDLE = 20  # seconds of looking at it


def backlog(bench):
    """A hundred agents with months unsent: (city, submissions that wait at each)."""
    folder = bench.own_folder("memory")
    areas = [PARKS[n % 6] for n in range(AGENTS)]
    of_park = {park: areas.count(park) for park in PARKS}
    shares = {park: [[] for _ in range(of_park[park])] for park in PARKS}
    for month in MONTHS[:BACKLOG_QUICK if bench.quick else BACKLOG_MONTHS]:
        whole = folder / month
        whole.mkdir()
        for park, path in zip(PARKS, workload.write_files(whole, UNITS, month)):
            for share, piece in zip(shares[park], workload.split_file(path, whole, of_park[park])):
                share.append(piece)
            path.unlink()
    city = scene.City(folder / "city", bench.work(UNITS).register, areas)
    scene.push_all(city.agents, [shares[area].pop(0) for area in areas])
    counts = [scene.waiting(agent) for agent in city.agents]
    bench.say(f"{sum(counts)} submissions wait in {AGENTS} outboxes")
    city.keep()
    return city, counts


def crowd(bench, city, counts):
    """(MiB of the aggregator at most, MiB of its own at most) while a hundred send at once."""
    city.renew()
    with city.serving() as aggregator, contextlib.ExitStack() as stack:
        with scene.frozen(aggregator.process):
            services = stack.enter_context(scene.Services(city.agents))
            services.ready()
        own, pid = [], aggregator.process.pid
        begun = time.monotonic()
        services.wait_for("link.receipt: ", counts, look=lambda: own.append(process.own(pid)), pause=LOOK)
        bench.say(f"{AGENTS} agents: all answered after {time.monotonic() - begun:.1f} s")
        return process.peak(pid), max(own)


def pushing(bench):
    """MiB of an agent at most, while it pushes one of the six files and waits."""
    city, work = bench.city(UNITS), bench.work(UNITS)
    city.renew()
    with city.serving():
        push = city.agents[0].start("push", work.files[0], *scene.APPROVED, "--wait")
        with scene.ending([push]):
            most = process.peak_until_end(push)
            if push.returncode != 0:
                raise scene.Wrong(f"push ended with {push.returncode}")
    return most


def idle(bench):
    """(MiB of its own, MiB resident, wake-ups per second of its busiest thread, of all) of an agent with nothing to do."""
    city, work = bench.city(UNITS), bench.work(UNITS)
    city.renew()
    with city.serving():
        scene.push_all(city.agents[:1], work.files[:1], "--wait")
        with scene.Services(city.agents[:1]) as services:
            services.wait_for("link.connected: ", [1])
            time.sleep(REST)
            pid = services.processes[0].pid
            before = process.wakings(pid)
            time.sleep(IDLE)
            woken = [(now - then) / IDLE for now, then in zip(process.wakings(pid), before)]
            return process.own(pid), process.resident(pid), max(woken), sum(woken)


def run(bench):
    """Memory and wake-ups."""
    crowded = backlog(bench)
    found = []
    for _ in range(bench.rounds):
        one = [*crowd(bench, *crowded), pushing(bench), *idle(bench)]
        bench.say("aggregator {:.1f} MiB ({:.1f} of its own), agent pushing {:.1f} MiB, idle {:.1f} MiB of its own "
                  "({:.1f} resident), wake-ups a second {:.2f} of a thread, {:.2f} of all".format(*one))
        found.append(one)
    aggregator, aggregator_own, push, own, resident, busiest, wakings = map(list, zip(*found))
    return [Line(f"memory of the aggregator, {AGENTS} agents with a backlog, register of {UNITS} units, at most", aggregator,
                 table.mebibytes, bar=Bar(128)),
            Line("of that its own (RssAnon)", aggregator_own, table.mebibytes),
            Line("memory of an agent pushing a file of 16 667 × 40, at most", push, table.mebibytes, bar=Bar(32)),
            Line("an idle agent's own (RssAnon)", own, table.mebibytes, bar=Bar(4)),
            Line("an idle agent, resident", resident, table.mebibytes),
            Line("wake-ups of an idle agent's busiest thread", busiest, table.a_second, bar=Bar(1)),
            Line("of all its threads", wakings, table.a_second)]
