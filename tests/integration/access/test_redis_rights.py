"""Redis users: what each may do on its keys works, every other command and key is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import redis
from redis.exceptions import AuthenticationError, NoPermissionError

from infra.local.redis import RedisServer
from infra.local.redis_access import USERS
from infra.local.secrets import Secrets
from services.gateway.core.rates import Rate
from services.gateway.edge.once_redis import RedisOnce
from shared.contracts.access import OPERATOR
from shared.features.trimming import Base
from shared.stores.timeline_admin import TimelineAdmin
from shared.stores.timeline_keys import entity_key
from shared.stores.timeline_port import AppendCall, CapturedEnd
from shared.stores.timeline_rebuild import rebuild
from shared.stores.timeline_redis import RedisTimelines
from shared.stores.timeline_usage import look
from tests.integration.access.conftest import PORTFOLIO

RECORD_BYTES = 40
LAYOUT = "layout-a"
NAMES = [user.name for user in USERS]
OWN = {"scorer": "{bank:0}:x", "cli": "{bank:0}:x", "gateway": "gateway:x"}
FOREIGN = ("x", "{other:0}:x", "{bank:1}:x", "gateway", "{bank:0}:x", "gateway:x")
FORBIDDEN = (
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("CONFIG", "GET", "*"),
    ("CONFIG", "SET", "maxmemory", "1"),
    ("KEYS", "*"),
    ("DEBUG", "SLEEP", "0"),
    ("SHUTDOWN", "NOSAVE"),
    ("ACL", "LIST"),
    ("ACL", "SETUSER", "mallory", "on"),
    ("CLIENT", "LIST"),
    ("MONITOR",),
    ("REPLICAOF", "NO", "ONE"),
    ("SAVE",),
    ("BGREWRITEAOF",),
    ("SCRIPT", "FLUSH"),
    ("RANDOMKEY",),
    ("SWAPDB", "0", "1"),
    ("PUBLISH", "c", "x"),
)


def as_(server: RedisServer, secrets: Secrets, user: str) -> redis.Redis:
    address = secrets.redis(server.url, user)
    return redis.Redis.from_url(address.url, **address.options())


@pytest.mark.parametrize("user", NAMES)
@pytest.mark.parametrize("command", FORBIDDEN, ids=" ".join)
def test_dangerous_commands_are_refused(
    guarded_redis: RedisServer, guarded_secrets: Secrets, user: str, command: tuple[str, ...]
) -> None:
    with as_(guarded_redis, guarded_secrets, user) as client, pytest.raises(NoPermissionError):
        client.execute_command(*command)


@pytest.mark.parametrize("user", NAMES)
def test_keys_of_others_are_refused(guarded_redis: RedisServer, guarded_secrets: Secrets, user: str) -> None:
    with as_(guarded_redis, guarded_secrets, user) as client:
        client.set(OWN[user], "mine")
        assert client.get(OWN[user]) == b"mine"
        for key in set(FOREIGN) - {OWN[user]}:
            with pytest.raises(NoPermissionError):
                client.set(key, "x")
            with pytest.raises(NoPermissionError):
                client.eval("return redis.call('GET', KEYS[1])", 1, key)
    with as_(guarded_redis, guarded_secrets, OPERATOR) as client:
        client.delete(OWN[user])


@pytest.mark.parametrize("user", [None, "mallory", "default"])
def test_strangers_are_not_let_in(guarded_redis: RedisServer, user: str | None) -> None:
    options = {} if user is None else {"username": user, "password": "guess"}
    with redis.Redis.from_url(guarded_redis.url, **options) as client, pytest.raises(AuthenticationError):
        client.ping()


async def test_the_scorer_and_the_cli_have_what_they_use(
    guarded_redis: RedisServer, guarded_secrets: Secrets
) -> None:
    scorer = guarded_secrets.redis(guarded_redis.url, "scorer")
    store = RedisTimelines(scorer, PORTFOLIO, RECORD_BYTES, LAYOUT)
    await store.start()
    await store.ensure_epoch()
    state = await store.recover(_no_ends(), at_least=0, held=0, lost=False)
    key = entity_key(PORTFOLIO, state.number, "card", "c")
    await store.append(AppendCall(state.number, [key], [0], [2], bytes(2 * RECORD_BYTES)))
    assert await store.trim(state.number, key, lambda base, rows: Base(1)) == 1
    assert (await store.append(AppendCall(state.number, [key], [0], [0], b""))).bases == Base(1).encode()
    await store.stop()
    assert state.number == 1

    admin = TimelineAdmin(guarded_secrets.redis(guarded_redis.url, "cli"), PORTFOLIO, RECORD_BYTES, LAYOUT)
    assert look(admin).epoch == state
    assert admin.check([]).is_whole
    assert rebuild(admin, [], 1).epoch > state.number
    admin.close()


async def _no_ends() -> AsyncIterator[CapturedEnd]:
    nothing: tuple[CapturedEnd, ...] = ()
    for end in nothing:
        yield end


async def test_the_gateway_has_what_it_uses(guarded_redis: RedisServer, guarded_secrets: Secrets) -> None:
    once = RedisOnce(guarded_secrets.redis(guarded_redis.url, "gateway"), PORTFOLIO, 60_000)
    body, free = bytes(16), Rate(1, 1_000_000)
    assert (await once.claim("t", body, "k", free)).state == "new"
    assert await once.answer("t", body, b"A", b"record") is None
    assert await once.answered("t") == b"A"
    assert await once.take("k", 3, free) == 0
    assert await once.outbox() == {"t": b"record"}
    await once.sent({"t": b"record"})
    assert await once.outbox() == {}
    await once.close()
