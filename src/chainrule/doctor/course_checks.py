"""Checks of a course of training: a short one on a copy, or the history of a whole one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.doctor.data_checks import Check
from chainrule.doctor.findings import Finding, Remedy
from chainrule.doctor.patient import Patient
from chainrule.doctor.remedies import BOOK, CLIP, HIGHER, LOWER, MUCH_HIGHER, MUCH_LOWER, decayed
from chainrule.pages.maths import Maths, Symbol, row

_WORSE = 1.5  # times the first loss
_LEAP = 0.5  # size of an update relative to its weight, if the loss rises above the first
_STILL, _TINY = 0.005, 1e-5  # relative fall of the loss; size of an update relative to its weight
_LEAST = 60  # rows from which a gap to the validation part says something


def _step() -> Maths:
    """Return w <- w - lr dL/dw."""
    w = Symbol("w")
    return row(w, "from", w, "-", Symbol("eta"), "thin", Symbol("nabla L", "upright"))


def lr_too_large(p: Patient) -> Iterator[Finding]:
    """lr-too-large: a loss that rises or leaves the numbers."""
    course = p.course
    if course is None or not course.losses or not np.isfinite(course.losses[0]):
        return
    first, last = course.losses[0], course.losses[-1]
    rose = len(course.losses) > 1 and not last <= _WORSE * max(first, 1e-12)
    leaps = course.update_ratio > _LEAP and not np.max(course.losses) <= first
    if not (course.diverged or rose or leaps):
        return
    seen = (
        f"Training stopped: {course.failure}." if course.diverged
        else f"The loss went from {first:.4g} to {last:.4g}." if rose
        else f"One update changes weights by {course.update_ratio:.2g} times their size."
    )  # fmt: skip
    lr = course.lr
    yield Finding(
        "lr-too-large", "error", f"lr={lr:g}", seen,
        "A step that is longer than the valley is wide lands higher on the other side.",
        {"first": first, "last": float(last), "lr": lr}, _step(), (LOWER, MUCH_LOWER, CLIP),
    )  # fmt: skip


def lr_too_small(p: Patient) -> Iterator[Finding]:
    """lr-too-small: updates too small to change anything."""
    course = p.course
    if course is None or len(course.losses) < 2 or course.failure or p.trained:
        return  # a network that has been trained may have converged
    first, last = course.losses[0], course.losses[-1]
    if not (course.update_ratio < _TINY and abs(first - last) < _STILL * abs(first)):
        return
    lr = course.lr
    yield Finding(
        "lr-too-small", "warning", f"lr={lr:g}",
        f"An update changes weights by {course.update_ratio:.1e} of their size; the loss went from "
        f"{first:.6g} to {last:.6g}.",
        "About a thousandth is usual; at this rate training would take forever.",
        {"update_ratio": course.update_ratio, "lr": lr}, _step(), (HIGHER, MUCH_HIGHER),
    )  # fmt: skip


def failed(p: Patient) -> Iterator[Finding]:
    """failed-step: a step of training that raises."""
    course = p.course
    if course is not None and course.failure and not course.diverged:
        yield Finding("failed-step", "error", "training", course.failure, "Nothing can be learnt.")


def curves(p: Patient) -> tuple[list[float], list[float]]:
    """Return training and validation losses, of the history or of the short course."""
    if p.history is not None and len(p.history) > 1:
        columns = p.history.columns()
        outside = [x for x in columns.get("validation_loss", []) if x is not None]
        return columns["loss"], outside
    return (p.course.losses, p.course.validation) if p.course is not None else ([], [])


def overfitting(p: Patient) -> Iterator[Finding]:
    """overfitting: a validation loss that rises while the training loss falls."""
    inside, outside = curves(p)
    stopped = p.history is not None and p.history.best_epoch is not None
    if len(outside) < 3 or len(inside) < 3 or stopped:  # the best epoch's weights are kept then
        return
    best = int(np.argmin(outside))
    fell = inside[-1] < 0.7 * inside[best] or inside[-1] < 0.3 * outside[-1]
    if best >= len(outside) - 2 or not outside[-1] > 1.15 * outside[best] or not fell:
        return
    yield Finding(
        "overfitting", "warning", f"after epoch {best + (p.history is not None)}",
        f"The validation loss was {outside[best]:.4g} then and is {outside[-1]:.4g} now, while the "
        f"training loss went from {inside[min(best, len(inside) - 1)]:.4g} to {inside[-1]:.4g}.",
        "The network learns its rows by heart.",
        {"best": best, "validation": outside[-1], "training": inside[-1]},
        remedies=(
            Remedy("stop early", BOOK + "section 7.8"),
            Remedy("decay the weights", BOOK + "section 7.1", decayed),
            Remedy("add dropout", "Srivastava et al. 2014"),
        ),
    )  # fmt: skip


def no_signal(p: Patient) -> Iterator[Finding]:
    """no-signal: what is learnt says nothing of other rows, as if the labels were shuffled."""
    inside, outside = curves(p)
    if len(outside) < 3 or p.validation is None or len(p) < _LEAST:
        return
    constant = _constant_loss(p)
    if constant is None or not min(outside) >= 0.97 * constant or not inside[-1] < 0.9 * constant:
        return
    yield Finding(
        "no-signal", "warning", "the target",
        f"The training loss fell to {inside[-1]:.4g}, and the best validation loss, "
        f"{min(outside):.4g}, is no better than {constant:.4g}, that of the same answer for all.",
        "Inputs and targets seem to have nothing to do with each other: are their rows in the same "
        "order?",
        {"training": inside[-1], "validation": min(outside), "constant": constant},
        remedies=(Remedy("check that inputs and targets were not shuffled apart"),),
    )  # fmt: skip


def _constant_loss(p: Patient) -> float | None:
    """Return the validation loss of the best answer that is the same for every row."""
    assert p.validation is not None
    y = np.asarray(p.y)
    held = np.asarray(p.validation[1])
    if p.loss_name in ("cross_entropy", "nll") and y.dtype.kind in "iu":
        k = int(max(y.max(), held.max())) + 1
        shares = np.bincount(y.ravel(), minlength=k) / y.size
        return float(-np.mean(np.log(np.maximum(shares[held.ravel()], 1e-12))))
    if p.loss_name == "binary_cross_entropy":
        share = np.clip(np.mean(y, axis=0), 1e-12, 1 - 1e-12)
        return float(-np.mean(held * np.log(share) + (1 - held) * np.log(1 - share)))
    if p.loss_name == "mse":
        return float(np.mean((held - y.mean(axis=0)) ** 2))
    return None


OF_A_COURSE: dict[str, Check] = {
    "lr-too-large": lr_too_large,
    "lr-too-small": lr_too_small,
    "failed-step": failed,
}
OF_TWO_CURVES: dict[str, Check] = {"overfitting": overfitting, "no-signal": no_signal}
CHECKS = {**OF_A_COURSE, **OF_TWO_CURVES}
