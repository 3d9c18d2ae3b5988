"""From tables to arrays: every input of a network, fitted on the training rows alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.constraints import OneOf, check
from chainrule.data.columns import ColumnType, column_types
from chainrule.data.inputs import (
    EmbeddedInput,
    Input,
    fit_input,
    input_from_dict,
    input_to_dict,
)
from chainrule.data.scaling import SCALINGS
from chainrule.data.table import Table, as_table
from chainrule.errors import DataError, FileFormatError
from chainrule.graph import Array


@dataclass(frozen=True)
class TableEncoder:
    """Turns the rows of tables into the arrays that a network is given.

    Numbers are scaled, truth values become 0 and 1, dates their year, elapsed time and places in
    the cycles, categories one number a level or, when they have many, a code for an embedding. A
    missing number becomes the median, and an input of its own says so.

    Parameters
    ----------
    inputs : tuple of Input
        The fitted columns.
    left_out : mapping of str to str
        Why each of the other columns is not among them.

    Examples
    --------
    >>> table = Table.from_columns({"size": [1.0, 3.0], "colour": ["red", "blue"], "price": [5, 6]})
    >>> encoder = TableEncoder.fit(table, target="price")
    >>> encoder.feature_names
    ['size', 'colour=blue', 'colour=red']
    >>> encoder.transform(table)["numbers"].tolist()
    [[-1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    """

    inputs: tuple[Input, ...]
    left_out: Mapping[str, str]

    @classmethod
    def fit(
        cls,
        table: Any,
        *,
        target: str | Iterable[str] = (),
        types: Mapping[str, str | ColumnType] | None = None,
        embed_above: int = 20,
        scaling: str = "standard",
    ) -> TableEncoder:
        """Fit an encoder on the training rows.

        Parameters
        ----------
        table : Table, mapping of columns or data frame
            The training rows.
        target : str or iterable of str
            Columns that are to be predicted, so no inputs.
        types : mapping of str to str or ColumnType, optional
            As for `column_types`; its result on all rows may be given.
        embed_above : int
            Categories with more levels than this become codes for an embedding.
        scaling : str
            How numbers are scaled, a name in `SCALINGS`: "standard" to mean 0 and standard
            deviation 1, "min-max" to [0, 1], "robust" by median and quartiles, and
            "quantile-uniform" or "quantile-normal" by their order.

        Raises
        ------
        DataError
            If a column cannot be used as it is, or none is left; see `column_types`.
        """
        check("TableEncoder", {"scaling": OneOf(tuple(SCALINGS))}, {"scaling": scaling})
        table = as_table(table)
        targets = [target] if isinstance(target, str) else list(target)
        rest = table.drop(targets)
        if not len(table):
            raise DataError("there is no row to fit on", path=table.path)
        chosen = {name: kind for name, kind in (types or {}).items() if name not in targets}
        found = column_types(rest, chosen)
        used = [name for name, found_type in found.items() if found_type.used]
        left_out = {name: found[name].notice for name in found if name not in used}
        if not used:
            reasons = "; ".join(f"{name!r} is {reason}" for name, reason in left_out.items())
            reasons = reasons or "the table holds nothing but the target"
            raise DataError(f"no column is left to learn from: {reasons}", path=table.path)
        return cls(
            tuple(fit_input(rest, name, found[name], embed_above, scaling) for name in used),
            left_out,
        )

    @property
    def feature_names(self) -> list[str]:
        """Names of the columns of ``numbers``."""
        return [feature for column in self.inputs for feature in column.features]

    @property
    def embedded(self) -> dict[str, tuple[int, int]]:
        """For each column of ``codes`` its number of codes and a suggested vector length."""
        return {column.name: (column.cardinality, column.width) for column in self._embedded}

    def transform(self, table: Any) -> dict[str, Array]:
        """Return the rows as arrays.

        Parameters
        ----------
        table : Table, mapping of columns or data frame
            It may have more columns than were fitted, in any order.

        Returns
        -------
        dict of str to array
            ``numbers``, float32 of shape (n, d), and ``codes``, int64 of shape (n, k); only the
            one that there is if the other would be empty.

        Raises
        ------
        DataError
            If columns are missing, or a cell is not what fitting found in its column.
        """
        table = as_table(table)
        table.require(column.name for column in self.inputs)
        arrays = {}
        if self.feature_names:
            numbers = np.empty((len(table), len(self.feature_names)), np.float32)
            start = 0
            for column in self.inputs:
                if not isinstance(column, EmbeddedInput):
                    stop = start + len(column.features)
                    numbers[:, start:stop] = _in_float32(column, table)
                    start = stop
            arrays["numbers"] = numbers
        if self._embedded:
            arrays["codes"] = np.stack([c.encode(table) for c in self._embedded], axis=1)
        return arrays

    def surprises(self, table: Any) -> dict[str, str]:
        """Tell, column by column, what rows hold that the training rows did not.

        Unknown categories and missing values are counted here; `transform` takes them quietly.

        Examples
        --------
        >>> encoder = TableEncoder.fit({"colour": ["red", "blue"]})
        >>> encoder.surprises({"colour": ["green", "red"]})
        {'colour': "1 of 2 rows: a category that training never met, 'green'"}
        """
        table = as_table(table)
        table.require(column.name for column in self.inputs)
        found = {column.name: column.surprise(table) for column in self.inputs}
        return {name: surprise for name, surprise in found.items() if surprise}

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as JSON-able data."""
        inputs = [input_to_dict(column) for column in self.inputs]
        return {"version": 1, "inputs": inputs, "left_out": dict(self.left_out)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TableEncoder:
        """Return the encoder that `to_dict` wrote.

        Raises
        ------
        FileFormatError
            If the data is anything else.
        """
        if not isinstance(data, Mapping) or data.get("version") != 1:
            raise FileFormatError("no table encoder of version 1")
        inputs, left_out = data.get("inputs"), data.get("left_out")
        if not isinstance(inputs, list) or not isinstance(left_out, dict):
            raise FileFormatError("a table encoder has inputs and left_out")
        columns = tuple(input_from_dict(item) for item in inputs)
        if len({column.name for column in columns}) < len(columns):
            raise FileFormatError("two inputs of a table encoder share a name")
        return cls(columns, {str(name): str(reason) for name, reason in left_out.items()})

    @property
    def _embedded(self) -> list[EmbeddedInput]:
        return [column for column in self.inputs if isinstance(column, EmbeddedInput)]


def _in_float32(column: Input, table: Table) -> Array:
    """Return the numbers of a column, refusing those that training makes infinite."""
    numbers = column.encode(table)
    if numbers.size and np.abs(numbers).max() > np.finfo(np.float32).max:
        row = int(np.abs(numbers).max(axis=1).argmax())
        text = table[column.name].text(row)
        raise table.error(
            f"{text!r:.40} is too far from the numbers of the training rows",
            column=column.name,
            row=row,
        )
    return numbers
