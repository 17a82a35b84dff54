# SPDX-License-Identifier: Apache-2.0
"""A stack of a compose file as services of a real systemd."""

from pathlib import Path

from tests.nspawn.test_quadlet import UnitTest
from tests.support.skiff import wait_for

STACK = """
name: app
services:
  db:
    image: localhost/busybox
    command: [sh, -c, "sleep 1; touch /tmp/ok; exec sleep 1000"]
    healthcheck: {test: test -e /tmp/ok, interval: 500ms, retries: 100}
    volumes: ["data:/data"]
    stop_grace_period: 1s
    networks: [back]
  init:
    image: localhost/busybox
    command: [sh, -c, "echo made >/data/file"]
    volumes: ["data:/data"]
    network_mode: none
  web:
    image: localhost/busybox
    command: [sh, -c, 'cat /data/file /run/secrets/token; echo "$$GREETING $$RATE"; hostname; exec sleep 1000']
    depends_on:
      db: {condition: service_healthy}
      init: {condition: service_completed_successfully}
    environment: {GREETING: "hello $$HOME", RATE: 50%}
    volumes: ["data:/data:ro"]
    secrets: [token]
    networks: [back]
    hostname: inside
    restart: always
    stop_grace_period: 1s
networks: {back: {internal: true}}
volumes: {data: }
secrets: {token: {file: ./token}}
"""


class Stack(UnitTest):
    """compose systemd."""

    def export(self):
        """Write the project, have it written as units, and reload."""
        project = self.tmp / "app"
        project.mkdir(exist_ok=True)
        (project / "compose.yaml").write_text(STACK, encoding="utf-8")
        (project / "token").write_text("secret words\n", encoding="utf-8")
        done = self.skiff("compose", "--project-directory", project, "-f", project / "compose.yaml", "systemd", "-o", self.files)
        self.written += [Path(line) for line in done.lines]
        self.assertEqual(done.stderr, "")
        self.skiff("quadlet", "lint", "--strict", *(path for path in self.written if path.suffix != ".env"))
        self.systemctl("daemon-reload")

    def test_a_stack_from_start_to_stop(self):
        self.export()
        self.systemctl("start", "app-web")
        self.assertEqual(self.inspect("app-db-1")["State"]["Health"]["Status"], "healthy")
        self.assertEqual((self.show("app-init", "Result"), self.show("app-init", "ActiveState")), ("success", "active"))
        wait_for(lambda: self.skiff("logs", "app-web-1").lines == ["made", "secret words", "hello $HOME 50%", "inside"])
        self.assertEqual(list(self.inspect("app-web-1")["NetworkSettings"]["Networks"]), ["app_back"])
        self.skiff("exec", "app-web-1", "nslookup", "db.dns.podman")
        self.assertIn("app-web.service", self.systemctl("list-dependencies", "--plain", "default.target").stdout)
        # What restarts is the container's end, not the stop of its unit.
        first = self.inspect("app-web-1")["Id"]
        self.skiff("kill", "app-web-1")
        wait_for(lambda: any(line.startswith("app-web-1 ") and first not in line
                             for line in self.skiff("ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}").lines))
        self.systemctl("stop", "app-db")
        self.assertEqual(self.show("app-web", "ActiveState"), "inactive")
        self.assertEqual(self.names(), [])
        self.assertIn("app_data", self.skiff("volume", "ls", "-q").lines)
        self.systemctl("stop", "app-init", "app-data-volume", "app-back-network")
        self.skiff("volume", "rm", "app_data")
        self.skiff("network", "rm", "app_back", check=False)

    def test_a_job_that_fails_keeps_its_dependents_down(self):
        self.export()
        path = self.files / "app-init.container"
        path.write_text(path.read_text(encoding="utf-8").replace("echo made >/data/file", "exit 7"), encoding="utf-8")
        self.systemctl("daemon-reload")
        self.assertNotEqual(self.systemctl("start", "app-web", check=False).returncode, 0)
        self.assertEqual(self.show("app-init", "ExecMainStatus"), "7")
        self.assertEqual(self.show("app-web", "ActiveState"), "inactive")
        wait_for(lambda: self.show("app-db", "ActiveState") == "active")
        self.systemctl("stop", "app-db", "app-data-volume", "app-back-network")
        self.skiff("volume", "rm", "app_data")
        self.skiff("network", "rm", "app_back", check=False)
