# SPDX-License-Identifier: Apache-2.0
"""logs: rotation under a follower (F13), several containers, drivers."""

import os
import re
import subprocess
import time

from tests.support.skiff import SLOWNESS, SkiffTest, wait_for

# Numbered lines of 100 bytes, as many as fit into 50 MB.
LINES = 500_000
WRITER = f"""BEGIN {{ for (i = 0; i < {LINES}; i++) printf "%09d%s\\n", i, \
"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" }}"""


class Rotation(SkiffTest):
    images = ["busybox"]

    def check_numbers(self, data):
        """Every line is there, once, in order."""
        lines = data.split(b"\n")
        self.assertEqual(lines.pop(), b"")
        self.assertEqual(len(lines), LINES)
        for i, line in enumerate(lines):
            if not line.startswith(b"%09dxxx" % i) or len(line) != 99:
                self.fail(f"line {i}: {line!r}")

    def follow(self, *options):
        ident = self.skiff("run", "-d", "--name", "c", "--network", "none", *options, "busybox", "awk", WRITER).word
        out = self.base / "followed"
        with open(out, "wb") as target:
            follower = self.start("logs", "-f", "c", stdout=target)
            self.skiff("wait", "c", timeout=300)
            # What is left to be read when the container has ended is read; the follower ends by itself.
            self.assertEqual(follower.wait(120 * SLOWNESS), 0)
        directory = self.state_directories()["store/containers"] / ident
        logs = sorted(path for path in directory.iterdir() if re.fullmatch(r"log(\.\d+)?", path.name))
        data = out.read_bytes()
        out.unlink()
        return data, logs

    def test_follower_loses_nothing(self):
        """50 MB through files of 1 MB, whose number lets nothing be deleted meanwhile."""
        for driver in ("k8s-file", "json-file"):
            with self.subTest(driver=driver):
                data, logs = self.follow("--log-driver", driver, "--log-opt", "max-size=1m", "--log-opt", "max-file=200")
                self.check_numbers(data)
                self.assertGreater(len(logs), 50)
                self.assertLessEqual(max(path.stat().st_size for path in logs), 1 << 20)
                self.check_numbers(self.skiff("logs", "c", timeout=120).stdout_bytes)
                self.skiff("rm", "c")

    def test_bounded(self):
        """max-file counts all files, as docker's; what is kept is the end."""
        for files in (1, 2, 4):
            with self.subTest(files=files):
                self.skiff("run", "--name", "c", "--network", "none", "--log-opt", "max-size=10k", "--log-opt",
                           f"max-file={files}", "busybox", "seq", "20000")
                ident = self.skiff("inspect", "--format", "{{.Id}}", "c").word
                directory = self.state_directories()["store/containers"] / ident
                logs = [path for path in directory.iterdir() if re.fullmatch(r"log(\.\d+)?", path.name)]
                self.assertEqual(len(logs), files)
                self.assertLessEqual(sum(path.stat().st_size for path in logs), files * 10240)
                lines = self.skiff("logs", "c").lines
                self.assertEqual(lines, [str(n) for n in range(20001 - len(lines), 20001)])
                self.skiff("rm", "c")
        self.skiff_fails("create", "--log-opt", "max-file=0", "busybox", "true", says="invalid number of files: '0'")
        self.skiff_fails("create", "--log-opt", "compress=true", "busybox", "true", says="compress")

    def test_path(self):
        path = self.base / "my.log"
        self.skiff("run", "--name", "c", "--network", "none", "--log-opt", f"path={path}", "busybox", "echo", "hi")
        self.assertTrue(path.read_text().endswith(" stdout F hi\n"))
        self.assertEqual(self.skiff("logs", "c").stdout, "hi\n")
        self.assertEqual(self.skiff("inspect", "--format", "{{.HostConfig.LogConfig.Path}}", "c").word, str(path))


class OnePipe(SkiffTest):
    images = ["busybox"]

    def test_both_streams_keep_their_order(self):
        """What the log has in one order comes out in it where stdout and stderr are the same pipe."""
        script = "for i in 1 2 3 4 5; do echo out $i; sleep 0.02; echo err $i >&2; sleep 0.02; done"
        ident = self.skiff("run", "-d", "busybox", "sh", "-c", script).word
        self.skiff("wait", ident)
        log = (self.state_directories()["store/containers"] / ident / "log").read_text()
        written = [line.split(" ", 3)[3] for line in log.splitlines()]
        self.assertEqual(sorted(written), sorted(f"{stream} {i}" for stream in ("out", "err") for i in range(1, 6)))
        process = self.start("logs", ident, stderr=subprocess.STDOUT)
        self.assertEqual(process.communicate(timeout=30 * SLOWNESS)[0].decode().splitlines(), written)


