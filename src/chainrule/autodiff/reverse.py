"""Reverse mode: one walk over the recorded graph, from the results to the variables."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from heapq import heappop, heappush
from types import FunctionType
from typing import Any

import numpy as np

from chainrule.autodiff.arguments import (
    Recording,
    Which,
    by_position,
    detach,
    named_after,
    owned,
    record,
    scalar,
    zeros,
)
from chainrule.autodiff.rows import RowGradient, is_lookup, looked_up, none_of
from chainrule.errors import DtypeError, NotDifferentiableError, ShapeError
from chainrule.graph import Op, Tensor
from chainrule.graph.tensor import apply, install_backward, pick, plain
from chainrule.graph.trace import ancestors, carriers
from chainrule.graph.tree import flatten, unflatten
from chainrule.ops.broadcast import cast, spread, sum_to

float64 = np.float64


def pull_back(
    outputs: Iterable[tuple[Tensor, Any]],
    recording: bool,
    wanted: Container[int] = (),
    reached: Container[int] | None = None,
    tables: Container[int] = (),
) -> list[tuple[Tensor, Any]]:
    """Carry gradients from results to leaves, the youngest Tensor first.

    A Tensor is visited when all that was computed from it has been, for it is older than they are.

    Parameters
    ----------
    outputs : iterable of (Tensor, gradient)
        Where to start.
    recording : bool
        Whether the rules run on tensors, so that the gradients are themselves recorded.
    wanted : container of int
        Serials of results whose gradients are wanted too.
    reached : container of int, optional
        Serials to which the walk is confined.
    tables : container of int
        Serials of variables whose gradient may be a `RowGradient`.

    Returns
    -------
    list of (Tensor, gradient)
        The leaves, and the wanted ones, that were visited.
    """
    incoming, waiting = _starts(outputs, reached)
    queue = sorted(-serial for serial in waiting)
    found = []
    result = -queue[0] if queue else 0  # serial of the last result visited
    while queue:
        serial = -heappop(queue)
        t, g = waiting.pop(serial), incoming.pop(serial)
        op = t.op
        if op is None or serial in wanted:
            found.append((t, g))
            if op is None:
                if serial > result:
                    raise _stale(t)
                continue
        result = serial
        inputs = t.inputs
        if op.is_simple and len(inputs) == 2 and not recording and not t.params:
            a, b = inputs  # as in apply_rule, for the most frequent nodes
            u = a._value if isinstance(a, Tensor) else a
            v = b._value if isinstance(b, Tensor) else b
            gradients = op.vjp(g, t._value, u, v)
        else:
            inputs, gradients = apply_rule(op, t, g, recording, tables)
        if len(gradients) != len(inputs):
            raise _wrong_number(op, len(gradients), len(inputs))
        for x, gx in zip(inputs, gradients):  # noqa: B905  (the lengths were compared)
            if x.__class__ is not Tensor and not isinstance(x, Tensor):
                continue
            serial = x.serial
            if reached is not None and serial not in reached:
                continue
            value = x._value
            if gx.__class__ is not float64 or value.__class__ is not float64:
                if x.op is None and value.dtype.kind not in "fc":
                    continue  # integers have no gradient
                gx = fitted(gx, x if recording else value, op)
            if serial not in incoming:
                incoming[serial], waiting[serial] = gx, x
                heappush(queue, -serial)
            elif gx.__class__ is RowGradient:
                incoming[serial] = gx.added_to(incoming[serial])
            else:
                incoming[serial] = incoming[serial] + gx
    return found


def _wrong_number(op: Op, found: int, wanted: int) -> NotDifferentiableError:
    return NotDifferentiableError(
        f"the rule of {op.name} gave {found} gradients for {wanted} inputs"
    )


def _stale(t: Tensor) -> NotDifferentiableError:
    return NotDifferentiableError(
        f"{t.label()} was given a new value after the result was computed from its old one: "
        "compute the result anew, then call backward"
    )


def _starts(
    outputs: Iterable[tuple[Tensor, Any]], reached: Container[int] | None
) -> tuple[dict[int, Any], dict[int, Tensor]]:
    """Return the gradients and the tensors to start from, by serial."""
    incoming: dict[int, Any] = {}
    waiting: dict[int, Tensor] = {}
    for t, g in outputs:
        if reached is None or t.serial in reached:
            known = incoming.get(t.serial)
            incoming[t.serial] = g if known is None else known + g
            waiting[t.serial] = t
    return incoming, waiting


def apply_rule(
    op: Op, t: Tensor, g: Any, recording: bool, tables: Container[int] = ()
) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return the active inputs of a node and their gradients, as the rule gives them.

    `fitted` makes them fit the inputs. Of the tables, by serial, the rule gives rows.
    """
    if tables and is_lookup(t) and t.inputs[0].serial in tables:
        return t.inputs[:1], (looked_up(t, g, recording),)
    if op is pick:
        return t.inputs, (Part({t.params["index"]: g}),)
    active = carriers(t)
    if not active:
        return (), ()
    y = t._value if not recording else t if op.outputs == 1 else parts(t)
    if op.outputs > 1:
        g = g.filled(y)
    found = op.vjp(g, y, *(t.inputs if recording else plain(t.inputs)), **t.params)
    return active, (found,) if len(active) == 1 else found


