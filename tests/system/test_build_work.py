# SPDX-License-Identifier: Apache-2.0
"""skiff build at real work: what people build, on images of Debian packages, and then what was built is run.

The images are made once for a machine (tests/support/images.py).
"""

import re
import subprocess
import urllib.error
import urllib.request

from tests.support.skiff import wait_for
from tests.system.test_build import BuildahTest, BuildTest


def fetch(port, path="/"):
    """The body of an answer, None as long as nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.read().decode()
    except (OSError, urllib.error.URLError):
        return None


class WorkTest(BuildTest):
    def serve(self, *options, name="made", port):
        """Run an image in the background with that port of it published. Returns (container, port here)."""
        container = self.skiff("run", "-d", "-p", f"127.0.0.1::{port}", *options, name).word
        here = self.skiff("port", container, f"{port}/tcp").word.rpartition(":")[2]
        return container, int(here)

    def answer(self, port, path="/"):
        wait_for(lambda: fetch(port, path) is not None, timeout=60, message=f"an answer from {path}")
        return fetch(port, path)

    def files(self, files):
        """Files of the context, by their paths."""
        for name, text in files.items():
            path = self.context / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


class Services(WorkTest):
    # One class, and so one store, for all: they share the layers of Debian.
    images = ["compiler", "debian", "postgres"]

    def setUp(self):
        super().setUp()
        self.need_ids()

    def test_program_to_scratch(self):
        """A program is compiled in one stage; the image is the program alone."""
        self.write("""# syntax=docker/dockerfile:1
ARG BASE=compiler
FROM ${BASE} AS build
WORKDIR /src
COPY Makefile main.c ./
ARG VERSION=dev
RUN make CFLAGS="-O2 -DVERSION='\\"$VERSION\\"'" LDFLAGS=-static && strip program
FROM build AS test
RUN ./program self-test
FROM scratch
LABEL org.opencontainers.image.title=program
COPY --from=build /src/program /program
USER 65534:65534
ENTRYPOINT ["/program"]
CMD ["world"]
""", **{"main.c": """#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	return printf("%s: hello %s as %d\\n", VERSION, argv[1], (int)getuid()) < 0;
}
""", "Makefile": "program: main.c\n\t$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $<\n"})
        done = self.build("--build-arg", "VERSION=1.2")
        self.assertNotIn("self-test", done.stdout, "a stage that nobody needs was run")
        run = ["run", "--rm", "--network", "none", "made"]
        self.assertEqual(self.skiff(*run).stdout, "1.2: hello world as 65534\n")
        self.assertEqual(self.skiff(*run, "you").stdout, "1.2: hello you as 65534\n")
        self.assertEqual([set(layer) for layer in self.members()], [{"program"}])
        # Another version is another RUN, and nothing above it.
        again = self.build("--build-arg", "VERSION=1.3")
        self.assertEqual(again.stdout.count("--> Using cache"), 2)
        self.assertEqual(self.skiff(*run).stdout, "1.3: hello world as 65534\n")
        self.assertIn("self-test", self.build("--target", "test", tag="tested").stdout)

    APP = {"app/__init__.py": "", "app/__main__.py": """import http.server, os, pathlib
