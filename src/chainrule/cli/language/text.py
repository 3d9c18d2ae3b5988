"""``chainrule text``: classes or labels of texts, learned from a file, and what they are judged by.

A file is one of fastText's, or a table of which columns hold texts and labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from chainrule.cli import show
from chainrule.cli.exits import UsageError
from chainrule.cli.language.trained import (
    LanguageRequest,
    checkpoint_of,
    digest,
    facts,
    load_model,
    made,
    settings_of,
    title_of,
    with_vectors,
    write_metrics,
    write_model,
)
from chainrule.cli.runs import Course
from chainrule.cli.text import short, verbatim
from chainrule.data import Table, split
from chainrule.data.target import split_labels
from chainrule.errors import DataError
from chainrule.graph import Array
from chainrule.language import TextClassifier
from chainrule.models import scores
from chainrule.models.run_folder import PREDICTIONS, save_columns
from chainrule.text import read_labelled
from chainrule.training import Exhibit

if TYPE_CHECKING:
    from chainrule.report import Report

Labels = list[str] | list[list[str]]


@dataclass(frozen=True)
class TextRequest(LanguageRequest):
    """What ``chainrule text`` was asked to do.

    Parameters
    ----------
    text, label : str, optional
        Columns of a table; without a label the source is a file of fastText's.
    separator : str, optional
        What divides the labels of a text that may have several; None if each has one.
    test : str, optional
        The file to judge by.
    hold_out : float
        Without one: the share of the texts to judge by.
    """

    text: str | None = None
    label: str | None = None
    separator: str | None = None
    test: str | None = None
    hold_out: float = 0.2
    command: ClassVar[str] = "text"

    def model(self) -> TextClassifier:
        """Return the classifier before training."""
        return made(TextClassifier, self.arguments)

    def read(self, source: str) -> Texts:
        """Read labelled texts."""
        if self.label is None:
            return self._labelled(source)
        table = self.reading.table(source)
        table.require([self.label])
        found, cells = cells_of(table, self.text_column(table)), cells_of(table, self.label)
        if self.separator is not None:
            labels = [split_labels(cell, self.separator) for cell in cells]
            return Texts(found, labels, table.lines, source)
        labelled = np.flatnonzero([cell != "" for cell in cells])
        whole = Texts(found, cells, table.lines, source, len(cells) - len(labelled))
        return whole.take(labelled)

    def text_column(self, table: Table) -> str:
        """Return the column that holds texts: the one named, or the only other.

        Raises
        ------
        UsageError
            If it is not clear.
        """
        others = [name for name in table.names if name != self.label]
        if self.text is None and len(others) == 1:
            return others[0]
        if self.text is None:
            names = ", ".join(map(short, others[:20])) + (", ..." if len(others) > 20 else "")
            raise UsageError(f"name the column of texts with --text; the others are: {names}")
        table.require([self.text])
        return self.text

    def _labelled(self, source: str) -> Texts:
        encoding, multi = self.reading.encoding, self.separator is not None
        try:
            found = read_labelled(source, encoding=encoding, multi=multi)
        except DataError as error:
            if "has no label" not in str(error):
                raise
            raise DataError(
                "has no word that begins with '__label__'; of a table name the columns with "
                "--text and --label; if texts have several labels or none, say --multi",
                path=error.path,
                row=error.row,
            ) from None
        return Texts(found.texts, found.labels, np.array(found.lines), source)


def cells_of(table: Table, name: str) -> list[str]:
    """Return the cells of a column as they are."""
    column = table[name]
    return [column.text(row) for row in range(len(table))]


@dataclass(frozen=True)
class Texts:
    """Texts and their labels, and where they stand in their file."""

    texts: list[str]
    labels: Labels
    lines: Array
    path: str
    unlabelled: int = 0

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Array) -> Texts:
        """Return some of them."""
        texts = [self.texts[i] for i in rows]
        labels: Any = [self.labels[i] for i in rows]
        return Texts(texts, labels, self.lines[rows], self.path, self.unlabelled)

    def names(self) -> list[str]:
        """Return the labels that there are, sorted."""
        return sorted({label for own in self.labels for label in _several(own)})


def _pair(texts: Texts) -> tuple[list[str], Labels]:
    return texts.texts, texts.labels


def _several(labels: str | Sequence[str]) -> Sequence[str]:
    return [labels] if isinstance(labels, str) else labels


@dataclass
class _Run:
    """Texts to learn from and to be judged by, and the classifier."""

    request: TextRequest
    model: TextClassifier
    training: Texts
    held_out: Texts

    @cached_property
    def fingerprint(self) -> str:
        parts = (self.training, self.held_out)
        return digest(x for part in parts for x in (part.texts, *part.labels))

    def show_plan(self) -> None:
        console, training = show.console(), self.training
        names = training.names()
        multi = "" if self.request.separator is None else ", any number of them a text"
        told = f"{short(training.path, 60)}: {show.counted(len(training), 'text')} to train on, "
        console.print(verbatim(f"{told}{len(self.held_out):,} held out", "bold"))
        if training.unlabelled:
            rows = show.counted(training.unlabelled, "row")
            console.print(verbatim(f"note: {rows} without a label left out"))
        counts = Counter(label for own in training.labels for label in _several(own))
        listed = ", ".join(f"{short(name)} {n:,}" for name, n in counts.most_common(12))
        more = ", ..." if len(names) > 12 else ""
        console.print(verbatim(f"{len(names):,} labels{multi}: {listed}{more}"))

    def train(self, folder: Path, *, resume: bool, talking: bool) -> dict[str, Any]:
        model, training = self.model.set_params(verbose=int(talking)), self.training
        model.fit(
            training.texts, training.labels, checkpoint=checkpoint_of(folder, model.epochs),
            resume=resume,
        )  # fmt: skip
        write_model(model, folder)
        shares = model.predict_proba(self.held_out.texts).astype(np.float64)
        separator = self.request.separator
        columns = {
            "line": self.held_out.lines.tolist(),
            "actual": [(separator or "").join(_several(own)) for own in self.held_out.labels],
            **predicted_columns(model, shares, separator),
        }
        save_columns(folder / PREDICTIONS, columns)
        metrics = self._metrics(shares)
        write_metrics(metrics, folder)
        return metrics

    def _metrics(self, shares: Array) -> dict[str, Any]:
        model, classes = self.model, self.model.classes_.tolist()
        actual, met = (_coded(part.labels, classes) for part in (self.held_out, self.training))
        constant = np.broadcast_to(met.mean(axis=0), shares.shape)
        one = self.request.separator is None

        def score(found: Array) -> dict[str, Any]:
            if one:
                return scores.classification(found, actual.argmax(axis=1), classes)
            return scores.multilabel(found, actual, classes)

        return {
            **facts("text", model.history_, model.network_),
            "task": "multiclass" if one else "multilabel",
            "rows": {"training": len(self.training), "held_out": len(self.held_out)},
            "held_out": {"network": score(shares), "constant": score(constant)},
        }

    def report(self, metrics: dict[str, Any], folder: Path) -> Report:
        from chainrule.report.language import text_report

        title = title_of(self.request, self.request.label or "Classes")
        settings = settings_of(self.request, self.model)
        return text_report(
            self.model, _pair(self.training), _pair(self.held_out), metrics, title, settings
        )

    def show_results(self, metrics: dict[str, Any], notes: Sequence[str]) -> None:
        show.results(show.console(), metrics, notes)

    def exhibit(self, folder: Path, *, untrained: bool = False) -> Exhibit:
        from chainrule.language.exhibits import text_exhibit

        model = load_model(folder, TextClassifier)
        fresh = self.model if untrained else None
        return text_exhibit(model, self.training.texts, self.training.labels, fresh)


def _coded(labels: Labels, classes: Sequence[str]) -> Array:
    """Return 0 and 1 for each text and class."""
    number = {name: i for i, name in enumerate(classes)}
    coded = np.zeros((len(labels), len(classes)))
    for row, own in enumerate(labels):
        coded[row, [number[label] for label in _several(own)]] = 1
    return coded


def predicted_columns(
    model: TextClassifier, shares: Array, separator: str | None
) -> dict[str, list[Any]]:
    """Return what a classifier predicts, and the probability of each class or label.

    Several labels of a text are divided by the separator.
    """
    classes = model.classes_.tolist()
    if separator is None:
        predicted = [classes[i] for i in shares.argmax(axis=1)]
    else:
        predicted = [separator.join(model.classes_[row > 0.5].tolist()) for row in shares]
    columns: dict[str, list[Any]] = {"predicted": predicted}
    for name, column in zip(classes, shares.T, strict=True):
        columns[f"p({name})"] = [round(float(value), 6) for value in column]
    return columns


def _prepare(request: TextRequest) -> _Run:
    texts = request.read(request.source)
    if request.test is None:
        first, second = _parts(request, texts)
        training, held_out = texts.take(first), texts.take(second)
    else:
        training, held_out = texts, request.read(request.test)
    known = set(training.names())
    if len(known) < 2 and request.separator is None:
        only = f"the label {min(known)!r}" if known else "no label"
        raise DataError(f"all texts have {only}: there is nothing to learn", path=texts.path)
    for own, line in zip(held_out.labels, held_out.lines, strict=True):
        if new := set(_several(own)) - known:
            message = f"no text to train on has the label {min(new)!r}"
            raise DataError(message, path=held_out.path, row=int(line))
    return _Run(request, with_vectors(request.model()), training, held_out)


def _parts(request: TextRequest, texts: Texts) -> tuple[Array, Array]:
    """Return which texts to learn from and which to hold out."""
    seed = int(request.arguments.get("random_state", 0))
    strata = np.array(texts.labels) if request.separator is None else None
    first, second = split(len(texts), request.hold_out, seed, strata)
    known = {label for i in first for label in _several(texts.labels[i])}
    rare = np.array([not known.issuperset(_several(texts.labels[i])) for i in second], bool)
    # A label that only a text held out has could neither be learned nor be judged.
    return np.sort(np.append(first, second[rare])), second[~rare]


TEXT = Course(TextRequest, _prepare)
