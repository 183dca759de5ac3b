"""Browser, system and device from a User-Agent header, for events that do not name them.

Only what most visitors use is told apart; anything else is empty. Browsers freeze what they tell
(Windows 11 says it is 10, an Android telephone that it is a "K"), so versions stay coarse.
"""

import re
from functools import lru_cache

# In this order: nearly every browser says that it is several others.
_BROWSERS = (
    ("{}", re.compile(r"(\w*(?:[Bb]ot|Spider|Crawler))\b")),
    ("Edge", re.compile(r"\bEdg(?:e|A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"\bOPR/(\d+)")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/(\d+)")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"\b(?:Chrome|CriOS|HeadlessChrome)/(\d+)")),
    ("Safari", re.compile(r"\bVersion/(\d+)[\d.]* (?:Mobile/\w+ )?Safari/")),
)
_SYSTEMS = (
    ("iOS", re.compile(r"\b(?:iPhone|CPU) OS (\d+)|\biPad;(?! CPU OS)")),
    ("Android", re.compile(r"\bAndroid (\d+)")),
    ("Windows", re.compile(r"\bWindows NT (\d+)")),
    ("macOS", re.compile(r"\bMac OS X\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"\bLinux\b")),
)
_ANDROID = re.compile(
    r"\bAndroid [\d.]+; (?:[a-z]{2}[-_][A-Za-z]{2}; )?([^;)]{2,60}?)(?: Build/|[;)])"
)
_APPLE = re.compile(r"\((iPhone|iPad|iPod)")


@lru_cache(maxsize=1024)
def read_agent(agent: str) -> tuple[str, str, str]:
    """Browser, system, device."""
    browser = _first(_BROWSERS, agent)
    system = _first(_SYSTEMS, agent)
    device = _APPLE.search(agent) or _ANDROID.search(agent)
    return browser, system, device[1] if device else ""


def _first(kinds: tuple[tuple[str, re.Pattern[str]], ...], agent: str) -> str:
    for kind, pattern in kinds:
        if found := pattern.search(agent):
            version = found[1] if pattern.groups and found[1] else ""
            return version if kind == "{}" else f"{kind} {version}".rstrip()
    return ""
