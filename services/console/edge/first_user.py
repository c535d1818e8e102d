"""The first start: one admin with a drawn password, told by a file that its owner alone reads."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.console.core.refusal import Refused
from shared.runtime.logs import get_logger

from .accounts import Accounts

log = get_logger("console.first_user")

ADMIN: Final = "admin"


def make_first_user(accounts: Accounts, password_file: Path | None, now_ms: int) -> None:
    """Make `ADMIN` where there is no user yet, with the password in ``password_file``.

    Without a file nobody is made: `assay users add` does it. Raises OSError, DatabaseAway, Refused.
    """
    if password_file is None or accounts.users():
        return
    try:
        accounts.add(ADMIN, "admin", password_file.read_text(encoding="ascii").strip(), now_ms)
    except Refused as refused:
        if refused.code == "user_exists":
            return  # another console was first
        raise
    log.info("first_user_made", detail=ADMIN)


def house_key(path: Path | None) -> str:
    """The key by which the command line manages users, "" without a file. Raises OSError."""
    return "" if path is None else path.read_text(encoding="ascii").strip()
