"""A network with one hidden layer and squared error, its gradients as products of Jacobians.

Each step of the network has a Jacobian J(y, x) of its result y by its input x. Going back over a
step multiplies the gradient by the transpose: grad_x = J(y, x)' grad_y.
"""

import numpy as np

import chainrule as cr

RNG = np.random.default_rng(0)
W, B = RNG.normal(size=(4, 3)), RNG.normal(size=4)
V, C = RNG.normal(size=(2, 4)), RNG.normal(size=2)
X, TARGET = RNG.normal(size=3), np.array([1.0, -1.0])


def affine(x, W, b):
    return W @ x + b


def squared_error(output):
    return np.sum((output - TARGET) ** 2) / 2


def loss(W, b, V, c):
    s = affine(X, W, b)
    a = np.tanh(s)
    l = affine(a, V, c)
    return squared_error(l)


def by_jacobians(W, b, V, c):
    """The gradients, step by step from the loss back to the first layer."""
    s = affine(X, W, b)
    a = np.tanh(s)
    l = affine(a, V, c)

    grad_l = l - TARGET
    grad_a = cr.jacobian(affine)(a, V, c).T @ grad_l  # J(l, a) is V
    grad_s = cr.jacobian(np.tanh)(s).T @ grad_a  # J(a, s) is diag(1 - a^2)
    return {
        "W": np.outer(grad_s, X),
        "b": grad_s,
        "V": np.outer(grad_l, a),
        "c": grad_l,
    }


def main():
    point = {"W": W, "b": B, "V": V, "c": C}
    found = cr.grad(lambda params: loss(**params))(point)
    for name, expected in by_jacobians(**point).items():
        difference = np.max(np.abs(found[name] - expected))
        print(f"dL/d{name} =\n{expected.round(4)}")
        print(f"  differs from chainrule's by {difference:.0e}\n")


if __name__ == "__main__":
    main()
