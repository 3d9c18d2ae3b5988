"""Layers: each computes in the dtype of its own parameters, and a batch is rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from chainrule.constraints import COUNT, FRACTION, NON_NEGATIVE, POSITIVE, Interval, OneOf, check
from chainrule.errors import ArgumentError, DtypeError
from chainrule.graph import Tensor
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.arrays import as_array, lookup
from chainrule.nn.initialisers import Initialiser, initial
from chainrule.nn.module import LayerError, Module
from chainrule.nn.run import Run
from chainrule.ops.broadcast import cast
from chainrule.ops.reductions import extent

Rng = np.random.Generator | int | None
_DTYPE = OneOf(("float16", "float32", "float64"))


def checked_dtype(owner: str, dtype: Any) -> np.dtype[Any]:
    """Return the dtype of a layer's parameters, a floating-point one."""
    found: np.dtype[Any] = np.dtype(dtype)
    check(owner, {"dtype": _DTYPE}, {"dtype": found.name})
    return found


def batch_of(layer: Module, x: Any, n_features: int, dtype: np.dtype[Any]) -> Any:
    """Return the input in a layer's dtype.

    Raises
    ------
    LayerError
        If the last axis is not as long as the layer is wide.
    """
    x = as_array(x)
    shape = x.shape
    if not shape or shape[-1] != n_features:
        given = f"{shape[-1]} features" if shape else "a single number"
        raise LayerError(layer, _width_message(shape, given, n_features))
    return x if x.dtype == dtype else cast(x, np.zeros((), dtype))


def _width_message(shape: tuple[int, ...], given: str, n_features: int) -> str:
    text = f"the input has shape {shape}, so {given}, but {n_features} are expected"
    if len(shape) == 2 and shape[0] == n_features:
        return f"{text}; its transpose would fit: a batch is rows, one example each"
    if shape == () and n_features == 1:
        return f"{text} along a last axis: give x[..., None]"
    if len(shape) > 2 and math.prod(shape[1:]) == n_features:
        return f"{text}; nn.Flatten() before it would fit"
    return (
        f"{text}: build the layer with {shape[-1] if shape else 1}, or change what comes before it"
    )


class Linear(Module):
    """Affine map of the features: ``x @ weight.T + bias``.

    Parameters
    ----------
    in_features, out_features : int >= 1
    rng : numpy.random.Generator or int
        Source of the initial weights; None leaves zeros, for weights that will be loaded.
    bias : bool
        Whether there is a bias.
    weight_init : str or callable
        A name in `INITIALISERS` or a function ``(shape, rng) -> array``; the default is PyTorch's.
    bias_init : {"uniform", "zeros"}
        Uniform on +-1/sqrt(in_features), as PyTorch's, or zero.
    dtype : dtype_like

    Attributes
    ----------
    weight : array of shape (out_features, in_features)
    bias : array of shape (out_features,) or None

    Examples
    --------
    >>> import numpy as np
    >>> layer = Linear(3, 2, rng=0)
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rng: Rng,
        *,
        bias: bool = True,
        weight_init: str | Initialiser = "fan_in_uniform",
        bias_init: str = "uniform",
        dtype: Any = np.float32,
    ) -> None:
        check(
            "Linear",
            {
                "in_features": COUNT,
                "out_features": COUNT,
                "bias": OneOf((True, False)),
                "bias_init": OneOf(("uniform", "zeros")),
            },
            {
                "in_features": in_features,
                "out_features": out_features,
                "bias": bias,
                "bias_init": bias_init,
            },
        )
        dtype = checked_dtype("Linear", dtype)
        rng = None if rng is None else np.random.default_rng(rng)
        self.weight: Any = initial(weight_init, (out_features, in_features), rng, dtype)
        self.bias: Any = None
        if bias:
            bound = 1.0 / math.sqrt(in_features) if bias_init == "uniform" else 0.0
            self.bias = initial(
                lambda shape, r: r.uniform(-bound, bound, shape), (out_features,), rng, dtype
            )

    def forward(self, x: Any) -> Any:
        """Map (..., in_features) to (..., out_features)."""
        x = batch_of(self, x, self.weight.shape[1], self.weight.dtype)
        y = x @ self.weight.T
        return y if self.bias is None else y + self.bias

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        n_out, n_in = self.weight.shape
        return {
            "in_features": n_in,
            "out_features": n_out,
            "bias": self.bias is not None,
            "dtype": self.weight.dtype.name,
        }


class Embedding(Module):
    """A table of vectors, looked up by integers.

    Parameters
    ----------
    num_embeddings, embedding_dim : int >= 1
        Rows and columns of the table.
    rng : numpy.random.Generator or int
        Source of the initial weights; None leaves zeros.
    padding_idx : int, optional
        The index whose vector is zero and stays so: it is never trained.
    weight_init : str or callable
        See `Linear`; the default is the standard normal distribution, as PyTorch's.
    dtype : dtype_like

    Attributes
    ----------
    weight : array of shape (num_embeddings, embedding_dim)

    Examples
    --------
    >>> import numpy as np
    >>> Embedding(10, 4, rng=0, padding_idx=0)(np.array([[1, 2, 0]]))[0, 2]
    array([0., 0., 0., 0.], dtype=float32)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        rng: Rng,
        *,
        padding_idx: int | None = None,
        weight_init: str | Initialiser = "normal",
        dtype: Any = np.float32,
    ) -> None:
        given = {"num_embeddings": num_embeddings, "embedding_dim": embedding_dim}
        check("Embedding", dict.fromkeys(given, COUNT), given)
        if padding_idx is not None:
            allowed = {"padding_idx": Interval(0, num_embeddings, integer=True)}
            check("Embedding", allowed, {"padding_idx": padding_idx})
        dtype = checked_dtype("Embedding", dtype)
        self.weight: Any = initial(weight_init, (num_embeddings, embedding_dim), rng, dtype)
        self.padding_idx = padding_idx
        if padding_idx is not None:
            self.weight[padding_idx] = 0.0

    def forward(self, indices: Any) -> Any:
        """Map integers of shape (...) to vectors of shape (..., embedding_dim)."""
        indices = as_array(indices)
        if indices.dtype.kind not in "iu":
            raise DtypeError(
                f"Embedding looks rows up by integers, not by {indices.dtype} numbers: use "
                "indices.astype(int)"
            )
        if not isinstance(indices, Tensor):
            self._check_range(indices)
        rows = lookup(self.weight, indices)
        if self.padding_idx is None:
            return rows
        return np.where(np.equal(indices, self.padding_idx)[..., None], 0.0, rows)

    def _check_range(self, indices: Any) -> None:
        n_rows = self.weight.shape[0]
        wrong = np.argwhere((indices < 0) | (indices >= n_rows))
        if wrong.size:
            place = tuple(int(i) for i in wrong[0])
            raise LayerError(
                self,
                f"the index {indices[place]} at {place} is outside the table of {n_rows} rows, "
                f"0 to {n_rows - 1}: give unknown items an index of their own",
            )

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        rows, columns = self.weight.shape
        return {
            "num_embeddings": rows,
            "embedding_dim": columns,
            "padding_idx": self.padding_idx,
            "dtype": self.weight.dtype.name,
        }


