"""A portfolio: one configured population, read from one TOML text."""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from shared.contracts.models import Policy
from shared.contracts.money import is_known
from shared.contracts.payments import ENTITY_FIELDS, Activity

from .budget import Budget, refuse_budget
from .calendar import TimeOffset, build_calendar
from .durations import DAY_MS
from .fields import is_of_place
from .mapping import TEXT_PREFIX, Parity, Source, Training, refuse_parity, refuse_source, refuse_training
from .refusal import PortfolioError, find_line, find_member, keys_at
from .spec import FeatureError, FeatureSpec, Vocabulary, parse_feature

RATE_ONE_PPM: Final = 1_000_000
ACTIVITY_LIMIT: Final = 200
CATEGORY_LIMIT: Final = 65_535

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_TEXT_FIELDS: Final = (*ENTITY_FIELDS, "category", "channel", "country", "caller", "gateway")


class Entity(Struct, frozen=True, forbid_unknown_fields=True):
    """What timelines are kept of: a name, and the field of a record that carries its id."""

    name: str
    key: str


class Column(Struct, frozen=True, forbid_unknown_fields=True):
    """An extra column of every timeline, 64 bits: the keyed hash of a text ``field`` (``texts.X`` too), or a
    ``place``, the two fields that hold its latitude and longitude in degrees."""

    name: str
    field: str = ""
    place: tuple[str, str] | None = None


