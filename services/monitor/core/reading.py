"""The few fields of each record that are counted, read from bytes without the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from shared.contracts.codec import Codec, DecodeError
from shared.contracts.payments import Label

T = TypeVar("T", bound=Struct)


class Message(Protocol):
    """One record as taken from Kafka; ``timestamp`` is the broker's append time in ms."""

    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class DecisionPart(Struct, frozen=True, gc=False):
    """What is counted of a decision."""

    amount_minor: int
    currency: str
    action: str
    reasons: list[str]
    model: str | None
    release_seq: int
    state_quality: str
    ingest_time_ms: int
    decided_at_ms: int
    caller: str
    gateway: str


class PredictionPart(Struct, frozen=True, gc=False):
    """What is counted of a prediction."""

    lane: str
    model: str
    model_version: str
    score: float
    queue_ms: int
    state_us: int
    features_us: int
    predict_us: int
    decide_us: int


class DeadLetterPart(Struct, frozen=True, gc=False):
    """What is counted of a dead letter."""

    reason: str
    topic: str
    service: str
    at_ms: int


class Reader(Generic[T]):
    """Records from many messages. What is no record of the kind is counted and passed over: its bytes stand
    in the lake, with the reason, and the archiver counts them there."""

    def __init__(self, one: Callable[[bytes], T], many: Callable[[bytes], list[T]] | None = None) -> None:
        self._one = one
        self._many = many

    def read(self, messages: Sequence[Message], refused: dict[str, int]) -> tuple[list[Message], list[T]]:
        """The messages that hold a record, and their records; adds to ``refused`` by reason code."""
        raws = [message.value or b"" for message in messages]
        joined = b"\n".join(raws)
        # A line feed within a record would shift the lines, so equal numbers are asked for.
        if self._many is not None and raws and joined.count(b"\n") == len(raws) - 1:
            try:
                records = self._many(joined)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                records = []
            if len(records) == len(raws):
                return list(messages), records
        return self._one_by_one(messages, refused)

    def _one_by_one(
        self, messages: Sequence[Message], refused: dict[str, int]
    ) -> tuple[list[Message], list[T]]:
        kept, records = [], []
        for message in messages:
            try:
                records.append(self._one(message.value or b""))
            except DecodeError as error:
                refused[error.code] = refused.get(error.code, 0) + 1
            else:
                kept.append(message)
        return kept, records


def part_reader(record: type[T]) -> Reader[T]:
    """For records that our own services write: only the fields of ``record`` are looked at."""
    decoder = msgspec.json.Decoder(record)

    def one(raw: bytes) -> T:
        try:
            return decoder.decode(raw)
        except msgspec.ValidationError:
            raise DecodeError("field_type") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise DecodeError("not_json") from None

    return Reader(one, decoder.decode_lines)


LABELS: Final[Reader[Label]] = Reader(Codec(Label).decode)
"""Others write labels too: whole and strictly, as the lake takes them."""
