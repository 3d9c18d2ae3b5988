"""Checks of the data alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.doctor.findings import Finding, Remedy
from chainrule.doctor.patient import Patient
from chainrule.doctor.remedies import (
    BOOK,
    EFFICIENT,
    STANDARDISE,
    counted_from_zero,
    without_columns,
)
from chainrule.graph.tree import flatten
from chainrule.pages.maths import Fraction, Maths, Script, Symbol, row

# A column this many times as wide as the median column drowns it; inputs beyond this size
# saturate units whose weights were drawn for inputs of size one.
_WIDER, _LARGE = 50.0, 50.0
_LISTED = 6
_RARE, _MANY_ROWS = 0.05, 40  # share of the rarest class that is a warning, from so many rows on
_LARGE_TARGET = 30.0
_SHARED = 0.02  # share of validation rows that are training rows too

Check = Callable[[Patient], Iterator[Finding]]


def not_finite(p: Patient) -> Iterator[Finding]:
    """non-finite-data: NaN or infinity in the inputs or targets."""
    for what, tree in (("input", p.X), ("target", p.y)):
        for array in flatten(tree)[0]:
            values = np.asarray(array)
            if values.dtype.kind != "f" or np.isfinite(values).all():
                continue
            flat = values.reshape(len(values), -1)
            r, c = (int(i) for i in np.argwhere(~np.isfinite(flat))[0])
            where = f"row {r}, {p.column(c)}" if what == "input" else f"row {r} of the targets"
            count = int((~np.isfinite(flat)).sum())
            yield Finding(
                "non-finite-data", "error", where,
                f"{count} of {flat.size} numbers are not finite; the first is {flat[r, c]}.",
                "One NaN makes the loss NaN, and the loss makes every gradient NaN.",
                {"count": count, "row": r, "column": c},
                row(Symbol("L"), "=", Symbol("NaN", "upright"), "to",
                    Fraction(row("partial", Symbol("L")), row("partial", Symbol("w"))), "=",
                    Symbol("NaN", "upright")),
                (Remedy("fill or drop the row before training"),),
            )  # fmt: skip


def constant_feature(p: Patient) -> Iterator[Finding]:
    """constant-feature: a column that is the same in every row."""
    numbers = p.numbers
    if numbers is None or len(numbers) < 2:
        return
    constant = [int(i) for i in np.flatnonzero(np.ptp(numbers, axis=0) == 0)]
    if not constant:
        return
    shown = ", ".join(map(p.column, constant[:_LISTED]))
    more = f" and {len(constant) - _LISTED} more" if len(constant) > _LISTED else ""
    yield Finding(
        "constant-feature", "warning", shown + more,
        f"The same in all {len(numbers)} rows, such as {numbers[0, constant[0]]:.4g}.",
        "It tells nothing: its weight is a second bias, and its scale cannot be standardised.",
        {"columns": constant},
        remedies=(Remedy("leave it out", change=without_columns(*constant)),),
    )  # fmt: skip


def unscaled_inputs(p: Patient) -> Iterator[Finding]:
    """unscaled-inputs: columns of very different or very large scale."""
    numbers = p.numbers
    if numbers is None or len(numbers) < 2 or not np.isfinite(numbers).all():
        return
    sizes = np.sqrt(np.mean(np.square(numbers, dtype=np.float64), axis=0))
    spread = sizes[sizes > 0]
    if not spread.size:
        return
    i = int(np.argmax(sizes))
    ratio = float(sizes[i] / np.median(spread))
    if sizes[i] <= _LARGE and ratio <= _WIDER:
        return
    yield Finding(
        "unscaled-inputs", "warning", p.column(i),
        f"Its root mean square is {sizes[i]:.4g}, {ratio:.3g} times that of the median column.",
        "A weight's gradient is proportional to its input: one learning rate cannot serve columns "
        "of such different sizes, and large inputs saturate units.",
        {"column": i, "size": float(sizes[i]), "ratio": ratio},
        _gradient_equation(), (STANDARDISE,),
    )  # fmt: skip


def _gradient_equation() -> Maths:
    """Return dL/dw_ij = delta_i x_j."""
    w = Script(Symbol("w"), row(Symbol("i"), Symbol("j")))
    return row(
        Fraction(row("partial", Symbol("L")), row("partial", w)), "=",
        Script(Symbol("delta"), Symbol("i")), Script(Symbol("x"), Symbol("j")),
    )  # fmt: skip


def unscaled_target(p: Patient) -> Iterator[Finding]:
    """unscaled-target: a numeric target far from mean 0 and deviation 1."""
    y = p.y
    if not isinstance(y, np.ndarray) or y.dtype.kind != "f" or p.loss_name not in (
        "mse", "mae", "huber",
    ) or not np.isfinite(y).all():  # fmt: skip
        return
    mean, std = float(np.mean(y)), float(np.std(y))
    if max(abs(mean), std) <= _LARGE_TARGET:
        return
    yield Finding(
        "unscaled-target", "warning", "the target",
        f"Its mean is {mean:.4g}, its deviation {std:.4g}.",
        "The error, and with it every gradient, is as large as the target: the learning rate "
        "would have to be that much smaller.",
        {"mean": mean, "std": std},
        row(Script(Symbol("delta"), Symbol("z")), "=", Symbol("y", accent="hat"), "-", Symbol("y")),
        (Remedy("bring the target to mean 0 and deviation 1", EFFICIENT),),
    )  # fmt: skip


def labels_out_of_range(p: Patient) -> Iterator[Finding]:
    """labels-out-of-range: classes that the network has no output for."""
    y, outputs = p.y, p.outputs
    if not isinstance(y, np.ndarray) or y.dtype.kind not in "iu" or not p.is_classifier:
        return
    if outputs is None or outputs.ndim < 2:
        return
    k, low, high = outputs.shape[-1], int(y.min()), int(y.max())
    if low >= 0 and high < k:
        return
    bad = np.flatnonzero((y.ravel() < 0) | (y.ravel() >= k))
    counted = "; they seem to be counted from 1" if low == 1 and high == k else ""
    yield Finding(
        "labels-out-of-range", "error", f"row {int(bad[0])} of the targets",
        f"Labels go from {low} to {high}, and the network has outputs for 0 to {k - 1}{counted}.",
        "The loss picks the output of the label, and there is none.",
        {"low": low, "high": high, "classes": k},
        remedies=(
            Remedy("count the classes from 0", change=counted_from_zero) if counted
            else Remedy(f"give the network {high + 1} outputs"),
        ),
    )  # fmt: skip


def class_imbalance(p: Patient) -> Iterator[Finding]:
    """class-imbalance: a class that hardly occurs."""
    y = p.y
    if not isinstance(y, np.ndarray) or len(y) < _MANY_ROWS:
        return
    if p.is_classifier and y.dtype.kind in "iu" and y.min() >= 0:
        counts = np.bincount(y.ravel())
        counts = counts[counts > 0]
    elif p.loss_name == "binary_cross_entropy" and y.reshape(len(y), -1).shape[1] == 1:
        ones = int(np.sum(y > 0.5))
        counts = np.array([len(y) - ones, ones])
    else:
        return
    share = float(counts.min() / counts.sum())
    if len(counts) < 2 or share >= _RARE * min(1.0, 4.0 / len(counts)):
        return
    yield Finding(
        "class-imbalance", "warning", "the target",
        f"The rarest class has {100 * share:.2g} % of the rows, the most frequent "
        f"{100 * counts.max() / counts.sum():.3g} %.",
        "The gradient is a sum over rows: a network that always answers the frequent class has "
        "nearly no gradient left, and an accuracy that looks good.",
        {"share": share, "majority": float(counts.max() / counts.sum())},
        remedies=(
            Remedy("weigh the classes by their rarity (class_weight)", "King and Zeng 2001"),
            Remedy("judge by F1 or by the confusion matrix, not by accuracy"),
        ),
    )  # fmt: skip


def leak(p: Patient) -> Iterator[Finding]:
    """leak: a column that gives the target away."""
    numbers, y = p.numbers, p.y
    if numbers is None or not isinstance(y, np.ndarray) or len(y) < 20:
        return
    flat = y.reshape(len(y), -1)
    if flat.shape[1] != 1 or not np.isfinite(numbers).all():
        return
    target = flat[:, 0].astype(np.float64)
    for i in range(numbers.shape[1]):
        column = numbers[:, i].astype(np.float64)
        if _gives_away(column, target):
            yield Finding(
                "leak", "warning", p.column(i),
                "Each of its values belongs to one value of the target: the target follows from "
                "it alone.",
                "The network learns to copy a column that will not be known when it is used.",
                {"column": i},
                remedies=(Remedy("leave it out", "Kaufman et al. 2012, Leakage in data mining"),),
            )  # fmt: skip


def _gives_away(column: Any, target: Any) -> bool:
    """Return whether a column is the target in another coding, or nearly proportional to it."""
    if np.ptp(column) == 0 or np.ptp(target) == 0:
        return False
    values, codes = np.unique(column, return_inverse=True)
    classes = len(np.unique(target))
    if len(values) == classes <= min(50, len(column) // 2):
        pairs = len(np.unique(np.stack([codes.ravel(), target]), axis=1).T)
        return pairs == classes
    return classes > 20 and abs(np.corrcoef(column, target)[0, 1]) > 0.9999


def shared_rows(p: Patient) -> Iterator[Finding]:
    """shared-rows: rows that are in the training and in the validation part."""
    if p.validation is None or p.numbers is None or p.numbers.shape[1] < 2:
        return
    held = p.changed(X=p.validation[0], y=p.validation[1]).numbers
    if held is None or held.shape[1] != p.numbers.shape[1]:
        return
    known = {r.tobytes() for r in np.ascontiguousarray(p.numbers)}
    held = held.astype(p.numbers.dtype)
    share = float(np.mean([r.tobytes() in known for r in np.ascontiguousarray(held)]))
    own = 1.0 - len(known) / len(p.numbers)  # rows that the training part holds twice itself
    if share <= max(_SHARED, 2 * own):
        return
    yield Finding(
        "shared-rows", "warning", "the validation part",
        f"{100 * share:.3g} % of its rows are training rows too.",
        "The validation loss then measures memory, and early stopping stops too late.",
        {"share": share},
        remedies=(Remedy("divide the rows after duplicates are dropped", BOOK + "section 5.3"),),
    )  # fmt: skip


CHECKS: dict[str, Check] = {
    "non-finite-data": not_finite,
    "constant-feature": constant_feature,
    "unscaled-inputs": unscaled_inputs,
    "unscaled-target": unscaled_target,
    "labels-out-of-range": labels_out_of_range,
    "class-imbalance": class_imbalance,
    "leak": leak,
    "shared-rows": shared_rows,
}
