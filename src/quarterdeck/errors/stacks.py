"""Exceptions and stacks of a Sentry event, in all the shapes that SDKs have sent.

Of a list that is too long the ends are kept: the calls that were running, and where it all began.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from quarterdeck.errors.event import Frame, Thrown
from quarterdeck.errors.frames import call_of
from quarterdeck.errors.shapes import (
    MESSAGE,
    NAME,
    PLACE,
    first,
    mapping,
    name,
    objects,
    text,
    truth,
    whole,
)

MOST_FRAMES = 250
MOST_EXCEPTIONS = 50
_MOST_TOGETHER = 1_000  # frames of all exceptions

_Any = TypeVar("_Any")
# Early SDKs sent "ValueError: no such order" as the value and no type.
_TYPED = re.compile(r"([A-Z][\w.]{1,100}(?:Error|Exception)): (.*)", re.DOTALL)


def exceptions_of(document: Mapping[str, Any], platform: str) -> tuple[Thrown, ...]:
    found = objects(first(document, "exception", "sentry.interfaces.Exception"))
    kept = _ends(found, MOST_EXCEPTIONS)
    most = min(MOST_FRAMES, _MOST_TOGETHER // max(len(kept), 1))
    return tuple([_thrown(entry, platform, most) for entry in kept])


def other_frames(document: Mapping[str, Any], platform: str) -> tuple[Frame, ...]:
    """The stack of a message, or of the thread that crashed."""
    stack = first(document, "stacktrace", "sentry.interfaces.Stacktrace")
    if frames := _frames(stack, platform):
        return frames
    threads = objects(first(document, "threads", "sentry.interfaces.Threads"))
    threads.sort(
        key=lambda thread: (not truth(thread.get("crashed")), not truth(thread.get("current")))
    )
    for thread in threads:
        if frames := _frames(thread.get("stacktrace"), platform):
            return frames
    return ()


def _thrown(entry: Mapping[str, Any], platform: str, most: int) -> Thrown:
    kind, value = name(entry.get("type")), text(entry.get("value"), MESSAGE)
    if not kind and (typed := _TYPED.fullmatch(value)):
        kind, value = typed[1], typed[2]
    mechanism = entry.get("mechanism")
    told = mapping(mechanism)
    return Thrown(
        type=kind,
        value=value,
        module=name(entry.get("module")),
        handled=truth(told.get("handled")),
        mechanism=name(told.get("type") if told else mechanism, 100),
        frames=_frames(entry.get("stacktrace"), platform, most),
    )


def _frames(stack: Any, platform: str, most: int = MOST_FRAMES) -> tuple[Frame, ...]:
    entries = stack if isinstance(stack, list) else mapping(stack).get("frames")
    if not isinstance(entries, list):
        return ()
    kept = _ends([entry for entry in entries if isinstance(entry, dict)], most)
    return tuple([_frame(entry, platform) for entry in kept])


def _frame(entry: Mapping[str, Any], platform: str) -> Frame:
    get = entry.get
    function, module, filename = get("function"), get("module"), get("filename")
    abs_path, context, package = get("abs_path"), get("context_line"), get("package")
    in_app = get("in_app")
    frame = Frame(
        name(function, PLACE) if function else "",
        name(module, PLACE) if module else "",
        name(filename, PLACE) if filename else "",
        name(abs_path, PLACE) if abs_path else "",
        whole(get("lineno")),
        whole(get("colno")),
        in_app is True,
        text(context, PLACE) if context else "",
        name(package, NAME) if package else "",
    )
    if isinstance(in_app, bool):
        return frame
    return replace(frame, in_app=not call_of(frame, platform).foreign)


def _ends(values: Sequence[_Any], most: int) -> Sequence[_Any]:
    if len(values) <= most:
        return values
    return [*values[: most // 2], *values[-(most - most // 2) :]]
