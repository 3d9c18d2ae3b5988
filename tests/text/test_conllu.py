"""Treebanks in CoNLL-U."""

import pytest

from chainrule.errors import ArgumentError, DataError
from chainrule.text import Sentence, read_conllu


def line(number, form, tag="NOUN"):
    return "\t".join([str(number), form, form.lower(), tag, "X", "_", "0", "root", "_", "_"])


SAMPLE = "\n".join(
    [
        "# newdoc id = a",
        "# text = vámonos al mar",
        line("1-2", "vámonos", "_"),
        line(1, "vamos", "VERB"),
        line(2, "nos", "PRON"),
        line("2.1", "ghost", "VERB"),
        line(3, "al mar"),
        "",
        "# newdoc",
        line(1, "Fin"),
    ]
)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_words_alone_are_read(write, end):
    assert read_conllu(write(SAMPLE.replace("\n", end))) == [
        Sentence(["vamos", "nos", "al mar"], ["VERB", "PRON", "NOUN"], 3, 0),
        Sentence(["Fin"], ["NOUN"], 10, 1),
    ]


def test_other_columns(write):
    path = write(SAMPLE)
    assert read_conllu(path, "XPOS")[0].tags == ["X"] * 3
    assert read_conllu(path, "LEMMA")[0].tags == ["vamos", "nos", "al mar"]
    with pytest.raises(ArgumentError, match="column must be one of 'FORM'"):
        read_conllu(path, "upos")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "there is no word"),
        ("# text = a\n\n", "there is no word"),
        ("1\ta\tb\n", "row 1: 3 columns between tabs, where CoNLL-U has 10"),
        (line(1, "a") + "\n" + line(3, "b"), "row 2: the ID '3' where word 2"),
        (line("x", "a"), "row 1: the ID 'x' where word 1"),
        (line("1-x", "a"), "row 1: the ID '1-x'"),
        (line(1, ""), "row 1: the column FORM is empty"),
        (line(1, "a", ""), "row 1: the column UPOS is empty"),
        (b"\xff", r"byte 0 \(0xff\)"),
    ],
)
def test_refusals(write, content, message):
    with pytest.raises(DataError, match=message):
        read_conllu(write(content))


@pytest.mark.parametrize(
    ("name", "sentences", "words", "tags"),
    [
        ("ud-english-ewt/en_ewt-ud-train", 12_544, 204_577, 17),
        ("ud-english-ewt/en_ewt-ud-dev", 2001, 25_147, 17),
        ("ud-english-ewt/en_ewt-ud-test", 2077, 25_094, 17),
        ("ud-afrikaans-afribooms/af_afribooms-ud-train", 1315, 33_878, 16),
        ("ud-afrikaans-afribooms/af_afribooms-ud-dev", 194, 5317, 16),
        ("ud-afrikaans-afribooms/af_afribooms-ud-test", 425, 10_063, 16),
    ],
)
def test_counts(shared_data, name, sentences, words, tags):
    found = read_conllu(shared_data(f"{name}.conllu.gz"))
    assert len(found) == sentences
    assert sum(len(sentence.tokens) for sentence in found) == words
    assert len({tag for sentence in found for tag in sentence.tags}) == tags


def test_handmade_file(shared_data):
    found = read_conllu(shared_data("odd-files/handmade/conll/multiword_and_empty_nodes.conllu"))
    assert [sentence.tokens for sentence in found] == [["vamos", "nos", "a", "el", "mar"]]
    assert found[0].tags == ["VERB", "PRON", "ADP", "DET", "NOUN"]
