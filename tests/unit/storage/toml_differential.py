#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares storage/toml with Python's tomllib: same documents refused, same values read.

Usage: toml_differential.py TOML-DUMP [DOCUMENTS [SEED]]. Prints TAP. Documents are made from a grammar, then
half of them are damaged by a few random edits. The known differences (all refusals on our side) are
listed in known_difference().
"""
import datetime
import json
import math
import random
import re
import subprocess
import sys
import tomllib

FIXED = [
    "", "\n", "# only a comment", "a = 1", "a=1\nb=2\r\n", "a = 1 b = 2", "= 1", "a", "a =", "a.b.c = 1",
    "a . b = 1", '"" = 1', "'' = 1", '"a.b" = 1\na.b = 2', "a = 1\na = 2", "a.b = 1\na = 2",
    "a = 1\na.b = 2", "[a]\n[a]", "[a.b]\n[a]", "[a]\n[a.b]\n[a]", "[[a]]\n[[a]]\nb=1\n[a.c]\nd=2",
    "[[a]]\n[a]", "[a]\n[[a]]", "a = []\n[[a]]", "a = [{}]\n[a.b]", "a = {}\n[a.b]", "a = {}\na.b = 1",
    "[a]\nb.c = 1\n[a.b]", "[a]\nb.c = 1\n[a.b.d]", "[a.b.c]\nx=1\n[a]\nb.d = 2", "a.b = 1\n[a]", "a.b=1\n[a.c]",
    "[a.b]\n[a]\nb.c = 2", "[[a.b]]\n[a]\nb.c=1", "[]", "[a", "[a]]", "[[a]", "[a] b = 1", "[ a . b ]",
    "[[ a ]]", "[ [a]]", "a = [1, 2,]", "a = [,]", "a = [1,,2]", "a = [\n1 # x\n, # y\n2\n]", "a = [1 2]",
    "a = {b = 1, c.d = 2}", "a = {b = 1,}", "a = {b = 1\n}", "a = {b = 1, b = 2}", "a = {b.c = 1, b.d = 2}",
    "a = {b.c = 1, b = 2}", "a = {b = {c = 1}, b.d = 2}", "a = {b = [{}], b.c = 1}", "a = {}", "a = { }", "a = {,}",
    'a = "\\u00e9\\U0001F600\\n\\t\\\\\\""', 'a = "\\x41"', 'a = "\\ud800"', 'a = "\\uD7FF"', 'a = "\\U00110000"',
    'a = "x\ny"', "a = 'x\\y'", "a = '''\nx'y''z'''", 'a = """\nx"y""z"""', 'a = """"""', 'a = """""""', 'a = """"""""',
    'a = """"""""" ', "a = '''a''''", "a = '''a'''''", "a = '''a''''''", 'a = """a \\\n   b\\\r\n\n  c"""',
    'a = """a \\ b"""', 'a = """a\\ \n b"""', 'a = """a\r\nb"""', 'a = """a\rb"""', 'a = "a\rb"', "a = 1\rb = 2",
    "# a\rb", "# \x00", "# \x1f", "# \x7f", "# \t", "a = 'x\x0b'", "a = 0", "a = 00", "a = 01", "a = +1", "a = -0", "a = ++1",
    "a = 1_000", "a = 1__0", "a = _1", "a = 1_", "a = 0x1F", "a = 0x_1", "a = 0x1_f", "a = +0x1", "a = 0b102",
    "a = 0o17", "a = 0o18", "a = 0X1", "a = 9223372036854775807", "a = -9223372036854775808",
    "a = 9223372036854775808", "a = 0xffffffffffffffff", "a = 1.5", "a = 1.", "a = .5", "a = 1.e1", "a = 1e5", "a = 1E+5",
    "a = 1e-05", "a = 1e", "a = 1.5e1_0", "a = 1_0.0_1", "a = 0e0", "a = 03.14", "a = -0.0", "a = inf", "a = -inf",
    "a = +nan", "a = Inf", "a = infx", "a = true", "a = True", "a = truefalse", "a = false # x",
    "a = 1979-05-27T07:32:00Z", "a = 1979-05-27 07:32:00", "a = 1979-05-27t07:32:00.999999-07:00", "a = 1979-05-27",
    "a = 1979-05-27 ", "a = 1979-05-27 # x", "a = 1979-05-27T", "a = 07:32:00", "a = 07:32:00.5", "a = 07:32", "a = 24:00:00",
    "a = 1979-02-29", "a = 1980-02-29", "a = 1900-02-29", "a = 0000-01-01", "a = 1979-13-01", "a = 1979-00-01",
    "a = 1979-05-27T07:32:60", "a = 1979-05-27T07:32:00+24:00", "a = 1979-05-27T07:32:00.", "a = 1979-5-27",
    "a = 1979-05-27T07:32:00.1234567891Z", "bare-key_1 = 1", "1 = 1", "1.2 = 3", "é = 1", "a\u00a0= 1", "\ufeffa = 1",
    'a = [[1, "x"], [true, 1.5], {b = []}]', "[a.'b.c'.\"d\"]\nx = 1", "a = 1 # c\n\n\n  b = 2\t\n", "a.'' = 1", "[a.]", "[.a]",
    "a..b = 1", "a. = 1", 'a = "', "a = '", 'a = """', "a = [", "a = {", "a = {b", "a = {b = ", "a = {b = 1",
]

