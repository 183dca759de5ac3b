"""What the account routes share: addresses, the session cookie, who may act on everything."""

from urllib.parse import urlsplit

from fastapi import Request, Response

from quarterdeck.accounts.audit import client_address
from quarterdeck.accounts.sessions import csrf_matches
from quarterdeck.core.errors import Forbidden
from quarterdeck.core.permissions import Principal
from quarterdeck.core.settings import Settings

SESSION_COOKIE = "qd_session"
CSRF_HEADER = "x-csrf-token"
_SAFE = {"GET", "HEAD", "OPTIONS"}


def address_of(request: Request) -> str:
    """The client's address; behind a trusted proxy the server has already put it right."""
    return request.client.host if request.client else ""


def agent_of(request: Request) -> str:
    return request.headers.get("user-agent", "")


def base_url(request: Request, settings: Settings) -> str:
    """Where people reach us: as configured, or as this request did."""
    configured = str(settings.public_url).rstrip("/")
    return configured or str(request.base_url).rstrip("/")


def dsn(base: str, key: str | None, project_id: int) -> str | None:
    """The address a Sentry SDK is given; None while the project has no browser key."""
    scheme, _, rest = base.partition("://")
    return f"{scheme}://{key}@{rest}/{project_id}" if key else None


def set_session_cookie(
    request: Request, response: Response, cookie: str, settings: Settings
) -> None:
    response.set_cookie(
        SESSION_COOKIE,
        cookie,
        max_age=int(settings.session_days) * 86_400,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def clear_session_cookie(response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")


def check_csrf(request: Request, cookie: str) -> None:
    """A browser sends the cookie by itself; the header only a page of ours can send."""
    if request.method in _SAFE:
        return
    if not csrf_matches(cookie, request.headers.get(CSRF_HEADER, "")):
        raise Forbidden(
            "csrf_failed",
            "The header X-CSRF-Token is missing or not this session's.",
            "Send the csrf_token that GET /api/session answers with; reload the page.",
        )


def refuse_cross_site(request: Request, settings: Settings) -> None:
    """For routes that sign in: another site must not sign its visitor in as somebody.

    Browsers say where a request comes from in Sec-Fetch-Site, but only over HTTPS and to their
    own machine; otherwise Origin must name the host that was asked. Programs send neither.
    """
    site = request.headers.get("sec-fetch-site")
    own = site in ("same-origin", "none") if site is not None else _own_origin(request, settings)
    if not own:
        raise Forbidden(
            "cross_site_refused",
            "This request was sent by a page of another site.",
            "Open Quarterdeck itself and try again; behind a proxy, set public_url to the "
            "address that people open.",
        )


def _own_origin(request: Request, settings: Settings) -> bool:
    origin = request.headers.get("origin")
    if origin is None:
        return True
    host = urlsplit(origin).netloc.lower()  # empty for `null`
    known = (request.headers.get("host", ""), urlsplit(str(settings.public_url)).netloc)
    return host != "" and host in {name.lower() for name in known}


def require_everywhere(principal: Principal) -> None:
    """A key that is limited to projects neither rules over nor reads what belongs to none."""
    if not principal.everywhere:
        raise Forbidden(
            "key_limited",
            f"{principal.name} is limited to some projects, and this concerns all of them.",
            "Use a key without a list of projects, or sign in.",
        )


def note_address(request: Request) -> None:
    """For public routes, which the gate does not see: where audit entries say it came from."""
    client_address.set(address_of(request))
