"""Bad input to one running worker: F16, F17, F22, F23, F32, F33, always among good neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from infra.local.kafka import KafkaServer
from infra.local.redis import RedisServer
from shared.contracts.codec import encode
from shared.contracts.operations import DeadLetter
from tests.faults.conftest import checked, stand_maker
from tests.faults.read_back import read_back
from tests.support.scorer_stand import Stand, by_tx
from tests.support.scorer_traffic import T0_MS, label_of, payment

HOUR_MS: Final = 3_600_000


@pytest.fixture(scope="module")
def stand(
    kafka_server: KafkaServer, redis_server: RedisServer, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stand]:
    """One portfolio and one worker for all cases; each uses accounts and terminals of its own."""
    with stand_maker(kafka_server, redis_server, home, tmp_path_factory.mktemp("bad")) as make:
        found = make()
        found.start()
        yield found


def body(**fields: Any) -> bytes:
    """A payment's JSON with fields changed, ``None`` as null."""
    values = msgspec.json.decode(encode(payment("tx-base")))
    return msgspec.json.encode({**values, **fields})


def raw_body(field: str, text: bytes) -> bytes:
    """A payment's JSON with the text of one field's value replaced."""
    return body(**{field: "@@"}).replace(b'"@@"', text)


def letters_of(stand: Stand, sent: list[tuple[int, int]], topic: str = "transactions") -> list[DeadLetter]:
    """The dead letters of records by where they stood."""
    places = set(sent)
    wanted = [letter for letter in stand.letters() if letter.topic == f"{stand.name}.{topic}"]
    return [letter for letter in wanted if (letter.partition, letter.offset) in places]


def refused(stand: Stand, name: str, table: list[tuple[str, bytes]]) -> None:
    """Send each body between two good payments; all are refused for their reasons, the neighbours decided."""
    sent, neighbours = [], []
    for number, (_, raw) in enumerate(table):
        neighbours += [f"{name}-{number}-before", f"{name}-{number}-after"]
        stand.sender.send([payment(neighbours[-2], account_id=f"a-{name}", terminal_id=f"t-{name}")])
        sent.append(stand.sender.raw(raw, key=f"a-{name}".encode()))
        stand.sender.send([payment(neighbours[-1], account_id=f"a-{name}", terminal_id=f"t-{name}")])
    stand.until_decided(neighbours)
    stand.until_settled()
    found = {(letter.partition, letter.offset): letter for letter in letters_of(stand, sent)}
    assert [found[place].reason for place in sent] == [reason for reason, _ in table]
    for place, (_, raw) in zip(sent, table, strict=True):
        assert found[place].body == raw
        assert found[place].body_bytes == len(raw)


def test_f16_poison_bytes_are_refused_with_their_bytes_and_neighbours_decided(stand: Stand) -> None:
    good = encode(payment("tx-p"))
    refused(
        stand,
        "poison",
        [
            ("not_json", b"hello"),
            ("not_json", b""),
            ("not_json", good[:-5]),
            ("not_utf8", b"\x00\x01\x02\xff" * 8),
            ("not_json", b"[1,2]"),
            ("not_utf8", b"\x80\x02]q\x00."),
            ("too_deep", b"[" * 1_025 + b"]" * 1_025),
            ("too_deep", good[:-1] + b',"x":' + b"[" * 1_025 + b"]" * 1_025 + b"}"),
            ("duplicate_key", good[:-1] + b',"tx_id":"other"}'),
            ("version_unknown", body(v=2)),
            ("field_missing", b"{}"),
            ("field_type", body(amount_minor="12,5")),
        ],
    )


def test_f16_poison_on_labels_and_activities_too(stand: Stand) -> None:
    for topic in ("labels", "activities"):
        place = stand.sender.raw(b"{", topic)
        stand.until_settled()
        (letter,) = letters_of(stand, [place], topic)
        assert (letter.reason, letter.body) == ("not_json", b"{")


def test_f17_ten_megabytes_are_refused_by_hash_and_the_partition_goes_on(stand: Stand) -> None:
    huge = body(category="x" * (10 << 20))
    stand.sender.send([payment("big-before", account_id="a-big")])
    place = stand.sender.raw(huge, key=b"a-big")
    stand.sender.send([payment("big-after", account_id="a-big")])
    stand.until_decided(["big-before", "big-after"])
    stand.until_settled()
    (letter,) = letters_of(stand, [place])
    assert (letter.reason, letter.body, letter.body_bytes) == ("oversize", None, len(huge))
    assert len(letter.body_hash) == 64


def test_f32_amounts_and_currencies(stand: Stand) -> None:
    huge = str(2**63).encode()
    refused(
        stand,
        "amounts",
        [
            ("not_json", raw_body("amount_minor", b"NaN")),
            ("not_json", raw_body("amount_minor", b"Infinity")),
            ("amount_negative", raw_body("amount_minor", b"-1")),
            ("field_type", raw_body("amount_minor", b"1e308")),
            ("field_range", raw_body("amount_minor", huge)),
            ("field_type", raw_body("amount_minor", b'"12,5"')),
            ("field_type", raw_body("amount_minor", b"12.5")),
            ("field_range", raw_body("amount_minor", str(10**12 + 1).encode())),
            ("currency_unknown", body(currency="XXX")),
            ("no_rate", body(currency="GBP")),
        ],
    )
    stand.sender.send([payment("zero", amount_minor=0), payment("most", amount_minor=10**12)])
    stand.until_decided(["zero", "most"])


