"""``chainrule predict``: rows in, predictions out, block by block."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from chainrule.cli.request import FitRequest, Reading
from chainrule.cli.text import plain
from chainrule.data import Table
from chainrule.io import atomic_write, load_json
from chainrule.models import TableModel
from chainrule.models.run_folder import REQUEST, write_columns


def predict(
    run: Path, source: str, out: str, reading: Reading, *, as_json: bool, safe: bool
) -> None:
    """Write predictions for the rows of a file.

    A file appears whole or not at all; standard output is written block by block.

    Parameters
    ----------
    run : Path
        The run folder.
    source, out : str
        Where rows come from and predictions go; ``-`` is standard input and output.
    reading : Reading
        Options that were given; the others are those of the training file.
    as_json, safe : bool
        Whether to write JSON instead of CSV, and whether to disarm formulas.

    Raises
    ------
    DataError, FileFormatError
        If the rows are not what the model was trained on, or the folder holds no model.
    """
    model = TableModel.load(run)
    blocks = _as_trained(run, reading).blocks(source)
    with _open(out) as file:
        if as_json:
            _write_json(file, model, blocks)
        else:
            _write_csv(file, model, blocks, safe)


def _as_trained(run: Path, reading: Reading) -> Reading:
    """Return options of reading, where they were left open those of the training file."""
    if not (run / REQUEST).is_file():
        return reading
    before = FitRequest.from_dict(load_json(run / REQUEST).get("request")).reading
    given = {
        name: value for name, value in vars(reading).items() if value != getattr(Reading(), name)
    }
    return replace(before, **given)


def _open(out: str) -> AbstractContextManager[IO[str]]:
    if out == "-":
        return nullcontext(sys.stdout)
    return atomic_write(out, "w", encoding="utf-8", newline="")


def _predictions(model: TableModel, blocks: Iterator[Table]) -> Iterator[dict[str, list[Any]]]:
    for table in blocks:
        for name, surprise in model.encoder.surprises(table).items():
            where = f"lines {table.lines[0]} to {table.lines[-1]}, column {name!r}"
            sys.stderr.write(plain(f"chainrule: {where}: {surprise}") + "\n")
        yield {"line": table.lines.tolist(), **model.predict(table)}


def _write_csv(file: IO[str], model: TableModel, blocks: Iterator[Table], safe: bool) -> None:
    for number, columns in enumerate(_predictions(model, blocks)):
        write_columns(file, columns, header=number == 0, safe=safe)


def _write_json(file: IO[str], model: TableModel, blocks: Iterator[Table]) -> None:
    rows = [
        dict(zip(columns, row, strict=True))
        for columns in _predictions(model, blocks)
        for row in zip(*columns.values(), strict=True)
    ]
    target = list(model.target.columns)
    document = {"task": model.target.task, "target": target, "predictions": rows}
    file.write(json.dumps(document, allow_nan=False) + "\n")
