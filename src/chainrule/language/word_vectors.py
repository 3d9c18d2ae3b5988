"""`WordVectors`: skip-gram and CBOW, negative sampling and hierarchical softmax, n-grams within."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.constraints import COUNT, NON_NEGATIVE, POSITIVE, Interval, OneOf, check
from chainrule.engines.registry import ENGINES
from chainrule.errors import ArgumentError, FileFormatError
from chainrule.graph import Array
from chainrule.language.progress import TokenProgress
from chainrule.language.word_lessons import Curriculum, Noise, Parts, Ways
from chainrule.language.word_network import TwoTables, surprise
from chainrule.language.word_sentences import Sentences, Texts, read_sentences
from chainrule.language.word_space import WordSpace
from chainrule.language.word_training import Plan, Teaching
from chainrule.nn import load_parameters
from chainrule.nn.word_trees import huffman_tree
from chainrule.text import Vocabulary, subword_table, tokenizer_for, tokenizer_from_dict
from chainrule.training import Callback, Checkpoint, History


class WordVectors(WordSpace):
    """Vectors of words, learned from what stands near them in running text.

    Skip-gram with negative sampling tells the neighbours of a word from words drawn at random; CBOW
    tells the word in the middle of its neighbours [1]_ [2]_. With `subwords` a word is the mean of
    itself and its n-grams of characters, so that words never seen have vectors too [3]_.

    The same arguments give the same bits on any number of threads.

    Parameters
    ----------
    vector_size : int
    window : int
        How far a neighbour may be. Of the words up to there, so many are drawn that each distance
        comes as often as in word2vec.
    min_count : int
        How often a word comes at least, to have a vector.
    model : {"skip-gram", "cbow"}
    loss : {"negative", "hierarchical"}
        Some words of noise for each pair, or a Huffman tree of all.
    negative : int
        Words of noise for each pair.
    sample : float
        Words that make up more than this share of the text are left out at random, the more so the
        commoner they are; 0 for none.
    subwords : tuple of two int, optional
        Shortest and longest n-gram, such as (3, 6).
    buckets : int
        Numbers into which n-grams are hashed, as fastText does; only those that the words of the
        vocabulary have take up memory.
    epochs : int
    learning_rate : float
        At the start; it falls linearly to almost nothing.
    batch_size : int, optional
        Words of an update, each with its neighbours, whose gradients are added up. By default as
        many as do not meet too often in one row; see `Curriculum.batch_size`.
    tokenizer : str or callable
        Of texts: see `chainrule.text.tokenizer_for`.
    random_state : int
    verbose : int
        1 tells on standard error how training goes, with the tokens read in a second.
    engine : str
        "auto", or an engine of `chainrule.compile`.

    Attributes
    ----------
    vocabulary_ : Vocabulary
        By falling count.
    vectors_ : array of float32, shape (len(vocabulary_), vector_size)
    n_tokens_ : int
        Words of the text, rare ones too; 0 if read from a file.
    network_ : TwoTables
        Both tables.
    history_ : History
        Of each epoch the mean loss of all pairs that were taught, noise included.

    References
    ----------
    .. [1] Mikolov, Chen, Corrado and Dean, "Efficient estimation of word representations in vector
       space", 2013.
    .. [2] Mikolov, Sutskever, Chen, Corrado and Dean, "Distributed representations of words and
       phrases and their compositionality", NIPS 2013.
    .. [3] Bojanowski, Grave, Joulin and Mikolov, "Enriching word vectors with subword
       information", TACL 2017.

    Examples
    --------
    >>> texts = ["the cat drinks milk", "the dog drinks milk", "the cat and the dog sleep"] * 20
    >>> vectors = WordVectors(vector_size=8, min_count=1, epochs=3).fit(texts)
    >>> vectors.vocabulary_.words[:2], vectors.vectors_.shape
    (['the', 'cat'], (7, 8))
    >>> len(vectors.most_similar("cat", n=3))
    3
    """

    allowed: ClassVar[Mapping[str, Any]] = {
        "vector_size": COUNT,
        "window": Interval(1, 1000, "both", integer=True),
        "min_count": COUNT,
        "model": OneOf(("skip-gram", "cbow")),
        "loss": OneOf(("negative", "hierarchical")),
        "negative": COUNT,
        "sample": NON_NEGATIVE,
        "buckets": Interval(1, 2**31, integer=True),
        "epochs": COUNT,
        "learning_rate": POSITIVE,
        "random_state": Interval(0, 2**63, integer=True),
        "verbose": Interval(0, 2, "both", integer=True),
        "engine": OneOf(("auto", *ENGINES)),
    }

    def __init__(
        self,
        vector_size: int = 100,
        window: int = 5,
        min_count: int = 5,
        model: str = "skip-gram",
        loss: str = "negative",
        negative: int = 5,
        sample: float = 1e-3,
        subwords: tuple[int, int] | None = None,
        buckets: int = 2_000_000,
        epochs: int = 5,
        learning_rate: float = 0.025,
        batch_size: int | None = None,
        tokenizer: Any = "word",
        random_state: int = 0,
        verbose: int = 0,
        engine: str = "auto",
    ) -> None:
        self.vector_size = vector_size
        self.window = window
        self.min_count = min_count
        self.model = model
        self.loss = loss
        self.negative = negative
        self.sample = sample
        self.subwords = subwords
        self.buckets = buckets
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.tokenizer = tokenizer
        self.random_state = random_state
        self.verbose = verbose
        self.engine = engine

    # Learning -----------------------------------------------------------------------------------

    def fit(
        self,
        X: Texts,
        y: Any = None,
        *,
        checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
        resume: bool = False,
        callbacks: Iterable[Callback] = (),
    ) -> Self:
        """Learn vectors from running text.

        Parameters
        ----------
        X : iterable of str, iterable of lists of str, or path-like
            Texts, sentences as lists of tokens, or a file, plain or compressed, of which each line
            is a text: a `pathlib.Path`, for a string would be a text. It is read once; what does
            not fit into memory waits in a temporary file, as numbers.
        y : ignored
        checkpoint : Checkpoint or path-like, optional
            Where to save the state of training; its steps are parts of the text of some 65,000
            words.
        resume : bool
            Go on from the checkpoint, if there is one; the arguments must be as they were, except
            `epochs` of a training that is done. What comes out is what would have without a break.
        callbacks : iterable of Callback
            Their `on_progress` is called after each part of the text.

        Raises
        ------
        ArgumentError
            If an argument is out of its range, or the text is a single string.
        DataError
            If the text cannot be read, naming where, or holds fewer than two words that come often
            enough.
        NonFiniteError
            If vectors grow without bound.
        Interrupted
            At Ctrl-C, after saving a checkpoint.
        """
        self._check_arguments()
        corpus = read_sentences(X, tokenizer_for(self.tokenizer), self.min_count)
        vocabulary = corpus.vocabulary
        ngrams = self._ngrams_of(vocabulary)
        course = self._course(corpus, ngrams)
        n_inputs = len(vocabulary) + len(ngrams)
        network = TwoTables(n_inputs, course.answers.n_outputs, self.vector_size, self.random_state)
        shown = (TokenProgress(corpus.n_words),) if self.verbose else ()
        if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
            checkpoint = Checkpoint(checkpoint)
        size = self.batch_size or course.batch_size(self.learning_rate)
        plan = Plan(
            self.epochs, size, self.learning_rate, self.engine, self._settings(corpus),
            (*callbacks, *shown), checkpoint,
        )  # fmt: skip
        network, history = Teaching(course, network, plan, resume).run()
        self._take(vocabulary, ngrams, network, history)
        self.n_tokens_ = corpus.n_words
        return self

    def _check_arguments(self) -> None:
        super()._check_arguments()
        if self.batch_size is not None:
            check("WordVectors", {"batch_size": COUNT}, {"batch_size": self.batch_size})
        if self.subwords is None:
            return
        if not isinstance(self.subwords, Sequence) or len(self.subwords) != 2:
            raise ArgumentError(
                f"WordVectors: subwords must be two lengths such as (3, 6), not {self.subwords!r}"
            )
        low, high = self.subwords
        length = Interval(1, _LONGEST_NGRAM, "both", integer=True)
        check("WordVectors", {"subwords[0]": length, "subwords[1]": length},
              {"subwords[0]": low, "subwords[1]": high})  # fmt: skip
        if low > high:
            raise ArgumentError(f"WordVectors: subwords must rise, and {low} is above {high}")

    def _settings(self, corpus: Sentences) -> dict[str, Any]:
        """Return what must be as it was for training to be gone on with."""
        names = [name for name in self.allowed if name not in ("verbose", "engine")]
        return {
            **{name: getattr(self, name) for name in names},
            "batch_size": self.batch_size,
            "subwords": None if self.subwords is None else list(self.subwords),
            "checksum of the text": corpus.checksum(),
        }

    def _course(self, corpus: Sentences, ngrams: Array) -> Curriculum:
        return Curriculum(
            corpus, self.window, self.sample, self.model == "skip-gram",
            self._answers(corpus.vocabulary),
            self._parts(corpus.vocabulary, ngrams) if self.subwords else None, self.random_state,
        )  # fmt: skip

    def _answers(self, vocabulary: Vocabulary) -> Noise | Ways:
        """Return what is to come out for a word."""
        counts = vocabulary.counts
        if self.loss == "negative":
            return Noise(counts, self.negative)
        return Ways(huffman_tree(counts))

    def _ngrams_of(self, vocabulary: Vocabulary) -> Array:
        """Return the buckets of n-grams that words have, rising: each has a row of its own."""
        if not self.subwords:
            return np.zeros(0, np.int32)
        return np.unique(self._hashed(vocabulary.words)[0])

    def _hashed(self, words: Sequence[str]) -> tuple[Array, Array]:
        """Return buckets of the first n-grams of words, and where those of each word begin."""
        assert self.subwords is not None
        ids, offsets = subword_table(words, *self.subwords, self.buckets)
        counts = np.diff(offsets)
        place = np.arange(len(ids)) - np.repeat(offsets[:-1], counts)
        return ids[place < _MOST], np.append(0, np.cumsum(np.minimum(counts, _MOST)))

    def _parts(self, vocabulary: Vocabulary, ngrams: Array) -> Parts:
        """Return the rows of the table of inputs that make up each word."""
        n = len(vocabulary)
        ids, offsets = self._hashed(vocabulary.words)
        counts = np.diff(offsets)
        rows = np.zeros((n, 1 + counts.max(initial=0)), np.int32)
        there = np.arange(rows.shape[1]) <= counts[:, None]
        rows[:, 0] = np.arange(n)
        rows[:, 1:][there[:, 1:]] = n + np.searchsorted(ngrams, ids)
        return Parts(rows, there.astype(np.float32))

    def _take(
        self, vocabulary: Vocabulary, ngrams: Array, network: TwoTables, history: History
    ) -> None:
        """Keep what was learned, and compute the words' vectors from the table of inputs."""
        self.vocabulary_, self._ngrams = vocabulary, ngrams
        self.network_, self.history_ = network, history
        table = network.inner
        if not self.subwords:
            self.vectors_ = table
            return
        rows, there = self._parts(vocabulary, ngrams)
        self.vectors_ = np.empty((len(rows), table.shape[1]), np.float32)
        for start in range(0, len(rows), _BLOCK):
            part = slice(start, start + _BLOCK)
            sums = np.einsum("nid,ni->nd", table[rows[part]], there[part])
            self.vectors_[part] = sums / there[part].sum(axis=1, keepdims=True)

    def _found(self, word: str) -> Array | None:
        found = super()._found(word)
        if found is not None or not self.subwords:
            return found
        ids = self._hashed([word])[0]
        known = np.searchsorted(self._ngrams, ids[np.isin(ids, self._ngrams)])
        if not len(known):
            return None
        mean: Array = np.mean(self.network_.inner[len(self.vocabulary_) + known], axis=0)
        return mean

    def explain_(self, word: str, near: str, noise: Sequence[str] = ()) -> Any:
        """Write down the cost of one pair of words and its backward pass.

        Of each yes and no with score s the delta is ``sigmoid(s) - 1`` or ``sigmoid(s)``; times the
        vector at the one side it is what the other is changed by.

        Parameters
        ----------
        word, near : str
            What goes in and what is to come out.
        noise : sequence of str
            What is to be told apart; with a hierarchical softmax there is none.

        Returns
        -------
        Explanation
            See `chainrule.explain`.

        Raises
        ------
        DataError
            If a word is unknown.
        ArgumentError
            If there is noise in a hierarchical softmax.

        Examples
        --------
        >>> vectors = WordVectors(2, min_count=1, sample=0, epochs=1).fit(["a b a c"])
        >>> sorted(vectors.explain_("a", "b", ["c"]).gradients)
        ['others', 'word']
        """
        from chainrule.explanation import explain

        center = self.vector(word)
        ids = [self._id(other) for other in (near, *noise)]
        if self.loss == "negative":
            rows, labels = np.array(ids), np.arange(len(ids)) == 0
        elif noise:
            raise ArgumentError("explain_: a hierarchical softmax has no words of noise")
        else:
            ways = Ways(huffman_tree(self.vocabulary_.counts))
            there = ways.there[ids[0]] > 0
            rows, labels = ways.nodes[ids[0]][there], ways.labels[ids[0]][there]

        def cost(word: Any, others: Any) -> Any:
            return surprise(others @ word, labels.astype(np.float32), np.float32(1))

        return explain(cost)(center, self.network_.outer[rows])

    # Keeping ------------------------------------------------------------------------------------

    def _learned(self) -> tuple[dict[str, Any], dict[str, Array]]:
        facts = {
            "vocabulary": self.vocabulary_.to_dict(),
            "history": self.history_.to_dict(),
        }
        arrays = {"inner": self.network_.inner, "outer": self.network_.outer}
        return facts, {**arrays, "ngrams": self._ngrams}

    def _storable(self) -> dict[str, Any]:
        tokenizer = self.tokenizer
        if hasattr(tokenizer, "to_dict"):
            tokenizer = tokenizer.to_dict()
        subwords = None if self.subwords is None else list(self.subwords)
        return {**self.get_params(deep=False), "tokenizer": tokenizer, "subwords": subwords}

    def _restore(self, facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        if isinstance(self.tokenizer, Mapping):
            self.tokenizer = tokenizer_from_dict(self.tokenizer)
        if self.subwords:
            self.subwords = self.subwords[0], self.subwords[1]
        vocabulary = Vocabulary.from_dict(facts["vocabulary"])
        ngrams = self._ngrams_of(vocabulary)
        if not np.array_equal(ngrams, arrays["ngrams"]):
            raise FileFormatError("the n-grams are not those of the vocabulary")
        if {array.dtype for array in (arrays["inner"], arrays["outer"])} != {np.dtype(np.float32)}:
            raise FileFormatError("the vectors are not numbers of 32 bits")
        n_inputs = len(vocabulary) + len(ngrams)
        network = TwoTables(n_inputs, len(arrays["outer"]), self.vector_size, 0)
        network = load_parameters(network, {k: arrays[k] for k in ("inner", "outer")})
        self._take(vocabulary, ngrams, network, History.from_dict(facts["history"]))
        self.n_tokens_ = 0


_LONGEST_NGRAM = 100
_MOST = 128  # n-grams of a word: as many as one of 34 letters has of 3 to 6
_BLOCK = 1024  # words whose vectors are composed at a time
