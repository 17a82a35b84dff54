# SPDX-License-Identifier: Apache-2.0
"""Faults injected on purpose, and the invariants that must hold after each of them."""
