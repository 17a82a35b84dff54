# SPDX-License-Identifier: Apache-2.0
"""Programs of others out of Debian 13's packages, with whose answers ours are compared: podman 5.4's quadlet generator
and docker-compose 2.26. Kept in the cache of the tests."""
import os
import shutil
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


def program(variable, package, path, suite=SUITE):
    """The program `path` of a package, unless a variable names another one."""
    given = os.environ.get(variable)
    if given:
        return Path(given)
    name = Path(path).name
    return cached(f"{name}-oracle", [suite, package], lambda directory: fetch(directory, package, path, suite)) / name


def fetch(directory, package, path, suite):
    """Take a package with a configuration of apt's of its own, and keep the one program."""
    apt = directory / "apt"
    for name in ("lists/partial", "cache/archives/partial"):
        (apt / name).mkdir(parents=True)
    (apt / "status").write_text("", encoding="ascii")
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (apt / "list").write_text(f"deb [signed-by={key}] {debian_mirror()} {suite} main\n", encoding="ascii")
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


def kubectl():
    """kubectl, which reads manifests without a cluster: $SKIFF_KUBECTL_ORACLE, else that of Debian 12, the last that has it."""
    return program("SKIFF_KUBECTL_ORACLE", "kubernetes-client", "usr/bin/kubectl", suite="bookworm")


def docker():
    """docker's client, whose `stack config` needs no daemon: $SKIFF_DOCKER_ORACLE, else the package's."""
    return program("SKIFF_DOCKER_ORACLE", "docker-cli", "usr/bin/docker")


KUBERNETES_MODELS = "kubernetes-models@5.1.0"
CHECK_MODELS = """
import { readFileSync } from "node:fs";
for (const item of JSON.parse(readFileSync(0)).items) {
  const at = await import(`kubernetes-models/${item.apiVersion}/${item.kind}`);
  try { new at[item.kind](item).validate(); }
  catch (error) { console.log(`${item.kind}/${item.metadata.name}: ${error.message}`); }
}
"""


def kubernetes_models():
    """A script for node that says what Kubernetes' own schemas find wrong in a List on its standard input."""
    for name in ("node", "npm"):
        if shutil.which(name) is None:
            raise Unavailable(f"'{name}' is not installed")

    def make(directory):
        tool("timeout", "300", "npm", "install", "--prefix", str(directory), "--no-audit", "--no-fund", "--ignore-scripts",
             "--loglevel=error", KUBERNETES_MODELS)
        (directory / "check.mjs").write_text(CHECK_MODELS, encoding="ascii")

    return cached("kubernetes-models", [KUBERNETES_MODELS, CHECK_MODELS], make) / "check.mjs"
