#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that the test of each incident fails when its defence is switched off, and ends with counts.

    tests/wall/run.py [WORD ...]      only rows whose incident, test or defence has one of the words

SKIFF_BUILD names a build with -Dwall=true. Each row of incidents.py is run as the test user with its
defences down (SKIFF_WALL_DOWN): every one of its tests must fail by an assertion, while a control of the
same kind passes. That they pass with all defences up is what tests/system/run.py shows.
"""

import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))

from tests.support import skiff  # noqa: E402  (the path comes first)
from tests.system import run as system  # noqa: E402
from tests.wall.incidents import CONTROLS, ROWS  # noqa: E402

# A failed comparison, or a command that never came back; no broken fixture.
SEEN = re.compile(r"AssertionError|TimeoutExpired|did not end|timed out")


def defences():
    """The names in the C files."""
    names = set()
    for folder in ("cmd", "libpod", "storage", "network", "build"):
        for path in (TOP / folder).rglob("*.c"):
            names |= set(re.findall(r'wall_stands\("([a-z-]+)"\)', path.read_text(encoding="utf-8")))
    return names


def judge(row, outcomes):
    """What is wrong with a row's run, empty if nothing is."""
    by_name = {}
    for outcome in outcomes:
        # A sub-test's name has its parameters behind the test's.
        by_name.setdefault(outcome["name"].split(" ")[0].removeprefix("test_"), []).append(outcome)
    problems = []
    control = by_name.pop(CONTROLS[row.tests.partition(".")[0]], [])
    if [outcome["outcome"] for outcome in control] != ["ok"]:
        problems.append("the control does not pass: " + (control[0]["text"].strip().splitlines()[-1] if control else "not run"))
    for test in row.tests.split():
        fails = [outcome for outcome in by_name.get(test, []) if outcome["outcome"] == "fail"]
        if not any(SEEN.search(outcome["text"]) for outcome in fails):
            text = fails[0]["text"].strip().splitlines()[-1] if fails else "it passes"
            problems.append(f"{test} does not see it: {text}")
    return problems


def main():
    """Run the rows that were asked for."""
    words = sys.argv[1:]
    rows = [row for row in ROWS if not words or any(word in " ".join(row) for word in words)]
    failed = 0
    used = {name for row in ROWS for name in row.down.split()}
    known = defences()
    for name in sorted(used ^ known):
        failed += 1
        print(f"not ok - defence {name}: {'no test falls with it' if name in known else 'no C file has it'}")
    system.ensure_user(system.TEST_USER, 65536)
    system.prepare_host()
    groups, environments = {}, {}
    for number, row in enumerate(rows):
        label = f"wall{number}"
        groups[label] = list(dict.fromkeys([CONTROLS[row.tests.partition(".")[0]], *row.tests.split()]))
        environments[label] = {skiff.WALL_VARIABLE: row.down.replace(" ", ",")}
    found = system.run_groups(groups, system.TEST_USER, 2, environments)
    for number, row in enumerate(rows):
        problems = judge(row, found.get(f"wall{number}", []))
        failed += bool(problems)
        print(f"{'not ' if problems else ''}ok {number + 1} - {row.incident}: without {row.down}")
        print("".join(f"#   {problem}\n" for problem in problems), end="")
    print(f"{len(rows) + len(used ^ known) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
