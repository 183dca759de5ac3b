"""Ports: what was chosen is kept to, what was not gives way."""

import socket
from pathlib import Path

import pytest

from quarterdeck.core.errors import Conflict
from quarterdeck.core.settings import load
from quarterdeck.http.server import bind, bind_near
from quarterdeck.process import explicit_settings


@pytest.fixture
def taken() -> "socket.socket":
    return socket.create_server(("127.0.0.1", 0))


def test_a_default_port_that_is_taken_is_a_warning(
    taken: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    with taken:
        port = taken.getsockname()[1]
        assert bind("127.0.0.1", port, setting="otlp_http_port", explicit=False) is None
    assert "A default port is taken" in caplog.text


def test_the_default_port_of_the_api_gives_way_to_the_next_free_one(taken: socket.socket) -> None:
    with taken:
        port = taken.getsockname()[1]
        with bind_near("127.0.0.1", port, setting="port", explicit=False) as found:
            assert port < found.getsockname()[1] <= port + 20


def test_a_chosen_port_that_is_taken_is_refused(taken: socket.socket) -> None:
    with taken, pytest.raises(Conflict) as refused:
        bind("127.0.0.1", taken.getsockname()[1], setting="port", explicit=True)
    assert refused.value.code == "port_unavailable"


def test_an_address_that_is_not_ours_is_refused_even_by_default() -> None:
    with pytest.raises(Conflict):
        bind("192.0.2.1", 4400, setting="port", explicit=False)


def test_a_value_is_chosen_by_option_environment_or_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("otlp_grpc_port: 4317\n")
    monkeypatch.setenv("QUARTERDECK_OTLP_HTTP_PORT", "4318")
    options = {"port": 4400, "host": None}
    chosen = explicit_settings(options, load(options, config), config)
    assert {"port", "otlp_grpc_port", "otlp_http_port"} <= chosen
    assert "host" not in chosen
