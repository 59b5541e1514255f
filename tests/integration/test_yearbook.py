"""China's R&D by province, as published: provinces are units, the four regions are areas, the nation is the zone.

The files are pushed as they were published. Regions and nation were published too, so their totals are known: each
equals ours exactly, or within the rounding of the provinces that were added up."""

import unittest

import parktally
import realdata

YEAR = "2017"
FOLDER = realdata.folder("yearbook-2018")
NATION = "全国"
REGIONS = {
    "east": ("东部地区", "北京 天津 河北 上海 江苏 浙江 福建 山东 广东 海南".split()),
    "middle": ("中部地区", "山西 安徽 江西 河南 湖北 湖南".split()),
    "west": ("西部地区", "内蒙古 广西 重庆 四川 贵州 云南 西藏 陕西 甘肃 青海 宁夏 新疆".split()),
    "northeast": ("东北地区", "辽宁 吉林 黑龙江".split()),
    "overseas": ("港澳台", "香港 澳门 台湾".split()),
}
AREAS = {NATION: "nation"} | {name: code for code, (name, _) in REGIONS.items()}
PROVINCES = [name for area, (_, names) in REGIONS.items() if area != "overseas" for name in names]
PATENTS = "patents-in-force"  # the one table with a row for Hong Kong, Macao and Taiwan, and without regions
GAP = "06-RD-institution"     # the one table without Tibet


class Table:
    """A published table."""

    def __init__(self, path):
        self.path = path
        self.name = path.stem
        rows = realdata.read_table(path)
        self.headings = [heading for heading in rows[0] if heading not in ("level", "name", "Region")]
        self.codes = {heading: f"t{self.name[:2]}_{n}" for n, heading in enumerate(self.headings, 1)}
        self.published = {row["name"]: row for row in rows if row["level"] in ("total", "region")}
        self.units = {row["name"]: row for row in rows if row["level"] not in ("total", "region")}

    def addends(self, area, heading):
        """The figures of the units of an area."""
        names = self.units if area == "nation" else REGIONS[area][1]
        rows = [self.units[name] for name in names if name in self.units]
        return [int(row[heading]) for row in rows if row[heading]]

    def totals(self):
        """(heading, area, published figure) of each published total."""
        for name, row in self.published.items():
            for heading in self.headings:
                yield heading, AREAS[name], int(row[heading])


TABLES = {path.stem: Table(path) for path in sorted(FOLDER.glob("*.csv"))}


def make_catalogue():
    indicators, forms = {}, {}
    for table in TABLES.values():
        for heading, code in table.codes.items():
            indicators[code] = realdata.named(f"{table.name} {heading}", measure="个", kind="stock")
        forms[f"form-{table.name}"] = realdata.form(
            table.name, "year", table.codes.values(), ("province", "other") if table.name == PATENTS else ("province",))
    areas = {"nation": realdata.named(NATION)}
    for code, (name, _) in REGIONS.items():
        areas[code] = realdata.named(name, reports=True) | {"in": "nation"}
    classes = {name: realdata.named(name, ids="code") for name in ("province", "other")}
    return realdata.catalogue("yearbook", {"个": {}}, areas, indicators, forms, classes)


def make_register():
    return [parktally.unit(name, area, class_="other" if area == "overseas" else "province", name=name, industry="")
            for area, (_, names) in REGIONS.items() for name in names]


def mappings_of(area):
    """How a region's agent reads the nation's tables: rows of totals, and of other regions' provinces, are passed over."""
    others = [name for other, (_, names) in REGIONS.items() if other != area for name in names]
    return [{"name": table.name, "files": f"{table.name}.csv", "form": f"form-{table.name}",
             "columns": {"name": "unit", "Region": "name"} | table.codes, "ignore": ["level"],
             "skip": {"level": ["total", "region"], "name": others}} for table in TABLES.values()]


