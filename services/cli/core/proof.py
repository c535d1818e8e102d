"""What a verification found, in sentences of at most 80 columns for somebody who was not there."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Final

from services.cli.core.numbers import moment
from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.verification import BadRecord, Difference, RecordFault, Stage

COLUMNS: Final = 80

_BYTES: Final[Mapping[str, str]] = {
    "bytes_missing": "the lake does not hold its original bytes.",
    "bytes_differ": "its bytes in the lake are not those that were decided. Hashed: {told}, now {again}.",
    "bytes_refused": "its bytes in the lake are no payment of this id.",
}
_OTHERWISE: Final = "{what} was decided as {told}, and comes out as {again}."
_SENTENCES: Final[Mapping[Stage, str]] = {
    "input": "by its bytes, " + _OTHERWISE,
    "timeline": "the log that it was decided from is not what was captured. {what}; it saw {told}.",
    "feature": "{what} was captured as {told}, and folded again comes out as {again}.",
    "model": "asked again, the model gives another score. {what} was {told}, and comes out as {again}.",
    "calibration": "the raw score means another score. {what} was {told}, and comes out as {again}.",
    "policy": "the policy answers otherwise. It was: {told}. It comes out as: {again}.",
    "core": "every stage agrees, the decision's record does not. " + _OTHERWISE,
}
_NO_RELEASE: Final = "{what} cannot decide again. {again}."
_NOTHING: Final = "nothing"

_KINDS: Final = {KIND_TRANSACTION: "payment", KIND_LABEL: "label", KIND_ACTIVITY: "activity"}
_FAULTS: Final[Mapping[RecordFault, str]] = {
    "bytes_missing": "the lake does not hold its bytes",
    "bytes_differ": "its bytes in the lake are not those that were captured",
    "bytes_refused": "its bytes in the lake are no record",
    "time_differs": "its bytes mean another time or amount than was captured",
}


def difference_lines(found: Difference) -> list[str]:
    """A decision that differs, at which stage, and in what; each line has at most `COLUMNS` letters."""
    sentence = _SENTENCES[found.stage]
    if found.stage == "input":
        sentence = _BYTES.get(found.what, sentence)
    elif found.stage == "model" and not found.told:
        sentence = _NO_RELEASE
    words = {"what": found.what, "told": found.told or _NOTHING, "again": found.again.rstrip(".") or _NOTHING}
    when = moment(found.event_time_ms)
    return _lines(f"{found.stage}: payment {found.tx_id} of {when}: {sentence.format(**words)}")


def record_lines(found: BadRecord) -> list[str]:
    """A record of the log that is not what was captured, and where it stands; lines as above."""
    kind = _KINDS.get(found.kind, "record")
    place = f"{found.topic}/{found.partition} at {found.offset}"
    return _lines(f"{kind} {found.own_id} ({place}): {_FAULTS[found.fault]} ({found.fault}).")


def _lines(text: str) -> list[str]:
    return wrap(text, COLUMNS, subsequent_indent="  ", break_on_hyphens=False)
