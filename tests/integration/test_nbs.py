"""China's industrial enterprises by industry, 2012 to 2014, as published, in GBK: industries are units, years are periods.

A file per indicator, so each industry's report grows by one column with each of 35 files. The published totals are the
sums of the industries within the rounding of what was added; in 2012 nine of them were published to two decimals only,
over industries with five."""

import csv
import decimal
import re
import unittest

import parktally
import realdata

FOLDER = realdata.folder("nbs")
YEARS = ("2012", "2013", "2014")
ALL = "规模以上工业企业"  # what every heading holds between the industry and the indicator
COUNTS = ("企业单位数", "亏损企业单位数")


def unit_of(industry):
    """Codes of units have no “、”."""
    return re.sub("[、,,]", "-", industry)


class Table:
    """A published file: years down, industries across."""

    def __init__(self, path, number):
        self.name = path.stem
        self.code = f"nbs{number:02d}"
        self.decimals = 0 if self.name in COUNTS else 5
        with open(path, encoding="utf-8-sig", newline="") as file:
            heading, *rows = csv.reader(file)
        rows = {row[0].removesuffix("年"): row[1:] for row in rows}
        self.total_heading = next(cell for cell in heading if cell.startswith(ALL))
        self.figures = {}  # (industry, year) → as written
        self.totals = {}   # year → as written
        for year in YEARS:
            for cell, figure in zip(heading[1:], rows[year]):
                industry = cell.split(ALL)[0]
                if industry:
                    self.figures[industry, year] = figure
                else:
                    self.totals[year] = figure

    def addends(self, year):
        return [decimal.Decimal(figure) for (_, of), figure in self.figures.items() if of == year and figure]

    def tolerance(self, year):
        """Half a unit of the last digit of each addend, and of the total where that was rounded further."""
        last = decimal.Decimal(1).scaleb(min(figure.as_tuple().exponent for figure in self.addends(year)))
        total = decimal.Decimal(self.totals[year])
        own = decimal.Decimal("0.01") if total.as_tuple().exponent >= -2 and last < decimal.Decimal("0.01") else 0
        return (len(self.addends(year)) * last + own) / 2

    def write(self, folder):
        """As a table of units in GBK, with the heading of the published total."""
        path = folder / f"{self.name}.csv"
        with open(path, "w", encoding="gbk", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["行业", "年份", self.total_heading])
            for (industry, year), figure in self.figures.items():
                writer.writerow([unit_of(industry), f"{year}年", figure])
        return path


TABLES = [Table(path, number) for number, path in enumerate(sorted(FOLDER.glob("*.csv")), 1)]
INDUSTRIES = sorted({industry for table in TABLES for industry, _ in table.figures})


class Nbs(realdata.Case):
    CATALOGUE = realdata.catalogue(
        "nbs", {"个": {}, "亿元": {}}, {"industry": realdata.named("工业", reports=True)},
        {table.code: realdata.named(table.name, measure="亿元" if table.decimals else "个", kind="stock",
                                    decimals=table.decimals, negative=True) for table in TABLES},
        {"enterprises": realdata.form("工业企业", "year", [table.code for table in TABLES])})
    REGISTER = [parktally.unit(unit_of(industry), "industry", name=industry, industry="") for industry in INDUSTRIES]

    @classmethod
    def fill(cls):
        agent = cls.agent("industry")
        columns = {"行业": "unit", "年份": "period"} | {table.total_heading: table.code for table in TABLES}
        realdata.write_mappings(agent, [{"name": "国家统计局", "columns": columns}])
        source = cls.folder / "published"
        source.mkdir()
        cls.files = [table.write(source) for table in TABLES]
        cls.answer = agent.command("push", *cls.files, "--approved-by", "国家统计局", "--wait")
        cls.lines = {}
        for year in YEARS:
            for line in cls.aggregator.totals("--period", year, "--area", "industry"):
                if line["slice"] == "all":
                    cls.lines[line["indicator"], year] = line

    def each(self):
        for table in TABLES:
            for year in YEARS:
                yield table, year, self.lines[table.code, year]

    def test_the_files_are_in_gbk(self):
        self.assertEqual((len(TABLES), len(INDUSTRIES)), (35, 41))
        for path in self.files:
            with self.assertRaises(UnicodeDecodeError):
                path.read_text(encoding="utf-8")

    def test_only_the_three_rows_without_a_figure_are_refused_and_each_is_named(self):
        empty = []
        for table in TABLES:
            for row, ((industry, _), figure) in enumerate(table.figures.items(), 2):
                if not figure:
                    empty.append(f"{table.name}.csv, row {row}, unit {unit_of(industry)} ({industry}): ")
        self.assertEqual(len(empty), 3)
        refused = [line for line in self.answer.out.splitlines() if line.endswith("]")]
        self.assertEqual(len(refused), 3, refused)
        for place, line in zip(empty, refused):
            self.assertEqual((line[:len(place)], line[-14:]), (place, "[report.empty]"))
        self.assertEqual(self.answer.code, 65)

    def test_each_total_is_the_plain_sum_of_its_industries(self):
        for table, year, line in self.each():
            with self.subTest(table=table.name, year=year):
                self.assertEqual(decimal.Decimal(line["value"]), sum(table.addends(year)))
                self.assertEqual((int(line["reported"]), line["expected"]), (len(table.addends(year)), "41"))

    def test_all_105_published_totals_are_ours_within_rounding_and_47_exactly(self):
        found = exact = 0
        for table, year, line in self.each():
            difference = abs(decimal.Decimal(table.totals[year]) - decimal.Decimal(line["value"]))
            with self.subTest(table=table.name, year=year):
                self.assertLessEqual(difference, table.tolerance(year))
            found += 1
            exact += difference == 0
        self.assertEqual((found, exact), (105, 47))

    def test_a_later_file_keeps_what_the_earlier_ones_brought(self):
        """Every report is at the revision of the last file that named it, and none was overtaken."""
        self.assertIn(" 0 overtaken by others", self.answer.out)
        self.assertEqual({line["reported"] for line in self.lines.values()}, {"40", "41"})


if __name__ == "__main__":
    unittest.main()
