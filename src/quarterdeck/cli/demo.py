"""`quarterdeck demo`: a server, a live shop that sends it telemetry, and a link that signs in."""

import asyncio
import importlib.util
from pathlib import Path

import click

from quarterdeck.core.errors import Unavailable


@click.command("demo", help="Run the server with a live demo shop.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Directory that holds everything.  [default: quarterdeck/demo-data in the user's cache]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=4400,
    show_default=True,
    help="Port of the UI and the API; another one is chosen when it is taken.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="What the shop is drawn from.")
def command(data: Path | None, host: str, port: int, seed: int) -> None:
    if importlib.util.find_spec("opentelemetry.sdk") is None:
        raise Unavailable(
            "demo_not_installed",
            "The demo needs the OpenTelemetry SDK, which is not installed.",
            "pip install 'quarterdeck[demo]'",
        )
    from quarterdeck.demo.launcher import Options, default_data, run

    options = Options(data=(data or default_data()).absolute(), host=host, port=port, seed=seed)
    asyncio.run(run(options, click.echo))
