"""`check_my_backward`: hand-written backpropagation, marked variable by variable."""

from __future__ import annotations

import copy
import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.autodiff.arguments import Which, positions
from chainrule.explanation.account import Account, Variable, pulled
from chainrule.explanation.learning.hints import close, of_gradient
from chainrule.explanation.learning.marks import Mark
from chainrule.explanation.numbers import written
from chainrule.explanation.subject import account_of, default_positions
from chainrule.explanation.verify import verify_leaf
from chainrule.graph import Tensor
from chainrule.graph.trace import argument_names
from chainrule.graph.tree import flatten, paths
from chainrule.pages import Block, Code, Heading, Page, Paragraph, Shown, Strong, Table, Text

_PREFIXES = ("delta_", "d_", "grad_", "d")


class BackwardCheck(Shown):
    """The marks of hand-written backpropagation.

    Attributes
    ----------
    marks : list of Mark
        In the order of the backward pass.
    problem : str
        Why nothing could be marked; empty if it could.
    """

    def __init__(self, marks: list[Mark], problem: str = "", notes: str = "") -> None:
        self.marks, self.problem, self.notes = marks, problem, notes

    @property
    def ok(self) -> bool:
        """Whether every gradient is right."""
        return not self.problem and all(m.status == "right" for m in self.marks)

    @property
    def first_mistake(self) -> Mark | None:
        """The first wrong gradient on the way back."""
        return next((m for m in self.marks if m.status == "wrong"), None)

    def facts(self) -> dict[str, Any]:
        """Return the marks as JSON-able values."""
        return {
            "ok": self.ok,
            "problem": self.problem,
            "notes": self.notes,
            "marks": [{"name": m.id, "status": m.status, "note": m.note} for m in self.marks],
        }

    def page(self) -> Page:
        """Return the marks as a page."""
        rows: list[list[Text]] = [
            [[Code(m.id)], [m.words()], m.note,
             "" if m.given is None else written(m.given), written(m.expected)]
            for m in self.marks
        ]  # fmt: skip
        blocks: list[Block] = [Heading("Your backward pass", 1), Paragraph([self._head()])]
        if self.notes:
            blocks.append(Paragraph(self.notes))
        if rows:
            blocks.append(Table(["gradient of", "", "", "yours", "right"], rows))
        return Page("Your backward pass", blocks)

    def _head(self) -> Strong:
        if self.ok:
            return Strong("✓ Every gradient is right.", "good")
        if not self.problem and all(m.status in ("right", "unchecked") for m in self.marks):
            return Strong("Not every gradient could be checked.", "note")
        return Strong(f"✗ {self.problem or 'Not right yet.'}", "bad")


def check_my_backward(
    function: Callable[..., Any],
    my_grad: Callable[..., Any],
    *args: Any,
    wrt: Which | None = None,
    rtol: float = 1e-4,
) -> BackwardCheck:
    """Mark a gradient that was written by hand.

    Parameters
    ----------
    function : callable
        The loss.
    my_grad : callable
        Takes the same arguments. It returns the gradient, a tuple of them for several arguments,
        or a dict by name of a variable, which may hold intermediate deltas too, such as
        ``{"w": ..., "z": ...}`` or ``{"dw": ..., "delta_z": ...}``.
    *args
        Where to compare.
    wrt : int, str or a sequence of them, optional
        As for `chainrule.explain`.
    rtol : float
        Relative tolerance.

    Returns
    -------
    BackwardCheck

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> def loss(w, x):
    ...     z = w @ x
    ...     return np.sum(z**2)
    >>> def backward(w, x):
    ...     return np.outer(w @ x, x)
    >>> checked = cr.check_my_backward(loss, backward, np.eye(2), np.array([1.0, 2.0]), wrt="w")
    >>> checked.ok, checked.first_mistake.note
    (False, 'it is 2 times too small')
    """
    account = account_of(function, args, wrt)
    own = copy.deepcopy(args)
    try:
        found = my_grad(*own)
    except Exception as error:  # the user's own code may raise anything
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(frame.filename)}:{frame.lineno}"
        return BackwardCheck([], f"it raised {type(error).__name__}: {error} [{where}]")
    notes = "" if _unchanged(args, own) else "It changes its arguments in place: copy them first."
    try:
        given = _by_name(account, _asked(account, function, args, wrt), found)
    except ValueError as error:
        return BackwardCheck([], str(error), notes)
    return BackwardCheck(_marks(account, given, rtol), "", notes)


def _unchanged(before: Any, after: Any) -> bool:
    (old, tree), (new, same) = flatten(before), flatten(after)
    return tree == same and all(
        np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind in "fc")
        for a, b in zip(old, new, strict=True)
    )


