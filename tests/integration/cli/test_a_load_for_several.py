"""A load for two scorers on a real broker: neither comes far ahead of the other, however slow that is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import polars as pl
from kafka import KafkaConsumer
from kafka.coordinator.assignors.range import RangePartitionAssignor

from services.cli.core.load_plan import STEP_MS
from shared.bus.followers import Followers
from shared.bus.ports import Place
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import decode_transaction

LANES: Final = ("transactions", "activities", "labels")
MINUTES: Final = 3_000
ROOM_MS: Final = 2 * STEP_MS + 3_600_000
"""Two steps and the hour between ticks."""


class Member(threading.Thread):
    """Reads its share of the inputs and commits it, ``pause_s`` after each handful."""

    def __init__(self, bootstrap: str, portfolio: str, pause_s: float, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._options = {"bootstrap_servers": bootstrap, "group_id": f"{portfolio}.scorer"}
        self._topics = [f"{portfolio}.{lane}" for lane in LANES]
        self._pause_s = pause_s
        self._stopping = stop
        self.ready = threading.Event()
        self.seen: list[tuple[float, int]] = []
        """When each payment was committed, by the clock, and its event time."""

    def run(self) -> None:
        with closing(
            KafkaConsumer(
                *self._topics,
                **self._options,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_poll_records=20,
                # Topics are as new as the group: one that was not seen at the first look is soon.
                metadata_max_age_ms=500,
                partition_assignment_strategy=[RangePartitionAssignor],
            )
        ) as consumer:
            while not self._stopping.is_set():
                found = consumer.poll(timeout_ms=500)
                if len(consumer.assignment()) == 2 * len(LANES):
                    self.ready.set()
                if found:
                    time.sleep(self._pause_s)
                    self._take(consumer, [record for records in found.values() for record in records])

    def _take(self, consumer: Any, records: list[Any]) -> None:
        consumer.commit()
        now = time.monotonic()
        self.seen += [
            (now, decode_transaction(r.value).event_time_ms)
            for r in records
            if r.value and r.topic == self._topics[0]
        ]


def _payments(folder: Path) -> Path:
    start = pl.datetime(2018, 4, 1, time_unit="ms")
    number = pl.int_range(MINUTES, dtype=pl.Int32)
    table = pl.select(number.alias("TRANSACTION_ID")).with_columns(
        (start + pl.duration(minutes=pl.col("TRANSACTION_ID"))).alias("TX_DATETIME"),
        (pl.col("TRANSACTION_ID") % 17).alias("CUSTOMER_ID"),
        (pl.col("TRANSACTION_ID") % 5).alias("TERMINAL_ID"),
        (pl.col("TRANSACTION_ID") * 0.01).alias("TX_AMOUNT"),
        pl.lit(0, pl.Int8).alias("TX_FRAUD"),
    )
    table.write_parquet(folder / "payments.parquet")
    return folder / "payments.parquet"


def _farthest_ahead_ms(one: Member, other: Member) -> int:
    """How far ``one`` was ahead of what ``other`` had still to commit, at most."""
    behind = sorted(other.seen)
    found = 0
    for when, time_ms in one.seen:
        left = [event_ms for at, event_ms in behind if at > when and event_ms < time_ms]
        found = max(found, time_ms - min(left, default=time_ms))
    return found


def test_neither_of_two_comes_far_ahead(
    ask: Callable[..., Any], bootstrap: str, portfolio: str, tmp_path: Path
) -> None:
    stop = threading.Event()
    quick, slow = Member(bootstrap, portfolio, 0.0, stop), Member(bootstrap, portfolio, 0.02, stop)
    try:
        for member in (quick, slow):
            member.start()
        assert all(member.ready.wait(60) for member in (quick, slow))
        report = ask("ingest", str(_payments(tmp_path)), "--no-labels")
        deadline = time.monotonic() + 60
        while len(quick.seen) + len(slow.seen) < MINUTES and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        stop.set()
        for member in (quick, slow):
            member.join(30)
    assert (report["transactions"], report["alone"]) == (MINUTES, 0)
    assert len(quick.seen) + len(slow.seen) == MINUTES
    assert 0 < _farthest_ahead_ms(quick, slow) <= ROOM_MS


def test_a_group_is_seen_from_outside(bootstrap: str, portfolio: str) -> None:
    place = Place(f"{portfolio}.transactions", 0)
    with Followers(KafkaAddress(bootstrap), f"{portfolio}.scorer") as scorers:
        assert not scorers.count()
        assert not scorers.have_passed({place: 1})
        assert scorers.have_passed({place: 0})
