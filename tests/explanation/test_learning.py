"""Worksheets, marks, and checks of hand-written backpropagation."""

import time

import numpy as np
import pytest
from lectures import U, W, X, Y, loss_abc, network_221, product, softmax_loss, unit

import chainrule as cr
from chainrule.errors import ArgumentError
from chainrule.explanation.learning.formulas import Formula


def sheet_221(**options):
    return cr.exercise(network_221, ("w", "u"), **options)(W, U, X, Y)


class TestWorksheets:
    def test_the_answers_of_the_lectures(self):
        sheet = cr.exercise(loss_abc)(3.0, 1.0, -2.0)
        answers = {k: float(v) for k, v in sheet.answers.items()}
        assert answers["loss"] == -10
        assert [answers[f"dloss/d{n}"] for n in "abc"] == [-2, -4, 5]
        sheet = cr.exercise(unit, ("w", "b"))(
            np.array([0.2, 0.3, 0.9]), 0.5, np.array([0.5, 0.6, 0.1])
        )
        assert float(sheet.answers["z"]) == pytest.approx(0.87)
        assert float(sheet.answers["y"]) == pytest.approx(0.705, abs=5e-4)

    def test_a_worksheet_hides_its_answers_and_the_solution_shows_them(self, tmp_path):
        sheet = cr.exercise(loss_abc)(3.0, 1.0, -2.0)
        assert "-10" not in str(sheet)
        assert "____" in str(sheet)
        sheet.save(tmp_path / "sheet.json")
        assert "answer" not in (tmp_path / "sheet.json").read_text()
        assert "-10" in str(sheet.solution())
        assert "____" not in str(sheet.solution())
        assert all("answer" in item for item in sheet.solution().facts()["items"])

    def test_the_seed_decides(self):
        ids = [[i.id for i in sheet_221(seed=s, share=0.4).items] for s in (1, 1, 2)]
        assert ids[0] == ids[1] != ids[2]
        a, b = (cr.exercise(loss_abc, fresh=True, seed=s)(3.0, 1.0, -2.0) for s in (1, 2))
        assert float(a.answers["loss"]) != float(b.answers["loss"])
        solved = {i.id: a.answers[i.id] for i in a.items}
        assert a.grade(solved).score == 1.0

    def test_all_kinds_are_asked_for(self):
        kinds = {item.kind for item in sheet_221().items}
        assert kinds == {"value", "local", "delta", "gradient", "update"}

    @pytest.mark.parametrize("wrong", [{"lr": -1.0}, {"share": 0.0}, {"share": 7.0}])
    def test_bad_settings(self, wrong):
        with pytest.raises(ArgumentError, match=f"exercise: {next(iter(wrong))} must be"):
            cr.exercise(loss_abc, **wrong)

    def test_every_name_stands_for_one_thing(self):
        def loss(z, lr, σ):
            delta_z = z * lr
            y = delta_z * σ
            return y * z

        sheets = [cr.exercise(loss)(2.0, 3.0, 0.5)]
        a, b = cr.Tensor(2.0, name="a.b"), cr.Tensor(3.0, name="a_b")
        sheets.append(cr.exercise(a * b * a))
        for sheet in sheets:
            ids = [item.id for item in sheet.items]
            assert len(set(ids)) == len(ids)
            assert sheet.grade(sheet.answers).score == 1.0
        marks = sheets[0].grade({"y": "delta_z_ * σ", "dloss/dσ": "σ(0) * 2 * delta_y * z * lr_"})
        assert marks["y"].status == marks["dloss/dσ"].status == "right"

    def test_fresh_numbers_are_of_the_domain(self):
        for seed in range(8):
            sheet = cr.exercise(lambda a: np.log(a) * a, fresh=True, seed=seed)(2.0)
            assert all(np.isfinite(x) for x in sheet.answers.values())
        with pytest.raises(ArgumentError, match="leave out fresh"):
            cr.exercise(lambda a: np.sqrt(a - 5), fresh=True)(6.0)

    @pytest.mark.parametrize(
        "function",
        [
            lambda x: np.where(True, x, 0.0), lambda x: np.clip(x, 0, 9), np.nan_to_num, np.sinc,
            lambda x: -x,
        ],
    )  # fmt: skip
    def test_local_derivatives_of_elementwise_functions(self, function):
        sheet = cr.exercise(lambda x: function(x) * 3)(2.5)
        local = next(item for item in sheet.items if item.id == "dv1/dx")
        assert sheet.answers[local.id] == pytest.approx(cr.grad(function)(2.5))

    def test_an_operation_of_several_results(self):
        sheet = cr.exercise(lambda A: np.sum(np.linalg.eigh(A)[0] ** 2))(np.diag([1.0, 2.0]))
        assert sheet.grade(sheet.answers).score == 1.0


