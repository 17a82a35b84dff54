# SPDX-License-Identifier: Apache-2.0
"""Programs of others out of Debian 13's packages, with whose answers ours are compared: podman 5.4's quadlet generator
and docker-compose 2.26. Kept in the cache of the tests."""
import os
import subprocess
from pathlib import Path

from tests.support.images import Unavailable, cached, debian_mirror, tool

SUITE = "trixie"


def quadlet():
    """podman's generator: $SKIFF_QUADLET_ORACLE, else the package's."""
    return program("SKIFF_QUADLET_ORACLE", "podman", "usr/libexec/podman/quadlet")


def compose():
    """docker-compose, whose `config` needs no daemon: $SKIFF_COMPOSE_ORACLE, else the package's."""
    return program("SKIFF_COMPOSE_ORACLE", "docker-compose", "usr/libexec/docker/cli-plugins/docker-compose")


def program(variable, package, path):
    """The program `path` of a package, unless a variable names another one."""
    given = os.environ.get(variable)
    if given:
        return Path(given)
    name = Path(path).name
    return cached(f"{name}-oracle", [SUITE, package], lambda directory: fetch(directory, package, path)) / name


def fetch(directory, package, path):
    """Take a package with a configuration of apt's of its own, and keep the one program."""
    apt = directory / "apt"
    for name in ("lists/partial", "cache/archives/partial"):
        (apt / name).mkdir(parents=True)
    (apt / "status").write_text("", encoding="ascii")
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (apt / "list").write_text(f"deb [signed-by={key}] {debian_mirror()} {SUITE} main\n", encoding="ascii")
    settings = ("APT::Sandbox::User=root", f"Dir::Etc::sourcelist={apt}/list", "Dir::Etc::sourceparts=-",
                f"Dir::State::lists={apt}/lists", f"Dir::Cache={apt}/cache", f"Dir::State::status={apt}/status")
    options = [word for setting in settings for word in ("-o", setting)]
    tool("timeout", "300", "apt-get", *options, "-q", "update")
    tool("timeout", "300", "apt-get", *options, "-q", "download", package, cwd=apt)
    archive = next(apt.glob(f"{package}_*.deb"), None)
    if archive is None:
        raise Unavailable(f"apt has no {package}")
    tool("dpkg-deb", "-x", str(archive), str(apt / "files"))
    (apt / "files" / path).rename(directory / Path(path).name)
    subprocess.run(["rm", "-rf", str(apt)], check=True)
