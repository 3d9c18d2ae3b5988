"""Where the classes come apart: the plane of two inputs, or the last hidden layer's outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.data import principal_components
from chainrule.graph import Array
from chainrule.models import Trial
from chainrule.pages import Block, Fold, Heading, Paragraph
from chainrule.report.chart import MOST_SERIES
from chainrule.report.charts import regions, scatter
from chainrule.training import hidden_outputs

_GRID, _SMALL_GRID, _UNITS = 56, 28, 12


def space_section(trial: Trial) -> list[Block]:
    """Return the decision boundary for two inputs, else the hidden space of the held-out rows."""
    model = trial.model
    used = [name for name, kind in trial.types.items() if kind.used]
    plane = (
        len(used) == 2 and not model.encoder.embedded
        and all(trial.types[name].kind == "number" for name in used)
    )  # fmt: skip
    if plane:
        return _plane(trial, used)
    return _hidden(trial)


def _groups(trial: Trial, x: Array, y: Array, table: Any) -> dict[str, tuple[Array, Array]]:
    """Return points by the name of their class; of numbers, in one group."""
    target = trial.model.target
    if target.task not in ("binary", "multiclass") or len(target.classes) > MOST_SERIES:
        return {"rows": (x, y)}
    labels = np.asarray(target.encode(table)).ravel().astype(int)
    return {n: (x[labels == i], y[labels == i]) for i, n in enumerate(target.classes)}


def _plane(trial: Trial, names: list[str]) -> list[Block]:
    x, y = (np.asarray(trial.held_out[name].numbers(), np.float64) for name in names)
    target = trial.model.target

    def over(size: int, function: Callable[[dict[str, Any]], Array]) -> tuple[Array, Array, Array]:
        a, b = (_range(v, size) for v in (x, y))
        grid = np.meshgrid(a, b)
        cells = {n: g.ravel().tolist() for n, g in zip(names, grid, strict=True)}
        return a, b, np.asarray(function(cells)).reshape(size, size, -1)

    def answers(cells: dict[str, Any]) -> Array:
        finished = trial.model.finished(cells)
        if target.task == "binary":
            return finished[:, 1]
        return finished.argmax(axis=1) if target.task == "multiclass" else _unit(finished[:, 0])

    a, b, values = over(_GRID, answers)
    several = len(target.classes) if target.task == "multiclass" else 0
    words = {
        "binary": f"The darker, the more probable {target.classes[-1] if target.classes else ''}.",
        "multiclass": "Each colour is the class that is most probable there.",
    }.get(target.task, "The darker, the larger the answer.")
    blocks: list[Block] = [
        Heading("Where the classes come apart" if target.classes else "The answer over the plane"),
        regions(
            "Answers over the plane", a, b, values[..., 0], _groups(trial, x, y, trial.held_out),
            x_label=names[0], y_label=names[1], classes=several,
            caption=f"{words} Points are held-out rows.",
        ),
    ]  # fmt: skip
    a, b, units = over(_SMALL_GRID, lambda cells: _first_hidden(trial, cells))
    if units.size:
        shown = [
            regions(f"Unit {i + 1}", a, b, _unit(units[..., i]), x_label=names[0],
                    y_label=f"unit {i + 1}: {names[1]}", small=True)
            for i in range(min(_UNITS, units.shape[-1]))
        ]  # fmt: skip
        blocks.append(Fold("The output of each hidden unit of the first layer", shown))
    return blocks


def _range(values: Array, size: int) -> Array:
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    room = 0.08 * ((high - low) or 1.0)
    return np.linspace(low - room, high + room, size)


def _unit(values: Array) -> Array:
    """Return numbers moved and scaled to between 0 and 1."""
    low, high = float(np.min(values)), float(np.max(values))
    return np.asarray((values - low) / ((high - low) or 1.0))


def _activations(trial: Trial, rows: Any) -> dict[str, Array]:
    return hidden_outputs(trial.model.network, trial.model.encoder.transform(rows))


def _first_hidden(trial: Trial, cells: dict[str, Any]) -> Array:
    found = _activations(trial, cells)
    return next(iter(found.values())) if found else np.zeros((len(next(iter(cells.values()))), 0))


def _hidden(trial: Trial) -> list[Block]:
    found = _activations(trial, trial.held_out)
    if not found or len(trial.held_out) < 3:
        return []
    last = list(found.values())[-1]
    plane = principal_components(last)
    if not plane.shares[0] or last.shape[1] < 2:
        return []
    (x, y), share = plane.scores.T, plane.shares.sum()
    return [
        Heading("The hidden space"),
        Paragraph(
            f"The {last.shape[1]} outputs of the last hidden layer, seen along the two directions "
            f"in which they differ most; these hold {100 * share:.0f} % of their variance."
        ),
        scatter(
            "Hidden space", _groups(trial, x, y, trial.held_out), x_label="first direction",
            y_label="second direction", caption="Points are held-out rows.",
        ),
    ]  # fmt: skip
