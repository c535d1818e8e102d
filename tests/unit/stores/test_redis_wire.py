"""URLs, request bytes and the meaning of error replies."""

from __future__ import annotations

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.addresses import RedisAddress
from shared.stores.redis_wire import Address, pack, parse_address
from shared.stores.timeline_port import EpochChanged, StateLost, StoreAway, StoreFull, StoreRefused
from shared.stores.timeline_replies import explain


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("unix:///run/r.sock", Address("/run/r.sock", "localhost", 6379, None, None, 0, False)),
        ("unix://me:p%40ss@/r.sock?db=3", Address("/r.sock", "localhost", 6379, "me", "p@ss", 3, False)),
        ("redis://10.0.0.1:7000/2", Address(None, "10.0.0.1", 7000, None, None, 2, False)),
        ("redis://:secret@h", Address(None, "h", 6379, None, "secret", 0, False)),
        ("rediss://h:1", Address(None, "h", 1, None, None, 0, True)),
    ],
)
def test_url_is_read(url: str, address: Address) -> None:
    assert parse_address(RedisAddress(url)) == address


def test_the_named_user_comes_before_the_one_of_the_url() -> None:
    found = parse_address(RedisAddress("redis://me:p@h", "scorer", "secret"))
    assert (found.user, found.password) == ("scorer", "secret")


def test_other_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="unix://"):
        parse_address(RedisAddress("http://h"))


@given(st.lists(st.binary(), min_size=1))
def test_packed_command_is_read_back_by_hiredis(parts: list[bytes]) -> None:
    reader = hiredis.Reader()
    reader.feed(pack(parts))
    assert reader.gets() == parts


@pytest.mark.parametrize(
    "text",
    [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "ERR Error running script (call to f_a): @user_script:48: @user_script: 48: -OOM command not allowed",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "READONLY You can't write against a read only replica. script: 12, on @user_script:48.",
    ],
)
def test_refused_writes_are_full(text: str) -> None:
    assert isinstance(explain(text), StoreFull)


@pytest.mark.parametrize(
    "text", ["NOSCRIPT No matching script.", "LOADING Redis is loading", "BUSY Redis is busy", "TRYAGAIN x"]
)
def test_errors_that_pass_are_away(text: str) -> None:
    error = explain(text)
    assert isinstance(error, StoreAway)
    assert error.maybe_applied


@pytest.mark.parametrize("text", ["NOAUTH Authentication required.", "WRONGTYPE Operation", "ERR unknown"])
def test_errors_that_stay_are_refused(text: str) -> None:
    assert isinstance(explain(text), StoreRefused)


def test_own_errors_name_epoch_and_log() -> None:
    changed, lost, empty = (
        explain("EPOCHCHANGED 12 1"),
        explain("STATELOST 2", [b"a", b"b"]),
        explain("STATELOST 0", [b"a", b"b"]),
    )
    assert isinstance(changed, EpochChanged)
    assert (changed.current, changed.frozen) == (12, True)
    assert isinstance(lost, StateLost)
    assert isinstance(empty, StateLost)
    assert (lost.key, empty.key) == (b"b", b"")
