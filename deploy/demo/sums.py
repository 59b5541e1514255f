"""Plain sums over reports: what each total must be, by the rules of the statistics and nothing clever."""

import zone

KIND = {indicator: facts[3] for indicator, facts in zone.FIGURES.items()}
INDICATORS = list(zone.FIGURES) + list(zone.COUNTS_BY_FLAG) + list(zone.COUNTS_BY_REVENUE) + list(zone.RATIOS)
FORM_OF = {column.partition(".")[0]: form for form, columns in zone.FORMS.items() for column in columns}
CHILDREN = {area: [child for child, parent in zone.PARENTS.items() if parent == area] for area in zone.AREAS}
EMPTY = ("", "0", "0")


def _decimal(value, decimals):
    whole, rest = divmod(abs(value), 10 ** decimals)
    return ("-" if value < 0 else "") + str(whole) + (f".{rest:0{decimals}}" if decimals else "")


def _rounded(numerator, denominator):
    """Half away from zero, to a whole number."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return -magnitude if numerator < 0 else magnitude


class Sums:
    def __init__(self, units, reports):
        self.units = units
        self.counted = self._choose(reports)  # (form, period) → {unit: cells}
        self.families = {}  # (form, period) → {(area, slice): {unit: cells}}
        for book, by_unit in self.counted.items():
            family = self.families.setdefault(book, {})
            for unit, cells in by_unit.items():
                version = zone.governing(units[unit], book[1])
                for area in zone.areas_of(version):
                    for of in zone.slices_of(version):
                        family.setdefault((area, of), {})[unit] = cells
        self.memory, self.registered = {}, {}

    def _choose(self, reports):
        """A unit counts once: the named reporter's report, else the only one there is."""
        books = {}
        for (form, period, unit, park), (kind, cells) in reports.items():
            if kind == "withdrawal":
                continue
            by_unit = books.setdefault((form, period), {})
            reporter = zone.governing(self.units[unit], period)["reporter"]
            if unit not in by_unit or park == reporter:
                by_unit[unit] = cells
        return books

    # --- where figures stand

    def _has(self, form, period, column):
        key = (form, period, column)
        if key not in self.memory:
            self.memory[key] = any(column in cells for cells in self.counted.get((form, period), {}).values())
        return self.memory[key]

    def _plan(self, indicator, period, cumulative):
        """Form, [(period, column)], whether the second is taken off the first; None where nothing was reported."""
        form = FORM_OF[indicator]
        year, first, last = zone.months_of(period)
        first = 1 if cumulative else first
        if "yearly" in form:
            whole = last - zone.months_of(period)[1] == 11 and self._has(form, str(year), indicator)
            return (form, [(str(year), indicator)], False) if whole else None
        inside = [of for of in zone.periods(form, year)
                  if zone.months_of(of)[1] >= first and zone.months_of(of)[2] <= last]
        ending = next((of for of in zone.periods(form, year) if zone.months_of(of)[2] == last), None)
        if KIND[indicator] == "stock":
            found = [of for of in inside if self._has(form, of, indicator)]
            return (form, [(found[-1], indicator)], False) if found else None
        column = indicator + ".ytd"
        if first == 1:
            return (form, [(ending, column)], False) if ending and self._has(form, ending, column) else None
        if indicator in zone.FORMS[form]:
            parts = [(of, indicator) for of in inside]
            return (form, parts, False) if any(self._has(form, *part) for part in parts) else None
        before = next((of for of in zone.periods(form, year) if zone.months_of(of)[2] == first - 1), None)
        if ending and before and self._has(form, ending, column) and self._has(form, before, column):
            return form, [(ending, column), (before, column)], True
        return None

    def _owed(self, area, of, form, period):
        """Units that owe the form on the period's last day."""
        day = zone.last_day(period)
        key = (form, day)
        if key not in self.registered:
            counts = self.registered[key] = {}
            for version in self._on(day):
                owes = (version["class"] in zone.CLASSES[form] and version["status"] in ("正常", "停产")
                        and (form not in zone.POPULATION or zone.POPULATION[form] in version["flags"].split(";")))
                for family in ((a, s) for a in zone.areas_of(version) for s in zone.slices_of(version) if owes):
                    counts[family] = counts.get(family, 0) + 1
        return self.registered[key].get((area, of), 0)

    def _on(self, day):
        found = (zone.version_between(versions, day, day) for versions in self.units.values())
        return [version for version in found if version]

    # --- totals: (value or None, reported, expected)

    def _figure(self, area, of, indicator, period, cumulative):
        plan = self._plan(indicator, period, cumulative)
        if not plan:
            return None, 0, 0
        form, parts, difference = plan
        family = [self.families.get((form, part), {}).get((area, of), {}) for part, _ in parts]
        if difference:
            later, column = family[0], parts[0][1]
            earlier = self.counted[form, parts[1][0]]  # wherever the unit was then
            both = [(cells[column], earlier[unit][column]) for unit, cells in later.items()
                    if column in cells and column in earlier.get(unit, {})]
            value, reported = sum(a - b for a, b in both), len(both)
            parts = parts[:1]
        else:
            found = [cells[column] for by_unit, (_, column) in zip(family, parts) for cells in by_unit.values()
                     if column in cells]
            value, reported = sum(found), len(found)
        expected = sum(self._owed(area, of, form, part) for part, _ in parts)
        return value if reported else None, reported, expected

    def _by_flag(self, area, of, indicator, period):
        unit_class, flag = zone.COUNTS_BY_FLAG[indicator]
        day = zone.last_day(period)
        key = (indicator, day)
        if key not in self.registered:
            counts = self.registered[key] = {}
            for version in self._on(day):
                if version["class"] == unit_class and flag in version["flags"].split(";") and \
                        version["status"] in ("正常", "停产"):
                    for family in ((a, s) for a in zone.areas_of(version) for s in zone.slices_of(version)):
                        counts[family] = counts.get(family, 0) + 1
        count = self.registered[key].get((area, of), 0)
        return count, count, count

    def _by_revenue(self, area, of, indicator, period):
        """Legal entities: plants count together, for their firm."""
        plan = self._plan("revenue", period, True)
        if not plan:
            return None, 0, 0
        form, [(part, column)], _ = plan
        firms, reported = {}, 0
        for unit, cells in self.families.get((form, part), {}).get((area, of), {}).items():
            if column in cells:
                reported += 1
                firms[unit[:18]] = firms.get(unit[:18], 0) + cells[column]
        least, below = zone.COUNTS_BY_REVENUE[indicator]
        count = sum(1 for value in firms.values() if value >= least and (below is None or value < below))
        return count if reported else None, reported, self._owed(area, of, form, part)

    def _exact(self, area, of, indicator, period, cumulative):
        key = (area, of, indicator, period, cumulative)
        if key not in self.memory:
            if indicator in zone.COUNTS_BY_FLAG:
                self.memory[key] = self._by_flag(area, of, indicator, period)
            elif indicator in zone.COUNTS_BY_REVENUE:
                self.memory[key] = self._by_revenue(area, of, indicator, period)
            else:
                self.memory[key] = self._figure(area, of, indicator, period, cumulative)
        return self.memory[key]

    def _ratio(self, area, of, indicator, period, cumulative):
        upper, lower = (self._exact(area, of, part, period, cumulative) for part in zone.RATIOS[indicator])
        weaker = upper if upper[1] * lower[2] <= lower[1] * upper[2] else lower
        if upper[0] is None or not lower[0]:
            return ("",) + tuple(str(count) for count in weaker[1:])
        value = _rounded(upper[0] * 100 * 100, lower[0])
        return (_decimal(value, 2),) + tuple(str(count) for count in weaker[1:])

    def _overlap(self, area, indicator, period, cumulative):
        """Σ children − own."""
        own = self._exact(area, "all", indicator, period, cumulative)
        parts = [self._exact(child, "all", indicator, period, cumulative) for child in CHILDREN[area]]
        if own[0] is None and all(part[0] is None for part in parts):
            return EMPTY
        sums = [sum(part[n] or 0 for part in parts) - (own[n] or 0) for n in range(3)]
        return (_decimal(sums[0], zone.DECIMALS.get(indicator, 0)), str(sums[1]), str(sums[2]))

    def total(self, area, indicator, of, period, cumulative):
        """Value, reported and expected as the program prints them."""
        if of == "overlap":
            return self._overlap(area, indicator, period, cumulative)
        if indicator in zone.RATIOS:
            return self._ratio(area, of, indicator, period, cumulative)
        value, reported, expected = self._exact(area, of, indicator, period, cumulative)
        text = "" if value is None else _decimal(value, zone.DECIMALS.get(indicator, 0))
        return text, str(reported), str(expected)

    def keys(self, period, cumulative):
        """Every line that must be there: (area, indicator, slice)."""
        found = {(area, indicator, of) for area in zone.AREAS for indicator in INDICATORS for of in zone.SLICES}
        return found | {(area, indicator, "overlap") for area in zone.AREAS for indicator in INDICATORS
                        if CHILDREN[area] and indicator not in zone.RATIOS
                        and self._overlap(area, indicator, period, cumulative) != EMPTY}
