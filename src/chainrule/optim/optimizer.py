"""`Optimizer`: an update rule of one parameter, applied to every leaf of a tree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from chainrule.constraints import POSITIVE, Constraint, check
from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph import Tensor
from chainrule.graph.tree import flatten, paths, unflatten
from chainrule.ops.broadcast import cast
from chainrule.optim.rows import check_lazy

Slots = dict[str, Any]
State = dict[str, Any]
Tree = TypeVar("Tree")
Allowed = Mapping[str, Constraint | tuple[Constraint, ...]]
Samples = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Optimizer(ABC):
    """Base of the update rules.

    A subclass declares its hyper-parameters as fields, their ranges in `allowed`, and implements
    `start` and `rule`. Nothing is changed in place: an update returns new parameters and a new
    state. `chainrule.testing.check_optimizer` tries all that is promised of each.

    Parameters
    ----------
    lr : float > 0
        Learning rate.
    lazy : {False, True, "exact"}
        What `chainrule.training.fit` does with a table of which rows are looked up and nothing else
        is read, such as that of `chainrule.nn.Embedding`. False: the rule updates all rows at every
        step. True: only those that the step looked up, as ``torch.optim.SparseAdam`` does; the
        others stay, with all that is remembered of them, and weight decay is theirs when they are
        looked up. "exact": the same, but a row is first brought up to date by the updates that it
        missed, so that all numbers are those of False, to rounding. Each epoch ends with all rows
        up to date. Parameters that are read in another way, such as by an L2 penalty, are updated
        whole, and so are all with ``accumulate`` above 1. What limits a norm limits that of the
        rows that are updated. Rules that look at a parameter as a whole are refused. Of a table of
        fewer than some 10,000 rows the whole is updated about as fast, or faster.

    Attributes
    ----------
    allowed : dict of str to constraint
        Class attribute. The constraint of a hyper-parameter that is several numbers, such as
        betas, is a tuple of as many.
    samples : sequence of dict
        Class attribute: arguments with which tests make one.
    """

    lr: float
    lazy: bool | str = field(default=False, kw_only=True)
    allowed: ClassVar[Allowed] = {"lr": POSITIVE}
    samples: ClassVar[Samples] = ({},)

    def __post_init__(self) -> None:
        for name in self._arguments():
            value = _plain(getattr(self, name))
            object.__setattr__(self, name, value)
            self._check(name, value, self.allowed.get(name, ()))
        check_lazy(self)

    def _check(self, name: str, value: Any, constraint: Any) -> None:
        owner = type(self).__name__
        if not isinstance(constraint, tuple):
            check(owner, {name: constraint}, {name: value})
        elif constraint:
            n = len(constraint)
            if not isinstance(value, tuple) or len(value) != n:
                raise ArgumentError(f"{owner}: {name} must be {n} numbers, not {value!r}")
            for i in range(n):
                self._check(f"{name}[{i}]", value[i], constraint[i])

    def _arguments(self) -> list[str]:
        return [field.name for field in fields(self) if field.init]

    @abstractmethod
    def start(self, p: Any) -> Slots:
        """Return what is remembered of a parameter before its first update."""

    @abstractmethod
    def rule(self, p: Any, g: Any, slots: Slots, step: Any, lr: Any) -> tuple[Any, Slots]:
        """Return the new value of one parameter, in plain NumPy.

        It runs on arrays and on tensors, so that an update can be traced.

        Parameters
        ----------
        p, g : arrays of equal shape and dtype
            The parameter and its gradient.
        slots : dict of str to array
            What was remembered; not to be changed.
        step : int
            Number of this update, counted from 1.
        lr : float
            Learning rate of this update, in the parameter's dtype if it is an array.

        Returns
        -------
        p, slots
        """

    def result(self, p: Any, slots: Slots) -> Any:
        """Return the value of a parameter that predictions are made with: the parameter itself.

        An optimizer that averages weights returns the average. `chainrule.training.fit` asks here
        for what it validates, keeps as the best and returns.
        """
        return p

    def faded(self, slots: Slots, count: Any) -> Slots | None:
        """Return what is remembered after more updates by zero gradients that move nothing.

        With ``lazy="exact"`` a row that missed many updates is asked for it as soon as one no
        longer changes it.

        Parameters
        ----------
        slots : dict of str to array
        count : int array
            Number of updates; it broadcasts with the slots.

        Returns
        -------
        dict of str to array or None
            None, as here, where it is not known that a parameter that rests will rest for good:
            then each update is made.
        """
        return None

    def init(self, params: Any) -> State:
        """Return the state before the first update.

        Parameters
        ----------
        params : tree of arrays

        Returns
        -------
        dict
            ``step``, the number of updates made, and ``slots``: by name of a parameter, arrays by
            name of a slot.

        Examples
        --------
        >>> from chainrule.optim import Adam
        >>> Adam().init({"w": np.zeros(2)})
        {'step': 0, 'slots': {"['w']": {'m': array([0., 0.]), 'v': array([0., 0.])}}}
        """
        leaves, structure = flatten(params)
        names = _names(structure)
        return {
            "step": 0,
            "slots": {name: self.start(p) for name, p in zip(names, leaves, strict=True)},
        }

    def update(self, params: Tree, grads: Tree, state: State, lr: Any = None) -> tuple[Tree, State]:
        """Return the parameters and the state after one update.

        Parameters
        ----------
        params, grads : trees of equal structure
        state : dict
            From `init` or the last update.
        lr : float, optional
            In place of the optimizer's own, such as a schedule gives.

        Raises
        ------
        ArgumentError
            If the trees differ, or the state belongs to other parameters.
        ShapeError
            Naming a parameter whose gradient has another shape.

        Examples
        --------
        >>> from chainrule.optim import SGD
        >>> opt = SGD(lr=0.5)
        >>> w = np.array([1.0, 2.0])
        >>> w, state = opt.update(w, np.array([2.0, 0.0]), opt.init(w))
        >>> w
        array([0., 2.])
        """
        leaves, structure = flatten(params)
        gradients, same = flatten(grads)
        if same != structure:
            raise ArgumentError("the gradients and the parameters are trees of different structure")
        names = _names(structure)
        if set(names) != set(state["slots"]):
            raise ArgumentError(
                f"the state is of the parameters {list(state['slots'])[:5]}, not of {names[:5]}: "
                "make one with init(params)"
            )
        lr, step = self.lr if lr is None else lr, state["step"] + 1
        updated, slots = [], {}
        for name, p, g in zip(names, leaves, gradients, strict=True):
            new, slots[name] = self._one(name, p, g, state["slots"][name], step, lr)
            updated.append(new)
        return unflatten(structure, updated), {"step": step, "slots": slots}

    def _one(
        self, name: str, p: Any, g: Any, slots: Slots, step: Any, lr: Any
    ) -> tuple[Any, Slots]:
        """Apply the rule to one parameter; it and its slots keep their dtype."""
        if np.shape(g) != np.shape(p):
            raise ShapeError(
                f"the gradient of {name or 'the parameter'} has shape {np.shape(g)}, "
                f"not {np.shape(p)}"
            )
        new, kept = self.rule(p, _like(g, p), slots, step, weak(lr, p))
        return _like(new, p), {slot: _like(value, p) for slot, value in kept.items()}

    def config(self) -> dict[str, Any]:
        """Return the name and the hyper-parameters, JSON-able.

        Examples
        --------
        >>> from chainrule.optim import SGD
        >>> SGD(lr=0.1, momentum=0.9).config()["momentum"]
        0.9
        """
        values = {name: _jsonable(getattr(self, name)) for name in self._arguments()}
        if not self.lazy:
            values.pop("lazy", None)  # so that it is what it was before it could be lazy
        return {"optimizer": type(self).__name__, **values}

    def hyperparameters(self) -> dict[str, Any]:
        """Return the hyper-parameters by name, of a wrapper those of what it wraps too.

        Examples
        --------
        >>> from chainrule.optim import EMA, SGD
        >>> EMA(SGD(lr=0.1), decay=0.9).hyperparameters()["lr"]
        0.1
        """
        return {name: getattr(self, name) for name in self._arguments()}

    def changed(self, **hyperparameters: Any) -> Self:
        """Return the optimizer with other hyper-parameters.

        Raises
        ------
        ArgumentError
            If there is none of that name, or its value is out of range.

        Examples
        --------
        >>> from chainrule.optim import Adam
        >>> Adam(eps=1e-6).changed(lr=0.1)
        Adam(lr=0.1, lazy=False, betas=(0.9, 0.999), eps=1e-06, weight_decay=0.0, amsgrad=False)
        """
        known = self.hyperparameters()
        for name in hyperparameters:
            if name not in known:
                raise ArgumentError(
                    f"{type(self).__name__} has no {name}; it has {', '.join(known)}"
                )
        return self._changed(hyperparameters)

    def _changed(self, hyperparameters: Mapping[str, Any]) -> Self:
        return replace(self, **hyperparameters)

    def nested(self) -> Iterator[Optimizer]:
        """Yield this optimizer and those among its hyper-parameters, and theirs."""
        yield self
        for name in self._arguments():
            value = getattr(self, name)
            if isinstance(value, Optimizer):
                yield from value.nested()


def _plain(value: Any) -> Any:
    """Return NumPy's numbers as Python's, and sequences as tuples."""
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain, value))
    return value.item() if isinstance(value, np.generic) else value


def _jsonable(value: Any) -> Any:
    if isinstance(value, Optimizer):
        return value.config()
    return list(value) if isinstance(value, tuple) else value


def _names(structure: Any) -> list[str]:
    names = [path.removeprefix(".") for path in paths(structure)]
    if len(set(names)) < len(names):
        raise ArgumentError("two parameters have the same name, because a key contains a dot")
    return names


def _like(value: Any, p: Any) -> Any:
    return value if np.result_type(value) == np.result_type(p) else cast(value, p)


def weak(number: Any, p: Any) -> Any:
    """Return a number, or one for each row, that keeps the dtype of what it is multiplied with.

    NumPy's own scalars, unlike Python's, would turn float32 parameters into float64.
    """
    if isinstance(number, Tensor) or np.ndim(number):
        return cast(number, p)
    return number.item() if isinstance(number, (np.generic, np.ndarray)) else number