COUNT = pathlib.Path("/data/count")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        COUNT.write_text(str(int(COUNT.read_text() if COUNT.exists() else 0) + 1))
        self.send_response(200); self.end_headers()
        self.wfile.write(f"{os.environ['GREETING']} {COUNT.read_text()} {os.getuid()}".encode())
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""}
    PYTHON = """FROM debian
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \\
    GREETING=hello
RUN <<EOT
set -e
useradd --uid 1001 --create-home service
install -d -o service -g service /data
EOT
WORKDIR /srv/app
COPY --chown=service:service --chmod=u=rwX,go=rX app app
USER service
VOLUME /data
EXPOSE 8000/tcp
HEALTHCHECK --interval=1h --timeout=30s CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/')"]
STOPSIGNAL SIGINT
CMD ["python3", "-m", "app"]
"""

    def test_python_service(self):
        """A package in a directory of its own, a user, a health check, a volume."""
        self.files(self.APP)
        self.write(self.PYTHON)
        self.build("--format", "docker")
        container, port = self.serve("-v", "counts:/data", port=8000)
        self.addCleanup(self.skiff, "volume", "rm", "-f", "counts")
        self.assertEqual(self.answer(port), "hello 2 1001")
        self.skiff("healthcheck", "run", container, timeout=120)
        self.assertEqual(self.answer(port).split()[1], "5")
        self.skiff("rm", "-f", "-t", "0", container)
        container, port = self.serve("-v", "counts:/data", "-e", "GREETING=again", port=8000)
        self.assertEqual(self.answer(port), "again 7 1001")

    ENTRY = """#!/bin/sh
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	initdb --username=postgres --auth-local=trust --auth-host=trust >/dev/null
	echo "host all all all trust" >> "$PGDATA/pg_hba.conf"
fi
exec "$@"
"""

    DATABASE = """FROM postgres
ENV PGDATA=/var/lib/postgresql/data LANG=C.UTF-8
RUN set -eux; \\
    ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/; \\
    install -d -o postgres -g postgres -m 0700 "$PGDATA"; \\
    install -d -o postgres -g postgres -m 2775 /var/run/postgresql
COPY --chmod=755 entry.sh /usr/local/bin/entry.sh
USER postgres
VOLUME ${PGDATA}
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["entry.sh"]
CMD ["postgres", "-c", "listen_addresses=*", "-c", "fsync=off"]
"""

    def psql(self, port, command):
        """A client in a container of its own, on our network, to the port that is published here."""
        done = self.skiff("run", "--rm", "--network", "host", "--entrypoint", "psql", "made", "-h", "127.0.0.1", "-p", str(port),
                          "-U", "postgres", "-Atqc", command, code=None, check=False, timeout=120)
        return done.stdout.strip() if done.code == 0 else None

    def ready(self, port):
        wait_for(lambda: self.psql(port, "select 1") == "1", timeout=60, interval=0.5, message="the database")

    def test_database(self):
        """EXPOSE, VOLUME, USER, ENTRYPOINT and CMD as such images have them; the data outlives the container."""
        (self.context / "entry.sh").write_text(self.ENTRY)
        self.write(self.DATABASE)
        self.build("--format", "docker")
        config = self.config()
        self.assertEqual((config["User"], list(config["Volumes"]), list(config["ExposedPorts"]), config["StopSignal"]),
                         ("postgres", ["/var/lib/postgresql/data"], ["5432/tcp"], "SIGINT"))
        self.addCleanup(self.skiff, "volume", "rm", "-f", "pgdata")
        container, port = self.serve("-v", "pgdata:/var/lib/postgresql/data", "--shm-size", "128m", port=5432)
        self.ready(port)
        self.assertEqual(self.psql(port, "create table t (a int); insert into t select generate_series(1, 1000); select sum(a) from t"),
                         "500500")
        self.skiff("stop", "-t", "60", container, timeout=120)
        self.assertEqual(self.skiff("inspect", "-f", "{{.State.ExitCode}}", container).word, "0", "it was not stopped in order")
        self.skiff("rm", container)
        container, port = self.serve("-v", "pgdata:/var/lib/postgresql/data", port=5432)
        self.ready(port)
        self.assertEqual(self.psql(port, "select count(*) from t"), "1000")


