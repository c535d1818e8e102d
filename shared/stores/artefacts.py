"""Content-addressed artefact store in a folder: objects by sha256, a signed manifest per artefact.

``objects/<2 hex>/<sha256>`` holds every file and manifest; ``signatures/<manifest sha256>.<key id>.json``
one signature each. Nothing is ever rewritten, so any number of readers and writers may share the folder.
Hash, size and signature are verified before a byte is parsed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.contracts.codec import DecodeError, codec_of, encode
from shared.contracts.models import ModelCard

from .durable_files import create_whole
from .manifest import (
    CARD_FILE,
    FILE_LIMIT_BYTES,
    GOLDEN_INPUTS_FILE,
    GOLDEN_RAW_FILE,
    MANIFEST_LIMIT_BYTES,
    MODEL_FILE,
    ArtefactRefused,
    FileEntry,
    Manifest,
    Signature,
    decode_manifest,
    decode_signature,
    digest,
    encode_manifest,
    entry_of,
)

Floats = NDArray[np.float64]
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Signs(Protocol):
    """What signs a manifest: `signing.Signer`."""

    @property
    def key_id(self) -> str: ...
    def sign(self, message: bytes) -> str: ...


class Verifies(Protocol):
    """What knows the trusted keys: `signing.TrustedKeys`."""

    def verify(self, signer: str, message: bytes, signature: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Golden:
    """Inputs ``(k, d)`` and the raw scores ``(k,)`` that the model must give for them, to the bit."""

    inputs: Floats
    raw: Floats


@dataclass(frozen=True, slots=True)
class VerifiedModel:
    """Bytes whose hashes and signature were checked. The model text is not parsed yet."""

    artefact: str
    manifest: Manifest
    card: ModelCard
    model_text: bytes
    golden: Golden


class ArtefactStore:
    """The store in ``folder``; made at the first `put`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, files: Mapping[str, bytes], card: ModelCard, golden: Golden, signer: Signs) -> str:
        """Keep a model and return its manifest's sha256, 64 hex digits.

        ``files`` must hold ``model.txt``; card and golden vectors are added. The same content gives the
        same name. Raises ValueError for a missing model or a file over the limit, OSError for the disk.
        """
        whole = {**files, **_described(card, golden)}
        _check_files(whole)
        for data in whole.values():
            self._put_object(data)
        raw = encode_manifest(_manifest_of(card, whole))
        artefact = self._put_object(raw)
        signature = Signature(key_id=signer.key_id, signature=signer.sign(artefact.encode()))
        create_whole(self._signature_path(artefact, signer.key_id), encode(signature))
        return artefact

    def load(self, artefact: str, trusted: Verifies) -> VerifiedModel:
        """The verified model named by its manifest's sha256.

        Raises ArtefactRefused: artefact_missing, artefact_hash, artefact_signature or artefact_parse.
        """
        manifest = self.manifest(artefact, trusted)
        files = {name: self._read_file(name, entry) for name, entry in manifest.files.items()}
        card = _parse_card(files[CARD_FILE], artefact)
        if (card.feature_set, card.feature_names) != (manifest.feature_set, manifest.feature_names):
            raise ArtefactRefused("artefact_parse", "card and manifest name different inputs")
        golden = Golden(_parse_array(files[GOLDEN_INPUTS_FILE], 2), _parse_array(files[GOLDEN_RAW_FILE], 1))
        if golden.inputs.shape != (len(golden.raw), len(card.feature_names)) or not len(golden.raw):
            raise ArtefactRefused("artefact_parse", "golden vectors have another shape than the card")
        return VerifiedModel(artefact, manifest, card, files[MODEL_FILE], golden)

    def manifest(self, artefact: str, trusted: Verifies) -> Manifest:
        """The verified manifest alone. Raises ArtefactRefused as `load`."""
        raw = self._read_object(artefact, MANIFEST_LIMIT_BYTES, "manifest")
        if not any(self._is_signed(path, artefact, trusted) for path in self._signatures(artefact)):
            raise ArtefactRefused("artefact_signature", f"{artefact[:12]} is signed by no trusted key")
        return decode_manifest(raw)

    def file(self, artefact: str, name: str, trusted: Verifies) -> bytes:
        """One verified file of an artefact. Raises ArtefactRefused as `load`."""
        entry = self.manifest(artefact, trusted).files.get(name)
        if entry is None:
            raise ArtefactRefused("artefact_missing", name)
        return self._read_file(name, entry)

    def names(self) -> Iterator[str]:
        """Manifest hashes of all artefacts that carry a signature (not verified), in order."""
        folder = self._folder / "signatures"
        yield from sorted({path.name.partition(".")[0] for path in folder.glob("*.json")})

    def _signatures(self, artefact: str) -> list[Path]:
        return sorted((self._folder / "signatures").glob(f"{artefact}.*.json"))

    def _is_signed(self, path: Path, artefact: str, trusted: Verifies) -> bool:
        try:
            found = decode_signature(path.read_bytes())
        except ArtefactRefused:
            return False  # another file beside it may hold a good signature
        return trusted.verify(found.key_id, artefact.encode(), found.signature)

    def _put_object(self, data: bytes) -> str:
        name = digest(data)
        path = self._object_path(name)
        if not path.exists():
            create_whole(path, data)
        return name

    def _read_file(self, name: str, entry: FileEntry) -> bytes:
        data = self._read_object(entry.sha256, entry.size_bytes, name)
        if len(data) != entry.size_bytes:
            raise ArtefactRefused("artefact_hash", f"{name}: another size than its manifest says")
        return data

    def _read_object(self, name: str, limit_bytes: int, label: str) -> bytes:
        if not _SHA256.fullmatch(name):
            raise ArtefactRefused("artefact_missing", f"{label}: not a sha256 in hex")
        try:
            with self._object_path(name).open("rb") as file:
                data = file.read(limit_bytes + 1)
        except FileNotFoundError:
            raise ArtefactRefused("artefact_missing", f"{label} {name[:12]}") from None
        if len(data) > limit_bytes or digest(data) != name:
            raise ArtefactRefused("artefact_hash", f"{label} {name[:12]}")
        return data

    def _object_path(self, name: str) -> Path:
        return self._folder / "objects" / name[:2] / name

    def _signature_path(self, artefact: str, signer: str) -> Path:
        return self._folder / "signatures" / f"{artefact}.{signer}.json"


