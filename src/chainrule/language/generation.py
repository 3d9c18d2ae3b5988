"""Words one after another from a model that gives the next one's distribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.constraints import COUNT, NON_NEGATIVE, Interval, check
from chainrule.errors import ArgumentError
from chainrule.graph import Array

Next = Callable[[list[list[int]]], Array]
_ALLOWED: dict[str, Any] = {
    "length": Interval(0, np.inf, integer=True),
    "temperature": NON_NEGATIVE,
    "top_k": COUNT,
    "top_p": Interval(0, 1, "right"),
    "beam": COUNT,
    "seed": Interval(0, 2**63, integer=True),
}


def generated(
    following: Next,
    prompt: Sequence[int],
    length: int,
    end: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    beam: int | None = None,
    seed: int = 0,
) -> list[int]:
    """Return the words that follow, at most `length`, without the end if it comes.

    Parameters
    ----------
    following : callable
        ``following(histories)`` returns log-probabilities of the next word, shape (n, words), for
        n histories; minus infinity for words that must not come.
    prompt : sequence of int
    length : int >= 0
    end : int
        The word at which a text ends.
    temperature : float >= 0
        Divides the log-probabilities; 0 takes the likeliest word.
    top_k : int >= 1, optional
        Draw among so many of the likeliest words: Fan, Lewis and Dauphin, "Hierarchical neural
        story generation" (ACL 2018), section 5.
    top_p : float in (0, 1], optional
        Draw among the fewest words that together are as likely: Holtzman, Buys, Du, Forbes and
        Choi, "The curious case of neural text degeneration" (ICLR 2020), section 3.1.
    beam : int >= 1, optional
        Search for the likeliest continuation, keeping so many at a time; nothing is drawn.
    seed : int in [0, 2**63)

    Raises
    ------
    ArgumentError
        If an argument is out of range, or a beam is to be drawn from.
    """
    given = {"length": length, "temperature": temperature, "seed": seed}
    given |= {
        k: v for k, v in (("top_k", top_k), ("top_p", top_p), ("beam", beam)) if v is not None
    }
    check("generate", _ALLOWED, given)
    if beam is not None:
        if (temperature, top_k, top_p) != (1.0, None, None):
            raise ArgumentError(
                "generate: a beam searches for the likeliest text and draws nothing: give it no "
                "temperature, top_k or top_p"
            )
        return _searched(following, list(prompt), length, end, beam)
    rng = np.random.Generator(np.random.Philox(seed))
    found: list[int] = []
    while len(found) < length:
        scores = following([[*prompt, *found]])[0].astype(np.float64)
        word = _drawn(scores, rng, temperature, top_k, top_p)
        if word == end:
            break
        found.append(word)
    return found


def _drawn(
    scores: Array,
    rng: np.random.Generator,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
) -> int:
    """Draw a word by its log-probabilities, or take the likeliest at temperature 0."""
    if temperature == 0:
        return int(np.argmax(scores))
    order = np.argsort(-scores, kind="stable")[:top_k]
    shares = np.exp((scores[order] - scores[order[0]]) / temperature)
    shares /= shares.sum()
    if top_p is not None:
        n = int(np.searchsorted(np.cumsum(shares), top_p)) + 1
        order, shares = order[:n], shares[:n] / shares[:n].sum()
    place = int(np.searchsorted(np.cumsum(shares), rng.random(), side="right"))
    return int(order[min(place, len(order) - 1)])


def _searched(following: Next, prompt: list[int], length: int, end: int, width: int) -> list[int]:
    """Return the likeliest continuation that a beam finds, by its log-probability per word."""
    beams: list[tuple[float, list[int]]] = [(0.0, [])]
    ended: list[tuple[float, list[int]]] = []
    for _ in range(length):
        scores = following([[*prompt, *words] for _, words in beams]).astype(np.float64)
        totals = (scores + np.array([total for total, _ in beams])[:, None]).ravel()
        best = np.argsort(-totals, kind="stable")[:width]
        kept = []
        for place in best.tolist():
            row, word = divmod(place, scores.shape[1])
            total, words = float(totals[place]), beams[row][1]
            if word == end:
                ended.append((total / (len(words) + 1), words))
            elif np.isfinite(total):
                kept.append((total, [*words, word]))
        beams = kept
        if not beams or len(ended) >= width:
            break
    ended += [(total / max(len(words), 1), words) for total, words in beams]
    return max(ended, key=lambda found: found[0])[1]
