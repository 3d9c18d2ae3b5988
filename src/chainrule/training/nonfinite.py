"""Where the first NaN or infinity of a step of training came from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from chainrule.autodiff.arguments import record
from chainrule.errors import ChainruleError, NonFiniteError
from chainrule.explanation.account import Account
from chainrule.explanation.births import Birth, Hunt
from chainrule.explanation.names import name_variables
from chainrule.explanation.numbers import number
from chainrule.graph import Array, Tensor
from chainrule.graph.trace import ancestors
from chainrule.graph.tree import flatten, paths
from chainrule.nn import named_parameters
from chainrule.pages import Block, Heading, Page, Paragraph, Shown, Strong
from chainrule.training.callbacks import State
from chainrule.training.checkpoint import latest
from chainrule.training.rows import Rows
from chainrule.training.step import Gradients, Step

_REMEDY = "lower the learning rate, or clip the gradients with clip_norm="
_LISTED = 5  # rows and columns that are named
_FAR = 4.0  # deviations from the mean from which a cell stands out


class NonFiniteReport(Shown):
    """What is known of a step whose loss or gradients are not finite.

    Attributes
    ----------
    step, epoch : int
        Counted from 1.
    what : str
        What is not finite.
    cause : str
        Where it began, as the error says it.
    hunt : Hunt or None
        The op, the user's line, the operands.
    layer : str
        In or after which it happened; empty if that is not known.
    rows : list of int
        Of the data, counted from 0, that are not finite where others are.
    columns : list of str
        Inputs that stand out in these rows, with their values.
    checkpoint : str
        The folder of the last good state; empty if there is none.
    """

    def __init__(self, step: int, epoch: int, what: str) -> None:
        self.step, self.epoch, self.what = step, epoch, what
        self.cause = ""
        self.hunt: Hunt | None = None
        self.layer = ""
        self.rows: list[int] = []
        self.columns: list[str] = []
        self.checkpoint = ""

    def facts(self) -> dict[str, Any]:
        """Return what is known as JSON-able values."""
        return {
            "step": self.step,
            "epoch": self.epoch,
            "what": self.what,
            "cause": self.cause,
            "layer": self.layer,
            "rows": self.rows,
            "columns": self.columns,
            "checkpoint": self.checkpoint,
            **({} if self.hunt is None else {"birth": self.hunt.facts()}),
        }

    def page(self) -> Page:
        """Return what is known as a page."""
        title = f"Step {self.step}, in epoch {self.epoch}: {self.what}"
        blocks: list[Block] = [Heading(title, 1), Paragraph([Strong(self.cause, "bad")])]
        if self.rows:
            blocks.append(Paragraph(f"Rows of the data, counted from 0: {_listed(self.rows)}."))
        if self.columns:
            blocks.append(Paragraph(f"What stands out in them: {'; '.join(self.columns)}."))
        if self.hunt is not None:
            blocks += self.hunt.blocks()
        if self.checkpoint:
            blocks.append(Paragraph(f"The last good state is in {self.checkpoint}."))
        return Page(title, blocks)


def investigated(
    step: Step, state: State, rows: Rows, places: Array, found: Gradients, batch: int
) -> NonFiniteReport:
    """Return what is known of a step whose loss or gradients are not finite, by taking it again.

    Parameters
    ----------
    step : Step
    state : State
        As before the step.
    rows : Rows
        All the data.
    places : int array
        The rows of the batch.
    found : Gradients
        What the batch gave.
    batch : int
        Its number within the step.
    """
    what = (
        f"the loss is {found.loss}" if not np.isfinite(found.loss) else "a gradient is not finite"
    )
    report = NonFiniteReport(state.step + 1, state.epoch + 1, what)
    for name, p in named_parameters(state.model).items():
        if not np.isfinite(p).all():
            report.cause = f"the parameter {name!r} was no longer finite after the step before"
            return report
    account = _account(step, state, rows, places, batch)
    if account is not None:
        report.hunt = Hunt(account)
    birth = report.hunt.birth if report.hunt is not None else None
    if birth is None:
        report.cause = _unexplained(found)
        return report
    assert report.hunt is not None
    report.layer = _layer(birth)
    report.rows = _rows(birth, step, state, rows, places, batch)
    report.columns = _columns(rows, report.rows)
    report.cause = _cause(report, birth, found)
    return report


def _account(step: Step, state: State, rows: Rows, places: Array, batch: int) -> Account | None:
    """Return the account of a step, taken again as it was."""
    run = step.run(state.step, batch)
    with np.errstate(all="ignore"):
        recording = record(step.objective, (state.model, rows.take(places), run), {}, 0, True)
        if not isinstance(recording.result, Tensor):
            return None
        try:
            account = Account(recording.result, recording.variables)
        except ChainruleError:
            return None
    name_variables(account, {})
    return account


def _cause(report: NonFiniteReport, birth: Birth, found: Gradients) -> str:
    """Return the sentence of the error."""
    assert report.hunt is not None
    text = report.hunt.sentence(report.layer)
    if birth.direction == "backward":
        text = f"{_unexplained(found)}: {text}"
    if report.rows:
        count = len(report.rows)
        others = f" and {count - 1} more" if count > 1 else ""
        text += f"; first in row {report.rows[0]} of the data, counted from 0{others}"
    if report.columns:
        text += f", where {report.columns[0]}"
    return text


def _unexplained(found: Gradients) -> str:
    arrays = found.arrays.items()
    wrong = [name for name, g in arrays if not np.isfinite(getattr(g, "values", g)).all()]
    if not wrong:
        return f"the loss is {found.loss}, the gradients' norm {found.norm}"
    others = f" and of {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f"the gradient of the parameter {wrong[-1]!r}{others} is not finite"


def _rows(
    birth: Birth, step: Step, state: State, rows: Rows, places: Array, batch: int
) -> list[int]:
    """Return the rows to blame: some that are not finite where others are, and alone either."""
    value = np.asarray(
        birth.variable.value if birth.direction == "forward" else birth.variable.delta
    )
    if not value.ndim or len(value) != len(places):
        return []
    wrong = ~np.isfinite(value).reshape(len(value), -1).all(axis=1)
    if wrong.all() and len(places) > 1:
        return []
    own = places[wrong]
    if birth.direction == "forward" and np.isfinite(_alone(step, state, rows, own[:1], batch)):
        return []
    return [int(i if rows.numbers is None else rows.numbers[i]) for i in own]


def _alone(step: Step, state: State, rows: Rows, place: Array, batch: int) -> Any:
    """Return the loss of one row; one that cannot be computed counts as not finite."""
    try:
        with np.errstate(all="ignore"):
            return step.objective(state.model, rows.take(place), step.run(state.step, batch))[1]
    except Exception:  # a loss or a layer may need more rows than one
        return float("nan")


def _columns(rows: Rows, numbers: Sequence[int]) -> list[str]:
    """Return the inputs that stand out in some rows, the farthest first."""
    if not numbers:
        return []
    places = list(numbers)
    if rows.numbers is not None:
        order = {int(n): i for i, n in enumerate(rows.numbers)}
        places = [order[n] for n in numbers]
    leaves, structure = flatten(rows.X)
    found: list[tuple[float, str]] = []
    for array, path in zip(leaves, paths(structure, "X"), strict=True):
        if array.dtype.kind != "f":
            continue
        wide = np.asarray(array, np.float64).reshape(len(array), -1)
        mean, std = wide.mean(axis=0), wide.std(axis=0)
        scores = np.abs(wide[places[0]] - mean) / np.where(std > 0, std, np.inf)
        for i in np.argsort(-scores)[:_LISTED]:
            if scores[i] >= _FAR:
                shown = f"column {i} of {path} is {number(wide[places[0], i])}"
                found.append((scores[i], f"{shown} (the mean of all is {number(mean[i])})"))
    return [text for _, text in sorted(found, reverse=True)[:_LISTED]]


def _listed(rows: Sequence[int]) -> str:
    more = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
    return ", ".join(map(str, rows[:_LISTED])) + more


def _layer(birth: Birth) -> str:
    """Return the path of the layer whose parameters were used last on the way to a birth."""
    for ancestor in reversed(ancestors([birth.use.tensor])):
        for x in ancestor.inputs:
            if isinstance(x, Tensor) and x.op is None and x.name and "." in x.name:
                return x.name.partition(".")[2].rpartition(".")[0]
    return ""


def refuse(
    step: Step,
    state: State,
    rows: Rows,
    places: Array,
    found: Gradients,
    batch: int,
    checkpoint: Any = None,
) -> NoReturn:
    """Raise the error for a step whose loss or gradients are not finite; see `investigated`.

    Raises
    ------
    NonFiniteError
    """
    report = investigated(step, state, rows, places, found, batch)
    if checkpoint is not None and latest(checkpoint):
        report.checkpoint = os.fspath(checkpoint)
    raise NonFiniteError(
        f"step {report.step}, in epoch {report.epoch}: {report.what}: {report.cause}; {_REMEDY}",
        report,
    )
