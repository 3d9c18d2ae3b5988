"""Files that were damaged: each reader reads them or says where they are wrong, in little time."""

import gzip
import lzma
import sys
import time
from functools import partial

import numpy as np
import pytest

from chainrule.data import read_table
from chainrule.errors import DataError, FileFormatError
from chainrule.text import (
    BPETokenizer,
    MappedVectors,
    load_vectors,
    read_conll,
    read_conllu,
    read_labelled,
    read_scores,
    read_texts,
    read_words,
)

CONLL = b"\xef\xbb\xbf# id = 1\nAda\tNNP\tB-PER\nsings\tVBZ\tO\n\n-DOCSTART-\tX\tO\n\n" + (
    b"New\tNNP\tB-LOC\nYork\tNNP\tI-LOC\n#\tSYM\tO\nn\xc3\xa9\tX\tO\n\n" * 4
)
CONLLU = b"".join(
    b"# text = a b\n1-2\tab" + b"\t_" * 8 + b"\n"
    b"1\ta\ta\tDET" + b"\t_" * 6 + b"\n2\t\xe4\xbd\xa0\tb\tNOUN" + b"\t_" * 6 + b"\n2.1\tc"
    b"" + b"\t_" * 8 + b"\n\n"
    for _ in range(4)
)  # fmt: skip
VEC = b"3 4\nking 1 0 0.5 -1e-3\nqu\xc3\xa9en 0 1 .5 2\nman 0 0 1 0\n"
BIN = b"3 2\n" + b"".join(b"w%d " % i + np.float32([i, -2]).tobytes() + b"\n" for i in range(3))
LABELLED = b"__label__a a fine film\n__label__b __label__c d\xc3\xbcll\n__label__a so so\n" * 3
SCORES = b"fed up\t-3\ngood\t2.5\t[1, 2]\n\nna\xc3\xafve\t-1e0\n" * 3
WORDS = b"; praise\n\ngood\nwell made\nna\xc3\xafve\n" * 3
JSONL = b'{"text": "so \\"good\\" \\u00e9", "label": 1}\n{"label": null, "text": "n\xc3\xa9"}\n' * 3

READERS = {
    "conll": (partial(read_conll, source="IOB2", target="BIOES"), CONLL),
    "conll, gzip": (partial(read_conll, source="IOB2"), gzip.compress(CONLL, mtime=0)),
    "conll-u": (read_conllu, CONLLU),
    "labelled": (partial(read_labelled, multi=True), LABELLED),
    "lines, xz": (read_texts, lzma.compress(LABELLED)),
    "lines, utf-16": (read_texts, LABELLED.decode().encode("utf-16")),
    "scores": (read_scores, SCORES),
    "words": (read_words, WORDS),
    "vectors, text": (load_vectors, VEC),
    "vectors, binary": (load_vectors, BIN),
    "vectors, mapped": (MappedVectors, BIN),
    "json lines": (read_table, JSONL),
}
HOT = np.frombuffer(b'\n\r\t #-_0.:"{}\\\0\xff\xfe\xe2\x80', np.uint8)
PLACES = (", row ", "byte", "there is no ", "is empty", "rows, where", "no row")
FORBIDDEN = ("exec", "import", "marshal", "pickle", "socket", "subprocess", "os.", "shutil")
seen = []
listening = [False]


def listen(event, arguments):
    if listening[0] and event.startswith(FORBIDDEN):
        seen.append((event, arguments))


sys.addaudithook(listen)


def mutated(seed, rng):
    data = bytearray(seed)
    for _ in range(rng.integers(1, 6)):
        place, what = int(rng.integers(len(data) + 1)), rng.integers(5)
        if what == 0:
            data[place : place + 1] = bytes([rng.integers(256)])
        elif what == 1:
            data[place : place + 1] = bytes([rng.choice(HOT)])
        elif what == 2:
            del data[place : place + int(rng.integers(1, 20))]
        elif what == 3:
            other = int(rng.integers(len(data) + 1))
            data[place:place] = data[other : other + int(rng.integers(1, 30))]
        else:
            del data[place:]
    return bytes(data)


def fuzz(read, seed, write, count):
    """Read mutations and return how many were read and how many refused."""
    read(write(seed))
    rng = np.random.default_rng(11)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(count):
        path = write(mutated(seed, rng))
        start = time.process_time()
        listening[0] = True
        try:
            read(path)
            outcomes["read"] += 1
        except DataError as error:
            outcomes["refused"] += 1
            message = str(error)
            assert str(path) in message
            assert "\n" not in message
            assert any(word in message for word in PLACES)
        finally:
            listening[0] = False
        assert time.process_time() - start < 5
    assert not seen
    return outcomes


@pytest.mark.parametrize("name", READERS)
def test_damaged_files(write, name):
    outcomes = fuzz(*READERS[name], write, 200)
    assert outcomes["refused"] > 0
    assert outcomes["read"] > 0 or "xz" in name or "gzip" in name


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_many_damaged_files(write, name):
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fuzz(*READERS[name], write, 10_000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_damaged_tokenizers(write, count):
    pytest.importorskip("tokenizers")
    seed = BPETokenizer.train(["the cat sat on the mat"] * 3, 260).to_dict()["document"].encode()
    rng = np.random.default_rng(11)
    for _ in range(count):
        path = write(mutated(seed, rng))
        try:
            BPETokenizer.load(path)("the cat sat")
        except FileFormatError as error:
            assert str(path) in str(error)  # noqa: PT017
