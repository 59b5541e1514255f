"""A thousand connected agents that report a hundred times a second together: from sending to the receipt, in peace, and while
a flood of handshakes that come to nothing is under way."""

import contextlib
import pathlib
import random
import subprocess
import sys
import time

import crowd
import parktally
import scene
import stranger
import table
import workload
from parktally import uscc
from row_single import quantiles
from stranger import Report
from table import Bar, Line
from workload import INDICATORS, PARKS

FAULTS = pathlib.Path(__file__).resolve().parents[1] / "fault"
sys.path.insert(0, str(FAULTS))
from raw import GREETING, RawPeer  # noqa: E402

UNITS = 100_000  # in the register
AGENTS, QUICK_AGENTS = 1000, 200
FLOOD = 5000  # connections
PACE = 0.01  # seconds from one report to the next, of all agents together
SECONDS, QUICK_SECONDS = 20, 5
BAR = 1.0


class Paced:
    """Reports of the crowd's agents by turns, one every PACE; how long each took."""

    def __init__(self, agents, month, count):
        chance = random.Random(f"{month} {count}")
        self.agents, self.took, self.sum = agents, [], 0
        self.waiting = []  # (whose turn, frame)
        self.sent = {}  # id → when first
        self.frames = {}
        for n in range(count):
            agent, value = agents.agents[n % len(agents.agents)], chance.randrange(10**9)
            reports = [Report(uscc(6 * n), {INDICATORS[0]: value} | dict.fromkeys(INDICATORS[1:], value))]
            sealed = agent.sealed(workload.FORM, month, reports)
            id_ = stranger.digest(sealed[104:])
            self.frames[id_] = stranger.pb.Frame(protocol=1, submit=stranger.pb.Submit(id=id_, sealed=sealed)).SerializeToString()
            self.waiting.append((agent, id_))
            self.sum += value

    def take(self, agent, frame):
        now = time.monotonic()
        if frame.HasField("fault"):
            raise stranger.Refused(frame.fault)
        if frame.HasField("busy"):  # which the time counts
            agent.socket.send(self.frames[frame.busy.id])
        if frame.HasField("receipt"):
            receipt = agent.read_receipt(frame.receipt)
            if receipt.counted != 1:
                raise scene.Wrong(f"a report was not counted: {receipt}")
            self.took.append(now - self.sent.pop(receipt.submission))

    def run(self):
        start = time.monotonic()
        for n, (agent, id_) in enumerate(self.waiting):
            due = start + n * PACE
            self.agents.hear(self.take, 0)
            while (left := due - time.monotonic()) > 0:
                self.agents.hear(self.take, max(1, int(left * 1000)))
            self.sent[id_] = due  # a client that is late makes nothing better
            agent.socket.send(self.frames[id_])
        self.agents.listen(self.take, lambda: not self.sent, "every report has its receipt", parktally.PATIENCE)
        return self.took


@contextlib.contextmanager
def flood(aggregator, server_key):
    """Another process that begins handshakes from everywhere and leaves them."""
    with contextlib.closing(RawPeer(aggregator.listen, server_key, stranger.Keys().curve_secret)) as peer:
        words = GREETING + peer.hello()
    command = [sys.executable, "-B", FAULTS / "flood.py", aggregator.listen, str(FLOOD), words.hex()]
    with scene.ending([subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)]) as processes:
        if processes[0].stdout.readline() != b"whole\n":
            raise scene.Wrong("the flood came to nothing")
        yield
        processes[0].stdin.close()
        processes[0].wait()


def measure(bench, aggregator, agents, month, count):
    paced = Paced(agents, month, count)
    took = quantiles(paced.run())
    found = int(aggregator.total(PARKS[0], month, INDICATORS[0])["value"])
    if found != paced.sum:
        raise scene.Wrong(f"the reports come to {paced.sum}, the total is {found}")
    return took


def prepare(bench):
    """A city with a register in which the crowd is enrolled: (city, crowd)."""
    folder = bench.own_folder("crowd")
    workload.write_register(folder / "register.csv", UNITS)
    return scene.City(folder / "city", folder / "register.csv", areas=[])


def run(bench):
    """Acknowledgement of a thousand agents' reports while others knock."""
    count = int((QUICK_SECONDS if bench.quick else SECONDS) / PACE)
    city, number = prepare(bench), QUICK_AGENTS if bench.quick else AGENTS
    found = []
    with city.serving() as aggregator:
        agents = crowd.Crowd(aggregator, PARKS[0], number)
        agents.connect()
        with contextlib.closing(agents):
            for month in workload.MONTHS[:2 * bench.rounds:2]:
                peace = measure(bench, aggregator, agents, month, count)
                with flood(aggregator, agents.agents[0].invitation.curve_key):
                    flooded = measure(bench, aggregator, agents, f"2017{month[4:]}", count)
                bench.say("p50 and p99: in peace {:.2f} and {:.2f} ms, in the flood {:.2f} and {:.2f} ms".format(
                    *(value * 1000 for value in (*peace, *flooded))))
                found.append((*peace, *flooded))
    peace50, peace99, flood50, flood99 = map(list, zip(*found))
    return [Line(f"receipt for a single report of one of {number} connected agents, in a flood of handshakes, p99", flood99,
                 table.seconds, "without the flood", peace99, Bar(BAR)),
            Line("the same, p50", flood50, table.seconds, "without the flood", peace50)]
