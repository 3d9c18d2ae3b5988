"""``chainrule fit``: read, prepare, train, judge, and leave a run folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.cli import show
from chainrule.cli.request import FitRequest, fingerprint
from chainrule.cli.runs import Course
from chainrule.data import Table, spread_rows
from chainrule.doctor import HEALTH, WATCHED, Doctor, load_health
from chainrule.models import Result, TableModel, Trial
from chainrule.models.run_folder import CHECKPOINT, write_run
from chainrule.report import Report, run_report
from chainrule.training import Checkpoint, Exhibit

_LOOKS = 40  # at a network in training, at most


@dataclass
class _Fit:
    """A table and the network that is about to be trained on it."""

    request: FitRequest
    table: Table
    trial: Trial
    result: Result | None = None

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.table)

    def show_plan(self) -> None:
        console = show.console()
        show.data(console, self.request.source, self.table, self.trial)
        show.network(console, self.trial)

    def train(self, folder: Path, *, resume: bool, talking: bool) -> dict[str, Any]:
        epochs = self.trial.model.settings.epochs or 1
        self.result = self.trial.run(
            checkpoint=Checkpoint(folder / CHECKPOINT, every_epochs=max(1, epochs // 10)),
            resume=resume,
            progress="auto" if talking else False,
            engine=self.request.engine,
            callbacks=[_doctor(self.trial, folder)],
        )
        return write_run(self.result, folder)

    def report(self, metrics: dict[str, Any], folder: Path) -> Report:
        assert self.result is not None
        source = self.request.source
        name = "standard input" if source == "-" else Path(source).name
        return run_report(self.result, metrics, name, load_health(folder / HEALTH))

    def show_results(self, metrics: dict[str, Any], notes: Sequence[str]) -> None:
        show.results(show.console(), metrics, notes)

    def exhibit(self, folder: Path, *, untrained: bool = False) -> Exhibit:
        model = self.trial.model if untrained else TableModel.load(folder)
        return model.exhibit(self.trial.training, self.trial.validation)


def _doctor(trial: Trial, folder: Path) -> Doctor:
    """Return the callback that watches a training and keeps ``health.csv``."""
    epochs, rows = trial.model.settings.epochs or 1, spread_rows(len(trial.training), WATCHED)
    data = trial.model.arrays(trial.training.take(rows))
    loss = trial.model.given.loss_function
    return Doctor(data, loss, folder=folder, every=max(1, epochs // _LOOKS))


def _prepare(request: FitRequest) -> _Fit:
    table = request.table()
    trial = Trial.prepare(
        table,
        request.targets(table),
        task=request.task,
        types=request.types,
        hold_out=request.hold_out,
        settings=request.settings,
    )
    return _Fit(request, table, trial)


FIT = Course(FitRequest, _prepare)
