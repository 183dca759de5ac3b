"""An error event as the rest of Quarterdeck knows it, whatever SDK it came from.

Everything is bounded when an event is made (`normalise.py`): texts are cut, lists end, no nesting is
left. Fields that an event does not have are empty. The event as it was sent is kept beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LEVELS = ("fatal", "error", "warning", "info", "debug")


def titled(kind: str, text: str) -> str:
    """One line that stands for an error, from the type and what it says."""
    line = text.split("\n", 1)[0]
    return (f"{kind}: {line}" if kind and line else kind or line)[:500] or "(no message)"


@dataclass(frozen=True, slots=True)
class Frame:
    """A call on the stack; the call that was running stands last in its stack."""

    function: str = ""
    module: str = ""
    filename: str = ""  # short, as the language names a file
    abs_path: str = ""
    line: int = 0  # from 1; 0 is not known
    column: int = 0
    in_app: bool = False
    context_line: str = ""
    package: str = ""


@dataclass(frozen=True, slots=True)
class Thrown:
    """One exception of a chain."""

    type: str = ""
    value: str = ""
    module: str = ""
    handled: bool | None = None
    mechanism: str = ""
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    id: str = ""
    email: str = ""
    username: str = ""
    ip: str = ""

    @property
    def identity(self) -> str:
        """What tells this person from others: id, else e-mail, name or address."""
        return self.id or self.email or self.username or self.ip


@dataclass(frozen=True, slots=True)
class Event:
    event_id: str  # 32 hexadecimal digits
    time_ns: int  # when it happened, corrected by the sender's clock
    level: str  # one of LEVELS
    platform: str
    message: str  # of an event without an exception, with its parameters filled in
    template: str  # the message before its parameters were filled in
    logger: str
    exceptions: tuple[Thrown, ...]  # the one that was caught last; its causes before it
    frames: tuple[Frame, ...]  # of the thread or the message, where no exception has any
    transaction: str
    release: str
    environment: str
    dist: str
    service: str
    server_name: str
    sdk: str
    user: User
    tags: Mapping[str, str]
    trace_id: str  # 32 hexadecimal digits
    span_id: str  # 16
    replay_id: str
    fingerprint: tuple[str, ...]  # as the sender gave it, "{{ default }}" included
    url: str
    method: str
    browser: str
    os: str
    device: str

    @property
    def exception(self) -> Thrown | None:
        """The exception that the event is about."""
        return self.exceptions[-1] if self.exceptions else None

    @property
    def type(self) -> str:
        return self.exception.type if self.exception else ""

    @property
    def title(self) -> str:
        """One line: type and value, or the message."""
        return titled(self.type, self.exception.value if self.exception else self.message)


@dataclass(frozen=True, slots=True)
class Grouped:
    """How an event was grouped."""

    group: int  # 64 bits: a hash of the project's id and `parts`
    method: str  # "fingerprint", "rule", "stack", "type", "message"
    parts: tuple[str, ...]  # what was hashed, so that a person can see why
    culprit: str  # the call that is to blame, or the transaction
    category: str  # network, database, client, payment, authentication, …
    severity: str  # critical, high, medium, low
