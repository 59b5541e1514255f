"""Disclosure control of parks × clusters × slices with all margins, audit included."""

import json
import os
import pathlib
import subprocess

import scene
import table
from table import Bar, Line

WHOLE, UNITS = (40, 20, 8), 60_000
PART, PART_UNITS = (12, 8, 4), 4_000
BAR = 2.0


def protect(sizes, units, seed, *how):
    program = pathlib.Path(os.environ["PARKTALLY_BUILD"]) / "tests" / "bench" / "bench_disclose"
    done = subprocess.run([program, *map(str, sizes), str(units), str(seed), *how], capture_output=True, text=True)
    if done.returncode != 0:
        raise scene.Wrong(f"{program.name} {sizes}: exit code {done.returncode} {done.stderr}")
    found = json.loads(done.stdout)
    if found["unprotected"]:
        raise scene.Wrong(f"{found['unprotected']} cells of {sizes} are not protected")
    return found


def run(bench):
    """Disclosure control: a table's pattern and its audit; beside it the audit by two programmes a cell."""
    whole, part, each = [], [], []
    for n in range(bench.rounds + 1):
        found = protect(WHOLE, UNITS, 1)
        small = protect(PART, PART_UNITS, 3)
        audit = protect(PART, PART_UNITS, 3, "each")
        bench.say(f"{found['cells']} cells, {found['primary']} primary, {found['secondary']} secondary: "
                  f"{found['seconds']:.3f} s{bench.warming(n)}")
        if n:
            whole.append(found["seconds"])
            part.append(small["seconds"])
            each.append(audit["seconds"])
    name = "disclosure control of {} × {} × {} cells and all margins, with audit"
    return [Line(name.format(*WHOLE), whole, table.seconds, bar=Bar(BAR)),
            Line(name.format(*PART), part, table.seconds, "two linear programmes for each cell, the audit alone", each)]
