# SPDX-License-Identifier: Apache-2.0
"""Manifest lists: put together in the store, pushed to Debian's docker-registry, read there by skopeo; podman's
words for what is wrong; and what run, images, tag and rmi make of a list's name."""

import hashlib
import json
import re
import tempfile
import unittest
from pathlib import Path

from tests.support.images import Unavailable, tool
from tests.support.registry import Registry
from tests.support.skiff import SkiffTest

DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
NOBODY = "sha256:" + "0" * 64


class ManifestTest(SkiffTest):
    """A store with an image, and lists in it."""

    images = ["busybox"]

    def setUp(self):
        super().setUp()
        self.addCleanup(self.remove_lists)

    def remove_lists(self):
        """Lists and names of other tests must not meet the next one."""
        for row in self.skiff("images", "--format", "{{.Repository}}:{{.Tag}}").lines:
            if "busybox" not in row:
                self.run_skiff("rmi", "-f", row, check=False)

    def create(self, *args):
        """Make a list and return its id."""
        return self.skiff("manifest", "create", *args).word

    def show(self, name):
        """The list's document."""
        return self.skiff("manifest", "inspect", name).json

    def platforms(self, document):
        """The platforms of its entries."""
        return [entry["platform"] for entry in document["manifests"]]

    def foreign_image(self, arch="arm64"):
        """An image in the store that says it is for another machine."""
        archive = self.tmp / "foreign.tar"
        tool("tar", "-C", "/etc", "-cf", str(archive), "hostname")
        self.skiff("import", "--arch", arch, archive, f"localhost/foreign:{arch}")
        return f"localhost/foreign:{arch}"

    def skopeo(self, *args, cwd=None):
        """skopeo, in the directory with what was pushed."""
        self.need_program("skopeo")
        return tool("skopeo", "--insecure-policy", *map(str, args), cwd=cwd or self.tmp, env=self.environment())