class Part:
    """Gradients of some of an op's several results, waiting for the others."""

    def __init__(self, known: dict[int, Any]) -> None:
        self.known = known

    def __add__(self, other: Part) -> Part:
        known = dict(self.known)
        for index, g in other.known.items():
            known[index] = known[index] + g if index in known else g
        return Part(known)

    def filled(self, y: Sequence[Any]) -> tuple[Any, ...]:
        """Return the gradient of every result, zeros where none arrived."""
        pairs = enumerate(y)
        return tuple(self.known[i] if i in self.known else np.zeros_like(part) for i, part in pairs)


def parts(bundle: Tensor) -> tuple[Tensor, ...]:
    """Return the several results of an op as tensors."""
    assert bundle.op is not None
    return tuple(apply(pick, (bundle,), {"index": i}) for i in range(bundle.op.outputs))


def fitted(gx: Any, x: Any, op: Op) -> Any:
    """Return a gradient with broadcast axes summed, and of its input's shape and dtype."""
    if gx.__class__ is FunctionType:
        gx = gx()
    if isinstance(gx, (Part, RowGradient)):
        return gx
    if not hasattr(gx, "dtype"):
        raise NotDifferentiableError(
            f"the rule of {op.name} returned {gx!r:.60} for a gradient: return an array, "
            "such as np.zeros_like(x) where the gradient is zero"
        )
    if gx.shape != x.shape:
        gx = _reshaped(gx, x, op)
    gx = cast(gx, x) if gx.dtype != x.dtype else gx
    return gx[()] if gx.__class__ is np.ndarray and not gx.ndim else gx


def _reshaped(gx: Any, x: Any, op: Op) -> Any:
    """Return a gradient with its broadcast axes summed, or a reduced one spread out again."""
    try:
        found = spread(gx, x) if len(gx.shape) < len(x.shape) else sum_to(gx, x)
    except ValueError:
        found = gx
    if found.shape != x.shape:
        raise ShapeError(
            f"the rule of {op.name} returned a gradient of shape {gx.shape} for an input "
            f"of shape {x.shape}"
        )
    return found


def backward(t: Tensor, g: Any = None, keep_intermediate: bool = False) -> None:
    """Implementation of `Tensor.backward`."""
    if g is None:
        g = np.ones_like(scalar(t, "backward")._value)[()]
    elif isinstance(g, Tensor) or np.shape(g) != t.shape:
        raise ShapeError(f"backward of shape {t.shape} takes a plain gradient of that shape")
    else:
        g = np.asarray(g, t.dtype)
    wanted = {x.serial for x in ancestors([t])} if keep_intermediate else ()
    found = pull_back([(t, g)], False, wanted)
    if not any(x.op is None for x, _ in found):
        integers = [x.label() for x in ancestors([t]) if x.op is None]
        raise NotDifferentiableError(
            f"{t.label()} depends on no Tensor of floating-point numbers"
            + (f"; {', '.join(integers)} hold integers" if integers else "")
        )
    for x, _ in found:
        if x.op is None and x.dtype.kind == "c":
            raise DtypeError(f"{x.label()} holds complex numbers, which have no gradient here")
    for x, gx in found:
        if not isinstance(gx, Part):
            x._grad = np.array(gx)[()] if x._grad is None else x._grad + gx


install_backward(backward)


class Pullback:
    """The backward half of a recorded run: incoming gradient -> gradients of the variables."""

    def __init__(self, run: Recording, outputs: Sequence[Tensor]) -> None:
        self.run, self.outputs = run, outputs
        order, alone, self.nested = run.way(outputs)
        self.reached = None if alone else {t.serial for t in order}

    def __call__(self, gradients: Sequence[Any]) -> Any:
        """Return the tree of gradients for one incoming gradient an output."""
        return unflatten(self.run.structure, self.leaves(gradients))

    def leaves(self, gradients: Sequence[Any], tables: Container[int] = ()) -> list[Any]:
        """Return the gradients alone; of the variables of some numbers, those of rows."""
        recording = self.nested or any(isinstance(g, Tensor) for g in gradients)
        variables = self.run.variables
        pairs = zip(self.outputs, gradients, strict=True)
        wanted = {v.serial for v in variables}
        by_rows = {v.serial for i, v in enumerate(variables) if i in tables}
        found = {t.serial: g for t, g in pull_back(pairs, recording, wanted, self.reached, by_rows)}
        for v in variables:
            if v.serial not in found:
                found[v.serial] = none_of(v._value) if v.serial in by_rows else zeros(v)
        filled = [found[v.serial] for v in variables]
        return filled if recording else owned(filled, gradients)


