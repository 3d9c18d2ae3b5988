"""Plain text: lines, all at once or as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chainrule.io import Limits, open_lines


@dataclass(frozen=True)
class LineStream(Iterable[str]):
    """The lines of a file, read anew by every loop over them: see `stream_lines`."""

    path: str | Path
    encoding: str = "utf-8-sig"
    limits: Limits = field(default_factory=Limits)

    def __iter__(self) -> Iterator[str]:
        with open_lines(self.path, self.encoding, self.limits) as lines:
            yield from lines.bare()


def stream_lines(
    path: str | Path,
    *,
    encoding: str = "utf-8-sig",
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> LineStream:
    r"""Return the lines of a text file of any size, which may be looped over again and again.

    A line ends at LF, CR LF or CR and nowhere else: U+0085, U+2028 and form feeds are characters
    of it. Blank lines are lines.

    Parameters
    ----------
    path : str or Path
        The file, plain or compressed with gzip, bzip2 or xz; ``"-"`` is the standard input,
        which can be looped over once.
    encoding : str
        Name of the text encoding; by default UTF-8, or what a byte-order mark says.
    limits : Limits
        What the file may ask of this machine.

    Returns
    -------
    LineStream
        Memory does not grow with the file.

    Raises
    ------
    DataError
        While looping: if the file cannot be opened, decoded or expanded, or breaks a limit. It
        names the line, or the byte where the encoding breaks.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "poem.txt"
    >>> _ = path.write_text("so much depends\nupon\n", encoding="utf-8")
    >>> lines = stream_lines(path)
    >>> [len(line) for line in lines], [len(line) for line in lines]
    ([15, 4], [15, 4])
    """
    return LineStream(path, encoding, limits)


def read_texts(
    path: str | Path,
    *,
    encoding: str = "utf-8-sig",
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> list[str]:
    r"""Return the lines of a text file, each a text.

    Parameters
    ----------
    path, encoding, limits
        As for `stream_lines`.

    Returns
    -------
    list of str
        As many as the file has lines, blank ones too, without line ends.

    Raises
    ------
    DataError
        As `stream_lines` does.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "reviews.txt"
    >>> _ = path.write_bytes(b"\xef\xbb\xbfgood\r\nbad")
    >>> read_texts(path)
    ['good', 'bad']
    """
    return list(stream_lines(path, encoding=encoding, limits=limits))
