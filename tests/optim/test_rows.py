"""Updates of rows: the dense rule's numbers, PyTorch's SparseAdam, and the rules that cannot."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import optim
from chainrule.autodiff.rows import RowGradient
from chainrule.errors import ArgumentError
from chainrule.optim.rows import LAST, LAZY, catch_up, caught_up, update_rows
from chainrule.testing.optimizers import check_config, check_ranges

FADING = [
    optim.SGD(lr=0.1),
    optim.SGD(lr=0.1, momentum=0.9),
    optim.SGD(lr=0.1, momentum=0.9, dampening=0.3),
    optim.SGD(lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.01),
    optim.SGD(lr=0.1, weight_decay=0.1),
    optim.Adam(lr=0.05),
    optim.Adam(lr=0.05, weight_decay=0.1),
    optim.Adam(lr=0.05, betas=(0.5, 0.9), eps=1e-3),
    optim.Adam(lr=0.05, betas=(0.9, 0.5)),
    optim.Adam(lr=0.05, betas=(0.0, 0.0)),
    optim.AdamW(lr=0.05, weight_decay=0.0, amsgrad=True),
    optim.Adagrad(lr=0.1),
    optim.RMSprop(lr=0.05, momentum=0.9, centered=True),
    optim.Adadelta(lr=1.0),
    optim.Rprop(lr=0.05),
]
EXACT = [
    *FADING,
    optim.AdamW(lr=0.05, weight_decay=0.1),
    optim.Adagrad(lr=0.1, lr_decay=0.1, weight_decay=0.1),
    optim.RMSprop(lr=0.05, weight_decay=0.1),
    optim.Adadelta(weight_decay=0.1),
    optim.Adamax(lr=0.05),
    optim.RAdam(lr=0.05, betas=(0.8, 0.9)),
    optim.Lion(lr=0.05, weight_decay=0.1),
    optim.EMA(optim.Adam(lr=0.05), decay=0.8, after_steps=2, every=2),
    optim.SWA(optim.SGD(lr=0.1, momentum=0.5), after_steps=1),
    optim.Lookahead(optim.Adam(lr=0.05), k=3),
]
BY_ROWS = sorted(optim.OPTIMIZERS.keys() - {"LAMB", "Muon"})
N, WIDTH = 6, 2


def start(opt, dtype=np.float64):
    p = np.sin(np.arange(float(N * WIDTH))).reshape(N, WIDTH).astype(dtype)
    return p, opt.init(p)["slots"][""]


def walk(opt, batches, rates, exact):
    """Return the table and its slots after updates of the rows of each batch."""
    p, slots = start(opt)
    if exact:
        slots[LAST] = np.zeros(N, np.int64)
    for step, (places, values) in enumerate(batches):
        g = RowGradient(places, values, p).summed()
        if exact:
            catch_up(opt, p, slots, np.unique(places), step, rates[:step])
            slots[LAST][places] = step + 1
        rows, kept = update_rows(opt, p, g, slots, step, rates[step])
        p[places] = rows
        for name, slot in kept.items():
            slots[name][places] = slot
    if exact:
        catch_up(opt, p, slots, np.arange(N), len(batches), rates)
        assert (slots.pop(LAST) == len(batches)).all()
    return p, slots


def dense(opt, batches, rates):
    p, slots = start(opt)
    state = {"step": 0, "slots": {"": slots}}
    for (places, values), lr in zip(batches, rates, strict=True):
        p, state = opt.update(p, RowGradient(places, values, p).dense(), state, lr)
    return p, state["slots"][""]


def batches_of(patterns):
    rng = np.random.default_rng(0)
    return [(np.array(x, np.int64), rng.normal(size=(len(x), WIDTH))) for x in patterns]


patterns = st.lists(st.lists(st.integers(0, N - 1), max_size=4), min_size=1, max_size=12)


@pytest.mark.parametrize("opt", EXACT, ids=repr)
@settings(max_examples=15, deadline=None)
@given(patterns, st.sampled_from(["constant", "falling", "rising"]))
def test_exact_rows_are_those_of_the_dense_rule(opt, looked_up, kind):
    n = len(looked_up)
    rates = opt.lr * {
        "constant": np.ones(n), "falling": np.linspace(1, 0, n), "rising": np.linspace(0, 1, n),
    }[kind]  # fmt: skip
    batches = batches_of(looked_up)
    p, slots = walk(opt, batches, rates, exact=True)
    expected, others = dense(opt, batches, rates)
    np.testing.assert_allclose(p, expected, 1e-12, 1e-14)
    for name, slot in others.items():
        np.testing.assert_allclose(slots[name], slot, 1e-12, 1e-300, err_msg=name)


REST = [optim.SGD(lr=0.1), optim.Adagrad(lr=0.1), optim.Adagrad(lr=0.1, lr_decay=0.1)]


@pytest.mark.parametrize("opt", REST, ids=repr)
@settings(max_examples=30, deadline=None)
@given(patterns)
def test_rows_that_zero_gradients_do_not_change_have_the_dense_rules_bits(opt, looked_up):
    batches, rates = batches_of(looked_up), np.full(len(looked_up), 0.1)
    p, slots = walk(opt, batches, rates, exact=False)
    expected, others = dense(opt, batches, rates)
    np.testing.assert_array_equal(p, expected)
    for name, slot in others.items():
        np.testing.assert_array_equal(slots[name], slot)


def test_the_first_step_of_a_row_is_that_of_the_first_update():
    """Whenever a row is first looked up, Rprop begins with the learning rate."""
    p, _ = walk(optim.Rprop(lr=0.1), batches_of([[0], [1], [2, 0]]), [0.1] * 3, exact=False)
    moves = np.abs(p - start(optim.SGD())[0])
    np.testing.assert_allclose(moves[1:3], 0.1, 1e-12)
    np.testing.assert_array_equal(moves[3:], 0.0)


@pytest.mark.parametrize("opt", FADING, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("pause", "size"), [(0, 1), (8, 1), (0, 1e8)])
def test_long_gaps(opt, dtype, pause, size):
    """Long after a row has come to rest; a rate that rises, or a step that grows, moves it again.

    Steps grow where the mean of squares fades faster than that of gradients: large numbers are
    not changed by the first of them.
    """
    steps = 1500
    rates = np.full(steps, opt.lr)
    rates[1 : 1 + pause] = 0.0
    p, slots = start(opt, dtype)
    p *= size
    state = {"step": 0, "slots": {"": slots}}
    p, state = opt.update(p, np.cos(np.arange(p.size)).reshape(p.shape), state, rates[0])
    first = state["slots"][""]
    found, kept = caught_up(opt, p, first, np.ones(N, np.int64), steps, rates)
    for lr in rates[1:]:
        p, state = opt.update(p, np.zeros_like(p), state, lr)
    tolerance = 1e-4 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(found, p, tolerance if size == 1 else 1e-6, tolerance * 1e-2)
    for name, slot in state["slots"][""].items():
        np.testing.assert_allclose(kept[name], slot, tolerance, 1e-30, err_msg=name)
        assert kept[name].dtype == dtype


def test_in_how_many_pieces_rows_are_brought_up_changes_no_bit():
    opt, rates = optim.Adam(lr=0.05, weight_decay=0.1), np.full(40, 0.05)
    rng = np.random.default_rng(1)
    p, (m, v) = rng.normal(size=(N, WIDTH)), rng.random((2, N, WIDTH))
    last = rng.integers(0, 40, N)
    whole, slots = caught_up(opt, p, {"m": m, "v": v}, last, 40, rates)
    half = np.maximum(last, 20)
    some, kept = p.copy(), {"m": m.copy(), "v": v.copy()}
    early = np.flatnonzero(last < 20)
    some[early], rows = caught_up(
        opt, p[early], {"m": m[early], "v": v[early]}, last[early], 20, rates[:20]
    )
    for name, slot in rows.items():
        kept[name][early] = slot
    again, after = caught_up(opt, some, kept, half, 40, rates)
    np.testing.assert_array_equal(again, whole)
    for name in slots:
        np.testing.assert_array_equal(after[name], slots[name])


def test_a_row_that_rests_is_not_gone_through_step_by_step():
    class Counting(optim.Adam):
        def rule(self, p, g, slots, step, lr):
            calls.append(len(p))
            return super().rule(p, g, slots, step, lr)

    calls = []
    opt = Counting(lr=0.05)
    p, slots = start(opt, np.float32)
    _, state = opt.update(p, np.ones_like(p), {"step": 0, "slots": {"": slots}})
    calls.clear()
    caught_up(opt, p, state["slots"][""], np.ones(N, np.int64), 10**6, np.full(10**6, 0.05))
    assert 50 < len(calls) < 300


# PyTorch -----------------------------------------------------------------------------------------


def sparse_batches():
    for t in range(12):
        places = [(t * 5) % 6, (t * t) % 6, (t * 5) % 6, 2 if t == 7 else 1]
        values = [[np.cos(3 * t + i) + 0.2, np.sin(t - 2 * i)] for i in range(4)]
        yield np.array(places), np.array(values)


# Of torch.optim.SparseAdam(lr=0.1), PyTorch 2.13.0, from the table of `start`, by betas. Its eps is
# added before the correction of the means, which these gradients are too large to show.
SPARSE_ADAM = {
    (0.9, 0.999): [
        [-0.16729576683691155, 1.00891298605077], [1.2480423544566759, 0.01905856152758786],
        [-0.944479538662513, -0.8879954900109525], [-0.1561915951100779, 0.5346775118790809],
        [0.7069989753150167, 0.2557324183797443], [-0.40608176249547345, -1.1411099957282995],
    ],
    (0.5, 0.9): [
        [-0.22982171235611393, 1.062982952109769], [1.267112499094588, 0.2196116840586365],
        [-1.1068926611174197, -0.8464796928598856], [-0.03831160676154882, 0.4249356014025003],
        [0.5497504272132884, 0.12743457780481304], [-0.3171647496849124, -1.2243437763643834],
    ],
}  # fmt: skip


@pytest.mark.parametrize("betas", SPARSE_ADAM)
def test_lazy_is_torchs_sparse_adam(betas):
    opt = optim.Adam(lr=0.1, betas=betas, lazy=True)
    p, _ = walk(opt, list(sparse_batches()), np.full(12, 0.1), exact=False)
    np.testing.assert_allclose(p, SPARSE_ADAM[betas], rtol=0, atol=1e-6)


@pytest.mark.parametrize("betas", SPARSE_ADAM)
def test_the_frozen_numbers_are_torchs(betas):
    torch = pytest.importorskip("torch")
    p = torch.tensor(start(optim.SGD(lr=0.1))[0], requires_grad=True)
    theirs = torch.optim.SparseAdam([p], lr=0.1, betas=betas)
    for places, values in sparse_batches():
        p.grad = torch.sparse_coo_tensor(torch.tensor(places)[None], torch.tensor(values), (6, 2))
        theirs.step()
    np.testing.assert_allclose(p.detach().numpy(), SPARSE_ADAM[betas], 1e-12)


# Refusals ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Normalised(optim.SGD):
    """Steps as long as the table's norm, as LAMB's are."""

    lr: float = 0.1

    def rule(self, p, g, slots, step, lr):
        return p - lr * g * np.sqrt(np.sum(p * p)), slots


@dataclass(frozen=True)
class Multiplied(optim.SGD):
    """A step that mixes rows, as Muon's does."""

    lr: float = 0.1

    def rule(self, p, g, slots, step, lr):
        return p - lr * (g @ g.T) @ g, slots


