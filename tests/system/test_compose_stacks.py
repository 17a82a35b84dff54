# SPDX-License-Identifier: Apache-2.0
"""skiff compose with real programs: the projects people have, built from Debian packages and driven with curl.

One image holds all packages (root makes it once: tests/support/images.py stack); each project builds its own on top of it.
"""

import json
import os
import signal
import subprocess

from tests.support.skiff import SLOWNESS, SkiffTest, free_port, wait_for

# run.py makes them first where it can.
MADE_BY_ROOT = ["stack"]

PATIENCE = 60  # seconds for what takes one on an idle machine

PROBE = "interval: 200ms, timeout: 20s, retries: 1000"

REDIS_PY = '''
import http.server, json, os, socket
import redis

store = redis.Redis(host="redis", password=open("/run/secrets/redis_password").read().strip())


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        count = None if self.path == "/health" else store.incr("count")
        body = json.dumps({"host": socket.gethostname(), "count": count}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("", 8000), Answer).serve_forever()
'''

NGINX_CONF = """
upstream app { %s }
server {
    listen 80;
    location /static { return 200 "static\\n"; }
    location / { proxy_pass http://app; proxy_next_upstream error timeout; proxy_connect_timeout 2s; }
}
"""

FLASK_PY = """
import os
import flask, redis

app = flask.Flask(__name__)
store = redis.Redis(host=os.environ["REDIS_HOST"])


@app.route("/")
def index():
    return f"{os.environ.get('GREETING', 'Hello')} {store.incr('visits')}\\n"
"""

PHP = """<?php
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$db = new mysqli(getenv("DB_HOST"), "blog", trim(file_get_contents("/run/secrets/db_password")), "blog");
$db->query("CREATE TABLE IF NOT EXISTS posts (id INT AUTO_INCREMENT PRIMARY KEY, title TEXT)");
if ($_SERVER["REQUEST_METHOD"] === "POST") {
    $insert = $db->prepare("INSERT INTO posts (title) VALUES (?)");
    $insert->execute([$_POST["title"]]);
}
foreach ($db->query("SELECT title FROM posts ORDER BY id") as $row)
    echo htmlspecialchars($row["title"]), "\\n";
"""

MARIADB_SH = """#!/bin/sh -e
if [ ! -d /var/lib/mysql/mysql ]; then
    mariadb-install-db --user=mysql --skip-test-db --auth-root-authentication-method=normal >/dev/null
    printf "%s\\n" "CREATE DATABASE blog;" "CREATE USER blog@'%' IDENTIFIED BY '$(cat /run/secrets/db_password)';" \\
        "GRANT ALL ON blog.* TO blog@'%';" > /var/lib/mysql/init.sql
    set -- --init-file=/var/lib/mysql/init.sql "$@"
fi
mkdir -p /run/mysqld && chown mysql /run/mysqld
exec mariadbd --user=mysql --bind-address=0.0.0.0 "$@"
"""

NODE_JS = """
const http = require("http"), net = require("net"), os = require("os");

function increment(done) {
  const socket = net.connect(6379, "redis", () => socket.write("INCR clicks\\r\\n"));
  socket.on("data", (data) => { socket.destroy(); done(null, data.toString().trim().slice(1)); });
  socket.on("error", done);
}

const server = http.createServer((request, response) => increment((error, count) => {
  response.writeHead(error ? 500 : 200);
  response.end(error ? String(error) : `node ${process.env.NODE_ENV} ${os.hostname()} ${count}\\n`);
}));
process.on("SIGTERM", () => process.exit(0));
server.listen(3000);
"""

POSTGRES_SH = """#!/bin/sh -e
bin=$(ls -d /usr/lib/postgresql/*/bin)
[ -s "$PGDATA/PG_VERSION" ] || {
    $bin/initdb --no-sync -A scram-sha-256 -U postgres --pwfile=/run/secrets/pg_password >/dev/null
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
}
exec $bin/postgres -c listen_addresses='*' -c unix_socket_directories=/tmp
"""

PG_APP = '''
import http.server, subprocess


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        done = subprocess.run(["psql", "-At", "-c", "SELECT name FROM fruit ORDER BY name"], capture_output=True)
        self.send_response(500 if done.returncode else 200)
        self.end_headers()
        self.wfile.write(done.stdout + done.stderr)

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("", 8000), Answer).serve_forever()
'''


