"""The reports of runs on text: what fits each kind, with every word of a text as text."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from chainrule.language import LanguageModel, TextClassifier, WindowTagger, WordVectors
from chainrule.language.exhibits import lm_exhibit, tag_exhibit, text_exhibit
from chainrule.language.moving_words import moving_words
from chainrule.language.tag_scores import score_tags
from chainrule.models import scores
from chainrule.nn import named_parameters
from chainrule.pages.blocks import Figure
from chainrule.report.charts import lines, named_points
from chainrule.report.language import lm_report, tag_report, text_report, vectors_report

EVIL = ["<script>alert(1)</script>", '"><img/src=x/onerror=alert(1)>', "\u202ertl", "]]>", "&lt;b>"]
TEXTS = ["a fine film", "so good", "good and warm", "dull", "a dull mess", "so bad"] * 4
CLASSES = ["+", "+", "+", "-", "-", "-"] * 4
SENTENCES = [["Ada", "met", "Alan"], ["Alan", "left", "Paris"], ["the", "New", "York", "met"]] * 4
TAGS = [["B-PER", "O", "B-PER"], ["B-PER", "O", "B-LOC"], ["O", "B-LOC", "I-LOC", "O"]] * 4
POS = [["N", "V", "N"], ["N", "V", "N"], ["D", "A", "N", "V"]] * 4
STORY = ["the cat sat on the mat", "the dog sat on the rug", "the cat and the dog slept"] * 8


class Reader(HTMLParser):
    def __init__(self, report):
        super().__init__()
        self.tags, self.attributes, self.headings, self.text = set(), [], [], []
        self.level = ""
        self.feed(report.to_html())

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        self.level = tag

    def handle_data(self, data):
        self.text.append(data)
        if self.level in ("h2", "h3"):
            self.headings.append(data)
        self.level = ""


def text_page(X=TEXTS, y=CLASSES, **arguments):
    model = TextClassifier(**{"epochs": 2, "embedding_dim": 4} | arguments)
    model.fit(X, y, validation_data=(X, y))
    labels = model._labels
    shares, actual = model.predict_proba(X).astype(np.float64), labels.encode(y)
    names = [str(name) for name in model.classes_.tolist()]
    score = scores.classification if labels.one else scores.multilabel
    found = {"network": score(shares, actual, names)}
    metrics = {"held_out": found | {"constant": score(np.full(shares.shape, 0.5), actual, names)}}
    return model, text_report(model, (X, y), (X, y), metrics, "Moods", model.get_params()), metrics


def tag_page(X=SENTENCES, y=TAGS, **arguments):
    small = {"epochs": 3, "embedding_dim": 4, "hidden_layer_sizes": (8,), "min_count": 1}
    model = WindowTagger(**small | arguments).fit(X, y, (X, y))
    found = score_tags(X, y, model.predict(X), model.known_words_)
    own = {"accuracy": found.accuracy, "unknown_accuracy": 0.0, "words": found.words,
           "unknown_words": 0} | ({"f1": found.f1} if found.entities else {})  # fmt: skip
    metrics = {"sentences": {"training": len(X), "test": len(X)},
               "held_out": {"test": {"network": own, "most_frequent": own}}}  # fmt: skip
    return model, tag_report(model, (X, y), {"test": (X, y)}, metrics, "Tags", {}), metrics


def lm_page(texts=STORY, **arguments):
    small = {"context": 2, "embedding_dim": 4, "hidden_layer_sizes": (8,), "epochs": 2}
    model = LanguageModel(**small | arguments).fit(texts, validation=texts)
    held = {"perplexity": model.perplexity(texts), "words": 3,
            "bits_per_character": model.bits_per_character(texts)}  # fmt: skip
    metrics = {
        "texts": {"training": len(texts), "test": len(texts)},
        "held_out": {"network": held, "ngram": held | {"order": 3},
                     "mixture": held | {"weight": 0.25}},
    }  # fmt: skip
    return (
        model,
        lm_report(model, {"training": texts, "test": texts}, metrics, "Story", {}),
        metrics,
    )


def vectors_page(texts=STORY, **arguments):
    model = WordVectors(**{"vector_size": 4, "min_count": 1, "epochs": 2} | arguments).fit(texts)
    metrics = {"similarity": {"spearman": None, "known": 1, "total": 3}}
    return model, vectors_report(model, metrics, "Words", model.get_params()), metrics


PAGES = {
    "text": (text_page, {"Words that move most", "Held-out texts explained",
                         "On the held-out texts", "A right answer", "Network", "Diagnosis",
                         "Derivation", "Source"}),
    "tag": (tag_page, {"On 12 sentences (test)", "Words explained", "Network", "Diagnosis",
                       "Derivation"}),
    "lm": (lm_page, {"What it writes", "What is likely to follow", "Nearest words",
                     "The commonest words in a plane", "Network", "Diagnosis", "Derivation"}),
    "vectors": (vectors_page, {"Nearest words", "The commonest words in a plane"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", PAGES)
def test_every_kind_has_its_page(kind):
    make, wanted = PAGES[kind]
    _, report, metrics = make()
    reader = Reader(report)
    assert wanted | {"Data", "Course of training", "Settings"} <= set(reader.headings)
    assert "script" not in reader.tags
    assert not re.search(r"https?://(?!www\.w3\.org)", report.to_html())
    assert json.loads(report.to_json()) == metrics
    assert make()[1].to_html() == report.to_html()


def test_what_a_classifier_is_told_of():
    model, report, metrics = text_page(word_dropout=0.0, dropout=0.0)
    words = " ".join(Reader(report).text)
    assert f"{metrics['held_out']['network']['accuracy']:.4f}" in words
    assert "unknown tokens held out 0 (0 %) of 56" in re.sub(r"\s+", " ", words)
    told = moving_words(model, TEXTS, 3)
    alone = {w: model.decision_function([w])[0] for w in ("good", "dull", "film", "mess", "so")}
    assert told[0][0][0] == max(alone, key=lambda w: -alone[w])  # "+" is the first class
    assert told[1][0][0] == max(alone, key=alone.get)
    gain = model.decision_function([told[1][0][0], ""])
    assert told[1][0][1] == pytest.approx(gain[0] - gain[1], abs=1e-5)
    labels = [["joy"] if c == "+" else ["fear", "long"] for c in CLASSES]
    page = Reader(text_page(y=labels)[1])
    assert "Words that move most" in page.headings
    assert "joy" in page.text


def test_what_a_tagger_is_told_of():
    _, report, metrics = tag_page(loss="sentence")
    page = Reader(report)
    assert "Transitions" in page.headings
    assert "Derivation" not in page.headings  # a product of matrices has no readable one
    entities = score_tags(SENTENCES, TAGS, TAGS, set()).entities
    assert set(entities.types) == {"LOC", "PER"}
    assert {"LOC", "PER", "all", "I-LOC", "beginning"} <= set(page.text)
    assert f"F1 of entities {metrics['held_out']['test']['network']['f1']:.4f}" in page.text
    page = Reader(tag_page(y=POS)[1])
    assert "Transitions" not in page.headings
    assert {"D", "A", "N", "V"} <= set(page.text)
    many = [[f"T{i}{j}" for j in range(len(s))] for i, s in enumerate(SENTENCES)]
    page = Reader(tag_page(y=many, loss="sentence")[1])
    assert {"The highest", "The lowest", "The largest confusions"} <= set(page.text)


def test_what_a_language_model_is_told_of():
    model, report, metrics = lm_page()
    words = " ".join(Reader(report).text)
    assert f"{metrics['held_out']['network']['perplexity']:,.2f}" in words
    assert "n-grams of 3, modified Kneser-Ney" in words
    assert "mixture of both, 0.25 of the network" in words
    assert model.generate("", 40, temperature=0.5, seed=0) in words
    word, cosine = model.neighbours("the", 1)[0]
    assert re.search(rf"\bthe +{word} +{cosine:.2f}", words)
    assert Reader(lm_page(unit="character")[1]).headings
    assert Reader(lm_page(output="adaptive", embedding_dim=8)[1]).headings


@pytest.mark.parametrize("kind", PAGES)
def test_words_of_a_text_are_text_and_nothing_else(kind):
    evil = [f"{EVIL[0]} {EVIL[1]} {EVIL[2]}", f"{EVIL[3]} {EVIL[4]} a"] * 6
    words = [text.split() for text in evil]
    made = {
        "text": lambda: text_page(evil, EVIL[:2] * 6, tokenizer="whitespace"),
        "tag": lambda: tag_page(words, [w[::-1] for w in words], loss="sentence"),
        "lm": lambda: lm_page(evil, unit="whitespace"),
        "vectors": lambda: vectors_page(words, sample=0),
    }[kind]()
    reader = Reader(made[1])
    assert reader.tags.isdisjoint({"script", "img", "b", "a", "iframe", "link"})
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert EVIL[0] in "".join(reader.text)
    assert "\u202e" not in made[1].to_html()


def test_names_that_would_overlap_are_left_out():
    found = named_points("Words", [0.0, 0.0, 1.0], [0.0, 0.001, 1.0], ["kept", "hidden", "far"],
                         x_label="", y_label="")  # fmt: skip
    assert isinstance(found, Figure)
    shown = re.findall(r'class="crc-halo"[^>]*>(\w+)<', found.svg)
    assert shown == ["kept", "far"]
    assert 'text-anchor="end">far<' in found.svg  # at the right edge, where there is no room
    assert "hidden" in found.text


@pytest.mark.parametrize(("fresh", "exhibit", "data"), [
    (TextClassifier(epochs=1), text_exhibit, (TEXTS, CLASSES)),
    (TextClassifier(pooling="concatenate", epochs=1), text_exhibit, (TEXTS, CLASSES)),
    (WindowTagger(epochs=1), tag_exhibit, (SENTENCES, POS)),
    (WindowTagger(epochs=1, loss="sentence"), tag_exhibit, (SENTENCES, POS)),
    (LanguageModel(epochs=1), lm_exhibit, (STORY,)),
])  # fmt: skip
def test_an_exhibit_is_what_is_trained(fresh, exhibit, data):
    untrained = fresh.get_params()
    model = type(fresh)(**untrained).fit(*data)
    shown = exhibit(model, *data)
    assert shown.network is model.network_
    value = float(shown.objective(shown.network, *shown.first(10**6)))
    before = exhibit(model, *data, fresh)
    assert value < float(before.objective(before.network, *before.first(10**6)))
    zero = type(fresh)(**untrained | {"learning_rate": 1e-30}).fit(*data)
    for name, weight in named_parameters(before.network).items():
        np.testing.assert_allclose(
            named_parameters(zero.network_)[name], weight, rtol=1e-3, atol=1e-20
        )


@pytest.mark.parametrize("xs", [[1, 2, 3], [1, 1.5, 2]])
def test_there_are_no_halves_of_epochs(xs):
    svg = lines("Loss", {"a": (xs, xs)}, x_label="epoch", y_label="loss").svg
    shown = re.findall(r'text-anchor="middle">([\d.]+)</text>', svg)
    assert ("1.2" in shown or "1.5" in shown) == (1.5 in xs)
    assert {"1", "2"} <= set(shown)
