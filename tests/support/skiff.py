# SPDX-License-Identifier: Apache-2.0
"""Running skiff in a throwaway home: what every system test is made of.

    class Run(SkiffTest):
        images = ["busybox"]

        def test_echo(self):
            done = self.skiff("run", "--rm", "busybox", "echo", "hi")
            self.assertEqual(done.stdout, "hi\\n")

A test class has a home, a runtime directory and a temporary directory of its own, so classes do not
see each other's containers. After each test all its containers are removed and the leak oracle
compares processes, mounts, listening sockets and files with the state before: what is left fails the
test. tests/system/run.py starts the modules, each in a pid namespace of its own.
"""

import fcntl
import json
import os
import pty
import pwd
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time
import unittest
from pathlib import Path

from tests.support import images as image_makers
from tests.support.images import Unavailable, remove_tree
from tests.support.registry import free_port

TOP = Path(__file__).resolve().parents[2]

# Given on to skiff where the harness has them: how a sanitizer build reports.
# The defences that are down in a build for tests/wall.
WALL_VARIABLE = "SKIFF_WALL_DOWN"
PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "SKIFF_TEST_FAILPOINT", WALL_VARIABLE)

# Built for test_network_unit; run.py copies it to where the test user may run it.
NETNS_BED = "tests/unit/network/netns-bed"
# The same for test_build_files.
BUILD_BED = "tests/unit/build/build-bed"

# A sanitizer build takes its time.
SLOWNESS = float(os.environ.get("SKIFF_TEST_SLOWNESS", "1"))

# Races in their full number (tests/system/run.py --soak).
SOAK = os.environ.get("SKIFF_TEST_SOAK") == "1"

__all__ = ["SkiffTest", "sub_ids", "Result", "Tty", "wait_for", "free_port", "Unavailable", "image_makers", "SLOWNESS", "SOAK"]


def build_dir():
    """The build directory: $SKIFF_BUILD, else the one in the tree, by the names our scripts give it."""
    if "SKIFF_BUILD" in os.environ:
        return Path(os.environ["SKIFF_BUILD"])
    places = [TOP / name for name in ("build-check/gcc", "build-quickstart", "build-dev", "build")]
    return next((place for place in places if (place / "build.ninja").exists()), places[0])


def install(prefix):
    """Copy what `meson install` would install into `prefix`: everything that has been built."""
    listing = subprocess.run(["meson", "introspect", str(build_dir()), "--installed"], check=True,
                             capture_output=True, text=True).stdout
    options = subprocess.run(["meson", "introspect", str(build_dir()), "--buildoptions"], check=True,
                             capture_output=True, text=True).stdout
    built_for = next(option["value"] for option in json.loads(options) if option["name"] == "prefix")
    for source, target in json.loads(listing).items():
        target = Path(prefix) / os.path.relpath(target, built_for)
        if os.path.isdir(source):
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        elif os.path.exists(source):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    if not (Path(prefix) / "bin/skiff").exists():
        raise SystemExit(f"'{build_dir()}' holds no built skiff: run ninja there, or set SKIFF_BUILD")
    subprocess.run(["chmod", "-R", "a+rX", str(prefix)], check=True)


def of_processes(name):
    """The bytes of /proc/PID/`name` of every process that does not end meanwhile."""
    for pid in os.listdir("/proc"):
        try:
            if pid.isdigit():
                yield Path("/proc", pid, name).read_bytes()
        except OSError:
            continue


_own_prefix = None


def prefix():
    """The prefix under test: $SKIFF_PREFIX, else the build, installed once into a temporary directory."""
    global _own_prefix
    given = os.environ.get("SKIFF_PREFIX")
    if given:
        return Path(given)
    if _own_prefix is None:
        _own_prefix = tempfile.TemporaryDirectory(prefix="skiff-prefix-")
        os.chmod(_own_prefix.name, 0o755)
        install(_own_prefix.name)
    return Path(_own_prefix.name)


# What every command that makes a container says to a user without sub-ids.
SINGLE_ID_NOTICE = re.compile(rb"^Warning: containers have only one id: .*\n", re.M)


def sub_ids():
    """How many sub-ids this user has; None for root, who has them all."""
    if os.geteuid() == 0:
        return None
    name = pwd.getpwuid(os.geteuid()).pw_name
    lines = [line.split(":") for line in Path("/etc/subuid").read_text(encoding="utf-8").splitlines()]
    return sum(int(line[2]) for line in lines if len(line) == 3 and line[0] in (name, str(os.geteuid())))


