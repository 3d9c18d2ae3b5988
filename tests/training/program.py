"""A training program, for tests that run it in processes of its own.

``program.py FOLDER ENGINE [RESUME]`` trains with a checkpoint after every step, printing "ready"
before the first, and at the end a digest of the network.
"""

import hashlib
import sys

import numpy as np

from chainrule import nn, optim
from chainrule.training import Callback, Checkpoint, EarlyStopping, Interrupted, fit


class Ready(Callback):
    def on_start(self, state):
        sys.stdout.write(f"ready {state.step}\n")
        sys.stdout.flush()


class StopAt(Callback):
    """Raises after a step, as a crash would, or Ctrl-C."""

    def __init__(self, step, error=ZeroDivisionError):
        self.step, self.error = step, error

    def on_step_end(self, state):
        if state.step == self.step:
            raise self.error


def data():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(96, 6))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int), rng.uniform(0, 2, 96)


def network():
    return nn.Sequential(
        nn.Linear(6, 16, rng=0), nn.BatchNorm(16), "relu", nn.Dropout(0.2), nn.Linear(16, 2, rng=1)
    )


def digest(model):
    total = hashlib.sha256()
    for arrays in (nn.named_parameters(model), nn.named_buffers(model)):
        for name, array in arrays.items():
            total.update(name.encode() + array.tobytes())
    return total.hexdigest()


def train(checkpoint=None, resume=False, epochs=30, callbacks=(), **options):
    X, y, weight = data()
    settings = {
        "loss": nn.cross_entropy,
        "optimizer": optim.Adam(lr=0.01),
        "batch_size": 16,
        "seed": 3,
        "validation": (X[:32], y[:32]),
        "schedule": optim.Cosine(200),
        "clip_norm": 1.0,
        "early_stopping": EarlyStopping(patience=100),
        "sample_weight": weight,
    }
    return fit(
        network(), (X, y), checkpoint=checkpoint, resume=resume, epochs=epochs,
        callbacks=callbacks, **(settings | options),
    )  # fmt: skip


if __name__ == "__main__":
    folder, engine, *rest = sys.argv[1:]
    place = Checkpoint(folder, every_steps=1) if folder else None
    try:
        model, _ = train(place, resume=bool(rest), callbacks=[Ready()], engine=engine)
    except Interrupted as stop:
        sys.stderr.write(f"{stop}\n")
        sys.exit(130)
    sys.stdout.write(f"{digest(model)}\n")
