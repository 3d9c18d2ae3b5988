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
def test_help_tells_the_exit_codes(arguments):
    ended = chainrule(*arguments)
    assert ended.returncode == 0
    assert "Usage" in ended.stdout
    text = re.sub(r"\s+", " ", ended.stdout)
    for code, meaning in MEANINGS.items():
        assert f"{code.value} {meaning}" in text


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["--version"], ["fit", "-z"]])
def test_what_needs_no_numbers_imports_no_numpy(arguments):
    program = """
import sys
from chainrule import cli
cli.run(sys.argv[1:])
print("numpy" in sys.modules)
"""
    command = [sys.executable, "-c", program, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True)
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


def unread(*arguments, folder):
    """Run a command whose reader has gone away."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*PROGRAM, *arguments], stdout=writing, stderr=subprocess.PIPE, cwd=folder
    )
    os.close(writing)
    return ended.returncode, ended.stderr


def test_a_reader_that_goes_away_stops_a_run_before_it_begins(tmp_path):
    assert unread("fit", "iris", folder=tmp_path) == (Exit.BROKEN_PIPE, b"")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    assert chainrule("fit", "iris", "--epochs", "2", "--out", "r", cwd=tmp_path).returncode == 0
    assert unread("draw", "r", folder=tmp_path) == (Exit.BROKEN_PIPE, b"")
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


@pytest.mark.skipif(os.name == "nt", reason="closes a descriptor with a shell")
@pytest.mark.parametrize(
    ("closed", "code", "err"),
    [("1>&-", Exit.SYSTEM, "chainrule: the standard output is closed\n"), ("2>&-", Exit.DATA, "")],
)
def test_a_closed_stream_is_no_bug(tmp_path, closed, code, err):
    command = f'"{sys.executable}" -m chainrule fit absent.csv --target x {closed}'
    ended = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (code, err)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_the_output(tmp_path):
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path
        )
    assert ended.returncode == Exit.SYSTEM
    assert ended.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_full_disk_leaves_a_run_that_goes_on(tmp_path):
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, resource.RLIM_INFINITY))

    options = ("fit", "iris", "--epochs", "2", "--hidden", "999", "-q", "--out", "r")
    ended = chainrule(*options, cwd=tmp_path, preexec_fn=limit)
    assert ended.returncode == Exit.SYSTEM
    assert ended.stderr.startswith("chainrule: cannot write r/")
    assert not [path for path in (tmp_path / "r").rglob("*") if path.name.startswith(".")]
    assert chainrule("fit", "--resume", "r", "-q", cwd=tmp_path).returncode == 0


def interrupt(folder, cwd, arguments):
    """Start a run, wait for a checkpoint, press Ctrl-C; return how the program ended."""
    process = subprocess.Popen(
        [*PROGRAM, *arguments], cwd=cwd, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not list((cwd / folder).glob("checkpoint/0*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_an_interrupted_run_goes_on_to_the_same_bytes(tmp_path):
    whole = chainrule("fit", "iris", *LONG, "--out", "whole", "-q", cwd=tmp_path)
    assert whole.returncode == 0
    code, out, err = interrupt("cut", tmp_path, ["fit", "iris", *LONG, "--out", "cut", "-q"])
    assert (code, out) == (Exit.INTERRUPTED, "")
    assert err == "chainrule: interrupted; go on with: chainrule fit --resume cut\n"
    assert sorted(p.name for p in (tmp_path / "cut").iterdir()) == [
        "checkpoint", "health.csv", "request.json",
    ]  # fmt: skip
    refused = chainrule("predict", "cut", "x.csv", cwd=tmp_path)
    assert refused.returncode == Exit.DATA
    resumed = chainrule("fit", "--resume", "cut", "-q", cwd=tmp_path)
    assert (resumed.returncode, resumed.stdout) == (0, "cut\n")
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "cut").iterdir())
    for name in names:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
