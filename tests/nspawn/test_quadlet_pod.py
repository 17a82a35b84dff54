# SPDX-License-Identifier: Apache-2.0
"""A .pod file and the .container files that name it, as units of a real systemd."""

import os
import signal
import socket
import urllib.request
from pathlib import Path

from tests.nspawn.test_quadlet import UnitTest
from tests.support.skiff import wait_for


def free_port():
    """A port that nobody has now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Pods(UnitTest):
    def remove_files(self):
        for path in self.written:
            if path.suffix == ".pod":
                self.systemctl("stop", f"{path.stem}-pod.service", check=False)
        super().remove_files()
        self.assertEqual(self.skiff("pod", "ps", "-q").lines, [])

    def two(self, pod_lines=""):
        """A pod with a server and a client."""
        port = free_port()
        self.put("web.pod", f"[Pod]\nPublishPort=127.0.0.1:{port}:80\nLabel=a=b\n{pod_lines}", reload=False)
        self.put("server.container", "[Container]\nImage=localhost/busybox\nPod=web.pod\nStopTimeout=1\n"
                 "Exec=sh -c 'hostname >/tmp/index.html; exec httpd -f -p 80 -h /tmp'\n", reload=False)
        self.put("side.container", "[Container]\nImage=localhost/busybox\nPod=web.pod\nStopTimeout=1\nExec=sleep 1000\n")
        return port

    def fetch(self, port):
        """What the server says through the published port."""
        def answer():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as reply:
                    return reply.read()
            except OSError:
                return None
        return wait_for(answer, 60, message=f"an answer on port {port}")

    def states(self):
        return [self.show(unit, "ActiveState") for unit in ("web-pod", "server", "side")]

    def test_a_pod_of_two_from_start_to_stop(self):
        port = self.two()
        self.systemctl("start", "web-pod")
        wait_for(lambda: self.states() == ["active"] * 3, 60, message="the pod's unit to start its members'")
        report = self.skiff("pod", "inspect", "systemd-web").json[0]
        self.assertEqual((report["State"], report["ExitPolicy"], report["NumContainers"], report["Labels"]),
                         ("Running", "stop", 3, {"a": "b"}))
        infra = self.inspect(report["InfraContainerID"])
        self.assertEqual(infra["Name"].lstrip("/"), "systemd-web-infra")
        # The unit is the infra container's monitor.
        self.assertEqual(self.show("web-pod", "MainPID"), str(infra["State"]["ConmonPid"]))
        self.assertEqual(self.show("server", "MainPID"), str(self.inspect("systemd-server")["State"]["ConmonPid"]))
        self.assertEqual(self.fetch(port), b"systemd-web\n")
        self.assertEqual(self.skiff("exec", "systemd-side", "wget", "-qO-", "http://127.0.0.1/").word, "systemd-web")
        self.systemctl("stop", "web-pod", timeout=60)
        self.assertEqual(self.states(), ["inactive"] * 3)
        self.assertEqual([self.show(unit, "Result") for unit in ("web-pod", "server", "side")], ["success"] * 3)
        self.assertEqual(self.names(), [])
        self.assertEqual(self.skiff("pod", "ps", "-q").lines, [])
        self.assertFalse((Path(os.environ["XDG_RUNTIME_DIR"]) / "web-pod.pid").exists())

    def test_a_member_brings_the_pod(self):
        port = self.two()
        self.systemctl("start", "server")
        self.assertEqual(self.show("web-pod", "ActiveState"), "active")
        self.assertEqual(self.fetch(port), b"systemd-web\n")

    def test_the_last_member_ends_the_pod(self):
        self.two()
        self.systemctl("start", "web-pod")
        wait_for(lambda: self.states() == ["active"] * 3, 60)
        self.systemctl("stop", "side")
        self.assertEqual(self.show("web-pod", "ActiveState"), "active")
        self.systemctl("stop", "server")
        wait_for(lambda: self.show("web-pod", "ActiveState") == "inactive", 60, message="the pod's unit to end")
        self.assertEqual(self.show("web-pod", "Result"), "success")
        wait_for(lambda: self.skiff("pod", "ps", "-q").lines == [], 60)

    def test_a_killed_infra_monitor_starts_all_anew(self):
        port = self.two("[Unit]\nStartLimitIntervalSec=0\n")
        self.systemctl("start", "web-pod")
        wait_for(lambda: self.states() == ["active"] * 3, 60)
        before = self.skiff("pod", "inspect", "systemd-web").json[0]["Id"]
        os.kill(int(self.show("web-pod", "MainPID")), signal.SIGKILL)

        def anew():
            """Another pod, whose members all run."""
            found = self.skiff("pod", "ps", "--no-trunc", "--format", "{{.ID}} {{.Status}} {{.NumberOfContainers}}").lines
            return len(found) == 1 and not found[0].startswith(before) and found[0].endswith(" Running 3")
        wait_for(anew, 60, message="Restart=on-failure to bring the pod back")
        wait_for(lambda: self.states() == ["active"] * 3, 60)
        self.assertEqual(self.fetch(port), b"systemd-web\n")
