"""Batches of payments as the scorer's core has them when it writes their records.

Everything that could be taken for another thing differs from it: a payment's time from its accepted time, its
amount from that in base currency, its bytes from the codec's, the id from what JSON writes of it.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, cast
from unicodedata import normalize

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.scorer.core.columns import columns_of
from services.scorer.core.intake import Item
from services.scorer.core.outputs import Batch, Seen
from services.scorer.core.payments import payments_of
from shared.bus.ports import Taken
from shared.contracts.bounds import is_clean_text
from shared.contracts.codec import encode
from shared.contracts.decisions import STATE_QUALITIES, StateQuality
from shared.contracts.ids import KIND_TRANSACTION
from shared.contracts.models import ModelRef, Policy, Release, ReleaseContent
from shared.contracts.payments import Transaction
from shared.contracts.texts import together
from shared.features.compiled import FeatureSet
from shared.scoring.decide import Verdict
from shared.scoring.deciding import Answers, Deciding, Lane, Scores

PORTFOLIO: Final = 'shop "é"'
EPOCH: Final = 4
MODELS: Final = {
    "champion": ModelRef(name='model "7"', version='9"', artefact="a" * 64),
    'challenger "b"': ModelRef(name="modèle", version="8\\", artefact="b" * 64),
    "shadow": ModelRef(name="third", version="10", artefact="c" * 64),
}
CONTENT: Final = ReleaseContent(
    portfolio=PORTFOLIO,
    feature_set="f" * 64,
    layout="l" * 64,
    champion=MODELS["champion"],
    challengers=[],
    shadows=[],
    rules=[],
    lists=[],
    policy=Policy(),
    rates_ppm={},
    split_salt="s",
)
RELEASE: Final = Release(
    v=1,
    seq=3,
    at_ms=1_700_000_000_000,
    by="b",
    reason="r",
    content=CONTENT,
    prev_hash="p" * 64,
    hash="h" * 64,
    signer="s",
    signature="",
    request_id="q",
)
CHOICES: Final[list[tuple[Verdict, tuple[str, ...]]]] = [
    (Verdict("review", ["score_review", "state_rebuilding"], 0.3), ()),
    (Verdict("approve", ["score_low"], None), ("ahead",)),
    (Verdict("decline", ['a "reason"'], 0.8), ("late", "ahead")),
    (Verdict("challenge", [], 1e-7), ()),
]
LANES: Final = [[], ["champion"], ["champion", "shadow"], list(MODELS), ["shadow"]]
OTHER_NAN: Final[float] = struct.unpack("<d", (0xFFF8_0000_0000_0001).to_bytes(8, "little"))[0]

NUMBER = st.floats(allow_nan=False, allow_infinity=False)
INPUT = st.floats() | st.just(OTHER_NAN)
VERSION = st.integers(-3, 2**53)
CHARACTERS = st.characters(categories=["L", "N", "P", "S"])
TEXT = (
    st.lists(
        st.sampled_from(['"', "\\", "/", "é", "日", "{}", ":,", "a", "z 9"]) | CHARACTERS,
        min_size=1,
        max_size=8,
    )
    .map(lambda parts: normalize("NFC", "".join(parts)))
    .filter(is_clean_text)
)
MS = st.integers(10**12, 4 * 10**12)
COUNT = st.integers(0, 2**53)


@dataclass(frozen=True)
class Case:
    """k payments with all that their records say, in plain values; ``batch`` holds the same in columns."""

    lanes: list[str]
    items: list[Item]
    vectors: list[list[float]]
    versions: list[list[int]]
    raw: NDArray[np.float64]
    score: NDArray[np.float64]
    codes: list[int]
    quality: StateQuality
    batch: Batch

    @property
    def deciding(self) -> Deciding:
        nothing = cast(Any, None)
        lanes = tuple(Lane(name, MODELS[name], nothing, nothing) for name in self.lanes)
        return Deciding(RELEASE, cast(FeatureSet, None), lanes)

    @property
    def answers(self) -> Answers:
        return Answers(CHOICES, np.array(self.codes, np.intp))


def foreign(tx: Transaction) -> bytes:
    """A record as another producer may write it: escapes, spaces, fields in another order."""
    fields = json.loads(encode(tx))
    return json.dumps(dict(reversed(fields.items())), indent=1).encode()


def item_of(tx: Transaction, raw: bytes, place: tuple[int, int], times: tuple[int, int], base: int) -> Item:
    """``place`` is partition and offset, ``times`` when it was accepted to be and when it came in."""
    event_ms, ingest_ms = times
    taken = Taken("in", *place, ingest_ms, b"key", raw)
    text = encode(tx)
    return Item(KIND_TRANSACTION, tx, taken, raw, text, tx.tx_id, 0, 2, event_ms, base, 77, (), None)


@st.composite
def items(draw: st.DrawFn) -> Item:
    tx = Transaction(
        v=1,
        tx_id=draw(TEXT),
        account_id=draw(TEXT),
        event_time_ms=draw(MS),
        amount_minor=draw(st.integers(0, 10**12)),
        currency=draw(st.sampled_from(["EUR", "JPY"])),
        merchant_id=draw(st.none() | TEXT),
        caller=draw(TEXT | st.just("unknown")),
        gateway=draw(TEXT | st.just("direct")),
        texts=draw(st.none() | st.fixed_dictionaries({"caller": TEXT, "tx_id": TEXT})),
    )
    raw = draw(st.sampled_from([encode(tx), foreign(tx)]))
    place = (draw(st.integers(0, 300)), draw(COUNT))
    return item_of(tx, raw, place, (draw(MS), draw(MS)), draw(COUNT))


def table(draw: st.DrawFn, value: st.SearchStrategy[Any], rows: int, columns: int) -> list[list[Any]]:
    line = st.lists(value, min_size=columns, max_size=columns)
    drawn: list[list[Any]] = draw(st.lists(line, min_size=rows, max_size=rows))
    return drawn


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Some payments of a batch, in another order: as after conflicts were taken out."""
    batch = draw(st.lists(items(), min_size=1, max_size=5))
    left_out = draw(st.sets(st.integers(1, 5), max_size=2))
    rows = np.array([i for i in range(len(batch)) if i not in left_out], np.intp)
    k = len(rows)
    which = np.array(draw(st.permutations(range(k))), np.intp)
    lanes = draw(st.sampled_from(LANES))
    return case_of(
        batch,
        rows,
        which,
        lanes,
        table(draw, INPUT, k, draw(st.integers(1, 5))),
        table(draw, VERSION, k, draw(st.integers(1, 3))),
        (table(draw, NUMBER, len(lanes), k), table(draw, NUMBER, len(lanes), k)),
        draw(st.lists(st.integers(0, len(CHOICES) - 1), min_size=k, max_size=k)),
        draw(st.sampled_from(STATE_QUALITIES)),
    )