class Portfolio(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that one population needs. Tuples keep the order of the file where order has a meaning.

    ``categories`` is the vocabulary of the transaction's category (codes from 1), ``activities`` that of the
    activity kinds kept in timelines. A label is mature ``maturity_days`` after its payment.
    ``rates_ppm`` gives base minor units per minor unit of another currency, in millionths; the next release
    takes them over, and payments are converted by the release that decides.
    """

    name: str
    currency: str
    entities: tuple[Entity, ...]
    features: tuple[FeatureSpec, ...]
    time_zone: str = "UTC"
    time_offsets: tuple[TimeOffset, ...] = ()
    label_delay_days: int = 7
    maturity_days: int = 30
    horizon_days: int = 7
    ahead_ms: int = 3_600_000
    columns: tuple[Column, ...] = ()
    categories: tuple[str, ...] = ()
    activities: tuple[str, ...] = ()
    policy: Policy = field(default_factory=Policy)
    rates_ppm: dict[str, int] = {}
    source: Source = field(default_factory=Source)
    parity: Parity | None = None
    training: Training = field(default_factory=Training)
    budget: Budget | None = None


class _Refusing:
    """Raises `PortfolioError` with the line found in the text."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file

    def refuse(self, key: str, sentence: str, anchor: str = "", occurrence: int = 0) -> PortfolioError:
        line = find_line(self.text, key, anchor, occurrence)
        return PortfolioError(self.file, key, line, sentence)


def parse_portfolio(text: str, file: str) -> Portfolio:
    """The portfolio in a TOML ``text``; ``file`` only names it in errors. Raises PortfolioError."""
    at = _Refusing(text, file)
    document = _read_toml(at)
    tables = document.pop("features", [])
    portfolio = _convert(at, {**document, "features": []})
    _check_policy(at, document.get("policy", {}))
    _check_base(at, portfolio)
    features = _parse_features(at, tables, portfolio)
    portfolio = msgspec.structs.replace(
        portfolio, features=features, rates_ppm={portfolio.currency: RATE_ONE_PPM, **portfolio.rates_ppm}
    )
    _check_operands(at, features)
    _check_mappings(at, portfolio)
    return portfolio


def _read_toml(at: _Refusing) -> dict[str, Any]:
    try:
        return tomllib.loads(at.text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else at.text.count("\n") + 1
        raise PortfolioError(at.file, "toml", line, f"this is no TOML: {error}") from None


def _convert(at: _Refusing, document: dict[str, Any]) -> Portfolio:
    try:
        return msgspec.convert(document, Portfolio, strict=True)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        unknown = re.search(r"(?:unknown|required) field `([^`]*)`", message)
        steps = re.findall(r"[\w-]+", path)
        key = unknown[1] if unknown else next((s for s in reversed(steps) if not s.isdigit()), "")
        table = steps if unknown else steps[:-1]
        anchor = next((s for s in reversed(table) if not s.isdigit() and s != key), "")
        line = find_line(at.text, key, f"[{anchor}]" if anchor else "") or find_line(at.text, key)
        if member := re.search(r"(\w+)\[(\d+)\]`?$", path):
            line = find_member(at.text, member[1], int(member[2]) + 1)
        raise PortfolioError(at.file, key, line, _sentence(message, key, path)) from None


def _sentence(message: str, key: str, path: str) -> str:
    if "unknown field" in message:
        return f"there is no '{key}' here, only {', '.join(keys_at(Portfolio, path.rstrip('`')))}"
    if "required field" in message:
        return f"'{key}' is missing here"
    return f"'{key}' does not fit: {message[0].lower()}{message[1:]}"


def _check_base(at: _Refusing, portfolio: Portfolio) -> None:
    if not _NAME.fullmatch(portfolio.name):
        raise at.refuse("name", "a portfolio's name is lower case letters, digits and _, at most 32")
    if not is_known(portfolio.currency):
        raise at.refuse("currency", f"'{portfolio.currency}' is no active ISO 4217 code")
    for key in ("label_delay_days", "maturity_days", "horizon_days"):
        if not 0 <= getattr(portfolio, key) <= 800:
            raise at.refuse(key, f"{key} lies from 0 to 800")
    if not 0 <= portfolio.ahead_ms <= DAY_MS:
        raise at.refuse("ahead_ms", "ahead_ms lies from 0 to one day")
    if len(portfolio.activities) > ACTIVITY_LIMIT:
        raise at.refuse("activities", f"a portfolio names at most {ACTIVITY_LIMIT} activity kinds")
    if len(portfolio.categories) > CATEGORY_LIMIT:
        raise at.refuse("categories", f"a portfolio names at most {CATEGORY_LIMIT} categories")
    _check_entities(at, portfolio)
    if portfolio.budget and (wrong := refuse_budget(portfolio.budget, [e.name for e in portfolio.entities])):
        raise at.refuse(wrong[0], wrong[1], "[budget]")
    _check_columns(at, portfolio)
    _check_money(at, portfolio)
    try:
        build_calendar(portfolio.time_zone, portfolio.time_offsets)
    except ValueError as error:
        raise at.refuse("time_offsets" if portfolio.time_offsets else "time_zone", str(error)) from None


def _check_entities(at: _Refusing, portfolio: Portfolio) -> None:
    if not portfolio.entities:
        raise at.refuse("entities", "a portfolio needs at least one entity")
    _refuse_twins(at, "entity", [entity.name for entity in portfolio.entities])
    for entity in portfolio.entities:
        if entity.key not in ENTITY_FIELDS:
            sentence = f"'{entity.key}' is no id of a record; use {', '.join(ENTITY_FIELDS)}"
            raise at.refuse("key", sentence, f'name = "{entity.name}"')


def _check_columns(at: _Refusing, portfolio: Portfolio) -> None:
    _refuse_twins(at, "column", [column.name for column in portfolio.columns])
    for key, what in (("categories", "category"), ("activities", "activity kind")):
        names: tuple[str, ...] = getattr(portfolio, key)
        if twins := [name for name in names if names.count(name) > 1]:
            raise at.refuse(key, f"the {what} '{twins[0]}' stands twice")
    for column in portfolio.columns:
        if bool(column.field) == (column.place is not None):
            raise at.refuse("", "a column takes either a field or a place", f'name = "{column.name}"')
        if column.place is not None:
            if wrong := [field for field in column.place if not is_of_place(field)]:
                sentence = f"'{wrong[0]}' is no half of a place; use latitude, longitude or numbers.NAME"
                raise at.refuse("place", sentence, f'name = "{column.name}"')
        elif column.field not in _TEXT_FIELDS and not column.field.startswith(TEXT_PREFIX):
            sentence = f"'{column.field}' is no text field; use {', '.join(_TEXT_FIELDS)} or texts.NAME"
            raise at.refuse("field", sentence, f'name = "{column.name}"')


def _check_policy(at: _Refusing, table: dict[str, Any]) -> None:
    """The contract's own type takes newer fields without a word; in a file a word is a mistake."""
    for key in table:
        if key not in Policy.__struct_fields__:
            known = ", ".join(Policy.__struct_fields__)
            raise at.refuse(key, f"the policy has no '{key}', only {known}", "[policy]")


def _check_money(at: _Refusing, portfolio: Portfolio) -> None:
    for currency, rate in portfolio.rates_ppm.items():
        if not is_known(currency) or rate <= 0:
            raise at.refuse(currency, "a rate is a positive number of millionths of an ISO 4217 currency")
    if portfolio.rates_ppm.get(portfolio.currency, RATE_ONE_PPM) != RATE_ONE_PPM:
        raise at.refuse(portfolio.currency, f"the base currency's own rate is {RATE_ONE_PPM}")
    steps = [portfolio.policy.challenge_at, portfolio.policy.review_at, portfolio.policy.decline_at]
    used = [step for step in steps if step is not None]
    if used != sorted(used) or any(not 0 <= step <= 1 for step in used):
        raise at.refuse("policy", "thresholds lie from 0 to 1 and ascend: challenge, review, decline")


def _refuse_twins(at: _Refusing, what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise at.refuse("name", f"the {what} '{name}' stands twice", f'name = "{name}"', 1)


def _parse_features(at: _Refusing, tables: Any, portfolio: Portfolio) -> tuple[FeatureSpec, ...]:
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise at.refuse("features", "a portfolio lists its features as [[features]] tables")
    vocabulary = Vocabulary(
        entities=[entity.name for entity in portfolio.entities],
        columns=[column.name for column in portfolio.columns],
        activity_columns=[column.name for column in portfolio.columns if _of_activities(column)],
        places=[column.name for column in portfolio.columns if column.place is not None],
        activities=portfolio.activities,
        label_delay_ms=portfolio.label_delay_days * DAY_MS,
    )
    features = []
    for number, table in enumerate(tables, 1):
        try:
            features.append(parse_feature(table, vocabulary))
        except FeatureError as error:
            raise _of_feature(at, table, number, error) from None
    _refuse_twins(at, "feature", [feature.name for feature in features])
    return tuple(features)


def _of_feature(at: _Refusing, table: dict[str, Any], number: int, error: FeatureError) -> PortfolioError:
    """A feature without a name is told by its number in the list."""
    if isinstance(name := table.get("name"), str):
        return at.refuse(error.key, f"{name}: {error.sentence}", f'name = "{name}"')
    line = find_member(at.text, "features", number)
    return PortfolioError(at.file, error.key, line, f"feature {number}: {error.sentence}")


def _of_activities(column: Column) -> bool:
    return column.field in Activity.__struct_fields__ or column.field.startswith(TEXT_PREFIX)


def _check_operands(at: _Refusing, features: tuple[FeatureSpec, ...]) -> None:
    """Arithmetic reads columns that stand before its own, so one pass settles all; a cycle cannot."""
    place = {feature.name: i for i, feature in enumerate(features)}
    for i, feature in enumerate(features):
        for key, operand in (("left", feature.left), ("right", feature.right)):
            if operand is None:
                continue
            anchor = f'name = "{feature.name}"'
            if operand not in place:
                raise at.refuse(key, f"{feature.name}: there is no feature '{operand}'", anchor)
            if _reaches(features, place, operand, feature.name):
                raise at.refuse(key, f"{feature.name}: a cycle, '{operand}' is computed from it", anchor)
            if place[operand] > i:
                raise at.refuse(key, f"{feature.name}: '{operand}' must be declared before it", anchor)


def _reaches(features: tuple[FeatureSpec, ...], place: dict[str, int], start: str, goal: str) -> bool:
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name == goal:
            return True
        if name in seen or name not in place:
            continue
        seen.add(name)
        feature = features[place[name]]
        todo += [operand for operand in (feature.left, feature.right) if operand is not None]
    return False


def _check_mappings(at: _Refusing, portfolio: Portfolio) -> None:
    if wrong := refuse_source(portfolio.source):
        raise at.refuse(wrong[0], wrong[1], "[source.fields]")
    if wrong := refuse_training(portfolio.training):
        raise at.refuse(wrong[0], wrong[1], "[training]")
    names = {feature.name for feature in portfolio.features}
    if portfolio.parity and (found := refuse_parity(portfolio.parity, names)):
        raise at.refuse(found[1], found[2], f'column = "{found[0]}"')
