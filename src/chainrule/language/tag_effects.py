"""What moved the decision for a word: words around it and features, by gradient and left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.autodiff import grad
from chainrule.graph import Array
from chainrule.graph.tree import map_leaves
from chainrule.language.tag_network import TagNetwork
from chainrule.language.windows import Windows
from chainrule.language.word_effects import WordEffects
from chainrule.ops.probability import logsumexp


def tag_effects(
    windows: Windows, network: TagNetwork, classes: Array, words: Sequence[str], place: int,
    number: int | None,
) -> WordEffects:  # fmt: skip
    """Return what the words and features in a word's window did for a tag.

    Each is compared with an unknown one. Scores are the word's own, whatever its neighbours' tags.

    Parameters
    ----------
    windows, network, classes
        Of a tagger.
    words : sequence of str
        A sentence.
    place : int
        Of the word, from 0.
    number : int, optional
        Of the tag; by default the likeliest.
    """
    x = windows.encode([words])
    own, nothing = ({name: rows[[i]] for name, rows in x.items()} for i in (place, -1))
    wide: TagNetwork = map_leaves(lambda p: p.astype(np.float64), network)
    if number is None:
        number = int(np.argmax(wide.scores(*wide.looked_up(own))))
    names, lookups = _parts(windows, words, place)
    vectors, without = wide.looked_up(own), wide.looked_up(nothing)

    def odds(vectors: Any) -> Any:
        scores = wide.scores(*vectors)[0]
        others = [i for i in range(len(classes)) if i != number]
        return scores[number] - logsumexp(scores[np.array(others, int)]) if others else scores[0]

    slopes = grad(odds)(vectors)
    whole = float(odds(vectors))
    gradients, left_out = np.zeros(len(names)), np.zeros(len(names))
    for i, (kind, places) in enumerate(lookups):
        gap = vectors[kind][:, places] - without[kind][:, places]
        gradients[i] = np.sum(slopes[kind][:, places] * gap)
        changed = list(vectors)
        changed[kind] = np.array(vectors[kind])
        changed[kind][:, places] -= gap
        left_out[i] = whole - float(odds(tuple(changed)))
    likeliest = int(np.argmax(wide.scores(*vectors)))
    return WordEffects(
        names, gradients, left_out, classes[number].item(), whole, number == likeliest
    )


def _parts(
    windows: Windows, words: Sequence[str], place: int
) -> tuple[list[str], list[tuple[int, list[int]]]]:
    """Return the names of words and of their features, and where they are looked up.

    Each is a place in the first array that `TagNetwork.looked_up` returns, or in the second.
    """
    names: list[str] = []
    lookups: list[tuple[int, list[int]]] = []
    for i in range(windows.n_places):
        j = place + i - windows.width
        if 0 <= j < len(words):
            names.append(words[j])
            lookups.append((0, [i]))
            for feature, columns in windows.columns(i).items():
                names.append(f"{words[j]} ({feature})")
                lookups.append((1, columns))
    return names, lookups
