"""Conformance suites: what is promised of every op, for chainrule's own and for yours."""

from chainrule.testing.ops import ConformanceError, check_op

__all__ = ["ConformanceError", "check_op"]
