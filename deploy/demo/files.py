"""A small reader of the demo's files, for the check. It knows the habits of sheets.py, not the agent's rules."""

import csv
import datetime
import io
import re
import unicodedata

import sheets
import zone

NIL, WITHDRAW, WITHDRAW_ALL = "本期无数据", "撤销", "整表撤销"


def _key(text):
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).replace("—", "-").lower()


def _headings():
    """Every heading that a column may have → columns of that name, form by form."""
    found = {}
    for form, columns in zone.FORMS.items():
        for column in columns:
            indicator, _, variant = column.partition(".")
            names = {column, sheets.heading_en(None, form, column)}
            zh = zone.FIGURES[indicator][0]
            has_variants = any(other.startswith(indicator + ".") for other in columns)
            word = zone.WORDS_ZH["." + variant if variant else ""]
            names |= {zh + f"（{word}）", zh + word} if has_variants else {zh}
            for name in names:
                found.setdefault(_key(name), []).append((form, column))
    return found


HEADINGS = _headings()


def _period(text):
    text = unicodedata.normalize("NFKC", text).strip()
    if re.fullmatch(r"\d{5}", text):
        day = datetime.date(1899, 12, 30) + datetime.timedelta(int(text))
        return f"{day.year}-{day.month:02}"
    if re.fullmatch(r"\d{4}-01/P2M|(\d{4})年1[—-]2月", text):
        return text[:4] + "-01/P2M"
    if match := re.fullmatch(r"(\d{4})年?", text):
        return match[1]
    match = re.fullmatch(r"(\d{4})[-/年]?(\d{1,2})月?", text)
    return f"{match[1]}-{int(match[2]):02}" if match else None


class Unreadable(Exception):
    pass


def _value(text, column, in_ten_thousands):
    """A cell as a scaled integer, None or a word."""
    text = unicodedata.normalize("NFKC", text).strip()
    if text in ("", "—", "-"):
        return None
    if text in (NIL, WITHDRAW, WITHDRAW_ALL):
        return text
    match = re.fullmatch(r"(-?)(\(?)([\d,]+)(?:\.(\d+))?\)?", text)
    if not match:
        raise Unreadable
    indicator = column.partition(".")[0]
    decimals = zone.DECIMALS.get(indicator, 0)
    if in_ten_thousands and zone.FIGURES[indicator][2] == "千元":
        decimals = 1
    rest = (match[4] or "").rstrip("0")
    if len(rest) > decimals:
        raise Unreadable
    value = int(match[3].replace(",", "") + rest.ljust(decimals, "0"))
    return -value if match[1] or match[2] else value


def _decode(data):
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass
    raise SystemExit("a file of the demo is in no known encoding")


class Sheet:
    """One file: rows of (unit, period, {column: value}), None instead of cells where one cannot be read."""

    def __init__(self, path):
        text = _decode(path.read_bytes())
        lines = list(csv.reader(io.StringIO(text), delimiter=";" if text.split("\n", 1)[0].count(";") > 2 else ","))
        self.form = self.title_period = None
        self.in_ten_thousands = False
        at = self._find_header(lines)
        self._bind(lines[at], lines[at + 1])
        start = at + (2 if self.two_levels else 1)
        self.rows = [row for line in lines[start:] if (row := self._row(line))]

    def _find_header(self, lines):
        for n, line in enumerate(lines):
            keys = [_key(cell) for cell in line]
            if "uscc" in keys or "统一社会信用代码" in keys:
                self.in_ten_thousands |= any("(万元)" in key for key in keys)
                return n
            for key in keys:
                if key.startswith("报告期:") and key != "报告期:":
                    self.title_period = _period(key.removeprefix("报告期:").upper())
                self.in_ten_thousands |= key == "计量单位:万元"
        raise SystemExit("a file of the demo has no header")

    def _bind(self, head, below):
        keys = [_key(cell).replace("(万元)", "") for cell in head]
        self.two_levels = bool(below) and below[0] == "" and any(_key(cell) in ("本月", "1-本月") for cell in below)
        if self.two_levels:
            over = ""
            for n, key in enumerate(keys):
                over = key or over
                keys[n] = over + _key(below[n])
        find = lambda *names: next((n for n, key in enumerate(keys) if key in names), None)
        self.unit_at, self.period_at = find("uscc", "统一社会信用代码"), find("period", "报告期")
        self.indicator_at, self.value_at = find("indicator"), find("value")
        candidates = [HEADINGS.get(key, []) for key in keys]
        forms = [form for form in zone.FORMS
                 if all(any(of == form for of, _ in found) for found in candidates if found)]
        if self.indicator_at is None:
            self.form = forms[0]
        self.columns = {n: next(column for of, column in found if of == self.form)
                        for n, found in enumerate(candidates) if found and self.form}

    def _row(self, line):
        unit = unicodedata.normalize("NFKC", line[self.unit_at]).strip() if len(line) > self.unit_at else ""
        if not re.fullmatch(r"[0-9A-Za-z.+-]+", unit):
            return None  # totals and footers
        period = _period(line[self.period_at]) if self.period_at is not None else self.title_period
        try:
            if self.indicator_at is None:
                cells = {column: _value(line[n], column, self.in_ten_thousands) for n, column in self.columns.items()}
            else:
                column = line[self.indicator_at]
                self.form = self.form or next(form for form, columns in zone.FORMS.items() if column in columns)
                cells = {column: _value(line[self.value_at], column, False)}
        except Unreadable:
            cells = None
        return unit, period, cells


def _is_reportable(unit, period, form, park, units):
    """Registered, in this park and of a class that reports the form."""
    version = zone.governing(units.get(unit, []), period)
    return version and park in version["parks"].split(";") and version["class"] in zone.CLASSES[form]


def _of_reports(sheet):
    """Rows of one unit and period together; None where one of them is bad or two say different things."""
    found = {}
    long = sheet.indicator_at is not None
    for unit, period, cells in sheet.rows:
        key = (unit, period)
        known = found.get(key, {})
        if key not in found:
            found[key] = cells
        elif cells is None or known is None:
            found[key] = None
        elif long and not cells.keys() & known.keys():
            known.update(cells)
        elif any(known.get(column) != value for column, value in cells.items()):
            found[key] = None
    return found


def _apply(report, cells):
    """The report after the cells of a file; itself where they are refused."""
    kind, current = report or ("figures", {})
    words = set(value for value in cells.values() if isinstance(value, str))
    if NIL in words or WITHDRAW_ALL in words:
        return ("nil" if NIL in words else "withdrawal"), {}
    if any(value is None and column in current for column, value in cells.items()):
        return report
    merged = {**current, **{column: value for column, value in cells.items() if value not in (None, WITHDRAW)}}
    for column, value in cells.items():
        if value == WITHDRAW:
            merged.pop(column, None)
    return "figures", merged


def read_all(world, units):
    """What all files come to, ({(form, period, unit, park): (kind, cells)}, rows read)."""
    reports, count = {}, 0
    with open(world / "files.csv", encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    for entry in listed:
        sheet = Sheet(world / entry["file"])
        park = entry["agent"] if entry["agent"] in zone.PARKS else "city"
        count += len(sheet.rows)
        for (unit, period), cells in _of_reports(sheet).items():
            key = (sheet.form, period, unit, park)
            if cells is None or not _is_reportable(unit, period, sheet.form, park, units):
                continue
            if (report := _apply(reports.get(key), cells)):
                reports[key] = report
    return reports, count
