"""The demo's figures: what each unit did in 2017 and 2018, in whole 千元 (electricity: 万千瓦时)."""

SEASON = [78, 62, 92, 97, 101, 103, 98, 99, 106, 108, 112, 118]  # of a year's business, by month
MONTHLY = ("gross_output", "sales_output", "export_delivery", "electricity", "revenue", "total_profit", "taxes_paid",
           "rd_expense_accounting")


class Firm:
    """One unit's two years: months[year][indicator] is a list of 12, or None where it has no such business."""

    def __init__(self, rng, revenue, research):
        self.exports = rng.randrange(4) == 0
        self.margin = rng.choice((-3, 1, 2, 3, 4, 5, 5, 6, 7, 9, 12))
        self.power = rng.randint(900, 6000)
        self.research = rng.randint(20, 38) if research else rng.choice((0, 0, 0, 4, 8))  # ‰ of revenue
        self.staff = max(6, revenue // rng.randint(600, 1500))
        growth = rng.randint(93, 118)
        self.months = {2018: self._year(rng, revenue), 2017: self._year(rng, revenue * 100 // growth)}

    def _year(self, rng, revenue):
        parts = [season * rng.randint(90, 110) for season in SEASON]
        month = [revenue * part // sum(parts) for part in parts]
        gross = [value * rng.randint(985, 1045) // 1000 for value in month]
        sales = [value * rng.randint(960, 1005) // 1000 for value in gross]
        return {
            "gross_output": gross,
            "sales_output": sales,
            "export_delivery": [value * rng.randint(3, 20) // 100 for value in sales] if self.exports else None,
            "electricity": [1 + value // self.power for value in gross],
            "revenue": month,
            "total_profit": [value * (self.margin * 10 + rng.randint(-15, 15)) // 1000 for value in month],
            "taxes_paid": [value * rng.randint(18, 52) // 1000 for value in month],
            "rd_expense_accounting": [value * self.research // 1000 for value in month],
        }

    def scale(self, indicator, month, per_mille):
        """A correction of one month of 2018."""
        series = self.months[2018][indicator]
        series[month - 1] = series[month - 1] * per_mille // 1000

    def _sum(self, year, indicator, first, last):
        series = self.months[year][indicator]
        return None if series is None else sum(series[first - 1:last])

    def output(self, first, last):
        """The report of output-monthly; columns without a figure are left out."""
        report = {}
        for indicator in ("gross_output", "sales_output", "export_delivery", "electricity"):
            report[indicator] = self._sum(2018, indicator, first, last)
            report[indicator + ".ytd"] = self._sum(2018, indicator, 1, last)
            report[indicator + ".ly"] = self._sum(2017, indicator, first, last)
            report[indicator + ".ytd_ly"] = self._sum(2017, indicator, 1, last)
        return {column: value for column, value in report.items() if value is not None}

    def finance(self, last):
        report = {}
        for indicator in ("revenue", "total_profit", "taxes_paid", "rd_expense_accounting"):
            report[indicator + ".ytd"] = self._sum(2018, indicator, 1, last)
            report[indicator + ".ytd_ly"] = self._sum(2017, indicator, 1, last)
        report["staff"] = self.staff + last // 4
        return report

    def research_report(self, rng):
        """rd-yearly; line 7 is the sum of lines 8 to 14 and 19. None where a firm does no research."""
        revenue = self._sum(2018, "revenue", 1, 12)
        whole = revenue * (self.research + rng.randint(0, 6)) // 1000
        if not self.research or whole < 100:
            return None
        shares = {"rd_labour": 31, "rd_direct": 38, "rd_depreciation": 9, "rd_amortisation": 2, "rd_design": 4,
                  "rd_trial": 5, "rd_outsourced": 6, "rd_other": 5}
        parts = {column: whole * share // 100 for column, share in shares.items()}
        patents = whole // 9_000 + rng.randint(0, 5)
        return {
            "rd_staff": max(2, self.staff * rng.randint(4, 12) // 100),
            "rd_expense": sum(parts.values()),
            **parts,
            "patent_applications": patents,
            "invention_applications": patents * rng.randint(20, 50) // 100,
            "invention_patents": patents * rng.randint(10, 80) // 100,
            "new_product_sales": revenue * rng.randint(5, 30) // 100,
            "rd_intramural": sum(parts.values()) * rng.randint(80, 95) // 100,
            "sei_output": revenue * rng.choice((0, 0, 20, 45, 80)) // 100,
        }

    def growth_report(self, rng, year):
        """growth-yearly: the year's figures, and the revenue promised for the next one."""
        revenue = self._sum(year, "revenue", 1, 12)
        return {"growth_revenue": revenue, "growth_rd": revenue * (self.research + rng.randint(0, 8)) // 1000,
                "growth_new_products": revenue * rng.randint(6, 34) // 100,
                "growth_revenue_next": revenue * rng.randint(97, 114) // 100}
