"""`WindowNetwork`: a distribution over the next word from the words before it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.errors import ArgumentError
from chainrule.nn import Activation, Dropout, Embedding, Linear, Module, Run, Sequential
from chainrule.nn.initialisers import initialiser_for
from chainrule.nn.word_outputs import WORD_OUTPUTS, WordOutput


class WindowNetwork(Module):
    """The feedforward language model of Bengio et al.

    One table gives a vector to each word wherever it stands in the window; the vectors side by side
    go through hidden layers to an output over all words. Bengio, Ducharme, Vincent and Jauvin, "A
    neural probabilistic language model" (JMLR 2003), section 2:
    ``y = b + W x + U tanh(d + H x)``, ``W`` being the direct connections.

    Parameters
    ----------
    counts : array_like, shape (words,)
        How often each word comes in the training text, in falling order but for the first few.
    begin, end : int
        The words that stand for what is before a text, and for its end. What is before an end in a
        window belongs to another text, and counts as `begin`.
    context : int >= 1
        Words that are looked at.
    embedding_dim : int >= 1
    hidden_layer_sizes : sequence of int
        None at all, with direct connections, is the log-bilinear model of Mnih and Hinton (2007).
    activation : str
    direct : bool
        Whether the output sees the words' vectors themselves too.
    output : str
        A name in `chainrule.nn.WORD_OUTPUTS`.
    tie_weights : bool
        Whether the output has the same table as the input, behind a linear map to its width: Press
        and Wolf, "Using the output embedding to improve language models" (EACL 2017).
    dropout, embedding_dropout : float in [0, 1)
        Of hidden units, and of the numbers in the words' vectors.
    rng : numpy.random.Generator, optional
        Source of the initial weights; without it they are zero, to be loaded.
    **options
        Of the output.

    Raises
    ------
    ArgumentError
        If the output has no vectors of words that could be shared.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = WindowNetwork([0, 0, 3, 5, 2], 1, 2, rng, context=2, embedding_dim=3)
    >>> np.exp(network.log_probabilities(np.array([[3, 4]]))).sum().round(5)
    np.float32(1.0)
    """

    def __init__(
        self,
        counts: Any,
        begin: int,
        end: int,
        rng: np.random.Generator | None,
        *,
        context: int = 4,
        embedding_dim: int = 64,
        hidden_layer_sizes: Sequence[int] = (128,),
        activation: str = "tanh",
        direct: bool = False,
        output: str = "softmax",
        tie_weights: bool = False,
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        **options: Any,
    ) -> None:
        if tie_weights and output in ("hierarchical", "adaptive"):
            raise ArgumentError(
                f"tie_weights: the output {output!r} has no vector for each word that could be "
                "the one of the input; 'softmax', 'sampled' and 'nce' have"
            )
        self.begin, self.end = int(begin), int(end)
        width = context * embedding_dim
        self.embedding = Embedding(len(counts), embedding_dim, rng, weight_init=_small)
        self.embedding_dropout = Dropout(embedding_dropout)
        self.hidden = _hidden([width, *hidden_layer_sizes], rng, activation, dropout)
        n_hidden = [width, *hidden_layer_sizes][-1]
        self.projection: Any = Linear(n_hidden, embedding_dim, rng) if tie_weights else None
        self.direct: Any = None
        if direct and tie_weights:
            self.direct = Linear(width, embedding_dim, rng, bias=False)
        self.joins = direct and not tie_weights
        n_features = embedding_dim if tie_weights else n_hidden + width * self.joins
        if tie_weights:
            options["shared"] = True
        self.output: WordOutput = WORD_OUTPUTS[output](counts, n_features, rng, **options)

    def forward(self, window: Any, run: Run | None = None) -> Any:
        """Map words and the one that follows, (n, context + 1), to what each row costs, (n,)."""
        x = self.features(window[:, :-1], run)
        return self.output.costs(x, window[:, -1], run, self._table())

    def log_probabilities(self, context: Any) -> Any:
        """Map (n, context) to the log-probabilities of all words, (n, words)."""
        return self.output.log_probabilities(self.features(context), self._table())

    def features(self, context: Any, run: Run | None = None) -> Any:
        """Map (n, context) to what the output sees, (n, features)."""
        x = np.reshape(self._vectors(context), (len(context), -1))
        x = self.embedding_dropout(x, run)
        hidden = self.hidden(x, run)
        if self.joins:
            return np.concatenate([hidden, x], axis=1)
        if self.projection is None:
            return hidden
        hidden = self.projection(hidden)
        return hidden if self.direct is None else hidden + self.direct(x)

    def _vectors(self, context: Any) -> Any:
        """Return the words' vectors, (n, context, embedding_dim)."""
        ends = np.where(np.equal(context, self.end), np.float32(1), np.float32(0))
        after = np.equal(ends @ np.tri(context.shape[1], dtype=np.float32), 0)
        begin = self.embedding(np.array([self.begin]))
        return np.where(after[..., None], self.embedding(context), begin)

    def _table(self) -> Any:
        return None if self.projection is None else self.embedding.weight


def mean_cost(costs: Any, targets: Any) -> Any:
    """Return the mean of what rows cost; their targets are in their windows."""
    return np.mean(costs)


def _small(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    return rng.normal(0.0, 0.1, shape)


def _hidden(sizes: Sequence[int], rng: Any, activation: str, dropout: float) -> Sequential:
    layers: list[Module] = []
    for n_in, n_out in pairwise(sizes):
        init = initialiser_for(activation)
        layers += [
            Linear(n_in, n_out, rng, weight_init=init, bias_init="zeros"),
            Activation(activation),
            Dropout(dropout),
        ]
    return Sequential(*layers)
