"""Secrets, encrypted at rest (AES-256-GCM), referred to as `${secret:NAME}`.

The key comes from the setting `secret_key`, or from `secret.key` in the data directory,
made at the first start and readable by its owner alone. Each value is sealed under its
own name, so that a row copied over another one does not open. No value ever leaves by
the API: only code that needs one opens it, with `resolve`.
"""

import hashlib
import re
import secrets as random
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, insert, select, update

from quarterdeck.accounts.audit import audit
from quarterdeck.accounts.tables import secrets
from quarterdeck.core.errors import Internal, NotFound, TooLarge, Unprocessable
from quarterdeck.core.permissions import Principal
from quarterdeck.core.private_file import make_private_file
from quarterdeck.core.settings import Settings
from quarterdeck.store.control import ControlStore, now_of

KEY_FILE = "secret.key"
MAX_BYTES = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_REFERENCE = re.compile(r"\$\{secret:(" + _NAME.pattern + r")\}")
_VERSION = b"\x01"
_NONCE = 12


@dataclass(frozen=True, slots=True)
class Secret:
    """What may be told of a secret."""

    name: str
    created_at: int
    updated_at: int
    updated_by: str


def server_key(settings: Settings, purpose: str) -> bytes:
    """32 bytes for one purpose, from the setting, or from the key file, which is made if need be."""
    text = str(settings.secret_key)
    if not text:
        text = _key_file(settings.data_dir / KEY_FILE)
    return hashlib.sha256(f"quarterdeck {purpose} {text}".encode()).digest()


class Vault:
    """The secrets of a control store. Functions that take a connection join a transaction."""

    def __init__(self, store: ControlStore, key: bytes) -> None:
        self._store = store
        self._cipher = AESGCM(key)

    def set(self, conn: Connection, who: Principal, name: str, value: str) -> Secret:
        """Create or replace."""
        if not _NAME.fullmatch(name):
            raise Unprocessable(
                "secret_name_invalid",
                "A secret's name has letters, digits, `_`, `.` and `-`, at most 64.",
                "Such as `slack_webhook`.",
            )
        if len(value.encode()) > MAX_BYTES:
            raise TooLarge(
                "secret_too_large",
                f"A secret has at most {MAX_BYTES // 1024} KiB.",
                "Keep large things elsewhere and their key here.",
            )
        nonce = random.token_bytes(_NONCE)
        sealed = _VERSION + nonce + self._cipher.encrypt(nonce, value.encode(), name.encode())
        now = now_of(conn)
        changed = {"sealed": sealed, "updated_at": now, "updated_by": who.name[:320]}
        if conn.execute(update(secrets).where(secrets.c.name == name).values(**changed)).rowcount:
            audit(conn, who, "secret.update", name)
        else:
            conn.execute(insert(secrets).values(name=name, created_at=now, **changed))
            audit(conn, who, "secret.create", name)
        return next(secret for secret in self.entries(conn) if secret.name == name)

    def get(self, conn: Connection, name: str) -> str:
        sealed = conn.execute(select(secrets.c.sealed).where(secrets.c.name == name)).scalar()
        if sealed is None:
            raise Unprocessable(
                "secret_unknown",
                f"There is no secret {name!r}.",
                f"Set it with PUT /api/secrets/{name}.",
            )
        raw = bytes(sealed)
        try:
            plain = self._cipher.decrypt(raw[1 : 1 + _NONCE], raw[1 + _NONCE :], name.encode())
        except InvalidTag as error:
            raise Internal(
                "secret_unreadable",
                f"The secret {name!r} was encrypted with another key.",
                f"Bring back the setting secret_key or the file {KEY_FILE}, or set it anew.",
            ) from error
        return plain.decode()

    def delete(self, conn: Connection, who: Principal, name: str) -> None:
        if conn.execute(delete(secrets).where(secrets.c.name == name)).rowcount == 0:
            raise NotFound(
                "secret_unknown",
                f"There is no secret {name[:64]!r}.",
                "GET /api/secrets lists them.",
            )
        audit(conn, who, "secret.delete", name)

    def entries(self, conn: Connection) -> list[Secret]:
        chosen = select(*(secrets.c[name] for name in Secret.__slots__))
        return [Secret(*row) for row in conn.execute(chosen.order_by(secrets.c.name))]

    async def resolve(self, text: str) -> str:
        """The text with each `${secret:NAME}` replaced by its value."""
        names = set(_REFERENCE.findall(text))
        if not names:
            return text
        values = await self._store.read(lambda conn: {name: self.get(conn, name) for name in names})
        return _REFERENCE.sub(lambda found: values[found.group(1)], text)


def _key_file(path: Path) -> str:
    make_private_file(path, random.token_hex(32))
    text = path.read_text().strip()
    if not text:
        raise Internal(
            "secret_key_empty",
            f"The file {path.name} in the data directory is empty.",
            "Bring it back from a backup; without it stored secrets cannot be read.",
        )
    return text
