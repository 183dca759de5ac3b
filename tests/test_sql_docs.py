"""docs/sql.md says what user SQL can do, no more and no less."""

import re
from pathlib import Path

from quarterdeck.telemetry.sql.accessors import ACCESSORS
from quarterdeck.telemetry.sql.functions import AGGREGATES, SCALARS, WINDOWS
from quarterdeck.telemetry.sql.rewrite import LATER
from quarterdeck.telemetry.sql.views import VIEWS

PAGE = (Path(__file__).parent.parent / "docs" / "sql.md").read_text()


def test_every_view_is_described_with_all_its_columns_in_their_order() -> None:
    described = {}
    for section in PAGE.split("\n### ")[1:]:
        name, _, text = section.partition("\n")
        rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", text.split("\n## ")[0], re.MULTILINE)
        described[name] = rows
    assert described == {v.name: [(c.name, c.help) for c in v.columns] for v in VIEWS.values()}


def test_every_accessor_is_described() -> None:
    found = dict(
        re.findall(r"^\| `(attr_\w+)\(attributes, 'key'\)` \| (.+) \|$", PAGE, re.MULTILINE)
    )
    assert found == ACCESSORS


def test_every_function_is_listed() -> None:
    blocks = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert [set(block.split()) for block in blocks] == [set(SCALARS), set(AGGREGATES), set(WINDOWS)]


def test_views_without_data_are_named() -> None:
    assert all(f"`{name}`" in PAGE for name in LATER)
