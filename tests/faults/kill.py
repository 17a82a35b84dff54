#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""F1: SIGKILL at every state-changing system call of a verb, then the invariants.

    python3 tests/faults/kill.py [--all] [--points N] [--verb NAME,...] [--seed S]

Run as root: strace must be root (an unprivileged tracer takes newuidmap's privileges away); the commands run as --user.
For every verb the set-up is made once per point, the verb runs under strace that kills the Nth state-changing call, either
of the command alone ("cli") or of whichever of its processes gets there ("all"), and then:

  I1  the image and the container that were there before are listed, and the container's file has its content
  I2  what the verb makes is there as a whole (a second command can use it) or not at all
  I3  after `rm`/`rmi`/`volume rm` of what the verb made nothing is left: no process of ours, no runtime record, no stage,
      nothing in trash, no name, and the store lists as before
  I4  the bystander container still runs, under the same pid
  I6  the same command then succeeds

Without --all a sample of the points is taken, with the seed printed. The last line counts points and violations.
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CALLS = (
    "openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,symlink,symlinkat,link,linkat,"
    "mknod,mknodat,ftruncate,fallocate,fsync,fdatasync,syncfs,chmod,fchmod,fchmodat,chown,fchown,fchownat,write,pwrite64,"
    "sendmsg,sendto,clone,clone3,fork,vfork,execve,execveat,mount,umount2,fsopen,fsconfig,fsmount,move_mount,open_tree,"
    "mount_setattr,pivot_root,setns,unshare,setresuid,setresgid,bind,listen,connect,fcntl,setxattr,fsetxattr,copy_file_range,"
    "sendfile,splice,kill,pidfd_send_signal"
)


class Violation(Exception):
    pass


class Bed:
    """A throwaway home of the user, with one image, one stopped and one running container that must survive."""

    def __init__(self, options):
        self.user = options.user
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="skiff-kill-"))
        self.run_dir = self.dir / "run"
        self.skiff = options.skiff
        shutil.chown(self.dir, self.user, self.user)
        self.dir.chmod(0o711)
        self.env = ["env", "-i", f"HOME={self.dir}", f"XDG_RUNTIME_DIR={self.run_dir}", f"PATH={os.environ['PATH']}"]
        if os.environ.get("SKIFF_LIBEXEC"):
            self.env.append(f"SKIFF_LIBEXEC={os.environ['SKIFF_LIBEXEC']}")
        self.root = self.dir / "store"
        self.base = [self.skiff, "--root", str(self.root), "--runroot", str(self.run_dir / "skiff")]
        self.sh(["mkdir", "-m", "700", str(self.run_dir)])
        self.archive = options.archive
        self.must(["load", "-i", self.archive])
        self.image = self.must(["images", "-q", "--no-trunc"]).split()[0].removeprefix("sha256:")
        self.must(["run", "--name", "kept", "--network", "none", self.image, "sh", "-c", "echo precious > /file"])
        self.bystander = self.start_bystander()

    def start_bystander(self):
        self.must(["run", "-d", "--name", "bystander", "--network", "none", self.image, "sleep", "100000"])
        return self.must(["inspect", "--format", "{{.State.Pid}}", "bystander"]).strip()

    def sh(self, argv, timeout=120, **kw):
        prefix = ["setpriv", "--reuid", self.user, "--regid", self.user, "--init-groups"]
        return subprocess.run(prefix + self.env + argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout, cwd="/", text=True, errors="replace", **kw)

    def run(self, args, timeout=120):
        return self.sh(self.base + args, timeout)

    def must(self, args):
        done = self.run(args)
        if done.returncode:
            raise Violation(f"`{' '.join(args)}` gave {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def traced(self, args, mode, extra):
        follow = ["-f"] if mode == "all" else []
        argv = ["strace"] + follow + ["-u", self.user, "-o", str(self.dir / "trace"), "-qq"] + extra
        return subprocess.run(self.env + argv + self.base + args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=180, cwd="/")

    def count_calls(self, args, mode):
        """The largest number of matching calls that one process of the command makes."""
        self.traced(args, mode, ["-e", f"trace={CALLS}"])
        counts = {}
        for line in (self.dir / "trace").read_text(errors="replace").splitlines():
            pid = line.split()[0] if mode == "all" else "0"
            if re.search(r"\w+\(", line) and "resumed>" not in line:
                counts[pid] = counts.get(pid, 0) + 1
        return max(counts.values(), default=0)

    def processes(self):
        done = subprocess.run(["ps", "-u", self.user, "-o", "pid=,args="], stdout=subprocess.PIPE, text=True)
        return [line for line in done.stdout.splitlines() if str(self.root) in line or "skiff-" in line]

    def listing(self, path):
        try:
            return sorted(n for n in os.listdir(path) if not n.startswith("."))
        except FileNotFoundError:
            return []

    def snapshot(self):
        return {name: self.listing(self.root / name) for name in
                ("containers", "names", "images", "layers", "volumes", "staging", "trash")} | {
                    "run": self.listing(self.run_dir / "skiff" / "containers"), "processes": len(self.processes())}

    def close(self):
        self.run(["rm", "-fa", "-t", "0"])
        self.run(["unshare", "rm", "-rf", str(self.root)])
        shutil.rmtree(self.dir, ignore_errors=True)


class Verb:
    """name, the command, what prepares it, what undoes it, what shows that its result can be used."""

    def __init__(self, name, args, before=(), undo=(), proof=()):
        self.name, self.args, self.before, self.undo, self.proof = name, args, before, undo, proof


def verbs(bed):
    image = bed.image
    tagged = "localhost/second:latest"
    return [
        Verb("load", ["load", "-i", bed.archive], proof=[["run", "--rm", "--network", "none", image, "true"]]),
        Verb("import", ["import", str(bed.dir / "tree.tar"), tagged], undo=[["rmi", "-f", "-i", tagged]],
             proof=[["run", "--rm", "--network", "none", tagged, "/bin/busybox", "true"]]),
        Verb("create", ["create", "--name", "new", "--network", "none", image, "true"], undo=[["rm", "-f", "-i", "new"]],
             proof=[["start", "new"], ["wait", "new"]]),
        Verb("run-d", ["run", "-d", "--name", "new", "--network", "none", image, "sleep", "1000"],
             undo=[["rm", "-f", "-i", "-t", "0", "new"]], proof=[["exec", "new", "true"]]),
        Verb("run-rm", ["run", "--rm", "--name", "new", "--network", "none", image, "true"], undo=[["rm", "-f", "-i", "-t", "0", "new"]]),
        Verb("run-volume", ["run", "-d", "--name", "new", "--network", "none", "-v", "vol:/data", image, "sleep", "1000"],
             undo=[["rm", "-f", "-i", "-t", "0", "new"], ["volume", "rm", "-f", "vol"]], proof=[["exec", "new", "touch", "/data/x"]]),
        Verb("start", ["start", "new"], before=[["create", "--name", "new", "--network", "none", image, "sleep", "1000"]],
             undo=[["rm", "-f", "-i", "-t", "0", "new"]], proof=[["exec", "new", "true"]]),
        Verb("stop", ["stop", "-t", "0", "new"], before=[["run", "-d", "--name", "new", "--network", "none", image, "sleep", "1000"]],
             undo=[["rm", "-f", "-i", "-t", "0", "new"]]),
        Verb("rm", ["rm", "-f", "-i", "-t", "0", "new"], before=[["run", "-d", "--name", "new", "--network", "none", image, "sleep", "1000"]]),
        Verb("rmi", ["rmi", "-f", "-i", tagged], before=[["import", str(bed.dir / "tree.tar"), tagged]]),
        Verb("volume-create", ["volume", "create", "--ignore", "vol"], undo=[["volume", "rm", "-f", "vol"]],
             proof=[["run", "--rm", "--network", "none", "-v", "vol:/data", image, "touch", "/data/x"]]),
        Verb("volume-rm", ["volume", "rm", "-f", "vol"], before=[["volume", "create", "vol"]]),
        Verb("pull", ["pull", "--tls-verify=false", "-q", os.environ.get("SKIFF_KILL_PULL", "")], undo=[["rmi", "-f", "-i", os.environ.get("SKIFF_KILL_PULL", "")]],
             proof=[["image", "exists", os.environ.get("SKIFF_KILL_PULL", "")]]),
    ]


def settle(bed, wanted):
    """Wait for the tail of background clean-up, which is allowed to take a second (recovery adds <= 1 s)."""
    deadline = time.monotonic() + 5
    while True:
        now = bed.snapshot()
        if now == wanted or time.monotonic() > deadline:
            return now
        time.sleep(0.05)


def check_survivors(bed):
    pid = bed.must(["inspect", "--format", "{{.State.Pid}}", "bystander"]).strip()
    if pid != bed.bystander or not os.path.exists(f"/proc/{pid}"):
        raise Violation(f"I4: the bystander has pid {pid}, had {bed.bystander}")
    names = bed.must(["ps", "-a", "--format", "{{.Names}}"]).split()
    if "kept" not in names:
        raise Violation(f"I1: 'kept' is gone, there are {names}")
    if not bed.run(["image", "exists", bed.image]).returncode == 0:
        raise Violation("I1: the image is gone")
    upper = [p for p in (bed.root / "containers").iterdir() if (p / "upper" / "file").exists()]
    if not any((p / "upper" / "file").read_text() == "precious\n" for p in upper):
        raise Violation("I1: the kept container's file is gone")


def point(bed, verb, mode, number):
    for args in verb.before:
        bed.must(args)
    bed.traced(verb.args, mode, ["-e", f"trace={CALLS}", "-e", f"inject={CALLS}:signal=SIGKILL:when={number}"])
    check_survivors(bed)
    # I6: the same again must work, after what is in its way has been removed by the user's own commands.
    for args in verb.undo:
        bed.must(args)
    repeat = verb.args
    if verb.name in ("start", "stop"):
        bed.must(verb.before[0])
    if verb.name == "stop":
        bed.run(["start", "new"])
    bed.must(repeat)
    for args in verb.proof:
        bed.must(args)
    for args in verb.undo:
        bed.must(args)
    check_survivors(bed)
    left = settle(bed, bed.clean)
    if left != bed.clean:
        diff = {k: (left[k], bed.clean[k]) for k in left if left[k] != bed.clean[k]}
        raise Violation(f"I3: left behind: {json.dumps(diff)} {bed.processes() if 'processes' in diff else ''}")


def sample_points(total, options, generator):
    points = list(range(1, total + 1))
    if options.all or len(points) <= options.points:
        return points
    return sorted(generator.sample(points, options.points))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--points", type=int, default=4, help="points per verb and mode without --all")
    parser.add_argument("--verb", default="")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--user", default="skifftest")
    parser.add_argument("--skiff", default=shutil.which("skiff") or "skiff")
    parser.add_argument("--archive", required=True, help="docker archive of a busybox image")
    parser.add_argument("--budget", type=float, default=0, help="stop after that many seconds; 0 = no limit")
    options = parser.parse_args()
    if os.geteuid():
        sys.exit("kill.py must be root: strace -u keeps newuidmap working only then")
    generator = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)
    started = time.monotonic()
    bed = Bed(options)
    bed.sh(["sh", "-c", f"mkdir -p {bed.dir}/tree/bin && cp {shutil.which('busybox')} {bed.dir}/tree/bin/ && tar -C {bed.dir}/tree -cf {bed.dir}/tree.tar ."])
    bed.clean = settle(bed, None)
    injected = violations = skipped = 0
    wanted = [v for v in options.verb.split(",") if v]
    for verb in verbs(bed):
        if wanted and verb.name not in wanted:
            continue
        if "" in verb.args:
            print(f"{verb.name}: skipped, SKIFF_KILL_PULL names no image to pull")
            skipped += 1
            continue
        for mode in ("cli", "all"):
            for args in verb.before:
                bed.must(args)
            total = bed.count_calls(verb.args, mode)
            for args in verb.undo:
                bed.must(args)
            settle(bed, bed.clean)
            if total == 0:
                violations += 1
                print(f"{verb.name}/{mode}: no state-changing call was seen: the harness is broken")
                continue
            chosen = sample_points(total, options, generator)
            for number in chosen:
                if options.budget and time.monotonic() - started > options.budget:
                    break
                injected += 1
                try:
                    point(bed, verb, mode, number)
                except (Violation, subprocess.TimeoutExpired) as problem:
                    violations += 1
                    print(f"VIOLATION {verb.name}/{mode} at call {number} of {total}: {problem}", flush=True)
                    bed.close()
                    bed = Bed(options)
                    bed.sh(["sh", "-c", f"mkdir -p {bed.dir}/tree/bin && cp {shutil.which('busybox')} {bed.dir}/tree/bin/ && tar -C {bed.dir}/tree -cf {bed.dir}/tree.tar ."])
                    bed.clean = settle(bed, None)
                    verb = next(v for v in verbs(bed) if v.name == verb.name)
            print(f"{verb.name}/{mode}: {len(chosen)} of {total} points", flush=True)
    bed.close()
    print(f"faults injected {injected}, violations {violations}, verbs skipped {skipped}, {time.monotonic() - started:.0f} s")
    return 1 if violations else 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
