"""The list of a feature set's inputs as people read it."""

from __future__ import annotations

from msgspec import Struct

from .compiled import FeatureSet
from .durations import format_duration
from .kinds import KINDS
from .spec import FeatureSpec


class CatalogueRow(Struct, frozen=True):
    """One feature: what it is, of whom, over what time, and when it is missing."""

    name: str
    kind: str
    type: str
    unit: str
    entity: str
    window: str
    missing: str
    meaning: str


def catalogue(feature_set: FeatureSet) -> tuple[CatalogueRow, ...]:
    """One row per feature, in the order of the matrix's columns."""
    return tuple(_row(spec) for spec in feature_set.specs)


def _row(spec: FeatureSpec) -> CatalogueRow:
    kind = KINDS[spec.kind]
    missing = kind.missing
    if spec.entity and missing == "never missing":
        missing = f"the payment has no {spec.entity}"
    elif spec.entity:
        missing += f", or the payment has no {spec.entity}"
    return CatalogueRow(
        name=spec.name,
        kind=spec.kind,
        type="flag" if kind.unit == "flag" else "float64",
        unit=kind.unit,
        entity=spec.entity or "",
        window=_window(spec),
        missing=missing,
        meaning=_meaning(spec),
    )


def _window(spec: FeatureSpec) -> str:
    if not spec.window_ms:
        return ""
    window = format_duration(spec.window_ms)
    if spec.grain_ms and spec.offset_ms:
        return f"{window} ending {format_duration(spec.offset_ms)} ago, both at the start of their hour"
    if spec.offset_ms:
        return f"{window} ending {format_duration(spec.offset_ms)} ago"
    if spec.grain_ms:
        window += " from the start of the hour"
    return f"{window} with itself" if spec.counts_self else window


def _meaning(spec: FeatureSpec) -> str:
    """What the kind says, of what, and with which numbers."""
    kind = KINDS[spec.kind]
    of = spec.field or " in ".join(filter(None, (spec.column, spec.activity)))
    if spec.left:
        of = f"{spec.left}, {spec.right}"
    if spec.places:
        of = "{}, {} to {}, {}".format(*spec.places)
    named = zip(kind.parameters, spec.parameters, strict=True)
    numbers = [f"{name} {value:g}" for (name, _), value in named]
    numbers += [f"{kind.span.key} {format_duration(spec.span_ms)}"] if kind.span else []
    meaning = f"{kind.meaning} ({', '.join(numbers)})" if numbers else kind.meaning
    return f"{meaning}: {of}" if of else meaning
