"""A portfolio compiled: what the scorer, the trainer and the replayer all compute features by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.contracts.ids import content_hash
from shared.contracts.money import MINOR_DIGITS

from .calendar import Calendar, build_calendar
from .durations import DAY_MS
from .fields import FIELDS, NUMBER, NUMBER_PREFIX
from .kinds import CODES, KINDS
from .layout import Layout, place_field
from .portfolio import Entity, Portfolio
from .program import Program
from .spec import FeatureSpec

_SEMANTICS: Final = 1
"""Raised whenever a kernel's meaning changes, so that the hash changes with it."""

_LATER: Final = ("span_ms", "places", "grain_ms")
"""Keys of a feature that came when hashes stood already: the form holds them only where they are set."""


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """The d features of a portfolio over its e entities.

    ``hash`` is the content hash of the canonical form; ``state_features`` (d,) is True where a value needs
    timelines, hence is NaN when state is away. ``numbers`` are the entries of the payment's ``numbers``
    that features read; ``minor_digits`` the base currency's. ``lateness_ms`` is how far behind the newest
    payment of a timeline another may come and still find all that its windows hold.
    """

    portfolio_name: str
    names: tuple[str, ...]
    hash: str
    layout: Layout
    program: Program
    entities: tuple[Entity, ...]
    state_features: NDArray[np.bool_]
    specs: tuple[FeatureSpec, ...]
    calendar: Calendar
    numbers: tuple[str, ...]
    minor_digits: int
    lateness_ms: int


def compile_portfolio(portfolio: Portfolio) -> FeatureSet:
    """The feature set of a parsed portfolio."""
    layout = _layout(portfolio)
    calendar = build_calendar(portfolio.time_zone, portfolio.time_offsets)
    numbers = _numbers(portfolio.features)
    digits = MINOR_DIGITS[portfolio.currency]
    return FeatureSet(
        portfolio_name=portfolio.name,
        names=tuple(feature.name for feature in portfolio.features),
        hash=_canonical_hash(portfolio, layout, calendar, digits),
        layout=layout,
        program=_program(portfolio, numbers),
        entities=portfolio.entities,
        state_features=_state_features(portfolio.features),
        specs=portfolio.features,
        calendar=calendar,
        numbers=numbers,
        minor_digits=digits,
        lateness_ms=portfolio.horizon_days * DAY_MS + portfolio.ahead_ms,
    )


def _layout(portfolio: Portfolio) -> Layout:
    return Layout(
        columns=tuple((c.name, c.field or place_field(*(c.place or ()))) for c in portfolio.columns),
        categories=portfolio.categories,
        activities=portfolio.activities,
    )


def _canonical_hash(portfolio: Portfolio, layout: Layout, calendar: Calendar, digits: int) -> str:
    """The hash over all that decides a value, defaults spelled out; the file's own shape is not in it."""
    features = [_form(feature) for feature in portfolio.features]
    form = [_SEMANTICS, portfolio.entities, layout, calendar, digits, features]
    return content_hash(msgspec.json.encode(form))


def _form(feature: FeatureSpec) -> dict[str, Any]:
    form: dict[str, Any] = msgspec.to_builtins(feature)
    return {key: value for key, value in form.items() if key not in _LATER or value}


def _numbers(features: tuple[FeatureSpec, ...]) -> tuple[str, ...]:
    names = [f.field[len(NUMBER_PREFIX) :] for f in features if f.field and f.field.startswith(NUMBER_PREFIX)]
    return tuple(dict.fromkeys(names))


def _state_features(features: tuple[FeatureSpec, ...]) -> NDArray[np.bool_]:
    needs: dict[str, bool] = {}
    for feature in features:
        operands = [name for name in (feature.left, feature.right) if name is not None]
        needs[feature.name] = feature.entity is not None or any(needs[name] for name in operands)
    mask = np.array(list(needs.values()), dtype=np.bool_)
    mask.setflags(write=False)
    return mask


def _program(portfolio: Portfolio, numbers: tuple[str, ...]) -> Program:
    """One column per feature. Names become positions; -1 stands for none."""
    features = portfolio.features
    entities = [entity.name for entity in portfolio.entities]
    columns = [column.name for column in portfolio.columns]
    names = [feature.name for feature in features]
    parameters = [(*_parameters(feature), 0.0, 0.0) for feature in features]
    return Program(
        kind=np.array([CODES[f.kind] for f in features], np.int32),
        entity=np.array([_position(entities, f.entity) for f in features], np.int32),
        stream=np.array([_stream(portfolio, f) for f in features], np.int32),
        window_ms=np.array([f.window_ms for f in features], np.int64),
        offset_ms=np.array([f.offset_ms for f in features], np.int64),
        self=np.array([f.counts_self for f in features], np.uint8),
        column=np.array([_column(f, columns, numbers) for f in features], np.int32),
        left=np.array([_position(names, f.left) for f in features], np.int32),
        right=np.array([_position(names, f.right) for f in features], np.int32),
        p0=np.array([p[0] for p in parameters], np.float64),
        p1=np.array([p[1] for p in parameters], np.float64),
        span_ms=np.array([f.span_ms for f in features], np.int64),
        grain_ms=np.array([f.grain_ms for f in features], np.int64),
    )


def _position(names: list[str], name: str | None) -> int:
    return -1 if name is None else names.index(name)


def _stream(portfolio: Portfolio, feature: FeatureSpec) -> int:
    if feature.activity is not None:
        return 2 + portfolio.activities.index(feature.activity)
    return 1 if KINDS[feature.kind].stream == "labels" else 0


def _column(feature: FeatureSpec, columns: list[str], numbers: tuple[str, ...]) -> int:
    if feature.field and feature.field.startswith(NUMBER_PREFIX):
        return numbers.index(feature.field[len(NUMBER_PREFIX) :])
    return _position(columns, feature.column)


def _parameters(feature: FeatureSpec) -> tuple[float, ...]:
    if feature.field is None:
        return feature.parameters
    return (float(FIELDS.get(feature.field, NUMBER)),)
