"""Generation from a distribution that is known."""

import itertools

import numpy as np
import pytest

from chainrule.errors import ArgumentError
from chainrule.language.generation import generated

END = 0
SHARES = np.array([0.1, 0.5, 0.3, 0.1])


def alike(histories):
    """The same distribution after every history."""
    return np.log(np.tile(SHARES, (len(histories), 1)))


def by_last(histories):
    """A chain: the next word depends on the last."""
    table = np.array([[1, 5, 4, 0], [3, 1, 2, 4], [1, 1, 1, 7], [9, 1, 0, 0]]) / 10
    with np.errstate(divide="ignore"):
        return np.log(table[[ids[-1] for ids in histories]])


def shares(n=3000, **options):
    words = [generated(alike, [], 1, END, seed=seed, **options) for seed in range(n)]
    return np.bincount([w[0] if w else END for w in words], minlength=4) / n


def test_words_are_drawn_by_their_probabilities():
    np.testing.assert_allclose(shares(), SHARES, atol=0.03)


def test_temperature_is_a_power():
    np.testing.assert_allclose(shares(temperature=0.5), SHARES**2 / np.sum(SHARES**2), atol=0.03)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"top_k": 2}, [1, 2]),
        ({"top_k": 99}, [0, 1, 2, 3]),
        ({"top_p": 0.6}, [1, 2]),
        ({"top_p": 0.5}, [1]),
    ],
)
def test_the_likeliest_are_kept(options, kept):
    expected = np.where(np.isin(range(4), kept), SHARES, 0)
    np.testing.assert_allclose(shares(**options), expected / expected.sum(), atol=0.03)


def test_the_coldest_takes_the_likeliest():
    assert generated(by_last, [0], 3, END, temperature=0) == [1, 3]


def test_a_beam_that_is_wide_enough_finds_the_best_of_all():
    def score(words):
        path = [0, *words]
        with np.errstate(divide="ignore"):
            each = [by_last([[a]])[0][b] for a, b in itertools.pairwise(path)]
        return sum(each) / len(words)

    length = 4
    every = [
        words
        for n in range(1, length + 1)
        for words in itertools.product(range(4), repeat=n)
        if END not in words[:-1] and (words[-1] == END or n == length)
    ]
    best = max(every, key=score)
    found = generated(by_last, [0], length, END, beam=4**length)
    assert found == [word for word in best if word != END]


def test_lengths_and_ends():
    assert generated(alike, [1], 0, END) == []
    assert generated(alike, [1], 0, END, beam=2) == []
    long = generated(alike, [1], 500, END, seed=3)
    assert END not in long
    assert len(long) < 500


@pytest.mark.parametrize(
    "wrong",
    [{"length": -1}, {"temperature": -0.1}, {"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.1},
     {"beam": 0}, {"seed": -1}, {"beam": 2, "temperature": 0.5}, {"beam": 2, "top_k": 3}],
)  # fmt: skip
def test_refusals(wrong):
    with pytest.raises(ArgumentError, match="generate"):
        generated(alike, [], **{"length": 3, "end": END, **wrong})
