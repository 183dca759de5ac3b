"""A scrape job: what a `scrape_config` of Prometheus says, under the same names.

A job can be pasted from a prometheus.yml as it stands, with these differences: a secret is a
reference to one that the server keeps, a certificate stands in the text rather than in a file, and
`job_name` may be left out, because the resource has a name.
"""

import ssl
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from quarterdeck.resources.spec import SecretText, Spec, ui
from quarterdeck.telemetry.scrape import units
from quarterdeck.telemetry.scrape.rules import LabelName, RelabelRule, Text

MOST_TARGETS = 10_000  # of one job
_SHORTEST_MS = 1000
_LONGEST_MS = 86_400_000

Protocol = Literal[
    "PrometheusProto",
    "OpenMetricsText1.0.0",
    "OpenMetricsText0.0.1",
    "PrometheusText1.0.0",
    "PrometheusText0.0.4",
]
TEXT_FIRST: tuple[Protocol, ...] = (
    "OpenMetricsText1.0.0",
    "OpenMetricsText0.0.1",
    "PrometheusText0.0.4",
)


def _is_duration(text: str) -> str:
    units.milliseconds(text)
    return text


Duration = Annotated[str, Field(max_length=64)]
Labels = dict[LabelName, Text]


class StaticTargets(Spec, title="Group of targets"):
    targets: list[Annotated[str, Field(min_length=1, max_length=1024)]] = Field(
        title="Targets",
        description="Addresses as host:port.",
        max_length=MOST_TARGETS,
        examples=[["10.0.0.5:9100"]],
    )
    labels: Labels = Field(
        default_factory=dict,
        title="Labels",
        description="Labels of everything that these targets tell.",
        max_length=64,
    )


class FileTargets(Spec, title="Files"):
    files: list[Annotated[str, Field(max_length=1024)]] = Field(
        title="Files",
        description="JSON or YAML files of targets, read again when they change. Only files in the directory of the setting scrape_files are read; the last part of a path may hold *.",
        min_length=1,
        max_length=64,
        examples=[["nodes/*.yml"]],
    )
    refresh_interval: Duration = Field(
        "5m", title="Refresh", description="Kept for prometheus.yml: changes are seen at once."
    )

    _check = field_validator("refresh_interval")(_is_duration)

    @field_validator("files")
    @classmethod
    def _are_data(cls, files: list[str]) -> list[str]:
        if not all(name.endswith((".json", ".yml", ".yaml")) for name in files):
            raise ValueError("must end in .json, .yml or .yaml")
        if any(".." in name.split("/") or "*" in name.rpartition("/")[0] for name in files):
            raise ValueError("must not hold .., and * in the last part of a path alone")
        return files


class DnsTargets(Spec, title="Names"):
    names: list[Annotated[str, Field(min_length=1, max_length=253)]] = Field(
        title="Names",
        description="Names that are looked up.",
        min_length=1,
        max_length=64,
        examples=[["_metrics._tcp.example.com"]],
    )
    type: Literal["SRV", "A", "AAAA"] = Field(
        "SRV", title="Type", description="SRV tells the port too; A and AAAA need one."
    )
    port: int = Field(0, title="Port", description="The port of A and AAAA.", ge=0, le=65535)
    refresh_interval: Duration = Field(
        "30s", title="Refresh", description="How often names are looked up."
    )

    _check = field_validator("refresh_interval")(_is_duration)

    @model_validator(mode="after")
    def _has_port(self) -> "DnsTargets":
        if self.type != "SRV" and not self.port:
            raise ValueError("needs a port unless the type is SRV")
        return self


class BasicAuth(Spec, title="Basic authentication"):
    username: str = Field("", title="User name", description="The user.", max_length=1024)
    password: SecretText | None = Field(
        None, title="Password", description="A secret.", examples=["${secret:exporter}"]
    )


class Authorization(Spec):
    type: str = Field(
        "Bearer", title="Type", description="The scheme.", pattern=r"^[A-Za-z0-9._~+-]{1,64}$"
    )
    credentials: SecretText = Field(
        title="Credentials", description="A secret.", examples=["${secret:exporter_token}"]
    )

    @field_validator("type")
    @classmethod
    def _is_not_basic(cls, scheme: str) -> str:
        if scheme.lower() == "basic":
            raise ValueError("cannot be Basic; use basic_auth")
        return scheme


