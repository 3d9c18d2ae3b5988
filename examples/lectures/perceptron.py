"""A perceptron learns AND and OR; no perceptron computes XOR (see xor.py for what does)."""

import itertools

import numpy as np

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
AND, OR, XOR = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1]), np.array([0, 1, 1, 0])


def perceptron(w, b, x):
    return np.where(x @ w + b > 0, 1, 0)


def learn(targets):
    """The perceptron rule: after an error, move the weights by the input."""
    w, b, seen = np.zeros(2), 0.0, set()
    while (*w, b) not in seen:
        seen.add((*w, b))
        for x, target in zip(X, targets):
            error = target - perceptron(w, b, x)
            w, b = w + error * x, b + error
        if np.array_equal(perceptron(w, b, X), targets):
            return w, b
    return None  # back at weights where it was before: it goes in circles, for ever


def truth_tables():
    """Every function of two bits that some perceptron computes: 14 of the 16."""
    grid = itertools.product([-1, 0, 1], [-1, 0, 1], [-1.5, -0.5, 0.5, 1.5])
    return {tuple(perceptron(np.array([w1, w2]), b, X).tolist()) for w1, w2, b in grid}


def main():
    for name, targets in (("AND", AND), ("OR", OR), ("XOR", XOR)):
        found = learn(targets)
        words = f"w = {found[0]}, b = {found[1]}" if found else "goes in circles"
        print(f"{name:3} {targets}: the perceptron rule {'finds ' if found else ''}{words}")
    print(f"Perceptrons compute {len(truth_tables())} of the 16 functions of two bits;", end=" ")
    print("XOR is", "among them" if tuple(XOR) in truth_tables() else "not among them")


if __name__ == "__main__":
    main()
