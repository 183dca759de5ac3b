"""Config as code: `apply` is all or nothing, and a dry run promises what apply does."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from quarterdeck.resources.yamltext import dump_documents, load_documents
from quarterdeck.store.control import ControlStore
from support.control import clock, control, control_place
from support.resourcekit import Desk, desk_over

__all__ = ["clock", "control", "control_place"]

CHANNEL = {"kind": "channel", "name": "slack", "spec": {"address": "#ops"}}
RULE = {"kind": "rule", "name": "errors", "spec": {"channels": ["slack"], "title": "Errors"}}


@pytest.fixture
async def desk(control: ControlStore) -> AsyncIterator[Desk]:
    async with desk_over(control) as opened:
        yield opened


def actions(plan: Any) -> list[tuple[str, str]]:
    return [(c["action"], f"{c['kind']}/{c['name']}") for c in plan["changes"]]


async def _refused(desk: Desk, documents: Any, who: str = "admin", **options: Any) -> Any:
    body = {"documents": documents, "source": "deck.yaml", **options}
    if who in ("ann", "bob"):
        del body["source"]
    response = await desk.ask(who, "POST", "/apply", body)
    assert response.status_code >= 400, response.text
    return {"status": response.status_code, **response.json()["error"]}


async def _names(desk: Desk, kind: str, project: str = "default") -> list[str]:
    answer = await desk.ask("admin", "GET", f"/{kind}?project={project}")
    return [item["name"] for item in answer.json()["items"]]


async def test_references_may_come_in_any_order_even_in_a_ring(desk: Desk) -> None:
    plan = await desk.apply(
        [
            {"kind": "rule", "name": "a", "spec": {"parent": "b", "channels": ["slack"]}},
            {"kind": "rule", "name": "b", "spec": {"parent": "a"}},
            CHANNEL,
        ]
    )
    assert plan["summary"]["create"] == 3
    assert (await desk.apply([], prune=True))["summary"]["delete"] == 3


async def test_applying_again_changes_nothing(desk: Desk) -> None:
    await desk.apply([RULE, CHANNEL])
    before = (await desk.ask("admin", "GET", "/rule/errors")).json()
    plan = await desk.apply([RULE, CHANNEL])
    assert plan["summary"] == {"create": 0, "update": 0, "rename": 0, "delete": 0, "unchanged": 2}
    assert (await desk.ask("admin", "GET", "/rule/errors")).json() == before


async def test_a_dry_run_tells_the_plan_field_by_field_and_changes_nothing(desk: Desk) -> None:
    await desk.apply([RULE, CHANNEL])
    changed = {**RULE, "spec": {"channels": ["slack"], "title": "All errors", "weight": 2}}
    new = {"kind": "channel", "name": "mail", "spec": {"address": "ops@example.com"}}
    dry = await desk.apply([changed, new], dry_run=True)
    assert dry["dry_run"] is True
    assert actions(dry) == [("update", "rule/errors"), ("create", "channel/mail")]
    assert dry["changes"][0]["fields"] == [
        {"path": "spec.title", "before": "Errors", "after": "All errors"},
        {"path": "spec.weight", "before": 1.0, "after": 2.0},
    ]
    assert dry["changes"][1]["fields"] == [
        {"path": "spec.address", "before": None, "after": "ops@example.com"}
    ]
    assert await _names(desk, "channel") == ["slack"]
    assert (await desk.ask("admin", "GET", "/rule/errors")).json()["revision"] == 1
    assert (await desk.apply([changed, new]))["changes"] == dry["changes"]


async def test_a_dry_run_refuses_what_apply_would_refuse(desk: Desk) -> None:
    await desk.apply([RULE, CHANNEL])
    for dry_run in (True, False):
        error = await _refused(desk, [RULE], prune=True, dry_run=dry_run)
        assert (error["status"], error["code"]) == (409, "resource_in_use")
    assert await _names(desk, "channel") == ["slack"]


async def test_prune_deletes_what_the_same_source_dropped_and_nothing_else(desk: Desk) -> None:
    await desk.put("/channel/by-hand", {}, who="ann")
    await desk.apply([{"kind": "channel", "name": "other-file", "spec": {}}], source="b.yaml")
    await desk.apply([RULE, CHANNEL])
    kept = await desk.apply([CHANNEL])
    assert actions(kept) == [("unchanged", "channel/slack")]
    plan = await desk.apply([CHANNEL], prune=True)
    assert sorted(actions(plan)) == [
        ("delete", "rule/errors"),
        ("unchanged", "channel/slack"),
    ]
    assert await _names(desk, "channel") == ["by-hand", "other-file", "slack"]
    assert actions(await desk.apply([], prune=True)) == [("delete", "channel/slack")]


async def test_prune_stays_in_the_projects_of_its_documents_and_of_its_request(desk: Desk) -> None:
    """Two repositories may each have a deck.yaml, applied to a project each."""
    shop: list[dict[str, Any]] = [
        {"kind": "channel", "name": n, "project": "shop", "spec": {}} for n in ("a", "b")
    ]
    everywhere = {"kind": "calendar", "name": "days", "spec": {}}
    await desk.apply([*shop, everywhere])
    assert actions(await desk.apply([CHANNEL], prune=True)) == [("create", "channel/slack")]
    assert await _names(desk, "channel", "shop") == ["a", "b"]
    plan = await desk.apply([CHANNEL, shop[0]], prune=True)
    assert sorted(actions(plan)) == [
        ("delete", "channel/b"),
        ("unchanged", "channel/a"),
        ("unchanged", "channel/slack"),
    ]
    other = {"kind": "calendar", "name": "nights", "spec": {}}
    assert ("delete", "calendar/days") in actions(await desk.apply([other], prune=True))
    await desk.apply([CHANNEL])
    assert actions(await desk.apply([], prune=True)) == [("delete", "channel/slack")]
    assert await _names(desk, "channel", "shop") == ["a"]


async def test_prune_by_a_key_of_one_project_leaves_the_others_alone(desk: Desk) -> None:
    shop = {"kind": "channel", "name": "a", "project": "shop", "spec": {}}
    blog = {"kind": "channel", "name": "a", "project": "blog", "spec": {}}
    everywhere = {"kind": "calendar", "name": "days", "spec": {}}
    await desk.apply([shop, blog, everywhere])
    plan = await desk.apply([], prune=True, who="shop")
    assert [(c["action"], c["project"]) for c in plan["changes"]] == [("delete", "shop")]
    assert await _names(desk, "channel", "blog") == ["a"]


async def test_who_may_only_read_may_ask_what_would_change_and_change_nothing(desk: Desk) -> None:
    await desk.apply([CHANNEL])
    days = {"kind": "calendar", "name": "days", "spec": {}}
    for who in ("viewer", "bob"):
        source = "deck.yaml" if who == "viewer" else ""  # what a person applies is of no file
        plan = await desk.apply([RULE, days], who=who, source=source, dry_run=True)
        assert actions(plan) == [("create", "rule/errors"), ("create", "calendar/days")]
        refused = await _refused(desk, [days], who=who)
        assert (refused["status"], refused["code"]) == (403, "not_permitted")
    pruned = await desk.apply([], who="viewer", prune=True, dry_run=True)
    assert actions(pruned) == [("delete", "channel/slack")]
    for prune in (True, False):
        assert (await _refused(desk, [], who="viewer", prune=prune))["code"] == "not_permitted"
    assert await _names(desk, "channel") == ["slack"]
    assert await _names(desk, "calendar") == []


async def test_what_came_from_a_file_is_read_only_for_people(desk: Desk) -> None:
    await desk.apply([CHANNEL])
    shown = (await desk.ask("ann", "GET", "/channel/slack")).json()
    assert (shown["origin"], shown["source"], shown["read_only"]) == ("file", "deck.yaml", True)
    for method, path, body in (
        ("PUT", "/channel/slack", {"spec": {"address": "#x"}}),
        ("DELETE", "/channel/slack", None),
        ("POST", "/channel/slack/rename", {"name": "chat"}),
    ):
        response = await desk.ask("ann", method, path, body)
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (409, "resource_from_file")
        assert error["details"]["source"] == "deck.yaml"
    by_hand = await _refused(desk, [{**CHANNEL, "spec": {"address": "#x"}}], who="ann")
    assert by_hand["code"] == "resource_from_file"


async def test_a_resource_released_from_its_file_may_be_edited(desk: Desk) -> None:
    await desk.apply([CHANNEL])
    released = (await desk.ask("ann", "POST", "/channel/slack/release")).json()
    assert (released["origin"], released["source"], released["read_only"]) == ("ui", "", False)
    await desk.put("/channel/slack", {"address": "#now"}, who="ann")
    plan = await desk.apply([CHANNEL])
    paths = {f["path"] for f in plan["changes"][0]["fields"]}
    assert paths == {"spec.address", "origin", "source"}
    assert (await desk.ask("ann", "GET", "/channel/slack")).json()["read_only"] is True


async def test_a_person_may_apply_documents_by_hand(desk: Desk) -> None:
    response = await desk.ask("ann", "POST", "/apply", {"documents": [CHANNEL]})
    assert response.status_code == 200
    assert (await desk.ask("ann", "GET", "/channel/slack")).json()["origin"] == "ui"
    pruned = await _refused(desk, [], who="ann", prune=True)
    assert pruned["code"] == "apply_invalid"


async def test_a_file_that_takes_over_from_another_is_told(desk: Desk) -> None:
    await desk.apply([CHANNEL], source="old.yaml")
    plan = await desk.apply([CHANNEL], source="new.yaml")
    assert actions(plan) == [("update", "channel/slack")]
    assert "old.yaml" in plan["warnings"][0]
    assert actions(await desk.apply([], source="old.yaml", prune=True)) == []


async def test_a_previous_name_renames_and_keeps_the_id(desk: Desk) -> None:
    await desk.apply([CHANNEL, RULE])
    identity = (await desk.ask("admin", "GET", "/channel/slack")).json()["id"]
    renamed = {**CHANNEL, "name": "chat", "previous_name": "slack"}
    stale = await _refused(desk, [renamed])
    assert stale["code"] == "resource_from_file"  # the rule's document still says slack
    rule = {**RULE, "spec": {**RULE["spec"], "channels": ["chat"]}}  # type: ignore[dict-item]
    plan = await desk.apply([rule, renamed], prune=True)
    assert actions(plan) == [("update", "rule/errors"), ("rename", "channel/chat")]
    assert (await desk.ask("admin", "GET", "/channel/chat")).json()["id"] == identity
    again = await desk.apply([rule, renamed], prune=True)
    assert again["summary"]["unchanged"] == 2


async def test_a_rename_by_file_mends_what_people_wrote(desk: Desk) -> None:
    await desk.apply([CHANNEL])
    await desk.put("/rule/mine", {"channels": ["slack"]}, who="ann")
    plan = await desk.apply([{**CHANNEL, "name": "chat", "previous_name": "slack"}])
    assert actions(plan) == [("rename", "channel/chat"), ("update", "rule/mine")]
    assert plan["changes"][1]["document"] is None
    rule = (await desk.ask("ann", "GET", "/rule/mine")).json()
    assert (rule["spec"]["channels"], rule["origin"]) == (["chat"], "ui")


async def test_one_flaw_anywhere_and_nothing_is_applied(desk: Desk) -> None:
    error = await _refused(
        desk,
        [
            CHANNEL,
            {"kind": "rule", "name": "a", "spec": {"weight": "heavy", "x": 1}},
            {"kind": "nonsense", "name": "b"},
            "a word",
            {"kind": "rule", "name": "Bad Name", "spec": {}, "extra": 1},
        ],
    )
    assert (error["status"], error["code"]) == (422, "documents_invalid")
    places = {(f["document"], f["path"]) for f in error["details"]["errors"]}
    assert places == {
        (1, "spec.weight"),
        (1, "spec.x"),
        (2, "kind"),
        (3, ""),
        (4, "extra"),
        (4, "name"),
    }
    assert await _names(desk, "channel") == []


async def test_a_reference_to_nothing_names_document_and_path(desk: Desk) -> None:
    error = await _refused(desk, [CHANNEL, {**RULE, "spec": {"channels": ["slack", "gone"]}}])
    (flaw,) = error["details"]["errors"]
    assert (flaw["document"], flaw["name"], flaw["path"]) == (1, "errors", "spec.channels.1")
    assert await _names(desk, "channel") == []


async def test_the_same_resource_twice_is_refused(desk: Desk) -> None:
    for twin in (CHANNEL, {**CHANNEL, "project": "default"}):
        error = await _refused(desk, [CHANNEL, twin])
        assert error["code"] == "documents_invalid"
        assert "twice" in error["message"]
    await desk.apply([CHANNEL, {**CHANNEL, "project": "shop"}])


async def test_projects_and_permissions_are_checked_before_anything_is_written(desk: Desk) -> None:
    unknown = await _refused(desk, [{**CHANNEL, "project": "nowhere"}])
    assert (unknown["status"], unknown["code"]) == (404, "project_unknown")
    foreign = await _refused(desk, [{**CHANNEL, "project": "blog"}], who="shop")
    assert foreign["code"] == "project_unknown"
    document = {"kind": "retention", "name": "default", "spec": {"logs": 3}}
    assert (await _refused(desk, [CHANNEL, document], who="bob"))["status"] == 403
    assert (await _refused(desk, [CHANNEL], who="viewer"))["status"] == 403
    assert await _names(desk, "channel") == []


async def test_a_secret_that_is_not_set_is_a_warning(desk: Desk) -> None:
    plan = await desk.apply([{**CHANNEL, "spec": {"token": "${secret:SLACK}"}}])
    assert "SLACK" in plan["warnings"][0]
    assert "channel/slack" in plan["warnings"][0]


async def test_export_applies_without_a_change(desk: Desk) -> None:
    await desk.put("/saved-search/failed", {"title": "no: *x\n# y", "signal": "logs"})
    await desk.put("/retention/default?project=shop", {"logs": 7})
    await desk.put("/calendar/days", {"zone": "Europe/Paris"})
    await desk.apply([CHANNEL, RULE])
    answer = (await desk.ask("admin", "GET", "/export")).json()
    assert {(d["kind"], d.get("project")) for d in answer["documents"]} == {
        ("saved-search", "default"),
        ("retention", "shop"),
        ("calendar", None),
        ("channel", "default"),
        ("rule", "default"),
    }
    text = dump_documents(answer["documents"])
    plan = await desk.apply(load_documents(text))
    assert {f["path"] for c in plan["changes"] for f in c["fields"]} == {"origin", "source"}
    assert (await desk.apply(load_documents(text)))["summary"]["unchanged"] == 5
    only = (await desk.ask("admin", "GET", "/export?kind=retention&project=shop")).json()
    assert [d["kind"] for d in only["documents"]] == ["retention"]
    seen = (await desk.ask("shop", "GET", "/export")).json()["documents"]
    assert {d.get("project") for d in seen} == {"shop", None}


async def test_yaml_may_be_sent_as_it_is(desk: Desk) -> None:
    text = "kind: channel\nname: slack\nspec: {}\n---\nkind: rule\nname: a\nspec: {title: no}\n"
    body = {"yaml": text, "source": "deck.yaml"}
    response = await desk.ask("admin", "POST", "/apply", body)
    assert response.json()["summary"]["create"] == 2
    assert (await desk.ask("admin", "GET", "/rule/a")).json()["spec"]["title"] == "no"
    both = await desk.ask("admin", "POST", "/apply", {**body, "documents": []})
    assert (both.status_code, both.json()["error"]["code"]) == (400, "apply_invalid")


async def test_a_thousand_documents_are_applied_at_once(desk: Desk) -> None:
    documents = [
        {"kind": "rule", "name": f"rule-{n}", "spec": {"channels": ["slack"]}} for n in range(1000)
    ]
    assert (await desk.apply([*documents, CHANNEL]))["summary"]["create"] == 1001
    plan = await desk.apply([CHANNEL], prune=True)
    assert plan["summary"]["delete"] == 1000
    too_many = await _refused(desk, documents * 6)
    assert too_many["code"] == "documents_too_many"
