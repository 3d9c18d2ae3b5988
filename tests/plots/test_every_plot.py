"""What holds for every plot that is declared: axes, text, figures, names, the missing package."""

import inspect
import re
import sys

import numpy as np
import pytest
from plot_cases import CASES

from chainrule import plots
from chainrule.errors import ArgumentError, MissingExtraError, ShapeError
from chainrule.plots import PLOTS
from chainrule.plots.panel import Line, Points, Shades, number

matplotlib = pytest.importorskip("matplotlib")
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

NAMES = sorted(PLOTS)


def test_every_plot_has_a_case_and_is_public():
    assert set(CASES) == set(PLOTS)
    assert set(PLOTS) <= set(plots.__all__)
    assert all(getattr(plots, name) is PLOTS[name] for name in PLOTS)


def panels_of(name):
    args, options = CASES[name]
    found = PLOTS[name].data(*args, **options)
    return found if PLOTS[name].several else [found]


def drawn(name, **where):
    args, options = CASES[name]
    found = PLOTS[name](*args, **options, **where)
    return list(found) if PLOTS[name].several else [found]


def pixels_of(figure, dpi=50):
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


@pytest.mark.parametrize("name", NAMES)
def test_it_makes_a_figure_that_pyplot_does_not_know(name):
    import matplotlib.pyplot as plt

    before, settings = plt.get_fignums(), dict(matplotlib.rcParams)
    axes = drawn(name)
    assert all(isinstance(ax, Axes) for ax in axes)
    assert len({ax.figure for ax in axes}) == 1
    assert len(axes[0].figure.axes) == len(axes) == len(panels_of(name))
    pixels = pixels_of(axes[0].figure)
    assert pixels.std() > 0
    assert plt.get_fignums() == before
    assert dict(matplotlib.rcParams) == settings


@pytest.mark.parametrize("name", NAMES)
def test_it_draws_in_the_axes_it_is_given_and_nowhere_else(name):
    panels = panels_of(name)
    figure = Figure(figsize=(3.0 * len(panels) + 3, 2.5), layout="constrained")
    axes = figure.subplots(1, len(panels) + 1)
    where = {PLOTS[name].argument: axes[:-1] if PLOTS[name].several else axes[0]}
    found = drawn(name, **where)
    assert all(a is b for a, b in zip(found, axes[:-1], strict=True))
    assert len(figure.axes) == len(panels) + 1
    assert not axes[-1].has_data()
    assert not axes[-1].texts
    pixels_of(figure)


@pytest.mark.parametrize("name", NAMES)
def test_each_mark_is_one_artist_with_the_numbers_of_its_data(name):
    for panel, ax in zip(panels_of(name), drawn(name), strict=True):
        lines = [m for m in panel.marks if isinstance(m, Line)]
        for mark, artist in zip(lines, ax.lines, strict=False):
            np.testing.assert_array_equal(artist.get_xdata(), mark.drawn()[0])
            np.testing.assert_array_equal(artist.get_ydata(), mark.drawn()[1])
        shades = [m for m in panel.marks if isinstance(m, Shades)]
        assert len(ax.images) == len(shades)
        for mark, image in zip(shades, ax.images, strict=True):
            if mark.scale != "classes":
                values = np.ma.filled(image.get_array().astype(float), np.nan)
                np.testing.assert_array_equal(values, mark.values)
        clouds = [m for m in panel.marks if isinstance(m, Points)]
        offsets = [c.get_offsets() for c in ax.collections if len(c.get_offsets())]
        found = [o for o in offsets if any(len(o) == len(m.x) for m in clouds)]
        assert len(found) >= len(clouds)
        assert ax.get_xlabel() == panel.x.label
        assert ax.get_ylabel() == panel.y.label
        assert ax.get_title(loc="left").replace("\n", " ") == panel.title


@pytest.mark.parametrize("name", NAMES)
def test_text_is_narrow_and_holds_the_numbers(name):
    args, options = CASES[name]
    text = PLOTS[name].text(*args, **options)
    assert max(map(len, text.split("\n"))) <= 100
    assert text == PLOTS[name].text(*args, **options)
    for panel in panels_of(name):
        assert panel.title in text
        words = set(text.split())
        if panel.table is not None:
            for row in panel.table.rows:
                assert all(set(str(cell).split()) <= words for cell in row)
        else:
            named = [m for m in panel.marks if isinstance(m, Line) and m.name]
            assert named
            for mark in named:
                assert {number(float(mark.y[0])), number(float(mark.y[-1]))} <= words


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_same_each_time(name):
    first, again = (pixels_of(drawn(name)[0].figure) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("name", NAMES)
def test_without_matplotlib_the_extra_is_named_and_text_still_works(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    args, options = CASES[name]
    with pytest.raises(MissingExtraError, match=r"matplotlib.*chainrule\[plot\]"):
        PLOTS[name](*args, **options)
    assert PLOTS[name].text(*args, **options)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_axes_is_refused_before_anything_is_computed(name):
    argument = PLOTS[name].argument
    with pytest.raises(ArgumentError, match=argument):
        PLOTS[name](**{argument: "here"})


@pytest.mark.parametrize("name", [n for n in NAMES if PLOTS[n].several])
def test_too_few_axes_are_refused(name):
    axes = Figure().subplots(1, 2)[:1]
    with pytest.raises(ShapeError, match="axes holds 1"):
        drawn(name, axes=axes)
    assert not axes[0].has_data()


@pytest.mark.parametrize("name", NAMES)
def test_its_signature_and_documentation_name_the_axes(name):
    found = PLOTS[name]
    assert found.argument in inspect.signature(found).parameters
    assert f"\n{found.argument} : " in found.__doc__
    for parameter in inspect.signature(found).parameters:
        assert re.search(rf"^(.*, )?{parameter}(,.*)? : ", found.__doc__, re.M), parameter
    assert ">>>" in found.__doc__


def test_an_axes_made_here_shows_its_figure_in_a_notebook():
    args, options = CASES["learning_curves"]
    ax = plots.learning_curves(*args, **options)
    assert ax._repr_png_().startswith(b"\x89PNG")
