"""An array's methods, each naming the NumPy function that it is."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph.op import Recorded


def _method(function: Any) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = function.__name__
    method.__doc__ = f"See `numpy.{function.__name__}`."
    return method


def _shape_method(function: Any) -> Any:
    """Let a method take its shape as one tuple or as several integers."""

    def method(self: Any, *shape: Any) -> Any:
        return function(self, *(shape if len(shape) < 2 else (shape,)))

    method.__name__ = function.__name__
    method.__doc__ = f"See `numpy.{function.__name__}`."
    return method


def _no_in_place(name: str) -> Any:
    def method(self: Any, *_: Any, **__: Any) -> NoReturn:
        raise UnsupportedError(f"a Tensor cannot be changed in place: use np.{name}(tensor)")

    return method


class _Elsewhere:
    """An attribute of other libraries' tensors: it is missing, and the error says what to use."""

    def __init__(self, remedy: str) -> None:
        self.remedy = remedy

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise AttributeError(f"a Tensor has no attribute {self.name!r}: use {self.remedy}")


class ArrayMethods(Recorded):
    """The methods that an array has."""

    __slots__ = ()

    __neg__ = _method(np.negative)
    __pos__ = _method(np.positive)
    __abs__ = _method(np.absolute)
    __invert__ = _method(np.invert)

    @property
    def T(self) -> Any:  # noqa: N802
        """The transpose, all axes reversed."""
        return np.transpose(self)  # type: ignore[call-overload]

    @property
    def mT(self) -> Any:  # noqa: N802
        """The last two axes exchanged."""
        return np.swapaxes(self, -1, -2)  # type: ignore[call-overload]

    @property
    def real(self) -> Any:
        """The real part."""
        return np.real(self)

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return np.imag(self)

    reshape = _shape_method(np.reshape)
    transpose = _shape_method(np.transpose)
    sum = _method(np.sum)
    mean = _method(np.mean)
    prod = _method(np.prod)
    max = _method(np.max)
    min = _method(np.min)
    std = _method(np.std)
    var = _method(np.var)
    cumsum = _method(np.cumsum)
    cumprod = _method(np.cumprod)
    argmax = _method(np.argmax)
    argmin = _method(np.argmin)
    argsort = _method(np.argsort)
    all = _method(np.all)
    any = _method(np.any)
    nonzero = _method(np.nonzero)
    searchsorted = _method(np.searchsorted)
    ravel = _method(np.ravel)
    flatten = _method(np.ravel)
    swapaxes = _method(np.swapaxes)
    squeeze = _method(np.squeeze)
    repeat = _method(np.repeat)
    take = _method(np.take)
    choose = _method(np.choose)
    compress = _method(lambda self, condition, axis=None: np.compress(condition, self, axis))
    diagonal = _method(np.diagonal)
    trace = _method(np.trace)
    dot = _method(np.dot)
    clip = _method(np.clip)
    round = _method(np.round)
    astype = _method(np.astype)
    conj = _method(np.conjugate)
    copy = _method(np.copy)
    sort = _no_in_place("sort")
    partition = _no_in_place("partition")
    fill = _no_in_place("full_like")
    put = _no_in_place("where")
    resize = _no_in_place("resize")

    detach = _Elsewhere(".value")
    numpy = _Elsewhere(".value")
    data = _Elsewhere(".value")
    requires_grad = _Elsewhere("chainrule.stop_gradient, or .value, to stop a derivative")
    zero_grad = _Elsewhere("t.grad = None")
    view = _Elsewhere(".reshape(shape)")
    permute = _Elsewhere(".transpose(axes)")
    unsqueeze = _Elsewhere("np.expand_dims(t, axis)")
