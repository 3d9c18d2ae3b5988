"""What emitted JAX programs call: the JAX form of each op.

Importing this module needs JAX. Most ops are functions that `jax.numpy` has under NumPy's name.
Ops of chainrule's own are plain NumPy, so their code runs with `jax.numpy` in NumPy's place; those
that depend on shapes alone run in NumPy itself. What is left is written here.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType
from typing import Any, TypeAlias

import jax  # type: ignore[import-not-found, unused-ignore]
import jax.numpy  # type: ignore[import-not-found, unused-ignore]
import jax.scipy.special  # type: ignore[import-not-found, unused-ignore]
import numpy as np

from chainrule.graph import Op
from chainrule.ops.axes import along, axes_of
from chainrule.ops.convolutions import _window as kept_window
from chainrule.ops.indexing import _filled as filled

jnp: Any = jax.numpy
Array: TypeAlias = Any
Form: TypeAlias = "str | Callable[..., Any]"

# Their results depend on the shapes of arrays and on fixed numbers.
SHAPES = frozenset({
    "blocks", "extent", "frame", "identity_like", "kept", "kept_outside", "length", "mixed",
    "padded", "repeated", "windows", "wrapped",
})  # fmt: skip
# Their code does nothing that `jax.numpy` cannot do.
TWINS = frozenset({
    "broadcast_with", "cofactor", "cross_rows", "determinant_sign", "euclidean_norm",
    "from_diagonal", "in_shape", "log_abs_det", "merge_pairs", "pad_zeros", "power_norm",
    "reduced_qr", "reduced_svd", "reshape_like", "section", "sign", "sort", "spread", "step",
    "sum_to", "take_along_axis", "take_window", "turns", "untile",
})  # fmt: skip


def form_of(op: Op) -> Form | None:
    """Return an op's form in JAX: a name in `jax.numpy`, or a function; None if there is none."""
    forward = op.forward
    home = getattr(forward, "__module__", None) or ""
    if home.startswith("chainrule."):
        if op.name in SHAPES:
            return by_shape(forward)
        return twin(forward) if op.name in TWINS else OWN.get(op.name)
    if isinstance(forward, BuiltinFunctionType):
        return OWN.get(op.name) if forward in _REDUCTIONS else None
    name = getattr(forward, "__name__", "")
    if not home.startswith("numpy") or op.name in UNLIKE:
        return None
    if name in LIKE_NUMPY:
        return LIKE_NUMPY[name]
    path = [*home.split(".")[1:], name]
    return ".".join(path) if _found(np, path) is forward and _found(jnp, path) else None


def _found(module: Any, path: list[str]) -> Any:
    for name in path:
        module = getattr(module, name, None)
    return module


@functools.cache
def twin(function: Any) -> Callable[..., Any]:
    """Return the same code, in which ``np`` means `jax.numpy`, in all that it calls beside it."""
    home = function.__globals__
    names = {**home, "np": jnp}
    copies = {
        name: _rebound(f, names)
        for name, f in home.items()
        if isinstance(f, FunctionType) and f.__globals__ is home
    }
    names.update(copies)
    return _rebound(function, names)


