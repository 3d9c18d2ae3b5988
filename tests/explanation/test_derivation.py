"""Derivations: the lectures' formulas in the lectures' symbols, evaluated."""

import re
from itertools import pairwise

import numpy as np
import pytest
from lectures import U, W, X, Y, loss_abc, network_221, softmax_loss

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError
from chainrule.explanation.derivation import NOTATIONS, lines
from chainrule.ops.probability import softmax
from chainrule.pages.plain import maths_text

RNG = np.random.default_rng(0)
BATCH = RNG.normal(size=(5, 4)).astype(np.float32)
LABELS = np.array([0, 1, 0, 1, 1])


def objective(model, x, y):
    return nn.cross_entropy(model(x), y)


def network(*widths, activation="tanh"):
    layers = []
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        layers += [nn.Linear(n_in, n_out, rng=i), activation]
    return nn.Sequential(*layers[:-1])


def formulas(derivation):
    return {
        line.equation.variable.name: maths_text(line.maths) for line in derivation.backward
    }  # fmt: skip


GOLDEN = {
    "kamper": {
        "s": "δ_{z⁽²⁾} = prod(∂a⁽²⁾/∂z⁽²⁾, δ_{a⁽²⁾}) = δ_{a⁽²⁾} a⁽²⁾ (1 − a⁽²⁾) = a⁽²⁾ − y",
        "z": "δ_{z⁽¹⁾} = prod(∂a⁽¹⁾/∂z⁽¹⁾, δ_{a⁽¹⁾}) = δ_{a⁽¹⁾} ⊙ a⁽¹⁾ ⊙ (1 − a⁽¹⁾)",
        "w": "δ_{W⁽¹⁾} = prod(∂z⁽¹⁾/∂W⁽¹⁾, δ_{z⁽¹⁾}) = δ_{z⁽¹⁾} xᵀ",
    },
    "koller": {"u": "= ∇ₗ E a", "w": "= ∇ₛ E xᵀ"},
    "slp": {"s": "= ŷ − y", "u": "h"},
    "lampos": {"s": "= ∂L/∂c ∂c/∂v = ∂L/∂c c (1 − c) = c − y", "u": "= ∂L/∂v a"},
    "fund": {"w": "xᵀ"},
}


@pytest.mark.parametrize("notation", GOLDEN)
def test_the_network_of_two_layers_in_each_notation(notation):
    derivation = cr.derive(network_221, ("w", "u"), notation)(W, U, X, Y)
    assert derivation.ok
    found = formulas(derivation)
    for name, ending in GOLDEN[notation].items():
        assert found[name].endswith(ending), found[name]


def test_element_by_element():
    derivation = cr.derive(network_221, ("w", "u"), "lampos")(W, U, X, Y)
    shown = [maths_text(m) for line in derivation.backward if (m := derivation.element(line))]
    assert any(text.endswith("∂L/∂v uᵢ") for text in shown), shown
    assert any(text.endswith("xⱼ") for text in shown)


@cr.op(lambda x: 2 * x * (x > 0), register=False)
def twice_relu(g, y, x):
    return np.where(x > 0, 2.0, 0) * g


def masked(x):
    y = twice_relu(x)
    return np.sum(y**2)


def row_sums(x):
    s = np.sum(np.tanh(x), axis=2, keepdims=True)
    return np.sum(s**2)


@pytest.mark.parametrize(("loss", "shape", "element"), [
    (masked, (3,), "δ_xᵢ = 2 1_{[xᵢ > 0]} δ_yᵢ"),
    (lambda x: np.var(x), (3,), "δ_xᵢ = 2/3 (xᵢ − 1/3 ∑ⱼ xⱼ)"),
    (row_sums, (1, 3, 4), "sᵢ = ∑ⱼ tanh(xᵢⱼ)"),
])  # fmt: skip
def test_every_factor_and_index_of_an_element(loss, shape, element):
    derivation = cr.derive(loss)(RNG.normal(size=shape))
    assert derivation.ok
    shown = [derivation.element(line) for line in (*derivation.forward, *derivation.backward)]
    assert element in [maths_text(m) for m in shown if m is not None]


