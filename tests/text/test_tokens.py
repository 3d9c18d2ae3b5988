"""Tokenisers: where tokens begin and end, in many scripts and in bounded time."""

import copy
import json
import pickle
import re
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import ArgumentError, FileFormatError, MissingExtraError
from chainrule.text import (
    BPETokenizer,
    CharacterTokenizer,
    RegexTokenizer,
    WhitespaceTokenizer,
    WordTokenizer,
    tokenizer_for,
    tokenizer_from_dict,
)
from chainrule.text.words import split_words

texts = st.text(st.characters(exclude_categories=["Cs"]))
LINES = ["the cat sat on the mat", "the cats sat, naïvely", "que no 你好"] * 5


class TestWords:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Don't panic!", "Do n't panic !"),
            ("She'll say it’s James' or O'Neil's.", "She 'll say it ’s James ' or O'Neil 's ."),
            ("CAN'T I'd we've they're I'm", "CA N'T I 'd we 've they 're I 'm"),
            ("it 's what they do n't", "it 's what they do n't"),
            ("well-made rock'n'roll -- so...", "well-made rock'n'roll -- so ..."),
            ("$9.50, 1,000 at 12:30 on 1/2/2020.", "$ 9.50 , 1,000 at 12:30 on 1/2/2020 ."),
            ("the U.S. (e.g. U.S.A.) etc.", "the U.S. ( e.g. U.S.A. ) etc ."),
            (
                "at https://a.org/b?c=d#e, www.x.com!",
                "at https://a.org/b?c=d#e , www.x.com !",
            ),
            ("mail a.b+c@d.co.uk.", "mail a.b+c@d.co.uk ."),
            ("@ada likes #maths, not C#", "@ada likes #maths , not C #"),
            (":-) :( ;D <3 a:b", ":-) :( ;D <3 a : b"),
            ("wow!!! ?!", "wow ! ! ! ? !"),
            ("_em_ a_b", "_ em _ a _ b"),
            ("नमस्ते दुनिया", "नमस्ते दुनिया"),
            ("می‌خواهم مرحبا", "می‌خواهم مرحبا"),
            ("你好。北京", "你 好 。 北 京"),
            ("한국어 Привет!", "한국어 Привет !"),
            ("e\u0301te\u0301 \u00e9t\u00e9", "e\u0301te\u0301 \u00e9t\u00e9"),
            ("👩‍💻 👍🏽 🇩🇪🇫🇷 ❤️!", "👩‍💻 👍🏽 🇩🇪 🇫🇷 ❤️ !"),
            ("a\u00a0b\u2028c\x85d", "a b c d"),
            ("", ""),
        ],
    )
    def test_where_they_end(self, text, expected):
        assert split_words(text) == expected.split(" ") * bool(expected)

    @given(texts | st.text("ab.'-:/@#1 n't\u00e9你😀"))
    def test_nothing_is_lost(self, text):
        assert "".join(split_words(text)) == re.sub(r"\s", "", text)

    @given(st.text(st.characters(max_codepoint=127)))
    def test_small_and_large_expressions_agree(self, text):
        for beside in ("é", "😀"):
            assert split_words(f"{text} {beside}") == [*split_words(f"{text} "), beside]

    @pytest.mark.parametrize(
        "unit",
        [
            "a",
            "a-",
            "a.",
            "@",
            "a@",
            "www.",
            "1,",
            "'",
            "n't",
            "\u0301",
            "😀\u200d",
            ":-",
            "é-",
            "_",
        ],
    )
    def test_time_is_linear(self, unit):
        start = time.process_time()
        split_words(unit * 200_000)
        assert time.process_time() - start < 2


class TestOthers:
    def test_whitespace(self):
        assert WhitespaceTokenizer()(" a  b\tc\n") == ["a", "b", "c"]
        assert WhitespaceTokenizer()("é\u00a0a \u2028b\x0cc") == ["é\u00a0a", "\u2028b", "c"]

    @given(st.text(st.characters(max_codepoint=127)))
    def test_whitespace_is_that_of_ascii(self, text):
        assert WhitespaceTokenizer()(text) == WhitespaceTokenizer()(f"{text} é")[:-1]

    def test_characters(self):
        assert CharacterTokenizer(lowercase=True)("Ab é") == ["a", "b", " ", "é"]

    def test_regular_expressions(self):
        assert RegexTokenizer(r"[a-z]+|\d", lowercase=True)("Ab 12") == ["ab", "1", "2"]
        assert RegexTokenizer("x*")("axxb") == ["xx"]

    @pytest.mark.parametrize(
        ("pattern", "message"),
        [
            ("(", r"'\(' is no regular expression: missing \).*position 0"),
            ("(a)b", r"capturing group; write \(\?:\.\.\.\)"),
            ("", "1 to 10,000 characters"),
            ("a" * 10_001, "1 to 10,000 characters"),
            (None, "1 to 10,000 characters"),
            ("a{99999999999999999999}", "no regular expression"),
        ],
    )
    def test_patterns_that_are_none(self, pattern, message):
        with pytest.raises(ArgumentError, match=message):
            RegexTokenizer(pattern)


