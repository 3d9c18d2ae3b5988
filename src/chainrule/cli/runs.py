"""The course of a run, whatever is trained: a folder, a request in it, training, results.

The folder is made when the data has proved usable, so that bad input leaves nothing behind. An
interrupted run goes on to the same bytes as if it had never stopped.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from chainrule.cli import show
from chainrule.cli.exits import UsageError
from chainrule.errors import ArgumentError, DataError, FileFormatError
from chainrule.io import atomic_folder, discard, load_json, save_json, sole_writer
from chainrule.models.run_folder import CHECKPOINT, METRICS, REPORT, REQUEST, is_complete
from chainrule.pages import Shown
from chainrule.pages.visible import visible
from chainrule.training import Exhibit


class Request(Protocol):
    """What a command was asked to do, as data: kept in the run folder, to be taken up again."""

    command: ClassVar[str]

    @property
    def source(self) -> str:
        """Where the data comes from."""

    def to_dict(self) -> dict[str, Any]:
        """Return the request as JSON-able data."""

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return the request that `to_dict` wrote, or raise `FileFormatError`."""


class Prepared(Protocol):
    """Data that has proved usable, and what is about to be trained on it."""

    @property
    def fingerprint(self) -> str:
        """Tell the data from any other."""

    def show_plan(self) -> None:
        """Show data and model."""

    def train(self, folder: Path, *, resume: bool, talking: bool) -> dict[str, Any]:
        """Train, write the files of the run, the metrics last, and return these."""

    def report(self, metrics: dict[str, Any], folder: Path) -> Shown:
        """Return the page about what was just trained."""

    def show_results(self, metrics: dict[str, Any], notes: Sequence[str]) -> None:
        """Show results and what was noted."""


class Exhibiting(Protocol):
    """What was trained, where there is a network to look into."""

    def exhibit(self, folder: Path, *, untrained: bool = False) -> Exhibit:
        """Return the network of a finished run, or as it was before, and rows it was trained on.

        Raises
        ------
        DataError, FileFormatError
            If there is none, or it cannot be read.
        """


R = TypeVar("R", bound=Request)
P = TypeVar("P", bound=Prepared)


@dataclass(frozen=True)
class Course(Generic[R, P]):
    """A command that trains.

    Parameters
    ----------
    kind : type of request
    prepare : callable
        Reads the data that a request names, and raises if it cannot be used.
    use : tuple of three str
        What a run is good for, the command, and what stands behind the run folder.
    closed : str
        Why its runs have no network to look into; where they have, what `prepare` returns is
        `Exhibiting` too.
    """

    kind: type[R]
    prepare: Callable[[R], P]
    use: tuple[str, str, str] = ("predict", "predict", "FILE")
    closed: str = ""

    def start(self, request: R, out: Path | None, *, as_json: bool, quiet: bool) -> None:
        """Carry out a request in a new run folder.

        Parameters
        ----------
        request : Request
        out : Path, optional
            The folder, which must not exist yet.
        as_json, quiet : bool
            Whether to print one JSON document, or the folder alone.

        Raises
        ------
        UsageError
            If the folder exists.
        DataError
            If the data cannot be used.
        """
        if out is not None and out.exists():
            remedy = f", or go on with it by --resume {out}" if (out / REQUEST).is_file() else ""
            raise UsageError(f"{out} exists already: choose another --out{remedy}")
        talking = not (as_json or quiet)
        prepared = self.prepare(request)
        if talking:
            prepared.show_plan()
        folder = _new_folder(request, prepared.fingerprint, out)
        try:
            with sole_writer(folder):
                metrics = self._train(prepared, folder, resume=False, talking=talking)
        except (ArgumentError, DataError):  # some faults of the data are seen in training alone
            discard(folder)
            raise
        self._finish(metrics, folder, as_json=as_json, quiet=quiet)

    def resume(self, folder: Path, *, as_json: bool, quiet: bool) -> None:
        """Go on with an interrupted run; of one that is complete, tell the results again.

        Raises
        ------
        DataError, FileFormatError
            If the folder holds no run, or the data is no longer what it was.
        """
        if not (folder / REQUEST).is_file():
            raise DataError("holds no interrupted run to go on with", path=str(folder))
        load_request(folder, self.kind)
        with sole_writer(folder):
            if is_complete(folder):
                metrics = load_json(folder / METRICS)
            else:
                talking = not (as_json or quiet)
                prepared = self.again(folder)
                if talking:
                    prepared.show_plan()
                metrics = self._train(prepared, folder, resume=True, talking=talking)
        self._finish(metrics, folder, as_json=as_json, quiet=quiet)

    def again(self, folder: Path) -> P:
        """Return what a run was, or is to be, trained on.

        Raises
        ------
        DataError, FileFormatError
            If the folder holds no such run, or the data is no longer what it was.
        """
        request, expected = load_request(folder, self.kind)
        prepared = self.prepare(request)
        if prepared.fingerprint != expected:
            raise DataError(
                "the data has changed since the run began; start a new one", path=request.source
            )
        return prepared

    def finished(self, folder: Path) -> P:
        """Return what a finished run was trained on.

        Raises
        ------
        DataError, FileFormatError
            If the folder holds no such run, or an unfinished one, or the data is no longer what it
            was.
        """
        load_request(folder, self.kind)
        if not is_complete(folder):
            command = f"chainrule {self.kind.command} --resume"
            raise DataError(f"holds an unfinished run; go on by {command}", path=str(folder))
        return self.again(folder)

    def _train(
        self, prepared: Prepared, folder: Path, *, resume: bool, talking: bool
    ) -> dict[str, Any]:
        resume = resume and (folder / CHECKPOINT).exists()
        try:
            with warnings.catch_warnings(record=True) as caught:
                metrics = prepared.train(folder, resume=resume, talking=talking)
        except KeyboardInterrupt:
            command = f"chainrule {self.kind.command} --resume {shlex.quote(str(folder))}"
            raise KeyboardInterrupt(f"interrupted; go on with: {command}") from None
        trouble = save_report(lambda: prepared.report(metrics, folder), folder)
        if talking:
            prepared.show_results(metrics, [*(str(note.message) for note in caught), *trouble])
        else:
            sys.stderr.writelines(visible(f"chainrule: {words}") + "\n" for words in trouble)
        return metrics

    def _finish(self, metrics: dict[str, Any], folder: Path, *, as_json: bool, quiet: bool) -> None:
        if as_json:
            document = {"run": str(folder), **metrics}
            sys.stdout.write(json.dumps(document, allow_nan=False) + "\n")
        elif quiet:
            sys.stdout.write(f"{folder}\n")
        else:
            show.folder(show.console(), folder, *self.use)


