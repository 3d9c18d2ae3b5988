"""`scan`: every engine hands on the same carry, and refuses what does not fit."""

import numpy as np
import pytest
from engine_cases import assert_close, assert_same, network, networks, readers, rows
from test_loops import no_compiler

import chainrule as cr
from chainrule import nn, optim
from chainrule.autodiff.reverse import value_and_gradients
from chainrule.engines import numba_engine
from chainrule.errors import ArgumentError, DtypeError, ShapeError
from chainrule.ops.rows import put_rows
from chainrule.optim.rows import update_rows

__all__ = ["no_compiler"]


def training(model, optimizer, loss=nn.cross_entropy):
    """A step of training and the carry that it starts from."""

    def step(carry, batch):
        model, state, number = carry
        x, y = batch
        run = nn.Run(3, number)
        value, g = cr.value_and_grad(lambda m: loss(m(x, run), y))(model)
        model, state = optimizer.update(model, g, state)
        return (model, state, number + np.uint64(1)), value

    return step, (model, optimizer.init(model), np.uint64(0))


def first_weight(carry):
    return next(iter(nn.named_parameters(carry[0]).values()))


def run(engine, step, *args, **kwargs):
    with np.errstate(all="ignore"):
        scan = cr.scan(step, engine)
        result = scan(*args, **kwargs)
    note = scan.latest.plan.note
    assert not note, note
    return result


