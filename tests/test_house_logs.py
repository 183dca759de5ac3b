"""Logs are JSON and hold no secret."""

import json
import logging
import sys

import pytest

from quarterdeck.core.log import JsonFormatter, fields, redact, request_id

KEY = "qd_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0uV"


def line(message: str, **given: object) -> dict[str, object]:
    record = logging.LogRecord("quarterdeck.test", logging.INFO, "f", 1, message, (), None)
    record.__dict__.update(fields(**given))
    parsed: dict[str, object] = json.loads(JsonFormatter().format(record))
    return parsed


def test_a_line_says_when_how_grave_who_and_what() -> None:
    token = request_id.set("abc12345")
    try:
        found = line("Started.", port=4400, ready=True)
    finally:
        request_id.reset(token)
    assert str(found.pop("time")).endswith("+00:00")
    assert found == {
        "level": "info",
        "logger": "quarterdeck.test",
        "message": "Started.",
        "request_id": "abc12345",
        "port": 4400,
        "ready": True,
    }


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"Authorization: Bearer {KEY}", KEY),
        (f"the key {KEY} was refused", KEY),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("cookie: qd_session=Zm9vYmFy; theme=dark", "Zm9vYmFy"),
        ("postgresql://deck:hunter2@db/deck", "hunter2"),
        ('{"password": "hunter2", "name": "Ada"}', "hunter2"),
        ("admin_key=hunter2&x=1", "hunter2"),
        ("x-csrf-token: hunter2", "hunter2"),
    ],
)
def test_a_secret_is_removed_wherever_it_stands(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert secret not in json.dumps(line(text))
    assert secret not in json.dumps(line("x", headers={"note": text}, list=[text]))


def test_a_secret_in_a_stack_trace_is_removed() -> None:
    try:
        raise ValueError(f"bad key {KEY}")
    except ValueError:
        record = logging.LogRecord("t", logging.ERROR, "f", 1, "Failed.", (), sys.exc_info())
    text = JsonFormatter().format(record)
    assert "ValueError" in text
    assert KEY not in text


def test_ordinary_words_stay() -> None:
    text = "2 tokens were revoked; the session of Ada ended after 14 days"
    assert redact(text) == text


def test_a_hostile_message_stays_one_line() -> None:
    record = logging.LogRecord("t", logging.INFO, "f", 1, 'a\n{"level": "error"}', (), None)
    assert "\n" not in JsonFormatter().format(record)


def test_a_long_unbroken_value_does_not_hold_up_the_log() -> None:
    """Redaction was quadratic: this took hours, now milliseconds."""
    word = "a" * 1_000_000
    assert redact(f"{word} password={word}") == f"{word} password=[removed]"
