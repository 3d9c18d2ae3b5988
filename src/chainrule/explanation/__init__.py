"""Every gradient explained, derived, drawn and exercised, from the graph that was recorded."""

from chainrule.explanation.derivation import Derivation, derive
from chainrule.explanation.drawing import Drawing, draw
from chainrule.explanation.explain import Explanation, explain
from chainrule.explanation.hunt import Hunt, hunt
from chainrule.explanation.modes import Modes, modes

__all__ = [
    "Derivation", "Drawing", "Explanation", "Hunt", "Modes", "derive", "draw", "explain", "hunt",
    "modes",
]  # fmt: skip
