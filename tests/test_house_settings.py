"""What a setting may be, and how a value that it may not be is refused."""

from pathlib import Path
from typing import Any

import pytest

from quarterdeck.core.errors import BadInput
from quarterdeck.core.settings import SETTINGS, load

REFUSED: list[tuple[str, str, str]] = [
    ("port", "99999", "0 to 65535"),
    ("port", "-1", "0 to 65535"),
    ("port", "http", "a whole number"),
    ("retention_days", "-1", "1 to 3650"),
    ("retention_days", "1.5", "a whole number"),
    ("log_level", "loud", "debug, info, warning or error"),
    ("max_body_mb", "-5", "1 to"),
    ("disk_quota_gb", "nan", "a number, 0 to"),
    ("disk_quota_gb", "inf", "a number, 0 to"),
    ("disk_quota_gb", "-1", "a number, 0 to"),
    ("query_concurrency", "0", "1 to"),
    ("public_url", "notaurl", "http:// or https://"),
    ("public_url", "ftp://deck.example.com", "http:// or https://"),
    ("public_url", "https://", "http:// or https://"),
    ("public_url", "https://deck.example.com:99999", "http:// or https://"),
    ("public_url", "https://deck.example.com/?a=b", "http:// or https://"),
    ("public_url", "https://me:secret@deck.example.com", "http:// or https://"),
    ("public_url", "https://deck example.com", "http:// or https://"),
    ("public_url", "https://[deck", "http:// or https://"),
]


@pytest.mark.parametrize(("name", "text", "allowed"), REFUSED)
def test_a_value_out_of_range_is_refused_with_what_is_allowed(
    name: str, text: str, allowed: str
) -> None:
    variable = f"QUARTERDECK_{name.upper()}"
    with pytest.raises(BadInput) as refused:
        load(environ={variable: text})
    assert refused.value.code == "setting_invalid"
    assert refused.value.message.startswith(f"{variable}: {text!r}")
    assert allowed in refused.value.hint


@pytest.mark.parametrize("value", [None, True, 80.5, [80], {"a": 1}])
def test_a_value_in_the_file_is_of_the_kind_that_the_setting_has(
    tmp_path: Path, value: Any
) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(f"port: {'null' if value is None else value}\n")
    with pytest.raises(BadInput) as refused:
        load(config=config, environ={})
    assert refused.value.message.startswith(f"{config}: port: ")


def test_an_option_is_refused_by_its_own_name() -> None:
    with pytest.raises(BadInput, match="--otlp-grpc-port: 70000 is not allowed"):
        load({"otlp_grpc_port": 70000}, environ={})


def test_a_secret_that_is_no_text_is_refused_without_being_shown(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("admin_key: [hunter2]\n")
    with pytest.raises(BadInput) as refused:
        load(config=config, environ={})
    assert "admin_key" in refused.value.message
    assert "hunter2" not in f"{refused.value.message} {refused.value.hint}"


def test_what_is_allowed_is_taken() -> None:
    settings = load(
        {"port": "0", "max_body_mb": 1},
        environ={
            "QUARTERDECK_DISK_QUOTA_GB": "0.5",
            "QUARTERDECK_LOG_LEVEL": "INFO",
            "QUARTERDECK_PUBLIC_URL": "https://ops.example.com:8443/deck/",
        },
    )
    assert (settings.port, settings.max_body_mb, settings.disk_quota_gb) == (0, 1, 0.5)
    assert settings.log_level.lower() == "info"
    assert settings.public_url == "https://ops.example.com:8443/deck/"


def test_every_default_is_allowed_and_every_number_has_a_range() -> None:
    given = {setting.name: str(setting.default) for setting in SETTINGS}
    assert load(given, environ={}).values == load(environ={}).values
    assert [s.name for s in SETTINGS if s.kind in (int, float) and s.allowed is None] == []


def test_every_setting_is_used_somewhere() -> None:
    source = Path(__file__).parent.parent / "src" / "quarterdeck"
    text = "".join(path.read_text() for path in source.rglob("*.py"))
    unused = [s.name for s in SETTINGS if f"settings.{s.name}" not in text and s.name != "data"]
    assert unused == []
