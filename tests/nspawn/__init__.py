# SPDX-License-Identifier: Apache-2.0
"""What needs a systemd of its own, with users that log in."""
