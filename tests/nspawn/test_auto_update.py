# SPDX-License-Identifier: Apache-2.0
"""auto-update: quadlet services, a registry on this machine, new images that start and some that do not."""

import json
import tarfile
from pathlib import Path

from tests.nspawn.test_quadlet import UnitTest
from tests.support.fault_registry import OCI_CONFIG, FaultRegistry, Image, digest
from tests.support.guest_test import BUSYBOX
from tests.support.skiff import wait_for

RUNS = ["sh", "-c", "trap exit TERM; echo $VERSION; sleep 1000 & wait"]
FAILS = ["sh", "-c", "echo broken; exit 7"]
READY = ["/skiff/service_probe", "text=READY=1", "sleep"]
NEVER_READY = ["/skiff/service_probe", "sleep"]


class Busybox(Image):
    """busybox in the registry, with a command and a version of its own."""

    def __init__(self, version, command, tag="latest"):
        super().__init__(sizes=(), name="test/app", tag=tag)
        with tarfile.open(BUSYBOX) as archive:
            def blob(name):
                return archive.extractfile("blobs/" + name.replace(":", "/")).read()
            index = json.loads(archive.extractfile("index.json").read())
            manifest = json.loads(blob(index["manifests"][0]["digest"]))
            config = json.loads(blob(manifest["config"]["digest"]))
            self.layers = [blob(layer["digest"]) for layer in manifest["layers"]]
        config["config"] |= {"Cmd": command, "Env": [*config["config"].get("Env", []), f"VERSION={version}"]}
        self.config = json.dumps(config).encode()
        self.manifest = self.make_manifest(config={"mediaType": OCI_CONFIG, "digest": digest(self.config), "size": len(self.config)})


