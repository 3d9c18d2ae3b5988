"""Whole processes: from the start of Python to a network trained on Iris-like rows.

4-16-3, 200 epochs in batches of 32, Adam. What is compiled can be kept for the next process:
chainrule and JAX run with an empty directory for it and with one that a run before has filled.
"""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from cold_contenders import CONTENDERS
from runner import OURS, options_of, readable, write

SCRIPT = Path(__file__).with_name("cold_contenders.py")
EMPTY = ", empty cache"
RUNS = {
    "chainrule": "chainrule",
    "chainrule" + EMPTY: "chainrule",
    "chainrule fit": "chainrule fit",
    "chainrule fit" + EMPTY: "chainrule fit",
    "jax": "jax",
    "jax" + EMPTY: "jax",
    **{name: name for name in ("numpy", "sklearn", "autograd", "torch")},
}
LEARNT = 0.65
"""The share of the rows that each must have right; none can have more than 0.8 (see `clouds`)."""


def seconds(name: str, cache: str) -> float:
    """Return how long a process takes that imports, trains and predicts; raise unless it learnt."""
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": cache,
        "JAX_COMPILATION_CACHE_DIR": cache,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(SCRIPT), name],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    taken = time.perf_counter() - start
    right = float(done.stdout)
    if not right >= LEARNT:
        raise RuntimeError(f"{name} has only {right:.0%} of the rows right")
    return taken


def once(run: str, kept: str) -> float:
    """Return the seconds of one run, with the kept cache or an empty one."""
    if not run.endswith(EMPTY):
        return seconds(RUNS[run], kept)
    with tempfile.TemporaryDirectory() as empty:
        return seconds(RUNS[run], empty)


def measure(rounds: int) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Return the seconds of each run, one number a round, and what is not installed."""
    times: dict[str, list[float]] = {}
    missing: dict[str, str] = {}
    shuffle = random.Random(0).shuffle
    with tempfile.TemporaryDirectory() as kept:
        for run, name in RUNS.items():
            if importlib.util.find_spec(name.split()[0]) is None:
                print(f"  {run} is left out: it is not installed")
                missing[run] = "it is not installed"
                continue
            seconds(name, kept)
            times[run] = []
        for _ in range(rounds):
            order = list(times)
            shuffle(order)
            for run in order:
                times[run].append(once(run, kept))
    return times, missing


def main() -> None:
    """Print the table."""
    assert set(RUNS.values()) == set(CONTENDERS)
    options = options_of()
    title = "Process start to trained: 4-16-3, 200 epochs, batch 32, Adam"
    print(f"\n{title}")
    times, missing = measure(options.rounds)
    lines: list[dict[str, Any]] = []
    for run, found in times.items():
        ratio = median(a / b for a, b in zip(found, times[OURS], strict=True))
        lines.append({"name": run, "min": min(found), "median": median(found), "ratio": ratio})
    lines.sort(key=lambda line: line["median"])
    print(f"  {'contender':<30}{'min':>10}{'median':>10}{'/ chainrule':>13}")
    for line in lines:
        low, middle = readable(line["min"]), readable(line["median"])
        print(f"  {line['name']:<30}{low:>10}{middle:>10}{line['ratio']:>13.2f}")
    write(options.json, [{"title": title, "key": "cold", "contenders": lines, "missing": missing}])


if __name__ == "__main__":
    main()
