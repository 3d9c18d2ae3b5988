"""Derivatives of plain NumPy functions, in reverse and in forward mode."""

from chainrule.autodiff.forward import jvp
from chainrule.autodiff.reverse import grad, value_and_grad, vjp

__all__ = ["grad", "jvp", "value_and_grad", "vjp"]
