"""Every gradient explained, derived, drawn and exercised, from the graph that was recorded."""

from chainrule.explanation.derivation import Derivation, derive
from chainrule.explanation.drawing import Drawing, draw
from chainrule.explanation.explain import Explanation, explain
from chainrule.explanation.modes import Modes, modes

__all__ = ["Drawing", "draw", "Derivation", "Explanation", "Modes", "derive", "explain", "modes"]
