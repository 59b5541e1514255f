"""Time per figure at a hundred times as many units."""

import row_end_to_end
import row_ingest
from table import Bar, Line

SIZES = (10_000, 100_000, 1_000_000)
QUICK_SIZES = (10_000, 100_000)
BAR = 1.3


def nanoseconds(value):
    return f"{value:.0f} ns per figure"


def run(bench):
    """Growth: time per figure by the number of units."""
    sizes = QUICK_SIZES if bench.quick else SIZES
    lines = []
    for name, one_round, city_of in (("end to end", row_end_to_end.push_round, bench.city),
                                     ("ingest", row_ingest.ingest_round, bench.city_with_backlog)):
        measured = {units: [] for units in sizes}
        for n in range(bench.rounds + 1):
            for units in sizes:
                work = bench.work(units)
                took, *_, spent = one_round(city_of(units), work)
                bench.say(f"{name}, {units} units: {took:.3f} s, {took / work.figures * 1e9:.0f} ns per figure "
                          f"(server's processor {spent:.2f} s){bench.warming(n)}")
                if n:
                    measured[units].append(took / work.figures * 1e9)
        for units in sizes[1:]:
            bar = Bar(BAR, ratio=True) if units == sizes[-1] else None
            lines.append(Line(f"{name}, {units} units", measured[units], nanoseconds,
                              f"{sizes[0]} units", measured[sizes[0]], bar))
    return lines
