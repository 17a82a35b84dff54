# SPDX-License-Identifier: Apache-2.0
"""skiff compose: a project from its files to containers and back."""

import json
import re
import signal
import time

from tests.support.skiff import SLOWNESS, SkiffTest, free_port, wait_for

SLEEP = "[sleep, '1000']"


class ComposeTest(SkiffTest):
    images = ["busybox"]

    def setUp(self):
        super().setUp()
        self.project = self.tmp / "proj"
        self.project.mkdir(exist_ok=True)
        for path in self.project.iterdir():
            if path.is_file():
                path.unlink()
        self.addCleanup(self.skiff, "volume", "rm", "--all", "--force")
        self.addCleanup(self.skiff, "network", "prune", "-f")
        self.addCleanup(self.skiff, "rm", "--all", "--force", "--time", "0")

    def write(self, text, name="compose.yaml"):
        (self.project / name).write_text(text)

    def compose(self, *words, **options):
        return self.skiff("compose", *words, cwd=self.project, **options)

    def up(self, text, *words, **options):
        self.write(text)
        return self.compose("up", "-d", "-t", "0", *words, **options)

    def inspect(self, name):
        return json.loads(self.skiff("inspect", name).stdout)[0]

    def names(self):
        """Names of all containers, sorted."""
        return sorted(self.skiff("ps", "-a", "--format", "{{.Names}}").lines)

    def ids(self):
        return {name: self.inspect(name)["Id"] for name in self.names()}


