"""One declared feature: its table in the portfolio, checked against its kind and resolved to plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from .durations import DAY_MS, HOUR_MS, format_duration, parse_duration
from .fields import FIELDS, NUMBER_PREFIX, PLACE_FIELDS, is_number, is_of_place
from .kinds import KINDS, KindSpec

WINDOW_LIMIT_MS: Final = 800 * DAY_MS
_LIMIT: Final = format_duration(WINDOW_LIMIT_MS)

GRAINS_MS: Final = {"exact": 0, "hour": HOUR_MS}
"""What an ``edge`` may be, and how long the buckets of such a window are."""


class FeatureSpec(Struct, frozen=True, kw_only=True):
    """A feature with everything resolved, defaults too. Two specs that compute the same are equal.

    The window is (t - offset_ms - window_ms, t - offset_ms]; ``activity`` names the activity kind that is
    read instead of transactions; ``parameters`` are p0 and p1, ``span_ms`` the kind's second duration.
    ``places`` are the latitude and longitude of one place and those of another, as fields of the payment.

    With a ``grain_ms`` the window is made of buckets that long, counted in UTC, and E(x) is the start of
    the bucket of x: it holds the records r with E(t - offset - window) <= r < E(t - offset), or r <= t
    where there is no offset.
    """

    name: str
    kind: str
    entity: str | None = None
    activity: str | None = None
    window_ms: int = 0
    offset_ms: int = 0
    counts_self: bool = False
    column: str | None = None
    field: str | None = None
    left: str | None = None
    right: str | None = None
    parameters: tuple[float, ...] = ()
    span_ms: int = 0
    places: tuple[str, ...] = ()
    grain_ms: int = 0


class FeatureError(Exception):
    """What is wrong with a feature's ``key``, as one sentence."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key
        self.sentence = sentence


class Vocabulary(Struct, frozen=True):
    """The names that features may use, and the label delay that delayed kinds take by default.

    ``activity_columns`` are those of the ``columns`` that an activity can have a value of, ``places`` those
    that hold places.
    """

    entities: Sequence[str]
    columns: Sequence[str]
    activity_columns: Sequence[str]
    places: Sequence[str]
    activities: Sequence[str]
    label_delay_ms: int


def parse_feature(table: Mapping[str, Any], vocabulary: Vocabulary) -> FeatureSpec:
    """The feature of one ``[[features]]`` table. Raises FeatureError."""
    name = _text(table, "name")
    if not name or len(name) > 64:
        raise FeatureError("name", "a feature's name has 1 to 64 characters")
    kind = _kind(table)
    _refuse_unknown(table, kind)
    column = _member(table, "column", vocabulary.columns, "column") if kind.column else None
    if kind.place and column not in vocabulary.places:
        raise FeatureError("column", f"the column '{column}' holds no places")
    if "activity" in table:
        _refuse_of_payments(table, column, vocabulary)
    spec = FeatureSpec(
        name=name,
        kind=kind.name,
        entity=_member(table, "entity", vocabulary.entities, "entity") if kind.entity else None,
        activity=_activity(table, kind, vocabulary.activities),
        window_ms=_window(table) if kind.entity else 0,
        offset_ms=_offset(table, kind, vocabulary.label_delay_ms),
        counts_self=_flag(table, "self"),
        column=column,
        field=_field(table) if kind.field else None,
        left=_text(table, "left") if kind.operands else None,
        right=_text(table, "right") if kind.operands else None,
        parameters=tuple(_number(table, key, default) for key, default in kind.parameters),
        places=(*_place(table, "from"), *_place(table, "to")) if kind.places else (),
        span_ms=_span(table, kind, vocabulary.label_delay_ms),
        grain_ms=_grain(table) if kind.entity else 0,
    )
    _refuse_reach(table, kind, spec)
    return spec


def _kind(table: Mapping[str, Any]) -> KindSpec:
    name = _text(table, "kind")
    if name not in KINDS:
        raise FeatureError("kind", f"there is no kind '{name}'; known are {', '.join(sorted(KINDS))}")
    return KINDS[name]


def _allowed(kind: KindSpec) -> set[str]:
    keys = {"name", "kind"} | {key for key, _ in kind.parameters}
    keys |= {"entity", "window", "offset", "edge"} if kind.entity else set()
    keys |= {"self"} if kind.takes_self else set()
    keys |= {"activity"} if kind.stream in ("activity", "any") else set()
    keys |= {"column"} if kind.column else set()
    keys |= {"field"} if kind.field else set()
    keys |= {"from", "to"} if kind.places else set()
    keys |= {kind.span.key} if kind.span else set()
    return keys | ({"left", "right"} if kind.operands else set())


def _refuse_unknown(table: Mapping[str, Any], kind: KindSpec) -> None:
    allowed = _allowed(kind)
    for key in table:
        if key not in allowed:
            raise FeatureError(
                key, f"a feature of kind '{kind.name}' takes no '{key}', only {', '.join(sorted(allowed))}"
            )


