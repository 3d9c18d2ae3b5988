"""What is shown of the lectures' examples, word for word; reviewed by eye as text and as pictures.

``python tests/explanation/test_golden.py`` writes the files anew, to be read before a commit.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

from lectures import U, W, X, Y, loss_abc, network_221, product, unit

import chainrule as cr

GOLDEN = Path(__file__).parent / "golden"
UNIT = (np.array([0.2, 0.3, 0.9]), 0.5, np.array([0.5, 0.6, 0.1]))
CASES = {
    "abc-explained": lambda: cr.explain(loss_abc)(3.0, 1.0, -2.0),
    "abc-derived": lambda: cr.derive(loss_abc)(3.0, 1.0, -2.0),
    "abc-drawn": lambda: cr.draw(loss_abc)(3.0, 1.0, -2.0),
    "abc-exercise": lambda: cr.exercise(loss_abc)(3.0, 1.0, -2.0),
    "product-explained": lambda: cr.explain(product)(2.0, 1.0),
    "product-modes": lambda: cr.modes(product)(2.0, 1.0),
    "unit-explained": lambda: cr.explain(unit, ("w", "b"))(*UNIT),
    "network-explained": lambda: cr.explain(network_221, ("w", "u"))(W, U, X, Y),
    "network-weight": lambda: cr.explain(network_221, ("w", "u"))(W, U, X, Y).at("w", (0, 1)),
    **{
        f"network-{notation}": lambda notation=notation: cr.derive(
            network_221, ("w", "u"), notation
        )(W, U, X, Y)
        for notation in ("kamper", "koller", "slp", "lampos", "fund")
    },
}


@pytest.mark.parametrize("name", CASES)
def test_an_example_of_the_lectures(name):
    expected = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert f"{CASES[name]()}\n" == expected


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, make in CASES.items():
        (GOLDEN / f"{name}.txt").write_text(f"{make()}\n", encoding="utf-8")
