# SPDX-License-Identifier: Apache-2.0
"""Real images for the tests, made by others' tools and kept in a cache directory.

Every maker returns the path of an OCI layout with the tag "latest"; convert() gives the same image in
another form. A cache entry is a directory named by a hash of its recipe, complete or absent: it is
built beside its place and renamed, under a lock, so tests may run in parallel. Makers that need root
raise Unavailable elsewhere, unless root has filled the cache before.

    python3 tests/support/images.py busybox debian ...     fills the cache, prints the layouts
"""

import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

# Raise it when a recipe below changes in a way its key does not show.
RECIPES = "1"


class Unavailable(Exception):
    """The image cannot be made here; the text says why."""


def cache_dir():
    """The shared cache: $SKIFF_TEST_CACHE, else a directory that every user may read, for root."""
    given = os.environ.get("SKIFF_TEST_CACHE")
    if given:
        path = Path(given)
    elif os.geteuid() == 0:
        path = Path("/var/cache/skiff-tests")
    else:
        path = Path.home() / ".cache" / "skiff-tests"
    path.mkdir(parents=True, exist_ok=True)
    return path


def cache_dirs():
    """Where entries are looked for: the shared cache, then our own if we cannot write that one."""
    shared = cache_dir()
    if os.access(shared, os.W_OK):
        return [shared]
    own = Path.home() / ".cache" / "skiff-tests"
    own.mkdir(parents=True, exist_ok=True)
    return [shared, own]


def tool(*argv, **options):
    """Run a program and return its stdout; its stderr is in the exception if it fails."""
    if shutil.which(argv[0]) is None:
        raise Unavailable(f"'{argv[0]}' is not installed")
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, **options)
    if done.returncode != 0:
        text = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit code {done.returncode}: {text}")
    return done.stdout.decode(errors="replace")


def cached(name, inputs, make):
    """The cache entry of `name` for these inputs, made by make(directory) if it is not there."""
    key = hashlib.sha256(json.dumps([RECIPES, name, inputs], sort_keys=True).encode()).hexdigest()[:16]
    for cache in cache_dirs():
        entry = cache / f"{name}-{key}"
        if entry.is_dir():
            return entry
    with open(cache / f".{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if entry.is_dir():
            return entry
        building = cache / f".{name}-{key}.building"
        remove_tree(building)
        building.mkdir()
        try:
            make(building)
            tool("chmod", "-R", "a+rX", str(building))
        except BaseException:
            remove_tree(building)
            raise
        building.rename(entry)
    return entry


def remove_tree(path):
    """Remove a tree that may hold directories without any permission."""
    if not os.path.lexists(path):
        return
    for parent, directories, _ in os.walk(path):
        for directory in directories:
            full = os.path.join(parent, directory)
            if not os.path.islink(full):
                os.chmod(full, 0o700)
    shutil.rmtree(path)


def file_hash(path):
    """The SHA-256 of a file, as hex digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def umoci_options():
    """Without root umoci writes every file as owned by root, which is what an image wants."""
    return [] if os.geteuid() == 0 else ["--rootless"]


def new_layout(directory, name="image"):
    """An empty image in a new OCI layout. Returns (layout, "layout:latest")."""
    layout = directory / name
    image = f"{layout}:latest"
    tool("umoci", "init", "--layout", str(layout))
    tool("umoci", "new", "--image", image)
    return layout, image


def configure(image, *options):
    """Change the image's config, e.g. configure(image, "--config.cmd", "sh")."""
    tool("umoci", "config", "--no-history", "--image", image, *options)


def collect_garbage(layout):
    """Drop the blobs of the steps on the way."""
    tool("umoci", "gc", "--layout", str(layout))


# busybox: one static program and its links


BUSYBOX_ENVIRONMENT = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]


