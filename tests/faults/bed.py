# SPDX-License-Identifier: Apache-2.0
"""Where faults are injected: a pid and mount namespace of our own, and in it a throwaway home of the
unprivileged user with one image, one stopped container and one running one that must survive.

A fault that is answered wrongly raises Violation. The namespace makes the oracle for left processes
exact: whatever lives in it besides the harness is skiff's.
"""

import ctypes
import hashlib
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))

from tests.support import skiff as support  # noqa: E402  (the path comes first)

# What clean-up that goes on behind the user's back may take (recovery adds at most a second, a loaded machine much more).
SETTLE_S = 20 * support.SLOWNESS

DIRECTORIES = ("containers", "names", "images", "layers", "volumes", "pods", "staging", "trash")


class Violation(Exception):
    """An invariant does not hold."""


def in_namespace(main):
    """Run main() in namespaces of its own, with somebody who reaps orphans. Does not return."""
    if os.geteuid():
        sys.exit("faults are injected as root: strace keeps newuidmap working only then")
    if "--inside" not in sys.argv:
        os.execvp("unshare", ["unshare", "--pid", "--fork", "--mount", "--mount-proc", "--kill-child",
                              sys.executable, *sys.argv, "--inside"])
    sys.argv.remove("--inside")
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        sys.exit(main())
    while True:
        pid, status = os.wait()
        if pid == child:
            # No clean exit from pid 1: the kernel ends the namespace with it.
            os._exit(os.waitstatus_to_exitcode(status) & 255)


def add_file(tar, name, data=b"", mode=0o644, **fields):
    """One entry of a tar file."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    for key, value in fields.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(data))


def layer(entries):
    """The bytes of an uncompressed layer."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for entry in entries:
            add_file(tar, **entry)
    return out.getvalue()


def busybox_layer():
    """A root with one program."""
    program = pathlib.Path(shutil.which("busybox") or "/bin/busybox").read_bytes()
    entries = [{"name": "bin", "type": tarfile.DIRTYPE, "mode": 0o755},
               {"name": "bin/busybox", "data": program, "mode": 0o755}]
    entries += [{"name": f"bin/{name}", "type": tarfile.SYMTYPE, "linkname": "busybox"}
                for name in ("sh", "sleep", "true", "false", "touch", "cat", "echo", "rm", "mkdir", "trap", "dd", "kill")]
    return layer(entries)


def odd_layer():
    """What only the user's namespace may delete again: sub-uids, a directory nobody may write."""
    return layer([{"name": "odd", "type": tarfile.DIRTYPE, "mode": 0o555, "uid": 1000, "gid": 1000},
                  {"name": "odd/file", "data": b"x" * 5000, "uid": 1000, "gid": 1000},
                  {"name": "odd/link", "type": tarfile.LNKTYPE, "linkname": "odd/file"}])


