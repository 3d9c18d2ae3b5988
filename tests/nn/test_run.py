"""Philox against its published vectors, draws in and out of traces, running statistics."""

import numpy as np
import pytest
from scipy import stats

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError, DtypeError
from chainrule.graph import trace

# Random123, file kat_vectors, lines "philox4x32 10": counter, key, result.
KNOWN_ANSWERS = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def words(text):
    return [np.uint64(int(word, 16)) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_known_answers(counter, key, expected):
    assert [int(w) for w in nn.philox4x32(words(counter), words(key))] == words(expected)


def test_known_answers_as_arrays():
    counters = np.array([words(c) for c, _, _ in KNOWN_ANSWERS]).T
    keys = np.array([words(k) for _, k, _ in KNOWN_ANSWERS]).T
    found = nn.philox4x32(list(counters), list(keys))
    np.testing.assert_array_equal(found, np.array([words(e) for _, _, e in KNOWN_ANSWERS]).T)


def test_draws_are_the_words_in_order():
    drawn = nn.Run(2**33 + 5, step=2**32 + 3).uniform(np.zeros((3, 2), np.float32))
    key = [np.uint64(5), np.uint64(2)]
    step = [np.uint64(3), np.uint64(1)]
    expected = [
        int(word) >> 8
        for block in range(2)
        for word in nn.philox4x32([np.uint64(block), np.uint64(0), *step], key)
    ]
    np.testing.assert_array_equal(drawn.ravel() * 2**24, expected[:6])


def test_golden_draws():
    run = nn.Run(42)
    first, second = run.uniform(np.zeros(3)), run.uniform(np.zeros(3))
    np.testing.assert_array_equal(first * 2**24, GOLDEN[0])
    np.testing.assert_array_equal(second * 2**24, GOLDEN[1])


GOLDEN = [[10283760, 7861577, 1228624], [4382904, 8240989, 3139385]]


@pytest.mark.parametrize("shape", [(), (1,), (0,), (4,), (5,), (2, 3, 4), (0, 3)])
def test_shapes_and_dtypes(shape):
    for dtype in (np.float32, np.float64):
        drawn = nn.Run(0).uniform(np.zeros(shape, dtype))
        assert np.shape(drawn) == shape
        assert drawn.dtype == dtype


def test_dtypes_draw_the_same():
    single = nn.Run(3).uniform(np.zeros(100, np.float32))
    np.testing.assert_array_equal(single, nn.Run(3).uniform(np.zeros(100)))


def test_keys_steps_and_draws_differ():
    like = np.zeros(8)
    run = nn.Run(0)
    drawn = [run.uniform(like), run.uniform(like), nn.Run(1).uniform(like)]
    drawn += [nn.Run(0, step=1).uniform(like), nn.Run(2**32).uniform(like)]
    drawn += [nn.Run(0, step=2**32).uniform(like)]
    assert len({tuple(d) for d in drawn}) == 6
    np.testing.assert_array_equal(nn.Run(0).uniform(like), drawn[0])


def test_the_distribution_is_uniform():
    drawn = nn.Run(7).uniform(np.zeros(20_000))
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0
    assert stats.kstest(drawn, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.03


def test_a_trace_serves_every_key_and_every_batch_size():
    def draw(key, step, like):
        run = nn.Run(key, step)
        return run.uniform(like), run.uniform(like)

    graph = trace(draw)(np.uint64(0), np.uint64(0), np.zeros((2, 3), np.float32))
    for key, step, shape in ((9, 1, (2, 3)), (2**40 + 1, 2**35, (7, 3)), (0, 0, (1, 1))):
        like = np.ones(shape, np.float32)
        traced = graph(np.uint64(key), np.uint64(step), like)
        for a, b in zip(traced, draw(key, step, like), strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == np.float32


def test_a_traced_key_of_another_dtype_is_refused():
    with pytest.raises(DtypeError, match="uint64"):
        trace(lambda key: nn.Run(key).uniform(np.zeros(2)))(np.int64(0))


@pytest.mark.parametrize("key", [-1, 2**64, 0.5, "0", None])
def test_bad_keys_are_refused(key):
    with pytest.raises(ArgumentError, match="key"):
        nn.Run(key)
    with pytest.raises(ArgumentError, match="step"):
        nn.Run(0, key)


class TestRunningStatistics:
    def model(self):
        return nn.Sequential(nn.Linear(2, 3, rng=0), nn.Residual(nn.BatchNorm(3, momentum=0.25)))

    def test_names_are_those_of_the_buffers(self):
        model, run = self.model(), nn.Run(0)
        model(np.random.default_rng(0).normal(size=(4, 2)), run)
        assert list(run.updates) == list(nn.named_buffers(model))
        assert list(run.updates) == ["1.inner.running_mean", "1.inner.running_var"]

    def test_they_move_towards_the_batch(self):
        model, run = self.model(), nn.Run(0)
        x = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
        model(x, run)
        h = getattr(model, "0")(x)
        moved = nn.named_buffers(run.apply(model))
        np.testing.assert_allclose(moved["1.inner.running_mean"], 0.25 * h.mean(0), rtol=1e-5)
        np.testing.assert_allclose(
            moved["1.inner.running_var"], 0.75 + 0.25 * h.var(0, ddof=1), rtol=1e-5
        )
        assert nn.named_buffers(model)["1.inner.running_mean"].tolist() == [0.0, 0.0, 0.0]

    def test_a_layer_used_twice_moves_twice(self):
        class Twice(nn.Module):
            def __init__(self):
                self.norm = nn.BatchNorm(1, momentum=0.5)

            def forward(self, x, run=None):
                return self.norm(x, run) + self.norm(x + 2.0, run)

        run = nn.Run(0)
        model = Twice()
        model(np.array([[0.0], [2.0]]), run)
        assert run.apply(model).norm.running_mean == pytest.approx(1.75)

    def test_gradients_leave_plain_arrays(self):
        model, run = self.model(), nn.Run(0)
        x = np.random.default_rng(0).normal(size=(4, 2))
        gradient = cr.grad(lambda m: np.sum(m(x, run) ** 2))(model)
        updated = run.apply(model)
        assert all(type(v) is np.ndarray for v in nn.named_buffers(updated).values())
        assert all(type(v) is np.ndarray for values in run.updates.values() for v in values)
        assert np.any(nn.named_parameters(gradient)["0.weight"])

    def test_nothing_to_apply(self):
        model = self.model()
        assert nn.Run(0).apply(model) is model

    def test_a_layer_from_elsewhere_is_refused(self):
        stranger = nn.BatchNorm(2)

        class Borrower(nn.Module):
            def forward(self, x, run=None):
                return stranger(x, run)

        with pytest.raises(ArgumentError, match="attribute"):
            Borrower()(np.ones((2, 2)), nn.Run(0))

    def test_a_layer_alone(self):
        norm, run = nn.BatchNorm(1), nn.Run(0)
        norm(np.array([[0.0], [2.0]]), run)
        assert list(run.updates) == ["running_mean", "running_var"]
