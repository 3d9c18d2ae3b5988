"""Conformance suites: what is promised of every op and optimizer, chainrule's own and yours."""

from chainrule.testing.ops import ConformanceError, check_op
from chainrule.testing.optimizers import check_optimizer

__all__ = ["ConformanceError", "check_op", "check_optimizer"]