class Tls(Spec, title="TLS"):
    ca: str = Field(
        "",
        title="Authorities",
        description="Certificates, PEM, that are trusted instead of the system's.",
        max_length=500_000,
        json_schema_extra=ui(widget="textarea"),
    )
    cert: str = Field(
        "",
        title="Certificate",
        description="Our own, PEM, for targets that ask for one.",
        max_length=100_000,
        json_schema_extra=ui(widget="textarea"),
    )
    key: SecretText | None = Field(
        None, title="Key", description="The key of that certificate, PEM, as a secret."
    )
    server_name: str = Field(
        "", title="Server name", description="The name on the target's certificate.", max_length=253
    )
    insecure_skip_verify: bool = Field(
        False, title="Do not verify", description="Believe any certificate."
    )
    min_version: Literal["", "TLS12", "TLS13"] = Field(
        "", title="Least version", description="TLS 1.2 unless TLS13 is asked for."
    )

    @field_validator("ca")
    @classmethod
    def _are_certificates(cls, text: str) -> str:
        if text:
            try:
                ssl.create_default_context(cadata=text)
            except (ssl.SSLError, ValueError) as error:
                raise ValueError("must hold certificates as PEM") from error
        return text

    @model_validator(mode="after")
    def _belong_together(self) -> "Tls":
        if bool(self.cert) != bool(self.key):
            raise ValueError("needs both cert and key, or neither")
        return self


Limit = Annotated[
    int,
    Field(ge=0, le=1_000_000_000, json_schema_extra=ui(group="Limits", advanced=True)),
]


