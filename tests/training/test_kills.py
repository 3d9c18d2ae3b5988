"""Runs that are killed or interrupted end, when resumed, in the bytes of one never stopped."""

import os
import signal
import subprocess
import time

import numpy as np
import pytest
from program import digest, train

from chainrule.io import load_tensors
from chainrule.training.checkpoint import latest


@pytest.fixture(params=["eager", "numpy"])
def engine(request):
    return request.param


@pytest.fixture
def expected(engine):
    return digest(train(engine=engine)[0])


def close(process):
    process.stdout.close()
    process.stderr.close()


def kills_of_one_run(folder, start, engine, expected, rng, at_most):
    """Kill a training at random moments and resume it, until it ends; return how often."""
    for kills in range(at_most + 1):
        process = start(folder, engine, "resume")
        try:
            timeout = rng.uniform(0, 0.25) if kills < at_most else None
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            close(process)
        else:
            assert (process.returncode, errors) == (0, b"")
            assert output == f"{expected}\n".encode()
            assert len(os.listdir(folder)) == 1
            return kills
        path = latest(folder)
        if path is not None:
            for name in ("model.safetensors", "state.safetensors"):
                load_tensors(path / name)
    pytest.fail("the training was never let to end")


def kill(folder, start, engine, expected, wanted):
    rng = np.random.default_rng(wanted)
    kills = run = 0
    while kills < wanted:
        run += 1
        kills += kills_of_one_run(folder / str(run), start, engine, expected, rng, wanted - kills)


def test_ten_kills(tmp_path, start, engine, expected):
    kill(tmp_path, start, engine, expected, 10)


@pytest.mark.slow
def test_two_hundred_kills(tmp_path, start, engine, expected):
    kill(tmp_path, start, engine, expected, 200)


def test_ctrl_c(tmp_path, start, engine, expected):
    for delay in (0.0, 0.15, 0.4):
        process = start(tmp_path, engine, "resume")
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=120)  # it must not hang
        assert (process.returncode, output) == (130, b"")
        errors = errors.decode()
        assert "interrupted in epoch" in errors
        assert f"resume=True with the checkpoint in {tmp_path}" in errors
        assert "Traceback" not in errors
        assert len(os.listdir(tmp_path)) == 1
    process = start(tmp_path, engine, "resume")
    assert process.communicate() == (f"{expected}\n".encode(), b"")


def run_with_hash_seeds(start, engine, seeds):
    found = set()
    for seed in seeds:
        process = start("", engine, PYTHONHASHSEED=str(seed), PATH=os.environ["PATH"])
        output, errors = process.communicate()
        assert errors == b""
        found.add(output.decode().strip())
    return found


def test_fresh_processes_agree(start, engine, expected):
    assert run_with_hash_seeds(start, engine, [0, 1, 12345]) == {expected}


@pytest.mark.slow
def test_twenty_fresh_processes_agree(start, engine, expected):
    assert run_with_hash_seeds(start, engine, range(20)) == {expected}
