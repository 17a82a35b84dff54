# SPDX-License-Identifier: Apache-2.0
"""Rows of bench.py: compose, beside docker-compose over podman's socket and podman-compose where these are installed."""

import os
import pathlib
import shutil
import subprocess
import time


def project_text(services):
    """A project of so many services of one image."""
    return "services:\n" + "".join(
        f"  s{number}:\n    image: localhost/bench:latest\n    command: [sleep, '1000']\n" for number in range(services))


def long_text(services):
    """A file as a large project has it: what is repeated by anchors, variables, long and short forms."""
    text = "x-common: &common\n  restart: unless-stopped\n  environment: &env {TZ: UTC, LEVEL: '${LEVEL:-info}'}\nservices:\n"
    for number in range(services):
        text += f"""  s{number}:
    <<: *common
    image: localhost/bench:${{TAG:-latest}}
    environment: {{<<: *env, NUMBER: {number}}}
    command: ["sleep", "1000"]
    ports: ["127.0.0.1:{10000 + number}:80"]
    volumes: ["data:/data", "./conf:/conf:ro"]
    networks: [front, back]
    depends_on: [{f's{number - 1}' if number else ''}]
    healthcheck: {{test: ["CMD", "true"], interval: 10s, retries: 3}}
"""
    return text + "volumes: {data: }\nnetworks: {front: , back: }\n"


class ComposeRows:
    """Mixed into Bench."""

    def compose_contenders(self, directory):
        """[(name, argv that takes a verb)] of what is installed."""
        contenders = [("skiff", ["skiff", "compose"])]
        docker = os.environ.get("SKIFF_COMPOSE_ORACLE") or shutil.which("docker-compose")
        if self.podman and docker and self.serve_podman(directory):
            contenders.append(("docker-compose over podman",
                               ["env", f"DOCKER_HOST=unix://{self.podman_socket}", "COMPOSE_PARALLEL_LIMIT=-1", docker]))
        if self.podman and self.have("podman-compose"):
            contenders.append(("podman-compose", ["podman-compose"]))
        return contenders

    def serve_podman(self, directory):
        """podman's socket, for as long as the row takes."""
        self.podman_socket = os.path.join(directory, "podman.sock")
        argv = self.podman_argv + ["system", "service", "--time=0", f"unix://{self.podman_socket}"]
        self.podman_service = subprocess.Popen(self.argv(argv), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                               stderr=subprocess.DEVNULL, env=None if self.prefix else self.env, cwd="/")
        deadline = time.monotonic() + 20
        while not os.path.exists(self.podman_socket) and time.monotonic() < deadline:
            time.sleep(0.05)
        return os.path.exists(self.podman_socket)

    def compose_project(self, name, text):
        """A directory with a compose file, of the user."""
        directory = pathlib.Path(self.home) / name
        self.command(["mkdir", "-p", str(directory)])
        (directory / "compose.yaml").write_text(text)
        return ["-f", str(directory / "compose.yaml")]

    def cycle(self, services, rounds):
        """up, up again and down of a project, in turn."""
        words = self.compose_project(f"project{services}", project_text(services))
        steps = {"up": ["up", "-d"], "up-again": ["up", "-d"], "down": ["down", "-t", "0"]}
        contenders = self.compose_contenders(self.home)
        samples = {step: {name: [] for name, _ in contenders} for step in steps}
        for _ in range(rounds):
            for name, argv in contenders:
                for step, verb in steps.items():
                    samples[step][name] += self.time_batch([*argv, *words, *verb], 1)
        for step in steps:
            self.report(f"compose-{step}-{services}", f"compose {step}, {services} services", samples[step])
        if getattr(self, "podman_service", None):
            self.podman_service.terminate()
            self.podman_service.wait()
            self.podman_service = None

    def row_compose(self):
        """Ten services, whose image is there."""
        self.cycle(10, max(3, self.options.rounds // 2))

    def row_compose_many(self):
        """Fifty of them, by skiff alone: the others take minutes."""
        podman, self.podman = self.podman, False
        self.cycle(50, max(3, self.options.rounds // 3))
        self.podman = podman

    def row_compose_config(self):
        """The model of a file with 300 services."""
        words = self.compose_project("long", long_text(300))
        contenders = [("skiff", ["skiff", "compose", *words, "config", "-q"]),
                      ("skiff, printed", ["skiff", "compose", *words, "config"])]
        docker = os.environ.get("SKIFF_COMPOSE_ORACLE") or shutil.which("docker-compose")
        if docker:
            contenders.append(("docker-compose", [docker, *words, "config", "-q"]))
        self.compare("compose-config", "compose config of 300 services", contenders, burst=3)
