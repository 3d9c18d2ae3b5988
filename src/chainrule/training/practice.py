"""What is done to a step beside the loss, its gradient and the update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, ClassVar

import numpy as np

from chainrule.constraints import COUNT, NON_NEGATIVE, POSITIVE, Interval, check
from chainrule.errors import DtypeError
from chainrule.graph.tree import flatten, map_leaves, paths
from chainrule.nn import (
    Module,
    Run,
    l1_penalty,
    l2_penalty,
    max_norm,
    named_parameters,
    with_weight_noise,
)
from chainrule.nn.regularisation import Amount, amounts
from chainrule.optim import Optimizer, clip_grad_value
from chainrule.optim.optimizer import weak
from chainrule.training.evaluate import Loss, loss_of
from chainrule.training.rows import Rows


@dataclass(frozen=True)
class Practice:
    """Regularisation and gradient practice; see `fit`, whose arguments these are."""

    clip_norm: float | None = None
    clip_value: float | None = None
    accumulate: int = 1
    l1: Amount = 0.0
    l2: Amount = 0.0
    max_norm: Amount | None = None
    weight_noise: Amount = 0.0
    mixup: float = 0.0

    allowed: ClassVar[Mapping[str, Interval]] = {
        "clip_norm": POSITIVE,
        "clip_value": POSITIVE,
        "accumulate": COUNT,
        "mixup": NON_NEGATIVE,
    }
    by_parameter: ClassVar[Mapping[str, Interval]] = {
        "l1": NON_NEGATIVE,
        "l2": NON_NEGATIVE,
        "max_norm": POSITIVE,
        "weight_noise": NON_NEGATIVE,
    }

    def __post_init__(self) -> None:
        check("fit", self.allowed, {k: v for k, v in vars(self).items() if v is not None})

    def check(self, model: Module, rows: Rows) -> None:
        """Refuse what does not fit a network and its data.

        Raises
        ------
        ArgumentError
            If a number is outside its range, or the network has no parameter of a name.
        DtypeError
            If inputs are to be mixed that are no floating-point numbers.
        """
        for name, interval in self.by_parameter.items():
            amount = getattr(self, name)
            if amount is not None:
                amounts(model, amount, name, interval, "fit")
        leaves, structure = flatten(rows.X)
        for leaf, name in zip(leaves, paths(structure, "X"), strict=True):
            if self.mixup and leaf.dtype.kind != "f":
                raise DtypeError(
                    f"fit: mixup mixes the inputs of two rows, and {name} holds {leaf.dtype}, not "
                    "floating-point numbers: convert it with .astype(np.float32) if its numbers "
                    "are quantities, or leave mixup out"
                )

    def loss(self, loss: Loss, model: Module, batch: Rows, run: Run) -> Any:
        """Return the loss of a network in training on a batch, its penalties aside."""
        noisy = with_weight_noise(model, self.weight_noise, run) if self.weight_noise else model
        if self.mixup:
            return mixup_loss(loss, noisy, batch, self.mixup, run)
        return loss_of(loss, noisy(batch.X, run), batch)

    def penalised(self, loss: Any, model: Module) -> Any:
        """Return a loss with the penalties added."""
        for amount, penalty in ((self.l1, l1_penalty), (self.l2, l2_penalty)):
            loss = loss + penalty(model, amount) if amount else loss
        return loss

    def clipped(self, g: Any, norm: Any) -> Any:
        """Return a gradient within the limits, of all gradients' common norm and of each element.

        Both hold, for elements that are limited last make no norm larger.
        """
        if self.clip_norm is not None:
            g = g * weak(np.minimum(1.0, self.clip_norm / (norm + 1e-6)), g)
        return g if self.clip_value is None else clip_grad_value(g, self.clip_value)

    def limits(self, model: Module) -> dict[str, float]:
        """Return the largest norm of a unit's incoming weights, by name of a parameter."""
        return {} if self.max_norm is None else amounts(model, self.max_norm, "max_norm", POSITIVE)

    def rules(self, optimizer: Optimizer, model: Module) -> dict[str, Optimizer]:
        """Return the optimizer of each parameter, which keeps its norm where that is limited."""
        limits = self.limits(model)
        if not limits:
            return dict.fromkeys(named_parameters(model), optimizer)
        from chainrule.optim.wrappers import constrained

        return {
            name: constrained(optimizer, partial(max_norm, limit=limits[name]))
            if name in limits else optimizer
            for name in named_parameters(model)
        }  # fmt: skip

    def settings(self) -> dict[str, Any]:
        """Return what differs from the defaults, JSON-able."""
        found: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Mapping):
                found[field.name] = {name: float(x) for name, x in value.items()}
            elif value is not None and value != field.default:
                found[field.name] = float(value)
        return found


def mixup_loss(loss: Loss, model: Module, batch: Rows, alpha: float, run: Run) -> Any:
    """Return the loss of a network on mixtures of the rows of a batch.

    Zhang, Cissé, Dauphin and Lopez-Paz, "mixup: beyond empirical risk minimization" (ICLR 2018):
    inputs are ``share * own + (1 - share) * other``, and so are the losses for the own and the
    other's targets, each with its own weights. The share is one draw a batch from the beta
    distribution of two parameters `alpha`; the other row is that at the same place counted from
    the end, for batches come in random order as it is.

    Parameters
    ----------
    loss : callable
        See `fit`.
    model : Module
    batch : Rows
        Inputs are floating-point numbers.
    alpha : float > 0
    run : Run
    """
    share = run.beta(alpha)
    X, y, weight = map_leaves(lambda a: np.flip(a, 0), (batch.X, batch.y, batch.weight))
    outputs = model(map_leaves(lambda own, other: _mixed(share, own, other), batch.X, X), run)
    others = Rows(X, y, weight, batch.dtype)
    return _mixed(share, loss_of(loss, outputs, batch), loss_of(loss, outputs, others))


def _mixed(share: Any, own: Any, other: Any) -> Any:
    part = weak(share, own)
    return part * own + (1.0 - part) * other
