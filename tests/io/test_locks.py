"""One writer at a time, until it ends, however it ends."""

import os
import subprocess
import sys

import pytest

from chainrule.io import sole_writer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")

HOLDER = """
import sys
from chainrule.io import sole_writer
with sole_writer(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_refused_until_the_first_is_gone(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(BlockingIOError, match="another program") as refused, sole_writer(tmp_path):
        pass
    assert refused.value.filename == str(tmp_path)
    holder.kill()
    holder.communicate()
    with sole_writer(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_the_lock_ends_with_an_error_inside(tmp_path):
    with pytest.raises(ZeroDivisionError), sole_writer(tmp_path):
        1 / 0  # noqa: B018
    with sole_writer(tmp_path):
        pass


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError), sole_writer(tmp_path / "absent"):
        pass
