"""Drawings: nothing overlaps, few wires cross, and names are text."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest
from lectures import U, W, X, Y, loss_abc, network_221, product

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError
from chainrule.explanation.drawing.model import Box, Picture
from chainrule.explanation.drawing.place import place
from chainrule.explanation.drawing.ranks import Ranks, _bend, _rank, arrange

RNG = np.random.default_rng(0)


def residual(w, v, x):
    return np.sum((x + np.tanh(x @ w) @ v) ** 2)


PLANAR = {
    "abc": (loss_abc, (3.0, 1.0, -2.0)),
    "product": (product, (2.0, 1.0)),
    "residual": (residual, (np.eye(2), np.eye(2), np.ones(2))),
}


@pytest.mark.parametrize("name", PLANAR)
def test_what_can_be_drawn_without_crossings_is(name):
    function, args = PLANAR[name]
    picture = cr.draw(function)(*args).picture
    assert arrange(fresh(picture)).crossings() == 0


def fresh(picture):
    """The same picture without bends and places."""
    boxes = {b: Box(b.kind, b.label, b.title, list(b.lines)) for b in picture.boxes}
    new = Picture(list(boxes.values()), [], picture.title)
    for wire in picture.wires:
        new.connect(boxes[wire.source], boxes[wire.target], above=wire.above, below=wire.below)
    return new


def scattered(seed, n=40):
    rng = np.random.default_rng(seed)
    picture = Picture([Box("op", "x" * int(rng.integers(1, 12))) for _ in range(n)], [], "random")
    for i in range(1, n):
        for j in set(rng.integers(0, i, int(rng.integers(1, 4))).tolist()):
            label = "v = 1.234" if rng.random() < 0.5 else ""
            picture.connect(picture.boxes[j], picture.boxes[i], above=label)
    return picture


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("downwards", [False, True])
def test_boxes_never_overlap_and_stay_on_the_page(seed, downwards):
    picture = scattered(seed)
    ranks = arrange(picture)
    picture.downwards = downwards
    place(picture, ranks)
    for a, b in combinations(picture.boxes, 2):
        apart_x = abs(a.x - b.x) >= (a.width + b.width) / 2 - 1e-6
        apart_y = abs(a.y - b.y) >= (a.height + b.height) / 2 - 1e-6
        assert apart_x or apart_y
    for box in picture.boxes:
        assert box.x - box.width / 2 >= 0
        assert box.x + box.width / 2 <= picture.width
        assert box.y - box.height / 2 >= 0
        assert box.y + box.height / 2 <= picture.height
    for wire in picture.wires:
        assert wire.source.rank < wire.target.rank


def test_fewer_wires_cross_than_before():
    picture = scattered(3)
    _rank(picture)
    _bend(picture)
    ranks = Ranks(picture)
    before = ranks.crossings()
    ranks.settle()
    assert ranks.crossings() < before


def test_values_and_deltas_stand_on_the_wires():
    drawing = cr.draw(loss_abc)(3.0, 1.0, -2.0)
    labels = {(w.title, w.above, w.below) for w in drawing.picture.wires}
    assert ("b", "1", "δ -4") in labels
    assert ("c", "-2", "δ 5") in labels
    assert "δ" not in cr.draw(loss_abc, values=False)(3.0, 1.0, -2.0).svg


def test_a_fork_is_a_dot_with_what_each_use_sends():
    drawing = cr.draw(product)(2.0, 1.0)
    assert [b.kind for b in drawing.picture.boxes].count("fork") == 1
    sent = sorted(w.below for w in drawing.picture.wires if w.source.kind == "fork")
    assert sent == ["δ 2", "δ 3"]


def test_text_mermaid_and_dot():
    drawing = cr.draw(product)(2.0, 1.0)
    assert drawing.text().splitlines()[0] == "loss = v1 * v2   6   δ 1"
    assert "⑂2" in drawing.text()
    assert drawing.to_mermaid().startswith("flowchart LR\n")
    assert drawing.to_mermaid().count("-->") == len(drawing.picture.wires)
    assert drawing.to_dot().count("->") == len(drawing.picture.wires)
    assert drawing.to_dot().rstrip().endswith("}")


def network(*widths):
    layers = []
    for i in range(len(widths) - 1):
        layers += [nn.Linear(widths[i], widths[i + 1], rng=i), "relu"]
    return nn.Sequential(*layers[:-1])


def objective(model, x, y):
    return nn.cross_entropy(model(x), y)


X5, Y5 = RNG.normal(size=(5, 4)).astype(np.float32), np.array([0, 1, 2, 1, 0])


def test_equal_layers_are_folded_and_unfold():
    model = network(4, 8, 8, 8, 8, 3)
    folded = cr.draw(objective, view="layers")(model, X5, Y5)
    whole = cr.draw(objective, view="layers", folded=False)(model, X5, Y5)
    kinds = [[b.kind for b in d.picture.boxes].count("layer") for d in (folded, whole)]
    assert kinds == [3, 5]
    assert "×3" in folded.svg


def around():
    """A network with a way around its second layer."""
    return nn.Sequential(
        nn.Linear(4, 8, rng=0), nn.Residual(nn.Sequential(nn.Linear(8, 8, rng=1), "relu")),
        nn.Linear(8, 3, rng=2),
    )  # fmt: skip


def test_ways_around_layers_come_back():
    picture = cr.draw(objective, view="layers")(around(), X5, Y5).picture
    join = next(b for b in picture.boxes if b.label == "+")
    assert len(join.inputs) == 2


def test_units():
    svg = cr.draw(network_221, ("w", "u"), view="units")(W, U, X, Y).svg
    assert svg.count("<circle") == 5
    assert svg.count("<line") == 6
    assert cr.draw(objective, view="units")(network(4, 300, 3), X5, Y5).svg.count("<circle") < 25
    with pytest.raises(ArgumentError, match="needs layers"):
        cr.draw(product, view="units")(2.0, 1.0)
    with pytest.raises(ArgumentError, match="view"):
        cr.draw(product, view="cube")


ONE, FIVE = RNG.normal(size=(1, 2)), RNG.normal(size=(5, 2))
PRODUCTS = {
    "W x": (lambda w, x: w @ x.T, (3, 2)),
    "W.T x": (lambda w, x: w.T @ x.T, (2, 3)),
    "x W": (lambda w, x: x @ w, (2, 3)),
    "x W.T": (lambda w, x: x @ w.T, (3, 2)),
    "w x": (lambda w, x: w @ x.T, (2,)),
    "x w": (lambda w, x: x @ w, (2,)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_units_are_those_of_the_product_and_show_one_example(name):
    function, shape = PRODUCTS[name]
    units = 1 if len(shape) == 1 else 3
    for x in (ONE, FIVE):
        args = np.ones(shape), x
        drawn = [
            cr.draw(lambda w, x: np.sum(np.tanh(function(w, x))), "w", view=view)(*args)
            for view in ("layers", "units")
        ]
        assert [d.text().count(f"2 → {units}") for d in drawn] == [1, 1]
        svg = drawn[1].svg
        assert (svg.count("<circle"), svg.count("<line")) == (2 + units, 2 * units)
        numbers = [e.text for e in ET.fromstring(svg).iter() if e.get("class") == "crd-small"]
        assert sum(n is not None for n in numbers) == (2 + units if x is ONE else 0)


def towers(w, v, x):
    return np.sum(x @ w) * np.sum(np.tanh(x[:, :1] @ v))


def test_units_are_drawn_of_a_chain_of_layers_alone():
    args = np.ones((2, 2)), np.ones((1, 2)), FIVE
    with pytest.raises(ArgumentError, match="layer 2 does not read layer 1 alone"):
        cr.draw(towers, ("w", "v"), view="units")(*args)
    assert "layer 2" in cr.draw(towers, ("w", "v"), view="layers")(*args).text()
    with pytest.raises(ArgumentError, match="layer 3 does not read layer 2 alone"):
        cr.draw(objective, view="units")(around(), X5, Y5)


def test_units_are_told_as_the_layers_they_are_in():
    model = network(4, 8, 8, 3)
    units = cr.draw(objective, view="units")(model, X5, Y5)
    layers = cr.draw(objective, view="layers", folded=False)(model, X5, Y5)
    for told in (lambda d: d.text(), lambda d: d.to_dot(), lambda d: d.page().title):
        assert told(units) == told(layers)
    assert units.facts()["nodes"] == layers.facts()["nodes"]
    assert units.figure() in units.page().blocks


@pytest.mark.parametrize("view", ["graph", "units", "layers"])
def test_hostile_names_are_text(view, tmp_path):
    name = '\\"><script>alert(1)</script>\u2028]]>\x07\\'
    w = cr.Tensor(np.ones((2, 2)), name=name)
    z = np.array([[1.0, 2.0]]) @ w
    drawing = cr.draw(np.sum(np.tanh(z)), view=view)
    tree = ET.fromstring(drawing.svg)
    assert tree.tag.endswith("svg")
    assert not [e for e in tree.iter() if e.tag.endswith("script")]
    assert "<script" not in drawing.to_html()
    for suffix in (".svg", ".html", ".mmd", ".dot", ".json", ".txt"):
        drawing.save(tmp_path / f"drawing{suffix}")
    assert '"><script' not in (tmp_path / "drawing.mmd").read_text()
    dot = (tmp_path / "drawing.dot").read_text(encoding="utf-8")
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", dot)  # of quoted strings
    assert '"' not in outside
    assert view != "graph" or "script" in dot
    assert "script" not in outside


def test_a_picture_can_be_read_aloud():
    tree = ET.fromstring(cr.draw(product)(2.0, 1.0).svg)
    names = [e.tag.partition("}")[2] for e in tree]
    assert names[:2] == ["title", "desc"]
    assert tree.get("role") == "img"