class Result:
    """What a command did."""

    def __init__(self, argv, code, stdout, stderr, seconds):
        self.argv = argv
        self.code = code
        self.notices = []
        if sub_ids() == 0:
            self.notices = [line.decode() for line in SINGLE_ID_NOTICE.findall(stderr)]
            stderr = SINGLE_ID_NOTICE.sub(b"", stderr)
        self.stdout_bytes, self.stderr_bytes = stdout, stderr
        self.stdout = stdout.decode(errors="replace")
        self.stderr = stderr.decode(errors="replace")
        self.seconds = seconds

    @property
    def lines(self):
        """The lines of stdout."""
        return self.stdout.splitlines()

    @property
    def word(self):
        """stdout without white space around it: an id, a name."""
        return self.stdout.strip()

    @property
    def json(self):
        """stdout, parsed."""
        return json.loads(self.stdout)

    def __str__(self):
        text = f"$ {' '.join(map(str, self.argv))}\nexit code {self.code} after {self.seconds:.2f} s\n"
        for name, data in (("stdout", self.stdout), ("stderr", self.stderr)):
            if data:
                text += f"{name}:\n{data[-4000:]}\n"
        return text


def wait_for(what, timeout=10, interval=0.02, message="the condition"):
    """Call `what` until its result is true, and return that. Raises AssertionError after `timeout`."""
    deadline = time.monotonic() + timeout * SLOWNESS
    while True:
        result = what()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{message} did not come true within {timeout * SLOWNESS:g} s")
        time.sleep(interval)


# Of a process that another one waited for: by a pidfd that was opened while it lived.
EXITS_ARE_TOLD = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 15)


def watches(watcher, pid):
    """Has the process a pidfd of another one?"""
    for info in Path(f"/proc/{watcher}/fdinfo").iterdir():
        try:
            if f"\nPid:\t{pid}\n" in info.read_text():
                return True
        except FileNotFoundError:
            pass
    return False


class Tty:
    """A command on a terminal of its own, as a user at a shell has it."""

    def __init__(self, argv, env, cwd, rows=24, columns=80):
        self.master, slave = pty.openpty()
        self.output = b""
        self.seen = 0
        self.resize(rows, columns)
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=cwd,
                                        start_new_session=True, preexec_fn=self._take_terminal)
        os.close(slave)

    @staticmethod
    def _take_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, rows, columns):
        """Change the window size; the kernel tells the foreground process."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        """Type."""
        os.write(self.master, text.encode() if isinstance(text, str) else text)

    def settings(self):
        """The terminal's settings, to be compared before and after."""
        return termios.tcgetattr(self.master)

    def expect(self, pattern, timeout=10):
        """Read until the regular expression matches behind what has been matched before."""
        expression = re.compile(pattern.encode() if isinstance(pattern, str) else pattern)
        deadline = time.monotonic() + timeout * SLOWNESS
        while True:
            match = expression.search(self.output, self.seen)
            if match:
                self.seen = match.end()
                return match
            if time.monotonic() > deadline:
                raise AssertionError(f"{pattern!r} did not come; on the terminal: {self.output[self.seen:]!r}")
            if not self.read(0.1) and self.process.poll() is not None and not self.read(0.2):
                raise AssertionError(f"{pattern!r} did not come before the end: {self.output[self.seen:]!r}")

    def read(self, timeout):
        """Take what is on the terminal. Returns False if there was nothing."""
        ready, _, _ = select.select([self.master], [], [], timeout)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the last process closed the terminal
            return False
        self.output += data
        return bool(data)

    def wait(self, timeout=20):
        """Wait for the end, reading on, and return the exit code."""
        deadline = time.monotonic() + timeout * SLOWNESS
        while self.process.poll() is None:
            self.read(0.05)
            if time.monotonic() > deadline:
                raise AssertionError(f"still running; on the terminal: {self.output!r}")
        while self.read(0):
            pass
        return self.process.returncode

    def close(self):
        """Hang up."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


# The leak oracle


def read_text(path):
    """A small file of /proc, or "" if its process is gone."""
    try:
        return Path(path).read_bytes().decode(errors="replace")
    except OSError:
        return ""


def processes(exclude=()):
    """Every process we can see, without ourselves and `exclude`: {(pid, start time): command line}."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) in exclude:
            continue
        stat = read_text(f"/proc/{name}/stat").rpartition(")")[2].split()
        status = read_text(f"/proc/{name}/status")
        if not stat or not status or stat[0] in "ZX" or "\nKthread:\t1" in status or stat[1] == "2" or name == "2":
            continue
        command = read_text(f"/proc/{name}/cmdline").replace("\0", " ").strip()
        found[(int(name), stat[19])] = command or "[" + status.split("\n")[0].partition("\t")[2] + "]"
    return found


