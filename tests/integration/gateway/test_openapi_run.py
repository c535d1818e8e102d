"""schemathesis over the described API: what it makes of the description is sent to the running gateway."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from services.gateway.core.keys import ACTIONS, ApiKey
from services.gateway.core.new_key import NewKey, make
from services.gateway.core.openapi import describe_api
from services.gateway.core.rates import rate
from services.gateway.edge import strangers
from services.gateway.edge.app import VERSION
from tests.support.front_door import NOW_MS, FrontDoor

BEYOND_SCHEMA: Final = {
    "field_charset": "an id is in normal form and of visible characters",
    "card_number": "a text may be a card's number",
    "id_numeric": "so may an id",
    "field_forbidden": "a free name may be that of a card's secret",
    "idempotency_key": "header and body name one payment",
    "field_missing": "one of the two names it",
    "caller_forbidden": "the body's caller is the key's",
    "tx_conflict": "an id has one body",
    "field_type": "JSON Schema takes 17.0 for a whole number, the contract does not",
    "not_json": "lines are text to the description, and a lone surrogate is no text",
    "empty_body": "so may lines be blank",
    "key_absent": "an id of a key that was never made",
    "decision_unknown": "an id of a payment that never came",
}.keys()
"""Rules that the description tells in words alone."""


Case = schemathesis.Case[Any]
DRAWN: Final = bytes(range(38))
SCHEMA: Final = schemathesis.openapi.from_dict(json.loads(describe_api(VERSION)))


def everything() -> tuple[ApiKey, str]:
    """A key that may do everything: as it is kept, and as its owner keeps it."""
    asked = NewKey(name="all", actions=list(ACTIONS), rate_per_s=1e6, burst=1_000_000)
    kept, told = make(asked, "bank", NOW_MS, DRAWN)
    assert told.key is not None
    return kept, told.key


@SCHEMA.auth()
class Signed:
    """Signs each request; where a check takes the signature away again, the gateway must see it."""

    def get(self, case: Case, ctx: object) -> str:
        """The key."""
        return everything()[1]

    def set(self, case: Case, data: str, ctx: object) -> None:
        """Into its header."""
        case.headers["Authorization"] = f"Bearer {data}"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a gateway listens that runs in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    folder = tmp_path_factory.mktemp("door")

    async def start() -> FrontDoor:
        door = FrontDoor(folder)
        await door.start()
        await door.book.add(everything()[0])
        return door

    with pytest.MonkeyPatch.context() as patch:
        # Hundreds of requests go out with a bad key on purpose, all of them from one address.
        patch.setattr(strangers, "TRIES", rate(1e6, 1_000_000))
        door = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
        yield door.url
        asyncio.run_coroutine_threadsafe(door.stop(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@schemathesis.serializer("application/x-ndjson")
def as_it_is(ctx: object, value: object) -> bytes:
    """Lines are a text in the description."""
    return str(value).encode()


@SCHEMA.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # two cores, shared
def test_the_api_is_as_it_is_described(case: Case, url: str) -> None:
    # That valid data are taken is looked at below: some rules no JSON Schema can say.
    response = case.call_and_validate(base_url=url, excluded_checks=[positive_data_acceptance])
    if case.meta is not None and case.meta.generation.mode.is_positive and 400 <= response.status_code < 500:
        assert codes_of(response.json()) <= BEYOND_SCHEMA, response.text


def codes_of(body: Any) -> set[str]:
    """The reason codes in an answer: of the request, or of its items."""
    if "error" in body:
        return {body["error"]["code"]}
    return {item["code"] for item in body["refused"]}
