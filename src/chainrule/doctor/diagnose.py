"""`diagnose`: every check on a network, its data and its training, and remedies tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.doctor import course_checks, data_checks, state_checks
from chainrule.doctor.data_checks import Check
from chainrule.doctor.findings import Attempt, Diagnosis, Finding
from chainrule.doctor.patient import Patient
from chainrule.errors import ArgumentError, ChainruleError
from chainrule.optim import FullBatch, Optimizer
from chainrule.training import History

CHECKS: dict[str, Check] = {**data_checks.CHECKS, **state_checks.CHECKS, **course_checks.CHECKS}
# Where the first is found, the others follow from it and would only repeat it.
_FOLLOWS = {
    "non-finite-data": ("lr-too-large", "non-finite-loss", "failed-step", "exploding-gradient"),
    "non-finite-parameters": ("lr-too-large", "non-finite-loss", "exploding-gradient"),
    "labels-out-of-range": ("failed-forward", "failed-step", "no-gradient", "non-finite-loss"),
    "failed-forward": ("failed-step",),
    "non-finite-loss": ("lr-too-large", "exploding-gradient"),
    "symmetry": ("vanishing-gradient",),
}


def diagnose(
    model: Any,
    data: tuple[Any, Any],
    *,
    loss: Callable[..., Any] | None = None,
    optimizer: Optimizer | FullBatch | None = None,
    validation: tuple[Any, Any] | None = None,
    history: History | None = None,
    names: Sequence[str] = (),
    batch_size: int = 32,
    seed: int = 0,
    try_fixes: bool = False,
) -> Diagnosis:
    """Examine a network, its data and, with an optimizer, a short course of training.

    Nothing that is given is changed: training is tried on copies.

    Parameters
    ----------
    model : Module
        Untrained or trained.
    data : tuple ``(X, y)``
        Trees of arrays whose first axes count the rows.
    loss : callable, optional
        As for `chainrule.training.fit`. By default what the targets suggest, as the notes say.
    optimizer : Optimizer, optional
        With it a few epochs are trained on up to 512 rows of a copy.
    validation : tuple ``(X, y)``, optional
        Rows that are not trained on.
    history : History, optional
        Of the training that there was.
    names : sequence of str
        Of the numeric columns.
    batch_size : int
    seed : int
    try_fixes : bool
        Whether remedies are tried: the same short course with and without each. It needs an
        optimizer.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ArgumentError
        If remedies are to be tried without an optimizer, the optimizer is a full-batch one, or
        no loss follows from the targets.

    Examples
    --------
    >>> from chainrule import nn
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 2)) * [1.0, 1e4]
    >>> diagnosis = diagnose(nn.Linear(2, 2, rng=0), (X, (X[:, 0] > 0).astype(int)))
    >>> "unscaled-inputs" in diagnosis.codes
    True
    """
    if try_fixes and optimizer is None:
        raise ArgumentError("diagnose: try_fixes=True trains copies, so that optimizer= is needed")
    if isinstance(optimizer, FullBatch):
        raise ArgumentError(
            f"diagnose: a course on mini-batches is watched, which {type(optimizer).__name__} "
            "does not take: give an optimizer such as Adam, or none"
        )
    notes: list[str] = []
    X, y = data
    if loss is None:
        loss = _suggested(y)
        notes.append(f"No loss was given; {getattr(loss, '__name__', loss)} was taken.")
    patient = Patient(
        model, X, y, loss, optimizer, validation, history, tuple(names), batch_size, seed
    )
    if optimizer is None:
        notes.append("No optimizer was given, so that no course of training was watched.")
    checks = _possible(patient)
    findings = _without_repeats([f for check in checks.values() for f in check(patient)])
    if try_fixes:
        findings = [f.with_trials(tried(patient, f)) for f in findings]
    return Diagnosis(findings, list(checks), notes)


def _suggested(y: Any) -> Callable[..., Any]:
    """Return the loss that targets suggest.

    Raises
    ------
    ArgumentError
        If they suggest none.
    """
    array = np.asarray(y) if not isinstance(y, dict) else None
    if array is None:
        raise ArgumentError("diagnose: the targets are a tree, so that loss= is needed")
    if array.dtype.kind in "iu" and array.ndim == 1:
        return nn.cross_entropy
    if array.dtype.kind in "iub" or set(np.unique(array)) <= {0.0, 1.0}:
        return nn.binary_cross_entropy
    return nn.mse


def _possible(p: Patient) -> dict[str, Check]:
    """Return the checks that have something to look at."""
    blind = {
        "shared-rows": p.validation is None,
        **dict.fromkeys(state_checks.OF_A_PASS, p.account is None),
        **dict.fromkeys(course_checks.OF_A_COURSE, p.course is None),
        **dict.fromkeys(course_checks.OF_TWO_CURVES, not course_checks.curves(p)[1]),
    }
    return {code: check for code, check in CHECKS.items() if not blind.get(code)}


def _without_repeats(findings: Sequence[Finding]) -> list[Finding]:
    codes = {finding.code for finding in findings}
    hidden = {code for first, later in _FOLLOWS.items() if first in codes for code in later}
    return [finding for finding in findings if finding.code not in hidden]


def tried(patient: Patient, finding: Finding) -> list[Attempt]:
    """Return what came of trying the remedies of a finding on copies."""
    measure = "training loss" if patient.validation is None else "best validation loss"
    before = _score(patient)
    found = []
    for remedy in finding.remedies:
        if remedy.change is None:
            continue
        try:
            after = _score(remedy.change(patient))
        except ChainruleError:
            continue
        found.append(Attempt(remedy.text, before, after, measure))
    return found


def _score(patient: Patient) -> float:
    """Return the loss after a short course, of the validation part if there is one."""
    seen = patient.course
    if seen is None or seen.failure or not np.isfinite(seen.losses[-1]):
        return float("inf")
    if patient.validation is not None:
        return min(seen.validation, default=float("inf"))
    return seen.losses[-1]