class UpDown(ComposeTest):
    def test_up_and_down(self):
        self.up(f"""
services:
  web: {{image: busybox, command: {SLEEP}, depends_on: [db], volumes: ["data:/data", /anon]}}
  db: {{image: busybox, command: {SLEEP}, scale: 2}}
volumes: {{data: }}
""")
        self.assertEqual(self.names(), ["proj-db-1", "proj-db-2", "proj-web-1"])
        self.assertEqual(self.skiff("network", "ls", "--format", "{{.Name}}").lines, ["podman", "proj_default"])
        self.assertIn("proj_data", self.skiff("volume", "ls", "-q").lines)
        for name in self.names():
            self.assertEqual(self.inspect(name)["State"]["Status"], "running")
        again = self.ids()
        self.compose("up", "-d")
        self.assertEqual(self.ids(), again)
        self.compose("down", "-t", "0")
        self.assertEqual(self.names(), [])
        self.assertEqual(self.skiff("network", "ls", "--format", "{{.Name}}").lines, ["podman"])
        self.assertIn("proj_data", self.skiff("volume", "ls", "-q").lines)
        self.compose("up", "-d")
        self.compose("down", "-v", "-t", "0")
        self.assertNotIn("proj_data", self.skiff("volume", "ls", "-q").lines)

    def test_down_keeps_volumes_that_the_files_do_not_have(self):
        """As docker compose: only declared ones go. Red when compose_volumes_remove() does not ask is_declared()."""
        service = f"services: {{a: {{image: busybox, command: {SLEEP}, volumes: ['new:/n']}}}}\n"
        self.up(service + "volumes: {new: , old: }")
        self.skiff("volume", "create", "--label", "com.docker.compose.project=proj", "--label", "com.docker.compose.volume=gone", "proj_gone")
        self.addCleanup(self.skiff, "volume", "rm", "-f", "proj_gone", check=False)
        self.compose("down", "-v", "-t", "0")
        left = self.skiff("volume", "ls", "-q").lines
        self.assertIn("proj_gone", left)
        self.assertNotIn("proj_new", left)
        self.up("services: {a: {image: busybox, command: [sleep, '1000']}}")
        self.compose("down", "-v", "-t", "0")
        self.assertIn("proj_gone", self.skiff("volume", "ls", "-q").lines)

    def test_labels(self):
        self.up(f"services: {{web: {{image: busybox, command: {SLEEP}, depends_on: [db], labels: [mine=1]}}, "
                f"db: {{image: busybox, command: {SLEEP}}}}}")
        labels = self.inspect("proj-web-1")["Config"]["Labels"]
        prefix = "com.docker.compose."
        self.assertEqual(labels["mine"], "1")
        self.assertEqual(labels[prefix + "project"], "proj")
        self.assertEqual(labels[prefix + "service"], "web")
        self.assertEqual(labels[prefix + "container-number"], "1")
        self.assertEqual(labels[prefix + "oneoff"], "False")
        self.assertEqual(labels[prefix + "depends_on"], "db:service_started:false")
        self.assertEqual(labels[prefix + "project.working_dir"], str(self.project))
        self.assertEqual(labels[prefix + "project.config_files"], str(self.project / "compose.yaml"))
        self.assertEqual(labels[prefix + "image"], "sha256:" + self.inspect("proj-web-1")["Image"].removeprefix("sha256:"))
        self.assertEqual(self.compose("config", "--hash", "web").word, "web " + labels[prefix + "config-hash"])
        network = json.loads(self.skiff("network", "inspect", "proj_default").stdout)[0]["labels"]
        self.assertEqual(network[prefix + "network"], "default")
        self.assertEqual(network[prefix + "project"], "proj")

    def test_names_on_the_network(self):
        self.up(f"services: {{web: {{image: busybox, command: {SLEEP}, cap_add: [NET_RAW]}}, "
                f"db: {{image: busybox, command: {SLEEP}, networks: {{default: {{aliases: [store]}}}}}}}}")
        for name in ("db", "store", "proj-db-1"):
            self.compose("exec", "-T", "web", "ping", "-c", "1", "-W", "2", name)
        self.assertNotEqual(self.compose("exec", "-T", "web", "ping", "-c", "1", "-W", "1", "nobody.dns.podman", check=False).code, 0)

    def test_links(self):
        """Another name for a service, for one service alone, on all networks that both are on; also for one-off containers."""
        def text(more=""):
            return f"""
services:
  web: {{image: busybox, command: {SLEEP}, links: ['db:store', db], external_links: ['outside:far'], networks: [front, back]}}
  other: {{image: busybox, command: {SLEEP}, networks: [front, back]}}
  db: {{image: busybox, command: {SLEEP}, scale: 2, networks: [back]{more}}}
networks: {{front: , back: {{enable_ipv6: true, name: proj_back}}}}
"""
        def found(service, name, verb=("exec", "-T")):
            said = self.compose(*verb, service, "nslookup", name, check=False).stdout
            return sorted(re.findall(r"^Address: *([0-9a-f.:]+)$", said.partition("Name:")[2], re.M))

        def addresses(*names):
            places = [self.inspect(name)["NetworkSettings"]["Networks"]["proj_back"] for name in names]
            return sorted(place[key] for place in places for key in ("IPAddress", "GlobalIPv6Address"))

        def check():
            here = addresses("proj-db-1", "proj-db-2")
            self.assertEqual(len(set(here)), 4)
            self.assertEqual(found("web", "store"), here)
            self.assertEqual(found("web", "db"), here)
            self.assertEqual(found("other", "db"), here)
            self.assertEqual(found("other", "store"), [])

        self.up(text())
        check()
        self.assertEqual(found("web", "store", ("run", "--rm", "-T")), addresses("proj-db-1", "proj-db-2"))
        self.skiff("run", "-d", "--name", "outside", "--network", "proj_back", "busybox", "sleep", "1000")
        self.assertEqual(found("web", "far"), addresses("outside"))
        # The linking container stays; what it is linked to is new.
        before = self.ids()
        self.up(text(", labels: [new=1]"), "--no-deps", "db")
        after = self.ids()
        self.assertEqual(after["proj-web-1"], before["proj-web-1"])
        self.assertNotEqual(after["proj-db-1"], before["proj-db-1"])
        check()
        self.compose("restart", "-t", "0")
        check()
        self.up(text(", labels: [new=1]").replace("db:store", "db:depot"))
        self.assertNotEqual(self.ids()["proj-web-1"], before["proj-web-1"])
        self.assertEqual(self.ids()["proj-db-1"], after["proj-db-1"])
        self.assertEqual(found("web", "store"), [])
        self.assertEqual(found("web", "depot"), addresses("proj-db-1", "proj-db-2"))

    def test_several_networks(self):
        self.up(f"""
services:
  both: {{image: busybox, command: {SLEEP}, cap_add: [NET_RAW], networks: {{one: {{aliases: [mid], priority: 9}}, two: {{ipv4_address: 10.91.7.9, gw_priority: 1}}}}}}
  left: {{image: busybox, command: {SLEEP}, cap_add: [NET_RAW], networks: [one]}}
  right: {{image: busybox, command: {SLEEP}, cap_add: [NET_RAW], networks: [two]}}
networks:
  one: {{internal: true}}
  two:
    enable_ipv6: true
    driver_opts: {{com.docker.network.driver.mtu: 1400}}
    ipam: {{config: [{{subnet: 10.91.7.0/24, gateway: 10.91.7.3}}]}}
""")
        pings = lambda service, name: self.compose("exec", "-T", service, "ping", "-c", "1", "-W", "1", name, check=False).code == 0
        self.assertTrue(pings("left", "both"))
        self.assertTrue(pings("left", "mid"))
        self.assertTrue(pings("right", "both"))
        self.assertTrue(pings("both", "right"))
        self.assertFalse(pings("left", "10.91.7.9"))
        self.assertFalse(pings("right", "mid.dns.podman"))
        networks = self.inspect("proj-both-1")["NetworkSettings"]["Networks"]
        self.assertEqual(sorted(networks), ["proj_one", "proj_two"])
        self.assertEqual(networks["proj_two"]["IPAddress"], "10.91.7.9")
        self.assertIn("default via 10.91.7.3 ", self.compose("exec", "-T", "both", "ip", "route").stdout)
        links = self.compose("exec", "-T", "right", "ip", "addr").stdout
        self.assertIn(" mtu 1400 ", links)
        self.assertRegex(links, "inet6 f[cd].*scope global")

    def test_attributes(self):
        (self.project / "conf").write_text("hello\n")
        (self.project / "e.env").write_text("FROM_FILE=1\nBOTH=file\n")
        self.up("""
services:
  a:
    image: busybox
    entrypoint: [sh, -c]
    command: ["sleep 1000"]
    env_file: e.env
    environment: {BOTH: own, UNSET: }
    hostname: host1
    working_dir: /tmp
    user: "12:34"
    stop_grace_period: 1500ms
    stop_signal: SIGUSR1
    tmpfs: /scratch
    read_only: true
    extra_hosts: ["far=192.0.2.9"]
    ulimits: {nofile: {soft: 100, hard: 200}}
    volumes: ["./made:/made:ro"]
    configs: [c]
    secrets: [{source: s, target: key}]
configs: {c: {file: ./conf}}
secrets: {s: {file: ./conf}}
""")
        run = lambda script: self.compose("exec", "-T", "a", "sh", "-c", script).word
        self.assertEqual(run("hostname; pwd; id -u; id -g; ulimit -n").split(), ["host1", "/tmp", "12", "34", "100"])
        self.assertEqual(run("echo $FROM_FILE $BOTH ${UNSET-unset}"), "1 own unset")
        self.assertEqual(run("cat /c /run/secrets/key"), "hello\nhello")
        self.assertIn("192.0.2.9", run("grep far /etc/hosts"))
        self.assertEqual(run("touch /x 2>/dev/null || echo no"), "no")
        self.assertEqual(run("mount | grep -c /scratch"), "1")
        self.assertTrue((self.project / "made").is_dir())
        inspect = self.inspect("proj-a-1")
        self.assertEqual(inspect["Config"]["StopTimeout"], 2)
        self.assertEqual(self.compose("down", "-t", "0").code, 0)

    def test_a_working_directory_is_made(self):
        """As docker has it, for root; what exec wants has to be there. Red when compose_spec() does not say so."""
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, working_dir: /new/deep, read_only: true, user: '12'}}}}")
        self.assertEqual(self.compose("exec", "-T", "a", "pwd").word, "/new/deep")
        self.assertEqual(self.compose("exec", "-T", "a", "stat", "-c", "%u %a", "/new/deep").word, "0 755")
        self.assertEqual(self.compose("run", "--rm", "-T", "-w", "/other", "a", "pwd").word, "/other")
        self.assertNotEqual(self.compose("exec", "-T", "-w", "/missing", "a", "pwd", check=False).code, 0)

    def test_ports(self):
        port = free_port()
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, ports: ['127.0.0.1:{port}:80']}}}}")
        self.assertEqual(self.compose("port", "a", "80").word, f"127.0.0.1:{port}")
        self.assertIn(f"127.0.0.1:{port}->80/tcp", self.compose("ps").stdout)
        row = self.compose("ps", "--format", "json").json
        self.assertEqual(row["Publishers"], [{"URL": "127.0.0.1", "TargetPort": 80, "PublishedPort": port, "Protocol": "tcp"}])
        self.assertEqual(row["Ports"], f"127.0.0.1:{port}->80/tcp")
        self.assertIn("failed to find published port", self.compose("port", "a", "81", code=125).stderr)
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}}}}}")
        self.assertEqual(self.compose("port", "a").stdout, "")
        self.assertIn("no port 80/udp for container proj-a-1", self.compose("port", "--protocol", "udp", "a", "80", code=125).stderr)

    def test_shared_namespaces(self):
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}}}, b: {{image: busybox, command: {SLEEP}, "
                "network_mode: 'service:a'}}")
        net = lambda name: self.skiff("exec", name, "readlink", "/proc/self/ns/net").word
        self.assertEqual(net("proj-a-1"), net("proj-b-1"))
        # A new parent makes a new child.
        old = self.ids()
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, labels: [x=1]}}, b: {{image: busybox, command: {SLEEP}, "
                "network_mode: 'service:a'}}")
        new = self.ids()
        self.assertNotEqual(old["proj-b-1"], new["proj-b-1"])
        self.assertEqual(net("proj-a-1"), net("proj-b-1"))
        # Also when the parent was made anew alone.
        self.compose("up", "-d", "-t", "0", "--force-recreate", "a")
        self.compose("up", "-d", "-t", "0")
        self.assertEqual(net("proj-a-1"), net("proj-b-1"))

    def test_external(self):
        text = f"""
services: {{a: {{image: busybox, command: {SLEEP}, networks: [n], volumes: ["v:/v"]}}}}
networks: {{n: {{external: true, name: ours}}}}
volumes: {{v: {{external: true, name: vol}}}}
"""
        failed = self.up(text, check=False)
        self.assertIn("network ours declared as external, but could not be found", failed.stderr)
        self.skiff("network", "create", "ours")
        self.assertIn('external volume "vol" not found', self.up(text, check=False).stderr)
        self.skiff("volume", "create", "vol")
        self.up(text)
        self.compose("down", "-v", "-t", "0")
        self.assertIn("vol", self.skiff("volume", "ls", "-q").lines)
        self.assertIn("ours", self.skiff("network", "ls", "--format", "{{.Name}}").lines)

    def test_refused_by_name(self):
        """Nothing is made of a project that cannot be run as it is written."""
        for part, words in (("networks: {x: {link_local_ips: [169.254.8.8]}}", "services.b.networks: a container has one address of each family: link_local_ips is"),
                            ("storage_opt: {size: 1g}", "services.b.storage_opt: it is not supported: layers have no quota"),
                            ("links: ['a:alias'], network_mode: none", "no network of its own to find others on: an alias is not supported"),
                            ("volumes: [{type: bind, source: ., target: /x, bind: {recursive: maybe}}]", "invalid bind.recursive \"maybe\""),
                            ("volumes: [{type: bind, source: ., target: /x, bind: {recursive: writable}}]", "bind.recursive is not supported"),
                            ("volumes: [{type: cluster, source: x, target: /x}]", "services.b.volumes: containers here have no mount of type cluster")):
            with self.subTest(part=part):
                failed = self.up(f"services: {{a: {{image: busybox, command: {SLEEP}}}, b: {{image: busybox, {part}}}}}\n"
                                 "networks: {x: , y: }", check=False)
                self.assertNotEqual(failed.code, 0)
                self.assertIn(words, failed.stderr)
                self.assertRegex(failed.stderr, r"compose\.yaml:1:\d+: ")
                self.assertEqual(self.names(), [])
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, volumes: [{{type: bind, source: ., target: /x, read_only: true, bind: {{recursive: readonly}}}}]}}}}")

    def test_networks_and_volumes_that_cannot_be(self):
        """The last one is refused before the first is made."""
        for part, words in (("driver: macvlan", "networks.z.driver: 'macvlan' is not supported"),
                            ("enable_ipv4: false", "networks.z.enable_ipv4: a network without IPv4 is not supported"),
                            ("driver_opts: {speed: 1}", "networks.z.driver_opts: unsupported bridge network option speed"),
                            ("ipam: {driver: dhcp}", "networks.z.ipam.driver: 'dhcp' is not supported")):
            with self.subTest(part=part):
                failed = self.up("services: {a: {image: busybox, networks: [x, z]}}\n"
                                 f"networks: {{x: , z: {{{part}}}}}", check=False)
                self.assertNotEqual(failed.code, 0)
                self.assertIn(words, failed.stderr)
                self.assertRegex(failed.stderr, r"compose\.yaml:2:\d+: ")
                self.assertEqual(self.skiff("network", "ls", "--format", "{{.Name}}").lines, ["podman"])

    def test_by_name_alone(self):
        """Without files the labels say what there is."""
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, depends_on: [b]}}, b: {{image: busybox, command: {SLEEP}}}}}")
        (self.project / "compose.yaml").unlink()
        self.assertIn("no configuration file provided", self.compose("ps", check=False).stderr)
        self.assertEqual(self.compose("-p", "proj", "ps", "--services").lines, ["a", "b"])
        stopped = self.compose("-p", "proj", "stop", "-t", "0").stderr
        self.assertLess(stopped.index("proj-a-1"), stopped.index("proj-b-1"))
        self.compose("-p", "proj", "start")
        self.assertEqual(self.compose("ls", "--format", "{{.Name}} {{.Status}}").lines, ["proj running(2)"])
        self.compose("-p", "proj", "down", "-t", "0")
        self.assertEqual(self.names(), [])

    def test_the_monitor_cleans_up(self):
        """It becomes a verb of skiff at the end of its container, not of skiff-compose."""
        self.up("services: {a: {image: busybox, command: [sleep, '0.5']}}")
        place = self.runtime / "skiff/containers" / self.ids()["proj-a-1"]
        self.assertTrue(place.exists())
        wait_for(lambda: not place.exists(), message="the clean-up")

    def test_reading_only(self):
        """Neither config nor a mistake makes anything."""
        self.write("services: {a: {image: busybox, environment: [A=1]}}")
        self.compose("config", "-q")
        failed = self.up("services: {a: {image: busybox, comand: x}}", check=False)
        self.assertIn("compose.yaml:1:32: services.a: unknown key 'comand'", failed.stderr)
        self.assertEqual(self.names(), [])
        self.assertEqual(self.skiff("network", "ls", "--format", "{{.Name}}").lines, ["podman"])


