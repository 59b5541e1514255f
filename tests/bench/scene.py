"""What the benchmarks stand on: their folder, a city that begins each round anew, agents that send."""

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import baseline
import parktally
import workload
from baseline import LONG, Wrong
from parktally import Aggregator
from workload import PARKS

APPROVED = ("--approved-by", "张三")


def check_sums(what, found, expected):
    if found != expected:
        differing = [name for name in expected if found.get(name) != expected[name]]
        raise Wrong(f"{what}: {len(differing)} sums differ, such as {differing[0]}: "
                    f"{found.get(differing[0])}, not {expected[differing[0]]}")


class Work:
    """Files of one size, and what they come to."""

    def __init__(self, folder, units):
        folder.mkdir()
        self.units, self.figures = units, units * workload.FIGURES
        self.register = folder / "register.csv"
        workload.write_register(self.register, units)
        self.files = workload.write_files(folder, units)
        self.sums = workload.sums(self.files, self.register)


class City:
    """An aggregator with a register, and enrolled agents, all at rest in a folder; renew() begins anew from there."""

    def __init__(self, folder, register, areas=PARKS, figures=workload.FIGURES, catalogue=None):
        self.live, self.rest = folder / "live", folder / "rest"
        self.live.mkdir(parents=True)
        self.aggregator = Aggregator(self.live, catalogue or workload.catalogue(figures))
        with self.serving():
            imported = parktally.run(parktally.AGGREGATOR, "register", "import", register,
                                     data=self.aggregator.data, timeout=LONG)
            if imported.code != 0:
                raise Wrong(f"register import: {imported}")
            self.agents = [parktally.enrol(self.aggregator, area, self.live / f"{area}{n}") for n, area in enumerate(areas)]
            self.aggregator.stop()

    @contextlib.contextmanager
    def serving(self):
        """The server runs; it is killed at the end if it still does."""
        try:
            yield self.aggregator.start()
        finally:
            self.aggregator.close()

    def keep(self):
        """What lies in the folder is what each round begins with."""
        shutil.rmtree(self.rest, ignore_errors=True)
        self.live.rename(self.rest)

    def renew(self):
        """As it was kept. Nothing of the copying is left to be written while somebody measures."""
        shutil.rmtree(self.live, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", self.rest, self.live], check=True)
        os.sync()

    def totals(self, period=workload.PERIOD, figures=workload.FIGURES):
        """(sums of the parks, sum of the zone) by indicator, as workload.Sums has them; one command."""
        lines = self.aggregator.totals("--period", period, "--area", ",".join(["zone", *PARKS]), "--slice", "all",
                                       "--indicator", ",".join(workload.INDICATORS[:figures]))
        parks, zone = dict.fromkeys(workload.INDICATORS[:figures], 0), {}
        for line in lines:
            if line["slice"] == "all" and line["area"] == "zone":
                zone[line["indicator"]] = int(line["value"] or 0)
            elif line["slice"] == "all":
                parks[line["indicator"]] += int(line["value"] or 0)
        return workload.Sums(parks, zone)


@contextlib.contextmanager
def ending(processes):
    """Children that do not outlive the block."""
    try:
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()


def push_all(agents, files, *options):
    """Each agent pushes its files, all at once; waits for their ends. `files` is a list, or a list of lists."""
    with contextlib.ExitStack() as stack:
        pushes = stack.enter_context(ending([]))
        said = []  # files, since findings of months of figures are more than a pipe takes, and none is to wait until it is read
        for agent, own in zip(agents, files):
            own = own if isinstance(own, list) else [own]
            said.append(stack.enter_context(tempfile.TemporaryFile()))
            pushes.append(agent.start("push", *own, *APPROVED, *options, output=said[-1]))
        for push, words in zip(pushes, said):
            if push.wait() != 0:
                words.seek(0)
                raise Wrong(f"push ended with {push.returncode}: {words.read().decode()[-2000:]}")


def waiting(agent):
    """How many submissions lie in its outbox unanswered."""
    return json.loads(agent.command("status", "--format", "json", code=0).out)["waiting_to_send"]


class Services:
    """Agents as services (`park-agent run`); what they log is counted as it comes."""

    def __init__(self, agents):
        self.processes = []
        self.seen = {}  # process → bytes of its log
        self.selector = selectors.DefaultSelector()
        for agent in agents:
            process = agent.start("run")
            self.processes.append(process)
            self.seen[process] = bytearray()
            self.selector.register(process.stdout, selectors.EVENT_READ, process)

    def wait_for(self, word, counts, look=None, pause=None):
        """Until each has logged `word` as often as `counts` says. Calls `look` every `pause` seconds and oftener."""
        word, end = word.encode(), time.monotonic() + LONG
        while any(self.seen[process].count(word) < count for process, count in zip(self.processes, counts)):
            if time.monotonic() > end:
                raise Wrong(f"after {LONG} s not every agent had logged {word.decode()}")
            if look:
                look()
            for key, _ in self.selector.select(pause or LONG):
                if not (piece := os.read(key.fd, 65536)):
                    raise Wrong(f"an agent ended: {self.seen[key.data].decode()[-2000:]}")
                self.seen[key.data] += piece

    def ready(self):
        self.wait_for("run.ready: ", [1] * len(self.processes))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.selector.close()
        with ending(self.processes):
            pass


@contextlib.contextmanager
def frozen(process):
    """The process stands still until the block ends, so that all who wait for it begin at one moment."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


class Bench:
    """One run: its folder, its sizes, what several rows share, and what is to be undone at the end."""

    def __init__(self, folder, rounds, quick):
        self.folder, self.rounds, self.quick = folder, rounds, quick
        self.row = ""
        self._undo = contextlib.ExitStack()
        self._shared = {}

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        return self._undo.__exit__(*reason)

    def say_row(self, name):
        self.row = name

    def say(self, text):
        print(f"{self.row}: {text}", file=sys.stderr, flush=True)

    @staticmethod
    def warming(number):
        """The first turn of each row warms up and does not count."""
        return "" if number else " (warming up)"

    def _once(self, key, make):
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    def own_folder(self, name):
        folder = self.folder / name
        folder.mkdir()
        return folder

    def work(self, units):
        return self._once(("work", units), lambda: Work(self.folder / f"work-{units}", units))

    def city(self, units):
        """Six parks, registered and enrolled, nothing reported."""
        def make():
            city = City(self.folder / f"city-{units}", self.work(units).register)
            city.keep()
            return city
        return self._once(("city", units), make)

    def city_with_backlog(self, units):
        """The same with everything in the outboxes and nothing sent."""
        def make():
            city = City(self.folder / f"backlog-{units}", self.work(units).register)
            push_all(city.agents, self.work(units).files)
            city.keep()
            return city
        return self._once(("backlog", units), make)

    def postgres(self):
        def make():
            postgres = baseline.Postgres(self.folder / "postgres")
            self._undo.callback(postgres.close)
            return postgres
        return self._once("postgres", make)
