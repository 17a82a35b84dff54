# SPDX-License-Identifier: Apache-2.0
"""pull, login and logout against Debian's docker-registry, with images pushed by skopeo in every form;
mirrors, short names and policies; and many pulls of the same layers at once (F9)."""

import base64
import copy
import http.client
import json
import os
import pty
import random
import select
import shutil
import signal
import ssl
import subprocess
import time
import unittest
from pathlib import Path

from tests.support import images
from tests.support.fault_registry import OCI_INDEX, OCI_MANIFEST, FaultRegistry, Image, Response, digest
from tests.support.fetch import FetchTest
from tests.support.images import Unavailable, tool
from tests.support.registry import PASSWORD, USER, Registry
from tests.support.skiff import SLOWNESS

MIB = 1 << 20
TREE = "busybox"


class RegistryTest(FetchTest):
    """A class with one docker-registry, with or without TLS and password."""

    tls = True
    auth = True

    @classmethod
    def setUpClass(cls):
        import tempfile
        directory = tempfile.TemporaryDirectory(prefix="skiff-registry-")
        cls.addClassCleanup(directory.cleanup)
        cls.registry = Registry(directory.name, tls=cls.tls, auth=cls.auth)
        try:
            cls.registry.start()
            cls.addClassCleanup(cls.registry.stop)
            cls.layout = images.MAKERS[TREE]()
            cls.reference = cls.registry.push(cls.layout, "team/app:v1")
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason)) from None

    def setUp(self):
        super().setUp()
        if self.tls:
            self.trust(self.registry.host, Path(self.registry.directory) / "ca.crt")
        else:
            self.registries_conf(insecure=[self.registry.host])

    def log_in(self):
        """Store the right password."""
        self.fetch("login", "--username", USER, "--password-stdin", self.registry.host, input=PASSWORD + "\n")

    def raw(self, method, path, body=None, content_type=None):
        """A request of our own to the registry."""
        if self.tls:
            context = ssl.create_default_context(cafile=str(Path(self.registry.directory) / "ca.crt"))
            connection = http.client.HTTPSConnection("localhost", self.registry.port, context=context)
        else:
            connection = http.client.HTTPConnection("localhost", self.registry.port)
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Accept": f"{OCI_MANIFEST}, {OCI_INDEX}, "
                   "application/vnd.docker.distribution.manifest.v2+json, "
                   "application/vnd.docker.distribution.manifest.list.v2+json"}
        if content_type:
            headers["Content-Type"] = content_type
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        self.assertLess(answer.status, 300, data)
        return data, answer.headers.get("Content-Type")

    def manifest(self, name):
        """(bytes, parsed, type) of NAME:TAG."""
        repository, _, tag = name.rpartition(":")
        data, content_type = self.raw("GET", f"/v2/{repository}/manifests/{tag}")
        return data, json.loads(data), content_type

    def assert_image(self, done, name):
        """The pull printed the id of what the registry holds as `name`, and the store has its layers."""
        _, manifest, _ = self.manifest(name)
        self.assertEqual(done.word, manifest["config"]["digest"].removeprefix("sha256:"))
        self.assertIn(done.word, self.image_ids())
        self.assert_clean()


