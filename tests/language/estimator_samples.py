"""Tiny data for every estimator of `chainrule.language`: the shared suite runs over them.

An estimator that is listed in ``language.ESTIMATORS`` needs a `Sample` here, by its name, and is
then covered by ``test_estimators.py``. This module imports no test library, for the suite also runs
it in processes of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule import language

TEXTS = ["a fine film", "so good", "a good film", "dull", "a dull mess", "so bad"]


@dataclass(frozen=True)
class Sample:
    """What an estimator learns from, and what it is asked.

    Attributes
    ----------
    data : tuple
        Arguments of ``fit``.
    ask : callable
        ``ask(fitted)`` returns arrays, or what NumPy makes arrays of.
    unfitted : tuple of (str, tuple)
        Methods that need a fit, with arguments.
    arguments : dict
        Of the constructor, so that it learns something in no time.
    bad : tuple of dict
        Arguments that ``fit`` must refuse, beside those out of the range of ``allowed``.
    """

    data: tuple[Any, ...]
    ask: Callable[[Any], Any]
    unfitted: tuple[tuple[str, tuple[Any, ...]], ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    bad: tuple[dict[str, Any], ...] = ()

    def made(self, kind, **changed):
        """Return a new estimator."""
        return kind(**{**self.arguments, **changed})

    def fitted(self, kind, **changed):
        """Return one that has learned."""
        return self.made(kind, **changed).fit(*self.data)

    def answers(self, fitted):
        """Return what a fitted estimator answers, as arrays."""
        return [np.asarray(part) for part in self.ask(fitted)]


SAMPLES = {
    "TextClassifier": Sample(
        (TEXTS, ["+", "+", "+", "-", "-", "-"]),
        lambda model: [model.predict_proba([*TEXTS, "new", ""]), model.predict(TEXTS)],
        (("predict", (TEXTS,)), ("predict_proba", (TEXTS,)), ("explain_", ("a film",))),
        {"embedding_dim": 4, "epochs": 3, "batch_size": 2, "buckets": 64, "engine": "eager"},
        ({"subwords": (3,)}, {"hidden_layer_sizes": (0,)}, {"tune": "fixed"}),
    ),
    "WindowTagger": Sample(
        ([["the", "dog"], ["a", "cat", "runs"]] * 2, [["D", "N"], ["D", "N", "V"]] * 2),
        lambda model: model.predict_proba([["the", "cat"], ["dog"]]),
        (("predict", ([["a"]],)),),
        {
            "window": 1, "embedding_dim": 4, "hidden_layer_sizes": (4,), "min_count": 1,
            "epochs": 2, "batch_size": 4, "engine": "eager",
        },
    ),
    "LanguageModel": Sample(
        (["the dog barks", "the cat sleeps", "a dog sleeps"] * 2,),
        lambda model: model.log_probs(["the dog sleeps"]),
        (("perplexity", (["the dog"],)), ("generate", ())),
        {
            "context": 2, "embedding_dim": 4, "hidden_layer_sizes": (4,), "epochs": 2,
            "batch_size": 4, "engine": "eager",
        },
    ),
    "WordVectors": Sample(
        (["the dog barks", "the cat sleeps", "a dog sleeps"] * 4,),
        lambda model: [model.vectors_],
        (),
        {"vector_size": 4, "window": 2, "min_count": 1, "epochs": 2, "sample": 0.0},
    ),
}  # fmt: skip


def digest(name: str) -> str:
    """Return what an estimator answers after a fit, as text that tells every bit."""
    sample = SAMPLES[name]
    answers = sample.answers(sample.fitted(language.ESTIMATORS[name]))
    return "\n".join(f"{a.dtype} {a.shape} {a.tobytes().hex()}" for a in answers)
