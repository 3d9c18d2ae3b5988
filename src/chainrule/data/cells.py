"""What one cell says: a number, a truth value, a date, or nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from chainrule.graph import Array

MISSING = frozenset(
    ("", "?", "-", "--", ".", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none")
)
"""Cells that stand for a missing value, whatever their case."""

TRUE = frozenset(("true", "yes", "t", "y", "1", "1.0"))
FALSE = frozenset(("false", "no", "f", "n", "0", "0.0"))

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?")
_ALMOST_NUMBER = re.compile(
    r"""[+-]?(?: [0-9]{1,3}(?:[,' ][0-9]{3})+(?:\.[0-9]+)?    # 1,000
               | [0-9]*,[0-9]+                                # 1,5
               | [$€£¥]\s*[0-9.,]+ | [0-9.,]+\s*[$€£¥%]       # $5, 5 %
               | 0[xX][0-9a-fA-F]+ | [0-9]+(?:_[0-9]+)+ )     # 0x10, 1_000
    """,
    re.VERBOSE,
)
_ISO_DATE = re.compile(
    r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


def is_missing(texts: Sequence[str], markers: frozenset[str] = MISSING) -> Array:
    """Tell which cells stand for a missing value.

    Examples
    --------
    >>> is_missing(["3", "NA", "?", ""]).tolist()
    [False, True, True, True]
    """
    return np.fromiter((text.casefold() in markers for text in texts), bool, len(texts))


def numbers(texts: Sequence[str]) -> Array:
    """Read plain decimal numbers; NaN where a cell holds none, infinity where it says so.

    Underscores, thousands separators, hexadecimal and units are no part of a plain number.

    Examples
    --------
    >>> numbers(["1", "-.5e3", "1,000", "0x10", "inf"]).tolist()
    [1.0, -500.0, nan, nan, inf]
    """
    plain, infinite = _NUMBER.fullmatch, _INFINITE.fullmatch
    found = (float(t) if plain(t) or infinite(t) else np.nan for t in texts)
    return np.fromiter(found, np.float64, len(texts))


def almost_number(text: str) -> bool:
    """Tell whether a cell is a number with separators, a currency, a percent sign or in hex.

    Examples
    --------
    >>> [almost_number(t) for t in ("1,000", "5%", "0x10", "1,5", "11th", "7")]
    [True, True, True, True, False, False]
    """
    return _ALMOST_NUMBER.fullmatch(text) is not None


def with_decimal_point(text: str) -> str:
    """Write a decimal comma as a point, in cells that are numbers with a comma.

    Examples
    --------
    >>> [with_decimal_point(t) for t in ("1,5", "-,5", "1,5 kg", "7")]
    ['1.5', '-.5', '1,5 kg', '7']
    """
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text


def truths(texts: Sequence[str]) -> Array:
    """Read truth values as 1 and 0; NaN where a cell is none of them.

    Examples
    --------
    >>> truths(["Yes", "f", "0", "maybe"]).tolist()
    [1.0, 0.0, 0.0, nan]
    """
    values = {**dict.fromkeys(TRUE, 1.0), **dict.fromkeys(FALSE, 0.0)}
    found = (values.get(text.casefold(), np.nan) for text in texts)
    return np.fromiter(found, np.float64, len(texts))


def seconds(texts: Sequence[str], pattern: str = "") -> Array:
    """Read dates and times as seconds since 1970 (UTC); NaN where a cell is no date.

    Parameters
    ----------
    texts : sequence of str
        The cells.
    pattern : str, optional
        A pattern of `datetime.strptime`; the default reads ISO 8601 dates, which alone can be
        recognised without doubt, with an optional time and offset.

    Examples
    --------
    >>> seconds(["1970-01-02", "1970/01/01 00:01", "1970-01-01T02:00:00+02:00", "2.1."]).tolist()
    [86400.0, 60.0, 0.0, nan]
    >>> seconds(["02.01.1970"], "%d.%m.%Y").tolist()
    [86400.0]
    """
    return np.fromiter((_second(text, pattern) for text in texts), np.float64, len(texts))


def _second(text: str, pattern: str) -> float:
    try:
        if pattern:
            moment = datetime.strptime(text, pattern)
        elif _ISO_DATE.fullmatch(text):
            moment = datetime.fromisoformat(text.replace("/", "-"))
        else:
            return np.nan
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return np.nan
