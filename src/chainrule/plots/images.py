"""Rows of numbers that are pictures: weights and reconstructions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.constraints import COUNT, check
from chainrule.errors import ArgumentError, DataError, ShapeError
from chainrule.graph import Array
from chainrule.nn import Module, named_parameters
from chainrule.pages import Table
from chainrule.plots.panel import Axis, Panel, Shades, counted, number
from chainrule.plots.plot import plot
from chainrule.plots.subject import as_seen, image_shape, matrix, network_of
from chainrule.training import predict


@plot
def weights(
    model: Any, *, layer: str | None = None, shape: tuple[int, int] | None = None, most: int = 64
) -> Panel:
    """Draw the weights of each unit as a picture in the shape of its input.

    The scale is symmetric about zero and the same for all units.

    Parameters
    ----------
    model : Module or fitted estimator with `network_`
    layer : str, optional
        Dotted name of the layer or of its weight, shape (units, inputs); the first such if left
        out.
    shape : (height, width), optional
        Of the input's pictures; square if left out.
    most : int >= 1
        Units that are shown, from the first on.

    Raises
    ------
    ArgumentError
        If there is no such weight.
    ShapeError
        If a unit has not as many weights as the picture has pixels.
    DataError
        If a weight is not finite.

    Examples
    --------
    >>> from chainrule import nn, plots
    >>> panel = plots.weights.data(nn.Linear(16, 5, rng=0))
    >>> panel.marks[0].values.shape, panel.marks[0].scale
    ((9, 14), 'diverging')
    """
    owner = "weights"
    check(owner, {"most": COUNT}, {"most": most})
    name, weight = _weight(owner, network_of(owner, model), layer)
    shape = image_shape(owner, weight.shape[1], shape)
    shown = weight[:most]
    columns = int(np.ceil(np.sqrt(len(shown) * shape[0] / shape[1])))
    columns = max(1, min(columns, len(shown)))
    blank = np.full((-len(shown) % columns, shown.shape[1]), np.nan)
    pictures = np.concatenate([shown, blank]).reshape(-1, columns, *shape)
    table = Table(
        ["weights", ""],
        [["largest", number(shown.max())], ["smallest", number(shown.min())],
         ["mean absolute", number(np.abs(shown).mean())]],
        frozenset({1}),
    )  # fmt: skip
    units = counted(len(weight), "unit")
    notes = [f"{name}: {len(shown)} of {units}, {shape[0]} × {shape[1]} inputs each"]
    return _mosaic("Weights of each unit", pictures, "diverging", "weight", notes, table)


def _weight(owner: str, network: Module, layer: str | None) -> tuple[str, Array]:
    found = {name: a for name, a in named_parameters(network).items() if np.ndim(a) == 2}
    if not found:
        raise ArgumentError(f"{owner}: the network has no weight of shape (units, inputs)")
    name = next(iter(found)) if layer is None else layer
    name = f"{name}.weight" if name not in found and f"{name}.weight" in found else name
    if name not in found:
        raise ArgumentError(f"{owner}: there is no weight {layer!r}; there are {', '.join(found)}")
    array = np.asarray(found[name], np.float64)
    if not np.isfinite(array).all():
        raise DataError(
            f"{owner}: {int((~np.isfinite(array)).sum())} numbers of {name} are not finite"
        )
    return name, array


@plot
def reconstructions(
    models: Any, X: Any, *, shape: tuple[int, int] | None = None, most: int = 10
) -> Panel:
    """Draw pictures, and below each what one or several models make of it.

    Parameters
    ----------
    models : model, or mapping of str to model
        A Module or a function that returns its input again, or a transformer with
        `inverse_transform`, such as an autoencoder or scikit-learn's PCA.
    X : array_like, shape (n, d)
        Pictures, one a row; the errors are those of all of them.
    shape : (height, width), optional
        Of a picture; square if left out.
    most : int >= 1
        Pictures that are shown, from the first on.

    Raises
    ------
    ShapeError, DataError, ArgumentError
        If the rows are not finite or are no pictures, or a model does not return their like.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import plots
    >>> panel = plots.reconstructions.data({"half": lambda X: X / 2}, np.ones((3, 4)))
    >>> [name for _, name in panel.y.ticks]
    ['original', 'half']
    >>> panel.table.rows
    [['half', '0.25']]
    """
    owner = "reconstructions"
    check(owner, {"most": COUNT}, {"most": most})
    rows = matrix(owner, X)
    shape = image_shape(owner, rows.shape[1], shape)
    chosen = models if isinstance(models, Mapping) else {"reconstruction": models}
    if not chosen:
        raise ArgumentError(f"{owner}: no model was given")
    found = {str(name): _returned(owner, str(name), m, rows) for name, m in chosen.items()}
    errors = {name: float(np.mean((made - rows) ** 2)) for name, made in found.items()}
    pictures = np.stack([rows[:most], *(made[:most] for made in found.values())])
    pictures = pictures.reshape(*pictures.shape[:2], *shape)
    names, middle = ["original", *found], (shape[0] - 1) / 2
    ticks = [((shape[0] + 1) * i + middle, name) for i, name in enumerate(names)]
    words = "; ".join(f"{name} {number(e)}" for name, e in errors.items())
    notes = [f"mean squared error of {counted(len(rows), 'picture')}: {words}"]
    table = Table(
        ["model", "mean squared error"], [[n, number(e)] for n, e in errors.items()], frozenset({1})
    )
    limits = (float(rows[:most].min()), float(rows[:most].max()))
    return _mosaic("Reconstructions", pictures, "grey", "", notes, table, ticks, limits)


def _returned(owner: str, name: str, model: Any, rows: Array) -> Array:
    if isinstance(model, Module):
        made = predict(model, as_seen(model, rows))
    elif hasattr(model, "inverse_transform"):
        made = model.inverse_transform(model.transform(rows))
    elif callable(model):
        made = model(rows)
    else:
        raise ArgumentError(
            f"{owner}: {name} must be a Module, a transformer with inverse_transform or a "
            f"function, not {type(model).__name__}"
        )
    found = matrix(owner, made, f"what {name} returned")
    if found.shape != rows.shape:
        raise ShapeError(f"{owner}: {name} returned shape {found.shape} for {rows.shape}")
    return found


def _mosaic(
    title: str, pictures: Array, scale: str, name: str, notes: list[str], table: Table,
    ticks: Any = (), limits: tuple[float, float] | None = None,
) -> Panel:  # fmt: skip
    """Return pictures, shape (rows, columns, height, width), side by side with gaps of a pixel."""
    r, c, h, w = pictures.shape
    board = np.full((r, h + 1, c, w + 1), np.nan)
    board[:, :h, :, :w] = pictures.transpose(0, 2, 1, 3)
    board = board.reshape(r * (h + 1), c * (w + 1))[:-1, :-1]
    x, y = (np.arange(n, dtype=float) for n in reversed(board.shape))
    shades = Shades(x, y, board, scale, name, limits, bar=bool(name))
    return Panel(
        title, Axis(ticks=()), Axis(ticks=ticks, reversed=True), [shades], notes, table, square=True
    )
