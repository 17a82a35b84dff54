#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""F6: one system call of one process of a verb fails, then the invariants.

    python3 tests/faults/errors.py [--points N] [--verb NAME,... | --sample VERBS] [--seed S] [--sanitized BUILD]
                                   [--at VERB/PROCESS/N/ERRNO]

Run as root, like kill.py, whose table of verbs, bed and invariants these are; verbs that only read are
here besides. The Nth call of a process is not made and gives an error that such a call can give. Then:

  - no process of the verb has crashed, and no sanitizer has found anything
  - the command has ended; if it says that it failed, it says why; if it says that all went well, then
    everything is as after the same command without a fault, and no failed sync was passed over
  - kill.py's invariants: whole or not at all, removed without a trace, works when it is done again

With --sanitized the verb itself runs from that build directory (-Db_sanitize=address,undefined);
what prepares and checks is SKIFF_BUILD's. The last line counts.
"""

import argparse
import errno
import os
import pathlib
import random
import re
import subprocess
import sys
import time

import bed as beds
import kill
from bed import Violation

from tests.support.images import Unavailable
from tests.support.registry import Registry

# What calls may give, and which: names of calls to names of errors.
ERRORS = {
    "open openat openat2 creat": "EMFILE ENFILE ENOMEM EIO EINTR",
    "mkdir mkdirat rename renameat renameat2 symlink symlinkat link linkat mknod mknodat": "ENOSPC EDQUOT EIO ENOMEM EROFS",
    "unlink unlinkat rmdir": "EIO ENOMEM EROFS",
    "ftruncate fallocate": "ENOSPC EIO EINTR",
    "fsync fdatasync syncfs": "EIO ENOSPC EDQUOT",
    "chmod fchmod fchmodat chown fchown fchownat setxattr fsetxattr utimensat": "EIO ENOSPC EPERM EROFS",
    "write writev pwrite64": "ENOSPC EIO EDQUOT EINTR",
    "sendmsg sendto recvmsg recvfrom": "ENOMEM ENOBUFS EINTR",
    "clone clone3 fork vfork": "EAGAIN ENOMEM",
    "execve execveat": "ENOMEM EIO EAGAIN",
    "mount umount2 fsopen fsconfig fsmount move_mount open_tree mount_setattr pivot_root": "ENOMEM EPERM EBUSY ENOSPC",
    "setns unshare": "ENOMEM EPERM ENOSPC",
    "setresuid setresgid setgroups": "EPERM EAGAIN",
    "bind listen": "EADDRINUSE ENOMEM EACCES",
    "connect": "EINTR EAGAIN ENOMEM ECONNREFUSED",
    "flock": "EINTR ENOLCK",
    "copy_file_range sendfile splice": "ENOSPC EIO ENOMEM EINTR",
    "kill pidfd_send_signal": "EPERM EAGAIN",
    "ioctl": "EIO ENOMEM EINTR",
    "read pread64 readv getdents64": "EIO EINTR ENOMEM",
    "stat fstat lstat newfstatat statx readlink readlinkat statfs fstatfs lseek fgetxattr flistxattr": "EIO ENOMEM",
    "access faccessat faccessat2 chdir fchdir": "EIO ENOMEM",
    "socket socketpair accept4 pipe2 dup dup2 dup3 epoll_create1 eventfd2 signalfd4 timerfd_create inotify_init1 memfd_create pidfd_open":
        "EMFILE ENFILE ENOMEM",
    "epoll_ctl inotify_add_watch": "ENOMEM ENOSPC",
    "epoll_wait epoll_pwait poll ppoll": "EINTR ENOMEM",
    "timerfd_settime": "ENOMEM",
    "prctl capset sethostname setsid": "EPERM",
    "seccomp close_range setsockopt getsockopt": "ENOMEM",
    "wait4 waitid getrandom": "EINTR",
}
OF_CALL = {call: errors.split() for calls, errors in ERRORS.items() for call in calls.split()}
# fcntl: only what locks, makes a descriptor, seals.
OF_FCNTL = {0: ["EMFILE"], 1030: ["EMFILE"], 1033: ["EPERM"], **{lock: ["ENOLCK", "EINTR"] for lock in (6, 7, 37, 38)}}
IS_A_TTY = 0x5401
PR_CAPBSET_READ = 23  # an error means that there is no such capability

SYNCS = ("fsync", "fdatasync", "syncfs")
# What they do is done when it is not on the disk: the exit that the monitor wrote stays until the record of it is synced.
END_PROCESSES = ("stop", "pod-stop", "compose-down", "compose-run")

READERS = (
    ["ps", "-a", "--format", "{{.Names}} {{.State}}"], ["images"], ["image", "tree", "IMAGE"], ["inspect", "kept"], ["image", "inspect", "IMAGE"],
    ["history", "IMAGE"], ["volume", "ls"], ["network", "ls"], ["secret", "ls"], ["pod", "ps"], ["logs", "kept"], ["diff", "kept"],
    ["exec", "bystander", "cat", "/bin/busybox"], ["cp", "kept:/file", "-"], ["export", "kept"], ["save", "-q", "IMAGE"], ["system", "check"],
    ["wait", "kept"], ["port", "bystander"], ["version"], ["run", "--rm", "--network", "none", "IMAGE", "echo", "word"],
)


def errors_of(call, first, second):
    """What this call may give, as names; [] for one that does not fail."""
    if call == "fcntl":
        return OF_FCNTL.get(second, [])
    if (call, second) == ("ioctl", IS_A_TTY) or (call, first) == ("prctl", PR_CAPBSET_READ):
        return []
    if call in ("write", "writev") and first == 2:  # who cannot speak need not
        return []
    return OF_CALL.get(call, [])


class Tracer(kill.Tracer):
    """With errors in place of signals."""

    command = None  # the sanitizer build's skiff
    options = {}

    def trace(self, bed, verb, options):
        """Run the verb. Returns (the tracer's lines, what the command wrote, what it complained)."""
        trace, stdout, stderr = (bed.dir / name for name in ("trace", "stdout", "stderr"))
        argv = [self.program, *options, bed.user, str(trace), self.command or bed.base[0], *bed.base[1:], *map(str, verb.args)]
        with open(stdout, "wb") as out, open(stderr, "wb") as err:
            try:
                done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=bed.env | self.options, cwd="/",
                                      timeout=60 * beds.support.SLOWNESS, check=False)
            except subprocess.TimeoutExpired:
                raise Violation(f"the command hangs; it said: {stderr.read_text(errors='replace').strip()}") from None
        if done.returncode:
            raise Violation(f"the harness is broken: the tracer gave {done.returncode}: {stderr.read_text(errors='replace')}")
        return trace.read_text(errors="replace").splitlines(), stdout.read_bytes(), stderr.read_text(errors="replace").strip()


