"""Every gradient explained, derived, drawn and exercised, from the graph that was recorded."""

from chainrule.explanation.derivation import Derivation, derive
from chainrule.explanation.drawing import Drawing, draw
from chainrule.explanation.explain import Explanation, explain
from chainrule.explanation.hunt import Hunt, hunt
from chainrule.explanation.learning import (
    Exercise,
    check_my_backward,
    exercise,
    grade,
    spreadsheet,
)
from chainrule.explanation.modes import Modes, modes

__all__ = [
    "Derivation", "Drawing", "Exercise", "Explanation", "Hunt", "Modes", "check_my_backward",
    "derive", "draw", "exercise", "explain", "grade", "hunt", "modes", "spreadsheet",
]  # fmt: skip
