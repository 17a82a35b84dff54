# SPDX-License-Identifier: Apache-2.0
"""image prune, tree, diff, mount; search: what podman's users expect of them."""

import io
import json
import os
import re
import tarfile

from tests.support.fault_registry import BASIC, PASSWORD, USER, FaultRegistry, Image, Response
from tests.support.skiff import SkiffTest


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


class Digests(VerbTest):
    """Images that came without a manifest have one: as podman, which keeps one for each."""

    def check(self, name, repositories, form="oci.image.manifest.v1"):
        seen = self.skiff("image", "inspect", name).json[0]
        self.assertRegex(seen["Digest"], "^sha256:[0-9a-f]{64}$")
        self.assertEqual(seen["RepoDigests"], [f"{one}@{seen['Digest']}" for one in repositories])
        self.assertEqual(seen["ManifestType"].rpartition("vnd.")[2], form + "+json")
        row = next(line.split() for line in self.skiff("images", "--digests", "--no-trunc").lines if seen["Id"] in line)
        self.assertIn(seen["Digest"], row)
        entry = next(entry for entry in self.skiff("images", "--format", "json").json if entry["Id"] == seen["Id"])
        self.assertEqual((entry["Digest"], entry["RepoDigests"]), (seen["Digest"], seen["RepoDigests"]))
        for one in repositories:
            found = self.skiff("image", "inspect", "-f", "{{.Id}}", f"{one}@{seen['Digest']}").word
            self.assertEqual(found, seen["Id"])
        self.skiff("image", "exists", f"localhost/stranger@{seen['Digest']}", code=1)
        return seen["Digest"]

    def test_made_here(self):
        self.make("imported", {"a": b"1"})
        digest = self.check("imported", ["localhost/imported"])
        self.skiff("tag", "imported", "registry.example:5/team/also:2")
        self.check("imported", ["localhost/imported", "registry.example:5/team/also"])
        self.skiff("untag", "imported", "registry.example:5/team/also:2")
        archive = self.tmp / "archive.tar"
        self.skiff("save", "-q", "-o", archive, "imported")
        self.skiff("rmi", "imported")
        self.skiff("load", "-q", "-i", archive)
        self.assertEqual(self.check("imported", ["localhost/imported"]), digest)
        self.skiff("create", "--name", "c", f"localhost/imported@{digest}", "/a")
        self.skiff("rm", "c")
        self.skiff("system", "check")

    def test_save_compress(self):
        """For a docker-dir alone, as podman has it; its layers are compressed in any case."""
        self.make("it", {"a": b"1" * 5000})
        self.skiff_fails("save", "--compress", "-o", self.tmp / "no", "it", says="--compress can only be set when --format is 'docker-dir'")
        self.skiff_fails("save", "--compress", "--uncompressed", "--format", "docker-dir", "-o", self.tmp / "no", "it", says="exclude each other")
        out = self.tmp / "out"
        self.skiff("save", "-q", "--compress", "--format", "docker-dir", "-o", out, "it")
        layer = json.loads((out / "manifest.json").read_text())["layers"][0]
        self.assertEqual((out / layer["digest"].partition(":")[2]).read_bytes()[:2], b"\x1f\x8b")
        self.skiff("push", "-q", "--compress", "it", f"dir:{self.tmp}/pushed")

    def test_built_on_a_digest(self):
        """FROM takes what inspect says, and needs no registry for it."""
        self.make("below", {"a": b"1"})
        digest = self.check("below", ["localhost/below"])
        (self.tmp / "Dockerfile").write_text(f"FROM localhost/below@{digest}\nHEALTHCHECK CMD x\n")
        self.skiff("build", "-q", "-t", "built", self.tmp)
        self.check("built", ["localhost/built"], "docker.distribution.manifest.v2")
        self.skiff("build", "-q", "-t", "built", "--format", "oci", self.tmp)
        self.check("built", ["localhost/built"])


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
        question = ("WARNING! This command removes all dangling images.\n"
                    "Are you sure you want to continue? [y/N] ")
        for answer in ("n\n", "\n", "no\n"):
            done = self.skiff("image", "prune", input=answer)
            self.assertEqual((done.stdout, done.stderr), (question, ""))
        self.assertEqual(self.skiff_fails("image", "prune", input="", says="Error: EOF").stdout, question)
        self.assertIn(nameless, self.ids())
        self.assertEqual(self.skiff("image", "prune", input="Yes\n").stdout, f"{question}{nameless}\n")
        done = self.skiff("image", "prune", "-a", input="n\n")
        self.assertIn("WARNING! This command removes all images without at least one container associated with them.\n", done.stdout)

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


