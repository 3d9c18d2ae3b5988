"""`exercise`: a worksheet from any computation, with its solution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.autodiff.arguments import Which
from chainrule.constraints import POSITIVE, Interval, check
from chainrule.errors import ArgumentError
from chainrule.explanation.account import Account
from chainrule.explanation.learning.grading import Marks, grade
from chainrule.explanation.learning.worksheet import Item, Sheet
from chainrule.explanation.numbers import dimensions, facts_of, written
from chainrule.explanation.replay import replayed
from chainrule.explanation.subject import about
from chainrule.graph.tree import flatten
from chainrule.pages import Block, Code, Heading, Page, Paragraph, Shown, Strong, Table, Text

_SHARE = Interval(0, 1, "right")
_DRAWS = 100  # of fresh numbers, until all that is computed from them is finite


def exercise(
    subject: Any,
    wrt: Which | None = None,
    *,
    seed: int = 0,
    lr: float = 0.1,
    share: float = 1.0,
    fresh: bool = False,
) -> Any:
    """Make a worksheet: forward values, local derivatives, deltas, gradients and updates.

    Parameters
    ----------
    subject : Tensor, callable or module
        A Tensor is a loss that was computed. Of a function, a function of its arguments is
        returned; so it is with a module.
    wrt : int, str or a sequence of them, optional
        The arguments to differentiate by; modules, or all numbers, by default.
    seed : int
        Decides which blanks there are, and the fresh numbers.
    lr : float > 0
        Learning rate of the update that is asked for.
    share : float in (0, 1]
        The part of all items that is left blank; the others are given.
    fresh : bool
        Whether the variables get new numbers with one decimal, so that everyone gets others.

    Returns
    -------
    Exercise, or a function that returns one

    Examples
    --------
    >>> import chainrule as cr
    >>> sheet = cr.exercise(lambda a, b, c: c * (a + 2 * b))(3.0, 1.0, -2.0)
    >>> marks = sheet.grade({"loss": "-10", "dloss/da": "c", "dloss/db": -4, "dloss/dc": 5})
    >>> [mark.status for mark in marks.marks if mark.status != "missing"]
    ['right', 'right', 'right', 'right']
    """
    check("exercise", {"lr": POSITIVE, "share": _SHARE}, {"lr": lr, "share": share})

    def made(account: Account) -> Exercise:
        return Exercise(_fresh(account, seed) if fresh else account, seed, lr, share)

    return about(subject, wrt, made)


class Exercise(Sheet, Shown):
    """A worksheet and its solution; see `Sheet` for its blanks."""

    def grade(self, answers: Mapping[str, Any], *, rtol: float = 0.01) -> Marks:
        """Mark answers; see `chainrule.grade`."""
        return grade(self, answers, rtol=rtol)

    def facts(self) -> dict[str, Any]:
        """Return the worksheet as JSON-able values, without its answers."""
        return self._facts(False)

    def page(self) -> Page:
        """Return the worksheet with blanks."""
        return Page("Exercise", self._blocks(False))

    def solution(self) -> Solution:
        """Return the worksheet filled in."""
        return Solution(self)

    def _facts(self, solved: bool) -> dict[str, Any]:
        def written_out(item: Item, known: bool) -> dict[str, Any]:
            fact = {
                "id": item.id,
                "kind": item.kind,
                "question": item.question,
                "shape": list(np.shape(self.answers[item.id])),
            }
            return fact | ({"answer": facts_of(self.answers[item.id])} if known else {})

        return {
            "lr": self.lr,
            "variables": {
                v.name: facts_of(v.value) for v in self.account.variables if v.op is None
            },
            "given": [written_out(item, True) for item in self.given],
            "items": [written_out(item, solved) for item in self.items],
        }

    def _blocks(self, solved: bool) -> list[Block]:
        leaves = [v for v in self.account.variables if v.op is None]
        given: list[list[Text]] = [
            [[Code(self.words[v.name])], dimensions(v.value), written(v.value)] for v in leaves
        ]
        given += [
            [[Code(item.id)], dimensions(self.answers[item.id]), written(self.answers[item.id])]
            for item in self.given
        ]
        blocks: list[Block] = [
            Heading("Exercise: the solution" if solved else "Exercise", 1),
            Paragraph("Given:"),
            Table(["variable", "shape", "value"], given),
        ]
        titles = {
            "value": "Forward values", "local": "Local derivatives", "delta": "Deltas",
            "gradient": "Gradients", "update": f"Updated weights, learning rate {self.lr:g}",
        }  # fmt: skip
        for kind, title in titles.items():
            rows = [self._row(item, solved) for item in self.items if item.kind == kind]
            if rows:
                blocks += [Heading(title), Table(["", "is", "shape", "value"], rows)]
        return blocks

    def _row(self, item: Item, solved: bool) -> list[Text]:
        value = self.answers[item.id]
        blank: Text = [Strong(written(value), "good")] if solved else "____________"
        return [[Code(item.id)], [Code(item.question)], dimensions(value), blank]


class Solution(Shown):
    """A worksheet filled in."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise

    def facts(self) -> dict[str, Any]:
        """Return the worksheet as JSON-able values, with its answers."""
        return self.exercise._facts(True)

    def page(self) -> Page:
        """Return the worksheet filled in."""
        return Page("Exercise: the solution", self.exercise._blocks(True))


def _fresh(account: Account, seed: int) -> Account:
    """Return the account at round numbers that all of it can be computed from."""
    rng = np.random.default_rng(seed)
    for _ in range(_DRAWS):
        with np.errstate(all="ignore"):
            found = replayed(account, _drawn(account, rng))
        numbers = [(v.value, v.delta) for v in found.variables if not v.is_bundle]
        if all(np.all(np.isfinite(x)) for x in flatten(numbers)[0]):
            return found
    raise ArgumentError(
        f"exercise: among {_DRAWS} draws of fresh numbers there are none at which every value is "
        "finite; leave out fresh"
    )


def _drawn(account: Account, rng: np.random.Generator) -> dict[str, Any]:
    """Return round numbers for the leaves that are asked for."""
    found = {}
    for v in account.variables:
        if v.wanted:
            drawn = np.round(rng.uniform(-2.0, 2.0, np.shape(v.value)), 1)
            found[v.name] = np.where(drawn == 0, 0.5, drawn).astype(v.tensor.dtype)[()]
    return found
