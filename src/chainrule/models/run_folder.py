"""The folder that a run leaves behind.

========================  ======================================================================
``config.json``           the network's configuration, the encoder of the columns, the task and
                          the settings; data only
``weights.safetensors``   the parameters by their dotted names
``history.csv``           a row an epoch
``metrics.json``          measures on the held-out part, of the network and of the baselines;
                          written last: where it stands, the run is complete
``predictions.csv``       the held-out rows: line of the file, actual and predicted values
``health.csv``            how the layers fared from time to time, when a command line trained
``report.html``           everything on one page, when a command line trained
``request.json``          what was asked for, when a command line asked
``checkpoint/``           the state of a training that is not finished; gone afterwards
========================  ======================================================================

Of a run about language, ``model.safetensors`` has configuration and parameters together; a tagger's
``predictions.conll`` has words, actual and predicted tags; word vectors are in ``vectors.vec`` too.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from chainrule.io import atomic_write, discard, remove_leftovers, save_json
from chainrule.models.trial import Result

HISTORY, METRICS, PREDICTIONS = "history.csv", "metrics.json", "predictions.csv"
REQUEST, CHECKPOINT, REPORT = "request.json", "checkpoint", "report.html"

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_run(result: Result, folder: str | Path) -> dict[str, Any]:
    """Write what came of a trial, each file whole or not at all; return the metrics.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    result.trial.model.save(folder)
    save_columns(folder / HISTORY, history_columns(result))
    save_columns(folder / PREDICTIONS, held_out_columns(result))
    metrics = result.metrics()
    save_json(folder / METRICS, metrics)
    discard(folder / CHECKPOINT)
    return metrics


def is_complete(folder: str | Path) -> bool:
    """Tell whether a folder holds a finished run."""
    return (Path(folder) / METRICS).exists() and not (Path(folder) / CHECKPOINT).exists()


def history_columns(result: Result) -> dict[str, Sequence[Any]]:
    """Return the history as columns, without the times, which no two runs share."""
    return {n: column for n, column in result.history.columns().items() if n != "seconds"}


def held_out_columns(result: Result) -> dict[str, Sequence[Any]]:
    """Return the held-out rows as columns: line, actual values, predictions."""
    table, model = result.trial.held_out, result.trial.model
    actual = {
        name: [table[name].text(row) for row in range(len(table))] for name in model.target.columns
    }
    return {"line": table.lines.tolist(), **actual, **model.predict(table)}


def write_columns(
    file: IO[str],
    columns: Mapping[str, Sequence[Any]],
    *,
    header: bool = True,
    safe: bool = False,
) -> None:
    r"""Write columns as CSV.

    Parameters
    ----------
    file : text file
        Open for writing, without translation of line ends.
    columns : mapping of str to sequence
        Columns of equal length.
    header : bool
        Whether the names come first.
    safe : bool
        Whether texts that a spreadsheet would take for a formula, those that begin with
        ``= + - @``, a tab or a carriage return, get an apostrophe before them (OWASP, "CSV
        injection"). Numbers are never touched.

    Examples
    --------
    >>> import sys
    >>> write_columns(sys.stdout, {"name": ["=1+1", "a,b"], "p": [-0.5, 1]}, safe=True)
    name,p
    '=1+1,-0.5
    "a,b",1
    """
    writer = csv.writer(file, lineterminator="\n")
    guard = _guarded if safe else _unchanged
    if header:
        writer.writerow(guard(columns))
    writer.writerows(guard(row) for row in zip(*columns.values(), strict=True))


def save_columns(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write columns as a CSV file, whole or not at all; see `write_columns`."""
    with atomic_write(path, "w", encoding="utf-8", newline="") as file:
        write_columns(file, columns)


def _unchanged(cells: Iterable[Any]) -> Iterable[Any]:
    return cells


def _guarded(cells: Iterable[Any]) -> list[Any]:
    return [f"'{cell}" if _is_formula(cell) else cell for cell in cells]


def _is_formula(cell: Any) -> bool:
    if not isinstance(cell, str) or not cell.startswith(_FORMULA_STARTS):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False
