#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Saves a store of this version with one of everything in it, for tests/system/test_saved_stores.py.

    SKIFF_BUILD=DIRECTORY python3 tests/support/save_store.py

Run as an unprivileged user when the store's format version is new, before the release that has it; the
file is tests/system/stores/VERSION.tar.gz. Layers and volumes hold files of the user's own id only, so
that anybody can unpack it.
"""

import io
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))

from tests.support import skiff  # noqa: E402  (the path comes first)

# What is in it, as test_saved_stores.py looks for it.
COMMANDS = """
import TREE localhost/saved:latest
tag localhost/saved:latest localhost/other:1
manifest create localhost/list:latest localhost/saved:latest
volume create --label a=b kept
network create --subnet 10.77.0.0/24 net
secret create token SECRET
pod create --network none --name pod
create --network none --name made --label x=y -v kept:/data -v /anonymous --secret token --restart on-failure:3 localhost/saved:latest /none
create --name second --pod pod --health-cmd true localhost/saved:latest /none
create --name renamed --network net localhost/saved:latest /none
rename renamed third
cp FILE made:/added
"""


def main():
    """Make it and pack it."""
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        files = {"SECRET": b"hunter2\n", "FILE": b"added\n", "TREE": tree()}
        for name, data in files.items():
            (place / name).write_bytes(data)
        for name in ("home", "run"):
            (place / name).mkdir(mode=0o700)
        env = {"HOME": str(place / "home"), "XDG_RUNTIME_DIR": str(place / "run"), "PATH": f"{skiff.prefix()}/bin:{os.environ['PATH']}"}
        for line in COMMANDS.strip().splitlines():
            # Records keep what was typed: nothing of this machine.
            subprocess.run(["skiff", *line.split()], env=env, cwd=place, check=True, stdout=subprocess.DEVNULL)
        store = place / "home/.local/share/skiff"
        for work in store.glob("containers/*/work"):
            (work / "work").chmod(0o700)  # the kernel's, which nobody may search
        version = (store / "version").read_text(encoding="ascii").strip()
        target = TOP / f"tests/system/stores/{version}.tar.gz"
        with tarfile.open(target, "w:gz") as tar:
            tar.add(store, arcname=".", filter=nobody)
        print(target)


def tree():
    """A file system with a file and a link."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, text in (("etc/", None), ("etc/name", b"saved\n")):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.size = (tarfile.DIRTYPE, 0o755, 0) if text is None else (tarfile.REGTYPE, 0o644, len(text))
            tar.addfile(info, io.BytesIO(text or b""))
    return data.getvalue()


def nobody(info):
    """Without whose it was."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


if __name__ == "__main__":
    main()
