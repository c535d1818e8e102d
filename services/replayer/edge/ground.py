"""What every step of a process stands on, what there is to do, and the models that decide again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import pyarrow as pa

from shared.contracts.models import Release
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.lateness import Limits, limits_of
from shared.features.rows import RowEncoder
from shared.runtime import collector
from shared.stores.artefacts import ArtefactStore
from shared.stores.guarded_load import parse_admitted
from shared.stores.lake_scan import LakeScan, Range
from shared.stores.portfolio_files import read_portfolio, timeline_key
from shared.stores.signing import TrustedKeys, read_trusted

from .models import Releases, load_releases
from .said import Loaded, Survey
from .scratch import Scratch
from .workers import Order

GC_THRESHOLDS: Final = (200_000, 50, 100)
"""A day makes a hundred thousand records and no cycles to look for."""


@dataclass(frozen=True)
class Ground:
    """What every step stands on; one per process, with the ``releases`` that it has loaded."""

    portfolio: str
    feature_set: FeatureSet
    encoder: RowEncoder
    limits: Limits
    scan: LakeScan
    scratch: Scratch
    times: Range
    until_ms: int
    artefacts: ArtefactStore
    trusted: TrustedKeys
    releases: dict[tuple[int, ...], Releases] = field(default_factory=dict)

    @property
    def entities(self) -> int:
        """How many entities the portfolio has."""
        return len(self.feature_set.entities)


def ground_of(order: Order) -> Ground:
    """Read the portfolio, the keys and the lake's versions. Raises FileNotFoundError, PortfolioError."""
    pa.set_cpu_count(1)
    collector.spare(GC_THRESHOLDS)
    portfolio = read_portfolio(order.portfolio, order.portfolio_file)
    feature_set = compile_portfolio(portfolio)
    return Ground(
        portfolio=order.portfolio,
        feature_set=feature_set,
        encoder=RowEncoder(feature_set, timeline_key(order.data_dir / "keys")),
        limits=limits_of(portfolio),
        scan=LakeScan(order.data_dir / "lake", pinned=True),
        scratch=Scratch(order.scratch),
        times=Range(*order.times),
        until_ms=order.until_ms,
        artefacts=ArtefactStore(order.data_dir / "artefacts"),
        trusted=read_trusted(order.data_dir / "keys"),
    )


def survey(ground: Ground, part_rows: int) -> Survey:
    """What there is to do, in parts of some ``part_rows`` rows of captures. Raises LakeAway."""
    counted = ground.scan.rows_by_day("captures", ground.portfolio)
    decided = ground.scan.rows_by_day("decisions", ground.portfolio)
    return Survey(
        days=runs(dict.fromkeys(decided, 0) | counted, part_rows),
        places=sum(counted.values()) * ground.entities,
        features=len(ground.feature_set.names),
        entities=ground.entities,
    )


def runs(rows_by_day: Mapping[date, int], most: int) -> list[list[date]]:
    """The days in order, those that follow each other together while they have no more than ``most`` rows."""
    found: list[list[date]] = []
    rows = 0
    for day in sorted(rows_by_day):
        if not found or rows + rows_by_day[day] > most:
            found.append([])
            rows = 0
        found[-1].append(day)
        rows += rows_by_day[day]
    return found


def make_tables(ground: Ground, decisions: int, there: Survey) -> None:
    """Room for what the folds of ``decisions`` give."""
    ground.scratch.make_tables(decisions, there.features, there.entities)


def load(ground: Ground, named: Sequence[Release]) -> Loaded:
    """Admit the models of the releases, once for all processes."""
    found = load_releases(named, ground.feature_set, ground.artefacts, ground.trusted)
    return Loaded(models=found.models, refusals=found.refusals)


def releases_of(ground: Ground, named: Sequence[Release], told: Loaded) -> Releases:
    """The releases that can decide again, their models as `load` admitted them; read once per process."""
    key = tuple(release.seq for release in named)
    if key not in ground.releases:
        able = [release for release in named if release.seq not in told.refusals]
        found = load_releases(able, ground.feature_set, ground.artefacts, ground.trusted, parse_admitted)
        found.refusals |= told.refusals
        ground.releases[key] = found
    return ground.releases[key]
