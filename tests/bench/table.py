"""What was measured: medians with their spread, ratios to a baseline of the same run, bars, and the table of it all."""

import dataclasses
import os
import pathlib
import re
import statistics
import subprocess

# --- how a value is shown ---


def seconds(value):
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.2f} s"


def per_second(value):
    return f"{value / 1e6:.2f} M figures/s"


def mebibytes(value):
    return f"{value:.1f} MiB"


def a_second(value):
    return f"{value:.2f} a second"


@dataclasses.dataclass
class Bar:
    """A limit of the value, or of its ratio to the baseline; `least` turns it round."""

    limit: float
    ratio: bool = False
    least: bool = False

    def holds(self, value):
        return value >= self.limit if self.least else value <= self.limit


@dataclasses.dataclass
class Line:
    """One line of the table; values of each round, in one unit. A line without a bar is information."""

    what: str
    values: list
    show: callable
    baseline: str = ""
    baseline_values: list = ()
    bar: Bar = None

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def ratio(self):
        return self.median / statistics.median(self.baseline_values) if self.baseline_values else None

    @property
    def met(self):
        """True, False, or None where there is no bar."""
        return self.bar and self.bar.holds(self.ratio if self.bar.ratio else self.median)

    def spread(self, values):
        """The median (least … most); the unit once, where it is the same."""
        if not values:
            return ""
        middle, least, most = map(self.show, (statistics.median(values), min(values), max(values)))
        unit = middle.partition(" ")[2]
        if least.endswith(f" {unit}") and most.endswith(f" {unit}"):
            least, most = least.partition(" ")[0], most.partition(" ")[0]
        return f"{middle} ({least} … {most})"

    def cells(self):
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        bar, met = "", ""
        if self.bar:
            limit = f"{self.bar.limit:g} ×" if self.bar.ratio else self.show(self.bar.limit)
            bar = f"{'≥' if self.bar.least else '≤'} {limit}"
            met = "met" if self.met else "**not met**"
        baseline = f"{self.baseline}: {self.spread(self.baseline_values)}" if self.baseline else ""
        return [self.what, self.spread(self.values), baseline, ratio, bar, met]


HEADINGS = ["what", "measured", "baseline of the same run", "ratio", "bar", ""]


def markdown(lines):
    rows = [HEADINGS, ["---"] * len(HEADINGS), *(line.cells() for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


# --- the machine ---


def _first(pattern, path):
    found = re.search(pattern, pathlib.Path(path).read_text(), re.MULTILINE)
    return found.group(1).strip() if found else "?"


def machine(folder):
    """Its size in a sentence; `folder` is on the disk that is used."""
    memory = int(_first(r"^MemTotal:\s+(\d+)", "/proc/meminfo")) / 1024**2
    disk = subprocess.run(["df", "--output=source,fstype", folder], capture_output=True, text=True, check=True)
    source, kind = disk.stdout.splitlines()[1].split()
    processor = _first(r"^model name.*: (.*)", "/proc/cpuinfo")
    return (f"{len(os.sched_getaffinity(0))} cores ({processor}), {memory:.0f} GiB of memory, "
            f"{kind} on {source}, Linux {os.uname().release}")
