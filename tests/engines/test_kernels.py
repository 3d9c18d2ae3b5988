"""Our products and transposes: values, bits that do not depend on the division, memory, cache."""

import ctypes
import functools
import mmap
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("numba")

from chainrule.engines import kernels
from chainrule.engines.microkernel import Processor

KINDS = {
    "this": None,
    "16 bytes": Processor(16, 32, masks=False, fused=True),
    "32 bytes": Processor(32, 16, masks=False, fused=True),
}
DTYPES = [np.float32, np.float64]


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


class Kernels:
    """The kernels of an engine, called with arrays."""

    def __init__(self, engine):
        self.engine = engine

    def function(self, name, dtype, kinds):
        bits = 8 * np.dtype(dtype).itemsize
        real = ctypes.c_float if bits == 32 else ctypes.c_double
        types = [{"i": ctypes.c_int64, "p": ctypes.c_void_p, "r": real}[kind] for kind in kinds]
        address = self.engine.get_function_address(f"{name}{bits}")
        return ctypes.CFUNCTYPE(None, *types)(address)

    def product(self, a, b, beta=0.0, c=None):
        """``beta * c + a @ b``, written into `c`."""
        (m, k), n, size = a.shape, b.shape[1], a.itemsize
        c = np.full((m, n), np.nan, a.dtype) if c is None else c
        self.function("product", a.dtype, "iiipiipirpi")(
            m, n, k, a.ctypes.data, a.strides[0] // size, a.strides[1] // size,
            b.ctypes.data, b.strides[0] // size, beta, c.ctypes.data, c.strides[0] // size,
        )  # fmt: skip
        return c

    def transpose(self, source, target):
        size = source.itemsize
        self.function("transpose", source.dtype, "iipipi")(
            *source.shape, source.ctypes.data, source.strides[0] // size,
            target.ctypes.data, target.strides[0] // size,
        )  # fmt: skip


@pytest.fixture(scope="module", params=KINDS)
def ours(request):
    kind = KINDS[request.param]
    if kind and kind.vector == 32 and not kernels.processor().vector >= 32:
        pytest.skip("this processor has no such vectors")
    if kind and not kernels.processor().fused:
        pytest.skip("this processor does not fuse")
    text = kernels.source(kind or kernels.processor())
    return Kernels(kernels.loaded(kernels.compiled(text)))


def normal(rng, *shape, dtype=np.float32):
    return rng.normal(size=shape).astype(dtype)


def shapes(count):
    rng = np.random.default_rng(1)
    yield from [(1, 1, 1), (1, 16, 4), (1, 300, 7), (32, 16, 4), (8, 48, 3), (9, 128, 600)]
    yield from [(3, 5, 0), (130, 33, 1025), (1, 129, 513), (17, 1, 40), (7, 65, 2)]
    yield from [(33, 49, 300), (257, 70, 130), (263, 10, 1100), (520, 131, 90)]
    for _ in range(count):
        yield tuple(int(x) for x in rng.integers(1, 71, 3))


@pytest.mark.parametrize("dtype", DTYPES)
def test_products_are_right(ours, dtype):
    rng = np.random.default_rng(0)
    for i, (m, n, k) in enumerate(shapes(60)):
        a, b, c = (normal(rng, *s, dtype=dtype) for s in ((m, k), (k, n), (m, n)))
        a = np.asfortranarray(a) if i % 2 else a
        beta = [0.0, 1.0, -0.5][i % 3]
        exact = beta * c.astype(np.longdouble) + a.astype(np.longdouble) @ b.astype(np.longdouble)
        bound = np.abs(beta * c) + np.abs(a) @ np.abs(b)
        error = np.abs(ours.product(a, b, beta, c) - exact)
        assert (error <= (min(k, 512) + 4) * np.finfo(dtype).eps * bound).all(), (m, n, k)


