"""Growth through the real programs: nominal and on comparable population, and the difference by its causes, against a
slow reckoning that is made from the rules alone. PARKTALLY_SEED repeats a run."""

import csv
import datetime
import io
import json
import os
import random
import unittest

import parktally

SEED = int(os.environ.get("PARKTALLY_SEED") or random.randrange(2**32))
WORLDS = parktally.sampled(6, 60)
CAUSES = "entered left moved not_reported base_revised grown".split()
INDICATORS = """\
  turnover: {zh: 营业额, en: Turnover, measure: 千元, kind: flow, basis: both, negative: true}
  gain: {zh: 盈利, en: Gain, measure: 千元, decimals: 1, kind: flow, basis: cumulative, negative: true}
  margin: {zh: 盈利率, en: Margin, measure: "%", decimals: 2, kind: ratio, ratio: {numerator: gain, denominator: turnover, scale: 100}}
"""
FORM = """\
  {code}:
    zh: {code}
    en: {code}
    number: {code}
    issuer: 测试
    approval: 示例
    legal_basis: statistical
    filled_by: park
    every: {every}
    classes: [code]
    columns: [{columns}]
"""
MONTHLY = "turnover turnover.ytd turnover.ly turnover.ytd_ly gain.ytd gain.ytd_ly".split()


def form(code, every, columns):
    return FORM.format(code=code, every=every, columns=", ".join(f"{{column: {column}}}" for column in columns))


def catalogue():
    return parktally.small_catalogue(indicators=INDICATORS, forms=form("turnover-monthly", "month", MONTHLY)
                                     + form("turnover-yearly", "year", ["turnover"]))


class City(parktally.Case):
    def city(self, register, name="a"):
        city = self.aggregator(catalogue(), name)
        city.import_register(register)
        city.start()
        self.agents = {}
        return city

    def push(self, city, park, rows, columns, form_code="turnover-monthly"):
        """Rows: unit, period, then figures or ""."""
        if park not in self.agents:
            self.agents[park] = parktally.ParkAgent(city.root / park, city.invite(park))
        path = city.root / f"{park}.csv"
        path.write_text("\n".join([",".join(["uscc", "period", *columns]), *(",".join(map(str, row)) for row in rows)]) + "\n")
        return self.agents[park].command("push", path, "--form", form_code, "--approved-by", "张三", "--wait",
                                         code=0)

    def causes(self, city, *options):
        """(area, slice) → cause → (value, units), as texts and numbers."""
        found = {}
        text = city.command("totals", "--causes", "--format", "csv", *options).out
        for line in csv.DictReader(io.StringIO(text)):
            found.setdefault((line["area"], line["slice"]), {})[line["cause"]] = (line["value"], int(line["units"]))
        return found


