# SPDX-License-Identifier: Apache-2.0
"""`run` and `create`: the options of the main job, as an unprivileged user types them."""

import os
import re
import shutil
import stat
import subprocess
import tarfile
import time
import unittest

from tests.support.skiff import SkiffTest, Tty, sub_ids, wait_for


class RunBasics(SkiffTest):
    images = ["busybox"]

    def test_output_alone(self):
        done = self.skiff("run", "busybox", "echo", "hello world!")
        self.assertEqual(done.stdout, "hello world!\n")
        self.assertEqual(done.stderr, "")

    def test_exit_code_is_the_containers(self):
        self.skiff("run", "--rm", "busybox", "sh", "-c", "exit 37", code=37)

    def test_signal_gives_128_plus_number(self):
        # Not as pid 1 itself: the kernel spares the first process of a pid namespace its own SIGKILL.
        self.skiff("run", "--rm", "--init", "busybox", "sh", "-c", "kill -9 $$; sleep 1", code=137)

    def test_command_not_found_is_127(self):
        done = self.skiff("run", "--rm", "busybox", "no-such-program", code=127)
        self.assertRegex(done.stderr, r"^Error: .*no-such-program")

    def test_command_not_executable_is_126(self):
        done = self.skiff("run", "--rm", "busybox", "/etc", code=126)
        self.assertRegex(done.stderr, r"^Error: ")

    def test_unknown_option_is_125(self):
        done = self.skiff("run", "--no-such-option", "busybox", "true", code=125)
        self.assertRegex(done.stderr, r"^Error: unknown flag: --no-such-option")

    def test_unsupported_option_is_refused_by_name(self):
        done = self.skiff("run", "--rdt-class", "1g", "busybox", "true", code=125)
        self.assertIn("rdt-class", done.stderr)

    def test_missing_image_never(self):
        done = self.skiff("run", "--pull", "never", "localhost/absent", "true", code=125)
        self.assertRegex(done.stderr, r"^Error: .*localhost/absent")

    def test_imported_image_runs_by_its_short_name(self):
        program = self.tmp / "tree/bin/busybox"
        program.parent.mkdir(parents=True)
        program.write_bytes(open("/usr/bin/busybox", "rb").read())
        program.chmod(0o755)
        subprocess.run(["tar", "-C", self.tmp / "tree", "-cf", self.tmp / "tree.tar", "."], check=True)
        self.skiff("import", self.tmp / "tree.tar", "imported")
        self.assertIn("localhost/imported:latest", self.skiff("images", "--format", "{{.Repository}}:{{.Tag}}").lines)
        self.assertEqual(self.skiff("run", "--rm", "--network", "none", "imported", "/bin/busybox", "echo", "ran").word, "ran")
        self.skiff("rmi", "imported")

    def test_rm_leaves_nothing(self):
        self.skiff("run", "--rm", "--name", "gone", "busybox", "touch", "/file")
        self.assertEqual(self.skiff("ps", "-aq").stdout, "")

    def test_name_can_be_used_again_at_once_after_rm(self):
        for _ in range(5):
            self.skiff("run", "--rm", "--name", "again", "busybox", "true")

    def test_name_taken(self):
        self.skiff("create", "--name", "taken", "busybox")
        done = self.skiff("run", "--name", "taken", "busybox", "true", code=125)
        self.assertRegex(done.stderr, r'^Error: creating container storage: the container name "taken" is already in use by')
        self.skiff("run", "--replace", "--name", "taken", "busybox", "true")

    def test_immutability_and_writes(self):
        self.skiff("run", "--rm", "busybox", "sh", "-c", "echo x > /new && cat /new")
        self.skiff("run", "--rm", "busybox", "test", "!", "-e", "/new")

    def test_own_pids_and_same_kernel(self):
        self.assertEqual(self.skiff("run", "--rm", "busybox", "uname", "-r").word, os.uname().release)
        out = self.skiff("run", "--rm", "busybox", "sh", "-c", "echo $$").word
        self.assertEqual(out, "1")

    def test_stdin(self):
        done = self.skiff("run", "--rm", "-i", "busybox", "cat", input="typed\n")
        self.assertEqual(done.stdout, "typed\n")

    def test_stdin_is_empty_without_i(self):
        self.assertEqual(self.skiff("run", "--rm", "busybox", "cat", input="typed\n").stdout, "")

    def test_stderr_is_separate(self):
        done = self.skiff("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2")
        self.assertEqual((done.stdout, done.stderr), ("out\n", "err\n"))

    def test_large_output_is_whole(self):
        done = self.skiff("run", "--rm", "busybox", "sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x", timeout=120)
        self.assertEqual(len(done.stdout), 20000000)

    def test_cidfile(self):
        path = self.tmp / "cid"
        self.skiff("run", "--cidfile", path, "busybox", "true")
        self.assertEqual(path.read_text(), self.skiff("ps", "-aq", "--no-trunc").word)
        done = self.skiff("run", "--cidfile", path, "busybox", "true", code=125)
        self.assertIn(str(path), done.stderr)


