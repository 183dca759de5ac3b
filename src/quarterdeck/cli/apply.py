"""`quarterdeck apply` makes what the files say true."""

from typing import Any

import click

from quarterdeck.cli.common import Server, note, server, server_options
from quarterdeck.cli.plan import Files, files_argument, print_plan, read_files, with_places
from quarterdeck.core.errors import BadInput

# What every repository has: pruning by it would delete what another one applied.
_NO_NAMES = {".", "..", "standard input", "files"}


@click.command("apply")
@files_argument
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option(
    "--prune",
    is_flag=True,
    help="Delete what this source applied before and dropped, in the projects of its documents and of --project.",
)
@click.option(
    "--source",
    metavar="NAME",
    help="What the resources are said to come from; by default the file, or the files' directory.",
)
@server_options
def command(
    files: tuple[str, ...],
    dry_run: bool,
    prune: bool,
    source: str | None,
    url: str,
    key: str | None,
    project: str | None,
) -> None:
    """Apply resources from YAML files.

    All documents are made true, or none is. A FILE is a path, a directory (its .yaml and
    .yml files) or - for standard input.
    """
    found = read_files(files, source)
    if prune and not source and found.source in _NO_NAMES:
        raise BadInput(
            "source_needed",
            f"{found.source!r} does not tell one set of files from another, so nothing can be pruned by it.",
            "Name the source: `--source NAME`, the same each time.",
        )
    with server(url, key, project) as remote:
        plan = send(remote, found, dry_run=dry_run, prune=prune)
    print_plan(plan)
    if dry_run:
        note("Nothing was changed: this was a dry run.")


def send(remote: Server, found: Files, *, dry_run: bool, prune: bool) -> Any:
    """The plan, with errors told by file and document.

    Nothing to apply is nothing to do; but pruning by it would delete all, which nobody means
    who names an empty file by mistake.
    """
    if prune and not found.documents:
        raise BadInput(
            "documents_missing",
            f"There is no document in {found.source}, so pruning would delete all that it applied.",
            "Name the files meant; `quarterdeck schema` lists the kinds that one may hold.",
        )
    with with_places(found):
        return remote.post(
            "/api/resources/apply",
            {
                "documents": found.documents,
                "source": found.source,
                "dry_run": dry_run,
                "prune": prune,
            },
        )
