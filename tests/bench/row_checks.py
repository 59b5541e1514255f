"""What the shipped rules cost: ingest of two forms, a month after the same units', with and without them."""

import random
import re
import time

import process
import scene
import table
import workload
from parktally import ROOT, uscc
from table import Bar, Line
from workload import PARKS

UNITS, QUICK_UNITS = 100_000, 10_000
BEFORE, NOW = 5, 6  # months of 2018
BAR = 1.2
OUTPUT = [f"{name}{column}" for name in ("gross_output", "sales_output", "export_delivery", "electricity")
          for column in ("", ".ytd", ".ly", ".ytd_ly")]
FINANCE = ["revenue.ytd", "revenue.ytd_ly", "total_profit.ytd", "total_profit.ytd_ly", "taxes_paid.ytd", "taxes_paid.ytd_ly",
           "rd_expense_accounting.ytd", "rd_expense_accounting.ytd_ly", "staff"]


def figures_of(chance, month):
    """Of one unit, such that no rule objects: the figures of both forms."""
    output = chance.randrange(10_000, 10_000_000)
    months = [output, output * 95 // 100, output // 10, output // 1000 + 1]
    totals = [output * month, output * month * 5 // 100, output * month * 3 // 100, output * month * 2 // 100]
    return ([value for one in months for value in (one, one * month, one * 9 // 10, one * month * 9 // 10)],
            [value for one in totals for value in (one, one * 9 // 10)] + [output // 500 + 30])


def write_files(folder, units, month):
    """Two files for each park."""
    folder.mkdir()
    chance = random.Random(units)  # the same in each month
    paths = [[folder / f"{park}-{form}.csv" for form in ("output", "finance")] for park in PARKS]
    files = [[open(path, "w", encoding="utf-8") for path in own] for own in paths]
    for own in files:
        for file, columns in zip(own, (OUTPUT, FINANCE)):
            file.write(",".join(["uscc", "period", *columns]) + "\n")
    for n in range(units):
        for file, figures in zip(files[n % 6], figures_of(chance, month)):
            file.write(f"{uscc(n)},2018-{month:02d},{','.join(map(str, figures))}\n")
    for own in files:
        for file in own:
            file.close()
    return paths


def without_rules(text):
    text, count = re.subn(r"(?ms)^rules:\n.*?(?=^# 2020年目标|^targets:)", "", text)
    assert count == 1
    return text


def city_with_backlog(folder, register, catalogue, files):
    """One month taken, the next in the outboxes."""
    city = scene.City(folder, register, catalogue=catalogue)
    with city.serving():
        scene.push_all(city.agents, files[0], "--wait", "--timeout", scene.LONG)
        city.aggregator.stop()
    scene.push_all(city.agents, files[1])
    city.keep()
    return city


def ingest(city, units):
    """(seconds until every receipt is kept, processor's seconds of the server)."""
    city.renew()
    counts = [scene.waiting(agent) for agent in city.agents]
    with city.serving() as aggregator:
        before = process.cpu(aggregator.process.pid)
        with scene.frozen(aggregator.process):
            services = scene.Services(city.agents)
            services.ready()
        with services:
            begun = time.monotonic()
            services.wait_for("link.receipt: ", counts)
            took = time.monotonic() - begun
        spent = process.cpu(aggregator.process.pid) - before
        for indicator in ("gross_output", "staff"):
            reported = sum(int(aggregator.total(park, f"2018-{NOW:02d}", indicator)["reported"]) for park in PARKS)
            if reported != units:
                raise scene.Wrong(f"{indicator}: {reported} of {units} units")
    return took, spent


def run(bench):
    """What the shipped rules cost at ingest."""
    units = QUICK_UNITS if bench.quick else UNITS
    folder = bench.own_folder("checks")
    register = folder / "register.csv"
    workload.write_register(register, units)
    files = [write_files(folder / f"{month}", units, month) for month in (BEFORE, NOW)]
    shipped = (ROOT / "deploy" / "catalogue" / "liuzhou.yaml").read_text()
    cities = [city_with_backlog(folder / name, register, text, files)
              for name, text in (("with", shipped), ("without", without_rules(shipped)))]
    measured = [], []
    for n in range(bench.rounds + 1):
        for city, taken in zip(cities, measured):
            took, spent = ingest(city, units)
            bench.say(f"{city.live.parent.name} rules {took:.3f} s (server's processor {spent:.2f} s){bench.warming(n)}")
            if n:
                taken.append((took, spent))
    (took, spent), (took_without, spent_without) = (list(zip(*taken)) for taken in measured)
    return [Line(f"ingest of {units} units × {len(OUTPUT) + len(FINANCE)} figures on two forms, a month after the same, all rules on",
                 list(took), table.seconds, "without rules", list(took_without), Bar(BAR, ratio=True)),
            Line("the server's processor for it", list(spent), table.seconds, "without rules", list(spent_without))]
