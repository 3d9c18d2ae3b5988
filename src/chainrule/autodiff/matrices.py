"""Jacobians, Hessians and their products with vectors; gradients of each example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from chainrule.autodiff.arguments import (
    Which,
    by_position,
    check_sequences,
    named_after,
    positions,
    record,
)
from chainrule.autodiff.forward import Pushforward, jvp
from chainrule.autodiff.reverse import Pullback, grad
from chainrule.errors import NotDifferentiableError, ShapeError
from chainrule.graph import Tensor
from chainrule.graph.tree import flatten, map_leaves, unflatten

Layout = Literal["numerator", "denominator"]
Mode = Literal["auto", "forward", "reverse"]


def jacobian(
    function: Callable[..., Any],
    argnums: Which = 0,
    *,
    layout: Layout = "numerator",
    mode: Mode = "auto",
) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of a function.

    Parameters
    ----------
    function : callable
        Takes trees of arrays, returns a tree of arrays.
    argnums : int, str or a sequence of them
        Positions or names of the arguments to differentiate by.
    layout : {"numerator", "denominator"}
        The axes of the result's shape first (J[i, j] = dy_i / dx_j), or last (its transpose, the
        layout in which the gradient of a number has the shape of the variable).
    mode : {"auto", "forward", "reverse"}
        One forward walk for each input element, or one backward walk for each output element;
        ``"auto"`` takes the fewer.

    Returns
    -------
    callable
        Returns, for each array of the result's tree, the argument's tree of Jacobians.

    Examples
    --------
    >>> import numpy as np
    >>> W = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> jacobian(lambda x: W @ x)(np.zeros(2))
    array([[1., 2.],
           [3., 4.],
           [5., 6.]])
    >>> jacobian(lambda x: W @ x, layout="denominator")(np.zeros(2)).shape
    (2, 3)
    """
    if layout not in ("numerator", "denominator"):
        raise ValueError(f"layout is 'numerator' or 'denominator', not {layout!r}")
    if mode not in ("auto", "forward", "reverse"):
        raise ValueError(f"mode is 'auto', 'forward' or 'reverse', not {mode!r}")

    @named_after(function)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        run = record(function, *by_position(function, argnums, args, kwargs), argnums)
        results, structure = flatten(run.result)
        tensors = [t for t in results if isinstance(t, Tensor)]
        if not tensors:
            raise NotDifferentiableError("the result of the function depends on no variable")
        n_in, n_out = (sum(t.size for t in ts) for ts in (run.variables, tensors))
        if mode == "forward" or (mode == "auto" and n_in <= n_out):
            blocks = _by_columns(Pushforward(run, tensors), run.variables, tensors)
        else:
            blocks = _by_rows(Pullback(run, tensors), run.variables, tensors)
        found = iter(blocks)
        rows = []
        for y in results:
            row = next(found) if isinstance(y, Tensor) else _zero_row(y, run.variables)
            if layout == "denominator":
                row = [_transposed(b, np.ndim(y)) for b in row]
            rows.append(unflatten(run.structure, row))
        return unflatten(structure, rows)

    return transformed


def _zero_row(y: Any, variables: Sequence[Tensor]) -> list[Any]:
    return [np.zeros(np.shape(y) + v.shape, v.dtype) for v in variables]


def _transposed(block: Any, n_first: int) -> Any:
    axes = range(np.ndim(block))
    return np.transpose(block, (*axes[n_first:], *axes[:n_first]))


def _basis(t: Tensor) -> list[Any]:
    """Return the arrays that are 1 at one element of `t` and 0 elsewhere."""
    return list(np.eye(t.size, dtype=t.dtype).reshape(t.size, *t.shape))


def _stacked(parts: Sequence[Any], shape: tuple[int, ...], like: Tensor) -> Any:
    if not parts:
        return np.zeros(shape, like.dtype)
    return np.reshape(np.stack(parts), shape)


def _by_rows(
    pullback: Pullback, variables: Sequence[Tensor], tensors: Sequence[Tensor]
) -> list[list[Any]]:
    blocks = []
    for k, t in enumerate(tensors):
        incoming = [np.zeros(u.shape, u.dtype) for u in tensors]
        found = []
        for direction in _basis(t):
            incoming[k] = direction
            found.append(flatten(pullback(incoming))[0])
        blocks.append([
            _stacked([row[i] for row in found], t.shape + v.shape, v)
            for i, v in enumerate(variables)
        ])  # fmt: skip
    return blocks


