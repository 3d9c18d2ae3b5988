"""Any function of one variable is a sum of bumps, and a bump is two hidden units.

    python examples/universal_approximation.py [picture.png]

Nothing is trained: the weights are written down. Needs nothing but chainrule, for the picture the
plot extra.
"""

import sys

import numpy as np

from chainrule import nn


def function(x):
    return 0.2 + 0.4 * x**2 + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)


def main(picture=None):
    print("bumps  units  largest error with steps, with sigmoids")
    for n in (5, 10, 20, 40, 80, 160, 320):
        steps, sigmoids = (
            nn.step_network(function, n_bumps=n, activation=name).error
            for name in ("binary_step", "sigmoid")
        )
        print(f"{n:5}  {2 * n:5}  {steps:24.4f}  {sigmoids:13.4f}")
    if picture:
        from matplotlib.figure import Figure

        figure = Figure((10, 7), layout="constrained")
        x = np.linspace(0, 1, 1000)
        for row, activation in zip(figure.subplots(2, 3), ("binary_step", "sigmoid")):
            for ax, n in zip(row, (5, 20, 80)):
                made = nn.step_network(function, n_bumps=n, activation=activation)
                ax.plot(x, function(x), color="0.6", label="function")
                ax.plot(x, made.network(x[:, None])[:, 0], color="C3", lw=1, label="network")
                ax.set_title(f"{2 * n} units ({activation}), error {made.error:.3f}")
        ax.legend()
        figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
