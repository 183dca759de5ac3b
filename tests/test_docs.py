"""The documentation says what is so."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from quarterdeck.cli import COMMANDS, cli
from quarterdeck.core.settings import SETTINGS

ROOT = Path(__file__).parent.parent
_DEPLOYED = (path for path in ROOT.glob("deploy/**/*") if path.is_file())
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *_DEPLOYED])
# Variables of the environment that are not settings.
VARIABLES = {"URL", "KEY", "PROJECT"}


def every(pattern: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for found in re.findall(pattern, page.read_text()):
            yield page.name, found


def test_the_reference_pages_are_what_the_program_says() -> None:
    checked = subprocess.run(
        [sys.executable, "scripts/docs.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr[-2000:]


def test_every_link_leads_to_a_file() -> None:
    broken = [
        f"{page}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_command_that_is_mentioned_exists() -> None:
    # Words before and after tell a command from the name: `quarterdeck serve`, bin/quarterdeck demo.
    mentioned = set(every(r"(?:`|bin/)quarterdeck ([a-z][a-z-]+)"))
    assert mentioned
    assert {found for found in mentioned if found[1] not in COMMANDS} == set()


def test_every_setting_that_is_mentioned_exists() -> None:
    known = {setting.name.upper() for setting in SETTINGS} | VARIABLES
    assert {m for m in every(r"QUARTERDECK_([A-Z_]+[A-Z])") if m[1] not in known} == set()


def test_every_make_target_that_is_mentioned_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {m for m in every(r"(?:`|    )make ([a-z]+)") if m[1] not in targets} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.get_short_help_str(200).rstrip(".") == COMMANDS[name].rstrip(".")
    assert all(getattr(p, "help", "") for p in command.params if isinstance(p, click.Option))


def test_help_is_printed_without_importing_the_server() -> None:
    program = (
        "import sys; from quarterdeck.cli import cli; cli(['--help'], standalone_mode=False); "
        "heavy = {'fastapi', 'chdb', 'sqlalchemy', 'pydantic', 'grpc', 'asyncio'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_no_file_names_a_registry() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    registry = re.compile(
        rb"(?i)(--(?:extra-)?index-url|--find-links|files\.pythonhosted|pypi\.org/simple"
        rb"|registry\.npmjs|\"resolved\":)"
    )
    allowed = {"tests/test_docs.py", "scripts/lock.sh"}
    found = [
        name
        for name in listed
        if name
        and name not in allowed
        and (ROOT / name).is_file()
        and os.path.getsize(ROOT / name) < 5_000_000
        and registry.search((ROOT / name).read_bytes())
    ]
    assert found == []
