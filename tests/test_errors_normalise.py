"""Every shape in which SDKs have sent a field is read."""

from typing import Any

import pytest

from errors.corpus.shapes import CHROME, RICH, TRACE, exception
from quarterdeck.errors.event import Event, Frame, User
from quarterdeck.errors.normalise import normalise

NOW = 1_795_859_500 * 10**9
SECOND = 10**9


def event(**document: Any) -> Event:
    return normalise(document, received_ns=NOW)


# Exceptions and stacks


def thrown(kind: str, value: str = "") -> dict[str, Any]:
    return {
        "type": kind,
        "value": value,
        "stacktrace": {"frames": [{"function": kind.lower(), "lineno": 3}]},
    }


@pytest.mark.parametrize(
    "shape",
    [
        {"exception": {"values": [thrown("A"), thrown("B")]}},
        {"exception": [thrown("A"), thrown("B")]},
        {"sentry.interfaces.Exception": {"values": [thrown("A"), None, thrown("B")]}},
    ],
)
def test_exceptions_are_read_in_every_shape_and_the_last_is_what_the_event_is_about(
    shape: dict[str, Any],
) -> None:
    found = event(**shape)
    assert [one.type for one in found.exceptions] == ["A", "B"]
    assert found.type == "B"
    assert found.exceptions[0].frames == (Frame(function="a", line=3, in_app=True),)


def test_one_exception_may_stand_by_itself() -> None:
    assert event(exception={"value": "it broke"}).title == "it broke"
    assert event(exception={"type": "A"}).title == "A"
    assert event(exception={"module": "a"}).title == "(no message)"
    assert event(exception=thrown("A", "it broke")).title == "A: it broke"


def test_the_type_is_read_from_the_value_when_an_early_sdk_put_it_there() -> None:
    assert event(exception=[{"value": "ValueError: no: such"}]).title == "ValueError: no: such"
    assert event(exception=[{"value": "ValueError: no: such"}]).type == "ValueError"
    assert event(exception=[{"value": "note: nothing"}]).type == ""


def test_of_too_many_frames_and_exceptions_both_ends_are_kept() -> None:
    frames = [{"function": f"f{number}"} for number in range(1_000)]
    [one] = event(exception=[{"type": "E", "stacktrace": {"frames": frames}}]).exceptions
    assert [frame.function for frame in one.frames] == [
        f"f{n}" for n in (*range(125), *range(875, 1_000))
    ]
    found = event(
        exception=[{"type": f"E{number}", "stacktrace": {"frames": frames}} for number in range(90)]
    )
    assert [one.type for one in found.exceptions] == [f"E{n}" for n in (*range(25), *range(65, 90))]
    assert sum(len(one.frames) for one in found.exceptions) == 1_000


@pytest.mark.parametrize(
    "shape",
    [
        {"stacktrace": {"frames": [{"function": "f"}]}},
        {"sentry.interfaces.Stacktrace": {"frames": [{"function": "f"}]}},
        {"threads": {"values": [{"stacktrace": {"frames": [{"function": "f"}]}}]}},
        {"threads": [{"stacktrace": {"frames": [{"function": "other"}]}}, {"current": True, "stacktrace": {"frames": [{"function": "f"}]}}]},
        {"threads": [{"current": True, "stacktrace": {"frames": [{"function": "other"}]}}, {"crashed": True, "stacktrace": {"frames": [{"function": "f"}]}}]},
        {"threads": [{"crashed": True}, {"stacktrace": {"frames": [{"function": "f"}]}}]},
    ],
)  # fmt: skip
def test_without_a_stack_of_an_exception_that_of_the_message_or_the_thread_counts(
    shape: dict[str, Any],
) -> None:
    assert [frame.function for frame in event(**shape).frames] == ["f"]
    assert [frame.function for frame in event(exception=[{"type": "A"}], **shape).frames] == ["f"]
    assert event(exception=[thrown("A")], **shape).frames == ()


