#!/usr/bin/env python3
"""Checks every total of the demo against two plain sums that share no code with Parktally.

    check.py --world DIR --program park-aggregator --data DIR

The first sum is over what the generator knows to be true. The second is over the files as they were sent, read by the
small reader in files.py. Both must agree, report by report; then each total that the program prints, for every area,
slice, indicator and period, for the month and from January on, must equal the sum to the last digit, and so must the
numbers of units that reported and that owe a report. Exit code 1 if anything differs.
"""

import argparse
import csv
import pathlib
import subprocess
import sys

import files
import sums
import zone

PERIODS = (["2017", "2018-01/P2M"] + [f"2018-{month:02}" for month in range(2, 13)] +
           [f"2018-Q{quarter}" for quarter in range(1, 5)] + ["2018"])
SHOWN = 20  # differences that are listed


def read_register(path):
    units = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            units.setdefault(row["unit"], []).append(row)
    for versions in units.values():
        versions.sort(key=lambda version: version["from"])
    return units


def read_truth(folder):
    """(form, period, unit, park) → (kind, {column: value})."""
    reports = {}
    for form, columns in zone.FORMS.items():
        with open(folder / f"{form}.csv", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                cells = {column: int(row[column]) for column in columns if row[column]}
                reports[form, row["period"], row["unit"], row["park"]] = (row["kind"], cells)
    return reports


def compare_reports(truth, sent):
    """The generator's truth against the files."""
    differences = 0
    for key in sorted(truth.keys() | sent.keys()):
        if truth.get(key) != sent.get(key):
            differences += 1
            if differences <= SHOWN:
                print("report", *key, "truth:", truth.get(key), "files:", sent.get(key), file=sys.stderr)
    return differences


def printed_totals(program, data, period, cumulative):
    """What the program says, as rows."""
    command = [program, "totals", "--data", data, "--period", period, "--format", "csv", "--slice",
               ",".join(zone.SLICES), "--indicator", ",".join(sums.INDICATORS)]
    done = subprocess.run(command + (["--cumulative"] if cumulative else []), check=True, stdout=subprocess.PIPE)
    return csv.DictReader(done.stdout.decode("utf-8-sig").splitlines())


def compare_totals(options, expected):
    """Number of totals compared and of those that are not empty, and differences."""
    compared = filled = differences = 0
    for period in PERIODS:
        for cumulative in (False, True):
            seen = set()
            for row in printed_totals(options.program, options.data, period, cumulative):
                key = (row["area"], row["indicator"], row["slice"])
                seen.add(key)
                wanted = expected.total(*key, period, cumulative)
                found = (row["value"], row["reported"], row["expected"])
                compared += 1
                filled += row["value"] != ""
                # Where there is no total, how many reports it would need is a matter of taste.
                if found[:1] != wanted[:1] or (found[0] and found != wanted):
                    differences += 1
                    if differences <= SHOWN:
                        print(period, "cumulative" if cumulative else "", *key, "program:", *found, "sum:", *wanted,
                              file=sys.stderr)
            missing = expected.keys(period, cumulative) - seen
            differences += len(missing)
            for key in sorted(missing)[:SHOWN]:
                print(period, *key, "the program prints no such total", file=sys.stderr)
    return compared, filled, differences


def main():
    parser = argparse.ArgumentParser(description="compare the program's totals with independent sums")
    parser.add_argument("--world", type=pathlib.Path, required=True, help="folder that generate.py made")
    parser.add_argument("--program", required=True, help="park-aggregator")
    parser.add_argument("--data", required=True, help="the aggregator's data folder")
    options = parser.parse_args()
    units = read_register(options.world / "register.csv")
    truth = read_truth(options.world / "truth")
    sent, rows = files.read_all(options.world, units)
    differences = compare_reports(truth, sent)
    print(zone.words(f"{rows} rows of files come to {len(sent)} reports; {differences} differ from the generated truth",
                     f"文件共 {rows} 行，合成 {len(sent)} 份报表；与生成的真值不同的有 {differences} 份"))
    compared, filled, wrong = compare_totals(options, sums.Sums(units, sent))
    print(zone.words(f"{compared} totals compared, {filled} of them with a value, {wrong} differ",
                     f"比对合计 {compared} 个，其中有数值的 {filled} 个，不一致的 {wrong} 个"))
    if differences or wrong or not filled:
        return 1
    print(zone.words("All totals equal the independent sums to the last digit.", "所有合计与独立求和逐位相等。"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