@pytest.mark.parametrize(("function", "text"), [
    (lambda x: x[:, 0], "y = x_{:, 0}"),
    (lambda x: x[..., 1], "y = x_{…, 1}"),
    (lambda x: x[1:, None], "y = x_{1:, None}"),
    (lambda x: x[:, None], "y = x"),
    (lambda x: np.roll(x, 1), "y = roll(x, shift=1)"),
    (lambda x: np.cumsum(x, axis=1), "y = cumsum(x, axis=1)"),
    (lambda x: softmax(x, axis=0), "y = softmax(x, axis=0)"),
    (lambda x: softmax(x, axis=1), "y = softmax(x)"),
])  # fmt: skip
def test_what_an_op_selects_and_along_which_axis(function, text):
    def loss(x):
        y = function(x)
        return np.sum(y * y)

    derivation = cr.derive(loss)(RNG.normal(size=(3, 2)))
    assert derivation.ok
    assert maths_text(derivation.forward[0].maths) == text


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_network_of_modules(notation):
    derivation = cr.derive(objective, notation=notation)(network(4, 3, 2), BATCH, LABELS)
    assert derivation.ok
    assert not any(reason.startswith("examples as rows") for x in derivation.backward
                   for reason in x.reasons)  # fmt: skip
    output = next(x for x in derivation.backward if x.equation.variable.name == "z2")
    assert maths_text(output.maths).replace("ŷ", "Ŷ").replace("− y", "− Y").endswith(
        "1/N (Ŷ − Y)"
    )  # fmt: skip


def test_where_the_code_differs_from_the_lecture_is_said():
    model = network(4, 3, 2, activation="relu")
    said = {
        n: cr.derive(objective, notation=n)(model, BATCH, LABELS).differences for n in NOTATIONS
    }
    assert said["kamper"] == []
    assert said["slp"] == ["ReLU′(0) is 1 in the lecture, 0 in the code"]
    assert said["lampos"] == [
        "The lecture's loss is a sum over the examples, the code's a mean: hence N"
    ]


def test_sums_over_the_batch():
    found = formulas(cr.derive(objective, notation="kamper")(network(4, 3, 2), BATCH, LABELS))
    assert found["model.0.bias"].endswith("= ∑ₙ δ_{Z⁽¹⁾}")
    assert found["model.0.weight"].endswith("= δ_{Z⁽¹⁾} Xᵀ")


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_batch_as_long_as_another_axis(notation):
    derivation = cr.derive(objective, notation=notation)(network(4, 4, 3), BATCH[:4], LABELS[:4])
    assert derivation.ok
    for line in derivation.backward:
        element = maths_text(derivation.element(line))
        assert not re.search("ᵢᵢ|ⱼⱼ|ₙ", element), element
    bias = maths_text(derivation.element(derivation.line("model.0.bias")))
    assert re.search(r"ᵢ[^∑]*= ∑ⱼ .*(ⱼᵢ|ᵢⱼ)", bias.replace("_{0, i}", "ᵢ")), bias
    assert "N" not in maths_text(derivation.line("z2").maths)


@pytest.mark.parametrize("width", [4, 8])
def test_an_average_over_features_as_many_as_examples(width):
    model = nn.Sequential(
        nn.Linear(3, width, rng=0), nn.LayerNorm(width), nn.Linear(width, 2, rng=1)
    )
    for notation in ("own", "kamper"):
        derivation = cr.derive(objective, notation=notation)(model, BATCH[:4, :3], LABELS[:4])
        assert derivation.ok
        assert formulas(derivation)["z1"].endswith(f")/{width}")


def test_a_variable_of_the_name_n_is_not_the_number_of_examples():
    def loss(w, x, N):
        z = x @ w
        return np.sum(np.tanh(z) ** 2) / N + np.mean(z)

    derivation = cr.derive(loss, ("w", "N"))(RNG.normal(size=(4, 2)), BATCH[:3], np.array(7.0))
    assert derivation.ok
    assert "1/6" in formulas(derivation)["z"]
    assert "<code>N</code>" in derivation.to_html()


def test_the_recursion_is_written_once():
    derivation = cr.derive(objective, notation="kamper")(network(4, 3, 3, 3, 2), BATCH, LABELS)
    recursion = derivation.recursion
    assert (recursion.first, recursion.last) == (1, 3)
    texts = [maths_text(m) for m in recursion.formulas]
    assert texts[0].startswith("δ_{Z⁽ˡ⁾} = W⁽ˡ⁺¹⁾ᵀ δ_{Z⁽ˡ⁺¹⁾} ⊙ (1 − A⁽ˡ⁾ ⊙ A⁽ˡ⁾)")
    assert "A⁽ˡ⁻¹⁾ᵀ" in texts[1]
    assert "The hidden layers one by one" in str(derivation)


