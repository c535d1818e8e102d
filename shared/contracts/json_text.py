"""JSON text as it stands: all members of an object, also one that stands twice, and numbers as written."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


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
