"""Ids are the same for the same thing everywhere, and differ for different things."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import ids

KEY = b"k" * 32


def test_ids_are_pinned() -> None:
    """A changed id would decide every payment twice after an update."""
    assert ids.decision_id("bank", "tx-1") == "d1f90eec23a0a171e1dd2a33f39f7bd1"
    assert ids.prediction_id("tx-1", "m", "1", "fs", "champion") == "3d7d14a16f6f050b4da1e344f52efd4d"
    assert ids.input_hash(b"{}").hex() == "2afb9b83f9314e5d029766197f539792"
    assert ids.content_hash(b"{}") == "c09da522dac261c3d2566230bed10d2f3ef13f8e7654576c12e857e07f786098"
    assert ids.record_hash(KEY, ids.KIND_TRANSACTION, "tx-1") == 0xB13E4EDF1085E6BE
    assert ids.hash_text(KEY, "device-1") == 0xFE4AB0D2155273FF


@given(
    st.tuples(st.text(max_size=9), st.text(max_size=9)), st.tuples(st.text(max_size=9), st.text(max_size=9))
)
def test_two_payments_have_two_decision_ids(one: tuple[str, str], other: tuple[str, str]) -> None:
    separable = all("\x1f" not in part for part in (*one, *other))
    if separable:
        assert (ids.decision_id(*one) == ids.decision_id(*other)) == (one == other)


@pytest.mark.parametrize("position", range(5))
def test_each_part_of_a_prediction_id_counts(position: int) -> None:
    parts = ["tx", "model", "1", "fs", "champion"]
    changed = [*parts]
    changed[position] += "x"

    assert ids.prediction_id(*parts) != ids.prediction_id(*changed)


def test_parts_do_not_run_into_each_other() -> None:
    assert ids.prediction_id("a", "bc", "1", "f", "l") != ids.prediction_id("ab", "c", "1", "f", "l")


@given(st.text(max_size=64))
def test_record_hashes_tell_kinds_and_keys_apart(own_id: str) -> None:
    kinds = (0, ids.KIND_TRANSACTION, ids.KIND_LABEL, ids.KIND_ACTIVITY)
    hashes = [ids.record_hash(key, kind, own_id) for kind in kinds for key in (KEY, b"other")]

    assert len(set(hashes)) == len(hashes)
    assert all(0 <= h < 2**64 for h in hashes)
    assert hashes == [ids.record_hash(key, kind, own_id) for kind in kinds for key in (KEY, b"other")]


def test_many_records_have_many_hashes() -> None:
    hashes = {ids.record_hash(KEY, ids.KIND_TRANSACTION, f"tx-{i}") for i in range(20_000)}

    assert len(hashes) == 20_000
