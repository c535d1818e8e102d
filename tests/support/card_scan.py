"""Looks for card numbers in everything a house writes: ``python -m tests.support.card_scan PATH...``.

Any file is read as bytes, but for compiled code and indexes, which hold no text of others; Kafka's segments
record by record, Parquet column by column, the base64 of dead letters too. Prints each place with its number
masked, and ends with 1 when there is one.
"""

from __future__ import annotations

import argparse
import base64
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow.parquet as pq
from kafka.record import MemoryRecords

from shared.contracts.card_numbers import find_in_bytes, masked_text

_NO_TEXT: Final = frozenset({".nbc", ".nbi", ".index", ".timeindex", ".so", ".pyc"})
_ZEROS: Final = re.compile(rb"\0{2,}")
_BASE64: Final = re.compile(rb'"(?:body|key)":"([A-Za-z0-9+/]+={0,2})"')


class Place(NamedTuple):
    """Where a card number stands: a file, a place in it, and the number masked."""

    path: Path
    where: str
    number: str

    def __str__(self) -> str:
        return f"{self.path}: {self.where}: {self.number}"


def scan(paths: Iterable[Path], leave_out: Sequence[str] = ()) -> list[Place]:
    """Every place under ``paths`` but the partitions of the topics ``leave_out``. Raises OSError."""
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
    return [
        place
        for file in files
        if file.is_file() and file.suffix not in _NO_TEXT and not _is_of(file.parent.name, leave_out)
        for place in _scan_file(file)
    ]


def found_in(raw: bytes) -> list[str]:
    """The card numbers in ``raw`` and in the base64 of a dead letter's bytes, masked."""
    inner = [base64.b64decode(found.group(1) + b"==") for found in _BASE64.finditer(raw)]
    return [masked_text(found.digits) for part in (raw, *inner) for found in find_in_bytes(part)]


def _is_of(folder: str, topics: Sequence[str]) -> bool:
    name, _, partition = folder.rpartition("-")
    return partition.isdigit() and name in topics


def _scan_file(path: Path) -> Iterator[Place]:
    raw = path.read_bytes()
    parts: Iterable[tuple[str, bytes]] = [("bytes", _ZEROS.sub(b"\0", raw))]
    if path.suffix == ".parquet":
        parts = [*parts, *_columns(path)]
    elif path.suffix == ".log" and path.stem.isdigit():
        parts = _records(raw)  # between records stand binary numbers, which are digits at times
    for where, part in parts:
        for number in found_in(part):
            yield Place(path, where, number)


def _columns(path: Path) -> Iterator[tuple[str, bytes]]:
    for name, column in pq.read_table(path).to_pydict().items():
        for row, value in enumerate(column):
            yield f"column {name}, row {row}", _plain(value)


def _plain(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def _records(segment: bytes) -> Iterator[tuple[str, bytes]]:
    """Keys, values and headers of a segment; its unwritten end is zeros."""
    batches = MemoryRecords(segment.rstrip(b"\0") + b"\0" * 8)
    while batches.has_next():
        batch = batches.next_batch()
        if batch is None:
            return
        for record in batch:
            parts = [record.key, record.value, *[part for header in record.headers for part in header]]
            for part in parts:
                if part is not None:
                    yield f"record {record.offset}", _plain(part)


def main(arguments: Sequence[str]) -> int:
    """1 when a card number was found, else 0."""
    parser = argparse.ArgumentParser(prog="card_scan", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--leave-out", action="append", default=[], metavar="TOPIC")
    told = parser.parse_args(arguments)
    places = scan(told.paths, told.leave_out)
    for place in places:
        sys.stdout.write(f"{place}\n")
    return 1 if places else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