class Changes(ComposeTest):
    def test_only_what_changed_is_recreated(self):
        text = f"services: {{a: {{image: busybox, command: {SLEEP}}}, b: {{image: busybox, command: {SLEEP}, labels: [x=%s]}}}}"
        self.up(text % 1)
        old = self.ids()
        self.up(text % 2)
        new = self.ids()
        self.assertEqual(old["proj-a-1"], new["proj-a-1"])
        self.assertNotEqual(old["proj-b-1"], new["proj-b-1"])
        self.compose("up", "-t", "0", "-d", "--force-recreate", "a")
        self.assertNotEqual(self.ids()["proj-a-1"], new["proj-a-1"])
        self.up(text % 3, "--no-recreate")
        self.assertEqual(self.ids()["proj-b-1"], new["proj-b-1"])

    def test_a_stopped_container_is_started(self):
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}}}}}")
        old = self.ids()
        self.compose("stop", "-t", "0")
        self.assertEqual(self.inspect("proj-a-1")["State"]["Status"], "exited")
        self.compose("up", "-d")
        self.assertEqual(self.ids(), old)
        self.assertEqual(self.inspect("proj-a-1")["State"]["Status"], "running")

    def test_scale(self):
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}}}}}", "--scale", "a=3")
        self.assertEqual(self.names(), ["proj-a-1", "proj-a-2", "proj-a-3"])
        old = self.ids()
        self.compose("up", "-t", "0", "-d", "--scale", "a=1")
        self.assertEqual(self.ids(), {"proj-a-1": old["proj-a-1"]})
        self.assertIn("must be SERVICE=NUMBER", self.compose("up", "-d", "--scale", "a", check=False).stderr)
        self.assertIn("no such service: b", self.compose("up", "-d", "--scale", "b=1", check=False).stderr)

    def test_anonymous_volumes_are_kept(self):
        text = f"services: {{a: {{image: busybox, command: {SLEEP}, volumes: [/data], labels: [x=%s]}}}}"
        self.up(text % 1)
        self.compose("exec", "-T", "a", "sh", "-c", "echo kept > /data/file")
        self.up(text % 2)
        self.assertEqual(self.compose("exec", "-T", "a", "cat", "/data/file").word, "kept")
        self.up(text % 3, "-V")
        self.assertNotEqual(self.compose("exec", "-T", "a", "cat", "/data/file", check=False).code, 0)
        self.compose("down", "-v", "-t", "0")

    def test_orphans(self):
        both = f"services: {{a: {{image: busybox, command: {SLEEP}}}, b: {{image: busybox, command: {SLEEP}}}}}"
        self.up(both)
        one = f"services: {{a: {{image: busybox, command: {SLEEP}}}}}"
        self.assertIn("found orphan containers ([proj-b-1])", self.up(one).stderr)
        self.assertEqual(self.names(), ["proj-a-1", "proj-b-1"])
        self.assertNotIn("orphan", self.up(one, env={"COMPOSE_IGNORE_ORPHANS": "1"}).stderr)
        # As docker compose: also where services are named, and by run.
        self.assertIn("found orphan containers ([proj-b-1])", self.up(one, "a").stderr)
        self.assertIn("found orphan containers ([proj-b-1])", self.compose("run", "--name", "proj-once", "-T", "a", "true").stderr)
        self.assertRegex(self.up(one, "a").stderr, r"orphan containers \(\[(proj-b-1 proj-once|proj-once proj-b-1)\]\)")
        self.assertIn("cannot combine COMPOSE_IGNORE_ORPHANS and --remove-orphans",
                      self.up(one, "--remove-orphans", env={"COMPOSE_IGNORE_ORPHANS": "1"}, check=False).stderr)
        self.up(one, "--remove-orphans")
        self.assertEqual(self.names(), ["proj-a-1"])
        self.up(both)
        self.up(one, env={"COMPOSE_REMOVE_ORPHANS": "true"})
        self.assertEqual(self.names(), ["proj-a-1"])
        self.up(both)
        self.write(one)
        self.compose("down", "-t", "0", env={"COMPOSE_REMOVE_ORPHANS": "1"})
        self.assertEqual(self.names(), [])
        # A profile hides its services; it does not make orphans of them.
        self.up(both.replace("b: {", "b: {profiles: [p], "), env={"COMPOSE_PROFILES": "p"})
        self.assertNotIn("orphan", self.compose("up", "-d").stderr)

    def test_a_replacement_that_was_cut_off(self):
        """What a kill between two steps leaves, the next up takes up."""
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}}}}}")
        self.compose("stop", "-t", "0")
        old = self.inspect("proj-a-1")
        labels = [f"--label={key}={value}" for key, value in old["Config"]["Labels"].items()]
        half = f"{old['Id'][:12]}_proj-a-1"
        # The new one is there and the old one, too: the new one was never used.
        self.skiff("create", "--name", half, *labels, f"--label=com.docker.compose.replace={old['Id']}", "busybox", "sleep", "1000")
        self.compose("up", "-d")
        self.assertEqual(self.ids(), {"proj-a-1": old["Id"]})
        # The old one is gone: the new one takes its name.
        self.compose("stop", "-t", "0")
        new = self.skiff("create", "--name", half, "--network", "proj_default", *labels,
                         f"--label=com.docker.compose.replace={old['Id']}", "busybox", "sleep", "1000").word
        self.skiff("rm", old["Id"])
        self.assertIn("Container proj-a-1  Started", self.compose("up", "-d").stderr)
        self.assertEqual(self.ids(), {"proj-a-1": new})


