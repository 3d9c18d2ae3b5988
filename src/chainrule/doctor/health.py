"""What a network's layers were like after each epoch, in memory and as a file."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from chainrule.doctor.patient import Reading
from chainrule.errors import FileFormatError
from chainrule.io import atomic_write

HEALTH = "health.csv"


@dataclass(frozen=True)
class Health:
    """One layer after one epoch.

    Attributes
    ----------
    epoch : int
        0 is before training.
    layer : str
    gradient_norm, update_ratio, saturated, dead, activation_std, delta_norm : float
        See `chainrule.doctor.Reading`; the update's ratio is the learning rate times the norm of
        the gradient, relative to that of the weights, NaN before training.
    """

    epoch: int
    layer: str
    gradient_norm: float
    update_ratio: float
    saturated: float
    dead: float
    activation_std: float
    delta_norm: float

    @classmethod
    def of(cls, epoch: int, reading: Reading, update_ratio: float) -> Health:
        """Return what is kept of a reading."""
        return cls(
            epoch, reading.layer, reading.gradient_norm, update_ratio, reading.saturated,
            reading.dead, reading.std, reading.delta,
        )  # fmt: skip


_NAMES = [field.name for field in fields(Health)]


def save_health(path: str | os.PathLike[str], records: Sequence[Health]) -> None:
    """Write records as CSV, whole or not at all."""
    with atomic_write(Path(path), "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_NAMES)
        writer.writerows(asdict(record).values() for record in records)


def load_health(path: str | os.PathLike[str]) -> list[Health]:
    """Read what `save_health` wrote; nothing, if the file is not there.

    Raises
    ------
    FileFormatError
        If it is something else.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except FileNotFoundError:
        return []
    if not rows or rows[0] != _NAMES:
        raise FileFormatError(f"{os.fspath(path)}: no record of layers")
    try:
        return [_record(row) for row in rows[1:]]
    except ValueError as error:
        raise FileFormatError(f"{os.fspath(path)}: {error}") from None


def _record(row: Sequence[Any]) -> Health:
    epoch, layer, *numbers = row
    if len(numbers) != len(_NAMES) - 2:
        raise ValueError(f"a line has {len(row)} cells, not {len(_NAMES)}")
    return Health(int(epoch), layer, *map(float, numbers))
