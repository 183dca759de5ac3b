"""`quarterdeck worker`: a second process on a shared PostgreSQL control store.

One machine comes first: `serve` runs every engine itself. The name is taken so that
scripts and unit files written today keep their meaning.
"""

import click

from quarterdeck.core.errors import Conflict


@click.command("worker", help="Run engines beside a server on a shared PostgreSQL.")
def command() -> None:
    raise Conflict(
        "worker_not_available",
        "This version runs everything in `quarterdeck serve`; there is no work for a worker.",
        "Run `quarterdeck serve` alone. A worker needs a control store on PostgreSQL "
        "(setting control_url) that several processes share, which comes with a later version.",
    )
