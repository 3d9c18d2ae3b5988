"""A two-stage network: the first stage finds directions, the second adds what it sees along them.

    python examples/two_stage.py [picture.png]

The data are a sum of two sigmoids of two directions, with noise (Hastie, Tibshirani and Friedman,
"The elements of statistical learning", 2009, section 11.6). Needs nothing but chainrule, for the
picture the plot extra.
"""

import sys

import numpy as np

import chainrule as cr
from chainrule import nn, plots
from chainrule.optim import Adam
from chainrule.training import fit

DIRECTIONS = np.array([[3.0, 3.0], [3.0, -3.0]])


def sample(n, rng, noise=0.1):
    X = rng.normal(size=(n, 2))
    return X, cr.sigmoid(X @ DIRECTIONS.T).sum(axis=1, keepdims=True) + noise * rng.normal(
        size=(n, 1)
    )


def main(picture=None, epochs=60):
    rng = np.random.default_rng(0)
    X, y = sample(400, rng)
    new_X, new_y = sample(10_000, rng)
    print("units  error on new data (the noise alone is 0.010)")
    for units in (0, 1, 2, 4):
        hidden = [nn.Linear(2, units, 5), "sigmoid", nn.Linear(units, 1, 2)] if units else []
        model = nn.Sequential(*(hidden or [nn.Linear(2, 1, 1)]))
        model, _ = fit(model, (X, y), loss=nn.mse, optimizer=Adam(0.05), epochs=int(epochs))
        print(f"{units:5}  {nn.mse(model(new_X), new_y):.4f}")
        if units == 2:
            two = model
    weights = two.layers[0].weight
    rounded = (weights.astype(float) / np.abs(weights).max()).round(2)
    print("The directions of the two units:", rounded.tolist())
    print(plots.hidden_units.text(two, X))
    if picture:
        axes = plots.hidden_units(two, X)
        axes[0].figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
