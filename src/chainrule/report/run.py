"""`run_report`: one page about a run on a table, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.data import spread_rows
from chainrule.doctor import Health
from chainrule.models import Result, Trial
from chainrule.pages import Block, Heading
from chainrule.report.course import course_section, health_section
from chainrule.report.data import data_section
from chainrule.report.examples import examples_section
from chainrule.report.judgement import headline, judgement_section
from chainrule.report.network import (
    derivation_section,
    diagnosis_section,
    network_section,
    settings_section,
    source_section,
)
from chainrule.report.page import Report
from chainrule.report.space import space_section
from chainrule.training import Exhibit

_SMALL = 40  # units up to which the network is drawn unit by unit
_DIAGNOSED = 5_000  # rows


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
        exhibit = _exhibit(trial)
        title = f"{', '.join(trial.model.target.columns)} of {name}"
        blocks: list[Block] = [
            Heading(title, 1),
            *headline(metrics),
            *data_section(trial),
            *_network(trial, exhibit),
            *course_section(result.history),
            *judgement_section(result, metrics, finished),
            *space_section(trial),
            *health_section(health),
            *diagnosis_section(exhibit, result.history),
            *examples_section(trial, finished),
            *derivation_section(exhibit),
            *source_section(exhibit),
            *settings_section(trial.model.settings.to_dict(), result.history.engine),
        ]
    return Report(title, blocks, metrics)


def _exhibit(trial: Trial) -> Exhibit:
    some = trial.training.take(spread_rows(len(trial.training), _DIAGNOSED))
    return trial.model.exhibit(some, trial.validation)


def _network(trial: Trial, exhibit: Exhibit) -> list[Block]:
    model = trial.model
    widths = [*(model.settings.hidden or ()), model.target.outputs]
    small = not model.encoder.embedded and sum(widths) + len(model.encoder.feature_names) <= _SMALL
    follows = (
        f"What follows from the task: {model.target.outputs} outputs, the activation "
        f"{model.given.activation}, the loss {model.given.loss}."
    )
    return network_section(exhibit, follows, "units" if small else "layers")