SCALARS = ["1", "-17", "0", "1_000", "0xff", "0o7", "0b1", "1.5", "-2e3", "inf", "nan", "true", "false", '"x"', "'y'", '"\\u00e9\\n"',
           '"""a\nb"""', "'''c'''", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "2000-01-01 00:00:00.25"]
KEYS = ["a", "b", "c", "d", "a-b", '"q r"', "'l'", "1"]


def key(rnd, most=3):
    return rnd.choice([".", ".", " . "]).join(rnd.choice(KEYS) for _ in range(rnd.randint(1, most)))


def value(rnd, depth=0):
    kind = rnd.random()
    if depth < 3 and kind < 0.2:
        items = [value(rnd, depth + 1) for _ in range(rnd.randint(0, 3))]
        return "[" + rnd.choice([", ", ",", " ,\n "]).join(items) + rnd.choice(["]", "]", ",]" if items else "]"])
    if depth < 3 and kind < 0.35:
        items = [f"{key(rnd, 2)} = {value(rnd, depth + 1)}" for _ in range(rnd.randint(0, 3))]
        return "{" + ", ".join(items) + "}"
    return rnd.choice(SCALARS)


def document(rnd):
    lines = []
    for _ in range(rnd.randint(1, 8)):
        kind = rnd.random()
        if kind < 0.2:
            lines.append(f"[{key(rnd)}]")
        elif kind < 0.35:
            lines.append(f"[[{key(rnd, 2)}]]")
        else:
            lines.append(f"{key(rnd)} = {value(rnd)}" + rnd.choice(["", "", " # c"]))
    text = rnd.choice(["\n", "\n", "\r\n"]).join(lines)
    if rnd.random() < 0.5:
        for _ in range(rnd.randint(1, 3)):
            at = rnd.randrange(len(text) + 1)
            cut = rnd.randint(0, 2)
            text = text[:at] + rnd.choice(["", "", "=", "[", "]", "{", "}", ",", ".", '"', "'", "\\", "\n", "#", "_", "0", "e", "\t",
                                           "\r", "\x01", "é"]) + text[at + cut:]
    return text


def known_difference(text):
    """What tomllib reads and we refuse on purpose."""
    return "\\u0000" in text or "\\U00000000" in text or "\x00" in text


class TooBig(Exception):
    pass


def typed(obj):
    if isinstance(obj, dict):
        return {"table": {k: typed(v) for k, v in obj.items()}}
    if isinstance(obj, list):
        return [typed(v) for v in obj]
    if isinstance(obj, bool):
        return {"boolean": "true" if obj else "false"}
    if isinstance(obj, int):
        if not -2**63 <= obj < 2**63:
            raise TooBig
        return {"integer": str(obj)}
    if isinstance(obj, float):
        return {"float": "nan" if math.isnan(obj) else obj}
    if isinstance(obj, str):
        return {"string": obj}
    return {"datetime": obj}


def moment(text):
    """A date or time as we print it, as the object that tomllib makes."""
    text = re.sub(r"(\.\d{6})\d+", r"\1", text.replace("z", "Z").replace("t", "T"))
    if re.fullmatch(r"\d\d:.*", text):
        return datetime.time.fromisoformat(text)
    if len(text) == 10:
        return datetime.date.fromisoformat(text)
    return datetime.datetime.fromisoformat(text)


def ours(obj):
    if isinstance(obj, list):
        return [ours(v) for v in obj]
    (kind, content), = obj.items()
    if kind == "table":
        return {"table": {k: ours(v) for k, v in content.items()}}
    if kind == "float" and content != "nan":
        return {"float": float.fromhex(content)}
    if kind == "datetime":
        return {"datetime": moment(content)}
    return {kind: content}


def expected(text):
    try:
        return typed(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, TooBig, RecursionError, ValueError):
        return "refused"


def main():
    dump, count, seed = sys.argv[1], int((sys.argv + ["3000"])[2]) if len(sys.argv) > 2 else 3000, 1
    if len(sys.argv) > 3:
        seed = int(sys.argv[3])
    rnd = random.Random(seed)
    documents = FIXED + [document(rnd) for _ in range(count)]
    documents = [d for d in documents if not known_difference(d)]
    stdin = b"".join(b"%d\n%s" % (len(d.encode()), d.encode()) for d in documents)
    done = subprocess.run([dump, "-n"], input=stdin, capture_output=True, check=True)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(documents), (len(lines), len(documents), done.stderr[-500:])
    bad = accepted = 0
    for text, line in zip(documents, lines):
        want = expected(text)
        got = "refused" if line == "refused" else ours(json.loads(line))
        accepted += want != "refused"
        if want != got:
            bad += 1
            print(f"# {text!r}\n#   tomllib {want}\n#   ours    {got}")
    print(f"1..1\n{'not ok' if bad else 'ok'} 1 - {len(documents)} documents, {accepted} valid, {bad} differ, seed {seed}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
