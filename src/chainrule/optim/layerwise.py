"""Rules that look at a parameter as a whole: its norm, or its singular values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from chainrule.constraints import (
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    TRUTH,
    Instance,
    Interval,
    OneOf,
)
from chainrule.errors import ArgumentError
from chainrule.optim.adam import AdamW, Moments
from chainrule.optim.common import mean, norm, shrunk, weight_of_mean
from chainrule.optim.optimizer import Allowed, Optimizer, Samples, Slots, weak

_FINITE = Interval(-math.inf, math.inf, "neither")


@dataclass(frozen=True)
class LAMB(Moments):
    """LAMB, Adam's move scaled to the norm of the parameter, for large batches.

    You, Li, Reddi, Hseu, Kumar, Bhojanapalli, Song, Demmel, Keutzer and Hsieh, "Large batch
    optimization for deep learning: training BERT in 76 minutes" (ICLR 2020), algorithm 2:

    ``r = (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps) + weight_decay * p``,
    ``p -= lr * norm(p) / norm(r) * r``.

    Each parameter is what the paper calls a layer, biases too. Where one of the norms is zero, as
    that of a bias may be at the start, their ratio is taken as 1, as in the authors' program.

    Parameters
    ----------
    lr : float > 0
    betas : two floats in [0, 1)
        As in `Adam`.
    eps : float >= 0
    weight_decay : float >= 0
        Factor of the parameter that is added to the move before it is scaled.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = LAMB(lr=0.1, weight_decay=0.0)
    >>> p = np.array([3.0, 4.0])
    >>> p, _ = opt.rule(p, np.array([0.0, 7.0]), opt.start(p), step=1, lr=0.1)
    >>> np.round(p, 4)
    array([3. , 3.5])
    """

    eps: float = 1e-6
    weight_decay: float = 1e-2
    samples: ClassVar[Samples] = (
        {},
        {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.0},
        {"lr": 0.05, "weight_decay": 0.1},
    )

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        m, v = self.moments(g, slots)
        upper, lower = (weak(1.0 / weight_of_mean(beta, step), p) for beta in self.betas)
        move = m * upper / (np.sqrt(v * lower) + self.eps) + self.weight_decay * p
        length, size = norm(p), norm(move)
        usable = np.logical_and(length > 0.0, size > 0.0)
        trust = np.where(usable, length / np.where(usable, size, 1.0), 1.0)
        return p - lr * trust * move, {"m": m, "v": v}


@dataclass(frozen=True)
class Muon(Optimizer):
    """Muon, momentum made orthogonal, for matrices; other parameters follow a rule of their own.

    Jordan, Jin, Boza, You, Cesista, Newhouse and Bernstein, "Muon: an optimizer for hidden layers
    in neural networks" (2024), with PyTorch's names, defaults and formulas:
    ``b = momentum * b + (1 - momentum) * g``; with Nesterov's momentum ``b`` is carried one step
    ahead, ``u = momentum * b + (1 - momentum) * g``, otherwise ``u = b``; then

    ``p -= lr * weight_decay * p``, ``p -= lr * scale * orthogonal(u)``.

    For ``u = U S V.T``, its singular value decomposition, ``orthogonal(u)`` is close to ``U V.T``:
    ``X = u / norm(u)``, then `ns_steps` times ``X = a X + b (X X.T) X + c (X X.T)**2 X``, which
    brings singular values to between about 0.7 and 1.2. PyTorch carries that out in bfloat16, with
    two digits; here it has the precision of the parameters.

    A parameter with any number of axes but two, such as a bias, follows `other`, as in the
    authors' program. They advise that for embeddings and for the weights of the last layer too,
    which are matrices like others here.

    Parameters
    ----------
    lr : float > 0
        Of matrices.
    weight_decay : float >= 0
        Of matrices; apart from the gradient, as in `AdamW`.
    momentum : float in [0, 1)
    nesterov : bool
    ns_coefficients : three floats
        ``a``, ``b`` and ``c`` of the iteration of Newton and Schulz.
    eps : float > 0
        What the norm is at least.
    ns_steps : int in [1, 100)
    adjust_lr_fn : {"original", "match_rms_adamw"}
        The scale of a matrix of r rows and c columns: ``sqrt(max(1, r / c))``, or
        ``0.2 * sqrt(max(r, c))``, which gives a step the size of AdamW's (Liu and others, "Muon is
        scalable for LLM training", 2025, section 2.2). PyTorch's None is "original".
    other : Optimizer
        The rule of all but matrices, with its own learning rate; a schedule scales both alike.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = Muon(lr=0.1, weight_decay=0.0)
    >>> p = np.eye(2)
    >>> p, slots = opt.rule(p, np.diag([5.0, 0.5]), opt.start(p), step=1, lr=0.1)
    >>> np.round(np.diag(p), 1)
    array([0.9, 0.9])
    >>> list(slots), list(opt.start(np.ones(3)))
    (['momentum'], ['m', 'v'])
    """

    lr: float = 1e-3
    weight_decay: float = 0.1
    momentum: float = 0.95
    nesterov: bool = True
    ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315)
    eps: float = 1e-7
    ns_steps: int = 5
    adjust_lr_fn: str = "original"
    other: Optimizer = field(
        default=AdamW(lr=3e-4, betas=(0.9, 0.95), eps=1e-10, weight_decay=0.0), kw_only=True
    )
    allowed: ClassVar[Allowed] = {
        "lr": POSITIVE,
        "weight_decay": NON_NEGATIVE,
        "momentum": FRACTION,
        "nesterov": TRUTH,
        "ns_coefficients": (_FINITE, _FINITE, _FINITE),
        "eps": POSITIVE,
        "ns_steps": Interval(1, 100, integer=True),
        "adjust_lr_fn": OneOf(("original", "match_rms_adamw")),
        "other": Instance(Optimizer, "an optimizer"),
    }
    samples: ClassVar[Samples] = (
        {},
        {"lr": 0.05, "momentum": 0.8, "nesterov": False, "weight_decay": 0.0, "ns_steps": 3},
        {"lr": 0.05, "adjust_lr_fn": "match_rms_adamw", "other": AdamW(lr=0.05)},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.other.lazy:
            raise ArgumentError(
                f"Muon: lazy={self.other.lazy!r} of other has no effect, for tables are matrices, "
                "which have Muon's own rule: leave it out"
            )

    def start(self, p: Any) -> Slots:
        """Return a momentum of zero, or what `other` starts from."""
        return {"momentum": np.zeros_like(p)} if np.ndim(p) == 2 else self.other.start(p)

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        if np.ndim(p) != 2:
            return self.other.rule(p, g, slots, step, lr * (self.other.lr / self.lr))
        momentum = mean(slots["momentum"], g, self.momentum)
        ahead = mean(momentum, g, self.momentum) if self.nesterov else momentum
        move = self._scale(*np.shape(p)) * self.orthogonal(ahead)
        return shrunk(p, lr, self.weight_decay) - lr * move, {"momentum": momentum}

    def result(self, p: Any, slots: Slots) -> Any:
        """Return a matrix itself, and of another parameter what `other` makes of it."""
        return p if np.ndim(p) == 2 else self.other.result(p, slots)

    def _scale(self, rows: int, columns: int) -> float:
        if self.adjust_lr_fn == "original":
            return math.sqrt(max(1.0, rows / max(1, columns)))
        return 0.2 * math.sqrt(max(rows, columns))

    def orthogonal(self, u: Any) -> Any:
        """Return a matrix with the singular vectors of another, and singular values of about 1."""
        rows, columns = np.shape(u)
        x = u.T if rows > columns else u
        x = x / np.maximum(norm(x), self.eps)
        a, b, c = self.ns_coefficients
        for _ in range(self.ns_steps):
            square = x @ x.T
            x = a * x + (b * square + c * (square @ square)) @ x
        return x.T if rows > columns else x
