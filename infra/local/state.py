"""What the supervisor writes down after every change: its parts, their processes, where they answer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from .options import StackOptions
from .processes import ProcessRecord

Phase = Literal[
    "waiting", "working", "starting", "running", "ready", "not ready", "failed", "stopping", "stopped"
]
"""``waiting``: back-off after an exit. ``working``: a step without a process, such as a download.
``running`` is said of the whole stack only: everything was started, each part says how it is."""


class Part(Struct, kw_only=True):
    """A part of the stack; ``record`` is None for a step and while no process runs."""

    name: str
    phase: Phase = "stopped"
    detail: str = ""
    record: ProcessRecord | None = None
    address: str = ""
    log_path: str = ""
    health_port: int = 0
    exits: int = 0


class StackState(Struct, kw_only=True):
    """The whole stack. ``failure`` is a sentence and its way out when the start failed."""

    options: StackOptions
    supervisor: ProcessRecord
    phase: Phase = "starting"
    parts: list[Part] = []
    addresses: dict[str, str] = {}
    started_at_s: float = 0.0
    failure: tuple[str, str] | None = None
    note: str = ""

    def records(self) -> list[ProcessRecord]:
        """Every process of the stack but the supervisor, in the order of its start."""
        return [part.record for part in self.parts if part.record is not None]


def write_state(path: Path, state: StackState) -> None:
    """Replace the file at once: a reader sees the old state or the new one. Raises OSError."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
    partial.replace(path)


def read_state(path: Path) -> StackState | None:
    """The last state written, or None where there is none or it is of another version."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=StackState)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None
