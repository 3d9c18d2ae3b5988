"""Tokens a second of training text classifiers: chainrule beside fastText.

Both read the same file of labelled texts, make their dictionary, and train with SGD on the mean of
vectors of 100 numbers, for words, pairs of words, or subwords too. They take turns, on the same
processors. chainrule's programs are compiled before, as they are in a second process. A whole call
is timed, and one of more epochs: the difference is training alone, without reading, dictionary and
preparation of programs.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from labelled_texts import SETS
from results import table, write

from chainrule.language import TextClassifier
from chainrule.text import WordTokenizer, read_labelled

EPOCHS, MORE, DIM, COPIES = 5, 15, 100, 2
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


def chainrule(path: Path, ngrams: int, subwords: tuple[int, int] | None, epochs: int) -> None:
    """Train `TextClassifier` as fastText trains."""
    labelled = read_labelled(path)
    TextClassifier(
        "mean", DIM, direct=False, tokenizer="whitespace", lowercase=False, word_ngrams=ngrams,
        subwords=subwords, word_dropout=0.0, dropout=0.0, weight_decay=0.0, optimizer="sgd",
        learning_rate=5.0, epochs=epochs, batch_size=64, engine="numba",
    ).fit(labelled.texts, labelled.labels)  # fmt: skip


def fasttext(
    path: Path, ngrams: int, subwords: tuple[int, int] | None, epochs: int, threads: int
) -> None:
    """Train fastText."""
    import fasttext

    shortest, longest = subwords or (0, 0)
    fasttext.train_supervised(
        input=str(path), dim=DIM, epoch=epochs, wordNgrams=ngrams, minn=shortest, maxn=longest,
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
        n = corpus(path)
        for name, features in FEATURES.items():
            chainrule(path, *features, EPOCHS)
            calls = {
                "chainrule": partial(chainrule, path, *features),
                "fastText": partial(fasttext, path, *features, threads=threads),
            }
            times = {who: ([], []) for who in calls}
            for _ in range(rounds):
                for who, call in calls.items():
                    few, many = (seconds(partial(call, epochs=k), clock) for k in (EPOCHS, MORE))
                    times[who][0].append(EPOCHS * n / few)
                    times[who][1].append((MORE - EPOCHS) * n / (many - few))
            for i, what in enumerate(("whole call", "training alone")):
                ours, theirs = (times[who][i] for who in calls)
                ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
                each = (f"{median(speeds):,.0f}" for speeds in (ours, theirs))
                rows.append([name, what, *each, f"{ratio:.2f}"])
                print(*rows[-1], sep=", ", flush=True)
    head = ["features", "", "chainrule, tokens a second", "fastText, tokens a second", "ratio"]
    return [
        *table(head, rows),
        "",
        f"{threads} threads; a token is a word of the file, once an epoch. A whole call is "
        f"reading, dictionary and {EPOCHS} epochs; training alone is what {MORE - EPOCHS} more "
        f"take. Medians of {rounds} rounds, in turn.",
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the section; with arguments, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
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
