"""Users: roles, and that an admin always remains."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from quarterdeck.core.clock import ManualClock
from quarterdeck.store.control import ControlStore
from support.accountkit import PASSWORD, Browser, Desk, desk_over
from support.control import clock, control, control_place

__all__ = ["clock", "control", "control_place"]


@pytest.fixture
async def desk(control: ControlStore, clock: ManualClock) -> AsyncIterator[Desk]:
    async with desk_over(control, clock) as opened:
        yield opened


async def user_of(admin: Browser, email: str) -> dict[str, Any]:
    (found,) = [user for user in await admin.get("/users") if user["email"] == email]
    return dict(found)


async def test_an_admin_changes_role_and_name_with_effect_at_once(desk: Desk) -> None:
    admin = await desk.admin()
    bob = await desk.person(admin, "bob@example.com", "viewer")
    assert (await bob.refused("POST", "/probe/respond"))[1] == "not_permitted"
    user = await user_of(admin, "bob@example.com")
    changed = await admin.do(
        "PATCH", f"/users/{user['id']}", {"role": "responder", "name": "Bob B."}
    )
    assert (changed["role"], changed["name"], changed["disabled"]) == ("responder", "Bob B.", False)
    await bob.do("POST", "/probe/respond")
    assert (await admin.refused("PATCH", f"/users/{user['id']}", {"role": "browser"}))[1] == (
        "role_unknown"
    )
    assert await admin.refused("PATCH", "/users/usr_none", {}) == (404, "user_unknown")


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"disabled": True}, None])
async def test_the_last_admin_stays(desk: Desk, change: dict[str, Any] | None) -> None:
    admin = await desk.admin()
    await desk.person(admin, "bob@example.com", "deployer")
    mia = await user_of(admin, "mia@example.com")
    method = "DELETE" if change is None else "PATCH"
    assert await admin.refused(method, f"/users/{mia['id']}", change) == (409, "last_admin")
    assert (await user_of(admin, "mia@example.com")) == mia


async def test_two_admins_cannot_demote_each_other_at_once(desk: Desk) -> None:
    admin = await desk.admin()
    other = await desk.person(admin, "bob@example.com", "admin")
    mia = await user_of(admin, "mia@example.com")
    bob = await user_of(admin, "bob@example.com")
    answers = await asyncio.gather(
        admin.ask("PATCH", f"/users/{bob['id']}", {"role": "viewer"}),
        other.ask("PATCH", f"/users/{mia['id']}", {"role": "viewer"}),
    )
    done, refused = sorted(answer.status_code for answer in answers)
    # The second is the last admin, or is none any more by the time it asks.
    assert done == 200
    assert refused in (403, 409)


async def test_a_disabled_admin_does_not_count_as_one(desk: Desk) -> None:
    admin = await desk.admin()
    await desk.person(admin, "bob@example.com", "admin")
    bob = await user_of(admin, "bob@example.com")
    mia = await user_of(admin, "mia@example.com")
    await admin.do("PATCH", f"/users/{bob['id']}", {"disabled": True})
    assert (await admin.refused("DELETE", f"/users/{mia['id']}"))[1] == "last_admin"
    await admin.do("DELETE", f"/users/{bob['id']}")  # and may go


async def test_a_disabled_user_is_out_at_once_and_may_come_back(desk: Desk) -> None:
    admin = await desk.admin()
    bob = await desk.person(admin, "bob@example.com", "viewer")
    user = await user_of(admin, "bob@example.com")
    await admin.do("PATCH", f"/users/{user['id']}", {"disabled": True})
    assert (await bob.get("/session"))["user"] is None
    login = {"email": "bob@example.com", "password": PASSWORD}
    assert await bob.refused("POST", "/login", login) == (401, "login_failed")
    await admin.do("PATCH", f"/users/{user['id']}", {"disabled": False})
    assert (await bob.get("/session"))["user"] is None  # but has to sign in again
    await bob.do("POST", "/login", login)


async def test_a_deleted_user_is_gone_with_their_sessions(desk: Desk) -> None:
    admin = await desk.admin()
    bob = await desk.person(admin, "bob@example.com", "viewer")
    user = await user_of(admin, "bob@example.com")
    await admin.do("DELETE", f"/users/{user['id']}")
    assert (await bob.get("/session"))["user"] is None
    assert len(await admin.get("/users")) == 1
    assert (await admin.refused("DELETE", f"/users/{user['id']}"))[0] == 404
    await desk.person(admin, "bob@example.com", "viewer")  # and may be invited again


@pytest.mark.parametrize("role", ["viewer", "responder", "deployer"])
async def test_only_admins_administer(desk: Desk, role: str) -> None:
    admin = await desk.admin()
    person = await desk.person(admin, "bob@example.com", role)
    mia = await user_of(admin, "mia@example.com")
    for method, path, body in (
        ("GET", "/users", None),
        ("PATCH", f"/users/{mia['id']}", {"role": "viewer"}),
        ("DELETE", f"/users/{mia['id']}", None),
        ("GET", "/invitations", None),
        ("POST", "/invitations", {"email": "e@example.com", "role": "admin"}),
        ("GET", "/keys", None),
        ("POST", "/keys", {"name": "k", "kind": "secret", "role": "admin"}),
        ("GET", "/audit", None),
        ("GET", "/secrets", None),
        ("PUT", "/secrets/x", {"value": "y"}),
        ("DELETE", "/secrets/x", None),
    ):
        assert await person.refused(method, path, body) == (403, "not_permitted"), path
    nobody = await desk.browser()
    assert await nobody.refused("GET", "/users") == (401, "not_authenticated")


async def test_a_name_cannot_disguise_itself(desk: Desk) -> None:
    admin = await desk.admin()
    changed = await admin.do("PATCH", "/account", {"name": "Mia\u202e\x00 <b>\n"})
    assert changed["name"] == "Mia <b>"  # text is shown as text; nothing else is taken out
