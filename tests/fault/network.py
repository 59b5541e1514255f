"""Two hosts that a cable joins: network namespaces that nobody else sees, and that are gone with the process that made them.

A host is entered with `with host:`, by this thread and whatever it starts meanwhile."""

import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
SIOCETHTOOL = 0x8946
OFFLOADS = 0x17, 0x19, 0x1F, 0x24  # of checksums, gathering and segmentation of TCP, and of any
EVERY_PROTOCOL = 3


class Impossible(Exception):
    """Why there are no such hosts here."""


def _call(name, *words):
    if getattr(LIBC, name)(*words) != 0:
        number = ctypes.get_errno()
        raise Impossible(f"no network namespaces here: {name}: {os.strerror(number)}" + (" (it takes root)" if os.geteuid() else ""))


def _own_namespace():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _ip(*words):
    done = subprocess.run(["ip", *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Impossible(f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")


ENTERED = threading.local()


def _left_behind():
    """The namespaces that this thread came from."""
    if not hasattr(ENTERED, "stack"):
        ENTERED.stack = []
    return ENTERED.stack


class Host:
    def __init__(self, address):
        if not shutil.which("ip"):
            raise Impossible("iproute2 is not installed")
        self.address = address
        home = _own_namespace()
        try:
            _call("unshare", CLONE_NEWNET)
            try:
                self.namespace = _own_namespace()
                _ip("link", "set", "dev", "lo", "up")
            finally:
                _call("setns", home, CLONE_NEWNET)
        finally:
            os.close(home)

    def __enter__(self):
        _left_behind().append(_own_namespace())
        _call("setns", self.namespace, CLONE_NEWNET)
        return self

    def __exit__(self, *_):
        home = _left_behind().pop()
        _call("setns", home, CLONE_NEWNET)
        os.close(home)

    def take_address(self, device):
        with self:
            _ip("address", "add", f"{self.address}/24", "dev", device)
            _ip("link", "set", "dev", device, "up")

    def link(self, state, device="eth"):
        """Takes this host's end of the cable up or down."""
        with self:
            _ip("link", "set", "dev", device, state)

    def netem(self, *words):
        """What this host sends meets that; Impossible where the kernel has no netem."""
        with self:
            done = subprocess.run(["tc", "qdisc", "add", "dev", "eth", "root", "netem", *words], capture_output=True, text=True)
        if done.returncode != 0:
            raise Impossible(f"no netem: {done.stderr.strip()}")

    def connections(self, port):
        """(bytes not yet taken by the other side, bytes not yet read here) of each that stands and has this port at either end."""
        found = []
        with self:
            lines = [line for name in ("tcp", "tcp6") for line in Path(f"/proc/thread-self/net/{name}").read_text().splitlines()[1:]]
        for words in map(str.split, lines):
            if words[3] == "01" and f"{port:04X}" in (words[1][-4:], words[2][-4:]):
                found.append(tuple(int(queue, 16) for queue in words[4].split(":")))
        return found

    def close(self):
        """What still runs there keeps it."""
        os.close(self.namespace)


def veth(one, one_device, other, other_device):
    """A cable between two hosts, its ends down."""
    with one:
        _ip("link", "add", one_device, "type", "veth", "peer", "name", other_device,
            "netns", f"/proc/{os.getpid()}/fd/{other.namespace}")


@contextlib.contextmanager
def hosts(*addresses):
    """Hosts of those addresses, closed at the end; nothing joins them yet."""
    made = []
    try:
        for address in addresses:
            made.append(Host(address))
        yield made
    finally:
        for host in made:
            host.close()


def join(one, other):
    """A cable between the two, up."""
    veth(one, "eth", other, "eth")
    one.take_address("eth")
    other.take_address("eth")


class BadCable(threading.Thread):
    """A cable with somebody in its midst, who loses, delays and reorders packets by a seed, as netem does, which not
    every kernel has."""

    def __init__(self, one, other, middle, seed, loss=0.1, late=0.25, delay=0.02):
        super().__init__(daemon=True)
        self.random, self.loss, self.late, self.delay = random.Random(seed), loss, late, delay
        self.passed = self.lost = self.overtaken = 0
        self.queue, self.number, self.ending = [], 0, False
        self.ends = []
        for host, device in ((one, "a"), (other, "b")):
            veth(host, "eth", middle, device)
            with host:
                self.without_offloads("eth")
            host.take_address("eth")
            with middle:
                _ip("link", "set", "dev", device, "up")
                end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
            end.bind((device, EVERY_PROTOCOL))
            self.ends.append(end)
        self.start()

    @staticmethod
    def without_offloads(device):
        """Packets leave as they would on a wire: no longer than the MTU, and with their checksums."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            for command in OFFLOADS:
                value = ctypes.create_string_buffer(struct.pack("II", command, 0))
                request = struct.pack("16sP", device.encode(), ctypes.addressof(value)).ljust(40, b"\0")
                with contextlib.suppress(OSError):  # it has none to turn off
                    fcntl.ioctl(asking, SIOCETHTOOL, request)

    def run(self):
        last = [0.0, 0.0]
        while not self.ending:
            wait = max(0.0, self.queue[0][0] - time.monotonic()) if self.queue else 0.1
            readable, _, _ = select.select(self.ends, [], [], min(wait, 0.1))
            for end in readable:
                packet, origin = end.recvfrom(65536)
                if origin[2] == socket.PACKET_OUTGOING:
                    continue
                if self.random.random() < self.loss:
                    self.lost += 1
                    continue
                due = time.monotonic() + (0 if self.random.random() < self.late else self.delay)
                to = 1 - self.ends.index(end)
                self.overtaken += due < last[to]
                last[to] = max(last[to], due)
                heapq.heappush(self.queue, (due, self.number, to, packet))
                self.number += 1
            while self.queue and self.queue[0][0] <= time.monotonic():
                _, _, to, packet = heapq.heappop(self.queue)
                with contextlib.suppress(OSError):  # the other end is down
                    self.ends[to].send(packet)
                    self.passed += 1

    def close(self):
        self.ending = True
        self.join()
        for end in self.ends:
            end.close()