class Asking(City):
    def test_what_makes_no_sense_is_said(self):
        city = self.city([parktally.unit("E1", "east")])
        for options, said in ((("--yoy", "--mom"), "two bases"), (("--mom", "--cumulative"), "no period before it"),
                              (("--causes",), "say --yoy or --mom")):
            with self.subTest(options=options):
                self.assertIn(said, city.command("totals", *options, code=64).err)

    def test_without_the_options_nothing_is_added(self):
        city = self.city([parktally.unit("E1", "east")])
        self.push(city, "east", [("E1", "2018-05", 1)], ["turnover"])
        header = city.command("totals", "--format", "csv").out.splitlines()[0]
        self.assertEqual(header, ",".join(parktally.TOTALS_COLUMNS))
        header = city.command("totals", "--yoy", "--format", "csv").out.splitlines()[0]
        self.assertEqual(header, ",".join(parktally.TOTALS_COLUMNS) + ",base,before,published_before,change,growth,"
                         "comparable,comparable_before,comparable_growth")

    def test_nothing_to_compare_with_gives_no_growth(self):
        city = self.city([parktally.unit("E1", "east")])
        self.push(city, "east", [("E1", "2018-05", 10)], ["turnover"])
        for option in ("--yoy", "--mom"):
            line = city.total("east", "2018-05", "turnover", "all", option)
            self.assertEqual((line["before"], line["change"], line["growth"], line["comparable_growth"]), ("", "", "", ""))
        self.assertEqual(self.causes(city, "--yoy", "--area", "east", "--period", "2018-05", "--indicator", "turnover"),
                         {("east", "all"): {"before": ("0", 0), "entered": ("0", 0), "left": ("0", 0), "moved": ("0", 0),
                                            "not_reported": ("10", 1), "base_revised": ("0", 0), "grown": ("0", 0), "now": ("10", 1)}})

    def test_months_that_are_missing_give_no_growth_of_the_year(self):
        city = self.city([parktally.unit("E1", "east")])
        self.push(city, "east", [("E1", "2017-02", 10), ("E1", "2017-03", 10), ("E1", "2018-03", 12)], ["turnover"])
        line = city.total("east", "2018-Q1", "turnover", "all", "--yoy")
        self.assertEqual((line["value"], line["before"], line["growth"]), ("12", "20", ""))
        self.assertEqual(line["comparable_growth"], "20.0", "March alone is comparable, with March")

    def test_losses_are_said_in_words(self):
        city = self.city([parktally.unit(f"E{n}", "east") for n in range(1)])
        cases = (("10.0", "-5.0", "turned_to_loss", "turned to loss"), ("-5.0", "3.0", "turned_to_profit", "turned to profit"),
                 ("-5.0", "-4.9", "loss_reduced", "loss reduced"), ("-5.0", "-5.1", "loss_grew", "loss grew"),
                 ("0.0", "5.0", "from_zero", "from zero"), ("-5.0", "-5.0", "unchanged", "unchanged"),
                 ("200.0", "199.9", "-0.1", "-0.1%"))
        rows = []
        for n, (before, now, _, _) in enumerate(cases):
            rows += [("E0", f"2017-{n + 2:02d}", before), ("E0", f"2018-{n + 2:02d}", now)]
        self.push(city, "east", rows, ["gain.ytd"])
        for n, (before, now, code, english) in enumerate(cases):
            asked = ("--area", "east", "--indicator", "gain", "--period", f"2018-{n + 2:02d}", "--cumulative", "--yoy")
            with self.subTest(before=before, now=now):
                line = city.total(asked[1], asked[5], "gain", "all", *asked[6:])
                self.assertEqual((line["growth"], line["comparable_growth"]), (code, code))
                self.assertIn(english, city.command("totals", *asked).out)
        self.assertIn("growth", json.loads(city.command("totals", *asked, "--format", "json").out)[0])

    def test_ratios_differ_in_percentage_points(self):
        city = self.city([parktally.unit("E1", "east")])
        self.push(city, "east", [("E1", "2017-05", 1000, "20.0"), ("E1", "2018-05", 2000, "50.0")], ["turnover.ytd", "gain.ytd"])
        line = city.total("east", "2018-05", "margin", "all", "--cumulative", "--yoy")
        self.assertEqual((line["value"], line["before"], line["change"], line["growth"]), ("2.50", "2.00", "0.50", "0.50"))
        self.assertEqual((line["comparable"], line["comparable_before"], line["comparable_growth"]), ("2.50", "2.00", "0.50"))

    def test_a_withdrawn_figure_and_a_nil_report_are_no_figures(self):
        city = self.city([parktally.unit(f"E{n}", "east") for n in range(1, 4)])
        self.push(city, "east", [(f"E{n}", "2017-05", 100) for n in range(1, 4)], ["turnover"])
        self.push(city, "east", [("E1", "2018-05", 130), ("E2", "2018-05", 50), ("E3", "2018-05", "本期无数据")], ["turnover"])
        self.push(city, "east", [("E2", "2018-05", "撤销")], ["turnover"])
        line = city.total("east", "2018-05", "turnover", "all", "--yoy")
        self.assertEqual((line["value"], line["before"], line["growth"], line["comparable_growth"]), ("130", "300", "-56.7", "30.0"))
        found = self.causes(city, "--yoy", "--area", "east", "--period", "2018-05", "--indicator", "turnover")[("east", "all")]
        self.assertEqual((found["not_reported"], found["grown"]), (("-200", 2), ("30", 1)))

    def test_a_unit_in_two_parks_is_compared_once_above_them(self):
        city = self.city([parktally.unit("B1", "east;west", reporter="east")])
        for park, now in (("east", 130), ("west", 999)):
            self.push(city, park, [("B1", "2017-05", 100), ("B1", "2018-05", now)], ["turnover"])
        found = self.causes(city, "--yoy", "--period", "2018-05", "--indicator", "turnover")
        for area in ("east", "west", "group", "zone"):
            self.assertEqual((found[(area, "all")]["grown"], found[(area, "all")]["now"]), (("30", 1), ("130", 1)), area)

    def test_a_merged_unit_has_its_predecessors_base_and_split_off_ones_share_theirs(self):
        city = self.city([
            parktally.unit("A", "east", to="2018-02-28"), parktally.unit("B", "west", to="2018-02-28"),
            parktally.unit("M", "east", from_="2018-03-01", succeeds="A;B"),
            parktally.unit("C", "south"), parktally.unit("C2", "west", from_="2018-01-01", succeeds="C")])
        self.push(city, "east", [("A", "2017-05", 60), ("M", "2018-05", 130)], ["turnover"])
        self.push(city, "west", [("B", "2017-05", 40), ("C2", "2018-05", 20)], ["turnover"])
        self.push(city, "south", [("C", "2017-05", 100), ("C", "2018-05", 90)], ["turnover"])
        found = self.causes(city, "--yoy", "--period", "2018-05", "--indicator", "turnover")
        zone = found[("zone", "all")]
        self.assertEqual([zone[cause] for cause in CAUSES], [("0", 0), ("0", 0), ("0", 0), ("0", 0), ("0", 0), ("40", 2)])
        self.assertEqual((found[("east", "all")]["moved"], found[("west", "all")]["moved"]), (("40", 1), ("-20", 2)))
        self.assertEqual(found[("south", "all")]["moved"], ("-20", 1), "what the split-off unit makes is elsewhere")
        line = city.total("zone", "2018-05", "turnover", "all", "--yoy")
        self.assertEqual((line["growth"], line["comparable_growth"]), ("20.0", "20.0"))


