#!/usr/bin/env python3
"""Checks every total of the demo against two plain sums that share no code with Parktally.

    check.py --world DIR --program park-aggregator --data DIR

The first sum is over what the generator knows to be true. The second is over the files as they were sent, read by the
small reader in files.py. Both must agree, report by report; then each total that the program prints, for every area,
slice, indicator and period, for the month and from January on, must equal the sum to the last digit, and so must the
numbers of units that reported and that owe a report; and the growth plan's verdicts must be those that its criteria give
by exact fractions. Exit code 1 if anything differs.
"""

import argparse
import csv
import fractions
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


def expected_verdict(units, sent, unit, member):
    """By the criteria of liuzhou.yaml; None where the unit is nothing to the plan."""
    def figures(code, year):
        return next((cells for (form, period, of, _), (kind, cells) in sent.items()
                     if (form, period, of) == ("growth-yearly", year, code) and kind == "figures" and cells), None)

    now = figures(unit, "2018")
    if not now:
        return "not_assessed" if member else None
    continued = [row["succeeds"] for row in units[unit] if row["succeeds"] and "2017-01-01" < row["from"] <= "2018-12-31"]
    known = [figures(code, "2017") for code in [unit, *continued]]
    there = [code for code in [unit, *continued] if zone.governing(units[code], "2017")]
    before = [cells for cells in known if cells]
    base = before and len(before) == len(there)
    revenue, met = now["growth_revenue"], []
    if base:
        last = sum(cells["growth_revenue"] for cells in before)
        met.append(fractions.Fraction(revenue, last) >= fractions.Fraction(110, 100))
    met.append(fractions.Fraction(now["growth_rd"], revenue) >= fractions.Fraction(25, 1000))
    met.append(fractions.Fraction(now["growth_new_products"], revenue) >= fractions.Fraction(10, 100))
    if base and member:
        met.append(revenue >= sum(cells["growth_revenue_next"] for cells in before))
    if not all(met):
        return "drop" if member else None
    return ("stay" if member else "candidate") if base else "not_assessed" if member else None


def compare_verdicts(options, units, sent):
    """The growth plan's verdicts: how many, and differences."""
    command = [options.program, "growth-plan", "--data", options.data, "--period", "2018", "--format", "csv"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    said = {row["unit"]: row["verdict"] for row in csv.DictReader(done.stdout.decode("utf-8-sig").splitlines())}
    wanted, day = {}, zone.last_day("2018")
    for unit, versions in units.items():
        version = zone.version_between(versions, day, day)
        flags = version["flags"].split(";") if version else []
        joins = "sei" in flags and version["class"] == "enterprise" and version["status"] in ("正常", "停产")
        if "growth_plan" in flags or joins:
            verdict = expected_verdict(units, sent, unit, "growth_plan" in flags)
            wanted.update({unit: verdict} if verdict else {})
    wrong = [unit for unit in said.keys() | wanted.keys() if said.get(unit) != wanted.get(unit)]
    for unit in sorted(wrong)[:SHOWN]:
        print("growth plan", unit, "program:", said.get(unit), "expected:", wanted.get(unit), file=sys.stderr)
    return len(wanted), len(wrong)


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
    verdicts, otherwise = compare_verdicts(options, units, sent)
    print(zone.words(f"{verdicts} verdicts of the growth plan compared, {otherwise} differ",
                     f"比对培育计划结论 {verdicts} 个，不一致的 {otherwise} 个"))
    if differences or wrong or otherwise or not filled or not verdicts:
        return 1
    print(zone.words("All totals equal the independent sums to the last digit.", "所有合计与独立求和逐位相等。"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
