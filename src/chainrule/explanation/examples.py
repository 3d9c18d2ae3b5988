"""What each example of a batch contributed to a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.autodiff.reverse import pull_back
from chainrule.errors import ArgumentError
from chainrule.explanation.account import Account, Variable
from chainrule.explanation.numbers import number
from chainrule.graph import Array
from chainrule.graph.trace import ancestors
from chainrule.pages import Block, Code, Heading, Page, Paragraph, Shown, Table, Text

_SHOWN = 12
# What adds up or rescales the examples' losses without mixing anything else in.
_PASSES = frozenset(
    {"mean", "sum", "negative", "multiply", "divide", "add", "subtract", "positive"}
)


class Shares(Shown):
    """Gradients of the examples of a batch, and what belongs to none of them.

    Attributes
    ----------
    name : str
    each : array, shape (n, ...)
        The gradient that each example alone sends.
    rest : array
        What comes from no example, such as from a penalty on the weights.
    whole : array
        The gradient: the sum of everything.
    """

    def __init__(self, name: str, each: Array, whole: Array) -> None:
        self.name, self.each, self.whole = name, each, np.asarray(whole, np.float64)
        self.rest = self.whole - each.sum(axis=0)

    @property
    def norms(self) -> Array:
        """The size of each example's gradient."""
        flat = self.each.reshape(len(self.each), -1)
        return np.asarray(np.sqrt(np.sum(flat * flat, axis=1)))

    @property
    def shares(self) -> Array:
        """Each example's part of the gradient's length along its direction; with the rest's, 1."""
        flat, whole = self.each.reshape(len(self.each), -1), self.whole.ravel()
        size = float(whole @ whole)
        return np.asarray(flat @ whole / size if size else np.zeros(len(flat)))

    @property
    def cancelled(self) -> float:
        """The part of the examples' gradients that cancels: 0 if all point the same way."""
        total = float(self.norms.sum())
        together = float(np.sqrt(np.sum(self.each.sum(axis=0) ** 2)))
        return 1.0 - together / total if total else 0.0

    def facts(self) -> dict[str, Any]:
        """Return norms and shares as JSON-able values."""
        return {
            "variable": self.name,
            "examples": len(self.each),
            "norms": self.norms.tolist(),
            "shares": self.shares.tolist(),
            "cancelled": self.cancelled,
            "rest_norm": float(np.sqrt(np.sum(self.rest**2))),
        }

    def page(self) -> Page:
        """Return the largest contributions as a page."""
        title = f"Who moved {self.name}"
        order = np.argsort(-np.abs(self.shares), kind="stable")
        rows: list[list[Text]] = [
            [str(i), number(self.norms[i]), f"{100 * self.shares[i]:.1f} %"] for i in order[:_SHOWN]
        ]
        blocks: list[Block] = [
            Heading(title, 1),
            Paragraph([
                f"The gradient of {len(self.each)} examples by ", Code(self.name),
                f" is the sum of theirs. {100 * self.cancelled:.0f} % of their lengths cancels.",
            ]),
            Table(["example", "norm of its gradient", "share"], rows, frozenset({0, 1, 2})),
        ]  # fmt: skip
        left = len(self.each) - len(rows)
        if left > 0:
            share = 100 * float(self.shares[order[_SHOWN:]].sum())
            blocks.append(Paragraph(f"The other {left} examples together: {share:.1f} %."))
        scale = float(np.max(np.abs(self.whole), initial=0.0))
        if np.max(np.abs(self.rest), initial=0.0) > 1e-6 * scale:
            size = number(np.sqrt(np.sum(self.rest**2)))
            blocks.append(Paragraph(f"Not of any example: a gradient of norm {size}."))
        return Page(title, blocks)


def shares(account: Account, v: Variable) -> Shares:
    """Return what each example contributed to the gradient of a variable.

    Raises
    ------
    ArgumentError
        If the loss is no sum or mean over examples.
    """
    batches = _batches(account)
    if not batches:
        raise ArgumentError(
            "there are no examples to tell apart: the loss is no sum or mean over the rows of a "
            "batch"
        )
    n = max(len(b.value) for b in batches)
    each = np.stack([_alone(v, [b for b in batches if len(b.value) == n], i) for i in range(n)])
    return Shares(v.name, each, v.delta)


def _batches(account: Account) -> list[Variable]:
    """Return the variables with a row for each example that the loss adds up."""
    found: list[Variable] = []
    waiting = [account.loss]
    while waiting:
        v = waiting.pop()
        if np.ndim(v.value) and len(v.value) > 1:
            if not v.wanted and _of_examples(account, v):
                found.append(v)
        elif v.op is not None and v.op.name in _PASSES:
            waiting += [x for x in v.inputs if x.delta is not None]
    return list(dict.fromkeys(found))


def _of_examples(account: Account, v: Variable) -> bool:
    """Return whether what a variable was computed from includes something that is given."""
    leaves = [t for t in ancestors([v.tensor]) if t.op is None]
    return any(not account.of(t).wanted for t in leaves) or _has_arrays(v)


def _has_arrays(v: Variable) -> bool:
    stack, seen = [v], set()
    while stack:
        x = stack.pop()
        if x.serial in seen:
            continue
        seen.add(x.serial)
        if any(not isinstance(o, Variable) and np.ndim(o) for o in x.operands):
            return True
        stack += x.inputs
    return False


def _alone(v: Variable, batches: list[Variable], row: int) -> Array:
    """Return the gradient that one row of the batches sends."""
    starts = []
    for batch in batches:
        masked = np.zeros_like(batch.delta)
        masked[row] = batch.delta[row]
        starts.append((batch.tensor, masked))
    found = pull_back(starts, False, {v.serial})
    total = sum((np.asarray(g, np.float64) for t, g in found if t is v.tensor), np.float64(0.0))
    return np.broadcast_to(total, np.shape(v.value)).copy()
