"""Card numbers that a direct producer puts on all input topics stand nowhere else afterwards (S01 to S03)."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import redis

from infra.local.kafka import KafkaServer
from infra.local.redis import RedisServer
from shared.contracts.codec import encode
from shared.contracts.payments import Activity
from shared.contracts.topics import topic_name
from shared.stores.card_keys import card_key
from tests.faults.conftest import MakeStand, checked
from tests.support.archiver_process import ArchiverProcess
from tests.support.card_plants import BRANDS, VISA, spaced
from tests.support.card_scan import found_in, main, scan
from tests.support.scorer_stand import INPUTS
from tests.support.scorer_traffic import T0_MS, label_of, payment
from tests.support.topics import create_topics

MAPS: Final = ("texts", "numbers")
TRICKS: Final = "\x1b[31m\r\nfake\u202e"


def planted() -> dict[str, list[bytes]]:
    """Records of each topic, each with a card number or a part of a card in another place."""
    activity = Activity(v=1, activity_id="act-1", account_id="a-1", event_time_ms=T0_MS, kind="login")
    bases: dict[str, Any] = {
        "transactions": payment("tx-1"),
        "activities": activity,
        "labels": label_of(payment("tx-1"), T0_MS),
    }
    return {topic: [*_in_every_field(base), *_elsewhere(base)] for topic, base in bases.items()}


def _in_every_field(base: Any) -> list[bytes]:
    """Every field once, texts and numbers alike, each brand in turn."""
    numbers = list(BRANDS.values())
    return [
        _with(base, **{name: {"note": spaced(number, " ")} if name in MAPS else f"x {number} {TRICKS}"})
        for name, number in zip(base.__struct_fields__, numbers * 3, strict=False)
    ]


def _elsewhere(base: Any) -> list[bytes]:
    whole = _with(base)
    return [
        _with(base, account_id=VISA),
        _with(base, memo={"deep": [int(VISA)]}),
        _with(base, texts={VISA: "x"}),
        _with(base, cvv="123"),
        _with(base, Card_Number=VISA),
        whole[:-1] + b',"memo":"\\u0034111-1111-1111-1111"}',
        whole[:-1] + b',"memo":"%b",' % VISA.encode(),
        VISA.encode(),
        b"\xff" + VISA.encode(),
        b"[" * 99 + VISA.encode() + b"]" * 99,
    ]


def _with(base: Any, **fields: Any) -> bytes:
    return encode({**msgspec.json.decode(encode(base)), **fields})


def in_redis(url: str) -> list[str]:
    """Card numbers in the keys and the texts of Redis, masked."""
    client: Any = redis.Redis.from_url(url)
    try:
        keys = list(client.scan_iter(count=1_000))
        values = [client.get(key) for key in keys if client.type(key) == b"string"]
        return [number for part in (*keys, *values) for number in found_in(part or b"")]
    finally:
        client.close()


def test_they_stand_on_the_producers_topics_alone(
    make_stand: MakeStand, kafka_server: KafkaServer, redis_server: RedisServer, home: Path, tmp_path: Path
) -> None:
    stand = make_stand(batch_records="64")
    create_topics(stand.bootstrap, stand.name, "audit")
    archiver = ArchiverProcess(
        stand.bootstrap, stand.name, tmp_path, {"PORTFOLIO_FILE": str(stand.portfolio_file)}
    )
    stand.start()
    archiver.start()
    good = []
    try:
        bodies = planted()
        for topic, raws in bodies.items():
            for number, raw in enumerate(raws):
                good.append(f"good-{topic}-{number}")
                stand.sender.raw(raw, topic, key=VISA.encode() if number % 5 == 0 else b"a-1")
                stand.sender.send([payment(good[-1])])
        stand.until_decided(good)
        stand.until_settled()
        letters = stand.letters()
        rows = {topic: len(raws) for topic, raws in bodies.items()}
        rows["transactions"] += len(good)
        for table, count in {**rows, "dead_letters": len(letters), "decisions": len(good)}.items():
            archiver.wait_for_rows(table, count)
        checked(stand)
        stand.workers[0].terminate()
        archiver.stop()
        time.sleep(0.5)
    finally:
        archiver.stop(signal.SIGKILL)

    assert len(letters) == sum(map(len, bodies.values()))
    assert {"card_number", "id_numeric", "field_forbidden"} <= {letter.reason for letter in letters}
    cards = card_key(home / "keys")
    assert {letter.card_key_id for letter in letters if letter.masked} == {cards.id}
    assert cards.name(VISA) in {letter.card_hmac for letter in letters}
    assert sum(letter.masked for letter in letters) >= len(letters) - 2 * len(bodies)

    mine = [topic_name(stand.name, topic) for topic in INPUTS]
    assert {place.path.parent.name.rpartition("-")[0] for place in scan([kafka_server.folder])} >= set(mine)
    assert scan([kafka_server.folder], mine) == []
    assert scan([tmp_path, home, redis_server.folder]) == []
    assert in_redis(redis_server.url) == []
    logs = (stand.workers[0].log, tmp_path / "archiver.log")
    assert all(log.read_bytes() and "\x1b" not in log.read_text("utf-8") for log in logs)
    assert main([str(tmp_path), str(kafka_server.folder), *[f"--leave-out={topic}" for topic in mine]]) == 0
    assert main([str(kafka_server.folder)]) == 1
