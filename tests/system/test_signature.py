# SPDX-License-Identifier: Apache-2.0
"""policy.json's signedBy: images let in by GPG signatures (containers-policy.json(5), containers-signature(5)).

Keys are made by gpg here, signatures by gpg and by skopeo. Each defence was seen red on a build without it; a test's
docstring says on which ("Red when ...").
"""

import base64
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from tests.support.fault_registry import OCI_INDEX, FaultRegistry, Image, Response, digest
from tests.support.fetch import FetchTest
from tests.support.images import tool

REQUIRED = "Source image rejected: A signature was required, but no signature exists"
BOX = None  # the keys of all classes of this module


class Keys:
    """A home of gpg with the keys of the tests: good, other, expired, revoked; NAME.pub is what a policy is given."""

    def __init__(self, directory):
        self.home = Path(directory)
        self.finger = {}
        for name, expires in (("good", "never"), ("other", "never"), ("expired", "2d"), ("revoked", "never")):
            clock = ["--faked-system-time", "20250101T000000!"] if name == "expired" else []
            self.gpg(*clock, "--quick-gen-key", f"{name}@example", "ed25519", "sign", expires)
            listed = self.gpg("--with-colons", "--list-keys", f"{name}@example").stdout.decode()
            self.finger[name] = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
        self.export("revoked", "unrevoked")
        revocation = (self.home / f"openpgp-revocs.d/{self.finger['revoked']}.rev").read_text().replace(":-----", "-----")
        for name in ("good", "other", "expired"):
            self.export(name)
        self.revocation = revocation

    def gpg(self, *args, data=b"", check=True):
        """Run gpg on this home."""
        return subprocess.run(["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback",
                               "--passphrase", "", *args], input=data, capture_output=True, check=check)

    def export(self, name, to=None, *options):
        """Write a public key to a file."""
        self.pub(to or name).write_bytes(self.gpg(*options, "--export", self.finger[name]).stdout)

    def pub(self, name):
        """The file of a public key."""
        return self.home / f"{name}.pub"

    def sign(self, data, *keys, clock=None, options=()):
        """A signed message, as podman and skopeo make it."""
        users = [part for key in keys or ("good",) for part in ("-u", self.finger[key])]
        when = ["--faked-system-time", clock] if clock else []
        return self.gpg(*when, *options, *users, "--sign", data=data).stdout

    def end(self):
        """Stop the agent that gpg started."""
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False)


def setUpModule():
    global BOX
    if shutil.which("gpg") is None or shutil.which("gpg-agent") is None:
        raise unittest.SkipTest("'gpg' is not installed")
    directory = tempfile.mkdtemp(prefix="gpg-")  # a short path: the agent's socket is in it
    unittest.addModuleCleanup(shutil.rmtree, directory, ignore_errors=True)
    BOX = Keys(directory)
    unittest.addModuleCleanup(BOX.end)


