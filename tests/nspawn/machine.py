# SPDX-License-Identifier: Apache-2.0
"""Machines with a real systemd: a Debian root file system booted by systemd-nspawn."""

import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

from tests.support import images

SYSTEMD = ["systemd", "systemd-sysv", "dbus", "libpam-systemd", "dbus-user-session"]


def make_root(suite, root, packages):
    """A root file system from the mirror that apt here uses, which may install more from there."""
    images.tool("mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join([*SYSTEMD, *packages])}", "--mode=root",
                "--format=directory", suite, str(root), images.debian_mirror())
    for path in Path("/etc/apt/apt.conf.d").glob("99*"):
        shutil.copy(path, root / "etc/apt/apt.conf.d")
    for name in ("hosts", "resolv.conf"):
        shutil.copy(f"/etc/{name}", root / "etc" / name)


class Machine:
    """A booted system container."""

    def __init__(self, root, *options):
        self.root = Path(root)
        self.options = options  # more of them for systemd-nspawn
        self.process = None

    def __enter__(self):
        argv = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe", "--directory",
                str(self.root), "--capability=all", "--bind=/dev/fuse", "--bind=/dev/net/tun",
                "--timezone=off", "--system-call-filter=keyctl add_key request_key bpf", *self.options]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                        env=dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"))
        deadline = time.monotonic() + 60
        while self.run("systemctl is-system-running", show=False)[1].strip() not in ("running", "degraded"):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit("the machine did not boot")
            time.sleep(0.1)
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