class RunProcess(SkiffTest):
    images = ["busybox"]

    def run_sh(self, script, *options):
        return self.skiff("run", "--rm", *options, "busybox", "sh", "-c", script).word

    def test_environment(self):
        out = self.run_sh("echo $A-$B-$HOME", "-e", "A=1", "--env", "B=two words")
        self.assertEqual(out, "1-two words-/root")

    def test_environment_from_the_callers(self):
        done = self.skiff("run", "--rm", "-e", "FROM_HOST", "busybox", "sh", "-c", "echo $FROM_HOST", env={"FROM_HOST": "yes"})
        self.assertEqual(done.word, "yes")

    def test_environment_is_not_inherited(self):
        done = self.skiff("run", "--rm", "busybox", "env", env={"SECRET_OF_HOST": "canary"})
        self.assertNotIn("canary", done.stdout)

    def test_env_file(self):
        path = self.tmp / "env"
        path.write_text("# comment\nONE=1\nTWO=a b\n")
        self.assertEqual(self.run_sh("echo $ONE:$TWO", "--env-file", path), "1:a b")

    def test_workdir(self):
        """A missing one is made if the image names it, and refused if it was typed."""
        self.assertEqual(self.run_sh("pwd", "-w", "/etc"), "/etc")
        self.skiff_fails("run", "--rm", "-w", "/deep/er", "busybox", "pwd", code=126,
                         says='workdir "/deep/er" does not exist on container ')
        archive = self.tmp / "root.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(shutil.which("busybox"), "busybox")
        self.skiff("import", "-q", "-c", "WORKDIR /deep/er", archive, "workdir")
        self.assertEqual(self.skiff("run", "--rm", "workdir", "/busybox", "pwd").word, "/deep/er")

    def test_user(self):
        self.need_ids()
        self.assertEqual(self.run_sh("id -u; id -g", "-u", "1000:1001").split(), ["1000", "1001"])

    def test_unknown_user(self):
        done = self.skiff("run", "--rm", "-u", "nobody-here", "busybox", "true", code=126)
        self.assertIn("nobody-here", done.stderr)

    def test_entrypoint(self):
        done = self.skiff("run", "--rm", "--entrypoint", "echo", "busybox", "from", "entrypoint")
        self.assertEqual(done.stdout, "from entrypoint\n")

    def test_hostname(self):
        self.assertEqual(self.run_sh("hostname", "--hostname", "box"), "box")

    def test_domainname(self):
        """Docker's: behind the host name in /etc/hosts, on a named network, too, and the kernel's."""
        self.skiff("network", "create", "n")
        for network in ("none", "n"):
            hosts, domain = self.run_sh("grep ' box ' /etc/hosts; cat /proc/sys/kernel/domainname", "--network", network,
                                        "--hostname", "box", "--domainname", "example.org", "--name", "c").splitlines()
            self.assertEqual(hosts.split()[1:], ["box.example.org", "box", "c"])
            self.assertEqual(domain, "example.org")
        self.skiff("network", "rm", "n")
        self.skiff_fails("create", "--uts", "host", "--domainname", "d", "busybox", "true", says="cannot set domainname")

    def test_hostname_is_the_short_id(self):
        self.assertRegex(self.run_sh("hostname"), r"^[0-9a-f]{12}$")

    def effective(self, *options):
        """The effective capabilities in a container."""
        return int(self.run_sh("grep CapEff /proc/self/status", *options).split()[1], 16)

    def test_capabilities(self):
        default = self.effective()
        self.assertEqual(default, 0x800405FB)
        self.assertEqual(self.effective("--cap-drop", "all"), 0)
        self.assertEqual(self.effective("--cap-drop", "ALL", "--cap-add", "net_bind_service"), 1 << 10)
        self.assertEqual(self.effective("--cap-add", "NET_RAW"), default | 1 << 13)

    def test_capabilities_of_a_user(self):
        self.need_ids()
        self.assertEqual(self.effective("-u", "1000"), 0)

    def test_unknown_capability(self):
        done = self.skiff("run", "--rm", "--cap-add", "CAP_NONSENSE", "busybox", "true", code=125)
        self.assertIn("CAP_NONSENSE", done.stderr)

    def test_seccomp_is_on_by_default(self):
        self.assertEqual(self.run_sh("grep ^Seccomp: /proc/self/status").split()[1], "2")
        self.assertEqual(self.run_sh("grep ^Seccomp: /proc/self/status", "--security-opt", "seccomp=unconfined").split()[1], "0")

    def test_no_new_privileges(self):
        self.assertEqual(self.run_sh("grep NoNewPrivs /proc/self/status", "--security-opt", "no-new-privileges").split()[1], "1")

    def test_ulimit(self):
        self.assertEqual(self.run_sh("ulimit -Sn; ulimit -Hn", "--ulimit", "nofile=100:200").split(), ["100", "200"])

    def test_sysctl(self):
        self.assertEqual(self.run_sh("cat /proc/sys/net/ipv4/ip_forward", "--sysctl", "net.ipv4.ip_forward=1"), "1")
        done = self.skiff("run", "--rm", "--sysctl", "kernel.core_pattern=x", "busybox", "true", code=125)
        self.assertIn("kernel.core_pattern", done.stderr)

    def test_init_reaps(self):
        out = self.run_sh("sleep 0.1 & (sleep 0.05 & ) ; sleep 0.3; cat /proc/1/comm; ps | grep -c defunct || true", "--init").split()
        self.assertNotEqual(out[0], "sh")

    def test_read_only(self):
        done = self.skiff("run", "--rm", "--read-only", "busybox", "touch", "/x", check=False)
        self.assertNotEqual(done.code, 0)
        self.assertIn("Read-only", done.stderr)
        self.assertEqual(self.run_sh("touch /tmp/x && echo ok", "--read-only"), "ok")

    def test_tmpfs_and_shm(self):
        self.assertRegex(self.run_sh("grep ' /scratch ' /proc/mounts", "--tmpfs", "/scratch:size=1m"), r"^tmpfs /scratch tmpfs .*size=1024k")
        self.assertIn("size=2048k", self.run_sh("grep ' /dev/shm ' /proc/mounts", "--shm-size", "2m"))

    def test_tmpfs_has_what_the_image_has_there(self):
        listing = "ls /etc/passwd; stat -c '%a %u' /etc"
        for options, expected in ((("--tmpfs", "/etc"), ["/etc/passwd", "755 0"]),
                                  (("--mount", "type=tmpfs,dst=/etc"), ["/etc/passwd", "755 0"]),
                                  (("--tmpfs", "/etc:mode=700"), ["/etc/passwd", "700 0"]),
                                  (("--tmpfs", "/etc:notmpcopyup"), ["1777 0"]),
                                  (("--mount", "type=tmpfs,dst=/etc,notmpcopyup"), ["1777 0"])):
            with self.subTest(options):
                self.assertEqual(self.run_sh(f"{listing} 2>/dev/null", *options).splitlines(), expected)
        if sub_ids() != 0:
            self.assertEqual(self.run_sh(f"{listing} 2>/dev/null", "--tmpfs", "/etc:mode=700,uid=5").splitlines(), ["/etc/passwd", "700 5"])
            self.assertEqual(self.run_sh("stat -c '%a %u' /new", "--tmpfs", "/new", "--user", "7"), "1777 0")

    def test_add_host_and_dns(self):
        out = self.run_sh("cat /etc/hosts /etc/resolv.conf", "--add-host", "db:10.1.2.3", "--dns", "10.9.9.9")
        self.assertRegex(out, r"(?m)^10\.1\.2\.3\s+db$")
        self.assertIn("nameserver 10.9.9.9", out)

    def test_timeout(self):
        done = self.skiff("run", "--rm", "--timeout", "1", "busybox", "sleep", "60", check=False)
        self.assertEqual(done.code, 137)
        self.assertLess(done.seconds, 20)

    def test_device_and_privileged(self):
        self.assertEqual(self.run_sh("test -c /dev/mynull && echo ok", "--device", "/dev/null:/dev/mynull"), "ok")
        bounding = self.run_sh("grep CapBnd /proc/self/status", "--privileged").split()[1]
        self.assertGreater(int(bounding, 16), 0x800405FB)


