"""JSON documents: read strictly, written whole."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any, NoReturn

from chainrule.errors import FileFormatError
from chainrule.io.atomic import atomic_write

MAX_BYTES = 64 * 2**20
_MAX_DEPTH = 127  # as in serde_json, the strictest reader in wide use


def parse_json(text: str) -> Any:
    """Read one JSON value as RFC 8259 has it, and nothing that readers disagree about.

    Refused are duplicate keys, NaN and infinities, numbers beyond float64, lone surrogates and
    nesting deeper than 127.

    Raises
    ------
    ValueError
        Saying what is wrong, with the position where the grammar is broken.

    Examples
    --------
    >>> parse_json('{"lr": 0.1}')
    {'lr': 0.1}
    >>> parse_json('{"lr": 0.1, "lr": 0.2}')
    Traceback (most recent call last):
    ValueError: the key 'lr' appears twice
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise ValueError(f"values are nested deeper than {_MAX_DEPTH}") from None
    if text.count("[") + text.count("{") > _MAX_DEPTH:
        _check_depth(value)
    if "\\u" in text:  # the only way half of a surrogate pair can get in
        _check_surrogates(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        containers = [x for x in level if isinstance(x, (dict, list))]
        level = [y for x in containers for y in (x.values() if isinstance(x, dict) else x)]
    if containers:
        raise ValueError(f"values are nested deeper than {_MAX_DEPTH}")


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a string holds half of a surrogate pair") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} appears twice")
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number in JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits:.40} is too large")
    return number


def _integer(digits: str) -> int | float:
    # JSON's -0 is the floating-point negative zero; as an integer it would lose its sign.
    if digits == "-0":
        return -0.0
    _finite(digits)
    return int(digits)


def load_json(path: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> Any:
    """Read a JSON file strictly.

    Parameters
    ----------
    path : path-like
    max_bytes : int
        A larger file is refused unread.

    Returns
    -------
    dict, list, str, int, float, bool or None

    Raises
    ------
    FileFormatError
        If the file is too large, is not UTF-8, or `parse_json` refuses it.
    """
    with open(path, "rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise FileFormatError(f"{path}: the file has more than {max_bytes} bytes")
    try:
        return parse_json(content.decode())
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path}: not UTF-8 at offset {error.start}") from None
    except ValueError as error:
        raise FileFormatError(f"{path}: {error}") from None


def save_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a value as a JSON file, whole or not at all.

    Parameters
    ----------
    path : path-like
    value : dict, list, str, int, float, bool or None
        Keys are strings, numbers finite.

    Raises
    ------
    ValueError, TypeError
        If the value has no JSON form.
    OSError
        If it cannot be written; it names the path.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_json(folder + "/config.json", {"hidden": [32, 16]})
    ...     load_json(folder + "/config.json")
    {'hidden': [32, 16]}
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_write(Path(path)) as file:
        file.write(text.encode() + b"\n")
