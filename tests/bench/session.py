#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The time of a run inside a systemd user session: a Debian 12 booted by systemd-nspawn.

    python3 tests/bench/session.py [--rounds N] [--work DIR]

As root, with mmdebstrap and systemd-nspawn; takes the skiff that is in PATH, whose prefix must be copied whole. Each
contender runs once per round, in a transient service of the user's manager. Never asserted.
"""
import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.nspawn.machine import Machine, make_root  # noqa: E402  (the path comes first)

PACKAGES = "passwd uidmap libslirp0 libglib2.0-0 libcurl4 libarchive13 libisal2 libyaml-0-2 python3 busybox-static bubblewrap".split()

SETUP = """set -e
mkdir -p root/bin root/proc root/dev root/etc
cp /bin/busybox root/bin
for applet in sh true; do ln -s busybox root/bin/$applet; done
tar -C root -cf root.tar .
skiff import root.tar bench >/dev/null
"""

TIMER = """import statistics, subprocess, sys, time
contenders = {
    "skiff, no network": "skiff run --rm --network none bench true".split(),
    "skiff": "skiff run --rm bench true".split(),
    "bwrap": "bwrap --unshare-all --bind root / --proc /proc --dev /dev /bin/true".split(),
}
samples = {name: [] for name in contenders}
for _ in range(int(sys.argv[1])):
    for name, argv in contenders.items():
        begin = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        samples[name].append((time.perf_counter() - begin) * 1000)
for name, times in samples.items():
    print(f"  {name:<28} min {min(times):8.2f}  median {statistics.median(times):8.2f}  max {max(times):8.2f} ms"
          f"  ({len(times)} runs)")
"""


def main():
    """Boot, copy, measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--work", default="/var/tmp")
    options = parser.parse_args()
    program = shutil.which("skiff") or sys.exit("no skiff in PATH")
    prefix = Path(program).resolve().parents[1]
    with tempfile.TemporaryDirectory(prefix="skiff-session-", dir=options.work) as work:
        os.chmod(work, 0o755)
        root = Path(work) / "root"
        make_root("bookworm", root, PACKAGES)
        with Machine(root) as machine:
            for part in ("bin/skiff", "libexec/skiff"):
                copy = shutil.copytree if (prefix / part).is_dir() else shutil.copy
                (machine.root / "opt/skiff" / part).parent.mkdir(parents=True, exist_ok=True)
                copy(prefix / part, machine.root / "opt/skiff" / part)
            machine.run("useradd -m -s /bin/bash user && loginctl enable-linger user && sleep 1", show=False)
            (machine.root / "home/user/timer.py").write_text(TIMER, encoding="ascii")
            path = "export PATH=/opt/skiff/bin:$PATH XDG_RUNTIME_DIR=/run/user/$(id -u)\n"
            service = "systemd-run --user --quiet --pipe --wait -p WorkingDirectory=$HOME -E PATH=$PATH"
            code, output = machine.run(f"{path}{SETUP}{service} python3 timer.py {options.rounds}", user="user", show=False)
            print(f"run --rm IMG true in a systemd user session (budget 25 ms)\n{output}", end="")
            return code


if __name__ == "__main__":
    sys.exit(main())
