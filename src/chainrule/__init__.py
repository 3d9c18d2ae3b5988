"""chainrule: neural networks in plain NumPy whose every gradient can be seen."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "autodiff": (
        "GradientError",
        "check_grads",
        "grad",
        "hessian",
        "hvp",
        "jacobian",
        "jvp",
        "per_example_grad",
        "value_and_grad",
        "vjp",
    ),
    "graph": ("Tensor", "trace", "op"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    importlib.import_module("chainrule.autodiff")
    return getattr(importlib.import_module(f"chainrule.{_HOME_OF[name]}"), name)