class ScrapeJobSpec(Spec):
    job_name: str = Field(
        "",
        title="Job name",
        description="The label `job`; empty for the resource's name.",
        max_length=200,
    )
    static_configs: list[StaticTargets] = Field(
        default_factory=list,
        title="Targets",
        description="Addresses that are known beforehand.",
        max_length=1000,
    )
    file_sd_configs: list[FileTargets] = Field(
        default_factory=list, title="Files", description="Targets from files.", max_length=64
    )
    dns_sd_configs: list[DnsTargets] = Field(
        default_factory=list, title="DNS", description="Targets from DNS.", max_length=64
    )
    scrape_interval: Duration = Field(
        "1m", title="Interval", description="How often a target is asked.", examples=["15s"]
    )
    scrape_timeout: Duration = Field(
        "",
        title="Timeout",
        description="How long one answer may take; empty for 10s, or the interval where that is shorter.",
    )
    metrics_path: str = Field(
        "/metrics", title="Path", description="Where targets answer.", max_length=1024
    )
    scheme: Literal["http", "https"] = Field("http", title="Scheme", description="http or https.")
    params: dict[str, list[Text]] = Field(
        default_factory=dict,
        title="Parameters",
        description="Parameters of the address.",
        max_length=64,
    )
    honor_labels: bool = Field(
        False,
        title="Honor labels",
        description="Whether a target's own labels win over ours; otherwise they are called exported_….",
    )
    honor_timestamps: bool = Field(
        True, title="Honor timestamps", description="Whether a target's own times are believed."
    )
    track_timestamps_staleness: bool = Field(
        False,
        title="Track their staleness",
        description="Whether series with times of their own end when they are no longer told.",
        json_schema_extra=ui(advanced=True),
    )
    basic_auth: BasicAuth | None = Field(
        None, title="Basic authentication", description="User and password."
    )
    authorization: Authorization | None = Field(
        None, title="Authorization", description="A bearer token, or another scheme."
    )
    bearer_token: SecretText | None = Field(
        None,
        title="Bearer token",
        description="The older way to write authorization.",
        json_schema_extra=ui(advanced=True),
    )
    tls_config: Tls | None = Field(None, title="TLS", description="How https is spoken.")
    follow_redirects: bool = Field(
        True, title="Follow redirects", description="Whether redirects are followed, ten at most."
    )
    enable_compression: bool = Field(
        True,
        title="Compression",
        description="Whether answers may be compressed.",
        json_schema_extra=ui(advanced=True),
    )
    scrape_protocols: list[Protocol] = Field(
        default_factory=list,
        title="Protocols",
        description="The formats that are asked for, best first.",
        json_schema_extra=ui(advanced=True),
    )
    fallback_scrape_protocol: Protocol | None = Field(
        None,
        title="Fallback protocol",
        description="The format of an answer that does not say which it has.",
        json_schema_extra=ui(advanced=True),
    )
    scrape_native_histograms: bool = Field(
        False,
        title="Native histograms",
        description="Whether to ask for protobuf first, which alone has them.",
    )
    always_scrape_classic_histograms: bool = Field(
        False,
        title="Classic histograms too",
        description="Whether the buckets of a native histogram are kept as a classic one too.",
        json_schema_extra=ui(advanced=True),
    )
    relabel_configs: list[RelabelRule] = Field(
        default_factory=list,
        title="Relabelling of targets",
        description="Done to a target before it is asked.",
        max_length=200,
    )
    metric_relabel_configs: list[RelabelRule] = Field(
        default_factory=list,
        title="Relabelling of metrics",
        description="Done to every series before it is kept.",
        max_length=200,
    )
    sample_limit: Limit = Field(
        0,
        title="Most samples",
        description="Of one answer, after relabelling; more fails it. 0 for no limit.",
    )
    label_limit: Limit = Field(0, title="Most labels", description="Of one series. 0 for no limit.")
    label_name_length_limit: Limit = Field(
        0, title="Longest label name", description="0 for no limit."
    )
    label_value_length_limit: Limit = Field(
        0, title="Longest label value", description="0 for no limit."
    )
    target_limit: Limit = Field(
        0,
        title="Most targets",
        description="Of this job, after relabelling; with more none is asked. 0 for no limit.",
    )
    keep_dropped_targets: Limit = Field(0, title="Dropped targets shown", description="0 for 100.")
    body_size_limit: Text = Field(
        "0",
        title="Largest body",
        description="Of one answer, uncompressed. 0 for 64MB.",
        examples=["10MB"],
        json_schema_extra=ui(group="Limits", advanced=True),
    )

    @property
    def interval_ms(self) -> int:
        return units.milliseconds(self.scrape_interval)

    @property
    def timeout_ms(self) -> int:
        if self.scrape_timeout:
            return units.milliseconds(self.scrape_timeout)
        return min(10_000, self.interval_ms)

    @property
    def most_bytes(self) -> int:
        return units.size_bytes(self.body_size_limit) or 64 * 1024 * 1024

    @property
    def protocols(self) -> list[Protocol]:
        """What is asked for, best first."""
        if self.scrape_protocols:
            return self.scrape_protocols
        first: list[Protocol] = ["PrometheusProto"] if self.scrape_native_histograms else []
        return [*first, *TEXT_FIRST]

    @field_validator("scrape_interval", "scrape_timeout")
    @classmethod
    def _are_durations(cls, text: str) -> str:
        if text and units.milliseconds(text) > _LONGEST_MS:
            raise ValueError("must be a duration of at most a day")
        return text

    @field_validator("body_size_limit")
    @classmethod
    def _is_size(cls, text: str) -> str:
        if units.size_bytes(text) > 1024**3:
            raise ValueError("must be at most 1GB")
        return text

    @model_validator(mode="after")
    def _fits_together(self) -> "ScrapeJobSpec":
        if self.interval_ms < _SHORTEST_MS:
            raise ValueError("needs a scrape_interval of at least 1s")
        if not 0 < self.timeout_ms <= self.interval_ms:
            raise ValueError("needs a scrape_timeout that is no longer than the scrape_interval")
        ways = (self.basic_auth, self.authorization, self.bearer_token)
        if sum(way is not None for way in ways) > 1:
            raise ValueError("takes one of basic_auth, authorization and bearer_token")
        if not self.metrics_path.startswith("/"):
            raise ValueError("needs a metrics_path that begins with /")
        return self
