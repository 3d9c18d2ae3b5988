"""The benchmarks run, leave out what is not installed, and stop where numbers differ."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"

SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
from runner import Workload, main

def ours():
    return lambda: [1.0, 2.0]

def missing():
    import no_such_package

def other():
    return lambda: [1.0, {number}]

main(__file__, [Workload("two numbers", dict(chainrule=ours, gone=missing, other=other))])
"""


def run(script: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), "--rounds", "1", *options]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_eager_benchmark() -> None:
    done = run(FOLDER / "eager.py", "--block", "0.001")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("/ chainrule") == 2


def test_the_benchmark_of_imports() -> None:
    done = run(FOLDER / "imports.py")
    assert "import chainrule is" in done.stdout, done.stderr


@pytest.mark.parametrize(("number", "agrees"), [(2.0, True), (2.000001, False)])
def test_only_equal_work_is_timed(tmp_path: Path, number: float, agrees: bool) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(folder=str(FOLDER), number=number), encoding="utf-8")
    done = run(script, "--block", "0.001")
    assert "gone is left out" in done.stdout
    assert (done.returncode == 0) is agrees
    assert ("other is 5.0e-07 away from chainrule's numbers" in done.stderr) is not agrees
