"""The space of the inputs and that of the hidden units."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.constraints import COUNT, Interval, check
from chainrule.data import principal_components
from chainrule.errors import ArgumentError
from chainrule.graph import Array
from chainrule.nn import Module, layer_outputs
from chainrule.pages import Table
from chainrule.plots.panel import Axis, Line, Panel, Points, counted, number
from chainrule.plots.plane import Plane, class_points, need_two
from chainrule.plots.plot import plot, plot_panels
from chainrule.plots.subject import (
    as_seen,
    class_names,
    classes_of,
    is_text,
    labels,
    matrix,
    network_of,
)
from chainrule.training import hidden_outputs, predict

_PLACES = {"places": Interval(2, 2001, "both", integer=True)}


@plot
def decision_regions(
    model: Any, X: Any, y: Any = None, *, columns: Any = None, threshold: float = 0.0,
    places: int = 160,
) -> Panel:  # fmt: skip
    """Draw what a model answers over the plane of two columns, and the rows on it.

    Parameters
    ----------
    model : Module or estimator
        The largest of a network's outputs is the class. A single one is a number, or, if `y` holds
        0 and 1 or names alone, says the second class where it is above `threshold`. An estimator
        has `predict`.
    X : array_like or DataFrame, shape (n, d)
        Finite numbers; they decide which part of the plane is shown.
    y : array_like, shape (n,), optional
        Classes or numbers of the rows.
    columns : two of int or str, optional
        Which columns span the plane, the first two if left out; others stay at their medians.
    threshold : float
        0 for a network that returns a score (logit), 0.5 for one that returns a probability.
    places : int in [2, 2001]
        Columns and rows of the grid.

    Raises
    ------
    ShapeError, DataError, ArgumentError
        If the rows are not finite, fewer than two columns wide, or not as many as labels.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, plots
    >>> xor = nn.load_parameters(nn.Linear(2, 2, rng=0),
    ...     {"weight": np.array([[1.0, 0.0], [-1.0, 0.0]]), "bias": np.zeros(2)})
    >>> panel = plots.decision_regions.data(xor, [[-1.0, 0.0], [1.0, 1.0]], places=4)
    >>> panel.marks[0].values[0]
    array([1, 1, 0, 0])
    """
    owner = "decision_regions"
    check(owner, _PLACES, {"places": places})
    plane = Plane.through(owner, X, columns, 2, places)
    need_two(owner, plane)
    targets = None if y is None else labels(owner, y, len(plane.rows))
    answers = _answers(owner, model, _like(X, plane), targets, threshold)
    if answers.dtype.kind == "f" and not hasattr(model, "classes_"):
        return _numbers_over(plane, answers)
    classes = _all_classes(model, np.unique(answers), targets)
    codes, points = np.searchsorted(classes, answers), []
    names = class_names(classes) if targets is None else []  # else the points are named
    if targets is not None:
        points = class_points(
            plane.places(0), plane.places(1), np.searchsorted(classes, targets), classes
        )
    regions = plane.shades(codes, "classes", names=names)
    shares = [float(np.mean(codes == c)) for c in range(len(classes))]
    return Panel(
        "Decision regions", plane.axis(0), plane.axis(1), [regions, *points], plane.notes,
        _region_table(classes, shares, targets),
    )  # fmt: skip


def _like(X: Any, plane: Plane) -> Any:
    """Return the inputs of a plane as a data frame, where the data are one."""
    if not hasattr(X, "columns"):
        return plane.inputs()
    return type(X)(plane.inputs(), columns=list(X.columns))


def _answers(owner: str, model: Any, X: Any, y: Array | None, threshold: float) -> Array:
    """Return a class or a number for each row."""
    if not isinstance(model, Module):
        if not callable(getattr(model, "predict", None)):
            raise ArgumentError(
                f"{owner}: model must be a Module or an estimator with predict, "
                f"not {type(model).__name__}"
            )
        return labels(owner, model.predict(X), name="the prediction")
    outputs = np.asarray(predict(model, as_seen(model, np.asarray(X))), np.float64)
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        return _named(owner, outputs.argmax(axis=1), outputs.shape[1], y)
    scores = labels(owner, outputs, name="the output")
    if y is None or not (is_text(y) or set(np.unique(y).tolist()) <= {0, 1}):
        return scores
    return _named(owner, (scores > threshold).astype(int), 2, y)


def _named(owner: str, codes: Array, k: int, y: Array | None) -> Array:
    """Return the names of classes by number, where the rows' classes are names."""
    if y is None or not is_text(y):
        return codes
    names = np.unique(y)
    if len(names) != k:
        raise ArgumentError(
            f"{owner}: y names {len(names)} classes and the network tells {k} apart: "
            "give y as numbers of the classes"
        )
    return np.asarray(names[codes])


