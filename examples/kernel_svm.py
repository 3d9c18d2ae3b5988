"""A support vector machine is a network with a unit for each support vector.

    python examples/kernel_svm.py [picture.png]

Needs the sklearn extra, for the picture the plot extra too.
"""

import sys

import numpy as np
from sklearn.datasets import make_moons

from chainrule import nn, plots
from chainrule.estimators import KernelSVM

MACHINES = {
    "linear": KernelSVM(kernel="linear"),
    "polynomial of degree 3": KernelSVM(kernel="poly", gamma=1.0, coef0=1.0),
    "radial basis functions, C = 1": KernelSVM(gamma=1.0),
    "radial basis functions, C = 100": KernelSVM(gamma=1.0, C=100.0),
}


def objectives(machine, X, y):
    """Return what the network costs, and what the dual says that any must cost at least."""
    kernel, linear = machine.network_.layers
    targets = np.where(y == 1, 1.0, -1.0)[:, None]
    primal = nn.svm_objective(kernel, linear, X, targets, C=machine.C)
    dual = np.abs(machine.dual_coef_).sum() - 0.5 * nn.rkhs_norm(kernel, linear.weight)
    return float(primal), float(dual)


def main(picture=None):
    X, y = make_moons(200, noise=0.25, random_state=0)
    for name, machine in MACHINES.items():
        primal, dual = objectives(machine.fit(X, y), X, y)
        print(f"{name:32} {machine.score(X, y):.3f} right, {len(machine.support_):3} support")
        print(f"{'':32} vectors; the network costs {primal:.4f}, at least {dual:.4f}")
    print(MACHINES["radial basis functions, C = 1"].network_)
    if picture:
        from matplotlib.figure import Figure

        figure = Figure((10, 8), layout="constrained")
        for ax, (name, machine) in zip(figure.subplots(2, 2).flat, MACHINES.items()):
            plots.decision_regions(machine, X, y, ax=ax)
            vectors = machine.support_vectors_.T
            ax.scatter(*vectors, s=90, facecolors="none", edgecolors="black", linewidths=0.8)
            ax.set_title(f"{name}: {vectors.shape[1]} support vectors", loc="left")
        figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
