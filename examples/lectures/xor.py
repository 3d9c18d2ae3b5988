"""Two layers compute XOR, with weights given by hand or learned by gradient descent."""

import numpy as np

import chainrule as cr

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([0.0, 1.0, 1.0, 0.0])

# Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 6.1.
GIVEN = (np.ones((2, 2)), np.array([0.0, -1.0]), np.array([1.0, -2.0]), 0.0)


def network(params, x):
    """A layer of ReLU units and a linear one."""
    W, c, w, b = params
    return np.maximum(x @ W + c, 0) @ w + b


def trained(seed=0, hidden=8, steps=500, lr=0.1):
    """Gradient descent on the squared error, from random weights."""
    rng = np.random.default_rng(seed)
    params = (rng.normal(size=(2, hidden)), np.zeros(hidden), rng.normal(size=hidden), 0.0)
    gradient = cr.grad(lambda params: np.mean((network(params, X) - XOR) ** 2))
    for _ in range(steps):
        params = tuple(p - lr * g for p, g in zip(params, gradient(params)))
    return params


def main():
    print("XOR of the rows of X:             ", XOR)
    print("Two ReLU units with given weights:", network(GIVEN, X))
    print("Eight ReLU units that learned it: ", network(trained(), X).round(3))


if __name__ == "__main__":
    main()
