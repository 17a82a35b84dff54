# SPDX-License-Identifier: Apache-2.0
"""Podman 5.4's generator, out of Debian 13's package: what it makes of a file is compared with what ours makes."""
import os
import subprocess
from pathlib import Path

from tests.support.images import Unavailable, cached, debian_mirror, tool

SUITE = "trixie"


def generator():
    """The program: $SKIFF_QUADLET_ORACLE, else taken from the package and kept in the cache of the tests."""
    given = os.environ.get("SKIFF_QUADLET_ORACLE")
    if given:
        return Path(given)
    return cached("quadlet-oracle", [SUITE], make) / "quadlet"


def make(directory):
    """Fetch the package with a configuration of apt's of its own, and keep the one program."""
    apt = directory / "apt"
    for name in ("lists/partial", "cache/archives/partial"):
        (apt / name).mkdir(parents=True)
    (apt / "status").write_text("", encoding="ascii")
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (apt / "list").write_text(f"deb [signed-by={key}] {debian_mirror()} {SUITE} main\n", encoding="ascii")
    options = [word for setting in ("APT::Sandbox::User=root", f"Dir::Etc::sourcelist={apt}/list", "Dir::Etc::sourceparts=-", f"Dir::State::lists={apt}/lists",
                                    f"Dir::Cache={apt}/cache", f"Dir::State::status={apt}/status") for word in ("-o", setting)]
    tool("timeout", "300", "apt-get", *options, "-q", "update")
    tool("timeout", "300", "apt-get", *options, "-q", "download", "podman", cwd=apt)
    package = next(apt.glob("podman_*.deb"), None)
    if package is None:
        raise Unavailable("apt has no podman")
    tool("dpkg-deb", "-x", str(package), str(apt / "files"))
    (apt / "files/usr/libexec/podman/quadlet").rename(directory / "quadlet")
    subprocess.run(["rm", "-rf", str(apt)], check=True)