class Commands(BuildTest):
    """ENTRYPOINT and CMD: docker's table of their combinations, by what really runs."""

    BASE = """FROM busybox AS tools
FROM scratch
COPY --from=tools /bin /bin
COPY --chmod=755 exec_entry exec_cmd /bin/
"""
    ENTRY = {"none": "", "shell": "ENTRYPOINT exec_entry p1_entry\n", "json": 'ENTRYPOINT ["exec_entry", "p1_entry"]\n'}
    CMD = {"none": "", "json": 'CMD ["exec_cmd", "p1_cmd"]\n', "shell": "CMD exec_cmd p1_cmd\n"}
    # What docker's reference says is run: (ENTRYPOINT, CMD) to what exec_entry or exec_cmd see of it.
    TABLE = {
        ("none", "none"): None,
        ("none", "json"): "cmd: p1_cmd",
        ("none", "shell"): "cmd: p1_cmd",
        ("shell", "none"): "entry: p1_entry",
        ("shell", "json"): "entry: p1_entry",
        ("shell", "shell"): "entry: p1_entry",
        ("json", "none"): "entry: p1_entry",
        ("json", "json"): "entry: p1_entry exec_cmd p1_cmd",
        ("json", "shell"): "entry: p1_entry /bin/sh -c exec_cmd p1_cmd",
    }

    def setUp(self):
        super().setUp()
        for name in ("entry", "cmd"):
            (self.context / f"exec_{name}").write_text(f'#!/bin/sh\necho "{name}:" "$@"\n')

    def test_table(self):
        for (entry, cmd), shown in self.TABLE.items():
            for order in (0, 1):
                with self.subTest(entrypoint=entry, cmd=cmd, order=order):
                    lines = [self.ENTRY[entry], self.CMD[cmd]]
                    self.build(text=self.BASE + "".join(lines[::-1] if order else lines))
                    if shown is None:
                        self.skiff_fails("run", "--rm", "--network", "none", "made", says="no command or entrypoint")
                    else:
                        self.assertEqual(self.inside(), shown + "\n")

    def test_arguments_take_the_place_of_the_command(self):
        for entry, shown in (("none", "cmd: typed"), ("shell", "entry: p1_entry"), ("json", "entry: p1_entry exec_cmd typed")):
            with self.subTest(entry):
                self.build(text=self.BASE + self.ENTRY[entry] + self.CMD["json"])
                self.assertEqual(self.inside("exec_cmd", "typed"), shown + "\n")

    def test_inherited(self):
        """A child's ENTRYPOINT drops the base's CMD; its CMD leaves the base's ENTRYPOINT."""
        self.build(text=self.BASE + self.ENTRY["json"] + self.CMD["json"], tag="base")
        self.build(text='FROM base\nENTRYPOINT ["exec_entry", "other"]\n')
        self.assertEqual(self.inside(), "entry: other\n")
        self.build(text='FROM base\nCMD ["other"]\n')
        self.assertEqual(self.inside(), "entry: p1_entry other\n")
        self.build(text="FROM base\nENTRYPOINT []\n")
        self.skiff_fails("run", "--rm", "--network", "none", "made", says="no command or entrypoint")

    def test_shell_of_their_own(self):
        self.build(text=self.BASE + 'SHELL ["/bin/sh", "-exc"]\nCMD exec_cmd $HOME\n')
        done = self.skiff("run", "--rm", "--network", "none", "-e", "HOME=/h", "made")
        self.assertEqual((done.stdout, done.stderr), ("cmd: /h\n", "+ exec_cmd /h\n"))


class Patterns(BuildTest):
    def test_development_and_production(self):
        """Two targets on one base: what only one needs is not run for the other, and the base is run once."""
        self.write("""ARG VERSION=1
FROM busybox AS base
WORKDIR /app
COPY run.sh .
RUN echo base >> /log
FROM base AS development
ENV MODE=development
RUN echo tools >> /log
CMD ["sh", "run.sh"]
FROM base AS compiled
RUN echo compiled >> /log && echo "echo $(cat run.sh | wc -l) lines" > /app/out.sh
FROM base AS production
ARG VERSION
ENV MODE=production VERSION=${VERSION}
COPY --from=compiled /app/out.sh .
CMD ["sh", "out.sh"]
""", **{"run.sh": 'echo "$MODE"\ncat /log\n'})
        done = self.build("--target", "development", tag="dev")
        self.assertNotIn("compiled", done.stdout)
        self.assertEqual(self.inside(image="dev"), "development\nbase\ntools\n")
        done = self.build("--build-arg", "VERSION=2", tag="prod")
        self.assertNotIn("tools", done.stdout)
        self.assertEqual(self.inside(image="prod"), "2 lines\n")
        self.assertEqual(self.inside("cat", "/log", image="prod"), "base\n")
        self.assertIn("VERSION=2", self.config("prod")["Env"])
        # A file of the context changes: both have it.
        (self.context / "run.sh").write_text("echo 1\n")
        self.build("--target", "development", tag="dev")
        self.build(tag="prod")
        self.assertEqual((self.inside(image="dev"), self.inside(image="prod")), ("1\n", "1 lines\n"))

    def test_images_in_the_place_of_names(self):
        """What FROM, COPY and RUN mean by a name may be another image, whose files are then taken."""
        self.write("""FROM golang:1.22-alpine AS build
RUN echo built > /built
FROM busybox
COPY --from=build /built /
COPY --from=composer:2 /etc/passwd /copied
RUN --mount=type=bind,from=composer:2,target=/m cp /m/etc/group /mounted
""")
        self.build("--build-context", "golang:1.22-alpine=docker-image://localhost/busybox",
                   "--build-context", "composer:2=container-image://localhost/busybox")
        self.assertEqual(self.inside("cat", "/built", "/copied", "/mounted"),
                         "built\n" + self.inside("cat", "/etc/passwd", "/etc/group", image="busybox"))

    def test_user_of_an_unset_variable(self):
        """As images of .NET have it: who has not set it is root."""
        self.need_ids()
        self.build("--build-arg", "APP_UID=7", text="FROM busybox\nUSER $APP_UID\nRUN id -u > /u\n")
        self.assertEqual((self.inside("cat", "/u"), self.config().get("User") or ""), ("0\n", ""))
        self.build("--build-arg", "APP_UID=7", text="FROM busybox\nARG APP_UID\nUSER $APP_UID\nRUN id -u > /tmp/u\n")
        self.assertEqual((self.inside("cat", "/tmp/u"), self.config()["User"]), ("7\n", "7"))

    def test_onbuild(self):
        """What a base does in those that are built from it: once, before their own steps, and not in theirs."""
        self.write("""FROM busybox
WORKDIR /app
ONBUILD ARG NAME=nobody
ONBUILD COPY main.txt /app/
ONBUILD RUN echo "$NAME: $(cat main.txt)" > built
CMD ["cat", "/app/built"]
""", **{"main.txt": "of the child"})
        self.build("--format", "docker", tag="base")
        self.assertEqual(self.inside("ls", "/app", image="base"), "")
        self.build("--format", "docker", "--build-arg", "NAME=me", text="FROM base\nRUN echo after >> built\n", tag="child")
        self.assertEqual(self.inside(image="child"), "me: of the child\nafter\n")
        (self.context / "main.txt").unlink()
        self.build("--format", "docker", text="FROM child\nRUN echo grandchild >> built\n", tag="grandchild")
        self.assertEqual(self.inside(image="grandchild"), "me: of the child\nafter\ngrandchild\n")
        self.skiff_fails("build", "-f", "-", self.context, input="FROM base\n", says="main.txt")


