"""N-gram models against KenLM's figures, against formulas written out slowly, and by hand."""

import math
import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import ArgumentError, DataError, NotFittedError, ShapeError
from chainrule.text import BOS, EOS, PAD, UNK, Vocabulary
from chainrule.text.ngrams import (
    SMOOTHINGS,
    AbsoluteDiscounting,
    Counts,
    GoodTuring,
    JelinekMercer,
    Katz,
    KneserNey,
    Laplace,
    ModifiedKneserNey,
    NGramModel,
)
from chainrule.text.ngrams.jelinek_mercer import BUCKETS

KENLM = Path(__file__).parent / "kenlm"
RHYME = [line.split() for line in (KENLM / "rhyme.txt").read_text("utf-8").splitlines()]
NOVEL = [line.split() for line in (KENLM / "novel.txt").read_text("utf-8").splitlines()]
ASKED = [
    "the family of dashwood was large .",
    "her son lived in the house of her nephew",
    "mrs bennet",
    "",
]

sentences = st.lists(st.lists(st.sampled_from("abcd"), max_size=6), min_size=1, max_size=8)
orders = st.integers(1, 4)


def fitted(smoothing, order, text):
    return NGramModel(order, smoothing).fit(text)


# --- KenLM ---------------------------------------------------------------------------------------


