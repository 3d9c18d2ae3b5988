"""Text classifiers, taggers, language models and word vectors, in scikit-learn's form.

They keep its contract without importing it. Names are imported when they are first used.
"""

from __future__ import annotations

from typing import Any

from chainrule.lazy import lazily

_ESTIMATORS = {
    "LanguageModel": "language_model",
    "TextClassifier": "text_classifier",
    "WindowTagger": "window_tagger",
    "WordVectors": "word_vectors",
}
_HOME = {
    **_ESTIMATORS,
    "Saved": "saved",
    "TagScores": "tag_scores",
    "WordEffects": "word_effects",
}

__all__ = ["ESTIMATORS", *_HOME]

_named = lazily(__name__, _HOME)


def __getattr__(name: str) -> Any:
    if name == "ESTIMATORS":  # whatever stands here is covered by the shared suite
        return {each: _named(each) for each in _ESTIMATORS}
    return _named(name)
