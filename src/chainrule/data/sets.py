"""Two small data sets that come with chainrule; sets/PROVENANCE.md tells where they are from."""

from __future__ import annotations

from importlib.resources import as_file, files

from chainrule.data.reader import read_table
from chainrule.data.table import Table


def load_iris() -> Table:
    """Return Fisher's irises: 150 flowers of three species, four measures in cm.

    Returns
    -------
    Table
        Columns sepal_length, sepal_width, petal_length, petal_width, species.

    References
    ----------
    R. A. Fisher (1936), The use of multiple measurements in taxonomic problems. Two rows differ
    from the paper, as they do in the usual copies: see ``sets/PROVENANCE.md``.

    Examples
    --------
    >>> table = load_iris()
    >>> len(table), table["species"].categories()[0]
    (150, ['Iris-setosa', 'Iris-versicolor', 'Iris-virginica'])
    """
    return _load("iris")


def load_digits() -> Table:
    """Return 1,797 handwritten digits, images of 8 x 8 pixels from 0 (white) to 16.

    Returns
    -------
    Table
        Columns pixel_0_0 (row, column) to pixel_7_7, and digit.

    References
    ----------
    E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository; its test part.

    Examples
    --------
    >>> table = load_digits()
    >>> len(table), len(table.names), table["digit"].numbers()[:4].tolist()
    (1797, 65, [0.0, 1.0, 2.0, 3.0])
    """
    return _load("digits")


def _load(name: str) -> Table:
    with as_file(files("chainrule.data") / "sets" / f"{name}.csv.gz") as path:
        return read_table(path, header=True)