def test_layers_that_differ_share_no_recursion():
    model = nn.Sequential(
        nn.Linear(4, 3, rng=0), "tanh", nn.Linear(3, 3, rng=1), "relu", nn.Linear(3, 2, rng=2)
    )
    assert cr.derive(objective)(model, BATCH, LABELS).recursion is None


def test_softmax_with_cross_entropy_written_out():
    x, y = RNG.normal(size=(3, 4)), np.eye(3)
    derivation = cr.derive(softmax_loss, "W", "kamper")(RNG.normal(size=(4, 3)), x, y)
    assert derivation.ok
    assert derivation.recognised == ["exponentials over their sum"]


@pytest.mark.parametrize(("loss", "text"), [
    (lambda w, y: np.sum(w) ** 2, "= 2 ∑ₖ w"),
    (lambda w, y: np.sum(w * np.sum(y, axis=1)), "= 1"),
    (lambda w, y: np.sum(np.sum(y, axis=1) @ w), "= δ_{z⁽¹⁾} 1"),
])  # fmt: skip
def test_only_targets_are_known_to_sum_to_one(loss, text):
    derivation = cr.derive(loss, "w")(np.array([0.5, 0.5]), np.eye(2))
    assert derivation.ok
    assert formulas(derivation)["w"].endswith(text)


def test_own_names_stay():
    found = formulas(cr.derive(loss_abc)(3.0, 1.0, -2.0))
    assert found["a"] == "δₐ = ∂L/∂a = c"
    assert found["c"].endswith("a + 2 b")


def test_a_formula_that_fails_is_shown():
    @cr.op(lambda x: x * x, register=False)
    def odd(g, y, x):
        return g * (3.0 if isinstance(x, cr.Tensor) else 2.0 * x)

    derivation = cr.derive(lambda x: np.sum(odd(x)))(np.array([3.0, 4.0]))
    assert not derivation.ok
    assert "✗" in str(derivation)


def test_a_short_form_that_cannot_be_evaluated_fails(monkeypatch):
    of_another_shape = lambda system: [(system.backward[0], system.backward[-1])]
    monkeypatch.setattr(lines, "combined", of_another_shape)
    assert not cr.derive(network_221, ("w", "u"))(W, U, X, Y).ok


@pytest.mark.parametrize(("dtype", "factor", "ok"), [
    (np.float32, 2.0, True), (np.float64, 2.0, True),
    (np.float32, 2.001, False), (np.float64, 2.000001, False),
])  # fmt: skip
def test_complex_numbers_are_compared_as_closely_as_real_ones(dtype, factor, ok):
    @cr.op(lambda z: 2 * z, register=False)
    def twice(g, y, z):
        return g * (factor if isinstance(g, cr.Tensor) else 2.0)

    def loss(x):
        z = np.fft.fft(x)
        s = twice(z)
        return np.sum(np.real(s * np.conj(s)))

    assert cr.derive(loss)(RNG.normal(size=5).astype(dtype)).ok == ok


def test_hostile_names_are_text_only():
    name = "<script>alert(1)</script>$\\input{x}`|"
    w = cr.Tensor([1.0, 2.0], name=name)
    derivation = cr.derive(np.sum(w * w))
    html, latex = derivation.to_html(), derivation.to_latex()
    assert "<script" not in html
    assert "\\input{" not in latex
    assert "&lt;script&gt;" in html


def test_an_unknown_notation():
    with pytest.raises(ArgumentError, match="notation is one of own, kamper"):
        cr.derive(loss_abc, notation="nobody")


def test_whole_numbers_that_choose_rows_stay_whole():
    def loss(table, ids):
        return np.sum(np.tanh(np.sum(table[ids], axis=1)) ** 2)

    derivation = cr.derive(loss, wrt="table")(RNG.normal(size=(6, 3)), np.array([[0, 5], [5, 2]]))
    assert derivation.ok


def test_nothing_goes_through_a_stop():
    def f(w):
        return np.sum(np.tanh(w) * cr.stop_gradient(np.tanh(w)))

    found = cr.derive(f)(np.array([0.5, -2.0]))
    assert "✓" in str(found)
    assert "✗" not in str(found)
