# SPDX-License-Identifier: Apache-2.0
"""pull against a registry that misbehaves (F8 of the fault matrix): wrong content is never accepted, no
credential goes where it should not, everything ends within bounds, and what can be saved is."""

import base64
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from tests.support.bounds import Peak, Watch, count
from tests.support.fault_registry import (BASIC, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, PASSWORD, TOKEN,
                                          USER, FaultRegistry, Image, Request, Response, digest, http_date, noise)
from tests.support.fetch import Authority, FetchTest
from tests.support.screen import shown
from tests.support.skiff import SLOWNESS, Tty

MIB = 1 << 20
MEMORY = 48 * MIB  # 25 are used with TLS
HTML = b"<html><body><form>Please log in to the hotel's network</form></body></html>"


def once(condition, response):
    """A script that misbehaves at the first request for which the condition holds."""
    state = {"done": False}

    def script(request):
        if state["done"] or not condition(request):
            return None
        state["done"] = True
        return response(request) if callable(response) else response
    return script


def always(condition, response):
    """A script that misbehaves every time."""
    return lambda request: (response(request) if callable(response) else response) if condition(request) else None


def layer_request(image):
    """Is it for the first layer?"""
    return lambda request: request.is_blob and request.path.endswith(digest(image.layers[0]))


def config_request(image):
    """Is it for the image config?"""
    return lambda request: request.is_blob and request.path.endswith(digest(image.config))


def manifest_request(request):
    """Is it for a manifest?"""
    return request.is_manifest


class FaultTest(FetchTest):
    """A registry over plain HTTP that is configured as insecure, unless a test says otherwise."""

    counts = None  # what kind of hostile input each command of a class meets; see bounds.py
    peak = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.counts:
            cls.peak = Peak()
            cls.addClassCleanup(cls.peak.cleanup)

    def command(self, verb, *args):
        """argv of skiff-fetch, measured."""
        argv = super().command(verb, *args)
        return self.peak.command(argv) if self.peak else argv

    def fetch(self, verb, *args, **options):
        """Hostile input changes nothing outside of the store, and needs little memory."""
        if not self.peak:
            return super().fetch(verb, *args, **options)
        count(self.counts, (self.id(), self.base))
        with Watch([self.store, self.peak.report]) as watch:
            done = super().fetch(verb, *args, **options)
            self.assertEqual(watch.outside(), [])
        self.assertLess(self.peak.bytes(), MEMORY * SLOWNESS * SLOWNESS)
        return done

    def registry(self, image, script=None, **options):
        """Start a registry; it ends with the test."""
        registry = FaultRegistry(image, script=script, **options)
        registry.__enter__()
        self.addCleanup(registry.__exit__)
        if not options.get("tls"):
            self.registries_conf(insecure=[registry.host])
        return registry

    def pull_with(self, script, image=None, fails=None, **options):
        """Pull once with a script. `fails` is a pattern of the error, or None if it must succeed."""
        image = image or Image()
        registry = self.registry(image, script)
        if fails is None:
            self.pull(registry.reference(), **options)
            self.assert_pulled(image)
        else:
            self.pull_fails(registry.reference(), says=fails, **options)
        return registry


