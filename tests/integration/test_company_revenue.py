"""A month of 1040 listed companies, as the exchange published it: UTF-8 with BOM, traditional headings, years of the
Republic (114), notes that run over lines. A mapping in the agent's configuration is all that makes it fit a form."""

import decimal
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
GROWTH = ["營業收入-上月比較增減(%)", "營業收入-去年同月增減(%)", "累計營業收入-前期比較增減(%)"]
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


class CompanyRevenue(realdata.Case):
    CATALOGUE = realdata.catalogue(
        "exchange", {"千元": {}}, {"market": realdata.named("市場"), "listed": realdata.named("上市", reports=True)
                                   | {"in": "market"}},
        {"revenue": realdata.named("營業收入", measure="千元", kind="flow", basis="both", negative=True)},
        {"revenue-monthly": realdata.form("月營收", "month", COLUMNS.values(), january="separate")})
    REGISTER = [parktally.unit(row["公司代號"], "listed", name=row["公司名稱"], industry="") for row in ROWS]

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


if __name__ == "__main__":
    unittest.main()