def _rebound(function: FunctionType, names: dict[str, Any]) -> FunctionType:
    code, defaults = function.__code__, function.__defaults__
    copy = FunctionType(code, names, function.__name__, defaults, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def by_shape(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that computes in NumPy from the shapes and dtypes of its arrays."""

    def run(*inputs: Array, **params: Any) -> Any:
        return function(*map(_stand_in, inputs), **params)

    return run


def _stand_in(x: Array) -> Any:
    if isinstance(x, jax.Array):
        return np.broadcast_to(np.zeros((), x.dtype), x.shape)
    return x


# What programs check ----------------------------------------------------------------------------


def inside(indices: Array, a: Array, axis: int) -> Array:
    """Whether all indices are positions along an axis; JAX itself would move them inside."""
    n = a.shape[axis]
    return jnp.all((indices >= -n) & (indices < n))


def finite(results: Any) -> Array:
    """Whether all numbers of a decomposition are finite, as they are unless NumPy would raise."""
    parts = jax.tree_util.tree_leaves(results)
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in parts]))


# Indexing ---------------------------------------------------------------------------------------


def scatter(a: Array, like: Array, *arrays: Array, index: Any) -> Array:
    """Values added into zeros of a shape; where masks select, each place is met once."""
    place = filled(index, arrays)
    return jnp.zeros(jnp.shape(like), a.dtype).at[place].add(a)


def scatter_along_axis(a: Array, indices: Array, like: Array, *, axis: int) -> Array:
    """Values added into zeros along one axis."""
    shape = jnp.shape(like)
    places = list(jnp.indices(shape, sparse=True))
    places[axis] = indices
    return jnp.zeros(shape, a.dtype).at[tuple(places)].add(a)


def sum_equal_rows(a: Array, table: Array, places: Array) -> Array:
    """For each row the sum of all that are for the same row of a table."""
    flat = _from_start(places, table).reshape(-1)
    _, which = jnp.unique(flat, return_inverse=True, size=flat.size)
    which = which.reshape(places.shape)
    totals = jnp.zeros((flat.size, *a.shape[places.ndim :]), a.dtype).at[which].add(a)
    return totals[which]


def is_first(places: Array, table: Array) -> Array:
    """Whether none of the rows before is for the same row of a table."""
    flat = _from_start(places, table).reshape(-1)
    _, first = jnp.unique(flat, return_index=True, size=flat.size)
    return jnp.zeros(flat.size, bool).at[first].set(True).reshape(places.shape)


def is_last(places: Array, table: Array) -> Array:
    """Whether none of the rows that follow is for the same row of a table."""
    return is_first(places.reshape(-1)[::-1], table)[::-1].reshape(places.shape)


def sum_distinct(a: Array, table: Array, places: Array) -> Array:
    """Sum of rows; of several for the same row of a table the first counts."""
    counts = is_first(places, table)
    return jnp.sum(jnp.where(counts.reshape(*counts.shape, *(1,) * (a.ndim - counts.ndim)), a, 0))


def put_rows(table: Array, rows: Array, places: Array) -> Array:
    """A table with other rows; of several at one place the last, the others being left out."""
    counts = is_last(places, table)
    places = jnp.where(counts, _from_start(places, table), table.shape[0])
    return table.at[places].set(rows, mode="drop")


def _from_start(places: Array, table: Array) -> Array:
    return jnp.where(places < 0, places + table.shape[0], places)


def window(a: Array, start: Array, like: Array, *, axis: int) -> Array:
    """As many elements along an axis as `like` has."""
    return jax.lax.dynamic_slice_in_dim(a, start, jnp.shape(like)[axis], axis)


def embed(a: Array, start: Array, like: Array, *, axis: int) -> Array:
    """An array set into zeros of the shape of `like`."""
    whole = jnp.zeros(jnp.shape(like), a.dtype)
    return jax.lax.dynamic_update_slice_in_dim(whole, a, start, axis)


def embed_section(a: Array, like: Array, *, index: int, sections: int, axis: int) -> Array:
    """One of so many sections, zeros in the others."""
    n = jnp.shape(like)[axis]
    places = np.array_split(np.arange(n), sections)[index]
    return jnp.zeros(jnp.shape(like), a.dtype).at[along(axis, places)].set(a)


def fill_window(g: Array, a: Array, v: Array, *, mode: str, correlated: bool = False) -> Array:
    """Put a result of some mode into the full result of two sequences."""
    full = jnp.zeros(jnp.size(a) + jnp.size(v) - 1, g.dtype)
    return full.at[kept_window(a, v, mode, correlated)].set(g)


def undiagonal(a: Array, like: Array, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """A diagonal in zeros of the shape of `like`."""
    lines = jnp.moveaxis(jnp.zeros(jnp.shape(like), a.dtype), (axis1, axis2), (-2, -1))
    places = np.arange(a.shape[-1])
    lines = lines.at[..., places + max(-offset, 0), places + max(offset, 0)].set(a)
    return jnp.moveaxis(lines, (-2, -1), (axis1, axis2))


def resize_like(a: Array, like: Array, *, axis: int = -1) -> Array:
    """An array cut, or filled up with zeros, to the length of another."""
    n, lines = jnp.shape(like)[axis], jnp.moveaxis(a, axis, 0)
    widths = [(0, max(n - len(lines), 0))] + [(0, 0)] * (a.ndim - 1)
    return jnp.moveaxis(jnp.pad(lines[:n], widths), 0, axis)


def count_mirrored(a: Array, like: Array, *, axis: int = -1) -> Array:
    """Half a spectrum, of which twice counts what the other half mirrors."""
    n, half = jnp.shape(like)[axis], np.arange(a.shape[axis])
    weights = np.where((half == 0) | (2 * half == n), 1.0, 2.0).astype(a.real.dtype)
    return jnp.moveaxis(jnp.moveaxis(a, axis, -1) * weights, -1, axis)


def split_pairs(a: Array, like: Array) -> Array:
    """Axes that were merged in pairs, apart again."""
    n = like.ndim // 2
    order = [axis for i in range(n) for axis in (i, i + n)]
    return jnp.transpose(a.reshape([like.shape[i] for i in order]), np.argsort(order))


# Order ------------------------------------------------------------------------------------------


def _quantile_place(n: int, q: float, method: str) -> tuple[int, int, float]:
    """Return the two sorted elements that a quantile lies between, and the share of the second.

    NumPy's quantile of the positions 0, 1, 2, ... says it for every method.
    """
    place = float(np.quantile(np.arange(float(n)), q, method=method))  # type: ignore[call-overload]
    low = int(np.floor(place))
    return low, min(low + 1, n - 1), place - low


def _lines(a: Array, axis: Any) -> tuple[Array, tuple[int, ...]]:
    """Return an array whose last axis runs over what a reduction joins, and the axes joined."""
    axes = tuple(axes_of(a, axis))
    moved = jnp.moveaxis(a, axes, range(-len(axes), 0))
    return moved.reshape(*moved.shape[: moved.ndim - len(axes)], -1), axes


def quantile_at(
    a: Array, *, q: float, axis: Any = None, method: str = "linear", keepdims: bool = False,
    skip_nan: bool = False,
) -> Array:  # fmt: skip
    """The quantile along axes."""
    if skip_nan:
        raise NotImplementedError("quantiles that leave out NaN")
    lines, axes = _lines(a, axis)
    low, high, share = _quantile_place(lines.shape[-1], q, method)
    ordered = jnp.sort(lines, axis=-1)
    found = ordered[..., low] + share * (ordered[..., high] - ordered[..., low])
    found = jnp.where(jnp.any(jnp.isnan(lines), axis=-1), jnp.nan, found)
    return jnp.expand_dims(found, axes) if keepdims else found


def order_weights(
    a: Array, *, q: float, axis: Any = None, method: Any = "linear", skip_nan: bool = False
) -> Array:
    """Weights of the elements in their quantile along axes: it is their sum by these weights."""
    if skip_nan:
        raise NotImplementedError("quantiles that leave out NaN")
    lines, axes = _lines(a, axis)
    low, _, share = _quantile_place(lines.shape[-1], q, method)
    ranks = jnp.argsort(jnp.argsort(lines, axis=-1), axis=-1)
    weights = jnp.where(ranks == low, 1.0 - share, jnp.where(ranks == low + 1, share, 0.0))
    moved = weights.reshape([*lines.shape[:-1], *(a.shape[i] for i in axes)])
    return jnp.moveaxis(moved, range(-len(axes), 0), axes).astype(a.dtype)


# Arithmetic -------------------------------------------------------------------------------------


def _whole(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a division that gives 0 where integers are divided by 0, as NumPy's does."""

    def run(a: Array, b: Array) -> Array:
        if jnp.issubdtype(jnp.result_type(a, b), jnp.inexact):
            return function(a, b)
        return jnp.where(b == 0, 0, function(a, jnp.where(b == 0, 1, b)))

    return run


def _floor_divide(a: Array, b: Array) -> Array:
    """As NumPy has it for infinities, and with its signs of zeros."""
    if not jnp.issubdtype(jnp.result_type(a, b), jnp.floating):
        return jnp.floor_divide(a, b)
    rest = jnp.fmod(a, b)
    whole = (a - rest) / b - ((rest != 0) & ((b < 0) != (rest < 0)))
    floor = jnp.floor(whole)
    floor = jnp.where(whole - floor > 0.5, floor + 1.0, floor)
    return jnp.where(b == 0, a / b, jnp.where(whole == 0, jnp.copysign(0.0, a / b), floor))


def heaviside(x: Array, middle: Array) -> Array:
    """0, `middle`, 1 for x below, at and above 0; NaN stays."""
    return jnp.where(jnp.isnan(x), x, jnp.where(x == 0, middle, (x > 0).astype(x.dtype)))


def power(a: Array, b: Array) -> Array:
    """Power, of integers modulo the size of their dtype."""
    dtype = jnp.result_type(a, b)
    if not jnp.issubdtype(dtype, jnp.integer):
        return jnp.power(a, b)
    squares, rest = jnp.asarray(a, dtype), jnp.asarray(b, dtype)
    y = jnp.ones((), dtype)
    for _ in range(jnp.iinfo(dtype).bits):
        y = jnp.where(rest & 1, y * squares, y)
        squares, rest = squares * squares, rest >> 1
    return y


def _accurate(theirs: Callable[..., Any], formula: Callable[..., Any]) -> Any:
    """Return a function of JAX with values to 4 units in the last place; derivatives are JAX's."""
    wide = np.float32, np.float64
    ours = jax.custom_jvp(lambda x: formula(x) if x.dtype in wide else theirs(x))
    ours.defjvp(lambda x, t: (ours(*x), jax.jvp(theirs, x, t)[1]))
    return ours


def _series(z: Array, terms: list[float]) -> Array:
    """A polynomial in `z`, of rising powers."""
    y = jnp.full_like(z, terms[-1])
    for term in reversed(terms[:-1]):
        y = y * z + term
    return y


def _small_sinh(x: Array) -> Array:
    """For sizes up to 1."""
    return x + x * x * x * _series(x * x, [1 / math.factorial(n) for n in range(3, 19, 2)])


def _sinh(x: Array) -> Array:
    half = jnp.exp(0.5 * jnp.abs(x))
    large = jnp.copysign(0.5 * half * half - 0.5 / half / half, x)
    return jnp.where(jnp.abs(x) < 1.0, _small_sinh(x), large)


def _cosh(x: Array) -> Array:
    half = jnp.exp(0.5 * jnp.abs(x))
    return 0.5 * half * half + 0.5 / half / half


def _expm1(x: Array) -> Array:
    near = 2.0 * _small_sinh(0.5 * x) * jnp.exp(0.5 * x)
    return jnp.where(jnp.abs(x) < 1.0, near, jnp.exp(x) - 1.0)


def _exp2(x: Array) -> Array:
    n = jnp.clip(jnp.round(jnp.where(jnp.isfinite(x), x, 0)), -3000, 3000)
    return jnp.ldexp(jnp.exp((x - n) * math.log(2.0)), n.astype(jnp.int32)).astype(x.dtype)


def _log1p(x: Array) -> Array:
    s = x / (2.0 + x)  # log((1 + s) / (1 - s))
    near = 2.0 * s + 2.0 * s * s * s * _series(s * s, [1 / n for n in range(3, 27, 2)])
    return jnp.where(jnp.abs(x) < 0.4, near, jnp.log(1.0 + x))


def _tanh(x: Array) -> Array:
    y = _expm1(2.0 * jnp.minimum(jnp.abs(x), 20.0))
    return jnp.copysign(y / (y + 2.0), x)


def _arctanh(x: Array) -> Array:
    size = jnp.abs(x)
    return jnp.copysign(0.5 * _log1p(2.0 * size / (1.0 - size)), x)


def recurrence(a: Array, b: Array, *, axis: int) -> Array:
    """States ``s[i] = a[i] * s[i - 1] + b[i]`` along an axis."""

    def step(state: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        state = now[0] * state + now[1]
        return state, state

    given = jnp.moveaxis(a, axis, 0), jnp.moveaxis(b, axis, 0)
    start = jnp.zeros(jnp.broadcast_shapes(given[0].shape[1:], given[1].shape[1:]), b.dtype)
    return jnp.moveaxis(jax.lax.scan(step, start, given)[1], 0, axis)


def logaddexp_reduce(a: Array, axis: Any = 0, *, keepdims: Any = False) -> Array:
    """Logarithm of the sum of exponentials."""
    return jax.scipy.special.logsumexp(a, axis=axis, keepdims=keepdims)


def least_squares(a: Array, b: Array, *, rcond: Any = None) -> Array:
    """Solutions of full rank; NaN where there are none."""
    x, _, rank, _ = jnp.linalg.lstsq(a, b, rcond)
    return jnp.where(rank < min(a.shape), jnp.nan, x)


def pinv(a: Array, *, rcond: Any = None, hermitian: bool = False, rtol: Any = 1e-15) -> Array:
    """Pseudo-inverse, with NumPy's limits for singular values that count as zero."""
    limit = max(a.shape[-2:]) * jnp.finfo(a.dtype).eps if rtol is None else rtol
    return jnp.linalg.pinv(a, rtol=limit if rcond is None else rcond, hermitian=hermitian)


_REDUCTIONS = (np.logical_and.reduce, np.logical_or.reduce)
# Of chainrule's own ops.
OWN: dict[str, Callable[..., Any]] = {
    "choose": lambda index, *choices, mode="raise": jnp.choose(index, choices, mode=mode),
    "concatenate": lambda *arrays, axis=0: jnp.concatenate(arrays, axis),
    "count_mirrored": count_mirrored,
    "einsum": lambda *operands, subscripts, optimize=False: jnp.einsum(subscripts, *operands),
    "embed": embed,
    "embed_section": embed_section,
    "erf": jax.scipy.special.erf,
    "erfc": jax.scipy.special.erfc,
    "fill_window": fill_window,
    "is_first": is_first,
    "is_last": is_last,
    "least_squares": least_squares,
    "logaddexp_reduce": logaddexp_reduce,
    "logical_and_reduce": lambda a, axis=0, keepdims=False: jnp.all(a, axis, keepdims=keepdims),
    "logical_or_reduce": lambda a, axis=0, keepdims=False: jnp.any(a, axis, keepdims=keepdims),
    "order_weights": order_weights,
    "put_rows": put_rows,
    "quantile_at": quantile_at,
    "recurrence": recurrence,
    "resize_like": resize_like,
    "scatter": scatter,
    "scatter_along_axis": scatter_along_axis,
    "split_pairs": split_pairs,
    "stack": lambda *arrays, axis=0: jnp.stack(arrays, axis),
    "sum_distinct": sum_distinct,
    "sum_equal_rows": sum_equal_rows,
    "undiagonal": undiagonal,
    "window": window,
}
# Of NumPy's functions: what `jax.numpy` calls or does otherwise.
LIKE_NUMPY: dict[str, Form] = {
    "arctanh": _accurate(jnp.arctanh, _arctanh),
    "argsort": lambda a, axis=-1, kind=None: jnp.argsort(a, axis=axis),
    "copy": lambda a, order=None: a,
    "cosh": _accurate(jnp.cosh, _cosh),
    "digitize": lambda *args, **kwargs: jnp.digitize(*args, **kwargs).astype(int),
    "exp2": _accurate(jnp.exp2, _exp2),
    "expm1": _accurate(jnp.expm1, _expm1),
    "fix": "trunc",
    "floor_divide": _whole(_floor_divide),
    "fmod": _whole(jnp.fmod),
    "heaviside": heaviside,
    "log1p": _accurate(jnp.log1p, _log1p),
    "pinv": pinv,
    "power": power,
    "remainder": _whole(jnp.remainder),
    "searchsorted": lambda *args, **kwargs: jnp.searchsorted(*args, **kwargs).astype(int),
    "sinh": _accurate(jnp.sinh, _sinh),
    "tanh": _accurate(jnp.tanh, _tanh),
}
# Where NumPy leaves the order of elements open.
UNLIKE = frozenset({"argpartition"})