class Mistakes(BuildTest):
    """What one reads who has typed something wrong: where it is, what is wrong, and on a terminal what was meant."""

    CASES = (
        # (what stands below FROM busybox AS base, the error, the help)
        ("COPY main.ct /\n", "Dockerfile:2: 'main.ct': no such file or directory in the build context", "help: did you mean main.c\\?"),
        ("COPY src/a.txt .\n", "Dockerfile:2: 'src/a.txt': no such file or directory in the build context", "help: did you mean a.text\\?"),
        ("COPY nothing /\n", "Dockerfile:2: 'nothing': no such file or directory in the build context",
         "help: sources are looked up inside the build context"),
        ("COPY ../outside /\n", "Dockerfile:2: 'outside': no such file or directory in the build context",
         "help: sources are looked up inside the build context"),
        ("COPY left.out /\n", "Dockerfile:2: 'left.out': no such file or directory in the build context",
         "help: the context's ignore file leaves it out"),
        ("RUN true\nCOPY --from=base /nothing /\n", "Dockerfile:3: a cycle: a stage needs itself through 'base'", None),
        ("FROM busybox\nCOPY --from=base /nothing /\n", "Dockerfile:3: --from=base: 'nothing': No such file or directory", None),
        ("FROM busybox\nCOPY --from=bse /etc /\n", "Dockerfile:3: .*bse.*",
         "help: did you mean the stage base\\?"),
        ("FROM busybox\nCOPY --from=7 /etc /\n", "Dockerfile:3: there is no stage '7'", None),
        ("COPY main.c src /dir\n", "Dockerfile:2: When using COPY with more than one source file, the destination must be a directory and end with a /", None),
        ("COPY src /etc/passwd\n", "Dockerfile:2: the destination '/etc/passwd' is not a directory", None),
        ("WORKDIR /etc/passwd\n", "Dockerfile:2: cannot make '/etc/passwd': Not a directory", None),
        ("COPY --chown=noone main.c /\n", "Dockerfile:2: --chown 'noone': no such user or group in the image", None),
        ("\n# nothing\nRNU true\n", "Dockerfile:4: unknown instruction 'RNU'", "help: did you mean RUN\\?"),
        ("HEALTHCHECK --intervall=3s CMD x\n", "Dockerfile:2: HEALTHCHECK has no flag '--intervall'", "help: did you mean --interval\\?"),
        ("RUN --mount=type=cahce,target=/x true\n", "Dockerfile:2: --mount: unknown mount type 'cahce'", "help: did you mean cache\\?"),
        ("RUN --mount=type=secret,id=x,required cat /x\n", "Dockerfile:2: secret required but no secret with id x found", None),
        ("RUN cat <<EOF\nx\n", "Dockerfile:2: heredoc 'EOF' is not closed", "help: it ends at a line that holds nothing but EOF"),
        ("LABEL a=\"${B:?must be set}\"\n", "Dockerfile:2: .*must be set", None),
        ("RUN no-such-program\n", 'Dockerfile:2: building at STEP "RUN no-such-program": while running runtime: exit status 127',
         "help: to look around where it failed: skiff .*build --on-failure=shell "),
    )

    def test_messages(self):
        (self.context / "src").mkdir()
        (self.context / "src" / "a.text").write_text("")
        for text, error, help_text in self.CASES:
            with self.subTest(text):
                self.write("FROM busybox AS base\n" + text, **{"main.c": "", "left.out": "", ".dockerignore": "left.out\n"})
                terminal = self.tty("build", "--network", "none", "--pull=never", "--progress", "plain", self.context, columns=1000)
                self.assertNotEqual(terminal.wait(60), 0)
                said = terminal.output.decode().replace("\r\n", "\n")
                self.assertRegex(said, r"(?m)^Error: (" + (error if ".*" in error else re.escape(error)) + ")")
                if help_text:
                    self.assertRegex(said, "(?m)^" + help_text)


    def check(self, text, *options, code=1):
        """What --check prints of a Dockerfile: rules and lines."""
        self.write(text)
        done = self.skiff("build", "--check", *options, self.context, code=code)
        return [tuple(line.split(": ")[1:3]) for line in done.lines if line.startswith("WARNING: ")], done

    def test_check_knows_the_images_that_are_here(self):
        found, _ = self.check("FROM busybox\nENV A=$PATH:$NOTHING\n")
        self.assertEqual(found, [("UndefinedVar", "Dockerfile:2")])
        found, _ = self.check("FROM not-here.invalid/x\nENV A=$NOTHING\n", code=0)
        self.assertEqual(found, [])
        found, _ = self.check("FROM busybox\n", "--platform", "linux/s390x")
        self.assertEqual(found, [("InvalidBaseImagePlatform", "Dockerfile:1")])

    def test_check_of_what_cannot_be_built(self):
        found, done = self.check("FROM busybox as a\nCOPY --from=7 /x /x\n", code=125)
        self.assertEqual(found, [("FromAsCasing", "Dockerfile:1")])
        self.assertIn("Error: Dockerfile:2: there is no stage '7'", done.stderr)
        _, done = self.check("FROM busybox AS a\nCOPY --from=a /x /x\n", code=125)
        self.assertNotIn("no warnings", done.stdout)


