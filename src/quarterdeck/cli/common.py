"""What the commands that talk to a server share: its address, its answers, and how trouble is told.

Results go to standard output, everything else to standard error. Exit codes: 0 done,
1 only where a command gives it a meaning (`diff`), 2 an error.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import httpx

from quarterdeck.core.errors import BadInput, QuarterdeckError, Unavailable

ERROR_EXIT = 2

F = TypeVar("F", bound=Callable[..., Any])


class RemoteError(QuarterdeckError):
    """What a server answered instead of doing what was asked."""


def server_options(command: F) -> F:
    """`--url`, `--key` and `--project` as every command has them."""
    for option in (
        click.option(
            "--project", metavar="SLUG", help="Project to work in; the key's own by default."
        ),
        click.option(
            "--key",
            envvar="QUARTERDECK_KEY",
            metavar="KEY",
            help="API key; better given as QUARTERDECK_KEY, since others see command lines.",
        ),
        click.option(
            "--url",
            envvar="QUARTERDECK_URL",
            default="http://127.0.0.1:4400",
            show_default=True,
            help="Address of the server; QUARTERDECK_URL.",
        ),
    ):
        command = option(command)
    return command


def tell_error(error: QuarterdeckError) -> None:
    """What went wrong, what to do, and the code, as every command says it."""
    note(click.style("error: ", fg="red", bold=True) + clean(error.message))
    if error.hint:
        note(f"       {clean(error.hint)}")
    note(click.style(f"       code {clean(error.code)}", dim=True))


def note(text: str) -> None:
    click.echo(text, err=True)


def clean(text: object) -> str:
    """Text from elsewhere, without what a terminal would obey."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in str(text)
    )


@contextmanager
def server(
    url: str, key: str | None, project: str | None, seconds: float = 60
) -> Iterator["Server"]:
    if not url.startswith(("http://", "https://")):
        raise BadInput(
            "url_invalid", f"{url!r} is not the address of a server.", "Write http://HOST:PORT."
        )
    headers = {"Accept": "application/json", "User-Agent": "quarterdeck-cli"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if project:
        headers["X-Quarterdeck-Project"] = project
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=seconds) as client:
            yield Server(client)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadInput(
            "url_invalid", f"{url!r} is not the address of a server.", "Write http://HOST:PORT."
        ) from error
    except httpx.HTTPError as error:
        raise Unavailable(
            "server_unreachable",
            f"{url} does not answer: {error}",
            "Is it running? `quarterdeck serve` starts it; --url or QUARTERDECK_URL names it.",
        ) from error


class Server:
    """A server's API, with its errors raised as ours."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **params: str | None) -> Any:
        given = {name: value for name, value in params.items() if value is not None}
        return self._answer(self._client.get(path, params=given))

    def post(self, path: str, body: Any) -> Any:
        return self._answer(self._client.post(path, json=body))

    @contextmanager
    def download(self, path: str) -> Iterator[Iterable[bytes]]:
        """The answer to a POST, as chunks."""
        with self._client.stream("POST", path) as response:
            if response.status_code >= 400:
                response.read()
                raise remote_error(response)
            yield response.iter_bytes()

    @staticmethod
    def _answer(response: httpx.Response) -> Any:
        if response.status_code >= 400:
            raise remote_error(response)
        try:
            return response.json()
        except ValueError:
            raise _no_quarterdeck(response) from None


def remote_error(response: httpx.Response) -> RemoteError:
    try:
        error = response.json()["error"]
        found = RemoteError(
            str(error["code"]),
            str(error["message"]),
            str(error.get("hint", "")),
            details=error.get("details") or {},
        )
    except (ValueError, KeyError, TypeError):
        return _no_quarterdeck(response)
    if response.status_code == 401:
        found.hint = "Give an API key by --key or QUARTERDECK_KEY; Settings, Keys makes one."
    return found


def _no_quarterdeck(response: httpx.Response) -> RemoteError:
    return RemoteError(
        "answer_unreadable",
        f"{response.url} answered {response.status_code} with something that is no answer of ours.",
        "Check --url or QUARTERDECK_URL; it must lead to a Quarterdeck server.",
    )


def read_text(path: str) -> str:
    """A file's text, or standard input for `-`."""
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInput("file_unreadable", f"{path}: {reason}.", "Check the file's name.") from error
