"""`quarterdeck schema` says what a kind's spec may hold."""

import json
from typing import Any
from urllib.parse import quote

import click
from click.core import ParameterSource

from quarterdeck.cli.common import clean, note, server, server_options
from quarterdeck.registry import KINDS


@click.command("schema")
@click.argument("kind", required=False)
@server_options
def command(kind: str | None, url: str, key: str | None, project: str | None) -> None:
    """Print the JSON Schema of a resource kind.

    Without KIND, list the kinds. Needs no server; with --url it asks that one.
    """
    asked = click.get_current_context().get_parameter_source("url")
    if asked in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT):
        kinds, schema = _of_server(kind, url, key, project)
    else:
        kinds = {found.name: found.description for found in KINDS}
        schema = KINDS.named(kind).schema() if kind else None
    if schema is not None:
        click.echo(json.dumps(schema, indent=2, ensure_ascii=False))
        return
    width = max(len(name) for name in kinds)
    for name, description in kinds.items():
        click.echo(clean(f"{name:<{width}}  {description}"))
    note("`quarterdeck schema KIND` prints the schema of one.")


def _of_server(
    kind: str | None, url: str, key: str | None, project: str | None
) -> tuple[dict[str, str], Any]:
    with server(url, key, project) as remote:
        if kind is not None:
            return {}, remote.get(f"/api/resources/{quote(kind, safe='')}/schema")
        return {k["kind"]: k["description"] for k in remote.get("/api/resources")}, None