def busybox_tree(root, program):
    """Write the root file system of the busybox image."""
    for directory in ("bin", "etc", "home", "proc", "root", "sys", "dev", "usr/bin", "usr/sbin", "sbin",
                      "var/www", "run"):
        (root / directory).mkdir(parents=True)
    (root / "tmp").mkdir()
    os.chmod(root / "tmp", 0o1777)
    (root / "var/run").symlink_to("/run")
    shutil.copyfile(program, root / "bin/busybox")
    os.chmod(root / "bin/busybox", 0o755)
    for applet in tool(program, "--list").split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n"
                                     "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
                                     "user:x:1000:1000:A user:/home:/bin/sh\n"
                                     "nobody:x:65534:65534:nobody:/home:/bin/false\n", encoding="ascii")
    (root / "etc/group").write_text("root:x:0:\ndaemon:x:1:\nusers:x:100:user\nuser:x:1000:\n"
                                    "nogroup:x:65534:\n", encoding="ascii")
    (root / "etc/os-release").write_text('ID=busybox\nPRETTY_NAME="busybox for tests"\n', encoding="ascii")
    (root / "var/www/index.html").write_text("hello from busybox\n", encoding="ascii")


def busybox():
    """busybox-static as an image: sh and about 270 applets, 2 MB. Needs no root."""
    program = shutil.which("busybox")
    if program is None:
        raise Unavailable("'busybox' (Debian: busybox-static) is not installed")

    def make(directory):
        root = directory / "root"
        root.mkdir(mode=0o755)
        busybox_tree(root, program)
        layout, image = new_layout(directory)
        tool("umoci", "insert", *umoci_options(), "--image", image, str(root), "/")
        options = [part for value in BUSYBOX_ENVIRONMENT for part in ("--config.env", value)]
        configure(image, "--config.cmd", "sh", *options)
        collect_garbage(layout)
        remove_tree(root)

    return cached("busybox", file_hash(program), make) / "image"


# Images of Debian packages


DEBIAN_SUITE = "bookworm"
DEBIAN_PACKAGES = "python3,procps,iproute2,iputils-ping,ca-certificates"

NGINX_SITE = """server {
    listen 80 default_server;
    listen [::]:80 default_server;
    root /var/www/html;
    location / { try_files $uri $uri/ =404; }
}
"""


def machine_sources():
    """The machine's own apt sources for the suite: mirrors and snapshots it is allowed to use."""
    lines = []
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        if path.is_file():
            lines.append(path.read_text(encoding="utf-8", errors="replace"))
    return "\n".join(lines)


def debian_mirror():
    """The Debian mirror this machine is configured for."""
    for word in machine_sources().split():
        if word.startswith(("http://", "https://")) and word.rstrip("/").endswith("/debian"):
            return word
    return "http://deb.debian.org/debian"


def need_root(what):
    """Raise Unavailable for anybody but root."""
    if os.geteuid() != 0:
        raise Unavailable(f"the {what} image is made by root: run tests/support/images.py {what} as root")


