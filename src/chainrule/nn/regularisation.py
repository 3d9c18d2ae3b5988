"""What keeps weights small or simple: penalties, a limit of their norms, noise; plain NumPy.

Each is for the *weights* of a network, its parameters of two axes or more, unless parameters are
chosen by name: biases, and the scales and shifts of norms, decide where a unit works, not how
sharply it bends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from chainrule.constraints import NON_NEGATIVE, POSITIVE, Interval, check
from chainrule.errors import ArgumentError
from chainrule.nn.module import Module
from chainrule.nn.parameters import load_parameters, named_parameters
from chainrule.nn.run import Run

AnyModule = TypeVar("AnyModule", bound=Module)
Amount = float | Mapping[str, float]
"""One number for every weight, or numbers by dotted name of a parameter."""


def amounts(
    model: Module, amount: Amount, name: str, allowed: Interval = NON_NEGATIVE, owner: str = "nn"
) -> dict[str, float]:
    """Return the number that is meant for each parameter; those that are left alone are missing.

    Parameters
    ----------
    model : Module
    amount : float or mapping of str to float
        For every weight, or by dotted name of a parameter.
    name, owner : str
        Of the argument and of what is called, for messages.
    allowed : Interval

    Raises
    ------
    ArgumentError
        If a number is outside, or the network has no parameter of a name.

    Examples
    --------
    >>> from chainrule import nn
    >>> model = nn.Sequential(nn.Linear(2, 3, rng=0), "relu", nn.Linear(3, 1, rng=0))
    >>> amounts(model, 0.1, "l2"), amounts(model, {"2.bias": 0.5}, "l2")
    ({'0.weight': 0.1, '2.weight': 0.1}, {'2.bias': 0.5})
    """
    parameters = named_parameters(model)
    if not isinstance(amount, Mapping):
        check(owner, {name: allowed}, {name: amount})
        return {key: float(amount) for key, p in parameters.items() if np.ndim(p) > 1}
    for key, value in amount.items():
        if key not in parameters:
            raise ArgumentError(
                f"{owner}: {name} names {key!r}; the network's parameters are {list(parameters)}"
            )
        check(owner, {f"{name}[{key!r}]": allowed}, {f"{name}[{key!r}]": value})
    return {key: float(value) for key, value in amount.items()}


def l1_penalty(model: Module, amount: Amount) -> Any:
    """Return ``amount`` times the sum of the weights' absolute values, to be added to a loss.

    Tibshirani, "Regression shrinkage and selection via the lasso" (1996). It makes weights zero;
    its derivative at 0 is 0.

    Parameters
    ----------
    model : Module
    amount : float >= 0 or mapping of str to float
        For every weight, or by dotted name of a parameter.

    Examples
    --------
    >>> from chainrule import nn
    >>> layer = nn.load_parameters(nn.Linear(2, 1, 0), {"weight": [[3.0, -4.0]], "bias": [9.0]})
    >>> float(l1_penalty(layer, 0.5)), float(l1_penalty(layer, {"bias": 1.0}))
    (3.5, 9.0)
    """
    parameters = named_parameters(model)
    found = amounts(model, amount, "amount", owner="l1_penalty")
    return sum(a * np.sum(np.abs(parameters[name])) for name, a in found.items())


def l2_penalty(model: Module, amount: Amount) -> Any:
    """Return half of ``amount`` times the sum of the weights' squares, to be added to a loss.

    Its gradient is ``amount * weight``, which is what `weight_decay` of an optimizer such as SGD
    adds to the gradient of every parameter, biases too. Hoerl and Kennard, "Ridge regression"
    (1970).

    Parameters
    ----------
    model : Module
    amount : float >= 0 or mapping of str to float
        For every weight, or by dotted name of a parameter.

    Examples
    --------
    >>> from chainrule import nn
    >>> layer = nn.load_parameters(nn.Linear(2, 1, 0), {"weight": [[3.0, -4.0]], "bias": [9.0]})
    >>> float(l2_penalty(layer, 0.1))
    1.25
    """
    parameters = named_parameters(model)
    found = amounts(model, amount, "amount", owner="l2_penalty")
    return sum(0.5 * a * np.sum(np.square(parameters[name])) for name, a in found.items())


def max_norm(weight: Any, limit: float) -> Any:
    """Return a weight whose units' incoming vectors are no longer than a limit.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (JMLR
    2014), section 5.1: a vector that is too long is shortened, others are left alone.

    Parameters
    ----------
    weight : array of shape (out, ...)
        Of an embedding, a row is a vector; of an array of one axis, the whole of it.
    limit : float > 0

    Examples
    --------
    >>> max_norm(np.array([[3.0, 4.0], [0.3, 0.4]]), 1.0).round(3)
    array([[0.6, 0.8],
           [0.3, 0.4]])
    """
    check("max_norm", {"limit": POSITIVE}, {"limit": limit})
    axes = tuple(range(min(1, np.ndim(weight) - 1), np.ndim(weight)))
    length = np.sqrt(np.sum(np.square(weight), axis=axes, keepdims=True))
    return weight * (float(limit) / np.maximum(length, float(limit)))


def with_weight_noise(model: AnyModule, std: Amount, run: Run) -> AnyModule:
    """Return a network whose weights have normal noise added, for one pass in training.

    Murray and Edwards, "Enhanced MLP performance and fault tolerance resulting from synaptic
    weight noise during training" (1994); Graves, "Practical variational inference for neural
    networks" (NIPS 2011). The gradient with respect to the noisy weights is that of the weights.

    Parameters
    ----------
    model : Module
    std : float >= 0 or mapping of str to float
        Standard deviation, for every weight or by dotted name of a parameter.
    run : Run
        Source of the draws.

    Examples
    --------
    >>> from chainrule import nn
    >>> layer = nn.Linear(2, 1, rng=0, weight_init="zeros")
    >>> bool(np.all(with_weight_noise(layer, 0.1, nn.Run(0)).weight != 0))
    True
    """
    parameters = named_parameters(model)
    found = amounts(model, std, "std", owner="with_weight_noise")
    noise = {name: a * run.normal(parameters[name]) for name, a in found.items()}
    return load_parameters(
        model, {k: p + noise[k] if k in noise else p for k, p in parameters.items()}
    )
