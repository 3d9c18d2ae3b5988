"""Wines of three growers by their chemistry: which measures tell them apart, and a map of them.

    python examples/wine.py [picture.png]

Needs the sklearn extra, for the picture the plot extra too.
"""

import sys

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import plots
from chainrule.estimators import KernelSVM, LogisticRegression, MLPClassifier, Perceptron


def narrow():
    """A network that has to bring thirteen measures through two units."""
    return MLPClassifier((2,), activation="tanh", solver="lbfgs", alpha=0.1, random_state=0)


def main(picture=None):
    data = load_wine()
    X, y = StandardScaler().fit_transform(data.data), data.target
    print("Of wines that were held out:")
    for name, model in {
        "averaged perceptron": Perceptron(averaged=True, random_state=0),
        "logistic regression": LogisticRegression(),
        "kernel SVM": KernelSVM(),
        "network of two units": narrow(),
    }.items():
        score = cross_val_score(make_pipeline(StandardScaler(), model), data.data, y, cv=5).mean()
        print(f"  {name:22} {score:.3f}")

    lasso = LogisticRegression(penalty="l1", C=0.1).fit(X, y)
    used = np.flatnonzero(np.any(lasso.coef_ != 0, axis=0))
    names = ", ".join(data.feature_names[i] for i in used)
    print(f"With a strong lasso {lasso.score(X, y):.3f} are right by {len(used)} of 13: {names}")

    network = narrow().fit(X, y)
    print(plots.hidden_space.text(network, X, y))
    if picture:
        plots.hidden_space(network, X, y).figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
