"""What docs say of the API: docs/openapi.json and the tables of docs/api.md, made of the gateway's own.

``python -m tests.support.api_page`` writes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.gateway.core.openapi import describe_api
from services.gateway.core.operations import COMMON, OPERATIONS, Operation
from services.gateway.core.refusal import Refused
from services.gateway.edge.app import VERSION
from shared.contracts.reasons import REASONS

DOCS: Final = Path(__file__).parents[2] / "docs"
OPENAPI: Final = DOCS / "openapi.json"
API: Final = DOCS / "api.md"
CALLS: Final = "calls"
ERRORS: Final = "errors"
_PART: Final = "<!-- made: {name} -->\n{text}<!-- end -->\n"


def openapi() -> str:
    """The description as the gateway serves it, with a line feed at its end."""
    return describe_api(VERSION).decode() + "\n"


def filled(page: str) -> str:
    """``page`` with its made parts written anew. Raises AssertionError where one has no place in it."""
    for name, text in ((CALLS, _calls()), (ERRORS, _errors())):
        place = re.escape(_PART.format(name=name, text="@")).replace("@", "(?:.*?)")
        begin, *rest = re.split(place, page, flags=re.S)
        found = len(rest)
        page = _PART.format(name=name, text=text).join((begin, *rest))
        assert found == 1, f"docs/api.md has {found} places for `{name}`"
    return page


def _calls() -> str:
    rows = [(_call(o), _code(o.action), o.summary, _sent(o), _answers(o)) for o in OPERATIONS]
    return _table(("call", "a key that allows", "does", "body", "answers"), rows)


def _call(operation: Operation) -> str:
    queries = [p["name"] for p in operation.parameters if p["in"] == "query"]
    return _code(f"{operation.method} {operation.path}" + "".join(f"?{name}=" for name in queries))


def _sent(operation: Operation) -> str:
    if not operation.body:
        return ""
    return "JSON object, array, or NDJSON" if operation.many else "JSON object"


def _answers(operation: Operation) -> str:
    return " ".join(f"**{status}** {words}" for status, (words, _, _) in sorted(operation.answers.items()))


def _errors() -> str:
    codes = {code for operation in OPERATIONS for code in (*COMMON, *operation.refusals)}
    codes |= {"not_found", "method_not_allowed"}
    ordered = sorted(codes, key=lambda code: (Refused.status_of(code), code))
    return _table(
        ("status", "code", "means"), [(str(Refused.status_of(c)), _code(c), REASONS[c]) for c in ordered]
    )


def _code(text: str) -> str:
    return f"`{text}`"


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    OPENAPI.write_text(openapi(), encoding="utf-8")
    API.write_text(filled(API.read_text(encoding="utf-8")), encoding="utf-8")
