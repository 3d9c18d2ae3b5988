"""`Corpus`: texts as one stream of ids in a file, however long, of which training reads windows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Self

import numpy as np

from chainrule.errors import DataError
from chainrule.graph import Array
from chainrule.language.texts import running_texts
from chainrule.text import BOS, EOS, UNK, Tokenizer, Vocabulary

SPECIALS = (UNK, BOS, EOS)
Texts = Iterable[str] | os.PathLike[str]
_BUFFER = 2**20  # ids that are gathered before they are written, or converted at a time
_ID = np.dtype(np.int32)


class Corpus:
    """Texts as one stream of ids, each followed by that of the end, mapped from a file.

    Parameters
    ----------
    file : binary file
        Of int32, in the machine's byte order; it begins with as many ends as `context` says, so
        that the first word has a window too.
    context : int
    vocabulary : Vocabulary
    n_texts, n_characters : int

    Attributes
    ----------
    ids : array of int32, shape (context + words,)
        Read from the file as it is used.
    """

    def __init__(
        self,
        file: BinaryIO,
        context: int,
        vocabulary: Vocabulary,
        n_texts: int,
        n_characters: int,
    ) -> None:
        file.flush()
        self._file, self.context, self.vocabulary = file, context, vocabulary
        self.n_texts, self.n_characters = n_texts, n_characters
        # A view without np.memmap's bookkeeping; the map lives as long as the view does.
        self.ids: Array = np.asarray(np.memmap(file, _ID, "r"))

    def __len__(self) -> int:
        """Return the number of words, ends of texts included."""
        return len(self.ids) - self.context

    def rows(self) -> tuple[Array, Array]:
        """Return for each word those before it and itself, and the word; nothing is copied.

        Shapes (n, context + 1) and (n,). They must not be used when the corpus is closed.
        """
        windows = np.lib.stride_tricks.sliding_window_view(self.ids, self.context + 1)
        return windows, self.ids[self.context :]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Let the file go."""
        self._file.close()


def learned_corpus(
    texts: Texts,
    tokenizer: Tokenizer,
    context: int,
    min_count: int = 1,
    max_size: int | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Corpus:
    """Write texts as ids, of a vocabulary that is found on the way: they are read once.

    Words are numbered as they are met, counted, and numbered anew in the file.

    Parameters
    ----------
    texts : iterable of str, or path-like
        As for `running_texts`.
    tokenizer : Tokenizer
    context : int >= 1
    min_count, max_size : int
        As for `chainrule.text.Vocabulary.of`.
    folder : path-like, optional
        Where the file lies until it is no longer needed; by default that of temporary files.

    Raises
    ------
    DataError
        If there is no word.
    """
    met: dict[str, int] = {EOS: 0}
    seen = _Seen()
    with _closed_on_error(_temporary(folder)) as file:
        spool = _Spool(file, np.zeros(context, _ID))

        def numbered() -> Iterator[Sequence[str]]:
            for tokens in seen.through(texts, tokenizer):
                yield tokens
                spool.add([met.setdefault(token, len(met)) for token in tokens])

        vocabulary = Vocabulary.of(numbered(), min_count, max_size, SPECIALS)
        spool.close()
        if not seen.n_words:
            raise DataError("the texts hold no words to learn from")
        _renumber(file, vocabulary.ids(list(met)))
        return Corpus(file, context, vocabulary, seen.n_texts, seen.n_characters)


def known_corpus(
    texts: Texts,
    tokenizer: Tokenizer,
    context: int,
    vocabulary: Vocabulary,
    folder: str | os.PathLike[str] | None = None,
) -> Corpus:
    """Write texts as ids of a vocabulary; see `learned_corpus`.

    Raises
    ------
    DataError
        If there is no text.
    """
    seen = _Seen()
    with _closed_on_error(_temporary(folder)) as file:
        spool = _Spool(file, np.full(context, vocabulary.eos, _ID))
        for tokens in seen.through(texts, tokenizer):
            spool.add(vocabulary.ids(tokens))
        spool.close()
        if not seen.n_texts:
            raise DataError("there are no texts")
        return Corpus(file, context, vocabulary, seen.n_texts, seen.n_characters)


def _temporary(folder: str | os.PathLike[str] | None) -> Any:
    """Open a file that is gone when it is closed."""
    return tempfile.TemporaryFile(dir=folder, prefix="chainrule-")


@contextmanager
def _closed_on_error(file: Any) -> Iterator[Any]:
    """Let a file go unless all goes well."""
    try:
        yield file
    except BaseException:
        file.close()
        raise


class _Seen:
    """Counts texts, words and characters as they pass."""

    def __init__(self) -> None:
        self.n_texts = self.n_words = self.n_characters = 0

    def through(self, texts: Texts, tokenizer: Tokenizer) -> Iterator[list[str]]:
        """Yield the words of each text, and the end."""
        for text in running_texts(texts):
            if not isinstance(text, str):
                what = f"text {self.n_texts}, counted from 0, is {type(text).__name__}"
                raise DataError(f"{what}, not a string")
            tokens = tokenizer(text)
            if BOS in tokens or EOS in tokens:  # the marks are ours: in a text they are no word
                tokens = [UNK if token in (BOS, EOS) else token for token in tokens]
            self.n_texts += 1
            self.n_words += len(tokens)
            self.n_characters += len(text)
            yield [*tokens, EOS]


class _Spool:
    """Gathers ids and writes them in large pieces."""

    def __init__(self, file: Any, first: Array) -> None:
        self.file, self.waiting, self.n = file, [first], len(first)

    def add(self, ids: Any) -> None:
        """Append ids."""
        self.waiting.append(np.asarray(ids, _ID))
        self.n += len(ids)
        if self.n >= _BUFFER:
            self.close()

    def close(self) -> None:
        """Write what waits."""
        self.file.write(np.concatenate(self.waiting).tobytes())
        self.waiting, self.n = [np.empty(0, _ID)], 0


def _renumber(file: Any, new: Array) -> None:
    """Replace each id in a file."""
    file.flush()
    ids = np.memmap(file, _ID, "r+")
    for start in range(0, len(ids), _BUFFER):
        ids[start : start + _BUFFER] = new[ids[start : start + _BUFFER]]
    ids.flush()
