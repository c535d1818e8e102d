"""The console's tables on either database: users, sessions, claims; and the monitor's as it reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import URL

from services.console.core.counted import CountedMinute, TimedMinute
from services.console.core.people import FREE_FAILURES
from services.console.core.refusal import Refused
from services.console.core.sessions import Limits
from services.console.edge.accounts import Accounts
from services.console.edge.case_book import CaseBook
from services.console.edge.database import METADATA
from services.console.edge.monitor_tables import MonitorTables
from shared.contracts.bounds import EVENT_TIME_MAX_MS
from shared.stores.database import Database
from shared.stores.monitor_tables import DEAD_LETTERS, DECISIONS, TIMES
from shared.stores.monitor_tables import METADATA as MONITOR_METADATA
from tests.support.console_house import ConsoleHouse

NOW_MS = 1_760_000_000_000
MINUTE_MS = 60_000
PASSWORD = "a long way to walk"
LIMITS = Limits(idle_ms=30 * MINUTE_MS, absolute_ms=12 * 60 * MINUTE_MS)
NOT_A_NAME = "om\0ar"
"""What PostgreSQL refuses as text."""


@pytest.fixture
def database(database_url: URL) -> Iterator[Database]:
    made = Database.open(database_url, METADATA)
    yield made
    made.close()


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database, LIMITS)


@pytest.fixture
def book(database: Database) -> CaseBook:
    return CaseBook(database)


def told(call: Callable[[], object]) -> str:
    """ "done", or the code of the refusal."""
    try:
        call()
    except Refused as refused:
        return refused.code
    return "done"


def test_a_user_is_kept_changed_and_removed(accounts: Accounts) -> None:
    made = accounts.add("omar", "operator", PASSWORD, NOW_MS)
    accounts.add("ada", "admin", PASSWORD, NOW_MS)
    assert [user.name for user in accounts.users()] == ["ada", "omar"]
    assert accounts.users()[1] == made
    token = accounts.sign_in("omar", PASSWORD, NOW_MS)
    accounts.set_password("omar", PASSWORD + "!")
    assert accounts.signed_in(token, NOW_MS) is None
    assert told(lambda: accounts.sign_in("omar", PASSWORD, NOW_MS)) == "sign_in_failed"
    accounts.remove("omar")
    assert told(lambda: accounts.remove("omar")) == "user_unknown"
    assert told(lambda: accounts.remove("ada")) == "user_last_admin"


def test_a_session_is_used_and_ends(accounts: Accounts) -> None:
    accounts.add("omar", "operator", PASSWORD, NOW_MS)
    first = accounts.sign_in("omar", PASSWORD, NOW_MS)
    token = accounts.sign_in("omar", PASSWORD, NOW_MS, first)
    assert accounts.signed_in(first, NOW_MS) is None
    later_ms = NOW_MS + LIMITS.idle_ms - 1
    who = accounts.signed_in(token, later_ms)
    assert who is not None
    assert (who.name, who.role) == ("omar", "operator")
    assert accounts.signed_in(token, later_ms + LIMITS.idle_ms - 1) is not None
    assert accounts.signed_in(token, later_ms + 2 * LIMITS.idle_ms) is None
    again = accounts.sign_in("omar", PASSWORD, NOW_MS)
    accounts.sign_out(again)
    assert accounts.signed_in(again, NOW_MS) is None


def test_a_name_that_nobody_can_have_is_an_unknown_one(accounts: Accounts) -> None:
    assert told(lambda: accounts.sign_in(NOT_A_NAME, PASSWORD, NOW_MS)) == "sign_in_failed"
    assert told(lambda: accounts.set_password(NOT_A_NAME, PASSWORD)) == "user_unknown"
    assert told(lambda: accounts.remove(NOT_A_NAME)) == "user_unknown"
    assert told(lambda: accounts.add(NOT_A_NAME, "viewer", PASSWORD, NOW_MS)) == "user_name"


def test_many_tries_at_once_are_no_way_around_the_waiting(accounts: Accounts) -> None:
    accounts.add("omar", "operator", PASSWORD, NOW_MS)
    with ThreadPoolExecutor(4) as pool:
        codes = list(
            pool.map(lambda _: told(lambda: accounts.sign_in("omar", "wrong", NOW_MS + 1)), range(12))
        )
    # One after the other it would be the same: the first that is one too many makes all others wait.
    assert codes.count("sign_in_failed") == FREE_FAILURES + 1
    assert codes.count("sign_in_wait") == 12 - FREE_FAILURES - 1


def test_of_two_admins_who_remove_each_other_one_stays(accounts: Accounts) -> None:
    for name in ("ada", "eve"):
        accounts.add(name, "admin", PASSWORD, NOW_MS)
    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(lambda name: told(lambda: accounts.remove(name)), ("ada", "eve")))
    assert sorted(codes) == ["done", "user_last_admin"]


def test_a_user_whom_two_make_at_once_is_made_once(accounts: Accounts) -> None:
    with ThreadPoolExecutor(4) as pool:
        codes = list(
            pool.map(lambda _: told(lambda: accounts.add("omar", "viewer", PASSWORD, NOW_MS)), range(4))
        )
    assert sorted(codes) == ["done", "user_exists", "user_exists", "user_exists"]


def test_a_case_is_claimed_given_back_and_decided(book: CaseBook) -> None:
    book.claim("t1", "omar", NOW_MS)
    book.claim("t1", "omar", NOW_MS + 1)
    assert told(lambda: book.give_back("t1", "vera")) == "case_unclaimed"
    book.give_back("t1", "omar")
    assert book.claims(0) == {}
    assert book.claim_of("t1") is None
    book.claim("t1", "vera", NOW_MS)
    assert told(lambda: book.require("t1", "omar")) == "case_claimed"
    book.require("t1", "vera")
    book.decide("t1", "vera", "fraud", NOW_MS + 2)
    assert book.decided() == 1
    claim = book.claims(NOW_MS)["t1"]
    assert book.claim_of("t1") == claim
    assert book.claims(NOW_MS + 1) == {}
    assert (claim.claimed_by, claim.verdict, claim.decided_at_ms) == ("vera", "fraud", NOW_MS + 2)
    assert told(lambda: book.claim("t1", "omar", NOW_MS)) == "case_decided"


def test_an_id_that_no_payment_can_have_is_nobodys_case(book: CaseBook) -> None:
    assert told(lambda: book.give_back("t\0", "omar")) == "case_unclaimed"


def test_of_many_who_claim_a_case_one_has_it(book: CaseBook) -> None:
    names = [f"person{number}" for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda name: told(lambda: book.claim("t1", name, NOW_MS)), names))
    assert sorted(codes) == ["case_claimed"] * 7 + ["done"]


def test_the_monitors_tables_are_read_once_there_are_some(database_url: URL) -> None:
    tables = MonitorTables(database_url)
    assert tables.counted(NOW_MS, NOW_MS + MINUTE_MS) is None
    monitor = Database.open(database_url, MONITOR_METADATA)
    decisions = {
        "action": "approve",
        "currency": "EUR",
        "gateway": "",
        "model": "m",
        "state_quality": "exact",
    }
    with monitor.writing() as sql:
        for caller, amount in (("pos", 9 * 10**18), ("web", 7)):
            row = {
                "minute_ms": NOW_MS,
                "caller": caller,
                "release_seq": 1,
                "count": 1,
                "amount_minor": amount,
            }
            sql.execute(DECISIONS.insert().values(**decisions, **row))
        times = {"minute_ms": NOW_MS, "stage": "end_to_end", "bin": 3, "count": 2, "total": 5}
        sql.execute(TIMES.insert().values(**times))
        letter = {"minute_ms": NOW_MS, "topic": "t", "reason": "not_json", "service": "scorer", "count": 4}
        sql.execute(DEAD_LETTERS.insert().values(**letter))
    counted = tables.counted(NOW_MS, NOW_MS + MINUTE_MS)
    assert counted is not None
    assert counted.decisions == [
        CountedMinute(
            minute_ms=NOW_MS, action="approve", currency="EUR", count=2, amount_minor=9 * 10**18 + 7
        )
    ]
    assert counted.times == [TimedMinute(minute_ms=NOW_MS, bin=3, count=2)]
    assert (counted.dead_letters, counted.counted_until_ms) == ({"not_json": 4}, NOW_MS)
    monitor.close()
    tables.close()


@pytest_asyncio.fixture
async def house(database_url: URL, tmp_path: Path) -> AsyncIterator[ConsoleHouse]:
    url = database_url.render_as_string(hide_password=False)
    made = ConsoleHouse(tmp_path, database=url, monitor_database=url)
    made.fill(100)
    await made.start()
    yield made
    await made.stop()


async def test_the_screens_are_the_same_over_it(house: ConsoleHouse) -> None:
    client, csrf = await house.signed_in("omar")
    async with client:
        client.headers["x-csrf-token"] = csrf
        history = (await client.get("/api/v1/overview", params={"range": "30m"})).json()["history"]
        first = (await client.get("/api/v1/queue")).json()["cases"][0]["row"]["tx_id"]
        assert (await client.post(f"/api/v1/queue/{first}/claim")).status_code == 204
        strange = await client.delete("/api/v1/queue/no%00body/claim")
        assert strange.json()["error"]["code"] == "case_unclaimed"
        assert (await client.get("/queue")).status_code == 200
    counted = house.tables.counted(0, EVENT_TIME_MAX_MS)
    assert counted is not None
    assert history["decisions"] == sum(minute.count for minute in counted.decisions) > 0
    assert history["dead_letters"] == {"not_json": 3}
