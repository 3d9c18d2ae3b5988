"""Text classifiers on real texts: chainrule with its defaults beside fastText and TF-IDF.

fastText and the logistic regression on TF-IDF have their settings chosen for each set, on a tenth
of the training texts that is held out; `TextClassifier` has its defaults everywhere. All have the
same splits; fastText reads the same words. What is finished is kept in a folder, so that an
interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from labelled_texts import FOLDS, SETS, Texts
from real_data import DATA
from results import spread, table, write

from chainrule.language import TextClassifier
from chainrule.text import LexiconFeatures, WordTokenizer, read_words

WORK = Path(__file__).resolve().parents[1] / "runs" / "sentiment"
LABELS = "goemotions, 28 labels"
_PREFIX = "__label__"
_TOKENS = WordTokenizer(lowercase=True)
Scores = Any  # a probability for each text and class


def judged(texts: Texts, classes: Sequence[Any], scores: Scores) -> float:
    """Return the accuracy; for several labels the average precision, all labels together."""
    if not isinstance(texts.y_test[0], list):
        right = np.array(classes)[scores.argmax(axis=1)] == np.array(texts.y_test)
        return 100 * float(right.mean())
    from sklearn.metrics import average_precision_score

    truth = np.array([[label in row for label in classes] for row in texts.y_test])
    return 100 * float(average_precision_score(truth, scores, average="micro"))


# Who learns -------------------------------------------------------------------------------------


def own(**changed: Any) -> Callable[[Texts, int], float]:
    """Return what trains `TextClassifier`."""

    def learn(texts: Texts, seed: int) -> float:
        model = TextClassifier(random_state=seed, **changed).fit(texts.train, texts.y_train)
        return judged(texts, model.classes_.tolist(), model.predict_proba(texts.test))

    return learn


def chosen(texts: Texts, learn: Callable[..., float], choices: Sequence[Any]) -> Any:
    """Return the choice that is best on a tenth of the training texts."""
    order = np.random.default_rng(0).permutation(len(texts.train)).tolist()
    held, kept = order[: len(order) // 10], order[len(order) // 10 :]
    inner = Texts(
        [texts.train[i] for i in kept], [texts.y_train[i] for i in kept],
        [texts.train[i] for i in held], [texts.y_train[i] for i in held], texts.spaceless,
    )  # fmt: skip
    return max(choices, key=lambda choice: learn(inner, 0, choice))


def tfidf(texts: Texts, seed: int) -> float:
    """Train scikit-learn's logistic regression on TF-IDF of words and pairs of words."""
    return _tfidf(texts, seed, chosen(texts, _tfidf, (1.0, 10.0, 100.0)))


def _tfidf(texts: Texts, seed: int, c: float) -> float:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import MultiLabelBinarizer

    words: dict[str, Any] = {"ngram_range": (1, 2), "tokenizer": _TOKENS, "token_pattern": None}
    kind = {"ngram_range": (1, 3), "analyzer": "char"} if texts.spaceless else words
    vectorizer = TfidfVectorizer(sublinear_tf=True, **kind)
    X, held = vectorizer.fit_transform(texts.train), vectorizer.transform(texts.test)
    model: Any = LogisticRegression(C=c, max_iter=1000)
    y, labels = texts.y_train, None
    if isinstance(y[0], list):
        labels = MultiLabelBinarizer().fit(y)
        y, model = labels.transform(y), OneVsRestClassifier(model)
    model.fit(X, y)
    classes = (model if labels is None else labels).classes_.tolist()
    return judged(texts, classes, model.predict_proba(held))


def fasttext(texts: Texts, seed: int) -> float:
    """Train fastText with pairs of words, or subwords too, by its own rate and epochs."""
    epochs = (5, 25) if len(texts.train) > 5000 else (25, 100)
    subwords = ((0, 0), (2, 4)) if len(texts.train) < 5000 else ((0, 0),)
    choices = list(product((0.1, 0.5), epochs, subwords))
    return _fasttext(texts, seed, chosen(texts, _fasttext, choices))


def _fasttext(texts: Texts, seed: int, choice: tuple[float, int, tuple[int, int]]) -> float:
    import fasttext

    lr, epochs, (shortest, longest) = choice
    several = isinstance(texts.y_train[0], list)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.txt")
        path.write_text(_labelled(texts, seed), encoding="utf-8")
        model = fasttext.train_supervised(
            input=str(path), lr=lr, epoch=epochs, wordNgrams=2, minn=shortest, maxn=longest,
            dim=100, bucket=200_000, loss="ova" if several else "softmax", thread=1, verbose=0,
        )  # fmt: skip
    classes = [label.removeprefix(_PREFIX) for label in model.labels]
    place = {label: i for i, label in enumerate(classes)}
    scores = np.zeros((len(texts.test), len(classes)))
    for row, text in zip(scores, texts.test, strict=True):
        line = " ".join(_TOKENS(text)) + "\n"
        # model.predict makes an array in a way that NumPy 2 refuses.
        for probability, label in model.f.predict(line, len(classes), 0.0, "strict"):
            row[place[label.removeprefix(_PREFIX)]] = probability
    return judged(texts, classes, scores)


