"""The embedded sets against independent copies."""

import numpy as np
from sklearn import datasets

from chainrule.data import load_digits, load_iris


def test_digits_equal_the_copy_of_scikit_learn():
    table, (X, y) = load_digits(), datasets.load_digits(return_X_y=True)
    pixels = np.stack([table[name].numbers() for name in table.names[:-1]], axis=1)
    assert np.array_equal(pixels, X)
    assert np.array_equal(table["digit"].numbers(), y)
    assert table.names[:10:9] == ["pixel_0_0", "pixel_1_1"]


def test_iris_differs_from_fisher_where_it_is_said_to():
    table, (X, y) = load_iris(), datasets.load_iris(return_X_y=True)
    measures = np.stack([table[name].numbers() for name in table.names[:-1]], axis=1)
    assert np.argwhere(measures != X).tolist() == [[34, 3], [37, 1], [37, 2]]
    assert np.array_equal(table["species"].categories()[1], y)