class AutoUpdate(UnitTest):
    """From the label to the restarted unit."""

    def setUp(self):
        super().setUp()
        self.registry = FaultRegistry([Busybox("one", RUNS)])
        self.registry.__enter__()
        self.addCleanup(self.end_registry)
        self.name = f"{self.registry.host}/test/app:latest"
        self.addCleanup(self.skiff, "image", "prune", "--force")
        self.addCleanup(self.skiff, "rmi", self.name, check=False)
        self.addCleanup(self.remove_files)  # first: the services use it

    def end_registry(self):
        """Nobody listens any more."""
        if self.registry:
            self.registry.__exit__(None, None, None)
        self.registry = None

    def publish(self, version, command):
        """What the tag means from now on."""
        self.registry.images = [Busybox(version, command)]

    def serve(self, more="", policy="registry"):
        """A service of that image."""
        self.skiff("pull", "-q", "--tls-verify=false", self.name)
        self.put("app.container", f"[Container]\nImage={self.name}\nNetwork=none\nAutoUpdate={policy}\nStopTimeout=1\n"
                 f"Volume=/skiff:/skiff:ro\n{more}")
        self.systemctl("start", "app")

    def update(self, *options, code=0):
        """Run it; {container: updated}."""
        done = self.skiff("auto-update", "--tls-verify=false", "--format", "{{.ContainerName}} {{.Unit}} {{.Policy}} {{.Updated}}", *options,
                          code=code)
        return [line.split(maxsplit=3) for line in done.lines], done.stderr

    def said(self):
        """The version that runs."""
        return wait_for(lambda: self.skiff("logs", "systemd-app").stdout.strip())

    def test_a_new_image_restarts_the_unit(self):
        self.serve()
        self.assertEqual(self.said(), "one")
        before = self.show("app", "InvocationID")
        self.assertEqual(self.update()[0], [["systemd-app", "app.service", "registry", "false"]])
        heads = [request for request in self.registry.requests if request.is_manifest][-1]
        self.assertEqual(heads.method, "HEAD")  # nothing else was asked for
        self.publish("two", RUNS)
        self.assertEqual(self.update("--dry-run")[0], [["systemd-app", "app.service", "registry", "pending"]])
        self.assertEqual((self.show("app", "InvocationID"), self.said()), (before, "one"))
        self.assertEqual(self.update()[0], [["systemd-app", "app.service", "registry", "true"]])
        self.assertEqual(self.said(), "two")
        self.assertNotEqual(self.show("app", "InvocationID"), before)
        self.assertEqual(self.update()[0], [["systemd-app", "app.service", "registry", "false"]])
        rows = self.skiff("auto-update", "--tls-verify=false", "--format", "json").json
        ident = self.inspect("systemd-app")["Id"]
        self.assertEqual(rows, [{"Container": f"{ident[:12]} (systemd-app)", "ContainerID": ident, "ContainerName": "systemd-app",
                                 "Image": self.name, "Policy": "registry", "Unit": "app.service", "Updated": "false"}])

    def test_a_start_that_fails_rolls_back(self):
        """The container counts as started when it says so; the new one never does."""
        self.publish("one", READY)
        self.serve("Notify=yes\n[Service]\nTimeoutStartSec=5\n")
        image = self.inspect("systemd-app")["Image"]
        for version, command in (("two", FAILS), ("three", NEVER_READY)):
            self.publish(version, command)
            self.assertEqual(self.update()[0], [["systemd-app", "app.service", "registry", "rolled back"]], version)
            self.assertEqual(self.show("app", "ActiveState"), "active")
            self.assertEqual(self.inspect("systemd-app")["Image"], image)
            self.assertEqual(self.skiff("image", "inspect", "--format", "{{.Id}}", self.name).word, image)

    def test_without_rollback_it_stays_broken(self):
        self.publish("one", READY)
        self.serve("Notify=yes\n[Service]\nTimeoutStartSec=5\n")
        self.publish("two", FAILS)
        rows, said = self.update("--rollback=false", code=125)
        self.assertEqual(rows, [["systemd-app", "app.service", "registry", "failed"]])
        self.assertIn("restarting unit app.service during update: ", said)
        self.assertNotEqual(self.show("app", "ActiveState"), "active")

    def test_local(self):
        """Whoever built or pulled it: what the name means here counts."""
        self.serve(policy="local")
        self.assertEqual(self.update()[0], [["systemd-app", "app.service", "local", "false"]])
        self.publish("two", RUNS)
        self.skiff("pull", "-q", "--tls-verify=false", self.name)
        asked = len(self.registry.requests)
        self.assertEqual(self.update()[0], [["systemd-app", "app.service", "local", "true"]])
        self.assertEqual(len(self.registry.requests), asked)
        self.assertEqual(self.said(), "two")

    def test_what_is_wrong_is_said_and_the_others_go_on(self):
        self.serve()
        labels = {"short": ("busybox", "registry", "x.service"), "odd": ("busybox", "weekly", "x.service"), "bare": ("busybox", "local", ""),
                  "all": ("busybox", "local", "*"), "strange": ("localhost/strange", "local", "")}
        for name, (image, policy, unit) in labels.items():
            if name == "strange":
                self.skiff("commit", "--change", "LABEL PODMAN_SYSTEMD_UNIT=app.service", "bare", image)
            self.skiff("run", "-d", "--name", name, "--network", "none", "--label", f"io.containers.autoupdate={policy}",
                       *(["--label", f"PODMAN_SYSTEMD_UNIT={unit}"] if unit else []), "--stop-timeout", "0", image, "sleep", "1000")
        self.publish("two", RUNS)
        rows, said = self.update(code=125)
        self.assertEqual(rows, [["systemd-app", "app.service", "registry", "true"]])
        self.assertIn('auto updates require fully-qualified image reference: "busybox"', said)
        self.assertIn('invalid auto-update policy "weekly"', said)
        self.assertEqual(said.count("no PODMAN_SYSTEMD_UNIT label found"), 2)
        self.assertIn('"*" is no unit\'s name', said)
        self.skiff("rm", "-f", *labels)

    def test_a_registry_that_is_away(self):
        self.serve()
        self.end_registry()
        rows, said = self.update(code=125)
        self.assertEqual(rows, [["systemd-app", "app.service", "registry", "failed"]])
        self.assertIn("checking image updates for container ", said)
        self.assertEqual(self.show("app", "ActiveState"), "active")

    def test_the_timer(self):
        """The units as they are installed."""
        for name in ("skiff-auto-update.service", "skiff-auto-update.timer"):
            text = Path("/skiff/prefix/lib/systemd/user", name).read_text(encoding="utf-8")
            if "ExecStart=" in text:  # the bed is not where it was built for
                text = text.replace(text.partition("ExecStart=")[2].split()[0], "/skiff/prefix/bin/skiff")
            path = self.units / name
            path.write_text(text, encoding="utf-8")
            self.addCleanup(path.unlink)
        self.systemctl("daemon-reload")
        self.systemctl("start", "skiff-auto-update.service")
        self.assertEqual(self.show("skiff-auto-update.service", "Result"), "success")
        self.systemctl("start", "skiff-auto-update.timer")
        self.assertEqual(self.show("skiff-auto-update.timer", "ActiveState"), "active")
        self.systemctl("stop", "skiff-auto-update.timer")


del UnitTest
