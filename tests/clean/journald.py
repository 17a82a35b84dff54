#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The log driver journald against a real journald: a Debian 12 booted by systemd-nspawn.

    python3 tests/clean/journald.py [--work DIR]

As root, with mmdebstrap and systemd-nspawn; takes the skiff that is in PATH, whose prefix must be copied whole. Ends with a
line of counts.
"""
import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.clean import run as clean  # noqa: E402  (the path comes first)

PACKAGES = "uidmap,libslirp0,libglib2.0-0,libcurl4,libarchive13,libisal2,python3,busybox-static"

SETUP = """set -e
mkdir -p root/bin root/proc root/dev root/etc
cp /bin/busybox root/bin
for applet in sh true echo seq sleep head tr printf; do ln -s busybox root/bin/$applet; done
tar -C root -cf root.tar .
skiff import -q root.tar bench
"""

# Runs in the machine as the user.
CHECKS = r'''
import json, subprocess, sys, time
passed = failed = 0

def sh(*argv, check=True):
    return subprocess.run(argv, check=check, capture_output=True)

def ok(name, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f"{'ok' if good else 'not ok'} - {name}{'' if good else ': ' + str(detail)}", flush=True)

def run(name, script, *options):
    sh("skiff", "run", "--name", name, "--network", "none", "--log-driver", "journald", *options, "bench", "sh", "-c", script)
    return sh("skiff", "inspect", "--format", "{{.Id}}", name).stdout.decode().strip()

def entries(ident, count):
    for _ in range(50):
        out = sh("journalctl", "-q", "-o", "json", "--all", f"CONTAINER_ID_FULL={ident}").stdout.decode()
        found = [json.loads(line) for line in out.splitlines()]
        if len(found) >= count:
            return found
        time.sleep(0.1)
    return found

ident = run("one", "echo out; echo err >&2", "--log-opt", "tag={{.Name}}-tag")
found = entries(ident, 2)
rows = {entry["MESSAGE"]: entry for entry in found}
ok("two entries", sorted(rows) == ["err", "out"], found)
for text, priority in (("out", "6"), ("err", "3")):
    entry = rows.get(text, {})
    want = {"CONTAINER_NAME": "one", "CONTAINER_ID": ident[:12], "CONTAINER_ID_FULL": ident, "CONTAINER_TAG": "one-tag",
            "PRIORITY": priority, "SYSLOG_IDENTIFIER": "one-tag"}
    ok(f"fields of {text}", all(entry.get(key) == value for key, value in want.items()), entry)
done = sh("skiff", "logs", "one")
ok("logs reads both streams", (done.stdout, done.stderr) == (b"out\n", b"err\n"), done)
ok("inspect", sh("skiff", "inspect", "--format", "{{.HostConfig.LogConfig.Type}}", "one").stdout == b"journald\n")

ident = run("long", "head -c 1500000 /dev/zero | tr '\\0' x; echo; printf 'a\\001\\377b\\n'; printf open")
entries(ident, 3)
time.sleep(0.5)
out = sh("skiff", "logs", "long").stdout
ok("a line of 1.5 MB, bytes that are no text, a line without end", out == b"x" * 1500000 + b"\na\x01\xffb\nopen", (len(out), out[-40:]))

run("many", "seq 20000")
time.sleep(1)
out = sh("skiff", "logs", "many").stdout
ok("20000 lines in order", out == b"".join(b"%d\n" % n for n in range(1, 20001)), len(out.splitlines()))
ok("--tail", sh("skiff", "logs", "--tail", "2", "many").stdout == b"19999\n20000\n")
ok("--since", sh("skiff", "logs", "--until", "2020-01-01T00:00:00", "many").stdout == b"")
ok("--tail and --since", sh("skiff", "logs", "--since", "1h", "--tail", "1", "many").stdout == b"20000\n")

sh("skiff", "run", "-d", "--name", "live", "--network", "none", "--log-driver", "journald", "bench", "sh", "-c",
   "for i in $(seq 5); do echo $i; sleep 0.3; done")
begin = time.time()
ok("follow", sh("skiff", "logs", "-f", "live").stdout == b"1\n2\n3\n4\n5\n")
ok("follow ends", time.time() - begin < 8, time.time() - begin)
begin = time.perf_counter()
for _ in range(20):
    sh("skiff", "logs", "one")
print(f"# logs through journalctl: {(time.perf_counter() - begin) / 20 * 1000:.1f} ms")
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)
'''


def main():
    """Boot, copy, check."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", default="/var/tmp")
    options = parser.parse_args()
    program = shutil.which("skiff") or sys.exit("no skiff in PATH")
    prefix = Path(program).resolve().parents[1]
    with tempfile.TemporaryDirectory(prefix="skiff-journald-", dir=options.work) as work:
        os.chmod(work, 0o755)
        with clean.Machine("bookworm", work, PACKAGES) as machine:
            for part in ("bin/skiff", "libexec/skiff"):
                copy = shutil.copytree if (prefix / part).is_dir() else shutil.copy
                (machine.root / "opt/skiff" / part).parent.mkdir(parents=True, exist_ok=True)
                copy(prefix / part, machine.root / "opt/skiff" / part)
            machine.run("useradd -m -s /bin/bash -G systemd-journal user && loginctl enable-linger user && sleep 1", show=False)
            (machine.root / "home/user/checks.py").write_text(CHECKS, encoding="utf-8")
            path = "export PATH=/opt/skiff/bin:$PATH XDG_RUNTIME_DIR=/run/user/$(id -u)\n"
            code, output = machine.run(f"{path}{SETUP}python3 checks.py; c=$?; skiff doctor || true; exit $c", user="user", show=False, timeout=300)
            print(output, end="")
            return code


if __name__ == "__main__":
    sys.exit(main())
