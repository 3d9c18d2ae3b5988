"""`Labels`: the classes of texts, one of them each or any number, as numbers and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.graph import Array

KINDS = ("one", "lists", "matrix")


@dataclass(frozen=True)
class Labels:
    """The classes that were learned.

    Attributes
    ----------
    classes : array, shape (k,)
        In order: strings, whole numbers or truth values.
    kind : {"one", "lists", "matrix"}
        Whether a text has one class, or any number of labels, given as a list for each text or as
        a matrix with a column for each label.

    Examples
    --------
    >>> labels = Labels.of(["good", "bad", "good"])
    >>> labels.encode(["bad", "good"]), labels.kind
    (array([0, 1]), 'one')
    >>> Labels.of([["joy"], [], ["fear", "joy"]]).encode([["fear"], []])
    array([[1., 0.],
           [0., 0.]], dtype=float32)
    """

    classes: Array
    kind: str

    @classmethod
    def of(cls, y: Any) -> Labels:
        """Return the classes of targets.

        Parameters
        ----------
        y : array_like, shape (n,), list of lists of labels, or matrix of 0 and 1, shape (n, k)

        Raises
        ------
        DataError
            If a target is missing or of another kind, naming its row, or there are fewer than two
            classes.
        """
        kind = _kind(y)
        if kind == "matrix":
            return cls(np.arange(np.shape(y)[1]), kind)
        classes = _classes(*_labels(y, kind))
        if kind == "one" and len(classes) < 2:
            raise DataError(f"all texts are of the class {classes[0]!r}: there is nothing to learn")
        if not len(classes):
            raise DataError("no text has a label: there is nothing to learn")
        return cls(classes, kind)

    @property
    def one(self) -> bool:
        """Whether a text has one class."""
        return self.kind == "one"

    def __len__(self) -> int:
        return len(self.classes)

    def encode(self, y: Any) -> Array:
        """Return the numbers of classes, (n,), or 0 and 1 for labels, (n, k).

        Raises
        ------
        DataError
            If a target is no known class, or of another kind, naming its row.
        """
        if _kind(y) != self.kind:
            raise DataError(
                f"the targets are of the kind {_kind(y)!r}, those learned {self.kind!r}"
            )
        if self.kind == "matrix":
            matrix = np.asarray(y)
            if matrix.shape[1] != len(self):
                raise DataError(f"y has {matrix.shape[1]} labels, and {len(self)} were learned")
            return matrix.astype(np.float32)
        number = {label: i for i, label in enumerate(self.classes.tolist())}
        labels, rows = _labels(y, self.kind)
        try:
            numbers = np.fromiter(map(number.__getitem__, labels), np.int64, len(labels))
        except KeyError:
            i = next(i for i, label in enumerate(labels) if label not in number)
            raise DataError(
                f"the target in row {rows[i]}, {labels[i]!r}, was not met in fit"
            ) from None
        if self.one:
            return numbers
        matrix = np.zeros((len(y), len(self)), np.float32)
        matrix[rows, numbers] = 1.0
        return matrix

    def decode(self, chosen: Array) -> Any:
        """Return classes, (n,), lists of labels, or 0 and 1, as targets were given."""
        if self.one:
            return self.classes[chosen]
        if self.kind == "matrix":
            return chosen.astype(np.int64)
        return [self.classes[row].tolist() for row in chosen.astype(bool)]

    def to_dict(self) -> dict[str, Any]:
        """Return the labels as JSON holds them."""
        return {"kind": self.kind, "classes": self.classes.tolist()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Labels:
        """Return the labels that `to_dict` wrote."""
        if document["kind"] not in KINDS:
            raise DataError(f"there are no labels of the kind {document['kind']!r}")
        classes = document["classes"]
        return cls(_classes(classes, range(len(classes))), document["kind"])


def _labels(y: Any, kind: str) -> tuple[list[Any], Any]:
    """Return the labels of all texts, as objects of Python's own, and the row of each."""
    rows = _list(y)
    if kind == "one":
        return rows, range(len(rows))
    lists = [_list(row) for row in rows]
    return list(chain.from_iterable(lists)), np.repeat(np.arange(len(lists)), [*map(len, lists)])


def _list(y: Any) -> list[Any]:
    if isinstance(y, np.ndarray) or hasattr(y, "to_list"):
        found: list[Any] = y.tolist()
        return found
    return [label.item() if isinstance(label, np.generic) else label for label in y]


def _kind(y: Any) -> str:
    if isinstance(y, str | bytes) or not isinstance(y, Iterable) or not hasattr(y, "__len__"):
        raise DataError(f"y must be a target for each text, not {type(y).__name__}")
    if hasattr(y, "shape") and len(y.shape) == 2:
        matrix = np.asarray(y)
        if matrix.dtype.kind not in "biuf" or not np.isin(matrix, (0, 1)).all():
            raise DataError("a matrix of labels holds 0 and 1 alone")
        return "matrix"
    for row in y:
        return "lists" if _is_row(row) else "one"
    raise DataError("there are no targets")


def _is_row(row: Any) -> bool:
    return isinstance(row, list | tuple | set | frozenset | np.ndarray) and np.ndim(list(row)) == 1


def _classes(labels: Sequence[Any], rows: Sequence[int]) -> Array:
    """Return the labels in order, each once."""
    kinds = set(map(type, labels))
    if not all(issubclass(kind, str | int) for kind in kinds):
        i = next(i for i, label in enumerate(labels) if not isinstance(label, str | int))
        raise DataError(
            f"the target in row {rows[i]} is {labels[i]!r}: give strings, whole numbers or truth "
            "values"
        )
    if len(kinds) > 1:
        first = labels[0]
        second = next(label for label in labels if type(label) is not type(first))
        raise DataError(f"targets are of several kinds, such as {first!r} and {second!r}")
    return np.array(sorted(set(labels)))
