"""`TextClassifier`: what it learns, answers, explains, keeps, and refuses."""

import csv
import gzip
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import nn
from chainrule.data import Ragged
from chainrule.errors import ArgumentError, DataError, FileFormatError, ShapeError
from chainrule.io import load_tensors, save_tensors
from chainrule.language import Saved, TextClassifier
from chainrule.language.labels import Labels
from chainrule.language.text_beginnings import class_scores, log_count_ratios, log_idf
from chainrule.language.text_features import TextFeatures
from chainrule.text import RegexTokenizer, WordTable, WordTokenizer
from chainrule.training import Callback, Checkpoint

TEXTS = [
    "a fine film", "so good", "a good film , fine", "good fun", "dull", "a dull mess", "so bad",
    "bad , bad film",
]  # fmt: skip
LABELS = ["pos"] * 4 + ["neg"] * 4
SMALL = {
    "embedding_dim": 6, "epochs": 12, "batch_size": 4, "learning_rate": 0.02, "engine": "eager",
}  # fmt: skip


def fitted(texts=TEXTS, labels=LABELS, fit=None, **changed):
    return TextClassifier(**(SMALL | changed)).fit(texts, labels, **(fit or {}))


# Features ---------------------------------------------------------------------------------------


def features(texts=TEXTS, min_count=1, **options):
    made = TextFeatures(WordTokenizer(), **options)
    return made, made.learn(texts, min_count)


@given(st.lists(st.text("ab .", max_size=12), min_size=1, max_size=6))
def test_a_text_has_the_same_ids_alone_while_learning_and_by_its_spans(texts):
    made = TextFeatures(WordTokenizer(), word_ngrams=3, subwords=(2, 3), buckets=50)
    try:
        rows = made.learn(texts)
    except DataError:
        assert not "".join(texts).strip()
        return
    together = made(texts)
    np.testing.assert_array_equal(together.ids, rows.ids)
    for i, text in enumerate(texts):
        own = rows.ids[rows.offsets[i] : rows.offsets[i + 1]]
        np.testing.assert_array_equal(made([text]).ids, own)
        ids, spans = made.spans(made.tokens(text))
        np.testing.assert_array_equal(ids, own)
        assert (spans[:, 0] < spans[:, 1]).all()
        assert (spans <= len(made.tokens(text))).all()
    assert rows.ids.min(initial=1) >= 1
    assert rows.ids.max(initial=0) < len(made)


def test_ids_are_words_by_count_then_ngrams_then_subwords():
    made, rows = features(["b a b", "a b"], word_ngrams=2, subwords=(3, 3))
    assert made.words == ["b", "a"]
    assert rows.lengths.tolist() == [3 + 2 + 3, 2 + 1 + 2]
    assert rows.ids[:3].tolist() == [1, 2, 1]
    assert rows.ids[3] != rows.ids[4]  # "b a" and "a b"
    assert rows.ids[4] == rows.ids[10]  # "a b" in both texts
    _, spans = made.spans(["a", "b"])
    assert spans.tolist() == [[0, 1], [1, 2], [0, 2], [0, 1], [1, 2]]


def test_what_is_rare_new_or_too_far_back_is_left_out():
    made, rows = features(["x x y", "y z"], min_count=2, word_ngrams=2, max_length=2)
    assert made.words == ["x", "y"] or made.words == ["x"]
    assert rows.lengths.tolist() == [2, 0]
    assert made(["x q", "x x y"]).lengths.tolist() == [1, 2]
    with pytest.raises(DataError, match="min_count"):
        features(["a", "b"], min_count=2)


def test_case_and_tokenisers():
    made, _ = features(["Good GOOD"])
    assert made.words == ["good"]
    made, _ = features(["Good GOOD"], lowercase=False)
    assert made.words == ["GOOD", "Good"]
    own = TextFeatures(RegexTokenizer("[0-9]"))
    assert own.learn(["1 a 2"]).lengths.tolist() == [2]


# Beginnings -------------------------------------------------------------------------------------


def test_ratios_are_those_of_the_formula():
    rows = Ragged(np.array([1, 1, 2, 2, 3, 2]), np.array([0, 3, 5, 6]))
    y, weight = np.array([0, 1, 1]), np.array([2.0, 1.0, 2.0])
    counts = np.array([[0, 0], [2, 0], [2, 3], [0, 1.0]])  # texts, each once
    counts = np.maximum(counts - 0.5, 0)
    share = np.array([0.4, 0.6])
    logs = np.log((counts + 0.5 * 2 * share) / share)
    expected = logs - logs.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(log_count_ratios(rows, 4, y, weight, 0.5), expected)
    assert not expected[0].any()  # what was not met speaks for none


