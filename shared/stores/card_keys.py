"""The secret that card numbers are named by, as a file: made once, for all services alike."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from shared.contracts.card_numbers import CardKey

from .durable_files import create_whole

KEY_FILE: Final = "cards.key"
KEY_BYTES: Final = 32


def card_key(keys: Path) -> CardKey:
    """The secret in the folder ``keys``. Raises OSError; ValueError for a file that is no key."""
    path = keys / KEY_FILE
    if not path.exists():
        create_whole(path, secrets.token_bytes(KEY_BYTES), 0o600)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path} is no key of {KEY_BYTES} bytes")
    return CardKey(key)
