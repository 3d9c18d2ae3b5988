"""Schedules: PyTorch's numbers, their ends, and refusals."""

import json
import math

import pytest

from chainrule import optim
from chainrule.errors import ArgumentError

RESTARTS = optim.CosineWarmRestarts(3, t_mult=2, minimum=0.1)
EQUAL_RESTARTS = optim.CosineWarmRestarts(4)
ONE_CYCLE = optim.OneCycle(10)
THREE_PHASES = optim.OneCycle(10, 0.4, "linear", 10, 100, three_phase=True)
ONE_BY_ONE = optim.Sequential(
    (optim.WarmUp(3, start_factor=0.25), optim.Cosine(4), optim.Exponential(0.5)), (3, 6)
)
TOGETHER = optim.Chained((optim.WarmUp(3, start_factor=0.25), optim.Exponential(0.5)))
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
    RESTARTS,
    EQUAL_RESTARTS,
    ONE_CYCLE,
    THREE_PHASES,
    ONE_BY_ONE,
    TOGETHER,
    optim.OneCycle(1, pct_start=1.0),
    optim.OneCycle(5, pct_start=0.2, div_factor=1.0),
    optim.Plateau(gamma=0.5, patience=1),
    optim.Chained((optim.WarmUp(3, optim.Plateau(monitor="loss")), optim.Plateau(monitor="r2"))),
]


def test_every_schedule_is_tested():
    assert {type(schedule) for schedule in ALL} == set(optim.SCHEDULES.values())


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