def test_ratios_of_labels_compare_with_their_absence():
    rows = Ragged(np.array([1, 2, 1, 2, 1]), np.array([0, 1, 2, 3, 4, 5]))
    found = log_count_ratios(rows, 3, np.array([[1.0], [0.0], [1.0], [0.0], [1.0]]), None, 1.0)
    expected = np.log((3 - 0.5 + 2 * 0.6) / 0.6) - np.log((2 * 0.4) / 0.4)
    np.testing.assert_allclose(found[1, 0], expected)
    assert found[1, 0] > 0 > found[2, 0]


def test_inverse_document_frequencies_are_those_of_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=r"\S+").fit(TEXTS)
    made, rows = features()
    found = np.exp(log_idf(rows, len(made)))
    for word, column in vectorizer.vocabulary_.items():
        place = made.words.index(word) + 1
        np.testing.assert_allclose(found[place], vectorizer.idf_[column])


def test_texts_without_a_known_token_have_the_scores_of_classes():
    model = fitted(labels=["a"] * 6 + ["b"] * 2, epochs=1, learning_rate=1e-9, dropout=0.0)
    np.testing.assert_allclose(model.predict_proba(["", "qqq"]), [[0.75, 0.25]] * 2, atol=1e-6)
    np.testing.assert_allclose(class_scores(np.array([[1.0], [0.0]]), None), 0.0, atol=1e-12)


def test_before_training_it_is_as_good_as_naive_bayes():
    model = fitted(epochs=1, learning_rate=1e-9, subwords=None, word_ngrams=1)
    assert model.score(TEXTS, LABELS) == 1.0
    assert model.predict(["fine fun", "dull bad"]).tolist() == ["pos", "neg"]


# Learning ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", nn.POOLINGS)
@pytest.mark.parametrize("hidden", [(), (5,)])
def test_every_pooling_learns(pooling, hidden):
    model = fitted(pooling=pooling, hidden_layer_sizes=hidden, epochs=40, direct=False)
    assert model.score(TEXTS, LABELS) == 1.0
    assert model.history_[-1].loss < model.history_[0].loss
    assert model.classes_.tolist() == ["neg", "pos"]


def test_only_concatenation_knows_the_order_of_words():
    texts, labels = ["good not bad", "bad not good"] * 4, [1, 0] * 4
    options = {"word_ngrams": 1, "subwords": None, "direct": False, "word_dropout": 0.0}
    for pooling in ("mean", "max", "weighted", "sum"):
        a, b = fitted(texts, labels, pooling=pooling, **options).predict_proba(texts[:2])
        np.testing.assert_array_equal(a, b)
    model = fitted(texts, labels, pooling="concatenate", epochs=60, word_dropout=0.0)
    assert model.score(texts, labels) == 1.0


@pytest.mark.parametrize("engine", ["numpy", pytest.param("numba", marks=pytest.mark.slow)])
def test_engines_agree(engine):
    pytest.importorskip(engine)
    first, other = (
        fitted(hidden_layer_sizes=(4,), epochs=2, engine=name) for name in ("eager", engine)
    )
    assert other.history_.engine == engine
    assert "table.weight" in other.history_.why
    np.testing.assert_allclose(other.predict_proba(TEXTS), first.predict_proba(TEXTS), atol=1e-5)


@pytest.mark.parametrize("pooling", nn.POOLINGS)
def test_a_prediction_does_not_hang_on_the_texts_beside_it(pooling):
    model = fitted(pooling=pooling, hidden_layer_sizes=(5,))
    texts = [*TEXTS, "", "good " * 40, "new words", "a good , dull film"]
    together = model.predict_proba(texts)
    alone = np.concatenate([model.predict_proba([text]) for text in texts])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(model.predict_proba(texts[::-1]), together[::-1])
    assert model.predict_proba([]).shape == (0, 2)


def test_scores_and_probabilities_go_together():
    model = fitted()
    odds = model.decision_function(TEXTS)
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), model.predict_proba(TEXTS)[:, 1], rtol=1e-5)
    np.testing.assert_array_equal(model.predict(TEXTS), model.classes_[(odds > 0).astype(int)])
    three = fitted(labels=[0, 1, 2, 0, 1, 2, 0, 1])
    assert three.decision_function(TEXTS).shape == (8, 3)
    assert three.predict(TEXTS).dtype.kind == "i"


