# SPDX-License-Identifier: Apache-2.0
"""The log driver journald against a real journald."""

import json
import time

from tests.support.guest_test import GuestTest
from tests.support.skiff import wait_for


class Journald(GuestTest):
    """What a container writes is in the user's journal, and `skiff logs` reads it there."""

    def run_logged(self, name, script, *options):
        """A container that has ended; returns its id."""
        self.skiff("run", "--name", name, "--network", "none", "--log-driver", "journald", *options, "busybox", "sh", "-c", script)
        return self.skiff("inspect", "--format", "{{.Id}}", name).word

    def entries(self, ident):
        """What the journal has of a container."""
        out = self.shell("journalctl", "-q", "-o", "json", "--all", f"CONTAINER_ID_FULL={ident}").stdout
        return [json.loads(line) for line in out.splitlines()]

    def logs(self, *argv):
        """The stdout of `skiff logs`."""
        return self.skiff("logs", *argv).stdout

    def test_fields(self):
        """podman's, with the stream as priority."""
        ident = self.run_logged("one", "echo out; echo err >&2", "--log-opt", "tag={{.Name}}-tag", "--log-opt", "label=IMAGE_OF={{.ImageName}}",
                                "--log-opt", "label=APP=shop")
        wait_for(lambda: len(self.entries(ident)) >= 2)
        rows = {entry["MESSAGE"]: entry for entry in self.entries(ident)}
        self.assertEqual(sorted(rows), ["err", "out"])
        for text, priority in (("out", "6"), ("err", "3")):
            want = {"CONTAINER_NAME": "one", "CONTAINER_ID": ident[:12], "CONTAINER_ID_FULL": ident, "CONTAINER_TAG": "one-tag",
                    "PRIORITY": priority, "IMAGE_OF": "localhost/busybox:latest", "APP": "shop", "SYSLOG_IDENTIFIER": "one-tag"}
            self.assertEqual({key: rows[text].get(key) for key in want}, want)
        done = self.skiff("logs", "one")
        self.assertEqual((done.stdout, done.stderr), ("out\n", "err\n"))
        self.assertEqual(self.skiff("inspect", "--format", "{{.HostConfig.LogConfig.Type}}", "one").word, "journald")

    def test_lines(self):
        """A line of 1.5 MB, bytes that are no text, a line without end."""
        ident = self.run_logged("long", "head -c 1500000 /dev/zero | tr '\\0' x; echo; printf 'a\\001\\377b\\n'; printf open")
        wait_for(lambda: any(entry["MESSAGE"] == "open" for entry in self.entries(ident)))
        out = self.skiff("logs", "long").stdout_bytes
        self.assertTrue(out == b"x" * 1500000 + b"\na\x01\xffb\nopen", (len(out), out[-40:]))

    def test_many_lines(self):
        """In order, and --tail, --since and --until."""
        self.run_logged("many", "seq 20000")
        wait_for(lambda: self.logs("--tail", "1", "many") == "20000\n")
        self.assertTrue(self.logs("many") == "".join(f"{n}\n" for n in range(1, 20001)))
        self.assertEqual(self.logs("--tail", "2", "many"), "19999\n20000\n")
        self.assertEqual(self.logs("--until", "2020-01-01T00:00:00", "many"), "")
        self.assertEqual(self.logs("--since", "1h", "--tail", "1", "many"), "20000\n")

    def test_follow(self):
        """To the end of the container, and no longer."""
        self.skiff("run", "-d", "--name", "live", "--network", "none", "--log-driver", "journald", "busybox", "sh", "-c",
                   "for i in $(seq 5); do echo $i; sleep 0.3; done")
        begin = time.monotonic()
        self.assertEqual(self.logs("-f", "live"), "1\n2\n3\n4\n5\n")
        self.assertLess(time.monotonic() - begin, 8)
