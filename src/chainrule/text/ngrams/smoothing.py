"""Smoothing: how counts become probabilities of what was met and of what was not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.constraints import POSITIVE, Constraint, Interval, check
from chainrule.errors import ArgumentError
from chainrule.graph import Array
from chainrule.text.ngrams.counts import Counts, Level
from chainrule.text.ngrams.table import BackoffTable


class Smoothing(ABC):
    """Base of the ways to smooth.

    Order by order, from the shortest n-grams to the longest, `_level` gives the probabilities of
    the n-grams that were met and the weights of their histories. What lies below the single words
    is that all words are equally likely.
    """

    allowed: ClassVar[Mapping[str, Constraint]] = {}

    def __post_init__(self) -> None:
        check(type(self).__name__, self.allowed, vars(self))

    def tuned(self, counts: Counts, held_out: Array | None) -> Self:
        """Return this with what is found on a text that was held out.

        Raises
        ------
        ArgumentError
            If there is a text, but nothing to find.
        """
        if held_out is not None:
            raise ArgumentError(f"{type(self).__name__} learns nothing from a text held out")
        return self

    def table(self, counts: Counts) -> BackoffTable:
        """Return the model that counts give."""
        below = np.full(1, 1 / counts.events.sum())
        probs, weights = [], []
        for k in range(1, counts.order + 1):
            own, weight = self._level(counts, k, below)
            if k == 1:
                own = np.where(counts.events, own, 0.0)
            probs.append(own)
            weights.append(weight)
            below = own
        with np.errstate(divide="ignore"):
            return BackoffTable(
                [level.keys for level in counts.levels[1:]],
                [np.log(own) for own in probs],
                [np.log(weight) for weight in weights[1:]],
                counts.size,
                counts.bos,
            )

    @abstractmethod
    def _level(self, counts: Counts, order: int, below: Array) -> tuple[Array, Array]:
        """Return the probabilities of the n-grams of an order, and the weights of histories.

        `below` are the probabilities of the n-grams one word shorter.
        """


def sums(level: Level, values: Array, histories: int) -> Array:
    """Return the sums of the values of a level over what each history is followed by."""
    return np.bincount(level.prefix, values, histories)


def share(parts: Array, wholes: Array, nothing: float) -> Array:
    """Return parts of wholes, and `nothing` where the whole is zero."""
    shares = np.full(len(wholes), nothing)
    np.divide(parts, wholes, shares, where=wholes > 0)
    return shares


def interpolated(level: Level, direct: Array, weight: Array, below: Array) -> tuple[Array, Array]:
    """Return direct probabilities with a weight of what lies below added to each."""
    return direct + weight[level.prefix] * below[level.suffix], weight


def backed_off(level: Level, direct: Array, histories: int, below: Array) -> tuple[Array, Array]:
    """Return direct probabilities of n-grams that were met, and what others share.

    Where every word was met after a history, nothing is left to share: the probabilities then are
    scaled to add up to 1.
    """
    met = direct > 0
    used = sums(level, direct, histories)
    left = 1 - sums(level, np.where(met, below[level.suffix], 0.0), histories)
    full = (left < 1e-12) & (used > 0)
    own = np.where(full[level.prefix], share(direct, used[level.prefix], 0.0), direct)
    weight = np.where(full, 1.0, share(1 - used, np.where(full, 0.0, left), 1.0))
    return np.where(met, own, weight[level.prefix] * below[level.suffix]), weight


class _Alone(Smoothing):
    """Base of those in which no history asks a shorter one: what is left is shared evenly."""

    def _level(self, counts: Counts, order: int, below: Array) -> tuple[Array, Array]:
        level, even = counts.levels[order - 1], 1 / counts.events.sum()
        lower = np.full(len(below), even)
        own, weight = self._counted(counts, order, lower)
        # A shorter n-gram counts where a text begins; elsewhere a longer one is asked.
        final = level.begins | (order == counts.order)
        last = sums(level, final, counts.histories(order)) > 0
        return np.where(final, own, even), np.where(last, weight, 1.0)

    @abstractmethod
    def _counted(self, counts: Counts, order: int, below: Array) -> tuple[Array, Array]:
        """Return what `_level` does, as if the order were the highest."""


@dataclass(frozen=True)
class Laplace(_Alone):
    """Every n-gram is counted as if it had been met `add` times more.

    The probability of w after h is (c(hw) + add) / (c(h) + add V), V the number of words.

    Parameters
    ----------
    add : float
        1 is Laplace's rule of succession, other numbers are called after Lidstone.
    """

    add: float = 1.0
    allowed: ClassVar[Mapping[str, Constraint]] = {"add": POSITIVE}

    def _counted(self, counts: Counts, order: int, below: Array) -> tuple[Array, Array]:
        level, histories = counts.levels[order - 1], counts.histories(order)
        added = self.add * counts.events.sum()
        total = sums(level, level.counts, histories) + added
        return interpolated(level, level.counts / total[level.prefix], added / total, below)


def _turing(counts: Array, cutoff: int) -> Array:
    """Return what is kept of each count from 0 to `cutoff` + 1, as a factor.

    Katz 1987, equation 15. Counts above `cutoff` are trusted, and so is one whose factor does not
    lie between 0 and 1, as happens where few n-grams were met.
    """
    kept = np.ones(cutoff + 2)
    n = np.bincount(np.minimum(counts, cutoff + 2), minlength=cutoff + 3).astype(float)
    if n[1] == 0 or (cutoff + 1) * n[cutoff + 1] >= n[1]:
        return kept
    trusted = (cutoff + 1) * n[cutoff + 1] / n[1]
    for r in range(1, cutoff + 1):
        if n[r] > 0:
            factor = ((r + 1) * n[r + 1] / (r * n[r]) - trusted) / (1 - trusted)
            kept[r] = factor if 0 < factor < 1 else 1.0
    return kept


def _discounted(level: Level, histories: int, cutoff: int) -> Array:
    """Return relative frequencies of counts after Good and Turing."""
    kept = level.counts * _turing(level.counts, cutoff)[np.minimum(level.counts, cutoff + 1)]
    total = sums(level, level.counts, histories)
    # A history none of whose counts shrinks would leave nothing to what was not met.
    total += sums(level, kept, histories) > total - 1e-9
    return kept / total[level.prefix]


_CUTOFF = Interval(1, np.inf, integer=True)


@dataclass(frozen=True)
class GoodTuring(_Alone):
    """Counts are discounted after Good and Turing; what is left goes evenly to words not met.

    Parameters
    ----------
    cutoff : int
        The largest count that is discounted [1]_.

    References
    ----------
    .. [1] Katz, "Estimation of probabilities from sparse data for the language model component of
       a speech recognizer", IEEE Transactions on Acoustics, Speech, and Signal Processing 35, 1987.
    """

    cutoff: int = 5
    allowed: ClassVar[Mapping[str, Constraint]] = {"cutoff": _CUTOFF}

    def _counted(self, counts: Counts, order: int, below: Array) -> tuple[Array, Array]:
        level, histories = counts.levels[order - 1], counts.histories(order)
        return backed_off(level, _discounted(level, histories, self.cutoff), histories, below)


@dataclass(frozen=True)
class Katz(Smoothing):
    """Counts are discounted after Good and Turing; what is left goes to words by shorter histories.

    Parameters
    ----------
    cutoff : int
        The largest count that is discounted [1]_.

    References
    ----------
    .. [1] Katz, "Estimation of probabilities from sparse data for the language model component of
       a speech recognizer", IEEE Transactions on Acoustics, Speech, and Signal Processing 35, 1987.
    """

    cutoff: int = 5
    allowed: ClassVar[Mapping[str, Constraint]] = {"cutoff": _CUTOFF}

    def _level(self, counts: Counts, order: int, below: Array) -> tuple[Array, Array]:
        level, histories = counts.levels[order - 1], counts.histories(order)
        return backed_off(level, _discounted(level, histories, self.cutoff), histories, below)


class _Discounting(Smoothing):
    """Base of those that take a discount off each count, and interpolate with shorter histories."""

    continuation: ClassVar[bool]

    @abstractmethod
    def _discounts(self, n: Array) -> Array:
        """Return the discounts of counts 0, 1, 2 and more; n[r] n-grams were met r times."""

    def _level(self, counts: Counts, order: int, below: Array) -> tuple[Array, Array]:
        level, histories = counts.levels[order - 1], counts.histories(order)
        own = counts.continuations(order) if self.continuation else level.counts
        n = np.bincount(np.minimum(own, 5), minlength=6)[:5].astype(float)
        off = self._discounts(n)[np.minimum(own, 3)]
        total = sums(level, own, histories)
        direct = share(own - off, total[level.prefix], 0.0)
        return interpolated(level, direct, share(sums(level, off, histories), total, 1.0), below)


_DISCOUNT = Interval(0, 1, "right")


@dataclass(frozen=True)
class AbsoluteDiscounting(_Discounting):
    """The same discount off every count, interpolated with shorter histories.

    Parameters
    ----------
    discount : float, optional
        By default, for each order, n1 / (n1 + 2 n2) of the n-grams met once and twice [1]_; 0.5
        where none was met once.

    References
    ----------
    .. [1] Ney, Essen & Kneser, "On structuring probabilistic dependences in stochastic language
       modelling", Computer Speech & Language 8, 1994.
    """

    discount: float | None = None
    continuation = False

    def __post_init__(self) -> None:
        if self.discount is not None:
            check(type(self).__name__, {"discount": _DISCOUNT}, {"discount": self.discount})

    def _discounts(self, n: Array) -> Array:
        if self.discount is not None:
            discount = self.discount
        else:
            discount = n[1] / (n[1] + 2 * n[2]) if n[1] else 0.5
        return np.array([0, discount, discount, discount])


@dataclass(frozen=True)
class KneserNey(AbsoluteDiscounting):
    """Absolute discounting in which shorter n-grams count the different words before them [1]_.

    Parameters
    ----------
    discount : float, optional
        As in `AbsoluteDiscounting`.

    References
    ----------
    .. [1] Kneser & Ney, "Improved backing-off for m-gram language modeling", ICASSP 1995; in the
       interpolated form of Chen & Goodman 1999, section 3.
    """

    continuation = True


@dataclass(frozen=True)
class ModifiedKneserNey(_Discounting):
    """Kneser and Ney's with three discounts: for what was met once, twice, and more often [1]_.

    The figures are those of KenLM's ``lmplz`` [2]_: words that were never met, ``<unk>`` among
    them, share what the discounts of the single words leave. They differ only in texts so small
    that one n-gram moves the discounts: for these ``lmplz`` takes the last n-gram of each lower
    order by how often it comes, and it accepts a discount of 0, which makes words not met
    impossible.

    Parameters
    ----------
    discounts : tuple of three floats, optional
        For counts 1, 2 and more. By default, for each order, by equation 26 of [1]_; 0.5, 1 and 1.5
        where that has no answer, as in small or artificial texts.

    References
    ----------
    .. [1] Chen & Goodman, "An empirical study of smoothing techniques for language modeling",
       Computer Speech & Language 13, 1999.
    .. [2] Heafield et al., "Scalable modified Kneser-Ney language model estimation", ACL 2013.
    """

    discounts: tuple[float, float, float] | None = None
    continuation = True

    def __post_init__(self) -> None:
        given: Any = self.discounts
        if given is None:
            return
        if not isinstance(given, tuple | list) or len(given) != 3:
            raise ArgumentError(f"ModifiedKneserNey: discounts must be three, not {given!r}")
        for most, value in zip((1, 2, 3), given, strict=True):
            name = f"discounts[{most - 1}]"
            check("ModifiedKneserNey", {name: Interval(0, most, "right")}, {name: value})

    def _discounts(self, n: Array) -> Array:
        if self.discounts is not None:
            return np.array([0.0, *self.discounts])
        if n[1:4].all():
            r = np.arange(1, 4)
            found = r - (r + 1) * n[1] / (n[1] + 2 * n[2]) * n[2:5] / n[1:4]
            if (found > 0).all() and (found <= r).all():
                return np.array([0.0, *found])
        return np.array([0.0, 0.5, 1.0, 1.5])
