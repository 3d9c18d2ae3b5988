"""`run_report`: one page about a run, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import __version__, engines, nn
from chainrule.autodiff import value_and_grad
from chainrule.doctor import Diagnosis, Health, diagnose, spread_rows
from chainrule.engines.compiled import Compiled
from chainrule.explanation import derive, draw
from chainrule.models import Result, Trial
from chainrule.pages import (
    Block,
    Code,
    Fold,
    Heading,
    Listing,
    Page,
    Paragraph,
    Shown,
    Table,
    Text,
)
from chainrule.report.course import course_section, health_section
from chainrule.report.data import data_section
from chainrule.report.examples import examples_section
from chainrule.report.judgement import headline, judgement_section
from chainrule.report.space import space_section

_SMALL = 40  # units up to which the network is drawn unit by unit
_ROWS = 8  # that the derivation and the source are made with
_LONGEST = 60_000  # characters of source
_DIAGNOSED = 5_000  # rows


class Report(Shown):
    """A page about a run.

    Parameters
    ----------
    title : str
    blocks : sequence of Block
    metrics : dict
    """

    def __init__(self, title: str, blocks: Sequence[Block], metrics: dict[str, Any]) -> None:
        self.title, self._blocks, self.metrics = title, list(blocks), metrics

    def facts(self) -> dict[str, Any]:
        """Return the metrics of the run."""
        return self.metrics

    def page(self) -> Page:
        """Return the report."""
        return Page(self.title, self._blocks)


def run_report(
    result: Result, metrics: dict[str, Any], name: str, health: Sequence[Health] = ()
) -> Report:
    """Make the report of a run.

    Parameters
    ----------
    result : Result
        What came of the trial.
    metrics : dict
        `Result.metrics`.
    name : str
        Of the data.
    health : sequence of Health
        What a `Doctor` kept.

    Returns
    -------
    Report
        The same bytes for the same run: nothing in it depends on the clock.
    """
    trial = result.trial
    with np.errstate(all="ignore"):
        finished = trial.model.finished(trial.held_out)
        title = f"{', '.join(trial.model.target.columns)} of {name}"
        blocks: list[Block] = [
            Heading(title, 1),
            *headline(metrics),
            *data_section(trial),
            *_network(trial),
            *course_section(result.history),
            *judgement_section(result, metrics, finished),
            *space_section(trial),
            *health_section(health),
            *_diagnosis(result),
            *examples_section(trial, finished),
            *_derivation(trial),
            *_source(trial),
            *_settings(result),
        ]
    return Report(title, blocks, metrics)


def _few(trial: Trial, rows: int = _ROWS) -> tuple[Any, Any]:
    """Return the first training rows as the network is trained on them."""
    count = min(rows, len(trial.training))
    return trial.model.arrays(trial.training.take(np.arange(count)))


def _network(trial: Trial) -> list[Block]:
    model = trial.model
    X, y = _few(trial, 1)
    widths = [*(model.settings.hidden or ()), model.target.outputs]
    small = not model.encoder.embedded and sum(widths) + len(model.encoder.feature_names) <= _SMALL
    view = "units" if small else "layers"
    drawing = draw(model.objective, wrt="network", view=view)(model.network, X, y)
    rows: list[list[Text]] = [
        [[Code(row.name)], row.layer, " × ".join(map(str, row.output_shape[1:])),
         f"{row.parameters:,}"]
        for row in nn.summary(model.network, X)
    ]  # fmt: skip
    total = nn.count_parameters(model.network)
    table = Table(["layer", "is", "outputs", "parameters"], rows, frozenset({2, 3}))
    words = (
        f"{total:,} parameters. What follows from the task: {model.target.outputs} outputs, the "
        f"activation {model.given.activation}, the loss {model.given.loss}."
    )
    return [Heading("Network"), Paragraph(words), drawing.figure(), Fold("Layers", [table])]


def _diagnosis(result: Result) -> list[Block]:
    trial = result.trial
    held = None if trial.validation is None else trial.model.arrays(trial.validation)
    some = trial.training.take(spread_rows(len(trial.training), _DIAGNOSED))
    found = diagnose(
        trial.model.network, trial.model.arrays(some),
        loss=trial.model.given.loss_function, validation=held, history=result.history,
        names=trial.model.encoder.feature_names,
    )  # fmt: skip
    return [Heading("Diagnosis"), *Diagnosis(found.findings, found.checked).blocks()]


def _derivation(trial: Trial) -> list[Block]:
    X, y = _few(trial)
    derivation = derive(trial.model.objective, wrt="network", notation="kamper")(
        trial.model.network, X, y
    )
    return [Heading("Derivation"), Fold("How every gradient follows", derivation.blocks())]


def _source(trial: Trial) -> list[Block]:
    """Return the source of the loss and its gradients that the numpy engine runs."""
    X, y = _few(trial)
    step = engines.compile(value_and_grad(trial.model.objective), engine="numpy")
    assert isinstance(step, Compiled)
    source = step.program(trial.model.network, X, y).source
    cut = source[:_LONGEST] + ("\n# and so on" if len(source) > _LONGEST else "")
    return [
        Heading("Source"),
        Paragraph("The loss and all gradients as one straight-line program in NumPy, as emitted."),
        Fold("Emitted source", [Listing(cut, "python")]),
    ]


def _settings(result: Result) -> list[Block]:
    settings = result.trial.model.settings.to_dict()
    rows: list[list[Text]] = [[key, str(value)] for key, value in settings.items()]
    rows.append(["engine", result.history.engine])
    rows.append(["chainrule", __version__])
    return [Heading("Settings"), Fold("What was decided", [Table(["setting", "value"], rows)])]