class TestMarks:
    def test_the_right_solution_gets_full_marks(self):
        sheet = sheet_221()
        marks = sheet.grade({k: np.asarray(v).tolist() for k, v in sheet.answers.items()})
        assert marks.score == 1.0
        assert not marks.first_mistakes

    def test_the_formulas_of_the_lecture(self):
        sheet = sheet_221()
        given = {
            "dloss/du": "(c - y) * a",
            "dloss/dw": "outer((c - y) * u * a * (1 - a), x)",
            "delta_s": "c - y",
            "delta_a": "(c − y)·u",
        }
        marks = sheet.grade(given)
        assert {k: marks[k].status for k in given} == dict.fromkeys(given, "right")

    def test_a_formula_that_is_right_here_alone(self):
        sheet = cr.exercise(loss_abc)(3.0, 1.0, -2.0)
        assert sheet.grade({"dloss/dc": "a + 2"})["dloss/dc"].status == "here"
        assert sheet.grade({"dloss/dc": "a + 2*b"})["dloss/dc"].status == "right"

    def test_a_formula_speaks_of_what_is_given_and_of_what_came_before(self):
        sheet = sheet_221()
        for item in sheet.items:
            if item.name:
                assert sheet.grade({item.id: item.name})[item.id].status == "unreadable"
        assert sheet.grade({"z": "delta_w"})["z"].status == "unreadable"
        assert sheet.grade({"new w": "w - lr * delta_w"})["new w"].status == "right"

    def test_the_questions_of_a_sheet_can_be_its_answers(self):
        sheet = cr.exercise(loss_abc)(3.0, 1.0, -2.0)
        asked = {i.id: i.question.split("  [")[0] for i in sheet.items if i.kind != "local"}
        marks = sheet.grade(asked)
        assert {marks[id].status for id in asked} == {"right"}

    def test_where_a_mistake_was_made_and_where_it_carried_on(self):
        sheet = cr.exercise(loss_abc)(3.0, 1.0, -2.0)
        given = {"v1": 3.0, "v2": 6.0, "loss": -12.0, "dloss/dc": 6.0, "dloss/da": -2.0}
        marks = sheet.grade(given)
        assert marks.first_mistakes == ["v1"]
        assert marks["v2"].status == marks["loss"].status == "carried on"
        assert marks["dloss/dc"].status == "carried on"
        assert marks["dloss/da"].status == "right"
        assert "from your v1" in marks["loss"].note

    def test_numbers_as_people_write_them(self):
        sheet = cr.exercise(unit, ("w", "b"))(
            np.array([0.2, 0.3, 0.9]), 0.5, np.array([0.5, 0.6, 0.1])
        )
        for text in ("0.705", "0.71", "0.7047"):
            assert sheet.grade({"y": text})["y"].status == "right"
        assert sheet.grade({"y": "0.75"})["y"].status == "wrong"
        marks = cr.exercise(product)(2.0, 1.0).grade({"dloss/db": "10/2"})
        assert marks["dloss/db"].status == "right"
        small = cr.exercise(lambda x: x * x * 1e-3)(1.3)  # 0.00169, and 0.0026
        marks = small.grade({"loss": "0.002", "dloss/dx": "0.003"})
        assert marks["loss"].status == marks["dloss/dx"].status == "right"
        marks = small.grade({"loss": "0.001", "dloss/dx": 0.003})
        assert marks["loss"].status == marks["dloss/dx"].status == "wrong"

    def test_hints(self):
        sheet = cr.exercise(product)(2.0, 1.0)
        assert "sign" in sheet.grade({"dloss/da": -2})["dloss/da"].note
        assert "only the way through" in sheet.grade({"dloss/db": 3})["dloss/db"].note
        sheet = sheet_221()
        right = sheet.answers["dloss/dw"]
        assert "transposed" in sheet.grade({"dloss/dw": right.T})["dloss/dw"].note
        assert "2 times too large" in sheet.grade({"dloss/du": 2 * sheet.answers["dloss/du"]})[
            "dloss/du"].note  # fmt: skip
        new = sheet.account.named("w").value + 0.1 * right
        assert "subtract" in sheet.grade({"new w": new})["new w"].note

    @pytest.mark.parametrize(
        ("item", "value", "words"),
        [
            ("new a", 2.8, "subtract"),  # 3.2 is right
            ("new a", 5.0, "the learning rate is missing"),
            ("new a", 3.0, ""),
            ("v1", 2.5, ""),
            ("v2", 1.0, "5 times too small"),
            ("v2", -2.0, ""),  # the delta of its only use is a mistake of gradients
            ("v2", -5.0, "its sign is wrong"),
            ("dloss/dv2", 2.0, "its sign is wrong"),
            ("dloss/db", -2.0, "the derivative of multiply is missing"),
            ("dloss/dc", 3.5, ""),
            ("dloss/dc", 15.0, "3 times too large"),
            ("dloss/dc", "1 / 0", "not finite"),
        ],
    )
    def test_hints_of_single_numbers(self, item, value, words):
        note = cr.exercise(loss_abc)(3.0, 1.0, -2.0).grade({item: value})[item].note
        assert words in note if words else not note

    def test_an_unknown_item_is_named(self):
        with pytest.raises(ArgumentError, match="no item 'q'"):
            cr.exercise(product)(2.0, 1.0).grade({"q": 1})


