"""The way in for series that come from within: scraped, or worked out by a rule."""

from quarterdeck.core.permissions import ProjectRef
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.outcome import Outcome
from quarterdeck.telemetry.ingest.prometheus.messages import V1, request_of

SIGNAL = "metrics"


async def keep_series(intake: Intake, project: ProjectRef, write_request: bytes) -> Outcome:
    """Keep an encoded prometheus.WriteRequest (not compressed) in a project.

    Returns once every point that was not refused is durable, with what was refused and why
    (`Outcome.refused`) and how many were kept of each kind (`Outcome.kept`: sample, histogram,
    exemplar). Raises Refused when nothing of it was kept: with `retry_after` set, the store is
    busy, and the same bytes may be given again without harm; without it they never will be kept.
    Cheapest where labels are sorted by name, none of them empty, and each series has one sample.
    """
    return await intake.keep(SIGNAL, project, request_of(V1, write_request), by=V1.known.table)
