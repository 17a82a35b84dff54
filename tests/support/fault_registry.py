# SPDX-License-Identifier: Apache-2.0
"""A scripted registry on a loopback port, for what real ones do only on bad days.

    image = Image()
    with FaultRegistry(image) as registry:
        registry.script = lambda request: Response(503) if request.count == 1 else None
        ...  registry.requests holds every request with its headers

A script sees a Request and returns a Response, or None for the honest answer. A Response can lie about its
length, break off, crawl, stall or be raw bytes. Every request is recorded; `requests_with(text)` finds
those whose head or body carries a secret.

It takes pushes, too: `pushed` and `stored` hold what arrived. `early` answers a request before its body has
been read; `cut` breaks a body off after so many bytes, which an upload keeps.
"""

import base64
import email.utils
import gzip
import hashlib
import io
import json
import random
import re
import socket
import ssl
import struct
import tarfile
import threading
import time
import urllib.parse
from dataclasses import dataclass, field

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

USER, PASSWORD = "canary-user", "canary-password"
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
TOKEN = "canary-token"


def digest(data):
    """sha256:... of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def noise(size, seed):
    """Bytes that do not compress, the same every time."""
    return random.Random(seed).randbytes(size)


def layer_tar(files):
    """A tar with these files: {name: bytes}."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


class Image:
    """An image in memory. `sizes` are its layers' (incompressible) contents, one file per layer."""

    def __init__(self, sizes=(65536,), seed=1, name="test/image", tag="latest", architecture="amd64"):
        self.name, self.tag = name, tag
        self.files = [{f"file{i}": noise(size, f"{seed}-{i}")} for i, size in enumerate(sizes)]
        tars = [layer_tar(files) for files in self.files]
        self.layers = [gzip.compress(tar, 1, mtime=0) for tar in tars]
        self.diff_ids = [digest(tar) for tar in tars]
        self.config = json.dumps({
            "architecture": architecture, "os": "linux", "created": "2024-01-01T00:00:00Z",
            "config": {"Cmd": ["true"], "Labels": {"seed": str(seed)}},
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
        }).encode()
        self.manifest = self.make_manifest()

    def make_manifest(self, **changes):
        """The manifest's bytes, with top-level keys changed."""
        return json.dumps({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": digest(self.config), "size": len(self.config)},
            "layers": [{"mediaType": OCI_LAYER, "digest": digest(layer), "size": len(layer)}
                       for layer in self.layers],
        } | changes).encode()

    def blobs(self):
        """{digest: bytes}"""
        return {digest(data): data for data in [self.config, *self.layers]}


