"""`quarterdeck password-reset EMAIL`: for whoever holds the data directory.

It writes to the control store directly, which a running server shares, so it needs no key
and works while the server runs and while it does not.
"""

import asyncio
from pathlib import Path

import click

from quarterdeck.core.errors import NotFound
from quarterdeck.core.settings import Settings, load


@click.command("password-reset", help="Print a link that lets a user set a new password.")
@click.argument("email")
@click.option("--data", metavar="DIR", help="The server's data directory.  [default: data]")
@click.option("--config", type=click.Path(dir_okay=False), help="The server's settings file.")
def command(email: str, data: str | None, config: str | None) -> None:
    settings = load({"data": data}, Path(config) if config else None)
    click.echo(asyncio.run(_link(settings, email)))


async def _link(settings: Settings, email: str) -> str:
    from quarterdeck.accounts.gate import Accounts
    from quarterdeck.store.alive import Alive
    from quarterdeck.store.control import FILE, open_control

    control_url = str(settings.control_url)
    if not control_url and not (settings.data_dir / FILE).exists():
        raise NotFound(
            "data_unknown",
            f"There is no Quarterdeck in {settings.data_dir}.",
            "Name the server's data directory with --data.",
        )
    # The address people know, else the one at which the server answers.
    address = str(settings.public_url) or Alive(settings.data_dir).address()
    settings = Settings({**settings.values, "public_url": address})
    control = open_control(control_url or settings.data_dir)
    try:
        return await Accounts(control, settings).create_reset_link(email)
    finally:
        control.close()
