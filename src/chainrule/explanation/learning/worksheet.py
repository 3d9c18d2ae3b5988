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
from chainrule.explanation.learning.formulas import spelt
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
    name : str
        How later formulas speak of the answer; empty if they cannot.
    """

    id: str
    kind: str
    question: str
    variable: Variable
    arrival: Arrival | None = None
    name: str = ""


def spoken(name: str) -> str:
    """Return the name by which formulas speak of a variable.

    Examples
    --------
    >>> spoken("model.0.weight"), spoken("lambda")
    ('model_0_weight', 'lambda_')
    """
    word = re.sub(r"\W+", "_", spelt(name)) or "_"
    return f"{word}_" if keyword.iskeyword(word) or word[0].isdigit() else word


def spoken_names(account: Account) -> dict[str, str]:
    """Return by name of a variable the one that formulas use; it and its delta's are unique."""
    found: dict[str, str] = {}
    taken = {"lr"}
    for v in account.variables:
        word = spoken(v.name)
        while not taken.isdisjoint((word, f"delta_{word}")):
            word += "_"
        taken |= {word, f"delta_{word}"}
        found[v.name] = word
    return found


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
    words : dict of str to str
        How formulas speak of each variable, by its name.
    """

    def __init__(self, account: Account, seed: int, lr: float, share: float = 1.0) -> None:
        rng = np.random.default_rng(seed)
        self.account, self.lr = account, lr
        self.words = spoken_names(account)
        everything = list(_items(account, self.words))
        count = max(1, min(len(everything), round(share * len(everything))))
        blank = set(rng.permutation(len(everything))[:count].tolist())
        self.items = [item for i, item in enumerate(everything) if i in blank]
        self.given = [item for i, item in enumerate(everything) if i not in blank]
        self.answers = {item.id: answer(self.account, item, lr) for item in everything}

    def known(self, account: Account | None = None) -> dict[str, Any]:
        """Return what there are names for: values, and deltas that are asked for."""
        account = account or self.account
        found: dict[str, Any] = {"lr": self.lr}
        for v in account.variables:
            if v.is_bundle:
                continue
            word = self.words[v.name]
            found[word] = v.value
            if v.delta is not None and (v.wanted or v.op is not None):
                found[f"delta_{word}"] = v.delta
        return found

    def elsewhere(self, seed: int) -> Account:
        """Return the account of the same computation at other values of its leaves."""
        return replayed(self.account, moved(self.account, np.random.default_rng(seed)))


def _items(account: Account, words: dict[str, str]) -> Iterator[Item]:
    loss = account.loss
    for v in account.variables:
        if v.op is not None and not v.is_bundle:
            where, word = place(v), words[v.name]
            shown = f"{expression(account, v)}{f'   [{where}]' if where else ''}"
            yield Item(word, "value", shown, v, name=word)
    for v in account.backward:
        for arrival in v.arrivals:
            same = arrival.use is loss and v.wanted  # then it is the gradient
            if _is_local(v, arrival) and not same:
                id = f"d{words[arrival.use.name]}/d{words[v.name]}"
                yield Item(id, "local", f"of {expression(account, arrival.use)}", v, arrival)
    for v in account.backward:
        if v.op is not None and not v.is_bundle and v is not loss:
            name = f"delta_{words[v.name]}"
            yield Item(name, "delta", _received(account, v), v, name=name)
    for v in account.wanted:
        word = words[v.name]
        id = f"d{words[loss.name]}/d{word}"
        yield Item(id, "gradient", _received(account, v), v, name=f"delta_{word}")
    for v in account.wanted:
        word = words[v.name]
        yield Item(f"new {word}", "update", f"{word} - lr * delta_{word}", v)


def _is_local(v: Variable, arrival: Arrival) -> bool:
    """Return whether a local derivative is a number for each element."""
    use = arrival.use
    assert use.op is not None
    return (
        (use.op.kind is Kind.ELEMENTWISE or use.op.name == "negative")
        and sum(x is v for x in use.operands) == 1
        and np.shape(use.value) == np.shape(v.value)
    )


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
