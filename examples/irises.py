"""Three irises by their petals: planes, parabolas, bumps and a network's own bends.

    python examples/irises.py [picture.png]

Needs the sklearn extra, for the picture the plot extra too.
"""

import sys

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule import plots
from chainrule.estimators import BasisFunctions, LogisticRegression, MLPClassifier


def petals():
    """Return lengths and widths in centimetres, and the species."""
    table = cr.data.load_iris()
    names, codes = table["species"].categories()
    X = np.stack([table[f"petal_{what}"].numbers() for what in ("length", "width")], axis=1)
    return X, np.array([name.removeprefix("Iris-") for name in names])[codes]


def models():
    """Return the same classifier behind three bases, and a network that learns its own."""
    linear = LogisticRegression(C=10.0)
    bumps = BasisFunctions("rbf", n_centres=12, random_state=0)
    network = MLPClassifier((8,), activation="tanh", solver="lbfgs", alpha=0.1, random_state=0)
    return {
        "linear": make_pipeline(StandardScaler(), linear),
        "polynomial": make_pipeline(StandardScaler(), BasisFunctions(degree=3), clone(linear)),
        "12 radial basis functions": make_pipeline(StandardScaler(), bumps, clone(linear)),
        "network of 8 units": make_pipeline(StandardScaler(), network),
    }


def main(picture=None):
    X, y = petals()
    fitted = {name: model.fit(X, y) for name, model in models().items()}
    for name, model in fitted.items():
        held_out = cross_val_score(model, X, y, cv=5).mean()
        print(f"{name:26} {model.score(X, y):.3f} of the flowers, {held_out:.3f} of others")
    if picture:
        from matplotlib.figure import Figure

        figure = Figure((10, 8), layout="constrained")
        for ax, (name, model) in zip(figure.subplots(2, 2).flat, fitted.items()):
            plots.decision_regions(model, X, y, ax=ax)
            ax.set(xlabel="petal length, cm", ylabel="petal width, cm")
            ax.set_title(name, loc="left")
        figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
