# SPDX-License-Identifier: Apache-2.0
"""The steps of contrib/check: builds, unit tests, lint, system tests, machines, sanitizers, faults.

Each step prints what it runs and how long it took. The last line counts tests over all steps; the
exit code is 1 if one failed. Build directories are below build-check/ in the tree, or in the cache
directory where the tree cannot be written.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))

from tests.support import images, oracles  # noqa: E402  (the path comes first)

COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)

# What an unprivileged user without sub-ids and root run again, of the system tests: the modules about running.
FEW_MODULES = ("run", "lifecycle", "network", "userns")

# And root besides: only for root fanotify watches what changes outside of the store (tests/support/bounds.py).
ROOT_MODULES = ("posture", "hostile_layers", "hostile_tars", "hostile_configs")


class Check:
    """Counts and the pieces that the steps share."""

    def __init__(self):
        self.passed = self.failed = 0
        self.skips = []
        self.failures = []
        self.built = {}
        self.root = os.geteuid() == 0
        place = TOP / "build-check"
        if not os.access(TOP, os.W_OK):
            place = images.cache_dir() / "build-check"
        place.mkdir(parents=True, exist_ok=True)
        self.place = place

    def ok(self, name, good, detail=""):
        """Count one test."""
        if good:
            self.passed += 1
        else:
            self.failed += 1
            self.failures.append(name)
            print(f"not ok - {name}\n{detail}", flush=True)
        return good

    def skip(self, name, reason):
        """Count one skipped test with its reason."""
        self.skips.append(f"{name}: {reason}")
        print(f"skipped - {name}: {reason}", flush=True)

    def run(self, argv, timeout=1800, env=None, show=False):
        """Run a program in the tree. Returns (exit code or None after a timeout, its output)."""
        print("$", " ".join(map(str, argv)), flush=True)
        environment = dict(os.environ, **(env or {}))
        process = subprocess.Popen(list(map(str, argv)), cwd=TOP, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        try:
            output, _ = process.communicate(timeout=timeout)
            code = process.returncode
        except subprocess.TimeoutExpired:
            process.terminate()
            output, _ = process.communicate()
            code = None
            output += f"\nended after {timeout} s\n"
        if show:
            print(output, end="", flush=True)
        return code, output

    def count(self, name, code, output):
        """Take the counts from the last line of a runner of ours."""
        found = COUNTS.findall(output)
        if not found:
            self.ok(name, False, output[-4000:])
            return
        passed, failed, skipped = map(int, found[-1])
        self.passed += passed
        self.failed += failed
        for number, reason in re.findall(r"^# skipped (\d+): (.*)$", output, re.M):
            self.skips += [f"{name}: {reason}"] * int(number)
            skipped -= int(number)
        self.skips += [name] * max(0, skipped)
        self.failures += [f"{name}: {line}" for line in re.findall(r"^# failed: (.*)$", output, re.M)]
        if code != 0 and failed == 0:
            self.ok(name, False, f"exit code {code}\n{output[-2000:]}")

    # Builds

    def build(self, name, compiler, *options):
        """Configure and build with warnings as errors. Returns the build directory, or None."""
        if shutil.which(compiler) is None:
            self.skip(f"build with {compiler}", f"'{compiler}' is not installed")
            return None
        directory = self.place / name
        # With the directory made by another version of the tree or of meson, start afresh.
        for attempt in (1, 2):
            again = ["--reconfigure"] if (directory / "build.ninja").exists() else []
            code, output = self.run(["meson", "setup", *again, "-Dwerror=true", "--prefix=/usr/local", *options,
                                     directory, TOP], env={"CC": compiler})
            if code == 0:
                break
            if attempt == 1:
                shutil.rmtree(directory, ignore_errors=True)
        if code == 0:
            code, output = self.run(["ninja", "-C", directory])
        good = self.ok(f"build {name} without warnings", code == 0, output[-6000:])
        self.built[name] = good
        return directory if good else None

    def unit(self, name, directory, env=None):
        """Run meson's tests and count their cases."""
        code, output = self.run(["meson", "test", "-C", directory, "--no-rebuild", "--print-errorlogs",
                                 "--timeout-multiplier", "3"], env=env)
        report = directory / "meson-logs/testlog.junit.xml"
        if not report.exists():
            self.ok(f"unit tests ({name})", False, output[-4000:])
            return
        before = self.failed
        # meson copies what a test prints, control characters too, which XML does not allow.
        text = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "?", report.read_text(encoding="utf-8", errors="replace"))
        for suite in xml.etree.ElementTree.fromstring(text).iter("testsuite"):
            self.count_suite(name, suite)
        if code != 0:
            print(output[-6000:], flush=True)
            if self.failed == before:
                self.ok(f"unit tests ({name})", False, f"meson test: exit code {code}")

    def count_suite(self, name, suite):
        """Count the cases of one test program in meson's report."""
        for case in suite.iter("testcase"):
            label = f"{name}: {suite.get('name')} {case.get('name')}"
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                self.failed += 1
                self.failures.append(label)
            elif skipped is not None:
                reason = skipped.get("message") or case.findtext("system-out")
                self.skips.append(f"{label}: {(reason or 'no reason given').strip()}")
            else:
                self.passed += 1

    # Steps

    def step_build(self):
        """gcc, warnings as errors."""
        self.build("gcc", "gcc")

    def step_clang(self):
        """clang, warnings as errors."""
        self.build("clang", "clang")

    def step_unit(self):
        """Unit tests, cases and fuzz corpora."""
        if not self.need_build():
            return
        env = {}
        try:
            env["SKIFF_COMPOSE_ORACLE"] = str(oracles.compose())
        except (images.Unavailable, RuntimeError) as reason:
            print(f"no docker-compose to compare with: {reason}", flush=True)
        self.unit("gcc", self.place / "gcc", env)

    def step_lint(self):
        """Lint and formatter."""
        argv = ["python3", "tests/lint/lint.py"]
        program = self.place / "gcc/cmd/skiff/skiff"
        for candidate in (program, self.place / "gcc/cmd/skiff"):
            if candidate.is_file():
                argv += ["--skiff", candidate]
                break
        code, output = self.run(argv, show=True)
        self.ok("lint", code == 0, "see above")
        for what, reason in re.findall(r"^(\w+): skipped: (.*)$", output, re.M):
            self.skip(f"lint {what}", reason)
        if (TOP / "contrib/man").is_dir() and shutil.which("scdoc"):
            for page in sorted((TOP / "contrib/man").glob("*.scd")):
                with open(page, "rb") as text:
                    done = subprocess.run(["scdoc"], stdin=text, capture_output=True, check=False)
                self.ok(f"man page {page.name}", done.returncode == 0, done.stderr.decode())

    def step_analyze(self):
        """Static analysis, without clang's path-sensitive analyzer."""
        code, output = self.run(["python3", "tests/lint/analyze.py", "--place", self.place, "cppcheck", "tidy", "gcc"],
                                show=True)
        self.ok("analyze", code == 0, "see above")
        for what, reason in re.findall(r"^(\w+): skipped: (.*)$", output, re.M):
            self.skip(f"analyze {what}", reason)

    def step_system(self):
        """System tests as an unprivileged user."""
        if self.need_build():
            self.prepare_images()
            self.system("system", "gcc", [])

    def step_root(self):
        """Some of them as root."""
        self.other_user("root", (*FEW_MODULES, *ROOT_MODULES))

    def step_nosub(self):
        """Some of them as a user without sub-ids."""
        self.other_user("skiffnosub")

    def step_wide(self):
        """User namespaces as a user whose sub-ids suffice for --userns=auto."""
        self.other_user("skiffwide", ("userns",))

    def step_asan(self):
        """Unit and system tests under AddressSanitizer and UBSan."""
        directory = self.build("asan", "gcc", "-Db_sanitize=address,undefined", "-Db_lundef=false",
                               "-Dc_args=-fno-sanitize-recover=undefined")
        if directory is None:
            return
        env = {
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:exitcode=99:detect_stack_use_after_return=0",
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "SKIFF_TEST_SLOWNESS": "4",
        }
        self.unit("asan", directory, dict(env, ASAN_OPTIONS=env["ASAN_OPTIONS"].replace("leaks=0", "leaks=1")))
        self.system("asan system", "asan", [], env)

    def step_faults(self):
        """A sample of the points at which a kill, a full disk or a race may hit."""
        if not self.need_build():
            return
        if not self.root:
            self.skip("faults", "strace injects faults into setuid helpers only as root")
            return
        script = TOP / "tests/faults/run.py"
        if not script.exists():
            script = TOP / "tests/faults/kill.py"
        if not script.exists():
            self.skip("faults", "no fault tests in the tree")
            return
        code, output = self.run(["python3", script], timeout=1500,
                                env={"SKIFF_BUILD": str(self.place / "gcc")}, show=True)
        if COUNTS.search(output):
            self.count("faults", code, output)
        else:
            self.ok("faults", code == 0, "see above")

    def step_wall(self):
        """Incidents' tests, each without its defence: they must fail."""
        if not self.root:
            self.skip("wall", "its tests are run as a user that root makes")
            return
        if self.build("wall", "gcc", "-Dwall=true") is None:
            return
        code, output = self.run(["python3", "tests/wall/run.py"], timeout=1800,
                                env={"SKIFF_BUILD": str(self.place / "wall")}, show=True)
        self.count("wall", code, output)

    def step_nspawn(self):
        """What needs systemd and a login: a machine booted by systemd-nspawn."""
        self.machine("nspawn")

    def step_vm(self):
        """Limits and the everyday path in a virtual machine with cgroup v2."""
        self.machine("vm")

    # Their pieces

    def need_build(self):
        """Build with gcc unless an earlier step has; a build that failed has been counted."""
        if "gcc" not in self.built:
            self.build("gcc", "gcc")
        return self.built.get("gcc", False)

    def prepare_images(self):
        """Fill the cache, as root: the unprivileged user cannot run mmdebstrap."""
        for name, make in (images.MAKERS | {"podman's quadlet": oracles.quadlet}).items():
            try:
                make()
            except images.Unavailable as reason:
                print(f"no image '{name}': {reason}", flush=True)
            except RuntimeError as failure:
                print(f"image '{name}' could not be made: {failure}", flush=True)

    def system(self, name, build, arguments, env=None, timeout=2400):
        """Run system tests against one of the builds."""
        environment = {"SKIFF_BUILD": str(self.place / build), **(env or {})}
        if not self.root:
            environment["SKIFF_TEST_CACHE"] = str(images.cache_dir())
        code, output = self.run(["python3", "tests/system/run.py", *arguments], timeout=timeout, env=environment,
                                show=True)
        self.count(name, code, output)

    def machine(self, bed):
        """Boot a machine and run its tests in there."""
        if not self.need_build():
            return
        if not self.root:
            self.skip(bed, "the machine is made by root")
            return
        code, output = self.run(["python3", f"tests/{bed}/run.py"], timeout=1800,
                                env={"SKIFF_BUILD": str(self.place / "gcc")}, show=True)
        self.count(bed, code, output)

    def other_user(self, user, only=FEW_MODULES):
        """Run the modules about running as somebody else."""
        if not self.need_build():
            return
        if not self.root:
            self.skip(f"system tests as {user}", "needs root to become that user")
            return
        modules = [path.stem.removeprefix("test_") for path in sorted((TOP / "tests/system").glob("test_*.py"))]
        self.system(f"system as {user}", "gcc", ["--as", user, *[name for name in modules if name in only]])

STEPS = ("build", "clang", "unit", "lint", "analyze", "system", "root", "nosub", "wide", "wall", "nspawn", "vm", "asan", "faults")


def main(arguments):
    """Run the steps asked for and print the counts."""
    steps = [argument for argument in arguments if not argument.startswith("-")] or list(STEPS)
    if "--quick" in arguments:
        steps = [step for step in steps if step not in ("wall", "vm", "asan", "faults")]
    unknown = [step for step in steps if step not in STEPS]
    if unknown:
        sys.exit(f"contrib/check: unknown step '{unknown[0]}': {', '.join(STEPS)}")
    check = Check()
    for step in steps:
        begin = time.monotonic()
        print(f"== {step}: {getattr(check, 'step_' + step).__doc__}", flush=True)
        getattr(check, "step_" + step)()
        print(f"== {step} took {time.monotonic() - begin:.0f} s", flush=True)
    for reason in sorted(set(check.skips)):
        print(f"skipped {check.skips.count(reason)}: {reason}")
    for name in check.failures:
        print(f"failed: {name}")
    print(f"{check.passed} passed, {check.failed} failed, {len(check.skips)} skipped", flush=True)
    return 1 if check.failed or not check.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