@pytest.mark.parametrize(
    ("platform", "frame", "within"),
    [
        ("python", {"filename": "/srv/.venv/lib/python3.11/site-packages/django/db.py"}, False),
        (
            "python",
            {
                "filename": "asyncio/runners.py",
                "abs_path": "/usr/local/lib/python3.11/asyncio/runners.py",
            },
            False,
        ),
        ("python", {"filename": "shop/cart.py", "abs_path": "/srv/app/shop/cart.py"}, True),
        ("node", {"filename": "node:internal/timers"}, False),
        ("node", {"filename": "/app/node_modules/pg/lib/client.js"}, False),
        ("node", {"filename": "/app/dist/cart.js"}, True),
        ("java", {"module": "java.util.ArrayList", "filename": "ArrayList.java"}, False),
        ("python", {"module": "core.views", "filename": "core/views.py"}, True),
        ("ruby", {"filename": "/srv/app/vendor/plugins/cart.rb"}, False),
        ("node", {"filename": "/app/src/vendor/list.js"}, True),
        ("javascript", {"filename": "webpack:///./src/gems/ruby.ts"}, True),
        ("go", {"module": "encoding/json", "filename": "decode.go"}, False),
        ("go", {"module": "main", "filename": "main.go"}, True),
        ("java", {"module": "javatools.Cart", "filename": "Cart.java"}, True),
        ("csharp", {"module": "System.Linq.Enumerable"}, False),
        ("csharp", {"module": "SystemShop.Cart"}, True),
        ("go", {"module": "net/http", "filename": "server.go"}, False),
        ("go", {"module": "github.com/acme/shop", "filename": "cart.go"}, True),
        ("ruby", {"filename": "/usr/local/bundle/gems/rack-3.0.8/lib/rack.rb"}, False),
        ("cocoa", {"package": "/System/Library/Frameworks/UIKit.framework/UIKit"}, False),
        ("cocoa", {"package": "/private/var/containers/Bundle/Application/7F/Shop.app/Shop"}, True),
    ],
)
def test_what_an_sdk_leaves_open_is_the_applications_unless_its_place_says_otherwise(
    platform: str, frame: dict[str, Any], within: bool
) -> None:
    def in_app(**more: Any) -> bool:
        found = event(
            platform=platform, stacktrace={"frames": [{"function": "f", **frame, **more}]}
        )
        return found.frames[0].in_app

    assert in_app() is within
    assert in_app(in_app=None) is within
    assert in_app(in_app=True) is True
    assert in_app(in_app=False) is False


def test_mechanisms_are_read_old_and_new() -> None:
    told = exception("A", "x", [], mechanism={"type": "onerror", "handled": True})
    assert event(exception=[told]).exceptions[0].handled is True
    assert event(exception=[told]).exceptions[0].mechanism == "onerror"
    assert event(exception=[{**told, "mechanism": "generic"}]).exceptions[0].mechanism == "generic"
    assert event(exception=[{**told, "mechanism": {"handled": "no"}}]).exceptions[0].handled is None


# Messages


@pytest.mark.parametrize(
    ("shape", "message", "template"),
    [
        ({"message": "it broke"}, "it broke", "it broke"),
        ({"logentry": {"message": "a %s b %d", "params": ["x", 7]}}, "a x b 7", "a %s b %d"),
        ({"logentry": {"message": "a {} b {}", "params": ["x", True]}}, "a x b true", "a {} b {}"),
        ({"logentry": {"message": "a {1} b {0}", "params": ["x", "y"]}}, "a y b x", "a {1} b {0}"),
        ({"logentry": {"message": "a %(n)s b {m:>9}", "params": {"n": "x", "m": 7}}}, "a x b 7", "a %(n)s b {m:>9}"),
        ({"logentry": {"message": "a %s", "formatted": "a x", "params": ["y"]}}, "a x", "a %s"),
        ({"logentry": {"formatted": "a x"}}, "a x", "a x"),
        ({"message": {"message": "a %s", "params": ["x"]}}, "a x", "a %s"),
        ({"sentry.interfaces.Message": {"message": "100%% of %s", "params": ["x"]}}, "100% of x", "100%% of %s"),
        ({"logentry": {"message": "%s and %s", "params": ["x"]}}, "x and %s", "%s and %s"),
        ({"logentry": {"message": "%s", "params": [{"a": 1}]}}, "", "%s"),
        ({"logentry": {"message": "a {b}", "params": []}}, "a {b}", "a {b}"),
        ({"message": ["x"]}, "", ""),
    ],
)  # fmt: skip
def test_a_message_is_filled_in_and_its_template_is_kept(
    shape: dict[str, Any], message: str, template: str
) -> None:
    found = event(**shape)
    assert (found.message, found.template) == (message, template)


