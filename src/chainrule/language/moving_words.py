"""Which words speak most for each class of a text classifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from chainrule.language.text_classifier import TextClassifier
from chainrule.language.text_network import predicted_scores

_LEAST = 3  # times that a word comes: of a rare one chance says as much as its meaning
_MOST = 20_000  # words, the commonest, that are asked


def moving_words(
    model: TextClassifier, texts: Iterable[str], n: int
) -> list[list[tuple[str, float]]]:
    """Return for each class the words that speak most for it, and how much.

    Parameters
    ----------
    model : TextClassifier
        Fitted.
    texts : iterable of str
        Whose words are asked, if they come three times or more.
    n : int
        Words of a class.

    Returns
    -------
    list of lists of (word, float)
        The class's log-odds where the word is all of a text, above those of a text without a word;
        none that is not above 0.

    Examples
    --------
    >>> texts = ["a good film", "so good", "good", "a bad film", "so bad", "bad", "a film"]
    >>> model = TextClassifier(epochs=3).fit(texts, ["+", "+", "+", "-", "-", "-", "+"])
    >>> [words[0][0] for words in moving_words(model, texts, 1)]
    ['good', 'bad']
    """
    counts = Counter(token for text in texts for token in model.features_.tokens(text))
    words = [word for word, count in counts.most_common(_MOST) if count >= _LEAST]
    rows = model.features_.of_tokens([[], *([word] for word in words)])
    scores = predicted_scores(model.network_, rows).astype(np.float64)
    odds = scores if not model._labels.one else _log_odds(scores)
    gains = odds[1:] - odds[0]
    found = []
    for own in gains.T:
        order = np.argsort(-own, kind="stable")[:n]
        found.append([(words[i], float(own[i])) for i in order if own[i] > 0])
    return found


def _log_odds(scores: np.ndarray) -> np.ndarray:
    """Return log p / (1 - p) of each class, from the scores of all."""
    k = scores.shape[1]
    others = [np.delete(scores, i, axis=1) for i in range(k)]
    return np.stack([scores[:, i] - np.logaddexp.reduce(others[i], axis=1) for i in range(k)], 1)
