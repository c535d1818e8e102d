"""The folders of a stack: everything it keeps lies under one data dir."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import StackError

LEAST_FREE_BYTES: Final = 512 * 1024 * 1024
FOLDERS: Final = ("kafka", "redis", "logs", "run", "lake", "artefacts", "keys", "numba", "sql")


@dataclass(frozen=True, slots=True)
class DataDir:
    """Paths under ``root``, which is absolute."""

    root: Path

    @classmethod
    def at(cls, path: Path) -> DataDir:
        """The data dir at ``path``, seen from the current folder."""
        return cls(Path(os.path.abspath(path)))

    @property
    def kafka(self) -> Path:
        """Settings and data of the broker."""
        return self.root / "kafka"

    @property
    def redis(self) -> Path:
        """The append-only file, and the socket where its path is short enough."""
        return self.root / "redis"

    @property
    def secrets(self) -> Path:
        """Passwords, a file each; the folder is its owner's alone."""
        return self.root / "secrets"

    @property
    def state_file(self) -> Path:
        """What the supervisor says about the stack."""
        return self.root / "run" / "stack.json"

    @property
    def lock_file(self) -> Path:
        """Held by the running supervisor."""
        return self.root / "run" / "stack.lock"

    @property
    def ports_file(self) -> Path:
        """Ports of former runs, so that addresses stay the same."""
        return self.root / "run" / "ports.json"

    def log(self, part: str) -> Path:
        """The log of a part of the stack."""
        return self.root / "logs" / f"{part}.log"

    def make(self) -> None:
        """Create the folders. Raises StackError where they cannot be written or the disk is full."""
        try:
            for folder in FOLDERS:
                (self.root / folder).mkdir(parents=True, exist_ok=True)
            trial = self.root / "run" / f".trial.{os.getpid()}"
            trial.write_bytes(b"x")
            trial.unlink()
        except OSError as error:
            raise StackError(
                f"The data dir {self.root} cannot be written: {error.strerror or error}.",
                "Name another with --data-dir, or make this one yours.",
            ) from error
        self.require_space()

    def require_space(self) -> None:
        """Raises StackError when less is free than Kafka, Redis and the lake need to start."""
        free_bytes = shutil.disk_usage(self.root).free
        if free_bytes < LEAST_FREE_BYTES:
            raise StackError(
                f"The disk of {self.root} is full: {free_bytes >> 20} MB are free, "
                f"{LEAST_FREE_BYTES >> 20} MB are needed.",
                "Free some space, or name a folder on another disk with --data-dir.",
            )
