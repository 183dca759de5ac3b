"""The audit trail and the secrets: everything is told, nothing secret is."""

import stat
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from quarterdeck.accounts import tables
from quarterdeck.accounts.audit import audit, without_secrets
from quarterdeck.accounts.secrets import KEY_FILE, Vault, server_key
from quarterdeck.core.clock import ManualClock
from quarterdeck.core.errors import Internal, QuarterdeckError
from quarterdeck.core.permissions import Permission
from quarterdeck.core.testkit import MEMBER, OUTSIDER, OWNER, settings_for
from quarterdeck.store.control import ControlStore
from support.accountkit import ADMIN, PASSWORD, Desk, desk_over
from support.control import clock, control, control_place

__all__ = ["clock", "control", "control_place"]


@pytest.fixture
async def desk(control: ControlStore, clock: ManualClock) -> AsyncIterator[Desk]:
    async with desk_over(control, clock) as opened:
        yield opened


async def test_what_people_do_about_accounts_has_its_entries(desk: Desk) -> None:
    admin = await desk.admin()
    bob = await desk.person(admin, "bob@example.com", "viewer")
    await bob.do("POST", "/logout")
    await bob.refused("POST", "/login", {"email": "bob@example.com", "password": "wrong"})
    await bob.refused("POST", "/login", {"email": "my secret word", "password": "wrong"})
    (user,) = [u for u in await admin.get("/users") if u["email"] == "bob@example.com"]
    await admin.do("PATCH", f"/users/{user['id']}", {"role": "responder"})
    await admin.do("DELETE", f"/users/{user['id']}")
    await admin.do("POST", "/projects", {"slug": "shop"})
    await admin.do("PATCH", "/projects/shop", {"name": "Shop"})
    made = await desk.key(admin, role="viewer")
    await admin.do("DELETE", f"/keys/{made['id']}")
    await admin.do("DELETE", "/projects/shop", {"confirm": "shop"})
    await admin.do("PUT", "/secrets/slack", {"value": "xoxb-1234-very-secret"})
    await admin.do("PUT", "/secrets/slack", {"value": "xoxb-5678-very-secret"})
    await admin.do("DELETE", "/secrets/slack")
    offer = await admin.do("POST", "/invitations", {"email": "c@example.com", "role": "admin"})
    await admin.do("DELETE", f"/invitations/{offer['id']}")
    await desk.accounts.create_reset_link(ADMIN["email"])
    fresh = {"password": "another calm sentence", "current_password": PASSWORD}
    await admin.do("PATCH", "/account", fresh)
    trail = await admin.get("/audit?limit=1000")
    actions = {entry["action"] for entry in trail}
    assert actions == {
        "setup", "login", "logout", "login.failed", "invitation.create", "invitation.accept",
        "invitation.delete", "user.update", "user.delete", "user.password", "project.create",
        "project.update", "project.delete", "key.create", "key.revoke", "secret.create",
        "secret.update", "secret.delete", "link.reset",
    }  # fmt: skip
    text = str(trail)
    for hidden in (PASSWORD, "very-secret", made["secret"], "my secret word", "another calm"):
        assert hidden not in text
    (changed,) = [entry for entry in trail if entry["action"] == "user.update"]
    assert (changed["actor"], changed["actor_kind"]) == ("Mia", "user")
    assert (changed["before"]["role"], changed["after"]["role"]) == ("viewer", "responder")
    assert changed["address"] == "192.0.2.1"
    failed = [entry["target"] for entry in trail if entry["action"] == "login.failed"]
    assert sorted(failed) == ["bob@example.com", "unknown user"]


async def test_the_trail_is_read_page_by_page_and_by_project(desk: Desk) -> None:
    admin = await desk.admin()
    await admin.do("POST", "/projects", {"slug": "shop"})
    for number in range(12):
        await admin.do("PATCH", "/projects/shop", {"name": f"Shop {number}"})
    everything = await admin.get("/audit?limit=1000")
    pages: list[Any] = []
    before = ""
    while page := await admin.get(f"/audit?limit=5{before}"):
        assert len(page) <= 5
        pages += page
        before = f"&before={page[-1]['id']}"
    assert pages == everything
    of_shop = await admin.get("/audit?project=shop")
    assert len(of_shop) == 14  # made, its key, twelve names
    assert {entry["project"] for entry in of_shop} == {"shop"}
    assert (await admin.refused("GET", "/audit?project=none"))[0] == 404
    assert (await admin.refused("GET", "/audit?limit=0"))[0] == 422


async def test_an_entry_vanishes_with_a_change_that_fails(control: ControlStore) -> None:
    def work(conn: Any) -> None:
        audit(conn, OWNER, "thing.create", "thing")
        raise ValueError

    with pytest.raises(ValueError):
        await control.write(work)
    chosen = select(tables.audit_trail)
    assert await control.read(lambda conn: conn.execute(chosen).all()) == []


