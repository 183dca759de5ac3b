"""Every way in over HTTP, one line each."""

from quarterdeck.core.web import RawRoute
from quarterdeck.resources.service import Resources
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.logs import elasticsearch, loki, ndjson
from quarterdeck.telemetry.ingest.logs.drains import Drains, Resolve
from quarterdeck.telemetry.ingest.otlp import http as otlp_http
from quarterdeck.telemetry.ingest.prometheus import http as remote_write


def ingest_routes(intake: Intake, resources: Resources, resolve: Resolve) -> list[RawRoute]:
    """The routes that bypass the API's frame; each judges its sender itself.

    `resolve` opens the secrets that a resource refers to.
    """
    return [
        *otlp_http.routes(intake),
        *ndjson.routes(intake),
        *loki.routes(intake),
        *elasticsearch.routes(intake),
        *remote_write.routes(intake),
        *Drains(intake, resources, resolve).routes(),
    ]
