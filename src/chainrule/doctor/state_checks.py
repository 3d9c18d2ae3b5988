"""Checks of a network as it is, on a batch of its data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.doctor.data_checks import Check
from chainrule.doctor.findings import Finding, Remedy
from chainrule.doctor.patient import Patient, Reading
from chainrule.doctor.remedies import (
    BOOK,
    CLIP,
    FRESH,
    LOWER,
    RELU,
    SKIP,
    STANDARDISE,
    without_output_activation,
)
from chainrule.pages.maths import Fenced, Maths, Number, Script, Sign, Symbol, Words, row

# Deltas that shrink or grow by this factor over the depth; four layers of sigmoids at their best,
# 0.25 each, shrink them by 256.
_VANISHED, _EXPLODED = 1e-3, 1e3
_DEAD, _SATURATED = 0.5, 0.5
_GROWN = 50.0  # ratio of the deviations of the last and the first hidden layer's outputs
_LOGITS = 60.0  # exp(-60) is below what float32 can add to 1
_LOSS_ABOVE = 2.0  # initial loss above log K, in nats


def parameters_not_finite(p: Patient) -> Iterator[Finding]:
    """non-finite-parameters: weights that are NaN or infinite."""
    for name, array in nn.named_parameters(p.model).items():
        if not np.isfinite(array).all():
            yield Finding(
                "non-finite-parameters", "error", name,
                f"{int((~np.isfinite(array)).sum())} of its {array.size} numbers are not finite.",
                "No step can bring them back.",
                remedies=(LOWER, CLIP),
            )  # fmt: skip


def failed_forward(p: Patient) -> Iterator[Finding]:
    """failed-forward: a network or a loss that raises."""
    if p.failure:
        yield Finding(
            "failed-forward", "error", "the network or the loss", p.failure,
            "Without outputs and a loss there is no gradient, and nothing can be learnt.",
        )  # fmt: skip


def non_finite_loss(p: Patient) -> Iterator[Finding]:
    """non-finite-loss: a loss that is NaN or infinite before anything was learnt."""
    if p.account is None or np.isfinite(p.account.loss.value):
        return
    seen = p.course.failure if p.course is not None and p.course.failure else (
        f"The loss of the probe is {p.account.loss.value}."
    )  # fmt: skip
    yield Finding(
        "non-finite-loss", "error", "the loss", seen,
        "Every gradient of a loss that is no number is no number either.",
        remedies=(Remedy("take losses from scores (cross_entropy), never logs of probabilities",
                         BOOK + "section 4.1"),),
    )  # fmt: skip


def initial_loss(p: Patient) -> Iterator[Finding]:
    """initial-loss: an untrained classifier that is sure of itself."""
    if p.trained or p.account is None or p.loss_name not in (
        "cross_entropy", "binary_cross_entropy",
    ):  # fmt: skip
        return
    outputs = p.outputs
    if outputs is None:
        return
    k = outputs.shape[-1] if p.loss_name == "cross_entropy" else 2
    loss, expected = float(p.account.loss.value), float(np.log(k))
    if not loss > expected + _LOSS_ABOVE:
        return
    yield Finding(
        "initial-loss", "warning", "the first step",
        f"The loss is {loss:.4g}, and that of equal probabilities would be log {k} = "
        f"{expected:.3g}.",
        "The network begins sure of wrong answers, and spends its first steps on unlearning them.",
        {"loss": loss, "expected": expected},
        row(Script(Symbol("L"), Number("0")), "approx", Words("log"), Symbol("K")),
        (FRESH, STANDARDISE) if p.numbers is not None else (FRESH,),
    )  # fmt: skip


def dead_relu(p: Patient) -> Iterator[Finding]:
    """dead-relu: units that are zero for every row."""
    for reading in p.readings:
        if reading.dead > _DEAD:
            yield Finding(
                "dead-relu", "warning", f"layer {reading.layer}",
                f"{100 * reading.dead:.0f} % of its units are zero for every row.",
                "A unit that is never positive has no gradient and never learns.",
                {"share": reading.dead},
                row(Words("ReLU"), "prime", Fenced(Symbol("z")), "=", Number("0"),
                    Words(" for "), Symbol("z"), "leq", Number("0")),
                (FRESH, LOWER, Remedy("use leaky ReLU", "Maas, Hannun and Ng 2013")),
            )  # fmt: skip


def saturation(p: Patient) -> Iterator[Finding]:
    """saturation: sigmoid or tanh units at their limits."""
    for reading in p.readings:
        if reading.saturated > _SATURATED:
            yield Finding(
                "saturation", "warning", f"layer {reading.layer}",
                f"{100 * reading.saturated:.0f} % of the {reading.activation} outputs are within "
                "0.02 of a limit.",
                "There the slope is nearly zero, and so is every gradient that passes through.",
                {"share": reading.saturated}, _slope(reading.activation),
                (FRESH, STANDARDISE) if p.numbers is not None else (FRESH,),
            )  # fmt: skip


def _slope(activation: str) -> Maths:
    a = Symbol("a")
    if activation == "sigmoid":
        return row(Symbol("sigma"), "prime", "=", a, Fenced(row(Number("1"), "-", a)))
    return row(Words("tanh"), "prime", "=", Number("1"), "-", Script(a, None, Number("2")))


def _deltas(p: Patient) -> list[Reading]:
    return [r for r in p.readings if np.isfinite(r.delta)]


def _recursion() -> Maths:
    """Return delta[l] = (W[l+1]' delta[l+1]) * g'(z[l])."""
    after = Fenced(row(Symbol("l"), "+", Number("1")), "[]")
    here = Fenced(Symbol("l"), "[]")
    weight = Script(Script(Symbol("W", "bold"), None, after), None, Sign("transpose"))
    slope = row(Symbol("g"), "prime", Fenced(Script(Symbol("z", "bold"), None, here)))
    delta = Symbol("delta", "bold")
    fed = row(weight, Script(delta, None, after))
    return row(Script(delta, None, here), "=", fed, "hadamard", slope)


def vanishing_gradient(p: Patient) -> Iterator[Finding]:
    """vanishing-gradient: deltas that fade on the way back."""
    found = _deltas(p)
    if len(found) < 3 or found[-1].delta == 0:
        return
    top = found[-1].delta
    faded = [r for r in found if r.delta < _VANISHED * top]
    if not faded or any(r.dead > _DEAD for r in p.readings):
        return
    begins = faded[-1]
    yield Finding(
        "vanishing-gradient", "warning", f"layer {begins.layer}",
        f"The delta of layer {found[0].layer} is {found[0].delta / top:.1e} times that of the last "
        f"layer; below layer {begins.layer} it is under a thousandth.",
        "Each layer multiplies the delta by its weights and by the activation's slope; factors "
        "below one, one after another, leave the first layers without a gradient.",
        {"ratio": found[0].delta / top, "layers": [r.layer for r in faded]}, _recursion(),
        (RELU, FRESH, SKIP),
    )  # fmt: skip


def exploding_gradient(p: Patient) -> Iterator[Finding]:
    """exploding-gradient: deltas that grow on the way back."""
    found = p.readings
    if len(found) < 3 or not found[-1].delta > 0:
        return
    top = found[-1].delta
    grown = [r for r in found if not r.delta <= _EXPLODED * top]
    if not grown:
        return
    begins = grown[-1]
    yield Finding(
        "exploding-gradient", "warning", f"layer {begins.layer}",
        f"The delta of layer {found[0].layer} is {found[0].delta / top:.1e} times that of the last "
        f"layer; from layer {begins.layer} on it is over a thousand times.",
        "Each layer multiplies the delta by its weights; factors above one, one after another, "
        "make a step that throws the first layers anywhere.",
        {"ratio": found[0].delta / top}, _recursion(), (FRESH, CLIP, LOWER),
    )  # fmt: skip


def activation_scale(p: Patient) -> Iterator[Finding]:
    """activation-scale: outputs that grow or fade from layer to layer."""
    hidden = p.readings[:-1]
    if len(hidden) < 2 or not hidden[0].std > 0:
        return
    ratio = hidden[-1].std / hidden[0].std
    if not np.isfinite(ratio) or 1 / _GROWN <= ratio <= _GROWN:
        return
    verb = "grow" if ratio > 1 else "fade"
    yield Finding(
        "activation-scale", "warning", f"layer {hidden[-1].layer}",
        f"The deviation of its outputs is {ratio:.2g} times that of layer {hidden[0].layer}.",
        f"Outputs that {verb} with depth take the gradients with them.",
        {"ratio": ratio},
        row(Words("Var"), Script(Symbol("W"), row(Symbol("i"), Symbol("j"))), "approx",
            Number("2"), "/", Symbol("n")),
        (FRESH, Remedy("normalise each layer (LayerNorm, BatchNorm)", "Ioffe and Szegedy 2015")),
    )  # fmt: skip


def logits_blow_up(p: Patient) -> Iterator[Finding]:
    """logits-blow-up: scores beyond what probabilities can tell apart."""
    outputs = p.outputs
    if outputs is None or p.loss_name not in ("cross_entropy", "binary_cross_entropy"):
        return
    largest = float(np.max(np.abs(outputs), initial=0.0))
    if not largest > _LOGITS:
        return
    yield Finding(
        "logits-blow-up", "warning", "the outputs",
        f"The largest score is {largest:.4g}: probabilities are 0 or 1 to the last digit.",
        "An answer that is wrong costs as many nats as its score, and its gradient stays 1; one "
        "that is right has none.",
        {"largest": largest},
        row(Fenced(row("partial", Symbol("L"))), "/", Fenced(row("partial", Symbol("z"))), "=",
            Symbol("y", accent="hat"), "-", Symbol("y")),
        (FRESH, LOWER, Remedy("smooth the labels", "Szegedy et al. 2016, section 7")),
    )  # fmt: skip


def symmetry(p: Patient) -> Iterator[Finding]:
    """symmetry: units of a layer that are all the same."""
    for layer in p.layers:
        weight = np.asarray(layer.weight.value)
        units = weight if layer.transposed != layer.weight_first else weight.T
        if weight.ndim != 2 or len(units) < 2 or not np.all(units == units[:1]):
            continue
        if layer is p.layers[-1] and not np.any(weight):
            continue  # zeros in the last layer alone are a usual start
        yield Finding(
            "symmetry", "warning", layer.weight.name,
            f"All its {len(units)} units have the same weights.",
            "Equal units have equal gradients and stay equal: the layer is one unit, repeated.",
            {"units": len(units)},
            remedies=(FRESH,),
        )  # fmt: skip
        return


def linear_layers(p: Patient) -> Iterator[Finding]:
    """linear-layers: two layers with no activation between them."""
    for before, after in pairwise(p.layers):
        if after.x is before.z and before.a is before.z:
            yield Finding(
                "linear-layers", "warning", f"{before.weight.name} and {after.weight.name}",
                "The second takes the first one's weighted sums, with no activation between.",
                "Two linear maps in a row are one.",
                {},
                row(Symbol("V"), Fenced(row(Symbol("W"), Symbol("x"))), "=",
                    Fenced(row(Symbol("V"), Symbol("W"))), Symbol("x")),
                (Remedy("put an activation between them", BOOK + "section 6.1"),),
            )  # fmt: skip


def no_gradient(p: Patient) -> Iterator[Finding]:
    """no-gradient: a parameter on which the loss does not depend."""
    if p.account is None or not np.isfinite(p.account.loss.value):
        return
    reached = {v.name.partition(".")[2] for v in p.account.wanted}
    for name in nn.named_parameters(p.model):
        if name not in reached and nn.named_parameters(p.model)[name].size:
            yield Finding(
                "no-gradient", "warning", name,
                "The loss does not depend on it.",
                "It is never trained: the network does not use it, or something cuts the gradient.",
                remedies=(Remedy("use it in forward, or leave it out"),),
            )  # fmt: skip


def softmax_twice(p: Patient) -> Iterator[Finding]:
    """softmax-twice: probabilities given to a loss that takes scores."""
    outputs = p.outputs
    if outputs is None or not outputs.size:
        return
    inside = bool(np.all((outputs >= 0) & (outputs <= 1)))
    if p.loss_name == "cross_entropy" and outputs.ndim > 1:
        twice = inside and bool(np.allclose(outputs.sum(axis=-1), 1.0, atol=1e-4))
        kind = "softmax"
    elif p.loss_name == "binary_cross_entropy":
        twice = inside and _ends_in_sigmoid(p)
        kind = "sigmoid"
    else:
        return
    if twice:
        yield Finding(
            "softmax-twice", "error", "the last layer",
            f"The outputs are probabilities, and {p.loss_name} applies a {kind} of its own.",
            f"A second {kind} flattens everything: even a right answer keeps a large loss.",
            {},
            row(Words(kind), Fenced(row(Words(kind), Fenced(Symbol("z"))))),
            (Remedy(f"leave the {kind} out of the network", change=without_output_activation),),
        )  # fmt: skip


def _ends_in_sigmoid(p: Patient) -> bool:
    last: Any = p.account.loss if p.account is not None else None
    while last is not None and last.inputs:
        if last.op is not None and last.op.name == "sigmoid":
            return True
        if last.op is not None and last.op.name in ("matmul", "relu", "tanh"):
            return False
        last = last.inputs[0]
    return False


OF_A_PASS: dict[str, Check] = {
    "non-finite-loss": non_finite_loss,
    "initial-loss": initial_loss,
    "dead-relu": dead_relu,
    "saturation": saturation,
    "vanishing-gradient": vanishing_gradient,
    "exploding-gradient": exploding_gradient,
    "activation-scale": activation_scale,
    "logits-blow-up": logits_blow_up,
    "symmetry": symmetry,
    "linear-layers": linear_layers,
    "no-gradient": no_gradient,
    "softmax-twice": softmax_twice,
}
CHECKS: dict[str, Check] = {
    "failed-forward": failed_forward,
    "non-finite-parameters": parameters_not_finite,
    **OF_A_PASS,
}
