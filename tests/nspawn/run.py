#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests with a real systemd, user managers, journal and linger: Debian 12 booted by systemd-nspawn.

    tests/nspawn/run.py [MODULE[.CLASS[.TEST]] ...]

As root, with systemd-nspawn and mmdebstrap. The root file system is made once and kept in the cache of
the tests; what the machine writes goes to memory, its home directories to a temporary directory, since
an overlay is no place for another one's upper directory. The machine is booted once and runs
tests/support/guest.py, which runs tests/nspawn/test_*.py as a user with a login and as root. It shares
this machine's kernel and network. The last line counts.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))

from tests.nspawn.machine import Machine, make_root  # noqa: E402  (the path comes first)
from tests.support import images  # noqa: E402
from tests.vm.run import make_content  # noqa: E402

SUITE = "bookworm"
PACKAGES = ("passwd uidmap iproute2 procps python3 ca-certificates libglib2.0-0 libjson-c5 libcurl4 libssl3 libarchive13 "
            "libzstd1 libisal2 libslirp0 libseccomp2 libyaml-0-2").split()
# By content: a change of the script below makes a new root file system.
CUSTOMIZE = """set -e
useradd --create-home --shell /bin/bash --groups systemd-journal tester
mkdir -p /var/lib/systemd/linger
touch /var/lib/systemd/linger/tester
mkdir -p /etc/systemd/user-generators /etc/systemd/system-generators
ln -s /skiff/prefix/libexec/skiff/skiff-quadlet /etc/systemd/user-generators/skiff-user-generator
ln -s /skiff/prefix/libexec/skiff/skiff-quadlet /etc/systemd/system-generators/skiff-system-generator
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
"""
TIMEOUT = 900

COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)


def cached_root():
    """The machine's root file system, from the cache."""
    def make(directory):
        images.need_root("nspawn")
        make_root(SUITE, directory / "root", PACKAGES)
        images.tool("chroot", str(directory / "root"), "sh", "-c", CUSTOMIZE)

    return images.cached("nspawn", [SUITE, PACKAGES, CUSTOMIZE], make) / "root"


def run_tests(root, tests):
    """Boot, run, show. Returns what the guest said."""
    with tempfile.TemporaryDirectory(prefix="skiff-nspawn-", dir="/var/tmp") as name:
        content, home = Path(name) / "skiff", Path(name) / "home"
        content.mkdir()
        make_content(content, tests)
        subprocess.run(["cp", "-a", str(root / "home"), str(home)], check=True)
        with Machine(root, "--volatile=overlay", f"--bind-ro={content}:/skiff", f"--bind={home}:/home") as machine:
            return machine.run("python3 /skiff/tree/tests/support/guest.py nspawn", show=False, timeout=TIMEOUT)[1]


def main():
    """Parse the command line, boot, count."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("tests", nargs="*", metavar="MODULE[.CLASS[.TEST]]")
    options = parser.parse_args()
    try:
        if shutil.which("systemd-nspawn") is None:
            raise images.Unavailable("'systemd-nspawn' is not installed")
        if Path("/run/systemd/container").exists():
            raise images.Unavailable("this is such a machine itself")
        root = cached_root()
    except images.Unavailable as reason:
        print(f"# skipped 1: {reason}\n0 passed, 0 failed, 1 skipped")
        return 0
    text = run_tests(root, options.tests)
    print(COUNTS.sub("", text).rstrip())
    found = COUNTS.findall(text)
    if not found:
        print("not ok - the machine did not finish\n0 passed, 1 failed, 0 skipped")
        return 1
    print(f"{found[-1][0]} passed, {found[-1][1]} failed, {found[-1][2]} skipped")
    return 1 if int(found[-1][1]) or not int(found[-1][0]) else 0


if __name__ == "__main__":
    sys.exit(main())
