"""Feedforward language models: what they learn, tell, write and keep."""

import math
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import BlockOrder
from chainrule.errors import ArgumentError, DataError, FileFormatError, NotFittedError
from chainrule.language import LanguageModel, Saved
from chainrule.language.corpus import known_corpus, learned_corpus
from chainrule.language.window_network import WindowNetwork
from chainrule.nn import WORD_OUTPUTS, Run, named_parameters
from chainrule.text import (
    BOS,
    EOS,
    UNK,
    BPETokenizer,
    CharacterTokenizer,
    NGramModel,
    WordTokenizer,
    mixture,
    mixture_weight,
)
from chainrule.training import Callback, checked_rows

TEXTS = ["the cat sat on the mat", "the dog sat on the rug", "a bird sings in the tree"] * 20
SMALL = {
    "context": 2, "embedding_dim": 8, "hidden_layer_sizes": (12,), "learning_rate": 0.02,
    "epochs": 5, "batch_size": 32, "n_samples": 8, "engine": "numpy",
}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return LanguageModel(**SMALL, dropout=0.1).fit(TEXTS)


def weights(model):
    return {k: v.tobytes() for k, v in named_parameters(model.network_).items()}


# What is learned --------------------------------------------------------------------------------


@pytest.mark.parametrize("output", WORD_OUTPUTS)
@pytest.mark.parametrize("tied", [False, True])
def test_every_output_learns(output, tied):
    if tied and output in ("hierarchical", "adaptive"):
        with pytest.raises(ArgumentError, match="no vector for each word"):
            LanguageModel(output=output, tie_weights=True, epochs=0).fit(TEXTS)
        return
    settings = SMALL | {"epochs": 30 if output in ("sampled", "nce") else 5}
    found = LanguageModel(**settings, output=output, tie_weights=tied, direct=True).fit(TEXTS)
    assert found.perplexity(TEXTS) < 1.6  # of 16 words
    by_rows = "looks up: embedding.weight, output.bias" in found.history_.why
    assert by_rows == (output in ("sampled", "nce", "hierarchical"))


def test_without_hidden_layers_it_is_log_bilinear():
    found = LanguageModel(**SMALL | {"hidden_layer_sizes": ()}, tie_weights=True).fit(TEXTS)
    assert found.perplexity(TEXTS) < 2


def test_words_that_are_rare_are_one():
    found = LanguageModel(**SMALL | {"epochs": 0}, min_count=20).fit([*TEXTS, "an owl hoots"])
    assert found.vocabulary_.words[:3] == [UNK, BOS, EOS]
    assert "owl" not in found.vocabulary_
    assert found.vocabulary_.counts[0] == 3
    few = LanguageModel(**SMALL | {"epochs": 0}, max_vocabulary=5).fit(TEXTS)
    assert len(few.vocabulary_) == 5