def _described(card: ModelCard, golden: Golden) -> dict[str, bytes]:
    return {
        CARD_FILE: encode(msgspec.structs.replace(card, artefact="")),
        GOLDEN_INPUTS_FILE: _array_bytes(golden.inputs),
        GOLDEN_RAW_FILE: _array_bytes(golden.raw),
    }


def _check_files(files: Mapping[str, bytes]) -> None:
    if MODEL_FILE not in files:
        raise ValueError(f"an artefact needs {MODEL_FILE}")
    for name, data in files.items():
        if len(data) > FILE_LIMIT_BYTES:
            raise ValueError(f"{name} is larger than {FILE_LIMIT_BYTES} bytes")


def _manifest_of(card: ModelCard, files: Mapping[str, bytes]) -> Manifest:
    return Manifest(
        v=1,
        portfolio=card.portfolio,
        name=card.name,
        version=card.version,
        feature_set=card.feature_set,
        feature_names=card.feature_names,
        training_set=card.training_set,
        metrics=card.metrics,
        library=card.library,
        code=card.code,
        rows=card.rows,
        detail=card.detail,
        files={name: entry_of(data) for name, data in files.items()},
    )


def _parse_card(raw: bytes, artefact: str) -> ModelCard:
    try:
        card: ModelCard = codec_of(ModelCard).decode(raw)
    except DecodeError as error:
        raise ArtefactRefused("artefact_parse", f"card: {error}") from error
    return msgspec.structs.replace(card, artefact=artefact)


def _array_bytes(array: Floats) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array, dtype="<f8"), allow_pickle=False)
    return buffer.getvalue()


def _parse_array(raw: bytes, dimensions: int) -> Floats:
    try:
        array = np.load(io.BytesIO(raw), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ArtefactRefused("artefact_parse", "golden vectors are no array") from error
    if array.dtype != np.dtype("<f8") or array.ndim != dimensions:
        raise ArtefactRefused("artefact_parse", "golden vectors have another type or shape")
    return np.ascontiguousarray(array, dtype=np.float64)
