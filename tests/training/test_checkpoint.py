"""Saving, resuming, and what damaged or foreign checkpoints do."""

import errno
import json
import os
import shutil

import numpy as np
import pytest
from program import StopAt, digest, train

from chainrule import nn, optim
from chainrule.errors import ArgumentError, FileFormatError
from chainrule.io import atomic, load_json, load_tensors
from chainrule.training import Checkpoint, EarlyStopping, checkpoint, loop
from chainrule.training.checkpoint import latest


def content(folder):
    """Return the bytes of a checkpoint's arrays, and its document without times."""
    path = latest(folder)
    document = load_json(path / "state.json")
    for record in [*document["history"]["records"], document["totals"]]:
        del record["seconds"]
    arrays = [(path / name).read_bytes() for name in ("model.safetensors", "state.safetensors")]
    return arrays, document


@pytest.mark.parametrize("every_steps", [None, 1, 4])
def test_a_resumed_run_ends_in_the_same_bytes(tmp_path, every_steps):
    epochs, steps = 3, 6
    whole = tmp_path / "whole"
    model, history = train(Checkpoint(whole, every_steps=every_steps), epochs=epochs)
    for step in (1, 6, 7, 11, epochs * steps):
        place = Checkpoint(tmp_path / str(step), every_steps=every_steps)
        with pytest.raises(ZeroDivisionError):
            train(place, epochs=epochs, callbacks=[StopAt(step)])
        resumed, again = train(place, resume=True, epochs=epochs)
        assert digest(resumed) == digest(model)
        assert again["loss"] == history["loss"]
        assert again["validation_loss"] == history["validation_loss"]
        assert content(place.folder) == content(whole)


def test_a_finished_run_can_go_on(tmp_path):
    model, _ = train(epochs=5)
    first, _ = train(tmp_path, epochs=3)
    again, history = train(tmp_path, resume=True, epochs=3)
    assert digest(again) == digest(first)
    assert len(history) == 3
    longer, history = train(tmp_path, resume=True, epochs=5)
    assert digest(longer) == digest(model)
    assert history["epoch"] == [1, 2, 3, 4, 5]


def test_a_stopped_run_stays_stopped(tmp_path):
    stopping = EarlyStopping(patience=1, min_delta=10)
    first, history = train(tmp_path, early_stopping=stopping)
    assert history["epoch"] == [1, 2]
    assert history.stopped == "validation_loss has not improved since epoch 1"
    again, after = train(tmp_path, resume=True, early_stopping=stopping)
    assert digest(again) == digest(first)
    assert after == history


def test_a_new_run_takes_the_place_of_an_old_one(tmp_path):
    train(tmp_path, epochs=3)
    train(tmp_path, epochs=1)
    assert load_json(latest(tmp_path) / "state.json")["epoch"] == 1
    assert len(os.listdir(tmp_path)) == 1


def test_what_is_in_the_files(tmp_path):
    model, _ = train(tmp_path, epochs=2)
    arrays, _ = load_tensors(latest(tmp_path) / "model.safetensors")
    assert list(arrays) == sorted(arrays)
    assert arrays.keys() == {**nn.named_parameters(model), **nn.named_buffers(model)}.keys()
    state, _ = load_tensors(latest(tmp_path) / "state.safetensors")
    assert {"optimizer.m.0.weight", "optimizer.v.4.bias", "best.1.running_mean"} < state.keys()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 4}, "was made with seed = 3, this training has 4"),
        ({"batch_size": 8}, "batch_size = 16"),
        ({"optimizer": optim.Adam(lr=0.02)}, "optimizer = .*0.01.*0.02"),
        ({"loss": nn.multiclass_hinge}, "loss = 'cross_entropy'.*'multiclass_hinge'"),
        ({"schedule": None}, "schedule = .*Cosine.*None"),
        ({"clip_norm": 2.0}, "clip_norm = 1.0"),
        ({"sample_weight": None}, "rows|checksum of the data"),
    ],
)
def test_other_settings_are_refused(tmp_path, change, message):
    train(tmp_path, epochs=1)
    before = content(tmp_path)
    with pytest.raises(ArgumentError, match=message):
        train(tmp_path, resume=True, epochs=2, **change)
    assert content(tmp_path) == before


def test_another_network_is_refused(tmp_path, monkeypatch):
    train(tmp_path, epochs=1)
    other = nn.Sequential(nn.Linear(6, 8, rng=0), "relu", nn.Linear(8, 2, rng=1))
    monkeypatch.setattr("program.network", lambda: other)
    with pytest.raises((ArgumentError, FileFormatError), match="0000"):
        train(tmp_path, resume=True, epochs=2)


def test_resume_needs_a_place_but_no_checkpoint_in_it(tmp_path):
    with pytest.raises(ArgumentError, match="resume=True needs checkpoint="):
        train(resume=True)
    model, _ = train(tmp_path / "new" / "folder", resume=True, epochs=1)
    assert digest(model) == digest(train(epochs=1)[0])


@pytest.mark.parametrize(
    "path", ["epoch", "step", "batch", "best", "history", "totals", "settings", "format"]
)
@pytest.mark.parametrize("value", [None, -1, 1.5, "x", [1], {"a": 1}, True, 10**30])
def test_a_damaged_document_is_refused(tmp_path, path, value):
    folder = make_checkpoint(tmp_path)
    file = latest(folder) / "state.json"
    document = json.loads(file.read_text())
    if path == "best" and value is None:
        pytest.skip("a run may have no best epoch; its arrays are then refused")
    document[path] = value
    file.write_text(json.dumps(document))
    with pytest.raises((FileFormatError, ArgumentError), match=str(latest(folder))):
        train(folder, resume=True, epochs=1)