@dataclass
class Request:
    """One request as it came."""

    method: str
    target: str
    headers: list
    body: bytes
    head: bytes
    count: int = 0  # how many requests for this path came so far, this one included
    time: float = field(default_factory=time.monotonic)
    host: str = ""
    answer: object = None  # given before the body was read

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return urllib.parse.parse_qs(self.target.partition("?")[2])

    def header(self, name):
        """The first value of a header, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def range_first(self):
        """N of "Range: bytes=N-", 0 without one."""
        match = re.fullmatch(r"bytes=(\d+)-", self.header("Range") or "")
        return int(match[1]) if match else 0

    @property
    def is_blob(self):
        return "/blobs/" in self.path

    @property
    def is_manifest(self):
        return "/manifests/" in self.path


@dataclass
class Response:
    """What to answer. Fields beyond the first three are ways to misbehave."""

    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    length: object = True       # Content-Length: True the body's, None none, else this value
    cut_after: object = None    # send only so many bytes of the body, then end the connection
    reset: bool = False         # end it by RST instead of FIN
    stall_after: object = None  # send so many bytes, then nothing, holding the connection
    drip: object = None         # bytes per second
    delay: float = 0            # seconds before the first byte
    chunked: bool = False
    raw: object = None          # these bytes instead of everything above
    version: str = "HTTP/1.1"
    close: bool = False
    extra_headers: list = field(default_factory=list)  # (name, value), for those that come twice


class FaultRegistry:
    """The server. `image` may be one Image or a list of them."""

    def __init__(self, image=(), tls=None, auth=None, host="127.0.0.1", script=None, address="127.0.0.1",
                 password=PASSWORD):
        self.images = list(image) if isinstance(image, (list, tuple)) else [image]
        self.tls = tls          # (certificate, key), or a ready SSLContext
        self.auth = auth        # None, "basic" or "bearer"
        self.basic = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()
        self.script = script
        self.hostname = host
        self.address = address
        self.requests = []
        self.bytes_sent = 0
        self.uploads = {}       # id of a session -> bytearray
        self.stored = {}        # (repository, digest) -> bytes
        self.pushed = {}        # (repository, tag or digest) -> (media type, bytes)
        self.location = lambda path: f"{path}?_state=x"  # how a Location is written
        self.early = None       # request (without a body) -> Response or None
        self.cut = None         # request (without a body) -> bytes to read of it, or None
        self.tokens = {}        # token -> requests it is still good for
        self.token_uses = 10 ** 9
        self.realm = None
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.socket = None
        self.connections = set()

    # Life

    def __enter__(self):
        self.socket = socket.create_server((self.address, 0), backlog=256)
        self.port = self.socket.getsockname()[1]
        self.host = f"{self.hostname}:{self.port}"
        self.scheme = "https" if self.tls else "http"
        self.url = f"{self.scheme}://{self.host}"
        self.context = self.make_context()
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.stopping.set()
        self.socket.shutdown(socket.SHUT_RDWR)  # wakes accept(), which would keep it listening
        self.socket.close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()

    def make_context(self):
        if not self.tls or isinstance(self.tls, ssl.SSLContext):
            return self.tls
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")  # bad certificates are for the client to refuse
        context.load_cert_chain(*self.tls)
        return context

    def reference(self, image=None):
        """REGISTRY/NAME:TAG of an image."""
        image = image or self.images[0]
        return f"{self.host}/{image.name}:{image.tag}"

    def accept(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        self.connections.add(connection)
        try:
            connection.settimeout(60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = connection
            if self.context:
                stream = self.context.wrap_socket(connection, server_side=True)
                self.connections.add(stream)
            elif connection.recv(1, socket.MSG_PEEK) == b"\x16":
                # A TLS greeting on a plain port: refused, as a real server does.
                connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                self.end(connection)
                return
            reader = stream.makefile("rb")
            while not self.stopping.is_set():
                request = self.read_request(reader)
                if request is None or not self.answer(stream, request):
                    break
            reader.close()
            self.end(stream)
        except (OSError, ValueError):
            self.end(connection)
        finally:
            self.connections.discard(connection)

    @staticmethod
    def end(stream, reset=False):
        """Close without a TLS good-bye, by RST if asked for."""
        try:
            if reset:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                stream.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        stream.close()

    def read_request(self, reader):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = reader.readline(65536)
            if not line:
                return None
            head += line
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if ":" in line]
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        request = Request(method, target, headers, b"", head, host=self.host)
        with self.lock:
            request.count = 1 + sum(other.path == request.path for other in self.requests)
            self.requests.append(request)
        cut = self.cut(request) if self.cut and length else None
        request.answer = self.early(request) if self.early and length else None
        if request.answer is None:
            request.body = reader.read(length if cut is None else cut)
        if cut is not None:
            session = self.uploads.get(request.path.rpartition("/")[2])
            if session is not None and request.method == "PATCH":
                session += request.body
            return None
        return request

    # Answers

    def answer(self, stream, request):
        """Send the answer. Returns False when the connection ends with it."""
        if request.answer is not None:
            # As a server that does not want the rest: it answers, and hangs up a moment later.
            request.answer.close = True
            self.send_response(stream, request.answer)
            self.stopping.wait(0.2)
            return False
        response = self.script(request) if self.script else None
        if response is None:
            response = self.honest(request)
        if request.method == "HEAD" and response.length is True:
            response.length, response.body = len(response.body), b""
        if response.delay:
            self.stopping.wait(response.delay)
        if response.raw is not None:
            self.send(stream, response.raw)
            self.end(stream, response.reset)
            return False
        return self.send_response(stream, response)

    def send(self, stream, data):
        stream.sendall(data)
        with self.lock:
            self.bytes_sent += len(data)

    def send_response(self, stream, response):
        lines = [f"{response.version} {response.status} X"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        lines += [f"{name}: {value}" for name, value in response.extra_headers]
        body = response.body
        if response.chunked:
            lines.append("Transfer-Encoding: chunked")
            body = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 9000]), body[i:i + 9000])
                            for i in range(0, len(body), 9000)) + b"0\r\n\r\n"
        elif response.length is not None:
            lines.append(f"Content-Length: {len(body) if response.length is True else response.length}")
        keep = response.length is not None or response.chunked
        if response.close or not keep:
            lines.append("Connection: close")
        stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        limit = next((n for n in (response.cut_after, response.stall_after) if n is not None), len(body))
        self.send_body(stream, body[:limit], response.drip)
        if response.stall_after is not None:
            self.stopping.wait(60)
            return False
        if response.cut_after is not None:
            if response.reset:
                self.end(stream, reset=True)
            return False
        return keep and not response.close

    def send_body(self, stream, body, drip):
        if not drip:
            for i in range(0, len(body), 262144):
                self.send(stream, body[i:i + 262144])
            return
        step = max(1, int(drip / 20))
        for i in range(0, len(body), step):
            if self.stopping.wait(step / drip):
                return
            self.send(stream, body[i:i + step])

    def honest(self, request):
        """What a registry without faults says."""
        if request.path == "/token":
            return self.give_token(request)
        denied = self.check_auth(request)
        if denied:
            return denied
        if request.path == "/v2/":
            return Response(200, body=b"{}")
        taken = self.take_push(request)
        if taken:
            return taken
        match = re.fullmatch(r"/v2/(.+)/(manifests|blobs|tags)/([^/]+)", request.path)
        for image in self.images:
            if match and image.name == match[1]:
                found = self.find(image, match[2], match[3], request)
                if found:
                    return found
        return Response(404, {"Content-Type": "application/json"},
                        b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')

    # Pushes

    def has_blob(self, repository, name):
        """A blob that was pushed to a repository or belongs to one of its images."""
        own = {key: data for image in self.images if image.name == repository for key, data in image.blobs().items()}
        return self.stored.get((repository, name), own.get(name))

    def take_push(self, request):
        """The answer to a request of a push, or about what was pushed; None for all others."""
        match = re.fullmatch(r"/v2/(.+)/blobs/uploads/(\w*)", request.path)
        if match and not match[2]:
            return self.open_upload(request, match[1])
        if match:
            return self.move_upload(request, match[1], match[2])
        match = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", request.path)
        if match and match[2] == "manifests" and request.method == "PUT":
            return self.take_manifest(request, match[1], match[3])
        if match and match[2] == "manifests" and (match[1], match[3]) in self.pushed:
            media_type, body = self.pushed[match[1], match[3]]
            return Response(200, {"Content-Type": media_type, "Docker-Content-Digest": digest(body)}, body)
        if match and (match[1], match[3]) in self.stored:
            return self.blob(self.stored[match[1], match[3]], request)
        return None

    def open_upload(self, request, repository):
        """A session, or a blob mounted from another repository."""
        wanted, source = (request.query.get(key, [""])[0] for key in ("mount", "from"))
        data = self.has_blob(source, wanted)
        if data is not None:
            self.stored[repository, wanted] = data
            return Response(201, {"Location": f"/v2/{repository}/blobs/{wanted}", "Docker-Content-Digest": wanted})
        with self.lock:
            name = f"session{len(self.uploads)}"
            self.uploads[name] = bytearray()
        return self.upload_state(202, repository, name)

    def upload_state(self, status, repository, name):
        size = len(self.uploads[name])
        return Response(status, {"Location": self.location(f"/v2/{repository}/blobs/uploads/{name}"),
                                 "Range": f"0-{max(size - 1, 0)}"}, length=None if status == 204 else True)

    def move_upload(self, request, repository, name):
        """PATCH, GET or PUT of a session."""
        if name not in self.uploads:
            return Response(404, {}, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"blob upload unknown"}]}')
        session = self.uploads[name]
        if request.method == "GET":
            return self.upload_state(204, repository, name)
        first = (request.header("Content-Range") or f"{len(session)}-").partition("-")[0]
        if request.body and int(first) != len(session):
            return self.upload_state(416, repository, name)
        session += request.body
        if request.method == "PATCH":
            return self.upload_state(202, repository, name)
        data = bytes(self.uploads.pop(name))
        wanted = request.query.get("digest", [""])[0]
        if digest(data) != wanted:
            return Response(400, {}, b'{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}')
        self.stored[repository, wanted] = data
        return Response(201, {"Location": f"/v2/{repository}/blobs/{wanted}", "Docker-Content-Digest": wanted})

    def take_manifest(self, request, repository, name):
        """A manifest all of whose blobs have arrived."""
        manifest = json.loads(request.body)
        for entry in [manifest["config"], *manifest["layers"]] if "config" in manifest else []:
            data = self.has_blob(repository, entry["digest"])
            if data is None or len(data) != entry["size"]:
                return Response(400, {}, b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}')
        for key in (name, digest(request.body)):
            self.pushed[repository, key] = (request.header("Content-Type"), request.body)
        return Response(201, {"Docker-Content-Digest": digest(request.body)})

    def find(self, image, kind, name, request):
        if kind == "manifests" and name in (image.tag, digest(image.manifest)):
            media_type = json.loads(image.manifest).get("mediaType", OCI_MANIFEST)
            return Response(200, {"Content-Type": media_type, "Docker-Content-Digest": digest(image.manifest)},
                            image.manifest)
        if kind == "blobs" and name in image.blobs():
            return self.blob(image.blobs()[name], request)
        if kind == "tags":
            return Response(200, {"Content-Type": "application/json"},
                            json.dumps({"name": image.name, "tags": [image.tag]}).encode())
        return None

    @staticmethod
    def blob(data, request, **options):
        """A blob, or the rest of it when a Range asks for that."""
        first = request.range_first
        headers = {"Content-Type": "application/octet-stream"}
        if not first:
            return Response(200, headers, data, **options)
        if first >= len(data):
            return Response(416, headers | {"Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        return Response(206, headers, data[first:], **options)

    # Authentication

    def challenge(self):
        if self.auth == "basic":
            return Response(401, {"WWW-Authenticate": 'Basic realm="tests"'})
        realm = self.realm or f"{self.url}/token"
        return Response(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="tests",scope="x:y:z"'})

    def check_auth(self, request):
        """The 401 for a request without good credentials, or None."""
        if not self.auth:
            return None
        given = request.header("Authorization") or ""
        if self.auth == "basic":
            return None if given == self.basic else self.challenge()
        token = given.removeprefix("Bearer ")
        with self.lock:
            if self.tokens.get(token, 0) <= 0:
                return self.challenge()
            self.tokens[token] -= 1
        return None

    def give_token(self, request):
        """A new token for whoever knows the password."""
        if request.header("Authorization") != self.basic:
            return Response(401, {"Content-Type": "application/json"}, b'{"details":"incorrect username or password"}')
        with self.lock:
            token = f"{TOKEN}-{len(self.tokens)}"
            self.tokens[token] = self.token_uses
        return Response(200, {"Content-Type": "application/json"}, json.dumps({"token": token, "expires_in": 300}).encode())

    # What came

    def paths(self, part=""):
        """The targets of all requests that contain `part`."""
        return [request.target for request in self.requests if part in request.target]

    def requests_with(self, *secrets):
        """Requests whose head or body contains one of the secrets."""
        return [request for request in self.requests
                if any(secret.encode() in request.head + request.body for secret in secrets)]


def http_date(seconds_from_now):
    """An HTTP date."""
    return email.utils.formatdate(time.time() + seconds_from_now, usegmt=True)
