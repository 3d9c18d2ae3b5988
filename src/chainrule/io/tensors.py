"""Arrays in files of the safetensors format: data only, read strictly.

A file is the length of the header (8 bytes, little-endian), the header (JSON: for each array its
dtype, shape and place), and the arrays' bytes without gaps. See
https://github.com/huggingface/safetensors for the format and its reference implementation, which
these functions agree with, except that the format's own rules are enforced where the reference is
lax: duplicate keys, a header that does not start with ``{``, and arrays described by a list are
refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Any, TypeGuard

import numpy as np

from chainrule.errors import DtypeError, FileFormatError
from chainrule.io.atomic import atomic_write
from chainrule.io.documents import parse_json

Array = np.ndarray[Any, np.dtype[Any]]

MAX_HEADER = 100_000_000
_LENGTH = 8  # bytes of the header's length; the data is aligned to as many
_METADATA = "__metadata__"
_SIZE_LIMIT = 2**64

# In the order in which the reference lays arrays out, so that each is aligned to its own size.
_DTYPES: dict[str, np.dtype[Any]] = {
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
    "C64": np.dtype("<c8"),
    "F32": np.dtype("<f4"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F16": np.dtype("<f2"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_ORDER = {name: position for position, name in enumerate(_DTYPES)}

# NumPy has no bfloat16; float32 holds its numbers exactly.
_STORED = {**_DTYPES, "BF16": np.dtype("<u2")}


@dataclass(frozen=True)
class _Entry:
    """What the header says of one array."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def save_tensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write named arrays as a safetensors file, whole or not at all.

    The bytes depend on the names, the arrays and the metadata alone, not on their order.

    Parameters
    ----------
    path : path-like
    tensors : mapping of str to array_like
        Arrays of numbers or booleans, of any shape.
    metadata : mapping of str to str, optional
        Text kept in the header.

    Raises
    ------
    DtypeError
        If an array's dtype has no place in the format.
    ValueError
        If a name or the metadata is not text that can be stored.
    OSError
        If it cannot be written; it names the path.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_tensors(folder + "/a.safetensors", {"w": np.arange(3.0)}, {"made": "today"})
    ...     load_tensors(folder + "/a.safetensors")
    ({'w': array([0., 1., 2.])}, {'made': 'today'})
    """
    with atomic_write(Path(path)) as file:
        write_tensors(file, tensors, metadata)


def write_tensors(
    file: IO[bytes], tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None
) -> None:
    """Write named arrays in the safetensors format to an open file; see `save_tensors`."""
    arrays = sorted(
        ((name, _storable(name, value)) for name, value in tensors.items()),
        key=lambda item: (_ORDER[_NAMES[item[1].dtype]], item[0]),
    )
    header = _header(arrays, metadata)
    file.write(len(header).to_bytes(_LENGTH, "little"))
    file.write(header)
    for _, array in arrays:
        file.write(_bytes(array))


def _storable(name: str, value: Any) -> Array:
    """Return a contiguous little-endian array."""
    if not isinstance(name, str) or name == _METADATA:
        raise ValueError(f"{name!r} cannot be the name of an array")
    array = np.asarray(value)
    dtype = array.dtype.newbyteorder("<")
    if dtype not in _NAMES:
        raise DtypeError(
            f"the array {name!r} holds {array.dtype}, which a safetensors file cannot; "
            f"convert it to one of {', '.join(d.name for d in _DTYPES.values())}"
        )
    return np.ascontiguousarray(array, dtype).reshape(array.shape)


def _header(arrays: list[tuple[str, Array]], metadata: Mapping[str, str] | None) -> bytes:
    entries: dict[str, Any] = {}
    if metadata:
        wrong = [k for k, v in metadata.items() if not (isinstance(k, str) and isinstance(v, str))]
        if wrong:
            raise ValueError(f"metadata is text by text, not so for the key {wrong[0]!r}")
        entries[_METADATA] = dict(sorted(metadata.items()))
    begin = 0
    for name, array in arrays:
        entries[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [begin, begin + array.nbytes],
        }
        begin += array.nbytes
    header = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _LENGTH)
    if len(header) > MAX_HEADER:
        raise ValueError(f"the names and metadata take more than {MAX_HEADER} bytes")
    return header


def load_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """Read a safetensors file.

    Every byte is accounted for before an array is made; nothing in the file is executed.
    Arrays of bfloat16 are widened to float32, which is exact.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    tensors : dict of str to numpy.ndarray
        New, writable arrays, in the order in which they lie in the file.
    metadata : dict of str to str

    Raises
    ------
    FileFormatError
        If the bytes are not a valid file, with the offset or the array's name.
    """
    with open(path, "rb") as file:
        try:
            return read_tensors(file, os.fstat(file.fileno()).st_size)
        except FileFormatError as error:
            raise FileFormatError(f"{path}: {error}") from None


def read_tensors(file: BufferedIOBase, size: int) -> tuple[dict[str, Array], dict[str, str]]:
    """Read a safetensors file of a known size from an open file; see `load_tensors`."""
    entries, metadata = _read_header(file, size)
    return {entry.name: _read_array(file, entry) for entry in entries}, metadata


def _read_header(file: BufferedIOBase, size: int) -> tuple[list[_Entry], dict[str, str]]:
    if size < _LENGTH:
        raise FileFormatError(f"{size} bytes are too few: the header's length takes {_LENGTH}")
    length = int.from_bytes(file.read(_LENGTH), "little")
    if length > MAX_HEADER:
        raise FileFormatError(f"offset 0: a header of {length} bytes is over {MAX_HEADER}")
    if length > size - _LENGTH:
        raise FileFormatError(f"offset 0: a header of {length} bytes in a file of {size}")
    header = file.read(length)
    if not header.startswith(b"{"):
        raise FileFormatError(f"offset {_LENGTH}: the header does not start with '{{'")
    try:
        described = parse_json(header.decode())
    except UnicodeDecodeError as error:
        raise FileFormatError(f"offset {_LENGTH + error.start}: not UTF-8") from None
    except ValueError as error:
        raise FileFormatError(f"in the header from offset {_LENGTH}: {error}") from None
    metadata = _checked_metadata(described.pop(_METADATA, None))
    entries = sorted(
        (_checked_entry(name, about) for name, about in described.items()),
        key=lambda entry: (entry.begin, entry.end),
    )
    _check_coverage(entries, _LENGTH + length, size)
    return entries, metadata


def _checked_metadata(metadata: Any) -> dict[str, str]:
    if metadata is None:
        return {}
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise FileFormatError(f"in the header: {_METADATA} is not text by text")
    return metadata


def _checked_entry(name: str, about: Any) -> _Entry:
    """Return what the header says of an array, its size checked as 64-bit arithmetic would."""
    if not isinstance(about, dict):
        raise FileFormatError(f"in the header: array {name!r} is not described by an object")
    dtype, shape, place = (about.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str) or dtype not in _STORED:
        raise FileFormatError(f"in the header: array {name!r} has the unknown dtype {dtype!r}")
    if not _natural(shape):
        raise FileFormatError(f"in the header: array {name!r} has the shape {shape!r:.80}")
    if not _natural(place) or len(place) != 2:
        raise FileFormatError(f"in the header: array {name!r} has data_offsets {place!r:.80}")
    n_bytes = 1
    for factor in (*shape, _STORED[dtype].itemsize):
        n_bytes *= factor
        if n_bytes >= _SIZE_LIMIT:
            raise FileFormatError(f"in the header: array {name!r} has a size that overflows")
    begin, end = place
    if end - begin != n_bytes:
        raise FileFormatError(
            f"in the header: array {name!r} of {dtype} and shape {shape!r:.80} takes {n_bytes} "
            f"bytes, but lies from {begin} to {end}"
        )
    return _Entry(name, dtype, tuple(shape), begin, end)


def _natural(numbers: Any) -> TypeGuard[list[int]]:
    """Return whether a value is a list of unsigned 64-bit integers."""
    return isinstance(numbers, list) and all(
        type(n) is int and 0 <= n < _SIZE_LIMIT for n in numbers
    )


def _check_coverage(entries: list[_Entry], start: int, size: int) -> None:
    """Check that the arrays cover the data without a hole or an overlap."""
    covered = 0
    for entry in entries:
        if entry.begin != covered:
            fault = "overlaps the one before" if entry.begin < covered else "leaves a hole before"
            raise FileFormatError(f"offset {start + entry.begin}: array {entry.name!r} {fault}")
        covered = entry.end
    if start + covered != size:
        raise FileFormatError(
            f"offset {min(start + covered, size)}: the arrays end at {start + covered}, "
            f"the file at {size}"
        )


def _read_array(file: BufferedIOBase, entry: _Entry) -> Array:
    stored = _STORED[entry.dtype]
    try:
        array: Array = np.empty(entry.shape, stored)
    except ValueError as error:
        raise FileFormatError(f"array {entry.name!r}: {error}") from None
    if file.readinto(_bytes(array)) != array.nbytes:
        raise FileFormatError(f"array {entry.name!r}: the file ended while it was read")
    if entry.dtype == "BF16":
        wide = array.astype(np.uint32)
        wide <<= 16
        return wide.view(np.float32)
    if entry.dtype == "BOOL":
        octets = array.view(np.uint8)
        np.minimum(octets, 1, out=octets)  # NumPy's booleans are undefined beyond 0 and 1
    return array.astype(stored.newbyteorder("="), copy=False)


def _bytes(array: Array) -> memoryview:
    """Return the memory of a contiguous array."""
    return array.reshape(-1).view(np.uint8).data
