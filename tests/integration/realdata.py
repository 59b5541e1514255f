"""What the tests on published figures share: where the data is, catalogues of the tests' own, agents with a mapping.

The data is found by PARKTALLY_TESTDATA; where that is unset, the program that imports this is skipped."""

import csv
import json
import os
import pathlib
import shutil
import tempfile
import unittest

import parktally

if not os.environ.get("PARKTALLY_TESTDATA"):
    parktally.skip_program("PARKTALLY_TESTDATA names no folder of published figures")
DATA = pathlib.Path(os.environ["PARKTALLY_TESTDATA"])


def folder(name):
    found = DATA / name
    if not found.is_dir():
        parktally.skip_program(f"{found} is not there")
    return found


def read_table(path, encoding="utf-8-sig"):
    with open(path, encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


# --- catalogues: JSON is YAML ---


def named(text, **more):
    return {"zh": text, "en": text} | more


def catalogue(code, measures, areas, indicators, forms, classes=None):
    """A catalogue whose units go by free codes."""
    return json.dumps({
        "format": 1, "catalogue": code, **named(code), "timezone": "Asia/Shanghai", "measures": measures,
        "areas": areas, "classes": classes or {"code": named("单位", ids="code")},
        "statuses": {"正常": named("正常", expected=True)}, "slices": {"all": named("全部")},
        "indicators": indicators, "forms": forms}, ensure_ascii=False, indent=1)


def form(name, every, columns, classes=("code",), **more):
    return named(name, number=name, issuer="示例", approval="示例", legal_basis="statistical", filled_by="park",
                 every=every, classes=list(classes), columns=[{"column": column} for column in columns], **more)


# --- programs ---


def write_mappings(agent, mappings, name="agent.yaml"):
    """Configuration of the agent with these mappings; returns its path."""
    path = agent.data / name
    path.write_text(json.dumps({"mappings": mappings}, ensure_ascii=False, indent=1))
    return path


class Case(unittest.TestCase):
    """Tests that look at one aggregator, which fill() has filled once."""

    maxDiff = None
    CATALOGUE = None  # text
    REGISTER = ()     # rows

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="parktally-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.aggregator = parktally.Aggregator(cls.folder, cls.CATALOGUE)
        cls.addClassCleanup(cls.aggregator.close)
        cls.aggregator.import_register(cls.REGISTER)
        cls.aggregator.start()
        cls.fill()

    @classmethod
    def fill(cls):
        raise NotImplementedError

    @classmethod
    def agent(cls, area):
        return parktally.ParkAgent(cls.folder / f"agent-{area}", cls.aggregator.invite(area))

    def test_the_ledger_comes_to_the_same_totals(self):
        self.aggregator.check_ledger()
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error", "ThreadSanitizer"):
            self.assertNotIn(word, self.aggregator.log())
