"""`quarterdeck export` writes what is configured as YAML that applies without a change."""

import click

from quarterdeck.cli.common import note, server, server_options
from quarterdeck.resources.yamltext import dump_documents


@click.command("export")
@click.argument("kind", required=False)
@server_options
def command(kind: str | None, url: str, key: str | None, project: str | None) -> None:
    """Print resources as YAML.

    What is printed applies again without a change. KIND narrows it to one kind; without
    --project, it is every project that the key sees. Secrets are references and stay so.
    """
    with server(url, key, None) as remote:
        answer = remote.get("/api/resources/export", kind=kind, project=project)
    if not answer["documents"]:
        note("Nothing is configured yet.")
    click.echo(dump_documents(answer["documents"]), nl=False)
