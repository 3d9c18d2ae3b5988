"""The training program of these tests, as a module and as a process."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(params=["eager", "numpy", "numba"])
def engine(request):
    """Return each engine in turn."""
    if request.param == "numba" and importlib.util.find_spec("numba") is None:
        pytest.skip("Numba is not installed")
    return request.param


@pytest.fixture
def start():
    """Return a function that starts the program and waits until it trains."""

    def started(folder, *options, **environment):
        program = Path(__file__).with_name("program.py")
        process = subprocess.Popen(
            [sys.executable, program, folder, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # reading "ready" must not take the next line along
            env=environment or None,
        )
        assert process.stdout.readline().startswith(b"ready"), process.stderr.read()
        return process

    return started
