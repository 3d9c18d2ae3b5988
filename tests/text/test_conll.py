"""Sentences in columns: read rightly, or refused with the line."""

import pytest

from chainrule.errors import ArgumentError, DataError
from chainrule.io import Limits
from chainrule.text import Sentence, entities, read_conll

TWO = "Ada\tB-PER\nsings\tO\n\nParis\tB-LOC\n"


def tokens(found):
    return [sentence.tokens for sentence in found]


class TestForms:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("mark", ["\t", " ", "   "])
    @pytest.mark.parametrize("last", [True, False])
    def test_line_ends_and_separators(self, write, end, mark, last):
        text = TWO if last else TWO[:-1]
        found = read_conll(write(text.replace("\n", end).replace("\t", mark)))
        assert found == [
            Sentence(["Ada", "sings"], ["B-PER", "O"], 1, 0),
            Sentence(["Paris"], ["B-LOC"], 4, 0),
        ]

    def test_columns_are_chosen(self, write):
        path = write("1 Ada NNP B-PER\n2 sings VBZ O\n")
        assert read_conll(path, 1, 2) == [Sentence(["Ada", "sings"], ["NNP", "VBZ"], 1)]
        assert read_conll(path, -3, -1)[0].tags == ["B-PER", "O"]
        assert read_conll(path, 1, None)[0] == Sentence(["Ada", "sings"], [], 1)

    def test_tokens_alone(self, write):
        found = read_conll(write("Ada\nsings\n\nwell\n"), tag=None)
        assert tokens(found) == [["Ada", "sings"], ["well"]]

    def test_tokens_between_tabs_may_hold_spaces(self, write):
        assert read_conll(write("New Berlin\tLOC\n 10\u00a0000 \tO\n"))[0].tokens == [
            "New Berlin",
            "10\u00a0000",
        ]

    def test_comments_and_number_signs(self, write):
        text = "# id = 1\n#\n# a\n#\tO\n#ada\tB-PER\n# \tO\n\n# only a comment\n\nb\tO\n"
        assert tokens(read_conll(write(text))) == [["#", "#ada", "#"], ["b"]]
        spaced = "# sent_id = 1\na B\n# O\n#x O\n"
        assert tokens(read_conll(write(spaced))) == [["a", "#", "#x"]]

    def test_documents(self, write):
        text = "-DOCSTART- -X- O\n\na x O\n\nb x O\n-DOCSTART- -X- O\nc x O\n"
        assert [(s.tokens, s.document) for s in read_conll(write(text))] == [
            (["a"], 0),
            (["b"], 0),
            (["c"], 1),
        ]
        assert [s.document for s in read_conll(write("a O\n-DOCSTART-\n\nb O\n"))] == [0, 1]

    def test_tags_are_checked_and_converted(self, write):
        path = write("New I-LOC\nYork I-LOC\nParis B-LOC\n")
        assert read_conll(path, source="IOB1")[0].tags == ["I-LOC", "I-LOC", "B-LOC"]
        assert read_conll(path, source="IOB1", target="BIOES")[0].tags == [
            "B-LOC",
            "E-LOC",
            "S-LOC",
        ]

    def test_lines_that_are_no_part_of_it(self, write):
        assert read_conll(write("WORD\tTAG\na\tO\n"), skip_rows=1)[0].tokens == ["a"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "options", "message"),
        [
            ("", {}, "there is no token"),
            ("\n \n\t\n", {}, "there is no token"),
            ("# only a comment\n", {}, "there is no token"),
            ("a\tO\nb\n", {}, r"row 2: 1 column where row 1 has 2; .* separator=\" \""),
            ("a\tO\nb\tO\tx\n", {}, "row 2: 3 columns where row 1 has 2"),
            ("a O\nb\n", {}, r"row 2: 1 column where row 1 has 2$"),
            ("a\n", {}, "row 1: 1 column: no tag beside the token; .* tag=None"),
            ("a\tO\n", {"token": 2}, "row 1: 2 columns: there is no column 2 for the token"),
            ("a\tO\n", {"tag": 5}, "row 1: 2 columns: there is no column 5 for the tag"),
            ("a\tO\nb\t\n", {}, "row 2: the tag is empty"),
            ("a\tO\n\nb\tO\nc\tI-X\n", {"source": "IOB2"}, "row 3: the .* here, token 2: .*'I-X'"),
            (b"a\tO\n\xe4\tO\n", {}, r"byte 4 \(0xe4\) is not utf-8"),
            ("a\tO\nb\0\tO\n", {}, "row 2: holds a NUL"),
            ("a\tO\n" + "b" * 99, {"limits": Limits(line=50)}, "row 2: .* more than 50"),
            ("a\tO\n" * 99, {"limits": Limits(size=50)}, "larger than 50 bytes"),
            ("a\tO\n", {"encoding": "none such"}, "no text encoding"),
        ],
    )  # fmt: skip
    def test_one_clear_line(self, write, content, options, message):
        path = write(content)
        with pytest.raises(DataError, match=message) as caught:
            read_conll(path, **options)
        assert caught.value.path == str(path)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "options",
        [
            {"token": 1.0},
            {"tag": "tag"},
            {"separator": ","},
            {"source": "BIO"},
            {"target": "IOB2"},
            {"source": "IOB1", "target": 3},
            {"skip_rows": -1},
        ],
    )
    def test_arguments(self, write, options):
        with pytest.raises(ArgumentError, match="read_conll"):
            read_conll(write(TWO), **options)


