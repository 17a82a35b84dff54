#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Inside a machine of tests/vm/run.py or tests/nspawn/run.py: run its test modules, each class as the user it names.

    guest.py BED                                    as root: all of it; BED is a folder of tests, "vm" or "nspawn"
    guest.py BED --as USER REPORT [TEST ...]        in a login of that user: its classes

/skiff holds what the bed has put there: the tree, the prefix under test, an image, and a file of the tests wanted.

Classes with `boot = 1` run first, then the machine is booted again, and everything else follows.
"""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

DISK = Path("/skiff")
TREE = DISK / "tree"
sys.path.insert(0, str(TREE))
sys.dont_write_bytecode = True
os.environ.setdefault("SKIFF_PREFIX", str(DISK / "prefix"))
if sys.argv[1:2] == ["vm"]:  # emulated
    os.environ.setdefault("SKIFF_TEST_SLOWNESS", "6")

from tests.system import run as runner  # noqa: E402  (the path comes first)

USERS = ("tester", "root")

# Modules that run only when they are named: two boots take minutes.
BY_NAME = ("reboot",)

# What the first boot has come to; it is there in the second one.
FIRST_BOOT = Path("/var/lib/skiff-first-boot.json")


def classes(suite):
    """The test cases of a suite, flat."""
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from classes(item)
        else:
            yield item


def run_as(bed, user, report, names):
    """In a login: run what is this user's, write the outcomes."""
    loaded = unittest.defaultTestLoader.loadTestsFromNames([f"tests.{bed}.test_{name}" for name in names])
    boot = 2 if FIRST_BOOT.exists() else 1
    mine = unittest.TestSuite(case for case in classes(loaded)
                              if getattr(case, "user", user) == user and getattr(case, "boot", 2) == boot)
    result = runner.TapResult()
    mine.run(result)
    Path(report).write_text(json.dumps(result.outcomes), encoding="utf-8")
    return 0


def login(bed, user, names):
    """A login of the user, with PAM's session and systemd's; returns the outcomes."""
    print(f"# as {user}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        os.chown(directory, pwd.getpwnam(user).pw_uid, -1)
        report = Path(directory) / "report"
        script = f"exec python3 {TREE}/tests/support/guest.py {bed} --as {user} {report} {' '.join(names)}"
        done = subprocess.run(["su", "-", user, "-c", script], stdin=subprocess.DEVNULL, check=False)
        if report.exists():
            return json.loads(report.read_text(encoding="utf-8"))
        text = f"the tests of '{user}' did not finish: exit code {done.returncode}"
        print(f"not ok - {text}", flush=True)
        return [{"name": user, "outcome": "fail", "text": text}]


def reboot(bed, names):
    """The first boot's tests; then an orderly reboot with what they have left running."""
    # The disk of the tests is not there yet when the services of the next boot begin.
    shutil.copytree(DISK / "prefix", "/usr/local", symlinks=True, dirs_exist_ok=True)
    outcomes = [outcome for user in USERS for outcome in login(bed, user, names)]
    FIRST_BOOT.write_text(json.dumps(outcomes), encoding="utf-8")
    os.sync()
    # This service ends with a power-off, but not now: what is in /run is gone after the boot.
    directory = Path("/run/systemd/system/skiff-vm.service.d")
    directory.mkdir(parents=True)
    (directory / "again.conf").write_text("[Service]\nExecStopPost=\n", encoding="utf-8")
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    print("# boots again", flush=True)
    subprocess.run(["systemctl", "reboot", "--no-block"], check=True)
    return 0


def main():
    """As root, or one login of it."""
    bed = sys.argv[1]
    if sys.argv[2:3] == ["--as"]:
        return run_as(bed, sys.argv[3], sys.argv[4], sys.argv[5:])
    subprocess.run(["systemctl", "is-system-running", "--wait"], stdout=subprocess.DEVNULL, check=False)
    names = (DISK / "arguments").read_text(encoding="utf-8").split()
    names = names or sorted(path.stem.removeprefix("test_") for path in (TREE / "tests" / bed).glob("test_*.py")
                            if path.stem.removeprefix("test_") not in BY_NAME)
    print(f"# kernel {os.uname().release}", flush=True)
    if os.path.exists("/dev/net/tun"):
        os.chmod("/dev/net/tun", 0o666)
    else:
        subprocess.run(["modprobe", "tun"], check=False)
    if bed != "vm" or not any(name.split(".")[0] == "reboot" for name in names):
        FIRST_BOOT.write_text("[]", encoding="utf-8")
    elif not FIRST_BOOT.exists():
        return reboot(bed, [name for name in names if name.split(".")[0] == "reboot"])
    outcomes = json.loads(FIRST_BOOT.read_text(encoding="utf-8"))
    outcomes += [outcome for user in USERS for outcome in login(bed, user, names)]
    return runner.summarize(outcomes)


if __name__ == "__main__":
    sys.exit(main())