OPTIMIZERS = [optim.SGD(0.1), optim.SGD(0.1, momentum=0.9, nesterov=True), optim.Adam(0.01)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_engines_agree_on_epochs_with_a_short_last_batch(optimizer):
    step, carry = training(network(), optimizer)
    data, order = rows(23), np.random.default_rng(0).permutation(23)
    expected = run("interpreter", step, carry, data, order, 8)
    assert expected[1].shape == (3,)
    assert_same(run("numpy", step, carry, data, order, 8), expected)
    assert_close(run("numba", step, carry, data, order, 8), expected, 1e-4)


@pytest.mark.parametrize("case", [*networks(), *readers()], ids=lambda case: case[0])
def test_every_kind_of_layer_and_loss(case):
    _, model, loss, x, y = case
    step, carry = training(model, optim.SGD(0.1, momentum=0.5), loss)
    expected = run("interpreter", step, carry, (x, y), None, 4)
    assert_close(run("numba", step, carry, (x, y), None, 4), expected, 1e-4, 1e-3)


def embeddings(p, batch):
    words, labels = batch

    def loss(p):
        return nn.cross_entropy(np.mean(p["table"][words], axis=1) @ p["w"].T, labels)

    value, g = cr.value_and_grad(loss)(p)
    return {name: p[name] - 0.5 * g[name] for name in p}, value


def word_data():
    rng = np.random.default_rng(1)
    p = {"table": rng.normal(size=(9, 6)), "w": rng.normal(size=(3, 6))}
    return p, (rng.integers(-9, 9, (20, 4)), rng.integers(0, 3, 20))


def test_rows_of_tables_are_updated_where_they_are_touched():
    p, data = word_data()
    expected = run("interpreter", embeddings, p, data, None, 7)
    scan = cr.scan(embeddings, "numba")
    assert_close(scan(p, data, None, 7), expected, 1e-12)
    assert "p_table[w0, p2] -= " in scan.latest.source


def skip_gram(p, batch):
    center, others, labels = batch

    def loss(p):
        scores = np.sum(p["a"][center][:, None, :] * p["b"][others], axis=-1)
        return np.sum(cr.softplus(scores) - labels * scores)

    value, g = cr.value_and_grad(loss)(p)
    return {name: p[name] - 0.1 * g[name] for name in p}, value


def test_two_tables_that_read_each_other():
    rng = np.random.default_rng(1)
    p = {"a": rng.normal(size=(8, 5)), "b": rng.normal(size=(8, 5))}
    data = rng.integers(0, 8, 30), rng.integers(0, 8, (30, 3)), rng.integers(0, 2, (30, 3)) * 1.0
    expected = run("interpreter", skip_gram, p, data, None, 10)
    assert_close(run("numba", skip_gram, p, data, None, 10), expected, 1e-12)


def test_a_table_that_is_read_after_its_update():
    def step(p, batch):
        p, value = embeddings(p, batch)
        return p, value + np.sum(p["table"] ** 2)

    p, data = word_data()
    expected = run("interpreter", step, p, data, None, 7)
    assert_close(run("numba", step, p, data, None, 7), expected, 1e-12)


def test_parts_of_a_row_have_passes_of_their_own():
    def loss(p, x):
        left, right = (x * p)[:, :3], (x * p)[:, 3:]
        return np.sum(np.exp(np.where(x[:, :3] > 0, left / 0.5, 0.0))) + np.sum(right * right)

    def step(p, x):
        value, g = cr.value_and_grad(loss)(p, x)
        return p - 0.01 * g, value

    x = np.random.default_rng(0).normal(size=(24, 5))
    expected = run("interpreter", step, np.ones(5), x, None, 8)
    assert_close(run("numba", step, np.ones(5), x, None, 8), expected, 1e-12)


def by_rows(optimizer, width=6):
    """A step that updates of a table the rows that it looks up, and what it starts from."""

    def step(carry, batch):
        p, slots, number = carry
        words, labels = batch

        def loss(p):
            return nn.cross_entropy(np.mean(p["table"][words], axis=1) @ p["w"].T, labels)

        value, (g, g_w) = value_and_gradients(loss, p, tables={0})
        g = g.summed()
        rows, after = update_rows(optimizer, p["table"], g, slots, number, 0.1)
        table = put_rows(p["table"], rows, g.places)
        slots = {k: put_rows(slots[k], new, g.places) for k, new in after.items()}
        carry = {"table": table, "w": p["w"] - 0.1 * g_w}, slots, number + 1
        return carry, (value, g.square_norm())

    rng = np.random.default_rng(1)
    p = {"table": rng.normal(size=(9, width)), "w": rng.normal(size=(3, width))}
    return step, (p, optimizer.init(p["table"])["slots"][""], np.int64(0))


@pytest.mark.parametrize("width", [6, 1])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_rows_are_added_up_and_put_in_their_places(optimizer, width):
    (step, carry), (_, data) = by_rows(optimizer, width), word_data()
    expected = run("interpreter", step, carry, data, None, 7)
    assert_same(run("numpy", step, carry, data, None, 7), expected)
    scan = cr.scan(step, "numba")
    assert_close(scan(carry, data, None, 7), expected, 1e-12)
    plain = repr(optimizer) == repr(optim.SGD(0.1))  # subtracts, row by row, what is not summed
    assert ("[w0, p2] -= " if plain else "[w0, p2] = ") in scan.latest.source


@pytest.mark.parametrize("optimizer", [optim.SGD(0.1), optim.Adam(0.01)], ids=repr)
def test_rows_are_put_only_where_a_truth_holds(optimizer):
    start, (p, slots, number) = by_rows(optimizer)
    (words, labels), n = word_data()[1], 7

    def step(carry, batch):
        p, slots, number = carry
        rows, going = batch[:2], batch[2][0]
        (after, moved, number), given = start(carry, rows)
        places = rows[0]
        old = [p["table"][places], {k: x[places] for k, x in slots.items()}]
        table = put_rows(p["table"], np.where(going, after["table"][places], old[0]), places)
        moved = {
            k: put_rows(slots[k], np.where(going, x[places], old[1][k]), places)
            for k, x in moved.items()
        }
        return ({"table": table, "w": p["w"]}, moved, number), given[0]

    for going in (True, False):
        data = words, labels, np.full(len(labels), going)
        carry = (p, slots, number)
        expected = run("interpreter", step, carry, data, None, n)
        assert_close(run("numba", step, carry, data, None, n), expected, 1e-12)


def test_no_thread_changes_a_bit_of_rows():
    (step, carry), (_, data) = by_rows(optim.Adam(0.01)), word_data()
    found = []
    for n in (1, 3):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(numba_engine, "SHARED_ROWS", 0)
            patch.setattr(numba_engine, "n_processors", lambda n=n: n)
            found.append(run("numba", step, carry, data, None, 7))
    assert_same(found[1], found[0])


@pytest.mark.parametrize(
    "rows",
    [
        lambda table, places, others: table[others],  # rows that are themselves changed
        lambda table, places, others: table[places] * table[others],
    ],
)
def test_rows_that_are_made_of_rows(rows):
    def step(table, batch):
        return put_rows(table, rows(table, *batch), batch[0]), np.sum(table)

    rng = np.random.default_rng(0)
    table, data = rng.normal(size=(9, 6)), (rng.permutation(9)[:8], rng.integers(0, 9, 8))
    expected = run("interpreter", step, table, data, None, 4)
    assert_same(run("numpy", step, table, data, None, 4), expected)
    assert_close(run("numba", step, table, data, None, 4), expected, 1e-12)


def test_what_is_given_to_each_step_and_single_rows():
    def step(carry, row, lr):
        x, y = row
        value, g = cr.value_and_grad(lambda w: (np.dot(x, w) - y) ** 2)(carry)
        return carry - lr * g, (value, g)

    rng = np.random.default_rng(0)
    args = rng.normal(size=4), (rng.normal(size=(6, 4)), rng.normal(size=6)), np.arange(5)[::-1]
    expected = run("interpreter", step, *args, each=np.linspace(0.1, 0.2, 5))
    assert expected[1][1].shape == (5, 4)
    assert_close(run("numba", step, *args, each=np.linspace(0.1, 0.2, 5)), expected, 1e-12)


def test_a_carry_that_stays_and_outputs_of_every_row():
    def step(w, row):
        x, y = row
        return w, cr.grad(
            lambda w: nn.cross_entropy((np.tanh(x @ w[0].T) @ w[1].T)[None], y[None])
        )(w)

    rng = np.random.default_rng(0)
    w = [rng.normal(size=(30, 40)), rng.normal(size=(3, 30))]
    data = rng.normal(size=(5, 40)), rng.integers(0, 3, 5)
    expected = run("interpreter", step, w, data)
    assert expected[1][0].shape == (5, 30, 40)
    assert_close(run("numba", step, w, data), expected, 1e-12)


def test_parts_of_the_carry_that_change_places():
    def step(carry, x):
        a, b, n = carry
        return (b, a + x[0], n + 1), a[0]

    args = (np.ones((3, 4)), np.zeros((3, 4)), 0), np.arange(24.0).reshape(6, 4)
    expected = run("interpreter", step, *args, batch_size=1)
    assert_close(run("numba", step, *args, batch_size=1), expected, 0)


def test_the_carry_is_changed_only_where_asked():
    step, carry = training(network(), optim.SGD(0.1))
    before = np.array(first_weight(carry))
    run("numba", step, carry, rows(8), None, 4)
    np.testing.assert_array_equal(first_weight(carry), before)
    own, _ = run("numba", step, carry, rows(8), None, 4, in_place=True)
    assert first_weight(own) is first_weight(carry)
    assert np.any(first_weight(carry) != before)


def test_positions_out_of_bounds_are_refused_and_nothing_changes():
    p, (words, labels) = word_data()
    words[7, 2] = 9
    before = np.array(p["table"])
    with pytest.raises(IndexError, match="9 is out of bounds"):
        cr.scan(embeddings, "numba")(p, (words, labels), None, 5, in_place=True)
    np.testing.assert_array_equal(p["table"], before)
    run("numba", embeddings, p, (words, labels), np.arange(7), 5)  # that row is not used


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_what_does_not_fit_is_refused(engine):
    scan = cr.scan(lambda w, x: (w + np.sum(x), w), engine)
    x = np.ones((4, 2))
    with pytest.raises(ArgumentError, match="no steps"):
        scan(0.0, x[:0], None, 2)
    with pytest.raises(IndexError, match=r"order\[1\] is 4, and there are 4 rows"):
        scan(0.0, x, [0, 4], 2)
    with pytest.raises(ShapeError, match="first axes"):
        scan(0.0, (x, x[:3]), None, 2)
    with pytest.raises(ShapeError, match="one a step"):
        cr.scan(lambda w, x, lr: (w, lr), engine)(0.0, x, None, 2, np.ones(3))
    with pytest.raises(ArgumentError, match="pair"):
        cr.scan(lambda w, x: w, engine)(0.0, x, None, 2)
    with pytest.raises(ShapeError, match=r"carry of shape \(4, 2\)"):
        cr.scan(lambda w, x: (w + x, w), engine)(0.0, x, None, 4)
    with pytest.raises(DtypeError, match="carry as float64"):
        cr.scan(lambda w, x: (w + x[0, 0], w), engine)(np.float32(0), x, None, 4)


def test_unchanging_work_is_done_once():
    def step(w, x):
        return w, x @ w.T

    w, x = np.ones((40, 50)), np.ones((6, 50))
    scan = cr.scan(step, "numba")
    _, y = scan(w, x)
    np.testing.assert_array_equal(y, x @ w.T)
    source = scan.latest.source
    assert source.index("transpose(frame") < source.index("for s in range")


def test_no_thread_changes_a_bit_of_a_plan():
    step, carry = training(network(), optim.Adam(0.01))
    found = []
    for n in (1, 3):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(numba_engine, "SHARED_STEP", 0)
            patch.setattr(numba_engine, "n_processors", lambda n=n: n)
            found.append(run("numba", step, carry, rows(17), None, 8))
    assert_same(found[1], found[0])


@pytest.mark.parametrize(("n", "batch_size", "programs"), [(50, 20, 1), (36, 17, 1), (20, 8, 2)])
def test_one_program_for_a_short_last_batch_too(n, batch_size, programs):
    step, carry = training(network(), optim.SGD(0.1))
    scan = cr.scan(step, "numba")
    _, losses = scan(carry, rows(n), None, batch_size)
    assert losses.shape == (-(-n // batch_size),)
    assert len({sweep.program.source for sweep, _ in scan._sweeps.values()}) == programs
