"""What a unit's own history makes suspect, said at the park, offline; and codes that the catalogue exempts."""

import json
import unittest

import parktally

RULES = "  sales-grow: {zh: 销售不低于上期, en: Sales do not shrink, form: monthly, weight: mandatory, holds: sales >= last(sales)}\n"
HEADER = "uscc,period,output,sales,sales.ytd,staff"
GOOD, BAD = 0, 65


def honest(unit, month, output=1000):
    """A row: 100 of sales a month from January on."""
    return f"{unit},2018-{month:02d},{output},100,{100 * month},50"


class Case(parktally.Case):
    CATALOGUE = {}

    def setUp(self):
        super().setUp()
        self.city = self.aggregator(parktally.small_catalogue(**self.CATALOGUE))
        self.city.import_register([parktally.unit(unit, "east") for unit in ("A1", "A2")])
        self.city.start()
        self.agent = parktally.ParkAgent(self.folder / "agent", self.city.invite("east"))

    def file(self, *rows, header=HEADER):
        path = self.folder / "月报.csv"
        path.write_text("\n".join((header, *rows)) + "\n")
        return path

    def said(self, command, path, *options, code=GOOD):
        result = self.agent.command(command, path, *options, "--format", "json", code=code)
        objects = [json.loads(line) for line in result.out.splitlines()]
        return [(found["code"], found["row"], found["indicator"], found["found"], found["expected"])
                for found in objects if "severity" in found]

    def check(self, *rows, code=GOOD):
        return self.said("check", self.file(*rows), code=code)

    def push(self, *rows, code=GOOD):
        return self.said("push", self.file(*rows), "--approved-by", "张三", "--wait", code=code)


class ByWhatWasSent(Case):
    def test_a_slip_is_said_and_the_report_counts(self):
        for month in range(1, 6):
            self.assertEqual(self.push(honest("A1", month), honest("A2", month)), [])
        slip = [("figure.slip", 2, "output", "10000.0", "≈ 1000.0 (×10)")]
        self.assertEqual(self.check(honest("A1", 6, 10000), honest("A2", 6)), slip)
        self.assertEqual(self.push(honest("A1", 6, 10000), honest("A2", 6)), slip)
        total = self.city.total("east", "2018-06", "output")
        self.assertEqual((total["value"], total["reported"]), ("11000.0", "2"))
        self.assert_sound(self.city)

    def test_it_is_a_chinese_sentence_with_its_place_and_figures(self):
        self.push(*(honest("A1", month) for month in range(1, 4)))
        checked = parktally.run(parktally.AGENT, "check", self.file(honest("A1", 4, 1)), data=self.agent.data,
                                env=parktally.environment(LANGUAGE="zh_CN"))
        self.assertRegex(checked.out, r"月报\.csv，第 2 行，C 列（output），单位 A1（单位A1）：数据约为该单位历史水平的10倍、1000倍，或十分之一、千分之一，"
                         r"发现“1\.0”，应为：≈ 1000\.0 \(÷1000\)。请核对计量单位是否与报表一致；如数据无误，请准备向市里说明情况。 \[figure\.slip\]")

    def test_a_cumulative_figure_is_compared_with_the_period_before_and_not_after_a_gap(self):
        self.push(honest("A1", 4), honest("A2", 3))
        self.assertEqual(self.check("A1,2018-05,1000,100,502,50", "A2,2018-05,1000,100,999,50"),
                         [("figure.unconserved", 2, "sales.ytd", "502", "= 500")])
        self.assertEqual(self.check("A1,2018-01,1000,100,120,50"), [("figure.unconserved", 2, "sales.ytd", "120", "= 100")])

    def test_what_was_corrected_withdrawn_or_refused_is_not_history(self):
        self.push(*(honest("A1", month, 10000) for month in range(1, 4)))
        self.push(*(honest("A1", month) for month in range(1, 4)))
        self.assertEqual(self.check(honest("A1", 4)), [])
        self.push("A1,2018-03,整表撤销,,,")
        self.assertEqual(self.check(honest("A1", 4, 10000)), [])  # two are too few

    def test_nothing_to_report_is_not_suspect(self):
        self.push(*(honest("A1", month) for month in range(1, 4)))
        self.assertEqual(self.check("A1,2018-04,本期无数据,,,"), [])


