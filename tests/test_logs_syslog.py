"""Syslog into a running server: datagrams, connections, TLS, and the real rsyslog."""

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.hostile import refused, refused_since
from support.otlp import Sql
from support.server import ADMIN_KEY, Server, free_port, temporary_data

UDP, TCP, TLS = free_port(), free_port(), free_port()


def certificate(folder: Path) -> tuple[Path, Path]:
    """One that a machine makes for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "syslog.pem", folder / "syslog.key"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return chain, private


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    chain, key = certificate(tmp_path_factory.mktemp("tls"))
    settings = {
        "SYSLOG_UDP_PORT": str(UDP),
        "SYSLOG_TCP_PORT": str(TCP),
        "SYSLOG_TLS_PORT": str(TLS),
        "SYSLOG_TLS_CERTIFICATE": str(chain),
        "SYSLOG_TLS_KEY": str(key),
        "SYSLOG_ALLOW": "127.0.0.1/32",
    }
    data = temporary_data()
    with Server(data, environment={f"QUARTERDECK_{k}": v for k, v in settings.items()}) as server:
        yield server
    shutil.rmtree(data.parent, ignore_errors=True)


@pytest.fixture(scope="module")
def sql(listening: Server) -> Sql:
    return Sql(listening)


@pytest.fixture(scope="module")
def chain(listening: Server) -> str:
    return listening.environment["QUARTERDECK_SYSLOG_TLS_CERTIFICATE"]


def until(ask: Callable[[], Any], seconds: float = 20) -> Any:
    """The first answer that is true, or the last one."""
    end = time.monotonic() + seconds
    while not (found := ask()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def rows(sql: Sql, service: str, count: int) -> list[dict[str, Any]]:
    """What the service has logged, once it is so many."""

    def ask() -> list[dict[str, Any]]:
        found = sql(f"SELECT * FROM logs WHERE service = '{service}' ORDER BY body")
        return found if len(found) >= count else []

    return until(ask)  # type: ignore[no-any-return]


def message(app: str, text: str, structured: str = "-") -> bytes:
    stamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return f"<11>1 {stamp} web-1 {app} 42 ID1 {structured} {text}".encode()


def test_a_datagram_is_a_record(listening: Server, sql: Sql) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(message("udp", "disk is full", '[meta@1 disk="sda"]'), ("127.0.0.1", UDP))
        inner = json.dumps({"level": "warn", "msg": "json within", "sku": 7})
        out.sendto(message("udp", inner), ("127.0.0.1", UDP))
    first, second = rows(sql, "udp", 2)
    assert (first["body"], first["level"], first["severity"]) == ("disk is full", "error", "err")
    assert first["resource"]["host.name"] == "web-1"
    assert first["attributes"] == {
        "syslog.facility": "user", "process.pid": "42", "syslog.msgid": "ID1", "syslog.meta@1.disk": "sda",
    }  # fmt: skip
    assert (second["body"], second["level"]) == ("json within", "warn")
    assert second["attributes"]["sku"] == 7


def test_a_connection_carries_messages_counted_or_by_line(listening: Server, sql: Sql) -> None:
    with socket.create_connection(("127.0.0.1", TCP)) as out:
        one = message("tcp", "counted")
        out.sendall(b"%d %b" % (len(one), one) + message("tcp", "line") + b"\n")
        out.sendall(message("tcp", "at the end"))
    assert [row["body"] for row in rows(sql, "tcp", 3)] == ["at the end", "counted", "line"]


def test_over_tls_too(listening: Server, sql: Sql, chain: str) -> None:
    context = ssl.create_default_context(cafile=chain)
    with (
        socket.create_connection(("127.0.0.1", TLS)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as out,
    ):
        out.sendall(message("tls", "secret") + b"\n")
    assert [row["body"] for row in rows(sql, "tls", 1)] == ["secret"]


def test_many_handshakes_at_once_all_succeed(listening: Server, sql: Sql, chain: str) -> None:
    """What a client says first may be there before the server looks: it must not be read as text."""
    context = ssl.create_default_context(cafile=chain)

    def send(number: int) -> None:
        with (
            socket.create_connection(("127.0.0.1", TLS)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as out,
        ):
            out.sendall(message("tls-many", str(number)) + b"\n")

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(send, range(100)))
    assert len(rows(sql, "tls-many", 100)) == 100


def test_a_key_within_a_message_chooses_the_project(listening: Server) -> None:
    with listening.client() as client:
        client.post("/api/projects", json={"slug": "sys", "name": "Sys"}).raise_for_status()
    before = refused(listening)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        token = f'[quarterdeck@0 key="{ADMIN_KEY}" project="sys"]'
        out.sendto(message("keyed", "mine", token), ("127.0.0.1", UDP))
        out.sendto(message("keyed", "x", '[quarterdeck@0 key="wrong"]'), ("127.0.0.1", UDP))

    def found() -> list[Any]:
        with listening.client() as client:
            asked = {"sql": "SELECT body, toString(attributes) FROM logs WHERE service = 'keyed'"}
            answer = client.post("/api/sql?project=sys", json=asked).json()
            return answer["rows"]  # type: ignore[no-any-return]

    ((body, attributes),) = until(found)
    assert body == "mine"
    assert ADMIN_KEY not in attributes
    assert refused_since(listening, before) == {("logs", "key_unknown"): 1}
    assert ADMIN_KEY not in listening.log


def test_garbage_and_lies_do_not_stop_the_next_message(listening: Server, sql: Sql) -> None:
    before = refused(listening)
    for garbage in (b"9999999 <1>x", b"\x16\x03\x01\x02\x00", b"x" * 300_000, b"\0\0\n"):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", TCP)) as out:
            out.sendall(garbage)
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", TLS)) as out:
        out.sendall(b"<13>not tls\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for garbage in (b"", b"\xff\xfe", b"<13>1 - - - - - [", b"\0" * 100):
            out.sendto(garbage, ("127.0.0.1", UDP))
    with socket.create_connection(("127.0.0.1", TCP)) as out:
        out.sendall(message("after", "still here") + b"\n")
    assert rows(sql, "after", 1)
    assert refused_since(listening, before) == {("logs", "too_large"): 1}
    kept = sql("SELECT length(body) AS n FROM logs WHERE attributes['syslog.unparsed'] = 'true'")
    assert 262_144 in [row["n"] for row in kept]


def test_who_sends_slowly_holds_nobody_up(listening: Server, sql: Sql) -> None:
    held = [socket.create_connection(("127.0.0.1", TCP)) for _ in range(100)]
    for one in held:
        one.sendall(b"500 <13>begun")
    with socket.create_connection(("127.0.0.1", TCP)) as out:
        out.sendall(message("quick", "through") + b"\n")
    assert rows(sql, "quick", 1)
    for one in held:
        one.close()


def test_many_messages_are_all_there(listening: Server, sql: Sql) -> None:
    with socket.create_connection(("127.0.0.1", TCP)) as out:
        out.sendall(b"".join(message("many", f"number {n}") + b"\n" for n in range(20_000)))
    count = until(
        lambda: (
            sql("SELECT uniqExact(body) AS n FROM logs WHERE service = 'many'")[0]["n"] == 20_000
        ),
        40,
    )
    assert count


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "elasticsearch"])
def test_the_real_rsyslog_forwards(
    listening: Server, sql: Sql, chain: str, tmp_path: Path, transport: str
) -> None:
    app = f"rsyslog-{transport}"
    action = {
        "udp": f'type="omfwd" target="127.0.0.1" port="{UDP}" protocol="udp"',
        "tcp": f'type="omfwd" target="127.0.0.1" port="{TCP}" protocol="tcp" TCP_Framing="octet-counted"'
        ' template="RSYSLOG_SyslogProtocol23Format"',
        "tls": f'type="omfwd" target="localhost" port="{TLS}" protocol="tcp" StreamDriver="gtls"'
        ' StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="localhost"',
        "elasticsearch": f'type="omelasticsearch" server="{listening.url}/elasticsearch"'
        f' uid="any" pwd="{ADMIN_KEY}" bulkmode="on" searchIndex="logs-rsyslog" searchType="" template="ecs"',
    }[transport]  # fmt: skip
    config = tmp_path / "rsyslog.conf"
    source = tmp_path / "app.log"
    config.write_text(
        f"""
        global(workDirectory="{tmp_path}" DefaultNetstreamDriverCAFile="{chain}")
        module(load="imfile" PollingInterval="1")
        module(load="omelasticsearch")
        template(name="ecs" type="list" option.jsonf="on") {{
            property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
            property(outname="message" name="msg" format="jsonf")
            property(outname="host.name" name="hostname" format="jsonf")
            property(outname="service.name" name="app-name" format="jsonf")
            property(outname="log.level" name="syslogseverity-text" format="jsonf")
        }}
        input(type="imfile" File="{source}" Tag="{app}:" Severity="warning" Facility="local3")
        action({action} queue.type="LinkedList" action.resumeRetryCount="-1")
        """
    )
    source.write_text("first line\nsecond line\n")
    process = subprocess.Popen(
        ["/usr/sbin/rsyslogd", "-n", "-f", str(config), "-i", str(tmp_path / "pid")],
        stderr=(tmp_path / "errors").open("w"),
    )
    try:
        found = rows(sql, app, 2)
    finally:
        process.terminate()
        process.wait(20)
    errors = (tmp_path / "errors").read_text()
    assert [row["body"].strip() for row in found] == ["first line", "second line"], errors
    assert {row["level"] for row in found} == {"warn"}
    assert found[0]["resource"]["host.name"]
    if transport != "elasticsearch":
        assert found[0]["attributes"]["syslog.facility"] == "local3"


def test_other_networks_are_not_heard(listening: Server) -> None:
    before = refused(listening)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind(("127.0.0.2", 0))
        out.sendto(message("stranger", "x"), ("127.0.0.1", UDP))
    with socket.create_connection(("127.0.0.1", TCP), source_address=("127.0.0.3", 0)) as out:
        assert until(lambda: out.recv(1) == b"")
    assert until(lambda: refused_since(listening, before) == {("logs", "not_permitted"): 2})
