"""Keys are told apart whatever an id holds."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.stores import timeline_keys as names


@given(st.text(), st.text(), st.integers(1, 10**9), st.integers(1, 10**9))
def test_keys_are_equal_only_for_equal_parts(one: str, other: str, epoch: int, later: int) -> None:
    keys = [
        names.entity_key("bank", e, n, i) for e in (epoch, later) for n in ("a", "b") for i in (one, other)
    ]
    assert len(set(keys)) == len({epoch, later}) * 2 * len({one, other})


@given(st.text(), st.integers(1, 10**9))
def test_key_is_read_back(entity_id: str, epoch: int) -> None:
    key = names.entity_key("bank", epoch, "card", entity_id)
    assert names.parse_key("bank", key) == (epoch, "card", entity_id.encode())
    assert names.parse_key("bank2", key) is None


def test_keys_beside_the_logs_are_no_logs() -> None:
    beside = [names.epoch_key, names.allotted_key, names.run_key, names.lock_key, names.claim_key]
    keys = {make("bank") for make in [*beside, names.freeze_key]}
    assert len(keys) == 6
    assert not any(names.parse_key("bank", key) for key in keys)
    pattern = names.keys_pattern("bank").decode()
    assert all(fnmatch.fnmatchcase(key.decode(), pattern) for key in keys)


@pytest.mark.parametrize("bad", ["", "a:b", "a}b", "a b", "ü"])
def test_names_that_would_blur_a_key_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        names.epoch_key(bad)
    with pytest.raises(ValueError, match="letters"):
        names.entity_key("bank", 1, bad, "x")


def test_pattern_of_a_prefix_matches_only_itself() -> None:
    assert names.glob_escaped(rb"{a:0}:1*?[b]\^") == rb"{a:0}:1\*\?\[b\]\\\^"
    assert fnmatch.fnmatchcase("{a:0}:1", names.glob_escaped(b"{a:0}:1").decode())


@given(st.text(), st.integers(1, 1_024))
def test_log_lies_in_the_bucket_that_its_key_names(entity_id: str, buckets: int) -> None:
    key = names.entity_key("bank", 3, "card", entity_id, buckets)
    assert names.bucket_in("bank", key) < buckets
    assert names.parse_key("bank", key) == (3, "card", entity_id.encode())
    assert names.log_key("bank", names.LogName(3, "card", entity_id.encode()), buckets) == key


def test_bucket_of_an_entity_is_the_same_for_ever() -> None:
    found = [names.bucket_of("account", b"a-%d" % i, 16) for i in range(8)]
    assert found == [9, 15, 5, 3, 0, 6, 12, 10]