def docker_archive(path, name, layers):
    """An image as `docker save` writes it."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
                         "rootfs": {"type": "layers",
                                    "diff_ids": ["sha256:" + hashlib.sha256(data).hexdigest() for data in layers]}})
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": names}]
    with tarfile.open(path, "w") as tar:
        add_file(tar, "config.json", config.encode())
        for member, data in zip(names, layers):
            add_file(tar, member, data)
        add_file(tar, "manifest.json", json.dumps(manifest).encode())
    os.chmod(path, 0o644)
    return path


def memory_place():
    """A directory in memory whose files take what an overlay needs (kernel >= 6.6), or None for the default one."""
    try:
        room = os.statvfs("/dev/shm")
        if room.f_bavail * room.f_frsize < 1 << 30:
            return None
        with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
            os.setxattr(directory, "user.skiff", b"1")
    except OSError:
        return None
    return "/dev/shm"


class Bed:
    """The home, the commands, the oracle."""

    image = "localhost/first:latest"
    second = "localhost/second:latest"

    def __init__(self, user, place=None, run_place=None):
        self.user = user
        self.skiff = str(support.prefix() / "bin/skiff")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="skiff-fault-", dir=place or memory_place()))
        self.run_dir = pathlib.Path(run_place or self.dir) / "run"
        self.root = self.dir / "home/store"
        self.dir.chmod(0o755)
        for path in (self.dir / "home", self.run_dir):
            path.mkdir(mode=0o700)
            shutil.chown(path, user, user)
        self.env = {"HOME": str(self.dir / "home"), "XDG_RUNTIME_DIR": str(self.run_dir),
                    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
        self.env |= {name: os.environ[name] for name in support.PASSED_ON if name in os.environ}
        self.base = [self.skiff, "--root", str(self.root), "--runroot", str(self.run_dir / "skiff")]
        self.first_archive = docker_archive(self.dir / "first.tar", self.image, [busybox_layer()])
        self.archive = docker_archive(self.dir / "second.tar", self.second, [busybox_layer(), odd_layer()])
        self.tree = self.dir / "tree.tar"
        self.tree.write_bytes(odd_layer())
        self.context = self.dir / "context"
        self.context.mkdir()
        (self.context / "Dockerfile").write_text(
            f"FROM {self.image}\nRUN --mount=type=cache,target=/c echo built > /built; touch /c/f\nWORKDIR /w\nCOPY . .\n"
            "ENV A=b\n")
        self.before_processes = self.processes()
        self.before_mounts = support.mounts()
        self.must(["load", "-q", "-i", str(self.first_archive)])
        self.must(["run", "--name", "kept", "--network", "none", self.image, "sh", "-c", "echo precious > /file"])
        self.must(["run", "-d", "--name", "bystander", "--network", "none", self.image, "sleep", "100000"])
        self.bystander = self.must(["inspect", "--format", "{{.State.Pid}}", "bystander"]).strip()
        self.clean = self.settled()

    def sh(self, argv, timeout=60, **options):
        """Run a program as the user."""
        argv = [str(word) for word in argv]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | options
        try:
            return subprocess.run(argv, timeout=timeout * support.SLOWNESS, cwd="/", text=True, errors="replace",
                                  env=self.env, user=self.user, group=self.user, extra_groups=[], check=False,
                                  **options)
        except subprocess.TimeoutExpired:
            raise Violation(f"`{' '.join(argv[5:] or argv)}` hangs") from None

    def run(self, args, **options):
        """Run skiff as the user."""
        return self.sh(self.base + args, **options)

    def popen(self, args, **options):
        """Start skiff as the user and do not wait."""
        options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL} | options
        return subprocess.Popen([str(word) for word in self.base + args], cwd="/", env=self.env, user=self.user,
                                group=self.user, extra_groups=[], **options)

    def must(self, args, **options):
        """Run skiff; any failure is a violation."""
        done = self.run(args, **options)
        if done.returncode:
            raise Violation(f"`{' '.join(map(str, args))}` gave {done.returncode}: {(done.stderr or '').strip()}")
        return done.stdout

    def processes(self):
        """All processes of the namespace but the harness: {pid: command line}."""
        return {pid: command for (pid, _), command in support.processes(exclude={os.getpid(), 1}).items()}

    def listing(self, path):
        """The visible names in a directory."""
        try:
            return sorted(name for name in os.listdir(path) if not name.startswith("."))
        except FileNotFoundError:
            return []

    def snapshot(self):
        """What a command must leave as it was."""
        found = {name: self.listing(self.root / name) for name in DIRECTORIES}
        found["run"] = self.listing(self.run_dir / "skiff" / "containers")
        found["processes"] = sorted(set(self.processes()) - set(self.before_processes))
        found["mounts"] = sorted(support.mounts() - self.before_mounts)
        return found

    def settled(self):
        """The snapshot once nothing has changed for a while: clean-up goes on in the background."""
        last, since = self.snapshot(), time.monotonic()
        while time.monotonic() - since < 0.2 * support.SLOWNESS:
            time.sleep(0.01)
            now = self.snapshot()
            if now != last or any("cleanup" in command for command in self.processes().values()):
                last, since = now, time.monotonic()
        return last

    def settle(self, wanted):
        """Wait for the tail of background clean-up. Returns the last snapshot."""
        deadline = time.monotonic() + SETTLE_S
        while True:
            now = self.snapshot()
            if now == wanted or time.monotonic() > deadline:
                return now
            time.sleep(0.01)

    def check_survivors(self):
        """I1 and I4: what was there before the fault still is."""
        rows = dict(line.split(" ", 1) for line in
                    self.must(["ps", "-a", "--format", "{{.Names}} {{.Pid}} {{.State}}"]).splitlines())
        if rows.get("bystander") != f"{self.bystander} running" or not os.path.exists(f"/proc/{self.bystander}"):
            raise Violation(f"I4: the bystander had pid {self.bystander}, now ps says {rows}")
        if "kept" not in rows:
            raise Violation(f"I1: 'kept' is gone, there are {rows}")
        if self.run(["image", "exists", self.image]).returncode:
            raise Violation("I1: the image is gone")
        files = [path / "upper/file" for path in (self.root / "containers").iterdir()]
        if not any(path.exists() and path.read_text() == "precious\n" for path in files):
            raise Violation("I1: the kept container's file is gone")

    def check_clean(self):
        """I3: nothing is left."""
        left = self.settle(self.clean)
        if left == self.clean:
            return
        difference = {key: (left[key], self.clean[key]) for key in left if left[key] != self.clean[key]}
        commands = {pid: text for pid, text in self.processes().items() if pid in left["processes"]}
        raise Violation(f"I3: left behind (now, before): {json.dumps(difference)}"
                        + (f" {commands}" if "processes" in difference else ""))

    def close(self):
        """Everything goes, whatever state it is in."""
        for pid in set(self.processes()) - set(self.before_processes):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for mount in sorted(support.mounts() - self.before_mounts, reverse=True):
            ctypes.CDLL(None).umount2(mount.encode(), 2)
        shutil.rmtree(self.dir, ignore_errors=True)
