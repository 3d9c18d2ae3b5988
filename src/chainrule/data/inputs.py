"""How one column becomes inputs of a network, fitted once and kept as plain data."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, cast

import numpy as np

from chainrule.data.columns import ColumnType, boolean_values, date_values, number_values
from chainrule.data.scaling import SCALINGS, AnyScaler, QuantileScaler, Scaler
from chainrule.data.table import Table
from chainrule.errors import FileFormatError
from chainrule.graph import Array

UNKNOWN, ABSENT = 0, 1  # the first two codes of an embedded column
_DAY = 86_400.0


class _Scaled(ABC):
    """A number, scaled; a missing one becomes the median, and a second input says so."""

    name: str
    median: float
    indicator: bool

    @property
    @abstractmethod
    def scaler(self) -> AnyScaler:
        """What maps the numbers."""

    @property
    def features(self) -> list[str]:
        """Names of the numbers that it makes."""
        return [self.name, *_missing_feature(self.name, self.indicator)]

    def encode(self, table: Table) -> Array:
        """Return (n, 1) or (n, 2) numbers."""
        values = number_values(table, self.name)
        missing = np.isnan(values)
        scaled = self.scaler.transform(np.where(missing, self.median, values))
        return _with_indicator([scaled], missing, self.indicator)

    def surprise(self, table: Table) -> str:
        """Tell of missing values where fitting met none."""
        return "" if self.indicator else _filled(table, self.name, "the median")


@dataclass(frozen=True)
class NumberInput(_Scaled):
    """A number, shifted and divided."""

    kind: ClassVar[str] = "number"
    name: str
    center: float
    scale: float
    median: float
    indicator: bool

    @property
    def scaler(self) -> Scaler:
        """What shifts and divides."""
        return Scaler(np.array(self.center), np.array(self.scale))


@dataclass(frozen=True)
class QuantileInput(_Scaled):
    """A number as its place among those of the training rows; see `QuantileScaler`."""

    kind: ClassVar[str] = "quantiles"
    name: str
    quantiles: tuple[float, ...]
    output: str
    median: float
    indicator: bool

    @cached_property
    def scaler(self) -> QuantileScaler:
        """What maps the numbers; made when it is first used, and then checked."""
        return QuantileScaler.from_dict({"quantiles": self.quantiles, "output": self.output})


@dataclass(frozen=True)
class BooleanInput:
    """A truth value as 1 or 0; a missing one becomes 0, and a second input says so."""

    kind: ClassVar[str] = "boolean"
    name: str
    indicator: bool

    @classmethod
    def fit(cls, table: Table, name: str) -> BooleanInput:
        """See whether values are missing."""
        return cls(name, bool(np.isnan(boolean_values(table, name)).any()))

    @property
    def features(self) -> list[str]:
        """Names of the numbers that it makes."""
        return [self.name, *_missing_feature(self.name, self.indicator)]

    def encode(self, table: Table) -> Array:
        """Return (n, 1) or (n, 2) numbers."""
        values = boolean_values(table, self.name)
        return _with_indicator([np.nan_to_num(values)], np.isnan(values), self.indicator)

    def surprise(self, table: Table) -> str:
        """Tell of missing values where fitting met none."""
        return "" if self.indicator else _filled(table, self.name, "false")


@dataclass(frozen=True)
class DateInput:
    """A moment as its year and its elapsed time, standardised, and its place in the cycles.

    Month, weekday, day of the year and, where times of day occur, hour become sine and cosine,
    so that December stands beside January.
    """

    kind: ClassVar[str] = "date"
    name: str
    pattern: str
    center: float
    scale: float
    year: float
    year_scale: float
    hours: bool
    indicator: bool

    @classmethod
    def fit(cls, table: Table, name: str, pattern: str) -> DateInput:
        """Take the statistics of a column."""
        values = date_values(table, name, pattern)
        known = values[~np.isnan(values)]
        elapsed, year = Scaler.standard(known), Scaler.standard(_years(known))
        return cls(
            name,
            pattern,
            float(elapsed.center),
            float(elapsed.scale),
            float(year.center),
            float(year.scale),
            bool((known % _DAY != 0).any()),
            len(known) < len(values),
        )

    @property
    def features(self) -> list[str]:
        """Names of the numbers that it makes."""
        cycles = ["month", "weekday", "day of year"] + ["hour"] * self.hours
        waves = [f"{self.name} {cycle} {wave}" for cycle in cycles for wave in ("sine", "cosine")]
        names = [f"{self.name} elapsed", f"{self.name} year", *waves]
        return names + _missing_feature(self.name, self.indicator)

    def encode(self, table: Table) -> Array:
        """Return (n, 8) to (n, 11) numbers, all 0 where the date is missing."""
        values = date_values(table, self.name, self.pattern)
        missing = np.isnan(values)
        values = np.where(missing, self.center, values)
        numbers = [(values - self.center) / self.scale]
        numbers.append((_years(values) - self.year) / self.year_scale)
        for turn in _turns(values, self.hours):
            numbers += [np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)]
        kept = [np.where(missing, 0.0, column) for column in numbers]
        return _with_indicator(kept, missing, self.indicator)

    def surprise(self, table: Table) -> str:
        """Tell of missing values where fitting met none."""
        return "" if self.indicator else _filled(table, self.name, "the mean date")


@dataclass(frozen=True)
class CategoryInput:
    """A category as one number a level, of which one is 1; all are 0 for an unknown one."""

    kind: ClassVar[str] = "category"
    name: str
    levels: tuple[str, ...]
    indicator: bool

    @property
    def features(self) -> list[str]:
        """Names of the numbers that it makes."""
        levels = [f"{self.name}={level}" for level in self.levels]
        return levels + _missing_feature(self.name, self.indicator)

    def encode(self, table: Table) -> Array:
        """Return (n, levels) numbers, one more where fitting met missing values."""
        codes = _codes(table, self.name, self.levels)
        numbers = (codes[:, None] == np.arange(2, 2 + len(self.levels))).astype(np.float64)
        return _with_indicator(list(numbers.T), codes == ABSENT, self.indicator)

    def surprise(self, table: Table) -> str:
        """Tell of categories that fitting did not meet."""
        return _unknown(table, self.name, self.levels)


@dataclass(frozen=True)
class EmbeddedInput:
    """A category of many levels as the number of its level, for a lookup in a learned table.

    0 stands for an unknown level and 1 for a missing value.
    """

    kind: ClassVar[str] = "embedded"
    name: str
    levels: tuple[str, ...]

    @property
    def features(self) -> list[str]:
        """No numbers: it makes codes."""
        return []

    @property
    def cardinality(self) -> int:
        """How many codes there are."""
        return len(self.levels) + 2

    @property
    def width(self) -> int:
        """Suggested length of a level's vector, the rule of thumb of fastai's tabular models."""
        return min(600, round(1.6 * math.pow(self.cardinality, 0.56)))

    def encode(self, table: Table) -> Array:
        """Return (n,) codes."""
        return _codes(table, self.name, self.levels)

    def surprise(self, table: Table) -> str:
        """Tell of categories that fitting did not meet."""
        return _unknown(table, self.name, self.levels)


Input = NumberInput | QuantileInput | BooleanInput | DateInput | CategoryInput | EmbeddedInput
"""A fitted column: `encode` turns rows of any table into numbers (n, features) or codes (n,)."""

_KINDS: dict[str, type[Any]] = {
    cls.kind: cls
    for cls in (
        NumberInput, QuantileInput, BooleanInput, DateInput, CategoryInput, EmbeddedInput,
    )
}  # fmt: skip


def fit_input(
    table: Table, name: str, column_type: ColumnType, embed_above: int, scaling: str
) -> Input:
    """Fit the input that suits a column; categories of more than `embed_above` levels embed."""
    if column_type.kind == "number":
        return _fit_number(table, name, scaling)
    if column_type.kind == "boolean":
        return BooleanInput.fit(table, name)
    if column_type.kind == "date":
        return DateInput.fit(table, name, column_type.pattern)
    levels, codes = table[name].categories()
    if len(levels) > embed_above:
        return EmbeddedInput(name, tuple(levels))
    return CategoryInput(name, tuple(levels), bool((codes < 0).any()))


def _fit_number(table: Table, name: str, scaling: str) -> NumberInput | QuantileInput:
    values = number_values(table, name)
    scaler = SCALINGS[scaling](values)
    median = float(Scaler.robust(values).center)
    missing = bool(np.isnan(values).any())
    if isinstance(scaler, QuantileScaler):
        places = tuple(scaler.quantiles.tolist())
        return QuantileInput(name, places, scaler.output, median, missing)
    return NumberInput(name, float(scaler.center), float(scaler.scale), median, missing)


def input_to_dict(column: Input) -> dict[str, Any]:
    """Return a fitted column as JSON-able data."""
    return {"kind": column.kind, **asdict(column)}


def input_from_dict(data: Any) -> Input:
    """Return the fitted column that `input_to_dict` wrote.

    Raises
    ------
    FileFormatError
        If the data is anything else.
    """
    if not isinstance(data, dict) or data.get("kind") not in tuple(_KINDS):
        raise FileFormatError(f"no input of a network: {str(data)[:60]!r}")
    cls = _KINDS[data["kind"]]
    wanted = {field.name: str(field.type) for field in fields(cls)}
    if set(data) != {"kind", *wanted}:
        raise FileFormatError(f"an input of kind {cls.kind!r} has {sorted(wanted)}")
    for key, type_name in wanted.items():
        if not _fits(data[key], type_name) or ("scale" in key and data[key] <= 0):
            raise FileFormatError(f"{str(data[key])[:60]!r} cannot be the {key} of an input")
    values = {key: tuple(v) if isinstance(v := data[key], list) else v for key in wanted}
    made = cast(Input, cls(**values))
    if isinstance(made, QuantileInput):
        _ = made.scaler
    return made


def _fits(value: Any, type_name: str) -> bool:
    if type_name == "float":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and math.isfinite(value)
    if type_name.startswith("tuple["):
        of = type_name[len("tuple[") : -len(", ...]")]
        return isinstance(value, list | tuple) and all(_fits(item, of) for item in value)
    return isinstance(value, {"str": str, "bool": bool}[type_name])


def _missing_feature(name: str, indicator: bool) -> list[str]:
    return [f"{name} is missing"] if indicator else []


def _with_indicator(numbers: list[Array], missing: Array, indicator: bool) -> Array:
    return np.stack([*numbers, missing.astype(np.float64)] if indicator else numbers, axis=1)


def _filled(table: Table, name: str, filler: str) -> str:
    count = int(table[name].missing.sum())
    if not count:
        return ""
    place = f"{count:,} of {len(table):,} rows"
    return f"{place}: a missing value, which training never met; {filler} stands for it"


def _codes(table: Table, name: str, levels: tuple[str, ...]) -> Array:
    """Return 2 + the place among the levels of each row; 0 for none of them, 1 if missing."""
    texts, codes = table[name].categories()
    place = {level: i for i, level in enumerate(levels, start=2)}
    known = np.array([place.get(text, UNKNOWN) for text in texts] + [ABSENT], np.int64)
    return np.asarray(known[codes])


def _unknown(table: Table, name: str, levels: tuple[str, ...]) -> str:
    rows = int((_codes(table, name, levels) == UNKNOWN).sum())
    if not rows:
        return ""
    unknown = sorted(set(table[name].categories()[0]) - set(levels))
    shown = ", ".join(map(repr, unknown[:3])) + (", ..." if len(unknown) > 3 else "")
    return f"{rows:,} of {len(table):,} rows: a category that training never met, {shown}"


def _moments(values: Array) -> Array:
    return np.asarray(np.floor(values).astype("datetime64[s]"))


def _years(values: Array) -> Array:
    return np.asarray(_moments(values).astype("datetime64[Y]").astype(np.float64) + 1970)


def _turns(values: Array, hours: bool) -> list[Array]:
    """Return the place of each moment in the year, the week and the day, from 0 up to 1."""
    moments = _moments(values)
    days, months = moments.astype("datetime64[D]"), moments.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 / 12
    weekday = (days.astype(np.int64) + 3) % 7 / 7  # 1 January 1970 was a Thursday
    first = moments.astype("datetime64[Y]").astype("datetime64[D]")
    day_of_year = (days - first).astype(np.float64) / 366
    return [month, weekday, day_of_year] + [values % _DAY / _DAY] * hours
