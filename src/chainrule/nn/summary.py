"""What a network is made of: its layers, their outputs and their numbers of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph.tree import flatten
from chainrule.nn.module import Module, children, map_modules, named_modules
from chainrule.nn.run import Run


@dataclass(frozen=True)
class Row:
    """One layer of a summary.

    Attributes
    ----------
    name : str
        Dotted path in the network.
    layer : str
        Name of its class.
    output_shape : tuple of int
        Of its last call; the first axis is the batch. Of a tree, that of the first leaf.
    parameters : int
        Trained numbers of its own, those of inner layers left out.
    """

    name: str
    layer: str
    output_shape: tuple[int, ...]
    parameters: int


def layer_outputs(model: Module, x: Any, run: Run | None = None) -> dict[str, Any]:
    """Run a network and return what each module gave, by dotted name, in order of completion.

    Parameters
    ----------
    model : Module
    x : array_like or tree of them
        A batch.
    run : Run, optional
        See `Module`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> model = nn.Sequential(nn.Linear(4, 2, rng=0), "relu")
    >>> {name: y.shape for name, y in layer_outputs(model, np.ones((5, 4))).items()}
    {'0': (5, 2), '1': (5, 2), '': (5, 2)}
    """
    outputs: dict[str, Any] = {}

    def watched(name: str, module: Module) -> Module:
        vars(module)["_on_output"] = lambda y: outputs.update({name: y})
        return module

    map_modules(watched, model)(x, run)
    return outputs


def summary(model: Module, x: Any) -> list[Row]:
    """Return a row for each layer that was called, in order of its completion.

    Modules that only contain others have no row of their own.

    Parameters
    ----------
    model : Module
    x : array_like or tree of them
        A batch for a trial; one row is enough.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> model = nn.Sequential(nn.Linear(4, 2, rng=0), "relu")
    >>> for row in summary(model, np.ones((1, 4))):
    ...     print(row)
    Row(name='0', layer='Linear', output_shape=(1, 2), parameters=10)
    Row(name='1', layer='Activation', output_shape=(1, 2), parameters=0)
    """
    modules = dict(named_modules(model))
    rows = []
    for name, y in layer_outputs(model, x).items():
        parts = [child for _, child in children(modules[name])]
        own = [child for child in parts if not isinstance(child, Module)]
        if own or not parts:
            shape = tuple(np.shape(flatten(y)[0][0]))
            rows.append(Row(name, type(modules[name]).__name__, shape, sum(map(np.size, own))))
    return rows
