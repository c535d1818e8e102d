"""Whatever stands on the topic, the fold is one line of releases, the same for every reader."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.contracts.codec import encode
from shared.contracts.models import Release
from shared.scoring.release import Chain, fold, verify_chain
from tests.unit.scoring.releases import after, verify

MOVES = st.lists(
    st.tuples(st.sampled_from(["next", "stale", "repeat", "tamper", "junk"]), st.integers(0, 5)), max_size=25
)


def topic_of(moves: list[tuple[str, int]]) -> tuple[list[bytes], list[Release]]:
    """Records of writers that read late, repeat and tamper; and the line that must come out."""
    records: list[bytes] = []
    line: list[Release] = []
    for number, (move, back) in enumerate(moves):
        seen = line[: max(len(line) - back, 0)]
        made = after(seen[-1] if seen else None, f"r{number}", 1_600_000_000_000 + number)
        if move == "next" or (move == "stale" and len(seen) == len(line)):
            made = after(line[-1] if line else None, f"r{number}", 1_600_000_000_000 + number)
            line.append(made)
        if move == "repeat" and line:
            made = line[back % len(line)]
        elif move in ("tamper", "repeat"):
            made = replace(made, by="eve")
        records.append(b"junk" if move == "junk" else encode(made))
    return records, line


@settings(max_examples=150, deadline=None)
@given(moves=MOVES, cut=st.integers(0, 25))
def test_the_fold_is_the_line_of_first_sound_records(moves: list[tuple[str, int]], cut: int) -> None:
    records, line = topic_of(moves)
    chain = fold(records, verify)
    assert list(chain.history) == line
    verify_chain(chain.history, verify)
    assert chain.position == len(records)
    # Readers that join at different moments agree.
    assert Chain().extend(records[:cut], verify).extend(records[cut:], verify) == chain


@settings(max_examples=100, deadline=None)
@given(moves=MOVES, byte=st.integers(0, 10_000), value=st.integers(0, 255))
def test_one_flipped_byte_never_changes_what_a_release_says(
    moves: list[tuple[str, int]], byte: int, value: int
) -> None:
    records, line = topic_of([("next", 0), *moves])
    first = bytearray(records[0])
    first[byte % len(first)] = value
    chain = fold([bytes(first), *records], verify)
    assert list(chain.history) == line
