"""Spreadsheets as parks really send them: each park has its own habits."""

import csv
import datetime

import zone

TITLES = {"output-monthly": "工业产销总值及主要产品产量（B204-1表）", "finance-monthly": "财务状况（B203表）",
          "rd-yearly": "企业研究开发活动及相关情况（107-2表）", "carriers-yearly": "创新创业载体情况",
          "growth-yearly": "重点新兴企业培育情况"}
LINES = {"rd_staff": "1", "rd_expense": "7", "rd_labour": "8", "rd_direct": "9", "rd_depreciation": "10",
         "rd_amortisation": "11", "rd_design": "12", "rd_trial": "13", "rd_outsourced": "14", "rd_other": "19",
         "patent_applications": "29", "invention_applications": "30", "invention_patents": "32",
         "new_product_sales": "36"}
WORDS_EN = {"": "month", "ytd": "ytd", "ly": "last year", "ytd_ly": "year to date last year"}
FULL_WIDTH = str.maketrans("0123456789,.-", "０１２３４５６７８９，．－")


class Row:
    """What a file says of one unit and period; cells hold ints, words as they are, or None. `bad`: it must be refused."""

    def __init__(self, unit, name, period, cells, bad=False):
        self.unit, self.name, self.period, self.cells, self.bad = unit, name, period, cells, bad


# --- periods as people write them


def _year_month(period):
    year, first, last = zone.months_of(period)
    return year, first, last


def period_zh(period):
    year, first, last = _year_month(period)
    return f"{year}年" if len(period) == 4 else f"{year}年1—2月" if first != last else f"{year}年{first}月"


def period_digits(period):
    year, first, last = _year_month(period)
    if first != last:
        return period
    return (f"{year}{first:02}", f"{year}/{first}", f"{year}-{first:02}")[first % 3]


def period_serial(period):
    """As a spreadsheet stores a date."""
    year, first, last = _year_month(period)
    if first != last:
        return period_zh(period)
    return str((datetime.date(year, first, 1) - datetime.date(1899, 12, 30)).days)


# --- numbers as people write them


def _scaled(value, decimals):
    whole, rest = divmod(abs(value), 10 ** decimals)
    return f"{whole:,}" + (f".{rest:0{decimals}}" if decimals else "")


def plain(value, decimals):
    return ("-" if value < 0 else "") + _scaled(value, decimals).replace(",", "")


def grouped(value, decimals):
    return ("-" if value < 0 else "") + _scaled(value, decimals)


def bracketed(value, decimals):
    text = _scaled(value, decimals)
    return f"({text})" if value < 0 else text


def full_width(value, decimals):
    return grouped(value, decimals).translate(FULL_WIDTH)


# --- headings


def _parts(column):
    indicator, _, variant = column.partition(".")
    return indicator, variant


def heading_zh(style, form, column):
    indicator, variant = _parts(column)
    name = zone.FIGURES[indicator][0]
    has_variants = sum(other.startswith(indicator + ".") for other in zone.FORMS[form]) > 0
    word = f"（{zone.WORDS_ZH['.' + variant if variant else '']}）" if has_variants else ""
    measure = f"（{style.amount}）" if style.amount_in_heading and zone.FIGURES[indicator][2] == "千元" else ""
    return name + word + measure


def heading_en(style, form, column):
    if form == "rd-yearly":
        return LINES.get(column, column)
    indicator, variant = _parts(column)
    has_variants = sum(other.startswith(indicator + ".") for other in zone.FORMS[form]) > 0
    return zone.FIGURES[indicator][1] + (f", {WORDS_EN[variant]}" if has_variants else "")


class Style:
    """The habits of one park."""

    def __init__(self, encoding, number, period, heading, *, amount="千元", delimiter=",", period_in_title=False,
                 amount_in_heading=False, titles=False, levels=1, long=False, total=False, missing=""):
        self.encoding, self.number, self.period, self.heading = encoding, number, period, heading
        self.amount, self.delimiter, self.period_in_title = amount, delimiter, period_in_title
        self.amount_in_heading, self.titles, self.levels = amount_in_heading, titles, levels
        self.long, self.total, self.missing = long, total, missing

    def cell(self, column, value):
        if value is None:
            return self.missing
        if isinstance(value, str):
            return value
        indicator = _parts(column)[0]
        decimals = zone.DECIMALS.get(indicator, 0)
        if self.amount == "万元" and zone.FIGURES[indicator][2] == "千元":
            decimals = 1
        return self.number(value, decimals)


