"""Everything that a portfolio's topics hold, as the checker looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared.bus.ports import Place, Taken
from shared.bus.sync import KafkaLook
from shared.contracts.addresses import KafkaAddress
from shared.contracts.capture import decode_capture
from shared.contracts.codec import decode
from shared.contracts.decisions import Decision, Flagged, Prediction
from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.operations import DeadLetter
from shared.contracts.topics import topic_name
from shared.features.compiled import FeatureSet
from shared.stores.portfolio_files import read_feature_set, timeline_key

KINDS: Final = {"transactions": KIND_TRANSACTION, "labels": KIND_LABEL, "activities": KIND_ACTIVITY}

Coordinates = tuple[str, int, int]
"""Topic, partition, offset."""


@dataclass(frozen=True)
class Captured:
    """One row of a capture with the input that it names."""

    place: Coordinates
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """What stands on the topics. ``committed`` and ``ends`` per input partition."""

    features: FeatureSet
    key: bytes
    inputs: dict[Coordinates, Taken]
    decisions: list[Decision]
    predictions: list[Prediction]
    flagged: list[Flagged]
    letters: list[DeadLetter]
    captures: list[Captured]
    committed: dict[Place, int]
    ends: dict[Place, int]


def read_back(bootstrap: str, portfolio: str, portfolio_file: Path | None, data_dir: Path) -> Found:
    """Read it all. Raises LogAway when the broker does not answer or a topic is missing."""
    features = read_feature_set(portfolio, portfolio_file)
    with KafkaLook(KafkaAddress(bootstrap), f"{portfolio}.scorer") as look:
        committed, ends = _positions(look, portfolio)
        inputs = look.read_all([topic_name(portfolio, name) for name in KINDS])
        return Found(
            features=features,
            key=timeline_key(data_dir / "keys"),
            inputs={(t.topic, t.partition, t.offset): t for t in inputs},
            decisions=_records(look, portfolio, "decisions", Decision),
            predictions=_records(look, portfolio, "predictions", Prediction),
            flagged=_records(look, portfolio, "flagged", Flagged),
            letters=_records(look, portfolio, "dead-letters", DeadLetter),
            captures=_captures(look, portfolio, features),
            committed=committed,
            ends=ends,
        )


def _positions(look: KafkaLook, portfolio: str) -> tuple[dict[Place, int], dict[Place, int]]:
    places = look.places([topic_name(portfolio, name) for name in KINDS])
    return look.committed(places), look.ends(places)


def _records(look: KafkaLook, portfolio: str, name: str, record: Any) -> list[Any]:
    found = look.read_all([topic_name(portfolio, name)])
    ordered = sorted(found, key=lambda taken: (taken.partition, taken.offset))
    return [decode(record, taken.value or b"") for taken in ordered]


def _captures(look: KafkaLook, portfolio: str, features: FeatureSet) -> list[Captured]:
    names = {kind: topic_name(portfolio, name) for name, kind in KINDS.items()}
    found = []
    for taken in look.read_all([topic_name(portfolio, "captures")]):
        batch = decode_capture(taken.value or b"", len(features.names), len(features.entities))
        found += [
            Captured((names[row["kind"]], taken.partition, row["offset"]), row) for row in batch.to_pylist()
        ]
    return found