def _all_classes(model: Any, answered: Array, y: Array | None) -> Array:
    """Return the classes that the model knows, or that were answered or given."""
    known = getattr(model, "classes_", answered)
    return np.unique(np.concatenate([known, answered, answered if y is None else y]))


def _numbers_over(plane: Plane, answers: Array) -> Panel:
    shades = plane.shades(answers, "sequential", name="predicted", contours=True)
    rows = Points(plane.places(0), plane.places(1), series=6)
    table = Table(
        ["predicted, over the plane", ""],
        [["lowest", number(answers.min())], ["highest", number(answers.max())]],
        frozenset({1}),
    )
    return Panel(
        "Predictions over the plane", plane.axis(0), plane.axis(1), [shades, rows], plane.notes,
        table,
    )  # fmt: skip


def _region_table(classes: Array, shares: list[float], y: Array | None) -> Table:
    rows = [
        [name, f"{100 * share:.1f} %", *([] if y is None else [f"{int(np.sum(y == c)):,}"])]
        for name, share, c in zip(class_names(classes), shares, classes, strict=True)
    ]
    columns = ["class", "of the plane", *([] if y is None else ["rows"])]
    return Table(columns, rows, frozenset({1, 2}))


def _layer(
    owner: str, network: Module, rows: Array, layer: str | None, last: bool
) -> tuple[str, Array]:
    """Return the name and the outputs, shape (n, units), of a layer: a hidden one if not named."""
    X = as_seen(network, rows)
    found = hidden_outputs(network, X) if layer is None else layer_outputs(network, X)
    if not found:
        raise ArgumentError(f"{owner}: the network has no hidden layer; name one by layer=")
    name = list(found)[-1 if last else 0] if layer is None else layer
    if name not in found:
        known = ", ".join(repr(n) for n in found if n)
        raise ArgumentError(f"{owner}: there is no layer {name!r}; there are {known}")
    outputs = np.asarray(found[name], np.float64)
    return name, matrix(owner, outputs.reshape(len(rows), -1), f"layer {name!r}")


@plot_panels
def hidden_units(
    model: Any, X: Any, y: Any = None, *, layer: str | None = None, columns: Any = None,
    most: int = 16, places: int = 81,
) -> list[Panel]:  # fmt: skip
    """Draw the output of each unit of a hidden layer over one or two columns of the input.

    Parameters
    ----------
    model : Module or fitted estimator with `network_`
    X : array_like or DataFrame, shape (n, d)
        What the network takes, finite; it decides which part of the line or the plane is shown.
    y : array_like, shape (n,), optional
        Classes of the rows, which are then drawn on each plane.
    layer : str, optional
        Dotted name of a module; the first hidden layer if left out.
    columns : one or two of int or str, optional
        Which columns are varied, the first two if left out; others stay at their medians.
    most : int >= 1
        Units that are shown, from the first on.
    places : int in [2, 2001]
        Columns and rows of the grid.

    Raises
    ------
    ShapeError, DataError, ArgumentError
        If the rows are not finite, or there is no such layer.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, plots
    >>> model = nn.Sequential(nn.Linear(1, 3, rng=0), "relu", nn.Linear(3, 1, rng=1))
    >>> panels = plots.hidden_units.data(model, np.linspace(-1, 1, 9))
    >>> [panel.title for panel in panels]
    ['unit 1', 'unit 2', 'unit 3']
    """
    owner = "hidden_units"
    check(owner, {**_PLACES, "most": COUNT}, {"places": places, "most": most})
    plane = Plane.through(owner, X, columns, 2, places)
    network = network_of(owner, model)
    name, outputs = _layer(owner, network, plane.inputs(), layer, last=False)
    points: list[Points] = []
    if y is not None and len(plane.columns) == 2:
        targets = labels(owner, y, len(plane.rows))
        classes, codes = np.unique(targets, return_inverse=True)
        points = class_points(plane.places(0), plane.places(1), codes, classes)
        points = [Points(p.x, p.y, series=p.series) for p in points]
    shown = outputs[:, :most]
    limits = (float(shown.min()), float(shown.max()))
    panels = []
    for i, values in enumerate(shown.T):
        notes = (
            []
            if i
            else [f"layer {name!r}: {shown.shape[1]} of {counted(outputs.shape[1], 'unit')}"]
        )
        notes += [] if i else plane.notes
        panels.append(_unit(f"unit {i + 1}", plane, values, limits, points, notes))
    return panels


