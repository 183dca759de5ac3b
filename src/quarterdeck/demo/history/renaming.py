"""Gives a repeated trace the identities of the session that it is repeated for."""

import re
from datetime import UTC, datetime
from typing import Any

from quarterdeck.demo.shop.edge import Line
from quarterdeck.demo.shop.service import clf_time
from quarterdeck.demo.shop.telemetry import Attributes

# Attributes that are the visitor's as a whole: their old values are too short to be looked for.
_WHOLE = frozenset({"customer.country", "shipping.city", "shipping.zone", "product.category"})


def whole(attributes: Attributes, identities: dict[str, str]) -> Attributes:
    """The attributes of a value, as the visitor's session has them."""
    changed = _WHOLE & attributes.keys() & identities.keys()
    return {**attributes, **{name: identities[name] for name in changed}} if changed else attributes


_CLF_TIME = re.compile(r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\]")


def at_time(line: str, nanoseconds: int) -> str:
    """An access log's line, with the moment at which it is said to be written."""
    if not line.endswith('"'):
        return line
    return _CLF_TIME.sub(f"[{clf_time(nanoseconds / 1e9)}]", line, count=1)


class Places:
    """Which attributes of a recorded item hold an identity: found once, since it is repeated often."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, ...]] = {}

    def of(self, item: Any, recorded: dict[str, str]) -> tuple[int, ...]:
        # Templates outlive the replay, and with them the ids of their items.
        known = self._known.get(id(item))
        if known is None:
            known = self._known[id(item)] = found(item, recorded)
        return known


def found(item: Any, recorded: dict[str, str]) -> tuple[int, ...]:
    return tuple(
        place
        for place, pair in enumerate(item.attributes)
        if pair.key in _WHOLE or any(old in pair.value.string_value for old in recorded.values())
    )


class Renaming:
    """Puts the session's identities where the recorded ones stand."""

    def __init__(
        self, recorded: dict[str, str], identities: dict[str, str], places: Places
    ) -> None:
        self._recorded = recorded
        self._places = places
        self._pairs = [
            (old, identities[name]) for name, old in recorded.items() if name in identities
        ]
        self._whole = {name: identities[name] for name in _WHOLE & identities.keys()}

    def text(self, text: str) -> str:
        for old, new in self._pairs:
            if old in text:
                text = text.replace(old, new)
        return text

    def attributes(self, copy: Any, original: Any) -> None:
        """In the copy of a template's item."""
        self._at(copy, self._places.of(original, self._recorded))

    def link(self, link: Any) -> None:
        self._at(link, found(link, self._recorded))

    def _at(self, item: Any, places: tuple[int, ...]) -> None:
        for place in places:
            pair = item.attributes[place]
            text = pair.value.string_value
            pair.value.string_value = self._whole.get(pair.key) or self.text(text)

    def line(self, said: Line, at: int, trace_id: bytes, ids: dict[bytes, bytes]) -> Line:
        """A function's line, said at another time in another trace."""
        moment = datetime.fromtimestamp(at / 1e9, UTC).isoformat(timespec="milliseconds")
        told = {k: self.text(v) if isinstance(v, str) else v for k, v in said.items()}
        return {
            **told,
            "timestamp": moment,
            "request_id": trace_id.hex()[:16],
            "trace_id": trace_id.hex(),
            "span_id": ids.get(bytes.fromhex(said["span_id"]), b"").hex(),
        }


def nanoseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1e9)