def case_of(
    batch: list[Item],
    rows: NDArray[np.intp],
    which: NDArray[np.intp],
    lanes: list[str],
    vectors: list[list[float]],
    versions: list[list[int]],
    scored: tuple[list[list[float]], list[list[float]]],
    codes: list[int],
    quality: StateQuality,
) -> Case:
    """The payments ``rows[which]`` of a batch; ``scored`` are raw and calibrated scores, a list per lane."""
    k = len(which)
    raw, score = (np.array(values, np.float64).reshape(len(lanes), k) for values in scored)
    hashes = [blake2b(item.raw, digest_size=16).digest() for item in batch]
    inputs = np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 16)
    seen = Seen(np.array(vectors, np.float64), np.array(versions, np.int64), EPOCH, quality)
    written = Batch(
        payments_of(batch, rows, together([item.raw for item in batch]))[which],
        columns_of(batch)[rows[which]],
        inputs[rows[which]],
        seen,
        Scores(raw, score),
    )
    chosen = [batch[i] for i in rows[which].tolist()]
    return Case(lanes, chosen, vectors, versions, raw, score, codes, quality, written)


def large_case(n: int) -> Case:
    """n payments with ids of 1 to 64 characters; no two numbers of a payment are the same."""
    some = []
    for i in range(n):
        tx = Transaction(
            v=1,
            tx_id=f'"{i}' + "t" * (i % 60),
            account_id=f"{i}" + "é" * (i % 59),
            event_time_ms=10**12 + i,
            amount_minor=10**6 + i,
            currency="EUR",
            caller=f'c"{i}',
        )
        raw = encode(tx) if i % 3 else foreign(tx)
        some.append(item_of(tx, raw, (i % 7, 10**7 + i), (2 * 10**12 + i, 3 * 10**12 + i), 10**8 + i))
    rows = np.arange(n, dtype=np.intp)
    values = [[lane + i / 7 for i in range(n)] for lane in range(2 * len(MODELS))]
    return case_of(
        some,
        rows,
        rows[::-1],
        list(MODELS),
        [[float(i + j) if (i + j) % 4 else np.nan for j in range(40)] for i in range(n)],
        [[i, -1, 2**40 + i] for i in range(n)],
        (values[: len(MODELS)], values[len(MODELS) :]),
        [i % len(CHOICES) for i in range(n)],
        "exact",
    )
