# SPDX-License-Identifier: Apache-2.0
"""Odd surroundings (F14): limits, variables, masks, descriptors and signals that a command may be started with. It
works, or ends with 125 and one line that says why (and one that says what to do); it never hangs or crashes."""

import os
import resource
import shutil
import signal
import subprocess
from pathlib import Path

from tests.support.skiff import SLOWNESS, SkiffTest, sub_ids

WORKS = None
FILES, SIZE, SPACE, STACK, CORE = (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_AS, resource.RLIMIT_STACK, resource.RLIMIT_CORE)


def limit(kind, value):
    """A function that sets a limit, in the child."""
    return lambda: resource.setrlimit(kind, (value, value))


def closed(*fds):
    """A function that closes descriptors."""
    return lambda: [os.close(fd) for fd in fds]


def full(fd):
    """A function that makes fd one that cannot be written to."""
    def make():
        device = os.open("/dev/full", os.O_RDWR)
        os.dup2(device, fd)
    return make


def ignoring(number):
    """A function that ignores a signal: its children inherit that."""
    return lambda: signal.signal(number, signal.SIG_IGN)


class Environments(SkiffTest):
    images = ["busybox"]

    def attempt(self, args, env, prepare, cwd):
        """Run skiff. Returns (code, stdout, stderr)."""
        # Not restored: Python ignores SIGPIPE, and has its children not do so.
        process = subprocess.Popen([str(self.program), *self.roots(), *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.environment(**env), cwd=cwd, start_new_session=True, preexec_fn=prepare)
        try:
            out, err = process.communicate(timeout=60 * SLOWNESS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"{args} hangs: {self.last_words(process)}") from None
        return process.returncode, out.decode(), err.decode()

    def check(self, name, says=WORKS, env=None, prepare=None, cwd=None, out="ok\n"):
        """One environment: `says` is what the error must match, WORKS if there must be none."""
        with self.subTest(name):
            code, stdout, stderr = self.attempt(["run", "--rm", "--network", "none", "busybox", "echo", "ok"], env or {}, prepare, cwd or self.home)
            if says is WORKS:
                self.assertEqual((code, stdout), (0, out), stderr)
            else:
                self.assertEqual((code, stdout), (125, ""), stderr)
                self.assertRegex(stderr, says)
                self.assertLessEqual(len(stderr.splitlines()), 2, stderr)

    def test_limits(self):
        """Numbers of descriptors, sizes."""
        self.check("64 files", prepare=limit(FILES, 64))
        for number in (4, 8, 16, 32):
            self.check(f"{number} files", "Too many open files", prepare=limit(FILES, number))
        self.check("no size", "File too large", prepare=limit(SIZE, 0))
        self.check("64 KiB", prepare=limit(SIZE, 65536))
        self.check("a small stack", prepare=limit(STACK, 256 << 10))
        self.check("no core", prepare=limit(CORE, 0))

    def test_variables(self):
        """Those of a session, wrong or missing."""
        self.check("no variables but HOME", env={name: None for name in ("PATH", "XDG_RUNTIME_DIR", "TMPDIR", "USER", "TERM", "LANG")})
        self.check("no PATH", env={"PATH": ""})
        for name in ("LANG", "LC_ALL"):
            for value in ("tr_TR.UTF-8", "xx_XX.none", "C", ""):
                self.check(f"{name}={value}", env={name: value})
        self.check("no TMPDIR", env={"TMPDIR": "/nonexistent"})
        self.check("TERM=nothing", env={"TERM": "nothing"})
        self.check("a zone that is none", env={"TZ": "Nowhere/None"})

    def test_masks_and_descriptors(self):
        """umask; standard descriptors that are closed or full."""
        for mask in (0o777, 0o077, 0):
            self.check(f"umask {mask:o}", prepare=lambda mask=mask: os.umask(mask) and None)
        self.check("no stdin", prepare=closed(0))
        self.check("no stderr", prepare=closed(2))
        self.check("no stdin and stderr", prepare=closed(0, 2))
        self.check("stderr is full", prepare=full(2))

    def test_output_that_is_lost(self):
        """Where stdout takes nothing, that is told; a closed one is nobody's."""
        code, _, stderr = self.attempt(["ps"], {}, full(1), self.home)
        self.assertEqual(code, 125, stderr)
        self.assertIn("No space left", stderr)
        for args in (["ps"], ["run", "--rm", "--network", "none", "busybox", "true"]):
            code, _, _ = self.attempt(args, {}, closed(0, 1, 2), self.home)
            self.assertEqual(code, 0)

    def test_signals(self):
        """Ignored or blocked ones are inherited: what a nohup, a shell or a daemon leaves."""
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            self.check(f"{number.name} ignored", prepare=ignoring(number))
        self.check("all blocked", prepare=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals)) and None)

    def test_directories(self):
        """Where one stands, and where one may not write."""
        gone = self.tmp / "gone"

        def leave():
            os.rmdir(gone)

        gone.mkdir()
        self.check("a working directory that is gone", prepare=leave, cwd=gone)
        self.check("no such HOME", env={"HOME": "/nonexistent/home", "XDG_DATA_HOME": str(self.home / ".local/share")})

    def test_wrong_runtime_directory(self):
        """One that is open to others, or a file."""
        others, file = self.base / "others", self.base / "file"
        (others / "skiff").mkdir(parents=True)
        (others / "skiff").chmod(0o777)
        file.touch()
        if os.geteuid() == 0:
            self.skipTest("root's is not found by the variable")
        for path in (others, file):
            code, stdout, stderr = self.attempt(["ps"], {"XDG_RUNTIME_DIR": str(path)}, None, self.home)
            self.assertEqual((code, stdout), (125, ""), stderr)
            self.assertIn(str(path), stderr)

    def test_helpers(self):
        """newuidmap of somebody else in the PATH is not run."""
        if not sub_ids():
            self.skipTest("needs sub-ids")
        trap = self.tmp / "trap"
        trap.mkdir()
        for name in ("newuidmap", "newgidmap"):
            program = trap / name
            program.write_text(f"#!/bin/sh\ntouch {self.tmp}/ran\nexit 1\n")
            program.chmod(0o755)
        self.check("a newuidmap of one's own", env={"PATH": f"{trap}:/usr/bin:/bin"})
        self.assertFalse(Path(self.tmp, "ran").exists())
        shutil.rmtree(trap)

    def test_read_only_store(self):
        """A store that cannot be written to can still be read."""
        store = self.state_directories()["store/names"].parent
        mode = store.stat().st_mode
        self.addCleanup(os.chmod, store, mode)
        if os.geteuid() == 0:
            self.skipTest("root may write anyway")
        os.chmod(store, 0o500)
        self.assertIn("busybox", self.skiff("images").stdout)
