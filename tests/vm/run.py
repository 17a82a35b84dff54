#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests in a virtual machine: Debian 12 with its own kernel (6.1), cgroup v2 and systemd.

    tests/vm/run.py [--keep-console FILE] [MODULE[.CLASS[.TEST]] ...]

As root, with qemu-system-x86, mmdebstrap and e2fsprogs. Everything is emulated (TCG), so no KVM is
needed, and everything takes ten times as long. The machine's disk is made once and kept in the cache
of the tests; a second one holds the built skiff ($SKIFF_BUILD) and this tree's tests. The machine is
booted, runs tests/support/guest.py, which runs tests/vm/test_*.py as a user in a session and as root,
and powers itself off; for test_reboot it is booted twice. What it says comes through its second serial port. Then
another one has its power cut (tests/vm/power.py; by name: "power"). The last line counts.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))

from tests.support import images, skiff  # noqa: E402  (the path comes first)

SUITE = "bookworm"
PACKAGES = ("linux-image-cloud-amd64 initramfs-tools systemd systemd-sysv udev dbus dbus-user-session libpam-systemd "
            "passwd uidmap iproute2 procps python3 ca-certificates zstd "
            "libglib2.0-0 libjson-c5 libcurl4 libssl3 libarchive13 libzstd1 libisal2 libslirp0 libseccomp2 libyaml-0-2").split()

# Nothing of this is needed, all of it costs seconds.
MASKED = ("apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer "
          "e2scrub_reap.service getty@tty1.service serial-getty@ttyS0.service systemd-update-utmp.service "
          "systemd-binfmt.service systemd-pstore.service proc-sys-fs-binfmt_misc.automount").split()

UNIT = """[Unit]
Description=tests of skiff
[Service]
ExecStart=/bin/sh -c 'mkdir -p /skiff && mount -o ro LABEL=skiff-tests /skiff && exec python3 /skiff/tree/tests/support/guest.py vm'
ExecStopPost=/bin/systemctl poweroff -ff
StandardInput=null
StandardOutput=file:/dev/ttyS1
StandardError=file:/dev/ttyS1
[Install]
WantedBy=multi-user.target
"""

# By content: a change of the script below makes a new disk.
CUSTOMIZE = f"""set -e
useradd --root "$1" --create-home --shell /bin/bash tester
mkdir -p "$1/var/lib/systemd/linger"
touch "$1/var/lib/systemd/linger/tester"
echo vm >"$1/etc/hostname"
echo '127.0.0.1 localhost vm' >"$1/etc/hosts"
echo 'nameserver 192.0.2.53' >"$1/etc/resolv.conf"
echo /dev/vda / ext4 defaults 0 0 >"$1/etc/fstab"
cat >"$1/etc/systemd/system/skiff-vm.service" <<'END'
{UNIT}END
chroot "$1" systemctl enable skiff-vm.service
chroot "$1" systemctl mask {' '.join(MASKED)}
"""

BOOT_OPTIONS = "root=/dev/vda rw console=ttyS0 quiet mitigations=off systemd.show_status=0"
TIMEOUT = 1500

COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)


def make_disk():
    """The machine's disk, kernel and initramfs, from the cache."""
    def make(directory):
        images.need_root("vm")
        hook = directory / "customize"
        hook.write_text(CUSTOMIZE, encoding="utf-8")
        root = directory / "root"
        images.tool("mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "--mode=root", "--format=directory",
                    "--aptopt=Acquire::Languages \"none\"", "--dpkgopt=path-exclude=/usr/share/doc/*",
                    "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
                    f"--customize-hook=sh {hook} \"$1\"", SUITE, str(root), images.debian_mirror())
        for name in ("vmlinuz", "initrd.img"):
            shutil.copy(next((root / "boot").glob(f"{name}-*")), directory / name)
        images.tool("mkfs.ext4", "-q", "-d", str(root), "-L", "root", str(directory / "disk"), "1500M")
        images.remove_tree(root)

    return images.cached("vm", [SUITE, PACKAGES, CUSTOMIZE], make)


