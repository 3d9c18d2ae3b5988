"""Complex intermediate values: their parts, conjugates and angles.

Variables and results are real. In between, the gradient ``g`` of a complex value ``y`` is the
complex number for which the result changes by ``real(g * dy)``: a function that is holomorphic
has the same rule as over the reals, without conjugates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import composed, linear, op
from chainrule.ops.arithmetic import ONE


@op(np.conjugate, kind=linear, samples=ONE)
def conjugate(g: Any, y: Any, x: Any) -> Any:
    """Complex conjugate.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.imag(np.conjugate(1j * x)))(2.0)
    np.float64(-1.0)
    """
    return np.conjugate(g)


@op(np.real, kind=linear, samples=ONE)
def real(g: Any, y: Any, x: Any) -> Any:
    """Real part.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.real((x + 1j) ** 2))(3.0)
    np.float64(6.0)
    """
    return g


@op(np.imag, kind=linear, samples=ONE)
def imag(g: Any, y: Any, x: Any) -> Any:
    """Imaginary part.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.imag(np.exp(1j * x)))(0.0)
    np.float64(1.0)
    """
    return g * -1j if np.iscomplexobj(x) else np.zeros_like(g)


@composed(np.angle, samples=[S((3, 4), smooth=False), S((2,), deg=True, smooth=False)])
def angle(z: Any, deg: bool = False) -> Any:
    """Angle of a complex number, in radians or degrees.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.angle(np.exp(1j * x)))(0.5)
    np.float64(1.0)
    """
    radians = np.arctan2(np.imag(z), np.real(z))
    return np.rad2deg(radians) if deg else radians
