"""Ids in the paths of an HTTP API."""

from __future__ import annotations

from typing import ClassVar

from starlette.convertors import Convertor, register_url_convertor


class IdConvertor(Convertor[str]):
    """``{name:id}``: whatever an id may hold, and that is every character, a slash and a line's end too."""

    regex: ClassVar[str] = "(?s:.+)"

    def convert(self, value: str) -> str:
        """The path as it came, percent signs decoded."""
        return value

    def to_string(self, value: str) -> str:
        """The id itself."""
        return value


def let_ids_into_paths() -> None:
    """Make ``{name:id}`` known to every route declared from now on."""
    register_url_convertor("id", IdConvertor())
