"""One sigmoid unit: its weighted sum, its output, and what each weight does to the output."""

import numpy as np

import chainrule as cr

WEIGHTS = np.array([0.2, 0.3, 0.9])
BIAS = 0.5
INPUTS = np.array([0.5, 0.6, 0.1])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def weighted_sum(w, b, x):
    return w @ x + b


def unit(w, b, x):
    return sigmoid(weighted_sum(w, b, x))


def unit_with_dummy(v, x):
    """The same unit: its bias is the weight v[0] of a dummy input that is always 1."""
    return sigmoid(v @ np.concatenate([[1.0], x]))


def main():
    y, (dw, db) = cr.value_and_grad(unit, ("w", "b"))(WEIGHTS, BIAS, INPUTS)
    print(f"z           = {weighted_sum(WEIGHTS, BIAS, INPUTS):.2f}")
    print(f"y = s(z)    = {y:.3f}")
    print(f"dy/dw       = {dw.round(3)}   which is y (1 - y) x")
    print(f"dy/db       = {db:.3f}   which is y (1 - y)")

    v = np.concatenate([[BIAS], WEIGHTS])
    y, dv = cr.value_and_grad(unit_with_dummy)(v, INPUTS)
    print("With a dummy input of 1 for the bias:")
    print(f"y           = {y:.3f}")
    print(f"dy/dv       = {dv.round(3)}")


if __name__ == "__main__":
    main()
