"""The program as a process: signals, pipes, terminals, start-up."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.cli.exits import MEANINGS, Exit

PROGRAM = [sys.executable, "-m", "chainrule"]
LONG = ("--epochs", "150", "--hidden", "16", "--seed", "3")


def chainrule(*arguments, **options):
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, timeout=120, **options
    )


def test_the_entry_point_is_there():
    program = Path(sys.executable).with_name("chainrule")
    if not program.exists():
        pytest.skip("chainrule is not installed")
    assert subprocess.run([program, "--version"], capture_output=True).returncode == 0


@pytest.mark.parametrize("arguments", [("--help",), ("fit", "--help"), ("predict", "-h"), ()])
def test_help_is_quick_and_tells_the_exit_codes(arguments):
    took = []
    for _ in range(3):
        began = time.perf_counter()
        ended = chainrule(*arguments)
        took.append(time.perf_counter() - began)
        assert ended.returncode == 0
    assert "Usage" in ended.stdout
    text = re.sub(r"\s+", " ", ended.stdout)
    for code, meaning in MEANINGS.items():
        assert f"{code.value} {meaning}" in text
    assert min(took) < 0.6


def test_help_imports_no_numpy():
    program = (
        "import sys; from chainrule import cli; cli.run(['--help']); print('numpy' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stdout.splitlines()[-1] == "False"


def test_standard_input_is_a_source(tmp_path):
    rows = "x,y\n" + "".join(f"{i % 9},{'ab'[i % 2]}\n" for i in range(60))
    ended = chainrule(
        "fit", "-", "-t", "y", "--epochs", "2", "-q", "--out", "r", input=rows, cwd=tmp_path
    )
    assert (ended.returncode, ended.stdout) == (0, "r\n")
    ended = chainrule("predict", "r", "-", input="x\n3\n4\n", cwd=tmp_path)
    assert ended.stdout.count("\n") == 3


def test_output_to_a_file_has_no_control_codes(tmp_path):
    ended = chainrule("fit", "iris", "--epochs", "2", cwd=tmp_path)
    assert ended.returncode == 0
    assert ended.stderr == ""
    assert all(char == "\n" or char.isprintable() for char in ended.stdout)


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    assert chainrule("fit", "iris", "--epochs", "2", "--out", "r", cwd=tmp_path).returncode == 0
    (tmp_path / "many.csv").write_text(
        "sepal_length,sepal_width,petal_length,petal_width\n" + "5.1,3.5,1.4,0.2\n" * 20_000
    )
    process = subprocess.Popen(
        [*PROGRAM, "predict", "r", "many.csv"], cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) == Exit.BROKEN_PIPE
    process.stderr.close()


def interrupt(folder, cwd, arguments):
    """Start a run, wait for a checkpoint, press Ctrl-C; return the process and how long it took."""
    process = subprocess.Popen(
        [*PROGRAM, *arguments], cwd=cwd, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list((cwd / folder).glob("checkpoint/0*")):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    began = time.perf_counter()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err, time.perf_counter() - began


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_an_interrupted_run_goes_on_to_the_same_bytes(tmp_path):
    whole = chainrule("fit", "iris", *LONG, "--out", "whole", "-q", cwd=tmp_path)
    assert whole.returncode == 0
    code, out, err, took = interrupt("cut", tmp_path, ["fit", "iris", *LONG, "--out", "cut", "-q"])
    assert (code, out) == (Exit.INTERRUPTED, "")
    assert err == "chainrule: interrupted; go on with: chainrule fit --resume cut\n"
    assert took < 1.0
    assert sorted(p.name for p in (tmp_path / "cut").iterdir()) == ["checkpoint", "request.json"]
    refused = chainrule("predict", "cut", "x.csv", cwd=tmp_path)
    assert refused.returncode == Exit.DATA
    resumed = chainrule("fit", "--resume", "cut", "-q", cwd=tmp_path)
    assert (resumed.returncode, resumed.stdout) == (0, "cut\n")
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "cut").iterdir())
    for name in names:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
