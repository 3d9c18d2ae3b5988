"""Whole fits on real data: chainrule beside scikit-learn's MLP, in quality and in time.

    python benchmarks/fits.py                          # every set, five seeds; writes docs/fits.md
    python benchmarks/fits.py --set iris --seeds 2     # prints a table

A run is a process: it starts Python, imports, reads the arrays, fits and predicts. `equal`: both
estimators with one hidden layer of 100, Adam, batches of 200 and so many epochs. `defaults`: each
with its own defaults, chainrule's being those of its tables, which `chainrule fit` uses too.
"""

from __future__ import annotations

import argparse
import compileall
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import numpy as np
from real_data import DATA, PROBLEMS, Problem

import chainrule

DOCS = Path(__file__).resolve().parents[1] / "docs"
LIBRARIES, MODES = ("scikit-learn", "chainrule"), ("equal", "defaults")


# A run -------------------------------------------------------------------------------------------


def predicted(library: str, mode: str, seed: int, arrays: Any) -> Any:
    """Fit, and return predictions for the rows held out."""
    if mode == "defaults" and library == "chainrule":
        return _of_a_table(seed, arrays)
    if library == "chainrule":
        from chainrule.estimators import MLPClassifier, MLPRegressor
    else:
        from sklearn.neural_network import MLPClassifier, MLPRegressor
    options: dict[str, Any] = {"random_state": seed}
    if mode == "equal":
        epochs = int(arrays["epochs"])
        options |= {"max_iter": epochs, "n_iter_no_change": epochs}
    X, y = arrays["X"], arrays["y"]
    if y.dtype.kind != "f":
        return MLPClassifier(**options).fit(X, y).predict(arrays["held"])
    center, scale = y.mean(), y.std()
    model = MLPRegressor(**options).fit(X, ((y - center) / scale).astype(np.float32))
    return model.predict(arrays["held"]) * scale + center


def _of_a_table(seed: int, arrays: Any) -> Any:
    from chainrule.data import as_table
    from chainrule.models import Settings, Trial

    train, held = (
        {k[2:]: arrays[k] for k in arrays.files if k[:2] == side} for side in ("a_", "b_")
    )
    y = arrays["y"]
    numbers = y.dtype.kind == "f"
    trial = Trial.prepare(
        as_table({**train, "y": y if numbers else y.astype(str)}), "y",
        task="regression" if numbers else None, hold_out=0.01, settings=Settings(seed=seed),
    )  # fmt: skip
    model, _ = trial.model.fit(trial.training, trial.validation)
    found = np.asarray(model.predict(held)["predicted y"])
    return found if numbers else found.astype(int)


def work(library: str, mode: str, seed: int, path: str) -> None:
    """Print the measure of one run: accuracy, or root mean squared error."""
    import warnings

    warnings.simplefilter("ignore")  # of scikit-learn, that more epochs could be taken
    arrays = np.load(path)
    found, truth = np.asarray(predicted(library, mode, seed, arrays)), arrays["truth"]
    if truth.dtype.kind == "f":
        print(float(np.sqrt(np.mean((found - truth) ** 2))))
    else:
        print(float(np.mean(found == truth)))


# All runs ----------------------------------------------------------------------------------------


def _linear(problem: Problem, X: Any, held: Any) -> float:
    """Return the error of a linear model of numbers; NaN for classes."""
    if not problem.is_regression:
        return float("nan")
    weights = np.linalg.lstsq(np.c_[X, np.ones(len(X))].astype(float), problem.y_train)[0]
    return float(
        np.sqrt(np.mean((np.c_[held, np.ones(len(held))] @ weights - problem.y_test) ** 2))
    )


