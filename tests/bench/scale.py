# SPDX-License-Identifier: Apache-2.0
"""The rows of bench.py --scale: many containers and images, large copies, long lives. They take minutes."""

import os
import pathlib
import statistics
import time

EVENTS = 100000
TREE_BYTES = 1 << 30

BUDGETS = {
    "ps-1000": "30 ms",
    "ps-1200": "100 ms",
    "running-start": "p99 of the last 100 within 1.2x the first 100's",
    "running-rm": "60,000 ms",
    "running-memory": "512 KiB",
    "ps-10000": "300 ms",
    "crashing": "10 % of a core after the second minute",
    "commit": "1.1x cp -a",
    "cp-in": "beside tar | tar",
    "cp-out": "beside tar | tar",
    "churn-ps": "flat within 5 %",
}

# Start or create so many, and print what each took in ms.
MANY = """import os, sys, time
first, last, argv = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
null = os.open("/dev/null", os.O_RDWR)
acts = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
for number in range(first, last):
    words = [word.replace("@", str(number)) for word in argv]
    begin = time.perf_counter()
    pid = os.posix_spawnp(words[0], words, os.environ, file_actions=acts)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        sys.exit(f"{words}: exit code {code}")
    print((time.perf_counter() - begin) * 1000)
"""


class ScaleRows:
    """Mixed into Bench."""

    def many(self, first, last, command):
        """Milliseconds of each of those commands, one after the other; "@" in a word is its number."""
        out = self.command(["python3", "-c", MANY, str(first), str(last), *command], timeout=7200)
        return [float(line) for line in out.split()]

    def remove_all(self, row, title):
        """The time of rm -fa."""
        self.report(row, title, {"skiff": self.time_batch(["skiff", "rm", "-fa", "-t", "0"], 1)})

    def scale_listing(self):
        """1,000 stopped and 200 running containers."""
        self.many(0, 1000, ["skiff", "create", "--name", "stopped@", "--network", "none", "bench", "true"])
        self.compare("ps-1000", "ps -a of 1,000", [("skiff", ["skiff", "ps", "-a"])])
        self.many(0, 200, ["skiff", "run", "-d", "--name", "running@", "--network", "none", "bench", "sleep", "10000"])
        for title, args in (("ps", ["ps"]), ("ps -a", ["ps", "-a"]), ("inspect of one", ["inspect", "running77"]),
                            ("ps --filter name", ["ps", "-a", "--filter", "name=stopped77"])):
            self.compare("ps-1200", f"{title}, with 1,000 stopped and 200 running", [("skiff", ["skiff", *args])])
        self.remove_all("listing-rm", "rm -fa of those 1,200")

    def scale_running(self):
        """F11: 1,000 running."""
        times = self.many(0, 1000, ["skiff", "run", "-d", "--name", "many@", "--network", "none", "bench", "sleep", "10000"])
        self.report("running-start", "run -d of 1,000 (network none)", {"the first 100": times[:100], "the last 100": times[-100:]})
        for name, part in (("first", times[:100]), ("last", times[-100:])):
            print(f"  p99 of the {name} 100: {statistics.quantiles(part, n=100)[98]:.2f} ms")
        self.compare("ps-1200", "ps of 1,000 running", [("skiff", ["skiff", "ps"])])
        self.compare("exec", "exec in one of 1,000", [("skiff", ["skiff", "exec", "many500", "true"])])
        self.report("running-memory", "PSS of those monitors", {"skiff-monitor": self.pss("skiff-monitor")}, "KiB")
        self.remove_all("running-rm", "rm -fa of 1,000 running")

    def scale_shared(self):
        """F11: 300 on the network of one of them, 300 on the host's."""
        self.command(["skiff", "run", "-d", "--name", "base", "bench", "sleep", "10000"])
        for kind in ("container:base", "host"):
            times = self.many(0, 300, ["skiff", "run", "-d", "--network", kind, "bench", "sleep", "10000"])
            self.report("running-start", f"run -d of 300 (network {kind})", {"the first 100": times[:100], "the last 100": times[-100:]})
        self.remove_all("shared-rm", "rm -fa of those 601")

    def scale_stopped(self):
        """F11: 10,000 stopped."""
        times = self.many(0, 10000, ["skiff", "create", "--name", "stopped@", "--network", "none", "bench", "true"])
        self.report("create", "create of 10,000", {"the first 1,000": times[:1000], "the last 1,000": times[-1000:]})
        self.compare("ps-10000", "ps -a of 10,000", [("skiff", ["skiff", "ps", "-a"])], burst=2)
        self.remove_all("stopped-rm", "rm -fa of 10,000 stopped")

    def cpu_seconds(self):
        """What the monitors of the measured user and the children they have reaped have used so far."""
        ticks = 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                name, _, rest = stat.read_text(encoding="utf-8").partition("(")[2].rpartition(")")
                if stat.stat().st_uid == self.uid() and name == "skiff-monitor":
                    ticks += sum(map(int, rest.split()[11:15]))
            except OSError:  # it has ended
                continue
        return ticks / os.sysconf("SC_CLK_TCK")

    def scale_crashing(self):
        """200 containers whose program ends at once, by then at the longest back-off."""
        self.many(0, 200, ["skiff", "run", "-d", "--name", "crash@", "--restart", "always", "--network", "none", "bench", "busybox", "false"])
        print(f"  load averages: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
        samples, before = [], self.cpu_seconds()
        for _ in range(4):
            time.sleep(60)
            now = self.cpu_seconds()
            samples.append((now - before) / 60 * 100)
            before = now
        restarts = self.command(["sh", "-c", "skiff inspect --format '{{.RestartCount}}' crash0 crash199"]).split()
        print(f"  restarts of the first and the last by then: {' '.join(restarts)}; load averages: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
        for number, sample in enumerate(samples):
            self.report("crashing", f"200 crashing containers, minute {number + 1}", {"monitors and their children": [sample]}, "% of a core")
        self.remove_all("crashing-rm", "rm -fa of those 200")

    def scale_images(self):
        """500 images, each with a config of its own."""
        times = self.many(0, 500, ["skiff", "import", "-q", "-c", "LABEL number=@", f"{self.home}/rootfs.tar", "many:v@"])
        self.report("import", "import of 500 images", {"the first 100": times[:100], "the last 100": times[-100:]})
        self.compare("images", "images, of 500", [("skiff", ["skiff", "images"])])
        self.compare("image-inspect", "image inspect of one of 500", [("skiff", ["skiff", "image", "inspect", "many:v77"])])
        self.command(["sh", "-c", "skiff images -q many | sort -u | xargs skiff rmi -f >/dev/null"], timeout=600)

    def scale_events(self):
        """A replay of 100,000."""
        self.command(["skiff", "create", "--name", "noted", "--network", "none", "bench", "true"])
        path = pathlib.Path(self.env["XDG_RUNTIME_DIR"]) / "skiff/events"
        line = path.read_bytes().splitlines(keepends=True)[-1]
        with open(path, "ab") as file:
            file.write(line * EVENTS)
        self.compare("events", f"events --stream=false of {EVENTS:,}", [("skiff", ["skiff", "events", "--stream=false"])], burst=1)
        self.compare("events", f"events --stream=false --filter, of {EVENTS:,}",
                     [("skiff", ["skiff", "events", "--stream=false", "--filter", "container=nobody"])], burst=1)
        self.command(["skiff", "rm", "noted"])

    def scale_copy(self):
        """cp and commit of a tree of 1 GiB in 8,192 files."""
        tree, out = os.path.join(self.home, "tree"), os.path.join(self.home, "out")
        self.command(["python3", "-c", "import os, sys\nfor n in range(8192):\n  d = f'{sys.argv[1]}/{n // 256}'\n  os.makedirs(d, exist_ok=True)\n"
                      f"  open(f'{{d}}/{{n}}', 'wb').write(os.urandom({TREE_BYTES // 8192}))\n", tree])
        self.command(["skiff", "run", "-d", "--name", "copy", "--network", "none", "bench", "sleep", "10000"])
        upper = self.command(["skiff", "inspect", "--format", "{{.GraphDriver.Data.UpperDir}}", "copy"]).strip()
        samples = {row: {} for row in ("cp-in", "cp-out", "commit")}

        def once(row, name, script, undo):
            os.sync()
            time.sleep(2)  # for the device, which is told what the last undo freed
            samples[row].setdefault(name, []).extend(self.time_batch(["sh", "-ec", script], 1))
            self.command(["sh", "-c", undo])
        for _ in range(3):
            once("cp-in", "skiff cp", f"skiff cp {tree} copy:/in", "skiff exec copy busybox rm -rf /in")
            once("cp-in", "tar | tar", f"mkdir {out}; tar -C {tree} -c . | tar -C {out} -x", f"rm -rf {out}")
        self.command(["skiff", "cp", tree, "copy:/tree"])
        for _ in range(3):
            once("cp-out", "skiff cp", f"skiff cp copy:/tree {out}", f"rm -rf {out}")
            once("cp-out", "tar | tar", f"mkdir {out}; tar -C {tree} -c . | tar -C {out} -x", f"rm -rf {out}")
            once("commit", "skiff commit", "skiff commit -q copy committed", "skiff rmi -f committed")
            once("commit", "cp -a", f"skiff unshare cp -a {upper} {out}; sync -f {out}", f"skiff unshare rm -rf {out}")
        for row, title in (("cp-in", "cp of 1 GiB into a container"), ("cp-out", "cp of 1 GiB out of one"),
                           ("commit", "commit of 1 GiB")):
            self.report(row, title, samples[row])
        self.command(["skiff", "rm", "-f", "-t", "0", "copy"])
        self.command(["rm", "-rf", tree])

    def scale_churn(self):
        """F12: lives one after the other; the store, the runtime directory and ps stay as they were."""
        def state(name):
            self.compare("churn-ps", f"ps -a {name}", [("skiff", ["skiff", "ps", "-a"])])
            runtime = os.path.join(self.env["XDG_RUNTIME_DIR"], "skiff")
            # The log of events has its own bound.
            return self.command(["sh", "-c", f"find {self.home}/.local/share/skiff {runtime} ! -name 'events*' | wc -l"]).strip()
        self.many(0, 20, ["skiff", "run", "--rm", "--network", "none", "bench", "true"])
        before = state("before")
        times = self.many(0, self.options.churn, ["skiff", "run", "--rm", "--name", "life", "--network", "none", "bench", "true"])
        after = state(f"after {self.options.churn:,} lives")
        self.report("churn", f"run --rm, {self.options.churn:,} times",
                    {"the first 1,000": times[:1000], "the last 1,000": times[-1000:]})
        print(f"  files in the store and the runtime directory: {before} before, {after} after")
