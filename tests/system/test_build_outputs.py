# SPDX-License-Identifier: Apache-2.0
"""skiff build: where the result goes besides the store, and what it is made from besides the Dockerfile."""

import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tarfile

from tests.support.fault_registry import FaultRegistry, Image, Response
from tests.support.registry import Registry
from tests.support.skiff import SLOWNESS, of_processes, wait_for
from tests.system.test_build import BuildTest

FILES = """
FROM busybox AS made
RUN mkdir -p /out/deep && echo one > /out/one && echo two > /out/deep/two && ln -s /etc/passwd /out/link
FROM scratch
COPY --from=made /out /
"""


def open_files(pid):
    """What the descriptors of a process lead to."""
    directory = f"/proc/{pid}/fd"
    links = []
    for name in os.listdir(directory):
        try:
            links.append(os.readlink(f"{directory}/{name}"))
        except OSError:
            continue
    return links


class Outputs(BuildTest):
    def out(self, name="out"):
        return self.tmp / f"{self.id().rpartition('.')[2]}-{name}"

    def output(self, value, *options, text=FILES, **more):
        return self.build("-o", value, *options, text=text, **more)

    def test_local(self):
        out = self.out() / "with" / "parents"
        self.output(out)
        self.assertEqual((out / "one").read_text(), "one\n")
        self.assertEqual((out / "deep/two").read_text(), "two\n")
        self.assertEqual(os.readlink(out / "link"), "/etc/passwd")
        self.assertEqual((out / "one").stat().st_uid, os.getuid())
        (out / "stays").write_text("x")
        self.output(f"type=local,dest={out}")
        self.assertEqual((out / "stays").read_text(), "x")

    def test_local_follows_no_link_out_of_the_directory(self):
        """What stands in the directory may be hostile, too: an earlier image wrote it."""
        out, canary = self.out(), self.out("canary")
        out.mkdir()
        canary.mkdir()
        (out / "deep").symlink_to(canary)
        (out / "one").symlink_to(canary / "target")
        self.build("-o", out, text=FILES, check=False)
        self.assertEqual(list(canary.iterdir()), [])

    def test_local_of_owners_and_modes(self):
        self.need_ids()
        out = self.out()
        self.output(out, text="FROM busybox AS a\nRUN mkdir /o && echo s > /o/s && chown 5:6 /o/s && chmod 600 /o/s\n"
                              "FROM scratch\nCOPY --from=a /o /\n")
        self.assertEqual((out / "s").read_text(), "s\n")
        self.assertEqual((out / "s").stat().st_uid, os.getuid())

    def test_local_gives_nobody_a_privilege(self):
        """A program of a stranger's image that is set-id would be so for the user's own id, to all others."""
        out = self.out()
        text = ("FROM busybox AS a\nRUN mkdir /o /o/d && cp /bin/busybox /o/suid && chmod 6755 /o/suid && chmod 3777 /o/d\n"
                "FROM scratch\nCOPY --from=a /o /\n")
        self.output(out, text=text)
        self.assertEqual((out / "suid").stat().st_mode & 0o7777, 0o755)
        self.assertEqual((out / "d").stat().st_mode & 0o7777, 0o1777)
        tar = self.out("t.tar")
        self.output(f"type=tar,dest={tar}", text=text)
        with tarfile.open(tar) as archive:
            modes = {member.name.lstrip("./"): member.mode for member in archive.getmembers()}
        self.assertEqual((modes["suid"], modes["d"]), (0o6755, 0o3777))

    def test_tar(self):
        out = self.out("t.tar")
        self.output(f"type=tar,dest={out}")
        with tarfile.open(out) as archive:
            self.assertLessEqual({"one", "deep", "deep/two", "link"}, {name.lstrip("./") for name in archive.getnames()})
        self.assertEqual(list(out.parent.glob("*.part")), [])

    def test_tar_on_standard_output(self):
        """Nothing but the archive: what is told goes to standard error."""
        for value in ("-", "type=tar,dest=-", "type=oci,dest=-", "type=docker,dest=-"):
            with self.subTest(value):
                self.write(FILES)
                command = [self.skiff_path(), *map(str, self.roots()), "build", "--network", "none", "-t", "made", "-o", value, str(self.context)]
                done = subprocess.run(command, env=self.environment(), capture_output=True, check=False, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                path = self.out("piped.tar")
                path.write_bytes(done.stdout)
                with tarfile.open(path) as archive:
                    self.assertTrue(archive.getnames())
                self.assertIn(b"COMMIT", done.stderr)

    def skiff_path(self):
        return shutil.which("skiff", path=self.environment()["PATH"])

    def test_oci_and_docker_archives(self):
        for kind in ("oci", "docker"):
            with self.subTest(kind):
                out = self.out(kind + ".tar")
                self.output(f"type={kind},dest={out}")
                image = self.skiff("image", "inspect", "made").json[0]["Id"]
                self.skiff("rmi", "-f", "made")
                self.assertIn("localhost/made:latest", self.skiff("load", "-i", out).stdout)
                self.assertEqual(self.skiff("image", "inspect", "made").json[0]["Id"], image)

    def test_oci_directory_is_what_others_read(self):
        out = self.out("layout")
        self.output(f"type=oci,tar=false,dest={out}")
        checked = 0
        if shutil.which("skopeo"):
            told = subprocess.run(["skopeo", "inspect", f"oci:{out}:localhost/made:latest"], check=True, capture_output=True)
            self.assertEqual(len(json.loads(told.stdout)["Layers"]), 1)
            copy = self.out("copied")
            subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", f"oci:{out}:localhost/made:latest", f"dir:{copy}"],
                           check=True, capture_output=True)
            checked += 1
        if shutil.which("oci-image-tool"):
            subprocess.run(["oci-image-tool", "validate", "--type", "image", "--ref", "name=localhost/made:latest", out],
                           check=True, capture_output=True)
            checked += 1
        if shutil.which("umoci"):
            bundle = self.out("bundle")
            plain = self.out("plain")
            # umoci's tags have no slash.
            subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", f"oci:{out}:localhost/made:latest", f"oci:{plain}:made"],
                           check=True, capture_output=True)
            subprocess.run(["umoci", "unpack", "--rootless", "--image", f"{plain}:made", bundle], check=True, capture_output=True)
            self.assertEqual((bundle / "rootfs/deep/two").read_text(), "two\n")
            checked += 1
        self.need(checked, "no other tool is installed")

    # Links, marks of what was removed, an attribute of names that only pax can hold, and a layer of nothing.
    KINDS = ("FROM busybox AS base\nRUN mkdir -p /d/" + "long" * 40 + " && echo a > /d/a && ln /d/a /d/b && ln -s a /d/c && mkfifo /d/f "
             "&& echo x > /gone\nRUN rm -r /gone /etc/group && rm -r /d/long* && mkdir /d/new\nRUN true\nCOPY --link Dockerfile /l\nENV A=b\n")

    def test_all_we_write_is_what_others_read(self):
        """Archives, caches and images without a layer: by skopeo, which checks digests, and oci-image-tool."""
        self.need_program("skopeo")
        several = self.KINDS + "FROM scratch\nCOPY --from=base /d /d\n"
        for transport, option, value, text in (
                ("oci-archive", "--output", "type=oci,dest={}", self.KINDS), ("docker-archive", "--output", "type=docker,dest={}", self.KINDS),
                ("oci", "--output", "type=oci,tar=false,dest={}", self.KINDS), ("oci", "--cache-to", "type=local,dest={}", several),
                ("oci", "--cache-to", "type=local,mode=max,dest={}", several),
                ("oci", "--output", "type=oci,tar=false,dest={}", "FROM scratch\nLABEL a=b\n")):
            for form in ("oci", "docker"):
                with self.subTest(text=text[-40:], value=value, format=form):
                    out = self.out("written")
                    self.build("--format", form, option, value.format(out), text=text)
                    self.read_by_others(transport, out)
                    (shutil.rmtree if out.is_dir() else os.unlink)(out)

    def read_by_others(self, transport, out):
        """Everything in an archive or layout; its names are in its index."""
        entries = json.loads((out / "index.json").read_text())["manifests"] if transport == "oci" else []
        names = [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries]
        for name in names or [""]:
            copy = self.out("copy")
            self.other("skopeo", "--insecure-policy", "copy", "-q", f"{transport}:{out}{name and ':'}{name}", f"dir:{copy}")
            shutil.rmtree(copy)
            if name and shutil.which("oci-image-tool"):
                self.other("oci-image-tool", "validate", "--type", "image", "--ref", f"name={name}", out)

    def other(self, *argv):
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_makes_no_sense(self):
        self.write(FILES)
        for value, says in (("type=nonsense,dest=x", 'invalid type "nonsense"'), ("dest=x", 'missing required key "type"'),
                            ("type=local", 'missing required key "dest"'), ("type=tar,dst=x", 'unrecognized key "dst"'),
                            ("type=tar,tar", "expected format key=value"), ("", "empty")):
            with self.subTest(value):
                self.skiff_fails("build", "-o", value, self.context, says=says)
        self.skiff_fails("build", "-o", "type=registry", self.context, says="it needs a name")
        self.skiff_fails("build", "--platform", "linux/amd64,linux/arm64", "-o", "type=tar,dest=x", self.context,
                         says="one platform")

    def test_metadata_file_and_iidfile(self):
        told, iid = self.out("metadata.json"), self.out("iid")
        self.build("--metadata-file", told, "--iidfile", iid, text="FROM busybox\nENV A=1\n")
        self.assertEqual(json.loads(told.read_text()),
                         {"containerimage.config.digest": iid.read_text(), "image.name": "made"})

    def test_squash_all(self):
        self.build("--squash-all", text="FROM busybox\nRUN echo a > /a\nRUN rm /etc/group && echo b > /b\nENV X=1\n")
        self.assertEqual(len(self.layers()), 1)
        self.assertEqual(self.inside("sh", "-c", "cat /a /b; test -e /etc/group || echo gone; ls -d /bin/busybox"),
                         "a\nb\ngone\n/bin/busybox\n")
        self.assertIn("X=1", self.config()["Env"])
        layers = self.layers()
        self.build("--squash-all")
        self.assertEqual(self.layers(), layers)
        self.assertEqual(self.skiff("system", "check").code, 0)

    def test_from_env_labels_and_history(self):
        self.build(text="FROM busybox\nENV A=1 B=2\nLABEL keep=1 drop=2\n", tag="base")
        arguments = self.out("args")
        arguments.write_text("# of the build\n\nV=from the file\n")
        self.build("--from", "base", "--unsetenv", "A", "--unsetlabel", "drop", "--omit-history", "--build-arg-file",
                   arguments, text="FROM nonexistent.invalid/x\nARG V\nLABEL v=$V\n")
        config = self.config()
        self.assertIn("B=2", config["Env"])
        self.assertNotIn("A=1", config["Env"])
        self.assertEqual({k: config["Labels"].get(k) for k in ("keep", "drop", "v")},
                         {"keep": "1", "drop": None, "v": "from the file"})
        self.assertNotIn("history", json.loads(self.stored("made")))

    def test_annotations_env_and_labels(self):
        self.build(text="FROM busybox\nLABEL inherited=1\nENV A=1\n", tag="base")
        out = self.out("layout")
        self.build("--annotation", "org.example.note=two words", "--env", "A=2", "--env", "FROM_US", "--inherit-labels=false",
                   "-o", f"type=oci,tar=false,dest={out}", text="FROM base\nLABEL own=1\n", env={"FROM_US": "x"})
        config = self.config()
        self.assertLessEqual({"A=2", "FROM_US=x"}, set(config["Env"]))
        self.assertEqual(config["Labels"], {"own": "1"})
        entry, = json.loads((out / "index.json").read_text())["manifests"]
        manifest = json.loads((out / "blobs/sha256" / entry["digest"][7:]).read_text())
        self.assertEqual(manifest["annotations"], {"org.example.note": "two words"})
        self.skiff_fails("build", "--annotation", "nothing", self.context, says="nothing")

    def test_other_ways_to_say_a_platform(self):
        self.build("--arch", "riscv64", text="FROM scratch\nENV A=1\n")
        self.assertEqual(self.skiff("image", "inspect", "made").json[0]["Architecture"], "riscv64")
        self.skiff_fails("build", "--arch", "riscv64", "--platform", "linux/amd64", self.context,
                         says="can not be specified with")
        self.skiff_fails("build", "--isolation", "chroot", self.context, says='no isolation "chroot"')

    def test_agents(self):
        """Several agents, each under its id."""
        paths = {name: self.tmp / f"{name}.sock" for name in ("one", "two")}
        for path in paths.values():
            listener = socket.socket(socket.AF_UNIX)
            self.addCleanup(listener.close)
            listener.bind(str(path))
            os.chmod(path, 0o666)
        self.write("FROM busybox\nRUN --mount=type=ssh,id=one,target=/1 --mount=type=ssh,id=two,target=/2,required "
                   "--mount=type=ssh,id=none,target=/3 test -S /1 && test -S /2 && test ! -e /3\n")
        self.build("--ssh", f"one={paths['one']}", "--ssh", f"two={paths['two']}")
        self.skiff_fails("build", "--no-cache", "--network", "none", "--ssh", f"one={paths['one']}", self.context,
                         says="ssh required but no --ssh two was given")
        self.skiff_fails("build", "--ssh", f"one={paths['one']},{paths['two']}", self.context, says="an agent's socket stands alone")
        self.skiff_fails("build", "--ssh", f"dir={self.context}", self.context, says="neither an agent's socket nor a key")

    def stored(self, name):
        image = self.skiff("image", "inspect", name).json[0]["Id"]
        store = self.state_directories()["store/names"].parent
        return (store / "images" / image / "config.json").read_text()


