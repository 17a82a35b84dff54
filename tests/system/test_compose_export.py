# SPDX-License-Identifier: Apache-2.0
"""skiff compose systemd, kube, swarm, graph: a stack in the words of something else, judged by that."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from tests.support import oracles
from tests.support.images import Unavailable
from tests.support.skiff import SLOWNESS, SkiffTest, prefix

STACK = """
name: shop
services:
  web:
    image: registry.example/web:1
    entrypoint: [/bin/sh, -c]
    command: ['echo "$$HOME" 100%; exec sleep 9']
    env_file: [web.env]
    environment: {QUOTED: 'a "b" $$c', RATE: 50%, LINES: "one\\ntwo", UNSET: }
    depends_on:
      db: {condition: service_healthy}
      init: {condition: service_completed_successfully}
      cache: {condition: service_started, required: false}
    ports: ["8080:80", "127.0.0.1:9000:9000/udp", "5000"]
    expose: ["7000"]
    secrets: [token, {source: stored, target: other, mode: 0400}]
    configs: [motd, {source: inline, target: /etc/inline}]
    volumes: ["data:/data:ro", "./site:/site", "./web.conf:/etc/web.conf:ro", /anonymous]
    healthcheck: {test: [CMD, wget, -q, "http://localhost/"], interval: 5s, timeout: 3s, retries: 4, start_period: 1m}
    labels: {team: "a b", com.example.x: y}
    restart: on-failure:3
    scale: 2
    user: "12:34"
    cap_drop: [ALL]
    cap_add: [NET_BIND_SERVICE]
    read_only: true
    tmpfs: ["/run:size=1m"]
    sysctls: {net.core.somaxconn: 512}
    ulimits: {nofile: {soft: 100, hard: 200}}
    extra_hosts: ["far=192.0.2.9"]
    dns: [192.0.2.53]
    stop_grace_period: 1m30s
    networks: {front: , back: {aliases: [www, "under_score"], ipv4_address: 10.91.8.9}}
    develop: {watch: [{path: ., action: rebuild}]}
  db:
    image: postgres
    healthcheck: {test: pg_isready -U x, disable: false}
    networks: [back]
    volumes: ["data:/var/lib/data"]
    deploy: {resources: {limits: {cpus: '0.5', memory: 1g, pids: 100}, reservations: {memory: 64m}}, restart_policy: {condition: any, delay: 7s}}
    shm_size: 128m
  init:
    build: {context: ./ctx, args: {A: "b c"}, target: final, dockerfile_inline: "FROM busybox AS final\\nRUN true\\n"}
    command: [sh, -c, "exit 0"]
    networks: [back]
  cache:
    image: redis
    network_mode: "service:db"
    restart: always
    logging: {driver: k8s-file, options: {max-size: 1m}}
networks:
  front: {labels: {a: b}}
  back: {internal: true, ipam: {config: [{subnet: 10.91.8.0/24, gateway: 10.91.8.1}]}}
