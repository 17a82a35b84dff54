# SPDX-License-Identifier: Apache-2.0
"""skiff build for other platforms: lists of images, cross builds, and programs that only an emulator runs."""

import json
import os
import struct
import subprocess
from pathlib import Path

from tests.support.registry import Registry
from tests.system.test_build import BuildTest

HOST = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine)
OTHER = "arm64" if HOST == "amd64" else "amd64"
BINFMT = Path("/proc/sys/fs/binfmt_misc")

CROSS = """
FROM --platform=$BUILDPLATFORM busybox AS build
ARG TARGETPLATFORM
ARG TARGETARCH
ARG BUILDARCH
RUN echo "$TARGETPLATFORM $TARGETARCH on $BUILDARCH by $(uname -m)" > /made
FROM scratch
COPY --from=build /made /made
LABEL for=$TARGETPLATFORM
"""


def arm64_program():
    """A static program for arm64 that makes the directory /by-emulator and ends."""
    code = struct.pack("<9I",
                       0x92800C60,  # mov x0, #-100
                       0x100000E1,  # adr x1, path
                       0xD2803DA2,  # mov x2, #0755
                       0xD2800448,  # mov x8, #34 (mkdirat)
                       0xD4000001,  # svc #0
                       0xD2800000,  # mov x0, #0
                       0xD2800BA8,  # mov x8, #93 (exit)
                       0xD4000001,  # svc #0
                       0xD503201F)  # nop
    path_at = len(code)
    code += b"/by-emulator\0"
    # adr is relative to its own place, the second instruction.
    offset = path_at - 4
    adr = 0x10000001 | (offset & 3) << 29 | (offset >> 2) << 5
    code = code[:4] + struct.pack("<I", adr) + code[8:]
    base, head = 0x400000, 64 + 56
    size = head + len(code)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    elf = ident + struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, base + head, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    elf += struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x10000)
    return elf + code


