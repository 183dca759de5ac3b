"""`quarterdeck diff` says what differs between files and the server.

Which source a resource comes from is no difference: an export, which has none, is the same
as what it was taken from. That `apply` would pass resources to a source is said beside it.
"""

import sys

import click

from quarterdeck.cli.apply import send
from quarterdeck.cli.common import note, server, server_options
from quarterdeck.cli.plan import (
    changes_of,
    files_argument,
    print_plan,
    read_files,
    without_ownership,
)


@click.command("diff")
@files_argument
@click.option("--prune", is_flag=True, help="Count what this source applied before and dropped.")
@click.option("--source", metavar="NAME", help="As for `apply`.")
@server_options
def command(
    files: tuple[str, ...],
    prune: bool,
    source: str | None,
    url: str,
    key: str | None,
    project: str | None,
) -> None:
    """Show what apply would change.

    Leaves with 0 when nothing differs, 1 when something does, 2 on an error. Where a resource
    comes from is no difference.
    """
    found = read_files(files, source)
    with server(url, key, project) as remote:
        plan, passed = without_ownership(send(remote, found, dry_run=True, prune=prune))
    if not changes_of(plan):
        click.echo("No difference: ", nl=False)
    print_plan(plan)
    if passed:
        note(
            f"`apply` would have {passed} of them come from {found.source!r}, read-only in the UI."
        )
    sys.exit(1 if changes_of(plan) else 0)
