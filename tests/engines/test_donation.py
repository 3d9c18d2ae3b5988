"""The numpy engine writes a step's results over the carry, where nobody reads it any more."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.numpy_engine import NumpyProgram
from chainrule.ops.rows import put_rows


def program(step, *arguments, donated):
    graph = cr.trace(step)(*arguments)
    return NumpyProgram(graph, [np.array(x) for x in arguments], {}, donated=donated)


def lines(made):
    return [line.partition("#")[0].strip() for line in made.source.splitlines()]


A, B = np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 7.0])


def run(made, *arguments):
    given = [np.array(x) for x in arguments]
    return given, made(given)


def test_a_result_is_written_over_what_it_replaces():
    made = program(lambda a, b: (a - np.sum(a) * b, np.sum(a)), A, B, donated=1)
    (a, b), (new, total) = run(made, A, B)
    assert new is a
    np.testing.assert_array_equal(a, A - 6 * B)
    np.testing.assert_array_equal(b, B)
    assert total == 6


@pytest.mark.parametrize(
    "step",
    [
        lambda a, b: (a * 2.0, np.cumsum(a * 2.0) + a[::-1]),  # a view of it is read later
        lambda a, b: (a * 2.0, a),  # it is a result itself
        lambda a, b: (a * 2.0, a[1:]),  # a view of it is
        lambda a, b: (np.exp(b), np.exp(b) + a),  # it is read after the result is there
        lambda a, b: (a[::-1] * 2.0, b),  # the result would overwrite what it reads
        lambda a, b: (np.sum(a) + b, np.sum(a) + b),  # two outputs are one
        lambda a, b: (np.where(a > 0, b, a), b),  # each element has a truth of its own
        lambda a, b: (np.where(np.sum(a) > 0, a + b, a), np.sum(a + b)),  # the sum is wanted too
        lambda a, b: (b, a),  # they change places
        lambda a, b: (a, b),
    ],
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_what_is_still_read_is_not_overwritten(step, sign):
    made = program(step, sign * A, B, donated=2)
    expected = [np.array(x) for x in step(sign * A, B)]
    for got, wanted in zip(run(made, sign * A, B)[1], expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


def choosing(a, m, g):
    fine = np.isfinite(np.sum(g))
    moved = 0.9 * m + g
    return np.where(fine, a - np.sqrt(moved), a), np.where(fine, moved, m), fine


def test_a_choice_by_a_single_truth_is_a_branch():
    made = program(choosing, A, B, B, donated=2)
    text = lines(made)
    assert sum(line.startswith("if ") for line in text) == 1
    assert not any("np.where" in line for line in text)
    (a, m, _), (new, moved, fine) = run(made, A, B, B)
    assert new is a
    assert moved is m
    assert fine
    np.testing.assert_array_equal(m, 0.9 * B + B)
    np.testing.assert_array_equal(a, A - np.sqrt(0.9 * B + B))
    (a, m, _), (new, moved, fine) = run(made, A, B, B * np.inf)
    assert not fine
    np.testing.assert_array_equal(a, A)
    np.testing.assert_array_equal(m, B)


def test_what_is_chosen_and_wanted_otherwise_is_copied_if_it_is_chosen():
    def step(a, g):
        fine = np.isfinite(np.sum(g))
        return np.where(fine, a * g, a), np.sum(a * g)

    made = program(step, A, B, donated=1)
    assert any(line.startswith("np.copyto(") for line in lines(made))
    for g in (B, B * np.nan):
        (a, _), (new, total) = run(made, A, g)
        assert new is a
        np.testing.assert_array_equal(new, step(A, g)[0])
        np.testing.assert_array_equal(total, step(A, g)[1])


def test_layouts_that_differ_are_copied():
    given = np.arange(6.0).reshape(2, 3)
    made = program(lambda a, b: (b.T * 2.0, np.sum(a)), given, given.T.copy(), donated=1)
    (a, _), (new, _) = run(made, given, given.T.copy())
    np.testing.assert_array_equal(new, given * 2.0)
    assert new is not a


def steps(rng):
    """Return a step of two arrays that is put together at random."""
    unary = [np.negative, np.square, np.tanh, lambda x: x[::-1], lambda x: x * 0.5, np.cumsum]
    binary = [np.add, np.subtract, np.multiply, np.maximum]
    plan = [(rng.integers(0, 3), *rng.integers(0, 100, 3)) for _ in range(8)]
    ends = rng.integers(0, 10, 3)

    def step(a, b):
        known = [a, b]
        for kind, f, i, j in plan:
            x, y = known[i % len(known)], known[j % len(known)]
            if kind == 0:
                known.append(unary[f % len(unary)](x))
            elif kind == 1:
                known.append(binary[f % len(binary)](x, y))
            else:
                known.append(np.where(np.sum(x) > 0, y, (a, b)[f % 2]))
        first, second, third = (known[i % len(known)] for i in ends)
        truth = np.sum(third) > 0
        return (
            np.where(truth, first, a),
            np.where(truth, second, b) if ends[0] % 2 else second,
            third,
        )

    return step


@pytest.mark.parametrize("seed", range(150))
def test_random_steps_give_the_bits_of_the_interpreter(seed):
    rng = np.random.default_rng(seed)
    step, each = steps(rng), np.zeros(4)
    a, b = rng.normal(size=(2, 5))
    order = np.arange(4)
    for _ in range(2):
        found = cr.scan(lambda c, now: (step(*c)[:2], step(*c)[2]), "numpy")((a, b), each, order)
        wanted = cr.scan(lambda c, now: (step(*c)[:2], step(*c)[2]), "interpreter")(
            (a, b), each, order
        )
        for got, expected in zip((*found[0], found[1]), (*wanted[0], wanted[1]), strict=True):
            np.testing.assert_array_equal(got, expected)
        a, b = -a, -b


TABLE, PLACES = np.arange(6.0).reshape(3, 2), np.array([2, 0])


def test_rows_are_put_where_the_table_lies():
    def step(t, p):
        return put_rows(t, t[p] * np.sum(t), p), np.sum(t)

    made = program(step, TABLE, PLACES, donated=1)
    (table, _), (new, total) = run(made, TABLE, PLACES)
    assert new is table
    np.testing.assert_array_equal(table, [[0, 15], [2, 3], [60, 75]])
    assert total == 15


@pytest.mark.parametrize(
    "step",
    [
        lambda t, p: (put_rows(t, t[p] * 2.0, p), np.sum(put_rows(t, t[p] * 2.0, p)) * t),
        lambda t, p: (put_rows(t, t[1:], p), t[0]),  # a view of it is read, and is a result
        lambda t, p: (put_rows(t, t[1:], p), np.sum(t)),
        lambda t, p: (put_rows(t, t[:2] * 1.0, p), t),
        lambda t, p: (put_rows(t + 1.0, t, np.array([2, 0, 1])), p),  # it is not put into t
    ],
)
def test_a_table_that_is_still_read_stays(step):
    made = program(step, TABLE, PLACES, donated=1)
    expected = [np.array(x) for x in step(TABLE, PLACES)]
    (table, _), found = run(made, TABLE, PLACES)
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(table, TABLE)
