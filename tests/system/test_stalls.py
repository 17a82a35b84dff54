# SPDX-License-Identifier: Apache-2.0
"""Who stands still, and storms of signals (F16)."""

import fcntl
import os
import signal
import subprocess
from pathlib import Path

from tests.support.skiff import SLOWNESS, SkiffTest, wait_for

SIGNALS = 20000


class Stalls(SkiffTest):
    images = ["busybox"]

    def start(self, *args):
        """A skiff that is not waited for."""
        process = subprocess.Popen([str(self.program), *self.roots(), *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.environment(), cwd=self.home, start_new_session=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def hold(self, ident):
        """Take the container's lock as a command does, and stand still. Returns what must be closed for it to go on."""
        lock = open(self.runtime / "skiff/containers" / ident / "op", "r+", encoding="utf-8")
        self.addCleanup(lock.close)
        fcntl.lockf(lock, fcntl.LOCK_EX)
        start = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
        lock.write(f"{os.getpid()} {start} standstill\n")
        lock.truncate()
        lock.flush()
        return lock

    def storm(self, pid, numbers):
        """Signals, as fast as they can be sent."""
        for number in range(SIGNALS):
            os.kill(pid, numbers[number % len(numbers)])

    def test_a_holder_that_stands_still(self):
        """No command holds a lock for long, unless it is stopped: others name it within their time, what needs no lock goes on.
        Meanwhile signals rain on a monitor and on a command that is attached."""
        ident = self.skiff("run", "-d", "--network", "none", "--name", "c", "busybox", "sh", "-c",
                           "trap '' TERM; while :; do sleep 0.1; done").word
        attached = self.start("run", "--rm", "--network", "none", "--name", "other", "busybox", "sh", "-c",
                              "while [ ! -e /end ]; do sleep 0.1; done; echo over; exit 7")
        lock = self.hold(ident)
        blocked = self.start("rm", "-f", "c")
        # "running" is also said of one that is only being started.
        wait_for(lambda: self.skiff("inspect", "--format", "{{.State.Pid}}", "other", check=False).stdout.strip() not in ("", "0"),
                 timeout=60)
        monitor = int(self.skiff("inspect", "--format", "{{.State.ConmonPid}}", "other").word)
        self.storm(monitor, (signal.SIGCHLD, signal.SIGWINCH))
        self.storm(attached.pid, (signal.SIGCHLD, signal.SIGWINCH))
        used = sum(map(int, Path(f"/proc/{monitor}/stat").read_text().rpartition(")")[2].split()[11:13]))
        for args in (["ps", "-a"], ["inspect", "c"], ["logs", "c"], ["exec", "c", "true"], ["exec", "other", "touch", "/end"]):
            self.skiff(*args)
        out, err = attached.communicate(timeout=60 * SLOWNESS)
        self.assertEqual((attached.returncode, out), (7, b"over\n"), err)
        # Ticks of 10 ms: it slept between the signals, and after them.
        self.assertLess(used, 500 * SLOWNESS)
        _, err = blocked.communicate(timeout=90 * SLOWNESS)
        self.assertNotEqual(blocked.returncode, 0)
        self.assertIn(f"locked by process {os.getpid()} (standstill)", err.decode())
        lock.close()
        self.skiff("rm", "-f", "-t", "0", "c")