HOSTILE = [
    "__import__('os').system('x')", "a.__class__", "(lambda: 1)()", "[x for x in (1,)]", "a := 3",
    "a" * 100_000, "(" * 5000 + "1" + ")" * 5000, "open('x')", "a if a else b",
    "f'{a}'", "'text' * 9", "1e999", "exec('1')", "a.T.base", "{1: 2}", "a[0]", "exp(x=1)", "",
    "\u202e1", "a; b", "outer(ones, ones)", "not a", "1_000j", "True",
    "exp(a, a)", "maximum(a, a, a)", "sum(a, b)", "dot(a, a, b)", "sin()", "outer(*a)",
    "outer(large, large)",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_formulas_are_refused_at_once(text):
    started = time.perf_counter()
    with pytest.raises(ArgumentError) as refused:
        Formula(text).value({"a": np.arange(3.0), "b": 1.0, "large": np.ones(3_000_000)})
    assert len(str(refused.value)) < 500
    assert time.perf_counter() - started < 2


def test_a_formula_overwrites_nothing():
    known = {"a": np.arange(3.0), "b": np.ones(3)}
    for text in ("exp(a, b)", "maximum(a, a, b)", "outer(a, a, b)", "sum(a, 0, b)"):
        with pytest.raises(ArgumentError, match="inputs in a formula"):
            Formula(text).value(known)
    np.testing.assert_array_equal(known["b"], np.ones(3))


def test_a_power_too_large_is_infinite_and_quick():
    assert np.isinf(Formula("9**9**9**9").value({}))


def test_a_formula_does_not_grow_without_bounds():
    with pytest.raises(ArgumentError, match="numbers at most"):
        Formula("outer(a, a)").value({"a": np.ones(2000)})


class TestHandWritten:
    @staticmethod
    def right(w, u, x, y):
        z = w @ x
        a = 1 / (1 + np.exp(-z))
        c = 1 / (1 + np.exp(-(u @ a)))
        ds = c - y
        dz = ds * u * a * (1 - a)
        return {"w": np.outer(dz, x), "du": ds * a, "delta_z": dz}

    def test_what_is_right(self):
        assert cr.check_my_backward(network_221, self.right, W, U, X, Y, wrt=("w", "u")).ok

    def test_the_first_mistake_and_what_followed(self):
        def forgetful(w, u, x, y):
            found = self.right(w, u, x, y)
            a = 1 / (1 + np.exp(-(w @ x)))
            dz = found["delta_z"] / (a * (1 - a))
            return {**found, "delta_z": dz, "w": np.outer(dz, x)}

        checked = cr.check_my_backward(network_221, forgetful, W, U, X, Y, wrt=("w", "u"))
        assert checked.first_mistake.id == "z"
        assert {m.id: m.status for m in checked.marks}["w"] == "carried on"
        assert not checked.ok

    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            (lambda g: g.T, "transposed"),
            (lambda g: -g, "sign"),
            (lambda g: g * 3, "3 times too large"),
            (lambda g: g / 3, "3 times too small"),
            (lambda g: g[None].repeat(5, axis=0) / 5, "sum over the examples"),
        ],
    )
    def test_hints(self, spoil, words):
        x, y = np.random.default_rng(0).normal(size=(3, 4)), np.eye(3)
        V = np.random.default_rng(1).normal(size=(4, 3))
        gradient = cr.grad(softmax_loss)
        checked = cr.check_my_backward(
            softmax_loss, lambda *args: spoil(gradient(*args)), V, x, y, wrt="W"
        )
        assert words in checked.first_mistake.note

    def test_code_that_raises_or_changes_its_arguments(self):
        def raising(a, b):
            return [][1]

        found = cr.check_my_backward(product, raising, 2.0, 1.0)
        assert "IndexError" in found.problem
        assert "test_learning.py:" in found.problem

        def changing(w, u, x, y):
            found = self.right(w, u, x, y)
            w *= 0
            return found

        kept = W.copy()
        found = cr.check_my_backward(network_221, changing, W, U, X, Y, wrt=("w", "u"))
        assert "in place" in found.notes
        np.testing.assert_array_equal(W, kept)

    def test_a_wrong_number_of_gradients(self):
        found = cr.check_my_backward(product, lambda a, b: 1.0, 2.0, 1.0)
        assert "1 gradients" in found.problem

    @pytest.mark.parametrize("wrt", [("u", "w"), (1, 0), ("w", "u"), "w", "u"])
    def test_gradients_in_the_order_of_wrt(self, wrt):
        checked = cr.check_my_backward(network_221, cr.grad(network_221, wrt), W, U, X, Y, wrt=wrt)
        assert checked.ok
        swapped = lambda *args: cr.grad(network_221, wrt)(*args)[::-1]
        if isinstance(wrt, tuple):
            assert not cr.check_my_backward(network_221, swapped, W, U, X, Y, wrt=wrt).ok

    @pytest.mark.parametrize("shape", [(), (1,), (1, 1), (3,), (1, 3), (2, 3)])
    @pytest.mark.parametrize("form", [tuple, list, np.array, lambda g: (*g, None)])
    def test_a_single_gradient_alone_or_in_a_tuple(self, shape, form):
        loss = lambda w: np.sum(w * w)
        backward = lambda w: form([2 * w]) if form is not np.array else (2 * w).tolist()
        assert cr.check_my_backward(loss, backward, np.full(shape, 1.5)[()]).ok

    def test_nothing_is_right_where_finite_differences_disagree(self):
        @cr.op(lambda x: x * x, register=False)
        def wrong_square(g, y, x):
            return g * x

        loss = lambda a, b: wrong_square(a) * b
        checked = cr.check_my_backward(loss, lambda a, b: (a * b, a * a), 3.0, 2.0)
        assert [m.status for m in checked.marks] == ["right", "unchecked"]
        assert not checked.ok
        assert "Not every gradient could be checked" in str(checked)

    @pytest.mark.parametrize("given", [{"a": [[1.0], [2.0, 3.0]]}, {"a": "x"}, ([[1], [2, 3]], 1)])
    def test_what_is_no_array_of_numbers(self, given):
        found = cr.check_my_backward(product, lambda a, b: given, 2.0, 1.0)
        assert found.problem
        assert not found.ok

    def test_arguments_that_are_not_numbers_everywhere(self):
        x = np.array([1.0, np.nan])
        loss = lambda w, x: np.sum(np.where(np.isnan(x), 0.0, x) * w)
        backward = lambda w, x: np.where(np.isnan(x), 0.0, x)
        assert not cr.check_my_backward(loss, backward, np.ones(2), x, wrt="w").notes
