"""What a network has to beat: one answer for every row, and a linear model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.data import Table
from chainrule.graph import Array
from chainrule.models.settings import Settings
from chainrule.models.table import TableModel

_LINEAR_RATE = 0.02
_LINEAR_STEPS = 600


@dataclass(frozen=True)
class ConstantModel:
    """The most frequent class with the frequencies of all, or the mean, for every row.

    Parameters
    ----------
    model : TableModel
        The model that it stands beside; only its encoding of the targets is used.
    answer : array, shape (1, k)
        The finished answer.

    Examples
    --------
    >>> from chainrule.data import derive_target, load_iris
    >>> table = load_iris()
    >>> model = TableModel.untrained(table, derive_target(table, "species"))
    >>> round(ConstantModel.fit(model, table).score(table)["accuracy"], 3)
    0.333
    """

    model: TableModel
    answer: Array

    @classmethod
    def fit(cls, model: TableModel, table: Table) -> ConstantModel:
        """Take the answer from the training rows."""
        target = model.target
        return cls(model, model.given.constant(target, target.encode(table)))

    def score(self, table: Table) -> dict[str, Any]:
        """Measure the answer on the rows of a table."""
        target = self.model.target
        finished = self.answer.repeat(len(table), axis=0)
        return self.model.given.score(target, finished, target.encode(table))


def linear_model(model: TableModel, table: Table) -> TableModel:
    """Train a linear model on what a network is given: logistic or least-squares regression.

    It is the network without hidden layers, trained with Adam for at least 600 steps.

    Parameters
    ----------
    model : TableModel
        The network that it stands beside, trained or not.
    table : Table
        The training rows.

    Examples
    --------
    >>> from chainrule.data import derive_target, load_iris
    >>> table = load_iris()
    >>> model = TableModel.untrained(table, derive_target(table, "species"))
    >>> linear_model(model, table).score(table)["accuracy"] > 0.9
    True
    """
    batch_size = model.settings.resolved(len(table)).batch_size or 1
    steps = -(-len(table) // batch_size)
    settings = Settings(
        hidden=(),
        lr=_LINEAR_RATE,
        batch_size=batch_size,
        epochs=max(5, -(-_LINEAR_STEPS // steps)),
        weight_decay=1e-5,
        dropout=0.0,
        seed=model.settings.seed,
    )
    return model.rebuilt(settings.resolved(len(table))).fit(table)[0]
