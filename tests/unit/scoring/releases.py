"""A signer that needs no keys, and releases made with it."""

from __future__ import annotations

from hashlib import blake2b

from shared.contracts.models import ModelRef, Policy, Release, ReleaseContent
from shared.scoring.release import next_release


class PlainSigner:
    """ "Signs" with a hash that anybody could make; enough to tell signed from not."""

    key_id = "test"

    def sign(self, message: bytes) -> str:
        return blake2b(message, digest_size=64, key=b"test").hexdigest()


def verify(signer: str, message: bytes, signature: str) -> bool:
    """The check that fits `PlainSigner`."""
    return signer == PlainSigner.key_id and signature == PlainSigner().sign(message)


def content(portfolio: str = "bank", model: str | None = None) -> ReleaseContent:
    """What decides, with the given champion."""
    champion = None if model is None else ModelRef(name=model, version="1", artefact="a" * 64)
    return ReleaseContent(
        portfolio=portfolio,
        feature_set="f",
        layout="l",
        champion=champion,
        challengers=[],
        shadows=[],
        rules=[],
        lists=[],
        policy=Policy(),
        rates_ppm={"USD": 900_000, "EUR": 1_000_000},
        split_salt="",
    )


def after(previous: Release | None, request_id: str, at_ms: int = 1_600_000_000_000, **what: str) -> Release:
    """A sound release that follows ``previous``."""
    return next_release(content(**what), previous, at_ms, "ann", "because", request_id, PlainSigner())
