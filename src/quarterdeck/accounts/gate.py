"""`Accounts`: who is asking, and which project they mean. The `core.web.Gate` of the server.

Keys, projects and environments are answered from memory, without a query; the directory
is loaded again after each change made here, and every few seconds for changes made by
another process. So a key revoked here is refused from the next request on, one revoked
by another process within `RELOAD_SECONDS`. Sessions are read from the database each
time. What requests leave behind (last use of keys and sessions, new environments) is
written in batches; a crash may lose the last `USE_SECONDS` of it, and nothing else.
"""

import asyncio
import contextlib
import logging

from fastapi import Request
from sqlalchemy import Connection

from quarterdeck.accounts.audit import SYSTEM, client_address
from quarterdeck.accounts.directory import EMPTY, load_directory
from quarterdeck.accounts.invitations import prune_invitations
from quarterdeck.accounts.keys import key_in, note_use
from quarterdeck.accounts.links import Kind, create_link, prune_links
from quarterdeck.accounts.passwords import Passwords
from quarterdeck.accounts.projects import (
    DEFAULT_SLUG,
    MAX_ENVIRONMENTS,
    Empty,
    acceptable_environment,
    add_environments,
    ensure_default,
    project_unknown,
)
from quarterdeck.accounts.secrets import Vault, server_key
from quarterdeck.accounts.sessions import prune_sessions, session_user, touch_sessions
from quarterdeck.accounts.setup import forget_setup_token, setup_token
from quarterdeck.accounts.throttle import prune_throttle
from quarterdeck.accounts.users import any_user, clean_email, first_admin, user_by_email
from quarterdeck.accounts.web import SESSION_COOKIE, address_of, check_csrf
from quarterdeck.core.clock import now_ms
from quarterdeck.core.errors import NotFound, QuarterdeckError, Unauthenticated
from quarterdeck.core.ids import hash_token
from quarterdeck.core.permissions import ANONYMOUS, Principal, ProjectRef
from quarterdeck.core.settings import Settings
from quarterdeck.store.control import ControlStore
from quarterdeck.store.control.base import T, Work

RELOAD_SECONDS = 5.0
USE_SECONDS = 30
_PRUNE_MS = 3_600_000
_MAX_KEY = 200

_log = logging.getLogger("quarterdeck.accounts")


