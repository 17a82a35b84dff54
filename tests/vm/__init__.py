# SPDX-License-Identifier: Apache-2.0
"""What needs a kernel and a systemd of its own: tests in a virtual machine."""
