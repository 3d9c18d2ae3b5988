"""Texts as estimators take them: checked once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError, DataError, ShapeError
from chainrule.graph import Array
from chainrule.text import stream_lines


def checked_texts(texts: Any, name: str = "X") -> list[str]:
    """Return texts as a list.

    Parameters
    ----------
    texts : iterable of str
        A list, an array of objects, a column of a data frame.
    name : str
        What the argument is called, for messages.

    Raises
    ------
    DataError
        If one is no string, naming its row, or it is a single string.

    Examples
    --------
    >>> checked_texts(("so", "good"))
    ['so', 'good']
    """
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise DataError(f"{name} must be a list of texts, not {type(texts).__name__}: give [text]")
    found = list(texts)
    for row, text in enumerate(found):
        if not isinstance(text, str):
            raise DataError(
                f"{name} holds {text!r} in row {row}, counted from 0, which is no text: leave such "
                'rows out, or put "" in their place'
            )
    return found


def running_texts(source: Iterable[Any] | os.PathLike[str]) -> Iterator[Any]:
    """Yield what running text is given as: the lines of a file that are not blank, or each item.

    Parameters
    ----------
    source : path-like or iterable
        A file is named by a `pathlib.Path`: a string would be a text.

    Raises
    ------
    ArgumentError
        If it is a single string, which could be a text or a name, or is no iterable.
    DataError
        As `chainrule.text.stream_lines` does.

    Examples
    --------
    >>> list(running_texts(["so good", "so bad"]))
    ['so good', 'so bad']
    """
    if isinstance(source, str | bytes) or not isinstance(source, Iterable | os.PathLike):
        raise ArgumentError(
            "texts are a list of them, a stream, or a pathlib.Path of a file of which each line is "
            f"one, not {type(source).__name__}: of one text give [text], of a file Path(name)"
        )
    if isinstance(source, os.PathLike):
        yield from (line for line in stream_lines(os.fspath(source)) if line.strip())
    else:
        yield from source


def check_lengths(**given: Any) -> None:
    """Refuse what should have one for each text and does not; what is None is left alone.

    Raises
    ------
    ShapeError
        Naming the lengths.
    """
    lengths = {name: len(value) for name, value in given.items() if value is not None}
    if len(set(lengths.values())) > 1:
        words = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ShapeError(f"there must be one for each text: {words}")


def checked_weights(sample_weight: Any) -> Array:
    """Return weights of texts as float64.

    Raises
    ------
    DataError
        If one is negative or no finite number, naming its row, or none is positive.
    """
    weight = np.asarray(sample_weight, np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weight) & (weight >= 0)))
    if len(wrong):
        raise DataError(
            f"sample_weight is {weight[wrong[0]]} in row {wrong[0]}, counted from 0: give finite "
            "numbers that are not negative"
        )
    if not weight.any():
        raise DataError("sample_weight is 0 for every text: there is nothing to learn from")
    return weight


def held_out(targets: Array, fraction: float, seed: int) -> Array:
    """Return which texts are held out of training: a share of each class.

    Parameters
    ----------
    targets : array
        Numbers of classes, (n,), or labels, (n, k), whose shares are left to chance.
    fraction : float in (0, 1)
    seed : int

    Raises
    ------
    DataError
        If none would be held out, or none be left.
    """
    rng = np.random.default_rng(seed)
    classes = targets if targets.ndim == 1 else np.zeros(len(targets), np.int64)
    out = np.zeros(len(targets), bool)
    for one in np.unique(classes):
        places = rng.permutation(np.flatnonzero(classes == one))
        out[places[: round(fraction * len(places))]] = True
    if not out.any() or out.all():
        raise DataError(
            f"validation_fraction={fraction} of {len(out)} holds out none, or all: give "
            "validation_data"
        )
    return out
