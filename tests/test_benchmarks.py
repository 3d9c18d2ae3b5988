"""The benchmarks run, leave out what is not installed, and stop where numbers differ."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"

SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
from roofline import Phase
from runner import Contender, Workload, main

def ours():
    return lambda: [1.0, 2.0]

def missing():
    import no_such_package

def failing():
    raise ValueError("no such thing")

def other():
    return lambda: [1.0, {number}]

def stranger():
    return Contender(lambda: [7.0], units=1000, other=True)

def clocked():
    return Contender(lambda: [1.0], final=lambda: [2.0], clock=lambda: 5.0)

main(__file__, [Workload("two numbers", dict(
    chainrule=ours, gone=missing, broken=failing, other=other, stranger=stranger, clocked=clocked,
), phases=[Phase(1e9)], key="two")])
"""

LIMITS = {"flops": 1e9, "library": "none", "bandwidth": {"L2": 1.0, "L3": 1.0, "DRAM": 1.0}}

SMALL = """
import sys, json
sys.path.insert(0, {folder!r})
from dataclasses import replace
import deep, iris, lm, mlp, networks, per_example, predict, rows, skipgram, text, xor

def numbers(contender):
    return [float(x) for x in [*contender.step(), *contender.final()]]

nets = dict(
    xor=xor.NETWORK,
    iris=iris.NETWORK,
    mlp=replace(mlp.network(16), sizes=(784, 8, 10)),
    deep=replace(deep.NETWORK, sizes=(256, 8, 8, 10)),
)
found = {{}}
for name, net in nets.items():
    net = replace(net, steps=5)
    engine = "" if name == "xor" else "numpy"
    found[name] = networks.chainrule(net, engine), networks.by_hand(net)
for module, task in (
    (text, text.task(8, words=30, steps=3)),
    (lm, lm.task(words=30, steps=2)),
    (skipgram, skipgram.task(words=30, steps=2)),
):
    found[module.__name__] = module.chainrule(task, "numpy"), module.by_hand(task)
rows.STEPS = 3
found["rows"] = rows.chainrule(30, True, "numpy"), rows.by_hand(30)
net = predict.Net(predict.SMALL, 2, 3)
found["predict"] = predict.chainrule(net, "numpy"), predict.by_hand(net)
per_example.SIZES, per_example.ROWS = (6, 5, 4), 7
per_example.rows.__defaults__ = (7,)
for name, build in (("scan", per_example.chainrule), ("vmap", per_example.chainrule_transform)):
    for clipped in (False, True):
        pair = build(clipped, 7, "numpy"), per_example.by_hand(clipped)
        found[f"per_example_{{name}}_{{clipped}}"] = pair
print(json.dumps({{name: [*map(numbers, pair)] for name, pair in found.items()}}))
"""

PAGE = """
import sys, json
sys.path.insert(0, {folder!r})
import plot, report
from pathlib import Path

def line(name, ratio, other=False):
    return dict(name=name, min=1e-3, median=2e-3, ratio=ratio, of_roofline=0.5, first=1.0,
                other=other, distance=None if other else 1e-7)

def workload(key):
    lines = [line("chainrule", 1.0), line("torch", 3.0), line("fasttext", 0.5, other=True)]
    return dict(title=key, key=key, roofline=1e-3, contenders=lines, missing={{"jax": "gone"}})

imports = dict(name="numpy", min=0.1, median=0.1, ratio=1.0, own=1.0, all=2.0)
results = dict(
    xor=[workload("xor")],
    growth=[workload("batch 1"), workload("batch 64")],
    imports=[dict(title="Imports", key="imports", contenders=[imports], missing={{}})],
)
settings = dict(command="make bench", rounds=7, growth=3, block=0.15)
print(report.page(results, json.loads({limits!r}), settings, "performance.svg"))
if {picture!r}:
    plot.draw(results, Path({picture!r}))
"""


def run(script: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), "--rounds", "1", *options]
    return subprocess.run(command, capture_output=True, text=True)


def run_text(folder: Path, text: str) -> str:
    script = folder / "script.py"
    script.write_text(text, encoding="utf-8")
    done = run(script)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_eager_benchmark() -> None:
    done = run(FOLDER / "eager.py", "--block", "0.001")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("/ chainrule") == 2


def test_the_benchmark_of_imports() -> None:
    done = run(FOLDER / "imports.py", "--peers", "none")
    assert "import chainrule is" in done.stdout, done.stderr


@pytest.mark.parametrize(("number", "agrees"), [(2.0, True), (2.000001, False)])
def test_only_equal_work_is_timed(tmp_path: Path, number: float, agrees: bool) -> None:
    script, results, limits = (tmp_path / name for name in ("script.py", "out.json", "in.json"))
    script.write_text(SCRIPT.format(folder=str(FOLDER), number=number), encoding="utf-8")
    limits.write_text(json.dumps(LIMITS), encoding="utf-8")
    done = run(script, "--block", "0.001", "--json", str(results), "--limits", str(limits))
    assert "gone is left out" in done.stdout
    assert (done.returncode == 0) is agrees
    assert ("other is 5.0e-07 away from chainrule's numbers" in done.stderr) is not agrees
    assert results.exists() is agrees
    if agrees:
        check_results(done.stdout, *json.loads(results.read_text(encoding="utf-8")))


def check_results(printed: str, found: dict) -> None:
    lines = {line["name"]: line for line in found["contenders"]}
    assert "broken is left out: ValueError: no such thing" in printed
    assert set(found["missing"]) == {"gone", "broken"}
    assert set(lines) == {"chainrule", "other", "stranger", "clocked"}
    assert "stranger *" in printed
    assert lines["stranger"]["other"]
    assert lines["stranger"]["median"] < lines["other"]["median"] / 100  # 1,000 units a call
    assert lines["clocked"]["min"] == 5.0
    assert found["roofline"] == 1.0
    assert lines["clocked"]["of_roofline"] == 0.2


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[float]]]:
    """Return the numbers of chainrule and of NumPy by hand, of all workloads made small."""
    text = SMALL.format(folder=str(FOLDER))
    return json.loads(run_text(tmp_path_factory.mktemp("small"), text))


def test_workloads_by_chainrule_and_by_hand(small: dict[str, list[list[float]]]) -> None:
    assert len(small) == 13
    for name, (ours, by_hand) in small.items():
        assert all(map(math.isfinite, ours)), name
        assert ours == pytest.approx(by_hand, rel=1e-4), name


def test_the_page_and_the_plot(tmp_path: Path) -> None:
    picture = tmp_path / "performance.svg"
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        picture = None
    path = str(picture) if picture else ""
    text = PAGE.format(folder=str(FOLDER), limits=json.dumps(LIMITS), picture=path)
    page = run_text(tmp_path, text)
    assert "| xor | 2 ms | torch | 2 ms | 3.00 | 50 % |" in page
    assert r"| fasttext \* | 1 ms |" in page
    assert "Left out: jax (gone)." in page
    assert "| 64 | 1 ms | 2 ms |" in page
    assert str(FOLDER.parent) not in page
    assert picture is None or picture.stat().st_size > 1000