ROWS = [["a"], ["a", "b"], [], ["b"], ["a"], ["a", "b"], [], ["b"]]
MATRIX = np.array([["a" in row, "b" in row] for row in ROWS], int)


def test_any_number_of_labels():
    lists = fitted(labels=ROWS, epochs=60, dropout=0.0, word_dropout=0.0)
    assert lists.predict(TEXTS) == ROWS
    assert lists.classes_.tolist() == ["a", "b"]
    matrix = fitted(labels=MATRIX, epochs=60, dropout=0.0, word_dropout=0.0)
    np.testing.assert_array_equal(matrix.predict(TEXTS), MATRIX)
    np.testing.assert_array_equal(matrix.predict_proba(TEXTS), lists.predict_proba(TEXTS))
    assert lists.score(TEXTS, ROWS) == matrix.score(TEXTS, MATRIX) == 1.0
    assert lists.score(TEXTS, [["a"]] * 8) == 0.25
    assert lists.explain_("a fine film", "b").target == "b"


def test_weights_of_texts_and_classes():
    weight = np.array([1.0, 2.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    weighted = fitted(fit={"sample_weight": weight})
    changed = list(LABELS)
    changed[2] = "neg"  # a text of no weight has a label of no weight
    other = fitted(labels=changed, fit={"sample_weight": weight})
    np.testing.assert_array_equal(weighted.predict_proba(TEXTS), other.predict_proba(TEXTS))
    rare = ["a"] * 7 + ["b"]
    plain, balanced = fitted(labels=rare), fitted(labels=rare, class_weight="balanced")
    assert balanced.predict_proba([""])[0, 1] > plain.predict_proba([""])[0, 1]
    by_name = fitted(labels=rare, class_weight={"a": 8 / 14, "b": 4.0})
    np.testing.assert_array_equal(by_name.predict_proba(TEXTS), balanced.predict_proba(TEXTS))


def test_early_stopping_goes_back_to_the_best_epoch():
    held = ["fine", "dull mess"], ["pos", "neg"]
    model = fitted(early_stopping=True, patience=2, epochs=60, fit={"validation_data": held})
    losses = [record.validation_loss for record in model.history_]
    assert model.history_.best_epoch == int(np.argmin(losses)) + 1
    assert {"accuracy"} == set(model.history_[0].metrics)
    assert fitted(fit={"validation_data": held}).history_.best_epoch is None
    texts, labels = TEXTS * 5, LABELS * 5
    model = fitted(texts, labels, early_stopping=True, validation_fraction=0.2, epochs=3)
    assert len(model.history_) == 3
    assert model.history_[0].validation_loss is not None


def test_pretrained_vectors_are_tuned_or_stay(tmp_path):
    table = WordTable(["good", "bad", "unused"], np.eye(3, dtype=np.float32))
    path = tmp_path / "words.txt"
    path.write_text("good 1 0 0\nbad 0 1 0\nunused 0 0 1\n", encoding="utf-8")
    fixed = fitted(vectors=table, tune="fixed")
    place = fixed.features_.words.index("good") + 1
    np.testing.assert_array_equal(fixed.network_.table.weight[place], [1, 0, 0])
    assert not fixed.network_.table.weight[fixed.features_.words.index("film") + 1].any()
    assert fixed.score(TEXTS, LABELS) == 1.0
    fine = fitted(vectors=(table.words, table.vectors))
    assert 0 < np.abs(fine.network_.table.weight[place, :3] - [1, 0, 0]).max() < 0.5
    from_file = fitted(vectors=path)
    np.testing.assert_array_equal(from_file.predict_proba(TEXTS), fine.predict_proba(TEXTS))
    for model in (fixed, fine, from_file):
        model.save(tmp_path / "model.safetensors")
        again = Saved.load(tmp_path / "model.safetensors")
        np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    with pytest.raises(DataError, match="none of the words"):
        fitted(vectors=WordTable(["unused"], np.ones((1, 3), np.float32)))
    with pytest.raises(ArgumentError, match="a matrix of as many rows"):
        fitted(vectors=(["good"], np.ones((2, 3))))


class Crash(Callback):
    def on_epoch_end(self, state):
        if state.epoch == 2:
            raise RuntimeError("power cut")


def test_a_run_that_was_cut_off_goes_on_to_the_same_bits(tmp_path):
    whole = fitted(epochs=5)
    with pytest.raises(RuntimeError, match="power cut"):
        fitted(epochs=5, fit={"checkpoint": Checkpoint(tmp_path), "callbacks": [Crash()]})
    resumed = fitted(epochs=5, fit={"checkpoint": Checkpoint(tmp_path), "resume": True})
    np.testing.assert_array_equal(resumed.predict_proba(TEXTS), whole.predict_proba(TEXTS))


def test_progress_tells_tokens_a_second(capsys):
    fitted(epochs=1, verbose=1)
    assert re.search(r"epoch 1/1: loss .*, [\d,]+ tokens/s", capsys.readouterr().err)


# Explaining -------------------------------------------------------------------------------------


LINEAR = {
    "pooling": "sum", "word_ngrams": 1, "subwords": None, "dropout": 0.0, "word_dropout": 0.0,
}  # fmt: skip


def test_of_a_sum_of_words_both_ways_are_the_score_exactly():
    model = fitted(**LINEAR)
    shown = model.explain_("a good film , so dull")
    np.testing.assert_allclose(shown.gradients, shown.left_out, rtol=1e-4, atol=1e-5)
    bias = model.network_.bias
    sign = 1 if shown.target == "pos" else -1
    total = shown.gradients.sum() + sign * (bias[1] - bias[0])
    np.testing.assert_allclose(total, shown.log_odds, rtol=1e-4)
    assert shown.agree
    assert shown.rank_correlation == pytest.approx(1.0)
    assert shown.is_predicted


@pytest.mark.parametrize("pooling", nn.POOLINGS)
def test_gradients_are_those_of_small_changes(pooling):
    model = fitted(pooling=pooling, hidden_layer_sizes=(4,), activation="tanh", epochs=3)
    text, step = "a good dull film", 1e-3
    shown = model.explain_(text)
    network = model.network_
    ids, _ = model.features_.spans(model.features_.tokens(text))
    number = model.classes_.tolist().index(shown.target)

    def odds(scale):
        table = network.table.weight.copy()
        network.table.weight[ids] *= scale
        scores = model._scores([text])[0].astype(float)
        network.table.weight[:] = table
        return scores[number] - scores[1 - number]

    slope = (odds(1 + step) - odds(1 - step)) / (2 * step)
    np.testing.assert_allclose(shown.gradients.sum(), slope, rtol=2e-2, atol=2e-3)


def test_a_word_left_out_is_a_text_without_it():
    model = fitted()
    shown = model.explain_("so good , dull", "neg")
    without = model.predict_proba(["so , dull", "so good , dull"]).astype(float)
    odds = np.log(without[:, 0] / without[:, 1])
    np.testing.assert_allclose(shown.left_out[1], odds[1] - odds[0], atol=1e-4)


def test_what_does_not_agree_says_so():
    model = fitted(**LINEAR)
    shown = model.explain_("good bad dull film")
    shown.gradients = -shown.gradients
    assert not shown.agree
    assert "do not agree" in str(shown)
    assert "in dispute" in str(shown)


def test_pages_hold_texts_as_text_and_facts_are_json():
    model = fitted()
    shown = model.explain_('good <script>alert("x")</script> ' + "film " * 30)
    assert "<script>" not in shown.to_html()
    assert "script" in str(shown)
    assert "words that moved it less" in shown.to_html()
    facts = json.loads(shown.to_json())
    assert facts["class"] == shown.target
    assert len(facts["words"]) == len(shown.words)
    assert "Which words" in shown.to_markdown()


def test_what_cannot_be_explained_is_refused():
    model = fitted()
    with pytest.raises(DataError, match="no word that is known"):
        model.explain_("qqqq")
    with pytest.raises(DataError, match="text holds None"):
        model.explain_(None)
    with pytest.raises(DataError, match="was not met"):
        model.explain_("good", "middling")


# Refusing ---------------------------------------------------------------------------------------


def test_what_is_no_text_is_refused_by_its_row():
    model = fitted()
    for bad in (None, 3, b"bytes", float("nan")):
        with pytest.raises(DataError, match="in row 1, counted from 0"):
            model.predict(["fine", bad])
        with pytest.raises(DataError, match="in row 1, counted from 0"):
            fitted(["fine", bad], ["a", "b"])
    with pytest.raises(DataError, match="list of texts"):
        model.predict("a single text")


def test_targets_that_cannot_be_learned_are_refused():
    for labels, message in (
        (["a"] * 8, "nothing to learn"),
        ([None, *LABELS[1:]], "row 0 is None"),
        ([1.5, *[1] * 7], "row 0 is 1.5"),
        ([1, "1", *LABELS[2:]], "several kinds"),
        ([[]] * 8, "no text has a label"),
        ("ab", "not str"),
        (np.full((8, 2), 2), "0 and 1"),
    ):
        with pytest.raises(DataError, match=message):
            fitted(labels=labels)
    for bad in ([-1.0] * 8, [np.nan] * 8, [0.0] * 8):
        with pytest.raises(DataError, match="sample_weight"):
            fitted(fit={"sample_weight": bad})
    with pytest.raises(ShapeError, match="X has 8, y has 2"):
        fitted(labels=["a", "b"])
    with pytest.raises(DataError, match="row 1, 'c', was not met"):
        fitted().score(["x", "y"], ["pos", "c"])
    with pytest.raises(DataError, match="no token"):
        fitted(["", " "], ["a", "b"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pooling": "concatenate", "word_ngrams": 2}, "word_ngrams must be 1"),
        ({"pooling": "concatenate", "subwords": (2, 3)}, "subwords must be None"),
        ({"pooling": "concatenate", "direct": True}, "direct must be False"),
        ({"tune": "fixed"}, "needs vectors"),
        ({"subwords": (4, 3)}, "the longest"),
        ({"tokenizer": "words"}, "tokeniser is one of"),
        ({"class_weight": "even"}, "class_weight"),
    ],
)
def test_arguments_that_do_not_go_together(changed, message):
    with pytest.raises(ArgumentError, match=message):
        fitted(**changed)


def test_class_weights_are_not_for_labels():
    with pytest.raises(ArgumentError, match="one class a text"):
        fitted(labels=ROWS, class_weight="balanced")


@pytest.mark.parametrize("kind", ["one", "lists", "matrix"])
def test_labels_go_there_and_back(kind):
    y = {"one": LABELS, "lists": ROWS, "matrix": MATRIX}[kind]
    labels = Labels.of(y)
    again = Labels.from_dict(json.loads(json.dumps(labels.to_dict())))
    encoded = again.encode(y)
    decoded = again.decode(encoded)
    assert again.kind == kind
    assert np.asarray(decoded, object).tolist() == np.asarray(y, object).tolist()


def test_files_that_do_not_fit_together_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    fitted().save(path)
    arrays, metadata = load_tensors(path)

    def broken(change):
        document = json.loads(metadata["chainrule"])
        parts = dict(arrays)
        change(document, parts)
        save_tensors(path, parts, {"chainrule": json.dumps(document)})
        with pytest.raises(FileFormatError):
            TextClassifier.load(path)

    broken(lambda d, a: a.update({"table.weight": a["table.weight"][:5]}))
    broken(lambda d, a: a.pop("table.log_weight"))
    broken(lambda d, a: a.update({"met n-grams": a["met n-grams"][::-1].copy()}))
    broken(lambda d, a: a.update({"met subwords": a["met subwords"] + 2**20}))
    broken(lambda d, a: d["facts"]["labels"]["classes"].append("third"))
    broken(lambda d, a: d["facts"]["features"].update(buckets=2**40))
    broken(lambda d, a: d["arguments"].update(pooling="none"))
    broken(lambda d, a: d["facts"]["features"].update(tokenizer={"kind": "pickle"}))


def test_a_tokeniser_of_ones_own_is_kept(tmp_path):
    model = fitted(tokenizer=RegexTokenizer("[a-z]+"), class_weight={"neg": 2.0})
    model.save(tmp_path / "model.safetensors")
    loaded = TextClassifier.load(tmp_path / "model.safetensors")
    assert loaded.tokenizer == RegexTokenizer("[a-z]+")
    assert loaded.class_weight == {"neg": 2.0}
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS))


@settings(max_examples=25)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_any_text_has_an_answer(texts):
    model = FITTED
    found = model.predict_proba(texts)
    assert found.shape == (len(texts), 2)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-6)


FITTED = fitted(epochs=1)


# Real texts -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_review_sentences(shared_data):
    def read(part, suffix):
        found = []
        for name in ("neg", "pos"):
            path = shared_data(f"rt-polarity/{part}.{name}{suffix}")
            data = gzip.decompress(path.read_bytes()) if suffix else path.read_bytes()
            found += [(line, name) for line in data.decode("utf-8").splitlines() if line]
        return zip(*found, strict=True)

    model = TextClassifier(subwords=None).fit(*read("train", ".gz"))
    assert model.score(*read("test", "")) >= 0.76


@pytest.mark.slow
def test_topics_in_a_script_without_spaces(shared_data):
    def read(part):
        path = shared_data(f"sib200/zho_Hans/{part}.tsv")
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        return [row["text"] for row in rows], [row["category"] for row in rows]

    assert TextClassifier().fit(*read("train")).score(*read("test")) >= 0.65