class SignatureTest(FetchTest):
    """A registry with one image, and a lookaside directory that registries.d names."""

    def setUp(self):
        super().setUp()
        self.image = Image()
        self.registry = self.enterContext(FaultRegistry(self.image))
        self.reference = self.registry.reference()
        self.host = self.reference.partition("/")[0]
        self.registries_conf(insecure=[self.host])
        self.sigstore = self.base / "sigs"
        self.digest = digest(self.image.manifest)
        self.registries_d({"default-docker": {"lookaside": f"file://{self.sigstore}"}})
        self.require()

    def registries_d(self, document, name="default.yaml"):
        """Write a file of registries.d. JSON is YAML, too."""
        directory = self.config / "registries.d"
        directory.mkdir(exist_ok=True)
        (directory / name).write_text(json.dumps(document), encoding="utf-8")

    def require(self, key="good", identity=None, scopes=None, **changes):
        """A policy that wants signatures by a key."""
        need = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": str(BOX.pub(key))} | changes
        need = {name: value for name, value in need.items() if value is not None}
        if identity:
            need["signedIdentity"] = identity
        self.policy({"default": [{"type": "reject"}], "transports": {"docker": scopes or {self.host: [need]}}})
        return need

    def policy(self, document):
        (self.config / "policy.json").write_text(json.dumps(document), encoding="ascii")

    def claim(self, reference=None, of=None, **changes):
        """The JSON that is signed."""
        critical = {"type": "atomic container signature", "image": {"docker-manifest-digest": of or self.digest},
                    "identity": {"docker-reference": reference or self.reference}} | changes
        return json.dumps({"critical": critical, "optional": {"creator": "test", "timestamp": 1700000000}}).encode()

    def place(self, number=1, of=None, path="test/image"):
        """Where a signature belongs."""
        file = self.sigstore / f"{path}@{(of or self.digest).replace(':', '=')}" / f"signature-{number}"
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def put(self, *signatures):
        """These are the image's signatures, and no others."""
        shutil.rmtree(self.sigstore, ignore_errors=True)
        for number, signature in enumerate(signatures, 1):
            self.place(number).write_bytes(signature)

    def accepted(self, reference=None):
        """It is pulled; then forgotten again."""
        done = self.pull(reference or self.reference)
        self.assertEqual(len(self.image_ids()), 1)
        self.assert_clean()
        shutil.rmtree(self.store)
        return done

    def rejected(self, says, reference=None):
        """It is refused before a byte of config or layers was asked for; nothing is left, no gpg home either. Red when
        pull_image() asks check_signatures() last."""
        self.registry.requests.clear()
        done = self.pull_fails(reference or self.reference, says=says)
        self.assertEqual([request.path for request in self.registry.requests if request.is_blob], [])
        self.assertEqual(self.layer_dirs(), [])
        self.assert_clean()
        return done


