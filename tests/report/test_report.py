"""The report of a run: for every task, self-contained, deterministic, with names as text."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from chainrule.data import Table, load_iris
from chainrule.doctor import Health
from chainrule.models import Settings, Trial
from chainrule.report import run_report

RNG = np.random.default_rng(0)


def table(task, n=160):
    x, y = RNG.normal(size=(2, n))
    columns = {"x": x.tolist(), "y": y.tolist()}
    if task == "binary":
        columns["t"] = np.where(x * y > 0, "yes", "no").tolist()
    elif task == "multiclass":
        columns["c"] = RNG.choice([f"k{i}" for i in range(12)], n).tolist()
        columns["t"] = np.array(["a", "b", "c"])[np.digitize(x + y, [-0.5, 0.5])].tolist()
    elif task == "regression":
        columns["y"] = [None if i % 9 == 0 else v for i, v in enumerate(columns["y"])]
        columns["t"] = (1e5 * (x + 0.1 * y)).tolist()
    elif task == "labels":
        columns["t"], columns["u"] = (x > 0).tolist(), (y > 0).tolist()
    else:
        columns["t"], columns["u"] = (x + y).tolist(), (x - y).tolist()
    return Table.from_columns(columns)


def report(data, target, **options):
    trial = Trial.prepare(data, target, settings=Settings(epochs=4, seed=1), **options)
    result = trial.run(progress=False)
    metrics = result.metrics()
    health = [
        Health(e, layer, 1.0 / (e + 1), 0.1, float("nan"), 0.1, 1.0, 0.5)
        for e in range(4)
        for layer in ("body.0", "body.2")
    ]
    return run_report(result, metrics, "data.csv", health), metrics


TASKS = {
    "binary": "t", "multiclass": "t", "regression": "t", "two": ["t", "u"], "labels": ["t", "u"],
}  # fmt: skip
SCORED = {
    "binary": {"yes"}, "multiclass": {"a", "b", "c"}, "regression": {"t"}, "two": {"t", "u"},
    "labels": {"t", "u"},
}  # fmt: skip


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.headings, self.inside = set(), [], [], False

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        self.inside = tag == "h2"

    def handle_data(self, data):
        if self.inside:
            self.headings.append(data)
            self.inside = False


@pytest.mark.parametrize("task", TASKS)
def test_a_report_for_every_task(task):
    found, metrics = report(table(task), TASKS[task])
    text = found.to_html()
    reader = Reader()
    reader.feed(text)
    wanted = {"Data", "Network", "Course of training", "On the held-out rows", "Worked examples",
              "Health of the layers", "Diagnosis", "Derivation", "Source"}  # fmt: skip
    assert wanted <= set(reader.headings)
    assert "script" not in reader.tags
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert len(text) < 1_500_000
    score = metrics["held_out"]["network"]
    shown = score["accuracy"] if "accuracy" in score else score["r2"]
    assert f"{shown:.4f}" in text
    assert ("A close answer" if "r2" in score else "A right answer") in text
    towards = set(re.findall("towards (.*?), or away from it", text))
    assert towards
    assert towards <= SCORED[task]
    assert json.loads(found.to_json()) == metrics
    assert "formulas, evaluated, give the computed numbers" in text


def test_a_plane_has_a_boundary_and_its_units():
    text = report(table("binary"), "t")[0].to_html()
    assert "Where the classes come apart" in text
    assert "The output of each hidden unit" in text
    assert "The hidden space" in report(load_iris(), "species")[0].to_html()


def test_the_same_run_gives_the_same_bytes():
    texts = {report(load_iris(), "species")[0].to_html() for _ in range(2)}
    assert len(texts) == 1


def test_hostile_names_are_text():
    names = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "=cmd()|'/c calc'!A0"]
    x, y = RNG.normal(size=(2, 120))
    labels = np.where(x > 0, "<b onclick=x>", "\u202ertl\u2028&amp;").tolist()
    data = Table.from_columns({names[0]: x.tolist(), names[1]: y.tolist(), names[2]: labels})
    text = report(data, names[2])[0].to_html()
    reader = Reader()
    reader.feed(text)
    assert reader.tags.isdisjoint({"script", "img", "b", "a", "iframe", "link"})
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert "\u202e" not in text
