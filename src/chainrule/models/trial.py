"""`Trial`: rows divided for training, early stopping and judging; a network beside baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chainrule import nn
from chainrule.data import ColumnType, Table, column_types, derive_target, split
from chainrule.errors import DataError
from chainrule.models.baselines import ConstantModel, linear_model
from chainrule.models.settings import Settings
from chainrule.models.table import TableModel
from chainrule.training import History


@dataclass(frozen=True)
class Trial:
    """A network that is about to be trained, and the parts of a table.

    Parameters
    ----------
    model : TableModel
        The untrained model.
    types : dict of str to ColumnType
        What each column that is not a target means.
    training, held_out : Table
        The rows to learn from, and those to be judged on.
    validation : Table, optional
        The rows that early stopping watches.
    """

    model: TableModel
    types: Mapping[str, ColumnType]
    training: Table
    held_out: Table
    validation: Table | None = None

    @classmethod
    def prepare(
        cls,
        table: Table,
        target: str | Iterable[str],
        *,
        task: str | None = None,
        types: Mapping[str, str] | None = None,
        hold_out: float = 0.2,
        settings: Settings | None = None,
    ) -> Trial:
        """Derive the task, divide the rows and build the network.

        Rows without a target are dropped. Classes keep their shares in every part.

        Parameters
        ----------
        table : Table
            All rows.
        target : str or iterable of str
            The columns that are to be predicted.
        task : str, optional
            As for `chainrule.data.derive_target`; the type of a single target decides it too.
        types : mapping of str to str, optional
            As for `chainrule.data.column_types`.
        hold_out : float in (0, 1)
            Share of the rows that is kept for judging.
        settings : Settings, optional
            Choices; what is left open is decided by the number of training rows.

        Raises
        ------
        DataError
            If the columns cannot be used or there are too few rows.

        Examples
        --------
        >>> from chainrule.data import load_iris
        >>> trial = Trial.prepare(load_iris(), "species")
        >>> len(trial.training), len(trial.held_out), trial.model.target.task
        (120, 30, 'multiclass')
        """
        settings = settings or Settings()
        targets = [target] if isinstance(target, str) else list(target)
        table.require(targets)
        task = task or _task_of_type(table, targets, types or {})
        derived = derive_target(table, targets, task=task)
        known = table.take(derived.labelled(table))
        if len(known) < 3:
            raise DataError(f"{len(known)} rows are too few to learn from", path=table.path)
        found = column_types(known.drop(derived.columns), _inputs_only(types, derived.columns))
        learning, held_out = _divided(known, derived, hold_out, settings.seed)
        settings = settings.resolved(len(learning), derived.task == "regression")
        training, validation = learning, None
        if settings.validation:
            training, validation = _divided(learning, derived, settings.validation, settings.seed)
        model = TableModel.untrained(training, derived, settings, found)
        return cls(model, found, training, held_out, validation)

    def run(self, **options: Any) -> Result:
        """Train the network and the baselines.

        Parameters
        ----------
        **options
            ``checkpoint``, ``resume``, ``callbacks``, ``progress`` and ``engine`` of
            `TableModel.fit`.
        """
        model, history = self.model.fit(self.training, self.validation, **options)
        constant = ConstantModel.fit(self.model, self.training)
        linear = linear_model(self.model, self.training)
        return Result(replace(self, model=model), history, constant, linear)


@dataclass(frozen=True)
class Result:
    """What came of a trial.

    Parameters
    ----------
    trial : Trial
        The trial, with its model trained.
    history : History
        What was measured after each epoch.
    constant : ConstantModel
        The majority class or the mean.
    linear : TableModel
        The linear model.
    """

    trial: Trial
    history: History
    constant: ConstantModel
    linear: TableModel

    def metrics(self) -> dict[str, Any]:
        """Return the measures of the network and of the baselines, ready for JSON."""
        trial, held_out = self.trial, self.trial.held_out
        target = trial.model.target
        return {
            "task": target.task,
            "target": list(target.columns),
            "rows": {
                "training": len(trial.training),
                "validation": 0 if trial.validation is None else len(trial.validation),
                "held_out": len(held_out),
            },
            "epochs": len(self.history),
            "best_epoch": self.history.best_epoch,
            "engine": self.history.engine,
            "parameters": nn.count_parameters(trial.model.network),
            "held_out": {
                "network": trial.model.score(held_out),
                "linear": self.linear.score(held_out),
                "constant": self.constant.score(held_out),
            },
        }


def _divided(table: Table, target: Any, fraction: float, seed: int) -> tuple[Table, Table]:
    first, second = split(len(table), fraction, seed, target.strata(table))
    return table.take(first), table.take(second)


def _task_of_type(table: Table, targets: list[str], types: Mapping[str, str]) -> str | None:
    """Return the task that follows from the type which the user gave a single target."""
    name = targets[0] if len(targets) == 1 else ""
    if name not in types:
        return None
    if types[name] == "number":
        return "regression"
    if types[name] in ("category", "boolean"):
        return "binary" if len(table[name].categories()[0]) == 2 else "multiclass"
    raise DataError(
        f"a target is a number, a category or a boolean, not {types[name]!r}", column=name
    )


def _inputs_only(types: Mapping[str, str] | None, targets: Iterable[str]) -> dict[str, str]:
    return {name: kind for name, kind in (types or {}).items() if name not in set(targets)}
