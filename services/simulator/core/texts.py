"""Names of many things at once, as Arrow texts: what `names` says one by one."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from . import names
from .chance import Integers
from .columns import NONE

_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
_ZERO: Final = ord("0")


def numbered(prefix: str, numbers: Integers) -> pa.Array:
    """``prefix`` and each number (n,) in six digits, a larger one in as many as it needs."""
    digits = max(names.NUMBER_DIGITS, len(str(int(numbers.max(initial=0)))))
    if digits > names.NUMBER_DIGITS:
        return pa.array([f"{prefix}{n:0{names.NUMBER_DIGITS}d}" for n in numbers.tolist()], pa.string())
    powers = 10 ** np.arange(digits - 1, -1, -1)
    rows = (numbers[:, None] // powers % 10 + _ZERO).astype(np.uint8)
    return _prefixed(prefix, rows)


def coded(prefix: str, salt: int, codes: Integers) -> pa.Array:
    """``prefix`` and what hides each code (n,); null for `NONE`."""
    mixed = codes.astype(np.uint64) * np.uint64(names.MIX_START) + np.uint64(salt)
    for shift, factor in names.MIX_STEPS:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed = (mixed ^ (mixed >> np.uint64(31))) >> np.uint64(16)
    shifts = np.arange(44, -4, -4, dtype=np.uint64)
    rows = _HEX[((mixed[:, None] >> shifts) & np.uint64(15)).astype(np.int64)]
    return pc.if_else(pa.array(codes != NONE), _prefixed(prefix, rows), pa.scalar(None, pa.string()))


def _prefixed(prefix: str, rows: NDArray[np.uint8]) -> pa.Array:
    """Texts of equal length from their bytes (n, width)."""
    head = np.frombuffer(prefix.encode(), np.uint8)
    whole = np.concatenate([np.broadcast_to(head, (len(rows), len(head))), rows], axis=1)
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * np.int32(whole.shape[1])
    return pa.StringArray.from_buffers(len(rows), pa.py_buffer(offsets), pa.py_buffer(whole.tobytes()))