def test_secrets_are_taken_out_wherever_they_stand() -> None:
    spec = {
        "url": "postgres://deck:hunter2@db/shop",
        "password": "hunter2",
        "enabled": True,
        "headers": [{"Authorization": "Bearer abcdef123456"}],
        "token": {"value": "hunter2", "expires": 17},
        "reference": "${secret:slack}",
        "secret_webhook": "${secret:hook}",
        "note": "key qd_0123456789abcdefghij was lost",
    }
    clean = without_secrets(spec)
    assert "hunter2" not in str(clean)
    assert "abcdef123456" not in str(clean)
    assert "0123456789abcdefghij" not in str(clean)
    assert clean["reference"] == "${secret:slack}"
    assert clean["secret_webhook"] == "${secret:hook}"
    assert clean["enabled"] is True


async def test_a_huge_change_does_not_bloat_the_trail(control: ControlStore) -> None:
    began = time.perf_counter()
    for huge in ("word " * 30_000, "y" * 1_000_000, "password" * 20_000):
        change = {"x": huge}
        await control.write(partial(audit, principal=OWNER, action="a", target="t", after=change))
    assert time.perf_counter() - began < 5
    chosen = select(tables.audit_trail.c.after)
    rows = await control.read(lambda conn: conn.execute(chosen).scalars().all())
    assert len(str(rows)) < 200
    assert {"too_large": 150_009} in rows


async def test_a_secret_goes_in_and_only_code_gets_it_out(desk: Desk) -> None:
    admin = await desk.admin()
    for name, value in (("slack", "xoxb-1"), ("db.password", "p€ss ${secret:slack}")):
        told = await admin.do("PUT", f"/secrets/{name}", {"value": value})
        assert set(told) == {"name", "created_at", "updated_at", "updated_by"}
    assert [secret["name"] for secret in await admin.get("/secrets")] == ["db.password", "slack"]
    vault = desk.accounts.vault
    assert await vault.resolve("Bearer ${secret:slack}!") == "Bearer xoxb-1!"
    assert await vault.resolve("${secret:db.password}") == "p€ss ${secret:slack}"  # not expanded
    assert await vault.resolve("nothing here") == "nothing here"
    rows = await desk.accounts.store.read(
        lambda conn: repr([bytes(row.sealed) for row in conn.execute(select(tables.secrets))])
    )
    assert "xoxb" not in rows
    with pytest.raises(QuarterdeckError) as caught:
        await vault.resolve("${secret:none}")
    assert caught.value.code == "secret_unknown"
    await admin.do("DELETE", "/secrets/slack")
    assert await admin.refused("DELETE", "/secrets/slack") == (404, "secret_unknown")
    assert (await admin.refused("PUT", "/secrets/a%20b", {"value": "x"}))[
        1
    ] == "secret_name_invalid"
    big = {"value": "x" * 70_000}
    assert await admin.refused("PUT", "/secrets/big", big) == (413, "secret_too_large")


async def test_a_row_copied_over_another_does_not_open(desk: Desk) -> None:
    vault, store = desk.accounts.vault, desk.accounts.store
    await store.write(lambda conn: vault.set(conn, OWNER, "low", "low value"))
    await store.write(lambda conn: vault.set(conn, OWNER, "high", "high value"))
    table = tables.secrets

    def swap(conn: Any) -> None:
        sealed = conn.execute(select(table.c.sealed).where(table.c.name == "high")).scalar()
        conn.execute(update(table).where(table.c.name == "low").values(sealed=sealed))

    await store.write(swap)
    with pytest.raises(Internal):
        await vault.resolve("${secret:low}")


async def test_secrets_open_with_their_own_key_only(control: ControlStore, tmp_path: Path) -> None:
    first = settings_for(tmp_path / "one")
    vault = Vault(control, server_key(first, "secrets"))
    await control.write(lambda conn: vault.set(conn, OWNER, "a", "value"))
    file = tmp_path / "one" / KEY_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = Vault(control, server_key(settings_for(tmp_path / "one"), "secrets"))
    assert await again.resolve("${secret:a}") == "value"
    for other in (settings_for(tmp_path / "two"), settings_for(tmp_path, secret_key="k")):
        with pytest.raises(Internal) as caught:
            await Vault(control, server_key(other, "secrets")).resolve("${secret:a}")
        assert caught.value.code == "secret_unreadable"
    assert list(file.parent.iterdir()) == [file]
    file.write_text("")
    with pytest.raises(Internal):
        server_key(first, "secrets")


def test_the_standing_people_are_what_they_say() -> None:
    assert OWNER.may(Permission.ADMIN)
    assert MEMBER.may(Permission.RESPOND)
    assert not MEMBER.may(Permission.ADMIN)
    assert not OUTSIDER.sees(1)


async def test_every_route_declares_its_answer_and_a_short_stable_id(desk: Desk) -> None:
    seen = set()
    for path, operations in desk.app.openapi()["paths"].items():
        for method, operation in operations.items():
            identity = operation["operationId"]
            assert identity not in seen
            assert len(identity) <= 40
            seen.add(identity)
            if path.startswith("/api/probe") or path in ("/api/login/link", "/api/openapi.json"):
                continue
            assert operation["x-permission"]
            good = next(code for code in operation["responses"] if code.startswith("2"))
            if good != "204":
                schema = operation["responses"][good]["content"]["application/json"]["schema"]
                assert schema, f"{method} {path}"
