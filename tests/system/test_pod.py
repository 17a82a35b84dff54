# SPDX-License-Identifier: Apache-2.0
"""Pods: containers that share namespaces, their life together, and what is left of them: nothing."""

import os
import signal
import stat
import subprocess
from pathlib import Path

from tests.support.registry import free_port
from tests.support.skiff import SkiffTest, read_text, wait_for


class PodTest(SkiffTest):
    images = ["busybox"]

    def setUp(self):
        super().setUp()
        # Runs before assert_nothing_left().
        self.addCleanup(self.skiff, "pod", "rm", "--all", "--force", "--time", "0")

    def member(self, pod, name, *options, command=("sleep", "1000")):
        """A running member that ends at once when it is stopped."""
        return self.skiff("run", "-d", "--pod", pod, "--name", name, "--stop-timeout", "0", *options, "busybox", *command).word

    def inspect(self, pod):
        return self.skiff("pod", "inspect", pod).json[0]

    def status(self, pod):
        return self.inspect(pod)["State"]

    def infra(self, pod):
        return self.inspect(pod)["InfraContainerID"]

    def state(self, name, field="State.Status"):
        return self.skiff("inspect", "-f", "{{.%s}}" % field, name).word

    def namespaces(self, name):
        """{"net": inode ...} of the first process of a container."""
        pid = self.state(name, "State.Pid")
        return {kind: os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("net", "ipc", "uts", "pid", "mnt", "cgroup", "user")}

    def wait_status(self, pod, wanted):
        wait_for(lambda: self.status(pod) == wanted, 60, message=f"pod {pod} to be {wanted}, not {self.status(pod)}")

    def pods(self):
        return self.skiff("pod", "ps", "--format", "{{.Name}}").lines


