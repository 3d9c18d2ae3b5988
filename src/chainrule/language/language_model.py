"""`LanguageModel`: feedforward language models over words, characters or pieces of words."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.constraints import COUNT, NON_NEGATIVE, POSITIVE, TRUTH, Interval, OneOf, check
from chainrule.data import BlockOrder
from chainrule.errors import DataError
from chainrule.graph import Array
from chainrule.language.corpus import Corpus, Texts, known_corpus, learned_corpus
from chainrule.language.generation import generated
from chainrule.language.progress import TokenProgress
from chainrule.language.saved import Saved
from chainrule.language.window_network import WindowNetwork, mean_cost
from chainrule.language.word_scores import best, unit
from chainrule.nn import ACTIVATIONS, load_parameters, named_parameters
from chainrule.nn.word_outputs import WORD_OUTPUTS
from chainrule.optim import AdamW, Polynomial, WarmUp
from chainrule.text import (
    BOS,
    EOS,
    UNK,
    CharacterTokenizer,
    Tokenizer,
    Vocabulary,
    tokenizer_for,
    tokenizer_from_dict,
)
from chainrule.training import Callback, Checkpoint, EarlyStopping, fit, predict
from chainrule.training.plan import ENGINES

_ROWS = 256  # whose distributions over all words are in memory at a time
_BY_ROWS = ("sampled", "nce", "hierarchical")  # outputs of which a step reads a few rows alone
_RISING = 200  # steps in which the learning rate rises


class LanguageModel(Saved):
    """A network that predicts the next word from those before it.

    The model of Bengio, Ducharme, Vincent and Jauvin, "A neural probabilistic language model"
    (JMLR 2003): a vector a word, shared by all places of the window; hidden layers; an output over
    all words.

    Parameters
    ----------
    context : int >= 1
        Words that are looked at: one fewer than the order of an n-gram model.
    embedding_dim : int >= 1
        Length of a word's vector.
    hidden_layer_sizes : sequence of int
    activation : str
        A name in `chainrule.nn.ACTIVATIONS`.
    direct : bool
        Whether the output sees the words' vectors themselves too, beside the hidden units.
    output : {"softmax", "sampled", "nce", "hierarchical", "adaptive"}
        How words are scored, and what training computes of it; see `chainrule.nn.WORD_OUTPUTS`.
        Probabilities add up to 1 in each.
    n_samples : int >= 1
        Words drawn for a batch by "sampled" and "nce".
    tie_weights : bool
        Whether the output has the table of the input.
    unit : {"word", "character", "whitespace"} or tokeniser
        What a "word" is.
    min_count : int >= 1
        Words that come less often are one, ``"<unk>"``.
    max_vocabulary : int >= 4, optional
        The largest number of words, with the marks of the unknown, the beginning and the end.
    dropout, embedding_dropout : float in [0, 1)
        Share of the hidden units, and of the numbers in words' vectors, that training leaves out.
    learning_rate : float > 0
        Of AdamW: the rate to which it rises in the first steps, and from where it falls along a
        line to 0.
    weight_decay : float >= 0
    epochs : int >= 0
    batch_size : int >= 1
    patience : int >= 1, optional
        With validation texts: epochs without improvement after which training ends. In any case
        the model of the best epoch is kept.
    random_state : int in [0, 2**63)
    verbose : {0, 1}
        1 tells on standard error how training goes, with the tokens read in a second.
    engine : str
        As for `chainrule.training.fit`.

    Attributes
    ----------
    vocabulary_ : Vocabulary
    network_ : WindowNetwork
    history_ : History
    n_tokens_ : int
        Words of an epoch, ends of texts included.

    Examples
    --------
    >>> texts = ["the cat sat on the mat", "the dog sat on the rug"] * 20
    >>> model = LanguageModel(context=2, embedding_dim=8, hidden_layer_sizes=(16,),
    ...                       learning_rate=0.02, epochs=5, batch_size=16).fit(texts)
    >>> model.generate("the cat sat", 2, temperature=0)
    'on the'
    >>> 1 < model.perplexity(texts) < 2
    True
    """

    allowed: ClassVar[Mapping[str, Any]] = {
        "context": COUNT,
        "embedding_dim": COUNT,
        "activation": OneOf(tuple(ACTIVATIONS)),
        "direct": TRUTH,
        "output": OneOf(tuple(WORD_OUTPUTS)),
        "n_samples": COUNT,
        "tie_weights": TRUTH,
        "min_count": COUNT,
        "dropout": Interval(0, 1),
        "embedding_dropout": Interval(0, 1),
        "learning_rate": POSITIVE,
        "weight_decay": NON_NEGATIVE,
        "epochs": Interval(0, math.inf, integer=True),
        "batch_size": COUNT,
        "random_state": Interval(0, 2**63, integer=True),
        "verbose": OneOf((0, 1)),
        "engine": OneOf(ENGINES),
    }

    def __init__(
        self,
        context: int = 4,
        embedding_dim: int = 64,
        hidden_layer_sizes: Sequence[int] = (128,),
        activation: str = "tanh",
        direct: bool = False,
        output: str = "softmax",
        n_samples: int = 512,
        tie_weights: bool = False,
        unit: str | Tokenizer = "word",
        min_count: int = 1,
        max_vocabulary: int | None = None,
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        epochs: int = 10,
        batch_size: int = 256,
        patience: int | None = None,
        random_state: int = 0,
        verbose: int = 0,
        engine: str = "auto",
    ) -> None:
        self.context = context
        self.embedding_dim = embedding_dim
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.direct = direct
        self.output = output
        self.n_samples = n_samples
        self.tie_weights = tie_weights
        self.unit = unit
        self.min_count = min_count
        self.max_vocabulary = max_vocabulary
        self.dropout = dropout
        self.embedding_dropout = embedding_dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.random_state = random_state
        self.verbose = verbose
        self.engine = engine

    def fit(
        self,
        texts: Texts,
        y: Any = None,
        *,
        validation: Texts | None = None,
        folder: str | os.PathLike[str] | None = None,
        checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
        resume: bool = False,
        callbacks: Iterable[Callback] = (),
    ) -> Self:
        """Learn from texts.

        They are read once and kept as numbers in a file, from which training reads windows in
        shuffled stretches: memory does not grow with them, but for the vocabulary.

        Parameters
        ----------
        texts : iterable of str, or path-like
            A list or a stream of texts, or a file, plain or compressed, of which each line that is
            not blank is one: a `pathlib.Path`, for a string would be a text.
        y : None
            Not used.
        validation : as `texts`, optional
        folder : path-like, optional
            Where the file of numbers lies meanwhile; by default that of temporary files.
        checkpoint, resume, callbacks
            As for `chainrule.training.fit`.

        Returns
        -------
        self

        Raises
        ------
        ArgumentError
            If an argument is out of range, or the texts are a single string.
        DataError
            If a text is no string, a file cannot be read, or there are no words.
        """
        self._check_arguments()
        self._check_more()
        tokenizer = tokenizer_for(self.unit)
        corpus = learned_corpus(
            texts, tokenizer, self.context, self.min_count, self.max_vocabulary, folder
        )
        with corpus:
            self.vocabulary_, self.n_tokens_ = corpus.vocabulary, len(corpus)
            options: dict[str, Any] = {"checkpoint": checkpoint, "resume": resume}
            if validation is None:
                return self._trained(corpus, callbacks, **options)
            known = corpus.vocabulary
            with known_corpus(validation, tokenizer, self.context, known, folder) as held_out:
                stopping = EarlyStopping(patience=self.patience or self.epochs + 1)
                options |= {"validation": held_out.rows(), "early_stopping": stopping}
                return self._trained(corpus, callbacks, **options)

    def _trained(self, corpus: Corpus, callbacks: Iterable[Callback], **options: Any) -> Self:
        told = [TokenProgress(len(corpus))] if self.verbose else []
        self.network_, self.history_ = fit(
            self._network(self.vocabulary_, np.random.default_rng(self.random_state)),
            corpus.rows(),
            loss=mean_cost,
            optimizer=self._optimizer(),
            schedule=self._schedule(len(corpus)),
            epochs=self.epochs,
            batch_size=self.batch_size,
            seed=self.random_state,
            order=partial(BlockOrder, len(corpus), self.random_state),
            callbacks=(*told, *callbacks),
            progress=0,
            engine=self.engine,
            **options,
        )
        return self

    def _optimizer(self) -> AdamW:
        lazy = self.output in _BY_ROWS
        return AdamW(lr=self.learning_rate, weight_decay=self.weight_decay, lazy=lazy)

    def _check_more(self) -> None:
        """Refuse what a range of one argument cannot say."""
        owner = type(self).__name__
        self._check_each("hidden_layer_sizes", COUNT)
        optional = {"max_vocabulary": Interval(4, math.inf, integer=True), "patience": COUNT}
        given = {name: getattr(self, name) for name in optional}
        check(owner, optional, {name: v for name, v in given.items() if v is not None})

    def _schedule(self, n_tokens: int) -> Any:
        steps = max(1, self.epochs * -(-n_tokens // self.batch_size))
        rising = max(1, min(_RISING, steps // 10))
        return WarmUp(rising, Polynomial(max(1, steps - rising)))

    def _network(self, vocabulary: Vocabulary, rng: np.random.Generator | None) -> WindowNetwork:
        options = {"n_samples": self.n_samples} if self.output in ("sampled", "nce") else {}
        return WindowNetwork(
            vocabulary.counts,
            vocabulary[BOS],
            vocabulary[EOS],
            rng,
            context=self.context,
            embedding_dim=self.embedding_dim,
            hidden_layer_sizes=self.hidden_layer_sizes,
            activation=self.activation,
            direct=self.direct,
            output=self.output,
            tie_weights=self.tie_weights,
            dropout=self.dropout,
            embedding_dropout=self.embedding_dropout,
            **options,
        )

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text, known or not."""
        return tokenizer_for(self.unit)(text)

    def log_probs(self, texts: Texts) -> list[Array]:
        """Return the natural logarithm of each word's probability, given those before it.

        Parameters
        ----------
        texts : as for `fit`

        Returns
        -------
        list of float32 arrays
            One a text: of its words, and of its end.
        """
        costs, words, _ = self._costs(texts)
        ends = np.flatnonzero(words == self.vocabulary_[EOS]) + 1
        return np.split(-costs, ends)[:-1]

    def perplexity(self, texts: Texts) -> float:
        """Return the inverse of the geometric mean of the words' probabilities.

        Ends of texts count as words, and so does the unknown word.
        """
        costs, _, _ = self._costs(texts)
        return math.exp(np.mean(costs, dtype=np.float64))

    def bits_per_character(self, texts: Texts) -> float:
        """Return how many bits a character of the texts takes; each text's end is one more.

        Where words are unknown, the figure leaves out what spelling them would take.
        """
        costs, _, n_characters = self._costs(texts)
        return float(np.sum(costs, dtype=np.float64) / math.log(2) / n_characters)

    def following(self, prompt: str = "", n: int = 10) -> list[tuple[str, float]]:
        """Return the likeliest next words and their probabilities, the likeliest first.

        Parameters
        ----------
        prompt : str
            What stands before; a text's beginning if it is empty.
        n : int >= 1
        """
        self._check_fitted()
        check("following", {"n": COUNT}, {"n": n})
        shares = np.exp(self._next([self._ids(prompt)])[0])
        order = np.argsort(-shares, kind="stable")[:n]
        words = self.vocabulary_.tokens(order.tolist())
        return list(zip(words, shares[order].tolist(), strict=True))

    def generate(
        self,
        prompt: str = "",
        length: int = 50,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        beam: int | None = None,
        seed: int = 0,
    ) -> str:
        """Return a continuation: words drawn one after another, or found by a beam.

        Parameters
        ----------
        prompt : str
        length : int >= 0
            Words at most; a text may end before.
        temperature : float >= 0
            Below 1 likely words become likelier; 0 takes the likeliest.
        top_k : int >= 1, optional
            Draw among so many of the likeliest words.
        top_p : float in (0, 1], optional
            Draw among the fewest words that together are as likely.
        beam : int >= 1, optional
            Search for the likeliest continuation, keeping so many at a time.
        seed : int in [0, 2**63)

        Raises
        ------
        ArgumentError
            If an argument is out of range, or a beam is to be drawn from.
        """
        self._check_fitted()
        never = [self.vocabulary_[mark] for mark in (UNK, BOS)]

        def scores(histories: list[list[int]]) -> Array:
            found = self._next(histories)
            found[:, never] = -np.inf
            return found

        words = generated(
            scores, self._ids(prompt), length, self.vocabulary_[EOS],
            temperature=temperature, top_k=top_k, top_p=top_p, beam=beam, seed=seed,
        )  # fmt: skip
        return self._joined(self.vocabulary_.tokens(words))

    def neighbours(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """Return the words whose vectors point most nearly the same way, and the cosines.

        Parameters
        ----------
        word : str
            One of the vocabulary.
        n : int >= 1

        Raises
        ------
        DataError
            If the word is not in the vocabulary.
        """
        self._check_fitted()
        check("neighbours", {"n": COUNT}, {"n": n})
        if word not in self.vocabulary_:
            raise DataError(f"{word!r} is not in the vocabulary of {len(self.vocabulary_):,} words")
        vectors, own = unit(self.network_.embedding.weight), self.vocabulary_[word]
        cosines = vectors @ vectors[own]
        order = best(cosines, [own], min(n, len(vectors) - 1))
        words = self.vocabulary_.tokens(order.tolist())
        return list(zip(words, cosines[order].tolist(), strict=True))

    def explain_(self, text: str) -> Any:
        """Write down forward and backward pass of the trained network on the words of a text.

        Parameters
        ----------
        text : str
            A short one.

        Returns
        -------
        Explanation
            See `chainrule.explain`. The loss is the mean of ``-log p(word)``.
        """
        from chainrule.explanation import explain

        with self._corpus([text]) as corpus:
            windows = np.array(corpus.rows()[0])

        def loss(network: Any, windows: Any) -> Any:
            return np.mean(network(windows))

        return explain(loss, wrt="network")(self.network_, windows)

    def _corpus(self, texts: Texts) -> Corpus:
        self._check_fitted()
        return known_corpus(texts, tokenizer_for(self.unit), self.context, self.vocabulary_)

    def _costs(self, texts: Texts) -> tuple[Array, Array, int]:
        """Return ``-log p`` of all words, the words, and the number of characters with ends."""
        with self._corpus(texts) as corpus:
            windows, words = corpus.rows()
            costs: Array = predict(self.network_, windows, _ROWS)
            return costs, np.array(words), corpus.n_characters + corpus.n_texts

    def _ids(self, prompt: str) -> list[int]:
        ids: list[int] = self.vocabulary_.ids(self.tokenize(prompt)).tolist()
        return ids

    def _next(self, histories: list[list[int]]) -> Array:
        """Return the log-probabilities of all words after histories, shape (n, words)."""
        first = [self.vocabulary_[EOS]] * self.context
        rows = np.array([[*first, *ids][-self.context :] for ids in histories])
        found: Array = self.network_.log_probabilities(rows)
        return found

    def _joined(self, words: list[str]) -> str:
        tokenizer = tokenizer_for(self.unit)
        if hasattr(tokenizer, "decode"):
            return str(tokenizer.decode(words))
        return ("" if isinstance(tokenizer, CharacterTokenizer) else " ").join(words)

    def _storable(self) -> dict[str, Any]:
        unit = self.unit if isinstance(self.unit, str) else self.unit.to_dict()
        sizes = [int(size) for size in self.hidden_layer_sizes]
        return {**self.get_params(deep=False), "unit": unit, "hidden_layer_sizes": sizes}

    def _learned(self) -> tuple[dict[str, Any], dict[str, Array]]:
        facts = {"vocabulary": self.vocabulary_.to_dict(), "n_tokens": self.n_tokens_}
        return facts, named_parameters(self.network_)

    def _restore(self, facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        self._check_more()
        if isinstance(self.unit, Mapping):
            self.unit = tokenizer_from_dict(self.unit)
        self.vocabulary_ = Vocabulary.from_dict(facts["vocabulary"])
        self.n_tokens_ = int(facts["n_tokens"])
        try:
            network = self._network(self.vocabulary_, None)
        except MemoryError:
            raise DataError("the network is said to be larger than memory") from None
        self.network_ = load_parameters(network, arrays)
