"""Functions that are piecewise constant: they return plain arrays and have no derivative.

In a trace they are recorded, for their results change with the inputs.
"""

from __future__ import annotations

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import constant

for _ufunc in (
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_xor, np.heaviside,
):  # fmt: skip
    constant(_ufunc, samples=[S((3, 2), (2,)), S((3,), 1.0)])
for _ufunc in (
    np.sign, np.floor, np.ceil, np.rint, np.trunc, np.isfinite, np.isnan, np.isinf, np.signbit,
    np.logical_not,
):  # fmt: skip
    constant(_ufunc, samples=[S((3, 2)), S(())])
for _function in (np.argmax, np.argmin, np.argsort, np.zeros_like, np.ones_like):
    constant(_function, samples=[S((3, 2)), S((4,))])