class Dropout(Module):
    """In training, set each element to zero with probability `p` and scale the rest by 1/(1-p).

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (JMLR
    2014), section 10 (inverted dropout). In inference it does nothing.

    Parameters
    ----------
    p : float in [0, 1)

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> np.unique(Dropout(0.75)(np.ones(1000), nn.Run(0)))
    array([0., 4.])
    """

    def __init__(self, p: float = 0.5) -> None:
        check("Dropout", {"p": FRACTION}, {"p": p})
        self.p = float(p)

    def forward(self, x: Any, run: Run | None = None) -> Any:
        """Drop elements if `run` is given."""
        if run is None or self.p == 0.0:
            return x
        keep = 1.0 - self.p
        return np.where(run.uniform(x) < keep, x / keep, 0.0)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"p": self.p}


class GaussianNoise(Module):
    """In training, add to each element a number drawn from a normal distribution.

    Bishop, "Training with noise is equivalent to Tikhonov regularization" (Neural Computation
    1995). In inference it does nothing.

    Parameters
    ----------
    std : float >= 0
        Standard deviation of the noise, in the units of its input.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> float(np.std(GaussianNoise(0.5)(np.ones(10_000), nn.Run(0))).round(1))
    0.5
    """

    def __init__(self, std: float) -> None:
        check("GaussianNoise", {"std": NON_NEGATIVE}, {"std": std})
        self.std = float(std)

    def forward(self, x: Any, run: Run | None = None) -> Any:
        """Add noise if `run` is given."""
        if run is None or self.std == 0.0:
            return x
        return x + self.std * run.normal(x)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"std": self.std}


class LayerNorm(Module):
    """Standardise each row's features, then scale and shift them.

    Ba, Kiros and Hinton, "Layer normalization" (2016): ``(x - mean) / sqrt(var + eps) * weight +
    bias`` over the last axis, with the biased variance.

    Parameters
    ----------
    features : int >= 1
    eps : float > 0
    dtype : dtype_like

    Attributes
    ----------
    weight, bias : arrays of shape (features,)

    Examples
    --------
    >>> import numpy as np
    >>> np.round(LayerNorm(2)(np.array([[1.0, 3.0]])), 3)
    array([[-1.,  1.]], dtype=float32)
    """

    def __init__(self, features: int, *, eps: float = 1e-5, dtype: Any = np.float32) -> None:
        given = {"features": features, "eps": eps}
        check("LayerNorm", {"features": COUNT, "eps": POSITIVE}, given)
        dtype = checked_dtype("LayerNorm", dtype)
        self.weight: Any = np.ones(features, dtype)
        self.bias: Any = np.zeros(features, dtype)
        self.eps = float(eps)

    def forward(self, x: Any) -> Any:
        """Map (..., features) to the same shape."""
        x = batch_of(self, x, len(self.weight), self.weight.dtype)
        centred = x - np.mean(x, axis=-1, keepdims=True)
        variance = np.mean(centred * centred, axis=-1, keepdims=True)
        return centred / np.sqrt(variance + self.eps) * self.weight + self.bias

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"features": len(self.weight), "eps": self.eps, "dtype": self.weight.dtype.name}


