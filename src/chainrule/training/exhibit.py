"""`Exhibit`: what a run has trained, with the rows to show it on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph.tree import map_leaves
from chainrule.nn import Module
from chainrule.optim import Optimizer


@dataclass(frozen=True)
class Exhibit:
    """A network with its loss and some rows: what can be drawn, derived and diagnosed.

    Attributes
    ----------
    network : Module
        Trained, or as it is before training.
    loss : callable
        ``loss(outputs, targets)``.
    X, y : trees of arrays
        Rows of the training part.
    optimizer : Optimizer
    batch_size, seed : int
    validation : tuple ``(X, y)``, optional
    names : sequence of str
        Of the numeric columns.
    underivable : str
        Why its gradients have no formulas of readable size; empty if they have.

    Examples
    --------
    >>> from chainrule import nn, optim
    >>> X, y = np.ones((5, 2)), np.ones((5, 1))
    >>> exhibit = Exhibit(nn.Linear(2, 1, rng=0), nn.mse, X, y, optim.SGD(lr=0.1))
    >>> [array.shape for array in exhibit.first(3)]
    [(3, 2), (3, 1)]
    """

    network: Module
    loss: Callable[..., Any]
    X: Any
    y: Any
    optimizer: Optimizer
    batch_size: int = 32
    seed: int = 0
    validation: tuple[Any, Any] | None = None
    names: Sequence[str] = ()
    underivable: str = ""

    def objective(self, network: Any, X: Any, y: Any) -> Any:
        """Return the loss of a network on rows as it is trained on them."""
        return self.loss(network(X), y)

    def first(self, rows: int) -> tuple[Any, Any]:
        """Return the inputs and targets of the first rows."""
        X, y = map_leaves(lambda array: np.asarray(array)[:rows], (self.X, self.y))
        return X, y
