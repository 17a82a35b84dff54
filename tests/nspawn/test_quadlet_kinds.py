# SPDX-License-Identifier: Apache-2.0
"""Quadlet files of every kind as units of a real systemd: images, builds, volumes and networks with options, and what cannot be had yet."""

import json

from tests.nspawn.test_quadlet import BASE, UnitTest
from tests.support.skiff import wait_for

ARCHIVE = "oci-archive:/skiff/busybox.tar"


class Kinds(UnitTest):
    """What a container's unit brings along."""

    def remove_files(self):
        """The services that made something have not ended."""
        for path in self.written:
            if path.suffix in (".image", ".build", ".volume", ".network"):
                self.systemctl("stop", f"{path.stem}-{path.suffix[1:]}.service", check=False)
        super().remove_files()

    def test_an_image(self):
        """It is there before the container, whose image it is by its tag."""
        self.put("base.image", f"[Image]\nImage={ARCHIVE}\nImageTag=localhost/busybox\n", reload=False)
        self.put("user.container", "[Container]\nImage=base.image\nNetwork=none\nStopTimeout=0\nExec=sleep 1000\n")
        self.systemctl("start", "user")
        self.assertEqual((self.show("base-image", "ActiveState"), self.show("base-image", "SubState")), ("active", "exited"))
        self.assertEqual(self.inspect("systemd-user")["ImageName"], "localhost/busybox:latest")
        self.systemctl("restart", "user")
        self.assertEqual(self.show("user", "ActiveState"), "active")

    def test_a_build(self):
        """From the directory of the unit; a start builds again, from the cache."""
        containerfile = self.files / "Containerfile"
        containerfile.write_text("FROM localhost/busybox\nARG WORD=none\nRUN echo $WORD >/proof\n", encoding="ascii")
        self.addCleanup(containerfile.unlink)
        self.addCleanup(self.skiff, "rmi", "-f", "-i", "localhost/app")
        self.put("app.build", "[Build]\nImageTag=localhost/app\nSetWorkingDirectory=unit\nBuildArg=WORD=built\n", reload=False)
        self.put("app.container", "[Container]\nImage=app.build\nNetwork=none\nStopTimeout=0\nExec=sleep 1000\n")
        self.systemctl("start", "app", timeout=120)
        self.assertEqual((self.show("app-build", "ActiveState"), self.show("app-build", "Result")), ("inactive", "success"))
        self.assertEqual(self.skiff("exec", "systemd-app", "cat", "/proof").word, "built")
        before = self.inspect("systemd-app")["Image"]
        self.systemctl("restart", "app", timeout=120)
        self.assertEqual(self.inspect("systemd-app")["Image"], before)

    def test_a_build_that_fails(self):
        """Keeps the container down, and the journal has the step."""
        containerfile = self.files / "Containerfile"
        containerfile.write_text("FROM localhost/busybox\nRUN echo no such luck; exit 7\n", encoding="ascii")
        self.addCleanup(containerfile.unlink)
        self.put("bad.build", "[Build]\nImageTag=localhost/bad\nSetWorkingDirectory=unit\n", reload=False)
        self.put("bad.container", "[Container]\nImage=bad.build\n")
        self.assertNotEqual(self.systemctl("start", "bad", check=False, timeout=120).returncode, 0)
        self.assertEqual((self.show("bad-build", "ActiveState"), self.show("bad", "ActiveState")), ("failed", "inactive"))
        wait_for(lambda: "no such luck" in self.journal("bad-build"), 60)

    def test_a_volume_of_an_image(self):
        """Driver=image: it has what the image of another unit has, and what a service wrote there stays when that ends."""
        self.put("base.image", f"[Image]\nImage={ARCHIVE}\nImageTag=localhost/busybox\n", reload=False)
        self.put("tree.volume", "[Volume]\nVolumeName=kinds-tree\nDriver=image\nImage=base.image\n", reload=False)
        self.put("tree.container", "[Container]\nImage=localhost/busybox\nNetwork=none\nVolume=tree.volume:/tree\nStopTimeout=0\n"
                 "Exec=sh -c 'cmp /bin/sh /tree/bin/sh && echo x >> /tree/written && exec sleep 1000'\n")
        for count in (1, 2):
            self.systemctl("start", "tree", timeout=120)
            wait_for(lambda: self.skiff("exec", "systemd-tree", "cat", "/tree/written", check=False).lines == ["x"] * count, 60, message="the word")
            self.systemctl("stop", "tree")
        self.systemctl("stop", "tree-volume")
        self.assertEqual(self.skiff("volume", "inspect", "-f", "{{.Driver}} {{.Options.image}}", "kinds-tree").word, "image localhost/busybox")
        self.skiff("volume", "rm", "kinds-tree")

    def test_volumes_and_networks_with_options(self):
        """What the files ask for is what is there."""
        self.put("data.volume", "[Volume]\nVolumeName=kinds-data\nType=tmpfs\nDevice=tmpfs\nOptions=size=1m\nLabel=a=b\n", reload=False)
        self.put("net.network", "[Network]\nNetworkName=kinds-net\nSubnet=10.77.7.0/24\nGateway=10.77.7.9\nInternal=yes\nNetworkDeleteOnStop=yes\n", reload=False)
        self.put("both.container", "[Container]\nImage=localhost/busybox\nNetwork=net.network:ip=10.77.7.20\nVolume=data.volume:/data\nStopTimeout=0\nExec=sleep 1000\n")
        self.systemctl("start", "both")
        self.assertEqual(self.inspect("systemd-both")["NetworkSettings"]["Networks"]["kinds-net"]["IPAddress"], "10.77.7.20")
        self.assertIn("size=1024k", self.skiff("exec", "systemd-both", "grep", " /data ", "/proc/mounts").stdout)
        network = self.skiff("network", "inspect", "kinds-net").json[0]
        self.assertEqual((network["subnets"][0]["gateway"], network["internal"]), ("10.77.7.9", True))
        self.systemctl("stop", "both", "net-network", "data-volume")
        self.assertNotIn("kinds-net", self.skiff("network", "ls", "--format", "{{.Name}}").lines)
        self.skiff("volume", "rm", "kinds-data")

    def test_kinds_that_cannot_be_had_yet(self):
        """Their units are there, fail, and say why."""
        (self.files / "x.yaml").write_text(json.dumps({"kind": "Pod"}), encoding="ascii")
        self.addCleanup((self.files / "x.yaml").unlink)
        self.put("k.kube", "[Kube]\nYaml=x.yaml\n", reload=False)
        self.put("a.artifact", "[Artifact]\nArtifact=quay.example/a\n")
        for unit, says in (("k", "kube"), ("a-artifact", "artifact")):
            self.assertNotEqual(self.systemctl("start", unit, check=False).returncode, 0)
            wait_for(lambda unit=unit, says=says: f"`skiff {says}" in self.journal(unit), 60)

    def test_dropins_and_the_journal(self):
        """A drop-in's key counts, and the journal of the unit has the container's words."""
        directory = self.files / "j.container.d"
        directory.mkdir()
        (directory / "10-env.conf").write_text("[Container]\nEnvironment=WORD=dropped-in\n", encoding="ascii")
        self.addCleanup(directory.rmdir)
        self.addCleanup((directory / "10-env.conf").unlink)
        self.put("j.container", BASE + "Exec=sh -c 'echo said $$WORD; exec sleep 1000'\nStopTimeout=0\nLogDriver=journald\n")
        self.systemctl("start", "j")
        wait_for(lambda: "said dropped-in" in self.journal("j"), 60)