class TestByName:
    def test_names_and_objects(self):
        assert tokenizer_for("word") == WordTokenizer()
        assert tokenizer_for("whitespace") == WhitespaceTokenizer()
        assert tokenizer_for("character") == CharacterTokenizer()
        mine = RegexTokenizer("a", lowercase=True)
        assert tokenizer_for(mine) is mine

    @pytest.mark.parametrize("bad", ["words", None, 3, str.split, WordTokenizer])
    def test_others(self, bad):
        with pytest.raises(ArgumentError, match="a tokeniser is one of 'word', 'whitespace'"):
            tokenizer_for(bad)

    @pytest.mark.parametrize(
        "tokenizer",
        [
            WordTokenizer(),
            WordTokenizer(lowercase=True),
            WhitespaceTokenizer(),
            CharacterTokenizer(True),
            RegexTokenizer(r"\w+", lowercase=True),
        ],
    )
    def test_described_and_made_again(self, tokenizer):
        again = tokenizer_from_dict(json.loads(json.dumps(tokenizer.to_dict())))
        assert again == tokenizer == pickle.loads(pickle.dumps(tokenizer))
        assert copy.deepcopy(tokenizer) == tokenizer
        assert repr(again) == repr(tokenizer)
        assert again("So, SO it goes") == tokenizer("So, SO it goes")
        assert tokenizer != tokenizer_for("word") or tokenizer == WordTokenizer()

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"kind": "os.system"},
            {"kind": ["word"]},
            {"kind": "word", "size": 3},
            {"kind": "word", "lowercase": "yes"},
            {"kind": "regex"},
            {"kind": "regex", "pattern": "("},
            {"kind": "bpe", "document": "{}"},
            {"kind": "bpe", "document": 3},
            {1: 2, "kind": "word"},
        ],
    )
    def test_descriptions_of_none(self, document):
        with pytest.raises(ArgumentError):
            tokenizer_from_dict(document)


@pytest.fixture(scope="module")
def trained():
    pytest.importorskip("tokenizers")
    return BPETokenizer.train(iter(LINES), 300)


class TestBPE:
    def test_tokens_are_parts_of_words(self, trained):
        assert trained("the cat") == ["the", "Ġcat"]
        assert len(trained.words) == len(set(trained.words)) <= 300
        assert set(trained("the cats sat on it")) <= set(trained.words)

    @given(text=texts)
    def test_every_text_has_its_tokens(self, trained, text):
        assert trained.decode(trained(text)) == text

    def test_the_same_texts_give_the_same_tokens(self, trained):
        assert BPETokenizer.train(LINES, 300).to_dict() == trained.to_dict()

    def test_lower_case(self):
        pytest.importorskip("tokenizers")
        assert BPETokenizer.train(LINES, 300, lowercase=True)("THE cat") == ["the", "Ġcat"]

    def test_saved_and_loaded(self, trained, tmp_path):
        path = tmp_path / "tokenizer.json"
        trained.save(path)
        made = tokenizer_from_dict(trained.to_dict())
        for again in (BPETokenizer.load(path), made, copy.deepcopy(trained)):
            assert again("the naïve cats") == trained("the naïve cats")
        assert tokenizer_for(trained) is trained
        assert json.loads(path.read_text("utf-8"))["model"]["type"] == "BPE"

    @pytest.mark.parametrize("content", [b"", b"{}", b"[1", b"\xff", b'{"model": {"type": "x"}}'])
    def test_files_that_are_none(self, write, content):
        pytest.importorskip("tokenizers")
        path = write(content)
        with pytest.raises(FileFormatError, match=re.escape(str(path))):
            BPETokenizer.load(path)

    def test_a_file_that_is_too_large(self, write, monkeypatch):
        monkeypatch.setattr("chainrule.text.bpe._MAX_BYTES", 10)
        with pytest.raises(FileFormatError, match="more than 10 bytes"):
            BPETokenizer.load(write("{" + " " * 10 + "}"))

    @pytest.mark.parametrize("options", [{"size": 255}, {"size": 300, "min_count": 0}])
    def test_arguments(self, options):
        with pytest.raises(ArgumentError):
            BPETokenizer.train(LINES, **options)

    def test_without_the_library(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "tokenizers", None)
        with pytest.raises(MissingExtraError, match=r"chainrule\[text\]"):
            BPETokenizer.train(LINES, 300)
