# SPDX-License-Identifier: Apache-2.0
"""skiff compose: keys of services, builds and resources, seen from inside the containers."""

import json
import os
import socket
from pathlib import Path

from tests.support.skiff import free_port, of_processes, sub_ids, wait_for
from tests.system.test_compose import SLEEP, ComposeTest

CANARY = "c4n4ry-of-a-secret"
# Who has one id has no other to give a file to.
UID, GID = ("0", "0") if sub_ids() == 0 else ("12", "34")


class Swarm(ComposeTest):
    def test_what_a_swarm_alone_knows_is_told_once(self):
        self.write(f"""services:
  a: {{image: busybox, command: {SLEEP}, stop_signal: KILL, scale: 2,
       deploy: {{mode: global, placement: {{constraints: [node.role==worker]}}, endpoint_mode: vip, update_config: {{order: stop-first}}}}}}
  b: {{image: busybox, command: {SLEEP}, stop_signal: KILL, deploy: {{mode: replicated, replicas: 1}}}}
""")
        told = [line for line in self.compose("up", "-d").stderr.splitlines() if "swarm" in line]
        self.assertEqual(len(told), 1, told)
        self.assertTrue(told[0].endswith('service "a": of deploy a swarm alone knows: endpoint_mode, placement, update_config, mode'), told)


class Ignored(ComposeTest):
    def test_is_told(self):
        """What docker compose leaves out, too. Red when the engine's own words are the end of it, or nothing is said."""
        (self.project / "f").write_text("x")
        self.write(f"""services:
  a: {{image: busybox, command: {SLEEP}, stop_signal: KILL, mem_swappiness: 0, oom_kill_disable: true, secrets: [{{source: s, uid: "12", mode: 0400}}], configs: [s]}}
  b: {{image: busybox, command: {SLEEP}, stop_signal: KILL, oom_kill_disable: false, configs: [{{source: t, mode: 0400}}]}}
secrets: {{s: {{file: ./f}}}}
configs: {{s: {{file: ./f}}, t: {{content: x}}}}
""")
        told = [line for line in self.compose("up", "-d").stderr.splitlines() if "ignored" in line and "cgroup v1" not in line]
        self.assertEqual(told, ['Warning: service "a": only cgroup version 1 has mem_swappiness, oom_kill_disable: ignored',
                                'Warning: service "a": secrets: s is a file of the host: uid, gid and mode are ignored'])
        self.assertIn("COMPOSE_COMPATIBILITY is not supported", self.compose("config", "-q", env={"COMPOSE_COMPATIBILITY": "1"}).stderr)

    def test_templates_and_drivers_are_refused(self):
        (self.project / "f").write_text("x")
        for part, words in (("configs: [c]}}\nconfigs: {c: {file: ./f, template_driver: golang}}", "services.a.configs: c: it is a template of"),
                            ("secrets: [c]}}\nsecrets: {c: {file: ./f, driver: vault}}", "services.a.secrets: c: it comes from a driver")):
            self.write("services: {a: {image: busybox, " + part)
            failed = self.compose("up", "-d", check=False)
            self.assertIn(words, failed.stderr)
            self.assertRegex(failed.stderr, r"compose\.yaml:1:\d+: ")
        self.assertEqual(self.names(), [])


