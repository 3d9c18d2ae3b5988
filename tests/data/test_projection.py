"""Principal components: those of scikit-learn, and the cases in which there are none."""

import numpy as np
import pytest

from chainrule.data import principal_components
from chainrule.errors import ShapeError


def test_components_are_those_of_scikit_learn():
    decomposition = pytest.importorskip("sklearn.decomposition")
    rows = np.random.default_rng(0).normal(size=(40, 5)) @ np.diag([5, 3, 2, 1, 0.5]) + 7
    found = principal_components(rows, 3)
    pca = decomposition.PCA(3).fit(rows)
    signs = np.sign(np.sum(found.axes * pca.components_, axis=1))
    np.testing.assert_allclose(found.axes, signs[:, None] * pca.components_, atol=1e-10)
    np.testing.assert_allclose(found.scores, signs * pca.transform(rows), atol=1e-10)
    np.testing.assert_allclose(found.shares, pca.explained_variance_ratio_)
    largest = np.abs(found.axes).argmax(axis=1)
    assert (found.axes[np.arange(3), largest] > 0).all()


@pytest.mark.parametrize("rows", [np.ones((4, 3)), np.ones((1, 3)), np.arange(4.0)[:, None]])
def test_where_there_are_fewer_directions_the_rest_is_zero(rows):
    found = principal_components(rows, 2)
    assert found.scores.shape == (len(rows), 2)
    assert found.shares[1] == 0
    assert not found.scores[:, 1].any()


def test_what_is_no_matrix_is_refused():
    for bad in (np.ones(3), np.ones((0, 2)), np.ones((2, 0))):
        with pytest.raises(ShapeError, match=r"expected \(n, d\)"):
            principal_components(bad)
