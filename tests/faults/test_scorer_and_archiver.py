"""Scorer and archiver killed in one stack: what was decided stands in the lake, every record once."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Final

from tests.faults.conftest import MakeStand, checked
from tests.support.archiver_process import ArchiverProcess
from tests.support.scorer_flow import Flow
from tests.support.topics import create_topics

TABLES: Final = ("transactions", "labels", "activities", "decisions")


def test_the_lake_holds_every_record_once_after_both_were_killed(
    make_stand: MakeStand, tmp_path: Path
) -> None:
    stand = make_stand(batch_records="64")
    create_topics(stand.bootstrap, stand.name, "audit")
    archiver = ArchiverProcess(
        stand.bootstrap, stand.name, tmp_path, {"PORTFOLIO_FILE": str(stand.portfolio_file)}
    )
    scorer = stand.start()
    archiver.start()
    try:
        with Flow(stand, 50, per_second=300) as flow:
            stand.until_joined(1)
            archiver.wait_reading()
            time.sleep(1)
            archiver.stop(signal.SIGKILL)
            archiver.start()
            time.sleep(0.5)
            scorer.kill()
            stand.start()
            archiver.wait_reading(2)
        stand.until_settled(60)
        assert checked(stand).decided == len(flow.payments)
        for table in TABLES:
            wanted = sorted((taken.partition, taken.offset) for taken in stand.read(table))
            archiver.wait_for_rows(table, len(wanted))
            assert archiver.offsets(table) == wanted, table
    finally:
        archiver.stop(signal.SIGKILL)
