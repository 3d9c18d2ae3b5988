"""What is said when a call cannot be recorded, or its operands do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from chainrule.errors import ChainruleError, DtypeError, ShapeError, UnsupportedError
from chainrule.graph.op import Op
from chainrule.graph.site import describe, user_site


def refuse(name: str) -> NoReturn:
    """Refuse a function whose derivative is not known."""
    raise UnsupportedError(
        f"{name} is not supported on a Tensor, for its derivative would be lost: "
        "use a supported function, declare your own with chainrule.op, or detach with .value"
    )


def refuse_write(name: str) -> NoReturn:
    """Refuse to write a recorded result into an array."""
    raise UnsupportedError(
        f"{name}: a recorded result cannot be written into an array (out=, or array += tensor): "
        "write array = array + tensor"
    )


def explained(
    error: Exception, op: Op, names: Sequence[str | None], values: Sequence[Any]
) -> Exception:
    """Return a forward pass's error with the operands' names and shapes and the user's line."""
    if isinstance(error, ChainruleError):
        return error
    file, line = describe(*user_site())
    words = [
        f"{name or op.input_name(position)} {np.shape(value)}"
        for position, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    remedy = _shape_remedy(op, values)
    text = f"{op.name} of {', '.join(words)}: {error} [{file}:{line}]{remedy}"
    if isinstance(error, np.linalg.LinAlgError):
        return np.linalg.LinAlgError(text)
    if isinstance(error, TypeError):
        return DtypeError(text)
    return IndexError(text) if isinstance(error, IndexError) else ShapeError(text)


def _shape_remedy(op: Op, values: Sequence[Any]) -> str:
    """Return a repair found by trying: transposes, and axes added, on examples of the shapes."""
    if len(values) != 2 or not all(isinstance(v, np.ndarray) for v in values):
        return ""
    a, b = (np.broadcast_to(np.ones((), v.dtype), v.shape) for v in values)
    first, second = op.input_name(0), op.input_name(1)
    trials = (
        (a, b.T, f"{second}.T"),
        (a.T, b, f"{first}.T"),
        (a[..., None], b, f"{first}[..., None]"),
        (a, b[..., None], f"{second}[..., None]"),
    )
    for left, right, words in trials:
        try:
            op.forward(left, right)
        except (ValueError, IndexError, TypeError):
            continue
        return f"; it would fit with {words}"
    return ""
