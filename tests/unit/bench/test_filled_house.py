"""The filled lake and the filled tables tell the same numbers; one row that is false is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from services.console.core.counted import history
from services.console.edge.lake_story import LakeStories
from services.console.edge.monitor_tables import MonitorTables
from shared.stores.database import Database, sqlite_url
from shared.stores.monitor_tables import LABELS
from tests.bench.numbers import lake as lake_side
from tests.bench.numbers import shown as shown_side
from tests.bench.numbers.compare import Pair, pairs, table
from tests.bench.numbers.lake import Lake, Minutes
from tests.support.filled_house import Span, fill, tx_id
from tests.support.lake_messages import T0_MS

MINUTE_MS = 60_000
FROM_MS = T0_MS // MINUTE_MS * MINUTE_MS
SPAN = Span(3_000, FROM_MS, FROM_MS + 20 * MINUTE_MS)
MINUTES = Minutes(FROM_MS, FROM_MS + 15 * MINUTE_MS, MINUTE_MS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("filled")
    fill(made, SPAN, share=1_100)
    return made


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    found = Database.open(sqlite_url(folder / "sql" / "monitor.db"))
    yield found
    found.close()


def overview(folder: Path) -> list[Pair]:
    tables = MonitorTables(sqlite_url(folder / "sql" / "monitor.db"))
    counted = tables.counted(MINUTES.from_ms, MINUTES.to_ms)
    tables.close()
    assert counted is not None
    told = history(counted, (MINUTES.from_ms, MINUTES.to_ms, MINUTES.step_ms))
    shown = {name: getattr(told, name) for name in told.__struct_fields__}
    shown["money"] = [{n: getattr(m, n) for n in m.__struct_fields__} for m in told.money]
    return pairs(
        "overview",
        shown_side.charts_and_sums(shown),
        lake_side.charts_and_sums(Lake(folder / "lake", "bank"), MINUTES),
    )


def counted(folder: Path, database: Database) -> list[Pair]:
    there = lake_side.counted(Lake(folder / "lake", "bank"), MINUTES)
    return pairs("counted", shown_side.counted(database, MINUTES), there)


def test_lake_and_tables_tell_the_same(folder: Path, database: Database) -> None:
    found = [*overview(folder), *counted(folder, database)]
    assert [pair for pair in found if not pair.is_equal] == []
    names = {pair.name for pair in found}
    assert {"decisions", "labels: fraud", "dead letters: not_json", "p99, ms", "of caller: branch"} <= names
    assert "DIFFERS" not in table(found)


def test_a_false_row_is_told(folder: Path, database: Database) -> None:
    is_fraud = LABELS.c.verdict == "fraud"
    for change in (1, -1):
        with database.writing() as sql:
            sql.execute(update(LABELS).where(is_fraud).values(count=LABELS.c.count + change))
        wrong = {pair.name for pair in counted(folder, database) if not pair.is_equal}
        assert wrong == ({"labels: fraud"} if change > 0 else set())


def test_what_one_side_alone_knows_differs() -> None:
    (only,) = pairs("overview", {"decisions": 3}, {})
    assert not only.is_equal
    assert "DIFFERS" in table([only])


def test_a_filled_decision_has_its_whole_story(folder: Path) -> None:
    story = LakeStories(folder / "lake", "bank").story(tx_id(1_234))
    assert story.decision is not None
    assert story.raw is not None
    assert story.vector is not None
    assert story.attempts == 1
