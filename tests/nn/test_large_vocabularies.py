"""Costs of words by samples, noise, trees and clusters: values, gradients, distributions."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError, ShapeError
from chainrule.nn.large_vocabularies import (
    adaptive_log_probabilities,
    full_softmax,
    hierarchical_log_probabilities,
)

WORDS, WIDTH, ROWS = 11, 4, 6
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, WIDTH))
WEIGHT, BIAS = RNG.normal(size=(WORDS, WIDTH)), RNG.normal(size=WORDS)
TARGETS = np.array([0, 10, 3, 3, 7, 1])
COUNTS = np.array([50, 40, 30, 20, 10, 5, 5, 3, 2, 1, 1])
NOISE = nn.Noise(COUNTS)
LOG_NOISE = NOISE.log_probabilities.astype(float)
DRAWN = NOISE.draw(nn.Run(1), 8)
EVERY = np.arange(WORDS)
HUFFMAN, BALANCED = nn.huffman_tree(COUNTS), nn.balanced_tree(WORDS)
CUTOFFS = [3, 7]
HEAD = RNG.normal(size=(5, WIDTH))
TAILS = [
    (RNG.normal(size=(2, WIDTH)), RNG.normal(size=(4, 2))),
    (RNG.normal(size=(1, WIDTH)), RNG.normal(size=(4, 1))),
]
REFERENCE = Path(__file__).with_name("adaptive_softmax_of_torch.json")

# Name -> (cost, its arguments that have a gradient, the others)
CASES = {
    "full": (full_softmax, (X, WEIGHT, BIAS), (TARGETS,)),
    "sampled": (nn.sampled_softmax, (X, WEIGHT, BIAS), (TARGETS, DRAWN, LOG_NOISE)),
    "noise": (nn.noise_contrastive, (X, WEIGHT, BIAS), (TARGETS, DRAWN, LOG_NOISE)),
    "huffman": (nn.hierarchical_softmax, (X, WEIGHT[1:], BIAS[1:]), (TARGETS, HUFFMAN)),
    "balanced": (nn.hierarchical_softmax, (X, WEIGHT[1:], BIAS[1:]), (TARGETS, BALANCED)),
    "adaptive": (nn.adaptive_softmax, (X, HEAD, TAILS), (TARGETS, CUTOFFS)),
}


@pytest.mark.parametrize(("cost", "moved", "fixed"), CASES.values(), ids=CASES)
def test_gradients_are_those_of_finite_differences(cost, moved, fixed):
    cr.check_grads(lambda *moved: np.mean(cost(*moved, *fixed)), moved, rtol=1e-6)
    assert cost(*moved, *fixed).shape == (ROWS,)


@pytest.mark.parametrize(("cost", "moved", "fixed"), CASES.values(), ids=CASES)
def test_gradients_are_explained(cost, moved, fixed):
    def loss(x):
        return np.mean(cost(x, *moved[1:], *fixed))

    facts = str(cr.explain(loss)(X[:2]) if len(fixed[0]) == 2 else cr.explain(loss)(X))
    assert "checked by finite differences" in facts


def test_the_gradient_of_a_full_softmax_is_the_share_less_the_target():
    def cost(bias):
        return np.sum(full_softmax(X, WEIGHT, bias, TARGETS))

    shares = np.exp(-np.stack([full_softmax(X, WEIGHT, BIAS, np.full(ROWS, w)) for w in EVERY], 1))
    expected = (shares - np.eye(WORDS)[TARGETS]).sum(axis=0)
    np.testing.assert_allclose(cr.grad(cost)(BIAS), expected, atol=1e-12)


def test_a_sample_of_every_word_once_is_the_full_softmax():
    even = np.full(WORDS, -np.log(WORDS))
    costs = nn.sampled_softmax(X, WEIGHT, BIAS, TARGETS, EVERY, even)
    np.testing.assert_allclose(costs, full_softmax(X, WEIGHT, BIAS, TARGETS))


def test_more_samples_come_nearer_to_the_gradient_of_the_full_softmax():
    full = cr.grad(lambda w: np.mean(full_softmax(X, w, BIAS, TARGETS)))(WEIGHT)

    def error(n, seed):
        drawn = NOISE.draw(nn.Run(seed), n)
        cost = lambda w: np.mean(nn.sampled_softmax(X, w, BIAS, TARGETS, drawn, LOG_NOISE))
        return np.linalg.norm(cr.grad(cost)(WEIGHT) - full)

    few, many = (np.mean([error(n, seed) for seed in range(10)]) for n in (5, 5000))
    assert many < few / 10


def test_noise_is_told_apart_best_by_the_true_distribution():
    """The expected gradient is zero where scores are log-probabilities; nothing is summed up."""
    shares = COUNTS / COUNTS.sum()
    even, nothing = np.full(WORDS, -np.log(WORDS)), np.zeros((WORDS, WIDTH))

    def expected(bias):
        costs = nn.noise_contrastive(nothing, WEIGHT, bias, EVERY, EVERY, even)
        return np.sum(shares * costs)

    gradient = cr.grad(expected)
    np.testing.assert_allclose(gradient(np.log(shares)), 0.0, atol=1e-12)
    assert np.abs(gradient(np.log(shares) + 0.5)).max() > 0.01  # a sum of more than 1 is wrong


def test_rows_that_are_neither_target_nor_drawn_have_no_gradient():
    for cost in (nn.sampled_softmax, nn.noise_contrastive):
        found = cr.grad(lambda w, c=cost: np.sum(c(X, w, BIAS, TARGETS, DRAWN, LOG_NOISE)))(WEIGHT)
        still = np.setdiff1d(EVERY, [*TARGETS, *DRAWN])
        assert len(still)
        assert not found[still].any()


@pytest.mark.parametrize("tree", [HUFFMAN, BALANCED], ids=["huffman", "balanced"])
def test_a_tree_is_a_distribution(tree):
    every = hierarchical_log_probabilities(X, WEIGHT[1:], BIAS[1:], tree)
    np.testing.assert_allclose(np.exp(every).sum(axis=1), 1.0)
    costs = nn.hierarchical_softmax(X, WEIGHT[1:], BIAS[1:], TARGETS, tree)
    np.testing.assert_allclose(costs, -every[np.arange(ROWS), TARGETS])


def test_clusters_are_a_distribution():
    every = adaptive_log_probabilities(X, HEAD, TAILS, CUTOFFS)
    np.testing.assert_allclose(np.exp(every).sum(axis=1), 1.0)
    costs = nn.adaptive_softmax(X, HEAD, TAILS, TARGETS, CUTOFFS)
    np.testing.assert_allclose(costs, -every[np.arange(ROWS), TARGETS])


@given(st.lists(st.integers(0, 50), min_size=2, max_size=30))
def test_no_tree_has_shorter_ways_than_huffmans(counts):
    tree = nn.huffman_tree(counts)
    lengths = np.count_nonzero(tree.signs, axis=1)
    assert (0.5**lengths).sum() == 1  # Kraft: every leaf is a word
    # The sum over all joins of what is joined is the expected length: an independent count.
    waiting, total = sorted(counts), 0
    while len(waiting) > 1:
        joined = waiting[0] + waiting[1]
        total, waiting = total + joined, sorted([*waiting[2:], joined])
    assert lengths @ counts == total


@given(st.integers(2, 40))
def test_ways_of_a_balanced_tree_differ_by_one_decision(n_words):
    lengths = np.count_nonzero(nn.balanced_tree(n_words).signs, axis=1)
    assert (0.5**lengths).sum() == 1
    assert np.ptp(lengths) <= 1


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=20).filter(any), st.integers(0, 2**32))
def test_draws_follow_their_weights(weights, seed):
    noise = nn.Noise(weights)
    drawn = noise.draw(nn.Run(seed), 4000)
    shares = np.asarray(weights) / sum(weights)
    found = np.bincount(drawn, minlength=len(weights)) / 4000
    assert not found[shares == 0].any()
    # Ten standard deviations.
    np.testing.assert_allclose(found, shares, atol=10 * np.sqrt(0.25 / 4000))


def test_draws_are_the_same_in_a_trace():
    draw = cr.compile(lambda key: NOISE.draw(nn.Run(key), 50))
    np.testing.assert_array_equal(draw(np.uint64(5)), NOISE.draw(nn.Run(5), 50))


@pytest.mark.parametrize("name", nn.WORD_OUTPUTS)
def test_outputs_are_distributions_whose_costs_are_their_logarithms(name):
    output = nn.WORD_OUTPUTS[name](COUNTS, WIDTH, np.random.default_rng(0))
    x = X.astype(np.float32)
    every = output(x)
    assert every.dtype == np.float32
    np.testing.assert_allclose(np.exp(every).sum(axis=1), 1.0, rtol=1e-5)
    costs = output.costs(x, TARGETS)
    np.testing.assert_allclose(costs, -every[np.arange(ROWS), TARGETS], rtol=1e-5, atol=1e-5)
    assert output.costs(x, TARGETS, nn.Run(0)).dtype == np.float32


def test_the_numbers_of_pytorch():
    frozen = json.loads(REFERENCE.read_text(encoding="utf-8"))
    arrays = {k: np.array(v) for k, v in frozen["arrays"].items()}
    tails = [(arrays[f"down{i}"], arrays[f"up{i}"]) for i in range(2)]
    args = arrays["x"], arrays["head"], tails
    every = adaptive_log_probabilities(*args, frozen["cutoffs"])
    np.testing.assert_allclose(every, arrays["log_prob"], rtol=1e-10)
    cost = lambda x: np.mean(
        nn.adaptive_softmax(x, *args[1:], arrays["targets"], frozen["cutoffs"])
    )
    np.testing.assert_allclose(cost(arrays["x"]), frozen["loss"], rtol=1e-10)
    np.testing.assert_allclose(cr.grad(cost)(arrays["x"]), arrays["gradient"], rtol=1e-8)


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: nn.huffman_tree([3]), ShapeError, "two or more"),
    (lambda: nn.huffman_tree([3, -1]), ArgumentError, "not negative"),
    (lambda: nn.balanced_tree(1), ArgumentError, "n_words"),
    (lambda: nn.Noise([[1.0]]), ShapeError, "one row"),
    (lambda: nn.Noise([0.0, 0.0]), ArgumentError, "not all zero"),
    (lambda: nn.Noise([1.0, np.nan]), ArgumentError, "finite"),
    (lambda: nn.AdaptiveSoftmax(COUNTS, 4, None, cutoffs=[5, 3]), ArgumentError, "ascend"),
    (lambda: nn.AdaptiveSoftmax(COUNTS, 4, None, cutoffs=[11]), ArgumentError, "11 words"),
    (lambda: nn.AdaptiveSoftmax(COUNTS, 4, None, shrink=0.5), ArgumentError, "shrink"),
    (lambda: nn.HierarchicalSoftmax(COUNTS, 4, None, tree="oak"), ArgumentError, "huffman"),
    (lambda: nn.SampledSoftmax(COUNTS, 4, None, n_samples=0), ArgumentError, "n_samples"),
])  # fmt: skip
def test_refusals(make, error, words):
    with pytest.raises(error, match=words):
        make()
