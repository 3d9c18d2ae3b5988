"""Reverse mode: one walk over the recorded graph, from the results to the variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from chainrule.autodiff.arguments import Recording, Which, by_position, detach, record, scalar
from chainrule.errors import NotDifferentiableError, ShapeError
from chainrule.graph import Op, Tensor
from chainrule.graph.tensor import apply, install_backward, pick, plain
from chainrule.graph.trace import ancestors, carriers
from chainrule.graph.tree import flatten, unflatten
from chainrule.ops.broadcast import cast, spread, sum_to

float64 = np.float64


def needed(order: Sequence[Tensor], wanted: Iterable[Tensor]) -> list[Tensor]:
    """Return those of `order` (oldest first) that are computed from the wanted tensors."""
    found = {t.serial for t in wanted}
    kept = []
    for t in order:
        if t.serial in found:
            kept.append(t)
            continue
        for x in carriers(t):
            if isinstance(x, Tensor) and x.serial in found:
                found.add(t.serial)
                kept.append(t)
                break
    return kept


def pull_back(
    order: Sequence[Tensor],
    gradients: dict[int, Any],
    wanted: dict[int, Any],
    recording: bool,
) -> None:
    """Carry gradients from results to variables.

    Parameters
    ----------
    order : sequence of Tensor
        The tensors on the way, oldest first, each after its inputs.
    gradients : dict
        The incoming gradients of the results, by serial; consumed.
    wanted : dict
        By serial: receives the gradients of the tensors whose serials are its keys.
    recording : bool
        Whether the rules run on tensors, so that the gradients are themselves recorded.
    """
    reached = {t.serial for t in order}
    for t in reversed(order):
        g = gradients.pop(t.serial, None)
        if g is None:
            continue
        if t.serial in wanted:
            wanted[t.serial] = g
        op = t.op
        if op is None:
            continue
        inputs = t.inputs
        if op.is_simple and not recording:
            if t.params or len(inputs) != 2:
                found = op.vjp(g, t._value, *plain(inputs), **t.params)
                found = (found,) if len(inputs) == 1 else found
            else:  # the same, without the cost of unpacking
                a, b = inputs
                a, b = (
                    a._value if isinstance(a, Tensor) else a,
                    b._value if isinstance(b, Tensor) else b,
                )
                found = op.vjp(g, t._value, a, b)
        elif op is pick:
            _add_part(gradients, t, g)
            continue
        else:
            inputs, found = _general_rule(op, t, g, recording)
        if len(found) != len(inputs):
            raise NotDifferentiableError(
                f"the rule of {op.name} returned {len(found)} gradients for {len(inputs)} inputs"
            )
        for x, gx in zip(inputs, found):  # noqa: B905  (lengths were compared)
            if not isinstance(x, Tensor) or x.serial not in reached:
                continue
            value = x._value
            if gx.__class__ is not float64 or value.__class__ is not float64:
                if gx.__class__ is FunctionType:
                    gx = gx()
                if getattr(gx, "shape", None) != value.shape or gx.dtype != value.dtype:
                    gx = fitted(gx, x if recording else value, op)
            known = gradients.get(x.serial)
            gradients[x.serial] = gx if known is None else known + gx


def _general_rule(op: Op, t: Tensor, g: Any, recording: bool) -> tuple[Sequence[Any], Any]:
    """Return the active inputs of a node and their gradients, as the rule gives them."""
    y: Any = t._value
    values: Sequence[Any] = t.inputs
    if not recording:
        values = plain(values)
    else:
        y = t if op.outputs == 1 else parts(t)
    if op.outputs > 1:
        g = tuple(np.zeros_like(part) if gi is None else gi for gi, part in zip(g, y, strict=True))
    found = op.vjp(g, y, *values, **t.params)
    active = carriers(t)
    return active, (found,) if len(active) == 1 else found


def parts(bundle: Tensor) -> tuple[Tensor, ...]:
    """Return the several results of an op as tensors."""
    assert bundle.op is not None
    return tuple(apply(pick, (bundle,), {"index": i}) for i in range(bundle.op.outputs))


def _add_part(gradients: dict[int, Any], t: Tensor, g: Any) -> None:
    """Gather the gradient of one of an op's several results."""
    (bundle,) = t.inputs
    parts = gradients.setdefault(bundle.serial, [None] * bundle.op.outputs)
    known = parts[t.params["index"]]
    parts[t.params["index"]] = g if known is None else known + g


