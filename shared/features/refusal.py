"""Why a portfolio is refused: one sentence, with the file, the key and the line to mend."""

from __future__ import annotations

import re
from typing import Final

import msgspec.inspect as shapes

_HEADER: Final = re.compile(r"\s*\[")


class PortfolioError(Exception):
    """A portfolio that does not compile. ``line`` counts from 1; 0 where the text has no such place."""

    def __init__(self, file: str, key: str, line: int, sentence: str) -> None:
        super().__init__(f"{file}:{line}: {key}: {sentence}")
        self.file = file
        self.key = key
        self.line = line
        self.sentence = sentence


def find_line(text: str, key: str, anchor: str = "", occurrence: int = 0) -> int:
    """Line (from 1) where ``key`` is set, inside the table that holds ``anchor``; 0 if nowhere.

    ``anchor`` is a piece of text that names the table, such as ``name = "x"`` or ``[source]``;
    ``occurrence`` takes the second, third... place where it stands. Without ``key``, or where the table
    does not set it, the line of the anchor itself.
    """
    lines = text.splitlines()
    setting = re.compile(rf"(^|[\s{{,]){re.escape(key)}\s*=|\[+\s*([\w.]*\.)?{re.escape(key)}\s*\]")
    if not anchor:
        return next((i + 1 for i, line in enumerate(lines) if setting.search(line)), 0)
    places = [i for i, line in enumerate(lines) if _squeeze(anchor) in _squeeze(line)]
    if not places:
        return 0
    at = places[min(occurrence, len(places) - 1)]
    if not key or setting.search(lines[at]):
        return at + 1
    for i in _table_of(lines, at):
        if setting.search(lines[i]):
            return i + 1
    return at + 1


def find_member(text: str, key: str, number: int) -> int:
    """Line of the ``number``-th table (from 1) of the list ``key``; 0 if there is none.

    The list is written as ``[[key]]`` or inline; each inline table begins on a line of its own.
    """
    lines = text.splitlines()
    headers = [i + 1 for i, line in enumerate(lines) if line.strip().startswith(f"[[{key}]]")]
    begin = find_line(text, key)
    inline = [i + 1 for i in range(begin - 1, len(lines)) if lines[i].lstrip().startswith("{")]
    found = headers or inline
    return found[number - 1] if number <= len(found) else begin


def keys_at(record: type, path: str) -> list[str]:
    """The keys that a struct takes which lies at ``path`` (as msgspec writes it, ``.source.fields[...]``).

    ``record`` is the struct that the path begins in. Empty where no struct lies there.
    """
    shape: shapes.Type = shapes.type_info(record)
    for name, _ in re.findall(r"\.([\w-]+)|(\[)", path):
        shape = _field(shape, name) if name else _element(shape)
    return [f.encode_name for f in shape.fields] if isinstance(shape, shapes.StructType) else []


def _field(shape: shapes.Type, name: str) -> shapes.Type:
    found = [f.type for f in getattr(shape, "fields", ()) if f.encode_name == name]
    options = getattr(found[0], "types", found) if found else [shape]
    return next((o for o in options if not isinstance(o, shapes.NoneType)), shape)


def _element(shape: shapes.Type) -> shapes.Type:
    found: shapes.Type = getattr(shape, "value_type", getattr(shape, "item_type", shape))
    return found


def _squeeze(line: str) -> str:
    return re.sub(r"\s*=\s*", "=", line.replace("'", '"'))


def _table_of(lines: list[str], at: int) -> range:
    """The lines of the table around line ``at``; an inline table is its own line."""
    if "{" in lines[at]:
        return range(at, at + 1)
    start = at
    while start > 0 and not _HEADER.match(lines[start]):
        start -= 1
    end = at + 1
    while end < len(lines) and not _HEADER.match(lines[end]):
        end += 1
    return range(start, end)
