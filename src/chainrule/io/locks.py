"""One writer at a time."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def sole_writer(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Keep other programs that ask too out of a folder, within the ``with`` block.

    The lock is one of the operating system's on the folder itself: it leaves no file behind and
    ends with the process, however that ends. Where there is none (on Windows, on some network
    drives), nothing is kept out.

    Parameters
    ----------
    folder : path-like
        An existing folder.

    Raises
    ------
    BlockingIOError
        If another program is within such a block.
    OSError
        If the folder cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, sole_writer(folder):
    ...     print("alone")
    alone
    """
    if os.name == "nt":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not _lock(descriptor):
            text = "another program is writing in this folder"
            raise BlockingIOError(errno.EWOULDBLOCK, text, os.fspath(folder))
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock an open folder; return False if another program holds the lock."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks keeps nobody out
        return True
    return True