def listening_sockets():
    """Addresses of listening TCP and bound UDP sockets in our network namespace."""
    found = set()
    for protocol, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in read_text(f"/proc/self/net/{protocol}").splitlines()[1:]:
            fields = line.split()
            if fields[3] == state:
                found.add(f"{protocol} {fields[1]}")
    return found


def mounts():
    """The mount points of our own mount namespace."""
    return {line.split()[4] for line in read_text("/proc/self/mountinfo").splitlines()}


def tree(directory, depth=3):
    """Paths below a directory, as far as we may look."""
    found = set()
    top = str(directory)
    for parent, directories, files in os.walk(top):
        if parent[len(top):].count("/") >= depth:
            directories.clear()
        for name in directories + files:
            found.add(os.path.relpath(os.path.join(parent, name), top))
    return found


class Snapshot:
    """The state that a test must leave as it found it."""

    # Locks, the record of the shared user namespace and the stamp of the last healing stay for the
    # next command; so do caches.
    ALLOWED = re.compile(r"(^|/)[^/]*\.lock$|^userns\.json$|^healed$|^cache(/|$)|^(containers|names|volumes|images|layers|"
                         r"staging|trash|networks|secrets|exits|events|tmp)$|^events[^/]*$|^version$|^format$")

    def __init__(self, test):
        self.processes = processes(exclude={os.getpid()})
        self.sockets = set() if test.outside else listening_sockets()
        self.mounts = mounts()
        self.files = {f"{name}: {path}" for name, top in test.state_directories().items()
                      for path in tree(top) if not self.ALLOWED.search(path)}

    def leaks(self, before):
        """Lines that say what is here and was not before."""
        lines = [f"process {pid}: {command}" for (pid, start), command in sorted(self.processes.items())
                 if (pid, start) not in before.processes]
        lines += [f"socket {name}" for name in sorted(self.sockets - before.sockets)]
        lines += [f"mount {path}" for path in sorted(self.mounts - before.mounts)]
        lines += [f"file in {path}" for path in sorted(self.files - before.files)]
        return lines