class Verbs(PodTest):
    def test_create_inspect_exists_rm(self):
        pod = self.skiff("pod", "create", "--name", "web", "--label", "a=b", "--hostname", "h2", "--exit-policy", "stop",
                         "--infra-name", "inf", "-p", "127.0.0.1::80", "--add-host", "x:1.2.3.4", "--restart", "always").word
        self.assertRegex(pod, r"^[0-9a-f]{64}$")
        for name in ("web", pod, pod[:7]):
            self.skiff("pod", "exists", name)
        self.skiff_fails("pod", "exists", "nope", code=1)
        seen = self.inspect("web")
        self.assertEqual([seen[key] for key in ("Id", "Name", "State", "Hostname", "ExitPolicy", "CreateInfra", "NumContainers",
                                                "Labels", "SharedNamespaces", "RestartPolicy")],
                         [pod, "web", "Created", "h2", "stop", True, 1, {"a": "b"}, ["ipc", "net", "uts"], "always"])
        self.assertEqual(seen["InfraConfig"]["HostAdd"], ["x:1.2.3.4"])
        self.assertIn("80/tcp", seen["InfraConfig"]["PortBindings"])
        self.assertEqual(seen["Containers"], [{"Id": seen["InfraContainerID"], "Name": "inf", "State": "created"}])
        self.assertEqual(seen["CreateCommand"][-1], "always")
        self.assertEqual(self.skiff("inspect", "--type", "pod", "web").json, [seen])
        self.assertEqual(self.skiff("inspect", "web").json, [seen])
        self.assertEqual(self.skiff("pod", "inspect", "-l", "-f", "{{.Name}} {{.InfraConfig.HostNetwork}}").word, "web false")
        self.assertEqual(self.skiff("pod", "rm", "web").word, pod)
        self.assertEqual(self.pods(), [])
        self.assertEqual(self.skiff("ps", "-aq").lines, [])

    def test_refusals_in_podmans_words(self):
        self.skiff("pod", "create", "taken")
        self.skiff("create", "--name", "ctr", "busybox", "true")
        rows = [
            (("create", "--name", "taken"), 125, 'adding pod to state: name "taken" is in use: pod already exists'),
            (("create", "ctr"), 125, 'adding pod to state: name "ctr" is in use: container already exists'),
            (("create", "--infra-name", "ctr"), 125, 'the container name "ctr" is already in use'),
            (("create", "--infra-name", "taken"), 125, 'name "taken" is in use: pod already exists'),
            (("create", "--name", "9#"), 125, "running pod create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*"),
            (("create", "--share", "foo"), 125,
             "invalid kernel namespace to share: foo. Options are: cgroup, ipc, net, pid, uts or none"),
            (("create", "--exit-policy", "foo"), 125, 'running pod create option: invalid pod exit policy: "foo"'),
            (("create", "--infra=false", "-p", "80:80"), 125,
             "you must have an infra container to publish port bindings to the host"),
            (("create", "--infra=false", "--network", "host"), 125, "NoInfra and network modes cannot be used together"),
            (("create", "foo", "bar"), 125, "accepts at most 1 arg(s), received 2"),
            (("create", "--infra=false", "--memory", "1m"), 125, "you must have an infra container to limit a pod"),
            (("create", "--infra-image", "x"), 125,
             "unsupported flag: --infra-image: the infra container runs skiff's own program and needs no image"),
            (("inspect", "nope"), 125, "no such pod nope"),
            (("rm", "nope"), 1, "no pod with name or ID nope found: no such pod"),
            (("start", "nope"), 125, "no pod with name or ID nope found: no such pod"),
            (("stop", "nope"), 125, "no pod with name or ID nope found: no such pod"),
            (("top", "nope"), 125, "unable to look up requested container: no pod with name or ID nope found: no such pod"),
            (("kill", "-s", "FOO", "taken"), 125, "invalid signal: FOO"),
            (("rm",), 125, "you must provide at least one name or id"),
            (("start", "-a", "taken"), 125, "no arguments are needed with --all"),
            (("ps", "--filter", "foo=bar"), 125, "foo is an invalid filter"),
            (("ps", "--filter", "status=foo"), 125, "foo is not a valid pod status"),
            (("ps", "--sort", "foo"), 125, "invalid option for --sort, options are: id, names, or number"),
        ]
        for args, code, words in rows:
            with self.subTest(args=args):
                self.skiff_fails("pod", *args, code=code, says=words)
        self.skiff("pod", "rm", "--ignore", "nope")
        self.skiff("pod", "stop", "--ignore", "nope")
        for verb in (("create", "--name", "taken", "busybox"), ("rename", "ctr", "taken")):
            self.skiff_fails(*verb, says='name "taken" is in use: pod already exists')
        infra = self.infra("taken")
        self.skiff_fails("rm", infra, code=2, says=f"container {infra} is the infra container of pod")
        self.assertEqual(self.pods(), ["taken"])
        self.assertEqual(sorted(self.skiff("ps", "-a", "--format", "{{.Names}}").lines),
                         sorted(["ctr", self.state(infra, "Name").lstrip("/")]))

    def test_what_a_member_may_not_say(self):
        self.skiff("pod", "create", "p")
        shared = "network cannot be configured when it is shared with a pod"
        rows = [
            (("-p", "80:80"), f"published or exposed ports must be defined when the pod is created: {shared}"),
            (("--ip", "1.2.3.4"), f"networks must be defined when the pod is created: {shared}"),
            (("--add-host", "a:1.2.3.4"), f"extra host entries must be specified on the pod: {shared}"),
            (("--hostname", "x"), "cannot set hostname when joining the pod UTS namespace: invalid configuration"),
            (("--userns", "keep-id"), "--userns and --pod cannot be set together"),
            (("--pod-id-file", "x"), "cannot specify both --pod and --pod-id-file"),
        ]
        for args, words in rows:
            with self.subTest(args=args):
                self.skiff_fails("create", "--pod", "p", *args, "busybox", says=words)
        self.skiff_fails("create", "--pod", "nope", "busybox", says="no pod with name or ID nope found: no such pod")
        self.skiff_fails("create", "--pod", "new:p", "busybox", says='name "p" is in use: pod already exists')
        self.skiff_fails("create", "--pod", "new:", "busybox", says="new pod name must be at least one character")
        self.assertEqual(self.inspect("p")["NumContainers"], 1)

    def test_ps(self):
        self.skiff("pod", "create", "--name", "one", "--label", "tier=web")
        self.skiff("pod", "create", "--name", "two", "--infra=false")
        self.member("one", "m")
        lines = self.skiff("pod", "ps").lines
        self.assertEqual([word.strip() for word in lines[0].split("  ") if word.strip()],
                         ["POD ID", "NAME", "STATUS", "CREATED", "INFRA ID", "# OF CONTAINERS"])
        self.assertEqual([line.split()[1] for line in lines[1:]], ["two", "one"])
        rows = self.skiff("pod", "ps", "--format", "json").json
        self.assertEqual([(row["Name"], row["Status"], len(row["Containers"])) for row in rows],
                         [("two", "Created", 0), ("one", "Running", 2)])
        self.assertEqual(rows[1]["InfraId"], self.infra("one"))
        for query, found in (("name=on", ["one"]), ("label=tier=web", ["one"]), ("status=running", ["one"]),
                             ("ctr-names=^m$", ["one"]), ("ctr-number=0", ["two"]), ("ctr-status=running", ["one"]),
                             ("id=" + self.inspect("two")["Id"][:9], ["two"]), ("until=1h", [])):
            self.assertEqual(self.skiff("pod", "ps", "--filter", query, "--format", "{{.Name}}").lines, found, query)
        self.assertIn("m", self.skiff("pod", "ps", "--ctr-names").stdout)
        self.assertEqual(self.skiff("pod", "ps", "-q", "--no-trunc", "-l").word, self.inspect("two")["Id"])

    def test_containers_show_their_pod(self):
        pod = self.skiff("pod", "create", "p").word
        self.member("p", "m")
        shown = self.skiff("ps", "--pod", "--format", "{{.Names}} {{.Pod}} {{.PodName}} {{.IsInfra}}").lines
        self.assertEqual(sorted(shown), sorted([f"m {pod[:12]} p false", f"{pod[:12]}-infra {pod[:12]} p true"]))
        self.assertEqual(self.skiff("ps", "--pod").lines[0].split()[-3:], ["POD", "ID", "PODNAME"])
        self.skiff("run", "-d", "--name", "alone", "--stop-timeout", "0", "busybox", "sleep", "1000")
        for value in ("p", pod, pod[:8]):
            self.assertEqual(len(self.skiff("ps", "-q", "--filter", f"pod={value}").lines), 2)
        self.assertEqual(self.state("m", "Pod"), pod)
        self.assertEqual(self.state(self.infra("p"), "IsInfra"), "true")
        row = next(row for row in self.skiff("ps", "--format", "json").json if row["Names"] == ["m"])
        self.assertEqual((row["Pod"], row["PodName"], row["IsInfra"]), (pod, "p", False))

    def test_id_files_and_replace(self):
        file = self.tmp / "pod-id"
        first = self.skiff("pod", "create", "--pod-id-file", file, "--name", "p").word
        self.assertEqual(file.read_text(), first)
        self.skiff_fails("pod", "create", "--pod-id-file", file, says="pod id file exists")
        self.skiff("run", "-d", "--name", "m", "--stop-timeout", "0", "--pod-id-file", file, "busybox", "sleep", "1000")
        self.assertEqual(self.state("m", "Pod"), first)
        second = self.skiff("pod", "create", "--replace", "--name", "p").word
        self.assertNotEqual(first, second)
        self.assertEqual(self.skiff("ps", "-a", "--format", "{{.Names}}").lines, [f"{second[:12]}-infra"])
        file.write_text(second)
        self.skiff("pod", "start", "--pod-id-file", file)
        self.skiff("pod", "stop", "--pod-id-file", file)
        self.assertEqual(self.skiff("pod", "rm", "--pod-id-file", file).word, second)
        self.skiff("pod", "rm", "--ignore", "--pod-id-file", file)

    def test_events(self):
        pod = self.skiff("pod", "create", "p").word
        for verb in ("start", "restart", "stop", "rm"):
            self.skiff("pod", verb, "p")
        lines = self.skiff("events", "--stream=false", "--filter", "type=pod", "--format", "{{.ID}} {{.Status}} {{.Name}}").lines
        self.assertEqual([line for line in lines if line.startswith(pod)],
                         [f"{pod} {word} p" for word in ("create", "start", "stop", "start", "stop", "remove")])

    def test_prune(self):
        for name in ("made", "ended", "runs"):
            self.skiff("pod", "create", name)
        self.skiff("pod", "start", "ended", "runs")
        self.skiff("pod", "stop", "ended")
        self.skiff("create", "--pod", "made", "--name", "waits", "busybox", "true")
        ended = self.inspect("ended")["Id"]
        self.assertEqual(self.skiff("pod", "prune", "-f").word, ended)
        self.skiff("container", "prune", "-f")
        self.assertEqual(sorted(self.pods()), ["made", "runs"])
        self.skiff("pod", "stop", "runs")
        self.assertIn(self.inspect("runs")["Id"], self.skiff("system", "prune", "-f").lines)
        self.assertEqual(self.pods(), ["made"])
        # Members stay as long as their pod does.
        self.assertEqual(self.state("waits"), "created")

    def test_completion(self):
        self.skiff("pod", "create", "backend")
        self.assertIn("backend\tpod", self.skiff("__complete", "pod", "start", "ba").lines)

    def test_damage_is_found_and_mended(self):
        self.skiff("pod", "create", "p")
        store = self.state_directories()["store/containers"].parent
        record = store / "pods/p/pod.json"
        self.assertEqual(stat.S_IMODE(record.stat().st_mode), 0o600)
        data = bytearray(record.read_bytes())
        data[20] ^= 4
        record.write_bytes(data)
        self.assertIn("pod p", self.skiff("system", "check", "--quick", check=False).stdout)
        self.skiff("system", "check", "--quick", "--repair", check=False)
        self.assertEqual(self.status("p"), "Created")
        record.write_text("{")
        self.skiff("system", "check", "--quick", "--repair", check=False)
        self.assertEqual(self.pods(), [])
        self.skiff("rm", *self.skiff("ps", "-aq").lines)
        self.skiff("system", "check", "--quick")


