"""`TableModel`: from the rows of a table to predictions, and back from a folder of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.data import Table, TableEncoder, Target, as_table
from chainrule.errors import ChainruleError, DataError, FileFormatError
from chainrule.graph import Array
from chainrule.graph.tree import map_leaves
from chainrule.io import load_json, load_tensors, save_json, save_tensors
from chainrule.models.given import GIVEN, Given
from chainrule.models.settings import Settings
from chainrule.optim import Cosine
from chainrule.training import EarlyStopping, Exhibit, History, fit
from chainrule.training import predict as network_outputs

CONFIG, WEIGHTS = "config.json", "weights.safetensors"
_FORMAT = 1


@dataclass(frozen=True)
class TableModel:
    """A network for tables, with all that it needs to read rows and to say what it found.

    Parameters
    ----------
    encoder : TableEncoder
        Turns columns into inputs.
    target : Target
        Turns target columns into what is learnt, and outputs into answers.
    network : nn.TableNetwork
        The trained, or not yet trained, network.
    settings : Settings
        The choices that were made.

    Examples
    --------
    >>> from chainrule.data import derive_target, load_iris
    >>> table = load_iris()
    >>> model = TableModel.untrained(table, derive_target(table, "species"), Settings(epochs=30))
    >>> model = model.fit(table)[0]
    >>> model.score(table)["accuracy"] > 0.9
    True
    """

    encoder: TableEncoder
    target: Target
    network: nn.TableNetwork
    settings: Settings

    @classmethod
    def untrained(
        cls,
        table: Table,
        target: Target,
        settings: Settings | None = None,
        types: Mapping[str, Any] | None = None,
    ) -> TableModel:
        """Build a network that fits a table.

        Parameters
        ----------
        table : Table
            The training rows.
        target : Target
            What is to be predicted, from `chainrule.data.derive_target`.
        settings : Settings, optional
            Choices; what is left open is decided by the number of rows.
        types : mapping of str to str or ColumnType, optional
            As for `chainrule.data.column_types`.

        Raises
        ------
        DataError
            If the columns cannot be used.
        """
        settings = (settings or Settings()).resolved(len(table), target.task == "regression")
        if settings.class_weight != "none" and target.task == "regression":
            raise DataError("class_weight is for classes, and numbers are to be predicted")
        encoder = TableEncoder.fit(
            table, target=target.columns, types=types, scaling=settings.scaling
        )
        network = _network(encoder, target, settings)
        return cls(encoder, target.fit(table), network, settings)

    def rebuilt(self, settings: Settings) -> TableModel:
        """Return an untrained model of other, resolved, settings for the same inputs."""
        return replace(
            self, network=_network(self.encoder, self.target, settings), settings=settings
        )

    @property
    def given(self) -> Given:
        """What follows from the task: the output's activation, the loss and the measures."""
        return GIVEN[self.target.task]

    def arrays(self, table: Table) -> tuple[dict[str, Array], Array]:
        """Return rows as the network is trained on them: inputs and targets."""
        return self.encoder.transform(table), self.target.encode(table)

    def exhibit(self, table: Table, validation: Table | None = None) -> Exhibit:
        """Return the network with rows of a table, to be looked into."""
        s = self.settings
        assert s.batch_size is not None
        return Exhibit(
            self.network, self.given.loss_function, *self.arrays(table), s.make_optimizer(),
            s.batch_size, s.seed, None if validation is None else self.arrays(validation),
            self.encoder.feature_names,
        )  # fmt: skip

    def fit(
        self,
        table: Table,
        validation: Table | None = None,
        *,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        callbacks: Sequence[Any] = (),
        progress: Any = False,
        engine: str = "auto",
    ) -> tuple[TableModel, History]:
        """Train on the rows of a table.

        Parameters
        ----------
        table : Table
            The training rows; no target may be missing.
        validation : Table, optional
            Rows that early stopping watches; the weights of the best epoch are kept.
        checkpoint, resume, callbacks, progress, engine
            As for `chainrule.training.fit`.

        Returns
        -------
        model : TableModel
            The trained model.
        history : History
            What was measured after each epoch.
        """
        settings = self.settings
        assert settings.epochs is not None
        assert settings.batch_size is not None
        assert settings.patience is not None
        steps = settings.epochs * -(-len(table) // settings.batch_size)
        watched = None if validation is None else self.arrays(validation)
        network, history = fit(
            self.network,
            self.arrays(table),
            loss=self.given.loss_function,
            optimizer=settings.make_optimizer(),
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            seed=settings.seed,
            class_weight=None if settings.class_weight == "none" else settings.class_weight,
            validation=watched,
            schedule=Cosine(steps),
            early_stopping=None if watched is None else EarlyStopping(patience=settings.patience),
            callbacks=callbacks,
            checkpoint=checkpoint,
            resume=resume,
            progress=progress,
            engine=engine,
        )
        return replace(self, network=network), history

    def outputs(self, table: Any) -> Array:
        """Return the network's outputs before their activation, shape (n, outputs)."""
        if not len(as_table(table)):
            return np.zeros((0, self.target.outputs))
        # In double precision what a row gets does not hang on the rows beside it: the order in
        # which a product of matrices is summed up depends on their number.
        network = map_leaves(_wide, self.network)
        rows = self.encoder.transform(table)
        if "numbers" in rows:
            rows["numbers"] = _wide(rows["numbers"])
        found: Array = network_outputs(network, rows)
        return found

    def finished(self, table: Any) -> Array:
        """Return probabilities, or numbers in the units of the data; see `Given.finish`."""
        return self.given.finish(self.target, self.outputs(table))

    def predict(self, table: Any) -> dict[str, list[Any]]:
        """Predict the rows of a table.

        Parameters
        ----------
        table : Table, mapping of columns or data frame
            It has the columns that the model was trained on, and may have others.

        Returns
        -------
        dict of str to list
            ``predicted NAME`` for each target or label, and ``p(CLASS)`` for each class.

        Raises
        ------
        DataError
            If a column is missing, or a cell is not what training found in its column.
        """
        return self.given.decide(self.target, self.finished(table))

    def score(self, table: Table) -> dict[str, Any]:
        """Measure the predictions of rows whose targets are known; see `models.scores`."""
        return self.given.score(self.target, self.finished(table), self.target.encode(table))

    def save(self, folder: str | Path) -> None:
        """Write the model into an existing folder: ``weights.safetensors`` and ``config.json``.

        Raises
        ------
        OSError
            If a file cannot be written.
        """
        folder = Path(folder)
        arrays = {**nn.named_parameters(self.network), **nn.named_buffers(self.network)}
        save_tensors(folder / WEIGHTS, arrays)
        config = {
            "format": _FORMAT,
            "target": self.target.to_dict(),
            "network": self.network.config(),
            "encoder": self.encoder.to_dict(),
            "settings": self.settings.to_dict(),
        }
        save_json(folder / CONFIG, config)

    @classmethod
    def load(cls, folder: str | Path) -> TableModel:
        """Read the model that `save` wrote; nothing in the files is executed.

        Raises
        ------
        FileFormatError
            If a file is missing, damaged, or does not fit the others.
        """
        folder = Path(folder)
        try:
            config = load_json(folder / CONFIG)
            arrays = load_tensors(folder / WEIGHTS)[0]
        except FileNotFoundError as error:
            name = Path(error.filename).name
            raise FileFormatError(f"{folder} holds no trained model: {name} is missing") from None
        try:
            return _from_config(config, arrays)
        except (ChainruleError, KeyError, TypeError) as error:
            raise FileFormatError(f"{folder / CONFIG}: {error}") from None


def _wide(array: Array) -> Array:
    return np.asarray(array, np.float64)


def _network(encoder: TableEncoder, target: Target, settings: Settings) -> nn.TableNetwork:
    return nn.TableNetwork(
        len(encoder.feature_names),
        list(encoder.embedded.values()),
        [*(settings.hidden or ()), target.outputs],
        np.random.default_rng(settings.seed),
        activation=settings.activation,
        dropout=settings.dropout or 0.0,
    )


def _from_config(config: Any, arrays: Mapping[str, Array]) -> TableModel:
    if not isinstance(config, dict) or config.get("format") != _FORMAT:
        raise FileFormatError(f"no model of format {_FORMAT}")
    encoder = TableEncoder.from_dict(config["encoder"])
    target = Target.from_dict(config["target"])
    network = nn.TableNetwork.from_config(config["network"])
    arguments = network.arguments()
    widths = (arguments["n_numbers"], [n for n, _ in arguments["embedded"]], arguments["sizes"][-1])
    expected = len(encoder.feature_names), [n for n, _ in encoder.embedded.values()], target.outputs
    if widths != expected:
        raise FileFormatError(f"the network has sizes {widths}, the data {expected}")
    return TableModel(
        encoder, target, nn.load_parameters(network, arrays), Settings.from_dict(config["settings"])
    )
