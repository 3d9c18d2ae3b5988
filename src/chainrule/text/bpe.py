"""Byte-pair encoding, by Hugging Face's ``tokenizers``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from chainrule.constraints import COUNT, Interval, check
from chainrule.errors import ArgumentError, FileFormatError, MissingExtraError
from chainrule.io import atomic_write

_MAX_BYTES = 64 * 2**20
_SIZE = Interval(256, 2**24, integer=True)


class BPETokenizer:
    """Parts of words, as many as are asked for, so that no text has an unknown token [1]_.

    Text is a sequence of bytes; pairs that are frequent neighbours become one token, again and
    again. A token is spelled in an alphabet in which each byte is a letter (``Ġ`` is the space).

    Parameters
    ----------
    document : str
        The text of a ``tokenizer.json``.

    Raises
    ------
    ArgumentError
        If it is none.
    MissingExtraError
        Without the extra ``text``.

    References
    ----------
    .. [1] Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword
       units", ACL 2016; on bytes: Radford et al., "Language models are unsupervised multitask
       learners", 2019, section 2.2.
    """

    def __init__(self, document: str) -> None:
        library = _library()
        try:
            self._inner = library.Tokenizer.from_str(document)
        except Exception as error:  # the library raises Exception itself
            raise ArgumentError(f"this is no tokenizer.json: {error}") from None

    @classmethod
    def train(
        cls, texts: Iterable[str], size: int, *, min_count: int = 2, lowercase: bool = False
    ) -> Self:
        """Learn which parts to use.

        Parameters
        ----------
        texts : iterable of str
            Read once: a stream of any length will do.
        size : int
            The largest number of different tokens, at least 256.
        min_count : int
            Pairs that come less often are not joined.
        lowercase : bool

        Returns
        -------
        BPETokenizer

        Raises
        ------
        ArgumentError
            If a number is out of range.
        MissingExtraError
            Without the extra ``text``.
        """
        given = {"size": size, "min_count": min_count}
        check("BPETokenizer.train", {"size": _SIZE, "min_count": COUNT}, given)
        library = _library()
        inner = library.Tokenizer(library.models.BPE())
        if lowercase:
            inner.normalizer = library.normalizers.Lowercase()
        inner.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = library.decoders.ByteLevel()
        trainer = library.trainers.BpeTrainer(
            vocab_size=size,
            min_frequency=min_count,
            initial_alphabet=sorted(library.pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        inner.train_from_iterator(texts, trainer)
        return cls(inner.to_str())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a ``tokenizer.json``, of this library or of another.

        Raises
        ------
        FileFormatError
            If it is none, or has more than 64 MiB.
        MissingExtraError
            Without the extra ``text``.
        """
        with open(path, "rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise FileFormatError(f"{path}: the file has more than {_MAX_BYTES} bytes")
        try:
            return cls(content.decode())
        except UnicodeDecodeError as error:
            raise FileFormatError(f"{path}: not UTF-8 at offset {error.start}") from None
        except ArgumentError as error:
            raise FileFormatError(f"{path}: {error}") from None

    def save(self, path: str | Path) -> None:
        """Write a ``tokenizer.json``, whole or not at all."""
        with atomic_write(path) as file:
            file.write(self._inner.to_str(pretty=True).encode())

    def __call__(self, text: str) -> list[str]:
        """Return the tokens of a text."""
        return list(self._inner.encode(text, add_special_tokens=False).tokens)

    def decode(self, tokens: Iterable[str]) -> str:
        """Return the text of tokens."""
        ids = [self._inner.token_to_id(token) for token in tokens]
        return str(self._inner.decode([i for i in ids if i is not None]))

    @property
    def words(self) -> list[str]:
        """All tokens, in the order of their ids."""
        ids: Mapping[str, int] = self._inner.get_vocab()
        return sorted(ids, key=ids.__getitem__)

    def to_dict(self) -> dict[str, Any]:
        """Return what `tokenizer_from_dict` makes the tokeniser of."""
        return {"kind": "bpe", "document": self._inner.to_str()}

    def __repr__(self) -> str:
        return f"<BPETokenizer of {self._inner.get_vocab_size():,} tokens>"


def _library() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MissingExtraError("tokenizers", "text") from None
    return tokenizers
