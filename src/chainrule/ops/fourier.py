"""Discrete Fourier transforms.

A transform is linear over the complex numbers, and the gradient of a complex value is that of
`chainrule.ops.complex`: so the backward rule is the plain transpose of the transform, without a
conjugate, and of real inputs only the real part is kept. JAX has the same convention.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.graph import Array, composed, linear, op
from chainrule.graph import Sample as S

ONE_AXIS = [
    S((8,)), S((2, 5)), S((5, 2), axis=0), S((4,), norm="ortho"), S((4,), norm="forward"),
    S((5,), n=3), S((5,), n=8), S((2, 4), 6, axis=0),
    S.raises(IndexError, (4,), axis=1, match=r"\(4,\)"),
]  # fmt: skip


def _resize_like(a: Array, like: Any, *, axis: int = -1) -> Array:
    length = np.shape(like)[axis]
    if length <= a.shape[axis]:
        return a.take(range(length), axis)
    widths = [(0, 0)] * a.ndim
    widths[axis] = (0, length - a.shape[axis])
    return np.pad(a, widths)


@op(_resize_like, kind=linear, inactive=("like",), samples=[
    S((3, 2), (3, 4)), S((3, 4), (3, 2)), S((4, 2), (3, 2), axis=0), S((2,), (2,)),
])  # fmt: skip
def resize_like(g: Any, y: Any, a: Any, like: Any, *, axis: int = -1) -> Any:
    """Cut an axis, or lengthen it with zeros, to its length in `like`.

    Examples
    --------
    >>> import numpy as np
    >>> resize_like(np.ones(2), np.zeros(3)), resize_like(np.ones(2), np.zeros(1))
    (array([1., 1., 0.]), array([1.]))
    """
    return resize_like(g, a, axis=axis)


def _count_mirrored(a: Array, like: Any, *, axis: int = -1) -> Array:
    length = np.shape(like)[axis]
    weights = np.full(length // 2 + 1, 2.0, a.real.dtype)
    weights[0] = 1.0
    if length % 2 == 0:
        weights[-1] = 1.0
    last = a.ndim - 1 - axis % a.ndim
    return np.asarray(a * weights.reshape(-1, *(1,) * last))


@op(_count_mirrored, kind=linear, inactive=("like",), samples=[
    S((3, 3), (3, 5)), S((4, 2), (6, 2), axis=0),
])  # fmt: skip
def count_mirrored(g: Any, y: Any, a: Any, like: Any, *, axis: int = -1) -> Any:
    """Double the frequencies of a half spectrum that stand for their mirror images too.

    Examples
    --------
    >>> import numpy as np
    >>> count_mirrored(np.ones(3), np.zeros(4))
    array([1., 2., 1.])
    """
    return count_mirrored(g, like, axis=axis)


@op(np.fft.fft, kind=linear, samples=ONE_AXIS)
def fft(g: Any, y: Any, a: Any, *, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Discrete Fourier transform along an axis, cut or filled with zeros to `n` elements.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> power = lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2)
    >>> cr.grad(power)(np.array([1.0, 2.0]))
    array([4., 8.])
    """
    return resize_like(np.fft.fft(g, axis=axis, norm=norm), a, axis=axis)


@op(np.fft.ifft, kind=linear, samples=ONE_AXIS)
def ifft(g: Any, y: Any, a: Any, *, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Inverse discrete Fourier transform along an axis.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.real(np.fft.ifft(x))[0])(np.ones(2))
    array([0.5, 0.5])
    """
    return resize_like(np.fft.ifft(g, axis=axis, norm=norm), a, axis=axis)


@op(np.fft.rfft, kind=linear, samples=ONE_AXIS)
def rfft(g: Any, y: Any, a: Any, *, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Discrete Fourier transform of real numbers: the first half of the spectrum.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.real(np.fft.rfft(x))[1])(np.ones(2))
    array([ 1., -1.])
    """
    if n is None:
        return np.real(np.fft.fft(resize_like(g, a, axis=axis), axis=axis, norm=norm))
    return resize_like(np.real(np.fft.fft(g, n, axis=axis, norm=norm)), a, axis=axis)


_OPPOSITE: dict[Any, Any] = {
    None: "forward",
    "backward": "forward",
    "ortho": "ortho",
    "forward": "backward",
}


