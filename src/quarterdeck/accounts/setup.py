"""Who may create the first account: somebody on this machine, or who has the set-up token.

The token is made at the first start and lies in a file that its owner alone reads, so whoever
started the server has it, and whoever merely reaches the server first has not. It ends with
the first account.

A request is made on this machine when it comes from a loopback address, nobody says that it
was passed on, and it names this machine as its host. The last two shut the ways round: a
proxy beside the server whose word is not trusted, and a page of another site whose name was
made to point here (DNS rebinding).
"""

import hmac
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from quarterdeck.core.errors import Forbidden
from quarterdeck.core.ids import new_token
from quarterdeck.core.private_file import make_private_file

SETUP_FILE = "setup.token"
_PASSED_ON = (
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
)  # fmt: skip


def on_this_machine(peer: str, headers: Mapping[str, str]) -> bool:
    """Whether a request from this address with these headers (names in lower case) was made here."""
    if any(name in headers for name in _PASSED_ON):
        return False
    return _loopback(peer) and _names_this_machine(headers.get("host", ""))


def setup_token(data: Path) -> str:
    """The token, made if need be."""
    path = data / SETUP_FILE
    make_private_file(path, new_token("qdsetup"))
    return path.read_text().strip()


def forget_setup_token(data: Path) -> None:
    (data / SETUP_FILE).unlink(missing_ok=True)


def check_setup_token(data: Path, given: str) -> None:
    """Raise unless it is the token."""
    if not given:
        raise Forbidden(
            "setup_token_required",
            "Creating the first account from another machine needs the set-up token.",
            "The server printed a link with it when it started; it is also in the file "
            f"{SETUP_FILE} of its data directory.",
        )
    if not hmac.compare_digest(given.strip().encode(), setup_token(data).encode()):
        raise Forbidden(
            "setup_token_wrong",
            "This is not the set-up token of this server.",
            f"Copy it from the file {SETUP_FILE} in the data directory of the server.",
        )


def _loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def _names_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or name.endswith(".localhost") or _loopback(name)
