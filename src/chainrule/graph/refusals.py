"""What is said when a call cannot be recorded, or its operands do not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


# What a forward pass may raise because of its operands.
FAILURES = (ValueError, IndexError, TypeError, np.linalg.LinAlgError)


def explained(
    error: Exception,
    op: Op,
    names: Sequence[str | None],
    values: Sequence[Any],
    params: Mapping[str, Any],
    site: tuple[str, int] | None = None,
) -> Exception:
    """Return a forward pass's error with the operands' names and shapes and the user's line."""
    if isinstance(error, ChainruleError):
        return error
    if not op.is_constant and _misfit(op, values, params):
        words = ", ".join([*op.inputs, *(f"{name}={v!r}" for name, v in op.defaults.items())])
        return UnsupportedError(f"call {op.name}({words}), its settings by keyword: {error}")
    file, line = site or describe(*user_site())
    labels = [name or op.input_name(position) for position, name in enumerate(names)]
    words = ", ".join(f"{x} {np.shape(v)}" for x, v in zip(labels, values, strict=True))
    remedy = _shape_remedy(op, labels, values, params)
    text = f"{op.name} of {words}: {error} [{file}:{line}]{remedy}"
    if isinstance(error, np.linalg.LinAlgError):
        return np.linalg.LinAlgError(text)
    if isinstance(error, TypeError):
        return DtypeError(text)
    return IndexError(text) if isinstance(error, IndexError) else ShapeError(text)


def _misfit(op: Op, values: Sequence[Any], params: Mapping[str, Any]) -> bool:
    """Return whether an op was called with arguments that it does not take."""
    too_many = len(values) > len(op.inputs) and not op.variadic
    return too_many or not params.keys() <= op.defaults.keys()


def _shape_remedy(
    op: Op, labels: Sequence[str], values: Sequence[Any], params: Mapping[str, Any]
) -> str:
    """Return a repair found by trying: transposes, and axes added, on examples of the shapes."""
    if len(values) != 2 or not all(isinstance(v, np.ndarray) for v in values):
        return ""
    a, b = (np.broadcast_to(np.ones((), v.dtype), v.shape) for v in values)
    first, second = labels
    trials = (
        (a, b.T, f"{second}.T"),
        (a.T, b, f"{first}.T"),
        (a[..., None], b, f"{first}[..., None]"),
        (a, b[..., None], f"{second}[..., None]"),
    )
    for left, right, words in trials:
        try:
            op.forward(left, right, **params)
        except (ValueError, IndexError, TypeError):
            continue
        return f"; it would fit with {words}"
    return ""
