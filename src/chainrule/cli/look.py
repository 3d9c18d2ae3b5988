"""Looking into a run: ``explain``, ``derive``, ``draw`` and ``diagnose``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from chainrule.cli.courses import course_of
from chainrule.cli.exits import UsageError
from chainrule.cli.fit import FIT
from chainrule.cli.runs import Exhibiting
from chainrule.data import Table
from chainrule.doctor import Diagnosis, diagnose
from chainrule.errors import DataError
from chainrule.explanation import derive, draw
from chainrule.explanation.derivation import NOTATIONS, Derivation
from chainrule.explanation.drawing import VIEWS, Drawing
from chainrule.models import TableModel
from chainrule.pages import Shown
from chainrule.report.examples import WorkedRow
from chainrule.training import Exhibit

_ROWS = 8  # that a derivation and a drawing are made with


def _exhibit(folder: Path, *, untrained: bool = False) -> Exhibit:
    """Return what a finished run trained, whatever command made it."""
    course = course_of(folder)
    if course.closed:
        raise DataError(course.closed, path=str(folder))
    prepared: Exhibiting = course.finished(folder)
    return prepared.exhibit(folder, untrained=untrained)


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
    table = FIT.finished(folder).table
    row = _row_at(table, line)
    give(WorkedRow(TableModel.load(folder), table, row), out, as_json=as_json)


def derive_run(folder: Path, notation: str, out: Path | None, *, as_json: bool) -> None:
    """Derive the gradients of a run's network."""
    if notation not in NOTATIONS:
        raise UsageError(f"--notation is one of {', '.join(NOTATIONS)}, not {notation!r}")
    check_format(Derivation, out, as_json)
    exhibit = _exhibit(folder)
    if exhibit.underivable:
        raise DataError(
            f"its gradients have no formulas of readable size: {exhibit.underivable}",
            path=str(folder),
        )
    derivation = derive(exhibit.objective, wrt="network", notation=notation)
    give(derivation(exhibit.network, *exhibit.first(_ROWS)), out, as_json=as_json)


def draw_run(folder: Path, view: str, out: Path | None, *, as_json: bool) -> None:
    """Draw the network of a run."""
    if view not in VIEWS:
        raise UsageError(f"--view is {VIEWS}, not {view!r}")
    check_format(Drawing, out, as_json)
    exhibit = _exhibit(folder)
    rows = 1 if view == "units" else _ROWS
    drawing = draw(exhibit.objective, wrt="network", view=view)
    give(drawing(exhibit.network, *exhibit.first(rows)), out, as_json=as_json)


def diagnose_run(folder: Path, out: Path | None, *, try_fixes: bool, as_json: bool) -> None:
    """Examine the network and the data of a run, and a short course of training."""
    check_format(Diagnosis, out, as_json)
    exhibit = _exhibit(folder, untrained=try_fixes)
    found = diagnose(
        exhibit.network, (exhibit.X, exhibit.y), loss=exhibit.loss, optimizer=exhibit.optimizer,
        validation=exhibit.validation, names=exhibit.names, batch_size=exhibit.batch_size,
        seed=exhibit.seed, try_fixes=try_fixes,
    )  # fmt: skip
    if try_fixes:
        found.notes.append("Remedies are tried from the network as it was before training.")
    give(found, out, as_json=as_json)


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
