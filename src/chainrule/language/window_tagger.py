"""`WindowTagger`: parts of speech, entities or other tags of words, from windows around them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from chainrule import nn
from chainrule.constraints import (
    COUNT,
    FRACTION,
    POSITIVE,
    TRUTH,
    Constraint,
    Interval,
    OneOf,
    check,
)
from chainrule.errors import ArgumentError, DataError
from chainrule.graph import Array
from chainrule.language.progress import TokenProgress
from chainrule.language.saved import Saved
from chainrule.language.sentences import Sentences, checked_sentences, checked_tags
from chainrule.language.tag_effects import tag_effects
from chainrule.language.tag_network import TagNetwork
from chainrule.language.tag_scores import TagScores, score_tags
from chainrule.language.texts import held_out
from chainrule.language.windows import Windows, packed
from chainrule.language.word_effects import WordEffects
from chainrule.nn import ACTIVATIONS, chain_marginals, load_parameters, named_parameters
from chainrule.ops.probability import softmax
from chainrule.optim import Adam
from chainrule.optim.schedules import Polynomial
from chainrule.text import WORD_FEATURES, Vocabulary, WordTable, word_table
from chainrule.text.word_features import normal_form
from chainrule.training import Callback, Checkpoint, EarlyStopping, fit
from chainrule.training.metrics import accuracy, of_labels

LOSSES: dict[str, Any] = {"word": nn.cross_entropy, "sentence": nn.chain_nll}
_ROW = 64  # places of a row of words at least, where sentences are scored as wholes
_PLACES = 2**14  # of rows that are decoded at a time


class WindowTagger(Saved):
    """Tags words by a network on the words around them.

    Collobert and others, "Natural language processing (almost) from scratch" (JMLR 2011), section
    3. The first layer looks up a vector for each word of the window, which is to multiply the
    word's one-hot vector by the table; the tables are learned together with the layers above.
    Features of words, such as their capitals and endings, have vectors of their own.

    Parameters
    ----------
    window : int >= 0
        Words on each side.
    embedding_dim : int >= 1
        Length of a word's vector; that of `vectors`, where they are given.
    hidden_layer_sizes : sequence of int >= 1
        Widths of the hidden layers, one or more.
    features : sequence of str
        Names in `chainrule.text.WORD_FEATURES`: "capitals", "digits" and "shape" of each word in
        the window, "prefixes" and "suffixes" of the word itself.
    feature_dim : int >= 1
        Length of the vector of each value of a feature.
    tables : {"shared", "separate"}
        One table of words, or one for each place in the window.
    loss : {"word", "sentence"}
        Each word's tag by itself, or whole sentences, with scores of a tag following another
        (`chainrule.nn.chain_nll`), decoded by Viterbi's algorithm.
    vectors : path, (words, array) or WordTable, optional
        Pretrained vectors of words, from which training starts. Words that have one are known, even
        if training does not meet them.
    min_count : int >= 1
        Words, and values of features, that come less often are unknown.
    activation : str
        A name in `chainrule.nn.ACTIVATIONS`.
    dropout, input_dropout : float in [0, 1)
        Shares of hidden units and of what is looked up that training leaves out.
    word_dropout : float in [0, 1)
        Share of words that training takes for unknown.
    learning_rate : float > 0
        Of Adam, at first; it falls on a line to zero.
    epochs : int >= 1
    batch_size : int >= 1
        Words of a step; of whole sentences, about as many.
    early_stopping : bool
        Whether to hold sentences out, unless `fit` is given some, and to return to the epoch with
        the smallest loss on them.
    validation_fraction : float in (0, 1)
        Share of the sentences that early stopping holds out.
    patience : int >= 1
        Epochs without improvement after which early stopping ends.
    random_state : int in [0, 2**64)
    verbose : int
        1 tells on standard error how training goes, with the tokens read in a second.
    engine : str
        See `chainrule.training.fit`.

    Attributes
    ----------
    classes_ : array of str, shape (k,)
        The tags, sorted.
    vocabulary_ : Vocabulary
        Of words in lower case with digits as zeros.
    known_words_ : frozenset of str
        Words as training met them.
    network_ : TagNetwork
    history_ : History

    Examples
    --------
    >>> sentences = [["the", "dog", "barks"], ["a", "cat", "sleeps"]]
    >>> tagger = WindowTagger(window=1, epochs=30, min_count=1, batch_size=2)
    >>> tagger = tagger.fit(sentences, [["DET", "NOUN", "VERB"]] * 2)
    >>> tagger.predict([["the", "cat", "barks"], []])
    [['DET', 'NOUN', 'VERB'], []]
    """

    _estimator_type = "classifier"
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "window": Interval(0, 100, "both", integer=True),
        "embedding_dim": COUNT,
        "feature_dim": COUNT,
        "tables": OneOf(("shared", "separate")),
        "loss": OneOf(tuple(LOSSES)),
        "min_count": COUNT,
        "activation": OneOf(tuple(ACTIVATIONS)),
        "dropout": FRACTION,
        "input_dropout": FRACTION,
        "word_dropout": FRACTION,
        "learning_rate": POSITIVE,
        "epochs": COUNT,
        "batch_size": COUNT,
        "early_stopping": TRUTH,
        "validation_fraction": Interval(0, 1, "neither"),
        "patience": COUNT,
        "random_state": Interval(0, 2**64, integer=True),
        "verbose": Interval(0, math.inf, integer=True),
    }

    def __init__(
        self, window: int = 2, embedding_dim: int = 64,
        hidden_layer_sizes: Sequence[int] = (128,), *,
        features: Sequence[str] = ("capitals", "digits", "shape", "prefixes", "suffixes"),
        feature_dim: int = 12, tables: str = "shared", loss: str = "word", vectors: Any = None,
        min_count: int = 2, activation: str = "relu", dropout: float = 0.3,
        input_dropout: float = 0.2, word_dropout: float = 0.05, learning_rate: float = 0.003,
        epochs: int = 8, batch_size: int = 256, early_stopping: bool = False,
        validation_fraction: float = 0.1, patience: int = 3, random_state: int = 0,
        verbose: int = 0, engine: str = "auto",
    ) -> None:  # fmt: skip
        self.window = window
        self.embedding_dim = embedding_dim
        self.hidden_layer_sizes = hidden_layer_sizes
        self.features = features
        self.feature_dim = feature_dim
        self.tables = tables
        self.loss = loss
        self.vectors = vectors
        self.min_count = min_count
        self.activation = activation
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.word_dropout = word_dropout
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state
        self.verbose = verbose
        self.engine = engine

    def fit(
        self,
        X: Any,
        y: Any,
        validation_data: Any = None,
        *,
        checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
        resume: bool = False,
        callbacks: Iterable[Callback] = (),
    ) -> Self:
        """Learn from sentences and the tags of their words.

        Parameters
        ----------
        X : sequence of sequences of str
            A list of words for each sentence, which may be empty.
        y : sequence of sequences of str
            As many tags.
        validation_data : tuple ``(X, y)``, optional
            Judged after each epoch; see `history_`. Words with tags that training does not meet are
            left out.
        checkpoint, resume, callbacks
            See `chainrule.training.fit`.

        Returns
        -------
        self

        Raises
        ------
        ArgumentError
            If an argument is out of range, or does not go with another.
        DataError
            If sentences or tags cannot be used, naming the sentence.
        """
        self._check_arguments()
        sentences = checked_sentences(X)
        (sentences, tags), held = self._parts(
            sentences, checked_tags(y, sentences), validation_data
        )
        words_tags = [tag for own in tags for tag in own]
        if not words_tags:
            raise DataError("there is no word to learn from")
        classes, codes = np.unique(np.array(words_tags, object), return_inverse=True)
        table = None if self.vectors is None else word_table(self.vectors)
        windows = Windows.of(
            sentences, self.window, self.features, self.min_count,
            separate=self.tables == "separate", more=table.words if table else (),
        )  # fmt: skip
        rng = np.random.default_rng(self.random_state)
        network = self._network(windows, len(classes), rng, table)
        rows, size = self._rows(windows, sentences, codes)
        n_steps = self.epochs * -(-len(rows[1]) // size)
        progress = (TokenProgress(len(codes)),) if self.verbose else ()
        self.network_, self.history_ = fit(
            network, rows, loss=LOSSES[self.loss], optimizer=self._optimizer(), epochs=self.epochs,
            batch_size=size, seed=self.random_state, schedule=Polynomial(n_steps),
            validation=None if held is None else self._watched(windows, classes, *held),
            metrics={"accuracy": of_labels(accuracy)} if held and self.loss == "word" else None,
            early_stopping=EarlyStopping(self.patience) if self.early_stopping else None,
            checkpoint=checkpoint, resume=resume, callbacks=(*callbacks, *progress), progress=0,
            engine=self.engine,
        )  # fmt: skip
        self._windows, self.classes_ = windows, classes.astype(str)
        self.known_words_ = frozenset(word for sentence in sentences for word in sentence)
        return self

    # What fit is made of ------------------------------------------------------------------------

    def _check_arguments(self) -> None:
        super()._check_arguments()
        name = type(self).__name__
        if not self.hidden_layer_sizes:
            raise ArgumentError(f"{name}: hidden_layer_sizes must name one width at least")
        self._check_each("hidden_layer_sizes", COUNT)
        if isinstance(self.features, str):
            raise ArgumentError(f"{name}: features are a list of names, not {self.features!r}")
        self._check_each("features", OneOf(tuple(WORD_FEATURES)))

    def _network(
        self, windows: Windows, n_tags: int, rng: Any = None, table: WordTable | None = None
    ) -> TagNetwork:
        """Return the network before training; without a generator, zeros to be loaded."""
        dim = table.vectors.shape[1] if table else self.embedding_dim
        network = TagNetwork(
            windows.n_rows, dim, windows.n_values, self.feature_dim, windows.unknown,
            windows.n_lookups, self.hidden_layer_sizes, n_tags, activation=self.activation,
            dropout=self.dropout, input_dropout=self.input_dropout,
            word_dropout=self.word_dropout, chain=self.loss == "sentence", rng=rng,
        )  # fmt: skip
        if table:
            own = network.words.weight.reshape(-1, len(windows.words), dim)
            for word, vector in zip(reversed(table.words), table.vectors[::-1], strict=True):
                own[:, windows.words[normal_form(word)]] = vector  # the first of a form stays
        return network

    def _parts(self, sentences: Sentences, tags: Sentences, validation_data: Any) -> Any:
        """Return sentences and tags to learn from, and those to judge by, or None."""
        if validation_data is not None:
            X, y = validation_data
            others = checked_sentences(X)
            return (sentences, tags), (others, checked_tags(y, others))
        if not self.early_stopping:
            return (sentences, tags), None
        alike = np.zeros(len(sentences), np.int64)
        out = held_out(alike, self.validation_fraction, self.random_state)
        return tuple(
            ([sentences[i] for i in places], [tags[i] for i in places])
            for places in (np.flatnonzero(~out), np.flatnonzero(out))
        )

    def _rows(
        self, windows: Windows, sentences: Sentences, codes: Array
    ) -> tuple[tuple[dict[str, Array], Array], int]:
        """Return windows and tags as they are trained on, and how many rows a step has.

        Of tags without a number, -1, there is no word.
        """
        x, codes, lengths = windows.encode(sentences), codes.astype(np.int32), _lengths(sentences)
        if self.loss == "word":
            known = np.flatnonzero(codes >= 0)
            return ({name: each[known] for name, each in x.items()}, codes[known]), self.batch_size
        places = packed(lengths, _width(lengths))
        tags = np.where(places >= 0, codes[places], np.int32(-1))
        a_row = len(codes) / len(places)
        return ({k: v[places] for k, v in x.items()}, tags), max(1, round(self.batch_size / a_row))

    def _watched(
        self, windows: Windows, classes: Array, sentences: Sentences, tags: Sentences
    ) -> tuple[dict[str, Array], Array]:
        """Return what is judged after each epoch."""
        codes = self._codes(classes, tags)
        if not (codes >= 0).any():
            raise DataError("no word to judge by has a tag that there is to learn")
        return self._rows(windows, sentences, codes)[0]

    @staticmethod
    def _codes(classes: Array, tags: Iterable[Sequence[str]]) -> Array:
        """Return the numbers of tags, -1 for those without one."""
        number = {tag: i for i, tag in enumerate(classes.tolist())}
        return np.array([number.get(tag, -1) for own in tags for tag in own], np.int32)

    def _optimizer(self) -> Adam:
        return Adam(lr=self.learning_rate, lazy=True)

    # What was learned ---------------------------------------------------------------------------

    @property
    def vocabulary_(self) -> Vocabulary:
        """Words in lower case, with digits as zeros."""
        self._check_fitted()
        return self._windows.words

    def predict(self, X: Any) -> Sentences:
        """Return the tags of sentences: each word's likeliest, or each sentence's, by `loss`.

        Parameters
        ----------
        X : sequence of sequences of str

        Returns
        -------
        list of list of str

        Raises
        ------
        NotFittedError, DataError
        """
        self._check_fitted()
        sentences = checked_sentences(X)
        lengths = _lengths(sentences)
        scores = self.network_.emissions(self._windows.encode(sentences))[:-1]
        if self.network_.chain is None:
            codes = np.argmax(scores, axis=1)
        else:
            codes = np.zeros(len(scores), np.intp)
            for places in self._packed(lengths):
                there = places >= 0
                found = nn.viterbi(self.network_.chain(scores[places]), there)
                codes[places[there]] = found[there]
        tags = self.classes_[codes].tolist()
        ends = np.cumsum(lengths).tolist()
        return [tags[end - n : end] for end, n in zip(ends, lengths, strict=True)]

    def predict_proba(self, X: Any) -> list[Array]:
        """Return the probabilities of each word's tags, given all sequences of tags there are.

        Parameters
        ----------
        X : sequence of sequences of str

        Returns
        -------
        list of arrays, shape (words, k)
            One for each sentence, columns in the order of `classes_`. With ``loss="sentence"`` the
            likeliest tags are not always those of the likeliest sequence, which `predict` returns.
        """
        self._check_fitted()
        sentences = checked_sentences(X)
        lengths = _lengths(sentences)
        scores = self.network_.emissions(self._windows.encode(sentences))[:-1]
        if self.network_.chain is None:
            shares = softmax(scores)
        else:
            shares = np.zeros_like(scores)
            for places in self._packed(lengths):
                there = places >= 0
                found = chain_marginals(self.network_.chain(scores[places]), there)
                shares[places[there]] = found[there]
        return np.split(shares, np.cumsum(lengths)[:-1]) if lengths else []

    def _packed(self, lengths: Sequence[int]) -> Iterator[Array]:
        """Yield rows of the places of words, some at a time."""
        rows = packed(lengths, _width(lengths)) if sum(lengths) else np.empty((0, 1), np.intp)
        size = max(1, _PLACES // rows.shape[1])
        return (rows[i : i + size] for i in range(0, len(rows), size))

    def score(self, X: Any, y: Any) -> float:
        """Return the share of words with the right tag; see `evaluate` for more."""
        return self.evaluate(X, y).accuracy

    def evaluate(self, X: Any, y: Any) -> TagScores:
        """Return accuracy, that of unknown words apart, and the scores of entities, if tags are so.

        Raises
        ------
        NotFittedError, DataError
        """
        sentences = checked_sentences(X)
        return score_tags(
            sentences, checked_tags(y, sentences), self.predict(sentences), self.known_words_
        )

    def explain_(
        self, sentence: Sequence[str], place: int, target: str | None = None
    ) -> WordEffects:
        """Return which words and features in a word's window moved the decision for its tag.

        By gradient times input, and by making them unknown one by one. With ``loss="sentence"`` it
        is the word's own score that is explained, whatever the tags beside it.

        Parameters
        ----------
        sentence : sequence of str
        place : int
            Of the word, counted from 0.
        target : str, optional
            The tag; by default the likeliest.

        Raises
        ------
        NotFittedError, DataError
        ArgumentError
            If there is no such word or tag.
        """
        self._check_fitted()
        (words,) = checked_sentences([sentence])
        check("explain_", {"place": Interval(0, len(words), integer=True)}, {"place": place})
        number = None
        if target is not None:
            check("explain_", {"target": OneOf(tuple(self.classes_.tolist()))}, {"target": target})
            number = self.classes_.tolist().index(target)
        return tag_effects(self._windows, self.network_, self.classes_, words, place, number)

    # As a file ----------------------------------------------------------------------------------

    def _storable(self) -> dict[str, Any]:
        """Return the arguments; vectors that training started from are in the network now."""
        width = self.network_.words.weight.shape[1]
        return {**super()._storable(), "vectors": None, "embedding_dim": width}

    def _learned(self) -> tuple[dict[str, Any], dict[str, Array]]:
        facts = {
            "windows": self._windows.to_dict(),
            "classes": self.classes_.tolist(),
            "known": sorted(self.known_words_),
        }
        return facts, named_parameters(self.network_)

    def _restore(self, facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        self._windows = Windows.from_dict(facts["windows"])
        self.network_ = load_parameters(self._network(self._windows, len(facts["classes"])), arrays)
        self.classes_ = np.array(facts["classes"], str)
        self.known_words_ = frozenset(facts["known"])


def _lengths(sentences: Sentences) -> list[int]:
    return list(map(len, sentences))


def _width(lengths: Sequence[int]) -> int:
    """Return how long rows of whole sentences are: a power of two."""
    return int(2 ** math.ceil(math.log2(max(_ROW, *lengths))))
