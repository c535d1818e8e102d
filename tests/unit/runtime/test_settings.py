"""Settings: what wins, what is refused, what the docs list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, ValidationError

from shared.runtime.settings import SecretMissing, ServiceSettings, setting_rows


class ProbeSettings(ServiceSettings, service="probe"):
    """A service for this test."""

    wait_ms: int = Field(5, ge=0, description="how long it waits, ms")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA", "REDIS_URL", "DATA_DIR", "PORTFOLIO", "INSTANCE", "SETTINGS_FILE"):
        monkeypatch.delenv(f"ASSAY_{name}", raising=False)


def test_own_variable_wins_over_common_over_file_over_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert ProbeSettings().kafka == "127.0.0.1:9092"
    file = tmp_path / "settings.toml"
    file.write_text('[common]\nkafka = "file:1"\nportfolio = "shop"\n[probe]\nwait_ms = 7\n[other]\nx = 1\n')
    monkeypatch.setenv("ASSAY_SETTINGS_FILE", str(file))
    assert (ProbeSettings().kafka, ProbeSettings().portfolio, ProbeSettings().wait_ms) == (
        "file:1",
        "shop",
        7,
    )
    monkeypatch.setenv("ASSAY_KAFKA", "common:1")
    assert ProbeSettings().kafka == "common:1"
    monkeypatch.setenv("ASSAY_PROBE_KAFKA", "own:1")
    assert ProbeSettings().kafka == "own:1"
    assert ProbeSettings(kafka="argument:1").kafka == "argument:1"


def test_a_common_variable_sets_no_setting_of_one_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_WAIT_MS", "9")
    assert ProbeSettings().wait_ms == 5


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_PROBE_WAIT", "9")
    with pytest.raises(ValueError, match="no setting of probe is called ASSAY_PROBE_WAIT"):
        ProbeSettings()


def test_a_value_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_PROBE_WAIT_MS", "-1")
    with pytest.raises(ValidationError):
        ProbeSettings()


def test_settings_are_frozen() -> None:
    settings: Any = ProbeSettings(instance="3")
    assert settings.name == "probe-3"
    with pytest.raises(ValidationError):
        settings.wait_ms = 1


def test_rows_for_the_docs_name_variable_default_and_meaning() -> None:
    rows = {row.name: row for row in setting_rows(ProbeSettings)}
    assert rows["wait_ms"] == ("probe", "wait_ms", "ASSAY_PROBE_WAIT_MS", "5", "how long it waits, ms")
    assert rows["portfolio_file"].default == ""
    assert all(row.meaning for row in rows.values())


def test_a_setting_without_a_meaning_is_no_setting() -> None:
    with pytest.raises(TypeError, match=r"Mute\.x_ms has no description"):

        class Mute(ServiceSettings, service="mute"):
            x_ms: int = 1


def test_a_password_comes_from_its_file_and_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("canary\n")
    settings = ProbeSettings(kafka_user="probe", kafka_password_file=file)
    assert settings.kafka_password == "canary"
    assert "canary" not in repr(settings)
    assert settings.redis_password == ""


def test_a_user_without_a_readable_password_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing, match="redis_password_file must name"):
        _ = ProbeSettings(redis_user="probe").redis_password
    with pytest.raises(SecretMissing, match="cannot be read"):
        _ = ProbeSettings(redis_user="probe", redis_password_file=tmp_path / "none").redis_password
    empty = tmp_path / "empty"
    empty.write_text("\n")
    with pytest.raises(SecretMissing, match="is empty"):
        _ = ProbeSettings(kafka_user="probe", kafka_password_file=empty).kafka_password
