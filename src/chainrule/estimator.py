"""`Estimator`: scikit-learn's contract, kept without importing scikit-learn.

Arguments are stored as they are given and checked in ``fit``; names of what is learned end in an
underscore. scikit-learn, where it is used, finds what it asks for: parameters, tags, a clone,
requests of metadata, a representation for notebooks.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.borrowed import Borrowed, Requested, kindred
from chainrule.constraints import Constraint, check
from chainrule.errors import ArgumentError


class Estimator:
    """Base of estimators.

    A subclass names the ranges of its arguments in `allowed`, its constructor stores them, and
    ``fit`` calls `_check_arguments` first.

    Attributes
    ----------
    allowed : dict of str to constraint
        Class attribute: what is refused in `fit`. Arguments that are not named are not checked.
    """

    allowed: ClassVar[Mapping[str, Constraint]] = {}
    _estimator_type: ClassVar[str | None] = None  # "classifier", "regressor" or "transformer"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments by name; `deep`: those of estimators in them too."""
        found: dict[str, Any] = {}
        for name in _parameters(type(self)):
            value = found[name] = getattr(self, name)
            if deep and hasattr(value, "get_params") and not isinstance(value, type):
                found |= {f"{name}__{key}": inner for key, inner in value.get_params().items()}
        return found

    def set_params(self, **params: Any) -> Self:
        """Change arguments by name, ``outer__inner`` for one of an estimator within.

        Raises
        ------
        ArgumentError
            If there is no such argument.
        """
        known = _parameters(type(self))
        for name, value in params.items():
            outer, _, inner = name.partition("__")
            if outer not in known:
                raise ArgumentError(
                    f"{type(self).__name__} has no parameter {outer!r}; it has {', '.join(known)}"
                )
            if inner:
                getattr(self, outer).set_params(**{inner: value})
            else:
                setattr(self, outer, value)
        return self

    def __repr__(self) -> str:
        defaults = _parameters(type(self))
        given = (
            f"{name}={value!r}"
            for name, value in self.get_params(deep=False).items()
            if repr(value) != repr(defaults[name])
        )
        return f"{type(self).__name__}({', '.join(given)})"

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags, TransformerTags

        kind = self._estimator_type
        return Tags(
            estimator_type=kind if kind != "transformer" else None,
            target_tags=TargetTags(required=kind in ("classifier", "regressor")),
            classifier_tags=ClassifierTags() if kind == "classifier" else None,
            regressor_tags=RegressorTags() if kind == "regressor" else None,
            transformer_tags=TransformerTags() if kind == "transformer" else None,
        )

    # Metadata: what a pipeline or a search passes on
    get_metadata_routing = Borrowed("sklearn.base", "BaseEstimator")
    _get_metadata_request = Borrowed("sklearn.base", "BaseEstimator")
    _get_default_requests = Borrowed("sklearn.base", "BaseEstimator")
    _build_request_for_signature = Borrowed("sklearn.base", "BaseEstimator")
    _get_class_level_metadata_request_values = Borrowed("sklearn.base", "BaseEstimator")
    set_fit_request = Requested()
    set_partial_fit_request = Requested()
    set_score_request = Requested()

    # What a notebook shows
    _repr_mimebundle_ = Borrowed("sklearn.base", "BaseEstimator")
    _repr_html_ = Borrowed("sklearn.base", "BaseEstimator")
    _repr_html_inner = Borrowed("sklearn.base", "BaseEstimator")
    _html_repr = Borrowed("sklearn.base", "BaseEstimator")
    _get_params_html = Borrowed("sklearn.base", "BaseEstimator")
    _get_fitted_attr_html = Borrowed("sklearn.base", "BaseEstimator")

    def __sklearn_is_fitted__(self) -> bool:
        return any(name.endswith("_") and not name.startswith("_") for name in vars(self))

    def _check_arguments(self) -> None:
        """Refuse what the constructor was given out of range.

        Raises
        ------
        ArgumentError
        """
        given = {name: plain(value) for name, value in self.get_params(deep=False).items()}
        check(type(self).__name__, self.allowed, given)

    def _check_each(self, name: str, allowed: Constraint) -> None:
        """Refuse an argument that is a list if a value in it is out of range.

        Raises
        ------
        ArgumentError
        """
        for value in getattr(self, name):
            check(type(self).__name__, {name: allowed}, {name: plain(value)})

    def _check_fitted(self, attribute: str | None = None) -> None:
        """Refuse to answer before ``fit``, or before there is an attribute.

        Raises
        ------
        NotFittedError
        """
        fitted = hasattr(self, attribute) if attribute else self.__sklearn_is_fitted__()
        if not fitted:
            raise kindred("NotFittedError")(
                f"this {type(self).__name__} has learned nothing yet: call fit first"
            )


def _parameters(kind: type) -> dict[str, Any]:
    """Return the constructor's arguments and their defaults."""
    signature = inspect.signature(kind)
    return {name: parameter.default for name, parameter in signature.parameters.items()}


def stored(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a constructor was given, of its ``locals()``: to be stored as it is.

    Examples
    --------
    >>> stored({"self": None, "alpha": 0.1})
    {'alpha': 0.1}
    """
    return {k: v for k, v in arguments.items() if k not in ("self", "__class__")}


def plain(value: Any) -> Any:
    """Return Python's value for NumPy's scalar, such as a search over an array of choices gives.

    Examples
    --------
    >>> import numpy as np
    >>> plain(np.str_("adam")), plain(np.True_), plain((1, 2))
    ('adam', True, (1, 2))
    """
    return value.item() if isinstance(value, np.generic) else value