class Conditions(ComposeTest):
    PROBED = f"image: busybox, command: {SLEEP}, healthcheck: {{interval: 100ms, timeout: 5s, retries: 2, test: '%s'}}"

    def test_healthy(self):
        text = ("services: {a: {image: busybox, command: %s, depends_on: {b: {condition: service_healthy}}}, b: {%s}}"
                % (SLEEP, self.PROBED % "test -e /tmp/ready || ! touch /tmp/ready"))
        done = self.up(text)
        self.assertIn("Container proj-b-1  Healthy", done.stderr)
        self.assertEqual(self.inspect("proj-b-1")["State"]["Health"]["Status"], "healthy")
        self.assertEqual(self.inspect("proj-a-1")["State"]["Status"], "running")

    def test_unhealthy(self):
        text = ("services: {a: {image: busybox, command: %s, depends_on: {b: {condition: service_healthy%s}}}, b: {%s}}"
                % (SLEEP, "%s", self.PROBED % "false"))
        failed = self.up(text % "", check=False)
        self.assertIn("dependency failed to start: container proj-b-1 is unhealthy", failed.stderr)
        self.assertEqual(self.inspect("proj-a-1")["State"]["Status"], "created")
        done = self.up(text % ", required: false")
        self.assertIn("container proj-b-1 is unhealthy", done.stderr)
        self.assertEqual(self.inspect("proj-a-1")["State"]["Status"], "running")

    def test_no_probe(self):
        failed = self.up(f"services: {{a: {{image: busybox, depends_on: {{b: {{condition: service_healthy}}}}}}, "
                         f"b: {{image: busybox, command: {SLEEP}}}}}", check=False)
        self.assertIn("container proj-b-1 has no healthcheck configured", failed.stderr)

    def test_completed(self):
        text = (f"services: {{a: {{image: busybox, command: {SLEEP}, depends_on: {{b: {{condition: service_completed_successfully}}}}}}, "
                "b: {image: busybox, command: [sh, -c, 'sleep 0.3; exit %d']}}")
        self.up(text % 0)
        self.assertEqual(self.inspect("proj-b-1")["State"]["Status"], "exited")
        self.assertEqual(self.inspect("proj-a-1")["State"]["Status"], "running")
        self.compose("down", "-t", "0")
        failed = self.up(text % 3, check=False)
        self.assertIn("container proj-b-1 didn't complete successfully: exit 3", failed.stderr)
        self.assertEqual(self.inspect("proj-a-1")["State"]["Status"], "created")

    def test_wait(self):
        self.write("services: {b: {%s}}" % (self.PROBED % "test -e /tmp/ready || ! touch /tmp/ready"))
        self.compose("up", "-t", "0", "--wait")
        self.assertEqual(self.inspect("proj-b-1")["State"]["Health"]["Status"], "healthy")
        self.write("services: {b: {%s}}" % (self.PROBED % "false"))
        self.assertNotEqual(self.compose("up", "-t", "0", "--wait", check=False).code, 0)

    def test_wait_with_what_ends(self):
        """A service whose end others wait for is there when it has ended."""
        self.write(f"""services:
  a: {{image: busybox, command: {SLEEP}, depends_on: {{once: {{condition: service_completed_successfully}}}}}}
  once: {{image: busybox, command: ["true"]}}
""")
        self.compose("up", "-t", "0", "--wait")
        self.compose("stop", "-t", "0")
        self.compose("start", "--wait", "a")
        self.assertEqual(self.inspect("proj-a-1")["State"]["Status"], "running")


