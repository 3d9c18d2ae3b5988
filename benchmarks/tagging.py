"""Parts of speech and entities from windows of words, word by word and as whole sentences.

What is finished is kept in a folder, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from real_data import DATA
from results import spread, table, write

from chainrule.language import WindowTagger
from chainrule.text import Sentence, read_conll, read_conllu

WORK = Path(__file__).resolve().parents[1] / "runs" / "tagging"
Pair = tuple[list[list[str]], list[list[str]]]


class Task(NamedTuple):
    """Sentences to learn from and to be judged on, and how taggers learn.

    Attributes
    ----------
    read : callable
        Returns both, as words and tags.
    ways : tuple of str
        Names in `WAYS`.
    settings : dict
        Arguments of `chainrule.language.WindowTagger`, whatever the way.
    """

    read: Callable[[], tuple[Pair, Pair]]
    ways: tuple[str, ...]
    settings: dict[str, Any]


def treebank(folder: str, name: str) -> Callable[[], tuple[Pair, Pair]]:
    """Return what reads the universal parts of speech of a treebank."""

    def read() -> tuple[Pair, Pair]:
        paths = (DATA / folder / f"{name}-ud-{part}.conllu.gz" for part in ("train", "test"))
        train, test = (_pair(read_conllu(path)) for path in paths)
        return train, test

    return read


def columns(*paths: str, **options: Any) -> Callable[[], tuple[Pair, Pair]]:
    """Return what reads entities from two files."""

    def read() -> tuple[Pair, Pair]:
        train, test = (
            _pair(read_conll(DATA / path, source="IOB2", target="BIOES", **options))
            for path in paths
        )
        return train, test

    return read


def wikigold() -> tuple[Pair, Pair]:
    """Return the documents of WikiGold, of which every fifth is to be judged on."""
    path = DATA / "wikigold" / "wikigold.conll.txt.gz"
    sentences = read_conll(path, source="IOB1", target="BIOES")
    test = [each for each in sentences if each.document % 5 == 4]
    return _pair([each for each in sentences if each.document % 5 != 4]), _pair(test)


def _pair(sentences: Sequence[Sentence]) -> Pair:
    return [each.tokens for each in sentences], [each.tags for each in sentences]


SPEECH = {"epochs": 5, "batch_size": 256}
NAMES = {"epochs": 5, "batch_size": 128}
WAYS: dict[str, dict[str, Any]] = {
    "word": {"loss": "word"},
    "sentence": {"loss": "sentence"},
    "sentence, pretrained vectors": {
        "loss": "sentence", "vectors": DATA / "glove-twitter-25d" / "glove.twitter.25d.12k.txt.gz",
    },
}  # fmt: skip
BOTH = ("word", "sentence")
TASKS = {
    "English (EWT)": Task(treebank("ud-english-ewt", "en_ewt"), ("word",), SPEECH),
    "Afrikaans (AfriBooms)": Task(
        treebank("ud-afrikaans-afribooms", "af_afribooms"), ("word",), SPEECH
    ),
    "Broad Twitter Corpus": Task(
        columns("btc-ner/btc.train.conll.gz", "btc-ner/btc.test.conll.gz"), tuple(WAYS), NAMES
    ),
    "WikiGold": Task(wikigold, BOTH, NAMES),
    "WNUT-17": Task(
        columns("wnut17/wnut17train.conll.gz", "wnut17/emerging.test.annotated"),
        tuple(WAYS), NAMES,
    ),
    "Chinese (UNER)": Task(
        columns(
            "uner-chinese-gsdsimp/zh_gsdsimp-ud-train.iob2.gz",
            "uner-chinese-gsdsimp/zh_gsdsimp-ud-test.iob2.gz",
            token=1, tag=2,
        ),
        BOTH, NAMES,
    ),
}  # fmt: skip


def measured(name: str, way: str, seed: int, engine: str = "auto") -> dict[str, Any]:
    """Return the figures of a seed, from the folder if it is finished."""
    done = WORK / f"{name}-{way}-{seed}.json"
    if not done.exists():
        found = _measured(TASKS[name], way, seed, engine)
        done.parent.mkdir(parents=True, exist_ok=True)
        done.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    numbers: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
    return numbers


def _measured(task: Task, way: str, seed: int, engine: str) -> dict[str, Any]:
    train, test = task.read()
    start = time.process_time()
    settings = {**task.settings, **WAYS[way]}
    tagger = WindowTagger(**settings, random_state=seed, engine=engine).fit(*train)
    seconds = time.process_time() - start
    scores = tagger.evaluate(*test)
    overall = None if scores.entities is None else scores.entities.overall
    return {
        "accuracy": 100 * scores.accuracy,
        "unknown": 100 * scores.unknown_accuracy,
        "share unknown": 100 * scores.unknown_words / scores.words,
        "scores": str(scores),
        "seconds": seconds,
        "words": sum(map(len, train[0])),
    } | ({} if overall is None else {
        "precision": 100 * overall.precision, "recall": 100 * overall.recall,
        "f1": 100 * overall.f1,
    })  # fmt: skip


def lines(names: Sequence[str], seeds: Sequence[int]) -> list[str]:
    """Return the section of the page."""
    speech, entities = [], []
    for name in names:
        for way in TASKS[name].ways:
            found = [measured(name, way, seed) for seed in seeds]
            column = {key: spread([f[key] for f in found]) for key in found[0] if key != "scores"}
            words = f"{found[0]['words']:,}"
            if "f1" in column:
                row = [name, words, way, column["precision"], column["recall"], column["f1"]]
                entities.append([*row, column["accuracy"]])
            else:
                unknown = f"{found[0]['share unknown']:.1f}%"
                speech.append([name, words, column["accuracy"], column["unknown"], unknown])
    head = ["set", "words in training", "accuracy", "of unknown words", "unknown"]
    text = ["Universal parts of speech, word by word:", "", *table(head, speech), ""]
    head = ["set", "words in training", "loss", "precision", "recall", "F1", "accuracy of tags"]
    return [
        *(text if speech else []),
        *(["Entities, as conlleval counts them:", "", *table(head, entities), ""]
          if entities else []),
        f"Seeds {', '.join(map(str, seeds))}. Pretrained are the 11,925 vectors of 25 numbers of "
        "glove-twitter-25d, where that is said. Figures are of test parts; "
        "WikiGold, which has none, is cut by documents: every fifth is the test part. Entities are "
        "learned as BIOES tags.", "",
        f"Parts of speech: `WindowTagger({_words(SPEECH)})`.", "",
        f"Entities: `WindowTagger({_words(NAMES)}, loss=...)`.",
    ]  # fmt: skip


def _words(settings: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in settings.items())


def main() -> None:
    """Measure, and write the section if no arguments are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", action="append", choices=TASKS, help="only these; printed")
    parser.add_argument("--seeds", type=int, nargs="+", help="by default 0 1 2; printed")
    parser.add_argument("--engine", default="numpy")
    options = parser.parse_args()
    names, seeds = options.set or list(TASKS), options.seeds or [0, 1, 2]
    for seed in seeds:
        for name in names:
            for way in TASKS[name].ways:
                found = measured(name, way, seed, options.engine)
                print(name, way, seed, f"{found['seconds']:.0f} s", found["scores"], flush=True)
    text = lines(names, seeds)
    if options.set or options.seeds:
        print("\n".join(text))
    else:
        write("tagging", "Tagging", "python benchmarks/tagging.py", text)


if __name__ == "__main__":
    main()
