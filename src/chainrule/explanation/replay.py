"""The same computation at other values of its leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.explanation.account import Account, Variable
from chainrule.graph import Tensor
from chainrule.graph.tensor import leaf, pick

_MOVE = 0.15  # of the size of a number


def replayed(account: Account, values: Mapping[str, Any]) -> Account:
    """Return the account of the same ops for other leaves; names stay.

    Parameters
    ----------
    account : Account
    values : mapping of str to array
        New values by name of a leaf; the others stay as they are.
    """
    made: dict[int, Any] = {}
    wanted: list[Tensor] = []
    for v in account.variables:
        if v.op is None:
            made[v.serial] = leaf(values.get(v.name, v.value), v.tensor.name)
            if v.wanted:
                wanted.append(made[v.serial])
            continue
        operands = [made[x.serial] if isinstance(x, Variable) else x for x in v.operands]
        params = v.tensor.params
        made[v.serial] = operands[0][params["index"]] if v.op is pick else v.op(*operands, **params)
        if isinstance(made[v.serial], Tensor):
            made[v.serial].code, made[v.serial].instruction = v.tensor.code, v.tensor.instruction
    found = Account(made[account.loss.serial], wanted)
    found.constants = account.constants
    by_serial = {t.serial: serial for serial, t in made.items() if isinstance(t, Tensor)}
    old = {v.serial: v for v in account.variables}
    for v in found.variables:
        if v.serial in by_serial:
            v.name, v.named = old[by_serial[v.serial]].name, old[by_serial[v.serial]].named
    return found


def moved(account: Account, rng: np.random.Generator) -> dict[str, Any]:
    """Return values of all leaves near the old, so that what could be computed still can be."""
    found = {}
    for v in account.variables:
        if v.op is None and v.tensor.dtype.kind == "f":
            old = np.asarray(v.value, np.float64)
            found[v.name] = (old * (1 + _MOVE * rng.uniform(-1, 1, old.shape)))[()]
    return found