def test_c_is_not_read_if_beta_is_zero(ours):
    rng = np.random.default_rng(0)
    a, b = normal(rng, 9, 1030), normal(rng, 1030, 50)
    assert np.isfinite(ours.product(a, b, 0.0, np.full((9, 50), np.nan, np.float32))).all()
    assert np.isnan(ours.product(a, b, 1.0, np.full((9, 50), np.nan, np.float32))).all()
    assert np.isnan(ours.product(np.full_like(a, np.inf), b, 0.0)).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bits_do_not_depend_on_the_division(ours, dtype):
    rng = np.random.default_rng(0)
    for m, n, k in [(37, 150, 1100), (3, 700, 65), (259, 99, 120), (530, 70, 400)]:
        a, b = normal(rng, m, k, dtype=dtype), normal(rng, k, n, dtype=dtype)
        c = normal(rng, m, n, dtype=dtype)
        whole = ours.product(a, b, 1.0, c.copy())
        np.testing.assert_array_equal(ours.product(np.asfortranarray(a), b, 1.0, c.copy()), whole)
        for _ in range(20):
            i, j = np.sort(rng.integers(0, m + 1, 2)), np.sort(rng.integers(0, n + 1, 2))
            rows, columns = slice(i[0], i[1]), slice(j[0], j[1])
            part = c.copy()
            ours.product(a[rows], b[:, columns], 1.0, part[rows, columns])
            np.testing.assert_array_equal(part[rows, columns], whole[rows, columns])
            part[rows, columns] = c[rows, columns]
            np.testing.assert_array_equal(part, c)


def test_the_bits_are_those_of_every_width_of_vectors(ours):
    if not kernels.processor().fused:
        pytest.skip("this processor does not fuse")
    rng = np.random.default_rng(0)
    a, b = normal(rng, 21, 700), normal(rng, 700, 77)
    scalar = Processor(16, 16, masks=False, fused=True)
    other = Kernels(kernels.loaded(kernels.compiled(kernels.source(scalar))))
    np.testing.assert_array_equal(ours.product(a, b), other.product(a, b))


def test_a_product_with_the_operands_exchanged_has_the_same_bits(ours):
    rng = np.random.default_rng(0)
    a, b = normal(rng, 21, 700), normal(rng, 700, 77)
    exchanged = ours.product(b.T, np.ascontiguousarray(a.T))
    np.testing.assert_array_equal(ours.product(a, b), exchanged.T)


def test_the_bits_do_not_depend_on_where_the_operands_lie(ours):
    rng = np.random.default_rng(0)
    a, b = normal(rng, 40, 300), normal(rng, 300, 80)
    expected = ours.product(a, b)
    for shift in (1, 3, 7):
        wide = normal(rng, 300, 100 + shift)
        wide[:, shift : shift + 80] = b
        around = np.zeros((40, 90), np.float32)
        ours.product(a[:, ::-1][:, ::-1], wide[:, shift : shift + 80], 0.0, around[:, shift:])
        np.testing.assert_array_equal(around[:, shift : shift + 80], expected)
        assert not around[:, shift + 80 :].any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_transposes_are_right(ours, dtype):
    rng = np.random.default_rng(0)
    for rows, columns in [(1, 1), (16, 16), (64, 48), (10, 128), (784, 3), (33, 17), (0, 4)]:
        source = normal(rng, rows, columns + 3, dtype=dtype)[:, :columns]
        around = np.zeros((columns + 1, rows + 2), dtype)
        ours.transpose(source, around[:columns, :rows])
        np.testing.assert_array_equal(around[:columns, :rows], source.T)
        assert not around[columns:].any()
        assert not around[:, rows:].any()


# Memory -----------------------------------------------------------------------------------------