# What a step asks an agent for that only its owner may ask: all but 11 and 13.
HOSTILE_CLIENT = """
import os, socket, struct
def ask(payload):
    agent = socket.socket(socket.AF_UNIX)
    agent.connect(os.environ["SSH_AUTH_SOCK"])
    agent.sendall(struct.pack(">I", len(payload)) + payload)
    head = agent.recv(4, socket.MSG_WAITALL)
    return agent.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL) if head else b""
half = socket.socket(socket.AF_UNIX)
half.connect(os.environ["SSH_AUTH_SOCK"])
half.sendall(b"\\0\\0\\0")
for kind in [1, 9, 12, 17, 18, 19, 20, 21, 22, 23, 25, 26, 27, 255]:
    for body in (b"", struct.pack(">I", 4) + b"word", bytes(300)):
        assert ask(bytes([kind]) + body) == b"\\5", kind
for size in (0, 262145, 0xffffffff):
    half = socket.socket(socket.AF_UNIX)
    half.connect(os.environ["SSH_AUTH_SOCK"])
    half.sendall(struct.pack(">I", size) + b"x" * 1000)
    assert half.recv(1) == b"", size
assert ask(bytes([11]))[0] == 12
"""


class Agents(BuildTest):
    """RUN --mount=type=ssh with OpenSSH's programs, those of the host."""

    PROGRAMS = ["-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro"]

    def setUp(self):
        super().setUp()
        self.need(shutil.which("ssh-agent") and shutil.which("ssh-add") and shutil.which("ssh-keygen"), "OpenSSH")
        self.keys = [self.make_key(name) for name in ("first", "second")]

    def make_key(self, name, passphrase=""):
        path = self.tmp / f"{self.context.name}-{name}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", path], check=True)
        return path

    def agents(self):
        return [line for line in of_processes("cmdline") if b"ssh-agent" in line]

    def build_with(self, ssh, *options, **more):
        return self.build("--no-cache", *self.PROGRAMS, *(word for value in ssh for word in ("--ssh", value)), *options, **more)

    def test_keys(self):
        """An agent for the files of keys: it lists and signs, as whoever the mount is for, and ends with the build."""
        self.need_ids()
        first, second = self.keys
        (self.context / "key.pub").write_text(second.with_suffix(".pub").read_text())
        self.write("FROM busybox\nCOPY key.pub /key.pub\nRUN chmod 1777 /tmp\n"
                   "RUN --mount=type=ssh,required ssh-add -L | cut -d' ' -f3 > /keys\n"
                   "RUN --mount=type=ssh,id=one,target=/one ssh-add -L | cut -d' ' -f3 > /one-key\n"
                   "USER 1000\nRUN --mount=type=ssh,uid=1000 echo text > /tmp/text && "
                   "ssh-keygen -q -Y sign -f /key.pub -n test /tmp/text\n")
        self.build_with([f"default={first},{second}", f"one={first}"])
        self.assertEqual(self.inside("cat", "/keys", "/one-key"), "first\nsecond\nfirst\n")
        self.assertIn("BEGIN SSH SIGNATURE", self.inside("cat", "/tmp/text.sig"))
        self.assertEqual(self.agents(), [])

    def test_keys_that_are_none(self):
        self.write("FROM busybox\n")
        locked = self.make_key("locked", "a passphrase")
        for path in (locked, self.context / "Dockerfile", "/dev/null"):
            done = self.skiff_fails("build", "--ssh", f"default={path}", self.context)
            self.assertIn(str(path), done.stderr)
        self.assertIn("is no key that ssh-add takes", self.skiff_fails("build", "--ssh", f"x={locked}", self.context).stderr)
        self.assertEqual(self.agents(), [])

    def test_a_step_has_no_power_over_an_agent(self):
        """The user's own agent keeps its keys, is not locked and gets no others (security 1.4)."""
        first, second = self.keys
        (self.context / "client").write_text(HOSTILE_CLIENT)
        (self.context / "key").write_text(second.read_text())
        directory = self.tmp / f"{self.context.name}-{'long' * 20}"
        directory.mkdir()
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", "agent"], cwd=directory, stdout=subprocess.PIPE)
        self.addCleanup(agent.wait)
        self.addCleanup(agent.terminate)
        self.addCleanup(agent.stdout.close)
        agent.stdout.readline()
        env = {"SSH_AUTH_SOCK": "agent", "PATH": os.environ["PATH"]}
        subprocess.run(["ssh-add", "-q", first], env=env, cwd=directory, check=True)
        self.write("FROM busybox\nCOPY --chmod=600 client key /\nRUN --mount=type=ssh python3 /client && ! ssh-add -D && ! ssh-add /key && "
                   "ssh-add -L | cut -d' ' -f3 > /keys\n")
        self.build_with(["default"], env={"SSH_AUTH_SOCK": str(directory / "agent")})
        self.assertEqual(self.inside("cat", "/keys"), "first\n")
        left = subprocess.run(["ssh-add", "-L"], env=env, cwd=directory, check=True, capture_output=True, text=True).stdout
        self.assertEqual([line.split()[2] for line in left.splitlines()], ["first"])

    def test_a_build_that_is_killed(self):
        """No agent and no relay outlives it."""
        self.write("FROM busybox\nRUN --mount=type=ssh echo run''ning; sleep 600\n")
        for progress in ("plain", "json"):
            build = self.start("build", "--network", "none", "--progress", progress, "--ssh", f"default={self.keys[0]}", self.context,
                               stderr=subprocess.STDOUT)
            wait_for(lambda: b"running" in build.stdout.readline(), timeout=60, message="the step")
            self.assertEqual(len(self.agents()), 1)
            build.kill()
            build.wait(60 * SLOWNESS)
            wait_for(lambda: not self.agents(), timeout=60, message="the end of the agent")
            wait_for(lambda: not [line for line in of_processes("cmdline") if b"skiff-monitor" in line], timeout=60, message="the end of the step")
            self.skiff("build", "-q", "-", input="FROM busybox\nENV A=b\n")  # sweeps


