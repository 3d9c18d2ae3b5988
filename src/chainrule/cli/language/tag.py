"""``chainrule tag``: tags of words, learned from sentences in columns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

from chainrule.cli import show
from chainrule.cli.exits import UsageError
from chainrule.cli.language import shown
from chainrule.cli.language.trained import (
    LanguageRequest,
    checkpoint_of,
    digest,
    facts,
    load_model,
    made,
    settings_of,
    title_of,
    with_vectors,
    write_metrics,
    write_model,
)
from chainrule.cli.runs import Course
from chainrule.cli.text import short, verbatim
from chainrule.data import split
from chainrule.io import atomic_write
from chainrule.language import TagScores, WindowTagger
from chainrule.language.tag_scores import score_tags
from chainrule.text import SCHEMES, Sentence, read_conll, read_conllu
from chainrule.text.conllu import COLUMNS
from chainrule.training import Exhibit

if TYPE_CHECKING:
    from chainrule.report import Report

PREDICTIONS = "predictions.conll"


@dataclass(frozen=True)
class TagRequest(LanguageRequest):
    """What ``chainrule tag`` was asked to do.

    Parameters
    ----------
    treebank : bool
        Whether files are CoNLL-U.
    token : int
        Column of the words, where they are not.
    tag : int or str
        Column of the tags: a number, or the name of one of CoNLL-U's.
    scheme, target : str, optional
        The scheme of entity tags, and that to convert them to.
    dev, test : str, optional
        Files to judge by, the first after each epoch too.
    hold_out : float
        Without either: the share of the sentences to judge by.
    """

    treebank: bool = False
    token: int = 0
    tag: int | str = -1
    scheme: str | None = None
    target: str | None = None
    dev: str | None = None
    test: str | None = None
    hold_out: float = 0.2
    command: ClassVar[str] = "tag"

    def model(self) -> WindowTagger:
        """Return the tagger before training."""
        return made(WindowTagger, self.arguments)

    def read(self, source: str, *, tags: bool = True) -> list[Sentence]:
        """Read sentences, with their tags or without."""
        reading = self.reading
        if self.treebank:
            column = str(self.tag) if tags else "FORM"
            return read_conllu(source, column, encoding=reading.encoding)
        return read_conll(
            source, self.token, int(self.tag) if tags else None, separator=reading.delimiter,
            source=self.scheme if tags else None, target=self.target if tags else None,
            skip_rows=reading.skip_rows, encoding=reading.encoding,
        )  # fmt: skip


def columns_of(
    source: str, token: int | None, tag: str | None, scheme: str | None, target: str | None
) -> dict[str, Any]:
    """Return which columns of which kind of file hold words and tags.

    Raises
    ------
    UsageError
        If they cannot be.
    """
    treebank = ".conllu" in Path(source).suffixes or tag in COLUMNS
    if target is not None and scheme is None:
        raise UsageError("--convert needs the scheme that tags are in: name it with --scheme")
    for name, value in (("--scheme", scheme), ("--convert", target)):
        if value not in (None, *SCHEMES):
            raise UsageError(f"{name} is one of {', '.join(SCHEMES)}, not {value!r}")
    if treebank:
        if token is not None or scheme is not None:
            raise UsageError("--token and --scheme are not for CoNLL-U, whose columns are known")
        if tag not in (None, *COLUMNS[1:]):
            raise UsageError(f"--tag is one of {', '.join(COLUMNS[1:])} for CoNLL-U, not {tag!r}")
        return {"treebank": True, "tag": tag or "UPOS"}
    try:
        number = -1 if tag is None else int(tag)
    except ValueError:
        raise UsageError(
            f"--tag is the number of a column, from 0, or a name of CoNLL-U's, not {tag!r}"
        ) from None
    return {"token": token or 0, "tag": number, "scheme": scheme, "target": target}


Part = list[Sentence]


def _words(part: Part) -> list[list[str]]:
    return [sentence.tokens for sentence in part]


def _tags(part: Part) -> list[list[str]]:
    return [sentence.tags for sentence in part]


def _pair(part: Part) -> tuple[list[list[str]], list[list[str]]]:
    return _words(part), _tags(part)


def _most_frequent(training: Part, part: Part) -> list[list[str]]:
    """Return each word's most frequent tag, and of words not met that of all words."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for sentence in training:
        for word, tag in zip(sentence.tokens, sentence.tags, strict=True):
            counts[word][tag] += 1
    total = sum(counts.values(), Counter[str]())
    common = {word: _first(own) for word, own in counts.items()}
    return [[common.get(word, _first(total)) for word in words] for words in _words(part)]


def _first(counts: Counter[str]) -> str:
    return min(counts, key=lambda tag: (-counts[tag], tag))