class Troubles(ComposeTest):
    """What goes wrong half way."""

    NEVER = f"image: busybox, init: true, command: {SLEEP}, healthcheck: {{interval: 100ms, timeout: 5s, retries: 10000, test: 'false'}}"

    def test_missing_image(self):
        """Nothing is made before all images are there."""
        failed = self.up(f"services: {{a: {{image: busybox, command: {SLEEP}}}, b: {{image: 'localhost/nowhere:none'}}}}", check=False)
        self.assertNotEqual(failed.code, 0)
        self.assertIn("localhost/nowhere:none", failed.stderr)
        self.assertEqual(self.names(), [])
        self.assertEqual(self.skiff("network", "ls", "--format", "{{.Name}}").lines, ["podman"])

    def test_never_healthy(self):
        self.write("services: {b: {%s}, c: {image: busybox, command: %s}}" % (self.NEVER, SLEEP))
        failed = self.compose("up", "-t", "0", "--wait", "--wait-timeout", "1", code=1)
        self.assertIn("timeout waiting for container proj-b-1", failed.stderr)
        self.assertEqual({self.inspect(name)["State"]["Status"] for name in self.names()}, {"running"})

    def test_interrupted(self):
        """The next up goes on where the first was told to end."""
        text = f"services: {{a: {{image: busybox, command: {SLEEP}, depends_on: {{b: {{condition: service_healthy}}}}}}, b: {{%s}}}}"
        for signum in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signum=signum):
                self.write(text % self.NEVER)
                process = self.start("compose", "up", "-d", cwd=self.project, text=True)
                for line in process.stderr:
                    if "Waiting" in line:
                        break
                process.send_signal(signum)
                process.communicate(timeout=60 * SLOWNESS)
                self.assertIn(process.returncode, (-signum, 130))
                self.assertEqual({name: self.inspect(name)["State"]["Status"] for name in self.names()},
                                 {"proj-a-1": "created", "proj-b-1": "running"})
                self.up(text % self.NEVER.replace("'false'", "'true'"))
                self.assertEqual({self.inspect(name)["State"]["Status"] for name in self.names()}, {"running"})
                self.compose("down", "-t", "0")
                self.assertEqual(self.names(), [])

    def test_a_start_that_fails(self):
        """Those that had begun beside it run; it says why it does not, and nothing else is left of it."""
        self.write("services: {a: {image: busybox, command: %s}, b: {image: busybox, command: /no/such/program}, c: {image: busybox, command: %s}}"
                   % (SLEEP, SLEEP))
        failed = self.compose("up", "-d", check=False)
        self.assertIn("container proj-b-1: ", failed.stderr)
        self.assertIn("/no/such/program", failed.stderr)
        states = {name: self.inspect(name)["State"]["Status"] for name in self.names()}
        self.assertEqual((states["proj-a-1"], states["proj-b-1"]), ("running", "created"))
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}}}, b: {{image: busybox, command: {SLEEP}}}, c: {{image: busybox, command: {SLEEP}}}}}")
        self.assertEqual({self.inspect(name)["State"]["Status"] for name in self.names()}, {"running"})

    def test_many(self):
        """More than start at once, with scales, chains and a shared namespace between them."""
        services = "".join(f"  s{n}: {{image: busybox, command: {SLEEP}, depends_on: {[f's{n - 1}'] if n % 4 else []}}}\n" for n in range(12))
        self.up(f"services:\n{services}  net: {{image: busybox, command: {SLEEP}}}\n  side: {{image: busybox, command: {SLEEP}, network_mode: 'service:net'}}\n"
                f"  five: {{image: busybox, command: {SLEEP}, scale: 5}}\n")
        self.assertEqual(len(self.names()), 19)
        starts = {name: self.inspect(name)["State"] for name in self.names()}
        self.assertEqual({state["Status"] for state in starts.values()}, {"running"})
        for n in range(12):
            if n % 4:
                first, second = (starts[f"proj-s{i}-1"]["StartedAt"].rstrip("Z") for i in (n - 1, n))
                self.assertLess(first, second)
        self.compose("restart", "-t", "0")
        self.compose("up", "-d", "-t", "0", "--force-recreate", "--scale", "five=2")
        self.assertEqual(len(self.names()), 16)
        self.assertEqual({self.inspect(name)["State"]["Status"] for name in self.names()}, {"running"})


