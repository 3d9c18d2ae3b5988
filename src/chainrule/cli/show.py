"""What people see: the data, the network and the results, as text of names that are only text."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import nn
from chainrule.cli.text import as_options, figures, short, verbatim
from chainrule.data import ColumnType, Table
from chainrule.models import Trial
from chainrule.pages import terminal
from chainrule.pages.visible import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Grid

_COLUMNS_SHOWN = 16
_CLASSES_SHOWN = 12
_SHORTEST, _LONGEST = 6, 20  # characters of a class's name above a confusion table
_GAP = 3  # blanks between the columns of a table
_NAMES = {"network": "network", "linear": "linear model"}


def console() -> Console:
    """Return a console on standard output; on anything but a terminal it is plain text."""
    return terminal.console(file=sys.stdout, markup=False, emoji=False, soft_wrap=True)


def new_grid(title: str, *columns: str, numbers: int = 0, fold: Sequence[int] = (0,)) -> Grid:
    """Return an empty table whose last `numbers` columns are aligned to the right.

    Where there is little room, the columns at the places `fold` take several lines, and no other
    is cut.
    """
    from rich import box
    from rich.table import Table as Grid

    grid = Grid(title=verbatim(title, "bold"), title_justify="left", box=box.SIMPLE_HEAD)
    for i, column in enumerate(columns):
        right = i >= len(columns) - numbers
        grid.add_column(
            verbatim(column),
            justify="right" if right else "left",
            no_wrap=i not in fold,
            overflow="fold",
        )
    return grid


def add_row(grid: Grid, *cells: object) -> None:
    """Add a row of texts, which are shown as they are."""
    grid.add_row(*(verbatim(cell) for cell in cells))


def data(console: Console, source: str, table: Table, trial: Trial) -> None:
    """Show the columns, what was left out and why, and how the rows are divided."""
    target = trial.model.target
    names = ", ".join(short(name) for name in target.columns)
    console.print(
        verbatim(f"{short(source, 60)}: {len(table):,} rows; to predict: {names}", "bold")
    )
    console.print(verbatim(f"task: {_task(trial)}"))
    for notice in (*table.notices, *target.notices):
        console.print(verbatim(f"note: {as_options(notice)}"))
    grid = new_grid("Columns", "column", "kind", "remark", "missing", numbers=1, fold=(0, 2))
    for name, kind in _worth_showing(trial.types):
        missing = int(table[name].missing.sum())
        notice = short(as_options(kind.notice), 160)
        add_row(grid, short(name), kind.kind, notice, f"{missing:,}" if missing else "")
    console.print(grid)
    if len(trial.types) > _COLUMNS_SHOWN:
        counts = Counter(kind.kind for kind in trial.types.values())
        listed = ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())
        console.print(verbatim(f"  in all {len(trial.types):,} columns: {listed}"))
    parts = {"to train on": trial.training, "for early stopping": trial.validation}
    rows = [f"{len(part):,} {use}" for use, part in parts.items() if part is not None]
    console.print(verbatim(f"rows: {', '.join(rows)}, {len(trial.held_out):,} held out"))


def _worth_showing(types: Any) -> list[tuple[str, ColumnType]]:
    """Return all columns, or of many those that are left out and the first of the others."""
    items = list(types.items())
    if len(items) <= _COLUMNS_SHOWN:
        return items
    out = [item for item in items if not item[1].used][:_COLUMNS_SHOWN]
    used = [item for item in items if item[1].used]
    return used[: max(_COLUMNS_SHOWN - len(out), 3)] + out


def _task(trial: Trial) -> str:
    target, given = trial.model.target, trial.model.given
    outputs = "1 output" if target.outputs == 1 else f"{target.outputs} outputs"
    classes = f" of {len(target.classes)} classes" if target.task == "multiclass" else ""
    loss = given.loss.replace("_", " ").replace("mse", "squared error")
    return f"{target.task}{classes}, so {outputs}, {given.activation}, {loss}"


def network(console: Console, trial: Trial) -> None:
    """Show the layers with their numbers of parameters, and the settings."""
    model = trial.model
    example = model.encoder.transform(trial.training.take(np.array([0])))
    grid = new_grid("Network", "layer", "kind", "outputs", "parameters", numbers=2)
    for row in nn.summary(model.network, example):
        kind = row.layer
        if kind == "Activation":
            kind = model.settings.activation
        add_row(
            grid,
            row.name,
            kind,
            row.output_shape[-1],
            f"{row.parameters:,}" if row.parameters else "",
        )
    console.print(grid)
    s = model.settings
    weights = f", classes {s.class_weight}" if s.class_weight != "none" else ""
    console.print(
        verbatim(
            f"{nn.count_parameters(model.network):,} parameters; {s.optimizer}, lr {s.lr:g}, "
            f"batches of {s.batch_size}, at most {s.epochs} epochs, weight decay "
            f"{s.weight_decay:g}, dropout {s.dropout:g}, {s.scaling} scaling{weights}, "
            f"seed {s.seed}"
        )
    )


def results(console: Console, metrics: dict[str, Any], notes: Sequence[str] = ()) -> None:
    """Show the measures on the held-out part, beside the baselines."""
    for note in notes:
        console.print(verbatim(f"note: {note}"))
    best = f", the best was {metrics['best_epoch']}" if metrics["best_epoch"] else ""
    console.print(verbatim(f"trained for {counted(metrics['epochs'], 'epoch')}{best}"))
    console.print(verbatim(f"engine: {metrics['engine']}"))
    scores = metrics["held_out"]
    rows = metrics["rows"]["held_out"]
    if metrics["task"] == "regression":
        _regression(console, scores, rows)
    else:
        _classification(console, scores, rows, metrics["task"])


def counted(number: int, what: str) -> str:
    """Return a number and what it is a number of, such as ``1 row``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _names(task: str) -> dict[str, str]:
    constant = {"regression": "mean", "multilabel": "label frequencies"}
    return {**_NAMES, "constant": constant.get(task, "majority class")}