class Decisions(SignatureTest):
    """Which signatures are good, and for what."""

    def test_signed_as_it_should_be(self):
        self.put(BOX.sign(self.claim()))
        self.accepted()
        self.accepted(f"{self.host}/test/image@{self.digest}")

    def test_no_signature(self):
        """Red when check_one() lets an image without signatures in."""
        self.rejected(f"^Error: {REQUIRED}$")
        self.place().parent.mkdir(exist_ok=True)
        self.rejected(REQUIRED)
        # The second without the first is none: reading ends at the first that is missing.
        self.place(2).write_bytes(BOX.sign(self.claim()))
        self.rejected(REQUIRED)

    def test_another_key(self):
        """Red when gpg_verify() asks neither gpg_status_judge() nor for gpg's exit code."""
        self.put(BOX.sign(self.claim(), "other"))
        self.rejected("Source image rejected: Invalid GPG signature: it was made with none of the policy's keys")
        self.require("other")
        self.accepted()

    def test_the_users_keyring_does_not_count(self):
        """Red when gpg runs with the user's home and any fingerprint is ours."""
        own = self.home / ".gnupg"
        own.mkdir(mode=0o700)
        subprocess.run(["gpg", "--homedir", str(own), "--batch", "--quiet", "--no-autostart", "--import", str(BOX.pub("other"))],
                       check=True, capture_output=True)
        self.put(BOX.sign(self.claim(), "other"))
        self.rejected("none of the policy's keys")
        done = self.pull(self.reference, code=125, env={"GNUPGHOME": str(own)})
        self.assertIn("none of the policy's keys", done.stderr)

    def test_an_expired_key(self):
        """Red when gpg_status_judge() is content with VALIDSIG: gpg itself ends with 0."""
        self.require("expired")
        self.put(BOX.sign(self.claim(), "expired", clock="20250101T120000!"))
        self.rejected("Invalid GPG signature: the key it was made with has expired")

    def test_an_expired_signature(self):
        """Red when gpg_status_judge() is content with VALIDSIG."""
        self.put(BOX.sign(self.claim(), options=("--default-sig-expire", "seconds=1")))
        time.sleep(2.1)
        self.rejected("Invalid GPG signature: the signature has expired")

    def test_a_revoked_key(self):
        """Red when gpg_status_judge() is content with VALIDSIG."""
        good = BOX.sign(self.claim(), "revoked")
        self.put(good)
        self.require("unrevoked")
        self.accepted()
        key = BOX.pub("unrevoked").read_bytes()
        both = self.base / "revoked.pub"
        home = self.base / "g"
        home.mkdir(mode=0o700)
        run = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-autostart"]
        for data in (key, BOX.revocation.encode()):
            subprocess.run([*run, "--import"], input=data, check=True, capture_output=True)
        both.write_bytes(subprocess.run([*run, "--export"], check=True, capture_output=True).stdout)
        self.require(keyPath=str(both))
        self.rejected("Invalid GPG signature: the key it was made with was revoked")

    def test_another_digest(self):
        """Red when accepts() does not compare digests."""
        self.put(BOX.sign(self.claim(of="sha256:" + "0" * 64)))
        self.rejected(f"Source image rejected: Signature for digest sha256:{'0' * 64} does not match")
        # A manifest that was changed after it was signed has no signature; with the old one beside it, a wrong one.
        old = BOX.sign(self.claim())
        self.image.manifest = self.image.make_manifest(annotations={"changed": "yes"})
        self.rejected(REQUIRED)
        self.place(of=digest(self.image.manifest)).write_bytes(old)
        self.rejected(f"Signature for digest {self.digest} does not match")

    def test_another_identity(self):
        """Red when accepts() does not ask signed_identity_matches()."""
        for reference in (f"{self.host}/test/other:latest", f"{self.host}/test/image:v2", "docker.io/test/image:latest",
                          f"{self.host}/test/image", "", "x\x1b[31m:1"):
            with self.subTest(reference=reference):
                self.put(BOX.sign(self.claim(**{"identity": {"docker-reference": reference}})))
                done = self.rejected(r"Source image rejected: Signature for identity \".*\" is not accepted")
                self.assertNotIn("\x1b", done.stderr)

    def test_identities(self):
        name = f"{self.host}/test/image"
        by_digest = f"{name}@{self.digest}"
        cases = (  # signedIdentity, reference signed, reference pulled, accepted?
            ({"type": "matchExact"}, f"{name}:latest", None, True),
            ({"type": "matchExact"}, f"{name}:latest", by_digest, False),
            ({"type": "matchExact"}, by_digest, by_digest, True),
            ({"type": "matchRepoDigestOrExact"}, f"{name}:other", by_digest, True),
            ({"type": "matchRepoDigestOrExact"}, f"{name}:other", None, False),
            ({"type": "matchRepository"}, f"{name}:other", None, True),
            ({"type": "matchRepository"}, f"{name}2:latest", None, False),
            ({"type": "exactReference", "dockerReference": "a.example/b:1"}, "a.example/b:1", None, True),
            ({"type": "exactReference", "dockerReference": "a.example/b:1"}, f"{name}:latest", None, False),
            ({"type": "exactRepository", "dockerRepository": "a.example/b"}, "a.example/b:7", None, True),
            ({"type": "exactRepository", "dockerRepository": "a.example/b"}, "a.example/c:7", None, False),
            ({"type": "remapIdentity", "prefix": self.host, "signedPrefix": "vendor.example/m"},
             "vendor.example/m/test/image:latest", None, True),
            ({"type": "remapIdentity", "prefix": self.host, "signedPrefix": "vendor.example/m"}, f"{name}:latest", None, False),
        )
        for identity, signed, pulled, good in cases:
            with self.subTest(identity=identity, signed=signed, pulled=pulled):
                self.require(identity=identity)
                self.put(BOX.sign(self.claim(signed)))
                if good:
                    self.accepted(pulled)
                else:
                    self.rejected("is not accepted", pulled)

    def test_one_good_among_bad_ones(self):
        bad = BOX.sign(self.claim(), "other")
        self.put(bad, b"junk", BOX.sign(self.claim()))
        self.accepted()
        self.put(bad, BOX.sign(self.claim(of="sha256:" + "0" * 64)))
        self.rejected("Source image rejected: None of the signatures were accepted, reasons: Invalid GPG signature: .*; "
                      "Signature for digest .* does not match")

    def test_all_requirements_must_hold(self):
        """Red when signed_by_check() stops at the first requirement that is met."""
        needs = [self.require("good"), self.require("other")]
        self.require(scopes={self.host: needs})
        self.put(BOX.sign(self.claim(), "good"))
        self.rejected("none of the policy's keys")
        self.put(BOX.sign(self.claim(), "other"))
        self.rejected("none of the policy's keys")
        self.put(BOX.sign(self.claim(), "good"), BOX.sign(self.claim(), "other"))
        self.accepted()

    def test_places_of_keys(self):
        self.put(BOX.sign(self.claim()))
        data = base64.b64encode(BOX.pub("good").read_bytes()).decode()
        armored = self.base / "armored.pub"
        armored.write_bytes(BOX.gpg("--armor", "--export", BOX.finger["good"]).stdout)
        for changes in ({"keyPath": None, "keyData": data}, {"keyPath": str(armored)},
                        {"keyPath": None, "keyPaths": [str(BOX.pub("other")), str(BOX.pub("good"))]}):
            with self.subTest(changes=sorted(changes)):
                self.require(**changes)
                self.accepted()
        self.require(keyPath="/nonexistent/key")
        self.rejected("Source image rejected: cannot open the policy's key file '/nonexistent/key'")
        junk = self.base / "junk.pub"
        junk.write_bytes(b"no key at all\n")
        self.require(keyPath=str(junk))
        self.rejected("No public keys imported")
        os.mkfifo(self.base / "fifo.pub")
        self.require(keyPath=str(self.base / "fifo.pub"))
        self.rejected("No public keys imported|fifo.pub")


