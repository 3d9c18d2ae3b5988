"""Rows like those of Iris; it imports nothing but NumPy, for whole processes are timed with it."""

from __future__ import annotations

from typing import Any

import numpy as np


def rows() -> tuple[Any, Any]:
    """Return three clouds of 50 rows, four columns, and their classes.

    One row in five stands there twice, with two classes: a network that fits all its rows has
    gradients so small that their squares are denormal numbers, and those would be timed instead.
    """
    rng = np.random.default_rng(0)
    classes = np.repeat(np.arange(3), 50)
    x = (rng.normal(size=(150, 4)) + 1.5 * rng.normal(size=(3, 4))[classes]).astype(np.float32)
    copies, originals = rng.permutation(150)[:60].reshape(2, 30)
    x[copies] = x[originals]
    classes[copies] = (classes[originals] + rng.integers(1, 3, 30)) % 3
    return x, classes
