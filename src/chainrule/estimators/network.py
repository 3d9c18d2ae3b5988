"""The network of an estimator: built, started as scikit-learn's, penalised, kept by its arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.errors import ArgumentError
from chainrule.estimators.heads import Heads
from chainrule.graph import Array
from chainrule.graph.tree import flatten, map_leaves, paths, unflatten
from chainrule.ops.broadcast import cast
from chainrule.ops.reductions import extent

_SMALL = 0.1  # standard deviation of the numbers of a category's vector


class Penalised(nn.Module):
    """A network in training: its outputs, and the penalty on its weights.

    The penalty is ``alpha / 2`` times the sum of the squares of the weights of all linear layers;
    biases and vectors of categories have none.

    Parameters
    ----------
    network : Module
    alpha : float
    """

    def __init__(self, network: nn.Module, alpha: float) -> None:
        self.network, self.alpha = network, float(alpha)

    def forward(self, x: Any, run: nn.Run | None = None) -> Any:
        """Return outputs and penalty."""
        outputs = self.network(x, run)
        if not self.alpha:
            return outputs, 0.0
        squares = [np.vdot(layer.weight, layer.weight) for _, layer in linear_layers(self.network)]
        return outputs, 0.5 * self.alpha * sum(squares)


class Objective:
    """The loss of a penalised network: costs and penalty, divided by the weight of the rows.

    Parameters
    ----------
    heads : Heads
    """

    def __init__(self, heads: Heads) -> None:
        self.heads = heads

    def __call__(self, found: Any, targets: Any, *, sample_weight: Any = None) -> Any:
        """Return the loss."""
        outputs, penalty = found
        costs = self.heads.costs(outputs, targets)
        if np.ndim(costs) == 0:
            if sample_weight is not None:
                raise ArgumentError(
                    "loss returns the mean over the rows, which then cannot have weights: let it "
                    "return one cost a row"
                )
            return costs + penalty / cast(extent(outputs, axis=0), outputs)
        if sample_weight is None:
            return (np.sum(costs) + penalty) / cast(extent(costs), costs)
        weight = cast(sample_weight, costs)
        return (np.sum(costs * weight) + penalty) / np.sum(weight)


def linear_layers(network: nn.Module) -> list[tuple[str, Any]]:
    """Return names and linear layers, from the inputs to the outputs."""
    return [(name, m) for name, m in nn.named_modules(network) if isinstance(m, nn.Linear)]


def start(network: nn.Module, activations: Sequence[Any], random: np.random.RandomState) -> Any:
    """Return a network with initial weights, drawn as scikit-learn draws those of its own.

    Weights and biases are uniform within the square root of 6 / (fan_in + fan_out), of 2 / ...
    where the activation is logistic: Glorot and Bengio (AISTATS 2010), equation 16. Vectors of
    categories are normal.

    Parameters
    ----------
    network : Module
        With zeros.
    activations : sequence
        Of the hidden layers; the outputs' weights have the bound of the last.
    random : numpy.random.RandomState
    """
    parameters = nn.named_parameters(network)
    for i, (name, layer) in enumerate(linear_layers(network)):
        n_out, n_in = layer.weight.shape
        activation = activations[min(i, len(activations) - 1)] if activations else "identity"
        bound = math.sqrt((2.0 if activation == "sigmoid" else 6.0) / (n_in + n_out))
        dtype = layer.weight.dtype
        weight = random.uniform(-bound, bound, (n_in, n_out))
        parameters[f"{name}.weight"] = np.ascontiguousarray(weight.T, dtype)
        parameters[f"{name}.bias"] = random.uniform(-bound, bound, n_out).astype(dtype)
    for name, module in nn.named_modules(network):
        if isinstance(module, nn.Embedding):
            shape = module.weight.shape
            drawn = random.normal(0.0, _SMALL, shape).astype(module.weight.dtype)
            parameters[f"{name}.weight"] = drawn
    return nn.load_parameters(network, parameters)


class Kept:
    """A network without the arrays of its linear layers, which an estimator holds as ``coefs_``.

    Parameters
    ----------
    network : Module
        Its other arrays are held, not copied.
    """

    def __init__(self, network: nn.Module) -> None:
        leaves, self.structure = flatten(network)
        linear = [name for name, _ in linear_layers(network)]
        names = [path.removeprefix(".") for path in paths(self.structure)]
        self.places: dict[tuple[str, int], int] = {
            (kind, i): names.index(f"{name}.{kind}")
            for i, name in enumerate(linear)
            for kind in ("weight", "bias")
        }
        taken = set(self.places.values())
        self.others = {i: leaf for i, leaf in enumerate(leaves) if i not in taken}

    @staticmethod
    def coefs(network: nn.Module) -> tuple[list[Array], list[Array]]:
        """Return the weights of the linear layers as (in, out), which are views, and the biases."""
        layers = [layer for _, layer in linear_layers(network)]
        return [layer.weight.T for layer in layers], [layer.bias for layer in layers]

    def network(self, coefs: Sequence[Any], intercepts: Sequence[Any]) -> Any:
        """Return the network with these arrays in the places of those left out."""
        leaves: dict[int, Any] = dict(self.others)
        for (kind, i), place in self.places.items():
            leaves[place] = (
                np.asarray(coefs[i]).T if kind == "weight" else np.asarray(intercepts[i])
            )
        return unflatten(self.structure, [leaves[i] for i in range(len(leaves))])


def wide(network: Any) -> Any:
    """Return a network in double precision, in which a row's outputs hang on no other row."""
    return map_leaves(lambda p: np.asarray(p, np.float64), network)
