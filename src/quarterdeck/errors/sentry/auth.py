"""Who sends: the public key of a DSN, wherever an SDK has put it.

It stands in `X-Sentry-Auth: Sentry sentry_key=…`, in `Authorization` (the same, or `DSN http://…`),
in the address as `?sentry_key=`, or as `dsn` in the envelope itself, which is all that a tunnel
leaves. Where it stands in several places they must agree, and it must be a key of the project in
the path. All of that is answered 403, in the words of Sentry's relay.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from quarterdeck.core.permissions import ProjectRef
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.outcome import Reason, Refused

_KEY = re.compile(r"(?:^|[\s,])sentry_key=([^\s,]+)")
_CLIENT = re.compile(r"(?:^|[\s,])sentry_client=([^\s,]+)")
_LONGEST = 2000


def keys_of(x_sentry_auth: str, authorization: str, query: Mapping[str, str]) -> set[str]:
    """The keys that a request names before its body is read."""
    found: set[str] = set()
    for header in (x_sentry_auth, authorization):
        scheme, _, rest = header[:_LONGEST].strip().partition(" ")
        if scheme.lower() == "sentry" and (match := _KEY.search(rest)):
            found.add(unquote(match[1]))
        elif scheme.lower() == "dsn":
            found.add(_of_dsn(rest.strip())[0])
    if asked := query.get("sentry_key"):
        found.add(asked)
    return found - {""}


def client_of(x_sentry_auth: str, query: Mapping[str, str], user_agent: str) -> str:
    """The SDK's name and version; in a browser the User-Agent is the browser's."""
    found = _CLIENT.search(x_sentry_auth[:_LONGEST])
    return found[1] if found else query.get("sentry_client") or user_agent


def key_of_dsn(dsn: str, project: ProjectRef | None) -> set[str]:
    """The key of the envelope's own DSN, which must be one of the same project."""
    if not dsn:
        return set()
    key, number = _of_dsn(dsn)
    if project is None or number != str(project.id):
        raise wrong_project()
    return {key} - {""}


def admit(
    intake: Intake, keys: set[str], project: ProjectRef | None, origin: str | None
) -> ProjectRef:
    """The project, when exactly one key was named and may write to it; else Refused."""
    if not keys:
        raise Refused(Reason.KEY_MISSING, "missing authorization information")
    if len(keys) > 1:
        raise Refused(Reason.NOT_PERMITTED, "multiple authorization payloads detected")
    if project is None:
        raise wrong_project()
    (key,) = keys
    return intake.authorise(f"Bearer {key}", project.slug, origin)


def wrong_project() -> Refused:
    return Refused(Reason.PROJECT_UNKNOWN, "This key has no such project.")


def _of_dsn(dsn: str) -> tuple[str, str]:
    """Key and project of `scheme://KEY[:SECRET]@HOST/[PATH/]PROJECT`; empty where it is no DSN."""
    try:
        parts = urlsplit(dsn[:_LONGEST])
        return unquote(parts.username or ""), parts.path.rstrip("/").rpartition("/")[2]
    except ValueError:
        return "", ""
