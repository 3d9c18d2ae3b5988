"""Everything that training needs to go on, in a folder that is whole at every moment.

A checkpoint folder holds the latest checkpoint as a folder of its own, named by a rising number:

- ``model.safetensors``: parameters and buffers, by their dotted names;
- ``state.safetensors``: ``optimizer.<slot>.<parameter>``, the best network's arrays as
  ``best.<name>``, and as ``waiting.<parameter>`` tables of which rows wait for their updates, which
  they have had in ``model.safetensors``;
- ``state.json``: counters, sums, the history, and what the run was asked to do.

A new one is written beside, renamed, and only then is the old one removed, so that a kill at any
moment leaves the one or the other. Random draws depend on the seed, the epoch and the step alone;
there is no more state to keep.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from chainrule.constraints import COUNT, check
from chainrule.engines.registry import ENGINES
from chainrule.errors import ArgumentError, ChainruleError, FileFormatError
from chainrule.graph import Array
from chainrule.io import (
    atomic_folder,
    discard,
    load_json,
    load_tensors,
    remove_leftovers,
    write_tensors,
)
from chainrule.nn import Module, load_parameters, named_buffers, named_parameters
from chainrule.training.callbacks import State, Totals
from chainrule.training.early_stopping import Best
from chainrule.training.history import History

_FORMAT = 1
_COUNTERS = ("epoch", "batch", "step")
_MAY_CHANGE = "epochs"


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often to save the state of training.

    Parameters
    ----------
    folder : path-like
        Made if it does not exist; used by one training at a time.
    every_epochs : int >= 1
        The last epoch is always saved.
    every_steps : int >= 1, optional
        Also within epochs that are long.

    Examples
    --------
    >>> Checkpoint("runs/mine", every_epochs=5).every_epochs
    5
    """

    folder: str | os.PathLike[str]
    every_epochs: int = 1
    every_steps: int | None = None
    allowed: ClassVar[Mapping[str, Any]] = {"every_epochs": COUNT, "every_steps": COUNT}

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in self.allowed}
        check("Checkpoint", self.allowed, {k: v for k, v in given.items() if v is not None})


def latest(folder: str | os.PathLike[str]) -> Path | None:
    """Return the folder of the latest checkpoint, or None if there is none.

    Raises
    ------
    OSError
        If the folder cannot be read.
    """
    versions = _versions(Path(folder))
    return versions[-1] if versions else None


