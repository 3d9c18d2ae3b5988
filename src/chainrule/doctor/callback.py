"""`Doctor`: a callback of `fit` that watches the layers and is quiet unless something is wrong."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainrule.constraints import COUNT, check
from chainrule.doctor import state_checks
from chainrule.doctor.findings import Finding
from chainrule.doctor.health import HEALTH, Health, load_health, save_health
from chainrule.doctor.patient import Patient, Reading, some_rows
from chainrule.training import Callback, State

WATCHED = 128  # rows of the probe
_CHECKS = (
    "failed-forward", "dead-relu", "saturation", "vanishing-gradient", "exploding-gradient",
    "logits-blow-up",
)  # fmt: skip


class DoctorWarning(UserWarning):
    """Something that a `Doctor` saw during training."""


class Doctor(Callback):
    """Look at a network after each epoch, and warn once of each thing that is wrong.

    It reads and changes nothing: training takes the same steps with it and without.

    Parameters
    ----------
    data : tuple ``(X, y)``
        The training data, or any like it; up to 128 rows are looked at.
    loss : callable
        The loss of training.
    folder : path-like, optional
        Where ``health.csv`` is kept up to date. A resumed run goes on with it.
    every : int >= 1
        After how many epochs it looks again.
    warn : bool
        Whether to warn.

    Attributes
    ----------
    findings : list of Finding
        What it warned of in the latest training.
    health : list of Health
        A record for each layer and epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, optim, training
    >>> X, y = np.linspace(-1, 1, 64)[:, None], np.linspace(-2, 2, 64)[:, None]
    >>> doctor = Doctor((X, y), nn.mse)
    >>> _ = training.fit(
    ...     nn.Linear(1, 1, rng=0), (X, y), loss=nn.mse, optimizer=optim.SGD(lr=0.1), epochs=2,
    ...     callbacks=[doctor],
    ... )
    >>> [record.epoch for record in doctor.health], doctor.findings
    ([0, 1, 2], [])
    """

    def __init__(
        self,
        data: tuple[Any, Any],
        loss: Callable[..., Any],
        *,
        folder: str | os.PathLike[str] | None = None,
        every: int = 1,
        warn: bool = True,
    ) -> None:
        check("Doctor", {"every": COUNT}, {"every": every})
        X, y = data
        self.X, self.y = some_rows((X, y), WATCHED)
        self.loss, self.every, self.warn = loss, every, warn
        self.path = None if folder is None else Path(folder) / HEALTH
        self.findings: list[Finding] = []
        self.health: list[Health] = []

    def on_start(self, state: State) -> None:
        """Look at the network as it begins, or go on where a resumed run left off."""
        self.findings = []
        known = [] if self.path is None else load_health(self.path)
        self.health = [record for record in known if record.epoch <= state.epoch]
        if not state.epoch or not self.health:
            self.health = []
            self._look(state)

    def on_epoch_end(self, state: State) -> bool | None:
        """Look at the network, warn of what is new, and never ask to stop."""
        if state.epoch % self.every and state.epoch < state.epochs:
            return None
        patient = self._look(state)
        for code in _CHECKS:
            for finding in state_checks.CHECKS[code](patient):
                self._note(finding, state.epoch)
        return None

    def _look(self, state: State) -> Patient:
        patient = Patient(state.model, self.X, self.y, self.loss)
        self.health += [
            Health.of(state.epoch, reading, self._ratio(state, reading))
            for reading in patient.readings
        ]
        if self.path is not None:
            save_health(self.path, self.health)
        return patient

    @staticmethod
    def _ratio(state: State, reading: Reading) -> float:
        """Return how much a gradient step changes a layer's weights, relative to their size.

        It follows from what a checkpoint keeps, so that a resumed run leaves the same record.
        """
        if not reading.weight_norm or not len(state.history):
            return float("nan")
        return state.history[-1].lr * reading.gradient_norm / reading.weight_norm

    def _note(self, finding: Finding, epoch: int) -> None:
        if any(f.code == finding.code and f.where == finding.where for f in self.findings):
            return
        self.findings.append(finding)
        if self.warn:
            warnings.warn(f"after epoch {epoch}: {finding}", DoctorWarning, stacklevel=2)