@dataclass(frozen=True)
class Counted(optim.SGD):
    """Remembers a number of the whole table, as NAdam does."""

    lr: float = 0.1

    def start(self, p):
        return {"product": np.ones(())}

    def rule(self, p, g, slots, step, lr):
        return p - lr * slots["product"] * g, {"product": slots["product"] * 0.9}


@dataclass(frozen=True)
class Branching(optim.SGD):
    """Asks for the number of the step in a way that only a single number answers."""

    lr: float = 0.1

    def rule(self, p, g, slots, step, lr):
        return p - (lr if step > 2 else 0.5 * lr) * g, slots


@pytest.mark.parametrize("lazy", [True, "exact"])
@pytest.mark.parametrize("cls", [Normalised, Multiplied, optim.LAMB, optim.Muon])
def test_rules_that_mix_rows_are_refused(cls, lazy):
    assert cls().lazy is False
    with pytest.raises(ArgumentError, match=rf"{cls.__name__}: lazy=.*without regard to others"):
        cls(lazy=lazy)


@pytest.mark.parametrize("cls", [Counted, optim.NAdam])
def test_rules_that_remember_something_of_the_whole_are_lazy_and_not_exact(cls):
    assert cls(lazy=True).lazy is True
    with pytest.raises(ArgumentError, match="product' is of them all: use lazy=True"):
        cls(lazy="exact")


