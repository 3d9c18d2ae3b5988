"""The block table: what each block of a network does to the delta that comes back to it.

The delta of a value is the gradient of the loss by it, of the same shape.
"""

import numpy as np

import chainrule as cr

RNG = np.random.default_rng(0)


def affine():
    """Affine: z = W x + b."""
    W, x, b = RNG.normal(size=(2, 3)), RNG.normal(size=3), RNG.normal(size=2)
    z, back = cr.vjp(lambda W, x, b: W @ x + b, W, x, b)
    delta_z = RNG.normal(size=z.shape)
    by_hand = {"W": np.outer(delta_z, x), "x": W.T @ delta_z, "b": delta_z}
    return dict(zip("Wxb", back(delta_z))), by_hand


def product():
    """Product: C = A B'."""
    A, B = RNG.normal(size=(4, 3)), RNG.normal(size=(2, 3))
    C, back = cr.vjp(lambda A, B: A @ B.T, A, B)
    delta_C = RNG.normal(size=C.shape)
    return dict(zip("AB", back(delta_C))), {"A": delta_C @ B, "B": delta_C.T @ A}


def fork():
    """Fork: y = x and z = x, for two blocks use x."""
    x = RNG.normal(size=3)
    (y, z), back = cr.vjp(lambda x: (1 * x, 1 * x), x)
    delta_y, delta_z = RNG.normal(size=y.shape), RNG.normal(size=z.shape)
    return {"x": back((delta_y, delta_z))[0]}, {"x": delta_y + delta_z}


def weight_decay():
    """Weight decay: z[2] = w[2]' a[1] and r = lambda w[2]' w[2] share w[2]."""
    w2, a1 = RNG.normal(size=4), RNG.normal(size=4)
    _, back = cr.vjp(lambda w2: (w2 @ a1, 0.1 * w2 @ w2), w2)  # lambda is 0.1
    delta_z2, delta_r = RNG.normal(), 1.0
    by_hand = a1 * delta_z2 + 2 * 0.1 * w2 * delta_r
    return {"w[2]": back((delta_z2, delta_r))[0]}, {"w[2]": by_hand}


def main():
    for block in (affine, product, fork, weight_decay):
        print(block.__doc__)
        found, by_hand = block()
        for name, delta in found.items():
            print(f"  delta_{name} =\n{delta.round(3)}")
            print(f"  by hand\n{by_hand[name].round(3)}")


if __name__ == "__main__":
    main()