class Formats(RegistryTest):
    """Every form that skopeo can push arrives as the same tree."""

    def tree(self):
        """What the layers hold: {path: (type, mode, contents or target)}."""
        found = {}
        for diff in self.layer_dirs():
            for path in sorted(diff.rglob("*")):
                status = path.lstat()
                content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
                found[str(path.relative_to(diff))] = (oct(status.st_mode), content)
        return found

    def test_every_format(self):
        forms = {
            "oci-gzip": ["--format", "oci"],
            "docker-gzip": ["--format", "v2s2"],
            "oci-zstd": ["--format", "oci", "--dest-compress-format", "zstd"],
        }
        trees = {}
        for form, options in forms.items():
            with self.subTest(form):
                super().setUp()
                name = f"forms/{form}:latest"
                reference = self.registry.push(self.layout, name, *options)
                self.log_in()
                self.assert_image(self.pull(reference), name)
                trees[form] = self.tree()
        self.assertEqual(len(trees), 3)
        self.assertEqual(trees["oci-gzip"], trees["docker-gzip"])
        self.assertEqual(trees["oci-gzip"], trees["oci-zstd"])
        self.assertIn("bin/busybox", trees["oci-gzip"])

    def test_uncompressed_layers(self):
        directory = self.base / "plain"
        tool("skopeo", "--insecure-policy", "copy", "--quiet", "--dest-decompress", f"oci:{self.layout}:latest", f"dir:{directory}")
        reference = self.registry.push(f"dir:{directory}", "forms/plain:latest", "--preserve-digests")
        _, manifest, _ = self.manifest("forms/plain:latest")
        self.assertRegex(manifest["layers"][0]["mediaType"], r"tar$")
        self.log_in()
        self.assert_image(self.pull(reference), "forms/plain:latest")

    def test_docker_media_types(self):
        self.registry.push(self.layout, "forms/docker:latest", "--format", "v2s2")
        _, manifest, content_type = self.manifest("forms/docker:latest")
        self.assertIn("vnd.docker", content_type)
        self.assertIn("vnd.docker", manifest["layers"][0]["mediaType"])

    def push_index(self, name, media_type=OCI_INDEX):
        """An index of two images that differ in their architecture. Returns {architecture: image id}."""
        entries, ids = [], {}
        for architecture in ("amd64", "arm64"):
            copy = self.base / architecture
            tool("cp", "-r", str(self.layout), str(copy))
            tool("umoci", "config", "--no-history", "--image", f"{copy}:latest", "--architecture", architecture,
                 "--config.label", f"arch={architecture}")
            tag = f"{name}:only-{architecture}"
            options = ["--format", "v2s2"] if "docker" in media_type else ["--format", "oci"]
            self.registry.push(copy, tag, *options)
            data, manifest, content_type = self.manifest(tag)
            ids[architecture] = manifest["config"]["digest"].removeprefix("sha256:")
            entries.append({"mediaType": content_type, "digest": digest(data), "size": len(data),
                            "platform": {"os": "linux", "architecture": architecture}})
        index = json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": entries}).encode()
        self.raw("PUT", f"/v2/{name}/manifests/latest", index, media_type)
        return ids, digest(index)

    def test_index(self):
        for media_type in (OCI_INDEX, "application/vnd.docker.distribution.manifest.list.v2+json"):
            with self.subTest(media_type):
                super().setUp()
                ids, _ = self.push_index("multi/app", media_type)
                host = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine)
                self.need(host, "neither amd64 nor arm64")
                self.log_in()
                name = f"{self.registry.host}/multi/app"
                self.assertEqual(self.pull(name).word, ids[host])
                self.assertEqual(self.pull("--platform", "linux/arm64", name).word, ids["arm64"])
                self.assertEqual(self.pull("--arch", "arm64", name).word, ids["arm64"])
                self.assertEqual(self.pull("--platform", "linux/arm64/v8", name).word, ids["arm64"])
                done = self.pull("--platform", "linux/s390x", name, code=125)
                self.assertIn("no image found in image index for platform 'linux/s390x'", done.stderr)

    def need(self, condition, reason):
        if not condition:
            self.skipTest(reason)

    def test_by_digest(self):
        ids, index_digest = self.push_index("pinned/app")
        self.log_in()
        done = self.pull("--platform", "linux/amd64", f"{self.registry.host}/pinned/app@{index_digest}")
        self.assertEqual(done.word, ids["amd64"])
        data, _, _ = self.manifest("pinned/app:only-arm64")
        done = self.pull("--quiet", f"{self.registry.host}/pinned/app:wrong-tag@{digest(data)}")
        self.assertEqual(done.word, ids["arm64"])
        self.assertIn("WARNING: image platform (linux/arm64) does not match the expected platform", done.stderr)

    def test_all_tags(self):
        for tag in ("a", "b", "c"):
            self.registry.push(self.layout, f"tags/app:{tag}")
        self.log_in()
        done = self.pull("--all-tags", f"{self.registry.host}/tags/app")
        self.assertEqual(len(done.lines), 3)
        self.assertEqual(len(set(done.lines)), 1)
        names = self.names_of(done.lines[0])
        self.assertEqual(sorted(names), [f"{self.registry.host}/tags/app:{tag}" for tag in "abc"])
        self.fetch("pull", "--all-tags", f"{self.registry.host}/tags/app:a", code=125)

    def test_many_layers(self):
        try:
            layout = images.MAKERS["layers"]()
        except Unavailable as reason:
            self.skipTest(str(reason))
        reference = self.registry.push(layout, "many/layers:latest")
        self.log_in()
        self.assert_image(self.pull(reference, timeout=120), "many/layers:latest")
        self.assertEqual(len(self.layer_dirs()), len(self.manifest("many/layers:latest")[1]["layers"]))

    def test_layers_with_everything(self):
        try:
            layout = images.MAKERS["features"]()
        except Unavailable as reason:
            self.skipTest(str(reason))
        reference = self.registry.push(layout, "features/app:latest")
        self.log_in()
        self.assert_image(self.pull(reference), "features/app:latest")

    def test_second_pull_fetches_nothing(self):
        self.log_in()
        self.pull(self.reference)
        done = self.pull(self.reference)
        self.assertIn("skipped: already exists", done.stderr)
        self.assertIn("0 B, 1 reused", done.stderr)