def _asked(
    account: Account, function: Callable[..., Any], args: Sequence[Any], wrt: Which | None
) -> list[Variable]:
    """Return the variables that gradients are asked for, in the order in which `grad` has them."""
    names = argument_names(function, len(args))
    rank: dict[Any, int] = {}
    for i in positions(function, default_positions(args) if wrt is None else wrt, len(args)):
        leaves, tree = flatten(args[i])
        for x, label in zip(leaves, paths(tree, names[i]), strict=True):
            rank[id(x) if isinstance(x, Tensor) else label] = len(rank)
    return sorted(account.wanted, key=lambda v: rank.get(id(v.tensor), rank.get(v.tensor.name, 0)))


def _by_name(account: Account, asked: list[Variable], found: Any) -> dict[str, Any]:
    """Return gradients, as arrays, by name of the variable.

    Raises
    ------
    ValueError
        If they cannot be told apart, or are no numbers.
    """
    names = {v.name for v in account.variables}
    if isinstance(found, dict) and all(isinstance(key, str) for key in found):
        return {(v := _variable(key, names)): _array(v, g) for key, g in found.items()}
    leaves = [x for x in flatten(found)[0] if x is not None]
    if len(asked) == 1 and (len(leaves) != 1 or np.ndim(leaves[0]) < np.ndim(asked[0].delta)):
        leaves = [found]  # a nested list
    if len(leaves) != len(asked):
        wanted = ", ".join(v.name for v in asked)
        raise ValueError(f"it returned {len(leaves)} gradients, and there are those of {wanted}")
    return {v.name: _array(v.name, g) for v, g in zip(asked, leaves, strict=True)}


def _array(name: str, value: Any) -> Any:
    try:
        return np.asarray(value, np.float64)
    except (ValueError, TypeError):
        raise ValueError(f"its gradient of {name} is no array of numbers") from None


def _variable(key: str, names: set[str]) -> str:
    for name in (key, *(key.removeprefix(p) for p in _PREFIXES if key.startswith(p))):
        if name in names:
            return name
    raise ValueError(f"there is no variable {key!r}; there are {', '.join(sorted(names))}")


def _marks(account: Account, given: dict[str, Any], rtol: float) -> list[Mark]:
    rng = np.random.default_rng(0)
    found: list[Mark] = []
    wrong: list[Variable] = []
    for v in account.backward:
        if v.name not in given:
            if v.wanted:
                found.append(Mark(v.name, "missing", None, v.delta))
            continue
        if v.wanted and verify_leaf(account, v, rng).status == "wrong":
            note = "finite differences disagree with what would be right here"
            found.append(Mark(v.name, "unchecked", given[v.name], v.delta, note))
            continue
        mark = _mark(v, given, wrong, rtol)
        if mark.status == "wrong":
            wrong.append(v)
        found.append(mark)
    return found


def _mark(v: Variable, given: dict[str, Any], wrong: list[Variable], rtol: float) -> Mark:
    value = given[v.name]
    if _near(value, v.delta, rtol):
        return Mark(v.name, "right", value, v.delta)
    follows = _from_own(v, given)
    if wrong and follows is not None and _near(value, follows, rtol):
        names = ", ".join(w.name for w in wrong[:2])
        return Mark(v.name, "carried on", value, v.delta, f"follows from that of {names}")
    return Mark(v.name, "wrong", value, v.delta, of_gradient(v, value, v.delta, rtol))


def _near(value: Any, expected: Any, rtol: float) -> bool:
    return close(value, expected, rtol, rtol * float(np.max(np.abs(expected), initial=0.0)))


def _from_own(v: Variable, given: dict[str, Any]) -> Any:
    """Return the gradient that follows from the given deltas of what was computed from it."""
    total: Any = 0.0
    for arrival in v.arrivals:
        delta, use = _own_delta(arrival.use, given)
        if use is None:
            return None
        sent = dict(pulled(use.tensor, np.asarray(delta, use.tensor.dtype)[()]))
        total = total + sent[arrival.position]
    return np.asarray(total, np.float64)


def _own_delta(use: Variable, given: dict[str, Any]) -> tuple[Any, Variable | None]:
    """Return the delta of a use as given, or as it follows from what is given above it."""
    if use.name in given:
        value = given[use.name]
        return (value, use) if value.shape == np.shape(use.value) else (None, None)
    if not use.arrivals or use.is_bundle:
        return use.delta, None if use.is_bundle else use
    above = _from_own(use, given)
    return (above, use) if above is not None else (None, None)