class ByTheFileItself(Case):
    CATALOGUE = {"rules": RULES}

    def test_later_months_of_a_file_are_compared_with_its_earlier_ones_in_any_order(self):
        rows = [honest(unit, month) for unit in ("A2", "A1") for month in (3, 1, 2)]
        self.assertEqual(self.check(*rows), [])
        self.assertEqual(self.check(*rows, honest("A1", 4, 10000), honest("A2", 4)),
                         [("figure.slip", 8, "output", "10000.0", "≈ 1000.0 (×10)")])

    def test_without_an_agent_too(self):
        catalogue, register = self.folder / "目录.yaml", self.folder / "名录.csv"
        catalogue.write_text(parktally.small_catalogue())
        register.write_text(parktally.register_text([parktally.unit("A1", "east")]))
        checked = parktally.run(parktally.AGENT, "check", self.file(*(honest("A1", month) for month in (1, 2, 3)), honest("A1", 4, 20000)),
                                "--catalogue", catalogue, "--register", register, "--area", "east")
        self.assertEqual(checked.code, GOOD, checked)
        self.assertEqual(checked.out.count("[figure.slip]"), 1, checked)

    def test_the_file_goes_before_what_was_sent(self):
        self.push(*(honest("A1", month, 10000) for month in (1, 2, 3)))
        self.assertEqual(self.check(*(honest("A1", month, 10000) for month in (1, 2, 3)), honest("A1", 4)),
                         [("figure.slip", 5, "output", "1000.0", "≈ 10000.0 (÷10)")])
        self.assertEqual(self.check(*(honest("A1", month) for month in (1, 2, 3)), honest("A1", 4)), [])

    def test_a_rule_that_looks_back_sees_them_but_not_what_is_refused(self):
        self.assertEqual(self.check("A1,2018-02,1,100,200,1", "A1,2018-03,1,99,299,1", "A1,2018-04,1,99,398,1", code=BAD),
                         [("rule.mandatory:sales-grow", 3, "sales", "99", "≥ 100")])

    def test_a_correction_of_a_single_column_is_compared_as_a_whole(self):
        self.push(*(honest("A1", month) for month in (1, 2, 3, 4)))
        path = self.file("A1,2018-02,950", "A1,2018-04,9500", header="uscc,period,output")
        self.assertEqual(self.said("check", path), [("figure.slip", 3, "output", "9500.0", "≈ 1000.0 (×10)")])

    def test_a_month_that_is_taken_back_is_a_gap(self):
        self.push(*(honest("A1", month) for month in (1, 2, 3)))
        self.assertEqual(self.check("A1,2018-03,整表撤销,,,", "A1,2018-04,1000,100,999,50"), [])

    def test_many_units_over_three_years(self):
        units = [f"Q{n:04d}" for n in range(600)]
        catalogue, register = self.folder / "目录.yaml", self.folder / "名录.csv"
        catalogue.write_text(parktally.small_catalogue())
        register.write_text(parktally.register_text([parktally.unit(unit, "east") for unit in units]))
        rows = [f"{unit},{year}-{month:02d},{10000 if (unit, year, month) == ('Q0321', 2019, 7) else 1000},100,{100 * month},50"
                for unit in units for year in (2017, 2018, 2019) for month in range(1, 13)]
        checked = parktally.run(parktally.AGENT, "check", self.file(*rows), "--catalogue", catalogue, "--register", register,
                                "--area", "east")
        self.assertEqual(checked.out.count("\n"), 2, checked)
        self.assertRegex(checked.out, rf"row {2 + 321 * 36 + 24 + 6}, .*\[figure\.slip\]\n.*21600 good, 0 refused")


class Codes(parktally.Case):
    GENUINE = "91350211M0000XUF46"

    def codes(self, exempt):
        catalogue, register, file = (self.folder / name for name in ("目录.yaml", "名录.csv", "月报.csv"))
        catalogue.write_text(parktally.small_catalogue() + exempt)
        register.write_text(parktally.register_text([parktally.unit(self.GENUINE, "east", class_="enterprise"),
                                                     parktally.unit("A1", "east")]))
        file.write_text(f"{HEADER}\n{self.GENUINE},2018-05,1,1,5,1\n91350100M0001TGQXM,2018-05,1,1,5,1\n")
        checked = parktally.run(parktally.AGENT, "check", file, "--catalogue", catalogue, "--register", register, "--area", "east",
                                "--format", "json")
        objects = [json.loads(line) for line in checked.out.splitlines()]
        return [(found["file"], found["row"], found["code"]) for found in objects if "severity" in found]

    def test_a_code_that_is_exempt_is_not_doubted(self):
        doubted = [("月报.csv", 3, "unit.check-digit"), ("月报.csv", 3, "unit.unknown")]
        self.assertEqual(self.codes(""), [("名录.csv", 2, "unit.check-digit"), *doubted])
        self.assertEqual(self.codes(f"exempt_codes: [{self.GENUINE}]\n"), doubted)
        self.assertEqual(self.codes(f"exempt_codes: [{self.GENUINE}, 91350100M0001TGQXM]\n"), doubted[1:])

    def test_the_city_imports_it_without_a_word(self):
        city = self.aggregator(parktally.small_catalogue() + f"exempt_codes: [{self.GENUINE}]\n")
        imported = city.import_register([parktally.unit(self.GENUINE, "east", class_="enterprise"),
                                         parktally.unit("91350100M0001TGQXM", "east", class_="enterprise")])
        said = imported.out + imported.err
        self.assertEqual(said.count("[unit.check-digit]"), 1, said)
        self.assertIn("row 3", said)


if __name__ == "__main__":
    unittest.main()
