"""``chainrule predict``: rows in, predictions out, block by block."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from os.path import samefile
from pathlib import Path
from typing import IO, Any

from chainrule.cli.exits import UsageError
from chainrule.cli.request import FitRequest, Reading
from chainrule.cli.runs import command_of, load_request
from chainrule.data import Table
from chainrule.errors import DataError
from chainrule.io import atomic_write
from chainrule.models import TableModel
from chainrule.models.run_folder import REQUEST, write_columns
from chainrule.pages.visible import visible


def predict(
    run: Path, source: str, out: str, options: Mapping[str, Any], *, lines: bool, as_json: bool,
    safe: bool,
) -> None:  # fmt: skip
    """Write predictions for the rows, texts or sentences of a file.

    A file appears whole or not at all; standard output is written block by block.

    Parameters
    ----------
    run : Path
        The run folder.
    source, out : str
        Where rows come from and predictions go; ``-`` is standard input and output.
    options : mapping
        Arguments of `Reading` that were given; the others are those of the training file.
    lines : bool
        Whether each line is a text.
    as_json, safe : bool
        Whether to write JSON instead of CSV, and whether to disarm formulas.

    Raises
    ------
    UsageError
        If the output would replace the input.
    DataError, FileFormatError
        If the rows are not what the model was trained on, or the folder holds no model.
    """
    if out != "-" and Path(out).exists() and Path(source).exists() and samefile(out, source):
        raise UsageError(f"--out {out} would replace the rows to predict")
    command = command_of(run)
    if command not in (None, "fit"):
        _predict_language(str(command), run, source, out, options, lines, as_json, safe)
        return
    if lines and command == "fit":
        raise UsageError("--lines is for runs of chainrule text and tag")
    model = TableModel.load(run)
    blocks = replace(_reading_of_training(run), **options).blocks(source)
    with _open(out) as file:
        if as_json:
            _write_json(file, model, blocks)
        else:
            _write_csv(file, model, blocks, safe)


def _predict_language(
    command: str, run: Path, source: str, out: str, options: Mapping[str, Any], lines: bool,
    as_json: bool, safe: bool,
) -> None:  # fmt: skip
    from chainrule.cli.language import predicting

    if command == "text":
        with _open(out) as file:
            predicting.predict_texts(
                run, source, file, options, lines=lines, as_json=as_json, safe=safe
            )
    elif command == "tag":
        if safe:
            raise UsageError("--safe-csv is for tables; tags are written in columns")
        with _open(out) as file:
            predicting.predict_tags(run, source, file, options, lines=lines, as_json=as_json)
    else:
        raise DataError(
            f"holds a run of chainrule {command}, which predicts no rows", path=str(run)
        )


def _reading_of_training(run: Path) -> Reading:
    if not (run / REQUEST).is_file():
        return Reading()
    return load_request(run, FitRequest)[0].reading


def _open(out: str) -> AbstractContextManager[IO[str]]:
    if out == "-":
        return nullcontext(sys.stdout)
    return atomic_write(out, "w", encoding="utf-8", newline="")


def _predictions(model: TableModel, blocks: Iterator[Table]) -> Iterator[dict[str, list[Any]]]:
    for table in blocks:
        for name, surprise in model.encoder.surprises(table).items():
            where = f"lines {table.lines[0]} to {table.lines[-1]}, column {name!r}"
            sys.stderr.write(visible(f"chainrule: {where}: {surprise}") + "\n")
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
