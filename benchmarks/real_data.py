"""Real data sets, divided and made numeric: what estimators are compared on.

They lie in a folder of their own, by default ``../shared/data`` beside the project.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
Columns = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """Rows to learn from and rows to be judged on.

    Attributes
    ----------
    train, test : dict of str to array
        Columns by name: numbers, NaN where missing, or texts, empty where missing.
    y_train, y_test : array
        Whole numbers of classes, or numbers to be predicted.
    epochs : int
        Of a comparison at equal settings.
    """

    train: Columns
    test: Columns
    y_train: Any
    y_test: Any
    epochs: int

    @property
    def is_regression(self) -> bool:
        """Whether numbers are predicted."""
        return bool(self.y_train.dtype.kind == "f")

    def matrices(self) -> tuple[Any, Any]:
        """Return the rows as float32: numbers standardised, texts one-hot, by the training rows.

        A missing number is the mean, a text that is missing or new has no one.
        """
        parts = []
        for name, column in self.train.items():
            own, other = column, self.test[name]
            if column.dtype.kind == "f":
                mean, std = np.nanmean(own), np.nanstd(own)
                scale = std if std > 0 else 1.0
                parts.append([np.nan_to_num((x - mean) / scale)[:, None] for x in (own, other)])
            else:
                words = np.unique(own[own != ""])
                parts.append([x[:, None] == words for x in (own, other)])
        first, second = (np.hstack(side).astype(np.float32) for side in zip(*parts, strict=True))
        return first, second


def _table(path: Path, delimiter: str = ",", names: list[str] | None = None) -> dict[str, Any]:
    """Return the columns of a file: numbers where all cells are."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter=delimiter, skipinitialspace=True))
    names = names or rows.pop(0)
    rows = [row for row in rows if len(row) == len(names)]
    return {
        name: _column(list(cells))
        for name, cells in zip(names, zip(*rows, strict=True), strict=True)
    }


def _column(cells: list[str]) -> Any:
    known = ["" if cell in ("?", "NA") else cell for cell in cells]
    try:
        return np.array([float(cell or "nan") for cell in known])
    except ValueError:
        return np.array(known)


def _divided(columns: Columns, y: Any, seed: int, epochs: int) -> Problem:
    """Hold out a fifth of the rows."""
    order = np.random.default_rng(seed).permutation(len(y))
    held, kept = order[: len(y) // 5], order[len(y) // 5 :]
    train, test = ({k: v[rows] for k, v in columns.items()} for rows in (kept, held))
    return Problem(train, test, y[kept], y[held], epochs)


def _codes(names: Any) -> Any:
    return np.unique(names, return_inverse=True)[1]


def iris(folder: Path, seed: int) -> Problem:
    """Return 150 flowers of three species."""
    columns = _table(next((folder / "iris").glob("*.csv")))
    target = list(columns)[-1]
    return _divided(columns, _codes(columns.pop(target)), seed, 100)


def penguins(folder: Path, seed: int) -> Problem:
    """Return 344 penguins of three species, some measures missing."""
    columns = _table(folder / "penguins" / "penguins.csv")
    return _divided(columns, _codes(columns.pop("species")), seed, 100)


def digits(_: Path, seed: int) -> Problem:
    """Return 1,797 digits of 8 x 8 pixels, which come with both libraries."""
    from sklearn.datasets import load_digits

    images, y = load_digits(return_X_y=True)
    return _divided(_pixels(images), y, seed, 50)


def doodles(folder: Path, seed: int) -> Problem:
    """Return 3,000 drawings of cats, rainbows and trains, 28 x 28 pixels."""
    parts = []
    for word in ("cats", "rainbows", "trains"):
        data = gzip.decompress((folder / "quickdraw-doodles" / f"{word}1000.bin.gz").read_bytes())
        parts.append(np.frombuffer(data, np.uint8).reshape(-1, 784))
    columns, y = _pixels(np.concatenate(parts).astype(float)), np.repeat(np.arange(3), 1000)
    return _divided(columns, y, seed, 20)


def wine(folder: Path, seed: int) -> Problem:
    """Return 6,497 wines, whose quality from 0 to 10 is predicted."""
    red, white = (
        _table(folder / "wine-quality" / f"winequality-{colour}.csv", ";")
        for colour in ("red", "white")
    )
    columns = {name: np.concatenate([red[name], white[name]]) for name in red}
    columns["colour"] = np.repeat(["red", "white"], [len(red["pH"]), len(white["pH"])])
    return _divided(columns, columns.pop("quality"), seed, 50)


def housing(folder: Path, seed: int) -> Problem:
    """Return 18,576 blocks of California, whose median house value in dollars is predicted."""
    columns = _table(folder / "california-housing" / "housing.csv.gz")
    return _divided(columns, columns.pop("median_house_value"), seed, 30)


ADULT = [
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation",
    "relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week",
    "native-country", "income",
]  # fmt: skip


def adult(folder: Path, seed: int) -> Problem:
    """Return 32,561 and 16,281 persons, and who earns more than 50,000 dollars a year."""
    train, test = (
        _table(folder / "adult" / f"adult.{part}.gz", names=ADULT) for part in ("data", "test")
    )
    y, held = (np.char.startswith(part.pop("income"), ">").astype(int) for part in (train, test))
    return Problem(train, test, y, held, 15)


def mnist(folder: Path, seed: int) -> Problem:
    """Return 60,000 and 10,000 digits, 28 x 28 pixels."""

    def read(name: str, start: int) -> Any:
        data = gzip.decompress((folder / "mnist" / f"{name}-ubyte.gz").read_bytes())
        return np.frombuffer(data, np.uint8, offset=start)

    sides = [
        (_pixels(read(f"{part}-images-idx3", 16).reshape(-1, 784).astype(float)),
         read(f"{part}-labels-idx1", 8).astype(int))
        for part in ("train", "t10k")
    ]  # fmt: skip
    (train, y), (test, held) = sides
    return Problem(train, test, y, held, 10)


def _pixels(images: Any) -> Columns:
    return {f"pixel_{i}": column for i, column in enumerate(images.T)}


PROBLEMS: dict[str, Callable[[Path, int], Problem]] = {
    "iris": iris, "penguins": penguins, "digits": digits, "doodles": doodles, "wine quality": wine,
    "california housing": housing, "adult": adult, "mnist": mnist,
}  # fmt: skip
