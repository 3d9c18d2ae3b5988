"""Which words moved a decision: by gradient times input, and by leaving them out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.autodiff import grad
from chainrule.errors import DataError
from chainrule.graph import Array
from chainrule.graph.tree import map_leaves
from chainrule.language.labels import Labels
from chainrule.language.text_features import TextFeatures
from chainrule.language.text_network import TextNetwork, predicted_scores
from chainrule.nn import PooledEmbedding
from chainrule.ops.probability import logsumexp
from chainrule.pages import Block, Fold, Heading, Page, Paragraph, Shown, Strong, Table, Text

AGREE = 0.7
"""The rank correlation from which on two ways of telling are said to agree."""
_FIRST = 15  # words that a page shows at once


class WordEffects(Shown):
    """What each word of a text did for a class, told in two ways.

    Attributes
    ----------
    words : list of str
        The tokens of the text, in their order.
    gradients : array of float64, shape (n,)
        The gradient of the class's log-odds at a word's vectors, times these vectors; what an
        n-gram has is divided among its words.
    left_out : array of float64, shape (n,)
        How much larger the log-odds are with the word than without.
    target : object
        The class.
    probability, log_odds : float
        Of the class, by the model.
    is_predicted : bool
        Whether it is what the model predicts.
    """

    def __init__(
        self, words: Sequence[str], gradients: Array, left_out: Array, target: Any,
        log_odds: float, is_predicted: bool,
    ) -> None:  # fmt: skip
        self.words, self.gradients, self.left_out = list(words), gradients, left_out
        self.target, self.log_odds, self.is_predicted = target, log_odds, is_predicted
        self.probability = float(0.5 * (1.0 + np.tanh(0.5 * log_odds)))

    @property
    def rank_correlation(self) -> float | None:
        """Spearman's, between the two ways; None where one has all words equal."""
        if min(np.ptp(self.gradients), np.ptp(self.left_out)) == 0.0:
            return None
        return float(np.corrcoef(_ranks(self.gradients), _ranks(self.left_out))[0, 1])

    @property
    def same_sign(self) -> float:
        """The share of words for which both ways tell the same: for the class, or against it."""
        return float(np.mean(np.sign(self.gradients) == np.sign(self.left_out)))

    @property
    def agree(self) -> bool:
        """Whether both ways put the words in nearly the same order, and the first is the same way.

        The rank correlation is `AGREE` or more, and what leaving out calls the most important word
        has the same sign in both.
        """
        first = int(np.argmax(np.abs(self.left_out)))
        same = np.sign(self.gradients[first]) == np.sign(self.left_out[first])
        correlation = self.rank_correlation
        return bool(same and (correlation is None or correlation >= AGREE))

    def facts(self) -> dict[str, Any]:
        """Return all that is known, as JSON-able values."""
        columns = zip(self.words, self.gradients.tolist(), self.left_out.tolist(), strict=True)
        return {
            "class": self.target,
            "is_predicted": self.is_predicted,
            "probability": self.probability,
            "log_odds": self.log_odds,
            "words": [
                {"word": word, "gradient_times_input": gradient, "left_out": left}
                for word, gradient, left in columns
            ],
            "rank_correlation": self.rank_correlation,
            "same_sign": self.same_sign,
            "agree": self.agree,
        }

    def page(self) -> Page:
        """Return the page that a person reads."""
        title = "Which words moved the decision"
        return Page(title, [Heading(title, 1), *self.blocks()])

    def blocks(self) -> list[Block]:
        """Return what the page holds under its title."""
        verb = "is predicted" if self.is_predicted else "is not predicted"
        said: Text = [
            Strong(str(self.target)), f" {verb}, with the probability {self.probability:.3f}: ",
            f"log-odds {self.log_odds:+.2f}. A word with a positive number speaks for it.",
        ]  # fmt: skip
        order = np.argsort(-np.abs(self.left_out), kind="stable").tolist()
        blocks: list[Block] = [Paragraph(said), self._table(order[:_FIRST])]
        if len(order) > _FIRST:
            rest = order[_FIRST:]
            blocks.append(Fold(f"{len(rest)} words that moved it less", [self._table(rest)]))
        return [*blocks, Paragraph(self._verdict())]

    def _table(self, places: Sequence[int]) -> Table:
        rows: list[list[Text]] = [
            [
                self.words[i],
                str(i + 1),
                f"{self.left_out[i]:+.3f}",
                f"{self.gradients[i]:+.3f}",
                _direction(self.left_out[i], self.gradients[i]),
            ]
            for i in places
        ]
        columns = ["word", "place", "left out", "gradient × input", ""]
        return Table(columns, rows, frozenset({1, 2, 3}))

    def _verdict(self) -> Text:
        correlation = self.rank_correlation
        ranks = "undefined" if correlation is None else f"{correlation:.2f}"
        measured = (
            f" (rank correlation {ranks}, the same sign for {self.same_sign:.0%} of the words). "
        )
        if self.agree:
            return [Strong("✓ Both ways agree", "good"), measured.rstrip()]
        return [
            Strong("✗ The two ways do not agree", "bad"), measured,
            "Leaving out is what the model does without the word; the gradient only sees small "
            "changes, and words that make up for each other mislead both.",
        ]  # fmt: skip


