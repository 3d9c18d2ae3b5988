"""Tokens a second of training text classifiers, end to end: chainrule beside fastText.

Both read the same file of labelled texts, make their dictionary, and train with SGD on the mean of
vectors of 100 numbers, for words, pairs of words, or subwords too. They take turns, on the same
processors. chainrule's programs are compiled before, as they are in a second process.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from labelled_texts import SETS
from results import table, write

from chainrule.language import TextClassifier
from chainrule.text import WordTokenizer, read_labelled

EPOCHS, DIM, COPIES = 5, 100, 2
FEATURES: dict[str, tuple[int, tuple[int, int] | None]] = {
    "words": (1, None), "words and pairs": (2, None), "words, pairs and subwords": (2, (3, 4)),
}  # fmt: skip


def corpus(path: Path) -> int:
    """Write the comments of goemotions, several times, as fastText's file; return its tokens."""
    texts, split, n = SETS["goemotions, 3 classes"](0, 0), WordTokenizer(lowercase=True), 0
    lines = []
    for text, label in zip(texts.train, texts.y_train, strict=True):
        words = split(text)
        n += len(words)
        lines.append(" ".join([f"__label__{label}", *words]))
    path.write_text("\n".join(lines * COPIES) + "\n", encoding="utf-8")
    return n * COPIES


def chainrule(path: Path, ngrams: int, subwords: tuple[int, int] | None) -> None:
    """Train `TextClassifier` as fastText trains."""
    labelled = read_labelled(path)
    TextClassifier(
        "mean", DIM, direct=False, tokenizer="whitespace", lowercase=False, word_ngrams=ngrams,
        subwords=subwords, word_dropout=0.0, dropout=0.0, weight_decay=0.0, optimizer="sgd",
        learning_rate=5.0, epochs=EPOCHS, batch_size=64, engine="numba",
    ).fit(labelled.texts, labelled.labels)  # fmt: skip


def fasttext(path: Path, ngrams: int, subwords: tuple[int, int] | None, threads: int) -> None:
    """Train fastText."""
    import fasttext

    shortest, longest = subwords or (0, 0)
    fasttext.train_supervised(
        input=str(path), dim=DIM, epoch=EPOCHS, wordNgrams=ngrams, minn=shortest, maxn=longest,
        lr=0.1, bucket=2**18, thread=threads, verbose=0,
    )  # fmt: skip


def seconds(train: Callable[[], Any], clock: Callable[[], float]) -> float:
    """Return how long it takes."""
    start = clock()
    train()
    return clock() - start


def lines(threads: int, rounds: int, clock: Callable[[], float]) -> list[str]:
    """Return a table of tokens a second, and of the medians of the ratios."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "comments.txt")
        n = corpus(path) * EPOCHS
        for name, (ngrams, subwords) in FEATURES.items():
            chainrule(path, ngrams, subwords)
            ours, theirs = [], []
            for _ in range(rounds):
                ours.append(seconds(lambda: chainrule(path, ngrams, subwords), clock))  # noqa: B023
                theirs.append(
                    seconds(lambda: fasttext(path, ngrams, subwords, threads), clock)  # noqa: B023
                )
            ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
            each = (f"{n / min(times):,.0f}" for times in (ours, theirs))
            rows.append([name, *each, f"{ratio:.2f}"])
            print(*rows[-1], sep=", ", flush=True)
    head = ["features", "chainrule, tokens a second", "fastText, tokens a second", "ratio"]
    return [
        *table(head, rows),
        "",
        f"{threads} threads; a token is a word of the file, once an epoch; reading, dictionary and "
        f"{EPOCHS} epochs together. The best of {rounds} rounds, the median of their ratios.",
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the section; with arguments, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu", action="store_true", help="seconds of processors, not of the wall")
    given = parser.parse_args(arguments)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.threads])
    clock = time.process_time if given.cpu else time.perf_counter
    found = lines(given.threads, given.rounds, clock)
    if vars(given) == vars(parser.parse_args([])):
        write("speed classification", "Tokens a second: classification",
              "python benchmarks/text_speed.py", found)  # fmt: skip
    else:
        print("\n".join(found))


if __name__ == "__main__":
    main()
