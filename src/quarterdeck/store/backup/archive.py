"""The file of a backup: a tar archive, compressed with zstd, whose last entry is its manifest.

The manifest names every file with size and SHA-256, and the versions that made them. It
comes last because a backup is streamed while it is read; so an archive that broke off
has none, and is refused. An archive is hostile when it is opened: only regular files
below the known roots are taken, each once, and nothing counts before all of it agrees.
"""

import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import orjson
import zstandard

from quarterdeck.core.errors import Unprocessable

FORMAT = 1
MANIFEST = "manifest.json"
ROOTS = ("data", "control")

_CHUNK = 1024 * 1024
_MAX_MANIFEST = 512 * 1024 * 1024
_MAX_WINDOW = 128 * 1024 * 1024
_PLAIN = re.compile(r"[^\x00-\x1f/\\]{1,255}")


class Sink(Protocol):
    """Where an archive is written to."""

    def write(self, data: bytes, /) -> object: ...


@dataclass(slots=True)
class Manifest:
    """What an archive holds and who made it."""

    made_by: str
    created_at: int
    control: dict[str, str]  # dialect, revision
    telemetry: dict[str, str]  # engine's version
    blobs: str  # "included" or "elsewhere"
    sealing_key: str  # "included" or "setting"
    format: int = FORMAT
    links: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[int, str]] = field(default_factory=dict)  # size, SHA-256

    def encoded(self) -> bytes:
        fields = {name: getattr(self, name) for name in self.__slots__}
        return orjson.dumps(fields, option=orjson.OPT_INDENT_2)

    @property
    def size(self) -> int:
        return sum(size for size, _ in self.files.values())


class ArchiveWriter:
    """Adds files one after the other; `finish` writes the manifest and ends the archive."""

    def __init__(self, sink: Sink, manifest: Manifest) -> None:
        self._manifest = manifest
        self._sink = sink
        self._compress = zstandard.ZstdCompressor(level=3).compressobj()
        self._tar = tarfile.open(  # noqa: SIM115 - `finish` ends it
            fileobj=_Compressed(self._compress, sink),
            mode="w|",
            format=tarfile.PAX_FORMAT,
            bufsize=_CHUNK,
        )

    def add(self, name: str, path: Path) -> None:
        """A file as it is now; one that is deleted while it is looked for is left out."""
        try:
            source = path.open("rb")
        except FileNotFoundError:
            return
        with source:
            info = tarfile.TarInfo(name)
            info.size = source.seek(0, io.SEEK_END)
            info.mode = 0o600
            source.seek(0)
            hashed = _Hashed(source)
            self._tar.addfile(info, hashed)
            self._manifest.files[name] = (info.size, hashed.digest.hexdigest())

    def finish(self) -> None:
        content = self._manifest.encoded()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(content)
        self._tar.addfile(info, io.BytesIO(content))
        self._tar.close()
        self._sink.write(self._compress.flush())


class _Compressed(io.RawIOBase):
    """The sink as the file that tar writes to."""

    def __init__(self, compress: "zstandard.ZstdCompressionObj", sink: Sink) -> None:
        super().__init__()
        self._compress = compress
        self._sink = sink

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if packed := self._compress.compress(data):
            self._sink.write(packed)
        return len(data)


class _Hashed:
    """A file that is hashed as it is read."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data


Take = Callable[[str, Iterator[bytes]], None]


def read_archive(source: BinaryIO, take: Take) -> Manifest:
    """Give every file to `take`, then check them all; Unprocessable when anything disagrees."""
    found: dict[str, tuple[int, str]] = {}
    manifest: Manifest | None = None
    with _damage():
        plain = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).stream_reader(source)
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.isreg() else None
                if manifest is not None or stream is None:
                    raise damaged("it holds something that a backup does not")
                if member.name == MANIFEST:
                    manifest = _manifest(stream.read(_MAX_MANIFEST))
                    continue
                if member.name in found or not _is_plain(member.name):
                    raise damaged(f"it holds a file named {member.name[:80]!r}")
                digest = hashlib.sha256()
                take(member.name, _chunks(stream, digest))
                found[member.name] = (member.size, digest.hexdigest())
    if manifest is None:
        raise damaged("it ends before its manifest")
    if found != manifest.files:
        wrong = sorted(
            name
            for name in found.keys() | manifest.files.keys()
            if found.get(name) != manifest.files.get(name)
        )
        raise damaged(f"{wrong[0]!r} is not what the manifest says ({len(wrong)} such files)")
    return manifest


def discard(name: str, chunks: Iterator[bytes]) -> None:
    """A `take` that only checks."""
    for _ in chunks:
        pass


def damaged(reason: str) -> Unprocessable:
    return Unprocessable(
        "backup_damaged", f"This is no whole backup: {reason}.", "Use another backup."
    )


def _is_plain(name: str) -> bool:
    parts = name.split("/")
    return (
        parts[0] in ROOTS
        and len(parts) > 1
        and all(part not in (".", "..") and _PLAIN.fullmatch(part) for part in parts)
    )


def _chunks(stream: Any, digest: Any) -> Iterator[bytes]:
    while data := stream.read(_CHUNK):
        digest.update(data)
        yield data


def _manifest(content: bytes) -> Manifest:
    fields: Any = orjson.loads(content)
    if not isinstance(fields, Mapping) or not isinstance(fields.get("format"), int):
        raise damaged("its manifest cannot be read")
    if fields["format"] > FORMAT:
        raise Unprocessable(
            "backup_newer",
            f"The backup has format {fields['format']}, and this release reads {FORMAT}.",
            f"Use the release that made it, {str(fields.get('made_by'))[:40]}, or a later one.",
        )
    manifest = Manifest(**fields)
    manifest.files = {name: (size, digest) for name, (size, digest) in manifest.files.items()}
    return manifest


@contextmanager
def _damage() -> Iterator[None]:
    """What a broken archive makes its readers raise, as one error."""
    try:
        yield
    except (
        tarfile.TarError,
        zstandard.ZstdError,
        zlib.error,
        EOFError,
        orjson.JSONDecodeError,
        UnicodeDecodeError,
        TypeError,
        ValueError,
        KeyError,
        AttributeError,
    ) as error:
        raise damaged("it is cut off or changed") from error
