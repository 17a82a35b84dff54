#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the system tests and ends with a line of counts.

    tests/system/run.py [--as USER] [--jobs N] [--soak] [--list] [MODULE[.CLASS[.TEST]] ...]

As root it makes the unprivileged test user if it is missing, installs the build where that user can
read it, and starts each module as that user in a pid, mount and network namespace of its own: what a
test leaves running or listening is seen and dies with the module, and ports are nobody else's. That
network has the loopback device and one with the addresses 192.0.2.1/24 and 2001:db8::1/64 and the
default routes, which lead nowhere. As anybody else it runs the modules as that user. MODULE is a file
name without "test_" and ".py". SKIFF_BUILD names the build directory, SKIFF_PREFIX an installed prefix
to be tested instead. With SKIFF_STRICT=1 a skip is a failure.
"""

import argparse
import collections
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))

from tests.support import images, skiff  # noqa: E402  (the path comes first)

TEST_USER = "skifftest"
USER_WITHOUT_SUBIDS = "skiffnosub"
USER_WITH_MANY_SUBIDS = "skiffwide"  # for --userns=auto
MODULE_TIMEOUT = 1200


# One module, in its own process


class TapResult(unittest.TestResult):
    """Prints a line per test and remembers outcomes."""

    def __init__(self):
        super().__init__()
        self.outcomes = []
        self.begin = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.begin = time.monotonic()

    def note(self, test, outcome, text=""):
        """Print and keep one outcome: ok, fail or skip."""
        name = test.id().removeprefix("tests.system.")
        seconds = time.monotonic() - self.begin if self.begin else 0
        self.outcomes.append({"name": name, "outcome": outcome, "text": text})
        word = "not ok" if outcome == "fail" else "ok"
        suffix = f" # SKIP {text}" if outcome == "skip" else ""
        print(f"{word} {len(self.outcomes)} - {name} ({seconds:.2f}s){suffix}", flush=True)
        if outcome == "fail":
            print("\n".join("#   " + line for line in text.rstrip().splitlines()), flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "ok")

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "fail", self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "fail", self.failures[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        strict = os.environ.get("SKIFF_STRICT") == "1"
        self.note(test, "fail" if strict else "skip", reason)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note(subtest, "fail", (self.failures + self.errors)[-1][1])


def run_module(names, report):
    """Run the tests named, in this process; write the outcomes as JSON."""
    os.umask(0o022)  # a login may come with 002, and modes are compared
    suite = unittest.defaultTestLoader.loadTestsFromNames([f"tests.system.test_{name}" for name in names])
    result = TapResult()
    suite.run(result)
    Path(report).write_text(json.dumps(result.outcomes), encoding="utf-8")
    return 0 if result.wasSuccessful() else 1


def make_network():
    """Give our new network namespace an interface and addresses like those of a machine."""
    for command in ("link set lo up", "link add host0 type veth peer name host1",
                    "address add 192.0.2.1/24 dev host0", "-6 address add 2001:db8::1/64 dev host0 nodad",
                    "link set host1 up", "link set host0 up", "route add default dev host0",
                    "-6 route add default dev host0"):
        subprocess.run(["ip", *command.split()], check=True)


def run_as_init(argv):
    """As pid 1: run the worker and reap whoever is left to us, until the worker ends."""
    worker = subprocess.Popen(argv)
    while True:
        pid, status = os.wait()
        if pid == worker.pid:
            return os.waitstatus_to_exitcode(status)


# The parent


def ensure_user(name, sub_ids):
    """Make an unprivileged user that has at least so many sub-ids, or none."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", name], check=True,
                       stdout=subprocess.DEVNULL)
    for path, option in (("/etc/subuid", "subuids"), ("/etc/subgid", "subgids")):
        text = Path(path).read_text(encoding="utf-8") if os.path.exists(path) else ""
        lines = [line.split(":") for line in text.splitlines() if line.count(":") == 2]
        has = sum(int(line[2]) for line in lines if line[0] == name)
        if has and not sub_ids:
            rest = "".join(f"{':'.join(line)}\n" for line in lines if line[0] != name)
            Path(path).write_text(rest, encoding="utf-8")
        elif has < sub_ids:
            start = max([100000, *(int(line[1]) + int(line[2]) for line in lines)])
            subprocess.run(["usermod", f"--add-{option}", f"{start}-{start + sub_ids - has - 1}", name], check=True)


