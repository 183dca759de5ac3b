"""YAML in, as bounded data; YAML out, as people would write it.

Input is hostile: before anything is built, one pass over the parser's events bounds the
size, the depth and the number of values *after* aliases are expanded, so that a few lines
that unfold into gigabytes are refused at no cost. Scalars follow the YAML 1.2 core rules:
`no` is a word, `12:30` is a word, a date is a word; a key given twice is an error.
"""

import math
import re
from typing import Any

import yaml

from quarterdeck.core.errors import BadInput, TooLarge

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 40
MAX_VALUES = 200_000

_BOOL = "tag:yaml.org,2002:bool"
_DROPPED = {_BOOL, "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int"}
_JSON_TAGS = {"null", "bool", "int", "float", "str", "seq", "map"}
_HINT = "Write plain YAML: documents of kind, name, optional project, and spec."


class _Loader(yaml.CSafeLoader):
    """The C parser with YAML 1.2 scalars and without silent duplicates."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value[:80]!r} is given twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        value = super().construct_yaml_float(node)
        if not math.isfinite(value):
            raise yaml.constructor.ConstructorError(
                None, None, "a number must be finite", node.start_mark
            )
        return value


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag not in _DROPPED]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
# Only what JSON has too: no dates, sets or bytes, not even by an explicit tag.
_Loader.yaml_constructors = {
    tag: construct
    for tag, construct in yaml.CSafeLoader.yaml_constructors.items()
    if tag is None or tag.rpartition(":")[2] in _JSON_TAGS
}
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)


def _resolver(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(tag, re.compile(pattern), list(first))


_resolver(_BOOL, r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolver("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]{0,18})$", "-+0123456789")


def load_documents(text: str) -> list[Any]:
    """Every document of the text, empty ones left out."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise TooLarge(
            "yaml_too_large",
            f"The YAML is larger than {MAX_BYTES // 1024 // 1024} MiB.",
            "Split it into several files.",
        )
    try:
        _bound(text)
        return [d for d in yaml.load_all(text, Loader=_Loader) if d is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise BadInput("yaml_invalid", f"{_reason(error.problem)}{where}.", _HINT) from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        # For these the parser's own words may repeat the text, which may hold a secret.
        raise BadInput("yaml_invalid", "The text is not valid YAML.", _HINT) from None


def _reason(problem: str | None) -> str:
    text = (problem or "the text is not valid YAML").strip()[:200]
    return text[0].upper() + text[1:]


def _bound(text: str) -> None:
    """Raise unless the text stays within the limits once every alias is expanded."""
    depth = 0
    values = 0
    open_sizes: list[tuple[str | None, int]] = []  # anchor, values seen when it opened
    sizes: dict[str, int | None] = {}  # None while the anchored value is still open
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.DocumentStartEvent):
            sizes.clear()
        elif isinstance(event, yaml.AliasEvent):
            size = sizes.get(str(event.anchor), 1)
            if size is None:
                raise BadInput("yaml_invalid", "An alias stands inside its own anchor.", _HINT)
            values += size
        elif isinstance(event, yaml.ScalarEvent):
            values += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            values += 1
            open_sizes.append((event.anchor, values - 1))
            if event.anchor:
                sizes[event.anchor] = None
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            anchor, before = open_sizes.pop()
            if anchor:
                sizes[anchor] = values - before
        if depth > MAX_DEPTH or values > MAX_VALUES:
            raise TooLarge(
                "yaml_too_large",
                f"The YAML is deeper than {MAX_DEPTH} levels, or holds more than "
                f"{MAX_VALUES:,} values once its aliases are expanded.",
                "Split it into several files, and write repeated parts out.",
            )


class _Dumper(yaml.SafeDumper):
    """Long texts as blocks, lists indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    unusual = any(
        c in value for c in "\r\x85\u2028\u2029"
    )  # a reader would take them for line ends
    style = '"' if unusual else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump_documents(documents: list[dict[str, Any]]) -> str:
    """Documents as YAML text that `load_documents` reads back equal."""
    if not documents:
        return ""
    return yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        explicit_start=len(documents) > 1,
        width=100,
    )
