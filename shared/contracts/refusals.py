"""The one error of bytes that are no valid record."""

from __future__ import annotations


class DecodeError(Exception):
    """Bytes that are no valid record: ``code`` is a reason code, ``field`` the field at fault or ""."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(f"{code}: {field}" if field else code)
        self.code = code
        self.field = field
