"""Reference pages that are written from the program itself.

    python scripts/docs.py --write     make the pages
    python scripts/docs.py --check     fail when one of them is not what would be made

`docs/settings.md` comes from the table of settings, `commands.md` from the commands'
own help, `errors.md` from every place that raises an error, `routes.md` from the
OpenAPI document of a real server that is started in a temporary directory.
"""

import argparse
import asyncio
import importlib
import json
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).parent))

from error_codes import Raised, find_errors
from quarterdeck.cli import COMMANDS
from quarterdeck.core.settings import SETTINGS, load, what_is_allowed

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
NOTE = "<!-- Written by `make docs`; change the program, not this page. -->"
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


def settings_page() -> Iterator[str]:
    yield "# Settings"
    yield NOTE
    yield (
        "A value comes from the command line, else from the environment, else from the YAML "
        "file of `--config`, else from the default. The variable is `QUARTERDECK_` and the name "
        "in capitals: `retention_days` is `QUARTERDECK_RETENTION_DAYS`. An unknown name in the "
        "file, or a value that is not allowed, is refused by name."
    )
    yield _table(
        ("Setting", "Default", "Allowed", "What it is"),
        [
            (
                f"`{setting.name}`",
                _default(setting.default, setting.unit),
                what_is_allowed(setting),
                setting.help + (" Secret: never shown or logged." if setting.secret else ""),
            )
            for setting in SETTINGS
        ],
    )


def commands_page() -> Iterator[str]:
    yield "# Commands"
    yield NOTE
    yield "`quarterdeck --help` lists them; `quarterdeck COMMAND --help` explains one."
    for name in COMMANDS:
        command = _command(name)
        context = click.Context(command, info_name=f"quarterdeck {name}", max_content_width=88)
        yield f"## quarterdeck {name}"
        yield f"```text\n{command.get_help(context)}\n```"


def errors_page() -> Iterator[str]:
    yield "# Errors"
    yield NOTE
    yield (
        'Every error has one shape, `{"error": {"code", "message", "hint", "details"}}`. '
        "The code is stable; the message says what went wrong in this case, the hint what to do. "
        "A `…` stands for what differs from case to case. Ingest protocols answer in their own "
        "words instead ([send telemetry](send-telemetry.md))."
    )
    rows = []
    for code, raised in sorted(find_errors(ROOT / "src").items()):
        rows.append((f"`{code}`", _join(r.status for r in raised), _told(raised)))
    yield _table(("Code", "Status", "What went wrong, and what to do"), rows)


def routes_page(document: dict[str, Any]) -> Iterator[str]:
    yield "# Routes"
    yield NOTE
    yield (
        "`GET /api/openapi.json` describes them in full. The permission says who may: `public` "
        "needs nothing, `session` a signed-in person, `ingest` a key that writes telemetry; "
        "`read`, `respond`, `deploy` and `admin` are granted by the roles viewer, responder, "
        "deployer and admin, each of which includes those before it."
    )
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            operation = item[method]
            groups.setdefault(operation.get("tags", ["other"])[0], []).append(
                (
                    f"`{method.upper()} {path}`",
                    operation["x-permission"],
                    _cell(_first_sentence(operation)),
                )
            )
    for tag in sorted(groups):
        yield f"## {tag.capitalize()}"
        yield _table(("Route", "Permission", "What it does"), sorted(groups[tag]))


def _first_sentence(operation: dict[str, Any]) -> str:
    text = operation.get("description") or operation.get("summary", "")
    return str(text).split("\n\n")[0].replace("\n", " ").strip()


def _told(raised: list[Raised]) -> str:
    told: list[str] = []
    for one in raised:
        text = " ".join(part for part in (one.message, one.hint) if part.strip("… "))
        if text and text not in told:
            told.append(text)
    return _cell("<br>".join(told) or "The message says it.")


def _join(values: Iterator[int]) -> str:
    return ", ".join(str(value) for value in sorted(set(values)))


def _default(value: Any, unit: str) -> str:
    if value == "":
        return "none"
    return f"{value} {unit}".strip()


def _command(name: str) -> click.Command:
    module = importlib.import_module(f"quarterdeck.cli.{name.replace('-', '_')}")
    command: click.Command = module.command
    return command


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


async def openapi() -> dict[str, Any]:
    """The document of a real server."""
    from quarterdeck.app import App
    from quarterdeck.http.openapi import describe

    logging.disable(logging.WARNING)
    warnings.simplefilter("error")  # a route that is declared twice
    with tempfile.TemporaryDirectory() as directory:
        app = App(load({"data": directory}, environ={}), free_ports=True)
        await app.start()
        try:
            return describe(app.api, app.raw_routes)
        finally:
            await app.stop()


def pages() -> dict[Path, str]:
    document = asyncio.run(openapi())
    made = {
        "settings.md": settings_page(),
        "commands.md": commands_page(),
        "errors.md": errors_page(),
        "routes.md": routes_page(document),
    }
    return {DOCS / name: "\n\n".join(parts) + "\n" for name, parts in made.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Reference pages from the program itself.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true")
    action.add_argument("--check", action="store_true")
    action.add_argument("--openapi", metavar="FILE", type=Path, help="write the OpenAPI document")
    asked = parser.parse_args()
    if asked.openapi:
        asked.openapi.write_text(json.dumps(asyncio.run(openapi()), indent=1) + "\n")
        return 0
    write = asked.write
    stale = []
    for path, text in pages().items():
        if write:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(str(path.relative_to(ROOT)))
    if stale:
        print(f"Not up to date: {', '.join(stale)}. Run `make docs` and commit the result.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
