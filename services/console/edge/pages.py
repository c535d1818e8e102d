"""The screens. Each shows what a call of the API says; what changes by the second is a piece of its page."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import quote

import msgspec
from fastapi import Response
from fastapi.responses import RedirectResponse

from services.console.core.counted import RANGES
from services.console.core.label_rows import COLUMNS, ROWS_MOST
from services.console.core.refusal import Refused
from shared.contracts.decisions import ACTIONS
from shared.contracts.faults import fault
from shared.runtime.clock import Clock

from .accounts import Accounts
from .api import wanted
from .broadcaster import Broadcaster
from .desk import Desk
from .door import Call, Door
from .rendering import Rendering
from .uploads import Uploads

REFUSALS_SHOWN: Final = 200


class Pages:
    """One method per screen or piece; each is a row of the table in `wiring`."""

    def __init__(
        self,
        desk: Desk,
        uploads: Uploads,
        broadcaster: Broadcaster,
        accounts: Accounts,
        rendering: Rendering,
        door: Door,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._uploads = uploads
        self._broadcaster = broadcaster
        self._accounts = accounts
        self._rendering = rendering
        self._door = door
        self._clock = clock

    async def file(self, call: Call) -> Response:
        """A static file. Raises Refused (`not_found`)."""
        found = self._rendering.file(str(call.request.path_params["name"]))
        if found is None:
            raise Refused("not_found")
        return found

    async def ask_sign_in(self, call: Call) -> Response:
        """The form; who is signed in already goes on."""
        if call.who is not None:
            return RedirectResponse("/", 303)
        return self._sign_in_page(call.request.query_params.get("next", "/"), 200)

    async def sign_in(self, call: Call) -> Response:
        """Name and password to a session; a refusal shows the form again."""
        back = call.form.get("next", "/")
        old = call.request.cookies.get(self._door.cookie, "")
        name, password = call.form.get("name", ""), call.form.get("password", "")
        try:
            token = await asyncio.to_thread(
                self._accounts.sign_in, name.strip(), password, self._clock.now_ms(), old
            )
        except Refused as refused:
            response = self._sign_in_page(back, refused.status, fault=fault(refused, call.request_id))
            if refused.retry_after_s is not None:
                response.headers["retry-after"] = str(refused.retry_after_s)
            return response
        response = RedirectResponse(_within(back), 303)
        self._door.give_cookie(response, token)
        return response

    async def sign_out(self, call: Call) -> Response:
        """End the session."""
        token = call.request.cookies.get(self._door.cookie, "")
        await asyncio.to_thread(self._accounts.sign_out, token)
        response = RedirectResponse("/sign-in", 303)
        self._door.take_cookie(response)
        return response

    async def overview(self, call: Call) -> Response:
        """What happens now."""
        word = call.request.query_params.get("range", "30m")
        view = await self._desk.overview(word, self._broadcaster.pulse)
        if call.is_partial:
            return self._rendering.piece("overview_piece.html", view=view)
        return self._page(call, "overview.html", "overview", view=view, ranges=list(RANGES))

    async def tail(self, call: Call) -> Response:
        """Decisions as they come."""
        asked = wanted(call)
        view = self._desk.tail(asked)
        if call.is_partial:
            return self._rendering.piece("tail_piece.html", view=view)
        return self._page(call, "tail.html", "tail", view=view, asked=asked, actions=ACTIONS)

    async def decision(self, call: Call) -> Response:
        """One decision and what it was made of."""
        view = await self._desk.decision(str(call.request.path_params["any_id"]))
        return self._page(call, "decision.html", "tail", view=view)

    async def search(self, call: Call) -> Response:
        """Straight to what an id names; else a page that says what was looked through."""
        text = call.request.query_params.get("q", "").strip()
        try:
            found = await self._desk.find(text)
        except Refused as refused:
            if refused.code != "decision_unknown":
                raise
            return self._page(call, "search.html", "", 404, text=text, rows=[])
        if found.tx_id is not None:
            return RedirectResponse(f"/decisions/{quote(found.tx_id, safe='')}", 303)
        return self._page(call, "search.html", "", text=text, rows=found.rows)

    async def alerts(self, call: Call) -> Response:
        """Rules that fire, and that fired."""
        view = self._desk.alerts()
        if call.is_partial:
            return self._rendering.piece("alerts_piece.html", view=view, now_ms=self._clock.now_ms())
        return self._page(call, "alerts.html", "alerts", view=view, now_ms=self._clock.now_ms())

    async def queue(self, call: Call) -> Response:
        """Cases that wait for a person."""
        view = await self._desk.queue()
        if call.is_partial:
            return self._rendering.piece("queue_piece.html", view=view, who=call.person)
        return self._page(call, "queue.html", "queue", view=view)

    async def act(self, call: Call) -> Response:
        """Claim, give back or judge a case, then the queue as it is now. Raises Refused."""
        tx_id, act = str(call.request.path_params["tx_id"]), call.form.get("act", "")
        who = call.person
        if act == "claim":
            await self._desk.claim(tx_id, who.name)
        elif act == "give_back":
            await self._desk.give_back(tx_id, who.name)
        else:
            await self._desk.judge(tx_id, who.name, act, call.form.get("note", ""), call.request_id)
        return await self.queue(call) if call.is_partial else RedirectResponse("/queue", 303)

    async def labels(self, call: Call) -> Response:
        """The form for a file of labels."""
        return self._labels_page(call, 200)

    async def upload(self, call: Call) -> Response:
        """What became of each row; a file that cannot be read stands in the form again."""
        given = call.form.get("rows", "")
        try:
            view = await self._uploads.take(given.encode(), call.person.name, call.request_id)
        except Refused as refused:
            told = fault(refused, call.request_id)
            return self._labels_page(call, refused.status, fault=told, given=given)
        return self._labels_page(call, 200, view=view, given=given if view.refused else "")

    def _labels_page(
        self, call: Call, status: int, view: object = None, fault: object = None, given: str = ""
    ) -> Response:
        values = {"view": view, "fault": fault, "given": given, "shown": REFUSALS_SHOWN}
        return self._page(
            call, "labels.html", "labels", status, columns=COLUMNS, rows_most=ROWS_MOST, **values
        )

    def _sign_in_page(self, back: str, status: int, fault: object = None) -> Response:
        return self._rendering.page("sign_in.html", None, status, back=_within(back), fault=fault)

    def _page(self, call: Call, template: str, here: str, status: int = 200, **values: object) -> Response:
        pulse = self._broadcaster.pulse
        return self._rendering.page(
            template,
            call.person,
            status,
            here=here,
            pulse=pulse,
            first=msgspec.json.encode(pulse).decode(),
            **values,
        )


def _within(path: str) -> str:
    """``path`` if it is one of this console, else the overview: a link must lead nobody elsewhere."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours and "\\" not in path else "/"
