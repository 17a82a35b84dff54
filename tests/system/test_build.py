# SPDX-License-Identifier: Apache-2.0
"""skiff build: instructions, stages, the cache, what RUN is given, and what is left when it fails."""

import functools
import hashlib
import http.server
import io
import json
import os
import re
import shutil
import socket
import subprocess
import tarfile
import threading

from tests.support.skiff import SkiffTest, processes, sub_ids, wait_for


# Of images that have none of their own.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Silent(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_):
        pass


class BuildTest(SkiffTest):
    images = ["busybox"]

    def setUp(self):
        super().setUp()
        self.kept = set(self.skiff("images", "-aq", "--no-trunc").lines)
        self.addCleanup(self.remove_images)
        self.context = self.tmp / self.id().rpartition(".")[2]
        self.context.mkdir()

    def remove_images(self):
        self.skiff("rm", "-fa", "-t", "0")
        new = [i for i in dict.fromkeys(self.skiff("images", "-aq", "--no-trunc").lines) if i not in self.kept]
        if new:
            self.skiff("rmi", "-f", *new)

    def write(self, text, name="Dockerfile", **files):
        """The Dockerfile and other files of the context."""
        (self.context / name).write_text(text)
        for file, content in files.items():
            (self.context / file).write_text(content)

    def build(self, *options, text=None, tag="made", **more):
        """Build the context; RUN needs no network."""
        if text is not None:
            self.write(text)
        return self.skiff("build", "--network", "none", "-t", tag, *options, self.context, **more)

    def serve_files(self, directory):
        """A server of these files, until the test ends. Returns HOST:PORT."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=directory))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"127.0.0.1:{server.server_port}"

    def config(self, name="made"):
        return self.skiff("image", "inspect", name).json[0]["Config"]

    def inside(self, *command, image="made"):
        return self.skiff("run", "--rm", "--network", "none", image, *command).stdout

    def history(self, name="made"):
        return [entry["created_by"] if "created_by" in entry else entry["CreatedBy"]
                for entry in self.skiff("history", "--no-trunc", "--format", "json", name).json]

    def layers(self, name="made"):
        return self.skiff("image", "inspect", name).json[0]["RootFS"]["Layers"]

    def members(self, name="made"):
        """What each layer holds, bottom first; {} for one of busybox, whose own tar has no end."""
        archive = self.tmp / "saved.tar"
        archive.unlink(missing_ok=True)
        self.skiff("save", "--format", "docker-archive", "-o", archive, name)
        with tarfile.open(archive) as outer:
            manifest = json.load(outer.extractfile("manifest.json"))
            names = []
            for layer in manifest[0]["Layers"]:
                try:
                    with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                        names.append({member.name.rstrip("/"): member for member in inner})
                except tarfile.ReadError:
                    names.append({})
        return names


class Instructions(BuildTest):
    def test_config(self):
        self.build("--format", "docker", text="""
FROM busybox
ENV A=1 B="two words" C=${A}x
ENV D ${A}y
LABEL l1=v1 "l 2"='v 2'
USER 7:8
EXPOSE 80 90-91/UDP 92/SCTP
VOLUME /data ["/more"]
VOLUME ["/j"]
STOPSIGNAL SIGUSR1
SHELL ["/bin/sh", "-ec"]
CMD shell form $A
ENTRYPOINT ["entry", "$A"]
HEALTHCHECK --interval=5s --retries=2 CMD probe it
ONBUILD RUN later
MAINTAINER Some One
WORKDIR rel
WORKDIR ative
""")
        inspected = self.skiff("image", "inspect", "made").json[0]
        config = inspected["Config"]
        self.assertEqual(config["Env"][-4:], ["A=1", "B=two words", "C=x", "D=1y"])
        self.assertEqual({k: config["Labels"][k] for k in ("l1", "l 2")}, {"l1": "v1", "l 2": "v 2"})
        self.assertEqual(config["User"], "7:8")
        self.assertEqual(sorted(config["ExposedPorts"]), ["80/tcp", "90/udp", "91/udp", "92/sctp"])
        self.assertLessEqual({"/data", "/j"}, set(config["Volumes"]))
        self.assertEqual(config["StopSignal"], "SIGUSR1")
        self.assertEqual(config["Cmd"], ["/bin/sh", "-ec", "shell form $A"])
        self.assertEqual(config["Entrypoint"], ["entry", "$A"])
        self.assertEqual(config["WorkingDir"], "/rel/ative")
        self.assertEqual(inspected["Author"], "Some One")
        stored = json.loads(self.stored_config())
        self.assertEqual(stored["config"]["Healthcheck"],
                         {"Test": ["CMD-SHELL", "probe it"], "Interval": 5000000000, "Retries": 2})
        self.assertEqual(stored["config"]["OnBuild"], ["RUN later"])
        self.assertEqual(stored["config"]["Shell"], ["/bin/sh", "-ec"])

    def stored_config(self, name="made"):
        image = self.skiff("image", "inspect", name).json[0]["Id"]
        store = self.state_directories()["store/names"].parent
        return (store / "images" / image / "config.json").read_text()

    def test_oci_leaves_out_what_is_dockers(self):
        done = self.build("--format", "oci", text="FROM busybox\nHEALTHCHECK CMD true\nONBUILD RUN x\n")
        self.assertIn("HEALTHCHECK is not supported for OCI image format", done.stderr)
        config = json.loads(self.stored_config())["config"]
        self.assertNotIn("Healthcheck", config)
        self.assertNotIn("OnBuild", config)

    def test_volume_makes_its_directory(self):
        """As in buildah: what comes behind it finds it; one that is there costs no layer."""
        text = "FROM busybox\nVOLUME /v/data etc\nRUN test -d /v/data && echo kept > /v/data/file\nVOLUME /v\n"
        self.build(text=text)
        self.assertEqual(sorted(self.config()["Volumes"]), ["/etc", "/v", "/v/data"])
        self.assertEqual(self.inside("cat", "/v/data/file"), "kept\n")
        self.assertEqual(len(self.layers()), len(self.layers("busybox")) + 2)
        self.assertEqual(self.build(tag="again").stdout.count("Using cache"), 3)

    def test_user_of_a_group_alone(self):
        self.need_ids()
        self.build(text="FROM busybox\nUSER :10\nRUN test $(id -u):$(id -g) = 0:10\n")
        self.assertEqual((self.inside("id", "-u"), self.inside("id", "-g")), ("0\n", "10\n"))

    def test_entrypoint_drops_an_inherited_command(self):
        self.build(text="FROM busybox\nCMD [\"a\"]\n", tag="base")
        self.build(text="FROM base\nENTRYPOINT [\"e\"]\n")
        self.assertIsNone(self.config().get("Cmd"))
        self.build(text="FROM base\nCMD [\"b\"]\nENTRYPOINT [\"e\"]\n")
        self.assertEqual(self.config()["Cmd"], ["b"])

    def test_run_forms(self):
        self.build(text="""
