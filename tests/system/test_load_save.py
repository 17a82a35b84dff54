# SPDX-License-Identifier: Apache-2.0
"""load, save and import against images that other tools made and read.

What a layer means is told by a model: the layers' tars read by Python's tarfile and applied by the
rules of the OCI image specification. The store's layers, mounted as skiff mounts them, must look the same.
"""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import unittest

from tests.support import images
from tests.support.fetch import FetchTest
from tests.support.images import Unavailable, tool

# Lists a tree as JSON. Runs inside the user's namespace, so it is passed as text.
LISTER = r"""
import hashlib, json, os, stat, sys
root = os.fsencode(sys.argv[1])
tree, inodes = {}, {}
def add(path, name):
    st = os.lstat(path)
    kind = stat.S_IFMT(st.st_mode)
    item = {"mode": st.st_mode & 0o7777, "uid": st.st_uid, "gid": st.st_gid, "mtime": int(st.st_mtime)}
    item["kind"] = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo"}.get(kind, "?")
    if kind == stat.S_IFREG:
        item["sha"] = hashlib.sha256(open(path, "rb").read()).hexdigest()
        if st.st_nlink > 1:
            item["inode"] = inodes.setdefault(st.st_ino, name)
    if kind == stat.S_IFLNK:
        item["target"] = os.readlink(path).decode("latin-1")
        item["mode"] = 0
    if kind in (stat.S_IFREG, stat.S_IFDIR):
        item["xattrs"] = {n: os.getxattr(path, n).hex() for n in os.listxattr(path) if not n.startswith("user.overlay.")}
    tree[name] = item
for base, dirs, files in os.walk(root):
    for entry in sorted(dirs + files):
        path = os.path.join(base, entry)
        add(path, os.path.relpath(path, root).decode("latin-1"))
json.dump(tree, sys.stdout)
"""


def mounted_tree(test):
    """The one image of the test's store as a container would see it."""
    config = json.loads((test.store / "images" / test.image_ids()[0] / "config.json").read_text())
    chain, lowers = None, []
    for diff_id in config["rootfs"]["diff_ids"]:
        chain = diff_id if chain is None else "sha256:" + hashlib.sha256(f"{chain} {diff_id}".encode()).hexdigest()
        lowers.insert(0, f"layers/{chain.removeprefix('sha256:')}/diff")
    empty = test.base / "empty"
    point = test.base / "view"
    for directory in (empty, point):
        directory.mkdir(exist_ok=True)
    lowers.append("../empty")
    # The kernel takes at most a page of options; short names keep 120 layers below it.
    script = f"cd {test.store} && mount -t tmpfs none {empty} && cd {empty} && "
    for number, lower in enumerate(lowers[:-1]):
        script += f"ln -s {test.store}/{lower} {number} && "
    names = ":".join(str(number) for number in range(len(lowers) - 1))
    # mount(2): an option of fsconfig(), which a newer mount(8) would use, ends at 255 bytes.
    script += f"mkdir e && LIBMOUNT_FORCE_MOUNT2=always mount -t overlay overlay -o userxattr,lowerdir={names}:e {point} && "
    # Not sys.executable: it may be in a home that other ids cannot enter.
    script += f"exec /usr/bin/python3 - {point}"
    done = subprocess.run([*namespace(), "sh", "-c", script], input=LISTER.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"cannot list the mounted image: {done.stderr.decode()}")
    return json.loads(done.stdout)


def namespace():
    """The user's namespace with all ids, as skiff makes it; as root only a mount namespace."""
    if os.geteuid() == 0:
        return ["unshare", "-m"]
    return ["unshare", "-U", "--map-root-user", "--map-auto", "-m"]


