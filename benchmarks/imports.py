"""What it costs to have chainrule: seconds to import it, and megabytes on the disk.

Every import happens in a fresh process; the processes take turns in an order shuffled anew every
round. chainrule loads its parts on first use, so its first use is timed beside the bare import.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import subprocess
import sys
from pathlib import Path
from statistics import median

IMPORTS = {
    "numpy": ("numpy", "import numpy"),
    "chainrule": ("chainrule", "import chainrule"),
    "chainrule, first use": ("chainrule", "import chainrule; chainrule.Tensor"),
    "autograd": ("autograd", "import autograd.numpy"),
    "mygrad": ("mygrad", "import mygrad"),
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


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each installed package, one number a round."""
    times: dict[str, list[float]] = {}
    for name, (package, statement) in IMPORTS.items():
        if importlib.util.find_spec(package) is None:
            print(f"{name} is left out: it is not installed")
            continue
        seconds(statement)  # the first import compiles the package's files
        times[name] = []
    shuffle = random.Random(0).shuffle
    for _ in range(rounds):
        order = list(times)
        shuffle(order)
        for name in order:
            times[name].append(seconds(IMPORTS[name][1]))
    return times


def main() -> int:
    """Print the tables; return 1 if `import chainrule` is over its limit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    times = measure(parser.parse_args().rounds)
    print(f"{'import':<22}{'min':>10}{'median':>10}{'/ numpy':>10}")
    ratios = {}
    for name, found in times.items():
        ratios[name] = median(a / b for a, b in zip(found, times["numpy"], strict=True))
        low, middle = min(found) * 1e3, median(found) * 1e3
        print(f"{name:<22}{low:>7.1f} ms{middle:>7.1f} ms{ratios[name]:>10.2f}")
    print(f"{'installed':<22}{'own MB':>10}")
    for package in ("numpy", "chainrule"):
        print(f"{package:<22}{megabytes(package):>10.2f}")
    over = ratios["chainrule"] > LIMIT
    print(f"import chainrule is {'OVER' if over else 'within'} {LIMIT} times import numpy")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
