# SPDX-License-Identifier: Apache-2.0
"""Configs, manifests and layouts made to hurt, loaded from archives: refused for a reason, or harmless.

All that test_hostile_layers.py says of its fixtures holds. What a registry sends is in test_pull_faults.py;
what an image's words do when it is run stands here, too: every one of them is a stranger's.
"""

import hashlib
import json
import os
import unittest
from pathlib import Path

from tests.support.bounds import Watch, count
from tests.support.images import directory_entry, entry
from tests.support.skiff import SkiffTest
from tests.system.test_hostile_layers import HostileTest, docker_archive, symlink, tar

LAYER = tar((entry("f"), b"x"))
IMAGE, INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
CONFIG, OCI_LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar"


def digest(data):
    """sha256:..."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def config(execution=None, **top):
    """A config of LAYER with these words in it."""
    whole = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [digest(LAYER)]}}
    return json.dumps(whole | ({"config": execution} if execution is not None else {}) | top).encode()


def rootfs(**words):
    """A config whose rootfs says this."""
    return config(rootfs={"type": "layers", "diff_ids": [digest(LAYER)]} | words)


GOOD = config()

# Bytes, and what is said of them; None: they are taken.
DOCUMENTS = {
    "nothing": (b"", "config"),
    "null": (b"null", "config"),
    "a list": (b"[]", "not an object"),
    "a text": (b'"x"', "not an object"),
    "an empty object": (b"{}", "rootfs is missing"),
    "cut": (GOOD[:-2], "config"),
    "a second object behind it": (GOOD + b"{}", "config"),
    "bytes behind it": (GOOD + b"\0\0", "config"),
    "white space around it": (b"\n\t " + GOOD + b" \n", None),
    "a comment": (GOOD.replace(b"{", b"{/**/", 1), "config"),
    "single quotes": (GOOD.replace(b'"', b"'"), "config"),
    "a comma at the end": (GOOD[:-1] + b",}", "config"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, "config"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "config"),
    "bytes that are no UTF-8": (config(author="?").replace(b"?", b"\xff\xfe"), "config"),
    "half a pair of surrogates": (config(author="?").replace(b"?", b"\\ud800"), None),
    "a NUL in a text": (config({"User": "root\0x"}), "NUL"),
    "a NUL in a key": (config({"Volumes": {"/a\0/../b": {}}}), None),
    "an infinite number": (config(x=1)[:-2] + b"1e999}", None),
    "not a number": (config(x=1)[:-2] + b"NaN}", "config"),
    "a number of a thousand digits": (config(x=1)[:-2] + b"9" * 1000 + b"}", None),
    "a hundred levels of what nobody asked for": (config(x=1)[:-2] + b"[" * 100 + b"]" * 100 + b"}", "config"),
    "a manifest, too": (config(layers=[]), "manifest at the same time"),
    "an index, too": (config(manifests=[]), "manifest at the same time"),
    "rootfs twice, with others": (GOOD[:-1] + b',"rootfs":{"type":"layers","diff_ids":[]}}', "layers, its config names|twice|config"),
    "rootfs in capitals": (GOOD.replace(b"rootfs", b"RootFS"), "rootfs is missing"),
    "rootfs that is a text": (config(rootfs="x"), "rootfs"),
    "rootfs of another type": (rootfs(type="windows"), "unknown rootfs type"),
    "diff ids that are a text": (rootfs(diff_ids=digest(LAYER)), "diff_ids"),
    "diff ids that are numbers": (rootfs(diff_ids=[1]), "diff_ids"),
    "a diff id in capitals": (rootfs(diff_ids=[digest(LAYER).upper()]), "invalid digest"),
    "a diff id of another algorithm": (rootfs(diff_ids=["md5:" + "0" * 32]), "invalid digest"),
    "a diff id with a line end": (rootfs(diff_ids=[digest(LAYER) + "\n"]), "invalid digest"),
    "a diff id too short": (rootfs(diff_ids=[digest(LAYER)[:-1]]), "invalid digest"),
    "a history that is a text": (config(history="x"), "history"),
    "a history of five thousand": (config(history=[{}] * 5000), "too many entries"),
    "a history of numbers": (config(history=[1, None, [], "x"]), None),
    "an architecture that commands the terminal": (config(architecture="\x1b[2J"), "control character"),
    "an os of two hundred letters": (config(os="x" * 200), "too long"),
    "a time that commands the terminal": (config(created="\x1b]0;x\x07"), "control character"),
    "an author that commands the terminal": (config(author="\x1b[2J\u202e"), None),
    "a variant that is a list": (config(variant=[]), "variant"),
    "words that are a list": (config([]), "config"),
    "words that are a text": (config("x"), "config"),
}

WORDS = {
    "a user that is a number": ({"User": 0}, "User"),
    "a user with a line end": ({"User": "bob\nroot:x:0:0"}, "control character"),
    "a user of two thousand letters": ({"User": "u" * 2000}, "too long"),
    "Env that is a text": ({"Env": "A=b"}, "Env"),
    "Env of numbers": ({"Env": [1]}, "Env"),
    "Env without a key": ({"Env": ["=x"]}, "KEY=VALUE"),
    "Env of a star": ({"Env": ["*"]}, "KEY=VALUE"),
    "Env with a line end in a key": ({"Env": ["A\nB=x"]}, "control character"),
    "five thousand of Env": ({"Env": ["A=b"] * 5000}, "too many entries"),
    "two hundred kilobytes of Env": ({"Env": ["A=" + "b" * 200000]}, "too long"),
    "Cmd that is a text": ({"Cmd": "rm -rf /"}, "Cmd"),
    "Cmd of nothing": ({"Cmd": [None]}, "Cmd"),
    "five thousand of Cmd": ({"Cmd": ["x"] * 5000}, "too many entries"),
    "two hundred kilobytes of Cmd": ({"Cmd": ["x" * 200000]}, "too long"),
    "Entrypoint in Entrypoint": ({"Entrypoint": [["sh"]]}, "Entrypoint"),
    "Shell that is an object": ({"Shell": {}}, "Shell"),
    "a directory with a line end": ({"WorkingDir": "/a\n/b"}, "control character"),
    "a directory of five thousand letters": ({"WorkingDir": "/d" * 2500}, "too long"),
    "a directory that is a number": ({"WorkingDir": 1}, "WorkingDir"),
    "volumes that are a list": ({"Volumes": ["/x"]}, "Volumes"),
    "a volume over the root": ({"Volumes": {"/": {}}}, "cannot be the root"),
    "a volume over the root by dots": ({"Volumes": {"/a/../..": {}}}, "cannot be the root"),
    "a volume of no name": ({"Volumes": {"": {}}}, "cannot be the root"),
    "a volume with a line end": ({"Volumes": {"/a\n": {}}}, "control character"),
    "five thousand volumes": ({"Volumes": {f"/{n}": {} for n in range(5000)}}, "too many entries"),
    "a volume of five thousand letters": ({"Volumes": {"/" + "v" * 5000: {}}}, "too long"),
    "a port that is a command": ({"ExposedPorts": {"80;reboot": {}}}, "invalid port"),
    "a port of no digits": ({"ExposedPorts": {"/tcp": {}}}, "invalid port"),
    "a port of forty digits": ({"ExposedPorts": {"1" * 40: {}}}, "invalid port"),
    "ports that are a list": ({"ExposedPorts": ["80"]}, "ExposedPorts"),
    "labels that are a list": ({"Labels": ["a=b"]}, "Labels"),
    "a label that is an object": ({"Labels": {"a": {}}}, "Labels"),
    "a signal with an escape": ({"StopSignal": "\x1b"}, "control character"),
    "a signal of forty letters": ({"StopSignal": "S" * 40}, "too long"),
    "a probe that is a text": ({"Healthcheck": "true"}, "Healthcheck"),
    "what no image may say": ({"Privileged": True, "CapAdd": ["ALL"], "Binds": ["/:/host"], "Devices": ["/dev/sda"], "Runtime": "/bin/evil"}, None),
}


def layout(index=None, manifest=None, description=None, version="1.0.0", more=()):
    """An OCI archive; each part can be something else."""
    parts = {"mediaType": IMAGE, "schemaVersion": 2, "config": {"mediaType": CONFIG, "digest": digest(GOOD), "size": len(GOOD)},
             "layers": [{"mediaType": OCI_LAYER, "digest": digest(LAYER), "size": len(LAYER)}]} | (manifest or {})
    text = json.dumps({key: value for key, value in parts.items() if value != "gone"}).encode()
    entry_of = {"mediaType": IMAGE, "digest": digest(text), "size": len(text)} | (description or {})
    listing = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry_of]} | (index or {})).encode()
    blobs = [(entry(f"blobs/sha256/{digest(data)[7:]}"), data) for data in (LAYER, GOOD, text)]
    return tar((entry("oci-layout"), json.dumps({"imageLayoutVersion": version}).encode()), (entry("index.json"), listing), *blobs, *more)


def part(kind, **words):
    """The config or the layer of a manifest, described otherwise."""
    data, media = (GOOD, CONFIG) if kind == "config" else (LAYER, OCI_LAYER)
    described = {"mediaType": media, "digest": digest(data), "size": len(data)} | words
    return {"config": described} if kind == "config" else {"layers": [described]}


SELF = {"manifests": [{"mediaType": INDEX, "digest": "sha256:" + "0" * 64, "size": 2}]}

LAYOUTS = {
    "as it should be": (layout(), None),
    "of the future": (layout(version="9.9.9"), None),
    "without manifests": (layout(index={"manifests": []}), "no image|empty|manifests"),
    "manifests that are an object": (layout(index={"manifests": {}}), "manifests"),
    "an index that is a list": (tar((entry("oci-layout"), b'{"imageLayoutVersion":"1.0.0"}'), (entry("index.json"), b"[]")), "index"),
    "an index that is missing": (tar((entry("oci-layout"), b'{"imageLayoutVersion":"1.0.0"}')), "index|no image|neither"),
    "an index that is a link": (tar((entry("oci-layout"), b'{"imageLayoutVersion":"1.0.0"}'), symlink("index.json", "/etc/passwd")), "index|has no|neither"),
    "an image and an index at once": (layout(manifest={"manifests": []}), "at once"),
    "an image that is called an index": (layout(description={"mediaType": INDEX}), "its contents say image"),
    "an index of itself": (layout(index=SELF), "has no|not in|missing|blob"),
    "a manifest of schema 1": (layout(manifest={"schemaVersion": 1}), "schema"),
    "a manifest without a schema": (layout(manifest={"schemaVersion": "gone"}), "schema"),
    "a manifest without a config": (layout(manifest={"config": "gone"}), "config"),
    "a manifest without layers": (layout(manifest={"layers": "gone"}), "layers"),
    "a manifest whose layers are an object": (layout(manifest={"layers": {}}), "layers"),
    "a manifest of a digest that is a path": (layout(description={"digest": "sha256:../../index.json"}), "digest"),
    "a manifest of another size": (layout(description={"size": 5}), "are announced"),
    "a manifest of a negative size": (layout(description={"size": -1}), "size"),
    "a manifest of other bytes": (layout(description={"digest": digest(LAYER), "size": len(LAYER)}), "manifest|JSON|kind"),
    "a config of another size": (layout(manifest=part("config", size=5)), "are announced"),
    "a config of other bytes, by another algorithm": (
        layout(manifest=part("config", digest="sha512:" + "1" * 128), more=[(entry("blobs/sha512/" + "1" * 128), GOOD)]), "has the digest"),
    "a config that is a layer": (layout(manifest=part("config", digest=digest(LAYER), size=len(LAYER))), "config"),
    "a config of a program": (layout(manifest=part("config", mediaType="application/vnd.cncf.helm.config.v1+json")), "artifact"),
    "a layer of another size": (layout(manifest=part("layer", size=5)), "size|bytes|announced"),
    "a layer of a size with a fraction": (layout(manifest=part("layer", size=5.5)), "size"),
    "a layer that is not there": (layout(manifest=part("layer", digest="sha256:" + "0" * 64)), "has no|not in|missing|blob"),
    "a layer of an unknown type": (layout(manifest=part("layer", mediaType="application/x-sh")), "type|layer"),
    "a layer of addresses": (layout(manifest=part("layer", urls=["http://127.0.0.1:1/x"], digest="sha256:" + "0" * 64)), "has no|not in|missing|blob|foreign"),
    "a layer called gzip": (layout(manifest=part("layer", mediaType=OCI_LAYER + "+gzip")), None),
    "a layer that is a link out": (
        layout(manifest=part("layer", digest="sha256:" + "1" * 64), more=[symlink("blobs/sha256/" + "1" * 64, "/etc/passwd")]), "has no|not in|missing|blob"),
    "a layer that is a fifo": (
        layout(manifest=part("layer", digest="sha256:" + "1" * 64), more=[entry("blobs/sha256/" + "1" * 64, b"6")]), "has no|not in|missing|blob"),
    "a name that climbs": (layout(description={"annotations": {"org.opencontainers.image.ref.name": "../../etc/x"}}), None),
    "a name that commands the terminal": (layout(description={"annotations": {"org.opencontainers.image.ref.name": "\x1b[2J"}}), None),
    "annotations that are a list": (layout(description={"annotations": []}), None),
}


def listing(**words):
    """A manifest.json of docker save, described otherwise."""
    whole = {"Config": "config.json", "RepoTags": ["hostile:latest"], "Layers": ["0.tar"]} | words
    return json.dumps([{key: value for key, value in whole.items() if value != "gone"}]).encode()


LISTINGS = {
    "an object": (b"{}", "schemaVersion"),
    "no images": (b"[]", "no image|manifest.json"),
    "images that are texts": (b'["x"]', "expected an object"),
    "no config": (listing(Config="gone"), "Config"),
    "a config that is a list": (listing(Config=[]), "Config"),
    "no layers": (listing(Layers="gone"), "layers, its config names|Layers"),
    "layers that are a text": (listing(Layers="0.tar"), "Layers"),
    "layers that climb": (listing(Layers=["../../etc/passwd"]), "has no"),
    "the config as a layer": (listing(Layers=["config.json"]), "diff id"),
    "itself as a config": (listing(Config="manifest.json"), "not an object"),
    "a layer too many": (listing(Layers=["0.tar", "0.tar"]), "layers, its config names"),
    "seventy thousand layers": (listing(Layers=["0.tar"] * 70000), "layers|manifest.json"),
    "two thousand images": (json.dumps([json.loads(listing())[0]] * 2000).encode(), "images"),
    "tags that are numbers": (listing(RepoTags=[1]), "RepoTags"),
    "tags that are null": (listing(RepoTags=None), None),
}


class Loaded(HostileTest):
    """What load makes of them."""

    counts = "manifests and configs"

    def check(self, archive, says):
        """One row, in a store of its own."""
        self.remove_base()
        self.setUp()
        if says is None:
            self.accepted(archive, "load")
            self.assertEqual(len(self.image_ids()), 1)
        else:
            self.refused(archive, says, "load")

    def test_documents(self):
        for name, (text, says) in DOCUMENTS.items():
            with self.subTest(name):
                self.check(docker_archive(LAYER, config=text), says)

    def test_words(self):
        for name, (words, says) in WORDS.items():
            with self.subTest(name):
                self.check(docker_archive(LAYER, config=config(words)), says)

    def test_layouts(self):
        for name, (archive, says) in LAYOUTS.items():
            with self.subTest(name):
                self.check(archive, says)

    def test_listings(self):
        for name, (text, says) in LISTINGS.items():
            with self.subTest(name):
                self.check(docker_archive(LAYER, config=GOOD, manifest=text), says)


# What an image says, and what `look` prints of its container; a pattern of the refusal; None: either, and no more than that.
OUT = "../../../../../../../.."
RUNS = {
    "a directory that climbs": ({"WorkingDir": f"{OUT}/etc"}, ["/etc"]),
    "a directory by a link out": ({"WorkingDir": "/links/outside"}, None),
    "a directory that is a file": ({"WorkingDir": "/etc/passwd"}, "Not a directory|not a directory"),
    "a directory of the kernel's descriptors": ({"WorkingDir": "/proc/self/fd/3"}, "/proc/self/fd/3"),
    "a directory to be made through a link out": ({"WorkingDir": "/links/outside/made/here"}, None),
    "a volume that climbs": ({"Volumes": {f"/v/{OUT}/made": {}}}, ["/"]),
    "a volume by a link out": ({"Volumes": {"/links/outside": {}}}, None),
    "a volume by a link to a file out": ({"Volumes": {"/links/canary": {}}}, None),
    "a volume over a file": ({"Volumes": {"/etc/passwd": {}}}, None),
    "a volume over a fifo": ({"Volumes": {"/fifo": {}}}, None),
    "a volume over the kernel's files": ({"Volumes": {"/proc/sys": {}}}, "proc"),
    "a volume over a device": ({"Volumes": {"/dev/null": {}}}, None),
    "a thousand volumes in each other": ({"Volumes": {"/v" + "/v" * n: {} for n in range(100)}}, None),
    "a user that overflows": ({"User": "4294967296"}, "user"),
    "a user of dots": ({"User": "../../etc"}, "user"),
    "a group that is a path": ({"User": "0:/etc/group"}, "user|group"),
    "a user that is not there": ({"User": "mallory"}, "mallory"),
    "a signal of nothing": ({"StopSignal": "SIGNOTHING"}, "signal|SIGNOTHING"),
    "a signal beyond the last": ({"StopSignal": "SIGRTMIN+999"}, "signal|SIGRTMIN"),
    "a program that climbs": ({"Entrypoint": [f"{OUT}/bin/sh"]}, None),
    "a program by a link out": ({"Entrypoint": ["/links/program"]}, "No such file|not found"),
    "a program that is a directory": ({"Entrypoint": ["/etc"]}, "ermission denied|directory"),
    "a program of no name": ({"Entrypoint": [""]}, "no command|executable|empty|not found|No such"),
    "a program that is a fifo": ({"Entrypoint": ["/fifo"]}, "ermission denied|executable"),
    "Env for the loader": ({"Env": ["PATH=/bin", "LD_PRELOAD=/evil.so", "LD_AUDIT=/evil.so", "GLIBC_TUNABLES=x", "GCONV_PATH=/"]}, ["/"]),
    "Env of our own": ({"Env": ["PATH=/bin", "SKIFF_WALL_DOWN=jail,in-root", "XDG_RUNTIME_DIR=/evil", "NOTIFY_SOCKET=/evil", "HOME=/evil"]}, ["/"]),
    "a PATH of what is not there": ({"Env": [f"PATH={OUT}/evil::."]}, None),
    "a probe of numbers": ({"Healthcheck": {"Test": [1, 2]}}, "ealthcheck|Test"),
    "a probe that is quicker than time": ({"Healthcheck": {"Test": ["CMD", "true"], "Interval": -5, "Retries": -1}}, None),
    "labels that steer others' engines": (
        {"Labels": {"org.systemd.property.ExecStopPost": "/evil", "io.podman.annotations.privileged": "TRUE", "run.oci.hooks.stdout": "/evil",
                    "io.containers.capabilities": "ALL", "io.podman.annotations.userns": "host", "nerdctl/extraHosts": "x"}}, ["/"]),
}


class Run(SkiffTest):
    """What is accepted and then run: an image gets no further than its container."""

    LOOK = "pwd; grep -c ^CapEff:.*fffffffff /proc/self/status; test -e /evil && echo evil"

    def image(self, words):
        """An image with busybox, links that lead out, and these words."""
        busybox = Path("/usr/bin/busybox").read_bytes()
        layer = tar(directory_entry("bin"), (entry("bin/busybox", mode=0o755), busybox), symlink("bin/sh", "busybox"), symlink("bin/grep", "busybox"),
                    symlink("bin/true", "busybox"), directory_entry("etc"), (entry("etc/passwd"), b"root:x:0:0::/:/bin/sh\n"), entry("fifo", b"6"),
                    directory_entry("links"), symlink("links/outside", str(self.outside)), symlink("links/canary", str(self.canary)),
                    symlink("links/program", "/usr/bin/env"))
        words = {"Env": ["PATH=/bin"], "Cmd": ["sh", "-c", self.LOOK]} | words
        archive = self.tmp / "archive.tar"
        archive.write_bytes(docker_archive(layer, config=config(words, rootfs={"type": "layers", "diff_ids": [digest(layer)]})))
        return self.skiff("load", "-q", "-i", archive, check=False)

    def test_rows(self):
        if not Path("/usr/bin/busybox").exists():
            self.skipTest("busybox-static is not installed")
        self.outside, self.canary = self.tmp / "outside", self.tmp / "canary"
        self.outside.mkdir()
        self.canary.write_text("alive")
        for name, (words, expected) in RUNS.items():
            with self.subTest(name):
                self.check(words, expected)
                count("manifests and configs", name)

    def check(self, words, expected):
        """One row."""
        with Watch([self.home, self.runtime, self.tmp / "archive.tar"]) as watch:
            done = self.image(words)
            if done.code == 0:
                done = self.skiff("run", "--rm", "--network", "none", "hostile", check=False)
            self.skiff("rmi", "-fa", check=False)
            self.assertEqual(watch.outside(), [])
        self.assertEqual((list(self.outside.iterdir()), self.canary.read_text()), ([], "alive"))
        self.assertNotIn("evil\n", done.stdout)
        if isinstance(expected, str):
            self.assertIn(done.code, (125, 126, 127), str(done))
            self.assertRegex(done.stderr, f"Error: .*(?:{expected})")
        elif expected is not None:
            self.assertEqual((done.code, done.lines[:1]), (1, expected), str(done))
            self.assertEqual(done.lines[1:], ["0"])


if __name__ == "__main__":
    unittest.main()
