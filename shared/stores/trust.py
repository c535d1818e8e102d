"""Trusted keys as they stand in their folder now: a signer may be added while we run."""

from __future__ import annotations

from pathlib import Path

from .signing import read_trusted


class FolderTrust:
    """Verifies with the public keys in ``folder/trusted``, read anew each time; releases are rare."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def verify(self, signer: str, message: bytes, signature: str) -> bool:
        """Whether a trusted key ``signer`` signed ``message``. Raises KeyRefused for a broken key file."""
        return read_trusted(self._folder).verify(signer, message, signature)
