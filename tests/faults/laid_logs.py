"""Timelines laid down again from captures alone, and folded from scratch at any captured version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shared.contracts.codec import decode_activity, decode_label, decode_transaction
from shared.contracts.decisions import STATE_QUALITIES
from shared.contracts.ids import KIND_LABEL, KIND_TRANSACTION, input_hash
from shared.contracts.payments import Activity, Label, Transaction
from shared.features.rows import RowEncoder
from shared.features.rowwise import Rowwise
from shared.features.timelines import Timelines
from shared.features.trimming import split_log
from shared.stores.timeline_keys import entity_key
from tests.faults.read_back import Captured, Found
from tests.support import oracle

LogName = tuple[int, int, str]
"""Epoch, entity's place, entity id."""

UNAVAILABLE: Final = STATE_QUALITIES.index("unavailable")
REBUILDING: Final = STATE_QUALITIES.index("rebuilding")
ID: Final = slice(16, 24)
"""Where a record's hash stands in its row."""

Look = Callable[[bytes], bytes]
"""A log's bytes in the store, by its key."""

_REPEAT_BITS: Final = 40
_BUDGET_BYTES: Final = 4 << 20


class LaidLogs:
    """Every log by index, from what was captured; ``faults`` are sentences about what does not fit."""

    def __init__(self, found: Found, look: Look | None = None) -> None:
        self._found = found
        self._look = look
        self.uncaptured_repeats = 0
        self._encoder = RowEncoder(found.features, found.key)
        self._timelines = Timelines(found.features, _BUDGET_BYTES)
        self._rowwise = Rowwise(found.features)
        self._at: dict[LogName, dict[int, bytes]] = defaultdict(dict)
        self.faults: list[str] = []
        self.repeats = 0
        self._rebuilding = {c.row["epoch"] for c in found.captures if c.row["state_quality"] == REBUILDING}
        self._conflicts = {
            (letter.topic, letter.partition, letter.offset)
            for letter in found.letters
            if letter.reason == "tx_conflict"
        }
        self._last_epoch = max((c.row["epoch"] for c in found.captures), default=0)
        self._first: list[tuple[LogName, int, bytes]] = []
        for captured in found.captures:
            self._lay(captured)
        for place in self._first:  # a redelivered record stands where its first copy was appended
            self._put(*place)
        self.logs = {name: self._whole(name) for name in sorted(self._at)}

    def _lay(self, captured: Captured) -> None:
        row = captured.row
        record, bytes_of_row = self.encoded(captured)
        if row["input_hash"] != input_hash(self._found.inputs[captured.place].value or b""):
            self.faults.append(f"{captured.place}: captured with another input's hash")
        repeats: dict[int, list[int]] = defaultdict(list)
        for packed in row["repeats"]:
            repeats[packed >> _REPEAT_BITS].append(packed & ((1 << _REPEAT_BITS) - 1))
        self.repeats += len(row["repeats"])
        is_conflict = captured.place in self._conflicts
        for entity, (own, version) in enumerate(
            zip(self._encoder.entity_ids(record), row["versions"], strict=True)
        ):
            if own is None or version < 0:
                continue
            name = (row["epoch"], entity, own)
            for index in repeats[entity] or [version]:
                self._put(name, index, bytes_of_row)
            if repeats[entity] and not is_conflict:
                self._first.append((name, version, bytes_of_row))

    def encoded(self, captured: Captured) -> tuple[Transaction | Label | Activity, bytes]:
        """The input that a capture names, and its row as it was accepted."""
        raw, row = self._found.inputs[captured.place].value or b"", captured.row
        body = int.from_bytes(input_hash(raw)[:4], "little")
        if row["kind"] == KIND_TRANSACTION:
            tx = decode_transaction(raw)
            return tx, self._encoder.transaction(tx, row["amount_base_minor"], row["event_time_ms"], body)
        if row["kind"] == KIND_LABEL:
            label = decode_label(raw)
            return label, self._encoder.label(label, body)
        activity = decode_activity(raw)
        return activity, self._encoder.activity(activity, body)

    def _put(self, name: LogName, index: int, row: bytes) -> None:
        there = self._at[name].setdefault(index, row)
        if there != row:
            self.faults.append(f"log {name} index {index}: two records were captured there")

    def _whole(self, name: LogName) -> list[bytes]:
        """The log's rows in order; a rebuilt epoch starts with the first copies of those before it."""
        rows = dict(self._at[name])
        for index, row in enumerate(self._rebuilt(name)):
            rows.setdefault(index, row)
        missing = [index for index in range(max(rows) + 1) if index not in rows]
        if missing and self._look is not None:
            missing = self._explained(name, rows, missing)
        if missing:
            self.faults.append(f"log {name}: {len(missing)} indices are captured nowhere, first {missing[0]}")
        return [rows.get(index, b"") for index in range(max(rows) + 1)]

    def _explained(self, name: LogName, rows: dict[int, bytes], missing: list[int]) -> list[int]:
        """What is still missing once the store's log shows that an index holds a copy of an earlier record.

        After two faults in a row the copy of the first retry is captured by nobody; it changes nothing. A
        record appended just before its epoch was lost is captured in the next one only.
        """
        assert self._look is not None
        epoch, entity, own = name
        names = self._found.features
        size, left = names.layout.record_bytes, []
        key = entity_key(names.portfolio_name, epoch, names.entities[entity].name, own)
        base, log = split_log(self._look(key), size)
        for index in missing:
            at = max(index - base.index, 0) * size
            row = log[at : at + size] if index >= base.index else b""
            is_copy = any(rows[i][ID] == row[ID] for i in range(index) if i in rows)
            if row and (is_copy or epoch < self._last_epoch):
                rows[index] = row
                self.uncaptured_repeats += 1
            else:
                left.append(index)
        return left

    def _rebuilt(self, name: LogName) -> Iterator[bytes]:
        epoch, entity, own = name
        if epoch in self._rebuilding:
            return
        seen = set()
        earlier = sorted(n for n in self._at if n[0] < epoch and n[1:] == (entity, own))
        for log in earlier:
            for index in sorted(self._at[log]):
                row = self._at[log][index]
                if row[ID] not in seen:
                    seen.add(row[ID])
                    yield row

    def vector(self, captured: Captured) -> NDArray[np.float64]:
        """(d,) a captured payment's inputs, folded from scratch at its captured versions."""
        row = captured.row
        tx, own_row = self.encoded(captured)
        assert isinstance(tx, Transaction)
        matrix = np.full((1, len(self._found.features.names)), np.nan)
        self._rowwise.fill(
            matrix,
            np.array([row["event_time_ms"]], np.int64),
            np.array([row["amount_base_minor"]], np.int64),
            [tx],
        )
        if row["state_quality"] == UNAVAILABLE:
            matrix[:, self._found.features.state_features] = np.nan
            return matrix.reshape(-1)
        ids = self._encoder.entity_ids(tx)
        self._timelines.clear()
        is_kept = all(version >= -1 for version in row["versions"])
        claim = self._timelines.claim([ids], np.array([is_kept]))
        starts: list[int] = []
        unseen: list[bytes] = []
        for entity, own in enumerate(ids):
            if own is not None:
                before = self._before(row, entity, own)
                starts.append(len(before))
                unseen += before
        return self._timelines.fold(claim, own_row, starts, b"".join(unseen), matrix).matrix.reshape(-1)

    def _before(self, row: Mapping[str, Any], entity: int, own: str) -> list[bytes]:
        version = row["versions"][entity]
        return self.logs.get((row["epoch"], entity, own), [])[: version if version >= 0 else -2 - version]

    def oracle_vector(self, captured: Captured) -> list[float]:
        """The timeline and arithmetic inputs as the plain oracle has them; others as captured."""
        row = captured.row
        tx, own_row = self.encoded(captured)
        logs: list[list[oracle.Record] | None] = []
        versions = []
        for entity, own in enumerate(self._encoder.entity_ids(tx)):
            before = [] if own is None else self._before(row, entity, own)
            # A payment that came too late is scored and stands in no log, so it does not see itself.
            stand = [*before, own_row] if row["versions"][entity] >= 0 else before
            logs.append(None if own is None else [self._record(r) for r in stand])
            versions.append(len(before))
        features, seen = self._found.features, [version + 1 for version in versions]
        return oracle.vector(
            features.program, logs, versions, [self._record(own_row)] * len(logs), features.lateness_ms, seen
        )

    def _record(self, row: bytes) -> oracle.Record:
        values = np.frombuffer(row, self._found.features.layout.dtype)[0]
        extra = tuple(int(values[f"x{i}"]) for i in range(len(self._found.features.layout.columns)))
        return oracle.Record(
            time=int(values["t"]),
            amount=int(values["a"]),
            id=int(values["id"]),
            kind=int(values["kind"]),
            ref=int(values["ref"]),
            verdict=int(values["verdict"]),
            body=int(values["body"]),
            extra=extra,
        )
