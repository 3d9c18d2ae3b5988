"""Optimizers: PyTorch's numbers, the papers' algorithms, trees, and refusals.

What is promised of each is in `chainrule.testing.check_optimizer`, which runs on every sample here.
"""

import inspect
import json
import math

import numpy as np
import pytest
from torch_reference import (
    FILE,
    NOT_IN_TORCH,
    START,
    STEPS,
    configurations,
    descend,
    gradient,
    in_torch,
    torch_descends,
)

from chainrule import nn, optim
from chainrule.errors import ArgumentError, ShapeError
from chainrule.testing import check_optimizer

ENDS = json.loads(FILE.read_text(encoding="utf-8"))["ends"]


@pytest.mark.parametrize("opt", configurations(), ids=repr)
def test_all_that_is_promised(opt):
    check_optimizer(opt, engines=["numpy"])


@pytest.mark.slow
@pytest.mark.parametrize("opt", configurations(), ids=repr)
def test_all_engines_agree(opt):
    check_optimizer(opt)


@pytest.mark.parametrize(
    ("config", "end"), ENDS, ids=lambda x: x["optimizer"] if isinstance(x, dict) else ""
)
def test_fifty_steps_end_where_torch_ended(config, end):
    opt = optim.optimizer_from_config(config)
    np.testing.assert_allclose(descend(opt), end, rtol=0, atol=1e-6)
    np.testing.assert_allclose(descend(opt, np.float32), end, rtol=0, atol=1e-3)


def test_every_sample_is_frozen_or_not_in_torch():
    assert [opt.config() for opt in in_torch()] == [config for config, _ in ENDS]
    theirs = {type(opt).__name__ for opt in in_torch()}
    ours = {cls.__name__ for cls in NOT_IN_TORCH}
    assert theirs | ours == {*optim.OPTIMIZERS, *optim.WRAPPERS}


