#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A bounded sample of all faults, for every test run; the last line counts.

    python3 tests/faults/run.py [--seed S] [--long]

--long is what one runs by hand before a release: every point of kill.py, 3,000 errors, 1,000 kills of
monitors, a minute of races.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.support import skiff as support  # noqa: E402  (the path comes first)


def shards(*arguments):
    """kill.py as often as there are processors, up to four, each with its share of the verbs: a kill waits more than it works."""
    number = min(os.cpu_count() or 1, 4)
    return [("kill.py", *arguments, "--shard", f"{which}/{number}") for which in range(1, number + 1)]


# Not of all verbs, and always the same, while some of the injected errors are open (ARCHITECTURE).
ERRORS = ("errors.py", "--points", "3", "--seed", "1", "--verb",
          "create,rename,update,volume-create,secret-create,network-create,manifest-add,volume-rm")
SHORT = (*shards("--points", "30"), ERRORS, ("monitor.py", "--kills", "30"), ("disk.py",), ("race.py", "--seconds", "10"))
LONG = (*shards("--all"), ("errors.py", "--points", "40"), ("monitor.py", "--kills", "1000"), ("disk.py",), ("race.py", "--seconds", "60"))
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)


def start(script, arguments):
    """Begin one of them."""
    return subprocess.Popen([sys.executable, str(HERE / script), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace")


def finish(process, script, arguments, totals):
    """Wait for one, show what it says and take its counts."""
    begin = time.monotonic()
    output = process.communicate()[0]
    found = COUNTS.findall(output)
    print(f"== {script} {' '.join(arguments)}\n{COUNTS.sub('', output).rstrip()} ({time.monotonic() - begin:.0f} s)", flush=True)
    counts = list(map(int, found[-1])) if found else [0, 1, 0]
    if process.returncode != 0 and counts[1] == 0:
        counts[1] = 1
    if counts[1]:
        print(f"# failed: {script} {' '.join(arguments)}")
    for place, number in enumerate(counts):
        totals[place] += number


def main():
    """All of them, one kind after the other: each wants the machine's time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, help="by default 1, with --long the time: what gates is the same each time")
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = int(time.time()) if options.long else 1
    totals = [0, 0, 0]
    with tempfile.TemporaryDirectory(prefix="skiff-prefix-") as prefix:
        if not os.environ.get("SKIFF_PREFIX"):
            os.chmod(prefix, 0o755)
            support.install(prefix)
            os.environ["SKIFF_PREFIX"] = prefix
        chosen = LONG if options.long else SHORT
        for script in dict.fromkeys(script for script, *_ in chosen):
            seed = [] if script == "disk.py" else ["--seed", str(options.seed)]
            begun = []
            for other, *arguments in chosen:
                if other == script:
                    begun.append((start(script, [*seed, *arguments]), script, [*seed, *arguments]))
            for process, *rest in begun:
                finish(process, *rest, totals)
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
