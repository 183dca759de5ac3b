"""`quarterdeck version`"""

import click

from quarterdeck import __version__


@click.command("version", help="Print the version.")
def command() -> None:
    click.echo(__version__)
