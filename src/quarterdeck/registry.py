"""The table of resource kinds: one line each, and nothing else to change when one is added."""

from quarterdeck.core.permissions import Permission
from quarterdeck.resources.kind import Kind, Kinds
from quarterdeck.resources.project_settings import ProjectSettingsSpec
from quarterdeck.telemetry.dashboards.spec import DashboardSpec
from quarterdeck.telemetry.derived.ready import READY
from quarterdeck.telemetry.derived.spec import DerivedMetricSpec
from quarterdeck.telemetry.ingest.logs.spec import LogDrainSpec
from quarterdeck.telemetry.prometheus.rules.spec import RecordingRulesSpec
from quarterdeck.telemetry.scrape.spec import ScrapeJobSpec
from quarterdeck.telemetry.spec import RetentionSpec, SavedSearchSpec
from quarterdeck.telemetry.sql.spec import SavedQuerySpec

KINDS = Kinds(
    (
        Kind(
            "project-settings",
            "Project settings",
            "What a project is and what its pages open with.",
            ProjectSettingsSpec,
            write=Permission.ADMIN,
            singleton=True,
        ),
        Kind(
            "retention",
            "Retention",
            "How many days a project's traces, logs and metrics are kept, and how many series.",
            RetentionSpec,
            write=Permission.ADMIN,
            singleton=True,
        ),
        Kind(
            "saved-search",
            "Saved search",
            "A search over traces or logs that is worth keeping.",
            SavedSearchSpec,
            write=Permission.RESPOND,
        ),
        Kind(
            "saved-query",
            "Saved query",
            "SQL over telemetry that is worth keeping.",
            SavedQuerySpec,
            write=Permission.RESPOND,
        ),
        Kind(
            "derived-metric",
            "Derived metric",
            "A metric counted from logs or spans.",
            DerivedMetricSpec,
            write=Permission.RESPOND,
            ready=READY,
        ),
        Kind(
            "dashboard",
            "Dashboard",
            "Panels over metrics, logs and SQL.",
            DashboardSpec,
            write=Permission.RESPOND,
        ),
        Kind(
            "log-drain",
            "Log drain",
            "An address to which Vercel, Netlify or Supabase sends logs.",
            LogDrainSpec,
            write=Permission.ADMIN,
        ),
        Kind(
            "recording-rules",
            "Recording rules",
            "Groups of PromQL expressions worked out on a clock into series of their own.",
            RecordingRulesSpec,
            write=Permission.RESPOND,
        ),
        Kind(
            "scrape-job",
            "Scrape job",
            "Exporters that are asked for their metrics, as Prometheus asks them.",
            ScrapeJobSpec,
            write=Permission.ADMIN,
            reaches_out=True,
        ),
    )
)
