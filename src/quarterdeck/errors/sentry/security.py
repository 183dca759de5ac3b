"""What browsers report by themselves: broken Content-Security-Policies and their kin.

Each report becomes the document of an error event. Both ways are read: one object named after its
kind (`{"csp-report": …}`), and the array of the Reporting API (`[{"type": "csp-violation", …}]`).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from quarterdeck.errors.shapes import mapping, name, objects

MOST_REPORTS = 100
_LONGEST = 2000
_ALONE = {
    "csp-report": "csp",
    "expect-ct-report": "expectct",
    "expect-staple-report": "expectstaple",
}
# The Reporting API writes the same names in another case.
_NAMES = {
    "documentURL": "document_uri",
    "blockedURL": "blocked_uri",
    "effectiveDirective": "effective_directive",
    "originalPolicy": "original_policy",
    "statusCode": "status_code",
    "sourceFile": "source_file",
    "lineNumber": "line_number",
    "columnNumber": "column_number",
    "sample": "script_sample",
}
_LOCAL = {"self", "inline", "eval", "wasm-eval", "data", "blob", "about", "filesystem"}


def documents(
    reports: Any, release: str = "", environment: str = "", agent: str = ""
) -> list[tuple[str, dict[str, Any]]]:
    """Kind and event document of each report; empty when there is none that we know."""
    found = []
    for kind, report, page in _reports(reports):
        document = _document(kind, report, page)
        document |= {"release": release or None, "environment": environment or None}
        if agent:
            document["request"]["headers"] = [["User-Agent", agent[:500]]]
        found.append((kind, document))
    return found


def _reports(given: Any) -> list[tuple[str, dict[str, Any], str]]:
    """(kind, report with names as in Sentry's events, the page it is about)."""
    if isinstance(given, list):
        return [_of_api(one) for one in objects(given)[:MOST_REPORTS] if name(one.get("type"))]
    for key, kind in _ALONE.items():
        if isinstance(report := mapping(given).get(key), dict):
            named = {key.replace("-", "_"): value for key, value in report.items()}
            return [(kind, named, name(named.get("document_uri"), _LONGEST))]
    if "known-pins" in mapping(given):
        named = {key.replace("-", "_"): value for key, value in given.items()}
        return [("hpkp", named, name(named.get("hostname")))]
    return []


def _of_api(one: Mapping[str, Any]) -> tuple[str, dict[str, Any], str]:
    body = {_NAMES.get(key, key): value for key, value in mapping(one.get("body")).items()}
    kind = name(one["type"], 50)
    page = name(body.get("document_uri") or one.get("url"), _LONGEST)
    if kind == "csp-violation":
        return "csp", {**body, "document_uri": page}, page
    return "nel" if kind == "network-error" else kind, body, page


def _document(kind: str, report: dict[str, Any], page: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": kind,
        "platform": "other",
        "logger": kind,
        "level": "error",
        kind: report,
        "request": {"url": page},
    }
    if kind == "csp":
        directive, blocked = _directive(report), _blocked(report)
        document["message"] = f"Blocked {directive or 'a resource'} from {blocked or 'nowhere'}"
        document["culprit"] = name(report.get("violated_directive"), 500) or directive
        document["tags"] = {"effective-directive": directive, "blocked": blocked}
        document["fingerprint"] = ["csp", directive, blocked]
        return document
    where = name(report.get("hostname")) or urlsplit_host(page)
    what = name(report.get("message"), 500) or name(report.get("type")) or kind
    document["message"] = f"{kind}: {what} ({where})" if where else f"{kind}: {what}"
    document["fingerprint"] = [kind, where, what]
    return document


def _directive(report: Mapping[str, Any]) -> str:
    given = name(report.get("effective_directive")) or name(report.get("violated_directive"))
    return given.split(" ", 1)[0][:100]


def _blocked(report: Mapping[str, Any]) -> str:
    """Whose resource was blocked, so that a thousand addresses of one host are one issue."""
    uri = name(report.get("blocked_uri"), _LONGEST).strip()
    scheme = uri.split(":", 1)[0]
    if uri == "" or scheme in _LOCAL:
        return scheme or "self"
    return urlsplit_host(uri) or scheme[:100]


def urlsplit_host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "")[:200]
    except ValueError:
        return ""
