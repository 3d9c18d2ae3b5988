"""What stands beside a Tensor in an operation: plain numbers and arrays of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import DtypeError, ShapeError, UnsupportedError
from chainrule.graph.op import Op, Recorded

_NO_OBJECTS = "join tensors with np.stack, and convert numbers with .astype(float)"


def as_operand(value: Any) -> Any:
    """Return a plain operand as an array; numbers stay as they are, so that their kind is weak.

    Raises
    ------
    UnsupportedError
        If it is a list that holds tensors, or an array that gives operators a meaning of its own.
    DtypeError
        If it holds no numbers.
    """
    if isinstance(value, (Recorded, np.generic, float, int, complex)):
        return value
    _refuse_dialects(value)
    try:
        array = np.asarray(value)
    except UnsupportedError as error:
        raise UnsupportedError(
            "a list that holds tensors is no operand: join them with np.stack or np.concatenate"
        ) from error
    if array.dtype.kind not in "biufc" and array.size:
        words = f"{type(value).__name__} {value!r:.40}"
        if array.dtype.hasobject and isinstance(value, np.ndarray):
            words = f"arrays of objects: {_NO_OBJECTS}"
        raise DtypeError(f"a Tensor does not compute with {words}")
    return array


def _refuse_dialects(value: Any) -> None:
    """Refuse the arrays whose operators are not those of arrays: the rules would not fit them."""
    if value.__class__ is np.ndarray or not isinstance(value, np.ndarray):
        return
    if isinstance(value, np.matrix):
        raise UnsupportedError(
            "np.matrix gives * and ** meanings of its own: use a plain array, np.asarray(matrix), "
            "and @ for products of matrices"
        )
    if isinstance(value, np.ma.MaskedArray):
        raise UnsupportedError(
            "the mask of a masked array would be lost: use a plain array, masked.filled(0.0), and "
            "choose with np.where(mask, ..., ...)"
        )


def as_result(op: Op, value: Any) -> Any:
    """Return what an op's forward returned as a Tensor holds it: an array, a scalar, a tuple.

    Raises
    ------
    ShapeError
        If the op returned another number of results than it declares.
    DtypeError
        If it returned no numbers.
    """
    if op.outputs > 1:
        found = len(value) if isinstance(value, (tuple, list)) else 1
        if found != op.outputs:
            raise ShapeError(f"{op.name} declares outputs={op.outputs} and returned {found}")
        return value if isinstance(value, tuple) else tuple(value)
    if isinstance(value, (np.ndarray, np.generic, float, int, complex)):
        array = np.asarray(value)
        if not array.dtype.hasobject:
            return array[()]
        raise DtypeError(f"{op.name} of arrays of objects: {_NO_OBJECTS}")
    raise DtypeError(
        f"{op.name} returned {type(value).__name__} {value!r:.60}: an op returns an array of "
        "numbers, or a tuple of several if it is declared with outputs="
    )


def read_only(value: Any) -> Any:
    """Return a view that cannot be written, of an array; a number as it is."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value
