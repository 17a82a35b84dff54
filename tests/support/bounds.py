# SPDX-License-Identifier: Apache-2.0
"""What hostile input may do: nothing outside, little memory, a line of counts.

    with bounds.Watch(allowed=[store]) as watch:
        ...
    self.assertEqual(watch.outside(), [])

Watch sees by fanotify whatever is created, removed, renamed, written or dressed anew on the file systems
of the machine by processes of our pid namespace, and where: it needs root, and sees nothing without.
"""

import atexit
import collections
import ctypes
import os
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

__all__ = ["Watch", "Peak", "count"]

_LIBC = ctypes.CDLL(None, use_errno=True)

# <linux/fanotify.h>
_INIT = 0x1 | 0x2 | 0x10 | 0x200 | 0x400 | 0x800  # CLOEXEC, NONBLOCK, UNLIMITED_QUEUE, reports of files, directories and names
_ADD_FILESYSTEM = 0x1 | 0x100
_ONDIR, _OVERFLOW = 0x40000000, 0x4000
_EVENTS = {0x2: "modify", 0x4: "attrib", 0x40: "move from", 0x80: "move to", 0x100: "create", 0x200: "delete"}
_EVENT = struct.Struct("=IBBHQii")
_DIRECTORY_AND_NAME = 2

_blind = set()
_counted = collections.defaultdict(set)


def count(kind, key):
    """Note one different piece of hostile input; the counts are printed at the end."""
    if not _counted:
        atexit.register(lambda: print("".join(f"# hostile: {len(keys)} {name}\n" for name, keys in sorted(_counted.items())), end=""))
    _counted[kind].add(key)


class Watch:
    """Everything that changes on the file systems of the machine, but below `allowed`."""

    def __init__(self, allowed=(), places=("/", "/tmp", "/var/tmp", "/run", "/dev", "/dev/shm")):
        self.allowed = [os.path.realpath(path) for path in (*allowed, os.devnull)]
        self.places = {os.stat(place).st_dev: place for place in places if os.path.isdir(place)}
        self.group, self.mounts = -1, {}

    def __enter__(self):
        self.group = _LIBC.fanotify_init(_INIT, 0) if os.geteuid() == 0 else -1
        if os.geteuid() == 0 and self.group < 0:
            self.blind("the machine")  # root of a container
        for place in self.places.values() if self.group >= 0 else ():
            mask = ctypes.c_uint64(_ONDIR | sum(_EVENTS))
            if _LIBC.fanotify_mark(self.group, _ADD_FILESYSTEM, mask, -100, os.fsencode(place)) < 0:
                self.blind(place)  # a file system without handles
                continue
            self.mounts[struct.pack("=Q", os.statvfs(place).f_fsid)] = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        return self

    def __exit__(self, *exc):
        for fd in ([self.group] if self.group >= 0 else []) + list(self.mounts.values()):
            os.close(fd)
        self.group, self.mounts = -1, {}

    @staticmethod
    def blind(place):
        """Say once what cannot be watched here, and why."""
        if place not in _blind:
            _blind.add(place)
            print(f"# fanotify does not see {place}: {os.strerror(ctypes.get_errno())}")

    def records(self):
        """(mask, pid, rest of the event) of all that is waiting."""
        while self.group >= 0:
            try:
                data = os.read(self.group, 1 << 16)
            except BlockingIOError:
                return
            while data:
                length, _, _, metadata, mask, _, pid = _EVENT.unpack_from(data)
                yield mask, pid, data[metadata:length]
                data = data[length:]

    def directory(self, fsid, handle):
        """The path of a directory by its handle; None for one that is gone, whose end its parent told of."""
        buffer = ctypes.create_string_buffer(handle, len(handle))
        fd = _LIBC.open_by_handle_at(self.mounts[fsid], buffer, os.O_RDONLY | os.O_PATH | os.O_CLOEXEC)
        if fd < 0:
            return None
        try:
            return os.readlink(f"/proc/self/fd/{fd}")
        finally:
            os.close(fd)

    def outside(self):
        """What has happened outside since the start: "create of /path", sorted."""
        found, seen = set(), set()
        for mask, pid, rest in self.records():
            if mask & _OVERFLOW:
                raise AssertionError("events were lost")
            # Nobody of ours, or ourselves.
            if pid in (0, os.getpid()) or (mask, rest) in seen:
                continue
            seen.add((mask, rest))
            kind, _, size = struct.unpack_from("=BBH", rest)
            handle_size = struct.unpack_from("=I", rest, 12)[0]
            name = os.fsdecode(rest[20 + handle_size:size].rstrip(b"\0"))
            parent = self.directory(rest[4:12], rest[12:20 + handle_size]) if kind == _DIRECTORY_AND_NAME else None
            path = os.path.normpath(os.path.join(parent, name)) if parent else None
            if path and not any(path == top or path.startswith(top + "/") for top in self.allowed):
                words = " ".join(word for bit, word in _EVENTS.items() if mask & bit)
                found.add(f"{words} of {path}")
        return sorted(found)


class Peak:
    """Runs commands through peak.c, which tells the most memory that one of their processes had."""

    def __init__(self):
        compiler = shutil.which("cc")
        if not compiler:
            raise unittest.SkipTest("no C compiler for the program that measures")
        self.directory = tempfile.TemporaryDirectory(dir=os.environ.get("SKIFF_TEST_RUN"))
        self.program = os.path.join(self.directory.name, "peak")
        self.report = self.program + ".txt"
        source = Path(__file__).resolve().parents[1] / "system/peak.c"
        subprocess.run([compiler, "-O1", "-static", "-D_GNU_SOURCE", "-o", self.program, source], check=True)

    def cleanup(self):
        """Remove the program."""
        self.directory.cleanup()

    def command(self, argv):
        """The command that measures this one."""
        return [self.program, self.report, *argv]

    def bytes(self):
        """What was the most."""
        return int(Path(self.report).read_text(encoding="ascii")) * 1024
