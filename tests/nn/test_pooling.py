"""Pooled embeddings: values by hand, gradients by differences, what padding and dropout do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import grad, nn
from chainrule.autodiff import check_grads
from chainrule.errors import ArgumentError

IDS = np.array([[1, 2, 2, 0], [3, 0, 0, 0], [0, 0, 0, 0], [4, 1, 3, 2]])


def layer(pooling, **options):
    made = nn.PooledEmbedding(5, 3, 0, pooling=pooling, dtype=np.float64, **options)
    if made.log_weight is not None:
        made.log_weight[:] = np.linspace(-1, 1, 5)
    return made


def by_hand(made, ids):
    rows = [i for i in ids if i]
    if made.pooling == "concatenate":
        return np.concatenate([made.weight[i] if i else np.zeros(3) for i in ids])
    if not rows:
        return np.zeros(3)
    vectors = made.weight[rows]
    if made.pooling == "weighted":
        weights = np.exp(made.log_weight[rows])
        return weights @ vectors / np.linalg.norm(weights)
    return getattr(vectors, made.pooling)(axis=0)


@pytest.mark.parametrize("pooling", nn.POOLINGS)
def test_values(pooling):
    made = layer(pooling)
    expected = [by_hand(made, ids) for ids in IDS]
    np.testing.assert_allclose(made(IDS), expected, rtol=1e-14)


@pytest.mark.parametrize("pooling", nn.POOLINGS)
def test_gradients(pooling):
    made = layer(pooling)
    u = np.cos(np.arange(made(IDS).size)).reshape(made(IDS).shape)
    check_grads(lambda model: np.sum(np.tanh(model(IDS)) * u), (made,), order=1)


@pytest.mark.parametrize("pooling", nn.POOLINGS)
def test_what_fills_up_is_never_read(pooling):
    made = layer(pooling)
    found = grad(lambda model: np.sum(model(IDS) ** 2))(made)
    assert not found.weight[0].any()
    before = made(IDS)
    made.weight[0] = np.nan if pooling == "max" else 1e6
    if pooling != "concatenate":
        wider = np.concatenate([IDS, np.zeros((4, 3), int)], axis=1)
        np.testing.assert_allclose(made(wider), before)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_bags_have_no_order(ids, random):
    shuffled = list(ids)
    random.shuffle(shuffled)
    for pooling in ("mean", "max", "sum", "weighted"):
        made = layer(pooling)
        np.testing.assert_allclose(made(np.array([ids])), made(np.array([shuffled])), atol=1e-12)


def test_equal_weights_divide_by_the_root_of_the_length():
    weighted, summed = layer("weighted"), layer("sum")
    weighted.log_weight[:] = 0.3
    np.testing.assert_allclose(weighted(IDS[:1]), summed(IDS[:1]) / np.sqrt(3))


def test_word_dropout_leaves_tokens_out_whole_and_only_in_training():
    made = layer("sum", word_dropout=0.4)
    made.weight[:] = 1.0
    ids = np.ones((200, 50), int)
    np.testing.assert_array_equal(made(ids), np.full((200, 3), 50.0))
    trained = made(ids, nn.Run(7))
    assert (trained == trained[:, :1]).all()  # a token is there in all its columns or in none
    assert abs(trained.mean() - 50.0) < 0.5  # scaled up for those that are missing
    mean = nn.PooledEmbedding(5, 3, 0, pooling="mean", word_dropout=0.4)
    mean.weight[:] = 1.0
    np.testing.assert_allclose(mean(ids, nn.Run(7)), 1.0)


def test_fixed_vectors_are_buffers_and_weights_are_not():
    made = nn.FixedPooledEmbedding(5, 3, 0, pooling="weighted")
    assert list(nn.named_parameters(made)) == ["log_weight"]
    assert list(nn.named_buffers(made)) == ["weight"]


@pytest.mark.parametrize("options", [{"pooling": "median"}, {"word_dropout": 1.0}])
def test_bad_arguments_are_refused(options):
    with pytest.raises(ArgumentError, match=next(iter(options))):
        nn.PooledEmbedding(5, 3, 0, **options)
