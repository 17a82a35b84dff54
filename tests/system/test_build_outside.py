# SPDX-License-Identifier: Apache-2.0
"""skiff build where RUN needs the world outside: packages of Debian and of npm, through the user-mode network.

The mirror and the registry are those that this machine is configured for; where they do not answer, the test is
skipped. It runs in the machine's own network (tests/system/run.py).
"""

import json
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

from tests.system.test_build_work import WorkTest

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def reach(url):
    """Why there is no answer from a server of the world outside; None if there is one."""
    for attempt in range(3):
        try:
            with urllib.request.urlopen(url, timeout=20):
                return None
        except OSError as error:
            why = str(error)
            time.sleep(attempt)
    return why


class OutsideTest(WorkTest):
    outside = True

    def setUp(self):
        super().setUp()
        self.need_ids()


class Packages(OutsideTest):
    images = ["debian", "node"]

    def npm(self):
        """The registry that npm is configured for here."""
        self.need(shutil.which("npm"), "npm is not installed: where its registry is, is not known")
        asked = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=False, cwd="/")
        registry = asked.stdout.strip()
        self.need(registry.startswith("http"), "npm has no registry")
        why = reach(registry.rstrip("/") + "/ms")
        self.need(not why, f"the npm registry does not answer: {why}")
        return registry

    def test_service_with_packages(self):
        """npm install with a cache that outlives the build: the next one needs no network for it."""
        registry = self.npm()
        self.files({"package.json": json.dumps({"name": "service", "version": "1.0.0", "dependencies": {"ms": "2.1.3"}}),
                    "server.js": """const http = require("http"), ms = require("ms");
const server = http.createServer((request, answer) => answer.end(`${process.env.NODE_ENV} ${ms("2 days")}\\n`));
server.listen(process.env.PORT, "0.0.0.0");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
"""})
        shutil.copyfile(CERTIFICATES, self.context / "ca.crt")
        (self.context / ".dockerignore").write_text("node_modules\nDockerfile\n")
        self.write("""FROM node AS packages
WORKDIR /app
ARG REGISTRY
ENV npm_config_registry=${REGISTRY} npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
COPY package.json ./
RUN --mount=type=cache,target=/root/.npm --mount=type=bind,source=ca.crt,target=/ca.crt \\
    NODE_EXTRA_CA_CERTS=/ca.crt npm install --omit=dev --prefer-offline
FROM node
ENV NODE_ENV=production PORT=3000
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY . .
EXPOSE 3000
USER nobody
CMD ["node", "server.js"]
""")
        options = ["--build-arg", f"REGISTRY={registry}"]
        self.skiff("build", "-t", "made", *options, self.context, timeout=300)
        container, port = self.serve(port=3000)
        self.assertEqual(self.answer(port), "production 172800000\n")
        self.skiff("stop", "-t", "20", container)
        self.assertEqual(self.skiff("inspect", "-f", "{{.State.ExitCode}}", container).word, "0")
        # Not cached, not connected: all that it needs is in the cache mount.
        self.skiff("build", "--no-cache", "--network", "none", "-t", "again", *options, self.context, timeout=300)
        self.assertEqual(self.skiff("run", "--rm", "--network", "none", "again", "node", "-p", "require('ms')('1s')").word, "1000")

    def test_packages_through_the_network(self):
        """apt-get in RUN, from the mirror that this machine is configured for, through the user-mode network."""
        sources = [path for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*"))
                   if path.is_file() and path.suffix in (".list", ".sources")]
        texts = [path.read_text(encoding="utf-8", errors="replace") for path in sources]
        mirrors = re.findall(r"https?://\S+", "\n".join(line for text in texts for line in text.splitlines() if not line.startswith("#")))
        self.need(mirrors, "apt has no mirror here")
        why = reach(mirrors[0].rstrip("/") + "/dists/bookworm/Release")
        self.need(not why, f"the mirror does not answer: {why}")
        (self.context / "sources").mkdir()
        (self.context / "conf").mkdir()
        for path, text in zip(sources, texts):
            (self.context / "sources" / path.name).write_text(text, encoding="utf-8")
        for path in Path("/etc/apt/apt.conf.d").glob("*"):
            if "Acquire::" in path.read_text(encoding="utf-8", errors="replace"):
                shutil.copyfile(path, self.context / "conf" / path.name)
        shutil.copyfile(CERTIFICATES, self.context / "ca.crt")
        self.write("""FROM debian
ARG DEBIAN_FRONTEND=noninteractive
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
COPY conf/ /etc/apt/apt.conf.d/
RUN rm -f /etc/apt/sources.list
COPY sources/ /etc/apt/sources.list.d/
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \\
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \\
    apt-get update -qq && apt-get install -qq -y --no-install-recommends hello >&2
USER nobody
CMD ["hello", "--greeting", "installed"]
""")
        self.skiff("build", "-t", "made", self.context, timeout=300)
        self.assertEqual(self.inside(), "installed\n")
        self.assertEqual(self.inside("sh", "-c", "ls -A /var/lib/apt/lists"), "", "the cache is no part of the image")
        held = self.inside("sh", "-c", "dpkg-query -W -f '${Status} ${Version}\\n' hello")
        self.assertRegex(held, r"^install ok installed \S+\n$")
