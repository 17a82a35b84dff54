# SPDX-License-Identifier: Apache-2.0
"""push: to Debian's docker-registry, from where skopeo and we pull it again, and to a registry that
misbehaves. What arrives is exactly the image; nothing is sent twice; no credential goes elsewhere."""

import gzip
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from tests.support import images
from tests.support.fault_registry import BASIC, DOCKER_MANIFEST, OCI_MANIFEST, PASSWORD, TOKEN, USER, FaultRegistry, Image, Response, digest
from tests.support.fetch import Authority, FetchTest
from tests.support.images import tool
from tests.support.skiff import SLOWNESS, SkiffTest, Tty
from tests.system import test_pull_registry as real

MIB = 1 << 20


def inflate(blob, media_type):
    """The tar in a layer's blob."""
    if media_type.endswith("gzip"):
        return gzip.decompress(blob)
    if media_type.endswith("zstd"):
        return subprocess.run(["zstd", "-dc"], input=blob, stdout=subprocess.PIPE, check=True).stdout
    return blob


class PushTest(FetchTest):
    """A store with an image, and ways to push it."""

    def load(self, layout, name="localhost/app:latest"):
        """Load a layout and return the image's id."""
        done = self.fetch("load", "--input", layout, "--name", name, "--ids", timeout=120)
        return done.word

    def push(self, *args, **options):
        """Push, with short delays between attempts."""
        return self.fetch("push", "--retry", "3", "--retry-delay", "50ms", *args, **options)

    def push_fails(self, *args, says=None, **options):
        """Push what must be refused: exit code 125 and one line of reason."""
        done = self.push(*args, code=125, **options)
        error = next((line for line in done.stderr.splitlines() if line.startswith("Error: ")), "")
        self.assertTrue(error, str(done))
        if says:
            self.assertRegex(error, says)
        self.assertNotIn("Pushed", done.stderr)
        self.assert_clean()
        return done

    def digest_of(self, done):
        """The digest that a push printed."""
        return re.search(r"^Digest: (sha256:[0-9a-f]{64})$", done.stderr, re.M)[1]