def listed(model):
    """Return every n-gram in words, with the logarithms that ARPA files have."""
    table, words = model.table_, model.vocabulary_.words
    grams, found = np.arange(table.size)[:, None], {}
    for k, log_probs in enumerate(table.log_probs):
        if k:
            keys = table.keys[k - 1]
            grams = np.column_stack([grams[keys // table.size], keys % table.size])
        weights = table.log_weights[k] if k < table.order - 1 else np.zeros(len(log_probs))
        for gram, score, weight in zip(grams, log_probs, weights, strict=True):
            found[" ".join(words[i] for i in gram)] = (score, weight)
    return found


@pytest.mark.parametrize(("name", "text"), [("novel", NOVEL), ("rhyme", RHYME)])
def test_every_figure_is_that_of_lmplz(name, text):
    ours = listed(NGramModel(3).fit(text))
    theirs = listed(NGramModel.load_arpa(KENLM / f"{name}.arpa"))
    assert ours.keys() == theirs.keys()
    for gram, figures in ours.items():
        np.testing.assert_allclose(figures, theirs[gram], atol=3e-6, err_msg=gram)


@pytest.mark.parametrize(
    ("name", "marked", "expected"),
    [  # query -v sentence [-n] of KenLM 0.3.0
        ("novel", True, [-10.794942, -20.392572, -7.58575, -2.5082119]),
        ("novel", False, [-10.1694145, -17.830002, -5.077538, 0]),
        ("rhyme", True, [-13.345768, -16.927177, -6.363881, -2.6732984]),
    ],
)
def test_sentences_score_as_in_kenlm(name, marked, expected):
    model = NGramModel.load_arpa(KENLM / f"{name}.arpa")
    scores = [model.score(text.split(), bos=marked, eos=marked) for text in ASKED]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_a_novel_has_the_perplexity_that_kenlm_tells(shared_data):
    import gzip

    def read(part):
        text = gzip.decompress(shared_data(f"austen/{part}.txt.gz").read_bytes()).decode().lower()
        paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
        return [re.findall(r"\w+(?:'\w+)*|--|[^\w\s]", text) for text in paragraphs if text]

    model = NGramModel(3).fit(read("train"))
    assert model.perplexity(read("test")) == pytest.approx(171.92965, rel=1e-6)  # lmplz and query


# --- Formulas, written out -----------------------------------------------------------------------


class Slow:
    """Probabilities by the formulas of Chen and Goodman, from dictionaries, one at a time."""

    def __init__(self, text, order):
        self.order, self.grams = order, defaultdict(Counter)
        for sentence in text:
            marked = [BOS, *sentence, EOS]
            for end in range(1, len(marked)):
                for k in range(1, order + 1):
                    begin = end - k + 1
                    if begin >= 0:
                        self.grams[k][tuple(marked[begin : end + 1])] += 1
        self.words = sorted({UNK, EOS} | {gram[0] for gram in self.grams[1]})
        self.tables = {
            (k, continuation): self._divided(self.counts(k, continuation))
            for k in range(1, order + 1)
            for continuation in (False, True)
        }

    def _divided(self, counts):
        found = defaultdict(dict)
        for gram, n in counts.items():
            found[gram[:-1]][gram[-1]] = n
        return found, Counter(counts.values())

    def counts(self, k, continuation):
        """Return how often the n-grams of an order come, or after how many different words."""
        if not continuation or k == self.order:
            return self.grams[k]
        found = Counter({g: n for g, n in self.grams[k].items() if g[0] == BOS})
        for gram in self.grams[k + 1]:
            found[gram[1:]] += 1
        return found

    def after(self, history, continuation=False):
        return self.tables[len(history) + 1, continuation][0].get(history, {})

    def prob(self, word, history, smoothing):
        return getattr(self, type(smoothing).__name__)(word, tuple(history), smoothing)

    def Laplace(self, word, history, smoothing):  # noqa: N802
        found = self.after(history)
        add, total = smoothing.add, sum(found.values())
        return (found.get(word, 0) + add) / (total + add * len(self.words))

    def _turing(self, r, k, cutoff):
        n = self.tables[k, False][1]
        trusted = (cutoff + 1) * n[cutoff + 1]
        if r > cutoff or not n[1] or trusted >= n[1]:
            return 1.0
        star = (r + 1) * n[r + 1] / n[r]
        factor = (star / r - trusted / n[1]) / (1 - trusted / n[1])
        return factor if 0 < factor < 1 else 1.0

    def _kept(self, history, cutoff):
        k = len(history) + 1
        found = self.after(history)
        kept = {w: r * self._turing(r, k, cutoff) for w, r in found.items()}
        total = sum(found.values())
        if sum(kept.values()) > total - 1e-9:
            total += 1
        return {w: r / total for w, r in kept.items()}

    def _backed_off(self, word, kept, lower):
        unmet = sum(lower(w) for w in self.words if w not in kept)
        if unmet < 1e-12:
            return kept[word] / sum(kept.values())
        if word in kept:
            return kept[word]
        return (1 - sum(kept.values())) / unmet * lower(word)

    def GoodTuring(self, word, history, smoothing):  # noqa: N802
        kept = self._kept(history, smoothing.cutoff)
        return self._backed_off(word, kept, lambda w: 1 / len(self.words))

    @cache  # noqa: B019
    def Katz(self, word, history, smoothing):  # noqa: N802
        def lower(w):
            return self.Katz(w, history[1:], smoothing) if history else 1 / len(self.words)

        return self._backed_off(word, self._kept(history, smoothing.cutoff), lower)

    def _interpolated(self, word, history, continuation, discounts):
        off = discounts(self.tables[len(history) + 1, continuation][1])
        lower = (
            self._interpolated(word, history[1:], continuation, discounts)
            if history
            else 1 / len(self.words)
        )
        found = self.after(history, continuation)
        if not found:
            return lower
        total = sum(found.values())
        left = sum(off(n) for n in found.values()) / total
        own = found.get(word, 0)
        return (own - off(own) if own else 0) / total + left * lower

    def _one(self, n):
        return lambda count: n[1] / (n[1] + 2 * n[2]) if n[1] else 0.5

    def AbsoluteDiscounting(self, word, history, smoothing):  # noqa: N802
        return self._interpolated(word, history, False, self._one)

    def KneserNey(self, word, history, smoothing):  # noqa: N802
        return self._interpolated(word, history, True, self._one)

    def ModifiedKneserNey(self, word, history, smoothing):  # noqa: N802
        def three(n):
            found = [0.5, 1.0, 1.5]
            if n[1] and n[2] and n[3]:
                y = n[1] / (n[1] + 2 * n[2])
                own = [r - (r + 1) * y * n[r + 1] / n[r] for r in (1, 2, 3)]
                if all(0 < d <= r for r, d in enumerate(own, 1)):
                    found = own
            return lambda count: found[min(count, 3) - 1]

        return self._interpolated(word, history, True, three)

    def JelinekMercer(self, word, history, smoothing):  # noqa: N802
        lower = 1 / len(self.words)
        if history:
            lower = self.JelinekMercer(word, history[1:], smoothing)
        found = self.after(history)
        if not found:
            return lower
        total = sum(found.values())
        weight = smoothing.weights[len(history)][min(int(math.log2(total)), 11)]
        return weight * found.get(word, 0) / total + (1 - weight) * lower


ALL = [
    Laplace(0.5),
    GoodTuring(2),
    Katz(1),
    Katz(5),
    JelinekMercer([[0.9 - 0.05 * b - 0.1 * k for b in range(12)] for k in range(4)]),
    AbsoluteDiscounting(),
    KneserNey(),
    ModifiedKneserNey(),
]


@pytest.mark.parametrize("smoothing", ALL, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("text", [RHYME[:5], NOVEL[1:]], ids=["rhyme", "novel"])
def test_probabilities_are_those_of_the_formulas(smoothing, text):
    order = 3
    slow, model = Slow(text, order), fitted(smoothing, order, text)
    for sentence in text:
        marked = [BOS, *sentence[:15]]
        for end in range(1, len(marked)):
            history = marked[max(0, end - order + 1) : end]
            for word in (marked[end], EOS, UNK, "the"):
                expected = slow.prob(word, history, smoothing)
                assert model.prob(word, history) == pytest.approx(expected, rel=1e-9), history


@settings(max_examples=25)
@given(text=sentences, order=orders, history=st.lists(st.sampled_from([BOS, *"abcd"]), max_size=5))
@pytest.mark.parametrize("smoothing", ALL, ids=lambda each: type(each).__name__)
def test_probabilities_add_up_to_one_after_any_history(smoothing, text, order, history):
    model = fitted(smoothing, order, text)
    chances = model.distribution(history)
    assert chances.sum() == pytest.approx(1, abs=1e-9)
    assert (np.delete(chances, model.vocabulary_.bos) > 0).all()
    assert chances[model.vocabulary_.bos] == 0


@settings(max_examples=25)
@given(text=sentences, order=orders)
@pytest.mark.parametrize("smoothing", ALL, ids=lambda each: type(each).__name__)
def test_a_stream_a_window_and_a_question_have_the_same_answer(smoothing, text, order):
    model = fitted(smoothing, order, text)
    vocabulary = model.vocabulary_
    stream = vocabulary.ids([w for s in text for w in (BOS, *s, EOS)])
    scores = model.log_probs_ids(stream)
    padded = np.concatenate([np.full(6, vocabulary.bos), stream])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 7)
    np.testing.assert_allclose(model.log_probs(windows), scores, rtol=1e-12)
    for at, word in enumerate(stream):
        if word != vocabulary.bos:
            told = math.log(model.prob(word, stream[max(0, at - 6) : at]))
            assert scores[at] == pytest.approx(told, rel=1e-12)
        else:
            assert scores[at] == 0
    total = sum(model.score(sentence) for sentence in text)
    assert scores.sum() / math.log(10) == pytest.approx(total)


def test_good_turing_by_hand():
    text = [["a", "b"], ["a", "b"], ["a", "c"], ["a"]]
    model = fitted(GoodTuring(1), 2, text)
    # (<s> a) 4, (a b) 2, (b </s>) 2, (a c) 1, (c </s>) 1, (a </s>) 1: n1 = 3, n2 = 2.
    # With a cut-off of 1: (k + 1) n2 / n1 = 4/3 > 1, so that every count is trusted, and the
    # denominators grow by one to leave something: 1 of 5, shared by <unk> and "a".
    assert model.prob("b", ["a"]) == pytest.approx(2 / 5)
    assert model.prob("a", ["a"]) == pytest.approx(1 / 5 / 2)


# --- Weights that are learned --------------------------------------------------------------------


def test_the_weights_found_are_the_best_for_the_text_held_out():
    held = NOVEL[1:]
    model = NGramModel(2, "jelinek-mercer").fit(NOVEL[:1] + RHYME, held_out=held)
    found = model.smoothing_.weights

    def evidence(weights):
        # The two failures and successes that each weight starts with are part of what is maximised.
        prior = sum(math.log(w) + math.log(1 - w) for row in weights for w in row)
        other = NGramModel(2, JelinekMercer(weights)).fit(NOVEL[:1] + RHYME)
        other.vocabulary_ = model.vocabulary_
        return sum(other.score(s) for s in held) * math.log(10) + prior

    best = evidence(found)
    for order in range(2):
        for bucket in range(BUCKETS):
            for step in (-0.02, 0.02):
                moved = [list(row) for row in found]
                moved[order][bucket] += step
                assert evidence(moved) < best


def test_without_a_text_held_out_the_last_tenth_is_used_and_learned_from():
    model = fitted("jelinek-mercer", 3, NOVEL + RHYME)
    weights = model.smoothing_.weights
    same = fitted(JelinekMercer(weights), 3, NOVEL + RHYME)
    assert listed(model) == listed(same)


# --- Streams of ids ------------------------------------------------------------------------------


def test_a_stream_without_marks_is_one_text():
    vocabulary = Vocabulary([PAD, UNK, BOS, EOS, "a", "b"])
    ids = np.array([4, 5, 3, 4, 4, 5, 3], np.int32)
    model = NGramModel(3).fit_ids(ids, vocabulary)
    # "a" comes after "b </s>": histories go on over the ends of sentences.
    assert model.prob("a", ["b", EOS]) > model.prob("a", ["a", EOS])
    assert model.log_probs_ids(ids).shape == ids.shape
    first = math.log(model.prob("a", [BOS]))
    assert model.log_probs_ids(ids)[0] == pytest.approx(first)
    assert model.distribution(["a"])[:1] == 0  # <pad>
    assert model.distribution(["a"]).sum() == pytest.approx(1)


def test_ids_need_no_vocabulary():
    ids = np.random.default_rng(0).integers(0, 5, 200)
    model = NGramModel(2, "kneser-ney").fit_ids(ids, 6)
    assert model.prob(5, [0]) > 0
    assert model.log_probs(ids[None, :4])[0] == model.log_probs_ids(ids)[3]
    assert model.distribution([3]).sum() == pytest.approx(1)
    with pytest.raises(ArgumentError, match="ask it for ids"):
        model.perplexity([["a"]])


def test_words_below_a_cut_off_are_one_unknown_word():
    vocabulary = Vocabulary.of(NOVEL, min_count=2, specials=(UNK, BOS, EOS))
    model = NGramModel(2).fit(NOVEL, vocabulary=vocabulary)
    chances = model.distribution(["the"])
    assert len(chances) == len(vocabulary)
    assert model.prob("never met", ["the"]) == chances[vocabulary.unk] > 0.2


def test_counts_of_counts_are_of_what_was_met():
    counts = Counts.of(np.array([0, 1, 0, 1, 2, 1]), order=2, size=4)
    assert counts.levels[0].counts.tolist() == [2, 3, 1, 0]
    assert counts.levels[1].counts.tolist() == [2, 1, 1, 1]
    assert counts.continuations(1).tolist() == [1, 2, 1, 0]


# --- Generation, perplexity, refusals ------------------------------------------------------------


def test_generation_is_repeatable_and_follows_the_text():
    model = fitted(AbsoluteDiscounting(discount=1e-9), 3, RHYME)
    drawn = model.generate(seed=3, max_length=200)
    assert drawn == model.generate(seed=3, max_length=200)
    assert drawn[:3] == ["This", "is", "the"]
    assert drawn[-4:] == ["that", "Jack", "built", "."]
    assert len(model.generate(max_length=2)) == 2
    cold = [model.generate(("in", "the"), seed=s, temperature=0.01)[0] for s in range(5)]
    assert set(cold) == {"house"}


def test_perplexity_is_that_of_the_mean_bits():
    model = fitted("katz", 2, NOVEL)
    words = sum(len(sentence) + 1 for sentence in RHYME)
    score = sum(model.score(sentence) for sentence in RHYME)
    assert model.perplexity(RHYME) == pytest.approx(10 ** (-score / words))
    assert model.bits(RHYME) == pytest.approx(math.log2(model.perplexity(RHYME)))


def test_an_order_that_no_text_reaches_changes_nothing():
    assert fitted("modified-kneser-ney", 9, [["a", "b"]]).prob("b", [BOS, "a"]) > 0.5


@pytest.mark.parametrize("name", sorted(SMOOTHINGS))
def test_names_stand_for_smoothings(name):
    text = NOVEL + RHYME
    assert type(fitted(name, 2, text).smoothing_) is SMOOTHINGS[name]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: NGramModel(0), "order must be a whole number in"),
        (lambda: NGramModel(2, "good"), "smoothing must be one of 'laplace'"),
        (lambda: Laplace(0), "Laplace: add must be"),
        (lambda: Katz(1.5), "Katz: cutoff must be a whole number"),
        (lambda: KneserNey(1.5), "KneserNey: discount must be"),
        (lambda: ModifiedKneserNey((1, 2)), "discounts must be three"),
        (lambda: ModifiedKneserNey((1, 2, 4)), r"discounts\[2\] must be"),
        (lambda: JelinekMercer([[0.5]]), "weights must be 12 numbers"),
        (lambda: NGramModel().fit(RHYME, held_out=RHYME), "learns nothing from a text held out"),
        (lambda: NGramModel().prob("a"), "call fit first"),
        (lambda: NGramModel().fit([]), "has no words"),
        (lambda: NGramModel().fit(RHYME, vocabulary=Vocabulary(["a"])), "needs <unk>, <s>, </s>"),
        (lambda: NGramModel().fit_ids(np.array([0, 9]), 5), "whole numbers from 0 to 4"),
        (lambda: NGramModel().fit_ids(np.array([[0]]), 5), "must have 1 dimensions"),
        (lambda: NGramModel().fit_ids(np.array([0, 1]), Vocabulary([PAD, "a"])), "holds <pad>"),
        (lambda: NGramModel().fit(RHYME).perplexity([]), "no sentences"),
        (lambda: NGramModel().fit(RHYME).generate(temperature=0), "temperature must be"),
    ],
)
def test_refusals_say_what_is_wrong(wrong, message):
    errors = (ArgumentError, DataError, NotFittedError, ShapeError)
    with pytest.raises(errors, match=message):
        wrong()
