"""One small API over a directory (the default), S3, Google Cloud Storage or Azure.

Guarantees. A blob appears whole or not at all. A key is a relative path of plain
segments, checked before it reaches any store, so no key leads out of the store's
directory or prefix. A store that does not answer gives `Unavailable`, which may be
retried; a blob that is not there gives `NotFound`.

Credentials for a cloud come from where that cloud's own tools take them (environment,
instance role), never from a setting of ours.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from quarterdeck.core.errors import BadInput, NotFound, TooLarge, Unavailable

MAX_KEY = 512
CHUNK = 1024 * 1024
MAX_GET = 64 * 1024 * 1024

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._=@+-]{0,199}")
_SCHEMES = ("s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss", "file")


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What a store says of a blob without reading it."""

    key: str
    size: int
    modified_ms: int


def check_key(key: str) -> str:
    """The key itself; BadInput unless it is a plain relative path."""
    if len(key) > MAX_KEY or not all(_SEGMENT.fullmatch(part) for part in key.split("/")):
        raise BadInput(
            "blob_key_invalid",
            f"{key[:80]!r} cannot be the key of a blob.",
            "Use segments of letters, digits and ._=@+- that begin with a letter, "
            f"a digit or _, joined by slashes; at most {MAX_KEY} characters.",
        )
    return key


class Blobs:
    """Built by `open_blobs`; safe to share between tasks."""

    def __init__(self, store: ObjectStore, directory: Path | None) -> None:
        self._store = store
        self.directory = directory
        """Where the blobs are, when that is a directory of this machine."""

    async def put(self, key: str, data: bytes | AsyncIterator[bytes]) -> None:
        """Store a blob whole, in place of what had its key; a stream is not held in memory."""
        with _outcome(check_key(key)):
            await obstore.put_async(self._store, key, data)

    async def get(self, key: str, limit: int = MAX_GET) -> bytes:
        """The whole blob; larger ones than `limit` are for `stream`."""
        with _outcome(check_key(key)):
            found = await obstore.get_async(self._store, key)
            if found.meta["size"] > limit:
                raise TooLarge(
                    "blob_too_large",
                    f"The blob has {found.meta['size']} bytes, more than the {limit} asked for.",
                    "Read it as a stream.",
                )
            return bytes(await found.bytes_async())

    async def stream(self, key: str, chunk: int = CHUNK) -> AsyncIterator[bytes]:
        """The blob in chunks of about that size, in bounded memory."""
        with _outcome(check_key(key)):
            found = await obstore.get_async(self._store, key)
            async for part in found.stream(min_chunk_size=chunk):
                yield bytes(part)

    async def info(self, key: str) -> BlobInfo:
        with _outcome(check_key(key)):
            meta = await obstore.head_async(self._store, key)
        return BlobInfo(key, meta["size"], int(meta["last_modified"].timestamp() * 1000))

    async def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        """All blobs below a prefix of whole segments; without one, all there are."""
        if prefix:
            check_key(prefix)
        with _outcome(prefix):
            async for batch in obstore.list(self._store, prefix or None):
                for meta in batch:
                    yield BlobInfo(
                        meta["path"], meta["size"], int(meta["last_modified"].timestamp() * 1000)
                    )

    async def delete(self, key: str) -> None:
        """Delete a blob; one that is not there is deleted already."""
        try:
            with _outcome(check_key(key)):
                await obstore.delete_async(self._store, key)
        except NotFound:
            return

    async def delete_below(self, prefix: str) -> int:
        """Delete all blobs below a prefix; how many there were."""
        check_key(prefix)
        keys = [blob.key async for blob in self.list(prefix)]
        for key in keys:
            await self.delete(key)
        return len(keys)


def open_blobs(url: str, directory: Path) -> Blobs:
    """The store at an address such as s3://bucket/prefix, or in the directory when it is empty."""
    if not url:
        directory.mkdir(parents=True, exist_ok=True)
        return Blobs(LocalStore(directory), directory)
    scheme = url.split("://", 1)[0]
    if "://" not in url or scheme not in _SCHEMES:
        raise BadInput(
            "blobs_url_invalid",
            f"blobs_url must begin with one of {', '.join(s + '://' for s in _SCHEMES)}.",
            "Leave it empty to keep blobs in the data directory.",
        )
    try:
        if scheme == "file":
            path = Path(url.removeprefix("file://"))
            path.mkdir(parents=True, exist_ok=True)
            return Blobs(LocalStore(path), path)
        return Blobs(from_url(url), None)
    except (BaseError, ValueError, OSError) as error:
        raise BadInput(
            "blobs_url_invalid",
            f"The blob store cannot be opened: {_first_line(error)}",
            "Check blobs_url and the cloud's own environment variables.",
        ) from error


@contextmanager
def _outcome(key: str) -> Iterator[None]:
    """A store's complaint as one of ours."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound(
            "blob_unknown", f"There is no blob {key!r}.", "It may have been deleted."
        ) from None
    except (BaseError, OSError, ValueError) as error:
        raise Unavailable(
            "blobs_unavailable",
            f"The blob store does not answer: {_first_line(error)}",
            "Try again; if it lasts, look at the disk or at the cloud's credentials.",
            retry_after=5,
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:300]
