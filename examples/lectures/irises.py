"""Two irises and one petal: a line finds virginica, versicolor needs basis functions.

Virginica has the widest petals: one threshold tells it from the rest. Versicolor is in the middle,
where none will do. Basis functions are chosen by hand; a network learns its own.
"""

import numpy as np

import chainrule as cr
from chainrule import nn
from chainrule.optim import Adam
from chainrule.training import fit


def petals(species):
    """Return the standardised petal widths, a column, and who is of the species."""
    table = cr.data.load_iris()
    width = table["petal_width"].numbers()
    names, codes = table["species"].categories()
    standardised = ((width - width.mean()) / width.std())[:, None]
    return standardised, (codes == names.index(f"Iris-{species}")).astype(float)


BASES = {
    "linear": lambda x: x,
    "polynomial": lambda x: np.hstack([x, x**2]),
    "five bumps": lambda x: np.exp(-2 * (x - np.linspace(-1.5, 1.5, 5)) ** 2),
}


def logistic_regression(features, labels):
    """Gradient descent; return the share of flowers that it gets right."""
    gradient = cr.grad(lambda w, b: nn.binary_cross_entropy(features @ w + b, labels), (0, 1))
    w, b = np.zeros(features.shape[1]), 0.0
    for _ in range(2000):
        dw, db = gradient(w, b)
        w, b = w - dw, b - db
    return np.mean((features @ w + b > 0) == labels)


def network(x, labels):
    model = nn.Sequential(nn.Linear(1, 8, rng=0), nn.Activation("tanh"), nn.Linear(8, 1, rng=1))
    data, loss = (x, labels[:, None]), nn.binary_cross_entropy
    model, _ = fit(model, data, loss=loss, optimizer=Adam(0.02), epochs=100)
    return np.mean((model(x)[:, 0] > 0) == labels)


def main():
    for species in ("virginica", "versicolor"):
        x, labels = petals(species)
        print(f"{species}, by the width of its petals:")
        print(f"  always no            {np.mean(labels == 0):.3f}")
        for name, basis in BASES.items():
            print(f"  {name:20} {logistic_regression(basis(x), labels):.3f}")
        print(f"  network of 8 units   {network(x, labels):.3f}")


if __name__ == "__main__":
    main()
