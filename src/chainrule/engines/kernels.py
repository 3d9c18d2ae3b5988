"""Our own products and transposes of matrices: compiled once a machine, called by address.

The machine code is kept in the cache directory, in a file named by what it was made from: this
source and the processor. It is 20 times as quick to load as to compile.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite.binding as llvm  # type: ignore[import-untyped, import-not-found, unused-ignore]
from llvmlite import ir  # type: ignore[import-untyped, import-not-found, unused-ignore]

from chainrule.engines import cache, kernel_loops, microkernel

DIGEST = hashlib.sha256().digest_size
_ALONE = threading.Lock()  # an engine that another thread's replaces would take its code along


class Addresses(NamedTuple):
    """Where the kernels are in memory.

    In C, with T float or double, sizes and distances in elements, columns of B and C adjacent::

        void product(int64 m, int64 n, int64 k, T *a, int64 a_row, int64 a_col,
                     T *b, int64 b_row, T beta, T *c, int64 c_row);
        void transpose(int64 rows, int64 cols, T *src, int64 src_row, T *dst, int64 dst_row);

    The first computes ``c = beta * c + a @ b``, and does not read `c` if `beta` is 0; the second
    ``dst = src.T``. Neither may write where it reads. The bits of an element of a product depend on
    its row of A, its column of B, `k`, `beta` and its old value only.

    Attributes
    ----------
    product32, product64, transpose32, transpose64 : int
        The addresses.
    """

    product32: int
    product64: int
    transpose32: int
    transpose64: int


@functools.cache
def addresses() -> Addresses:
    """Return where the kernels are, loaded or compiled at the first call."""
    with _ALONE:
        found = engine()
    return Addresses(*(found.get_function_address(name) for name in Addresses._fields))


def processor() -> microkernel.Processor:
    """Return what the kernels need to know of this processor."""
    machine, features = platform.machine().lower(), llvm.get_host_cpu_features()

    def has(*names: str) -> bool:
        return all(features.get(name, False) for name in names)

    if machine not in {"x86_64", "amd64", "i386", "i686", "x86"}:
        return microkernel.Processor(16, 32, masks=False, fused=True)
    if has("avx512f", "avx512vl", "avx512bw", "avx512dq"):
        return microkernel.Processor(64, 32, masks=True, fused=True)
    vector = 32 if has("avx2") else 16
    return microkernel.Processor(vector, 16, masks=False, fused=has("fma"))


def source(kind: microkernel.Processor) -> str:
    """Return the kernels for a kind of processor in LLVM's intermediate language."""
    module = ir.Module("kernels")
    module.triple = llvm.get_process_triple()
    for bits, real in ((32, ir.FloatType()), (64, ir.DoubleType())):
        kernel_loops.Product(module, real, f"product{bits}", kind)
        kernel_loops.Transpose(module, real, f"transpose{bits}", kind)
    return str(module)


def compiled(text: str) -> bytes:
    """Return machine code for this processor."""
    module = llvm.parse_assembly(text)
    module.verify()
    code: bytes = _target().emit_object(module)
    return code


def loaded(code: bytes) -> Any:
    """Return an engine that has machine code in memory, for as long as it lives."""
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


@functools.cache
def engine() -> Any:
    """Return what has the kernels in memory: from the cache, or compiled and kept there."""
    path = _path()
    code = None if path is None else _read(path)
    if code is None:
        code = compiled(source(processor()))
        if path is not None:
            _keep(path, code)
    return loaded(code)


def _target() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        codemodel="jitdefault",
    )


def _path() -> Path | None:
    """Return the file of the machine code; None without a directory to be trusted."""
    folder = cache.directory()
    if folder is None:
        return None
    sources = __file__, kernel_loops.__file__, microkernel.__file__
    made_from = [Path(source).read_bytes() for source in sources]
    machine = [version("llvmlite"), llvm.get_process_triple(), llvm.get_host_cpu_name()]
    text = "\n".join([*machine, llvm.get_host_cpu_features().flatten()])
    return folder / f"kernels_{hashlib.sha256(b''.join(made_from) + text.encode()).hexdigest()}.bin"


def _read(path: Path) -> bytes | None:
    """Return the machine code in a file, if it is whole: its digest stands before it."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    code = content[DIGEST:]
    return code if hashlib.sha256(code).digest() == content[:DIGEST] else None


def _keep(path: Path, code: bytes) -> None:
    """Write machine code for the next process, whole or not at all."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
