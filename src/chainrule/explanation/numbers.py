"""Numbers and arrays as an explanation writes them: small ones whole, large ones in words."""

from __future__ import annotations

from typing import Any

import numpy as np

WHOLE = 24  # elements up to which an array is written out
_DIGITS = 4


def number(value: Any, digits: int = _DIGITS) -> str:
    """Return a number with so many significant digits.

    Examples
    --------
    >>> number(0.123456), number(-2.0), number(1234567.0)
    ('0.1235', '-2', '1.235e+06')
    """
    if np.iscomplexobj(value):
        return f"{complex(value):.{digits}g}"
    if np.result_type(value).kind in "biu":
        return str(value.item() if isinstance(value, np.generic) else value)
    return f"{float(value) + 0.0:.{digits}g}"


def written(value: Any) -> str:
    """Return an array: whole if it is small, else its shape, norm and range.

    Examples
    --------
    >>> written(np.array([[1.0, 2.0], [3.0, 4.5]]))
    '[1, 2; 3, 4.5]'
    >>> written(np.zeros((10, 10)))
    '10×10, norm 0, from 0 to 0'
    """
    if isinstance(value, tuple):
        return "; ".join(map(written, value))
    array = np.asarray(value)
    if not array.ndim:
        return number(array[()])
    if array.size <= WHOLE and array.ndim <= 2:
        rows = np.atleast_2d(array)
        return f"[{'; '.join(', '.join(map(number, row)) for row in rows)}]"
    return f"{dimensions(array)}{_measures(array)}"


def _measures(array: Any) -> str:
    if not array.size:
        return ", empty"
    if array.dtype.kind not in "fiub":
        return ""
    wide = array.astype(np.float64)
    with np.errstate(all="ignore"):
        norm, low, high = np.sqrt(np.sum(wide * wide)), np.min(wide), np.max(wide)
    bad = array.size - int(np.isfinite(wide).sum())
    found = f", norm {number(norm)}, from {number(low)} to {number(high)}"
    return f"{found}, {bad} not finite" if bad else found


def dimensions(value: Any) -> str:
    """Return a shape such as ``3×4``; nothing for a single number."""
    return "×".join(map(str, np.shape(value)))


def facts_of(value: Any) -> Any:
    """Return a value as JSON has it: nested lists of a small array, measures of a large one."""
    if isinstance(value, tuple):
        return [facts_of(part) for part in value]
    array = np.asarray(value)
    if array.dtype.kind == "c":
        return {"shape": list(array.shape), "dtype": str(array.dtype)}
    if array.size <= WHOLE:
        wide = array.astype(np.float64) if array.dtype.kind == "f" else array
        return _finite_only(wide.tolist())
    wide = array.astype(np.float64)
    with np.errstate(all="ignore"):
        measures = {
            "norm": float(np.sqrt(np.sum(wide * wide))),
            "min": float(np.min(wide)),
            "max": float(np.max(wide)),
        }
    return {"shape": list(array.shape), **{k: _finite_only(v) for k, v in measures.items()}}


def _finite_only(value: Any) -> Any:
    """Return numbers that are not finite as text, which JSON has no numbers for."""
    if isinstance(value, list):
        return [_finite_only(item) for item in value]
    return value if not isinstance(value, float) or np.isfinite(value) else str(value)
