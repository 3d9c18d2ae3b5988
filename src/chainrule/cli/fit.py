"""``chainrule fit``: read, prepare, train, judge, and leave a run folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.cli import show
from chainrule.cli.look import doctor_of, save_report
from chainrule.cli.request import FitRequest, fingerprint
from chainrule.cli.runs import Course
from chainrule.data import Table
from chainrule.models import Result, Trial
from chainrule.models.run_folder import CHECKPOINT, write_run
from chainrule.pages.visible import visible
from chainrule.training import Checkpoint


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
            callbacks=[doctor_of(self.trial, folder)],
        )
        return write_run(self.result, folder)

    def conclude(
        self, metrics: dict[str, Any], folder: Path, notes: Sequence[str], *, talking: bool
    ) -> None:
        assert self.result is not None
        trouble = save_report(self.result, metrics, folder, self.request.source)
        if talking:
            show.results(show.console(), metrics, [*notes, *trouble])
        else:
            sys.stderr.writelines(visible(f"chainrule: {words}") + "\n" for words in trouble)


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