class PlainHttp(RegistryTest):
    """A registry without TLS is spoken to only where that is configured."""

    tls = False
    auth = False

    def test_configured(self):
        self.assert_image_plain(self.pull(self.reference))

    def assert_image_plain(self, done):
        self.assertEqual(self.image_ids(), [done.word])

    def test_option(self):
        self.registries_conf()
        self.assert_image_plain(self.pull("--tls-verify", "false", self.reference))

    def test_neither(self):
        self.registries_conf()
        done = self.pull_fails(self.reference)
        self.assertIn("server gave HTTP response to HTTPS client", done.stderr)

    def test_mirror(self):
        """A mirror that is down is passed over, one that works is used, and a digest is the same everywhere."""
        conf = (f'[[registry]]\nlocation = "registry.invalid"\n[[registry.mirror]]\nlocation = "localhost:1"\n'
                f'[[registry.mirror]]\nlocation = "{self.registry.host}"\ninsecure = true\n')
        self.registries_conf(conf)
        done = self.pull("registry.invalid/team/app:v1")
        self.assertIn(f"It came from the mirror {self.registry.host}/team/app", done.stderr)
        names = self.names_of(done.word)
        self.assertEqual(names, ["registry.invalid/team/app:v1"])

    def test_mirror_with_other_bytes(self):
        image = Image(name="team/app", tag="v1")
        with FaultRegistry(image, script=lambda r: Response(
                200, {"Content-Type": OCI_MANIFEST}, Image(seed=2).manifest) if r.is_manifest else None) as mirror:
            self.registries_conf(f'[[registry]]\nlocation = "registry.invalid"\n[[registry.mirror]]\n'
                                 f'location = "{mirror.host}"\ninsecure = true\n')
            done = self.pull_fails(f"registry.invalid/team/app@{digest(image.manifest)}")
            self.assertIn("other bytes", done.stderr)

    def test_blocked(self):
        self.registries_conf(f'[[registry]]\nlocation = "{self.registry.host}"\nblocked = true\n')
        self.pull_fails(self.reference, says="blocked")

    def test_location_rewrite(self):
        self.registries_conf(f'[[registry]]\nprefix = "nice.example/apps"\nlocation = "{self.registry.host}/team"\n'
                             'insecure = true\n')
        done = self.pull("nice.example/apps/app:v1")
        self.assertIn("nice.example/apps/app:v1", self.names_of(done.word))

    def test_short_names(self):
        base = f'[[registry]]\nlocation = "{self.registry.host}"\ninsecure = true\n'
        self.registries_conf(f'unqualified-search-registries = ["{self.registry.host}"]\n' + base)
        self.assert_image_plain(self.pull("team/app:v1"))
        self.registries_conf(f'unqualified-search-registries = ["localhost:1", "{self.registry.host}"]\n' + base)
        done = self.pull("team/app:v1", code=125)
        self.assertIn("cannot prompt without a TTY", done.stderr)
        self.registries_conf(f'unqualified-search-registries = ["localhost:1", "{self.registry.host}"]\n'
                             'short-name-mode = "permissive"\n' + base)
        self.pull("team/app:v1")
        self.registries_conf('unqualified-search-registries = ["localhost:1", "localhost:2"]\n'
                             f'[aliases]\n"my/app" = "{self.registry.host}/team/app"\n' + base)
        done = self.pull("my/app:v1")
        self.assertIn('Resolved "my/app:v1" by alias', done.stderr)
        done = self.pull("team/app:v1", code=125)
        self.registries_conf('unqualified-search-registries = []\n' + base)
        done = self.pull("team/app:v1", code=125)
        self.assertIn("did not resolve to an alias", done.stderr)

    def test_choice_on_a_terminal(self):
        base = f'[[registry]]\nlocation = "{self.registry.host}"\ninsecure = true\n'
        self.registries_conf(f'unqualified-search-registries = ["localhost:1", "{self.registry.host}"]\n' + base)
        output, code = self.on_terminal("pull", "team/app:v1", answer="2\n")
        self.assertEqual(code, 0, output)
        self.assertIn(b"Which one [1-2]?", output)
        aliases = self.home / ".cache/containers/short-name-aliases.conf"
        self.assertIn(f'"team/app" = "{self.registry.host}/team/app"', aliases.read_text(encoding="ascii"))
        done = self.pull("team/app:v1")
        self.assertIn("by alias", done.stderr)

    def on_terminal(self, *args, answer=""):
        """Run on a pseudo terminal; returns (all output, exit code)."""
        master, slave = pty.openpty()
        process = subprocess.Popen(self.command(*args), stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                   env=self.environment(TERM="xterm"))
        os.close(slave)
        os.write(master, answer.encode())
        output = b""
        deadline = time.monotonic() + 30 * SLOWNESS
        while time.monotonic() < deadline:
            ready, _, _ = select.select([master], [], [], 0.1)
            try:
                data = os.read(master, 65536) if ready else b""
            except OSError:
                break
            output += data
            if not data and process.poll() is not None:
                break
        code = process.wait(timeout=5)
        os.close(master)
        return output, code

    def test_progress_on_a_terminal(self):
        output, code = self.on_terminal("pull", self.reference)
        self.assertEqual(code, 0, output)
        self.assertIn(b"Copying blob", output)
        self.assertIn(b"done", output)
        self.assertIn(b"Pulled ", output)

    def test_output_without_a_terminal(self):
        done = self.pull(self.reference)
        self.assertRegex(done.stdout, r"^[0-9a-f]{64}\n$")
        self.assertNotIn("\x1b", done.stderr)
        self.assertNotIn("\r", done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(lines[0], f"Trying to pull {self.reference}...")
        self.assertRegex("\n".join(lines), r"Copying blob [0-9a-f]{12} done\n(.*\n)*Writing manifest to image destination")
        self.assertEqual(self.pull("--quiet", self.reference).stderr, "")

    def test_policies(self):
        self.pull_fails("--policy", "never", self.reference, says="image not known")
        first = self.pull("--policy", "missing", self.reference).word
        for policy in ("missing", "never", "newer"):
            done = self.pull("--policy", policy, self.reference)
            self.assertEqual((done.word, done.stderr), (first, ""), policy)
        self.pull("--policy", "sometimes", self.reference, code=125)
        other = self.base / "other"
        tool("cp", "-r", str(self.layout), str(other))
        tool("umoci", "config", "--no-history", "--image", f"{other}:latest", "--config.label", "new=yes")
        name = self.registry.push(self.layout, "moving/app:v1")
        old = self.pull("--policy", "newer", name).word
        self.registry.push(other, "moving/app:v1")
        self.assertEqual(self.pull("--policy", "missing", name).word, old)
        new = self.pull("--policy", "newer", name).word
        self.assertNotEqual(new, old)
        self.assertEqual(self.names_of(new), [name])

    def test_signature_policy(self):
        policy = self.config / "policy.json"
        policy.write_text('{"default":[{"type":"reject"}]}', encoding="ascii")
        self.pull_fails(self.reference, says="rejected by policy")
        policy.write_text("{", encoding="ascii")
        self.pull_fails(self.reference, says="nothing is accepted")
        policy.write_text(json.dumps({"default": [{"type": "reject"}], "transports": {"docker": {
            f"{self.registry.host}/team": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/x"}],
            f"{self.registry.host}/team/app:v1": [{"type": "insecureAcceptAnything"}]}}}), encoding="ascii")
        self.pull(self.reference)
        self.registry.push(self.layout, "team/app:v2")
        done = self.pull(self.reference.replace(":v1", ":v2"), code=125)
        self.assertIn("A signature was required, but no signature exists", done.stderr)

    def test_a_damaged_config_is_pulled_again(self):
        """Red when image_publish() leaves the config of an image that is there as it is."""
        word = self.pull(self.reference).word
        config = self.store / "images" / word / "config.json"
        before = config.read_bytes()
        for damage in (before[:40], b"", b"x" + before[1:]):
            config.write_bytes(damage)
            self.assertEqual(self.pull(self.reference).word, word)
            self.assertEqual(config.read_bytes(), before)

    def test_names_that_do_not_exist(self):
        done = self.pull_fails(f"{self.registry.host}/no/such:image", says="manifest unknown")
        self.assertIn(f"reading manifest image in {self.registry.host}/no/such", done.stderr)

    def test_other_transports(self):
        """Archives and directories are loaded; names as podman gives them."""
        for name in ("docker-daemon:x", "containers-storage:x"):
            self.pull_fails(name, says="cannot pull from")
        word = self.pull("docker://" + self.reference).word
        place = self.base / "place"
        place.mkdir()
        for form in ("oci-dir", "docker-dir", "oci-archive", "docker-archive"):
            self.fetch("save", "--format", form, "--output", place / form, self.reference)
        shutil.rmtree(self.store)
        for source, names in ((f"docker-archive:{place}/docker-archive", [self.reference]),
                              (f"docker-archive:{place}/docker-archive:{self.reference}", [self.reference]),
                              (f"oci-archive:{place}/oci-archive", [self.reference]),
                              (f"dir:{place}/docker-dir", None), (f"oci:{place}/oci-dir", None)):
            with self.subTest(source=source):
                self.assertEqual(self.pull(source).word, word)
                if names:
                    self.assertEqual(self.names_of(word), names)
                shutil.rmtree(self.store)
        self.pull_fails(f"docker-archive:{place}/docker-archive:other.example/x:1", says="no image called other.example/x:1")
        self.pull_fails(f"dir:{place}/none", says="place/none: no such file or directory")


class Login(RegistryTest):
    """login and logout, and the file they share with podman and docker."""

    def auth_file(self):
        return self.runtime / "containers/auth.json"

    def test_wrong_password(self):
        done = self.fetch("login", "--username", USER, self.registry.host, code=125, password="wrong")
        self.assertIn("invalid username/password", done.stderr)
        self.assertFalse(self.auth_file().exists())
        self.pull_fails(self.reference, says="authentication required")

    def test_log_in_and_out(self):
        done = self.fetch("login", "--username", USER, "--password-stdin", "--verbose", self.registry.host, input=PASSWORD)
        self.assertEqual(done.stdout, f"Used:  {self.auth_file()}\nLogin Succeeded!\n")
        self.assertEqual(self.auth_file().stat().st_mode & 0o777, 0o600)
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.assertEqual(json.loads(self.auth_file().read_text(encoding="ascii")),
                         {"auths": {self.registry.host: {"auth": token}}})
        self.assertEqual(self.fetch("login", "--get-login", self.registry.host).word, USER)
        self.assertIn("Existing credentials are valid", self.fetch("login", self.registry.host).stderr)
        self.pull(self.reference)
        self.assertIn("Removed login credentials", self.fetch("logout", self.registry.host).stdout)
        self.assertIn("not logged into", self.fetch("logout", self.registry.host, code=125).stderr)
        self.assertEqual(self.fetch("login", "--get-login", self.registry.host, code=125).stdout, "")

    def test_skopeo_reads_what_we_write_and_we_what_it_writes(self):
        self.log_in()
        options = ["--authfile", str(self.auth_file()), "--cert-dir", str(self.registry.certs / self.registry.host)]
        tool("skopeo", "inspect", *options, f"docker://{self.reference}")
        self.fetch("logout", self.registry.host)
        tool("skopeo", "login", *options, "-u", USER, "-p", PASSWORD, self.registry.host)
        self.pull(self.reference)
        self.fetch("logout", self.registry.host)
        with self.assertRaises(RuntimeError):
            tool("skopeo", "inspect", *options, f"docker://{self.reference}")

    def test_narrow_keys(self):
        """Credentials for one namespace are used there and nowhere else."""
        self.fetch("login", "--username", USER, f"{self.registry.host}/team", password=PASSWORD)
        self.pull(self.reference)
        self.registry.push(self.layout, "other/app:v1")
        done = self.pull(f"{self.registry.host}/other/app:v1", code=125)
        self.assertIn("authentication required", done.stderr)

    def test_authfile(self):
        path = self.base / "my-auth.json"
        self.fetch("login", "--authfile", path, "--username", USER, self.registry.host, password=PASSWORD)
        self.assertTrue(path.exists())
        self.assertFalse(self.auth_file().exists())
        self.pull("--authfile", path, self.reference)
        self.pull(self.reference, env={"REGISTRY_AUTH_FILE": str(path)})
        self.pull("--authfile", self.base / "missing.json", self.reference, code=125)
        self.fetch("logout", "--authfile", path, "--all")
        self.assertEqual(json.loads(path.read_text(encoding="ascii")), {"auths": {}})

    def test_dockers_file(self):
        """--compat-auth-file: docker's file, which has whole registries only."""
        path = self.base / "config.json"
        path.write_text('{"HttpHeaders": {"a": "b"}}', encoding="ascii")
        self.fetch("login", "--compat-auth-file", path, "--username", USER, self.registry.host, password=PASSWORD)
        self.assertFalse(self.auth_file().exists())
        written = json.loads(path.read_text(encoding="ascii"))
        self.assertEqual((written["HttpHeaders"], list(written["auths"])), ({"a": "b"}, [self.registry.host]))
        self.pull("--authfile", path, self.reference)
        done = self.fetch("login", "--compat-auth-file", path, "--username", USER, f"{self.registry.host}/team", code=125, password=PASSWORD)
        self.assertIn("whole registries only", done.stderr)
        done = self.fetch("logout", "--compat-auth-file", path, "--authfile", path, self.registry.host, code=125)
        self.assertIn("can not be set simultaneously", done.stderr)
        self.fetch("logout", "--compat-auth-file", path, self.registry.host)
        self.assertEqual(json.loads(path.read_text(encoding="ascii"))["auths"], {})

    def test_creds_option(self):
        self.pull(self.reference, creds=f"{USER}:{PASSWORD}")
        self.assertFalse(self.auth_file().exists())
        self.pull(self.reference, creds=f"{USER}:wrong", code=125)

    def test_docker_config_is_read(self):
        path = self.home / ".docker/config.json"
        path.parent.mkdir()
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        path.write_text(json.dumps({"auths": {f"https://{self.registry.host}/v1/": {"auth": token}}}), encoding="ascii")
        self.pull(self.reference)

    def test_unknown_authority(self):
        registry = self.config / "certs.d"
        tool("rm", "-r", str(registry))
        done = self.fetch("login", "--username", USER, self.registry.host, code=125, password=PASSWORD)
        self.assertRegex(done.stderr, "certificate|SSL")
        self.fetch("login", "--tls-verify", "false", "--username", USER, self.registry.host, password=PASSWORD)


class TokenServer(FetchTest):
    """login and a token server that is not the registry."""

    def test_pairing_is_remembered(self):
        """After a login that named it, the token server at another port is used by pulls."""
        import tempfile
        from tests.support.fault_registry import BASIC
        from tests.support.fault_registry import PASSWORD as SECRET
        from tests.support.fault_registry import USER as NAME
        from tests.support.fetch import Authority
        with tempfile.TemporaryDirectory() as directory:
            authority = Authority(directory)
            certificate = authority.issue("x")
            image = Image()
            with FaultRegistry(image, tls=certificate, auth="bearer", host="localhost") as registry, \
                    FaultRegistry((), tls=certificate, host="localhost") as tokens:
                for server in (registry, tokens):
                    self.trust(server.host, authority.certificate)
                tokens.give_token = registry.give_token
                registry.realm = f"{tokens.url}/token"
                self.credentials({registry.host: BASIC})
                self.pull_fails(registry.reference(), says="private network")
                # A loopback address stays refused, login or not: it is for the registry's own port only.
                done = self.fetch("login", "--username", NAME, registry.host, code=125, password=SECRET)
                self.assertIn("private network or of this machine", done.stderr)
                self.assertEqual(tokens.requests, [])
                registry.realm = None
                self.fetch("login", "--username", NAME, registry.host, password=SECRET)
                self.pull(registry.reference())
                self.assert_pulled(image)


class Together(FetchTest):
    """F9: many pulls of the same layers at the same time."""

    layer = 300000

    def images(self, count):
        """Images that share five layers; every third has a small one of its own on top."""
        base = Image(sizes=(self.layer,) * 5)
        made = []
        for i in range(count):
            image = copy.copy(base)
            image.name, image.tag = f"app{i % 10}", f"t{i}"
            config = json.loads(base.config) | {"author": str(i % 10)}
            if i % 3 == 2:
                own = Image(sizes=(1000,), seed=100 + i)
                image.layers, image.files = base.layers + own.layers, base.files + own.files
                config["rootfs"] = {"type": "layers", "diff_ids": base.diff_ids + own.diff_ids}
            image.config = json.dumps(config).encode()
            image.manifest = image.make_manifest()
            made.append(image)
        return base, made

    def start_all(self, registry, made):
        return [subprocess.Popen(self.command("pull", "--quiet", registry.reference(image)), env=self.environment(),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE) for image in made]

    def finish(self, processes):
        """Exit codes and outputs of all."""
        results = []
        for process in processes:
            try:
                stdout, stderr = process.communicate(timeout=120 * SLOWNESS)
            except subprocess.TimeoutExpired:
                process.kill()
                stdout, stderr = process.communicate()
                stderr += b"\nHUNG"
            results.append((process.returncode, stdout.decode(), stderr.decode()))
        return results

    def test_fifty_pulls_fetch_each_blob_once(self):
        base, made = self.images(50)
        with FaultRegistry(made) as registry:
            self.registries_conf(insecure=[registry.host])
            for code, stdout, stderr in self.finish(self.start_all(registry, made)):
                self.assertEqual(code, 0, stderr)
                self.assertRegex(stdout, r"^[0-9a-f]{64}\n$")
            fetched = {}
            for request in registry.requests:
                if request.is_blob:
                    fetched[request.path.rpartition("/")[2]] = fetched.get(request.path.rpartition("/")[2], 0) + 1
            for blob in map(digest, base.layers):
                self.assertEqual(fetched[blob], 1, "a shared layer was fetched more than once")
            self.assertEqual({name: count for name, count in fetched.items() if count != 1}, {})
        self.assertEqual(len(self.image_ids()), len({digest(image.config) for image in made}))
        contents = sorted(path.read_bytes() for diff in self.layer_dirs() for path in diff.iterdir())
        expected = {data for image in made for files in image.files for data in files.values()}
        self.assertEqual(contents, sorted(expected))
        self.assert_clean()

    def test_half_of_them_are_killed(self):
        """25 of 50 die at random moments; the others finish, and take over what the dead had begun."""
        self.layer = 2 * MIB
        base, made = self.images(50)
        rnd = random.Random(os.environ.get("SKIFF_TEST_SEED", "9"))

        def slowly(request):
            for layer in base.layers:
                if request.is_blob and request.path.endswith(digest(layer)):
                    return FaultRegistry.blob(layer, request, drip=4 * MIB)
            return None
        with FaultRegistry(made, script=slowly) as registry:
            self.registries_conf(insecure=[registry.host])
            processes = self.start_all(registry, made)
            victims = rnd.sample(processes, 25)
            for process in victims:
                time.sleep(rnd.random() * 0.1)
                process.send_signal(signal.SIGKILL)
            results = self.finish(processes)
            survivors = [result for process, result in zip(processes, results) if process not in victims]
            self.assertEqual(len(survivors), 25)
            for code, _, stderr in survivors:
                self.assertEqual(code, 0, stderr)
            # No survivor fetched from the start what another had already got a megabyte of.
            layers = sum(len(layer) for layer in base.layers)
            small = sum(len(image.config) + len(image.manifest) + 2000 for image in made) * 2
            self.assertLess(registry.bytes_sent, layers + 25 * 2 * MIB + small)
            # One more pull of each clears the dead ones' stages away and finds everything whole.
            for image in made[:3]:
                self.pull("--quiet", registry.reference(image))
        contents = [path.read_bytes() for diff in self.layer_dirs() for path in diff.iterdir()]
        for files in base.files:
            for data in files.values():
                self.assertEqual(contents.count(data), 1)
        # What a dead pull had of an image nobody else wants stays for a week, its stage does not.
        self.assertEqual([entry.name for entry in (self.store / "staging").iterdir() if entry.name != ".lock"], [])
