"""The artefact store gives back exactly what was signed, or a reason code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from shared.stores.artefacts import ArtefactStore
from shared.stores.manifest import ArtefactRefused, Manifest, digest
from shared.stores.signing import Signer, open_signer, read_trusted
from tests.support.models import put_small_model, small_card, small_model


class Shelf:
    """A store with one signed model, and what a test does to its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.signer: Signer = open_signer(folder / "keys", "trainer")
        self.trusted = read_trusted(folder / "keys")
        self.store = ArtefactStore(folder / "artefacts")
        self.artefact = put_small_model(self.store, self.signer)
        self.manifest: Manifest = self.store.manifest(self.artefact, self.trusted)

    def stored(self, sha256: str) -> Path:
        return self.folder / "artefacts" / "objects" / sha256[:2] / sha256

    def file(self, name: str) -> Path:
        return self.stored(self.manifest.files[name].sha256)

    def signature(self) -> Path:
        return next((self.folder / "artefacts" / "signatures").iterdir())

    def resign(self, change: Callable[[dict[str, object]], None]) -> str:
        """Store and sign a changed manifest, as a careless but trusted writer would."""
        content = json.loads(self.stored(self.artefact).read_bytes())
        change(content)
        raw = json.dumps(content).encode()
        path = self.stored(digest(raw))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(raw)
        signature = {"key_id": self.signer.key_id, "signature": self.signer.sign(digest(raw).encode())}
        name = f"{digest(raw)}.{self.signer.key_id}.json"
        self.signature().with_name(name).write_text(json.dumps(signature))
        return digest(raw)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_what_was_put_comes_back(shelf: Shelf) -> None:
    found = shelf.store.load(shelf.artefact, shelf.trusted)
    model = small_model()
    assert found.model_text == model.text.encode()
    assert found.card == msgspec.structs.replace(small_card(), artefact=shelf.artefact)
    assert found.golden.raw.tobytes() == model.golden.raw.tobytes()
    assert np.array_equal(found.golden.inputs, model.golden.inputs, equal_nan=True)
    assert list(shelf.store.names()) == [shelf.artefact]


def test_the_same_content_has_one_name(shelf: Shelf) -> None:
    assert put_small_model(shelf.store, shelf.signer) == shelf.artefact
    assert not list(shelf.folder.rglob("*.part"))


def _cut(path: Path, percent: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def _forge(shelf: Shelf) -> None:
    """Another key signs under the trusted key's name."""
    stranger = open_signer(shelf.folder / "stranger", "x")
    forged = stranger.sign(shelf.artefact.encode())
    shelf.signature().write_text(json.dumps({"key_id": shelf.signer.key_id, "signature": forged}))


NO_HEX = '{"key_id":"a","signature":"zz"}'
CUTS = (0, 2, 10, 50, 90, 99)

DAMAGE: list[tuple[str, Callable[[Shelf], object], str]] = [
    ("manifest gone", lambda s: s.stored(s.artefact).unlink(), "artefact_missing"),
    ("manifest flipped", lambda s: _flip(s.stored(s.artefact)), "artefact_hash"),
    ("manifest grown", lambda s: _grow(s.stored(s.artefact)), "artefact_hash"),
    ("signature gone", lambda s: s.signature().unlink(), "artefact_signature"),
    ("signature unreadable", lambda s: s.signature().write_bytes(b"{"), "artefact_signature"),
    ("signature no hex", lambda s: s.signature().write_text(NO_HEX), "artefact_signature"),
    ("signature forged", _forge, "artefact_signature"),
    ("model gone", lambda s: s.file("model.txt").unlink(), "artefact_missing"),
    ("model flipped", lambda s: _flip(s.file("model.txt")), "artefact_hash"),
    ("model grown", lambda s: _grow(s.file("model.txt")), "artefact_hash"),
    *((f"model cut at {p} %", lambda s, p=p: _cut(s.file("model.txt"), p), "artefact_hash") for p in CUTS),
    ("card flipped", lambda s: _flip(s.file("card.json")), "artefact_hash"),
    ("golden cut", lambda s: _cut(s.file("golden_raw.npy"), 50), "artefact_hash"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "code"), [d[1:] for d in DAMAGE], ids=[d[0] for d in DAMAGE])
def test_damage_is_refused_with_its_code(shelf: Shelf, damage: Callable[[Shelf], object], code: str) -> None:
    damage(shelf)
    with pytest.raises(ArtefactRefused) as caught:
        shelf.store.load(shelf.artefact, shelf.trusted)
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0" * 64, "A" * 64])
def test_a_name_that_is_no_artefact_is_missing(shelf: Shelf, name: str) -> None:
    with pytest.raises(ArtefactRefused) as caught:
        shelf.store.load(name, shelf.trusted)
    assert caught.value.code == "artefact_missing"


def _drop_card(manifest: dict[str, object]) -> None:
    files = manifest["files"]
    assert isinstance(files, dict)
    del files["card.json"]


SIGNED_BUT_WRONG: list[tuple[str, Callable[[dict[str, object]], None], str]] = [
    ("no card", _drop_card, "artefact_parse"),
    ("newer version", lambda m: m.update(v=2), "artefact_parse"),
    ("other inputs than the card", lambda m: m.update(feature_set="e" * 64), "artefact_parse"),
]


@pytest.mark.parametrize(
    ("change", "code"), [d[1:] for d in SIGNED_BUT_WRONG], ids=[d[0] for d in SIGNED_BUT_WRONG]
)
def test_a_signed_manifest_must_still_make_sense(
    shelf: Shelf, change: Callable[[dict[str, object]], None], code: str
) -> None:
    artefact = shelf.resign(change)
    with pytest.raises(ArtefactRefused) as caught:
        shelf.store.load(artefact, shelf.trusted)
    assert caught.value.code == code


def test_an_artefact_without_model_is_a_mistake_of_the_caller(shelf: Shelf) -> None:
    with pytest.raises(ValueError, match=r"model\.txt"):
        shelf.store.put({}, small_card(), small_model().golden, shelf.signer)