def prepare_host():
    """What a desktop or server distribution does by itself and a bare container or VM does not."""
    if os.path.exists("/dev/net/tun"):
        os.chmod("/dev/net/tun", 0o666)


class Worker:
    """One module on its way."""

    def __init__(self, name, tests, user, run_dir, prefix, env=None):
        self.name = name
        self.directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=run_dir))
        self.report = self.directory / "report.json"
        self.output = open(self.directory / "output", "wb+")  # pylint: disable=consider-using-with
        self.deadline = time.monotonic() + MODULE_TIMEOUT * skiff.SLOWNESS * (20 if skiff.SOAK else 1)
        # The user may not be able to read our tree: it runs a copy.
        runner = str(run_dir / "tree/tests/system/run.py")
        command = [sys.executable, runner, "--worker", str(self.report), *tests]
        env = dict(os.environ, SKIFF_TEST_RUN=str(self.directory), SKIFF_PREFIX=str(prefix),
                   SKIFF_TEST_CACHE=str(images.cache_dir()), PYTHONDONTWRITEBYTECODE="1", **(env or {}))
        if os.geteuid() == 0:
            entry = pwd.getpwnam(user)
            os.chown(self.directory, entry.pw_uid, entry.pw_gid)
            env |= {"HOME": entry.pw_dir, "USER": user}
            # Others' tools that a test runs keep their logins there, not in what root left behind.
            env["XDG_RUNTIME_DIR"] = str(self.directory)
            # A network namespace of its own, too: a neighbour's listening sockets are not this module's leaks.
            net, init = ([], "--init-outside") if name.endswith("_outside") else (["--net"], "--init")
            command = ["unshare", "--pid", *net, "--fork", "--kill-child", "--mount-proc", sys.executable, runner, init,
                       "setpriv", f"--reuid={user}", f"--regid={entry.pw_gid}", "--init-groups", *command]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.output,
                                        stderr=self.output, env=env, cwd="/", start_new_session=True)

    def finished(self):
        """True once it has ended, or was ended for its time being up."""
        if self.process.poll() is None and time.monotonic() > self.deadline:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        return self.process.poll() is not None

    def collect(self, quiet=False):
        """Print what it printed, unless failures are what is wanted, and return its outcomes."""
        self.output.seek(0)
        text = self.output.read().decode(errors="replace")
        self.output.close()
        if not quiet:
            print(f"# {self.name}\n{text}", end="", flush=True)
        if self.report.exists():
            return json.loads(self.report.read_text(encoding="utf-8"))
        print(f"not ok - {self.name}: the module did not finish (exit code {self.process.returncode})", flush=True)
        return [{"name": self.name, "outcome": "fail", "text": "the module did not finish"}]


def make_images(modules):
    """As root: the images that only root can make, for modules that name some in MADE_BY_ROOT. Without them they skip."""
    for module in modules:
        text = (TOP / f"tests/system/test_{module}.py").read_text(encoding="utf-8")
        named = re.search(r"^MADE_BY_ROOT = \[(.*)\]$", text, re.M)
        for name in re.findall(r'"(\w+)"', named[1]) if named else []:
            try:
                images.MAKERS[name]()
            except (images.Unavailable, RuntimeError) as reason:
                print(f"# no image '{name}': {reason}", flush=True)


def run_all(groups, user, jobs):
    """Run the modules, `jobs` at a time, and return all outcomes."""
    return [outcome for outcomes in run_groups(groups, user, jobs).values() for outcome in outcomes]


