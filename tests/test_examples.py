"""The examples: every script is short, runs, says what it should, and draws its picture."""

import importlib.util
import re
from itertools import pairwise
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "examples"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py"))
QUICK = {"digits_autoencoder": {"epochs": 8}, "two_stage": {"epochs": 40}}
NEED_SKLEARN = {"irises", "wine", "digits_autoencoder", "kernel_svm"}


def run(name, picture=None):
    """Run a script's main, and return the path of its picture if there can be one."""
    if name in NEED_SKLEARN:
        pytest.importorskip("sklearn")
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    drawn = picture if importlib.util.find_spec("matplotlib") else None
    module.main(drawn, **QUICK.get(name, {}))
    return drawn


def numbers(line):
    return [float(number) for number in re.findall(r"\d+\.\d+(?:e-\d+)?", line)]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Return a function that runs a script once and returns what it printed."""
    folder, kept = tmp_path_factory.mktemp("pictures"), {}

    def output(name, capsys):
        if name not in kept:
            capsys.readouterr()
            picture = run(name, str(folder / f"{name}.png"))
            kept[name] = capsys.readouterr().out
            assert picture is None or Path(picture).read_bytes()[:4] == b"\x89PNG"
        return kept[name]

    return output


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_short_runs_and_draws(name, outputs, capsys):
    assert len((FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 60
    assert outputs(name, capsys)


def test_flowers_of_all_models(outputs, capsys):
    lines = outputs("irises", capsys).splitlines()
    assert len(lines) == 4
    assert all(min(numbers(line)) > 0.94 for line in lines)


def test_wines(outputs, capsys):
    out = outputs("wine", capsys)
    assert all(numbers(line)[0] > 0.93 for line in out.splitlines()[1:5])
    assert "proline" in out


def test_the_linear_autoencoder_is_pca(outputs, capsys):
    lines = outputs("digits_autoencoder", capsys).splitlines()
    errors = {line.split()[0]: numbers(line) for line in lines[:4]}
    assert errors["linear"] == pytest.approx(errors["PCA"], abs=1e-4)
    assert errors["deep"][1] < errors["PCA"][1]
    assert numbers(lines[4])[0] < 2e-3


def test_the_machines_cost_no_more_than_they_must(outputs, capsys):
    out = outputs("kernel_svm", capsys)
    pairs = re.findall(r"costs (\d+\.\d+), at least (\d+\.\d+)", out)
    assert len(pairs) == 4
    for primal, dual in pairs:
        assert float(primal) == pytest.approx(float(dual), rel=1e-3)


def test_more_bumps_err_less(outputs, capsys):
    rows = [numbers(line) for line in outputs("universal_approximation", capsys).splitlines()[1:]]
    for before, after in pairwise(rows):
        assert after[0] < before[0]
        assert after[1] < before[1]
    assert rows[-1][0] < 0.011


def test_two_units_find_the_two_directions(outputs, capsys):
    lines = outputs("two_stage", capsys).splitlines()
    errors = [numbers(line)[0] for line in lines[1:5]]
    assert errors[2] < 0.0115 < 0.05 < errors[1] < errors[0]


def test_the_network_knows_what_a_dog_gets(outputs, capsys):
    lines = outputs("dog_cat", capsys).splitlines()
    shares = {line.split()[0]: numbers(line) for line in lines[1:5]}
    best = [max(shares, key=lambda word, i=i: shares[word][i]) for i in (0, 1)]
    assert best == ["fed", "cleaned"]  # what three pets get, and what most things get
    assert shares["fed"][0] > 0.9