class RealRegistry(real.RegistryTest, PushTest):
    """TLS and a password."""

    def check_layers(self, name, image_id):
        """Every layer in the registry is what the config says, and the config is the image."""
        _, manifest, content_type = self.manifest(name)
        repository = name.rpartition(":")[0]
        self.assertEqual(manifest["config"]["digest"], f"sha256:{image_id}")
        config, _ = self.raw("GET", f"/v2/{repository}/blobs/sha256:{image_id}")
        self.assertEqual(digest(config), f"sha256:{image_id}")
        diff_ids = json.loads(config)["rootfs"]["diff_ids"]
        self.assertEqual(len(manifest["layers"]), len(diff_ids))
        for layer, diff_id in zip(manifest["layers"], diff_ids):
            blob, _ = self.raw("GET", f"/v2/{repository}/blobs/{layer['digest']}")
            self.assertEqual((digest(blob), len(blob)), (layer["digest"], layer["size"]))
            self.assertEqual(digest(inflate(blob, layer["mediaType"])), diff_id)
        return manifest, content_type

    def test_round_trip(self):
        layout = images.features()
        image_id = self.load(layout)
        self.log_in()
        name = "pushed/features:v1"
        done = self.push("localhost/app", f"{self.registry.host}/{name}")
        self.assertEqual(done.stdout, "")
        lines = done.stderr.splitlines()
        self.assertEqual(lines[0], "Getting image source signatures")
        self.assertEqual(len([line for line in lines if re.fullmatch("Copying blob [0-9a-f]{12} done", line)]), 5)
        self.assertEqual(lines[6:8], [f"Copying config {image_id[:12]} done", "Writing manifest to image destination"])
        self.assertRegex(lines[8], rf"^Pushed {self.registry.host}/{name} in .* s \(5 layers, .*B\)$")
        manifest, content_type = self.check_layers(name, image_id)
        self.assertEqual(content_type, OCI_MANIFEST)
        data, _, _ = self.manifest(name)
        self.assertEqual(self.digest_of(done), digest(data))

        self.registry.fetch(name, f"oci:{self.base}/copy:latest")
        self.assertEqual(images.read_config(self.base / "copy")["rootfs"], images.read_config(layout)["rootfs"])
        self.store = self.base / "other"
        self.assertEqual(self.pull(f"{self.registry.host}/{name}").word, image_id)
        self.assertEqual(len(manifest["layers"]), len(self.layer_dirs()))
        self.assert_clean()

    def test_second_push_sends_nothing(self):
        self.load(self.layout)
        self.log_in()
        for name in ("twice/app:v1", "twice/app:v2"):
            done = self.push("localhost/app", f"{self.registry.host}/{name}")
        self.assertRegex(done.stderr, r"Copying blob [0-9a-f]{12} skipped: already exists\n")
        self.assertRegex(done.stderr, r"\(1 layer, 0 B, 1 reused\)")

    def test_forms(self):
        image_id = self.load(self.layout)
        self.log_in()
        forms = {
            "docker": (["--format", "v2s2"], DOCKER_MANIFEST, "application/vnd.docker.image.rootfs.diff.tar.gzip"),
            "oci": (["--format", "oci"], OCI_MANIFEST, "application/vnd.oci.image.layer.v1.tar+gzip"),
            "zstd": (["--compression-format", "zstd"], OCI_MANIFEST, "application/vnd.oci.image.layer.v1.tar+zstd"),
            "best": (["--compression-format", "gzip", "--compression-level", "9", "--format", "v2s2"],
                     DOCKER_MANIFEST, "application/vnd.docker.image.rootfs.diff.tar.gzip"),
        }
        for form, (options, manifest_type, layer_type) in forms.items():
            with self.subTest(form):
                name = f"pushforms/{form}:latest"
                self.push(*options, "localhost/app", f"{self.registry.host}/{name}")
                manifest, content_type = self.check_layers(name, image_id)
                self.assertEqual(content_type, manifest_type)
                self.assertEqual([layer["mediaType"] for layer in manifest["layers"]], [layer_type])
                config_type = ("application/vnd.docker.container.image.v1+json" if "docker" in manifest_type
                               else "application/vnd.oci.image.config.v1+json")
                self.assertEqual(manifest["config"]["mediaType"], config_type)
                self.registry.fetch(name, f"oci:{self.base}/{form}:latest")

    def test_pulled_image_keeps_its_manifest(self):
        # In both directions: a Docker manifest stays one, and what was mounted was not made again.
        for number, form in enumerate(("oci", "v2s2")):
            with self.subTest(form):
                source = self.registry.push(self.layout, f"origin{number}/app:v1", "--format", form)
                self.log_in()
                self.pull(source)
                done = self.push(source, f"{self.registry.host}/copies{number}/app:v1")
                data, _, _ = self.manifest(f"origin{number}/app:v1")
                self.assertEqual(self.digest_of(done), digest(data))
                self.assertEqual(self.manifest(f"copies{number}/app:v1")[0], data)
                self.assertIn("(1 layer, 0 B, 1 reused)", done.stderr)

    def test_many_layers(self):
        image_id = self.load(images.many_layers())
        self.log_in()
        self.push("localhost/app", f"{self.registry.host}/many/app:v1", timeout=180)
        self.check_layers("many/app:v1", image_id)

    def test_own_name_and_digestfile(self):
        name = f"{self.registry.host}/named/app:v7"
        self.load(self.layout, name)
        self.log_in()
        done = self.push("--quiet", "--digestfile", self.base / "digest", name)
        self.assertEqual((done.stdout, done.stderr), ("", ""))
        data, _, _ = self.manifest("named/app:v7")
        self.assertEqual((self.base / "digest").read_text(encoding="ascii"), digest(data))

    def test_interrupted_by_a_kill(self):
        image_id = self.load(images.features())
        self.log_in()
        target = f"{self.registry.host}/killed/app:v1"
        for delay in (0.02, 0.08, 0.2):
            process = subprocess.Popen(self.command("push", "localhost/app", target), env=self.environment(),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            process.kill()
            process.wait()
        # What the dead ones left goes as soon as their last child has ended.
        for _ in range(20):
            self.push("localhost/app", target)
            if not any((self.store / "staging").iterdir()):
                break
            time.sleep(0.2)
        self.check_layers("killed/app:v1", image_id)
        self.assert_clean()

    def test_credentials(self):
        self.load(self.layout)
        target = f"{self.registry.host}/secret/app:v1"
        self.push_fails("localhost/app", target, says="unauthorized: authentication required")
        self.push_fails("localhost/app", target, says="unauthorized: the user name or password is wrong",
                        creds=f"{real.USER}:wrong")
        self.push("localhost/app", target, creds=f"{real.USER}:{real.PASSWORD}")
        self.assertNotIn(real.PASSWORD, " ".join(self.command("push")))


class PlainRegistry(RealRegistry):
    """Plain HTTP and no password: some of the same."""

    tls = False
    auth = False

    def log_in(self):
        """Nobody asks."""

    def test_credentials(self):
        self.load(self.layout)
        self.registries_conf()
        self.push_fails("localhost/app", f"{self.registry.host}/secret/app:v1",
                        says=f"pinging container registry {self.registry.host}: .*server gave HTTP response to HTTPS client")
        self.push("--tls-verify", "false", "localhost/app", f"{self.registry.host}/secret/app:v1")


class FaultTest(PushTest):
    """A registry over plain HTTP that is configured as insecure, and an image that came from elsewhere."""

    def registry(self, image=(), **options):
        """Start a registry; it ends with the test."""
        script = options.pop("script", None)
        registry = FaultRegistry(image, script=script, **options)
        registry.__enter__()
        self.addCleanup(registry.__exit__)
        self.registries += [] if options.get("tls") else [registry.host]
        self.registries_conf(insecure=self.registries)
        return registry

    def setUp(self):
        super().setUp()
        self.registries = []

    def image(self, sizes=(3 * MIB,), **options):
        """An image in the store whose origin is forgotten: its layers must be made again."""
        image = Image(sizes, **options)
        origin = self.registry(image)
        name = self.pull(origin.reference()).word
        self.assertEqual(name, digest(image.config).removeprefix("sha256:"))
        for record in (self.store / "images" / name).glob("digests"):
            record.unlink()
        return image, name

    def assert_arrived(self, registry, image, name="app/x", tag="v1"):
        """The registry holds exactly the image."""
        media_type, body = registry.pushed[name, tag]
        manifest = json.loads(body)
        self.assertEqual(manifest["config"]["digest"], digest(image.config))
        self.assertEqual(registry.has_blob(name, digest(image.config)), image.config)
        tars = [digest(inflate(registry.has_blob(name, layer["digest"]), layer["mediaType"])) for layer in manifest["layers"]]
        self.assertEqual(tars, image.diff_ids)
        self.assert_clean()
        return media_type, manifest

    def push_to(self, registry, image_id, *args, **options):
        return self.push(*args, image_id, f"{registry.host}/app/x:v1", **options)


class Uploads(FaultTest):
    """Cuts, refusals and nonsense on the way."""

    def test_nothing_is_sent_twice(self):
        image, image_id = self.image((3 * MIB, 1000))
        registry = self.registry()
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)
        before = len(registry.requests)
        done = self.push_to(registry, image_id)
        sent = [request.method for request in registry.requests[before:]]
        self.assertEqual(sorted(set(sent)), ["GET", "HEAD", "PUT"])
        self.assertEqual(sent.count("PUT"), 1, "only the manifest")
        self.assertIn("2 reused", done.stderr)

    def test_mount(self):
        image = Image((3 * MIB, 1000), name="team/base")
        registry = self.registry(image)
        image_id = self.pull(registry.reference()).word
        before = len(registry.requests)
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)
        posts = [request.query for request in registry.requests[before:] if request.method == "POST"]
        mounted = {query["mount"][0] for query in posts if query.get("from") == ["team/base"]}
        self.assertEqual(mounted, {digest(layer) for layer in image.layers})
        self.assertFalse([request for request in registry.requests[before:] if request.method == "PATCH"])
        # The very manifest, since nothing in it has changed.
        self.assertEqual(registry.pushed["app/x", "v1"][1], image.manifest)

    def test_mount_that_is_refused(self):
        for status in (202, 403, 405):
            with self.subTest(status):
                image = Image((2 * MIB,), name="team/base", seed=status)
                registry = self.registry(image)
                image_id = self.pull(registry.reference()).word
                if status == 202:
                    registry.script = lambda request, r=registry: (
                        r.open_upload(request.__class__("POST", request.path, [], b"", b""), "app/x")
                        if "mount" in request.query else None)
                else:
                    registry.script = lambda request, s=status: Response(s) if "mount" in request.query else None
                self.push_to(registry, image_id)
                self.assert_arrived(registry, image)

    def test_mount_from_an_earlier_push(self):
        image, image_id = self.image()
        registry = self.registry()
        self.push(image_id, f"{registry.host}/first/x:v1")
        before = len(registry.requests)
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)
        self.assertFalse([request for request in registry.requests[before:] if request.method == "PATCH"])

    def test_cut_at_every_kind_of_byte(self):
        for cut in (0, 1, 65536, MIB + 17, 3 * MIB - 1):
            with self.subTest(cut):
                image, image_id = self.image(seed=cut)
                registry = self.registry()
                state = {"cut": cut}
                registry.cut = lambda request, s=state: s.pop("cut", None) if request.method == "PATCH" else None
                self.push_to(registry, image_id)
                self.assert_arrived(registry, image)
                patches = [request for request in registry.requests if request.method == "PATCH"]
                self.assertEqual(len(patches), 2)
                if cut > 1:
                    self.assertTrue(patches[1].header("Content-Range").startswith(f"{cut}-"), "the rest, not all again")
                    self.assertLess(len(patches[1].body), 3 * MIB + 4096 - cut)

    def test_cut_again_and_again(self):
        image, image_id = self.image((12 * MIB,))
        registry = self.registry()
        # Each attempt brings more than a megabyte: that is progress, however often it breaks.
        registry.cut = lambda request: (5 << 18) if request.method == "PATCH" and request.count < 9 else None
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)

    def test_cut_for_ever(self):
        _, image_id = self.image()
        registry = self.registry()
        registry.cut = lambda request: 100 if request.method == "PATCH" else None
        self.push_fails(image_id, f"{registry.host}/app/x:v1", says="layer sha256:.*writing blob")
        self.assertLessEqual(len([r for r in registry.requests if r.method == "PATCH"]), 4)
        self.assertEqual(registry.pushed, {})

    def test_lost_session(self):
        image, image_id = self.image()
        registry = self.registry()
        state = {"cut": MIB}

        def cut(request):
            if request.method != "PATCH" or "cut" not in state:
                return None
            registry.uploads.clear()
            return state.pop("cut")
        registry.cut = cut
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)

    def test_answer_of_the_close_is_lost(self):
        image, image_id = self.image()
        registry = self.registry()

        def script(request):
            if request.method == "PUT" and "/uploads/" in request.path and request.count == 1 and "digest" in request.query:
                response = registry.honest(request)
                return Response(raw=b"", reset=True) if response.status == 201 else response
            return None
        registry.script = script
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)
        self.assertEqual(len([r for r in registry.requests if r.method == "PATCH"]), 1)

    def test_temporary_trouble(self):
        for status in (429, 500, 502, 503, 504):
            for method in ("HEAD", "POST", "PATCH", "PUT"):
                with self.subTest(f"{method} {status}"):
                    image, image_id = self.image((2 * MIB,), seed=f"{status}{method}")
                    registry = self.registry()
                    state = {"left": 2}

                    def script(request, s=state, m=method, code=status):
                        if request.method != m or s["left"] == 0:
                            return None
                        s["left"] -= 1
                        return Response(code, {"Retry-After": "0"})
                    registry.script = script
                    self.push_to(registry, image_id)
                    self.assert_arrived(registry, image)
                    self.assertEqual(state["left"], 0)

    def test_lasting_trouble(self):
        _, image_id = self.image((2 * MIB,))
        for method, status, says in (("HEAD", 500, "checking whether a blob exists"), ("POST", 503, "initiating layer upload"),
                                     ("PATCH", 500, "writing blob"), ("PUT", 500, "writing blob"),
                                     ("POST", 403, "denied: requested access to the resource is denied"),
                                     ("POST", 404, "initiating layer upload"), ("POST", 307, "initiating layer upload")):
            with self.subTest(f"{method} {status}"):
                registry = self.registry()
                registry.script = lambda request, m=method, s=status: Response(s, {"Location": "/x"}) if request.method == m else None
                self.push_fails(image_id, f"{registry.host}/app/x:v1", says=says)
                self.assertEqual(registry.pushed, {})

    def test_body_too_large(self):
        image, image_id = self.image((9 * MIB, 700000))
        registry = self.registry()
        registry.early = lambda request: Response(413) if int(request.header("Content-Length")) > 600000 else None
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)

    def test_every_body_too_large(self):
        _, image_id = self.image((2 * MIB,))
        registry = self.registry()
        registry.script = lambda request: Response(413) if request.body else None
        self.push_fails(image_id, f"{registry.host}/app/x:v1", says="refuses bodies of this size")

    def test_range_that_is_never_right(self):
        _, image_id = self.image()
        registry = self.registry()
        registry.cut = lambda request: MIB if request.method == "PATCH" and request.count == 1 else None
        registry.script = lambda request: Response(416) if request.method == "PATCH" else None
        self.push_fails(image_id, f"{registry.host}/app/x:v1", says="writing blob .*HTTP 416")
        self.assertLess(len(registry.requests), 60)

    def test_registry_that_keeps_less(self):
        image, image_id = self.image()
        registry = self.registry()

        def script(request):
            if request.method != "PATCH" or request.count > 1:
                return None
            request.body = request.body[:MIB]
            return registry.honest(request)
        registry.script = script
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)

    def test_registry_that_lies_about_its_bytes(self):
        _, image_id = self.image()
        registry = self.registry()

        def script(request):
            response = registry.honest(request)
            if request.method == "PATCH":
                response.headers["Range"] = "0-99999999"
            return response
        registry.script = script
        self.push_fails(image_id, f"{registry.host}/app/x:v1", says="has got more bytes than there are")

    def test_wrong_digest_in_the_answer(self):
        _, image_id = self.image()
        for condition, what in ((lambda request: "digest" in request.query, "blob"), (lambda request: request.is_manifest, "manifest")):
            with self.subTest(what):
                registry = self.registry()

                def script(request, c=condition, r=registry):
                    response = r.honest(request)
                    if request.method == "PUT" and c(request):
                        response.headers["Docker-Content-Digest"] = digest(b"something else")
                    return response
                registry.script = script
                self.push_fails(image_id, f"{registry.host}/app/x:v1", says="stored other bytes than were sent: sha256:")

    def test_stall(self):
        _, image_id = self.image()
        registry = self.registry()
        registry.script = lambda request: Response(202, delay=40) if request.method == "POST" else None
        done = self.push_fails("--retry", "0", image_id, f"{registry.host}/app/x:v1",
                               env={"SKIFF_FETCH_STALL_SECONDS": "1"}, says="does not answer, or is too slow")
        self.assertLess(done.seconds, 20 * SLOWNESS)

    def test_locations(self):
        image, image_id = self.image()
        forms = {
            "relative": lambda path: path,
            "other-path": lambda path: "/elsewhere" + path,
            "query": lambda path: path + "?a=b&c=d%2Fe",
        }
        for form, location in forms.items():
            with self.subTest(form):
                registry = self.registry()
                registry.location = location
                take = registry.take_push

                def take_push(request, t=take):
                    request.target = request.target.removeprefix("/elsewhere")
                    return t(request)
                registry.take_push = take_push
                self.push_to(registry, image_id)
                self.assert_arrived(registry, image)
        registry = self.registry()
        registry.location = lambda path: registry.url + path
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)


