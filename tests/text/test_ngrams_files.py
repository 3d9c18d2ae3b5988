"""ARPA files there and back, refused with their lines, and fuzzed; mixtures of two models."""

import gzip
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chainrule.errors import DataError, ShapeError
from chainrule.io import Limits
from chainrule.text import BOS, EOS, UNK
from chainrule.text.ngrams import SMOOTHINGS, NGramModel, mixture, mixture_weight

KENLM = Path(__file__).parent / "kenlm"
RHYME = [line.split() for line in (KENLM / "rhyme.txt").read_text("utf-8").splitlines()]
NOVEL = [line.split() for line in (KENLM / "novel.txt").read_text("utf-8").splitlines()]
SMALL = """\\data\\
ngram 1=4
ngram 2=2

\\1-grams:
-99\t<s>\t-0.3
-0.5\t</s>
-0.6\ta\t-0.1
-1\t<unk>

\\2-grams:
-0.1\t<s> a
-0.2\ta </s>

\\end\\
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.arpa"


def read(path, text):
    path.write_text(text, encoding="utf-8", newline="")
    return NGramModel.load_arpa(path)


@pytest.mark.parametrize("name", sorted(SMOOTHINGS))
@pytest.mark.parametrize("ending", ["arpa", "arpa.gz"])
def test_a_model_comes_back_from_its_file(tmp_path, name, ending):
    model = NGramModel(3, name).fit(RHYME)
    first, second = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    model.save_arpa(first)
    again = NGramModel.load_arpa(first)
    for sentence in [*RHYME, [], ["the", "never", "met", "rat"]]:
        assert again.score(sentence) == pytest.approx(model.score(sentence), rel=1e-7)
    again.save_arpa(second)
    assert first.read_bytes() == second.read_bytes()


def test_what_is_written_is_plain(path):
    model = read(path, SMALL)
    assert model.order == 2
    assert model.score(["a"]) == pytest.approx(-0.3)
    assert model.score(["b"]) == pytest.approx(-0.3 - 1 - 0.5)
    assert model.score(["a", "a"]) == pytest.approx(-0.1 - 0.1 - 0.6 - 0.2)
    model.save_arpa(path)
    assert path.read_text("utf-8") == SMALL


def test_an_unknown_word_costs_what_kenlm_says_where_the_file_has_none(path):
    model = read(path, SMALL.replace("-1\t<unk>\n", "").replace("1=4", "1=3"))
    assert model.score(["b"], bos=False, eos=False) == pytest.approx(-100)


def test_remarks_spaces_and_line_ends_are_allowed(path):
    text = "made by hand\n\n" + SMALL.replace("<s> a", "<s>  a ").replace("\n", "\r\n")
    assert read(path, text).score(["a"]) == pytest.approx(-0.3)


def test_words_may_be_of_any_script_and_hold_odd_spaces(path):
    text = [["naïve", "你好", "no\u00a0break", "line\u2028break", "\\end\\", "\\data\\", "-1"]]
    model = NGramModel(2).fit(text)
    model.save_arpa(path)
    assert NGramModel.load_arpa(path).score(text[0]) == pytest.approx(model.score(text[0]))


@pytest.mark.parametrize("word", ["", "two words", "tab\t", "line\n", "nul\0"])
def test_words_that_a_file_cannot_hold_are_refused(path, word):
    with pytest.raises(DataError, match="no ARPA file can"):
        NGramModel(2).fit([["a", word]]).save_arpa(path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("old", "new", "row", "message"),
    [
        ("\\data\\", "data", 15, "ends where"),
        ("ngram 2=2", "ngram 3=2", 3, "expected 'ngram 2=NUMBER'"),
        ("ngram 2=2", "ngram 2=-2", 3, "expected 'ngram 2=NUMBER'"),
        ("ngram 1=4\nngram 2=2\n", "", 2, "no numbers"),
        ("ngram 2=2", "ngram 2=3", 15, "there are to be 3 2-grams"),
        ("ngram 2=2", "ngram 2=1", 13, "expected \\end\\"),
        ("ngram 1=4", "ngram 1=5", 11, "there are to be 5 1-grams"),
        ("ngram 1=4", "ngram 1=3", 9, "expected \\2-grams:"),
        ("\\2-grams:", "\\3-grams:", 11, "expected \\2-grams:"),
        ("-0.5\t", "0.5\t", 7, "not above 0"),
        ("-0.5\t", "nan\t", 7, "expected a number"),
        ("-0.5\t", "-1_0\t", 7, "expected a number"),
        ("-0.5\t", "-١\t", 7, "expected a number"),
        ("-0.5\t", "-1e999\t", 7, "expected a number"),
        ("a\t-0.1", "a\tinf", 8, "expected a number"),
        ("a\t-0.1", "a b\t-0.1", 8, "1 words"),
        ("-0.1\t<s> a", "-0.1\t<s> a\t-1", 12, "highest order has a weight"),
        ("-0.2\ta </s>", "-0.2\ta b", 13, "'b' is not among"),
        ("-0.2\ta </s>", "-0.2\t<s> a", 13, "'<s> a' comes a second time"),
        ("<unk>", "a", 9, "'a' comes a second time"),
        ("<unk>", "<s>", 9, "'<s>' comes a second time"),
        ("<s>\t-0.3", "s\t-0.3", 9, "there is no <s>"),
        ("\\end\\", "\\end", 15, "expected \\end\\"),
        ("\\end\\\n", "", 14, "ends where"),
        ("\\end\\\n", "\\end\\\nmore\n", 16, "after \\end\\"),
    ],
)
def test_a_refused_file_says_where(path, old, new, row, message):
    assert SMALL.count(old) == 1
    with pytest.raises(DataError) as caught:
        read(path, SMALL.replace(old, new))
    assert caught.value.row == row
    assert caught.value.path == str(path)
    assert message in str(caught.value)


def test_a_history_must_be_listed(path):
    text = SMALL.replace("ngram 2=2", "ngram 2=2\nngram 3=1").replace(
        "\\end\\", "\\3-grams:\n-1\ta a a\n\n\\end\\"
    )
    with pytest.raises(DataError, match=r"row 17: its history 'a a' is not"):
        read(path, text)


def test_a_bomb_and_a_cut_off_file_are_refused(path):
    path.write_bytes(gzip.compress(b"#\n" * 10**7))
    with pytest.raises(DataError, match="archive bomb"):
        NGramModel.load_arpa(path)
    path.write_bytes(gzip.compress(SMALL.encode())[:-9])
    with pytest.raises(DataError, match="damaged gzip"):
        NGramModel.load_arpa(path)
    path.write_text(SMALL)
    with pytest.raises(DataError, match="larger than 50 bytes"):
        NGramModel.load_arpa(path, limits=Limits(size=50))


@settings(max_examples=300)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "fuzzed.arpa"
    model, content = None, bytearray(SMALL.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        part = data.draw(
            st.sampled_from([b"", b"\n", b"\t", b" ", b"\\", b"9", b"-", b"\xff", b"a"])
        )
        content[at : at + data.draw(st.integers(0, 3))] = part
        if not content:
            break
    path.write_bytes(bytes(content))
    with suppress(DataError):
        model = NGramModel.load_arpa(path)
    if model:
        assert np.isfinite(model.score(["a", "b"]))
        assert {BOS, EOS, UNK} <= set(model.vocabulary_.words)


# --- Mixtures ------------------------------------------------------------------------------------

chances = st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), min_size=1, max_size=20)


@given(chances)
@example([(1.0, 1.0), (1.0, 0.9921875)])
def test_no_other_weight_makes_the_text_more_probable(pairs):
    log_p, log_q = np.log(np.array(pairs)).T
    weight = mixture_weight(log_p, log_q)
    best = mixture(log_p, log_q, weight).sum()
    for other in np.linspace(0, 1, 21):
        assert mixture(log_p, log_q, other).sum() <= best + 1e-9


def test_a_mixture_is_no_worse_than_either_where_its_weight_was_found():
    own, other = NGramModel(3).fit(RHYME), NGramModel(3).fit(NOVEL)
    stream = [w for s in [*RHYME[:3], *NOVEL] for w in (BOS, *s, EOS)]
    log_p, log_q = (m.log_probs_ids(m.vocabulary_.ids(stream)) for m in (own, other))
    weight = mixture_weight(log_p, log_q)
    assert 0 < weight < 1
    assert mixture(log_p, log_q, weight).sum() > max(log_p.sum(), log_q.sum())


def test_a_model_that_finds_a_word_impossible_can_be_mixed():
    log_p, log_q = np.log([0.5, 1e-300]), np.log([0.1, 0.2])
    log_p[1] = -np.inf
    assert 0 < mixture_weight(log_p, log_q) < 1
    with pytest.raises(DataError, match="one of the models finds possible"):
        mixture_weight(log_p[1:], log_p[1:])
    with pytest.raises(DataError, match="one of the models"):
        mixture_weight(log_p[:0], log_p[:0])
    with pytest.raises(ShapeError, match="two lists"):
        mixture(log_p, log_q[:1], 0.5)