class AnnualForms(City):
    def test_the_year_is_the_annual_form_s_and_the_difference_to_twelve_months_a_line_of_its_own(self):
        city = self.city([parktally.unit("E1", "east"), parktally.unit("W1", "west")])
        self.push(city, "east", [("E1", f"2018-{month:02d}", 10 * month) for month in range(1, 13)], ["turnover.ytd"])
        self.assertEqual([line["slice"] for line in city.totals("--period", "2018", "--area", "east", "--indicator", "turnover")],
                         ["all"], "before the annual form there is nothing to adjust")
        self.push(city, "east", [("E1", "2018", 115)], ["turnover"], "turnover-yearly")
        lines = city.totals("--period", "2018", "--area", "east,zone,west", "--indicator", "turnover")
        self.assertEqual([(line["area"], line["slice"], line["value"]) for line in lines if line["slice"] != "overlap"],
                         [("east", "all", "115"), ("east", "annual_adjustment", "-5"), ("zone", "all", "115"),
                          ("zone", "annual_adjustment", "-5"), ("west", "all", "")])
        self.assertEqual(city.total("east", "2018-12", "turnover", "all", "--cumulative")["value"], "120", "months stay as they are")
        only = city.totals("--period", "2018", "--area", "east", "--slice", "annual_adjustment")
        self.assertEqual([line["value"] for line in only], ["-5"])
        shown = city.command("totals", "--period", "2018", "--area", "east").out
        self.assertIn("annual adjustment", shown)
        self.assertIn("less what was reported month by month", shown)