class Messages(SignatureTest):
    """What stands where a signature should be."""

    def test_junk(self):
        for what, data in (("empty", b""), ("text", b"hello\n"), ("html", b"<html></html>"), ("a3", b"\xa3" + os.urandom(4000)),
                           ("packets", b"\x90\x0d" * 200), ("sigstore", b"\x00sigstore-json\n{}")):
            with self.subTest(what=what):
                self.put(data)
                self.rejected("Source image rejected: (Invalid GPG signature|unrecognized signature format)")

    def test_claims_that_are_none(self):
        """Well signed, but no claim. Red when js_has_unique_keys() is not asked."""
        for data in (b"", b"hello", b"[]", self.claim(type="other"), self.claim(more=1), self.claim() + b"{}",
                     self.claim().replace(b'"type"', b'"type": "x", "type"')):
            with self.subTest(data=data[:40]):
                self.put(BOX.sign(data))
                self.rejected("Source image rejected: Invalid")

    def test_not_signed_at_all(self):
        """Red when gpg_verify() asks neither gpg_status_judge() nor for gpg's exit code."""
        self.put(BOX.gpg("--store", data=self.claim()).stdout)
        self.rejected("unrecognized signature format|Invalid GPG signature")
        compressed = subprocess.run(["gpg", "--homedir", str(BOX.home), "--batch", "--compress-algo", "zip", "--store"],
                                    input=self.claim(), capture_output=True, check=True).stdout
        self.put(b"\xa3" + compressed if compressed[0] not in (0xa3, 0xc8) else compressed)
        self.rejected("Invalid GPG signature")

    def test_other_forms(self):
        """Red when signature_is_simple() is not asked: gpg takes armored messages, and text around them."""
        clear = BOX.gpg("-u", BOX.finger["good"], "--clearsign", data=self.claim()).stdout
        armored = BOX.gpg("-u", BOX.finger["good"], "--armor", "--sign", data=self.claim()).stdout
        detached = BOX.gpg("-u", BOX.finger["good"], "--detach-sign", data=self.claim()).stdout
        for what, data in (("clear", clear), ("prefixed", b"evil\n" + clear), ("armored", armored)):
            with self.subTest(what=what):
                self.put(data)
                self.rejected("Source image rejected: unrecognized signature format")
        self.put(detached)
        self.rejected("Invalid GPG signature")

    def test_several_in_one(self):
        """Red when gpg_status_judge() does not count."""
        self.require(keyPath=None, keyPaths=[str(BOX.pub("good")), str(BOX.pub("other"))])
        evil = BOX.gpg("--store", data=self.claim(of="sha256:" + "0" * 64)).stdout
        plain = BOX.sign(self.claim(), options=("--compress-algo", "none"))
        for what, data in (("two messages", plain + plain), ("signed, then not", plain + evil), ("not, then signed", evil + plain),
                           ("two signers", BOX.sign(self.claim(), "good", "other"))):
            with self.subTest(what=what):
                self.put(data)
                self.rejected("Source image rejected: (Invalid GPG signature|unrecognized signature format)")

    def test_flipped_bits(self):
        signed = bytearray(BOX.sign(self.claim(), options=("--compress-algo", "none")))
        at = signed.index(b"sha256:") + 20
        signed[at] ^= 1
        self.put(bytes(signed))
        self.rejected("Invalid GPG signature: it does not match its content")

    def test_too_large(self):
        """Red without the limits of signature.h."""
        self.put(BOX.sign(self.claim()) + b"\0" * (1 << 20))
        self.rejected("signature-1': .*1048576")
        self.put(*[b"\xa3" * (900 << 10)] * 5)
        self.rejected("too many or too large signatures")
        self.put(*[b"x"] * 129)
        self.rejected("too many or too large signatures")

    def test_a_bomb(self):
        """A small message that says much, and a claim at its end. Red without --max-output and the limits of gpg.c."""
        bomb = BOX.gpg("-u", BOX.finger["good"], "--compress-algo", "bzip2", "--sign", data=b" " * (40 << 20) + self.claim()).stdout
        self.assertLess(len(bomb), 1 << 20)
        self.put(bomb)
        done = self.rejected("Source image rejected: (Invalid GPG signature|.*larger|.*1048576)")
        self.assertLess(done.seconds, 20)

    def test_no_regular_file(self):
        self.place()
        os.mkfifo(self.place())
        self.rejected("is no regular file")