class Yearbook(realdata.Case):
    CATALOGUE = make_catalogue()
    REGISTER = make_register()

    @classmethod
    def fill(cls):
        cls.answers = {}
        for area in REGIONS:
            agent = cls.agent(area)
            realdata.write_mappings(agent, mappings_of(area))
            files = [table.path for table in TABLES.values() if area != "overseas" or table.name == PATENTS]
            cls.answers[area] = agent.command("push", *files, "--period", YEAR, "--approved-by", "省统计局", "--wait")
        cls.lines = {(line["area"], line["indicator"]): line for line in cls.aggregator.totals("--period", YEAR)
                     if line["slice"] == "all"}

    def line(self, area, table, heading):
        return self.lines[area, table.codes[heading]]

    def test_every_file_goes_through_as_published(self):
        for area, answer in self.answers.items():
            with self.subTest(area=area):
                self.assertEqual(answer.code, 0, answer)

    def test_each_total_is_the_plain_sum_of_its_provinces(self):
        for table in TABLES.values():
            for area in AREAS.values():
                for heading in table.headings:
                    addends = table.addends(area, heading)
                    line = self.line(area, table, heading)
                    with self.subTest(table=table.name, area=area, heading=heading):
                        self.assertEqual(line["value"], str(sum(addends)) if addends else "")
                        self.assertEqual(int(line["reported"]), len(addends))

    def test_each_published_total_is_ours_within_the_rounding_of_its_addends(self):
        exact, all_totals = {}, {}
        for table in TABLES.values():
            if table.name == GAP:
                continue
            for heading, area, published in table.totals():
                line = self.line(area, table, heading)
                difference = abs(published - int(line["value"]))
                with self.subTest(table=table.name, area=area, heading=heading, published=published):
                    self.assertLessEqual(2 * difference, int(line["reported"]))
                exact[table.name] = exact.get(table.name, 0) + (difference == 0)
                all_totals[table.name] = all_totals.get(table.name, 0) + 1
        self.assertEqual(all_totals, {
            "00-firms": 10, "01-employee": 20, "03-spend-inner": 50, "04-spend-outer": 15, "05-RD-projects": 15,
            "07-new-product": 20, "08-patent": 15, "09-tech-renew": 20, PATENTS: 4})
        self.assertEqual(exact, {
            "00-firms": 10, "01-employee": 15, "03-spend-inner": 21, "04-spend-outer": 6, "05-RD-projects": 9,
            "07-new-product": 13, "08-patent": 15, "09-tech-renew": 8, PATENTS: 4})

    def test_a_province_that_is_missing_shows_as_coverage_and_as_three_residuals(self):
        table = TABLES[GAP]
        self.assertNotIn("西藏", table.units)
        residuals = []
        for heading in table.headings:
            nation, west = self.line("nation", table, heading), self.line("west", table, heading)
            self.assertEqual((nation["reported"], nation["expected"]), ("30", "31"))
            self.assertEqual((west["reported"], west["expected"]), ("11", "12"))
            residual = int(table.published[NATION][heading]) - int(nation["value"])
            residuals.append(residual)
        self.assertEqual(residuals, [2, 193, 14, 1086, 13365])
        self.assertEqual([residual for residual in residuals if 2 * residual > 30], [193, 1086, 13365])
        for area in ("east", "middle", "northeast"):
            line = self.line(area, table, table.headings[0])
            self.assertEqual(line["reported"], line["expected"])

    def test_every_province_reported_every_other_table(self):
        for table in TABLES.values():
            expected = 34 if table.name == PATENTS else 31
            for heading in table.headings:
                with self.subTest(table=table.name, heading=heading):
                    self.assertEqual(self.line("nation", table, heading)["expected"], str(expected))

    def test_patents_in_force_need_hong_kong_macao_and_taiwan(self):
        table = TABLES[PATENTS]
        for heading in table.headings:
            nation, overseas = self.line("nation", table, heading), self.line("overseas", table, heading)
            mainland = sum(int(self.line(area, table, heading)["value"]) for area in REGIONS if area != "overseas")
            self.assertEqual(overseas["reported"], "3")
            self.assertEqual(int(nation["value"]), int(table.published[NATION][heading]))
            self.assertNotEqual(mainland, int(nation["value"]))
            self.assertEqual(mainland + int(overseas["value"]), int(nation["value"]))

    def test_no_province_lies_in_two_regions(self):
        overlaps = [line for line in self.aggregator.totals("--period", YEAR, "--slice", "overlap", "--area", "nation")]
        self.assertTrue(overlaps)
        self.assertEqual({line["value"] for line in overlaps}, {"0"})


class OtherRegions(realdata.Case):
    """The same file without a rule that passes over the provinces of others."""

    CATALOGUE = make_catalogue()
    REGISTER = make_register()

    @classmethod
    def fill(cls):
        cls.east = cls.agent("east")
        mappings = mappings_of("east")
        for mapping in mappings:
            del mapping["skip"]["name"]
        realdata.write_mappings(cls.east, mappings)

    def test_provinces_of_other_regions_are_refused_by_name_and_hold_up_none_of_ours(self):
        table = TABLES["08-patent"]
        answer = self.east.command("push", table.path, "--period", YEAR, "--approved-by", "省统计局", "--wait")
        self.assertEqual(answer.code, 65, answer)
        refused = [line for line in answer.out.splitlines() if line.endswith("[unit.unknown]")]
        ours = REGIONS["east"][1]
        others = [(row, name) for row, name in enumerate(table.units, 7) if name not in ours]
        self.assertEqual(len(refused), len(others))
        for row, name in others:
            place = f"08-patent.csv, row {row}, column B (name), unit {name}: "
            self.assertEqual(len([line for line in refused if line.startswith(place)]), 1, refused)
        for heading in table.headings:
            line = self.aggregator.total("east", YEAR, table.codes[heading])
            self.assertEqual(line["value"], str(sum(table.addends("east", heading))))
            self.assertEqual(line["reported"], "10")


if __name__ == "__main__":
    unittest.main()
