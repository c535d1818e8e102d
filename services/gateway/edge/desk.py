"""One payment from its claim to the answer that stands."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from services.gateway.core import answers
from services.gateway.core.answers import Given
from services.gateway.core.keys import ApiKey
from services.gateway.core.rates import MICROS, rate
from services.gateway.core.refusal import Refused
from services.gateway.core.trace import Trace
from shared.bus.loader import Partitions
from shared.bus.ports import LogAway, Outgoing, Place
from shared.contracts.codec import encode
from shared.contracts.decisions import Action, Decision
from shared.contracts.ids import input_hash
from shared.contracts.models import Release
from shared.contracts.payments import Transaction
from shared.runtime.clock import Clock
from shared.runtime.crash_points import CrashPoints

from .feed import Arrivals
from .once import Claim, Once, OtherBody
from .outbox import Outbox
from .publisher import Publisher

AGAIN_S = 1.0


class Policies:
    """What the release in charge says to do at a deadline."""

    def __init__(self) -> None:
        self.seq = 0
        self._interim: Action | None = None

    async def on_release(self, release: Release) -> None:
        """A release takes over."""
        self.seq, self._interim = release.seq, release.content.policy.interim_action

    def require(self) -> Action:
        """The interim action. Raises Refused where no release is in charge."""
        if self._interim is None:
            raise Refused("no_release", retry_after_s=AGAIN_S)
        return self._interim


class Feed(Protocol):
    """What brings decisions back."""

    @property
    def is_ready(self) -> bool:
        """Whether a decision that is made now would be seen."""
        ...


@dataclass(frozen=True, slots=True)
class DeskParts:
    """What the desk works with."""

    once: Once
    publisher: Publisher
    feed: Feed
    arrivals: Arrivals
    outbox: Outbox
    policies: Policies
    partitions: Partitions
    topic: str
    gateway: str
    clock: Clock
    crash: CrashPoints


class Desk:
    """Answers each payment once. What it raises promised nothing."""

    def __init__(self, parts: DeskParts) -> None:
        self._parts = parts

    async def decide(self, payment: Transaction, key: ApiKey, deadline_s: float, trace: Trace) -> Given:
        """The answer that stands. Kafka has until ``deadline_s`` from now; what Redis takes comes on top.

        Raises Refused, RedisAway, LogAway.
        """
        until = asyncio.get_running_loop().time() + deadline_s
        raw = encode(payment)
        body_hash = input_hash(raw)
        try:
            self._look()
        except (LogAway, Refused):
            # What was answered stands, whatever is away now.
            if standing := await self._standing(payment.tx_id, body_hash):
                return standing
            raise
        standing = await self._claimed(payment.tx_id, body_hash, key)
        if standing is not None:
            return standing
        given = await self._decided(payment, raw, body_hash.hex(), until, trace)
        return await self._settled(given, payment, body_hash, trace)

    async def answered(self, tx_id: str) -> bytes | None:
        """What stands for a payment, as `Once.answered` says. Raises RedisAway."""
        return await self._parts.once.answered(tx_id)

    def late(self, tx_id: str) -> Decision | None:
        """A decision that came after its deadline, if it was one of the newest."""
        return self._parts.arrivals.late(tx_id)

    def _look(self) -> None:
        """Refuse, before anything is claimed, what could not be answered. Raises Refused."""
        parts = self._parts
        if parts.publisher.is_away or not parts.feed.is_ready:
            raise LogAway("Kafka does not answer")
        parts.policies.require()

    async def _standing(self, tx_id: str, body_hash: bytes) -> Given | None:
        """The answer to this body, None where there is none; nothing is claimed."""
        return _answer(await self._parts.once.look(tx_id, body_hash))

    async def _claimed(self, tx_id: str, body_hash: bytes, key: ApiKey) -> Given | None:
        """The answer that stands already, None where there is none yet."""
        claim = await self._parts.once.claim(tx_id, body_hash, key.key_id, rate(key.rate_per_s, key.burst))
        self._parts.crash.reach("after_claim")
        if claim.state == "limited":
            raise Refused("rate_limited", retry_after_s=claim.wait_us / MICROS)
        return _answer(claim)

    async def _decided(
        self, payment: Transaction, raw: bytes, input_hash: str, until: float, trace: Trace
    ) -> Given:
        """The decision, or at the deadline the interim action of a payment that Kafka has."""
        parts = self._parts
        account = payment.account_id.encode()
        record = Outgoing(account, raw, trace.kafka_headers())
        place = Place(parts.topic, parts.partitions[account])
        is_accepted = False
        with parts.arrivals.waiting(payment.tx_id, input_hash) as decision:
            try:
                async with asyncio.timeout_at(until):
                    await parts.publisher.publish(place, [record])
                    is_accepted = True
                    parts.crash.reach("after_accept")
                    return answers.final(await decision, parts.clock.now_ms())
            except TimeoutError:
                if decision.done() and not decision.cancelled():
                    # It came before Kafka's confirmation, or in the very turn of the deadline.
                    return answers.final(decision.result(), parts.clock.now_ms())
                if not is_accepted:
                    raise LogAway("not confirmed by the deadline") from None
        parts.arrivals.keep_late(payment.tx_id)
        return answers.interim(payment.tx_id, parts.policies.require(), parts.clock.now_ms())

    async def _settled(self, given: Given, payment: Transaction, body_hash: bytes, trace: Trace) -> Given:
        """The answer that stands: this one, unless another gateway was first."""
        parts = self._parts
        own = answers.written(given)
        record = encode(answers.record(given, payment.account_id, body_hash, parts.gateway, trace.request_id))
        try:
            standing = await parts.once.answer(payment.tx_id, body_hash, own, record)
        except OtherBody:
            raise Refused("tx_conflict", "tx_id") from None
        parts.crash.reach("after_answer")
        if standing is None:
            parts.outbox.give(payment.tx_id, payment.account_id, record)
            return given
        return answers.read_given(standing)


def _answer(claim: Claim) -> Given | None:
    """The answer that stands, None where there is none yet. Raises Refused for another body."""
    if claim.state == "other":
        raise Refused("tx_conflict", "tx_id")
    return answers.read_given(claim.answer) if claim.state == "answered" else None
