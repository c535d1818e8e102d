"""Compiles and loads every kernel before the first partition is taken.

A kernel that is compiled at work holds the loop up for seconds, where Redis, the broker and the group get no
answer, and the group gives the worker's partitions away. So one payment is taken all the way in advance.

The first time on a machine this compiles, which takes a minute of a processor and leaves some 250 MB with the
process that did it. So two children do it, once for all workers that start together; these load the result.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from services.scorer.core.intake import Item
from services.scorer.core.payments import words_of
from services.scorer.core.reading import read_each
from services.scorer.core.rows_text import warm_up as warm_up_text
from shared.bus.ports import RecordColumns, Taken
from shared.bus.record_batch import RecordBatch
from shared.contracts.codec import encode
from shared.contracts.ids import KIND_TRANSACTION
from shared.contracts.models import Policy, Release
from shared.contracts.payments import Transaction
from shared.contracts.texts import together
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.hashing import Hasher
from shared.features.lateness import Limits
from shared.features.rows import RowEncoder
from shared.features.timelines import warm_up as warm_up_timelines
from shared.runtime.clock import FixedClock
from shared.runtime.logs import get_logger
from shared.scoring.deciding import Deciding
from shared.scoring.release import first_content
from shared.scoring.trees import warm_up as warm_up_walker
from shared.stores.portfolio_files import read_portfolio
from shared.stores.timeline_port import AppendReply

from .engine import Engine

log = get_logger("scorer.warm_up")

AT_MS: Final = 1_700_000_000_000
CACHE_BYTES: Final = 1 << 20
PARTS: Final = ("timelines", "rest")
LIMITS: Final = Limits(0, 0, "EUR")


def compile_apart(cache: Path, portfolio: str, portfolio_file: Path | None) -> None:
    """Compile every kernel into ``cache`` in children, unless that was done; blocks meanwhile."""
    done = cache / "compiled"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return
        log.info("compiling")
        words = [sys.executable, "-m", __name__, portfolio, str(portfolio_file or "")]
        children = [subprocess.Popen([*words, part], stdin=subprocess.DEVNULL) for part in PARTS]
        codes = [child.wait() for child in children]
        if not any(codes):
            done.touch()  # else the worker compiles by itself, and fails with the reason where it must


def warm_up(feature_set: FeatureSet, encoder: RowEncoder) -> None:
    """Load the kernels of a payment's way, or compile them."""
    warm_up_timelines(feature_set)
    _warm_up_rest()
    engine = Engine(feature_set, encoder, CACHE_BYTES, FixedClock(AT_MS), time.perf_counter_ns, "")
    deciding = Deciding(_release(feature_set), feature_set, ())
    prepared = engine.prepare([_item()], 0, deciding)
    starts = np.zeros(len(prepared.call.keys), "<u8")
    folded = engine.fold(prepared, AppendReply(starts.tobytes(), b""))
    engine.decide(prepared, folded)


def _warm_up_rest() -> None:
    """The kernels that know no feature set."""
    warm_up_text()
    warm_up_walker()
    columns = RecordColumns(together([b"k"]), together([encode(_payment())]))
    Hasher(16).of_many(columns.values)
    words_of([_payment()], columns.values)
    RecordBatch(columns, AT_MS)


def _payment() -> Transaction:
    return Transaction(
        v=1, tx_id="t", account_id="a", event_time_ms=AT_MS, amount_minor=1, currency=LIMITS.base_currency
    )


def _item() -> Item:
    message = Taken("", 0, 0, AT_MS, b"a", encode(_payment()))
    item = read_each(KIND_TRANSACTION, [message], AT_MS, LIMITS).values[0]
    assert isinstance(item, Item)
    return item


def _release(feature_set: FeatureSet) -> Release:
    content = first_content(
        feature_set.portfolio_name, feature_set.hash, feature_set.layout.hash, Policy(), {}, ""
    )
    texts = dict.fromkeys(("by", "reason", "prev_hash", "hash", "signer", "signature", "request_id"), "")
    return Release(v=1, seq=0, at_ms=AT_MS, content=content, **texts)


def _compile(portfolio: str, portfolio_file: str, part: str) -> None:
    if part == "rest":
        _warm_up_rest()
    else:
        file = Path(portfolio_file) if portfolio_file else None
        warm_up_timelines(compile_portfolio(read_portfolio(portfolio, file)))


if __name__ == "__main__":
    _compile(*sys.argv[1:])
