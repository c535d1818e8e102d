"""What a verification says: how far it is, and whether every decision came out the same."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

Stage = Literal["input", "timeline", "feature", "model", "calibration", "policy", "core"]
STAGES: Final[tuple[Stage, ...]] = (
    "input",
    "timeline",
    "feature",
    "model",
    "calibration",
    "policy",
    "core",
)
"""In the order of the work: a decision that differs is named by the first of them that does."""

RecordFault = Literal["bytes_missing", "bytes_differ", "bytes_refused", "time_differs"]
RECORD_FAULTS: Final[tuple[RecordFault, ...]] = (
    "bytes_missing",
    "bytes_differ",
    "bytes_refused",
    "time_differs",
)
"""Why a record of the append log is not what was captured: its bytes are not in the lake, have another hash,
are no record, or mean another accepted time or amount."""


class Difference(Struct, frozen=True, kw_only=True):
    """A decision that was not recomputed to the bit: the first stage that differs, and in what.

    ``told`` is what was captured or decided, ``again`` what was recomputed, as text.
    """

    tx_id: str
    event_time_ms: int
    stage: Stage
    what: str
    told: str = ""
    again: str = ""


class BadRecord(Struct, frozen=True, kw_only=True):
    """A record of the append log that cannot be trusted; ``kind`` as `capture` has it."""

    kind: int
    own_id: str
    topic: str
    partition: int
    offset: int
    fault: RecordFault


class Verified(Struct, frozen=True, kw_only=True, tag="verified"):
    """The answer for the decisions whose event time is in [from, to), ms; None is open.

    ``stages`` counts those that differ; ``differences`` and ``bad_records`` are the first of each.
    ``gaps``: indices of logs that no capture names and under which decisions stand; what was recomputed over
    them came out the same unless ``differences`` say otherwise. ``records``: of the append log, laid down.
    """

    portfolio: str
    from_ms: int | None
    to_ms: int | None
    decisions: int
    identical: int
    stages: dict[str, int]
    differences: list[Difference]
    bad_record_count: int
    bad_records: list[BadRecord]
    gaps: int
    records: int
    releases: list[int]
    models: list[str]
    processes: int
    seconds: float
    stage_seconds: dict[str, float]

    @property
    def is_whole(self) -> bool:
        """Whether every decision was recomputed to the bit, from records that are what was captured."""
        return self.identical == self.decisions and not self.bad_record_count


class VerifyProgress(Struct, frozen=True, kw_only=True, tag="progress"):
    """So much of ``total`` is done, in days and parts; ``stage`` says of what."""

    stage: str
    done: int
    total: int


class VerifyFailed(Struct, frozen=True, kw_only=True, tag="failed"):
    """The verification could not be made; ``is_away``: what it needs did not answer."""

    sentence: str
    is_away: bool = False


VerifyLine = Verified | VerifyProgress | VerifyFailed
"""One line of what the process says."""