class Sizes(ComposeTest):
    """What is small as files and large once it is put together is refused before it takes that memory."""

    def refused(self, text, says, env=""):
        self.write(env, ".env")
        self.write(text)
        with self.subTest(says=says):
            done = self.compose("config", "-q", code=125)
            self.assertIn(says, done.stderr)

    def test_sizes(self):
        labels = "services: {a: {image: x, labels: {" + ", ".join(f"l{n}: '${{A}}'" for n in range(3000)) + "}}}\n"
        self.refused(labels, "the values are too long together", f"A={'x' * 1_000_000}\n")
        self.refused(labels, "line 5: the values are larger than 4 MiB together", f"A={'x' * 1_000_000}\n" + "A=$A\n" * 2000)
        extends = "".join(f"  s{n}: {{extends: {{service: a}}}}\n" for n in range(2000))
        self.refused(f"services:\n  a: {{image: x, labels: {{l: {'x' * 1_000_000}}}}}\n{extends}", "take more than 256 MiB of memory")
        (self.project / "b.yaml").write_text(f"x-a: {'x' * 3_000_000}\n")
        self.refused("include: [" + ", ".join(["b.yaml"] * 2000) + "]\nservices: {a: {image: x}}\n", "take more than 256 MiB of memory")


class Attached(ComposeTest):
    def test_until_all_have_ended(self):
        self.write("services: {a: {image: busybox, command: [sh, -c, 'echo one; echo two >&2']}, "
                   "longer: {image: busybox, command: [echo, three]}}")
        done = self.compose("up")
        self.assertEqual(sorted(done.lines), ["a-1       | one", "a-1 exited with code 0", "longer-1  | three", "longer-1 exited with code 0"])
        self.assertIn("a-1       | two", done.stderr)
        self.assertIn("Attaching to a-1, longer-1\n", done.stderr)
        self.assertEqual(self.compose("logs", "--no-log-prefix", "longer").stdout, "three\n")
        self.assertEqual(self.compose("logs", "-n", "0").stdout, "")

    def test_the_end_is_told_behind_the_last_words(self):
        """Red when look_around() does not ask is_being_printed()."""
        self.write("services: {a: {image: busybox, command: [sh, -c, 'seq 30000']}, b: {image: busybox, command: [seq, '30000']}}")
        lines = self.compose("up").lines
        for name in ("a-1", "b-1"):
            self.assertEqual([line for line in lines if line.startswith(name)][-2:], [f"{name}  | 30000", f"{name} exited with code 0"])

    def test_a_log_that_cannot_be_read(self):
        """Is no reason to be silent about others, or to wait for it. Red when its reader's error is all readers'."""
        self.write("services: {a: {image: busybox, command: [echo, gone], logging: {driver: none}}, "
                   "b: {image: busybox, command: [sh, -c, 'sleep 0.5; echo there']}}")
        done = self.compose("up")
        self.assertEqual(sorted(done.lines), ["a-1 exited with code 0", "b-1  | there", "b-1 exited with code 0"])
        self.assertIn("Warning: a-1: its log driver keeps no logs\n", done.stderr)
        self.assertEqual(self.compose("logs").lines, ["b-1  | there"])

    def test_restarts_are_told(self):
        """Each run ends when the end of the one before is told. Red without note_restart()."""
        go = self.project / "go"
        go.mkdir()
        self.write("services: {a: {image: busybox, restart: 'on-failure:2', volumes: ['./go:/go'], "
                   "command: [sh, -c, 'n=$$(cat /n 2>/dev/null); echo run $$((n)); echo $$((n + 1)) >/n; until [ -e /go/$$((n)) ]; do sleep 0.1; done; exit 3']}}")
        process = self.start_up()
        self.addCleanup(process.kill)
        for n, end in enumerate((" (restarting)", " (restarting)", "")):
            (go / str(n)).touch()
            for line in process.stdout:
                if "exited" in line:
                    break
            self.assertEqual(line, f"a-1 exited with code 3{end}\n")
        process.communicate(timeout=60 * SLOWNESS)
        self.assertEqual(self.compose("logs", "--no-log-prefix").lines, ["run 0", "run 1", "run 2"])

    def test_exit_code_from(self):
        self.write(f"services: {{a: {{image: busybox, command: [sh, -c, 'sleep 0.3; exit 7']}}, b: {{image: busybox, init: true, command: {SLEEP}}}}}")
        self.compose("up", "--exit-code-from", "a", "-t", "1", code=7)
        self.assertEqual(self.inspect("proj-b-1")["State"]["Status"], "exited")
        self.assertEqual(self.compose("up", "--abort-on-container-exit", "-t", "1", check=False).code, 7)

    def test_silent_ones_count(self):
        """Whose lines are not printed ends all, too, and is waited for where all are silent."""
        self.write(f"services: {{a: {{image: busybox, command: [sh, -c, 'echo quiet; exit 7'], attach: false}}, b: {{image: busybox, stop_signal: KILL, command: {SLEEP}}}}}")
        done = self.compose("up", "--exit-code-from", "a", code=7)
        self.assertNotIn("quiet", done.stdout)
        self.assertEqual(self.inspect("proj-b-1")["State"]["Status"], "exited")
        self.assertEqual(self.compose("up", "--attach", "b", "--abort-on-container-exit", check=False).code, 7)
        self.compose("up", "-d", "b")
        done = self.compose("up", "a")
        self.assertIn("a-1 exited with code 7\n", done.stdout)
        self.assertNotIn("quiet", done.stdout)

    def test_what_is_started_meanwhile_is_followed(self):
        self.write("services: {a: {image: busybox, stop_signal: KILL, command: [sh, -c, 'echo mine; exec sleep 1000']}}")
        process = self.start_up()
        self.addCleanup(process.kill)
        self.compose("up", "-d", "--scale", "a=2")
        for line in process.stdout:
            if line == "a-2  | mine\n":
                break
        self.compose("stop", "a")
        out, _ = process.communicate(timeout=60 * SLOWNESS)
        self.assertIn("a-2 exited with code 137\n", out)

    def test_a_signal_leaves_others_alone(self):
        one = f"image: busybox, command: {SLEEP}, stop_signal: KILL"
        self.up(f"services: {{a: {{{one}}}, b: {{{one}}}}}", "b")
        process = self.start_up("a")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60 * SLOWNESS)
        self.assertEqual(process.returncode, 130)
        self.assertEqual([self.inspect(name)["State"]["Status"] for name in self.names()], ["exited", "running"])

    def start_up(self, *services):
        """`compose up` that has attached: from then on it takes care of signals."""
        process = self.start("compose", "up", *services, cwd=self.project, text=True)
        for line in process.stderr:
            if line.startswith("Attaching to"):
                break
        return process

    def test_a_signal_stops_all(self):
        self.write("services: {a: {image: busybox, command: [sh, -c, \"trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done\"]}}")
        for signum in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signum=signum):
                process = self.start_up()
                wait_for(lambda: "up" in self.compose("logs", "--no-log-prefix", check=False).stdout, message="the start")
                process.send_signal(signum)
                out, err = process.communicate(timeout=20 * SLOWNESS)
                self.assertEqual(process.returncode, 130)
                self.assertIn("Gracefully stopping...", err)
                self.assertIn("a-1  | bye", out)
                self.assertEqual(self.inspect("proj-a-1")["State"]["Status"], "exited")
                self.compose("down", "-t", "0")

    def test_a_second_signal_kills(self):
        self.write("services: {a: {image: busybox, command: [sh, -c, \"trap '' TERM; echo up; while :; do sleep 0.05; done\"]}}")
        process = self.start_up()
        wait_for(lambda: "up" in self.compose("logs", "--no-log-prefix", check=False).stdout, message="the start")
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20 * SLOWNESS)
        self.assertLess(time.monotonic() - begin, 5 * SLOWNESS)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.inspect("proj-a-1")["State"]["ExitCode"], 137)


