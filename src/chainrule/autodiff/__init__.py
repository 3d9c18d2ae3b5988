"""Derivatives of plain NumPy functions, in reverse and in forward mode."""

from chainrule.autodiff.check import GradientError, check_grads
from chainrule.autodiff.forward import jvp
from chainrule.autodiff.matrices import hessian, hvp, jacobian, per_example_grad
from chainrule.autodiff.reverse import grad, value_and_grad, vjp

__all__ = [
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
]
