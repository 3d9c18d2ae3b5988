"""Word vectors of novels beside gensim's at equal settings: what they know, and words a second.

What is finished is kept in a folder, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from real_data import DATA
from results import spread, table, write

from chainrule.language import WordVectors
from chainrule.language.word_scores import analogy_score, similarity_score
from chainrule.text import Vocabulary, read_analogies, read_word_pairs

WORK = Path(__file__).resolve().parents[1] / "runs" / "word_vectors"
TESTS = {"WS-353": "EN-WS-353-ALL.txt", "RG-65": "EN-RG-65.txt", "MC-30": "EN-MC-30.txt"}
KINDS = {
    "skip-gram, negative": ("skip-gram", "negative"),
    "CBOW, negative": ("cbow", "negative"),
    "skip-gram, hierarchical": ("skip-gram", "hierarchical"),
    "CBOW, hierarchical": ("cbow", "hierarchical"),
}
EPOCHS = 10
THREADS = 2
ROUNDS = 5
SETTINGS = {"vector_size": 100, "window": 5, "min_count": 5, "sample": 1e-3}


def novels() -> list[list[str]]:
    """Return the paragraphs of the novels in small letters, without punctuation."""
    found = []
    for author in ("austen", "dickens"):
        text = gzip.decompress((DATA / author / "train.txt.gz").read_bytes()).decode().lower()
        parts = re.split(r"\n\s*\n", text)
        found += [re.findall(r"[a-z]+(?:'[a-z]+)*", part) for part in parts]
    return [words for words in found if words]


def ours(text: list[list[str]], kind: str, seed: int, epochs: int) -> WordVectors:
    """Return our vectors."""
    model, loss = KINDS[kind]
    return WordVectors(**SETTINGS, model=model, loss=loss, epochs=epochs, random_state=seed).fit(
        text
    )


def gensims(kind: str, seed: int, epochs: int) -> Any:
    """Return gensim's model, which has not read anything yet."""
    from gensim.models import Word2Vec

    model, loss = KINDS[kind]
    drawn = 5 if loss == "negative" else 0
    return Word2Vec(
        **SETTINGS, sg=int(model == "skip-gram"), hs=int(not drawn), negative=drawn, epochs=epochs,
        seed=seed, workers=THREADS,
    )  # fmt: skip


def judged(words: Sequence[str], vectors: Any) -> dict[str, Any]:
    """Return the scores of vectors."""
    vocabulary, folder = Vocabulary(words), DATA / "word-vector-tests"
    found = {}
    for name, file in TESTS.items():
        score = similarity_score(vocabulary, vectors, read_word_pairs(folder / file))
        found[name] = 100 * score.spearman
        found[f"{name} known"] = f"{score.known} of {score.total}"
    questions = read_analogies(folder / "questions-words.txt.gz")
    answers = analogy_score(vocabulary, vectors, questions)
    found["analogies known"] = f"{answers.known:,} of {answers.total:,}"
    return {**found, "analogies": 100 * answers.accuracy}


def quality(library: str, kind: str, seed: int) -> dict[str, Any]:
    """Return the scores of a library's vectors, from the folder if they are there."""
    done = WORK / f"{library}-{kind}-{seed}.json"
    if not done.exists():
        text = novels()
        if library == "chainrule":
            vectors = ours(text, kind, seed, EPOCHS)
            scores = judged(vectors.vocabulary_.words, vectors.vectors_)
        else:
            model = gensims(kind, seed, EPOCHS)
            model.build_vocab(text)
            model.train(text, total_examples=len(text), epochs=EPOCHS)
            scores = judged(model.wv.index_to_key, model.wv.vectors)
        _keep(done, scores)
    numbers: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
    return numbers


def speed(kind: str) -> dict[str, list[float]]:
    """Return words a second of both libraries in turn, an epoch at a time."""
    done = WORK / f"speed-{kind}.json"
    if not done.exists():
        text = novels()
        n_words = sum(map(len, text))
        model = gensims(kind, 0, 1)
        model.build_vocab(text)
        found: dict[str, list[float]] = {"chainrule": [], "gensim": []}
        for _ in range(ROUNDS):
            # The first epoch makes or finds the program.
            seconds = ours(text, kind, 0, 2).history_["seconds"][-1]
            found["chainrule"].append(n_words / seconds)
            start = time.perf_counter()
            model.train(text, total_examples=len(text), epochs=1)
            found["gensim"].append(n_words / (time.perf_counter() - start))
        _keep(done, found)
    numbers: dict[str, list[float]] = json.loads(done.read_text(encoding="utf-8"))
    return numbers


def _keep(path: Path, found: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def lines(kinds: Sequence[str], seeds: Sequence[int]) -> list[str]:
    """Return the section of the page."""
    scores, speeds = [], []
    for kind in kinds:
        for library in ("chainrule", "gensim"):
            found = [quality(library, kind, seed) for seed in seeds]
            columns = [spread([f[name] for f in found], 1) for name in (*TESTS, "analogies")]
            scores.append([kind, library, *columns])
        rates = speed(kind)
        ratios = [a / b for a, b in zip(rates["chainrule"], rates["gensim"], strict=True)]
        row = [f"{median(rates[library]):,.0f}" for library in ("chainrule", "gensim")]
        speeds.append([kind, *row, f"{median(ratios):.2f}"])
    known = quality("chainrule", kinds[0], seeds[0])
    words = ", ".join(f"{name} {known[f'{name} known']}" for name in (*TESTS, "analogies"))
    return [
        "Rank correlation with people's scores, and analogies answered right, in per cent:", "",
        *table(["", "library", *TESTS, "analogies"], scores), "",
        f"The training parts of `austen` and `dickens` in small letters, paragraphs as sentences; "
        f"{EPOCHS} epochs, {SETTINGS}, five words of noise; seeds {', '.join(map(str, seeds))}. "
        f"Known are {words}.", "",
        f"Words a second in training, on {THREADS} threads, epochs of both libraries in turn, "
        f"medians of {ROUNDS}:", "",
        *table(["", "chainrule", "gensim", "ratio of a pair, median"], speeds),
    ]  # fmt: skip


def main() -> None:
    """Measure, and write the section if no arguments are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--set", action="append", choices=KINDS, help="printed; else those with noise"
    )
    parser.add_argument("--seeds", type=int, nargs="+", help="by default 0 1 2; printed")
    parser.add_argument("--speed", action="store_true", help="speed alone; printed")
    options = parser.parse_args()
    kinds, seeds = options.set or list(KINDS)[:2], options.seeds or [0, 1, 2]
    for kind in kinds:
        print(kind, speed(kind), flush=True)
        for seed in () if options.speed else seeds:
            for library in ("chainrule", "gensim"):
                print(kind, library, seed, quality(library, kind, seed), flush=True)
    if options.speed:
        return
    text = lines(kinds, seeds)
    if options.set or options.seeds:
        print("\n".join(text))
    else:
        write("word vectors", "Word vectors", "python benchmarks/word_vectors.py", text)


if __name__ == "__main__":
    main()
