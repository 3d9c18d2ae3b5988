"""Where the first NaN or infinity of a step of training came from."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from chainrule.autodiff.arguments import record
from chainrule.errors import NonFiniteError
from chainrule.graph import Tensor
from chainrule.graph.trace import ancestors
from chainrule.nn import Run, named_parameters
from chainrule.training.callbacks import State
from chainrule.training.rows import Rows
from chainrule.training.step import Gradients, Step

_REMEDY = "lower the learning rate, or clip the gradients with clip_norm="


def explain(step: Step, state: State, rows: Rows, places: Any, found: Gradients) -> str:
    """Return where the first number that is not finite appeared, by going through a step again.

    Parameters
    ----------
    step : Step
    state : State
        As before the step.
    rows : Rows
        All the data.
    places : int array
        The rows of the step's batch.
    found : Gradients
        What the step computed.
    """
    model = state.model
    for name, p in named_parameters(model).items():
        if not np.isfinite(p).all():
            return f"the parameter {name!r} was no longer finite after the step before; {_REMEDY}"
    run = Run(step.seed, state.step)
    with np.errstate(all="ignore"):
        result = record(step.objective, (model, rows.take(places), run), {}, 0).result
    if isinstance(result, Tensor):
        for t in ancestors([result], everything=True):
            if not _finite(t._value):
                return f"{_birth(t)}{_row(t, step, state, rows, places)}; {_REMEDY}"
    gradients = named_parameters(found.tree)
    wrong = [name for name, g in gradients.items() if not np.isfinite(g).all()]
    if not wrong:
        return f"the loss is {found.loss}, the gradients' norm {found.norm}; {_REMEDY}"
    others = f" and of {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f"the gradient of the parameter {wrong[-1]!r}{others} is not finite; {_REMEDY}"


def _row(t: Tensor, step: Step, state: State, rows: Rows, places: Any) -> str:
    """Name the row to blame: one of some that are not finite, and is not finite alone either."""
    value = t._value
    if not isinstance(value, np.ndarray) or len(value) != len(places):
        return ""
    wrong = ~np.isfinite(value).reshape(len(value), -1).all(axis=1)
    if wrong.all():
        return ""
    place = places[int(np.argmax(wrong))]
    run = Run(step.seed, state.step)
    try:
        with np.errstate(all="ignore"):
            alone = step.objective(state.model, rows.take(np.array([place])), run)
    except Exception:  # a loss or a layer may need more rows than one
        return ""
    number = place if rows.numbers is None else rows.numbers[place]
    return "" if np.isfinite(alone) else f"; first in row {number} of the data, counted from 0"


def _finite(value: Any) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return all(np.isfinite(part).all() for part in parts)


def _birth(t: Tensor) -> str:
    """Describe the op that made the first number that is not finite."""
    if t.op is None:
        return f"{t.label()} is not finite"
    file, line = t.site
    value = np.asarray(t._value[0] if isinstance(t._value, tuple) else t._value)
    wrong = value[~np.isfinite(value)]
    kind = f"{wrong.size} of {value.size} numbers, such as {wrong[0]}" if wrong.size else ""
    layer = _layer(t)
    where = f" in or after the layer {layer!r}" if layer else ""
    return f"{t.op.name}{where} gave numbers that are not finite ({kind}) [{file}:{line}]"


def _layer(t: Tensor) -> str:
    """Return the path of the layer whose parameters were used last on the way to a tensor."""
    for ancestor in reversed(ancestors([t])):
        for x in ancestor.inputs:
            if isinstance(x, Tensor) and x.op is None and x.name and "." in x.name:
                return x.name.partition(".")[2].rpartition(".")[0]
    return ""


def refuse(step: Step, state: State, rows: Rows, places: Any, found: Gradients) -> NoReturn:
    """Raise the error for a step whose loss or gradients are not finite; see `explain`.

    Raises
    ------
    NonFiniteError
    """
    cause = explain(step, state, rows, places, found)
    what = (
        f"the loss is {found.loss}" if not np.isfinite(found.loss) else "a gradient is not finite"
    )
    raise NonFiniteError(f"step {state.step + 1}, in epoch {state.epoch + 1}: {what}: {cause}")