class Store(ManifestTest):
    """Without a registry."""

    def test_create(self):
        list_id = self.create("app")
        self.assertRegex(list_id, "^[0-9a-f]{64}$")
        self.assertEqual(self.show("app"), {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": []})
        self.assertEqual(self.show(list_id), self.show("localhost/app:latest"))
        self.assertEqual(self.show(list_id[:12]), self.show("app"))
        self.skiff_fails("manifest", "create", "app", says='Error: creating image to hold manifest list: image name '
                         f'"localhost/app:latest" is already associated with image "{list_id}": that name is already in use')
        self.assertEqual(self.create("--amend", "app"), list_id)
        image_id = self.skiff("inspect", "--format", "{{.Id}}", "busybox").word
        name = self.skiff("images", "--format", "{{.Repository}}:{{.Tag}}", "busybox").lines[0]
        self.skiff_fails("manifest", "create", name, says=f'image name "{name}" is already associated with image "{image_id}"')
        self.skiff_fails("manifest", "create", "--amend", name, says=f"{name}: image is not a manifest list")

    def test_members_come_first(self):
        # Nothing is made if a member can't be had.
        self.skiff_fails("manifest", "create", "app", "busybox", "containers-storage:no/such", says="Error: no/such: image not known")
        self.skiff("manifest", "exists", "app", code=1)

    def test_add(self):
        list_id = self.create("app")
        self.assertEqual(self.skiff("manifest", "add", "app", "busybox").word, list_id)
        document = self.show("app")
        self.assertEqual(len(document["manifests"]), 1)
        entry = document["manifests"][0]
        config = self.skiff("image", "inspect", "busybox").json[0]
        self.assertEqual(entry["platform"], {"architecture": config["Architecture"], "os": config["Os"]})
        # The same again is no second entry; other words about it replace the old ones.
        self.skiff("manifest", "add", "--variant", "v9", "--annotation", "a=b=c", "--features", "x,y", "app", "containers-storage:busybox")
        changed = self.show("app")["manifests"]
        self.assertEqual([one["digest"] for one in changed], [entry["digest"]])
        self.assertEqual(changed[0]["platform"]["variant"], "v9")
        self.assertEqual(changed[0]["platform"]["features"], ["x", "y"])
        self.assertEqual(changed[0]["annotations"], {"a": "b=c"})
        self.assertEqual(self.show("app")["mediaType"], OCI_INDEX)
        self.skiff_fails("manifest", "add", "app", says="Error: requires at least 2 arg(s), only received 1")
        self.skiff_fails("manifest", "add", "nolist", "busybox", says="Error: nolist: image not known")
        self.skiff_fails("manifest", "add", "busybox", "busybox", says="busybox:latest: image is not a manifest list")
        self.skiff_fails("manifest", "add", "--annotation", "x", "app", "busybox", says='no value given for annotation "x"')
        self.skiff_fails("manifest", "add", "--artifact", "app", "busybox", says="--artifact")
        self.skiff_fails("manifest", "add", "app", "oci:/somewhere", says="cannot add 'oci:/somewhere'")
        self.assertEqual(self.show("app")["manifests"], changed, "what failed has changed nothing")

    def test_annotate_and_remove(self):
        list_id = self.create("app", "busybox")
        digest = self.show("app")["manifests"][0]["digest"]
        done = self.skiff("manifest", "annotate", "--arch", "riscv64", "--os", "haiku", "--os-version", "1.2",
                          "--annotation", "k=v", "app", digest)
        self.assertEqual(done.word, list_id)
        entry = self.show("app")["manifests"][0]
        self.assertEqual(entry["platform"], {"architecture": "riscv64", "os": "haiku", "os.version": "1.2"})
        self.skiff("manifest", "annotate", "--variant", "v1", "app", "busybox")
        self.assertEqual(self.show("app")["manifests"][0]["platform"]["variant"], "v1")
        self.skiff("manifest", "annotate", "--index", "--annotation", "team=web", "app")
        self.assertEqual(self.show("app")["annotations"], {"team": "web"})

        self.skiff_fails("manifest", "annotate", "app", "sha256:abc", says='Error: invalid image digest "sha256:abc": invalid checksum digest length')
        self.skiff_fails("manifest", "annotate", "app", NOBODY, says=f'Error: no Docker manifest matching digest "{NOBODY}" was found in list: '
                         "no image instance matching the specified digest was found in the list or index")
        self.skiff_fails("manifest", "annotate", "app", says="Error: accepts 2 arg(s), received 1")
        self.skiff_fails("manifest", "remove", "app", "abc",
                         says='Error: removing from manifest list app: invalid image digest "abc": invalid checksum digest format')
        self.skiff_fails("manifest", "remove", "app", NOBODY, says="Error: removing from manifest list app: no instance matching digest "
                         f'"{NOBODY}" found in manifest list: file does not exist')
        self.assertEqual(self.skiff("manifest", "remove", "app", digest).word, list_id)
        self.assertEqual(self.show("app")["manifests"], [])

    def test_exists_and_rm(self):
        list_id = self.create("app", "busybox")
        self.skiff("manifest", "exists", "app")
        self.skiff("manifest", "exists", "none", code=1)
        self.skiff_fails("manifest", "exists", "busybox", says="image is not a manifest list")
        self.skiff_fails("manifest", "rm", "busybox", says="image is not a manifest list")
        self.skiff_fails("manifest", "rm", "nope", code=1, says="Error: nope: image not known")
        self.skiff("manifest", "rm", "--ignore", "nope")
        self.skiff("tag", "app", "second")
        self.assertEqual(self.skiff("manifest", "rm", "second").stdout, "Untagged: localhost/second:latest\n")
        self.assertEqual(self.skiff("manifest", "rm", "app").lines, ["Untagged: localhost/app:latest", f"Deleted: {list_id}"])
        self.skiff("manifest", "exists", "app", code=1)
        self.skiff("image", "exists", "busybox")

    def test_names(self):
        # One name leads to one thing, whichever way it moves.
        list_id = self.create("app", "busybox")
        image_id = self.skiff("inspect", "--format", "{{.Id}}", "busybox").word
        self.skiff("tag", "busybox", "localhost/app:latest")
        self.assertEqual(self.skiff("images", "--no-trunc", "--format", "{{.ID}}", "localhost/app").lines, [f"sha256:{image_id}"])
        self.assertIn("mediaType", self.show(list_id))
        self.skiff_fails("manifest", "rm", "app", says="image is not a manifest list")
        self.skiff("tag", list_id, "app")
        self.assertEqual(self.skiff("images", "--no-trunc", "--format", "{{.ID}}", "localhost/app").lines, [f"sha256:{list_id}"])
        self.skiff("untag", list_id)
        self.assertEqual(self.skiff("images", "-q", "--no-trunc", "--filter", "dangling=true").lines, [f"sha256:{list_id}"])
        self.assertEqual(self.skiff("rmi", list_id).lines, [f"Deleted: {list_id}"])

    def test_images_rmi(self):
        list_id = self.create("app:1", "busybox")
        rows = self.skiff("images", "--format", "{{.Repository}} {{.Tag}} {{.ID}}").lines
        self.assertIn(f"localhost/app 1 {list_id[:12]}", rows)
        self.assertIn(list_id, [row["Id"] for row in self.skiff("images", "--format", "json").json])
        self.skiff("image", "exists", "app:1")
        self.assertEqual(self.skiff("rmi", "app:1").lines, ["Untagged: localhost/app:1", f"Deleted: {list_id}"])
        self.skiff("image", "exists", "busybox")

    def test_run(self):
        self.create("app", "busybox")
        self.assertEqual(self.skiff("run", "--rm", "--network", "none", "app", "echo", "hi").stdout, "hi\n")
        image_id = self.skiff("inspect", "--format", "{{.Id}}", "busybox").word
        self.assertEqual(self.skiff("image", "inspect", "--format", "{{.Id}}", "app").word, image_id)
        self.create("foreign", "busybox")
        digest = self.show("foreign")["manifests"][0]["digest"]
        self.skiff("manifest", "annotate", "--arch", "s390x", "foreign", digest)
        self.skiff_fails("run", "--rm", "--pull", "never", "foreign", "true", says="no image found in image index for platform")
        self.create("empty")
        self.skiff_fails("run", "--rm", "empty", "true", says="no image found in image index for platform")

    def test_list_of_lists(self):
        self.create("one", "busybox")
        self.create("two")
        self.skiff("manifest", "add", "--all", "two", "one")
        self.assertEqual(self.show("two"), self.show("one"))

    def test_commit_without_a_manifest(self):
        # An image that was made here has no manifest yet: it gets a plain one.
        self.skiff("create", "--name", "made", "--network", "none", "busybox", "true")
        self.skiff("commit", "-q", "made", "localhost/made")
        self.create("app", "made")
        self.assertEqual(self.show("app")["manifests"][0]["mediaType"], "application/vnd.oci.image.manifest.v1+json")
        self.assertEqual(self.show("app")["mediaType"], OCI_INDEX)

    def test_broken_record(self):
        list_id = self.create("app")
        record = next(self.home.rglob(f"indexes/{list_id}/index.json"))
        record.write_text(record.read_text(encoding="utf-8")[:-7], encoding="utf-8")
        done = self.skiff("images")
        self.assertIn("has a broken record", done.stderr)
        self.assertIn("busybox", done.stdout)
        self.skiff("image", "exists", "busybox")
        record.unlink()
        record.parent.rmdir()

    def test_wrong_lines(self):
        self.skiff_fails("manifest", "create", says="Error: requires at least 1 arg(s), only received 0")
        self.skiff_fails("manifest", "push", says="Error: accepts between 1 and 2 arg(s), received 0")
        self.skiff_fails("manifest", "push", "none", says="Error: none: image not known")
        self.skiff_fails("manifest", "push", "busybox", "localhost:1/x", says="image is not a manifest list")
        self.skiff_fails("manifest", says="Error: missing command 'skiff manifest COMMAND'")


class ToFiles(ManifestTest):
    """manifest push to oci:, oci-archive: and dir:, as skopeo reads them."""

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory(dir=self.tmp)
        self.addCleanup(directory.cleanup)
        self.place = Path(directory.name)
        self.place.chmod(0o777)

    def push(self, destination, *options, says=None):
        """Push the list; the digest that --digestfile got."""
        words = ("manifest", "push", *options, "app", destination)
        if says:
            self.skiff_fails(*words, cwd=self.place, says=says)
            return None
        file = self.tmp / "digest"
        done = self.skiff(*words, "--digestfile", file, cwd=self.place)
        self.assertEqual(done.stdout, "")
        return file.read_text(encoding="ascii")

    def check(self, source, digest, media_type):
        """All of a list is there, and each image is what it was."""
        raw = self.skopeo("inspect", "--raw", source, cwd=self.place)
        raw = raw if isinstance(raw, bytes) else raw.encode()
        self.assertEqual("sha256:" + hashlib.sha256(raw).hexdigest(), digest)
        document, ours = json.loads(raw), self.show("app")
        self.assertEqual(document["mediaType"], media_type)
        self.assertEqual(self.platforms(document), self.platforms(ours))
        copy = self.place / f"copy-of-{re.sub('[^a-z]', '-', source)}"
        self.skopeo("copy", "-q", "--all", source, f"dir:{copy}", cwd=self.place)
        copied = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
        configs = []
        for entry in copied["manifests"]:
            manifest = json.loads((copy / f"{entry['digest'].partition(':')[2]}.manifest.json").read_text(encoding="utf-8"))
            configs.append(manifest["config"]["digest"].partition(":")[2])
        self.assertEqual(configs, self.skiff("inspect", "--format", "{{.Id}}", "busybox", "localhost/foreign:arm64").lines)
        return document

    def test_all_forms(self):
        self.create("app", "busybox", self.foreign_image())
        for source, media_type in (("oci:layout:one", OCI_INDEX), ("oci:layout:team/two", OCI_INDEX), ("oci:unnamed", OCI_INDEX),
                                   ("oci-archive:archive.tar:three", OCI_INDEX), ("dir:here", DOCKER_LIST)):
            with self.subTest(source):
                self.check(source, self.push(source), media_type)
        with self.subTest("options"):
            self.check("dir:there", self.push("dir:there", "--format", "oci", "--compression-format", "zstd"), OCI_INDEX)
        # The entries that a layout had stay; one of the same name is replaced, beside an image, too.
        self.skiff("push", "-q", "busybox", "oci:layout:image", cwd=self.place)
        self.push("oci:layout:one")
        index = json.loads((self.place / "layout/index.json").read_text(encoding="utf-8"))
        self.assertEqual([(entry["annotations"]["org.opencontainers.image.ref.name"], entry["mediaType"] == OCI_INDEX)
                          for entry in index["manifests"]], [("team/two", True), ("image", False), ("one", True)])

    def test_list_alone_and_rm(self):
        self.create("app", "busybox")
        entries = self.show("app")["manifests"]
        self.push("oci:alone:x", "--all=false")
        document = json.loads(self.skopeo("inspect", "--raw", "oci:alone:x", cwd=self.place))
        self.assertEqual((document["mediaType"], document["manifests"]), (OCI_INDEX, entries))
        self.assertEqual(len(list((self.place / "alone/blobs/sha256").iterdir())), 1)
        self.push("oci:gone:x", "--rm")
        self.skiff("manifest", "exists", "app", code=1)

    def test_refused(self):
        self.create("app", "busybox")
        self.push("docker-archive:a.tar", says='Error: copying multiple images: destination transport "docker-archive" does not support '
                  "copying multiple images as a group")
        self.push("oci:", says="names no path")
        self.push("oci:x:ä", says="invalid image ä")
        self.push("oci:x", "--format", "v2s2", says="format v2s2 cannot")
        self.push("oci:/no/such/parent", says="cannot make the directory")
        self.assertEqual([path.name for path in self.place.iterdir()], [])

    def test_image_that_is_nowhere(self):
        foreign = self.foreign_image()
        self.create("app", foreign)
        self.skiff("rmi", foreign)
        self.push("oci:x", says="is not in the store and no registry is known to have it")
        self.assertFalse((self.place / "x").exists())


class AtRegistry(ManifestTest):
    """docker-registry over plain HTTP."""

    insecure = "--tls-verify=false"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        directory = tempfile.TemporaryDirectory(prefix="skiff-registry-")
        cls.addClassCleanup(directory.cleanup)
        cls.registry = Registry(directory.name, tls=False, auth=False)
        try:
            cls.registry.start()
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason)) from None
        cls.addClassCleanup(cls.registry.stop)

    def raw(self, name):
        """What skopeo reads under a name."""
        return json.loads(tool("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{self.registry.host}/{name}"))

    def config(self, name):
        """The config that skopeo reads for a manifest."""
        return json.loads(tool("skopeo", "inspect", "--config", "--tls-verify=false", f"docker://{self.registry.host}/{name}"))

    def push_list(self, name, *options):
        """A list of two platforms at the registry."""
        self.create("app", "busybox", self.foreign_image())
        return self.skiff("manifest", "push", self.insecure, *options, "app", f"docker://{self.registry.host}/{name}")

    def test_push_all(self):
        done = self.push_list("push/app:v1")
        self.assertEqual(done.stdout, "")
        document = self.raw("push/app:v1")
        self.assertEqual({entry["platform"]["architecture"] for entry in document["manifests"]},
                         {entry["platform"]["architecture"] for entry in self.show("app")["manifests"]})
        for entry in document["manifests"]:
            config = self.config(f"push/app@{entry['digest']}")
            self.assertEqual((config["architecture"], config["os"]), (entry["platform"]["architecture"], entry["platform"]["os"]))
        # All of it can be copied, so nothing is missing.
        tool("skopeo", "copy", "-q", "--all", "--src-tls-verify=false", f"docker://{self.registry.host}/push/app:v1", f"oci:{self.tmp}/copy")
        # And we run from it.
        self.skiff("rmi", "app")
        self.assertEqual(self.skiff("pull", "-q", self.insecure, f"{self.registry.host}/push/app:v1").word,
                         self.skiff("inspect", "--format", "{{.Id}}", "busybox").word)

    def test_formats(self):
        self.push_list("formats/oci:v1", "--format", "oci")
        oci = self.raw("formats/oci:v1")
        self.assertEqual(oci["mediaType"], OCI_INDEX)
        self.assertEqual({entry["mediaType"] for entry in oci["manifests"]}, {"application/vnd.oci.image.manifest.v1+json"})
        digestfile = self.tmp / "digest"
        self.skiff("manifest", "annotate", "--index", "--annotation", "a=b", "app")
        self.skiff("manifest", "push", self.insecure, "-q", "--format", "v2s2", "--digestfile", digestfile, "app", f"{self.registry.host}/formats/docker:v1")
        docker = self.raw("formats/docker:v1")
        self.assertEqual(docker["mediaType"], DOCKER_LIST)
        self.assertNotIn("annotations", docker)
        self.assertEqual({entry["mediaType"] for entry in docker["manifests"]}, {"application/vnd.docker.distribution.manifest.v2+json"})
        by_digest = self.raw(f"formats/docker@{digestfile.read_text(encoding='ascii')}")
        self.assertEqual(by_digest, docker)

    def test_rm_and_plain_push(self):
        self.create("app", "busybox")
        self.skiff("push", "-q", self.insecure, "app", f"{self.registry.host}/plain/app:v1")
        self.assertEqual(len(self.raw("plain/app:v1")["manifests"]), 1)
        self.skiff("manifest", "push", "--rm", "-q", self.insecure, "app", f"{self.registry.host}/plain/app:v2")
        self.skiff("manifest", "exists", "app", code=1)

    def test_without_its_images(self):
        self.create("app", "busybox")
        self.skiff_fails("manifest", "push", "--all=false", "-q", self.insecure, "app", f"{self.registry.host}/bare/app:v1", says="manifest")
        self.skiff("manifest", "push", "-q", self.insecure, "app", f"{self.registry.host}/bare/app:v1")
        self.skiff("manifest", "exists", "app")

    def test_add_remote(self):
        self.push_list("remote/app:v1")
        host, source = self.registry.host, self.raw("remote/app:v1")
        self.create("one")
        self.skiff("manifest", "add", self.insecure, "one", f"docker://{host}/remote/app:v1")
        self.assertEqual(len(self.show("one")["manifests"]), 1)
        self.skiff("manifest", "add", self.insecure, "--all", "one", f"docker://{host}/remote/app:v1")
        self.assertEqual(self.show("one")["manifests"], source["manifests"])
        single = source["manifests"][1]["digest"]
        self.create(self.insecure, "two", f"{host}/remote/app@{single}")
        entry = self.show("two")["manifests"][0]
        self.assertEqual((entry["digest"], entry["platform"]["architecture"]), (single, "arm64"))
        self.skiff_fails("manifest", "add", self.insecure, "one", f"docker://{host}/remote/none", says="manifest unknown")

    def test_push_what_only_a_registry_has(self):
        self.push_list("origin/app:v1")
        host, source = self.registry.host, self.raw("origin/app:v1")
        self.skiff("rmi", "-f", "app", "localhost/foreign:arm64")
        self.create(self.insecure, "--all", "copied", f"docker://{host}/origin/app:v1")
        before = self.skiff("images", "-aq", "--no-trunc").lines
        self.skiff("manifest", "push", "-q", self.insecure, "copied", f"{host}/elsewhere/app:v1")
        # The bytes of the image that was not here are the same, so is its digest; it does not stay.
        self.assertIn(source["manifests"][1], self.raw("elsewhere/app:v1")["manifests"])
        self.assertEqual(self.skiff("images", "-aq", "--no-trunc").lines, before)
        tool("skopeo", "copy", "-q", "--all", "--src-tls-verify=false", f"docker://{host}/elsewhere/app:v1", f"oci:{self.tmp}/copy")
        self.skiff("manifest", "push", "-q", self.insecure, "copied", f"oci:{self.tmp}/layout:x")
        self.skopeo("copy", "-q", "--all", "oci:layout:x", "dir:layout-copy")
        self.assertEqual(self.skiff("images", "-aq", "--no-trunc").lines, before)
        # Within its repository nothing has to move.
        self.skiff("manifest", "push", "-q", self.insecure, "copied", f"{host}/origin/app:v2")
        self.assertEqual(self.raw("origin/app:v2")["manifests"], source["manifests"])

    def test_inspect_remote(self):
        self.push_list("seen/app:v1")
        host, source = self.registry.host, self.raw("seen/app:v1")
        name = f"{host}/seen/app:v1"
        self.assertEqual(self.skiff("manifest", "inspect", self.insecure, name).json, source)
        rows = self.skiff("manifest", "inspect", self.insecure, "--verbose", name).json
        self.assertEqual([row["Descriptor"] for row in rows], source["manifests"])
        for row in rows:
            self.assertEqual(row["Ref"], f"{name}@{row['Descriptor']['digest']}")
            self.assertEqual(row.get("OCIManifest") or row["SchemaV2Manifest"], self.raw(f"seen/app@{row['Descriptor']['digest']}"))
        single = f"{host}/seen/app@{source['manifests'][1]['digest']}"
        row = self.skiff("manifest", "inspect", self.insecure, "-v", single).json
        self.assertEqual(row["Descriptor"]["platform"], {"architecture": "arm64", "os": "linux"})
        # A local list of the name goes first.
        self.create(name)
        self.assertEqual(self.show(name)["manifests"], [])
        self.skiff_fails("manifest", "inspect", self.insecure, f"{host}/seen/none", says="seen/none")

    def test_run_of_a_list_whose_image_is_elsewhere(self):
        self.push_list("far/app:v1")
        self.skiff("rmi", "-f", "app")
        image = self.skiff("images", "--format", "{{.Repository}}:{{.Tag}}", "busybox").lines[0]
        self.create(self.insecure, "--all", "far", f"docker://{self.registry.host}/far/app:v1")
        self.skiff("rmi", "-f", image)
        try:
            self.skiff_fails("run", "--rm", "--pull", "never", "far", "true", says="it is not in the store")
        finally:
            self.load_image("busybox")
