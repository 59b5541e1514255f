#!/usr/bin/env python3
"""Makes the demo's world: a register, a year of files from six parks and three bureaux, and the truth behind them.

    generate.py --seed N DIR

DIR/register.csv          the register (名录库)
DIR/files.csv             what each agent sends, in order: agent,step,file
DIR/files/AGENT/…         the files; step 1 are the first reports, step 2 corrections
DIR/truth/FORM.csv        what every report says in the end: park,unit,period,kind,<columns>

The same seed gives the same bytes. Every enterprise is invented.
"""

import argparse
import csv
import pathlib
import random

import enterprises
import sheets
import zone
from figures import Firm
from sheets import Row

NIL, WITHDRAW, WITHDRAW_ALL = "本期无数据", "撤销", "整表撤销"


class World:
    def __init__(self, seed, folder):
        self.rng = random.Random(seed)
        self.folder = folder
        self.units, self.revenues, self.roles = enterprises.make(self.rng)
        self.firms = {}
        for unit, revenue in self.revenues.items():
            research = "high_tech" in self.units[unit][-1]["flags"]
            self.firms[unit] = Firm(self.rng, revenue, research)
        self.truth = {}  # (form, period, unit, park) → [kind, {column: value}]
        self.files = []
        self.postponed = {park: [] for park in zone.PARKS}  # good rows that a bad one stood for: (form, Row)

    # --- sending

    def send(self, agent, step, name, form, rows, columns=None):
        """Writes a file, and what its good rows change."""
        style = sheets.STYLES[agent]
        path = pathlib.Path("files") / agent / str(step) / name
        sheets.write(self.folder / path, style, form, columns or zone.FORMS[form], rows)
        self.files.append((agent, step, str(path)))
        park = agent if agent in zone.PARKS else "city"
        for row in rows:
            if not row.bad:
                self._take(form, row, park)

    def _take(self, form, row, park):
        report = self.truth.setdefault((form, row.period, row.unit, park), ["figures", {}])
        values = list(row.cells.values())
        if NIL in values or WITHDRAW_ALL in values:
            report[:] = ["nil" if NIL in values else "withdrawal", {}]
            return
        report[0] = "figures"
        for column, value in row.cells.items():
            if value == WITHDRAW:
                report[1].pop(column, None)
            elif value is not None:
                report[1][column] = value

    # --- what units report

    def reporters(self, park, form, period):
        """Units of the park that owe the form, as a clerk lists them: by name."""
        found = []
        for unit, versions in self.units.items():
            version = zone.version_between(versions, zone.last_day(period), zone.last_day(period))
            if (version and park in version["parks"].split(";") and version["status"] in ("正常", "停产")
                    and version["class"] in zone.CLASSES[form]
                    and zone.POPULATION.get(form, "") in version["flags"]):
                found.append(version)
        return sorted(found, key=lambda version: (version["name"], version["unit"]))

    def row(self, park, form, version, period):
        """The report of a unit, or None where it reports nothing."""
        unit, (_, first, last) = version["unit"], zone.months_of(period)
        if unit == self.roles["shared_silent"] and park == "hexi":
            return None
        if unit == self.roles["shared"] and park == "liudong" and (form, period) == ("output-monthly", "2018-06"):
            return None
        if version["status"] == "停产" and form != "rd-yearly":
            return Row(unit, version["name"], period, {zone.FORMS[form][0]: NIL})
        firm = self.firms[unit]
        if form == "output-monthly":
            cells = firm.output(first, last)
        elif form == "finance-monthly":
            cells = firm.finance(last)
        elif unit == self.roles["shared"] and park != "liudong":
            return None
        else:
            cells = firm.research_report(self.rng)
        if cells and unit == self.roles["shared"] and park == "yanghe":  # it sees only what is made there
            cells = {column: value * 2 // 5 for column, value in cells.items()}
        return cells and Row(unit, version["name"], period, cells)

    def rows(self, park, form, period):
        found = [self.row(park, form, version, period) for version in self.reporters(park, form, period)]
        return [row for row in found if row]

    # --- the year

    def monthly(self, park, form):
        """A file a month, from liubei a file a quarter."""
        name = "产值" if form == "output-monthly" else "财务"
        periods = zone.periods(form)
        size = 3 if park == "liubei" else 1
        for n in range(0, len(periods), size):
            rows = [row for period in periods[n:n + size] for row in self.rows(park, form, period)]
            for period in periods[n:n + size]:
                rows = self.spoil(park, form, period, rows)
            last = zone.months_of(periods[min(n + size, len(periods)) - 1])[2]
            self.send(park, 1, f"{name}{'2018'}{last:02}.csv", form, rows)

    def yearly(self, park):
        rows = self.rows(park, "rd-yearly", "2018")
        self.send(park, 1, "研发2018.csv", "rd-yearly", rows)
        rows = []
        for version in self.reporters(park, "carriers-yearly", "2018"):
            if version["class"] == "incubator":  # start-ups are the incubators' to report, never the park's too
                cells = {"incubated_total": self.rng.randint(30, 58)}
            else:
                kinds = {f"platforms_{kind}": self.rng.randint(0, 3)
                         for kind in ("automobile", "machinery", "electronics", "materials")}
                cells = {"incubators": 3 if park == "liudong" else 2, "platforms": sum(kinds.values()) + 1,
                         "institutions": self.rng.randint(2, 15), "high_level_talent": self.rng.randint(0, 40), **kinds}
            rows.append(Row(version["unit"], version["name"], "2018", cells))
        self.send(park, 1, "载体2018.csv", "carriers-yearly", rows)

    def growth(self, park):
        """Members of the growth plan owe its form, others apply with it. One member of hexi and luowei forgets this year."""
        asked = {}
        for unit, versions in self.units.items():
            flags = versions[-1]["flags"].split(";")
            if versions[0]["parks"] == park and unit in self.firms and ("growth_plan" in flags or "sei" in flags):
                asked[unit] = versions
        members = sorted(unit for unit, versions in asked.items() if "growth_plan" in versions[-1]["flags"])
        silent = members[-1] if park in ("hexi", "luowei") and members else None
        for period in ("2017", "2018"):
            rows = [Row(unit, versions[-1]["name"], period, self.firms[unit].growth_report(self.rng, int(period)))
                    for unit, versions in sorted(asked.items())
                    if zone.governing(versions, period) and (unit, period) != (silent, "2018")]
            if rows:
                self.send(park, 1, f"培育{period}.csv", "growth-yearly", rows)

    # --- mistakes

    def spoil(self, park, form, period, rows):
        """Puts in what goes wrong in real files. What a bad row stood for is sent with the corrections."""
        def replace(n, **cells):
            row = rows[n]
            self.postponed[park].append((form, row))
            rows[n] = Row(row.unit, row.name, row.period, {**row.cells, **cells}, bad=True)

        first = next((n for n, row in enumerate(rows) if row.period == period), 0)
        stranger = next(unit for unit in self.roles["closed"])
        other = next(park_of for park_of in zone.PARKS if park_of not in (park, self.units[stranger][0]["parks"]))
        foreign = next(unit for unit, versions in self.units.items() if versions[0]["parks"] == other)
        case = (park, form, period)
        if case == ("hexi", "output-monthly", "2018-04"):
            cells = dict(rows[first].cells)
            unknown = enterprises.uscc(self.rng, set(self.units))
            rows.append(Row(unknown, "示例未入库企业有限公司", period, dict(cells), bad=True))
            rows.append(Row(foreign, self.units[foreign][0]["name"], period, dict(cells), bad=True))
            replace(first + 3, gross_output="约2000")
        elif case == ("xinxing", "finance-monthly", "2018-05"):
            replace(first + 2, **{"revenue.ytd": "１２．３４５６７"})
            damaged = Row("9.14502E+17", rows[first].name, period, dict(rows[first].cells), bad=True)
            rows.append(damaged)
        elif case == ("luowei", "output-monthly", "2018-06"):
            row, twin = rows[first + 4], rows[first + 6]
            self.postponed[park].append((form, row))
            rows[first + 4] = Row(row.unit, row.name, row.period, row.cells, bad=True)
            rows.append(Row(row.unit, row.name, period, {**row.cells, "gross_output": row.cells["gross_output"] + 9},
                            bad=True))
            rows.append(Row(twin.unit, twin.name, period, dict(twin.cells)))  # stands twice: taken once
        elif case == ("yanghe", "finance-monthly", "2018-08"):
            replace(first + 5, **{"taxes_paid.ytd": "…"})
        return rows

    # --- corrections

    def correct(self, park):
        for form, name in (("output-monthly", "补报产值"), ("finance-monthly", "补报财务")):
            late = [row for of, row in self.postponed[park] if of == form]
            for period in sorted({row.period for row in late}):
                self.send(park, 2, f"{name}{period}.csv", form, [row for row in late if row.period == period])
        self._correct_output(park)
        if park == "xinxing":
            self._correct_finance(park)
        if park == "hexi":
            self._withdraw_exports(park)
        if park == "liubei":
            self._withdraw_report(park)

    def _steady(self, park, count):
        """Units of the park that reported every month."""
        found = [unit for unit, versions in self.units.items()
                 if len(versions) == 1 and versions[0]["parks"] == park and not versions[0]["from"]
                 and all(self.truth.get(("output-monthly", period, unit, park), ["nil"])[0] == "figures"
                         for period in zone.periods("output-monthly"))]
        return self.rng.sample(found, count)

    def _correct_output(self, park):
        """Some months were wrong: every January-to-month after them changes too. Other columns keep their values."""
        columns = ["gross_output", "gross_output.ytd", "sales_output", "sales_output.ytd"]
        by_period = {}
        for unit in self._steady(park, 6):
            month = self.rng.randint(3, 9)
            self.firms[unit].scale("gross_output", month, self.rng.choice((970, 985, 1012, 1030)))
            self.firms[unit].scale("sales_output", month, self.rng.choice((975, 990, 1008)))
            for late in range(month, 13):
                cells = self.firms[unit].output(late, late)
                row = Row(unit, self.units[unit][0]["name"], f"2018-{late:02}", {c: cells[c] for c in columns})
                by_period.setdefault(row.period, []).append(row)
        if park == "liubei":  # an empty cell over a figure that was reported is refused
            row = by_period["2018-12"].pop()
            bad = Row(row.unit, row.name, row.period, {**row.cells, "sales_output": None}, bad=True)
            by_period["2018-12"].append(bad)
        if sheets.STYLES[park].period_in_title:
            for period, rows in sorted(by_period.items()):
                self.send(park, 2, f"更正产值{period}.csv", "output-monthly", rows, columns)
        else:
            rows = [row for _, rows in sorted(by_period.items()) for row in rows]
            self.send(park, 2, "更正产值.csv", "output-monthly", rows, columns)

    def _correct_finance(self, park):
        columns = ["revenue.ytd", "total_profit.ytd"]
        rows = []
        for unit in self._steady(park, 4):
            month = self.rng.randint(4, 10)
            self.firms[unit].scale("revenue", month, 1017)
            self.firms[unit].scale("total_profit", month, -400)
            for late in range(month, 13):
                cells = self.firms[unit].finance(late)
                rows.append(Row(unit, self.units[unit][0]["name"], f"2018-{late:02}", {c: cells[c] for c in columns}))
        self.send(park, 2, "更正财务.csv", "finance-monthly", rows, columns)

    def _withdraw_exports(self, park):
        exporters = [unit for unit in self._steady(park, 60) if self.firms[unit].exports]
        columns = [f"export_delivery{variant}" for variant in zone.FOUR]
        rows = [Row(unit, self.units[unit][0]["name"], "2018-05", dict.fromkeys(columns, WITHDRAW))
                for unit in exporters[:2]]
        self.send(park, 2, "撤销出口.csv", "output-monthly", rows, columns)

    def _withdraw_report(self, park):
        unit = self._steady(park, 1)[0]
        row = Row(unit, self.units[unit][0]["name"], "2018-11", {"gross_output": WITHDRAW_ALL})
        self.send(park, 2, "整表撤销.csv", "output-monthly", [row], ["gross_output"])

    # --- the bureaux

    def _zone_output(self, column, period):
        found = 0
        for (form, of, unit, park), (_, cells) in self.truth.items():
            if (form, of) == ("output-monthly", period) and (park != "yanghe" or unit != self.roles["shared"]):
                found += cells.get(column, 0)
        return found

    def city(self):
        rows = []
        for period in zone.periods("city-monthly"):
            cells = {f"city_output{variant}": self._zone_output(f"gross_output{variant}", period) * 1000 // 668
                     for variant in zone.FOUR}
            rows.append(Row("liuzhou", "柳州市", period, cells))
        self.send("tongji", 1, "全市产值2018.csv", "city-monthly", rows)
        self.send("tongji", 1, "人口.csv", "city-yearly",
                  [Row("liuzhou", "柳州市", "2017", {"population": 40000}),
                   Row("liuzhou", "柳州市", "2018", {"population": 40417})])
        self.send("caizheng", 1, "科技经费.csv", "city-funds-yearly",
                  [Row("liuzhou", "柳州市", "2017", {"st_funds": 612_480}),
                   Row("liuzhou", "柳州市", "2018", {"st_funds": 655_930})])
        self.send("keji", 1, "创新2018.csv", "city-innovation-yearly",
                  [Row("liuzhou", "柳州市", "2018",
                       {"city_invention_patents": 3961, "hightech_revenue_outside": 14_806_000})])
        december = rows[-1]
        corrected = {column: value + 1_234_567 for column, value in december.cells.items() if "ly" not in column}
        self.send("tongji", 2, "更正全市产值.csv", "city-monthly",
                  [Row("liuzhou", "柳州市", december.period, corrected)], list(corrected))

    # --- the files beside

    def write_register(self):
        with open(self.folder / "register.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, enterprises.REGISTER, lineterminator="\n")
            writer.writeheader()
            for versions in self.units.values():
                writer.writerows(versions)

    def write_truth(self):
        (self.folder / "truth").mkdir(exist_ok=True)
        for form, columns in zone.FORMS.items():
            with open(self.folder / "truth" / f"{form}.csv", "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(["park", "unit", "period", "kind"] + columns)
                for (of, period, unit, park), (kind, cells) in sorted(self.truth.items()):
                    if of == form:
                        writer.writerow([park, unit, period, kind] + [cells.get(column, "") for column in columns])
        with open(self.folder / "files.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["agent", "step", "file"])
            writer.writerows(self.files)


def main():
    parser = argparse.ArgumentParser(description="make the demo's register, files and truth")
    parser.add_argument("--seed", type=int, default=2018)
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    world = World(options.seed, options.folder)
    world.write_register()
    for park in zone.PARKS:
        world.monthly(park, "output-monthly")
        world.monthly(park, "finance-monthly")
        world.yearly(park)
    for park in zone.PARKS:
        world.correct(park)
    world.city()
    for park in zone.PARKS:
        world.growth(park)
    world.write_truth()
    units, files, reports = len(world.units), len(world.files), len(world.truth)
    print(zone.words(f"{units} units, {files} files, {reports} reports, seed {options.seed}",
                     f"{units} 个统计单位，{files} 个文件，{reports} 份报表，种子 {options.seed}"))


if __name__ == "__main__":
    main()
