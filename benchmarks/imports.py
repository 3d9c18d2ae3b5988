"""What it costs to have chainrule: seconds to import it, and megabytes on the disk.

Every import happens in a fresh process; the processes take turns in an order shuffled anew every
round. chainrule loads its parts on first use, so its first use is timed beside the bare import.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

IMPORTS = {
    "numpy": ("numpy", "import numpy"),
    "chainrule": ("chainrule", "import chainrule"),
    "chainrule, first use": ("chainrule", "import chainrule; chainrule.Tensor"),
    "numba": ("numba", "import numba"),
    "autograd": ("autograd", "import autograd.numpy"),
    "mygrad": ("mygrad", "import mygrad"),
    "micrograd": ("micrograd", "import micrograd.engine"),
    "tinygrad": ("tinygrad", "import tinygrad"),
    "onnxruntime": ("onnxruntime", "import onnxruntime"),
    "jax": ("jax", "import jax.numpy"),
    "scikit-learn": ("sklearn", "import sklearn.neural_network"),
    "thinc": ("thinc", "import thinc.api"),
    "gensim": ("gensim", "import gensim.models"),
    "torch": ("torch", "import torch"),
}
LIMIT = 1.3
"""What `import chainrule` may take, as a multiple of `import numpy`."""


def seconds(statement: str) -> float:
    """Return how long a statement takes in a fresh interpreter."""
    timed = f"from time import perf_counter as now; t = now(); {statement}; print(now() - t)"
    done = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True)
    return float(done.stdout)


def megabytes(package: str) -> float:
    """Return the size of an installed package, without its compiled caches."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    files = (f for root in spec.submodule_search_locations for f in Path(root).rglob("*"))
    return sum(f.stat().st_size for f in files if f.is_file() and f.suffix != ".pyc") / 1e6


def requirements(package: str) -> set[str]:
    """Return the installed distributions that a package needs, itself among them."""
    own = importlib.metadata.packages_distributions().get(package, [package])
    found, waiting = set(), list(own)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            needed = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        names = (re.match(r"[\w.-]+", text) for text in needed if "extra ==" not in text)
        waiting += [match[0] for match in names if match]
    return found


def distribution_megabytes(name: str) -> float:
    """Return the size of the files that installing a distribution writes."""
    files = importlib.metadata.files(name) or []
    paths = (Path(str(file.locate())) for file in files if file.suffix != ".pyc")
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def installed(package: str) -> tuple[float, float]:
    """Return the megabytes of a package alone, and of its distribution with what it needs."""
    own = megabytes(package)
    names = importlib.metadata.packages_distributions().get(package, [package])
    name = re.sub(r"[-_.]+", "-", names[0]).lower()
    rest = sum(map(distribution_megabytes, requirements(package) - {name}))
    return own, max(own, distribution_megabytes(name)) + rest


def measure(names: Sequence[str], rounds: int) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Return the seconds of each import, one number a round, and what is not installed."""
    times: dict[str, list[float]] = {}
    missing: dict[str, str] = {}
    for name in names:
        package, statement = IMPORTS[name]
        if importlib.util.find_spec(package) is None:
            print(f"{name} is left out: it is not installed")
            missing[name] = "it is not installed"
            continue
        seconds(statement)  # the first import compiles the package's files
        times[name] = []
    shuffle = random.Random(0).shuffle
    for _ in range(rounds):
        order = list(times)
        shuffle(order)
        for name in order:
            times[name].append(seconds(IMPORTS[name][1]))
    return times, missing


def main() -> int:
    """Print the table; return 1 if `import chainrule` is over its limit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--peers", choices=("all", "none"), default="all")
    options = parser.parse_args()
    names = IMPORTS if options.peers == "all" else ("numpy", "chainrule")
    times, missing = measure(names, options.rounds)
    lines: list[dict[str, Any]] = []
    print(f"{'import':<22}{'min':>10}{'median':>10}{'/ numpy':>10}{'own MB':>10}{'with all':>10}")
    for name, found in times.items():
        ratio = median(a / b for a, b in zip(found, times["numpy"], strict=True))
        low, middle = min(found), median(found)
        own, full = installed(IMPORTS[name][0])
        print(
            f"{name:<22}{low * 1e3:>7.1f} ms{middle * 1e3:>7.1f} ms{ratio:>10.2f}"
            f"{own:>10.2f}{full:>10.1f}"
        )
        sizes = {"own": own, "all": full}
        lines.append({"name": name, "min": low, "median": middle, "ratio": ratio, **sizes})
    if options.json:
        found = {"title": "Imports", "key": "imports", "contenders": lines, "missing": missing}
        options.json.write_text(json.dumps([found], indent=1) + "\n", encoding="utf-8")
    over = next(line["ratio"] for line in lines if line["name"] == "chainrule") > LIMIT
    print(f"import chainrule is {'OVER' if over else 'within'} {LIMIT} times import numpy")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
