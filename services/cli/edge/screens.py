"""Where the console is, and the file of its first user's password, which itself is never shown."""

from __future__ import annotations

from pathlib import Path

from infra.local.layout import DataDir
from infra.local.secrets import Secrets
from infra.local.state import StackState


def where(state: StackState) -> str:
    """One line on the screens of a running stack."""
    password = Secrets(DataDir(Path(state.options.data_dir)).secrets).console_admin
    return f"Screens: {state.addresses.get('console')}   user admin, password in {password}"