STYLES = {
    "liudong": Style("utf-8-sig", grouped, period_zh, heading_zh, titles=True, total=True),
    "hexi": Style("gbk", bracketed, period_zh, heading_zh, amount="万元", period_in_title=True, titles=True, total=True),
    "yanghe": Style("utf-8", plain, str, None, long=True),
    "luowei": Style("gb18030", grouped, str, heading_zh, period_in_title=True, titles=True, levels=2),
    "liubei": Style("utf-8", bracketed, period_digits, heading_en, missing="—"),
    "xinxing": Style("gbk", full_width, period_serial, heading_zh, amount="万元", amount_in_heading=True, delimiter=";"),
    "tongji": Style("utf-8-sig", plain, str, heading_zh),
    "caizheng": Style("gbk", grouped, period_zh, heading_zh),
    "keji": Style("utf-8", plain, str, heading_zh),
}


def _long(style, columns, rows):
    yield ["uscc", "period", "indicator", "value"]
    for row in rows:
        for column in columns:
            if row.cells.get(column) is not None:
                yield [row.unit, row.period, column, style.cell(column, row.cells[column])]


def _titles(style, form, rows, width):
    yield [TITLES.get(form, form)] + [""] * (width - 1)
    period = ""
    if style.period_in_title:
        period = f"报告期：{style.period(rows[0].period)}"
    yield [period, f"计量单位：{style.amount}"] + [""] * (width - 2)


def _two_levels(form, columns):
    """The indicator above, merged over its variants below."""
    upper, lower, last = [], [], None
    for column in columns:
        indicator, variant = _parts(column)
        upper.append(zone.FIGURES[indicator][0] if indicator != last else "")
        has_variants = sum(other.startswith(indicator + ".") for other in zone.FORMS[form]) > 0
        lower.append(zone.WORDS_ZH["." + variant if variant else ""] if has_variants else "")
        last = indicator
    return upper, lower


def _footer(period):
    _, _, month = zone.months_of(period)
    return ["单位负责人：示例甲", "统计负责人：示例乙", "填表人：示例丙", "联系电话：0772-0000000",
            f"报出日期：2018年{month % 12 + 1}月8日"]


def _wide(style, form, columns, rows):
    before = ["序号"] if style.titles else []
    after = ["备注"] if style.titles else []
    period = [] if style.period_in_title else ["报告期"]
    if style.heading is heading_en:
        head = ["uscc", "name"] + (["period"] if period else [])
    else:
        head = before + ["统一社会信用代码", "单位详细名称"] + period
    width = len(head) + len(columns) + len(after)
    if style.titles:
        yield from _titles(style, form, rows, width)
    if style.levels == 2:
        upper, lower = _two_levels(form, columns)
        yield head + upper + after
        if any(lower):
            yield [""] * len(head) + lower + [""] * len(after)
    else:
        yield head + [style.heading(style, form, column) for column in columns] + after
    for n, row in enumerate(rows, 1):
        front = [str(n)] if before else []
        front += [row.unit, row.name] + ([style.period(row.period)] if period else [])
        yield front + [style.cell(column, row.cells.get(column)) for column in columns] + [""] * len(after)
    if style.total:
        sums = [sum(value for row in rows if isinstance(value := row.cells.get(column), int)) for column in columns]
        yield ([""] * len(before) + ["合计", ""] + [""] * len(period) +
               [style.cell(column, total) for column, total in zip(columns, sums)] + [""] * len(after))
    if style.titles:
        yield (_footer(rows[0].period) + [""] * width)[:max(width, 5)]


def write(path, style, form, columns, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = _long(style, columns, rows) if style.long else _wide(style, form, columns, rows)
    with open(path, "w", encoding=style.encoding, newline="") as file:
        csv.writer(file, delimiter=style.delimiter, lineterminator="\r\n").writerows(lines)