BAD_IDS: Final = ("a\x00b", "a\r\nb", "a\u202eb", "e\u0301", "\ufeffa", "a\x7f")
GOOD_IDS: Final = ("عميل-1", "💳-7", "客户", "*?[x]", "{a}:b", "é")


def test_f33_ids_are_refused_or_kept_byte_for_byte(stand: Stand) -> None:
    refused(
        stand,
        "ids",
        [
            *[("field_charset", body(account_id=own)) for own in BAD_IDS],
            ("field_length", body(account_id="x" * 10_000)),
            ("field_length", body(tx_id="")),
            ("not_json", raw_body("account_id", rb'"\ud800"')),
        ],
    )
    records = [
        payment(f"id-{own}-{copy}", T0_MS + copy, account_id=own, terminal_id=own)
        for own in GOOD_IDS
        for copy in range(2)
    ]
    stand.sender.send(records)
    decisions = {d.tx_id: d for d in stand.until_decided([record.tx_id for record in records])}
    for own in GOOD_IDS:
        assert decisions[f"id-{own}-1"].account_id == own
        assert decisions[f"id-{own}-1"].entity_versions == [1, 1]


def test_f22_the_same_body_again_is_the_same_decision(stand: Stand) -> None:
    first = payment("dup", account_id="a-dup", terminal_id="t-dup")
    others = [
        payment(f"dup-other-{n}", T0_MS + n, account_id=f"a-dup-{n}", terminal_id="t-dup") for n in range(5)
    ]
    stand.sender.send([first])
    stand.until_decided(["dup"])
    stand.sender.send(others)
    stand.until_decided([other.tx_id for other in others])
    stand.sender.send([first, first])
    stand.until_settled()
    copies = by_tx(stand.decisions())["dup"]
    assert len(copies) == 3
    assert len({copy.core_hash for copy in copies}) == 1


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("amount", {"amount_minor": 1}),
        ("time", {"event_time_ms": T0_MS + HOUR_MS}),
        ("unread-field", {"category": "other"}),
        ("account", {"account_id": "a-another"}),
        ("terminal", {"terminal_id": "t-another"}),
    ],
)
def test_f22_another_body_under_a_known_id_is_a_conflict_and_the_first_wins(
    stand: Stand, name: str, changed: dict[str, Any]
) -> None:
    own = f"conflict-{name}"
    first = payment(own, account_id=f"a-{own}", terminal_id=f"t-{own}")
    stand.sender.send([first])
    stand.until_decided([own])
    stand.sender.send([msgspec.structs.replace(first, **changed)])
    stand.until_settled()
    copies = by_tx(stand.decisions())[own]
    assert [copy.amount_minor for copy in copies] == [1_234]
    conflicts = [letter for letter in stand.letters() if letter.reason == "tx_conflict" and letter.body]
    assert sum(own.encode() in (letter.body or b"") for letter in conflicts) == 1


def test_f23_out_of_order_counts_from_then_on_where_it_belongs(stand: Stand) -> None:
    times = {"late-0": 0, "late-3": 30, "late-1": 10, "late-2": 20}
    for name, minutes in times.items():
        tx = payment(name, T0_MS + minutes * 60_000, account_id="a-late", terminal_id="t-late")
        stand.sender.send([tx])
        stand.until_decided([name])
    versions = {name: by_tx(stand.decisions())[name][0].entity_versions[0] for name in times}
    assert versions == {name: index for index, name in enumerate(times)}
    counts = {name: _input(stand, name, "account_count_1h") for name in times}
    # late-1 came third and belongs second: it sees late-0 alone; late-2 sees both before its time.
    assert counts == {"late-0": 0.0, "late-3": 1.0, "late-1": 1.0, "late-2": 2.0}


def _input(stand: Stand, tx_id: str, feature: str) -> float:
    found = read_back(stand.bootstrap, stand.name, stand.portfolio_file, stand.home)
    place = stand.features.names.index(feature)
    vectors = [captured.row["vector"] for captured in found.captures if captured.row["id"] == tx_id]
    return float(vectors[0][place])


def test_a_label_that_comes_twice_or_before_its_payment_stands(stand: Stand) -> None:
    tx = payment("labelled", account_id="a-lab", terminal_id="t-lab")
    label = label_of(tx, T0_MS + HOUR_MS)
    stand.sender.send([label])
    stand.until_settled()
    stand.sender.send([tx, label])
    stand.until_settled()
    later = payment("after-label", T0_MS + 2 * 24 * HOUR_MS, account_id="a-lab", terminal_id="t-lab")
    stand.sender.send([later])
    stand.until_decided(["after-label"])
    assert _input(stand, "after-label", "terminal_risk_7d") == 1.0


def test_after_all_of_it_every_invariant_holds(stand: Stand) -> None:
    stand.until_settled()
    checked(stand)
    assert stand.workers[0].exit_code is None
