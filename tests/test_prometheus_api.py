"""The Prometheus HTTP API as Grafana's data source and other clients use it."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.remote_write import STALE, Series, histogram, now_ms, push, v1
from support.server import ADMIN_KEY, Server

API = "/prometheus/api/v1"
MINUTE = 60_000
NOW = now_ms() // MINUTE * MINUTE
START, END = (NOW - 10 * MINUTE) // 1000, NOW // 1000


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    """A server that has got some series by remote write."""
    times = range(NOW - 20 * MINUTE, NOW + 1, 15_000)
    series = [
        Series(
            {"__name__": "api_requests_total", "job": "api", "instance": f"host-{host}", "code": code},
            [((i * (host + 1)) / 4, at) for i, at in enumerate(times)],
            exemplars=[({"trace_id": "abc"}, 1.5, NOW - MINUTE)] if code == "500" else (),
        )
        for host in range(3)
        for code in ("200", "500")
    ]  # fmt: skip
    series += [
        Series({"__name__": "odd_values", "kind": kind}, [(value, NOW)])
        for kind, value in (
            ("nan", float("nan")), ("inf", float("inf")), ("low", float("-inf")), ("small", 1.5e-7), ("large", 1e21),
            ("whole", 1e20), ("half", -0.5), ("zero", 0.0),
        )
    ]  # fmt: skip
    series += [
        Series({"__name__": "gone", "job": "api"}, [(1, NOW - MINUTE), (STALE, NOW)]),
        Series(
            {"__name__": "api_seconds", "job": "api"},
            histograms=[histogram(18.4, NOW, positive=True, zero=True, negative=True)],
        ),
        Series({"__name__": "wörter.é", "über": "ja", "job": "other"}, [(7, NOW)]),
    ]
    metadata = [("api_requests_total", 1, "Requests so far.", "requests")]
    answer = push(server, v1(series, metadata))
    assert answer.status_code == 204, answer.text
    with server.client() as opened:
        yield opened


def ask(client: httpx.Client, path: str, **params: Any) -> Any:
    """The data of a successful answer."""
    answer = client.get(f"{API}/{path}", params=params)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["status"] == "success"
    return document["data"]


def test_an_expression_has_a_value_at_a_moment(client: httpx.Client) -> None:
    query = 'sum by (instance) (api_requests_total{code="500"})'
    data = ask(client, "query", query=query, time=END)
    assert data["resultType"] == "vector"
    assert {s["metric"]["instance"]: s["value"] for s in data["result"]} == {
        "host-0": [END, "20"],
        "host-1": [END, "40"],
        "host-2": [END, "60"],
    }
    assert ask(client, "query", query="1+1", time="1.5") == {
        "resultType": "scalar",
        "result": [1.5, "2"],
    }
    assert ask(client, "query", query='"text"', time=0)["result"] == [0, "text"]
    raw = ask(client, "query", query='api_requests_total{code="200",instance="host-0"}[30s]', time=END)  # fmt: skip
    assert raw["resultType"] == "matrix"
    assert raw["result"][0]["values"] == [[END - 15, "19.75"], [END, "20"]]


def test_a_range_has_a_value_at_each_step_by_address_and_by_form(client: httpx.Client) -> None:
    asked: dict[str, Any] = {
        "query": "sum(rate(api_requests_total[1m]))",
        "start": START,
        "end": END,
        "step": "1m",
    }
    by_address = client.get(f"{API}/query_range", params=asked).json()["data"]
    by_form = client.post(f"{API}/query_range", data=asked).json()["data"]
    assert by_address == by_form
    assert by_address["resultType"] == "matrix"
    [series] = by_address["result"]
    assert [moment for moment, _ in series["values"]] == list(range(START, END + 1, 60))
    assert all(float(value) == pytest.approx(0.2) for _, value in series["values"])
    iso: dict[str, Any] = {
        **asked,
        "start": f"{_iso(START)}Z",
        "end": f"{_iso(END)}.000+00:00",
        "step": 60,
    }
    assert client.get(f"{API}/query_range", params=iso).json()["data"] == by_address


def _iso(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def test_numbers_are_written_as_prometheus_writes_them(client: httpx.Client) -> None:
    data = ask(client, "query", query="odd_values", time=END)
    assert {s["metric"]["kind"]: s["value"][1] for s in data["result"]} == {
        "nan": "NaN", "inf": "+Inf", "low": "-Inf", "small": "1.5e-07", "large": "1e+21",
        "whole": "100000000000000000000", "half": "-0.5", "zero": "0",
    }  # fmt: skip
    ranged = ask(client, "query_range", query="odd_values", start=END, end=END + 1, step="500ms")
    shown = {s["metric"]["kind"]: s["values"] for s in ranged["result"]}
    assert shown["nan"] == [[END, "NaN"], [END + 0.5, "NaN"], [END + 1, "NaN"]]
    assert shown["large"][1][1] == "1e+21"
    text = client.get(
        f"{API}/query_range",
        params={"query": "odd_values", "start": END, "end": END + 1, "step": 0.25},
    ).text
    assert f'[{END}.250,"-0.5"]' in text


def test_a_series_ends_at_its_marker(client: httpx.Client) -> None:
    assert ask(client, "query", query="gone", time=END - 1)["result"][0]["value"][1] == "1"
    assert ask(client, "query", query="gone", time=END)["result"] == []


def test_native_histograms_have_their_own_shape(client: httpx.Client) -> None:
    [one] = ask(client, "query", query="api_seconds", time=END)["result"]
    moment, shown = one["histogram"]
    assert moment == END
    assert shown["count"] == "27"
    assert shown["sum"] == "18.4"
    assert [1, "-2", "-1", "2"] in shown["buckets"]
    assert [3, "-0", "0", "1"] in shown["buckets"] or [3, "0", "0", "1"] in shown["buckets"]
    assert [0, "0.5", "1", "1"] in shown["buckets"]
    [ranged] = ask(client, "query_range", query="api_seconds", start=END, end=END, step=1)["result"]
    assert ranged["histograms"] == [[END, shown]]
    assert "values" not in ranged


def test_labels_values_and_series_are_listed(client: httpx.Client) -> None:
    around = {"start": START, "end": END}
    assert {"__name__", "code", "instance", "job", "über"} <= set(ask(client, "labels", **around))
    matched = ask(client, "labels", **around, **{"match[]": "odd_values"})
    assert matched == ["__name__", "kind"]
    names = ask(client, "label/__name__/values", **around)
    assert {"api_requests_total", "api_seconds", "odd_values", "wörter.é"} <= set(names)
    assert ask(client, "label/job/values", **{"match[]": ['{job=~"a.."}', '{"wörter"}']}) == ["api"]
    codes = ask(client, "label/code/values", **{"match[]": 'api_requests_total{instance!="host-0"}'})  # fmt: skip
    assert codes == ["200", "500"]
    assert ask(client, "label/U___fc_ber/values") == ["ja"]
    assert ask(client, "label/nothing/values") == []
    series = ask(client, "series", **around, **{"match[]": ['{code="500"}', "gone"]})
    assert series == [
        *({"__name__": "api_requests_total", "code": "500", "instance": f"host-{n}", "job": "api"} for n in range(3)),
        {"__name__": "gone", "job": "api"},
    ]  # fmt: skip
    limited = client.post(f"{API}/series", data={"match[]": '{code=~".+"}', "limit": 2}).json()
    assert len(limited["data"]) == 2
    assert limited["warnings"] == ["results truncated due to limit"]


def test_old_days_have_no_series(client: httpx.Client) -> None:
    long_ago = {"start": 1_000_000, "end": 2_000_000}
    assert ask(client, "labels", **long_ago) == []
    assert ask(client, "series", **long_ago, **{"match[]": "gone"}) == []


def test_metadata_and_exemplars_are_told(client: httpx.Client) -> None:
    told = ask(client, "metadata", metric="api_requests_total")
    assert told == {
        "api_requests_total": [{"type": "counter", "help": "Requests so far.", "unit": "requests"}]
    }
    assert ask(client, "metadata", limit=0) == {}
    query = 'rate(api_requests_total{instance="host-1"}[1m])'
    found = ask(client, "query_exemplars", query=query, start=START, end=END)
    assert found == [
        {
            "seriesLabels": {"__name__": "api_requests_total", "code": "500", "instance": "host-1", "job": "api"},
            "exemplars": [{"labels": {"trace_id": "abc"}, "value": "1.5", "timestamp": END - 60}],
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "params", "status", "kind", "told"),
    [
        ("query", {"query": "sum("}, 400, "bad_data", 'invalid parameter "query"'),
        ("query", {"query": "1", "time": "soon"}, 400, "bad_data", 'invalid parameter "time"'),
        ("query", {"query": "1", "timeout": "long"}, 400, "bad_data", 'invalid parameter "timeout"'),
        ("query", {"query": "1", "limit": "-1"}, 400, "bad_data", 'invalid parameter "limit"'),
        ("query", {"query": "api_requests_total * on() api_requests_total", "time": END}, 422, "execution", "many-to-many"),
        ("query_range", {"query": "1", "start": 2, "end": 1, "step": 1}, 400, "bad_data", "end timestamp must not be before start time"),
        ("query_range", {"query": "1", "start": 1, "end": 2, "step": 0}, 400, "bad_data", "zero or negative query resolution step"),
        ("query_range", {"query": "1", "start": 0, "end": 20000, "step": 1}, 400, "bad_data", "exceeded maximum resolution of 11,000 points"),
        ("query_range", {"query": "gone[1m]", "start": 0, "end": 2, "step": 1}, 400, "bad_data", "invalid expression type"),
        ("series", {}, 400, "bad_data", "no match[] parameter provided"),
        ("series", {"match[]": '{job=~".*"}'}, 400, "bad_data", "must contain at least one non-empty matcher"),
        ("labels", {"match[]": "sum(x)"}, 400, "bad_data", 'invalid parameter "match[]"'),
        ("query_exemplars", {"query": "x", "start": 2, "end": 1}, 400, "bad_data", "end timestamp must not be before"),
        ("metadata", {"limit": "many"}, 400, "bad_data", "limit must be a number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_prometheus_words(
    client: httpx.Client, path: str, params: dict[str, Any], status: int, kind: str, told: str
) -> None:
    for answer in (
        client.get(f"{API}/{path}", params=params),
        *([client.post(f"{API}/{path}", data=params)] if path != "metadata" else []),
    ):
        assert answer.status_code == status, answer.text
        document = answer.json()
        assert document["status"] == "error"
        assert document["errorType"] == kind
        assert told in document["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/status/unheard-of", 404, "not_found"),
        ("POST", "/unheard-of", 404, "not_found"),
        ("DELETE", "/query", 405, "bad_data"),
        ("GET", "/write", 405, "bad_data"),
        ("GET", "/query?query=1&project=nowhere", 404, "not_found"),
    ],
)
def test_errors_of_the_server_itself_are_in_prometheus_shape_too(
    client: httpx.Client, method: str, path: str, status: int, kind: str
) -> None:
    answer = client.request(method, f"{API}{path}")
    assert answer.status_code == status
    document = answer.json()
    assert (document["status"], document["errorType"]) == ("error", kind)
    assert document["error"]
    assert ("allow" in answer.headers) == (status == 405)


def test_hostile_input_is_refused_and_harms_nobody(client: httpx.Client) -> None:
    nested = "(" * 50_000 + "1" + ")" * 50_000
    for query in (nested, "x" * 200_000, '{__name__=~"("}', "\x00", "a" * 10 + "{" * 1000):
        answer = client.post(f"{API}/query", data={"query": query})
        assert answer.status_code in (400, 422), (query[:40], answer.text[:300])
        assert answer.json()["status"] == "error"
    many = "&".join(f"a{i}=1" for i in range(2000))
    answer = client.post(
        f"{API}/query", content=many, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 400
    slow = '{__name__=~"(.*a){20}b|(x+x+)+y"}'
    assert client.get(f"{API}/query", params={"query": slow}).json()["data"]["result"] == []
    quoted = 'api_requests_total{job="\' OR 1=1 --", instance!~"\\\\\'x"}'
    assert client.get(f"{API}/query", params={"query": quoted}).json()["data"]["result"] == []


def test_grafana_sets_its_data_source_up(server: Server, client: httpx.Client) -> None:
    """The requests of Grafana's Prometheus data source: test button, features, browser, builder."""
    basic = base64.b64encode(f"grafana:{ADMIN_KEY}".encode()).decode()
    headers = {"authorization": f"Basic {basic}", "x-grafana-referer": "x"}
    with httpx.Client(base_url=f"{server.url}/prometheus", headers=headers) as grafana:
        health = grafana.post("/api/v1/query", data={"query": "1+1", "time": "4"})
        assert health.json()["data"] == {"resultType": "scalar", "result": [4, "2"]}
        build = grafana.get("/api/v1/status/buildinfo").json()
        assert build["data"]["version"][0] == "3"
        assert "features" not in build["data"]
        assert grafana.get("/api/v1/metadata").json()["status"] == "success"
        assert grafana.get("/api/v1/rules").json()["data"]["groups"] == []
        assert grafana.get("/api/v1/alerts").json()["data"] == {"alerts": []}
        labels = grafana.post(
            "/api/v1/labels", data={"match[]": "gone", "start": START, "end": END}
        )
        assert labels.json()["data"] == ["__name__", "job"]
        names = grafana.get("/api/v1/label/__name__/values", params={"start": START, "end": END})
        assert "gone" in names.json()["data"]
        assert grafana.get("/api/v1/status/flags").json()["data"]["query.lookback-delta"] == "5m"
        assert "startTime" in grafana.get("/api/v1/status/runtimeinfo").json()["data"]
        formatted = grafana.get("/api/v1/format_query", params={"query": "sum( a)by(b)"})
        assert formatted.json()["data"] == "sum by (b) (a)"
    wrong = httpx.get(f"{server.url}{API}/query", params={"query": "1"}, auth=("grafana", "wrong"))
    assert wrong.status_code == 401
    assert wrong.json()["error"] == "This key does not exist or has been revoked."
    assert httpx.get(f"{server.url}{API}/query", params={"query": "1"}).status_code == 401


def test_projects_do_not_see_one_another(server: Server, client: httpx.Client) -> None:
    made = client.post("/api/projects", json={"name": "Elsewhere", "slug": "prom-elsewhere"})
    assert made.status_code == 201, made.text
    body = v1([Series({"__name__": "elsewhere", "job": "b"}, [(3, NOW)])])
    assert push(server, body, x_quarterdeck_project="prom-elsewhere").status_code == 204
    assert ask(client, "query", query="elsewhere", time=END)["result"] == []
    data = ask(client, "query", query="elsewhere", time=END, project="prom-elsewhere")
    assert data["result"][0]["value"] == [END, "3"]
    assert ask(client, "label/__name__/values", project="prom-elsewhere") == ["elsewhere"]
