"""Releases: their hash, their place in the chain, and every way to be void."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shared.contracts.codec import DecodeError, decode, encode
from shared.contracts.models import Policy, Release
from shared.scoring.release import Chain, Void, fold, next_release, release_hash, verify_chain
from tests.unit.scoring.releases import PlainSigner, after, content, verify

T = 1_600_000_000_000
ONE = after(None, "r1", T)
TWO = after(ONE, "r2", T + 10, model="a")
THREE = after(TWO, "r3", T + 20, model="b")


def test_a_chain_starts_at_one_and_follows_by_hash() -> None:
    assert (ONE.seq, ONE.prev_hash, TWO.seq, TWO.prev_hash) == (1, "", 2, ONE.hash)
    assert release_hash(replace(ONE, hash="", signature="")) == ONE.hash
    assert decode(Release, encode(THREE)) == THREE
    verify_chain([ONE, TWO, THREE], verify)
    assert list(ONE.content.rates_ppm) == ["EUR", "USD"]


def test_the_hash_covers_every_field_but_itself_and_the_signature() -> None:
    other = {"v": 2, "seq": 9, "at_ms": T + 1, "content": content(model="x")}
    for field in Release.__struct_fields__:
        changed = replace(ONE, **{field: other.get(field, "other")})
        assert (release_hash(changed) == ONE.hash) == (field in ("hash", "signature"))


def test_fold_answers_who_was_in_force() -> None:
    chain = fold([encode(r) for r in (ONE, TWO, THREE)], verify)
    assert chain.head == THREE
    assert chain.history == (ONE, TWO, THREE)
    assert chain.voids == ()
    assert [chain.at(seq) for seq in (0, 1, 3, 4)] == [None, ONE, THREE, None]
    moments = (T - 1, T, T + 9, T + 10, T + 999)
    assert [chain.at_time(ms) for ms in moments] == [None, ONE, ONE, TWO, THREE]
    assert fold([], verify) == Chain()
    assert Chain().head is None


def test_the_first_record_for_a_place_wins_and_losers_are_listed() -> None:
    loser = after(ONE, "lost", T + 10, model="other")
    chain = fold([encode(r) for r in (ONE, TWO, loser, THREE)], verify)
    assert chain.history == (ONE, TWO, THREE)
    assert chain.voids == (Void(2, "release_conflict", "lost"),)
    assert chain.of_request("r2") == TWO
    assert chain.of_request("lost") == chain.voids[0]
    assert chain.of_request("never") is None


def test_a_repeated_record_is_void_and_its_request_is_still_won() -> None:
    chain = fold([encode(r) for r in (ONE, TWO, TWO)], verify)
    assert chain.voids == (Void(2, "release_conflict", "r2"),)
    assert chain.of_request("r2") == TWO


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not_json"),
        (b"\xff", "not_utf8"),
        (b'{"v":1}', "field_missing"),
        (encode(replace(TWO, reason="changed")), "artefact_hash"),
        (encode(replace(TWO, hash="0" * 64)), "artefact_hash"),
        (encode(replace(TWO, signature="")), "artefact_signature"),
        (encode(replace(TWO, signature=ONE.signature)), "artefact_signature"),
        (encode(THREE), "release_conflict"),
        (encode(after(None, "r0", T, portfolio="shop")), "release_conflict"),
    ],
)
def test_a_broken_record_is_void_and_changes_nothing(raw: bytes, reason: str) -> None:
    chain = fold([encode(ONE), raw, encode(TWO)], verify)
    assert chain.history == (ONE, TWO)
    assert [(void.position, void.reason) for void in chain.voids] == [(1, reason)]


def test_an_untrusted_signer_and_an_earlier_time_are_void() -> None:
    class Stranger(PlainSigner):
        key_id = "stranger"

    strange = next_release(content(), ONE, T, "eve", "x", "r", Stranger())
    assert fold([encode(ONE), encode(strange)], verify).voids[0].reason == "artefact_signature"
    assert after(TWO, "back", T - 999).at_ms == TWO.at_ms


def test_verify_chain_names_the_release_that_breaks() -> None:
    with pytest.raises(ValueError, match="release 3: release_conflict"):
        verify_chain([ONE, THREE], verify)
    with pytest.raises(ValueError, match="release 2: artefact_hash"):
        verify_chain([ONE, replace(TWO, by="eve")], verify)


def test_a_release_that_readers_would_refuse_is_not_made() -> None:
    bad = replace(content(), policy=Policy(decline_at=2.0))
    with pytest.raises(ValueError, match="threshold"):
        next_release(bad, None, T, "ann", "x", "r", PlainSigner())
    with pytest.raises(ValueError, match="portfolio"):
        after(ONE, "r", portfolio="shop")
    with pytest.raises(DecodeError, match="by"):
        next_release(content(), None, T, "x" * 65, "x", "r", PlainSigner())
