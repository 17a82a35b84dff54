# SPDX-License-Identifier: Apache-2.0
"""--systemd, as far as it shows without a systemd: tests/nspawn and tests/vm boot a real one."""

import os
from pathlib import Path

from tests.support.skiff import SkiffTest

LOOK = ("sh", "-c", "echo uuid=$container_uuid; grep -E ' (/run|/run/lock|/tmp|/var/log/journal) tmpfs ' /proc/mounts | cut -d' ' -f2;"
        " grep ' /sys/fs/cgroup ' /proc/mounts | cut -d' ' -f4 | cut -d, -f1")
PLACES = ["/run", "/run/lock", "/tmp", "/var/log/journal"]


class Mode(SkiffTest):
    """What the container is given."""

    images = ["busybox"]

    def setUp(self):
        super().setUp()
        # Where uid 0 finds no cgroup of version 2, and others none of their own, there is a warning.
        self.owns = os.geteuid() == 0 and any(" cgroup2 " in line for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines())

    def look(self, *options):
        """The uuid, the tmpfs and how the cgroup is mounted."""
        lines = self.skiff("run", "--rm", "--network", "none", *options, "busybox", *LOOK).lines
        return lines[0].removeprefix("uuid="), sorted(lines[1:-1]), lines[-1]

    def test_only_if_it_is_asked_for(self):
        self.assertEqual(self.look(), ("", [], "ro"))
        self.assertEqual(self.look("--systemd=true"), ("", [], "ro"))
        self.assertEqual(self.look("--systemd=false"), ("", [], "ro"))
        self.skiff_fails("run", "--systemd=yes", "busybox", says='invalid config provided: --systemd values must be one of "true, false, always": invalid configuration')

    def test_always(self):
        if not self.owns:
            self.skiff_fails("run", "--rm", "--network", "none", "--systemd=always", "busybox", "true",
                             says="systemd in a container needs a cgroup of its own: ")
            return
        uuid, places, cgroup = self.look("--systemd=always")
        self.assertRegex(uuid, "^[0-9a-f]{32}$")
        self.assertEqual((places, cgroup), (PLACES, "rw"))
        self.assertEqual(self.look("--systemd=always", "-v", "/run", "--tmpfs", "/tmp:size=1m")[1], PLACES[1:])
        self.skiff_fails("run", "--rm", "--network", "none", "--systemd=always", "--cgroupns=host", "busybox", "true",
                         says="systemd in a container needs a cgroup of its own: --cgroupns")

    def test_by_the_commands_name(self):
        done = self.skiff("create", "--name", "auto", "--entrypoint", "/sbin/init", "busybox")
        config = self.skiff("inspect", done.word).json[0]["Config"]
        self.assertEqual((config["SystemdMode"], config["StopSignal"]), (True, "SIGRTMIN+3"))
        done = self.skiff("create", "--name", "other", "--entrypoint", "/sbin/init", "--stop-signal", "QUIT", "busybox")
        self.assertEqual(self.skiff("inspect", done.word).json[0]["Config"]["StopSignal"], "SIGQUIT")
        done = self.skiff("create", "--name", "off", "--systemd", "false", "--entrypoint", "/sbin/init", "busybox")
        config = self.skiff("inspect", done.word).json[0]["Config"]
        self.assertEqual((config.get("SystemdMode"), config["StopSignal"]), (None, "SIGTERM"))
        self.skiff("rm", "auto", "other", "off")

    def test_another_init_runs_without_a_cgroup(self):
        """A busybox of that name is no systemd: a warning at most, and nothing of others to write to."""
        done = self.skiff("run", "--rm", "--network", "none", "--entrypoint", "/usr/sbin/init", "--mount",
                          f"type=bind,src={self.shell_script()},dst=/usr/sbin/init,ro", "busybox")
        self.assertEqual(done.stdout, "up\n%s\n" % ("rw" if self.owns else "ro"))
        self.assertEqual("it will not start without a cgroup of its own" in done.stderr, not self.owns)

    def test_another_init_in_the_namespace_of_others(self):
        """The image chooses that name, too: what belongs to others is not its to write to."""
        for namespace in ("host", "container:neighbour"):
            with self.subTest(namespace):
                self.skiff("run", "-d", "--replace", "--name", "neighbour", "--network", "none", "--stop-signal", "KILL", "busybox", "sleep", "1000")
                done = self.skiff("run", "--rm", "--network", "none", "--cgroupns", namespace, "--entrypoint", "/usr/sbin/init", "--mount",
                                  f"type=bind,src={self.shell_script()},dst=/usr/sbin/init,ro", "busybox")
                self.assertEqual(done.stdout, "up\nro\n")

    def shell_script(self):
        """A file that says it is up."""
        path = self.tmp / "init"
        path.write_text("#!/bin/sh\necho up\ngrep ' /sys/fs/cgroup ' /proc/mounts | cut -d' ' -f4 | cut -d, -f1\n", encoding="ascii")
        path.chmod(0o755)
        self.tmp.chmod(0o755)
        return path
