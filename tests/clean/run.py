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
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PACKAGES = "sudo,passwd,ca-certificates,systemd,systemd-sysv,dbus,libpam-systemd,dbus-user-session"
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


class Machine:
    """A booted system container."""

    def __init__(self, suite, work, packages=""):
        self.root = Path(work) / suite
        if self.root.exists():
            shutil.rmtree(self.root)
        mirror = re.search(r"^(?:URIs:|deb)\s+(?:\[.*?\]\s+)?(\S+)", self.sources(), re.M).group(1)
        made = subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", f"--include={PACKAGES},{packages}", "--mode=root",
                               "--format=directory", suite, str(self.root), mirror], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        if made.returncode != 0:
            raise SystemExit(f"mmdebstrap failed: {made.stdout[-4000:]}")
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
                "--timezone=off", "--system-call-filter=keyctl add_key request_key bpf"]
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

    def run(self, script, user="root", show=True, timeout=3600, own_proc=False):
        """A script in a login shell of one of its users, on a terminal if it is shown. Returns (exit code, output).

        With `own_proc` it sees a /proc of its own: in the machine's, nspawn has made /proc/sys read-only.
        """
        init = self.init()
        if init is None:
            return 1, ""
        if show:
            print(f"{user}$ {script}", flush=True)
            script = f"script --quiet --return --command {shlex.quote(script)} /dev/null"
        argv = ["timeout", str(timeout), "nsenter", "-t", init, "-a", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        if own_proc:  # the shell reaps orphans, which su would not
            argv += ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", '"$@"; exit $?', "sh"]
        argv += ["su", "-", user, "-c", script]
        output = ""
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace") as process:
            for line in process.stdout:
                output += line
                if show:
                    print(line, end="", flush=True)
        return process.returncode, output

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
        with Machine(options.suite, work) as machine:
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
