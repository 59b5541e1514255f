"""A month of 1040 listed companies, as the exchange published it: UTF-8 with BOM, traditional headings, years of the
Republic (114), notes that run over lines. A mapping in the agent's configuration is all that makes it fit a form."""

import decimal
import fractions
import sqlite3
import unittest

import parktally
import realdata

FILE = realdata.folder("company-revenue") / "month.csv"
ROWS = realdata.read_table(FILE)
FEBRUARY, JANUARY = "2025-02", "2025-01"
MONTH, BEFORE, LAST_YEAR = "營業收入-當月營收", "營業收入-上月營收", "營業收入-去年當月營收"
CUMULATIVE, CUMULATIVE_LAST_YEAR = "累計營業收入-當月累計營收", "累計營業收入-去年累計營收"
COLUMNS = {MONTH: "revenue", LAST_YEAR: "revenue.ly", CUMULATIVE: "revenue.ytd", CUMULATIVE_LAST_YEAR: "revenue.ytd_ly"}
UNIT = {"公司代號": "unit", "公司名稱": "name"}
GROWTH = GROWTH_ON_MONTH, GROWTH_ON_YEAR, GROWTH_OF_CUMULATIVE = [
    "營業收入-上月比較增減(%)", "營業收入-去年同月增減(%)", "累計營業收入-前期比較增減(%)"]
IGNORED = ["出表日期", "產業別", "備註", *GROWTH]


