"""What classifiers of texts, taggers and language models have trained, to be looked into."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.data import spread_rows
from chainrule.language.language_model import LanguageModel
from chainrule.language.text_classifier import TextClassifier
from chainrule.language.text_network import text_loss
from chainrule.language.window_network import mean_cost
from chainrule.language.window_tagger import LOSSES, WindowTagger
from chainrule.text import word_table
from chainrule.training import Exhibit

_SHOWN = 1024  # texts or sentences whose rows are shown


def text_exhibit(
    model: TextClassifier, X: Sequence[str], y: Sequence[Any], fresh: TextClassifier | None = None
) -> Exhibit:
    """Return the network of a text classifier, and texts that it was trained on.

    Parameters
    ----------
    model : TextClassifier
        Fitted.
    X, y : sequences
        As `TextClassifier.fit` had them; every second is shown, or every third, if there are many.
    fresh : TextClassifier, optional
        The same before it was fitted: the network is then as it was before training.
    """
    labels, network = model._labels, model.network_
    targets = labels.encode(y)
    if fresh is not None:
        weight = fresh._weights(labels, targets, None)
        network = fresh._new_network(model.features_, model.features_(X), targets, weight)
    places = spread_rows(len(X), _SHOWN)
    ids = model.features_([X[i] for i in places])
    width = ids.width
    if model.pooling == "concatenate":
        width = network.width // network.table.weight.shape[1]
    return Exhibit(
        network, nn.cross_entropy if labels.one else text_loss,
        ids.padded(np.arange(len(ids)), width), targets[places],
        model._optimizer(), model.batch_size, model.random_state,
    )  # fmt: skip


def tag_exhibit(
    model: WindowTagger, X: Sequence[Sequence[str]], y: Sequence[Sequence[str]],
    fresh: WindowTagger | None = None,
) -> Exhibit:  # fmt: skip
    """Return the network of a tagger, and words or rows of sentences that it was trained on.

    See `text_exhibit`.
    """
    windows, network = model._windows, model.network_
    if fresh is not None:
        table = None if fresh.vectors is None else word_table(fresh.vectors)
        rng = np.random.default_rng(fresh.random_state)
        network = fresh._network(windows, len(model.classes_), rng, table)
    places = spread_rows(len(X), _SHOWN)
    tags = [y[i] for i in places]
    codes = model._codes(model.classes_, tags)
    rows, batch_size = model._rows(windows, [list(X[i]) for i in places], codes)
    why = "the loss of whole sentences is a product of matrices, one a word"
    return Exhibit(
        network, LOSSES[model.loss], *rows, model._optimizer(), batch_size, model.random_state,
        underivable=why if model.loss == "sentence" else "",
    )  # fmt: skip


def lm_exhibit(
    model: LanguageModel, texts: Iterable[str], fresh: LanguageModel | None = None
) -> Exhibit:
    """Return the network of a language model, and windows of the first texts.

    See `text_exhibit`.
    """
    network = model.network_
    if fresh is not None:
        rng = np.random.default_rng(fresh.random_state)
        network = fresh._network(model.vocabulary_, rng)
    with model._corpus(islice(texts, _SHOWN)) as corpus:
        windows, words = map(np.array, corpus.rows())
    return Exhibit(
        network, mean_cost, windows, words, model._optimizer(), model.batch_size,
        model.random_state,
    )  # fmt: skip
