"""What NumPy says of an array without its numbers: shape, size, dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import Tensor, composed


def _plain(value: Any) -> Any:
    """Return an array that stands for the value; only its shape and dtype may be asked."""
    return value._value if isinstance(value, Tensor) else value


@composed(np.shape, samples=[S((2, 3)), S(())])
def shape(a: Any) -> tuple[int, ...]:
    """Lengths of the axes, as plain integers."""
    return np.shape(_plain(a))


@composed(np.ndim, samples=[S((2, 3)), S(())])
def ndim(a: Any) -> int:
    """Number of axes."""
    return np.ndim(_plain(a))


@composed(np.size, samples=[S((2, 3)), S((2, 3), axis=1)])
def size(a: Any, axis: Any = None) -> int:
    """Number of elements."""
    return np.size(_plain(a), axis)


@composed(np.result_type, samples=[S((2,), 1.0)])
def result_type(*arrays_and_dtypes: Any) -> Any:
    """The dtype that NumPy's promotion gives."""
    return np.result_type(*map(_plain, arrays_and_dtypes))


@composed(np.iscomplexobj, samples=[S((2,))])
def iscomplexobj(x: Any) -> bool:
    """Whether the dtype is complex."""
    return np.iscomplexobj(_plain(x))


@composed(np.isrealobj, samples=[S((2,))])
def isrealobj(x: Any) -> bool:
    """Whether the dtype is real."""
    return np.isrealobj(_plain(x))


@composed(np.can_cast, samples=[S(np.float32, np.float64)])
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """Whether the dtype can be converted to another by a rule."""
    dtype = from_.dtype if isinstance(from_, Tensor) else from_
    return np.can_cast(dtype, to, casting)


@composed(np.common_type, samples=[S((2,), (3,))])
def common_type(*arrays: Any) -> Any:
    """The floating-point type that all the arrays fit."""
    return np.common_type(*(np.zeros((), np.result_type(_plain(x))) for x in arrays))


@composed(np.may_share_memory, samples=[S((2,), (2,))])
def may_share_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    """Whether the bounds of the arrays' memory overlap."""
    return np.may_share_memory(_plain(a), _plain(b), max_work)


@composed(np.shares_memory, samples=[S((2,), (2,))])
def shares_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    """Whether the arrays share memory."""
    return np.shares_memory(_plain(a), _plain(b), max_work)
