"""`TableNetwork`: numbers and embedded categories side by side, through dense layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.errors import ArgumentError


def dense(
    sizes: Sequence[int],
    rng: np.random.Generator | None,
    *,
    activation: str = "relu",
    dropout: float = 0.0,
) -> nn.Sequential:
    """Return a multilayer perceptron whose last layer has no activation.

    Weights start as `chainrule.nn.initialiser_for` has it, biases at zero.

    Parameters
    ----------
    sizes : sequence of int
        Widths from the inputs to the outputs, at least two.
    rng : numpy.random.Generator, optional
        Source of the initial weights; without it they are zero, to be loaded.
    activation : str
        A name in `chainrule.nn.ACTIVATIONS`, for the hidden layers.
    dropout : float in [0, 1)
        Share of the hidden units that training leaves out.

    Examples
    --------
    >>> import numpy as np
    >>> model = dense([4, 8, 3], np.random.default_rng(0))
    >>> model(np.zeros((2, 4), np.float32)).shape
    (2, 3)
    """
    layers: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        last = i == len(sizes) - 2
        init = nn.initialiser_for("identity" if last else activation)
        layers.append(nn.Linear(n_in, n_out, rng, weight_init=init, bias_init="zeros"))
        if not last:
            layers.append(nn.Activation(activation))
        if dropout and not last:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


class TableNetwork(nn.Module):
    """A network for what `chainrule.data.TableEncoder` makes of rows.

    Parameters
    ----------
    n_numbers : int
        Columns of ``numbers``, 0 if there are none.
    embedded : sequence of (int, int)
        For each column of ``codes`` its number of codes and the length of a code's vector.
    sizes : sequence of int
        Widths of the hidden layers and of the output.
    rng : numpy.random.Generator, optional
        Source of the initial weights; without it they are zero, to be loaded.
    activation, dropout
        See `dense`.

    Examples
    --------
    >>> import numpy as np
    >>> model = TableNetwork(3, [(30, 5)], [8, 2], np.random.default_rng(0))
    >>> rows = {"numbers": np.zeros((4, 3), np.float32), "codes": np.zeros((4, 1), np.int64)}
    >>> model(rows).shape
    (4, 2)
    """

    def __init__(
        self,
        n_numbers: int,
        embedded: Sequence[tuple[int, int]],
        sizes: Sequence[int],
        rng: np.random.Generator | None,
        *,
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        if any(n_codes < 1 or width < 1 for n_codes, width in embedded):
            raise ArgumentError("an embedding has at least one code and one number a code")
        width = n_numbers + sum(width for _, width in embedded)
        self._arguments = {
            "n_numbers": n_numbers,
            "embedded": [list(pair) for pair in embedded],
            "sizes": list(sizes),
            "activation": activation,
            "dropout": dropout,
        }
        self.embeddings = [nn.Embedding(n, w, rng, weight_init=_small) for n, w in embedded]
        self.body = dense([width, *sizes], rng, activation=activation, dropout=dropout)

    def forward(self, x: Any, run: nn.Run | None = None) -> Any:
        """Map rows to outputs before their activation, shape (n, outputs)."""
        parts = [x["numbers"]] if "numbers" in x else []
        for i, embedding in enumerate(self.embeddings):
            parts.append(embedding(x["codes"][:, i]))
        joined = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        return self.body(joined, run)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return dict(self._arguments)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TableNetwork:
        """Rebuild a network from its `config`, with zeros for weights.

        Raises
        ------
        ArgumentError
            If it is not the configuration of a TableNetwork.
        """
        arguments = {**config} if isinstance(config, Mapping) else {}
        if arguments.pop("layer", None) != cls.__name__:
            raise ArgumentError(f"this is no configuration of a {cls.__name__}")
        try:
            pairs = [(n_codes, width) for n_codes, width in arguments.pop("embedded")]
            return cls(embedded=pairs, rng=None, **arguments)
        except (KeyError, TypeError, ValueError) as error:
            raise ArgumentError(f"the configuration of a network is not valid: {error}") from error


def _small(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Draw vectors of a scale at which they do not drown standardised numbers."""
    return rng.normal(0.0, 0.1, shape)
