"""What may be committed: the unbroken prefix of confirmed offsets, with the note that belongs to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from services.scorer.core.merge import Shown
from services.scorer.core.offsets import Note, OffsetTrack, read_note


def test_a_gap_holds_the_commit_back() -> None:
    track = OffsetTrack(10, Note())
    track.receive((offset, offset * 100, None) for offset in (10, 11, 13))  # 12 was a control record
    track.confirm([11, 13])
    assert (track.next_offset, track.outstanding) == (10, 3)
    track.confirm([10])
    assert (track.next_offset, track.mark_ms, track.outstanding) == (14, 1300, 0)


@given(st.permutations(range(30)), st.integers(1, 7))
def test_any_order_of_confirmation_ends_at_the_end_and_never_passes_a_missing_one(
    order: list[int], chunk: int
) -> None:
    track = OffsetTrack(0, Note())
    track.receive((offset, offset, None) for offset in range(30))
    done: set[int] = set()
    for start in range(0, 30, chunk):
        track.confirm(order[start : start + chunk])
        done |= set(order[start : start + chunk])
        assert set(range(track.next_offset)) <= done
        assert track.next_offset == 30 or track.next_offset not in done
    assert track.next_offset == 30


def test_the_note_belongs_to_the_prefix_and_survives_its_text() -> None:
    track = OffsetTrack(0, Note())
    track.receive([(0, 5, Shown("load", 7)), (1, 9, None)])
    track.confirm([0])
    track.owe(0)
    note = read_note(encode(track.note()).decode())
    assert note == Note(mark_ms=5, load="load", shown_ms=7, owed_from=0)


def test_a_foreign_note_stands_for_an_empty_one() -> None:
    assert read_note("reset by hand") == Note()
    assert read_note("") == Note()


def test_a_debt_is_the_range_of_records_scored_without_state() -> None:
    track = OffsetTrack(0, Note())
    for offset in (4, 3, 6):
        track.owe(offset)
    assert (track.owed_from, track.owed_to) == (3, 7)
    track.paid(5)
    assert (track.owed_from, track.owed_to) == (5, 7)
    track.paid(7)
    assert (track.owed_from, track.owed_to) == (-1, -1)


def test_after_a_restart_the_debt_reaches_up_to_where_we_go_on() -> None:
    track = OffsetTrack(20, Note(owed_from=12))
    assert (track.owed_from, track.owed_to) == (12, 20)
