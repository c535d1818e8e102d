"""Who is not let in, and that every client of ours says a refusal as one, at once and by its code."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from infra.kafka.__main__ import main
from infra.kafka.access import grant_of
from infra.kafka.grants import compare_access, grant, make_users, revoke
from infra.local.ports import HOST
from shared.bus import arrival
from shared.bus.kafka_consumer import KafkaConsumer
from shared.bus.kafka_producer import KafkaProducer
from shared.bus.ports import Outgoing, Place, Rebalance
from shared.bus.sync import KafkaLook, produce_confirmed
from shared.contracts.access import OPERATOR, AccessRefused, Right
from shared.contracts.addresses import KafkaAddress
from shared.stores.kafka_log import append, read_whole
from tests.integration.access.conftest import PORTFOLIO, Guarded

LABELS = f"{PORTFOLIO}.labels"


async def _nothing(_: set[Place]) -> None:
    return None


@pytest.mark.parametrize("controller", [False, True], ids=["clients' port", "controller's port"])
@pytest.mark.parametrize("who", ["unknown user", "wrong password", "not signed in", "PLAIN", "no password"])
async def test_only_who_is_known_is_let_in(guarded: Guarded, who: str, controller: bool) -> None:
    known = guarded.as_("scorer")
    told = {
        "unknown user": replace(known, user="mallory").options(),
        "wrong password": replace(known, password="guess").options(),
        "no password": replace(known, password="").options(),
        "PLAIN": {**known.options(), "sasl_mechanism": "PLAIN"},
        "not signed in": {},
    }[who]
    options: dict[str, Any] = {key: value for key, value in told.items() if key != "bootstrap_servers"}
    port = guarded.server.controller_port if controller else guarded.server.port
    with pytest.raises(KafkaError):
        await _ask(port, options)


async def _ask(port: int, options: dict[str, Any]) -> None:
    connection = await create_conn(HOST, port, request_timeout_ms=5_000, **options)
    try:
        await connection.send(MetadataRequest([]))
    finally:
        connection.close()


async def test_a_producer_says_what_it_may_not_write(guarded: Guarded) -> None:
    producer = KafkaProducer(guarded.as_("scorer"), "test")
    await producer.start()
    try:
        with pytest.raises(AccessRefused, match=rf"^access_refused.*let scorer write {LABELS} \(topic\)\."):
            await (await producer.send(Place(LABELS, 0), [Outgoing(b"k", b"v")]))
    finally:
        await producer.stop()


async def test_a_consumer_says_what_it_may_not_read(guarded: Guarded) -> None:
    no_group = partial(KafkaConsumer, guarded.as_("scorer"), f"{PORTFOLIO}.archiver", [LABELS], "test")
    consumer = no_group(Rebalance(_nothing, _nothing))
    with pytest.raises(AccessRefused, match=r"read bank\.labels as group bank\.archiver"):
        await _take_for_ever(consumer)
    await consumer.stop()


async def _take_for_ever(consumer: KafkaConsumer) -> None:
    await consumer.start()
    while True:
        await consumer.take(1, 100)


@pytest.mark.parametrize("wrong", [{"password": "guess"}, {"user": "mallory"}])
async def test_a_client_that_is_not_let_in_says_so(guarded: Guarded, wrong: dict[str, str]) -> None:
    producer = KafkaProducer(replace(guarded.as_("scorer"), **wrong), "test")
    with pytest.raises(AccessRefused, match=r"does not let (scorer|mallory) in"):
        await producer.start()
    await producer.stop()


async def test_who_waits_for_the_log_gives_up_on_a_refusal(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "REFUSED_S", 0.5)
    heard: list[str] = []
    with pytest.raises(AccessRefused, match=r"see bank\.answers"):
        await arrival.wait_for_log(guarded.as_("scorer"), [f"{PORTFOLIO}.answers", LABELS], heard.append)
    assert len(heard) > 1
    stranger = replace(guarded.as_("scorer"), password="guess")
    with pytest.raises(AccessRefused, match="let scorer in"):
        await arrival.wait_for_log(stranger, [LABELS], heard.append)


def test_those_who_wait_say_it_too(guarded: Guarded) -> None:
    scorer, place = guarded.as_("scorer"), Place(LABELS, 0)
    with pytest.raises(AccessRefused, match=r"write bank\.labels"):
        produce_confirmed(scorer, place, None, b"x")
    with pytest.raises(AccessRefused, match="write audit"):
        append(scorer, "audit", None, b"x")
    with pytest.raises(AccessRefused, match="read audit"):
        read_whole(scorer, "audit")
    with KafkaLook(scorer) as look, pytest.raises(AccessRefused):
        look.places([f"{PORTFOLIO}.answers"])


def test_a_right_too_much_or_missing_is_a_fault_that_its_command_mends(guarded: Guarded) -> None:
    operator = guarded.server.address
    assert compare_access(operator, [PORTFOLIO]) == []
    extra = grant_of(Right("scorer", "write", "topic", "audit"))
    less = grant_of(Right("scorer", "read", "topic", LABELS))
    grant(operator, extra)
    revoke(operator, less)
    faults = {fault.kind: fault for fault in compare_access(operator, [PORTFOLIO])}
    assert faults["extra"].grant == extra
    assert faults["missing"].grant == less

    for fault in faults.values():
        assert main(shlex.split(fault.fix)[3:]) == 0
    assert compare_access(operator, [PORTFOLIO]) == []


def test_users_of_an_older_data_dir_are_made_by_the_brokers_own_sign_in(guarded: Guarded) -> None:
    operator = guarded.server.address
    renewed = replace(guarded.as_("monitor"), password="renewed")
    with pytest.raises(AccessRefused):
        asyncio.run(_sign_in(renewed))
    make_users(operator, {"monitor": "renewed"}, sasl_mechanism="PLAIN")
    asyncio.run(_sign_in(renewed))
    make_users(operator, {"monitor": guarded.secrets.read("kafka", "monitor")}, sasl_mechanism="PLAIN")
    assert operator.user == OPERATOR


async def _sign_in(kafka: KafkaAddress) -> None:
    producer = KafkaProducer(kafka, "test")
    try:
        await producer.start()
    finally:
        await producer.stop()
