"""Every exception that chainrule raises: what happened, where, and how to mend it."""

from __future__ import annotations

from typing import Any


class ChainruleError(Exception):
    """Base of all errors that chainrule raises on purpose."""


class ArgumentError(ChainruleError, ValueError):
    """An argument outside its allowed range or choices."""


class ShapeError(ChainruleError, ValueError):
    """Operands whose shapes do not fit together."""


class DtypeError(ChainruleError, TypeError):
    """A value whose kind of number cannot do what was asked, such as a gradient of integers."""


class UnsupportedError(ChainruleError, TypeError):
    """A function, argument or conversion that would lose a derivative."""


class NotDifferentiableError(ChainruleError, ValueError):
    """A derivative was asked for that does not exist or was not recorded."""


class NonFiniteError(ChainruleError, ArithmeticError):
    """A NaN or an infinity appeared where numbers were expected.

    Parameters
    ----------
    message : str
        Where, and how to mend it.
    report : object, optional
        All that is known of it, such as a `chainrule.training.NonFiniteReport`.
    """

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class NotFittedError(ChainruleError, ValueError, AttributeError):
    """An estimator was asked before it has learned anything."""


class ConvergenceWarning(UserWarning):
    """Training ended before it had settled."""


class DataError(ChainruleError, ValueError):
    """Input data that cannot be used.

    Parameters
    ----------
    message : str
        What was found, what was expected, and how to mend it.
    path : str, optional
        The file that was read.
    row : int, optional
        Line of the file, counted from 1.
    column : str, optional
        Name of the column.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        self.path, self.row, self.column = path, row, column
        where = [part for part in (path, f"row {row}" if row is not None else None) if part]
        if column is not None:
            where.append(f"column {column!r}")
        super().__init__(f"{', '.join(where)}: {message}" if where else message)


class FileFormatError(ChainruleError, ValueError):
    """A model, checkpoint or data file whose bytes are not what they should be."""


class MissingExtraError(ChainruleError, ImportError):
    """An optional dependency that is not installed.

    Parameters
    ----------
    package : str
        The package that could not be imported.
    extra : str
        The extra of chainrule that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs the package {package!r}, which is not installed: "
            f"pip install 'chainrule[{extra}]'"
        )


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during training; the network as it is then comes along.

    Parameters
    ----------
    message : str
        Where training stood, and how to go on.
    model : Module
        The network as `fit` would have returned it.
    history : History
        The epochs completed.
    checkpoint : str, optional
        The folder from which training can be resumed.
    """

    def __init__(
        self, message: str, model: Any, history: Any, checkpoint: str | None = None
    ) -> None:
        super().__init__(message)
        self.model, self.history, self.checkpoint = model, history, checkpoint