volumes: {data: {labels: {keep: "yes"}}}
secrets: {token: {file: ./token}, stored: {environment: SKIFF_TEST_TOKEN}}
configs: {motd: {file: ./motd}, inline: {content: "rate is 5%\\n"}}
"""


class ExportTest(SkiffTest):
    """A project, and a directory for what is made of it."""

    def setUp(self):
        super().setUp()
        self.project, self.out = self.tmp / "proj", self.tmp / "out"
        for directory in (self.project, self.out):
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
        for name, text in (("web.env", "FROM_FILE='x y'\nRATE=1\n"), ("token", "secret\n"), ("motd", "hello\n"), ("web.conf", "a = 1\n")):
            (self.project / name).write_text(text, encoding="ascii")
        (self.project / "ctx").mkdir()

    def export(self, *words, text=STACK, **options):
        """Run a verb on a project."""
        (self.project / "compose.yaml").write_text(text, encoding="utf-8")
        options.setdefault("env", {"SKIFF_TEST_TOKEN": "from a variable"})
        return self.skiff("compose", *words, cwd=self.project, **options)

    def notes(self, done):
        """The list of what does not carry over."""
        lines = [line for line in done.stderr.splitlines() if line and not line.startswith("Warning: ")]
        if lines:
            self.assertRegex(lines[0], r"^Not carried over to \w+:$")
        return [line.strip() for line in lines[1:]]


class Dry(ExportTest):
    def test_nothing_is_written(self):
        """Red when a verb writes without asking whether it may."""
        for verb, target in (("systemd", self.out / "units"), ("kube", self.out / "file"), ("swarm", self.out / "file"), ("config", self.out / "file")):
            with self.subTest(verb):
                done = self.export("--dry-run", verb, "-o", target)
                self.assertEqual(list(self.out.iterdir()), [])
                self.assertIn(f"DRY-RUN MODE -  File {target}", done.stderr)
                self.assertEqual(done.stdout, "")


class Systemd(ExportTest):
    """compose systemd."""

    def units(self, text=STACK):
        """{name: text} of the files, and the notes."""
        for path in self.out.iterdir():
            if not path.is_symlink():
                path.unlink()
        done = self.export("systemd", "-o", self.out, text=text)
        self.assertEqual(sorted(done.lines), sorted(str(path) for path in self.out.iterdir()))
        return {path.name: path.read_text() for path in self.out.iterdir()}, self.notes(done)

    def lint(self):
        """By skiff, with no warning."""
        self.skiff("quadlet", "lint", "--strict", *(path for path in self.out.iterdir() if path.suffix in (".container", ".network", ".volume", ".build")))

    def services(self, program):
        """{name: text} of what a generator makes of the files."""
        done = subprocess.run(["timeout", "20", str(program), "-dryrun", "-user", "-no-kmsg-log"], capture_output=True, text=True, check=False,
                              env=self.environment(QUADLET_UNIT_DIRS=str(self.out)), timeout=20 * SLOWNESS)
        self.assertEqual(done.returncode, 0, done.stderr)
        parts = re.split(r"^---(.*)---$", done.stdout, flags=re.M)
        return dict(zip(parts[1::2], parts[2::2]))

    def test_files(self):
        units, _ = self.units()
        self.assertEqual(sorted(units), ["shop-back.network", "shop-cache.container", "shop-data.volume", "shop-db.container", "shop-front.network",
                                         "shop-init.Dockerfile", "shop-init.build", "shop-init.container", "shop-inline.config", "shop-web-1.container",
                                         "shop-web-2.container", "shop-web.env"])
        self.assertEqual(units["shop-web.env"], 'FROM_FILE=x y\nRATE=50%\nQUOTED=a "b" $c\n')
        self.assertEqual((self.out / "shop-web.env").stat().st_mode & 0o777, 0o600)
        self.assertEqual(units["shop-inline.config"], "rate is 5%\n")
        self.assertEqual(units["shop-init.Dockerfile"], "FROM busybox AS final\nRUN true\n")
        self.assertEqual(units["shop-back.network"], "[Network]\nNetworkName=shop_back\nInternal=true\nSubnet=10.91.8.0/24\nGateway=10.91.8.1\n")
        self.assertEqual(units["shop-data.volume"], "[Volume]\nVolumeName=shop_data\nLabel=keep=yes\n")
        self.assertEqual(units["shop-init.build"],
                         f"[Build]\nImageTag=localhost/shop-init\nSetWorkingDirectory={self.project}/ctx\nFile={self.out}/shop-init.Dockerfile\n"
                         'Target=final\nPodmanArgs="--build-arg=A=b c"\n')

    def test_the_container(self):
        unit = self.units()[0]["shop-web-1.container"]
        for line in ("Requires=shop-db.service", "After=shop-db.service", "Requires=shop-init.service", "Wants=shop-cache.service",
                     "StartLimitIntervalSec=infinity", "StartLimitBurst=3", "ContainerName=shop-web-1", "Image=registry.example/web:1",
                     'Entrypoint=["/bin/sh","-c"]', 'Exec="echo \\"$$HOME\\" 100%%; exec sleep 9"', "EnvironmentFile=shop-web.env",
                     'Environment="LINES=one\\ntwo"', "PodmanArgs=--unsetenv=UNSET", "PublishPort=8080:80/tcp", "PublishPort=127.0.0.1:9000:9000/udp",
                     "PublishPort=5000/tcp", "PodmanArgs=--expose=7000", f"Volume={self.project}/token:/run/secrets/token:ro",
                     "Secret=shop_stored,target=other,mode=0400", f"Volume={self.project}/motd:/motd:ro",
                     "Volume=./shop-inline.config:/etc/inline:ro", "Volume=shop-data.volume:/data:ro", f"Volume={self.project}/site:/site",
                     'HealthCmd=["CMD","wget","-q","http://localhost/"]', "HealthInterval=5s", "HealthRetries=4", "Notify=healthy", 'Label="team=a b"',
                     "User=12:34", "DropCapability=ALL", "AddCapability=NET_BIND_SERVICE", "ReadOnly=true", "Tmpfs=/run:size=1m",
                     "PodmanArgs=--sysctl=net.core.somaxconn=512", "Ulimit=nofile=100:200", "AddHost=far:192.0.2.9", "DNS=192.0.2.53", "StopTimeout=90",
                     "Network=shop-front.network:alias=web", "Network=shop-back.network:alias=web,alias=www,alias=under_score,ip=10.91.8.9",
                     "TimeoutStartSec=122", "TimeoutStopSec=110", "Restart=on-failure", "WantedBy=default.target"):
            self.assertIn(f"\n{line}\n", unit)
        units, _ = self.units()
        self.assertIn("\nType=oneshot\nRemainAfterExit=yes\n", units["shop-init.container"])
        self.assertIn("\nImage=shop-init.build\n", units["shop-init.container"])
        self.assertIn("\nNetwork=shop-db.container\n", units["shop-cache.container"])
        self.assertIn("\nRestart=always\nRestartSec=7\n", units["shop-db.container"])
        for line in ("PodmanArgs=--cpus=0.5", "PodmanArgs=--memory=1073741824", "PidsLimit=100", "HealthCmd=pg_isready -U x"):
            self.assertIn(f"\n{line}\n", units["shop-db.container"])

    def test_what_does_not_carry_over(self):
        notes = self.units()[1]
        self.assertEqual(sorted(notes), [
            "secrets.stored: make it first: skiff secret create --env shop_stored SKIFF_TEST_TOKEN",
            "services.web.develop: there is no word for it",
            "services.web.ports: only the first of several containers gets a fixed port",
            f"services.web.volumes: '{self.project}/site' must be there first",
            "services.web.volumes: an anonymous volume goes with its container at each stop",
        ])
        self.assertEqual(self.units(text="services: {a: {image: x}}")[1], [])

    def test_lint_and_generator(self):
        (self.project / "site").mkdir()
        self.units()
        self.lint()
        services = self.services(prefix() / "libexec/skiff/skiff-quadlet")
        self.assertEqual(sorted(services), ["shop-back-network.service", "shop-cache.service", "shop-data-volume.service", "shop-db.service",
                                            "shop-front-network.service", "shop-init-build.service", "shop-init.service", "shop-web-1.service",
                                            "shop-web-2.service"])
        web = services["shop-web-1.service"]
        self.assertIn('"echo \\"$$HOME\\" 100%%; exec sleep 9"', web)
        self.assertIn("--network shop_back:alias=web,alias=www", web)
        self.assertIn(f"--env-file {self.out}/shop-web.env", web)

    def test_podmans_generator(self):
        try:
            oracle = oracles.quadlet()
        except (Unavailable, RuntimeError) as error:
            self.skipTest(f"podman's generator cannot be had: {error}")
        self.units()
        theirs, ours = self.services(oracle), self.services(prefix() / "libexec/skiff/skiff-quadlet")
        self.assertEqual(sorted(theirs), sorted(ours))

    def test_printed(self):
        done = self.export("systemd", "cache", text="name: p\nservices: {cache: {image: x}, other: {image: y}}")
        self.assertEqual(done.stdout, "# p-default.network\n[Network]\nNetworkName=p_default\n\n# p-cache.container\n[Unit]\n"
                         "Description=Service cache of p\n\n[Container]\nContainerName=p-cache-1\nImage=x\nNetwork=p-default.network:alias=cache\n\n"
                         "[Install]\nWantedBy=default.target\n")
        self.assertEqual(list(self.out.iterdir()), [])

    def test_no_value_begins_a_line(self):
        """What would be another key or section of the unit is left out, and said."""
        evil = "\\n[Service]\\nExecStartPre=/bin/evil"
        units, notes = self.units(text=f"""
