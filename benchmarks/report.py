"""Writes the results of all benchmarks as a page of Markdown and a plot."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

from runner import OURS, readable

CURVES = {
    "batch": "rows of a batch, 784-128-10",
    "width": "hidden units, 784-h-10, batch 64",
    "depth": "hidden layers of 128, batch 64",
    "vocabulary": "words, mean of embeddings, batch 32",
}
PACKAGES = (
    "numpy", "numba", "torch", "jax", "scikit-learn", "onnxruntime", "autograd", "mygrad",
    "micrograd", "tinygrad", "thinc", "gensim", "fasttext-wheel",
)  # fmt: skip
FEATURES = ("avx2", "fma", "avx512f", "amx_tile", "asimd", "sve")

Results = dict[str, list[dict[str, Any]]]

INTRO = """# Performance

What chainrule's training, inference and start cost, beside its peers, on one machine. `make bench`
makes this page anew; nothing in it is written by hand.

- Every contender runs in a process of its own. All start from the same weights and see the same
  batches. First the losses of every step, and the loss of the weights that come out, are compared;
  a contender that is further away than the workload's tolerance stops the run. Then all take turns
  in blocks of {block} s, in an order shuffled anew in each of {rounds} rounds ({growth} where the
  time's growth is measured).
- **min** is the fastest block, **median** the middle one, **/ chainrule** the median of the
  round-by-round ratios: above 1 is slower than chainrule. A ratio within 15 % of 1 decides nothing.
- **of roofline**: the least time that the operations and bytes of the workload take at the speeds
  measured in this run, as a part of the fastest block.
- **first call** is the time from importing the library to the first result, compiling included; a
  call is many steps in most workloads. **distance** is the largest relative distance from
  chainrule's numbers.
- Contenders marked * do other mathematics (other precision, own batches, own samples) and are
  compared for speed only.
- Peers stand in their best form: PyTorch with its fused update and without, on all cores, batches
  gathered beforehand; JAX as one loop under `jit` and as one step; embeddings in PyTorch with
  sparse gradients, in JAX with rows updated by hand.
"""


def machine() -> list[str]:
    """Return what the numbers depend on, without any name of it."""
    lines = [f"- {platform.machine()}, {os.cpu_count()} cores, {platform.system()}"]
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        known = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
        known = {key.strip(): value for key, value in known.items()}
        flags = (known.get("flags") or known.get("Features") or "").split()
        lines[0] += "; " + ", ".join(f for f in FEATURES if f in flags)
    except OSError:
        pass
    versions = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return [*lines, f"- {', '.join(versions)}"]


def limits_lines(limits: dict[str, Any]) -> list[str]:
    """Return the measured limits."""
    product = f"matrix product {limits['flops'] / 1e9:.0f} GFLOP/s ({limits['library']})"
    memories = [f"{k} {v / 1e9:.0f} GB/s" for k, v in limits["bandwidth"].items()]
    return [f"- {product}; {', '.join(memories)}"]


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return a Markdown table, whose columns but the first are numbers."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return ["| " + " | ".join(row) + " |" for row in (head, rule, *rows)]


def percent(share: float | None) -> str:
    """Return a part in percent, to two digits."""
    return f"{100 * share:.2g} %" if share else ""


def best_peer(found: dict[str, Any]) -> dict[str, Any] | None:
    """Return the fastest contender that is not ours and does the same mathematics."""
    peers = [
        line
        for line in found["contenders"]
        if not line["name"].startswith((OURS, "per_example_grad")) and not line.get("other")
    ]
    return min(peers, key=lambda line: line["median"], default=None)


def ours(found: dict[str, Any]) -> dict[str, Any]:
    """Return chainrule's line."""
    return next(line for line in found["contenders"] if line["name"] == OURS)


def summary(workloads: list[dict[str, Any]]) -> list[str]:
    """Return a table of our times beside those of the best peer."""
    rows = []
    for found in workloads:
        peer, own = best_peer(found), ours(found)
        if peer is None:
            continue
        share = own.get("of_roofline")
        rows.append(
            [
                found["key"],
                readable(own["median"]),
                peer["name"],
                readable(peer["median"]),
                f"{peer['ratio']:.2f}",
                percent(share),
            ]
        )
    head = ["workload", "chainrule", "best peer", "its time", "peer / chainrule", "of roofline"]
    return table(head, rows)


def section(found: dict[str, Any]) -> list[str]:
    """Return the table of one workload."""
    rows = []
    for line in found["contenders"]:
        share, away = line.get("of_roofline"), line.get("distance")
        name = f"**{line['name']}**" if line["name"] == OURS else line["name"]
        rows.append(
            [
                name + r" \*" * bool(line.get("other")),
                readable(line["min"]),
                readable(line["median"]),
                f"{line['ratio']:.2f}",
                percent(share),
                f"{line['first']:.2f} s" if "first" in line else "",
                "" if away is None else f"{away:.0e}",
            ]
        )
    head = ["contender", "min", "median", "/ chainrule", "of roofline", "first call", "distance"]
    used = [i for i in range(len(head)) if i < 4 or any(row[i] for row in rows)]
    lines = [f"### {found['title']}", ""]
    if found.get("roofline"):
        lines += [f"Roofline {readable(found['roofline'])}.", ""]
    lines += table([head[i] for i in used], [[row[i] for i in used] for row in rows])
    missing = [f"{name} ({why})" for name, why in found.get("missing", {}).items()]
    return [*lines, *(["", f"Left out: {', '.join(missing)}."] if missing else []), ""]


def curves(workloads: list[dict[str, Any]]) -> list[str]:
    """Return a table a curve: the steps' medians, and what the first call takes."""
    lines: list[str] = []
    for axis, meaning in CURVES.items():
        points = [found for found in workloads if found["key"].startswith(f"{axis} ")]
        if not points:
            continue
        names = [line["name"] for line in points[0]["contenders"]]
        names.sort(key=lambda name: (name != OURS, name))
        first = [name for name in names if name in (OURS, "jax scan", "jax scan, rows", "torch")]
        rows = []
        for found in points:
            by_name = {line["name"]: line for line in found["contenders"]}
            medians = [readable(by_name[n]["median"]) if n in by_name else "" for n in names]
            starts = [f"{by_name[n]['first']:.2f} s" if n in by_name else "" for n in first]
            bound = readable(found["roofline"]) if found["roofline"] else ""
            rows.append([found["key"].split()[1], bound, *medians, *starts])
        head = [axis, "roofline", *names, *(f"{name}, first call" for name in first)]
        lines += [f"### {axis.capitalize()}: {meaning}", "", *table(head, rows), ""]
    return lines


def sizes(imports: list[dict[str, Any]]) -> list[str]:
    """Return the table of imports and installed sizes."""
    rows = [
        [
            line["name"],
            f"{line['median'] * 1e3:.0f} ms",
            f"{line['ratio']:.2f}",
            f"{line['own']:.1f}" if line.get("own") else "",
            f"{line['all']:.0f}" if line.get("all") else "",
        ]
        for found in imports
        for line in found["contenders"]
    ]
    head = ["import", "median", "/ numpy", "own MB", "MB with dependencies"]
    return ["### What importing and installing costs", "", *table(head, rows), ""]


def page(
    results: Results, limits: dict[str, Any], options: dict[str, Any], plot: str | None
) -> str:
    """Return the whole page.

    Parameters
    ----------
    results : dict
        By script, what it wrote with ``--json``.
    limits : dict
        What ``roofline.py --json`` wrote.
    options : dict
        ``command``, ``rounds``, ``growth`` and ``block``.
    plot : str or None
        The plot's file name.
    """
    special = ("growth", "imports")
    plain = [found for name, part in results.items() if name not in special for found in part]
    lines = [INTRO.format(**options), f"Made by `{options['command']}` on", ""]
    lines += [*machine(), *limits_lines(limits), ""]
    if plot:
        lines += [f"![Times of peers as multiples of chainrule's, and growth]({plot})", ""]
    lines += [
        "## Summary",
        "",
        "Medians; the best peer is the fastest with the same mathematics.",
        "",
    ]
    lines += [*summary(plain), "", "## Workloads", ""]
    for found in plain:
        lines += section(found)
    if results.get("growth"):
        lines += ["## Growth", "", "Medians of a step.", "", *curves(results["growth"])]
    if results.get("imports"):
        lines += ["## Imports", "", *sizes(results["imports"])]
    return "\n".join(lines).rstrip() + "\n"
