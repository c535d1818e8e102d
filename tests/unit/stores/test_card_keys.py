"""The secret for card numbers is made once and is a secret file."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.stores.card_keys import KEY_FILE, card_key


def test_it_is_made_once_for_all(tmp_path: Path) -> None:
    first = card_key(tmp_path / "keys")
    assert card_key(tmp_path / "keys") == first != card_key(tmp_path / "other")
    path = tmp_path / "keys" / KEY_FILE
    assert (len(path.read_bytes()), path.stat().st_mode & 0o777) == (32, 0o600)
    assert [each.name for each in path.parent.iterdir()] == [KEY_FILE]


def test_a_damaged_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(ValueError, match="no key of 32 bytes"):
        card_key(tmp_path)


def test_it_is_in_no_text(tmp_path: Path) -> None:
    found = card_key(tmp_path)
    assert repr(found.key) not in repr(found)
