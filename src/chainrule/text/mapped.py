"""Word vectors that stay in their file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np

from chainrule.errors import DataError
from chainrule.graph import Array
from chainrule.io import Limits, open_source
from chainrule.text.vector_files import BinaryReader, WordTable


class MappedVectors(Mapping[str, Array]):
    """The vectors of a binary file by their words; each is read when it is asked for.

    Only words and where their vectors begin are in memory: the rest is mapped into it by the
    operating system, which keeps what is used and shares it among programs.

    Parameters
    ----------
    path : str or Path
        A file in word2vec's binary form, not compressed, such as `save_vectors` writes.
    encoding : str
        Of the words.
    limits : Limits
        What the file may ask of this machine.

    Attributes
    ----------
    dimension : int
        Numbers of a vector.

    Raises
    ------
    DataError
        As `load_vectors` does; if the file is compressed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from chainrule.text import save_vectors
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pets.bin"
    >>> save_vectors(path, ["cat", "dog"], np.array([[0.5, 2], [1, 3]]), binary=True)
    >>> vectors = MappedVectors(path)
    >>> len(vectors), "cat" in vectors, vectors["dog"].tolist()
    (2, True, [1.0, 3.0])
    """

    def __init__(
        self,
        path: str | Path,
        *,
        encoding: str = "utf-8",
        limits: Limits = Limits(),  # noqa: B008 (frozen)
    ) -> None:
        with open_source(path, limits) as source:
            if source.kind:
                message = f"{source.kind} data cannot be mapped: expand the file, or load_vectors"
                raise DataError(message, path=source.path)
            reader = BinaryReader(source, encoding)
            self._places = reader.places()
        self.dimension, self._path = reader.dimension, str(path)
        self._bytes = np.memmap(path, np.uint8, "r")

    def __getitem__(self, word: str) -> Array:
        place = self._places[word]
        vector = self._bytes[place : place + 4 * self.dimension].view("<f4").astype(np.float32)
        if not np.isfinite(vector).all():
            message = f"byte {place:,}: the vector of {word!r} holds NaN or an infinity"
            raise DataError(message, path=self._path)
        return vector

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"<MappedVectors of {len(self):,} words, {self.dimension} numbers each>"

    def table(self, words: Collection[str]) -> WordTable:
        """Return the vectors of those words that are there, in the order of the words.

        Raises
        ------
        DataError
            If one holds NaN or an infinity.
        """
        known = [word for word in dict.fromkeys(words) if word in self]
        vectors = np.empty((len(known), self.dimension), np.float32)
        for row, word in zip(vectors, known, strict=True):
            row[:] = self[word]
        return WordTable(known, vectors)
