"""Activation functions and their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.autodiff import grad
from chainrule.errors import ArgumentError, NotDifferentiableError
from chainrule.graph import Array
from chainrule.nn import ACTIVATIONS
from chainrule.plots.panel import Axis, Line, Panel
from chainrule.plots.plot import plot_panels

_PLACES = 401


@plot_panels
def activations(functions: Any = None, *, low: float = -4.0, high: float = 4.0) -> list[Panel]:
    """Draw activation functions with their derivatives, one panel each.

    The derivative is that of `chainrule.grad`. A function of whole rows, such as softmax, is shown
    by its first output for the row (x, 0).

    Parameters
    ----------
    functions : str, callable or sequence of them, optional
        Names in `chainrule.nn.ACTIVATIONS`, or functions in plain NumPy; all of the former if left
        out.
    low, high : float
        Ends of the interval.

    Raises
    ------
    ArgumentError
        If there is no such function, or the interval is empty.

    Examples
    --------
    >>> from chainrule import plots
    >>> for panel in plots.activations.data(["tanh", "relu"], low=0.0, high=2.0):
    ...     value, derivative = panel.marks
    ...     print(panel.title, value.y[[0, -1]].round(3), derivative.y[[0, -1]].round(3))
    tanh [0.    0.964] [1.    0.071]
    relu [0. 2.] [0. 1.]
    """
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ArgumentError(f"activations: the interval from {low} to {high} is empty")
    chosen = _chosen(functions)
    x = np.linspace(low, high, _PLACES)
    panels = [_panel(name, function, x) for name, function in chosen.items()]
    told = next((i for i, panel in enumerate(panels) if len(panel.marks) > 1), 0)
    return [replace(panel, legend=i == told) for i, panel in enumerate(panels)]


def _chosen(functions: Any) -> dict[str, Callable[..., Any]]:
    if functions is None:
        return dict(ACTIVATIONS)
    several = isinstance(functions, Sequence) and not isinstance(functions, str)
    found: dict[str, Callable[..., Any]] = {}
    for entry in functions if several else [functions]:
        if not callable(entry) and entry not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise ArgumentError(f"activations: there is no function {entry!r}; there are {known}")
        name = getattr(entry, "__name__", "function") if callable(entry) else str(entry)
        found[name] = entry if callable(entry) else ACTIVATIONS[name]
    if not found:
        raise ArgumentError("activations: no function was named")
    return found


def _panel(name: str, function: Callable[..., Any], x: Array) -> Panel:
    def first(values: Any, second: float = 0.0) -> Any:
        row = np.stack([values, np.full_like(x, second)], axis=-1)
        return function(row)[..., 0]

    value = np.asarray(first(x), np.float64)
    marks = [Line(x, value, "value", jumps=True)]
    notes = []
    if not np.array_equal(value, first(x, 1.0)):
        notes.append("first output for the row (x, 0)")
    try:
        slope = grad(lambda values: np.sum(first(values)))(x)
        marks.append(Line(x, np.asarray(slope), "derivative", 1, dashed=True, jumps=True))
    except NotDifferentiableError:
        notes.append("no derivative to train by")
    return Panel(name, Axis("x"), Axis(), marks, notes)
