"""What the hidden layers of a network give."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import nn
from chainrule.explanation.layers import layers
from chainrule.explanation.subject import account_of
from chainrule.graph import Array
from chainrule.nn import Module


def hidden_outputs(model: Module, X: Any) -> dict[str, Array]:
    """Return the outputs of a network's hidden layers, in the order of computation.

    Those are the outputs of its `Activation` modules, the last one left out if the network ends
    with it, by dotted name. A network that has none, such as one in plain NumPy, has its layers
    found in the graph; all but the last are hidden, by the name of their weight.

    Parameters
    ----------
    model : Module
    X : tree of arrays
        First axes of equal length, at least 1.

    Returns
    -------
    dict of str to array
        First axes as long as those of `X`; empty if there are no hidden layers.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(4, 3, rng=0), "relu", nn.Linear(3, 1, rng=1))
    >>> {name: y.shape for name, y in hidden_outputs(model, np.ones((5, 4), np.float32)).items()}
    {'1': (5, 3)}
    """
    modules = dict(nn.named_modules(model))
    outputs = nn.layer_outputs(model, X)
    found = {n: np.asarray(y) for n, y in outputs.items() if isinstance(modules[n], nn.Activation)}
    if not found:
        account = account_of(lambda network, x: np.sum(network(x)), (model, X), 0)
        graph_layers = layers(account)[:-1]
        return {v.weight.name.partition(".")[2]: np.asarray(v.a.value) for v in graph_layers}
    if outputs[list(found)[-1]] is outputs[""]:
        found.popitem()
    return found
