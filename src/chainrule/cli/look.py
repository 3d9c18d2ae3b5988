"""Looking into a run: ``explain``, ``derive``, ``draw``, ``diagnose``, and ``fit``'s report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.cli.exits import UsageError
from chainrule.cli.request import FitRequest, fingerprint
from chainrule.cli.runs import load_request
from chainrule.data import Table
from chainrule.doctor import (
    HEALTH,
    WATCHED,
    Diagnosis,
    Doctor,
    diagnose,
    load_health,
    spread_rows,
)  # fmt: skip
from chainrule.errors import DataError
from chainrule.explanation import derive, draw
from chainrule.explanation.derivation import NOTATIONS, Derivation
from chainrule.explanation.drawing import VIEWS, Drawing
from chainrule.models import Result, TableModel, Trial
from chainrule.models.run_folder import REQUEST, is_complete
from chainrule.pages import Shown
from chainrule.report import run_report
from chainrule.report.examples import WorkedRow

REPORT = "report.html"
_LOOKS = 40  # at a network in training, at most
_DERIVED = 8  # rows that a derivation and a drawing are made with


def doctor_of(trial: Trial, folder: Path) -> Doctor:
    """Return the callback that watches a training and keeps ``health.csv``."""
    epochs, rows = trial.model.settings.epochs or 1, spread_rows(len(trial.training), WATCHED)
    data = trial.model.arrays(trial.training.take(rows))
    loss = trial.model.given.loss_function
    return Doctor(data, loss, folder=folder, every=max(1, epochs // _LOOKS))


def save_report(result: Result, metrics: dict[str, Any], folder: Path, source: str) -> list[str]:
    """Write the report of a run that is complete; return what went wrong, in sentences."""
    name = "standard input" if source == "-" else Path(source).name
    try:
        report = run_report(result, metrics, name, load_health(folder / HEALTH))
        report.save(folder / REPORT)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; {folder} is whole, without {REPORT}") from None
    except Exception as error:  # a run is worth more than its report
        return [f"no {REPORT} was written: {type(error).__name__}: {error}"]
    return []


def _opened(folder: Path) -> tuple[FitRequest, Table, TableModel]:
    """Return the request, the data and the model of a finished run.

    Raises
    ------
    DataError, FileFormatError
        If the folder holds none, or the data is no longer what it was.
    """
    if not (folder / REQUEST).is_file():
        raise DataError("holds no run of chainrule fit", path=str(folder))
    if not is_complete(folder):
        raise DataError(
            "holds an unfinished run; go on by chainrule fit --resume", path=str(folder)
        )
    request, expected = load_request(folder, FitRequest)
    table = request.table()
    if fingerprint(table) != expected:
        raise DataError("the data has changed since the run", path=request.source)
    return request, table, TableModel.load(folder)


def _row_at(table: Table, line: int) -> int:
    """Return the position of the row at a line of the file.

    Raises
    ------
    DataError
        If there is none; the message says which lines there are.
    """
    found = np.flatnonzero(np.asarray(table.lines) == line)
    if not found.size:
        lines = table.lines
        raise DataError(
            f"there is no row at line {line}: rows are at lines {lines[0]} to {lines[-1]}",
            path=table.path,
        )
    return int(found[0])


def explain_row(folder: Path, line: int, out: Path | None, *, as_json: bool) -> None:
    """Explain the answer for one row of a run's data."""
    check_format(WorkedRow, out, as_json)
    _, table, model = _opened(folder)
    give(WorkedRow(model, table, _row_at(table, line)), out, as_json=as_json)


def derive_run(folder: Path, notation: str, out: Path | None, *, as_json: bool) -> None:
    """Derive the gradients of a run's network."""
    if notation not in NOTATIONS:
        raise UsageError(f"--notation is one of {', '.join(NOTATIONS)}, not {notation!r}")
    check_format(Derivation, out, as_json)
    _, table, model = _opened(folder)
    derivation = derive(model.objective, wrt="network", notation=notation)
    give(derivation(model.network, *_few(table, model, _DERIVED)), out, as_json=as_json)


def draw_run(folder: Path, view: str, out: Path | None, *, as_json: bool) -> None:
    """Draw the network of a run."""
    if view not in VIEWS:
        raise UsageError(f"--view is {VIEWS}, not {view!r}")
    check_format(Drawing, out, as_json)
    _, table, model = _opened(folder)
    rows = 1 if view == "units" else _DERIVED
    drawing = draw(model.objective, wrt="network", view=view)
    give(drawing(model.network, *_few(table, model, rows)), out, as_json=as_json)


def diagnose_run(folder: Path, out: Path | None, *, try_fixes: bool, as_json: bool) -> None:
    """Examine the network and the data of a run, and a short course of training."""
    check_format(Diagnosis, out, as_json)
    request, table, model = _opened(folder)
    trial = Trial.prepare(
        table, request.targets(table), task=request.task, types=request.types,
        hold_out=request.hold_out, settings=request.settings,
    )  # fmt: skip
    held = None if trial.validation is None else model.arrays(trial.validation)
    found = diagnose(
        model.network if not try_fixes else trial.model.network,
        model.arrays(trial.training), loss=model.given.loss_function,
        optimizer=model.settings.make_optimizer(), validation=held,
        names=model.encoder.feature_names, batch_size=model.settings.batch_size or 32,
        seed=model.settings.seed, try_fixes=try_fixes,
    )  # fmt: skip
    if try_fixes:
        found.notes.append("Remedies are tried from the network as it was before training.")
    give(found, out, as_json=as_json)


def _few(table: Table, model: TableModel, rows: int) -> tuple[Any, Any]:
    known = table.take(model.target.labelled(table))
    return model.arrays(known.take(np.arange(min(rows, len(known)))))


def check_format(kind: type[Shown], out: Path | None, as_json: bool) -> None:
    """Refuse a format that the result cannot have, before it is worked out.

    Raises
    ------
    UsageError
    """
    if out is None:
        return
    suffix, formats = out.suffix.lower(), kind.formats()
    if suffix not in formats:
        raise UsageError(f"--out ends in one of {', '.join(formats)}, not {out.name!r}")
    if as_json and suffix != ".json":
        raise UsageError(f"--json and --out {out.name} ask for two formats: leave one out")


def give(shown: Shown, out: Path | None, *, as_json: bool) -> None:
    """Write a result into a file, or print it as text or as JSON."""
    if out is not None:
        shown.save(out)
    elif as_json:
        sys.stdout.write(shown.to_json() + "\n")
    else:
        shown.show()