def measured(problem: Problem, seed: int, folder: str) -> dict[str, Any]:
    """Return quality and seconds of each library in each mode, which take turns.

    And the error of a linear model.
    """
    path = str(Path(folder, "arrays.npz"))
    X, held = problem.matrices()
    columns = {
        f"{side}_{name}": column
        for side, part in (("a", problem.train), ("b", problem.test))
        for name, column in part.items()
    }
    np.savez(path, X=X, held=held, y=problem.y_train, truth=problem.y_test, epochs=problem.epochs,
             **columns)  # fmt: skip
    found: dict[str, Any] = {"linear": _linear(problem, X, held)}
    for mode in MODES:
        for library in LIBRARIES if seed % 2 else LIBRARIES[::-1]:
            command = [sys.executable, __file__, "--worker", library, mode, str(seed), path]
            start = time.perf_counter()
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            found[f"{mode} {library}"] = (float(done.stdout), time.perf_counter() - start)
            print(f"  {seed} {mode} {library}: {found[f'{mode} {library}']}", flush=True)
    return found


def row(name: str, mode: str, runs: Sequence[dict[str, Any]], problem: Problem) -> list[str]:
    """Return the cells of one set in one mode."""
    theirs, ours = ([run[f"{mode} {library}"] for run in runs] for library in LIBRARIES)
    cells = [name, f"{len(problem.y_train):,}"]
    cells += [str(problem.epochs)] if mode == "equal" else []
    if mode == "defaults":
        cells.append(_spread([run["linear"] for run in runs]))
    cells += [_spread([quality for quality, _ in side]) for side in (theirs, ours)]
    cells += [f"{median(t for _, t in side):.2f}" for side in (theirs, ours)]
    cells.append(f"{median(a[1] / b[1] for a, b in zip(theirs, ours, strict=True)):.2f}")
    return cells


def _spread(values: Sequence[float]) -> str:
    """Return mean and standard deviation as a cell; nothing for what is not measured."""
    if not np.isfinite(values).all():
        return ""
    digits = 0 if mean(values) > 1000 else 4
    spread = stdev(values) if len(values) > 1 else 0.0
    return f"{mean(values):,.{digits}f} ± {spread:,.{digits}f}"


def page(results: dict[str, Any], seeds: int) -> str:
    """Return the tables as Markdown."""
    head = ["rows", "scikit-learn", "chainrule", "its seconds", "our seconds", "its / ours"]
    lines = [
        "# Fits on real data", "",
        "What whole processes reach and take: start of Python, imports, fit, predictions.",
        "Accuracy, and for wine quality and California housing the root mean squared error, where",
        f"less is better; mean and standard deviation over {seeds} seeds, which divide the rows,",
        "draw the weights and shuffle. Seconds are medians; the last column is the median ratio.",
        f"Made by `python benchmarks/fits.py` on {os.cpu_count()} processors.", "",
    ]  # fmt: skip
    told = {
        "equal": (
            "At equal settings",
            "One hidden layer of 100, Adam, batches of 200, the same rows, standardised and "
            "one-hot, and epochs as stated.",
        ),
        "defaults": (
            "With defaults alone",
            "`MLPClassifier()` and `MLPRegressor()` of scikit-learn on the rows standardised and "
            "one-hot, and what `chainrule fit` does on the bare columns.",
        ),
    }
    for mode in MODES:
        title, words = told[mode]
        names = ["set", head[0], "epochs" if mode == "equal" else "linear model", *head[1:]]
        lines += [f"## {title}", "", words, ""]
        lines += ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
        lines += ["| " + " | ".join(cells[mode]) + " |" for cells in results.values()]
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Run, and write or print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--set", action="append", choices=list(PROBLEMS), help="may be repeated")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the data sets")
    options = parser.parse_args()
    if options.worker:
        library, mode, seed, path = options.worker
        work(library, mode, int(seed), path)
        return
    # As pip does with what it installs; nothing else is done for a checkout where Python is told to
    # write no byte code.
    compileall.compile_dir(Path(chainrule.__file__).parent, quiet=1)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.set or PROBLEMS:
            print(name, flush=True)
            problems = [PROBLEMS[name](options.data, seed) for seed in range(options.seeds)]
            runs = [measured(p, seed, folder) for seed, p in enumerate(problems)]
            results[name] = {mode: row(name, mode, runs, problems[0]) for mode in MODES}
    text = page(results, options.seeds)
    if options.set:
        print(text)
    else:
        (DOCS / "fits.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
