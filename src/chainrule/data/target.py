"""What is to be predicted: the task that the target columns mean, and their arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.constraints import OneOf, check
from chainrule.data.columns import boolean_values, column_types, number_values
from chainrule.data.scaling import Scaler
from chainrule.data.table import Table
from chainrule.errors import DataError, FileFormatError
from chainrule.graph import Array

TASKS = ("binary", "multiclass", "multilabel", "regression")

_FEW = 20  # whole numbers up to this many different ones can be classes
_REPEATS = 3  # rows that a class of whole numbers needs on average
_MANY = 1000  # classes at most


@dataclass(frozen=True)
class Target:
    """The task, and how the target columns become arrays and outputs become values again.

    Parameters
    ----------
    task : {"binary", "multiclass", "multilabel", "regression"}
        What is predicted.
    columns : tuple of str
        The target columns.
    classes : tuple of str
        The classes of a classification in order, the labels of a multi-label task; empty for a
        regression. The positive class of a binary task is the second.
    scaler : Scaler, optional
        For a regression, what standardises the numbers.
    separator : str
        Between the labels of one cell; empty where every label has a column of its own.
    notices : tuple of str
        What the user should know.
    """

    task: str
    columns: tuple[str, ...]
    classes: tuple[str, ...] = ()
    scaler: Scaler | None = None
    separator: str = ""
    notices: tuple[str, ...] = ()

    @property
    def outputs(self) -> int:
        """Number of outputs that a network needs: 1 for a binary task, else one a class."""
        if self.task == "regression":
            return len(self.columns)
        return 1 if self.task == "binary" else len(self.classes)

    def labelled(self, table: Table) -> Array:
        """Return the indices of the rows in which no target is missing, shape (m,)."""
        table.require(self.columns)
        missing = np.zeros(len(table), bool)
        for name in () if self.separator else self.columns:  # no label at all is an answer
            missing |= table[name].missing
        return np.flatnonzero(~missing)

    def fit(self, table: Table) -> Target:
        """Return the target with its scaling taken from the training rows."""
        if self.task != "regression":
            return self
        return replace(self, scaler=Scaler.standard(self._numbers(table)))

    def encode(self, table: Table) -> Array:
        """Return the targets of rows as a network is trained on them.

        Returns
        -------
        array
            int64 classes of shape (n,) for a multi-class task; otherwise float32 of shape
            (n, outputs): standardised numbers, or 0 and 1.

        Raises
        ------
        DataError
            If a target is missing, no number, or a class that the task does not have.
        """
        if self.task == "regression":
            scaler = self.scaler or Scaler(np.array(0.0), np.array(1.0))
            return np.asarray(scaler.transform(self._numbers(table)), np.float32)
        if self.task == "multilabel":
            return self._labels(table).astype(np.float32)
        classes = self._class_indices(table)
        if self.task == "multiclass":
            return classes
        return np.asarray(classes[:, None], np.float32)

    def strata(self, table: Table) -> Array | None:
        """Return the class of each row, to divide rows by; None where there are no classes."""
        if self.task in ("binary", "multiclass"):
            return self._class_indices(table)
        return None

    def decode(self, outputs: Array) -> Array:
        """Return what the outputs of a network mean.

        Parameters
        ----------
        outputs : array, shape (n, outputs)
            Standardised numbers, or unnormalised scores (logits).

        Returns
        -------
        array
            Numbers in their own unit, shape (n, outputs), for a regression; the likeliest class
            as text, shape (n,), for a classification; for a multi-label task a mask of shape
            (n, labels).
        """
        outputs = np.asarray(outputs, np.float64)
        if self.task == "regression":
            return self.scaler.inverse(outputs) if self.scaler else np.array(outputs)
        if self.task == "multilabel":
            return np.asarray(outputs > 0)
        single = self.task == "binary"
        places = (outputs[:, 0] > 0).astype(np.int64) if single else outputs.argmax(axis=1)
        return np.asarray(np.array(self.classes, dtype=object)[places])

    def to_dict(self) -> dict[str, Any]:
        """Return the target as JSON-able data."""
        return {
            "version": 1,
            "task": self.task,
            "columns": list(self.columns),
            "classes": list(self.classes),
            "scaler": self.scaler.to_dict() if self.scaler else None,
            "separator": self.separator,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Target:
        """Return the target that `to_dict` wrote, without its notices.

        Raises
        ------
        FileFormatError
            If the data is anything else.
        """
        if not isinstance(data, Mapping) or data.get("version") != 1:
            raise FileFormatError("no target of version 1")
        texts = [data.get("columns"), data.get("classes")]
        for value in texts:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise FileFormatError("the columns and classes of a target are lists of texts")
        separator, scaler = data.get("separator"), data.get("scaler")
        if data.get("task") not in TASKS or not isinstance(separator, str):
            raise FileFormatError(f"the task of a target is one of {', '.join(TASKS)}")
        fitted = None if scaler is None else Scaler.from_dict(scaler)
        columns, classes = (tuple(value) for value in texts if value is not None)
        return cls(data["task"], columns, classes, fitted, separator)

    def _numbers(self, table: Table) -> Array:
        values = np.stack([number_values(table, name) for name in self.columns], axis=1)
        if np.isnan(values).any():
            row, place = (int(i) for i in np.argwhere(np.isnan(values))[0])
            raise table.error("the target is missing here", column=self.columns[place], row=row)
        return values

    def _class_indices(self, table: Table) -> Array:
        (name,) = self.columns
        texts, codes = table[name].categories()
        place = {text: i for i, text in enumerate(self.classes)}
        known = np.array([place.get(text, -1) for text in texts] + [-1], np.int64)
        classes = np.asarray(known[codes])
        if (classes < 0).any():
            row = int((classes < 0).argmax())
            if codes[row] < 0:
                raise table.error("the target is missing here", column=name, row=row)
            shown = ", ".join(map(repr, self.classes[:10]))
            more = ", ..." if len(self.classes) > 10 else ""
            message = f"{texts[codes[row]]!r} is no class of the target, which has {shown}{more}"
            raise table.error(message, column=name, row=row)
        return classes

    def _labels(self, table: Table) -> Array:
        if not self.separator:
            values = [boolean_values(table, name) for name in self.columns]
            if np.isnan(values).any():
                place, row = (int(i) for i in np.argwhere(np.isnan(values))[0])
                raise table.error("the target is missing here", column=self.columns[place], row=row)
            return np.stack(values, axis=1)
        (name,) = self.columns
        texts, codes = table[name].categories()
        places = {label: i for i, label in enumerate(self.classes)}
        labels = np.zeros((len(texts) + 1, len(self.classes)))  # the last row: no label
        for i, text in enumerate(texts):
            for label in split_labels(text, self.separator):
                if label not in places:
                    row = int((codes == i).argmax())
                    message = f"{label!r} is no label of the target"
                    raise table.error(message, column=name, row=row)
                labels[i, places[label]] = 1
        return np.asarray(labels[codes])


def split_labels(text: str, separator: str) -> list[str]:
    """Return the labels of one cell.

    Examples
    --------
    >>> split_labels("joy; surprise;", ";")
    ['joy', 'surprise']
    """
    return [label.strip() for label in text.split(separator) if label.strip()]


def derive_target(
    table: Table, columns: str | Iterable[str], *, task: str | None = None, separator: str = ";"
) -> Target:
    """Derive the task from the target columns.

    One column of truth values or of two different values is a *binary* task; one of texts, or
    of at most 20 different whole numbers that each occur three times on average, *multiclass*;
    other numbers are a *regression*. Several columns are a *multilabel* task if all hold truth
    values, and a regression with several outputs if all hold numbers.

    Parameters
    ----------
    table : Table
        All rows that are there, so that no class is unknown later.
    columns : str or iterable of str
        The target columns.
    task : {"binary", "multiclass", "multilabel", "regression"}, optional
        To decide otherwise. One column is multi-label only if this says so; its cells then hold
        labels with a separator between them.
    separator : str
        Between the labels of a cell.

    Returns
    -------
    Target
        Before training, let `Target.fit` take the scaling of a regression.

    Raises
    ------
    DataError
        If the columns cannot be predicted so; the message says why.
    ArgumentError
        If no task has that name.

    Examples
    --------
    >>> table = Table.from_columns({"x": [0.5, 1.5, 2.5], "pass": ["no", "yes", "yes"]})
    >>> target = derive_target(table, "pass")
    >>> target.task, target.classes, target.encode(table).tolist()
    ('binary', ('no', 'yes'), [[0.0], [1.0], [1.0]])
    >>> derive_target(table, "x").task
    'regression'
    """
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    if task is not None:
        check("derive_target", {"task": OneOf(TASKS)}, {"task": task})
    if not names:
        raise DataError("name at least one target column")
    if len(set(names)) < len(names):
        raise DataError(f"a target column is named twice: {', '.join(map(repr, names))}")
    target = Target("regression", names)
    rows = target.labelled(table)
    dropped = len(table) - len(rows)
    if not len(rows):
        raise table.error("the target is missing in every row", column=names[0])
    kept = table.select(names).take(rows)
    target = (
        _of_one(kept, names[0], task, separator) if len(names) == 1 else _of_many(kept, names, task)
    )
    if dropped and not target.separator:
        notice = f"{dropped:,} of {len(table):,} rows have no target and are dropped"
        target = replace(target, notices=(notice, *target.notices))
    return target


def _of_one(table: Table, name: str, task: str | None, separator: str) -> Target:
    if task == "multilabel":
        return _of_label_lists(table, name, separator)
    numbers = table[name].numbers()
    if task is None:
        task = "regression" if _is_measured(table, name, numbers) else None
    if task == "regression":
        values = number_values(table, name)
        if (values == values[0]).all():
            raise table.error(f"the target is {values[0]:g} in every row", column=name)
        return Target("regression", (name,))
    return _of_classes(table, name, task, numeric=not np.isnan(numbers).any())


def _is_measured(table: Table, name: str, numbers: Array) -> bool:
    """Tell numbers that are measured from texts, and from few whole numbers that are classes."""
    if np.isnan(numbers).any():
        column_types(table.select([name]))  # refuses numbers with a few texts among them
        return False
    distinct = len(np.unique(numbers))
    whole = bool((numbers == np.round(numbers)).all())
    few = whole and distinct <= _FEW and len(numbers) >= _REPEATS * distinct
    return distinct != 2 and not few


def _of_classes(table: Table, name: str, task: str | None, numeric: bool) -> Target:
    classes, codes = table[name].categories()
    if numeric:
        classes.sort(key=float)
    if len(classes) == 1:
        raise table.error(f"the target has a single class, {classes[0]!r}", column=name)
    if task == "binary" and len(classes) != 2:
        message = f"a binary target has 2 classes, this one {len(classes):,}"
        raise table.error(message, column=name)
    if len(classes) > _MANY or (len(classes) > 2 and len(classes) == len(table)):
        raise table.error(
            f"{len(classes):,} classes in {len(table):,} rows cannot be learned: is this an "
            "identifier or free text?",
            column=name,
        )
    notices = []
    if numeric and task is None and classes != [*map(str, range(len(classes)))]:
        notices.append(
            f"the target's {len(classes)} different numbers are taken for classes; "
            "task='regression' predicts numbers"
        )
    lone = int((np.bincount(codes) == 1).sum())
    if lone:
        have = "has a single row" if lone == 1 else "have a single row each"
        notices.append(f"{lone} of {len(classes)} classes {have}, so none of it is held out")
    derived = task or ("binary" if len(classes) == 2 else "multiclass")
    return Target(derived, (name,), tuple(classes), notices=tuple(notices))


def _of_label_lists(table: Table, name: str, separator: str) -> Target:
    if not separator:
        raise DataError("labels of one cell need a separator between them", column=name)
    texts = table[name].categories()[0]
    labels = sorted({label for text in texts for label in split_labels(text, separator)})
    if not labels or len(labels) > _MANY:
        message = f"{len(labels):,} different labels: there can be 1 to {_MANY:,}"
        raise table.error(message, column=name)
    return Target("multilabel", (name,), tuple(labels), separator=separator)


def _of_many(table: Table, names: tuple[str, ...], task: str | None) -> Target:
    if task in ("binary", "multiclass"):
        raise DataError(f"a {task} task has one target column, not {len(names)}", path=table.path)
    truths = {name: _holds_truths(table, name) for name in names}
    if task == "multilabel" or (task is None and all(truths.values())):
        for name in names:
            boolean_values(table, name)
        return Target("multilabel", names, names)
    for name in names:
        number_values(table, name)
    return Target("regression", names)


def _holds_truths(table: Table, name: str) -> bool:
    try:
        boolean_values(table, name)
    except DataError:
        return False
    return True