@pytest.fixture
def double():
    """Let torch.optim keep its single numbers, such as NAdam's product, in float64."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("opt", in_torch(), ids=repr)
def test_fifty_steps_equal_torch(opt, double):
    np.testing.assert_allclose(descend(opt), torch_descends(opt), rtol=0, atol=1e-6)


@pytest.mark.parametrize("opt", [x for x in in_torch() if isinstance(x, optim.Muon)], ids=repr)
def test_muon_is_torchs_but_for_its_two_digits(opt, double):
    moved = np.abs(descend(opt) - START).max()
    off = np.abs(descend(opt) - torch_descends(opt, exact=False)).max()
    assert off < 0.02 * moved


def test_arguments_and_defaults_are_torchs():
    torch = pytest.importorskip("torch")
    for name, kind in optim.OPTIMIZERS.items():
        if kind in NOT_IN_TORCH:
            continue
        theirs = inspect.signature(getattr(torch.optim, name)).parameters
        ours = {key: value for key, value in kind().hyperparameters().items() if key != "other"}
        assert list(ours) == [key for key in theirs if key in ours], name
        for key, value in ours.items():
            expected = theirs[key].default
            assert value == ("original" if key == "adjust_lr_fn" else expected), (name, key)


def lamb_by_hand(opt, p):
    """Algorithm 2 of You and others (ICLR 2020), element by element; the matrix is one layer."""
    m, v = [0.0] * len(p), [0.0] * len(p)
    for t in range(1, STEPS + 1):
        grads = gradient(np.reshape(p, START.shape)).ravel()
        r = []
        for i, g in enumerate(grads):
            m[i] = opt.betas[0] * m[i] + (1 - opt.betas[0]) * g
            v[i] = opt.betas[1] * v[i] + (1 - opt.betas[1]) * g * g
            m_hat, v_hat = m[i] / (1 - opt.betas[0] ** t), v[i] / (1 - opt.betas[1] ** t)
            r.append(m_hat / (math.sqrt(v_hat) + opt.eps) + opt.weight_decay * p[i])
        ratio = math.hypot(*p) / math.hypot(*r)
        p = [x - opt.lr * ratio * y for x, y in zip(p, r, strict=True)]
    return p


def lion_by_hand(opt, p):
    """Algorithm 2 of Chen and others (NeurIPS 2023), element by element."""
    m = [0.0] * len(p)
    for _ in range(STEPS):
        grads = gradient(np.reshape(p, START.shape)).ravel()
        for i, g in enumerate(grads):
            c = opt.betas[0] * m[i] + (1 - opt.betas[0]) * g
            sign = math.copysign(1.0, c)
            p[i] = p[i] - opt.lr * (sign + opt.weight_decay * p[i])
            m[i] = opt.betas[1] * m[i] + (1 - opt.betas[1]) * g
    return p


def lookahead_by_hand(opt, p):
    """Algorithm 1 of Zhang and others (NeurIPS 2019): an outer loop and an inner one."""
    slow, state = np.reshape(p, START.shape), opt.inner.init(START)
    for start in range(0, STEPS, opt.k):
        fast = slow
        for _ in range(min(opt.k, STEPS - start)):
            fast, state = opt.inner.update(fast, gradient(fast), state)
        if start + opt.k <= STEPS:
            slow = slow + opt.alpha * (fast - slow)
    return slow.ravel()


BY_HAND = {
    optim.LAMB: lamb_by_hand,
    optim.Lion: lion_by_hand,
    optim.Lookahead: lookahead_by_hand,
}


@pytest.mark.parametrize("opt", [x for x in configurations() if type(x) in BY_HAND], ids=repr)
def test_fifty_steps_equal_the_papers_algorithm(opt):
    end = BY_HAND[type(opt)](opt, START.ravel().tolist())
    np.testing.assert_allclose(descend(opt).ravel(), end, rtol=0, atol=1e-10)


def test_lamb_takes_the_move_as_it_is_where_a_norm_is_zero():
    opt = optim.LAMB(lr=0.1, weight_decay=0.0)
    for p in (np.zeros(2), np.ones(2)):
        for g in (np.zeros(2), np.array([2.0, -3.0])):
            ratio = 1.0 if not p.any() else math.sqrt(2.0) / math.sqrt(2.0)
            moved, _ = opt.update(p, g, opt.init(p))
            np.testing.assert_allclose(moved, p - 0.1 * ratio * np.sign(g), rtol=1e-5)


def test_muon_makes_singular_values_nearly_equal():
    rng = np.random.default_rng(0)
    for shape in ((4, 7), (7, 4), (5, 5)):
        values = np.linalg.svd(optim.Muon().orthogonal(rng.normal(size=shape)), compute_uv=False)
        assert values.min() > 0.6
        assert values.max() < 1.3


def test_muon_leaves_what_is_no_matrix_to_another_rule():
    other = optim.SGD(lr=0.2, momentum=0.5)
    opt = optim.Muon(lr=0.1, other=other)
    p, g = np.ones(3), np.array([1.0, 2.0, 3.0])
    ours, theirs = (opt.update(p, g, x.init(p), lr=x.lr / 2) for x in (opt, other))
    np.testing.assert_allclose(ours[0], other.update(p, g, other.init(p), lr=0.1)[0])
    assert ours[1]["slots"].keys() == theirs[1]["slots"].keys()
    assert set(opt.init(np.ones((2, 2, 2)))["slots"][""]) == {"velocity"}


def test_centred_rmsprop_has_no_root_of_a_negative_number():
    opt, p = optim.RMSprop(centered=True, alpha=0.5), np.ones(3, np.float32)
    state = opt.init(p)
    for _ in range(200):
        p, state = opt.update(p, np.full(3, 0.1, np.float32), state)
    assert np.isfinite(p).all()


def test_averages_begin_when_they_are_asked_to():
    opt = optim.SWA(optim.SGD(lr=1.0), after_steps=3, every=2)
    p, state, seen = np.zeros(1), opt.init(np.zeros(1)), []
    for _ in range(9):
        p, state = opt.update(p, -np.ones(1), state)
        seen.append(float(opt.result(p, state["slots"][""])[0]))
    assert seen == [1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 6.0, 6.0, 7.0]


def test_wrappers_within_wrappers_keep_their_own_numbers():
    opt = optim.EMA(optim.EMA(optim.SGD(lr=0.1), decay=0.5), decay=0.0)
    slots = opt.start(np.ones(2))
    assert list(slots) == ["inner.average", "average"]
    w, state = np.ones(2), opt.init(np.ones(2))
    for _ in range(3):
        w, state = opt.update(w, np.ones(2), state)
    slots = state["slots"][""]
    np.testing.assert_array_equal(opt.result(w, slots), slots["inner.average"])


def test_hyperparameters_can_be_changed_within_wrappers():
    opt = optim.EMA(optim.Lookahead(optim.Adam(lr=0.1), k=7), decay=0.5)
    assert opt.lr == 0.1
    assert opt.hyperparameters()["k"] == 7
    other = opt.changed(lr=0.2, alpha=0.9, decay=0.6)
    assert other == optim.EMA(optim.Lookahead(optim.Adam(lr=0.2), k=7, alpha=0.9), decay=0.6)
    assert other.lr == 0.2
    with pytest.raises(ArgumentError, match="EMA has no momentum; it has lr, lazy, betas"):
        opt.changed(momentum=0.9)
    with pytest.raises(ArgumentError, match="Adam: lr must be"):
        opt.changed(lr=-1.0)


def test_gradients_of_another_dtype_do_not_change_the_parameters():
    p = np.ones(3, np.float32)
    p, state = optim.Adam().update(p, np.ones(3), optim.Adam().init(p))
    assert p.dtype == np.float32
    assert all(slot.dtype == np.float32 for slot in state["slots"][""].values())


def test_a_rule_that_widens_is_brought_back():
    class Wide(optim.SGD):
        def rule(self, p, g, slots, step, lr):
            return p - np.full(3, 0.5), {"seen": g * np.float64(2.0)}

    p, state = Wide(lr=0.1).update(*[np.ones(3, np.float32)] * 2, Wide(lr=0.1).init(np.ones(3)))
    assert p.dtype == state["slots"][""]["seen"].dtype == np.float32


def test_modules_and_nested_trees():
    model = nn.Sequential(nn.Linear(2, 3, rng=0), "tanh", nn.Linear(3, 1, rng=1))
    opt = optim.Adam(lr=0.1)
    state = opt.init(model)
    assert list(state["slots"]) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    new, _ = opt.update(model, model, state)
    assert isinstance(new, nn.Sequential)
    for name, value in nn.named_parameters(model).items():
        moved = nn.named_parameters(new)[name]
        np.testing.assert_allclose(moved, value - 0.1 * np.sign(value), rtol=1e-4)
    tree = {"a": [np.ones(2), (np.zeros(1),)]}
    assert list(opt.init(tree)["slots"]) == ["['a'][0]", "['a'][1][0]"]


@pytest.mark.parametrize("betas", [0.9, (0.9,), (0.9, 0.99, 0.999), None])
def test_betas_are_two(betas):
    with pytest.raises(ArgumentError, match="betas"):
        optim.Adam(betas=betas)


@pytest.mark.parametrize("more", [{}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_needs_momentum_without_dampening(more):
    with pytest.raises(ArgumentError, match="nesterov"):
        optim.SGD(lr=0.1, nesterov=True, **more)


def test_what_does_not_fit_together_is_refused():
    opt = optim.SGD(lr=0.1, momentum=0.9)
    p = {"w": np.ones(3)}
    with pytest.raises(ShapeError, match=r"\['w'\] has shape \(1,\), not \(3,\)"):
        opt.update(p, {"w": np.ones(1)}, opt.init(p))
    with pytest.raises(ArgumentError, match="different structure"):
        opt.update(p, {"v": np.ones(3)}, opt.init(p))
    with pytest.raises(ArgumentError, match="init"):
        opt.update(p, p, opt.init({"v": np.ones(3)}))


@pytest.mark.parametrize(
    "config",
    [{}, {"optimizer": "os"}, {"optimizer": 3}, {"optimizer": "SGD", "lr": 0.1, "rate": 1}],
)
def test_configurations_of_nothing_known_are_refused(config):
    with pytest.raises(ArgumentError):
        optim.optimizer_from_config(config)


def test_numpy_numbers_as_hyperparameters():
    opt = optim.Adam(lr=np.float64(0.1), betas=[np.float32(0.5), 0.9])
    assert type(opt.lr) is float
    assert type(opt.betas[0]) is float
    assert descend(opt, np.float32).dtype == np.float32


def test_arguments_come_in_torchs_order():
    assert optim.SGD(0.1, 0.9, 0.2) == optim.SGD(lr=0.1, momentum=0.9, dampening=0.2)
