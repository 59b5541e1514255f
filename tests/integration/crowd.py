"""Very many agents at once, in one process and one thread: each with keys, an address and a connection of its own."""

import concurrent.futures
import heapq
import random
import resource
import time

import parktally
import stranger as st
import zmq
from stranger import pb

JOINING = 8  # at once
AGENT_FILES = 4  # of each connection, at most


def address(n):
    """The nth of this machine's addresses."""
    return f"127.{64 + n // 62500}.{n // 250 % 250}.{1 + n % 250}"


def from_address(source, endpoint):
    return f"tcp://{source}:0;{endpoint.removeprefix('tcp://')}"


class Crowd:
    def __init__(self, city, area, count):
        """Agents of one area that have its rights. They are not connected."""
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], AGENT_FILES * count + 2000),
                                                    resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        with concurrent.futures.ThreadPoolExecutor(JOINING) as joining:
            self.agents = [self.enrol(city, area, 0)]  # speaks for the area
            self.agents += joining.map(lambda n: self.enrol(city, area, n), range(1, count))
        speaker = self.agents[0]
        speaker.connect()
        city.let_in(area, speaker, speaker.welcome.waiting)
        waiting = [item for item in speaker.agents().values() if item.state == pb.AGENT_WAITING]
        answers = speaker.deliver([speaker.sealed_admission(item.agent, item.key_id) for item in waiting])
        assert all(speaker.read_receipt(answer).counted == 1 for answer in answers.values()), answers
        speaker.close()
        for agent in self.agents:
            agent.catalogue_hash, agent.register_hash = speaker.catalogue_hash, speaker.register_hash

    @staticmethod
    def enrol(city, area, n):
        invitation = city.invite(area)
        known = st.read_invitation(invitation)
        source = address(n)
        return st.Stranger(invitation, endpoints=(from_address(source, known.endpoint), from_address(source, known.enrol_endpoint)))

    def connect(self, seconds=parktally.PATIENCE):
        """All at once; waits until each was welcomed."""
        self.poller, self.of = zmq.Poller(), {}
        for agent in self.agents:
            agent.open()
            self.of[agent.socket] = agent
            self.poller.register(agent.socket, zmq.POLLIN)
            agent.send(hello=pb.Hello(agent=agent.id, software="one of many", clock_ms=st.now_ms(),
                                      catalogue_hash=agent.catalogue_hash, register_hash=agent.register_hash))
        welcomed = set()

        def take(agent, frame):
            if frame.HasField("welcome"):
                agent.take_welcome(frame.welcome)
                welcomed.add(agent.id)

        self.listen(take, lambda: len(welcomed) == len(self.agents), "all are welcomed", seconds)
        assert not any(agent.welcome.waiting for agent in self.agents)

    def close(self):
        for agent in self.agents:
            agent.close()

    def listen(self, take, is_enough, what, seconds=parktally.PATIENCE):
        """Calls take(agent, frame) with whatever comes, until it is enough."""
        end = time.monotonic() + seconds
        while not is_enough():
            if time.monotonic() > end:
                raise AssertionError(f"after {seconds} s still not: {what}")
            self.hear(take, 100)

    def hear(self, take, milliseconds):
        """Likewise, of what is there or comes within that time."""
        for socket, _ in self.poller.poll(milliseconds):
            take(self.of[socket], st.receive(socket))

    def report(self, form, period, report_of):
        """Each sends report_of(agent's number), all at once, and again where the city is busy. Returns their receipts, in
        order."""
        numbers = {agent.id: n for n, agent in enumerate(self.agents)}
        sealed = [agent.sealed(form, period, [report_of(n)]) for n, agent in enumerate(self.agents)]
        receipts, resting = [None] * len(self.agents), []
        for agent, one in zip(self.agents, sealed):
            agent.submit(one)

        def take(agent, frame):
            if frame.HasField("fault"):
                raise st.Refused(frame.fault)
            if frame.HasField("busy"):
                heapq.heappush(resting, (time.monotonic() + frame.busy.retry_after_ms * random.uniform(1, 1.5) / 1000, numbers[agent.id]))
            if frame.HasField("receipt"):
                receipts[numbers[agent.id]] = agent.read_receipt(frame.receipt)

        def is_enough():
            while resting and resting[0][0] <= time.monotonic():
                _, n = heapq.heappop(resting)
                self.agents[n].submit(sealed[n])
            return all(receipts)

        self.listen(take, is_enough, "each has its receipt")
        return receipts
