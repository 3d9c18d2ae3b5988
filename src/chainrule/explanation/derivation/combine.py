"""A delta through the output's activation, with the delta of the loss put in.

``p * (d - sum(d * p))`` with ``d = -y / p`` is ``p - y``: what the softmax divides by, the
logarithm's derivative brings. The short form is not assumed: it is tried, and kept if it equals
the long one at random values of everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.explanation.derivation.equations import DELTA, Equation, System
from chainrule.explanation.derivation.normal import N, mapped, needed
from chainrule.graph import Constant, Graph, Input, trace
from chainrule.graph.ir import Value

_TRIALS, _SAME = 3, 1e-9
_REASONS = {
    "softmax": "softmax with cross-entropy: what the one divides by, the other multiplies with",
    "sigmoid": "sigmoid with cross-entropy: σ′ = σ(1 − σ) cancels the denominators",
}


def put_in(graph: Graph, key: str, inner: Graph) -> Graph:
    """Return a graph with another in the place of a symbol."""
    given = {x.name: x for x in graph.inputs if x.name != key}
    given |= {x.name: x for x in inner.inputs if x.name not in given}
    output = _renamed(inner, given)

    def value_of(x: Value) -> Value:
        return output if isinstance(x, Input) and x.name == key else x

    found = mapped(graph, lambda node: _with_inputs(node, value_of))
    return needed(Graph(tuple(given.values()), tuple(map(value_of, found.outputs))))


def _with_inputs(node: Any, value_of: Any) -> Any:
    return replace(node, inputs=tuple(map(value_of, node.inputs)))


def _renamed(graph: Graph, given: dict[str, Input]) -> Value:
    """Return the output of a graph over other inputs of the same names."""
    own = mapped(
        graph,
        lambda node: _with_inputs(node, lambda x: given[x.name] if isinstance(x, Input) else x),
    )
    output = own.outputs[0]
    return given[output.name] if isinstance(output, Input) else output


def combined(system: System) -> Iterator[tuple[Equation, Equation]]:
    """Yield pairs of a delta's equation and the same with the next delta put in and simplified."""
    by_key = {e.key: e for e in system.backward}
    for equation in system.backward:
        for use in equation.terms:
            name = use.op.name if use.op is not None else ""
            outer = by_key.get(DELTA + use.name)
            if name not in _REASONS or outer is None or len(equation.terms) > 1:
                continue
            if any(x.name.startswith(DELTA) for x in outer.graph.inputs):
                continue
            long = put_in(equation.graph, outer.key, outer.graph)
            short = _short_form(long, use.name, name, system)
            if short is not None:
                yield (
                    equation,
                    Equation(
                        equation.key, equation.variable, short, [_REASONS[name]], equation.terms
                    ),
                )


def _short_form(graph: Graph, output: str, activation: str, system: System) -> Graph | None:
    """Return (p - y), or (p - y) / N, if it equals a graph, for one of its symbols y."""
    p = np.asarray(system.values[output], np.float64)
    candidates = [
        x for x in graph.inputs
        if x.name not in (output, N) and np.shape(system.values[x.name]) == p.shape
    ]  # fmt: skip
    for y in candidates:
        for scaled in (False, True):
            if scaled and not system.n:
                continue
            short = _difference(output, y.name, p, scaled, system)
            if all(
                _equal(graph, short, output, y.name, activation, system, seed)
                for seed in range(_TRIALS)
            ):
                return short
    return None


def _difference(output: str, target: str, p: Any, scaled: bool, system: System) -> Graph:
    n = np.float64(system.n)
    graph = trace(lambda p, y, n: (1.0 / n) * (p - y) if scaled else p - y)(p, p, n)
    names = (output, target, N)
    inputs = [Input(name, x.aval) for x, name in zip(graph.inputs, names, strict=True)]
    made: dict[int, Value] = {id(x): own for x, own in zip(graph.inputs, inputs, strict=True)}
    if not system.counted:
        made[id(graph.inputs[-1])] = Constant(n)
    found = mapped(graph, lambda node: _with_inputs(node, lambda x: made.get(id(x), x)))
    return needed(Graph(tuple(inputs), found.outputs))


def _equal(
    long: Graph, short: Graph, output: str, target: str, activation: str, system: System, seed: int
) -> bool:
    rng = np.random.default_rng(seed)
    values = {k: np.asarray(v, np.float64) for k, v in system.values.items()}
    like = values[output]
    if activation == "softmax" and like.ndim:
        values[output] = rng.dirichlet(np.ones(like.shape[-1]), like.shape[:-1])
        values[target] = rng.dirichlet(np.ones(like.shape[-1]), like.shape[:-1])
    else:
        values[output], values[target] = rng.uniform(0.1, 0.9, (2, *like.shape))
    a, b = (g.evaluate([values[x.name] for x in g.inputs])[0] for g in (long, short))
    return bool(np.allclose(a, b, rtol=_SAME, atol=_SAME))