def _unit(
    title: str, plane: Plane, values: Array, limits: tuple[float, float], points: list[Points],
    notes: list[str],
) -> Panel:  # fmt: skip
    table = Table(
        ["output", ""],
        [["lowest", number(values.min())], ["highest", number(values.max())]],
        frozenset({1}),
    )
    if len(plane.columns) == 1:
        room = 0.05 * (limits[1] - limits[0]) or 0.5
        line = Line(plane.grid[0], values)
        y = Axis("output", limits=(limits[0] - room, limits[1] + room))
        return Panel(title, plane.axis(0), y, [line], notes, table)
    scale = "diverging" if limits[0] < 0 < limits[1] else "sequential"
    shades = plane.shades(values, scale, name="output", limits=limits)
    return Panel(title, plane.axis(0), plane.axis(1), [shades, *points], notes, table)


@plot
def hidden_space(model: Any, X: Any, y: Any = None, *, layer: str | None = None) -> Panel:
    """Draw rows where a hidden layer puts them, coloured by what is to be predicted.

    The outputs of two units are shown as they are, those of more along the two directions in which
    they differ most.

    Parameters
    ----------
    model : Module or fitted estimator with `network_`
    X : array_like, shape (n, d)
        What the network takes, finite.
    y : array_like, shape (n,), optional
        Classes or numbers of the rows.
    layer : str, optional
        Dotted name of a module; the last hidden layer if left out.

    Raises
    ------
    ShapeError, DataError, ArgumentError
        If the rows are not finite or not as many as labels, or there is no such layer.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, plots
    >>> model = nn.Sequential(nn.Linear(3, 2, rng=0), "tanh", nn.Linear(2, 1, rng=1))
    >>> panel = plots.hidden_space.data(model, np.eye(3), [0, 1, 1])
    >>> [(points.name, len(points.x)) for points in panel.marks]
    [('0', 1), ('1', 2)]
    """
    owner = "hidden_space"
    rows = matrix(owner, X)
    targets = None if y is None else labels(owner, y, len(rows))
    name, outputs = _layer(owner, network_of(owner, model), rows, layer, last=True)
    width = outputs.shape[1]
    across, up, notes = (
        Axis("unit 1"),
        Axis("unit 2"),
        [f"layer {name!r}: {counted(width, 'unit')}"],
    )
    places = np.column_stack([outputs, np.zeros(len(rows))])[:, :2]
    if width == 1:
        up = Axis(ticks=())
    if width > 2:
        found = principal_components(outputs)
        places = found.scores
        across, up = (
            Axis(f"{word} direction ({100 * share:.0f} % of the variance)")
            for word, share in zip(("first", "second"), found.shares, strict=True)
        )
    marks, table = _placed(places, targets)
    return Panel("Hidden space", across, up, marks, notes, table)


def _placed(places: Array, y: Array | None) -> tuple[list[Points], Table]:
    """Return points by class or by number, and where they are on average."""
    x1, x2 = places.T
    classes = None if y is None else classes_of(y)
    if y is None or classes is None:
        marks = [Points(x1, x2, "" if y is None else "y", values=y)]
        groups = [("all", places)]
    else:
        codes = np.searchsorted(classes, y)
        marks = class_points(x1, x2, codes, classes)
        groups = [(name, places[codes == c]) for c, name in enumerate(class_names(classes))]
    rows = [
        [name, f"{len(p):,}", number(p[:, 0].mean()), number(p[:, 1].mean())] for name, p in groups
    ]
    columns = ["class", "rows", "mean on the first axis", "on the second"]
    return marks, Table(columns, rows, frozenset({1, 2, 3}))