def run_groups(groups, user, jobs, environments=None):
    """Run each group of tests in a process of its own, and return outcomes by group. Those with variables
    of their own are expected to fail, so what they print is not shown.
    """
    outcomes = {}
    # Not in /tmp: a newer distribution has it in memory, without programs' set-id bits and devices.
    run_dir = Path(tempfile.mkdtemp(prefix="skiff-tests-", dir="/var/tmp"))
    run_dir.chmod(0o755)
    try:
        prefix = os.environ.get("SKIFF_PREFIX")
        if not prefix:
            prefix = run_dir / "prefix"
            skiff.install(prefix)
        shutil.copytree(TOP, run_dir / "tree", symlinks=True,
                        ignore=shutil.ignore_patterns(".git", "build-*", "meson-*", "__pycache__", "*.o", "*.a"))
        for bed in (skiff.NETNS_BED, skiff.BUILD_BED):
            if (skiff.build_dir() / bed).exists():
                shutil.copy(skiff.build_dir() / bed, run_dir / "tree" / bed)
        subprocess.run(["chmod", "-R", "a+rX", str(run_dir / "tree")], check=True)
        waiting = collections.deque(groups.items())
        running = []
        while waiting or running:
            while waiting and len(running) < jobs:
                name, tests = waiting.popleft()
                running.append(Worker(name, tests, user, run_dir, prefix, (environments or {}).get(name)))
            for worker in [worker for worker in running if worker.finished()]:
                running.remove(worker)
                outcomes[worker.name] = worker.collect(quiet=environments is not None)
            time.sleep(0.05)
    finally:
        if os.environ.get("SKIFF_TEST_KEEP") == "1":
            print(f"# kept: {run_dir}")
        else:
            shutil.rmtree(run_dir, ignore_errors=True)
    return outcomes


def summarize(outcomes):
    """Print the reasons of skips, the failures, and the counts last. Returns the exit code."""
    counts = collections.Counter(outcome["outcome"] for outcome in outcomes)
    for reason, count in collections.Counter(o["text"] for o in outcomes if o["outcome"] == "skip").items():
        print(f"# skipped {count}: {reason}")
    for outcome in outcomes:
        if outcome["outcome"] == "fail":
            print(f"# failed: {outcome['name']}")
    print(f"{counts['ok']} passed, {counts['fail']} failed, {counts['skip']} skipped")
    return 1 if counts["fail"] or not outcomes else 0


def select(arguments):
    """Group "MODULE.CLASS.TEST" arguments by module; all modules if there are none."""
    known = sorted(path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py"))
    groups = collections.OrderedDict()
    for argument in arguments or known:
        argument = argument.removesuffix(".py").removeprefix("test_")
        module = argument.partition(".")[0]
        if module not in known:
            sys.exit(f"run.py: no module '{module}': {', '.join(known)}")
        groups.setdefault(module, []).append(argument)
    return groups


def main():
    """Parse the command line and run."""
    if sys.argv[1:2] == ["--worker"]:
        return run_module(sys.argv[3:], sys.argv[2])
    if sys.argv[1:2] == ["--init"]:
        make_network()
    if sys.argv[1:2] in (["--init"], ["--init-outside"]):
        return run_as_init(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--as", dest="user", default=TEST_USER, metavar="USER",
                        help=f"who runs them, when root starts them: {TEST_USER}, {USER_WITHOUT_SUBIDS}, "
                             f"{USER_WITH_MANY_SUBIDS} or root")
    parser.add_argument("--jobs", type=int, default=2, help="modules at a time")
    parser.add_argument("--soak", action="store_true", help="races in their full number: hours")
    parser.add_argument("--list", action="store_true", help="list the modules and exit")
    parser.add_argument("tests", nargs="*", metavar="MODULE[.CLASS[.TEST]]")
    options = parser.parse_args()
    if options.soak:
        skiff.SOAK, os.environ["SKIFF_TEST_SOAK"] = True, "1"
    groups = select(options.tests)
    if options.list:
        print("\n".join(groups))
        return 0
    if os.geteuid() == 0:
        ensure_user(TEST_USER, 65536)
        ensure_user(USER_WITHOUT_SUBIDS, 0)
        ensure_user(USER_WITH_MANY_SUBIDS, 4 * 65536)
        prepare_host()
        make_images(groups)
    # Without pid namespaces of their own, modules would see each other's processes as leaks.
    jobs = options.jobs if os.geteuid() == 0 else 1
    return summarize(run_all(groups, options.user, jobs))


if __name__ == "__main__":
    sys.exit(main())
