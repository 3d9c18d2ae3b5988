"""Softmax turns scores into probabilities; raising one score lowers all other probabilities."""

import numpy as np

import chainrule as cr

THREE_SCORES = np.array([2.0, -1.99, -0.01])
SIX_SCORES = np.array([0.6, 1.1, -1.5, 1.2, 3.2, -1.1])


def softmax(z):
    """The formula of the lecture; chainrule.softmax is the same, safe for large scores."""
    return np.exp(z) / np.sum(np.exp(z))


def main():
    for z in (THREE_SCORES, SIX_SCORES):
        p = softmax(z)
        print(f"scores        {z}")
        print(f"probabilities {p.round(3)}, which sum to {p.sum():.1f}")

    p = softmax(THREE_SCORES)
    print("\nEach probability (row) by each score (column):")
    print(cr.jacobian(softmax)(THREE_SCORES).round(3))
    print("which is diag(p) - p p':")
    print((np.diag(p) - np.outer(p, p)).round(3))

    print("\nchainrule.softmax([1000, 999]) =", cr.softmax(np.array([1000.0, 999.0])).round(3))


if __name__ == "__main__":
    main()
