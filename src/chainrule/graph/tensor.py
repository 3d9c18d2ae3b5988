"""`Tensor`: an array that records what is computed from it."""

from __future__ import annotations

import itertools
import operator
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import Any, NoReturn

import numpy as np

from chainrule.errors import ChainruleError, DtypeError, ShapeError, UnsupportedError
from chainrule.graph.aval import Array
from chainrule.graph.methods import ArrayMethods
from chainrule.graph.op import REGISTRY, Op, linear, op
from chainrule.graph.operands import as_operand, as_result, read_only
from chainrule.graph.refusals import FAILURES, explained, refuse, refuse_write
from chainrule.graph.site import OUTSIDE, describe, user_frame, user_site

_PLAIN = frozenset({float, int, bool, np.ndarray, np.float64, np.float32, np.int64, np.bool_})
_SCALARS = frozenset({np.float64, np.float32, np.int64, np.bool_, np.complex128})
_serial = itertools.count()
_new = object.__new__
_ndarray = np.ndarray
_NO_PARAMS: dict[str, Any] = {}


def _operator(ufunc: np.ufunc, forward: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """Return the method of an operator and its reflection.

    Python's own operator computes single numbers many times faster than the ufunc does. The usual
    operands are recorded here and not by `apply`, which takes any number of any kind.
    """
    ops: dict[Any, Any] = REGISTRY.by_function

    def method(self: Tensor, other: Any) -> Any:
        op = ops[ufunc]
        kind = other.__class__
        if self.__class__ is not Tensor or not (kind is Tensor or kind in _PLAIN):
            return apply(op, (self, other), _NO_PARAMS, forward)
        value = other._value if kind is Tensor else other
        try:
            value = forward(self._value, value)
        except FAILURES as error:
            raise _explained(error, op, (self, other)) from error
        return value if op.is_constant else _record(Tensor, op, (self, other), _NO_PARAMS, value)

    def reflected(self: Tensor, other: Any) -> Any:
        return apply(ops[ufunc], (other, self), _NO_PARAMS, forward)

    return method, reflected


def _comparison(ufunc: np.ufunc, forward: Callable[[Any, Any], Any]) -> Any:
    """Return the method of ``==`` or ``!=``: of what is no number a Tensor only says it differs."""
    compare_numbers = _operator(ufunc, forward)[0]

    def compare(self: Tensor, other: Any) -> Any:
        no_number = other is None or isinstance(other, str)
        return NotImplemented if no_number else compare_numbers(self, other)

    return compare


class Tensor(ArrayMethods):
    """A NumPy array, or number, that records the graph of what is computed from it.

    NumPy's functions, operators and methods work on it as on an array and return tensors. What has
    no derivative (comparisons, ``argmax``, ``floor``) returns plain arrays; what would lose a
    derivative raises.

    Parameters
    ----------
    value : array_like
        The numbers; copied. Floating-point dtypes are kept; integers are allowed but have no
        gradient.
    name : str, optional
        The name that messages, drawings and derivations show.
    dtype : dtype_like, optional
        Convert to this dtype.

    Attributes
    ----------
    value : numpy.ndarray or numpy scalar
        The numbers, detached and read-only. A leaf's may be assigned anew.
    grad : numpy.ndarray or None
        The gradient that `backward` accumulated, of the value's shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> w = Tensor([0.2, 0.3, 0.9], name="w")
    >>> z = np.array([0.5, 0.6, 0.1]) @ w + 0.5
    >>> print(np.round(z.value, 2))
    0.87
    >>> z.backward()
    >>> w.grad
    array([0.5, 0.6, 0.1])
    """

    __slots__ = (
        "__weakref__", "_grad", "_value", "code", "inputs", "instruction", "name", "op", "params",
        "serial",
    )  # fmt: skip
    traced = False
    _value: Any
    _grad: Any
    op: Op | None
    inputs: Sequence[Any]
    params: dict[str, Any]
    serial: int  # rises with each Tensor made: an order in which inputs come first
    code: CodeType  # with the instruction: the user's line
    instruction: int
    name: str | None

    def __init__(self, value: Any, name: str | None = None, dtype: Any = None) -> None:
        if isinstance(value, Tensor):
            raise UnsupportedError("this is a Tensor already; Tensor(t.value) makes a new leaf")
        array = np.array(as_operand(value), dtype=dtype)
        if array.dtype.kind not in "fiubc":
            raise DtypeError(f"a Tensor holds numbers, not {array.dtype}")
        _fill(self, array, name)

    # What it is --------------------------------------------------------------------------------

    @property
    def value(self) -> Any:
        """The numbers without their history, read-only."""
        if self.traced:
            raise UnsupportedError(
                "the value of a traced Tensor would be frozen into the graph; "
                "use chainrule.stop_gradient to cut the derivative only"
            )
        return read_only(self._value)

    @value.setter
    def value(self, new: Any) -> None:
        if self.op is not None:
            raise UnsupportedError(f"{self!r} is a result; only a leaf's value may be assigned")
        array = np.array(new, dtype=self.dtype)
        if array.shape != self.shape:
            raise ShapeError(f"{self.label()} has shape {self.shape}, not {array.shape}")
        self._value = array if array.ndim else array[()]
        self.serial = next(_serial)  # younger now than what was computed from the old value

    @property
    def grad(self) -> Array | None:
        """The accumulated gradient of a leaf; ``None`` before `backward`."""
        if self._grad is None and self.op is not None:
            raise ChainruleError(
                f"{self.label()} is an intermediate result, whose gradient is not kept; "
                "call backward(keep_intermediate=True), or chainrule.grad with respect to it; "
                "a parameter is updated by its value: w.value = w.value - lr * w.grad"
            )
        return self._grad  # type: ignore[no-any-return]

    @grad.setter
    def grad(self, new: Array | None) -> None:
        self._grad = new

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self._value.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of number."""
        return self._value.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._value.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._value.size  # type: ignore[no-any-return]

    @property
    def site(self) -> tuple[str, int]:
        """The user's file and line that made it."""
        return describe(self.code, self.instruction)

    def label(self) -> str:
        """Return the name, or the op and the line that made it."""
        if self.name:
            return self.name
        file, line = self.site
        made_by = self.op.name if self.op else "leaf"
        return f"{made_by} ({os.path.basename(file)}:{line})"

    def item(self) -> Any:
        """Return the only element as a Python number, without its history."""
        return self.value.item()

    def tolist(self) -> Any:
        """Return the numbers as nested lists, without their history."""
        return self.value.tolist()

    def backward(self, g: Any = None, *, keep_intermediate: bool = False) -> None:
        """Accumulate the gradient of this Tensor into the ``grad`` of every leaf it came from.

        Parameters
        ----------
        g : array_like, optional
            The incoming gradient, of this Tensor's shape; 1 for a single number.
        keep_intermediate : bool
            Fill ``grad`` of the intermediate results too.

        Raises
        ------
        NotDifferentiableError
            If nothing it was computed from carries a derivative.
        """
        _backward(self, g, keep_intermediate)

    # NumPy's protocols --------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if kwargs:
            kept = ("axis",) if method != "__call__" else ()  # None means all axes to a reduction
            kwargs = {
                k: v for k, v in kwargs.items()
                if (v is not None or k in kept) and v is not np._NoValue
            }  # fmt: skip
        if method == "__call__":
            entry = REGISTRY.by_function.get(ufunc)
            if entry is not None and not kwargs:
                return apply(entry, inputs, {}) if isinstance(entry, Op) else entry(*inputs)
            refused = kwargs.pop("out", None)
            if refused is not None:
                refuse_write(ufunc.__name__)
        else:
            entry = REGISTRY.by_function.get((ufunc, method))
            if method == "outer" and ufunc in REGISTRY.by_function and not kwargs:
                first, second = (np.asanyarray(x) if isinstance(x, list) else x for x in inputs)
                return ufunc(np.expand_dims(first, tuple(range(-np.ndim(second), 0))), second)
        if entry is None and method == "__call__":
            entry = REGISTRY.lookup(ufunc)
        if entry is None:
            name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            refuse(f"numpy.{name}" if hasattr(np, ufunc.__name__) else name)
        return _call(entry, inputs, kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> Any:
        entry = REGISTRY.by_function.get(function)
        if entry is None:
            refuse(f"{function.__module__}.{function.__name__}")
        return _call(entry, args, kwargs)

    def _apply(self, op: Op, inputs: Sequence[Any], params: dict[str, Any]) -> Any:
        return apply(op, inputs, params)

    # Operators ---------------------------------------------------------------------------------

    __add__, __radd__ = _operator(np.add, operator.add)
    __sub__, __rsub__ = _operator(np.subtract, operator.sub)
    __mul__, __rmul__ = _operator(np.multiply, operator.mul)
    __truediv__, __rtruediv__ = _operator(np.true_divide, operator.truediv)
    __pow__, __rpow__ = _operator(np.power, operator.pow)
    __matmul__, __rmatmul__ = _operator(np.matmul, operator.matmul)
    __mod__, __rmod__ = _operator(np.remainder, operator.mod)
    __floordiv__, __rfloordiv__ = _operator(np.floor_divide, operator.floordiv)
    __and__, __rand__ = _operator(np.bitwise_and, operator.and_)
    __or__, __ror__ = _operator(np.bitwise_or, operator.or_)
    __xor__, __rxor__ = _operator(np.bitwise_xor, operator.xor)
    __lshift__, __rlshift__ = _operator(np.left_shift, operator.lshift)
    __rshift__, __rrshift__ = _operator(np.right_shift, operator.rshift)
    __lt__, __gt__ = _operator(np.less, operator.lt)[0], _operator(np.greater, operator.gt)[0]
    __le__, __ge__ = (
        _operator(np.less_equal, operator.le)[0],
        _operator(np.greater_equal, operator.ge)[0],
    )
    __eq__, __ne__ = _comparison(np.equal, operator.eq), _comparison(np.not_equal, operator.ne)
    __hash__ = object.__hash__

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    # Conversions that would lose the derivative ---------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        raise UnsupportedError(
            f"turning the Tensor {self.label()} into a plain array would lose its derivative: use "
            ".value to detach it, np.stack or np.concatenate to join tensors, and chainrule's own "
            "softmax, log_softmax and logsumexp in place of SciPy's"
        )

    def _no_number(self, *_: Any) -> NoReturn:
        raise UnsupportedError(
            f"turning the Tensor {self.label()} into a Python number would lose its derivative: "
            "use .item() to detach it, and NumPy's functions in place of those of math"
        )

    __float__ = __int__ = __complex__ = __index__ = __round__ = __trunc__ = _no_number
    __floor__ = __ceil__ = _no_number

    def __bool__(self) -> NoReturn:
        raise UnsupportedError(
            f"the truth of the Tensor {self.label()} cannot be recorded: compare it (x > 0), "
            "choose with np.where, or detach it with .value"
        )

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise UnsupportedError(
            "a recorded Tensor cannot be changed in place: choose with np.where(mask, new, old), "
            "or join pieces with np.concatenate"
        )

    # Python's protocols -----------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d Tensor")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return REGISTRY.by_name["getitem"](self, index)

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else str(self)

    def __repr__(self) -> str:
        words = np.array2string(np.asarray(self._value), separator=", ", prefix="Tensor(")
        origin = f", op={self.op.name}" if self.op else ""
        return f"Tensor({words}{f', name={self.name!r}' if self.name else ''}{origin})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self.op is not None:
            raise UnsupportedError("only a leaf can be copied; use .value to detach the result")
        copy = Tensor(self._value, self.name)
        copy._grad = None if self._grad is None else np.array(self._grad)
        return copy

    def __reduce__(self) -> Any:
        if self.op is not None:
            raise UnsupportedError("a graph cannot be pickled; use .value to detach the result")
        return Tensor, (self._value, self.name)


class TracedTensor(Tensor):
    """A Tensor within a trace: what is computed from it is recorded even if it is constant."""

    __slots__ = ()
    traced = True


def _fill(t: Tensor, value: Any, name: str | None) -> Tensor:
    """Make `t` a leaf."""
    t._value = value[()] if value.__class__ is _ndarray and not value.ndim else value
    t.op, t.inputs, t.params = None, (), _NO_PARAMS
    t.code, t.instruction = user_site()
    t.name, t._grad, t.serial = name, None, next(_serial)
    return t


def leaf(value: Any, name: str | None = None, traced: bool = False) -> Tensor:
    """Return a leaf that shares its memory with an array."""
    if value.__class__ is not _ndarray and not isinstance(value, np.generic):
        value = np.asarray(as_operand(value))
    return _fill(_new(TracedTensor if traced else Tensor), value, name)


def apply(
    op: Op,
    inputs: Sequence[Any],
    params: dict[str, Any] = _NO_PARAMS,
    forward: Callable[..., Any] | None = None,
) -> Any:
    """Compute an op on inputs of which one at least is a Tensor, and record it.

    A constant op is recorded only within a trace; elsewhere its result is a plain array.
    """
    made: type[Tensor] = Tensor
    values = []
    for x in inputs:
        kind = x.__class__
        if kind is Tensor:
            values.append(x._value)
        elif kind in _PLAIN:
            values.append(x)
        else:
            inputs, values, made = _operands(inputs)
            break
    if params:
        _check_params(op, params)
    try:
        value = (forward or op.forward)(*values, **params)
    except FAILURES as error:
        raise _explained(error, op, inputs, params) from error
    if op.is_constant and made is Tensor:
        return value
    t = _record(made, op, inputs, params, value)
    return t if op.outputs == 1 else _parts(t, op)


def _record(
    made: type[Tensor], op: Op, inputs: Sequence[Any], params: dict[str, Any], value: Any
) -> Tensor:
    """Return the Tensor of a value that an op computed."""
    frame = sys._getframe(2)
    if frame.f_code.co_filename not in OUTSIDE:
        frame = user_frame(frame)
    t = _new(made)
    kind = value.__class__
    if kind is _ndarray and not value.dtype.hasobject:
        t._value = value if value.ndim else value[()]
    else:
        t._value = value if kind in _SCALARS else as_result(op, value)
    t.op, t.inputs, t.params = op, inputs, params
    t.code, t.instruction = frame.f_code, frame.f_lasti
    t.name = t._grad = None
    t.serial = next(_serial)
    return t


def plain(inputs: Sequence[Any]) -> list[Any]:
    """Return the values of inputs, tensors and others."""
    return [x._value if isinstance(x, Tensor) else x for x in inputs]


def _explained(
    error: Exception, op: Op, inputs: Sequence[Any], params: dict[str, Any] = _NO_PARAMS
) -> Exception:
    names = [x.name if isinstance(x, Tensor) else None for x in inputs]
    return explained(error, op, names, plain(inputs), params)


def _parts(bundle: Tensor, op: Op) -> tuple[Tensor, ...]:
    """Return the results in the container that NumPy gives them in, such as an EighResult."""
    parts = tuple(apply(pick, (bundle,), {"index": i}) for i in range(op.outputs))
    make = getattr(bundle._value, "_make", tuple)
    return make(parts)


def _operands(inputs: Sequence[Any]) -> tuple[Sequence[Any], list[Any], type[Tensor]]:
    """Return the inputs with lists made arrays, their values, and the class of the result."""
    inputs = tuple(as_operand(x) for x in inputs)
    traced = any(isinstance(x, TracedTensor) for x in inputs)
    return inputs, plain(inputs), TracedTensor if traced else Tensor


def _call(entry: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    if not isinstance(entry, Op):
        return entry(*args, **kwargs)
    if kwargs.get("out") is not None:
        refuse_write(entry.name)
    return apply(entry, *entry.split(args, kwargs))


def _check_params(op: Op, params: dict[str, Any]) -> None:
    for name, value in params.items():
        if isinstance(value, Tensor):
            raise UnsupportedError(
                f"{op.name}(..., {name}=...) has no derivative with respect to {name!r}: "
                "give a plain number, such as the Tensor's .value"
            )


@op(lambda bundle, index: bundle[index], kind=linear, register=False)
def pick(g: Any, y: Any, bundle: Any, *, index: int) -> Any:
    """Select one of an op's several results; autodiff gathers their gradients itself."""
    return g


# Autodiff stands on a higher floor; it hands `Tensor.backward` its implementation.
_backward: Callable[[Tensor, Any, bool], None]


def install_backward(function: Callable[[Tensor, Any, bool], None]) -> None:
    """Give `Tensor.backward` its implementation."""
    global _backward
    _backward = function