class RunMounts(SkiffTest):
    images = ["busybox"]

    def test_bind(self):
        host = self.tmp / "shared"
        host.mkdir(exist_ok=True)
        self.skiff("run", "--rm", "-v", f"{host}:/data", "busybox", "sh", "-c", "echo inside > /data/file")
        self.assertEqual((host / "file").read_text(), "inside\n")
        self.assertEqual((host / "file").stat().st_uid, os.geteuid())
        done = self.skiff("run", "--rm", "-v", f"{host}:/data:ro", "busybox", "touch", "/data/x", check=False)
        self.assertIn("Read-only", done.stderr)

    def test_bind_missing_source(self):
        done = self.skiff("run", "--rm", "-v", f"{self.tmp}/absent:/data", "busybox", "true", code=125)
        self.assertIn(f"{self.tmp}/absent", done.stderr)

    def test_overlay_flag(self):
        host = self.tmp / "lower"
        host.mkdir(exist_ok=True)
        (host / "a").write_text("a\n")
        out = self.skiff("run", "--rm", "-v", f"{host}:/data:O", "busybox", "sh", "-c", "cat /data/a; echo b > /data/b")
        self.assertEqual(out.stdout, "a\n")
        self.assertFalse((host / "b").exists())

    def test_volume_persists_and_is_shared(self):
        self.skiff("run", "--rm", "-v", "data:/data", "busybox", "sh", "-c", "echo kept > /data/file")
        self.assertIn("data", self.skiff("volume", "ls", "-q").lines)
        self.assertEqual(self.skiff("run", "--rm", "-v", "data:/data", "busybox", "cat", "/data/file").word, "kept")
        self.skiff("volume", "rm", "data")
        self.skiff("volume", "exists", "data", code=1)

    def test_copy_up_into_a_new_volume_once(self):
        self.skiff("run", "--rm", "-v", "copied:/etc", "busybox", "sh", "-c", "test -e /etc/passwd && rm /etc/passwd")
        self.skiff("run", "--rm", "-v", "copied:/etc", "busybox", "test", "!", "-e", "/etc/passwd")
        self.skiff("volume", "rm", "copied")

    def test_mount_option(self):
        host = self.tmp / "m"
        host.mkdir(exist_ok=True)
        self.skiff("run", "--rm", "--mount", f"type=bind,src={host},dst=/m", "--mount", "type=tmpfs,dst=/t,tmpfs-size=1m",
                   "--mount", "type=volume,src=mv,dst=/v", "busybox", "sh", "-c", "touch /m/a /t/b /v/c")
        self.assertTrue((host / "a").exists())
        self.skiff("volume", "rm", "mv")
        done = self.skiff("run", "--rm", "--mount", "type=nonsense,dst=/x", "busybox", "true", code=125)
        self.assertIn("nonsense", done.stderr)

    def test_volume_in_use(self):
        self.skiff("create", "--name", "user", "-v", "used:/data", "busybox")
        done = self.skiff("volume", "rm", "used", code=2)
        self.assertRegex(done.stderr, r"Error: volume used is being used by the following container\(s\):")
        self.skiff("rm", "user")
        self.skiff("volume", "rm", "used")

    def test_rootfs(self):
        rootfs = self.tmp / "rootfs"
        (rootfs / "bin").mkdir(parents=True, exist_ok=True)
        program = rootfs / "bin/busybox"
        program.write_bytes(open("/usr/bin/busybox", "rb").read())
        program.chmod(program.stat().st_mode | stat.S_IXUSR | 0o755)
        self.assertEqual(self.skiff("run", "--rm", "--rootfs", rootfs, "/bin/busybox", "echo", "plain").word, "plain")
        self.skiff("run", "--rm", "--rootfs", f"{rootfs}:O", "/bin/busybox", "touch", "/new")
        self.assertFalse((rootfs / "new").exists())


