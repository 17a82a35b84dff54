# SPDX-License-Identifier: Apache-2.0
"""System tests: the real programs in a throwaway home. run.py runs them."""
