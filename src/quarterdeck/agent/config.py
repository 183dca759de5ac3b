"""What an agent is told: options of the command, or the same in a YAML file.

    url: https://deck.example.com
    interval: 15s
    files:
      - paths: [/var/log/nginx/*.log]
        service: nginx

An unknown name or a value that cannot be is refused by name. The key is better given as
QUARTERDECK_KEY, since files and command lines are seen by others.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from quarterdeck.core.errors import BadInput

_SECONDS = {"s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files that are read alike."""

    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    service: str = ""
    start: str = "beginning"  # or "end": where a file begins that is there at the first start
    multiline: str = "auto"  # or "off", or a pattern that the first line of an event matches
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Options:
    url: str = "http://127.0.0.1:4400"
    key: str = ""
    project: str = ""
    interval: float = 15.0
    name: str = ""
    environment: str = ""
    buffer: Path = Path()
    buffer_mb: int = 256
    metrics: bool = True
    files: tuple[FileGroup, ...] = ()

    @property
    def metrics_bytes(self) -> int:
        return self.buffer_mb * _MIB // 4

    @property
    def logs_bytes(self) -> int:
        return self.buffer_mb * _MIB - self.metrics_bytes


def load(path: str | None, given: Mapping[str, Any]) -> Options:
    """The options of a file, with those that were given put over them."""
    values: dict[str, Any] = {"buffer": _default_buffer()}
    if path is not None:
        values.update(_checked(_read(path), _OPTIONS, path))
    files = values.get("files", ()) + given.get("files", ())
    named = {name: value for name, value in given.items() if value is not None and name != "files"}
    values.update(_checked(named, _OPTIONS, "options"), files=files)
    options = Options(**values)
    if not options.url.startswith(("http://", "https://")):
        raise BadInput(
            "url_invalid",
            f"{options.url!r} is not the address of a server.",
            "Write http://HOST:PORT.",
        )
    if not options.key:
        raise BadInput(
            "key_missing",
            "The agent needs a key that may write telemetry.",
            "Make one with the role ingest under Settings, Keys, and give it as QUARTERDECK_KEY.",
        )
    if not options.metrics and not options.files:
        raise _refuse("options", "metrics", "off without a file to follow; there is nothing to do")
    return options


def _read(path: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(Path(path).read_text()) or {}
    except (OSError, yaml.YAMLError) as error:
        raise BadInput(
            "config_unreadable", f"{path}: {error}", "Check the file and its YAML."
        ) from error
    if not isinstance(document, dict):
        raise BadInput(
            "config_unreadable",
            f"{path} is not a mapping of options.",
            "Write `name: value` lines.",
        )
    return document


def _checked(
    given: Mapping[str, Any], known: Mapping[str, Callable[[Any], Any]], where: str
) -> dict[str, Any]:
    found = {}
    for name, value in given.items():
        if name not in known:
            raise _refuse(where, str(name), f"unknown; known are {', '.join(known)}")
        try:
            found[name] = known[name](value)
        except (TypeError, ValueError, re.error) as error:
            raise _refuse(where, name, f"{value!r} is not allowed: {error}") from error
    return found


def _refuse(where: str, name: str, why: str) -> BadInput:
    return BadInput(
        "agent_option_invalid",
        f"{where}: `{name}` is {why}.",
        "docs/hosts.md explains the options.",
    )


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError("text is needed")
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    found = tuple(map(_text, [value] if isinstance(value, str) else value))
    if not found:
        raise ValueError("it is empty")
    return found


def _seconds(value: Any) -> float:
    told = _DURATION.fullmatch(_text(value).strip())
    seconds = float(told.group(1)) * _SECONDS[told.group(2) or "s"] if told else 0.0
    if not 1 <= seconds <= 3600:
        raise ValueError("write 1s to 1h")
    return seconds


def _whole(value: Any) -> int:
    number = int(_text(value))
    if not 8 <= number <= 1_048_576:
        raise ValueError("write a number of MiB from 8 on")
    return number


def _yes(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("write true or false")
    return value


def _one_of(*words: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in words:
            raise ValueError(f"write {' or '.join(words)}")
        return str(value)

    return check


def _multiline(value: Any) -> str:
    if value is False:  # YAML reads a bare `off` so
        return "off"
    re.compile(_text(value))
    return _text(value)


def _attributes(value: Any) -> dict[str, str]:
    return {_text(name): _text(text) for name, text in dict(value).items()}


def _groups(value: Any) -> tuple[FileGroup, ...]:
    return tuple(map(_group, value))


def _group(value: Any) -> FileGroup:
    found = _checked(dict(value), _GROUP, "files")
    if "paths" not in found:
        raise ValueError("a group needs `paths`")
    return FileGroup(**found)


_GROUP: dict[str, Callable[[Any], Any]] = {
    "paths": _texts,
    "exclude": _texts,
    "service": _text,
    "start": _one_of("beginning", "end"),
    "multiline": _multiline,
    "attributes": _attributes,
}
_OPTIONS: dict[str, Callable[[Any], Any]] = {
    "url": _text,
    "key": _text,
    "project": _text,
    "interval": _seconds,
    "name": _text,
    "environment": _text,
    "buffer": lambda value: Path(_text(value)).expanduser(),
    "buffer_mb": _whole,
    "metrics": _yes,
    "files": _groups,
}


def _default_buffer() -> Path:
    """Where systemd says, else in the user's state."""
    if given := os.environ.get("STATE_DIRECTORY", "").partition(":")[0]:
        return Path(given)
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "quarterdeck-agent"