def in_chroot(root, script):
    """Run a shell script in a root file system, for installing packages."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        if name in os.environ:
            environment[name] = os.environ[name]
    tool("chroot", str(root), "/bin/sh", "-ec", script, env=environment)


def make_root_layer(directory, image, change):
    """Unpack an image, let change(rootfs) work on it, and add the difference as a layer."""
    bundle = directory / "bundle"
    remove_tree(bundle)
    tool("umoci", "unpack", "--image", image, str(bundle))
    change(bundle / "rootfs")
    tool("umoci", "repack", "--image", image, str(bundle))
    remove_tree(bundle)


def debian():
    """A Debian minbase with python3, ps, ip and ping, by mmdebstrap."""
    def make(directory):
        need_root("debian")

        def install(rootfs):
            os.rmdir(rootfs)
            tool("mmdebstrap", "--variant=minbase", f"--include={DEBIAN_PACKAGES}", "--mode=root",
                 "--format=directory", DEBIAN_SUITE, str(rootfs), debian_mirror())
            trim(rootfs)

        layout, image = new_layout(directory)
        make_root_layer(directory, image, install)
        configure(image, "--config.cmd", "bash", "--config.env", BUSYBOX_ENVIRONMENT[0],
                  "--config.label", "org.example.maker=mmdebstrap")
        collect_garbage(layout)

    return cached("debian", [DEBIAN_SUITE, DEBIAN_PACKAGES], make) / "image"


def trim(rootfs):
    """Drop what only fills layers."""
    for path in ("var/lib/apt/lists", "var/cache/apt", "usr/share/doc", "usr/share/man", "usr/share/locale"):
        remove_tree(rootfs / path)
        (rootfs / path).mkdir(parents=True)


def debian_with(name, packages, finish, *config):
    """The Debian image with more packages in a second layer."""
    base = debian()

    def make(directory):
        need_root(name)

        def install(rootfs):
            resolver = rootfs / "etc/resolv.conf"
            if os.path.lexists(resolver):
                resolver.unlink()
            shutil.copyfile("/etc/resolv.conf", resolver)
            (rootfs / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
            os.chmod(rootfs / "usr/sbin/policy-rc.d", 0o755)
            in_chroot(rootfs, f"apt-get -q update && apt-get -q -y install --no-install-recommends {packages}")
            (rootfs / "usr/sbin/policy-rc.d").unlink()
            resolver.unlink()
            trim(rootfs)
            finish(rootfs)

        layout = directory / "image"
        shutil.copytree(base, layout)
        make_root_layer(directory, f"{layout}:latest", install)
        configure(f"{layout}:latest", *config)
        collect_garbage(layout)

    return cached(name, [str(base.parent.name), packages, config], make) / "image"


def redis():
    """Debian with redis-server listening on all addresses."""
    def finish(rootfs):
        (rootfs / "data").mkdir()

    return debian_with("redis", "redis-server", finish, "--config.entrypoint", "redis-server",
                       "--config.cmd", "--bind", "--config.cmd", "* -::*", "--config.cmd", "--protected-mode",
                       "--config.cmd", "no", "--config.exposedports", "6379/tcp", "--config.volume", "/data",
                       "--config.workingdir", "/data")


def nginx():
    """Debian with nginx in the foreground, logging to stdout and stderr, stopped by SIGQUIT."""
    def finish(rootfs):
        (rootfs / "etc/nginx/sites-enabled/default").unlink()
        (rootfs / "etc/nginx/sites-enabled/default").write_text(NGINX_SITE, encoding="ascii")
        (rootfs / "var/www/html/index.html").write_text("<h1>Welcome to nginx in skiff</h1>\n", encoding="ascii")
        for log, stream in (("access.log", "stdout"), ("error.log", "stderr")):
            path = rootfs / "var/log/nginx" / log
            if os.path.lexists(path):
                path.unlink()
            path.symlink_to(f"/dev/{stream}")

    return debian_with("nginx", "nginx-light", finish, "--config.cmd", "nginx", "--config.cmd", "-g",
                       "--config.cmd", "daemon off;", "--config.exposedports", "80/tcp",
                       "--config.stopsignal", "SIGQUIT")


def systemd():
    """Debian with systemd as its command."""
    def finish(rootfs):
        (rootfs / "etc/machine-id").write_bytes(b"")  # as images have it: made at boot
        (rootfs / "var/lib/dbus/machine-id").unlink()

    return debian_with("systemd", "systemd systemd-sysv dbus", finish, "--config.cmd", "/sbin/init")


STACK_PACKAGES = "nginx-light redis-server python3-flask python3-redis php-cli php-mysql mariadb-server nodejs postgresql curl"


def stack():
    """Debian with all that the compose projects of test_compose_stacks.py are built from, none of it started."""
    def finish(rootfs):
        (rootfs / "etc/nginx/sites-enabled/default").unlink()
        # What an installation has made would be found by no container: each makes its own in a volume.
        for path in ("var/lib/mysql", "var/lib/postgresql", "var/log", "usr/share/icons", "usr/share/fonts"):
            remove_tree(rootfs / path)
            (rootfs / path).mkdir(parents=True)
        (rootfs / "var/log/nginx").mkdir()
        for log, stream in (("access.log", "stdout"), ("error.log", "stderr")):
            (rootfs / "var/log/nginx" / log).symlink_to(f"/dev/{stream}")

    return debian_with("stack", STACK_PACKAGES, finish, "--config.cmd", "bash")


def compiler():
    """Debian with a C compiler."""
    return debian_with("compiler", "gcc libc6-dev make", lambda rootfs: None)


def node():
    """Debian with node and npm."""
    return debian_with("node", "nodejs npm", lambda rootfs: None)


def postgres():
    """Debian with PostgreSQL, as its package leaves it but for the cluster."""
    def finish(rootfs):
        shutil.rmtree(rootfs / "var/lib/postgresql")
        shutil.rmtree(rootfs / "etc/postgresql")

    return debian_with("postgres", "postgresql", finish)


# Layers with everything a layer can hold


def entry(name, kind=tarfile.REGTYPE, mode=0o644, link="", headers=None, uid=0, gid=0, device=(0, 0)):
    """A tar header."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mode = mode
    info.linkname = link
    info.uid, info.gid = uid, gid
    info.mtime = 1700000000
    info.devmajor, info.devminor = device
    info.pax_headers = headers or {}
    return info


