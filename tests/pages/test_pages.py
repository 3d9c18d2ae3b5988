"""Pages in every format: what is text stays text, and what is well-formed stays so."""

import html
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from chainrule.errors import ArgumentError
from chainrule.pages import (
    Code,
    Figure,
    Fold,
    Formula,
    Heading,
    Items,
    Listing,
    Page,
    Paragraph,
    Shown,
    Strong,
    Table,
    maths,
)
from chainrule.pages.html import document, fragment
from chainrule.pages.latex import document as latex_document
from chainrule.pages.latex import maths_latex
from chainrule.pages.markdown import as_markdown
from chainrule.pages.mathml import maths_mathml
from chainrule.pages.plain import maths_text
from chainrule.pages.terminal import as_text, show

HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "]]>&amp;'", "\\input{/etc/x}",
    "$\\write18{x}$", "a|b|c\n| d", "`` `code` ``", "[bold red]x[/]", "\x1b[31mred\x1b[0m",
    "\u202eright to left", "line\u2028separator", "{braces} % _ ^ ~ #", "x" * 10_000,
    "[a](javascript:alert(1))", "&lt;", "\\end{document}", "---\n# heading",
    "[0, 10)", "* x",
]  # fmt: skip
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><title>t</title></svg>'


def page_of(text):
    """A page with a text in every place that takes one."""
    symbol = maths.Symbol(text, "bold")
    formula = maths.row(
        symbol, "=", maths.Words(text), maths.Number(text),
        maths.Script(symbol, maths.Symbol(text), maths.Words(text)),
        maths.Fraction(symbol, maths.Root(symbol)), maths.Fenced(symbol, "[]"),
        maths.Matrix(((symbol, maths.Number("1")),)),
    )  # fmt: skip
    line = [text, Code(text), Strong(text, "bad"), symbol]
    return Page(text, [
        Heading(line, 1), Paragraph(line), Formula(formula, line), Listing(text, "python"),
        Items([line, text]), Table([text, line], [[line, text]], frozenset({1}), line),
        Figure(SVG, text, line), Fold(line, [Paragraph(text)]),
    ])  # fmt: skip


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}


TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "h1", "p", "div", "code", "strong",
    "math", "mrow", "mi", "mo", "mn", "mtext", "msub", "msup", "msubsup", "mfrac", "msqrt",
    "mtable", "mtr", "mtd", "pre", "ul", "li", "table", "caption", "thead", "tbody", "tr", "th",
    "td", "figure", "figcaption", "svg", "details", "summary",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
class TestHostileTexts:
    def test_html(self, text):
        reader = Reader()
        reader.feed(document(page_of(text)))
        assert reader.tags <= TAGS
        assert not any(name.startswith("on") for _, name in reader.attributes)
        assert not any(name in ("href", "src") for _, name in reader.attributes)
        assert "javascript:" not in re.sub(r"\[a\]\(javascript", "", document(page_of(text)))

    def test_mathml(self, text):
        tree = ET.fromstring(maths_mathml(page_of(text).blocks[2].maths))
        assert tree.tag == "math"

    def test_latex(self, text):
        latex = latex_document(page_of(text))
        bare = re.sub(r"\\[\\{}$&#%_]", "", latex)
        assert bare.count("{") == bare.count("}")
        assert "\\input{" not in latex
        assert "\\write18" not in latex
        assert latex.count("\\end{document}") == 1
        assert not re.search(r"(\\\\|\\item|\\midrule)\s*[\[*]", latex)

    def test_markdown(self, text):
        shown = as_markdown(page_of(text))
        outside = re.sub(r"(`+).*?\1|\$\$.*?\$\$|\$[^$]*\$", "", shown, flags=re.S)
        assert not re.search(r"(?<!\\)<", outside)
        assert not re.search(r"(?<!\\)\]\(", outside)

    def test_terminal(self, text, capsys):
        show(page_of(text))
        for shown in (as_text(page_of(text)), capsys.readouterr().out):
            assert "\x1b" not in shown
            assert "\u202e" not in shown
            assert "\u2028" not in shown
        if text.startswith("[bold"):
            assert text in shown


@pytest.mark.parametrize("notebook", [False, True])
def test_what_is_no_terminal_gets_the_plain_text(notebook, monkeypatch, capsys):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: notebook)
    text = as_text(page_of("word " * 30))
    assert max(map(len, text.splitlines())) > 80
    show(page_of("word " * 30))
    assert capsys.readouterr().out == text + "\n"


def test_bars_are_escaped_in_the_cells_of_markdown_alone():
    line = ["a|b ", Code(r"c \| d"), " ", maths.Fenced(maths.Symbol("x"), "||")]
    shown = as_markdown(Page("t", [Paragraph(line), Table([line], [])])).splitlines()
    assert shown[0] == r"a|b `c \| d` $|x|$"
    assert shown[2] == r"| a\|b `c \\| d` $\|x\|$ |"


def test_a_document_needs_nothing_from_elsewhere():
    text = document(page_of("x"))
    assert "Content-Security-Policy" in text
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert "<script" not in text
    assert "prefers-color-scheme: dark" in text
    assert "<style>" in fragment(page_of("x"))


def test_formulas_in_every_notation():
    z = maths.Script(maths.Symbol("z", "bold"), maths.Symbol("i"), maths.Number("2"))
    formula = maths.row(
        maths.Symbol("delta", "bold"), "=", maths.Script(maths.Sign("sum"), maths.Symbol("n")), z
    )
    assert maths_text(formula) == "δ = ∑ₙ zᵢ²"
    assert maths_latex(formula) == r"\boldsymbol{\delta} = \sum_{n} \mathbf{z}_{i}^{2}"
    assert "<munder><mo>∑</mo><mi>n</mi></munder>" in maths_mathml(formula)
    assert maths_text(maths.Symbol("y", accent="hat")) == "ŷ"
    assert maths_latex(maths.Symbol("y", accent="hat")) == r"\hat{y}"


def test_every_kind_of_block_in_every_format():
    page = page_of("word")
    for shown in (as_text(page), as_markdown(page), latex_document(page), document(page)):
        assert shown.count("word") >= 12
    assert SVG in document(page)


class Result(Shown):
    def facts(self):
        return {"answer": 42}

    def page(self):
        return page_of("answer")


def test_files_by_their_suffix(tmp_path):
    result = Result()
    for suffix in (".html", ".md", ".tex", ".json", ".txt"):
        path = tmp_path / f"page{suffix}"
        result.save(path)
        assert path.stat().st_size
    assert json.loads((tmp_path / "page.json").read_text()) == {"answer": 42}
    assert html.unescape(result._repr_html_()).startswith("<div")
    with pytest.raises(ArgumentError, match="ends in none of"):
        result.save(tmp_path / "page.docx")
    assert len(list(tmp_path.iterdir())) == 5