class Places(SignatureTest):
    """registries.d, web servers, lists, directories, and the rest of skopeo."""

    def serve(self, answer):
        """A web server that answers with answer(path, headers) -> (status, body). Returns its URL and what it was asked."""
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append((self.path, dict(self.headers)))
                status, body = answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}", asked

    def test_from_a_web_server(self):
        signed = BOX.sign(self.claim())
        url, asked = self.serve(lambda path: (200, signed) if path.endswith("signature-1") else (404, b"no"))
        self.registries_d({"docker": {self.host: {"lookaside": url + "/sub/"}}}, "more.yaml")
        self.credentials({self.host: base64.b64encode(b"u:p").decode(), url.partition("//")[2]: base64.b64encode(b"u:p").decode()})
        self.accepted()
        expected = f"/sub/test/image@{self.digest.replace(':', '=')}/signature-"
        self.assertEqual([path for path, _ in asked], [expected + "1", expected + "2"])
        self.assertFalse([headers for _, headers in asked if "Authorization" in headers])

    def test_a_web_server_that_fails(self):
        """What is not known to be absent is not taken for absent. Red when every failure is."""
        for status, body, says in ((500, b"", "unexpected answer"), (403, b"", "unexpected answer"), (200, b"x" * (2 << 20), "signature-1"),
                                   (404, b"", REQUIRED)):
            with self.subTest(status=status):
                url, _ = self.serve(lambda path, status=status, body=body: (status, body))
                self.registries_d({"docker": {self.host: {"lookaside": url}}}, "more.yaml")
                self.rejected(says)

    def test_scopes_of_registries_d(self):
        self.put(BOX.sign(self.claim()))
        empty = f"file://{self.base}/empty"
        self.registries_d({"default-docker": {"lookaside": empty}})
        self.rejected(REQUIRED)
        for scope in (f"{self.host}/test/image:latest", f"{self.host}/test/image", f"{self.host}/test", self.host):
            with self.subTest(scope=scope):
                self.registries_d({"docker": {scope: {"sigstore": f"file://{self.sigstore}"}, "other.example": {"lookaside": empty}}},
                                  "more.yaml")
                self.accepted()
        self.registries_d({"default-docker": {"lookaside": empty}}, "twice.yaml")
        self.rejected("'default-docker' is defined both in")

    def test_the_default_place(self):
        shutil.rmtree(self.config / "registries.d")
        (self.config / "registries.d").mkdir()
        if os.geteuid() == 0:
            self.skipTest("root's is a directory of the machine")
        self.sigstore = self.home / ".local/share/containers/sigstore"
        self.put(BOX.sign(self.claim()))
        self.accepted()

    def test_a_list_of_images(self):
        """It is the image's manifest that must be signed, as podman has it."""
        entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": self.digest, "size": len(self.image.manifest),
                 "platform": {"os": "linux", "architecture": "amd64"}}
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
        self.registry.script = lambda request: Response(200, {"Content-Type": OCI_INDEX}, index) \
            if request.path.endswith("/manifests/latest") else None
        self.place(of=digest(index)).write_bytes(BOX.sign(self.claim(of=digest(index))))
        self.rejected(REQUIRED)
        self.put(BOX.sign(self.claim()))
        self.accepted()

    def test_signed_images_keep_their_bytes(self):
        self.put(BOX.sign(self.claim()))
        self.pull(self.reference)
        [layer] = [path.parent for path in self.layer_dirs()]
        self.assertEqual((layer / "blob").read_bytes(), self.image.layers[0])

    @unittest.skipIf(shutil.which("skopeo") is None, "'skopeo' is not installed")
    def test_skopeo_signs_alone(self):
        (self.base / "manifest").write_bytes(self.image.manifest)
        subprocess.run(["skopeo", "standalone-sign", str(self.base / "manifest"), self.reference, BOX.finger["good"],
                        "--output", str(self.base / "signature")], check=True, capture_output=True,
                       env={"PATH": os.environ["PATH"], "HOME": str(self.base), "GNUPGHOME": str(BOX.home)})
        self.put((self.base / "signature").read_bytes())
        self.accepted()

    @unittest.skipIf(shutil.which("skopeo") is None, "'skopeo' is not installed")
    def test_skopeo_signs_while_it_copies(self):
        """skopeo writes into the lookaside and we find it there; a directory carries signatures, too."""
        directory = self.base / "dir"
        registries = self.base / "registries.d"
        registries.mkdir()
        (registries / "x.yaml").write_text(f"default-docker:\n  lookaside: file://{self.sigstore}\n", encoding="ascii")
        env = {"PATH": os.environ["PATH"], "HOME": str(self.base), "GNUPGHOME": str(BOX.home)}

        def copy(*args):
            done = subprocess.run(["skopeo", "--insecure-policy", "--registries.d", str(registries), "copy", "--quiet", *args],
                                  capture_output=True, env=env, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

        copy("--src-tls-verify=false", f"docker://{self.reference}", f"dir:{directory}")
        copy("--dest-tls-verify=false", "--sign-by", BOX.finger["good"], f"dir:{directory}",
             f"docker://{self.host}/signed/app:v1")
        self.require(scopes={f"{self.host}/signed": [self.require()]})
        self.accepted(f"{self.host}/signed/app:v1")
        copy("--src-tls-verify=false", f"docker://{self.host}/signed/app:v1", f"dir:{directory}")
        self.assertTrue((directory / "signature-1").exists())
        need = self.require(identity={"type": "exactRepository", "dockerRepository": f"{self.host}/signed/app"})
        self.policy({"default": [{"type": "reject"}], "transports": {"dir": {str(directory): [need]}}})
        self.fetch("load", "--input", directory)
        shutil.rmtree(self.store)
        (directory / "signature-1").unlink()
        done = self.fetch("load", "--input", directory, code=125)
        self.assertIn(REQUIRED, done.stderr)
        self.assertEqual(self.image_ids(), [])

    def test_archives_have_none(self):
        need = self.require()
        self.policy({"default": [need]})
        tar = self.base / "x.tar"
        tool("tar", "cf", str(tar), "-C", str(self.home), ".")
        done = self.fetch("import", tar, code=125)
        self.assertIn(REQUIRED, done.stderr)

    def test_broken_policies(self):
        for changes in ({"keyType": "X509Certificates"}, {"keyData": "AA=="}, {"keypath": "/x"}, {"keyPath": None},
                        {"signedIdentity": {"type": "matchAll"}}):
            with self.subTest(changes=changes):
                self.require(**changes)
                self.pull_fails(self.reference, says="the policy can't be read, so nothing is accepted")
        self.policy({"default": [{"type": "sigstoreSigned", "keyPath": "/x"}]})
        self.pull_fails(self.reference, says="sigstoreSigned.*which this version cannot check")