class State:
    """What is there after the verb, ids left out."""

    def __init__(self, bed, verb, stdout):
        self.there = verb.there and bed.run(verb.there).returncode == 0
        rows = re.sub("[0-9a-f]{12}-infra", "infra", bed.must(["ps", "-a", "--format", "{{.Names}} {{.State}}"]))
        self.rows = sorted(rows.splitlines())
        self.images = sorted(bed.must(["images", "--format", "{{.Repository}}:{{.Tag}}"]).splitlines())
        self.volumes = sorted(name if len(name) < 64 else "anonymous" for name in bed.must(["volume", "ls", "-q"]).splitlines())
        self.stdout = stdout if verb.name.startswith("read ") else None

    def __eq__(self, other):
        return vars(self) == vars(other)

    def difference(self, other):
        """In words, of an output from where it differs."""
        if self.stdout != other.stdout:
            at = len(os.path.commonprefix([self.stdout, other.stdout]))
            return f"at {at} it wrote {self.stdout[at:at + 500]} instead of {other.stdout[at:at + 500]}"
        return "; ".join(f"{key} {value} instead of {vars(other)[key]}" for key, value in vars(self).items() if value != vars(other)[key])


def await_state(bed, verb, stdout, wanted):
    """The state, once it is what is wanted or has had its time."""
    deadline = time.monotonic() + beds.SETTLE_S
    while (now := State(bed, verb, stdout)) != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    return now


