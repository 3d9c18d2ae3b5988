"""What tests of readers share."""

import pytest


@pytest.fixture
def write(tmp_path):
    """Write a file and return its path."""

    def written(content, name="file.txt"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written