class Blobs(FaultTest):
    """Layers whose bytes, lengths and ranges are wrong."""

    image = Image(sizes=(3 * MIB,))

    def blob(self, request, **options):
        """The honest answer for the layer, spoilt by options."""
        return FaultRegistry.blob(self.image.layers[0], request, **options)

    def layer_once(self, **options):
        return once(layer_request(self.image), lambda request: self.blob(request, **options))

    def layer_always(self, **options):
        return always(layer_request(self.image), lambda request: self.blob(request, **options))

    def test_truncated_body_is_resumed(self):
        registry = self.pull_with(self.layer_once(cut_after=2 * MIB), self.image)
        ranges = [request.header("Range") for request in registry.requests if layer_request(self.image)(request)]
        self.assertEqual(ranges, [None, f"bytes={2 * MIB}-"])

    def test_reset_is_resumed(self):
        self.pull_with(self.layer_once(cut_after=2 * MIB, reset=True), self.image)

    def test_reset_before_the_first_byte(self):
        self.pull_with(once(layer_request(self.image), Response(raw=b"", reset=True)), self.image)

    def test_reset_at_many_bytes(self):
        """RST in the middle of the headers, after the first byte of the body, before its last one."""
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Ty"
        size = len(self.image.layers[0])
        for name, script in (("headers", once(layer_request(self.image), Response(raw=head, reset=True))),
                             *((k, self.layer_once(cut_after=k, reset=True)) for k in (1, 131071, 131072, MIB, size - 1))):
            with self.subTest(name):
                super().setUp()
                self.pull_with(script, self.image)

    def test_layers_come_in_parallel(self):
        """Six at a time, and no more."""
        image, lock = Image(sizes=(1000,) * 10), threading.Lock()
        layers, now, most = set(map(digest, image.layers)), [0], [0]

        def script(request):
            if request.path.rpartition("/")[2] in layers:
                with lock:
                    now[0] += 1
                    most[0] = max(most[0], now[0])
                time.sleep(0.5)
                with lock:
                    now[0] -= 1
        self.pull_with(script, image)
        self.assertEqual(most, [6])

    def test_gzip_bomb(self):
        """Eighty gigabytes of zeros in eighty megabytes: ended by the budget, not by the disk."""
        begin = bytearray(512)
        begin[:5], begin[100:108], begin[156:157] = b"zeros", b"0000644\0", b"0"
        begin[124:136] = b"\x80" + (80 << 30).to_bytes(11, "big")
        begin[257:265] = b"ustar\x0000"
        begin[148:156] = b"%06o\0 " % (sum(begin) + 8 * 32)
        image = Image()
        image.layers = [gzip.compress(bytes(begin)) + gzip.compress(bytes(64 * MIB), 9) * 1280]
        image.manifest = image.make_manifest()
        registry = self.registry(image)
        done = self.pull_fails(registry.reference(), says="more than", timeout=120)
        self.assertEqual(self.layer_dirs(), [])
        self.assertLess(done.seconds, 60 * SLOWNESS)

    def test_truncated_for_ever_without_progress(self):
        registry = self.pull_with(self.layer_always(cut_after=0), self.image, fails="transfer closed|ends after|end of")
        self.assertLessEqual(len(registry.paths(digest(self.image.layers[0]))), 5)

    def test_every_cut_after_progress_is_survived(self):
        """Ten cuts, more than there are retries: progress counts."""
        image = Image(sizes=(12 * MIB,))

        def script(request):
            if not layer_request(image)(request):
                return None
            return FaultRegistry.blob(image.layers[0], request, cut_after=MIB + 100000)
        registry = self.pull_with(script, image)
        overhead = registry.bytes_sent - len(image.layers[0])
        cuts = len(registry.paths(digest(image.layers[0]))) - 1
        self.assertGreaterEqual(cuts, 10)
        self.assertLessEqual(overhead, cuts * MIB)

    def test_wrong_digest(self):
        bad = bytes(reversed(self.image.layers[0]))
        self.pull_with(always(layer_request(self.image), Response(200, body=bad)), self.image, fails="layer|gzip|digest")

    def test_one_flipped_bit(self):
        bad = bytearray(self.image.layers[0])
        bad[len(bad) // 2] ^= 1
        self.pull_with(always(layer_request(self.image), Response(200, body=bytes(bad))), self.image, fails="layer")

    def test_right_tar_in_other_gzip(self):
        """The same contents, compressed again: the diff id fits, the digest does not."""
        layer = self.image.layers[0]
        for other in (gzip.compress(gzip.decompress(layer), 0, mtime=5), layer[:4] + b"\5\0\0\0" + layer[8:]):
            self.pull_with(always(layer_request(self.image), Response(200, body=other)), self.image, fails="announced|digest")

    def test_longer_than_announced(self):
        longer = self.image.layers[0] + b"x" * 100
        self.pull_with(always(layer_request(self.image), Response(200, body=longer)), self.image, fails="announced")

    def test_shorter_than_announced(self):
        shorter = self.image.layers[0][:-100]
        self.pull_with(always(layer_request(self.image), lambda r: FaultRegistry.blob(shorter, r)), self.image,
                       fails="ends after|HTTP 416")

    def test_empty_200(self):
        self.pull_with(always(layer_request(self.image), Response(200)), self.image, fails="ends after")

    def test_204(self):
        self.pull_with(always(layer_request(self.image), Response(204, length=None)), self.image, fails="HTTP 204")

    def test_content_length_too_large(self):
        self.pull_with(self.layer_once(length=len(self.image.layers[0]) + 5000, close=True), self.image)

    def test_content_length_too_small(self):
        self.pull_with(self.layer_once(length=1000, close=True), self.image)

    def test_two_different_content_lengths(self):
        self.pull_with(self.layer_once(length=None, extra_headers=[
            ("Content-Length", "1000"), ("Content-Length", str(len(self.image.layers[0])))]), self.image)

    def test_the_same_content_length_twice(self):
        size = str(len(self.image.layers[0]))
        self.pull_with(self.layer_once(length=None, extra_headers=[("Content-Length", size)] * 2), self.image)

    def test_http_1_0(self):
        self.pull_with(self.layer_once(version="HTTP/1.0", length=None, close=True), self.image)

    def test_chunked(self):
        self.pull_with(self.layer_once(chunked=True), self.image)

    def test_broken_chunk(self):
        raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n"
        self.pull_with(always(layer_request(self.image), Response(raw=raw)), self.image, fails="layer")

    def test_endless_body(self):
        def script(request):
            if layer_request(self.image)(request):
                return Response(200, body=self.image.layers[0] * 20, length=None, close=True)
            return None
        self.pull_with(script, self.image, fails="announced")

    def test_html_page_instead_of_a_layer(self):
        self.pull_with(always(layer_request(self.image), Response(200, {"Content-Type": "text/html"}, HTML)), self.image,
                       fails="layer")

    def test_missing_blob(self):
        self.pull_with(always(layer_request(self.image), Response(404)), self.image, fails="HTTP 404")

    def test_forbidden_blob(self):
        self.pull_with(always(layer_request(self.image), Response(403)), self.image, fails="HTTP 403")

    # Resuming: the first answer is cut, the second is what the case is about.

    def resume(self, second, fails=None):
        """Cut the first answer after 2 MiB, then answer Range requests with `second` once."""
        cut, then = self.layer_once(cut_after=2 * MIB), once(lambda r: r.range_first > 0, second)
        return self.pull_with(lambda request: cut(request) or then(request), self.image, fails=fails)

    def test_200_instead_of_206(self):
        self.resume(Response(200, body=self.image.layers[0]))

    def test_206_that_begins_elsewhere(self):
        layer = self.image.layers[0]
        self.resume(Response(206, {"Content-Range": f"bytes 100-{len(layer) - 1}/{len(layer)}"}, layer[100:]))

    def test_206_without_content_range(self):
        self.resume(Response(206, body=self.image.layers[0][2 * MIB:]))

    def test_206_of_another_total(self):
        layer = self.image.layers[0]
        self.resume(Response(206, {"Content-Range": f"bytes {2 * MIB}-{len(layer) - 1}/{len(layer) + 1}"}, layer[2 * MIB:]))

    def test_206_in_many_parts(self):
        self.resume(Response(206, {"Content-Type": "multipart/byteranges; boundary=x"}, b"--x\r\n\r\nabc\r\n--x--"))

    def test_206_with_wrong_bytes(self):
        layer = self.image.layers[0]
        self.resume(Response(206, {"Content-Range": f"bytes {2 * MIB}-{len(layer) - 1}/{len(layer)}"},
                             noise(len(layer) - 2 * MIB, 9)))

    def test_206_with_wrong_bytes_for_ever(self):
        layer = self.image.layers[0]

        def script(request):
            if not layer_request(self.image)(request):
                return None
            if request.range_first:
                return FaultRegistry.blob(noise(len(layer), 9), request)
            return self.blob(request, cut_after=2 * MIB)
        self.pull_with(script, self.image, fails="layer")

    def test_416(self):
        self.resume(Response(416, {"Content-Range": f"bytes */{len(self.image.layers[0])}"}))

    def test_416_for_ever(self):
        cut = self.layer_always(cut_after=2 * MIB)
        registry = self.pull_with(lambda r: Response(416) if r.range_first else cut(r), self.image, fails="layer")
        self.assertLessEqual(len(registry.requests), 12)

    def test_range_on_a_redirect(self):
        """The rest is fetched from where the redirect leads."""
        other = self.registry(self.image)
        cut = self.layer_once(cut_after=2 * MIB)

        def script(request):
            if request.range_first:
                return Response(307, {"Location": other.url + request.target})
            return cut(request)
        registry = self.registry(self.image, script)
        self.registries_conf(insecure=[registry.host, other.host])
        self.pull(registry.reference())
        self.assert_pulled(self.image)
        self.assertEqual(other.requests[0].range_first, 2 * MIB)


class Documents(FaultTest):
    """Manifests and configs that are not what they say."""

    counts = "manifests and configs"

    def document(self, body, content_type=OCI_MANIFEST, fails="manifest", headers=None):
        """Answer every request for a manifest with this."""
        headers = {"Content-Type": content_type} | (headers or {})
        return self.pull_with(always(manifest_request, Response(200, headers, body)), fails=fails)

    def test_html_page(self):
        self.document(HTML, "text/html")

    def test_html_page_called_a_manifest(self):
        self.document(HTML)

    def test_truncated_json(self):
        self.document(Image().manifest[:-5])

    def test_truncated_answer_is_fetched_again(self):
        image = Image()
        self.pull_with(once(manifest_request, Response(200, {"Content-Type": OCI_MANIFEST}, image.manifest, cut_after=20)), image)

    def test_deep_json(self):
        self.document(b"[" * 100000)

    def test_five_megabytes(self):
        self.document(b" " * 5 * MIB + Image().manifest, fails="larger than allowed")

    def test_endless(self):
        self.pull_with(always(manifest_request, Response(200, {"Content-Type": OCI_MANIFEST}, b" " * 40 * MIB, length=None)),
                       fails="larger than allowed")

    def test_image_and_index_at_once(self):
        self.document(Image().make_manifest(manifests=[]), fails="at once")

    def test_media_type_of_an_index(self):
        self.document(Image().make_manifest(mediaType=OCI_INDEX), fails="mediaType|Content-Type")

    def test_content_type_of_an_index(self):
        self.document(Image().manifest, OCI_INDEX, fails="Content-Type")

    def test_content_type_of_the_other_family(self):
        self.document(Image().manifest, DOCKER_MANIFEST, fails="calls it")

    def test_content_type_with_charset(self):
        image = Image()
        self.pull_with(always(manifest_request, Response(
            200, {"Content-Type": OCI_MANIFEST.upper() + ";  charset=UTF-8; x=\"y;z\""}, image.manifest)), image)

    def test_no_content_type(self):
        image = Image()
        self.pull_with(always(manifest_request, Response(200, {}, image.manifest)), image)

    def test_announced_digest_of_other_bytes(self):
        self.document(Image().manifest, headers={"Docker-Content-Digest": digest(b"x")}, fails="other bytes")

    def test_other_bytes_for_a_digest(self):
        image = Image()
        registry = self.registry(image, always(manifest_request, Response(200, {"Content-Type": OCI_MANIFEST},
                                                                         Image(seed=2).manifest)))
        self.pull_fails(f"{registry.host}/{image.name}@{digest(image.manifest)}", says="other bytes")

    def test_index_that_leads_to_other_bytes(self):
        image = Image()
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{
            "mediaType": OCI_MANIFEST, "digest": digest(image.manifest), "size": len(image.manifest),
            "platform": {"os": "linux", "architecture": "amd64"}}]}).encode()

        def script(request):
            if request.path.endswith("/latest"):
                return Response(200, {"Content-Type": OCI_INDEX}, index)
            if request.is_manifest:
                return Response(200, {"Content-Type": OCI_MANIFEST}, Image(seed=2).manifest)
            return None
        self.pull_with(script, image, fails="other bytes")

    def test_wrong_size_in_the_index(self):
        """The digest fits, the size does not: the index does not describe these bytes."""
        image = Image()
        for wrong in (0, len(image.manifest) - 1, len(image.manifest) + 1):
            with self.subTest(wrong):
                self.setUp()
                index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{
                    "mediaType": OCI_MANIFEST, "digest": digest(image.manifest), "size": wrong}]}).encode()
                self.pull_with(always(lambda r: r.path.endswith("/latest"), Response(200, {"Content-Type": OCI_INDEX}, index)),
                               image, fails="announced")

    def test_wrong_size_of_the_config(self):
        for wrong in (-1, 1):
            image = Image()
            config = {"mediaType": OCI_CONFIG, "digest": digest(image.config), "size": len(image.config) + wrong}
            image.manifest = image.make_manifest(config=config)
            with self.subTest(wrong):
                self.setUp()
                self.pull_with(None, image, fails="other bytes|larger than allowed")

    def twice(self, name, first, second, fails=None):
        """Answer for the manifest with a header that comes twice."""
        image = Image()
        headers = {"Content-Type": OCI_MANIFEST} if name != "Content-Type" else {}
        self.setUp()
        self.pull_with(always(manifest_request, Response(200, headers, image.manifest, extra_headers=[
            (name, first), (name.lower(), second)])), image, fails=fails)

    def test_duplicate_headers(self):
        """Two values for what there is one of: refused. The same one twice is no harm, and some headers may come often."""
        good = digest(Image().manifest)
        self.twice("Content-Type", OCI_MANIFEST, OCI_INDEX, fails="two content-type headers")
        self.twice("Content-Type", "text/html", OCI_MANIFEST, fails="two content-type headers")
        self.twice("Docker-Content-Digest", good, digest(b"x"), fails="two docker-content-digest headers")
        self.twice("Docker-Content-Digest", digest(b"x"), good, fails="two docker-content-digest headers")
        self.twice("Content-Type", OCI_MANIFEST, OCI_MANIFEST)
        self.twice("Docker-Content-Digest", good, good)
        self.twice("Via", "1.1 a", "1.1 b")

    def test_charset_traps(self):
        """JSON is UTF-8 whatever a charset says; anything else is no manifest."""
        text = Image().make_manifest(annotations={"title": "\u00e4"}).decode()
        # A raw letter, so that the encodings differ.
        text = text.replace("\\u00e4", "\u00e4")
        for name, body in (("utf-16", text.encode("utf-16")), ("utf-16le", text.encode("utf-16-le")), ("utf-32", text.encode("utf-32")),
                           ("utf-8", b"\xef\xbb\xbf" + text.encode()), ("iso-8859-1", text.encode("latin-1")),
                           ("utf-7", text.encode("utf-7").replace(b"{", b"+AHs-")), ("utf-8", text.encode().replace(b"\xc3", b"\xc0")),
                           ("utf-8", text.replace("\u00e4", "a\0b").encode())):
            with self.subTest(name + " " + repr(body[:4])):
                self.setUp()
                self.document(body, f"{OCI_MANIFEST}; charset={name}")
        for name in ("utf-16", "\"\"", "x" * 5000, "utf-8; charset=utf-16"):
            with self.subTest(f"UTF-8 called {name[:30]}"):
                self.setUp()
                image = Image()
                self.pull_with(always(manifest_request, Response(200, {"Content-Type": f"{OCI_MANIFEST}; charset={name}"}, image.manifest)),
                               image)

    def test_gzip_bomb_as_a_manifest(self):
        """A content encoding that nobody asked for is not undone."""
        body = gzip.compress(bytes(64 * MIB), 9)
        self.document(body, headers={"Content-Encoding": "gzip"})

    def tags(self, link):
        """Pull all tags; every page names the same tag and, by `link`, a next page."""
        image = Image()
        registry = self.registry(image, lambda r: Response(
            200, {"Content-Type": "application/json", "Link": link(r)}, json.dumps({"tags": [image.tag]}).encode())
            if "/tags/" in r.path else None)
        return registry, self.pull_fails("--all-tags", f"{registry.host}/{image.name}", says="pages")

    def test_pages_of_tags_without_end(self):
        registry, _ = self.tags(lambda r: f'<{r.path}?last={r.count}>; rel="next"')
        self.assertEqual(len(registry.paths("/tags/")), 200)

    def test_schema_1(self):
        self.document(b'{"schemaVersion":1,"name":"x","tag":"y","fsLayers":[],"history":[]}',
                      "application/vnd.docker.distribution.manifest.v1+prettyjws", fails="schema 1")

    def test_artifact(self):
        config = {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": digest(b""), "size": 0}
        self.document(Image().make_manifest(config=config), fails="artifact")

    def test_foreign_layer(self):
        layer = {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "digest": digest(b""),
                 "size": 0, "urls": ["http://127.0.0.1:1/secret"]}
        self.document(Image().make_manifest(layers=[layer]), fails="foreign")

    def test_digest_that_is_a_path(self):
        for bad in ("sha256:../../../../etc/passwd", "sha256:" + "A" * 64, "sha256:abc", "md5:" + "0" * 32, ""):
            with self.subTest(bad):
                layer = {"mediaType": OCI_LAYER, "digest": bad, "size": 1}
                self.document(Image().make_manifest(layers=[layer]), fails="digest")

    def test_negative_and_huge_sizes(self):
        for bad in (-1, 2 ** 63, 2 ** 60, "12", 1.5, None):
            with self.subTest(bad):
                layer = {"mediaType": OCI_LAYER, "digest": digest(b"x"), "size": bad}
                self.document(Image().make_manifest(layers=[layer]), fails="size|manifest")

    def test_too_many_layers(self):
        layer = {"mediaType": OCI_LAYER, "digest": digest(b"x"), "size": 1}
        self.document(Image().make_manifest(layers=[layer] * 5000), fails="5000 layers")

    def test_gzip_nobody_asked_for(self):
        image = Image()
        self.document(gzip.compress(image.manifest), headers={"Content-Encoding": "gzip"})

    def test_wrong_config_bytes(self):
        image = Image()
        self.pull_with(always(config_request(image), Response(200, body=Image(seed=2).config)), image, fails="other bytes")

    def test_config_of_other_layers(self):
        """Both digests fit, but the config describes another image's layer."""
        image, other = Image(), Image(seed=2)
        image.config = other.config
        image.manifest = image.make_manifest()
        self.pull_with(None, image, fails="diff id")

    def test_config_with_fewer_layers(self):
        image = Image(sizes=(1000, 1000))
        image.config = Image(sizes=(1000,)).config
        image.manifest = image.make_manifest()
        self.pull_with(None, image, fails="2 layers")

    def test_swapped_layers(self):
        image = Image(sizes=(1000, 2000))
        image.layers.reverse()
        image.manifest = image.make_manifest()
        self.pull_with(None, image, fails="diff id")

    def test_config_is_no_json(self):
        image = Image()
        image.config = b"not json"
        image.manifest = image.make_manifest()
        self.pull_with(None, image, fails="config")

    def test_huge_config(self):
        image = Image()
        config = {"mediaType": OCI_CONFIG, "digest": digest(b"x"), "size": 5 * MIB}
        self.document(image.make_manifest(config=config), fails="4 MiB")

    def test_too_many_headers(self):
        extra = [(f"X-Filler-{i}", "y" * 1000) for i in range(200)]
        self.pull_with(always(manifest_request, Response(200, {"Content-Type": OCI_MANIFEST}, Image().manifest,
                                                         extra_headers=extra)), fails="headers")

    def test_early_hints(self):
        image = Image()
        raw = (b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\nContent-Type: text/html\r\n\r\nHTTP/1.1 200 OK\r\n"
               b"Content-Type: " + OCI_MANIFEST.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(image.manifest))
        self.pull_with(once(manifest_request, Response(raw=raw + image.manifest)), image)

    def test_escape_codes_in_an_error(self):
        body = json.dumps({"errors": [{"code": "X", "message": "\x1b[31mred\x07\u202e"}]}).encode()
        registry = self.registry(Image(), always(manifest_request, Response(404, body=body)))
        done = self.pull_fails(registry.reference())
        self.assertNotRegex(done.stderr, "[\x00-\x09\x0b-\x1f\x7f\u202e]")

    def test_not_http_at_all(self):
        self.pull_with(lambda request: Response(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), fails="Error")


class Waiting(FaultTest):
    """Temporary errors, stalls, and how long we wait."""

    def times(self, registry, part):
        """Seconds between the requests for a path."""
        times = [request.time for request in registry.requests if part in request.target]
        return [b - a for a, b in zip(times, times[1:])]

    def test_temporary_errors_are_survived(self):
        image = Image()
        for status in (408, 429, 500, 502, 503, 504):
            for name, condition in (("manifest", manifest_request), ("config", config_request(image)),
                                    ("layer", layer_request(image))):
                with self.subTest(f"{status} for the {name}"):
                    self.setUp()
                    self.pull_with(once(condition, Response(status)), image)

    def test_temporary_errors_for_ever(self):
        image = Image()
        for status in (429, 500, 503):
            for name, condition in (("manifest", manifest_request), ("layer", layer_request(image))):
                with self.subTest(f"{status} for the {name}"):
                    self.setUp()
                    registry = self.pull_with(always(condition, Response(status)), image, fails=f"HTTP {status}")
                    self.assertEqual(sum(map(condition, registry.requests)), 4)

    def test_retry_after_in_seconds(self):
        for name, condition in (("manifests", manifest_request), ("blobs", layer_request(Image()))):
            with self.subTest(name):
                self.setUp()
                registry = self.pull_with(once(condition, Response(429, {"Retry-After": "2"})))
                waited = self.times(registry, name)[-1]
                self.assertAlmostEqual(waited, 2, delta=1)

    def test_retry_after_as_a_date(self):
        registry = self.pull_with(once(manifest_request, lambda r: Response(429, {"Retry-After": http_date(3), "Date": http_date(0)})))
        self.assertAlmostEqual(self.times(registry, "manifests")[-1], 3, delta=1)

    def test_retry_after_by_another_clock(self):
        registry = self.pull_with(once(manifest_request, lambda r: Response(
            503, {"Retry-After": http_date(3602), "Date": http_date(3600)})))
        self.assertAlmostEqual(self.times(registry, "manifests")[-1], 2, delta=1)

    def test_retry_after_of_the_token_server(self):
        registry = self.registry(Image(), once(lambda r: r.path == "/token", Response(429, {"Retry-After": "2"})), auth="bearer")
        self.credentials({registry.host: BASIC})
        self.pull(registry.reference())
        self.assertAlmostEqual(self.times(registry, "/token")[-1], 2, delta=1)

    def test_retry_after_an_hour_is_not_waited_for(self):
        registry = self.registry(Image(), always(manifest_request, Response(429, {"Retry-After": "3600"})))
        done = self.pull_fails(registry.reference(), says="429")
        self.assertLess(done.seconds, 5 * SLOWNESS)

    def test_senseless_retry_after(self):
        for value in ("-1", "soon", "1e9", "", "99999999999999999999", "Mon, 99 Foo 2024 00:00:00 GMT"):
            with self.subTest(value):
                self.setUp()
                self.pull_with(once(manifest_request, Response(503, {"Retry-After": value})))

    def test_default_delays_double(self):
        registry = self.registry(Image(), lambda r: Response(503) if r.is_manifest and r.count < 3 else None)
        self.fetch("pull", registry.reference())
        first, second = self.times(registry, "manifests")
        self.assertAlmostEqual(first, 1.05, delta=0.4)
        self.assertAlmostEqual(second, 2.1, delta=0.5)

    STALL = {"SKIFF_FETCH_STALL_SECONDS": "2"}

    def test_stall_in_a_layer(self):
        image = Image(sizes=(3 * MIB,))
        script = once(layer_request(image), lambda r: FaultRegistry.blob(image.layers[0], r, stall_after=2 * MIB))
        registry = self.registry(image, script)
        done = self.pull(registry.reference(), env=self.STALL)
        self.assert_pulled(image)
        self.assertLess(done.seconds, 10 * SLOWNESS)

    def test_stall_before_the_answer(self):
        for condition in (manifest_request, layer_request(Image()), config_request(Image())):
            with self.subTest(condition):
                self.setUp()
                registry = self.registry(Image(), once(condition, Response(delay=60)))
                self.assertLess(self.pull(registry.reference(), env=self.STALL).seconds, 10 * SLOWNESS)

    def test_stall_for_ever(self):
        registry = self.registry(Image(), always(manifest_request, Response(delay=60)))
        done = self.pull_fails(registry.reference(), says="too slow", env=self.STALL)
        self.assertLess(done.seconds, 20 * SLOWNESS)

    def test_one_byte_per_second(self):
        image = Image(sizes=(3 * MIB,))
        script = once(layer_request(image), lambda r: FaultRegistry.blob(image.layers[0], r, drip=1))
        done = self.pull(self.registry(image, script).reference(), env=self.STALL)
        self.assert_pulled(image)
        self.assertLess(done.seconds, 10 * SLOWNESS)

    def test_default_stall_limit_is_below_30_seconds(self):
        source = (Path(__file__).resolve().parents[2] / "storage/http.c").read_text(encoding="utf-8")
        self.assertIn("DEFAULT_SECONDS", source)
        line = next(line for line in source.splitlines() if line.startswith("#define DEFAULT_SECONDS"))
        self.assertLessEqual(int(line.split()[2]), 25)

    def test_a_slow_but_steady_layer_is_no_stall(self):
        image = Image(sizes=(200000,))
        script = once(layer_request(image), lambda r: FaultRegistry.blob(image.layers[0], r, drip=50000))
        registry = self.registry(image, script)
        self.pull(registry.reference(), env=self.STALL)
        self.assertEqual(len(registry.paths(digest(image.layers[0]))), 1)

    def test_one_line_per_layer_of_every_image(self):
        """Without a terminal: each layer of each image once, when it is there."""
        images = [Image(sizes=(1000, 2000), name=f"app{i}", seed=i) for i in range(3)]
        images[2].layers = images[0].layers
        images[2].config = json.dumps(json.loads(images[0].config) | {"author": "another"}).encode()
        images[2].manifest = images[2].make_manifest()
        registry = self.registry(images)
        done = self.pull(*map(registry.reference, images))
        expected = [f"Copying blob {digest(layer)[7:19]}" for image in images for layer in image.layers]
        lines = [line for line in done.stderr.splitlines() if line.startswith("Copying blob")]
        self.assertEqual([line.rpartition(" done")[0] or line.partition(" skipped")[0] for line in lines], expected)
        self.assertEqual(sum("skipped: already exists" in line for line in lines), 2)
        self.assertNotRegex(done.stderr, "[\r\x1b]")

    def on_terminal(self, registry, columns, *args):
        """What a terminal of so many columns shows at the end: its lines, by what the escape codes do to them."""
        terminal = Tty(self.command("pull", *args, registry.reference()), self.environment(TERM="xterm"), self.base, columns=columns)
        self.addCleanup(terminal.close)
        self.assertEqual(terminal.wait(30), 0, terminal.output)
        for part in re.findall(r"(?:^|\n|\x1b\[\d*[A-Z])(Copying blob[^\r\n\x1b]*)", terminal.output.decode()):
            self.assertLess(len(part), columns, "a line of the block that wraps cannot be drawn over")
        return shown(terminal.output, 1000), terminal.output.decode()

    def test_bars_on_a_terminal(self):
        """The block is drawn over itself: at the end there is one line per layer, and bars were seen to grow."""
        image = Image(sizes=(2 * MIB, 2 * MIB, 1000))
        for columns in (80, 40):
            with self.subTest(columns):
                self.setUp()
                registry = self.registry(image, lambda r: FaultRegistry.blob(image.blobs()[r.path.rpartition("/")[2]], r, drip=2 * MIB)
                                         if r.is_blob and digest(image.config) not in r.path else None)
                lines, output = self.on_terminal(registry, columns)
                blobs = [line for line in lines if line.startswith("Copying blob")]
                self.assertEqual(blobs, [f"Copying blob {digest(layer)[7:19]} done" for layer in image.layers])
                self.assertRegex(lines[0], "^Trying to pull")
                self.assertRegex(lines[-2], "^Pulled |^[0-9a-f]{64}")
                grown = set(re.findall(r"\[=+>? *\] .* / 2.1 MB" if columns == 80 else r" \d+ %\x1b", output))
                self.assertGreater(len(grown), 3, output)

    def test_message_above_the_bars(self):
        """A notice about an attempt does not tear the block."""
        image = Image(sizes=(2 * MIB, 2 * MIB))
        state = {"cut": False}

        def script(request):
            if not layer_request(image)(request):
                return None
            if not state["cut"]:
                state["cut"] = True
                return FaultRegistry.blob(image.layers[0], request, drip=2 * MIB, cut_after=1 * MIB)
            return FaultRegistry.blob(image.layers[0], request, drip=2 * MIB)
        lines, output = self.on_terminal(self.registry(image, script), 80, "--retry-delay", "50ms")
        self.assertEqual([line for line in lines if line.startswith("Copying blob")],
                         [f"Copying blob {digest(layer)[7:19]} done" for layer in image.layers])
        self.assertEqual(sum("trying again" in line for line in lines), 1, output)

    def test_nothing_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        done = self.fetch("pull", f"127.0.0.1:{port}/x", code=125)
        self.assertLess(done.seconds, 2 * SLOWNESS)
        self.assertIn("Error: ", done.stderr)

    def test_interrupt(self):
        """Ctrl-C ends at once, leaves no stage, and keeps the bytes for the next pull."""
        image = Image(sizes=(8 * MIB,))
        registry = self.registry(image, once(layer_request(image),
                                             lambda r: FaultRegistry.blob(image.layers[0], r, drip=2 * MIB)))
        process = subprocess.Popen(self.command("pull", registry.reference()), env=self.environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20 * SLOWNESS
        while registry.bytes_sent < 4 * MIB and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=5 * SLOWNESS)
        self.assertEqual(process.returncode, 125, stderr)
        self.assertIn(b"Error: ", stderr)
        self.assertEqual([p.name for p in (self.store / "staging").iterdir() if p.name != ".lock"], [])
        self.assertEqual(self.image_ids(), [])
        self.pull(registry.reference())
        self.assert_pulled(image)
        self.assertGreater(registry.requests[-1].range_first, 2 * MIB)

    def test_kill_costs_a_megabyte(self):
        """SIGKILL in the middle: the next pull goes on where the bytes end, at most 1 MiB earlier."""
        image = Image(sizes=(16 * MIB,))

        def script(request):
            return FaultRegistry.blob(image.layers[0], request, drip=8 * MIB) if layer_request(image)(request) else None
        registry = self.registry(image, script)
        sent = 0
        for _ in range(3):
            process = subprocess.Popen(self.command("pull", registry.reference()), env=self.environment(),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            begin = registry.bytes_sent
            deadline = time.monotonic() + 20 * SLOWNESS
            while registry.bytes_sent - begin < 4 * MIB and time.monotonic() < deadline:
                time.sleep(0.02)
            process.kill()
            process.wait()
            sent += 1
        self.pull(registry.reference())
        self.assert_pulled(image)
        small = len(image.manifest) * 8 + len(image.config) * 4
        self.assertLessEqual(registry.bytes_sent - len(image.layers[0]) - small, sent * (MIB + 512 * 1024))
        firsts = [r.range_first for r in registry.requests if layer_request(image)(r)]
        self.assertEqual(firsts, sorted(firsts))
        self.assertGreater(firsts[1], 2 * MIB)

    def test_bytes_of_an_earlier_pull_that_are_bad(self):
        """A partial download that was damaged on disk is found out and fetched again."""
        image = Image(sizes=(4 * MIB,))
        registry = self.registry(image, once(layer_request(image),
                                             lambda r: FaultRegistry.blob(image.layers[0], r, stall_after=3 * MIB)))
        process = subprocess.Popen(self.command("pull", registry.reference()), env=self.environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        partial = None
        deadline = time.monotonic() + 20 * SLOWNESS
        while time.monotonic() < deadline and not (partial and partial.stat().st_size > 2 * MIB):
            found = [p for p in (self.store / "cache/blobs").glob("sha256-*") if not p.name.endswith(".config")]
            partial = found[0] if found else None
            time.sleep(0.02)
        process.kill()
        process.wait()
        with open(partial, "r+b") as file:
            file.seek(MIB)
            file.write(b"damage")
        self.pull(registry.reference())
        self.assert_pulled(image)


class Redirects(FaultTest):
    """Redirects are followed by our own rules, and credentials stay at home."""

    counts = "redirect shapes"

    def setUp(self):
        super().setUp()
        self.image = Image()

    def pair(self, script, auth="basic", **options):
        """A registry that wants credentials (which are configured) and another server that wants none."""
        self.other = self.registry(self.image, options.pop("other_script", None))
        registry = self.registry(self.image, script, auth=auth, **options)
        self.registries_conf(insecure=[registry.host, self.other.host])
        self.credentials({registry.host: BASIC})
        return registry

    def assert_no_leak(self, *servers):
        """No request of these servers carries a credential."""
        for server in servers:
            self.assertEqual(server.requests_with(BASIC, PASSWORD, TOKEN, "Authorization"), [])

    def test_forty_shapes_leak_nothing(self):
        """Status x object x target: the other server sees requests, never credentials."""
        shapes = 0
        for auth in ("basic", "bearer"):
            for status in (301, 302, 303, 307, 308):
                for name, condition in (("manifest", manifest_request), ("blob", layer_request(self.image))):
                    for target in ("other server", "same host name"):
                        with self.subTest(f"{auth} {status} {name} to {target}"):
                            super().setUp()
                            self.shape(auth, status, condition, target)
                            shapes += 1
        self.assertEqual(shapes, 40)

    def shape(self, auth, status, condition, target):
        host = "localhost" if target == "other server" else "127.0.0.1"

        def script(request):
            if not condition(request) or not request.header("Authorization"):
                return None
            return Response(status, {"Location": f"http://{host}:{self.other.port}{request.target}"})
        registry = self.pair(script, auth)
        self.registries_conf(insecure=[registry.host, self.other.host, f"localhost:{self.other.port}"])
        self.pull(registry.reference())
        self.assert_pulled(self.image)
        self.assertEqual(len(self.other.requests), 1)
        self.assert_no_leak(self.other)

    def test_relative(self):
        registry = self.pair(once(lambda r: r.is_blob and r.header("Authorization"), lambda r: Response(
            307, {"Location": r.path + "?moved=yes"})))
        self.pull(registry.reference())
        self.assert_pulled(self.image)
        self.assertTrue(registry.paths("moved=yes"))

    def test_there_and_back(self):
        """Once a redirect has left the registry, its credentials do not come back with it."""
        def script(request):
            if "back=yes" in request.target:
                self.assertIsNone(request.header("Authorization"))
                return Response(200, body=self.image.layers[0])
            if layer_request(self.image)(request) and request.header("Authorization"):
                return Response(307, {"Location": self.other.url + request.path})
            return None

        def back(request):
            return Response(307, {"Location": f"{registry.url}{request.path}?back=yes"})
        registry = self.pair(script, other_script=back)
        self.pull(registry.reference())
        self.assert_pulled(self.image)
        self.assert_no_leak(self.other)

    def test_loop(self):
        registry = self.pair(lambda r: Response(307, {"Location": r.target}) if r.header("Authorization") and r.is_manifest else None)
        self.pull_fails(registry.reference(), says="redirects")
        self.assertLessEqual(len(registry.requests), 15)

    def test_loop_over_two_servers(self):
        registry = self.pair(lambda r: Response(302, {"Location": self.other.url + r.target}) if r.is_manifest else None,
                             other_script=lambda r: Response(302, {"Location": registry.url + r.target}))
        self.pull_fails(registry.reference(), says="redirects")
        self.assertLessEqual(len(registry.requests) + len(self.other.requests), 15)
        self.assert_no_leak(self.other)

    def test_two_locations(self):
        registry = self.pair(None)
        registry.script = always(lambda r: layer_request(self.image)(r) and r.header("Authorization"), lambda r: Response(
            307, extra_headers=[("Location", f"{registry.url}{r.path}?x=y"), ("Location", self.other.url + r.path)]))
        self.pull_fails(registry.reference(), says="two location headers")
        self.assertEqual(self.other.requests + registry.paths("x=y"), [])

    def test_challenge_of_where_a_redirect_leads(self):
        """A 401 of another server says nothing about the registry: no password is sent for it, to nobody."""
        for name, challenge in (("basic", 'Basic realm="x"'), ("bearer", 'Bearer realm="{url}/elsewhere",service="evil"')):
            for what, condition in (("manifest", manifest_request), ("layer", layer_request(self.image))):
                with self.subTest(f"{name} for the {what}"):
                    super().setUp()

                    def moved(request):
                        if not condition(request) or not request.header("Authorization"):  # pylint: disable=cell-var-from-loop
                            return None
                        return Response(307, {"Location": self.other.url + request.path})
                    registry = self.pair(moved, auth="bearer", other_script=lambda r: Response(
                        401, {"WWW-Authenticate": challenge.format(url=registry.url)}))  # pylint: disable=cell-var-from-loop
                    self.pull_fails(registry.reference(), says="redirects to|401")
                    self.assertEqual(registry.paths("elsewhere"), [])
                    with_password = [r.path for r in registry.requests_with(BASIC)]
                    self.assertEqual(with_password, ["/token"])
                    self.assert_no_leak(self.other)

    def bad_location(self, location, says="redirect"):
        registry = self.pair(None)
        registry.script = always(layer_request(self.image), lambda r: Response(
            302, {"Location": location(r) if callable(location) else location}))
        self.pull_fails(registry.reference(), says=says)
        self.assert_no_leak(self.other)

    def test_user_name_in_location(self):
        self.bad_location(lambda r: f"http://{USER}:{PASSWORD}@127.0.0.1:{self.other.port}{r.path}")
        self.assertEqual(self.other.requests, [])

    def test_other_schemes(self):
        for location in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "javascript:x", "//", "http://",
                         "http:///x", "dict://x", "scp://x/y"):
            with self.subTest(location):
                super().setUp()
                self.bad_location(location, says="Error")

    def test_no_location(self):
        registry = self.pair(None)
        registry.script = always(layer_request(self.image), Response(302))
        self.pull_fails(registry.reference(), says="redirect")

    def test_300_and_304_are_no_answer(self):
        for status in (300, 304, 305):
            with self.subTest(status):
                super().setUp()
                registry = self.pair(None)
                registry.script = always(layer_request(self.image), Response(status, {"Location": self.other.url + "/x"}))
                self.pull_fails(registry.reference(), says=f"HTTP {status}")
                self.assertEqual(self.other.requests, [])

    def test_netrc_and_cookies_are_not_used(self):
        (self.home / ".netrc").write_text("machine 127.0.0.1 login canary-user password canary-password\n", encoding="ascii")
        (self.home / ".netrc").chmod(0o600)

        def script(request):
            if request.is_blob:
                return Response(307, {"Location": self.other.url + request.path, "Set-Cookie": "c=canary-password"})
            return None
        self.other = self.registry(self.image)
        registry = self.registry(self.image, script)
        self.registries_conf(insecure=[registry.host, self.other.host])
        self.pull(registry.reference())
        self.assert_no_leak(self.other, registry)
        self.assertEqual([r for r in self.other.requests + registry.requests if r.header("Cookie")], [])


class Tls(FaultTest):
    """HTTPS: what is trusted, and what never happens in the clear."""

    counts = "TLS sessions"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.directory = tempfile.TemporaryDirectory(prefix="skiff-ca-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.authority = Authority(cls.directory.name)
        cls.good = cls.authority.issue("good")

    def setUp(self):
        super().setUp()
        self.image = Image()

    def tls_registry(self, script=None, certificate=None, trusted=True, **options):
        registry = self.registry(self.image, script, tls=certificate or self.good, host="localhost", **options)
        if trusted:
            self.trust(registry.host, self.authority.certificate)
        return registry

    def test_good_certificate(self):
        registry = self.tls_registry()
        self.pull(registry.reference())
        self.assert_pulled(self.image)

    def test_cert_dir_option(self):
        registry = self.tls_registry(trusted=False)
        directory = self.base / "certs"
        directory.mkdir()
        (directory / "my.crt").write_bytes(Path(self.authority.certificate).read_bytes())
        self.pull("--cert-dir", directory, registry.reference())
        self.assert_pulled(self.image)

    def bad_certificates(self):
        """(name, certificate and key): none of them may be accepted for localhost."""
        issue, directory = self.authority.issue, Path(self.directory.name)
        yield "expired", issue("expired", end="20210101000000Z")
        yield "not valid yet", issue("future", start="20390101000000Z")
        yield "another host", issue("another", san="DNS:example.com")
        yield "another address only", issue("address", san="IP:127.0.0.2")
        yield "wildcard for a bare name", issue("wildcard", san="DNS:*.localhost")
        yield "no name at all", issue("nameless", san=None, subject="/CN=example.org")
        yield "for clients only", issue("client", extensions="extendedKeyUsage=clientAuth")
        yield "RSA of 1024 bits", issue("weak", key="rsa:1024")
        yield "signed with SHA-1", issue("sha1", hash_name="sha1")
        stranger = Authority(directory / "stranger", "stranger")
        yield "unknown authority", stranger.issue("unknown")
        leaf, key = issue("leaf")
        below = Authority(directory / "below")
        below.certificate, below.key = leaf, key
        certificate, its_key = below.issue("child")
        chain = directory / "chain.crt"
        chain.write_bytes(Path(certificate).read_bytes() + Path(leaf).read_bytes())
        yield "signed by a leaf", (chain, its_key)
        middle_cert, middle_key = issue("middle", ca=True, extensions="keyUsage=keyCertSign")
        middle = Authority(directory / "middle-ca")
        middle.certificate, middle.key = middle_cert, middle_key
        yield "intermediate is missing", middle.issue("below-middle")
        for name, end, extensions in (("an intermediate that expired", "20210101000000Z", ""),
                                      ("an intermediate for other names", None, "nameConstraints=critical,permitted;DNS:example.com")):
            word = name.rpartition(" ")[2]
            between = Authority(directory / word)
            between.certificate, between.key = issue(f"ca-{word}", ca=True, end=end, extensions=f"keyUsage=keyCertSign\n{extensions}")
            certificate, its_key = between.issue(f"below-{word}")
            chain = directory / f"chain-{word}.crt"
            chain.write_bytes(Path(certificate).read_bytes() + Path(between.certificate).read_bytes())
            yield name, (chain, its_key)
        yield "a critical extension that nobody knows", issue("critical", extensions="1.2.3.4=critical,ASN1:NULL")
        itself = Authority(directory / "self", "localhost")
        yield "signed by itself", (itself.certificate, itself.key)

    def test_bad_certificates(self):
        cases = list(self.bad_certificates())
        self.assertEqual(len(cases), 16)
        for name, certificate in cases:
            count("bad certificates", name)
            with self.subTest(name):
                super().setUp()
                registry = self.tls_registry(certificate=certificate, auth="basic")
                self.credentials({registry.host: BASIC})
                self.pull_fails(registry.reference())
                self.assertEqual(registry.requests, [], "it was spoken to")

    def test_one_help_that_helps(self):
        registry = self.tls_registry(trusted=False)
        for reference, says in ((registry.reference(), "ca.crt"), ("nowhere.invalid/x", "is there a network?")):
            with self.subTest(reference):
                terminal = Tty(self.command("pull", "--retry", "0", reference), self.environment(), self.base, columns=200)
                terminal.expect(f"help: .*{re.escape(says)}")
                self.assertEqual(terminal.wait(), 125)
                self.assertNotIn(b"plain HTTP", terminal.output)

    def test_tls_verify_false_accepts_them(self):
        registry = self.tls_registry(certificate=self.authority.issue("old", end="20210101000000Z"))
        self.pull("--tls-verify", "false", registry.reference())
        self.assert_pulled(self.image)

    def test_tls_verify_true_overrules_the_file(self):
        registry = self.tls_registry(trusted=False)
        self.registries_conf(insecure=[registry.host])
        self.pull_fails("--tls-verify", "true", registry.reference(), says="certificate|SSL")

    def test_old_protocol(self):
        import ssl
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.good)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        registry = self.tls_registry(certificate=context)
        self.pull_fails(registry.reference(), says="SSL|TLS|version|alert")

    def test_client_certificate(self):
        import ssl
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.good)
        context.load_verify_locations(self.authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        registry = self.tls_registry(certificate=context)
        self.pull_fails(registry.reference())
        certificate, key = self.authority.issue("me")
        directory = self.config / "certs.d" / registry.host
        (directory / "client.cert").write_bytes(Path(certificate).read_bytes())
        self.pull_fails(registry.reference(), says="needs both")
        (directory / "client.key").write_bytes(Path(key).read_bytes())
        self.pull(registry.reference())
        self.assert_pulled(self.image)

    def test_plain_http_is_not_tried(self):
        """A registry that is not configured as insecure is never spoken to in the clear."""
        registry = FaultRegistry(self.image, auth="basic")
        with registry:
            self.credentials({registry.host: BASIC})
            self.pull_fails(registry.reference())
            self.assertEqual([r for r in registry.requests if r.path.startswith("/v2")], [])

    def test_redirect_to_plain_http(self):
        other = self.registry(self.image)
        registry = self.tls_registry(once(layer_request(self.image), lambda r: Response(307, {"Location": other.url + r.path})))
        self.registries_conf(insecure=[other.host])
        self.pull_fails(registry.reference(), says="HTTPS to HTTP")
        self.assertEqual(other.requests, [])

    def test_verification_is_not_inherited_by_a_redirect(self):
        """--tls-verify=false is for the registry, not for where it leads."""
        other = self.registry(self.image, tls=self.good, host="localhost")
        registry = self.tls_registry(once(layer_request(self.image), lambda r: Response(307, {"Location": other.url + r.path})),
                                     trusted=False)
        self.pull_fails("--tls-verify", "false", registry.reference(), says="certificate|SSL")
        self.assertEqual(other.requests, [])

    def test_connection_cut_without_good_bye(self):
        image = self.image = Image(sizes=(3 * MIB,))
        registry = self.tls_registry(once(layer_request(image), lambda r: FaultRegistry.blob(
            image.layers[0], r, cut_after=2 * MIB, length=None)))
        self.pull(registry.reference())
        self.assert_pulled(image)

    def test_handshake_that_stalls(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            done = self.pull_fails(f"localhost:{server.getsockname()[1]}/x", says="too slow",
                                   env={"SKIFF_FETCH_STALL_SECONDS": "1"})
        self.assertLess(done.seconds, 20 * SLOWNESS)


class Tokens(FaultTest):
    """Bearer tokens: renewed once, asked for only where that is allowed."""

    def bearer(self, image, script=None, **options):
        registry = self.registry(image, script, auth="bearer", **options)
        self.credentials({registry.host: BASIC})
        return registry

    def test_token_is_fetched_once(self):
        image = Image(sizes=(1000,) * 5)
        registry = self.bearer(image)
        self.pull(registry.reference())
        self.assert_pulled(image)
        self.assertEqual(len(registry.paths("/token")), 1)
        query = next(r for r in registry.requests if r.path == "/token").query
        self.assertEqual((query["service"], query["scope"], query["account"]),
                         (["tests"], [f"repository:{image.name}:pull"], [USER]))

    def test_expired_token_is_renewed_once_for_all_blobs(self):
        image = Image(sizes=(100000,) * 6)
        registry = self.bearer(image)
        registry.token_uses = 2  # manifest and config; then all layers meet a 401 at once
        original = registry.give_token

        def give(request):
            answer = original(request)
            registry.token_uses = 10 ** 9
            return answer
        registry.give_token = give
        self.pull(registry.reference())
        self.assert_pulled(image)
        self.assertEqual(len(registry.paths("/token")), 2)

    def test_token_that_expires_in_the_middle_of_a_layer(self):
        image = Image(sizes=(4 * MIB,))
        registry = self.bearer(image)

        def script(request):
            if layer_request(image)(request) and not request.range_first:
                registry.tokens.clear()
                return FaultRegistry.blob(image.layers[0], request, cut_after=3 * MIB)
            return None
        registry.script = script
        self.pull(registry.reference())
        self.assert_pulled(image)
        self.assertLessEqual(len(registry.paths("/token")), 2)

    def test_401_for_ever(self):
        image = Image()
        registry = self.bearer(image, lambda r: None if r.path == "/token" else registry.challenge())
        self.pull_fails(registry.reference(), says="unauthorized|denied|authentication")
        self.assertLessEqual(len(registry.requests), 8)

    def test_401_for_ever_on_a_layer(self):
        image = Image()
        registry = self.bearer(image, lambda r: registry.challenge() if layer_request(image)(r) else None)
        self.pull_fails(registry.reference(), says="unauthorized|denied|authentication")
        self.assertLessEqual(len(registry.requests), 16)

    def test_wrong_password(self):
        registry = self.bearer(Image())
        self.credentials({registry.host: "eDp5"})
        self.pull_fails(registry.reference(), says="incorrect username or password")
        self.assertEqual(len(registry.paths("/token")), 1)

    def test_anonymous_token(self):
        image = Image()
        registry = self.registry(image, auth="bearer")
        registry.give_token = lambda request: self.token_answer(registry)
        self.pull(registry.reference())
        self.assert_pulled(image)
        self.assertEqual(registry.requests_with("Basic "), [])

    @staticmethod
    def token_answer(registry, text=None, **fields):
        registry.tokens["anonymous"] = 10 ** 9
        body = text if text is not None else json.dumps({"token": "anonymous"} | fields).encode()
        return Response(200, {"Content-Type": "application/json"}, body)

    def test_bad_token_answers(self):
        cases = {"no JSON": b"<html>", "an array": b"[]", "nothing in it": b"{}", "empty": b'{"token":""}', "a number": b'{"token":5}',
                 "a header in it": b'{"token":"a\\r\\nX-Evil: b"}', "a space in it": b'{"token":"a b"}',
                 "huge": json.dumps({"token": "a" * 100000}).encode(), "two megabytes": b" " * 2 * MIB, "not UTF-8": b'{"token":"\xff"}'}
        for name, body in cases.items():
            with self.subTest(name):
                super().setUp()
                registry = self.bearer(Image())
                registry.give_token = lambda request, body=body, r=registry: self.token_answer(r, body)
                self.pull_fails(registry.reference(), says="token")
                self.assertEqual(registry.requests_with("X-Evil"), [])

    def test_strange_challenges(self):
        for value in ("", "Bearer", "Bearer realm", "Bearer realm=", 'Bearer realm="unclosed', "Negotiate", "Basic" * 5000,
                      'Bearer realm=""', "\x01", 'Bearer realm="http://[::1"', 'Bearer realm="file:///etc/passwd"'):
            with self.subTest(value[:40]):
                super().setUp()
                registry = self.bearer(Image(), lambda r, v=value: Response(401, {"WWW-Authenticate": v}))
                self.pull_fails(registry.reference())

    def test_bearer_is_preferred_to_basic(self):
        image = Image()
        registry = self.bearer(image)
        both = registry.challenge().headers["WWW-Authenticate"]

        def script(request):
            if request.path != "/token" and not request.header("Authorization"):
                return Response(401, extra_headers=[("WWW-Authenticate", 'Basic realm="x", ' + both)])
            return None
        registry.script = script
        self.pull(registry.reference())
        self.assert_pulled(image)
        self.assertEqual([r for r in registry.requests_with(BASIC) if r.path != "/token"], [])

    def test_token_server_that_redirects(self):
        image, other = Image(), self.registry(Image())
        registry = self.bearer(image, lambda r: Response(307, {"Location": other.url + "/token"}) if r.path == "/token" else None)
        self.registries_conf(insecure=[registry.host, other.host])
        self.pull_fails(registry.reference(), says="redirects")
        self.assertEqual(other.requests, [])

    def foreign_realm(self, realm, says, **options):
        """The registry names a token server elsewhere; that server must not hear of us."""
        registry = self.bearer(Image(), **options)
        registry.realm = realm
        self.pull_fails(registry.reference(), says=says)
        self.assertEqual(registry.requests_with(BASIC), [])

    def test_realm_at_private_addresses(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "0.0.0.0", "2130706433", "0x7f.1"):
                with self.subTest(host):
                    super().setUp()
                    self.foreign_realm(f"https://{host}:{port}/token", says="private network|not an http|Could not|connect")
            server.settimeout(0.1)
            with self.assertRaises(TimeoutError):
                server.accept()
        for host in ("169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[::1]"):
            with self.subTest(host):
                super().setUp()
                self.foreign_realm(f"https://{host}/latest/meta-data", says="private network|Could not|connect")

    def test_realm_on_this_machine_is_not_visited(self):
        """One that would hang up at once."""
        visits = []

        def hang_up():
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                visits.append(connection)
                connection.close()

        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=hang_up)
            thread.start()
            self.foreign_realm(f"https://127.0.0.1:{server.getsockname()[1]}/token", says="")
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
        self.assertEqual(visits, [])

    def proxied_realm(self, host):
        """Pull with a proxy that is not for the registry, and a realm at `host`. Returns what the proxy heard, and a server's visits."""
        heard = []
        with socket.create_server(("127.0.0.1", 0)) as server, FaultRegistry(script=lambda r: heard.append(r.target) or Response(502)) as proxy:
            realm = f"https://{host.format(port=server.getsockname()[1])}/token"
            registry = self.bearer(Image())
            registry.realm = realm
            self.pull_fails(registry.reference(), env={"HTTPS_PROXY": proxy.url, "NO_PROXY": "127.0.0.1"})
            self.assertEqual(registry.requests_with(BASIC), [])
            server.settimeout(0.1)
            try:
                return heard, [server.accept()]
            except TimeoutError:
                return heard, []

    def test_realm_that_the_proxy_is_not_for(self):
        """NO_PROXY: the connection is ours after all, and the rules about addresses hold."""
        self.assertEqual(self.proxied_realm("127.0.0.1:{port}"), ([], []))

    def test_realm_at_a_private_address_behind_the_proxy(self):
        """The proxy is not asked to go where we would not."""
        for host in ("169.254.169.254", "localhost:{port}", "10.0.0.1", "[::1]:{port}"):
            with self.subTest(host):
                super().setUp()
                self.assertEqual(self.proxied_realm(host), ([], []))

    def test_realm_behind_a_proxy_on_this_machine(self):
        """The proxy itself may be at any address."""
        heard, visits = self.proxied_realm("auth.example")
        self.assertEqual((set(heard), visits), ({"auth.example:443"}, []))

    def test_realm_in_plain_http(self):
        other = self.registry(Image())
        self.foreign_realm(f"{other.url}/token", says="HTTPS")
        self.assertEqual(other.requests, [])

    def test_realm_with_a_user_name(self):
        self.foreign_realm(f"https://{USER}:{PASSWORD}@127.0.0.1/token", says="token|URL")

    def test_https_registry_with_plain_realm(self):
        with tempfile.TemporaryDirectory() as directory:
            authority = Authority(directory)
            registry = self.registry(Image(), auth="bearer", tls=authority.issue("x"), host="localhost")
            self.trust(registry.host, authority.certificate)
            self.credentials({registry.host: BASIC})
            other = self.registry(Image())
            self.registries_conf(insecure=[other.host, f"localhost:{other.port}"])
            registry.realm = f"http://localhost:{other.port}/token"
            self.pull_fails(registry.reference(), says="HTTPS")
            self.assertEqual(other.requests, [])


class Helpers(FaultTest):
    """Credential helpers: a failure is an error, not a reason to try somebody else's password."""

    def helper(self, script):
        """Install docker-credential-test and configure it for the registry."""
        directory = self.base / "bin"
        directory.mkdir(exist_ok=True)
        program = directory / "docker-credential-test"
        program.write_text("#!/bin/sh\n" + script, encoding="ascii")
        program.chmod(0o755)
        return {"PATH": f"{directory}:{os.environ['PATH']}"}

    def configure(self, registry):
        path = self.home / ".docker/config.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"credHelpers": {registry.host: "test"}, "auths": {"https://index.docker.io/v1/": {"auth": BASIC}}}),
                        encoding="ascii")

    def test_helper_that_knows(self):
        image = Image()
        registry = self.registry(image, auth="basic")
        self.configure(registry)
        answer = json.dumps({"ServerURL": registry.host, "Username": USER, "Secret": PASSWORD})
        log = self.base / "log"
        env = self.helper(f"read -r host; echo \"$1 $host $CANARY\" >>{log}; echo '{answer}'\n")
        self.pull(registry.reference(), env=env | {"CANARY": "not for helpers"})
        self.assert_pulled(image)
        self.assertEqual(log.read_text(encoding="ascii"), f"get {registry.host} \n")

    def test_helper_that_fails(self):
        registry = self.registry(Image(), auth="basic")
        self.configure(registry)
        self.pull_fails(registry.reference(), says="credential helper", env=self.helper("echo boom; exit 1\n"))
        self.assertEqual(registry.requests_with("Authorization"), [])

    def test_helper_that_is_missing(self):
        registry = self.registry(Image(), auth="basic")
        self.configure(registry)
        self.pull_fails(registry.reference(), says="not installed")

    def test_helper_that_knows_nothing(self):
        image = Image()
        registry = self.registry(image)
        self.configure(registry)
        self.pull(registry.reference(), env=self.helper("echo 'credentials not found in native keychain'; exit 1\n"))
        self.assert_pulled(image)

    def test_secrets_are_in_no_argv_and_no_log(self):
        image = Image()
        registry = self.registry(image, auth="basic")
        self.credentials({registry.host: BASIC})
        done = self.pull("--log-level", "trace", registry.reference())
        for secret in (BASIC, PASSWORD):
            self.assertNotIn(secret, done.stderr + done.stdout)
            found = [p for p in self.store.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]
            self.assertEqual(found, [])


class Given(FaultTest):
    """--creds are for the registry that was named, and for no other."""

    CREDS = f"{USER}:{PASSWORD}"

    def test_mirror_does_not_get_them(self):
        image = Image()
        mirror = self.registry(image, always(manifest_request, Response(401, {"WWW-Authenticate": 'Basic realm="x"'})))
        registry = self.registry(image, auth="basic")
        self.registries_conf(f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n'
                             f'[[registry.mirror]]\nlocation = "{mirror.host}"\ninsecure = true\n')
        self.pull(registry.reference(), creds=self.CREDS)
        self.assert_pulled(image)
        self.assertGreater(len(mirror.requests), 0)
        self.assertEqual(mirror.requests_with(BASIC, PASSWORD, "Authorization"), [])

    def test_short_name_that_may_be_anywhere(self):
        servers = [self.registry(Image(), auth="basic") for _ in range(2)]
        hosts = ", ".join(f'"{server.host}"' for server in servers)
        self.registries_conf(f'unqualified-search-registries = [{hosts}]\nshort-name-mode = "permissive"\n',
                             insecure=[server.host for server in servers])
        self.pull_fails("test/image", creds=self.CREDS, says="credentials were given for one registry")
        self.assertEqual([server.requests for server in servers], [[], []])
        self.registries_conf(f'unqualified-search-registries = ["{servers[0].host}"]\n', insecure=[servers[0].host])
        self.pull("test/image", creds=self.CREDS)

    def test_result_that_cannot_be_written(self):
        registry = self.registry(Image())
        with open("/dev/full", "wb") as full:
            done = subprocess.run(self.command("pull", registry.reference()), env=self.environment(), stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"cannot write to standard output", done.stderr)

    def test_escape_codes_in_a_user_name(self):
        self.credentials({"registry.example": base64.b64encode(b"a\x1b[31mb:c").decode()})
        done = self.fetch("login", "--get-login", "registry.example")
        self.assertRegex(done.stdout, "^a.*b\n$")
        self.assertNotIn("\x1b", done.stdout)

    def test_secrets_that_are_none(self):
        """What skiff-fetch is handed must be a readable text."""
        registry = self.registry(Image(), auth="basic")
        self.pull_fails(registry.reference(), creds="user:a\0b", says="NUL")
        self.pull_fails(registry.reference(), creds="u:" + "x" * 70000, says="larger|more than|too large")
        for number in ("0", "2", "-1", "x", "", "99999999999"):
            self.pull_fails("--creds-fd", number, registry.reference(), says="descriptor")
        self.pull_fails("--creds-fd", "77", registry.reference(), says="--creds-fd")
        self.assertEqual(registry.requests, [])


# F8 of the fault matrix: every kind of misbehaviour it names, and the tests that script it.
KINDS = {
    "truncated body": [Blobs.test_truncated_body_is_resumed, Blobs.test_truncated_for_ever_without_progress,
                       Documents.test_truncated_answer_is_fetched_again],
    "wrong digest": [Blobs.test_wrong_digest, Blobs.test_one_flipped_bit, Documents.test_other_bytes_for_a_digest,
                     Documents.test_wrong_config_bytes],
    "wrong size": [Blobs.test_longer_than_announced, Blobs.test_shorter_than_announced, Documents.test_wrong_size_in_the_index,
                   Documents.test_wrong_size_of_the_config],
    "wrong Content-Length": [Blobs.test_content_length_too_large, Blobs.test_content_length_too_small],
    "200 instead of 206": [Blobs.test_200_instead_of_206],
    "416": [Blobs.test_416, Blobs.test_416_for_ever],
    "401 mid-pull": [Tokens.test_expired_token_is_renewed_once_for_all_blobs, Tokens.test_token_that_expires_in_the_middle_of_a_layer],
    "429 in seconds": [Waiting.test_retry_after_in_seconds, Waiting.test_retry_after_of_the_token_server],
    "429 with a date": [Waiting.test_retry_after_as_a_date, Waiting.test_retry_after_by_another_clock],
    "500, 502, 503, 504": [Waiting.test_temporary_errors_are_survived, Waiting.test_temporary_errors_for_ever],
    "RST at byte k": [Blobs.test_reset_at_many_bytes, Blobs.test_reset_before_the_first_byte],
    "stall": [Waiting.test_stall_in_a_layer, Waiting.test_stall_before_the_answer, Waiting.test_stall_for_ever],
    "1 B/s": [Waiting.test_one_byte_per_second],
    "redirect loop": [Redirects.test_loop, Redirects.test_loop_over_two_servers],
    "cross-host": [Redirects.test_forty_shapes_leak_nothing, Redirects.test_there_and_back,
                   Redirects.test_challenge_of_where_a_redirect_leads, Given.test_mirror_does_not_get_them],
    "gzip bomb": [Blobs.test_gzip_bomb, Documents.test_gzip_bomb_as_a_manifest],
    "HTML login page": [Blobs.test_html_page_instead_of_a_layer, Documents.test_html_page, Documents.test_html_page_called_a_manifest],
    "HTTP/1.0": [Blobs.test_http_1_0],
    "TLS cut": [Tls.test_connection_cut_without_good_bye, Tls.test_handshake_that_stalls],
    "duplicate headers": [Documents.test_duplicate_headers, Redirects.test_two_locations, Blobs.test_two_different_content_lengths],
    "charset traps": [Documents.test_charset_traps, Documents.test_content_type_with_charset],
}
