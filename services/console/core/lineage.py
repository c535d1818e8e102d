"""One decision with everything it was made of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.contracts.decisions import Decision
from shared.contracts.payments import Label
from shared.features.catalogue import catalogue
from shared.features.compiled import FeatureSet

from .views import EntityVersion, FeatureValue

INSTRUMENTS: Final = ("card_id", "device_id")
SHOWN_LAST: Final = 4
COARSE_DIGITS: Final = 1
"""Latitude and longitude to about 10 km: enough to tell a journey, too little to tell a door."""


def masked_input(raw: bytes) -> dict[str, object]:
    """The payment's own fields in their order; instruments show their last four characters."""
    fields: dict[str, object] = json.loads(raw)
    return {name: _masked(name, value) for name, value in fields.items() if name != "v"}


def _masked(name: str, value: object) -> object:
    if name in INSTRUMENTS and isinstance(value, str):
        return f"…{value[-SHOWN_LAST:]}" if len(value) > SHOWN_LAST else "…"
    if name in ("latitude", "longitude") and isinstance(value, int | float):
        return round(value, COARSE_DIGITS)
    return value


def feature_values(features: FeatureSet, vector: Sequence[float | None]) -> list[FeatureValue]:
    """The vector (d,) beside the catalogue; none where the vector is another feature set's."""
    rows = catalogue(features)
    if len(rows) != len(vector):
        return []
    return [
        FeatureValue(
            name=row.name,
            value=None if value is None or math.isnan(value) else value,
            unit=row.unit,
            meaning=row.meaning,
            entity=row.entity,
            window=row.window,
            missing=row.missing,
        )
        for row, value in zip(rows, vector, strict=True)
    ]


def entity_versions(features: FeatureSet, versions: Sequence[int]) -> list[EntityVersion]:
    """Whose which record the payment is; by number where the portfolio's entities are others by now."""
    names = [entity.name for entity in features.entities]
    if len(names) != len(versions):
        names = [f"entity {number}" for number in range(len(versions))]
    return [
        EntityVersion(entity=name, version=None if version < 0 else version)
        for name, version in zip(names, versions, strict=True)
    ]


def decision_of(row: Mapping[str, Any]) -> Decision:
    """A row of the lake as the record it was; fields called like a coordinate have a prefix there."""
    values = {name: row.get(f"input_{name}", row.get(name)) for name in Decision.__struct_fields__}
    return Decision(**values)


def label_of(row: Mapping[str, Any]) -> Label:
    """A row of the lake's labels as the record it was."""
    return Label(**{name: row[name] for name in Label.__struct_fields__ if name in row})
