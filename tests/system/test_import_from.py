# SPDX-License-Identifier: Apache-2.0
"""image import-from: out of a store that buildah filled (podman's), and out of docker's archives. The store is
only read; what comes out is the same image, layer by layer."""

import base64
import gzip
import json
import os
import shutil
import subprocess

from tests.support import images
from tests.support.skiff import SkiffTest


def state(directory):
    """Every file below a directory with its size and time of change."""
    found = {}
    for base, _, files in os.walk(directory):
        for name in files:
            status = os.lstat(os.path.join(base, name))
            found[os.path.join(base, name)] = (status.st_size, status.st_mtime_ns)
    return found


class ImportFrom(SkiffTest):
    """Stores of both drivers."""

    def setUp(self):
        super().setUp()
        self.need_ids()
        self.need_program("buildah")

    def buildah(self, *args):
        """Run buildah with the store under test."""
        argv = ["buildah", "--root", str(self.tmp / self.driver), "--runroot", str(self.tmp / f"{self.driver}-run"),
                "--storage-driver", self.driver, *map(str, args)]
        done = subprocess.run(argv, env=self.environment(STORAGE_DRIVER=self.driver), cwd=self.tmp,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            self.skipTest(f"buildah does not work here: {done.stderr.strip()[-300:]}")
        return done.stdout.strip()

    def fill(self, driver):
        """A store with two images, one of two names."""
        self.driver = driver
        self.addCleanup(self.empty)
        ids = []
        for make, names in (("busybox", ["localhost/one:1", "example.com/same:2"]), ("buildah", ["localhost/layers:latest"])):
            ids.append(self.buildah("pull", "-q", f"oci:{self.make_image(make)}:latest"))
            for name in names:
                self.buildah("tag", ids[-1], name)
        return self.tmp / driver, ids

    def empty(self):
        """Its files belong to sub-ids."""
        self.skiff("rmi", "-fa")
        subprocess.run(["buildah", "unshare", "rm", "-rf", str(self.tmp / self.driver), str(self.tmp / f"{self.driver}-run")],
                       env=self.environment(), check=True, capture_output=True)

    def check_driver(self, driver):
        root, ids = self.fill(driver)
        before = state(root)
        done = self.skiff("image", "import-from", "--from-root", root, "podman", timeout=120)
        self.assertIn("Loaded image: example.com/same:2", done.lines)
        self.assertIn("Loaded image: localhost/layers:latest", done.lines)
        self.assertEqual(state(root), before, "nothing was written there")
        for name, image_id in (("one:1", ids[0]), ("example.com/same:2", ids[0]), ("layers", ids[1])):
            self.assertEqual(self.skiff("inspect", "--format", "{{.Id}}", name).word, image_id)
        # The manifest is the same, so the digest is.
        images_json = json.loads((root / f"{driver}-images/images.json").read_text(encoding="utf-8"))
        digests = {row["id"]: row["digest"] for row in images_json}
        for image_id in ids:
            self.assertEqual(self.skiff("inspect", "--format", "{{.Digest}}", image_id).word, digests[image_id])
        self.assertEqual(self.skiff("run", "--rm", "--network", "none", "--entrypoint", "echo", "layers", "hi").stdout, "hi\n")

    def test_overlay(self):
        self.check_driver("overlay")

    def test_vfs(self):
        self.check_driver("vfs")

    def test_names(self):
        root, ids = self.fill("vfs")
        source = ["image", "import-from", "--from-root", root, "podman"]
        self.skiff_fails(*source, "one:1", "none", says=f"Error: none: image not known to podman ({root})")
        self.assertEqual(self.skiff("images", "-q").stdout, "")
        self.skiff(*source, ids[1][:12])
        self.assertEqual(self.skiff("images", "-q", "--no-trunc").lines, [f"sha256:{ids[1]}"])
        self.skiff(*source, "example.com/same:2")
        self.skiff("image", "exists", "localhost/one:1")

    def test_hostile_store(self):
        # What stands in the lines decides nothing on the host: it must add up to the layer's digest.
        root, ids = self.fill("vfs")
        layer = json.loads((root / "vfs-images/images.json").read_text(encoding="utf-8"))
        top = next(row["layer"] for row in layer if row["id"] == ids[0])
        split = root / f"vfs-layers/{top}.tar-split.gz"
        lines = gzip.decompress(split.read_bytes()).splitlines()
        number = next(i for i, line in enumerate(lines) if json.loads(line)["type"] == 1 and json.loads(line).get("size", 0) > 0)
        for change, says in (({"name": "../../../../../../../../etc/passwd"}, "layer"), ({"name": "no/such"}, "no/such"),
                             ({"name": "bin"}, "bin"), ({"size": -1}, "size"), ({"type": 7}, "unknown type"),
                             ({"name_raw": base64.b64encode(b"a\0b").decode()}, "without a name")):
            with self.subTest(change):
                broken = list(lines)
                broken[number] = json.dumps({**json.loads(lines[number]), **change}).encode()
                split.write_bytes(gzip.compress(b"\n".join(broken) + b"\n"))
                self.skiff_fails("image", "import-from", "--from-root", root, "podman", "one:1", says=says)
                self.skiff("image", "exists", "one:1", code=1)
        split.write_bytes(gzip.compress(b"\n".join(lines))[:-20])
        self.skiff_fails("image", "import-from", "--from-root", root, "podman", "one:1", says="layer")
        split.unlink()
        self.skiff_fails("image", "import-from", "--from-root", root, "podman", "one:1", says="tar-split")

    def sparse_image(self, formats):
        """busybox under layers with a small file and a sparse one of 9 runs, by GNU tar's options; and the tar's contents."""
        layout, root = self.tmp / f"sparse-{len(formats)}", self.tmp / "root"
        shutil.copytree(self.make_image("busybox"), layout)
        for number, options in enumerate(formats):
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir()
            name = f"sparse{number}" + "x" * 120
            (root / "a").write_text("odd")
            (root / "b").write_text("behind")
            with open(root / name, "wb") as file:
                for run in range(9):
                    file.seek((run << 20) + 4096)
                    file.write(f"{number} run {run}\n".encode())
                file.truncate(10 << 20)
            tar = self.tmp / "layer.tar"
            subprocess.run(["tar", "-C", root, "--sparse", "--hole-detection=raw", *options, "-cf", tar, "a", name, "b"], check=True)
            self.assertLess(tar.stat().st_size, 1 << 20, "it is sparse")
            images.add_layer(f"{layout}:latest", tar)
        return layout

    def test_sparse_files(self):
        """The runs of pax formats 0.0 and 0.1 stand in what podman kept; those of 1.0 do not, and it is said."""
        self.driver = "vfs"
        self.addCleanup(self.empty)
        kept = [["--format=posix", "--sparse-version=0.0"], ["--format=posix", "--sparse-version=0.1"]]
        lost = [["--format=posix", "--sparse-version=1.0"]]
        ids = [self.buildah("pull", "-q", f"oci:{self.sparse_image(formats).name}:latest") for formats in (kept, lost)]
        self.buildah("tag", ids[0], "localhost/sparse:1")
        source = ["image", "import-from", "--from-root", self.tmp / self.driver, "podman"]
        self.skiff(*source, "sparse:1", timeout=120)
        self.assertEqual(self.skiff("inspect", "--format", "{{.Id}}", "sparse:1").word, ids[0])
        seen = self.skiff("run", "--rm", "--network", "none", "sparse:1", "sh", "-c", "stat -c %s /sparse*; cat /sparse* | tr -d '\\0'")
        self.assertEqual(seen.lines, [str(10 << 20)] * 2 + [f"{number} run {run}" for number in range(2) for run in range(9)])
        self.skiff_fails(*source, ids[1], says="is sparse, and podman did not keep the map of its runs (pax format 1.0)")

    def test_docker_archives(self):
        self.driver = "vfs"
        archive = images.convert(self.make_image("busybox"), "docker-archive")
        self.assertEqual(self.skiff("image", "import-from", "docker", archive).lines, ["Loaded image: example.com/test/image:latest"])
        self.skiff("rmi", "-fa")

    def test_wrong_lines(self):
        self.skiff_fails("image", "import-from", says="Error: requires at least 1 arg(s), only received 0")
        self.skiff_fails("image", "import-from", "rkt", says="Error: unknown source 'rkt': podman or docker")
        self.skiff_fails("image", "import-from", "docker", says="Error: docker's own store belongs to its daemon")
        self.skiff_fails("image", "import-from", "--from-root", "/x", "docker", "f", says="Error: --from-root is for podman")
        self.skiff_fails("image", "import-from", "podman", says="Error: there is no store")
        self.skiff_fails("image", "import-from", "--from-root", self.tmp, "podman", says="has no images of podman's")
