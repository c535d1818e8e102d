"""What is gathered, and when it is due."""

from __future__ import annotations

from services.archiver.core.gather import Gathered, Limits, Place
from services.archiver.core.shapes import Message
from tests.support.lake_messages import log_of

PLACE = Place("bank.labels", 0)
LIMITS = Limits(rows=3, size_bytes=100, age_ms=50)


def gathered(*values: bytes | None) -> Gathered[Message]:
    found: Gathered[Message] = Gathered()
    found.add({PLACE: log_of("bank.labels", values, start=10)}, now_ms=1_000)
    return found


def test_nothing_is_never_due() -> None:
    assert not Gathered[Message]().is_due(LIMITS, 10**12)


def test_ticks_move_the_offset_and_give_no_row() -> None:
    found = gathered(b"a", None, b"")
    assert [m.offset for m in found.messages["bank.labels"]] == [10]
    assert found.ends_of("bank.labels") == {PLACE: 13}
    assert found.is_due(LIMITS, 1_050)


def test_due_by_rows_bytes_or_age() -> None:
    assert not gathered(b"a").is_due(LIMITS, 1_049)
    assert gathered(b"a").is_due(LIMITS, 1_050)
    assert gathered(b"a", b"b", b"c").is_due(LIMITS, 1_000)
    assert gathered(b"x" * 100).is_due(LIMITS, 1_000)
