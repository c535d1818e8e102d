"""Where things stand: in a layout row seen as int64 words, and in a timeline's cells.

A row of the layout is W words; a cell of the arena is C columns. Hashes keep their 64 bits as int64.
"""

from __future__ import annotations

from typing import Final

from .kernels_compile import kernel

# Words of a layout row. Word 4 packs kind u1, verdict u1, code u2, body u4, from the low end.
W_TIME: Final = 0
W_AMOUNT: Final = 1
W_ID: Final = 2
W_REF: Final = 3
W_PACKED: Final = 4
W_EXTRA: Final = 5

# Columns of a cell. A label keeps its payment's hash where other records keep the running sum.
TIME: Final = 0
AMOUNT: Final = 1
ID: Final = 2
MARK: Final = 3
SUM: Final = 4
REF: Final = 4
EXTRA: Final = 5

KIND_TRANSACTION: Final = 1
KIND_LABEL: Final = 2
KIND_ACTIVITY: Final = 3

TRANSACTIONS: Final = 0
LABELS: Final = 1

FRAUD: Final = 1

PARKED: Final = 2**62
"""Added to the time that a label names while its payment is not in the timeline: behind every window."""

INDEX_LIMIT: Final = 2**29
_BODY: Final = 0xFFFFFFFF


@kernel
def kind_of(packed: int) -> int:
    """The record kind in word 4."""
    return packed & 0xFF


@kernel
def body_of(packed: int) -> int:
    """The low 32 bits of the input hash, in word 4."""
    return (packed >> 32) & _BODY


@kernel
def mark_of(packed: int, index: int) -> int:
    """index << 34 | verdict << 32 | body: sorts as the index does."""
    return (index << 34) | (((packed >> 8) & 3) << 32) | body_of(packed)


@kernel
def index_of(mark: int) -> int:
    """The record's place in its log."""
    return mark >> 34


@kernel
def verdict_of(mark: int) -> int:
    """1 fraud, 2 genuine, 3 reversed; 0 for records that are no labels."""
    return (mark >> 32) & 3


@kernel
def body_in(mark: int) -> int:
    """The body hash in a mark."""
    return mark & _BODY
