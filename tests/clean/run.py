#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""README's two commands on a clean Debian, as a newcomer types them.

    tests/clean/run.py bookworm|trixie [--as USER] [quickstart] [check [STEP ...]]

As root, with mmdebstrap and systemd-nspawn. Makes a fresh root file system below --work (a directory on
a disk, not an overlay) with the packages of the mirror that apt here uses, boots it and copies what git
has of this tree into it. quickstart: `contrib/quickstart` and the first commands, on a terminal, as a
plain user with sudo, as root, and as users without sub-ids and without XDG_RUNTIME_DIR. check:
`contrib/check` as root or, with --as plain, as that user. All they print is shown. The exit code is 0 if
all went well. Not part of contrib/check: it takes minutes and fetches a distribution.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))

from tests.nspawn.machine import Machine, make_root  # noqa: E402  (the path comes first)

PACKAGES = ["sudo", "passwd", "ca-certificates"]
QUICKSTART = "cd ~/skiff && contrib/quickstart"
FIRST_COMMANDS = """set -e
skiff version
skiff run --rm hello
skiff info
skiff run -d --name first hello
skiff wait first
skiff ps -a
skiff logs first | grep -q 'Your containers work'
skiff rm first
skiff images"""

# In this order: a user's name, what is done after useradd, what precedes the commands.
USERS = {
    "plain": ("echo 'plain ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/plain", ""),
    "root": (None, ""),
    "nosub": ("sed -i /^nosub:/d /etc/subuid /etc/subgid", ""),
    "norun": ("true", "unset XDG_RUNTIME_DIR; "),
}


class CleanMachine(Machine):
    """With the users of this test."""

    def add_user(self, user):
        """Make one of USERS, with a copy of the tree."""
        if USERS[user][0] is not None:
            code, output = self.run(f"useradd -m -s /bin/bash {user} && {USERS[user][0]}", show=False)
            if code != 0:
                raise SystemExit(f"cannot make the user '{user}': {output}")
        self.copy_tree(user)

    def copy_tree(self, user):
        """What git has of this tree, in the user's home."""
        home = "root" if user == "root" else f"home/{user}"
        target = self.root / home / "skiff"
        target.mkdir(exist_ok=True)
        archive = subprocess.run(["git", "-C", str(TOP), "archive", "HEAD"], check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(["tar", "-x", "-C", str(target)], input=archive, check=True)
        self.run(f"chown -R {user}: ~{user}/skiff", show=False)


def quickstart(machine):
    """All users in turn. Returns what failed."""
    failed = []
    for user, (_, before) in USERS.items():
        machine.add_user(user)
        # The second is a new login, which finds ~/.local/bin.
        for script in (QUICKSTART, FIRST_COMMANDS):
            code, output = machine.run(before + script, user)
            if code != 0 or "Your containers work." not in output:
                failed.append(f"{user}: exit code {code}: {script.splitlines()[0]}")
    return failed


def check(machine, user, steps):
    """contrib/check. Returns what failed."""
    code, output = machine.run("cd ~/skiff && contrib/check " + " ".join(steps), user, timeout=7200, own_proc=True)
    print(output.splitlines()[-1] if output else "no output")
    return [] if code == 0 else [f"contrib/check as {user}: exit code {code}"]


def main():
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("suite", choices=("bookworm", "trixie"))
    parser.add_argument("command", nargs="*", help="quickstart, check, steps of contrib/check (default: quickstart check)")
    parser.add_argument("--as", dest="user", choices=("root", "plain"), default="root", help="who runs contrib/check")
    parser.add_argument("--work", default="/var/tmp", help="where the root file system is made")
    options = parser.parse_intermixed_args()
    commands = options.command or ["quickstart", "check"]
    failed = []
    with tempfile.TemporaryDirectory(prefix="skiff-clean-", dir=options.work) as work:
        os.chmod(work, 0o755)
        root = Path(work) / options.suite
        make_root(options.suite, root, PACKAGES)
        with CleanMachine(root) as machine:
            if "quickstart" in commands:
                failed += quickstart(machine)
            if "check" in commands:
                if "quickstart" not in commands:
                    machine.add_user(options.user)
                failed += check(machine, options.user, [step for step in commands if step not in ("quickstart", "check")])
    print("\n".join(failed) or f"{options.suite}: all went well")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
