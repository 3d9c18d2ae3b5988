"""Chains of tags: against all sequences written down, recursion from left to right, differences."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError, DtypeError, ShapeError
from chainrule.nn import ChainScores

ROWS = np.array([[0, 1, 2, -1, 1], [-1, 2, 2, -1, 0], [1, 0, 0, 0, 2], [-1, -1, 1, -1, -1]])


def scores_of(shape, seed=0, scale=1.0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    n, length, k = shape
    shapes = (n, length, k), (k, k), (k,), (k,)
    return ChainScores(*[(scale * rng.normal(size=s)).astype(dtype) for s in shapes])


def sequences(row):
    """The places of each sequence in a row of tags."""
    found, own = [], []
    for t, tag in enumerate([*row, -1]):
        if tag >= 0:
            own.append(t)
        elif own:
            found.append(own)
            own = []
    return found


def score(scores, row, places, tags):
    emitted = sum(scores.emissions[row, t, tag] for t, tag in zip(places, tags, strict=True))
    moved = sum(scores.transitions[pair] for pair in pairwise(tags))
    return emitted + moved + scores.start[tags[0]] + scores.end[tags[-1]]


def every(scores, row, places):
    """All sequences of tags in some places, and their scores."""
    paths = list(product(range(scores.emissions.shape[-1]), repeat=len(places)))
    return paths, np.array([score(scores, row, places, path) for path in paths])


def test_the_loss_is_that_of_all_sequences_written_down():
    scores = scores_of((*ROWS.shape, 3))
    expected = np.zeros(len(ROWS))
    for i, row in enumerate(ROWS):
        for places in sequences(row):
            total = np.log(np.sum(np.exp(every(scores, i, places)[1])))
            expected[i] += total - score(scores, i, places, [row[t] for t in places])
    np.testing.assert_allclose(nn.chain_nll(scores, ROWS, reduction="none"), expected)
    n_words = np.sum(ROWS >= 0)
    np.testing.assert_allclose(nn.chain_nll(scores, ROWS), expected.sum() / n_words)
    assert expected[3] == pytest.approx(
        np.log(np.sum(np.exp(scores.emissions[3, 2] + scores.start + scores.end)))
        - scores.emissions[3, 2, 1] - scores.start[1] - scores.end[1]
    )  # fmt: skip


def test_viterbi_finds_the_best_of_all_sequences():
    scores = scores_of((*ROWS.shape, 3), seed=1)
    best = np.full(ROWS.shape, -1)
    for i, row in enumerate(ROWS):
        for places in sequences(row):
            paths, values = every(scores, i, places)
            best[i, places] = paths[int(np.argmax(values))]
    np.testing.assert_array_equal(nn.viterbi(scores, ROWS >= 0), best)


def test_marginals_are_those_of_all_sequences():
    scores = scores_of((*ROWS.shape, 3), seed=2)
    expected = np.zeros(scores.emissions.shape)
    for i, row in enumerate(ROWS):
        for places in sequences(row):
            paths, values = every(scores, i, places)
            shares = np.exp(values) / np.sum(np.exp(values))
            for path, share in zip(paths, shares, strict=True):
                expected[i, places, path] += share
    np.testing.assert_allclose(nn.chain_marginals(scores, ROWS >= 0), expected, atol=1e-12)


def from_left_to_right(scores, row, tags):
    """The loss of one sequence by the forward recursion, as in pytorch-crf."""
    alpha = scores.start + scores.emissions[row, 0]
    for t in range(1, len(tags)):
        steps = alpha[:, None] + scores.transitions + scores.emissions[row, t]
        top = steps.max(axis=0)
        alpha = top + np.log(np.exp(steps - top).sum(axis=0))
    alpha = alpha + scores.end
    total = alpha.max() + np.log(np.exp(alpha - alpha.max()).sum())
    return total - score(scores, row, range(len(tags)), tags)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 6), st.floats(0.01, 30))
def test_the_loss_is_that_of_the_recursion(seed, length, k, scale):
    scores = scores_of((1, length, k), seed, scale)
    tags = np.random.default_rng(seed).integers(0, k, (1, length))
    expected = from_left_to_right(scores, 0, tags[0].tolist())
    found = nn.chain_nll(scores, tags, reduction="sum")
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-7)


def test_gradients_are_those_of_differences():
    cr.check_grads(lambda *s: nn.chain_nll(ChainScores(*s), ROWS), tuple(scores_of((4, 5, 3))))


def test_large_scores_lose_nothing_in_float32():
    scores = scores_of((2, 60, 4), seed=3)
    scores = scores._replace(emissions=500 * scores.emissions, transitions=5 * scores.transitions)
    tags = nn.viterbi(scores, np.ones((2, 60), bool))
    tags[0, 7] = (tags[0, 7] + 1) % 4
    single = ChainScores(*[array.astype(np.float32) for array in scores])
    exact = nn.chain_nll(scores, tags, reduction="none")
    assert np.all(np.isfinite(exact))
    assert exact[0] > 1 > exact[1]
    np.testing.assert_allclose(
        nn.chain_nll(single, tags, reduction="none"), exact, rtol=1e-3, atol=0.05
    )
    gradient = cr.grad(lambda e: nn.chain_nll(single._replace(emissions=e), tags))(single.emissions)
    assert np.all(np.isfinite(gradient))


def test_places_without_words_count_for_nothing():
    scores = scores_of((*ROWS.shape, 3))
    nowhere = (ROWS < 0)[..., None]
    other = scores._replace(emissions=np.where(nowhere, 1e3, scores.emissions))
    assert nn.chain_nll(other, ROWS) == pytest.approx(nn.chain_nll(scores, ROWS), rel=1e-12)
    gradient = cr.grad(lambda e: nn.chain_nll(scores._replace(emissions=e), ROWS))(other.emissions)
    assert not np.any(gradient[ROWS < 0])


def test_sequences_in_one_row_are_as_in_rows_of_their_own():
    scores = scores_of((1, 7, 3))
    together = np.array([[0, 2, 1, -1, 1, 1, 0]])
    apart = ChainScores(
        np.concatenate([scores.emissions[:, :3], scores.emissions[:, 4:]]), *scores[1:]
    )
    two = nn.chain_nll(apart, np.array([[0, 2, 1], [1, 1, 0]]), reduction="none")
    assert nn.chain_nll(scores, together, reduction="sum") == pytest.approx(two.sum(), rel=1e-12)


def test_weights_of_rows_and_means_over_words():
    scores = scores_of((*ROWS.shape, 3))
    costs, n_words = nn.chain_nll(scores, ROWS, reduction="none"), np.sum(ROWS >= 0, axis=1)
    weight = np.array([1.0, 0.0, 2.0, 1.0])
    found = nn.chain_nll(scores, ROWS, sample_weight=weight)
    np.testing.assert_allclose(found, np.sum(weight * costs) / np.sum(weight * n_words))


@pytest.mark.parametrize("engine", ["interpreter", "numpy", "numba"])
def test_engines_agree(engine):
    if engine == "numba":
        pytest.importorskip("numba")
    scores = scores_of((4, 5, 3), dtype=np.float32)

    def step(emissions, tags):
        return cr.grad(lambda e: nn.chain_nll(scores._replace(emissions=e), tags))(emissions)

    program = cr.compile(step, engine=engine)
    np.testing.assert_allclose(
        program(scores.emissions, ROWS), step(scores.emissions, ROWS), rtol=1e-4, atol=1e-6
    )


def test_what_is_refused():
    scores = scores_of((2, 3, 2))
    with pytest.raises(ArgumentError, match="row 1 has 2"):
        nn.chain_nll(scores, [[0, 1, 1], [0, 2, 0]])
    with pytest.raises(ArgumentError, match="row 0 has -2"):
        nn.chain_nll(scores, [[0, 1, -2], [0, 1, 0]])
    with pytest.raises(ShapeError, match=r"\(2, 3\)|\(n, T\)"):
        nn.chain_nll(scores, [[0, 1]])
    with pytest.raises(DtypeError, match="integers"):
        nn.chain_nll(scores, np.zeros((2, 3)))
    with pytest.raises(ArgumentError, match="n_tags"):
        nn.Chain(0)