class Secrets(FaultTest):
    """Credentials and tokens on a push."""

    def test_token_has_the_right_to_push(self):
        image, image_id = self.image()
        registry = self.registry(auth="bearer")
        self.credentials({registry.host: BASIC})
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)
        tokens = [request for request in registry.requests if request.path == "/token"]
        self.assertEqual([request.query["scope"] for request in tokens], [["repository:app/x:pull,push"]])

    def test_scopes_of_a_mount(self):
        image = Image((2 * MIB,), name="team/base")
        registry = self.registry(image, auth="bearer")
        self.credentials({registry.host: BASIC})
        image_id = self.pull(registry.reference()).word
        before = len(registry.requests)
        self.push_to(registry, image_id)
        scopes = [request.query["scope"] for request in registry.requests[before:] if request.path == "/token"]
        self.assertEqual(scopes, [["repository:app/x:pull,push", "repository:team/base:pull"]])

    def test_unauthorized_in_the_middle(self):
        for early in (False, True):
            with self.subTest(early=early):
                image, image_id = self.image(seed=early)
                registry = self.registry(auth="bearer")
                self.credentials({registry.host: BASIC})
                state = {"left": 1}

                def expire(request, s=state, r=registry):
                    if request.method != "PATCH" or not s["left"]:
                        return None
                    s["left"] = 0
                    r.tokens.clear()
                    return r.challenge()
                if early:
                    registry.early = expire
                else:
                    registry.script = expire
                self.push_to(registry, image_id)
                self.assert_arrived(registry, image)
                self.assertEqual(state["left"], 0)
                self.assertLessEqual(len([r for r in registry.requests if r.path == "/token"]), 3)

    def test_unauthorized_for_ever(self):
        # Tokens are given out, the registry answers all but the bytes: that must end.
        _, image_id = self.image()
        registry = self.registry(auth="bearer")
        self.credentials({registry.host: BASIC})
        registry.script = lambda request: registry.challenge() if request.method == "PATCH" else None
        self.push_fails(image_id, f"{registry.host}/app/x:v1", says="unauthorized: authentication required")
        self.assertLessEqual(len([r for r in registry.requests if r.method == "PATCH"]), 4)

    def test_location_at_a_foreign_host(self):
        for auth in ("basic", "bearer"):
            with self.subTest(auth):
                image, image_id = self.image(seed=auth)
                foreign = self.registry()
                registry = self.registry(auth=auth)
                self.credentials({registry.host: BASIC, foreign.host: BASIC})
                # One machine with two names: what the other takes, the first has.
                foreign.uploads, foreign.stored, foreign.location = registry.uploads, registry.stored, lambda path, f=foreign: f.url + path
                registry.location = foreign.location
                self.push_to(registry, image_id)
                self.assert_arrived(registry, image)
                self.assertTrue([r for r in foreign.requests if r.method == "PATCH"])
                self.assertEqual(foreign.requests_with(BASIC, PASSWORD, USER, TOKEN), [])
                self.assertFalse([r for r in foreign.requests if r.header("Authorization")])

    def test_foreign_host_wants_a_password(self):
        _, image_id = self.image()
        foreign = self.registry(auth="basic")
        registry = self.registry(auth="basic")
        self.credentials({registry.host: BASIC, foreign.host: BASIC})
        registry.location = lambda path: foreign.url + path
        self.push_fails(image_id, f"{registry.host}/app/x:v1", says="redirects to .*which wants authentication")
        self.assertEqual(foreign.requests_with(BASIC, PASSWORD), [])

    def test_bad_locations(self):
        _, image_id = self.image()
        for location, says in (("http://me:pass@127.0.0.1:1/x", "no http or https URL"), ("file:///etc/passwd", "no http or https URL"),
                               ("gopher://127.0.0.1/x", "no http or https URL"), ("http://", "no http or https URL"), (None, "no http or https URL")):
            with self.subTest(location):
                registry = self.registry()
                registry.script = lambda request, l=location: (
                    Response(202, {"Location": l} if l else {}) if request.method == "POST" else None)
                self.push_fails(image_id, f"{registry.host}/app/x:v1", says=says)

    def test_location_from_https_to_http(self):
        authority = Authority(self.base / "ca")
        _, image_id = self.image()
        plain = self.registry()
        registry = self.registry(tls=authority.issue("registry"), auth="basic")
        self.trust(registry.host, authority.certificate)
        self.credentials({registry.host: BASIC})
        registry.location = lambda path: plain.url + path
        self.push_fails(image_id, f"{registry.host}/app/x:v1", says="leads an upload from HTTPS to HTTP")
        self.assertEqual(plain.requests, [])

    def test_redirected_upload(self):
        _, image_id = self.image()
        foreign = self.registry()
        registry = self.registry(auth="basic")
        self.credentials({registry.host: BASIC})
        registry.script = lambda request: (Response(307, {"Location": foreign.url + request.target})
                                           if request.method in ("PATCH", "PUT") else None)
        self.push_fails(image_id, f"{registry.host}/app/x:v1", says="HTTP 307")
        self.assertEqual(foreign.requests, [])

    def test_https_registry(self):
        authority = Authority(self.base / "ca")
        image, image_id = self.image()
        registry = self.registry(tls=authority.issue("registry"), auth="basic")
        self.credentials({registry.host: BASIC})
        self.push_fails(image_id, f"{registry.host}/app/x:v1", says="certificate")
        self.trust(registry.host, authority.certificate)
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)


