# SPDX-License-Identifier: Apache-2.0
"""image prune, tree, diff, mount; search: what podman's users expect of them."""

import io
import json
import re
import tarfile

from tests.support.skiff import SkiffTest, Tty


class VerbTest(SkiffTest):
    images = ["busybox"]

    def make(self, name, files, *changes):
        """Import an image of one layer with these files. Returns its id."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for path, data in files.items():
                info = tarfile.TarInfo(path)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        options = [part for change in changes for part in ("-c", change)]
        done = self.skiff("import", "-q", *options, "-", *([name] if name else []), input=buffer.getvalue())
        return done.word.removeprefix("sha256:")

    def ids(self):
        """All images in the store."""
        return self.skiff("images", "-q", "--no-trunc").word.replace("sha256:", "").split()

    def tearDown(self):
        super().tearDown()
        for image in self.ids():
            if "localhost/busybox:latest" not in self.skiff("inspect", "--format", "{{.RepoTags}}", image).stdout:
                self.skiff("rmi", "-f", image)


class Prune(VerbTest):
    def test_dangling(self):
        nameless = self.make(None, {"a": b"x" * 100000})
        named = self.make("named", {"b": b"y"})
        done = self.skiff("image", "prune", "-f")
        self.assertEqual(done.stdout, f"{nameless}\n")
        self.assertEqual(done.stderr, "Total reclaimed space: 100 kB\n")
        self.assertIn(named, self.ids())
        self.assertEqual(self.skiff("image", "prune", "--force").stdout, "")

    def test_all_but_those_in_use(self):
        used = self.make("used", {"a": b"1"})
        unused = self.make("unused", {"b": b"2"})
        self.skiff("create", "--name", "user", "used", "/x")
        self.skiff("create", "--name", "other", "busybox")
        done = self.skiff("image", "prune", "-a", "-f")
        self.assertEqual(done.stdout, f"{unused}\n")
        self.assertIn(used, self.ids())
        self.skiff("rm", "user")
        self.assertEqual(self.skiff("image", "prune", "-af").stdout, f"{used}\n")
        self.skiff("rm", "other")

    def test_shared_layers_count_once_and_only_when_they_go(self):
        self.make("base", {"a": b"x" * 50000})
        # The same layer under another config.
        self.make(None, {"a": b"x" * 50000}, "LABEL a=b")
        done = self.skiff("image", "prune", "-f")
        self.assertEqual(len(done.lines), 1)
        self.assertEqual(done.stderr, "Total reclaimed space: 0 B\n")

    def test_filters(self):
        first = self.make(None, {"a": b"1"}, "LABEL keep=no")
        second = self.make(None, {"b": b"2"}, "LABEL keep=yes")
        third = self.make(None, {"c": b"3"})
        self.assertEqual(self.skiff("image", "prune", "-f", "--filter", "label=keep=no").lines, [first])
        self.assertEqual(self.skiff("image", "prune", "-f", "--filter", "until=24h").lines, [])
        self.assertEqual(self.skiff("image", "prune", "-f", "--filter", "label!=keep").lines, [third])
        self.assertEqual(self.skiff("image", "prune", "-f", "--filter", "until=0s").lines, [second])
        self.skiff_fails("image", "prune", "-f", "--filter", "colour=red", says='unsupported image filter "colour"')

    def test_question(self):
        nameless = self.make(None, {"a": b"1"})
        for answer in ("", "n\n", "\n", "no\n"):
            done = self.skiff("image", "prune", input=answer)
            self.assertEqual(done.stdout, "")
            self.assertEqual(done.stderr, "WARNING! This command removes all dangling images.\n"
                                          "Are you sure you want to continue? [y/N] ")
        self.assertIn(nameless, self.ids())
        self.assertEqual(self.skiff("image", "prune", input="Yes\n").stdout, f"{nameless}\n")
        done = self.skiff("image", "prune", "-a", input="n\n")
        self.assertIn("WARNING! This command removes all images without at least one container associated with them.\n", done.stderr)

    def test_refused(self):
        self.skiff_fails("image", "prune", "--external", says="unsupported flag: --external")
        self.skiff_fails("image", "prune", "--build-cache", says="unsupported flag: --build-cache")
        self.skiff_fails("image", "prune", "x", says="takes no arguments")


class Tree(VerbTest):
    images = ["busybox", "features"]

    def tearDown(self):
        SkiffTest.tearDown(self)

    def layers(self, name):
        """Chain ids, bottom first, computed here from the diff ids."""
        import hashlib
        chain = []
        for diff in self.skiff("inspect", name).json[0]["RootFS"]["Layers"]:
            text = f"{chain[-1]} {diff}" if chain else diff
            chain.append("sha256:" + hashlib.sha256(text.encode()).hexdigest() if chain else diff)
        return [item.removeprefix("sha256:")[:12] for item in chain]

    def test_tree(self):
        lines = self.skiff("image", "tree", "features").lines
        info = self.skiff("inspect", "features").json[0]
        self.assertEqual(lines[0], f"Image ID: {info['Id'][:12]}")
        self.assertEqual(lines[1], "Tags:     [localhost/features:latest]")
        self.assertRegex(lines[2], r"^Size:     [0-9.]+[kM]B$")
        self.assertEqual(lines[3], "Image Layers")
        chain = self.layers("features")
        self.assertEqual([re.match("[├└]── ID: ([0-9a-f]{12}) Size: +[0-9.]+[kMG]?B", line)[1] for line in lines[4:]], chain[::-1])
        self.assertTrue(lines[4].endswith(" Top Layer of: [localhost/features:latest]"))
        self.assertTrue(lines[-1].endswith(" Top Layer of: [localhost/busybox:latest]"))
        self.assertTrue(lines[-1].startswith("└── "))

    def test_what_requires(self):
        lines = self.skiff("image", "tree", "--whatrequires", "busybox").lines[4:]
        chain = self.layers("features")
        self.assertEqual([line[:4 * depth + 4].strip() for depth, line in enumerate(lines)], ["└──"] * len(chain))
        self.assertEqual([re.search("ID: ([0-9a-f]{12})", line)[1] for line in lines], chain)

    def test_unknown(self):
        self.skiff_fails("image", "tree", "nope", says="Error: nope: image not known")
