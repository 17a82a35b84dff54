#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The time of a run and of services inside a systemd user session: a Debian 12 booted by systemd-nspawn.

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
for applet in sh true sleep; do ln -s busybox root/bin/$applet; done
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

UNIT = """[Container]
Image=localhost/bench
Network=none
Exec=sleep 1000
StopTimeout=0
"""
PLAIN = """[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
"""

# Services: to READY, the generator, what a probe costs.
SERVICES = """import os, pathlib, statistics, subprocess, sys, time

def show(name, times, unit="ms"):
    print(f"  {name:<36} min {min(times):8.2f}  median {statistics.median(times):8.2f}  max {max(times):8.2f} {unit}  ({len(times)} runs)")

def clock(argv, **options):
    begin = time.perf_counter()
    done = subprocess.run(argv, stdout=subprocess.DEVNULL, **options)
    if done.returncode:
        subprocess.run("systemctl --user status --no-pager --full unit plain; journalctl --user -n 40 --no-pager", shell=True)
        sys.exit(1)
    return (time.perf_counter() - begin) * 1000

samples = {"systemctl start, /bin/true": [], "systemctl start, a container to READY": [], "run -d": []}
for _ in range(int(sys.argv[1])):
    samples["systemctl start, /bin/true"].append(clock("systemctl --user start plain".split()))
    samples["systemctl start, a container to READY"].append(clock("systemctl --user start unit".split()))
    subprocess.run("systemctl --user stop plain unit".split(), check=True)
    samples["run -d"].append(clock("skiff run -d --name b --network none bench sleep 1000".split()))
    subprocess.run("skiff rm -f -t 0 b".split(), check=True, stdout=subprocess.DEVNULL)
for name, times in samples.items():
    show(name, times)

units, out = pathlib.Path("fifty"), pathlib.Path(os.environ["XDG_RUNTIME_DIR"]) / "out"
for directory in (units, out):
    directory.mkdir(exist_ok=True)
for i in range(50):
    (units / f"u{i}.container").write_text(f"[Container]\\nImage=example.org/app{i}\\nPublishPort=80{i:02}:80\\nEnvironment=A={i}\\n")
generator = "/opt/skiff/libexec/skiff/skiff-quadlet"
env = dict(os.environ, QUADLET_UNIT_DIRS=str(units.absolute()))
show("the generator, 50 containers", [clock([generator, "-user", "-no-kmsg-log", out, out, out], env=env) for _ in range(int(sys.argv[1]))])

def used(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * 1000 / os.sysconf("SC_CLK_TCK")

subprocess.run("skiff run -d --name h --network none --health-cmd true --health-interval 100ms --health-max-log-count 0 bench sleep 1000".split(),
               check=True, stdout=subprocess.DEVNULL)
pid = subprocess.check_output("skiff inspect --format {{.State.ConmonPid}} h".split(), text=True).strip()
count = lambda: int(subprocess.check_output(["skiff", "inspect", "--format", "{{len .State.Health.Log}}", "h"], text=True))
time.sleep(1)
before, first = used(pid), count()
time.sleep(15)
after, last = used(pid), count()
print(f"  a health probe                       {(after - before) / (last - first):8.2f} ms of CPU  ({last - first} probes)")
subprocess.run("skiff rm -f -t 0 h".split(), check=True, stdout=subprocess.DEVNULL)
"""


def put_units(machine):
    """A quadlet file and a plain service of the user's; the generator where systemd looks."""
    machine.run("mkdir -p /etc/systemd/user-generators && ln -s /opt/skiff/libexec/skiff/skiff-quadlet /etc/systemd/user-generators/skiff-user-generator",
                show=False)
    home = machine.root / "home/user"
    for name, text in ((".config/containers/systemd/unit.container", UNIT), (".config/systemd/user/plain.service", PLAIN)):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="ascii")
    machine.run("chown -R user: /home/user", show=False)


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
            if code:
                return code
            put_units(machine)
            (machine.root / "home/user/services.py").write_text(SERVICES, encoding="ascii")
            code, output = machine.run(f"{path}systemctl --user daemon-reload && {service} -E XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR python3 services.py "
                                       f"{options.rounds}", user="user", show=False)
            print(f"services (to READY within 30 ms of run -d, 50 units in 5 ms, a probe in 8 ms of CPU)\n{output}", end="")
            return code


if __name__ == "__main__":
    sys.exit(main())
