"""Running text: the lines or paragraphs of a file of any size, and parts of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from chainrule.cli.exits import UsageError
from chainrule.errors import DataError
from chainrule.text import read_texts, stream_lines


@dataclass(frozen=True)
class RunningText:
    """The texts of a file, read anew by every loop over them.

    Parameters
    ----------
    path : str
        ``-`` is the standard input, which is kept in memory.
    encoding : str
    paragraphs : bool
        Whether a text is a paragraph, up to a blank line, and not a line.
    start, stop : int, optional
        The first text, and that before which they end.
    lines : tuple of str, optional
        Those of the standard input.
    """

    path: str
    encoding: str = "utf-8-sig"
    paragraphs: bool = False
    start: int = 0
    stop: int | None = None
    lines: tuple[str, ...] | None = None

    @classmethod
    def of(cls, path: str, encoding: str, paragraphs: bool) -> RunningText:
        """Return all texts of a file."""
        lines = tuple(read_texts(path, encoding=encoding)) if path == "-" else None
        return cls(path, encoding, paragraphs, lines=lines)

    def __iter__(self) -> Iterator[str]:
        lines: Iterable[str] = self.lines or ()
        if self.lines is None:
            lines = stream_lines(self.path, encoding=self.encoding)
        texts = _paragraphs(lines) if self.paragraphs else (x for x in lines if x.strip())
        return islice(texts, self.start, self.stop)

    def count(self) -> int:
        """Return how many texts there are.

        Raises
        ------
        DataError
            If there is none, or the file cannot be read.
        """
        found = sum(1 for _ in self)
        if not found:
            raise DataError("there is no text", path=self.path)
        return found

    def divided(self, share: float) -> tuple[RunningText, RunningText]:
        """Return all but the last texts, and these, a share of all.

        Raises
        ------
        DataError
            If there is only one.
        """
        n = self.count()
        if n < 2:
            raise DataError(
                "one text is too few to hold out a part: give files of their own with --valid and "
                "--test, or say --paragraphs or not",
                path=self.path,
            )
        middle = self.start + n - min(n - 1, max(1, round(share * n)))
        return replace(self, stop=middle), replace(self, start=middle)


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    """Yield what stands between blank lines, each on one line."""
    gathered: list[str] = []
    for line in lines:
        if line.strip():
            gathered.append(line.strip())
        elif gathered:
            yield " ".join(gathered)
            gathered = []
    if gathered:
        yield " ".join(gathered)


def only_once(*paths: str | None) -> None:
    """Refuse the standard input as more than one file.

    Raises
    ------
    UsageError
    """
    if paths.count("-") > 1:
        raise UsageError("- stands for the standard input, which can be one file only")
