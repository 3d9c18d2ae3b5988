"""The tasks of a fit, told to scikit-learn's callbacks where it has them (1.9 and newer)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from chainrule.borrowed import borrow


def with_callbacks(method: Any) -> Any:
    """Return a method around which scikit-learn's callbacks are set up and torn down, if any."""

    @wraps(method)
    def managed(self: Any, *args: Any, **options: Any) -> Any:
        if not getattr(self, "_skl_callbacks", None):
            return method(self, *args, **options)
        return borrow("sklearn.callback", "with_callbacks")(method)(self, *args, **options)

    return managed


class Tasks:
    """A fit and the epochs within it.

    Parameters
    ----------
    estimator : Estimator
        With ``_init_callback_context``; its ``fit`` is decorated by `with_callbacks`.
    epochs : int
        How many there are at most.
    snapshot : callable
        Returns copies of the attributes that predict, by name: asked for by callbacks that want
        the estimator as it is at the time.
    **data
        ``X``, ``y`` and ``metadata``, for callbacks that ask for them.
    """

    def __init__(
        self, estimator: Any, epochs: int, snapshot: Callable[[], dict[str, Any]], **data: Any
    ) -> None:
        self.estimator, self.snapshot, self.data = estimator, snapshot, data
        self._whole = self._epoch = None
        if getattr(estimator, "_skl_callbacks", None):
            self._whole = estimator._init_callback_context(max_subtasks=epochs)

    def begin(self) -> None:
        """Tell that the fit begins."""
        self._tell(self._whole, "begin")

    def begin_epoch(self) -> None:
        """Tell that an epoch begins."""
        if self._whole is not None:
            self._epoch = self._whole.subcontext(task_name="epoch")
            self._tell(self._epoch, "begin")

    def end_epoch(self) -> bool:
        """Tell that an epoch ended; return whether a callback asks to stop."""
        epoch, self._epoch = self._epoch, None
        return self._tell(epoch, "end")

    def end(self) -> None:
        """Tell that the fit ended."""
        self._tell(self._whole, "end")

    def _tell(self, context: Any, event: str) -> bool:
        if context is None:
            return False
        call = getattr(context, f"call_on_fit_task_{event}")
        given = {"estimator": self.estimator, "reconstruction_attributes": self.snapshot}
        return bool(call(**given, **self.data))