def fitted(gx: Any, x: Any, op: Op) -> Any:
    """Return a gradient with broadcast axes summed, and of its input's shape and dtype."""
    if gx is None or isinstance(gx, (tuple, list)):
        raise NotDifferentiableError(f"the rule of {op.name} returned {gx!r:.60} for a gradient")
    shape = np.shape(x)
    if np.shape(gx) != shape:
        try:
            gx = spread(gx, x) if np.ndim(gx) < len(shape) else sum_to(gx, x)
        except ValueError:
            raise ShapeError(
                f"the rule of {op.name} returned a gradient of shape {np.shape(gx)} for an input "
                f"of shape {shape}"
            ) from None
    return cast(gx, x) if np.result_type(gx) != np.result_type(x) else gx


def backward(t: Tensor, g: Any = None, keep_intermediate: bool = False) -> None:
    """Implementation of `Tensor.backward`."""
    if g is None:
        g = np.ones_like(scalar(t, "backward")._value)[()]
    elif isinstance(g, Tensor) or np.shape(g) != t.shape:
        raise ShapeError(f"backward of shape {t.shape} takes a plain gradient of that shape")
    else:
        g = np.asarray(g, t.dtype)
    order = ancestors([t])
    origins = [x for x in order if x.op is None]
    leaves = [x for x in origins if x.dtype.kind == "f"]
    if not leaves:
        integers = [x.label() for x in origins]
        raise NotDifferentiableError(
            f"{t.label()} depends on no Tensor of floating-point numbers"
            + (f"; {', '.join(integers)} hold integers" if integers else "")
        )
    if len(leaves) < len(origins):
        order = needed(order, leaves)
    targets = order if keep_intermediate else leaves
    wanted = dict.fromkeys((x.serial for x in targets), None)
    pull_back(order, {t.serial: g}, wanted, recording=False)
    for x in targets:
        new = wanted[x.serial]
        if new is not None and not isinstance(x._value, tuple):
            new = np.array(new) if x._grad is None else x._grad + new
            x._grad = new


install_backward(backward)


class Pullback:
    """The backward half of a recorded run: incoming gradient -> gradients of the variables."""

    def __init__(self, run: Recording, outputs: Sequence[Tensor], nested: bool) -> None:
        self.run, self.outputs, self.nested = run, outputs, nested
        self.order = needed(ancestors(outputs), run.variables)

    def __call__(self, gradients: Sequence[Any]) -> Any:
        """Return the tree of gradients for one incoming gradient an output."""
        incoming: dict[int, Any] = {}
        for t, g in zip(self.outputs, gradients, strict=True):
            known = incoming.get(t.serial)
            incoming[t.serial] = g if known is None else known + g
        recording = self.nested or any(isinstance(g, Tensor) for g in gradients)
        variables = self.run.variables
        wanted: dict[int, Any] = dict.fromkeys((v.serial for v in variables), None)
        pull_back(self.order, incoming, wanted, recording)
        found = [wanted[v.serial] for v in variables]
        filled = [
            np.zeros_like(v._value) if g is None else g
            for g, v in zip(found, variables, strict=True)
        ]
        return unflatten(self.run.structure, filled)


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
    nested = run.nested(tensors)
    inner = Pullback(run, tensors, nested)

    def pullback(g: Any) -> Any:
        incoming, given = flatten(g)
        if given != structure:
            raise ShapeError(f"the gradient has structure {given}, the result {structure}")
        pairs = zip(results, incoming, strict=True)
        chosen = [_checked(g, t) for t, g in pairs if isinstance(t, Tensor)]
        return inner(chosen)

    result = run.result if nested else detach(run.result)
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

    def transformed(*args: Any, **kwargs: Any) -> Any:
        run = record(function, *by_position(function, argnums, args, kwargs), argnums, has_aux)
        result = scalar(run.result, "grad")
        nested = run.nested([result])
        gradient = Pullback(run, [result], nested)([np.ones_like(result._value)[()]])
        value = result if nested else result._value
        aux = run.aux if nested else detach(run.aux)
        return ((value, aux), gradient) if has_aux else (value, gradient)

    return transformed


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

    def transformed(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return transformed