def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Run a function and return its result with the map from output to input gradients.

    Parameters
    ----------
    function : callable
        Takes trees of arrays, returns a tree of arrays.
    *primals
        All its arguments.
    has_aux : bool
        The function returns a pair ``(result, aux)``; `aux` is passed on.

    Returns
    -------
    result : tree of arrays
    pullback : callable
        Takes a tree like `result`; returns a tuple of trees like `primals`.
    aux : object
        With `has_aux` only.

    Examples
    --------
    >>> import numpy as np
    >>> y, pullback = vjp(lambda x: np.exp(x), np.array([0.0, 1.0]))
    >>> pullback(np.array([1.0, 0.0]))
    (array([1., 0.]),)
    """
    run = record(function, primals, {}, tuple(range(len(primals))), has_aux)
    results, structure = flatten(run.result)
    tensors = [t for t in results if isinstance(t, Tensor)]
    inner = Pullback(run, tensors)

    def pullback(g: Any) -> Any:
        incoming, given = flatten(g)
        if given != structure:
            raise ShapeError(f"the gradient has structure {given}, the result {structure}")
        pairs = zip(results, incoming, strict=True)
        chosen = [_checked(g, t) for t, g in pairs if isinstance(t, Tensor)]
        return inner(chosen)

    result = run.result if inner.nested else detach(run.result)
    return (result, pullback, run.aux) if has_aux else (result, pullback)


def _checked(g: Any, t: Tensor) -> Any:
    if np.shape(g) != t.shape:
        raise ShapeError(f"the incoming gradient has shape {np.shape(g)}, the result {t.shape}")
    return g if isinstance(g, Tensor) else np.asarray(g, t.dtype)


def value_and_grad(
    function: Callable[..., Any], argnums: Which = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that computes a function's value and its gradient.

    Parameters
    ----------
    function : callable
        Returns a single number; takes trees of arrays.
    argnums : int, str or a sequence of them
        Positions or names of the arguments to differentiate by.
    has_aux : bool
        The function returns a pair ``(value, aux)``.

    Returns
    -------
    callable
        Returns ``(value, gradient)``, or ``((value, aux), gradient)``. The gradient has the tree,
        shapes and dtypes of the argument; of several arguments it is a tuple.

    Raises
    ------
    NotDifferentiableError
        If the result is not a single number that depends on the variables.
    DtypeError
        If a variable holds integers.

    Examples
    --------
    >>> import numpy as np
    >>> loss = lambda w, x: np.sum((x @ w) ** 2)
    >>> value_and_grad(loss, "w")(np.array([1.0, 2.0]), np.eye(2))
    (np.float64(5.0), array([2., 4.]))
    """

    @named_after(function)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        run = record(function, *by_position(function, argnums, args, kwargs), argnums, has_aux)
        value, gradients = _graded(run, has_aux)
        return value, unflatten(run.structure, gradients)

    return transformed


def value_and_gradients(
    function: Callable[..., Any],
    *args: Any,
    tables: Container[int] = (),
    has_aux: bool = False,
) -> tuple[Any, list[Any]]:
    """Return a function's value and the gradient of each leaf of its first argument.

    See `value_and_grad`.

    Parameters
    ----------
    function : callable
        Returns a single number; takes trees of arrays.
    *args
    tables : container of int
        Numbers of leaves of which, if nothing but their rows is read, a `RowGradient` is wanted.
    has_aux : bool

    Examples
    --------
    >>> import numpy as np
    >>> table = np.ones((1000, 2))
    >>> _, (g,) = value_and_gradients(lambda t: np.sum(t[[7, 7]] ** 2), table, tables={0})
    >>> g.places, g.summed().values
    (array([7, 7]), array([[4., 4.],
           [4., 4.]]))
    """
    return _graded(record(function, args, {}, 0, has_aux), has_aux, tables)


def _graded(run: Recording, has_aux: bool, tables: Container[int] = ()) -> tuple[Any, list[Any]]:
    """Return the value of a recorded run, and the gradients of its variables."""
    result = scalar(run.result, "grad")
    pullback = Pullback(run, [result])
    gradients = pullback.leaves([np.ones_like(result._value)[()]], tables)
    value = result if pullback.nested else result._value
    aux = run.aux if pullback.nested else detach(run.aux)
    return ((value, aux) if has_aux else value), gradients


def grad(
    function: Callable[..., Any], argnums: Which = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that computes a function's gradient; see `value_and_grad`.

    Examples
    --------
    >>> import numpy as np
    >>> grad(np.tanh)(0.0)
    np.float64(1.0)
    >>> grad(grad(lambda x: x**3))(2.0)
    np.float64(12.0)
    """
    both = value_and_grad(function, argnums, has_aux)

    @named_after(function)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return transformed
