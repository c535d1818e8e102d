"""Kafka's records, format version 2, as bytes: the part of a record batch behind its header."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])
Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

FRAME_BYTES: Final = 5 + 1 + 1 + 5 + 5 + 5 + 1
"""Most bytes of a record beside its key and value: length, attributes, time, offset, two lengths, headers."""

# No reference counting: the kernel keeps nothing and is handed all the room it needs. The same options as in
# `shared.features.kernels_compile`, which the bus must not see: it stands below the features.
_OPTIONS: Final[dict[str, Any]] = {"cache": True, "error_model": "numpy", "_nrt": False}
_kernel: Final[Callable[[F], F]] = njit(**_OPTIONS)


@_kernel
def _varint_bytes(value: int) -> int:
    """Bytes that ``value``, not negative, takes as a zigzag varint."""
    rest, size = np.uint64(value) << np.uint64(1), 1
    while rest >= np.uint64(128):
        rest >>= np.uint64(7)
        size += 1
    return size


@_kernel
def _varint(out: Bytes, at: int, value: int) -> int:
    rest = np.uint64(value) << np.uint64(1)
    while rest >= np.uint64(128):
        out[at] = (rest & np.uint64(127)) | np.uint64(128)
        rest >>= np.uint64(7)
        at += 1
    out[at] = rest
    return at + 1


@_kernel
def _copy(out: Bytes, at: int, source: Bytes, start: int, stop: int) -> int:
    # Unsigned places cannot mean "from the end", so the loop becomes one memory copy.
    to, begin = np.uint64(at), np.uint64(start)
    for k in range(np.uint64(stop - start)):
        out[to + k] = source[begin + k]
    return at + stop - start


@_kernel
def pack_records(keys: Bytes, key_bounds: Integers, values: Bytes, value_bounds: Integers, out: Bytes) -> int:
    """Write n records, numbered from 0, without times and headers of their own; how many bytes they took.

    ``key_bounds`` and ``value_bounds`` (n, 2) are stretches of the pools; ``out`` has room for all.
    """
    at = 0
    for i in range(len(key_bounds)):
        key_size = key_bounds[i, 1] - key_bounds[i, 0]
        value_size = value_bounds[i, 1] - value_bounds[i, 0]
        fixed = 3 + _varint_bytes(i) + _varint_bytes(key_size) + _varint_bytes(value_size)
        at = _varint(out, at, fixed + key_size + value_size)
        out[at] = out[at + 1] = 0  # attributes, and time after the batch's
        at = _varint(out, at + 2, i)
        at = _varint(out, at, key_size)
        at = _copy(out, at, keys, key_bounds[i, 0], key_bounds[i, 1])
        at = _varint(out, at, value_size)
        at = _copy(out, at, values, value_bounds[i, 0], value_bounds[i, 1])
        out[at] = 0  # headers
        at += 1
    return at
