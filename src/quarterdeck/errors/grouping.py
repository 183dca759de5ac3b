"""Which events are one issue, and why.

    grouped = group(project, event, rules)

The first of these that says something decides:

1. the fingerprint that the sender gave, its variables filled in;
2. the first rule of the project that applies, then those that come with Quarterdeck;
3. the stack: the types of the whole chain of exceptions and their calls within the application
   (all calls when none is within), normalised by `frames.py`. Messages do not count;
4. type and value of the chain, what varies masked by `masking.py`;
5. the message, likewise.

A call that stands in a stack several times counts once, so that the depth of a recursion does not
matter. A stack that names no function at all does not tell faults apart by itself, nor does that of
a message, which is whoever wrote it: the masked text counts there as well. `Grouped.parts` is what
was hashed, in words.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from xxhash import xxh3_64_intdigest

from quarterdeck.errors.category import category_of, severity_of
from quarterdeck.errors.event import Event, Frame, Grouped, Thrown
from quarterdeck.errors.frames import Call, call_of, context_of, is_browser
from quarterdeck.errors.masking import mask
from quarterdeck.errors.rules import SHIPPED, Rule, first_match

_MOST_CALLS = 50  # of one exception, the innermost ones
_MOST_PARTS = 100  # of a stack, the innermost again
_MOST_PART = 300
_MOST_TYPED = 10  # of a chain without stacks, the outermost ones
_ENDLESS = re.compile(r"recursion|call stack|stack ?overflow|stack level too deep|too much recursion", re.IGNORECASE)  # fmt: skip
_VARIABLE = re.compile(r"\{\{\s*([\w.-]{1,210})\s*\}\}")
_TYPE_NOISE = re.compile(r"`\d+|<[^<>]*>|\$\d+|@[0-9a-f]{4,}|0x[0-9a-fA-F]+")

_Call = tuple[Frame, Call]


def group(project: int, event: Event, rules: Sequence[Rule] = ()) -> Grouped:
    method, said = _parts(event, rules)
    parts = tuple([part[:_MOST_PART] for part in said[: 2 * _MOST_PARTS]])
    category = category_of(event)
    return Grouped(
        group=xxh3_64_intdigest("\0".join((str(project), *parts)).encode()),
        method=method,
        parts=parts,
        culprit=_culprit(event),
        category=category,
        severity=severity_of(event, category),
    )


def _parts(event: Event, rules: Sequence[Rule]) -> tuple[str, tuple[str, ...]]:
    if event.fingerprint and not _only_default(event.fingerprint):
        return "fingerprint", tuple(_filled(event, event.fingerprint, "fingerprint"))
    if rule := first_match(rules, event) or first_match(SHIPPED, event):
        return "rule", tuple(_filled(event, rule.fingerprint, "rule"))
    return _default(event)


def _default(event: Event) -> tuple[str, tuple[str, ...]]:
    if parts := _stack(event):
        return "stack", tuple(parts)
    if event.exceptions:
        return "type", tuple(
            dict.fromkeys(
                _typed(thrown, event.platform) for thrown in event.exceptions[-_MOST_TYPED:]
            )
        )
    return "message", (f"message {mask(event.template or event.message)}",)


# The stack


def _stack(event: Event) -> list[str]:
    stacks = [_calls(thrown.frames, event.platform) for thrown in event.exceptions]
    if event.frames and not any(stacks):
        stacks[-1:] = [_calls(event.frames, event.platform)]
    if not any(stacks):
        return []
    browser = is_browser(event.platform)
    if any(_within(frame, call, browser) for stack in stacks for frame, call in stack):
        stacks = [
            [(frame, call) for frame, call in stack if _within(frame, call, browser)]
            for stack in stacks
        ]
    blocks: list[tuple[str, ...]] = []
    telling = False
    for place, stack in enumerate(stacks):
        thrown = event.exceptions[place] if event.exceptions else None
        named, lines = _described(stack, thrown is not None and _is_endless(thrown))
        telling = telling or named
        blocks.append((_exception(thrown, event.platform), *lines) if thrown else tuple(lines))
    parts = [part for block in dict.fromkeys(blocks) for part in block][-_MOST_PARTS:]
    if not telling or not event.type:
        said = event.exception.value if event.exception else event.template or event.message
        parts.append(f"value {mask(said)}")
    return parts


def _calls(frames: Iterable[Frame], platform: str) -> list[_Call]:
    calls = [(frame, call_of(frame, platform)) for frame in frames]
    return [(frame, call) for frame, call in calls if not call.noise]


def _within(frame: Frame, call: Call, browser: bool) -> bool:
    """SDKs of browsers say of every frame that it is the application's."""
    return frame.in_app and not (browser and call.foreign)


