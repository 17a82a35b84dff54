# SPDX-License-Identifier: Apache-2.0
"""image prune, tree, diff, mount; search: what podman's users expect of them."""

import io
import json
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
        self.skiff_fails("search", "--limit", "x", "y", says="x")