class Verbs(ComposeTest):
    def test_ps(self):
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}}}, b: {{image: busybox, command: [sh, -c, 'exit 3']}}}}")
        wait_for(lambda: self.inspect("proj-b-1")["State"]["Status"] == "exited", message="the end of b")
        self.assertEqual(self.compose("ps", "--format", "{{.Name}}").lines, ["proj-a-1"])
        self.assertEqual(self.compose("ps", "-a", "--format", "{{.Name}} {{.State}} {{.ExitCode}}").lines,
                         ["proj-a-1 running 0", "proj-b-1 exited 3"])
        self.assertEqual(self.compose("ps", "--status", "exited", "--services").lines, ["b"])
        header = self.compose("ps").lines[0].split()
        self.assertEqual(header, ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"])
        rows = [json.loads(line) for line in self.compose("ps", "-a", "--format", "json").lines]
        self.assertEqual([(row["Service"], row["State"], row["ExitCode"]) for row in rows], [("a", "running", 0), ("b", "exited", 3)])
        self.assertEqual(list(rows[0]), ["Command", "CreatedAt", "ExitCode", "Health", "ID", "Image", "Labels", "LocalVolumes", "Mounts", "Name",
                                         "Names", "Networks", "Ports", "Project", "Publishers", "RunningFor", "Service", "Size", "State", "Status"])
        self.assertIn("com.docker.compose.service=a", rows[0]["Labels"].split(","))
        self.assertRegex(rows[0]["CreatedAt"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [-+]\d{4} \w+$")
        self.assertEqual(self.compose("ps", "-q").word, self.ids()["proj-a-1"])

    def test_life(self):
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}}}, b: {{image: busybox, command: {SLEEP}}}}}")
        started = self.inspect("proj-a-1")["State"]["StartedAt"]
        self.compose("restart", "-t", "0", "a")
        self.assertNotEqual(self.inspect("proj-a-1")["State"]["StartedAt"], started)
        self.compose("kill", "-s", "KILL", "a")
        wait_for(lambda: self.inspect("proj-a-1")["State"]["Status"] == "exited", message="the end of a")
        self.assertEqual(self.inspect("proj-a-1")["State"]["ExitCode"], 137)
        self.compose("rm", "-f")
        self.assertEqual(self.names(), ["proj-b-1"])
        self.compose("stop", "-t", "0")
        self.compose("rm", "-f", "-s")
        self.assertEqual(self.names(), [])
        self.assertIn("no such service: nope", self.compose("stop", "nope", check=False).stderr)

    def test_create_leaves_what_runs(self):
        """A network of other words is made anew; what was on it and is not recreated runs on. Red when create starts nothing again."""
        text = f"services: {{a: {{image: busybox, command: {SLEEP}}}, b: {{image: busybox, command: {SLEEP}, labels: [x=%s]}}}}\n" \
               "networks: {default: {labels: {v: '%s'}}}\n"
        self.up(text % (1, 1))
        old = self.ids()
        self.write(text % (2, 2))
        self.assertIn("Network proj_default  Recreated", self.compose("create").stderr)
        self.assertEqual(self.inspect("proj-a-1")["Id"], old["proj-a-1"])
        self.assertEqual({name: self.inspect(name)["State"]["Status"] for name in self.names()}, {"proj-a-1": "running", "proj-b-1": "created"})

    def test_create_and_start(self):
        self.write(f"services: {{a: {{image: busybox, command: {SLEEP}}}}}")
        self.compose("create")
        self.assertEqual(self.inspect("proj-a-1")["State"]["Status"], "created")
        self.compose("start")
        self.assertEqual(self.inspect("proj-a-1")["State"]["Status"], "running")

    def test_exec(self):
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}}}}}")
        self.assertEqual(self.compose("exec", "-T", "-e", "X=1", "-w", "/tmp", "a", "sh", "-c", "echo $X $PWD; exit 5", check=False).code, 5)
        self.assertEqual(self.compose("exec", "-T", "-e", "X=1", "-w", "/tmp", "a", "sh", "-c", "echo $X $PWD").word, "1 /tmp")
        self.assertIn('service "b" is not running', self.compose("exec", "-T", "b", "true", check=False).stderr)

    def test_run(self):
        self.write(f"""
services:
  a: {{image: busybox, command: {SLEEP}, restart: always, depends_on: [b], environment: {{X: 1, Y: 2}}, ports: ["127.0.0.1::80"], labels: [mine=1]}}
  b: {{image: busybox, command: {SLEEP}}}
""")
        done = self.compose("run", "--rm", "-e", "Y=3", "-w", "/tmp", "a", "sh", "-c", "echo $X $Y $PWD; exit 4", code=4)
        self.assertEqual(done.stdout, "1 3 /tmp\n")
        self.assertEqual(self.names(), ["proj-b-1"])
        name = self.compose("run", "-d", "a").word
        self.assertRegex(name, r"^proj-a-run-[0-9a-f]{12}$")
        labels = self.inspect(name)["Config"]["Labels"]
        self.assertEqual(labels["com.docker.compose.oneoff"], "True")
        self.assertNotIn("com.docker.compose.container-number", labels)
        self.assertEqual(self.inspect(name)["HostConfig"]["RestartPolicy"]["Name"], "no")
        self.assertFalse(self.inspect(name)["HostConfig"]["PortBindings"])
        self.assertEqual(self.compose("run", "--rm", "--no-deps", "-T", "a", "cat", input="typed").stdout, "typed")
        # It is nobody's replica, but goes with the project.
        self.compose("up", "-d", "-t", "0")
        self.assertEqual(self.names(), ["proj-a-1", name, "proj-b-1"])
        self.compose("down", "-t", "0")
        self.assertEqual(self.names(), [])

    def test_build(self):
        (self.project / "Dockerfile").write_text("FROM busybox AS base\nARG WHO=nobody\nENV WHO=$WHO\nFROM base AS other\nENV WHO=other\n")
        self.write(f"""
services:
  a: {{build: {{context: ., target: base, args: {{WHO: arg}}, labels: [l=1]}}, command: {SLEEP}}}
  b: {{build: {{dockerfile_inline: "FROM busybox\\nENV WHO=inline"}}, image: localhost/named, command: {SLEEP}}}
""")
        self.compose("up", "-d")
        who = lambda service: self.compose("exec", "-T", service, "sh", "-c", "echo $WHO").word
        self.assertEqual((who("a"), who("b")), ("arg", "inline"))
        names = self.skiff("images", "--format", "{{.Repository}}").lines
        self.assertIn("localhost/proj-a", names)
        self.assertIn("localhost/named", names)
        old = self.ids()
        self.compose("up", "-d")
        self.assertEqual(self.ids(), old)
        # Another image is another container.
        self.compose("build", "--build-arg", "WHO=late", "a")
        self.compose("up", "-d", "-t", "0")
        self.assertEqual(who("a"), "late")
        self.assertEqual(self.ids()["proj-b-1"], old["proj-b-1"])
        self.compose("down", "-t", "0")
        self.skiff("rmi", "-f", "proj-a", "localhost/named")
        self.assertNotEqual(self.compose("up", "-d", "--no-build", check=False).code, 0)
        self.assertEqual(self.names(), [])
        self.assertEqual(self.skiff("network", "ls", "--format", "{{.Name}}").lines, ["podman"])
        (self.project / "Dockerfile").write_text("FROM busybox AS base\nRUN exit 9\n")
        self.assertNotEqual(self.compose("build", "a", check=False).code, 0)

    def test_depends_order(self):
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, depends_on: [b]}}, b: {{image: busybox, command: {SLEEP}, "
                f"depends_on: [c]}}, c: {{image: busybox, command: {SLEEP}}}}}")
        starts = [self.inspect(f"proj-{name}-1")["State"]["StartedAt"] for name in "cba"]
        self.assertEqual(starts, sorted(starts))
        gone = self.compose("down", "-t", "0").stderr
        self.assertLess(gone.index("proj-a-1"), gone.index("proj-b-1"))
        self.assertLess(gone.index("proj-b-1"), gone.index("proj-c-1"))
