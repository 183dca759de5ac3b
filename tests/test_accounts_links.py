"""Invitations, one-time links, password reset."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from quarterdeck.core.clock import ManualClock
from quarterdeck.core.errors import NotFound
from quarterdeck.store.control import ControlStore
from support.accountkit import ADMIN, PASSWORD, Desk, desk_over
from support.control import clock, control, control_place

__all__ = ["clock", "control", "control_place"]

LOGIN = {"email": ADMIN["email"], "password": PASSWORD}
BOB = {"email": "bob@example.com", "role": "responder"}


@pytest.fixture
async def desk(control: ControlStore, clock: ManualClock) -> AsyncIterator[Desk]:
    async with desk_over(control, clock) as opened:
        yield opened


def path_of(url: str) -> str:
    return "/" + url.partition("/api/")[2]


async def test_an_invitation_makes_a_user_with_its_role_once(desk: Desk) -> None:
    admin = await desk.admin()
    offer = await admin.do("POST", "/invitations", {**BOB, "email": "BOB@example.com"})
    assert offer["url"].startswith("http://deck.test/invite/")
    (listed,) = await admin.get("/invitations")
    assert (listed["email"], listed["role"], listed["url"]) == (
        "bob@example.com",
        "responder",
        None,
    )
    token = offer["url"].rpartition("/")[2]
    bob = await desk.browser()
    assert await bob.get(f"/invitations/accept/{token}") == {
        "email": "bob@example.com",
        "role": "responder",
    }
    weak = {"name": "Bob", "password": "bob"}
    assert (await bob.refused("POST", f"/invitations/accept/{token}", weak))[1] == "password_weak"
    body = {"name": "Bob", "password": PASSWORD}
    signed = await bob.do("POST", f"/invitations/accept/{token}", body)
    assert signed["user"]["role"] == "responder"
    assert (await bob.get("/account"))["name"] == "Bob"
    other = await desk.browser()
    for method, sent in (("GET", None), ("POST", body)):
        assert await other.refused(method, f"/invitations/accept/{token}", sent) == (
            404,
            "invitation_invalid",
        )
    assert await admin.get("/invitations") == []


async def test_an_invitation_accepted_twice_at_once_makes_one_user(desk: Desk) -> None:
    admin = await desk.admin()
    token = (await admin.do("POST", "/invitations", BOB))["url"].rpartition("/")[2]
    browsers = [await desk.browser() for _ in range(4)]
    body = {"name": "Bob", "password": PASSWORD}
    path = f"/invitations/accept/{token}"
    answers = await asyncio.gather(*(b.ask("POST", path, body) for b in browsers))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]
    assert len(await admin.get("/users")) == 2


async def test_an_invitation_expires_is_withdrawn_and_is_replaced(desk: Desk) -> None:
    admin = await desk.admin()
    nobody = await desk.browser()

    async def offer() -> tuple[str, str]:
        made = await admin.do("POST", "/invitations", BOB)
        return made["id"], f"/invitations/accept/{made['url'].rpartition('/')[2]}"

    _, first = await offer()
    second_id, second = await offer()
    assert (await nobody.refused("GET", first))[0] == 404
    await nobody.get(second)
    await admin.do("DELETE", f"/invitations/{second_id}")
    assert (await nobody.refused("GET", second))[0] == 404
    assert (await admin.refused("DELETE", f"/invitations/{second_id}"))[1] == "invitation_unknown"
    _, third = await offer()
    desk.clock.advance(7 * 86_400 + 1)
    assert (await nobody.refused("GET", third))[0] == 404


async def test_who_has_an_account_is_not_invited_again(desk: Desk) -> None:
    admin = await desk.admin()
    body = {"email": ADMIN["email"], "role": "viewer"}
    assert await admin.refused("POST", "/invitations", body) == (409, "user_exists")
    wrong = {**BOB, "role": "ingest"}
    assert await admin.refused("POST", "/invitations", wrong) == (422, "role_unknown")


async def test_a_login_link_signs_in_once(desk: Desk) -> None:
    await desk.admin()
    url = await desk.accounts.create_login_link()
    browser = await desk.browser()
    answer = await browser.ask("GET", path_of(url))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert (await browser.get("/session"))["user"]["email"] == ADMIN["email"]
    again = await browser.ask("GET", path_of(url))  # a reload by whom it signed in
    assert (again.status_code, again.headers["location"]) == (303, "/")
    other = await desk.browser()
    refused = await other.ask("GET", path_of(url))
    assert refused.headers["location"] == "/login?reason=link_invalid"
    assert (await other.get("/session"))["user"] is None


async def test_a_login_link_opened_twice_at_once_signs_in_once(desk: Desk) -> None:
    await desk.admin()
    path = path_of(await desk.accounts.create_login_link(ADMIN["email"]))
    browsers = [await desk.browser() for _ in range(4)]
    answers = await asyncio.gather(*(b.ask("GET", path) for b in browsers))
    assert sorted(answer.headers["location"] for answer in answers)[:2] == [
        "/",
        "/login?reason=link_invalid",
    ]


async def test_a_reset_link_sets_a_new_password_and_ends_all_sessions(desk: Desk) -> None:
    admin = await desk.admin()
    guesser = await desk.browser(address="198.51.100.1")
    for _ in range(5):
        await guesser.refused("POST", "/login", {**LOGIN, "password": "guess"})
    url = await desk.accounts.create_reset_link(" Mia@Example.com ")
    assert url.startswith("http://127.0.0.1:4400/reset/")
    path = f"/reset/{url.rpartition('/')[2]}"
    browser = await desk.browser()
    assert await browser.get(path) == {"email": ADMIN["email"]}
    assert (await browser.refused("POST", path, {"password": "tiny"}))[1] == "password_weak"
    fresh = "another calm sentence"
    assert (await browser.do("POST", path, {"password": fresh}))["user"]["email"] == ADMIN["email"]
    assert (await admin.get("/session"))["user"] is None
    assert await browser.refused("POST", path, {"password": fresh}) == (404, "link_invalid")
    phone = await desk.browser()  # the reset also lifts the block that guessing had caused
    await phone.do("POST", "/login", {**LOGIN, "password": fresh})


async def test_a_newer_reset_link_replaces_the_older_and_a_day_ends_both(desk: Desk) -> None:
    await desk.admin()
    nobody = await desk.browser()
    links = [await desk.accounts.create_reset_link(ADMIN["email"]) for _ in range(2)]
    first, second = (f"/reset/{link.rpartition('/')[2]}" for link in links)
    assert (await nobody.refused("GET", first))[0] == 404
    await nobody.get(second)
    desk.clock.advance(86_401)
    assert (await nobody.refused("GET", second))[0] == 404


async def test_a_link_of_one_kind_does_not_do_the_others_work(desk: Desk) -> None:
    await desk.admin()
    url = await desk.accounts.create_login_link()
    token = url.rpartition("=")[2]
    nobody = await desk.browser()
    assert (await nobody.refused("POST", f"/reset/{token}", {"password": PASSWORD}))[0] == 404


async def test_no_link_is_made_for_nobody_or_the_disabled(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.accounts.create_login_link()
    admin = await desk.admin()
    await desk.person(admin, "bob@example.com", "viewer")
    with pytest.raises(NotFound):
        await desk.accounts.create_reset_link("nobody@example.com")
    link = await desk.accounts.create_login_link("bob@example.com")
    (bob,) = [u for u in await admin.get("/users") if u["email"] == "bob@example.com"]
    await admin.do("PATCH", f"/users/{bob['id']}", {"disabled": True})
    answer = await (await desk.browser()).ask("GET", path_of(link))
    assert answer.headers["location"].startswith("/login")
    with pytest.raises(NotFound):
        await desk.accounts.create_reset_link("bob@example.com")
