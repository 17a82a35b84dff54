# SPDX-License-Identifier: Apache-2.0
"""What shows that the tests of incidents can fail."""