def _labelled(texts: Texts, seed: int) -> str:
    """Return fastText's file, shuffled: it takes the texts as they come, and has no other seed."""
    lines = []
    for i in np.random.default_rng(seed).permutation(len(texts.train)):
        labels = texts.y_train[i] if isinstance(texts.y_train[i], list) else [texts.y_train[i]]
        words = [*(f"{_PREFIX}{label}" for label in labels), *_TOKENS(texts.train[i])]
        lines.append(" ".join(words))
    return "\n".join(lines) + "\n"


def by_hand(*hidden: int) -> Callable[[Texts, int], float]:
    """Return what trains on the lecture's six features: linear, or with hidden layers."""

    def learn(texts: Texts, seed: int) -> float:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        from chainrule.estimators import LogisticRegression, MLPClassifier

        lists = DATA / "opinion-lexicons"
        features = LexiconFeatures(
            *(read_words(lists / f"hu-liu-{kind}-words.txt", encoding="utf-8")
              for kind in ("positive", "negative"))
        )  # fmt: skip
        last = (
            MLPClassifier(hidden, max_iter=60, random_state=seed, learning_rate_init=0.01)
            if hidden else LogisticRegression()
        )  # fmt: skip
        model = make_pipeline(features, StandardScaler(), last).fit(texts.train, texts.y_train)
        return judged(texts, list(model.classes_), model.predict_proba(texts.test))

    return learn


MAIN: dict[str, Callable[[Texts, int], float]] = {
    "chainrule": own(), "fastText": fasttext, "TF-IDF, logistic regression": tfidf,
}  # fmt: skip
_DEEP = {"epochs": 5, "subwords": None, "direct": False}
LECTURE: dict[str, Callable[[Texts, int], float]] = {
    "six features, logistic regression": by_hand(),
    "six features, a hidden layer of 16": by_hand(16),
    "words concatenated, a hidden layer of 64": own(
        pooling="concatenate", hidden_layer_sizes=(64,), max_length=60, epochs=5
    ),
    "mean of words, no pairs": own(pooling="mean", word_ngrams=1, **_DEEP),
    "mean of words and pairs": own(pooling="mean", **_DEEP),
    "largest of words and pairs": own(pooling="max", **_DEEP),
    "deep averaging network, 2 x 64": own(pooling="mean", hidden_layer_sizes=(64, 64), **_DEEP),
    "words and pairs, weighted, with scores of their own": own(subwords=None),
    "chainrule": MAIN["chainrule"],  # the same and subwords: its defaults
}
LECTURE_SETS = ("rt-polarity", "goemotions, 3 classes")
_WITHOUT_SEED = {"TF-IDF, logistic regression", "six features, logistic regression"}


# What is measured -------------------------------------------------------------------------------


def measured(name: str, system: str, seed: int) -> float:
    """Return the figure of a set, a system and a seed, from the folder if it is finished."""
    done = WORK / f"{name}, {system}, {seed}.json"
    if not done.exists():
        learn = {**MAIN, **LECTURE}[system]
        folds = FOLDS if name == "uci-sentences" else 1
        found = [learn(SETS[name](fold, seed), seed) for fold in range(folds)]
        done.parent.mkdir(parents=True, exist_ok=True)
        done.write_text(json.dumps(float(np.mean(found))) + "\n", encoding="utf-8")
    number: float = json.loads(done.read_text(encoding="utf-8"))
    return number


def figure(name: str, system: str, seeds: Sequence[int]) -> tuple[float, str]:
    """Return the mean over seeds, and mean and spread in words."""
    alone = system in _WITHOUT_SEED and name != "uci-sentences"
    found = [measured(name, system, seed) for seed in (seeds[:1] if alone else seeds)]
    return float(np.mean(found)), spread(found, 1)


def comparison(names: Sequence[str], seeds: Sequence[int]) -> list[str]:
    """Return the lines of the comparison with others."""
    rows, ahead = [], 0
    for name in names:
        figures = {system: figure(name, system, seeds) for system in MAIN}
        best = max(mean for system, (mean, _) in figures.items() if system != "chainrule")
        ahead += figures["chainrule"][0] >= best
        rows.append([name, *(text for _, text in figures.values())])
    return [
        *table(["set", *MAIN], rows),
        "",
        "Per cent of the test texts whose class is right; of 28 labels the average precision, all "
        "labels together; of uci-sentences the mean of five folds. chainrule has its defaults, "
        "the others what is best on a tenth of the training texts.",
        "",
        f"chainrule is at least equal to the better of the two on {ahead} of {len(names)} sets.",
    ]


def lecture(seeds: Sequence[int]) -> list[str]:
    """Return the lines of the models that a lecture compares."""
    rows = [
        [system, *(figure(name, system, seeds)[1] for name in LECTURE_SETS)] for system in LECTURE
    ]
    return [*table(["model", *LECTURE_SETS], rows), "", "Per cent of the test texts."]


def main() -> None:
    """Measure all and write the sections, or measure what is asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", action="append", choices=SETS)
    parser.add_argument("--system", action="append", choices={**MAIN, **LECTURE})
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    if given.set or given.system:
        for name, system in product(given.set or SETS, given.system or MAIN):
            print(f"{name}, {system}: {figure(name, system, given.seeds)[1]}", flush=True)
        return
    command = "python benchmarks/sentiment.py"
    write("classification 1", "Classes of texts", command, comparison(list(SETS), given.seeds))
    write("classification 2", "A lecture's models of sentiment", command, lecture(given.seeds))


if __name__ == "__main__":
    main()