def _by_columns(
    pushforward: Pushforward, variables: Sequence[Tensor], tensors: Sequence[Tensor]
) -> list[list[Any]]:
    blocks: list[list[Any]] = [[] for _ in tensors]
    for k, v in enumerate(variables):
        directions = [np.zeros(u.shape, u.dtype) for u in variables]
        columns = []
        for direction in _basis(v):
            directions[k] = direction
            columns.append(pushforward(directions))
        for i, t in enumerate(tensors):
            block = _stacked([column[i] for column in columns], v.shape + t.shape, t)
            blocks[i].append(_transposed(block, len(v.shape)))
    return blocks


def hessian(function: Callable[..., Any], argnums: Which = 0) -> Callable[..., Any]:
    """Return a function that computes the Hessian of a number: forward over reverse mode.

    For trees the result is a tree of trees: ``H[a][b]`` is the block of `a` and `b`.

    Examples
    --------
    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return jacobian(grad(function, argnums), argnums, mode="forward")


def hvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return the Hessian of a number times a vector, without making the Hessian.

    Parameters
    ----------
    function : callable
        Returns a single number.
    primals : sequence
        All its arguments.
    tangents : sequence
        The vector: trees like `primals`.

    Returns
    -------
    tree or tuple of trees
        Like the only primal, or a tuple like `primals`.

    Examples
    --------
    >>> import numpy as np
    >>> hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    array([6., 0.])
    """
    check_sequences(primals=primals, tangents=tangents)
    which = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(function, which), primals, tangents)[1]


def per_example_grad(
    function: Callable[..., Any], argnums: Which = 0, batch_argnums: Which | None = None
) -> Callable[..., Any]:
    """Return a function that computes the gradient of each example of a batch.

    Parameters
    ----------
    function : callable
        Returns a single number for a batch; it is called with batches of one.
    argnums : int, str or a sequence of them
        Arguments to differentiate by.
    batch_argnums : int, str or a sequence of them, optional
        Arguments whose first axis is the batch; by default all others.

    Returns
    -------
    callable
        Returns the gradient's tree with a first axis more: one entry for each example.

    Examples
    --------
    >>> import numpy as np
    >>> loss = lambda w, x, y: np.sum((x @ w - y) ** 2) / 2
    >>> x, y = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, 1.0])
    >>> per_example_grad(loss)(np.zeros(2), x, y)
    array([[-1.,  0.],
           [ 0., -2.]])
    """
    gradient = grad(function, argnums)

    def divided(args: Sequence[Any]) -> tuple[dict[int, Any], dict[int, Any]]:
        """Return the arguments that are for all examples and those that are for one each."""
        variables = positions(function, argnums, len(args))
        if batch_argnums is None:
            batched = tuple(i for i in range(len(args)) if i not in variables)
        else:
            batched = positions(function, batch_argnums, len(args))
        shapes = [np.shape(leaf) for i in batched for leaf in flatten(args[i])[0]]
        lengths = {shape[0] if shape else -1 for shape in shapes}
        if len(lengths) != 1 or -1 in lengths:
            raise ShapeError(
                "the arguments of a batch have one first axis, of equal length; theirs have the "
                f"shapes {shapes}: choose them with batch_argnums"
            )
        if 0 in lengths:
            raise ShapeError("the batch is empty")
        rows = {i: args[i] for i in batched}
        return {i: x for i, x in enumerate(args) if i not in rows}, rows

    def step(shared: dict[int, Any], row: dict[int, Any], **kwargs: Any) -> tuple[Any, Any]:
        """Compute the gradient of one example."""
        given = shared | row
        return shared, gradient(*(given[i] for i in sorted(given)), **kwargs)

    @named_after(function)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = by_position(function, argnums, args, kwargs)  # type: ignore[assignment]
        shared, rows = divided(args)
        n = len(flatten(rows)[0][0])
        found = [
            step(shared, map_leaves(lambda leaf, i=i: leaf[i : i + 1], rows), **kwargs)[1]
            for i in range(n)
        ]
        return map_leaves(lambda *leaves: np.stack(leaves), *found)

    # What an engine needs to run the examples as steps of a sweep.
    transformed.by_example = divided, step  # type: ignore[attr-defined]
    return transformed
