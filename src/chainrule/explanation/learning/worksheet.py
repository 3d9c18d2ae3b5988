"""The blanks of a worksheet, from any computation, and their answers."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.explanation.account import Account, Arrival, Variable, pulled
from chainrule.explanation.expressions import expression, place, rule
from chainrule.explanation.replay import moved, replayed
from chainrule.graph import Kind


@dataclass(frozen=True, eq=False)
class Item:
    """One blank of a worksheet.

    Attributes
    ----------
    id : str
        Such as ``"z"``, ``"da/dz"``, ``"delta_z"``, ``"dL/dw"`` and ``"new w"``.
    kind : {"value", "local", "delta", "gradient", "update"}
    question : str
    variable : Variable
        The one that is asked about; of a local derivative, the input.
    arrival : Arrival or None
        Of a local derivative: the use.
    """

    id: str
    kind: str
    question: str
    variable: Variable
    arrival: Arrival | None = None


def spoken(name: str) -> str:
    """Return the name by which formulas speak of a variable.

    Examples
    --------
    >>> spoken("model.0.weight"), spoken("lambda")
    ('model_0_weight', 'lambda_')
    """
    word = re.sub(r"\W+", "_", name) or "_"
    return f"{word}_" if keyword.iskeyword(word) or word[0].isdigit() else word


class Sheet:
    """The blanks of a worksheet and their answers.

    Parameters
    ----------
    account : Account
    seed : int
        Decides which items are blank.
    lr : float
        Learning rate of the update that is asked for.
    share : float
        The part of all items that is left blank.

    Attributes
    ----------
    items : list of Item
        The blanks, in the order in which they are worked out.
    given : list of Item
        What is filled in.
    answers : dict of str to array
        Of all items, by id.
    """

    def __init__(self, account: Account, seed: int, lr: float, share: float = 1.0) -> None:
        rng = np.random.default_rng(seed)
        self.account, self.lr = account, lr
        everything = list(_items(account))
        count = max(1, min(len(everything), round(share * len(everything))))
        blank = set(rng.permutation(len(everything))[:count].tolist())
        self.items = [item for i, item in enumerate(everything) if i in blank]
        self.given = [item for i, item in enumerate(everything) if i not in blank]
        self.answers = {item.id: answer(self.account, item, lr) for item in everything}

    def known(self, account: Account | None = None) -> dict[str, Any]:
        """Return what formulas may speak of, by the names they may use."""
        account = account or self.account
        found: dict[str, Any] = {"lr": self.lr}
        for v in account.variables:
            if v.is_bundle:
                continue
            found[spoken(v.name)] = v.value
            if v.delta is not None:
                found[f"delta_{spoken(v.name)}"] = v.delta
        return found

    def elsewhere(self, seed: int) -> Account:
        """Return the account of the same computation at other values of its leaves."""
        return replayed(self.account, moved(self.account, np.random.default_rng(seed)))


def _items(account: Account) -> Iterator[Item]:
    loss = account.loss
    for v in account.variables:
        if v.op is not None and not v.is_bundle:
            where = place(v)
            shown = f"{expression(account, v)}{f'   [{where}]' if where else ''}"
            yield Item(spoken(v.name), "value", shown, v)
    for v in account.backward:
        for arrival in v.arrivals:
            same = arrival.use is loss and v.wanted  # then it is the gradient
            if _is_local(v, arrival) and not same:
                name = f"d{spoken(arrival.use.name)}/d{spoken(v.name)}"
                yield Item(name, "local", f"of {expression(account, arrival.use)}", v, arrival)
    for v in account.backward:
        if v.op is not None and not v.is_bundle and v is not loss:
            yield Item(f"delta_{spoken(v.name)}", "delta", _received(account, v), v)
    for v in account.wanted:
        name = f"d{spoken(loss.name)}/d{spoken(v.name)}"
        yield Item(name, "gradient", _received(account, v), v)
    for v in account.wanted:
        name = spoken(v.name)
        gradient = f"d{spoken(loss.name)}/d{name}"
        yield Item(f"new {name}", "update", f"{name} - lr * {gradient}", v)


def _is_local(v: Variable, arrival: Arrival) -> bool:
    """Return whether a local derivative is a number for each element."""
    op = arrival.use.op
    once = sum(x is v for x in arrival.use.operands) == 1
    return (
        op is not None and once and op.kind in (Kind.ELEMENTWISE, Kind.LINEAR)
        and isinstance(op.forward, np.ufunc | type(_is_local)) and not arrival.use.is_bundle
        and np.shape(arrival.use.value) == np.shape(v.value)
        and (op.kind is Kind.ELEMENTWISE or op.name == "negative")
    )  # fmt: skip


def _received(account: Account, v: Variable) -> str:
    rules = [rule(account, a.use, a.position) for a in v.arrivals]
    return " + ".join(rules).replace("δ_", "delta_")


def answer(account: Account, item: Item, lr: float) -> Any:
    """Return the right answer of an item."""
    v = item.variable
    if item.kind == "value":
        return v.value
    if item.kind == "local":
        assert item.arrival is not None
        return local(item.arrival, v)
    if item.kind == "update":
        return v.value - lr * v.delta
    return v.delta


def local(arrival: Arrival, v: Variable) -> Any:
    """Return the derivative of each element of a use by that of its input."""
    use = arrival.use
    ones = np.ones_like(use.value)[()]
    return next(g for position, g in pulled(use.tensor, ones) if position == arrival.position)
