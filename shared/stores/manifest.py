"""The manifest of an artefact: what it holds, by hash and size, and what it may be used for."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from shared.contracts.bounds import Count, LongText, ShortText, Text, Version

MODEL_FILE: Final = "model.txt"
REFERENCE_FILE: Final = "reference.json"
"""How inputs and score lay in training (`shared.evaluation.drift`); models from elsewhere may lack it."""
CARD_FILE: Final = "card.json"
GOLDEN_INPUTS_FILE: Final = "golden_inputs.npy"
GOLDEN_RAW_FILE: Final = "golden_raw.npy"
REQUIRED_FILES: Final = (MODEL_FILE, CARD_FILE, GOLDEN_INPUTS_FILE, GOLDEN_RAW_FILE)

FILE_LIMIT_BYTES: Final = 256 * 1024 * 1024
MANIFEST_LIMIT_BYTES: Final = 1024 * 1024

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
FileName = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_.-]{0,63}$")]


class ArtefactRefused(Exception):
    """An artefact that must not be used: ``code`` is a reason code, ``detail`` says what was found."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class FileEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of an artefact."""

    sha256: Sha256
    size_bytes: Annotated[int, Meta(ge=0, le=FILE_LIMIT_BYTES)]


class Manifest(Struct, frozen=True, kw_only=True):
    """What an artefact is. The sha256 of its canonical bytes is the artefact's name."""

    v: Version
    portfolio: ShortText
    name: Text
    version: ShortText
    feature_set: Text
    feature_names: list[ShortText]
    training_set: Text
    metrics: dict[ShortText, float]
    library: ShortText
    code: Text
    rows: Count
    detail: LongText
    files: dict[FileName, FileEntry]


class Signature(Struct, frozen=True, kw_only=True):
    """Ed25519 by ``key_id`` over the manifest's sha256 in hex digits."""

    key_id: ShortText
    signature: Text


_DECODER: Final = msgspec.json.Decoder(Manifest)
_SIGNATURE_DECODER: Final = msgspec.json.Decoder(Signature)


def digest(data: bytes) -> str:
    """sha256 of ``data``, 64 hex digits."""
    return sha256(data).hexdigest()


def entry_of(data: bytes) -> FileEntry:
    """Hash and size of a file's bytes."""
    return FileEntry(sha256=digest(data), size_bytes=len(data))


def encode_manifest(manifest: Manifest) -> bytes:
    """Canonical bytes: keys of every object sorted, so equal manifests have one name."""
    return msgspec.json.encode(manifest, order="deterministic")


def decode_manifest(raw: bytes) -> Manifest:
    """The manifest in verified bytes. Raises ArtefactRefused(artefact_parse)."""
    try:
        manifest = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ArtefactRefused("artefact_parse", f"manifest: {error}") from error
    lacking = [name for name in REQUIRED_FILES if name not in manifest.files]
    if lacking:
        raise ArtefactRefused("artefact_parse", f"manifest lacks {', '.join(lacking)}")
    return manifest


def decode_signature(raw: bytes) -> Signature:
    """The record of a signature file. Raises ArtefactRefused(artefact_signature)."""
    try:
        return _SIGNATURE_DECODER.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ArtefactRefused("artefact_signature", "unreadable signature file") from error