class SkiffTest(unittest.TestCase):
    """A test class with a throwaway home. Set `images` to what its store holds from the start."""

    images = []
    # Set it to False where tests of a class build on each other's containers.
    cleans_up = True
    # The tests of a module NAME_outside run in the machine's network, with the sockets of others.
    outside = False
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.base = Path(tempfile.mkdtemp(prefix=f"{cls.__name__}-", dir=os.environ.get("SKIFF_TEST_RUN")))
        os.chmod(cls.base, 0o755)
        cls.home, cls.runtime, cls.tmp = cls.base / "home", cls.base / "run", cls.base / "tmp"
        for directory in (cls.home, cls.runtime, cls.tmp):
            directory.mkdir(mode=0o700)
        cls.program = prefix() / "bin/skiff"
        cls.addClassCleanup(cls.remove_base)
        for name in cls.images:
            cls.load_image(name)

    @classmethod
    def remove_base(cls):
        """Remove the home with all files that belong to sub-ids."""
        try:
            remove_tree(cls.base)
        except PermissionError:
            cls.run_skiff("unshare", "rm", "-rf", str(cls.home), check=False, timeout=600)
            remove_tree(cls.base)

    @classmethod
    def environment(cls, **changes):
        """The environment of a login session; a value of None removes a variable."""
        env = {
            "HOME": str(cls.home),
            "PATH": f"{cls.program.parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "XDG_RUNTIME_DIR": str(cls.runtime),
            "TMPDIR": str(cls.tmp),
            "USER": "root" if os.geteuid() == 0 else os.environ.get("USER", "skifftest"),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
        }
        env |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        env |= changes
        return {name: value for name, value in env.items() if value is not None}

    @classmethod
    def roots(cls):
        """Global options for uid 0, whose store is not below the home."""
        if os.geteuid() != 0:
            return []
        return ["--root", str(cls.home / "store"), "--runroot", str(cls.runtime / "skiff")]

    @classmethod
    def state_directories(cls):
        """The directories that hold skiff's state, by a name for messages."""
        store = cls.home / ("store" if os.geteuid() == 0 else ".local/share/skiff")
        return {"store/containers": store / "containers", "store/names": store / "names",
                "store/staging": store / "staging", "store/trash": store / "trash",
                "runtime": cls.runtime / "skiff"}

    @classmethod
    def run_skiff(cls, *args, input=None, timeout=60, check=True, code=None, env=None, cwd=None):
        """Run skiff and return its Result.

        `code` is the exit code expected, 0 unless `check` is False; anything else raises
        AssertionError with all the command said. `input` is text or bytes for stdin, else it is empty.
        `env` holds changes to environment().
        """
        argv = [str(cls.program), *cls.roots(), *map(str, args)]
        data = input.encode() if isinstance(input, str) else input
        begin = time.monotonic()
        process = subprocess.Popen(argv, stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd or cls.home,
                                   env=cls.environment(**(env or {})), start_new_session=True)
        try:
            stdout, stderr = process.communicate(data, timeout * SLOWNESS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = cls.last_words(process)
            done = Result(argv, None, stdout, stderr, time.monotonic() - begin)
            raise AssertionError(f"timed out\n{done}") from None
        done = Result(argv, process.returncode, stdout, stderr, time.monotonic() - begin)
        expected = 0 if code is None and check else code
        if expected is not None and done.code != expected:
            raise AssertionError(f"expected exit code {expected}\n{done}")
        return done

    @staticmethod
    def last_words(process):
        """What a killed command had said; somebody else may still hold its pipes."""
        try:
            return process.communicate(timeout=2)
        except subprocess.TimeoutExpired as expired:
            return expired.stdout or b"", expired.stderr or b""

    def skiff(self, *args, **options):
        """Run skiff; see run_skiff()."""
        return self.run_skiff(*args, **options)

    def skiff_fails(self, *args, code=125, says=None, **options):
        """Run skiff expecting an error: its exit code, and a piece of its first line on stderr."""
        done = self.run_skiff(*args, code=code, **options)
        if says is not None:
            self.assertIn(says, done.stderr.partition("\n")[0], str(done))
        return done

    def start(self, *args, env=None, cwd=None, **options):
        """Start skiff in the background and return the Popen; it is ended with the test."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen([str(self.program), *self.roots(), *map(str, args)], cwd=cwd or self.home,
                                   env=self.environment(**(env or {})), start_new_session=True, **options)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        """Kill a process of start() that still runs, and close its pipes."""
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()

    def tty(self, *args, env=None, cwd=None, rows=24, columns=80):
        """Start skiff on a terminal and return the Tty."""
        terminal = Tty([str(self.program), *self.roots(), *map(str, args)], self.environment(**(env or {})),
                       cwd or self.home, rows, columns)
        self.addCleanup(terminal.close)
        return terminal

    @classmethod
    def load_image(cls, name, tag=None):
        """Load an image of tests.support.images into the store, as `name` or `tag`."""
        try:
            layout = image_makers.MAKERS[name]()
            archive = image_makers.convert(layout, "oci-archive", f"localhost/{tag or name}:latest")
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason)) from None
        cls.run_skiff("load", "-q", "-i", archive, timeout=120)

    def setUp(self):
        self.before = Snapshot(self)
        # Cleanups run last in, first out: behind everything the test itself adds.
        if self.cleans_up:
            self.addCleanup(self.assert_nothing_left)

    def assert_nothing_left(self):
        """Remove all containers, then fail if anything is left that was not there before the test."""
        self.skiff("rm", "--all", "--force", "--time", "0")
        deadline = time.monotonic() + 20 * SLOWNESS
        leaks = Snapshot(self).leaks(self.before)
        while leaks and time.monotonic() < deadline:
            time.sleep(0.05)
            leaks = Snapshot(self).leaks(self.before)
        if leaks:
            self.fail("left behind:\n  " + "\n  ".join(leaks))

    def need(self, condition, reason):
        """Skip unless the condition holds; the reason is counted in the summary."""
        if not condition:
            self.skipTest(reason)

    def need_ids(self):
        """Skip where containers have only one id."""
        self.need(sub_ids() is None or sub_ids() >= 65536, "needs more ids than one")

    def need_program(self, name):
        """Skip unless a program is installed."""
        self.need(shutil.which(name), f"'{name}' is not installed")

    def make_image(self, name):
        """An OCI layout of tests.support.images, or a skip with the reason."""
        try:
            return image_makers.MAKERS[name]()
        except Unavailable as reason:
            return self.skipTest(str(reason))

    def wait_for_port(self, port, timeout=10):
        """Wait until 127.0.0.1:port accepts a connection."""
        def connects():
            with socket.socket() as sock:
                return sock.connect_ex(("127.0.0.1", int(port))) == 0
        wait_for(connects, timeout, message=f"a listener on port {port}")
