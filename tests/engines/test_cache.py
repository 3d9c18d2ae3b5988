"""The cache of compiled modules: private, or unused."""

import os
import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import cache

TEXT = "def program():\n    return 42\n"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    for name in [name for name in sys.modules if name.startswith("chainrule_")]:
        del sys.modules[name]


def test_the_directory_is_private(home):
    folder = cache.directory()
    assert folder == home / "chainrule"
    assert folder.stat().st_mode & 0o777 == 0o700
    module = cache.module_of(TEXT)
    assert module.program() == 42
    assert os.path.dirname(module.__file__) == str(folder)
    assert not list(folder.glob("*.tmp"))


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o702])
def test_one_that_others_can_reach_is_not_used(home, mode):
    (home / "chainrule").mkdir(parents=True)
    (home / "chainrule").chmod(mode)
    assert cache.directory() is None
    assert cache.module_of(TEXT) is None
    assert not list((home / "chainrule").iterdir())


def test_nor_is_a_link_or_a_file(home, tmp_path):
    home.mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (home / "chainrule").symlink_to(tmp_path / "elsewhere")
    assert cache.directory() is None
    (home / "chainrule").unlink()
    (home / "chainrule").write_text("")
    assert cache.directory() is None


def test_nor_one_of_another_owner(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert cache.directory() is None


def test_a_file_that_was_changed_is_written_anew():
    first = cache.module_of(TEXT)
    path = first.__file__
    del sys.modules[first.__name__]
    with open(path, "w", encoding="utf-8") as file:
        file.write("raise SystemExit\n")
    assert cache.module_of(TEXT).program() == 42


def test_compiling_works_without_a_directory(home):
    pytest.importorskip("numba")
    home.mkdir()
    (home / "chainrule").write_text("")
    assert cr.compile(lambda x: x + 1.0, "numba")(np.zeros(2)).tolist() == [1.0, 1.0]


@pytest.mark.slow
def test_the_next_process_finds_it_compiled(home):
    pytest.importorskip("numba")
    program = (
        "import numpy as np, chainrule as cr\n"
        "fast = cr.compile(lambda x: np.sum(np.exp(x)), 'numba')\n"
        "fast(np.zeros(3))\n"
        "function = next(iter(fast._loaded.values()))\n"
        "print(sum(function.stats.cache_hits.values()))\n"
    )
    found = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert [run.stdout.strip() for run in found] == ["0", "1"]
