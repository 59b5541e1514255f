"""A single report a hundred times a second: from sending to the receipt, against a committed INSERT of PostgreSQL."""

import os
import random
import statistics
import subprocess
import sys
import time

import scene
import stranger
import table
import workload
import zmq
from parktally import uscc
from stranger import Report
from table import Bar, Line
from workload import INDICATORS

UNITS = 100_000  # in the register
PACE = 0.01  # seconds
SECONDS = 10
BAR = 0.01

# What the client itself costs: the same sockets and messages, and a peer that answers at once.
ECHO = """
import sys, zmq
context = zmq.Context()
socket = context.socket(zmq.ROUTER)
socket.curve_server = True
public, socket.curve_secretkey = zmq.curve_keypair()
port = socket.bind_to_random_port("tcp://127.0.0.1")
print(public.decode(), port, flush=True)
answer = bytes(int(sys.argv[1]))
while True:
    peer, _ = socket.recv_multipart()
    socket.send_multipart([peer, answer])
"""


def paced(count, exchange):
    """Seconds of each exchange(n), one every PACE."""
    took, start = [], time.monotonic()
    for n in range(count):
        time.sleep(max(0.0, start + n * PACE - time.monotonic()))
        begun = time.monotonic()
        exchange(n)
        took.append(time.monotonic() - begun)
    return took


def quantiles(took):
    """(p50, p99)"""
    return statistics.median(took), sorted(took)[int(len(took) * 0.99)]


def ours(bench, count):
    city = bench.city(UNITS)
    city.renew()
    chance = random.Random(count)
    with city.serving() as aggregator:
        agent = stranger.enrol(aggregator, workload.PARKS[0])
        values = [dict(zip(INDICATORS, chance.choices(range(10**9), k=workload.FIGURES))) for _ in range(count)]
        sealed = [agent.sealed(workload.FORM, workload.PERIOD, [Report(uscc(6 * n), values[n])]) for n in range(count)]
        frames = [stranger.pb.Frame(protocol=1, submit=stranger.pb.Submit(id=stranger.digest(one[104:]), sealed=one))
                  .SerializeToString() for one in sealed]
        answers = []

        def exchange(n):
            agent.socket.send(frames[n])
            answers.append(agent.socket.recv())

        took = paced(count, exchange)
        read = [stranger.pb.Frame.FromString(answer) for answer in answers]
        counted = sum(agent.read_receipt(frame.receipt).counted for frame in read if frame.HasField("receipt"))
        agent.close()
        if counted != count:
            raise scene.Wrong(f"{counted} of {count} reports were counted")
        expected = sum(one[INDICATORS[0]] for one in values)
        found = int(aggregator.total(workload.PARKS[0], workload.PERIOD, INDICATORS[0])["value"])
        if found != expected:
            raise scene.Wrong(f"the reports come to {expected}, the total is {found}")
    return took, frames, len(answers[0])


def echoed(frames, answer_bytes):
    """The same messages to a peer that answers at once."""
    with scene.ending([subprocess.Popen([sys.executable, "-c", ECHO, str(answer_bytes)], stdout=subprocess.PIPE)]) as peers:
        key, port = peers[0].stdout.readline().split()
        socket = stranger.dealer(f"tcp://127.0.0.1:{port.decode()}", stranger.Keys(), zmq.utils.z85.decode(key))

        def exchange(n):
            socket.send(frames[n])
            socket.recv()

        try:
            return paced(len(frames), exchange)
        finally:
            socket.close()


def inserted(postgres, count):
    """A row for a report, a commit for a row, by a session that stays open."""
    postgres.make_table(INDICATORS)
    chance = random.Random(count)
    rows = ["INSERT INTO report VALUES ('%s', '%s', %s); \\echo done\n" % (
        uscc(6 * n), workload.PERIOD, ", ".join(map(str, chance.choices(range(10**9), k=workload.FIGURES))))
        for n in range(count)]
    with scene.ending([subprocess.Popen(postgres.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)]) as sessions:
        given, said = sessions[0].stdin.fileno(), sessions[0].stdout.fileno()

        def exchange(n):
            os.write(given, rows[n].encode())
            while not os.read(said, 4096).endswith(b"done\n"):
                pass

        took = paced(count, exchange)
        sessions[0].stdin.close()
        sessions[0].wait()
    if postgres.run("SELECT count(*) FROM report;") != [[str(count)]]:
        raise scene.Wrong("PostgreSQL lost rows")
    return took


def run(bench):
    """Acknowledgement of single reports."""
    count = int(SECONDS / PACE / (5 if bench.quick else 1))
    found = []
    for _ in range(bench.rounds):
        took, frames, answer_bytes = ours(bench, count)
        one = [*quantiles(took), *quantiles(echoed(frames, answer_bytes)), *quantiles(inserted(bench.postgres(), count))]
        bench.say("p50 and p99: ours {:.2f} and {:.2f} ms, the client alone {:.2f} and {:.2f} ms, PostgreSQL's INSERT "
                  "{:.2f} and {:.2f} ms".format(*(value * 1000 for value in one)))
        found.append(one)
    p50, p99, echo50, echo99, insert50, insert99 = map(list, zip(*found))
    return [Line("receipt for a single report, 100/s, p99", p99, table.seconds,
                 "PostgreSQL, INSERT and commit, p99", insert99, Bar(BAR)),
            Line("the same, p50", p50, table.seconds, "p50", insert50),
            Line("of that the measuring client, p99", echo99, table.seconds),
            Line("of that the measuring client, p50", echo50, table.seconds)]