class Model:
    """A tree made by applying layers as the specification says."""

    def __init__(self, layout):
        self.tree = {}
        self.layout = layout
        index = json.loads((layout / "index.json").read_text())
        manifest = json.loads(images.read_blob(layout, index["manifests"][0]["digest"]))
        for layer in manifest["layers"]:
            self.apply(images.read_blob(layout, layer["digest"]))

    def remove(self, name, itself=True):
        """Take away what is below a name, and the name."""
        for other in [other for other in self.tree if other.startswith(name + "/") or (itself and other == name)]:
            del self.tree[other]

    def apply(self, blob):
        """One layer: first what it hides, then what it brings."""
        data = gzip.decompress(blob) if blob.startswith(b"\x1f\x8b") else blob
        # umoci ends a layer without the last entry's padding and without the end blocks.
        data += bytes(-len(data) % 512 + 1024)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            members = tar.getmembers()
            for member in members:
                parent, _, base = member.name.rpartition("/")
                if base == ".wh..wh..opq":
                    self.remove(parent, itself=False)
                elif base.startswith(".wh."):
                    self.remove(f"{parent}/{base[4:]}".lstrip("/"))
            for member in members:
                if not member.name.rpartition("/")[2].startswith(".wh.") and member.name not in ("", "."):
                    self.add(tar, member)

    def add(self, tar, member):
        """One entry."""
        name = member.name.encode("utf-8", "surrogateescape").decode("latin-1")
        if not (member.isdir() and self.tree.get(name, {}).get("kind") == "dir"):
            self.remove(name)
        if member.islnk():
            target = member.linkname.encode("utf-8", "surrogateescape").decode("latin-1")
            self.tree[name] = self.tree[target]
            return
        item = {"mode": member.mode & 0o7777, "uid": member.uid, "gid": member.gid, "mtime": int(member.mtime)}
        if member.isdir():
            item["kind"] = "dir"
        elif member.issym():
            item |= {"kind": "link", "mode": 0, "target": member.linkname.encode("utf-8").decode("latin-1")}
        elif member.isfifo():
            item["kind"] = "fifo"
        else:
            item |= {"kind": "file", "sha": hashlib.sha256(tar.extractfile(member).read()).hexdigest()}
        if item["kind"] in ("file", "dir"):
            item["xattrs"] = {key.removeprefix("SCHILY.xattr."): value.encode("latin-1").hex()
                              for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr.")}
        self.tree[name] = item


def comparable(tree):
    """A tree without what namespaces change: a capability's revision and its root id."""
    result = {}
    for name, item in tree.items():
        item = {key: value for key, value in item.items() if key != "inode"}
        capability = item.get("xattrs", {}).get("security.capability")
        if capability:
            item["xattrs"] = item["xattrs"] | {"security.capability": capability[8:40]}
        result[name] = item
    return result


def diff_ids(source):
    """What skopeo reads as an image's diff ids."""
    return json.loads(tool("skopeo", "--insecure-policy", "inspect", "--config", source))["rootfs"]["diff_ids"]


class LoadSaveTest(FetchTest):
    """Shared by the classes below."""

    def make(self, maker):
        """An image of the support module, or a skip."""
        try:
            return getattr(images, maker)()
        except Unavailable as missing:
            raise unittest.SkipTest(str(missing)) from missing

    def other_store(self):
        """Go on with an empty store."""
        self.store = self.base / f"store-{len(list(self.base.glob('store*')))}"

    def assert_view(self, layout):
        """The store's image looks as the model of the layout."""
        expected, seen = comparable(Model(layout).tree), comparable(mounted_tree(self))
        self.assertEqual(sorted(expected), sorted(seen))
        for name, item in expected.items():
            self.assertEqual(item, seen[name], name)


class Load(LoadSaveTest):
    """Every form of an image gives the same image."""

    def test_features(self):
        """Whiteouts, opaque directories, links across layers, modes, owners, xattrs, names, holes."""
        layout = self.make("features")
        self.fetch("load", "--input", layout)
        self.assert_view(layout)
        self.assert_clean()
        tree = mounted_tree(self)
        self.assertEqual(tree["links/b"]["inode"], tree["links/a"]["inode"])
        ids = self.image_ids()
        for form in ("oci-archive", "docker-archive", "docker-dir", "oci-uncompressed", "oci-zstd"):
            with self.subTest(form=form):
                self.other_store()
                self.fetch("load", "--input", images.convert(layout, form))
                # A docker form has a config of its own; the layers are the same.
                if form.startswith("oci"):
                    self.assertEqual(self.image_ids(), ids)
                self.assert_view(layout)

    def test_sparse_file_keeps_its_hole(self):
        """The hole is not written out."""
        self.fetch("load", "--input", self.make("features"))
        path, = self.store.glob("layers/*/diff/sparse")
        self.assertLess(path.stat().st_blocks * 512, 1 << 20)

    def test_many_layers(self):
        """120 layers, each replacing a file of the one below."""
        layout = self.make("many_layers")
        done = self.fetch("load", "--input", layout, timeout=120)
        self.assertEqual(len(self.layer_dirs()), 120)
        self.assert_view(layout)
        self.assertLess(done.seconds, 60)

    def test_buildah(self):
        """What buildah makes: its overlay's whiteouts and opaque directories."""
        layout = self.make("buildah")
        self.fetch("load", "--input", layout)
        self.assert_view(layout)

    def test_second_load_brings_nothing(self):
        """Layers that are there are not unpacked again."""
        layout = self.make("busybox")
        self.fetch("load", "--input", layout)
        before = {path: path.stat().st_ino for path in self.layer_dirs()}
        self.fetch("load", "--input", layout)
        self.assertEqual(before, {path: path.stat().st_ino for path in self.layer_dirs()})

    def test_stdin_and_compressed(self):
        """A pipe, and an archive compressed as a whole."""
        archive = images.convert(self.make("busybox"), "docker-archive")
        packed = self.base / "image.tar.gz"
        packed.write_bytes(subprocess.run(["gzip", "-c", archive], check=True, capture_output=True).stdout)
        with open(packed, "rb") as file:
            done = subprocess.run(["cat"], stdin=file, stdout=subprocess.PIPE, check=True)
            loaded = subprocess.run(self.command("load"), input=done.stdout, capture_output=True, check=False,
                                    env=self.environment())
        self.assertEqual(loaded.returncode, 0, loaded.stderr.decode())
        self.assertEqual(loaded.stdout.decode(), "Loaded image: example.com/test/image:latest\n")
        self.other_store()
        self.fetch("load", "--input", packed)
        self.assert_clean()

    def test_names_that_others_have(self):
        """Tag squatting: an archive claims a name of the hub; whose it was is told, once."""
        root = self.base / "root.tar"
        images.write_tar(root, [images.directory_entry("etc", 0o755)])
        self.fetch("import", "--name", "docker.io/library/short:latest", root)
        had = self.image_ids()[0][:12]
        archive = self.base / "short.tar"
        tool("skopeo", "--insecure-policy", "copy", "-q", f"oci:{self.make('busybox')}:latest", f"docker-archive:{archive}:short")
        done = self.fetch("load", "--input", archive)
        self.assertIn(f"takes the name 'docker.io/library/short:latest' from image {had}", done.stderr)
        self.assertNotIn("takes the name", self.fetch("load", "--input", archive).stderr)

    def test_names(self):
        """Docker's names are the hub's, a layout's short ones are local."""
        archive = self.base / "short.tar"
        tool("skopeo", "--insecure-policy", "copy", "-q", f"oci:{self.make('busybox')}:latest",
             f"docker-archive:{archive}:short")
        done = self.fetch("load", "--input", archive)
        self.assertEqual(done.stdout, "Loaded image: docker.io/library/short:latest\n")
        done = self.fetch("load", "--input", self.make("busybox"))
        self.assertEqual(done.stdout, "Loaded image: localhost/latest:latest\n")
        done = self.fetch("load", "--name", "localhost/mine:1", "--ids", "--input", archive)
        self.assertIn(done.word, self.image_ids())

    def test_not_an_image(self):
        """A tar without an image, a text, nothing at all."""
        tar = self.base / "other.tar"
        tool("tar", "-cf", str(tar), "-C", "/etc", "hostname")
        text = self.base / "text"
        text.write_text("this is not a tar " * 100)
        empty = self.base / "nothing"
        empty.write_bytes(b"")
        for path, says in ((tar, "neither a docker-archive nor an OCI layout"), (text, "malformed"),
                           (empty, "neither"), (self.base / "absent", "no such file")):
            done = self.fetch("load", "--input", path, code=125)
            self.assertRegex(done.stderr, f"^Error: .*{says}")
            self.assertEqual(self.image_ids(), [])
            self.assert_clean()


class Policy(LoadSaveTest):
    """policy.json is asked before anything is loaded or imported."""

    def policy(self, **transports):
        """Everything is rejected but what these say."""
        document = {"default": [{"type": "reject"}], "transports": transports}
        (self.config / "policy.json").write_text(json.dumps(document), encoding="ascii")

    def refused(self, *args, says="is rejected by policy"):
        """Exit code 125, the reason, and nothing in the store."""
        done = self.fetch(*args, code=125)
        self.assertIn(says, done.stderr)
        self.assertEqual((self.image_ids(), self.layer_dirs()), ([], []))

    def test_load(self):
        accept = [{"type": "insecureAcceptAnything"}]
        layout = self.make("busybox")
        archives = {"oci": layout}
        for form in ("docker-archive", "oci-archive", "dir"):
            archives[form] = images.convert(layout, {"dir": "docker-dir"}.get(form, form))
        for form, path in archives.items():
            with self.subTest(form):
                self.policy()
                done = self.fetch("load", "--input", path, code=125)
                self.assertTrue(done.stderr.startswith(f"Error: Source image rejected: Running image {form}:{path}"), done.stderr)
                self.policy(**{other: {"": accept} for other in archives if other != form})
                self.refused("load", "--input", path)
                self.policy(**{form: {"": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/x"}]}})
                self.refused("load", "--input", path, says="Source image rejected: A signature was required, but no signature exists")
                if form != "docker-archive":
                    self.policy(**{form: {str(path.parent): accept, "": [{"type": "reject"}]}})
                    self.fetch("load", "--input", path)
                    self.other_store()
                self.policy(**{form: {"": accept}})
                self.fetch("load", "--input", path)
                self.other_store()

    def test_one_of_several(self):
        """An archive with one image that is refused brings none."""
        layout = self.base / "two"
        for name, make in (("good:1", "busybox"), ("bad:2", "features")):
            tool("skopeo", "--insecure-policy", "copy", "-q", f"oci:{self.make(make)}", f"oci:{layout}:{name}")
        self.policy(oci={"": [{"type": "insecureAcceptAnything"}], f"{layout}:bad:2": [{"type": "reject"}]})
        self.refused("load", "--input", layout)
        self.fetch("load", "--input", layout, "--reference", "good:1")

    def test_import(self):
        archive = self.base / "root.tar"
        tool("tar", "-C", "/etc", "-cf", str(archive), "hostname")
        self.policy(**{"docker-archive": {"": [{"type": "insecureAcceptAnything"}]}})
        self.refused("import", archive)
        (self.config / "policy.json").write_text("{", encoding="ascii")
        self.refused("import", archive, says="nothing is accepted")
        self.policy(tarball={"": [{"type": "insecureAcceptAnything"}]})
        self.fetch("import", archive)


class Save(LoadSaveTest):
    """What skiff writes, others read."""

    def check_saved(self, layout):
        """All formats: equal diff ids for skopeo, an equal tree for umoci, the same image for us."""
        self.fetch("load", "--name", "localhost/it:latest", "--input", layout, timeout=120)
        config = images.read_config(layout)
        tree = mounted_tree(self)
        out = self.base / "out"
        out.mkdir()
        sources = {"docker-archive": f"docker-archive:{out}/docker-archive", "oci-archive": f"oci-archive:{out}/oci-archive",
                   "oci-dir": f"oci:{out}/oci-dir", "docker-dir": f"dir:{out}/docker-dir"}
        first_store = self.store
        for form, source in sources.items():
            with self.subTest(form=form):
                self.store = first_store
                self.fetch("save", "--format", form, "--output", out / form, "localhost/it", timeout=120)
                self.assertEqual(diff_ids(source), config["rootfs"]["diff_ids"])
                tool("skopeo", "--insecure-policy", "copy", "-q", source, f"oci:{out}/{form}-copy:x")
                self.other_store()
                self.fetch("load", "--input", out / form, timeout=120)
                self.assertEqual(mounted_tree(self), tree)
        return out

    def test_features(self):
        """All that a layer can hold comes back byte for byte."""
        self.check_saved(self.make("features"))

    def test_umoci_reads_it(self):
        """umoci unpacks our layout to the same contents."""
        layout = self.make("features")
        self.fetch("load", "--name", "localhost/it:latest", "--input", layout)
        out = self.base / "layout"
        self.fetch("save", "--format", "oci-dir", "--output", out, "localhost/it")
        bundle = self.base / "bundle"
        tool("umoci", "unpack", *images.umoci_options(), "--image", f"{out}:localhost/it:latest", str(bundle))
        root = bundle / "rootfs"
        self.assertEqual((root / "links/c").read_bytes(), b"one inode\n")
        self.assertFalse((root / "opaque/old").exists())
        names = {path.relative_to(root).as_posix() for path in root.rglob("*")}
        ours = {name.encode("latin-1").decode() for name in mounted_tree(self)}
        self.assertEqual(names, ours)

    def test_busybox(self):
        """The plain case."""
        self.check_saved(self.make("busybox"))

    def test_many_layers(self):
        """120 layers through a docker-archive."""
        layout = self.make("many_layers")
        self.fetch("load", "--name", "localhost/it:latest", "--input", layout, timeout=120)
        self.fetch("save", "--output", self.base / "out.tar", "localhost/it", timeout=120)
        self.assertEqual(diff_ids(f"docker-archive:{self.base}/out.tar"), images.read_config(layout)["rootfs"]["diff_ids"])

    def test_several_images(self):
        """-m: several images in one archive share their layers; without it names are tags."""
        self.fetch("load", "--name", "localhost/one:latest", "--input", self.make("busybox"))
        self.fetch("load", "--name", "localhost/two:2", "--input", self.make("features"))
        out = self.base / "both.tar"
        self.fetch("save", "--multi", "--output", out, "one", "two:2")
        with tarfile.open(out) as tar:
            names = tar.getnames()
            manifest = json.load(tar.extractfile("manifest.json"))
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual([entry["RepoTags"] for entry in manifest], [["localhost/one:latest"], ["localhost/two:2"]])
        self.other_store()
        done = self.fetch("load", "--input", out)
        self.assertEqual(done.lines, ["Loaded image: localhost/one:latest", "Loaded image: localhost/two:2"])
        done = self.fetch("save", "--format", "docker-dir", "--multi", "--output", self.base / "dir", "one", "two:2", code=125)
        self.assertIn('unsupported format "docker-dir" for saving multiple images', done.stderr)

    def test_several_images_for_others(self):
        """What skopeo finds under each name in an archive of several, and what we find there."""
        expected = {}
        for name, layout in (("localhost/one:latest", self.make("busybox")), ("localhost/two:2", self.make("features"))):
            self.fetch("load", "--name", name, "--input", layout)
            expected[name] = images.read_config(layout)["rootfs"]["diff_ids"]
        store, ids = self.store, self.image_ids()
        for form, source in (("docker-archive", "docker-archive"), ("oci-archive", "oci-archive"), ("oci-dir", "oci")):
            with self.subTest(form):
                out = self.base / form
                self.store = store
                self.fetch("save", "--multi", "--format", form, "--output", out, *expected)
                for name, layers in expected.items():
                    self.assertEqual(diff_ids(f"{source}:{out}:{name}"), layers)
                self.other_store()
                done = self.fetch("load", "--input", out)
                self.assertEqual(done.lines, [f"Loaded image: {name}" for name in expected])
                self.assertEqual(self.image_ids(), ids)
                self.other_store()
                self.assertEqual(self.fetch("load", "--input", out, "--reference", "localhost/two:2").lines, ["Loaded image: localhost/two:2"])

    def test_one_image_of_several_names(self):
        """Two tags are two names of one image, in every format that has names."""
        self.fetch("load", "--name", "localhost/one:latest", "--name", "localhost/same:3", "--input", self.make("busybox"))
        store = self.store
        for form in ("docker-archive", "oci-archive"):
            with self.subTest(form):
                self.store = store
                self.fetch("save", "--multi", "--format", form, "--output", self.base / form, "one", "same:3")
                self.other_store()
                done = self.fetch("load", "--input", self.base / form)
                self.assertEqual(done.lines, ["Loaded image: localhost/one:latest", "Loaded image: localhost/same:3"])
                self.assertEqual(len(self.image_ids()), 1)

    def test_layout_of_skopeo_with_several_images(self):
        """An oci-archive of two images that another tool put together."""
        layout = self.base / "theirs"
        for name, make in (("first:1", "busybox"), ("second:2", "features")):
            tool("skopeo", "--insecure-policy", "copy", "-q", f"oci:{self.make(make)}", f"oci:{layout}:{name}")
        tool("tar", "-C", str(layout), "-cf", str(self.base / "theirs.tar"), ".")
        done = self.fetch("load", "--input", self.base / "theirs.tar")
        self.assertEqual(done.lines, ["Loaded image: localhost/first:1", "Loaded image: localhost/second:2"])
        self.assertEqual(len(self.image_ids()), 2)

    def test_compression(self):
        """gzip and zstd, with levels; what makes no sense is refused."""
        layout = self.make("busybox")
        self.fetch("load", "--name", "localhost/it:latest", "--input", layout)
        sizes = {}
        for options in (("gzip", "1"), ("gzip", "9"), ("zstd", "1"), ("zstd", "19")):
            with self.subTest(options):
                out = self.base / "-".join(options)
                self.fetch("save", "--format", "oci-dir", "--compression-format", options[0], "--compression-level", options[1],
                           "--output", out, "it", timeout=120)
                index = json.loads((out / "index.json").read_text())
                layer = json.loads(images.read_blob(out, index["manifests"][0]["digest"]))["layers"][0]
                self.assertTrue(layer["mediaType"].endswith("+" + options[0]))
                self.assertEqual(images.read_blob(out, layer["digest"])[:2], b"\x1f\x8b" if options[0] == "gzip" else b"\x28\xb5")
                sizes[options] = layer["size"]
                tool("skopeo", "--insecure-policy", "copy", "-q", f"oci:{out}:localhost/it:latest", f"dir:{out}-copy")
                self.other_store()
                self.fetch("load", "--input", out)
                self.store = self.base / "store"
        self.assertLess(sizes["gzip", "9"], sizes["gzip", "1"])
        self.assertLess(sizes["zstd", "19"], sizes["zstd", "1"])
        for options, says in ((["--compression-format", "zstd"], "docker-archive"),
                              (["--format", "docker-dir", "--compression-format", "zstd"], "no layers compressed with zstd"),
                              (["--format", "oci-dir", "--uncompressed", "--compression-level", "3"], "--uncompressed"),
                              (["--format", "oci-dir", "--compression-level", "0"], "compression level 0"),
                              (["--format", "oci-dir", "--compression-level", "10"], "compression level 10"),
                              (["--format", "oci-dir", "--compression-format", "bzip2"], "bzip2")):
            done = self.fetch("save", *options, "--output", self.base / "wrong", "it", code=125)
            self.assertIn(says, done.stderr)
            self.assertFalse((self.base / "wrong").exists())

    def test_by_id(self):
        """An image saved by its id has no name."""
        self.fetch("load", "--input", self.make("busybox"))
        out = self.base / "out.tar"
        self.fetch("save", "--output", out, self.image_ids()[0][:12])
        with tarfile.open(out) as tar:
            self.assertEqual(json.load(tar.extractfile("manifest.json"))[0]["RepoTags"], [])

    def test_layout_keeps_other_images(self):
        """A second image goes into a layout beside the first."""
        out = self.base / "layout"
        self.fetch("load", "--name", "localhost/one:latest", "--name", "localhost/two:latest", "--input", self.make("busybox"))
        for name in ("one", "two", "one"):
            self.fetch("save", "--format", "oci-dir", "--output", out, name)
        index = json.loads((out / "index.json").read_text())
        self.assertEqual(sorted(entry["annotations"]["org.opencontainers.image.ref.name"] for entry in index["manifests"]),
                         ["localhost/one:latest", "localhost/two:latest"])

    def test_changed_layer_is_noticed(self):
        """A flipped byte in the store does not go out as the image."""
        self.fetch("load", "--name", "localhost/it:latest", "--input", self.make("busybox"))
        path = next(path for diff in self.layer_dirs() for path in diff.rglob("passwd"))
        path.write_bytes(path.read_bytes().replace(b"root", b"toor"))
        out = self.base / "out.tar"
        done = self.fetch("save", "--output", out, "it", code=125)
        self.assertRegex(done.stderr, "^Error: .*has changed")
        self.assertFalse(out.exists())
        self.assertEqual(list(self.base.glob("out.tar*")), [])

    def test_unknown_image(self):
        """No such image, no file."""
        done = self.fetch("save", "--output", self.base / "out.tar", "nothing", code=125)
        self.assertEqual(done.stderr, "Error: nothing: image not known\n")
        self.assertFalse((self.base / "out.tar").exists())


class Import(LoadSaveTest):
    """A root file system becomes an image."""

    def archive(self):
        """A small tar."""
        path = self.base / "root.tar"
        images.write_tar(path, [images.directory_entry("etc", 0o750), (images.entry("etc/x"), b"content\n")])
        return path

    def test_import(self):
        """The id is printed, the config has what was asked for."""
        done = self.fetch("import", "--name", "localhost/imported:1", "--change", 'CMD ["/x"]', "--change", "ENV A=b",
                          "--message", "by hand", self.archive())
        self.assertEqual(done.word, f"sha256:{self.image_ids()[0]}")
        config = json.loads((self.store / "images" / self.image_ids()[0] / "config.json").read_text())
        self.assertEqual(config["config"], {"Cmd": ["/x"], "Env": ["A=b"]})
        self.assertEqual(config["history"][0]["comment"], "by hand")
        self.assertEqual((self.layer_dirs()[0] / "etc/x").read_bytes(), b"content\n")
        out = self.base / "out.tar"
        self.fetch("save", "--output", out, "imported:1")
        self.assertEqual(diff_ids(f"docker-archive:{out}"), config["rootfs"]["diff_ids"])

    def test_compressed_stdin(self):
        """gzip through a pipe."""
        packed = subprocess.run(["gzip", "-c", self.archive()], check=True, capture_output=True).stdout
        done = subprocess.run(self.command("import", "-"), input=packed, capture_output=True, check=False,
                              env=self.environment())
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(len(self.image_ids()), 1)

    def test_wrong_change(self):
        """A wrong instruction costs nothing."""
        done = self.fetch("import", "--change", "RUN x", self.archive(), code=125)
        self.assertRegex(done.stderr, '^Error: .*"RUN x"')
        self.assertEqual(self.layer_dirs(), [])

    def test_not_a_tar(self):
        """Bytes that are no tar."""
        path = self.base / "noise"
        path.write_bytes(bytes(range(256)) * 40)
        done = self.fetch("import", path, code=125)
        self.assertRegex(done.stderr, "^Error: .*malformed")
        self.assertEqual(self.image_ids(), [])
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