class Files(ComposeTest):
    TEXT = f"""
services:
  a:
    image: busybox
    command: {SLEEP}
    read_only: true
    user: "{UID}:{GID}"
    secrets: [{{source: s, target: /run/key, uid: "{UID}", gid: "{GID}", mode: 0400}}, plain]
    configs: [{{source: c, target: /etc/app/c.conf}}, made]
secrets: {{s: {{environment: SECRET}}, plain: {{environment: SECRET}}}}
configs: {{c: {{content: "listen ${{PORT}}\\nraw $$HOME\\n"}}, made: {{environment: PORT}}}}
"""
    ENV = {"SECRET": CANARY, "PORT": "8080"}

    def run_in(self, script):
        return self.compose("exec", "-T", "a", "sh", "-c", script, env=self.ENV).word

    def test_environment_and_content(self):
        self.up(self.TEXT, env=self.ENV)
        self.assertEqual(self.run_in("stat -c '%u %g %a' /run/key; cat /run/key"), f"{UID} {GID} 400\n{CANARY}")
        self.assertEqual(self.run_in("stat -c '%u %g %a' /run/secrets/plain; cat /run/secrets/plain"), f"0 0 444\n{CANARY}")
        self.assertEqual(self.run_in("cat /etc/app/c.conf /made"), "listen 8080\nraw $HOME\n8080")
        # Also after a stop, and when the monitor starts it again.
        self.compose("restart", "-t", "0", env=self.ENV)
        self.assertEqual(self.run_in("cat /run/key"), CANARY)

    def test_files_beside_bytes(self):
        """One is bound, the other written: neither hides the other."""
        (self.project / "file").write_text("bound\n")
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, read_only: true, secrets: [f, v, {{source: v, target: deep/er}}]}}}}\n"
                "secrets: {f: {file: file}, v: {environment: SECRET}}", env=self.ENV)
        self.assertEqual(self.run_in("cd /run/secrets; find . -type f | sort; cat f v deep/er"), f"./deep/er\n./f\n./v\nbound\n{CANARY}{CANARY}")

    def test_nothing_else_has_them(self):
        """No report, label, record but the container's own file of it, log or command line."""
        self.up(self.TEXT, env=self.ENV)
        for words in (["inspect", "proj-a-1"], ["compose", "ps", "-a", "--format", "json"], ["events", "--stream=false", "--since", "1h"]):
            self.assertNotIn(CANARY, self.skiff(*words, cwd=self.project, env=self.ENV).stdout)
        found = set()
        for top, _, files in os.walk(self.home):
            for name in files:
                path = Path(top) / name
                try:
                    if CANARY.encode() in path.read_bytes():
                        found.add(name)
                        self.assertEqual(path.stat().st_mode & 0o077, 0, path)
                except OSError:
                    continue
        self.assertLessEqual(found, {"secret.0", "secret.1", "secret.2", "secret.3"})
        for line in of_processes("cmdline"):
            self.assertNotIn(CANARY.encode(), line)

    def test_changes_recreate(self):
        self.up(self.TEXT, env=self.ENV)
        old = self.ids()
        self.compose("up", "-d", "-t", "0", env=self.ENV)
        self.assertEqual(self.ids(), old)
        self.compose("up", "-d", "-t", "0", env=self.ENV | {"SECRET": "another"})
        self.assertNotEqual(self.ids(), old)
        self.assertEqual(self.run_in("cat /run/key"), "another")

    def test_refused(self):
        text = f"services: {{a: {{image: busybox, command: {SLEEP}, secrets: [s]}}}}\nsecrets: {{s: %s}}"
        self.assertRegex(self.up(text % "{environment: NOT_SET}", check=False).stderr,
                         r"compose\.yaml:1:\d+: services\.a\.secrets: s: its variable is not set: NOT_SET")
        self.assertIn("there is no secret nowhere", self.up(text % "{external: true, name: nowhere}", check=False).stderr)
        self.assertEqual(self.names(), [])
        self.assertEqual(self.skiff("network", "ls", "--format", "{{.Name}}").lines, ["podman"])

    def test_own_secrets(self):
        self.skiff("secret", "create", "stored", "-", input=CANARY)
        self.addCleanup(self.skiff, "secret", "rm", "stored", check=False)
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, secrets: [{{source: s, mode: 0440}}]}}}}\nsecrets: {{s: {{external: true, name: stored}}}}")
        self.assertEqual(self.run_in("stat -c %a /run/secrets/s; cat /run/secrets/s"), f"440\n{CANARY}")


