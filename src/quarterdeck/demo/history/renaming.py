"""Gives a repeated trace the identities of the session that it is repeated for."""

import re
from typing import Any

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


class Renaming:
    """Puts the session's identities where the recorded ones stand."""

    def __init__(self, pairs: list[tuple[str, str]], identities: dict[str, str]) -> None:
        self._pairs = pairs
        self._whole = {name: identities[name] for name in _WHOLE & identities.keys()}

    def text(self, text: str) -> str:
        for old, new in self._pairs:
            if old in text:
                text = text.replace(old, new)
        return text

    def attributes(self, item: Any) -> None:
        for pair in item.attributes:
            text = pair.value.string_value
            if text:
                renamed = self._whole.get(pair.key) or self.text(text)
                if renamed != text:
                    pair.value.string_value = renamed
