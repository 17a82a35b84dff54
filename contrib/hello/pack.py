#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pack one static program as an OCI layout: `pack.py PROGRAM ARCHITECTURE DIRECTORY`.

The same program gives the same bytes: no times, no owners, no names of this machine.
"""

import gzip
import hashlib
import io
import json
import shutil
import sys
import tarfile
from pathlib import Path

# What meson calls a processor, as images call it.
ARCHITECTURES = {"x86_64": "amd64", "x86": "386", "aarch64": "arm64", "arm": "arm", "riscv64": "riscv64",
                 "ppc64": "ppc64le", "s390x": "s390x", "loongarch64": "loong64"}
NAME = "localhost/skiff/hello:latest"


def layer_of(program):
    """A tar with the program as /hello."""
    data = Path(program).read_bytes()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        entry = tarfile.TarInfo("hello")
        entry.size, entry.mode = len(data), 0o755
        tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def main(program, cpu_family, directory):
    """Write the layout."""
    layout = Path(directory)
    shutil.rmtree(layout, ignore_errors=True)
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(media_type, data):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def put_json(media_type, value):
        return put(media_type, json.dumps(value, separators=(",", ":")).encode())

    tar = layer_of(program)
    architecture = ARCHITECTURES.get(cpu_family, cpu_family)
    layer = put("application/vnd.oci.image.layer.v1.tar+gzip", gzip.compress(tar, 9, mtime=0))
    config = put_json("application/vnd.oci.image.config.v1+json", {
        "created": "2026-11-01T00:00:00Z",
        "architecture": architecture,
        "os": "linux",
        "config": {"Cmd": ["/hello"], "Env": ["PATH=/"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"]},
        "history": [{"created": "2026-11-01T00:00:00Z", "created_by": "skiff, built in"}],
    })
    manifest = put_json("application/vnd.oci.image.manifest.v1+json", {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [layer],
    })
    manifest["platform"] = {"architecture": architecture, "os": "linux"}
    manifest["annotations"] = {"org.opencontainers.image.ref.name": NAME}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [manifest]}
    (layout / "index.json").write_text(json.dumps(index), encoding="ascii")
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:4])
