# SPDX-License-Identifier: Apache-2.0
"""Many members of one network."""

import json
import threading
import time

from tests.support.skiff import SLOWNESS, wait_for
from tests.system.test_named_network import NamedNetworkTest

JOINERS = 200
MEMBERS = 1000


class Scale(NamedNetworkTest):
    def start_all(self, names, workers, timeout):
        """Start containers that exist, some at a time; the seconds it took."""
        todo = list(names)
        failed = []

        def work():
            while todo:
                try:
                    batch = [todo.pop() for _ in range(min(10, len(todo)))]
                except IndexError:
                    return
                done = self.skiff("start", *batch, check=False, timeout=timeout)
                if done.code != 0:
                    failed.append(str(done))

        threads = [threading.Thread(target=work) for _ in range(workers)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        return time.monotonic() - start

    def test_joiners(self):
        """200 containers are on a network within five seconds: what the network adds to their start."""
        self.skiff("network", "create", "--subnet", "10.120.0.0/16", "one")
        seconds = {}
        for network in ("none", "one"):
            names = [f"{network}{i}" for i in range(JOINERS)]
            for name in names:
                self.skiff("create", "--name", name, "--network", network, "busybox", "sleep", "1000")
            seconds[network] = self.start_all(names, 4, 120 * SLOWNESS)
        places = [self.place(f"one{i}", "one")["IPAddress"] for i in range(JOINERS)]
        self.assertEqual(len(set(places)), JOINERS)
        self.assertLess(seconds["one"] - seconds["none"], 5 * SLOWNESS, seconds)

    def test_thousand(self):
        """1,000 members of a /16: an address each, all names, and an end."""
        self.skiff("network", "create", "--subnet", "10.120.0.0/16", "one")
        names = [f"m{i}" for i in range(MEMBERS)]
        for name in names:
            self.skiff("create", "--name", name, "--network", "one", "--cap-add", "NET_RAW", "--network-alias", "all", "busybox", "sleep", "1000")
        seconds = self.start_all(names, 4, 600 * SLOWNESS)
        members = json.loads(self.skiff("network", "inspect", "one").stdout)[0]["containers"]
        addresses = {row["interfaces"]["eth0"]["subnets"][0]["ipnet"] for row in members.values()}
        self.assertEqual(len(addresses), MEMBERS)
        for first, second in (("m0", "m999"), ("m999", "m500"), ("m3", "m4")):
            self.assertTrue(self.pings(first, second))
        wait_for(lambda: len(self.homes()) == 1, timeout=5, message="one home alone")
        self.skiff("rm", "--all", "--force", "--time", "0", timeout=600 * SLOWNESS)
        wait_for(lambda: not self.homes(), timeout=20, message="the end of the home")
        print(f"# {MEMBERS} starts: {seconds:.1f} s")
