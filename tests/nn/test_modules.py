"""Modules as trees: what is trained, what is carried along, names, copies, errors."""

import collections
import copy
import dataclasses
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.errors import ArgumentError, DtypeError, ShapeError, UnsupportedError
from chainrule.graph import Tensor
from chainrule.graph.tree import flatten, map_leaves, unflatten


class Mine(nn.Module):
    """What a user writes: arrays, layers, plain NumPy."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.W = rng.normal(size=(3, 4))
        self.scale = np.array(2.0)
        self.blocks = [nn.Linear(3, 3, rng, dtype=np.float64), {"out": (nn.LayerNorm(3),)}]
        self.steps = 3

    def forward(self, x):
        h = np.tanh(x @ self.W.T) * self.scale
        return self.blocks[1]["out"][0](self.blocks[0](h))


class Bag(nn.Module):
    """Holds whatever it is given."""

    def __init__(self, **attributes):
        vars(self).update(attributes)

    def forward(self, x):
        return x


@dataclasses.dataclass
class Pair(nn.Module):
    left: object
    right: object

    def forward(self, x):
        return x * self.left + self.right


NAMES = [
    "W", "scale", "blocks.0.weight", "blocks.0.bias", "blocks.1.out.0.weight",
    "blocks.1.out.0.bias",
]  # fmt: skip


def test_a_plain_class_with_a_forward_is_trained():
    model, x = Mine(), np.random.default_rng(1).normal(size=(5, 4))
    assert list(nn.named_parameters(model)) == NAMES
    gradient = cr.grad(lambda m, x: np.sum(m(x) ** 3))(model, x)
    assert type(gradient) is Mine
    assert gradient.steps == 3
    for name, g in nn.named_parameters(gradient).items():
        assert g.shape == nn.named_parameters(model)[name].shape
        assert np.any(g != 0), name


def test_its_gradient_is_right_in_both_modes():
    model = Mine()
    model.blocks[1]["out"] = (nn.LayerNorm(3, dtype=np.float64),)
    cr.check_grads(lambda m, x: m(x), (model, np.random.default_rng(1).normal(size=(5, 4))))


def test_the_gradient_has_the_models_structure():
    model, x = Mine(), np.ones((2, 4))
    gradient = cr.grad(lambda m: np.sum(m(x)))(model)
    assert flatten(model)[1] == flatten(gradient)[1]
    assert hash(flatten(model)[1]) == hash(flatten(gradient)[1])
    moved = map_leaves(lambda p, g: p - 0.1 * g, model, gradient)
    assert flatten(moved)[1] == flatten(model)[1]


def test_zero_dimensional_parameters_stay_parameters():
    model = Bag(scale=np.array(2.0))
    for _ in range(3):
        model = map_leaves(lambda p: p * 0.5, model)
    assert list(nn.named_parameters(model)) == ["scale"]
    assert float(model.scale) == 0.25


HOSTILE = {
    "none": None,
    "nan": float("nan"),
    "numpy scalar": np.float64(1e-5),
    "numpy nan": np.float64("nan"),
    "integers": np.array([1, 2, 3]),
    "booleans": np.array([True, False]),
    "strings": np.array(["a", "b"]),
    "complex": np.array([1j]),
    "objects": np.array([None, "x"], dtype=object),
    "empty list": [],
    "nested": {"a": [1, (2, {"b": np.array([1, 2])})]},
    "function": np.tanh,
    "lambda": lambda x: x,
    "set": {1, 2},
    "type": int,
    "generator": np.random.default_rng(0),
    "string": "relu'; DROP TABLE",
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_other_attributes_are_static(value):
    model = Bag(w=np.ones(2), other=value)
    assert list(nn.named_parameters(model)) == ["w"]
    gradient = cr.grad(lambda m: np.sum(m.w))(model)
    assert gradient.other is value or type(value) in (list, dict)
    assert flatten(gradient)[1] == flatten(model)[1]
    repr(model)


@pytest.mark.parametrize(
    "value", [v for k, v in HOSTILE.items() if k not in ("lambda", "generator", "objects")], ids=str
)
def test_equal_attributes_of_copies_are_equal(value):
    model = Bag(w=np.ones(2), other=value)
    assert flatten(copy.deepcopy(model))[1] == flatten(model)[1]
    assert flatten(pickle.loads(pickle.dumps(model)))[1] == flatten(model)[1]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.array([1, 2]), np.array([1, 3])),
        (np.array([1, 2]), np.array([[1, 2]])),
        (np.array([1, 2]), np.array([1, 2], np.int32)),
        (np.array([1, 2]), np.array([1, 2], np.uint64)),
        (np.array([1, 2]), [1, 2]),
        (1, 1.0),
        (True, 1),
        ({"a": 1}, {"a": 2}),
        ([1], [1, 1]),
        (float("nan"), 0.0),
        ([np.ones(1)], (np.ones(1),)),
    ],
    ids=str,
)
def test_different_attributes_differ(a, b):
    assert flatten(Bag(x=a))[1] != flatten(Bag(x=b))[1]


def test_what_cannot_be_compared_is_equal_to_itself_alone():
    class Ambiguous:
        def __eq__(self, other):
            return np.array([True, False])

        __hash__ = None

    class Explosive:
        def __eq__(self, other):
            raise RuntimeError("no")

        __hash__ = None

    for cls in (Ambiguous, Explosive):
        one = cls()
        assert flatten(Bag(x=one))[1] == flatten(Bag(x=one))[1]
        assert flatten(Bag(x=one))[1] != flatten(Bag(x=cls()))[1]
        hash(flatten(Bag(x=one))[1])


def test_buffers_are_carried_and_never_trained():
    model = nn.BatchNorm(2)
    assert list(nn.named_parameters(model)) == ["weight", "bias"]
    assert list(nn.named_buffers(model)) == ["running_mean", "running_var"]
    moved = nn.load_buffers(model, {"running_mean": np.ones(2)})
    assert moved.running_mean.dtype == np.float32
    assert flatten(moved)[1] != flatten(model)[1]
    assert model.running_mean[0] == 0.0


@pytest.mark.parametrize(
    "container",
    [
        lambda m: collections.OrderedDict(a=m),
        lambda m: collections.namedtuple("Two", "a b")(m, 1),
        lambda m: {m},
        lambda m: [{"deep": frozenset([m])}],
    ],
)
def test_layers_where_they_would_be_lost_are_refused(container):
    with pytest.raises(UnsupportedError, match=r"'inner.* a list, a tuple or a dict"):
        flatten(Bag(inner=container(nn.Linear(2, 2, rng=0))))


def test_slots_are_refused():
    with pytest.raises(UnsupportedError, match="__slots__"):

        class Slotted(nn.Module):
            __slots__ = ("w",)

            def forward(self, x):
                return x


def test_a_module_without_a_forward_cannot_be_made():
    class Nothing(nn.Module):
        pass

    with pytest.raises(TypeError, match="forward"):
        Nothing()


def test_dataclasses_are_modules():
    model = Pair(np.ones(2), np.zeros(2))
    assert list(nn.named_parameters(model)) == ["left", "right"]
    gradient = cr.grad(lambda m: np.sum(m(3.0)))(model)
    np.testing.assert_array_equal(gradient.left, 3.0)


def test_subclasses_of_layers_are_trees_too():
    class Wider(nn.Linear):
        def forward(self, x):
            return super().forward(x) + 1.0

    model = Wider(2, 2, rng=0)
    x = np.ones((1, 2), np.float32)
    np.testing.assert_allclose(model(x), nn.Linear(2, 2, rng=0)(x) + 1.0)
    assert type(map_leaves(np.copy, model)) is Wider


def test_appended_layers_are_found():
    model = Bag(layers=[])
    model.layers.append(nn.Linear(2, 3, rng=0))
    model = map_leaves(np.copy, model)
    model.layers.append(nn.Linear(3, 1, rng=0))
    assert len(nn.named_parameters(model)) == 4


def test_rebuilding_does_not_touch_the_original():
    model = Mine()
    leaves, structure = flatten(model)
    other = unflatten(structure, [x + 1 for x in leaves])
    other.blocks.append("more")
    assert len(model.blocks) == 2
    assert model.W is leaves[0]


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies_compute_the_same(duplicate):
    model, x = Mine(), np.ones((2, 4))
    twin = duplicate(model)
    np.testing.assert_array_equal(twin(x), model(x))
    assert flatten(twin)[1] == flatten(model)[1]


def test_deep_copies_are_independent():
    model = Mine()
    twin = copy.deepcopy(model)
    twin.W[0, 0] += 1.0
    assert model.W[0, 0] != twin.W[0, 0]


def test_tensors_as_parameters_gather_gradients():
    model = map_leaves(Tensor, nn.Linear(2, 1, rng=0))
    np.sum(model(np.ones((3, 2)))).backward()
    np.testing.assert_array_equal(model.bias.grad, [3.0])
    assert model.weight.grad.shape == (1, 2)


def test_names_that_collide_are_refused():
    model = Bag(a={"b.c": np.ones(1), "b": {"c": np.ones(1)}})
    with pytest.raises(ArgumentError, match=r"'a.b.c'"):
        nn.named_parameters(model)


class TestLoading:
    def test_there_and_back(self):
        model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm(3), nn.Linear(3, 1, rng=1))
        other = nn.Sequential(nn.Linear(2, 3, rng=2), nn.BatchNorm(3), nn.Linear(3, 1, rng=3))
        arrays = nn.named_parameters(model) | nn.named_buffers(model)
        loaded = nn.load_parameters(other, arrays)
        x = np.ones((2, 2), np.float32)
        np.testing.assert_array_equal(loaded(x), model(x))
        assert not np.array_equal(other(x), model(x))

    def test_dtype_is_the_networks(self):
        layer = nn.Linear(2, 1, rng=0)
        arrays = {"weight": np.ones((1, 2)), "bias": np.array([1])}
        assert nn.load_parameters(layer, arrays).bias.dtype == np.float32

    def test_names_are_checked(self):
        layer = nn.Linear(2, 1, rng=0)
        with pytest.raises(ArgumentError, match="missing 'bias'; unknown 'b'"):
            nn.load_parameters(layer, {"weight": np.ones((1, 2)), "b": np.ones(1)})
        with pytest.raises(ArgumentError, match="no buffer 'mean'"):
            nn.load_buffers(layer, {"mean": np.ones(1)})

    def test_shapes_and_dtypes_are_checked(self):
        layer = nn.Linear(2, 1, rng=0)
        with pytest.raises(ShapeError, match=r"weight has shape \(1, 2\).*\(2, 1\)"):
            nn.load_parameters(layer, {"weight": np.ones((2, 1)), "bias": np.ones(1)})
        with pytest.raises(DtypeError, match="bias"):
            nn.load_parameters(layer, {"weight": np.ones((1, 2)), "bias": np.array(["1"])})


class TestErrors:
    def test_the_layer_is_named_by_its_path(self):
        model = nn.Sequential(
            nn.Linear(4, 8, rng=0), nn.Residual(nn.Sequential("relu", nn.Linear(7, 8, rng=0)))
        )
        with pytest.raises(ShapeError) as caught:
            model(np.ones((5, 4)))
        text = str(caught.value)
        assert text.startswith("layer '1.inner.1' (Linear): the input has shape (5, 8)")
        assert "7 are expected" in text
        assert "build the layer with 8" in text

    def test_within_a_gradient_and_a_users_module(self):
        with pytest.raises(nn.LayerError, match=r"'blocks.0' \(Linear\)"):
            cr.grad(lambda m: np.sum(m(np.ones((2, 5)))))(Outer())

    @pytest.mark.parametrize(
        ("shape", "repair"),
        [((3, 5), "transpose"), ((2, 3, 1), "Flatten"), ((), "single number"), ((4,), "with 4")],
    )
    def test_repairs(self, shape, repair):
        with pytest.raises(ShapeError, match=repair):
            nn.Linear(3, 2, rng=0)(np.ones(shape))

    def test_a_run_that_would_be_lost_is_refused(self):
        class Forgetful(nn.Module):
            def __init__(self):
                self.body = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Dropout(0.5))

            def forward(self, x):
                return self.body(x)

        model = Forgetful()
        assert model(np.ones((1, 2))).shape == (1, 2)
        with pytest.raises(ArgumentError, match=r"'body.1' \(Dropout\).*run=None"):
            model(np.ones((1, 2)), nn.Run(0))

    def test_no_configuration_of_a_users_class(self):
        with pytest.raises(UnsupportedError, match="load_parameters"):
            Mine().config()


class Outer(nn.Module):
    def __init__(self):
        self.blocks = [nn.Linear(3, 3, rng=0)]

    def forward(self, x):
        return self.blocks[0](x)
