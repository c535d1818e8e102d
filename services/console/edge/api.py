"""`/api/v1`: the typed JSON that every screen and the command line read."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec
from fastapi import Response
from fastapi.responses import StreamingResponse

from services.console.core.people import NewPassword, NewUser, UserList, shown
from services.console.core.recent import TailFilter
from services.console.core.refusal import Refused
from services.console.core.views import Verdict
from shared.runtime.clock import Clock
from shared.stores.audit_writer import Audit, Result

from .accounts import Accounts
from .broadcaster import Broadcaster
from .desk import Desk
from .door import JSON, Call, Door
from .uploads import Uploads

T = TypeVar("T")


class Api:
    """One method per call; each is a row of the table in `wiring`."""

    def __init__(
        self,
        desk: Desk,
        uploads: Uploads,
        broadcaster: Broadcaster,
        accounts: Accounts,
        audit: Audit,
        door: Door,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._uploads = uploads
        self._broadcaster = broadcaster
        self._accounts = accounts
        self._audit = audit
        self._door = door
        self._clock = clock

    async def overview(self, call: Call) -> Response:
        """What happens now, and a range of what was counted."""
        word = call.request.query_params.get("range", "30m")
        return answer(await self._desk.overview(word, self._broadcaster.pulse))

    async def tail(self, call: Call) -> Response:
        """The newest decisions that a filter wants."""
        return answer(self._desk.tail(wanted(call)))

    async def decision(self, call: Call) -> Response:
        """The lineage of one decision."""
        return answer(await self._desk.decision(str(call.request.path_params["any_id"])))

    async def search(self, call: Call) -> Response:
        """What an id names."""
        return answer(await self._desk.find(call.request.query_params.get("q", "").strip()))

    async def alerts(self, _: Call) -> Response:
        """The last word on each rule."""
        return answer(self._desk.alerts())

    async def queue(self, _: Call) -> Response:
        """Cases that wait for a person."""
        return answer(await self._desk.queue())

    async def health(self, _: Call) -> Response:
        """Every service, and what is wrong."""
        return answer(self._desk.health())

    async def stream(self, call: Call) -> Response:
        """Server-sent events: a pulse a second."""
        last = call.request.headers.get("last-event-id", "")

        async def is_still_allowed() -> bool:
            return await self._door.session(call.request) is not None

        frames = await self._broadcaster.stream(int(last) if last.isdigit() else None, is_still_allowed)
        return StreamingResponse(frames, media_type="text/event-stream")

    async def claim(self, call: Call) -> Response:
        """Take a case."""
        await self._desk.claim(_tx_id(call), call.person.name)
        return Response(status_code=204)

    async def give_back(self, call: Call) -> Response:
        """Let others take it."""
        await self._desk.give_back(_tx_id(call), call.person.name)
        return Response(status_code=204)

    async def judge(self, call: Call) -> Response:
        """A verdict on a claimed case."""
        given = read(Verdict, call.body)
        await self._desk.judge(_tx_id(call), call.person.name, given.verdict, given.note, call.request_id)
        return Response(status_code=204)

    async def upload(self, call: Call) -> Response:
        """Labels in a file; 422 where no row of it was taken."""
        view = await self._uploads.take(call.body, call.person.name, call.request_id)
        return answer(view, 200 if view.accepted else 422)

    async def users(self, _: Call) -> Response:
        """Every user."""
        found = await asyncio.to_thread(self._accounts.users)
        return answer(UserList(users=[shown(user) for user in found]))

    async def add_user(self, call: Call) -> Response:
        """A new user, entered in the audit log before and after."""
        asked = read(NewUser, call.body)
        await self._enter(call, "user_add", asked.name, "intended", asked.role)
        made = await asyncio.to_thread(
            self._accounts.add, asked.name, asked.role, asked.password, self._clock.now_ms()
        )
        await self._enter(call, "user_add", asked.name, "done", asked.role)
        return answer(shown(made), 201)

    async def remove_user(self, call: Call) -> Response:
        """End a user and their sessions."""
        name = str(call.request.path_params["name"])
        await self._enter(call, "user_remove", name, "intended")
        await asyncio.to_thread(self._accounts.remove, name)
        await self._enter(call, "user_remove", name, "done")
        return Response(status_code=204)

    async def set_password(self, call: Call) -> Response:
        """Another password for a user."""
        name = str(call.request.path_params["name"])
        asked = read(NewPassword, call.body)
        await self._enter(call, "user_password", name, "intended")
        await asyncio.to_thread(self._accounts.set_password, name, asked.password)
        await self._enter(call, "user_password", name, "done")
        return Response(status_code=204)

    async def _enter(self, call: Call, action: str, subject: str, result: Result, after: str = "") -> None:
        who = call.person.name
        await asyncio.to_thread(
            self._audit.write, who, action, subject, f"asked by {who}", result, "", after, call.request_id
        )


def wanted(call: Call) -> TailFilter:
    """The filter in the query. Raises Refused (`query_value`)."""
    query = call.request.query_params
    least = query.get("score", "").strip()
    try:
        score_least = float(least) if least else None
    except ValueError as error:
        raise Refused("query_value", "score") from error
    return TailFilter(
        action=query.get("action", ""),
        reason=query.get("reason", "").strip(),
        caller=query.get("caller", ""),
        text=query.get("text", "").strip(),
        score_least=score_least,
    )


def answer(value: object, status: int = 200) -> Response:
    """``value`` as JSON."""
    return Response(msgspec.json.encode(value), status, media_type=JSON)


def read(record: type[T], body: bytes) -> T:
    """The record in a body. Raises Refused (`not_json`, `field_unknown` or what a field breaks)."""
    try:
        return msgspec.json.decode(body, type=record)
    except msgspec.ValidationError as error:
        unknown = "unknown field" in str(error)
        raise Refused("field_unknown" if unknown else "field_type") from error
    except msgspec.DecodeError as error:
        raise Refused("not_json") from error


def _tx_id(call: Call) -> str:
    return str(call.request.path_params["tx_id"])