def save_report(make: Callable[[], Shown], folder: Path) -> list[str]:
    """Write the report of a run that is complete; return what went wrong, in sentences."""
    try:
        make().save(folder / REPORT)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; {folder} is whole, without {REPORT}") from None
    except Exception as error:  # a run is worth more than its report
        return [f"no {REPORT} was written: {type(error).__name__}: {error}"]
    return []


def _new_folder(request: Request, fingerprint: str, out: Path | None) -> Path:
    """Make the run folder, which holds the request from its first moment on."""
    while True:
        folder = default_folder(request.source) if out is None else out
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            with atomic_folder(folder) as new:
                save_request(new, request, fingerprint)
            return folder
        except OSError:
            if out is not None or not folder.exists():
                raise  # otherwise another run was quicker: the next number is free


def default_folder(source: str) -> Path:
    """Return the first unused folder among ``runs/NAME-1``, ``runs/NAME-2``, ...

    Of the source's name it keeps what every file system and terminal takes as it is.
    """
    stem = "stdin" if source == "-" else Path(source).name.split(".")[0]
    name = re.sub(r"[^\w-]+", "_", stem).strip("_-")[:60] or "run"
    number = 1
    while (folder := Path("runs", f"{name}-{number}")).exists():
        number += 1
    return folder


def save_request(folder: Path, request: Request, fingerprint: str) -> None:
    """Write what was asked for into a run folder, with the fingerprint of the data."""
    asked = {"command": request.command, "request": request.to_dict(), "fingerprint": fingerprint}
    save_json(folder / REQUEST, asked)


def command_of(folder: Path) -> str | None:
    """Return the command that made a run folder, None where none did.

    Raises
    ------
    FileFormatError
        If the file that tells is damaged.
    """
    return _asked(folder)["command"] if (folder / REQUEST).is_file() else None


def load_request(folder: Path, kind: type[R]) -> tuple[R, str]:
    """Return what was asked for, and the fingerprint of the data it was asked of.

    Raises
    ------
    DataError
        If there is no run, or another command made it.
    FileFormatError
        If the file is damaged.
    """
    if not (folder / REQUEST).is_file():
        raise DataError(f"holds no run of chainrule {kind.command}", path=str(folder))
    asked = _asked(folder)
    if asked["command"] != kind.command:
        raise DataError(
            f"holds a run of chainrule {asked['command']}, not of chainrule {kind.command}",
            path=str(folder),
        )
    return kind.from_dict(asked.get("request")), asked["fingerprint"]


def _asked(folder: Path) -> dict[str, Any]:
    asked = load_json(folder / REQUEST)
    texts = ("command", "fingerprint")
    if not isinstance(asked, dict) or not all(isinstance(asked.get(key), str) for key in texts):
        raise FileFormatError(f"{folder / REQUEST}: no request")
    return asked
