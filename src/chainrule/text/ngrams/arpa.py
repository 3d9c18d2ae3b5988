r"""ARPA files: the form in which programs exchange back-off models.

After ``\data\`` and the numbers of n-grams comes a part for each order, ``\1-grams:`` and so on; a
line has the logarithm to base 10 of the probability, the words and, unless it is 0, that of the
weight as a history. ``\end\`` ends the file.
"""

from __future__ import annotations

import gzip
import io
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from chainrule.errors import DataError
from chainrule.graph import Array
from chainrule.io import Limits, atomic_write, open_lines
from chainrule.text.ngrams.rows import NONE, find
from chainrule.text.ngrams.table import BackoffTable
from chainrule.text.vocabulary import BOS, EOS, UNK, Vocabulary

_LN10 = math.log(10)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_UNSAFE = re.compile(r"[ \t\r\n\0]")
_COUNT = re.compile(r"ngram[ \t]+([0-9]{1,3})[ \t]*=[ \t]*([0-9]{1,15})[ \t]*")
_UNKNOWN = -100.0  # of <unk> in a file that lacks it, as KenLM has it
_NEVER = -99.0  # what is written for a probability of 0


def write_arpa(path: str | Path, table: BackoffTable, vocabulary: Vocabulary) -> None:
    """Write a model as an ARPA file: see `NGramModel.save_arpa`."""
    odd = next((word for word in vocabulary.words if not word or _UNSAFE.search(word)), None)
    if odd is not None:
        raise DataError(f"the word {odd!r} holds white space, which no ARPA file can")
    words = np.arange(table.size)[np.arange(table.size) != _or_none(vocabulary.pad)]
    with _writing(path) as file:
        file.write("\\data\\\n")
        for k, scores in enumerate(table.log_probs, 1):
            file.write(f"ngram {k}={len(words) if k == 1 else len(scores)}\n")
        grams = words[:, None]
        file.writelines(_section(table, 1, grams, words, vocabulary))
        grams = np.arange(table.size)[:, None]
        for k, keys in enumerate(table.keys, 2):
            grams = np.column_stack([grams[keys // table.size], keys % table.size])
            file.writelines(_section(table, k, grams, np.arange(len(keys)), vocabulary))
        file.write("\n\\end\\\n")


def _section(
    table: BackoffTable, order: int, grams: Array, rows: Array, vocabulary: Vocabulary
) -> Iterator[str]:
    """Give out the lines of the n-grams of an order."""
    yield f"\n\\{order}-grams:\n"
    scores = table.log_probs[order - 1][rows] / _LN10
    weights = np.zeros(len(rows)) if order == table.order else table.log_weights[order - 1][rows]
    words = vocabulary.words
    for gram, score, weight in zip(grams.tolist(), scores, weights / _LN10, strict=True):
        text = " ".join([words[word] for word in gram])
        tail = f"\t{_digits(weight)}" if weight else ""
        yield f"{_digits(score)}\t{text}{tail}\n"


def _digits(value: float) -> str:
    return f"{value if math.isfinite(value) else _NEVER:.9g}"


def _or_none(special: int | None) -> int:
    return NONE if special is None else special


@contextmanager
def _writing(path: str | Path) -> Iterator[IO[str]]:
    """Open a text file, compressed or not, that is there whole or not at all."""
    with atomic_write(path) as file:
        packed: Any = file
        if str(path).endswith(".gz"):  # without name and time: equal models are equal files
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)
        text = io.TextIOWrapper(packed, "utf-8", newline="\n")
        yield text
        text.flush()
        text.detach()
        if packed is not file:
            packed.close()


def read_arpa(path: str | Path, limits: Limits) -> tuple[BackoffTable, Vocabulary]:
    """Read a model from an ARPA file: see `NGramModel.load_arpa`."""
    with open_lines(path, "utf-8-sig", limits) as lines:
        reader = _Reader(lines.bare(), str(path), lambda: lines.number)
        counts = reader.header()
        vocabulary, scores, weights = reader.words(counts[0], last=len(counts) == 1)
        size = len(vocabulary)
        table = BackoffTable([], [scores], [], size, vocabulary.bos)
        for order, count in enumerate(counts[1:], 2):
            table.log_weights.append(weights)
            keys, scores, weights = reader.longer(
                order, count, order == len(counts), table, vocabulary
            )
            table.keys.append(keys)
            table.log_probs.append(scores)
        reader.end()
    return table, vocabulary


def _fields(line: str) -> list[str]:
    """Return what tabs and spaces divide, and no other white space."""
    fields = line.replace("\t", " ").split(" ")
    return fields if all(fields) else [field for field in fields if field]


class _Reader:
    """The parts of an ARPA file, one after the other."""

    def __init__(self, lines: Iterator[str], path: str, number: Callable[[], int]) -> None:
        self._lines, self._path, self._number = lines, path, number

    def refuse(self, message: str, row: int | None = None) -> NoReturn:
        raise DataError(message, path=self._path, row=self._number() if row is None else row)

    def _next(self, expected: str) -> str:
        """Return the next line that is not blank."""
        for line in self._lines:
            if bare := line.rstrip(" \t"):
                return bare
        return self.refuse(f"the file ends where {expected} should come")

    def header(self) -> list[int]:
        """Return how many n-grams of each order are announced; what comes before is a remark."""
        while self._next("\\data\\") != "\\data\\":
            pass
        counts: list[int] = []
        for line in self._lines:
            if not line.strip(" \t"):
                break
            match = _COUNT.fullmatch(line)
            if match is None or int(match[1]) != len(counts) + 1:
                self.refuse(f"expected 'ngram {len(counts) + 1}=NUMBER', not {line[:80]!r}")
            counts.append(int(match[2]))
        if not counts:
            self.refuse("no numbers of n-grams are announced")
        return counts

    def _entries(
        self, order: int, count: int, last: bool
    ) -> Iterator[tuple[float, list[str], float]]:
        """Give out score, words and weight of each n-gram of an order."""
        title = f"\\{order}-grams:"
        if (line := self._next(title)) != title:
            self.refuse(f"expected {title}, not {line[:80]!r}")
        for _ in range(count):
            line = self._next(f"one of {count} {order}-grams")
            score, *words = _fields(line)
            weight = 0.0
            if len(words) == order + 1:
                weight = self._value(words.pop())
            if len(words) != order:
                self.refuse(
                    f"expected a number, {order} words and perhaps a weight, for there are to be "
                    f"{count} {order}-grams, not {line[:80]!r}"
                )
            value = self._value(score)
            if value > 0:
                self.refuse(f"the logarithm of a probability is not above 0, as {score!r} is")
            if last and weight:
                self.refuse("an n-gram of the highest order has a weight as a history")
            yield value * _LN10, words, weight * _LN10

    def _value(self, digits: str) -> float:
        value = float(digits) if _NUMBER.fullmatch(digits) else math.nan
        if not math.isfinite(value):
            self.refuse(f"expected a number, not {digits[:40]!r}")
        return value

    def words(self, count: int, last: bool) -> tuple[Vocabulary, Array, Array]:
        """Return the words, the scores and the weights of order 1."""
        found: dict[str, tuple[float, float]] = {}
        for score, (word,), weight in self._entries(1, count, last):
            if word in found:
                self.refuse(f"the word {word!r} comes a second time")
            found[word] = score, weight
        for marker in (BOS, EOS):
            if marker not in found:
                self.refuse(f"there is no {marker} among the words")
        found.setdefault(UNK, (_UNKNOWN * _LN10, 0.0))
        vocabulary = Vocabulary(list(found))
        scores, weights = np.array(list(found.values())).T.copy()
        scores[vocabulary.bos] = -np.inf
        return vocabulary, scores, weights

    def longer(
        self, order: int, count: int, last: bool, table: BackoffTable, vocabulary: Vocabulary
    ) -> tuple[Array, Array, Array]:
        """Return keys, scores and weights of a higher order, sorted."""
        index = {word: i for i, word in enumerate(vocabulary.words)}
        grams, values, rows = [], [], []
        for score, words, weight in self._entries(order, count, last):
            try:
                grams.append([index[word] for word in words])
            except KeyError as error:
                self.refuse(f"the word {error.args[0]!r} is not among the 1-grams")
            values.append((score, weight))
            rows.append(self._number())
        ids = np.array(grams, np.int64).reshape(len(grams), order)
        prefix = ids[:, 0]
        for keys, column in zip(table.keys, ids.T[1:-1], strict=True):
            prefix = np.where(prefix == NONE, NONE, find(keys, prefix * table.size + column))
        at = np.flatnonzero(prefix == NONE)
        if len(at):
            history = " ".join(vocabulary.tokens(ids[at[0], :-1]))
            self.refuse(f"its history {history!r} is not among the n-grams before", rows[at[0]])
        keys = prefix * table.size + ids[:, -1]
        by_key = np.argsort(keys, kind="stable")
        keys = keys[by_key]
        twice = by_key[1:][keys[1:] == keys[:-1]]
        if len(twice):
            first = int(twice.min())
            text = " ".join(vocabulary.tokens(ids[first]))
            self.refuse(f"the n-gram {text!r} comes a second time", rows[first])
        scores, weights = np.array(values, float).reshape(-1, 2)[by_key].T
        return keys, scores, weights

    def end(self) -> None:
        """Refuse what is not the end of the file."""
        if (line := self._next("\\end\\")) != "\\end\\":
            self.refuse(f"expected \\end\\ after all that was announced, not {line[:80]!r}")
        for line in self._lines:
            if line.strip(" \t"):
                self.refuse(f"something comes after \\end\\: {line[:80]!r}")
