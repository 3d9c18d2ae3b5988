"""`WindowTagger`: what it learns, keeps, and refuses."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError, DataError, FileFormatError, NotFittedError
from chainrule.language import Saved, WindowTagger
from chainrule.language.windows import Windows, packed
from chainrule.text import WordTable

SENTENCES = [
    ["the", "old", "dog", "barks"],
    ["Anna", "sees", "a", "small", "cat"],
    ["the", "cat", "sleeps"],
    ["Bert", "hears", "the", "dog"],
    [],
    ["a", "dog", "sees", "Anna"],
]
TAGS = [
    ["D", "A", "N", "V"],
    ["P", "V", "D", "A", "N"],
    ["D", "N", "V"],
    ["P", "V", "D", "N"],
    [],
    ["D", "N", "V", "P"],
]
SMALL = {
    "window": 1, "embedding_dim": 8, "hidden_layer_sizes": (16,), "feature_dim": 4, "min_count": 1,
    "epochs": 40, "batch_size": 8, "learning_rate": 0.02, "engine": "eager",
}  # fmt: skip


def fitted(**changed):
    return WindowTagger(**(SMALL | changed)).fit(SENTENCES, TAGS)


@pytest.mark.parametrize("loss", ["word", "sentence"])
@pytest.mark.parametrize("tables", ["shared", "separate"])
def test_it_learns_what_it_is_shown(loss, tables):
    tagger = fitted(loss=loss, tables=tables)
    assert tagger.predict(SENTENCES) == TAGS
    assert tagger.score(SENTENCES, TAGS) == 1.0
    assert tagger.classes_.tolist() == ["A", "D", "N", "P", "V"]
    assert tagger.predict([]) == []
    assert tagger.predict([[], ["Carl"], []])[1] == ["P"]  # by its capital


@pytest.mark.parametrize("loss", ["word", "sentence"])
def test_probabilities(loss):
    tagger = fitted(loss=loss, epochs=3)
    shares = tagger.predict_proba(SENTENCES)
    assert [share.shape for share in shares] == [(len(s), 5) for s in SENTENCES]
    for share in shares:
        np.testing.assert_allclose(share.sum(axis=1), 1.0, rtol=1e-5)
    assert tagger.predict_proba([]) == []


HELD = [["the", "small", "dog", "sleeps"], [], ["Carl", "hears", "a", "cat"]]
HELD_TAGS = [["D", "A", "N", "V"], [], ["P", "V", "D", "N"]]


@pytest.mark.parametrize("loss", ["word", "sentence"])
def test_early_stopping_goes_back_to_the_best_epoch(loss):
    def learned(validation_data=None, **changed):
        tagger = WindowTagger(**(SMALL | {"loss": loss} | changed))
        return tagger.fit(SENTENCES * 3, TAGS * 3, validation_data)

    wrong = (
        HELD,
        [["V", "V", "V", "D"], [], ["D", "D", "D", "D"]],
    )  # is unlearned from epoch to epoch
    stopped = learned(wrong, early_stopping=True, patience=2, epochs=30)
    losses = stopped.history_["validation_loss"]
    assert stopped.history_.best_epoch == int(np.argmin(losses)) + 1
    assert len(losses) == stopped.history_.best_epoch + 2 < 30
    short = learned(early_stopping=True, epochs=3, validation_fraction=0.3)
    assert len(short.history_["validation_loss"]) == 3
    assert learned(epochs=3).history_[0].validation_loss is None
    judged = learned((HELD, HELD_TAGS), epochs=3)
    assert judged.history_.best_epoch is None
    assert [*judged.history_[0].metrics] == (["accuracy"] if loss == "word" else [])
    for name, weight in nn.named_parameters(learned(epochs=3).network_).items():
        np.testing.assert_array_equal(weight, nn.named_parameters(judged.network_)[name])


def test_what_is_judged_after_an_epoch():
    tagger = WindowTagger(**SMALL | {"epochs": 2}).fit(SENTENCES, TAGS, (HELD, HELD_TAGS))
    shares = np.concatenate(tagger.predict_proba(HELD))
    right = [tagger.classes_.tolist().index(tag) for own in HELD_TAGS for tag in own]
    expected = -np.mean(np.log(shares[np.arange(8), right]))
    last = tagger.history_[-1]
    assert last.validation_loss == pytest.approx(expected, rel=1e-4)
    assert last.metrics["accuracy"] == tagger.score(HELD, HELD_TAGS)
    new = [[*own[:-1], "NEW"] if own else [] for own in HELD_TAGS]
    fewer = WindowTagger(**SMALL | {"epochs": 2}).fit(SENTENCES, TAGS, (HELD, new))
    kept = [0, 1, 2, 4, 5, 6]
    expected = -np.mean(np.log(shares[kept, np.array(right)[kept]]))
    assert fewer.history_[-1].validation_loss == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("held", "message"), [
    (([["a"]], [["NEW"]]), "no word to judge by has a tag"),
    (([["a"]], [["D", "N"]]), "sentence 1 has 1 words, but 2 tags"),
    ((["a b"], [["D"]]), r"by \.split\(\)"),
])  # fmt: skip
def test_what_cannot_be_judged_by_is_refused(held, message):
    with pytest.raises(DataError, match=message):
        WindowTagger(**SMALL).fit(SENTENCES, TAGS, held)
    with pytest.raises(DataError, match="holds out none, or all"):
        WindowTagger(**SMALL, early_stopping=True, validation_fraction=0.01).fit(SENTENCES, TAGS)


def test_the_first_layer_is_a_product_with_one_hot_vectors():
    tagger = fitted(epochs=1)
    network = tagger.network_
    x = tagger._windows.encode(SENTENCES[:1])
    one_hot = np.eye(len(network.words.weight), dtype=np.float32)[x["words"]]
    known = np.not_equal(x["words"], network.unknown)[..., None]
    words, features = network.looked_up(x)
    np.testing.assert_array_equal(words, known * (one_hot @ network.words.weight))
    ones = np.eye(len(network.features.weight), dtype=np.float32)[x["features"]]
    np.testing.assert_array_equal(features, ones @ network.features.weight)
    targets = np.zeros(len(words), int)

    def looked_up(table):
        found = nn.Embedding(*table.shape, None)
        found.weight = table
        return nn.cross_entropy(network.scores(found(x["words"]), features), targets)

    def multiplied(table):
        return nn.cross_entropy(network.scores(one_hot @ table, features), targets)

    table = network.words.weight.astype(np.float64)
    np.testing.assert_allclose(cr.grad(looked_up)(table), cr.grad(multiplied)(table), atol=1e-12)


def test_windows_hold_the_words_around():
    windows = Windows.of([["a", "b", "c"]], 2, ["suffixes"], 1)
    names = np.array(windows.words.words)[windows.encode([["a", "b"], [], ["c"]])["words"]]
    assert names.tolist() == [
        ["<s>", "<s>", "a", "b", "</s>"],
        ["<s>", "a", "b", "</s>", "</s>"],
        ["<s>", "<s>", "c", "</s>", "</s>"],
        ["<unk>"] * 5,
    ]
    apart = Windows.of([["a", "b", "c"]], 2, [], 1, separate=True)
    rows = apart.encode([["a", "a"]])["words"]
    assert apart.n_rows == 5 * len(apart.words)
    assert rows[0, 2] != rows[1, 1]
    assert Windows.from_dict(apart.to_dict()).to_dict() == apart.to_dict()


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(9, 12))
def test_packed_sentences_are_whole_and_apart(lengths, width):
    rows = packed(lengths, width)
    words = rows[rows >= 0]
    assert sorted(words.tolist()) == list(range(sum(lengths)))
    sentence_of = np.repeat(np.arange(len(lengths)), lengths)
    for row in rows:
        for a, b in pairwise(row):
            if a >= 0 and b >= 0:
                assert b == a + 1
                assert sentence_of[a] == sentence_of[b]
    for i, length in enumerate(lengths):
        places = np.argwhere(np.isin(rows, np.flatnonzero(sentence_of == i)))
        assert len(places) == length
        assert len(np.unique(places[:, 0])) <= 1


def test_sentences_are_tagged_alone():
    tagger = fitted(loss="sentence", epochs=5)
    together = tagger.predict(SENTENCES)
    assert together == [tagger.predict([sentence])[0] for sentence in SENTENCES]


@pytest.mark.parametrize("loss", ["word", "sentence"])
def test_a_file_keeps_all(tmp_path, loss):
    tagger = fitted(loss=loss, epochs=2, tables="separate", vectors=(["cat"], np.ones((1, 3))))
    tagger.save(tmp_path / "tagger")
    again = Saved.load(tmp_path / "tagger")
    assert isinstance(again, WindowTagger)
    assert again.predict(SENTENCES) == tagger.predict(SENTENCES)
    for a, b in zip(again.predict_proba(SENTENCES), tagger.predict_proba(SENTENCES), strict=True):
        np.testing.assert_array_equal(a, b)
    assert str(again.evaluate(SENTENCES, TAGS)) == str(tagger.evaluate(SENTENCES, TAGS))
    again.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "tagger").read_bytes()
    whole = (tmp_path / "tagger").read_bytes()
    (tmp_path / "broken").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileFormatError):
        WindowTagger.load(tmp_path / "broken")


def test_the_same_seed_gives_the_same_bits():
    one, same, other = fitted(epochs=2), fitted(epochs=2), fitted(epochs=2, random_state=1)
    for name, array in nn.named_parameters(one.network_).items():
        np.testing.assert_array_equal(array, nn.named_parameters(same.network_)[name])
    assert np.any(one.network_.words.weight != other.network_.words.weight)


def test_a_run_that_was_stopped_goes_on(tmp_path):
    class StopError(Exception):
        pass

    class Stop(cr.training.Callback):
        def on_epoch_end(self, state):
            if state.epoch == 2:
                raise StopError

    tagger = WindowTagger(**(SMALL | {"epochs": 4}))
    with pytest.raises(StopError):
        tagger.fit(SENTENCES, TAGS, checkpoint=tmp_path / "run", callbacks=[Stop()])
    tagger.fit(SENTENCES, TAGS, checkpoint=tmp_path / "run", resume=True)
    whole = fitted(epochs=4)
    np.testing.assert_array_equal(tagger.network_.words.weight, whole.network_.words.weight)


def test_pretrained_vectors():
    table = WordTable(["Cat", "cat", "fish"], np.array([[1, 2], [3, 4], [5, 6]], np.float32))
    tagger = WindowTagger(**(SMALL | {"vectors": table, "epochs": 1, "learning_rate": 1e-9}))
    tagger.fit(SENTENCES, TAGS)
    assert tagger.network_.words.weight.shape[1] == 2
    assert "fish" in tagger.vocabulary_  # known although it was not met
    weight = tagger.network_.words.weight
    np.testing.assert_allclose(weight[tagger.vocabulary_["cat"]], [1, 2], rtol=1e-5)
    np.testing.assert_allclose(weight[tagger.vocabulary_["fish"]], [5, 6], rtol=1e-5)


def test_words_that_training_did_not_meet_are_scored_apart():
    scores = fitted().evaluate([["the", "wolf", "Carl"]], [["D", "X", "P"]])
    assert (scores.words, scores.correct, scores.unknown_words) == (3, 2, 2)
    assert scores.unknown_accuracy == 0.5
    assert scores.entities is None
    assert scores.f1 is None
    tagger = WindowTagger(**SMALL).fit([["Anna", "sings"]], [["B-PER", "O"]])
    scores = tagger.evaluate([["Anna", "sings"]], [["B-PER", "O"]])
    assert scores.f1 == 1.0
    assert "PER: precision: 100.00%" in str(scores)


@pytest.mark.parametrize("loss", ["word", "sentence"])
def test_what_moved_a_decision(loss):
    tagger = fitted(loss=loss)
    sentence = ["the", "dog", "sleeps"]
    shown = tagger.explain_(sentence, 1)
    features = ("capitals", "digits", "shape")
    assert shown.words == [
        "the", *(f"the ({f})" for f in features),
        "dog", *(f"dog ({f})" for f in (*features, "prefixes", "suffixes")),
        "sleeps", *(f"sleeps ({f})" for f in features),
    ]  # fmt: skip
    assert shown.target == "N"
    assert shown.is_predicted
    assert shown.left_out[4] > 0  # of the word itself
    new = tagger.explain_(["the", "wolf", "sleeps"], 1)
    assert new.left_out[4] == new.gradients[4] == 0  # unknown anyway
    x = tagger._windows.encode([sentence])
    scores = tagger.network_.emissions(x)[1].astype(np.float64)
    number = tagger.classes_.tolist().index("N")
    others = np.delete(scores, number)
    odds = scores[number] - np.log(np.sum(np.exp(others)))
    np.testing.assert_allclose(shown.log_odds, odds, rtol=1e-4)
    assert not tagger.explain_(sentence, 1, "V").is_predicted
    with pytest.raises(ArgumentError, match="place"):
        tagger.explain_(sentence, 3)
    with pytest.raises(ArgumentError, match="target"):
        tagger.explain_(sentence, 1, "X")


def test_both_ways_are_the_same_where_log_odds_are_linear():
    tags = [["V" if tag == "V" else "other" for tag in own] for own in TAGS]
    tagger = WindowTagger(**(SMALL | {"activation": "identity", "epochs": 2}))
    shown = tagger.fit(SENTENCES, tags).explain_(SENTENCES[0], 2)
    np.testing.assert_allclose(shown.gradients, shown.left_out, atol=1e-9)
    assert np.all(shown.gradients[[0, 4, 5]] != 0)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (["the dog"], [["D", "N"]], r"sentence 1 is of type str.*split"),
        ("the dog", [["D", "N"]], "a list of sentences, each"),
        ([["the"], ["a", 3]], [["D"], ["D", "N"]], "sentence 2 holds 3 at word 2"),
        ([["the"], ["a", "dog"]], [["D"], ["D"]], "sentence 2 has 2 words, but 1 tags"),
        ([["the"]], [["D"], []], "1 sentences, and tags of 2"),
        ([["the"]], [[None]], "sentence 1 holds None at word 1"),
        ([[], []], [[], []], "no word to learn from"),
        ([], [], "no word to learn from"),
        (3, [], "a list of sentences, each"),
    ],
)
def test_what_cannot_be_learned_from(X, y, message):
    with pytest.raises(DataError, match=message):
        WindowTagger(**SMALL).fit(X, y)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("window", -1), ("hidden_layer_sizes", ()), ("hidden_layer_sizes", (0,)),
        ("loss", "chain"), ("features", ("colour",)), ("features", "digits"),
        ("vectors", (["a"], np.ones((2, 3)))), ("tables", "three"), ("dropout", 1.0),
        ("engine", "none"),
    ],
)  # fmt: skip
def test_arguments_out_of_range(argument, value):
    with pytest.raises(ArgumentError, match=argument):
        fitted(**{argument: value})


def test_words_alone():
    tagger = fitted(features=(), window=0)
    assert tagger.network_.features is None
    assert tagger.predict([["dog", "the", "never"], []])[0][:2] == ["N", "D"]
    assert tagger.explain_(["the", "dog"], 1).words == ["dog"]


def test_hostile_words():
    odd = ["", " ", "\x00", "<unk>", "<s>", "</s>", "İ", "ß" * 1000, "\ud83d", "-", "٣"]
    tagger = WindowTagger(**(SMALL | {"epochs": 1})).fit([odd], [["T"] * len(odd)])
    assert tagger.predict([odd, ["never met"] * 300]) == [["T"] * len(odd), ["T"] * 300]


def test_nothing_is_known_before_fit():
    with pytest.raises(NotFittedError):
        WindowTagger().predict([["a"]])


@pytest.mark.parametrize(
    ("loss", "engine"),
    [
        ("word", "numpy"),
        ("sentence", "numpy"),
        pytest.param("word", "numba", marks=pytest.mark.slow),  # compiles
    ],
)
def test_engines_agree(loss, engine):
    if engine == "numba":
        pytest.importorskip("numba")
    eager, fast = (fitted(loss=loss, epochs=2, engine=name) for name in ("eager", engine))
    assert fast.history_.engine == engine
    assert "instead of" not in fast.history_.why
    np.testing.assert_allclose(
        eager.network_.words.weight, fast.network_.words.weight, rtol=1e-3, atol=1e-5
    )