class Keys(ComposeTest):
    def test_start_interval(self):
        """Probed at once and again and again while it starts, whatever the interval."""
        self.up("services: {a: {image: busybox, command: %s, healthcheck: {interval: 1h, start_period: 30s, start_interval: 100ms, "
                "timeout: 5s, test: 'test -e /tmp/ready || ! touch /tmp/ready'}}}" % SLEEP)
        wait_for(lambda: self.inspect("proj-a-1")["State"]["Health"]["Status"] == "healthy", timeout=25, message="health")

    def test_hooks(self):
        self.up(f"""
services:
  a:
    image: busybox
    command: {SLEEP}
    volumes: ["out:/out"]
    post_start:
      - {{command: [sh, -c, "echo start $$X $$PWD $$(id -u) >> /out/log"], environment: {{X: 1}}, working_dir: /tmp, user: root}}
    pre_stop:
      - {{command: [sh, -c, "echo stop >> /out/log"]}}
volumes: {{out: }}
""")
        log = lambda: self.skiff("run", "--rm", "-v", "proj_out:/out", "busybox", "cat", "/out/log").stdout
        self.assertEqual(log(), "start 1 /tmp 0\n")
        self.compose("up", "-d")
        self.assertEqual(log(), "start 1 /tmp 0\n")
        self.compose("restart", "-t", "0")
        self.assertEqual(log(), "start 1 /tmp 0\nstop\nstart 1 /tmp 0\n")
        self.compose("up", "-d", "-t", "0", "--force-recreate")
        self.compose("down", "-t", "0")
        self.assertEqual(log(), "start 1 /tmp 0\n" + "stop\nstart 1 /tmp 0\n" * 2 + "stop\n")
        self.compose("up", "-d", "--scale", "a=2")
        before = log()
        self.compose("up", "-d", "-t", "0", "--scale", "a=1")
        self.assertEqual(log(), before + "stop\n")

    def test_volumes_from_a_service_with_a_name(self):
        """Red when the container of the other service is looked for under the name it would have without container_name."""
        self.up(f"services: {{a: {{image: busybox, container_name: ours, command: {SLEEP}, volumes: ['/v']}}, "
                f"b: {{image: busybox, command: {SLEEP}, volumes_from: ['a:ro']}}}}")
        self.compose("exec", "-T", "a", "touch", "/v/seen")
        self.compose("exec", "-T", "b", "test", "-e", "/v/seen")

    def test_a_hook_that_fails(self):
        text = f"services: {{a: {{image: busybox, command: {SLEEP}, %s: [{{command: [sh, -c, 'exit 3']}}]}}}}"
        failed = self.up(text % "post_start", check=False)
        self.assertIn("a hook exited with status 3", failed.stderr)
        self.up(text % "pre_stop")
        self.assertIn("a hook exited with status 3", self.compose("down", "-t", "0").stderr)
        self.assertEqual(self.names(), [])

    def test_a_port_of_a_range(self):
        first = free_port()
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind(("127.0.0.1", first))
                taken.listen()
            except OSError:
                self.skipTest("somebody took the port meanwhile")
            last = min(first + 50, 65535)
            text = f"services: {{a: {{image: busybox, command: {SLEEP}, labels: [x=%s], ports: ['127.0.0.1:{first}-{last}:80']}}}}"
            self.up(text % 1, "--scale", "a=2")
            ports = lambda: [int(self.compose("port", "--index", str(i), "a", "80").word.split(":")[1]) for i in (1, 2)]
            old = ports()
            self.assertEqual(len({first, *old}), 3)
            self.assertTrue(all(first < port <= last for port in old))
            # A new container in the place of the old one has its port.
            self.up(text % 2, "--scale", "a=2")
            self.assertEqual(ports(), old)

    def test_port_0_is_any(self):
        """Red when the engine is given it as it stands."""
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, stop_signal: KILL, ports: ['127.0.0.1:0:80', {{target: 81, published: 0, host_ip: 127.0.0.1}}]}}}}")
        for port in ("80", "81"):
            self.assertRegex(self.compose("port", "a", port).word, r"127\.0\.0\.1:[1-9]\d+$")

    def test_refused_with_a_reason(self):
        for part, words in (("use_api_socket: true", "services.b.use_api_socket: it is not supported: a container gets no socket"),
                            ("provider: {type: x}", "services.b.provider: it is not supported: skiff runs no plugins"),
                            ("deploy: {restart_policy: {max_attempts: -2}}", "services.b.deploy.restart_policy.max_attempts: negative"),
                            ("deploy: {restart_policy: {delay: -5s}}", "services.b.deploy.restart_policy.delay: negative"),
                            ("runtime: kata", "skiff runs containers itself"),
                            ("pull_policy: every_now", "services.b.pull_policy: invalid value \"every_now\"")):
            with self.subTest(part=part):
                failed = self.up(f"services: {{b: {{image: busybox, {part}}}}}", check=False)
                self.assertNotEqual(failed.code, 0)
                self.assertIn(words, failed.stderr)
                self.assertRegex(failed.stderr, r"compose\.yaml:1:\d+: ")
        self.assertEqual(self.names(), [])
        self.up("services: {b: {image: busybox, use_api_socket: false, runtime: runc, isolation: default, command: ['true']}}")

    def test_what_says_nothing_is_not_refused(self):
        """Nor does it hide what is written behind it. Red when apply_attributes() ends at it."""
        self.up(f"services: {{b: {{image: busybox, command: {SLEEP}, credential_spec: {{}}, use_api_socket: false, working_dir: /tmp, "
                "deploy: {restart_policy: {condition: on-failure}}}}")
        made = self.inspect("proj-b-1")
        self.assertEqual((made["Config"]["WorkingDir"], made["HostConfig"]["RestartPolicy"]["Name"]), ("/tmp", "on-failure"))

    def test_gpus(self):
        """CDI's files say what they are; without one the name that is missing is told."""
        failed = self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, gpus: all}}}}", check=False)
        self.assertNotEqual(failed.code, 0)
        self.assertIn("gpu=all", failed.stderr)
        failed = self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, deploy: {{resources: {{reservations: {{devices: "
                         "[{driver: cdi, device_ids: ['vendor.example/thing=one'], capabilities: [gpu]}]}}}}}", check=False)
        self.assertIn("vendor.example/thing=one", failed.stderr)

    def test_pull_policies_by_age(self):
        """An image that is old enough is asked for; the registry that is not there says so."""
        self.skiff("tag", "busybox", "localhost:1/aged")
        self.addCleanup(self.skiff, "rmi", "-f", "localhost:1/aged", check=False)
        text = f"services: {{a: {{image: 'localhost:1/aged', command: {SLEEP}, pull_policy: %s}}}}"
        self.up(text % "daily")
        self.up(text % "every_2w")
        wait_for(lambda: self.up(text % "every_1ms", check=False).code != 0, message="an image older than a millisecond")

    def test_deploy(self):
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, restart: always, deploy: {{replicas: 2, "
                "restart_policy: {condition: on-failure, max_attempts: 3, delay: 5s}}}}")
        self.assertEqual(self.names(), ["proj-a-1", "proj-a-2"])
        policy = self.inspect("proj-a-2")["HostConfig"]["RestartPolicy"]
        self.assertEqual(policy, {"Name": "on-failure", "MaximumRetryCount": 3, "Delay": 5 * 10**9})

    def test_restart_policy(self):
        """Attempts are counted whatever the code, with a pause before each, and anew after a run that was long enough."""
        run = "echo begin $$(cut -d' ' -f1 /proc/uptime); echo >> /runs; [ $$(wc -l < /runs) != 2 ] || sleep 1.2"
        service = f'{{image: busybox, command: [sh, -c, "{run}"], deploy: {{restart_policy: {{condition: any, max_attempts: %s}}}}}}'
        self.up(f"services: {{plain: {service % '1, delay: 900ms'}, window: {service % '1, window: 1s'}, waits: {service % '0, delay: 1h'}}}")
        for name in ("plain", "window"):
            wait_for(lambda: self.inspect(f"proj-{name}-1")["State"]["Status"] == "exited", timeout=60)
        begins = lambda name: [float(line.split()[1]) for line in self.skiff("logs", f"proj-{name}-1").lines]
        wait_for(lambda: self.inspect("proj-waits-1")["State"]["Status"] == "restarting", timeout=60)
        self.assertEqual(self.compose("ps", "--format", "{{.Status}}", "waits").word, "Restarting")
        self.assertEqual(len(begins("waits")), 1)
        first, second = begins("plain")
        self.assertGreaterEqual(second - first, 0.88)
        self.assertGreaterEqual(len(begins("window")), 3)
        for name in ("plain", "window"):
            self.assertEqual(self.inspect(f"proj-{name}-1")["RestartCount"], len(begins(name)) - 1)
        # Each start begins anew.
        self.compose("start", "plain")
        wait_for(lambda: len(begins("plain")) == 4, timeout=60)
        wait_for(lambda: self.inspect("proj-plain-1")["State"]["Status"] == "exited", timeout=60)
        self.assertEqual(len(begins("plain")), 4)


class Builds(ComposeTest):
    def build(self, text, *words, **options):
        self.write(text)
        self.addCleanup(self.skiff, "rmi", "-f", "proj-a", "proj-base", check=False)
        return self.compose("build", *words, **options)

    def test_a_secret_that_is_a_fifo(self):
        """Nobody writes to it: red, by the limit of time, when it is opened as a file is."""
        fifo = self.project / "fifo"
        os.mkfifo(fifo)
        self.addCleanup(fifo.unlink)
        done = self.build('services: {a: {build: {dockerfile_inline: "FROM busybox\\nRUN true", secrets: [s]}}}\nsecrets: {s: {file: ./fifo}}', check=False)
        self.assertIn(f"services.a.build.secrets: {fifo}: it is no regular file", done.stderr)

    def test_the_default_platform(self):
        text = 'services: {a: {build: {dockerfile_inline: "FROM scratch\\nLABEL a=b"}%s}}'
        built = lambda: self.skiff("image", "inspect", "proj-a", "--format", "{{.Architecture}}").word
        self.build(text % "", env={"DOCKER_DEFAULT_PLATFORM": "linux/arm64"})
        self.assertEqual(built(), "arm64")
        self.build(text % ", platform: linux/s390x", env={"DOCKER_DEFAULT_PLATFORM": "linux/arm64"})
        self.assertEqual(built(), "s390x")

    def test_args_are_in_no_command_line(self):
        """Every process that the build has is looked at while a RUN waits; values keep their newlines."""
        (self.project / "compose.yaml").write_text(
            f'services: {{a: {{build: {{context: ., args: {{TOKEN: "{CANARY}\\n2"}}}}}}}}')
        (self.project / "Dockerfile").write_text(
            "FROM busybox\nARG TOKEN\nARG LATE\nRUN printf '%s|%s' \"$TOKEN\" \"$LATE\" > /args && sleep 1\n")
        self.addCleanup(self.skiff, "rmi", "-f", "proj-a", check=False)
        process = self.start("compose", "build", "--build-arg", "LATE", cwd=self.project, text=True, env={"LATE": CANARY + "-late"})
        seen = set()
        while process.poll() is None:
            for line in of_processes("cmdline"):
                if b"skiff-build" in line.split(b"\0")[0] or b"compose-fds" in line:
                    seen.add(line)
        process.communicate()
        self.assertEqual(process.returncode, 0)
        self.assertTrue(seen)
        self.assertFalse([line for line in seen if CANARY.encode() in line])
        self.assertEqual(self.skiff("run", "--rm", "proj-a", "cat", "/args").stdout, f"{CANARY}\n2|{CANARY}-late")

    def test_secrets(self):
        (self.project / "with,comma").write_text("from-file")
        self.build("""
services:
  a:
    build:
      dockerfile_inline: "FROM busybox\\nRUN --mount=type=secret,id=e --mount=type=secret,id=f cat /run/secrets/e /run/secrets/f | md5sum > /sum; ls /proc/self/fd > /fds"
      secrets: [{source: env, target: e}, {source: file, target: f}]
secrets: {env: {environment: SECRET}, file: {file: "./with,comma"}}
""", env={"SECRET": CANARY})
        sums = self.skiff("run", "--rm", "busybox", "sh", "-c", f"printf '%s' {CANARY}from-file | md5sum").word
        self.assertEqual(self.skiff("run", "--rm", "proj-a", "cat", "/sum").word, sums)
        # Standard input and output, error, and the directory itself: none of ours.
        self.assertEqual(self.skiff("run", "--rm", "proj-a", "cat", "/fds").word.split(), ["0", "1", "2", "3"])

    def test_run_options(self):
        self.build("""
services:
  a:
    build:
      dockerfile_inline: "FROM busybox\\nRUN (ulimit -n; grep far /etc/hosts; df -k /dev/shm | tail -1; ls /sys/class/net | wc -l) > /seen"
      network: none
      shm_size: 8m
      extra_hosts: ["far=192.0.2.9"]
      ulimits: {nofile: {soft: 90, hard: 100}}
""")
        lines = self.skiff("run", "--rm", "proj-a", "cat", "/seen").lines
        self.assertEqual(lines[0], "90")
        self.assertIn("192.0.2.9", lines[1])
        self.assertIn("8192", lines[2])
        self.assertEqual(lines[3].strip(), "1")

    def test_platforms_and_caches(self):
        """`build` makes all platforms, a list of images; `up` the one that runs here. Steps go to a cache."""
        text = """
services:
  a:
    build:
      dockerfile_inline: "FROM scratch\\nCOPY compose.yaml /"
      context: .
      platforms: [linux/amd64, linux/arm64]
      cache_to: ["type=local,dest=./cache"]
    command: ["/none"]
"""
        self.build(text)
        self.assertTrue((self.project / "cache/index.json").exists())
        listed = json.loads(self.skiff("manifest", "inspect", "proj-a").stdout)["manifests"]
        self.assertEqual(sorted(item["platform"]["architecture"] for item in listed), ["amd64", "arm64"])
        self.skiff("manifest", "rm", "proj-a")
        self.compose("create")
        self.assertNotEqual(self.skiff("manifest", "inspect", "proj-a", check=False).code, 0)

    def test_another_services_image(self):
        """It is built first, wherever it stands, and each of them once."""
        done = self.build("""
services:
  a:
    build:
      dockerfile_inline: "FROM base\\nENV B=2"
      additional_contexts: {base: "service:base"}
    command: ["true"]
  base: {build: {dockerfile_inline: "FROM busybox\\nENV A=1"}, command: ["true"]}
""", "a")
        self.assertIn("ENV A=1", done.stderr)
        self.assertEqual(self.skiff("run", "--rm", "proj-a", "sh", "-c", "echo $A $B").word, "1 2")
        failed = self.build("services: {a: {build: {dockerfile_inline: 'FROM base', additional_contexts: {base: 'service:nope'}}}}", check=False)
        self.assertIn("no such service: nope", failed.stderr)

    def test_refused(self):
        for part, words in (("privileged: true", "services.b.build.privileged: it is not supported: a build has the rights of its user"),
                            ("sbom: true", "services.b.build.sbom: it is not supported: skiff makes no attestations")):
            failed = self.build(f"services: {{b: {{build: {{context: ., {part}}}}}}}", check=False)
            self.assertIn(words, failed.stderr)
            self.assertRegex(failed.stderr, r"compose\.yaml:1:\d+: ")


class SideBySide(ComposeTest):
    """Builds of several services at once."""

    @staticmethod
    def meeting(name, other):
        """A Dockerfile whose step ends when that of the other service runs, too."""
        return (f"FROM busybox\nRUN --mount=type=cache,id=meet,target=/m touch /m/{name}; n=0; "
                f"until [ -e /m/{other} ]; do sleep 0.1; n=$$((n+1)); [ $$n -lt 600 ] || exit 9; done; echo {name} met\n")

    def services(self, **dockerfiles):
        """A project of services that are built so."""
        self.addCleanup(self.skiff, "rmi", "-f", *(f"proj-{name}" for name in dockerfiles), check=False)
        self.write(json.dumps({"services": {
            name: {"build": {"context": ".", "dockerfile_inline": text}, "command": ["sleep", "1000"], "stop_signal": "KILL"}
            for name, text in dockerfiles.items()}}))

    def test_build_and_up(self):
        self.services(one=self.meeting("one", "two"), two=self.meeting("two", "one"))
        built = self.compose("--parallel", "2", "build")
        self.assertIn("one | one met\n", built.stderr)
        self.assertIn("two | two met\n", built.stderr)
        self.skiff("rmi", "-f", "proj-one", "proj-two")
        self.skiff("builder", "prune", "-af")
        self.compose("--parallel", "2", "up", "-d")
        self.assertEqual(sorted(self.compose("ps", "--services").lines), ["one", "two"])

    def test_one_at_a_time(self):
        wait = "FROM busybox\nRUN --mount=type=cache,id=alone,target=/m mkdir /m/here && sleep 0.3 && rmdir /m/here\n"
        self.services(one=wait, two=wait + "ENV A=b\n", three=wait + "ENV A=c\n")
        self.compose("build", "--no-cache", env={"COMPOSE_PARALLEL_LIMIT": "1"})
        self.assertIn('must be an integer (found: "x")', self.compose("build", check=False, env={"COMPOSE_PARALLEL_LIMIT": "x"}).stderr)

    def test_one_fails(self):
        self.services(bad="FROM busybox\nRUN sleep 0.2; exit 3\n", slow="FROM busybox\nRUN sleep 100\n",
                      later="FROM busybox\nRUN true\n")
        done = self.compose("--parallel", "2", "build", check=False)
        self.assertEqual(done.code, 3)
        self.assertIn("bad   | Error: ", done.stderr)
        self.assertNotIn("later | ", done.stderr)
        wait_for(lambda: not [line for line in of_processes("cmdline") if b"skiff-monitor" in line], timeout=60, message="the end of the steps")
        self.skiff("build", "-q", "-", input="FROM busybox\nENV A=b\n")  # sweeps

    def test_one_cannot_begin(self):
        """It names what is missing and ends the others."""
        self.services(slow="FROM busybox\nRUN sleep 100\n", bad="FROM busybox\n")
        text = json.loads((self.project / "compose.yaml").read_text())
        text["services"]["bad"]["build"]["secrets"] = ["s"]
        text["secrets"] = {"s": {"file": "./missing"}}
        self.write(json.dumps(text))
        done = self.compose("--parallel", "2", "build", check=False)
        self.assertEqual(done.code, 125)
        self.assertIn("missing", done.stderr)
        wait_for(lambda: not [line for line in of_processes("cmdline") if b"skiff-monitor" in line], timeout=60, message="the end of the steps")
        self.skiff("build", "-q", "-", input="FROM busybox\nENV A=b\n")  # sweeps

    def test_a_cycle(self):
        self.services(one="FROM two\n", two="FROM one\n")
        text = json.loads((self.project / "compose.yaml").read_text())
        for name, other in (("one", "two"), ("two", "one")):
            text["services"][name]["build"]["additional_contexts"] = {other: f"service:{other}"}
        self.write(json.dumps(text))
        done = self.compose("build", check=False)
        self.assertEqual(done.code, 125)
        self.assertRegex(done.stderr, "services.(one|two).build.additional_contexts: dependency cycle detected")


class Drift(ComposeTest):
    """What changed beside the services themselves."""

    def test_names(self):
        text = f"services: {{a: {{image: busybox, command: {SLEEP}, networks: [n], volumes: ['v:/v']}}}}\nnetworks: {{n: {{name: %s}}}}\nvolumes: {{v: {{name: %s}}}}"
        self.up(text % ("net-one", "vol-one"))
        old = self.ids()
        self.up(text % ("net-one", "vol-one"))
        self.assertEqual(self.ids(), old)
        self.up(text % ("net-two", "vol-one"))
        self.assertEqual(list(self.inspect("proj-a-1")["NetworkSettings"]["Networks"]), ["net-two"])
        self.up(text % ("net-two", "vol-two"))
        self.assertEqual(self.inspect("proj-a-1")["Mounts"][0]["Name"], "vol-two")

    def test_a_network_that_changed(self):
        """Its members are stopped, and are the same ones on the new network: also who was not asked for."""
        text = f"""
services:
  a: {{image: busybox, command: {SLEEP}, networks: [n], volumes: [/anon], stop_signal: KILL, cap_add: [NET_RAW]}}
  b: {{image: busybox, command: {SLEEP}, networks: [n], stop_signal: KILL}}
  c: {{image: busybox, command: {SLEEP}, networks: [o], stop_signal: KILL}}
networks:
  n: {{%s}}
  o: {{}}
"""
        self.up(text % "ipam: {config: [{subnet: 10.93.1.0/24}]}")
        old = self.ids()
        started = self.inspect("proj-c-1")["State"]["StartedAt"]
        self.compose("exec", "-T", "a", "touch", "/anon/kept")
        # The order of the words is nothing.
        self.assertNotIn("Recreated", self.up(text % "ipam: {config: [{subnet: 10.93.1.0/24}]}").stderr)
        done = self.up(text % "internal: true, ipam: {config: [{subnet: 10.93.2.0/24}]}", "a")
        self.assertIn("Network proj_n  Recreated", done.stderr)
        self.assertEqual(self.ids(), old)
        for name in ("a", "b"):
            self.assertTrue(self.inspect(f"proj-{name}-1")["NetworkSettings"]["Networks"]["proj_n"]["IPAddress"].startswith("10.93.2."))
        self.compose("exec", "-T", "a", "test", "-e", "/anon/kept")
        self.compose("exec", "-T", "a", "ping", "-c", "1", "-W", "5", "b")
        self.assertEqual(self.inspect("proj-c-1")["State"]["StartedAt"], started)
        self.assertEqual(self.skiff("network", "inspect", "proj_n", "--format", "{{.Internal}}").word, "true")

    def test_a_network_that_others_are_on(self):
        text = f"services: {{a: {{image: busybox, command: {SLEEP}, stop_signal: KILL}}}}\nnetworks: {{default: {{internal: %s}}}}"
        self.up(text % "false")
        self.skiff("run", "-d", "--name", "stranger", "--network", "proj_default", "busybox", "sleep", "1000")
        failed = self.up(text % "true", check=False)
        self.assertIn("network proj_default cannot change while container stranger is on it", failed.stderr)
        for name in ("stranger", "proj-a-1"):
            self.assertEqual(self.inspect(name)["State"]["Status"], "running")

    def test_a_volume_that_changed(self):
        """Its data goes only when this was said."""
        text = f"services: {{a: {{image: busybox, command: {SLEEP}, volumes: ['v:/v'], stop_signal: KILL}}}}\nvolumes: {{v: {{labels: {{x: '%s'}}}}}}"
        self.up(text % 1)
        self.compose("exec", "-T", "a", "touch", "/v/kept")
        old = self.ids()
        self.assertIn("volume proj_v exists and is not as the files have it", self.up(text % 2).stderr)
        self.compose("exec", "-T", "a", "test", "-e", "/v/kept")
        self.assertEqual(self.ids(), old)
        self.skiff("run", "-d", "--name", "stranger", "-v", "proj_v:/v", "busybox", "sleep", "1000")
        self.assertIn("volume proj_v cannot change while", self.up(text % 2, "--yes", check=False).stderr)
        self.assertEqual(self.inspect("proj-a-1")["Id"], old["proj-a-1"])
        self.skiff("exec", "stranger", "test", "-e", "/v/kept")
        self.skiff("rm", "-f", "-t", "0", "stranger")
        self.up(text % 2, "--yes")
        self.compose("exec", "-T", "a", "test", "!", "-e", "/v/kept")