class Platforms(BuildTest):
    def setUp(self):
        super().setUp()
        self.need(HOST, "a machine that the test does not know")
        self.both = f"linux/{HOST},linux/{OTHER}"

    def remove_images(self):
        for name in self.skiff("images", "-a", "--format", "{{.Repository}}:{{.Tag}}").lines:
            if "list" in name:
                self.skiff("manifest", "rm", name, check=False)
        super().remove_images()

    def entries(self, name):
        return {entry["platform"]["architecture"]: entry for entry in self.skiff("manifest", "inspect", name).json["manifests"]}

    def test_a_list_of_cross_builds(self):
        """Each image is built by programs of this machine for its own platform."""
        self.write(CROSS)
        out = self.tmp / "split"
        ids = self.skiff("build", "--network", "none", "--platform", self.both, "--manifest", "list", "-o", out, "-q",
                         self.context).lines
        self.assertEqual(len(ids), 2)
        self.assertEqual(set(self.entries("list")), {HOST, OTHER})
        for arch, image in zip((HOST, OTHER), ids):
            inspected = self.skiff("image", "inspect", image).json[0]
            self.assertEqual(inspected["Architecture"], arch)
            self.assertEqual((out / f"linux_{arch}" / "made").read_text(),
                             f"linux/{arch} {arch} on {HOST} by {os.uname().machine}\n")
        # Again, into the same list: what is the same is there once.
        self.skiff("build", "--network", "none", "--platform", self.both, "--manifest", "list", "-q", self.context)
        self.assertEqual(len(self.skiff("manifest", "inspect", "list").json["manifests"]), 2)

    def test_a_name_for_several_is_a_list(self):
        self.build(text="FROM scratch\nCOPY Dockerfile /old\n", tag="list-of-names")
        self.write(CROSS)
        self.build("--platform", self.both, tag="list-of-names")
        self.assertEqual(set(self.entries("list-of-names")), {HOST, OTHER})
        self.write(CROSS + "ENV NEW=1\n")
        self.build("--platform", self.both, tag="list-of-names")
        self.assertEqual(len(self.skiff("manifest", "inspect", "list-of-names").json["manifests"]), 2)

    def test_cache_of_all(self):
        """--cache-to without mode=max: the steps of each platform's image."""
        place = self.tmp / "cache"
        self.write("FROM scratch\nARG TARGETARCH\nCOPY ${TARGETARCH} /file\n", amd64="one\n", arm64="two\n")
        self.build("--platform", self.both, "--cache-to", f"type=local,dest={place}", tag="list-of-cached")
        self.assertEqual(len(json.loads((place / "index.json").read_text())["manifests"]), 2)
        self.remove_images()
        self.skiff("builder", "prune", "-fa")
        done = self.build("--platform", self.both, "--cache-from", f"type=local,src={place}", tag="list-of-cached")
        self.assertEqual(done.stdout.count("--> Using cache"), 2, done.stdout)

    def test_pushed(self):
        self.need_program("docker-registry")
        self.write(CROSS)
        with Registry(self.tmp / "registry", tls=False, auth=False) as registry:
            name = f"{registry.host}/team/list"
            self.build("--platform", self.both, "--push", "--tls-verify=false", tag=name)
            if os.path.exists("/usr/bin/skopeo"):
                raw = subprocess.run(["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}"], check=True,
                                     capture_output=True).stdout
                self.assertEqual({entry["platform"]["architecture"] for entry in json.loads(raw)["manifests"]}, {HOST, OTHER})
            self.skiff("pull", "--tls-verify=false", "--platform", f"linux/{OTHER}", name + ":latest")

    def test_stages_that_only_copy_need_no_emulator(self):
        self.build("--platform", f"linux/{OTHER}", text="FROM scratch\nCOPY Dockerfile /d\nWORKDIR /w\nENV A=1\n", tag="foreign")
        self.write(f"FROM --platform=linux/{OTHER} foreign\nCOPY file /file\nADD file /w/\nRUN --mount=type=cache,target=/c true\n",
                   file="x\n")
        if not (BINFMT / f"qemu-{'aarch64' if OTHER == 'arm64' else 'x86_64'}").exists():
            self.skiff_fails("build", "--network", "none", self.context,
                             says=f"4: cannot run programs for linux/{OTHER} on linux/{HOST}")
            # What to do about it is told on a terminal.
            terminal = self.tty("build", "--network", "none", self.context)
            terminal.expect("help: .*qemu-user-static")
            terminal.wait()
        self.write(f"FROM --platform=linux/{OTHER} foreign\nCOPY file /file\nADD file /w/\n", file="x\n")
        self.build()
        self.assertEqual(self.skiff("image", "inspect", "made").json[0]["Architecture"], OTHER)

    def test_unknown_platform(self):
        self.write("FROM scratch\n")
        self.skiff_fails("build", "--platform", "linux/amd64,/", self.context, says="invalid argument")
        self.skiff_fails("build", "--platform", "nonsense", self.context, says="unknown operating system or architecture")

    def test_by_an_emulator(self):
        """With a handler of binfmt_misc's flag F a RUN for another machine just runs."""
        self.need(os.geteuid() == 0 and HOST == "amd64", "only root registers interpreters")
        self.need(os.path.exists("/usr/bin/qemu-aarch64-static"), "qemu-user-static is not installed")
        if not (BINFMT / "register").exists():
            mounted = subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT)], check=False,
                                     capture_output=True).returncode == 0
            self.need(mounted, "binfmt_misc cannot be mounted here")
            self.addCleanup(subprocess.run, ["umount", str(BINFMT)], check=True)
        if not (BINFMT / "qemu-aarch64").exists():
            magic = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
            mask = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
            (BINFMT / "register").write_text(f":skiff-test-aarch64:M::{magic}:{mask}:/usr/bin/qemu-aarch64-static:F")
            self.addCleanup((BINFMT / "skiff-test-aarch64").write_text, "-1")
        (self.context / "program").write_bytes(arm64_program())
        (self.context / "program").chmod(0o755)
        self.write('FROM scratch\nCOPY program /program\nRUN ["/program"]\n')
        self.build("--platform", "linux/arm64")
        self.assertIn("by-emulator", self.members()[-1])