class StackTest(SkiffTest):
    """A project in a directory, as it lies in somebody's repository."""

    images = ["stack"]

    def setUp(self):
        super().setUp()
        self.need_ids()
        self.need_program("curl")
        self.projects = []
        self.port = free_port()
        self.addCleanup(self.tear_down)

    def tear_down(self):
        """What a failed test has left, then what nobody else wants to find."""
        for directory, name in self.projects:
            self.skiff("compose", "-p", name, "down", "-v", "-t", "0", cwd=directory, check=False)
        self.assertEqual(self.skiff("network", "ls", "--format", "{{.Name}}").lines, ["podman"])
        self.assertEqual(self.skiff("volume", "ls", "-q").lines, [])

    def make_project(self, name, files):
        """Write the files of a project; they may be in directories."""
        self.project = self.tmp / name
        for path, text in files.items():
            place = self.project / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            if path.endswith(".sh"):
                place.chmod(0o755)
        self.projects.append((self.project, name))

    def compose(self, *words, env=None, **options):
        """skiff compose in the project's directory."""
        return self.skiff("compose", *words, cwd=self.project, timeout=180, env={"PORT": str(self.port)} | (env or {}), **options)

    @staticmethod
    def curl(port, path="", *words):
        """The body, or None for anything but a good answer."""
        done = subprocess.run(["curl", "-sf", "-m", "20", *words, f"http://127.0.0.1:{port}/{path}"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def fetch(self, path="", *words, port=None, until=None):
        """The body as soon as there is one that @until finds right."""
        got = []

        def good():
            body = self.curl(port or self.port, path, *words)
            got[:] = [body]
            return body is not None and (until is None or until(body)) and (body or " ")
        try:
            return wait_for(good, timeout=PATIENCE, interval=0.1, message=f"a good answer for /{path}")
        except AssertionError as late:
            raise AssertionError(f"{late}; the last one: {got}\n{self.compose('ps', '-a', check=False)}"
                                 f"{self.compose('logs', '-n', '20', check=False)}") from None

    def rows(self, *words):
        """compose ps as objects."""
        return [json.loads(line) for line in self.compose("ps", "--format", "json", *words).lines]

    def hosts(self, count):
        """Fetch until so many different containers have answered."""
        seen = set()

        def all_seen():
            body = self.curl(self.port)
            if body:
                seen.add(json.loads(body)["host"])
            return len(seen) >= count
        wait_for(all_seen, timeout=PATIENCE, interval=0.01, message=f"answers of {count} hosts")
        return seen

    def pid(self, container):
        """Of the program, 0 while it does not run."""
        return self.skiff("inspect", container).json[0]["State"]["Pid"]

    def kill_under(self, container):
        """Kill a container's program behind everybody's back, and wait until its restart policy has brought it back."""
        before = self.pid(container)
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: self.pid(container) not in (0, before), timeout=PATIENCE, message=f"{container} again")


class Workers:
    """Tests of Stacks."""

    def files(self):
        """nginx in front of four workers that share a redis."""
        return {
            "compose.yaml": f"""
services:
  proxy:
    build: {{context: ., target: proxy}}
    ports: ["127.0.0.1:${{PORT:?set a port}}:80"]
    restart: always
    depends_on:
      worker: {{condition: service_healthy}}
    networks: [front]
  worker:
    build: {{context: ., target: worker}}
    expose: ["8000"]
    restart: always
    deploy: {{replicas: 4}}
    secrets: [redis_password]
    depends_on:
      redis: {{condition: service_healthy}}
    healthcheck: {{test: [CMD, curl, -sf, "http://127.0.0.1:8000/health"], {PROBE}}}
    networks: [front, back]
  redis:
    build: {{context: ., target: redis}}
    restart: always
    secrets: [redis_password]
    volumes: ["data:/data"]
    healthcheck: {{test: 'redis-cli -a "$$(cat /run/secrets/redis_password)" ping | grep PONG', {PROBE}}}
    networks: [back]
networks:
  front:
  back: {{internal: true}}
volumes:
  data:
secrets:
  redis_password: {{file: ./redis_password.txt}}
""",
            "Dockerfile": """
FROM localhost/stack AS base
FROM base AS proxy
COPY site.conf /etc/nginx/sites-enabled/default
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
FROM base AS worker
WORKDIR /app
COPY worker.py .
RUN python3 -m py_compile worker.py
USER nobody
CMD ["python3", "worker.py"]
FROM base AS redis
WORKDIR /data
VOLUME /data
CMD ["sh", "-c", "exec redis-server --bind 0.0.0.0 --appendonly yes --requirepass $(cat /run/secrets/redis_password)"]
""",
            "worker.py": REDIS_PY,
            "site.conf": NGINX_CONF % "server worker:8000 max_fails=0;",
            "redis_password.txt": "s3cret\n",
        }

    def test_workers(self):
        self.make_project("shop", self.files())
        failed = self.compose("up", "-d", env={"PORT": None}, check=False)
        self.assertIn("required variable PORT is missing a value: set a port", failed.stderr)
        self.compose("up", "-d")
        self.assertEqual(json.loads(self.fetch())["count"], 1)
        self.assertEqual(self.fetch("static"), "static\n")
        self.assertEqual(len(self.hosts(4)), 4)
        self.assertEqual([row["Health"] for row in self.rows("worker")], ["healthy"] * 4)
        # One port is open to the host, and the proxy does not reach the store.
        self.assertEqual([row["Name"] for row in self.rows() if "->" in row.get("Ports", "")], ["shop-proxy-1"])
        self.assertNotEqual(self.compose("exec", "-T", "proxy", "curl", "-s", "-m", "5", "telnet://redis:6379", check=False).code, 0)
        self.assertNotIn("s3cret", json.dumps(self.skiff("inspect", "shop-worker-1").json))

        before = self.ids()
        self.assertNotIn("Recreate", self.compose("up", "-d").stderr)
        self.assertEqual(self.ids(), before)

        self.kill_under("shop-worker-2")
        self.kill_under("shop-redis-1")
        count = json.loads(self.fetch())["count"]
        self.assertGreater(count, 4)
        self.assertEqual(len(self.hosts(4)), 4)

        self.compose("up", "-d", "--scale", "worker=6")
        self.assertEqual(len(self.rows("worker")), 6)
        self.compose("restart", "-t", "5", "proxy")
        self.assertEqual(len(self.hosts(6)), 6)
        self.compose("up", "-d", "--scale", "worker=2", "-t", "0")
        self.assertEqual(sorted(row["Name"] for row in self.rows("worker")), ["shop-worker-1", "shop-worker-2"])
        self.fetch()

        # The data outlives the containers.
        count = json.loads(self.fetch())["count"]
        self.compose("down", "-t", "5")
        self.assertEqual(self.compose("ps", "-aq").lines, [])
        self.compose("up", "-d", "--scale", "worker=1")
        self.assertGreater(json.loads(self.fetch())["count"], count)
        self.compose("down", "-v", "-t", "0")

    def ids(self):
        """Ids of the project's containers by name."""
        return {row["Name"]: row["ID"] for row in self.rows("-a")}


class Databases:
    """Tests of Stacks."""

    def test_blog(self):
        """Like the file of WordPress: a program, a database, a password, a volume."""
        self.make_project("blog", {
            "compose.yaml": f"""
services:
  blog:
    build: ./web
    init: true
    ports: ["${{PORT}}:80"]
    environment:
      - DB_HOST=db
    secrets:
      - db_password
    depends_on:
      db:
        condition: service_healthy
        restart: true
    restart: unless-stopped
  db:
    build: ./db
    volumes:
      - type: volume
        source: db
        target: /var/lib/mysql
    secrets:
      - source: db_password
    healthcheck: {{test: "mariadb -h 127.0.0.1 -ublog -p$$(cat /run/secrets/db_password) -e 'SELECT 1' blog", {PROBE}}}
    restart: unless-stopped
    stop_grace_period: 30s
volumes:
  db:
secrets:
  db_password:
    file: ${{SECRETS:?}}/db_password
""",
            ".env": "SECRETS=./secrets\n", "secrets/db_password": "pa$$word\n",
            "web/Dockerfile": 'FROM localhost/stack\nCOPY . /srv\nEXPOSE 80\nCMD ["php", "-S", "0.0.0.0:80", "-t", "/srv"]\n',
            "web/index.php": PHP,
            "db/Dockerfile": 'FROM localhost/stack\nRUN install -d -o mysql -g mysql /var/lib/mysql\nCOPY start.sh /\nVOLUME /var/lib/mysql\n'
                             'ENTRYPOINT ["/start.sh"]\n',
            "db/start.sh": MARIADB_SH,
        })
        self.compose("up", "-d", "--wait")
        self.assertEqual(self.fetch("", "-d", "title=First <post>"), "First &lt;post&gt;\n")
        self.compose("restart", "-t", "30")
        self.assertEqual(self.fetch(until=lambda body: "First" in body), "First &lt;post&gt;\n")
        self.kill_under("blog-db-1")
        self.assertEqual(self.fetch("", "-d", "title=Second", until=lambda body: "Second" in body).splitlines()[:2],
                         ["First &lt;post&gt;", "Second"])
        self.compose("down", "-t", "30")
        self.compose("up", "-d")
        self.assertIn("Second\n", self.fetch())
        self.compose("down", "-v", "-t", "0")

    def test_migration(self):
        """postgres, and a job that must have ended well before the program starts."""
        text = f"""
x-client: &client
  build: {{context: ., target: client}}
  environment: &env {{PGHOST: db, PGUSER: postgres, PGPASSWORD: secret}}
services:
  db:
    build: {{context: ., target: db}}
    user: postgres
    shm_size: 128mb
    volumes: ["pg:/var/lib/postgresql/data"]
    secrets: [pg_password]
    healthcheck: {{test: [CMD, pg_isready, -h, localhost, -U, postgres], {PROBE}}}
  migrate:
    <<: *client
    volumes: ["./migrations:/migrations:ro"]
    command: psql -v ON_ERROR_STOP=1 -f /migrations/1.sql
    depends_on: {{db: {{condition: service_healthy}}}}
  app:
    <<: *client
    command: [python3, /app.py]
    init: true
    ports: ["$PORT:8000"]
    depends_on: {{migrate: {{condition: service_completed_successfully}}}}
    restart: on-failure
volumes: {{pg: }}
secrets: {{pg_password: {{file: pg_password}}}}
"""
        self.make_project("fruit", {
            "compose.yaml": text,
            "Dockerfile": 'FROM localhost/stack AS db\nENV PGDATA=/var/lib/postgresql/data\n'
                          'RUN install -d -m 700 -o postgres -g postgres $PGDATA\nCOPY --chmod=755 start.sh /\nCMD /start.sh\n'
                          'FROM localhost/stack AS client\nCOPY app.py /\n',
            "start.sh": POSTGRES_SH, "app.py": PG_APP, "pg_password": "secret",
            "migrations/1.sql": "CREATE TABLE fruit (name TEXT PRIMARY KEY);\nINSERT INTO fruit VALUES ('pear'), ('apple');\n",
        })
        self.compose("up", "-d")
        self.assertEqual(self.fetch(), "apple\npear\n")
        self.assertEqual([(row["State"], row["ExitCode"]) for row in self.rows("-a", "migrate")], [("exited", 0)])
        # It runs again with the next up and cannot do it twice: what waits for it does not start.
        self.compose("down", "-t", "10")
        failed = self.compose("up", "-d", check=False)
        self.assertNotEqual(failed.code, 0)
        self.assertRegex(failed.stderr, r"container fruit-migrate-1 didn't complete successfully: exit [1-9]")
        self.assertIsNone(self.curl(self.port))
        (self.project / "migrations/1.sql").write_text("INSERT INTO fruit VALUES ('plum') ON CONFLICT DO NOTHING;\n")
        self.compose("up", "-d")
        self.assertEqual(self.fetch(), "apple\npear\nplum\n")
        self.assertEqual(self.compose("run", "--rm", "--no-deps", "migrate", "psql", "-Atc", "SELECT count(*) FROM fruit").word, "3")
        self.compose("down", "-v", "-t", "0")


class Small:
    """Tests of Stacks."""

    FLASK = {
        "compose.yaml": """
services:
  web:
    build:
      context: .
      target: prod
    image: localhost/flask-${COMPOSE_PROJECT_NAME}
    ports:
      - "${PORT}:5000"
    environment:
      REDIS_HOST: redis
      GREETING:
    depends_on:
      - redis
    restart: always
  redis:
    image: localhost/stack
    command: redis-server --bind 0.0.0.0 --protected-mode no
""",
        "compose.dev.yaml": """
services:
  web:
    build: {target: dev}
    image: localhost/flask-dev
    volumes: ["./app:/srv/app"]
    environment: {GREETING: Moin}
""",
        "Dockerfile": """
FROM localhost/stack AS base
WORKDIR /srv/app
ENV FLASK_APP=app FLASK_RUN_HOST=0.0.0.0 PYTHONDONTWRITEBYTECODE=1
FROM base AS dev
CMD ["flask", "--debug", "run"]
FROM base AS prod
COPY app .
CMD ["flask", "run"]
""",
        "app/app.py": FLASK_PY,
    }

    def test_twice(self):
        """The same files under two names: nothing is shared but the images."""
        self.make_project("left", self.FLASK)
        self.projects.append((self.project, "right"))
        ports = {"left": self.port, "right": free_port()}
        for name, port in ports.items():
            self.compose("-p", name, "up", "-d", env={"PORT": str(port), "GREETING": name})
        self.assertEqual([self.fetch(port=ports["left"]) for _ in range(3)], ["left 1\n", "left 2\n", "left 3\n"])
        self.assertEqual(self.fetch(port=ports["right"]), "right 1\n")
        listed = self.compose("ls", "--format", "{{.Name}} {{.Status}}").lines
        self.assertEqual(listed, ["left running(2)", "right running(2)"])
        self.compose("-p", "left", "down", "-t", "0")
        self.assertIsNone(self.curl(ports["left"]))
        self.assertEqual(self.fetch(port=ports["right"]), "right 2\n")
        self.kill_under("right-web-1")
        self.assertEqual(self.fetch(port=ports["right"]), "right 3\n")
        # A port that is taken is said, and by whom; the other project goes on.
        failed = self.compose("-p", "left", "up", "-d", env={"PORT": str(ports["right"])}, check=False)
        self.assertNotEqual(failed.code, 0)
        self.assertRegex(failed.stderr, rf"container left-web-1: .*{ports['right']}.*in use")
        self.assertEqual(self.fetch(port=ports["right"]), "right 4\n")

    def test_development(self):
        """The override builds another stage, and what is edited is what runs."""
        self.make_project("pair", self.FLASK)
        self.compose("up", "-d", env={"GREETING": "Hello"})
        self.assertEqual(self.fetch(), "Hello 1\n")
        dev = ["-f", "compose.yaml", "-f", "compose.dev.yaml"]
        self.compose(*dev, "up", "-d", "-t", "0")
        self.assertEqual(self.fetch(), "Moin 2\n")
        (self.project / "app/app.py").write_text(FLASK_PY.replace("return f\"", "return f\"edited "))
        self.assertRegex(self.fetch(until=lambda body: body.startswith("edited")), r"^edited Moin \d+\n$")
        # What production has is still the image.
        self.compose("up", "-d", "-t", "0", env={"GREETING": "Hello"})
        self.assertRegex(self.fetch(), r"^Hello \d+\n$")
        self.compose("up", "-d", "-t", "0", "--build", env={"GREETING": "Hello"})
        self.assertRegex(self.fetch(), r"^edited Hello \d+\n$")
        self.compose("down", "-t", "0")

    def test_node(self):
        """node behind nginx; the proxy is attached, and a signal ends all."""
        self.make_project("clicks", {
            "compose.yaml": """
services:
  nginx:
    image: localhost/stack
    command: nginx -g 'daemon off;'
    volumes: ["./site.conf:/etc/nginx/sites-enabled/default:ro"]
    ports: ["${PORT}:80"]
    depends_on: [web1, web2]
    stop_signal: SIGQUIT
  web1: &web
    build: {context: web, args: {MODE: production}}
    image: localhost/clicks-web
    hostname: web1
    restart: on-failure
    depends_on: [redis]
  web2:
    <<: *web
    hostname: web2
  redis:
    image: localhost/stack
    command: redis-server --bind 0.0.0.0 --protected-mode no
""",
            "web/Dockerfile": 'FROM localhost/stack\nARG MODE\nENV NODE_ENV=$MODE\nWORKDIR /usr/src/app\nCOPY . .\nEXPOSE 3000\nCMD ["node", "server.js"]\n',
            "web/server.js": NODE_JS,
            "site.conf": NGINX_CONF % "server web1:3000 max_fails=0; server web2:3000 max_fails=0;",
        })
        process = self.start("compose", "up", cwd=self.project, env={"PORT": str(self.port)}, text=True)
        bodies = [self.fetch(until=lambda body: "web1" in body), self.fetch(until=lambda body: "web2" in body)]
        for body in bodies:
            self.assertRegex(body, r"^node production web[12] \d+\n$")
        self.kill_under("clicks-web1-1")
        self.fetch(until=lambda body: "web1" in body)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE * SLOWNESS)
        self.assertEqual(process.returncode, 130)
        self.assertEqual({row["State"] for row in self.rows("-a")}, {"exited"})
        self.compose("start")
        self.fetch(until=lambda body: "web2" in body)
        self.compose("down", "-t", "0")


class Stacks(Workers, Databases, Small, StackTest):
    """All in one home: the image is loaded once."""
