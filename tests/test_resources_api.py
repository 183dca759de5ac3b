"""Resources through their API: on SQLite and on PostgreSQL alike."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import delete, select

from quarterdeck.accounts.tables import audit_trail, projects
from quarterdeck.core.errors import NotFound
from quarterdeck.resources.project_settings import ProjectSettingsSpec
from quarterdeck.store.control import ControlStore
from quarterdeck.store.control.tables import outbox
from quarterdeck.telemetry.spec import RetentionSpec, SavedSearchSpec
from support.control import clock, control, control_place
from support.resourcekit import ChannelSpec, Desk, RuleSpec, desk_over

__all__ = ["clock", "control", "control_place"]

SEARCH = {"title": "Failed payments", "signal": "logs", "query": "declined"}


@pytest.fixture
async def desk(control: ControlStore) -> AsyncIterator[Desk]:
    async with desk_over(control) as opened:
        yield opened


async def _audit(desk: Desk) -> list[Any]:
    def work(conn: Any) -> list[Any]:
        rows = conn.execute(
            select(audit_trail)
            .where(audit_trail.c.action.like("resource.%"))
            .order_by(audit_trail.c.at, audit_trail.c.id)
        )
        return list(rows.all())

    return await desk.control.read(work)


async def _events(desk: Desk) -> list[Any]:
    def work(conn: Any) -> list[Any]:
        rows = conn.execute(select(outbox).where(outbox.c.topic == "resource.changed"))
        return sorted(rows.all(), key=lambda row: row.payload["revision"])

    return await desk.control.read(work)


async def test_a_search_that_cannot_be_read_is_not_saved(desk: Desk) -> None:
    for signal, query, at in (("logs", "a:(", 2), ("traces", "ok duration>soon", 12)):
        spec = {**SEARCH, "signal": signal, "query": query}
        refused = await desk.ask("admin", "PUT", "/saved-search/broken", {"spec": spec})
        assert refused.status_code == 422
        assert f"cannot be read, at {at}" in refused.text
    assert (await desk.ask("admin", "GET", "/saved-search/broken")).status_code == 404


async def test_a_resource_is_written_read_listed_and_deleted(desk: Desk) -> None:
    response = await desk.ask("admin", "PUT", "/saved-search/failed", {"spec": SEARCH})
    assert response.status_code == 201
    made = response.json()
    assert made["spec"]["query"] == "declined"
    assert made["spec"]["range"] == "-1h"  # a default is stored too
    assert (made["revision"], made["origin"], made["read_only"]) == (1, "api", False)
    assert (made["project"], made["updated_by"]) == ("default", "automation")
    assert response.headers["etag"] == f'"{made["etag"]}"'
    read = await desk.ask("viewer", "GET", "/saved-search/failed")
    assert read.json() == made
    listed = await desk.ask("viewer", "GET", "/saved-search")
    assert listed.json() == {"items": [made]}
    gone = await desk.ask("admin", "DELETE", "/saved-search/failed")
    assert gone.status_code == 204
    missing = await desk.ask("viewer", "GET", "/saved-search/failed")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "resource_unknown")


async def test_a_change_its_audit_entry_and_its_event_come_together(desk: Desk) -> None:
    await desk.put("/saved-search/failed", SEARCH, who="ann")
    await desk.put("/saved-search/failed", {**SEARCH, "query": "refused"}, who="bob")
    await desk.ask("admin", "DELETE", "/saved-search/failed")
    entries = await _audit(desk)
    assert [(e.action, e.actor) for e in entries] == [
        ("resource.create", "Ann"),
        ("resource.update", "Bob"),
        ("resource.delete", "automation"),
    ]
    assert entries[1].target == "saved-search/failed"
    assert entries[1].before["spec"]["query"] == "declined"
    assert entries[1].after["spec"]["query"] == "refused"
    assert entries[2].after is None
    events = await _events(desk)
    assert [e.payload["action"] for e in events] == ["create", "update", "delete"]
    assert len({e.key for e in events}) == 1


async def test_writing_what_already_stands_changes_nothing(desk: Desk) -> None:
    first = await desk.put("/saved-search/failed", SEARCH)
    again = await desk.put("/saved-search/failed", SEARCH)
    assert again == first
    assert len(await _audit(desk)) == 1


async def test_if_match_refuses_what_another_has_changed_meanwhile(desk: Desk) -> None:
    first = await desk.put("/saved-search/failed", SEARCH)
    await desk.put("/saved-search/failed", {**SEARCH, "query": "a"})
    stale = await desk.ask(
        "ann", "PUT", "/saved-search/failed", {"spec": SEARCH}, if_match=f'"{first["etag"]}"'
    )
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "resource_changed")
    current = stale.json()["error"]["details"]["etag"]
    fresh = await desk.ask("ann", "PUT", "/saved-search/failed", {"spec": SEARCH}, if_match=current)
    assert fresh.status_code == 200
    deletion = await desk.ask("ann", "DELETE", "/saved-search/failed", if_match=current)
    assert deletion.status_code == 412


async def test_if_none_match_creates_only(desk: Desk) -> None:
    for expected in (201, 412):
        response = await desk.ask(
            "ann", "PUT", "/saved-search/failed", {"spec": SEARCH}, if_none_match="*"
        )
        assert response.status_code == expected


async def test_of_two_writers_with_the_same_etag_one_wins(desk: Desk) -> None:
    first = await desk.put("/saved-search/failed", SEARCH)
    answers = await asyncio.gather(
        *(
            desk.ask(
                "ann",
                "PUT",
                "/saved-search/failed",
                {"spec": {**SEARCH, "query": str(number)}},
                if_match=first["etag"],
            )
            for number in range(8)
        )
    )
    assert sorted(a.status_code for a in answers) == [200] + [412] * 7


async def test_two_that_create_the_same_name_make_one_resource(desk: Desk) -> None:
    answers = await asyncio.gather(
        *(desk.ask("ann", "PUT", "/saved-search/one", {"spec": SEARCH}) for _ in range(8))
    )
    assert sorted(a.status_code for a in answers) == [200] * 7 + [201]
    assert len((await desk.ask("ann", "GET", "/saved-search")).json()["items"]) == 1


async def test_a_singleton_stands_with_its_defaults_until_written(desk: Desk) -> None:
    before = (await desk.ask("viewer", "GET", "/retention/default")).json()
    assert (before["revision"], before["origin"], before["id"]) == (0, "default", "")
    assert set(before["spec"]) == {"traces", "logs", "metrics", "errors", "series_limit"}
    assert set(before["spec"].values()) == {None}
    assert (await desk.ask("viewer", "GET", "/retention")).json()["items"] == [before]
    assert desk.resources.get(RetentionSpec, 1).days("logs", 30) == 30
    response = await desk.ask(
        "admin", "PUT", "/retention/default", {"spec": {"logs": 7}}, if_match=before["etag"]
    )
    assert response.status_code == 201
    assert desk.resources.get(RetentionSpec, 1).days("logs", 30) == 7
    other = await desk.ask("admin", "PUT", "/retention/other", {"spec": {}})
    assert (other.status_code, other.json()["error"]["code"]) == (400, "resource_name_invalid")


async def test_projects_do_not_see_one_another(desk: Desk) -> None:
    await desk.put("/saved-search/mine?project=shop", SEARCH)
    assert (await desk.ask("viewer", "GET", "/saved-search/mine")).status_code == 404
    assert (await desk.ask("shop", "GET", "/saved-search/mine")).status_code == 200
    refused = await desk.ask("shop", "GET", "/saved-search?project=blog")
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "project_unknown")


async def test_a_kind_says_who_may_write_it(desk: Desk) -> None:
    for who, path, expected in (
        ("viewer", "/saved-search/a", 403),
        ("bob", "/saved-search/a", 201),
        ("bob", "/retention/default", 403),
        ("ann", "/retention/default", 201),
        ("nobody", "/saved-search/a", 401),
        ("shop", "/calendar/holidays", 403),  # global, and the key is for one project
        ("ann", "/calendar/holidays", 201),
    ):
        spec = SEARCH if "saved" in path else {}
        response = await desk.ask(who, "PUT", path, {"spec": spec})
        assert response.status_code == expected, (who, path, response.text)
    assert (await desk.ask("nobody", "GET", "/saved-search")).status_code == 401


async def test_every_flaw_of_a_spec_is_told_with_its_path(desk: Desk) -> None:
    spec = {"title": "", "signal": "smells", "columns": ["a", 3], "nonsense": 1, "pinned": "yes"}
    response = await desk.ask("ann", "PUT", "/saved-search/a", {"spec": spec})
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == "resource_invalid"
    paths = {flaw["path"] for flaw in error["details"]["errors"]}
    assert paths == {"title", "signal", "columns.1", "nonsense", "pinned"}
    checked = await desk.ask("viewer", "POST", "/validate/saved-search", {"spec": spec})
    assert checked.json()["errors"] == error["details"]["errors"]
    assert (await desk.ask("ann", "GET", "/saved-search")).json()["items"] == []
    right = await desk.ask("viewer", "POST", "/validate/saved-search", {"spec": SEARCH})
    assert right.json() == {"errors": []}


@pytest.mark.parametrize("name", ["A", "a b", "-a", "a-", "x" * 64, "schema", "%2e%2e", "é"])
async def test_a_name_that_is_no_slug_is_refused(desk: Desk, name: str) -> None:
    response = await desk.ask("ann", "PUT", f"/saved-search/{name}", {"spec": SEARCH})
    assert response.status_code in (400, 404, 405)
    assert (await desk.ask("ann", "GET", "/saved-search")).json()["items"] == []


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
async def test_text_that_a_database_cannot_keep_is_refused(desk: Desk, value: str) -> None:
    body = b'{"spec": {"title": "t", "signal": "logs", "query": "%s"}}'
    escaped = value.encode("ascii", "backslashreplace").replace(b"\0", b"\\u0000")
    response = await desk.client.put(
        "/api/resources/saved-search/a",
        content=body % escaped,
        headers={"x-who": "ann", "content-type": "application/json"},
    )
    assert response.status_code in (400, 422), response.text


async def test_an_inline_secret_is_refused_and_never_repeated(desk: Desk) -> None:
    for spec in ({"token": "hunter2-secret"}, {"headers": {"x": "hunter2-secret"}}):
        response = await desk.ask("ann", "PUT", "/channel/slack", {"spec": spec})
        assert response.status_code == 422
        assert "${secret:NAME}" in response.text
        assert "hunter2" not in response.text
        applied = await desk.ask(
            "admin",
            "POST",
            "/apply",
            {"documents": [{"kind": "channel", "name": "slack", "spec": spec}]},
        )
        assert applied.status_code == 422
        assert "hunter2" not in applied.text
    made = await desk.put("/channel/slack", {"token": "${secret:SLACK}"})
    assert made["spec"]["token"] == "${secret:SLACK}"


async def test_what_others_refer_to_is_not_deleted(desk: Desk) -> None:
    await desk.put("/channel/slack", {})
    await desk.put("/rule/errors", {"channels": ["slack"], "by_team": {"a.b": "slack"}})
    refused = await desk.ask("ann", "DELETE", "/channel/slack")
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (409, "resource_in_use")
    assert error["details"]["referrers"] == [{"kind": "rule", "name": "errors"}]
    assert "rule/errors" in error["message"]
    await desk.put("/rule/errors", {})
    assert (await desk.ask("ann", "DELETE", "/channel/slack")).status_code == 204


async def test_a_reference_to_nothing_is_refused(desk: Desk) -> None:
    spec = {"channels": ["slack"], "calendar": "holidays"}
    response = await desk.ask("ann", "PUT", "/rule/errors", {"spec": spec})
    assert response.status_code == 422
    assert [f["path"] for f in response.json()["error"]["details"]["errors"]] == [
        "channels.0",
        "calendar",
    ]
    checked = await desk.ask("ann", "POST", "/validate/rule", {"spec": spec})
    assert len(checked.json()["errors"]) == 2
    await desk.put("/channel/slack?project=shop", {})  # another project's does not count
    assert (await desk.ask("ann", "PUT", "/rule/errors", {"spec": spec})).status_code == 422
    await desk.put("/channel/slack", {})
    await desk.put("/calendar/holidays", {})
    await desk.put("/rule/errors", spec)
    refused = await desk.ask("ann", "DELETE", "/calendar/holidays")
    assert refused.status_code == 409


async def test_a_rename_keeps_the_id_and_takes_its_referrers_along(desk: Desk) -> None:
    channel = await desk.put("/channel/slack", {})
    await desk.put("/rule/errors", {"channels": ["slack"], "by_team": {"a.b": "slack"}})
    response = await desk.ask("ann", "POST", "/channel/slack/rename", {"name": "chat"})
    assert response.status_code == 200
    assert response.json()["id"] == channel["id"]
    rule = (await desk.ask("ann", "GET", "/rule/errors")).json()
    assert rule["spec"]["channels"] == ["chat"]
    assert rule["spec"]["by_team"] == {"a.b": "chat"}
    assert (await desk.ask("ann", "DELETE", "/channel/chat")).status_code == 409
    assert (await desk.ask("ann", "GET", "/channel/slack")).status_code == 404
    taken = await desk.put("/channel/other", {})
    clash = await desk.ask("ann", "POST", f"/channel/{taken['name']}/rename", {"name": "chat"})
    assert (clash.status_code, clash.json()["error"]["code"]) == (409, "resource_exists")


async def test_revisions_tell_what_a_resource_was(desk: Desk) -> None:
    await desk.put("/channel/slack", {"address": "a"}, who="ann")
    await desk.put("/channel/slack", {"address": "b"}, who="bob")
    await desk.ask("ann", "POST", "/channel/slack/rename", {"name": "chat"})
    items = (await desk.ask("viewer", "GET", "/channel/chat/revisions")).json()["items"]
    assert [(i["revision"], i["action"], i["name"], i["by"]) for i in items] == [
        (3, "rename", "chat", "Ann"),
        (2, "update", "slack", "Bob"),
        (1, "create", "slack", "Ann"),
    ]
    assert [i["spec"]["address"] for i in items] == ["b", "b", "a"]
    unwritten = await desk.ask("viewer", "GET", "/retention/default/revisions")
    assert unwritten.json() == {"items": []}


async def test_the_kinds_and_their_schemas_are_told(desk: Desk) -> None:
    kinds = {k["kind"]: k for k in (await desk.ask("viewer", "GET", "")).json()}
    assert kinds["retention"]["write_permission"] == "admin"
    assert kinds["calendar"]["scope"] == "global"
    schema = (await desk.ask("viewer", "GET", "/retention/schema")).json()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["logs"]["x-ui"]["unit"] == "days"
    assert schema["x-kind"]["singleton"] is True
    rule = (await desk.ask("viewer", "GET", "/rule/schema")).json()
    assert rule["properties"]["channels"]["items"]["x-ref"] == "channel"
    channel = (await desk.ask("viewer", "GET", "/channel/schema")).json()
    assert channel["properties"]["token"]["anyOf"][0]["x-secret"] is True
    unknown = await desk.ask("viewer", "GET", "/nonsense/schema")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "kind_unknown")


async def test_every_field_of_every_kind_explains_itself(desk: Desk) -> None:
    for name in ("project-settings", "retention", "saved-search"):
        schema = (await desk.ask("viewer", "GET", f"/{name}/schema")).json()
        for field, told in schema["properties"].items():
            assert told.get("title"), (name, field)
            assert told.get("description"), (name, field)


async def test_engines_read_typed_specs_without_io(desk: Desk) -> None:
    await desk.put("/channel/slack", {"address": "x"})
    await desk.put("/rule/errors", {"channels": ["slack"]})
    await desk.put("/rule/errors?project=shop", {"title": "shop's"})
    assert desk.resources.get(RuleSpec, 1, "errors").channels == ["slack"]
    assert [(c.project_id, c.name) for c in desk.resources.list_specs(RuleSpec)] == [
        (1, "errors"),
        (2, "errors"),
    ]
    assert [c.spec.title for c in desk.resources.list_specs(RuleSpec, 2)] == ["shop's"]
    assert desk.resources.get(ProjectSettingsSpec, 3).default_range == "-1h"
    with pytest.raises(NotFound):
        desk.resources.get(ChannelSpec, 3, "slack")
    with pytest.raises(NotFound):
        desk.resources.get(SavedSearchSpec, 1)
    await desk.ask("ann", "DELETE", "/rule/errors")
    assert [c.project_id for c in desk.resources.list_specs(RuleSpec)] == [2]


async def test_a_deleted_project_takes_its_resources_along(desk: Desk) -> None:
    await desk.put("/calendar/days", {})
    await desk.put("/channel/slack?project=shop", {})
    spec = {"channels": ["slack"], "calendar": "days"}
    await desk.put("/rule/errors?project=shop", spec)
    await desk.put("/channel/slack", {})

    def work(conn: Any) -> None:
        conn.execute(delete(projects).where(projects.c.id == 2))

    await desk.control.write(work)
    await desk.resources.refresh()
    left = (await desk.ask("admin", "GET", "/export")).json()["documents"]
    assert [(d["kind"], d["name"]) for d in left] == [("calendar", "days"), ("channel", "slack")]
    assert (await desk.ask("ann", "DELETE", "/calendar/days")).status_code == 204


async def test_a_change_by_another_process_is_seen_at_the_next_refresh(
    desk: Desk, control: ControlStore
) -> None:
    async with desk_over(control) as other:
        await other.put("/channel/slack", {"address": "x"})
        assert (await desk.ask("ann", "GET", "/channel/slack")).status_code == 404
        await desk.resources.refresh()
        assert desk.resources.get(ChannelSpec, 1, "slack").address == "x"
