"""The command `quarterdeck`: one file a command, imported only when it is used.

`COMMANDS` is the list of them. Its one-line helps stand here, so that
`quarterdeck --help` imports no command; a test compares them with the commands' own.
"""

import importlib
import sys

import click

from quarterdeck import __version__
from quarterdeck.core.errors import QuarterdeckError

COMMANDS: dict[str, str] = {
    "serve": "Run the server.",
    "demo": "Run the server with a live demo shop.",
    "agent": "Send this machine's metrics and log files to a server.",
    "apply": "Apply resources from YAML files.",
    "diff": "Show what apply would change.",
    "export": "Print resources as YAML.",
    "schema": "Print the JSON Schema of a resource kind.",
    "backup": "Copy Quarterdeck's state while it runs.",
    "restore": "Bring a backup back.",
    "password-reset": "Print a link that lets a user set a new password.",
    "worker": "Run engines beside a server on a shared PostgreSQL.",
    "version": "Print the version.",
}


class _Commands(click.Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"quarterdeck.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Quarterdeck: the place from which a small team runs its web application.",
)
@click.version_option(__version__, prog_name="quarterdeck")
def cli() -> None:
    pass


def main() -> None:
    """Entry point: every refusal is told in one form, and leaves with one code."""
    try:
        cli()
    except QuarterdeckError as error:
        from quarterdeck.cli.common import ERROR_EXIT, tell_error

        tell_error(error)
        sys.exit(ERROR_EXIT)
