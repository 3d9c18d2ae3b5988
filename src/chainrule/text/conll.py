"""Sentences in columns: a token a line, blank lines between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from chainrule.constraints import Constraint, Interval, OneOf, check
from chainrule.errors import ArgumentError, DataError
from chainrule.io import Limits, Lines, open_lines
from chainrule.text.tags import SCHEMES, convert_tags

_BLANK = " \t"
_SAMPLE = 200  # lines that are looked at to find the columns
_DOCUMENT = "-DOCSTART-"
_COLUMN = Interval(-(2**14), 2**14, integer=True)
_ALLOWED: dict[str, Constraint] = {
    "token": _COLUMN,
    "tag": _COLUMN,
    "skip_rows": Interval(0, 2**31, integer=True),
    "separator": OneOf((None, "\t", " ")),
    "source": OneOf((None, *SCHEMES)),
    "target": OneOf((None, *SCHEMES)),
}


class Sentence(NamedTuple):
    """Tokens in a row.

    Attributes
    ----------
    tokens : list of str
    tags : list of str
        One a token; empty if no tags were read.
    line : int
        Line of the file at which the sentence begins, counted from 1.
    document : int
        The document that it is of, counted from 0; documents begin at ``-DOCSTART-``.
    """

    tokens: list[str]
    tags: list[str]
    line: int = 0
    document: int = 0


def read_conll(
    path: str | Path,
    token: int = 0,
    tag: int | None = -1,
    *,
    separator: str | None = None,
    source: str | None = None,
    target: str | None = None,
    skip_rows: int = 0,
    encoding: str = "utf-8-sig",
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> list[Sentence]:
    r"""Read sentences from a file with a token and what is known of it on each line.

    Blank lines end sentences, as do lines of ``-DOCSTART-``, which also begin a document. A line
    that starts with ``#``, a space and no other column is a comment. Spaces around a cell are
    dropped, but a token that is empty stays one, so that tokens are as many as lines.

    Parameters
    ----------
    path : str or Path
        The file, plain or compressed with gzip, bzip2 or xz; ``"-"`` is the standard input.
    token, tag : int
        Their columns, counted from 0, or from -1 backwards. Without tags, ``tag=None``.
    separator : {None, "\t", " "}
        What is between columns: a tab, or any number of spaces and tabs. By default a tab if the
        first line with a token has one; tokens may then hold spaces.
    source : {None, "IOB1", "IOB2", "BIOES", "BILOU", "raw"}
        The scheme of entity tags (see `entities`), against which they are checked; None takes tags
        of any kind as they are.
    target : {None, "IOB1", "IOB2", "BIOES", "BILOU", "raw"}
        The scheme to convert them to; by default they stay in that of the source.
    skip_rows : int
        Lines at the beginning that are no part of it, such as a header.
    encoding : str
        Name of the text encoding; by default UTF-8, or what a byte-order mark says.
    limits : Limits
        What the file may ask of this machine.

    Returns
    -------
    list of Sentence

    Raises
    ------
    ArgumentError
        If an argument is out of range.
    DataError
        If the file cannot be opened, decoded or expanded, breaks a limit, holds no token, has a
        line with more or fewer columns than the first, or a tag that is empty or breaks its scheme;
        it names the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "names.conll"
    >>> _ = path.write_text("Ada\tB-PER\nsings\tO\n\nParis\tB-LOC\n")
    >>> read_conll(path)[0]
    Sentence(tokens=['Ada', 'sings'], tags=['B-PER', 'O'], line=1, document=0)
    >>> read_conll(path, source="IOB2", target="raw")[1].tags
    ['LOC']
    """
    given = {"separator": separator, "source": source, "target": target, "skip_rows": skip_rows}
    columns = {"token": token, "tag": -1 if tag is None else tag}
    check("read_conll", _ALLOWED, {**given, **columns})
    if target and not source:
        raise ArgumentError("read_conll: to convert tags, name the scheme of the file: source=...")
    with open_lines(path, encoding, limits) as lines:
        for _ in islice(lines.bare(), skip_rows):
            pass
        reader = _Reader(lines, _Form.of(lines, separator), token, tag)
        found = list(reader.sentences())
        if not found:
            raise DataError("there is no token", path=lines.path)
        if source:
            found = [_converted(each, source, target or source, lines.path) for each in found]
    return found


def _converted(sentence: Sentence, source: str, target: str, path: str) -> Sentence:
    try:
        return sentence._replace(tags=convert_tags(sentence.tags, source, target))
    except DataError as error:
        message = f"the sentence that begins here, {error}"
        raise DataError(message, path=path, row=sentence.line) from None


@dataclass(slots=True)
class _Form:
    """How lines are divided into columns.

    `width` is their number, 0 as long as no token was met, and `first` the line that has so many.
    """

    separator: str
    width: int = 0
    first: int = 0

    @classmethod
    def of(cls, lines: Lines, separator: str | None) -> _Form:
        """Look ahead to the first line that has a token for certain."""
        sample = (line.rstrip("\r\n") for line in lines.peek(_SAMPLE))
        tokens = (
            x for x in sample if x.strip(_BLANK) and x[0] != "#" and not x.startswith(_DOCUMENT)
        )
        first = next(tokens, "")
        form = cls(separator or ("\t" if "\t" in first else " "))
        form.width = len(form.cells(first))
        return form

    def cells(self, line: str) -> list[str]:
        """Return the cells of a line, none of a blank one."""
        bare = line.strip(_BLANK)
        if not bare:
            return []
        if self.separator == " ":
            return re.split("[ \t]+", bare)
        return [cell.strip(" ") for cell in line.split("\t")]

    def is_comment(self, cells: list[str], line: str) -> bool:
        """Tell a comment from a token that is a number sign."""
        return len(cells) != self.width and (line.startswith("# ") or line.strip(_BLANK) == "#")

    def check(self, cells: list[str], line: str, path: str, row: int) -> None:
        """Refuse a line that has more or fewer columns than the first."""
        if not self.first:
            self.width, self.first = len(cells), row
        if len(cells) == self.width:
            return
        message = f"{_columns(len(cells))} where row {self.first} has {self.width}"
        if self.separator == "\t" and "\t" not in line:
            message += '; if columns are divided by spaces, pass separator=" "'
        raise DataError(message, path=path, row=row)


class _Reader:
    """The sentences of lines that are divided into columns."""

    def __init__(self, lines: Lines, form: _Form, token: int, tag: int | None) -> None:
        self._lines, self._form = lines, form
        self._token, self._tag = token, tag

    def sentences(self) -> Iterator[Sentence]:
        """Yield sentence after sentence."""
        form, lines = self._form, self._lines
        tokens, tags, start, document, begun = list[str](), list[str](), 0, 0, False
        for line in chain(lines.bare(), [""]):
            cells = form.cells(line)
            if cells and form.is_comment(cells, line):
                continue
            mark = cells[:1] == [_DOCUMENT]
            if cells and not mark:
                start = start or lines.number
                self._append(cells, line, tokens, tags)
                continue
            if tokens:
                yield Sentence(tokens, tags, start, document)
                tokens, tags, start, begun = [], [], 0, True
            document += mark and begun
            begun = begun or mark

    def _append(self, cells: list[str], line: str, tokens: list[str], tags: list[str]) -> None:
        path, row = self._lines.path, self._lines.number
        self._form.check(cells, line, path, row)
        tokens.append(_cell(cells, self._token, "token", path, row))
        if self._tag is None:
            return
        tag = _cell(cells, self._tag, "tag", path, row)
        if self._tag % len(cells) == self._token % len(cells):
            message = f"{_columns(len(cells))}: no tag beside the token; if so, pass tag=None"
            raise DataError(message, path=path, row=row)
        if not tag:
            raise DataError("the tag is empty", path=path, row=row)
        tags.append(tag)


def _cell(cells: list[str], column: int, name: str, path: str, row: int) -> str:
    try:
        return cells[column]
    except IndexError:
        message = f"{_columns(len(cells))}: there is no column {column} for the {name}"
        raise DataError(message, path=path, row=row) from None


def _columns(number: int) -> str:
    return "1 column" if number == 1 else f"{number} columns"