class RunNamespaces(SkiffTest):
    images = ["busybox"]

    def test_shared_pids(self):
        self.skiff("run", "-d", "--name", "c1", "busybox", "sh", "-c", "sleep 1d")
        self.skiff("run", "-d", "--name", "c2", "--pid=container:c1", "busybox", "sh", "-c", "sleep 2d")
        for name in ("c1", "c2"):
            out = self.skiff("exec", name, "ps", "aux").stdout
            self.assertIn("sleep 1d", out)
            self.assertIn("sleep 2d", out)

    def test_own_pids(self):
        self.skiff("run", "-d", "--name", "c1", "busybox", "sh", "-c", "sleep 1d")
        self.skiff("run", "-d", "--name", "c2", "busybox", "sh", "-c", "sleep 2d")
        self.assertNotIn("sleep 2d", self.skiff("exec", "c1", "ps", "aux").stdout)

    def test_host_namespaces(self):
        for option, kind in (("pid", "pid"), ("ipc", "ipc"), ("uts", "uts"), ("network", "net")):
            with self.subTest(option):
                inside = self.skiff("run", "--rm", f"--{option}=host", "busybox", "readlink", f"/proc/self/ns/{kind}").word
                self.assertEqual(inside, os.readlink(f"/proc/self/ns/{kind}"))
                inside = self.skiff("run", "--rm", "busybox", "readlink", f"/proc/self/ns/{kind}").word
                self.assertNotEqual(inside, os.readlink(f"/proc/self/ns/{kind}"))

    def test_host_pids_where_sysctls_are_read_only(self):
        """In a container that is the host, the sysctl that distributions configure is no reason to fail."""
        if os.geteuid() != 0:
            self.skipTest("about root (run.py --as root)")
        conf = self.tmp / "containers.conf"
        conf.write_text('[containers]\ndefault_sysctls = ["net.ipv4.ping_group_range=0 0"]\n', encoding="ascii")
        script = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec \"$@\""
        run = ["unshare", "-m", "sh", "-c", script, "sh", str(self.program), *self.roots(), "run", "--rm", "--pid=host"]
        for options, code in (([], 0), (["--sysctl", "net.ipv4.ping_group_range=0 0"], 125)):
            done = subprocess.run([*run, *options, "busybox", "true"], env=self.environment(CONTAINERS_CONF=str(conf)),
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, code, done.stderr)

    def test_network_of_another_container(self):
        self.skiff("run", "-d", "--name", "c1", "busybox", "sleep", "1d")
        first = self.skiff("exec", "c1", "readlink", "/proc/self/ns/net").word
        self.assertEqual(self.skiff("run", "--rm", "--network", "container:c1", "busybox", "readlink", "/proc/self/ns/net").word, first)

    def test_network_none(self):
        out = self.skiff("run", "--rm", "--network", "none", "busybox", "sh", "-c", "ls /sys/class/net").word
        self.assertEqual(out, "lo")

    @unittest.skipIf(os.geteuid() == 0, "keep-id maps an unprivileged caller")
    def test_keep_id(self):
        host = self.tmp / "mine"
        host.mkdir(exist_ok=True)
        out = self.skiff("run", "--rm", "--userns=keep-id", "-v", f"{host}:/m", "busybox", "sh", "-c", "id -u; touch /m/f").word
        self.assertEqual(out, str(os.geteuid()))
        self.assertEqual((host / "f").stat().st_uid, os.geteuid())

    def test_nomap(self):
        if os.geteuid() == 0:
            self.skipTest("nomap leaves the caller out, root has no sub-ids")
        self.need_ids()
        out = self.skiff("run", "--rm", "--userns=nomap", "busybox", "cat", "/proc/self/uid_map").word
        self.assertEqual(out.split()[0], "0")