_made = {}


def make_checkpoint(tmp_path):
    """Return a copy of a checkpoint that is made once."""
    if "folder" not in _made:
        train(tmp_path / "first", epochs=1)
        _made["folder"] = {
            file.relative_to(tmp_path / "first"): file.read_bytes()
            for file in (tmp_path / "first").rglob("*.*")
        }
    for name, raw in _made["folder"].items():
        target = tmp_path / "copy" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(raw)
    return tmp_path / "copy"


def damaged(original, rng):
    """Return bytes with a few of them changed, removed or added."""
    raw = bytearray(original)
    place = int(rng.integers(len(raw) if rng.random() < 0.5 else min(len(raw), 1500)))
    match int(rng.integers(4)):
        case 0:
            raw[place] = int(rng.integers(256))
        case 1:
            del raw[place : place + int(rng.integers(1, 20))]
        case 2:
            raw[place:place] = b'0123[]{}":,nul'[int(rng.integers(14)) :][:1]
        case 3:
            raw[place] = 48 + int(rng.integers(10))
    return raw


@pytest.mark.parametrize("count", [600, pytest.param(30_000, marks=pytest.mark.slow)])
def test_damaged_files_load_or_are_refused(tmp_path, count):
    folder = make_checkpoint(tmp_path)
    files = sorted(latest(folder).iterdir())
    originals = [file.read_bytes() for file in files]
    start, settings = start_and_settings()
    rng = np.random.default_rng(count)
    read = 0
    for _ in range(count):
        which = int(rng.integers(3))
        files[which].write_bytes(damaged(originals[which], rng))
        try:
            checkpoint.load(latest(folder), start, settings)
            read += 1
        except (FileFormatError, ArgumentError) as error:
            assert str(folder) in str(error)  # noqa: PT017
        files[which].write_bytes(originals[which])
    assert 0.1 < read / count < 0.9


def start_and_settings():
    """Return what a training begins with, caught before its first step."""
    caught = {}

    class Caught(loop.Training):
        def run(self):
            caught["state"] = self.state
            caught["settings"] = self.plan.settings(self.rows)
            return super().run()

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(loop, "Training", Caught)
        train(epochs=0)
    return caught["state"], {**caught["settings"], "epochs": 1}


def test_a_fault_at_any_call_leaves_a_whole_checkpoint(tmp_path):
    place = tmp_path / "run"
    train(place, epochs=2)
    old = content(place)
    shutil.copytree(place, tmp_path / "kept")
    for fail_at in range(1, 100):
        reached, failed = fault(place, fail_at)
        if not reached:
            break
        if failed is not None:  # what is in the way of removing old files is left for next time
            assert failed.errno == errno.ENOSPC
            assert str(place) in str(failed)
        new = content(place)
        assert new == old or new[1]["epoch"] == 3
        shutil.rmtree(place)
        shutil.copytree(tmp_path / "kept", place)
    assert fail_at > 15
    assert content(place)[1]["epoch"] == 3
    assert len(os.listdir(place)) == 1


class Faulty:
    """A file that fails at a call."""

    def __init__(self, file, count):
        self.file, self.count = file, count

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, raw):
        self.count()
        self.file.write(raw)


def fault(place, fail_at):
    """Train for one more epoch, with a full disk at the N-th write, sync, rename or removal.

    Return whether there was an N-th, and the error.
    """
    calls = 0

    def count(path=None):
        nonlocal calls
        calls += 1
        if calls == fail_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    def counted(function):
        def called(path, *args, **kwargs):
            count(path)
            return function(path, *args, **kwargs)

        return called

    def opened(path, mode):
        count()
        return Faulty(open(path, mode), count)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(checkpoint, "open", opened, raising=False)
        for name in ("fsync", "replace", "open"):
            monkeypatch.setattr(atomic.os, name, counted(getattr(os, name)))
        try:
            train(place, resume=True, epochs=3)
        except OSError as error:
            return True, error
    return calls >= fail_at, None


def test_arguments():
    with pytest.raises(ArgumentError, match="Checkpoint: every_epochs must be"):
        Checkpoint("a", every_epochs=0)
    with pytest.raises(ArgumentError, match="Checkpoint: every_steps must be"):
        Checkpoint("a", every_steps=1.5)


def test_epochs_between_checkpoints(tmp_path, monkeypatch):
    saved = []
    save = checkpoint.save
    monkeypatch.setattr(
        checkpoint, "save", lambda *args: (saved.append(args[1].epoch), save(*args))
    )
    train(Checkpoint(tmp_path, every_epochs=2), epochs=5)
    assert saved == [2, 4, 5]


def test_a_finished_run_resumed_leaves_one_checkpoint(tmp_path):
    model, _ = train(tmp_path, epochs=2)
    last = latest(tmp_path)
    shutil.copytree(last, tmp_path / "00000000")  # a kill came before the old one was discarded
    again, _ = train(tmp_path, epochs=2, resume=True)
    assert digest(again) == digest(model)
    assert os.listdir(tmp_path) == [last.name]
