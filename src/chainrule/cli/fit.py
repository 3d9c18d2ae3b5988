"""``chainrule fit``: read, prepare, train, judge, and leave a run folder."""

from __future__ import annotations

import json
import shlex
import sys
import warnings
from pathlib import Path
from typing import Any

from chainrule.cli import show
from chainrule.cli.exits import UsageError
from chainrule.cli.look import doctor_of, save_report
from chainrule.cli.request import (
    FitRequest,
    default_folder,
    fingerprint,
    load_request,
    save_request,
)
from chainrule.data import Table
from chainrule.errors import DataError
from chainrule.io import atomic_folder, load_json, sole_writer
from chainrule.models import Trial
from chainrule.models.run_folder import CHECKPOINT, METRICS, REQUEST, is_complete, write_run
from chainrule.pages.visible import visible
from chainrule.training import Checkpoint


def start(request: FitRequest, out: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Carry out a request in a new run folder.

    The folder is made when the data has proved usable, so that bad input leaves nothing behind.

    Parameters
    ----------
    request : FitRequest
        What is asked for.
    out : Path, optional
        The folder, which must not exist yet.
    as_json, quiet : bool
        Whether to print one JSON document, or the folder alone.
    """
    if out is not None and out.exists():
        remedy = f", or go on with it by --resume {out}" if (out / REQUEST).is_file() else ""
        raise UsageError(f"{out} exists already: choose another --out{remedy}")
    table = request.table()
    trial = _prepare(request, table)
    _show_plan(request, table, trial, talking=not (as_json or quiet))
    folder = _new_folder(request, table, out)
    with sole_writer(folder):
        _train(request, trial, folder, resume=False, as_json=as_json, quiet=quiet)


def _new_folder(request: FitRequest, table: Table, out: Path | None) -> Path:
    """Make the run folder, which holds the request from its first moment on."""
    while True:
        folder = default_folder(request.source) if out is None else out
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            with atomic_folder(folder) as new:
                save_request(new, request, table)
            return folder
        except OSError:
            if out is not None or not folder.exists():
                raise  # otherwise another run was quicker: the next number is free


def resume(folder: Path, *, as_json: bool, quiet: bool) -> None:
    """Go on with an interrupted run, to the same bytes as if it had never stopped.

    Parameters
    ----------
    folder : Path
        The run folder.
    as_json, quiet : bool
        As for `start`.

    Raises
    ------
    DataError, FileFormatError
        If the folder holds no run, or the data is no longer what it was.
    """
    if not (folder / REQUEST).is_file():
        raise DataError("holds no interrupted run to go on with", path=str(folder))
    with sole_writer(folder):
        if is_complete(folder):
            _finish(load_json(folder / METRICS), folder, as_json=as_json, quiet=quiet)
        else:
            _go_on(folder, as_json=as_json, quiet=quiet)


def _go_on(folder: Path, *, as_json: bool, quiet: bool) -> None:
    request, expected = load_request(folder)
    table = request.table()
    if fingerprint(table) != expected:
        raise DataError(
            "the data has changed since the run began; start a new one", path=request.source
        )
    trial = _prepare(request, table)
    _show_plan(request, table, trial, talking=not (as_json or quiet))
    _train(request, trial, folder, resume=True, as_json=as_json, quiet=quiet)


def _prepare(request: FitRequest, table: Table) -> Trial:
    return Trial.prepare(
        table,
        request.targets(table),
        task=request.task,
        types=request.types,
        hold_out=request.hold_out,
        settings=request.settings,
    )


def _show_plan(request: FitRequest, table: Table, trial: Trial, *, talking: bool) -> None:
    if talking:
        console = show.console()
        show.data(console, request.source, table, trial)
        show.network(console, trial)


def _train(
    request: FitRequest, trial: Trial, folder: Path, *, resume: bool, as_json: bool, quiet: bool
) -> None:
    silent = as_json or quiet
    epochs = trial.model.settings.epochs or 1
    try:
        with warnings.catch_warnings(record=True) as notes:
            result = trial.run(
                checkpoint=Checkpoint(folder / CHECKPOINT, every_epochs=max(1, epochs // 10)),
                resume=resume and (folder / CHECKPOINT).exists(),
                progress=False if silent else "auto",
                engine=request.engine,
                callbacks=[doctor_of(trial, folder)],
            )
        metrics = write_run(result, folder)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted; go on with: chainrule fit --resume {shlex.quote(str(folder))}"
        ) from None
    trouble = save_report(result, metrics, folder, request.source)
    if silent:
        sys.stderr.writelines(visible(f"chainrule: {words}") + "\n" for words in trouble)
    else:
        said = [str(note.message) for note in notes] + trouble
        show.results(show.console(), metrics, said)
    _finish(metrics, folder, as_json=as_json, quiet=quiet)


def _finish(metrics: dict[str, Any], folder: Path, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"run": str(folder), **metrics}, allow_nan=False) + "\n")
    elif quiet:
        sys.stdout.write(f"{folder}\n")
    else:
        show.folder(show.console(), folder)
