"""`TextClassifier`: classes or labels of texts, from embeddings of their words."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.constraints import (
    COUNT,
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    TRUTH,
    Constraint,
    Interval,
    OneOf,
    check,
)
from chainrule.data import AlikeOrder, Ragged
from chainrule.errors import ArgumentError, DataError
from chainrule.graph import Array
from chainrule.language.labels import Labels
from chainrule.language.progress import TokenProgress
from chainrule.language.saved import Saved
from chainrule.language.text_beginnings import (
    begin,
    vectors_for,
)
from chainrule.language.text_features import BUCKETS, TextFeatures, check_subwords
from chainrule.language.text_network import Design, TextNetwork, predicted_scores, text_loss
from chainrule.language.texts import check_lengths, checked_texts, checked_weights, held_out
from chainrule.language.word_effects import WordEffects, word_effects
from chainrule.nn import (
    ACTIVATIONS,
    POOLINGS,
    load_parameters,
    named_buffers,
    named_parameters,
)
from chainrule.optim import SGD, Adagrad, Adam
from chainrule.optim.schedules import Polynomial
from chainrule.text import tokenizer_for
from chainrule.training import Callback, Checkpoint, EarlyStopping, History, fit, row_weights
from chainrule.training.metrics import accuracy, of_labels

OPTIMIZERS: dict[str, Any] = {"adam": Adam, "adagrad": Adagrad, "sgd": SGD}
_WIDTHS = 3
_SAVING = 2e7  # zeros that pass in training and take as long as to prepare a program for a width


class TextClassifier(Saved):
    """Tells classes of texts apart, one for each text or any number of labels.

    Texts become words, n-grams of words and n-grams of the characters of words; their embeddings
    are pooled into one vector, which hidden layers, if there are some, and a softmax make
    probabilities of. By default each token has scores of the classes beside its vector, which
    start as the logarithms of how much oftener a class has the token, and weights, which start
    as its inverse document frequency: so a model of few texts starts as good as naive Bayes, and
    training goes on from there.

    Parameters
    ----------
    pooling : {"weighted", "mean", "max", "sum", "concatenate"}
        See `chainrule.nn.PooledEmbedding`. "concatenate" keeps the order of words, and no more than
        `max_length` of them.
    embedding_dim : int >= 1
        Length of the vectors; that of `vectors`, where they are given.
    hidden_layer_sizes : sequence of int >= 1
        Widths of hidden layers; with one or more, and the mean, a deep averaging network.
    activation : str
        A name in `chainrule.nn.ACTIVATIONS`.
    direct : bool or "auto"
        Whether tokens have scores of classes of their own; "auto": unless vectors are concatenated.
    tokenizer : {"word", "whitespace", "character"} or tokeniser
        See `chainrule.text`.
    lowercase : bool
    word_ngrams : int >= 1 or "auto"
        The length of the longest n-grams of words; "auto" is 2, and 1 for "concatenate", which
        takes no other.
    subwords : tuple of two int >= 1, None or "auto"
        The shortest and the longest n-grams of the characters of a word, ``<`` and ``>`` around
        it; None for none. "auto" is (3, 4), and none for "concatenate".
    buckets : int >= 1
        Into which n-grams are hashed, those of words and those of characters apart. What was not
        met takes no memory.
    min_count : int >= 1
        Words and n-grams that come less often are left out.
    max_length : int >= 1
        Tokens after which a text is cut.
    vectors : path, (words, array) or WordTable, optional
        Pretrained vectors of words, from which training starts.
    tune : {"fine", "fixed"}
        Whether `vectors` are trained on, or stay.
    word_dropout : float in [0, 1)
        Share of the tokens that training leaves out.
    dropout : float in [0, 1)
        Share of a text's vector and of hidden units that training leaves out.
    smoothing : float > 0
        Pseudo-counts of the logarithms that direct scores start as.
    weight_decay : float >= 0
        Added to gradients, for each weight; of a token when it is met.
    optimizer : {"adam", "adagrad", "sgd"}
        Tokens are updated when they are met (``lazy=True``).
    learning_rate : float > 0
        At first; it falls on a line to zero.
    epochs, batch_size : int >= 1
    class_weight : "balanced", dict of class to float, or None
        Factors of the texts' weights; not of labels.
    early_stopping : bool
        Whether to hold texts out, unless `fit` is given some, and to return to the epoch with the
        smallest loss on them.
    validation_fraction : float in (0, 1)
        Share of the texts that early stopping holds out, of each class.
    patience : int >= 1
        Epochs without improvement after which early stopping ends.
    random_state : int in [0, 2**64)
    verbose : int
        1 tells on standard error how training goes, with the tokens read in a second.
    engine : str
        See `chainrule.training.fit`.

    Attributes
    ----------
    classes_ : array, shape (k,)
    features_ : TextFeatures
    network_ : TextNetwork
    history_ : History

    Examples
    --------
    >>> texts = ["a fine film", "so good", "a good film", "dull", "a dull mess", "so bad"]
    >>> model = TextClassifier(epochs=3).fit(texts, ["+", "+", "+", "-", "-", "-"])
    >>> model.predict(["good", "a mess"]).tolist()
    ['+', '-']
    """

    _estimator_type = "classifier"
    allowed: ClassVar[Mapping[str, Constraint]] = {
        "pooling": OneOf(POOLINGS),
        "embedding_dim": COUNT,
        "activation": OneOf(tuple(ACTIVATIONS)),
        "direct": OneOf((True, False, "auto")),
        "lowercase": TRUTH,
        "buckets": BUCKETS,
        "min_count": COUNT,
        "max_length": COUNT,
        "tune": OneOf(("fine", "fixed")),
        "word_dropout": FRACTION,
        "dropout": FRACTION,
        "smoothing": POSITIVE,
        "weight_decay": NON_NEGATIVE,
        "optimizer": OneOf(tuple(OPTIMIZERS)),
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
        self, pooling: str = "weighted", embedding_dim: int = 50,
        hidden_layer_sizes: Sequence[int] = (), activation: str = "relu", *,
        direct: bool | str = "auto", tokenizer: Any = "word", lowercase: bool = True,
        word_ngrams: int | str = "auto", subwords: Any = "auto", buckets: int = 2**18,
        min_count: int = 1, max_length: int = 512, vectors: Any = None, tune: str = "fine",
        word_dropout: float = 0.5, dropout: float = 0.5, smoothing: float = 1.0,
        weight_decay: float = 1e-4, optimizer: str = "adam", learning_rate: float = 0.005,
        epochs: int = 3, batch_size: int = 32, class_weight: Any = None,
        early_stopping: bool = False, validation_fraction: float = 0.1, patience: int = 3,
        random_state: int = 0, verbose: int = 0, engine: str = "auto",
    ) -> None:  # fmt: skip
        self.pooling = pooling
        self.embedding_dim = embedding_dim
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.direct = direct
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.word_ngrams = word_ngrams
        self.subwords = subwords
        self.buckets = buckets
        self.min_count = min_count
        self.max_length = max_length
        self.vectors = vectors
        self.tune = tune
        self.word_dropout = word_dropout
        self.dropout = dropout
        self.smoothing = smoothing
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.class_weight = class_weight
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
        sample_weight: Any = None,
        validation_data: Any = None,
        *,
        checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
        resume: bool = False,
        callbacks: Iterable[Callback] = (),
    ) -> Self:
        """Learn from texts and their classes.

        Parameters
        ----------
        X : sequence of str, length n
            A text may be empty, and then tells how often its class comes, no more.
        y : array_like, shape (n,), list of lists of labels, or 0 and 1, shape (n, k)
            Strings, whole numbers or truth values.
        sample_weight : array_like, shape (n,), optional
            Not negative.
        validation_data : tuple ``(X, y)``, optional
            Judged after each epoch; see `history_`.
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
            If texts or targets cannot be used, naming the row.
        """
        self._check_arguments()
        if self.tune == "fixed" and self.vectors is None:
            raise ArgumentError("TextClassifier: tune='fixed' needs vectors that can stay fixed")
        texts, labels = checked_texts(X), Labels.of(y)
        targets = labels.encode(y)
        check_lengths(X=texts, y=targets, sample_weight=sample_weight)
        weight = self._weights(labels, targets, sample_weight)
        held = None
        if validation_data is not None:
            others = checked_texts(validation_data[0], "validation_data")
            held = others, labels.encode(validation_data[1])
            check_lengths(X=others, y=held[1])
        elif self.early_stopping:
            out = held_out(targets, self.validation_fraction, self.random_state)
            held = [texts[i] for i in np.flatnonzero(out)], targets[out]
            weight = np.where(out, 0.0, 1.0 if weight is None else weight)
        if weight is not None and not weight.all():
            kept = np.flatnonzero(weight)
            texts, targets, weight = [texts[i] for i in kept], targets[kept], weight[kept]
        self._learn((texts, targets, weight), held, (checkpoint, resume, callbacks))
        self._labels, self.classes_ = labels, labels.classes
        return self

    # What fit is made of ------------------------------------------------------------------------

    def _check_arguments(self) -> None:
        super()._check_arguments()
        name, concatenates = type(self).__name__, self.pooling == "concatenate"
        self._check_each("hidden_layer_sizes", COUNT)
        if self.word_ngrams != "auto":
            check(name, {"word_ngrams": COUNT}, {"word_ngrams": self.word_ngrams})
        if self.subwords not in (None, "auto"):
            check_subwords(self.subwords)
        if not concatenates:
            return
        for argument, only in (("word_ngrams", 1), ("subwords", None), ("direct", False)):
            if getattr(self, argument) not in ("auto", only):
                raise ArgumentError(
                    f"{name}: vectors that are concatenated are those of words in their order: "
                    f"{argument} must be {only!r}, or pooling another"
                )

    def _weights(self, labels: Labels, targets: Array, sample_weight: Any) -> Array | None:
        """Return the weights of texts, those of their classes included."""
        weight = None if sample_weight is None else checked_weights(sample_weight)
        if self.class_weight is None:
            return weight
        if not labels.one:
            raise ArgumentError("TextClassifier: class_weight is for one class a text, not labels")
        return row_weights(labels.classes[targets], self.class_weight, weight)

    def _learn(self, data: Any, held: Any, options: tuple[Any, bool, Iterable[Callback]]) -> None:
        """Train on texts, their targets and weights, and judge by what is held out."""
        (texts, targets, weight), (checkpoint, resume, callbacks) = data, options
        features = self._new_features()
        rows = features.learn(texts, self.min_count)
        if self.pooling != "concatenate":
            rows = rows.in_widths(_WIDTHS, _SAVING / self.epochs)
        network = self._new_network(features, rows, targets, weight)
        validation = None
        if held is not None:
            validation = features(held[0]).like(rows, self.pooling == "concatenate"), held[1]
        progress = (TokenProgress(features.n_tokens),) if self.verbose else ()
        n_steps = self.epochs * -(-len(texts) // self.batch_size)
        self.network_, self.history_ = fit(
            network, (rows, targets), loss=text_loss,
            optimizer=self._optimizer(),
            epochs=self.epochs, batch_size=self.batch_size, seed=self.random_state,
            validation=validation, metrics={"accuracy": of_labels(accuracy)} if held else None,
            schedule=Polynomial(n_steps),
            order=AlikeOrder(rows, self.batch_size, self.random_state),
            early_stopping=EarlyStopping(self.patience) if self.early_stopping else None,
            callbacks=(*callbacks, *progress), checkpoint=checkpoint, resume=resume,
            sample_weight=weight, progress=0, engine=self.engine,
        )  # fmt: skip
        self.features_ = features

    def _optimizer(self) -> Any:
        return OPTIMIZERS[self.optimizer](
            lr=self.learning_rate, weight_decay=self.weight_decay, lazy=True
        )

    def _new_features(self) -> TextFeatures:
        concatenates = self.pooling == "concatenate"
        subwords = self.subwords
        if subwords == "auto":
            subwords = None if concatenates else (3, 4)
        ngrams = self.word_ngrams
        if ngrams == "auto":
            ngrams = 1 if concatenates else 2
        return TextFeatures(
            tokenizer_for(self.tokenizer), lowercase=self.lowercase, word_ngrams=int(ngrams),
            subwords=subwords, buckets=self.buckets, max_length=self.max_length,
        )  # fmt: skip

    def _new_network(
        self, features: TextFeatures, rows: Ragged, targets: Array, weight: Array | None
    ) -> TextNetwork:
        """Return the network before training."""
        given = None
        if self.vectors is not None:
            given = vectors_for(self.vectors, features.words)
        dim = self.embedding_dim if given is None else given[1].shape[1]
        k = int(targets.max()) + 1 if targets.ndim == 1 else targets.shape[1]
        rng = np.random.default_rng(self.random_state)
        network = self._design.network(len(features), dim, rows.width, k, rng)
        begin(network, rows, targets, weight, self.smoothing, given)
        return network

    @property
    def _design(self) -> Design:
        direct = self.pooling != "concatenate" if self.direct == "auto" else bool(self.direct)
        return Design(
            self.pooling, direct, self.tune == "fixed", tuple(self.hidden_layer_sizes),
            self.activation, self.word_dropout, self.dropout,
        )  # fmt: skip

    # What was learned ---------------------------------------------------------------------------

    def decision_function(self, X: Any) -> Array:
        """Return the scores of classes or labels, shape (n, k); of two classes their difference.

        A score of one of two classes is over 0 for the second; that of a label is over 0 where it
        is more likely than not. A text without a known token has the scores that classes have on
        the whole.

        Raises
        ------
        NotFittedError
        DataError
            If something is no text, naming the row.
        """
        scores = self._scores(X)
        if self._labels.one and scores.shape[1] == 2:
            difference: Array = scores[:, 1] - scores[:, 0]
            return difference
        return scores

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, or of each label, float32 of shape (n, k).

        Raises
        ------
        NotFittedError
        DataError
            If something is no text, naming the row.
        """
        scores = self._scores(X).astype(np.float64)
        if not self._labels.one:
            found = 0.5 * (1.0 + np.tanh(0.5 * scores))
        else:
            exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
            found = exponentials / exponentials.sum(axis=1, keepdims=True)
        return np.asarray(found, np.float32)

    def predict(self, X: Any) -> Any:
        """Return the likeliest class of each text, (n,), or the labels over 0.5 as `y` had them.

        Raises
        ------
        NotFittedError
        DataError
            If something is no text, naming the row.
        """
        scores = self._scores(X)
        return self._labels.decode(scores.argmax(axis=1) if self._labels.one else scores > 0)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of texts whose class, or all of whose labels, are right."""
        predicted = self._labels.encode(self.predict(X))
        targets = self._labels.encode(y)
        check_lengths(X=predicted, y=targets, sample_weight=sample_weight)
        right = predicted == targets
        right = right if self._labels.one else right.all(axis=1)
        return float(np.average(right, weights=sample_weight))

    def explain_(self, text: str, target: Any = None) -> WordEffects:
        """Return which words moved a decision: by gradient times input, and by leaving them out.

        Parameters
        ----------
        text : str
        target : class, optional
            Whose score is explained; by default the likeliest.

        Raises
        ------
        NotFittedError
        DataError
            If it is no text, or holds no known token, or the class is none.
        """
        self._check_fitted()
        (text,) = checked_texts([text], "text")
        scores = self._scores([text])[0]
        if target is None:
            number = int(scores.argmax())
        else:
            number = int(self._labels.encode([target] if self._labels.one else [[target]]).argmax())
        return word_effects(self.features_, self.network_, self._labels, text, number)

    def _scores(self, X: Any) -> Array:
        self._check_fitted()
        return predicted_scores(self.network_, self.features_(checked_texts(X)))

    # One file -----------------------------------------------------------------------------------

    def _storable(self) -> dict[str, Any]:
        arguments = super()._storable()
        if not isinstance(self.tokenizer, str):
            arguments["tokenizer"] = "word"  # `_restore` has the tokeniser itself
        if self.vectors is not None:
            path = isinstance(self.vectors, str | os.PathLike)
            arguments["vectors"] = os.fspath(self.vectors) if path else None
        arguments["hidden_layer_sizes"] = list(self.hidden_layer_sizes)
        arguments["class_weight"] = None
        return arguments

    def _learned(self) -> tuple[dict[str, Any], dict[str, Array]]:
        network, weights = self.network_, self.class_weight
        arrays = {**named_parameters(network), **named_buffers(network)}
        arrays["met n-grams"], arrays["met subwords"] = self.features_.met
        return {
            "labels": self._labels.to_dict(),
            "features": self.features_.to_dict(),
            "named_tokenizer": isinstance(self.tokenizer, str),
            "class_weight": list(weights.items()) if isinstance(weights, Mapping) else weights,
            "n_inputs": network.width,
            "history": self.history_.to_dict(),
        }, arrays

    def _restore(self, facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        met = arrays["met n-grams"], arrays["met subwords"]
        features = TextFeatures.from_dict(facts["features"], met)
        labels = Labels.from_dict(facts["labels"])
        n_ids, columns = arrays["table.weight"].shape
        if len(features) > n_ids:
            raise DataError(f"there are {len(features)} features and {n_ids} vectors")
        design, k = self._design, len(labels)
        dim = columns - k if design.direct and not design.fixed else columns
        network = design.network(n_ids, dim, facts["n_inputs"] // dim, k, None)
        known = {**named_parameters(network), **named_buffers(network)}
        network = load_parameters(network, {name: arrays[name] for name in known})
        weights = facts["class_weight"]
        self.class_weight = dict(weights) if isinstance(weights, list) else weights
        if not facts["named_tokenizer"]:
            self.tokenizer = features.tokenizer
        self.features_, self.network_, self._labels = features, network, labels
        self.classes_, self.history_ = labels.classes, History.from_dict(facts["history"])