class Contents(FaultTest):
    """What is sent."""

    def test_changed_layer(self):
        image, image_id = self.image()
        registry = self.registry()
        path = self.layer_dirs()[0] / "file0"
        data = bytearray(path.read_bytes())
        data[12345] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)
        self.push_fails(image_id, f"{registry.host}/app/x:v1", says=f"the layer '{image.diff_ids[0]}' has changed")
        self.assertEqual(registry.pushed, {})
        self.assertEqual(registry.stored, {})

    def test_kept_blobs_go_as_they_are(self):
        # Pulled by digest: the compressed bytes are kept, and an unrelated registry gets just these.
        image = Image((3 * MIB, 2000))
        origin = self.registry(image)
        image_id = self.pull(f"{origin.host}/{image.name}@{digest(image.manifest)}").word
        registry = self.registry()
        self.push_to(registry, image_id)
        self.assertEqual(registry.pushed["app/x", "v1"][1], image.manifest)
        self.assertEqual({key[1]: data for key, data in registry.stored.items()}, image.blobs())

    def test_kept_blobs_that_have_changed(self):
        image = Image((3 * MIB,))
        origin = self.registry(image)
        image_id = self.pull(f"{origin.host}/{image.name}@{digest(image.manifest)}").word
        kept = self.layer_dirs()[0].parent / "blob"
        data = bytearray(kept.read_bytes())
        data[-1] ^= 1
        kept.write_bytes(data)
        registry = self.registry()
        done = self.push_to(registry, image_id)
        self.assertIn("kept bytes", done.stderr)
        self.assert_arrived(registry, image)

    def test_pulled_by_tag_keeps_no_blobs(self):
        self.image()
        self.assertEqual([path.name for path in (self.store / "layers").glob("*/blob")], [])

    def test_compression(self):
        image, image_id = self.image()
        registry = self.registry()
        _, first = self.push_to(registry, image_id), self.assert_arrived(registry, image)[1]
        self.push_to(registry, image_id, "--compression-format", "zstd", "--force-compression", "false")
        self.assertEqual(self.assert_arrived(registry, image)[1], first, "the gzip form that is there will do")
        self.push_to(registry, image_id, "--compression-format", "zstd")
        second = self.assert_arrived(registry, image)[1]
        self.assertTrue(second["layers"][0]["mediaType"].endswith("+zstd"))
        self.push_to(registry, image_id, "--format", "v2s2")
        media_type, third = self.assert_arrived(registry, image)
        self.assertEqual(media_type, DOCKER_MANIFEST)
        self.assertTrue(third["layers"][0]["mediaType"].endswith(".gzip"))

    def test_options_that_make_no_sense(self):
        registry = self.registry()
        _, image_id = self.image()
        target = f"{registry.host}/app/x:v1"
        for args, says in (
                (["--format", "v2s1", image_id, target], "format 'v2s1' is not supported"),
                (["--format", "x", image_id, target], 'unknown format "x"'),
                (["--compression-format", "zstd:chunked", image_id, target], "not supported"),
                (["--compression-format", "bzip2", image_id, target], "unknown compression format 'bzip2'"),
                (["--compression-level", "10", image_id, target], "compression level 10: it is 1 to 9"),
                (["--compression-level", "0", image_id, target], "compression level 0"),
                (["--format", "v2s2", "--compression-format", "zstd", image_id, target], "no layers compressed with zstd"),
                ([image_id], "is not a name of the image"),
                (["no/such", target], "no/such: image not known"),
                ([image_id, f"{registry.host}/app/x@{digest(b'')}"], "a digest can't be pushed to"),
                ([image_id, "containers-storage:x"], "cannot push to 'containers-storage:x'"),
                ([image_id, f"{registry.host}/UPPER"], "repository name must be lowercase")):
            with self.subTest(args):
                self.push_fails(*args, says=says)
        self.assertEqual(registry.requests, [])

    def test_docker_io_is_normalised(self):
        # Nothing listens there in this network; the name in the error is what was meant.
        self.image()
        image_id = self.image_ids()[0]
        self.push_fails("--retry", "0", image_id, "alpine", says="pinging container registry registry-1.docker.io")

    def test_blocked_registry(self):
        _, image_id = self.image()
        registry = self.registry()
        self.registries_conf(f'[[registry]]\nlocation = "{registry.host}"\nblocked = true\n')
        self.push_fails(image_id, f"{registry.host}/app/x:v1", says="blocked")
        self.assertEqual(registry.requests, [])

    def test_image_without_layers(self):
        image, image_id = self.image(())
        registry = self.registry()
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)


