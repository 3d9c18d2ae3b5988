"""Derivatives along the computational graph, forward and backward, with the work each way takes."""

import numpy as np

import chainrule as cr


def loss(a, b, c):
    return c * (a + 2 * b)


def product(a, b):
    return (a + b) * (b + 1)


def chain(x):
    """A function of many inputs: x[0] x[1] + x[1] x[2] + x[2] x[3] ..."""
    return sum(left * right for left, right in zip(x, x[1:]))


def forward_mode(function, point):
    """One pass an input: each carries one derivative along, from the inputs to the result."""
    seeds = np.eye(len(point))
    return [cr.jvp(function, point, tuple(seed))[1] for seed in seeds]


def reverse_mode(function, point):
    """One pass forward and one back, for the derivatives by all inputs together."""
    return list(cr.grad(function, range(len(point)))(*point))


def operations(mode, function, point):
    """Count the operations: record what the mode does as a graph of its own."""
    return len(cr.trace(lambda *xs: mode(function, xs))(*point).nodes)


def main():
    point = (3.0, 1.0, -2.0)
    print("L = c (a + 2b) at a = 3, b = 1, c = -2")
    print(f"L = {loss(*point)}")
    for name, derivative in zip("abc", reverse_mode(loss, point)):
        print(f"dL/d{name} = {derivative}")

    point = (2.0, 1.0)
    print("\ne = (a + b)(b + 1) at a = 2, b = 1")
    for mode in (forward_mode, reverse_mode):
        da, db = mode(product, point)
        count = operations(mode, product, point)
        print(f"{mode.__name__}: de/da = {da}, de/db = {db}, in {count} operations")

    print("\nThe more inputs, the more reverse mode saves:")
    for n in (2, 4, 8, 16):
        point = tuple(np.ones(n))
        counts = [operations(m, lambda *x: chain(x), point) for m in (forward_mode, reverse_mode)]
        print(f"{n:3} inputs: {counts[0]:5} operations forward, {counts[1]:3} in reverse")


if __name__ == "__main__":
    main()
