"""Asking targets that answer well, badly, slowly, without end, or not at all."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.telemetry.ingest.batcher import Budget
from quarterdeck.telemetry.scrape.ask import Ask
from quarterdeck.telemetry.scrape.failure import ScrapeFailed
from quarterdeck.telemetry.scrape.fetch import Answer, Connection, context_of
from quarterdeck.telemetry.scrape.spec import ScrapeJobSpec, Tls
from quarterdeck.telemetry.scrape.target import Target
from quarterdeck.telemetry.scrape.turn import Turn
from support.exporters import Exporters
from support.scrape import AT, course

SMALL = 1_000_000


@pytest.fixture(scope="module")
def exporters() -> Iterator[Exporters]:
    with Exporters() as running:
        yield running


def ask_of(**spec: Any) -> Ask:
    job = ScrapeJobSpec.model_validate(spec)
    return Ask(
        tuple(job.protocols),
        job.fallback_scrape_protocol,
        min(job.most_bytes, SMALL),
        job.enable_compression,
        job.follow_redirects,
    )


def target_of(url: str, timeout_ms: int = 20_000) -> Target:
    return Target(url, {}, {}, 60_000, timeout_ms)


async def asked(url: str, ask: Ask | None = None, **more: Any) -> Answer:
    connection = Connection(more.pop("context", None) or context_of(None, ""), keep=True)
    target = target_of(url, more.pop("timeout_ms", 20_000))
    try:
        budget = more.pop("budget", None) or Budget(10 * SMALL)
        return await connection.ask(target, ask or ask_of(), more.pop("credentials", {}), budget)
    finally:
        await connection.close()


async def outcome(url: str, **more: Any) -> str:
    """Why it failed, also in its format; empty when it went well."""
    try:
        answer = await asked(url, **more)
        turn: Turn = course().answer(answer.unpacked(SMALL), answer.protocol, AT)
    except ScrapeFailed as failed:
        return str(failed)
    return turn.error


HOSTILE = {
    "/hang": "within 0.4 s", "/drip": "within 0.4 s", "/endless": "body_size_limit is 1000000", "/bomb": "body_size_limit is 1000000",
    "/loop": "redirects more than 10 times", "/file": "neither http nor https", "/html": "a web page (HTML)", "/json": "Content-Type",
    "/untyped": "fallback_scrape_protocol", "/brotli": "compression", "/not-gzip": "gzip is broken", "/half-gzip": "ends too early",
    "/labels": "2,000", "/broken": "Line 2: the value is no number", "/cut": "ended in the middle", "/garbage": "does not speak HTTP",
    "/forbidden": "HTTP 403; the job's credentials", "/nowhere": "HTTP 404; the job's metrics_path may be wrong.", "/metrics": "", "/gzip": "", "/moved": "", "/away": "",
}  # fmt: skip


async def test_every_hostile_exporter_is_told_apart_and_none_is_repeated(
    exporters: Exporters,
) -> None:
    slow = {"/hang", "/drip"}
    budget = Budget(10 * SMALL)
    found = await asyncio.gather(
        *(
            outcome(f"http://{exporters.address}{path}", budget=budget,
                    timeout_ms=400 if path in slow else 20_000)
            for path in HOSTILE
        )
    )  # fmt: skip
    told = dict(zip(HOSTILE, found, strict=True))
    for path, expected in HOSTILE.items():
        assert expected in told[path], path
        assert bool(told[path]) == bool(expected), path
    assert not any("secret" in text for text in told.values())
    assert budget.used == 0


async def test_nobody_there_is_told_by_the_system_s_words() -> None:
    assert await outcome("http://127.0.0.1:1/") == "It cannot be reached: connection refused."
    assert "cannot be reached" in await outcome("http://nowhere.invalid/metrics")


async def test_a_redirect_is_followed_only_where_the_job_says_so(exporters: Exporters) -> None:
    url = f"http://{exporters.address}/moved"
    assert await outcome(url) == ""
    assert "follow_redirects is off" in await outcome(url, ask=ask_of(follow_redirects=False))


async def test_a_redirect_to_somewhere_else_that_fails_names_the_other_host(
    exporters: Exporters,
) -> None:
    told = await outcome(f"http://{exporters.address}/astray")
    assert (
        told == "It redirects to 127.0.0.1:1, and there: it cannot be reached: connection refused."
    )
    elsewhere = exporters.address.replace("127.0.0.1", "localhost")
    told = await outcome(f"http://{exporters.address}/away-to-nothing")
    assert told.startswith(f"It redirects to {elsewhere}, and there: it answered HTTP 404")


async def test_credentials_stay_with_the_origin_they_are_for(exporters: Exporters) -> None:
    credentials = {"Authorization": "Bearer hush"}
    await asked(f"http://{exporters.address}/moved", credentials=credentials)
    assert exporters.headers["/metrics"]["authorization"] == "Bearer hush"
    exporters.headers.clear()
    with pytest.raises(ScrapeFailed):
        await asked(f"http://{exporters.address}/loop", credentials=credentials)
    await asked(f"http://{exporters.address}/away", credentials=credentials)
    assert "authorization" in exporters.headers["/away"]
    assert "authorization" not in exporters.headers["/metrics"]


async def test_what_we_can_read_is_told_best_first(exporters: Exporters) -> None:
    await asked(
        f"http://{exporters.address}/metrics?b=2",
        ask_of(scrape_native_histograms=True),
        timeout_ms=12_500,
    )
    told = exporters.headers["/metrics"]
    assert told["accept"].startswith(
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily"
    )
    assert told["accept"].endswith(",text/plain;version=0.0.4;q=0.6,*/*;q=0.1")
    assert told["x-prometheus-scrape-timeout-seconds"] == "12.5"
    assert told["user-agent"].startswith("Quarterdeck/")
    assert told["line"] == "GET /metrics?b=2 HTTP/1.1"


async def test_an_answer_without_a_type_is_read_as_the_job_says(exporters: Exporters) -> None:
    url = f"http://{exporters.address}/untyped"
    assert await outcome(url, ask=ask_of(fallback_scrape_protocol="PrometheusText0.0.4")) == ""
    assert "# EOF" in await outcome(
        url, ask=ask_of(fallback_scrape_protocol="OpenMetricsText1.0.0")
    )


async def test_a_connection_is_kept_and_made_anew_when_the_other_side_closed_it(
    exporters: Exporters,
) -> None:
    connection = Connection(context_of(None, ""), keep=True)
    before = exporters.connections
    for _ in range(3):
        await connection.ask(
            target_of(f"http://{exporters.address}/metrics"), ask_of(), {}, Budget(SMALL)
        )
    assert exporters.connections == before + 1
    for _ in range(3):
        await connection.ask(
            target_of(f"http://{exporters.address}/closed-once"), ask_of(), {}, Budget(SMALL)
        )
    await connection.close()


async def test_what_many_read_at_once_is_bounded(exporters: Exporters) -> None:
    full = Budget(10, used=10)
    url = f"http://{exporters.address}/metrics"
    assert "Too many large answers" in await outcome(url, budget=full)
    assert full.used == 10


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Of the name exporter.test, signed by itself: certificate and key."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "exporter.test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("exporter.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


async def test_tls_is_believed_by_authority_and_name(
    certificate: tuple[str, str], tmp_path: Path
) -> None:
    cert, key = certificate
    file = tmp_path / "both.pem"
    file.write_text(cert + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.load_verify_locations(file)
    context.verify_mode = ssl.CERT_REQUIRED  # of the client too

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\na 1\n"
        )
        await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/metrics"

    async def result(name: str, client: str = cert, **tls: Any) -> str:
        made = context_of(Tls(cert=client, key="${secret:k}", **tls), key)
        connection = Connection(made, keep=False)
        ask = Ask(("PrometheusText0.0.4",), None, SMALL, True, True, name)
        try:
            await connection.ask(target_of(url), ask, {}, Budget(SMALL))
        except ScrapeFailed as failed:
            return str(failed)
        finally:
            await connection.close()
        return ""

    assert await result("exporter.test", ca=cert) == ""
    assert "certificate is not trusted" in await result("exporter.test")
    other = await result("other.test", ca=cert)
    assert "certificate is not trusted" in other
    assert other.endswith("'other.test'.")
    assert await result("", insecure_skip_verify=True) == ""
    assert "certificate is not trusted" in await outcome(url)
    with pytest.raises(ScrapeFailed, match="do not fit"):
        context_of(Tls.model_validate({"cert": cert, "key": "${secret:k}"}), "no key")
    server.close()
