#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""F7: a file system without a byte, or without an inode, left; then out of it with our own commands.

    python3 tests/faults/disk.py [--only NAME]

Run as root; the commands run as --user. The store is on a small file system, which is filled to the
last byte or inode. Then: commands that read, `stop`, `rm`, `rmi` and `volume rm` work; commands that
make something fail, name the cause and leave nothing half-made; a build that fails leaves its cache as
good as it was; a running container lives on, writes its log as far as there is room, and its exit code
is told. With the room back all works again.
"""

import argparse
import shutil
import subprocess
import sys
import time

import bed as beds
from bed import Bed, Violation, os, pathlib

# Name, file system, mount options or arguments of mkfs, what runs out.
KINDS = (
    ("tmpfs-bytes", "tmpfs", "size=24m", "bytes"),
    ("tmpfs-inodes", "tmpfs", "size=64m,nr_inodes=700", "inodes"),
    ("ext4-bytes", "ext4", ["-m", "0", "-N", "4000"], "bytes"),
    ("ext4-inodes", "ext4", ["-m", "0", "-N", "512"], "inodes"),
)


class Unavailable(Exception):
    """This file system cannot be had here."""


def mount(kind, directory):
    """Make and mount the small file system. Returns the mount point."""
    name, file_system, how, _ = kind
    place = directory / name
    place.mkdir(mode=0o755)
    if file_system == "tmpfs":
        argv = ["mount", "-t", "tmpfs", "-o", how, "tmpfs", place]
    else:
        if not shutil.which("mkfs.ext4"):
            raise Unavailable("mkfs.ext4 is not installed")
        image = directory / f"{name}.img"
        with open(image, "wb") as out:
            out.truncate(32 << 20)
        made = subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "^has_journal", *how, str(image)], capture_output=True,
                              text=True, check=False)
        if made.returncode:
            raise Unavailable(f"mkfs.ext4: {made.stderr.strip()}")
        argv = ["mount", "-o", "loop", image, place]
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{file_system} cannot be mounted: {done.stderr.strip()}")
    place.chmod(0o755)
    return place


def fill(bed, what):
    """Take the last byte or inode, as the user."""
    filler = bed.dir / "home/filler"
    big = f"cat /dev/zero > {filler}/big; sync; cat /dev/zero >> {filler}/big;" if what == "bytes" else ""
    # A file system keeps a little for small files: take that, too.
    small = f"i=0; while printf x > {filler}/$i; do i=$((i + 1)); done"
    bed.sh(["sh", "-c", f"mkdir {filler}; {big} {small}"])
    probe = bed.sh(["sh", "-c", f"printf x > {bed.dir}/home/probe"])
    bed.sh(["rm", "-f", bed.dir / "home/probe"])
    if probe.returncode == 0:
        raise Violation("the harness is broken: the file system is not full")


def must_fail(bed, args):
    """A command that needs room says that there is none."""
    done = bed.run(args)
    if done.returncode == 0:
        raise Violation(f"`{' '.join(args)}` succeeded on a full file system")
    if done.returncode < 0 or "No space left" not in done.stderr:
        raise Violation(f"I8: `{' '.join(args)}` gave {done.returncode} and says: {done.stderr.strip()}")


def objects(bed):
    """The snapshot without processes: shells of the payloads come and go."""
    found = bed.snapshot()
    del found["processes"]
    return found


def used(bed):
    """How many blocks and inodes are taken, when nobody works any more."""
    bed.settled()
    room = os.statvfs(bed.dir)
    return room.f_blocks - room.f_bfree, room.f_files - room.f_ffree


def settled(look, fine):
    """What is there once it is fine, or at the end: an overlay's blocks may be freed a moment after its end."""
    deadline = time.monotonic() + beds.SETTLE_S
    while not fine(now := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return now


def check_builds(bed, what):
    """Builds that run out of room in COPY, in RUN, and before their first step: what was built before is a hit."""
    many = bed.context / "many"
    many.mkdir()
    first = f"FROM {bed.image}\nRUN echo one > /one\n"
    too_much = "cat /dev/zero > /big" if what == "bytes" else "i=0; while echo > /file$i; do i=$((i+1)); done; exit 1"
    build = ["build", "--network", "none"]

    def dockerfile(text):
        # Written elsewhere: the file system may have no room for it.
        path = bed.run_dir.parent / f"{bed.dir.name}.Dockerfile"
        path.write_text(text)
        path.chmod(0o644)
        return ["-f", str(path), str(bed.context)]

    bed.must([*build, "-t", "kept", *dockerfile(first)])
    before, room = objects(bed), used(bed)
    # COPY of two thirds of the room that there is: it is taken once already.
    free = os.statvfs(bed.dir)
    if what == "bytes":
        (many / "big").write_bytes(os.urandom(free.f_bavail * free.f_bsize * 2 // 3))
    for number in range(free.f_favail * 2 // 3 if what == "inodes" else 0):
        (many / str(number)).touch()
    must_fail(bed, [*build, "-t", "no", *dockerfile(first + "COPY many /many/\n")])
    done = bed.run([*build, "-t", "no", *dockerfile(first + f"RUN {too_much}\n")])
    if done.returncode == 0 or "No space left" not in done.stderr:
        raise Violation(f"I8: a RUN on a full file system gave {done.returncode} and says: {done.stderr.strip()}")
    shutil.rmtree(many)
    many.mkdir()
    now = settled(lambda: objects(bed), lambda now: now == before)
    if now != before:
        raise Violation(f"I2: half-built things: {[(key, before[key], now[key]) for key in before if before[key] != now[key]]}")
    left = settled(lambda: [now - then for now, then in zip(used(bed), room)], lambda left: left[0] <= 64 and left[1] <= 8)
    if left[0] > 64 or left[1] > 8:
        raise Violation(f"I3: builds that failed leave {left[0]} blocks and {left[1]} inodes")
    fill(bed, what)
    must_fail(bed, [*build, "--no-cache", *dockerfile(first)])
    if settled(lambda: objects(bed), lambda now: now == before) != before:
        raise Violation("I2: half-built things of a build on a full file system")
    bed.sh(["rm", "-rf", bed.dir / "home/filler"])
    (many / "small").write_text("small\n")
    said = bed.must([*build, "-t", "made", *dockerfile(first + "COPY many /many/\nRUN cat /many/small > /two\n")])
    if said.count("Using cache") != 1:
        raise Violation(f"the cache is not what it was: {said}")
    if bed.must(["run", "--rm", "--network", "none", "made", "cat", "/one", "/two"]) != "one\nsmall\n":
        raise Violation("what was built after a full disk is not what was asked for")
    bed.must(["rmi", "made", "kept"])
    bed.must(["builder", "prune", "-a", "-f"])
    bed.check_survivors()


def check(bed, what):
    """One file system, from empty to full and back."""
    image, second = bed.image, bed.second
    none = ["--network", "none"]
    for number in range(3):
        bed.must(["run", "-d", "--name", f"live{number}", *none, image, "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.02; done"])
    bed.must(["run", "-d", "--name", "talker", *none, image, "sh", "-c", "while :; do echo line; sleep 0.01; done"])
    bed.must(["create", "--name", "made", *none, image, "true"])
    bed.must(["volume", "create", "vol"])
    bed.must(["load", "-q", "-i", str(bed.archive)])
    fill(bed, what)
    full = objects(bed)
    for args in (["ps", "-a"], ["images"], ["inspect", "live0"], ["logs", "talker"], ["volume", "ls"]):
        bed.must(args)
    for args in (["create", "--name", "no", *none, image, "true"], ["run", "--rm", "--name", "no", *none, image, "true"],
                 ["volume", "create", "no"], ["import", str(bed.tree), "localhost/no"]):
        must_fail(bed, args)
    time.sleep(0.2)
    now = objects(bed)
    if now != full:
        raise Violation(f"I2: half-made things: {[(key, full[key], now[key]) for key in full if now[key] != full[key]]}")
    bed.must(["exec", "live0", "true"])
    time.sleep(0.3)
    bed.check_survivors()
    bed.must(["stop", "-t", "5", "live0"])
    state = bed.must(["ps", "-a", "--filter", "name=^live0$", "--format", "{{.Status}}"])
    if "(3)" not in state:
        raise Violation(f"I5: the code of a container that ended on a full disk is 3, ps says '{state.strip()}'")
    bed.must(["stop", "-t", "0", "live1"])
    # Something ends with nobody there, and is found later.
    bed.must(["kill", "--signal", "TERM", "live2"])
    bed.must(["wait", "live2"])
    bed.must(["rm", "-f", "-t", "0", "talker"])
    bed.must(["rm", "live1"])
    bed.must(["rm", "made"])
    bed.must(["rmi", second])
    bed.must(["volume", "rm", "vol"])
    state = bed.must(["ps", "-a", "--filter", "name=^live2$", "--format", "{{.Status}}"])
    if "(3)" not in state:
        raise Violation(f"I5: the code of a container that ended on a full disk is 3, ps says '{state.strip()}'")
    bed.sh(["rm", "-rf", bed.dir / "home/filler"])
    bed.must(["rm", "live0", "live2"])
    bed.must(["run", "--rm", *none, image, "true"])
    bed.check_survivors()
    bed.check_clean()


def main():
    """All kinds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--user", default="skifftest")
    options = parser.parse_args()
    directory = pathlib.Path(beds.tempfile.mkdtemp(prefix="skiff-disk-"))
    directory.chmod(0o755)
    passed, failed, skips = 0, 0, []
    for kind in KINDS:
        if options.only and options.only != kind[0]:
            continue
        bed = None
        begin = time.monotonic()
        try:
            place = mount(kind, directory)
            runtime = directory / f"{kind[0]}.run"
            runtime.mkdir(mode=0o755)
            bed = Bed(options.user, place, runtime)
            check_builds(bed, kind[3])
            check(bed, kind[3])
            passed += 1
            print(f"{kind[0]}: ok, {time.monotonic() - begin:.1f} s", flush=True)
        except Unavailable as reason:
            skips.append(f"{kind[0]}: {reason}")
        except Violation as problem:
            failed += 1
            print(f"VIOLATION {kind[0]}: {problem}", flush=True)
        if bed:
            bed.close()
        subprocess.run(["umount", "-l", str(directory / kind[0])], capture_output=True, check=False)
    beds.shutil.rmtree(directory, ignore_errors=True)
    for reason in skips:
        print(f"# skipped 1: {reason}")
    print(f"{passed} passed, {failed} failed, {len(skips)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    beds.in_namespace(main)
