"""Derivations: the gradient as formulas of matrix calculus, evaluated before they are shown."""

from chainrule.explanation.derivation.derivation import Derivation, derive
from chainrule.explanation.derivation.notations import NOTATIONS, Notation

__all__ = ["NOTATIONS", "Derivation", "Notation", "derive"]
