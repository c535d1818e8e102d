"""Access without a broker: differences from the table, passwords on disk, what services are told."""

from __future__ import annotations

from pathlib import Path

from infra.kafka.access import Grant, diff_access, wanted_grants
from infra.local import kafka_access
from infra.local.options import StackOptions
from infra.local.redis_access import acl_file
from infra.local.secrets import NAMES, Secrets
from infra.local.services import SERVICES, service_environment
from shared.contracts.addresses import KafkaAddress

KAFKA = KafkaAddress("h:1", "operator", "canary", "/secrets/kafka.operator")
BANK = wanted_grants(["bank"])


def test_what_stands_as_wanted_is_no_fault_beside_another_portfolio() -> None:
    assert list(diff_access(["bank"], BANK | wanted_grants(["shop"]), KAFKA)) == []


def test_a_missing_right_comes_with_the_command_that_grants_it() -> None:
    gone = Grant("User:scorer", "READ", "TOPIC", "bank.labels")
    (fault,) = diff_access(["bank"], BANK - {gone}, KAFKA)
    assert (fault.kind, fault.grant) == ("missing", gone)
    assert fault.fix == (
        "python -m infra.kafka grant --bootstrap h:1 --user operator --password-file /secrets/kafka.operator "
        "User:scorer READ TOPIC bank.labels LITERAL ALLOW '*'"
    )


def test_rights_beyond_the_table_are_faults_whatever_they_say() -> None:
    extra = {
        Grant("User:mallory", "READ", "TOPIC", "bank.labels"),
        Grant("User:scorer", "WRITE", "TOPIC", "shop.labels"),
        Grant("User:scorer", "ALL", "TOPIC", "*"),
        Grant("User:scorer", "WRITE", "TOPIC", "bank.", "PREFIXED"),
        Grant("User:scorer", "READ", "TOPIC", "bank.labels", host="10.0.0.1"),
        Grant("User:cli", "READ", "GROUP", "bank.scorer"),
        Grant("User:cli", "ALTER", "CLUSTER", "kafka-cluster"),
    }
    faults = list(diff_access(["bank"], BANK | extra, KAFKA))
    assert {fault.grant for fault in faults} == extra
    assert all(" revoke " in fault.fix for fault in faults)


def test_passwords_are_drawn_once_and_are_their_owners_alone(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.make()
    drawn = {path.name: path.read_text() for path in secrets.folder.iterdir()}
    own = [secrets.operator_key.name, secrets.console_key.name, secrets.console_admin.name]
    named = [*own, *(f"{part}.{name}" for part in NAMES for name in NAMES[part])]
    assert sorted(drawn) == sorted(named)
    assert len(set(drawn.values())) == len(drawn)
    assert {path.stat().st_mode & 0o777 for path in secrets.folder.iterdir()} == {0o600}
    assert secrets.folder.stat().st_mode & 0o777 == 0o700

    secrets.file("kafka", "scorer").unlink()
    secrets.file("kafka", "cli").chmod(0o644)
    secrets.make()
    kept = {path.name: path.read_text() for path in secrets.folder.iterdir()}
    assert kept.pop("kafka.scorer") != drawn.pop("kafka.scorer")
    assert kept == drawn
    assert secrets.file("kafka", "cli").stat().st_mode & 0o777 == 0o600


def test_a_service_is_told_the_files_of_its_own_passwords_and_no_password(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.make()
    options = StackOptions(data_dir=str(tmp_path))
    addresses = {"kafka": "h:1", "redis": "unix:///r", "gateway": "http://h:2", "console": "http://h:3"}
    for row in SERVICES:
        told = service_environment(row, 1, options, addresses, 1)
        assert told["ASSAY_KAFKA_USER"] == row.name
        assert told["ASSAY_KAFKA_PASSWORD_FILE"] == str(secrets.file("kafka", row.name))
        assert ("ASSAY_REDIS_USER" in told) == (row.name in NAMES["redis"])
        assert not {path.read_text().strip() for path in secrets.folder.iterdir()} & set(told.values())


def test_redis_is_given_hashes_and_nobody_has_a_dangerous_command() -> None:
    text = acl_file("bank", {name: f"canary-{name}" for name in NAMES["redis"]})
    assert "canary" not in text
    default, *users, operator = text.splitlines()
    assert default == "user default off"
    assert operator.startswith("user operator ")
    for line in users:
        assert not {"+@all", "+keys", "+flushall", "+config", "+debug", "~*"} & set(line.split())


def test_the_broker_lets_nobody_in_unnamed(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.make()
    settings = kafka_access.settings(secrets)
    assert "PLAINTEXT" not in settings["listener.security.protocol.map"].replace("SASL_PLAINTEXT", "")
    assert settings["allow.everyone.if.no.acl.found"] == "false"
    assert "ANONYMOUS" not in settings["super.users"]
