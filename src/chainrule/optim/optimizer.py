"""`Optimizer`: an update rule of one parameter, applied to every leaf of a tree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeVar

import numpy as np

from chainrule.constraints import POSITIVE, Constraint, check
from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph import Tensor
from chainrule.graph.tree import flatten, paths, unflatten
from chainrule.ops.broadcast import cast

Slots = dict[str, Any]
State = dict[str, Any]
Tree = TypeVar("Tree")


@dataclass(frozen=True)
class Optimizer(ABC):
    """Base of the update rules.

    A subclass declares its hyper-parameters as fields, their ranges in `allowed`, and implements
    `start` and `rule`. Nothing is changed in place: an update returns new parameters and a new
    state.

    Parameters
    ----------
    lr : float > 0
        Learning rate.

    Attributes
    ----------
    allowed : dict of str to constraint
        Class attribute.
    """

    lr: float
    allowed: ClassVar[Mapping[str, Constraint]] = {"lr": POSITIVE}

    def __post_init__(self) -> None:
        for field in fields(self):
            self._check(field.name, getattr(self, field.name))

    def _check(self, name: str, value: Any) -> None:
        # Of a tuple of numbers, such as betas, each is checked.
        if isinstance(value, (tuple, list)):
            object.__setattr__(self, name, tuple(value))
            for i, item in enumerate(value):
                self._check(f"{name}[{i}]", item)
            return
        key = name.partition("[")[0]
        if key in self.allowed:
            check(type(self).__name__, {name: self.allowed[key]}, {name: value})
        if isinstance(value, np.generic):
            object.__setattr__(self, name, value.item())

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
        values = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        return {"optimizer": type(self).__name__, **values}


def _names(structure: Any) -> list[str]:
    names = [path.removeprefix(".") for path in paths(structure)]
    if len(set(names)) < len(names):
        raise ArgumentError("two parameters have the same name, because a key contains a dot")
    return names


def _like(value: Any, p: Any) -> Any:
    return value if np.result_type(value) == np.result_type(p) else cast(value, p)


def weak(number: Any, p: Any) -> Any:
    """Return a number that does not change the dtype of what it is multiplied with.

    NumPy's own scalars, unlike Python's, would turn float32 parameters into float64.
    """
    if isinstance(number, Tensor):
        return cast(number, p)
    return number.item() if isinstance(number, (np.generic, np.ndarray)) else number