def write_tar(path, entries):
    """Write a layer: a list of headers, or pairs of a header and its bytes."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for item in entries:
            info, data = item if isinstance(item, tuple) else (item, b"")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def directory_entry(name, mode=0o755, **options):
    """The header of a directory."""
    return entry(name, tarfile.DIRTYPE, mode, **options)


# What setcap cap_net_raw+ep writes: revision 2, effective.
NET_RAW_CAPABILITY = b"\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"


def xattr_header(name, value):
    """An extended attribute as pax header; tarfile writes these as UTF-8 and hence bytes below 0x80."""
    return {f"SCHILY.xattr.{name}": value.decode("latin-1") if isinstance(value, bytes) else value}


def feature_layers():
    """The three layers of the image `features`: content, changes with whiteouts, an opaque directory."""
    long_name = "long/" + "/".join(["d" * 100] * 3) + "/" + "f" * 200
    long_parents = [long_name.rsplit("/", depth)[0] for depth in range(4, 0, -1)]
    content = [
        directory_entry("kept"), (entry("kept/file"), b"kept\n"), (entry("kept/removed"), b"removed\n"),
        directory_entry("gone"), (entry("gone/file"), b"gone\n"), directory_entry("gone/sub"),
        directory_entry("opaque"), (entry("opaque/old"), b"old\n"), directory_entry("opaque/olddir"),
        directory_entry("changes"), (entry("changes/file-to-dir"), b"x"), directory_entry("changes/dir-to-file"),
        (entry("changes/dir-to-file/inner"), b"x"), entry("changes/link-to-file", tarfile.SYMTYPE, link="file-to-dir"),
        directory_entry("links"), (entry("links/a"), b"one inode\n"), entry("links/b", tarfile.LNKTYPE, link="links/a"),
        entry("links/relative", tarfile.SYMTYPE, 0o777, "a"), entry("links/absolute", tarfile.SYMTYPE, 0o777, "/links/a"),
        entry("links/dangling", tarfile.SYMTYPE, 0o777, "/nowhere/at/all"),
        directory_entry("modes"), (entry("modes/setuid", mode=0o4755), b"#!/bin/sh\n"),
        (entry("modes/setgid", mode=0o2755), b"#!/bin/sh\n"), directory_entry("modes/sticky", 0o1777),
        (entry("modes/none", mode=0), b"closed\n"), directory_entry("modes/closed-dir", 0o555),
        (entry("modes/closed-dir/file", mode=0o400), b"x\n"),
        (entry("modes/owned", uid=1000, gid=100), b"x\n"), (entry("modes/high", uid=65534, gid=65534), b"x\n"),
        directory_entry("xattrs"), (entry("xattrs/user", headers=xattr_header("user.test", "value")), b"x\n"),
        (entry("xattrs/capability", mode=0o755, headers=xattr_header("security.capability", NET_RAW_CAPABILITY)),
         b"#!/bin/sh\n"),
        entry("fifo", tarfile.FIFOTYPE, 0o644),
        directory_entry("names"), (entry("names/spa ce"), b"x\n"), (entry("names/\u00e4\u4e2d"), b"x\n"),
        (entry("names/-dash"), b"x\n"), (entry("names/new\nline"), b"x\n"), (entry("names/back\\slash"), b"x\n"),
        *[directory_entry(parent) for parent in long_parents],
        (entry(long_name), b"long\n"),
    ]
    changes = [
        entry("kept/.wh.removed"), entry(".wh.gone"),
        entry("changes/.wh.file-to-dir"), directory_entry("changes/file-to-dir"), (entry("changes/file-to-dir/new"), b"n"),
        (entry("changes/dir-to-file"), b"now a file\n"), (entry("changes/link-to-file"), b"now a file\n"),
        # A hard link to a file of the layer below.
        entry("links/c", tarfile.LNKTYPE, link="links/a"),
    ]
    opaque = [
        # The marker comes last on purpose: its place in the layer means nothing.
        directory_entry("opaque"), (entry("opaque/new"), b"new\n"), entry("opaque/.wh..wh..opq"),
        (entry("layer3"), b"3\n"),
    ]
    return [content, changes, opaque]


def sparse_layer(path):
    """A layer with a sparse file, which only GNU tar writes: 8 MiB, of which 12 bytes are data."""
    root = path.parent / "sparse-root"
    root.mkdir()
    with open(root / "sparse", "wb") as file:
        file.write(b"begin\n")
        file.seek((8 << 20) - 6)
        file.write(b"ended\n")
    tool("tar", "-C", str(root), "--sparse", "--format=posix", "--owner=0", "--group=0", "--mtime=@1700000000",
         "-cf", str(path), "sparse")
    remove_tree(root)


def add_layer(image, path):
    """Add a tar file as it is."""
    tool("umoci", "raw", "add-layer", "--no-history", "--image", image, str(path))


def features():
    """busybox under layers with whiteouts, opaque directories, links, xattrs, odd names, a sparse file."""
    base = busybox()

    def make(directory):
        layout = directory / "image"
        shutil.copytree(base, layout)
        for number, entries in enumerate(feature_layers()):
            tar = directory / f"layer{number}.tar"
            write_tar(tar, entries)
            add_layer(f"{layout}:latest", tar)
            tar.unlink()
        tar = directory / "sparse.tar"
        sparse_layer(tar)
        add_layer(f"{layout}:latest", tar)
        tar.unlink()
        collect_garbage(layout)

    return cached("features", [base.parent.name, "1"], make) / "image"


def many_layers(count=120):
    """busybox under so many layers that there are `count`; each replaces /top and adds /layers/N."""
    base = busybox()

    def make(directory):
        layout = directory / "image"
        shutil.copytree(base, layout)
        for number in range(2, count + 1):
            tar = directory / "layer.tar"
            write_tar(tar, [directory_entry("layers"), (entry(f"layers/{number}"), f"{number}\n".encode()),
                            (entry("top"), f"{number}\n".encode())])
            add_layer(f"{layout}:latest", tar)
        tar.unlink()
        collect_garbage(layout)

    return cached(f"layers{count}", base.parent.name, make) / "image"


DOCKERFILE = """FROM {base}
ENV GREETING=hello
LABEL org.example.maker="buildah" org.example.text="two words"
WORKDIR /srv/app
COPY context/ .
RUN echo ran > /srv/ran && rm -rf /home && mkdir /home && echo new > /home/new
USER user
EXPOSE 8080/tcp
VOLUME ["/data"]
STOPSIGNAL SIGINT
ENTRYPOINT ["/bin/sh", "-c"]
CMD ["echo $GREETING from $(pwd)"]
"""


def buildah():
    """busybox under the layers of a Dockerfile that buildah has built, one per instruction."""
    base = busybox()

    def make(directory):
        need_root("buildah")
        storage = ["--root", str(directory / "storage"), "--runroot", str(directory / "run"),
                   "--storage-driver", "vfs"]
        context = directory / "context"
        context.mkdir()
        (context / "file").write_text("copied\n", encoding="ascii")
        (directory / "Dockerfile").write_text(DOCKERFILE.format(base=f"oci:{base}:latest"), encoding="ascii")
        # With limits named, it does not raise them, for which it may not be allowed.
        tool("buildah", *storage, "build", "--layers", "--isolation", "chroot", "--network", "host", "--format", "oci",
             "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096", "--tag", "localhost/built",
             "--file", str(directory / "Dockerfile"), str(directory))
        tool("buildah", *storage, "push", "--quiet", "localhost/built", f"oci:{directory}/image:latest")
        tool("buildah", *storage, "rmi", "--all", "--force")
        for path in ("storage", "run", "context"):
            remove_tree(directory / path)
        (directory / "Dockerfile").unlink()

    return cached("buildah", [base.parent.name, DOCKERFILE], make) / "image"


# Forms of an image


def convert(layout, form, name="example.com/test/image:latest"):
    """The same image as a file or layout another tool wrote.

    Forms: oci (the layout itself), oci-archive, docker-archive, docker-dir (skopeo's dir: with a
    Docker schema 2 manifest), oci-uncompressed and oci-zstd (skopeo's dir: with such layers).
    """
    if form == "oci":
        return layout
    source = f"oci:{layout}:latest"

    def make(directory):
        copy = ["skopeo", "--insecure-policy", "copy", "--quiet"]
        if form == "oci-archive":
            tool(*copy, source, f"oci-archive:{directory}/image:{name}")
        elif form == "docker-archive":
            tool(*copy, source, f"docker-archive:{directory}/image:{name}")
        elif form == "docker-dir":
            tool(*copy, "--format", "v2s2", source, f"dir:{directory}/image")
        elif form == "oci-zstd":
            tool(*copy, "--format", "oci", "--dest-compress", "--dest-compress-format", "zstd", source,
                 f"dir:{directory}/image")
        elif form == "oci-uncompressed":
            tool(*copy, "--format", "oci", "--dest-decompress", source, f"dir:{directory}/image")
        else:
            raise ValueError(f"unknown form '{form}'")

    return cached(form, [str(layout.parent.name), name], make) / "image"


def read_config(layout):
    """The image config of a layout's "latest", e.g. for its diff ids."""
    index = json.loads((layout / "index.json").read_text(encoding="utf-8"))
    manifest = read_blob(layout, index["manifests"][0]["digest"])
    return json.loads(read_blob(layout, json.loads(manifest)["config"]["digest"]))


def read_blob(layout, digest):
    """The bytes of a blob in an OCI layout."""
    algorithm, value = digest.split(":", 1)
    return (layout / "blobs" / algorithm / value).read_bytes()


MAKERS = {"busybox": busybox, "debian": debian, "redis": redis, "nginx": nginx, "systemd": systemd, "compiler": compiler,
          "node": node, "postgres": postgres, "features": features, "layers": many_layers, "buildah": buildah,
          "stack": stack}


def main(names):
    """Fill the cache with the images named, or all."""
    for name in names or MAKERS:
        print(f"{name}: {MAKERS[name]()}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