class Paradox(City):
    """National industrial profit, January to May 2018: −6.0 % as the totals stand, +16.5 % as published."""

    def test_minus_six_nominally_is_plus_sixteen_and_a_half_on_comparable_population(self):
        rows = {  # unit: (before as reported then, last year's column now, now)
            "DOUBLE": ("12000.0", "9500.0", "11398.3"),  # it had counted a plant twice
            "MOVED": ("6000.0", "", "7000.0"), "STEADY": ("5159.5", "5159.5", "6500.0"),
            "RISEN": ("", "2000.0", "1500.0"),  # above scale since this year, with what it made in the last
            "NEW": ("", "", "900.0"), "CLOSED": ("4000.0", "", ""), "SILENT": ("1888.1", "", "")}
        city = self.city([
            parktally.unit("DOUBLE", "east"), parktally.unit("MOVED", "west"),
            parktally.unit("MOVED", "south", from_="2018-01-01"), parktally.unit("STEADY", "west"),
            parktally.unit("RISEN", "east", from_="2018-01-01"), parktally.unit("NEW", "south", from_="2018-03-01"),
            parktally.unit("CLOSED", "east"), parktally.unit("CLOSED", "east", from_="2018-02-01", status="关闭"),
            parktally.unit("SILENT", "west")])
        park = {"DOUBLE": "east", "RISEN": "east", "CLOSED": "east", "NEW": "south", "STEADY": "west", "SILENT": "west"}
        for period, column, of in (("2017-05", ["gain.ytd"], lambda row: row[:1]), ("2018-05", ["gain.ytd_ly", "gain.ytd"], lambda row: row[1:])):
            for agent in ("east", "west", "south"):
                own = {unit: of(row) for unit, row in rows.items()
                       if park.get(unit, "west" if period == "2017-05" else "south") == agent}
                reported = [(unit, period, *figures) for unit, figures in own.items() if any(figures)]
                if reported:
                    self.push(city, agent, reported, column)
        line = city.total("zone", "2018-05", "gain", "all", "--cumulative", "--yoy")
        self.assertEqual((line["value"], line["before"], line["change"], line["growth"]), ("27298.3", "29047.6", "-1749.3", "-6.0"))
        self.assertEqual((line["comparable"], line["comparable_before"], line["comparable_growth"]), ("26398.3", "22659.5", "16.5"))
        found = self.causes(city, "--yoy", "--cumulative", "--period", "2018-05", "--indicator", "gain", "--slice", "all")
        self.assertEqual([found[("zone", "all")][cause] for cause in CAUSES],
                         [("2900.0", 2), ("-4000.0", 1), ("0.0", 0), ("-1888.1", 1), ("-2500.0", 1), ("3738.8", 4)])
        self.assertEqual((found[("west", "all")]["moved"], found[("south", "all")]["moved"]), (("-6000.0", 1), ("6000.0", 1)))
        for area, of in found.items():
            total = sum(round(10 * float(of[cause][0])) for cause in CAUSES)
            self.assertEqual(total, round(10 * float(of["now"][0])) - round(10 * float(of["before"][0])), area)
        self.assert_sound(city)


# --- against a slow reckoning ---

AREAS = {"zone": None, "group": "zone", "east": "group", "west": "group", "south": "zone", "city": None}
BOUNDED = {"zone", "group"}
SLICES = ("all", "cars", "steel", "above_scale", "outside_boundary")
MONTHS = [(year, month) for year in (2017, 2018) for month in (4, 5, 6)]
ALWAYS = ("U00", "U01")  # one of each tree of areas reports every column, so that none is computed from others
END = datetime.date(9999, 12, 31)


def first_day(period):
    return datetime.date(*period, 1)


def last_day(period):
    year, month = period
    return datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(1)


def day(text):
    return datetime.date.fromisoformat(text) if text else None