class Accounts:
    """One per process, over the control store; `start` before the first request."""

    def __init__(
        self, store: ControlStore, settings: Settings, passwords: Passwords | None = None
    ) -> None:
        self.store = store
        self.settings = settings
        self.passwords = passwords or Passwords()
        self.vault = Vault(store, server_key(settings, "secrets"))
        self.directory = EMPTY
        self.emptying: list[Empty] = []  # what the floors above do when a project goes
        self.idle_ms = int(settings.session_days) * 86_400_000
        self._reloading = asyncio.Lock()
        self._used_keys: set[str] = set()
        self._used_sessions: dict[str, tuple[str, int]] = {}
        self._environments: set[tuple[int, str]] = set()
        self._new_environments: set[tuple[int, str]] = set()
        self._uses_due = 0
        self._prune_due = 0
        self._task: asyncio.Task[None] | None = None

    # -- life -----------------------------------------------------------------------------

    async def start(self) -> None:
        """Make the default project if there is none, load, and keep the batches going."""
        await self.change(ensure_default)
        self._task = asyncio.create_task(self._run(), name="accounts")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self.flush()

    async def reload(self) -> None:
        """Take what the database holds now; later calls never bring older data."""
        async with self._reloading:
            admin_key = str(self.settings.admin_key)
            fresh = await self.store.read(lambda conn: load_directory(conn, admin_key))
            self.directory = fresh
            self._environments = {
                (project_id, name)
                for project_id, names in fresh.environments.items()
                for name in names
            }

    async def change(self, work: Work[T]) -> T:
        """Write, and answer from the new state afterwards."""
        result = await self.store.write(work)
        await self.reload()
        return result

    async def flush(self) -> None:
        """Write what requests have left behind."""
        environments, self._new_environments = self._new_environments, set()
        sessions, self._used_sessions = self._used_sessions, {}
        used, self._used_keys = self._used_keys, set()
        if not (environments or sessions or used):
            return
        now = now_ms(self.store.clock)

        def note(conn: Connection) -> None:
            add_environments(conn, environments)
            note_use(conn, dict.fromkeys(sorted(used), now))
            touch_sessions(conn, sessions)

        await self.store.write(note)
        if environments:
            await self.reload()

    async def tick(self) -> None:
        """What the loop does each time: batches, a fresh directory, forgetting."""
        now = now_ms(self.store.clock)
        if self._new_environments or now >= self._uses_due:
            self._uses_due = now + USE_SECONDS * 1000
            await self.flush()
        await self.reload()
        if now >= self._prune_due:
            self._prune_due = now + _PRUNE_MS
            await self.store.write(self._prune)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            try:
                await self.tick()
            except QuarterdeckError as error:
                _log.warning("Accounts could not be refreshed: %s", error.message)
            except Exception:
                _log.exception("Accounts could not be refreshed.")

    def _prune(self, conn: Connection) -> None:
        prune_sessions(conn, self.idle_ms)
        prune_links(conn)
        prune_invitations(conn)
        prune_throttle(conn)

    # -- answers from memory --------------------------------------------------------------

    def authenticate_key(self, raw: str) -> Principal | None:
        """Whose key it is, if it is a live one. Costs a hash and a look-up."""
        if len(raw) > _MAX_KEY or not raw.isascii():
            return None
        principal = self.directory.keys.get(hash_token(raw))
        if principal is not None:
            self._used_keys.add(principal.id)
        return principal

    def project_by_slug(self, slug: str) -> ProjectRef | None:
        return self.directory.by_slug.get(slug)

    def project_by_id(self, project_id: int) -> ProjectRef | None:
        return self.directory.by_id.get(project_id)

    def touch_environment(self, project_id: int, name: str) -> None:
        """An environment exists once telemetry has spoken of it."""
        found = (project_id, name)
        if found in self._environments or not acceptable_environment(name):
            return
        if sum(known[0] == project_id for known in self._environments) >= MAX_ENVIRONMENTS:
            return
        self._environments.add(found)
        self._new_environments.add(found)

    # -- the gate -------------------------------------------------------------------------

    async def authenticate(self, request: Request) -> Principal:
        """By key, else by session cookie (with its CSRF token when it writes), else nobody."""
        client_address.set(address_of(request))
        raw = key_in(request.headers.get("authorization", ""))
        if raw is not None:
            principal = self.authenticate_key(raw)
            if principal is None:
                raise Unauthenticated(
                    "key_invalid",
                    "This key does not exist or has been revoked.",
                    "Check the key, or make another one under Settings, Keys.",
                )
            return principal
        cookie = request.cookies.get(SESSION_COOKIE)
        if not cookie or len(cookie) > _MAX_KEY or not cookie.isascii():
            return ANONYMOUS
        token = cookie
        found = await self.store.read(lambda conn: session_user(conn, token, self.idle_ms))
        if found is None:
            return ANONYMOUS
        check_csrf(request, cookie)
        session, user = found
        request.state.session_id = session.id
        self._used_sessions[session.id] = (user.id, now_ms(self.store.clock))
        return user.principal

    async def project(self, principal: Principal, slug: str | None) -> ProjectRef:
        """The project named; else `default`, or the first that a limited key may see."""
        if slug is not None:
            named = self.directory.by_slug.get(slug)
            if named is None or not principal.sees(named.id):
                raise project_unknown(slug)
            return named
        default = self.directory.by_slug.get(DEFAULT_SLUG)
        if default is not None and principal.sees(default.id):
            return default
        visible = self.directory.visible(principal)
        if not visible:
            raise project_unknown(DEFAULT_SLUG)
        return self.directory.by_id[visible[0].id]

    async def setup_path(self) -> str:
        """The path, with the set-up token, where the first account is made; empty afterwards."""
        if await self.store.read(any_user):
            forget_setup_token(self.settings.data_dir)
            return ""
        return f"/setup?token={setup_token(self.settings.data_dir)}"

    # -- links made by commands -----------------------------------------------------------

    async def create_reset_link(self, email: str) -> str:
        """An address where that user sets a new password, once, within a day."""
        return await self._link("reset", clean_email(email), "/reset/{}")

    async def create_login_link(self, email: str | None = None) -> str:
        """An address that signs in as that user, or as the first admin, once."""
        address = clean_email(email) if email is not None else None
        return await self._link("login", address, "/api/login/link?token={}")

    async def _link(self, kind: Kind, email: str | None, path: str) -> str:
        def create(conn: Connection) -> str:
            user = first_admin(conn) if email is None else user_by_email(conn, email)
            if user is None or user.disabled_at is not None:
                raise NotFound(
                    "user_unknown",
                    f"There is no active user {email}." if email else "There is no admin yet.",
                    "Check the address, or open Quarterdeck in a browser to set it up.",
                )
            return create_link(conn, SYSTEM, kind, user)

        return self._base() + path.format(await self.store.write(create))

    def _base(self) -> str:
        configured = str(self.settings.public_url).rstrip("/")
        return configured or f"http://{self.settings.host}:{self.settings.port}"
