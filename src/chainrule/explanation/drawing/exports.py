"""A picture as text for a terminal, as Mermaid and as DOT."""

from __future__ import annotations

from chainrule.explanation.account import Account, Variable
from chainrule.explanation.drawing.model import Box, Picture, value_text
from chainrule.explanation.expressions import expression
from chainrule.pages.visible import visible

_SHAPES = {  # Mermaid, DOT
    "op": ("({})", "circle"), "parameter": ("([{}])", "box"), "input": ("[{}]", "box"),
    "fork": ("(({}))", "point"), "loss": ("[[{}]]", "doubleoctagon"), "layer": ("[{}]", "box"),
}  # fmt: skip


def tree(account: Account, values: bool) -> str:
    """Return a computation as an indented tree, from the loss to the leaves.

    A variable that is used several times is written out once, and named where it comes again.
    """
    lines: list[str] = []
    seen: set[int] = set()
    stack: list[tuple[Variable, str, str]] = [(account.loss, "", "")]
    while stack:
        v, stem, branch = stack.pop()
        again = v.serial in seen and v.op is not None
        lines.append(f"{stem}{branch}{_node(account, v, values, again)}")
        if again:
            continue
        seen.add(v.serial)
        below = stem + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
        children = [(x, below, "├─ ") for x in v.inputs]
        if children:
            children[-1] = (*children[-1][:2], "└─ ")
        stack += reversed(children)
    return "\n".join(lines)


def _node(account: Account, v: Variable, values: bool, again: bool) -> str:
    forks = len(account.uses[v.serial])
    mark = f"  ⑂{forks}" if forks > 1 else ""
    if again:
        return f"{visible(v.name)} (see above)"
    words = visible(v.name)
    if v.op is not None:
        words += f" = {visible(expression(account, v))}"
    if values and not v.is_bundle:
        words += f"   {value_text(v.value)}"
        if v.delta is not None:
            words += f"   δ {value_text(v.delta)}"
    return words + mark


def listing(picture: Picture) -> str:
    """Return a line for each box, with what comes in."""
    lines = []
    for box in picture.boxes:
        words = "  ".join([visible(box.label), *box.lines])
        sources = ", ".join(
            f"{visible(w.source.lines[0] if w.source.lines else w.source.label)} ({w.above})"
            for w in box.inputs
        )
        lines.append(f"{words}{f'   <- {sources}' if sources else ''}")
    return "\n".join(lines)


def mermaid(picture: Picture) -> str:
    """Return a picture as a Mermaid flow chart."""
    names = _names(picture)
    lines = ["flowchart TD" if picture.downwards else "flowchart LR"]
    for box in picture.boxes:
        shape = _SHAPES[box.kind][0]
        lines.append(f"  {names[box]}{shape.format(_quoted(box))}")
    for wire in picture.wires:
        label = _entities(" ".join(x for x in (wire.above, wire.below) if x))
        arrow = f'-- "{label}" -->' if label else "-->"
        lines.append(f"  {names[wire.source]} {arrow} {names[wire.target]}")
    return "\n".join(lines) + "\n"


def _quoted(box: Box) -> str:
    words = "<br>".join(map(_entities, [box.label, *box.lines])) or " "
    return f'"{words}"'


def _entities(words: str) -> str:
    """Return text in which Mermaid sees no syntax: what could be is written by its number."""
    return "".join(c if c.isalnum() or c in " .,=+-()|" else f"#{ord(c)};" for c in visible(words))


def dot(picture: Picture) -> str:
    """Return a picture in the DOT language of Graphviz."""
    names = _names(picture)
    rankdir = "TB" if picture.downwards else "LR"
    lines = ["digraph {", f"  rankdir={rankdir}; node [fontname=monospace]; edge [fontsize=10]"]
    for box in picture.boxes:
        label = "\\n".join(map(_string, [box.label, *box.lines]))
        lines.append(f'  {names[box]} [label="{label}", shape={_SHAPES[box.kind][1]}]')
    for wire in picture.wires:
        label = "\\n".join(_string(x) for x in (wire.above, wire.below) if x)
        lines.append(f'  {names[wire.source]} -> {names[wire.target]} [label="{label}"]')
    return "\n".join([*lines, "}"]) + "\n"


def _string(words: str) -> str:
    return visible(words).replace("\\", "\\\\").replace('"', '\\"')


def _names(picture: Picture) -> dict[Box, str]:
    return {box: f"n{i}" for i, box in enumerate(picture.boxes)}