@pytest.mark.parametrize("name", sorted(optim.WRAPPERS))
def test_averages_are_exact_or_not_lazy(name):
    cls = optim.WRAPPERS[name]
    wrapped = cls(optim.Adam(lazy="exact"))
    assert wrapped.lazy == "exact"
    assert optim.optimizer_from_config(json.loads(json.dumps(wrapped.config()))) == wrapped
    assert cls(optim.Adam()).changed(lazy="exact") == wrapped
    assert cls(optim.Adam()).lazy is False
    with pytest.raises(ArgumentError, match=f'{name}: lazy=True .*average.*use lazy="exact"'):
        cls(optim.Adam(lazy=True))


def test_nothing_is_asked_of_the_rule_for_other_parameters_in_vain():
    with pytest.raises(ArgumentError, match="Muon: lazy=True of other has no effect"):
        optim.Muon(other=optim.AdamW(lazy=True))


def test_rules_that_take_one_step_alone_are_lazy_and_not_exact():
    assert Branching(lazy=True).lazy is True
    with pytest.raises(ArgumentError, match="a number of steps for each row"):
        Branching(lazy="exact")


@pytest.mark.parametrize("cls", [optim.SGD, optim.Adam, optim.LAMB])
@pytest.mark.parametrize("value", [*LAZY.bad_values(), 1, 0, "Exact"])
def test_lazy_is_one_of_three(cls, value):
    with pytest.raises(ArgumentError, match=f"{cls.__name__}: lazy must be one of"):
        cls(lr=0.1, lazy=value)


@pytest.mark.parametrize("name", BY_ROWS)
def test_lazy_is_part_of_the_configuration(name):
    cls = optim.OPTIMIZERS[name]
    assert "lazy" not in cls(lr=0.1).config()
    for lazy in (True, "exact") if name != "NAdam" else (True,):
        opt = cls(lr=0.1, lazy=lazy)
        assert optim.optimizer_from_config(json.loads(json.dumps(opt.config()))) == opt != cls(0.1)
        check_config(opt, np.random.default_rng(0))
        check_ranges(opt, np.random.default_rng(0))
