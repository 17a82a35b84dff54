#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""F4: the power goes while commands change the store; then the machine is booted again.

    tests/vm/power.py [--cuts N] [--seconds S] [--seed N]

As root; what it needs is what tests/vm/run.py needs, which runs a few cuts, too. The machine boots with
tests/support/power.py as its pid 1 and a disk that stays from boot to boot. It runs load, pull, import, build,
commit, create, run, volume, secret, network, tag, rename, rm and so on, and says what it begins and what has been done; at a
random instant qemu is killed by SIGKILL. After the next boot everything that had been reported as done must be
there, what was under way is there as a whole or not at all, what was removed is gone, what containers had synced
reads back, `system check` (which reads every file of every layer) finds nothing, and nothing is left in
staging/ or trash/ after one changing command.

What is lost with the power: everything the guest's kernel had in memory. The guest never writes by itself (its
dirty_writeback is off and ext4's journal is committed every 600 seconds), so that what nobody has synced is
lost for certain, not by luck. What has left the guest survives even without a flush (cache=writeback: it is in this
host's page cache, and this host lives on): a disk that forgets what it was told to write and not yet to flush is not
played; that is ext4's part, which sends its barriers whoever asks.
"""

import argparse
import json
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support import images  # noqa: E402  (the path comes first)
from tests.support.power import Model  # noqa: E402
from tests.vm import run as machines  # noqa: E402

# The words before "--" are read by the initramfs, too: no "ro" among those behind it.
INIT = 'init=/bin/sh -- -c "mkdir -p /skiff; mount LABEL=skiff-tests /skiff; exec python3 /skiff/tree/tests/support/power.py"'
BOOT_S = 240
WORK_S = (0.5, 9)


class Failed(Exception):
    """What is wrong with the store, or with the machine."""


class Machine:
    """One boot."""

    def __init__(self, machine, tests_disk, data, console):
        argv = [*machines.qemu(machine, tests_disk, console, f"{machines.BOOT_OPTIONS} {INIT}"),
                "-drive", f"file={data},format=raw,if=virtio,cache=writeback"]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="replace")
        self.lines = queue.Queue()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        """Its port."""
        for line in self.process.stdout:
            self.lines.put(line.strip())
        self.lines.put(None)

    def expect(self, word, deadline):
        """The rest of a line that begins with that word."""
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise Failed(f"no {word} from the machine") from None
            if line is None:
                raise Failed(f"the machine ended before {word}")
            if line.startswith("BAD "):
                raise Failed(json.loads(line[4:]))
            if line.startswith(word):
                return line[len(word):].strip()

    def send(self, text):
        """A line to it."""
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def cut(self):
        """No power any more. Returns what it had said until then."""
        self.process.kill()
        self.process.wait()
        self.thread.join()
        said = []
        while not self.lines.empty():
            said.append(self.lines.get())
        return [line for line in said if line is not None]


def follow(model, said):
    """What has been done by then, and what had begun. Returns how many commands were done."""
    done = 0
    for line in said:
        if line.startswith("BAD "):
            raise Failed(json.loads(line[4:]))
        # A line that the cut has torn was never said.
        if line.startswith("BEGIN ") and line.endswith("}"):
            model.pending = json.loads(line[6:])
        elif line == "DONE" and model.pending:
            model.apply(model.pending)
            done += 1
    return done


def cuts(machine, tests_disk, directory, options):
    """All of them; a generator of (name, problem or None)."""
    data = directory / "data"
    images.tool("mkfs.ext4", "-q", str(data), "768M")
    chance = random.Random(options.seed)
    model, begin, number = Model(), time.monotonic(), 0
    console = options.keep_console or directory / "console"
    while number <= options.cuts:
        number += 1
        guest = Machine(machine, tests_disk, data, console)
        try:
            deadline = time.monotonic() + BOOT_S
            guest.expect("READY", deadline)
            guest.send(model.text())
            model = Model.parse(guest.expect("VERIFIED", deadline))
            if number > 1:
                yield f"the store after power cut {number - 1}", None
            last = number > options.cuts or time.monotonic() - begin > options.seconds
            if last:
                return
            guest.send(str(number))
            time.sleep(chance.uniform(*WORK_S))
            done = follow(model, guest.cut())
            what = " ".join(model.pending["argv"]) if model.pending else "nothing"
            print(f"# cut {number}: {done} commands done, under way: {what}", flush=True)
        except Failed as problem:
            yield f"the store after power cut {number - 1}", f"seed {options.seed}: {problem}"
            return
        finally:
            guest.cut()


def run(machine, options):
    """Cut, print, count. Returns (passed, failed)."""
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="skiff-power-") as name:
        directory = Path(name)
        tests_disk = machines.make_tests_disk(directory, [])
        for what, problem in cuts(machine, tests_disk, directory, options):
            print(f"{'not ok' if problem else 'ok'} - {what}" + (f"\n{problem}" if problem else ""), flush=True)
            failed += problem is not None
            passed += problem is None
    if not passed and not failed:
        print("not ok - no cut was made", flush=True)
        failed = 1
    return passed, failed


def options_of(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cuts", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=170, help="begin no cut later than this")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--keep-console", metavar="FILE")
    return parser.parse_args(arguments)


def main():
    """By hand."""
    options = options_of(sys.argv[1:])
    print(f"# seed {options.seed}")
    passed, failed = run(machines.make_disk(), options)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
