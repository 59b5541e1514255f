"""The workload of the benchmarks: a register, a form of forty indicators, and a wide CSV file for each park.

All of it comes from a seed. The areas and slices are those of the shipped catalogue."""

import collections
import csv
import itertools
import random

from parktally import REGISTER_COLUMNS, ROOT, uscc

PARKS = "liudong hexi yanghe luowei liubei xinxing".split()
FORM = "bench-monthly"
PERIOD = "2018-05"
MONTHS = [f"2018-{month:02d}" for month in range(1, 13)]
FIGURES = 40
INDICATORS = [f"bench_{n:02d}" for n in range(1, FIGURES + 1)]
CLUSTERS = "automobile machinery steel electronics new_materials".split()
INDUSTRIES = "C31 C34 C35 C36 C39 G58".split()
POOL = 100_000  # different figures of up to nine digits
CHUNK = 10_000  # rows added up at once

Sums = collections.namedtuple("Sums", "parks zone")  # by indicator: of all units, and of those inside the boundary


def catalogue(figures=FIGURES):
    """The shipped catalogue with one form more."""
    text = (ROOT / "deploy" / "catalogue" / "liuzhou.yaml").read_text()
    indicators = "".join(f"  {name}: {{zh: 测试{name[-2:]}, en: Bench {name[-2:]}, measure: 千元, kind: flow}}\n"
                         for name in INDICATORS[:figures])
    form = f"""\
  {FORM}:
    zh: 基准测试
    en: Benchmark
    number: 测-1
    issuer: 测试
    approval: 示例
    valid_until: 2030-12-31
    legal_basis: statistical
    filled_by: park
    every: month
    classes: [enterprise]
    columns: [{", ".join(f"{{column: {name}}}" for name in INDICATORS[:figures])}]
"""
    text = text.replace("\nindicators:\n", f"\nindicators:\n{indicators}", 1)
    return text.replace("\nforms:\n", f"\nforms:\n{form}", 1)


def register_rows(units):
    """A row of text per unit; unit n is in park n mod 6."""
    chance = random.Random(1)
    yield ",".join(REGISTER_COLUMNS)
    for n in range(units):
        flags = "above_scale" if chance.random() < 0.9 else "above_scale;high_tech"
        clusters = ";".join(sorted(chance.sample(CLUSTERS, chance.choice((1, 1, 1, 2)))))
        yield (f"{uscc(n)},enterprise,,企业{n},{PARKS[n % 6]},,{int(chance.random() < 0.9)},{chance.choice(INDUSTRIES)},"
               f"{clusters},{flags},正常,,2010-01-01,")


def write_register(path, units):
    with open(path, "w", encoding="utf-8") as file:
        for row in register_rows(units):
            file.write(row + "\n")


def write_files(folder, units, period=PERIOD, figures=FIGURES):
    """A file for each park; returns their paths, in the order of PARKS."""
    chance = random.Random(f"{units} {period}")
    pool = [str(chance.randrange(10**9)) for _ in range(POOL)]
    paths = [folder / f"{park}.csv" for park in PARKS]
    files = [open(path, "w", encoding="utf-8") for path in paths]
    for file in files:
        file.write(",".join(["uscc", "period", *INDICATORS[:figures]]) + "\n")
    for n in range(units):
        files[n % 6].write(f"{uscc(n)},{period},{','.join(chance.choices(pool, k=figures))}\n")
    for file in files:
        file.close()
    return paths


def split_file(path, folder, parts):
    """Deals the rows of a file out to files of their own, each with the header; returns their paths."""
    with open(path, encoding="utf-8") as file:
        header, *rows = file
    paths = [folder / f"{path.stem}-{part}.csv" for part in range(parts)]
    for part, part_path in enumerate(paths):
        part_path.write_text(header + "".join(rows[part::parts]), encoding="utf-8")
    return paths


def sums(paths, register):
    """What the files come to, added up here, independently of everything that is measured."""
    with open(register, encoding="utf-8") as file:
        inside = {row["unit"] for row in csv.DictReader(file) if row["in_boundary"] == "1"}
    parks, zone = collections.Counter(), collections.Counter()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            indicators = next(file).rstrip("\n").split(",")[2:]
            while chunk := [line.rstrip("\n").split(",") for line in itertools.islice(file, CHUNK)]:
                for into, rows in ((parks, chunk), (zone, [row for row in chunk if row[0] in inside])):
                    for indicator, column in zip(indicators, list(zip(*rows))[2:]):
                        into[indicator] += sum(map(int, column))
    return Sums(dict(parks), dict(zone))
