# SPDX-License-Identifier: Apache-2.0
"""docker-registry on a loopback port: with TLS and a password, or plain HTTP.

    with Registry(directory, tls=True, auth=True) as registry:
        registry.push(images.busybox(), "library/busybox:latest")
        ...  registry.host is "localhost:PORT", registry.certs a certs.d directory with its CA
"""

import http.client
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

from tests.support.images import Unavailable, tool

USER = "tester"
PASSWORD = "s3cret-pass"

CONFIG = """version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {data}
  delete:
    enabled: true
http:
  addr: 127.0.0.1:{port}
{tls}{auth}"""

TLS_CONFIG = """  tls:
    certificate: {certificate}
    key: {key}
"""

AUTH_CONFIG = """auth:
  htpasswd:
    realm: tests
    path: {htpasswd}
"""


def free_port(kind=socket.SOCK_STREAM):
    """A port of 127.0.0.1 that nobody used a moment ago."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def make_certificate(directory):
    """A CA and a certificate for localhost, for a day. Returns (ca, certificate, key)."""
    ca, ca_key = directory / "ca.crt", directory / "ca.key"
    key, request, certificate = directory / "server.key", directory / "server.csr", directory / "server.crt"
    extensions = directory / "extensions"
    # All that a strict verifier (Python 3.13) wants to see.
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n"
                          "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
                          "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n", encoding="ascii")
    tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=skiff tests CA", "-addext", "keyUsage=critical,keyCertSign", "-keyout", str(ca_key), "-out", str(ca))
    tool("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(request))
    tool("openssl", "x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca_key),
         "-CAcreateserial", "-days", "2", "-extfile", str(extensions), "-out", str(certificate))
    return ca, certificate, key


class Registry:
    """A registry process. Its data lives in `directory` and survives a restart."""

    def __init__(self, directory, tls=True, auth=True):
        self.directory = Path(directory)
        self.tls, self.auth = tls, auth
        self.user, self.password = (USER, PASSWORD) if auth else (None, None)
        self.process = None
        self.port = None
        self.certs = None

    @property
    def host(self):
        """What stands before the first slash of a reference."""
        return f"localhost:{self.port}"

    def start(self):
        """Start it and wait until it answers."""
        if shutil.which("docker-registry") is None:
            raise Unavailable("'docker-registry' is not installed")
        self.directory.mkdir(parents=True, exist_ok=True)
        for _ in range(5):
            self.port = free_port()
            self.write_config()
            with open(self.directory / "log", "ab") as log:
                self.process = subprocess.Popen(
                    ["docker-registry", "serve", str(self.directory / "config.yml")],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": "/usr/bin:/bin"})
            if self.wait_ready():
                return self
            self.stop()
        raise RuntimeError(f"docker-registry did not start: {(self.directory / 'log').read_text()[-2000:]}")

    def write_config(self):
        """Write config.yml, the certificate and the password file."""
        tls = auth = ""
        if self.tls:
            ca, certificate, key = make_certificate(self.directory)
            self.certs = self.directory / "certs.d"
            host_dir = self.certs / self.host
            host_dir.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ca, host_dir / "ca.crt")
            tls = TLS_CONFIG.format(certificate=certificate, key=key)
        if self.auth:
            htpasswd = self.directory / "htpasswd"
            htpasswd.write_text(tool("htpasswd", "-Bbn", "-C", "4", USER, PASSWORD), encoding="ascii")
            auth = AUTH_CONFIG.format(htpasswd=htpasswd)
        text = CONFIG.format(data=self.directory / "data", port=self.port, tls=tls, auth=auth)
        (self.directory / "config.yml").write_text(text, encoding="ascii")

    def wait_ready(self):
        """Wait for an answer to /v2/. Returns False if the process ends first."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            try:
                if self.status("/v2/") in (200, 401):
                    return True
            except OSError:
                time.sleep(0.02)
        return False

    def status(self, path):
        """The HTTP status of a GET."""
        if self.tls:
            context = ssl.create_default_context(cafile=str(self.directory / "ca.crt"))
            connection = http.client.HTTPSConnection("localhost", self.port, timeout=5, context=context)
        else:
            connection = http.client.HTTPConnection("localhost", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def stop(self):
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    def skopeo_options(self, side):
        """Options that let skopeo reach this registry as `side`, "src" or "dest"."""
        options = []
        if self.tls:
            options += [f"--{side}-cert-dir", str(self.certs / self.host)]
        else:
            options.append(f"--{side}-tls-verify=false")
        if self.auth:
            options += [f"--{side}-creds", f"{USER}:{PASSWORD}"]
        return options

    def push(self, layout, name, *options):
        """Push an image with skopeo and return its reference.

        `layout` is an OCI layout with the tag latest, or skopeo's name of any image ("dir:/x").
        Options go to skopeo copy, e.g. "--format", "v2s2" or "--dest-compress-format", "zstd"; with
        "--preserve-digests" uncompressed layers stay so.
        """
        source = layout if isinstance(layout, str) and ":" in layout else f"oci:{layout}:latest"
        tool("skopeo", "--insecure-policy", "copy", "--quiet", *options, *self.skopeo_options("dest"), source,
             f"docker://{self.host}/{name}")
        return f"{self.host}/{name}"

    def fetch(self, name, destination):
        """Copy NAME from the registry with skopeo, e.g. to "oci:/x:latest"."""
        tool("skopeo", "--insecure-policy", "copy", "--quiet", *self.skopeo_options("src"),
             f"docker://{self.host}/{name}", destination)
