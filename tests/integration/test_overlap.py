"""Σ parts − overlap = total, of the parks of a zone and of a set of clusters, as six zones of Beijing published it: their parts
sum to 32 358.1, and are 28 811.4 together."""

import csv
import io
import json
import unittest

import parktally

PARTS = range(1, 7)
OWN = {1: "9012.3", 2: "6400.0", 3: "4711.1", 4: "3050.5", 5: "2090.8", 6: "0.0"}  # who is in one alone: 25 264.7
SHARED = {"1;2": "2000.0", "2;3": "900.5", "4;6": "646.2"}  # who is in two: 3 546.7
SUMS = {1: "11012.3", 2: "9300.5", 3: "5611.6", 4: "3696.7", 5: "2090.8", 6: "646.2"}
LINES = {**{f"kind{n}": total for n, total in SUMS.items()}, "overlap@kinds": "3546.7", "kinds": "28811.4"}


def catalogue():
    areas = "  beijing: {zh: 北京, en: Beijing, reports: true}\n" + "".join(
        f"  zone{n}: {{zh: 区{n}, en: Zone {n}, in: beijing, reports: true}}\n" for n in PARTS)
    clusters = "".join(f"  kind{n}: {{zh: 类{n}, en: Kind {n}}}\n" for n in PARTS)
    slices = "".join(f"  kind{n}: {{cluster: kind{n}}}\n" for n in PARTS)
    kinds = ", ".join(f"kind{n}" for n in PARTS)
    text = parktally.small_catalogue(areas=areas, clusters=clusters)
    return text.replace("  steel: {cluster: steel}\n",
                        f"  steel: {{cluster: steel}}\n{slices}  kinds: {{zh: 六类, en: Six kinds, any_of: [{kinds}]}}\n", 1)


def part(code, numbers):
    numbers = numbers.split(";")
    return parktally.unit(code, ";".join(f"zone{n}" for n in numbers), clusters=";".join(f"kind{n}" for n in numbers))


class SixZones(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator(catalogue())
        figures = {f"own{n}": (str(n), value) for n, value in OWN.items()} | {
            f"two{n}": of for n, of in enumerate(SHARED.items())}
        self.city.import_register([part(code, numbers) for code, (numbers, _) in figures.items()])
        self.city.start()
        self.agent = parktally.ParkAgent(self.folder / "beijing", self.city.invite("beijing"))
        self.push("2018-04", {code: "100.0" for code in figures})
        self.push("2018-05", {code: value for code, (_, value) in figures.items()})

    def push(self, month, figures):
        path = self.folder / "figures.csv"
        path.write_text("uscc,period,output\n" + "".join(f"{code},{month},{value}\n" for code, value in figures.items()))
        self.agent.command("push", path, "--form", "monthly", "--approved-by", "张三", "--wait", code=0)

    def values(self, *options):
        lines = self.city.totals("--indicator", "output", *options)
        return {(line["area"], line["slice"]): line["value"] for line in lines}

    def test_what_beijing_published(self):
        asked = ("--period", "2018-05", "--area", "beijing," + ",".join(f"zone{n}" for n in PARTS))
        found = self.values(*asked)
        self.assertEqual([found[f"zone{n}", "all"] for n in PARTS], list(SUMS.values()))
        self.assertEqual((found["beijing", "overlap"], found["beijing", "all"]), ("3546.7", "28811.4"))

        lines = self.city.totals("--indicator", "output", "--period", "2018-05", "--area", "beijing", "--slice", "kinds")
        self.assertEqual([(line["slice"], line["value"]) for line in lines], list(LINES.items()), "parts, overlap, total")
        self.assertEqual([(line["reported"], line["expected"]) for line in lines[-2:]], [("3", "3"), ("9", "9")])
        found = self.values("--period", "2018-05", "--area", "beijing,zone4", "--slice", "all,kinds,overlap@kinds")
        self.assertEqual((found["beijing", "overlap"], found["beijing", "overlap@kinds"]), ("3546.7", "3546.7"))
        self.assertEqual((found["zone4", "kind6"], found["zone4", "overlap@kinds"], found["zone4", "kinds"]),
                         ("646.2", "646.2", "3696.7"), "who is in two kinds is once in the set, in each area")
        self.assertEqual(list(self.values("--period", "2018-05", "--area", "beijing", "--slice", "overlap@kinds").items()),
                         [(("beijing", "overlap@kinds"), "3546.7")])

        self.see_every_format()
        self.see_what_a_total_is_asked_for_besides()
        self.see_what_is_refused()
        self.assert_sound(self.city)

    def see_every_format(self):
        asked = ("--indicator", "output", "--period", "2018-05", "--area", "beijing", "--slice", "kinds")
        shown = self.city.command("totals", *asked).out
        for words in (r"overlap of Six kinds +3,546\.7 ", r"Six kinds +28,811\.4 ", r"Overlap of a set of slices: their sum, less the set"):
            self.assertRegex(shown, words)
        listed = json.loads(self.city.command("totals", *asked, "--format", "json").out)
        self.assertEqual({line["slice"]: line["value"] for line in listed}, LINES)
        exported = self.city.command("export", "totals", *asked, "--format", "csv").out.removeprefix("\ufeff")
        lines = list(csv.DictReader(io.StringIO(exported)))
        self.assertEqual({line["slice"]: line["value"] for line in lines}, LINES)
        self.assertEqual(lines[-2]["slice_name"], "overlap of Six kinds")

    def see_what_a_total_is_asked_for_besides(self):
        """A set is a slice like any other: explained, compared, and as it was."""
        explained = self.city.command("explain", "beijing", "output", "2018-05", "--slice", "kinds").out
        self.assertIn("28,811.4", explained)
        asked = ("--period", "2018-05", "--indicator", "output", "--area", "beijing", "--slice", "kinds", "--mom")
        grown = {line["slice"]: (line["before"], line["change"]) for line in self.city.totals(*asked)}
        self.assertEqual((grown["kinds"], grown["overlap@kinds"]), (("900.0", "27911.4"), ("", "")))
        self.push("2018-05", {"two0": "2100.0"})
        for moment, expected in (((), "3646.7"), (("--as-of", "@6"), "3546.7")):
            line = self.city.total("beijing", "2018-05", "output", "overlap@kinds", *moment)
            self.assertEqual(line["value"], expected)
        explained = self.city.command("explain", "beijing", "output", "2018-05", "--slice", "kinds", "--between", "@6", "@7").out
        self.assertRegex(explained, r"two0.*\b100\.0")

    def see_what_is_refused(self):
        for slice_, said in (("overlap@steel", "is no set of others"), ("overlap@none", "there is no slice “none”"),
                             ("overlap@", "there is no slice “”")):
            self.assertIn(said, self.city.command("totals", "--slice", slice_, code=64).err)


if __name__ == "__main__":
    unittest.main()