@op(np.fft.irfft, kind=linear, samples=ONE_AXIS)
def irfft(g: Any, y: Any, a: Any, *, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Inverse of `rfft`: real numbers from half a spectrum, of `n` or an even number of elements.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> smooth = lambda x: np.fft.irfft(np.fft.rfft(x) * np.array([1.0, 0.5, 0.0]))
    >>> cr.grad(lambda x: smooth(x)[0])(np.zeros(4))
    array([0.5 , 0.25, 0.  , 0.25])
    """
    spectrum = np.conjugate(np.fft.rfft(g, axis=axis, norm=_OPPOSITE[norm]))
    return resize_like(count_mirrored(spectrum, y, axis=axis), a, axis=axis)


@composed(np.fft.hfft, samples=[S((5,)), S((2, 4), n=5), S((4,), norm="ortho")])
def hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Real spectrum of a signal that is its own mirrored conjugate.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.fft.hfft(x)[0])(np.ones(3))
    array([1., 2., 1.])
    """
    return np.fft.irfft(np.conjugate(a), n, axis, norm=_OPPOSITE[norm])


@composed(np.fft.ihfft, samples=[S((5,)), S((2, 4), n=5), S((4,), norm="ortho")])
def ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Inverse of `hfft`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.real(np.fft.ihfft(x))[0])(np.ones(2))
    array([0.5, 0.5])
    """
    return np.conjugate(np.fft.rfft(a, n, axis, norm=_OPPOSITE[norm]))


# Several axes: one after another, in NumPy's order ---------------------------------------------

SEVERAL_AXES = [
    S((4, 3)), S((2, 3, 4), axes=(0, 2)), S((3, 4), s=[4, 6], axes=[0, 1]), S((3, 4), norm="ortho"),
    S((3, 4), s=[-1, 3], axes=(0, 1)),
]  # fmt: skip


def _lengths(a: Any, s: Any, axes: Any) -> list[tuple[Any, int]]:
    """Return the length, None for the array's own, and the axis of each transform."""
    if axes is None:
        axes = range(-(np.ndim(a) if s is None else len(s)), 0)
    sizes = [None] * len(axes) if s is None else [None if n == -1 else n for n in s]
    return list(zip(sizes, axes, strict=True))


def _each(
    transform: Callable[..., Any], a: Any, pairs: Sequence[tuple[Any, int]], norm: Any
) -> Any:
    for n, axis in pairs:
        a = transform(a, n, axis, norm)
    return a


@composed(np.fft.fftn, samples=SEVERAL_AXES)
def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """Discrete Fourier transform along several axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> power = lambda x: np.sum(np.abs(np.fft.fftn(x)) ** 2)
    >>> cr.grad(power)(np.array([[1.0, 2.0]]))
    array([[4., 8.]])
    """
    return _each(np.fft.fft, a, _lengths(a, s, axes)[::-1], norm)


@composed(np.fft.ifftn, samples=SEVERAL_AXES)
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """Inverse of `fftn`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.real(np.fft.ifftn(x))[0, 0])(np.ones((1, 2)))
    array([[0.5, 0.5]])
    """
    return _each(np.fft.ifft, a, _lengths(a, s, axes)[::-1], norm)


@composed(np.fft.rfftn, samples=SEVERAL_AXES)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """Discrete Fourier transform of real numbers; of the last axis only half is kept.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.real(np.fft.rfftn(x))[0, 1])(np.ones((1, 2)))
    array([[ 1., -1.]])
    """
    *others, (n, last) = _lengths(a, s, axes)
    return _each(np.fft.fft, np.fft.rfft(a, n, last, norm), others[::-1], norm)


@composed(np.fft.irfftn, samples=SEVERAL_AXES)
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """Inverse of `rfftn`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.fft.irfftn(x)[0, 0])(np.ones((1, 2)))
    array([[0.5, 0.5]])
    """
    *others, (n, last) = _lengths(a, s, axes)
    return np.fft.irfft(_each(np.fft.ifft, a, others, norm), n, last, norm)


def _over_two_axes(function: Any, over_many: Any) -> None:
    def body(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
        return over_many(a, s, axes, norm)

    body.__name__ = function.__name__
    body.__doc__ = f"""`numpy.fft.{over_many.__name__}` along two axes, the last two by default.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.fft.{function.__name__}(cr.Tensor(np.ones((3, 2, 2)))).shape
    (3, 2, 2)
    """
    composed(function, samples=SEVERAL_AXES[:1] + SEVERAL_AXES[2:4])(body)


_over_two_axes(np.fft.fft2, np.fft.fftn)
_over_two_axes(np.fft.ifft2, np.fft.ifftn)
_over_two_axes(np.fft.rfft2, np.fft.rfftn)
_over_two_axes(np.fft.irfft2, np.fft.irfftn)


SHIFTS = [S((4,)), S((5,)), S((3, 4)), S((3, 4), axes=1), S((2, 3, 5), axes=(0, 2))]


@op(np.fft.fftshift, kind=linear, samples=SHIFTS)
def fftshift(g: Any, y: Any, x: Any, *, axes: Any = None) -> Any:
    """Move the zero frequency to the middle.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.fft.fftshift(x)[0])(np.zeros(3))
    array([0., 0., 1.])
    """
    return np.fft.ifftshift(g, axes)


@op(np.fft.ifftshift, kind=linear, samples=SHIFTS)
def ifftshift(g: Any, y: Any, x: Any, *, axes: Any = None) -> Any:
    """Undo `fftshift`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.fft.ifftshift(x)[0])(np.zeros(3))
    array([0., 1., 0.])
    """
    return np.fft.fftshift(g, axes)
