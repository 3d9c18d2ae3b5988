"""fastText's files: a text a line, with labels as words that begin with ``__label__``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.errors import ArgumentError, DataError
from chainrule.io import Limits, open_lines


class Labelled(NamedTuple):
    """Texts and what they are labelled with.

    Attributes
    ----------
    texts : list of str
    labels : list
        Of one str a text, or of a list of str a text where a text may have several labels or none.
    lines : list of int
        Where each text stands in the file, counted from 1.
    """

    texts: list[str]
    labels: list[str] | list[list[str]]
    lines: list[int]


def read_labelled(
    path: str | Path,
    *,
    multi: bool = False,
    prefix: str = "__label__",
    encoding: str = "utf-8-sig",
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> Labelled:
    r"""Read a file of labelled texts in fastText's form.

    Parameters
    ----------
    path : str or Path
        The file, plain or compressed with gzip, bzip2 or xz; ``"-"`` is the standard input.
    multi : bool
        Whether a text may have any number of labels; otherwise each has one.
    prefix : str
        How a word begins that is a label and no word. Labels are given back without it.
    encoding : str
        Name of the text encoding; by default UTF-8, or what a byte-order mark says.
    limits : Limits
        What the file may ask of this machine.

    Returns
    -------
    Labelled
        A text and its label, or labels, for each line that is not blank.

    Raises
    ------
    ArgumentError
        If the prefix is empty or holds white space.
    DataError
        If a line has no label, or several, and `multi` is false, if a label has no name, or as
        `read_texts` does; it names the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "train.txt"
    >>> _ = path.write_text("__label__good a fine film\n__label__bad dull\n")
    >>> read_labelled(path)
    Labelled(texts=['a fine film', 'dull'], labels=['good', 'bad'], lines=[1, 2])
    """
    if not prefix or re.search(r"\s", prefix):
        raise ArgumentError(f"read_labelled: prefix must be a word, not {prefix!r}")
    label = re.compile(rf"(?<![^ \t\v\f]){re.escape(prefix)}([^ \t\v\f]*)[ \t\v\f]*")
    texts: list[str] = []
    found: list[Any] = []
    rows: list[int] = []
    with open_lines(path, encoding, limits) as lines:
        for line in lines.bare():
            text = line.strip(" \t\v\f")
            if not text:
                continue
            first = label.match(text)
            if first and first[1] and prefix not in (rest := text[first.end() :]):
                found.append([first[1]] if multi else first[1])  # as almost all lines are
            else:
                names, rest = label.findall(text), label.sub("", text).strip(" \t\v\f")
                _check(names, multi, prefix, lines.path, lines.number)
                found.append(names if multi else names[0])
            texts.append(rest)
            rows.append(lines.number)
        if not texts:
            raise DataError("there is no line of text", path=lines.path)
    return Labelled(texts, found, rows)


def _check(names: list[str], multi: bool, prefix: str, path: str, row: int) -> None:
    if "" in names:
        raise DataError(f"a label has no name behind {prefix!r}", path=path, row=row)
    if multi or len(names) == 1:
        return
    if names:
        what = f"has {len(names)} labels ({', '.join(map(repr, names[:5]))})"
        raise DataError(f"{what}; if that is meant, pass multi=True", path=path, row=row)
    raise DataError(
        f"has no label: a line has a word that begins with {prefix!r}; pass prefix=... if labels "
        "are written otherwise, or multi=True if a text may have none",
        path=path,
        row=row,
    )