def make_content(content, tests):
    """The programs under test, an image, the tests and what to run of them: /skiff in a machine."""
    skiff.install(content / "prefix")
    shutil.copy(images.convert(images.busybox(), "oci-archive", "localhost/busybox:latest"), content / "busybox.tar")
    if not tests or any(test.startswith("systemd_inside") for test in tests):  # 40 MB
        shutil.copy(images.convert(images.systemd(), "oci-archive", "localhost/systemd:latest"), content / "systemd.tar")
    shutil.copytree(TOP / "tests", content / "tree/tests", symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    compiler = shutil.which("cc")
    if compiler:
        images.tool(compiler, "-O1", "-static", "-D_GNU_SOURCE", "-o", str(content / "service_probe"), str(TOP / "tests/system/service_probe.c"))
    (content / "arguments").write_text("".join(f"{test}\n" for test in tests), encoding="utf-8")
    subprocess.run(["chmod", "-R", "a+rX", str(content)], check=True)


def make_tests_disk(directory, tests):
    """A disk with that content."""
    content = directory / "content"
    make_content(content, tests)
    size = sum(path.lstat().st_size for path in content.rglob("*")) // (1 << 20) + 64
    images.tool("mkfs.ext4", "-q", "-d", str(content), "-L", "skiff-tests", str(directory / "tests"), f"{size}M")
    return directory / "tests"


def qemu(machine, tests_disk, console, boot_options):
    """The machine's command line: its console goes to a file, its second serial port is stdin and stdout."""
    return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "q35", "-accel", "tcg,thread=multi",
            "-cpu", "max", "-smp", "2", "-m", "1536", "-display", "none",
            "-kernel", str(machine / "vmlinuz"), "-initrd", str(machine / "initrd.img"), "-append", boot_options,
            "-drive", f"file={machine / 'disk'},format=raw,if=virtio,snapshot=on",
            "-drive", f"file={tests_disk},format=raw,if=virtio,snapshot=on",
            "-serial", f"file:{console}", "-serial", "stdio"]


def boot(machine, tests_disk, console):
    """Run the machine to its end and show what the guest says. Returns that text."""
    text = []
    with subprocess.Popen(qemu(machine, tests_disk, console, BOOT_OPTIONS), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        killer = threading.Timer(TIMEOUT, process.kill)
        killer.start()
        try:
            for line in process.stdout:
                line = line.rstrip("\r\n")
                text.append(line)
                if not COUNTS.match(line):
                    print(line, flush=True)
        finally:
            killer.cancel()
            process.kill()
    return "\n".join(text)


def power_cuts(machine):
    """The store after a few cuts of the power. Returns (passed, failed)."""
    from tests.vm import power  # pylint: disable=import-outside-toplevel  (which imports this one)
    begin = time.monotonic()
    options = power.options_of([])
    print(f"# power cuts, seed {options.seed}", flush=True)
    counts = power.run(machine, options)
    print(f"# the power cuts took {time.monotonic() - begin:.0f} s", flush=True)
    return counts


def main():
    """Parse the command line, build, boot, count."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--keep-console", metavar="FILE", help="where the machine's console goes, for looking at")
    parser.add_argument("tests", nargs="*", metavar="MODULE[.CLASS[.TEST]]")
    options = parser.parse_args()
    try:
        for program in ("qemu-system-x86_64", "mmdebstrap", "mkfs.ext4"):
            if shutil.which(program) is None:
                raise images.Unavailable(f"'{program}' is not installed")
        begin = time.monotonic()
        machine = make_disk()
        print(f"# the machine's disk took {time.monotonic() - begin:.0f} s", flush=True)
    except images.Unavailable as reason:
        print(f"# skipped 1: {reason}\n0 passed, 0 failed, 1 skipped")
        return 0
    passed = failed = skipped = 0
    if "power" in options.tests or not options.tests:
        passed, failed = power_cuts(machine)
        options.tests = [test for test in options.tests if test != "power"]
        if not options.tests and "power" in sys.argv:
            print(f"{passed} passed, {failed} failed, 0 skipped")
            return 1 if failed else 0
    with tempfile.TemporaryDirectory(prefix="skiff-vm-") as name:
        directory = Path(name)
        console = options.keep_console or str(directory / "console")
        begin = time.monotonic()
        text = boot(machine, make_tests_disk(directory, options.tests), console)
        print(f"# the machine ran {time.monotonic() - begin:.0f} s", flush=True)
        found = COUNTS.findall(text)
        if not found:
            print(Path(console).read_text(encoding="utf-8", errors="replace")[-4000:])
            print(f"not ok - the machine did not finish\n{passed} passed, {failed + 1} failed, 0 skipped")
            return 1
        passed, failed, skipped = (int(count) + before for count, before in zip(found[-1], (passed, failed, skipped)))
        print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not int(found[-1][0]) else 0


if __name__ == "__main__":
    sys.exit(main())