class WorkByBuildah(BuildahTest):
    def test_patterns(self):
        """The Dockerfiles above, as far as they stand on busybox, by buildah: config, history and files."""
        for name in ("entry", "cmd"):
            (self.context / f"exec_{name}").write_text(f'#!/bin/sh\necho "{name}:" "$@"\n')
        for entry, cmd in (("json", "shell"), ("shell", "json"), ("none", "shell"), ("json", "none")):
            with self.subTest(entrypoint=entry, cmd=cmd):
                self.write(Commands.BASE.replace("FROM scratch", "FROM busybox") + Commands.ENTRY[entry] + Commands.CMD[cmd])
                self.equal_by_buildah()

    def test_onbuild(self):
        self.write("FROM busybox\nONBUILD COPY f /f\nONBUILD RUN cat /f /f > /g\nONBUILD USER 3\n", f="f\n")
        self.build("--format", "docker", tag="base")
        self.write("FROM base\nRUN id -u > /tmp/u\nLABEL a=b\n", f="f\n")
        self.equal_by_buildah("base")


class ServicesByBuildah(BuildahTest):
    images = ["postgres"]
    driver = "overlay"

    def test_database(self):
        """The one above: by buildah it has the same config, history and files, all of Debian's among them."""
        # The driver mounts its own directory on itself.
        self.addCleanup(subprocess.run, ["umount", "-l", self.tmp / "buildah/store/overlay"], check=False, capture_output=True)
        self.write(Services.DATABASE)
        (self.context / "entry.sh").write_text(Services.ENTRY)
        self.equal_by_buildah("postgres")
