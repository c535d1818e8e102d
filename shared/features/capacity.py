"""How many bytes a portfolio's timelines take, in Redis and in a worker's cache, from its traffic.

**Records of an entity.** Each payment, label and activity that names an entity is one record of its log. A
log must reach as far back as the longest window, and further by what a record may be late (the horizon):

    records = (payments/s * share * (1 + labels per payment) + activities/s * share) * seconds kept / entities

**Redis.** A log is a string that grows by APPEND. When it is full, Redis asks for twice the bytes needed (a
megabyte more, above a megabyte), and the allocator rounds that up, to one of four sizes per doubling. So a
log takes between once and 2.5 times its bytes: `room_bytes` steps through the sizes as Redis does. Logs of an
entity differ, so their room is the mean over lengths from half to twice the usual. Beside it stand an entry
of the table of keys, the object, a share of the table (8 bytes a place, a power of two of places), the key:

    bytes of a log = room of its records + 68 + length of the key

**A worker's cache.** A record is one cell of the arena and an entry of the table of ids. Cells are handed out
in powers of two: over a doubling 2 ln 2 = 1.39 times what is used, and at least 4. A timeline has a line of
numbers, and names:

    bytes of a timeline = slot_bytes + 1.39 * max(records, 3) * cell_bytes
"""

from __future__ import annotations

from math import log
from typing import Final

from msgspec import Struct

from .budget import ID_BYTES, Budget
from .compiled import FeatureSet
from .durations import DAY_MS
from .kernels_plan import make_plan, reach_ms
from .refusal import PortfolioError, find_line
from .timelines import cell_bytes, slot_bytes

SPARE: Final = 2 * log(2)
"""Room for room used where it comes in powers of two: the mean of c / n for n from c/2 to c."""

DOUBLING_BYTES: Final = 2**20
"""Where Redis no longer doubles a string's room but adds so much (SDS_MAX_PREALLOC)."""

LOG_BYTES: Final = 68
"""What Redis takes for a log beside its value and the text of its key: entry 32, object 16, a place and a
half in the table of keys 12, header and rounding of the key 8."""

KEY_FRAME: Final = len("{:0}:1::")
"""What stands in a log's key beside the names of portfolio and entity and the id."""

LEAST_CELLS: Final = 3
"""Of a timeline: its smallest piece has 4 cells, which is what 3 records take by the formula."""


class EntityCapacity(Struct, frozen=True):
    """What the timelines of one entity take: means per log, sums over all of them in bytes."""

    entity: str
    logs: int
    kept_days: float
    records_per_log: float
    redis_bytes: int
    cache_bytes: int


class Capacity(Struct, frozen=True):
    """What a portfolio needs. ``cache_bytes`` is that of one worker that holds every timeline."""

    entities: tuple[EntityCapacity, ...]

    @property
    def redis_bytes(self) -> int:
        """Of all entities."""
        return sum(entity.redis_bytes for entity in self.entities)

    @property
    def cache_bytes(self) -> int:
        """Of all entities."""
        return sum(entity.cache_bytes for entity in self.entities)


def capacity_of(features: FeatureSet, budget: Budget) -> Capacity:
    """The bytes that ``features`` need under a budget's traffic."""
    plan = make_plan(features.program, len(features.entities), features.lateness_ms)
    found = []
    for entity in features.entities:
        logs = budget.entities[entity.name]
        kept_ms = kept_ms_of(features, entity.name)
        records = _records_per_second(budget, entity.name) * kept_ms / 1_000 / logs
        in_redis = logs_bytes(features, entity.name, logs, records * logs, budget.id_bytes)
        cached = slot_bytes(plan) + SPARE * max(records, LEAST_CELLS) * cell_bytes(plan)
        found.append(
            EntityCapacity(entity.name, logs, kept_ms / DAY_MS, records, in_redis, round(logs * cached))
        )
    return Capacity(tuple(found))


def logs_bytes(features: FeatureSet, entity: str, logs: int, records: float, id_bytes: int = ID_BYTES) -> int:
    """Bytes that Redis takes for so many ``logs`` of an entity that hold so many ``records`` together."""
    key_bytes = KEY_FRAME + len(features.portfolio_name) + len(entity) + id_bytes
    return round(logs * log_bytes(records / max(logs, 1), features.layout.record_bytes, key_bytes))


def log_bytes(records: float, record_bytes: int, key_bytes: int) -> float:
    """Bytes that Redis takes for a log of so many records, all told, on average over logs that differ."""
    lengths = [max(round(records * 2 ** (step / 8)), 1) for step in range(-8, 9)]
    room = sum(room_bytes(n, record_bytes) for n in lengths) / sum(lengths)
    return room * records + LOG_BYTES + key_bytes


def room_bytes(records: int, record_bytes: int) -> int:
    """What Redis has allocated for a string of so many records, one or more, that came one by one."""
    room = _allocated(_header(record_bytes) + record_bytes)
    while (fits := (room - _header(room)) // record_bytes) < records:
        needed = (fits + 1) * record_bytes
        wanted = needed + min(needed, DOUBLING_BYTES)
        room = _allocated(_header(wanted) + wanted)
    return room


def _header(count_bytes: int) -> int:
    """Of a string of so many bytes, its closing zero included (sds)."""
    return 4 if count_bytes < 2**8 else 6 if count_bytes < 2**16 else 10


def _allocated(count_bytes: int) -> int:
    """The size class of jemalloc: multiples of 16, from 128 on four for each doubling."""
    step = max(16, 1 << max((count_bytes - 1).bit_length() - 3, 0))
    return -(-count_bytes // step) * step


def kept_ms_of(features: FeatureSet, entity: str) -> int:
    """How far back, in ms, a log of ``entity`` must reach: as far as windows look, and records are late."""
    place = [one.name for one in features.entities].index(entity)
    return reach_ms(features.program, place) + features.lateness_ms


def _records_per_second(budget: Budget, entity: str) -> float:
    payments = budget.payments_per_second * budget.shares.get(entity, 1.0)
    activities = budget.activities_per_second * budget.activity_shares.get(entity, 0.0)
    return payments * (1 + budget.labels_per_payment) + activities


def over_budget(text: str, file: str, capacity: Capacity, budget: Budget) -> PortfolioError | None:
    """Why the portfolio in a TOML ``text`` needs more of Redis than it grants; None where it does not."""
    if capacity.redis_bytes <= budget.redis_bytes:
        return None
    most = max(capacity.entities, key=lambda entity: entity.redis_bytes)
    sentence = (
        f"timelines need {capacity.redis_bytes:,} bytes of Redis and {budget.redis_bytes:,} are granted; "
        f"'{most.entity}' alone needs {most.redis_bytes:,}, kept for {most.kept_days:.0f} days"
    )
    line = find_line(text, "redis_bytes", "[budget]")
    return PortfolioError(file, "redis_bytes", line, sentence)
