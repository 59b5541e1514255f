"""Who may include what: proto → common → {agent, aggregator}, and each foreign library behind one module."""

import fnmatch
import pathlib
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ["common", "agent", "aggregator"]
MAY_USE = {"common": ["common"], "agent": ["agent", "common"], "aggregator": ["aggregator", "common"]}

# The auditor's program: nothing of what it verifies, and nobody uses it.
VERIFIER = "aggregator/verifier/"

# Headers of others, and the only sources of ours that know them.
ONLY_IN = {
    "parktally.pb-c.h": ["common/codec*.[ch]", "common/submission*.c"],
    "protobuf-c*": ["common/codec*.[ch]", "common/submission*.c"],
    "zmq.h": ["common/channel.c"],
    "sqlite3.h": ["common/db.c", "common/db_guard*", "common/db_owner.c", "aggregator/store/*"],
    "yaml.h": ["common/yaml.c"],
    "xlsxwriter.h": ["aggregator/export/xlsx.c"],
    "xlsxwriter/*": ["aggregator/export/xlsx.c"],
    "glpk.h": ["aggregator/statistics/disclose*.c"],
    "curl/*": ["agent/upload.c", "agent/source/http.c", "aggregator/alert/*"],
}
FRIENDS = [("common/codec", "common/submission.c"),  # of private headers: the submission is a message of its own files
           ("common/codec", "common/submission_read.c")]

# These compute; they read no file, no clock, no network and no database.
PURE = ["common/decimal.[ch]", "common/period.[ch]", "common/uscc.[ch]", "common/rule.[ch]", "common/suspicion*.[ch]",
        "common/merkle.[ch]", "aggregator/choice.c", "aggregator/owing.c", "aggregator/rollup.c",
        "aggregator/statistics/*",
        "aggregator/verifier/totals.c"]
IMPURE = ["stdio.h", "unistd.h", "fcntl.h", "time.h", "poll.h", "sys/*", "gio/*", "glib/gstdio.h", "common/clock.h",
          "common/db.h", "common/channel.h", "common/control.h", "common/log.h", "aggregator/writer.h"]


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def includes_of(root):
    """(file, line, header, written in quotation marks) of all our sources."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if match := re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line):
                    yield path.relative_to(root).as_posix(), number, match[2], match[1] == '"'


def owner_of_private(header):
    """agent/mapping_private.h → agent/mapping; aggregator/store/private.h → aggregator/store/."""
    return re.sub(r"_?private\.h$", "", header) if header.endswith("private.h") else None


def mistakes(root):
    found = []
    for file, line, header, quoted in includes_of(root):
        place = f"{file}:{line}: {header}"
        layer, of = file.split("/")[0], header.split("/")[0]
        if quoted and header != "parktally.pb-c.h":
            if of not in MAY_USE[layer]:
                found.append(f"{place}: {layer} may use {' and '.join(MAY_USE[layer])} only")
            elif not (root / header).is_file():
                found.append(f"{place}: there is no such file; paths start at the source folder")
            elif of == "aggregator" and file.startswith(VERIFIER) != header.startswith(VERIFIER):
                found.append(f"{place}: the verifier stands alone, with nothing but common")
        elif not quoted and of in FOLDERS:
            found.append(f"{place}: our own headers stand in quotation marks")
        for pattern, users in ONLY_IN.items():
            if fnmatch.fnmatchcase(header, pattern) and not matches(file, users) and not (quoted and "/" in header):
                found.append(f"{place}: only {', '.join(users)} may know it")
        owner = owner_of_private(header)
        if quoted and owner and not file.startswith(owner) and (owner, file) not in FRIENDS:
            found.append(f"{place}: it belongs to {owner}* alone")
        if matches(file, PURE) and matches(header, IMPURE):
            found.append(f"{place}: {file} computes and does no I/O")
    return found


class TheRules(unittest.TestCase):
    """Each rule is seen to bite, on a tree that breaks it."""

    CASES = [
        ("common/error.c", '#include "agent/home.h"', "common may use"),
        ("agent/home.c", '#include "aggregator/gate.h"', "agent may use"),
        ("aggregator/gate.c", '#include "agent/home.h"', "aggregator may use"),
        ("aggregator/gate.c", "#include <zmq.h>", "may know it"),
        ("aggregator/read.c", "#include <sqlite3.h>", "may know it"),
        ("aggregator/export/csv.c", "#include <xlsxwriter.h>", "may know it"),
        ("aggregator/statistics/target.c", "#include <glpk.h>", "may know it"),
        ("aggregator/statistics/disclose.h", "#include <glpk.h>", "may know it"),
        ("agent/link.c", '#include "parktally.pb-c.h"', "may know it"),
        ("agent/link.c", "#include <protobuf-c/protobuf-c.h>", "may know it"),
        ("agent/link.c", '#include "agent/mapping_private.h"', "belongs to"),
        ("aggregator/read.c", '#include "aggregator/store/private.h"', "belongs to"),
        ("agent/link.c", '#include "agent/nowhere.h"', "no such file"),
        ("aggregator/verifier/tree.c", '#include "aggregator/gate.h"', "stands alone"),
        ("aggregator/gate.c", '#include "aggregator/verifier/tree.h"', "stands alone"),
        ("agent/link.c", "#include <agent/mapping.h>", "quotation marks"),
        ("common/decimal.c", "#include <stdio.h>", "does no I/O"),
        ("aggregator/statistics/target.c", "# include <sys/stat.h>", "does no I/O"),
    ]
    HEADERS = ["agent/home.h", "agent/mapping.h", "agent/mapping_private.h", "aggregator/gate.h",
               "aggregator/store/private.h", "aggregator/verifier/tree.h"]

    def test_each_breach_is_named(self):
        for file, text, expected in self.CASES:
            with self.subTest(file=file, text=text), tempfile.TemporaryDirectory() as folder:
                root = pathlib.Path(folder)
                for name in self.HEADERS + [file]:
                    (root / name).parent.mkdir(parents=True, exist_ok=True)
                    (root / name).write_text("", encoding="utf-8")
                (root / file).write_text(f"/* x */\n{text}\n", encoding="utf-8")
                found = mistakes(root)
                self.assertEqual(len(found), 1, found)
                self.assertIn(f"{file}:2", found[0])
                self.assertIn(expected, found[0])


class TheSources(unittest.TestCase):
    def test_every_include_keeps_to_its_layer(self):
        self.assertGreater(sum(1 for _ in includes_of(ROOT)), 500, "the sources were not found")
        self.assertEqual([], mistakes(ROOT))


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
