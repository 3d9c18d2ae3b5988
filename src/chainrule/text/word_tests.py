"""Tests of word vectors: pairs of words that people judged, and questions of analogy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from chainrule.errors import DataError
from chainrule.io import Limits, open_lines


class WordPair(NamedTuple):
    """Two words and how like each other people find them."""

    first: str
    second: str
    score: float


Analogy = tuple[str, str, str, str]


def read_word_pairs(
    path: str | Path,
    *,
    encoding: str = "utf-8-sig",
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> list[WordPair]:
    r"""Read pairs of words with scores, such as WordSim-353 or RG-65.

    A line has two words and a number, divided by white space; blank lines, and those that begin
    with ``#``, are passed over.

    Parameters
    ----------
    path : str or Path
        Plain or compressed.
    encoding : str
    limits : Limits

    Raises
    ------
    DataError
        If the file cannot be read, a line is none such, or there is none; it names the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pairs.txt"
    >>> _ = path.write_text("cat\tdog\t7.5\r\ncat\tlaw\t0.5\r\n")
    >>> read_word_pairs(path)[0]
    WordPair(first='cat', second='dog', score=7.5)
    """
    found = []
    with open_lines(path, encoding, limits) as lines:
        for line in lines.bare():
            cells = line.split()
            if not cells or cells[0].startswith("#"):
                continue
            score = _number(cells[2]) if len(cells) == 3 else math.nan
            if not math.isfinite(score):
                raise DataError(
                    f"{line!r:.60} is not two words and a number", path=lines.path, row=lines.number
                )
            found.append(WordPair(cells[0], cells[1], score))
        if not found:
            raise DataError("there are no pairs of words", path=lines.path)
    return found


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def read_analogies(
    path: str | Path,
    *,
    encoding: str = "utf-8-sig",
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> dict[str, list[Analogy]]:
    r"""Read questions of analogy in the form of word2vec's ``questions-words.txt``.

    A line ``: name`` begins a section; others have four words, the first to the second as the
    third to the fourth.

    Parameters
    ----------
    path, encoding, limits
        As for `read_word_pairs`.

    Returns
    -------
    dict of str to list of tuple
        The questions of each section; of those before the first the name is empty.

    Raises
    ------
    DataError
        As `read_word_pairs` does, or if a section comes twice.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "questions.txt"
    >>> _ = path.write_text(": family\nboy girl king queen\n")
    >>> read_analogies(path)
    {'family': [('boy', 'girl', 'king', 'queen')]}
    """
    sections: dict[str, list[Analogy]] = {}
    current: list[Analogy] = []
    with open_lines(path, encoding, limits) as lines:
        for line in lines.bare():
            cells = line.split()
            if cells and cells[0].startswith(":"):
                name = line.strip()[1:].strip()
                if name in sections:
                    raise DataError(
                        f"the section {name!r:.60} comes twice", path=lines.path, row=lines.number
                    )
                current = sections[name] = []
            elif len(cells) == 4:
                if not sections:
                    sections[""] = current
                current.append((cells[0], cells[1], cells[2], cells[3]))
            elif cells:
                raise DataError(
                    f"{line!r:.60} is not four words", path=lines.path, row=lines.number
                )
        if not any(sections.values()):
            raise DataError("there are no questions", path=lines.path)
    return sections
