"""Labels from a file: which rows are taken, how the others are told, nothing half done in silence."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.console.core.label_rows import ROWS_MOST, label_id, read_rows
from services.console.core.refusal import Refused
from shared.bus.ports import LogAway
from shared.contracts.payments import Label
from tests.support.console_house import NOW_MS, ConsoleHouse

KNOWN = "tx-9f31c2ab77e0"
"""A payment of the lake."""
RECENT = "tx-000150"
"""One that memory alone has."""
HEAD = "tx_id,verdict,known_at_ms,fraud_type,loss_minor\n"


def told(text: str) -> list[tuple[int, str, str]]:
    """What is told of the refused rows below `HEAD`."""
    return [(each.line, each.code, each.field) for each in read_rows((HEAD + text).encode())[1]]


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        (",fraud,,,", "field_missing", "tx_id"),
        ("t-1,stolen,,,", "field_type", "verdict"),
        ("t-1,fraud,,", "row_width", ""),
        ("t-1,fraud,,,,", "row_width", ""),
        ("t-1,fraud,yesterday,,", "field_type", "known_at_ms"),
        ("t-1,fraud,5,,", "field_range", "known_at_ms"),
        ("t-1,fraud,,,12.50", "field_type", "loss_minor"),
        ("t-1,fraud,,,-1", "field_range", "loss_minor"),
        ("t-1\x07,fraud,,,", "field_charset", "tx_id"),
        (f"{'t' * 65},fraud,,,", "field_length", "tx_id"),
        ("4111111111111111,fraud,,,", "id_numeric", "tx_id"),
        ("t-1,fraud,,4111 1111 1111 1111,", "card_number", "fraud_type"),
    ],
)
def test_a_bad_row_is_told_and_its_neighbours_are_taken(row: str, code: str, field: str) -> None:
    good, refused = read_rows(f"{HEAD}t-0,fraud,,,\n{row}\nt-2,genuine,,,7\n".encode())
    assert [found.row.tx_id for found in good] == ["t-0", "t-2"]
    assert [(each.line, each.code, each.field) for each in refused] == [(3, code, field)]


def test_blank_lines_quotes_and_semicolons_are_read_and_repeats_are_told() -> None:
    good, _ = read_rows('\ufefftx_id;verdict;fraud_type\r\n\r\n"t-1";fraud;"mule; second"\r\n'.encode())
    assert [(line, row.tx_id, row.fraud_type) for line, row in good] == [(3, "t-1", "mule; second")]
    assert told("t-1,fraud,,,\nt-1,genuine,,,\nt-1,fraud,,,\n") == [(4, "row_repeated", "")]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty_body"),
        (b"\xff\xfe", "not_utf8"),
        (b'tx_id,verdict\nt-1,"fraud', "not_csv"),
        (b"tx_id,verdict,card_no\n", "field_unknown"),
        (b"tx_id,verdict,verdict\n", "duplicate_key"),
        (b"tx_id,loss_minor\n", "field_missing"),
        (HEAD.encode() + b"t,fraud,,,\n" * (ROWS_MOST + 1), "too_many_items"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(raw: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read_rows(raw)
    assert refused.value.code == code


async def test_a_file_becomes_labels_of_its_payments_with_the_audit_around_them(house: ConsoleHouse) -> None:
    client, csrf = await house.signed_in("omar")
    text = f"{HEAD}{KNOWN},fraud,{NOW_MS - 5},takeover,41200\n{RECENT},genuine,,,\ntx-nobody,fraud,,,\n"
    async with client:
        client.headers["x-csrf-token"] = csrf
        answer = await client.post("/api/v1/labels", content=text)
        again = await client.post("/api/v1/labels", content=text)
    assert answer.status_code == 200, answer.text
    assert answer.json() == again.json()
    assert answer.json() == {
        "accepted": 2,
        "refused": [{"line": 4, "code": "label_unknown_tx", "field": "tx_id"}],
    }
    first, second = house.labels[:2]
    assert (first.card_id, first.known_at_ms, first.loss_minor) == ("card-2231-77a0", NOW_MS - 5, 41_200)
    assert (second.verdict, second.source, second.known_at_ms) == ("genuine", "upload", NOW_MS)
    assert (second.card_id, second.account_id) == (None, house.held.recent.decision(RECENT).account_id)  # type: ignore[union-attr]  # it is there
    assert [each.label_id for each in house.labels[2:]] == [first.label_id, second.label_id]
    mine = [entry for entry in house.audit.entries if entry[1] == "labels_upload"]
    assert [(entry[0], entry[3]) for entry in mine] == [("omar", "intended"), ("omar", "done")] * 2
    assert len({entry[2] for entry in mine}) == 1


async def test_a_file_without_a_good_row_changes_nothing(house: ConsoleHouse) -> None:
    client, csrf = await house.signed_in("omar")
    async with client:
        client.headers["x-csrf-token"] = csrf
        answer = await client.post("/api/v1/labels", content=f"{HEAD}tx-nobody,fraud,,,\n")
        large = await client.post("/api/v1/labels", content=b" " * (2 << 20))
    assert (answer.status_code, answer.json()["accepted"]) == (422, 0)
    assert (large.status_code, large.json()["error"]["code"]) == (413, "oversize")
    assert house.labels == []
    assert [entry for entry in house.audit.entries if entry[1] == "labels_upload"] == []


async def test_what_kafka_did_not_confirm_is_said(
    house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Sequence[Label]) -> None:
        raise LogAway("no answer")

    monkeypatch.setattr(house.uploads, "_send_labels", away)
    client, csrf = await house.signed_in("omar")
    async with client:
        rows = f"{HEAD}{KNOWN},fraud,,,\n"
        page = await client.post("/labels", data={"csrf": csrf, "rows": rows})
    assert page.status_code == 503
    assert "labels_unconfirmed" in page.text
    assert KNOWN in page.text
    mine = [entry[3] for entry in house.audit.entries if entry[1] == "labels_upload"]
    assert mine == ["intended"]


async def test_the_screen_tells_rows_and_shows_nothing_of_what_was_refused(house: ConsoleHouse) -> None:
    viewer, _ = await house.signed_in("vera")
    client, csrf = await house.signed_in("omar")
    async with viewer, client:
        assert (await viewer.get("/labels")).status_code == 403
        assert "/labels" not in (await viewer.get("/")).text
        rows = f"{HEAD}{KNOWN},fraud,,,\n<img src=x onerror=alert(1)>,fraud,,,\n"
        page = (await client.post("/labels", data={"csrf": csrf, "rows": rows})).text
    assert "1 taken, 1 refused" in page
    assert "label_unknown_tx" in page
    assert "<img" not in page


def test_an_id_follows_from_what_a_row_says() -> None:
    rows = read_rows(f"{HEAD}t-1,fraud,,,\nt-1,fraud,{NOW_MS},,\nt-1,genuine,,,\n".encode())[0]
    assert len({label_id(row) for _, row in rows}) == 3
