"""`Rewrite`: named rules that replace a pattern of ops by another with the same value.

A rule is two plain NumPy functions of the same arguments. The first is traced to be the pattern;
the second is traced on what the pattern matched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.graph.aval import Aval
from chainrule.graph.ir import Constant, Graph, Input, Node, Value, exact
from chainrule.graph.trace import trace


class Axis(int):
    """A param of a pattern that matches whatever stands there."""


ANY_AXIS = Axis(-1)


@dataclass(frozen=True, eq=False)
class Rewrite:
    """One rule.

    Parameters
    ----------
    name : str
        What the log and the derivation call it.
    group : str
        ``"simplify"``, ``"stabilise"`` or ``"fuse"``.
    before, after : callable
        Two functions of the same positional arguments. `after` is also given, as keyword
        arguments, the params that `before` took as ``ANY_AXIS``.
    example : tuple of int
        Shape of the arrays that the pattern is traced on.
    free : tuple of str
        Further params that may be anything; `after` is given those of the last op.
    """

    name: str
    group: str
    before: Callable[..., Any]
    after: Callable[..., Any]
    example: tuple[int, ...] = (2, 2)
    free: tuple[str, ...] = ()

    @cached_property
    def pattern(self) -> Graph:
        """The graph that `before` records."""
        n_args = self.before.__code__.co_argcount
        return trace(self.before)(*[np.ones(self.example)] * n_args)

    def match(self, value: Value) -> tuple[list[Value], dict[str, Any]] | None:
        """Return what the pattern's inputs and free params stand for at a value, or None."""
        bound: dict[int, Value] = {}
        params: dict[str, Any] = {}
        if not _matches(self.pattern.outputs[0], value, bound, params, self.free):
            return None
        if isinstance(value, Node):
            params |= {name: value.params[name] for name in self.free if name in value.params}
        return [bound[id(x)] for x in self.pattern.inputs], params

    def replacement(
        self, found: Sequence[Value], params: dict[str, Any], old: Node
    ) -> Value | None:
        """Return the new value, or None if its shape or dtype would differ."""
        examples = [_example(value) for value in found]
        graph = trace(lambda *args: self.after(*args, **params))(*examples)
        (output,) = graph.outputs
        if output.aval != old.aval:
            return None
        new = _copy(output, dict(zip(map(id, graph.inputs), found, strict=True)), old)
        if old.name and isinstance(new, Node) and all(new is not value for value in found):
            return replace(new, name=old.name)
        return new


def _example(value: Value) -> Any:
    if isinstance(value, Constant):
        return value.value
    assert isinstance(value.aval, Aval)
    return value.aval.example()


def _matches(
    pattern: Value,
    value: Value,
    bound: dict[int, Value],
    params: dict[str, Any],
    free: Sequence[str],
) -> bool:
    if isinstance(pattern, Input):
        known = bound.setdefault(id(pattern), value)
        return known is value
    if isinstance(pattern, Constant):
        return (
            isinstance(value, Constant)
            and np.ndim(value.value) == 0
            and bool(value.value == pattern.value)
        )
    if not isinstance(value, Node) or value.op is not pattern.op:
        return False
    if len(value.inputs) != len(pattern.inputs):
        return False
    for name in (set(pattern.params) | set(value.params)).difference(free):
        wanted = pattern.params.get(name, pattern.op.defaults.get(name))
        actual = value.params.get(name, value.op.defaults.get(name))
        if isinstance(wanted, Axis):
            if params.setdefault(name, actual) != actual:
                return False
        elif wanted != actual:
            return False
    pairs = zip(pattern.inputs, value.inputs, strict=True)
    return all(_matches(p, v, bound, params, free) for p, v in pairs)


def _copy(value: Value, known: dict[int, Value], old: Node) -> Value:
    if id(value) in known or not isinstance(value, Node):
        return known.get(id(value), value)
    inputs = tuple(_copy(x, known, old) for x in value.inputs)
    known[id(value)] = replace(value, inputs=inputs, site=old.site, name=None)
    return known[id(value)]


def rewrite(graph: Graph, rules: Iterable[Rewrite], log: list[str] | None = None) -> Graph:
    """Return the graph with the rules applied until none matches.

    Parameters
    ----------
    graph : Graph
    rules : iterable of Rewrite
        Tried in order at each node, inputs first.
    log : list of str, optional
        Receives a line for each replacement.

    Returns
    -------
    Graph
        Computes the same to rounding. Equal nodes are shared.
    """
    by_op: dict[Any, list[Rewrite]] = {}
    for rule in rules:
        output = rule.pattern.outputs[0]
        assert isinstance(output, Node)
        by_op.setdefault(output.op, []).append(rule)
    known: dict[int, Value] = {}
    shared: dict[Any, Node] = {}
    done: set[int] = set()
    for node in graph.nodes:
        inputs = tuple(known.get(id(x), x) for x in node.inputs)
        value: Value = node if inputs == node.inputs else replace(node, inputs=inputs)
        value = _settled(value, by_op, log)
        known[id(node)] = _share(value, shared, done)
    outputs = tuple(known.get(id(x), x) for x in graph.outputs)
    return Graph(graph.inputs, outputs, graph.takes, graph.gives)


def _settled(value: Value, by_op: dict[Any, list[Rewrite]], log: list[str] | None) -> Value:
    changed = True
    while changed and isinstance(value, Node):
        changed = False
        for rule in by_op.get(value.op, ()):
            found = rule.match(value)
            new = rule.replacement(*found, value) if found else None
            if new is not None:
                if log is not None:
                    log.append(f"{rule.group}: {rule.name}")
                value, changed = new, True
                break
    return value


def _share(value: Value, shared: dict[Any, Node], done: set[int]) -> Value:
    """Return the node that computes the same already, if there is one."""
    if not isinstance(value, Node) or id(value) in done:
        return value
    inputs = tuple(_share(x, shared, done) for x in value.inputs)
    if any(new is not old for new, old in zip(inputs, value.inputs, strict=True)):
        value = replace(value, inputs=inputs)
    keys = tuple(
        exact(x.value) if isinstance(x, Constant) and np.ndim(x.value) == 0 else id(x)
        for x in inputs
    )
    value = shared.setdefault(node_key(value, keys), value)
    done.add(id(value))
    return value


def node_key(node: Node, inputs: tuple[Any, ...]) -> Any:
    """Return what tells a node from others, from what tells its inputs from others."""
    params = tuple((name, exact(param)) for name, param in sorted(node.params.items()))
    return node.op, inputs, params
