"""Word lists, and the features that a lecture makes of them."""

import math

import numpy as np
import pytest

from chainrule.errors import ArgumentError, DataError, NotFittedError
from chainrule.text import LexiconFeatures, WhitespaceTokenizer, read_scores, read_words

REVIEW = """It's hokey . There are virtually no surprises , and the writing is second-rate .
So why was it so enjoyable ? For one thing , the cast is great . Another nice touch is the music .
I was overcome with the urge to get off the couch and start dancing . It sucked me in , and
it'll do the same to you ."""


class TestFeatures:
    def test_the_lectures_example(self):
        """Jurafsky and Martin's film review: 3, 2, 1, 3, 0 and ln 66."""
        features = LexiconFeatures({"great", "nice", "enjoyable"}, {"hokey", "second-rate"},
                                   tokenizer="whitespace")  # fmt: skip
        X = features.fit_transform([REVIEW])
        assert X.dtype == np.float64
        assert X.tolist() == [[3, 2, 1, 3, 0, math.log(66)]]

    def test_each_feature(self):
        features = LexiconFeatures(["good"], ["bad", "fed up", "fed", "up", "fed up with"])
        X = features.fit_transform(["GOOD good!", "I'm fed up, fed up with it: no", ""])
        assert X[:, :5].tolist() == [[2, 0, 0, 0, 1], [0, 2, 1, 1, 0], [0, 0, 0, 0, 0]]
        assert X[:, 5].tolist() == [math.log(3), math.log(11), 0]
        names = ["positive_words", "negative_words", "has_no", "pronouns", "has_exclamation"]
        assert features.get_feature_names_out().tolist() == [*names, "log_words"]

    def test_nothing(self):
        assert LexiconFeatures([], [" "]).fit_transform([]).shape == (0, 6)
        assert LexiconFeatures([], []).fit().transform(["a"]).tolist() == [[0] * 6]

    @pytest.mark.parametrize(
        ("positive", "X"), [("good", ["a"]), ([1], ["a"]), ([], "a"), ([], [1])]
    )
    def test_strings_are_wanted(self, positive, X):
        with pytest.raises(ArgumentError, match="must be strings"):
            LexiconFeatures(positive, []).fit_transform(X)

    def test_fit_comes_first(self):
        with pytest.raises(NotFittedError):
            LexiconFeatures([], []).transform(["a"])

    def test_in_a_pipeline(self):
        sklearn = pytest.importorskip("sklearn")
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        words = LexiconFeatures({"good"}, {"bad"}, WhitespaceTokenizer())
        model = sklearn.base.clone(make_pipeline(words, LogisticRegression()))
        model.set_params(lexiconfeatures__positive={"fine"})
        model.fit(["fine film", "bad film", "so fine", "too bad"], [1, 0, 1, 0])
        assert model.predict(["fine", "bad"]).tolist() == [1, 0]
        assert model[:-1].get_feature_names_out()[0] == "positive_words"


class TestLists:
    def test_words(self, write):
        path = write("; a comment\n\n a+ \nfed up\na+\n;)\n")
        assert read_words(path) == ["a+", "fed up"]
        assert read_words(path, comment="") == ["; a comment", "a+", "fed up", ";)"]

    def test_scores(self, write):
        path = write("$:\t-1.5\t0.8\t[-1, 2]\nfed up\t-3\n\n$:\t1e0\n")
        assert read_scores(path) == {"$:": 1.0, "fed up": -3.0}

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "there is no word"),
            ("a\t1\nb\n", "row 2: a line is a word, a tab and a score"),
            ("\t1\n", "row 1: a line is a word"),
            ("a\tx\n", "row 1: the score 'x' is no number"),
            ("a\tnan\n", "row 1: the score 'nan' is not finite"),
        ],
    )
    def test_refusals(self, write, content, message):
        with pytest.raises(DataError, match=message):
            read_scores(write(content))

    def test_a_list_without_words(self, write):
        with pytest.raises(DataError, match="there is no word"):
            read_words(write("; nothing\n"))

    @pytest.mark.parametrize(
        ("name", "count"),
        [
            ("AFINN-en-165.txt", 3382),
            ("AFINN-111.txt", 2477),
            ("AFINN-emoticon-8.txt", 96),
            ("AFINN-da-32.txt", 3552),
            ("vader_lexicon.txt.gz", 7520 - 14),
        ],
    )
    def test_real_scores(self, shared_data, name, count):
        assert len(read_scores(shared_data(f"opinion-lexicons/{name}"))) == count

    def test_real_words(self, shared_data):
        positive = read_words(shared_data("opinion-lexicons/hu-liu-positive-words.txt"))
        negative = read_words(shared_data("opinion-lexicons/hu-liu-negative-words.txt"))
        assert (len(positive), len(negative)) == (2006, 4783)
        assert set(positive) & set(negative) == {"envious", "enviously", "enviousness"}
