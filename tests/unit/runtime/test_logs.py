"""Log lines: one JSON object each, declared keys only, no text of an exception, control signs escaped."""

from __future__ import annotations

import ast
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from shared.runtime.logs import FIELDS, UndeclaredFieldError, configure, get_logger

ROOT = Path(__file__).parents[3]
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
HANDED_TO_THE_LOGGER = {"exc_info", "stack_info"}


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_says_who_when_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    configure("scorer", "2")
    get_logger("pump").info("assigned", partitions=[0, 1])
    (line,) = lines(capsys)
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "assigned",
        "level": "info",
        "service": "scorer",
        "instance": "2",
        "room": "pump",
        "partitions": [0, 1],
    }


def test_what_is_not_declared_is_named_and_withheld(capsys: pytest.CaptureFixture[str]) -> None:
    configure("scorer", "1")
    get_logger("pump").info("seen", card_number="4111111111111111")
    text = capsys.readouterr().err
    assert "4111" not in text
    assert json.loads(text)["undeclared"] == ["card_number"]


def test_a_strict_process_refuses_it() -> None:
    configure("scorer", "1", strict=True)
    with pytest.raises(UndeclaredFieldError, match="card_number"):
        get_logger("pump").info("seen", card_number="4")


def test_an_exception_shows_its_type_and_way_but_not_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure("scorer", "1")
    try:
        raise ValueError("payload 4111111111111111")
    except ValueError:
        get_logger("pump").exception("failed")
    text = capsys.readouterr().err
    assert "4111" not in text
    line = json.loads(text)
    assert line["error"] == "ValueError"
    assert "test_logs.py" in line["trace"][-1]


def test_one_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("scorer", "1")
    get_logger("pump").info("seen", detail="a\r\nb\x00\u202e" + "x" * 1000)
    text = capsys.readouterr().err
    assert text.isascii()
    assert text.count("\n") == 1
    assert len(json.loads(text)["detail"]) == 500


@pytest.mark.parametrize("key", ["event", "detail", "load", "path", "request_id", "partitions"])
def test_a_card_number_or_a_terminal_sign_in_any_text_does_no_harm(
    key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("scorer", "1")
    planted = "a\x1b[31m\r\n{}\u202eb\x9b \u2066 4111 1111-1111 1111 x378282246310005"
    values: dict[str, Any] = {key: [planted] if key == "partitions" else planted}
    get_logger("pump").info(values.pop("event", "seen"), **values)
    text = capsys.readouterr().err
    assert (text.isascii(), text.count("\n"), text.isprintable()) == (True, 1, False)
    assert text[:-1].isprintable()
    assert "**** ****-**** 1111 x***********0005" in text
    assert "4111" not in text


def test_hashes_times_and_short_numbers_stay(capsys: pytest.CaptureFixture[str]) -> None:
    configure("scorer", "1")
    told = {
        "layout": "ab4111111111111111" + "0" * 46,
        "at_ms": 1_700_000_000_000,
        "detail": "0.4111111111111111 of 7",
    }
    get_logger("pump").info("seen", **told)
    (line,) = lines(capsys)
    assert {name: line[name] for name in told} == told


def test_a_number_across_the_end_of_a_long_text_does_not_show(capsys: pytest.CaptureFixture[str]) -> None:
    configure("scorer", "1")
    get_logger("pump").info("seen", detail="x" * 488 + "4111111111111111")
    (line,) = lines(capsys)
    assert line["detail"] == "x" * 488 + "*" * 12


def test_levels_and_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    configure("scorer", "1", "warning")
    get_logger("pump").info("quiet")
    logging.getLogger("kafka.library").error("it %s", "spoke")
    logging.getLogger("some.library").info("quiet")
    (line,) = lines(capsys)
    assert (line["event"], line["logger"], line["service"]) == ("it spoke", "kafka.library", "scorer")
    with pytest.raises(ValueError, match="no log level is called loud"):
        configure("scorer", "1", "loud")


def test_a_library_that_quotes_a_record_is_not_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    configure("scorer", "1")
    try:
        raise ValueError("payload 4111111111111111")
    except ValueError as error:
        logging.getLogger("mode.services").exception("crashed: %r", error)
    text = capsys.readouterr().err
    assert "4111" not in text
    assert text.count("\n") == 1
    line = json.loads(text)
    assert (line["event"], line["error"]) == ("crashed: %r", "ValueError")


def test_every_key_that_our_code_logs_is_declared() -> None:
    undeclared = [
        f"{path.relative_to(ROOT)}:{call.lineno} {keyword.arg}"
        for room in ("services", "shared", "infra")
        for path in sorted((ROOT / room).rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and _is_log_call(call.func)
        for keyword in call.keywords
        if keyword.arg not in FIELDS and keyword.arg not in HANDED_TO_THE_LOGGER
    ]
    assert undeclared == []


def _is_log_call(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute) or function.attr not in LEVELS:
        return False
    owner = function.value
    name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    return name.strip("_") in {"log", "logger"}
