"""The layer view: a box for each layer, equal ones that follow each other folded into one."""

from __future__ import annotations

import numpy as np

from chainrule.errors import ArgumentError
from chainrule.explanation.account import Account, Variable
from chainrule.explanation.drawing.model import Box, Picture, short, value_text
from chainrule.explanation.layers import Layer, layers
from chainrule.explanation.numbers import dimensions


def found_layers(account: Account) -> list[Layer]:
    """Return the layers of an account.

    Raises
    ------
    ArgumentError
        If there are none.
    """
    found = layers(account)
    if not found:
        raise ArgumentError(
            "draw: this view needs layers, products with a variable weight, and there are none "
            'here; view="graph" draws any computation'
        )
    return found


def stack(account: Account, values: bool, folded: bool) -> Picture:
    """Return a network as a picture of its layers, skip connections included."""
    found = found_layers(account)
    outputs = {x.a.serial: x.a for x in found} | _joins(account, found)
    return _Stack(outputs, values, account).drawn(
        _groups(found, outputs, account) if folded else [[layer] for layer in found]
    )


class _Stack:
    """A picture of layers as it grows."""

    def __init__(self, outputs: dict[int, Variable], values: bool, account: Account) -> None:
        self.outputs, self.values, self.account = outputs, values, account
        self.picture = Picture([], [], f"Layers of {account.loss.name}")
        self.ends: dict[int, Box] = {}

    def drawn(self, groups: list[list[Layer]]) -> Picture:
        for group in groups:
            box = _layer_box(group)
            self._add(box, group[0].product)
            self.ends.update({layer.a.serial: box for layer in group})
        loss = self.account.loss
        self._add(Box("loss", short(loss.name), f"loss {value_text(loss.value)}"), loss)
        return self.picture

    def _add(self, box: Box, v: Variable) -> None:
        """Add a box for a variable, behind the boxes of what it was computed from."""
        fed = sources(v, self.outputs)
        starts = [self._start(x) for x in fed]
        self.picture.boxes.append(box)
        for start, x in zip(starts, fed, strict=True):
            _connect(self.picture, start, box, x, self.values)

    def _start(self, v: Variable) -> Box:
        if v.serial not in self.ends:
            if v.op is None:
                box = Box("input", short(v.name), f"{v.name}: {value_text(v.value)}")
                self.picture.boxes.append(box)
            else:
                box = Box("op", "+", f"{v.name}: the sum of what comes in")
                self._add(box, v)
            self.ends[v.serial] = box
        return self.ends[v.serial]


def _joins(account: Account, found: list[Layer]) -> dict[int, Variable]:
    """Return the sums at which ways by several layers, or around them, meet, by serial."""
    own, outputs = {x.z.serial for x in found}, {x.a.serial: x.a for x in found}
    return {
        v.serial: v
        for v in account.variables
        if v.op is not None and v.op.forward is np.add and v.serial not in own
        and len(v.inputs) == 2 and np.ndim(v.value)
        and not any(x.wanted for x in v.inputs) and len(sources(v, outputs)) > 1
    }  # fmt: skip


def _groups(
    found: list[Layer], outputs: dict[int, Variable], account: Account
) -> list[list[Layer]]:
    """Return runs of equal layers, each fed by the one before it alone."""
    groups: list[list[Layer]] = []
    for layer in found:
        before = groups[-1][-1] if groups else None
        fed = sources(layer.product, outputs)
        alone = before is not None and fed == [before.a] and _uses_once(account, before)
        if before is not None and alone and _kind(before) == _kind(layer):
            groups[-1].append(layer)
        else:
            groups.append([layer])
    return groups


def _uses_once(account: Account, layer: Layer) -> bool:
    return len(account.uses[layer.a.serial]) == 1


def _kind(layer: Layer) -> tuple[object, ...]:
    return np.shape(layer.weight.value), layer.activation, layer.bias is not None


def sources(v: Variable, outputs: dict[int, Variable]) -> list[Variable]:
    """Return the outputs of layers, and the inputs given, that a variable was computed from."""
    found: dict[int, Variable] = {}
    stack, seen = list(v.inputs), set()
    while stack:
        x = stack.pop()
        if x.serial in seen:
            continue
        seen.add(x.serial)
        if x.serial in outputs:
            found[x.serial] = x
        elif x.op is None:
            if not x.wanted:
                found[x.serial] = x
        else:
            stack += x.inputs
    return [found[serial] for serial in sorted(found)]


def _connect(drawn: Picture, source: Box, target: Box, v: Variable, values: bool) -> None:
    if any(wire.target is target for wire in source.outputs):
        return
    above = dimensions(v.value)
    shown = values and v.delta is not None
    norm = float(np.linalg.norm(np.ravel(v.delta))) if v.delta is not None else 0.0
    below = f"‖δ‖ {norm:.3g}" if shown else ""
    drawn.connect(source, target, above=above, below=below, title=v.name)


def _layer_box(group: list[Layer]) -> Box:
    layer = group[0]
    n_out, n_in = layer.units.shape
    parameters = sum(np.size(p.value) for x in group for p in (x.weight, x.bias) if p is not None)
    first, last = layer.number, group[-1].number
    name = f"layer {first}" if first == last else f"layers {first} to {last}"
    label = f"{n_in} → {n_out}{f'  ×{len(group)}' if len(group) > 1 else ''}"
    lines = [name, layer.ending, f"{parameters:,} parameters"]
    title = f"{name}: {layer.weight.name}, {layer.ending}, {parameters} parameters"
    return Box("layer", label, title, lines)
