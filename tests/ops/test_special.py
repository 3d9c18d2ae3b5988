"""SciPy's special functions: every op's promises, found only once SciPy is imported."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.special as sp

import chainrule as cr
from chainrule import ops
from chainrule.errors import UnsupportedError
from chainrule.graph import REGISTRY
from chainrule.ops import special
from chainrule.testing import check_op

DECLARED = sorted(
    (entry for entry in REGISTRY if entry.__module__ == special.__name__), key=lambda e: e.name
)


@pytest.mark.parametrize("entry", DECLARED, ids=lambda entry: entry.name)
def test_op_keeps_every_promise(entry):
    check_op(entry)


@pytest.mark.parametrize(
    "name", ["expit", "log_expit", "erf", "erfc", "exp2", "expm1", "log1p", "cbrt"]
)
def test_functions_that_chainrule_has_itself(name):
    x = np.linspace(-0.9, 3.0, 50)
    ufunc = getattr(sp, name)
    tensor = ufunc(cr.Tensor(x))
    assert isinstance(tensor, cr.Tensor)
    np.testing.assert_allclose(tensor.value, ufunc(x), rtol=1e-14)
    assert REGISTRY.by_function[sp.psi] is special.digamma


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_functions_that_convert_their_argument_are_refused_with_the_remedy(name):
    with pytest.raises(UnsupportedError, match="chainrule's own softmax"):
        getattr(sp, name)(cr.Tensor([1.0, 2.0]))


@pytest.mark.parametrize("ufunc", [sp.gammainc, sp.jv, sp.boxcox, sp.exprel])
def test_other_functions_are_refused_by_name(ufunc):
    with pytest.raises(UnsupportedError, match=ufunc.__name__):
        ufunc(*[cr.Tensor([1.0, 2.0])] * ufunc.nin)


def test_log_ndtr_far_out():
    slope = cr.grad(sp.log_ndtr)(-1e4)
    assert slope == pytest.approx(1e4 + 1e-4, rel=1e-12)


def test_scipy_is_not_imported_and_its_functions_are_found_after_it_is():
    code = (
        "import sys, numpy as np, chainrule as cr\n"
        "t = cr.Tensor([0.5])\n"
        "np.exp(t)\n"
        "assert 'scipy' not in sys.modules\n"
        "import scipy.special\n"
        "assert 'chainrule.ops.special' not in sys.modules\n"
        "assert isinstance(scipy.special.gammaln(t), cr.Tensor)\n"
        "assert isinstance(scipy.special.gammaln(t), cr.Tensor)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_error_functions_agree_with_scipy():
    x = np.linspace(-30, 30, 1001)
    np.testing.assert_allclose(ops.erf(x), sp.erf(x), rtol=2e-15)
    np.testing.assert_allclose(ops.erfc(x), sp.erfc(x), rtol=1e-13, atol=1e-300)