class Members(PodTest):
    def test_namespaces_are_shared(self):
        self.skiff("pod", "create", "p")
        for name in ("one", "two"):
            self.member("p", name)
        first, second, infra = (self.namespaces(name) for name in ("one", "two", self.infra("p")))
        for kind in ("net", "ipc", "uts", "user"):
            self.assertEqual(first[kind], infra[kind], kind)
            self.assertEqual(second[kind], infra[kind], kind)
        for kind in ("pid", "mnt"):
            self.assertEqual(len({first[kind], second[kind], infra[kind]}), 3, kind)
        self.skiff("exec", "one", "sh", "-c", "echo shared > /dev/shm/file")
        self.assertEqual(self.skiff("exec", "two", "cat", "/dev/shm/file").word, "shared")
        self.assertEqual(self.skiff("exec", "two", "hostname").word, "p")
        self.assertEqual(self.skiff("exec", "two", "cat", "/etc/hostname").word, "p")
        self.assertEqual(self.skiff("exec", "two", "sh", "-c", "echo $HOSTNAME").word, "p")
        self.assertRegex(self.skiff("exec", "one", "cat", "/etc/hosts").stdout, r"(?m)^127\.0\.0\.1\ttwo$")

    def test_members_reach_each_other_on_loopback(self):
        self.skiff("pod", "create", "p")
        self.member("p", "server", command=("sh", "-c", "echo hello > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"))
        got = "i=0; until wget -qO- http://127.0.0.1:8080/; do i=$((i+1)); [ $i -lt 600 ] || exit 1; sleep 0.1; done"
        self.assertEqual(self.skiff("run", "--rm", "--pod", "p", "busybox", "sh", "-c", got).lines[-1], "hello")

    def test_share_pid_and_the_infra_process(self):
        self.skiff("pod", "create", "--share", "+pid", "p")
        self.member("p", "m")
        self.assertEqual(self.namespaces("m")["pid"], self.namespaces(self.infra("p"))["pid"])
        seen = self.skiff("exec", "m", "ps").stdout
        self.assertIn("skiff-pause", seen)
        self.assertIn("sleep 1000", seen)
        # It executes nothing of an image's: its memory and its environment are nobody's to read.
        self.skiff("exec", "m", "sh", "-c", "! cat /proc/1/environ 2>/dev/null; ! ls -l /proc/1/exe /proc/1/root/ 2>/dev/null")
        status = dict(line.split(":\t") for line in self.skiff("exec", "m", "cat", "/proc/1/status").lines if ":\t" in line)
        self.assertEqual({key: int(status[key], 16) for key in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb")},
                         {"CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapInh": 0, "CapAmb": 0})
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        # It reaps what members leave.
        self.skiff("exec", "m", "sh", "-c", "(sleep 0.01 & exec true)")
        wait_for(lambda: "[sleep]" not in self.skiff("exec", "m", "ps").stdout, 60, message="orphans to be reaped")

    def test_a_users_member_has_no_capabilities(self):
        self.need_ids()
        self.skiff("pod", "create", "p")
        self.member("p", "m", "--user", "1000")
        for status in (self.skiff("exec", "m", "cat", "/proc/1/status").stdout,
                       self.skiff("run", "--rm", "--pod", "p", "--user", "1000", "busybox", "cat", "/proc/self/status").stdout):
            self.assertRegex(status, r"(?m)^Uid:\t1000\t1000\t1000\t1000$")
            self.assertRegex(status, r"(?m)^CapPrm:\t0+\nCapEff:\t0+$")

    def test_share_none_and_without_infra(self):
        for number, options in enumerate((["--share", "none"], ["--infra=false"], ["--share", ""])):
            pod = f"p{number}"
            self.skiff("pod", "create", *options, pod)
            self.assertEqual((self.inspect(pod)["CreateInfra"], self.inspect(pod)["NumContainers"]), (False, 0))
            self.member(pod, f"a{number}")
            self.member(pod, f"b{number}")
            self.assertNotEqual(self.namespaces(f"a{number}")["net"], self.namespaces(f"b{number}")["net"])
            self.assertEqual(self.status(pod), "Running")
            self.skiff("pod", "stop", pod)
            self.assertEqual(self.status(pod), "Exited")

    def test_a_member_may_have_its_own(self):
        self.skiff("pod", "create", "p")
        self.member("p", "m", "--network", "none", "--ipc", "private")
        mine, infra = self.namespaces("m"), self.namespaces(self.infra("p"))
        self.assertNotEqual(mine["net"], infra["net"])
        self.assertNotEqual(mine["ipc"], infra["ipc"])
        self.assertEqual(mine["uts"], infra["uts"])

    def test_the_images_own_hosts_and_hostname(self):
        self.skiff("pod", "create", "--no-hosts", "--no-hostname", "p")
        show = ("busybox", "sh", "-c", "cat /etc/hosts /etc/hostname 2>/dev/null; hostname")
        self.assertEqual(self.skiff("run", "--rm", "--pod", "p", *show).stdout,
                         self.skiff("run", "--rm", "--no-hosts", "--no-hostname", "--hostname", "p", *show).stdout)

    def test_published_port_and_new_pod(self):
        port = free_port()
        self.skiff("run", "-d", "--pod", "new:web", "-p", f"127.0.0.1:{port}:80", "--hostname", "hh", "--name", "srv",
                   "--stop-timeout", "0", "busybox", "sh", "-c", "hostname > /tmp/index.html; exec httpd -f -p 80 -h /tmp")
        self.wait_for_port(port, 60)
        fetch = f"http://127.0.0.1:{port}/"
        seen = self.skiff("run", "--rm", "--network", "host", "busybox", "wget", "-qO-", fetch).word
        self.assertEqual(seen, "hh")
        shown = {row["Names"][0]: row["Ports"][0]["host_port"] for row in self.skiff("ps", "--format", "json").json}
        self.assertEqual(shown["srv"], port)
        self.assertEqual(self.inspect("web")["InfraConfig"]["PortBindings"]["80/tcp"],
                         [{"HostIp": "127.0.0.1", "HostPort": str(port)}])
        self.assertEqual(self.inspect("web")["CreateCommand"][-2:], ["-c", "hostname > /tmp/index.html; exec httpd -f -p 80 -h /tmp"])

    def test_named_network_with_names(self):
        self.skiff("network", "create", "net", "--subnet", "10.97.4.0/24")
        self.addCleanup(self.skiff, "network", "rm", "-f", "net")
        self.skiff("pod", "create", "--network", "net", "--ip", "10.97.4.9", "--network-alias", "svc", "--name", "p")
        self.member("p", "m")
        self.assertIn("10.97.4.9/24", self.skiff("exec", "m", "ip", "addr").stdout)
        looked = self.skiff("run", "--rm", "--network", "net", "busybox", "nslookup", "-type=a", "svc").stdout
        self.assertIn("10.97.4.9", looked)
        self.assertEqual(self.skiff("pod", "ps", "--filter", "network=net", "--format", "{{.Name}} {{.Networks}}").word, "p net")
        self.assertEqual(self.inspect("p")["InfraConfig"]["Networks"], ["net"])
        self.assertEqual(self.inspect("p")["InfraConfig"]["StaticIP"], "10.97.4.9")
        self.skiff("pod", "rm", "-f", "-t", "0", "p")

    def test_volumes_are_the_pods(self):
        self.skiff("pod", "create", "-v", "podvol:/data", "-v", f"{self.tmp}:/host:ro", "p")
        self.addCleanup(self.skiff, "volume", "rm", "-f", "podvol")
        self.member("p", "one")
        self.member("p", "two", "--tmpfs", "/host")
        self.skiff("exec", "one", "sh", "-c", "echo kept > /data/file")
        self.assertEqual(self.skiff("exec", "two", "cat", "/data/file").word, "kept")
        self.skiff("exec", "one", "sh", "-c", "! touch /host/file 2>/dev/null")
        self.skiff("exec", "two", "touch", "/host/own")
        self.skiff("pod", "rm", "-f", "-t", "0", "p")
        self.skiff("volume", "exists", "podvol")

    def test_userns_shm_sysctl_and_security(self):
        self.need_ids()
        self.need(os.geteuid() != 0, "keep-id is for users")
        self.skiff("pod", "create", "--userns", "keep-id", "--shm-size", "1m", "--sysctl", "net.ipv4.ip_default_ttl=33",
                   "--security-opt", "no-new-privileges", "p")
        self.member("p", "m")
        self.assertEqual(self.namespaces("m")["user"], self.namespaces(self.infra("p"))["user"])
        self.assertEqual(self.skiff("exec", "m", "cat", "/proc/sys/net/ipv4/ip_default_ttl").word, "33")
        self.assertRegex(self.skiff("exec", "m", "df", "-k", "/dev/shm").stdout, r"\s1024\s")
        self.assertIn("NoNewPrivs:\t1", self.skiff("exec", "m", "cat", "/proc/1/status").stdout)
        self.assertEqual(self.inspect("p")["InfraConfig"]["userns"], "keep-id")

    def test_restart_policy_is_inherited(self):
        self.skiff("pod", "create", "--restart", "on-failure:7", "p")
        self.skiff("create", "--pod", "p", "--name", "m", "busybox", "true")
        self.skiff("create", "--pod", "p", "--name", "own", "--restart", "always", "busybox", "true")
        policy = "{{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}}"
        self.assertEqual(self.skiff("inspect", "-f", policy, "m").word, "on-failure:7")
        self.assertEqual(self.skiff("inspect", "-f", policy, "own").word, "always:0")

    def test_logs_top_and_stats(self):
        self.skiff("pod", "create", "p")
        self.member("p", "one", command=("sh", "-c", "echo from one; exec sleep 1000"))
        self.member("p", "two", command=("sh", "-c", "echo from two; exec sleep 1000"))
        both = ["one from one", "two from two"]
        wait_for(lambda: sorted(self.skiff("pod", "logs", "--names", "p").lines) == both, 60, message="both lines in the log")
        self.assertEqual(self.skiff("pod", "logs", "-c", "two", "p").lines, ["from two"])
        rows = self.skiff("pod", "top", "p", "args").lines
        self.assertEqual(rows[0], "COMMAND")
        self.assertEqual(sum("sleep 1000" in row for row in rows), 2)
        stats = self.skiff("pod", "stats", "--no-stream", "--format", "{{.Name}}", "p")
        self.assertEqual(sorted(stats.lines), ["one", "two"])


class Life(PodTest):
    def test_states(self):
        self.skiff("pod", "create", "p")
        self.assertEqual(self.status("p"), "Created")
        for name in ("one", "two"):
            self.skiff("create", "--pod", "p", "--name", name, "--stop-timeout", "0", "busybox", "sleep", "1000")
        self.skiff("start", "one")
        self.assertEqual(self.status("p"), "Degraded")
        pod = self.inspect("p")["Id"]
        self.assertEqual(self.skiff("pod", "start", "p").word, pod)
        self.assertEqual(self.status("p"), "Running")
        started = self.state("one", "State.StartedAt")
        self.skiff("pod", "start", "p")
        self.assertEqual(self.state("one", "State.StartedAt"), started)
        self.assertEqual(self.skiff("pod", "stop", "p").word, pod)
        self.assertEqual(self.status("p"), "Exited")
        self.assertEqual(self.state(self.infra("p"), "State.ExitCode"), "0")
        self.skiff("create", "--pod", "p", "--name", "three", "busybox", "true")
        self.assertEqual(self.status("p"), "Stopped")
        self.skiff("pod", "restart", "p")
        self.wait_status("p", "Degraded")
        self.assertEqual(self.state("two"), "running")
        self.skiff("pod", "kill", "p")
        self.wait_status("p", "Exited")

    def test_one_member_starts_the_infra_container(self):
        self.skiff("pod", "create", "p")
        self.skiff("create", "--pod", "p", "--name", "m", "--stop-timeout", "0", "busybox", "sleep", "1000")
        self.skiff("start", "m")
        self.assertEqual(self.status("p"), "Running")
        self.skiff("stop", "m")
        # Exit policy "continue".
        self.assertEqual(self.state(self.infra("p")), "running")

    def test_init_containers(self):
        """They run to their end, one after the other, before the other members; "once" goes then."""
        place = self.tmp / "shared"
        place.mkdir()
        place.chmod(0o777)
        self.skiff("pod", "create", "-v", f"{place}:/data", "p")
        say = "echo {} >> /data/log"
        self.skiff("create", "--pod", "p", "--name", "m", "--stop-timeout", "0", "busybox", "sh", "-c", say.format("member") + "; sleep 1000")
        for name, kind in (("first", "once"), ("second", "always")):
            self.skiff("create", "--pod", "p", "--name", name, "--init-ctr", kind, "busybox", "sh", "-c", say.format(name))
        self.skiff("pod", "start", "p")
        self.skiff("container", "exists", "first", code=1)
        log = ["exec", "m", "cat", "/data/log"]
        wait_for(lambda: self.skiff(*log).lines == ["first", "second", "member"], 60, message="the member after its init containers")
        self.skiff_fails("create", "--pod", "p", "--init-ctr", "once", "busybox", "true", says="cannot add init-ctr to a running pod")
        self.skiff("pod", "restart", "p")
        wait_for(lambda: self.skiff(*log).lines[3:] == ["second", "member"], 60, message="the second start")
        self.skiff("pod", "stop", "p")
        bad = self.skiff("create", "--pod", "p", "--name", "bad", "--init-ctr", "always", "busybox", "sh", "-c", "exit 3").word
        self.skiff_fails("pod", "start", "p", says=f"init container {bad} exited with code 3")
        self.assertEqual(self.state("m"), "exited")
        for options, says in ((["--init-ctr", "x", "--pod", "p"], "init-ctr value must be 'always' or 'once'"),
                              (["--init-ctr", "once"], "must specify pod value with init-ctr"),
                              (["--init-ctr", "once", "--pod", "p", "--restart", "always"], "--init-ctr and --restart cannot be set together")):
            self.skiff_fails("create", *options, "busybox", says=says)

    def test_exit_policy_stop(self):
        self.skiff("pod", "create", "--exit-policy", "stop", "p")
        self.member("p", "one")
        self.member("p", "two", "--rm")
        self.skiff("stop", "one")
        self.assertEqual(self.state(self.infra("p")), "running")
        self.skiff("stop", "two")
        self.wait_status("p", "Exited")
        self.skiff("pod", "start", "p")
        self.assertEqual(self.state(self.infra("p")), "running")
        self.skiff("rm", "-f", "one")
        wait_for(lambda: self.state(self.infra("p")) == "exited", 60, message="the infra container to end with the last member")

    def test_a_restart_is_no_end_for_the_exit_policy(self):
        self.skiff("pod", "create", "--exit-policy", "stop", "p")
        self.member("p", "m")
        before = self.state(self.infra("p"), "State.Pid")
        for _ in range(3):
            self.skiff("restart", "m")
            self.assertEqual((self.state("m"), self.state(self.infra("p"), "State.Pid")), ("running", before))
        # One that does not come up again is an end.
        self.skiff("create", "--pod", "p", "--name", "wrong", "busybox", "/no/such")
        self.skiff("stop", "m")
        self.skiff("rm", "m")
        self.skiff("restart", "wrong", code=127)
        self.skiff("rm", "wrong")
        self.wait_status("p", "Exited")

    def test_exit_policy_stop_when_all_end_at_once(self):
        names = [f"m{i}" for i in range(4)]
        self.skiff("pod", "create", "--exit-policy", "stop", "p")
        for name in names:
            self.member("p", name)
        pids = [int(self.state(name, "State.Pid")) for name in names]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.wait_status("p", "Exited")

    def test_exit_policy_stop_after_a_killed_monitor(self):
        self.skiff("pod", "create", "--exit-policy", "stop", "p")
        self.member("p", "m")
        os.kill(int(self.state("m", "State.ConmonPid")), signal.SIGKILL)
        wait_for(lambda: self.state("m") == "exited", 60, message="the member to have ended")
        self.skiff("volume", "prune", "-f")  # any command that changes something heals
        self.wait_status("p", "Exited")

    def test_a_short_member_does_not_end_a_start(self):
        self.skiff("pod", "create", "--exit-policy", "stop", "p")
        self.skiff("create", "--pod", "p", "--name", "short", "busybox", "true")
        self.skiff("create", "--pod", "p", "--name", "long", "--stop-timeout", "0", "busybox", "sleep", "1000")
        for _ in range(3):
            self.skiff("pod", "start", "p")
            self.assertEqual(self.state("long"), "running")
            self.assertEqual(self.namespaces("long")["net"], self.namespaces(self.infra("p"))["net"])
            self.skiff("pod", "stop", "p")
        self.skiff("rm", "long")
        self.skiff("pod", "start", "p")
        self.wait_status("p", "Exited")

    def test_rm_refuses_what_runs(self):
        self.skiff("pod", "create", "p")
        member = self.member("p", "m")
        self.skiff_fails("pod", "rm", "p", says=f"cannot remove container {member} as it is running - running or paused "
                                                "containers cannot be removed without force: container state improper")
        self.assertEqual(self.status("p"), "Running")
        # What is refused is not stopped either.
        self.skiff_fails("rm", "-f", self.infra("p"), code=2, says="is the infra container of pod")
        self.assertEqual(self.status("p"), "Running")
        self.skiff("stop", "m")
        # Nor is somebody else's network taken away.
        infra = self.infra("p")
        guest = self.skiff("create", "--name", "guest", "--network", f"container:{infra}", "busybox", "true").word
        self.skiff_fails("pod", "rm", "-f", "p",
                         says=f"container {infra} has dependent containers which must be removed before it: {guest}: container already exists")
        self.skiff("rm", "guest")
        # The infra container alone does not count.
        self.skiff("pod", "rm", "p")
        self.assertEqual(self.skiff("ps", "-aq").lines, [])

    def test_start_says_what_failed(self):
        self.skiff("pod", "create", "p")
        broken = self.skiff("create", "--pod", "p", "--name", "broken", "busybox", "/nope").word
        self.skiff("create", "--pod", "p", "--name", "good", "--stop-timeout", "0", "busybox", "sleep", "1000")
        done = self.skiff("pod", "start", "p", code=127)
        self.assertIn(f"Error: starting container {broken}: ", done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.state("good"), "running")

    def test_pause(self):
        self.skiff("pod", "create", "p")
        self.member("p", "m", "--cgroups", "enabled")
        if self.skiff("pause", "m", check=False).code:
            done = self.skiff_fails("pod", "pause", "p")
            self.assertEqual(done.stdout, "")
            self.skiff("pod", "unpause", "p")
            return
        self.assertEqual(self.status("p"), "Paused")
        self.skiff("pod", "unpause", "p")
        self.assertEqual(self.status("p"), "Running")
        self.skiff("pod", "pause", "p")
        self.assertEqual(self.state("m"), "paused")
        self.skiff("pod", "unpause", "p")


class Faults(PodTest):
    def check_mended(self):
        """A start brings all back into the same namespaces."""
        self.skiff("pod", "start", "p")
        self.assertEqual(self.status("p"), "Running")
        infra = self.namespaces(self.infra("p"))
        for name in ("one", "two"):
            self.assertEqual({kind: self.namespaces(name)[kind] for kind in ("net", "ipc", "uts")},
                             {kind: infra[kind] for kind in ("net", "ipc", "uts")})

    def two(self, *options):
        self.skiff("pod", "create", *options, "p")
        for name in ("one", "two"):
            self.member("p", name)

    def test_restart_of_all_leaves_the_namespaces(self):
        self.two()
        before = self.namespaces(self.infra("p"))["net"]
        self.skiff("restart", "-t", "0", "--all")
        self.assertEqual([self.namespaces(name)["net"] for name in ("one", "two", self.infra("p"))], [before] * 3)

    def test_killed_infra_container(self):
        self.two()
        self.skiff("kill", self.infra("p"))
        self.wait_status("p", "Degraded")
        self.assertEqual(self.state("one"), "running")
        self.check_mended()

    def test_killed_infra_monitor(self):
        self.two()
        os.kill(int(self.state(self.infra("p"), "State.ConmonPid")), signal.SIGKILL)
        self.wait_status("p", "Degraded")
        self.check_mended()

    def test_infra_started_anew_by_one_member(self):
        self.two()
        self.skiff("kill", self.infra("p"))
        self.wait_status("p", "Degraded")
        self.skiff("restart", "-t", "0", "one")
        self.assertNotEqual(self.namespaces("two")["net"], self.namespaces("one")["net"])
        self.check_mended()

    def test_a_restart_policy_follows_a_new_infra_container(self):
        """A member that its monitor starts again is in the namespaces of now, and known by name there."""
        self.skiff("pod", "create", "--exit-policy", "stop", "p")
        self.member("p", "one", "--restart", "always")
        self.member("p", "two")
        self.skiff("kill", self.infra("p"))
        self.wait_status("p", "Degraded")
        self.skiff("restart", "-t", "0", "two")
        new = self.namespaces(self.infra("p"))["net"]
        before = self.state("one", "State.Pid")
        os.kill(int(before), signal.SIGKILL)
        wait_for(lambda: self.state("one") == "running" and self.state("one", "State.Pid") not in ("0", before), 60)
        self.assertEqual([self.namespaces(name)["net"] for name in ("one", "two")], [new] * 2)
        self.assertEqual(self.skiff("exec", "two", "grep", "-c", "one$", "/etc/hosts").word, "1")
        self.wait_status("p", "Running")

    def test_hosts_forgets_who_was_removed(self):
        """By rm, by its own end, and by the command that waited for it; what looks alike stays."""
        def names():
            text = self.skiff("exec", "stays", "cat", "/etc/hosts").lines
            return [line.split()[1] for line in text if line.startswith("127.0.0.1\t") and "localhost" not in line]
        self.skiff("pod", "create", "--add-host", "xgone:127.0.0.1", "p")
        for name, options in (("stays", ()), ("gone", ()), ("ends", ("--rm",))):
            self.member("p", name, *options)
        self.assertEqual(self.skiff("run", "--rm", "--pod", "p", "--name", "brief", "busybox", "grep", "-c", "brief$", "/etc/hosts").word, "1")
        own = [name for name in names() if name not in ("xgone", "stays", "gone", "ends")]
        self.assertEqual(names(), ["xgone", *own, "stays", "gone", "ends"])
        self.skiff("rm", "-f", "gone")
        self.skiff("stop", "ends")
        wait_for(lambda: names() == ["xgone", *own, "stays"], 60, message="the names of removed members to go")
        self.member("p", "gone")
        self.assertEqual(names(), ["xgone", *own, "stays", "gone"])

    def test_start_and_exit_policy_at_once(self):
        """A member that starts while the infra container is being stopped is never in namespaces that go."""
        self.skiff("pod", "create", "--exit-policy", "stop", "p")
        self.member("p", "one")
        self.member("p", "two")
        cleanup = Path("/proc") / self.state("one", "State.ConmonPid") / "stat"
        self.skiff("stop", "one")
        wait_for(lambda: not read_text(cleanup) or ") Z " in read_text(cleanup), 60, message="the first member's own clean-up to have ended")
        monitor = int(self.state(self.infra("p"), "State.ConmonPid"))
        turn = self.state_directories()["store/containers"].parent / "pods/p/turn"
        earlier = turn.read_text(encoding="utf-8")
        os.kill(monitor, signal.SIGSTOP)
        try:
            os.kill(int(self.state("two", "State.Pid")), signal.SIGKILL)
            wait_for(lambda: turn.read_text(encoding="utf-8") not in ("", earlier), 60, message="the last member's clean-up to have its turn")
            starter = self.start("start", "one")
            try:
                starter.wait(timeout=1)  # it would not wait for the infra container's end
            except subprocess.TimeoutExpired:
                pass
        finally:
            os.kill(monitor, signal.SIGCONT)
        _, err = starter.communicate(timeout=120)
        self.assertEqual(starter.returncode, 0, err)
        # Under load the start may have been first: then nothing was stopped.
        wait_for(lambda: self.state(self.infra("p")) == "running", 20, message="an infra container that runs")
        self.assertEqual(self.namespaces("one")["net"], self.namespaces(self.infra("p"))["net"])

    def test_check_tells_of_a_missing_infra_container(self):
        self.skiff("pod", "create", "--memory", "64m", "p")
        self.skiff("create", "--pod", "p", "--name", "m", "busybox", "true")
        infra = self.infra("p")
        self.assertEqual(self.skiff("system", "check", "--quick").stderr, "")
        containers = self.state_directories()["store/containers"]
        (containers.parent / "names" / self.state(infra, "Name").lstrip("/")).unlink()
        subprocess.run(["rm", "-r", str(containers / infra)], check=True)
        self.assertEqual(self.skiff("pod", "inspect", "p").json[0]["Name"], "p")
        told = self.skiff("system", "check", "--quick", check=False)
        self.assertEqual(told.code, 125, str(told))
        self.assertIn(f"pod p: its infra container {infra[:12]} is missing", told.stdout + told.stderr)
        self.assertIn("skiff pod rm -f p removes it with its members", told.stdout + told.stderr)
        self.skiff("pod", "rm", "-f", "p")
        self.assertEqual(self.skiff("ps", "-aq").lines, [])
        self.skiff("system", "check", "--quick")

    def test_all_monitors_killed_and_removed(self):
        self.two("--network", "none")
        for name in (self.infra("p"), "one", "two"):
            os.kill(int(self.state(name, "State.ConmonPid")), signal.SIGKILL)
        self.wait_status("p", "Exited")
        self.check_mended()
        self.skiff("pod", "rm", "-f", "p")
        self.assertEqual(self.skiff("ps", "-aq").lines, [])
        store = self.state_directories()["store/containers"].parent
        self.assertEqual([path.name for path in (store / "pods").iterdir() if not path.name.startswith(".")], [])

    def test_an_infra_container_without_a_pod_is_swept(self):
        self.skiff("pod", "create", "-v", "/data", "p")
        store = self.state_directories()["store/containers"].parent
        # What a kill between the two records leaves: the infra container, and a stage that nobody holds.
        for path in sorted((store / "pods/p").iterdir()):
            path.unlink()
        (store / "pods/p").rmdir()
        (store / "staging/left").mkdir(mode=0o700)
        (store / "staging/left/lease").touch(mode=0o600)
        self.assertEqual((len(self.skiff("ps", "-aq").lines), len(self.skiff("volume", "ls", "-q").lines)), (1, 1))
        self.skiff("pod", "prune", "-f")
        self.assertEqual(self.skiff("ps", "-aq").lines, [])
        self.assertEqual(self.skiff("volume", "ls", "-q").lines, [])

    def test_many_at_once(self):
        self.skiff("pod", "create", "p")
        starters = [self.start("run", "-d", "--pod", "p", "--name", f"m{i}", "--stop-timeout", "0", "busybox", "sleep", "1000")
                    for i in range(6)]
        for starter in starters:
            out, err = starter.communicate(timeout=120)
            self.assertEqual(starter.returncode, 0, err)
        self.assertEqual(self.status("p"), "Running")
        nets = {self.namespaces(f"m{i}")["net"] for i in range(6)}
        self.assertEqual(nets, {self.namespaces(self.infra("p"))["net"]})
        removers = [self.start("pod", "rm", "-f", "-i", "p") for _ in range(3)]
        for remover in removers:
            out, err = remover.communicate(timeout=120)
            self.assertEqual(remover.returncode, 0, err)
        self.assertEqual(self.skiff("ps", "-aq").lines, [])
