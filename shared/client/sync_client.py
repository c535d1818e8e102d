"""The blocking client."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from random import random
from types import TracebackType

from shared.contracts import payments

from . import reading, requests
from .answers import Answer, Key, Known, MadeKey, NewKey, Sent
from .bulk import Item, Tally, chunks, placed
from .exchange import Patience, Pause, exchange
from .failures import CallFailed
from .reading import Lost, Reply
from .requests import Request


class Client:
    """Asks one house; threads may share it. Close it, or use it in a ``with``.

    What may pass is asked again: 429, 503 and their kin, a connection that fails or breaks, an answer that
    stays out. At most ``retries`` times, never sooner than ``Retry-After``, never beyond ``timeout_ms``, and
    always the very same bytes. That is safe because the house answers a ``tx_id`` once: had the first attempt
    arrived, the second gets its answer, and the payment is decided once. Only making a key is not repeated.

        with Client("http://127.0.0.1:8700", key) as assay:
            answer = assay.decide(Transaction(tx_id="order-1", account_id="a-1", ...), deadline_ms=200)
            if answer.action == "decline":
                ...

    All calls raise: Refused (with Conflict, Unauthorised) for what is at fault in the request, Delayed
    (RateLimited, Unavailable) for what may go well later, HouseFault for what is at fault in the house.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_ms: int = 2_000,
        bulk_timeout_ms: int = 30_000,
        retries: int = 2,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """``timeout_ms`` bounds a whole call with its retries, ``bulk_timeout_ms`` each chunk of a bulk call.

        ``trust``: certificates to trust over https, the usual ones if None. Raises ValueError for a bad
        address or key.
        """
        from .transport import Blocking

        self._transport = Blocking(url, key, trust)
        self._patience = Patience(timeout_ms / 1000, retries)
        self._bulk_patience = Patience(bulk_timeout_ms / 1000, retries)

    def decide(
        self, transaction: payments.Transaction | Mapping[str, object], *, deadline_ms: int = 500
    ) -> Answer:
        """May this payment go through? Give its record, or its fields as a mapping.

        Not decided within ``deadline_ms``, the answer is the policy's interim action, and binds. Raises
        Conflict where another payment stands under the ``tx_id``; see the class for the others.

            answer = assay.decide({"tx_id": "order-1", "account_id": "a-1", "event_time_ms": now_ms,
                                   "amount_minor": 4250, "currency": "EUR"})
        """
        return reading.answer(self._ask(requests.decide(transaction, deadline_ms)))

    def decision(self, tx_id: str) -> Known | None:
        """What is known of a payment: answer and decision; None if the house has never heard of it."""
        return reading.known(self._ask(requests.decision(tx_id)))

    def send_transactions(
        self, items: Iterable[Item], *, progress: Callable[[Sent], None] | None = None
    ) -> Sent:
        """Hand over payments whose decisions are read elsewhere; returns when Kafka has confirmed them.

        Sent in chunks as ``items`` yields them; ``progress`` is told of each chunk. What is refused stands in
        the result, by its index over all ``items``. A failure carries as ``sent`` what was confirmed before.

            sent = assay.send_transactions(payments_of_the_day)
            for item in sent.refused:
                print(item.index, item.id, item.code, item.field)
        """
        return self._send("/v1/transactions", items, progress)

    def send_activities(
        self, items: Iterable[Item], *, progress: Callable[[Sent], None] | None = None
    ) -> Sent:
        """Hand over other events of accounts; as `send_transactions`."""
        return self._send("/v1/activities", items, progress)

    def send_labels(self, items: Iterable[Item], *, progress: Callable[[Sent], None] | None = None) -> Sent:
        """Hand over verdicts; as `send_transactions`. ``parked``: their payment is not known yet."""
        return self._send("/v1/labels", items, progress)

    def keys(self) -> list[Key]:
        """All keys of the house, without their secrets."""
        return reading.keys(self._ask(requests.keys()))

    def add_key(self, new: NewKey) -> MadeKey:
        """Make a key; its ``key`` is told this once. After Unavailable, `keys` tells whether it was made."""
        return reading.made_key(self._ask(requests.add_key(new)))

    def revoke_key(self, key_id: str) -> None:
        """End a key."""
        reading.revoked(self._ask(requests.revoke_key(key_id)))

    def close(self) -> None:
        """Let the connections go."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, path: str, items: Iterable[Item], progress: Callable[[Sent], None] | None) -> Sent:
        tally = Tally()
        for chunk in chunks(items):
            try:
                reply = self._ask(requests.bulk(path, chunk.body), self._bulk_patience)
                sent = placed(reading.receipt(reply), chunk)
            except CallFailed as failed:
                failed.sent = tally.sent()
                raise
            tally.add(sent)
            if progress is not None:
                progress(sent)
        return tally.sent()

    def _ask(self, request: Request, patience: Patience | None = None) -> Reply:
        steps = exchange(request, patience or self._patience, time.monotonic, random)
        heard: Reply | Lost | None = None
        while True:
            try:
                step = steps.send(heard)
            except StopIteration as done:
                settled: Reply = done.value
                return settled
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                heard = None
            else:
                heard = self._transport.hear(request, step)
