"""``python -m tests.bench.lake_look``: how long one payment's story takes in a lake of many decisions.

Writes decisions, payments and captures of ten days into a folder of its own, as compaction leaves them and
with the small files of the last minutes beside, and asks for stories as the console's screens do.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final
from zlib import crc32

import numpy as np
import pyarrow as pa

from services.console.edge.lake_story import LakeStories
from shared.contracts.capture import KIND_TRANSACTION
from shared.contracts.ids import decision_id
from shared.stores.lake import Lake
from shared.stores.lake_commit import Source
from shared.stores.lake_tables import TableCard, table_card

DAYS: Final = 10
DAY_MS: Final = 86_400_000
T0_MS: Final = 1_790_035_200_000
FEATURES: Final = 52
SMALL_FILES: Final = 20
SMALL_ROWS: Final = 200
PORTFOLIO: Final = "bank"
ASKED: Final = 15


def main() -> None:
    """Write the lake, ask, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.lake_look", description=__doc__)
    parser.add_argument("--decisions", type=int, default=1_000_000, help="decisions in the lake")
    count = parser.parse_args().decisions
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        _write_lake(Path(folder), count)
        size = sum(file.stat().st_size for file in Path(folder).rglob("*.parquet")) >> 20
        print(f"{count:,} decisions, {size:,} MB, written in {time.perf_counter() - began:.0f} s", flush=True)
        _ask(Path(folder), count)


def _ask(folder: Path, count: int) -> None:
    stories = LakeStories(folder, PORTFOLIO)
    began = time.perf_counter()
    assert stories.story("t-0").decision is not None
    print(f"first look, libraries loaded: {(time.perf_counter() - began) * 1e3:.0f} ms", flush=True)
    drawn = np.random.default_rng(3).integers(0, count, ASKED).tolist()
    _timed("by tx_id", stories, [f"t-{n}" for n in drawn], is_known=True)
    of_decision = [decision_id(PORTFOLIO, f"t-{n}") for n in drawn]
    _timed("by decision_id", stories, of_decision, is_known=True)
    _timed("unknown tx_id", stories, [f"u-{n}" for n in drawn], is_known=False)
    _timed("unknown decision_id", stories, [f"{n:032x}" for n in drawn], is_known=False)


def _timed(what: str, stories: LakeStories, ids: list[str], *, is_known: bool) -> None:
    took = []
    for own_id in ids:
        began = time.perf_counter()
        assert (stories.story(own_id).decision is not None) is is_known, own_id
        took.append((time.perf_counter() - began) * 1e3)
    print(f"{what}: median {median(took):.0f} ms, most {max(took):.0f} ms of {len(took)}", flush=True)


def _write_lake(folder: Path, count: int) -> None:
    per_day = count // DAYS
    for day in range(DAYS):
        _write_rows(folder, day * per_day, per_day, day)
    for file in range(SMALL_FILES):
        _write_rows(folder, count + file * SMALL_ROWS, SMALL_ROWS, DAYS - 1)


def _write_rows(folder: Path, first: int, count: int, day: int) -> None:
    names = [f"t-{n}" for n in range(first, first + count)]
    made: dict[str, Callable[[list[str]], dict[str, Any]]] = {
        "decisions": _decisions,
        "transactions": _payments,
        "captures": _captures,
    }
    lake = Lake(folder)
    for table, own in made.items():
        card = table_card(table)
        rows = _rows(card, own(names), first, count, day)
        lake.open(card).append(rows, {Source(f"{PORTFOLIO}.{card.topic}", 0): first + count}, T0_MS)


def _rows(card: TableCard, own: dict[str, Any], first: int, count: int, day: int) -> pa.Table:
    event_ms = T0_MS + day * DAY_MS + np.arange(count) * DAY_MS // count
    given = {
        "portfolio": [PORTFOLIO] * count,
        "event_day": pa.array(np.full(count, (T0_MS + day * DAY_MS) // DAY_MS, np.int32)).cast(pa.date32()),
        "topic": [f"{PORTFOLIO}.{card.topic}"] * count,
        "partition": np.zeros(count, np.int32),
        "offset": np.arange(first, first + count),
        "ingest_time_ms": event_ms,
        "event_time_ms": event_ms,
        "key_hash": [crc32(text.encode()) for text in own[card.look_up]],
        **own,
    }
    arrays = [
        pa.array(given[f.name], f.type) if f.name in given else pa.nulls(count, f.type) for f in card.columns
    ]
    return pa.Table.from_arrays(arrays, schema=card.columns)


def _decisions(names: list[str]) -> dict[str, Any]:
    count, drawn = len(names), np.random.default_rng(1)
    texts = ("portfolio", "currency", "action", "release_hash", "feature_set", "layout", "state_quality")
    ids = [decision_id(PORTFOLIO, name) for name in names]
    return {
        **{name: [name] * count for name in (*texts, "worker", "caller", "gateway")},
        **dict.fromkeys(("decision_id", "input_hash", "vector_hash", "core_hash"), ids),
        **{name: np.full(count, 1) for name in ("v", "release_seq", "epoch", "input_partition")},
        "portfolio": [PORTFOLIO] * count,
        "tx_id": names,
        "account_id": [f"a-{n}" for n in drawn.integers(0, 50_000, count).tolist()],
        "amount_minor": drawn.integers(100, 100_000, count),
        "input_offset": np.arange(count),
        "decided_at_ms": np.full(count, T0_MS),
        "input_ingest_time_ms": np.full(count, T0_MS),
        "score": drawn.random(count),
        "raw_score": drawn.random(count),
        "reasons": [["score_low"]] * count,
        "flags": [[]] * count,
        "entity_versions": drawn.integers(0, 900, (count, 5)).tolist(),
    }


def _payments(names: list[str]) -> dict[str, Any]:
    accounts = np.random.default_rng(1).integers(0, 50_000, len(names)).tolist()
    raws = [
        b'{"v":1,"tx_id":"%b","account_id":"a-%d","event_time_ms":%d,"amount_minor":4250,"currency":"EUR",'
        b'"card_id":"card-%d","merchant_id":"m-%d","country":"DE","channel":"pos"}'
        % (name.encode(), account, T0_MS, account, account % 991)
        for name, account in zip(names, accounts, strict=True)
    ]
    return {"tx_id": names, "raw_bytes": raws, "currency": ["EUR"] * len(names)}


def _captures(names: list[str]) -> dict[str, Any]:
    count = len(names)
    values = np.random.default_rng(2).random(count * FEATURES).round(3)
    ends = pa.array(np.arange(count + 1) * FEATURES, pa.int32())
    return {
        "id": names,
        "kind": np.full(count, KIND_TRANSACTION),
        "features": np.full(count, FEATURES),
        "row": np.zeros(count, np.int32),
        "vector": pa.ListArray.from_arrays(ends, pa.array(values)),
    }


if __name__ == "__main__":
    main()
