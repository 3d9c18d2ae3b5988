"""The suite of optimizers turns red for every kind of broken rule."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest

from chainrule.constraints import FRACTION, POSITIVE
from chainrule.errors import UnsupportedError
from chainrule.graph import Tensor
from chainrule.optim import EMA, SGD, Optimizer
from chainrule.testing import ConformanceError, check_optimizer


@dataclass(frozen=True)
class Momentum(Optimizer):
    momentum: float = 0.5
    allowed: ClassVar[Any] = {"lr": POSITIVE, "momentum": FRACTION}

    def start(self, p):
        return {"velocity": np.zeros_like(p)}

    def rule(self, p, g, slots, step, lr):
        velocity = self.momentum * slots["velocity"] + g
        return p - lr * velocity, {"velocity": velocity}


def test_a_right_rule_passes_alone_and_wrapped():
    check_optimizer(Momentum(lr=0.05), engines=["numpy"])
    check_optimizer(EMA(Momentum(lr=0.05), decay=0.5), engines=["numpy"])


def refused(cls, message):
    with pytest.raises(ConformanceError, match=message):
        check_optimizer(cls(lr=0.05), engines=["numpy"])


def test_ascent_is_found():
    class Up(Momentum):
        def rule(self, p, g, slots, step, lr):
            return super().rule(p, -g, slots, step, lr)

    refused(Up, "of a convex function at 1 it reaches")


def test_a_range_that_is_not_declared_is_found():
    class Anything(Momentum):
        allowed: ClassVar[Any] = {"lr": POSITIVE}

    refused(Anything, "does not say what momentum may be")


def test_a_check_that_is_left_out_is_found():
    class Unchecked(Momentum):
        def __post_init__(self):
            pass

    refused(Unchecked, "lr = .* was not refused")


def test_an_array_changed_in_place_is_found():
    class InPlace(Momentum):
        def rule(self, p, g, slots, step, lr):
            slots["velocity"] *= self.momentum
            return p - lr * slots["velocity"], slots

    with pytest.raises(ValueError, match="read-only"):
        check_optimizer(InPlace(lr=0.05), engines=["numpy"])


def test_other_slots_are_found():
    class Forgetful(Momentum):
        def rule(self, p, g, slots, step, lr):
            return p - lr * g, {}

    refused(Forgetful, "changes which slots there are")


def test_another_shape_is_found():
    class Flat(Momentum):
        def rule(self, p, g, slots, step, lr):
            return p - lr * np.sum(g), {"velocity": np.sum(g)}

    refused(Flat, r"a slot of float32\(2, 3\) becomes float32\(\)")


def test_hidden_state_is_found():
    @dataclass(frozen=True)
    class Hidden(Momentum):
        seen: list = field(default_factory=list, init=False, compare=False)

        def rule(self, p, g, slots, step, lr):
            self.seen.append(step)
            return p - lr / len(self.seen) * g, slots

    refused(Hidden, "a resumed course")


def test_a_branch_on_the_number_of_the_step_is_found():
    class Branches(Momentum):
        def rule(self, p, g, slots, step, lr):
            return (p - lr * g, slots) if step == 3 else super().rule(p, g, slots, step, lr)

    with pytest.raises(UnsupportedError):
        check_optimizer(Branches(lr=0.05), engines=["numpy"])


def test_a_rule_whose_trace_computes_something_else_is_found():
    class TwoFaced(Momentum):
        def rule(self, p, g, slots, step, lr):
            return p - (1.0 + isinstance(p, Tensor)) * lr * g, slots

    refused(TwoFaced, "update 1, traced,")


def test_a_name_that_is_not_in_the_configuration_is_found():
    class Silent(Momentum):
        def config(self):
            return {"optimizer": "Silent", "lr": self.lr}

    with pytest.raises(ConformanceError, match="its configuration makes"):
        check_optimizer(Silent(lr=0.05, momentum=0.9), engines=["numpy"])
    assert SGD().config()["momentum"] == 0.0
