"""What the cursor stands in while a search is being typed: a name, a value, or a new term."""

from dataclasses import dataclass, replace
from typing import Literal

from quarterdeck.telemetry.search.tokens import Token, tokens_of, unescaped

_TYPED = ("field", "word", "phrase", "keyword")
_COMPLETE = ("close", "until", "regex", "to")


@dataclass(frozen=True, slots=True)
class Place:
    kind: Literal["term", "name", "value", "nothing"]
    """A name has its operator behind it already; a term may become anything."""
    start: int
    end: int
    """The characters that something better would replace."""
    typed: str = ""
    """What stands before the cursor, without quotes."""
    field: str = ""
    """Whose value it is."""
    follows: bool = False
    """Whether a term stands before it, so that OR can."""


@dataclass(frozen=True, slots=True)
class _State:
    """What the tokens so far leave open."""

    groups: tuple[str, ...] = ("",)
    """The field whose values each open group holds."""
    range_of: str | None = None
    named: str = ""
    value_at: int = -1
    """Where the operator and then the value of `named` has to begin."""
    follows: bool = False

    def field_at(self, start: int) -> str:
        if start == self.value_at:
            return self.named
        return self.groups[-1] if self.range_of is None else self.range_of

    def after(self, token: Token) -> "_State":
        here = self.field_at(token.start)
        match token.kind:
            case "field":
                return replace(self, named=token.text, value_at=token.end, follows=False)
            case "operator":
                return replace(self, named=here, value_at=token.end, follows=False)
            case "open":
                return replace(self, groups=(*self.groups, here), follows=False)
            case "close":
                return replace(self, groups=self.groups[:-1] or ("",), follows=True)
            case "from":
                return replace(self, range_of=here, follows=False)
            case "until":
                return replace(self, range_of=None, follows=True)
            case "word" | "phrase" | "regex":
                return replace(self, follows=True)
            case _:
                return replace(self, follows=False)


def place_of(text: str, cursor: int) -> Place:
    state = _State()
    tokens = tokens_of(text)
    for token in tokens:
        if token.start >= cursor:
            break
        if cursor <= token.end and token.kind in _TYPED:
            return _within(text, token, cursor, state)
        if cursor < token.end or (cursor == token.end and token.kind in _COMPLETE):
            return Place("nothing", cursor, cursor)
        state = state.after(token)
    field = state.field_at(cursor)
    behind = next((token for token in tokens if token.start == cursor), None)
    if behind and cursor != state.value_at and behind.kind != "close":
        return Place("nothing", cursor, cursor)  # it would run into what stands there
    whole = behind and behind.kind in ("word", "phrase")
    end = behind.end if behind and whole else cursor
    return Place("value" if field else "term", cursor, end, "", field, state.follows)


def _within(text: str, token: Token, cursor: int, state: _State) -> Place:
    typed = text[token.start : cursor]
    if typed == "-" and token.kind == "word":  # it will deny what comes
        return Place("term", cursor, token.end, follows=state.follows)
    if typed.startswith('"'):
        closed = cursor == token.end and typed.endswith('"') and len(typed) > 1
        typed = typed[1:-1] if closed else typed[1:]
    typed = unescaped(typed)
    if token.kind == "field":
        return Place("name", token.start, token.end, typed)
    field = state.field_at(token.start) if token.kind != "keyword" else ""
    kind: Literal["value", "term"] = "value" if field else "term"
    return Place(kind, token.start, token.end, typed, field, state.follows)
