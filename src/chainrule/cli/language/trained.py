"""What the commands about language share: requests, estimators from options, files of a run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from chainrule import nn
from chainrule.cli.exits import UsageError
from chainrule.cli.request import Reading
from chainrule.errors import ArgumentError, DataError, FileFormatError
from chainrule.io import discard, remove_leftovers, save_json
from chainrule.language import Saved
from chainrule.models.run_folder import (
    CHECKPOINT,
    HISTORY,
    METRICS,
    is_complete,
    save_columns,
)
from chainrule.text import load_vectors, tokenizer_for
from chainrule.training import Checkpoint, History
from chainrule.training.plan import ENGINES

E = TypeVar("E", bound=Saved)

MODEL = "model.safetensors"
_OPTIONS = {"hidden_layer_sizes": "hidden", "learning_rate": "lr", "random_state": "seed"}


@dataclass(frozen=True)
class LanguageRequest:
    """Base of what the commands were asked to do.

    Parameters
    ----------
    source : str
        The file, or ``-``.
    reading : Reading
        How it is read.
    arguments : dict of str to value
        Those of the estimator that were given.
    """

    source: str
    reading: Reading = field(default_factory=Reading)
    arguments: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the request as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return the request that `to_dict` wrote.

        Raises
        ------
        FileFormatError
            If the data is anything else.
        """
        try:
            values = dict(data)
            if set(values) != {each.name for each in fields(cls)}:
                raise ValueError("other fields")
            reading = dict(values.pop("reading"))
            reading["missing"] = tuple(reading["missing"])
            values["arguments"] = dict(values["arguments"])
            return cls(**values, reading=Reading(**reading))
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"no request that this version knows: {error}") from None


def made(kind: type[E], arguments: Mapping[str, Any], **others: Any) -> E:
    """Return an estimator with arguments, which a request may have kept.

    Raises
    ------
    FileFormatError
        If it has no such argument.
    """
    try:
        model: E = kind(**arguments, **others)
    except TypeError as error:
        raise FileFormatError(f"no request that this version knows: {error}") from None
    return model


def checked(model: Saved) -> None:
    """Refuse arguments of an estimator that are out of range, by the names of options.

    Raises
    ------
    UsageError
    """
    arguments = model.get_params(deep=False)
    try:
        model._check_arguments()
        if "tokenizer" in arguments:
            tokenizer_for(arguments["tokenizer"])
    except ArgumentError as error:
        message = re.sub(rf"^{type(model).__name__}: ", "", str(error))
        names = "|".join(map(re.escape, sorted(arguments, key=len, reverse=True)))
        raise UsageError(re.sub(rf"\b({names})\b", lambda name: option(name[1]), message)) from None
    if arguments["engine"] not in ENGINES:
        raise UsageError(f"--engine is one of {', '.join(ENGINES)}, not {arguments['engine']!r}")


def with_vectors(model: Any) -> Any:
    """Return an estimator with its pretrained vectors in memory, so that bad ones are met early.

    Raises
    ------
    DataError
        If they cannot be read.
    """
    if model.vectors is None:
        return model
    return model.set_params(vectors=load_vectors(model.vectors))


def option(argument: str) -> str:
    """Return the option that an argument of an estimator is given by.

    Examples
    --------
    >>> option("learning_rate"), option("embedding_dim")
    ('--lr', '--embedding-dim')
    """
    return "--" + _OPTIONS.get(argument, argument).replace("_", "-")


def given(**values: Any) -> dict[str, Any]:
    """Return the values that are there.

    Examples
    --------
    >>> given(epochs=3, dropout=None)
    {'epochs': 3}
    """
    return {name: value for name, value in values.items() if value is not None}


def checkpoint_of(folder: Path, epochs: int) -> Checkpoint:
    """Return where and how often a run keeps its state."""
    return Checkpoint(folder / CHECKPOINT, every_epochs=max(1, epochs // 10))


def write_model(model: Any, folder: Path) -> None:
    """Write the files of a run that every command has, but for the measures.

    Times, which no two runs share, and how much was told are no part of a model.
    """
    remove_leftovers(folder)
    history = model.history_
    records = tuple(replace(record, seconds=0.0) for record in history)
    model.history_ = replace(history, records=records)
    model.set_params(verbose=0).save(folder / MODEL)
    columns = {n: column for n, column in history.columns().items() if n != "seconds"}
    save_columns(folder / HISTORY, columns)


def write_metrics(metrics: Mapping[str, Any], folder: Path) -> None:
    """Write the measures, with which a run is complete."""
    save_json(folder / METRICS, metrics)
    discard(folder / CHECKPOINT)


def facts(command: str, history: History, network: Any) -> dict[str, Any]:
    """Return the measures that every command has."""
    return {
        "command": command,
        "epochs": len(history),
        "best_epoch": history.best_epoch,
        "engine": history.engine,
        "parameters": nn.count_parameters(network),
    }


def title_of(request: LanguageRequest, what: str) -> str:
    """Return what a report is called."""
    return f"{what} of {'standard input' if request.source == '-' else Path(request.source).name}"


def settings_of(request: LanguageRequest, model: Saved) -> dict[str, Any]:
    """Return what was asked for, and what the estimator took for the rest."""
    asked = request.to_dict()
    arguments, reading = asked.pop("arguments"), asked.pop("reading")
    chosen = {**model.get_params(deep=False), **arguments, **asked}
    return {**{name: value for name, value in chosen.items() if name != "verbose"}, **reading}


def load_model(folder: Path, kind: type[Saved]) -> Any:
    """Return the model of a finished run.

    Raises
    ------
    DataError, FileFormatError
        If the folder holds none.
    """
    if not is_complete(folder):
        raise DataError("holds an unfinished run; go on with it by --resume", path=str(folder))
    return kind.load(folder / MODEL)


def digest(parts: Iterable[str | Sequence[str]]) -> str:
    """Return a hash of texts, and of lists of them, in their order."""
    found = hashlib.sha256()
    for part in parts:
        texts = [part] if isinstance(part, str) else part
        found.update(b"%d\0" % len(texts))
        for text in texts:
            found.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return found.hexdigest()


def parse_widths(text: str | None, name: str) -> list[int] | None:
    """Return the whole numbers in a text such as ``3,4``; ``none`` has none of them.

    Raises
    ------
    UsageError
        If it is anything else.
    """
    if text is None or text == "none":
        return None if text is None else []
    try:
        return [int(width) for width in text.split(",")]
    except ValueError:
        raise UsageError(f"{name} expects numbers such as 3,4 or none, not {text!r}") from None