class Damaged(VerbTest):
    """What cannot be read is said, not left out."""

    def test_damage(self):
        """A layer without its record: what shows layers fails, and prints nothing. So with a manifest."""
        self.make("torn", {"a": b"torn"})
        store = self.state_directories()["store/names"].parent
        info = self.skiff("inspect", "torn").json[0]
        layer = store / "layers" / info["RootFS"]["Layers"][0].removeprefix("sha256:") / "layer.json"
        saved = layer.read_bytes()
        layer.write_bytes(b"{")
        for verb in (["image", "tree"], ["image", "tree", "--whatrequires"], ["history"]):
            done = self.skiff_fails(*verb, "torn", says=" has a broken record: ")
            self.assertEqual(done.stdout, "")
        layer.write_bytes(saved)
        self.skiff("image", "tree", "torn")
        busybox = self.skiff("inspect", "busybox").json[0]
        manifest = store / "images" / busybox["Id"] / "manifests" / busybox["Digest"]
        saved = manifest.read_bytes()
        manifest.write_bytes(b"{")
        self.skiff_fails("image", "inspect", "busybox", says=f"Error: image '{busybox['Id'][:12]}': ")
        manifest.write_bytes(saved)
        self.skiff("image", "inspect", "busybox")


class Diff(VerbTest):
    images = ["busybox", "features"]

    def tearDown(self):
        for name in ("one", "two"):
            self.skiff("rmi", "-i", name)
        SkiffTest.tearDown(self)

    def test_one_layer(self):
        self.make("one", {"etc/passwd": b"x", "etc/hosts": b"y", "bin/sh": b"z", "a\x1b[31mb": b""})
        self.assertEqual(self.skiff("image", "diff", "one").lines, ["A /a\x1b[31mb", "A /bin", "A /bin/sh", "A /etc", "A /etc/passwd"])

    def test_two_images(self):
        self.make("one", {"same": b"1", "grows": b"1", "dir/x": b"", "goes/a": b"", "goes/b": b"", "becomes": b""})
        self.make("two", {"same": b"1", "grows": b"12", "dir/y": b"", "becomes/dir": b"", "new/sub/file": b""})
        expected = ["C /becomes", "A /becomes/dir", "C /dir", "D /dir/x", "A /dir/y", "D /goes", "C /grows", "A /new", "A /new/sub",
                    "A /new/sub/file"]
        self.assertEqual(self.skiff("image", "diff", "two", "one").lines, expected)
        done = self.skiff("image", "diff", "--format", "json", "two", "one").json
        self.assertEqual({key: done[key] for key in done}, {
            "changed": [line[2:] for line in expected if line[0] == "C"], "added": [line[2:] for line in expected if line[0] == "A"],
            "deleted": [line[2:] for line in expected if line[0] == "D"]})
        self.assertEqual(self.skiff("image", "diff", "one", "one").stdout, "")
        self.assertEqual(self.skiff("image", "diff", "--format", "json", "one", "one").json, {})

    def test_whiteouts_and_foreign_owners(self):
        self.need_ids()
        self.assertEqual(self.skiff("image", "diff", "features").lines, ["A /sparse"])
        lines = self.skiff("image", "diff", "features", "busybox").lines
        added = self.skiff("image", "diff", "--format", "json", "features", "busybox").json["added"]
        self.assertEqual(added, sorted(added, key=lambda path: path.encode().split(b"/")))
        self.assertIn("/names/new\nline", added)
        for line in ("A /kept", "A /kept/file", "A /modes/closed-dir", "A /sparse"):
            self.assertIn(line, lines)
        for path in ("/kept/removed", "/gone", "/opaque/old"):
            self.assertFalse([line for line in lines if line[2:] == path], "hidden by a whiteout")

    def test_wrong_lines(self):
        self.skiff_fails("image", "diff", "nope", says="Error: nope not found: nope: image not known")
        self.skiff_fails("image", "diff", "busybox", "nope", says="Error: nope: image not known")
        self.skiff_fails("image", "diff", "--format", "table", "busybox", says="only supported value for '--format' is 'json'")
        self.skiff_fails("image", "diff", "--latest", "busybox", says="Error: unknown flag: --latest")