class Signals(FaultTest):
    """Ctrl-C and SIGKILL."""

    def slow_registry(self):
        """A registry whose first PATCH hangs; set `go` for an honest one."""
        registry = self.registry()
        registry.go = False
        registry.script = lambda request: (Response(202, delay=30) if request.method == "PATCH" and not registry.go else None)
        return registry

    def start(self, registry, image_id):
        """A push that has begun to send."""
        process = subprocess.Popen(self.command("push", image_id, f"{registry.host}/app/x:v1"), env=self.environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20 * SLOWNESS
        while not any(request.method == "PATCH" for request in registry.requests):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        return process

    def test_interrupt(self):
        image, image_id = self.image()
        registry = self.slow_registry()
        process = self.start(registry, image_id)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20 * SLOWNESS)
        self.assertLess(time.monotonic() - begin, 5 * SLOWNESS)
        self.assertEqual(process.returncode, 125)
        self.assertIn(b"Error: cancelled\n", stderr.replace(b"layer ", b""))
        self.assert_clean()
        registry.go = True
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)

    def test_interrupt_while_compressing(self):
        _, image_id = self.image((40 * MIB,))
        registry = self.registry()
        process = subprocess.Popen(self.command("push", "--compression-format", "zstd", "--compression-level", "19",
                                                image_id, f"{registry.host}/app/x:v1"), env=self.environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.7)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20 * SLOWNESS)
        self.assertLess(time.monotonic() - begin, 5 * SLOWNESS)
        self.assertEqual(process.returncode, 125)
        self.assert_clean()

    def test_kill(self):
        image, image_id = self.image()
        registry = self.slow_registry()
        process = self.start(registry, image_id)
        process.kill()
        process.communicate()
        registry.go = True
        self.push_to(registry, image_id)
        self.assert_arrived(registry, image)


