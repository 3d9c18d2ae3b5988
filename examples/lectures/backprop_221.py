"""Backpropagation by hand through a 2-2-1 sigmoid network with binary cross-entropy.

The label is y, the network computes c = s(sum_i u_i a_i) with a_i = s(sum_j w_ij x_j), and the loss
is L = -y log c - (1 - y) log(1 - c).
"""

import numpy as np

import chainrule as cr

W = np.array([[0.5, -1.0], [1.5, 0.3]])
U = np.array([0.8, -0.6])
X = np.array([1.0, 2.0])
Y = 1.0


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def hidden(w, x):
    return sigmoid(w @ x)


def output(w, u, x):
    return sigmoid(u @ hidden(w, x))


def loss(w, u, x, y):
    c = output(w, u, x)
    return -y * np.log(c) - (1 - y) * np.log(1 - c)


def by_hand(w, u, x, y):
    """The two formulas of the lecture, one number at a time."""
    a, c = hidden(w, x), output(w, u, x)
    dw, du = np.zeros((2, 2)), np.zeros(2)
    for i in range(2):
        du[i] = (c - y) * a[i]
        for j in range(2):
            dw[i, j] = (c - y) * u[i] * a[i] * (1 - a[i]) * x[j]
    return dw, du


def main():
    value, (dw, du) = cr.value_and_grad(loss, ("w", "u"))(W, U, X, Y)
    hand_w, hand_u = by_hand(W, U, X, Y)
    print(f"hidden a = {hidden(W, X).round(4)}, output c = {output(W, U, X):.4f}, L = {value:.4f}")
    print(f"dL/du_i  = {du.round(4)}")
    print(f"(c - y) a_i = {hand_u.round(4)}")
    print(f"dL/dw_ij =\n{dw.round(4)}")
    print(f"(c - y) u_i a_i (1 - a_i) x_j =\n{hand_w.round(4)}")


if __name__ == "__main__":
    main()
