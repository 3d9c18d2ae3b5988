"""Two language models in one: the probabilities of both, mixed."""

from __future__ import annotations

import numpy as np

from chainrule.errors import DataError, ShapeError
from chainrule.graph import Array

_HALVINGS = 60  # to the last bit of a float


def mixture(log_p: Array, log_q: Array, weight: float) -> Array:
    """Return the log probabilities of a mixture of two models.

    Parameters
    ----------
    log_p, log_q : array of float, shape (words,)
        Natural logarithms of what each model gives each word of a text.
    weight : float
        Of the first model, between 0 and 1.

    Returns
    -------
    array of float64, shape (words,)

    Raises
    ------
    ShapeError
        If the models tell of different numbers of words.

    Examples
    --------
    >>> np.exp(mixture(np.log([0.5]), np.log([0.1]), 0.25)).round(3)
    array([0.2])
    """
    p, q = np.asarray(log_p, float), np.asarray(log_q, float)
    if p.shape != q.shape or p.ndim != 1:
        raise ShapeError(f"two models of the same words give two lists, not {p.shape}, {q.shape}")
    with np.errstate(divide="ignore"):
        mixed: Array = np.logaddexp(np.log(weight) + p, np.log1p(-weight) + q)
    return mixed


def mixture_weight(log_p: Array, log_q: Array) -> float:
    """Return the weight of the first of two models with which a text is most probable.

    The logarithm of the text's probability is concave in the weight, so that halving the interval
    in which its slope changes sign finds what EM [1]_, section 4, converges to. The text should be
    none that a model has learned from.

    Parameters
    ----------
    log_p, log_q : array of float, shape (words,)
        Natural logarithms of what each model gives each word of the text.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ShapeError
        If the models tell of different numbers of words.
    DataError
        If there are none, or one that is impossible for both.

    References
    ----------
    .. [1] Bengio, Ducharme, Vincent & Jauvin, "A neural probabilistic language model", JMLR 3,
       2003.

    Examples
    --------
    >>> log_p, log_q = np.log([0.5, 0.5, 0.1]), np.log([0.1, 0.1, 0.5])
    >>> round(mixture_weight(log_p, log_q), 3)
    0.75
    """
    mixed = mixture(log_p, log_q, 0.5)
    if not len(mixed) or not np.isfinite(mixed).all():
        raise DataError("the weight of a mixture needs words that one of the models finds possible")
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        weight = (low + high) / 2
        mixed = mixture(log_p, log_q, weight)
        rises = np.sum(np.exp(log_p - mixed) - np.exp(log_q - mixed)) > 0
        low, high = (weight, high) if rises else (low, weight)
    return weight
