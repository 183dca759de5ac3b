"""`POST /api/logs`: lines of JSON from anywhere become log records, read back by SQL."""

import gzip
import json
import re
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard

from quarterdeck.store.telemetry.lines import FIELDS, RENAMED
from support.otlp import TYPED, Sql
from support.server import Server

NDJSON = {"content-type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def sql(server: Server) -> Sql:
    return Sql(server)


def post(
    server: Server, body: bytes | str, media: str = NDJSON["content-type"], **headers: str
) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    with server.client() as client:
        return client.post(
            "/api/logs",
            content=body.encode() if isinstance(body, str) else body,
            headers={"content-type": media, **given},
        )


def lines(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def kept(server: Server, *records: Any, **more: Any) -> None:
    answer = post(server, lines(*records), **more)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"accepted": len(records), "rejected": 0, "reasons": {}, "message": ""}


def now() -> datetime:
    return datetime.now(UTC)


def test_a_structured_log_arrives_with_its_time_level_service_context_user_and_request(
    server: Server, sql: Sql
) -> None:
    at = now().replace(microsecond=123000)
    kept(
        server,
        {
            "timestamp": at.isoformat(),
            "level": "warn",
            "service": "ndjson-whole",
            "message": "stock is low",
            "context": {"sku": "A-1", "left": 3, "share": 0.25, "sold": False, "tags": ["a", 1]},
            "userId": "user-7",
            "requestId": "r-1",
            "traceId": "0af7651916cd43dd8448eb211c80319c",
            "spanId": "b7ad6b7169203331",
            "environment": "staging",
            "release": "1.4.2",
            "hostname": "web-1",
            "logger": "shop.stock",
            "nothing": None,
        },
    )
    (row,) = sql(f"SELECT *, {TYPED.format('attributes')} FROM logs WHERE service = 'ndjson-whole'")
    assert row["time"].startswith(at.strftime("%Y-%m-%dT%H:%M:%S.123"))
    assert (row["severity"], row["level"], row["severity_number"]) == ("warn", "warn", 13)
    assert (row["body"], row["body_type"]) == ("stock is low", "string")
    assert (row["environment"], row["release"]) == ("staging", "1.4.2")
    assert row["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert row["span_id"] == "b7ad6b7169203331"
    assert row["scope"] == "shop.stock"
    assert row["resource"]["host.name"] == "web-1"
    assert row["attributes"] == {
        "context.sku": "A-1",
        "context.left": 3,
        "context.share": 0.25,
        "context.sold": False,
        "context.tags": ["a", 1],
        "user.id": "user-7",
        "request.id": "r-1",
        "nothing": None,
    }
    types = row["attributes_types"]
    assert (types["context.left"], types["context.share"]) == ("Int64", "Float64")
    assert types["context.sold"] == "Bool"


TIMES = {
    "ISO 8601 in UTC": lambda t: t.isoformat().replace("+00:00", "Z"),
    "with an offset": lambda t: t.astimezone().isoformat(),
    "without a zone": lambda t: t.strftime("%Y-%m-%d %H:%M:%S.%f"),
    "Python's logging": lambda t: t.strftime("%Y-%m-%d %H:%M:%S,%f")[:-3],
    "seconds": lambda t: t.timestamp(),
    "milliseconds": lambda t: int(t.timestamp() * 1e3),
    "microseconds": lambda t: round(t.timestamp() * 1e6),
    "nanoseconds": lambda t: round(t.timestamp() * 1e6) * 1000,
    "nanoseconds as text": lambda t: str(round(t.timestamp() * 1e6) * 1000),
}


def test_a_time_may_be_written_in_many_ways(server: Server, sql: Sql) -> None:
    at = now().replace(microsecond=123000)
    records = [
        {"ts": write(at), "msg": name, "app": "ndjson-times"}  # type: ignore[no-untyped-call]
        for name, write in TIMES.items()
    ]
    kept(server, *records)
    rows = sql("SELECT body, time FROM logs WHERE service = 'ndjson-times'")
    expected = at.strftime("%Y-%m-%dT%H:%M:%S.123")
    assert {row["body"]: row["time"][:23] for row in rows} == dict.fromkeys(TIMES, expected)


def test_a_time_that_is_none_stays_an_attribute_and_the_arrival_counts(
    server: Server, sql: Sql
) -> None:
    for given in ("yesterday", "12", 12.5, 1e300, "", "9999-99-99T00:00:00Z", [1], 10**30):
        kept(server, {"time": given, "message": json.dumps(given), "service": "ndjson-no-time"})
    rows = sql(
        "SELECT body, attributes, abs(dateDiff('second', time, received)) AS off"
        " FROM logs WHERE service = 'ndjson-no-time'"
    )
    assert len(rows) == 8
    assert [row["off"] for row in rows] == [0] * 8
    assert {row["body"]: row["attributes"]["time"] for row in rows}['"yesterday"'] == "yesterday"
    assert all("time" in row["attributes"] for row in rows)


LEVELS = {
    "trace": 1, "DEBUG": 5, "info": 9, "Information": 9, "NOTICE": 10, "Warning": 13, "warn": 13,
    "ERROR": 17, "err": 17, "CRITICAL": 21, "fatal": 21, "alert": 22, "emerg": 24, "odd": 0,
}  # fmt: skip


def test_levels_are_understood_by_name_and_by_number(server: Server, sql: Sql) -> None:
    service = "ndjson-levels"
    kept(server, *({"level": name, "message": name, "service": service} for name in LEVELS))
    pino = {10: 1, 20: 5, 30: 9, 40: 13, 50: 17, 60: 21}
    syslog = {0: 24, 1: 22, 2: 21, 3: 17, 4: 13, 5: 10, 6: 9, 7: 5}
    kept(server, *({"level": n, "msg": str(n), "service": service} for n in [*pino, *syslog]))
    kept(server, {"severity_number": 11, "severity": "odd", "msg": "number", "service": service})
    rows = sql(f"SELECT body, severity_number FROM logs WHERE service = '{service}'")
    found = {row["body"]: row["severity_number"] for row in rows}
    assert found == {
        **LEVELS, **{str(n): to for n, to in (pino | syslog).items()}, "number": 11,
    }  # fmt: skip


def test_of_two_pairs_that_mean_the_same_the_first_counts_and_the_other_is_kept(
    server: Server, sql: Sql
) -> None:
    body = (
        '{"message":"first","msg":"second","level":"info","level":"error","service":"ndjson-twice",'
        '"trace_id":"not hex","a":1,"a":2,"log":"third"}'
    )
    assert post(server, body).json()["accepted"] == 1
    (row,) = sql("SELECT * FROM logs WHERE service = 'ndjson-twice'")
    assert (row["body"], row["level"], row["trace_id"]) == ("first", "info", "")
    assert row["attributes"].items() >= {
        ("msg", "second"), ("level", "error"), ("trace_id", "not hex"), ("log", "third"),
    }  # fmt: skip


def test_objects_become_keys_with_dots_and_what_lies_deep_stays_json(
    server: Server, sql: Sql
) -> None:
    deep: Any = {"f": [1, {"g": 2}], "empty": {}}
    for key in "edcb":
        deep = {key: deep}
    kept(
        server, {"message": "deep", "service": "ndjson-deep", "a": deep, "http": {"x.y": {"z": 1}}}
    )
    wide = {f"k{i}": i for i in range(1100)}
    kept(server, {"message": "wide", "service": "ndjson-deep", "wide": wide})
    rows = sql("SELECT body, attributes FROM logs WHERE service = 'ndjson-deep' ORDER BY body")
    assert rows[0]["attributes"] == {
        "http.x.y.z": 1,
        "a.b.c.d": {"e": {"f": [1, {"g": 2}], "empty": {}}},
    }
    assert rows[1]["attributes"] == {"wide": wide}


def test_text_that_needs_escapes_comes_back_as_it_was(server: Server, sql: Sql) -> None:
    odd = 'quote " backslash \\ tab\t line\n nul\0 bell\a ümlaut 漢 \U0001f600 \u2028 null'
    kept(server, {"message": odd, "service": "ndjson-text", odd: odd, "n": "null", "e": ""})
    (row,) = sql("SELECT body, attributes FROM logs WHERE service = 'ndjson-text'")
    assert row == {"body": odd, "attributes": {odd: odd, "n": "null", "e": ""}}


def test_a_bad_line_is_refused_by_its_reason_and_its_neighbours_are_kept(
    server: Server, sql: Sql
) -> None:
    service = '"service":"ndjson-bad"'
    old = int(time.time()) - 400 * 86_400
    many = ",".join(f'"k{i}":1' for i in range(1100))
    body = "\r\n".join(
        [
            "\ufeff{" + service + ',"message":"first"}',
            "",
            "not json",
            "{" + service + ',"message":"half',
            "[1,2]",
            '"text"',
            "{" + service + ',"x":NaN}',
            "{" + service + f',"time":{old}}}',
            "{" + service + f',"time":"{now().year + 1}-01-01T00:00:00Z"}}',
            "{" + service + f",{many}}}",
            "{" + service + ',"big":"' + "x" * 1_100_000 + '"}',
            "   ",
            "{" + service + ',"message":"last","n":18446744073709551617}',
        ]
    ).encode()
    answer = post(server, body + b'\n{"a":"\xff"}').json()
    assert answer["reasons"] == {
        "unparsable_line": 6,
        "too_old": 1,
        "in_future": 1,
        "too_many_attributes": 1,
        "value_too_large": 1,
    }
    assert (answer["accepted"], answer["rejected"]) == (2, 10)
    assert "6 refused: a line that is not a JSON object (unparsable_line)" in answer["message"]
    rows = sql("SELECT body, attributes FROM logs WHERE service = 'ndjson-bad' ORDER BY body")
    assert [row["body"] for row in rows] == ["first", "last"]
    assert rows[1]["attributes"] == {"n": "18446744073709551617"}
    (sample,) = sql(
        "SELECT sample, items FROM rejects WHERE reason = 'unparsable_line' AND items = 6 LIMIT 1"
    )
    assert sample["items"] == 6
    assert sample["sample"] == "not json"


def test_a_body_of_which_nothing_is_json_is_refused(server: Server) -> None:
    answer = post(server, "hello\nworld\n")
    assert answer.status_code == 400
    assert answer.json()["reasons"] == {"unparsable_line": 2}
    assert post(server, "[1,2", "application/json").json()["reasons"] == {"unparsable": 1}


def test_an_array_an_object_on_many_lines_and_nothing_are_welcome(server: Server, sql: Sql) -> None:
    records = [{"message": str(n), "service": "ndjson-json"} for n in range(3)]
    assert post(server, json.dumps(records, indent=1), "application/json").json()["accepted"] == 3
    assert (
        post(server, json.dumps(records[0], indent=2), "application/json").json()["accepted"] == 1
    )
    for nothing in ("", "\n\n", "[]"):
        assert post(server, nothing).json()["accepted"] == 0
    rows = sql("SELECT body, count() AS n FROM logs WHERE service = 'ndjson-json' GROUP BY body")
    assert {row["body"]: row["n"] for row in rows} == {"0": 2, "1": 1, "2": 1}


def test_plain_text_is_a_record_a_line_and_json_within_it_is_understood(
    server: Server, sql: Sql
) -> None:
    body = b'starting\n{"level":"error","msg":"json","service":"ndjson-inner"}\n{}\n\n\xff odd \n'
    with server.client() as client:
        answer = client.post(
            "/api/logs?service=ndjson-plain&environment=dev&release=2",
            content=body,
            headers={"content-type": "text/plain; charset=utf-8"},
        )
    assert answer.json()["accepted"] == 4
    rows = sql(
        "SELECT body, service, environment, release, level FROM logs"
        " WHERE service IN ('ndjson-plain', 'ndjson-inner') ORDER BY body"
    )
    assert [(row["body"], row["service"], row["level"]) for row in rows] == [
        ("json", "ndjson-inner", "error"),
        ("starting", "ndjson-plain", "unspecified"),
        ("{}", "ndjson-plain", "unspecified"),
        ("\N{REPLACEMENT CHARACTER} odd", "ndjson-plain", "unspecified"),
    ]
    assert {(row["environment"], row["release"]) for row in rows} == {("dev", "2")}


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
def test_lines_may_be_compressed(server: Server, encoding: str, pack: Any) -> None:
    body = pack(
        lines(*({"message": "m", "service": "ndjson-packed"} for _ in range(2000))).encode()
    )
    assert post(server, body, content_encoding=encoding).json()["accepted"] == 2000


def test_senders_are_judged_before_their_lines(server: Server) -> None:
    line = '{"message":"x"}'
    assert post(server, line, authorization="").status_code == 401
    assert post(server, line, authorization="Bearer qd_unknown").status_code == 401
    assert post(server, line, x_quarterdeck_project="nowhere").status_code == 403
    assert post(server, line, "text/html").status_code == 415
    assert post(server, line, content_encoding="br").status_code == 415
    assert post(server, b"\n" * (21 << 20)).status_code == 413
    assert post(server, b"\n" * 300_000).json()["reasons"] == {"too_many_items": 1}


def test_browsers_may_ask_and_send_with_their_key(server: Server) -> None:
    with server.client() as client:
        made = client.post(
            "/api/keys",
            json={"name": "page", "kind": "browser", "origins": ["https://shop.example"]},
        ).json()
        asked = client.request("OPTIONS", "/api/logs", headers={"origin": "https://shop.example"})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == "https://shop.example"
    assert "content-type" in asked.headers["access-control-allow-headers"]
    key = f"Bearer {made['key']}"
    good = post(server, '{"message":"x"}', authorization=key, origin="https://shop.example")
    assert good.status_code == 200
    assert good.headers["access-control-allow-origin"] == "https://shop.example"
    bad = post(server, '{"message":"x"}', authorization=key, origin="https://evil.example")
    assert bad.json()["reasons"] == {"origin_refused": 1}


def test_the_page_names_every_field_that_is_understood() -> None:
    """docs/logs-in.md against the tables; names that differ by case or underscores are one."""

    def plain(name: str) -> str:
        return name.lower().replace("_", "").replace("-", "")

    page = (Path(__file__).parent.parent / "docs" / "logs-in.md").read_text()
    told = {plain(name) for name in re.findall(r"`([^`\s]+)`", page)}
    known = {plain(name) for names in (*FIELDS.values(), *RENAMED.values()) for name in names}
    spans = {name for name in known if name.startswith("span") or name == "otel.spanid"}
    assert known - told - spans - {"appname"} == set()
