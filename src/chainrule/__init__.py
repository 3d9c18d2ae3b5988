"""chainrule: neural networks in plain NumPy whose every gradient can be seen.

Names are imported when they are first used, so that ``import chainrule`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_NAMES = {
    "autodiff": (
        "GradientError", "check_grads", "grad", "hessian", "hvp", "jacobian", "jvp",
        "per_example_grad", "value_and_grad", "vjp",
    ),
    "doctor": ("diagnose",),
    "engines": ("compile", "scan"),
    "explanation": (
        "check_my_backward", "derive", "draw", "exercise", "explain", "grade", "hunt", "modes",
        "spreadsheet",
    ),
    "graph": (
        "Graph", "Sample", "Tensor", "elementwise", "general", "linear", "multilinear", "op",
        "stop_gradient", "trace",
    ),
    "ops": (
        "conventions", "elu", "gelu", "leaky_relu", "log_sigmoid", "log_softmax", "logsumexp",
        "relu", "sigmoid", "silu", "softmax", "softplus",
    ),
}  # fmt: skip
_PACKAGES = frozenset({
    "autodiff", "data", "doctor", "engines", "errors", "estimators", "explanation", "graph", "io",
    "language", "models", "nn", "ops", "optim", "pages", "plots", "testing", "text", "training",
})  # fmt: skip
_HOME = {name: package for package, names in _NAMES.items() for name in names}

__all__ = [*sorted(_HOME), *sorted(_PACKAGES)]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"chainrule.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    importlib.import_module("chainrule.autodiff")  # equips Tensor with its ops and its backward
    value = getattr(importlib.import_module(f"chainrule.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
