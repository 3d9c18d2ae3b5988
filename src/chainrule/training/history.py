"""What happened in each epoch."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, overload

from chainrule.errors import ArgumentError
from chainrule.io import atomic_write


@dataclass(frozen=True)
class Record:
    """One epoch.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    loss : float
        Mean over the epoch's batches, each with the network as it was then; without penalties.
    lr : float
        Learning rate of the last step.
    gradient_norm : float or None
        Mean over the steps, before clipping, where it is measured.
    seconds : float
        Time taken, validation included.
    validation_loss : float or None
    metrics : dict of str to float
        On the validation data.
    """

    epoch: int
    loss: float
    lr: float
    gradient_norm: float | None
    seconds: float
    validation_loss: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    def values(self) -> dict[str, float | None]:
        """Return all numbers by name, metrics by their own."""
        found: dict[str, Any] = asdict(self)
        metrics = found.pop("metrics")
        if self.validation_loss is None:
            del found["validation_loss"]
        return {**found, **metrics}

    def measured(self, name: str) -> float | None:
        """Return a loss, or a metric; None if the epoch has none."""
        known = {"loss": self.loss, "validation_loss": self.validation_loss}
        return known[name] if name in known else self.metrics.get(name)


@dataclass(frozen=True)
class History(Sequence[Record]):
    """The records of all epochs so far.

    Attributes
    ----------
    records : tuple of Record
    best_epoch : int or None
        The epoch that early stopping found best.
    stopped : str
        Why training ended before its last epoch; empty if it did not.
    engine, why : str
        What took the steps, and why it was chosen.

    Examples
    --------
    >>> history = History((Record(1, 0.7, 0.1, 2.0, 0.5), Record(2, 0.4, 0.1, 1.5, 0.5)))
    >>> history["loss"]
    [0.7, 0.4]
    >>> history[-1].epoch
    2
    """

    records: tuple[Record, ...] = ()
    best_epoch: int | None = None
    stopped: str = ""
    engine: str = ""
    why: str = ""

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    @overload
    def __getitem__(self, key: str) -> list[Any]: ...
    @overload
    def __getitem__(self, key: int) -> Record: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Record, ...]: ...
    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, str):
            return self.columns()[key]
        return self.records[key]

    def columns(self) -> dict[str, list[Any]]:
        """Return the numbers as lists, by name."""
        rows = [record.values() for record in self.records]
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: [row.get(name) for row in rows] for name in names}

    def curves(self, of: str = "loss") -> dict[str, tuple[list[int], list[float]]]:
        """Return epochs and values of a measure in training and validation, where it was taken.

        Parameters
        ----------
        of : str
            ``"loss"`` or the name of a metric, which is taken in validation alone.

        Raises
        ------
        ArgumentError
            If nothing of that name was measured.

        Examples
        --------
        >>> History((Record(1, 0.7, 0.1, 2.0, 0.5, 0.8),)).curves()
        {'training': ([1], [0.7]), 'validation': ([1], [0.8])}
        """
        columns = self.columns()
        metrics = [n for n in columns if n not in Record.__dataclass_fields__]
        if of != "loss" and of not in metrics:
            words = ", ".join(map(repr, ["loss", *metrics]))
            raise ArgumentError(f"the history holds no measure {of!r}; it has {words}")
        names = {"training": "loss", "validation": "validation_loss"}
        return {
            part: (columns.get("epoch", []), [math.nan if v is None else v for v in columns[name]])
            for part, name in (names if of == "loss" else {"validation": of}).items()
            if name in columns
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the history as JSON-able values; a metric that is not finite becomes None."""
        return {
            "records": [
                {**asdict(r), "metrics": {k: _or_none(v) for k, v in r.metrics.items()}}
                for r in self.records
            ],
            "best_epoch": self.best_epoch,
            "stopped": self.stopped,
            "engine": self.engine,
            "why": self.why,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> History:
        """Rebuild a history from what `to_dict` returned.

        Raises
        ------
        ValueError, TypeError, KeyError
            If it is something else.
        """
        best, words = document["best_epoch"], [document[k] for k in ("stopped", "engine", "why")]
        if not (best is None or type(best) is int):
            raise ValueError("best_epoch is no epoch")
        if not all(isinstance(word, str) for word in words):
            raise ValueError("stopped, engine or why is no text")
        return cls(tuple(map(_record, document["records"])), best, *words)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line an epoch under a line of names, whole or not at all."""
        columns = self.columns()
        with atomic_write(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _record(document: Mapping[str, Any]) -> Record:
    values = dict(document)
    metrics = {str(k): _number(v, math.nan) for k, v in values.pop("metrics").items()}
    epoch = values.pop("epoch")
    if type(epoch) is not int:
        raise ValueError(f"an epoch is {epoch!r}")
    for name in ("gradient_norm", "validation_loss"):
        values[name] = None if values[name] is None else _number(values[name])
    for name in ("loss", "lr", "seconds"):
        values[name] = _number(values[name])
    return Record(epoch, metrics=metrics, **values)


def _number(value: Any, missing: float | None = None) -> float:
    if value is None and missing is not None:
        return missing
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{value!r:.40} is no number")
    return float(value)
