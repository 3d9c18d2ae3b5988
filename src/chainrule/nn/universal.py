"""A network of steps for any function of one variable: universal approximation, constructed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.constraints import COUNT, POSITIVE, Constraint, Interval, OneOf, check
from chainrule.errors import ArgumentError
from chainrule.nn.containers import Sequential
from chainrule.nn.layers import Activation, Linear
from chainrule.nn.parameters import load_parameters

_FINITE = Interval(-np.inf, np.inf)
_ALLOWED: dict[str, Constraint] = {
    "low": _FINITE,
    "high": _FINITE,
    "n_bumps": COUNT,
    "activation": OneOf(("binary_step", "sigmoid")),
    "steepness": POSITIVE,
}


class StepNetwork(NamedTuple):
    """A network of bumps, and how far it is from its function.

    Attributes
    ----------
    network : Sequential
        From (n, 1) to (n, 1).
    edges : array of shape (n_bumps + 1,)
        Where the bumps begin and end; the outermost lie a bump's width beyond the interval, so
        that sigmoid steps are made at its ends.
    heights : array of shape (n_bumps,)
    error : float
        The largest distance found, on 20 points a bump.
    """

    network: Sequential
    edges: Any
    heights: Any
    error: float


def step_network(
    function: Callable[[Any], Any],
    low: float = 0.0,
    high: float = 1.0,
    n_bumps: int = 10,
    *,
    activation: str = "binary_step",
    steepness: float = 20.0,
) -> StepNetwork:
    """Build a network with one hidden layer that approximates a function: nothing is trained.

    Two hidden units make a bump: one steps up where it begins, with the bump's height as its
    weight, the other, with the opposite weight, takes it back where it ends. A bump is as high as
    the function is in its middle. If the function is continuous, the error becomes as small as one
    likes, with enough bumps: for one that changes by L at most over a length of 1 it is below
    ``L * (high - low) / (2 * n_bumps)``, if the steps are sharp.

    Cybenko, "Approximation by superpositions of a sigmoidal function" (1989); the construction is
    that of Nielsen, "Neural networks and deep learning" (2015), chapter 4.

    Parameters
    ----------
    function : callable
        Maps an array to an array of its shape.
    low, high : float
        The interval, ``low < high``.
    n_bumps : int >= 1
    activation : {"binary_step", "sigmoid"}
    steepness : float > 0
        Of sigmoid steps, ``sigmoid(steepness * (x - edge) / width)`` in a bump's own width: the
        larger, the sharper.

    Returns
    -------
    StepNetwork

    Raises
    ------
    ArgumentError
        Naming an argument, or if the function is not finite in the interval.

    Examples
    --------
    >>> import numpy as np
    >>> made = step_network(lambda x: x**2, n_bumps=100)
    >>> made.network(np.array([[0.5]])).round(2), made.error < 0.01
    (array([[0.25]]), True)
    """
    given = {
        "low": low,
        "high": high,
        "n_bumps": n_bumps,
        "activation": activation,
        "steepness": steepness,
    }
    check("step_network", _ALLOWED, given)
    if low >= high:
        raise ArgumentError(f"step_network: low must be below high, not {low} and {high}")
    edges = np.linspace(low, high, n_bumps + 1)
    heights = _values(function, (edges[:-1] + edges[1:]) / 2.0)
    width = (high - low) / n_bumps
    edges[0], edges[-1] = low - width, high + width
    slope = 1.0 / width if activation == "binary_step" else steepness / width
    network = _bumps(edges, heights, slope, activation)
    points = low + (np.arange(20 * n_bumps) + 0.5) * (width / 20.0)
    distances = np.abs(network(points[:, None])[:, 0] - _values(function, points))
    return StepNetwork(network, edges, heights, float(np.max(distances)))


def _values(function: Callable[[Any], Any], points: Any) -> Any:
    values = np.asarray(function(points), float)
    if values.shape != points.shape:
        raise ArgumentError(
            f"step_network: the function maps shape {points.shape} to {values.shape}, and one "
            "number for each is needed"
        )
    if not np.isfinite(values).all():
        place = points[int(np.argmin(np.isfinite(values)))]
        raise ArgumentError(f"step_network: the function is not finite at {place}")
    return values


def _bumps(edges: Any, heights: Any, slope: float, activation: str) -> Sequential:
    """Return the network whose units 2 i and 2 i + 1 are the two steps of bump i."""
    n = 2 * len(heights)
    positions = np.stack([edges[:-1], edges[1:]], axis=1).ravel()
    network = Sequential(
        Linear(1, n, None, dtype=np.float64),
        Activation(activation),
        Linear(n, 1, None, dtype=np.float64),
    )
    weights = {
        "0.weight": np.full((n, 1), slope),
        "0.bias": -slope * positions,
        "2.weight": np.stack([heights, -heights], axis=1).reshape(1, n),
        "2.bias": np.zeros(1),
    }
    return load_parameters(network, weights)
