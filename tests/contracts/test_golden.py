"""Every topic has golden messages for each version, every one decodes, and none is an orphan."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from msgspec import Struct

from shared.contracts import capture
from shared.contracts.codec import DecodeError, decode, encode
from shared.contracts.topics import TOPICS, topic
from tests.contracts.golden_files import FOREIGN, GOLDEN, Golden, messages

MESSAGES = messages()
RECORDS = [m for m in MESSAGES if m.path.suffix == ".json"]
CAPTURES = [m for m in MESSAGES if m.path.suffix == ".bin"]


def _readings(golden: Golden) -> list[Struct]:
    """What the message says under each record type that its topic allows."""
    found: list[Struct] = []
    for record in topic(golden.topic).records or ():
        try:
            found.append(decode(record, golden.raw))
        except DecodeError:
            continue
    return found


@pytest.mark.parametrize("golden", RECORDS, ids=str)
def test_a_record_decodes_as_exactly_one_type(golden: Golden) -> None:
    assert len(_readings(golden)) == 1


@pytest.mark.parametrize("golden", [m for m in RECORDS if m.path.stem != FOREIGN], ids=str)
def test_our_own_messages_are_canonical(golden: Golden) -> None:
    assert encode(_readings(golden)[0]) == golden.raw


@pytest.mark.parametrize("golden", [m for m in RECORDS if m.path.stem == FOREIGN], ids=str)
def test_a_foreign_message_says_the_same_in_our_bytes(golden: Golden) -> None:
    record = _readings(golden)[0]

    assert encode(record) != golden.raw
    assert decode(type(record), encode(record)) == record


@pytest.mark.parametrize("golden", CAPTURES, ids=str)
def test_a_capture_reads_and_writes_to_the_same_bytes(golden: Golden) -> None:
    expected: dict[str, Any] = json.loads(golden.path.with_suffix(".expected.json").read_text())
    batch = capture.decode_capture(golden.raw, expected["features"], expected["entities"])

    assert capture.schema_hash(expected["features"], expected["entities"]) == expected["schema_hash"]
    assert [_plain(row) for row in batch.to_pylist()] == expected["rows"]
    assert capture.encode_capture(batch) == golden.raw


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON can hold it: bytes as hex, a missing number as null."""
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [_plain_value(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


@pytest.mark.parametrize("card", TOPICS, ids=lambda card: card.name)
def test_versions_count_one_two_three_up_to_the_current(card: Any) -> None:
    found = {golden.version for golden in MESSAGES if golden.topic == card.name}

    assert found == set(range(1, card.version + 1))


@pytest.mark.parametrize("card", TOPICS, ids=lambda card: card.name)
def test_each_record_of_a_topic_has_a_message(card: Any) -> None:
    shown = {type(record) for g in RECORDS if g.topic == card.name for record in _readings(g)}

    assert shown == set(card.records or ())


def test_no_file_is_an_orphan() -> None:
    names = {card.name for card in TOPICS}
    beside = {c.path.with_suffix(".expected.json") for c in CAPTURES}
    known = {m.path for m in MESSAGES if m.topic in names} | beside

    assert {path for path in GOLDEN.rglob("*") if path.is_file()} == known
    assert {m.path.suffix for m in MESSAGES} == {".json", ".bin"}


def test_every_optional_field_of_the_inputs_is_shown() -> None:
    for name in ("transactions", "activities", "labels"):
        shown = {f for g in RECORDS if g.topic == name for f in json.loads(g.raw)}
        (record,) = topic(name).records or ()
        assert shown >= set(record.__struct_fields__), name
