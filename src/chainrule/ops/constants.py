"""Functions that are piecewise constant: they return plain arrays and have no derivative.

In a trace they are recorded, for their results change with the inputs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from chainrule.errors import DtypeError, UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import Tensor, composed, constant
from chainrule.ops.broadcast import cast, spread

PAIRS = [S((3, 2), (2,)), S((3,), 1.0), S((), ()), S((0, 2), (2,))]
ONE = [S((3, 2)), S(()), S((0, 2))]


def _integers(rng: np.random.Generator) -> Any:
    return rng.integers(0, 9, (3, 2))


def _increasing(rng: np.random.Generator) -> Any:
    return np.array([-1.0, 0.0, 1.0])


def _each(functions: Sequence[Any], samples: Sequence[S], arrays: int | None = None) -> None:
    for function in functions:
        constant(function, arrays=arrays, samples=samples)


_each(
    [
        np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
        np.logical_and, np.logical_or, np.logical_xor, np.heaviside, np.floor_divide,
    ],
    PAIRS,
)  # fmt: skip
_each(
    [
        np.floor, np.ceil, np.rint, np.trunc, np.isfinite, np.isnan, np.isinf, np.signbit,
        np.logical_not, np.spacing,
    ],
    ONE,
)  # fmt: skip
_each(
    [
        np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift, np.gcd,
        np.lcm,
    ],
    [S(_integers, 2), S(_integers, _integers)],
)  # fmt: skip
_each([np.invert, np.bitwise_count], [S(_integers), S(3)])

_each([np.argmax, np.argmin, np.argsort], [S((3, 2)), S((4,)), S((3, 2), axis=0)], arrays=1)
_each([np.nanargmax, np.nanargmin], [S((3, 2)), S((3, 2), axis=0)], arrays=1)
_each([np.argpartition], [S((3, 2), 1), S((4,), 2)], arrays=1)
_each(
    [np.any, np.all, np.count_nonzero],
    [S((3, 2)), S((3, 2), 0), S((0, 2), axis=1), S(())],
    arrays=1,
)
_each([np.zeros_like, np.ones_like], [*ONE, S((2,), dtype=np.float32)], arrays=1)
_each([np.isposinf, np.isneginf, np.iscomplex, np.isreal, np.fix], ONE, arrays=1)
_each([np.isclose], [*PAIRS, S((2,), (2,), atol=1.0)], arrays=2)
_each([np.allclose, np.array_equal, np.array_equiv], [S((3, 2), (3, 2)), S((3,), (3,))], arrays=2)
_each([np.isin], [S((3, 2), [1.0, 2.0]), S((), (2,))], arrays=2)
_each([np.searchsorted], [S(_increasing, (3, 2)), S(_increasing, 0.5)], arrays=2)
_each([np.digitize], [S((3, 2), _increasing), S((2,), _increasing, right=True)], arrays=2)
constant(np.round, also=(np.around,), arrays=1, samples=[*ONE, S((2,), 1)])


def _sign(x: Any) -> Any:
    """``-1``, ``0`` or ``1``: piecewise constant, over the reals."""
    if np.iscomplexobj(x):
        raise UnsupportedError("the sign of a complex number is not constant: use z / np.abs(z)")
    return np.sign(x)


constant(_sign, name="sign", also=(np.sign,), samples=ONE)


def _plain(value: Any, name: str) -> Any:
    """Return arguments with arrays in the place of tensors."""
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item, name) for item in value)
    if isinstance(value, dict):
        return {key: _plain(item, name) for key, item in value.items()}
    if isinstance(value, Tensor) and value.traced:
        raise UnsupportedError(
            f"numpy.{name} cannot be traced, for the shape of its result depends on numbers: "
            "choose with np.where, or call it outside the traced function"
        )
    return value.value if isinstance(value, Tensor) else value


def _eager(function: Callable[..., Any], samples: Sequence[S]) -> None:
    """Declare a constant function that makes no sense in a trace."""

    def body(*args: Any, **kwargs: Any) -> Any:
        name = function.__name__
        return function(*_plain(args, name), **_plain(kwargs, name))

    body.__name__ = function.__name__
    body.__doc__ = f"`numpy.{function.__name__}`: plain arrays, outside traces only."
    with suppress(ValueError):  # before NumPy 2.4 some functions have none
        body.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    composed(function, samples=samples)(body)


def _keys(rng: np.random.Generator) -> Any:
    return rng.random(4), rng.random(4)


_eager(np.nonzero, [S((3, 2)), S((0, 2)), S((4,))])
_eager(np.flatnonzero, [S((3, 2)), S((0, 2)), S((4,))])
_eager(np.argwhere, [S((3, 2)), S((0, 2)), S((4,))])
_eager(np.lexsort, [S(_keys), S((2, 3))])
_eager(np.empty_like, [S((0, 2))])


@composed(np.histogram, samples=[S((9,), [-1.0, 0.0, 1.0]), S((3, 2), [-1.0, 0.5], density=True)])
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """Counts between given edges; edges found from the data would carry a derivative.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.histogram(cr.Tensor([0.5, 1.5, 1.7]), bins=[0.0, 1.0, 2.0])[0]
    array([1, 2])
    """
    if isinstance(bins, str) or (not np.ndim(bins) and range is None):
        raise UnsupportedError(
            "histogram of a Tensor needs its edges (bins=[...], or range=), for edges found from "
            "the data would lose their derivative"
        )
    if any(isinstance(x, Tensor) for x in (bins, range, weights)):
        raise UnsupportedError(
            "histogram has no derivative by its edges or weights: detach them with .value"
        )
    return np.histogram(_plain(a, "histogram"), bins, range, density, weights)


@composed(np.full_like, samples=[S((3, 2), 2.0), S((3, 2), ()), S((3, 2), (2,)), S((0, 2), 1)])
def full_like(a: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Copies of a value in the shape of an array; the value keeps its derivative.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.full_like(x, x[0])))(np.array([2.0, 1.0]))
    array([2., 0.])
    """
    shaped = np.zeros_like(a, dtype=dtype)
    dtype = np.result_type(shaped)
    if isinstance(fill_value, Tensor) and dtype.kind not in "fc":
        raise DtypeError(
            f"full_like would round the Tensor {fill_value.label()} to {dtype}: give dtype=float"
        )
    return cast(spread(fill_value, shaped), shaped)