class BatchNorm(Module):
    """Standardise each feature over the batch, then scale and shift it.

    Ioffe and Szegedy, "Batch normalization" (ICML 2015). All axes but the last are the batch. In
    training the batch's own mean and biased variance serve, and the running statistics move by
    `momentum` towards its mean and unbiased variance, as in PyTorch. In inference the running
    statistics serve, so that a row's result does not depend on its batch.

    Parameters
    ----------
    features : int >= 1
    eps : float > 0
    momentum : float in [0, 1]
    dtype : dtype_like

    Attributes
    ----------
    weight, bias : arrays of shape (features,)
    running_mean, running_var : arrays of shape (features,)
        Buffers; `Run.apply` moves them.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> np.round(BatchNorm(1)(np.array([[1.0], [3.0]]), nn.Run(0)), 3)
    array([[-1.],
           [ 1.]], dtype=float32)
    """

    buffers: ClassVar[tuple[str, ...]] = ("running_mean", "running_var")

    def __init__(
        self, features: int, *, eps: float = 1e-5, momentum: float = 0.1, dtype: Any = np.float32
    ) -> None:
        check(
            "BatchNorm",
            {"features": COUNT, "eps": POSITIVE, "momentum": Interval(0, 1, "both")},
            {"features": features, "eps": eps, "momentum": momentum},
        )
        dtype = checked_dtype("BatchNorm", dtype)
        self.weight: Any = np.ones(features, dtype)
        self.bias: Any = np.zeros(features, dtype)
        self.running_mean: Any = np.zeros(features, dtype)
        self.running_var: Any = np.ones(features, dtype)
        self.eps, self.momentum = float(eps), float(momentum)

    def forward(self, x: Any, run: Run | None = None) -> Any:
        """Map (..., features) to the same shape."""
        x = batch_of(self, x, len(self.weight), self.weight.dtype)
        if run is None:
            centred, variance = x - self.running_mean, self.running_var
        else:
            centred, variance = self._observe(x, run)
        return centred / np.sqrt(variance + self.eps) * self.weight + self.bias

    def _observe(self, x: Any, run: Run) -> tuple[Any, Any]:
        """Return the batch less its mean, and its variance, and tell them to the run."""
        shape = np.shape(x)
        if math.prod(shape[:-1]) < 2:
            raise LayerError(
                self,
                f"a batch of shape {shape} has no variance in training, for which two rows are "
                "needed: choose a batch_size that leaves no single row over, or nn.LayerNorm",
            )
        axes = tuple(range(len(shape) - 1))
        mean = np.mean(x, axis=axes)
        centred = x - mean
        variance = np.mean(centred * centred, axis=axes)
        rows = extent(x, axis=axes)
        unbiased = variance * (rows / (rows - 1))
        run.average(self, self.momentum, running_mean=mean, running_var=unbiased)
        return centred, variance

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            "features": len(self.weight),
            "eps": self.eps,
            "momentum": self.momentum,
            "dtype": self.weight.dtype.name,
        }


class Activation(Module):
    """An activation function as a layer.

    Parameters
    ----------
    function : str or callable
        A name in `ACTIVATIONS`, or any function of an array in plain NumPy.
    **options
        Passed to the function, such as ``negative_slope=0.1``.

    Examples
    --------
    >>> import numpy as np
    >>> Activation("leaky_relu", negative_slope=0.5)(np.array([-2.0, 2.0]))
    array([-1.,  2.])
    """

    def __init__(self, function: str | Callable[..., Any], **options: Any) -> None:
        if isinstance(function, str):
            allowed = {"function": OneOf(tuple(ACTIVATIONS))}
            check("Activation", allowed, {"function": function})
        elif not callable(function):
            raise ArgumentError(
                f"Activation: function must be a name or a function, not {function!r}"
            )
        self.function = function
        self.options = options

    def forward(self, x: Any) -> Any:
        """Apply the function."""
        function = self.function
        return (ACTIVATIONS[function] if isinstance(function, str) else function)(x, **self.options)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments; of a function without a name there are none."""
        if not isinstance(self.function, str):
            return super().arguments()
        return {"function": self.function, **self.options}


class Flatten(Module):
    """Join all axes but the first.

    Examples
    --------
    >>> import numpy as np
    >>> Flatten()(np.zeros((5, 2, 3))).shape
    (5, 6)
    """

    def forward(self, x: Any) -> Any:
        """Map (n, ...) to (n, product of the others)."""
        return np.reshape(x, (-1, math.prod(np.shape(x)[1:])))

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments: none."""
        return {}
