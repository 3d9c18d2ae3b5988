"""A history that was never seen: a network knows what a dog gets, and an n-gram model does not.

    python examples/dog_cat.py [picture.png]

The example of Jurafsky and Martin, "Speech and language processing", chapter on neural networks:
"the cat gets fed" was read, "the dog gets" never. The picture needs the plot extra.
"""

import sys

from chainrule.data import principal_components
from chainrule.language import LanguageModel
from chainrule.text import NGramModel

PETS = ("cat", "dog", "bird", "horse")
THINGS = {
    "car": "washed", "bill": "paid",
    **dict.fromkeys(("room", "hall", "floor", "kitchen"), "cleaned"),
}  # fmt: skip
LIVES = (
    "the {} sleeps in the house", "the {} ate some food", "we saw a hungry {} outside",
    "my {} is an animal", "feed the {} before you go", "the {} ran to its mother",
)  # fmt: skip
BEFORE = ("i have to make sure that the", "do not forget that the", "she says the")
HISTORY = "i forgot to make sure that the dog gets"


def texts():
    """What is read: of all pets but the dog, that they get fed."""
    lives = [life.format(pet) for pet in PETS for life in LIVES]
    fed = [f"{b} {pet} gets fed" for b in BEFORE for pet in PETS if pet != "dog"]
    return [*lives, *fed, *(f"{b} {x} gets {verb}" for b in BEFORE for x, verb in THINGS.items())]


def main(picture=None):
    network = LanguageModel(
        context=3, embedding_dim=16, hidden_layer_sizes=(32,), tie_weights=True, dropout=0.2,
        learning_rate=0.02, weight_decay=0.1, epochs=60, batch_size=32, random_state=0,
    ).fit(texts())  # fmt: skip
    ngrams = NGramModel(4).fit([text.split() for text in texts()])
    shares = dict(network.following(HISTORY, len(network.vocabulary_)))
    print(f"{HISTORY} ... network n-grams")
    for word in ("fed", "cleaned", "washed", "paid"):
        print(f"  {word:42} {shares[word]:7.3f} {ngrams.prob(word, HISTORY.split()[-3:]):7.3f}")
    near = ", ".join(f"{word} {cosine:.2f}" for word, cosine in network.neighbours("dog", 3))
    print(f"nearest to dog: {near}")
    if picture:
        from matplotlib import pyplot

        words = [*PETS, *THINGS, "fed", "washed", "paid", "cleaned"]
        vectors = network.network_.embedding.weight[network.vocabulary_.ids(words)]
        figure, axes = pyplot.subplots()
        for word, place in zip(words, principal_components(vectors).scores, strict=True):
            axes.plot(*place, ".")
            axes.annotate(word, place)
        figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
