"""Projects, their DSN, environments and end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from quarterdeck.accounts.audit import list_entries
from quarterdeck.accounts.projects import MAX_ENVIRONMENTS, delete_project
from quarterdeck.core.clock import ManualClock
from quarterdeck.core.testkit import OWNER
from quarterdeck.store.control import ControlStore
from quarterdeck.store.control.tables import outbox
from support import resourcekit
from support.accountkit import Desk, desk_over
from support.control import clock, control, control_place

__all__ = ["clock", "control", "control_place"]


@pytest.fixture
async def desk(control: ControlStore, clock: ManualClock) -> AsyncIterator[Desk]:
    async with desk_over(control, clock) as opened:
        yield opened


async def test_a_dsn_is_built_from_the_address_of_the_request(desk: Desk) -> None:
    admin = await desk.admin()
    key = next(k["key"] for k in await admin.get("/keys") if k["kind"] == "browser")
    assert (await admin.get("/projects/default"))["dsn"] == f"http://{key}@deck.test/1"
    secure = await desk.browser(base="https://deck.example.com:8443")
    await secure.do(
        "POST", "/login", {"email": "mia@example.com", "password": "four calm grey whales"}
    )
    (project,) = await secure.get("/projects")
    assert project["dsn"] == f"https://{key}@deck.example.com:8443/1"


async def test_a_public_url_goes_before_the_address_of_the_request(
    control: ControlStore, clock: ManualClock
) -> None:
    async with desk_over(control, clock, public_url="https://ops.example.com/deck/") as desk:
        admin = await desk.admin()
        dsn = (await admin.get("/projects/default"))["dsn"]
        assert dsn.startswith("https://")
        assert dsn.endswith("@ops.example.com/deck/1")
        offer = await admin.do("POST", "/invitations", {"email": "b@example.com", "role": "viewer"})
        assert offer["url"].startswith("https://ops.example.com/deck/invite/")


async def test_the_default_project_is_made_once(
    desk: Desk, control: ControlStore, clock: ManualClock
) -> None:
    admin = await desk.admin()
    before = await admin.get("/projects/default")
    async with desk_over(control, clock) as again:
        assert [p.slug for p in again.accounts.directory.projects] == ["default"]
    assert await admin.get("/projects/default") == before


async def test_a_project_is_made_with_a_dsn_of_its_own(desk: Desk) -> None:
    admin = await desk.admin()
    made = await admin.do("POST", "/projects", {"slug": "web-shop", "name": "Web shop"})
    assert (made["id"], made["slug"], made["name"]) == (2, "web-shop", "Web shop")
    assert made["dsn"].endswith("/2")
    assert made["dsn"] != (await admin.get("/projects/default"))["dsn"]
    ref = desk.accounts.project_by_slug("web-shop")
    assert ref is not None
    assert desk.accounts.project_by_id(2) == ref
    assert await admin.refused("POST", "/projects", {"slug": "web-shop"}) == (409, "project_exists")


async def test_two_projects_of_one_slug_cannot_be_made_at_once(desk: Desk) -> None:
    admin = await desk.admin()
    answers = await asyncio.gather(
        *(admin.ask("POST", "/projects", {"slug": "shop"}) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_a_slug_that_would_not_fit_an_address_is_refused(desk: Desk) -> None:
    admin = await desk.admin()
    for slug in ["", "Shop", "1", "42shop", "-a", "a-", "a_b", "a b", "é", "x" * 64]:
        assert await admin.refused("POST", "/projects", {"slug": slug}) == (422, "slug_invalid")


async def test_a_project_is_renamed_and_keeps_its_id(desk: Desk) -> None:
    admin = await desk.admin()
    await admin.do("POST", "/projects", {"slug": "shop"})
    changed = await admin.do("PATCH", "/projects/shop", {"slug": "store", "name": "Store"})
    assert (changed["id"], changed["slug"], changed["name"]) == (2, "store", "Store")
    assert (await admin.refused("GET", "/projects/shop"))[0] == 404
    taken = await admin.refused("PATCH", "/projects/store", {"slug": "default"})
    assert taken == (409, "project_exists")


async def test_the_default_project_stays(desk: Desk) -> None:
    admin = await desk.admin()
    confirmed = {"confirm": "default"}
    assert await admin.refused("DELETE", "/projects/default", confirmed) == (409, "project_default")
    moved = await admin.refused("PATCH", "/projects/default", {"slug": "other"})
    assert moved == (409, "project_default")
    assert (await admin.do("PATCH", "/projects/default", {"name": "Main"}))["name"] == "Main"


async def test_deleting_a_project_takes_its_keys_and_tells_the_outbox(desk: Desk) -> None:
    admin = await desk.admin()
    await admin.do("POST", "/projects", {"slug": "shop"})
    only = await desk.key(admin, role="viewer", projects=["shop"])
    both = await desk.key(admin, role="viewer", projects=["shop", "default"])
    for wrong in ({"confirm": "default"}, {"confirm": ""}):
        refused = await admin.refused("DELETE", "/projects/shop", wrong)
        assert refused == (422, "confirmation_missing")
    await admin.do("DELETE", "/projects/shop", {"confirm": "shop"})
    assert (await admin.refused("GET", "/projects/shop"))[0] == 404
    assert desk.accounts.authenticate_key(only["secret"]) is None
    trail = await admin.get("/audit?limit=1000")
    revoked = [entry["target"] for entry in trail if entry["action"] == "key.revoke"]
    assert sorted(revoked) == ["k", "shop browser"]  # the key of both projects lives on
    left = desk.accounts.authenticate_key(both["secret"])
    assert left is not None
    assert left.projects == frozenset({1})
    chosen = select(outbox).where(outbox.c.topic == "project.deleted")
    (event,) = await desk.accounts.store.read(lambda conn: conn.execute(chosen).all())
    assert (event.key, event.payload) == ("2", {"project_id": 2, "slug": "shop"})
    assert (await admin.do("POST", "/projects", {"slug": "shop"}))["id"] > 2  # never used twice


async def test_what_was_configured_goes_with_its_project_on_the_record(
    control: ControlStore,
) -> None:
    async with resourcekit.desk_over(control) as configured:
        await configured.put("/channel/ops?project=shop", {})
        await configured.put("/rule/slow?project=shop", {"channels": ["ops"]})
        await configured.put("/channel/ops?project=blog", {})
        empty = [configured.resources.empty_project]
        await control.write(lambda conn: delete_project(conn, OWNER, "shop", "shop", empty))
        await configured.resources.refresh()
        left = [
            (record.project_id, record.target) for record, _ in configured.resources.everything()
        ]
    assert left == [(3, "channel/ops")]
    trail = await control.read(lambda conn: list_entries(conn, limit=3))
    assert {(entry.action, entry.target, entry.actor) for entry in trail} == {
        ("resource.delete", "channel/ops", OWNER.name),
        ("resource.delete", "rule/slow", OWNER.name),
        ("project.delete", "shop", OWNER.name),
    }
    chosen = select(outbox.c.payload).where(outbox.c.topic == "resource.changed")
    told = await control.read(lambda conn: conn.execute(chosen).scalars().all())
    gone = [(event["kind"], event["project_id"]) for event in told if event["action"] == "delete"]
    assert sorted(gone) == [("channel", 2), ("rule", 2)]


async def test_who_may_not_administer_may_not_change_projects(desk: Desk) -> None:
    admin = await desk.admin()
    bob = await desk.person(admin, "bob@example.com", "deployer")
    assert len(await bob.get("/projects")) == 1
    for method, path, body in (
        ("POST", "/projects", {"slug": "shop"}),
        ("PATCH", "/projects/default", {"name": "x"}),
        ("DELETE", "/projects/default", {"confirm": "default"}),
    ):
        assert await bob.refused(method, path, body) == (403, "not_permitted")


async def test_an_environment_creates_itself_when_first_seen(
    desk: Desk, control: ControlStore, clock: ManualClock
) -> None:
    admin = await desk.admin()
    for name in ("production", "staging", "production"):
        desk.accounts.touch_environment(1, name)
    await desk.accounts.tick()
    assert (await admin.get("/projects/default"))["environments"] == ["production", "staging"]
    assert (await admin.get("/session"))["projects"][0]["environments"] == ["production", "staging"]
    async with desk_over(control, clock) as again:
        again.accounts.touch_environment(1, "staging")
        await again.accounts.tick()
        assert again.accounts.directory.environments == {1: ("production", "staging")}


async def test_hostile_environments_are_bounded(desk: Desk) -> None:
    admin = await desk.admin()
    for name in ("", "x" * 65, "a\nb", "\u202egnp"):
        desk.accounts.touch_environment(1, name)
    desk.accounts.touch_environment(77, "nowhere")
    await desk.accounts.tick()
    assert (await admin.get("/projects/default"))["environments"] == []
    for number in range(MAX_ENVIRONMENTS + 50):
        desk.accounts.touch_environment(1, f"env-{number:03}")
        if number % 40 == 0:
            await desk.accounts.tick()
    await desk.accounts.tick()
    environments: list[Any] = (await admin.get("/projects/default"))["environments"]
    assert len(environments) == MAX_ENVIRONMENTS