def reading_verbs(bed):
    """READERS as verbs."""
    for args in READERS:
        args = [bed.image if word == "IMAGE" else word for word in args]
        yield kill.Verb("read " + " ".join(args[:2]), args, undo=[["rm", "-f", "-i", "none"]])


class Run(kill.Run):
    """The series of errors."""

    def __init__(self, *arguments):
        self.injected, self.said, self.reports = {}, {}, None
        super().__init__(*arguments)

    def new_bed(self):
        bed = super().new_bed()
        self.reports = bed.dir / "reports"
        self.reports.mkdir()
        self.reports.chmod(0o777)
        how = f"log_path={self.reports}/report"
        self.tracer.options = {"ASAN_OPTIONS": f"detect_leaks=0:exitcode=99:detect_stack_use_after_return=0:{how}",
                               "UBSAN_OPTIONS": f"print_stacktrace=1:{how}"} if self.tracer.command else {}
        return bed

    def verb(self, name):
        if name.startswith("read "):
            return next(verb for verb in reading_verbs(self.bed) if verb.name == name)
        return super().verb(name)

    def prepare(self, verb):
        """What the verb needs."""
        for args in verb.before:
            self.bed.must(args)

    def unharmed(self, name):
        """Run without a fault: (its calls, its state), the bed clean again."""
        verb = self.verb(name)
        self.prepare(verb)
        lines, stdout, stderr = self.tracer.trace(self.bed, verb, ["-a"])
        calls = [line.split() for line in lines]
        if not calls:
            raise Violation(f"the harness is broken: the tracer saw no call; the command said: {stderr}")
        state = State(self.bed, verb, stdout)
        # What the background still does.
        time.sleep(0.2)
        state = await_state(self.bed, verb, stdout, state)
        for args in verb.undo:
            self.bed.must(args)
        self.bed.check_clean()
        return calls, state

    def series(self, name, generator):
        try:
            calls, wanted = self.unharmed(name)
        except Violation as problem:
            self.violated(f"{name} unharmed", problem)
            return
        faults = []
        for process, number, call, first, second in calls:
            possible = errors_of(call, int(first), int(second))
            if possible:
                faults.append((process, number, call, generator.choice(possible)))
        own = [fault for fault in faults if fault[0] == "0"]
        others = [fault for fault in faults if fault[0] != "0"]
        half = min(self.options.points // 2, len(others))
        chosen = generator.sample(own, min(self.options.points - half, len(own))) + generator.sample(others, half)
        begin, before = time.monotonic(), (self.killed, self.missed, self.violations)
        for process, number, _, error in chosen:
            bed = self.bed
            self.error(name, process, number, error, wanted)
            if bed is not self.bed:
                wanted = self.unharmed(name)[1]
        hit, missed, violations = (now - then for now, then in zip((self.killed, self.missed, self.violations), before))
        print(f"{name}: {hit} errors and {missed} misses of {len(faults)} calls in {len({fault[0] for fault in faults})} processes, "
              f"{violations} violations, {time.monotonic() - begin:.1f} s", flush=True)

    def error(self, name, process, number, error, wanted):
        """One fault, with its count."""
        verb, call = self.verb(name), None
        try:
            self.prepare(verb)
            lines, stdout, stderr = self.tracer.trace(self.bed, verb, ["-e", f"{process}:{number}:{getattr(errno, error)}"])
            call = next((line.split()[3] for line in lines if line.startswith("failed ")), None)
            # Calls differ a little from run to run: this one does not give such an error.
            if call and error not in OF_CALL.get(call, [error]):
                call = None
            else:
                self.check_end(verb, call, error, lines, stdout, stderr, wanted)
            self.tracer.check(self.bed, verb)
        except Violation as problem:
            self.killed += 1
            self.violated(f"--at '{name}/{process}/{number}/{error}' ({call})", problem)
            return
        if call:
            self.killed += 1
            self.injected[error] = self.injected.get(error, 0) + 1
        else:
            self.missed += 1

    def check_end(self, verb, call, error, lines, stdout, stderr, wanted):
        """Nothing crashed; what the command says is so."""
        for report in self.reports.iterdir():
            text = report.read_text(errors="replace")
            report.unlink()
            # Not for what it warns of: the stack of a clone.
            if re.search("ERROR: |runtime error:|CHECK failed", text):
                raise Violation(f"a sanitizer says: {text[:3000]}")
        crashes = [line for line in lines if line.startswith("died ")]
        code = next((int(line.split()[1]) for line in lines if line.startswith("ended ")), None)
        if crashes or code is None or code >= 128:
            raise Violation(f"{crashes or 'the command'} ended with {code}: {stderr}")
        if not call:
            return
        if code:
            self.said.setdefault(re.sub(r"[0-9a-f]{12,}|\d+", "N", stderr), f"{verb.name} {call} {error}")
            if not stderr or os.strerror(errno.EBADF) in stderr:
                raise Violation(f"I8: exit code {code} without the cause: {stderr}")
            return
        if call in SYNCS and verb.name not in END_PROCESSES:
            raise Violation("success, though nobody knows whether it is on the disk")
        now = await_state(self.bed, verb, stdout, wanted)
        # A list that lacks something says so.
        if now != wanted and not (now.stdout is not None and stderr.startswith("Warning: ")):
            raise Violation(f"success, but {now.difference(wanted)}; it said: {stderr}")


def parse_options():
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=4, help="errors per verb")
    parser.add_argument("--verb", default="", help="only these, separated by commas")
    parser.add_argument("--sample", type=int, help="so many verbs, chosen by the seed")
    parser.add_argument("--at", help="one error: VERB/PROCESS/N/ERRNO")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--sanitized", help="build directory of the skiff that has the errors")
    parser.add_argument("--messages", action="store_true", help="print all that failing commands said")
    parser.add_argument("--user", default="skifftest")
    parser.add_argument("--place", help="as of kill.py")
    return parser.parse_args()


