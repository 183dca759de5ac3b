"""What a target is told of us and what its answer is taken for: formats by Accept and Content-Type."""

from dataclasses import dataclass

from quarterdeck import __version__
from quarterdeck.telemetry.scrape.failure import ScrapeFailed
from quarterdeck.telemetry.scrape.spec import Protocol

_ACCEPT: dict[Protocol, str] = {
    "PrometheusProto": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0",
    "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
    "PrometheusText1.0.0": "text/plain;version=1.0.0;escaping=allow-utf-8",
    "PrometheusText0.0.4": "text/plain;version=0.0.4",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """How the targets of a job are asked."""

    protocols: tuple[Protocol, ...]
    fallback: Protocol | None
    most_bytes: int
    compressed: bool
    follow_redirects: bool
    server_name: str = ""

    def headers(self, timeout_ms: int) -> dict[str, str]:
        weighed = [f"{_ACCEPT[each]};q=0.{9 - n}" for n, each in enumerate(self.protocols[:8])]
        return {
            "Accept": ",".join([*weighed, "*/*;q=0.1"]),
            "Accept-Encoding": "gzip" if self.compressed else "identity",
            "User-Agent": f"Quarterdeck/{__version__}",
            "X-Prometheus-Scrape-Timeout-Seconds": f"{timeout_ms / 1000:g}",
        }


def protocol_of(content_type: str, fallback: Protocol | None) -> Protocol:
    """The format of an answer, as Prometheus 3 decides it."""
    media, _, rest = content_type.partition(";")
    parameters = dict(part.strip().partition("=")[::2] for part in rest.split(";") if "=" in part)
    media = media.strip().lower()
    if media == "text/plain":
        return "PrometheusText0.0.4"
    if media == "application/openmetrics-text":
        return "OpenMetricsText1.0.0"
    if (
        media == "application/vnd.google.protobuf"
        and parameters.get("proto") == "io.prometheus.client.MetricFamily"
        and parameters.get("encoding") == "delimited"
    ):
        return "PrometheusProto"
    if fallback is not None:
        return fallback
    if media in ("text/html", "application/xhtml+xml"):
        raise ScrapeFailed("It answered a web page (HTML) rather than metrics; is the path right?")
    raise ScrapeFailed(
        "Its Content-Type is that of no metrics; if it answers metrics all the same,"
        " set fallback_scrape_protocol."
    )
