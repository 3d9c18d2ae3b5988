"""Every function that NumPy lets an array override: answered, or refused by name."""

import numpy as np
import pytest
from numpy.testing.overrides import (
    get_overridable_numpy_array_functions,
    get_overridable_numpy_ufuncs,
)

from chainrule import Tensor
from chainrule.errors import UnsupportedError
from chainrule.graph import REGISTRY

UFUNCS = sorted(get_overridable_numpy_ufuncs(), key=lambda f: f.__name__)
FUNCTIONS = sorted(
    get_overridable_numpy_array_functions(), key=lambda f: (f.__module__, f.__name__)
)


def label(function):
    return f"{function.__module__}.{function.__name__}"


def test_every_answered_function_has_samples():
    for function in [*UFUNCS, *FUNCTIONS]:
        entry = REGISTRY.by_function.get(function)
        assert entry is None or entry.samples, f"{label(function)} is answered without samples"


@pytest.mark.parametrize(
    "ufunc", [f for f in UFUNCS if f not in REGISTRY.by_function], ids=lambda f: f.__name__
)
def test_other_ufuncs_are_refused_by_name(ufunc):
    arguments = [Tensor([1.0, 2.0]) for _ in range(ufunc.nin)]
    with pytest.raises(UnsupportedError, match=ufunc.__name__):
        ufunc(*arguments)


@pytest.mark.parametrize(
    "function", [f for f in FUNCTIONS if f not in REGISTRY.by_function], ids=label
)
def test_other_functions_are_refused_by_name(function):
    t = Tensor([[1.0, 2.0], [3.0, 4.0]])
    calls = [((2,) * n, {"like": t}) for n in range(1, 3)]
    calls += [(("1 2",), {"sep": " ", "like": t})]
    calls += [((t,) * n, {}) for n in range(1, 6)]
    for args, kwargs in calls:
        try:
            function(*args, **kwargs)
        except UnsupportedError as error:
            if function.__name__ in str(error) or "would lose its derivative" in str(error):
                return
        except (TypeError, ValueError, AttributeError):
            continue  # the arguments do not fit the function: try another call
        else:
            pytest.fail(f"{label(function)} returned without a derivative")
    pytest.fail(f"no call of {label(function)} was refused by name")


@pytest.mark.parametrize("method", ["at", "reduceat"])
def test_ufunc_methods_without_a_derivative_are_refused(method):
    t = Tensor([1.0, 2.0])
    with pytest.raises(UnsupportedError, match=f"add.{method}"):
        getattr(np.add, method)(t, [0], *([1.0] if method == "at" else []))


def test_the_share_of_numpy_that_is_answered():
    answered = sum(f in REGISTRY.by_function for f in [*UFUNCS, *FUNCTIONS])
    assert answered >= 250


@pytest.mark.parametrize("function", [np.nonzero, np.flatnonzero, np.argwhere])
def test_functions_without_a_derivative_take_keywords(function):
    array = np.array([[0.0, 1.0], [2.0, 0.0]])
    np.testing.assert_array_equal(function(a=Tensor(array)), function(a=array))


def test_stack_takes_its_arrays_by_keyword():
    joined = np.stack(arrays=[Tensor([1.0]), Tensor([2.0])], axis=1)
    np.testing.assert_array_equal(joined.value, [[1.0, 2.0]])
