#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""README's two commands on a clean Debian, as a newcomer types them.

    tests/clean/run.py bookworm|trixie [quickstart] [check [STEP ...]]

As root, with mmdebstrap and systemd-nspawn. Makes a fresh root file system below --work (a directory on a
disk, not an overlay), boots it, copies what git has of this tree into it, and runs there `contrib/quickstart` as root
and as a plain user with sudo, the first commands as users in odd situations, and `contrib/check` as
root. Everything they print is shown. The exit code is 0 if all went well. Packages come from the
mirror that this machine uses. Not part of contrib/check: it takes minutes and fetches a distribution.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PACKAGES = "sudo,passwd,ca-certificates,systemd,systemd-sysv,dbus,libpam-systemd,dbus-user-session"
FIRST_COMMANDS = "skiff version; skiff run --rm hello; skiff ps -a; skiff images; skiff info >/dev/null"

# Who runs what: a user's name, how it differs from what useradd makes, the commands.
USERS = {
    "plain": ("echo 'plain ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/plain", "cd ~/skiff && contrib/quickstart"),
    "nosub": ("sed -i /^nosub:/d /etc/subuid /etc/subgid", FIRST_COMMANDS),
    "norun": ("true", "unset XDG_RUNTIME_DIR; " + FIRST_COMMANDS),
}


class Machine:
    """A booted system container."""

    def __init__(self, suite, work, packages=""):
        self.root = Path(work) / suite
        if self.root.exists():
            shutil.rmtree(self.root)
        mirror = re.search(r"^(?:URIs:|deb)\s+(?:\[.*?\]\s+)?(\S+)", self.sources(), re.M).group(1)
        subprocess.run(["mmdebstrap", "--variant=apt", f"--include={PACKAGES},{packages}", "--mode=root", "--format=directory",
                        suite, str(self.root), mirror], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for path in Path("/etc/apt/apt.conf.d").glob("99*"):
            shutil.copy(path, self.root / "etc/apt/apt.conf.d")
        for name in ("hosts", "resolv.conf"):
            shutil.copy(f"/etc/{name}", self.root / "etc" / name)
        self.process = None

    @staticmethod
    def sources():
        """What apt on this machine is configured with."""
        places = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*.sources")]
        return "\n".join(path.read_text(encoding="utf-8") for path in places if path.exists())

    def __enter__(self):
        argv = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe", "--directory",
                str(self.root), "--capability=all", "--bind=/dev/fuse", "--bind=/dev/net/tun",
                "--timezone=off",
                "--system-call-filter=keyctl add_key request_key bpf"]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                        env=dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"))
        deadline = time.monotonic() + 60
        while self.run("systemctl is-system-running", show=False)[1].strip() not in ("running", "degraded"):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit("the machine did not boot")
            time.sleep(0.5)
        return self

    def __exit__(self, *_):
        self.process.terminate()  # systemd shuts down in order
        self.process.wait(60)

    def init(self):
        """The machine's pid 1, as seen here."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
        return children[0] if children else None

    def run(self, script, user="root", show=True, timeout=3600):
        """A script in a login shell of one of its users. Returns (exit code, output)."""
        init = self.init()
        if init is None:
            return 1, ""
        if show:
            print(f"{user}$ {script}", flush=True)
        login = ["su", "-", user, "-c", script]
        done = subprocess.run(["nsenter", "-t", init, "-a", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *login],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=timeout, check=False)
        if show:
            print(re.sub(r"^\[\d+/\d+\] .*\n", "", done.stdout, flags=re.M), flush=True)
        return done.returncode, done.stdout

    def copy_tree(self, user):
        """What git has of this tree, in the user's home."""
        home = "root" if user == "root" else f"home/{user}"
        target = self.root / home / "skiff"
        target.mkdir()
        archive = subprocess.run(["git", "-C", str(TOP), "archive", "HEAD"], check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(["tar", "-x", "-C", str(target)], input=archive, check=True)
        self.run(f"chown -R {user}: ~{user}/skiff", show=False)


def quickstart(machine):
    """All users in turn. Returns what failed."""
    failed = []

    def attempt(user, script):
        code, output = machine.run(script, user)
        if code != 0 or "Your containers work." not in output:
            failed.append(f"{user}: exit code {code}")
    for user, (prepare, script) in USERS.items():
        code, output = machine.run(f"useradd -m -s /bin/bash {user} && {prepare}")
        if code != 0:
            raise SystemExit(f"cannot make the user '{user}': {output}")
        if user == "plain":
            machine.copy_tree(user)
        attempt(user, script)
        if user == "plain":
            attempt(user, FIRST_COMMANDS)  # a new login: ~/.local/bin is in PATH now
            machine.copy_tree("root")
            attempt("root", "cd ~/skiff && contrib/quickstart")
            attempt("root", FIRST_COMMANDS)
    return failed


def check(machine, steps):
    """contrib/check as root. Returns what failed."""
    if not (machine.root / "root/skiff").exists():
        machine.copy_tree("root")
    code, output = machine.run("cd ~/skiff && contrib/check " + " ".join(steps), timeout=5400)
    print(output.splitlines()[-1] if output else "no output")
    return [] if code == 0 else [f"contrib/check: exit code {code}"]


def main():
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("suite", choices=("bookworm", "trixie"))
    parser.add_argument("command", nargs="*", help="quickstart, check, steps of contrib/check (default: quickstart check)")
    parser.add_argument("--work", default="/var/tmp", help="where the root file system is made")
    options = parser.parse_args()
    commands = options.command or ["quickstart", "check"]
    failed = []
    with tempfile.TemporaryDirectory(prefix="skiff-clean-", dir=options.work) as work:
        os.chmod(work, 0o755)
        with Machine(options.suite, work) as machine:
            if "quickstart" in commands:
                failed += quickstart(machine)
            if "check" in commands:
                failed += check(machine, [step for step in commands if step not in ("quickstart", "check")])
    print("\n".join(failed) or f"{options.suite}: all went well")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
