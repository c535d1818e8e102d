"""JSON text as it stands: all members of an object, also one that stands twice, and numbers as written."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

import msgspec

_KEY: Final = re.compile(rb'"\s*:')


class NumberText(str):
    """A number as JSON writes it: a field we do not know may hold one of five thousand digits."""

    __slots__ = ()


class Members(list[tuple[str, Any]]):
    """The members of an object in their order."""

    __slots__ = ()


class Parsed(NamedTuple):
    """``value`` is made of `Members`, lists, `NumberText`, texts and constants.

    ``twice`` is a key that stands twice in one object, None without one.
    """

    value: Any
    twice: str | None


def parse(text: str) -> Parsed:
    """What stands in the JSON ``text``. Raises ValueError for other text."""
    found: list[str] = []

    def keep(pairs: list[tuple[str, Any]]) -> Members:
        keys = [key for key, _ in pairs]
        if len(set(keys)) != len(keys):
            found.append(next(key for key in keys if keys.count(key) > 1))
        return Members(pairs)

    value = json.loads(text, object_pairs_hook=keep, parse_int=NumberText, parse_float=NumberText)
    return Parsed(value, found[0] if found else None)


def has_single_keys(raw: bytes) -> bool:
    """Whether no key can stand twice in an object of the valid JSON object ``raw``; True is certain.

    Without a backslash every quote opens or closes a text, so each key is a quote before a colon.
    """
    if b"\\" in raw:
        return False
    found = msgspec.json.decode(raw)
    return len(_KEY.findall(raw)) == _members(found)


def _members(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_members, value.values()))
    return sum(map(_members, value)) if isinstance(value, list) else 0
