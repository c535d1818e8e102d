"""Releases, each built on its predecessor, hashed and signed, and the chain that a topic of them folds to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from shared.contracts.codec import DecodeError, decode, encode
from shared.contracts.ids import content_hash
from shared.contracts.models import Policy, Release, ReleaseContent

from .decide import check_policy

Verify = Callable[[str, bytes, str], bool]
"""(key id, message, signature in hex) -> whether a trusted key of that id signed the message."""


class Signer(Protocol):
    """Signs with one key; its id stands in the release."""

    @property
    def key_id(self) -> str:
        """Which key signs."""

    def sign(self, message: bytes) -> str:
        """The signature in hex."""


def release_hash(release: Release) -> str:
    """blake2b-256 (hex) over the entry's canonical bytes with ``hash`` and ``signature`` empty."""
    return content_hash(encode(replace(release, hash="", signature="")))


def first_content(
    portfolio: str, feature_set: str, layout: str, policy: Policy, rates_ppm: dict[str, int], split_salt: str
) -> ReleaseContent:
    """What decides without a model: the policy alone. ``feature_set`` and ``layout`` are hashes."""
    return ReleaseContent(
        portfolio=portfolio,
        feature_set=feature_set,
        layout=layout,
        champion=None,
        challengers=[],
        shadows=[],
        rules=[],
        lists=[],
        policy=policy,
        rates_ppm=rates_ppm,
        split_salt=split_salt,
    )


def next_release(
    content: ReleaseContent,
    previous: Release | None,
    at_ms: int,
    by: str,
    reason: str,
    request_id: str,
    signer: Signer,
) -> Release:
    """The entry that follows ``previous`` (``None``: the first of its chain), hashed and signed.

    Its time is never before its predecessor's, so that time order is chain order. Raises ValueError
    for a policy that contradicts itself or another portfolio than the chain's, DecodeError for a field
    outside its bounds.
    """
    check_policy(content.policy)
    if previous is not None and content.portfolio != previous.content.portfolio:
        raise ValueError("a release belongs to its chain's portfolio")
    draft = Release(
        v=1,
        seq=1 if previous is None else previous.seq + 1,
        at_ms=at_ms if previous is None else max(at_ms, previous.at_ms),
        by=by,
        reason=reason,
        content=replace(content, rates_ppm=dict(sorted(content.rates_ppm.items()))),
        prev_hash="" if previous is None else previous.hash,
        hash="",
        signer=signer.key_id,
        signature="",
        request_id=request_id,
    )
    digest = release_hash(draft)
    return decode(Release, encode(replace(draft, hash=digest, signature=signer.sign(digest.encode()))))


def refusal(release: Release, head: Release | None, verify: Verify) -> str | None:
    """Why ``release`` cannot follow ``head``: a reason code, or ``None`` if it can.

    ``release_conflict``: its place is taken or not reached yet. ``artefact_hash``: its bytes are not what
    its hash says. ``artefact_signature``: no trusted key signed it.
    """
    if release_hash(release) != release.hash:
        return "artefact_hash"
    if not verify(release.signer, release.hash.encode(), release.signature):
        return "artefact_signature"
    if head is None:
        return None if (release.seq, release.prev_hash) == (1, "") else "release_conflict"
    follows = (release.seq, release.prev_hash) == (head.seq + 1, head.hash)
    same = release.content.portfolio == head.content.portfolio
    return None if follows and same and release.at_ms >= head.at_ms else "release_conflict"


@dataclass(frozen=True, slots=True)
class Void:
    """A record that decides nothing: its position in the fold, why, and whose request it was ("" unknown)."""

    position: int
    reason: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """The folded chain; ``history[i]`` has seq i + 1; ``voids`` lists every record that lost or is broken."""

    history: tuple[Release, ...] = ()
    voids: tuple[Void, ...] = ()

    @property
    def head(self) -> Release | None:
        """The release in force, ``None`` before the first."""
        return self.history[-1] if self.history else None

    @property
    def position(self) -> int:
        """How many records were folded."""
        return len(self.history) + len(self.voids)

    def extend(self, entries: Iterable[bytes], verify: Verify) -> Chain:
        """This chain and the records after it, in topic order.

        The first sound record with the next seq and the head's hash takes the place; everybody else's
        record for that place is void. Folding in parts gives the same chain as folding at once.
        """
        history, voids = list(self.history), list(self.voids)
        for raw in entries:
            outcome = _judge(raw, history[-1] if history else None, len(history) + len(voids), verify)
            if isinstance(outcome, Void):
                voids.append(outcome)
            else:
                history.append(outcome)
        return Chain(tuple(history), tuple(voids))

    def at(self, seq: int) -> Release | None:
        """The release of that number, ``None`` if there is none."""
        return self.history[seq - 1] if 1 <= seq <= len(self.history) else None

    def at_time(self, at_ms: int) -> Release | None:
        """The release in force at that time: the last one made at or before it."""
        return self.at(bisect_right(self.history, at_ms, key=lambda release: release.at_ms))

    def of_request(self, request_id: str) -> Release | Void | None:
        """What became of a writer's request: its release, else its void record, ``None`` if not seen."""
        won = (release for release in self.history if release.request_id == request_id)
        lost = (void for void in self.voids if void.request_id == request_id)
        return next(won, None) or next(lost, None)


def fold(entries: Iterable[bytes], verify: Verify) -> Chain:
    """The chain that the topic's records, from its first, amount to; see `Chain.extend`."""
    return Chain().extend(entries, verify)


def _judge(raw: bytes, head: Release | None, position: int, verify: Verify) -> Release | Void:
    try:
        release = decode(Release, raw)
    except DecodeError as error:
        return Void(position, error.code)
    reason = refusal(release, head, verify)
    return release if reason is None else Void(position, reason, release.request_id)


def verify_chain(history: Iterable[Release], verify: Verify) -> None:
    """Raises ValueError naming the first release that does not follow the one before it."""
    head: Release | None = None
    for release in history:
        if reason := refusal(release, head, verify):
            raise ValueError(f"release {release.seq}: {reason}")
        head = release