class Options(BuildTest):
    def test_unused_stages(self):
        self.write("FROM busybox AS first\nRUN echo ran > /1\nFROM busybox AS unused\nRUN exit 9\n"
                   "FROM first AS last\nENV A=1\nFROM busybox AS later\nRUN exit 8\n")
        build = ("build", "--network", "none", "--target", "last")
        self.skiff(*build, self.context)
        self.skiff(*build, "--skip-unused-stages", self.context)
        for jobs in "12":
            done = self.skiff_fails(*build, "--jobs", jobs, "--skip-unused-stages=false", self.context, code=9,
                                    says="exit status 9")
            # Those behind the target are no part of it.
            self.assertNotIn("exit 8", done.stdout)

    def test_logfile(self):
        log = self.tmp / "build.log"
        log.write_text("of before\n")
        text = "FROM busybox\nRUN echo to-out; echo to-err >&2\n"
        for progress in ("auto", "plain", "json"):
            done = self.build("--no-cache", "--progress", progress, "--logfile", log, text=text)
            self.assertEqual(done.stdout + done.stderr, "")
            lines = log.read_text()
            image = self.skiff("image", "inspect", "made").json[0]["Id"]
            for word in ("to-out", "to-err", "RUN echo", image):
                self.assertIn(word, lines)
            self.assertNotIn("of before", lines)
        log.unlink()
        # An output on standard output has that for itself.
        done = self.build("-o", "-", "--logfile", log, text="FROM scratch\nCOPY Dockerfile /it\n")
        self.assertIn("FROM scratch", done.stdout)
        self.assertIn("STEP 1/2", log.read_text())
        self.assertEqual(log.stat().st_mode & 0o777, 0o600)
        # What goes wrong is said to whoever waits.
        self.write("FROM busybox\nRUN echo last words; exit 7\n")
        done = self.skiff_fails("build", "--network", "none", "--logfile", log, self.context, code=7, says="exit status 7")
        self.assertEqual(done.stdout, "")
        self.assertIn("\nlast words\n", log.read_text())
        self.skiff_fails("build", "--logfile", self.tmp / "none/log", self.context, says="No such file or directory")

    def test_standard_input(self):
        text = "FROM busybox\nRUN cat > /got\n"
        self.build(text=text, input="words\n")
        self.assertEqual(self.inside("cat", "/got"), "")
        for progress in ("plain", "json"):
            self.build("--no-cache", "--stdin", "--progress", progress, text=text, input=f"{progress}\n")
            self.assertEqual(self.inside("cat", "/got"), f"{progress}\n")
        # The second finds its end.
        self.build("--no-cache", "--stdin", text=text + "RUN cat > /more\n", input="all\n")
        self.assertEqual(self.inside("cat", "/got", "/more"), "all\n")

    def test_retries(self):
        with FaultRegistry(script=lambda r: Response(503) if r.is_manifest else None) as registry:
            self.write(f"FROM {registry.host}/base\n")
            for retries, requests in (("0", 1), ("2", 3)):
                registry.requests.clear()
                self.skiff_fails("build", "--tls-verify=false", "--retry", retries, "--retry-delay", "10ms", self.context)
                self.assertEqual(sum(r.is_manifest for r in registry.requests), requests)
        self.skiff_fails("build", "--retry", "often", self.context, says="often")

    def test_an_image_is_asked_for_once(self):
        """With --pull=always, too, by however many stages, and by ENV of one that another process ran."""
        image = Image(name="base")
        self.write("".join(f"FROM REGISTRY/base AS s{i}\nENV A={i}\n" for i in range(3)) +
                   "FROM s0 AS s3\nENV B=$A\nFROM REGISTRY/base\nCOPY --from=s1 /file0 /1\nCOPY --from=s2 /file0 /2\n"
                   "COPY --from=s3 /file0 /3\nCOPY --from=REGISTRY/base /file0 /4\n")
        with FaultRegistry(image) as registry:
            self.write((self.context / "Dockerfile").read_text().replace("REGISTRY", registry.host))
            for jobs in "13":
                registry.requests.clear()
                self.build("--tls-verify=false", "--pull=always", "--jobs", jobs)
                asked = [r.target for r in registry.requests if r.is_manifest]
                self.assertEqual(len(asked), 1, asked)

    def test_host_name_of_the_image(self):
        text = "FROM busybox\nCOPY name /etc/hostname\nRUN cat /etc/hostname > /seen\n"
        (self.context / "name").write_text("of-the-image\n")
        self.write(text)
        self.build()
        self.assertNotIn("of-the-image", self.inside("cat", "/seen"))
        self.build("--no-hostname")
        self.assertEqual(self.inside("cat", "/seen"), "of-the-image\n")

    def test_what_is_always_so(self):
        self.build("--runtime", "crun", "--userns", "host", text="FROM scratch\nENV A=1\n")
        for option, says in ((["--runtime", "kata"], "skiff runs containers itself: there is no runtime \"kata\""),
                             (["--runtime-flag", "debug"], "--runtime-flag: skiff runs containers itself"),
                             (["--userns", "auto"], "every RUN has the user namespace of the store"),
                             (["--userns-uid-map", "0:1:1"], "every RUN has the user namespace of the store"),
                             (["--all-platforms"], "unsupported flag: --all-platforms: base images are not asked"),
                             (["--logsplit"], "unsupported flag: --logsplit: platforms are built one after the other")):
            self.skiff_fails("build", *option, self.context, says=says)


