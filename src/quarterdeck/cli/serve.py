"""`quarterdeck serve`: the supervisor by default, the server itself with --no-supervisor.

This module imports only what the small parent needs; the server is imported in the
child, where it is used. Values are checked there too, with all other settings.
"""

import sys
from typing import Any

import click

from quarterdeck import supervisor


@click.command("serve", help="Run the server.")
@click.option("--data", metavar="DIR", help="Directory that holds everything.  [default: data]")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port", metavar="PORT", help="Port of the UI and the API, 0 for none.  [default: 4400]"
)
@click.option(
    "--otlp-grpc-port", metavar="PORT", help="Port of OTLP over gRPC, 0 for none.  [default: 4317]"
)
@click.option(
    "--otlp-http-port",
    metavar="PORT",
    help="Second port of OTLP over HTTP, 0 for none.  [default: 4318]",
)
@click.option(
    "--config", type=click.Path(dir_okay=False), help="YAML file with settings (docs/settings.md)."
)
@click.option("--log-level", help="debug, info, warning or error.  [default: info]")
@click.option(
    "--supervisor/--no-supervisor",
    "supervised",
    default=True,
    help="Start the server again when it dies.  [default: yes]",
)
def command(supervised: bool, **options: Any) -> None:
    sys.exit(_supervise() if supervised else _serve(options))


def _supervise() -> int:
    """Run this very command again as the child."""
    return supervisor.supervise(
        [sys.executable, "-m", "quarterdeck", *sys.argv[1:], "--no-supervisor"]
    )


def _serve(options: dict[str, Any]) -> int:
    told = supervisor.told_by_supervisor()
    if told is not None:
        supervisor.watch_parent(told)
    from quarterdeck.process import run

    return run(options, told)
