"""`quarterdeck agent`: tells a server how this machine is doing, and follows log files.

Options without a value here stand in the YAML file or have the defaults of agent/config.py.
"""

from typing import Any

import click


@click.command("agent", help="Send this machine's metrics and log files to a server.")
@click.option(
    "--url",
    envvar="QUARTERDECK_URL",
    help="Address of the server; QUARTERDECK_URL.  [default: http://127.0.0.1:4400]",
)
@click.option(
    "--key",
    envvar="QUARTERDECK_KEY",
    metavar="KEY",
    help="Ingest key; better given as QUARTERDECK_KEY, since others see command lines.",
)
@click.option("--project", metavar="SLUG", help="Project to write to; the key's own by default.")
@click.option("--interval", metavar="TIME", help="How often to measure.  [default: 15s]")
@click.option("--name", metavar="HOST", help="Name of this host.  [default: its own]")
@click.option("--environment", metavar="NAME", help="Environment that this host belongs to.")
@click.option(
    "--buffer",
    metavar="DIR",
    help="Where data waits for the server.  [default: quarterdeck-agent in the user's state]",
)
@click.option("--buffer-mb", metavar="MIB", help="Most that may wait.  [default: 256]")
@click.option(
    "--file",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Log files to follow, such as '/var/log/app/*.log'; may be repeated.",
)
@click.option("--service", metavar="NAME", help="Service that the files of --file belong to.")
@click.option("--metrics/--no-metrics", default=None, help="Measure the machine.  [default: yes]")
@click.option(
    "--config",
    type=click.Path(dir_okay=False),
    help="YAML file with these options, and groups of files (docs/hosts.md).",
)
def command(
    config: str | None, patterns: tuple[str, ...], service: str | None, **given: Any
) -> None:
    from quarterdeck.agent.config import FileGroup, load
    from quarterdeck.agent.run import run
    from quarterdeck.core import log

    log.configure()
    files = (FileGroup(patterns, service=service or ""),) if patterns else ()
    run(load(config, {**given, "files": files}))