class RunTerminal(SkiffTest):
    images = ["busybox"]

    def tty(self, *args, **kw):
        terminal = Tty([str(self.program), *self.roots(), *args], self.environment(), self.home, **kw)
        self.addCleanup(terminal.close)
        return terminal

    def test_shell_with_job_control_and_size(self):
        terminal = self.tty("run", "-it", "--name", "t", "busybox", "sh", rows=33, columns=101)
        terminal.expect(r"[#$] ")
        terminal.send("stty size\n")
        terminal.expect(r"33 101")
        terminal.resize(44, 120)
        terminal.send("sleep 0.3; stty size\n")
        terminal.expect(r"44 120")
        terminal.send("sleep 100\n")
        terminal.expect("sleep 100")
        time.sleep(0.5)  # before that the shell's line editor takes the key
        terminal.send("\x03")
        terminal.expect(r"[#$] ")
        terminal.send("exit 5\n")
        self.assertEqual(terminal.wait(), 5)

    def test_settings_come_back(self):
        terminal = self.tty("run", "-it", "--rm", "busybox", "true")
        before = terminal.settings()
        self.assertEqual(terminal.wait(), 0)
        self.assertEqual(terminal.settings(), before)

    def test_detach_and_attach(self):
        terminal = self.tty("run", "-it", "--name", "t", "busybox", "sh")
        terminal.expect(r"[#$] ")
        terminal.send("echo one-$((1+1))\n")
        terminal.expect("one-2")
        terminal.send("\x10\x11")
        self.assertEqual(terminal.wait(), 0)
        self.assertEqual(self.skiff("inspect", "--format", "{{.State.Status}}", "t").word, "running")
        again = self.tty("attach", "t")
        again.send("echo two-$((1+2))\n")
        again.expect("two-3")
        again.send("exit\n")
        self.assertEqual(again.wait(), 0)

    def test_the_users_terminal_is_not_given(self):
        terminal = self.tty("run", "-i", "--rm", "busybox", "sh", "-c", "test -t 0 && echo has-tty || echo no-tty")
        terminal.expect("no-tty")
        terminal.wait()