def _refuse_of_payments(table: Mapping[str, Any], column: str | None, vocabulary: Vocabulary) -> None:
    """What only payments have, asked of activities, would be a constant that nobody notices."""
    if _flag(table, "self"):
        raise FeatureError("self", "a window of activities never holds the payment itself")
    if column is not None and column not in vocabulary.activity_columns:
        raise FeatureError("column", f"an activity has no value of the column '{column}'")


def _text(table: Mapping[str, Any], key: str) -> str:
    if key not in table:
        raise FeatureError(key, f"the feature lacks '{key}'")
    value = table[key]
    if not isinstance(value, str):
        raise FeatureError(key, f"'{key}' must be a text")
    return value


def _member(table: Mapping[str, Any], key: str, known: Sequence[str], what: str) -> str:
    value = _text(table, key)
    if value not in known:
        raise FeatureError(
            key, f"there is no {what} '{value}'; the portfolio declares {', '.join(known) or 'none'}"
        )
    return value


def _activity(table: Mapping[str, Any], kind: KindSpec, known: Sequence[str]) -> str | None:
    if kind.stream == "activity" or (kind.stream == "any" and "activity" in table):
        return _member(table, "activity", known, "activity kind")
    return None


def _duration(table: Mapping[str, Any], key: str) -> int:
    try:
        return parse_duration(_text(table, key))
    except ValueError as error:
        raise FeatureError(key, str(error)) from None


def _window(table: Mapping[str, Any], key: str = "window") -> int:
    window_ms = _duration(table, key)
    if not 0 < window_ms <= WINDOW_LIMIT_MS:
        raise FeatureError(key, f"a window lasts from 1s to {_LIMIT}")
    return window_ms


def _grain(table: Mapping[str, Any]) -> int:
    if "edge" not in table:
        return 0
    edge = _text(table, "edge")
    if edge not in GRAINS_MS:
        raise FeatureError("edge", f"there is no edge '{edge}'; known are {', '.join(GRAINS_MS)}")
    if _window(table) < GRAINS_MS[edge]:
        raise FeatureError("edge", "a window shorter than an hour has no hour edge")
    return GRAINS_MS[edge]


def _span(table: Mapping[str, Any], kind: KindSpec, label_delay_ms: int) -> int:
    if kind.span is None:
        return 0
    key, default = kind.span.key, kind.span.default
    if key not in table:
        return parse_duration(default) if default else label_delay_ms
    if default:
        return _window(table, key)
    span_ms = _duration(table, key)
    if not label_delay_ms <= span_ms <= WINDOW_LIMIT_MS:
        raise FeatureError(key, f"'{key}' is at least the portfolio's label delay, at most {_LIMIT}")
    return span_ms


def _offset(table: Mapping[str, Any], kind: KindSpec, label_delay_ms: int) -> int:
    if "offset" not in table:
        return label_delay_ms if kind.delayed else 0
    offset_ms = _duration(table, "offset")
    if offset_ms > WINDOW_LIMIT_MS:
        raise FeatureError("offset", f"an offset lasts at most {_LIMIT}")
    if kind.delayed and offset_ms < label_delay_ms:
        raise FeatureError("offset", "a delayed feature reads no labels before the portfolio's label delay")
    return offset_ms


def _refuse_reach(table: Mapping[str, Any], kind: KindSpec, spec: FeatureSpec) -> None:
    """A window that no record can be in, or none that is old enough, would be a constant."""
    reach_ms = spec.offset_ms + spec.window_ms
    if reach_ms > WINDOW_LIMIT_MS:
        raise FeatureError("offset", f"offset and window together reach back at most {_LIMIT}")
    if kind.span and not kind.span.default and spec.span_ms >= reach_ms:
        key = kind.span.key if kind.span.key in table else "window"
        delay, reach = format_duration(spec.span_ms), format_duration(reach_ms)
        raise FeatureError(
            key,
            f"a delay of {delay} leaves nothing of the {reach} that are read: no fraud would be known",
        )


def _place(table: Mapping[str, Any], key: str) -> tuple[str, str]:
    fields = table.get(key)
    if not isinstance(fields, list) or len(fields) != 2 or not all(isinstance(f, str) for f in fields):
        raise FeatureError(key, f"'{key}' lists the two fields of a place, latitude and longitude")
    for field in fields:
        if not is_of_place(field):
            known = ", ".join(PLACE_FIELDS)
            raise FeatureError(key, f"'{field}' is no half of a place; use {known} or {NUMBER_PREFIX}NAME")
    return fields[0], fields[1]


def _flag(table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise FeatureError(key, f"'{key}' must be true or false")
    return value


def _number(table: Mapping[str, Any], key: str, default: float) -> float:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        raise FeatureError(key, f"'{key}' must be a finite number")
    return float(value)


def _field(table: Mapping[str, Any]) -> str:
    value = _text(table, "field")
    if value not in FIELDS and not is_number(value):
        known = ", ".join(FIELDS)
        raise FeatureError("field", f"there is no field '{value}'; use {known} or {NUMBER_PREFIX}NAME")
    return value
