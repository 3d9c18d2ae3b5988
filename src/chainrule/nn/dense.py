"""Dense networks: `dense` for plain rows, `TableNetwork` for numbers beside embedded categories."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.constraints import OneOf, check
from chainrule.errors import ArgumentError
from chainrule.nn.containers import Sequential
from chainrule.nn.initialisers import initialiser_for
from chainrule.nn.layers import Activation, BatchNorm, Dropout, Embedding, LayerNorm, Linear
from chainrule.nn.module import Module
from chainrule.nn.run import Run

Function = str | Callable[..., Any]
NORMALIZATIONS: dict[str, Callable[..., Module]] = {"batch": BatchNorm, "layer": LayerNorm}


def dense(
    sizes: Sequence[int],
    rng: np.random.Generator | None,
    *,
    activation: Function | Sequence[Function] = "relu",
    dropout: float | Sequence[float] = 0.0,
    normalization: str | None = None,
    dtype: Any = np.float32,
) -> Sequential:
    """Return a multilayer perceptron whose last layer has no activation.

    Weights start as `chainrule.nn.initialiser_for` has it, biases at zero.

    Parameters
    ----------
    sizes : sequence of int
        Widths from the inputs to the outputs, at least two.
    rng : numpy.random.Generator, optional
        Source of the initial weights; without it they are zero, to be loaded.
    activation : str, callable or a sequence of them
        A name in `chainrule.nn.ACTIVATIONS` or a function of an array in plain NumPy: for all
        hidden layers, or one for each.
    dropout : float in [0, 1) or a sequence of them
        Share of the hidden units that training leaves out, of all hidden layers or of each.
    normalization : {"batch", "layer"}, optional
        What stands between a hidden layer's weighted sums and its activation.
    dtype : dtype_like

    Raises
    ------
    ArgumentError
        If there is not one activation or dropout for each hidden layer.

    Examples
    --------
    >>> import numpy as np
    >>> model = dense([4, 8, 3], np.random.default_rng(0))
    >>> model(np.zeros((2, 4), np.float32)).shape
    (2, 3)
    >>> [type(layer).__name__ for layer in dense([4, 8, 3], None, normalization="batch").layers]
    ['Linear', 'BatchNorm', 'Activation', 'Linear']
    """
    check(
        "dense", {"normalization": OneOf((None, *NORMALIZATIONS))}, {"normalization": normalization}
    )
    n_hidden = len(sizes) - 2
    functions = for_each("activation", activation, n_hidden)
    shares = for_each("dropout", dropout, n_hidden)
    layers: list[Module] = []
    hidden = zip(pairwise(sizes[:-1]), functions, shares, strict=True)
    for (n_in, n_out), function, share in hidden:
        layers.append(_linear(n_in, n_out, rng, function, dtype))
        if normalization is not None:
            layers.append(NORMALIZATIONS[normalization](n_out, dtype=dtype))
        layers.append(Activation(function))
        if share:
            layers.append(Dropout(share))
    return Sequential(*layers, _linear(sizes[-2], sizes[-1], rng, "identity", dtype))


def _linear(n_in: int, n_out: int, rng: Any, activation: Function, dtype: Any) -> Linear:
    init = initialiser_for(activation)
    return Linear(n_in, n_out, rng, weight_init=init, bias_init="zeros", dtype=dtype)


def for_each(name: str, value: Any, n: int) -> list[Any]:
    """Return one value for each hidden layer, of one for all or of a sequence.

    Raises
    ------
    ArgumentError
        If a sequence has another length.

    Examples
    --------
    >>> for_each("dropout", 0.5, 2), for_each("activation", ["relu", "tanh"], 2)
    ([0.5, 0.5], ['relu', 'tanh'])
    """
    if not isinstance(value, (list, tuple)):
        return [value] * n
    if len(value) != n:
        raise ArgumentError(f"{name} has {len(value)} values for {n} hidden layers")
    return list(value)


class TableNetwork(Module):
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
    activation, dropout, normalization, dtype
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
        activation: Function | Sequence[Function] = "relu",
        dropout: float | Sequence[float] = 0.0,
        normalization: str | None = None,
        dtype: Any = np.float32,
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
            "normalization": normalization,
            "dtype": np.dtype(dtype).name,
        }
        self.embeddings = [
            Embedding(n, w, rng, weight_init=_small, dtype=dtype) for n, w in embedded
        ]
        self.body = dense(
            [width, *sizes], rng, activation=activation, dropout=dropout,
            normalization=normalization, dtype=dtype,
        )  # fmt: skip

    def forward(self, x: Any, run: Run | None = None) -> Any:
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
