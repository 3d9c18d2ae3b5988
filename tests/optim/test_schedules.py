"""Schedules: PyTorch's numbers, their ends, and refusals."""

import json
import math

import pytest

from chainrule import optim
from chainrule.errors import ArgumentError

ALL = [
    optim.Constant(),
    optim.Step(3, gamma=0.5),
    optim.MultiStep((2, 5), gamma=0.1),
    optim.Exponential(0.9),
    optim.InverseTime(0.1),
    optim.Polynomial(10, power=2.0),
    optim.Cosine(10, minimum=0.1),
    optim.WarmUp(4, optim.Cosine(8)),
    optim.WarmUp(2, optim.WarmUp(3, optim.Step(1))),
]


def test_numbers_by_hand():
    assert [optim.Step(3, 0.5)(t) for t in (0, 2, 3, 6)] == [1.0, 1.0, 0.5, 0.25]
    assert [optim.MultiStep([2, 5], 0.5)(t) for t in (1, 2, 4, 5)] == [1.0, 0.5, 0.5, 0.25]
    assert optim.Exponential(0.9)(3) == pytest.approx(0.729)
    assert optim.InverseTime(0.5)(4) == pytest.approx(1 / 3)
    assert optim.Polynomial(10, 2.0)(5) == 0.25
    assert optim.Polynomial(10, 0.0)(10) == 0.0
    assert optim.Cosine(10, 0.1)(5) == pytest.approx(0.55)
    assert optim.Cosine(10, 0.1)(99) == pytest.approx(0.1)
    warm = optim.WarmUp(4, optim.Exponential(0.5), start_factor=0.2)
    assert [warm(t) for t in (0, 2, 4, 5)] == pytest.approx([0.2, 0.6, 1.0, 0.5])


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_factors_are_floats_between_0_and_1(schedule):
    for step in range(30):
        factor = schedule(step)
        assert type(factor) is float
        assert 0.0 <= factor <= 1.0


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_configurations_survive_json(schedule):
    config = json.loads(json.dumps(schedule.config()))
    assert optim.schedule_from_config(config) == schedule


@pytest.mark.parametrize("step", [-1, 0.5, math.nan, "1"])
def test_steps_are_whole_numbers(step):
    with pytest.raises(ArgumentError, match="step"):
        optim.Constant()(step)


GOOD = {"step_size": 1, "milestones": (1,), "gamma": 0.5, "rate": 0.1, "t_max": 3}


@pytest.mark.parametrize("cls", list(optim.SCHEDULES.values()))
def test_parameters_out_of_range_are_refused(cls):
    needed = {k: v for k, v in GOOD.items() if k in cls.__dataclass_fields__}
    for name, constraint in cls.allowed.items():
        for value in constraint.bad_values():
            with pytest.raises(ArgumentError, match=f"{cls.__name__}: {name} must be"):
                cls(**needed | {name: value})


def test_milestones_are_checked():
    with pytest.raises(ArgumentError, match="milestones"):
        optim.MultiStep((1, 0))


@pytest.mark.parametrize(
    "config", [{}, {"schedule": "os"}, {"schedule": []}, {"schedule": "Step", "size": 3}]
)
def test_configurations_of_nothing_known_are_refused(config):
    with pytest.raises(ArgumentError):
        optim.schedule_from_config(config)


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    schedulers = torch.optim.lr_scheduler
    pairs = [
        (optim.Step(3, 0.5), lambda o: schedulers.StepLR(o, 3, 0.5)),
        (optim.MultiStep((2, 5), 0.5), lambda o: schedulers.MultiStepLR(o, [2, 5], 0.5)),
        (optim.Exponential(0.9), lambda o: schedulers.ExponentialLR(o, 0.9)),
        (optim.Polynomial(10, 2.0), lambda o: schedulers.PolynomialLR(o, 10, 2.0)),
        (optim.Cosine(12), lambda o: schedulers.CosineAnnealingLR(o, 12)),
        (optim.WarmUp(4), lambda o: schedulers.LinearLR(o, total_iters=4)),
    ]
    for ours, make in pairs:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        theirs = make(optimizer)
        for step in range(12):
            assert ours(step) == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)
            optimizer.step()
            theirs.step()