class World:
    """Random units, what they reported, and what follows from the rules."""

    def __init__(self, chance):
        self.chance, self.versions, self.reports = chance, {}, {}
        for n in range(40):
            self.add_unit(f"U{n:02d}")
        for n in range(8):
            self.add_successor(f"S{n:02d}")
        for unit, park in zip(ALWAYS, ("east", "city")):
            self.versions[unit] = []
            self.add_version(unit, "2010-01-01", parks=park)
        for period in MONTHS:
            for unit in self.versions:
                self.report(unit, period)

    def add_version(self, unit, since, **changes):
        chance = self.chance
        row = parktally.unit(unit, chance.choice(("east", "west", "south", "east;west", "city")), from_=since,
                             in_boundary=chance.choice("1110"), clusters=chance.choice(("", "cars", "steel", "cars;steel")),
                             flags=chance.choice(("", "above_scale")), status=chance.choice(("正常", "正常", "停产")))
        self.versions.setdefault(unit, []).append(row | {name.rstrip("_"): value for name, value in changes.items()})

    def any_day(self):
        return f"{self.chance.choice((2017, 2018))}-{self.chance.randrange(1, 7):02d}-{self.chance.choice((1, 15, 28)):02d}"

    def add_unit(self, unit):
        kind = self.chance.randrange(8)
        self.add_version(unit, self.any_day() if kind == 0 else "2010-01-01", to=self.any_day() if kind == 1 else "")
        if kind == 1 and self.versions[unit][0]["to"] < self.versions[unit][0]["from"]:
            self.versions[unit][0]["to"] = ""
        if kind in (2, 3):
            self.add_version(unit, self.any_day())
        if kind == 4:
            self.add_version(unit, self.any_day(), status="关闭")

    def add_successor(self, unit):
        """Of one or several, which end or go on; sometimes of one that another succeeds too."""
        since = self.any_day()
        before = (day(since) - datetime.timedelta(1)).isoformat()
        names = self.chance.sample([f"U{n:02d}" for n in range(2, 16)], self.chance.choice((1, 1, 2, 3)))
        self.add_version(unit, since, succeeds=";".join(names))
        for name in names:
            last = self.versions[name][-1]
            if self.chance.randrange(3) and not last["to"] and last["from"] < before:
                last["to"] = before
        if self.chance.randrange(4) == 0:
            later = (day(since) + datetime.timedelta(40)).isoformat()
            self.add_version(unit, later, succeeds=";".join(names))

    def report(self, unit, period):
        version = self.governing(unit, [period])
        if version is None or version["status"] == "关闭" or (unit not in ALWAYS and self.chance.randrange(6) == 0):
            return
        figures = {column: self.chance.randrange(-200, 2000) for column in MONTHLY[:4]
                   if unit in ALWAYS or self.chance.randrange(5)}
        if figures:
            self.reports[unit, period] = figures

    # --- the register ---

    def until(self, unit, n):
        """The last day of a version."""
        rows = self.versions[unit]
        ends = [day(rows[n]["to"]) or END]
        if n + 1 < len(rows):
            ends.append(day(rows[n + 1]["from"]) - datetime.timedelta(1))
        return min(ends)

    def in_force(self, unit, first, last):
        found = None
        self.versions[unit].sort(key=lambda row: row["from"])
        for n, row in enumerate(self.versions[unit]):
            if day(row["from"]) <= last and self.until(unit, n) >= first:
                found = row
        return found

    def governing(self, unit, months):
        return self.in_force(unit, first_day(months[0]), last_day(months[-1]))

    def owes(self, unit, months):
        version = self.in_force(unit, last_day(months[-1]), last_day(months[-1]))
        return version is not None and version["status"] != "关闭"

    @staticmethod
    def membership(version):
        areas = set()
        for park in version["parks"].split(";"):
            while park:
                if version["in_boundary"] == "1" or park not in BOUNDED:
                    areas.add(park)
                park = AREAS[park]
        slices = {"all"} | set(filter(None, version["clusters"].split(";"))) | set(filter(None, version["flags"].split(";")))
        if version["in_boundary"] == "0":
            slices.add("outside_boundary")
        return frozenset((area, slice_) for area in areas for slice_ in slices)

    def families(self, base, now):
        """Sets of units: those that successions of between join, and each other by itself."""
        sets = {unit: {unit} for unit in self.versions}
        for unit, rows in self.versions.items():
            named = {}
            for row in sorted(rows, key=lambda row: row["from"]):
                for other in filter(None, row["succeeds"].split(";")):
                    named.setdefault(other, day(row["from"]))
            for other, since in named.items():
                if first_day(base[0]) < since <= last_day(now[-1]):
                    joined = sets[unit] | sets[other]
                    for member in joined:
                        sets[member] = joined
        return {frozenset(one) for one in sets.values()}

    # --- the reckoning ---

    def figures(self, unit, months, column):
        """(pair, value, where it stands, last year's) for each month that has one."""
        for pair, month in enumerate(months):
            report = self.reports.get((unit, month), {})
            if column in report:
                published = report.get({"turnover": "turnover.ly", "turnover.ytd": "turnover.ytd_ly"}[column])
                yield pair, report[column], self.membership(self.governing(unit, [month])), published

    def today(self, unit, now, months, before):
        """By its last report, else by the register while it owes one, else where it was."""
        if now:
            return now[-1][2]
        if self.owes_any(unit, months):
            return self.membership(self.governing(unit, months))
        return before[-1][2]

    def owes_any(self, unit, months):
        return any(self.owes(unit, [month]) for month in months)

    def compare(self, place, now_months, base_months, column, yearly):
        """What a place (area, slice) should show."""
        result = dict.fromkeys([*CAUSES, "now", "before"], 0)
        units = dict.fromkeys(CAUSES, 0)
        comparable = base = 0
        for family in self.families(base_months, now_months):
            now, before, leads = [], [], []
            for unit in sorted(family):
                own_now = list(self.figures(unit, now_months, column))
                own_before = list(self.figures(unit, base_months, column))
                now += own_now
                before += own_before
                if own_now or own_before or self.owes_any(unit, now_months):
                    standing = 2 if own_now else 1 if self.owes_any(unit, now_months) else 0
                    leads.append((-standing, -sum(value for _, value, *_ in own_now), unit,
                                  self.today(unit, own_now, now_months, own_before)))
            if not now and not before:
                continue
            today = min(leads, key=lambda lead: lead[:3])[3]
            here = place in today
            result["now"] += sum(value for _, value, where, _ in now if place in where)
            result["before"] += sum(value for _, value, where, _ in before if place in where)
            result["moved"] += sum((((place in where) - here)) * value for _, value, where, _ in now)
            result["moved"] += sum((here - (place in where)) * value for _, value, where, _ in before)
            units["moved"] += len({where for _, _, where, _ in now + before if (place in where) != here})
            if not here:
                continue
            seen = set()
            for pair in range(len(now_months)):
                mine = [figure for figure in now if figure[0] == pair]
                theirs = [figure for figure in before if figure[0] == pair]
                owed_now = any(self.owes(unit, [now_months[pair]]) for unit in family)
                owed_before = any(self.owes(unit, [base_months[pair]]) for unit in family)
                here_now, here_before = sum(figure[1] for figure in mine), sum(figure[1] for figure in theirs)
                given = yearly and mine and all(figure[3] is not None for figure in mine)
                if mine and (theirs or given):
                    was = sum(figure[3] for figure in mine) if given else here_before
                    if theirs and was != here_before:
                        result["base_revised"] += was - here_before
                        seen.add("base_revised")
                    if not theirs:
                        cause = "not_reported" if owed_before else "entered"
                        result[cause] += was
                        seen.add(cause)
                    result["grown"] += here_now - was
                    seen.add("grown")
                    comparable += here_now
                    base += was
                elif mine:
                    cause = "not_reported" if owed_before else "entered"
                    result[cause] += here_now
                    seen.add(cause)
                elif theirs:
                    cause = "not_reported" if owed_now else "left"
                    result[cause] -= here_before
                    seen.add(cause)
            for cause in seen:
                units[cause] += 1
        return result, units, comparable, base