def test_a_width_of_a_billion_is_not_obeyed() -> None:
    assert event(logentry={"message": "%999999999d", "params": [1]}).message == "%999999999d"
    filled = event(logentry={"message": "{:>99999999}" * 900, "params": ["x"] * 900}).message
    assert len(filled) <= 8192


# Who, where, when


@pytest.mark.parametrize(
    "tags",
    [
        {"a": "b", "n": 7},
        [["a", "b"], ["n", 7]],
        [{"key": "a", "value": "b"}, {"key": "n", "value": 7}, {}],
    ],
)
def test_tags_are_read_in_every_shape(tags: Any) -> None:
    assert event(tags=tags).tags == {"a": "b", "n": "7"}


def test_tags_without_a_name_or_a_text_are_none() -> None:
    assert event(
        tags={"a": None, "": "x", "b": [], "c": "", "ok": False, "d\x00e": "f\ng"}
    ).tags == {
        "ok": "false",
        "d e": "f g",
    }


def test_names_have_neither_controls_nor_marks_that_reverse_them() -> None:
    found = event(
        release="a\x1b[31mb\u202ec", transaction="x" * 999, user={"id": 7, "ip_address": "{{auto}}"}
    )
    assert found.release == "a [31mb c"
    assert found.transaction == "x" * 200
    assert found.user == User(id="7")


def test_fields_that_are_missing_have_their_defaults() -> None:
    found = event()
    assert (found.level, found.environment, found.platform) == ("error", "production", "other")
    assert found.title == "(no message)"
    assert found.time_ns == NOW


@pytest.mark.parametrize(
    ("level", "means"),
    [("fatal", "fatal"), ("WARNING", "warning"), ("warn", "warning"), ("critical", "fatal"), ("log", "info"), ("loud", "error"), (7, "error")],
)  # fmt: skip
def test_levels_are_one_of_five(level: Any, means: str) -> None:
    assert event(level=level).level == means


def test_an_id_is_32_digits_in_lower_case_or_new() -> None:
    assert (
        event(event_id="7F3E2B1C-0D4A-4B7E-9C1D-2F6A5E8B9C0D").event_id
        == "7f3e2b1c0d4a4b7e9c1d2f6a5e8b9c0d"
    )
    for wrong in (None, "", "x" * 32, "7f3e", "0" * 32, 7, ["a"], "７" * 32):
        one, other = event(event_id=wrong).event_id, event(event_id=wrong).event_id
        assert one != other
        assert len(one) == 32


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        (1_795_859_400.25, -99.75),
        (1_795_859_400, -100),
        ("1795859400.25", -99.75),
        ("2026-11-28T09:50:00.250Z", -99.75),
        ("2026-11-28T09:50:00.250123456Z", -99.749877),
        ("2026-11-28T09:50:00.250", -99.75),
        ("2026-11-28 10:50:00+01:00", -100),
        (None, 0),
        ("yesterday", 0),
        (1_795_859_501, 0),
        (1_795_859_500 - 31 * 86_400, 0),
        (1_795_859_500 - 29 * 86_400, -29 * 86_400),
        (-5, 0),
    ],
)
def test_a_time_is_read_and_one_that_cannot_be_is_that_of_receipt(
    timestamp: Any, seconds: float
) -> None:
    assert event(timestamp=timestamp).time_ns == pytest.approx(NOW + seconds * SECOND, abs=1_000)


