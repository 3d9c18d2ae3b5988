"""Handwritten digits through 8 numbers and back: principal components and autoencoders.

    python examples/digits_autoencoder.py [picture.png]

The linear autoencoder finds the subspace of PCA; a deep one bends it, and errs less.
Needs the sklearn extra, for the picture the plot extra too.
"""

import sys

import numpy as np
from scipy.linalg import subspace_angles
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from chainrule import plots
from chainrule.estimators import Autoencoder

CODE = 8


def models(epochs):
    deep = {
        "hidden_layer_sizes": (64, 32), "learning_rate_init": 0.003, "max_iter": epochs,
        "batch_size": 64, "random_state": 0,
    }  # fmt: skip
    return {
        "PCA": PCA(CODE),
        "linear": Autoencoder(CODE, tied=True, solver="lbfgs", max_iter=500, random_state=0),
        "deep": Autoencoder(CODE, activation="silu", **deep),
        "denoising": Autoencoder(CODE, activation="silu", noise=0.1, **deep),
    }


def error(model, X):
    return np.mean((model.inverse_transform(model.transform(X)) - X) ** 2)


def main(picture=None, epochs=100):
    X = load_digits().data / 16.0
    known, new = X[:1400], X[1400:]
    fitted = {name: model.fit(known) for name, model in models(int(epochs)).items()}
    for name, model in fitted.items():
        print(f"{name:10} error {error(model, known):.4f}, of new digits {error(model, new):.4f}")
    weights = fitted["linear"].network_.encoder.layers[0].weight
    angle = np.max(subspace_angles(weights.T, fitted["PCA"].components_.T))
    print(f"The linear autoencoder and PCA: the largest principal angle is {angle:.1e}")
    if picture:
        from matplotlib.figure import Figure

        figure = Figure((10, 4.2), layout="constrained")
        plots.reconstructions(fitted, new, most=14, ax=figure.subplots())
        figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
