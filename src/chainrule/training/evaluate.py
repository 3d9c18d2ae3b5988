"""A network's outputs and losses on data, batch by batch in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from chainrule.constraints import COUNT, check
from chainrule.graph.tree import flatten, map_leaves, unflatten
from chainrule.nn import Module, Run, load_buffers
from chainrule.training.rows import Rows

AnyModule = TypeVar("AnyModule", bound=Module)
Loss = Callable[..., Any]
Metric = Callable[..., float]


def predict(model: Module, X: Any, batch_size: int = 1024) -> Any:
    """Return a network's outputs for all rows.

    Parameters
    ----------
    model : Module
    X : tree of arrays
        First axes of equal length, at least 1.
    batch_size : int >= 1
        Rows that go through the network at a time.

    Returns
    -------
    array or tree of arrays
        The outputs, in the order of the rows.

    Examples
    --------
    >>> from chainrule import nn
    >>> predict(nn.Linear(2, 3, rng=0), np.zeros((5, 2), np.float32)).shape
    (5, 3)
    """
    check("predict", {"batch_size": COUNT}, {"batch_size": batch_size})
    n = len(flatten(X)[0][0])
    outputs = _Outputs(n)
    for start in range(0, max(n, 1), batch_size):
        place = slice(start, start + batch_size)
        outputs.put(place, model(map_leaves(lambda a, place=place: a[place], X)))
    return outputs.tree()


def update_bn(model: AnyModule, X: Any, batch_size: int = 1024, seed: int = 0) -> AnyModule:
    """Return a network whose running statistics, such as batch norm's, are taken anew.

    Averaged weights need them, for those that training leaves belong to the weights it moved:
    Izmailov and others, "Averaging weights leads to wider optima and better generalization" (UAI
    2018), section 3.2. Each statistic is the mean over batches, weighted by their rows, of a pass
    in training; PyTorch's function of the same name does not weigh.

    Parameters
    ----------
    model : Module
        Not changed.
    X : tree of arrays
        The training rows.
    batch_size : int >= 1
        Rows of a batch at least, if there are as many.
    seed : int in [0, 2**64)
        Of what layers draw.

    Raises
    ------
    ArgumentError
        If there are no rows.

    Examples
    --------
    >>> from chainrule import nn
    >>> model = update_bn(nn.BatchNorm(1), np.array([[1.0], [3.0]], np.float32))
    >>> model.running_mean, model.running_var
    (array([2.], dtype=float32), array([2.], dtype=float32))
    """
    n = len(flatten(X)[0][0])
    given = {"batch_size": batch_size, "the number of rows": n}
    check("update_bn", dict.fromkeys(given, COUNT), given)
    means: dict[str, Any] = {}
    for i, rows in enumerate(np.array_split(np.arange(n), max(1, n // batch_size))):
        place, run = slice(rows[0], rows[-1] + 1), Run(seed, i)
        model(map_leaves(lambda a, place=place: a[place], X), run)
        for name, seen in run.updates.items():
            means[name] = means.get(name, 0.0) + len(rows) / n * np.mean(seen, axis=0)
    return load_buffers(model, means)


class _Outputs:
    """Gathers the outputs of batches without holding them twice."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.arrays: list[Any] = []
        self.structure: Any = None

    def put(self, place: slice, batch: Any) -> None:
        leaves, self.structure = flatten(batch)
        if not self.arrays:
            self.arrays = [np.empty((self.n, *a.shape[1:]), a.dtype) for a in leaves]
        for array, leaf in zip(self.arrays, leaves, strict=True):
            array[place] = leaf

    def tree(self) -> Any:
        return unflatten(self.structure, self.arrays)


def evaluate(
    model: Module,
    rows: Rows,
    loss: Loss,
    metrics: Mapping[str, Metric] | None = None,
    batch_size: int = 1024,
) -> tuple[float, dict[str, float]]:
    """Return the mean loss and the metrics of a network on data.

    Parameters
    ----------
    model : Module
    rows : Rows
    loss : callable
        ``loss(outputs, targets)``, a mean over rows; takes ``sample_weight=`` if rows have it.
    metrics : mapping of str to callable, optional
        ``metric(targets, outputs)``, as scikit-learn has it, over all rows at once; takes
        ``sample_weight=`` if rows have it. With metrics, all outputs are held in memory.
    batch_size : int >= 1

    Returns
    -------
    loss : float
    metrics : dict of str to float
    """
    total, start = 0.0, 0
    outputs = _Outputs(len(rows))
    for batch in rows.in_order(batch_size):
        found = model(batch.X)
        total += batch.total_weight * float(loss_of(loss, found, batch))
        if metrics:
            outputs.put(slice(start, start + len(batch)), found)
        start += len(batch)
    weights = {} if rows.weight is None else {"sample_weight": rows.weight}
    measured = {
        name: float(metric(rows.y, outputs.tree(), **weights))
        for name, metric in (metrics or {}).items()
    }
    return total / rows.total_weight, measured


def loss_of(loss: Loss, outputs: Any, batch: Rows) -> Any:
    """Return the loss of outputs, weighted if the rows are."""
    if batch.weight is None:
        return loss(outputs, batch.y)
    return loss(outputs, batch.y, sample_weight=batch.weight)