class Terminal(FaultTest):
    """What a person sees."""

    def test_bars(self):
        _, image_id = self.image((3 * MIB, 5000))
        registry = self.registry()
        terminal = Tty(self.command("push", image_id, f"{registry.host}/app/x:v1"), self.environment(TERM="xterm"), self.base)
        self.addCleanup(terminal.close)
        self.assertEqual(terminal.wait(), 0)
        text = terminal.output.decode()
        self.assertRegex(text, r"Copying blob [0-9a-f]{12} done")
        self.assertRegex(text, r"Pushed .* \(2 layers, ")
        self.assertIn("\033[", text)

    def test_escapes_from_a_registry(self):
        _, image_id = self.image()
        registry = self.registry()
        registry.script = lambda request: (
            Response(400, {}, b'{"errors":[{"code":"X","message":"\\u001b[31mred\\u202e"}]}') if request.method == "POST" else None)
        done = self.push_fails(image_id, f"{registry.host}/app/x:v1", says="red")
        self.assertNotIn("\033", done.stderr)
        self.assertNotIn("\u202e", done.stderr)


class CommandLine(SkiffTest):
    """The verb itself."""

    images = ["busybox"]

    def test_push_and_pull(self):
        with FaultRegistry(auth="basic") as registry:
            options = ["--tls-verify=false", "--creds", f"{USER}:{PASSWORD}"]
            name = f"{registry.host}/team/box:v1"
            before = self.skiff("inspect", "--format", "{{.Id}}", "busybox").word
            done = self.skiff("push", *options, "--digestfile", self.tmp / "digest", "busybox", name)
            self.assertEqual(done.stdout, "")
            self.assertIn("Writing manifest to image destination\n", done.stderr)
            digest_text = (self.tmp / "digest").read_text(encoding="ascii")
            self.assertEqual(digest_text, digest(registry.pushed["team/box", "v1"][1]))
            quiet = self.skiff("image", "push", "-q", *options, "busybox", f"docker://{name}")
            self.assertEqual((quiet.stdout, quiet.stderr), ("", ""))
            self.assertEqual(self.skiff("pull", "-q", *options, name).word, before)
            self.assertIn(f"{registry.host}/team/box@{digest_text}",
                          self.skiff("inspect", "--format", "{{.RepoDigests}}", name).stdout)
            self.skiff("untag", "busybox", name)

    def test_wrong_lines(self):
        self.skiff_fails("push", "no/such/image", says="Error: no/such/image: image not known")
        self.skiff_fails("push", says="Error: accepts between 1 and 2 arg(s), received 0")
        self.skiff_fails("push", "a", "b", "c", says="Error: accepts between 1 and 2 arg(s), received 3")
        for option in ("--encrypt-layer=1", "--encryption-key=a", "--sign-by=a", "--sign-by-sigstore=a",
                       "--sign-by-sigstore-private-key=a", "--sign-by-sq-fingerprint=a", "--sign-passphrase-file=a"):
            self.skiff_fails("push", option, "busybox", says=option.partition("=")[0])
        self.skiff_fails("push", "busybox", "--", "-x", says="invalid reference format")

    def test_remove_signatures_is_what_happens_anyway(self):
        with FaultRegistry() as registry:
            self.skiff("push", "--remove-signatures", "--disable-content-trust", "--tls-verify=false", "busybox", f"{registry.host}/a:b")
            self.assertIn(("a", "b"), registry.pushed)


