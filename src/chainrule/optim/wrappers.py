"""Optimizers around optimizers: lookahead and averaged weights."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.constraints import COUNT, FRACTION, Instance, Interval
from chainrule.optim.adam import Adam
from chainrule.optim.common import is_whole, mean
from chainrule.optim.optimizer import Allowed, Optimizer, Samples, Slots, weak
from chainrule.optim.sgd import SGD


@dataclass(frozen=True)
class Wrapper(Optimizer):
    """Base of the optimizers around another, whose learning rate is theirs.

    So is its `lazy`; but those that predict with averages refuse True, for a step adds something to
    the average of a row whether or not it is looked up.

    What the inner one remembers is among their slots as ``inner.NAME``, so that no name is taken
    twice.

    Parameters
    ----------
    inner : Optimizer
    """

    lr: float = field(init=False, repr=False)
    lazy: bool | str = field(init=False, repr=False)
    inner: Optimizer
    allowed: ClassVar[Allowed] = {"inner": Instance(Optimizer, "an optimizer")}

    def __post_init__(self) -> None:
        self._check("inner", self.inner, self.allowed["inner"])
        object.__setattr__(self, "lr", self.inner.lr)
        object.__setattr__(self, "lazy", self.inner.lazy)
        super().__post_init__()

    def hyperparameters(self) -> dict[str, Any]:
        """Return the hyper-parameters by name, those of the inner optimizer too."""
        return self.inner.hyperparameters() | super().hyperparameters()

    def _changed(self, hyperparameters: Mapping[str, Any]) -> Self:
        own = {k: v for k, v in hyperparameters.items() if k in self._arguments()}
        others = {k: v for k, v in hyperparameters.items() if k not in own}
        changed = replace(self, **own)
        return replace(changed, inner=changed.inner.changed(**others)) if others else changed

    def start(self, p: Any) -> Slots:
        """Return what the inner optimizer starts from, and what `remember` does."""
        return _outer(self.inner.start(p)) | self.remember(p)

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        new, kept = self.inner.rule(p, g, inner_slots(slots), step, lr)
        p, own = self.after(new, kept, slots, step)
        return p, _outer(kept) | own

    def result(self, p: Any, slots: Slots) -> Any:
        """Return what the inner optimizer answers."""
        return self.inner.result(p, inner_slots(slots))

    @abstractmethod
    def remember(self, p: Any) -> Slots:
        """Return the slots of the wrapper itself before the first update."""

    @abstractmethod
    def after(self, p: Any, inner: Slots, slots: Slots, step: Any) -> tuple[Any, Slots]:
        """Return the parameter and the wrapper's own slots, once the inner rule is applied.

        Parameters
        ----------
        p : array
            The parameter after the inner rule.
        inner : dict of str to array
            The inner optimizer's slots after it.
        slots : dict of str to array
            All slots before it.
        step : int
            Number of this update, counted from 1.
        """


def _outer(slots: Slots) -> Slots:
    return {f"inner.{name}": slot for name, slot in slots.items()}


def inner_slots(slots: Slots) -> Slots:
    """Return the slots of the optimizer that is wrapped."""
    start = "inner."
    return {name[len(start) :]: x for name, x in slots.items() if name.startswith(start)}


@dataclass(frozen=True)
class Lookahead(Wrapper):
    """Lookahead: slow weights that follow the fast ones of another optimizer.

    Zhang, Lucas, Hinton and Ba, "Lookahead optimizer: k steps forward, 1 step back" (NeurIPS 2019),
    algorithm 1: after every `k` updates of the inner optimizer ``slow += alpha * (p - slow)``, from
    where it goes on, ``p = slow``. What the inner optimizer remembers stays as it is. Predictions
    are made with the slow weights.

    Parameters
    ----------
    inner : Optimizer
    k : int >= 1
    alpha : float in (0, 1]

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = Lookahead(SGD(lr=0.1), k=2)
    >>> p, slots = opt.rule(1.0, 1.0, opt.start(1.0), step=1, lr=0.1)
    >>> round(float(p), 6), round(float(slots["slow"]), 6)
    (0.9, 1.0)
    >>> p, slots = opt.rule(p, 1.0, slots, step=2, lr=0.1)
    >>> round(float(p), 6), round(float(slots["slow"]), 6)
    (0.9, 0.9)
    """

    k: int = 5
    alpha: float = 0.5
    allowed: ClassVar[Allowed] = {
        **Wrapper.allowed,
        "k": COUNT,
        "alpha": Interval(0, 1, "right"),
    }
    samples: ClassVar[Samples] = (
        {"inner": Adam(lr=0.1)},
        {"inner": SGD(lr=0.05, momentum=0.9), "k": 3, "alpha": 0.8},
    )

    def remember(self, p: Any) -> Slots:
        """Return slow weights that are the parameter."""
        return {"slow": np.array(p)}

    def after(self, p: Any, inner: Slots, slots: Slots, step: Any) -> tuple[Any, Slots]:
        """Return the parameter and the slow weights."""
        meets = is_whole(step / self.k)
        slow = np.where(meets, slots["slow"] + self.alpha * (p - slots["slow"]), slots["slow"])
        return np.where(meets, slow, p), {"slow": slow}

    def result(self, p: Any, slots: Slots) -> Any:
        """Return the slow weights."""
        return slots["slow"]


@dataclass(frozen=True)
class Average(Wrapper):
    """Base of the averages of weights, with which predictions are made.

    Updates go on as if there were no average. What is averaged is what the inner optimizer would
    predict with. Running statistics, such as `chainrule.nn.BatchNorm` has, are those of the weights
    that are trained, not of the average, as with PyTorch's ``AveragedModel``;
    `chainrule.training.update_bn` takes them anew.

    Parameters
    ----------
    inner : Optimizer
    after_steps : int >= 0
        Updates before averaging begins; until the first average predictions are made with the
        weights themselves.
    every : int >= 1
        Of how many updates the weights of the last are averaged.
    """

    after_steps: int = field(default=0, kw_only=True)
    every: int = field(default=1, kw_only=True)
    allowed: ClassVar[Allowed] = {
        **Wrapper.allowed,
        "after_steps": Interval(0, float("inf"), integer=True),
        "every": COUNT,
    }

    def remember(self, p: Any) -> Slots:
        """Return an average that is the parameter."""
        return {"average": np.array(p)}

    def after(self, p: Any, inner: Slots, slots: Slots, step: Any) -> tuple[Any, Slots]:
        """Return the parameter as it is, and the average."""
        n = (step - self.after_steps) / self.every  # a whole number where there is one to average
        value, old = self.inner.result(p, inner), slots["average"]
        more = self.averaged(old, value, weak(np.maximum(n, 1.0), p))
        kept = np.where(is_whole(n), more, old)
        return p, {"average": np.where(np.less_equal(n, 1.0), value, kept)}

    def result(self, p: Any, slots: Slots) -> Any:
        """Return the average."""
        return slots["average"]

    @abstractmethod
    def averaged(self, old: Any, new: Any, n: Any) -> Any:
        """Return the average of `n` values, from that of the first ``n - 1`` and the last."""


@dataclass(frozen=True)
class EMA(Average):
    """An exponential moving average of the weights, with which predictions are made.

    ``average = decay * average + (1 - decay) * p``, after the first update ``average = p``: the
    numbers of PyTorch's ``AveragedModel`` with ``get_ema_avg_fn``. Polyak and Juditsky,
    "Acceleration of stochastic approximation by averaging" (SIAM J. Control Optim. 1992), for the
    equal mean.

    Parameters
    ----------
    inner : Optimizer
    decay : float in [0, 1)
        About ``1 / (1 - decay)`` updates are remembered: choose fewer than are made.
    after_steps : int >= 0
        Updates before averaging begins.
    every : int >= 1
        Of how many updates the weights of the last are averaged.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = EMA(SGD(lr=0.1), decay=0.5)
    >>> w = np.array([1.0])
    >>> state = opt.init(w)
    >>> for _ in range(3):
    ...     w, state = opt.update(w, np.array([1.0]), state)
    >>> np.round(w, 3), np.round(opt.result(w, state["slots"][""]), 3)
    (array([0.7]), array([0.775]))
    """

    decay: float = 0.999
    allowed: ClassVar[Allowed] = {**Average.allowed, "decay": FRACTION}
    samples: ClassVar[Samples] = (
        {"inner": Adam(lr=0.1), "decay": 0.9},
        {"inner": SGD(lr=0.05), "decay": 0.5, "after_steps": 4, "every": 3},
        {"inner": Lookahead(SGD(lr=0.05)), "decay": 0.8},
    )

    def averaged(self, old: Any, new: Any, n: Any) -> Any:
        """Return the moving average."""
        return mean(old, new, self.decay)


@dataclass(frozen=True)
class SWA(Average):
    """Stochastic weight averaging: predictions are made with the equal mean of past weights.

    Izmailov, Podoprikhin, Garipov, Vetrov and Wilson, "Averaging weights leads to wider optima and
    better generalization" (UAI 2018), algorithm 1: after every `every` updates ``average += (p -
    average) / n``, `n` counting the averaged. The paper begins when most of the training is done,
    with a learning rate that stays high or rises and falls, and averages once an epoch.

    Parameters
    ----------
    inner : Optimizer
    after_steps : int >= 0
        Updates before averaging begins.
    every : int >= 1
        Of how many updates the weights of the last are averaged.

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> opt = SWA(SGD(lr=0.1))
    >>> w = np.array([1.0])
    >>> state = opt.init(w)
    >>> for _ in range(3):
    ...     w, state = opt.update(w, np.array([1.0]), state)
    >>> np.round(w, 3), np.round(opt.result(w, state["slots"][""]), 3)
    (array([0.7]), array([0.8]))
    """

    samples: ClassVar[Samples] = (
        {"inner": SGD(lr=0.05, momentum=0.5)},
        {"inner": Adam(lr=0.1), "after_steps": 10, "every": 4},
    )

    def averaged(self, old: Any, new: Any, n: Any) -> Any:
        """Return the equal mean."""
        return old + (new - old) / n


@dataclass(frozen=True)
class Constrained(Optimizer):
    """An optimizer each of whose updates ends in a constraint, with the same slots."""

    lr: float = field(init=False, repr=False)
    inner: Optimizer
    constraint: Callable[[Any], Any]
    allowed: ClassVar[Allowed] = {"inner": Instance(Optimizer, "an optimizer")}

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "lr", self.inner.lr)

    def start(self, p: Any) -> Slots:
        """Return what the inner optimizer starts from."""
        return self.inner.start(p)

    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the parameter after one update."""
        new, kept = self.inner.rule(p, g, slots, step, lr)
        return self.constraint(new), kept

    def result(self, p: Any, slots: Slots) -> Any:
        """Return what the inner optimizer answers."""
        return self.inner.result(p, slots)


def constrained(optimizer: Optimizer, constraint: Callable[[Any], Any]) -> Optimizer:
    """Return an optimizer whose parameters fulfil a constraint after every update.

    An average is one of parameters that do, so that it does too if they form a convex set.

    Parameters
    ----------
    optimizer : Optimizer
    constraint : callable
        From a parameter to the nearest that is allowed.

    Examples
    --------
    >>> opt = constrained(SGD(lr=1.0), lambda p: np.minimum(p, 2.0))
    >>> opt.update(np.zeros(2), np.array([-1.0, -5.0]), opt.init(np.zeros(2)))[0]
    array([1., 2.])
    """
    if isinstance(optimizer, Average):
        return replace(optimizer, inner=constrained(optimizer.inner, constraint))
    return Constrained(optimizer, constraint)
