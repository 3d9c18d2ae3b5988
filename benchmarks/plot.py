"""Draws the results: each peer's time as a multiple of chainrule's, and the curves of growth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from report import CURVES, Results
from runner import OURS

FAMILIES = {
    "torch": "#d95f02",
    "jax": "#1b7837",
    "numpy": "#777777",
    "sklearn": "#2c7fb8",
    "onnxruntime": "#7b3294",
}
REST = "#c9a227"
INK = "#222222"


def colour(name: str) -> str:
    """Return the colour of a contender's library."""
    return next((c for family, c in FAMILIES.items() if name.startswith(family)), REST)


def draw(results: Results, path: Path) -> None:
    """Write the plot of all results."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"svg.fonttype": "path", "svg.hashsalt": "chainrule", "font.size": 9})
    special = ("growth", "imports")
    plain = [found for name, part in results.items() if name not in special for found in part]
    axes_of = [axis for axis in CURVES if _points(results.get("growth", []), axis)]
    height = 1.2 + 0.42 * len(plain)
    rows = (len(axes_of) + 1) // 2
    figure = plt.figure(figsize=(9, height + 3.2 * rows), layout="constrained")
    grid = figure.add_gridspec(1 + rows, 2, height_ratios=[height, *[3.2] * rows])
    ratios(figure.add_subplot(grid[0, :]), plain)
    for i, axis in enumerate(axes_of):
        growth(figure.add_subplot(grid[1 + i // 2, i % 2]), results["growth"], axis)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def ratios(axes: Any, workloads: list[dict[str, Any]]) -> None:
    """Draw a row of points a workload: a peer right of 1 is slower than chainrule."""
    for i, found in enumerate(workloads):
        axes.axhline(i, color="#eeeeee", zorder=0)
        for line in found["contenders"]:
            if line["name"].startswith(OURS):
                continue
            hollow = bool(line.get("other"))
            face = "white" if hollow else colour(line["name"])
            axes.scatter(line["ratio"], i, s=30, color=face, edgecolor=colour(line["name"]))
    axes.axvline(1, color=INK, linewidth=1.2)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(workloads)), [found["key"] for found in workloads])
    axes.invert_yaxis()
    axes.set_xlabel("time / chainrule's time (right of 1: slower than chainrule)")
    for family, c in {**FAMILIES, "others": REST}.items():
        axes.scatter([], [], s=30, color=c, label=family)
    axes.scatter([], [], s=30, color="white", edgecolor=INK, label="other mathematics")
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=7, frameon=False, handletextpad=0.1
    )
    _clean(axes)


def growth(axes: Any, workloads: list[dict[str, Any]], axis: str) -> None:
    """Draw the time of a step over one quantity, a line a contender."""
    points = _points(workloads, axis)
    names = sorted({line["name"] for _, found in points for line in found["contenders"]})
    for name in names:
        line = [
            (x, entry["median"] * 1e3)
            for x, found in points
            for entry in found["contenders"]
            if entry["name"] == name
        ]
        own = name == OURS
        style = "--" if name.endswith(("step", "dense", "fused")) else "-"
        shade = INK if own else colour(name)
        axes.plot(*zip(*line, strict=True), style, color=shade, lw=2.2 if own else 1.2, label=name)
    bound = [(x, found["roofline"] * 1e3) for x, found in points if found["roofline"]]
    if bound:
        axes.plot(*zip(*bound, strict=True), ":", color="#999999", lw=1, label="roofline")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(CURVES[axis])
    axes.set_ylabel("ms a step")
    axes.legend(frameon=False, fontsize=7)
    _clean(axes)


def _points(workloads: list[dict[str, Any]], axis: str) -> list[tuple[int, dict[str, Any]]]:
    chosen = (found for found in workloads if found["key"].startswith(f"{axis} "))
    return [(int(found["key"].split()[1]), found) for found in chosen]


def _clean(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
