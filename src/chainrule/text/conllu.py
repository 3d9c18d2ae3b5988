"""CoNLL-U: sentences of Universal Dependencies, words with ten columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from chainrule.constraints import OneOf, check
from chainrule.errors import DataError
from chainrule.io import Limits, Lines, open_lines
from chainrule.text.conll import Sentence

COLUMNS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
_NO_WORD = re.compile(r"[0-9]+(-[0-9]+|\.[0-9]+)")
_COLUMN = OneOf(COLUMNS[1:])


def read_conllu(
    path: str | Path,
    column: str = "UPOS",
    *,
    encoding: str = "utf-8-sig",
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> list[Sentence]:
    r"""Read the words of a treebank and one thing that it says about each.

    Comments, the lines of multiword tokens (``1-2``) and empty nodes (``8.1``) are skipped, so that
    each syntactic word is there once [1]_.

    Parameters
    ----------
    path : str or Path
        The file, plain or compressed with gzip, bzip2 or xz; ``"-"`` is the standard input.
    column : {"UPOS", "XPOS", "LEMMA", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC", "FORM"}
        What becomes the tag.
    encoding : str
        Name of the text encoding; by default UTF-8, or what a byte-order mark says.
    limits : Limits
        What the file may ask of this machine.

    Returns
    -------
    list of Sentence
        A document begins where a comment says ``# newdoc``.

    Raises
    ------
    ArgumentError
        If there is no such column.
    DataError
        If the file cannot be opened, decoded or expanded, breaks a limit, holds no word, or has a
        line without ten columns, with an empty form or tag, or with an ID that does not count on;
        it names the line.

    References
    ----------
    .. [1] https://universaldependencies.org/format.html

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "sample.conllu"
    >>> rest = 6 * "\t_"
    >>> lines = ["# text = Dogs bark", f"1\tDogs\tdog\tNOUN{rest}", f"2\tbark\tbark\tVERB{rest}"]
    >>> _ = path.write_text("\n".join(lines), encoding="utf-8")
    >>> read_conllu(path)
    [Sentence(tokens=['Dogs', 'bark'], tags=['NOUN', 'VERB'], line=2, document=0)]
    """
    check("read_conllu", {"column": _COLUMN}, {"column": column})
    with open_lines(path, encoding, limits) as lines:
        found = list(_sentences(lines, COLUMNS.index(column)))
        if not found:
            raise DataError("there is no word", path=lines.path)
    return found


def _sentences(lines: Lines, column: int) -> Iterator[Sentence]:
    tokens, tags, start, document, begun = list[str](), list[str](), 0, 0, False
    for line in chain(lines.bare(), [""]):
        if line.startswith("#"):
            if line[1:].split(maxsplit=1)[:1] == ["newdoc"]:
                document, begun = document + begun, True
        elif line.strip(" \t"):
            start = start or lines.number
            word = _word(line, len(tokens) + 1, column, lines)
            if word:
                tokens.append(word[0])
                tags.append(word[1])
        else:
            if tokens:
                yield Sentence(tokens, tags, start, document)
                begun = True
            tokens, tags, start = [], [], 0


def _word(line: str, expected: int, column: int, lines: Lines) -> tuple[str, str] | None:
    """Return form and tag, or None of a line that is no word."""
    cells = line.split("\t")
    if len(cells) != len(COLUMNS):
        message = f"{len(cells)} columns between tabs, where CoNLL-U has {len(COLUMNS)}"
        raise DataError(message, path=lines.path, row=lines.number)
    if _NO_WORD.fullmatch(cells[0]):
        return None
    if cells[0] != str(expected):
        message = f"the ID {cells[0]!r} where word {expected} of the sentence is due"
        raise DataError(message, path=lines.path, row=lines.number)
    for place in (1, column):
        if not cells[place]:
            message = f"the column {COLUMNS[place]} is empty; what is not known is written _"
            raise DataError(message, path=lines.path, row=lines.number)
    return cells[1], cells[column]
