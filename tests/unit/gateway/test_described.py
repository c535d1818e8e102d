"""The API's page and the description in docs/ are those of the gateway."""

from __future__ import annotations

import json

import pytest

from services.gateway.core.operations import OPERATIONS
from services.gateway.settings import GatewaySettings
from tests.support.api_page import API, OPENAPI, filled
from tests.support.front_door import FrontDoor

SETTINGS_ON_THE_PAGE = {
    "in_flight": "128, of one key 96",
    "bulk_in_flight_bytes": "32 MB, of one key 24 MB",
    "bulk_bytes": "8 MB, 10,000 items",
    "bulk_items": "8 MB, 10,000 items",
    "request_timeout_ms": "| 10 s (",
    "connections": "| 2,000 |",
    "deadline_ms": "by default 500",
    "deadline_most_ms": "5 to 10,000",
    "answers_kept_hours": "for a day",
}
"""What the page says in figures, by the setting it comes from."""

DEFAULTS = {
    "in_flight": 128,
    "bulk_in_flight_bytes": 32 * 2**20,
    "bulk_bytes": 8 * 2**20,
    "bulk_items": 10_000,
    "request_timeout_ms": 10_000,
    "connections": 2_000,
    "deadline_ms": 500,
    "deadline_most_ms": 10_000,
    "answers_kept_hours": 24,
}
"""The same in the settings' units, written out on purpose: a default that moves must move the page."""


async def test_the_description_in_docs_is_the_one_that_is_served(door: FrontDoor) -> None:
    async with door.client(await door.key("read")) as client:
        served = await client.get("/v1/openapi.json")

    assert OPENAPI.read_text().rstrip("\n") == served.text, "run `make docs`"
    assert json.loads(served.text)["openapi"].startswith("3.1")


def test_the_page_has_every_call_and_every_refusal() -> None:
    page = API.read_text()

    assert page == filled(page), "run `make docs`"
    assert all(f"`{o.method} {o.path}" in page for o in OPERATIONS)
    assert all(f"| `{code}` |" in page for o in OPERATIONS for code in o.refusals)


def test_a_page_that_lost_a_made_part_is_seen() -> None:
    with pytest.raises(AssertionError, match="0 places for `errors`"):
        filled(API.read_text().replace("<!-- made: errors -->", ""))


def test_figures_on_the_page_are_the_defaults() -> None:
    page = API.read_text()
    fields = GatewaySettings.model_fields
    assert {name: fields[name].default for name in DEFAULTS} == DEFAULTS
    assert {name: text for name, text in SETTINGS_ON_THE_PAGE.items() if text not in page} == {}
