"""The loss over a plane through a network's parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.constraints import POSITIVE, Interval, check
from chainrule.errors import ArgumentError
from chainrule.graph import Array
from chainrule.graph.tree import flatten, map_leaves, unflatten
from chainrule.nn import LOSSES, Module, named_parameters
from chainrule.pages import Table
from chainrule.plots.panel import Axis, Line, Mark, Panel, Points, Shades, log_pays, number
from chainrule.plots.plot import plot
from chainrule.plots.subject import network_of

Direction = list[Array]  # an array for each parameter
_ALLOWED = {
    "span": POSITIVE, "points": Interval(3, 501, "both", integer=True),
    "seed": Interval(0, 2**64, integer=True),
}  # fmt: skip
_ROOM = 0.25  # beyond a trajectory, as a share of its extent
_FLAT = 0.2  # at least so far across a trajectory, as a share of its length


@plot
def loss_surface(
    model: Any, X: Any, y: Any, loss: str | Callable[..., Any], *, seed: int = 0,
    span: float = 1.0, points: int = 21, trajectory: Sequence[Module] = (),
) -> Panel:  # fmt: skip
    """Draw the loss over the plane of two directions through a network's parameters.

    The directions are random and filter-normalised: each row of a weight, the weights of one unit,
    gets the length of that row, and biases and other vectors stay (Li, Xu, Taylor, Studer and
    Goldstein, "Visualizing the loss landscape of neural nets", NeurIPS 2018, section 4). So
    surfaces of different networks can be compared. With a trajectory they are the two directions in
    which it moves most (section 7.2), for random ones would not show it.

    Parameters
    ----------
    model : Module or fitted estimator with `network_`
        The middle of the plane.
    X, y : arrays, or trees of them
        Data as the network and the loss take them, all of which are evaluated at each point.
    loss : str or callable
        A name in `chainrule.nn.LOSSES`, or ``loss(outputs, targets)``.
    seed : int in [0, 2**64)
        Decides the random directions.
    span : float > 0
        How far the plane reaches to each side, in lengths of the directions; not with a trajectory.
    points : int in [3, 501]
        Columns and rows of the grid; an odd number has the network itself among them.
    trajectory : sequence of Module
        The same network at earlier moments, two of them at least.

    Raises
    ------
    ArgumentError
        If an argument cannot be, no loss on the plane is finite, or the trajectory does not move.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, plots
    >>> model = nn.Linear(2, 1, bias=False, rng=0)
    >>> X, y = np.eye(2, dtype=np.float32), np.zeros((2, 1), np.float32)
    >>> panel = plots.loss_surface.data(model, X, y, "mse", points=3)
    >>> bool(np.isclose(panel.marks[0].values[1, 1], nn.mse(model(X), y)))
    True
    """
    owner = "loss_surface"
    check(owner, _ALLOWED, {"span": span, "points": points, "seed": seed})
    if isinstance(loss, str) and loss not in LOSSES:
        raise ArgumentError(f"{owner}: there is no loss {loss!r}; there are {', '.join(LOSSES)}")
    network = network_of(owner, model)
    function = LOSSES[loss] if isinstance(loss, str) else loss
    path: Array | None = None
    if trajectory:
        directions, path, shares = _along(owner, network, trajectory)
        least = _FLAT * float(np.ptp(path, axis=0).max())
        grid = [_range(values, points, least) for values in path.T]
        labels = [f"{word} direction of the path ({100 * share:.0f} %)"
                  for word, share in zip(("first", "second"), shares, strict=True)]  # fmt: skip
    else:
        directions = _random(owner, network, seed)
        grid = [np.linspace(-span, span, points)] * 2
        labels = ["first random direction", "second random direction"]
    values = _losses(network, directions, grid, X, y, function)
    if not np.isfinite(values).any():
        raise ArgumentError(f"{owner}: no loss on this plane is finite: choose a smaller span")
    return _panel(values, grid, labels, path)


def _panel(values: Array, grid: list[Array], labels: list[str], path: Array | None) -> Panel:
    log = log_pays(values)
    marks: list[Mark] = [Shades(grid[0], grid[1], values, name="loss", log=log, contours=True)]
    if path is not None:
        marks.append(Line(path[:, 0], path[:, 1], "path", 1, dots=True))
    marks.append(Points(np.zeros(1), np.zeros(1), "the network", series=3))
    row, column = np.unravel_index(int(np.nanargmin(values)), values.shape)
    lowest = f"{number(values[row, column])} at ({number(grid[0][column])}, {number(grid[1][row])})"
    middle = values[np.abs(grid[1]).argmin(), np.abs(grid[0]).argmin()]
    rows = [["at the network", number(middle)], ["lowest", lowest],
            ["highest", number(float(np.nanmax(values)))]]  # fmt: skip
    lost = int((~np.isfinite(values)).sum())
    notes = [f"{lost} of {values.size} losses are not finite and left blank"] if lost else []
    return Panel(
        "Loss surface", Axis(labels[0]), Axis(labels[1]), marks, notes,
        Table(["loss", ""], rows, frozenset({1})),
    )  # fmt: skip


def _random(owner: str, network: Module, seed: int) -> list[Direction]:
    """Return two random directions, each row of a weight as long as that of the network."""
    leaves, _ = flatten(network)
    if not any(np.ndim(leaf) > 1 and np.any(leaf) for leaf in leaves):
        raise ArgumentError(f"{owner}: the network has no weight that is not zero")
    rng = np.random.default_rng(seed)
    return [[_like_filters(rng, np.asarray(leaf, np.float64)) for leaf in leaves] for _ in range(2)]


def _like_filters(rng: np.random.Generator, weight: Array) -> Array:
    if weight.ndim < 2:
        return np.zeros_like(weight)
    within = tuple(range(1, weight.ndim))
    drawn = rng.standard_normal(weight.shape)
    own, random = (np.sqrt(np.sum(a**2, axis=within, keepdims=True)) for a in (weight, drawn))
    return np.asarray(drawn * own / random)


def _along(
    owner: str, network: Module, trajectory: Sequence[Module]
) -> tuple[list[Direction], Array, Array]:
    """Return the two directions in which a path to the network moves most, and the path on them."""
    here = _vector(network)
    moments = []
    for i, moment in enumerate(trajectory):
        if not isinstance(moment, Module) or _shapes(moment) != _shapes(network):
            raise ArgumentError(f"{owner}: trajectory[{i}] is not the same network at another time")
        moments.append(_vector(moment) - here)
    if len(moments) < 2:
        raise ArgumentError(f"{owner}: a trajectory has two networks at least, not {len(moments)}")
    moves = np.stack([*moments, np.zeros_like(here)])
    _, sizes, axes = np.linalg.svd(moves, full_matrices=False)
    if not sizes[0]:
        raise ArgumentError(f"{owner}: the networks of the trajectory are all the same")
    largest = np.abs(axes[:2]).argmax(axis=1)
    axes = axes[:2] * np.where(axes[[0, 1], largest] < 0, -1.0, 1.0)[:, None]
    leaves, _ = flatten(network)
    ends = np.cumsum([np.size(leaf) for leaf in leaves])[:-1]
    directions = [
        [part.reshape(np.shape(leaf)) for part, leaf in zip(np.split(a, ends), leaves, strict=True)]
        for a in axes
    ]
    return directions, moves @ axes.T, sizes[:2] ** 2 / np.sum(sizes**2)


def _vector(network: Module) -> Array:
    return np.concatenate([np.ravel(leaf) for leaf in flatten(network)[0]]).astype(np.float64)


def _shapes(network: Module) -> dict[str, Any]:
    return {name: np.shape(a) for name, a in named_parameters(network).items()}


def _range(values: Array, points: int, least: float) -> Array:
    """Return places from one end of a path to the other and beyond."""
    low, high = float(values.min()), float(values.max())
    half = max((0.5 + _ROOM) * (high - low), least)
    return np.linspace((low + high) / 2 - half, (low + high) / 2 + half, points)


@np.errstate(all="ignore")
def _losses(
    network: Module, directions: list[Direction], grid: list[Array], X: Any, y: Any,
    loss: Callable[..., Any],
) -> Array:  # fmt: skip
    """Return the loss at each point of the grid, shape (second, first); NaN where not finite."""
    leaves, structure = flatten(network)
    dtype = np.result_type(*leaves)
    inputs = map_leaves(lambda a: _in_dtype(a, dtype), X)
    found = np.empty((len(grid[1]), len(grid[0])))
    for i, j in np.ndindex(*found.shape):
        moved = [
            (leaf + grid[0][j] * a + grid[1][i] * b).astype(leaf.dtype)
            for leaf, a, b in zip(leaves, *directions, strict=True)
        ]
        found[i, j] = float(loss(unflatten(structure, moved)(inputs), y))
    return np.where(np.isfinite(found), found, np.nan)


def _in_dtype(array: Any, dtype: Any) -> Array:
    found = np.asarray(array)
    return found.astype(dtype) if found.dtype.kind == "f" else found