def _direction(left_out: float, gradient: float) -> Text:
    if np.sign(left_out) != np.sign(gradient):
        return [Strong("◆ in dispute", "note")]
    if left_out == 0:
        return ""
    return [Strong("▲ for", "good") if left_out > 0 else Strong("▼ against", "bad")]


def _ranks(values: Array) -> Array:
    """Return ranks, the mean of them where values are equal."""
    distinct, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    del distinct
    last = np.cumsum(counts)
    ranks: Array = (last - (counts - 1) / 2)[places]
    return ranks


def word_effects(
    features: TextFeatures, network: TextNetwork, labels: Labels, text: str, number: int
) -> WordEffects:
    """Return what each word of a text did for the class of a number.

    Raises
    ------
    DataError
        If no token of the text is known.
    """
    tokens = features.tokens(text)
    ids, spans = features.spans(tokens)
    if not len(ids):
        raise DataError(f"the text has no word that is known, so that none moved a thing: {text!r}")
    without = [tokens[:i] + tokens[i + 1 :] for i in range(len(tokens))]
    scores = predicted_scores(network, features.of_tokens([tokens, *without])).astype(np.float64)
    odds = np.array([_log_odds(row[None], number, labels.one) for row in scores])
    gradients = np.zeros(len(tokens))
    for effect, (start, stop) in zip(
        _effects(network, ids, number, labels.one), spans, strict=True
    ):
        gradients[start:stop] += effect / (stop - start)
    is_predicted = number == scores[0].argmax() if labels.one else scores[0, number] > 0
    target = labels.classes[number].item()
    return WordEffects(
        tokens, gradients, odds[0] - odds[1:], target, float(odds[0]), bool(is_predicted)
    )


def _log_odds(scores: Any, number: int, one: bool) -> Any:
    """Return the logarithm of p / (1 - p) of a class, from scores of shape (1, k)."""
    if not one:
        return scores[0, number]
    others = [i for i in range(np.shape(scores)[1]) if i != number]
    return scores[0, number] - logsumexp(scores[0, others])


def _effects(network: TextNetwork, ids: Array, number: int, one: bool) -> Array:
    """Return the gradient at each id's vector, times the vector."""
    length = len(ids)
    if network.table.pooling == "concatenate":
        length = network.width // network.table.weight.shape[1]
        ids = ids[:length]
    small = TextNetwork(
        _only(network.table, ids),
        map_leaves(lambda p: p.astype(np.float64), network.body),
        network.width,
        None if network.direct is None else _only(network.direct, ids),
    )
    places = np.zeros((1, length), np.int64)
    places[0, : len(ids)] = np.arange(1, len(ids) + 1)
    gradient = grad(lambda model: _log_odds(model(places), number, one))(small)
    effects: Array = np.sum(gradient.table.weight * small.table.weight, axis=1)
    if small.direct is not None:
        effects = effects + np.sum(gradient.direct.weight * small.direct.weight, axis=1)
    return effects[1:]


def _only(table: PooledEmbedding, ids: Array) -> PooledEmbedding:
    """Return a table of the vectors of some ids alone, in their order, in double precision."""
    made = PooledEmbedding(
        len(ids) + 1, table.weight.shape[1], None, pooling=table.pooling, dtype=np.float64
    )
    made.weight[1:] = table.weight[ids]
    if table.log_weight is not None:
        made.log_weight[1:] = table.log_weight[ids]
    return made
