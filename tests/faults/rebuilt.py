"""The timelines of a stand laid down again from what was captured, as `assay state rebuild` does."""

from __future__ import annotations

from collections.abc import Iterator

from shared.contracts.addresses import RedisAddress
from shared.stores.timeline_admin import LogEntry, TimelineAdmin
from shared.stores.timeline_rebuild import RebuildReport, rebuild
from tests.faults.laid_logs import LaidLogs
from tests.faults.read_back import read_back
from tests.support.scorer_stand import Stand


def rebuilt(stand: Stand, redis: RedisAddress, at_least: int) -> RebuildReport:
    """Lay every log down as the next epoch, later than ``at_least``, and switch to it."""
    layout = stand.features.layout
    admin = TimelineAdmin(redis, stand.name, layout.record_bytes, layout.hash)
    try:
        return rebuild(admin, _entries(stand), at_least=at_least)
    finally:
        admin.close()


def _entries(stand: Stand) -> Iterator[LogEntry]:
    found = read_back(stand.bootstrap, stand.name, stand.portfolio_file, stand.home)
    logs = LaidLogs(found).logs
    names = [entity.name for entity in stand.features.entities]
    for epoch, entity, own in sorted(logs, key=lambda name: (name[1], name[2], name[0])):
        for index, row in enumerate(logs[epoch, entity, own]):
            yield LogEntry(names[entity], own, epoch, index, row)
