#!/usr/bin/python3
"""Writes deploy/FINDINGS.md, the reference of everything that is said of files and reports, from where it is defined:
the table of common/finding.h, the translations of po/zh_CN.po, and the rules of deploy/catalogue/liuzhou.yaml. With
--check nothing is written: what would change is shown, and the exit code is 1. A test runs it so."""

import difflib
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "deploy" / "FINDINGS.md"
SEVERITY = {"NOTE": "note 提示", "REPORT": "report 拒收该份报表", "FILE": "file 拒收整个文件"}
WEIGHT = {"mandatory": "mandatory 强制性", "quasi-mandatory": "quasi-mandatory 准强制性", "verify": "verify 核实性"}
STRING = r'"(?:[^"\\]|\\.)*"'
HEAD = """\
# What is found, and what to do 审核信息一览

Written by `deploy/findings.py` from the table of `common/finding.h`, its translation and the shipped catalogue; do not edit it. Ids are
stable. A *note* hinders nothing, a *report* is refused while the others go on, a *file* is refused whole. Each finding also says where (file, row,
column, unit), what was found and what was expected. *park* says it before anything is sent, *city* in receipts, answers or imports of the register,
*both* run the same code.

“提示”不影响上报；“拒收该份报表”时其余报表照常上报；“拒收整个文件”时全部不上报。每条信息都指明位置、发现的内容和应有的内容。

| id | severity 级别 | said by 提出方 | English | 中文 | what to do | 处理办法 |
|---|---|---|---|---|---|---|
"""
RULES = """
## Rules of the shipped catalogue 随附目录的审核关系

Said as `rule.mandatory:…`, `rule.quasi-mandatory:…` or `rule.verify:…` with the rule's code behind the colon. `deploy/catalogue/README.md` tells how to
write one.

| code | form 报表 | weight 性质 | English | 中文 | formula |
|---|---|---|---|---|---|
"""


def stop(message):
    sys.exit(f"deploy/findings.py: {message}")


def text_of(source):
    """The string that adjacent literals of C or of a .po file make."""
    return "".join(literal[1:-1].replace(r"\"", '"').replace(r"\n", "\n") for literal in re.findall(STRING, source))


def translations():
    source = (ROOT / "po" / "zh_CN.po").read_text()
    pairs = re.findall(rf"^msgid ((?:{STRING}\s*)+)msgstr ((?:{STRING}\s*)+)", source, re.M)
    return {text_of(english): text_of(chinese) for english, chinese in pairs}


def findings():
    """(name, id, severity, text, advice) of each line of the table."""
    source = (ROOT / "common" / "finding.h").read_text()
    table = source[source.index("#define FINDING_TABLE(X)"):source.index("enum finding_code {")].replace("\\\n", "\n")
    words = rf'(?:N_\((?:\s*{STRING})+\)|"")'
    rows = re.findall(rf'X\((\w+),\s*"([a-z.-]+)",\s*(\w+),\s*({words}),\s*({words})\)', table)
    if len(rows) != table.count("X("):
        stop(f"{len(rows)} of {table.count('X(')} findings of common/finding.h could be read")
    return [(name, code, severity, text_of(text), text_of(advice)) for name, code, severity, text, advice in rows]


SIDES = {"agent": "park", "aggregator": "city"}


def users():
    """Header of common/ → the sides that include it."""
    found = {}
    for folder, side in SIDES.items():
        for path in (ROOT / folder).rglob("*.[ch]"):
            for header in re.findall(r'#include "(common/[^"]+)"', path.read_text()):
                found.setdefault(header, set()).add(side)
    return found


def sayers():
    """Name of a finding → who says it: whose sources name it, or use the file of common/ that does."""
    said, used = {}, users()
    for folder in (*SIDES, "common"):
        for path in sorted((ROOT / folder).rglob("*.c")):
            who = {SIDES[folder]} if folder in SIDES else used.get(f"common/{path.stem}.h", set())
            if path.name.startswith("register_"):
                who = {"city"}  # the agent reads one only where it is given as a file
            for name in re.findall(r"\bFINDING_(\w+)", path.read_text()):
                said.setdefault(name, set()).update(who)
    return said


def who_says(name, said):
    who = said.get(name, set())
    if not who:
        stop(f"nobody says FINDING_{name}")
    return "both 双方" if len(who) == 2 else {"park": "park 园区", "city": "city 市级"}[who.pop()]


def rules():
    """(code, zh, en, form, weight, formula) of each rule."""
    source = (ROOT / "deploy" / "catalogue" / "liuzhou.yaml").read_text()
    section = re.search(r"^rules:\n(.*?)^\S", source, re.M | re.S)[1]
    found = []
    for item in re.split(r"^  (?=[\w-]+:$)", section, flags=re.M)[1:]:
        code, body = item.split(":", 1)
        body = " ".join(line.strip() for line in body.splitlines() if not line.strip().startswith("#")).strip()
        value = r"('(?:[^']|'')*'|.*?)"
        match = re.fullmatch(rf"{{zh: {value}, en: {value}, form: (\S+), weight: (\S+), holds: {value}}}", body)
        if not match:
            stop(f"the rule {code} of deploy/catalogue/liuzhou.yaml cannot be read: {body}")
        zh, en, form, weight, holds = (word.strip("'").replace("''", "'") for word in match.groups())
        found.append((code, zh, en, form, weight, holds))
    return found


def row(*cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def page():
    chinese, said = translations(), sayers()

    def both(text):
        if text and not chinese.get(text):
            stop(f"no translation of “{text}”; run po/update.sh and write it")
        return text, chinese.get(text, "")

    lines = [row(f"`{code}`", SEVERITY[severity], who_says(name, said), *both(text), *(both(advice) if advice else ("", "")))
             for name, code, severity, text, advice in findings()]
    written = [row(f"`{code}`", f"`{form}`", WEIGHT[weight], en, zh, f"`{holds}`") for code, zh, en, form, weight, holds in rules()]
    return HEAD + "".join(lines) + RULES + "".join(written)


def main(words):
    if words not in ([], ["--check"]):
        print("usage: deploy/findings.py [--check]", file=sys.stderr)
        return 64
    new = page()
    old = PAGE.read_text() if PAGE.exists() else ""
    if not words:
        PAGE.write_text(new)
        return 0
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "deploy/FINDINGS.md", "as it should be"))
    return int(old != new)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
