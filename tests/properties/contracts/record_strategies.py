"""Hypothesis strategies for any record of the contracts, drawn from its own types and bounds."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from shared.contracts.bounds import is_clean_text
from shared.contracts.card_numbers import LONGEST, SHORTEST, has_card_number
from shared.contracts.card_rules import forbidden_name
from shared.contracts.money import MINOR_DIGITS
from shared.contracts.topics import TOPICS

RECORDS = tuple(dict.fromkeys(record for card in TOPICS for record in card.records or ()))

INT64 = (-(2**63), 2**63 - 1)
CLEAN = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def records(record: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any valid ``record``."""
    info = inspect.type_info(record)
    assert isinstance(info, inspect.StructType)
    return _struct(info)


def _struct(info: inspect.StructType) -> st.SearchStrategy[Any]:
    fields = {field.name: _field(field) for field in info.fields}
    return st.builds(info.cls, **fields)


def _field(field: inspect.Field) -> st.SearchStrategy[Any]:
    if field.name == "currency":
        return st.sampled_from(sorted(MINOR_DIGITS))
    return _value(field.type)


def _value(info: inspect.Type) -> st.SearchStrategy[Any]:
    match info:
        case inspect.IntType():
            return st.integers(*_bounds(info, *INT64))
        case inspect.FloatType():
            low, high = _bounds(info, None, None)
            return st.floats(low, high, allow_nan=False, allow_infinity=False)
        case inspect.StrType():
            return _text(info.min_length or 0, info.max_length)
        case inspect.BoolType():
            return st.booleans()
        case inspect.BytesType():
            return st.binary(max_size=64)
        case inspect.LiteralType():
            return st.sampled_from(info.values)
        case inspect.NoneType():
            return st.none()
        case inspect.UnionType():
            return st.one_of([_value(part) for part in info.types])
        case inspect.ListType():
            return st.lists(_value(info.item_type), max_size=4)
        case inspect.DictType():
            return st.dictionaries(_value(info.key_type), _value(info.value_type), max_size=4)
        case inspect.StructType():
            return _struct(info)
    raise TypeError(f"no strategy for {info}")


def _bounds(info: inspect.IntType | inspect.FloatType, low: Any, high: Any) -> tuple[Any, Any]:
    return (low if info.ge is None else info.ge, high if info.le is None else info.le)


def _text(low: int, high: int | None) -> st.SearchStrategy[str]:
    text = st.text(CLEAN, min_size=low, max_size=min(high or 64, 64))
    return text.filter(is_clean_text).filter(_is_no_card)


def _is_no_card(text: str) -> bool:
    """Whether a text may stand in any field: the rules for cards depend on the field, and rarely strike."""
    is_number = text.isdecimal() and SHORTEST <= len(text) <= LONGEST
    return not (is_number or has_card_number(text) or forbidden_name(text))
