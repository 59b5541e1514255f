"""What the kernel knows of a running process."""

import contextlib
import os
import pathlib
import re
import resource
import subprocess

TICK = os.sysconf("SC_CLK_TCK")


def _number(name, text):
    return int(re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE).group(1))


def _status(pid):
    return pathlib.Path(f"/proc/{pid}/status").read_text()


def peak(pid):
    """MiB resident at most so far."""
    return _number("VmHWM", _status(pid)) / 1024


def resident(pid):
    """MiB resident now."""
    return _number("VmRSS", _status(pid)) / 1024


def own(pid):
    """MiB of its own: without files, and so without libraries."""
    return _number("RssAnon", _status(pid)) / 1024


def _ticks(pid, fields):
    """utime, stime, cutime, cstime are the fields 11 to 14 after the name."""
    return sum(map(int, pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:11 + fields]))


def cpu(pid):
    """Seconds of the processor, user and system, of it and of its children, those included that have ended."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ticks = _ticks(pid, 4)
    for child in children:
        with contextlib.suppress(OSError):
            ticks += _ticks(child, 2)
    return ticks / TICK


class Spent:
    """Seconds of the processor since it was made: of this process's children that have ended, and of a server."""

    def __init__(self, server):
        self.server, self.begun = server, self._now(server)

    @staticmethod
    def _now(server):
        ours = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ours.ru_utime + ours.ru_stime, cpu(server)

    def __call__(self):
        """(children's, server's)"""
        return tuple(now - then for now, then in zip(self._now(self.server), self.begun))


def wakings(pid):
    """How often each of its threads went to sleep, and so was woken."""
    return [_number("voluntary_ctxt_switches", path.read_text())
            for path in sorted(pathlib.Path(f"/proc/{pid}/task").glob("*/status"))]


def peak_until_end(child, pause=0.005):
    """MiB resident at most of a child (subprocess.Popen) that ends by itself."""
    most = 0.0
    while child.poll() is None:
        with contextlib.suppress(AttributeError):  # it ended just now, and has no memory any more
            most = max(most, peak(child.pid))
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(pause)
    return most
