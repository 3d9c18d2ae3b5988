"""Feedforward language models beside n-gram models of the same order, and the mixture of both.

All see the same words of the same vocabulary: rare ones are one word, the end of each text counts.
The n-gram model is interpolated and has the modified Kneser-Ney smoothing of Chen and Goodman; the
weight of the mixture is found on the validation part. What is finished, and what is under way, is
kept in a folder, so that an interrupted run goes on where it was. Each text has a section.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from real_data import DATA
from results import spread, table, write

from chainrule.language import LanguageModel
from chainrule.text import BOS, EOS, NGramModel, WordTokenizer, mixture, mixture_weight
from chainrule.training import Checkpoint

WORK = Path(__file__).resolve().parents[1] / "runs" / "perplexity"
SEEDS = (0, 1, 2)
Parts = dict[str, list[str]]


@dataclass(frozen=True)
class Task:
    """A text in three parts, and the network that learns it.

    Attributes
    ----------
    parts : callable
        Returns texts by name of a part: ``"train"``, ``"valid"`` and ``"test"``.
    settings : dict
        Arguments of `chainrule.language.LanguageModel`.
    """

    parts: Callable[[], Parts]
    settings: dict[str, Any] = field(default_factory=dict)


def novels(name: str) -> Callable[[], Parts]:
    """Return what reads the paragraphs of novels."""

    def read() -> Parts:
        return {
            part: _paragraphs(_text(DATA / name / f"{part}.txt.gz"))
            for part in ("train", "valid", "test")
        }

    return read


def plays() -> Parts:
    """Return one text a part: the last tenth to test on, a twentieth before it to validate."""
    text = _text(DATA / "tiny-shakespeare" / "input.txt.gz")
    ends = [0, round(0.85 * len(text)), round(0.9 * len(text)), len(text)]
    names = ("train", "valid", "test")
    return {part: [text[a:b]] for part, a, b in zip(names, ends, ends[1:], strict=False)}


def _text(path: Path) -> str:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return file.read()


def _paragraphs(text: str) -> list[str]:
    return [" ".join(p.split()) for p in re.split(r"\n\s*\n", text) if p.strip()]


WORDS = {
    "context": 4, "embedding_dim": 128, "hidden_layer_sizes": (256,), "tie_weights": True,
    "unit": WordTokenizer(lowercase=True), "min_count": 5, "dropout": 0.2, "embedding_dropout": 0.2,
    "learning_rate": 2e-3, "epochs": 4, "batch_size": 256,
}  # fmt: skip
CHARACTERS = {
    "context": 16, "embedding_dim": 24, "hidden_layer_sizes": (320, 192), "unit": "character",
    "activation": "relu", "dropout": 0.2, "embedding_dropout": 0.05, "learning_rate": 2e-3,
    "epochs": 7, "batch_size": 256,
}  # fmt: skip
TASKS = {
    "austen": Task(novels("austen"), WORDS),
    "dickens": Task(novels("dickens"), WORDS),
    "tiny-shakespeare": Task(plays, CHARACTERS),
}


def measured(name: str, seed: int, engine: str = "auto") -> dict[str, float]:
    """Return the figures of a seed, from the folder if it is finished."""
    done = WORK / f"{name}-{seed}.json"
    if not done.exists():
        found = _measured(name, seed, engine)
        done.parent.mkdir(parents=True, exist_ok=True)
        done.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    numbers: dict[str, float] = json.loads(done.read_text(encoding="utf-8"))
    return numbers


def _measured(name: str, seed: int, engine: str) -> dict[str, float]:
    task = TASKS[name]
    parts = task.parts()
    network = LanguageModel(**task.settings, random_state=seed, verbose=1, engine=engine).fit(
        parts["train"],
        validation=parts["valid"],
        checkpoint=Checkpoint(WORK / f"{name}-{seed}", every_steps=500),
        resume=True,
    )
    ngrams = NGramModel(network.context + 1).fit(
        map(network.tokenize, parts["train"]), vocabulary=network.vocabulary_
    )
    costs = {}
    for part in ("valid", "test"):
        log_probs = np.concatenate(network.log_probs(parts[part]))
        costs[part] = log_probs, _by_ngrams(ngrams, network, parts[part])
    weight = mixture_weight(*costs["valid"])
    of_test = {
        "network": costs["test"][0],
        "ngrams": costs["test"][1],
        "mixture": mixture(*costs["test"], weight),
    }
    n_characters = sum(len(text) + 1 for text in parts["test"])
    found = {"weight": weight, "words": len(network.vocabulary_), "tokens": network.n_tokens_}
    found |= {f"{part} tokens": len(costs[part][0]) for part in costs}
    for kind, log_probs in of_test.items():
        found[kind] = float(np.exp(-np.mean(log_probs, dtype=np.float64)))
        found[f"{kind} bits"] = float(-np.sum(log_probs) / np.log(2) / n_characters)
    found["network valid"] = float(np.exp(-np.mean(costs["valid"][0], dtype=np.float64)))
    found["ngrams valid"] = float(np.exp(-np.mean(costs["valid"][1])))
    found["seconds"] = sum(record.seconds for record in network.history_)
    return found


def _by_ngrams(ngrams: NGramModel, network: LanguageModel, texts: Sequence[str]) -> Any:
    """Return the log-probabilities of the same words as the network's."""
    known = network.vocabulary_
    stream = np.concatenate([known.ids([BOS, *network.tokenize(text), EOS]) for text in texts])
    return ngrams.log_probs_ids(stream)[stream != known[BOS]]


def lines(name: str, seeds: Sequence[int]) -> list[str]:
    """Return the section of a text."""
    settings = TASKS[name].settings
    found = [measured(name, seed) for seed in seeds]
    letters = settings["unit"] == "character"
    unit, digits = (" bits", 3) if letters else ("", 1)
    head = ["vocabulary", "order", "test part", "modified Kneser-Ney", "network", "mixture",
            "weight of the network"]  # fmt: skip
    row = [
        f"{found[0]['words']:,.0f}", settings["context"] + 1,
        "bits a character" if letters else "perplexity",
        *(spread([f[kind + unit] for f in found], digits)
          for kind in ("ngrams", "network", "mixture")),
        spread([f["weight"] for f in found], 2),
    ]  # fmt: skip
    words = (
        f" Words in lower case, those that come less than {settings.get('min_count')} times are "
        "one; the ends of paragraphs count as words."
    )
    given = ", ".join(f"{key}={value!r}" for key, value in settings.items())
    return [
        *table(head, [row]), "",
        f"Seeds {', '.join(map(str, seeds))}.{'' if letters else words}", "",
        f"`LanguageModel({given})`.",
    ]  # fmt: skip


def main() -> None:
    """Measure, and write the sections unless seeds are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", action="append", choices=TASKS, help="by default all")
    parser.add_argument("--seeds", type=int, nargs="+", help="by default 0 1 2; printed")
    parser.add_argument("--engine", default="auto")
    options = parser.parse_args()
    for name in options.set or TASKS:
        for seed in options.seeds or SEEDS:
            print(name, seed, measured(name, seed, options.engine), flush=True)
        if options.seeds:
            print("\n".join(lines(name, options.seeds)))
        else:
            command = f"python benchmarks/perplexity.py --set {name}"
            write(f"language models, {name}", f"Language models: {name}", command,
                  lines(name, SEEDS))  # fmt: skip


if __name__ == "__main__":
    main()