class Files(SkiffTest):
    """Destinations that are no registry, as skopeo and we read them."""

    images = ["busybox"]

    def push(self, destination, *options):
        """Push, and see the summary. Returns the digest that --digestfile got."""
        file = self.tmp / "digest"
        done = self.skiff("push", "--digestfile", file, *options, "busybox", destination, cwd=self.tmp)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"Pushed \S+ in [0-9.]+ s \(\d+ layers?, ")
        return file.read_text(encoding="ascii")

    def skopeo(self, *args):
        """skopeo, in the directory with what was pushed."""
        self.need_program("skopeo")
        return tool("skopeo", *map(str, args), cwd=self.tmp, env=self.environment())

    def check(self, source, digest_text, media_type):
        """skopeo finds the manifest, the config of our image and all layers, and copies it."""
        raw = self.skopeo("inspect", "--raw", source)
        raw = raw if isinstance(raw, bytes) else raw.encode()
        self.assertEqual(digest(raw), digest_text)
        manifest = json.loads(raw)
        self.assertEqual(manifest["mediaType"], media_type)
        self.assertEqual(manifest["config"]["digest"].removeprefix("sha256:"), self.skiff("inspect", "--format", "{{.Id}}", "busybox").word)
        self.skopeo("--insecure-policy", "copy", source, f"dir:{self.tmp}/copied")

    def test_layout(self):
        for source in ("oci:layout:one", "oci:layout:team/two:2", "oci-archive:archive.tar:three"):
            with self.subTest(source):
                self.check(source, self.push(source), OCI_MANIFEST)
        names = [entry["annotations"]["org.opencontainers.image.ref.name"]
                 for entry in json.loads((self.tmp / "layout/index.json").read_text(encoding="utf-8"))["manifests"]]
        self.assertEqual(names, ["one", "team/two:2"])
        self.push("oci:unnamed")
        entry = json.loads((self.tmp / "unnamed/index.json").read_text(encoding="utf-8"))["manifests"][0]
        self.assertNotIn("annotations", entry)
        self.check("oci:unnamed", entry["digest"], OCI_MANIFEST)
        # An index that is not read is not replaced: its entries would be lost.
        (self.tmp / "odd").mkdir()
        (self.tmp / "odd/index.json").symlink_to("../layout/index.json")
        self.skiff_fails("push", "-q", "busybox", "oci:odd", cwd=self.tmp, says="cannot open the layout's index.json")
        self.assertTrue((self.tmp / "odd/index.json").is_symlink())

    def test_dir(self):
        self.check("dir:here", self.push("dir:here"), DOCKER_MANIFEST)
        self.check("dir:there", self.push("dir:there", "--format", "oci", "--compression-format", "zstd"), OCI_MANIFEST)

    def test_docker_archive(self):
        for destination, tags in (("docker-archive:a.tar:box:1", ["docker.io/library/box:1"]), ("docker-archive:b.tar", [])):
            self.skiff("push", "-q", "busybox", destination, cwd=self.tmp)
            path = self.tmp / destination.split(":")[1]
            listing = json.loads(subprocess.run(["tar", "xOf", path, "manifest.json"], stdout=subprocess.PIPE, check=True).stdout)
            self.assertEqual([item["RepoTags"] for item in listing], [tags])
            self.skopeo("--insecure-policy", "copy", f"docker-archive:{path}", f"dir:{self.tmp}/from-{path.stem}")
        self.assertEqual(self.skiff("load", "-i", self.tmp / "a.tar").stdout, "Loaded image: docker.io/library/box:1\n")
        self.skiff("untag", "busybox", "docker.io/library/box:1")
        self.skiff_fails("push", "busybox", "docker-archive:a.tar:box:2", cwd=self.tmp, says="docker-archive doesn't support modifying existing images")

    def test_wrong_destinations(self):
        for words, says in ((["oci:x:ä"], "invalid image ä"), (["oci:"], "names no path"), (["--format", "v2s2", "oci:x"], "format v2s2 cannot"),
                            (["--format", "oci", "docker-archive:x"], "format oci cannot"), (["docker-archive:x:UPPER"], "repository name must be lowercase"),
                            (["--compression-format", "zstd", "dir:x"], "zstd"), (["--compression-level", "3", "docker-archive:x"], "compression"),
                            (["oci:/no/such/parent"], "cannot make the directory"), (["docker-daemon:x"], "cannot push to 'docker-daemon:x'")):
            with self.subTest(words):
                self.skiff_fails("push", *words[:-1], "busybox", words[-1], cwd=self.tmp, says=says)
        self.skiff_fails("push", "no/such", "oci:x", says="no/such: image not known")
        self.assertFalse((self.tmp / "x").exists())
