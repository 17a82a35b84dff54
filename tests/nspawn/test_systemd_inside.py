# SPDX-License-Identifier: Apache-2.0
"""systemd in a container, on cgroup v2 without controllers."""

from tests.support.systemd_inside import SystemdInside


class User(SystemdInside):
    """As a user with a login."""


class Root(SystemdInside):
    """As root."""

    user = "root"


del SystemdInside
