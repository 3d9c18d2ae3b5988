"""Every gradient explained, derived, drawn and exercised, from the graph that was recorded."""

from chainrule.explanation.derivation import Derivation, derive
from chainrule.explanation.explain import Explanation, explain
from chainrule.explanation.modes import Modes, modes

__all__ = ["Derivation", "Explanation", "Modes", "derive", "explain", "modes"]
