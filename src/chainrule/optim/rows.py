"""Updates of the rows of a table that were looked up, by the rule that updates whole arrays.

Of a table that is read through row look-ups alone most rows have no gradient in a step. SGD leaves
them as they are; a rule with momentum or with decay of weights does not. ``lazy=True`` leaves them
all the same, as ``torch.optim.SparseAdam`` does, so that a step costs the same whatever the number
of rows. ``lazy="exact"`` notes to which step each row is brought up, and makes the updates that it
missed, gradients being zero, before it is next read: the numbers are those of the dense rule, to
rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.autodiff.rows import RowGradient
from chainrule.constraints import OneOf, check
from chainrule.errors import ArgumentError
from chainrule.ops.indexing import SLOT, Index, gather

Slots = dict[str, Any]
LAZY = OneOf((False, True, "exact"))
LAST = "last_step"
"""The slot of the steps to which rows are brought up."""
_BLOCK = 2**15  # elements that are brought up at a time, so that they stay in the cache


def taken(p: Any, slots: Slots, places: Any) -> tuple[Any, Slots]:
    """Return some rows of a parameter and of what is remembered of it."""

    def rows(table: Any) -> Any:
        return gather(table, places, index=Index((SLOT,))) if np.ndim(table) else table

    return rows(p), {name: rows(slot) for name, slot in slots.items() if name != LAST}


def update_rows(
    optimizer: Any, p: Any, g: RowGradient, slots: Slots, step: Any, lr: Any
) -> tuple[Any, Slots]:
    """Return the new rows of a parameter where its gradient has some, and their slots.

    Parameters
    ----------
    optimizer : Optimizer
    p : array of shape (n, ...)
    g : RowGradient
        As `RowGradient.summed` returns it.
    slots : dict of str to array
    step : int
        Number of updates made before.
    lr : number

    Returns
    -------
    rows : array of shape (*g.places.shape, ...)
    slots : dict of str to array
    """
    rows, kept = taken(p, slots, g.places)
    new, after = optimizer.update(rows, g.values, {"step": step, "slots": {"": kept}}, lr)
    return new, after["slots"][""]


def caught_up(
    optimizer: Any, p: Any, slots: Slots, last: Any, step: int, rates: Any
) -> tuple[Any, Slots]:
    """Return rows and their slots after the updates that they missed, their gradients being zero.

    The rule itself makes each missed update, for all rows at once that miss one more. A row that
    it no longer moves rests if the optimizer knows what then becomes of the slots: what a running
    mean still adds shrinks from update to update, so that a sum that it no longer changes will not
    change.

    Parameters
    ----------
    optimizer : Optimizer
    p : array of shape (k, ...)
    slots : dict of str to array of the same shape
    last : int array of shape (k,)
        The number of updates that each row has had.
    step : int
        The number that it is to have.
    rates : float array
        The learning rates of the last updates, that of number `step` at the end.
    """
    p, slots = np.array(p), {name: np.array(slot) for name, slot in slots.items()}
    highest = np.maximum.accumulate(rates[::-1])[::-1]
    up = (slice(None), *[None] * (np.ndim(p) - 1))
    moving = np.flatnonzero(last < step)
    number = last[moving]  # of updates that these have had
    while len(moving):
        rows, kept = taken(p, slots, moving)
        at = number - step  # counted from the end
        state = {"step": number[up], "slots": {"": kept}}
        new, after = optimizer.update(rows, np.zeros_like(rows), state, rates[at][up])
        kept, number = after["slots"][""], number + 1
        resting = np.all((new == rows).reshape(len(rows), -1), axis=1)
        resting &= rates[at] == highest[at]
        faded = optimizer.faded(kept, (step - number)[up]) if resting.any() else None
        if faded is not None:
            kept = {name: np.where(resting[up], faded[name], kept[name]) for name in kept}
            number = np.where(resting, step, number)
        p[moving] = new
        for name, slot in kept.items():
            slots[name][moving] = slot
        moving, number = moving[number < step], number[number < step]
    return p, slots


def catch_up(optimizer: Any, p: Any, slots: Slots, places: Any, step: int, rates: Any) -> None:
    """Bring rows up to a step, in place.

    Parameters
    ----------
    optimizer, p, slots, step, rates
        As in `caught_up`; the slots hold `LAST` too.
    places : int array of shape (k,)
        Each row once.
    """
    late = places[slots[LAST][places] < step]
    size = max(1, _BLOCK // max(1, int(np.prod(np.shape(p)[1:]))))
    for start in range(0, len(late), size):
        block = late[start : start + size]
        rows, kept = taken(p, slots, block)
        p[block], kept = caught_up(optimizer, rows, kept, slots[LAST][block], step, rates)
        for name, slot in kept.items():
            slots[name][block] = slot
    slots[LAST][late] = step


# Which rules can --------------------------------------------------------------------------------


def check_lazy(optimizer: Any) -> None:
    """Refuse an optimizer whose `lazy` is no such thing, or whose rule does not go row by row.

    That is tried out: on some rows the rule must do what it does to them among all rows.

    Raises
    ------
    ArgumentError
        Naming the optimizer and what its rule would need.
    """
    name = type(optimizer).__name__
    check(name, {"lazy": LAZY}, {"lazy": optimizer.lazy})
    if not optimizer.lazy:
        return
    rng = np.random.default_rng(0)
    p, g = rng.normal(size=(2, 4, 3))
    p, before = _after(optimizer, p, g, optimizer.start(p), 0)
    exact = optimizer.lazy == "exact"
    shapes = {p.shape} if exact else {p.shape, ()}
    odd = [slot for slot, x in before.items() if np.shape(x) not in shapes]
    needs = f"{name}: lazy={optimizer.lazy!r} needs a rule that"
    if not exact and optimizer.result(p, before) is not p:
        raise ArgumentError(
            f"{needs} leaves a row alone that is not looked up, and every step adds to the average "
            'that this one predicts with: use lazy="exact" or lazy=False'
        )
    if odd:
        raise ArgumentError(
            f"{needs} remembers something of each element alone, and {odd[0]!r} is of them all: "
            + ("use lazy=True or lazy=False" if exact else "use lazy=False")
        )
    if not _goes_by_rows(optimizer, p, g, before):
        raise ArgumentError(
            f"{needs} updates each row without regard to others, and this one does not: "
            "use lazy=False"
        )
    if exact and not _counts_by_rows(optimizer, p, g, before):
        raise ArgumentError(
            f"{needs} takes a number of steps for each row, in arrays that broadcast, and this one "
            "does not: use lazy=True or lazy=False"
        )


def _after(optimizer: Any, p: Any, g: Any, slots: Slots, step: Any) -> tuple[Any, Slots]:
    lr = np.full(np.shape(step), 0.1) if np.ndim(step) else 0.1
    new, state = optimizer.update(p, g, {"step": step, "slots": {"": slots}}, lr)
    return new, state["slots"][""]


def _goes_by_rows(optimizer: Any, p: Any, g: Any, slots: Slots) -> bool:
    places = np.array([[2, 0], [2, 3]])
    whole = _after(optimizer, p, g, slots, 1)
    try:
        some, kept = taken(p, slots, places)
        rows = _after(optimizer, some, g[places], kept, 1)
    except (ValueError, LookupError, ArgumentError):
        return False
    return _same(rows, taken(*whole, places))


def _counts_by_rows(optimizer: Any, p: Any, g: Any, slots: Slots) -> bool:
    steps = np.array([1, 2, 5, 30])
    each = [_after(optimizer, p, g, slots, int(step)) for step in steps]
    try:
        rows = _after(optimizer, p, g, slots, steps[:, None])
    except (ValueError, LookupError, TypeError, ArgumentError):
        return False
    return all(
        _same(taken(*rows, np.array([i])), taken(*one, np.array([i]))) for i, one in enumerate(each)
    )


def _same(one: tuple[Any, Slots], other: tuple[Any, Slots]) -> bool:
    (p, slots), (q, others) = one, other
    pairs = [(p, q), *((slots[name], others[name]) for name in others)]
    return all(np.shape(a) == np.shape(b) and np.allclose(a, b, 1e-12, 0) for a, b in pairs)
