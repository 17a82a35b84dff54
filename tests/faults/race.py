#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""F10: commands that race for the same names and the same image.

    python3 tests/faults/race.py [--seconds S] [--workers N] [--seed S]

Run as root; the commands run as --user. Workers pick at random from create, run --rm, run -d, start,
stop, rm -f of three names, rmi and load of one image, volume create and rm. Losing is allowed, but
only with one of the exit codes and texts for it; nothing may hang for 30 s, and in the end `rm -fa`,
`rmi` and `volume rm` must leave nothing. Every round ends with 16 `run --name x` at once: one wins.
"""

import argparse
import random
import subprocess
import sys
import threading
import time

import bed as beds
from bed import Bed, Violation

# How a command may lose: pieces of the first line of stderr.
LOSSES = ("already in use", "no such container", "no such image", "image not known", "container state improper",
          "no container with name", "is being changed by", "is in use", "image is in use", "no such volume",
          "being used", "was started while", "volume already exists", "has no manifest", "not known", "locked by",
          "has gone", "was removed", "image used by")

# No prefixes of ids.
NAMES = ("x", "y", "z")


def commands(bed, generator):
    """One random command."""
    name = generator.choice(NAMES)
    none = ["--network", "none"]
    image = generator.choice((bed.image, bed.second))
    return generator.choice((
        ["create", "--pull", "never", "--name", name, *none, image, "true"],
        ["run", "--rm", "--pull", "never", "--name", name, *none, image, "true"],
        ["run", "-d", "--pull", "never", "--name", name, *none, "-v", "vol:/data", image, "sleep", "100"],
        ["start", name],
        ["stop", "-t", "0", name],
        ["rm", "-f", "-t", "0", name],
        ["rm", "-f", "-t", "0", name],
        ["rmi", bed.second],
        ["rmi", "-f", bed.second],
        ["load", "-q", "-i", str(bed.archive)],
        ["volume", "create", "--ignore", "vol"],
        ["volume", "rm", "vol"],
        ["ps", "-a"],
        ["images"],
    ))


class Race:
    """The counts that the workers share."""

    def __init__(self, bed):
        self.bed = bed
        self.operations = self.lost = 0
        self.problems = []

    def work(self, seed, end):
        """One worker."""
        generator = random.Random(seed)
        while time.monotonic() < end and not self.problems:
            args = commands(self.bed, generator)
            try:
                done = self.bed.run(args, timeout=30)
            except Violation as hang:
                self.problems.append(str(hang))
                return
            self.operations += 1
            if done.returncode == 0:
                continue
            self.lost += 1
            first = (done.stderr or "").partition("\n")[0]
            # Another's `rm -f` killed what it ran: that is its exit code.
            if args[0] == "run" and done.returncode == 137 and not first:
                continue
            if done.returncode < 0 or not any(text in first for text in LOSSES):
                self.problems.append(f"`{' '.join(args)}` gave {done.returncode}: {(done.stderr or '').strip()}")

    def one_winner(self, count):
        """Of so many `run --name x` exactly one wins, and the others say why not."""
        args = ["run", "-d", "--name", "x", "--network", "none", self.bed.image, "sleep", "100"]
        racers = [self.bed.popen(args, stderr=subprocess.PIPE, text=True) for _ in range(count)]
        results = [(racer.communicate(timeout=60)[1], racer.returncode) for racer in racers]
        self.operations += count
        wins = [code for _, code in results if code == 0]
        if len(wins) != 1:
            raise Violation(f"{len(wins)} of {count} racers won: {results}")
        for text, code in results:
            if code not in (0, 125) or (code and "already in use" not in text):
                raise Violation(f"a loser gave {code}: {text.strip()}")
        self.bed.must(["rm", "-f", "-t", "0", "x"])

    def clean_up(self):
        """All that the race made goes, by our own commands."""
        self.bed.must(["rm", "-f", "-i", "-t", "0", *NAMES])
        self.bed.must(["rmi", "-f", "-i", self.bed.second])
        self.bed.must(["volume", "rm", "-f", "vol"])
        self.bed.check_survivors()
        self.bed.check_clean()


def main():
    """Race, then check."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--racers", type=int, default=16)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--user", default="skifftest")
    options = parser.parse_args()
    race = Race(Bed(options.user))
    rounds, violations = 0, []
    begin = time.monotonic()
    while time.monotonic() < begin + options.seconds and not violations:
        rounds += 1
        end = min(begin + options.seconds, time.monotonic() + 5)
        workers = [threading.Thread(target=race.work, args=(f"{options.seed}/{rounds}/{number}", end))
                   for number in range(options.workers)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        violations += race.problems
        try:
            if not violations:
                race.clean_up()
                race.one_winner(options.racers)
                race.bed.check_clean()
        except Violation as problem:
            violations.append(str(problem))
    race.bed.close()
    for problem in violations:
        print(f"VIOLATION {problem}")
    print(f"racing commands {race.operations} ({race.lost} lost), rounds {rounds}, violations {len(violations)}, "
          f"seed {options.seed}, {time.monotonic() - begin:.0f} s")
    print(f"{rounds - bool(violations)} passed, {int(bool(violations))} failed, 0 skipped")
    return 1 if violations else 0


if __name__ == "__main__":
    beds.in_namespace(main)
