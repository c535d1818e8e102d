"""The release chain and the audit log on a real broker: races, refusals, followers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from msgspec.structs import replace

from infra.local.kafka import KafkaServer
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import encode
from shared.contracts.models import ModelRef, Policy, Release, ReleaseContent
from shared.contracts.topics import topic_name
from shared.scoring.release import verify_chain
from shared.stores import releases_follower, releases_writer
from shared.stores.artefacts import ArtefactStore
from shared.stores.audit_writer import AuditWriter, fold_audit
from shared.stores.guarded_load import ExpectedInputs
from shared.stores.kafka_log import KafkaAway, append, read_whole
from shared.stores.releases_chain import read_chain
from shared.stores.releases_follower import ReleaseFollower
from shared.stores.releases_writer import (
    ReleaseChecks,
    ReleaseConflict,
    ReleaseRefused,
    ReleaseWriter,
)
from shared.stores.signing import Signer, open_signer, read_trusted
from tests.support.models import FEATURE_SET, NAMES, put_small_model, small_card
from tests.support.topics import create_topics

LAYOUT = "a" * 64
PATIENCE_S = 90.0
"""A broker that starts on a busy machine takes long to answer, and its clients back off."""


class Ticking:
    """A clock that moves a millisecond whenever it is read."""

    def __init__(self) -> None:
        self._now_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        self._now_ms += 1
        return self._now_ms


@dataclass
class Chain:
    """A portfolio of a test's own, with topics, keys, artefacts and writers."""

    bootstrap: str
    portfolio: str
    folder: Path
    signer: Signer

    @property
    def store(self) -> ArtefactStore:
        return ArtefactStore(self.folder / "artefacts")

    def writer(self) -> ReleaseWriter:
        checks = ReleaseChecks(
            ExpectedInputs(FEATURE_SET, NAMES), LAYOUT, self.store, read_trusted(self.folder)
        )
        return ReleaseWriter(KafkaAddress(self.bootstrap), self.portfolio, self.signer, Ticking(), checks)

    def content(self, champion: ModelRef | None = None, review_at: float = 0.5) -> ReleaseContent:
        return ReleaseContent(
            portfolio=self.portfolio,
            feature_set=FEATURE_SET,
            layout=LAYOUT,
            champion=champion,
            challengers=[],
            shadows=[],
            rules=[],
            lists=[],
            policy=Policy(review_at=review_at),
            rates_ppm={"EUR": 1_000_000},
            split_salt="s",
        )

    def follower(self, seen: list[Release], history: bool = False) -> ReleaseFollower:
        async def on_release(release: Release) -> None:
            seen.append(release)

        return ReleaseFollower(
            KafkaAddress(self.bootstrap),
            self.portfolio,
            read_trusted(self.folder),
            on_release,
            history=history,
        )


@pytest.fixture
def chain(kafka_server: KafkaServer, tmp_path: Path) -> Chain:
    portfolio = f"p{uuid.uuid4().hex[:8]}"
    create_topics(kafka_server.bootstrap, portfolio, "releases", "audit")
    return Chain(kafka_server.bootstrap, portfolio, tmp_path, open_signer(tmp_path, "cli"))


def test_release_one_has_no_champion_and_two_carries_the_model(chain: Chain) -> None:
    writer = chain.writer()
    first = writer.publish(chain.content(), "ann", "start", "r1")
    artefact = put_small_model(chain.store, chain.signer)
    champion = ModelRef(name="small", version="1", artefact=artefact)
    second = writer.publish(chain.content(champion), "ann", "first model", "r2", expected_seq=1)
    folded = read_chain(KafkaAddress(chain.bootstrap), chain.portfolio, read_trusted(chain.folder))
    assert folded.history == (first, second)
    verify_chain(folded.history, read_trusted(chain.folder).verify)
    assert second.at_ms >= first.at_ms