def test_a_clock_that_is_wrong_by_more_than_a_minute_is_corrected() -> None:
    def at(drift: int, sent: float) -> float:
        found = normalise(
            {"timestamp": NOW / SECOND + sent}, received_ns=NOW, drift_ns=drift * SECOND
        )
        return (found.time_ns - NOW) / SECOND

    assert at(3_600, -3_605) == pytest.approx(-5, abs=0.001)
    assert at(-3_600, 3_590) == pytest.approx(-10, abs=0.001)
    assert at(50, -55) == pytest.approx(-55, abs=0.001)
    assert at(86_400 * 90, -86_400 * 90 - 7) == pytest.approx(-7, abs=0.001)
    assert at(3_600, -10) == 0


def test_the_trace_the_replay_and_the_request_are_read() -> None:
    found = event(**RICH)
    assert (found.trace_id, found.span_id, found.replay_id) == (TRACE, "00f067aa0ba902b7", TRACE)
    assert (found.url, found.method) == ("https://shop.example/", "GET")
    assert event(tags={"replayId": TRACE.upper()}).replay_id == TRACE
    assert event(contexts={"trace": {"trace_id": "0" * 32, "span_id": "zz"}}).trace_id == ""


@pytest.mark.parametrize(
    "document",
    [
        {"tags": {"service.name": "shop"}},
        {"tags": {"service": "shop"}},
        {"contexts": {"service": {"name": "shop"}}},
        {"contexts": {"otel": {"resource": {"service.name": "shop"}}}, "tags": {"service": "x"}},
    ],
)
def test_the_service_is_found_where_sdks_put_it(document: dict[str, Any]) -> None:
    assert event(**document).service == "shop"


def test_the_fingerprint_is_a_few_texts() -> None:
    assert event(fingerprint=["a", 7, None, {}, ""]).fingerprint == ("a", "7")
    assert event(fingerprint="a").fingerprint == ("a",)
    assert event(fingerprint={"a": 1}).fingerprint == ()


def test_the_visitor_is_read_from_contexts_and_else_from_the_user_agent() -> None:
    found = event(**RICH)
    assert (found.browser, found.os, found.device) == ("Chrome 131", "Windows 10", "x")
    found = event(
        contexts={"client_os": {"name": "iOS", "version": "17.2.1"}},
        request={"headers": {"user-agent": CHROME}},
    )
    assert (found.browser, found.os, found.device) == ("Chrome 131", "iOS 17.2", "")


@pytest.mark.parametrize(
    ("agent", "read"),
    [
        (CHROME, ("Chrome 131", "Windows 10", "")),
        (f"{CHROME} Edg/131.0.0.0", ("Edge 131", "Windows 10", "")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0", ("Firefox 132", "macOS", "")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15", ("Safari 18", "macOS", "")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1", ("Safari 17", "iOS 17", "iPhone")),
        ("Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 CriOS/131.0 Mobile/15E148 Safari/604.1", ("Chrome 131", "iOS 16", "iPad")),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UD1A) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36", ("Chrome 131", "Android 14", "Pixel 8")),
        ("Mozilla/5.0 (Linux; Android 13; SM-S911B) AppleWebKit/537.36 SamsungBrowser/23.0 Chrome/115.0 Mobile Safari/537.36", ("Samsung Internet 23", "Android 13", "SM-S911B")),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ("Googlebot", "", "")),
        ("curl/8.5.0", ("", "", "")),
    ],
)  # fmt: skip
def test_common_user_agents_are_told_apart(agent: str, read: tuple[str, str, str]) -> None:
    found = event(request={"headers": [["User-Agent", agent]]})
    assert (found.browser, found.os, found.device) == read
