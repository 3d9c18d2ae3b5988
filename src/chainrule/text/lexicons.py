"""Word lists: words of a kind, or words with a score."""

from __future__ import annotations

import math
from pathlib import Path

from chainrule.errors import DataError
from chainrule.io import Limits, open_lines


def read_words(
    path: str | Path,
    *,
    comment: str = ";",
    encoding: str = "utf-8-sig",
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> list[str]:
    r"""Read a list of words, one a line, such as Hu and Liu's opinion words.

    Parameters
    ----------
    path : str or Path
        The file, plain or compressed with gzip, bzip2 or xz; ``"-"`` is the standard input.
    comment : str
        How lines begin that are no words; none, if empty.
    encoding : str
        Name of the text encoding; by default UTF-8, or what a byte-order mark says.
    limits : Limits
        What the file may ask of this machine.

    Returns
    -------
    list of str
        Words and phrases in the order of the file, each once.

    Raises
    ------
    DataError
        If there is no word, or as `read_texts` does.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "positive.txt"
    >>> _ = path.write_text("; praise\n\ngreat\nwell made\n")
    >>> read_words(path)
    ['great', 'well made']
    """
    with open_lines(path, encoding, limits) as lines:
        bare = (line.strip() for line in lines.bare())
        words = dict.fromkeys(x for x in bare if x and not (comment and x.startswith(comment)))
        if not words:
            raise DataError("there is no word", path=lines.path)
    return list(words)


def read_scores(
    path: str | Path,
    *,
    encoding: str = "utf-8-sig",
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> dict[str, float]:
    r"""Read words with a score behind a tab, such as AFINN's and VADER's; more columns are let be.

    Parameters
    ----------
    path, encoding, limits
        As for `read_words`.

    Returns
    -------
    dict of str to float
        In the order of the file. Of a word that comes again the last score counts, as in VADER.

    Raises
    ------
    DataError
        If a line has no word, no tab or no finite number, if there is no line, or as `read_texts`
        does; it names the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "scores.txt"
    >>> _ = path.write_text("superb\t5\nfed up\t-3\n")
    >>> scores = read_scores(path)
    >>> [word for word, score in scores.items() if score < 0]
    ['fed up']
    """
    scores: dict[str, float] = {}
    with open_lines(path, encoding, limits) as lines:
        for line in lines.bare():
            if line.strip():
                word, score = _scored(line, lines.path, lines.number)
                scores[word] = score
        if not scores:
            raise DataError("there is no word", path=lines.path)
    return scores


def _scored(line: str, path: str, row: int) -> tuple[str, float]:
    word, *cells = (cell.strip() for cell in line.split("\t"))
    if not word or not cells:
        raise DataError("a line is a word, a tab and a score", path=path, row=row)
    try:
        score = float(cells[0])
    except ValueError:
        raise DataError(f"the score {cells[0]!r} is no number", path=path, row=row) from None
    if not math.isfinite(score):
        raise DataError(f"the score {cells[0]!r} is not finite", path=path, row=row)
    return word, score
