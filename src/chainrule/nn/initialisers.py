"""Initial weights: functions of a shape and a random generator.

Fans are PyTorch's: a weight of shape (out, in, ...) has ``fan_in`` = in times the size of the
further axes, and ``fan_out`` = out times that size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.constraints import FRACTION, NON_NEGATIVE, OneOf, check
from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph import Array

Shape = tuple[int, ...]
Rng = np.random.Generator
Initialiser = Callable[[Shape, Rng], Array]


def fans(shape: Shape) -> tuple[int, int]:
    """Return the number of inputs and of outputs that a weight connects.

    Raises
    ------
    ShapeError
        If the shape has fewer than two axes.

    Examples
    --------
    >>> fans((8, 4))
    (4, 8)
    """
    if len(shape) < 2:
        raise ShapeError(f"a weight of shape {shape} has no fans: two axes, (out, in), are needed")
    further = math.prod(shape[2:])
    return shape[1] * further, shape[0] * further


def gain(activation: str, negative_slope: float = 0.01) -> float:
    """Return the factor by which weights are scaled to make up for an activation.

    The values are those of ``torch.nn.init.calculate_gain``; that of ReLU follows He et al. (2015).

    Parameters
    ----------
    activation : str
        ``"identity"``, ``"linear"``, ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"`` or
        ``"selu"``.
    negative_slope : float
        Of the leaky ReLU.

    Examples
    --------
    >>> round(gain("relu"), 4)
    1.4142
    """
    known = {
        "identity": 1.0,
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5.0 / 3.0,
        "relu": math.sqrt(2.0),
        "leaky_relu": math.sqrt(2.0 / (1.0 + negative_slope**2)),
        "selu": 0.75,
    }
    check("gain", {"activation": OneOf(tuple(known))}, {"activation": activation})
    return known[activation]


def zeros(shape: Shape, rng: Rng | None = None) -> Array:
    """Return zeros."""
    return np.zeros(shape)


def constant(shape: Shape, rng: Rng | None = None, *, value: float = 0.0) -> Array:
    """Return an array filled with one value."""
    return np.full(shape, float(value))


def normal(shape: Shape, rng: Rng, *, mean: float = 0.0, std: float = 1.0) -> Array:
    """Draw from a normal distribution; `std` >= 0."""
    check("normal", {"std": NON_NEGATIVE}, {"std": std})
    return rng.normal(mean, std, shape)


def uniform(shape: Shape, rng: Rng, *, low: float = 0.0, high: float = 1.0) -> Array:
    """Draw from a uniform distribution on [low, high)."""
    if not low <= high:
        raise ArgumentError(f"uniform: low must not be above high, got {low} and {high}")
    return rng.uniform(low, high, shape)


def fan_in_uniform(shape: Shape, rng: Rng) -> Array:
    """Draw from a uniform distribution on +-1/sqrt(fan_in), which PyTorch's ``Linear`` starts with.

    Examples
    --------
    >>> bool(np.all(np.abs(fan_in_uniform((50, 4), np.random.default_rng(0))) <= 0.5))
    True
    """
    bound = 1.0 / math.sqrt(max(fans(shape)[0], 1))
    return rng.uniform(-bound, bound, shape)


def xavier_uniform(shape: Shape, rng: Rng, *, gain: float = 1.0) -> Array:
    """Draw uniformly with variance gain**2 * 2 / (fan_in + fan_out).

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks"
    (AISTATS 2010), equation 16; for tanh and sigmoid.
    """
    bound = gain * math.sqrt(6.0 / max(sum(fans(shape)), 1))
    return rng.uniform(-bound, bound, shape)


def xavier_normal(shape: Shape, rng: Rng, *, gain: float = 1.0) -> Array:
    """Draw normally with variance gain**2 * 2 / (fan_in + fan_out); see `xavier_uniform`."""
    return rng.normal(0.0, gain * math.sqrt(2.0 / max(sum(fans(shape)), 1)), shape)


def _kaiming_std(shape: Shape, mode: str, nonlinearity: str, negative_slope: float) -> float:
    check("kaiming", {"mode": OneOf(("fan_in", "fan_out"))}, {"mode": mode})
    fan = fans(shape)[0 if mode == "fan_in" else 1]
    return gain(nonlinearity, negative_slope) / math.sqrt(max(fan, 1))


def kaiming_uniform(
    shape: Shape,
    rng: Rng,
    *,
    mode: str = "fan_in",
    nonlinearity: str = "relu",
    negative_slope: float = 0.0,
) -> Array:
    """Draw uniformly with variance gain**2 / fan.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers" (ICCV 2015), section 2.2; for ReLU.

    Parameters
    ----------
    shape : tuple of int
        (out, in, ...).
    rng : numpy.random.Generator
    mode : {"fan_in", "fan_out"}
        Whether the forward or the backward pass keeps its variance.
    nonlinearity : str
        See `gain`.
    negative_slope : float
        Of a leaky ReLU.
    """
    bound = math.sqrt(3.0) * _kaiming_std(shape, mode, nonlinearity, negative_slope)
    return rng.uniform(-bound, bound, shape)


def kaiming_normal(
    shape: Shape,
    rng: Rng,
    *,
    mode: str = "fan_in",
    nonlinearity: str = "relu",
    negative_slope: float = 0.0,
) -> Array:
    """Draw normally with variance gain**2 / fan; see `kaiming_uniform`."""
    return rng.normal(0.0, _kaiming_std(shape, mode, nonlinearity, negative_slope), shape)


def lecun_uniform(shape: Shape, rng: Rng) -> Array:
    """Draw uniformly with variance 1 / fan_in; see `lecun_normal`."""
    bound = math.sqrt(3.0 / max(fans(shape)[0], 1))
    return rng.uniform(-bound, bound, shape)


def lecun_normal(shape: Shape, rng: Rng) -> Array:
    """Draw normally with variance 1 / fan_in.

    LeCun, Bottou, Orr and Müller, "Efficient BackProp" (1998), section 4.6.
    """
    return rng.normal(0.0, math.sqrt(1.0 / max(fans(shape)[0], 1)), shape)


def orthogonal(shape: Shape, rng: Rng, *, gain: float = 1.0) -> Array:
    """Draw a matrix with orthonormal rows or columns, whichever are fewer, times `gain`.

    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks" (ICLR 2014); uniform over such matrices (Mezzadri, 2007). Axes beyond
    the first are joined.

    Examples
    --------
    >>> W = orthogonal((2, 3), np.random.default_rng(0))
    >>> bool(np.allclose(W @ W.T, np.eye(2)))
    True
    """
    fans(shape)
    rows, columns = shape[0], math.prod(shape[1:])
    drawn = rng.normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return gain * (q if rows >= columns else q.T).reshape(shape)


def sparse(shape: Shape, rng: Rng, *, sparsity: float = 0.9, std: float = 0.01) -> Array:
    """Draw normally and set a fraction of each unit's incoming weights to zero.

    Martens, "Deep learning via Hessian-free optimization" (ICML 2010), section 5.

    Parameters
    ----------
    shape : (out, in)
    rng : numpy.random.Generator
    sparsity : float in [0, 1)
        Fraction of zeros in each row, rounded up. PyTorch's ``sparse_`` has it of each column.
    std : float
        Of the others.
    """
    check("sparse", {"sparsity": FRACTION, "std": NON_NEGATIVE}, {"sparsity": sparsity, "std": std})
    if len(shape) != 2:
        raise ShapeError(f"sparse needs a matrix shape (out, in), not {shape}")
    n_zeros = math.ceil(sparsity * shape[1])
    drawn = rng.normal(0.0, std, shape)
    ranks = np.argsort(np.argsort(rng.random(shape), axis=1), axis=1)
    return np.where(ranks < n_zeros, 0.0, drawn)


INITIALISERS: dict[str, Initialiser] = {
    function.__name__: function
    for function in (
        constant, fan_in_uniform, kaiming_normal, kaiming_uniform, lecun_normal, lecun_uniform,
        normal, orthogonal, sparse, uniform, xavier_normal, xavier_uniform, zeros,
    )
}  # fmt: skip


# What suits the weights before an activation, by its name. Rectifiers and their smooth relatives
# pass about half of the variance (He et al., 2015, section 2.2); scaled exponential units are
# made for a variance of 1 / fan_in (Klambauer et al., "Self-normalizing neural networks", NIPS
# 2017, section 2); functions that are near the identity around 0 keep the variance in both
# directions (Glorot and Bengio, 2010, section 4.2), and so does what stands at the end.
_SUITABLE = {
    **dict.fromkeys(
        ("relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus"), "kaiming_uniform"
    ),
    "selu": "lecun_normal",
}


def initialiser_for(activation: str | Callable[..., Any]) -> str:
    """Return the name of the initialiser that suits the weights before an activation.

    ``kaiming_uniform`` for rectifiers and their relatives (He et al., 2015), ``lecun_normal`` for
    the SELU (Klambauer et al., 2017), ``xavier_uniform`` elsewhere (Glorot and Bengio, 2010).

    Parameters
    ----------
    activation : str or callable
        A name in `chainrule.nn.ACTIVATIONS`; a function goes by its own name.

    Examples
    --------
    >>> initialiser_for("relu"), initialiser_for("selu"), initialiser_for(np.tanh)
    ('kaiming_uniform', 'lecun_normal', 'xavier_uniform')
    """
    name = activation if isinstance(activation, str) else getattr(activation, "__name__", "")
    return _SUITABLE.get(name, "xavier_uniform")


def initial(
    initialiser: str | Initialiser, shape: Shape, rng: Rng | int | None, dtype: Any
) -> Array:
    """Return initial weights of a dtype.

    Parameters
    ----------
    initialiser : str or callable
        A name in `INITIALISERS`, or a function of a shape and a generator;
        ``functools.partial(nn.xavier_uniform, gain=nn.gain("tanh"))`` is one.
    shape : tuple of int
    rng : numpy.random.Generator, int or None
        An int is a seed. None gives zeros: a place for weights that will be loaded.
    dtype : dtype_like
    """
    if rng is None:
        return np.zeros(shape, dtype)
    if isinstance(initialiser, str):
        allowed = {"initialiser": OneOf(tuple(INITIALISERS))}
        check("initial", allowed, {"initialiser": initialiser})
        initialiser = INITIALISERS[initialiser]
    made = np.asarray(initialiser(shape, np.random.default_rng(rng)))
    if made.shape != shape:
        raise ShapeError(f"the initialiser returned shape {made.shape} for shape {shape}")
    return made.astype(dtype)