class Mount(SkiffTest):
    images = ["busybox", "features"]

    def unshared(self, script, **options):
        """A script where mounting is allowed."""
        if os.geteuid() == 0:
            self.skipTest("of users: root mounts where it is")
        return self.skiff("unshare", "sh", "-ec", script, **options)

    def test_mount_and_unmount(self):
        done = self.unshared("path=$(skiff image mount busybox); ls $path/bin/busybox; touch $path/x 2>&1 || true; skiff image mount;"
                             "skiff image unmount busybox; ls -d $path 2>&1 || true; skiff image mount")
        lines = done.lines
        self.assertRegex(lines[0], r"/skiff/mounts/\d+-[0-9a-f]{64}/bin/busybox$")
        path = lines[0].removesuffix("/bin/busybox")
        self.assertIn("Read-only file system", lines[1])
        self.assertEqual(lines[2], f"localhost/busybox:latest  {path}")
        self.assertEqual(lines[3], self.skiff("inspect", "--format", "{{.Id}}", "busybox").word)
        self.assertIn("No such file or directory", lines[4])
        self.assertEqual(len(lines), 5)

    def test_all(self):
        done = self.unshared("skiff image mount -a --format json; skiff image unmount -a")
        text, _, rest = done.stdout.rpartition("]")
        mounts = json.loads(text + "]")
        self.assertEqual(sorted(mount["Repositories"] for mount in mounts), [["localhost/busybox:latest"], ["localhost/features:latest"]])
        self.assertEqual(sorted(rest.split()), sorted(mount["id"] for mount in mounts))
        self.assertEqual({key for mount in mounts for key in mount}, {"id", "Repositories", "mountpoint"})

    def test_layers_are_one_tree(self):
        lines = self.unshared("path=$(skiff image mount features); ls $path/opaque $path/kept; skiff image unmount features").lines
        self.assertNotIn("old", lines)
        self.assertNotIn("removed", lines)
        self.assertIn("file", lines)

    def test_mounts_go_with_their_namespace(self):
        first = self.unshared("skiff image mount busybox").word
        self.assertEqual(os.listdir(first), [])
        # Who mounts next removes the directory that nobody needs any more, and not that of one who lives.
        holder = self.start("unshare", "sh", "-c", "skiff image mount busybox; read line; ls $(skiff image mount busybox)/bin/busybox;"
                            "skiff image unmount busybox", stdin=-1)
        second = holder.stdout.readline().decode().strip()
        # A new namespace may have the number of the old one.
        self.assertEqual(os.listdir(os.path.dirname(first)), [os.path.basename(second)])
        self.unshared("skiff image mount features; skiff image unmount features")
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline().decode().strip(), second + "/bin/busybox")
        holder.wait()
        self.assertFalse(os.path.exists(second))

    def test_refused_outside(self):
        if os.geteuid() == 0:
            self.skipTest("root may")
        says = "in rootless mode, must execute `skiff unshare` first"
        self.skiff_fails("image", "mount", "busybox", says=says)
        self.skiff_fails("image", "unmount", "busybox", says=says)
        self.assertEqual(self.skiff("image", "mount").stdout, "")

    def test_wrong_lines(self):
        self.skiff_fails("image", "mount", "-a", "busybox", says="when using the --all switch")
        self.skiff_fails("image", "unmount", says="image name or ID must be specified")
        self.skiff_fails("image", "mount", "--format", "x", says="unknown --format argument")
        done = self.unshared("skiff image unmount busybox", check=False)
        self.assertEqual(done.code, 125)
        self.assertIn("is not mounted", done.stderr)
        self.assertEqual(self.unshared("skiff image unmount --force busybox").stdout, "")


