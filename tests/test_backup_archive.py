"""The archive of a backup is refused unless every byte of it is what its manifest says."""

import io
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import zstandard

from quarterdeck.core.clock import ManualClock
from quarterdeck.core.errors import BadInput, Conflict, NotFound, Unprocessable
from quarterdeck.store.backup import Manifest, restore, verify
from quarterdeck.store.backup.archive import ArchiveWriter

CLOCK = ManualClock()


def manifest() -> Manifest:
    return Manifest(
        made_by="1.0",
        created_at=0,
        control={"dialect": "sqlite", "revision": "0001"},
        telemetry={"engine": "1.0.0"},
        blobs="included",
        sealing_key="included",
    )


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A whole backup of three files."""
    source = tmp_path / "source"
    source.mkdir()
    path = tmp_path / "deck.tar.zst"
    with path.open("wb") as out:
        writer = ArchiveWriter(out, manifest())
        for name in ("control.db", "secret.key", "blobs/a/b"):
            file = source / name.replace("/", "_")
            file.write_bytes(os.urandom(200_000))
            writer.add(f"data/{name}", file)
        writer.add("data/gone", source / "gone")
        writer.finish()
    return path


def rewritten(archive: Path, change: Callable[[tarfile.TarInfo, bytes], bool | bytes]) -> Path:
    """The archive with each entry as `change` leaves it: other content, or left out."""
    result = archive.with_name("changed.tar.zst")
    plain = zstandard.ZstdDecompressor().stream_reader(archive.open("rb"))
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=plain, mode="r|") as source,
        tarfile.open(fileobj=out, mode="w") as tar,
    ):
        for member in source:
            stream = source.extractfile(member)
            content = stream.read() if stream else b""
            answer = change(member, content)
            if answer is False:
                continue
            content = content if answer is True else answer
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    result.write_bytes(zstandard.compress(out.getvalue()))
    return result


def refusal(path: Path, tmp_path: Path) -> str:
    with pytest.raises(Unprocessable) as caught:
        verify(path)
    with pytest.raises(Unprocessable):
        restore(path, tmp_path / "data", "", CLOCK)
    assert not (tmp_path / "data").exists()
    assert not list(tmp_path.glob(".restore*"))
    return caught.value.code


def test_a_whole_backup_is_restored_for_its_owner_alone(archive: Path, tmp_path: Path) -> None:
    assert sorted(verify(archive).files) == [
        "data/blobs/a/b",
        "data/control.db",
        "data/secret.key",
    ]
    data = tmp_path / "data"
    restore(archive, data, "", CLOCK)
    for name in ("control.db", "secret.key", "blobs/a/b"):
        source = tmp_path / "source" / name.replace("/", "_")
        assert (data / name).read_bytes() == source.read_bytes()
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_an_empty_directory_is_filled_in_its_place(archive: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    identity = data.stat().st_ino
    restore(archive, data, "", CLOCK)
    assert data.stat().st_ino == identity
    assert sorted(p.name for p in data.iterdir()) == ["blobs", "control.db", "secret.key"]


def test_nothing_that_exists_is_overwritten(archive: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "mine").write_text("precious")
    with pytest.raises(Conflict) as caught:
        restore(archive, data, "", CLOCK)
    assert caught.value.code == "restore_not_empty"
    assert [p.name for p in data.iterdir()] == ["mine"]
    with pytest.raises(Conflict):
        restore(archive, data / "mine", "", CLOCK)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_backup_that_broke_off_is_refused(archive: Path, tmp_path: Path, share: float) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * share)])
    assert refusal(archive, tmp_path) == "backup_damaged"


def test_a_changed_byte_is_found(archive: Path, tmp_path: Path) -> None:
    def flip(member: tarfile.TarInfo, content: bytes) -> bytes:
        if member.name != "data/secret.key":
            return content
        return bytes([content[0] ^ 1]) + content[1:]

    assert refusal(rewritten(archive, flip), tmp_path) == "backup_damaged"
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)
    assert refusal(archive, tmp_path) == "backup_damaged"


def test_a_file_left_out_is_found(archive: Path, tmp_path: Path) -> None:
    changed = rewritten(archive, lambda member, _: member.name != "data/secret.key")
    assert refusal(changed, tmp_path) == "backup_damaged"


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content in (b"", b"hello", zstandard.compress(b"hello"), os.urandom(5000)):
        path.write_bytes(content)
        assert refusal(path, tmp_path) == "backup_damaged"
    with pytest.raises(NotFound):
        verify(tmp_path / "nothing")


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "data/../../evil", "data/./evil", "evil", "data", "other/evil",
     "data//evil", "data/a\nb", "data\\evil"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(archive: Path, tmp_path: Path, name: str) -> None:
    def rename(member: tarfile.TarInfo, content: bytes) -> bool:
        if member.name == "data/secret.key":
            member.name = name
        return True

    assert refusal(rewritten(archive, rename), tmp_path) == "backup_damaged"
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_what_is_no_regular_file_is_refused(archive: Path, tmp_path: Path, kind: bytes) -> None:
    def turn(member: tarfile.TarInfo, content: bytes) -> bool:
        if member.name == "data/secret.key":
            member.type = kind
            member.linkname = "/etc/passwd"
        return True

    assert refusal(rewritten(archive, turn), tmp_path) == "backup_damaged"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("format", 2, "backup_newer"),
        ("telemetry", {"engine": "999.1"}, "backup_newer"),
        ("control", {"dialect": "sqlite", "revision": "9999"}, "backup_newer"),
        ("links", {"metadata/default": "/etc"}, "backup_damaged"),
        ("links", {"../x": "../store/abc/00000000-0000-0000-0000-000000000000"}, "backup_damaged"),
    ],
)
def test_what_this_release_cannot_run_is_refused(
    archive: Path, tmp_path: Path, field: str, value: object, code: str
) -> None:
    def change(member: tarfile.TarInfo, content: bytes) -> bytes:
        if member.name != "manifest.json":
            return content
        return orjson.dumps({**orjson.loads(content), field: value})

    with pytest.raises(Unprocessable) as caught:
        restore(rewritten(archive, change), tmp_path / "data", "", CLOCK)
    assert caught.value.code == code
    assert not (tmp_path / "data").exists()


def test_a_database_is_named_exactly_when_the_backup_was_of_one(
    archive: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as caught:
        restore(archive, tmp_path / "data", "postgresql://127.0.0.1/x", CLOCK)
    assert caught.value.code == "restore_needs_no_database"
