"""Tables of word vectors in the forms of word2vec, fastText and GloVe."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError
from chainrule.graph import Array
from chainrule.io import Limits, atomic_write, open_lines, open_source
from chainrule.text.vector_files import BinaryReader, TextReader, WordTable, looks_binary


def load_vectors(
    path: str | Path,
    words: Collection[str] | None = None,
    *,
    binary: bool | None = None,
    encoding: str = "utf-8-sig",
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> WordTable:
    r"""Read word vectors from a text or binary file.

    Text has a word and its numbers on each line, divided by spaces, with a first line of two
    numbers, rows and dimension, as word2vec and fastText write it (``.vec``), or without, as GloVe
    does. Words may hold spaces. Binary is word2vec's form: the same first line, then each word, a
    space and its numbers as 32-bit floats. Of a word that comes again, the first is kept.

    Parameters
    ----------
    path : str or Path
        The file, plain or compressed with gzip, bzip2 or xz.
    words : collection of str, optional
        Those to read, such as a `Vocabulary`; all by default. The numbers of others are not
        looked at.
    binary : bool, optional
        The form of the file; by default it is looked at.
    encoding : str
        Of the words; UTF-8 by default.
    limits : Limits
        What the file may ask of this machine.

    Returns
    -------
    WordTable

    Raises
    ------
    ArgumentError
        If the path is ``"-"``, the standard input, and `binary` is not given, or `words` is one.
    DataError
        If the file cannot be opened, decoded or expanded, breaks a limit, has no row, a row of
        another length, a number that is none, NaN or infinite, or not as many rows as it says; it
        names the line, or in a binary file the byte.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pets.txt"
    >>> _ = path.write_text("cat 1 0.5\ndog 1 0.25\n")
    >>> table = load_vectors(path, words={"dog"})
    >>> table.words, table.vectors.tolist()
    (['dog'], [[1.0, 0.25]])
    """
    if isinstance(words, str):
        raise ArgumentError(f"load_vectors: words must be several, such as {{{words!r}}}")
    if binary is None and str(path) == "-":
        raise ArgumentError("load_vectors: of standard input, say whether it is binary=True")
    if binary is None:
        with open_source(path, limits) as source:
            binary = looks_binary(source)
    if binary:
        with open_source(path, limits) as source:
            return BinaryReader(source, encoding.removesuffix("-sig")).table(words)
    with open_lines(path, encoding, limits) as lines:
        return TextReader(lines).table(words)


def word_table(vectors: Any, words: Collection[str] | None = None) -> WordTable:
    """Return word vectors in whatever form they are given.

    Parameters
    ----------
    vectors : path-like, WordTable, or pair of words and array of shape (words, dimension)
    words : collection of str, optional
        Those to read, if it is a file.

    Raises
    ------
    ArgumentError
        If words and rows are not as many.
    DataError
        If a file cannot be read; see `load_vectors`.

    Examples
    --------
    >>> word_table((["cat", "dog"], [[1, 0], [0, 1]]))
    <WordTable of 2 words, 2 numbers each>
    """
    if isinstance(vectors, WordTable):
        return vectors
    if isinstance(vectors, str | os.PathLike):
        return load_vectors(os.fspath(vectors), words)
    given, rows = list(vectors[0]), np.asarray(vectors[1], np.float32)
    if rows.ndim != 2 or len(rows) != len(given) or not rows.size:
        raise ArgumentError(
            f"vectors of {len(given)} words are a matrix of as many rows, not of shape {rows.shape}"
        )
    return WordTable(given, rows)


def save_vectors(
    path: str | Path, words: Sequence[str], vectors: Array, binary: bool = False
) -> None:
    r"""Write word vectors in word2vec's form, whole or not at all.

    Parameters
    ----------
    path : str or Path
    words : sequence of str
    vectors : array, shape (len(words), dimension)
        Numbers that are finite as 32-bit floats; both forms keep all their bits.
    binary : bool
        Binary, or text (``.vec``).

    Raises
    ------
    ArgumentError
        If there are not as many vectors as words, one is not finite, or a word is empty, comes
        twice or holds what would end it for some reader: a space, a line break or NUL.
    OSError
        If it cannot be written; it names the path.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pets.vec"
    >>> save_vectors(path, ["cat"], np.array([[0.5, 2]]))
    >>> path.read_text()
    '1 2\ncat 0.5 2\n'
    """
    with np.errstate(over="ignore"):
        table = np.ascontiguousarray(vectors, "<f4")
    if table.ndim != 2 or len(table) != len(words) or not table.shape[1]:
        raise ArgumentError(
            f"save_vectors: {len(words)} words need vectors of shape ({len(words)}, dimension), "
            f"not {np.shape(vectors)}"
        )
    if not np.isfinite(table).all():
        row = int(np.argmin(np.isfinite(table).all(axis=1)))
        raise ArgumentError(f"save_vectors: the vector of {words[row]!r} is not finite")
    _check_words(words)
    with atomic_write(path) as file:
        file.write(b"%d %d\n" % table.shape)
        file.writelines(_records(words, table) if binary else _rows(words, table))


def _check_words(words: Sequence[str]) -> None:
    if len(set(words)) < len(words):
        twice = next(word for word, n in Counter(words).items() if n > 1)
        raise ArgumentError(f"save_vectors: the word {twice!r} comes twice")
    for word in words:
        if not word or any(end in word for end in " \n\r\0"):
            raise ArgumentError(f"save_vectors: {word!r} cannot be a word of such a file")


def _records(words: Sequence[str], table: Array) -> Iterator[bytes]:
    for word, row in zip(words, table, strict=True):
        yield word.encode() + b" " + row.tobytes() + b"\n"


def _rows(words: Sequence[str], table: Array) -> Iterator[bytes]:
    form = "%s" + " %.9g" * table.shape[1] + "\n"  # nine digits tell every 32-bit float apart
    for word, row in zip(words, table, strict=True):
        yield (form % (word, *row.tolist())).encode()
