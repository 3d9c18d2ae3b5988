"""The gradient of a corpus is the sum of the gradients of its instances."""

import numpy as np

import chainrule as cr

# Four reviews: words of praise, words of blame, and whether the review was positive.
COUNTS = np.array([[3.0, 0.0], [1.0, 2.0], [0.0, 2.0], [2.0, 1.0]])
LABELS = np.array([1.0, 0.0, 0.0, 1.0])
WEIGHTS = np.array([0.5, -0.25])


def loss(w, counts, labels):
    """The cross-entropy of logistic regression, summed over the instances."""
    p = 1 / (1 + np.exp(-(counts @ w)))
    return -np.sum(labels * np.log(p) + (1 - labels) * np.log(1 - p))


def main():
    each = cr.per_example_grad(loss)(WEIGHTS, COUNTS, LABELS)
    for counts, label, gradient in zip(COUNTS, LABELS, each):
        print(f"x = {counts}, y = {label:.0f}: dL/dw = {gradient.round(4)}")
    print(f"their sum:              {each.sum(axis=0).round(4)}")
    print(f"gradient of the corpus: {cr.grad(loss)(WEIGHTS, COUNTS, LABELS).round(4)}")


if __name__ == "__main__":
    main()
