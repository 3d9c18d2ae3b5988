"""Engines: a traced program emitted as source and run fast."""

from chainrule.engines.compiled import Compiled, compile
from chainrule.engines.plan import Plan
from chainrule.engines.program import Program
from chainrule.engines.scan import Scan, scan

__all__ = ["Compiled", "Plan", "Program", "Scan", "compile", "scan"]
