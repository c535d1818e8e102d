"""A decision's and a prediction's bytes, with all that is equal in a batch encoded once.

The bytes are those of ``codec.encode`` of the whole record (a property test holds both together); writing
them from parts costs half, and these two records are a third of a payment's cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.contracts.codec import encode
from shared.contracts.decisions import StateQuality
from shared.contracts.payments import Transaction
from shared.scoring.decide import Verdict
from shared.scoring.identity import DecisionIds, PredictionIds, core_hash

from .deciding import Deciding, Lane
from .intake import Item


class Timings(NamedTuple):
    """Microseconds of a micro-batch's stages, and process CPU per record."""

    decode_us: int
    state_us: int
    features_us: int
    predict_us: int
    decide_us: int
    cpu_us: int


class Stamp(NamedTuple):
    """This attempt's readings: when it was decided, and by whom."""

    decided_at_ms: int
    worker: str


class Words(NamedTuple):
    """The texts of a payment that both records name, as JSON strings with their quotes."""

    tx_id: str
    account_id: str
    caller: str
    gateway: str


class Quotes:
    """JSON strings; callers and gateways are few and come again."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, item: Item, tx: Transaction) -> Words:
        """The payment's texts. Its bytes without a backslash hold no text that needs escaping."""
        caller, gateway = self._often(tx.caller), self._often(tx.gateway)
        if b"\\" in item.raw:
            return Words(quoted(tx.tx_id), quoted(tx.account_id), caller, gateway)
        return Words(f'"{tx.tx_id}"', f'"{tx.account_id}"', caller, gateway)

    def _often(self, text: str) -> str:
        found = self._known.get(text)
        if found is None:
            if len(self._known) > 10_000:
                self._known.clear()
            found = self._known[text] = quoted(text)
        return found


def quoted(value: object) -> str:
    """``value`` as the codec writes it."""
    return encode(value).decode()


def each(values: Sequence[float | None]) -> list[str]:
    """Every number of a list as the codec writes it."""
    return quoted(values)[1:-1].split(",") if values else []


class DecisionWriter:
    """Writes decisions of one release, epoch, state quality and attempt."""

    def __init__(self, deciding: Deciding, epoch: int, quality: StateQuality, stamp: Stamp) -> None:
        release, content, champion = deciding.release, deciding.release.content, deciding.champion
        model = f"{champion.model.name}@{champion.model.version}" if champion else None
        self._ids = DecisionIds(content.portfolio)
        self._portfolio = f'"portfolio":{quoted(content.portfolio)},'
        self._release = (
            f'"model":{quoted(model)},"release_seq":{release.seq},"release_hash":{quoted(release.hash)},'
            f'"feature_set":{quoted(content.feature_set)},"layout":{quoted(content.layout)},'
            f'"state_quality":{quoted(quality)},"epoch":{epoch},'
        )
        self._stamp = f'"decided_at_ms":{stamp.decided_at_ms},"worker":{quoted(stamp.worker)},'
        self._verdicts: dict[tuple[object, ...], str] = {}

    def core(
        self,
        item: Item,
        tx: Transaction,
        words: Words,
        answer: Verdict,
        scores: tuple[str, str],
        versions: str,
        hashes: tuple[str, str],
    ) -> bytes:
        """The deterministic part; ``scores`` are (calibrated, raw), ``hashes`` (input, vector)."""
        score, raw = scores
        return (
            f'{{"v":1,"decision_id":"{self._ids.of(tx.tx_id)}",{self._portfolio}'
            f'"tx_id":{words.tx_id},"account_id":{words.account_id},"event_time_ms":{item.event_ms},'
            f'"amount_minor":{tx.amount_minor},"currency":"{tx.currency}",{self._verdict(item, answer)}'
            f'"score":{score},"raw_score":{raw},"threshold":{quoted(answer.threshold)},{self._release}'
            f'"entity_versions":{versions},"input_hash":"{hashes[0]}","vector_hash":"{hashes[1]}"}}'
        ).encode()

    def whole(self, core: bytes, item: Item, words: Words) -> tuple[bytes, str]:
        """The decision's bytes, and its core's hash."""
        hashed, message = core_hash(core), item.message
        tail = (
            f',"core_hash":"{hashed}","partition":{message.partition},"offset":{message.offset},'
            f'"ingest_time_ms":{message.timestamp},{self._stamp}'
            f'"caller":{words.caller},"gateway":{words.gateway}}}'
        )
        return core[:-1] + tail.encode(), hashed

    def _verdict(self, item: Item, answer: Verdict) -> str:
        key = (answer.action, item.flags, *answer.reasons)
        found = self._verdicts.get(key)
        if found is None:
            found = self._verdicts[key] = (
                f'"action":"{answer.action}","reasons":{quoted(answer.reasons)},"flags":{quoted(item.flags)},'
            )
        return found


class PredictionWriter:
    """Writes one lane's predictions of a batch."""

    def __init__(
        self,
        deciding: Deciding,
        lane: Lane,
        quality: StateQuality,
        timings: Timings,
        stamp: Stamp,
        batch_size: int,
    ) -> None:
        content, model = deciding.release.content, lane.model
        self._ids = PredictionIds(model.name, model.version, content.feature_set, lane.name)
        self._stamp = stamp
        self._lane = (
            f'"lane":{quoted(lane.name)},"model":{quoted(model.name)},'
            f'"model_version":{quoted(model.version)},"feature_set":{quoted(content.feature_set)},'
        )
        stages = ",".join(f'"{name}":{value}' for name, value in timings._asdict().items())
        self._tail = (
            f'"release_seq":{deciding.release.seq},"state_quality":{quoted(quality)},'
            f'"batch_size":{batch_size},{stages},"worker":{quoted(stamp.worker)}}}'
        )

    def write(
        self, item: Item, tx: Transaction, words: Words, scores: tuple[str, str], missing: int
    ) -> bytes:
        """One payment's prediction; ``scores`` are (calibrated, raw)."""
        score, raw = scores
        return (
            f'{{"v":1,"prediction_id":"{self._ids.of(tx.tx_id)}","tx_id":{words.tx_id},'
            f'"account_id":{words.account_id},"event_time_ms":{item.event_ms},{self._lane}'
            f'"raw_score":{raw},"score":{score},"missing_inputs":{missing},'
            f'"caller":{words.caller},"gateway":{words.gateway},'
            f'"queue_ms":{self._stamp.decided_at_ms - item.message.timestamp},{self._tail}'
        ).encode()
