"""Backpropagation through any number of layers is one line, repeated.

Layer l computes z[l] = W[l] a[l-1] + b[l] and a[l] = g(z[l]). With delta[l] = dL/dz[l],
delta[l] = (W[l+1]' delta[l+1]) * g'(z[l]), dL/dW[l] = delta[l] a[l-1]' and dL/db[l] = delta[l].
"""

import numpy as np

import chainrule as cr

SIZES = (3, 5, 4, 4, 2)


def initial(rng):
    """One pair (W, b) a layer."""
    return [(rng.normal(size=(n, m)), rng.normal(size=n)) for m, n in zip(SIZES, SIZES[1:])]


def forward(params, x):
    """Return the z[l] and the a[l] of all layers; a[0] is the input."""
    zs, activations = [], [x]
    for W, b in params:
        zs.append(W @ activations[-1] + b)
        activations.append(np.tanh(zs[-1]))
    return zs, activations


def loss(params, x, target):
    return np.sum((forward(params, x)[1][-1] - target) ** 2) / 2


def g_prime(z):
    return 1 - np.tanh(z) ** 2


def backward(params, x, target):
    """The recursion, from the last layer to the first."""
    zs, activations = forward(params, x)
    delta = (activations[-1] - target) * g_prime(zs[-1])
    gradients = [(np.outer(delta, activations[-2]), delta)]
    for l in reversed(range(len(params) - 1)):
        delta = (params[l + 1][0].T @ delta) * g_prime(zs[l])
        gradients.insert(0, (np.outer(delta, activations[l]), delta))
    return gradients


def main():
    rng = np.random.default_rng(0)
    params, x, target = initial(rng), rng.normal(size=SIZES[0]), rng.normal(size=SIZES[-1])
    by_chainrule = cr.grad(loss)(params, x, target)
    for l, (hand, found) in enumerate(zip(backward(params, x, target), by_chainrule), 1):
        difference = max(np.max(np.abs(h - f)) for h, f in zip(hand, found))
        print(f"layer {l}: delta = {hand[1].round(4)}, differs by {difference:.0e}")


if __name__ == "__main__":
    main()