def _measures(scores: TagScores) -> dict[str, Any]:
    """Return scores as JSON-able values."""
    found: dict[str, Any] = {
        "accuracy": scores.accuracy,
        "unknown_accuracy": scores.unknown_accuracy,
        "words": scores.words,
        "unknown_words": scores.unknown_words,
    }
    if scores.entities is not None:
        overall = scores.entities.overall
        found |= {"precision": overall.precision, "recall": overall.recall, "f1": overall.f1}
        found["entities"] = {
            name: {"precision": own.precision, "recall": own.recall, "f1": own.f1}
            for name, own in sorted(scores.entities.types.items())
        }
    return found


def write_tagged(file: IO[str], sentences: Sequence[Sequence[str]], *columns: Any) -> None:
    """Write sentences in columns, as CoNLL has them."""
    for tokens, *own in zip(sentences, *columns, strict=True):
        file.writelines("\t".join(cells) + "\n" for cells in zip(tokens, *own, strict=True))
        file.write("\n")


@dataclass
class _Run:
    """Sentences to learn from and to be judged by, and the tagger."""

    request: TagRequest
    model: WindowTagger
    training: Part
    judged: dict[str, Part]

    @cached_property
    def fingerprint(self) -> str:
        parts = (self.training, *self.judged.values())
        return digest(x for part in parts for s in part for x in (s.tokens, s.tags))

    def show_plan(self) -> None:
        console = show.console()
        counts = Counter(tag for sentence in self.training for tag in sentence.tags)
        held = ", ".join(f"{len(part):,} ({name})" for name, part in self.judged.items())
        console.print(verbatim(f"{short(self.request.source, 60)}: {len(self.training):,} sentences"
                               f" to train on, {held} to judge by", "bold"))  # fmt: skip
        listed = ", ".join(f"{short(tag)} {n:,}" for tag, n in counts.most_common(12))
        more = ", ..." if len(counts) > 12 else ""
        console.print(verbatim(f"{counts.total():,} words; {len(counts)} tags: {listed}{more}"))

    def train(self, folder: Path, *, resume: bool, talking: bool) -> dict[str, Any]:
        model = self.model.set_params(verbose=int(talking))
        dev = self.judged.get("dev")
        model.fit(
            *_pair(self.training), validation_data=None if dev is None else _pair(dev),
            checkpoint=checkpoint_of(folder, model.epochs), resume=resume,
        )  # fmt: skip
        write_model(model, folder)
        metrics: dict[str, Any] = {
            **facts("tag", model.history_, model.network_),
            "sentences": {"training": len(self.training)},
            "held_out": {},
        }
        with atomic_write(folder / PREDICTIONS, "w", encoding="utf-8", newline="") as file:
            for name, part in self.judged.items():
                predicted = model.predict(_words(part))
                write_tagged(file, _words(part), _tags(part), predicted)
                metrics["sentences"][name] = len(part)
                metrics["held_out"][name] = {
                    "network": self._scores(part, predicted),
                    "most_frequent": self._scores(part, _most_frequent(self.training, part)),
                }
        write_metrics(metrics, folder)
        return metrics

    def _scores(self, part: Part, predicted: Sequence[Sequence[str]]) -> dict[str, Any]:
        known = self.model.known_words_
        return _measures(score_tags(_words(part), _tags(part), predicted, known))

    def report(self, metrics: dict[str, Any], folder: Path) -> Report:
        from chainrule.report.language import tag_report

        title = title_of(self.request, "Tags")
        settings = settings_of(self.request, self.model)
        judged = {name: _pair(part) for name, part in self.judged.items()}
        return tag_report(self.model, _pair(self.training), judged, metrics, title, settings)

    def show_results(self, metrics: dict[str, Any], notes: Sequence[str]) -> None:
        shown.tagging(metrics, notes)

    def exhibit(self, folder: Path, *, untrained: bool = False) -> Exhibit:
        from chainrule.language.exhibits import tag_exhibit

        model = load_model(folder, WindowTagger)
        fresh = self.model if untrained else None
        return tag_exhibit(model, *_pair(self.training), fresh)


def _prepare(request: TagRequest) -> _Run:
    sentences = request.read(request.source)
    named = {"dev": request.dev, "test": request.test}
    judged = {name: request.read(path) for name, path in named.items() if path is not None}
    if not judged:
        seed = int(request.arguments.get("random_state", 0))
        first, second = split(len(sentences), request.hold_out, seed)
        judged["held out"] = [sentences[i] for i in second]
        sentences = [sentences[i] for i in first]
    return _Run(request, with_vectors(request.model()), sentences, judged)


TAG = Course(TagRequest, _prepare)