def _classification(console: Console, scores: dict[str, Any], rows: int, task: str) -> None:
    measures = [name for name, value in scores["network"].items() if isinstance(value, float)]
    titles = [name.replace("_", " ") for name in measures]
    grid = new_grid(f"On the {counted(rows, 'row')} held out", "", *titles, numbers=len(titles))
    for key, name in _names(task).items():
        if key in scores:
            add_row(grid, name, *(f"{scores[key][measure]:.4f}" for measure in measures))
    console.print(grid)
    if "confusion" in scores["network"]:
        _confusion(console, scores["network"])
    else:
        _each_class(console, "Labels", scores["network"]["labels"])


def _confusion(console: Console, scores: dict[str, Any]) -> None:
    """Show how often each class was taken for each, or, without room for it, each class alone."""
    classes, confusion = scores["classes"], scores["confusion"]
    room = (console.width - 2) // (len(classes) + 1) - _GAP
    digits = max(len(f"{count:,}") for counts in confusion for count in counts)
    longest = max(len(visible(entry["name"])) for entry in classes)
    if len(classes) > _CLASSES_SHOWN or room < max(digits, min(longest, _SHORTEST)):
        _hardest(console, classes)
        return
    names = [short(entry["name"], min(room, _LONGEST)) for entry in classes]
    grid = new_grid(
        "Actual class (rows), predicted class (columns)", "", *names, numbers=len(names)
    )
    for name, counts in zip(names, confusion, strict=True):
        add_row(grid, name, *(f"{count:,}" if count else "." for count in counts))
    console.print(grid)


def _hardest(console: Console, classes: list[dict[str, Any]]) -> None:
    worst = sorted(classes, key=lambda entry: float(entry["f1"]))[:_CLASSES_SHOWN]
    some = f"The {len(worst)} hardest of {len(classes):,} classes"
    _each_class(console, "Classes" if len(worst) == len(classes) else some, worst)


def _each_class(console: Console, title: str, entries: list[dict[str, Any]]) -> None:
    grid = new_grid(title, "", "precision", "recall", "f1", "rows", numbers=4)
    for entry in entries:
        shares = (f"{entry[key]:.3f}" for key in ("precision", "recall", "f1"))
        add_row(grid, short(entry["name"]), *shares, f"{entry['rows']:,}")
    console.print(grid)


def _regression(console: Console, scores: dict[str, Any], rows: int) -> None:
    for i, output in enumerate(scores["network"]["outputs"]):
        title = f"{short(output['name'])}, on the {counted(rows, 'row')} held out"
        grid = new_grid(title, "", "rmse", "mae", "r2", numbers=3)
        found = {name: scores[key]["outputs"][i] for key, name in _names("regression").items()}
        rmse, mae = (figures([one[m] for one in found.values()]) for m in ("rmse", "mae"))
        r2 = ["" if one["r2"] is None else f"{one['r2']:.4f}" for one in found.values()]
        for cells in zip(found, rmse, mae, r2, strict=True):
            add_row(grid, *cells)
        console.print(grid)
        quantiles = output["error_quantiles"]
        titles = [f"{float(level):.0%}" for level in quantiles]
        grid = new_grid(
            "Quantiles of the error, predicted minus actual", "", *titles, numbers=len(titles)
        )
        add_row(grid, "network", *figures([*quantiles.values()]))
        console.print(grid)


def folder(console: Console, path: Path, what: str, command: str, given: str) -> None:
    """Show where the run is and how to use it."""
    console.print(verbatim(f"run folder: {path}"))
    console.print(verbatim(f"{what} with: chainrule {command} {quote(str(path))} {given}"))
