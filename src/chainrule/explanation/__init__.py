"""Every gradient explained, derived, drawn and exercised, from the graph that was recorded.

Names are imported when they are first used: training looks for NaN with a part of this package,
and need not wait for the rest.
"""

from chainrule.lazy import lazily

_HOME = {
    "Derivation": "derivation", "derive": "derivation",
    "Drawing": "drawing", "draw": "drawing",
    "Exercise": "learning", "check_my_backward": "learning", "exercise": "learning",
    "grade": "learning", "spreadsheet": "learning",
    "Explanation": "worked", "explain": "worked",
    "Hunt": "births", "hunt": "births",
    "Modes": "costs", "modes": "costs",
}  # fmt: skip

__all__ = list(_HOME)

__getattr__ = lazily(__name__, _HOME)