def sanitized_command(build, directory):
    """Install that build; its skiff."""
    prefix, before = pathlib.Path(directory) / "sanitized", os.environ.get("SKIFF_BUILD")
    os.environ["SKIFF_BUILD"] = build
    beds.support.install(prefix)
    os.environ.pop("SKIFF_BUILD")
    if before:
        os.environ["SKIFF_BUILD"] = before
    os.chmod(directory, 0o755)
    return str(prefix / "bin/skiff")


def inject(run, options, generator):
    """All that was asked for."""
    if options.at:
        *name, process, number, error = options.at.split("/")
        name = "/".join(name)
        run.error(name, process, number, error, run.unharmed(name)[1])
        return
    names = [verb.name for verb in (*kill.verbs(run.bed), *reading_verbs(run.bed))]
    if options.verb:
        names = [name for name in names if name in options.verb.split(",")]
    elif options.sample:
        names = generator.sample(names, options.sample)
    for name in names:
        run.series(name, generator)


def main():
    """Inject and count."""
    options = parse_options()
    print(f"seed {options.seed}", flush=True)
    started = time.monotonic()
    directory = beds.tempfile.mkdtemp(prefix="skiff-fault-registry-")
    try:
        tracer = Tracer(directory)
        if options.sanitized:
            tracer.command = sanitized_command(options.sanitized, directory)
        with Registry(directory, tls=False, auth=False) as registry:
            run = Run(options, registry, tracer)
            inject(run, options, random.Random(options.seed))
            run.bed.close()
    except Unavailable as reason:
        print(f"# skipped 1: {reason}\n0 passed, 0 failed, 1 skipped")
        return 0
    finally:
        beds.shutil.rmtree(directory, ignore_errors=True)
    if run.missed > run.killed // 4 + 4:
        run.violations += 1
        print("VIOLATION the harness is broken: most points were missed")
    if options.messages:
        for text, where in sorted(run.said.items()):
            print(f"said ({where}): {text}")
    print("injected:", ", ".join(f"{error} {count}" for error, count in sorted(run.injected.items())))
    print(f"errors {run.killed}, missed {run.missed}, violations {run.violations}, seed {options.seed}, {time.monotonic() - started:.0f} s")
    print(f"{run.killed - run.violations} passed, {run.violations} failed, 0 skipped")
    return 1 if run.violations else 0


if __name__ == "__main__":
    beds.in_namespace(main)
