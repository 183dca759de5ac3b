"""Marks on charts: announced by people and pipelines, or found because a release is new."""

import time

from quarterdeck.telemetry.query.releases import deployments, last_deploys
from quarterdeck.telemetry.query.window import Window, window_of
from quarterdeck.telemetry.releases import note_new
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, add_spans, now_ns
from support.server import Server

HOUR = 3600 * SECOND


def last_hours(project: int, hours: int, environment: str = "") -> Window:
    now = now_ns() // 1_000_000
    return window_of(project, now - hours * 3_600_000, now + 60_000, environment)


def note() -> None:
    time.sleep(0.002)  # a mark is a millisecond, and what arrived within it counts as seen
    note_new(shared_engine(), now_ns() + SECOND)


def test_a_release_that_follows_another_is_a_deployment_and_the_first_is_none() -> None:
    project, now = new_project().id, now_ns()
    add_spans(
        shared_engine(),
        project,
        *(
            {"service": "pay", "release": release, "time": now - ago * HOUR, "environment": "prod"}
            for release, ago in (("1.0", 9), ("1.0", 3), ("1.1", 2), ("1.0", 1), ("1.2", 1))
        ),
        {"service": "pay", "release": "1.2", "time": now - 5 * HOUR, "environment": "staging"},
        {"service": "web", "release": "7", "time": now - HOUR},
    )
    add_logs(shared_engine(), project, {"service": "job", "release": "a", "time": now - 2 * HOUR})
    add_logs(shared_engine(), project, {"service": "job", "release": "b", "time": now - HOUR})
    note()
    found = deployments(shared_engine(), last_hours(project, 6))
    assert [(d.service, d.environment, d.previous, d.release) for d in found] == [
        ("pay", "prod", "1.0", "1.1"),
        ("job", "prod", "a", "b"),
        ("pay", "prod", "1.1", "1.2"),
    ]
    assert deployments(shared_engine(), last_hours(project, 6, "staging")) == []
    assert [d.release for d in deployments(shared_engine(), last_hours(project, 6), "pay")] == [
        "1.1",
        "1.2",
    ]
    assert last_deploys(shared_engine(), last_hours(project, 1)) == {
        "pay": (now - HOUR) // 1_000_000,
        "job": (now - HOUR) // 1_000_000,
    }


def test_noting_again_changes_nothing_and_late_rows_move_the_beginning() -> None:
    project, now = new_project().id, now_ns()
    for release, ago in (("1", 3), ("2", 1)):
        add_spans(shared_engine(), project, {"release": release, "time": now - ago * HOUR})
        note()
    shared_engine().execute("TRUNCATE TABLE facet_marks")  # as if every run had died half-way
    add_spans(shared_engine(), project, {"release": "2", "time": now - 2 * HOUR})
    note()
    (found,) = deployments(shared_engine(), last_hours(project, 6))
    assert (found.release, found.time_ms) == ("2", (now - 2 * HOUR) // 1_000_000)


def test_announced_marks_are_kept_listed_by_range_service_and_environment_and_removed(
    server: Server,
) -> None:
    with server.client() as client:
        client.post("/api/projects", json={"slug": "marks"})
        client.headers["x-quarterdeck-project"] = "marks"
        now = now_ns() // 1_000_000

        def add(**body: object) -> dict[str, object]:
            answer = client.post("/api/annotations", json=body)
            assert answer.status_code == 201, answer.text
            made: dict[str, object] = answer.json()
            return made

        deploy = add(kind="deploy", service="pay", release="2.0", url="https://ci.example/7")
        assert (deploy["title"], deploy["source"]) == ("pay 2.0", "announced")
        add(kind="maintenance", title="Disks", time_ms=now - 7_200_000, end_ms=now - 1_800_000)
        add(kind="note", title="Only staging", environment="staging", time_ms=now - 60_000)
        add(title="<script>alert(1)</script>", time_ms=now - 9_000_000)

        def titles(**more: str) -> list[str]:
            params = {"from": str(now - 3_600_000), "to": str(now + 60_000), **more}
            answer = client.get("/api/annotations", params=params)
            assert answer.status_code == 200, answer.text
            return [each["title"] for each in answer.json()]

        assert titles() == ["Disks", "Only staging", "pay 2.0"]
        assert titles(environment="production") == ["Disks", "pay 2.0"]
        assert titles(service="web") == ["Disks", "Only staging"]
        assert client.delete(f"/api/annotations/{deploy['id']}").status_code == 204
        assert client.delete(f"/api/annotations/{deploy['id']}").status_code == 404
        assert titles() == ["Disks", "Only staging"]

        client.headers["x-quarterdeck-project"] = "default"
        assert titles() == []


def test_an_annotation_that_tells_nothing_or_leads_elsewhere_is_refused(server: Server) -> None:
    bad: tuple[dict[str, object], ...] = (
        {},
        {"title": "  "},
        {"title": "x", "url": "javascript:alert(1)"},
        {"title": "x", "time_ms": 2, "end_ms": 1},
        {"title": "x\0y"},
        {"title": "x" * 201},
        {"title": "x", "kind": "party"},
    )
    with server.client() as client:
        for body in bad:
            answer = client.post("/api/annotations", json=body)
            assert answer.status_code in (400, 422), (body, answer.text)


def test_an_announced_deployment_and_its_first_telemetry_are_one_mark(server: Server) -> None:
    # The server's own job finds releases; here only the announcement can be seen at once.
    with server.client() as client:
        client.post("/api/projects", json={"slug": "announced"})
        client.headers["x-quarterdeck-project"] = "announced"
        client.post("/api/annotations", json={"kind": "deploy", "service": "a", "release": "2"})
        now = now_ns() // 1_000_000
        params = {"from": str(now - 60_000), "to": str(now + 60_000), "service": "a"}
        (mark,) = client.get("/api/annotations", params=params).json()
        assert mark["release"] == "2"


def test_the_marks_of_a_project_go_with_it(server: Server) -> None:
    with server.client() as client:
        client.post("/api/projects", json={"slug": "gone"})
        client.headers["x-quarterdeck-project"] = "gone"
        client.post("/api/annotations", json={"title": "Old"})
        headers = {"x-quarterdeck-project": "default"}
        gone = client.request(
            "DELETE", "/api/projects/gone", json={"confirm": "gone"}, headers=headers
        )
        assert gone.status_code == 204
        client.post("/api/projects", json={"slug": "gone"}, headers=headers)
        now = now_ns() // 1_000_000
        params = {"from": str(now - 60_000), "to": str(now + 60_000)}
        assert client.get("/api/annotations", params=params).json() == []
