"""What all tests share: the folder of real data sets, when there is one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

import chainrule.nn  # noqa: F401  (its ops join the registry before the tests of ops are collected)

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

settings.register_profile("chainrule", max_examples=200, deadline=None, derandomize=True)
settings.load_profile("chainrule")


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Return the path of a shared data file, or skip the test where it is missing."""

    def find(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"the shared data set {name} is not beside the project")
        return path

    return find


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a file, of text or bytes, and returns its path."""

    def written(content: str | bytes, name: str = "file.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written
