"""Setting up, signing in and out, sessions, throttling."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from quarterdeck.accounts.passwords import Passwords
from quarterdeck.accounts.tables import login_throttle, sessions, users
from quarterdeck.core.clock import ManualClock
from quarterdeck.store.control import ControlStore
from support.accountkit import ADMIN, PASSWORD, Desk, desk_over
from support.control import clock, control, control_place

__all__ = ["clock", "control", "control_place"]

LOGIN = {"email": ADMIN["email"], "password": PASSWORD}
WRONG = {**LOGIN, "password": "not this one"}


@pytest.fixture
async def desk(control: ControlStore, clock: ManualClock) -> AsyncIterator[Desk]:
    async with desk_over(control, clock) as opened:
        yield opened


async def test_the_first_visitor_becomes_admin_and_nobody_after(desk: Desk) -> None:
    browser = await desk.browser("127.0.0.1", "http://localhost:4400")
    assert (await browser.get("/session"))["setup_required"] is True
    made = await browser.do("POST", "/setup", ADMIN)
    assert made["user"]["role"] == "admin"
    assert made["projects"][0]["slug"] == "default"
    again = await browser.get("/session")
    assert (again["user"]["email"], again["setup_required"]) == ("mia@example.com", False)
    other = await desk.browser()
    assert await other.refused("POST", "/setup", ADMIN) == (409, "setup_done")


async def test_two_setups_at_once_make_one_admin(desk: Desk) -> None:
    browsers = [await desk.browser() for _ in range(6)]
    known = {**ADMIN, "token": desk.setup_token}
    bodies = [{**known, "email": f"m{n}@example.com"} for n in range(6)]
    answers = await asyncio.gather(
        *(b.ask("POST", "/setup", body) for b, body in zip(browsers, bodies, strict=True))
    )
    first, *rest = sorted(answer.status_code for answer in answers)
    assert first == 200
    # Whoever asks just as the token is forgotten is told that it is the wrong one.
    assert set(rest) <= {403, 409}
    rows = await desk.accounts.store.read(lambda conn: conn.execute(select(users.c.id)).all())
    assert len(rows) == 1


POOR = [
    ({"password": "short"}, "password_weak"),
    ({"password": "mia@example.com"}, "password_weak"),
    ({"password": "password123"}, "password_weak"),
    ({"password": "aaaaaaaaaaaa"}, "password_weak"),
    ({"password": "x y" * 90}, "password_weak"),
    ({"email": "mia"}, "email_invalid"),
    ({"email": "mia@exa mple.com"}, "email_invalid"),
    ({"name": " \x00\u202e "}, "name_invalid"),
]


async def test_a_poor_setup_is_refused(desk: Desk) -> None:
    browser = await desk.browser("127.0.0.1", "http://localhost:4400")
    for change, code in POOR:
        assert await browser.refused("POST", "/setup", {**ADMIN, **change}) == (422, code)


async def test_signing_in_and_out(desk: Desk) -> None:
    await desk.admin()
    browser = await desk.browser()
    answer = await browser.ask("POST", "/login", {**LOGIN, "email": " MIA@Example.com "})
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    assert (await browser.get("/account"))["email"] == "mia@example.com"
    await browser.do("POST", "/logout")
    assert (await browser.get("/session"))["user"] is None
    assert await browser.refused("GET", "/account") == (401, "not_authenticated")


async def test_the_cookie_is_secure_over_https(desk: Desk) -> None:
    await desk.admin()
    browser = await desk.browser(base="https://deck.test")
    answer = await browser.ask("POST", "/login", LOGIN)
    assert "secure" in answer.headers["set-cookie"].lower()


async def test_a_wrong_password_and_an_unknown_user_look_the_same(desk: Desk) -> None:
    await desk.admin()
    browser = await desk.browser()
    wrong = await browser.ask("POST", "/login", WRONG)
    unknown = await browser.ask("POST", "/login", {**LOGIN, "email": "nobody@example.com"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["error"]["code"] == "login_failed"


async def test_an_unknown_user_costs_a_hash_too(desk: Desk) -> None:
    await desk.admin()
    compared: list[Any] = []
    matches = Passwords.matches

    async def counted(self: Passwords, stored: str | None, password: str) -> bool:
        compared.append(stored)
        return await matches(self, stored, password)

    desk.accounts.passwords.matches = counted.__get__(desk.accounts.passwords)  # type: ignore[method-assign]
    browser = await desk.browser()
    await browser.refused("POST", "/login", {**LOGIN, "email": "nobody@example.com"})
    assert compared == [None]
    assert not await matches(desk.accounts.passwords, None, "nobody has this password")


async def test_guessing_one_account_gets_slower(desk: Desk) -> None:
    await desk.admin()
    codes = []
    for number in range(12):  # from everywhere, so that only the account counts
        browser = await desk.browser(address=f"198.51.100.{number}")
        codes.append((await browser.refused("POST", "/login", WRONG))[1])
    assert codes[:5] == ["login_failed"] * 5
    assert codes[5:] == ["login_throttled"] * 7
    browser = await desk.browser(address="198.51.100.99")
    blocked = await browser.ask("POST", "/login", LOGIN)  # the right password does not help
    assert blocked.status_code == 429
    assert int(blocked.headers["retry-after"]) >= 1
    pauses = []
    for _ in range(4):
        answer = await browser.ask("POST", "/login", WRONG)
        pauses.append(int(answer.headers["retry-after"]))
        desk.clock.advance(pauses[-1] + 1)
        assert await browser.refused("POST", "/login", WRONG) == (401, "login_failed")
    assert pauses == sorted(pauses)
    assert pauses[-1] >= 8 * pauses[0]
    desk.clock.advance(15 * 60 + 1)
    await browser.do("POST", "/login", LOGIN)
    assert (await browser.refused("POST", "/login", WRONG))[1] == "login_failed"


async def test_guessing_from_one_address_gets_slower(desk: Desk) -> None:
    await desk.admin()
    browser = await desk.browser(address="2001:db8::1")
    codes = []
    for number in range(25):
        body = {"email": f"user{number}@example.com", "password": "guess"}
        codes.append((await browser.refused("POST", "/login", body))[1])
    assert codes == ["login_failed"] * 20 + ["login_throttled"] * 5
    neighbour = await desk.browser(address="2001:db8::2")  # the same network is the same guesser
    assert (await neighbour.refused("POST", "/login", WRONG))[0] == 429
    elsewhere = await desk.browser(address="203.0.113.5")
    await elsewhere.do("POST", "/login", LOGIN)


async def test_guesses_side_by_side_are_no_cheaper(desk: Desk) -> None:
    await desk.admin()
    browsers = [await desk.browser(address=f"198.51.100.{n}") for n in range(15)]
    answers = await asyncio.gather(*(b.ask("POST", "/login", WRONG) for b in browsers))
    assert [a.status_code for a in answers].count(401) <= 5


async def test_throttling_survives_a_restart(
    desk: Desk, control: ControlStore, clock: ManualClock
) -> None:
    await desk.admin()
    browser = await desk.browser()
    for _ in range(5):
        await browser.refused("POST", "/login", WRONG)
    async with desk_over(control, clock) as restarted:
        browser = await restarted.browser()
        assert await browser.refused("POST", "/login", LOGIN) == (429, "login_throttled")


async def test_signing_in_often_from_one_address_is_no_guessing(desk: Desk) -> None:
    await desk.admin()
    for _ in range(30):
        await (await desk.browser()).do("POST", "/login", LOGIN)
    rows = await desk.accounts.store.read(lambda conn: conn.execute(select(login_throttle)).all())
    assert [row.failures for row in rows] == [0]


async def test_a_session_ends_when_it_is_not_used(desk: Desk) -> None:
    browser = await desk.admin()
    for _ in range(3):  # use keeps it alive far beyond fourteen days
        desk.clock.advance(10 * 86_400)
        assert (await browser.get("/session"))["user"] is not None
        await desk.accounts.flush()
    desk.clock.advance(14 * 86_400 + 1)
    assert (await browser.get("/session"))["user"] is None
    await desk.accounts.tick()
    left = await desk.accounts.store.read(lambda conn: conn.execute(select(sessions)).all())
    assert left == []


async def test_writing_needs_the_sessions_csrf_token(desk: Desk) -> None:
    browser = await desk.admin()
    token, browser.csrf = browser.csrf, ""
    for wrong in (
        {},
        {"X-CSRF-Token": "x"},
        {"X-CSRF-Token": token[:-1]},
        {"X-CSRF-Token": "null"},
    ):
        refused = await browser.refused("PATCH", "/account", {"name": "Mallory"}, **wrong)
        assert refused == (403, "csrf_failed")
        assert (await browser.refused("POST", "/probe/respond", **wrong))[1] == "csrf_failed"
    raw = await browser.http.post("/api/logout", headers={b"X-CSRF-Token": b"\xc3\xa9"})
    assert raw.status_code == 403
    other = await desk.browser()
    await other.do("POST", "/login", LOGIN)
    assert other.csrf != token  # each session has its own
    assert (await browser.refused("POST", "/logout", **{"X-CSRF-Token": other.csrf}))[0] == 403
    browser.csrf = token
    assert (await browser.do("PATCH", "/account", {"name": "Mia M."}))["name"] == "Mia M."


async def test_another_site_cannot_sign_its_visitor_in(desk: Desk) -> None:
    await desk.admin()
    browser = await desk.browser()
    for sent in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://deck.test"},
        {"Origin": "http://evil.test"},
        {"Origin": "http://deck.test:8000"},
        {"Origin": "null"},
    ):
        refused = await browser.refused("POST", "/login", LOGIN, **sent)
        assert refused == (403, "cross_site_refused"), sent
    form = await browser.http.post(
        "/api/login",
        content='{"email": "mia@example.com", "password": "four calm grey whales"}',
        headers={"Content-Type": "text/plain"},
    )
    assert form.status_code == 422


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://deck.test"},
        {"Origin": "HTTP://Deck.Test"},
        {"Origin": "https://deck.example.com"},
    ],
)
async def test_pages_of_our_own_and_programs_sign_in(
    control: ControlStore, clock: ManualClock, sent: dict[str, str]
) -> None:
    async with desk_over(control, clock, public_url="https://deck.example.com/") as desk:
        await desk.admin()
        browser = await desk.browser()
        assert (await browser.ask("POST", "/login", LOGIN, **sent)).status_code == 200


async def test_ones_sessions_are_listed_and_ended(desk: Desk) -> None:
    browser = await desk.admin()
    phone = await desk.browser(address="203.0.113.7", **{"User-Agent": "Phone/1"})
    await phone.do("POST", "/login", LOGIN)
    listed = await browser.get("/account/sessions")
    assert [(s["user_agent"], s["current"]) for s in listed if s["address"] == "203.0.113.7"] == [
        ("Phone/1", False)
    ]
    (other,) = [s for s in listed if not s["current"]]
    await browser.do("DELETE", f"/account/sessions/{other['id']}")
    assert (await phone.get("/session"))["user"] is None
    assert (await browser.get("/session"))["user"] is not None
    assert (await browser.refused("DELETE", "/account/sessions/ses_none"))[1] == "session_unknown"


async def test_nobody_ends_anothers_session(desk: Desk) -> None:
    admin = await desk.admin()
    bob = await desk.person(admin, "bob@example.com", "viewer")
    (mine,) = await bob.get("/account/sessions")
    assert (await admin.refused("DELETE", f"/account/sessions/{mine['id']}"))[0] == 404


async def test_a_new_password_needs_the_old_one_and_ends_other_sessions(desk: Desk) -> None:
    browser = await desk.admin()
    phone = await desk.browser()
    await phone.do("POST", "/login", LOGIN)
    fresh = "another calm sentence"
    assert (await browser.refused("PATCH", "/account", {"password": fresh}))[1] == (
        "current_password_missing"
    )
    wrong = {"password": fresh, "current_password": "nope"}
    assert await browser.refused("PATCH", "/account", wrong) == (403, "password_wrong")
    await browser.do("PATCH", "/account", {"password": fresh, "current_password": PASSWORD})
    assert (await phone.get("/session"))["user"] is None
    assert (await browser.get("/session"))["user"] is not None
    assert (await phone.refused("POST", "/login", LOGIN))[0] == 401
    await phone.do("POST", "/login", {**LOGIN, "password": fresh})


async def test_the_current_password_cannot_be_guessed_without_end(desk: Desk) -> None:
    browser = await desk.admin()
    body = {"password": "another calm sentence", "current_password": "nope"}
    codes = [(await browser.refused("PATCH", "/account", body))[1] for _ in range(7)]
    assert codes == ["password_wrong"] * 5 + ["login_throttled"] * 2


async def test_no_password_or_token_is_stored_readably(desk: Desk) -> None:
    browser = await desk.admin()
    cookie = browser.http.cookies["qd_session"]
    rows = await desk.accounts.store.read(
        lambda conn: repr([conn.execute(select(table)).all() for table in (users, sessions)])
    )
    assert PASSWORD not in rows
    assert cookie not in rows
    assert "$argon2id$" in rows
