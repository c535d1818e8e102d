"""Keys in files: made once, private, trusted by their folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.stores.signing import KeyRefused, open_signer, read_trusted


def test_a_key_is_made_once_and_signs_the_same(tmp_path: Path) -> None:
    first, second = open_signer(tmp_path, "trainer"), open_signer(tmp_path, "trainer")
    assert first.key_id == second.key_id
    assert len(first.key_id) == 16
    assert first.sign(b"x") == second.sign(b"x")


def test_only_the_owner_may_read_a_private_key(tmp_path: Path) -> None:
    open_signer(tmp_path, "trainer")
    assert (tmp_path / "trainer.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "trainer.key").chmod(0o640)
    with pytest.raises(KeyRefused, match="chmod 600"):
        open_signer(tmp_path, "trainer")


def test_trusted_keys_verify_only_what_they_signed(tmp_path: Path) -> None:
    signer, trusted = open_signer(tmp_path, "cli"), read_trusted(tmp_path)
    signature = signer.sign(b"message")
    assert trusted.verify(signer.key_id, b"message", signature)
    assert not trusted.verify(signer.key_id, b"massage", signature)
    assert not trusted.verify(signer.key_id, b"message", signature[:-1])
    assert not trusted.verify(signer.key_id, b"message", "no hex")
    assert not trusted.verify("0" * 16, b"message", signature)


def test_a_key_of_another_folder_is_not_trusted(tmp_path: Path) -> None:
    stranger = open_signer(tmp_path / "theirs", "cli")
    open_signer(tmp_path / "ours", "cli")
    trusted = read_trusted(tmp_path / "ours")
    assert not trusted.verify(stranger.key_id, b"m", stranger.sign(b"m"))


def test_a_damaged_key_file_is_named(tmp_path: Path) -> None:
    open_signer(tmp_path, "cli")
    (tmp_path / "trusted" / "cli.pub").write_bytes(b"-----BEGIN nothing")
    with pytest.raises(KeyRefused, match=r"cli\.pub"):
        read_trusted(tmp_path)
    (tmp_path / "cli.key").write_bytes(b"")
    with pytest.raises(KeyRefused, match=r"cli\.key"):
        open_signer(tmp_path, "cli")


def test_a_private_key_does_not_show_itself(tmp_path: Path) -> None:
    signer = open_signer(tmp_path, "cli")
    assert repr(signer) == f"Signer({signer.key_id})"
