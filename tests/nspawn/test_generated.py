# SPDX-License-Identifier: Apache-2.0
"""Units written from containers, as systemd runs them."""

from tests.nspawn.test_quadlet import UnitTest
from tests.support.skiff import wait_for
from tests.system.test_generate import STRINGS

LONG = 60
SHOWS = ("sh", "-c", 'for word; do printf "%s|" "$word" | sed "s/^/>/"; done; echo end; trap exit TERM; sleep 1000 & wait', "sh")


class Generated(UnitTest):
    """The same words reach the container."""

    def wanted(self):
        """What a container of ours prints: a container that was made by hand."""
        self.skiff("run", "-d", "--name", "model", "--network", "none", "--stop-timeout", "1", "-e", f"V={STRINGS[1]}", "busybox", *SHOWS, *STRINGS)
        wait_for(lambda: "end\n" in self.skiff("logs", "model").stdout, LONG)
        return self.skiff("logs", "model").stdout_bytes

    def put_service(self, *options):
        """A service of generate systemd, where systemd finds it."""
        path = self.units / "container-model.service"
        path.write_text(self.skiff("generate", "systemd", "--name", *options, "model").stdout, encoding="utf-8")
        self.addCleanup(self.systemctl, "daemon-reload")
        self.addCleanup(path.unlink)
        self.addCleanup(self.systemctl, "stop", "container-model", check=False)
        self.systemctl("daemon-reload")

    def test_a_quadlet_file(self):
        wanted = self.wanted()
        text = self.skiff("quadlet", "generate", "model").stdout
        self.skiff("rm", "-f", "model")
        self.put("model.container", text)
        self.systemctl("start", "model", timeout=LONG)
        wait_for(lambda: self.skiff("logs", "model").stdout_bytes == wanted, LONG)
        self.assertIn(f"V={STRINGS[1]}", self.inspect("model")["Config"]["Env"])
        self.systemctl("stop", "model", timeout=LONG)
        self.assertEqual(self.names(), [])

    def test_a_service_that_makes_it(self):
        wanted = self.wanted()
        self.put_service("--new", "--stop-timeout", "1")
        self.systemctl("start", "container-model", timeout=LONG)  # in place of the one by hand
        wait_for(lambda: self.skiff("logs", "model").stdout_bytes == wanted, LONG)
        self.assertEqual(self.show("container-model", "MainPID"), str(self.inspect("model")["State"]["ConmonPid"]))
        self.assertEqual(self.inspect("model")["Config"]["Labels"]["PODMAN_SYSTEMD_UNIT"], "container-model.service")
        self.systemctl("stop", "container-model", timeout=LONG)
        self.assertEqual(self.show("container-model", "Result"), "success")
        self.assertEqual(self.names(), [])

    def test_a_service_of_the_container_that_is_there(self):
        """It is started and stopped, and its exit code is the service's."""
        self.skiff("create", "--name", "model", "--network", "none", "--stop-timeout", "1", "busybox", "sh", "-c",
                   "trap exit TERM; while ! test -e /tmp/end; do sleep 0.1; done; rm /tmp/end; exit 5")
        self.put_service("--restart-policy", "no")
        self.systemctl("start", "container-model", timeout=LONG)
        wait_for(lambda: self.inspect("model")["State"]["Pid"] > 0, LONG)  # "running" is said of one that starts, too
        self.systemctl("stop", "container-model", timeout=LONG)
        self.assertEqual(self.inspect("model")["State"]["Status"], "exited")
        self.systemctl("start", "container-model", timeout=LONG)
        wait_for(lambda: self.inspect("model")["State"]["Pid"] > 0, LONG)  # "running" is said of one that starts, too
        self.skiff("exec", "model", "touch", "/tmp/end")
        wait_for(lambda: self.show("container-model", "ActiveState") == "failed", LONG)
        self.assertEqual(self.show("container-model", "ExecMainStatus"), "5")


del UnitTest
