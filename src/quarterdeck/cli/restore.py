"""`quarterdeck restore` brings a backup back."""

from datetime import UTC, datetime
from pathlib import Path

import click

from quarterdeck.cli.common import clean, note
from quarterdeck.core.clock import SystemClock


@click.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--data",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory to fill; new or empty.",
)
@click.option(
    "--control-url",
    envvar="QUARTERDECK_CONTROL_URL",
    default="",
    help="Empty PostgreSQL database, when the backup's control store was on PostgreSQL.",
)
def command(file: Path, data: Path, control_url: str) -> None:
    """Bring a backup back.

    FILE is checked against its manifest before anything is put in place, and nothing is
    ever overwritten.
    """
    from quarterdeck.store.backup.restore import restore

    manifest = restore(file, data, control_url, SystemClock())
    taken = datetime.fromtimestamp(manifest.created_at / 1000, UTC)
    click.echo(
        clean(
            f"{data}: {len(manifest.files)} files as of {taken:%Y-%m-%d %H:%M:%S} UTC, "
            f"made by {manifest.made_by}."
        )
    )
    note(f"Start it with `quarterdeck serve --data {data}`.")
    if manifest.sealing_key == "setting":
        note("The key of the secrets was a setting: give the server the same secret_key.")