def figures_of(packed):
    """A report's columns, from the packed form that common/report.h describes: column → figure."""
    packed = bytes.fromhex(packed)
    presence = packed[1:1 + packed[0]]
    figures, at = {}, 1 + packed[0]
    for column in range(8 * len(presence)):
        if not presence[column // 8] >> column % 8 & 1:
            continue
        number = shift = 0
        while True:
            byte = packed[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        figures[column] = number >> 1 ^ -(number & 1)
    assert at == len(packed), packed
    return figures


def area_of(row):
    """Each company is an area of its own, so that its growth is one that the programs print."""
    return f"c{row['公司代號']}"


class CompanyRevenue(realdata.Case):
    CATALOGUE = realdata.catalogue(
        "exchange", {"千元": {}},
        {"market": realdata.named("市場"), "listed": realdata.named("上市", reports=True) | {"in": "market"}}
        | {area_of(row): realdata.named(row["公司名稱"], reports=True) | {"in": "listed"} for row in ROWS},
        {"revenue": realdata.named("營業收入", measure="千元", kind="flow", basis="both", negative=True)},
        {"revenue-monthly": realdata.form("月營收", "month", COLUMNS.values(), january="separate")})
    REGISTER = [parktally.unit(row["公司代號"], area_of(row), name=row["公司名稱"], industry="") for row in ROWS]

    @classmethod
    def fill(cls):
        agent = cls.agent("listed")
        realdata.write_mappings(agent, [
            {"name": "月營收", "files": "month.csv", "form": "revenue-monthly", "year_offset": 1911,
             "columns": UNIT | {"資料年月": "period"} | COLUMNS, "ignore": [BEFORE, *IGNORED]}])
        january = realdata.write_mappings(agent, [
            {"name": "上月", "columns": UNIT | {BEFORE: "revenue"},
             "ignore": ["資料年月", MONTH, LAST_YEAR, CUMULATIVE, CUMULATIVE_LAST_YEAR, *IGNORED]}], "january.yaml")
        cls.answers = [
            agent.command("push", FILE, "--approved-by", "主計", "--wait"),
            agent.command("push", FILE, "--config", january, "--period", JANUARY, "--approved-by", "主計", "--wait")]

    def test_the_published_file_goes_through_whole(self):
        self.assertEqual(len(ROWS), 1040)
        for answer in self.answers:
            self.assertEqual(answer.code, 0, answer)
            self.assertIn("of 1040 reports sent: 1040 counted", answer.out)

    def test_totals_are_the_plain_sums(self):
        for heading, slot in zip(COLUMNS, range(4)):
            with self.subTest(heading=heading):
                total = self.view("SELECT total FROM totals WHERE period = ? AND area = 'market' AND slice = 'all' "
                                  "AND slot = ?", FEBRUARY, slot)
                self.assertEqual(int(total[0][0]), sum(int(row[heading]) for row in ROWS))
        for period, heading in ((FEBRUARY, MONTH), (JANUARY, BEFORE)):
            for area in ("market", "listed"):
                line = self.aggregator.total(area, period, "revenue")
                self.assertEqual(int(line["value"]), sum(int(row[heading]) for row in ROWS))
                self.assertEqual((line["reported"], line["expected"]), ("1040", "1040"))

    def test_the_cumulative_total_is_the_one_that_was_reported(self):
        line = self.aggregator.total("market", FEBRUARY, "revenue", "all", "--cumulative")
        self.assertEqual(int(line["value"]), sum(int(row[CUMULATIVE]) for row in ROWS))

    def view(self, sql, *values):
        """What anyone reads with a plain SQL shell."""
        store = sqlite3.connect(f"file:{self.aggregator.data}/store.db?mode=ro", uri=True)
        try:
            return store.execute(sql, values).fetchall()
        finally:
            store.close()

    def reports(self, period):
        rows = self.view("SELECT unit, figures FROM reports WHERE period = ? AND counted", period)
        return {unit: figures_of(figures) for unit, figures in rows}

    def test_each_report_is_the_row_of_the_file(self):
        february, january = self.reports(FEBRUARY), self.reports(JANUARY)
        for row in ROWS:
            company = row["公司代號"]
            self.assertEqual(february[company], {slot: int(row[heading]) for slot, heading in enumerate(COLUMNS)})
            self.assertEqual(january[company], {0: int(row[BEFORE])})

    def test_the_cumulative_conserves_for_the_same_941_companies_as_published(self):
        february, january = self.reports(FEBRUARY), self.reports(JANUARY)
        conserved = {company for company, figures in february.items()
                     if figures[2] == figures[0] + january[company][0]}
        published = {row["公司代號"] for row in ROWS if int(row[CUMULATIVE]) == int(row[MONTH]) + int(row[BEFORE])}
        self.assertEqual(conserved, published)
        self.assertEqual(len(conserved), 941)

    def test_what_does_not_conserve_is_the_difference_of_the_totals(self):
        """By totals alone: cumulative − month − month before = what the other 99 companies restated."""
        def value(period, *options):
            return int(self.aggregator.total("listed", period, "revenue", "all", *options)["value"])
        restated = sum(decimal.Decimal(row[CUMULATIVE]) - int(row[MONTH]) - int(row[BEFORE]) for row in ROWS)
        self.assertNotEqual(restated, 0)
        self.assertEqual(value(FEBRUARY, "--cumulative") - value(FEBRUARY) - value(JANUARY), restated)

    # --- growth ---

    def lines(self, *options):
        """One for each company."""
        lines = {line["area"]: line for line in self.aggregator.totals(
            "--period", FEBRUARY, "--indicator", "revenue", "--slice", "all", *options)}
        return {row["公司代號"]: lines[area_of(row)] for row in ROWS}

    def agreeing(self, official, options, columns, now, before, others):
        """How many rates are the official ones, from the same figures: of all but `others`, which have a word."""
        agreeing, shown, lines = 0, {}, self.lines(*options)
        for row in ROWS:
            line = lines[row["公司代號"]]
            figures = tuple(int(line[column]) for column in columns[:2])
            self.assertEqual(figures, (int(row[now]), int(row[before])), line)
            if row["公司代號"] in others:
                shown[row["公司代號"]] = line[columns[2]]
                continue
            exact = fractions.Fraction(figures[0] - figures[1], figures[1]) * 100
            self.assertLess(abs(exact - fractions.Fraction(row[official])), fractions.Fraction(1, 10**9), row)
            rounded = decimal.Decimal(row[official]).quantize(decimal.Decimal("0.1"), decimal.ROUND_HALF_UP)
            self.assertEqual(decimal.Decimal(line[columns[2]]), rounded, row)
            agreeing += 1
        self.assertEqual(shown, others)
        return agreeing

    def test_official_growth_on_the_month_before_for_1036(self):
        self.assertEqual(1036, self.agreeing(GROWTH_ON_MONTH, ("--mom",), ("value", "before", "growth"), MONTH, BEFORE, {
            "1438": "unchanged",          # nothing in both months; the exchange prints nothing
            "6838": "from_zero",          # nothing in January; likewise
            "6919": "unchanged",          # as 1438
            "6901": "turned_to_profit"}))  # January was below zero; the exchange divides by the amount of the loss

    COMPARABLE = ("comparable", "comparable_before", "comparable_growth")

    def test_official_growth_on_the_same_month_of_last_year_for_1036(self):
        self.assertEqual(1036, self.agreeing(GROWTH_ON_YEAR, ("--yoy",), self.COMPARABLE, MONTH, LAST_YEAR, {
            "1438": "unchanged",     # nothing in both years; the exchange prints nothing
            "3716": "from_zero",     # nothing a year before; likewise
            "6838": "from_zero",
            "6885": "from_zero"}))

    def test_official_growth_of_the_cumulative_figure_for_1035(self):
        self.assertEqual(1035, self.agreeing(
            GROWTH_OF_CUMULATIVE, ("--yoy", "--cumulative"), self.COMPARABLE, CUMULATIVE, CUMULATIVE_LAST_YEAR, {
                "1438": "unchanged",           # as of the month
                "3716": "from_zero",
                "6838": "from_zero",
                "6885": "from_zero",
                "6901": "turned_to_profit"}))  # last year's was below zero; the exchange divides by its amount

    def test_growth_of_the_market_is_that_of_the_sums(self):
        line = self.aggregator.total("market", FEBRUARY, "revenue", "all", "--yoy")
        now, before = (sum(int(row[heading]) for row in ROWS) for heading in (MONTH, LAST_YEAR))
        self.assertEqual((int(line["comparable"]), int(line["comparable_before"])), (now, before))
        self.assertEqual((line["before"], line["growth"]), ("", ""), "nothing was reported for last year itself")
        self.assertEqual(float(line["comparable_growth"]), round((now / before - 1) * 100, 1))


if __name__ == "__main__":
    unittest.main()