class Several(SkiffTest):
    images = ["busybox"]

    def test_labels(self):
        ids = {}
        for name in ("one", "two"):
            self.skiff("run", "--name", name, "--network", "none", "busybox", "sh", "-c", f"echo {name}; echo e-{name} >&2")
            ids[name] = self.skiff("inspect", "--format", "{{.Id}}", name).word[:12]
        done = self.skiff("logs", "one", "two")
        self.assertEqual(done.lines, [f"{ids['one']} one", f"{ids['two']} two"])
        self.assertEqual(done.stderr.splitlines(), [f"{ids['one']} e-one", f"{ids['two']} e-two"])
        self.assertEqual(self.skiff("logs", "-n", "two", "one").lines, ["two two", "one one"])
        self.assertEqual(self.skiff("logs", "--names", "--color", "one", "two").lines,
                         ["\033[31mone\033[0m one", "\033[32mtwo\033[0m two"])
        self.assertEqual(self.skiff("logs", "--color", "one").lines, ["one"])
        self.assertRegex(self.skiff("logs", "-n", "-t", "--tail", "2", "one", "two").lines[0], r"^one \d{4}-\d\d-\d\dT\S+ one$")
        self.skiff_fails("logs", "one", "none", says='no container with name or ID "none" found')

    def test_follow(self):
        """All at once, each in order, and whole lines."""
        for name in ("one", "two", "three"):
            self.skiff("run", "-d", "--name", name, "--network", "none", "busybox", "sh", "-c",
                       f"for i in $(seq 200); do echo {name}-$i; done; sleep 1; echo {name}-end")
        done = self.skiff("logs", "-f", "-n", "one", "two", "three")
        for name in ("one", "two", "three"):
            mine = [line.split(" ")[1] for line in done.lines if line.startswith(name + " ")]
            self.assertEqual(mine, [f"{name}-{i}" for i in range(1, 201)] + [f"{name}-end"])
        self.assertEqual(len(done.lines), 603)

    def test_interrupted_follower_leaves_nothing(self):
        for name in ("one", "two"):
            self.skiff("run", "-d", "--name", name, "--network", "none", "busybox", "sleep", "1000")
        follower = self.start("logs", "-f", "one", "two")
        children = f"/proc/{follower.pid}/task/{follower.pid}/children"
        wait_for(lambda: len(open(children, encoding="ascii").read().split()) == 2)
        follower.kill()
        follower.wait()  # the leak oracle looks for the children

    def test_times(self):
        self.skiff("run", "--name", "c", "--network", "none", "busybox", "sh", "-c", "echo a; sleep 1.2; echo b")
        middle = time.time() - 0.7
        for form in (f"{middle:.6f}", "700ms", time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(middle)) + f"{middle % 1:.3f}"[1:]):
            self.assertEqual(self.skiff("logs", "--since", form, "c").lines[-1], "b", form)
        self.assertEqual(self.skiff("logs", "--until", f"{middle:.6f}", "c").lines, ["a"])
        self.assertEqual(self.skiff("logs", "--tail", "1", "c").lines, ["b"])
        self.assertEqual(self.skiff("logs", "--tail", "0", "c").lines, [])
        self.skiff_fails("logs", "--since", "yesterday", "c", says="yesterday")


class Drivers(SkiffTest):
    images = ["busybox"]

    def test_tags(self):
        self.skiff("create", "--name", "c", "--log-opt", "tag={{.ImageName}}/{{.Name}}", "busybox", "true")
        self.assertEqual(self.skiff("inspect", "--format", "{{.HostConfig.LogConfig.Tag}}", "c").word, "{{.ImageName}}/{{.Name}}")
        self.skiff_fails("create", "--log-opt", "tag={{.Foo}}", "busybox", "true", says="log tag: there is no field '.Foo'")

    def test_no_journald(self):
        self.need(not os.path.exists("/run/systemd/journal/socket"), "there is a journald")
        done = self.skiff_fails("run", "--log-driver", "journald", "--network", "none", "busybox", "true",
                                says="cannot connect to journald at '/run/systemd/journal/socket'")
        self.assertEqual(done.stdout, "")
        self.assertIn("journald", self.skiff("info", "--format", "{{.Plugins.Log}}").stdout)

    def test_without_a_log(self):
        self.skiff("run", "--name", "c", "--log-driver", "none", "--network", "none", "busybox", "echo", "hi")
        self.skiff_fails("logs", "c", says="this container is using the 'none' log driver, cannot read logs")
