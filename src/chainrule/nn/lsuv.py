"""Initial weights taken from data: every layer's outputs start with variance 1."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np

from chainrule.constraints import COUNT, POSITIVE, check
from chainrule.errors import ArgumentError
from chainrule.nn.initialisers import initial
from chainrule.nn.layers import Linear
from chainrule.nn.module import Module, named_modules
from chainrule.nn.parameters import load_parameters, named_parameters
from chainrule.nn.summary import layer_outputs

AnyModule = TypeVar("AnyModule", bound=Module)


def lsuv(
    model: AnyModule,
    X: Any,
    rng: np.random.Generator | int,
    *,
    tol: float = 0.1,
    max_iter: int = 10,
) -> AnyModule:
    """Return a network whose linear layers give outputs of variance 1 for a batch.

    Mishkin and Matas, "All you need is a good init" (ICLR 2016), algorithm 1, layer-sequential
    unit variance: weights are drawn orthonormal, and then, layer by layer from the input on,
    divided by the standard deviation of the layer's outputs. Biases stay as they are.

    Parameters
    ----------
    model : Module
        Not changed.
    X : array or tree of arrays
        A batch, such as a few hundred rows of the training data, scaled as in training.
    rng : numpy.random.Generator or int
        Source of the orthonormal weights.
    tol : float > 0
        How far from 1 a variance may be.
    max_iter : int >= 1
        Divisions of a layer at most; of one without a bias, one is enough.

    Raises
    ------
    ArgumentError
        If a layer's outputs cannot be given variance 1, naming the layer.

    Examples
    --------
    >>> from chainrule import nn
    >>> X = np.random.default_rng(0).normal(5.0, 3.0, (200, 4))
    >>> model = nn.Sequential(nn.Linear(4, 50, rng=0), "relu", nn.Linear(50, 50, rng=1))
    >>> outputs = nn.layer_outputs(lsuv(model, X, rng=0), X)
    >>> [float(np.var(outputs[name]).round(1)) for name in ("0", "2")]
    [1.0, 1.0]
    """
    check("lsuv", {"tol": POSITIVE, "max_iter": COUNT}, {"tol": tol, "max_iter": max_iter})
    rng = np.random.default_rng(rng)
    linear = [name for name, m in named_modules(model) if isinstance(m, Linear)]
    arrays = named_parameters(model)
    for name in linear:
        weight = arrays[_weight(name)]
        arrays[_weight(name)] = initial("orthogonal", weight.shape, rng, weight.dtype)
    model = load_parameters(model, arrays)
    for name in [called for called in layer_outputs(model, X) if called in linear]:
        variance = _variance(model, X, name)
        for _ in range(max_iter):
            if not (abs(variance - 1.0) >= tol and 0.0 < variance < math.inf):
                break
            arrays[_weight(name)] = arrays[_weight(name)] * (1.0 / math.sqrt(variance))
            model = load_parameters(model, arrays)
            variance = _variance(model, X, name)
        if not abs(variance - 1.0) < tol:
            raise ArgumentError(
                f"lsuv: the outputs of the layer {name!r} have variance {variance:g} for this "
                "batch whatever its weights: give more rows, scaled as in training, and look for "
                "inputs that are constant or not finite"
            )
    return model


def _weight(name: str) -> str:
    return f"{name}.weight" if name else "weight"


def _variance(model: Module, X: Any, name: str) -> float:
    return float(np.var(np.asarray(layer_outputs(model, X)[name], np.float64)))
