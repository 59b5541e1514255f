"""The benchmarks: what Parktally does in which time and memory, beside what others take in the same run.

Real programs, real sockets, real SQLite, everything durable. Run it by deploy/bench.sh, or with PARKTALLY_BUILD set."""

import argparse
import contextlib
import pathlib
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import row_asof  # noqa: E402
import row_checks  # noqa: E402
import row_comparable  # noqa: E402
import row_crowd  # noqa: E402
import row_disclosure  # noqa: E402
import row_end_to_end  # noqa: E402
import row_ending  # noqa: E402
import row_growth  # noqa: E402
import row_ingest  # noqa: E402
import row_memory  # noqa: E402
import row_single  # noqa: E402
import row_total  # noqa: E402
import scene  # noqa: E402
import table  # noqa: E402

ROWS = {"end-to-end": row_end_to_end.run, "ingest": row_ingest.run, "single": row_single.run, "crowd": row_crowd.run, "total": row_total.run,
        "memory": row_memory.run, "growth": row_growth.run, "ending": row_ending.run, "checks": row_checks.run,
        "comparable": row_comparable.run, "disclosure": row_disclosure.run, "as-of": row_asof.run}
ROUNDS, QUICK_ROUNDS = 5, 2


def options():
    parser = argparse.ArgumentParser(prog="deploy/bench.sh", description="Parktally's benchmarks; each row is",
                                     epilog="\n".join(f"  {name:12} {row.__doc__}" for name, row in ROWS.items()),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="these alone")
    parser.add_argument("--rounds", type=int, help=f"medians of so many (default {ROUNDS})")
    parser.add_argument("--quick", action="store_true", help=f"smaller sizes and {QUICK_ROUNDS} rounds: a first look")
    parser.add_argument("--check-bars", action="store_true", help="exit code 1 where a bar is not met")
    parser.add_argument("--folder", default="/var/tmp", help="on the disk that is to be measured (default /var/tmp)")
    chosen = parser.parse_args()
    if unknown := [row for row in chosen.rows if row not in ROWS]:
        parser.error(f"there is no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    chosen.rounds = chosen.rounds or (QUICK_ROUNDS if chosen.quick else ROUNDS)
    return chosen


def make_folder(where):
    """A temporary one that PostgreSQL's own user can enter."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="parktally-bench-", dir=where))
    folder.chmod(0o711)
    return folder


def run(chosen, folder):
    lines = []
    with scene.Bench(folder, chosen.rounds, chosen.quick) as bench:
        for name in chosen.rows or ROWS:
            begun = time.monotonic()
            bench.say_row(name)
            new = ROWS[name](bench)
            print(table.markdown(new), f"\n({time.monotonic() - begun:.0f} s)\n", flush=True)
            lines += new
    return lines


def main():
    chosen = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a script started it in the background
    folder = make_folder(chosen.folder)
    try:
        size = table.machine(folder)
        print(f"{size}; medians of {chosen.rounds} (least … most)\n", flush=True)
        lines = run(chosen, folder)
    except scene.Wrong as wrong:
        print(f"wrong: {wrong}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"Measured on {size}; medians of {chosen.rounds} (least … most).\n\n{table.markdown(lines)}")
    return 1 if chosen.check_bars and any(line.met is False for line in lines) else 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
