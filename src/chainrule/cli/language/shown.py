"""Results of runs about language, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.cli.show import add_row, console, counted, new_grid
from chainrule.cli.text import short, verbatim

_NAMES = {
    "network": "network",
    "most_frequent": "commonest tags",
    "ngram": "n-grams",
    "mixture": "mixture",
}


def training(metrics: Mapping[str, Any], notes: Sequence[str]) -> None:
    """Show how training went, and what was noted."""
    for note in notes:
        console().print(verbatim(f"note: {note}"))
    best = f", the best was {metrics['best_epoch']}" if metrics["best_epoch"] else ""
    epochs = counted(metrics["epochs"], "epoch")
    console().print(verbatim(f"trained for {epochs}{best}; {metrics['parameters']:,} parameters"))
    console().print(verbatim(f"engine: {metrics['engine']}"))


def tagging(metrics: Mapping[str, Any], notes: Sequence[str]) -> None:
    """Show how well words were tagged."""
    training(metrics, notes)
    for part, scores in metrics["held_out"].items():
        entities = "f1" in scores["network"]
        measures = ["accuracy", "unknown_accuracy", *(["precision", "recall", "f1"] * entities)]
        titles = [name.replace("unknown_accuracy", "of unknown words") for name in measures]
        count = metrics["sentences"][part]
        grid = new_grid(f"On {count:,} sentences ({part})", "", *titles, numbers=len(titles))
        for key, own in scores.items():
            add_row(grid, _NAMES[key], *(f"{own.get(measure, 0):.4f}" for measure in measures))
        console().print(grid)
        if entities:
            grid = new_grid("Entities", "", "precision", "recall", "f1", numbers=3)
            for name, own in scores["network"]["entities"].items():
                figures = (f"{own[measure]:.4f}" for measure in ("precision", "recall", "f1"))
                add_row(grid, short(name), *figures)
            console().print(grid)


def modelling(metrics: Mapping[str, Any], notes: Sequence[str]) -> None:
    """Show how well a language model predicts."""
    training(metrics, notes)
    words, vocabulary = metrics["words"], metrics["vocabulary"]
    told = f"{words:,} words to train on, {vocabulary:,} of them different"
    console().print(verbatim(f"{told}; ends of texts count as words"))
    held = metrics["held_out"]
    title = f"On the {held['network']['words']:,} words held out"
    grid = new_grid(title, "", "perplexity", "bits per character", numbers=2)
    for key, own in held.items():
        name = _NAMES[key]
        if key == "ngram":
            name += f" of {own['order']}, modified Kneser-Ney"
        if key == "mixture":
            name += f", {own['weight']:.2f} of the network"
        add_row(grid, name, f"{own['perplexity']:,.2f}", f"{own['bits_per_character']:.4f}")
    console().print(grid)


def learned_vectors(metrics: Mapping[str, Any], notes: Sequence[str]) -> None:
    """Show what word vectors were learned, and how they agree with people."""
    training(metrics, notes)
    told = f"{metrics['vocabulary']:,} words have vectors; mean loss of the last epoch"
    console().print(verbatim(f"{told} {metrics['loss']:.4f}"))
    for name, measure in (("similarity", "spearman"), ("analogies", "accuracy")):
        if own := metrics.get(name):
            value = "undefined" if own[measure] is None else f"{own[measure]:.4f}"
            told = f"{name}: {measure} {value}, {own['known']:,} of {own['total']:,} known"
            console().print(verbatim(told))
