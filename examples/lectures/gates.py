"""A gate of one's own: a forward and a backward function, used and checked like the built-in ones.

The lecture writes a class MultiplyGate with two methods. Here the decorator takes the forward
function, and the function below it is the backward one: dz comes in, one delta an input goes out.
"""

import numpy as np

import chainrule as cr
from chainrule.testing import check_op

SAMPLES = [cr.Sample((3,), (3,)), cr.Sample((2, 3), (3,)), cr.Sample((), (4,))]


@cr.op(lambda x, y: x * y, register=False, samples=SAMPLES)
def multiply_gate(dz, z, x, y):
    """From z = x y follow dx = y dz and dy = x dz."""
    return y * dz, x * dz


@cr.op(lambda x, y: x * y, register=False, samples=SAMPLES)
def careless_gate(dz, z, x, y):
    """The same with the two deltas exchanged, as it happens."""
    return x * dz, y * dz


def unit(w, x, b):
    """A unit that multiplies with our own gate."""
    return np.tanh(np.sum(multiply_gate(w, x)) + b)


def main():
    dx, dy = cr.grad(multiply_gate, (0, 1))(-2.0, 5.0)
    print(f"z = x y at x = -2, y = 5: dz/dx = {dx}, dz/dy = {dy}")

    dw = cr.grad(unit)(np.array([0.1, -0.2]), np.array([1.0, 2.0]), 0.5)
    print(f"in a tanh unit: dh/dw = {dw.round(4)}")

    check_op(multiply_gate)
    print("multiply_gate passes the checks of every op")
    try:
        check_op(careless_gate)
    except AssertionError as error:
        print(f"careless_gate does not: {error}")


if __name__ == "__main__":
    main()
