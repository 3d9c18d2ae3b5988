"""Allowed values of arguments as data: the check, its message and its test values are derived."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from chainrule.errors import ArgumentError


@dataclass(frozen=True)
class Interval:
    """Numbers between two bounds.

    Parameters
    ----------
    low, high : float
        The bounds, which may be infinite; infinity itself and NaN are never inside.
    closed : {"both", "left", "right", "neither"}
        Which of the bounds belong to it.
    integer : bool
        Whether only whole numbers do.

    Examples
    --------
    >>> 1.0 in Interval(0, 1, "left")
    False
    >>> print(Interval(1, math.inf, integer=True))
    a whole number in [1, inf)
    """

    low: float
    high: float
    closed: str = "left"
    integer: bool = False

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            return False
        if self.integer and not isinstance(value, numbers.Integral):
            return False
        number = float(value)
        above = number >= self.low if self.closed in ("both", "left") else number > self.low
        below = number <= self.high if self.closed in ("both", "right") else number < self.high
        return above and below and math.isfinite(number)

    def __str__(self) -> str:
        left = "[" if self.closed in ("both", "left") else "("
        right = "]" if self.closed in ("both", "right") else ")"
        kind = "a whole number" if self.integer else "a number"
        return f"{kind} in {left}{self.low}, {self.high}{right}"

    def bad_values(self) -> list[Any]:
        """Return values outside, for tests."""
        outside = [self.low - 1, self.high + 1, math.nan, math.inf, "1", None, True]
        bounds = [self.low, self.high, self.low + 0.5 if self.integer else self.low]
        return [value for value in (*outside, *bounds) if value not in self]


@dataclass(frozen=True)
class OneOf:
    """A choice from a list.

    Examples
    --------
    >>> print(OneOf(("mean", "sum")))
    one of 'mean', 'sum'
    """

    choices: tuple[Any, ...]

    def __contains__(self, value: object) -> bool:
        return any(type(value) is type(choice) and value == choice for choice in self.choices)

    def __str__(self) -> str:
        return f"one of {', '.join(map(repr, self.choices))}"

    def bad_values(self) -> list[Any]:
        """Return values outside, for tests."""
        return [value for value in (None, "no such choice", 17) if value not in self]


@dataclass(frozen=True)
class Instance:
    """Objects of a class.

    Parameters
    ----------
    kind : type
    what : str
        The class in words, for the message.

    Examples
    --------
    >>> print(Instance(dict, "a mapping"))
    a mapping
    """

    kind: type
    what: str

    def __contains__(self, value: object) -> bool:
        return isinstance(value, self.kind)

    def __str__(self) -> str:
        return self.what

    def bad_values(self) -> list[Any]:
        """Return values outside, for tests."""
        return [value for value in (None, "none such", 17, self.kind) if value not in self]


Constraint: TypeAlias = Interval | OneOf | Instance

POSITIVE = Interval(0, math.inf, "neither")
NON_NEGATIVE = Interval(0, math.inf)
FRACTION = Interval(0, 1)
COUNT = Interval(1, math.inf, integer=True)
TRUTH = OneOf((True, False))


def check(owner: str, allowed: Mapping[str, Constraint], values: Mapping[str, Any]) -> None:
    """Refuse arguments outside their constraints.

    Parameters
    ----------
    owner : str
        What is called, for the message.
    allowed : mapping of name to constraint
    values : mapping of name to value
        Names without a constraint are left alone.

    Raises
    ------
    ArgumentError
        Naming the argument, what is allowed, and what was given.

    Examples
    --------
    >>> check("SGD", {"lr": POSITIVE}, {"lr": 0.1})
    """
    for name, constraint in allowed.items():
        if name in values and values[name] not in constraint:
            raise ArgumentError(f"{owner}: {name} must be {constraint}, not {values[name]!r}")
