"""The first account: anybody on the machine itself, from afar only with the set-up token."""

import stat
from collections.abc import AsyncIterator

import httpx
import pytest

from quarterdeck.accounts.setup import SETUP_FILE, on_this_machine
from quarterdeck.core.clock import ManualClock
from quarterdeck.demo.contact import Server as Contact
from quarterdeck.store.control import ControlStore
from support.accountkit import ADMIN, ADMIN_KEY, Desk, desk_over
from support.control import clock, control, control_place
from support.server import Server

__all__ = ["clock", "control", "control_place"]

HERE = ("127.0.0.1", "http://127.0.0.1:4400")


@pytest.fixture
async def desk(control: ControlStore, clock: ManualClock) -> AsyncIterator[Desk]:
    async with desk_over(control, clock) as opened:
        yield opened


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:4400", "deck.localhost", "127.0.0.1:4400", "[::1]:4400"]
)
def test_a_loopback_address_that_names_this_machine_is_here(peer: str, host: str) -> None:
    assert on_this_machine(peer, {"host": host})


@pytest.mark.parametrize(
    "peer",
    ["192.0.2.1", "10.0.0.1", "172.17.0.1", "fe80::1", "::", "0.0.0.0", "::ffff:192.0.2.1",
     "", "localhost", "unix:", "127.0.0.1, 192.0.2.1", "fe80::1%lo"],
)  # fmt: skip
def test_any_other_address_is_elsewhere(peer: str) -> None:
    assert not on_this_machine(peer, {"host": "localhost:4400"})


@pytest.mark.parametrize(
    "host",
    ["evil.test", "localhost.evil.test", "127.0.0.1.evil.test", "evil.test:127", "", "[::1",
     "192.0.2.1", "evil@localhost.test", "localhost:4400@evil.test"],
)  # fmt: skip
def test_a_name_of_others_that_points_here_is_elsewhere(host: str) -> None:
    assert not on_this_machine("127.0.0.1", {"host": host})
    assert not on_this_machine("127.0.0.1", {})


@pytest.mark.parametrize(
    "name",
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"],
)
def test_what_a_proxy_passes_on_is_elsewhere_whatever_it_says(name: str) -> None:
    assert not on_this_machine("127.0.0.1", {"host": "localhost", name: "127.0.0.1"})


async def test_from_afar_the_first_account_needs_the_token(desk: Desk) -> None:
    browser = await desk.browser()
    session = await browser.get("/session")
    assert (session["setup_required"], session["setup_token_required"]) == (True, True)
    assert await browser.refused("POST", "/setup", ADMIN) == (403, "setup_token_required")
    for wrong in ("x", desk.setup_token[:-1], "qdsetup_é"):
        body = {**ADMIN, "token": wrong}
        assert await browser.refused("POST", "/setup", body) == (403, "setup_token_wrong")
    made = await browser.do("POST", "/setup", {**ADMIN, "token": f" {desk.setup_token}\n"})
    assert made["user"]["role"] == "admin"


async def test_on_the_machine_itself_it_needs_none(desk: Desk) -> None:
    browser = await desk.browser(*HERE)
    assert (await browser.get("/session"))["setup_token_required"] is False
    assert (await browser.do("POST", "/setup", ADMIN))["user"]["role"] == "admin"


async def test_a_page_of_another_site_sets_nothing_up_even_with_the_token(desk: Desk) -> None:
    body = {**ADMIN, "token": desk.setup_token}
    for where, sent in (
        (HERE, {"Sec-Fetch-Site": "cross-site"}),
        (HERE, {"Origin": "http://evil.test"}),
        ((), {"Origin": "http://evil.test"}),
    ):
        browser = await desk.browser(*where)
        refused = await browser.refused("POST", "/setup", body, **sent)
        assert refused == (403, "cross_site_refused")
    browser = await desk.browser()
    answer = await browser.ask("POST", "/setup", body, Origin="http://deck.test")
    assert answer.status_code == 200


async def test_the_token_ends_with_the_first_account(desk: Desk) -> None:
    path = desk.accounts.settings.data_dir / SETUP_FILE
    token = desk.setup_token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert desk.setup_token == token  # as long as it is needed, it stays the same
    await desk.admin()
    assert not path.exists()
    assert await desk.accounts.setup_path() == ""
    browser = await desk.browser()
    assert (await browser.get("/session"))["setup_token_required"] is False
    assert await browser.refused("POST", "/setup", {**ADMIN, "token": token}) == (409, "setup_done")


async def test_the_token_ends_when_the_first_account_comes_by_invitation(desk: Desk) -> None:
    assert desk.setup_token
    admin = await desk.with_key(ADMIN_KEY)
    await desk.person(admin, "bob@example.com", "admin")
    assert await desk.accounts.setup_path() == ""
    assert not (desk.accounts.settings.data_dir / SETUP_FILE).exists()


def test_a_new_server_prints_the_link_until_somebody_has_used_it(own_server: Server) -> None:
    own_server.start()
    assert own_server.process is not None
    assert own_server.process.stdout is not None
    line = own_server.process.stdout.readline()
    token = (own_server.data / SETUP_FILE).read_text()
    assert line == f"set up {own_server.url}/setup?token={token}\n"
    afar = {"X-Forwarded-For": "203.0.113.9"}  # by the proxy that is trusted unless set otherwise
    with httpx.Client(base_url=own_server.url) as client:
        assert client.get("/api/session").json()["setup_token_required"] is False
        assert client.get("/api/session", headers=afar).json()["setup_token_required"] is True
        refused = client.post("/api/setup", json=ADMIN, headers=afar)
        assert refused.json()["error"]["code"] == "setup_token_required"
        body = {**ADMIN, "token": token}
        assert client.post("/api/setup", json=body, headers=afar).status_code == 200
    own_server.stop()
    assert token not in own_server.log
    assert not (own_server.data / SETUP_FILE).exists()
    own_server.start()
    assert own_server.process.stdout is not None
    own_server.process.terminate()
    assert own_server.process.stdout.read() == ""


async def test_the_demo_sets_itself_up_on_an_address_of_the_network_too(own_server: Server) -> None:
    own_server.start()
    contact = Contact(own_server.url, own_server.admin_key)
    contact._http.headers["X-Forwarded-For"] = "203.0.113.9"
    assert len(await contact.ensure_account(own_server.data)) > 10
    assert await contact.ensure_account(own_server.data) == ""
    await contact.close()
