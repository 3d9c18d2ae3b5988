"""Word vectors: what is taught, gradients, the same bits, quality, files."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.constraints import COUNT
from chainrule.engines import numba_engine
from chainrule.errors import (
    ArgumentError,
    ChainruleError,
    DataError,
    FileFormatError,
    Interrupted,
    NotFittedError,
)
from chainrule.io import load_tensors, save_tensors
from chainrule.language import Saved, WordVectors, word_sentences
from chainrule.language.word_lessons import Curriculum, Noise, Ways
from chainrule.language.word_network import TwoTables, loss_of, step, surprise
from chainrule.language.word_sentences import read_sentences
from chainrule.nn.word_trees import huffman_tree
from chainrule.text import WordTokenizer, load_vectors
from chainrule.training import Callback, Checkpoint

ANIMALS, TOOLS = (
    ["cat", "dog", "cow", "hen", "pig", "fox"],
    ["saw", "axe", "awl", "rasp", "file", "vice"],
)
KINDS = [
    {},
    {"model": "cbow"},
    {"loss": "hierarchical"},
    {"model": "cbow", "loss": "hierarchical"},
    {"subwords": (2, 3)},
    {"model": "cbow", "subwords": (2, 3)},
]


def two_topics(n=300, seed=0):
    """Return sentences about animals and sentences about tools, a few words common to both."""
    rng = np.random.default_rng(seed)
    topics = [rng.choice(kind, 7).tolist() for _ in range(n) for kind in (ANIMALS, TOOLS)]
    return [[*words[:3], str(rng.choice(["the", "a"])), *words[3:]] for words in topics]


def small(**options):
    """Return an estimator that learns in a moment."""
    settings = {"vector_size": 8, "min_count": 1, "sample": 0, "epochs": 2, "engine": "numpy"}
    return WordVectors(**{**settings, **options})


def course(sentences, window=2, sample=0.0, skip_gram=True, **options):
    corpus = read_sentences(sentences, str.split, options.pop("min_count", 1))
    answers = Noise(corpus.vocabulary.counts, options.pop("negative", 3))
    return Curriculum(corpus, window, sample, skip_gram, answers, None, options.pop("seed", 0))


# What is taught -----------------------------------------------------------------------------------


@given(st.integers(1, 12))
def test_each_distance_is_as_probable_as_under_word2vecs_shrinking_windows(window):
    offsets = course([["a", "b"]], window).offsets
    assert offsets.shape == (window, window + 1)
    shrinking = course([["a", "b"]], window, skip_gram=False).offsets
    for distance in range(1, window + 1):
        for signed in (distance, -distance):
            # word2vec: the window is drawn from 1 to `window`, and holds what is not farther.
            assert np.sum(offsets == signed) == window + 1 - distance
            assert np.sum(shrinking == signed) == window + 1 - distance
    assert all(len(set(row)) == window + 1 for row in offsets.tolist())


def test_neighbours_are_of_the_same_sentence_and_within_the_window():
    sentences = [[f"{s}.{i}" for i in range(n)] for s, n in enumerate([1, 2, 9, 30, 3])]
    taught = course(sentences, window=3)
    lessons, n_pairs = taught.lessons(0, 0)
    words = taught.corpus.vocabulary.words
    seen = 0
    for middle, outputs, labels, weights in zip(*lessons[:1], *lessons[2:], strict=True):
        sentence, place = words[middle[0]].split(".")
        for other in outputs[(labels == 1) & (weights > 0)]:
            where, at = words[other].split(".")
            assert where == sentence
            assert 1 <= abs(int(at) - int(place)) <= 3
            seen += 1
    assert seen == n_pairs > 40
    assert lessons.weights[labels_are_no(lessons)].sum() == pytest.approx(3 * n_pairs, rel=1e-5)


def labels_are_no(lessons):
    return lessons.labels == 0


def test_noise_is_drawn_by_the_power_of_three_quarters():
    counts = np.array([4000, 700, 90, 9, 1])
    noise = Noise(counts, 5)
    expected = counts**0.75 / np.sum(counts**0.75)
    assert np.bincount(noise.table) / len(noise.table) == pytest.approx(expected, abs=2e-5)
    draws = np.random.default_rng(0).integers(0, 2**32, 10**6, dtype=np.uint32)
    target = np.zeros((10**5, 1), np.int32)
    outputs, labels, weights = noise.outputs(target, target == 0, draws)
    drawn = np.bincount(outputs[:, 1:].ravel(), minlength=5) / outputs[:, 1:].size
    assert drawn == pytest.approx(expected, abs=2e-3)
    assert labels.sum(axis=1).tolist() == [1.0] * 10**5
    assert (weights == 1).all()


def test_common_words_are_left_out_as_word2vec_does():
    rng = np.random.default_rng(1)
    sentences = rng.choice(["the", "of", "rare"], (4000, 10), p=[0.9, 0.09, 0.01]).tolist()
    taught = course(sentences, sample=1e-2)
    parts = range(taught.corpus.n_chunks)
    ids = np.concatenate([taught.lessons(e, i)[0].inputs[:, 0] for e in range(3) for i in parts])
    share = taught.corpus.vocabulary.counts / 40_000
    kept = np.bincount(ids) / (3 * taught.corpus.vocabulary.counts)
    assert kept == pytest.approx(np.minimum(1, np.sqrt(0.01 / share) + 0.01 / share), abs=0.02)


def test_epochs_draw_anew_and_seeds_too():
    taught = course(two_topics(50))
    first = taught.lessons(0, 0)[0]
    assert all(np.array_equal(a, b) for a, b in zip(first, taught.lessons(0, 0)[0], strict=True))
    for other in (taught.lessons(1, 0), replace(taught, seed=1).lessons(0, 0)):
        assert not np.array_equal(first.outputs, other[0].outputs)


def test_ways_through_the_tree_are_probabilities():
    counts = [5, 1, 1, 2, 9]
    ways, rng = Ways(huffman_tree(counts)), np.random.default_rng(0)
    word, nodes = rng.normal(size=3), rng.normal(size=(4, 3))
    costs = []
    for target in range(5):
        near = np.array([[True]])
        outputs, labels, weights = ways.outputs(np.array([[target]]), near, np.zeros(0, np.uint32))
        costs.append(surprise(nodes[outputs[0]] @ word, labels[0], weights[0]))
    assert np.exp(-np.array(costs)).sum() == pytest.approx(1)


# Gradients and losses -----------------------------------------------------------------------------


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_gradients_are_those_of_the_lecture():
    # Jurafsky and Martin, "Speech and language processing", 3rd edition, learning skip-gram
    # embeddings: w the word, c_pos what stood near it, c_neg each word of noise.
    rng = np.random.default_rng(0)
    w, c_pos, c_neg = rng.normal(size=4), rng.normal(size=4), rng.normal(size=(3, 4))
    network = TwoTables(1, 4, 4, seed=0)
    network.inner, network.outer = w[None], np.vstack([c_pos, c_neg])
    rows = np.zeros((1, 1), int), np.ones((1, 1)), np.arange(4)[None]
    answers = np.array([[1.0, 0, 0, 0]]), np.ones((1, 4))
    value, gradient = cr.value_and_grad(loss_of)(network, *rows, *answers)
    by_hand = -np.log(sigmoid(c_pos @ w)) - np.log(sigmoid(-c_neg @ w)).sum()
    assert value == pytest.approx(by_hand)
    of_pos = (sigmoid(c_pos @ w) - 1) * w
    of_neg = sigmoid(c_neg @ w)[:, None] * w
    of_w = (sigmoid(c_pos @ w) - 1) * c_pos + sigmoid(c_neg @ w) @ c_neg
    assert gradient.outer == pytest.approx(np.vstack([of_pos, of_neg]))
    assert gradient.inner[0] == pytest.approx(of_w)


@pytest.mark.parametrize("whole", [False, True])
def test_a_step_goes_down_the_gradient_and_m_times_as_far_for_each_vector_of_a_mean(whole):
    rng = np.random.default_rng(1)
    network = TwoTables(9, 9, 4, seed=0)
    network.inner, network.outer = rng.normal(size=(2, 9, 4))
    inputs, outputs = np.array([[0, 1, 2], [3, 4, 0]]), np.array([[5, 5], [6, 1]])
    shares = np.array([[1, 1, 1], [1.5, 1.5, 0]]) / 3
    labels, weights = np.array([[1.0, 0], [1, 0]]), np.array([[1.0, 2], [1, 0]])
    rows = inputs, shares, outputs, labels, weights
    value, gradient = cr.value_and_grad(loss_of)(network, *rows)
    carry = TwoTables(9, 9, 4, seed=0)
    carry.inner, carry.outer = network.inner.copy(), network.outer.copy()
    moved, loss = step(whole)(carry, rows, 0.1)
    assert loss == pytest.approx(value)
    m = np.array([3, 3, 3, 2, 2, 0, 0, 0, 0])[:, None]
    assert moved.inner == pytest.approx(network.inner - 0.1 * m * gradient.inner)
    assert moved.outer == pytest.approx(network.outer - 0.1 * gradient.outer)


def test_the_cost_of_a_pair_derives_as_in_the_lecture_and_explains():
    vectors = small(vector_size=3).fit(two_topics(20))
    explanation = vectors.explain_("cat", "dog", ["saw", "axe"])
    assert explanation.ok
    w = vectors.vector("cat").astype(float)
    outer = vectors.network_.outer[[vectors.vocabulary_[x] for x in ("dog", "saw", "axe")]]
    errors = sigmoid(outer.astype(float) @ w) - [1, 0, 0]
    assert explanation.gradients["word"] == pytest.approx(errors @ outer, rel=1e-4)
    assert explanation.gradients["others"] == pytest.approx(np.outer(errors, w), rel=1e-4)
    tree = small(vector_size=3, loss="hierarchical").fit(two_topics(20))
    assert tree.explain_("cat", "dog").ok
    with pytest.raises(ArgumentError, match="no words of noise"):
        tree.explain_("cat", "dog", ["saw"])


@pytest.mark.parametrize("options", KINDS)
def test_the_loss_reported_is_the_mean_of_the_pairs_taught(options):
    estimator = small(learning_rate=1e-9, epochs=1, window=2, **options)
    history = estimator.fit(two_topics(40)).history_
    # With output vectors of zero each yes and no costs log 2.
    decisions = 1 + estimator.negative
    if estimator.loss == "hierarchical":
        sentences = two_topics(40)
        counts = estimator.vocabulary_.counts
        taught = Curriculum(
            read_sentences(sentences, str.split, 1),
            2,
            0.0,
            estimator.model == "skip-gram",
            Ways(huffman_tree(counts)),
            None,
            0,
        )
        lessons, n_pairs = taught.lessons(0, 0)
        decisions = lessons.weights.sum() / n_pairs
    assert history[0].loss == pytest.approx(decisions * math.log(2), rel=1e-5)


def test_the_learning_rate_falls_linearly():
    rates = small(epochs=4, learning_rate=0.04, batch_size=1).fit(two_topics(50)).history_["lr"]
    assert rates == pytest.approx([0.03, 0.02, 0.01, 0.0], abs=1e-4)


def test_few_words_teach_at_once_where_they_meet_in_few_rows():
    rng = np.random.default_rng(0)
    few, many = (rng.integers(0, n, (200, 20)).astype(str).tolist() for n in (10, 10_000))
    sizes = [course(text, negative=5).batch_size(0.1) for text in (few, many)]
    # Of ten words each is a third of all decisions of a word: (2 + 1) * (1 + 5) / 10.
    assert sizes[0] == pytest.approx(2 / (0.1 * 1.8), abs=2)
    assert sizes[1] == 256


# The same bits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", KINDS[:2])
def test_any_number_of_threads_gives_the_same_bits(options, monkeypatch):
    pytest.importorskip("numba")
    found = []
    for n in (1, 2, 3):
        monkeypatch.setattr(numba_engine, "n_processors", lambda n=n: n)
        learned = small(engine="numba", **options).fit(two_topics(100))
        found.append((learned.network_.inner, learned.network_.outer, learned.history_["loss"]))
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("options", KINDS[:2])
def test_engines_agree(options):
    pytest.importorskip("numba")
    one = small(**options).fit(two_topics(60))
    other = small(engine="numba", **options).fit(two_topics(60))
    assert one.vectors_ == pytest.approx(other.vectors_, abs=2e-5)


def test_texts_tokens_generators_and_files_give_the_same_bits(tmp_path):
    tokens = two_topics(30)
    texts = [" ".join(words) for words in tokens]
    path = tmp_path / "text.txt"
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    expected = small().fit(tokens).vectors_
    for X in (texts, iter(texts), path):
        assert np.array_equal(small().fit(X).vectors_, expected)


def test_long_texts_wait_in_a_file(monkeypatch):
    sentences = two_topics(200)
    whole = read_sentences(sentences, str.split, 2)
    monkeypatch.setattr(word_sentences, "_BLOCK", 100)
    monkeypatch.setattr(word_sentences, "_IN_MEMORY", 250)
    monkeypatch.setattr(word_sentences, "CHUNK", 500)
    spooled = read_sentences(iter(sentences), str.split, 2)
    assert isinstance(spooled.tokens, np.memmap)
    assert np.array_equal(spooled.tokens, whole.tokens)
    assert spooled.vocabulary.words == whole.vocabulary.words
    parts = [spooled.part(i)[0] for i in range(spooled.n_chunks)]
    assert len(parts) > 5
    assert np.array_equal(np.concatenate(parts), whole.part(0)[0])


def test_sentences_are_cut_where_they_are_very_long():
    corpus = read_sentences([["a", "b"] * 10_000], str.split, 1)
    assert corpus.ends.tolist() == [10_000, 20_000]


class Crash(Callback):
    """Fails after some parts of the text."""

    def __init__(self, after):
        self.left = after

    def on_progress(self, state):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [1, 3, 5])
def test_resumed_training_ends_in_the_same_bits(after, tmp_path, monkeypatch):
    monkeypatch.setattr(word_sentences, "CHUNK", 1000)
    sentences, options = two_topics(150), {"epochs": 3, "subwords": (2, 3)}
    whole = small(**options).fit(sentences)
    place, crashed = Checkpoint(tmp_path, every_steps=2), small(**options)
    with pytest.raises(Interrupted, match="resume=True"):
        crashed.fit(sentences, checkpoint=place, callbacks=[Crash(after)])
    with pytest.raises(NotFittedError):
        crashed.vector("cat")
    again = small(**options).fit(sentences, checkpoint=place, resume=True)
    assert np.array_equal(again.vectors_, whole.vectors_)
    assert again.history_["loss"] == whole.history_["loss"]
    with pytest.raises(ArgumentError, match="window"):
        small(window=3, **options).fit(sentences, checkpoint=place, resume=True)
    with pytest.raises(ArgumentError, match="checksum"):
        small(**options).fit(two_topics(150, seed=1), checkpoint=place, resume=True)


# Quality ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", KINDS)
def test_words_of_a_topic_are_neighbours(options):
    vectors = small(epochs=8, learning_rate=0.1, **options).fit(two_topics(100))
    for kind in (ANIMALS, TOOLS):
        for word in kind:
            near = [other for other, _ in vectors.most_similar(word, n=5)]
            assert set(near) <= set(kind), (word, near)
    assert vectors.similarity("cat", "dog") > vectors.similarity("cat", "saw")
    losses = vectors.history_["loss"]
    assert losses[-1] < losses[0]


def planted():
    """Return an estimator with vectors that were not learned."""
    vectors = small().fit([["man", "woman", "king", "queen", "oil"]])
    words = {"man": (1, 0, 0, 0), "woman": (1, 1, 0, 0), "king": (1, 0, 1, 0),
             "queen": (1, 1, 1, 0), "oil": (1, -1, 1, 0)}  # fmt: skip
    vectors.vectors_ = np.array([words[w] for w in vectors.vocabulary_.words], np.float32)
    return vectors


def test_analogies_and_similarities_of_planted_vectors():
    vectors = planted()
    assert vectors.analogy("man", "woman", "king")[0][0] == "queen"
    questions = {
        "a": [("man", "woman", "king", "queen"), ("man", "king", "woman", "oil")],
        "b": [("man", "woman", "King", "Queen"), ("man", "woman", "boy", "girl")],
    }
    score = vectors.evaluate_analogies(questions)
    assert (score.accuracy, score.known, score.total) == (2 / 3, 3, 4)
    assert score.sections == {"a": (1, 2, 2), "b": (1, 1, 2)}
    pairs = [("man", "woman", 8.0), ("king", "queen", 9.0), ("man", "oil", 1.0), ("x", "y", 1.0)]
    spearman, known, total = vectors.evaluate_similarity(pairs)
    assert (spearman, known, total) == (pytest.approx(1.0), 3, 4)
    assert math.isnan(vectors.evaluate_similarity(pairs[3:]).spearman)


def test_words_never_seen_have_vectors_by_their_ngrams():
    vectors = small(subwords=(2, 4)).fit([["walking", "walked", "talking", "talked"]] * 20)
    unseen = vectors.vector("talks")
    assert unseen.shape == (8,)
    assert np.isfinite(unseen).all()
    assert vectors.most_similar("talks", n=1)
    with pytest.raises(DataError, match="'zzz'"):
        vectors.vector("zzz")
    n = len(vectors.vocabulary_)
    parts = vectors._parts(vectors.vocabulary_, vectors._ngrams)
    at = vectors.vocabulary_["walked"]
    rows = parts.rows[at][parts.there[at] > 0]
    assert vectors.vector("walked") == pytest.approx(vectors.network_.inner[rows].mean(axis=0))
    assert rows[0] == at
    assert (rows[1:] >= n).all()


def test_texts_are_the_means_of_their_words():
    vectors = small().fit(two_topics(20))
    rows = vectors.transform(["cat zebra dog", [], ["saw"]])
    assert rows[0] == pytest.approx((vectors.vector("cat") + vectors.vector("dog")) / 2)
    assert not rows[1].any()
    assert np.array_equal(rows[2], vectors.vector("saw"))
    assert rows.dtype == np.float32
    assert np.array_equal(
        small().fit_transform(iter(two_topics(20))), vectors.transform(two_topics(20))
    )


# Files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", KINDS[::2])
def test_saved_estimators_come_back(options, tmp_path):
    vectors = small(tokenizer=WordTokenizer(lowercase=True), **options).fit(two_topics(20))
    vectors.save(tmp_path / "vectors")
    again = Saved.load(tmp_path / "vectors")
    assert np.array_equal(again.vectors_, vectors.vectors_)
    assert again.history_ == vectors.history_
    assert repr(again) == repr(vectors)
    assert again.most_similar("cat") == vectors.most_similar("cat")


@pytest.mark.parametrize("spoil", [
    lambda facts, arrays: facts["vocabulary"]["words"].pop(),
    lambda facts, arrays: facts.pop("history"),
    lambda facts, arrays: arrays.pop("inner"),
    lambda facts, arrays: arrays.update(inner=arrays["inner"][:, :3]),
    lambda facts, arrays: arrays.update(outer=arrays["outer"].astype(np.int32)),
    lambda facts, arrays: arrays.update(ngrams=np.array([1], np.int32)),
])  # fmt: skip
def test_damaged_files_are_refused(spoil, tmp_path):
    small(subwords=(2, 3)).fit(two_topics(20)).save(tmp_path / "vectors")
    arrays, metadata = load_tensors(tmp_path / "vectors")
    document, arrays = json.loads(metadata["chainrule"]), dict(arrays)
    spoil(document["facts"], arrays)
    save_tensors(tmp_path / "vectors", arrays, {"chainrule": json.dumps(document)})
    with pytest.raises(FileFormatError, match="vectors"):
        WordVectors.load(tmp_path / "vectors")


@pytest.mark.parametrize("binary", [False, True])
def test_vectors_are_written_for_others(binary, tmp_path):
    vectors = small().fit(two_topics(20))
    vectors.save_vectors(tmp_path / "words.vec", binary=binary)
    table = load_vectors(tmp_path / "words.vec")
    assert table.words == vectors.vocabulary_.words
    assert np.array_equal(table.vectors, vectors.vectors_)


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(WordVectors.allowed))
def test_arguments_out_of_range_are_refused(name):
    for value in WordVectors.allowed[name].bad_values():
        with pytest.raises(ArgumentError, match=name):
            WordVectors(**{name: value}).fit(two_topics(2))


@pytest.mark.parametrize("batch_size", COUNT.bad_values())
def test_odd_batch_sizes_are_refused(batch_size):
    if batch_size is not None:
        with pytest.raises(ArgumentError, match="batch_size"):
            WordVectors(batch_size=batch_size).fit(two_topics(2))


@pytest.mark.parametrize("subwords", [(3,), (6, 3), (0, 3), 3, (1.5, 2), "36", (3, 1000)])
def test_odd_lengths_of_ngrams_are_refused(subwords):
    with pytest.raises(ArgumentError, match="subwords"):
        WordVectors(subwords=subwords).fit(two_topics(2))


@pytest.mark.parametrize(("X", "message"), [
    ([], "0 of 0 words"), ([[]], "0 of 0"), ([["a", "a"]], "1 of 1"), (7, "int"),
    ([["a", "b"], 3], "number 1"), ([["a", 3]], "number 0"), ([None], "number 0"),
    ([{"a": 1}], "number 0"), ([["a"], ["b"]], "stand near each other"),
    (Path("no such file.txt"), "no such file"),
])  # fmt: skip
def test_odd_texts_are_refused(X, message):
    with pytest.raises(ChainruleError, match=message):
        small().fit(X)


def test_odd_words_are_words():
    odd = ["", " ", "\n", "</s>", "<unk>", "\ud800", "é" * 1000, "{0}", "%s", "__import__('os')"]
    vectors = small(subwords=(1, 2)).fit([odd, odd[::-1]] * 3)
    assert set(vectors.vocabulary_.words) == set(odd)
    assert np.isfinite(vectors.vectors_).all()


@settings(max_examples=25)
@given(st.lists(st.lists(st.text(max_size=3), max_size=12), max_size=12), st.booleans())
def test_any_text_is_learned_or_refused(sentences, skip_gram):
    model = "skip-gram" if skip_gram else "cbow"
    try:
        vectors = small(vector_size=2, epochs=1, model=model, engine="interpreter").fit(sentences)
    except DataError:
        vectors = None
    known = {word for words in sentences for word in words}
    assert (vectors is None) == (len(known) < 2 or max(map(len, sentences)) < 2)
    assert vectors is None or np.isfinite(vectors.vectors_).all()


def test_questions_before_learning_and_unknown_words_are_refused():
    for ask in (
        lambda v: v.vector("a"),
        lambda v: v.most_similar("a"),
        lambda v: v.transform([]),
        lambda v: v.evaluate_similarity([]),
        lambda v: v.evaluate_analogies({}),
    ):
        with pytest.raises(NotFittedError):
            ask(WordVectors())
    vectors = small().fit(two_topics(10))
    for ask in (
        lambda v: v.vector("zebra"),
        lambda v: v.most_similar("zebra"),
        lambda v: v.analogy("cat", "dog", "zebra"),
        lambda v: v.explain_("zebra", "cat"),
    ):
        with pytest.raises(DataError, match="'zebra'"):
            ask(vectors)
    with pytest.raises(ArgumentError, match="give a word"):
        vectors.most_similar()


def test_it_is_cloned_and_searched_as_scikit_learn_does():
    base = pytest.importorskip("sklearn.base")
    copy = base.clone(small(window=3))
    assert copy.get_params() == small(window=3).get_params()
