"""Modules made of modules, and the configurations from which they are rebuilt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError
from chainrule.nn.arrays import zero_matrix
from chainrule.nn.basis import Fourier, Polynomial, RadialBasis
from chainrule.nn.chains import Chain
from chainrule.nn.kernels import Kernel
from chainrule.nn.layers import (
    Activation,
    BatchNorm,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    LayerNorm,
    Linear,
)
from chainrule.nn.module import LayerError, Module
from chainrule.nn.pooling import FixedPooledEmbedding, PooledEmbedding
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
    """A layer with a shortcut around it: ``x + inner(x)``, or ``shortcut(x) + inner(x)``.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (CVPR 2016), equations 1
    and 2.

    Parameters
    ----------
    inner : Module, str or callable
        Its output has the shape of what the shortcut gives.
    shortcut : Module, str or callable, optional
        Without it, the input itself. Where the inner layer changes the width, a projection such
        as ``nn.Linear(n_in, n_out, rng, bias=False)``.

    Examples
    --------
    >>> import numpy as np
    >>> Residual("tanh")(np.zeros(2))
    array([0., 0.])
    >>> wider = Residual(Linear(2, 3, rng=0), shortcut=Linear(2, 3, rng=1, bias=False))
    >>> wider(np.zeros((5, 2))).shape
    (5, 3)
    """

    def __init__(self, inner: Layer, shortcut: Layer | None = None) -> None:
        self.inner = as_module(inner)
        self.shortcut = None if shortcut is None else as_module(shortcut)

    def forward(self, x: Any, run: Run | None = None) -> Any:
        """Add what the shortcut gives to the inner layer's output."""
        y = self.inner(x, run)
        short = x if self.shortcut is None else self.shortcut(x, run)
        if np.shape(y) != np.shape(short):
            given, remedy = (
                ("", "give it as many outputs as inputs, or a shortcut=nn.Linear between the two")
                if self.shortcut is None
                else (f", the shortcut to {np.shape(short)}", "give both as many outputs")
            )
            raise LayerError(
                self,
                f"the inner layer maps shape {np.shape(x)} to {np.shape(y)}{given}, and only equal "
                f"shapes can be added: {remedy}",
            )
        return short + y

    def arguments(self) -> dict[str, Any]:
        """Return the configurations of the inner layer and of the shortcut, if there is one."""
        own = {} if self.shortcut is None else {"shortcut": self.shortcut.config()}
        return {"inner": self.inner.config(), **own}


# The only classes that a configuration can name; nothing is ever imported by name.
LAYERS: dict[str, Callable[..., Module]] = {
    "Activation": Activation,
    "BatchNorm": BatchNorm,
    "Chain": Chain,
    "Dropout": Dropout,
    "Embedding": lambda **arguments: Embedding(rng=None, **arguments),
    "PooledEmbedding": lambda **arguments: PooledEmbedding(rng=None, **arguments),
    "FixedPooledEmbedding": lambda **arguments: FixedPooledEmbedding(rng=None, **arguments),
    "Flatten": Flatten,
    "Fourier": lambda shape, **arguments: Fourier(zero_matrix("Fourier", shape), **arguments),
    "GaussianNoise": GaussianNoise,
    "Kernel": lambda shape, **arguments: Kernel(zero_matrix("Kernel", shape), **arguments),
    "LayerNorm": LayerNorm,
    "Linear": lambda **arguments: Linear(rng=None, **arguments),
    "Polynomial": Polynomial,
    "RadialBasis": lambda shape, **arguments: RadialBasis(
        zero_matrix("RadialBasis", shape), **arguments
    ),
    "Residual": lambda inner, shortcut=None: Residual(
        from_config(inner), None if shortcut is None else from_config(shortcut)
    ),
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