def shown_rate(now, before):
    """Half away from zero, at one decimal; in words where there is none."""
    if now == before and before <= 0:
        return "unchanged"
    if before >= 0 and now < 0:
        return "turned_to_loss"
    if before == 0:
        return "from_zero"
    if before < 0:
        return "turned_to_profit" if now >= 0 else "loss_reduced" if now > before else "loss_grew"
    tenths, rest = divmod(abs(now - before) * 1000, before)
    tenths += 2 * rest >= before
    return f"{'-' if now < before and tenths else ''}{tenths // 10}.{tenths % 10}"


class Reckoning(City):
    QUESTIONS = (("2018-04", "--yoy"), ("2018-05", "--yoy"), ("2018-06", "--yoy", "--cumulative"), ("2018-05", "--mom"), ("2018-06", "--mom"),
                 ("2017-06", "--mom"), ("2018-Q2", "--yoy"))

    @staticmethod
    def months_of(period, option):
        year = int(period[:4])
        months = [(year, month) for month in (4, 5, 6)] if "Q" in period else [(year, int(period[5:]))]
        return months, [(year - 1, month) if option == "--yoy" else (year, month - 1) for year, month in months]

    def check(self, city, world, question):
        period, option, *more = question
        now, base = self.months_of(period, option)
        column = "turnover.ytd" if more else "turnover"
        asked = ("--period", period, option, *more, "--indicator", "turnover", "--slice", ",".join(SLICES))
        found = self.causes(city, *asked)
        totals = {(line["area"], line["slice"]): line for line in city.totals(*asked)}
        for place in [(area, slice_) for area in AREAS for slice_ in SLICES]:
            with self.subTest(seed=SEED, question=question, place=place):
                result, units, comparable, before = world.compare(place, now, base, column, option == "--yoy")
                causes, line = found[place], totals[place]
                self.assertEqual({name: int(causes[name][0]) for name in result}, result)
                self.assertEqual({name: causes[name][1] for name in units}, units)
                self.assertEqual(sum(result[cause] for cause in CAUSES), result["now"] - result["before"])
                self.assertEqual((int(line["value"] or 0), int(line["before"] or 0)), (result["now"], result["before"]))
                if line["comparable"] or comparable or before:
                    self.assertEqual((int(line["comparable"]), int(line["comparable_before"])), (comparable, before))
                    self.assertEqual(line["comparable_growth"], shown_rate(comparable, before))
                if line["growth"]:
                    self.assertEqual(line["growth"], shown_rate(result["now"], result["before"]))
                self.cases += 1

    def test_random_worlds_come_to_what_the_rules_give(self):
        print(f"PARKTALLY_SEED={SEED}")
        self.cases = 0
        for number in range(WORLDS):
            world = World(random.Random(f"{SEED} {number}"))
            city = self.city([row for rows in world.versions.values() for row in rows], f"world-{number}")
            by_park = {}
            for (unit, period), figures in world.reports.items():
                park = world.governing(unit, [period])["parks"].split(";")[0]
                by_park.setdefault(park, []).append(
                    (unit, f"{period[0]}-{period[1]:02d}", *(figures.get(column, "") for column in MONTHLY[:4])))
            for park, rows in by_park.items():
                self.push(city, park, rows, MONTHLY[:4])
            for question in self.QUESTIONS:
                self.check(city, world, question)
            self.assert_sound(city)
            city.close()
        self.assertGreaterEqual(self.cases, WORLDS * len(self.QUESTIONS) * len(AREAS) * len(SLICES))


if __name__ == "__main__":
    unittest.main()