def test_the_network_is_the_papers_formula():
    """y = b + W x + U tanh(d + H x), section 2 of Bengio et al., the words' vectors in x."""
    network = WindowNetwork(
        [0, 0, 2, 3, 4, 1], 1, 2, np.random.default_rng(0), context=2, embedding_dim=3,
        hidden_layer_sizes=(4,), direct=True,
    )  # fmt: skip
    window = np.array([[3, 4], [5, 5]])
    p = named_parameters(network)
    x = p["embedding.weight"][window].reshape(2, 6)
    U, W = np.split(p["output.weight"], [4], axis=1)
    y = p["output.bias"] + x @ W.T + np.tanh(p["hidden.0.bias"] + x @ p["hidden.0.weight"].T) @ U.T
    expected = y - np.log(np.exp(y).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(network.log_probabilities(window), expected, rtol=1e-5)


def test_what_is_before_a_text_is_no_other_text():
    network = WindowNetwork(
        np.ones(6), 1, 2, np.random.default_rng(0), context=3, embedding_dim=3
    )  # fmt: skip
    begun = network.log_probabilities(np.array([[1, 1, 4]]))
    after_others = network.log_probabilities(np.array([[5, 2, 4], [2, 2, 4]]))
    np.testing.assert_array_equal(after_others, np.repeat(begun, 2, axis=0))
    assert (network.log_probabilities(np.array([[5, 3, 4]])) != begun).any()


def test_dropout_is_of_training():
    network = WindowNetwork(
        np.ones(6), 1, 2, np.random.default_rng(0), embedding_dropout=0.5, dropout=0.5
    )
    rows = np.array([[3, 4, 5, 3, 4]])
    np.testing.assert_array_equal(network(rows), network(rows))
    assert network(rows, Run(0)) != network(rows, Run(1))


# What it tells ----------------------------------------------------------------------------------


def test_figures_agree(model):
    each = model.log_probs(TEXTS[:4])
    assert [len(x) for x in each] == [7, 7, 7, 7]  # six words and the end
    every = np.concatenate(each)
    assert model.perplexity(TEXTS[:4]) == pytest.approx(math.exp(-every.mean()))
    n_characters = sum(len(text) + 1 for text in TEXTS[:4])
    bits = -every.sum() / math.log(2) / n_characters
    assert model.bits_per_character(TEXTS[:4]) == pytest.approx(bits)


def test_a_texts_probability_has_nothing_to_do_with_its_neighbours(model):
    alone = model.log_probs([TEXTS[1]])[0]
    for texts in ([TEXTS[1], TEXTS[0]], [TEXTS[2], TEXTS[1]], ["", TEXTS[1]]):
        found = model.log_probs(texts)[texts.index(TEXTS[1])]
        np.testing.assert_allclose(found, alone, rtol=1e-5)


@settings(max_examples=20)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_any_text_has_a_probability(model, texts):
    found = model.log_probs(texts)
    assert len(found) == len(texts)
    for text, each in zip(texts, found, strict=True):
        assert len(each) == len(model.tokenize(text)) + 1
        assert np.isfinite(each).all()


def test_following_words_are_a_distribution(model):
    every = model.following("the cat", len(model.vocabulary_))
    assert sum(share for _, share in every) == pytest.approx(1, abs=1e-5)
    assert every[0][0] == "sat"
    assert model.following("", 1)[0][0] == "the"


def test_marks_in_a_text_are_unknown_words():
    found = LanguageModel(**SMALL | {"epochs": 0}, unit="whitespace").fit(["a <s> b </s> c"])
    assert found.n_tokens_ == 6
    assert found.vocabulary_.counts.tolist() == [2, 0, 1, 1, 1, 1]
    assert len(found.log_probs(["</s> </s>"])[0]) == 3


def test_neighbours_are_by_the_cosine(model):
    table = named_parameters(model.network_)["embedding.weight"].astype(float)
    own = table[model.vocabulary_["cat"]]
    cosines = table @ own / np.linalg.norm(table, axis=1) / np.linalg.norm(own)
    found = model.neighbours("cat", 3)
    assert found[0][0] == "dog"
    for word, cosine in found:
        assert cosine == pytest.approx(cosines[model.vocabulary_[word]], rel=1e-5)
    assert len(model.neighbours("cat", 1000)) == len(table) - 1
    with pytest.raises(DataError, match="'owl' is not in the vocabulary"):
        model.neighbours("owl")


def test_the_mixture_with_ngrams_is_no_worse_than_either(model):
    ngrams = NGramModel(3).fit(map(model.tokenize, TEXTS), vocabulary=model.vocabulary_)
    known, texts = model.vocabulary_, TEXTS[:3]
    stream = np.concatenate([known.ids([BOS, *model.tokenize(t), EOS]) for t in texts])
    by_ngrams = ngrams.log_probs_ids(stream)[stream != known[BOS]]
    by_network = np.concatenate(model.log_probs(texts))
    both = mixture(by_network, by_ngrams, mixture_weight(by_network, by_ngrams))
    assert both.mean() >= max(by_network.mean(), by_ngrams.mean()) - 1e-9


def test_the_backward_pass_is_explained(model):
    text = str(model.explain_("the cat"))
    assert "checked by finite differences" in text
    assert "embedding.weight" in text


# What it writes ---------------------------------------------------------------------------------


def test_generation(model):
    assert model.generate("the cat", 3, temperature=0) == "sat on the"
    assert model.generate("the cat", 3, top_k=1) == "sat on the"
    assert model.generate("the cat", 9, beam=3) in ("sat on the mat", "sat on the rug")
    assert model.generate("a", 30, seed=5) == model.generate("a", 30, seed=5)
    drawn = " ".join(model.generate("", 30, temperature=3.0, seed=seed) for seed in range(20))
    assert not {UNK, BOS, EOS} & set(drawn.split())


def test_characters_and_pieces_are_joined_as_they_were():
    settings = SMALL | {"context": 5, "epochs": 15}
    by_letter = LanguageModel(**settings, unit="character").fit(TEXTS)
    assert by_letter.generate("a bird sin", 6, temperature=0) == "gs in "
    tokenizer = BPETokenizer.train(TEXTS, 280)
    by_piece = LanguageModel(**settings, unit=tokenizer).fit(TEXTS)
    assert by_piece.generate("a bird", 4, temperature=0).startswith(" sings in")


# How it is trained ------------------------------------------------------------------------------


def test_streams_and_files_are_read_alike(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n\n".join(TEXTS) + "\n", encoding="utf-8")
    sources = [TEXTS, iter(TEXTS), path]
    found = [weights(LanguageModel(**SMALL | {"epochs": 1}).fit(source)) for source in sources]
    assert found[0] == found[1] == found[2]


def test_windows_are_views_of_a_file():
    with learned_corpus(TEXTS, WordTokenizer(), 3) as corpus:
        rows = checked_rows(corpus.rows())
        assert np.shares_memory(rows.X, corpus.ids)
        assert rows.converted is None  # so that no program copies all
        words = [corpus.vocabulary.words[i] for i in rows.X[9]]
        assert words == [EOS, "the", "dog", "sat"]


def test_numbers_are_those_of_the_vocabulary(monkeypatch):
    monkeypatch.setattr("chainrule.language.corpus._BUFFER", 10)  # many pieces
    with learned_corpus(TEXTS, WordTokenizer(), 2, min_count=25) as corpus:
        known = corpus.vocabulary
        expected = [i for t in TEXTS for i in known.ids([*t.split(), EOS])]
        assert corpus.ids.tolist() == [known[EOS]] * 2 + expected
        with known_corpus(TEXTS, WordTokenizer(), 2, known) as again:
            np.testing.assert_array_equal(corpus.ids, again.ids)
            assert (again.n_texts, len(again)) == (len(TEXTS), len(expected))


def test_an_order_in_parts_trains_as_one_in_an_array():
    from chainrule import nn, optim
    from chainrule.training import fit

    X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    lazily = lambda epoch: BlockOrder(50, 1, epoch, block=4, together=3)
    found = [
        fit(nn.Linear(3, 1, rng=0), (X, X[:, :1]), loss=nn.mse, optimizer=optim.SGD(lr=0.1),
            epochs=2, batch_size=8, order=order, progress=0)[0].weight
        for order in (lazily, lambda epoch: lazily(epoch)[:])
    ]  # fmt: skip
    np.testing.assert_array_equal(*found)


@pytest.mark.slow
@pytest.mark.parametrize("tied", [False, True])
def test_compiled_loops_learn_the_same(tied):
    pytest.importorskip("numba")
    found = [
        LanguageModel(**SMALL | {"epochs": 1, "engine": engine}, tie_weights=tied).fit(TEXTS)
        for engine in ("eager", "numba")
    ]
    assert found[1].history_.engine == "numba"
    assert "instead" not in found[1].history_.why
    for one, other in zip(*(named_parameters(m.network_).values() for m in found), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_text(monkeypatch):
    monkeypatch.setattr("chainrule.language.corpus._BUFFER", 2**14)

    def peak(n_texts):
        tracemalloc.start()
        with learned_corpus(
            (text for _ in range(n_texts) for text in TEXTS), WordTokenizer(), 3
        ) as corpus:
            assert len(corpus) == n_texts * 20 * 21
            return tracemalloc.get_traced_memory()[1]

    few = peak(100)
    tracemalloc.stop()
    many = peak(400)
    tracemalloc.stop()
    assert many < 1.2 * few


class Stop(Callback):
    def on_epoch_end(self, state):
        if state.epoch == 2:
            raise RuntimeError("pulled the plug")


def test_a_resumed_training_ends_in_the_same_bits(tmp_path):
    whole = LanguageModel(**SMALL, dropout=0.2).fit(TEXTS, validation=TEXTS[:3])
    half = LanguageModel(**SMALL, dropout=0.2)
    folder = tmp_path / "training"
    with pytest.raises(RuntimeError, match="plug"):
        half.fit(TEXTS, validation=TEXTS[:3], checkpoint=folder, callbacks=[Stop()])
    half.fit(TEXTS, validation=TEXTS[:3], checkpoint=folder, resume=True)
    assert weights(half) == weights(whole)


def test_the_best_epoch_is_kept_and_patience_ends_training():
    held_out = ["rug the on sat cat the"] * 3  # what is learned makes it less likely
    found = LanguageModel(**SMALL | {"epochs": 20}, patience=2).fit(TEXTS, validation=held_out)
    assert len(found.history_) < 20
    losses = [record.validation_loss for record in found.history_]
    assert math.log(found.perplexity(held_out)) == pytest.approx(min(losses), rel=1e-5)


def test_tokens_a_second_are_told(capsys):
    LanguageModel(**SMALL | {"epochs": 2}, verbose=1).fit(TEXTS)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all("tokens/s" in line for line in lines)


def test_bits_do_not_depend_on_the_order_of_sets():
    program = (
        "from chainrule.language import LanguageModel\n"
        "import hashlib\n"
        "from chainrule.nn import named_parameters\n"
        f"model = LanguageModel(epochs=1, engine='numpy').fit({TEXTS[:6]!r})\n"
        "arrays = named_parameters(model.network_).values()\n"
        "print(hashlib.sha256(b''.join(a.tobytes() for a in arrays)).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, check=True, text=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


# What is kept -----------------------------------------------------------------------------------


@pytest.mark.parametrize("output", WORD_OUTPUTS)
@pytest.mark.parametrize("unit", ["character", WordTokenizer(lowercase=True), "bpe"])
def test_a_saved_model_tells_the_same(tmp_path, output, unit):
    unit = BPETokenizer.train(TEXTS, 280) if unit == "bpe" else unit
    found = LanguageModel(**SMALL | {"epochs": 1}, output=output, unit=unit).fit(TEXTS)
    found.save(tmp_path / "model")
    loaded = Saved.load(tmp_path / "model")
    assert type(loaded) is LanguageModel
    np.testing.assert_array_equal(loaded.log_probs(TEXTS[:2])[0], found.log_probs(TEXTS[:2])[0])
    assert loaded.generate("the", 5, seed=1) == found.generate("the", 5, seed=1)


def test_a_file_of_something_else_is_refused(tmp_path, model):
    model.save(tmp_path / "model")
    text = (tmp_path / "model").read_bytes()
    for old, new in (
        (b'"context": 2', b'"context": 3'),
        (b'"tanh"', b'"none"'),
        (b'"embedding_dim": 8', b'"embedding_dim": 999999999999999'),
    ):
        assert old in text.replace(b'\\"', b'"')
        old, new = (x.replace(b'"', b'\\"') for x in (old, new))
        (tmp_path / "other").write_bytes(text.replace(old, new))
        with pytest.raises(FileFormatError):
            LanguageModel.load(tmp_path / "other")


# What is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "error", "words"),
    [
        ("a text", ArgumentError, "texts are a list"),
        (["fine", 7], DataError, "text 1, counted from 0, is int"),
        ([], DataError, "no words"),
        ([""], DataError, "no words"),
    ],
)
def test_texts_that_are_none(texts, error, words):
    with pytest.raises(error, match=words):
        LanguageModel(epochs=0).fit(texts)


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        LanguageModel().fit(tmp_path / "nowhere.txt")


@pytest.mark.parametrize(
    "wrong",
    [{"hidden_layer_sizes": (0,)}, {"max_vocabulary": 3}, {"patience": 0}, {"unit": "sentence"}],
)
def test_arguments_that_are_none(wrong):
    with pytest.raises(ArgumentError):
        LanguageModel(**wrong).fit(TEXTS)


def test_every_range_is_checked():
    for name, constraint in LanguageModel.allowed.items():
        for value in constraint.bad_values():
            with pytest.raises(ArgumentError, match=name):
                LanguageModel(**{name: value}).fit(TEXTS)


def test_nothing_is_told_before_fit():
    fresh = LanguageModel()
    calls = (
        lambda: fresh.perplexity(TEXTS), lambda: fresh.generate("a"), lambda: fresh.following("a"),
        lambda: fresh.neighbours("a"), lambda: fresh.save("x"), lambda: fresh.explain_("a"),
        lambda: fresh.log_probs(TEXTS),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(NotFittedError):
            call()


def test_a_tokeniser_object_survives_parameters():
    unit = CharacterTokenizer()
    assert LanguageModel(**LanguageModel(unit=unit).get_params()).unit is unit