name: p
services:
  a:
    image: x
    restart: "on-failure:3{evil}"
    environment: {{KEY: "one{evil}"}}
    volumes: [{{type: bind, source: "/x{evil}", target: /y}}, "v:/v"]
volumes: {{v: {{driver: "local{evil}"}}}}
""")
        for name in ("p-a.container", "p-v.volume"):
            self.assertNotRegex(units[name], r"(?m)^(ExecStartPre=|.*\\$)", name)
        for path, key in (("services.a", "Volume"), ("volumes.v", "Driver")):
            self.assertTrue(any(note.startswith(f"{path}: {key}= cannot hold") for note in notes), notes)
        self.assertEqual((self.out / "p-a.container").stat().st_mode & 0o777, 0o600)

    def test_no_file_without_a_variable_for_it(self):
        units, _ = self.units(text="name: p\nservices: {a: {image: x, scale: 2, environment: {GONE: , LONG: \"1\\n2\"}}}")
        self.assertEqual(sorted(units), ["p-a-1.container", "p-a-2.container", "p-default.network"])
        for name in ("p-a-1.container", "p-a-2.container"):
            self.assertNotIn("EnvironmentFile", units[name])

    def test_a_link_is_not_followed(self):
        victim = self.tmp / "victim"
        victim.write_text("mine\n")
        (self.out / "p-a.container").symlink_to(victim)
        self.units(text="name: p\nservices: {a: {image: x}}")
        self.assertEqual(victim.read_text(), "mine\n")
        self.assertFalse((self.out / "p-a.container").is_symlink())


class Kube(ExportTest):
    """compose kube."""

    def objects(self, text=STACK, **options):
        """{Kind/name: object}, and the notes."""
        done = self.export("kube", "--format", "json", text=text, **options)
        items = json.loads(done.stdout)["items"]
        found = {f"{item['kind']}/{item['metadata']['name']}": item for item in items}
        self.assertEqual(len(found), len(items))
        return found, self.notes(done)

    def test_objects(self):
        objects, _ = self.objects()
        self.assertEqual(sorted(objects), [
            "ConfigMap/inline", "ConfigMap/motd", "ConfigMap/web-file-3", "Deployment/cache", "Job/init", "PersistentVolumeClaim/data",
            "Secret/stored", "Secret/token", "Service/db", "Service/init", "Service/web", "Service/web-published", "Service/www",
            "StatefulSet/db", "StatefulSet/web"])
        self.assertEqual(objects["Secret/stored"]["data"], {"file": "ZnJvbSBhIHZhcmlhYmxl"})
        self.assertEqual(objects["ConfigMap/inline"]["data"], {"file": "rate is 5%\n"})
        self.assertEqual(objects["PersistentVolumeClaim/data"]["spec"]["accessModes"], ["ReadWriteMany"])
        service, published = objects["Service/web"]["spec"], objects["Service/web-published"]["spec"]
        self.assertEqual((service["clusterIP"], [port["name"] for port in service["ports"]]), ("None", ["tcp-80", "udp-9000", "tcp-5000", "tcp-7000"]))
        self.assertEqual((published["type"], [(port["port"], port["targetPort"]) for port in published["ports"]]),
                         ("LoadBalancer", [(8080, 80), (5000, 5000)]))
        self.assertEqual(objects["Service/www"]["spec"]["selector"], objects["StatefulSet/web"]["spec"]["selector"]["matchLabels"])

    def test_names_that_are_cut_stay_apart(self):
        """Red when names are only cut: both services would mount the first one's file."""
        long = "a" * 60
        text = f"""
services:
  {long}-one: {{image: x, volumes: ["./token:/f:ro"], ports: ["80:80"]}}
  {long}-two: {{image: x, volumes: ["./motd:/f:ro"], ports: ["81:80"]}}
  web: {{image: x, volumes: ["./motd:/f:ro"], configs: [web-file-1], ports: ["82:80"]}}
  web-published: {{image: x}}
configs: {{web-file-1: {{content: mine}}}}
"""
        objects, notes = self.objects(text)
        self.assertTrue(all(len(item["metadata"]["name"]) <= 63 for item in objects.values()))
        files = {}
        for item in objects.values():
            if item["kind"] == "Deployment":
                pod = item["spec"]["template"]["spec"]
                maps = {volume["name"]: volume["configMap"]["name"] for volume in pod.get("volumes", [])}
                for mount in pod["containers"][0].get("volumeMounts", []):
                    files[pod["containers"][0]["image"], item["metadata"]["name"], mount["mountPath"]] = \
                        objects["ConfigMap/" + maps[mount["name"]]]["data"]["file"]
        self.assertEqual(sorted(files.values()), ["hello\n", "hello\n", "mine", "secret\n"])
        published = [item for item in objects.values() if item["kind"] == "Service" and item["spec"].get("type") == "LoadBalancer"]
        self.assertEqual(sorted(item["spec"]["ports"][0]["port"] for item in published), [80, 81, 82])
        self.assertEqual(objects["Service/web-published"]["spec"]["selector"]["app.kubernetes.io/name"], "web-published")
        self.assertEqual(len([note for note in notes if "others find it as" in note]), 2)

    def test_the_pod(self):
        objects, _ = self.objects()
        web, db, init = (objects[name]["spec"] for name in ("StatefulSet/web", "StatefulSet/db", "Job/init"))
        pod, container = web["template"]["spec"], web["template"]["spec"]["containers"][0]
        self.assertEqual((web["replicas"], web["serviceName"]), (2, "web"))
        self.assertEqual((container["command"], container["args"]), (["/bin/sh", "-c"], ['echo "$HOME" 100%; exec sleep 9']))
        self.assertEqual({item["name"]: item["value"] for item in container["env"]},
                         {"FROM_FILE": "x y", "RATE": "50%", "QUOTED": 'a "b" $c', "LINES": "one\ntwo"})
        self.assertEqual(container["readinessProbe"], {"exec": {"command": ["wget", "-q", "http://localhost/"]}, "periodSeconds": 5,
                                                       "timeoutSeconds": 3, "failureThreshold": 4})
        self.assertEqual(container["securityContext"], {"runAsUser": 12, "runAsGroup": 34, "readOnlyRootFilesystem": True,
                                                        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}})
        self.assertEqual((pod["terminationGracePeriodSeconds"], pod["hostAliases"], pod["dnsConfig"]),
                         (90, [{"ip": "192.0.2.9", "hostnames": ["far"]}], {"nameservers": ["192.0.2.53"]}))
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        self.assertEqual({mount["mountPath"]: next(kind for kind in volumes[mount["name"]] if kind != "name") for mount in container["volumeMounts"]},
                         {"/data": "persistentVolumeClaim", "/site": "hostPath", "/etc/web.conf": "configMap", "/anonymous": "emptyDir",
                          "/run": "emptyDir", "/motd": "configMap", "/etc/inline": "configMap", "/run/secrets/token": "secret",
                          "/run/secrets/other": "secret"})
        self.assertEqual(next(volume["secret"] for volume in pod["volumes"] if volume.get("secret", {}).get("secretName") == "stored"),
                         {"secretName": "stored", "defaultMode": 0o400})
        self.assertEqual(db["template"]["spec"]["containers"][0]["resources"],
                         {"limits": {"cpu": "0.5", "memory": "1073741824"}, "requests": {"memory": "67108864"}})
        self.assertEqual((init["backoffLimit"], init["template"]["spec"]["restartPolicy"]), (0, "Never"))
        self.assertEqual(web["template"]["metadata"]["annotations"], {"team": "a b", "com.example.x": "y"})

    def test_dollars_in_commands_are_no_variables(self):
        objects, _ = self.objects(text="services: {a: {image: x, command: [echo, '$$(date)'], environment: {B: '$$(C)'}}}")
        container = objects["Deployment/a"]["spec"]["template"]["spec"]["containers"][0]
        self.assertEqual((container["args"], container["env"][0]["value"]), (["echo", "$$(date)"], "$$(C)"))

    def test_what_does_not_carry_over(self):
        notes = self.objects()[1]
        for note in ("networks.back: pods reach the outside unless a NetworkPolicy forbids it", "networks.front: all pods are in one network",
                     "services.cache.logging: there is no field for it", "services.db.deploy.resources.limits.pids: there is no word for it",
                     "services.init.build: build shop-init and push it where the cluster finds it",
                     "services.web.depends_on: pods start in any order: it has to wait for 'db' by itself",
                     "services.web.environment: the image's UNSET cannot be unset",
                     "services.web.networks: the alias 'under_score' is no name of a Service",
                     "services.web.networks.back.ipv4_address: there is no word for it",
                     "services.web.ports: 127.0.0.1 is this machine alone: use kubectl port-forward",
                     "services.web.restart: pods that ended are always started again", "services.web.ulimits: there is no field for it",
                     f"services.web.volumes: '{self.project}/site' must be on each node",
                     "volumes.data: several pods share it: the cluster's storage must do ReadWriteMany"):
            self.assertIn(note, notes)
        self.assertEqual(self.objects(text="services: {a: {image: x}}")[1], [])

    def test_names(self):
        objects, _ = self.objects(text="name: p_\nservices: {My_App.1: {image: x}, 9lives: {image: y}}")
        self.assertEqual(sorted(objects), ["Deployment/my-app-1", "Deployment/x9lives", "Service/my-app-1", "Service/x9lives"])
        self.assertEqual(objects["Service/x9lives"]["metadata"]["labels"]["app.kubernetes.io/part-of"], "p")
        done = self.export("kube", text="services: {a_b: {image: x}, a.b: {image: y}}", code=125)
        self.assertIn("another one has the name a-b in Kubernetes, too", done.stderr)
        done = self.export("kube", text="services: {s: {image: x, volumes: ['a_b:/1', 'a.b:/2']}}\nvolumes: {a_b: , a.b: }", code=125)
        self.assertIn("another one has the name a-b in Kubernetes, too", done.stderr)

    def test_aliases_of_two(self):
        """Each name is one service's: its own, or that of the first."""
        net = "networks: {default: {aliases: [%s]}}"
        found, notes = self.objects(text=f"services: {{a: {{image: x, {net % 'b, both'}}}, b: {{image: x, {net % 'both'}}}}}")
        owners = {name: found[f"Service/{name}"]["spec"]["selector"]["app.kubernetes.io/name"] for name in ("a", "b", "both")}
        self.assertEqual(owners, {"a": "a", "b": "b", "both": "a"})
        self.assertEqual(sorted(notes), ["services.a.networks: the alias 'b' leads to another service alone",
                                         "services.b.networks: the alias 'both' leads to another service alone"])

    def test_names_of_volumes(self):
        """A bind has none, and takes none of another."""
        for mounts in ("['./d:/1', 'host-1:/2']", "['host-1:/2', './d:/1', 'host-2:/3']"):
            found, _ = self.objects(text=f"services: {{s: {{image: x, volumes: {mounts}}}}}\nvolumes: {{host-1: , host-2: }}")
            pod = found["StatefulSet/s"]["spec"]["template"]["spec"]
            kinds = {volume["name"]: "hostPath" in volume for volume in pod["volumes"]}
            paths = {mount["mountPath"]: kinds[mount["name"]] for mount in pod["containers"][0]["volumeMounts"]}
            self.assertTrue(paths["/1"])
            self.assertFalse(paths["/2"] or paths.get("/3", False))

    def test_a_missing_secret_is_an_error(self):
        done = self.export("kube", env={}, code=125)
        self.assertIn("secrets.stored: its variable is not set", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_output(self):
        path = self.out / "kube.yaml"
        self.export("kube", "-o", path)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(path.read_text(), self.export("kube").stdout)
        self.assertIn("unsupported format", self.export("kube", "--format", "xml", code=125).stderr)

    def test_kubernetes_schemas(self):
        try:
            script = oracles.kubernetes_models()
        except (Unavailable, RuntimeError) as error:
            self.skipTest(f"Kubernetes' schemas cannot be had: {error}")
        text = self.export("kube", "--format", "json").stdout
        broken = text.replace('"containerPort": 80', '"containerPort": "80"', 1)
        for given, want in ((text, ""), (broken, "containerPort must be integer")):
            done = subprocess.run(["node", str(script)], input=given, capture_output=True, text=True, check=False, timeout=60 * SLOWNESS)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(want in done.stdout if want else done.stdout == "", done.stdout)

    def lost(self, ours, theirs, path=""):
        """What kubectl, which knows the types, does not give back."""
        if isinstance(ours, dict):
            return [line for key, value in ours.items()
                    for line in ([f"{path}.{key}"] if key not in theirs else self.lost(value, theirs[key], f"{path}.{key}"))]
        if isinstance(ours, list):
            return [line for one, other in zip(ours, theirs, strict=True) for line in self.lost(one, other, path + "[]")]
        return [] if ours == theirs or path.endswith((".cpu", ".memory", ".sizeLimit", ".storage")) else [f"{path}: {ours} != {theirs}"]

    def test_kubectl(self):
        try:
            kubectl = oracles.kubectl()
        except (Unavailable, RuntimeError) as error:
            self.skipTest(f"kubectl cannot be had: {error}")
        path = self.out / "kube.yaml"
        self.export("kube", "-o", path)
        objects, _ = self.objects()

        def run(path, *words):
            done = subprocess.run([str(kubectl), *words, "-f", str(path), "--local", "--kubeconfig=/dev/null"], capture_output=True, text=True,
                                  check=False, timeout=60 * SLOWNESS, env={"HOME": str(self.out), "PATH": "/usr/bin:/bin"})
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        self.assertEqual(len(run(path, "label", "a=b", "-o", "name").splitlines()), len(objects))
        pods = self.out / "pods.json"
        items = [item for item in objects.values() if "template" in item.get("spec", {})]
        pods.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        decoder, text, seen = json.JSONDecoder(), run(pods, "set", "env", "ADDED=1", "-o", "json"), 0
        while text.strip():
            theirs, end = decoder.raw_decode(text.lstrip())
            text = text.lstrip()[end:]
            ours = objects[f"{theirs['kind']}/{theirs['metadata']['name']}"]
            container = theirs["spec"]["template"]["spec"]["containers"][0]
            container["env"] = [item for item in container["env"] if item["name"] != "ADDED"]
            self.assertEqual(self.lost(ours, theirs), [])
            seen += 1
        self.assertEqual(seen, 4)


class Swarm(ExportTest):
    """compose swarm."""

    def stack(self, text=STACK):
        """What docker makes of the file, and the notes."""
        try:
            docker = oracles.docker()
        except (Unavailable, RuntimeError) as error:
            self.skipTest(f"docker's client cannot be had: {error}")
        path = self.out / "stack.yaml"
        notes = self.notes(self.export("swarm", "-o", path, text=text))
        done = subprocess.run([str(docker), "stack", "config", "-c", str(path)], capture_output=True, text=True, check=False,
                              timeout=60 * SLOWNESS, env={"HOME": str(self.out), "PATH": "/usr/bin:/bin"})
        self.assertEqual(done.returncode, 0, done.stderr)
        read = self.skiff("compose", "-f", "-", "config", "--no-interpolate", "--format", "json", input=done.stdout.encode(), cwd=self.out)
        return json.loads(read.stdout), notes

    def test_docker_reads_it(self):
        stack, _ = self.stack()
        web, db = stack["services"]["web"], stack["services"]["db"]
        self.assertEqual(web["command"], ['echo "$HOME" 100%; exec sleep 9'])
        self.assertEqual(web["environment"], {"FROM_FILE": "x y", "RATE": "50%", "QUOTED": 'a "b" $c', "LINES": "one\ntwo"})
        self.assertEqual((web["deploy"]["replicas"], web["deploy"]["restart_policy"]), (2, {"condition": "on-failure", "max_attempts": 3}))
        self.assertEqual(db["deploy"]["resources"], {"limits": {"cpus": 0.5, "memory": "1073741824"}, "reservations": {"memory": "67108864"}})
        self.assertEqual(db["deploy"]["restart_policy"], {"condition": "any", "delay": "7s"})
        self.assertEqual([(port.get("published"), port["target"]) for port in web["ports"]], [("8080", 80), ("9000", 9000), (None, 5000)])
        self.assertEqual(web["extra_hosts"], ["far=192.0.2.9"])
        self.assertEqual(stack["secrets"]["stored"], {"name": "shop_stored", "external": True})
        self.assertEqual(stack["secrets"]["token"], {"name": "shop_token", "file": str(self.project / "token")})
        self.assertEqual(stack["networks"]["back"]["ipam"], {"config": [{"subnet": "10.91.8.0/24"}]})

    def test_what_does_not_carry_over(self):
        _, notes = self.stack()
        for note in ("configs.inline: make it first, as 'docker config create shop_inline'",
                     "networks.back.ipam.config.gateway: there is no word for it", "secrets.stored: make it first, as 'docker secret create shop_stored'",
                     "services.cache.network_mode: there is no word for it", "services.db.deploy.resources.limits.pids: there is no word for it",
                     "services.db.shm_size: there is no word for it", "services.init.build: build shop-init and push it where the nodes find it",
                     "services.web.depends_on: services start in any order: it has to wait for 'db' by itself",
                     "services.web.develop: there is no word for it", "services.web.environment: the image's UNSET cannot be unset",
                     "services.web.ports: port 9000 is open on all nodes and addresses, not on 127.0.0.1",
                     f"services.web.volumes: '{self.project}/site' must be on each node"):
            self.assertIn(note, notes)
        self.assertEqual(self.stack(text="services: {a: {image: x}}")[1], [])


GRAPH = """
name: g
services:
  web: {image: nginx, scale: 2, depends_on: {api: {condition: service_healthy}, cache: {condition: service_started, required: false}}, ports: ["80:80"]}
  api: {image: "re/api:1", depends_on: [db], networks: [back], volumes: ["data:/d"]}
  cache: {image: redis}
  db: {image: postgres, networks: [back], volumes: ["data:/data"]}
networks: {back: }
volumes: {data: }
"""


class Graph(ExportTest):
    """compose graph."""

    def test_picture(self):
        self.assertEqual(self.export("graph", text=GRAPH, env={"LANG": "C.UTF-8"}).stdout, """\
┌─────────────────────────────────┐
│ db                              │◄─┐
│ postgres                        │  │
│ networks back                   │  │
│ volumes data:/data              │  │
└─────────────────────────────────┘  │
                                     │
┌─────────────────────────────────┐  │
│ api                             │◄─┼─┐
│ re/api:1                        │  │ │
│ networks back                   │  │ │
│ volumes data:/d                 │  │ │
│ needs db (started)              ├──┘ │
└─────────────────────────────────┘    │
                                       │
┌─────────────────────────────────┐    │
│ cache                           │◄─┐ │
│ redis                           │  │ │
│ networks default                │  │ │
└─────────────────────────────────┘  │ │
                                     │ │
┌─────────────────────────────────┐  │ │
│ web x2                          │  │ │
│ nginx                           │  │ │
│ ports 80->80/tcp                │  │ │
│ networks default                │  │ │
│ needs api (healthy)             ├──┼─┘
│ needs cache (started, optional) ├──┘
└─────────────────────────────────┘

networks: back, default
volumes: data
""")
        plain = self.export("graph", text=GRAPH, env={"LC_ALL": "C"}).stdout
        self.assertTrue(plain.isascii())
        self.assertIn("| needs api (healthy)             |--+-+\n", plain)

    def test_one_service(self):
        self.assertEqual(self.export("graph", "db", text=GRAPH, env={"LANG": "C.UTF-8"}).lines[1], "│ db                 │")

    def test_text(self):
        self.assertEqual(self.export("graph", "--format", "text", "api", text=GRAPH).stdout,
                         "db\n  image postgres\n  network back\n  volume data:/data\n"
                         "api\n  image re/api:1\n  needs db (started)\n  network back\n  volume data:/d\n")

    def test_mermaid(self):
        self.assertEqual(self.export("graph", "--format", "mermaid", "api", text=GRAPH).stdout,
                         'flowchart LR\n  s0["db<br/>postgres"]\n  s1["api<br/>re/api:1"]\n  n0(["back"])\n  v0[("data")]\n'
                         "  s0 --- n0\n  s0 --- v0\n  s1 -->|started| s0\n  s1 --- n0\n  s1 --- v0\n")

    def test_dot(self):
        text = self.export("graph", "--format", "dot", text=GRAPH).stdout
        for line in ('s3 [shape=box,label="web x2\\nnginx"];', 's3 -> s1 [label="healthy"];', 's3 -> s2 [style=dashed,label="started"];',
                     "s1 -> n0 [dir=none];", "s3 -> n1 [dir=none];", "s0 -> v0 [dir=none];"):
            self.assertIn(f"  {line}\n", text)
        if shutil.which("dot") is None:
            self.skipTest("'dot' of graphviz is not installed")
        done = subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, text=True, check=False, timeout=60 * SLOWNESS)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(sum(line.startswith("node ") for line in done.stdout.splitlines()), 7)
        self.assertEqual(sum(line.startswith("edge ") for line in done.stdout.splitlines()), 9)

    def test_odd_words(self):
        text = 'name: g\nservices: {a: {image: x, volumes: ["./q\\"uo\\\\te:/t"]}}'
        self.assertIn('q"uo', self.export("graph", text=text).stdout)
        self.assertIn("unsupported format", self.export("graph", "--format", "svg", text=text, code=125).stderr)
