"""The page's example laid into a real Redis, record by record: it takes what the formula says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.features.capacity import EntityCapacity
from shared.stores import epochs
from shared.stores import timeline_keys as names
from shared.stores.timeline_admin import TimelineAdmin
from shared.stores.timeline_port import EpochState
from shared.stores.timeline_usage import look
from tests.integration.timeline.rig import RedisRig
from tests.support.state_page import example

TOLERANCE = 0.15
"""As docs/state.md says."""

_GROW = """
for i = 1, #KEYS do
  for _ = 1, tonumber(ARGV[i + 1]) do redis.call('APPEND', KEYS[i], ARGV[1]) end
end
"""


def test_redis_takes_what_the_formula_says(redis_rig: RedisRig) -> None:
    portfolio, features, capacity = example()
    size, layout = features.layout.record_bytes, features.layout.hash
    before = _used_bytes(redis_rig)
    for each in capacity.entities:
        _lay(redis_rig, portfolio.name, each, size)
    measured = _used_bytes(redis_rig) - before
    assert measured == pytest.approx(capacity.redis_bytes, rel=TOLERANCE)

    redis_rig.redis.set(names.epoch_key(portfolio.name), epochs.encode(EpochState(1, False, layout)))
    admin = TimelineAdmin(redis_rig.server.address, portfolio.name, size, layout)
    usage = {entity.entity: entity for entity in look(admin).entities}
    admin.close()
    for each in capacity.entities:
        found = usage[each.entity]
        assert (found.logs, found.bytes) == (each.logs, found.records * size)
        assert found.records == pytest.approx(each.logs * each.records_per_log, rel=0.02)
        assert found.redis_bytes == pytest.approx(each.redis_bytes, rel=TOLERANCE)
    assert sum(found.redis_bytes for found in usage.values()) == pytest.approx(measured, rel=TOLERANCE)


def _used_bytes(rig: RedisRig) -> int:
    memory = rig.redis.info("memory")
    assert isinstance(memory, dict)
    return int(memory["used_memory"])


def _lay(rig: RedisRig, portfolio: str, each: EntityCapacity, record_bytes: int) -> None:
    counts = _counts(each)
    for first in range(0, each.logs, 200):
        some = range(first, min(first + 200, each.logs))
        keys = [names.entity_key(portfolio, 1, each.entity, f"{each.entity[:5]}-{i:010}") for i in some]
        rig.redis.eval(_GROW, len(keys), *keys, bytes(record_bytes), *counts[some.start : some.stop].tolist())


def _counts(each: EntityCapacity) -> NDArray[np.int64]:
    """(logs,) records of each log: some entities are much busier than others."""
    drawn = np.random.default_rng(each.logs)
    weights = drawn.lognormal(0, 0.8, each.logs)
    return np.maximum(drawn.multinomial(round(each.logs * each.records_per_log), weights / weights.sum()), 1)