def test_the_same_request_is_published_once(chain: Chain) -> None:
    first = chain.writer().publish(chain.content(), "ann", "start", "r1")
    assert chain.writer().publish(chain.content(), "ann", "start", "r1") == first
    with pytest.raises(ReleaseConflict):
        chain.writer().publish(chain.content(review_at=0.7), "ann", "start", "r1")
    assert len(chain.writer().chain().history) == 1


def test_a_decision_from_an_old_head_is_a_conflict(chain: Chain) -> None:
    chain.writer().publish(chain.content(), "ann", "start", "r1", expected_seq=0)
    with pytest.raises(ReleaseConflict, match="release 1 is in charge") as caught:
        chain.writer().publish(chain.content(review_at=0.6), "bob", "start", "r2", expected_seq=0)
    assert caught.value.code == "release_conflict"


def test_two_writers_race_and_one_wins(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read the same head before either writes; every round has one winner, and no fork."""
    both_ready = Barrier(2)

    def append_together(*args: Any) -> int:
        both_ready.wait(timeout=30)
        return append(*args)

    monkeypatch.setattr(releases_writer, "append", append_together)
    for number in range(3):
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(_publish, chain, f"{name}{number}") for name in ("ann", "bob")]
            outcomes = sorted(job.result() for job in jobs)
        assert outcomes == ["lost", "won"]
    folded = chain.writer().chain()
    assert [entry.seq for entry in folded.history] == [1, 2, 3]
    assert [void.reason for void in folded.voids] == ["release_conflict"] * 3


def _publish(chain: Chain, request: str) -> str:
    try:
        chain.writer().publish(chain.content(), request, "race", request)
    except ReleaseConflict:
        return "lost"
    return "won"


def _missing(chain: Chain) -> ReleaseContent:
    return chain.content(ModelRef(name="small", version="1", artefact="0" * 64))


def _untrusted(chain: Chain) -> ReleaseContent:
    artefact = put_small_model(chain.store, open_signer(chain.folder / "stranger", "x"))
    return chain.content(ModelRef(name="small", version="1", artefact=artefact))


def _misnamed(chain: Chain) -> ReleaseContent:
    artefact = put_small_model(chain.store, chain.signer)
    return chain.content(ModelRef(name="small", version="2", artefact=artefact))


def _other_inputs(chain: Chain) -> ReleaseContent:
    card = replace(small_card(), feature_set="e" * 64)
    artefact = put_small_model(chain.store, chain.signer, card=card)
    return chain.content(ModelRef(name="small", version="1", artefact=artefact))


REFUSED: list[tuple[Callable[[Chain], ReleaseContent], str]] = [
    (_missing, "artefact_missing"),
    (_untrusted, "artefact_signature"),
    (_misnamed, "artefact_hash"),
    (_other_inputs, "model_features"),
    (lambda chain: replace(chain.content(), layout="b" * 64), "layout_mismatch"),
    (lambda chain: replace(chain.content(), feature_set="e" * 64), "model_features"),
]


@pytest.mark.parametrize(("make", "code"), REFUSED)
def test_what_cannot_decide_is_not_published(
    chain: Chain, make: Callable[[Chain], ReleaseContent], code: str
) -> None:
    with pytest.raises(ReleaseRefused) as caught:
        chain.writer().publish(make(chain), "ann", "try", "r1")
    assert caught.value.code == code
    assert read_whole(KafkaAddress(chain.bootstrap), topic_name(chain.portfolio, "releases")) == []


async def test_a_follower_sees_every_new_head_in_order(chain: Chain) -> None:
    writer = chain.writer()
    published = [await asyncio.to_thread(writer.publish, chain.content(), "a", "x", f"r{n}") for n in (1, 2)]
    newest, everything = list[Release](), list[Release]()
    one, two = chain.follower(newest), chain.follower(everything, history=True)
    async with one, two:
        await asyncio.wait_for(asyncio.gather(one.caught_up.wait(), two.caught_up.wait()), 20)
        assert newest == published[-1:]
        assert everything == published
        topic = topic_name(chain.portfolio, "releases")
        await asyncio.to_thread(append, KafkaAddress(chain.bootstrap), topic, None, b"no release")
        await asyncio.to_thread(append, KafkaAddress(chain.bootstrap), topic, None, encode(published[0]))
        published.append(await asyncio.to_thread(writer.publish, chain.content(), "a", "x", "r3"))
        await _until(lambda: everything == published and newest == published[1:])
        assert one.silent_seconds is not None
    assert len(one.chain.voids) == 2


async def test_a_follower_survives_an_absent_broker(
    chain: Chain, kafka_server: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that is away for longer than the follower goes on with a connection."""
    monkeypatch.setattr(releases_follower, "CONTACT_SECONDS", 1.0)
    monkeypatch.setattr(releases_follower, "REQUEST_MS", 1_000)
    seen = list[Release]()
    first = await asyncio.to_thread(chain.writer().publish, chain.content(), "a", "x", "r1")
    await asyncio.to_thread(kafka_server.stop)
    try:
        follower = chain.follower(seen)
        async with follower:
            await asyncio.sleep(1.5)
            assert not follower.caught_up.is_set()
            await asyncio.to_thread(kafka_server.start)
            await asyncio.wait_for(follower.caught_up.wait(), PATIENCE_S)
            assert seen == [first]
            await asyncio.to_thread(kafka_server.stop)
            await _until(lambda: (follower.silent_seconds or 0.0) > 4.0)
            await asyncio.to_thread(kafka_server.start)
            second = await asyncio.to_thread(chain.writer().publish, chain.content(), "a", "x", "r2")
            await _until(lambda: seen == [first, second])
    finally:
        if kafka_server.record is None:
            await asyncio.to_thread(kafka_server.start)


async def _until(holds: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - a condition of other code, which tells nobody
            await asyncio.sleep(0.05)


def test_an_empty_topic_is_an_empty_chain(chain: Chain) -> None:
    assert chain.writer().chain().head is None


def test_a_missing_topic_says_what_to_run(chain: Chain) -> None:
    with pytest.raises(KafkaAway, match="assay topics apply"):
        read_chain(KafkaAddress(chain.bootstrap), "nobody", read_trusted(chain.folder))


def test_audit_entries_chain_per_writer(chain: Chain) -> None:
    writer = AuditWriter(KafkaAddress(chain.bootstrap), f"cli-{chain.portfolio}", Ticking())
    intended = writer.write("ann", "release.publish", "bank", "first model", "intended", before="1")
    done = writer.write("ann", "release.publish", "bank", "first model", "done", after="2")
    other = AuditWriter(KafkaAddress(chain.bootstrap), f"console-{chain.portfolio}", Ticking())
    other.write("bob", "login", "console", "", "refused")
    assert writer.chain().entries == (intended, done)
    assert (done.seq, done.prev_hash) == (2, intended.hash)
    assert len(other.chain().entries) == 1


def test_two_processes_of_one_writer_keep_one_chain(chain: Chain) -> None:
    name = f"cli-{chain.portfolio}"
    with ThreadPoolExecutor(3) as pool:
        writers = [AuditWriter(KafkaAddress(chain.bootstrap), name, Ticking()) for _ in range(3)]
        jobs = [pool.submit(w.write, "ann", f"a{n}", "s", "r", "done") for n, w in enumerate(writers)]
        written = {job.result().action for job in jobs}
    entries = writers[0].chain().entries
    assert {entry.action for entry in entries} == written
    assert [entry.seq for entry in entries] == [1, 2, 3]


def test_a_changed_entry_breaks_the_chain_where_it_stands(chain: Chain) -> None:
    writer = AuditWriter(KafkaAddress(chain.bootstrap), f"cli-{chain.portfolio}", Ticking())
    entries = [writer.write("ann", f"a{n}", "s", "r", "done") for n in range(3)]
    forged = [entries[0], replace(entries[1], by="eve"), entries[2]]
    folded = fold_audit(map(encode, forged))[entries[0].writer]
    assert folded.entries == (entries[0],)
    assert folded.void == 2
