"""What of scikit-learn and SciPy estimators use, imported when it is asked for.

Importing scikit-learn takes as long as many a fit. An estimator keeps its contract without it, and
leaves to its own code what only it can do: to route metadata, to read a data frame.
"""

from __future__ import annotations

import inspect
import sys
from functools import cache
from importlib import import_module
from typing import Any

from chainrule import errors

_PACKAGES = {"scipy": "SciPy", "sklearn": "scikit-learn"}
_ROWS_AND_TARGETS = frozenset({"self", "X", "y"})


def borrow(module: str, name: str) -> Any:
    """Return a function or class of scikit-learn or SciPy.

    Parameters
    ----------
    module : str
        Such as "sklearn.utils".
    name : str

    Raises
    ------
    MissingExtraError
        If it is not installed.

    Examples
    --------
    >>> borrow("sklearn.utils", "resample").__name__
    'resample'
    """
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError:
        package = _PACKAGES[module.partition(".")[0]]
        raise errors.MissingExtraError(package, "sklearn") from None


def loaded(module: str) -> Any:
    """Return a module if it has been imported, else None.

    Nobody has a sparse matrix, or a setting of scikit-learn's, who has not imported it.

    Examples
    --------
    >>> loaded("sys").__name__, loaded("sys.nothing")
    ('sys', None)
    """
    return sys.modules.get(module)


def is_sparse(X: Any) -> bool:
    """Return whether rows are a sparse matrix or array of SciPy's.

    Examples
    --------
    >>> is_sparse([[0.0, 1.0]])
    False
    """
    sparse = loaded("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(X))


def kindred(name: str) -> Any:
    """Return an error or warning of `chainrule.errors` that is scikit-learn's of the name too.

    It is that as soon as scikit-learn has been imported, as it must be where its own is caught.

    Examples
    --------
    >>> issubclass(kindred("NotFittedError"), errors.NotFittedError)
    True
    """
    ours, theirs = getattr(errors, name), loaded("sklearn.exceptions")
    return ours if theirs is None else _both(ours, getattr(theirs, name))


@cache
def _both(ours: type, theirs: type) -> type:
    return type(ours.__name__, (ours, theirs), {"__module__": ours.__module__})


class Borrowed:
    """A method of a class of scikit-learn's, under the name that it has there.

    Where there is no such method, or no scikit-learn, there is no such attribute.

    Parameters
    ----------
    module, lender : str
        Where the class is, and its name.

    Examples
    --------
    >>> class Model:
    ...     get_metadata_routing = Borrowed("sklearn.base", "BaseEstimator")
    >>> Model.get_metadata_routing.__module__
    'sklearn.utils._metadata_requests'
    """

    def __init__(self, module: str, lender: str) -> None:
        self.module, self.lender = module, lender

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        try:
            method = inspect.getattr_static(borrow(self.module, self.lender), self.name)
        except (ImportError, AttributeError) as error:
            raise AttributeError(f"{owner.__name__} has no {self.name!r}: {error}") from None
        return method.__get__(instance, owner)


class Requested:
    """The method ``set_fit_request`` of scikit-learn, or its like for another method than ``fit``.

    It is there if the method takes more than rows and targets.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.method = name.removeprefix("set_").removesuffix("_request")

    def __get__(self, instance: Any, owner: type) -> Any:
        keys = sorted(set(self._arguments(owner)) - _ROWS_AND_TARGETS)
        if not keys:
            raise AttributeError(f"{owner.__name__}.{self.method} takes no metadata")
        request = borrow("sklearn.utils._metadata_requests", "RequestMethod")
        return request(self.method, keys).__get__(instance, owner)

    def _arguments(self, owner: type) -> list[str]:
        method = getattr(owner, self.method, None)
        parameters = inspect.signature(method).parameters.values() if method else ()
        return [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
