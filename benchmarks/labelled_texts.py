"""Real texts and their classes: what text classifiers are compared on."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from real_data import DATA

FOLDS = 5
SIB_LANGUAGES = {
    "English": "eng_Latn", "German": "deu_Latn", "Spanish": "spa_Latn", "Russian": "rus_Cyrl",
    "Arabic": "arb_Arab", "Hindi": "hin_Deva", "Chinese": "zho_Hans", "Korean": "kor_Hang",
}  # fmt: skip


@dataclass(frozen=True)
class Texts:
    """Texts to learn from and to be judged on.

    Attributes
    ----------
    train, test : list of str
    y_train, y_test : list
        A class for each text, or a list of labels.
    spaceless : bool
        Whether the script has no spaces between words.
    """

    train: list[str]
    y_train: list[Any]
    test: list[str]
    y_test: list[Any]
    spaceless: bool = False


Pair = tuple[list[str], list[Any]]


def _text(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")


def _lines(path: Path) -> list[str]:
    return [line.rstrip("\r") for line in _text(path).split("\n") if line.strip()]


def _columns(path: Path, delimiter: str, text: str, label: str) -> Pair:
    rows = list(csv.DictReader(StringIO(_text(path), newline=""), delimiter=delimiter))
    return [row[text] for row in rows], [row[label] for row in rows]


def reviews(fold: int, seed: int) -> Texts:
    """Return sentences of film reviews: two classes."""
    folder = DATA / "rt-polarity"
    sides = []
    for part, suffix in (("train", ".gz"), ("test", "")):
        pairs = [
            (line, name)
            for name in ("neg", "pos")
            for line in _lines(folder / f"{part}.{name}{suffix}")
        ]
        sides += [[text for text, _ in pairs], [name for _, name in pairs]]
    return Texts(*sides)


def comments(fold: int, seed: int) -> Texts:
    """Return comments, positive, neutral or negative."""
    sides = []
    for part in ("train", "dev"):
        rows = _lines(DATA / "goemotions" / f"{part}-3class.tsv.gz")[1:]
        pairs = [row.split("\t") for row in rows]
        sides += [[text for text, _ in pairs], [label for _, label in pairs]]
    return Texts(*sides)


def emotions(fold: int, seed: int) -> Texts:
    """Return comments with any number of 28 emotions."""
    names = _lines(DATA / "goemotions" / "labels.txt")
    sides = []
    for part in ("train", "dev"):
        rows = [row.split("\t") for row in _lines(DATA / "goemotions" / f"{part}.tsv.gz")]
        sides.append([row[0] for row in rows])
        sides.append([[names[int(i)] for i in row[1].split(",")] for row in rows])
    return Texts(*sides)


def sentences(fold: int, seed: int) -> Texts:
    """Return sentences about phones and films, positive or negative: one of `FOLDS` parts."""
    rows = [
        line.rsplit("\t", 1)
        for name in ("amazon_cells", "imdb")
        for line in _lines(DATA / "uci-sentences" / f"{name}_labelled.txt")
    ]
    order = np.random.default_rng(seed).permutation(len(rows))
    held = set(order[fold::FOLDS].tolist())
    sides: list[list[Any]] = [[], [], [], []]
    for i, (text, label) in enumerate(rows):
        side = 2 * (i in held)
        sides[side].append(text)
        sides[side + 1].append(label.strip())
    return Texts(*sides)


def questions(fold: int, seed: int) -> Texts:
    """Return questions to a bank, of 77 intents."""
    folder = DATA / "banking77"
    train = _columns(folder / "train.csv.gz", ",", "text", "category")
    return Texts(*train, *_columns(folder / "test.csv", ",", "text", "category"))


def messages(fold: int, seed: int) -> Texts:
    """Return text messages, spam or not: the first 30 % to learn from, as in the paper.

    Texts of the rest that are among these are left out.
    """
    rows = [line.split("\t", 1) for line in _lines(DATA / "sms-spam" / "SMSSpamCollection.gz")]
    n = round(0.3 * len(rows))
    known = {text for _, text in rows[:n]}
    rest = [(label, text) for label, text in rows[n:] if text not in known]
    return Texts(
        [text for _, text in rows[:n]], [label for label, _ in rows[:n]],
        [text for _, text in rest], [label for label, _ in rest],
    )  # fmt: skip


def topics(language: str) -> Callable[[int, int], Texts]:
    """Return what reads sentences of a language, of seven topics."""

    def read(fold: int, seed: int) -> Texts:
        folder = DATA / "sib200" / SIB_LANGUAGES[language]
        train = _columns(folder / "train.tsv", "\t", "text", "category")
        test = _columns(folder / "test.tsv", "\t", "text", "category")
        return Texts(*train, *test, spaceless=language == "Chinese")

    return read


SETS: dict[str, Callable[[int, int], Texts]] = {
    "rt-polarity": reviews,
    "goemotions, 3 classes": comments,
    "uci-sentences": sentences,
    "banking77": questions,
    "sms-spam": messages,
    **{f"sib200, {language}": topics(language) for language in SIB_LANGUAGES},
    "goemotions, 28 labels": emotions,
}