FROM busybox
ENV W=world
RUN echo "hello $W" > /shell
RUN ["/bin/sh", "-c", "echo json $0 > /json", "word"]
RUN <<EOF
echo one > /script
echo $W >> /script
EOF
RUN <<EOF
#!/bin/awk -f
BEGIN { print "by awk" > "/awk" }
EOF
RUN cat <<A > /a && cat <<'B' > /b
a $W
A
b $W
B
""")
        self.assertEqual(self.inside("cat", "/shell", "/json", "/script", "/awk", "/a", "/b"),
                         "hello world\njson word\none\nworld\nby awk\na world\nb $W\n")

    def test_user_workdir_and_shell(self):
        self.need_ids()
        self.build(text="""
FROM busybox
RUN mkdir /free && chmod 777 /free
USER 1000:1001
WORKDIR /free/mine
RUN id -u > who; id -g >> who; pwd >> who
SHELL ["/bin/sh", "-c", "echo by $0 > /free/shell; eval \\"$1\\"", "other"]
RUN true
""")
        self.assertEqual(self.inside("cat", "/free/mine/who", "/free/shell"), "1000\n1001\n/free/mine\nby other\n")
        self.assertEqual(self.inside("stat", "-c", "%u:%g", "/free/mine/who", "/free/mine"), "1000:1001\n1000:1001\n")

    def test_layers_hold_the_changes_and_nothing_else(self):
        self.build(text="""
FROM busybox
RUN echo x > /new; rm /etc/group; rm -rf /var/www; mkdir /var/www; touch /var/www/fresh
RUN --mount=type=tmpfs,target=/scratch/deep touch /scratch/deep/x
WORKDIR /w
WORKDIR /etc
""")
        layers = self.members()
        self.assertEqual(len(layers), 4)
        files = {name for name in layers[1] if name not in ("", ".")}
        self.assertEqual(files - {"etc", "var"}, {"new", "etc/.wh.group", "var/www", "var/www/.wh..wh..opq",
                                                  "var/www/fresh"})
        self.assertEqual({name for name in layers[2] if name not in ("", ".")}, set())
        self.assertEqual({name for name in layers[3] if name not in ("", ".")}, {"w"})
        self.assertEqual(self.skiff("system", "check").code, 0)

    def test_copy(self):
        owner = "--chown=3:4 " if sub_ids() != 0 else ""
        self.write(f"FROM busybox\nWORKDIR /w\nCOPY a b ./\nCOPY {owner}--chmod=640 a /own\nCOPY <<E /here\nx $HOME\nE\n"
                   "RUN cat a b > ab\n", a="A\n", b="B\n")
        self.build()
        self.assertEqual(self.inside("cat", "/w/ab", "/here"), "A\nB\nx \n")
        member = self.members()[-3]["own"]
        self.assertEqual((member.mode & 0o7777, member.size), (0o640, 2))
        self.skiff_fails("build", self.context, "-f", "-", input="FROM busybox\nCOPY missing /\n", says="missing")

    def test_scratch(self):
        """Without a file there is an empty layer, which is the last instruction's, as in buildah."""
        for options in ([], ["--squash"], ["--squash-all"]):
            self.build(*options, text="FROM scratch\nENV A=b\nCMD [\"x\"]\n")
            self.assertEqual([set(layer) - {"", "."} for layer in self.members()], [set()])
            stored = json.loads(self.stored_config())
            self.assertEqual(stored["config"]["Env"], ["PATH=" + PATH, "A=b"])
            self.assertEqual([entry for entry in stored["history"] if not entry.get("empty_layer")], stored["history"][-1:])
        self.build(text="FROM scratch AS nothing\nENV A=b\nFROM nothing\nCOPY Dockerfile /d\n")
        self.assertEqual(len(self.layers()), 1)
        self.write("FROM scratch\nCOPY Dockerfile /d\nCMD [\"/d\"]\n")
        self.build()
        self.assertEqual([set(layer) - {"", "."} for layer in self.members()], [{"d"}])

    def test_onbuild(self):
        self.build(text="FROM busybox\nONBUILD ENV FROM_TRIGGER=1\nONBUILD RUN echo $FROM_TRIGGER > /triggered\n",
                   tag="parent")
        done = self.build(text="FROM parent\nRUN cat /triggered\n")
        self.assertIn("STEP 3/4: ", done.stdout)
        self.assertEqual(self.inside("cat", "/triggered"), "1\n")
        self.assertNotIn("OnBuild", json.loads(self.stored_config())["config"])

    def test_history(self):
        self.build("--label", "k=v", text="FROM busybox\nARG X=1\nENV E=2\nRUN echo   hi > /x\nCMD [\"a\"]\n")
        self.assertEqual(self.history()[:5][::-1], [
            "/bin/sh -c #(nop) ARG X=1", "/bin/sh -c #(nop) ENV E=2", "|1 X=1 /bin/sh -c echo   hi > /x",
            "/bin/sh -c #(nop) CMD [\"a\"]", "/bin/sh -c #(nop) LABEL \"k\"=\"v\""])
        self.assertEqual(self.config()["Labels"]["k"], "v")


