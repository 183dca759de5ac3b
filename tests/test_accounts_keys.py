"""Keys and the gate: who may what, and where."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from quarterdeck.accounts.keys import origin_allowed
from quarterdeck.accounts.tables import keys
from quarterdeck.core.clock import ManualClock
from quarterdeck.core.permissions import Permission, Role
from quarterdeck.store.control import ControlStore
from support.accountkit import ADMIN_KEY, Desk, desk_over
from support.control import clock, control, control_place

__all__ = ["clock", "control", "control_place"]


@pytest.fixture
async def desk(control: ControlStore, clock: ManualClock) -> AsyncIterator[Desk]:
    async with desk_over(control, clock) as opened:
        yield opened


async def test_the_admin_key_works_before_anyone_has_set_up(desk: Desk) -> None:
    automation = await desk.with_key(ADMIN_KEY)
    project = await automation.get("/projects/default")
    assert project["id"] == 1
    assert project["dsn"].startswith("http://")
    made = await desk.key(automation, role="viewer")
    assert made["secret"].startswith("qd_")
    session = await automation.get("/session")
    assert (session["user"], session["setup_required"], session["csrf_token"]) == (None, True, "")


async def test_without_an_admin_key_an_empty_one_opens_nothing(
    control: ControlStore, clock: ManualClock
) -> None:
    async with desk_over(control, clock, admin_key="") as desk:
        assert desk.accounts.authenticate_key("") is None
        browser = await desk.browser(Authorization="Bearer ")
        assert await browser.refused("GET", "/projects") == (401, "key_invalid")


async def test_a_secret_key_is_shown_once_and_kept_as_a_hash(desk: Desk) -> None:
    admin = await desk.admin()
    made = await desk.key(admin, role="responder", name="deploy bot")
    secret = made["secret"]
    listed = await admin.get("/keys")
    assert secret not in str(listed)
    (shown,) = [key for key in listed if key["id"] == made["id"]]
    assert "secret" not in shown
    assert secret.startswith(shown["key"].rstrip("…"))
    assert shown["role"] == "responder"
    rows = await desk.accounts.store.read(lambda conn: repr(conn.execute(select(keys)).all()))
    assert secret not in rows
    bot = await desk.with_key(secret)
    assert (await bot.get("/probe/read")) == {"project": "default", "who": "deploy bot"}
    await bot.do("POST", "/probe/respond")  # a key needs no CSRF token


@pytest.mark.parametrize(
    ("role", "may_read", "may_respond", "may_administer"),
    [
        ("ingest", False, False, False),
        ("viewer", True, False, False),
        ("responder", True, True, False),
        ("deployer", True, True, False),
        ("admin", True, True, True),
    ],
)
async def test_a_key_may_what_its_role_may(
    desk: Desk, role: str, may_read: bool, may_respond: bool, may_administer: bool
) -> None:
    made = await desk.key(await desk.with_key(ADMIN_KEY), role=role)
    bot = await desk.with_key(made["secret"])
    answers = {
        may_read: await bot.ask("GET", "/probe/read"),
        may_respond: await bot.ask("POST", "/probe/respond"),
        may_administer: await bot.ask("GET", "/users"),
    }
    for allowed, answer in answers.items():
        assert answer.status_code == (200 if allowed else 403), answer.text
    assert await bot.refused("GET", "/account") == (403, "not_permitted")


async def test_a_revoked_key_is_refused_at_once(desk: Desk) -> None:
    admin = await desk.admin()
    made = await desk.key(admin, role="viewer")
    bot = await desk.with_key(made["secret"])
    await bot.get("/probe/read")
    revoked = await admin.do("DELETE", f"/keys/{made['id']}")
    assert revoked["revoked_at"]
    assert await bot.refused("GET", "/probe/read") == (401, "key_invalid")
    assert desk.accounts.authenticate_key(made["secret"]) is None
    assert await admin.do("DELETE", f"/keys/{made['id']}") == revoked
    assert (await admin.refused("DELETE", "/keys/key_none"))[1] == "key_unknown"


async def test_a_key_revoked_by_another_process_is_refused_after_a_look(
    desk: Desk, control: ControlStore, clock: ManualClock
) -> None:
    admin = await desk.admin()
    made = await desk.key(admin, role="viewer")
    async with desk_over(control, clock) as other:
        assert other.accounts.authenticate_key(made["secret"]) is not None
        await admin.do("DELETE", f"/keys/{made['id']}")
        await other.accounts.tick()
        assert other.accounts.authenticate_key(made["secret"]) is None


async def test_a_limited_key_sees_no_other_project(desk: Desk) -> None:
    admin = await desk.admin()
    for slug in ("shop", "blog"):
        await admin.do("POST", "/projects", {"slug": slug})
    made = await desk.key(admin, role="viewer", projects=["shop"])
    assert made["projects"] == ["shop"]
    bot = await desk.with_key(made["secret"])
    assert (await bot.get("/probe/read"))["project"] == "shop"  # its own, when it names none
    assert (await bot.get("/probe/read?project=shop"))["project"] == "shop"
    for slug in ("blog", "default", "none"):
        assert (await bot.refused("GET", f"/probe/read?project={slug}"))[0] == 404
    sent = {"X-Quarterdeck-Project": "blog"}
    assert await bot.refused("GET", "/probe/read", **sent) == (404, "project_unknown")
    assert await bot.refused("GET", "/projects/blog") == (404, "project_unknown")
    assert [project["slug"] for project in await bot.get("/projects")] == ["shop"]


async def test_a_limited_admin_key_rules_over_its_projects_only(desk: Desk) -> None:
    admin = await desk.admin()
    await admin.do("POST", "/projects", {"slug": "shop"})
    everywhere = await desk.key(admin, role="viewer")
    bot = await desk.with_key((await desk.key(admin, role="admin", projects=["shop"]))["secret"])
    for method, path, body in (
        ("GET", "/users", None),
        ("GET", "/invitations", None),
        ("POST", "/invitations", {"email": "eve@example.com", "role": "admin"}),
        ("GET", "/secrets", None),
        ("PUT", "/secrets/x", {"value": "y"}),
        ("POST", "/projects", {"slug": "mine"}),
        ("POST", "/keys", {"name": "all", "kind": "secret", "role": "admin"}),
    ):
        assert await bot.refused(method, path, body) == (403, "key_limited"), path
    elsewhere = {"name": "n", "kind": "secret", "role": "admin", "projects": ["default"]}
    assert await bot.refused("POST", "/keys", elsewhere) == (404, "project_unknown")
    assert (await bot.refused("DELETE", f"/keys/{everywhere['id']}"))[0] == 404
    assert (await bot.refused("DELETE", "/projects/default", {"confirm": "default"}))[0] == 404
    assert (await bot.refused("PATCH", "/projects/default", {"name": "x"}))[0] == 404
    own = await desk.key(bot, role="viewer", projects=["shop"])
    listed = await bot.get("/keys")
    assert own["id"] in [key["id"] for key in listed]
    assert all(key["projects"] == ["shop"] for key in listed)
    trail = await bot.get("/audit")
    assert trail
    assert all(entry["project"] == "shop" for entry in trail)
    await bot.do("PATCH", "/projects/shop", {"name": "The shop"})


async def test_a_browser_key_is_public_and_only_writes(desk: Desk) -> None:
    admin = await desk.admin()
    made = await desk.key(
        admin, kind="browser", projects=["default"], origins=["https://Shop.example.com/"]
    )
    assert made["secret"] is None
    assert len(made["key"]) == 32
    assert made["key"] == made["key"].lower()
    int(made["key"], 16)
    assert made["origins"] == ["https://shop.example.com"]
    assert made["key"] in [key["key"] for key in await admin.get("/keys")]  # shown again
    principal = desk.accounts.authenticate_key(made["key"])
    assert principal is not None
    assert (principal.role, principal.projects) == (Role.BROWSER, frozenset({1}))
    assert principal.may(Permission.INGEST)
    assert not principal.may(Permission.READ)
    for origin, allowed in (
        (None, True),
        ("https://shop.example.com", True),
        ("https://evil.example.com", False),
        ("null", False),
    ):
        assert origin_allowed(principal, origin) is allowed
    page = await desk.with_key(made["key"])
    assert await page.refused("GET", "/probe/read") == (403, "not_permitted")


async def test_a_browser_key_without_projects_belongs_to_the_project_asked_for(desk: Desk) -> None:
    admin = await desk.admin()
    await admin.do("POST", "/projects", {"slug": "shop"})
    made = await admin.do("POST", "/keys?project=shop", {"name": "k", "kind": "browser"})
    assert made["projects"] == ["shop"]
    assert (await desk.key(admin, kind="browser"))["projects"] == ["default"]


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"origins": ["shop.example.com"]}, "origin_invalid"),
    ({"origins": ["https://shop.example.com/path"]}, "origin_invalid"),
    ({"origins": ["*"]}, "origin_invalid"),
    ({"origins": [f"https://{n}.example.com" for n in range(51)]}, "origin_invalid"),
    ({"kind": "secret", "origins": ["https://a.example.com"]}, "origin_invalid"),
    ({"projects": []}, "key_without_project"),
    ({"projects": ["none"]}, "project_unknown"),
    ({"name": "\x07"}, "name_invalid"),
    ({"role": "viewer"}, "role_invalid"),
    ({"role": "ingest"}, "role_invalid"),
    ({"role": "owner"}, "invalid_request"),
    ({"kind": "magic"}, "invalid_request"),
]


async def test_a_key_that_makes_no_sense_is_refused(desk: Desk) -> None:
    automation = await desk.with_key(ADMIN_KEY)
    for body, code in NONSENSE:
        full: dict[str, Any] = {"name": "k", "kind": "browser", **body}
        assert (await automation.refused("POST", "/keys", full))[1] == code


async def test_nonsense_is_no_key(desk: Desk) -> None:
    for raw in ["", "qd_x", "é", "\ud800", "a" * 100_000, "0" * 32, "\x00"]:
        assert desk.accounts.authenticate_key(raw) is None


async def test_nonsense_is_no_session(desk: Desk) -> None:
    for cookie in ["qds_x", "a" * 5000, "%00", '"']:
        browser = await desk.browser(Cookie=f"qd_session={cookie}")
        assert (await browser.get("/session"))["user"] is None


async def test_a_key_beats_a_cookie_and_a_bad_key_is_not_ignored(desk: Desk) -> None:
    admin = await desk.admin()
    made = await desk.key(admin, role="viewer", name="bot")
    sent = {"Authorization": f"bearer {made['secret']}"}
    assert (await admin.get("/probe/read", **sent))["who"] == "bot"
    bad = {"Authorization": "Bearer qd_nothing"}
    assert await admin.refused("GET", "/probe/read", **bad) == (401, "key_invalid")


async def test_last_use_is_noted_in_batches(desk: Desk, clock: ManualClock) -> None:
    admin = await desk.admin()
    made = await desk.key(admin, role="viewer")
    bot = await desk.with_key(made["secret"])

    async def last_used() -> Any:
        (key,) = [key for key in await admin.get("/keys") if key["id"] == made["id"]]
        return key["last_used_at"]

    await bot.get("/probe/read")
    assert await last_used() is None
    await desk.accounts.tick()
    assert await last_used() == clock.now_ns() // 1_000_000
    (me,) = await admin.get("/users")
    assert me["last_seen_at"] == clock.now_ns() // 1_000_000


async def test_recognising_a_key_takes_microseconds(desk: Desk) -> None:
    made = await desk.key(await desk.with_key(ADMIN_KEY), role="ingest")
    began = time.perf_counter()
    for _ in range(10_000):
        desk.accounts.authenticate_key(made["secret"])
    assert (time.perf_counter() - began) / 10_000 < 20e-6
