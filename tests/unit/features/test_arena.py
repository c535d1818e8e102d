"""Pieces of the arena never overlap, and come back whole."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.features.arena import NONE, SMALLEST, USED, clear, give_back, make_arena, order_for, take
from shared.features.idtable import EMPTY, find, grown, make_table, put, remove

steps = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 99)), max_size=120)
quick = settings(max_examples=100, deadline=None)


@quick
@given(steps, st.integers(1, 60))
def test_pieces_do_not_overlap_and_merge_back(moves: list[tuple[bool, int, int]], pieces: int) -> None:
    arena = make_arena(pieces * SMALLEST, 1)
    held: list[tuple[int, int]] = []
    taken: set[int] = set()
    for is_take, order, which in moves:
        if is_take:
            cell = take(arena, order)
            if cell == NONE:
                continue
            cells = set(range(cell, cell + (SMALLEST << order)))
            assert not cells & taken
            assert max(cells) < pieces * SMALLEST
            taken |= cells
            held.append((cell, order))
        elif held:
            cell, order = held.pop(which % len(held))
            give_back(arena, cell, order)
            taken -= set(range(cell, cell + (SMALLEST << order)))
        assert arena.heads[USED] == len(taken)
    for cell, order in held:
        give_back(arena, cell, order)
    fresh = make_arena(pieces * SMALLEST, 1)
    assert sorted(arena.pieces[:, 0].tolist()) == sorted(fresh.pieces[:, 0].tolist())
    clear(arena)
    assert take(arena, 0) != NONE


def test_order_for_is_the_smallest_that_holds() -> None:
    assert [order_for(n) for n in (1, SMALLEST, SMALLEST + 1, 2 * SMALLEST, 1000)] == [0, 0, 1, 1, 8]


keys = st.tuples(st.integers(0, 2), st.integers(-3, 6))


@quick
@given(st.lists(st.tuples(st.booleans(), keys, st.integers(0, 100)), max_size=150))
def test_the_id_table_is_a_dictionary(moves: list[tuple[bool, tuple[int, int], int]]) -> None:
    table, model = make_table(8), dict[tuple[int, int], int]()
    for is_put, key, index in moves:
        table = grown(table, 1)
        if is_put:
            assert put(table, *key, index) == model.setdefault(key, index)
        else:
            remove(table, *key)
            model.pop(key, None)
        assert table[-1, 0] == len(model)
    for slot in range(3):
        for record_id in range(-3, 7):
            assert find(table, slot, record_id) == model.get((slot, record_id), EMPTY)