class Stages(BuildTest):
    FILE = """
FROM busybox AS first
RUN echo one > /one
FROM busybox AS unneeded
RUN exit 9
FROM first AS second
ENV S=2
RUN echo two > /two
FROM busybox AS last
COPY --from=first /one /copied
COPY --from=1 /nothing /
FROM second
COPY --from=first /one /again
"""

    def test_only_what_the_target_needs(self):
        done = self.build(text=self.FILE)
        self.assertNotIn("exit 9", done.stdout)
        self.assertEqual(self.inside("cat", "/one", "/two", "/again"), "one\ntwo\none\n")
        self.assertIn("S=2", self.config()["Env"])
        self.build("--target", "first")
        self.assertEqual(len(self.layers()), 2)
        self.skiff_fails("build", "--target", "frist", self.context, says="frist")
        self.skiff_fails("build", "--network", "none", "--target", "unneeded", self.context, code=9,
                         says="exit status 9")

    def test_side_by_side(self):
        """Two stages that wait for each other through a cache can end only if both run at once."""
        wait = "for i in $(seq 200); do test -e /c/{} && exit 0; sleep 0.05; done; exit 3"
        self.write(f"""
FROM busybox AS a
RUN --mount=type=cache,target=/c touch /c/a; {wait.format("b")}
FROM busybox AS b
RUN --mount=type=cache,target=/c touch /c/b; {wait.format("a")}
FROM scratch
COPY --from=a /bin/busybox /a
COPY --from=b /bin/busybox /b
""")
        self.build("--jobs", "2", "--no-cache", timeout=120)
        self.assertEqual(len(self.layers()), 2)
        self.write("FROM busybox AS a\nRUN exit 5\nFROM busybox AS b\nRUN true\nFROM a\nCOPY --from=b / /x\n")
        self.skiff_fails("build", "--jobs", "4", "--network", "none", self.context, code=5, says="exit status 5")

    def test_arguments(self):
        self.write("""
ARG BASE=busybox
ARG GLOBAL=g
FROM $BASE AS one
ARG GLOBAL
ARG OWN=own
ARG TARGETARCH
RUN echo "$GLOBAL $OWN ${UNSET:-unset} $TARGETARCH" > /args
FROM one
RUN echo "$OWN" > /inherited
""")
        done = self.build("--build-arg", "OWN=given", "--build-arg", "NOBODY=x", "--build-arg", "HTTP_PROXY=p")
        self.assertIn("one or more build args were not consumed: [NOBODY]", done.stderr)
        arch = self.skiff("image", "inspect", "made").json[0]["Architecture"]
        self.assertEqual(self.inside("cat", "/args", "/inherited"), f"g given unset {arch}\ngiven\n")
        self.assertFalse([entry for entry in self.history() if "HTTP_PROXY" in entry])
        for never in ("--pull-never", "--pull=never"):
            self.skiff_fails("build", "--build-arg", "BASE=nosuch.invalid/x", never, self.context, says="image not known")
        self.skiff_fails("build", "--pull=often", self.context, says='invalid argument "often" for "--pull" flag: ')

    def test_named_contexts(self):
        other = self.tmp / "other"
        other.mkdir(exist_ok=True)
        (other / "f").write_text("of the other\n")
        self.write("FROM base\nCOPY --from=more f /f\n")
        self.build("--build-context", f"more={other}", "--build-context", "base=docker-image://busybox")
        self.assertEqual(self.inside("cat", "/f"), "of the other\n")
        layout = self.tmp / "layout"
        self.skiff("push", "busybox", f"oci:{layout}:latest")
        for value in (f"oci-layout://{layout}", f"oci-layout://{layout}:latest"):
            self.build("--build-context", f"more={other}", "--build-context", f"base={value}")
        self.skiff_fails("build", "--build-context", "base=target:x", self.context, says="targets are of docker's bake")
        self.skiff_fails("build", "--build-context", f"base=oci-layout://{layout}-absent", self.context, says="o such file")

    def test_predefined_arguments(self):
        """What BuildKit's own ARGs say."""
        text = """FROM busybox AS one
ARG TARGETSTAGE SOURCE_DATE_EPOCH
RUN echo "$TARGETSTAGE $SOURCE_DATE_EPOCH $(hostname)"
RUN --mount=type=cache,id=named,target=/c echo x >> /c/n; echo "$(wc -l < /c/n) times"
FROM one AS Last
"""
        options = ["--no-cache", "--build-arg", "BUILDKIT_SANDBOX_HOSTNAME=here"]
        done = self.build("--source-date-epoch", "7", *options, text=text)
        self.assertIn("\nlast 7 here\n", done.stdout)
        done = self.build("--target", "one", *options, "--build-arg", "BUILDKIT_CACHE_MOUNT_NS=own", env={"SOURCE_DATE_EPOCH": "8"})
        self.assertIn("\none 8 here\n", done.stdout)
        self.assertIn("\n1 times\n", done.stdout)
        self.assertIn("\n2 times\n", self.build(*options).stdout)
        self.build("--build-arg", "BUILDKIT_INLINE_CACHE=1", text="FROM scratch\nCOPY Dockerfile /d\n")
        told = set(json.loads(Instructions.stored_config(self)))
        self.build("--build-arg", "BUILDKIT_INLINE_CACHE=false")
        self.assertEqual(len(told - set(json.loads(Instructions.stored_config(self)))), 1)
        self.build("--build-arg", "BUILDKIT_MULTI_PLATFORM=1", tag="list")
        self.assertEqual(len(self.skiff("manifest", "inspect", "list").json["manifests"]), 1)
        self.skiff("manifest", "rm", "list")

    def test_what_a_context_says_of_its_time(self):
        """SOURCE_DATE_EPOCH=context, and BUILDKIT_CONTEXT_KEEP_GIT_DIR."""
        self.need_program("git")
        said = "FROM busybox\nARG SOURCE_DATE_EPOCH\nCOPY . /c\nRUN echo \"time $SOURCE_DATE_EPOCH\"; ls -a /c\n"
        self.write(said)
        served = self.tmp / "served"
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_COMMITTER_DATE": "@1000000000 +0100"}
        for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "x"],
                        ["clone", "-q", "--bare", ".", served / "app.git"], ["-C", served / "app.git", "update-server-info"]):
            subprocess.run(["git", *command], cwd=self.context, env=env, check=True)
        shutil.rmtree(self.context / ".git")
        (served / "Dockerfile").write_text(said.replace("COPY . /c\n", "RUN mkdir /c\n"))
        os.utime(served / "Dockerfile", (5, 1100000000))
        host = self.serve_files(served)
        arg = ["--build-arg", "SOURCE_DATE_EPOCH=context", "--network", "none", "-t", "made"]
        for source, time in ((f"http://{host}/app.git", 1000000000), (f"http://{host}/Dockerfile", 1100000000)):
            done = self.skiff("build", *arg, source)
            self.assertIn(f"\ntime {time}\n", done.stdout)
            self.assertNotIn(".git", done.lines)
            self.assertEqual(json.loads(Instructions.stored_config(self))["created"][:4], {10: "2001", 11: "2004"}[time // 10**8])
        done = self.skiff("build", *arg, "--no-cache", self.context)
        self.assertIn("\ntime \n", done.stdout)
        self.assertIn("the context has no time", done.stderr)
        keep = [*arg, "--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1"]
        self.assertIn(".git", self.skiff("build", *keep, f"http://{host}/app.git").lines)
        self.assertNotIn(".git", self.skiff("build", *keep, "--no-cache", f"http://{host}/app.git?keep-git-dir=0").lines)


class Cache(BuildTest):
    def ran(self, done):
        """How many steps were not taken from the cache."""
        return done.stdout.count("\n--> ") - 2 * done.stdout.count("--> Using cache") - 1

    def hits(self, done):
        return done.stdout.count("--> Using cache")

    TEXT = "FROM busybox\nARG V=1\nENV E=1 T={}\nRUN echo $V$E$T > /r\nCOPY f /f\nRUN cat /f > /g\nLABEL l=1\n"

    def setUp(self):
        super().setUp()
        # The cache is one for all tests of the class.
        self.TEXT = type(self).TEXT.format(self.context.name)

    def test_hits_and_misses(self):
        self.write(self.TEXT, f="1")
        first = self.build()
        self.assertEqual(self.hits(first), 0)
        again = self.build()
        self.assertEqual(self.hits(again), 3)
        self.assertEqual(first.lines[-1], again.lines[-1])
        os.utime(self.context / "f", (1, 1))
        self.assertEqual(self.hits(self.build()), 3)
        (self.context / "f").write_text("2")
        self.assertEqual(self.hits(self.build()), 1)
        self.assertEqual(self.inside("cat", "/g"), "2")
        self.assertEqual(self.hits(self.build("--build-arg", "V=2")), 0)
        self.write(self.TEXT.replace("ENV E=1", "ENV E=2"))
        self.assertEqual(self.hits(self.build()), 0)
        self.write(self.TEXT.replace("l=1", "l=2"))
        changed = self.build()
        self.assertEqual(self.hits(changed), 3)
        self.assertEqual(self.config()["Labels"]["l"], "2")
        self.assertEqual(self.hits(self.build("--no-cache")), 0)

    def test_a_label_before_costs_nothing(self):
        self.build(text="FROM busybox\nLABEL a=1\nRUN echo x > /x\n")
        self.assertEqual(self.hits(self.build(text="FROM busybox\nLABEL a=2\nRUN echo x > /x\n")), 1)

    def test_secrets_do_not_count(self):
        self.write("FROM busybox\nRUN --mount=type=secret,id=s cat /run/secrets/s | wc -c > /size\n", s1="123", s2="12345")
        self.build("--secret", f"id=s,src={self.context / 's1'}")
        done = self.build("--secret", f"id=s,src={self.context / 's2'}")
        self.assertEqual(self.hits(done), 1)

    def check_counts(self, before, after, *options, more=()):
        """A step of @after is not taken from what @before left; each is found again."""
        self.build(*options, text=f"FROM busybox\nRUN {before}\n")
        self.assertEqual(self.hits(self.build(*options)), 1, before)
        self.build(*options, *more, text=f"FROM busybox\nRUN {after}\n")
        self.assertEqual(self.hits(self.build(*options, *more)), 1, after)
        self.assertEqual(self.inside("cat", "/is").strip(), "1", after)

    def test_what_mounts_say_counts(self):
        """The command is the same; what it sees is not."""
        self.write("", s1="1", s2="2")
        secrets = ["--secret", f"id=s1,src={self.context / 's1'}", "--secret", f"id=s2,src={self.context / 's2'}"]
        name = self.context.name
        for mount, see in (("type=secret,target=/s,id=s{}", "grep -c 2 /s"),
                           ("type=secret,env=S,id=s{}", "echo $S | grep -c 2"),
                           (f"type=cache,target=/c,id={name}{{}}", "touch /c/seen; echo 1"),
                           ("type=cache,target=/c{}", "ls -d /c2 | wc -l"),
                           ("type=tmpfs,target=/c{}", "ls -d /c2 | wc -l"),
                           ("type=ssh,target=/a{}", "env | grep -c SOCK=/a2")):
            with self.subTest(mount=mount):
                command = f"true {name}; {see} > /is || true"
                ssh = ["--ssh", f"default={self.agent()}"] if "ssh" in mount else []
                self.check_counts(f"--mount={mount.format(1)} {command}", f"--mount={mount.format(2)} {command}",
                                  *secrets, *ssh)

    def agent(self):
        """A socket that stands for an agent's."""
        path = self.tmp / "agent"
        if not path.exists():
            sock = socket.socket(socket.AF_UNIX)
            self.addCleanup(sock.close)
            sock.bind(str(path))
        return path

    def test_options_of_steps_count(self):
        (self.tmp / "volume").mkdir(exist_ok=True)
        (self.tmp / "volume/file").write_text("")
        name = self.context.name
        for option, see in ((["--add-host", "there:127.0.0.9"], "grep -c there /etc/hosts"),
                            (["--shm-size", "1m"], "df -k /dev/shm | grep -c ' 1024 '"),
                            (["-v", f"{self.tmp}/volume:/v:ro"], "ls /v | wc -l")):
            with self.subTest(option=option):
                command = f"true {name}; {see} > /is || true"
                self.check_counts(command, command, more=option)
        self.assertEqual(self.hits(self.build("--memory", "64m", *option)), 1)

    def test_devices_count(self):
        command = f"true {self.context.name}; ls /dev/extra | wc -l > /is || true"
        self.check_counts(f"--device=/dev/null:/dev/other {command}", f"--device=/dev/null:/dev/extra {command}", "--allow", "device")

    def test_times_that_were_asked_for(self):
        """What was built without them is not taken, and no other time is told."""
        self.write(f"FROM busybox\nWORKDIR /{self.context.name}\n")
        self.build()
        first = self.build("--timestamp", "1234567890").lines[-1]
        self.assertEqual({member.mtime for member in self.members()[-1].values()}, {1234567890})
        self.assertEqual(self.build("--timestamp", "1234567890", "--no-cache").lines[-1], first)
        self.build(env={"SOURCE_DATE_EPOCH": "1"})
        last = self.skiff("history", "--format", "json", "made").json[0]
        self.assertEqual(last["created"][:19] if "created" in last else last["Created"][:19], "1970-01-01T00:00:01")

    def test_a_copy_of_equal_files_is_found(self):
        """The stage before was built anew, but what is copied from it is the same."""
        text = "FROM busybox AS b\nRUN echo {} > /other; echo same > /x; touch -d @1 /x\nFROM busybox\nCOPY --from=b /x /x\n"
        self.build(text=text.format(1))
        self.assertEqual(self.hits(self.build(text=text.format(2))), 1)

    def test_explain(self):
        self.write(self.TEXT, f="1")
        done = self.build("--explain")
        self.assertIn("cache: miss: it was never run here", done.stdout)
        self.assertIn("cache: hit", self.build("--explain").stdout)
        self.write(self.TEXT.replace("E=1", "E=2"))
        done = self.build("--explain")
        self.assertIn("cache: miss: environment changed: -E=1 +E=2", done.stdout)
        self.assertIn("cache: miss: layer below changed: ", done.stdout)
        (self.context / "f").write_text("2")
        self.assertIn("cache: miss: files changed: f\n", self.build("--explain").stdout)
        self.write("FROM busybox\nCOPY . /c\nRUN --mount=type=bind,source=d,target=/d --mount=type=bind,source=e,target=/e ls /d /e\n", g="1")
        for name in "de":
            (self.context / name).mkdir()
            (self.context / name / "in").write_text("1")
        self.build("--explain")
        (self.context / "g").unlink()
        for name in "123456":
            (self.context / "e" / name).write_text("")
        done = self.build("--explain", "--cache-ttl", "1h")
        self.assertIn("cache: miss: files changed: +e/1 +e/2 +e/3 +e/4 +e/5 and 2 more\n", done.stdout)
        self.assertIn("cache: miss: mounted files changed: +e/1 +e/2 +e/3 +e/4 +e/5 and 1 more\n", done.stdout)
        self.assertEqual(done.stdout.count("mounted files"), 1)
        self.assertIn("cache: miss: it is older than --cache-ttl", self.build("--explain", "--cache-ttl", "1ns").stdout)

    def test_stages_that_no_cache_may_serve(self):
        self.build(text="FROM busybox AS one\nRUN echo 1\nFROM busybox AS two\nRUN echo 2\nCOPY --from=one /etc /e\n")
        self.assertEqual(self.hits(self.build()), 3)
        done = self.build("--no-cache-filter", "One,other", "--explain")
        self.assertEqual(self.hits(done), 2)
        self.assertIn("STEP 2/2: RUN echo 1\n    cache: miss: --no-cache-filter\n1\n", done.stdout)

    def test_it_outlives_the_image_and_heals(self):
        self.build(text="FROM busybox\nRUN echo x > /x\n")
        layer = self.layers()[-1]
        self.skiff("rmi", "made")
        again = self.build()
        self.assertEqual((self.hits(again), self.layers()[-1]), (1, layer))
        store = self.state_directories()["store/names"].parent
        for record in (store / "cache/build").glob("?" * 64):
            record.write_text("{broken")
        self.assertEqual(self.hits(self.build()), 0)
        self.assertEqual(self.hits(self.build()), 1)

    def test_prune_and_du(self):
        self.skiff("builder", "prune", "-f")
        self.build(text="FROM busybox\nRUN --mount=type=cache,target=/c echo pruned > /pruned; touch /c/f\n")
        store = self.state_directories()["store/names"].parent
        layer, = (store / "layers").glob("*/diff/pruned")
        steps = self.skiff("builder", "du", "--format", "{{.CreatedBy}}").lines
        self.assertIn("/bin/sh -c --mount=type=cache,target=/c echo pruned > /pruned; touch /c/f", steps)
        self.assertIn("STEP", self.skiff("buildx", "du").lines[0])
        kinds = self.skiff("builder", "du", "--format", "{{.Type}}").lines
        for kind in ("regular", "source.local", "exec.cachemount"):
            self.assertEqual(self.skiff("buildx", "du", "--filter", f"type={kind}", "--format", "{{.Type}}").lines,
                             [kind] * kinds.count(kind))
        key = self.skiff("builder", "du", "--filter", "type=regular", "--format", "{{.Key}}").lines[0]
        told = self.skiff("builder", "du", "--verbose", "--filter", f"id={key[:20]}").stdout
        self.assertEqual(told.count("ID:"), 1)
        self.assertIn(key, told)
        self.skiff_fails("builder", "du", "--filter", "type=x", says="regular, source.local or exec.cachemount")
        for bound in (["--filter", "until=1h"], ["-a", "--filter", "until=1h"], ["--filter", "id=none"], ["--keep-storage", "1g"],
                      ["--max-used-space", "1g"], ["--min-free-space", "1"], ["--max-used-space", "1", "--reserved-space", "1g"]):
            done = self.skiff("builder", "prune", "-f", *bound)
            self.assertEqual(done.lines, ["Total:\t0B"], bound)
        self.assertEqual(self.hits(self.build()), 1)
        self.assertTrue((store / "cache/build/mounts").exists())
        self.assertEqual(self.skiff("builder", "prune", input="n\n").lines[-1][:13], "Are you sure ")
        # What an image needs stays; what only the cache held goes.
        self.assertIn("Total:\t0B", self.skiff("builder", "prune", "-f").stdout)
        self.assertTrue(layer.exists())
        # So do the digests of files of contexts, which are told by du.
        self.write("FROM busybox\nCOPY Dockerfile /d\n")

        def known():
            """A file that is as young as the clock's tick is not noted: a later build does."""
            self.build("--no-cache")
            return dict(line.split("|") for line in self.skiff("builder", "du", "--format", "{{.ID}}|{{.Size}}").lines).get("files")

        self.assertNotEqual(wait_for(known, timeout=60), "0B")
        self.skiff("builder", "prune", "-f")
        self.assertFalse((store / "cache/build/files").exists())
        mounts = ("builder", "du", "--format", "{{.ID}}|{{.Size}}|{{.CreatedBy}}")
        self.assertEqual(self.skiff(*mounts).lines, ["mounts|0B|directories of RUN --mount=type=cache"])
        self.write("FROM busybox\nRUN --mount=type=cache,target=/c echo pruned > /pruned; head -c 2000 /dev/zero > /c/f\n")
        self.build("--no-cache")
        self.assertIn("mounts|2kB|directories of RUN --mount=type=cache", self.skiff(*mounts).lines)
        layer = next((file for file in (store / "layers").glob("*/diff/pruned") if file != layer), layer)
        self.remove_images()
        self.assertTrue(layer.exists())
        self.assertIn("Total:\t2.007kB", self.skiff("builder", "prune", "-fa").stdout)
        self.assertFalse(layer.exists())
        self.assertFalse((store / "cache/build/mounts").exists())
        self.assertFalse((store / "cache/build/slots").exists())
        self.skiff_fails("builder", "prune", "-f", "--filter", "x=y", says="invalid filter")
        self.build()
        self.skiff("builder", "prune", "-f", "--filter", "type=exec.cachemount")
        self.assertFalse((store / "cache/build/mounts").exists())
        self.assertEqual(self.hits(self.build()), 1)

    def test_system_prune(self):
        self.build(text="FROM busybox AS a\nRUN echo kept > /kept\n")
        self.build(text="FROM busybox AS a\nRUN echo dropped > /dropped\n", tag="other")
        self.skiff("rmi", "other")
        self.skiff("system", "prune", "-f")
        store = self.state_directories()["store/names"].parent
        self.assertEqual(list((store / "layers").glob("*/diff/dropped")), [])
        self.assertEqual(self.hits(self.build(text="FROM busybox AS a\nRUN echo kept > /kept\n")), 1)
        self.skiff("run", "-d", "--network", "none", "busybox", "sleep", "1000")
        self.skiff("system", "prune", "-af")
        self.assertEqual(self.skiff("builder", "du").lines[1:], [])
        self.assertEqual(list((store / "layers").glob("*/diff/kept")), [])

    def test_speed_of_what_is_cached(self):
        """30 steps that are known: far less than one of them would take."""
        self.build("-q", text="FROM busybox\n" + "".join(f"RUN true {n}\n" for n in range(30)), timeout=300)
        best = min(self.build("-q").seconds for _ in range(8))
        self.assertLess(best, 0.25)


class Mounts(BuildTest):
    def test_secret(self):
        secret = self.context / "secret"
        secret.write_text("very secret\n")
        self.write("""
FROM busybox
RUN --mount=type=secret,id=s cat /run/secrets/s > /sizes; stat -c %a /run/secrets/s >> /sizes
RUN --mount=type=secret,id=e,target=/else/where,mode=0444 cat /else/where | md5sum
RUN --mount=type=secret,id=e,env=VAR test "$(echo $VAR | tr a-z A-Z)" = "FROM ENV"
RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent
RUN ls -a /run /else 2>&1 | cat
""")
        done = self.build("--secret", f"id=s,src={secret}", "--secret", "id=e,env=SECRET_VALUE",
                          env={"SECRET_VALUE": "from env"})
        self.assertEqual(self.inside("cat", "/sizes"), "very secret\n400\n")
        self.assertNotIn("very secret", done.stdout)
        names = set().union(*self.members()[1:])
        self.assertFalse({name for name in names if "secret" in name or "else" in name}, names)
        store = self.state_directories()["store/names"].parent
        leaked = [path for path in store.rglob("*") if path.is_file() and b"from env" in path.read_bytes()]
        self.assertEqual(leaked, [])
        self.write("FROM busybox\nRUN --mount=type=secret,id=no,required true\n")
        self.skiff_fails("build", self.context, says="no secret with id no found")

    def leaks(self, *canaries):
        """Files of the whole store and of the run-time directory that hold a canary."""
        places = self.state_directories()
        roots = (places["store/names"].parent, places["runtime"])
        files = {path for root in roots for path in root.rglob("*") if path.is_file() and not path.is_symlink()}
        self.assertGreater(len(files), 10)

        def content(path):
            try:
                return path.read_bytes()
            except FileNotFoundError:  # the trash is emptied meanwhile
                return b""
        return [str(path) for path in sorted(files) if any(c.encode() in content(path) for c in canaries)]

    def seen_in_processes(self, canary):
        """Arguments and environments of processes, but those of the build's own command line."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            for name in ("cmdline", "environ"):
                try:
                    with open(f"/proc/{pid}/{name}", "rb") as file:
                        if canary.encode() in file.read():
                            found.append((pid, name))
                except (PermissionError, FileNotFoundError, ProcessLookupError):
                    continue
        return found

    def test_secrets_stay_secret(self):
        """While the step runs, after it, after one that failed, and in one layer."""
        canary = "c4n4ry-of-a-file"
        told = self.tmp / "told"
        told.mkdir()
        (told / "secret").write_text(canary)
        step = f"RUN --mount=type=secret,id=s,required grep -q {canary[:8]} /run/secrets/s && {{}}\n"
        option = ["--secret", f"id=s,src={told / 'secret'}"]
        self.write("FROM busybox\n" + step.format("sleep 3; true"))
        running = self.start("build", "--network", "none", "-t", "made", *option, self.context)
        wait_for(lambda: any(line.startswith("sleep 3") for line in processes().values()), 20)
        self.assertEqual(self.seen_in_processes(canary), [])
        self.assertEqual(self.leaks(canary), [])
        self.assertEqual(running.wait(60), 0)
        out = self.build("--explain", *option).stdout
        for options in ([], ["--squash"]):
            self.write("FROM busybox\n" + step.format(f"true {len(options)}"))
            out += self.build(*options, *option, "--explain").stdout
            out += json.dumps(self.skiff("image", "inspect", "made").json) + json.dumps(self.history())
            self.assertFalse([n for n in set().union(*self.members()[1:]) if "secret" in n])
        self.write("FROM busybox\n" + step.format("cat /run/secrets/absent"))
        failed = self.skiff("build", "--network", "none", *option, self.context, check=False)
        self.assertNotEqual(failed.code, 0)
        self.assertNotIn(canary, out + failed.stdout + failed.stderr)
        self.assertEqual(self.leaks(canary), [])

    def test_passwords_of_urls_are_not_kept(self):
        """ADD, and what --explain compares with."""
        url = f"http://name:c4n4ry-of-a-url@{self.serve_files(self.context)}/f"
        self.write(f"FROM busybox\nADD {url} /f\n", f="fetched")
        self.build()
        self.assertEqual(self.inside("cat", "/f"), "fetched")
        self.assertEqual(self.leaks("c4n4ry"), [])
        self.assertNotIn("c4n4ry", " ".join(self.history()))

    def test_cache(self):
        self.write("FROM busybox\nRUN --mount=type=cache,id=c,target=/c echo x >> /c/log; wc -l < /c/log > /n\n")
        self.build()
        self.build("--no-cache")
        self.assertEqual(self.inside("cat", "/n").strip(), "2")
        self.assertNotIn("c", set().union(*self.members()[1:]))

    def test_bind(self):
        sub = self.context / "sub"
        sub.mkdir()
        (sub / "f").write_text("bound\n")
        self.write("""
FROM busybox AS other
RUN echo other > /o
FROM busybox
RUN --mount=source=sub,target=/b cat /b/f > /1; touch /b/x 2>/dev/null && exit 3; true
RUN --mount=type=bind,source=sub,target=/b,rw touch /b/written; ls /b > /2
RUN --mount=from=other,target=/o cat /o/o > /3
RUN --mount=source=sub/f,target=/file cat /file > /4
""")
        self.build()
        self.assertEqual(self.inside("cat", "/1", "/2", "/3", "/4"), "bound\nf\nwritten\nother\nbound\n")
        self.assertEqual(os.listdir(sub), ["f"])
        self.assertEqual(self.build().stdout.count("Using cache"), 5)
        (sub / "f").write_text("changed\n")
        # The first RUN of the other stage; those behind the first that saw the file stand on another layer.
        self.assertEqual(self.build().stdout.count("Using cache"), 1)

    def test_network(self):
        self.write("FROM busybox\nRUN --network=none ip -o link | wc -l > /links\n")
        self.skiff("build", "-t", "made", self.context)
        self.assertEqual(self.inside("cat", "/links").strip(), "1")


class Result(BuildTest):
    def test_platform_of_nothing(self):
        self.write("FROM scratch\nCOPY f /f\n", f="")
        self.build("--platform", "linux/s390x")
        self.assertEqual(self.skiff("image", "inspect", "made").json[0]["Architecture"], "s390x")
        self.build("--platform", "linux/s390x", text="FROM --platform=linux/ppc64le scratch\nCOPY f /f\n")
        self.assertEqual(self.skiff("image", "inspect", "made").json[0]["Architecture"], "ppc64le")

    def test_squash(self):
        text = "FROM busybox\nRUN echo a > /a; rm /etc/group\nRUN mv /a /b\nCMD [\"x\"]\n"
        for option in ("--squash", "--layers=false"):
            self.build(option, text=text)
            layers = self.members()
            self.assertEqual(len(layers), 2)
            self.assertEqual(set(layers[1]) - {"", ".", "etc"}, {"b", "etc/.wh.group"})
            self.assertEqual(self.config()["Cmd"], ["x"])

    def test_timestamp(self):
        self.write("FROM busybox\nRUN echo a > /a; mkdir -p /d/e; touch /d/e/.hidden\nCOPY Dockerfile /c\n")
        ids = [self.build("--timestamp", "1234567890", "--no-cache").lines[-1] for _ in range(2)]
        self.assertEqual(ids[0], ids[1])
        self.assertEqual(self.skiff("image", "inspect", "made").json[0]["Created"][:19], "2009-02-13T23:31:30")
        times = {member.mtime for layer in self.members()[1:] for member in layer.values()}
        self.assertEqual(times, {1234567890})
        self.build(env={"SOURCE_DATE_EPOCH": "1"})
        self.assertEqual(self.skiff("image", "inspect", "made").json[0]["Created"][:19], "1970-01-01T00:00:01")

    def test_output(self):
        self.write("FROM busybox\nRUN echo said\n")
        done = self.build("--iidfile", self.tmp / "iid", "-t", "second:tag")
        image = self.skiff("image", "inspect", "made").json[0]
        self.assertEqual((self.tmp / "iid").read_text(), f"sha256:{image['Id']}")
        self.assertEqual(sorted(image["RepoTags"]), ["localhost/made:latest", "localhost/second:tag"])
        self.assertEqual(done.lines[0], "STEP 1/2: FROM busybox")
        self.assertIn("said", done.lines)
        self.assertEqual(done.lines[-1], image["Id"])
        quiet = self.build("-q", "--no-cache")
        self.assertEqual(len(quiet.lines), 1)
        nameless = self.skiff("build", "-q", "--network", "none", self.context).word
        self.assertEqual(nameless, quiet.word)

    def test_where_the_file_is(self):
        self.write("FROM busybox\nENV WHICH=container\n", name="Containerfile")
        self.write("FROM busybox\nENV WHICH=docker\n")
        self.build()
        self.assertIn("WHICH=container", self.config()["Env"])
        self.build("-f", self.context / "Dockerfile")
        self.assertIn("WHICH=docker", self.config()["Env"])
        self.skiff("build", "-t", "made", "-", input="FROM busybox\nENV WHICH=stdin\n")
        self.assertIn("WHICH=stdin", self.config()["Env"])
        self.skiff("image", "build", "-q", "-t", "made", self.context)
        self.skiff("builder", "build", "-q", "-t", "made", self.context)
        self.skiff("buildx", "build", "--load", "--progress", "plain", "-t", "made", self.context)
        self.skiff_fails("build", self.tmp / "nowhere")

    def test_check(self):
        done = self.skiff_fails("build", "--check", "-", code=1, input="FROM busybox as x\nRUN echo $UNKNOWN\n")
        self.assertIn("FromAsCasing", done.stdout)
        self.assertIn("Check complete", done.stdout)
        self.skiff("build", "--check", "-", input="FROM busybox\nRUN true\n")
        # What the builder sets is declared.
        self.skiff("build", "--check", "-", input="FROM --platform=$BUILDPLATFORM busybox AS b\nRUN true\n")
        self.skiff("build", "-", input="# check=error=true\nFROM busybox AS x\n")
        self.skiff_fails("build", "-", input="# check=error=true\nFROM busybox as x\n", says="-:2: FromAsCasing: ")


class Failures(BuildTest):
    def test_a_command(self):
        self.write("FROM busybox\nRUN true\n\nRUN echo before; exit 42\nRUN echo never\n")
        done = self.skiff_fails("build", "--network", "none", "-t", "made", self.context, code=42)
        self.assertIn("Dockerfile:4: building at STEP \"RUN echo before; exit 42\": while running runtime: exit status 42",
                      done.stderr)
        self.assertNotIn("never\n", done.stdout.replace("RUN echo never", ""))
        self.skiff_fails("image", "inspect", "made")
        self.skiff_fails("build", "--network", "none", "-", code=127, input="FROM busybox\nRUN [\"/no/such\"]\n")

    def test_the_file(self):
        for text, says in (("FROM busybox\nRUNN x\n", "2: unknown instruction 'RUNN'"),
                           ("FROM busybox\nENV A=${B:?must be}\n", "2: "),
                           ("FROM busybox\nSTOPSIGNAL NOSUCH\n", "2: invalid signal"),
                           ("FROM busybox\nEXPOSE x\n", "2: "),
                           ("FROM busybox\nRUN --security=insecure x\n", "2: security.insecure is not allowed"),
                           ("RUN x\n", "1: RUN before the first FROM"),
                           ("FROM UPPER\n", "1: ")):
            done = self.skiff_fails("build", "--network", "none", "-", input=text)
            self.assertIn(says, done.stderr)

    def test_options(self):
        self.write("FROM busybox\n")
        self.skiff_fails("build", "--network", "none", "-", says="It needs from= too",
                         input="FROM busybox\nRUN --mount=type=cache,target=/c,source=x true\n")
        self.skiff("build", "--inherit-annotations=false", self.context)
        for option, says in ((["--sbom", "x"], "unsupported flag: --sbom"),
                             (["--inherit-annotations"], "annotations of base images are not inherited"),
                             (["--secret", "nothing"], "incorrect secret flag format"),
                             (["--format", "x"], "unrecognized image type \"x\""),
                             (["--build-context", "x"], "expected NAME=VALUE"),
                             (["-t", "UPPER"], "repository name must be lowercase"),
                             (["--timestamp", "x"], "no number of seconds")):
            self.skiff_fails("build", *option, self.context, says=says)

    def test_killed(self):
        """Neither stage nor container outlives a build that is killed; the next command cleans up."""
        self.write("FROM busybox\nRUN echo started; sleep 1000\n")
        process = self.start("build", "--network", "none", self.context)
        wait_for(lambda: process.stdout.readline() == b"started\n", timeout=20)
        process.kill()
        process.wait()
        wait_for(lambda: not self.skiff("ps", "-q").lines, timeout=10, message="the end of the step's container")
        store = self.state_directories()["store/names"].parent
        self.skiff("build", "-q", "-", input="FROM busybox\nENV A=b\n")
        self.assertEqual(sorted(os.listdir(store / "staging")), [".lock"])

    def test_interrupted(self):
        self.write("FROM busybox\nRUN trap 'exit 3' INT; echo started; while :; do sleep 0.1; done\n")
        process = self.start("build", "--network", "none", self.context)
        wait_for(lambda: process.stdout.readline() == b"started\n", timeout=20)
        os.kill(process.pid, 2)
        self.assertEqual(process.wait(timeout=20), 3)


class BuildahTest(BuildTest):
    """The same Dockerfile by buildah."""

    driver = "vfs"

    def buildah(self, *args):
        done = subprocess.run(["buildah", "--root", self.place / "store", "--runroot", self.place / "run",
                               "--storage-driver", self.driver, *args], check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def files(self, archive):
        """What a root holds but for times and what a runtime leaves there."""
        found = {}
        with tarfile.open(fileobj=archive) as tar:
            for member in tar:
                name = member.name.removeprefix("./").rstrip("/")
                if name.split("/")[0] in ("", ".", "dev", "proc", "sys", "run") or name in (
                        "etc", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"):
                    continue
                content = tar.extractfile(member) if member.isreg() or member.islnk() else None
                content = hashlib.file_digest(content, "sha256").digest() if content else b""
                kind = b"f" if member.islnk() or member.isreg() else member.type
                found[name] = (kind, member.mode & 0o7777, member.uid, member.gid, member.linkname if member.issym() else "",
                               content)
        return found

    @staticmethod
    def config_of(config):
        kept = {key: config.get(key) or None for key in (
            "User", "ExposedPorts", "Cmd", "Entrypoint", "Volumes", "WorkingDir", "StopSignal", "Healthcheck", "OnBuild",
            "Shell")}
        labels = {k: v for k, v in (config.get("Labels") or {}).items() if not k.startswith("io.buildah")}
        return kept | {"Env": sorted(config["Env"]), "Labels": labels}

    @staticmethod
    def steps_of(history):
        """(text, has a layer); the checksums of files are each builder's own."""
        return [(re.sub(r"(file|dir|multi):[0-9a-f]{64}", "FILES", entry["created_by"]),
                 " WORKDIR " not in entry["created_by"] and not entry.get("empty_layer")) for entry in history]

    def equal_by_buildah(self, base="busybox"):
        """Build the context by both, on the same base: the same config, history and files."""
        self.need(shutil.which("buildah"), "buildah is not installed")
        self.need(os.geteuid() == 0, "buildah is run as root")
        self.place = self.tmp / "buildah"
        self.place.mkdir(exist_ok=True)
        archive = self.tmp / f"{base}.tar"
        self.skiff("save", "--format", "oci-archive", "-o", archive, base)
        image = self.buildah("pull", "-q", f"oci-archive:{archive}")
        self.buildah("tag", image, f"localhost/{base}:latest")
        self.buildah("bud", "--layers", "--isolation", "chroot", "--format", "docker", "-t", "made", self.context)
        self.build("--format", "docker")
        theirs = json.loads(self.buildah("inspect", "--type", "image", "made"))["Docker"]
        ours = json.loads((self.state_directories()["store/names"].parent / "images" /
                           self.skiff("image", "inspect", "made").json[0]["Id"] / "config.json").read_text())
        self.assertEqual(self.config_of(ours["config"]), self.config_of(theirs["config"]))
        self.assertEqual(self.steps_of(ours["history"]), self.steps_of(theirs["history"]))
        container = self.buildah("from", "made")
        mounted = self.buildah("mount", container)
        packed = subprocess.run(["tar", "-C", mounted, "-cf", "-", "."], check=True, capture_output=True).stdout
        name = self.skiff("create", "made", "x").word
        exported = self.skiff("export", name).stdout_bytes
        self.assertEqual(self.files(io.BytesIO(exported)), self.files(io.BytesIO(packed)))
        self.buildah("rm", container)


class AsBuildah(BuildahTest):
    """The same Dockerfile by buildah: the same config, history and files.

    What is docker's here and not buildah's: ranges of EXPOSE are ports, the arguments of a stage are those of the
    stage on it, the history has an ARG as it was written, CMD is for the stage's SHELL, and a directory that WORKDIR
    makes is a layer, and the user's.
    """

    FILE = """
FROM busybox AS one
ARG U=2
ENV A=1 B="two words" PATH=/x:$PATH
LABEL l1=v1 "l 2"='v 2'
RUN echo $A $U > /one; mkdir -p /d/e; chmod 700 /d; chown 4:5 /d/e; touch /var/www/new
WORKDIR /w/x
COPY f g/ ./
FROM busybox
COPY --from=one --chown=3:4 /one /again
COPY --from=one /w /d /both/
RUN rm /etc/group && ln -s one /l && ln /again /h && rm -r /var/www && mkdir /var/www
EXPOSE 80 90/udp
VOLUME /data
STOPSIGNAL SIGUSR1
CMD shell form $A
ENTRYPOINT ["entry", "$A"]
WORKDIR /rel
WORKDIR ative
COPY f .
USER 7:8
HEALTHCHECK --interval=5s CMD probe
ONBUILD ENV later=1
SHELL ["/bin/other", "-c"]
"""

    def test_equal(self):
        (self.context / "g").mkdir()
        (self.context / "g/in g").write_text("g")
        self.write(self.FILE, f="f")
        self.equal_by_buildah()