CHINESE = {"token": 1, "tag": 2}
REAL = [
    ("btc-ner/btc.train.conll.gz", {}, 6338, 99_933, {"PER": 4084, "ORG": 2665, "LOC": 2030}),
    ("btc-ner/btc.dev.conll.gz", {}, 1001, 15_027, {"PER": 1194, "ORG": 380, "LOC": 156}),
    ("btc-ner/btc.test.conll.gz", {}, 2001, 35_428, {"PER": 2650, "ORG": 1090, "LOC": 636}),
    ("wnut17/wnut17train.conll.gz", {}, 3394, 62_730, 1975),
    ("wnut17/emerging.dev.conll", {}, 1009, 15_733, 836),
    ("wnut17/emerging.test.annotated", {}, 1287, 23_394, 1079),
    ("uner-chinese-gsdsimp/zh_gsdsimp-ud-train.iob2.gz", CHINESE, 3997, 98_616, 6118),
    ("uner-chinese-gsdsimp/zh_gsdsimp-ud-dev.iob2.gz", CHINESE, 500, 12_663, 753),
    ("uner-chinese-gsdsimp/zh_gsdsimp-ud-test.iob2.gz", CHINESE, 500, 12_012, 763),
]  # fmt: skip


class TestRealFiles:
    @pytest.mark.parametrize(("name", "options", "sentences", "words", "counts"), REAL)
    def test_counts(self, shared_data, name, options, sentences, words, counts):
        found = read_conll(shared_data(name), **options, source="IOB2")
        assert len(found) == sentences
        assert sum(len(sentence.tokens) for sentence in found) == words
        types = [e.type for sentence in found for e in entities(sentence.tags)]
        if isinstance(counts, int):
            assert len(types) == counts
        else:
            assert {kind: types.count(kind) for kind in sorted(set(types))} == counts

    def test_wikigold(self, shared_data):
        found = read_conll(shared_data("wikigold/wikigold.conll.txt.gz"), source="IOB1")
        assert len(found) == 1696
        assert found[-1].document + 1 == 145
        tags = [tag for sentence in found for tag in sentence.tags]
        assert len(tags) == 39_007
        counts = {"I-ORG": 1958, "I-PER": 1634, "I-LOC": 1447, "I-MISC": 1392}
        assert {tag: tags.count(tag) for tag in counts} == counts

    def test_dirt(self, shared_data):
        found = read_conll(shared_data("btc-ner/btc.test.conll.gz"))
        assert sum(token == "" for sentence in found for token in sentence.tokens) == 3
        dev = read_conll(shared_data("wnut17/emerging.dev.conll"))
        assert any("\ufeff" in token for sentence in dev for token in sentence.tokens)