class Search(SkiffTest):
    """Against a registry with the old search API, and one with a catalogue."""

    RESULTS = [
        {"name": "alpine", "description": "A minimal image", "star_count": 900, "is_official": True, "is_automated": False},
        {"name": "team/alpine-extra", "description": "line one\nline two " + "long " * 20, "star_count": 2, "is_official": False,
         "is_automated": True},
        {"name": "Not A Name", "description": "", "star_count": 1},
        {"name": "esc", "description": "\u001b[31mred", "star_count": "many"},
    ]

    def registry(self, script, **options):
        """A registry, configured as insecure and the only one that is searched."""
        registry = FaultRegistry(options.pop("image", ()), script=script, **options)
        registry.__enter__()
        self.addCleanup(registry.__exit__)
        config = self.home / ".config/containers"
        config.mkdir(parents=True, exist_ok=True)
        (config / "registries.conf").write_text(f'unqualified-search-registries = ["{registry.host}"]\n'
                                                f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n', encoding="ascii")
        return registry

    def old_api(self, **options):
        """A registry with /v1/search."""
        return self.registry(lambda request: Response(200, {}, json.dumps({"results": self.RESULTS}).encode())
                             if request.path == "/v1/search" else None, **options)

    def test_old_api(self):
        registry = self.old_api()
        done = self.skiff("search", "alpine")
        self.assertEqual([line.split()[0] for line in done.lines], ["NAME", f"{registry.host}/alpine", f"{registry.host}/team/alpine-extra"])
        self.assertRegex(done.lines[2], r"  line one line two long long .*\.\.\.$")
        self.assertEqual([r.target for r in registry.requests if "/v1/" in r.path], ["/v1/search?q=alpine&n=25"])
        whole = self.skiff("search", "--no-trunc", "--format", "{{.Description}}", f"{registry.host}/alpine").lines
        self.assertEqual(whole[1], "line one line two " + "long " * 20)
        row = self.skiff("search", "--format", "json", "--limit", "1", "alpine").json
        self.assertEqual(row, [{"Index": registry.host, "Name": f"{registry.host}/alpine", "Description": "A minimal image", "Stars": 900,
                                "Official": "[OK]", "Automated": ""}])
        self.assertIn("AUTOMATED", self.skiff("search", "--compatible", "alpine").lines[0])

    def test_filters(self):
        registry = self.old_api()
        for condition, names in (("stars=3", ["alpine"]), ("is-official", ["alpine"]), ("is-official=false", ["team/alpine-extra"]),
                                 ("is-automated=true", ["team/alpine-extra"]), ("stars=2", ["alpine", "team/alpine-extra"])):
            found = self.skiff("search", "-f", condition, "--format", "{{.Name}}", "alpine").lines
            self.assertEqual(found, [f"{registry.host}/{name}" for name in names], condition)
        before = len(registry.requests)
        self.skiff_fails("search", "-f", "colour=red", "alpine", says='invalid filter type "colour"')
        self.skiff_fails("search", "-f", "stars=x", "alpine", says="incorrect value type for stars filter")
        self.assertEqual(len(registry.requests), before)

    def test_catalogue_in_pages(self):
        def script(request):
            if request.path != "/v2/_catalog":
                return None
            last = request.query.get("last", [""])[0]
            if last:
                return Response(200, {}, json.dumps({"repositories": ["z/app", "BAD NAME"]}).encode())
            return Response(200, {"Link": '</v2/_catalog?last=m&n=2>; rel="next"'}, json.dumps({"repositories": ["a/app", "m/other"]}).encode())
        registry = self.registry(script)
        done = self.skiff("search", "--format", "{{.Name}}", "app")
        self.assertEqual(done.lines, [f"{registry.host}/a/app", f"{registry.host}/z/app"])
        self.assertEqual(self.skiff("search", "--format", "{{.Name}}", f"{registry.host}/").lines,
                         [f"{registry.host}/{name}" for name in ("a/app", "m/other", "z/app")])
        self.assertEqual(self.skiff("search", "nothing-like-it").stdout, "")

    def test_tags(self):
        image = Image(name="team/app", tag="v1")
        registry = self.registry(lambda request: Response(200, {}, b'{"name":"x","tags":["v1","v2","-bad"]}')
                                 if request.path == "/v2/team/app/tags/list" else None, image=image)
        name = f"{registry.host}/team/app"
        lines = self.skiff("search", "--list-tags", name).lines
        self.assertEqual([line.split() for line in lines], [["NAME", "TAG"], [name, "v1"], [name, "v2"]])
        self.assertEqual(self.skiff("search", "--list-tags", "--limit", "1", "--format", "{{.Tag}}", name).lines, ["v1"])
        self.assertEqual(self.skiff("search", "--list-tags", "--format", "json", name).json, [{"Name": name, "Tags": ["v1", "v2"]}])
        self.skiff_fails("search", "--list-tags", name + ":v1", says="without tag or digest")
        self.skiff_fails("search", "--list-tags", "-f", "stars=1", name, says="filters are not applicable to list tags result")
        self.skiff_fails("search", "--list-tags", f"{registry.host}/no/such", says="listing tags in")

    def test_credentials_and_scope(self):
        registry = self.registry(lambda request: Response(200, {}, b'{"repositories":["a/app"]}')
                                 if request.path == "/v2/_catalog" and request.header("Authorization", ) else None, auth="bearer")
        done = self.skiff("search", "--creds", f"{USER}:{PASSWORD}", "--format", "{{.Name}}", "app")
        self.assertEqual(done.lines, [f"{registry.host}/a/app"])
        scopes = {request.query["scope"][0] for request in registry.requests if request.path == "/token"}
        self.assertEqual(scopes, {"registry:catalog:*"})
        self.assertFalse([r for r in registry.requests if r.path == "/v1/search" and r.header("Authorization")])
        self.assertTrue(registry.requests_with(BASIC))

    def test_failures(self):
        registry = self.registry(lambda request: Response(500) if "/v2/_catalog" in request.path else None)
        self.skiff_fails("search", f"{registry.host}/x", says=f'couldn\'t search registry "{registry.host}": ', timeout=90)
        registry.script = lambda request: Response(200, {}, b"<html>") if request.path != "/v2/" else None
        self.skiff_fails("search", f"{registry.host}/x", says="couldn't search registry")
        self.skiff_fails("search", says="accepts 1 arg(s), received 0")
        self.skiff_fails("search", "--list-tags", "", says='Error: reference "" must be a docker reference')
        self.skiff_fails("search", "--list-tags", "localhost:1/UPPER", says='Error: reference "UPPER" must be a docker reference')

    def test_no_registry_is_searched(self):
        """Nothing is found, which is no error."""
        config = self.home / ".config/containers"
        config.mkdir(parents=True, exist_ok=True)
        (config / "registries.conf").write_text("unqualified-search-registries = []\n", encoding="utf-8")
        for term in ("", "app"):
            done = self.skiff("search", term)
            self.assertEqual((done.stdout, done.stderr), ("", ""))
        self.skiff_fails("search", "--limit", "x", "y", says="x")
