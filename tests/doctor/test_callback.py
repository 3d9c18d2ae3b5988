"""The doctor as a callback: it watches, keeps a record, and changes nothing."""

import signal
import warnings

import numpy as np
import pytest
from test_planted_faults import classes, mlp

from chainrule import nn, optim
from chainrule.doctor import Doctor, DoctorWarning, Health, load_health, save_health
from chainrule.errors import FileFormatError
from chainrule.training import Callback, fit

X, Y = classes()


def trained(model, epochs=4, **options):
    return fit(
        model, (X, Y), loss=nn.cross_entropy, optimizer=optim.Adam(lr=0.01), epochs=epochs,
        **options,
    )  # fmt: skip


@pytest.mark.parametrize("engine", ["eager", "numpy"])
def test_training_takes_the_same_steps_with_it_and_without(engine, tmp_path):
    doctor = Doctor((X, Y), nn.cross_entropy, folder=tmp_path)
    watched, _ = trained(mlp(4, 16, 3), callbacks=[doctor], engine=engine)
    alone, _ = trained(mlp(4, 16, 3), engine=engine)
    for name, p in nn.named_parameters(alone).items():
        np.testing.assert_array_equal(p, nn.named_parameters(watched)[name])
    assert not doctor.findings


def test_a_record_for_each_layer_and_epoch(tmp_path):
    doctor = Doctor((X, Y), nn.cross_entropy, folder=tmp_path, every=2)
    trained(mlp(4, 16, 3), callbacks=[doctor])
    records = load_health(tmp_path / "health.csv")
    assert [(r.epoch, r.layer) for r in records] == [
        (e, layer) for e in (0, 2, 4) for layer in ("0", "2")
    ]
    assert all(0 < r.update_ratio < 1 for r in records if r.epoch)
    assert all(np.isfinite(r.gradient_norm) for r in records)


def test_it_warns_once_of_what_is_wrong():
    model = mlp(4, 16, 16, 3, bias=-10.0)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        trained(model, callbacks=[Doctor((X, Y), nn.cross_entropy)])
    found = [w for w in seen if "dead-relu in layer 0" in str(w.message)]
    assert [w.category for w in found] == [DoctorWarning]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet = Doctor((X, Y), nn.cross_entropy, warn=False)
        trained(mlp(4, 16, 16, 3, bias=-10.0), callbacks=[quiet])
    assert "dead-relu" in {f.code for f in quiet.findings}


def test_it_says_that_it_cannot_watch():
    with pytest.warns(DoctorWarning, match="failed-forward"):
        trained(mlp(4, 16, 3), callbacks=[Doctor((X, Y[:5]), nn.cross_entropy)])


def test_a_second_training_is_watched_as_the_first():
    doctor = Doctor((X, Y), nn.cross_entropy)
    for _ in range(2):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            trained(mlp(4, 16, 16, 3, bias=-10.0), callbacks=[doctor])
        assert [w.category for w in seen] == [DoctorWarning] * len(doctor.findings) != []
    trained(mlp(4, 16, 3), callbacks=[doctor])
    assert not doctor.findings


class CtrlC(Callback):
    def __init__(self, event):
        setattr(self, event, self.press)

    def press(self, state):
        last = state.batch in (0, state.steps_per_epoch)
        if state.epoch in (1, 2) and last:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("event", ["on_epoch_end", "on_progress"])
def test_a_resumed_run_leaves_the_same_record(event, tmp_path):
    whole, part = tmp_path / "whole", tmp_path / "part"
    for folder in (whole, part):
        folder.mkdir()

    def watched(folder):
        return Doctor((X, Y), nn.cross_entropy, folder=folder)

    trained(mlp(4, 16, 3), epochs=5, callbacks=[watched(whole)], checkpoint=whole / "c")
    callbacks = [CtrlC(event), watched(part)]
    with pytest.raises(KeyboardInterrupt):
        trained(mlp(4, 16, 3), epochs=5, callbacks=callbacks, checkpoint=part / "c")
    trained(mlp(4, 16, 3), epochs=5, callbacks=[watched(part)], checkpoint=part / "c", resume=True)
    assert (whole / "health.csv").read_bytes() == (part / "health.csv").read_bytes()


def test_files(tmp_path):
    record = Health(3, "0, with a comma", 1.0, 0.5, float("nan"), 0.25, 1e-9, 2.0)
    save_health(tmp_path / "h.csv", [record])
    assert repr(load_health(tmp_path / "h.csv")) == repr([record])
    assert load_health(tmp_path / "none.csv") == []
    (tmp_path / "h.csv").write_text("a,b\n1,2\n")
    with pytest.raises(FileFormatError, match="no record"):
        load_health(tmp_path / "h.csv")
