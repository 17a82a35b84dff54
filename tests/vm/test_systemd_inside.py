# SPDX-License-Identifier: Apache-2.0
"""systemd in a container, on cgroup v2 with its controllers."""

from tests.support.systemd_inside import SystemdInside


class User(SystemdInside):
    """As a user in a session."""

    controllers = True


del SystemdInside
