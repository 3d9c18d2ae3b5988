"""`trace`: run a function once on tensors and keep what it did as a Graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph.aval import Aval
from chainrule.graph.ir import Constant, Graph, Input, Node, Value
from chainrule.graph.op import linear, op
from chainrule.graph.sample import Sample
from chainrule.graph.tensor import Tensor, leaf
from chainrule.graph.tree import Structure, flatten, paths, unflatten


@op(lambda x: x, kind=linear, register=False)
def alias(g: Any, y: Any, x: Any) -> Any:
    """Let an inner transform treat a Tensor of an outer one as its own variable."""
    return g


def argument_names(function: Callable[..., Any], n_args: int) -> list[str]:
    """Return the names of a function's positional parameters, for labels."""
    if function.__class__ is FunctionType and not hasattr(function, "__wrapped__"):
        code = function.__code__  # many times faster to read than a signature
        return _labels(list(code.co_varnames[: code.co_argcount]), n_args)
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind <= p.POSITIONAL_OR_KEYWORD]
    return _labels(names, n_args)


def _labels(names: list[str], n_args: int) -> list[str]:
    return (names + [f"arg{i}" for i in range(len(names), n_args)])[:n_args]


def trace(function: Callable[..., Any]) -> Callable[..., Graph]:
    """Return a function that runs `function` once on tensors and returns the Graph.

    Parameters
    ----------
    function : callable
        Takes trees of arrays, returns a tree of arrays; plain NumPy. Branches on values cannot be
        recorded and raise. Arrays that it does not take as arguments become constants, and so do
        the numbers that it reads from a shape: ``np.mean(x)`` serves every batch size,
        ``np.sum(x) / len(x)`` that of the example only.

    Returns
    -------
    callable
        Takes example arguments, returns a `Graph`.

    Raises
    ------
    UnsupportedError
        If a Tensor of another transform, or of the user, would become a constant and so lose its
        derivative.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import trace
    >>> graph = trace(lambda w, x: np.tanh(x @ w))(np.ones(3), np.ones((2, 3)))
    >>> [node.op.name for node in graph.nodes]
    ['matmul', 'tanh']
    """

    def traced(*args: Any) -> Graph:
        leaves, takes = flatten(args)
        names = _leaf_names(function, args)
        variables = [
            leaf(x._value if isinstance(x, Tensor) else x, name, traced=True)
            for x, name in zip(leaves, names, strict=True)
        ]
        outputs, gives = flatten(function(*unflatten(takes, variables)))
        return build(variables, names, outputs, takes, gives)

    return traced


def _leaf_names(function: Callable[..., Any], args: Sequence[Any]) -> list[str]:
    names = argument_names(function, len(args))
    return [p for n, a in zip(names, args, strict=True) for p in paths(flatten(a)[1], n)]


def build(
    variables: Sequence[Tensor],
    names: Sequence[str],
    outputs: Sequence[Any],
    takes: Structure,
    gives: Structure,
) -> Graph:
    """Return the Graph that leads from variables to outputs."""
    inputs = tuple(Input(name, Aval.of(v._value)) for v, name in zip(variables, names, strict=True))
    made: dict[int, Value] = {v.serial: x for v, x in zip(variables, inputs, strict=True)}

    def value_of(x: Any) -> Value:
        if not isinstance(x, Tensor):
            return Constant(x)
        if x.serial not in made:
            made[x.serial] = Constant(_captured(x))
        return made[x.serial]

    for t in ancestors([x for x in outputs if isinstance(x, Tensor)], everything=True):
        if t.serial in made or not t.traced:
            continue
        if t.op is alias:
            made[t.serial] = value_of(t.inputs[0])
        elif t.op is not None:
            value = t._value
            aval = tuple(map(Aval.of, value)) if isinstance(value, tuple) else Aval.of(value)
            inner = tuple(value_of(x) for x in t.inputs)
            made[t.serial] = Node(t.op, inner, t.params, aval, t.site, t.name)
    return Graph(inputs, tuple(map(value_of, outputs)), takes, gives)


def _captured(t: Tensor) -> Any:
    """Return the value of a Tensor that a trace has found outside its own variables."""
    if t.traced or (t.dtype.kind in "fc" and (t.op is None or carriers(t))):
        raise UnsupportedError(
            f"the traced function uses the Tensor {t.label()}, which would become a constant and "
            "lose its derivative: make it an argument of the function, or detach it with .value"
        )
    return t._value


def carriers(t: Tensor) -> Sequence[Any]:
    """Return the inputs of a Tensor along which a derivative flows."""
    if t.op is None or not t.op.inactive:
        return t.inputs
    return [t.inputs[i] for i in t.op.active(len(t.inputs))]


def ancestors(
    roots: Sequence[Tensor], everything: bool = False, until: Sequence[Tensor] = ()
) -> list[Tensor]:
    """Return the tensors that the roots were computed from, roots included, oldest first.

    Only derivatives' paths are followed, unless `everything` is asked for. Those of `until` are
    included, and nothing beyond them.
    """
    seen = {t.serial: t for t in until}
    stack = [t for t in roots if t.serial not in seen]
    seen |= {t.serial: t for t in stack}
    while stack:
        t = stack.pop()
        op = t.op
        for x in t.inputs if everything or op is None or not op.inactive else carriers(t):
            if isinstance(x, Tensor) and x.serial not in seen:
                seen[x.serial] = x
                stack.append(x)
    return [seen[serial] for serial in sorted(seen)]


@op(lambda x: x, kind=linear, inactive=("x",), samples=[Sample((3,), smooth=False)])
def stop_gradient(g: Any, y: Any, x: Any) -> Any:
    """Pass a value on and let no gradient through; the result counts as a constant.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.grad(lambda x: x * cr.stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    return np.zeros_like(x)
