"""Switches, their file, the control address, and the routes of the product that forward to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from quarterdeck.core.permissions import ANONYMOUS, Principal, ProjectRef, Role
from quarterdeck.core.settings import load
from quarterdeck.demo import switches as module
from quarterdeck.demo.api import demo_router
from quarterdeck.demo.control import control_app, control_server, listen
from quarterdeck.demo.switches import SWITCHES, Switches
from quarterdeck.http.errors import install


@pytest.fixture(autouse=True)
def read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_EVERY", 0.0)


def test_another_process_learns_a_switch_from_the_file(tmp_path: Path) -> None:
    here, there = Switches(tmp_path / "s.json"), Switches(tmp_path / "s.json")
    assert not there.on("payment-outage")
    here.set("payment-outage", True, 1_000)
    assert there.on("payment-outage")
    here.set("payment-outage", False, 2_000)
    assert not there.on("payment-outage")


def test_turning_on_twice_keeps_the_first_moment(tmp_path: Path) -> None:
    switches = Switches(tmp_path / "s.json")
    switches.set("slow-queries", True, 1_000)
    switches.set("slow-queries", True, 2_000)
    found = {row["name"]: row["since"] for row in switches.view()}
    assert found["slow-queries"] == 1_000


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"payment-outage": "soon"}', '"x"'])
def test_a_torn_file_changes_nothing(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "s.json"
    switches = Switches(path)
    path.write_text(json.dumps({"traffic-spike": 5}))
    assert switches.on("traffic-spike")
    path.write_text(torn)
    assert switches.on("traffic-spike")
    assert not switches.on("payment-outage")


def test_an_unknown_name_in_the_file_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"rm -rf": 5}))
    switches = Switches(path)
    assert not any(row["on"] for row in switches.view())


class HeaderGate:
    """A gate that believes the caller: `Authorization: ROLE`."""

    async def authenticate(self, request: Request) -> Principal:
        role = request.headers.get("authorization")
        return Principal("key", "k", "test", Role(role), None) if role else ANONYMOUS

    async def project(self, principal: Principal, slug: str | None) -> ProjectRef:
        return ProjectRef(1, "default", "Default")


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[str]:
    """The real control address of a launcher."""
    app = control_app(Switches(tmp_path / "s.json"), lambda: "http://127.0.0.1:1/", lambda *_: None)
    bound, server = listen(), control_server(app)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    server.should_exit = True
    await serving


TRAIL: list[tuple[str, str]] = []


async def recorded(who: Principal, action: str, target: str) -> None:
    TRAIL.append((action, target))


def client(demo_url: str) -> httpx.AsyncClient:
    TRAIL.clear()
    app = FastAPI()
    app.state.gate = HeaderGate()
    install(app)
    app.include_router(demo_router(load({"demo_url": demo_url}, environ={}), recorded).api)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t")


async def test_a_responder_turns_a_switch_through_the_product(control: str) -> None:
    async with client(control) as http:
        http.headers["authorization"] = "responder"
        listed = (await http.get("/api/demo")).json()
        assert [row["name"] for row in listed["switches"]] == [row.name for row in SWITCHES]
        assert not any(row["on"] for row in listed["switches"])
        turned = await http.put("/api/demo/switches/traffic-spike", json={"on": True})
        assert turned.status_code == 200
        assert turned.json()["on"] is True
        assert turned.json()["since"] > 1_700_000_000_000
        assert TRAIL == [("demo.switch", "traffic-spike on")]
        listed = (await http.get("/api/demo")).json()
        assert [row["name"] for row in listed["switches"] if row["on"]] == ["traffic-spike"]


async def test_a_viewer_sees_but_does_not_turn(control: str) -> None:
    async with client(control) as http:
        http.headers["authorization"] = "viewer"
        assert (await http.get("/api/demo")).status_code == 200
        refused = await http.put("/api/demo/switches/traffic-spike", json={"on": True})
        assert refused.status_code == 403
        del http.headers["authorization"]
        assert (await http.get("/api/demo")).status_code == 401


async def test_an_unknown_switch_is_not_found(control: str) -> None:
    async with client(control) as http:
        http.headers["authorization"] = "admin"
        for name in ("nothing", "..%2f..%2fswitches", "%00"):
            answer = await http.put(f"/api/demo/switches/{name}", json={"on": True})
            assert answer.status_code == 404, name


async def test_a_demo_that_is_gone_is_told_as_such() -> None:
    async with client("http://127.0.0.1:9") as http:
        http.headers["authorization"] = "admin"
        answer = await http.get("/api/demo")
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "demo_unreachable"
        turned = await http.put("/api/demo/switches/traffic-spike", json={"on": False})
        assert turned.status_code == 503
        assert TRAIL == [("demo.switch", "traffic-spike off")]  # written before it is tried


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"on": 1}', b'{"on": "yes"}', b"{}"])
async def test_the_control_address_refuses_what_is_not_a_switch(control: str, body: bytes) -> None:
    async with httpx.AsyncClient(base_url=control) as http:
        answer = await http.put("/switches/traffic-spike", content=body)
        assert answer.status_code == 400
        assert not any(row["on"] for row in (await http.get("/switches")).json())
