"""`Plot`: what is computed once, drawn with matplotlib or written as text."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chainrule.errors import ArgumentError, MissingExtraError, ShapeError
from chainrule.plots.panel import Panel
from chainrule.plots.words import page_of

if TYPE_CHECKING:
    from types import ModuleType

PLOTS: dict[str, Plot] = {}

_AX = """
ax : matplotlib.axes.Axes, optional
    Where to draw; nothing else is touched. If left out, a figure is made, which pyplot does not
    know, so that it is freed with the axes. `Plot.text` and `Plot.data` do not take it.

Returns
-------
matplotlib.axes.Axes
    The axes drawn in, whose `figure` saves; in a notebook a new one is shown as the picture."""
_AXES = """
axes : array of matplotlib.axes.Axes, optional
    Where to draw, one for each panel; nothing else is touched. If left out, a figure is made,
    which pyplot does not know. `Plot.text` and `Plot.data` do not take it.

Returns
-------
array of matplotlib.axes.Axes
    The axes drawn in, one for each panel, whose `figure` saves."""


class Plot:
    """A plot: called, it draws; `text` writes the same for a terminal, `data` returns it.

    Parameters
    ----------
    data : callable
        Computes what is seen: a `Panel`, or a list of them.
    several : bool
        Whether it is a list.
    """

    def __init__(self, data: Callable[..., Any], several: bool) -> None:
        functools.update_wrapper(self, data)
        self.several = several
        self.argument = "axes" if several else "ax"
        self.__doc__ = _documented(inspect.cleandoc(data.__doc__ or ""), several)
        self.__signature__ = _with_argument(inspect.signature(data), self.argument)
        self._data = data

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Draw and return the axes."""
        given = kwargs.pop(self.argument, None)
        picture = _picture()
        wanted = None if given is None else picture.checked(self.__name__, given, self.several)
        panels = self._panels(args, kwargs)
        if wanted is not None and len(wanted) != len(panels):
            raise ShapeError(
                f"{self.__name__} draws {len(panels)} panels, and axes holds {len(wanted)} axes: "
                f"make them with plt.subplots, or leave axes out"
            )
        axes = picture.fresh(panels) if wanted is None else wanted
        for panel, ax in zip(panels, axes, strict=True):
            picture.draw(panel, ax)
        return axes if self.several else axes[0]

    def text(self, *args: Any, **kwargs: Any) -> str:
        """Return the same as text, 100 characters wide at most; matplotlib is not needed."""
        from chainrule.pages.terminal import as_text

        return as_text(page_of(self._panels(args, kwargs)))

    def data(self, *args: Any, **kwargs: Any) -> Any:
        """Return the numbers that are drawn: a `Panel`, or a list of them."""
        return self._data(*args, **kwargs)

    def _panels(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Panel]:
        found = self._data(*args, **kwargs)
        return list(found) if self.several else [found]

    def __repr__(self) -> str:
        return f"<plot {self.__name__}>"

    __name__: str


def plot(data: Callable[..., Panel]) -> Plot:
    """Declare a plot of one panel by the function that computes it."""
    return _declared(Plot(data, several=False))


def plot_panels(data: Callable[..., list[Panel]]) -> Plot:
    """Declare a plot of several panels by the function that computes them."""
    return _declared(Plot(data, several=True))


def _declared(made: Plot) -> Plot:
    PLOTS[made.__name__] = made
    return made


def _picture() -> ModuleType:
    """Return the renderer that needs matplotlib.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError("matplotlib", "plot") from None
    from chainrule.plots import picture

    return picture


def _documented(text: str, several: bool) -> str:
    """Return a docstring with what every plot takes and returns, before what it raises."""
    head, mark, tail = text.partition("\n\nRaises\n")
    if not mark:
        raise ArgumentError("the docstring of a plot has a section 'Raises' after its parameters")
    return f"{head}{_AXES if several else _AX}{mark}{tail}"


def _with_argument(signature: inspect.Signature, name: str) -> inspect.Signature:
    extra = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
    kept = [*signature.parameters.values(), extra]
    return signature.replace(parameters=kept, return_annotation=inspect.Signature.empty)
