"""The real replayer over what a stand left in its lake: its answer, as `assay verify` gets it."""

from __future__ import annotations

from pathlib import Path

from infra.local.layout import DataDir
from infra.local.replay_run import ReplayRun
from shared.contracts.addresses import KafkaAddress
from shared.contracts.verification import Verified, VerifyProgress
from tests.support.archiver_process import ArchiverProcess, wait_until
from tests.support.scorer_stand import Stand
from tests.support.topics import create_topics

ARCHIVED = ("transactions", "labels", "activities", "captures", "decisions")


def archiver_of(stand: Stand) -> ArchiverProcess:
    """An archiver, not started yet, that writes the stand's lake beside its keys and models."""
    create_topics(stand.bootstrap, stand.name, "audit")
    settings = {"PORTFOLIO_FILE": str(stand.portfolio_file)}
    return ArchiverProcess(stand.bootstrap, stand.name, stand.home, settings)


def until_archived(stand: Stand, archiver: ArchiverProcess) -> None:
    """Wait until every record of the stand's topics stands in the lake."""
    # A tick of a load has no bytes, and stands nowhere.
    wanted = {
        t: {(taken.partition, taken.offset) for taken in stand.read(t) if taken.value} for t in ARCHIVED
    }

    def holds() -> bool:
        return all(places <= set(archiver.offsets(table)) for table, places in wanted.items())

    wait_until(holds, "all records in the lake", archiver.log)


def verified(stand: Stand, data_dir: Path | None = None, processes: int = 1) -> Verified:
    """Every decision of the stand recomputed, from its own data folder or a copy of it."""
    run = ReplayRun(
        data=DataDir.at(data_dir or stand.home),
        kafka=KafkaAddress(stand.bootstrap),
        portfolio=stand.name,
        portfolio_file=stand.portfolio_file,
        from_ms=None,
        to_ms=None,
        processes=processes,
    )
    said = [line for line in run.lines() if not isinstance(line, VerifyProgress)]
    assert len(said) == 1, said
    assert isinstance(said[0], Verified), said
    return said[0]