def _versions(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = [entry for entry in folder.iterdir() if entry.name.isdecimal() and entry.is_dir()]
    return sorted(found, key=lambda entry: int(entry.name))


def save(
    folder: str | os.PathLike[str],
    state: State,
    settings: Mapping[str, Any],
    shown: Module | None = None,
) -> Path:
    """Save the state of training as the latest checkpoint.

    Parameters
    ----------
    folder : path-like
    state : State
    settings : mapping
        What the run was asked to do, JSON-able; `load` compares.
    shown : Module, optional
        The network with all rows up to date, if that is not the state's.

    Returns
    -------
    pathlib.Path
        The folder of this checkpoint.

    Raises
    ------
    OSError
        If it cannot be written; it names the path, and the checkpoint before it stays.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    before = _versions(folder)
    number = int(before[-1].name) + 1 if before else 1
    target = folder / f"{number:08d}"
    with atomic_folder(target) as temporary:
        _write(temporary, state, settings, shown or state.model)
    tidy(folder)
    return target


def tidy(folder: str | os.PathLike[str]) -> None:
    """Discard what a kill may leave: unfinished files, and checkpoints before the latest."""
    remove_leftovers(folder)
    for old in _versions(Path(folder))[:-1]:
        discard(old)


def _write(folder: Path, state: State, settings: Mapping[str, Any], shown: Module) -> None:
    document = {
        "format": _FORMAT,
        **{name: getattr(state, name) for name in _COUNTERS},
        "totals": asdict(state.totals),
        "best": None if state.best is None else [state.best.value, state.best.epoch],
        "history": state.history.to_dict(),
        "settings": dict(settings),
    }
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with open(folder / "model.safetensors", "wb") as file:
        write_tensors(file, _arrays(shown))
    with open(folder / "state.safetensors", "wb") as file:
        write_tensors(file, _state_arrays(state, _arrays(shown)))
    with open(folder / "state.json", "wb") as file:
        file.write(text.encode())


def _arrays(model: Module) -> dict[str, Array]:
    return {**named_parameters(model), **named_buffers(model)}


def _state_arrays(state: State, shown: Mapping[str, Array]) -> dict[str, Array]:
    found = {
        f"optimizer.{slot}.{name}": array
        for name, slots in state.optimizer_state["slots"].items()
        for slot, array in slots.items()
    }
    found |= {
        f"waiting.{name}": p
        for name, p in named_parameters(state.model).items()
        if p is not shown[name]
    }
    if state.best is not None:
        found |= {f"best.{name}": array for name, array in _arrays(state.best.model).items()}
    return found


def engine_of(path: str | os.PathLike[str]) -> str:
    """Return the engine that a checkpoint's run was resolved to; "auto" if it does not say."""
    document = load_json(Path(path) / "state.json")
    settings = document.get("settings") if isinstance(document, dict) else None
    name = settings.get("engine") if isinstance(settings, dict) else None
    return name if name in ("eager", *ENGINES) else "auto"


def load(path: str | os.PathLike[str], state: State, settings: Mapping[str, Any]) -> State:
    """Return the state of training that a checkpoint holds.

    Parameters
    ----------
    path : path-like
        From `latest`.
    state : State
        The state before the first step: its network and optimizer say what is expected.
    settings : mapping
        What the run is asked to do; all but the number of epochs must be as they were.

    Raises
    ------
    ArgumentError
        If settings or the network differ from those saved, naming what.
    FileFormatError
        If a file is damaged, naming it.
    """
    path = Path(path)
    document = load_json(path / "state.json")
    model, _ = load_tensors(path / "model.safetensors")
    arrays, _ = load_tensors(path / "state.safetensors")
    try:
        _check_settings(document, settings)
        return _restored(document, model, arrays, state)
    except ChainruleError as error:
        raise type(error)(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FileFormatError(
            f"{path / 'state.json'}: not the state of training: {type(error).__name__}: {error}"
        ) from None


def _check_settings(document: Any, settings: Mapping[str, Any]) -> None:
    number = _natural("format", document["format"])
    if number != _FORMAT:
        raise FileFormatError(f"the format has the number {number}, this version reads {_FORMAT}")
    saved = document["settings"]
    current = json.loads(json.dumps(dict(settings)))
    for name in {**saved, **current}:
        if name != _MAY_CHANGE and saved.get(name) != current.get(name):
            raise ArgumentError(
                f"the checkpoint was made with {name} = {saved.get(name)!r}, this training has "
                f"{current.get(name)!r}: train as before, or start anew with resume=False"
            )


def _restored(
    document: Any, model: dict[str, Array], arrays: dict[str, Array], start: State
) -> State:
    slots = {
        name: {slot: arrays.pop(f"optimizer.{slot}.{name}") for slot in slots}
        for name, slots in start.optimizer_state["slots"].items()
    }
    waiting = [name for name in arrays if name.startswith("waiting.")]
    model = model | {name.removeprefix("waiting."): arrays.pop(name) for name in waiting}
    counters = {name: _natural(name, document[name]) for name in _COUNTERS}
    totals = Totals(**document["totals"])
    for name, value in asdict(totals).items():
        if type(value) is not float:
            raise ValueError(f"{name} is {value!r:.40}")
    best = document["best"]
    if best is not None:
        value, epoch = best
        inner = {name.removeprefix("best."): arrays.pop(name) for name in [*arrays]}
        best = Best(float(value), _natural("epoch", epoch), _filled(start.model, inner))
    if arrays:
        raise ValueError(f"the unknown array {next(iter(arrays))!r} is in state.safetensors")
    return State(
        _filled(start.model, model),
        start.optimizer,
        {"step": counters["step"], "slots": slots},
        start.epochs,
        start.steps_per_epoch,
        **counters,
        history=History.from_dict(document["history"]),
        best=best,
        totals=totals,
    )


def _filled(model: Module, arrays: dict[str, Array]) -> Module:
    missing = [name for name in named_buffers(model) if name not in arrays]
    if missing:
        raise ArgumentError(f"the checkpoint lacks the buffer {missing[0]!r}")
    return load_parameters(model, arrays)


def _natural(name: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"{name} is {value!r:.40}")
    return value
