"""Addresses: what clients are given, and that no password is ever shown."""

from __future__ import annotations

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer

from shared.contracts.addresses import KafkaAddress, RedisAddress

SIGNED_IN = KafkaAddress("h:1", "scorer", "canary", "/secrets/kafka.scorer")


def test_without_a_user_it_is_a_plain_connection() -> None:
    assert KafkaAddress("h:1,h:2").options() == {"bootstrap_servers": "h:1,h:2"}
    assert RedisAddress("unix:///r.sock").options() == {}


def test_with_a_user_both_clients_know_every_option() -> None:
    told = set(SIGNED_IN.options())
    assert told <= set(KafkaConsumer.DEFAULT_CONFIG)
    assert told <= set(AIOKafkaProducer.__init__.__code__.co_varnames)
    assert RedisAddress("unix:///r.sock", "cli", "canary").options() == {
        "username": "cli",
        "password": "canary",
    }


@pytest.mark.parametrize("address", [SIGNED_IN, RedisAddress("unix:///r.sock", "scorer", "canary")])
def test_the_password_is_never_shown(address: KafkaAddress | RedisAddress) -> None:
    assert "canary" not in f"{address} {address!r}"
    assert "scorer" in repr(address)