HANDMADE = [
    ("bilou", {"source": "BILOU", "target": "IOB2"}, [["B-LOC", "I-LOC", "O", "B-LOC"]]),
    ("bioes", {"source": "BIOES", "target": "raw"}, [["LOC", "LOC", "O", "LOC"], ["PER"] * 3]),
    ("blank_lines_with_spaces", {}, [["B-PER"], ["B-LOC"], ["B-LOC"]]),
    ("bom_first_token", {}, [["B-PER", "O"]]),
    ("crlf", {}, [["B-PER", "I-PER", "O", "O"], ["B-LOC"]]),
    ("docstart", {}, [["B-PER", "O"], ["B-LOC"]]),
    ("empty", {}, "there is no token"),
    ("empty_token", {}, [["B-PER", "O", "O"]]),
    ("extra_columns_on_one_line", {}, "row 2: 4 columns where row 1 has 2"),
    ("hash_token_and_comment", {}, [["O"] * 4, ["O", "B-PER"]]),
    ("inside_without_begin", {"source": "IOB2"}, "row 1: .* token 2: the tag 'I-LOC'"),
    ("inside_without_begin", {"source": "IOB1", "target": "IOB2"},
     [["O", "B-LOC", "B-ORG", "O"], ["B-LOC"]]),
    ("iob1", {"source": "IOB1", "target": "IOB2"}, [["B-LOC", "I-LOC", "B-LOC", "O", "B-PER"]]),
    ("latin1", {}, r"byte 1 \(0xfc\)"),
    ("latin1", {"encoding": "latin-1"}, [["B-LOC", "B-PER"]]),
    ("many_blank_lines", {}, [["B-PER"], ["B-LOC"]]),
    ("missing_tag_on_one_line", {}, "row 2: 1 column where row 1 has 2"),
    ("mixed_tab_and_space", {}, "row 2: 1 column where row 1 has 2; .* separator"),
    ("mixed_tab_and_space", {"separator": " "}, [["B-PER", "I-PER", "O"], ["B-LOC"]]),
    ("no_final_newline", {}, [["B-PER", "O"]]),
    ("nul_byte", {}, "row 2: holds a NUL"),
    ("only_blank_lines", {}, "there is no token"),
    ("spaces_as_separator", {}, [["B-PER", "I-PER", "O"], ["B-LOC"]]),
    ("tag_case_and_spaces", {}, [["b-per", "I-PER", "B-Loc"]]),
    ("tag_case_and_spaces", {"source": "IOB2"}, "token 1: the tag 'b-per'"),
    ("type_with_hyphen", {"source": "IOB2", "target": "raw"},
     [["creative-work", "creative-work", "O", "person"]]),
    ("unicode_spaces_in_tokens", {}, [["O", "B-LOC", "O", "O", "O"]]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "expected"), HANDMADE)
def test_handmade_files(shared_data, name, options, expected):
    path = shared_data(f"odd-files/handmade/conll/{name}.conll")
    if isinstance(expected, str):
        with pytest.raises(DataError, match=expected):
            read_conll(path, **options)
    else:
        assert [sentence.tags for sentence in read_conll(path, **options)] == expected


def test_tokens_of_handmade_files(shared_data):
    folder = shared_data("odd-files/handmade/conll")
    assert read_conll(folder / "bom_first_token.conll")[0].tokens[0] == "Ada"
    assert read_conll(folder / "empty_token.conll")[0].tokens == ["Ada", "", "wrote"]
    assert read_conll(folder / "unicode_spaces_in_tokens.conll")[0].tokens == [
        "10\u00a0000", "New\u2003York", "line\u2028sep", "next\u0085line", "zero\u200bwidth",
    ]  # fmt: skip
    assert read_conll(folder / "unicode_tokens.conll")[0].tokens[:2] == ["e\u0301té", "été"]
    assert len(read_conll(folder / "very_long_sentence.conll")[0].tokens) == 5000


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("column_with_header_and_spaces_in_token", {"skip_rows": 1},
         [(["This", "is", "New Berlin"], ["O", "O", "LOC"])]),
        ("column_with_whitespaces", {"tag": 1}, None),
        ("docstart_spans", {"source": "raw"}, None),
        ("document_boundaries", {"source": "IOB2"}, None),
        ("four_columns", {}, None),
        ("trivial_bio", {"source": "IOB2"}, None),
        ("untyped_spans", {}, None),
    ],
)  # fmt: skip
def test_flair_files(shared_data, name, options, expected):
    found = read_conll(shared_data(f"odd-files/flair/{name}.txt"), **options)
    assert all(len(sentence.tokens) == len(sentence.tags) for sentence in found)
    if expected:
        assert [(sentence.tokens, sentence.tags) for sentence in found] == expected
