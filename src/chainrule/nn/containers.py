"""Modules made of modules, and the configurations from which they are rebuilt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError
from chainrule.nn.layers import (
    Activation,
    BatchNorm,
    Dropout,
    Embedding,
    Flatten,
    LayerNorm,
    Linear,
)
from chainrule.nn.module import LayerError, Module
from chainrule.nn.run import Run

Layer = Module | str | Callable[..., Any]


def as_module(layer: Layer) -> Module:
    """Return a module; names and functions become activations."""
    return layer if isinstance(layer, Module) else Activation(layer)


class Sequential(Module):
    """Layers one after another.

    Parameters
    ----------
    *layers : Module, str or callable
        Names of activations and plain functions become `Activation` layers. Their parameters are
        named ``0.weight`` and so on, as in PyTorch.

    Examples
    --------
    >>> import numpy as np
    >>> model = Sequential(Linear(4, 8, rng=0), "relu", Linear(8, 3, rng=1))
    >>> model(np.ones((2, 4))).shape
    (2, 3)
    """

    def __init__(self, *layers: Layer) -> None:
        vars(self).update({str(i): as_module(layer) for i, layer in enumerate(layers)})

    @property
    def layers(self) -> tuple[Module, ...]:
        """The layers in order."""
        return tuple(v for v in vars(self).values() if isinstance(v, Module))

    def forward(self, x: Any, run: Run | None = None) -> Any:
        """Apply the layers in order."""
        for layer in self.layers:
            x = layer(x, run)
        return x

    def arguments(self) -> dict[str, Any]:
        """Return the layers' configurations."""
        return {"layers": [layer.config() for layer in self.layers]}


class Residual(Module):
    """A layer with a shortcut around it: ``x + inner(x)``.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (CVPR 2016).

    Parameters
    ----------
    inner : Module, str or callable
        Its output has the shape of its input.

    Examples
    --------
    >>> import numpy as np
    >>> Residual("tanh")(np.zeros(2))
    array([0., 0.])
    """

    def __init__(self, inner: Layer) -> None:
        self.inner = as_module(inner)

    def forward(self, x: Any, run: Run | None = None) -> Any:
        """Add the input to the inner layer's output."""
        y = self.inner(x, run)
        if np.shape(y) != np.shape(x):
            raise LayerError(
                self,
                f"the inner layer maps shape {np.shape(x)} to {np.shape(y)}, and only equal shapes "
                "can be added: give it as many outputs as inputs",
            )
        return x + y

    def arguments(self) -> dict[str, Any]:
        """Return the inner layer's configuration."""
        return {"inner": self.inner.config()}


# The only classes that a configuration can name; nothing is ever imported by name.
LAYERS: dict[str, Callable[..., Module]] = {
    "Activation": Activation,
    "BatchNorm": BatchNorm,
    "Dropout": Dropout,
    "Embedding": lambda **arguments: Embedding(rng=None, **arguments),
    "Flatten": Flatten,
    "LayerNorm": LayerNorm,
    "Linear": lambda **arguments: Linear(rng=None, **arguments),
    "Residual": lambda inner: Residual(from_config(inner)),
    "Sequential": lambda layers: Sequential(*map(from_config, layers)),
}


def from_config(config: Mapping[str, Any]) -> Module:
    """Rebuild a network from its configuration, with zeros for weights.

    Parameters
    ----------
    config : mapping
        What `Module.config` returned, perhaps through JSON.

    Raises
    ------
    ArgumentError
        If it names a layer that is not in `LAYERS`, or arguments that the layer does not take.

    Examples
    --------
    >>> model = Sequential(Linear(4, 8, rng=0), "relu")
    >>> from_config(model.config()).config() == model.config()
    True
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("layer"), str):
        raise ArgumentError("the configuration of a layer is a mapping with the key 'layer'")
    arguments = dict(config)
    name = arguments.pop("layer")
    if name not in LAYERS:
        raise ArgumentError(f"there is no layer {name!r}; a configuration can name {list(LAYERS)}")
    try:
        return LAYERS[name](**arguments)
    except TypeError as error:
        raise ArgumentError(f"the configuration of a {name} is not valid: {error}") from error
