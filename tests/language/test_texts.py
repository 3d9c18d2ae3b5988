"""What running text may be given as: one rule for all that learn from it."""

from pathlib import Path

import numpy as np
import pytest

from chainrule.errors import ArgumentError, DataError
from chainrule.language import LanguageModel, WordVectors

TEXTS = ["the cat sat", "the dog sat", "a cat ran"] * 5
KINDS = {
    "lm": lambda: LanguageModel(context=2, epochs=1, embedding_dim=4),
    "vectors": lambda: WordVectors(4, min_count=1, sample=0, epochs=1),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", ["texts.txt", b"texts.txt", 3, None])
def test_a_file_is_a_path_and_a_string_is_neither(kind, wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("texts.txt").write_text("\n".join(TEXTS))
    with pytest.raises(ArgumentError, match=r"pathlib\.Path of a file .* Path\(name\)"):
        KINDS[kind]().fit(wrong)
    assert KINDS[kind]().fit(Path("texts.txt")).vocabulary_.words
    with pytest.raises(DataError, match="absent"):
        KINDS[kind]().fit(Path("absent"))


def test_a_file_and_a_stream_are_transformed_like_a_list(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n\n".join(TEXTS))
    vectors = KINDS["vectors"]()
    expected = vectors.fit(TEXTS).transform(TEXTS)
    for given in (path, iter(TEXTS)):
        assert np.array_equal(vectors.fit_transform(given), expected)
    with pytest.raises(ArgumentError, match="texts are a list"):
        vectors.transform("the cat")
