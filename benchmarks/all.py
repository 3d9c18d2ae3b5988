"""Runs every benchmark and writes docs/performance.md and its plot: what `make bench` does.

``--only NAME`` runs some and prints their tables; the page is written by runs of all of them, or
wherever ``--output`` says.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import plot
import report

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
SCRIPTS = (
    "xor", "iris", "mlp", "deep", "text", "lm", "skipgram", "predict", "eager", "per_example",
    "rows", "cold", "growth", "imports",
)  # fmt: skip
DEFAULTS = {"rounds": 7, "growth": 3, "block": 0.15}


def call(name: str, *arguments: str) -> None:
    """Run one script; its tables are printed as they come."""
    command = [sys.executable, "-u", str(HERE / f"{name}.py"), *arguments]
    subprocess.run(command, check=name != "imports")  # which fails where an import is too slow


def run(names: list[str], options: argparse.Namespace) -> tuple[report.Results, dict[str, Any]]:
    """Return the results of the scripts, and the machine's limits measured before them."""
    results: report.Results = {}
    with tempfile.TemporaryDirectory() as folder:
        limits = Path(folder, "limits.json")
        call("roofline", "--json", str(limits))
        for name in names:
            path = Path(folder, f"{name}.json")
            arguments = ["--json", str(path)]
            if name != "imports":
                arguments += ["--block", str(options.block), "--limits", str(limits)]
            rounds = options.growth if name == "growth" else options.rounds
            call(name, *arguments, "--rounds", str(rounds))
            results[name] = json.loads(path.read_text(encoding="utf-8"))
        return results, json.loads(limits.read_text(encoding="utf-8"))


def command_of(options: argparse.Namespace) -> str:
    """Return the command that made the page."""
    changed = [
        f"--{name} {getattr(options, name):g}"
        for name, default in DEFAULTS.items()
        if getattr(options, name) != default
    ]
    chosen = [f"--only {name}" for name in options.only or ()]
    words = [*chosen, *changed]
    return " ".join(["python benchmarks/all.py", *words]) if words else "make bench"


def main() -> None:
    """Run, and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", choices=SCRIPTS, help="may be repeated")
    parser.add_argument("--rounds", type=int, default=DEFAULTS["rounds"])
    parser.add_argument("--growth", type=int, default=DEFAULTS["growth"], help="rounds of growth")
    parser.add_argument("--block", type=float, default=DEFAULTS["block"], help="seconds")
    parser.add_argument("--output", type=Path, help="folder of the page, instead of docs")
    parser.add_argument("--json", type=Path, help="file for all results")
    options = parser.parse_args()
    results, limits = run(list(options.only or SCRIPTS), options)
    if options.json:
        options.json.write_text(json.dumps({"limits": limits, **results}, indent=1) + "\n")
    output = options.output or (None if options.only else DOCS)
    if output is None:
        return
    output.mkdir(parents=True, exist_ok=True)
    picture = None
    if importlib.util.find_spec("matplotlib"):
        picture = "performance.svg"
        plot.draw(results, output / picture)
    else:
        print("the plot is left out: matplotlib is not installed")
    settings = {
        "command": command_of(options),
        **{name: getattr(options, name) for name in DEFAULTS},
    }
    text = report.page(results, limits, settings, picture)
    (output / "performance.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
