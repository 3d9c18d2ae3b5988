"""`Mark`: what an answer is worth, whether a number, a formula or a gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.pages import Strong

_WORDS = {
    "right": ("✓ right", "good"),
    "here": ("≈ right here, but not in general", "note"),
    "carried on": ("↪ follows from an earlier mistake", "note"),
    "wrong": ("✗ wrong", "bad"),
    "unreadable": ("✗ cannot be read", "bad"),
    "missing": ("missing", "faint"),
    "unchecked": ("not checked", "note"),
}


@dataclass(frozen=True)
class Mark:
    """What an answer is worth.

    Attributes
    ----------
    id : str
        The item, or the variable whose gradient it is.
    status : {"right", "here", "carried on", "wrong", "unreadable", "missing", "unchecked"}
        "here" is a formula that gives the right number at this point alone; "unchecked" is what
        finite differences do not confirm.
    given : object
        The answer.
    expected : array
    note : str
        From which mistake it follows, or what the mistake may be.
    """

    id: str
    status: str
    given: Any
    expected: Any
    note: str = ""

    def words(self) -> Strong:
        """Return the status in words."""
        return Strong(*_WORDS[self.status])
