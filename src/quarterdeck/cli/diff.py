"""`quarterdeck diff` says what `apply` would change."""

import sys

import click

from quarterdeck.cli.apply import send
from quarterdeck.cli.common import server, server_options, tell_errors
from quarterdeck.cli.plan import changes_of, files_argument, print_plan, read_files


@click.command("diff")
@files_argument
@click.option("--prune", is_flag=True, help="Count what this source applied before and dropped.")
@click.option("--source", metavar="NAME", help="As for `apply`.")
@server_options
@tell_errors
def command(
    files: tuple[str, ...],
    prune: bool,
    source: str | None,
    url: str,
    key: str | None,
    project: str | None,
) -> None:
    """Show what apply would change.

    Leaves with 0 when nothing would change, 1 when something would, 2 on an error.
    """
    with server(url, key, project) as remote:
        plan = send(remote, read_files(files, source), dry_run=True, prune=prune)
    print_plan(plan)
    sys.exit(1 if changes_of(plan) else 0)
