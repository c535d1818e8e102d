"""Ed25519 keys in files: one private key per signer, and the folder of public keys we trust.

``<folder>/<name>.key`` (PEM, mode 0600) signs; every ``<folder>/trusted/*.pub`` (PEM) is trusted. The
local stack trusts the keys it makes; a deployment mounts the trusted folder read-only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .durable_files import create_whole, write_whole

PRIVATE_MODE: Final = 0o600


class KeyRefused(Exception):
    """A key file that cannot be used; the text says which and why."""


def key_id(public: Ed25519PublicKey) -> str:
    """The first 16 hex digits of blake2b-256 of the raw public key."""
    return blake2b(public.public_bytes_raw(), digest_size=32).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one private key; ``key_id`` names it beside each signature."""

    key_id: str
    private: Ed25519PrivateKey

    def sign(self, message: bytes) -> str:
        """Ed25519 signature of ``message``: 128 hex digits."""
        return self.private.sign(message).hex()

    def __repr__(self) -> str:
        return f"Signer({self.key_id})"


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """Public keys by key id."""

    keys: Mapping[str, Ed25519PublicKey]

    def verify(self, signer: str, message: bytes, signature: str) -> bool:
        """Whether ``signature`` (hex) over ``message`` was made by the trusted key ``signer``."""
        public = self.keys.get(signer)
        if public is None:
            return False
        try:
            public.verify(bytes.fromhex(signature), message)
        except (InvalidSignature, ValueError):
            return False
        return True


def open_signer(folder: Path, name: str) -> Signer:
    """The signer ``name`` of ``folder``; its key is made and trusted at the first call.

    Raises KeyRefused if the file is no Ed25519 key or others may read it, OSError if it cannot be written.
    """
    path = folder / f"{name}.key"
    if not path.exists():
        create_whole(path, _private_pem(Ed25519PrivateKey.generate()), PRIVATE_MODE)
    signer = _read_signer(path)
    trusted = folder / "trusted" / f"{name}.pub"
    if not trusted.exists():
        write_whole(trusted, _public_pem(signer.private.public_key()))
    return signer


def read_trusted(folder: Path) -> TrustedKeys:
    """Every key in ``folder/trusted/*.pub``. Raises KeyRefused for a file that is no Ed25519 key."""
    keys: dict[str, Ed25519PublicKey] = {}
    for path in sorted((folder / "trusted").glob("*.pub")):
        public = _read_public(path)
        keys[key_id(public)] = public
    return TrustedKeys(keys)


def _read_signer(path: Path) -> Signer:
    if path.stat().st_mode & 0o077:
        raise KeyRefused(f"{path.name}: others may read this private key; run: chmod 600 {path}")
    try:
        private = pem.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyRefused(f"{path.name}: no readable private key") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyRefused(f"{path.name}: not an Ed25519 key")
    return Signer(key_id(private.public_key()), private)


def _read_public(path: Path) -> Ed25519PublicKey:
    try:
        public = pem.load_pem_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyRefused(f"{path.name}: no readable public key") from error
    if not isinstance(public, Ed25519PublicKey):
        raise KeyRefused(f"{path.name}: not an Ed25519 key")
    return public


def _private_pem(private: Ed25519PrivateKey) -> bytes:
    return private.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())


def _public_pem(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