GOOD = {
    "step_size": 1, "milestones": (1,), "gamma": 0.5, "rate": 0.1, "t_max": 3, "t_0": 3,
    "total_steps": 9,
}  # fmt: skip


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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.Sequential((), ()), "Sequential: schedules must be one at least"),
        (lambda: optim.Chained([]), "Chained: schedules must be one at least"),
        (lambda: optim.Chained(0.5), "Chained: schedules must be schedules, not 0.5"),
        (lambda: optim.Chained([0.5]), "Chained: schedules must be schedules, not 0.5"),
        (lambda: optim.Sequential([optim.Constant()], [2]), "1 schedules have 0 milestones"),
        (lambda: optim.Sequential([optim.Constant()] * 3, [2, 2]), "milestones must rise"),
        (lambda: optim.Sequential([optim.Constant()] * 2, [0]), "milestones must be a whole"),
    ],
)
def test_chains_of_what_does_not_fit(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_only_what_watches_depends_on_what_was_measured():
    measured = {"loss": [1.0] * 20, "r2": [0.5] * 20}
    for schedule in ALL:
        if not schedule.monitored:
            assert schedule.after({}) == schedule
    both = optim.Chained(
        (optim.WarmUp(3, optim.Plateau(monitor="loss")), optim.Plateau(monitor="r2"))
    )
    assert both.monitored == ("loss", "r2")
    assert [both(t) for t in (0, 3, 99)] == pytest.approx([1 / 3, 1, 1])
    then = both.after(measured)
    assert then.monitored == ()
    assert [then(t) for t in (0, 3, 99)] == pytest.approx([0.1 / 3, 0.01, 0.01])


def plateau(values, **options):
    """Return the factor of each epoch, and of the one after the last."""
    watching = optim.Plateau(monitor="loss", **options)
    return [watching.after({"loss": values[:n]})(0) for n in range(len(values) + 1)]


VALUES = [5, 4, 3, 3, 3.1, 2.9999, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2]
PLATEAUS = [
    {"gamma": 0.5, "patience": 1},
    {
        "gamma": 0.5, "patience": 0, "cooldown": 2, "threshold": 0.5, "threshold_mode": "abs",
        "minimum": 0.2,
    },
    {"gamma": 0.3, "patience": 2, "mode": "max", "threshold": 0.1},
]  # fmt: skip


def test_an_epoch_without_a_number_is_passed_over():
    with_gaps = [x for value in VALUES for x in (value, None)]
    assert plateau(with_gaps, patience=1)[-1] == plateau(VALUES, patience=1)[-1]
    assert plateau([1.0, math.nan, math.nan], patience=1)[-1] == pytest.approx(0.1)


# Printed by torch 2.13.0.
FROZEN = {
    RESTARTS: [1, 0.775, 0.325, 1, 0.93971143, 0.775, 0.55, 0.325, 0.16028857, 1, 0.98466662],
    ONE_CYCLE: [
        0.04, 0.52, 1, 0.95048463, 0.81174565, 0.61126202, 0.38874198, 0.18825835, 0.04951937, 4e-6
    ],
    THREE_PHASES: [0.1, 0.4, 0.7, 1, 0.7, 0.4, 0.1, 0.067, 0.034, 0.001],
    ONE_BY_ONE: [0.25, 0.5, 0.75, 1, 0.85355339, 0.5, 1, 0.5, 0.25, 0.125],
    TOGETHER: [0.25, 0.25, 0.1875, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125],
}  # fmt: skip
FROZEN_PLATEAUS = [
    [1] * 5 + [0.5] * 2 + [0.25] * 4 + [0.125] * 2 + [0.0625] * 2 + [0.03125] * 2,
    [1] * 4 + [0.5] * 3 + [0.25] * 3 + [0.2] * 7,
    [1] * 4 + [0.3] * 3 + [0.09] * 3 + [0.027] * 3 + [0.0081] * 3 + [0.00243],
]


@pytest.mark.parametrize("schedule", FROZEN, ids=repr)
def test_frozen_numbers(schedule):
    expected = FROZEN[schedule]
    assert [schedule(t) for t in range(len(expected))] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("place", range(3))
def test_frozen_plateaus(place):
    assert plateau(VALUES, **PLATEAUS[place]) == pytest.approx(FROZEN_PLATEAUS[place])


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
        (RESTARTS, lambda o: schedulers.CosineAnnealingWarmRestarts(o, 3, 2, eta_min=0.1)),
        (EQUAL_RESTARTS, lambda o: schedulers.CosineAnnealingWarmRestarts(o, 4)),
        (ONE_CYCLE, lambda o: schedulers.OneCycleLR(o, 1.0, total_steps=10)),
        (
            THREE_PHASES,
            lambda o: schedulers.OneCycleLR(
                o, 1.0, total_steps=10, pct_start=0.4, anneal_strategy="linear", div_factor=10,
                final_div_factor=100, three_phase=True,
            ),
        ),
        (
            ONE_BY_ONE,
            lambda o: schedulers.SequentialLR(
                o,
                [
                    schedulers.LinearLR(o, 0.25, total_iters=3),
                    schedulers.CosineAnnealingLR(o, 4),
                    schedulers.ExponentialLR(o, 0.5),
                ],
                [3, 6],
            ),
        ),
        (
            TOGETHER,
            lambda o: schedulers.ChainedScheduler(
                [
                    schedulers.LinearLR(o, 0.25, total_iters=3),
                    schedulers.ExponentialLR(o, 0.5),
                ]
            ),
        ),
    ]  # fmt: skip
    for ours, make in pairs:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
        theirs = make(optimizer)
        for step in range(10):
            assert ours(step) == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)
            optimizer.step()
            if step < 9:  # a one-cycle refuses to go on after its last step
                theirs.step()


@pytest.mark.parametrize("options", PLATEAUS)
def test_torchs_plateaus_agree(options):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    names = {"gamma": "factor", "minimum": "min_lr"}
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, **{names.get(name, name): value for name, value in options.items()}
    )
    ours = plateau(VALUES, **options)
    for value, factor in zip(VALUES, ours[1:], strict=True):
        theirs.step(value)
        assert factor == pytest.approx(optimizer.param_groups[0]["lr"])