class RunDetached(SkiffTest):
    images = ["busybox"]

    def test_prints_the_id(self):
        done = self.skiff("run", "-d", "busybox", "sleep", "100")
        self.assertRegex(done.stdout, r"^[0-9a-f]{64}\n$")

    def test_restart_policy_on_failure(self):
        self.skiff("run", "-d", "--name", "crash", "--restart", "on-failure:2", "busybox", "sh", "-c", "echo run; exit 3")
        wait_for(lambda: self.skiff("inspect", "--format", "{{.State.Status}}", "crash").word == "exited", timeout=20)
        self.assertEqual(self.skiff("logs", "crash").stdout, "run\n" * 3)
        self.assertEqual(self.skiff("inspect", "--format", "{{.RestartCount}}", "crash").word, "2")

    def test_restart_always_ends_with_stop(self):
        self.skiff("run", "-d", "--name", "again", "--restart", "always", "busybox", "sh", "-c", "sleep 0.2")
        wait_for(lambda: int(self.skiff("inspect", "--format", "{{.RestartCount}}", "again").word) >= 2, timeout=20)
        self.skiff("stop", "-t", "1", "again")
        self.assertEqual(self.skiff("inspect", "--format", "{{.State.Status}}", "again").word, "exited")

    def test_rm_goes_with_the_end(self):
        self.skiff("run", "-d", "--rm", "--name", "brief", "busybox", "sleep", "0.3")
        wait_for(lambda: self.skiff("ps", "-aq").stdout == "", timeout=10)

    def test_log_drivers(self):
        for driver in ("k8s-file", "json-file"):
            with self.subTest(driver):
                self.skiff("run", "--log-driver", driver, "--name", driver, "busybox", "sh", "-c", "echo a; echo b >&2")
                done = self.skiff("logs", driver)
                self.assertEqual((done.stdout, done.stderr), ("a\n", "b\n"))
        self.skiff("run", "--log-driver", "none", "--name", "nolog", "busybox", "echo", "x")
        done = self.skiff("logs", "nolog", check=False)
        self.assertEqual(done.code, 125)
        self.assertEqual(self.skiff("run", "--rm", "--log-driver", "passthrough", "busybox", "echo", "straight").word, "straight")

    def test_platform_refused(self):
        for words in (("--arch", "s390x"), ("--os", "windows"), ("--variant", "v99")):
            self.skiff_fails("run", "--rm", "--pull", "never", *words, "busybox", "true", says="Error: busybox: image not known")
            self.skiff_fails("run", "--rm", "--platform", "linux/s390x", *words, "busybox", "true",
                             says="Error: --platform option can not be specified with --arch or --os")
        self.skiff("run", "--rm", "--pull", "never", "--os", "linux", "busybox", "true")
        done = self.skiff("run", "--rm", "--pull", "never", "--platform", "linux/s390x", "busybox", "true", check=False)
        self.assertEqual(done.code, 125)