@pytest.fixture(params=["first", "last"])
def guarded(request):
    """What makes an array beside a page that may not be touched, before or after it."""
    if sys.platform == "win32":
        pytest.skip("pages are protected by mprotect")
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    kept = []

    def array(values):
        page = mmap.PAGESIZE
        room = -(-values.nbytes // page) * page
        memory = mmap.mmap(-1, room + 2 * page)
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        for edge in (start, start + page + room):
            assert protect(ctypes.c_void_p(edge), ctypes.c_size_t(page), 0) == 0
        offset = page if request.param == "first" else page + room - values.nbytes
        result = np.frombuffer(memory, values.dtype, values.size, offset).reshape(values.shape)
        result[...] = values
        kept.append(memory)
        return result

    return array


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_beside_the_operands_is_touched(ours, guarded, dtype):
    rng = np.random.default_rng(0)
    for m, n, k in [(1, 1, 1), (9, 17, 5), (8, 48, 600), (13, 10, 33), (1, 131, 4), (5, 65, 1)]:
        a, b = normal(rng, m, k, dtype=dtype), normal(rng, k, n, dtype=dtype)
        c = guarded(np.full((m, n), np.nan, dtype))
        ours.product(guarded(a), guarded(b), 0.0, c)
        np.testing.assert_allclose(c, a.astype(float) @ b, rtol=1e-3, atol=1e-3)
        transposed = guarded(np.empty((k, m), dtype))
        ours.transpose(guarded(a), transposed)
        np.testing.assert_array_equal(transposed, a.T)


# The cache --------------------------------------------------------------------------------------


def files(folder):
    return sorted((folder / "chainrule").glob("kernels_*.bin"))


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """An empty cache directory, and a function that loads the kernels as a new process would."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def load():
        monkeypatch.setattr(kernels, "engine", functools.cache(kernels.engine.__wrapped__))
        return Kernels(kernels.engine())

    return load


def works(found):
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    return (found.product(a, np.ascontiguousarray(a.T)) == a @ a.T).all()


def test_the_second_process_compiles_nothing(fresh, tmp_path, monkeypatch):
    assert works(fresh())
    assert len(files(tmp_path)) == 1
    monkeypatch.setattr(kernels, "compiled", None)
    assert works(fresh())
    code = "from chainrule.engines import kernels; kernels.compiled = None; kernels.addresses()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_threads_that_ask_at_once_get_the_same_kernels(monkeypatch):
    monkeypatch.setattr(kernels, "engine", functools.cache(kernels.engine.__wrapped__))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: kernels.addresses.__wrapped__(), range(8)))
    assert len(set(found)) == 1


def test_a_broken_file_is_written_anew(fresh, tmp_path):
    fresh()
    (file,) = files(tmp_path)
    content = file.read_bytes()
    for broken in (b"", content[:-1]):
        file.write_bytes(broken)
        assert works(fresh())
        assert len(file.read_bytes()) == len(content)


def test_without_a_directory_the_kernels_are_in_memory_alone(fresh, tmp_path):
    (tmp_path / "chainrule").mkdir(mode=0o755)
    (tmp_path / "chainrule").chmod(0o755)
    assert works(fresh())
    assert not files(tmp_path)


def test_a_directory_that_cannot_be_written_to(fresh, monkeypatch):
    def fails(*args, **kwargs):
        raise PermissionError

    monkeypatch.setattr("tempfile.mkstemp", fails)
    assert works(fresh())


# Calls from Numba -------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [32, 64])
def test_calls_from_compiled_programs(bits):
    import numba

    from chainrule.engines import calls

    product, transpose = getattr(calls, f"product{bits}"), calls.transpose
    found = kernels.addresses()
    here = getattr(found, f"product{bits}"), getattr(found, f"transpose{bits}")
    dtype = np.dtype(f"float{bits}")
    real, item = dtype.type, dtype.itemsize

    @numba.njit
    def program(addresses, x, w, packed, y):
        n, k = w.shape
        transpose(addresses[1], n, k, w.ctypes.data, k, packed.ctypes.data, n)
        m = x.shape[1]
        for i in range(x.shape[0]):
            a, c = x.ctypes.data + item * i * m * k, y.ctypes.data + item * i * m * n
            product(addresses[0], m, n, k, a, k, 1, packed.ctypes.data, n, real(0), c, n)

    rng = np.random.default_rng(0)
    x, w = normal(rng, 3, 20, 40, dtype=dtype), normal(rng, 30, 40, dtype=dtype)
    y = np.empty((3, 20, 30), dtype)
    program(here, x, w, np.empty((40, 30), dtype), y)
    np.testing.assert_allclose(y, x @ w.T, rtol=1e-3, atol=1e-4)
