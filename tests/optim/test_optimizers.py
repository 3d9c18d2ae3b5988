"""Optimizers: PyTorch's numbers, dtypes, trees, traces, and refusals."""

import json
import math

import numpy as np
import pytest

from chainrule import nn, optim
from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph import trace
from chainrule.graph.tree import flatten

CONFIGURATIONS = [
    optim.SGD(lr=0.05),
    optim.SGD(lr=0.05, momentum=0.9),
    optim.SGD(lr=0.05, momentum=0.9, dampening=0.3),
    optim.SGD(lr=0.05, momentum=0.8, nesterov=True),
    optim.SGD(lr=0.05, weight_decay=0.1),
    optim.SGD(lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    optim.SGD(lr=0.05, momentum=0.9, dampening=1.0, weight_decay=0.01),
    optim.Adam(),
    optim.Adam(lr=0.1),
    optim.Adam(lr=0.1, betas=(0.5, 0.9), eps=1e-3),
    optim.Adam(lr=0.1, weight_decay=0.1),
    optim.Adam(lr=0.1, betas=(0.0, 0.0)),
]
STEPS = 50
START = [1.5, -2.0, 0.25]


def gradient(p):
    """Of a bent valley: sum(c * p**4 / 4 + sin(p)), written so that torch computes it too."""
    return [c * x**3 + math.cos(x) for c, x in zip((0.1, 1.0, 3.0), p, strict=True)]


def sgd_by_hand(opt, p):
    """The loop of torch.optim.SGD's documentation, on Python floats."""
    buffers = [None] * len(p)
    for _ in range(STEPS):
        for i, g in enumerate(gradient(p)):
            g = g + opt.weight_decay * p[i]
            if opt.momentum != 0:
                if buffers[i] is None:
                    buffers[i] = g
                else:
                    buffers[i] = opt.momentum * buffers[i] + (1 - opt.dampening) * g
                g = g + opt.momentum * buffers[i] if opt.nesterov else buffers[i]
            p[i] = p[i] - opt.lr * g
    return p


def adam_by_hand(opt, p):
    """The loop of torch.optim.Adam's documentation, on Python floats."""
    m, v = [0.0] * len(p), [0.0] * len(p)
    for t in range(1, STEPS + 1):
        for i, g in enumerate(gradient(p)):
            g = g + opt.weight_decay * p[i]
            m[i] = opt.betas[0] * m[i] + (1 - opt.betas[0]) * g
            v[i] = opt.betas[1] * v[i] + (1 - opt.betas[1]) * g * g
            m_hat = m[i] / (1 - opt.betas[0] ** t)
            v_hat = v[i] / (1 - opt.betas[1] ** t)
            p[i] = p[i] - opt.lr * m_hat / (math.sqrt(v_hat) + opt.eps)
    return p


def descend(opt, dtype=np.float64, steps=STEPS):
    p = np.array(START, dtype)
    state = opt.init(p)
    for _ in range(steps):
        p, state = opt.update(p, np.array(gradient(p), dtype), state)
    return p, state


@pytest.mark.parametrize("opt", CONFIGURATIONS, ids=repr)
def test_fifty_steps_equal_the_loop_by_hand(opt):
    by_hand = sgd_by_hand if isinstance(opt, optim.SGD) else adam_by_hand
    np.testing.assert_allclose(descend(opt)[0], by_hand(opt, list(START)), rtol=0, atol=1e-10)


@pytest.mark.parametrize("opt", CONFIGURATIONS, ids=repr)
def test_fifty_steps_equal_torch(opt):
    torch = pytest.importorskip("torch")
    p = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    arguments = {k: v for k, v in opt.config().items() if k != "optimizer"}
    theirs = getattr(torch.optim, type(opt).__name__)([p], **arguments)
    for _ in range(STEPS):
        p.grad = torch.tensor(gradient(p.detach().tolist()), dtype=torch.float64)
        theirs.step()
    np.testing.assert_allclose(descend(opt)[0], p.detach().numpy(), rtol=0, atol=1e-6)


def test_known_numbers():
    """Frozen, so that both the rule and the loop by hand stay what they are."""
    np.testing.assert_allclose(
        descend(optim.SGD(lr=0.05, momentum=0.9, nesterov=True))[0],
        SGD_NUMBERS,
        rtol=0,
        atol=1e-9,
    )
    np.testing.assert_allclose(descend(optim.Adam(lr=0.1))[0], ADAM_NUMBERS, rtol=0, atol=1e-9)


SGD_NUMBERS = [-1.3267434690390258, -0.8685595022891902, -0.6436712170360199]
ADAM_NUMBERS = [-1.2757175757889054, -0.8652272917280934, -0.6064897736530324]


@pytest.mark.parametrize("opt", CONFIGURATIONS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (0, 2)])
def test_dtype_and_shape_stay(opt, dtype, shape):
    p = np.ones(shape, dtype)
    state = opt.init(p)
    for lr in (None, np.float64(0.1), np.float32(0.1), np.array(0.1), 0.0):
        p, state = opt.update(p, np.ones(shape, dtype), state, lr=lr)
        assert p.dtype == dtype
        assert p.shape == shape
        for slot in state["slots"][""].values():
            assert slot.dtype == dtype


