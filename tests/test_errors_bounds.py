"""Nothing that anybody sends raises, takes long, or becomes more than an event may be."""

import copy
import random
from collections.abc import Iterator
from dataclasses import fields
from time import process_time
from typing import Any

import pytest

from errors.corpus import CASES
from errors.corpus.shapes import RICH
from quarterdeck.errors.event import LEVELS, Event, Frame, Thrown, User
from quarterdeck.errors.grouping import group
from quarterdeck.errors.normalise import normalise

NOW = 1_795_859_500 * 10**9
DAY = 86_400 * 10**9

LONGEST = {
    Frame: {"function": 512, "module": 512, "filename": 512, "abs_path": 512, "context_line": 512, "package": 200},
    Thrown: {"type": 200, "value": 8192, "module": 200, "mechanism": 100},
    User: {"id": 200, "email": 200, "username": 200, "ip": 64},
    Event: {
        "event_id": 32, "level": 7, "platform": 64, "message": 8192, "template": 8192, "logger": 200,
        "transaction": 200, "release": 200, "environment": 64, "dist": 64, "service": 200, "server_name": 200,
        "sdk": 161, "trace_id": 32, "span_id": 16, "replay_id": 32, "url": 2048, "method": 16, "browser": 200,
        "os": 200, "device": 200,
    },
}  # fmt: skip
OF_MANY_LINES = {"value", "message", "template", "context_line"}
HOSTILE: list[Any] = [
    None, True, False, 0, -1, 2**63, 10**400, 1.5, float("nan"), float("inf"), "", "x", "\x00", "\ud800", "\u202e",
    "x" * 100_000, "é\n\x1b[31m" * 9_000, "9" * 400, "%s %(a)999999999d {0} {a!r:>9} %", "{{ default }}", [], {}, [[]],
    [None], [{}], {"values": None}, {"values": [None, 1, [], {}]}, {"values": {"a": 1}}, [["a", "b"], ["a"]],
    {"": ""}, {"key": "a", "value": {"b": []}}, [{"key": ["a"], "value": None}], {"frames": [None, {}, 7, {"lineno": "7"}]},
    {"type": ["x"], "handled": "yes"}, ["x"] * 2_000, [{"function": "f"}] * 2_000, {str(n): n for n in range(2_000)},
    "2026-02-30T99:99:99", "9999-12-31T23:59:59.999999+23:59", "0001-01-01T00:00:00+14:00", "1e999", "-1e308",
]  # fmt: skip


def problems(value: Any) -> Iterator[str]:
    """What is beyond the limits of an event, or of anything in it."""
    for field in fields(value):
        content = getattr(value, field.name)
        if isinstance(content, str):
            if len(content) > LONGEST[type(value)][field.name]:
                yield f"{field.name}: {len(content)} characters"
            if field.name not in OF_MANY_LINES and any(
                sign < " " or sign == "\x7f" for sign in content
            ):
                yield f"{field.name}: {content[:80]!r}"
            content.encode()
        elif isinstance(content, int) and not 0 <= content < 2**63:
            yield f"{field.name}: {content}"


def check(found: Event) -> None:
    whole: list[Any] = [found, found.user, *found.exceptions, *found.frames]
    whole += [frame for thrown in found.exceptions for frame in thrown.frames]
    assert [problem for part in whole for problem in problems(part)] == []
    assert found.level in LEVELS
    assert len(found.event_id) == 32
    assert len(found.exceptions) <= 50
    assert max(map(len, [found.frames, *(thrown.frames for thrown in found.exceptions)])) <= 250
    assert len(found.tags) <= 100
    assert all(0 < len(name) <= 200 and 0 < len(value) <= 200 for name, value in found.tags.items())
    assert len(found.fingerprint) <= 20
    assert all(0 < len(part) <= 200 for part in found.fingerprint)
    assert NOW - 30 * DAY <= found.time_ns <= NOW


def mutated(document: Any, dice: random.Random) -> Any:
    """A copy in which something stands that nobody expects there."""
    document = copy.deepcopy(document)
    for _ in range(dice.randint(1, 4)):
        at = document
        for _ in range(dice.randint(0, 7)):
            if not isinstance(at, dict | list) or not at:
                break
            key = dice.choice(list(at) if isinstance(at, dict) else range(len(at)))
            if dice.random() < 0.3:
                at[key] = dice.choice(HOSTILE)
                break
            at = at[key]
        else:
            if isinstance(at, dict):
                at[dice.choice(list(document) or ["x"])] = dice.choice(HOSTILE)
    return document


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_anybody_sends_raises_or_goes_beyond_the_limits(seed: int) -> None:
    dice = random.Random(seed)
    sources = [RICH] * 20 + [document for _, _, document in CASES]
    for _ in range(5_000):
        document = mutated(dice.choice(sources), dice)
        found = normalise(document, received_ns=NOW, drift_ns=dice.choice([0, DAY, -DAY, 2**62]))
        check(found)
        grouped = group(7, found)
        assert 0 <= grouped.group < 2**64
        assert grouped.parts
        assert len(grouped.parts) <= 200
        assert all(len(part) <= 300 for part in grouped.parts)
        assert len(grouped.culprit) <= 300


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_any_value_may_stand_in_any_field(value: Any) -> None:
    for name in RICH:
        check(normalise({**RICH, name: value}, received_ns=NOW))
    for name in RICH["contexts"]:
        check(normalise({"contexts": {name: value}}, received_ns=NOW))
    anything: list[Any] = [value, [], "x", None]
    for document in anything:
        check(normalise(document, received_ns=NOW))


HOSTILE_NAMES = [
    "'1-",
    "a/@",
    "<a",
    "(a",
    "a<b>",
    "$a$1",
    "::a<",
    "1:1:",
    "_1",
    "\\.",
    "[1",
    "lambda$",
    "gems/1",
    "-8f3a2c",
    "é@",
]


@pytest.mark.parametrize("platform", ["javascript", "native", "java"])
def test_an_event_made_to_take_long_is_done_with_soon(platform: str) -> None:
    for hostile in HOSTILE_NAMES:
        text = hostile * 200
        chain = [
            {
                "type": text,
                "value": f"{place}{text}",
                "stacktrace": {
                    "frames": [
                        {
                            "function": f"{place}a{n}{text}",
                            "filename": f"/{place}/{n}{text}",
                            "module": f"m{text}{n}",
                        }
                        for n in range(20)
                    ]
                },
            }
            for place in range(10)
        ]
        document = {"platform": platform, "exception": chain, "message": text}
        begun = process_time()
        group(1, normalise(document, received_ns=NOW))
        assert process_time() - begun < 2, hostile
