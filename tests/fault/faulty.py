"""What the tests of failing disks share: the library that makes a disk fail (shim.c), and which of its points to try.

PARKTALLY_SEED repeats a run, PARKTALLY_FULL=1 tries every point, PARKTALLY_POINT=stage/fault tries only that one."""

import itertools
import os
import random
import re
import secrets
import sys
from collections import namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import parktally  # noqa: E402

SEED = int(os.environ.get("PARKTALLY_SEED") or secrets.randbits(32))
POINT = os.environ.get("PARKTALLY_POINT")
SHIM = parktally.BUILD / "tests" / "fault_shim.so"
KILLS = ("before", "after", "lose", "tear")
FAILURES = ("fail:{}:EIO", "fail:{}:ENOSPC", "fail-from:{}:EIO", "fail-from:{}:ENOSPC")

Step = namedtuple("Step", "number kind path")


def environment(folder, fault, trace=None):
    """An environment in which the disk below `folder` fails as `fault` says (see shim.c)."""
    parktally.need(SHIM)
    options = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
    changes = {"LD_PRELOAD": str(SHIM), "PARKTALLY_FAULT": fault, "PARKTALLY_FAULT_FOLDER": os.path.realpath(folder),
               "ASAN_OPTIONS": options}
    if trace:
        changes["PARKTALLY_FAULT_TRACE"] = str(trace)
    return parktally.environment(**changes)


def steps(trace):
    """The steps that a trace holds."""
    lines = Path(trace).read_text().splitlines() if Path(trace).exists() else []
    return [Step(int(number), kind, path) for number, kind, path in (line.split(" ", 2) for line in lines)]


def points(stages, kinds, sample):
    """Pairs of a stage and a fault, for stages as {name: how many steps}: all of them in a full run, else `sample`.
    `kinds` are names of modes, or formats that take the number of the step."""
    everything = []
    random_ = random.Random(SEED)
    for stage, count in stages.items():
        for kind in kinds:
            for number in range(1, count + 1):
                fault = kind.format(number) if "{}" in kind else f"{kind}:{number}"
                everything.append((stage, fault + (f":{random_.randrange(10**6)}" if kind == "tear" else "")))
    if POINT:
        return [tuple(POINT.split("/", 1))]
    everything = random_.sample(everything, min(parktally.sampled(sample, len(everything)), len(everything)))
    print(f"PARKTALLY_SEED={SEED}: {len(everything)} points of {dict(stages)}", file=sys.stderr)
    return everything


class PointsCase(parktally.Case):
    """A test of every point: count() gives how many steps each stage has, one_point(stage, fault, check) tries one."""

    def try_points(self, kinds, sample, check):
        for stage, fault in points(self.count(), kinds, sample):
            with self.subTest(point=f"{stage}/{fault}", seed=SEED):
                self.one_point(stage, fault, check)


def check_failure(case, fault, steps_, code, said):
    """What a process may do about the failure it met: end with 74 where the disk failed or 75 where it is full, and say
    so; or go on to its end, where nothing is lost by it."""
    mode, number, name = fault.split(":")
    number = int(number)
    kind, path = next(((step.kind, step.path) for step in steps_ if step.number == number), ("none", ""))
    what = f"{fault} {kind} {path} → {code}: {said}"
    case.assertIn(code, (0, 74, 75), what)
    if code:
        case.assertRegex(said, r"disk|cannot be|[Ff]ailed to|full|room|does not exist", what)
    if name == "EIO":
        case.assertNotEqual(code, 75, what)
    elif kind in ("write", "truncate", "allocate"):
        case.assertNotEqual(code, 74, what)
    failed = (mode, name) != ("fail-from", "ENOSPC")  # a full disk can still sync what it holds
    if kind == "sync" and failed and re.search(r"\.db(-wal|-journal)?$", path) and code == 0:  # only at a close, when all is durable
        later = [step for step in steps_ if step.number > number]
        later = itertools.takewhile(lambda step: (step.kind, step.path) != ("sync", path), later)  # or it is done again
        case.assertFalse([step for step in later if step.kind == "write" and re.search(r"-(wal|journal)$", step.path)], what)
