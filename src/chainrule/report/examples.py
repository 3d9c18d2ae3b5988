"""Worked examples: a right answer, a wrong one and an unsure one, with what moved them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.autodiff import grad
from chainrule.explanation import explain
from chainrule.graph import Array
from chainrule.models import TableModel, Trial
from chainrule.pages import Block, Code, Fold, Heading, Page, Paragraph, Shown, Table, Text
from chainrule.report.charts import bars

_INPUTS = 12


def examples_section(trial: Trial, finished: Array) -> list[Block]:
    """Return three held-out rows worked out; fewer, if there is no wrong answer."""
    blocks: list[Block] = []
    target = trial.model.target
    actual = np.asarray(target.encode(trial.held_out))
    if target.task == "regression":
        actual = target.decode(actual)
    for title, row in chosen(target.task, finished, actual).items():
        worked = WorkedRow(trial.model, trial.held_out, row)
        blocks += [Heading(f"{title}: line {worked.line}", 3), *worked.blocks()]
    return [Heading("Worked examples"), *blocks] if blocks else []


def chosen(task: str, finished: Array, actual: Array) -> dict[str, int]:
    """Return the rows to show, by what they are examples of."""
    if task in ("binary", "multiclass"):
        right = finished.argmax(axis=1) == actual.ravel().astype(int)
        sure = finished.max(axis=1)
        wanted = {
            "A right answer": np.where(right, sure, -np.inf),
            "A wrong answer": np.where(~right, sure, -np.inf),
            "An unsure answer": -sure,
        }
    elif task == "regression":
        error = np.abs(finished - actual).mean(axis=1)
        middle = np.abs(error - np.median(error))
        wanted = {"A close answer": -error, "A far answer": error, "A usual answer": -middle}
    else:
        agree = ((finished >= 0.5) == (actual >= 0.5)).mean(axis=1)
        sure = np.abs(finished - 0.5).mean(axis=1)
        wanted = {
            "A right answer": agree + 0.5 * sure,
            "A wrong answer": np.where(agree < 1, 1 - agree, -np.inf),
            "An unsure answer": -sure,
        }
    found: dict[str, int] = {}
    for title, score in wanted.items():
        i = int(np.argmax(score))
        if np.isfinite(score[i]) and i not in found.values():
            found[title] = i
    return found


class WorkedRow(Shown):
    """One row worked out: its answer, what moved it, and its backward pass.

    Parameters
    ----------
    model : TableModel
    table : Table
        With the targets.
    row : int
        Position in the table.
    """

    def __init__(self, model: TableModel, table: Any, row: int) -> None:
        self.model, self.one = model, table.take(np.array([row]))
        self.line = int(self.one.lines[0])
        self.answer = {name: values[0] for name, values in model.predict(self.one).items()}
        exhibit = model.exhibit(self.one)
        self.inputs = exhibit.X
        objective = explain(exhibit.objective, wrt="network")
        self.explanation = objective(exhibit.network, exhibit.X, exhibit.y)

    def facts(self) -> dict[str, Any]:
        """Return the answer and the backward pass."""
        return {"line": self.line, "answer": self.answer, **self.explanation.facts()}

    def page(self) -> Page:
        """Return the row as a page."""
        title = f"{', '.join(self.model.target.columns)} at line {self.line}"
        return Page(title, [Heading(title, 1), *self.blocks()])

    def blocks(self) -> list[Block]:
        """Return what the page holds under its title."""
        actual = {name: self.one[name].text(0) for name in self.model.target.columns}
        truth = ", ".join(f"{name} is {value}" for name, value in actual.items())
        words = ", ".join(f"{name}: {_cell(value)}" for name, value in self.answer.items())
        return [
            Paragraph(f"Actual: {truth}. {words[0].upper()}{words[1:]}."),
            *moved(self.model, self.inputs),
            Fold("The columns of this row", [_cells(self.one, self.model)]),
            Fold("The backward pass for this row", self.explanation.blocks()),
        ]


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cells(one: Any, model: TableModel) -> Table:
    names = [n for n in one.names if n not in model.target.columns]
    rows: list[list[Text]] = [[[Code(name)], one[name].text(0)] for name in names]
    return Table(["column", "value"], rows)


def moved(model: TableModel, X: dict[str, Array]) -> list[Block]:
    """Return which inputs moved a row's answer: gradient times input, after scaling."""
    if "numbers" not in X:
        return []
    target, outputs = model.target, np.asarray(model.network(X))[0]
    k = int(np.argmax(outputs if target.task == "multiclass" else np.abs(outputs)))
    scored = target.classes[1:] if target.task == "binary" else target.classes or target.columns
    slope = grad(lambda numbers: model.network({**X, "numbers": numbers})[0, k])(X["numbers"])
    parts = np.asarray(slope * X["numbers"], np.float64)[0]
    order = np.argsort(-np.abs(parts), kind="stable")[:_INPUTS]
    if not np.any(parts):
        return []
    names = model.encoder.feature_names
    return [
        bars(
            "What moved the answer", {names[i]: float(parts[i]) for i in order},
            x_label=f"towards {scored[k]}, or away from it",
            caption="The score's gradient by each input, times the input after scaling.",
        )
    ]  # fmt: skip
