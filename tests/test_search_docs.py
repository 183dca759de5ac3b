"""docs/search.md says what can be searched for, no more and no less."""

import re
from collections.abc import Callable
from pathlib import Path

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.query.search_sql import search_logs, search_spans
from quarterdeck.telemetry.query.window import Asked
from quarterdeck.telemetry.search.fields import FIELDS, RESOURCE_PREFIXES
from quarterdeck.telemetry.search.parse import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_REGEX,
    MAX_TERMS,
)

PAGE = (Path(__file__).parent.parent / "docs" / "search.md").read_text()


def tables() -> dict[str, list[str]]:
    """The first column of every table, by the word above it."""
    found: dict[str, list[str]] = {}
    for head, body in re.findall(r"\| (\w+) \|[^\n]*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE):
        cells = [re.split(r"(?<!\\) \|", row[2:])[0] for row in body.splitlines()]
        found.setdefault(head, []).extend(cells)
    return found


def reads(search: Callable[[Asked, str], None], example: str) -> bool:
    try:
        search(Asked(), example)
    except BadInput:
        return False
    return True


def test_every_example_can_be_read() -> None:
    blocks = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    examples = [line for block in blocks for line in block.splitlines()]
    for cell in tables()["Search"]:
        examples += re.findall(r"`([^`]+)`", cell.replace("\\|", "|"))
    assert len(examples) > 40
    # Durations, for one, are for spans alone.
    assert [e for e in examples if not (reads(search_logs, e) or reads(search_spans, e))] == []


def test_every_field_is_named_with_whose_it_is() -> None:
    rows = re.findall(r"^\| ((?:`\w+` ?)+) \| (both|logs|spans) \|", PAGE, re.MULTILINE)
    named = {(name, of) for names, of in rows for name in re.findall(r"`(\w+)`", names)}
    logs, spans = ({field.names[0] for field in FIELDS[of]} for of in ("logs", "spans"))
    there = {(name, "both") for name in logs & spans}
    there |= {(name, "logs") for name in logs - spans} | {(name, "spans") for name in spans - logs}
    there.discard(("duration_ns", "spans"))  # for those who compute it
    assert named == there


def test_bounds_and_names_of_resources_are_right() -> None:
    assert f"{MAX_CHARACTERS:,} characters, {MAX_TERMS} terms, {MAX_DEPTH} levels" in PAGE.replace(
        "\n", " "
    )
    assert f"{MAX_REGEX} characters" in PAGE.replace("\n", " ")
    assert set(re.findall(r"`([a-z0-9]+\.)`", PAGE)) == set(RESOURCE_PREFIXES)