class RunUserNamespaceReuse(SkiffTest):
    images = ["busybox"]

    def test_containers_share_one_user_namespace(self):
        if os.geteuid() == 0:
            self.skipTest("real root has no user namespace")
        inodes = set()
        for name in ("a", "b"):
            self.skiff("run", "-d", "--name", name, "--network", "none", "busybox", "sleep", "100")
            inodes.add(self.skiff("exec", name, "readlink", "/proc/self/ns/user").word)
        self.assertEqual(len(inodes), 1)
        self.skiff("rm", "-f", "-t", "0", "a")
        self.skiff("run", "-d", "--name", "c", "--network", "none", "busybox", "sleep", "100")
        inodes.add(self.skiff("exec", "c", "readlink", "/proc/self/ns/user").word)
        self.assertEqual(len(inodes), 1)

    def test_racing_names_have_one_winner(self):
        argv = [str(self.program), *self.roots(), "run", "-d", "--network", "none", "--name", "x", "busybox", "sleep", "100"]
        racers = [subprocess.Popen(argv, env=self.environment(), cwd=self.home, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(64)]
        results = [(racer.communicate(timeout=120), racer.returncode) for racer in racers]
        winners = [out for (out, _), code in results if code == 0]
        self.assertEqual(len(winners), 1)
        for (_, err), code in results:
            if code:
                self.assertEqual(code, 125)
                self.assertTrue(re.search(r'^Error: .*the container name "x" is already in use', err, re.M), err)
        self.assertEqual(self.skiff("ps", "-aq", "--no-trunc").word, winners[0].strip())
