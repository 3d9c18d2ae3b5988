"""Where the first NaN or infinity of a step of training came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.autodiff.arguments import record
from chainrule.errors import NonFiniteError
from chainrule.graph import Tensor
from chainrule.graph.trace import ancestors
from chainrule.nn import Module, Run, named_parameters
from chainrule.training.rows import Rows
from chainrule.training.step import Gradients, Step

_REMEDY = "lower the learning rate, or clip the gradients with clip_norm="


def explain(step: Step, model: Module, batch: Rows, number: int, found: Gradients) -> str:
    """Return where the first number that is not finite appeared, by going through a step again.

    Parameters
    ----------
    step : Step
    model : Module
        As before the step.
    batch : Rows
    number : int
        Of the step, counted from 0.
    found : Gradients
        What the step computed.
    """
    for name, p in named_parameters(model).items():
        if not np.isfinite(p).all():
            return f"the parameter {name!r} was no longer finite after the step before; {_REMEDY}"
    with np.errstate(all="ignore"):
        result = record(step.objective, (model, batch, Run(step.seed, number)), {}, 0).result
    if isinstance(result, Tensor):
        for t in ancestors([result], everything=True):
            if not _finite(t._value):
                return f"{_birth(t)}; {_REMEDY}"
    gradients = named_parameters(found.tree)
    wrong = [name for name, g in gradients.items() if not np.isfinite(g).all()]
    if not wrong:
        return f"the loss is {found.loss}, the gradients' norm {found.norm}; {_REMEDY}"
    others = f" and of {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f"the gradient of the parameter {wrong[-1]!r}{others} is not finite; {_REMEDY}"


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


def refuse(
    step: Step, model: Module, batch: Rows, number: int, epoch: int, found: Gradients
) -> None:
    """Raise the error for a step whose loss or gradients are not finite.

    Raises
    ------
    NonFiniteError
    """
    cause = explain(step, model, batch, number, found)
    what = (
        f"the loss is {found.loss}" if not np.isfinite(found.loss) else "a gradient is not finite"
    )
    raise NonFiniteError(f"step {number + 1}, in epoch {epoch + 1}: {what}: {cause}")
