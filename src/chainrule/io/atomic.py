"""Files and folders that are there whole or not at all, whatever stops the program."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

_SUFFIX = ".tmp"


def _beside(path: Path) -> Path:
    """Return an unused name in the same folder: renaming is atomic only within a file system."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{_SUFFIX}")


def is_temporary(path: str | os.PathLike[str]) -> bool:
    """Return whether a file has a name that an interrupted write leaves behind."""
    name = Path(path).name
    return name.startswith(".") and name.endswith(_SUFFIX)


def remove_leftovers(folder: str | os.PathLike[str]) -> None:
    """Remove what killed writers left in a folder; no other program may be writing there."""
    for entry in Path(folder).iterdir():
        if is_temporary(entry):
            discard(entry)


def discard(path: Path) -> None:
    """Remove a file or a folder, if it is there.

    A folder first takes a temporary name, so that no reader meets half of it.
    """
    if path.is_dir() and not path.is_symlink():
        doomed = path if is_temporary(path) else _beside(path)
        if doomed != path:
            os.replace(path, doomed)
        shutil.rmtree(doomed, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a loss of power; Windows has no call for it."""
    if os.name != "nt":
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _naming(path: Path, temporary: Path) -> Iterator[None]:
    """Remove the temporary on any error, and let an operating system's error name the path."""
    try:
        yield
    except BaseException as error:
        with suppress(OSError):
            discard(temporary)
        if isinstance(error, OSError) and error.errno is not None:
            text = f"cannot write {path}: {error.strerror}"
            raise OSError(error.errno, text, str(path)) from error
        raise


@contextmanager
def atomic_write(
    path: str | os.PathLike[str], mode: str = "wb", **options: Any
) -> Iterator[IO[Any]]:
    """Open a file that appears under its name only once it is complete and on the disk.

    The bytes go to a temporary file in the same folder, which is flushed, synchronised and renamed;
    then the folder is synchronised too [1]_. A kill or a loss of power at any moment leaves the
    old file or the new one, whole.

    Parameters
    ----------
    path : path-like
        The file; an existing one is replaced and lends its permissions, a symbolic link is
        followed.
    mode : {"wb", "w"}
    **options
        ``encoding`` and ``newline``, for text.

    Yields
    ------
    file object

    Raises
    ------
    OSError
        If any step fails; it names the path. The old file is untouched.

    References
    ----------
    .. [1] Pillai et al., "All file systems are not created equal", OSDI 2014.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(folder + "/notes.txt", "w") as file:
    ...         _ = file.write("whole")
    ...     print(Path(folder, "notes.txt").read_text())
    whole
    """
    final = Path(os.path.realpath(path))
    temporary = _beside(final)
    with _naming(Path(path), temporary):
        with open(temporary, mode.replace("w", "x"), **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(final, temporary)
        os.replace(temporary, final)
        _sync_folder(final.parent)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Make a folder that appears under its name only once all its files are on the disk.

    Parameters
    ----------
    path : path-like
        The new folder. There is no atomic way to replace a folder that has files, so it must not
        exist: give successive versions successive names.

    Yields
    ------
    pathlib.Path
        A temporary folder beside it, to be filled.

    Raises
    ------
    FileExistsError
        If the path is taken.
    OSError
        If any step fails; it names the path, and nothing of the new folder remains.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with atomic_folder(place + "/run") as folder:
    ...         _ = (folder / "a.txt").write_text("a")
    ...         print(os.path.exists(place + "/run"))
    ...     print(os.listdir(place + "/run"))
    False
    ['a.txt']
    """
    final = Path(path)
    temporary = _beside(final)
    with _naming(final, temporary):
        if final.exists():
            raise FileExistsError(17, "the folder exists already", str(final))
        temporary.mkdir()
        yield temporary
        for folder, _, files in os.walk(temporary):
            for name in files:
                _sync(Path(folder, name))
            _sync_folder(Path(folder))
        os.replace(temporary, final)
        _sync_folder(final.parent)