@pytest.mark.parametrize("opt", CONFIGURATIONS, ids=repr)
def test_gradients_of_another_dtype_do_not_change_the_parameters(opt):
    p = np.ones(3, np.float32)
    p, state = opt.update(p, np.ones(3), opt.init(p))
    assert p.dtype == np.float32
    assert all(slot.dtype == np.float32 for slot in state["slots"][""].values())


def test_a_rule_that_widens_is_brought_back():
    class Wide(optim.SGD):
        def rule(self, p, g, slots, step, lr):
            return p - np.full(3, 0.5), {"seen": g * np.float64(2.0)}

    p, state = Wide(lr=0.1).update(*[np.ones(3, np.float32)] * 2, Wide(lr=0.1).init(np.ones(3)))
    assert p.dtype == state["slots"][""]["seen"].dtype == np.float32


@pytest.mark.parametrize("opt", CONFIGURATIONS, ids=repr)
def test_nothing_of_the_callers_is_changed(opt):
    arrays = [np.ones(3), np.full(3, 2.0)]
    state = opt.init(arrays[0])
    _, state = opt.update(*arrays, state)
    slots = state["slots"][""]
    kept = {name: slot.copy() for name, slot in slots.items()}
    for array in (*arrays, *slots.values()):
        array.flags.writeable = False
    opt.update(*arrays, state)
    assert state["step"] == 1
    np.testing.assert_array_equal(arrays[0], 1.0)
    for name, slot in kept.items():
        np.testing.assert_array_equal(slots[name], slot)


@pytest.mark.parametrize("opt", CONFIGURATIONS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_traced_update_serves_every_step(opt, dtype):
    params = {"W": np.ones((2, 3), dtype), "b": np.zeros(3, dtype)}
    rng = np.random.default_rng(0)
    grads = {k: rng.normal(size=v.shape).astype(dtype) for k, v in params.items()}
    graph = trace(lambda p, g, s, lr: opt.update(p, g, s, lr=lr))(
        params, grads, opt.init(params), np.float64(0.1)
    )
    eager, traced = (params, opt.init(params)), (params, opt.init(params))
    for i in range(4):
        lr = np.float64(0.1 / (i + 1))
        eager = opt.update(eager[0], grads, eager[1], lr=lr)
        traced = graph(traced[0], grads, traced[1], lr)
    for a, b in zip(flatten(eager)[0], flatten(traced)[0], strict=True):
        assert np.result_type(a) == np.result_type(b)
        np.testing.assert_allclose(a, b, rtol=1e-6 if dtype == np.float32 else 1e-14)


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


def test_a_state_survives_json_and_names():
    p, state = descend(optim.Adam(), steps=3)
    slots = {f"{k}/{s}": v for k, by_slot in state["slots"].items() for s, v in by_slot.items()}
    assert json.loads(json.dumps(state["step"])) == 3
    rebuilt = {"step": 3, "slots": {"": {s.split("/")[1]: v for s, v in slots.items()}}}
    a, _ = optim.Adam().update(p, p, state)
    b, _ = optim.Adam().update(p, p, rebuilt)
    np.testing.assert_array_equal(a, b)


def bad_arguments():
    for cls in (optim.SGD, optim.Adam):
        for name, constraint in cls.allowed.items():
            for value in constraint.bad_values():
                if name == "betas":
                    yield cls, {"betas": (0.9, value)}, "betas"
                    yield cls, {"betas": (value, 0.9)}, "betas"
                else:
                    yield cls, {name: value}, name


@pytest.mark.parametrize(("cls", "arguments", "name"), list(bad_arguments()), ids=str)
def test_hyperparameters_out_of_range_are_refused(cls, arguments, name):
    with pytest.raises(ArgumentError, match=rf"{cls.__name__}: {name}.* must be"):
        cls(**{"lr": 0.1} | arguments)


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


@pytest.mark.parametrize("opt", CONFIGURATIONS, ids=repr)
def test_configurations_survive_json(opt):
    assert optim.optimizer_from_config(json.loads(json.dumps(opt.config()))) == opt


@pytest.mark.parametrize(
    "config",
    [{}, {"optimizer": "os"}, {"optimizer": 3}, {"optimizer": "SGD", "lr": 0.1, "rate": 1}],
)
def test_configurations_of_nothing_known_are_refused(config):
    with pytest.raises(ArgumentError):
        optim.optimizer_from_config(config)


def test_numpy_numbers_as_hyperparameters():
    opt = optim.SGD(lr=np.float64(0.1), momentum=np.float32(0.5))
    assert type(opt.lr) is float
    assert type(opt.momentum) is float
    assert descend(opt, np.float32)[0].dtype == np.float32