class Mounts(BuildTest):
    def test_a_part_of_a_stage(self):
        self.build(text="""
FROM busybox AS made
RUN mkdir -p /a/b && echo file > /a/b/f && ln -s /a/b /link && chmod 751 /a/b
FROM busybox
RUN --mount=type=bind,from=made,source=/a/b,target=/m cat /m/f > /got && stat -c %a /m >> /got
RUN --mount=type=bind,from=made,source=/a/b/f,target=/x/file cat /x/file >> /got && ! echo no > /x/file
RUN --mount=type=bind,from=made,source=link/f,target=/x/file,rw echo new > /x/file && cat /x/file >> /got
RUN --mount=type=bind,from=made,source=/a,target=/m,rw echo more > /m/b/f && cat /m/b/f >> /got
RUN --mount=type=bind,from=made,source=/a/b/f,target=/m cat /m >> /got; ls /x >> /got 2>&1 || true
""")
        self.assertEqual(self.inside("cat", "/got"),
                         "file\n751\nfile\nnew\nmore\nfile\nls: /x: No such file or directory\n")
        self.skiff_fails("build", "-f", "-", self.context, says="/missing",
                         input="FROM busybox\nRUN --mount=type=bind,from=busybox,source=/missing,target=/m true\n")

    def test_a_source_that_looks_like_a_pattern(self):
        """As files of web frameworks are called; what it holds counts, not what the pattern would match."""
        (self.context / "[id]").mkdir(exist_ok=True)
        (self.context / "i").mkdir(exist_ok=True)
        (self.context / "i/page").write_text("other\n")
        text = ("FROM busybox AS made\nCOPY . /made\nFROM busybox\nRUN --mount=type=bind,source=[id],target=/m cat /m/page > /got\n"
                "RUN --mount=type=bind,from=made,source=/made/[id]/page,target=/p cat /p >> /got\n")
        for content in ("one\n", "two\n"):
            (self.context / "[id]/page").write_text(content)
            self.build(text=text)
            self.assertEqual(self.inside("cat", "/got"), content * 2)

    def test_a_source_that_leaves_its_root(self):
        """CVE-2024-1753: a link in the stage, or dots, lead no further than the stage's own root."""
        canary = self.tmp / "canary"
        canary.write_text("host\n")
        self.build(text=f"""
FROM busybox AS evil
RUN ln -s / /root-link && ln -s ../../../../../../../.. /up && ln -s {canary} /direct && mkdir /d && echo in > /d/f
FROM busybox
RUN --mount=type=bind,from=evil,source=/root-link,target=/m,rw ls /m/d > /seen; test ! -e /m{canary} && echo safe >> /seen
RUN --mount=type=bind,from=evil,source=../../../up/d,target=/m,rw cat /m/f >> /seen; echo changed > /m/f
""")
        self.assertEqual(self.inside("cat", "/seen"), "f\nsafe\nin\n")
        self.skiff_fails("build", "--network", "none", "-f", "-", self.context, says="No such file", input=f"""
FROM busybox AS evil
RUN ln -s {canary} /direct
FROM busybox
RUN --mount=type=bind,from=evil,source=/direct,target=/m,rw cat /m
""")
        self.assertEqual(canary.read_text(), "host\n")

    def test_a_file_of_the_context_that_may_be_written(self):
        self.write("FROM busybox\nRUN --mount=type=bind,source=f,target=/in/f,rw cat /in/f > /got && echo new > /in/f && "
                   "cat /in/f >> /got\n", f="old\n")
        self.build()
        self.assertEqual(self.inside("cat", "/got"), "old\nnew\n")
        self.assertEqual((self.context / "f").read_text(), "old\n")

    def test_a_directory_of_the_context_that_may_be_written(self):
        """CVE-2025-4953: what a step writes to it is no file of the host."""
        (self.context / "d").mkdir()
        (self.context / "d/f").write_text("old\n")
        self.write("FROM busybox\nRUN --mount=type=bind,source=d,target=/in,rw cat /in/f > /got && echo new > /in/f && touch /in/made && "
                   "cat /in/f >> /got\n")
        self.build()
        self.assertEqual(self.inside("cat", "/got"), "old\nnew\n")
        self.assertEqual({path.name: path.read_text() for path in (self.context / "d").iterdir()}, {"f": "old\n"})

    def test_a_cache_that_begins_with_files(self):
        text = """
FROM busybox AS seed
RUN mkdir /s && echo seeded > /s/f
FROM busybox
RUN --mount=type=cache,id=seeded,from=seed,source=/s,target=/c cat /c/f > /got && echo {0} >> /c/f
"""
        self.build(text=text.format("first"))
        self.assertEqual(self.inside("cat", "/got"), "seeded\n")
        self.build(text=text.format("second"))
        self.assertEqual(self.inside("cat", "/got"), "seeded\nfirst\n")
        self.skiff_fails("build", "-f", "-", self.context, says="needs from=",
                         input="FROM busybox\nRUN --mount=type=cache,source=/s,target=/c true\n")

    def test_owner_and_mode_of_a_new_cache(self):
        """Of one that begins with files, too."""
        self.need_ids()
        self.build(text="""
FROM busybox AS seed
RUN mkdir /s && echo seeded > /s/f
FROM busybox
RUN --mount=type=cache,id=owned-1,target=/c,uid=5,gid=6,mode=0750 stat -c "%u %g %a" /c > /got
RUN --mount=type=cache,id=owned-2,from=seed,source=/s,target=/c,uid=5,gid=6,mode=0750 stat -c "%u %g %a" /c >> /got; cat /c/f >> /got
""")
        self.assertEqual(self.inside("cat", "/got"), "5 6 750\n5 6 750\nseeded\n")

    def test_a_secret_by_its_source(self):
        """source is another word for id."""
        (self.context / "value").write_text("x\n")
        self.build("--secret", f"id=s,src={self.context / 'value'}",
                   text="FROM busybox\nRUN --mount=type=secret,source=s,target=/other,required wc -c < /other > /got\n")
        self.assertEqual(self.inside("cat", "/got").strip(), "2")

    def test_a_locked_cache_in_two_places(self):
        """The step that has the lock does not wait for itself."""
        mount = "--mount=type=cache,id=twice,sharing=locked,target="
        self.write(f"FROM busybox\nRUN {mount}/a {mount}/b echo x > /a/f && cat /b/f > /got\n")
        self.build(timeout=60)
        self.assertEqual(self.inside("cat", "/got"), "x\n")

    def test_a_cache_that_is_private_and_locked(self):
        """Each mount has a directory, and none waits for the other."""
        mount = "--mount=type=cache,id=mixed,"
        self.write(f"FROM busybox\nRUN {mount}sharing=private,target=/a {mount}sharing=locked,target=/b "
                   "echo x > /a/f && ls /b > /got\n")
        self.build(timeout=60)
        self.assertEqual(self.inside("cat", "/got"), "")

    def test_caches_are_locked_in_one_order(self):
        """Who waits for a lock holds none that comes later, whatever the order of the mounts."""
        self.build(text="FROM busybox\nRUN --mount=type=cache,id=warm,target=/c true\n")
        mounts = self.state_directories()["store/names"].parent / "cache/build/mounts"
        ids = sorted(("order1", "order2"), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
        first, last = (mounts / f".{hashlib.sha256(name.encode()).hexdigest()}.lock" for name in ids)
        self.write("FROM busybox\nRUN " + " ".join(f"--mount=type=cache,sharing=locked,id={name},target=/{name}"
                                                   for name in reversed(ids)) + " echo done > /got\n")
        with open(first, "w", encoding="ascii") as lock:
            os.chown(first, self.state_directories()["store/names"].stat().st_uid, -1)
            fcntl.lockf(lock, fcntl.LOCK_EX)
            build = self.start("build", "--network", "none", "-t", "made", self.context)
            wait_for(lambda: any(f"/{first.name}" in link for link in open_files(build.pid)), timeout=60,
                     message="a build that waits for the first cache")
            with open(last, "a", encoding="ascii") as other:
                fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.assertEqual(build.wait(60), 0)
        self.assertEqual(self.inside("cat", "/got"), "done\n")

    def test_onbuild_takes_from_stages(self):
        self.build(text="FROM busybox\nONBUILD COPY --from=assets /a /a\nONBUILD RUN --mount=type=bind,from=assets,target=/m "
                        "cat /m/a > /b\n", tag="parent")
        self.build(text="FROM busybox AS assets\nRUN echo asset > /a\nFROM parent\nRUN cat /a /b > /both\n")
        self.assertEqual(self.inside("cat", "/both"), "asset\nasset\n")
        self.build(text="FROM busybox AS assets\nRUN echo other > /a\nFROM parent AS late\nFROM late\n")
        self.assertEqual(self.inside("cat", "/b"), "other\n")
        # By any number of stages at once; a stage that nobody else needs is run for the trigger.
        self.build("--jobs", "3", text="FROM busybox AS assets\nRUN echo third > /a\nFROM busybox AS x\nRUN echo x > /x\n"
                                       "FROM parent\nCOPY --from=x /x /x\n")
        self.assertEqual(self.inside("cat", "/b", "/x"), "third\nx\n")

    def test_insecure_needs_to_be_allowed(self):
        text = "FROM busybox\nRUN --security=insecure grep ^CapEff: /proc/self/status > /caps; grep ^Seccomp: /proc/self/status >> /caps\n"
        self.write(text)
        self.skiff_fails("build", "--network", "none", self.context, says="security.insecure is not allowed")
        self.build("--allow", "security.insecure")
        caps, seccomp = self.inside("cat", "/caps").split("\n")[:2]
        self.assertEqual(seccomp.split(), ["Seccomp:", "0"])
        self.build(text=text.replace("insecure", "sandbox"))
        plain, seccomp = self.inside("cat", "/caps").split("\n")[:2]
        self.assertEqual(seccomp.split(), ["Seccomp:", "2"])
        self.assertGreater(int(caps.split()[1], 16), int(plain.split()[1], 16))
        self.write("FROM busybox\nRUN --device=/dev/null:/dev/extra true\n")
        self.skiff_fails("build", "--network", "none", self.context, says="device is not allowed")
        self.build("--allow", "device")
        # What was built so is in the cache, and refused nevertheless.
        self.skiff_fails("build", "--network", "none", self.context, says="device is not allowed")
        self.skiff_fails("build", "--allow", "everything", self.context, says="invalid entitlement")


class Hostile(BuildTest):
    """A Dockerfile or a context that somebody else wrote (reference: security 1.4)."""

    def test_bind_sources_of_the_context(self):
        """CVE-2024-1753: a link in the context leads no further than the context."""
        canary = self.tmp / "outside"
        canary.mkdir()
        (canary / "secret").write_text("canary\n")
        self.write("FROM busybox\n")
        for name, target in (("up", "../outside"), ("absolute", str(canary)), ("root", "/"), ("many", "../" * 40 + str(canary)[1:])):
            (self.context / name).symlink_to(target)
        for source in ("up", "absolute", "root", "many", "../outside", str(canary), "up/secret", "root" + str(canary)):
            with self.subTest(source):
                done = self.skiff("build", "--network", "none", "-f", "-", self.context, check=False,
                                  input=f"FROM busybox\nRUN --mount=type=bind,source={source},target=/m,rw "
                                        f"ls -a /m; cat /m/secret /m{canary}/secret /m && exit 9; exit 0\n")
                self.assertNotIn("canary\n", done.stdout)
                self.assertNotEqual(done.code, 9)
        self.assertEqual([path.name for path in canary.iterdir()], ["secret"])

    def test_names_of_caches(self):
        """CVE-2024-9675: whatever an id or a target is, the directory is one of ours."""
        store = self.state_directories()["store/names"].parent
        before = sorted(path.name for path in (store / "cache").iterdir()) if (store / "cache").exists() else []
        for value in ("../../..", "/", ".", "a/../../b", "x" * 4000, "..\\..", "%2e%2e", "\u202e"):
            with self.subTest(value[:20]):
                self.build(text=f"FROM busybox\nRUN --mount=type=cache,id={value},target=/c touch /c/f && test ! -e /c/cache\n")
        names = [path.name for path in (store / "cache/build/mounts").iterdir() if not path.name.startswith(".")]
        self.assertTrue(all(len(name) == 64 for name in names), names)
        self.assertLessEqual(set(before), {path.name for path in (store / "cache").iterdir()})

    def test_mount_options(self):
        """CVE-2024-9407: no option of a mount gets to the kernel as it was written."""
        for option in ("bind-propagation=shared", "bind-propagation=rprivate,suid", "propagation=shared", "option=suid", "o=dev",
                       "suid", "dev", "exec", "rw=maybe", "ro=", "source", "z", "Z", "U", "relabel=shared", "upperdir=/x",
                       "lowerdir=/:/x", "workdir=/x", "consistency=cached,userxattr", "type=overlay", "type=proc", "type=devpts",
                       "type=image", "type=volume,source=x", "size=1g", "mode=0777,uid=0x0", "uid=-1", "gid=4294967296",
                       "type=tmpfs,size=1,mode=01777", "target=", "sharing=shared", "id=x", "required", "env=X"):
            with self.subTest(option):
                done = self.skiff("build", "--network", "none", "-", check=False,
                                  input=f"FROM busybox\nRUN --mount=type=bind,target=/m,source=.,{option} true\n")
                self.assertEqual(done.code, 125, str(done))

    def test_credentials_are_in_no_argument(self):
        """R16: what a registry is opened with is seen in no process' arguments or environment."""
        canary = "canary-b81c"
        self.write("FROM busybox\nRUN echo started; sleep 1000\n")
        process = self.start("build", "--creds", f"user:{canary}", "--network", "none", self.context)
        self.addCleanup(self.end, process)
        wait_for(lambda: process.stdout.readline() == b"started\n", timeout=60)
        seen = [*of_processes("cmdline"), *of_processes("environ")]
        self.assertGreater(len(seen), 5)
        self.assertFalse([text for text in seen if canary.encode() in text])

    def test_secrets_are_nowhere(self):
        """A build's secret is in no layer, history, log, record or output of it."""
        canary = "canary-d94e"
        secret = self.tmp / "secret"
        secret.write_text(canary + "\n")
        out = self.tmp / "secret-out"
        os.environ["SKIFF_TEST_SECRET"] = canary
        self.addCleanup(os.environ.pop, "SKIFF_TEST_SECRET")
        done = self.build("--secret", f"id=s,src={secret}", "-o", f"type=oci,tar=false,dest={out}", "--explain",
                          text="FROM busybox\nRUN --mount=type=secret,id=s,target=/deep/secret grep -q d94e /deep/secret && echo used\n")
        self.assertIn("used", done.stdout)
        self.assertNotIn(canary, done.stdout + done.stderr)
        store = self.state_directories()["store/names"].parent
        looked = 0
        for top in (store, out):
            for path in top.rglob("*"):
                if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                    looked += 1
                    self.assertNotIn(canary.encode(), path.read_bytes(), path)
        self.assertGreater(looked, 10)


TWO_STAGES = """
FROM busybox AS first
ARG V=1
RUN echo $V > /first
FROM busybox AS other
RUN echo unused by the image but for a file > /other
FROM busybox
WORKDIR /w
COPY file ./
COPY --from=first /first /first
COPY --from=other /other /other
RUN --mount=type=cache,target=/c cat /first /w/file > /all
ENV LAST=1
"""


class Caches(BuildTest):
    def forget(self):
        """As if nothing had ever been built here."""
        self.remove_images()
        self.skiff("builder", "prune", "-fa")

    def ran(self, done):
        """How many steps were not taken from a cache."""
        return done.stdout.count("cache: miss")

    def build_two(self, *options, **more):
        self.write(TWO_STAGES, file="content\n")
        return self.build("--explain", *options, **more)

    def image(self):
        return self.skiff("image", "inspect", "made").json[0]["Id"]

    def round_trip(self, to, take, all_stages):
        """Build, forget, and build from the cache alone."""
        self.forget()
        done = self.build_two("--cache-to", to)
        self.assertEqual(self.ran(done), 7)
        image = self.image()
        self.forget()
        done = self.build_two("--cache-from", take)
        self.assertEqual(self.ran(done), 0 if all_stages else 2, done.stdout)
        self.assertEqual(self.inside("cat", "/all"), "1\ncontent\n")
        if "inline" not in to:
            self.assertEqual(self.image(), image)
        # What was used is ours now, what came for it is gone.
        self.assertEqual(len(self.skiff("images", "-aq").lines), len(self.kept) + 1)
        self.assertEqual(self.ran(self.build_two()), 0 if all_stages else 0)
        self.assertEqual(self.skiff("system", "check").code, 0)

    def test_local(self):
        place = self.tmp / "cache-max"
        self.round_trip(f"type=local,dest={place},mode=max", f"type=local,src={place}", True)
        entries = json.loads((place / "index.json").read_text())["manifests"]
        # The same again replaces the entries.
        self.build_two("--cache-to", f"type=local,dest={place},mode=max")
        self.assertEqual(len(json.loads((place / "index.json").read_text())["manifests"]), len(entries))
        self.assertFalse(any("buildcache" in name for name in self.skiff("images", "-a").lines))

    def test_local_of_the_image_alone(self):
        place = self.tmp / "cache-min"
        self.round_trip(f"type=local,dest={place}", f"type=local,src={place}", False)

    def test_squash_all(self):
        """A cache tells of no layers that its image lacks, or it cannot be read."""
        place = self.tmp / "cache-squashed"
        self.forget()
        self.build_two("--squash-all", "--cache-to", f"type=local,dest={place}")
        self.forget()
        done = self.build_two("--squash-all", "--cache-from", f"type=local,src={place}")
        self.assertNotIn("malformed", done.stderr)
        self.assertEqual(self.inside("cat", "/all"), "1\ncontent\n")

    def test_registry_and_inline(self):
        self.need_program("docker-registry")
        with Registry(self.tmp / "registry", tls=False, auth=False) as registry:
            ref = f"{registry.host}/team/cache"
            options = ["--tls-verify=false"]
            self.forget()
            done = self.build_two("--cache-to", f"type=registry,ref={ref}:max,mode=max", *options)
            image = self.image()
            self.forget()
            done = self.build_two("--cache-from", f"type=registry,ref={ref}:max", *options)
            self.assertEqual(self.ran(done), 0, done.stdout)
            self.assertEqual(self.image(), image)
            self.assertFalse(any("cache" in name for name in self.skiff("images", "-a").lines))
            # podman's form: a repository.
            self.build_two("--cache-to", ref, *options)
            self.forget()
            self.assertEqual(self.ran(self.build_two("--cache-from", ref, *options)), 0)
            # In the image itself.
            self.forget()
            self.build_two("--cache-to", "type=inline", "--push", *options, tag=f"{ref}:app")
            self.forget()
            done = self.build_two("--cache-from", f"{ref}:app", *options)
            self.assertEqual(self.ran(done), 2, done.stdout)
            # Nothing there: that costs time, no build.
            self.forget()
            done = self.build_two("--cache-from", f"{ref}:missing", *options)
            self.assertEqual(self.ran(done), 7)
            self.assertIn("there is no cache yet", done.stderr)

    def test_what_is_not_cached_is_not_hit(self):
        place = self.tmp / "cache-changed"
        self.forget()
        self.build_two("--cache-to", f"type=local,dest={place},mode=max")
        self.forget()
        done = self.build_two("--cache-from", f"type=local,src={place}", "--build-arg", "V=2")
        self.assertEqual(self.inside("cat", "/all"), "2\ncontent\n")
        self.assertEqual(self.ran(done), 4, done.stdout)

    def test_hostile_caches(self):
        """A cache that claims layers it does not have, or a config of another key, is left out."""
        place = self.tmp / "cache-hostile"
        self.forget()
        self.build_two("--cache-to", f"type=local,dest={place},mode=max")
        for what, change in (("layers", lambda member: member["steps"][0].update(layers=99)),
                             ("key", lambda member: member["steps"][0].update(keys=["../../x"])),
                             ("time", lambda member: member["steps"][0].update(created="24h")),
                             ("nameless", lambda member: member["steps"][0].pop("created_by")),
                             ("config", lambda member: member["image"].update(
                                 config=member["image"]["config"].replace("LAST=1", "LAST=2"))),
                             ("created", lambda member: member["image"].update(
                                 config=json.dumps({**json.loads(member["image"]["config"]), "created": 5}))),
                             ("number", lambda member: member["image"].update(config="1")),
                             ("history", lambda member: member["image"].update(config='{"history":[1,null]}')),
                             # The second step is said to have made the third's layer.
                             ("other", lambda member: [step.update(layers=step["layers"] + 1) for step in member["steps"][:-1]
                                                       if step["own"]]),
                             ("type", lambda member: member.update(steps="x"))):
            with self.subTest(what):
                self.forget()
                hostile = self.tmp / f"hostile-{what}"
                self.change(place, hostile, change)
                done = self.build_two("--cache-from", f"type=local,src={hostile}")
                self.assertGreater(self.ran(done), 0)
                self.assertIn("LAST=1", self.config()["Env"])
                self.assertEqual(self.inside("cat", "/all"), "1\ncontent\n")

    @staticmethod
    def change(place, hostile, change):
        """A copy of a layout whose images tell something else."""
        import hashlib

        def put(data):
            name = hashlib.sha256(data).hexdigest()
            (hostile / "blobs/sha256" / name).write_bytes(data)
            return {"digest": "sha256:" + name, "size": len(data)}

        shutil.copytree(place, hostile)
        index = json.loads((hostile / "index.json").read_text())
        for entry in index["manifests"]:
            manifest = json.loads((hostile / "blobs/sha256" / entry["digest"][7:]).read_text())
            config = json.loads((hostile / "blobs/sha256" / manifest["config"]["digest"][7:]).read_text())
            if "image" in config["skiff.buildcache.v1"] or "image" not in str(change.__code__.co_consts):
                change(config["skiff.buildcache.v1"])
            manifest["config"].update(put(json.dumps(config).encode()))
            entry.update(put(json.dumps(manifest).encode()))
        (hostile / "index.json").write_text(json.dumps(index))

    def test_names_in_a_cache_are_nobodys(self):
        """A cache directory that calls an image something takes no name here (CVE-2026-50195)."""
        place = self.tmp / "cache-squat"
        self.build("-o", f"type=oci,tar=false,dest={place}", text="FROM busybox\nENV SQUAT=1\n", tag="quay.invalid/trusted")
        self.skiff("rmi", "-f", "quay.invalid/trusted")
        done = self.build_two("--cache-from", f"type=local,src={place}")
        self.assertIn("tells of no steps", done.stderr)
        self.assertEqual(self.skiff("image", "exists", "quay.invalid/trusted", check=False).code, 1)

    def test_ttl(self):
        self.build_two()
        self.assertEqual(self.ran(self.build_two("--cache-ttl", "1h")), 0)
        self.assertGreater(self.ran(self.build_two("--cache-ttl", "0s")), 0)
        self.skiff_fails("build", "--cache-ttl", "soon", self.context, says="soon")

    def test_what_makes_no_sense(self):
        self.write("FROM busybox\n")
        for option, value, says in (("--cache-to", "type=gha", 'no cache of type "gha"'), ("--cache-to", "type=local", '"dest"'),
                                    ("--cache-from", "type=local,dest=x", '"src"'), ("--cache-from", "type=registry", '"ref"'),
                                    ("--cache-to", "type=local,dest=x,mode=all", 'invalid mode "all"'),
                                    ("--cache-from", "type=inline", "type=registry,ref=IMAGE"),
                                    ("--cache-to", "ref=x", '"type"')):
            with self.subTest(value):
                self.skiff_fails("build", option, value, self.context, says=says)

    def test_secrets_are_in_no_cache(self):
        place = self.tmp / "cache-secret"
        secret = self.tmp / "secret"
        secret.write_text("canary-7f3a\n")
        self.build("--secret", f"id=s,src={secret}", "--cache-to", f"type=local,dest={place},mode=max",
                   text="FROM busybox\nRUN --mount=type=secret,id=s test -s /run/secrets/s\n")
        for path in place.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"canary-7f3a", path.read_bytes(), path)


