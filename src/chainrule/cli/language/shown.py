"""Results of runs about language, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.cli.show import add_row, console, new_grid
from chainrule.cli.text import short, verbatim

_NAMES = {"network": "network", "most_frequent": "commonest tags"}


def training(metrics: Mapping[str, Any]) -> None:
    """Show how training went."""
    best = f", the best was {metrics['best_epoch']}" if metrics["best_epoch"] else ""
    epochs = f"{metrics['epochs']:,} epoch" + ("s" if metrics["epochs"] != 1 else "")
    console().print(verbatim(f"trained for {epochs}{best}; {metrics['parameters']:,} parameters"))
    console().print(verbatim(f"engine: {metrics['engine']}"))


def tagging(metrics: Mapping[str, Any]) -> None:
    """Show how well words were tagged."""
    training(metrics)
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
