"""Layers, found in the graph itself: a product with a weight, a bias, an activation.

So a network written in plain NumPy has layers as one made of modules has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.explanation.account import Account, Variable
from chainrule.graph import Array, Kind

_VIEWS = frozenset({"transpose", "swapaxes", "expand_dims", "reshape"})


@dataclass(eq=False, repr=False)
class Layer:
    """An affine map with what follows it.

    Attributes
    ----------
    number : int
        From 1, in the order of computation.
    weight : Variable
        The leaf; used by several layers, it is shared.
    bias : Variable or None
    x : Variable or None
        What the weight is multiplied with; None if that is a constant.
    product, z : Variable
        The product, and the sum with the bias; the same if there is no bias.
    a : Variable
        The result of the activation; `z` if there is none.
    activation : str
        Name of the activation's op, such as ``"relu"``; empty if there is none or if it is
        several ops, which `a` is the last of.
    weight_first : bool
        Whether it computes W x, with columns for examples, and not x W.
    transposed : bool
        Whether the leaf is transposed before the product.
    """

    number: int
    weight: Variable
    bias: Variable | None
    x: Variable | None
    product: Variable
    z: Variable
    a: Variable
    activation: str
    weight_first: bool
    transposed: bool

    @property
    def units(self) -> Array:
        """The weights, a row for each unit."""
        weight = np.asarray(self.weight.value)
        if weight.ndim == 1:
            return weight[None]
        return weight if self.weight_first != self.transposed else weight.T

    @property
    def ending(self) -> str:
        """What comes after the sum, in a word."""
        return self.activation or ("activation" if self.a is not self.z else "linear")


def layers(account: Account) -> list[Layer]:
    """Return the layers of a network, in the order of computation."""
    found: list[Layer] = []
    for v in account.variables:
        layer = _affine(account, v, len(found) + 1)
        if layer is not None:
            found.append(layer)
    return found


def _affine(account: Account, v: Variable, number: int) -> Layer | None:
    if v.op is None or v.op.forward not in (np.matmul, np.dot) or len(v.operands) != 2:
        return None
    roots = [_root(x) if isinstance(x, Variable) else None for x in v.operands]
    weights = [
        i for i, root in enumerate(roots)
        if root is not None and root.wanted and np.ndim(root.value) in (1, 2)
    ]  # fmt: skip
    if not weights:
        return None
    side = max(weights, key=lambda i: np.ndim(roots[i].value))  # type: ignore[union-attr]
    weight, other = roots[side], v.operands[1 - side]
    assert weight is not None
    z, bias = _with_bias(account, v)
    a, activation = _activated(account, z)
    return Layer(
        number, weight, bias, other if isinstance(other, Variable) else None, v, z, a,
        activation, side == 0, v.operands[side] is not weight,
    )  # fmt: skip


def _root(v: Variable) -> Variable:
    """Return the leaf that a variable is a view of, or the variable."""
    while v.op is not None and v.op.name in _VIEWS and isinstance(v.operands[0], Variable):
        v = v.operands[0]
    return v


def _with_bias(account: Account, product: Variable) -> tuple[Variable, Variable | None]:
    uses = account.uses[product.serial]
    if len(uses) == 1 and uses[0].op is not None and uses[0].op.forward is np.add:
        total = uses[0]
        others = [x for x in total.inputs if x is not product]
        if len(others) == 1 and (root := _root(others[0])).wanted:
            return total, root
    return product, None


def _activated(account: Account, z: Variable) -> tuple[Variable, str]:
    """Return the end of the elementwise ops of this one variable that follow it."""
    uses = account.uses[z.serial]
    if len(uses) != 1:
        return z, ""
    only = uses[0]
    if (only.op is not None and only.op.name in ("softmax", "tanh")) or _own_activation(only):
        assert only.op is not None
        return only, only.op.name
    last = only
    while _unary(last) and not last.named and len(account.uses[last.serial]) == 1:
        last = account.uses[last.serial][0]
    return (last, "") if _unary(last) and last.named else (z, "")


def _own_activation(v: Variable) -> bool:
    return v.op is not None and v.op.__module__ == "chainrule.ops.activations"


def _unary(v: Variable) -> bool:
    if v.op is None or len(v.inputs) != 1:
        return False
    return v.op.kind is Kind.ELEMENTWISE or isinstance(v.op.forward, np.ufunc)