class Reproducible(BuildTest):
    FILE = ("FROM busybox\nCOPY file /file\nRUN echo made > /made; mkdir /dir; ln -s x /dir/link\nWORKDIR /w\n"
            "RUN touch /w/a /w/b; rm /etc/group\n")

    def build_in(self, root, *options, **env):
        """In a store of its own. Return: the image's id and the digest of its archive's index."""
        store = ["--root", self.tmp / root, "--runroot", self.tmp / (root + "-run")]
        archive = self.tmp / (root + ".tar")
        self.skiff(*store, "load", "-i", self.base)
        self.skiff(*store, "build", "--network", "none", "-q", "-t", "made", "-o", f"type=oci,dest={archive}", *options,
                   self.context, env=env)
        image = self.skiff(*store, "image", "inspect", "made").json[0]["Id"]
        self.skiff(*store, "system", "reset", "-f")
        with tarfile.open(archive) as tar:
            return image, tar.extractfile("index.json").read()

    def setUp(self):
        super().setUp()
        self.base = self.tmp / "base.tar"
        if not self.base.exists():
            self.skiff("save", "-o", self.base, "busybox")

    def test_the_same_in_two_stores(self):
        self.write(self.FILE, file="x\n")
        for name, options, env in (
                ("timestamp", ["--timestamp", "1000000000"], {}),
                ("rewrite", ["--rewrite-timestamp", "--source-date-epoch", "1000000000"], {}),
                ("environment", ["--rewrite-timestamp"], {"SOURCE_DATE_EPOCH": "1000000000"})):
            with self.subTest(name):
                first = self.build_in(name + "1", *options, **env)
                os.utime(self.context / "file")
                self.assertEqual(self.build_in(name + "2", *options, **env), first)

    def test_times(self):
        self.write(self.FILE, file="x\n")
        os.utime(self.context / "file", (5, 5))
        self.build("--rewrite-timestamp", "--source-date-epoch", "1000000000")
        self.assertEqual(self.inside("stat", "-c", "%Y", "/file", "/made"), "5\n1000000000\n")
        out = self.tmp / "times"
        self.build("--source-date-epoch", "1000000000", "-o", out)
        self.assertEqual(int((out / "made").stat().st_mtime), 1000000000)
