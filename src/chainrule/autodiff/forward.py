"""Forward mode: tangents carried along the recorded graph, from the variables to the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from chainrule.autodiff.arguments import (
    Recording,
    check_sequences,
    detach,
    needed,
    owned,
    record,
    zeros,
)
from chainrule.autodiff.reverse import fitted, parts, pull_back
from chainrule.errors import ShapeError
from chainrule.graph import Kind, Op, Tensor
from chainrule.graph.tensor import leaf, pick, plain
from chainrule.graph.trace import ancestors
from chainrule.graph.tree import flatten, unflatten
from chainrule.ops.broadcast import cast, spread


def push_forward(
    order: Sequence[Tensor],
    tangents: dict[int, Any],
    results: Sequence[Tensor],
    recording: bool,
) -> list[Any]:
    """Carry tangents from variables to results.

    Parameters
    ----------
    order : sequence of Tensor
        The tensors on the way, oldest first.
    tangents : dict
        Tangents of the variables, by serial; consumed: one is dropped after its last use.
    results : sequence of Tensor
        The tensors whose tangents are wanted.
    recording : bool
        Whether the rules run on tensors.

    Returns
    -------
    list
        The tangent of each result; zeros where none arrives.
    """
    last_use: dict[int, Tensor | None] = {
        x.serial: t for t in order for x in t.inputs if isinstance(x, Tensor)
    }
    last_use |= dict.fromkeys((t.serial for t in results), None)
    for t in order:
        if t.serial in tangents or t.op is None:
            continue
        tangent = _tangent(t, t.op, tangents, recording)
        if tangent is not None:
            tangents[t.serial] = tangent
        for x in t.inputs:
            if isinstance(x, Tensor) and last_use[x.serial] is t:
                tangents.pop(x.serial, None)
    return [tangents[t.serial] if t.serial in tangents else zeros(t) for t in results]


def _tangent(t: Tensor, op: Op, tangents: dict[int, Any], recording: bool) -> Any:
    """Return the tangent of one node, or ``None`` if it does not move."""
    given = [tangents.get(x.serial) if isinstance(x, Tensor) else None for x in t.inputs]
    if op is pick:
        return None if given[0] is None else given[0][t.params["index"]]
    for i in set(range(len(given))) - set(op.active(len(given))):
        given[i] = None
    if all(tangent is None for tangent in given):
        return None
    y: Any = t._value
    inputs: Sequence[Any] = plain(t.inputs)
    if recording:
        y, inputs = (t if op.outputs == 1 else parts(t)), t.inputs
    tangent = op_jvp(op, given, y, inputs, t.params)
    if isinstance(tangent, tuple):
        return tuple(map(_like_result, tangent, y))
    return _like_result(tangent, y)


def _like_result(tangent: Any, y: Any) -> Any:
    if np.shape(tangent) != np.shape(y):
        tangent = spread(tangent, y)
    return cast(tangent, y) if np.result_type(tangent) != np.result_type(y) else tangent


def op_jvp(
    op: Op, tangents: Sequence[Any], y: Any, inputs: Sequence[Any], params: dict[str, Any]
) -> Any:
    """Return the tangent of an op's result, by its kind.

    An elementwise op's is its backward rule with the tangent put in; a linear op's is the op
    itself; a multilinear op's is the sum over its inputs of itself; any other's is the transpose
    of its backward rule.
    """
    if op.jvp_rule is not None:
        return op.jvp_rule(tangents, y, *inputs, **params)
    moved = [i for i, tangent in enumerate(tangents) if tangent is not None]
    if op.kind is Kind.ELEMENTWISE:
        terms = [_elementwise_part(op, i, tangents[i], y, inputs, params) for i in moved]
    elif op.kind is Kind.LINEAR:
        active = set(op.active(len(inputs)))
        filled = [
            np.zeros_like(x) if i in active and tangents[i] is None else
            (tangents[i] if i in active else x)
            for i, x in enumerate(inputs)
        ]  # fmt: skip
        return op(*filled, **params)
    elif op.kind is Kind.MULTILINEAR:
        terms = [op(*inputs[:i], tangents[i], *inputs[i + 1 :], **params) for i in moved]
    else:
        return _transposed_rule(op, moved, tangents, y, inputs, params)
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _elementwise_part(
    op: Op, position: int, tangent: Any, y: Any, inputs: Sequence[Any], params: dict[str, Any]
) -> Any:
    found = op.vjp(tangent, y, *inputs, **params)
    if isinstance(found, (tuple, list)):
        found = found[list(op.active(len(inputs))).index(position)]
    return found() if isinstance(found, FunctionType) else found


def _transposed_rule(
    op: Op,
    moved: Sequence[int],
    tangents: Sequence[Any],
    y: Any,
    inputs: Sequence[Any],
    params: dict[str, Any],
) -> Any:
    """Return J t as the gradient of <J' u, t> with respect to u, where J' u is the rule."""
    several = op.outputs > 1
    probes = [_probe(part) for part in (y if several else (y,))]
    found = op.vjp(tuple(probes) if several else probes[0], y, *inputs, **params)
    if not isinstance(found, (tuple, list)):
        found = (found,)
    active = list(op.active(len(inputs)))
    pairs = []
    for i in moved:
        gx = found[active.index(i)]
        gx = gx() if isinstance(gx, FunctionType) else gx
        if isinstance(gx, Tensor):
            pairs.append((fitted(gx, inputs[i], op), tangents[i]))
    recording = any(isinstance(v, Tensor) for v in (*inputs, *(t for _, t in pairs)))
    way = needed(ancestors([gx for gx, _ in pairs]), probes)
    wanted = {p.serial for p in probes}
    pulled = pull_back(pairs, recording, wanted, {t.serial for t in way})
    by_serial = {t.serial: g for t, g in pulled}
    results = tuple(by_serial[p.serial] if p.serial in by_serial else zeros(p) for p in probes)
    return results if several else results[0]


def _probe(y: Any) -> Tensor:
    """Return a variable of the shape of `y`; within a trace one that follows that shape."""
    probe = np.zeros_like(y)
    return probe if isinstance(probe, Tensor) else leaf(probe)


class Pushforward:
    """The linear part of a recorded run: tangents of the variables -> tangents of the results."""

    def __init__(self, run: Recording, outputs: Sequence[Tensor]) -> None:
        self.run, self.outputs = run, outputs
        self.order, _, self.nested = run.way(outputs)

    def __call__(self, tangents: Sequence[Any]) -> list[Any]:
        """Return the tangent of each output for one tangent a variable."""
        recording = self.nested or any(isinstance(t, Tensor) for t in tangents)
        by_serial = {
            v.serial: tangent for v, tangent in zip(self.run.variables, tangents, strict=True)
        }
        return push_forward(self.order, by_serial, self.outputs, recording)


def jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Run a function and return its result with the result's directional derivative.

    Parameters
    ----------
    function : callable
        Takes trees of arrays, returns a tree of arrays.
    primals : sequence
        All its arguments.
    tangents : sequence
        The direction: trees like `primals`.

    Returns
    -------
    result, tangent : trees of arrays

    Examples
    --------
    >>> import numpy as np
    >>> jvp(lambda x, y: x * np.sin(y), (2.0, 0.0), (0.0, 1.0))
    (np.float64(0.0), np.float64(2.0))
    """
    check_sequences(primals=primals, tangents=tangents)
    run = record(function, primals, {}, tuple(range(len(primals))))
    directions, structure = flatten(tuple(tangents))
    if structure != run.structure:
        raise ShapeError(f"the tangents have structure {structure}, the primals {run.structure}")
    for v, d in zip(run.variables, directions, strict=True):
        if np.shape(d) != v.shape:
            raise ShapeError(f"the tangent of {v.name} has shape {np.shape(d)}, not {v.shape}")
    directions = [
        d if isinstance(d, Tensor) else np.asarray(d, v.dtype)
        for v, d in zip(run.variables, directions, strict=True)
    ]
    results, gives = flatten(run.result)
    tensors = [t for t in results if isinstance(t, Tensor)]
    pushforward = Pushforward(run, tensors)
    moved = iter(pushforward(directions))
    tangent = [next(moved) if isinstance(t, Tensor) else np.zeros_like(t) for t in results]
    if not pushforward.nested:
        tangent = owned(tangent, directions)
    return (run.result if pushforward.nested else detach(run.result)), unflatten(gives, tangent)