def _is_endless(thrown: Thrown) -> bool:
    return bool(_ENDLESS.search(thrown.type) or _ENDLESS.search(thrown.value[:200]))


def _described(stack: Sequence[_Call], endless: bool) -> tuple[bool, list[str]]:
    """Whether a call tells anything, and the calls in words, the outermost first."""
    telling = False
    lines: list[str] = []
    for frame, call in stack:
        line = f"call {call}"
        if call.unnamed and (context := context_of(frame)):
            line += f": {context}"
            telling = True
        telling = telling or not call.unnamed
        lines.append(line)
    return telling, _folded(lines, endless)[-_MOST_CALLS:]


def _folded(lines: list[str], endless: bool) -> list[str]:
    """Each call once; those that repeat stand together, in an order that does not tell where the
    recursion stood. An endless one may end in anything that it calls: that does not count."""
    times = Counter(lines)
    if len(times) == len(lines):
        return lines
    repeated = sorted(line for line, count in times.items() if count > 1)
    begun = next(place for place, line in enumerate(lines) if times[line] > 1)
    before = lines[:begun]
    after = [] if endless else [line for line in lines[begun:] if times[line] == 1]
    return [*before, *repeated, *after]


# Type, value, message


def _exception(thrown: Thrown, platform: str) -> str:
    return f"exception {_type(thrown, platform)}"


def _type(thrown: Thrown, platform: str) -> str:
    if is_browser(platform) and 0 < len(thrown.type) <= 2:
        return "(minified)"  # a class whose name changes with the build
    return _TYPE_NOISE.sub("", thrown.type) or "(no type)"


def _typed(thrown: Thrown, platform: str) -> str:
    masked = mask(thrown.value)
    told = _exception(thrown, platform)
    return f"{told}: {masked}" if masked else told


# Fingerprints


def _only_default(fingerprint: Sequence[str]) -> bool:
    return len(fingerprint) == 1 and _is_default(fingerprint[0])


def _is_default(part: str) -> bool:
    found = _VARIABLE.fullmatch(part.strip())
    return found is not None and found[1] == "default"


def _filled(event: Event, fingerprint: Sequence[str], kind: str) -> Iterable[str]:
    for part in fingerprint:
        if _is_default(part):
            yield from _default(event)[1]
        else:
            yield f"{kind} {_VARIABLE.sub(lambda found: _variable(event, found[1]), part)}"


def _variable(event: Event, name: str) -> str:
    """What a variable stands for; itself when there is no such variable."""
    if name.startswith("tags."):
        return event.tags.get(name[5:], "")
    name = name.rpartition(".")[2] if name.startswith(("error.", "stack.")) else name
    if name in ("function", "module", "abs_path", "path", "package"):
        blamed = _blamed(event)
        if blamed is None:
            return ""
        frame, call = blamed
        if name == "function":
            return call.function
        return {"module": frame.module, "package": frame.package}.get(name, call.file)
    if name == "type":
        return event.type
    if name in ("value", "message"):
        return mask(event.exception.value if event.exception else event.template or event.message)
    if name in ("transaction", "level", "logger", "release", "environment", "platform", "service"):
        return str(getattr(event, name))
    return _default_words(event) if name == "default" else f"{{{{ {name} }}}}"


def _default_words(event: Event) -> str:
    return ", ".join(_default(event)[1])


# Culprit


def _culprit(event: Event) -> str:
    blamed = _blamed(event)
    if blamed is None:
        return event.transaction
    call = blamed[1]
    culprit = f"{call.function or '(anonymous)'} in {call.file}" if call.file else call.function
    return culprit[:_MOST_PART]


def _blamed(event: Event) -> _Call | None:
    """The innermost call within the application, of the exception that the event is about if it can be."""
    browser = is_browser(event.platform)
    for frames in (*(thrown.frames for thrown in reversed(event.exceptions)), event.frames):
        for frame in reversed(frames):
            if frame.in_app:
                call = call_of(frame, event.platform)
                if not call.noise and _within(frame, call, browser):
                    return frame, call
    return None
